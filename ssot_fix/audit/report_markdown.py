"""The audit as a document in GitHub's Markdown: each claim with path, line and commit.

Whatever comes from the code base stays text (report/markdown.py). Tables are cut, and say so: JSON has all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TypeVar

from ssot_fix.audit.facts import commit_name, facts, frequencies
from ssot_fix.audit.model import (
    AREAS,
    SEVERITIES,
    BrokenImport,
    BrokenModule,
    Chain,
    Finding,
    Key,
    KeyUse,
    Phase,
    Place,
    Point,
    Regression,
    Removal,
    Report,
    Step,
    Summary,
    Tally,
    Validator,
)
from ssot_fix.audit.summary import change, is_open, now_and_start, overall, percent, standing, told, worst
from ssot_fix.delivery.message import counted
from ssot_fix.project.history import Commit
from ssot_fix.report.diff import printable
from ssot_fix.report.markdown import code, code_cell, plain, plain_cell, shortened

_T = TypeVar("_T")
_ROWS = 50  # of a table
_SEVERE = 20
_LISTED = 3  # in a cell
_STEPS = 25
_LONGEST_COMMAND = 1000
_TAIL = 20  # lines of a command's output
_LONGEST_LINE = 500


def render(report: Report) -> str:
    """The report as a document; ends with a newline."""
    parts = (
        _heading(report),
        _summary(report),
        _severest(report),
        _regressions(report.regressions),
        *(_area(report, area) for area in AREAS),
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
    begin = f" after {_commit(report.start)}" if report.start else ""
    lines = [
        f"**Head:** {_commit(report.head)}: {plain(report.head.subject)}",
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
    yield _list(lines)


def _summary(report: Report) -> Iterator[str]:
    yield "## Summary"
    yield (
        "The compliance is the share of sites in production that keep to the single source of truth; what has none is "
        "counted. Severities are those of open findings in production. Worst first."
    )
    header = ("area", "now", "start", "change", "sites", *SEVERITIES, "in tests", "accepted")
    yield _table(header, "l" + "r" * (len(header) - 1), map(_summary_row, report.summaries))


def _summary_row(summary: Summary) -> list[str]:
    severities = [f"{summary.by_severity.get(severity, 0):,}" for severity in SEVERITIES]
    counts = f"{summary.now.all:,}", *severities, f"{summary.in_tests:,}", f"{summary.accepted:,}"
    return [AREAS[summary.area], *told(summary), *counts]


def _severest(report: Report) -> Iterator[str]:
    """What can't wait; it stands in the sections of the areas, too."""
    found = [finding for finding in _in_production(report.findings) if finding.severity in SEVERITIES[:2]]
    if found:
        yield f"## Critical and high ({len(found):,})"
        rows = ([AREAS[each.area], *_finding_row(each)] for each in found)
        yield from _cut(rows, ("area", *_FINDING), len(found), most=_SEVERE)


def _regressions(regressions: Sequence[Regression]) -> Iterator[str]:
    if regressions:
        yield f"## Regressions ({len(regressions):,})"
        yield "A commit of the range had taken these out, and a later one brought them back."
        shown = sorted(regressions, key=lambda each: each.place.scope != "production")
        header = ("where", "what", "taken out by", "brought back by")
        yield from _cut(map(_regression_row, shown), header, len(shown))


def _regression_row(each: Regression) -> list[str]:
    said = plain_cell(each.message) if each.message else f"{plain_cell(each.kind)} {code_cell(each.subject)}"
    return [_place(each.place), said, _commit(each.removed), _commit(each.back)]


# Areas


def _area(report: Report, area: str) -> Iterator[str]:
    findings = [finding for finding in report.findings if finding.area == area]
    said = facts(report, area)
    if not findings and not said:
        return
    yield f"## {AREAS[area]}"
    if said:
        yield said
    left = _in_production(findings)
    yield from _counts(left, [each for each in findings if is_open(each) and each.scope == "test"])
    yield from _section("Findings in production", _FINDING, map(_finding_row, left), len(left))
    accepted = [each for each in worst(findings) if not is_open(each)]
    yield from _section("Accepted", ("where", "what", "reason", "until"), map(_accepted_row, accepted), len(accepted))
    if area in _DETAILS:
        yield from _DETAILS[area](report)


_FINDING = ("severity", "where", "what", "since", "what to do", "owners")


def _in_production(findings: Iterable[Finding]) -> list[Finding]:
    """The open ones, worst first."""
    return worst(each for each in findings if is_open(each) and each.scope == "production")


def _counts(production: Sequence[Finding], tests: Sequence[Finding]) -> Iterator[str]:
    counts = {
        "In production, by kind": frequencies(each.kind for each in production),
        "In production, by service": frequencies(each.service for each in production),
        "In tests, by kind": frequencies(each.kind for each in tests),
        "In tests, by service": frequencies(each.service for each in tests),
    }
    lines = [f"{what}: {plain(told)}" for what, told in counts.items() if told]
    if lines:
        yield _list(lines)


