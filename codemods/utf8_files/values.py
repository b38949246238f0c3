"""What an expression may be, as far as receivers of file methods have to be told apart.

Values form a lattice: `NOTHING` (no value seen so far) is below all, then `NONE`, then everything else, and
`UNKNOWN` is on top. `join` gives the least value that covers others, so that meanings can be refined to a fixed point.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Final

_DEEPEST = 8  # a dict of lists of tuples and its items are as far as real code goes


@dataclass(frozen=True, slots=True)
class Value:
    """One kind of value.

    `items` is what the kinds that hold others hold: `many` (any iterable) its element, `tuple` its elements,
    `mapping` key and value, `callable`, `context` (a context manager) and `awaitable` what comes out, `method` its
    receiver. `dotted` is the path of what a `module` or `library` (something defined out of sight) is, or the name
    of a `method` or a `fixture`. `node` is the definition of a `class` or an `instance`, `file` what holds it.
    """

    kind: str
    items: tuple[Value, ...] = ()
    dotted: str = ""
    file: Hashable = None
    node: ast.ClassDef | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether it is no value, or None, of which nothing can come."""
        return self.kind in {"nothing", "none"}

    @property
    def depth(self) -> int:
        """How deep values are nested in it."""
        return 1 + max((item.depth for item in self.items), default=0)


NOTHING: Final = Value("nothing")
NONE: Final = Value("none")
UNKNOWN: Final = Value("unknown")
PATH: Final = Value("path")
TRAVERSABLE: Final = Value("traversable")
ZIP_PATH: Final = Value("zip-path")
CONFIG_PARSER: Final = Value("config-parser")
STR: Final = Value("str")
PATH_OR_STR: Final = Value("path-or-str")
FILE: Final = Value("file")
OTHER: Final = Value("other")

_PATHLIKE = frozenset({"path", "str", "path-or-str"})
_PLAIN = frozenset({"str", "file", "other"})
# Kinds whose values surely have no file methods that take an encoding, or other ones than paths.
_SURELY_OTHER = _PLAIN | {"many", "tuple", "mapping", "module"}


def many(element: Value) -> Value:
    """An iterable of something."""
    return _held("many", element)


def pair(*elements: Value) -> Value:
    """A tuple of just these."""
    return _held("tuple", *elements)


def mapping(key: Value, value: Value) -> Value:
    """A mapping."""
    return _held("mapping", key, value)


def calling(result: Value) -> Value:
    """A callable."""
    return _held("callable", result)


def context(result: Value) -> Value:
    """A context manager that gives something to `as`."""
    return _held("context", result)


def awaitable(result: Value) -> Value:
    """What `await` turns into something."""
    return _held("awaitable", result)


def method(receiver: Value, name: str) -> Value:
    """A bound method."""
    return _limited(Value("method", (receiver,), name))


def _held(kind: str, *items: Value) -> Value:
    return _limited(Value(kind, items))


def _limited(value: Value) -> Value:
    return value if value.depth <= _DEEPEST else UNKNOWN


def join(values: Iterable[Value]) -> Value:
    """The least value that covers all; NOTHING covers none."""
    result = NOTHING
    for value in values:
        result = _join(result, value)
        if result is UNKNOWN:
            break
    return result


def _join(one: Value, other: Value) -> Value:
    if one is other or other is NOTHING or (other is NONE and one is not NOTHING) or one == other:
        return one
    if one.kind in {"nothing", "none"}:
        return other
    if one.kind in _PATHLIKE and other.kind in _PATHLIKE:
        return PATH_OR_STR
    if one.kind in _PLAIN and other.kind in _PLAIN:
        return OTHER
    return _join_holders(one, other)


def _join_holders(one: Value, other: Value) -> Value:
    same = one.kind == other.kind and len(one.items) == len(other.items) and one.items
    if same and one.dotted == other.dotted:
        items = tuple(_join(a, b) for a, b in zip(one.items, other.items, strict=True))
        return _limited(Value(one.kind, items, one.dotted))
    if {one.kind, other.kind} <= {"many", "tuple"}:
        return many(join([*one.items, *other.items]))
    return UNKNOWN


def vague(value: Value) -> Value:
    """What comes of a value in a way that is not followed."""
    return NOTHING if value.is_nothing else UNKNOWN


def without_str(value: Value) -> Value:
    """A value after str was ruled out."""
    return {"path-or-str": PATH, "str": NOTHING}.get(value.kind, value)


def iterated(value: Value) -> Value:
    """What a `for` gets out of a value."""
    match value.kind:
        case "str":
            return value
        case "many" | "tuple":
            return join(value.items)
        case "mapping":
            return value.items[0]
    return vague(value)


def entered(value: Value) -> Value:
    """What a `with` gives to `as`."""
    match value.kind:
        case "file":
            return value
        case "context":
            return value.items[0]
    return vague(value)


def indexed(value: Value, index: ast.expr) -> Value:
    """An element of a value, or a slice of it."""
    match value.kind, index:
        case "str", _:
            return value
        case "many", ast.Slice():
            return value
        case "tuple", ast.Slice():
            return many(join(value.items))
        case "tuple", ast.Constant(value=int(at)) if at < len(value.items):
            return value.items[at]
        case (("many" | "tuple"), _):
            return join(value.items)
        case "mapping", _:
            return value.items[1]
    return vague(value)


def unpacked(value: Value, targets: list[ast.expr], place: int) -> Value:
    """What the target at a place gets when a value is unpacked."""
    starred = any(isinstance(target, ast.Starred) for target in targets)
    if value.kind == "tuple" and not starred:
        return value.items[place] if len(value.items) == len(targets) else NOTHING
    element = iterated(value)
    return many(element) if isinstance(targets[place], ast.Starred) else element


def receiver_kind(value: Value) -> str | None:
    """The public name of what a receiver is; None if that is unknown."""
    if value in {PATH, TRAVERSABLE, ZIP_PATH, CONFIG_PARSER}:
        return value.kind
    return "other" if value.kind in _SURELY_OTHER else None
