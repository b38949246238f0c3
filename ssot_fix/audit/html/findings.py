"""Tables of the page: debt, and the findings of all areas."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from ssot_fix.audit.html.cells import (
    AREA,
    KIND,
    SCOPE,
    SERVICE,
    commit_cell,
    commit_line,
    details,
    place_cell,
    tags,
)
from ssot_fix.audit.model import AREAS, SEVERITIES, Finding, Report
from ssot_fix.audit.summary import worst
from ssot_fix.project.history import Commit
from ssot_fix.report.html.table import Cell, Column, Details, Part, Row, Table, prose

# What can be done about a finding, each with how it looks.
_WAYS = {"expired": "bad", "rewritable": "good", "by hand": "", "accepted": ""}


def debt_table(report: Report) -> Table:
    """Debt, with its age on the day of the head; what has expired comes first, then the oldest."""
    columns = (
        KIND,
        Column("What", "wide"),
        Column("Where", "wide"),
        Column("Since", "day"),
        Column("Age in days", "number"),
        Column("Author", is_filter=True),
        Column("State", is_filter=True, order=("expired", "open", "accepted")),
        SCOPE,
        SERVICE,
    )
    debt = [each for each in worst(report.findings) if each.area == "debt"]
    debt.sort(key=lambda each: (not each.expired, each.since is None, each.since.date if each.since else ""))
    rows = [_owed(each, report.head) for each in debt]
    return Table("owed", "What comments and code say is still to be done", "findings", columns, rows)


def _owed(each: Finding, head: Commit) -> Row:
    state = "expired" if each.expired else "accepted" if each.accepted else "open"
    since = (each.since.date, _age(each.since, head), each.since.author) if each.since else ("", "", "")
    tag = tags([state], "bad" if each.expired else "")
    cells = each.kind, each.subject or each.message, place_cell(each), *since, tag
    return Row((*cells, each.scope, each.service), _more(each))


def _age(since: Commit, head: Commit) -> Cell:
    try:
        then, now = (datetime.date.fromisoformat(commit.date) for commit in (since, head))
    except ValueError:
        return ""
    return (now - then).days


def findings_table(findings: Sequence[Finding]) -> Table:
    """The findings of all areas, those that matter most first."""
    columns = (
        Column("Severity", is_filter=True, order=SEVERITIES),
        Column("What", "wide"),
        Column("Where", "wide"),
        AREA,
        KIND,
        Column("Way out", is_filter=True, order=tuple(_WAYS)),
        Column("Since"),
        SCOPE,
        SERVICE,
    )
    rows = [_finding(each) for each in worst(findings)]
    return Table("list", "Findings in all areas, those that matter most first", "findings", columns, rows)


def _finding(each: Finding) -> Row:
    what = prose(each.message) or (Part(each.kind), Part(each.subject, "code"))
    head = tags([each.severity], each.severity), what, place_cell(each), AREAS.get(each.area, each.area), each.kind
    return Row((*head, _way(each), commit_cell(each.since), each.scope, each.service), _more(each))


def _way(each: Finding) -> Cell:
    if each.expired:
        way = "expired"
    elif each.accepted:
        way = "accepted"
    else:
        way = "rewritable" if each.is_rewritable else "by hand"
    return tags([way], _WAYS[way])


def _more(each: Finding) -> tuple[Details, ...]:
    remedy: Cell = (Part(each.remedy, "code"),) if each.is_rewritable and each.remedy else prose(each.remedy)
    return details(
        ("About", [(Part(each.subject, "code"),) if each.subject else "", prose(each.message)]),
        ("What to do", [remedy]),
        ("Accepted", [each.accepted]),
        ("Accepted until", [each.until]),
        ("Since", [commit_line(each.since)] if each.since else []),
        ("Owners", [", ".join(each.owners)]),
    )
