"""Tables of the page: the range commit by commit, what came back in it, and services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ssot_fix.audit.facts import commit_name
from ssot_fix.audit.html.cells import (
    AREA,
    KIND,
    SCOPE,
    SERVICE,
    codes,
    commit_cell,
    commit_line,
    details,
    place_cell,
    share,
)
from ssot_fix.audit.model import AREAS, Point, Regression, Tally
from ssot_fix.audit.settings import COMPLIANCE
from ssot_fix.audit.summary import overall, percent
from ssot_fix.report.html.table import Cell, Column, Part, Row, Table, prose


def points_table(points: Sequence[Point]) -> Table:
    """All commits, newest first: what is open in each area, and what they brought and took away."""
    areas = {area: title for area, title in AREAS.items() if any(area in point.tallies for point in points)}
    columns = [Column("Commit", "code"), Column("Day", "day"), Column("Author"), Column("Subject", "wide")]
    columns += [Column("Line", is_filter=True), Column("In order", "number")]
    columns += [Column(title, "number") for title in areas.values()]
    rows = [_point(point, areas) for point in reversed(points)]
    return Table("commits", "Open sites in production, by commit", "commits", columns, rows)


def _point(point: Point, areas: Iterable[str]) -> Row:
    commit = point.commit
    name: Cell = (Part(commit_name(commit), "code", commit.id),)
    whole = "main" if point.on_line else "merged", percent(overall(point.tallies))
    standing = (_standing(point, area) for area in areas)
    return Row((name, commit.date, commit.author, commit.subject, *whole, *standing))


def _standing(point: Point, area: str) -> Cell:
    tally = point.tallies.get(area)
    if tally is None:
        return ""
    brought, taken = point.brought.get(area, 0), point.taken.get(area, 0)
    parts = [Part(f"{tally.bad:,}")]
    parts += [Part(f"+{brought:,}", "bad")] if brought else []
    parts += [Part(f"−{taken:,}", "good")] if taken else []
    return tuple(parts)


def regressions_table(regressions: Sequence[Regression]) -> Table:
    """What a commit had taken out and a later one brought back; production comes first."""
    columns = (
        Column("What came back", "wide"),
        Column("Where", "wide"),
        AREA,
        KIND,
        Column("Taken out by"),
        Column("Brought back by", is_filter=True),
        Column("Author", is_filter=True),
        SCOPE,
        SERVICE,
    )
    ordered = sorted(regressions, key=lambda each: each.place.scope != "production")
    return Table(
        "regressed", "Patterns that came back", "regressions", columns, [_regression(each) for each in ordered]
    )


def _regression(each: Regression) -> Row:
    what = prose(each.message) or (Part(each.kind), Part(each.subject, "code"))
    commits = commit_cell(each.removed), commit_cell(each.back)
    cells = what, place_cell(each.place), AREAS.get(each.area, each.area), each.kind, *commits, each.back.author
    more = details(
        ("About", [codes([each.subject])]),
        ("Taken out by", [commit_line(each.removed)]),
        ("Brought back by", [commit_line(each.back)]),
    )
    return Row((*cells, each.place.scope, each.place.service), more)


def services_table(services: Mapping[str, Mapping[str, Tally]]) -> Table:
    """Services, the one with the most sites that are not in order first."""
    areas = [area for area in AREAS if any(tallies.get(area, Tally()).all for tallies in services.values())]
    columns = [Column("Service", "code"), Column("All", "number"), Column("Not in order", "number")]
    columns += [Column(AREAS[area], "number") for area in areas]
    totals = {service: overall(tallies) for service, tallies in services.items()}
    rows = [
        Row(
            (
                name or "none",
                share(totals[name]),
                totals[name].bad,
                *(_in_area(area, services[name]) for area in areas),
            )
        )
        for name in sorted(services, key=lambda name: (-totals[name].bad, name))
    ]
    caption = "Compliance by service, in percent of the sites in production; what has no compliance is counted"
    return Table("compliance", caption, "services", columns, rows)


def _in_area(area: str, tallies: Mapping[str, Tally]) -> Cell:
    tally = tallies.get(area, Tally())
    return share(tally) if area in COMPLIANCE else tally.bad
