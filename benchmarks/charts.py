"""Charts as SVG, readable on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_STYLE = """<style>
:root { --page: #ffffff; --text: #1f2328; --line: #d1d9e0; --ours: #0969da; --other: #8c959f; --third: #bc4c00 }
@media (prefers-color-scheme: dark) {
:root { --page: #0d1117; --text: #e6edf3; --line: #3d444d; --ours: #4493f8; --other: #6e7681; --third: #f0883e } }
text { font: 13px system-ui, sans-serif; fill: var(--text) }
.title { font-weight: 600; font-size: 15px } .end { text-anchor: end } .middle { text-anchor: middle }
.page { fill: var(--page) } .grid { stroke: var(--line); fill: none }
.ours { fill: var(--ours) } .other { fill: var(--other) }
.curve { fill: none; stroke-width: 2 } .s0 { stroke: var(--ours) } .s1 { stroke: var(--third) }
.s2 { stroke: var(--other); stroke-dasharray: 5 4 } .d0 { fill: var(--ours) } .d1 { fill: var(--third) }
.d2 { fill: var(--other) }
</style>"""
_WIDTH = 760


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what stands beside it, its value, what stands at its end, and is it ours?"""

    label: str
    value: float
    text: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points (x, y), with its name; one that was not measured is dashed, without marks."""

    name: str
    points: tuple[tuple[float, float], ...]
    measured: bool = True


def bar_chart(title: str, bars: Sequence[Bar]) -> str:
    """Horizontal bars on a logarithmic scale in seconds: the values lie orders of magnitude apart."""
    left, top, step, right = 270, 56, 28, 90
    height = top + step * len(bars) + 34
    low = 10 ** math.floor(math.log10(min(bar.value for bar in bars)))
    high = 10 ** math.ceil(math.log10(max(bar.value for bar in bars)))
    scale = (_WIDTH - left - right) / math.log10(high / low)
    parts = [_text(20, 28, title, "title")]
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        x = left + scale * (power - math.log10(low))
        parts.append(f'<path class="grid" d="M{x:.1f} {top - 8}V{height - 30}"/>')
        parts.append(_text(x, height - 12, f"{10.0**power:g} s", "middle"))
    for number, bar in enumerate(bars):
        y, width = top + step * number, max(scale * math.log10(bar.value / low), 1)
        parts.append(_text(left - 10, y + 14, bar.label, "end"))
        kind = "ours" if bar.ours else "other"
        parts.append(f'<rect class="{kind}" x="{left}" y="{y}" width="{width:.1f}" height="{step - 9}" rx="2"/>')
        parts.append(_text(left + width + 6, y + 14, bar.text, ""))
    return _picture(title, height, parts)


def line_chart(title: str, across: str, curves: Sequence[Curve]) -> str:
    """Curves from zero on linear scales, where what is proportional is straight; up are seconds."""
    left, top, right, bottom, height = 70, 56, 40, 400 - 60, 400
    xs, ys = ([point[axis] for curve in curves for point in curve.points] for axis in (0, 1))
    x_ticks, y_ticks = _ticks(max(xs)), _ticks(max(ys))
    x_scale, y_scale = (_WIDTH - left - right) / x_ticks[-1], (bottom - top) / y_ticks[-1]
    parts = [_text(20, 28, title, "title"), _text((left + _WIDTH - right) / 2, height - 12, across, "middle")]
    for tick in y_ticks:
        y = bottom - tick * y_scale
        parts.append(f'<path class="grid" d="M{left} {y:.1f}H{_WIDTH - right}"/>')
        parts.append(_text(left - 8, y + 4, f"{tick:g} s", "end"))
    parts += [_text(left + tick * x_scale, bottom + 20, f"{tick:,.0f}", "middle") for tick in x_ticks]
    for number, curve in enumerate(curves):
        colour, y = number if curve.measured else 2, top + 20 * (number + 1)
        places = [(left + x * x_scale, bottom - y * y_scale) for x, y in curve.points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(f'<path class="curve s{colour}" d="M{path}"/>')
        if curve.measured:
            parts += [f'<circle class="d{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in places]
        parts.append(f'<rect class="d{colour}" x="{left + 14}" y="{y - 7}" width="14" height="4"/>')
        parts.append(_text(left + 36, y, curve.name, ""))
    return _picture(title, height, parts)


def _ticks(highest: float) -> list[float]:
    rough = highest / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    return [step * number for number in range(math.ceil(highest / step) + 1)]


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _picture(title: str, height: int, parts: Sequence[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
            f' width="{_WIDTH}" height="{height}">',
            f"<title>{escape(title)}</title>",
            _STYLE,
            f'<rect class="page" width="{_WIDTH}" height="{height}"/>',
            *parts,
            "</svg>\n",
        ]
    )
