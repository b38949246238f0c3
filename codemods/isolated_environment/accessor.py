"""The accessor: the class that holds the environment, and the function through which code reaches it.

It is found in the project and read, never imported; what its methods take decides what may be written.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ssot_fix.imports import Target
from ssot_fix.newer_syntax import Unparseable, parse
from ssot_fix.project.resolver import Project
from ssot_fix.source import Source, UnreadableText

# What the field calls these methods; the first that a class has is taken.
METHOD_NAMES = {
    "get": ("get",),
    "set": ("set",),
    "delete": ("delete", "unset", "remove"),
    "contains": ("exists", "has", "contains"),
    "copy": ("get_all", "as_dict", "to_dict"),
    "subprocess": ("get_subprocess_env", "subprocess_env"),
}
_USUAL_FUNCTIONS = ("get_env", "get_environment", "environment", "env")
_DEFAULTS = ("default", "default_value", "fallback", "otherwise", "alternative", "d")
_KEYS = ("key", "name", "var", "variable")
_ENVIRON = re.compile(rb"environ\b")
_CHANGES = (b"def set(", b"def delete(", b"def unset(", b"def remove(", b"def exists(", b"def has(")


class NoAccessor(LookupError):
    """There is no accessor, or not the one that was named; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a method; `kind` is `positional`, `keyword` or `positional-only`."""

    name: str
    kind: str
    required: bool
    default: str  # source text of the default, "" if there is none
    annotation: str


@dataclass(frozen=True, slots=True)
class Method:
    """A method as its callers see it, without self; `raises` if it subscripts or raises, as a lookup does."""

    name: str
    parameters: tuple[Parameter, ...]
    raises: bool = False

    @property
    def positional(self) -> tuple[Parameter, ...]:
        """The parameters that can be passed by place."""
        return tuple(p for p in self.parameters if p.kind != "keyword")

    def takes(self, count: int, *also: str) -> bool:
        """Whether `count` positional arguments, and the keywords in `also`, are a complete call."""
        if len(self.positional) < count:
            return False
        given = {p.name for p in self.positional[:count]} | set(also)
        return all(p.name in given for p in self.parameters if p.required)

    @property
    def default(self) -> Parameter | None:
        """The parameter for what to return if there is nothing, by its name; None if there is none."""
        return next((p for p in self.parameters[1:] if p.name in _DEFAULTS), None)

    @property
    def takes_key_first(self) -> bool:
        """Whether the first parameter is the variable, as far as the names tell."""
        return bool(self.positional) and not any(p.name in _KEYS or p.default == "True" for p in self.parameters[1:])

    def keyword(self, name: str) -> Parameter | None:
        """The parameter of a name that can be passed by keyword."""
        return next((p for p in self.parameters if p.name == name and p.kind != "positional-only"), None)


@dataclass(frozen=True, slots=True)
class Accessor:
    """The accessor of some files; `internals` are the files that have to do without it."""

    target: Target
    class_name: str
    methods: dict[str, Method]
    has_getitem: bool
    internals: frozenset[str]


def is_scouted(data: bytes) -> bool:
    """Whether a file may define an accessor: a class with get and set that knows os.environ."""
    return b"def get(" in data and any(method in data for method in _CHANGES) and _ENVIRON.search(data) is not None


def find(project: Project, scouted: Sequence[str]) -> Accessor:
    """The project's accessor.

    Raises NoAccessor if there is none, or several and nothing tells which.
    """
    found = [(path, function) for path in scouted for function in _accessor_functions(project, path)]
    modules = {path for path, _ in found}
    if len(modules) > 1:
        found = _most_imported(project, found)
        modules = {path for path, _ in found}
    if len(modules) != 1:
        names = ", ".join(f"{project.module_name(path)}:{function}" for path, function in found)
        raise NoAccessor(f"several accessors: {names}" if found else "no class with get and set methods found")
    functions = [function for _, function in found]
    usual = [name for name in _USUAL_FUNCTIONS if name in functions]
    path = modules.pop()
    name = usual[0] if usual else functions[0]
    return read(project, f"{project.module_name(path, _root_by_use(project, path, name))}:{name}")


def _root_by_use(project: Project, path: str, name: str) -> str:
    """The source root from which the project's own imports of a module start."""
    default = project.source_root_of(path)
    tail = project.module_name(path).rpartition(".")[2]
    pattern = rb"\bfrom[ \t]+([\w.]*\b" + tail.encode() + rb")[ \t]+import\b[^\n]*\b" + name.encode()
    uses: Counter[str] = Counter()
    for other in sorted(project.files):
        if not path.startswith(default) or other == path:
            continue
        found = project.matches(other, pattern)
        uses.update(match.decode() for match in found if not match.startswith(b"."))
        if sum(uses.values()) >= 20:  # enough to tell
            break
    for dotted, _ in uses.most_common():
        inner = dotted.replace(".", "/")
        for suffix in (f"{inner}.py", f"{inner}/__init__.py"):
            if path == suffix or path.endswith(f"/{suffix}"):
                return path[: -len(suffix)].rstrip("/")
    return default


