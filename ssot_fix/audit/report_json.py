"""The audit for programs: its fields and their order are a contract that users script against (docs/audit.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TypeAlias

from ssot_fix.audit.model import (
    BrokenImport,
    BrokenModule,
    Chain,
    Check,
    Criterion,
    Finding,
    Key,
    KeyUse,
    Mention,
    Phase,
    Place,
    Point,
    Regression,
    Rejected,
    Removal,
    Report,
    Revision,
    Step,
    Summary,
    Tally,
    Validator,
)
from ssot_fix.audit.summary import now_and_start
from ssot_fix.project.history import Commit

VERSION = 1
# Spelled out, so that a new field of a value does not slip into the contract.
_FIELDS: Mapping[type, tuple[str, ...]] = {
    BrokenImport: (
        "target", "kind", "importers", "guarded", "commit", "why", "verdict", "new", "evidence",
    ),
    BrokenModule: ("path", "scope", "service", "causes", "through", "breaks"),
    Chain: (
        "path", "revisions", "heads", "branches", "duplicates", "missing", "has_env", "is_there", "named", "notes",
        "state",
    ),
    Check: ("command", "result", "seconds", "limit", "tail"),
    Commit: ("id", "date", "author", "subject"),
    Criterion: ("text", "met", "evidence"),
    Finding: (
        "area", "kind", "path", "line", "subject", "message", "scope", "severity", "service", "owners", "since",
        "is_rewritable", "remedy", "accepted", "until", "expired",
    ),
    Key: ("name", "readers", "writers", "defaults", "problems"),
    KeyUse: ("place", "operation", "through", "direct", "default"),
    Mention: ("place", "how"),
    Phase: ("title", "why", "steps"),
    Place: ("path", "line", "scope", "service"),
    Point: ("commit", "tallies", "brought", "taken", "on_line"),
    Regression: ("area", "kind", "subject", "place", "removed", "back", "message"),
    Rejected: ("place", "value", "pattern"),
    Removal: (
        "kind", "name", "path", "scope", "service", "commit", "fate", "new", "confidence", "evidence", "mentions",
        "size",
    ),
    Revision: ("id", "down", "place", "branch_labels"),
    Step: ("text", "severity", "count", "command", "services"),
    Summary: ("area", "now", "start", "findings", "in_tests", "accepted", "by_severity"),
    Validator: ("name", "place", "argument", "exact", "prefixes", "parts", "lifted_by", "rejected", "accepted"),
}  # fmt: skip
_REPORT = (
    "project", "head", "start", "points", "summaries", "services", "findings", "keys", "imports", "modules",
    "removals", "validators", "chains", "regressions", "checks", "criteria", "phases", "notes",
)  # fmt: skip
_SURROGATES = re.compile("[\ud800-\udfff]")

_Json: TypeAlias = "dict[str, _Json] | list[_Json] | str | float | bool | None"


def render(report: Report) -> str:
    """The report as one JSON object in ASCII, each entry of its lists on a line of its own, with a final newline.

    Of the diffs there are only the paths. What is no text, such as an undecodable byte of a path, is spelled `\\xff`.
    """
    told: dict[str, _Json] = {"version": VERSION, "overall": _overall(report)}
    told |= {name: as_json(getattr(report, name)) for name in _REPORT}
    told["diffs"] = [_text(diff.path) for diff in report.diffs]
    return "{\n" + ",\n".join(f'"{name}": {_lines(value)}' for name, value in told.items()) + "\n}\n"


def _lines(value: _Json) -> str:
    """A value; json.dumps with an indentation of its own takes ten times as long."""
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(map(_line, value)) + "\n]"
    return _line(value)


def _line(value: _Json) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def _overall(report: Report) -> _Json:
    now, start = now_and_start(report.summaries)
    return {"now": as_json(now), "start": as_json(start)}


def as_json(value: object) -> _Json:
    """A value of a report as JSON has it: only what `json.dumps` takes, and no lone surrogates."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, int):
        return value
    if type(value) in _FIELDS:
        return {name: as_json(getattr(value, name)) for name in _FIELDS[type(value)]}
    if isinstance(value, Tally):
        return {"good": value.good, "all": value.all, "percent": _rounded(value.percent)}
    if isinstance(value, float):
        return _rounded(value)
    if isinstance(value, Mapping):
        return {_text(key): as_json(value[key]) for key in sorted(value)}
    assert isinstance(value, tuple)
    return [as_json(each) for each in value]


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def _text(text: str) -> str:
    return text if text.isascii() else _SURROGATES.sub(_spelled_out, text)


def _spelled_out(match: re.Match[str]) -> str:
    """A byte that was read with surrogateescape, or half of a pair that stood in a literal."""
    number = ord(match.group())
    return f"\\x{number - 0xDC00:02x}" if 0xDC80 <= number <= 0xDCFF else f"\\u{number:04x}"
