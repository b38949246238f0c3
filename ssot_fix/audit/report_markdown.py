"""The audit as a document in GitHub's Markdown: each claim with path, line and commit.

Whatever comes from the code base stays text (report/markdown.py). Tables are cut, and say so: JSON has all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

from ssot_fix.audit.markdown_areas import FINDING, area_blocks, finding_row, in_production
from ssot_fix.audit.markdown_blocks import (
    LONGEST_COMMAND,
    ROWS,
    bullets,
    commit_text,
    cut,
    more,
    place_cell,
    some,
    table,
)
from ssot_fix.audit.model import AREAS, SEVERITIES, Phase, Point, Regression, Report, Step, Summary, Tally
from ssot_fix.audit.summary import change, is_open, now_and_start, overall, percent, standing, told
from ssot_fix.delivery.message import counted
from ssot_fix.report.diff import printable
from ssot_fix.report.markdown import code, code_cell, plain, plain_cell, shortened

_SEVERE = 20
_STEPS = 25
_TAIL = 20  # lines of a command's output
_LONGEST_LINE = 500


def render(report: Report) -> str:
    """The report as a document; ends with a newline."""
    parts = (
        _heading(report),
        _summary(report),
        _severest(report),
        _regressions(report.regressions),
        *(area_blocks(report, area) for area in AREAS),
        _services(report),
        _commits(report.points),
        _checks(report),
        _criteria(report),
        _plan(report.phases),
        _notes(report.notes),
    )
    return "\n\n".join(chain.from_iterable(parts)) + "\n"


# The whole. Functions give blocks, between which there are blank lines


def _heading(report: Report) -> Iterator[str]:
    yield f"# SSOT regression audit: {plain(report.project)}"
    begin = f" after {commit_text(report.start)}" if report.start else ""
    lines = [
        f"**Head:** {commit_text(report.head)}: {plain(report.head.subject)}",
        f"**Range:** {counted(len(report.points), 'commit')}{begin}",
    ]
    now, start = now_and_start(report.summaries)
    if now.all:
        moved = f"{percent(start)} at the start of the range, {change(now, start)} points"
        lines.append(
            f"**In order:** {percent(now)}, {now.good:,} of {counted(now.all, 'site')} in production ({moved})"
        )
    scopes = Counter(finding.scope for finding in report.findings if is_open(finding))
    lines.append(f"**Open findings:** {scopes['production']:,} in production, {scopes['test']:,} in tests")
    yield bullets(lines)


def _summary(report: Report) -> Iterator[str]:
    yield "## Summary"
    yield (
        "The compliance is the share of sites in production that keep to the single source of truth; what has none is "
        "counted. Severities are those of open findings in production. Worst first."
    )
    header = ("area", "now", "start", "change", "sites", *SEVERITIES, "in tests", "accepted")
    yield table(header, "l" + "r" * (len(header) - 1), map(_summary_row, report.summaries))


def _summary_row(summary: Summary) -> list[str]:
    severities = [f"{summary.by_severity.get(severity, 0):,}" for severity in SEVERITIES]
    counts = f"{summary.now.all:,}", *severities, f"{summary.in_tests:,}", f"{summary.accepted:,}"
    return [AREAS[summary.area], *told(summary), *counts]


def _severest(report: Report) -> Iterator[str]:
    """What can't wait; it stands in the sections of the areas, too."""
    found = [finding for finding in in_production(report.findings) if finding.severity in SEVERITIES[:2]]
    if found:
        yield f"## Critical and high ({len(found):,})"
        rows = ([AREAS[each.area], *finding_row(each)] for each in found)
        yield from cut(rows, ("area", *FINDING), len(found), most=_SEVERE)


def _regressions(regressions: Sequence[Regression]) -> Iterator[str]:
    if regressions:
        yield f"## Regressions ({len(regressions):,})"
        yield "A commit of the range had taken these out, and a later one brought them back."
        shown = sorted(regressions, key=lambda each: each.place.scope != "production")
        header = ("where", "what", "taken out by", "brought back by")
        yield from cut(map(_regression_row, shown), header, len(shown))


