"""The options of the commands that make branches, as click hands them over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ssot_fix.commands.options import Options


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
