"""The options of `audit`, as click hands them over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ssot_fix.commands.options import Options


@dataclass(frozen=True, slots=True)
class Auditing(Options):
    """The options of `audit`; `range` is `A..B`, `fail_under` percent."""

    last: int = 40
    range: str | None = None
    verify: bool = False
    fail_under: float | None = None
    baseline: Path | None = None
    update_baseline: bool = False
