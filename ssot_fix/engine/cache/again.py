"""Looking at a few files again, where what they tell of the project is what they told before."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ssot_fix.digests import Undigestible, blob_name
from ssot_fix.engine.cache.answers import Answers, Trace, path_of, told
from ssot_fix.engine.cache.keeping import NUMBER, about_files, save, tells
from ssot_fix.engine.cache.record import Again, Last, Record
from ssot_fix.engine.cache.store import Store
from ssot_fix.engine.contract import Codemod
from ssot_fix.engine.executors import Pool
from ssot_fix.engine.file import Analysed, Analysis
from ssot_fix.engine.run import Outcome, Request
from ssot_fix.engine.screen import Screen, Screened, users
from ssot_fix.project.classify import Classifier
from ssot_fix.project.resolver import Project, project_of


def look_again(request: Request, store: Store, last: Last) -> Outcome | None:
    """The outcome with what some files hold now; None if that changes what the project is to others."""
    again = store.restore(f"again-{last.name}")
    if not isinstance(again, Again) or again.number != last.record.again:
        return None
    try:
        return _Rerun(request, store, last, again).outcome()
    except Undigestible:
        return None


@dataclass
class _Rerun:
    request: Request
    store: Store
    last: Last
    again: Again

    def outcome(self) -> Outcome | None:
        screened = self._screened()
        analysis = self._analysis(screened) if screened is not None else None
        fresh = self._analysed(analysis) if analysis is not None else None
        if analysis is None or fresh is None:
            return None
        last, edited = self.last.record, self.last.edited
        kept = [result for result in last.results if result.path not in fresh and result.path not in edited]
        diffs = {path: diff for path, diff in last.diffs.items() if path not in fresh and path not in edited}
        record = replace(
            last,
            files=self.last.files,
            results=(*kept, *(result for each in fresh.values() if tells(result := each.result))),
            diffs=diffs,
            candidates=len(analysis.scopes),
        )
        found = record.outcome()
        found.counts.read, found.counts.parsed = len(edited), len(fresh)
        found.keep = self._keeper(record, analysis, fresh)
        return found

    @cached_property
    def _contents(self) -> dict[str, bytes]:
        return {path: blob_name(data) for path, (_, data) in self.last.edited.items()}

    # What others know of the files

    def _screened(self) -> dict[str, Screened] | None:
        """What the screen makes of the files; None if they tell others something else than they told before."""
        project, config = self._base, self.request.config
        codemods = self.request.chosen()
        screen = Screen(config.root, codemods, {each.name: each.surveyor(project, config) for each in codemods})
        known = self.store.restore(self.again.screened)
        if not isinstance(known, dict):
            return None
        found: dict[str, Screened] = {}
        for path, (old, data) in self.last.edited.items():
            kept = known.get(self.again.screened_as.get(path, old))
            before = self.store.value(kept) if kept is not None else None
            found[path] = screen.look(data)
            if not isinstance(before, Screened) or not self._tells_the_same(path, data, before, found[path]):
                return None
        return found if Answers(project).hold(self._about_edited(self.again.asked)) else None

    def _tells_the_same(self, path: str, data: bytes, before: Screened, today: Screened) -> bool:
        again = self.again
        if today.error is not None or today.aliases != before.aliases:
            return False
        if any(tail in self._tails for tail, _ in before.users ^ today.users):
            return False
        if again.aliases and users(data, again.aliases) != again.taken.get(path, frozenset()):
            return False
        return before.surveyed.keys() == today.surveyed.keys() and all(
            self._is_alike(codemod, before.surveyed[codemod.name], today.surveyed[codemod.name])
            for codemod in self.request.chosen()
            if codemod.name in before.surveyed
        )

    def _is_alike(self, codemod: Codemod, before: object, today: object) -> bool:
        """Whether what a surveyor makes of a file now is the same to its codemod as what it made of it before."""
        alike: Callable[..., bool] | None = getattr(codemod, "alike", None)
        return before == today or (alike is not None and alike(self._base, before, today, self.again.noted))

    @cached_property
    def _tails(self) -> frozenset[str]:
        """The last names of the project's modules: of others it does not matter who takes what."""
        project = self.again.analysis.context.project
        return frozenset(project.module_name(path).rpartition(".")[2] for path in self.last.record.files.paths)

    @cached_property
    def _base(self) -> Project:
        """The project as the codemods were prepared with it."""
        root, paths = self.request.config.root, self.last.record.files.paths
        project = replace(project_of(root, paths, ()), source_roots=self.again.roots)
        project.believe(self._contents)
        return project

    def _about_edited(self, trace: Trace) -> Trace:
        return {
            table: {key: said for key, said in several.items() if path_of(key) in self.last.edited}
            for table, several in trace.items()
        }

    # What becomes of them

    def _analysis(self, screened: Mapping[str, Screened]) -> Analysis | None:
        """The analysis with those candidates that the files now are; None if too little is known for that."""
        analysis = self.again.analysis
        context = analysis.context
        wanted = {each.name: set(context.wanted[each.name]) for each in context.codemods}
        for path, found in screened.items():
            for codemod in context.codemods:
                passed = frozenset({path} if codemod.name in found.passed and self._is_in_scope(path) else ())
                wanted[codemod.name].discard(path)
                wanted[codemod.name] |= codemod.narrow(passed)
        candidates = frozenset[str]().union(*wanted.values())
        fresh = candidates - analysis.scopes.keys()
        styles = {path.rpartition("/")[0]: style for path, style in analysis.styles.items()}
        for path in fresh:
            if self.request.paths or path.rpartition("/")[0] not in styles:
                return None
        ordered = sorted(candidates)
        return replace(
            analysis,
            context=replace(context, wanted={name: frozenset(paths) for name, paths in wanted.items()}),
            scopes={path: analysis.scopes.get(path) or self._scope(path) for path in ordered},
            styles={path: styles[path.rpartition("/")[0]] for path in ordered},
        )

    def _is_in_scope(self, path: str) -> bool:
        if self.request.paths:
            return path in self.again.analysis.scopes
        return self.request.config.general.include_tests or self._scope(path) == "production"

    def _scope(self, path: str) -> str:
        return Classifier(self.request.config.general.test_patterns).scope(path)

    def _analysed(self, analysis: Analysis) -> dict[str, Analysed] | None:
        """The candidates that changed, and those to which that makes a difference."""
        project = analysis.context.project
        project.believe(self._contents)
        answers = Answers(project, told(analysis.context.codemods) or ())
        edited, traces = self.last.edited, self.again.traces
        left = [
            path for path in analysis.scopes if path in edited or not answers.hold(self._about_edited(traces[path]))
        ]
        sizes = [len(edited[path][1]) if path in edited else 0 for path in left]
        with Pool(self.request.config.general.jobs) as pool:
            found = {path: each for path, each in pool.run(analysis, left, sizes, lambda _: None) if each is not None}
        fresh = {path: each for path, each in found.items() if each.trace is not None}
        changed_since = any(each.content != self._contents.get(path, each.content) for path, each in fresh.items())
        return None if changed_since or len(fresh) < len(left) else fresh

    def _keeper(
        self, record: Record, analysis: Analysis, fresh: Mapping[str, Analysed]
    ) -> Callable[[Mapping[str, bytes]], None]:
        traces = {path: about_files(each.trace or {}) for path, each in fresh.items()}
        before = {path: old for path, (old, _) in self.last.edited.items()}
        again = replace(
            self.again,
            number=secrets.token_bytes(NUMBER),
            analysis=analysis,
            traces={**self.again.traces, **traces},
            screened_as={**before, **self.again.screened_as},
        )
        return lambda diffs: save(self.store, self.last.name, replace(record, diffs=diffs, again=again.number), again)
