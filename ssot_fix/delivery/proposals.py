"""What branches are to hold: the plan of a commit's own files, cut in parts that are each complete in themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ssot_fix.delivery.repository import Entry, Repository
from ssot_fix.delivery.snapshot import snapshot
from ssot_fix.delivery.split import Part, PartOf, all_together, branch_name, by_directory, by_owner
from ssot_fix.edits import Edit, FileResult, Status, apply_edits
from ssot_fix.engine.contract import Codemod
from ssot_fix.engine.run import CodemodInactive, Outcome, Request, original, run
from ssot_fix.project.config import Config
from ssot_fix.report.summary import Summary, summarize

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: codemods by name (none: all), the name of the branch, how to split, how many files at most.

    `settings` reads the settings in a folder that holds the commit's files.
    """

    catalog: Mapping[str, Codemod]
    settings: Callable[[Path], Config]
    codemods: tuple[str, ...] = ()
    name: str | None = None
    split: str | None = None
    max_files: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A file that changes: its mode, its old text, its text after each codemod, in their order, and all edits."""

    path: str
    mode: str
    old: bytes
    texts: tuple[tuple[str, bytes], ...]
    edits: tuple[Edit, ...]

    def after(self, codemods: Iterable[str]) -> bytes:
        """The text when these codemods have been applied."""
        done = frozenset(codemods)
        return next((text for codemod, text in reversed(self.texts) if codemod in done), self.old)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a branch is to hold. `results` are those of its files, and of files in its part that stay as they are.

    `codemods` are those that change something, in the order of their commits. `left_out` is the number of files
    for which there was no room.
    """

    branch: str
    part: Part
    codemods: tuple[str, ...]
    changes: tuple[Change, ...]
    results: tuple[FileResult, ...]
    summary: Summary
    left_out: int = 0


@dataclass(slots=True)
class Proposals:
    """All that came of a plan. `notes` are for stderr, `inactive` are codemods with nothing to work with."""

    config: Config
    proposals: list[Proposal] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    inactive: list[str] = field(default_factory=list)

    @property
    def results(self) -> list[FileResult]:
        """Everything that was found."""
        return [result for outcome in self.outcomes for result in outcome.results]

    def outcome(self) -> Outcome:
        """Everything that was found, as the outcome of one run."""
        first = self.outcomes[0] if self.outcomes else Outcome()
        return replace(first, results=self.results, notes=self.notes)

    @property
    def failed(self) -> list[FileResult]:
        """What could not be read or analysed."""
        return [result for result in self.results if result.error is not None]


def propose(repository: Repository, base: str, wanted: Wanted, progress: Progress) -> Proposals:
    """Plan what is to be done on a commit; nothing is written to the repository.

    Raises ConfigError, CodemodInactive and GitError.
    """
    notes: list[str] = []
    entries = {entry.path: entry for entry in repository.entries(base)}
    with snapshot(repository, base, notes.append) as folder:
        made = Proposals(wanted.settings(folder), notes=notes)
        for outcome, name in _outcomes(made, wanted, progress):
            made.notes += [note for note in outcome.notes if note not in made.notes]
            made.outcomes.append(outcome)
            made.inactive += outcome.inactive
            read = _Read(folder, entries, outcome, (name,) if name else _chosen(made.config, wanted))
            part_of = _part_of(repository, base, wanted, name, made.notes)
            made.proposals += _cut(wanted, part_of, read)
    return made


def _outcomes(made: Proposals, wanted: Wanted, progress: Progress) -> Iterable[tuple[Outcome, str]]:
    """One run for all codemods, or one for each, with its name."""
    if wanted.split != "codemod":
        request = Request(made.config, wanted.catalog, asked=wanted.codemods, staged=True)
        yield run(request, progress), ""
        return
    for name in _chosen(made.config, wanted):
        try:
            yield run(Request(made.config, wanted.catalog, asked=(name,)), progress), name
        except CodemodInactive as inactive:
            if name in wanted.codemods:
                raise
            made.notes.append(str(inactive))
            made.inactive.append(name)


def _chosen(config: Config, wanted: Wanted) -> Sequence[str]:
    """The codemods in the order in which they are applied."""
    return tuple(dict.fromkeys(wanted.codemods or config.general.codemods or wanted.catalog))


@dataclass(frozen=True, slots=True)
class _Read:
    """A run's outcome and codemods, with what is needed to read the files that it is about."""

    folder: Path
    entries: Mapping[str, Entry]
    outcome: Outcome
    codemods: Sequence[str]


def _cut(wanted: Wanted, part_of: PartOf, read: _Read) -> Iterable[Proposal]:
    parts: dict[Part, list[FileResult]] = {}
    for result in read.outcome.results:
        if result.error is None:
            parts.setdefault(part_of(result.path), []).append(result)
    for part in sorted(parts, key=lambda part: part.key):
        if any(result.edits for result in parts[part]):
            yield _proposal(wanted, part, parts[part], read)


def _part_of(repository: Repository, base: str, wanted: Wanted, codemod: str, notes: list[str]) -> PartOf:
    if wanted.split == "codemod":
        part = Part(codemod)
        return lambda _path: part
    if wanted.split == "directory":
        return by_directory
    return by_owner(repository, base, notes) if wanted.split == "codeowners" else all_together


def _proposal(wanted: Wanted, part: Part, results: Sequence[FileResult], read: _Read) -> Proposal:
    changed = [result for result in results if result.edits]
    kept = {result.path for result in changed[: wanted.max_files]}
    shown = tuple(result for result in results if not result.edits or result.path in kept)
    changes = tuple(_change(result, read) for result in shown if result.edits)
    applied = {codemod for change in changes for codemod, _ in change.texts}
    return Proposal(
        branch=branch_name(wanted.name, wanted.codemods, wanted.split, part.key),
        part=part,
        codemods=tuple(name for name in read.codemods if name in applied),
        changes=changes,
        results=shown,
        summary=summarize(shown, read.outcome.files_scanned),
        left_out=len(changed) - len(kept),
    )


def _change(result: FileResult, read: _Read) -> Change:
    old = original(read.folder, result)
    assert old is not None  # nobody else knows the folder
    rewriting = {finding.codemod for finding in result.findings if finding.status is Status.REWRITTEN}
    last = [name for name in read.codemods if name in rewriting][-1]
    stages = ((stage.codemod, apply_edits(old, stage.edits)) for stage in result.stages)
    texts = (*stages, (last, apply_edits(old, result.edits)))
    return Change(result.path, read.entries[result.path].mode, old, texts, result.edits)
