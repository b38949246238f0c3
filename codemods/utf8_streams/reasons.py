"""The codemod's reason codes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ssot_fix.edits import Refusal


class Refused(Exception):
    """A place for which there is no fix; carries the refusal."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(reason, message)


REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "imported-elsewhere": "The stream is replaced when the module is imported, and other files import it: they "
        "rely on that, or suffer from it. Move it to where the program starts, under "
        '`if __name__ == "__main__":` or into the function that a console script names.',
        "unclear-replacement": "The stream is replaced by something that `reconfigure` can't be told to do for sure. "
        'Write `if hasattr(sys.stdout, "reconfigure"): sys.stdout.reconfigure(encoding="utf-8")` instead.',
        "other-encoding": "The stream is given another encoding than UTF-8. Somebody may have meant it.",
        "no-effect": "Python reads this variable when it starts: set here it does nothing for this process, only for "
        "programs that it starts. Call `sys.stdout.reconfigure` for this one; keep the line if children need it.",
        "not-a-function": "The program starts at something that is no plain function, so there is no place in this "
        "file for the lines. Put them where the object is called, or name a function as the entry point.",
        "unclear-start": "The condition around the start of the program may hold when the module is imported, too.",
        "odd-layout": "The block is written in a way in which no line can be added safely. Add it by hand.",
    }
)
