"""What a run changes, file by file: a unified diff that reads well as it is; the script makes two sides of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from ssot_fix.edits import Edit
from ssot_fix.report.diff import ShownHunk, ShownLine, shown_hunks

_NO_NEWLINE = Markup("\\ No newline at end of file\n")
_ELEMENTS = {"-": "del", "+": "ins"}


class Change(NamedTuple):
    """What becomes of a file: its diff, and how many lines come and go."""

    path: str
    text: Markup
    added: int
    removed: int


def change(path: str, old: bytes, edits: Sequence[Edit]) -> Change:
    """What edits make of a file's bytes.

    Each line of the text begins with its mark, or with `@@` or a backslash; in lines that change, elements `del` and
    `ins` hold the words that differ. Raises OverlappingEdits.
    """
    found = shown_hunks(old, edits)
    marks = [line.mark for hunk in found for line in hunk.lines]
    return Change(path, Markup("").join(_text(found)), marks.count("+"), marks.count("-"))


def _text(found: Iterable[ShownHunk]) -> Iterable[Markup]:
    for hunk, lines in found:
        yield escape(f"{hunk.header}\n")
        yield from map(_line, lines)


def _line(line: ShownLine) -> Markup:
    element = _ELEMENTS.get(line.mark)
    text = Markup("").join(
        Markup("<{0}>{1}</{0}>").format(element, piece.text) if piece.is_stressed else escape(piece.text)
        for piece in line.pieces
    )
    end = Markup("\n") if line.has_newline else Markup("\n") + _NO_NEWLINE
    return escape(line.mark) + text + end
