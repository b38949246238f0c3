"""`[tool.ssot-fix.audit]`: what an audit can't know by itself."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from ssot_fix.project.classify import Globs
from ssot_fix.project.config import PROJECT_WIDE

NAME = "audit"
# The areas that have good sites, and so a compliance in percent; of the others only what is wrong is known.
COMPLIANCE = ("environment", "imports", "encoding", "resources")  # here, since every run reads the settings
_AREAS = ("environment", "imports", "removals", "encoding", "validators", "migrations", "debt", "resources")
_SEVERITIES = ("critical", "high", "medium", "low")


def _one_of(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"`{key}` is `{value}`, but can be {', '.join(known)},")


@dataclass(frozen=True, slots=True)
class SeverityRule:
    """Findings of an area, of a kind (if set), in some paths (if set; gitignore patterns), have a severity."""

    area: str
    severity: str
    kind: str = ""
    paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _one_of("area", self.area, _AREAS)
        _one_of("severity", self.severity, _SEVERITIES)
        Globs(self.paths)


@dataclass(frozen=True, slots=True)
class OwnerRule:
    """Files that match gitignore patterns have owners; of several rules the last one counts, as in CODEOWNERS."""

    paths: tuple[str, ...]
    owners: tuple[str, ...]

    def __post_init__(self) -> None:
        Globs(self.paths)


@dataclass(frozen=True, slots=True)
class Threshold:
    """The least compliance of an area, in percent, for its success criterion; 100 where nothing is said.

    Areas without good sites have none.
    """

    area: str
    percent: int

    def __post_init__(self) -> None:
        _one_of("area", self.area, COMPLIANCE)
        if not 0 <= self.percent <= 100:
            raise ValueError(f"`percent` is {self.percent}, but can be 0 to 100,")


@dataclass(frozen=True, slots=True)
class Accepted:
    """Debt that is accepted: in files that match gitignore patterns, of a kind and with a text, if they are set.

    `until` is a day (ISO) after which it no longer is.
    """

    paths: tuple[str, ...]
    reason: str
    kind: str = ""
    contains: str = ""
    until: str = ""

    def __post_init__(self) -> None:
        Globs(self.paths)
        if not self.reason.strip():
            raise ValueError("`reason` is empty")
        if self.until:
            try:
                datetime.date.fromisoformat(self.until)
            except ValueError:
                raise ValueError(f'`until` is "{self.until}", but has to be a day such as 2026-12-31,') from None


@dataclass(frozen=True, slots=True)
class Options:
    """The table. `services` are folders, each a service; what lies in none belongs to the top-level folder around it.

    `migration_state` is a JSON file that says which migrations were applied, `migrations` are script locations of
    Alembic that no alembic.ini names.
    """

    services: tuple[str, ...] = field(default=(), metadata=PROJECT_WIDE)
    severities: tuple[SeverityRule, ...] = field(default=(), metadata=PROJECT_WIDE)
    owners: tuple[OwnerRule, ...] = field(default=(), metadata=PROJECT_WIDE)
    thresholds: tuple[Threshold, ...] = field(default=(), metadata=PROJECT_WIDE)
    accepted: tuple[Accepted, ...] = field(default=(), metadata=PROJECT_WIDE)
    migrations: tuple[str, ...] = field(default=(), metadata=PROJECT_WIDE)
    migration_state: str = field(default="", metadata=PROJECT_WIDE)
