"""What an annotation says a value is (https://docs.python.org/3/library/typing.html)."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from codemods.utf8_files import library
from codemods.utf8_files.importing import resolved
from codemods.utf8_files.values import (
    NONE,
    STR,
    UNKNOWN,
    Value,
    awaitable,
    calling,
    context,
    join,
    many,
    mapping,
    pair,
    vague,
)
from codemods.utf8_files.views import File
from ssot_fix.bindings import Scope

_DEEPEST = 20
_TYPE_ALIAS = getattr(ast, "TypeAlias", ())  # since Python 3.12
_LONGEST = 500  # characters of an annotation in quotes
_HOMES = frozenset(
    {"builtins", "collections", "collections.abc", "contextlib", "dataclasses", "typing", "typing_extensions"}
)
_ITERABLES = frozenset(
    {"AbstractSet", "Collection", "Container", "Deque", "FrozenSet", "Generator", "Iterable", "Iterator", "KeysView"}
    | {"List", "MutableSequence", "MutableSet", "Reversible", "Sequence", "Set", "ValuesView"}
    | {"deque", "frozenset", "list", "set"}
)
_MAPPINGS = frozenset({"DefaultDict", "Dict", "Mapping", "MutableMapping", "OrderedDict", "defaultdict", "dict"})
_WRAPPERS = frozenset({"Annotated", "ClassVar", "Final", "InitVar", "NotRequired", "Optional", "ReadOnly", "Required"})
# What a generic gives of its arguments.
_GENERICS: Final[Mapping[str, Callable[[list[Value]], Value]]] = MappingProxyType(
    {
        **dict.fromkeys(_WRAPPERS, lambda given: given[0]),
        **dict.fromkeys(_ITERABLES, lambda given: many(given[0])),
        **dict.fromkeys(_MAPPINGS, lambda given: mapping(given[0], given[-1])),
        **dict.fromkeys(["AbstractContextManager", "ContextManager"], lambda given: context(given[0])),
        "Union": join,
        "Awaitable": lambda given: awaitable(given[0]),
        "Coroutine": lambda given: awaitable(given[-1]),
        "Callable": lambda given: calling(given[-1]),
    }
)


def annotated(file: File, node: ast.expr, scope: Scope, depth: int = 0) -> Value:
    """What an annotation says; `scope` is where its names are looked up."""
    if depth > _DEEPEST:
        return UNKNOWN
    match node:
        case ast.Constant(value=None):
            return NONE
        case ast.Constant(value=str(text)):
            quoted = _parsed(text, node)
            return annotated(file, quoted, scope, depth + 1) if quoted is not None else UNKNOWN
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return join(annotated(file, side, scope, depth + 1) for side in (left, right))
        case ast.Subscript(value=value, slice=inner):
            return _generic(file, _meaning(file, value, scope), inner, scope, depth)
        case ast.Name() | ast.Attribute():
            return _named(file, node, scope, depth)
    return UNKNOWN


def _parsed(text: str, at: ast.expr) -> ast.expr | None:
    """An annotation in quotes, all of it where the string stands."""
    if len(text) > _LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the target's escapes
            parsed = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    for node in ast.walk(parsed):
        ast.copy_location(node, at)
    return parsed


def _named(file: File, node: ast.Name | ast.Attribute, scope: Scope, depth: int) -> Value:
    if isinstance(node, ast.Name) and file.knows(node.id):
        alias = _alias(file, node.id, scope)
        if alias is not None:
            return annotated(file, *alias, depth + 1)
    return instance(_meaning(file, node, scope))


def instance(value: Value) -> Value:
    """An instance of a class."""
    match value.kind:
        case "class":
            return Value("instance", file=value.file, node=value.node)
        case "library":
            return library.ANNOTATIONS.get(value.dotted, UNKNOWN)
        case "nothing":
            return value
    return UNKNOWN


def _alias(file: File, name: str, scope: Scope) -> tuple[ast.expr, Scope] | None:
    """The annotation that a name was given to, as in `StrPath = Union[str, Path]`, and where that stands."""
    found = file.view.module.lookup(name, scope)
    bindings = found.bindings[name] if found is not None else []
    if found is None or len(bindings) != 1 or bindings[0].kind != "assign":
        return None
    statement = file.view.module.parents.get(bindings[0].node)
    value: ast.expr | None = getattr(statement, "value", None)
    is_union = isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr)
    if value is not None and (isinstance(statement, _TYPE_ALIAS) or isinstance(value, ast.Subscript) or is_union):
        return value, found
    return None


def _meaning(file: File, node: ast.expr, scope: Scope) -> Value:
    """What a name or an attribute of a module is."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or file.hides(node.id, node):
        return UNKNOWN
    if not file.knows(node.id):
        return file.pending
    value = file.variable(node.id, scope)
    for part in reversed(parts):
        if value.kind not in {"module", "library"}:
            return vague(value)
        value = resolved(file, f"{value.dotted}.{part}")
    return value


def _generic(file: File, generic: Value, inner: ast.expr, scope: Scope, depth: int) -> Value:
    if generic.kind == "nothing":
        return generic
    home, _, name = generic.dotted.rpartition(".")
    if generic.kind != "library" or home not in _HOMES:
        return instance(generic) if generic.kind == "class" else UNKNOWN
    arguments = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Literal":
        return STR
    if name in {"tuple", "Tuple"}:
        return _tuple(file, arguments, scope, depth)
    of_interest = arguments[:1] if name == "Annotated" else arguments
    given = [annotated(file, argument, scope, depth + 1) for argument in of_interest]
    make = _GENERICS.get(name)
    return make(given) if make is not None and given else UNKNOWN


def _tuple(file: File, arguments: list[ast.expr], scope: Scope, depth: int) -> Value:
    given = [annotated(file, argument, scope, depth + 1) for argument in arguments]
    match arguments:
        case [_, ast.Constant(value=value)] if value is Ellipsis:
            return many(given[0])
    return pair(*given)
