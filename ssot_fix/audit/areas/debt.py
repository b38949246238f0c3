"""Debt: what the code itself says is left to do, and functions that do nothing yet.

What may be meant is left out: abstract methods, hooks, null objects, code that a decorator makes something of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ssot_fix.audit.area import View
from ssot_fix.audit.areas.debt_functions import UNIMPLEMENTED, unfinished
from ssot_fix.audit.model import Site
from ssot_fix.audit.text import Text

NAME = "debt"
MARKERS = ("TODO", "FIXME", "XXX", "HACK")
_LENGTH = 200  # characters of a comment that are kept
# A marker opens the comment, or has its colon or the name of who is meant behind it. `# XXX-XXX` and `# TODO list`
# are none, nor is one in quotes, as in commented-out code.
_MARKER = re.compile(
    r"(?:^[#!*\-=>\s]*+|(?<![\w\"'`./|*\\-])(?=\w+ ?[:(]))"
    r"(?P<marker>TODO|FIXME|XXX|HACK)"
    r"(?![\w\"'`/|*.\\]|-(?!-)|,? (?:and|or|&) [A-Z]+\b|, [A-Z]+\b"
    r"| (?i:(?:comment|marker|item|list|tag|keyword|pattern|placeholder|count)s?|entr(?:y|ies)|tracking|detection)\b)"
)
_CLASS = re.compile(rb"\n[ \t]*class[ \t]+[\w\x80-\xff]+(?:\[[^\n]{0,200}\])?[ \t]*\(([^)]{1,500})\)")
_NAME = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*")
# From the last `#` before a marker: a line of many is gone through once.
_SPELLS_MARKER = re.compile(rb"#[^\r\n#]*\b(?:TODO|FIXME|XXX|HACK)")


class Item(NamedTuple):
    """A piece of debt: what marks it, where, and the comment or the name of the function."""

    kind: str
    line: int
    subject: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The debt of a file in the order of its lines, and the names of what its classes inherit from, perhaps more."""

    items: tuple[Item, ...] = ()
    bases: tuple[str, ...] = ()


def look(text: Text) -> Facts | None:
    """The debt of a file, as far as it can be told without its project.

    Raises UnreadableText, Unparseable.
    """
    found = [*_marked(text), *(Item(*item) for item in unfinished(text))]
    bases = {name for listed in _CLASS.findall(b"\n" + text.raw) for name in _NAME.findall(listed)}
    if not found and not bases:
        return None
    names = sorted(name.decode("utf-8", "replace") for name in bases)
    return Facts(tuple(sorted(found, key=lambda item: item.line)), tuple(names))


def _marked(text: Text) -> Iterator[Item]:
    if not _SPELLS_MARKER.search(text.raw):
        return
    for line, comment in text.comments(_SPELLS_MARKER):
        if match := _MARKER.search(comment):
            yield Item(match["marker"], line, remark(comment))


def remark(comment: str) -> str:
    """A comment as a subject: its words, with single blanks, in a bounded length."""
    words = " ".join(comment.lstrip("#!*-=> \t").split())
    return words if len(words) <= _LENGTH else f"{words[: _LENGTH - 1]}…"


class DebtArea:
    """The debt of a project: every site is one that is not in order."""

    name = NAME

    def __init__(self, view: View) -> None:
        self._view = view

    def sites(self, path: str, facts: object) -> Iterable[Site]:
        """The sites of a file. What a class leaves to those that inherit from it, wherever they are, is none."""
        assert isinstance(facts, Facts)
        for item in facts.items:
            owner = item.subject.rpartition(".")[0].rpartition(".")[2]
            if item.kind in MARKERS or owner not in self._bases:
                yield Site(item.kind, item.line, item.subject, _message(item))

    @cached_property
    def _bases(self) -> frozenset[str]:
        told = (self._view.facts(NAME, path) for path in self._view.python)
        return frozenset(name for facts in told if isinstance(facts, Facts) for name in facts.bases)


def _message(item: Item) -> str:
    if item.kind in MARKERS:
        return item.subject
    if item.kind == UNIMPLEMENTED:
        return f"{item.subject} raises NotImplementedError"
    return f"{item.subject} does nothing"
