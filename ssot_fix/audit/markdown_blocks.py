"""Tables, lists and cells of the audit's document. Tables are cut, and say so: JSON has all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from ssot_fix.audit.facts import commit_name
from ssot_fix.audit.model import Place
from ssot_fix.project.history import Commit
from ssot_fix.report.markdown import code_cell, plain_cell

_T = TypeVar("_T")
ROWS = 50  # of a table
LONGEST_COMMAND = 1000
_LISTED = 3  # in a cell


def section(title: str, header: Sequence[str], rows: Iterable[list[str]], count: int) -> Iterator[str]:
    """A table with its title; nothing if it has no rows."""
    if count:
        yield f"### {title} ({count:,})"
        yield from cut(rows, header, count)


def cut(
    rows: Iterable[list[str]], header: Sequence[str], count: int, sides: str = "", most: int = ROWS
) -> Iterator[str]:
    """The first of `count` rows as a table, and how many more there are."""
    yield table(header, sides or "l" * len(header), islice(rows, most))
    if count > most:
        yield more(count - most)


def more(count: int) -> str:
    """What stands below a table or list that is cut."""
    return f"And {count:,} more: `--format json` has all of them."


def table(header: Sequence[str], sides: str, rows: Iterable[Sequence[str]]) -> str:
    """A table; `sides` has `l` or `r` for each column. A column without any text is left out."""
    body = list(rows)
    kept = [number for number in range(len(header)) if any(row[number] for row in body)] or range(len(header))
    rule = ["--:" if side == "r" else ":--" for side in sides]
    return "\n".join(_row([row[number] for number in kept]) for row in (header, rule, *body))


def bullets(lines: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {line}" for line in lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def some(values: Sequence[_T], shown: Callable[[_T], str]) -> str:
    """The first few of several values."""
    more = f" and {len(values) - _LISTED:,} more" if len(values) > _LISTED else ""
    return ", ".join(map(shown, values[:_LISTED])) + more


def place_cell(place: Place) -> str:
    """A place, `path:line`, in a table."""
    return code_cell(f"{place.path}:{place.line}" if place.line else place.path)


def commit_text(commit: Commit) -> str:
    """A commit, in tables and outside; GitHub makes a link of the id."""
    return f"{commit_name(commit)} ({commit.date}, {plain_cell(commit.author)})"
