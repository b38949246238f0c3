"""Strings that are dotted paths: those that known consumers import by, and the others."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType
from typing import Final, Literal

from ssot_fix.bindings import Binding, Module, Reference, children
from ssot_fix.edits import Edit

Shape = Literal["module", "attribute"]


@dataclass(frozen=True, slots=True)
class Use:
    """A dotted path in a string literal.

    `node` is the literal (of an f-string the text in front of its first field), `text` its value, `path` the
    dotted path in it, which begins `at` characters into the text. `attribute` is what stands behind a colon
    (`a.b:attribute`), the path then being the module in front of it. `consumer` is what takes the path, by its
    usual name; empty if nothing is known to. `shape` is `module` if the whole path names a module, `attribute`
    if it may go on with attributes behind the module. `owner` is the node that consumes the literal, a call,
    subscript, comparison or statement; for a use with a consumer, `Module.ancestors` knows what is around it.

    `start` and `end` are the path's place in `Source.body`, exact, or None if it can't be edited: `why` then
    says so in words that fit behind "the path".
    """

    node: ast.Constant
    text: str
    path: str
    at: int
    attribute: str
    consumer: str
    shape: Shape
    owner: ast.AST
    start: int | None
    end: int | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Consumer:
    name: str
    keyword: str  # of the argument that is the path, which is the first one, too
    shape: Shape


@dataclass(frozen=True, slots=True)
class _Argument:
    """An expression that a consumer takes for a path."""

    value: ast.expr
    owner: ast.AST
    consumer: str
    shape: Shape
    why: str = ""


# Fixtures are known by their names; the space keeps them apart from modules that are called so.
_MOCKER, _MONKEYPATCH = "fixture mocker", "fixture monkeypatch"
_FIXTURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mocker": _MOCKER,
        "class_mocker": _MOCKER,
        "module_mocker": _MOCKER,
        "package_mocker": _MOCKER,
        "session_mocker": _MOCKER,
        "monkeypatch": _MONKEYPATCH,
    }
)
_IMPORT = "__import__"
_FUNCTIONS: Final[Mapping[str, _Consumer]] = MappingProxyType(
    {
        "unittest.mock.patch": _Consumer("mock.patch", "target", "attribute"),
        "unittest.mock.patch.multiple": _Consumer("mock.patch.multiple", "target", "attribute"),
        "unittest.mock.patch.dict": _Consumer("mock.patch.dict", "in_dict", "attribute"),
        f"{_MOCKER}.patch": _Consumer("mocker.patch", "target", "attribute"),
        f"{_MOCKER}.patch.multiple": _Consumer("mocker.patch.multiple", "target", "attribute"),
        f"{_MOCKER}.patch.dict": _Consumer("mocker.patch.dict", "in_dict", "attribute"),
        f"{_MONKEYPATCH}.setattr": _Consumer("monkeypatch.setattr", "target", "attribute"),
        f"{_MONKEYPATCH}.delattr": _Consumer("monkeypatch.delattr", "target", "attribute"),
        "importlib.import_module": _Consumer("importlib.import_module", "name", "module"),
        "importlib.__import__": _Consumer(_IMPORT, "name", "module"),
        "builtins.__import__": _Consumer(_IMPORT, "name", "module"),
        "importlib.util.find_spec": _Consumer("importlib.util.find_spec", "name", "module"),
        "pkgutil.resolve_name": _Consumer("pkgutil.resolve_name", "name", "attribute"),
        "pytest.importorskip": _Consumer("pytest.importorskip", "modname", "module"),
        "runpy.run_module": _Consumer("runpy.run_module", "mod_name", "module"),
    }
)
_PLUGINS = "pytest_plugins"
_STARRED = frozenset({"unittest.mock", "importlib", "importlib.util", "pytest", "runpy"})  # whose stars give all of it

# The names of interest that a text with a mark in it needs.
_NEEDED: Final[tuple[tuple[bytes, frozenset[str]], ...]] = (
    (b"patch", frozenset({"patch", "mock", "unittest", *_FIXTURES} - {"monkeypatch"})),
    (b"monkeypatch", frozenset({"monkeypatch"})),
    (b"import_module", frozenset({"importlib", "import_module"})),
    (b"__import__", frozenset({"importlib", "builtins", "__import__"})),
    (b"find_spec", frozenset({"importlib", "util", "find_spec"})),
    (b"resolve_name", frozenset({"pkgutil", "resolve_name"})),
    (b"run_module", frozenset({"runpy", "run_module"})),
    (b"importorskip", frozenset({"pytest", "importorskip"})),
    (b"modules", frozenset({"sys", "modules"})),
    (b"pytest_plugins", frozenset({_PLUGINS})),
)
SEEDS: Final[frozenset[str]] = frozenset().union(*(names for _, names in _NEEDED))
_OWN_MONKEYPATCHES = re.compile(
    rb"\b(?:monkeypatch|MonkeyPatch(?:\(\))?)\.context\(\)\s+as\s+(\w+)|\b(\w+)\s*=\s*(?:\w+\.)*MonkeyPatch\(\)"
)
_MAKES_MONKEYPATCH = re.compile(rb"(?:monkeypatch|\bMonkeyPatch(?:\(\))?)\.context\Z|\bMonkeyPatch\Z")

_FORMATTED = tuple(getattr(ast, name) for name in ("JoinedStr", "TemplateStr") if hasattr(ast, name))
_NAME = r"[^\W\d]\w*"
_DOTTED = rf"{_NAME}(?:\.{_NAME})*"
_PATH = re.compile(rf"(?P<path>{_DOTTED})(?::(?P<attribute>{_DOTTED}))?")
_PIECE = re.compile(
    rb"(?P<prefix>[A-Za-z]{0,2})(?P<quote>\"\"\"|'''|[\"'])(?P<inner>(?:[^\\]|\\[\x00-\xff])*?)(?P=quote)"
    rb"(?:[\s\\]|#[^\r\n]*)*"
)
_FILE_SUFFIXES = frozenset(
    {"bak", "bat", "cfg", "conf", "csv", "db", "env", "exe", "html", "ini", "js", "json", "jsonl", "lock", "log"}
    | {"md", "pdf", "png", "py", "pyi", "rst", "sh", "sql", "sqlite", "svg", "tar", "toml", "ts", "txt", "xml"}
    | {"yaml", "yml", "zip"}
)


def seeds(body: bytes, extra_consumers: Iterable[str] = ()) -> frozenset[str]:
    """The names of interest that the Module of a text must have been loaded with for `uses`.

    They are the names by which the text may know the consumers, and those that it gives to pytest's monkeypatches.
    SEEDS, which are those of any text, will do as well, at a cost: the uses of such monkeypatches are then missed.
    """
    named = {part for consumer in extra_consumers for part in consumer.split(".")}
    own = {name.decode() for names in _OWN_MONKEYPATCHES.findall(body) for name in names if name}
    return frozenset(own | named).union(*(names for mark, names in _NEEDED if mark in body))


def uses(module: Module, tops: frozenset[str], extra_consumers: Iterable[str] = ()) -> list[Use]:
    """The paths in strings that known consumers take, in source order; `tops` are the first parts to look for.

    `extra_consumers` are dotted names of functions (`uvicorn.run`) whose first argument is a path, that of a module
    or of something in one. `module` must have been loaded with the `seeds` for them.
    """
    functions = dict(_FUNCTIONS)
    functions |= {name: _Consumer(name, "", "attribute") for name in extra_consumers}
    arguments = [
        argument
        for reference in module.references
        if (path := _meaning(module, reference)) is not None
        for argument in _arguments(module, reference.node, path, functions)
    ]
    arguments += _plugins(module)
    found = [use for argument in arguments for use in _uses(module, argument, tops)]
    return sorted(found, key=lambda use: (module.start(use.node), use.at))


def others(module: Module, tops: frozenset[str], known: Iterable[Use] = ()) -> list[Use]:
    """The other plain strings that are a dotted path of two parts or more, in source order; `known` are left out.

    They are to be listed, never changed: nothing says that they are imported by. Docstrings, f-strings and names
    of files (`a.json`) are passed over.
    """
    taken = {use.node for use in known}
    found: list[Use] = []
    for node, text, owner in _strings_near(module, tops):
        match = _PATH.fullmatch(text)
        if match is None or node in taken or "." not in (path := match["path"]) or path.partition(".")[0] not in tops:
            continue
        if match["attribute"] or path.rpartition(".")[2].lower() not in _FILE_SUFFIXES:
            behind, why = match["attribute"] or "", "is not known to be imported by"
            shape: Shape = "module" if behind else "attribute"
            found.append(Use(node, text, path, 0, behind, "", shape, owner, None, None, why))
    return sorted(found, key=lambda use: module.start(use.node))


def replaced(use: Use, new_path: str) -> Edit:
    """The edit that puts another path in the place of a use's, and leaves the rest of the literal alone.

    Raises ValueError if the use can't be edited.
    """
    if use.start is None or use.end is None:
        raise ValueError(f"the path {use.why}")
    return Edit(use.start, use.end, new_path.encode())


def new_text(use: Use, new_path: str) -> str:
    """The value that the literal has after that edit."""
    return use.text[: use.at] + new_path + use.text[use.at + len(use.path) :]


# What a name stands for


def _meaning(module: Module, reference: Reference) -> str | None:
    """The dotted path that a name stands for, a fixture's mark, or None if that is not sure."""
    name = reference.node.id
    if module.parsed.hides(name, module.start(reference.node)):
        return None
    bindings = module.meanings(name, reference.scope)
    if not bindings:
        return _unbound(module, name)
    meanings = {_bound(module, binding) for binding in bindings}
    return meanings.pop() if len(meanings) == 1 else None


