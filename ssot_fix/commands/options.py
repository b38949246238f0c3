"""The options of the commands, as click hands them over, and their exit codes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DONE, FOUND_WORK, FAILED = 0, 1, 2
FOR_VIEWERS = ("sarif", "github")  # formats that tell of places, without a diff


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a command, as click hands them over."""

    paths: tuple[str, ...] = ()
    codemod: tuple[str, ...] = ()
    dry_run: bool = False
    write: bool = False
    check: bool = False
    strict: bool = False
    allow_dirty: bool = False
    unsafe_fixes: bool = False
    include_tests: bool = False
    config: Path | None = None
    jobs: int | None = None
    no_cache: bool = False
    stats: bool = False
    quiet: bool = False
    verbose: int = 0
    color: str = "auto"
    format: str = "text"
    output: Path | None = None


@dataclass(frozen=True, slots=True)
class Branching(Options):
    """The options of the commands that make branches; `verify` are commands with their limits in seconds."""

    base: str | None = None
    name: str | None = None
    split: str | None = None
    max_files: int | None = None
    author: str | None = None
    yes: bool = False
    verify: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery(Branching):
    """The options of `pr`."""

    remote: str = "origin"
    draft: bool = False
    label: tuple[str, ...] = ()
    reviewer: tuple[str, ...] = ()
    max_open: int | None = None
    max_per_hour: int | None = None
    token_file: Path | None = None
