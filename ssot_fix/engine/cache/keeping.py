"""Keeping what a whole run has found."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ssot_fix.asking import Question
from ssot_fix.digests import Undigestible, digest
from ssot_fix.edits import FileResult
from ssot_fix.engine.cache.answers import Answers, Trace, path_of, told
from ssot_fix.engine.cache.memory import Memory
from ssot_fix.engine.cache.record import Again, Files, Record, name_of, program_of
from ssot_fix.engine.cache.store import Store, dump
from ssot_fix.engine.file import Analysed, Analysis
from ssot_fix.engine.run import Outcome, Request
from ssot_fix.engine.screen import Pairs
from ssot_fix.project.discovery import Discovery
from ssot_fix.project.resolver import PATH_TABLES, Project, held

NUMBER = 16  # bytes
_OWN_TABLES = PATH_TABLES | {"files", "folders", "file names"}


@dataclass(slots=True)
class Keeper:
    """Keeps a run: what each file came to in any case, the whole if it may be taken for the next one's answer.

    `found` is all of the project's files, `project` the one that the codemods were prepared with.
    """

    request: Request
    memory: Memory
    found: Discovery
    project: Project
    analysis: Analysis
    asked: set[Question] = field(default_factory=set)
    analysed: Mapping[str, Analysed] = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()
    taken: Mapping[str, Pairs] = field(default_factory=dict)
    results: tuple[FileResult, ...] = ()
    notes: tuple[str, ...] = ()

    def keep(self, outcome: Outcome, diffs: Mapping[str, bytes]) -> None:
        """Keep it, with the diffs of the results, unless files have changed while it ran."""
        if not self.memory.is_quiet():
            return
        self.memory.save()
        if not self._is_whole():
            return
        try:
            name = name_of(self.request, program_of(self.request))
            asked = Answers(self.project).trace(self._about_files())
        except (Undigestible, OSError):
            return
        number = secrets.token_bytes(NUMBER)
        record = self._record(outcome, diffs, number)
        again = Again(
            number,
            self.analysis,
            self.project.source_roots,
            asked,
            {path: about_files(each.trace) for path, each in self.analysed.items() if each.trace is not None},
            self.memory.screened_name,
            noted=frozenset(question for question in self.asked if question[0] not in _OWN_TABLES),
            aliases=self.aliases,
            taken=self.taken,
        )
        save(self.memory.store, name, record, again)

    def _is_whole(self) -> bool:
        """Whether every file was read and every result may be kept, and all that was asked is known."""
        if told(self.analysis.context.codemods) is None or not self.memory.screened_name:
            return False
        are_all_read = len(self.memory.contents) == self.memory.count
        are_all_traced = all(each.trace is not None for each in self.analysed.values())
        return are_all_read and are_all_traced and not any(result.error for result in self.results)

    def _about_files(self) -> list[Question]:
        return [(table, key) for table, key in self.asked if table in PATH_TABLES]

    def _asked_about(self) -> Iterator[str]:
        """The files that something was asked about, before the analysis and in it."""
        yield from (path_of(key) for _, key in self._about_files())
        for each in self.analysed.values():
            for questions in about_files(each.trace or {}).values():
                yield from map(path_of, questions)

    def _record(self, outcome: Outcome, diffs: Mapping[str, bytes], number: bytes) -> Record:
        paths, statuses, names = self.memory.snapshot()
        listed = set(paths)
        others = {path for path in self._asked_about() if path not in listed}
        files = Files(
            paths,
            statuses,
            names,
            self.found.listed,
            tuple(sorted(filter(None, held(self.project.folders)))),
            self.found.irregular,
            {path: self.project.content(path) for path in sorted(others)},
        )
        shown = tuple(filter(tells, self.results))
        counts = (outcome.files_scanned, outcome.tests_skipped, outcome.counts.candidates)
        around = self.project.around.asked()
        return Record(files, around, shown, diffs, self.notes, *counts, tuple(outcome.inactive), number)


def tells(result: FileResult) -> bool:
    """Whether a result has something that is shown or noted."""
    return bool(result.findings or result.edits or result.notes)


def about_files(trace: Trace) -> Trace:
    """What of a trace is about files."""
    return {table: questions for table, questions in trace.items() if table in PATH_TABLES}


def save(store: Store, name: str, record: Record, again: Again) -> None:
    """Save both parts of a run under its name."""
    store.save(f"again-{name}", dump(again))
    store.save(f"run-{name}", dump(record))


def listed_as(request: Request, found: Discovery, wanted: Discovery) -> bytes:
    """What tells the files of a run from those of another."""
    if found.listed and not request.paths:
        return found.listed
    return digest((found.files, found.notes, wanted.files, wanted.notes))