def _finding_row(each: Finding) -> list[str]:
    owners = plain_cell(", ".join(each.owners))
    where = _place(Place(each.path, each.line, each.scope, each.service))
    return [each.severity, where, _what(each), _commit(each.since) if each.since else "", _remedy(each), owners]


def _what(finding: Finding) -> str:
    said = plain_cell(finding.message or f"{finding.kind}: {finding.subject}")
    expired = f" Was accepted until {finding.until}: {plain_cell(finding.accepted)}" if finding.expired else ""
    return said + expired


def _remedy(finding: Finding) -> str:
    return code_cell(finding.remedy, _LONGEST_COMMAND) if finding.is_rewritable else plain_cell(finding.remedy)


def _accepted_row(each: Finding) -> list[str]:
    where = _place(Place(each.path, each.line, each.scope, each.service))
    return [where, _what(each), plain_cell(each.accepted), each.until]


def _keys(report: Report) -> Iterator[str]:
    wrong = [key for key in report.keys if key.problems]
    header = ("variable", "problems", "defaults", "read by", "written by")
    yield from _section("Variables with a problem", header, map(_key_row, wrong), len(wrong))


def _key_row(key: Key) -> list[str]:
    defaults = _some(key.defaults, code_cell)
    return [code_cell(key.name), ", ".join(key.problems), defaults, _uses(key.readers), _uses(key.writers)]


def _uses(uses: Sequence[KeyUse]) -> str:
    """How many go which way, each with a place, in production if there is one."""
    ways: dict[str, list[KeyUse]] = {}
    for use in sorted(uses, key=lambda use: use.place.scope != "production"):
        ways.setdefault(use.through, []).append(use)
    told = [f"{len(those):,} through {code_cell(way)} ({_place(those[0].place)})" for way, those in ways.items()]
    return _some(told, str)


def _broken(report: Report) -> Iterator[str]:
    header = ("missing", "asked for by", "guarded", "broken by", "became of it", "now")
    yield from _section(
        "What imports ask for and is not there", header, map(_import_row, report.imports), len(report.imports)
    )
    broken = [module for module in report.modules if module.scope == "production"]
    columns = ("module", "because of", "breaks")
    yield from _section("Modules of production that can't be imported", columns, map(_module_row, broken), len(broken))


def _import_row(each: BrokenImport) -> list[str]:
    by = _commit(each.commit) if each.commit else plain_cell(each.why)
    verdict = ": ".join(filter(None, (each.verdict, plain_cell("; ".join(each.evidence)))))
    new = code_cell(each.new) if each.new else ""
    return [code_cell(each.target), _some(each.importers, _place), f"{each.guarded:,}", by, verdict, new]


def _module_row(each: BrokenModule) -> list[str]:
    causes = _some(each.causes, code_cell) if each.causes else f"through {code_cell(each.through)}"
    return [code_cell(each.path), causes, f"{each.breaks:,}"]


def _removals(report: Report) -> Iterator[str]:
    header = ("what", "went from", "by", "fate", "now", "lines", "still referred to by")
    shown = sorted(report.removals, key=lambda each: (each.fate != "gone", not each.mentions))
    yield from _section("What went in the range", header, map(_removal_row, shown), len(shown))


def _removal_row(each: Removal) -> list[str]:
    fate = ": ".join(filter(None, (each.fate, plain_cell("; ".join(each.evidence)))))
    mentions = _some(each.mentions, lambda mention: f"{_place(mention.place)} ({mention.how})")
    new = code_cell(each.new) if each.new else ""
    what = f"{each.kind} {code_cell(each.name)}"
    return [what, code_cell(each.path), _commit(each.commit), fate, new, f"{each.size:,}", mentions]


def _validators(report: Report) -> Iterator[str]:
    header = ("validator", "where", "looks at", "patterns", "lifted by", "accepts", "rejects")
    yield from _section("Validators", header, map(_validator_row, report.validators), len(report.validators))
    rejected = [
        [
            _place(each.place),
            each.place.scope,
            code_cell(each.value),
            code_cell(each.pattern),
            code_cell(validator.name),
        ]
        for validator in report.validators
        for each in validator.rejected
    ]
    rejected.sort(key=lambda row: row[1] != "production")
    columns = ("where", "scope", "literal", "pattern", "validator")
    yield from _section("Literals that are rejected", columns, rejected, len(rejected))


def _validator_row(each: Validator) -> list[str]:
    patterns = {"exactly": each.exact, "begins with": each.prefixes, "contains": each.parts}
    told = "; ".join(f"{how} {_some(those, code_cell)}" for how, those in patterns.items() if those)
    lifted = plain_cell(each.lifted_by) or "nothing"
    counts = f"{each.accepted:,}", f"{len(each.rejected):,}"
    return [code_cell(each.name), _place(each.place), code_cell(each.argument), told, lifted, *counts]


