"""What `ssot-fix discover-moves` prints: a table of where the missing went, and the settings to paste."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from codemods.stale_imports.discover import Discovered
from codemods.stale_imports.moves import settings_lines
from codemods.stale_imports.options import Move
from ssot_fix.report.diff import printable
from ssot_fix.report.terminal import LEAST_WIDTH, PIPE_WIDTH

if TYPE_CHECKING:
    from rich.console import Console

_TITLES = {
    "conclusive": "Conclusive: the evidence leaves no doubt",
    "undecided": "Needs a decision",
    "removed": "Removed without replacement",
}


def print_moves(found: Sequence[Discovered], header: str, file: TextIO, *, color: bool, wraps: bool) -> str:
    """What was found as text, by verdict, and the conclusive moves as settings under a table's header.

    With `wraps` it is as wide as the terminal behind `file`.
    """
    from rich.box import SIMPLE  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = _console_for(file if wraps else io.StringIO(), color=color)
    with console.capture() as captured:
        for verdict, title in _TITLES.items():
            group = [each for each in found if each.verdict == verdict]
            if not group:
                continue
            console.print(f"{title} ({len(group)})", style="bold")
            table = Table(box=SIMPLE, show_edge=False, pad_edge=False, header_style="bold", expand=wraps)
            for name, ratio in (("old", 3), ("new", 3), ("uses", None), ("evidence", 4), ("confidence", None)):
                number = ratio is None
                table.add_column(
                    name, justify="right" if number else "left", overflow="fold", no_wrap=number, ratio=ratio
                )
            for each in group:
                table.add_row(
                    _place(each.old, wraps),
                    _place(each.new or "-", wraps),
                    str(each.uses),
                    printable("; ".join(each.evidence)),
                    f"{each.confidence:.2f}" if each.new else "-",
                )
            console.print(table)
            console.print()
    table_text = "\n".join(line.rstrip() for line in captured.get().split("\n"))
    if not found:
        return "Nothing is missing: every import of the project's own code leads somewhere.\n"
    return table_text + "\n".join(toml_lines(found, header))


def _console_for(file: TextIO, *, color: bool) -> Console:
    """A console for tables: as wide as the terminal, or as a line in a pipe may be (report/terminal.py)."""
    from rich.console import Console  # noqa: PLC0415

    console = Console(
        file=file,
        width=None if file.isatty() else PIPE_WIDTH,
        height=25,  # or Rich forgets the width if TERM is "dumb", as it is in some CI systems
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        markup=False,
        highlight=False,
        emoji=False,
    )
    console.width = max(console.width, LEAST_WIDTH)
    return console


def _place(place: str, wraps: bool) -> str:
    """A place; on a terminal its name has a line of its own: paths are long, and names what is looked for."""
    return printable(place).replace(":", "\n  :" if wraps else ":")


def conclusive(found: Iterable[Discovered]) -> list[tuple[Move, tuple[str, ...]]]:
    """The conclusive moves, each with its evidence."""
    return [(Move(each.old, each.new), each.evidence) for each in found if each.verdict == "conclusive" and each.new]


def toml_lines(found: Iterable[Discovered], header: str) -> list[str]:
    """The conclusive moves as settings, each with its evidence in a comment; ends with an empty line."""
    lines: list[str] = []
    for move, evidence in conclusive(found):
        lines += [*settings_lines(move, evidence, header), ""]
    return lines


def json_moves(found: Sequence[Discovered]) -> str:
    """The same for programs: one object with a list `moves`."""
    moves = [
        {
            "from": each.old,
            "to": each.new,
            "uses": each.uses,
            "uses_in_tests": each.uses_in_tests,
            "verdict": each.verdict,
            "confidence": round(each.confidence, 2),
            "evidence": list(each.evidence),
            "candidates": list(each.candidates),
            "commit": each.commit.id if each.commit else None,
            "date": each.commit.date if each.commit else None,
            "author": each.commit.author if each.commit else None,
        }
        for each in found
    ]
    return json.dumps({"version": 1, "moves": moves}, indent=2) + "\n"