def _most_imported(project: Project, found: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of several candidates, those of the one module that other files import; else all of them."""
    users: Counter[str] = Counter()
    patterns = {
        path: rb"\b" + project.module_name(path).rpartition(".")[2].encode() + rb"[ \t]+import\b" for path, _ in found
    }
    for other in project.files:
        users.update(path for path, pattern in patterns.items() if path != other and project.matches(other, pattern))
    used = [path for path in patterns if users[path]]
    return [item for item in found if item[0] == used[0]] if len(used) == 1 else list(found)


def read(project: Project, spelled: str, class_name: str | None = None) -> Accessor:
    """Read the accessor `module:function`.

    Raises NoAccessor if the project has no such module, function or class.
    """
    module, _, name = spelled.partition(":")
    if not module or not name:
        raise NoAccessor(f"`{spelled}` is not of the form module:function")
    root = next((r for r in _roots(project) if project.locate(module, (r,))), None)
    path = project.locate(module, (root,)) if root is not None else None
    if root is None or path is None:
        raise NoAccessor(f"the project has no module `{module}`")
    home, defined = project.origin(module, name)
    home_path = project.locate(home, (root,)) or path
    tree = _tree(project, home_path)
    function = _function(tree, defined)
    if function is None:
        raise NoAccessor(f"`{module}` has no function `{name}` at module level")
    if not _just_returns(function):
        raise NoAccessor(
            f"`{spelled}` is not a function that can be called without arguments and returns the accessor"
        )
    found = class_name or _returned_class(tree, function)
    methods = _methods_of(project, home_path, found) if found else {}
    if found is None or not methods:
        raise NoAccessor(f"what `{spelled}` returns can't be read; name its class with `accessor-class`")
    inside = project.with_roots([root])
    internals = inside.reached_from(path, path) | inside.reached_from(home_path, home_path)
    inside.reached_from(path, "")  # what files outside its packages ask for: answered once, for all workers
    by_use = {use: methods[name] for use, names in METHOD_NAMES.items() for name in names[::-1] if name in methods}
    raising = "__getitem__" in methods and methods["__getitem__"].raises
    return Accessor(Target(module, name, path, root), found, by_use, raising, internals)


def add_lookup(accessor: Accessor, project: Project, name: str) -> Accessor:
    """The accessor with the configured raising lookup.

    Raises NoAccessor if its class has no such method.
    """
    home, _ = project.origin(accessor.target.module, accessor.target.name)
    path = project.locate(home, (accessor.target.root,)) or accessor.target.path
    methods = _methods_of(project, path, accessor.class_name)
    if name not in methods or not methods[name].takes(1):
        raise NoAccessor(f"`{accessor.class_name}` has no method `{name}` that takes just a key")
    return Accessor(
        accessor.target,
        accessor.class_name,
        {**accessor.methods, "lookup": methods[name]},
        accessor.has_getitem,
        accessor.internals,
    )


def _roots(project: Project) -> Iterator[str]:
    """The source roots, then every other folder that could be one."""
    yield from project.source_roots
    yield from sorted(project.folders - set(project.source_roots), key=lambda folder: (folder.count("/"), folder))


def _tree(project: Project, path: str) -> ast.Module:
    try:
        source = Source(project.read(path))
        return parse(source.text, source.body).tree
    except (OSError, UnreadableText, Unparseable) as error:
        raise NoAccessor(f"{path} can't be read: {error}") from None


def _function(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    """The function that a name means in the end: of several definitions the last."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return found[-1] if found else None


def _just_returns(function: ast.FunctionDef) -> bool:
    """Whether a function takes nothing that it needs, and its call is what it returns."""
    needed = [parameter for parameter in _parameters(function, skip_first=False) if parameter.required]
    decorators = {ast.unparse(node.func if isinstance(node, ast.Call) else node) for node in function.decorator_list}
    known = {name.rpartition(".")[2] for name in decorators} <= {"cache", "lru_cache"}
    return not needed and known and not any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(function))


def _accessor_functions(project: Project, path: str) -> list[str]:
    """The public functions of a module that take nothing and return an environment class of it."""
    try:
        tree = _tree(project, path)
    except NoAccessor:
        return []
    environments = {
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef) and _reads_environ(node) and _is_environment(project, path, node.name)
    }
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and _function(tree, node.name) is node
        and _just_returns(node)
        and _returned_class(tree, node) in environments
    ]


def _reads_environ(definition: ast.ClassDef) -> bool:
    """Whether a class's `get` reads os.environ: itself, or through what else of the class it names."""
    bodies = {node.name: node for node in definition.body if isinstance(node, ast.FunctionDef)}
    copies = {
        target.attr
        for node in ast.walk(definition)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _copies_environ(node.value)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Attribute)
    }
    waiting, seen = ["get"], set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        for node in ast.walk(bodies[name]) if name in bodies else ():
            if isinstance(node, ast.Attribute | ast.Name) and _is_environ(node):
                return True
            if isinstance(node, ast.Attribute) and node.attr in copies:
                return True
            if isinstance(node, ast.Attribute) and node.attr == "getenv":
                return True
            if isinstance(node, ast.Attribute) and node.attr in bodies and node.attr not in seen:
                waiting.append(node.attr)
    return False