def _regression_row(each: Regression) -> list[str]:
    said = plain_cell(each.message) if each.message else f"{plain_cell(each.kind)} {code_cell(each.subject)}"
    return [place_cell(each.place), said, commit_text(each.removed), commit_text(each.back)]


# Services and commits


def _services(report: Report) -> Iterator[str]:
    totals = {service: overall(tallies) for service, tallies in report.services.items()}
    shown = sorted((name for name in totals if totals[name].all), key=lambda name: (-totals[name].bad, name))
    areas = [area for area in AREAS if any(tallies.get(area, Tally()).all for tallies in report.services.values())]
    if shown:
        yield "## Services"
        yield "Compliance in production by area; the service with the most sites that are not in order comes first."
        rows = (
            [code_cell(name), percent(totals[name]), f"{totals[name].bad:,}"]
            + [standing(area, report.services[name].get(area, Tally())) for area in areas]
            for name in shown
        )
        sides = "l" + "r" * (len(areas) + 2)
        yield from cut(rows, ("service", "all", "not in order", *areas), len(shown), sides)


def _commits(points: Sequence[Point]) -> Iterator[str]:
    """The newest first; how many sites each brought and took away."""
    if points:
        yield "## Commits"
        header = ("commit", "subject", "in order", "brought", "took away")
        yield from cut(map(_point_row, reversed(points)), header, len(points), "llrrr")


def _point_row(point: Point) -> list[str]:
    brought, taken = (f"{sum(counts.values()):,}" for counts in (point.brought, point.taken))
    return [
        commit_text(point.commit),
        plain_cell(point.commit.subject),
        percent(overall(point.tallies)),
        brought,
        taken,
    ]


# What follows


def _checks(report: Report) -> Iterator[str]:
    if not report.checks:
        return
    yield "## Verification"
    rows = [
        [
            code_cell(each.command, LONGEST_COMMAND),
            each.result,
            "" if each.result == "not run" else f"{each.seconds:.1f} s",
            f"{each.limit:,} s",
        ]
        for each in report.checks
    ]
    yield from cut(rows, ("command", "result", "time", "limit"), len(rows), "llrr")
    for check in report.checks[:ROWS]:
        if check.result != "passed" and check.tail.strip():
            yield f"The end of what {code(check.command)} printed:"
            yield "\n".join(_quoted(line) for line in check.tail.strip().splitlines()[-_TAIL:])


def _quoted(line: str) -> str:
    return f"    {shortened(printable(line), _LONGEST_LINE)}"


def _criteria(report: Report) -> Iterator[str]:
    if report.criteria:
        yield "## Success criteria"
        yield bullets(
            f"{'[x]' if each.met else '[ ]'} {plain(each.text)}{' (not decided)' if each.met is None else ''}: "
            f"{plain(each.evidence)}"
            for each in report.criteria
        )


def _plan(phases: Sequence[Phase]) -> Iterator[str]:
    if phases:
        yield "## Action plan"
    for number, phase in enumerate(phases, 1):
        settled = sum(step.count for step in phase.steps)
        yield f"### Phase {number}: {plain(phase.title)}" + (f" ({counted(settled, 'finding')})" if settled else "")
        yield plain(phase.why)
        header = ("what", "severity", "findings", "services", "command")
        yield from cut(map(_step_row, phase.steps), header, len(phase.steps), "llrll", _STEPS)


def _step_row(step: Step) -> list[str]:
    services = some(step.services, code_cell)
    count = f"{step.count:,}" if step.count else ""
    command = code_cell(step.command, LONGEST_COMMAND) if step.command else ""
    return [plain_cell(step.text), step.severity if step.count else "", count, services, command]


def _notes(notes: Sequence[str]) -> Iterator[str]:
    if notes:
        yield "## What could not be known"
        yield bullets(map(plain, notes[:ROWS]))
    if len(notes) > ROWS:
        yield more(len(notes) - ROWS)