def _unbound(module: Module, name: str) -> str | None:
    origins = {_normal(module.absolute("." * s.level + (s.module or ""))) for s in module.star_imports}
    if name == _IMPORT:
        return f"builtins.{_IMPORT}"
    return f"{origins.pop()}.{name}" if len(origins) == 1 and origins <= _STARRED else None


def _bound(module: Module, binding: Binding) -> str | None:
    if binding.kind == "import" and binding.target is not None:
        return _normal(module.absolute(binding.target))
    if binding.kind == "parameter":
        return _FIXTURES.get(binding.name)
    if binding.kind == "assign" and _makes_monkeypatch(module, binding.node):
        return _MONKEYPATCH
    return None


def _normal(path: str) -> str:
    """`mock` is the same as `unittest.mock`, for older Pythons."""
    return f"unittest.{path}" if path.partition(".")[0] == "mock" else path


def _makes_monkeypatch(module: Module, target: ast.AST) -> bool:
    """Whether a name is bound by `m = pytest.MonkeyPatch()` or `with monkeypatch.context() as m`."""
    match module.parents[target]:
        case ast.Assign(value=ast.Call() as call) | ast.withitem(context_expr=ast.Call() as call):
            return _MAKES_MONKEYPATCH.search(module.code(call.func)) is not None
    return False


