"""A run: discover, screen, prepare, analyse. What is done with the results is not decided here."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ssot_fix.edits import FileResult
from ssot_fix.engine.contract import Codemod, Inactive, Prepared
from ssot_fix.engine.executors import Pool
from ssot_fix.engine.file import Analysis
from ssot_fix.engine.plan import Context
from ssot_fix.engine.screen import Screen, Screened, Takers
from ssot_fix.project.classify import Classifier, Globs
from ssot_fix.project.config import Config
from ssot_fix.project.discovery import discover
from ssot_fix.project.resolver import Project, project_of


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is to do. `paths` narrow it; `asked` are codemods that must not be inactive.

    `staged` asks for what the codemods make of each file one after the other (`FileResult.stages`).
    """

    config: Config
    catalog: Mapping[str, Codemod]
    paths: Sequence[str | Path] = ()
    asked: Sequence[str] = ()
    staged: bool = False


@dataclass(slots=True)
class Outcome:
    """What came of a run: results in path order, only of files with findings, edits or errors.

    `seconds` are wall-clock seconds by stage, `inactive` the codemods with nothing to work with.
    """

    results: list[FileResult] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files_scanned: int = 0
    tests_skipped: int = 0
    candidates: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    inactive: list[str] = field(default_factory=list)


class CodemodInactive(Exception):
    """A codemod that was asked for by name has nothing to work with here."""


def run(request: Request, progress: Callable[[int, int], None] = lambda _done, _total: None) -> Outcome:
    """Find and prove every change; nothing is written.

    `progress` is told how many files are done, of how many. Raises ConfigError, UsageError, CodemodInactive.
    """
    return _Run(request, progress).outcome()


