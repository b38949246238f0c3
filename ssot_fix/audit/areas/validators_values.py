"""What is known of a value without running the program: all of it, how it starts, or where it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

LONGEST = 2_000  # characters or items: what is larger is not looked into


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a list, tuple or set."""

    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """The items of a dict."""

    values: tuple[tuple[Value, Value], ...]


Content = str | bytes | int | float | complex | bool | Items | Pairs | None


@dataclass(unsafe_hash=True, slots=True)  # never changed; a frozen one takes three times as long to make
class Value:
    """A value: `content` where it `is_known`, else, of a string, its first characters (`start`) at most.

    `about` is the argument that it is made of. `pattern` is what that was compared with, where it is the outcome of
    a comparison that holds. `is_environment`: it depends on the environment, and on nothing else that is not known.
    `truth`: whether it counts as true, where only that is known.
    """

    is_known: bool = False
    content: Content = None
    start: str = ""
    about: str = ""
    pattern: str = ""
    is_environment: bool = False
    truth: bool | None = None


UNKNOWN = Value()
NONE = Value(is_known=True)


def known(content: Content, *of: Value, pattern: str = "") -> Value:
    """A value that is known, made of others."""
    return Value(is_known=True, content=content, about=about(of), pattern=pattern)


def unknown(*of: Value) -> Value:
    """A value made of others of which not enough is known."""
    found, is_environment = "", None
    for value in of:
        found = found or value.about
        if not value.is_known:
            is_environment = value.is_environment and is_environment is not False
    return Value(about=found, is_environment=bool(is_environment)) if found or is_environment else UNKNOWN


def about(values: Iterable[Value]) -> str:
    """The argument that the first of some values is made of that is made of one."""
    for value in values:
        if value.about:
            return value.about
    return ""


def joined(one: Value, other: Value) -> Value:
    """What is known of a value that is one of two."""
    if one is other or one == other:
        return one
    if one.is_known and other.is_known and one.content == other.content and _same_types(one, other):
        return replace(one, pattern="", about=about((one, other)))
    return Value(about=about((one, other)))


def _same_types(one: Value, other: Value) -> bool:
    return type(one.content) is type(other.content)


def truth(value: Value) -> bool | None:
    """Whether a value counts as true; None: unknown."""
    if not value.is_known:
        return True if value.start else value.truth
    content = value.content
    return bool(content.values) if isinstance(content, Items | Pairs) else bool(content)


def items(value: Value) -> tuple[Value, ...] | None:
    """What iterating over a value gives; None: unknown."""
    content = value.content
    if not value.is_known:
        return None
    if isinstance(content, Items):
        return content.values
    if isinstance(content, Pairs):
        return tuple(key for key, _ in content.values)
    if isinstance(content, str):
        return tuple(known(character, value) for character in content[:LONGEST])
    return None


def texts(value: Value) -> list[str]:
    """The strings that a value is or holds: itself, its items, its keys."""
    if value.is_known and isinstance(value.content, str):
        return [value.content]
    inner = items(value) or ()
    return [each.content for each in inner if each.is_known and isinstance(each.content, str)]
