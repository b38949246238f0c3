"""What a definition is to those who use it: its kind, its parameters, its public members, its body.

Read from one module's tree. What that does not show, such as a constructor that is inherited from elsewhere, is said
to be unseen.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal["class", "def", "async def", "assign", "import"]
ParameterKind = Literal["positional-only", "positional", "*", "keyword-only", "**"]
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Ancestor = ast.ClassDef | str

_HARMLESS = frozenset(  # decorators that change nothing for users, or that are read for what they mean
    {"cache", "dataclass", "deprecated", "final", "lru_cache", "overload", "override", "runtime_checkable"}
    | {"total_ordering", "unique", "wraps"}
)
_TRANSPARENT = frozenset(
    {"abc.ABC", "builtins.object", "typing.Generic", "typing.Protocol", "typing_extensions.Protocol"}
)
_ENUMS = frozenset(f"enum.{name}" for name in ("Enum", "Flag", "IntEnum", "IntFlag", "StrEnum"))
# Exceptions take any arguments; these want certain ones.
_PARTICULAR = frozenset(
    {"BaseExceptionGroup", "ExceptionGroup", "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeTranslateError"}
)
_EXCEPTIONS = frozenset(
    f"builtins.{name}"
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException) and name not in _PARTICULAR
)
# Methods that are called by syntax.
_PROTOCOL = frozenset(
    f"__{name}__"
    for name in (
        *("aenter", "aexit", "aiter", "anext", "await", "bool", "call", "contains", "delitem", "enter", "eq", "exit"),
        *("float", "ge", "getitem", "gt", "index", "int", "iter", "le", "len", "lt", "next", "setitem"),
    )
)
_STRENGTH: Mapping[Kind, int] = {"import": 0, "assign": 1, "async def": 2, "def": 3, "class": 4}


_CONSTRUCTORS = ("__new__", "__init__")
_NAMING = ("name", "attr", "arg", "module", "asname")  # fields of nodes that hold a name


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; `required` if every call has to give it."""

    name: str
    kind: ParameterKind
    required: bool


