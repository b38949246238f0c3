"""Sites: what a codemod hands to the planner, and the plan that comes of it."""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from ssot_fix.bindings import Reference
from ssot_fix.edits import Applicability, Edit, Refusal, Status
from ssot_fix.import_edits import Moved, Statement
from ssot_fix.imports import Binder


@dataclass(frozen=True, slots=True)
class Replaced:
    """An expression or statement that an edit of a site replaces, and its successor as `ast.unparse` spells it."""

    node: ast.expr | ast.stmt
    source: str


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword argument, a string, that a call gains behind all of its others."""

    call: ast.Call
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Inserted:
    """Statements, as `ast.unparse` spells them, that come into a block of the tree in front of its `index`th."""

    block: list[ast.stmt]
    index: int
    sources: tuple[str, ...]


@dataclass(eq=False, slots=True)
class Site:
    """A place in one module that a codemod is about, with either a fix or a refusal.

    `node` is what the finding points at. A fix has `edits` in `Source.body` offsets; for the proof, `changed` is
    the node that they replace (by default `node`), and `kept` the nodes that must come back, in order, as the
    arguments of the call that takes its place. `binder` is set if the fix reaches a target by `expression`, whose
    import has to be added if `needs_import`; `references` are the uses of names that go away. `key` is what sites
    are coupled by; its meaning is the codemod's own. A fix of an import has `moved` instead, and in `replaced` and
    `edits` what follows it elsewhere; one that only adds to the tree has `keyword` or `inserted`. `replacement` is
    what the finding shows, if not the new text of `node`.
    """

    codemod: str
    node: ast.AST
    kind: str
    message: str
    applicability: Applicability
    refusal: Refusal | None = None
    edits: tuple[Edit, ...] = ()
    changed: ast.AST | None = None
    kept: tuple[ast.AST, ...] = ()
    binder: Binder | None = None
    expression: str = ""
    needs_import: bool = False
    references: tuple[Reference, ...] = ()
    key: str | None = None
    moved: Moved | None = None
    replaced: tuple[Replaced, ...] = ()
    keyword: Keyword | None = None
    inserted: Inserted | None = None
    replacement: str | None = None
    status: Status | None = None

    @property
    def place(self) -> ast.AST:
        """The node where the new code runs."""
        return self.changed or self.node

    @property
    def is_declared(self) -> bool:
        """Whether all that changes is declared, by `moved`, `replaced`, `keyword` or `inserted`."""
        return bool(self.moved or self.replaced or self.keyword or self.inserted)

    def refuse(self, refusal: Refusal) -> None:
        """Leave the site alone, for a reason."""
        self.refusal = refusal
        self.status = Status.REFUSED


@dataclass(slots=True)
class Plan:
    """All that is to happen to one module; edits are in `Source.body` offsets.

    `expected` tells for each import statement that moves touch what has to stand in its place.
    """

    sites: list[Site] = field(default_factory=list)
    site_edits: list[Edit] = field(default_factory=list)
    import_edits: list[Edit] = field(default_factory=list)
    dropped: dict[ast.stmt, list[ast.alias]] = field(default_factory=dict)
    merged: dict[ast.stmt, Binder] = field(default_factory=dict)
    placed: list[Binder] = field(default_factory=list)
    expected: dict[ast.stmt, tuple[Statement, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _grown: _Growth | None = None

    @property
    def edits(self) -> list[Edit]:
        """Import edits first: at one offset they come before a site's."""
        return [*self.import_edits, *self.site_edits]

    def rewritten(self) -> list[Site]:
        """The sites that the plan rewrites."""
        return [site for site in self.sites if site.status is Status.REWRITTEN]

    def new_span(self, site: Site, start: int, end: int) -> tuple[int, int]:
        """Where a span of the old text that belongs to a site lies in the new text; for a composed plan only."""
        before, after = self._growth.before(start), self._growth.within(end)
        for edit in site.edits:
            if edit.end <= start:
                before -= _grown(edit)
            if edit.start == end:
                after += _grown(edit)
        return start + before, end + after

    def new_place(self, start: int, end: int) -> tuple[int, int]:
        """Where an expression lies in the new text that an edit of its own replaces, wholly or inside."""
        return start + self._growth.before(start), end + self._growth.within(end)

    @property
    def _growth(self) -> _Growth:
        if self._grown is None:
            self._grown = _Growth(self.edits)
        return self._grown


class _Growth:
    """How much the text in front of an offset grows, looked up in logarithmic time."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._ends, self._by_end = _sums(edits, lambda edit: edit.end)
        self._starts, self._by_start = _sums(edits, lambda edit: edit.start)

    def before(self, offset: int) -> int:
        """Bytes gained by the edits that end at or before an offset."""
        return self._by_end[bisect_right(self._ends, offset)]

    def within(self, offset: int) -> int:
        """Bytes gained by the edits that start before an offset."""
        return self._by_start[bisect_left(self._starts, offset)]


def _sums(edits: Sequence[Edit], place: Callable[[Edit], int]) -> tuple[list[int], list[int]]:
    ordered = sorted(edits, key=place)
    return [place(edit) for edit in ordered], [0, *accumulate(_grown(edit) for edit in ordered)]


def _grown(edit: Edit) -> int:
    return len(edit.text) - (edit.end - edit.start)
