"""Which names `from module import name` finds in a module, by its tree."""

from __future__ import annotations

import ast
import re
import types
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from ssot_fix.source import Source

# Of several bindings of one name, the strongest kind is the one to tell.
STRENGTH: Mapping[str, int] = {"import": 0, "assign": 1, "async def": 2, "def": 3, "class": 4}

# What every module has (https://docs.python.org/3/reference/datamodel.html#modules), and `__path__` of packages.
IMPLICIT = frozenset(dir(types.ModuleType)) | {
    *("__annotations__", "__builtins__", "__cached__", "__dict__", "__doc__", "__file__", "__loader__", "__name__"),
    *("__package__", "__path__", "__spec__"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a module has once it has run.

    `bound` are those that it binds, each with the strongest of its kinds (`class`, `def`, `async def`, `assign`,
    `import`); one that is bound in a branch or deleted again counts. `stars` are its star imports: leading dots
    and module. `open`: there may be more, which only running tells. `paths_open`: it may have submodules that
    are not in its folder. `exported` are the literal strings in `__all__`, None if there is no such list (then a
    star import takes the public names); `exported_open`: it may hold others as well, or be set after all.
    """

    bound: Mapping[str, str]
    stars: tuple[tuple[int, str], ...] = ()
    open: bool = False
    paths_open: bool = False
    exported: frozenset[str] | None = None
    exported_open: bool = False


def module_names(tree: ast.Module, source: Source | None = None, *, stub: bool = False) -> Names:
    """The names of a module.

    `source` is what the tree was parsed from: with it, code that can't bind a global name is passed over.
    `stub`: it is a .pyi, where an annotation without a value declares a name.
    """
    walk = _Walk(_lines_of_interest(source), stub)
    walk.run(tree)
    if walk.aliases:
        walk = _Walk(None, stub, walk.aliases)
        walk.run(tree)
    exported = walk.exported
    made = _made_on_demand(tree)
    return Names(
        {**dict.fromkeys(made or (), "assign"), **walk.bound},
        tuple(walk.stars),
        walk.open or (made is None and "__getattr__" in walk.bound),
        walk.paths_open,
        None if exported is None else frozenset(exported),
        walk.exported_open,
    )


def _made_on_demand(tree: ast.Module) -> frozenset[str] | None:
    """The names that a module's `__getattr__` answers to, if it says so plainly: `if name == "x"` and then raise."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "__getattr__"]
    if len(functions) != 1 or len(functions[0].args.args) != 1:
        return None
    parameter, body = functions[0].args.args[0].arg, functions[0].body
    if not isinstance(body[-1], ast.Raise):
        return None
    literals = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    waiting = list(body[:-1])
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.If) and (names := _asked_for(statement.test, parameter, literals)) is not None:
            found |= names
            waiting += statement.orelse
        elif not isinstance(statement, ast.Expr | ast.Import | ast.ImportFrom | ast.Raise):
            return None
    return frozenset(found)


def _asked_for(test: ast.expr, parameter: str, literals: Mapping[str, ast.expr]) -> set[str] | None:
    """The names that a condition on the parameter of `__getattr__` lets through; None if that can't be seen."""
    match test:
        case ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()], comparators=[ast.Constant(value=str(value))]):
            return {value} if name == parameter else None
        case ast.Compare(left=ast.Name(id=name), ops=[ast.In()], comparators=[collection]) if name == parameter:
            if isinstance(collection, ast.Name):
                collection = literals.get(collection.id, collection)
            elements = collection.keys if isinstance(collection, ast.Dict) else getattr(collection, "elts", None)
            if elements is None or not all(isinstance(element, ast.Constant) for element in elements):
                return None
            return {str(element.value) for element in elements if isinstance(element, ast.Constant)}
    return None


