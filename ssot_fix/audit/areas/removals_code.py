"""Versions of files, each read and parsed at most once: what they define, and what a definition looks like."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

from codemods.stale_imports.shapes import Shape, shapes
from ssot_fix.audit.text import Text
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.source import UnreadableText

_TREES = 150  # that are held at once, of about a megabyte each
Node = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (*get_args(Node), ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DEFINITION = re.compile(rb"\n([ \t]*+)(?:async[ \t]++)?+(?:def|class)[ \t]++([\w\x80-\xff]++)")
_QUOTES = re.compile(rb"\"\"\"|'''")
_WORD = re.compile(rb"[^\W\d][\w\x80-\xff]{3,}")


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A class, function or method; `name` is qualified (`Class.method`), `size` counts its lines."""

    name: str
    kind: str
    line: int
    size: int
    node: Node

    @property
    def last_name(self) -> str:
        """The name without the classes around it."""
        return self.node.name


class Recent:
    """The versions that were parsed last; trees are large, so older ones forget theirs."""

    def __init__(self, most: int = _TREES) -> None:
        self._most = most
        self._held: dict[Version, None] = {}

    def note(self, version: Version) -> None:
        """Somebody looks at a version's tree."""
        self._held.pop(version, None)
        self._held[version] = None
        if len(self._held) > self._most:
            oldest = next(iter(self._held))
            del self._held[oldest]
            oldest.forget()


class Version:
    """The text of a file as some commit had it."""

    def __init__(self, raw: bytes, recent: Recent | None = None) -> None:
        self.raw = raw
        self._recent = recent or Recent()

    @property
    def text(self) -> Text | None:
        """The parsed text; None if it can't be read or parsed."""
        self._recent.note(self)
        return self._text

    def forget(self) -> None:
        """Let go of the tree; it is parsed again if it is asked for."""
        for name in ("_text", "definitions", "bound"):
            self.__dict__.pop(name, None)

    @cached_property
    def _text(self) -> Text | None:
        text = Text(self.raw)
        try:
            return text if text.tree else None
        except (UnreadableText, Unparseable):
            return None

    @cached_property
    def outline(self) -> frozenset[str]:
        """What it seems to define, qualified, as the starts of lines tell: also what stands in functions."""
        return frozenset(name for name, is_code in self._outlined if is_code)

    @cached_property
    def _outlined(self) -> list[tuple[str, bool]]:
        return list(_outline(self.raw))

    @cached_property
    def _is_plain(self) -> bool:
        """Whether nothing that looks like a definition may stand in a string."""
        return all(is_code for _, is_code in self._outlined)

    @cached_property
    def definitions(self) -> Mapping[str, Definition]:
        """What it defines at module level and in classes there, branches included; nothing if it can't be parsed."""
        return {each.name: each for each in _definitions(self.text.tree, "")} if self.text else {}

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names, qualified, that anything but a definition binds at module level and in classes there."""
        if self.text is None:
            return frozenset()
        classes = {each.name: each.node for each in self.definitions.values() if each.kind == "class"}
        found = set(_assigned(self.text.tree.body))
        for name, node in classes.items():
            found.update(f"{name}.{each}" for each in _assigned(node.body))
        return frozenset(found)

    def defines(self, name: str) -> bool:
        """Whether it defines something, by its outline if it can't be parsed."""
        if self._is_plain and not self._may_define(name):
            return False
        return name in self.definitions if self.text else self._may_define(name)

    def _may_define(self, name: str) -> bool:
        """Whether the outline allows for a definition.

        What stands in a branch is indented, as if it were in the definition above: its name there has more parts.
        """
        spelled = self._by_last.get(name.rpartition(".")[2], ())
        return any(_is_within(name.split("."), each.split(".")) for each in spelled)

    @cached_property
    def _by_last(self) -> Mapping[str, Sequence[str]]:
        """The outline by the last parts of the names."""
        found = defaultdict[str, list[str]](list)
        for name in self.outline:
            found[name.rpartition(".")[2]].append(name)
        return found

    def is_class_if_any(self, name: str) -> bool:
        """Whether what it defines by a name, if anything, is a class."""
        found = self.definitions.get(name)
        return found is None or found.kind == "class"

    def surely_has_all_of(self, other: Version) -> bool:
        """Whether it defines whatever another version does, as far as bytes tell."""
        return self._is_plain and other._is_plain and self.outline.issuperset(other.outline)

    @cached_property
    def words(self) -> frozenset[bytes]:
        """The words of four letters or more."""
        return frozenset(_WORD.findall(self.raw))

    @cached_property
    def lines(self) -> int:
        """How many lines it has."""
        return len(self.raw.splitlines())

    def words_of(self, definition: Definition) -> frozenset[bytes]:
        """The words of one definition."""
        if self.text is None:
            return frozenset()
        source = self.text.source
        end = source.offset(definition.node.end_lineno or definition.line, definition.node.end_col_offset or 0)
        return frozenset(_WORD.findall(source.body[source.offset(definition.node.lineno, 0) : end]))

    def shape(self, name: str, package: str = "") -> Shape | None:
        """What the module binds a name to, or what a method looks like; None if there is no such thing."""
        if self.text is None:
            return None
        if "." not in name:
            return shapes(self.text.tree, {name}, package).get(name)
        found = self.definitions.get(name)
        return shapes(ast.Module([found.node], []), {found.last_name}).get(found.last_name) if found else None


