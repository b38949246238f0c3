"""How a code base stood at each commit of a range: what each brought, took away, and brought back.

Each commit is its first parent with what differs; a merge takes over what its other parents brought. Sites are told
apart by file, area, kind and subject, and follow files that are renamed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from ssot_fix.audit.commits import Change, Span, Step
from ssot_fix.audit.model import Scope, Site, Tally
from ssot_fix.project.history import Commit


class Pattern(NamedTuple):
    """What a site is, wherever in its file."""

    area: str
    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a file stands: by area, its sites in order and all; its other sites, each with how often it is there."""

    tallies: Mapping[str, Tally] = field(default_factory=dict)
    bad: Mapping[Pattern, int] = field(default_factory=dict)


NOTHING = Standing()
_SAME = (NOTHING, NOTHING)
T = TypeVar("T")
Spot = tuple[str, Pattern]  # a pattern in the file at a path
Totals = Mapping[tuple[Scope, str], Tally]  # by scope and area
# How the files at some paths stand after a commit, where that differs from its first parent, in areas that depend on
# more than the file: given its id, its first parent's, and what changed.
Beyond = Callable[[str, str | None, Sequence[Change]], Mapping[str, tuple[Standing, Standing]]]


def standing(area: str, sites: Iterable[Site]) -> Standing:
    """How a file stands in one area."""
    held = list(sites)
    if not held:
        return NOTHING
    bad = Counter(Pattern(area, site.kind, site.subject) for site in held if not site.good)
    return Standing({area: Tally(len(held) - bad.total(), len(held))}, bad)


def together(standings: Iterable[Standing]) -> Standing:
    """How a file stands in several areas."""
    tallies: dict[str, Tally] = {}
    bad: dict[Pattern, int] = {}
    for each in standings:
        tallies |= each.tallies
        bad |= each.bad
    return Standing(tallies, bad) if tallies else NOTHING


@dataclass(slots=True)
class State:
    """How everything stands at a commit.

    `born` holds, for spots of which the range brought some, the commits that did, one for each; `gone` the commit that
    took the last one away; `back` for those that are back, who took them away and who brought them back.
    """

    totals: dict[tuple[Scope, str], Tally] = field(default_factory=dict)
    born: dict[Spot, tuple[Commit, ...]] = field(default_factory=dict)
    gone: dict[Spot, Commit] = field(default_factory=dict)
    back: dict[Spot, tuple[Commit, Commit]] = field(default_factory=dict)

    def copy(self) -> State:
        """Another one that stands alike."""
        return State(dict(self.totals), dict(self.born), dict(self.gone), dict(self.back))

    def add(self, scope: Scope, old: Standing, new: Standing) -> None:
        """A file stands otherwise."""
        for area in {**old.tallies, **new.tallies}:
            found = self.totals.get((scope, area), Tally()).minus(old.tallies.get(area, Tally()))
            self.totals[scope, area] = found.plus(new.tallies.get(area, Tally()))


class Moment(NamedTuple):
    """A commit: how everything stands, and by scope and area how many sites it brought and took away."""

    commit: Commit
    totals: Totals
    brought: Mapping[tuple[Scope, str], int]
    taken: Mapping[tuple[Scope, str], int]


_UNKNOWN = State()  # of a parent outside of the range


class _Other(NamedTuple):
    """How another parent of a merge stands; `was_at` tells where it has the files that the merge has elsewhere."""

    state: State
    was_at: Mapping[str, str]

    def spot(self, spot: Spot) -> Spot:
        """A spot of the merge, as the parent has it."""
        path, pattern = spot
        return self.was_at.get(path, path), pattern


