"""Whose a finding is, and how severe: the settings first, the last rule before the others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from memory_view import MemoryView

from ssot_fix.audit.model import AREAS, SEVERITIES, Finding
from ssot_fix.audit.ownership import Owners, Severities
from ssot_fix.audit.settings import Options, OwnerRule, SeverityRule

CODEOWNERS = "# who\n* @org/all\n/api/ @ann bob@example.invalid\n/api/free.py\n[x] @nobody\n!/api/ @nobody\n"
AT = ".github/CODEOWNERS"


def owners(files: dict[str, str | None], *rules: OwnerRule) -> Owners:
    return Owners(MemoryView(files, Options(owners=rules), {}))


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("a.py", ("@org/all",)),
        ("api/x.py", ("@ann", "bob@example.invalid")),
        ("lib/api/x.py", ("@org/all",)),
        ("api/free.py", ()),
        ("größe\n.py", ("@org/all",)),
    ],
)
def test_owners_by_codeowners(path, names):
    assert owners({AT: CODEOWNERS}).of(path) == names
    assert owners({"docs/CODEOWNERS": "* @other", "CODEOWNERS": CODEOWNERS}).of(path) == names


@pytest.mark.parametrize("files", [{}, {"lib/CODEOWNERS": "* @ann"}, {AT: ""}, {AT: None}, {AT: "\0\n/[\n/a\\"}])
def test_nobody_is_named(files):
    assert owners(files).of("a.py") == ()


def test_owners_by_settings():
    rules = OwnerRule(("api/", "*.sql"), ("@carl",)), OwnerRule(("/api/old/",), ()), OwnerRule(("x.py",), ("team x",))
    found = owners({AT: CODEOWNERS}, *rules)
    assert [found.of(path) for path in ("api/a.py", "api/old/a.py", "api/old/x.py", "api/free.py", "a.py")] == [
        ("@carl",),
        (),
        ("team x",),
        ("@carl",),
        ("@org/all",),
    ]
    assert found.of("api/a.py") is found.of("api/a.py")


def finding(area: str, kind: str = "", path: str = "a.py", **more) -> Finding:
    return Finding(area, kind, path, 1, "x", "", **more)


@pytest.mark.parametrize(
    ("area", "kind", "production", "test"),
    [
        ("environment", "get", "medium", "low"),
        ("environment", "lookup", "medium", "low"),
        ("environment", "set", "high", "medium"),
        ("environment", "delete", "high", "medium"),
        ("imports", "module", "critical", "high"),
        ("imports", "guarded", "medium", "low"),
        ("removals", "class", "medium", "low"),
        ("encoding", "entry-point", "high", "medium"),
        ("encoding", "open", "medium", "low"),
        ("validators", "rejected-literal", "critical", "medium"),
        ("migrations", "several-heads", "critical", "high"),
        ("migrations", "no-env", "medium", "low"),
        ("debt", "FIXME", "high", "medium"),
        ("debt", "NotImplementedError", "high", "medium"),
        ("debt", "TODO", "medium", "low"),
        ("debt", "pass-only", "low", "low"),
        ("resources", "client", "high", "medium"),
    ],
)
def test_severities(area, kind, production, test):
    usual = Severities(Options())
    assert usual.of(finding(area, kind)) == production
    assert usual.of(finding(area, kind, scope="test")) == test


@pytest.mark.parametrize("area", AREAS)
def test_every_area_has_a_severity(area):
    assert Severities(Options()).of(finding(area, "a kind of its own")) in SEVERITIES


def test_severities_by_settings():
    rules = (
        SeverityRule("debt", "low"),
        SeverityRule("debt", "critical", "TODO"),
        SeverityRule("debt", "high", "TODO", ("legacy/",)),
        SeverityRule("imports", "low", paths=("legacy/",)),
    )
    severities = Severities(Options(severities=rules))
    todo = finding("debt", "TODO")
    assert [
        severities.of(each) for each in (todo, replace(todo, scope="test"), replace(todo, path="legacy/a.py"))
    ] == [
        "critical",
        "critical",
        "high",
    ]
    assert severities.of(finding("debt", "FIXME", "legacy/a.py")) == "low"
    assert severities.of(finding("environment", "get")) == "medium"
    assert severities.of(finding("imports", "name")) == "critical"
    assert severities.of(finding("imports", "name", "legacy/a.py")) == "low"
