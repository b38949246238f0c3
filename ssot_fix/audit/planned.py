"""What a run would do about the findings: which of them it rewrites, and why it leaves the others alone."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ssot_fix.audit.model import FileDiff, Finding
from ssot_fix.delivery.repository import Repository
from ssot_fix.delivery.snapshot import snapshot
from ssot_fix.edits import Finding as Found
from ssot_fix.edits import Status
from ssot_fix.engine.cache.store import Store
from ssot_fix.engine.contract import Codemod
from ssot_fix.engine.run import Outcome, Progress, Request, original, run
from ssot_fix.project.config import Config
from ssot_fix.project.git import GitError, run_git
from ssot_fix.report.diff import unified_diff

# Which codemods are about the findings of an area.
CODEMODS: Mapping[str, tuple[str, ...]] = {
    "environment": ("isolated-environment",),
    "imports": ("stale-imports",),
    "encoding": ("utf8-files", "utf8-streams"),
}
_TELLING = (".py", ".pyw", ".pyi", "pyproject.toml", "ssot-fix.toml", ".gitignore")
_AREA_OF = {codemod: area for area, codemods in CODEMODS.items() for codemod in codemods}


@dataclass(frozen=True)
class Plan:
    """What a run over a commit's files came to, `diffs` with the bytes that its edits are for."""

    outcome: Outcome
    diffs: tuple[FileDiff, ...]


@dataclass(frozen=True)
class Planning:
    """A run to plan: with which settings and codemods, and where it is kept what earlier runs know.

    `settings_in` reads the settings of a commit whose files lie in a folder.
    """

    config: Config
    settings_in: Callable[[Path], Config]
    catalog: Mapping[str, Codemod]
    store: Store | None = None


def plan(planning: Planning, commit: str, progress: Progress) -> Plan:
    """Run all codemods over the files of a commit; nothing is written.

    Where the work tree has the same files, they are read there, and what earlier runs know of them is used. Where
    the repository lacks some, nothing is planned, and a note says so. Raises what `run` raises, and GitError.
    """
    with ExitStack() as stack:
        try:
            config, store = stack.enter_context(_files(planning, commit))
        except GitError as error:
            return Plan(Outcome(notes=[f"what a run would rewrite is not known: {error}"]), ())
        outcome = run(Request(config, planning.catalog, store=store), progress)
        diffs = tuple(_diffs(config.root, outcome))
        if outcome.keep is not None:  # with the diffs that a run would print
            outcome.keep({each.path: unified_diff(*each) for each in diffs} | dict(outcome.diffs))
            outcome.keep = None  # it is kept now, and could not go from one process to another
        return Plan(outcome, diffs)


@contextmanager
def _files(planning: Planning, commit: str) -> Iterator[tuple[Config, Store | None]]:
    if _has(planning.config.root, commit):
        yield planning.config, planning.store
        return
    with snapshot(Repository(planning.config.root), commit, lambda _: None) as folder:
        yield planning.settings_in(folder), None


def _has(root: Path, commit: str) -> bool:
    """Whether the work tree holds the files of a commit, as far as they tell a run something."""
    if run_git(root, "rev-parse", "HEAD").strip().decode() != commit:
        return False
    status = run_git(root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".")
    # Of files that it is told to look away from (a sparse checkout's, too) git does not say whether they differ.
    tagged = run_git(root, "ls-files", "-z", "-v", "--cached").split(b"\0")
    differing = [*status.split(b"\0"), *(entry for entry in tagged if not entry.startswith(b"H "))]
    return not any(entry.endswith(tuple(map(str.encode, _TELLING))) for entry in differing)


def _diffs(root: Path, outcome: Outcome) -> Iterator[FileDiff]:
    for result in outcome.results:
        if result.status == "changed" and (old := original(root, result)) is not None:
            yield FileDiff(result.path, old, result.edits)


def with_remedies(findings: Iterable[Finding], outcome: Outcome) -> Iterator[Finding]:
    """The findings, each with what a run makes of it."""
    told: dict[tuple[str, str, int], list[Found]] = defaultdict(list)
    for result in outcome.results:
        for found in result.findings:
            if found.codemod in _AREA_OF:
                told[_AREA_OF[found.codemod], found.path, found.line].append(found)
    for finding in findings:
        here = told.get((finding.area, finding.path, finding.line), ())
        yield _remedied(finding, here) if here else finding


def _remedied(finding: Finding, found: Sequence[Found]) -> Finding:
    """Of several sites on one line the one that the finding tells of counts, else what is not rewritten."""
    found = [each for each in found if each.message.startswith(finding.message)] or found
    left = next((each for each in found if each.status is not Status.REWRITTEN), None)
    if left is not None:
        return replace(finding, remedy=f"{left.reason}: {left.message}" if left.reason else left.message)
    command = f"ssot-fix --write --codemod {found[0].codemod} {shlex.quote(finding.path)}"
    return replace(finding, is_rewritable=True, remedy=command)