class Versions:
    """The versions of files by their blobs."""

    def __init__(self, read: Callable[[Collection[str]], Mapping[str, bytes]]) -> None:
        """`read` gives the texts of blobs, as far as the repository has them."""
        self._read = read
        self._known: dict[str, Version | None] = {}
        self.recent = Recent()

    def load(self, blobs: Collection[str]) -> None:
        """Read some blobs at once."""
        fresh = sorted(set(blobs) - self._known.keys())
        texts = self._read(fresh) if fresh else {}
        self._known.update((blob, Version(texts[blob], self.recent) if blob in texts else None) for blob in fresh)

    def of(self, blob: str | None) -> Version | None:
        """The version that a blob is; None if there is none, or the repository lacks it."""
        if blob is None:
            return None
        if blob not in self._known:
            self.load([blob])
        return self._known[blob]


def _outline(raw: bytes) -> Iterator[tuple[str, bool]]:
    """Qualified names, each with whether it is sure to be code: outside of long strings, by counting quotes."""
    text = b"\n" + (raw.replace(b"\r", b"\n") if b"\r" in raw else raw)
    quotes = [match.start() for match in _QUOTES.finditer(text)]
    around: list[tuple[int, str]] = []
    for match in _DEFINITION.finditer(text):
        depth = len(match[1].expandtabs())
        while around and around[-1][0] >= depth:
            around.pop()
        name = match[2].decode(errors="replace")
        around.append((depth, f"{around[-1][1]}.{name}" if around else name))
        is_code = bisect_left(quotes, match.start()) % 2 == 0
        yield around[-1][1], is_code and name.isascii()  # others are spelled in several ways


def _is_within(parts: Sequence[str], others: Sequence[str]) -> bool:
    """Whether all parts stand among others, in this order."""
    rest = iter(others)
    return all(part in rest for part in parts)


def _assigned(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """The names that the statements of a scope bind, definitions and what those hold aside."""
    waiting = [*nodes]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.MatchAs(name=str() as name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]
        if not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)


def _definitions(node: ast.AST, prefix: str) -> Iterator[Definition]:
    """The definitions in the scope of a module or class, and in the classes there, in order."""
    waiting = [*ast.iter_child_nodes(node)][::-1]
    while waiting:
        at = waiting.pop()
        if isinstance(at, Node):
            is_class = isinstance(at, ast.ClassDef)
            kind = "class" if is_class else "method" if prefix else "function"
            start = min([at.lineno, *(each.lineno for each in at.decorator_list)])
            yield Definition(f"{prefix}{at.name}", kind, at.lineno, (at.end_lineno or at.lineno) - start + 1, at)
            if is_class:
                yield from _definitions(at, f"{prefix}{at.name}.")
        elif isinstance(at, ast.stmt | ast.excepthandler | ast.match_case):
            waiting += [*ast.iter_child_nodes(at)][::-1]
