"""Sites: what a codemod hands to the planner, and the plan that comes of it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from ssot_fix.bindings import Reference
from ssot_fix.edits import Applicability, Edit, Refusal, Status
from ssot_fix.imports import Binder


@dataclass(eq=False, slots=True)
class Site:
    """A place in one module that a codemod is about, with either a fix or a refusal.

    `node` is what the finding points at. A fix has `edits` in `Source.body` offsets; for the proof, `changed` is
    the node that they replace (by default `node`), and `kept` the nodes that must come back, in order, as the
    arguments of the call that takes its place. `binder` is set if the fix reaches a target by `expression`, whose
    import has to be added if `needs_import`; `reference` is the use of a name that goes away. `key` is what sites
    are coupled by; its meaning is the codemod's own.
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
    reference: Reference | None = None
    key: str | None = None
    status: Status | None = None

    def refuse(self, refusal: Refusal) -> None:
        """Leave the site alone, for a reason."""
        self.refusal = refusal
        self.status = Status.REFUSED


@dataclass(slots=True)
class Plan:
    """All that is to happen to one module; edits are in `Source.body` offsets."""

    sites: list[Site] = field(default_factory=list)
    site_edits: list[tuple[Edit, Site]] = field(default_factory=list)
    import_edits: list[Edit] = field(default_factory=list)
    dropped: dict[ast.stmt, list[ast.alias]] = field(default_factory=dict)
    merged: dict[ast.stmt, Binder] = field(default_factory=dict)
    placed: list[Binder] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def edits(self) -> list[Edit]:
        """Import edits first: at one offset they come before a site's."""
        return [*self.import_edits, *(edit for edit, _ in self.site_edits)]

    def rewritten(self) -> list[Site]:
        """The sites that the plan rewrites."""
        return [site for site in self.sites if site.status is Status.REWRITTEN]

    def new_span(self, site: Site, start: int, end: int) -> tuple[int, int]:
        """Where a span of the old text that belongs to a site lies in the new text."""
        before = after = 0
        tagged: list[tuple[Edit, Site | None]] = [(edit, None) for edit in self.import_edits]
        for edit, owner in [*tagged, *self.site_edits]:
            grown = len(edit.text) - (edit.end - edit.start)
            if edit.end <= start and owner is not site:
                before += grown
            if edit.start < end or (owner is site and edit.start == end):
                after += grown
        return start + before, end + after