Parameters = tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function is called; a method without `self` or `cls`. `decorators` are those that may matter."""

    parameters: Parameters
    is_async: bool = False
    is_generator: bool = False
    decorators: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shape:
    """What a definition is to those who use it.

    `signature` is a function's or a class's constructor's; None if there is none or it is unknown, and then
    `unseen` says why, and `built_by` names the base out of sight that brings it. A class has `bases`, as written;
    `inherits`, those of them and of their bases that its module does not define, by where they are imported from
    (with a leading dot if that is not known for certain); `fields`, its annotated names as keywords of a
    constructor that a base may make of them; and its public `methods` and `attributes`, those of bases in the
    module included. `value` is what an assignment binds: a type, or `call of f`. `spelled` is `body` with what
    strings hold. `body` are the tokens without docstrings, comments, the own name and what strings hold, unless
    that is what an enum or a value is about. `through` are the aliases that were followed (`X = Y`), `origin` what
    an import means. `several`: the module defines it in several ways.
    """

    name: str
    kind: Kind
    signature: Signature | None = None
    unseen: str = ""
    built_by: str = ""
    decorators: frozenset[str] = frozenset()
    bases: tuple[str, ...] = ()
    inherits: tuple[str, ...] = ()
    fields: Parameters = ()
    methods: Mapping[str, Signature] = field(default_factory=dict)
    attributes: frozenset[str] = frozenset()
    value: str = ""
    body: tuple[str, ...] = ()
    spelled: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    origin: str = ""
    several: bool = False


def is_known(base: str) -> bool:
    """Whether it is known which public members a base from outside brings: those of a builtin, or none that matter."""
    return base.startswith("builtins.") or base in _TRANSPARENT | _ENUMS or base == "typing.NamedTuple"


def brings(base: str, member: str) -> bool:
    """Whether a base is a builtin that has a member."""
    module, _, name = base.rpartition(".")
    return module == "builtins" and hasattr(getattr(builtins, name), member)


def shapes(tree: ast.Module, names: Collection[str], package: str = "") -> dict[str, Shape]:
    """The shapes of those of some names that a module defines, assigns or imports at module level.

    What stands in a branch counts. `package` is the package from which relative imports start, if it is known.
    """
    module = _Module(tree, package)
    found = {name: module.shape(name) for name in names}
    return {name: shape for name, shape in found.items() if shape is not None}


@dataclass(frozen=True, slots=True)
class _Binding:
    """One of the ways in which a module binds a name.

    `node` is the definition or the value; None for an import, and where the value is only a part of one.
    """

    kind: Kind
    node: ast.AST | None
    origin: str = ""


class _Module:
    """A module's own bindings, and what they look like."""

    def __init__(self, tree: ast.Module, package: str) -> None:
        self._package = package
        self._bindings: dict[str, list[_Binding]] = {}
        self._ancestries: dict[ast.ClassDef, list[_Ancestor]] = {}
        for statement in tree.body:
            for name, binding in self._bound(statement):
                self._bindings[name] = [binding]  # what was bound before is lost
            nests = not isinstance(statement, _Function | ast.ClassDef)
            for nested in _branches(statement) if nests else ():
                for name, binding in self._bound(nested):
                    self._bindings.setdefault(name, []).append(binding)

    def _bound(self, statement: ast.stmt) -> Iterator[tuple[str, _Binding]]:
        match statement:
            case ast.ClassDef():
                yield statement.name, _Binding("class", statement)
            case ast.FunctionDef() | ast.AsyncFunctionDef() if "overload" not in _names(statement.decorator_list):
                kind: Kind = "def" if isinstance(statement, ast.FunctionDef) else "async def"
                yield statement.name, _Binding(kind, statement)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield from _assigned(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield from _assigned(target, value)
            case ast.Import(names=aliases):
                for alias in aliases:
                    origin = alias.name if alias.asname else alias.name.partition(".")[0]
                    yield alias.asname or origin, _Binding("import", None, origin)
            case ast.ImportFrom(names=aliases):
                for alias in aliases:
                    origin = self._absolute(statement, alias.name)
                    yield alias.asname or alias.name, _Binding("import", None, origin)

    def _absolute(self, statement: ast.ImportFrom, name: str) -> str:
        ends = [part for part in (statement.module, name) if part]
        parents = self._package.split(".") if self._package else []
        if statement.level > len(parents):
            return "." * statement.level + ".".join(ends)
        return ".".join([*(parents[: len(parents) - statement.level + 1] if statement.level else []), *ends])

    def _origin(self, expression: ast.expr) -> str:
        """Where a dotted name leads: module and name, with a leading dot if that is not known for certain."""
        first, dot, rest = ast.unparse(expression).partition(".")
        found = self._bindings.get(first)
        if found is None:
            return f"builtins.{first}" if hasattr(builtins, first) and not dot else f".{first}{dot}{rest}"
        if len(found) == 1 and found[0].kind == "import":
            return f"{found[0].origin}{dot}{rest}"
        return f".{first}{dot}{rest}"

    def shape(self, name: str, seen: tuple[str, ...] = ()) -> Shape | None:
        """What a name is bound to; aliases are followed."""
        found = self._bindings.get(name)
        if not found or name in seen:
            return None
        binding = max(found, key=lambda each: _STRENGTH[each.kind])
        return replace(self._shape(name, binding, (*seen, name)), several=len(found) > 1)

    def _shape(self, name: str, binding: _Binding, seen: tuple[str, ...]) -> Shape:
        match binding.node:
            case ast.ClassDef() as node:
                return _Class(self, node).shape()
            case ast.FunctionDef() | ast.AsyncFunctionDef() as node:
                signature = _signature(node)
                body, spelled = _tokens(_documented(node))
                return Shape(
                    name, binding.kind, signature, decorators=signature.decorators, body=body, spelled=spelled
                )
            case ast.Name(id=other) as node if target := self.shape(other, seen):
                return replace(target, name=name, through=(other, *target.through))
            case ast.expr() as node:
                return Shape(name, "assign", value=_value(node), body=_tokens([node])[1])
        return Shape(name, binding.kind, origin=binding.origin)

    def ancestry(self, node: ast.ClassDef, below: tuple[ast.ClassDef, ...] = ()) -> list[_Ancestor]:
        """A class and its bases in the order in which they are searched: those of the module, of others the origin.

        Left to right, depth first, each at its last place; that is Python's order except in contrived diamonds.
        """
        if node not in self._ancestries:
            found: list[_Ancestor] = [node]
            for base in map(self._base, node.bases):
                if isinstance(base, str):
                    found.append(base)
                elif base is not node and base not in below:
                    found += self.ancestry(base, (*below, node))
            self._ancestries[node] = list(dict.fromkeys(reversed(found)))[::-1]
        return self._ancestries[node]

    def _base(self, base: ast.expr) -> _Ancestor:
        named = base.value if isinstance(base, ast.Subscript) else base
        if isinstance(named, ast.Name):
            bound = self._bindings.get(named.id, [])
            if len(bound) == 1 and isinstance(bound[0].node, ast.ClassDef):
                return bound[0].node
        return self._origin(named)


class _Class:
    """One class, seen with those of its bases that the module defines."""

    def __init__(self, module: _Module, node: ast.ClassDef) -> None:
        self._node = node
        self._ancestry = [each for each in module.ancestry(node) if each not in _TRANSPARENT]
        self._classes = [each for each in self._ancestry if isinstance(each, ast.ClassDef)]
        self._members = {each: _Members(each) for each in self._classes}

    def shape(self) -> Shape:
        node = self._node
        signature, unseen, built_by = self._constructor()
        methods: dict[str, Signature] = {}
        attributes: set[str] = set()
        for each in reversed(self._classes):
            methods |= self._members[each].methods
            attributes |= self._members[each].attributes
        body, spelled = _tokens(_documented(node))
        return Shape(
            node.name,
            "class",
            signature,
            unseen,
            built_by,
            decorators=frozenset(_names(node.decorator_list)) - _HARMLESS,
            bases=tuple(ast.unparse(base) for base in node.bases),
            inherits=tuple(each for each in self._ancestry if isinstance(each, str)),
            fields=tuple(replace(each, kind="keyword-only") for each in self._fields(self._classes)),
            methods={name: method for name, method in methods.items() if _is_public(name)},
            attributes=frozenset(filter(_is_public, attributes)),
            body=spelled if self._is_enum else body,
            spelled=spelled,
        )

    @property
    def _is_enum(self) -> bool:
        return any(each in _ENUMS for each in self._ancestry)

    def _constructor(self) -> tuple[Signature | None, str, str]:
        """The first constructor on the way through the bases; if it is out of sight, why and which base's it is."""
        if any(_is_made_otherwise(each) for each in self._classes):
            return None, "a metaclass or a base may make its constructor", ""
        if self._is_enum:
            return Signature((Parameter("value", "positional-only", True),)), "", ""
        for at, each in enumerate(self._ancestry):
            if isinstance(each, str):
                return self._outside(each)
            own = [method for name in _CONSTRUCTORS if (method := self._members[each].methods.get(name))]
            if own:
                narrow = [method for method in own if not _takes_anything(method.parameters)] or own[:1]
                return (narrow[0], "", "") if len(narrow) == 1 else (None, "it has both __new__ and __init__", "")
            for decorator in each.decorator_list:
                if _names([decorator]) == ["dataclass"]:
                    return *self._dataclass(decorator, self._ancestry[at:]), ""
        return Signature(()), "", ""

    def _outside(self, origin: str) -> tuple[Signature | None, str, str]:
        if origin in _EXCEPTIONS:
            return Signature((Parameter("args", "*", False),)), "", ""
        if origin == "typing.NamedTuple":
            return Signature(tuple(self._fields(self._classes))), "", ""
        return None, f"its constructor is inherited from {origin.lstrip('.')}", origin

    def _dataclass(self, decorator: ast.expr, ancestry: Iterable[_Ancestor]) -> tuple[Signature | None, str]:
        outside = [each for each in ancestry if isinstance(each, str) and not is_known(each)]
        if outside:
            return None, f"it may have fields of {outside[0].lstrip('.')}"
        options = {each.arg: ast.unparse(each.value) for each in getattr(decorator, "keywords", ())}
        if options.get("init", "True") != "True" or options.get("kw_only", "False") not in ("True", "False"):
            return None, "its decorator makes no usual constructor"
        fields = self._fields(each for each in ancestry if isinstance(each, ast.ClassDef))
        if options.get("kw_only") == "True":
            fields = [replace(each, kind="keyword-only") for each in fields]
        return Signature(tuple(sorted(fields, key=lambda each: each.kind == "keyword-only"))), ""

    def _fields(self, classes: Iterable[ast.ClassDef]) -> list[Parameter]:
        """The annotated names of classes, those of the last bases first."""
        found: dict[str, Parameter] = {}
        for each in reversed(list(classes)):
            kind: ParameterKind = "positional"
            for statement in each.body:
                match statement:
                    case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                        written = ast.unparse(annotation)
                        if written.rpartition(".")[2] == "KW_ONLY":
                            kind = "keyword-only"
                        elif "ClassVar" not in written and (made := _field(name, kind, value)):
                            found[name] = made
        return list(found.values())


class _Members:
    """What one class binds: its functions, and all else."""

    def __init__(self, node: ast.ClassDef) -> None:
        self.methods: dict[str, Signature] = {}
        self.attributes: set[str] = set()
        for statement in _branches(node):
            match statement:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self._method(statement)
                case ast.ClassDef(name=name):
                    self.attributes.add(name)
                case ast.Assign(targets=targets, value=value):
                    self.attributes.update(name for target in targets for name, _ in _assigned(target, value))
                case ast.AnnAssign(target=ast.Name(id=name)):
                    self.attributes.add(name)

    def _method(self, node: _Function) -> None:
        names = set(_names(node.decorator_list))
        if "overload" in names:
            return
        known = self.methods.get(node.name)
        if known and names & {"getter", "setter", "deleter"}:
            self.methods[node.name] = replace(known, decorators=known.decorators | (names & {"setter"}))
            return
        signature = _signature(node)
        if "staticmethod" not in names and signature.parameters and signature.parameters[0].kind != "*":
            signature = replace(signature, parameters=signature.parameters[1:])
        self.methods[node.name] = signature


def _branches(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements inside one that run in the same scope, in order; a class's own are those of its body."""
    waiting = _inner(node)
    while waiting:
        at = waiting.pop(0)
        if isinstance(at, ast.stmt):
            yield at
        if not isinstance(at, _Function | ast.ClassDef):
            waiting[:0] = _inner(at)


def _inner(node: ast.AST) -> list[ast.AST]:
    wanted = (ast.stmt, ast.excepthandler, ast.match_case)
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, wanted)]


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, _Binding]]:
    match target:
        case ast.Name(id=name):
            yield name, _Binding("assign", value)
        case ast.Tuple() | ast.List():
            for node in ast.walk(target):
                if isinstance(node, ast.Name):
                    yield node.id, _Binding("assign", None)


