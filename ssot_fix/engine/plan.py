"""Planning one module: which sites are rewritten, and the edits for all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ssot_fix.bindings import Module
from ssot_fix.drops import drop_edits, droppable
from ssot_fix.edits import Applicability, Refusal, Status
from ssot_fix.engine.contract import Prepared
from ssot_fix.engine.suppress import read_suppressions
from ssot_fix.import_edits import compose, why_not
from ssot_fix.project.config import Config
from ssot_fix.project.resolver import Project
from ssot_fix.sites import Plan, Site


@dataclass(frozen=True, slots=True)
class Context:
    """What planning any file of a run needs; picklable.

    `takers` tells what other files take: the names of globals, by the last name of their module. `wanted` holds
    the files that each codemod looks into.
    """

    project: Project
    codemods: tuple[Prepared, ...]
    known: frozenset[str]
    config: Config
    takers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    wanted: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def active(self, path: str) -> tuple[Prepared, ...]:
        """The codemods that the settings want for a file, and that may find something there."""
        wanted = self.config.general_for(path).codemods
        return tuple(
            codemod
            for codemod in self.codemods
            if path in self.wanted[codemod.name] and (not wanted or codemod.name in wanted)
        )

    def seeds(self, path: str, raw: bytes) -> frozenset[str]:
        """The names of interest of all codemods."""
        return frozenset().union(*(codemod.seeds(path, raw) for codemod in self.active(path)))

    def taken(self, module: Module) -> frozenset[str]:
        """The globals of a module that other files take: by import (`*`: all), attribute or patch target."""
        return self.takers.get(module.name.rpartition(".")[2], frozenset())


def plan_module(module: Module, context: Context) -> Plan:
    """Decide every site of a module and compose the edits."""
    plan = Plan()
    suppressions = read_suppressions(module, context.known)
    codemods, taken = context.active(module.path), context.taken(module)
    for codemod in codemods:
        sites = codemod.sites(module, context.project, taken)
        for site in sites:
            site.status = _first_status(module, site, codemod, suppressions.covers(module, site.node, codemod.name))
        plan.sites += sites
        _settle(codemod, sites)
    _refuse_overlaps(plan.sites)
    plan.notes += suppressions.notes
    plan.notes += suppressions.unused(codemod.name for codemod in codemods)
    _compose(module, plan, context.project, taken)
    return plan


def _first_status(module: Module, site: Site, codemod: Prepared, suppressed: bool) -> Status:
    if suppressed:
        return Status.SUPPRESSED
    if site.refusal is not None:
        return Status.REFUSED
    if site.applicability is Applicability.UNSAFE and not codemod.allows_unsafe(module.path, site.kind):
        site.refusal = Refusal("unsafe", site.message)
        return Status.REFUSED
    return Status.REWRITTEN


def _settle(codemod: Prepared, sites: Sequence[Site]) -> None:
    """Let coupled sites refuse one another until nothing changes."""
    standing = -1
    while standing != (standing := sum(site.status is Status.REWRITTEN for site in sites)):
        codemod.couple(sites)


def _refuse_overlaps(sites: Iterable[Site]) -> None:
    """Of sites that want the same bytes, leave the one that starts first."""
    standing = [site for site in sites if site.status is Status.REWRITTEN]
    claims = sorted(((e.start, e.end, n) for n, site in enumerate(standing) for e in site.edits))
    taken = 0
    for start, end, number in claims:
        site = standing[number]
        if start < taken and site.status is Status.REWRITTEN:
            site.refuse(Refusal("overlapping-edits", "another rewrite changes the same bytes"))
        taken = max(taken, end)


def _refuse_unclean(module: Module, plan: Plan) -> None:
    """Refuse moves out of statements that can't be edited cleanly: with which names go, that is known only now."""
    moving = [site for site in plan.rewritten() if site.moved is not None]
    reasons = why_not(module, [site.moved for site in moving if site.moved is not None])
    for site in moving:
        if site.moved is not None and (why := reasons.get(site.moved.statement)):
            site.refuse(Refusal("import-layout", f"{site.message}; {why}"))


def _compose(module: Module, plan: Plan, project: Project, taken: frozenset[str]) -> None:
    _refuse_unclean(module, plan)
    rewritten = plan.rewritten()
    composed = compose(module, [site.moved for site in rewritten if site.moved is not None], project)
    plan.expected, plan.import_edits = composed.expected, composed.edits
    plan.site_edits = [edit for site in rewritten for edit in site.edits]
    references = [reference for site in rewritten for reference in site.references]
    dropped = droppable(module, references, taken)
    plan.dropped = {node: aliases for node, aliases in dropped.items() if node not in plan.expected}
    whole = frozenset(node for node, aliases in plan.dropped.items() if len(aliases) == len(node.names))  # type: ignore[attr-defined]
    binders = dict.fromkeys(site.binder for site in rewritten if site.binder and site.needs_import)
    # Modules come first, as in their section; beside one, an import that goes leaves no gap to be closed.
    modules_first = sorted(binders, key=lambda binder: bool(binder.target.name))
    if len({bool(binder.target.name) for binder in binders}) > 1:
        whole = frozenset()
    for binder in modules_first:
        nodes = [site.place for site in rewritten if site.binder is binder]
        placement = binder.placement_for(nodes, busy=plan.expected)
        if placement.merge is not None:
            plan.merged[placement.merge] = binder
        else:
            plan.placed.append(binder)
        plan.import_edits += binder.edits(placement, whole)
    plan.import_edits += drop_edits(module, plan.dropped, {edit.start for edit in plan.import_edits})
