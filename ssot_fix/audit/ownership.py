"""Whose a finding is, and how severe it is: by the settings, else by what stands here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from ssot_fix.audit.area import View
from ssot_fix.audit.model import SEVERITIES, Finding, Severity
from ssot_fix.audit.settings import Options, SeverityRule
from ssot_fix.project.classify import Globs
from ssot_fix.project.owners import PLACES, code_owners

# Of findings in production, by area and kind; without a kind, of all others in the area. In tests a finding is one
# step less severe, but for what _IN_TESTS says.
_IN_PRODUCTION: Mapping[tuple[str, str], Severity] = {
    ("environment", ""): "medium",  # it is read past the accessor
    **{("environment", kind): "high" for kind in ("set", "delete", "update", "clear", "pop", "setdefault", "patch")},
    ("imports", ""): "critical",  # the module can't be imported
    ("imports", "guarded"): "medium",
    ("removals", ""): "medium",
    ("encoding", ""): "medium",
    ("encoding", "entry-point"): "high",
    ("validators", ""): "critical",  # the code does not run with what it is given
    ("migrations", ""): "high",
    **{("migrations", kind): "critical" for kind in ("several-heads", "duplicate-id", "missing-id")},
    **{("migrations", kind): "medium" for kind in ("missing-location", "no-env", "state")},
    ("debt", ""): "medium",
    **{("debt", kind): "high" for kind in ("FIXME", "NotImplementedError")},
    ("debt", "pass-only"): "low",
    ("resources", ""): "high",
}
_IN_TESTS: Mapping[tuple[str, str], Severity] = {("validators", ""): "medium"}


class Severities:
    """How severe findings are."""

    def __init__(self, options: Options) -> None:
        self._rules = [(rule, Globs(rule.paths)) for rule in options.severities]

    def of(self, finding: Finding) -> Severity:
        """By the last rule of the settings that is about a finding; if there is none, by its area, kind and scope."""
        found = _usual(finding)
        for rule, paths in self._rules:
            if _is_about(rule, finding) and (not rule.paths or paths.matches(finding.path)):
                found = cast("Severity", rule.severity)
        return found


def _is_about(rule: SeverityRule, finding: Finding) -> bool:
    return rule.area == finding.area and rule.kind in ("", finding.kind)


def _usual(finding: Finding) -> Severity:
    keys = ((finding.area, finding.kind), (finding.area, ""))
    if finding.scope == "test":
        found = next((_IN_TESTS[key] for key in keys if key in _IN_TESTS), None)
        if found is not None:
            return found
    severity = next(_IN_PRODUCTION[key] for key in keys if key in _IN_PRODUCTION)
    step = SEVERITIES.index(severity) + (finding.scope == "test")
    return SEVERITIES[min(step, len(SEVERITIES) - 1)]


class Owners:
    """Who owns which files: by the settings, and where these say nothing of a file by the commit's CODEOWNERS."""

    def __init__(self, view: View) -> None:
        self._rules = [(Globs(rule.paths), rule.owners) for rule in view.options.owners]
        self._by_commit = _by_commit(view)
        self._known: dict[str, tuple[str, ...]] = {}

    def of(self, path: str) -> tuple[str, ...]:
        """The owners of a file, as they are written there; none if nobody is named."""
        if path not in self._known:
            named = next((owners for paths, owners in reversed(self._rules) if paths.matches(path)), None)
            self._known[path] = self._by_commit(path) if named is None else named
        return self._known[path]


def _by_commit(view: View) -> Callable[[str], tuple[str, ...]]:
    """What CODEOWNERS says; nothing where there is none, or the repository lacks it."""
    place = next((path for path in PLACES if path in view.blobs), None)
    try:
        owners = code_owners(view.read(place)) if place else None
    except OSError:
        owners = None
    return lambda path: tuple(name for _, name in owners.of(path)) if owners else ()