def _names(decorators: Iterable[ast.expr]) -> list[str]:
    """What decorators are called, without the modules that they are from and without their arguments."""
    called = (each.func if isinstance(each, ast.Call) else each for each in decorators)
    return [ast.unparse(each).rpartition(".")[2] for each in called]


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name in _PROTOCOL


def _is_made_otherwise(node: ast.ClassDef) -> bool:
    return any(
        keyword.arg != "metaclass" or ast.unparse(keyword.value).rpartition(".")[2] != "ABCMeta"
        for keyword in node.keywords
    )


def _takes_anything(parameters: Parameters) -> bool:
    return [each.kind for each in parameters] == ["*", "**"]


def _field(name: str, kind: ParameterKind, value: ast.expr | None) -> Parameter | None:
    """The parameter that a constructor made of annotations has for one; None if it is left out."""
    if not isinstance(value, ast.Call) or _names([value.func])[0] not in ("field", "Field"):
        return Parameter(name, kind, value is None)
    options = {each.arg: ast.unparse(each.value) for each in value.keywords}
    if options.get("init") == "False":
        return None
    given = [ast.unparse(each) for each in value.args[:1]] or [
        options[o] for o in ("default", "default_factory") if o in options
    ]
    return Parameter(name, "keyword-only" if options.get("kw_only") == "True" else kind, given in ([], ["..."]))


