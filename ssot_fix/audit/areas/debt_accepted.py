"""Debt that the settings accept, each entry with a reason and, if it is not for good, a day."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ssot_fix.audit import settings
from ssot_fix.audit.areas.debt import NAME
from ssot_fix.audit.model import Finding
from ssot_fix.audit.settings import Accepted
from ssot_fix.project.classify import Globs
from ssot_fix.project.config import Config


def apply_accepted(
    findings: Iterable[Finding], entries: Sequence[Accepted], today: str, config: Config
) -> tuple[list[Finding], list[str]]:
    """Findings with what accepts them, those whose day has passed first; notes on entries that accept nothing.

    `entries` are those of `config`, which tells where they stand. `today` is the day (ISO) of the head commit, not
    the clock's: one commit has one report, whenever it is written. An entry holds until its day is over. Of several
    entries the first counts that still does, else the first.
    """
    day = _day(today)
    rules = [_Rule(entry, Globs(entry.paths), bool(entry.until) and _day(entry.until) < day) for entry in entries]
    used: set[_Rule] = set()
    found = []
    for finding in findings:
        about = [rule for rule in rules if rule.is_about(finding)]
        used.update(about)
        found.append(_accepted(finding, about))
    found.sort(key=lambda finding: not finding.expired)
    return found, [_note(config, number) for number, rule in enumerate(rules) if rule not in used]


@dataclass(frozen=True, eq=False, slots=True)
class _Rule:
    """An entry; `is_over`: its day has passed."""

    entry: Accepted
    paths: Globs
    is_over: bool

    def is_about(self, finding: Finding) -> bool:
        entry = self.entry
        is_meant = finding.area == NAME and entry.kind in ("", finding.kind) and entry.contains in finding.subject
        return is_meant and self.paths.matches(finding.path)


def _accepted(finding: Finding, rules: Sequence[_Rule]) -> Finding:
    if not rules:
        return finding
    rule = next((each for each in rules if not each.is_over), rules[0])
    return replace(finding, accepted=rule.entry.reason, until=rule.entry.until, expired=rule.is_over)


def _note(config: Config, number: int) -> str:
    place = config.place(settings.NAME, "accepted", number)
    return f"{place}: no debt is what this entry accepts; take it out, or mend its paths, kind or contains"


def _day(iso: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(iso)
    except ValueError:  # a commit may be of a year that Python has not
        return datetime.date.max
