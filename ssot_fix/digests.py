"""Digests of values: equal for equal values in every process, whatever the order of sets and the seed of hashes."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from types import FunctionType

_SIZE = 16  # bytes: more than enough against chance


class Undigestible(TypeError):
    """A value of a type of which nothing is known."""


def digest(value: object) -> bytes:
    """The digest of a value: plain ones, containers, paths, enums, dataclasses, and what has a method `digestible`.

    That method returns a value that stands for the whole. Raises Undigestible.
    """
    return hashlib.blake2b(b"".join(_encoded(value)), digest_size=_SIZE).digest()


def blob_name(data: bytes) -> bytes:
    """What git would call a blob of some bytes: 20 bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).digest()


def _encoded(value: object) -> Iterator[bytes]:  # noqa: PLR0912  one case for each kind
    """Pieces that tell a value from all others: each is of known length, or says how long it is."""
    match value:
        case None:
            yield b"-"
        case enum.Enum():
            yield from _parts(b"e", (type(value).__qualname__, value.name))
        case bool():
            yield b"t" if value else b"f"
        case str():
            yield from _sized(b"s", value.encode("utf-8", "surrogatepass"))
        case bytes():
            yield from _sized(b"b", value)
        case int() | float():
            yield from _sized(b"n", repr(value).encode())
        case tuple() | list():
            yield from _parts(b"l", value)
        case frozenset() | set():
            yield from _sized(b"u", b"".join(sorted(map(digest, value))))
        case Mapping():
            yield from _sized(b"m", b"".join(sorted(digest(key) + digest(each) for key, each in value.items())))
        case PurePath():
            yield from _sized(b"p", value.as_posix().encode("utf-8", "surrogatepass"))
        case type() | FunctionType():
            if "<" in value.__qualname__:  # made inside a function: another each time, under the same name
                raise Undigestible(value.__qualname__)
            yield from _parts(b"c", (value.__module__, value.__qualname__))
        case _ if hasattr(value, "digestible"):
            yield from _parts(b"o", (type(value).__qualname__, value.digestible()))
        case _ if (fields := getattr(value, "__dataclass_fields__", None)) is not None:
            compared = [getattr(value, name) for name, field in fields.items() if field.compare]
            yield from _parts(b"d", (type(value).__qualname__, *compared))
        case _:
            raise Undigestible(f"{type(value).__module__}.{type(value).__qualname__}")


def _sized(kind: bytes, data: bytes) -> Iterator[bytes]:
    yield b"%b%d:" % (kind, len(data))
    yield data


def _parts(kind: bytes, parts: Iterable[object]) -> Iterator[bytes]:
    held = [b"".join(_encoded(part)) for part in parts]
    yield b"%b%d:" % (kind, len(held))
    yield from held
