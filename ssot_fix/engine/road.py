"""A whole run: discover, screen, prepare, analyse. What earlier runs know of a file is taken over."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ssot_fix.asking import Question, listening
from ssot_fix.edits import FileResult
from ssot_fix.engine.cache.keeping import Keeper, listed_as
from ssot_fix.engine.cache.memory import Memory
from ssot_fix.engine.cache.record import finish, program_of
from ssot_fix.engine.contract import Codemod, Inactive, Prepared
from ssot_fix.engine.executors import Pool
from ssot_fix.engine.file import Analysed, Analysis
from ssot_fix.engine.plan import Context
from ssot_fix.engine.run import CodemodInactive, Outcome, Progress, Request
from ssot_fix.engine.screen import Pairs, Screen, Screened, Takers
from ssot_fix.formatting import Styles
from ssot_fix.project.classify import Classifier, Globs
from ssot_fix.project.discovery import Discovery, discover
from ssot_fix.project.resolver import Project, project_of

_USUAL_SIZE = 16_000  # bytes of a source file, where none has been measured


class Road:
    """All stages of one run, one after the other."""

    def __init__(self, request: Request, progress: Progress) -> None:
        self._config = request.config
        self._request = request
        self._progress = progress
        self._outcome = Outcome()
        self._clock = time.perf_counter()
        store = request.store
        self._memory = Memory(store, program_of(request), request.config.root) if store is not None else None
        self._asked = set[Question]()  # by the codemods, before and after the analysis
        self._found = Discovery(())
        self._scopes: dict[str, str] = {}
        self._in_scope: dict[str, bool] = {}
        self._aliases = frozenset[str]()
        self._taken: dict[str, Pairs] = {}

    def outcome(self) -> Outcome:
        """Find and prove every change."""
        with Pool(self._config.general.jobs) as pool:
            project, screened, prepared = self._ready(pool)
            analysis = self._analysis(pool, project, screened, prepared)
            analysed = self._analyse(pool, analysis, screened)
            self._look_beyond(prepared)
        if self._memory is not None:
            self._remember(self._memory, project, analysis, analysed)
        finish(self._outcome)
        return self._outcome

    def prepared(self) -> tuple[dict[str, Prepared], list[str]]:
        """The codemods, each bound to the project, and notes."""
        with Pool(self._config.general.jobs) as pool:
            *_, prepared = self._ready(pool)
        return {codemod.name: codemod for codemod in prepared}, self._outcome.notes

    def _ready(self, pool: Pool) -> tuple[Project, dict[str, Screened], tuple[Prepared, ...]]:
        gc.freeze()  # what is loaded by now stays; don't look at it again
        codemods = self._request.chosen()
        everything = self._discover()
        project = project_of(self._config.root, everything, self._config.general.source_roots)
        surveyors = {codemod.name: codemod.surveyor(project, self._config) for codemod in codemods}
        screened = self._screen(pool, Screen(self._config.root, codemods, surveyors))
        with listening() as asked:
            prepared = self._prepare(codemods, project, screened)
        self._asked |= asked
        return project, screened, prepared

    def _lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._outcome.seconds[stage] = now - self._clock
        self._clock = now

    # Which files there are

    def _discover(self) -> list[str]:
        """All files of the project; which of them the run is about is known from here on."""
        exclude, root = self._config.general.exclude, self._config.root
        found = discover(root, (), exclude)
        wanted = discover(root, self._request.paths, exclude) if self._request.paths else found
        self._outcome.notes += dict.fromkeys((*found.notes, *wanted.notes))
        everything = sorted({*found.files, *wanted.files}, key=os.fsencode)
        classifier = Classifier(self._config.general.test_patterns)
        self._scopes = {path: classifier.scope(path) for path in everything}
        asked_for = frozenset(wanted.files)
        self._in_scope = {path: path in asked_for and self._is_wanted(self._scopes[path]) for path in everything}
        self._outcome.counts.discovered = len(everything)
        self._outcome.files_scanned = sum(self._in_scope.values())
        self._outcome.tests_skipped = len(asked_for) - self._outcome.files_scanned
        self._found = found._replace(listed=listed_as(self._request, found, wanted))
        if self._memory is not None:
            self._memory.look(everything)
        self._lap("discover")
        return everything

    def _is_wanted(self, scope: str) -> bool:
        return scope == "production" or self._config.general.include_tests

    # What their bytes tell

    def _screen(self, pool: Pool, screen: Screen) -> dict[str, Screened]:
        """What each file's bytes tell; no codemod changes a file out of scope."""
        memory = self._memory
        screened = memory.screened(screen) if memory is not None else {}
        left = [path for path in self._in_scope if path not in screened]
        self._outcome.counts.read = len(left)
        for path, found in pool.run(screen, left, [_USUAL_SIZE] * len(left), self._told(len(left))):
            content, screened[path] = found or (b"", Screened(error="the process that read it died"))
            if memory is not None:
                memory.keep_screened(path, content, screened[path])
        for path in self._in_scope:
            told = screened[path]
            if not self._in_scope[path]:
                screened[path] = replace(told, passed=(), aliases=frozenset())
            elif told.error is not None:
                self._outcome.results.append(FileResult(path, error=f"{path}: {told.error}"))
        self._lap("screen")
        return screened

    def _users(self, pool: Pool, screened: Mapping[str, Screened], renamed: frozenset[str]) -> Pairs:
        """Who takes which globals of others; under names that only this project gives them in a second look."""
        self._aliases = renamed.union(*(found.aliases for found in screened.values()))
        if self._aliases:
            self._look_twice(pool, screened)
        return frozenset[tuple[str, str]]().union(*(found.users for found in screened.values()), *self._taken.values())

    def _look_twice(self, pool: Pool, screened: Mapping[str, Screened]) -> None:
        memory = self._memory
        found = memory.taken(self._aliases) if memory is not None else {}
        left = [path for path in screened if path not in found]
        takers, sizes = Takers(self._config.root, self._aliases), [screened[path].size for path in left]
        for path, pairs in pool.run(takers, left, sizes, lambda _: None):
            found[path] = pairs or frozenset()
            if memory is not None and pairs is not None:
                memory.keep_taken(path, pairs)
        self._taken = {path: pairs for path, pairs in found.items() if pairs}

    def _told(self, total: int) -> Callable[[int], None]:
        done = 0

        def tell(count: int) -> None:
            nonlocal done
            done += count
            self._progress(done, total)

        return tell

    # What the codemods make of that

    def _prepare(
        self, codemods: Sequence[Codemod], project: Project, screened: Mapping[str, Screened]
    ) -> tuple[Prepared, ...]:
        prepared = []
        paths = sorted(screened)
        for codemod in codemods:
            name = codemod.name
            seen = {path: screened[path].surveyed[name] for path in paths if name in screened[path].surveyed}
            ready = codemod.prepare(project, self._config, seen)
            if not isinstance(ready, Inactive):
                prepared.append(ready)
            elif name in self._request.asked:
                raise CodemodInactive(f"{name} has nothing to work with here: {ready.why}")
            else:
                self._outcome.notes.append(f"{name} is inactive: {ready.why}")
                self._outcome.inactive.append(name)
        self._lap("prepare")
        return tuple(prepared)

    def _look_beyond(self, prepared: Sequence[Prepared]) -> None:
        with listening() as asked:
            for codemod in prepared:
                results, notes = codemod.beyond(self._covers())
                self._outcome.results += results
                self._outcome.notes += notes
        self._asked |= asked
        self._lap("other files")

    def _covers(self) -> Callable[[str], bool]:
        """Tells of files that are not Python whether the run is about them."""
        general, root = self._config.general, self._config.root.resolve()
        excluded, classifier = Globs(general.exclude), Classifier(general.test_patterns)
        asked = [Path(path).resolve() for path in self._request.paths]
        wanted = [path.relative_to(root).as_posix() for path in asked]

        def covers(path: str) -> bool:
            under = not wanted or any(each in {path, "."} or path.startswith(f"{each}/") for each in wanted)
            return under and self._is_wanted(classifier.scope(path)) and not excluded.matches(path)

        return covers

    # What becomes of each file

    def _analysis(
        self, pool: Pool, project: Project, screened: Mapping[str, Screened], prepared: tuple[Prepared, ...]
    ) -> Analysis:
        wanted = {codemod.name: codemod.narrow(_passed(codemod.name, screened)) for codemod in prepared}
        candidates = sorted(frozenset[str]().union(*wanted.values()))
        users = self._users(pool, screened, frozenset[str]().union(*(each.renamed for each in prepared)))
        project = project.with_roots([root for codemod in prepared for root in codemod.source_roots])
        tails = {project.module_name(path).rpartition(".")[2] for path in screened}
        takers: dict[str, frozenset[str]] = {}
        for tail, name in users:
            if tail in tails:
                takers[tail] = takers.get(tail, frozenset()) | {name}
        context = Context(project, prepared, frozenset(self._request.catalog), self._config, takers, wanted)
        styles = Styles(project.around)
        return Analysis(
            context,
            {path: self._scopes[path] for path in candidates},
            {path: styles.of(path) for path in candidates},
            self._request.staged,
            traced=self._memory is not None,
        )

    def _analyse(self, pool: Pool, analysis: Analysis, screened: Mapping[str, Screened]) -> dict[str, Analysed]:
        candidates = list(analysis.scopes)
        memory = self._memory
        known = memory.results(analysis, candidates, self._config) if memory is not None else {}
        left = [path for path in candidates if path not in known]
        sizes = [screened[path].size for path in left]
        for path, analysed in pool.run(analysis, left, sizes, self._told(len(left))):
            died = FileResult(path, error=f"{path}: the process that analysed it died; its other files were done")
            known[path] = analysed or Analysed(died)
            if memory is not None:
                memory.keep_result(analysis, known[path])
        self._outcome.results += [analysed.result for analysed in known.values()]
        self._outcome.counts.candidates, self._outcome.counts.parsed = len(candidates), len(left)
        self._lap("analyse")
        return known

    def _remember(
        self, memory: Memory, project: Project, analysis: Analysis, analysed: Mapping[str, Analysed]
    ) -> None:
        """Let the outcome be kept, once it is printed, for later runs."""
        keeper = Keeper(self._request, memory, self._found, project, analysis)
        keeper.asked, keeper.analysed = self._asked, analysed
        keeper.aliases, keeper.taken = self._aliases, self._taken
        keeper.results, keeper.notes = tuple(self._outcome.results), tuple(self._outcome.notes)
        self._outcome.keep = lambda diffs: keeper.keep(self._outcome, diffs)


def _passed(codemod: str, screened: Mapping[str, Screened]) -> frozenset[str]:
    return frozenset(path for path, found in screened.items() if codemod in found.passed)
