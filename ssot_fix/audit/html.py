"""The audit as a page. Nothing here decides anything but what stands where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ssot_fix.audit.html_tables import tables
from ssot_fix.audit.model import AREAS, SEVERITIES, Finding, Report, Summary, Tally
from ssot_fix.project.history import Commit
from ssot_fix.report.diff import printable
from ssot_fix.report.html.changes import change
from ssot_fix.report.html.chart import Chart, chart
from ssot_fix.report.html.page import render as render_page


class Card(NamedTuple):
    """How an area stands, in words; `direction` is `better`, `worse`, `same`, or "" where nothing can be said."""

    summary: Summary
    title: str
    now: str
    start: str
    direction: str
    change: str
    severities: tuple[tuple[str, int], ...]


class Kinds(NamedTuple):
    """How many findings of an area are of a kind, in production and in tests."""

    name: str
    production: int
    tests: int


def render(report: Report) -> bytes:
    """The page, as UTF-8. The same report makes the same bytes."""
    found = tables(report)
    shown = {
        "title": f"Audit of {report.project}",
        "report": report,
        "areas": AREAS,
        "cards": [_card(summary) for summary in report.summaries],
        "charts": _charts(report),
        "commits": [_told(point.commit) for point in report.points if point.on_line],
        "kinds": {area: _kinds(each for each in report.findings if each.area == area) for area in AREAS},
        "tables": found,
        "changes": [change(*diff) for diff in report.diffs],
        "sections": _sections(report),
        "days": _days(report),
    }
    return render_page("audit.html", shown)


def percent(tally: Tally) -> str:
    """The share in percent with one digit, rounded down: 100.0 % means all."""
    if not tally.all:
        return "no sites"
    tenths = 1000 * tally.good // tally.all
    return f"{tenths // 10}.{tenths % 10} %"


def _sections(report: Report) -> list[tuple[str, str]]:
    """Id and title of each section that is there."""
    there = [
        ("summary", "Summary", True),
        ("criteria", "Success criteria", report.criteria),
        ("plan", "Action plan", report.phases),
        ("history", "Over the range", report.points),
        ("regressions", "Regressions", True),
        ("services", "Services", report.services),
        *((area, title, True) for area, title in AREAS.items()),
        ("findings", "All findings", True),
        ("verification", "Verification", True),
        ("changes", "What ssot-fix would change", report.diffs),
        ("notes", "Notes", report.notes),
    ]
    return [(id_, title) for id_, title, present in there if present]


def _card(summary: Summary) -> Card:
    severities = tuple((each, count) for each in SEVERITIES if (count := summary.by_severity.get(each, 0)))
    title = AREAS.get(summary.area, summary.area)
    now, start = percent(summary.now), percent(summary.start)
    return Card(summary, title, now, start, *_difference(summary), severities)


def _difference(summary: Summary) -> tuple[str, str]:
    now, start = summary.now.percent, summary.start.percent
    if now is None or start is None:
        return "", ""
    if abs(now - start) < 0.05:
        return "same", "no change"
    direction = "better" if now > start else "worse"
    return direction, f"{abs(now - start):.1f} points {direction}"


def _charts(report: Report) -> list[Chart]:
    """A chart for each area that has sites at any commit of the main line."""
    line = [point for point in report.points if point.on_line]
    made = []
    for area, title in AREAS.items():
        tallies = [point.tallies.get(area) for point in line]
        if any(tally and tally.all for tally in tallies):
            made.append(chart(title, [None if tally is None else tally.bad for tally in tallies]))
    return made


def _told(commit: Commit) -> str:
    return printable(f"{commit.id[:9]}, {commit.date}, {commit.author}: {commit.subject}")


def _kinds(findings: Iterable[Finding]) -> list[Kinds]:
    """The kinds of findings, the most frequent in production first."""
    scopes = Counter((finding.kind, finding.scope) for finding in findings)
    counted = [Kinds(kind, scopes[kind, "production"], scopes[kind, "test"]) for kind in {kind for kind, _ in scopes}]
    return sorted(counted, key=lambda each: (-each.production, -each.tests, each.name))


def _days(report: Report) -> tuple[str, str]:
    """The first and the last day of the range."""
    days: Sequence[str] = [point.commit.date for point in report.points] or [report.head.date]
    return min(days), max(days)
