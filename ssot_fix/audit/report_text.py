"""The audit for the terminal: calm, most important first, some of each; other formats have all of it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TypeAlias

from ssot_fix.audit.facts import commit_name, facts, frequencies, most_missed
from ssot_fix.audit.model import AREAS, SEVERITIES, Criterion, Finding, Regression, Report, Step, Summary
from ssot_fix.audit.summary import change, is_open, now_and_start, overall, percent, told, worst
from ssot_fix.delivery.message import counted, named
from ssot_fix.project.history import Commit
from ssot_fix.report.diff import printable
from ssot_fix.report.markdown import shortened

_LEAST_WIDTH = 64
_FINDINGS = 5  # of each area
_REGRESSIONS = 10
_SERVICES = 12
_STEPS = 8  # of each phase
_NOTES = 20
_LONGEST = 300  # characters of anything that is quoted
_TAIL = 5  # lines of a command's output
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_SEVERITY_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}
_RESULT_STYLES = {"passed": "green", "not run": "dim"}
_MARKS = {True: ("[x]", "green"), False: ("[ ]", "red"), None: ("[?]", "yellow")}
_Style: TypeAlias = Callable[[str, str], str]  # from a text and its style, words of _CODES, to what is printed


def render(report: Report, *, color: bool = False, width: int = 100) -> str:
    """The report as lines of at most `width` columns, commands aside; ends with a newline.

    What comes from the code base is on one line, with nothing in it that a terminal would obey.
    """
    screen = _Screen(_colored if color else _plain, max(width, _LEAST_WIDTH))
    parts = [
        _heading(report, screen),
        _table(report, screen),
        _services(report, screen),
        _regressions(report.regressions, screen),
        *_areas(report, screen),
        _checks(report, screen),
        _criteria(report.criteria, screen),
        _plan(report, screen),
        _notes(report.notes, screen),
        [screen.style("All of it: --format html, md or json, with --output FILE.", "dim")],
    ]
    blocks = ["\n".join(line.rstrip() for line in part) for part in map(list, parts) if part]
    return "\n\n".join(blocks) + "\n"


class _Screen:
    """How wide lines may be, and how styles are shown."""

    def __init__(self, style: _Style, width: int) -> None:
        self.style = style
        self.width = width

    def wrapped(self, text: str, indent: str = "", first: str | None = None, style: str = "") -> Iterator[str]:
        """A text of somebody's; `first` stands before the first line, `indent`, as wide as that, before others."""
        first = indent if first is None else first
        room = max(self.width - len(indent), _LEAST_WIDTH // 2)
        shown = shortened(printable(" ".join(text.split())), _LONGEST)
        lines = textwrap.wrap(shown, room, break_on_hyphens=False, break_long_words=False) or [""]
        for number, line in enumerate(lines):
            yield (indent if number else first) + (self.style(line, style) if style else line)

    def title(self, text: str) -> str:
        """The first line of a part."""
        return self.style(text, "bold")


def _plain(text: str, _style: str) -> str:
    return text


def _colored(text: str, style: str) -> str:
    codes = ";".join(_CODES[word] for word in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m" if codes and text else text


# What there is


def _heading(report: Report, screen: _Screen) -> Iterator[str]:
    yield screen.title(f"SSOT audit of {printable(report.project)}")
    yield from screen.wrapped(f"at {_commit(report.head)}: {report.head.subject}")
    begin = f" after {_commit(report.start)}" if report.start else ""
    yield from screen.wrapped(f"{counted(len(report.points), 'commit')}{begin}")
    now, start = now_and_start(report.summaries)
    yield ""
    yield screen.title(f"{percent(now)} of the sites in production are in order") if now.all else "There are no sites."
    if now.all:
        yield f"{now.good:,} of {now.all:,}; {percent(start)} at the start of the range ({change(now, start)} points)"


def _table(report: Report, screen: _Screen) -> Iterator[str]:
    header = ("area", "now", "start", "change", "crit", "high", "med", "low", "tests", "accepted")
    rows = [_row(summary) for summary in report.summaries]
    widths = [max(map(len, cells)) for cells in zip(header, *rows, strict=True)]
    yield screen.style(_line(header, widths), "bold")
    yield "  ".join("─" * width for width in widths)
    for summary, row in zip(report.summaries, rows, strict=True):
        line = _line(row, widths)
        yield screen.style(line, "" if summary.findings else "dim")
    text = "What has no compliance in percent is counted. Severities are those of open findings in production."
    yield from screen.wrapped(text, style="dim")


def _row(summary: Summary) -> tuple[str, ...]:
    severities = [f"{summary.by_severity.get(severity, 0):,}" for severity in SEVERITIES]
    apart = f"{summary.in_tests:,}", f"{summary.accepted:,}"
    return summary.area, *told(summary), *severities, *apart


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])


