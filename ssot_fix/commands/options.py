"""The options of the commands, as click hands them over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOR_VIEWERS = ("sarif", "github", "html")  # formats that are made from the bytes of the files, not from diffs


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
