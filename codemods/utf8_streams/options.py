"""The codemod's table in the config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NAME = "utf8-streams"


@dataclass(frozen=True, slots=True)
class Options:
    """`[tool.ssot-fix.utf8-streams]`; `explain utf8-streams` says what each key does."""

    entry_points: Literal["writing", "non-ascii", "all"] = "writing"
    errors: str = "replace"
    helper: str | None = None
