"""What a run produces: edits, fixes, refusals, findings. Values only, all picklable."""

from __future__ import annotations

import enum
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple


class Applicability(enum.StrEnum):
    """How sure a fix is (docs/architecture.md, Words)."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    MANUAL = "manual"


class Status(enum.StrEnum):
    """What became of a site; every site has exactly one."""

    REWRITTEN = "rewritten"
    SUPPRESSED = "suppressed"
    REFUSED = "refused"


class Edit(NamedTuple):
    """Replace the half-open byte span [start, end) of a file's bytes by `text`."""

    start: int
    end: int
    text: bytes


class Refusal(NamedTuple):
    """Why a site is left alone: a stable reason code and a sentence for people."""

    reason: str
    message: str


def _reduced(value: Any) -> tuple[Any, ...]:  # noqa: ANN401  a dataclass of this module
    """How a value is pickled: what dataclasses with slots do by themselves takes ten times as long to read."""
    return type(value), tuple(getattr(value, name) for name in value.__slots__)


@dataclass(frozen=True, slots=True)
class Finding:
    """A site with what is to happen to it. Lines and columns from 1, columns in characters."""

    codemod: str
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    kind: str
    status: Status
    applicability: Applicability
    reason: str | None
    message: str
    replacement: str | None
    scope: str  # "production" or "test"

    def __reduce__(self) -> tuple[Any, ...]:
        return _reduced(self)


class Stage(NamedTuple):
    """The edits of a file with some of its codemods only; `codemod` is the last of them."""

    codemod: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class FileResult:
    """What one file came to. `edits` are offsets into the bytes that `digest` identifies.

    `path` is posix, relative to the project's root, undecodable bytes as surrogate escapes.
    `digest` is the SHA-256 of the bytes that were analysed (empty if the file could not be read).
    `error` is set if something could not be done; a refusal is no error. `notes` are for stderr,
    `trace` is the traceback behind an internal error. `stages` are, where they were asked for and several codemods
    rewrite the file, what the first of them, the first two, and so on, make of it without the others.
    """

    path: str
    findings: tuple[Finding, ...] = ()
    edits: tuple[Edit, ...] = ()
    digest: bytes = b""
    error: str | None = None
    notes: tuple[str, ...] = ()
    trace: str = ""
    stages: tuple[Stage, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reduced(self)

    @property
    def status(self) -> str:
        """`changed`, `unchanged` or `failed`, as the JSON report has it."""
        if self.error is not None:
            return "failed"
        return "changed" if self.edits else "unchanged"

    def undone(self, reason: str, error: str) -> FileResult:
        """The same file, not changed after all: failed, and what was to be rewritten refused."""
        findings = tuple(
            replace(finding, status=Status.REFUSED, reason=reason, message=error, replacement=None)
            if finding.status is Status.REWRITTEN
            else finding
            for finding in self.findings
        )
        return replace(self, findings=findings, edits=(), stages=(), error=error)


class OverlappingEdits(ValueError):
    """Two edits want the same bytes."""


def in_order(edits: Iterable[Edit]) -> list[Edit]:
    """Sort edits by place: at one offset, insertions first, in the order in which they came.

    Raises OverlappingEdits if two of them claim the same bytes.
    """
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end > edit.start))
    for before, after in pairwise(ordered):
        if after.start < before.end:
            raise OverlappingEdits(f"edits {before} and {after} overlap")
    return ordered


def apply_edits(data: bytes, edits: Sequence[Edit]) -> bytes:
    """The bytes with every edit carried out; all other bytes stay as they are (law 2)."""
    pieces: list[bytes] = []
    position = 0
    for edit in in_order(edits):
        pieces += (data[position : edit.start], edit.text)
        position = edit.end
    pieces.append(data[position:])
    return b"".join(pieces)


class Placed(NamedTuple):
    """An edit, and where its text lies in the new bytes."""

    edit: Edit
    start: int
    end: int


def placed(edits: Sequence[Edit]) -> list[Placed]:
    """The edits in order, each with where its text lies in what they lead to."""
    found, shift = list[Placed](), 0
    for edit in in_order(edits):
        start = edit.start + shift
        found.append(Placed(edit, start, start + len(edit.text)))
        shift += len(edit.text) - (edit.end - edit.start)
    return found


def origin(where: Sequence[Placed], start: int, end: int) -> tuple[slice, int, int]:
    """The edits inside a span of the new bytes, and the old bytes that it comes from.

    What begins or ends at a border of the span is outside; an edit that the border cuts is inside as a whole. An
    empty span comes behind the edits that end there.
    """
    first = bisect_right(where, start, key=lambda each: each.end)
    inside = slice(first, max(first, bisect_left(where, end, key=lambda each: each.start)))
    cut = where[inside]
    before = where[inside.start - 1] if inside.start else None
    behind = where[inside.stop - 1] if inside.stop else None
    old_start = cut[0].edit.start if cut and cut[0].start < start else start - _shift(before)
    old_end = cut[-1].edit.end if cut and cut[-1].end > end else end - _shift(behind)
    return inside, old_start, old_end


def _shift(placed: Placed | None) -> int:
    """How much further back the bytes behind an edit lie in the new text."""
    return placed.end - placed.edit.end if placed else 0


def and_then(edits: Sequence[Edit], new: bytes, change: Edit) -> list[Edit]:
    """Edits that also make one change of what they lead to, `new`; edits inside of it are swallowed."""
    where = placed(edits)
    inside, old_start, old_end = origin(where, change.start, change.end)
    cut = where[inside]
    low = min(change.start, cut[0].start) if cut else change.start
    high = max(change.end, cut[-1].end) if cut else change.end
    whole = Edit(old_start, old_end, new[low : change.start] + change.text + new[change.end : high])
    before, behind = where[: inside.start], where[inside.stop :]
    return [*(each.edit for each in before), whole, *(each.edit for each in behind)]
