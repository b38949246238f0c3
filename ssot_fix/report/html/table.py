"""Tables that may be long: a few rows stand in the page as they are, all of them as data that its script shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ssot_fix.report.diff import printable

PAGE = 50  # rows that are shown at once
_LONGEST = 600  # characters of a part


class Part(NamedTuple):
    """A piece of a cell: its text, the classes that tell how it looks, what is told to who points at it.

    Of the classes, `bar` draws a percentage, `path` may break behind slashes, `code` behind dots; `prose` has code
    between backquotes.
    """

    text: str
    style: str = ""
    title: str = ""


Cell: TypeAlias = str | int | tuple[Part, ...]


def prose(text: str) -> Cell:
    """A sentence in which names and code stand between backquotes."""
    return (Part(text, "prose"),) if text.count("`") and text.count("`") % 2 == 0 else text


class Details(NamedTuple):
    """A list that a row shows when it is opened."""

    heading: str
    lines: Sequence[Cell]


class Row(NamedTuple):
    """A row, and what it shows when it is opened."""

    cells: Sequence[Cell]
    details: Sequence[Details] = ()


class Column(NamedTuple):
    """A column; `style` is the class of its cells.

    `is_filter`: rows can be narrowed down by the parts of its cells. `order` is the order of these where that of the
    alphabet would tell little.
    """

    title: str
    style: str = ""
    is_filter: bool = False
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `id` is its id in the page, `things` what a row is, in the plural: `findings`."""

    id: str
    caption: str
    things: str
    columns: Sequence[Column]
    rows: Sequence[Row]

    @property
    def first(self) -> list[list[Cell]]:
        """The cells of the rows that stand in the page itself."""
        return [[_shown(cell) for cell in row.cells] for row in self.rows[:PAGE]]

    @property
    def data(self) -> dict[str, object]:
        """All of it for JSON, texts printable.

        `pool` holds each cell once, as a text, a number or a list of parts; `rows` are lists of indices into it.
        `details` holds, by the index of a row, pairs of a heading and indices.
        """
        pool: dict[Cell, int] = {}

        def indices(cells: Sequence[Cell]) -> list[int]:
            return [pool.setdefault(cell, len(pool)) for cell in cells]

        rows = [indices(row.cells) for row in self.rows]
        details = {
            str(number): [(printable(heading), indices(lines)) for heading, lines in row.details]
            for number, row in enumerate(self.rows)
            if row.details
        }
        columns = [
            {"title": column.title, "style": column.style, "filter": column.is_filter, "order": column.order}
            for column in self.columns
        ]
        told = {"things": self.things, "page": PAGE, "columns": columns, "rows": rows, "details": details}
        return told | {"pool": [_shown(cell) for cell in pool]}


def _shown(cell: Cell) -> Cell:
    if isinstance(cell, int):
        return cell
    if isinstance(cell, str):
        return _cut(cell)
    return tuple(Part(_cut(text), style, _cut(title)) for text, style, title in cell)


def _cut(text: str) -> str:
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text) - _LONGEST:,} more characters)"
    return printable(text)
