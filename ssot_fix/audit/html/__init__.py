"""The audit as a page. Nothing here decides anything but what stands where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ssot_fix.audit.facts import commit_name, facts
from ssot_fix.audit.html.areas import (
    chains_table,
    imports_table,
    keys_table,
    modules_table,
    removals_table,
    validators_table,
)
from ssot_fix.audit.html.findings import debt_table, findings_table
from ssot_fix.audit.html.history import points_table, regressions_table, services_table
from ssot_fix.audit.model import AREAS, SEVERITIES, Finding, Report, Summary
from ssot_fix.audit.settings import COMPLIANCE
from ssot_fix.audit.summary import change as moved
from ssot_fix.audit.summary import is_open, now_and_start, percent, told
from ssot_fix.project.history import Commit
from ssot_fix.report.diff import printable
from ssot_fix.report.html.changes import change
from ssot_fix.report.html.chart import Chart, chart
from ssot_fix.report.html.page import render as render_page
from ssot_fix.report.html.table import Table


class Card(NamedTuple):
    """How an area stands, in words.

    `now` is its compliance, else how many of its sites are open. `share` is its compliance in percent, None where it
    has none. `direction` is `better`, `worse`, `same`, or "" where
    nothing can be said; `change` says by how much.
    """

    summary: Summary
    title: str
    now: str
    start: str
    share: float | None
    direction: str
    change: str
    severities: tuple[tuple[str, int], ...]


class Group(NamedTuple):
    """How many open findings of an area have something in common, in production and in tests."""

    name: str
    production: int
    tests: int


class Area(NamedTuple):
    """What there is to say of an area besides its tables."""

    title: str
    facts: str
    findings: int
    kinds: tuple[Group, ...]
    services: tuple[Group, ...]


def render(report: Report) -> bytes:
    """The page, as UTF-8. The same report makes the same bytes."""
    shown = {
        "title": f"SSOT regression audit: {report.project}",
        "report": report,
        "standing": _standing(report),
        "areas": {area: _area(report, area) for area in AREAS},
        "cards": [_card(summary) for summary in report.summaries],
        "charts": _charts(report),
        "commits": [_named(point.commit) for point in report.points if point.on_line],
        "tables": _tables(report),
        "changes": [change(*diff) for diff in report.diffs],
        "sections": _sections(report),
        "days": _days(report),
    }
    return render_page("audit.html", shown)


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
        ("notes", "What could not be known", report.notes),
    ]
    return [(id_, title) for id_, title, present in there if present]


def _tables(report: Report) -> dict[str, Table]:
    """The tables by id, each with all of its rows."""
    made = (
        points_table(report.points),
        regressions_table(report.regressions),
        services_table(report.services),
        keys_table(report.keys),
        imports_table(report.imports),
        modules_table(report.modules),
        removals_table(report.removals),
        validators_table(report.validators),
        chains_table(report.chains),
        debt_table(report),
        findings_table(report.findings),
    )
    return {table.id: table for table in made}


def _standing(report: Report) -> str:
    """How all of the production code stands; empty where nothing has a compliance."""
    now, start = now_and_start(report.summaries)
    if not now.all:
        return ""
    before = f"; {percent(start)} at the start of the range, {moved(now, start)} points" if start.all else ""
    return f"{percent(now)} in order: {now.good:,} of {now.all:,} sites in production{before}"


def _card(summary: Summary) -> Card:
    now, start, by = told(summary)
    share = summary.now.percent if summary.area in COMPLIANCE else None
    if summary.area not in COMPLIANCE and now == "-":
        now = f"{summary.findings:,}"
    severities = tuple((each, count) for each in SEVERITIES if (count := summary.by_severity.get(each, 0)))
    title = AREAS.get(summary.area, summary.area)
    return Card(summary, title, now, start, share, *_direction(summary, by), severities)


def _direction(summary: Summary, by: str) -> tuple[str, str]:
    """Whether a change is for the better, and how to say so; `by` is the signed change."""
    if by == "-":
        return "", ""
    if by == "0":
        return "same", "no change"
    rises, is_share = by.startswith("+"), summary.area in COMPLIANCE
    return "better" if rises == is_share else "worse", f"{by} points" if is_share else by


def _charts(report: Report) -> list[Chart]:
    """A chart for each area that has sites at any commit of the main line."""
    line = [point for point in report.points if point.on_line]
    made = []
    for area, title in AREAS.items():
        tallies = [point.tallies.get(area) for point in line]
        if any(tally and tally.all for tally in tallies):
            made.append(chart(title, [None if tally is None else tally.bad for tally in tallies]))
    return made


def _named(commit: Commit) -> str:
    return printable(f"{commit_name(commit)}, {commit.date}, {commit.author}: {commit.subject}")


def _area(report: Report, area: str) -> Area:
    findings = [each for each in report.findings if each.area == area]
    open_ = [each for each in findings if is_open(each)]
    kinds, services = _groups(open_, lambda each: each.kind), _groups(open_, lambda each: each.service or "none")
    return Area(AREAS[area], facts(report, area), len(findings), kinds, services)


def _groups(findings: Iterable[Finding], key: Callable[[Finding], str]) -> tuple[Group, ...]:
    """The findings by something that they have in common, the most frequent in production first."""
    scopes = Counter((key(finding), finding.scope) for finding in findings)
    groups = (Group(name, scopes[name, "production"], scopes[name, "test"]) for name in {name for name, _ in scopes})
    return tuple(sorted(groups, key=lambda each: (-each.production, -each.tests, each.name)))


def _days(report: Report) -> tuple[str, str]:
    """The first and the last day of the range."""
    days: Sequence[str] = [point.commit.date for point in report.points] or [report.head.date]
    return min(days), max(days)
