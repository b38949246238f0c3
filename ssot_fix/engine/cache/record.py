"""What a run leaves behind as a whole, for the next one that is asked for the same."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssot_fix.digests import digest
from ssot_fix.edits import FileResult
from ssot_fix.engine.cache.identity import named, plugins, program
from ssot_fix.engine.run import Counts, Outcome, Request

if TYPE_CHECKING:
    from ssot_fix.asking import Question
    from ssot_fix.engine.cache.answers import Trace
    from ssot_fix.engine.file import Analysis
    from ssot_fix.engine.screen import Pairs


@dataclass(frozen=True, slots=True)
class Files:
    """All files of a run, in order, with their statuses (`contents.statuses`) and the names of their contents.

    `listed` tells what was found from what else there may be. `folders` are those around the files, `irregular`
    what git lists of Python files that are links or folders, `others` the contents of files that were read without
    being among these.
    """

    paths: tuple[str, ...]
    statuses: bytes
    names: bytes
    listed: bytes
    folders: tuple[str, ...]
    irregular: tuple[str, ...]
    others: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Record:
    """A run: its files, what it asked of what lies around them, and what came of it.

    `results` are also of files that only led to notes; `notes` are all but those. `again` names the run's `Again`.
    """

    files: Files
    around: tuple[Any, ...]
    results: tuple[FileResult, ...]
    diffs: Mapping[str, bytes]
    notes: tuple[str, ...]
    scanned: int
    skipped: int
    candidates: int
    inactive: tuple[str, ...]
    again: bytes

    def outcome(self) -> Outcome:
        """The outcome of a run that finds all as it was."""
        found = Outcome(list(self.results), list(self.notes), self.scanned, self.skipped)
        found.counts = Counts(len(self.files.paths), 0, self.candidates, 0)
        found.inactive = list(self.inactive)
        found.diffs = self.diffs
        finish(found)
        return found


# By path, of files that have changed: the name of the old content and the bytes of today.
Edited = Mapping[str, tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Last:
    """The last run, the name under which it is kept, the files as they are today, and what they hold that is new."""

    name: str
    record: Record
    files: Files
    edited: Edited


@dataclass(frozen=True, slots=True)
class Again:
    """What it takes to look at a few files again, while the others and the project as a whole are as they were.

    `number` is that of the record that it belongs to. `roots` are the source roots that the codemods were prepared
    with, `asked` what they asked of files, `traces` what the results of candidates depend on in other files, by path.
    `screened` names the file that holds what the screen made of contents, `screened_as` the contents by which it knows
    files that have changed since. `noted` is what else the codemods asked when they were prepared. `aliases` were
    looked for in all files, `taken` is where they were found.
    """

    number: bytes
    analysis: Analysis
    roots: tuple[str, ...]
    asked: Trace
    traces: Mapping[str, Trace]
    screened: str
    screened_as: Mapping[str, bytes] = field(default_factory=dict)
    noted: frozenset[Question] = frozenset()
    aliases: frozenset[str] = frozenset()
    taken: Mapping[str, Pairs] = field(default_factory=dict)


def program_of(request: Request) -> bytes:
    """What tells this program, with its codemods, from others."""
    return digest((program(), plugins(request.catalog.values())))


def name_of(request: Request, program: bytes) -> str:
    """The name under which the runs are kept that are asked for what a request asks for."""
    general = request.config.general
    paths = [os.fspath(Path(path).absolute()) for path in request.paths]
    asked = (tuple(request.asked), general.unsafe_fixes, general.include_tests, request.staged, paths)
    return named(program, request.config, request.config.text, str(request.config.file), list(request.catalog), asked)


def finish(outcome: Outcome) -> None:
    """Put an outcome's results in order, and its notes together."""
    ordered = sorted(outcome.results, key=lambda result: os.fsencode(result.path))
    outcome.notes += [note for result in ordered for note in result.notes]
    outcome.results = [result for result in ordered if result.findings or result.edits or result.error]
