"""Small line charts, one for each area, over the commits of a range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 308, 12, 104
_ROUND = (1, 2, 5)


class Dot(NamedTuple):
    """A value of a chart, and where it is drawn."""

    x: float
    y: float
    value: int


class Tick(NamedTuple):
    """A value on the axis, and its height."""

    y: float
    value: int


class Chart(NamedTuple):
    """A line chart: `dots` has None where nothing is known; `line` is the path that joins the others."""

    title: str
    dots: tuple[Dot | None, ...]
    line: str
    ticks: tuple[Tick, ...]

    @property
    def known(self) -> list[Dot]:
        """The dots that there are."""
        return [dot for dot in self.dots if dot is not None]


def chart(title: str, values: Sequence[int | None]) -> Chart:
    """A chart of values, oldest first, of which at least one is known.

    Its axis begins at 0, unless the values differ little and lie far above it; even then it covers a twentieth of
    them, so that one more or less does not look like much.
    """
    known = [value for value in values if value is not None]
    ticks = _ticks(min(known), max(known))
    low, high = ticks[0], ticks[-1]

    def height(value: int) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (value - low) / (high - low), 1)

    places = _places(len(values))
    dots = tuple(
        None if value is None else Dot(x, height(value), value) for x, value in zip(places, values, strict=True)
    )
    return Chart(title, dots, _line(dots), tuple(Tick(height(value), value) for value in ticks))


def _places(count: int) -> list[float]:
    """Where the commits are, left to right."""
    if count == 1:
        return [_RIGHT]
    return [round(_LEFT + (_RIGHT - _LEFT) * index / (count - 1), 1) for index in range(count)]


def _ticks(low: int, high: int) -> list[int]:
    """Two to five round values around all others, evenly spaced."""
    reach = max(high - low, high // 20)
    low = high - reach if high > low > 2 * reach else 0
    step = next(step for step in _steps() if (high // step - low // step) <= 3)
    first = low // step * step
    return list(range(first, max(-(-high // step) * step, first + step) + 1, step))


def _steps() -> Sequence[int]:
    return [digit * 10**power for power in range(30) for digit in _ROUND]


def _line(dots: Sequence[Dot | None]) -> str:
    pieces = []
    for before, dot in zip((None, *dots), dots, strict=False):
        if dot is not None:
            pieces.append(f"{'L' if before else 'M'}{dot.x:g} {dot.y:g}")
    return "".join(pieces)
