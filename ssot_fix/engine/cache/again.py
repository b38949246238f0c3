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
from ssot_fix.engine.executors import Pool
from ssot_fix.engine.file import Analysed
from ssot_fix.engine.run import Outcome, Request
from ssot_fix.engine.screen import Screen, Screened, users
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
        if not self._tell_the_same():
            return None
        fresh = self._analysed()
        if fresh is None:
            return None
        last = self.last.record
        results = [result for result in last.results if result.path not in fresh]
        results += [result for each in fresh.values() if tells(result := each.result)]
        diffs = {path: diff for path, diff in last.diffs.items() if path not in fresh}
        record = replace(last, files=self.last.files, results=tuple(results), diffs=diffs)
        found = record.outcome()
        found.counts.read, found.counts.parsed = len(self.last.edited), len(fresh)
        found.keep = self._keeper(record, fresh)
        return found

    @cached_property
    def _contents(self) -> dict[str, bytes]:
        return {path: blob_name(data) for path, (_, data) in self.last.edited.items()}

    # What others know of the files

    def _tell_the_same(self) -> bool:
        """Whether the files tell of the project what they told before."""
        project, config = self._project(self.again.roots), self.request.config
        codemods = self.request.chosen()
        screen = Screen(config.root, codemods, {each.name: each.surveyor(project, config) for each in codemods})
        known = self.store.restore(self.again.screened)
        if not isinstance(known, dict):
            return False
        for path, (old, data) in self.last.edited.items():
            before = self.store.value(known.get(self.again.screened_as.get(path, old), b""))
            today = screen.look(data)
            if not isinstance(before, Screened) or replace(before, size=0) != replace(today, size=0) or today.error:
                return False
            if self.again.aliases and users(data, self.again.aliases) != self.again.taken.get(path, frozenset()):
                return False
        return Answers(project).hold(self._about_edited(self.again.asked))

    def _project(self, roots: tuple[str, ...]) -> Project:
        """The project as the codemods were prepared with it."""
        project = replace(project_of(self.request.config.root, self.last.record.files.paths, ()), source_roots=roots)
        project.believe(self._contents)
        return project

    def _about_edited(self, trace: Trace) -> Trace:
        return {
            table: {key: said for key, said in several.items() if path_of(key) in self.last.edited}
            for table, several in trace.items()
        }

    # What becomes of them

    def _analysed(self) -> dict[str, Analysed] | None:
        """The candidates that changed, and those to which that makes a difference."""
        analysis = self.again.analysis
        project = analysis.context.project
        project.believe(self._contents)
        answers = Answers(project, told(analysis.context.codemods) or ())
        edited, traces = self.last.edited, self.again.traces
        left = [path for path in traces if path in edited or not answers.hold(self._about_edited(traces[path]))]
        sizes = [len(edited[path][1]) if path in edited else 0 for path in left]
        with Pool(self.request.config.general.jobs) as pool:
            found = {path: each for path, each in pool.run(analysis, left, sizes, lambda _: None) if each is not None}
        fresh = {path: each for path, each in found.items() if each.trace is not None}
        changed_since = any(each.content != self._contents.get(path, each.content) for path, each in fresh.items())
        return None if changed_since or len(fresh) < len(left) else fresh

    def _keeper(self, record: Record, fresh: Mapping[str, Analysed]) -> Callable[[Mapping[str, bytes]], None]:
        traces = {path: about_files(each.trace or {}) for path, each in fresh.items()}
        before = {path: old for path, (old, _) in self.last.edited.items()}
        again = replace(
            self.again,
            number=secrets.token_bytes(NUMBER),
            traces={**self.again.traces, **traces},
            screened_as={**before, **self.again.screened_as},
        )
        return lambda diffs: save(self.store, self.last.name, replace(record, diffs=diffs, again=again.number), again)