def _is_environ(node: ast.expr) -> bool:
    return (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")) == "environ"


def _copies_environ(value: ast.expr) -> bool:
    """`os.environ`, `dict(os.environ)`, `os.environ.copy()`."""
    match value:
        case ast.Call(func=ast.Name(id="dict"), args=[inner]) | ast.Call(func=ast.Attribute(value=inner, attr="copy")):
            return _is_environ(inner)
    return _is_environ(value)


def _is_environment(project: Project, path: str, name: str) -> bool:
    methods = _methods_of(project, path, name)
    changes = any(alias in methods for use in ("set", "delete", "contains") for alias in METHOD_NAMES[use])
    return changes and "get" in methods and methods["get"].takes(1)


def _returned_class(tree: ast.Module, function: ast.FunctionDef) -> str | None:
    """The class that a function returns an instance of: by annotation, construction or a module's global."""
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    if (annotated := _class_in(function.returns, classes)) is not None:
        return annotated
    globals_ = {
        target.id: found
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and (found := _instance_of(node, classes))
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            if isinstance(node.value, ast.Name) and node.value.id in globals_:
                return globals_[node.value.id]
            if (found := _constructed(node.value, classes)) is not None:
                return found
    return None


def _class_in(annotation: ast.expr | None, classes: set[str]) -> str | None:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value if annotation.value in classes else None
    return annotation.id if isinstance(annotation, ast.Name) and annotation.id in classes else None


def _instance_of(node: ast.Assign | ast.AnnAssign, classes: set[str]) -> str | None:
    if isinstance(node, ast.AnnAssign):
        for inner in ast.walk(node.annotation):  # `Env | None`, `Optional[Env]`
            if isinstance(inner, ast.expr) and (found := _class_in(inner, classes)):
                return found
    return _constructed(node.value, classes)


def _constructed(value: ast.expr | None, classes: set[str]) -> str | None:
    """The class in `Class()` and `Class.get_instance()`."""
    if not isinstance(value, ast.Call):
        return None
    function = value.func.value if isinstance(value.func, ast.Attribute) else value.func
    return function.id if isinstance(function, ast.Name) and function.id in classes else None


def _methods_of(project: Project, path: str, name: str, depth: int = 0) -> dict[str, Method]:
    """A class's synchronous methods by name, those of its readable bases included."""
    try:
        tree = _tree(project, path)
    except NoAccessor:
        return {}
    definition = next((n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name), None)
    if definition is None or depth > 8:
        return {}
    methods: dict[str, Method] = {}
    for base in reversed(definition.bases):
        if isinstance(base, ast.Name):
            methods |= _base_methods(project, path, tree, base.id, depth)
    for node in definition.body:
        for bound in _bound_names(node):
            methods.pop(bound, None)
        if isinstance(node, ast.FunctionDef) and (method := _method(node)) is not None:
            methods[node.name] = method
    return methods


def _base_methods(project: Project, path: str, tree: ast.Module, base: str, depth: int) -> dict[str, Method]:
    if any(isinstance(node, ast.ClassDef) and node.name == base for node in tree.body):
        return _methods_of(project, path, base, depth + 1)
    for fact in project.facts(path):
        if fact.bound == base and fact.name:
            module, name = project.origin(fact.target, fact.name)
            if located := project.locate(module):
                return _methods_of(project, located, name, depth + 1)
    return {}


def _bound_names(node: ast.stmt) -> Iterator[str]:
    """The names that a statement of a class body binds, which may hide a base's method."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _method(node: ast.FunctionDef) -> Method | None:
    """A method that an instance is called with; None for properties and decorators that are not known."""
    decorators = {getattr(d, "id", getattr(d, "attr", "")) for d in node.decorator_list}
    if decorators - {"classmethod", "staticmethod", "override", "final", "overload"}:
        return None
    if node.args.vararg or node.args.kwarg:
        return None
    raises = any(isinstance(inner, ast.Raise | ast.Subscript) for s in node.body for inner in ast.walk(s))
    return Method(node.name, tuple(_parameters(node, skip_first="staticmethod" not in decorators)), raises)


def _parameters(node: ast.FunctionDef, *, skip_first: bool) -> list[Parameter]:
    arguments = node.args
    placed = [*arguments.posonlyargs, *arguments.args]
    defaults: Iterable[ast.expr | None] = [None] * (len(placed) - len(arguments.defaults)) + arguments.defaults  # type: ignore[operator]
    found = [
        _parameter(argument, default, "positional-only" if argument in arguments.posonlyargs else "positional")
        for argument, default in zip(placed, defaults, strict=True)
    ]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    found = found[1:] if skip_first else found
    return found + [_parameter(argument, default, "keyword") for argument, default in pairs]


def _parameter(argument: ast.arg, default: ast.expr | None, kind: str) -> Parameter:
    annotation = ast.unparse(argument.annotation) if argument.annotation else ""
    return Parameter(argument.arg, kind, default is None, ast.unparse(default) if default else "", annotation)