def _signature(node: _Function) -> Signature:
    arguments = node.args
    usual = [*arguments.posonlyargs, *arguments.args]
    without_default = len(usual) - len(arguments.defaults)
    found = [
        Parameter(
            each.arg,
            "positional-only" if at < len(arguments.posonlyargs) else "positional",
            at < without_default,
        )
        for at, each in enumerate(usual)
    ]
    if arguments.vararg:
        found.append(Parameter(arguments.vararg.arg, "*", False))
    found += [
        Parameter(each.arg, "keyword-only", default is None)
        for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg:
        found.append(Parameter(arguments.kwarg.arg, "**", False))
    decorators = frozenset(_names(node.decorator_list)) - _HARMLESS
    return Signature(tuple(found), isinstance(node, ast.AsyncFunctionDef), _yields(node), decorators)


def _yields(node: _Function) -> bool:
    waiting: list[ast.AST] = [*node.body]
    while waiting:
        at = waiting.pop()
        if isinstance(at, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(at, _Function | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(at)
    return False


def _value(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=value):
            return type(value).__name__
        case ast.UnaryOp(operand=ast.Constant(value=int() | float() as value)):
            return type(value).__name__
        case ast.Dict() | ast.List() | ast.Set() | ast.Tuple():
            return type(node).__name__.lower()
        case ast.JoinedStr():
            return "str"
        case ast.Call(func=ast.Name() | ast.Attribute() as function):
            return f"call of {ast.unparse(function)}"
    return ""


def _documented(node: _Function | ast.ClassDef) -> Sequence[ast.stmt]:
    """A definition's statements without its docstring."""
    match node.body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
    return node.body


def _tokens(nodes: Iterable[ast.AST]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names, constants and constructs of some nodes, in the order of the source; no docstrings.

    First without what strings hold, then with it.
    """
    plain: list[str] = []
    spelled: list[str] = []
    waiting = [*nodes][::-1]
    while waiting:
        node = waiting.pop()
        is_text = isinstance(node, ast.JoinedStr)
        if isinstance(node, ast.Name):
            words = [node.id]
        elif isinstance(node, ast.Constant):
            words, is_text = [repr(node.value)], isinstance(node.value, str | bytes)
        elif isinstance(node, ast.expr_context) or _is_string(node):
            continue
        else:
            words = [type(node).__name__]
            words += [text for text in (getattr(node, each, None) for each in _NAMING) if isinstance(text, str)]
            waiting += [*ast.iter_child_nodes(node)][::-1]
        plain += ["str"] if is_text else words
        spelled += words
    return tuple(plain), tuple(spelled)


def _is_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