def _services(report: Report, screen: _Screen) -> Iterator[str]:
    """The services with the most sites that are not in order."""
    totals = {service: overall(tallies) for service, tallies in report.services.items()}
    bad = sorted(filter(lambda service: totals[service].bad, totals), key=lambda name: (-totals[name].bad, name))
    if not bad:
        return
    yield screen.title("Where most of it is")
    names = [printable(service) for service in bad[:_SERVICES]]
    widest = max(map(len, names))
    for service, name in zip(bad, names, strict=False):
        tally = totals[service]
        yield f"  {name.ljust(widest)}  {percent(tally):>7}  {tally.bad:,} of {tally.all:,} not in order"
    yield from _more(len(bad) - _SERVICES, "service", screen)


def _regressions(regressions: Sequence[Regression], screen: _Screen) -> Iterator[str]:
    if not regressions:
        return
    yield screen.title(f"Came back in this range ({len(regressions):,})")
    for each in sorted(regressions, key=lambda each: each.place.scope != "production")[:_REGRESSIONS]:
        yield from _place(each.place.path, each.place.line, "", screen)
        yield from screen.wrapped(each.message or f"{each.kind}: {each.subject}", "      ")
        yield from screen.wrapped(f"taken out by {_commit(each.removed)}", "      ", style="dim")
        yield from screen.wrapped(f"brought back by {_commit(each.back)}", "      ", style="dim")
    yield from _more(len(regressions) - _REGRESSIONS, "regression", screen)


def _areas(report: Report, screen: _Screen) -> Iterator[Iterable[str]]:
    """A part for each area that has something to tell, worst first."""
    by_area: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_area.setdefault(finding.area, []).append(finding)
    for summary in report.summaries:
        said = facts(report, summary.area)
        if said or summary.findings or summary.in_tests:
            yield chain(
                _area(summary, by_area.get(summary.area, []), said, screen),
                _removals(report, screen) if summary.area == "removals" else (),
            )


def _area(summary: Summary, findings: Sequence[Finding], said: str, screen: _Screen) -> Iterator[str]:
    counts = f"{counted(summary.findings, 'finding')} in production, {summary.in_tests:,} in tests"
    yield screen.title(f"{AREAS[summary.area]}: {counts}")
    shown = [each for each in worst(findings) if is_open(each) and each.scope == "production"]
    for text in filter(None, (said, frequencies(finding.kind for finding in shown))):
        yield from screen.wrapped(text, "  ")
    for finding in _some(shown):
        yield from _finding(finding, screen)
    yield from _more(len(shown) - len(_some(shown)), "finding", screen)


def _some(findings: Sequence[Finding]) -> Sequence[Finding]:
    """The first few, at most one of each file."""
    firsts: dict[str, Finding] = {}
    for finding in findings:
        firsts.setdefault(finding.path, finding)
    return list(firsts.values())[:_FINDINGS]


def _removals(report: Report, screen: _Screen) -> Iterator[str]:
    """Some of what went: no site in a file tells of it."""
    shown = most_missed(report.removals)
    for each in shown[:_FINDINGS]:
        yield f"  {printable(each.path)}"
        fate = f"{each.fate} {each.new}" if each.new else each.fate
        yield from screen.wrapped(f"{each.kind} {each.name.partition(':')[2] or each.name}: {fate}", "      ")
        yield from screen.wrapped(f"by {_commit(each.commit)}", "      ", style="dim")
        places = [f"{mention.place.path}:{mention.place.line}" for mention in each.mentions]
        if places:
            yield from screen.wrapped(f"still referred to in {named(places, 3)}", "      ")
    yield from _more(len(shown) - _FINDINGS, "removal", screen)


