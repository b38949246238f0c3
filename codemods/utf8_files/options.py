"""The codemod's table in the config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NAME = "utf8-files"


@dataclass(frozen=True, slots=True)
class Options:
    """`[tool.ssot-fix.utf8-files]`; `explain utf8-files` says what each key does."""

    encoding: str = "utf-8"
    allow: tuple[Literal["python-child", "console-program"], ...] = ()