class Timeline:
    """Goes through a range, oldest commit first."""

    def __init__(
        self,
        span: Span,
        stands: Callable[[str, bytes | None], Standing],
        scope: Callable[[str], Scope],
        beyond: Beyond,
    ) -> None:
        """`stands` tells how a file with a content stands in areas that depend on it alone."""
        self._span = span
        self._stands = stands
        self._scope = scope
        self._beyond = beyond
        self._states: dict[str, State] = {}
        self._left = Counter(parent for step in span.steps for parent in step.parents)

    def run(self, start: State) -> tuple[list[Moment], State]:
        """Every commit of the range, and how the head stands; `start` is how its start does."""
        begin = self._span.start.id if self._span.start else ""
        self._states[begin] = start
        for first, changes in self._span.outside.items():
            state = start.copy()
            for path, old, new in self._differences(first, begin, changes):
                state.add(self._scope(path), old, new)
            self._states[first] = state
        moments = [self._moment(step) for step in self._span.steps]
        return moments, self._states[self._span.head.id]

    def _moment(self, step: Step) -> Moment:
        first = step.parents[0] if step.parents else ""
        others = [self._other(*each) for each in zip(step.parents, step.changes, strict=False)][1:]
        state = self._states[first].copy()
        brought, taken = Counter[tuple[Scope, str]](), Counter[tuple[Scope, str]]()
        renamed = {change.renamed_from: change.path for change in step.changes[0] if change.renamed_from}
        _rename(state, renamed)
        for path, old, new in self._differences(step.commit.id, first, step.changes[0]):
            scope = self._scope(path)
            state.add(scope, old, new)
            for pattern in {**old.bad, **new.bad} if not step.is_cut else ():
                before, after = old.bad.get(pattern, 0), new.bad.get(pattern, 0)
                if after == before:
                    continue
                (brought if after > before else taken)[scope, pattern.area] += abs(after - before)
                _tell(state, (path, pattern), (before, after), step.commit, others)
        self._states[step.commit.id] = state
        self._forget(step.parents)
        return Moment(step.commit, dict(state.totals), brought, taken)

    def _other(self, parent: str, changes: Sequence[Change]) -> _Other:
        was_at = {change.path: change.renamed_from for change in changes if change.renamed_from}
        return _Other(self._states.get(parent, _UNKNOWN), was_at)

    def _differences(
        self, commit: str, parent: str, changes: Sequence[Change]
    ) -> Iterator[tuple[str, Standing, Standing]]:
        """Each file that stands otherwise, under its new path; a renamed one with how it stood under the old."""
        beyond = dict(self._beyond(commit, parent or None, changes))
        for change in changes:
            was_at, path = change.renamed_from or change.path, change.path
            old = together((self._stands(was_at, change.old), beyond.get(was_at, _SAME)[0]))
            new = together((self._stands(path, change.new), beyond.get(path, _SAME)[1]))
            if self._scope(was_at) == self._scope(path):
                yield path, old, new
            else:
                yield was_at, old, NOTHING
                yield path, NOTHING, new
        told = {path for change in changes for path in (change.renamed_from, change.path)}
        yield from ((path, *beyond[path]) for path in sorted(beyond.keys() - told))

    def _forget(self, parents: Iterable[str]) -> None:
        for parent in parents:
            self._left[parent] -= 1
            if not self._left[parent] and parent != self._span.head.id:
                self._states.pop(parent, None)


def _rename(state: State, renamed: Mapping[str, str]) -> None:
    if renamed:
        _follow(state.born, renamed)
        _follow(state.gone, renamed)
        _follow(state.back, renamed)


def _follow(table: dict[Spot, T], renamed: Mapping[str, str]) -> None:
    moved = [spot for spot in table if spot[0] in renamed]  # all at once: two files may have changed places
    table |= {(renamed[path], pattern): table.pop((path, pattern)) for path, pattern in moved}


def _tell(state: State, spot: Spot, counts: tuple[int, int], commit: Commit, others: Sequence[_Other]) -> None:
    """Take note of how often a pattern is in a file before and after a commit."""
    before, after = counts
    born = state.born.get(spot, ())
    if after > before:
        there = next((held for each in others if (held := each.state.born.get(each.spot(spot)))), ())
        found = there[-(after - before) :]
        state.born[spot] = (*born, *found, *(commit,) * (after - before - len(found)))
        if before == 0:
            # A branch brought it back if it had seen it gone; else it is the merge that went behind that.
            back = next((held for each in others if (held := each.state.back.get(each.spot(spot)))), None)
            removed = state.gone.pop(spot, None)
            if told := back or (removed and (removed, commit)):
                state.back[spot] = told
    else:
        # Which of them went can't be told; those that were there before the range are taken to be still there.
        state.born[spot] = born[: max(0, len(born) - (before - after))]
        if not state.born[spot]:
            del state.born[spot]
        if after == 0:
            state.back.pop(spot, None)
            gone = (each.state.gone.get(each.spot(spot)) for each in others)
            state.gone[spot] = next(filter(None, gone), commit)
