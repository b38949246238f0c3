"""What follows from an audit: success criteria, decided by what was found, and the work, in order."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ssot_fix.audit.areas.migrations import has_several_heads
from ssot_fix.audit.model import AREAS, SEVERITIES, Chain, Criterion, Finding, Phase, Removal, Report, Step, Summary
from ssot_fix.audit.planned import CODEMODS
from ssot_fix.audit.settings import Threshold
from ssot_fix.audit.summary import is_open, now_and_start, percent, reaches, severest
from ssot_fix.delivery.message import counted

# What is asked of the sites of production code, by area.
_GOALS = {
    "environment": "No direct use of the environment in production",
    "imports": "All first-party imports resolve in production",
    "encoding": "All entry points and text files in production have an encoding",
    "resources": "All clients, sessions, files and locks in production are closed where they are opened",
}
_NOT_REWRITTEN = {
    "environment": "Decide on direct uses of the environment",
    "imports": "Decide on imports of what is not there",
    "removals": "Decide on what still refers to what was removed",
    "encoding": "Give an encoding by hand",
    "validators": "Change the literal, or the validator",
    "migrations": "Repair the migrations",
    "debt": "Resolve debt, or accept it with a reason",
    "resources": "Close resources where they are opened",
}
# What became of what imports ask for, if that is known, counts for more than why they were left alone.
_BY_VERDICT = {
    "moved": (
        "Write down the moves that discover-moves is sure of; then stale-imports rewrites what it can",
        "ssot-fix discover-moves --write-config",
    ),
    "removed": ("Decide on imports of what was removed without a replacement", "ssot-fix discover-moves"),
    "never": ("Decide on imports of what no commit ever had", "ssot-fix discover-moves"),
}
_BASELINE = "ssot-baseline.json"
_MOST_PATHS = 20  # in a command
_FIRST_WORD = re.compile(r"[a-z][a-z0-9-]*")
_PLAIN = re.compile(r"[\w@%+=:,./-]+(?: [\w@%+=:,./-]+)*", re.ASCII)  # words that a shell reads as they are


# Success criteria


def criteria(report: Report, thresholds: Sequence[Threshold] = ()) -> tuple[Criterion, ...]:
    """The success criteria, each with the counts that decide it.

    Takes a report that holds all but `criteria` and `phases`, and the least percent by area (100 where none is set).
    Where there is nothing to decide by, since there are no sites or no commands were run, a criterion is not decided.
    """
    least = {threshold.area: threshold.percent for threshold in thresholds}
    by_area = {summary.area: summary for summary in report.summaries}
    return (
        *(_compliance(by_area[area], least.get(area, 100), goal) for area, goal in _GOALS.items() if area in by_area),
        _removed(report.removals),
        _validated(report),
        _migrated(report.chains),
        _debt(report.findings),
        _regressed(report),
        _verified(report),
    )


def _compliance(summary: Summary, least: int, goal: str) -> Criterion:
    """An area holds by its percent; one without sites by nothing severe in it."""
    severe = sum(summary.by_severity.get(severity, 0) for severity in SEVERITIES[:2])
    text = goal if least == 100 else f"At least {least} % of {summary.area} in production is in order"
    if not summary.now.all:
        met = False if severe else True if summary.findings else None
        said = f"{counted(severe, 'finding')} that are critical or high" if summary.findings else "there are no sites"
        return Criterion(text, met, said)
    evidence = f"{summary.now.good:,} of {counted(summary.now.all, 'site')} ({percent(summary.now)})"
    more = f"; {counted(severe, 'finding')} critical or high" if severe else ""
    return Criterion(text, reaches(summary.now, least), evidence + more)


def _removed(removals: Sequence[Removal]) -> Criterion:
    """Imports and attributes mean what went; a string may only look like it."""
    gone = [removal for removal in removals if removal.fate == "gone"]
    missed = sum(
        any(each.how != "string" and each.place.scope == "production" for each in removal.mentions) for removal in gone
    )
    evidence = f"{len(removals):,} removed, {len(gone):,} without a replacement, {missed:,} of these still used"
    text = "Production uses nothing that was removed without a replacement"
    return Criterion(text, not missed if removals else None, evidence if removals else "nothing was removed")


def _validated(report: Report) -> Criterion:
    rejected = Counter(literal.place.scope for each in report.validators for literal in each.rejected)
    evidence = f"{counted(rejected['production'], 'literal')} rejected in production, {rejected['test']:,} in tests"
    told = f"{evidence}, by {counted(len(report.validators), 'validator')}"
    text = "No literal in production is rejected by a validator"
    met = not rejected["production"] if report.validators else None
    return Criterion(text, met, told if report.validators else "there are no validators with patterns")


def _migrated(chains: Sequence[Chain]) -> Criterion:
    wrong = Counter[str]()
    for chain in chains:
        wrong["with several heads"] += has_several_heads(chain)
        wrong["in a circle, without a head"] += bool(chain.revisions) and not chain.notes and not chain.heads
        wrong["with ids that several files have"] += bool(chain.duplicates)
        wrong["with ids that no file has"] += bool(chain.missing)
        wrong["without a folder"] += not chain.is_there
        wrong["without env.py"] += chain.is_there and not chain.has_env
        wrong["that the state file disagrees with"] += bool(chain.state)
    told = [f"{count:,} {what}" for what, count in wrong.items() if count]
    partly = sum(bool(chain.notes) for chain in chains)
    unknown = f"{partly:,} with migrations that can't be told" if partly else ""
    if not any(chain.revisions for chain in chains):
        unknown = "no migrations were found there"
    evidence = f"{counted(len(chains), 'chain')}: {', '.join(told) or unknown or 'nothing is wrong'}"
    text = "Every migration chain is whole and has one head, and the state file agrees with it"
    met = False if told else None if unknown else True
    return Criterion(text, met if chains else None, evidence if chains else "there are no migrations")


def _debt(findings: Iterable[Finding]) -> Criterion:
    debt = [each for each in findings if each.area == "debt" and each.scope == "production"]
    expired = sum(each.expired for each in debt)
    left = sum(is_open(each) for each in debt)
    evidence = f"{left - expired:,} not accepted, {expired:,} expired, {len(debt) - left:,} accepted"
    return Criterion("All debt in production is accepted, with a reason, until a day to come", not left, evidence)


def _regressed(report: Report) -> Criterion:
    where = Counter(each.place.scope for each in report.regressions)
    evidence = f"{where['production']:,} in production, {where['test']:,} in tests"
    text = "No commit of the range brought back what had been taken out of production"
    met = not where["production"] if report.points else None
    return Criterion(text, met, evidence if report.points else "the range holds no commits")


def _verified(report: Report) -> Criterion:
    results = Counter(check.result for check in report.checks)
    told = [f"{results[each]:,} {each}" for each in ("passed", "failed", "timed out", "not run") if results[each]]
    met: bool | None = not (results["failed"] or results["timed out"])
    if met and (not report.checks or results["not run"]):
        met = None
    if not any(results[each] for each in ("passed", "failed", "timed out")):
        told = ["none was run (--verify does)" if report.checks else "none was run"]
    return Criterion("All verification commands pass", met, ", ".join(told))


# The plan


class _Work(NamedTuple):
    """What findings that become one step have in common."""

    scope: str
    command: tuple[str, ...] = ()  # of what is rewritten
    service: str = ""
    severity: str = ""  # of the rest
    area: str = ""
    reason: str = ""
    kind: str = ""
    verdict: str = ""
    expired: bool = False


def phases(report: Report, headlines: Mapping[str, str]) -> tuple[Phase, ...]:
    """The open findings as work, each finding in one step; last what keeps the result.

    `headlines` explains the reasons for which codemods leave something alone (`reasons.headlines`): a remedy that
    begins with one of these codes is grouped by it. Phases without a step are left out.
    """
    kinds: dict[str, list[Finding]] = {"block": [], "rewrite": [], "decide": []}
    blocks = _blocking(report)
    for finding in filter(is_open, report.findings):
        first = (finding.path, finding.subject) in blocks or finding.area == "migrations"
        what = "block" if first and finding.scope == "production" else "decide"
        kinds["rewrite" if what == "decide" and _arguments(finding) else what].append(finding)
    steps = {what: _steps(report, found, headlines) for what, found in kinds.items()}
    found = (
        Phase(
            "Make it import and deploy",
            "What can't be imported can't be tested, and a broken chain of migrations stops every deployment.",
            steps["block"],
        ),
        Phase(
            "Rewrite what can be rewritten now",
            "Each command changes what the proof holds for, nothing else; without --write it shows the change.",
            steps["rewrite"],
        ),
        Phase(
            "Decide on the rest", "What is meant here has to be said by people; most severe first.", steps["decide"]
        ),
        Phase("Keep it", "What is settled stays settled: CI says so, from today on.", tuple(_keep(report))),
    )
    return tuple(phase for phase in found if phase.steps)


def _blocking(report: Report) -> set[tuple[str, str]]:
    """The imports by which modules fail: path and target."""
    return {(module.path, cause) for module in report.modules for cause in module.causes}


def _steps(report: Report, findings: Iterable[Finding], headlines: Mapping[str, str]) -> tuple[Step, ...]:
    verdicts = {each.target: each.verdict for each in report.imports}
    groups: dict[_Work, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(_work(finding, verdicts, headlines), []).append(finding)
    steps = [
        (work.scope, _rewriting(work, group) if work.command else _deciding(work, group, headlines))
        for work, group in groups.items()
    ]
    return tuple(step for _, step in sorted(steps, key=_most_pressing))


def _most_pressing(scoped: tuple[str, Step]) -> tuple[object, ...]:
    scope, step = scoped
    return SEVERITIES.index(step.severity), scope != "production", -step.count, step.text, step.command, step.services


def _work(finding: Finding, verdicts: Mapping[str, str], headlines: Mapping[str, str]) -> _Work:
    if command := _arguments(finding):
        return _Work(finding.scope, command, finding.service)
    if finding.scope == "test" and not finding.remedy and finding.area in CODEMODS:
        return _Work(finding.scope, severity=finding.severity, area=finding.area)
    verdict = verdicts.get(finding.subject, "") if finding.area == "imports" else ""
    if verdict in _BY_VERDICT:
        return _Work(finding.scope, severity=finding.severity, area=finding.area, verdict=verdict)
    word = _FIRST_WORD.match(finding.remedy)
    reason = word.group() if word and word.group() in headlines else ""
    return _Work(
        finding.scope,
        severity=finding.severity,
        area=finding.area,
        reason=reason,
        kind="" if reason else finding.kind,
        expired=finding.expired,
    )


def _arguments(finding: Finding) -> tuple[str, ...]:
    """The command that rewrites a finding, without the path that it is for; nothing for one that none rewrites."""
    if not finding.is_rewritable:
        return ()
    try:
        plain = _PLAIN.fullmatch(finding.remedy)  # most are, and the shell's rules take fifty times as long
        words = finding.remedy.split(" ") if plain else shlex.split(finding.remedy)
    except ValueError:
        words = finding.remedy.split()
    return tuple(word for word in words if word not in (finding.path, f"./{finding.path}", finding.service))


def _rewriting(work: _Work, findings: Sequence[Finding]) -> Step:
    paths = sorted({finding.path for finding in findings})
    if all(path.startswith(f"{work.service}/") for path in paths):
        paths = [work.service]
    where = [f"./{path}" if path.startswith("-") else path for path in paths if len(paths) <= _MOST_PATHS]
    names = [name for option, name in pairwise(work.command) if option == "--codemod"]
    text = f"Run {', '.join(names) or 'ssot-fix'}"
    said = [text, "" if where else "by a command that is for all services", "tests" if work.scope == "test" else ""]
    return Step(
        ", ".join(filter(None, said)),
        severest(findings).severity,
        len(findings),
        shlex.join((*work.command, *where)),
        _services(findings),
    )


def _deciding(work: _Work, findings: Sequence[Finding], headlines: Mapping[str, str]) -> Step:
    text, command = _decision(work, headlines)
    text = f"{text}, tests" if work.scope == "test" else text
    return Step(text, severest(findings).severity, len(findings), command, _services(findings))


def _decision(work: _Work, headlines: Mapping[str, str]) -> tuple[str, str]:
    """What is to be decided, and the command that tells more."""
    if work.verdict:
        return _BY_VERDICT[work.verdict]
    if work.reason:
        what = f"{_NOT_REWRITTEN[work.area]}: {headlines[work.reason]} ({work.reason})"
        shows = work.reason == "unsafe" and work.area in CODEMODS
        return what, _dry_run("--unsafe-fixes", work.area) if shows else f"ssot-fix explain {work.reason}"
    if not work.kind:  # no run has looked at tests
        return f"See what can be rewritten: {AREAS[work.area]}", _dry_run("--include-tests", work.area)
    what = (
        "Resolve or renew what was accepted for a time that has passed" if work.expired else _NOT_REWRITTEN[work.area]
    )
    return f"{what}: {work.kind}", "ssot-fix discover-moves" if work.area == "imports" else ""


def _dry_run(option: str, area: str) -> str:
    """The command that shows what the codemods of an area would do."""
    return shlex.join(["ssot-fix", option, *(word for name in CODEMODS[area] for word in ("--codemod", name))])


def _services(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The services, the one with the most findings first."""
    counts = Counter(finding.service for finding in findings)
    return tuple(sorted(counts, key=lambda service: (-counts[service], service)))


def _keep(report: Report) -> Iterable[Step]:
    yield Step(
        "Write down what is left, so that it can only become less",
        "low",
        0,
        f"ssot-fix audit --baseline {_BASELINE} --update-baseline",
    )
    total, _ = now_and_start(report.summaries)
    under = f" --fail-under {100 * total.good // total.all}" if total.all else ""
    text = "Let CI fail where a site is new" + (", or the compliance falls" if under else "")
    yield Step(text, "low", 0, f"ssot-fix audit --baseline {_BASELINE}{under}")
