"""What the repository's objects tell of a range: all of a report but what runs and people add to it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from ssot_fix.audit.area import Area, Look
from ssot_fix.audit.areas import (
    debt,
    encoding,
    environment,
    imports,
    imports_places,
    migrations,
    removals,
    resources,
    validators,
)
from ssot_fix.audit.areas.debt_accepted import apply_accepted
from ssot_fix.audit.areas.debt_ages import ages
from ssot_fix.audit.areas.imports_series import FileImports
from ssot_fix.audit.areas.imports_timeline import ImportsBeyond, standing
from ssot_fix.audit.areas.removals_range import removed
from ssot_fix.audit.auditing import Since, Walk, by_service, contents, points, regressions
from ssot_fix.audit.commits import Span, tree_of
from ssot_fix.audit.looking import Progress, Shelf, look_at
from ssot_fix.audit.model import AREAS, BrokenImport, Finding, Removal, Report, Scope, Tally
from ssot_fix.audit.ownership import Owners, Severities
from ssot_fix.audit.settings import COMPLIANCE
from ssot_fix.audit.summary import summaries
from ssot_fix.audit.timeline import State
from ssot_fix.audit.view import CommitView
from ssot_fix.delivery.message import counted
from ssot_fix.engine.executors import aside
from ssot_fix.project.config import Config
from ssot_fix.project.objects import Objects, Reader

_LOOKS: Mapping[str, Look] = {
    "environment": environment.look,
    "encoding": encoding.look,
    "resources": resources.look,
    "debt": debt.look,
    "validators": validators.look,
    "migrations": migrations.look,
    "imports": imports.look,
    removals.AREA: removals.look,
}
# The areas that stand in every commit of a range; of the others only the head's files count.
_ALL_COMMITS = {"environment", "encoding", "resources", "debt", "imports"}
# Tests are full of functions that do nothing, and of what they expect to be rejected.
_PRODUCTION_ONLY = {"debt", "validators"}


def seen(config: Config, span: Span, shelf: Shelf | None, progress: Progress) -> tuple[Report, bool]:
    """What is to be said of a range. Findings come without remedies; checks, criteria and phases are not there.

    Also whether the repository lacks nothing that was asked for, and so will never tell more. Raises GitError.
    """
    with Reader(config.root) as reader, _without_collector():
        view = CommitView(config, span.head.id, tree_of(config.root, span.head.id), reader)
        report = _Seeing(view, span, reader, shelf, progress).report()
        return report, not (view.known.missing or Objects(view.root).is_partial)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Nothing here leaves cycles behind, and looking for some among millions of values takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Seeing:
    """One audit of a range."""

    def __init__(self, view: CommitView, span: Span, reader: Reader, shelf: Shelf | None, progress: Progress) -> None:
        self._view = view
        self._span = span
        self._reader = reader
        self._shelf = shelf
        self._progress = progress
        wanted = {area: self._blobs(area) for area in _LOOKS}
        self._look(wanted, _LOOKS)
        self._accessors = environment.EnvironmentArea(view)
        self._areas: tuple[Area, ...] = (
            self._accessors,
            encoding.EncodingArea(view),
            resources.ResourcesArea(view),
            debt.DebtArea(view),
        )
        self._imports = ImportsBeyond(view, span, reader)
        self._walk = Walk(view, span, self._areas, self._imports)

    def _blobs(self, area: str) -> set[bytes]:
        """The blobs that an area is about."""
        scope: Scope | None = "production" if area in _PRODUCTION_ONLY else None
        if area in _ALL_COMMITS:
            return contents(self._span, self._view, scope)
        return {self._view.blobs[path] for path in self._view.python if scope in {None, self._view.scope(path)}}

    def _look(self, wanted: Mapping[str, Collection[bytes]], looks: Mapping[str, Look]) -> None:
        root, jobs = self._view.root, self._view.config.general.jobs
        more = look_at(root, wanted, looks, jobs=jobs, shelf=self._shelf, progress=self._progress)
        self._view.known = self._view.known.and_then(more)

    def report(self) -> Report:
        """All of it."""
        broken = self._broken(self._imports.head())
        # What became of what imports ask for takes as long as all else, but for looking at files.
        with aside(lambda: imports.broken_imports(self._view, broken), self._view.config.general.jobs) as explained:
            return self._report(broken, explained)

    def _report(
        self, broken: Mapping[str, tuple[imports.Broken, ...]], explained: Callable[[], tuple[BrokenImport, ...]]
    ) -> Report:
        view, span = self._view, self._span
        start = self._walk.start(self._imports.start())
        moments, state = self._walk.run(start)
        since = Since(state)
        answers = self._imports.answers(view.commit)
        gone, checked, chains = removed(view, span), validators.validators(view), migrations.chains(view)
        found = [
            *(each for area in self._areas for path in view.python for each in self._findings(area, path, since)),
            *(each for path, sites in broken.items() for each in _of_imports(view, path, sites, since)),
            *_of_removals(gone),
            *validators.findings(view, checked),
            *migrations.findings(chains),
        ]
        told, notes = apply_accepted(_told(view, found), view.options.accepted, span.head.date, view.config)
        findings = _in_order(told)
        return Report(
            project=view.root.name,
            head=span.head,
            start=span.start,
            points=points(span, moments),
            summaries=summaries(findings, _production(state), _production(start)),
            services=self._services(answers),
            findings=findings,
            keys=environment.inventory(view, self._accessors),
            imports=explained(),
            modules=imports.broken_modules(view, broken),
            removals=gone,
            validators=checked,
            chains=chains,
            regressions=regressions(view, state, findings),
            notes=(*_notes(view), *notes),
        )

    def _broken(self, answers: Mapping[str, FileImports]) -> dict[str, tuple[imports.Broken, ...]]:
        """The imports that lead nowhere, each with its line: only files that have some are asked for those."""
        blobs = {self._view.blobs[path] for path, answer in answers.items() if answer.bad}
        self._look({imports_places.AREA: blobs}, {imports_places.AREA: imports_places.look_places})
        return imports.locate(self._view, answers)

    def _findings(self, area: Area, path: str, since: Since) -> Iterator[Finding]:
        """What is not in order in a file; who brought one of several sites alike, brought the last of them."""
        scope = self._view.scope(path)
        if scope == "test" and area.name in _PRODUCTION_ONLY:
            return
        for site in reversed(self._walk.sites(area, path)):
            if not site.good:
                brought = since.of(path, area.name, site.kind, site.subject)
                yield Finding(area.name, site.kind, path, site.line, site.subject, site.message, scope, since=brought)

    def _services(self, answers: Mapping[str, FileImports]) -> dict[str, dict[str, Tally]]:
        files = [(path, self._walk.stands(path, self._view.blobs[path])) for path in self._view.python]
        found = by_service(self._view, [*files, *((path, standing(each)) for path, each in answers.items())])
        rated = {service: {area: held[area] for area in COMPLIANCE if area in held} for service, held in found.items()}
        return {service: held for service, held in rated.items() if held}


def _production(state: State) -> dict[str, Tally]:
    return {area: tally for (scope, area), tally in state.totals.items() if scope == "production"}


def _of_imports(view: CommitView, path: str, broken: Iterable[imports.Broken], since: Since) -> Iterator[Finding]:
    for each in reversed(list(broken)):
        site, scope = each.site, view.scope(path)
        brought = since.of(path, imports.NAME, site.kind, site.subject)
        kind = site.kind if each.is_certain else "guarded"
        yield Finding(imports.NAME, kind, path, site.line, site.subject, site.message, scope, since=brought)


def _of_removals(gone: Iterable[Removal]) -> Iterator[Finding]:
    """What still refers to something that went; imports of it are findings already."""
    for each in gone:
        for mention in each.mentions:
            if mention.how != "import":
                place, where = mention.place, f", which is {each.new} now" if each.new else ""
                message = (
                    f"{mention.how} that names the {each.kind} {each.name}{where}: removed in {each.commit.id[:9]}"
                )
                yield Finding(
                    "removals", each.fate, place.path, place.line, each.name, message, place.scope, since=each.commit
                )


def _told(view: CommitView, found: Sequence[Finding]) -> Iterator[Finding]:
    """The findings with service, owners and severity; debt since whenever it is there."""
    owners, severities, since = Owners(view), Severities(view.options), ages(view, found)
    for each in found:
        yield replace(
            each,
            service=view.service(each.path),
            owners=owners.of(each.path),
            severity=severities.of(each),
            since=since.get(each, each.since),
        )


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    place = {area: at for at, area in enumerate(AREAS)}
    return tuple(sorted(findings, key=lambda each: (place[each.area], each.path, each.line, each.kind, each.subject)))


def _notes(view: CommitView) -> Iterator[str]:
    """What could not be known."""
    if view.history.limits:
        yield view.history.limits
    unread = {"not in the repository": view.known.missing, "too large to be looked at": view.known.large}
    for what, blobs in unread.items():
        if blobs:
            yield f"{what}: {counted(len(blobs), 'version')} of Python files; what they held is not known"
    for path in view.python:
        if error := view.known.error(view.blobs[path]):
            yield f"{path} can't be read by every area: {error}"