# Outside of module-level statements, only code that spells one of these can bind a global name.
_TELLTALE = re.compile(
    rb":=|\b(?:global|modules|exec|eval|vars|locals|_convert_|initpkg|declare_namespace)\b"
    rb"|\bglobal(?:s|_enum)\b|\bimport_module\b|\b__(?:all|path|import)__\b"
)
# What it matches begins with one of these, which are found at a seventh of its cost.
_BEGINNINGS = (
    *(b":=", b"global", b"modules", b"exec", b"eval", b"vars", b"locals", b"_convert_", b"initpkg"),
    *(b"declare_namespace", b"import_module", b"__all__", b"__path__", b"__import__"),
)
# What is done with a module's namespace, or with the module itself, without binding a name in it.
_READING = frozenset({"copy", "get", "items", "keys", "values"})
_LOOKING = frozenset(
    {"all", "any", "bool", "dict", "dir", "enumerate", "frozenset", "getattr", "getdoc", "getmembers", "getsource"}
    | {"hasattr", "help", "id", "isinstance", "issubclass", "iter", "len", "list", "max", "min", "print", "repr"}
    | {"set", "sorted", "str", "tuple", "type", "zip"}
)
_CHANGING_A_LIST = frozenset({"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort", "__iadd__"})
_BINDERS = frozenset({"_convert_", "global_enum", "initpkg"})  # of enum, apipkg: they fill the caller's module
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def _lines_of_interest(source: Source | None) -> list[int] | None:
    """The lines that spell something that can bind a global name anywhere, sorted; None: look at every line."""
    if source is None:
        return None
    # Python normalises identifiers (NFKC): in such texts they may be spelled otherwise.
    if not source.is_normal:
        return None
    return sorted({source.line_of(at) for at in _telltales(source.body)})


def _telltales(body: bytes) -> Iterator[int]:
    for beginning in _BEGINNINGS:
        at = body.find(beginning)
        while at >= 0:
            if _TELLTALE.match(body, at):
                yield at
            at = body.find(beginning, at + 1)


def lines_of(spelled: re.Pattern[bytes], source: Source) -> list[int]:
    """The lines that spell something, sorted."""
    return sorted({source.line_of(match.start()) for match in spelled.finditer(source.body)})


def spans_one(node: ast.stmt | ast.expr | ast.excepthandler, lines: Sequence[int]) -> bool:
    """Whether a node spans one of some lines, which are sorted."""
    at = bisect_left(lines, node.lineno)
    return at < len(lines) and lines[at] <= (node.end_lineno or node.lineno)


# Where a name is bound: None at module level, else the names that the function or class declares global.
_Scope = set[str] | None
_Visit = tuple[ast.AST, _Scope]