# What consumers take


def _arguments(module: Module, node: ast.expr, path: str, functions: Mapping[str, _Consumer]) -> Iterator[_Argument]:
    parent = module.parents[node]
    while path != "sys.modules" and isinstance(parent, ast.Attribute):
        node, path = parent, f"{path}.{parent.attr}"
        parent = module.parents[node]
    if path == "sys.modules":
        yield from _keys_of_modules(module, node, parent)
    elif path in functions and isinstance(parent, ast.Call) and parent.func is node:
        yield from _first_argument(module, parent, functions[path])


def _first_argument(module: Module, call: ast.Call, consumer: _Consumer) -> Iterator[_Argument]:
    value = _argument(call, 0, consumer.keyword)
    if value is None or not _is_imported_by(consumer.name, call):
        return
    if consumer.name.endswith(".dict") and isinstance(value, ast.Constant) and value.value == "sys.modules":
        yield from _keys(_argument(call, 1, "values"), call)
    yield _Argument(value, call, consumer.name, consumer.shape, _why_not(module, call, consumer.name))


def _argument(call: ast.Call, place: int, keyword: str) -> ast.expr | None:
    if place < len(call.args):
        starred = any(isinstance(argument, ast.Starred) for argument in call.args[: place + 1])
        return None if starred else call.args[place]
    return next((k.value for k in call.keywords if k.arg == keyword), None)


def _is_imported_by(consumer: str, call: ast.Call) -> bool:
    """Whether a call means its first argument as an absolute path, judged by the other arguments."""
    match consumer:
        case "monkeypatch.setattr":  # `setattr("text", "name", value)` is about the text itself
            return _argument(call, 2, "value") is None
        case "monkeypatch.delattr":
            return _argument(call, 1, "name") is None
        case "__import__":
            level = _argument(call, 4, "level")
            return level is None or (isinstance(level, ast.Constant) and level.value == 0)
    return True


def _why_not(module: Module, call: ast.Call, consumer: str) -> str:
    """Why a path can't be changed although its consumer is known."""
    if consumer != _IMPORT or isinstance(module.parents[call], ast.Expr):
        return ""
    match _argument(call, 3, "fromlist"):
        case ast.List(elts=[_, *_]) | ast.Tuple(elts=[_, *_]) | ast.Constant(value=str()):
            return ""
    return "is for __import__, which returns the package that it begins with"


def _keys_of_modules(module: Module, node: ast.expr, parent: ast.AST) -> Iterator[_Argument]:
    """The keys in what is done with `sys.modules`."""
    match parent:
        case ast.Subscript(slice=key) if parent.value is node:
            yield _of_modules(key, parent)
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()]):
            yield _of_modules(key, parent)
        case ast.Attribute(attr="get" | "pop" | "setdefault" | "__contains__" | "update" as method):
            call = module.parents[parent]
            if isinstance(call, ast.Call) and call.func is parent and call.args:
                yield from _keys(call.args[0], call) if method == "update" else [_of_modules(call.args[0], call)]
        case ast.Call(func=ast.Attribute(attr="setitem" | "delitem"), args=[first, key, *_]) if first is node:
            yield _of_modules(key, parent)
        case ast.Call(func=ast.Attribute(attr="dict"), args=[first, *_]) if first is node:
            yield from _keys(_argument(parent, 1, "values"), parent)


