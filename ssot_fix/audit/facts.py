"""What an area of an audit comes to in a sentence or two, for the formats that people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from ssot_fix.audit.model import Removal, Report
from ssot_fix.audit.summary import is_open
from ssot_fix.delivery.message import counted, named
from ssot_fix.project.history import Commit

_PROBLEMS = {
    "conflicting-defaults": "with defaults that contradict each other",
    "mixed-access": "written one way and read the other",
    "never-read": "set here and read by no file of the repository (a library may)",
}
_FATES = ("moved", "renamed", "merged", "replaced", "gone")


def facts(report: Report, area: str) -> str:
    """What there is to say of an area besides its findings; empty where that is nothing."""
    tell = _TELLERS.get(area)
    return tell(report) if tell else ""


def frequencies(words: Iterable[str], most: int = 12) -> str:
    """Words with how often they occur, the most frequent first."""
    counts = Counter(words)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))
    return named([f"{word} {counts[word]:,}" for word in frequent], most)


def most_missed(removals: Iterable[Removal]) -> list[Removal]:
    """What went, those first that matter most: from production, gone, and still referred to."""
    return sorted(removals, key=lambda each: (each.scope != "production", each.fate != "gone", not each.mentions))


def commit_name(commit: Commit) -> str:
    """How a commit is named for people: the first ten digits of its id."""
    return commit.id[:10]


def _environment(report: Report) -> str:
    if not report.keys:
        return ""
    problems = Counter(problem for key in report.keys for problem in key.problems)
    told = [f"{problems[problem]:,} {what}" for problem, what in _PROBLEMS.items() if problems[problem]]
    return f"{counted(len(report.keys), 'variable')}{': ' if told else ''}{', '.join(told)}."


def _imports(report: Report) -> str:
    if not report.imports:
        return ""
    asked = Counter(each.kind for each in report.imports)
    verdicts = Counter(each.verdict for each in report.imports)
    removed, never = verdicts["removed"], verdicts["never"]
    missing = f"Asked for, but not there: {counted(asked['module'], 'module')}, {counted(asked['name'], 'name')}"
    broken = [module for module in report.modules if module.scope == "production"]
    direct = sum(bool(module.causes) for module in broken)
    failing = f"{counted(len(broken), 'module')} of production can't be imported, {direct:,} of them directly"
    what = f"{removed:,} of them removed without a replacement"
    return f"{missing}; {what}{f', {never:,} never there' if never else ''}. {failing}."


def _removals(report: Report) -> str:
    fates = Counter(removal.fate for removal in report.removals)
    told = ", ".join(f"{fates[fate]:,} {fate}" for fate in _FATES if fates[fate])
    used = sum(bool(removal.mentions) for removal in report.removals if removal.fate == "gone")
    return (
        f"Of {len(report.removals):,} removed: {told}. {used:,} of what is gone is still referred to." if told else ""
    )


def _validators(report: Report) -> str:
    if not report.validators:
        return ""
    where = Counter(literal.place.scope for each in report.validators for literal in each.rejected)
    lifted = sum(bool(each.lifted_by) for each in report.validators)
    return (
        f"{counted(len(report.validators), 'validator')} with patterns, {lifted:,} lifted by the environment; "
        f"rejected are {counted(where['production'], 'literal')} in production and {where['test']:,} in tests."
    )


def _migrations(report: Report) -> str:
    revisions = sum(len(chain.revisions) for chain in report.chains)
    heads = sum(len(chain.heads) for chain in report.chains)
    if not report.chains:
        return ""
    return f"{counted(len(report.chains), 'chain')}, {counted(revisions, 'migration')}, {counted(heads, 'head')}."


def _debt(report: Report) -> str:
    debt = [each for each in report.findings if each.area == "debt" and is_open(each) and each.since is not None]
    if not debt:
        return ""
    days = sorted(each.since.date for each in debt if each.since)
    return f"The oldest is from {days[0]}, the median from {days[len(days) // 2]}."


_TELLERS: Mapping[str, Callable[[Report], str]] = {
    "environment": _environment,
    "imports": _imports,
    "removals": _removals,
    "validators": _validators,
    "migrations": _migrations,
    "debt": _debt,
}