def _chains(report: Report) -> Iterator[str]:
    header = ("migrations in", "named in", "number", "heads", "branches", "duplicates", "missing", "wrong", "notes")
    yield from _section("Chains", header, map(_chain_row, report.chains), len(report.chains))


def _chain_row(each: Chain) -> list[str]:
    ids = (_some(those, code_cell) for those in (each.heads, each.branches, each.duplicates, each.missing))
    wrong = [*each.state]
    if not each.is_there:
        wrong.append("the folder is missing")
    elif not each.has_env:
        wrong.append("env.py is missing")
    named = _some(each.named, _place) or "nothing; it looks like one"
    said = _some(wrong, plain_cell), _some(each.notes, plain_cell)
    return [code_cell(each.path), named, f"{len(each.revisions):,}", *ids, *said]


_DETAILS: Mapping[str, Callable[[Report], Iterator[str]]] = {
    "environment": _keys,
    "imports": _broken,
    "removals": _removals,
    "validators": _validators,
    "migrations": _chains,
}


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
        yield from _cut(rows, ("service", "all", "not in order", *areas), len(shown), sides)


def _commits(points: Sequence[Point]) -> Iterator[str]:
    """The newest first; how many sites each brought and took away."""
    if points:
        yield "## Commits"
        header = ("commit", "subject", "in order", "brought", "took away")
        yield from _cut(map(_point_row, reversed(points)), header, len(points), "llrrr")


def _point_row(point: Point) -> list[str]:
    brought, taken = (f"{sum(counts.values()):,}" for counts in (point.brought, point.taken))
    return [
        _commit(point.commit),
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
            code_cell(each.command, _LONGEST_COMMAND),
            each.result,
            "" if each.result == "not run" else f"{each.seconds:.1f} s",
            f"{each.limit:,} s",
        ]
        for each in report.checks
    ]
    yield from _cut(rows, ("command", "result", "time", "limit"), len(rows), "llrr")
    for check in report.checks[:_ROWS]:
        if check.result != "passed" and check.tail.strip():
            yield f"The end of what {code(check.command)} printed:"
            yield "\n".join(_quoted(line) for line in check.tail.strip().splitlines()[-_TAIL:])


def _quoted(line: str) -> str:
    return f"    {shortened(printable(line), _LONGEST_LINE)}"


def _criteria(report: Report) -> Iterator[str]:
    if report.criteria:
        yield "## Success criteria"
        yield _list(
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
        yield from _cut(map(_step_row, phase.steps), header, len(phase.steps), "llrll", _STEPS)


def _step_row(step: Step) -> list[str]:
    services = _some(step.services, code_cell)
    count = f"{step.count:,}" if step.count else ""
    command = code_cell(step.command, _LONGEST_COMMAND) if step.command else ""
    return [plain_cell(step.text), step.severity if step.count else "", count, services, command]


def _notes(notes: Sequence[str]) -> Iterator[str]:
    if notes:
        yield "## What could not be known"
        yield _list(map(plain, notes[:_ROWS]))
    if len(notes) > _ROWS:
        yield _more(len(notes) - _ROWS)


# Blocks and words


def _section(title: str, header: Sequence[str], rows: Iterable[list[str]], count: int) -> Iterator[str]:
    """A table with its title; nothing if it has no rows."""
    if count:
        yield f"### {title} ({count:,})"
        yield from _cut(rows, header, count)


def _cut(
    rows: Iterable[list[str]], header: Sequence[str], count: int, sides: str = "", most: int = _ROWS
) -> Iterator[str]:
    """The first of `count` rows as a table, and how many more there are."""
    yield _table(header, sides or "l" * len(header), islice(rows, most))
    if count > most:
        yield _more(count - most)


def _more(count: int) -> str:
    return f"And {count:,} more: `--format json` has all of them."


def _table(header: Sequence[str], sides: str, rows: Iterable[Sequence[str]]) -> str:
    """A table; `sides` has `l` or `r` for each column. A column without any text is left out."""
    body = list(rows)
    kept = [number for number in range(len(header)) if any(row[number] for row in body)] or range(len(header))
    rule = ["--:" if side == "r" else ":--" for side in sides]
    return "\n".join(_row([row[number] for number in kept]) for row in (header, rule, *body))


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _some(values: Sequence[_T], shown: Callable[[_T], str]) -> str:
    """The first few of several values."""
    more = f" and {len(values) - _LISTED:,} more" if len(values) > _LISTED else ""
    return ", ".join(map(shown, values[:_LISTED])) + more


def _place(place: Place) -> str:
    return code_cell(f"{place.path}:{place.line}" if place.line else place.path)


def _commit(commit: Commit) -> str:
    """A commit, in tables and outside; GitHub makes a link of the id."""
    return f"{commit_name(commit)} ({commit.date}, {plain_cell(commit.author)})"
