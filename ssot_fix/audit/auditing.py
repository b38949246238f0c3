"""The audit of a range: all that the objects of the repository tell. What a run would rewrite is `planned`'s part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from ssot_fix.audit.area import Area
from ssot_fix.audit.commits import Change, Span, tree_of
from ssot_fix.audit.model import Finding, Place, Point, Regression, Scope, Site, Tally
from ssot_fix.audit.timeline import Beyond, Moment, Pattern, Standing, State, Timeline, standing, together
from ssot_fix.audit.view import CommitView
from ssot_fix.project.history import Commit

T = TypeVar("T")


class Walk:
    """A range, gone through commit by commit; what its areas see in a file is worked out once for each content."""

    def __init__(self, view: CommitView, span: Span, areas: Sequence[Area], beyond: Beyond) -> None:
        """`view` is the head's, and knows what all contents of the range tell."""
        self._view = view
        self._span = span
        self._areas = areas
        self._beyond = beyond
        self._stands: dict[tuple[str, bytes], Standing] = {}
        unread = {blob for blob in contents(span, view) if view.known.is_unread(blob)} - {*view.blobs.values()}
        self._instead = _nearest(span, unread) if unread else {}

    def sites(self, area: Area, path: str) -> list[Site]:
        """The sites of a file of the head."""
        facts = self._view.facts(area.name, path)
        return [] if facts is None else list(area.sites(path, facts))

    def stands(self, path: str, blob: bytes | None) -> Standing:
        """How a file with a content stands in areas that depend on it alone."""
        if blob is None or not self._view.is_python(path):
            return Standing()
        if (path, blob) not in self._stands:
            self._stands[path, blob] = together(self._standings(path, blob))
        return self._stands[path, blob]

    def _standings(self, path: str, blob: bytes) -> Iterator[Standing]:
        for area in self._areas:
            facts = self._facts(area.name, blob)
            if facts is not None:
                yield standing(area.name, area.sites(path, facts))

    def _facts(self, area: str, blob: bytes) -> object | None:
        """What a content tells; of one that can't be read what that next to it does: nobody took out what is there."""
        facts = self._view.known.facts(area, blob)
        if facts is None and blob in self._instead:
            return self._view.known.facts(area, self._instead[blob])
        return facts

    def start(self, imports: Mapping[str, Standing]) -> State:
        """How all stood before the range; `imports` is by path what depends on more than a file."""
        state, nothing = State(), Standing()
        before = tree_of(self._view.root, self._span.start.id).blobs if self._span.start else {}
        for path, blob in before.items():
            state.add(self._view.scope(path), nothing, self.stands(path, blob))
        for path, each in imports.items():
            state.add(self._view.scope(path), nothing, each)
        return state

    def run(self, start: State) -> tuple[list[Moment], State]:
        """Every commit of the range, and how the head stands."""
        return Timeline(self._span, self.stands, self._view.scope, self._beyond).run(start)


def contents(span: Span, view: CommitView, scope: Scope | None = None) -> set[bytes]:
    """The blobs that an audit looks at: those of the head, and of whatever a commit of the range changed.

    With a scope, those of files in it.
    """
    found = {view.blobs[path] for path in view.python if scope in {None, view.scope(path)}}
    for changes in _first_hand(span):
        for change in changes:
            for path, blob in ((change.renamed_from or change.path, change.old), (change.path, change.new)):
                if blob and view.is_python(path) and scope in {None, view.scope(path)}:
                    found.add(blob)
    return found


def _nearest(span: Span, unread: Collection[bytes]) -> dict[bytes, bytes]:
    """For contents that can't be read what their files held before, or after if that is not known either."""
    found: dict[bytes, bytes] = {}
    changes = [change for each in _first_hand(span) for change in each if change.old and change.new]
    pairs = [(change.old, change.new) for change in changes]
    for near, blob in (*pairs, *((new, old) for old, new in reversed(pairs))):
        assert near is not None
        assert blob is not None
        held = found.get(near, near)
        if blob in unread and held not in unread:
            found.setdefault(blob, held)
    return found


def _first_hand(span: Span) -> Iterator[Sequence[Change]]:
    yield from span.outside.values()
    yield from (step.changes[0] for step in span.steps)


def points(span: Span, moments: Iterable[Moment]) -> tuple[Point, ...]:
    """How production stood at each commit, oldest first."""
    return tuple(
        Point(
            moment.commit,
            _production(moment.totals),
            _production(moment.brought),
            _production(moment.taken),
            moment.commit.id in span.line,
        )
        for moment in moments
    )


def _production(by_scope: Mapping[tuple[Scope, str], T]) -> dict[str, T]:
    return {area: value for (scope, area), value in sorted(by_scope.items()) if scope == "production"}


def by_service(view: CommitView, standings: Iterable[tuple[str, Standing]]) -> dict[str, dict[str, Tally]]:
    """How the production code of each service stands in each area; `standings` are by path."""
    found: dict[str, dict[str, Tally]] = defaultdict(dict)
    for path, each in standings:
        if view.scope(path) == "production":
            held = found[view.service(path)]
            for area, tally in each.tallies.items():
                held[area] = held.get(area, Tally()).plus(tally)
    return {service: found[service] for service in sorted(found)}


class Since:
    """Which commit of the range brought a site, where a file has several of its pattern the last of them."""

    def __init__(self, state: State) -> None:
        self._left = {spot: list(commits) for spot, commits in state.born.items()}

    def of(self, path: str, area: str, kind: str, subject: str) -> Commit | None:
        """Ask for each site once, the last one of a file first."""
        left = self._left.get((path, Pattern(area, kind, subject)))
        return left.pop() if left else None


def regressions(view: CommitView, state: State, findings: Iterable[Finding]) -> tuple[Regression, ...]:
    """What the range had taken out of a file, and is there again at its head."""
    lines: dict[tuple[str, str, str], int] = {}
    for each in findings:
        lines.setdefault((each.path, each.area, each.subject), each.line)
    found = []
    for (path, pattern), (removed, back) in sorted(state.back.items(), key=lambda item: item[0]):
        line = lines.get((path, pattern.area, pattern.subject))
        if line is not None:
            place = Place(path, line, view.scope(path), view.service(path))
            found.append(Regression(pattern.area, pattern.kind, pattern.subject, place, removed, back))
    return tuple(found)