def prepare(
    request: Request, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> tuple[dict[str, Prepared], list[str]]:
    """The codemods of a request, each bound to the project, and notes; no file is analysed.

    Raises as `run` does.
    """
    return _Run(request, progress).prepared()


class _Run:
    def __init__(self, request: Request, progress: Callable[[int, int], None]) -> None:
        self._config = request.config
        self._request = request
        self._progress = progress
        self._outcome = Outcome()
        self._clock = time.perf_counter()

    def outcome(self) -> Outcome:
        with Pool(self._config.general.jobs) as pool:
            project, scopes, screened, prepared = self._ready(pool)
            if prepared:
                self._analyse(pool, project, prepared, screened, scopes)
                self._look_beyond(prepared)
        return self._sorted_outcome()

    def prepared(self) -> tuple[dict[str, Prepared], list[str]]:
        with Pool(self._config.general.jobs) as pool:
            *_, prepared = self._ready(pool)
        return {codemod.name: codemod for codemod in prepared}, self._outcome.notes

    def _ready(self, pool: Pool) -> tuple[Project, dict[str, str], dict[str, Screened], tuple[Prepared, ...]]:
        gc.freeze()  # what is loaded by now stays; don't look at it again
        codemods = self._chosen()
        everything, wanted = self._files()
        scopes = self._scopes(everything)
        in_scope = {path: path in wanted and self._is_in_scope(scopes[path]) for path in everything}
        self._outcome.files_scanned = sum(in_scope.values())
        self._outcome.tests_skipped = len(wanted) - self._outcome.files_scanned
        project = project_of(self._config.root, everything, self._config.general.source_roots)
        surveyors = {codemod.name: codemod.surveyor(project, self._config) for codemod in codemods}
        screened = self._screen(pool, Screen(self._config.root, codemods, surveyors), in_scope)
        return project, scopes, screened, self._prepare(codemods, project, screened)

    def _sorted_outcome(self) -> Outcome:
        results = sorted(self._outcome.results, key=lambda result: os.fsencode(result.path))
        self._outcome.notes += [note for result in results for note in result.notes]
        self._outcome.results = [r for r in results if r.findings or r.edits or r.error]
        return self._outcome

    def _lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._outcome.seconds[stage] = now - self._clock
        self._clock = now

    def _chosen(self) -> list[Codemod]:
        names = self._request.asked or self._config.general.codemods or tuple(self._request.catalog)
        return [self._request.catalog[name] for name in dict.fromkeys(names)]

    def _files(self) -> tuple[list[str], frozenset[str]]:
        """All files of the project, and those that were asked for."""
        exclude = self._config.general.exclude
        root = self._config.root
        found = discover(root, (), exclude)
        wanted = discover(root, self._request.paths, exclude) if self._request.paths else found
        self._outcome.notes += dict.fromkeys((*found.notes, *wanted.notes))
        self._lap("discover")
        return sorted({*found.files, *wanted.files}, key=os.fsencode), frozenset(wanted.files)

    def _scopes(self, paths: Sequence[str]) -> dict[str, str]:
        classifier = Classifier(self._config.general.test_patterns)
        return {path: classifier.scope(path) for path in paths}

    def _is_in_scope(self, scope: str) -> bool:
        return scope == "production" or self._config.general.include_tests

    def _screen(self, pool: Pool, screen: Screen, in_scope: Mapping[str, bool]) -> dict[str, Screened]:
        """What each file's bytes tell; no codemod changes a file out of scope."""
        paths = list(in_scope)
        # Files are not measured before they are read: 16 kB is what source files have on average.
        screened: dict[str, Screened] = {}
        for path, found in pool.run(screen, paths, [16_000] * len(paths), self._told(len(paths))):
            told = found or Screened(error="the process that read it died")
            screened[path] = told if in_scope[path] else replace(told, passed=(), aliases=frozenset())
            if (error := told.error) is not None and in_scope[path]:
                self._outcome.results.append(FileResult(path, error=f"{path}: {error}"))
        self._lap("screen")
        return screened

    def _more_users(
        self, pool: Pool, screened: Mapping[str, Screened], renamed: frozenset[str]
    ) -> frozenset[tuple[str, str]]:
        """Who takes a global under a name that only this project gives it: a second look, rarely needed."""
        aliases = renamed.union(*(found.aliases for found in screened.values()))
        if not aliases:
            return frozenset()
        takers = Takers(self._config.root, aliases)
        sizes = [found.size for found in screened.values()]
        pairs = (found for _, found in pool.run(takers, list(screened), sizes, lambda _: None))
        return frozenset[tuple[str, str]]().union(*(found or () for found in pairs))

    def _told(self, total: int) -> Callable[[int], None]:
        done = 0

        def tell(count: int) -> None:
            nonlocal done
            done += count
            self._progress(done, total)

        return tell

    def _prepare(
        self, codemods: Sequence[Codemod], project: Project, screened: Mapping[str, Screened]
    ) -> tuple[Prepared, ...]:
        prepared = []
        for codemod in codemods:
            name = codemod.name
            seen = {
                path: screened[path].surveyed[name] for path in sorted(screened) if name in screened[path].surveyed
            }
            ready = codemod.prepare(project, self._config, seen)
            if not isinstance(ready, Inactive):
                prepared.append(ready)
            elif codemod.name in self._request.asked:
                raise CodemodInactive(f"{codemod.name} has nothing to work with here: {ready.why}")
            else:
                self._outcome.notes.append(f"{codemod.name} is inactive: {ready.why}")
                self._outcome.inactive.append(codemod.name)
        self._lap("prepare")
        return tuple(prepared)

    def _look_beyond(self, prepared: Sequence[Prepared]) -> None:
        for codemod in prepared:
            results, notes = codemod.beyond(self._covers())
            self._outcome.results += results
            self._outcome.notes += notes
        self._lap("other files")

    def _covers(self) -> Callable[[str], bool]:
        """Tells of files that are not Python whether the run is about them."""
        general, root = self._config.general, self._config.root.resolve()
        excluded, classifier = Globs(general.exclude), Classifier(general.test_patterns)
        asked = [Path(path).resolve() for path in self._request.paths]
        wanted = [path.relative_to(root).as_posix() for path in asked]

        def covers(path: str) -> bool:
            under = not wanted or any(each in {path, "."} or path.startswith(f"{each}/") for each in wanted)
            return under and self._is_in_scope(classifier.scope(path)) and not excluded.matches(path)

        return covers

    def _analyse(
        self,
        pool: Pool,
        project: Project,
        prepared: tuple[Prepared, ...],
        screened: Mapping[str, Screened],
        scopes: Mapping[str, str],
    ) -> None:
        wanted = {codemod.name: codemod.narrow(_passed(codemod.name, screened)) for codemod in prepared}
        candidates = sorted(frozenset[str]().union(*wanted.values()))
        users = frozenset[tuple[str, str]]().union(*(found.users for found in screened.values()))
        users |= self._more_users(pool, screened, frozenset().union(*(codemod.renamed for codemod in prepared)))
        roots = [root for codemod in prepared for root in codemod.source_roots]
        known = frozenset(self._request.catalog)
        project = project.with_roots(roots)
        tails = {project.module_name(path).rpartition(".")[2] for path in candidates}
        takers: dict[str, frozenset[str]] = {}
        for tail, name in users:
            if tail in tails:
                takers[tail] = takers.get(tail, frozenset()) | {name}
        context = Context(project, prepared, known, self._config, takers, wanted)
        analysis = Analysis(context, {path: scopes[path] for path in candidates}, self._request.staged)
        sizes = [screened[path].size for path in candidates]
        for path, result in pool.run(analysis, candidates, sizes, self._told(len(candidates))):
            died = FileResult(path, error=f"{path}: the process that analysed it died; its other files were done")
            self._outcome.results.append(result or died)
        self._outcome.candidates = len(candidates)
        self._lap("analyse")


def _passed(codemod: str, screened: Mapping[str, Screened]) -> frozenset[str]:
    return frozenset(path for path, found in screened.items() if codemod in found.passed)