class _Walk:
    """One pass, in the order of the source, over the nodes that can bind a global name."""

    def __init__(self, lines: list[int] | None, stub: bool, aliases: Iterable[str] = ()) -> None:
        """`aliases` are what the file calls the module itself, as an earlier walk has found."""
        self.aliases = set(aliases)
        self._lines = lines
        self._stub = stub
        self._harmless: set[int] = set()  # ids of nodes that their parent only looks at
        self.bound: dict[str, str] = {}
        self.stars: list[tuple[int, str]] = []
        self.open = False
        self.paths_open = False
        self.exported: set[str] | None = None
        self.exported_open = False

    def run(self, tree: ast.Module) -> None:
        for statement in tree.body:
            if not self._export(statement):
                self._walk(statement)

    def _walk(self, statement: ast.stmt) -> None:
        waiting: list[_Visit] = [(statement, None)]
        while waiting:
            waiting += reversed(self._children(*waiting.pop()))

    def _near(self, node: ast.AST) -> bool:
        return self._lines is None or not hasattr(node, "lineno") or spans_one(cast("ast.stmt", node), self._lines)

    def _bind(self, name: str, kind: str, scope: _Scope) -> None:
        if scope is not None and name not in scope:
            return
        known = self.bound.get(name)
        if known is None or STRENGTH[kind] > STRENGTH[known]:
            self.bound[name] = kind
        self._changed(name)

    def _children(self, node: ast.AST, scope: _Scope) -> list[_Visit]:
        if isinstance(node, ast.expr):
            is_target = isinstance(getattr(node, "ctx", None), ast.Store)
            return self._expression(node, scope) if is_target or self._near(node) else []
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._bind(node.name, "def" if isinstance(node, ast.FunctionDef) else "async def", scope)
                return self._function(node, scope)
            case ast.ClassDef():
                self._bind(node.name, "class", scope)
                return self._class(node, scope)
            case ast.Global() if scope is not None:
                scope.update(node.names)
            case ast.Import() | ast.ImportFrom():
                self._import(node, scope)
            case ast.AnnAssign(value=None, target=target):
                if self._stub and isinstance(target, ast.Name):
                    self._bind(target.id, "assign", scope)
                return []
            case ast.For() | ast.AsyncFor():
                self._harmless.add(id(node.iter))
            case ast.If() | ast.While():
                self._harmless.add(id(node.test))
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_this_module(value):
                self._harmless.add(id(value))
                self.aliases.add(name)
            case ast.ExceptHandler(name=str(name)):
                self._bind(name, "assign", scope)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                self._bind(name, "assign", scope)
        return [(child, scope) for child in ast.iter_child_nodes(node)]

    def _expression(self, node: ast.expr, scope: _Scope) -> list[_Visit]:
        self._look(node, scope)
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                self._bind(name, "assign", scope)
            case ast.Lambda():
                return self._function(node, scope)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return self._comprehension(node, scope)
        return [(child, scope) for child in ast.iter_child_nodes(node)]

    def _class(self, node: ast.ClassDef, scope: _Scope) -> list[_Visit]:
        self.open = self.open or any(_last_name(decorator) in _BINDERS for decorator in node.decorator_list)
        around = [(child, scope) for child in (*node.decorator_list, *node.bases, *node.keywords)]
        inner: _Scope = set()
        return [*around, *((child, inner) for child in node.body)] if self._near(node) else around

    def _function(self, node: _Function, scope: _Scope) -> list[_Visit]:
        inner: _Scope = set()
        arguments = node.args
        outer: list[ast.AST] = [*getattr(node, "decorator_list", ()), *arguments.defaults]
        outer += [default for default in arguments.kw_defaults if default is not None]
        around = [(child, scope) for child in outer]
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        return [*around, *((child, inner) for child in body)] if self._near(node) else around

    def _comprehension(self, node: ast.expr, scope: _Scope) -> list[_Visit]:
        """Targets are the comprehension's own; what `:=` binds inside is the scope's around it (PEP 572)."""
        found: list[_Visit] = []
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.comprehension):
                self._harmless.add(id(child.iter))
                found += [(part, scope) for part in (child.iter, *child.ifs)]
            else:
                found.append((child, scope))
        return found

    def _import(self, node: ast.Import | ast.ImportFrom, scope: _Scope) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                self._bind(alias.asname or alias.name.partition(".")[0], "import", scope)
            elif alias.name != "*":
                self._bind(alias.asname or alias.name, "import", scope)
            else:
                self.stars.append((node.level, node.module or ""))

    # What only running tells

    def _look(self, node: ast.expr, scope: _Scope) -> None:
        """See what is done with the module or its namespace: whatever is not known to be harmless opens it."""
        match node:
            case ast.Attribute(value=value, attr=attr):
                self._attribute(value, attr, node)
            case ast.Subscript(value=value, ctx=ast.Load()):
                self._harmless.add(id(value))
            case ast.Subscript(value=ast.Name(id=name)):
                self._changed(name)
            case ast.Compare():
                self._harmless.update(map(id, (node.left, *node.comparators)))
            case ast.BoolOp():
                self._harmless.update(map(id, node.values))
            case ast.Call():
                self._call(node, scope)
        if id(node) not in self._harmless and (self._is_self(node) or _is_namespace(node, scope)):
            self.open = True

    def _is_self(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.aliases and isinstance(node.ctx, ast.Load)
        return _is_this_module(node)

    def _attribute(self, value: ast.expr, attr: str, node: ast.Attribute) -> None:
        if isinstance(value, ast.Name) and attr in _CHANGING_A_LIST:
            self._changed(value.id)
        if not self._is_self(value):
            if attr in _READING:
                self._harmless.add(id(value))
        elif not isinstance(node.ctx, ast.Store):
            if attr not in ("__dict__", "__setattr__"):
                self._harmless.add(id(value))
        elif attr != "__class__":
            self._harmless.add(id(value))
            self._bind(attr, "assign", None)

    def _changed(self, name: str) -> None:
        """Note that a name which means something to Python was given another value, or its list was changed."""
        if name == "__path__":
            self.paths_open = True
        elif name == "__all__":
            self.exported_open = True

    def _call(self, node: ast.Call, scope: _Scope) -> None:
        called = _last_name(node.func)
        self._harmless.update(id(keyword.value) for keyword in node.keywords if keyword.arg is None)
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        match node:
            case ast.Call(func=ast.Name(id="setattr"), args=[ast.expr() as of, ast.Constant(value=str(name)), _]):
                if self._is_self(of):
                    self._harmless.add(id(of))
                    self._bind(name, "assign", None)
            case ast.Call(func=ast.Name(id="exec" | "eval")) if len(arguments) < 2 and scope is None:
                self.open = True
        if called in _LOOKING:
            self._harmless.update(map(id, arguments))
        elif any(isinstance(argument, ast.Name) and argument.id == "__all__" for argument in arguments):
            self.exported_open = True
        self.paths_open = self.paths_open or called == "declare_namespace"
        self.open = self.open or called in _BINDERS

    # What a star import takes

    def _export(self, statement: ast.stmt) -> bool:
        """Take over the literal strings that a module-level statement puts into `__all__`; False if it does not."""
        held = self.exported or set()
        match statement:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                exported = _literal(value)
            case ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value):
                exported = _literal(value)
            case ast.AugAssign(target=ast.Name(id="__all__"), op=ast.Add(), value=value):
                exported = _joined(held, _literal(value))
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id="__all__"), attr=method), args=[value], keywords=[]
                )
            ):
                exported = _changed_by(method, held, value)
            case _:
                return False
        if exported is None:
            return False
        self.bound.setdefault("__all__", "assign")
        self.exported = exported
        return True