def _keys(mapping: ast.expr | None, owner: ast.AST) -> Iterator[_Argument]:
    if isinstance(mapping, ast.Dict):
        yield from (_of_modules(key, owner) for key in mapping.keys if key is not None)


def _of_modules(key: ast.expr, owner: ast.AST) -> _Argument:
    return _Argument(key, owner, "sys.modules", "module")


def _plugins(module: Module) -> Iterator[_Argument]:
    """The values of `pytest_plugins` at module level."""
    for binding in module.root.bindings.get(_PLUGINS, ()):
        statement = module.parents.get(binding.node)
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign) and statement.value is not None:
            yield from (_Argument(node, statement, _PLUGINS, "module") for node in _elements(statement.value))


def _elements(value: ast.expr) -> Iterator[ast.expr]:
    match value:
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            yield from elements
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _elements(left)
            yield from _elements(right)
        case _:
            yield value


# Where the path stands


def _uses(module: Module, argument: _Argument, tops: frozenset[str]) -> Iterator[Use]:
    node, why = argument.value, argument.why
    if isinstance(node, ast.JoinedStr) and node.values:
        # What is in front of the first field is known; its last part may go on in the field.
        node, why = node.values[0], "is made by an f-string"
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return
    text: str = node.value
    for at, item in _items(text, argument):
        match = _PATH.fullmatch(item)
        if match is None or (path := match["path"]).partition(".")[0] not in tops:
            continue
        behind = match["attribute"] or ""
        place = why or _place(module, argument.owner, node, at, path)
        start, end, why_not = (None, None, place) if isinstance(place, str) else (*place, "")
        shape: Shape = "module" if behind else argument.shape
        yield Use(node, text, path, at, behind, argument.consumer, shape, argument.owner, start, end, why_not)


def _items(text: str, argument: _Argument) -> list[tuple[int, str]]:
    """The paths in a text, each with its place."""
    if isinstance(argument.value, ast.JoinedStr):
        return [(0, text.rpartition(".")[0])]
    if argument.consumer != _PLUGINS:
        return [(0, text)]
    items = text.split(",")
    places = accumulate((len(item) + 1 for item in items), initial=0)
    return list(zip(places, items, strict=False))


def _place(module: Module, owner: ast.AST, node: ast.Constant, at: int, path: str) -> tuple[int, int] | str:
    """The offsets of a path that begins `at` characters into a literal's value, or why they are not known."""
    offset = module.start(node)
    fields = module.parsed.fields
    if any(start <= offset < end for start, end in fields) or any(
        isinstance(around, _FORMATTED) for around in (owner, *module.ancestors(owner))
    ):
        return "stands inside an f-string"
    code, value, place = module.code(node), "", None
    for piece in _PIECE.finditer(code):
        if b"\\" in piece["inner"] and b"r" not in piece["prefix"].lower():
            return "is written with escapes"
        inner = re.sub("\r\n?", "\n", piece["inner"].decode(errors="replace"))
        if inner[at - len(value) :].startswith(path) and at >= len(value):
            start = offset + piece.start("inner") + len(inner[: at - len(value)].encode())
            place = start, start + len(path.encode())
        value += inner
    if value != node.value:  # the position is held against the text, not trusted
        return "stands at an unknown place"
    return place or "is spread over several strings"


# Strings without a consumer


def _strings_near(module: Module, tops: frozenset[str]) -> Iterator[tuple[ast.Constant, str, ast.AST]]:
    """The string literals on lines that spell one of the tops with a dot behind it: node, value, what holds it."""
    spelled = b"|".join(re.escape(top.encode()) for top in sorted(tops))
    matches = re.finditer(rb"\b(?:%b)\." % spelled, module.source.body)
    lines = sorted({module.source.line_of(match.start()) for match in matches})
    waiting: list[tuple[ast.AST, ast.AST]] = [(module.tree, module.tree)] if lines else []
    while waiting:
        node, owner = waiting.pop()
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and not isinstance(owner, ast.Expr):
                yield node, node.value, owner
        elif not isinstance(node, _FORMATTED) and not _was_lowered(module, node) and _touches(node, lines):
            waiting += [(child, node) for child in children(node)]


def _was_lowered(module: Module, node: ast.AST) -> bool:
    """Whether a tuple stands in the place of an f-string that is newer than the running Python."""
    spans = module.parsed.strings
    return bool(spans) and isinstance(node, ast.Tuple) and (module.start(node), module.end(node)) in spans


def _touches(node: ast.AST, lines: list[int]) -> bool:
    """Whether a node spans one of the lines, which are sorted."""
    first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
    if first is None or last is None:
        return True
    decorators = getattr(node, "decorator_list", None)
    at = bisect_left(lines, decorators[0].lineno if decorators else first)
    return at < len(lines) and lines[at] <= last
