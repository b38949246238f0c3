"""How areas stand, worst first, and what is open in them: counted once for every format and for the gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ssot_fix.audit.model import AREAS, SEVERITIES, Finding, Summary, Tally
from ssot_fix.audit.settings import COMPLIANCE

_RANKS = {severity: rank for rank, severity in enumerate(SEVERITIES)}
_PLACES = {area: place for place, area in enumerate(AREAS)}


def is_open(finding: Finding) -> bool:
    """Whether something is to be done about it: it is not accepted, or no longer."""
    return not finding.accepted or finding.expired


def summaries(
    findings: Iterable[Finding], now: Mapping[str, Tally], start: Mapping[str, Tally]
) -> tuple[Summary, ...]:
    """How each area stands, worst first.

    `now` and `start` count the sites of production code by area. Every finding is counted once: among `findings`
    (open, in production), `in_tests` (open) or `accepted`. `by_severity` is about `findings`, and has all severities.
    """
    by_area: dict[str, list[Finding]] = {area: [] for area in AREAS}
    for finding in findings:
        by_area[finding.area].append(finding)
    found = [_summary(area, group, now, start) for area, group in by_area.items()]
    return tuple(sorted(found, key=_how_bad))


def _summary(area: str, findings: Sequence[Finding], now: Mapping[str, Tally], start: Mapping[str, Tally]) -> Summary:
    where = Counter(finding.scope if is_open(finding) else "accepted" for finding in findings)
    severities = Counter(each.severity for each in findings if is_open(each) and each.scope == "production")
    return Summary(
        area=area,
        now=now.get(area, Tally()),
        start=start.get(area, Tally()),
        findings=where["production"],
        in_tests=where["test"],
        accepted=where["accepted"],
        by_severity={severity: severities[severity] for severity in SEVERITIES},
    )


def _how_bad(summary: Summary) -> tuple[bool, bool, float, int, int]:
    """Areas with something critical, then by percent, the lowest first; those without a percentage come last."""
    percent = summary.now.percent if summary.area in COMPLIANCE else None
    return (
        not summary.by_severity["critical"],
        percent is None,
        percent or 0.0,
        -summary.findings,
        _PLACES[summary.area],
    )


def overall(by_area: Mapping[str, Tally]) -> Tally:
    """All areas that have a compliance together, which `--fail-under` looks at."""
    total = Tally()
    for area in COMPLIANCE:
        total = total.plus(by_area.get(area, Tally()))
    return total


def now_and_start(found: Iterable[Summary]) -> tuple[Tally, Tally]:
    """How all of the production code stands at the head, and how it stood at the start of the range."""
    held = {each.area: each for each in found}
    return overall({area: held[area].now for area in held}), overall({area: held[area].start for area in held})


def reaches(tally: Tally, percent: int) -> bool:
    """Whether so many percent are good, exactly; true where there are no sites."""
    return 100 * tally.good >= percent * tally.all


def percent(tally: Tally) -> str:
    """The compliance for people, rounded down: what reads 100 % is. A dash where there are no sites."""
    if not tally.all:
        return "-"
    tenths = 1000 * tally.good // tally.all
    return f"{tenths // 10}.{tenths % 10} %"


def change(now: Tally, start: Tally) -> str:
    """By how many percentage points the compliance has changed, with its sign; `0` if it has not at all."""
    if now.percent is None or start.percent is None:
        return "-"
    if now.good * start.all == start.good * now.all:
        return "0"
    points = now.percent - start.percent
    shown = f"{points:+.2f}"
    return shown if float(shown) else f"{shown[0]}<0.01"


def standing(area: str, tally: Tally) -> str:
    """How an area stands, for people: its compliance, or how many sites it has if it has none."""
    if area in COMPLIANCE:
        return percent(tally)
    return f"{tally.bad:,}" if tally.all else "-"


def told(summary: Summary) -> tuple[str, str, str]:
    """How an area stands now and stood at the start, and the change, for people."""
    area, now, start = summary.area, summary.now, summary.start
    if area in COMPLIANCE or not (now.all or start.all):
        return standing(area, now), standing(area, start), change(now, start)
    moved = f"{now.bad - start.bad:+,}" if now.bad != start.bad else "0"
    return f"{now.bad:,}", f"{start.bad:,}", moved


def worst(findings: Iterable[Finding]) -> list[Finding]:
    """Findings, those first that matter most: open ones, production, severe ones, expired ones; then by place."""

    def key(each: Finding) -> tuple[object, ...]:
        rank = _RANKS[each.severity]
        where = (_PLACES[each.area], each.path, each.line, each.kind, each.subject)
        return not is_open(each), each.scope != "production", rank, not each.expired, *where

    return sorted(findings, key=key)


def severest(findings: Iterable[Finding]) -> Finding:
    """The one of several findings that is most severe."""
    return min(findings, key=lambda finding: _RANKS[finding.severity])
