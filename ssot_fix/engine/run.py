"""A run: what it is asked for, and what comes of it. What is done with the results is not decided here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ssot_fix.edits import FileResult

if TYPE_CHECKING:
    from ssot_fix.engine.cache.store import Store
    from ssot_fix.engine.contract import Codemod, Prepared
    from ssot_fix.project.config import Config

Progress = Callable[[int, int], None]


class Request:
    """What a run is to do. `paths` narrow it; `asked` are codemods that must not be inactive.

    `staged` asks for what the codemods make of each file one after the other (`FileResult.stages`). `store` is where
    earlier runs have left what they found, and this one will; without it, all is looked at.
    """

    __slots__ = ("asked", "catalog", "config", "paths", "staged", "store")

    def __init__(  # noqa: PLR0913  a request is what a run can be asked for
        self,
        config: Config,
        catalog: Mapping[str, Codemod],
        paths: Sequence[str | Path] = (),
        asked: Sequence[str] = (),
        *,
        staged: bool = False,
        store: Store | None = None,
    ) -> None:
        self.config = config
        self.catalog = catalog
        self.paths = paths
        self.asked = asked
        self.staged = staged
        self.store = store

    def chosen(self) -> list[Codemod]:
        """The codemods to run, in the order in which they were named."""
        names = self.asked or self.config.general.codemods or tuple(self.catalog)
        return [self.catalog[name] for name in dict.fromkeys(names)]


@dataclass(slots=True)
class Counts:
    """How many files a run had to do with, for --stats.

    `discovered`: all of the project. `read`: those whose bytes were looked at; an earlier run has seen the others.
    `candidates`: those in scope that passed the screen. `parsed`: the candidates that were analysed; what the others
    came to is known from an earlier run.
    """

    discovered: int = 0
    read: int = 0
    candidates: int = 0
    parsed: int = 0


@dataclass(slots=True)
class Outcome:
    """What came of a run: results in path order, only of files with findings, edits or errors.

    `seconds` are wall-clock seconds by stage, `inactive` the codemods with nothing to work with. `diffs` are those
    that an earlier run has made of the same results. `keep`, if there is something to keep, is to be called with all
    diffs once everything is printed.
    """

    results: list[FileResult] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files_scanned: int = 0
    tests_skipped: int = 0
    counts: Counts = field(default_factory=Counts)
    seconds: dict[str, float] = field(default_factory=dict)
    inactive: list[str] = field(default_factory=list)
    diffs: Mapping[str, bytes] = field(default_factory=dict)
    keep: Callable[[Mapping[str, bytes]], None] | None = None


class CodemodInactive(Exception):
    """A codemod that was asked for by name has nothing to work with here."""


def run(request: Request, progress: Progress = lambda _done, _total: None) -> Outcome:
    """Find and prove every change; nothing is written.

    `progress` is told how many files are done, of how many. Raises ConfigError, UsageError, CodemodInactive.
    """
    if request.store is not None:
        from ssot_fix.engine.cache.recall import recall  # noqa: PLC0415

        if (outcome := recall(request, request.store)) is not None:
            return outcome
    from ssot_fix.engine.road import Road  # noqa: PLC0415  all that follows is imported only if it is needed

    return Road(request, progress).outcome()


def prepare(
    request: Request, progress: Progress = lambda _done, _total: None
) -> tuple[dict[str, Prepared], list[str]]:
    """The codemods of a request, each bound to the project, and notes; no file is analysed.

    Raises as `run` does.
    """
    from ssot_fix.engine.road import Road  # noqa: PLC0415

    return Road(request, progress).prepared()


def original(root: Path, result: FileResult) -> bytes | None:
    """The bytes that a result's edits are for; None if the file no longer holds them."""
    try:
        data = (root / result.path).read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).digest() == result.digest else None
