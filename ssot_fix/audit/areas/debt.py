"""Debt: what the code itself says is left to do, and functions that do nothing yet.

What may be meant is left out: abstract methods, hooks, null objects, code that a decorator makes something of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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
    r"(?![\w\"'`/|*.\\-]|,? (?:and|or|&) [A-Z]+\b|, [A-Z]+\b"
    r"| (?i:comment|marker|item|list|tag|keyword|pattern|note|track|entr(?:y|ies)|placeholder|detect|scan|count)\w*)"
)
_SPELLS_MARKER = re.compile(rb"#[^\r\n]*\b(?:TODO|FIXME|XXX|HACK)")


class Item(NamedTuple):
    """A piece of debt: what marks it, where, and the comment or the name of the function."""

    kind: str
    line: int
    subject: str


def look(text: Text) -> tuple[Item, ...] | None:
    """The debt of a file in the order of its lines.

    Raises UnreadableText, Unparseable.
    """
    found = [*_marked(text), *(Item(*item) for item in unfinished(text))]
    return tuple(sorted(found, key=lambda item: item.line)) or None


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
        """`view` is not asked for anything: a file's debt is its own."""

    def sites(self, path: str, facts: object) -> Iterable[Site]:
        """The sites of a file."""
        assert isinstance(facts, tuple)
        return [Site(item.kind, item.line, item.subject, _message(item)) for item in facts]


def _message(item: Item) -> str:
    if item.kind in MARKERS:
        return item.subject
    if item.kind == UNIMPLEMENTED:
        return f"{item.subject} raises NotImplementedError"
    return f"{item.subject} does nothing"