def _changed_by(method: str, held: set[str], value: ast.expr) -> set[str] | None:
    """What a list of strings holds after a method was called; None if that is not plain."""
    if method == "extend":
        return _joined(held, _literal(value))
    item = _literal(ast.List(elts=[value], ctx=ast.Load()))
    if method == "append":
        return _joined(held, item)
    return held - item if method == "remove" and item is not None else None


def _joined(held: set[str], more: set[str] | None) -> set[str] | None:
    return None if more is None else held | more


def _is_namespace(node: ast.expr, scope: _Scope) -> bool:
    """Whether an expression is the dict of the module's names."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[], keywords=[]):
            return name == "globals" or (name in ("locals", "vars") and scope is None)
    return False


def _is_this_module(node: ast.expr) -> bool:
    """Whether an expression is the module itself: `sys.modules[__name__]`, `import_module(__name__)`."""
    match node:
        case ast.Subscript(
            value=ast.Name(id="modules") | ast.Attribute(attr="modules"), slice=ast.Name(id="__name__")
        ):
            return True
        case ast.Call(func=ast.Attribute(value=modules, attr="get"), args=[ast.Name(id="__name__"), *_]):
            return _last_name(modules) == "modules"
        case ast.Call(func=function, args=[ast.Name(id="__name__"), *_]):
            return _last_name(function) in ("import_module", "__import__")
    return False


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _literal(node: ast.expr) -> set[str] | None:
    """The strings of a literal list, tuple or set, or of several joined by `+`."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        match waiting.pop():
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                waiting += [left, right]
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                for element in elements:
                    if not isinstance(element, ast.Constant) or not isinstance(element.value, str):
                        return None
                    found.add(element.value)
            case _:
                return None
    return found