def _finding(finding: Finding, screen: _Screen) -> Iterator[str]:
    yield from _place(finding.path, finding.line, finding.severity, screen)
    yield from screen.wrapped(finding.message or f"{finding.kind}: {finding.subject}", "      ")
    if finding.expired:
        yield from screen.wrapped(f"was accepted until {finding.until}: {finding.accepted}", "      ", style="red")
    if finding.since:
        yield from screen.wrapped(f"since {_commit(finding.since)}", "      ", style="dim")
    if finding.is_rewritable:
        yield f"      {screen.style('$ ' + printable(finding.remedy), 'cyan')}"
    elif finding.remedy:
        yield from screen.wrapped(finding.remedy, "      ", style="dim")


def _place(path: str, line: int, severity: str, screen: _Screen) -> Iterator[str]:
    said = f" {screen.style(severity, _SEVERITY_STYLES[severity])}" if severity else ""
    yield f"  {printable(path)}{f':{line}' if line else ''}{said}"


# What follows


def _checks(report: Report, screen: _Screen) -> Iterator[str]:
    if not report.checks:
        return
    yield screen.title("Verification")
    for check in report.checks:
        time = "" if check.result == "not run" else f" in {check.seconds:.1f} s"
        result = screen.style(check.result, _RESULT_STYLES.get(check.result, "red"))
        yield f"  {result}{time}  {printable(check.command)}"
        if check.result != "passed":
            for line in check.tail.splitlines()[-_TAIL:]:
                yield f"      {screen.style(shortened(printable(line), _LONGEST), 'dim')}"


def _criteria(criteria: Sequence[Criterion], screen: _Screen) -> Iterator[str]:
    if not criteria:
        return
    met = sum(criterion.met is True for criterion in criteria)
    yield screen.title(f"Success criteria: {met} of {len(criteria)} are met")
    for criterion in criteria:
        mark, style = _MARKS[criterion.met]
        yield from screen.wrapped(criterion.text, "      ", f"  {screen.style(mark, style)} ")
        yield from screen.wrapped(criterion.evidence, "      ", style="dim")


def _plan(report: Report, screen: _Screen) -> Iterator[str]:
    for number, phase in enumerate(report.phases, 1):
        settled = sum(step.count for step in phase.steps)
        yield "" if number > 1 else screen.title("Action plan")
        yield screen.title(f"{number}. {phase.title}" + (f" ({counted(settled, 'finding')})" if settled else ""))
        yield from screen.wrapped(phase.why, "   ", style="dim")
        for step in islice(phase.steps, _STEPS):
            yield from _step(step, screen)
        yield from _more(len(phase.steps) - _STEPS, "step", screen)


def _step(step: Step, screen: _Screen) -> Iterator[str]:
    where = f", in {named(step.services, 3)}" if step.services else ""
    count = f" ({counted(step.count, 'finding')}, {step.severity}{where})" if step.count else ""
    yield from screen.wrapped(f"{step.text}{count}", "     ", "   - ")
    if step.command:
        yield f"     {screen.style('$ ' + printable(step.command), 'cyan')}"


def _notes(notes: Sequence[str], screen: _Screen) -> Iterator[str]:
    if not notes:
        return
    yield screen.title("What could not be known")
    for note in notes[:_NOTES]:
        yield from screen.wrapped(note, "    ", "  - ")
    yield from _more(len(notes) - _NOTES, "note", screen)


# Words


def _commit(commit: Commit) -> str:
    return f"{commit_name(commit)} ({commit.date}, {commit.author})"


def _more(left: int, noun: str, screen: _Screen) -> Iterable[str]:
    if left > 0:
        yield screen.style(f"  and {counted(left, 'more ' + noun)}", "dim")
