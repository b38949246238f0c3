from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssot_fix.audit.model import (
    AREAS,
    SEVERITIES,
    BrokenImport,
    BrokenModule,
    Chain,
    Check,
    Finding,
    Mention,
    Place,
    Point,
    Regression,
    Rejected,
    Removal,
    Report,
    Revision,
    Tally,
    Validator,
)
from ssot_fix.audit.plan import criteria, phases
from ssot_fix.audit.settings import Threshold
from ssot_fix.audit.summary import change, is_open, overall, percent, reaches, summaries, told, worst
from ssot_fix.project.history import Commit

HEAD = Commit("a" * 40, "2025-09-08", "Ada", "Move on")
READ = Finding("environment", "get", "auth/a.py", 3, "X", "`os.getenv` goes round", service="auth")
HEADLINES = {"mixed-key": "Other operations on the same key stay", "unsafe": "May differ"}
AUDIT = "ssot-fix audit --baseline ssot-baseline.json"
COMMAND = "ssot-fix --write --codemod isolated-environment auth/a.py"


def report(*findings: Finding, now=None, start=None, **parts) -> Report:
    counts = summaries(findings, now or {}, start or {})
    return Report("p", HEAD, None, parts.pop("points", ()), counts, {}, findings, **parts)


def met(asked: Report, about: str, *thresholds: Threshold):
    (found,) = (each for each in criteria(asked, thresholds) if about in each.text)
    return found.met, found.evidence


def planned(*findings: Finding, **parts) -> dict[str, list[tuple[int, str, str]]]:
    found = phases(report(*findings, **parts), HEADLINES)
    return {phase.title.split()[0]: [(step.count, step.text, step.command) for step in phase.steps] for phase in found}


# Counts


def test_areas_are_ordered_by_what_is_critical_then_by_percent():
    critical = replace(READ, area="migrations", severity="critical")
    found = summaries(
        [critical, replace(READ, area="resources"), replace(READ, area="validators", scope="test")],
        {"environment": Tally(9, 10), "encoding": Tally(1, 2), "imports": Tally(99, 100), "debt": Tally(0, 9)},
        {"encoding": Tally(0, 2)},
    )
    names = [each.area for each in found]
    assert names == ["migrations", "encoding", "environment", "imports", "resources", "removals", "validators", "debt"]
    assert found[1].start == Tally(0, 2)


def test_a_finding_is_counted_once():
    accepted = replace(READ, accepted="why")
    expired = replace(accepted, until="2020-01-01", expired=True)
    in_tests = replace(READ, scope="test", severity="critical")
    found = summaries([READ, accepted, expired, in_tests, replace(accepted, scope="test")], {}, {})
    (environment,) = (each for each in found if each.area == "environment")
    assert (environment.findings, environment.in_tests, environment.accepted) == (2, 1, 2)
    assert environment.by_severity == {"critical": 0, "high": 0, "medium": 2, "low": 0}


@pytest.mark.parametrize(
    ("tally", "shown"),
    [
        (Tally(), "-"),
        (Tally(0, 1), "0.0 %"),
        (Tally(1, 1), "100.0 %"),
        (Tally(99_999, 100_000), "99.9 %"),
        (Tally(2, 3), "66.6 %"),
    ],
)
def test_percent_is_rounded_down(tally, shown):
    assert percent(tally) == shown


@pytest.mark.parametrize(
    ("now", "start", "shown"),
    [
        (Tally(1, 2), Tally(2, 4), "0"),
        (Tally(1, 2), Tally(1, 4), "+25.00"),
        (Tally(1, 3), Tally(1, 2), "-16.67"),
        (Tally(1, 100_000), Tally(0, 100_000), "+<0.01"),
        (Tally(0, 100_000), Tally(1, 100_000), "-<0.01"),
        (Tally(), Tally(1, 2), "-"),
        (Tally(1, 2), Tally(), "-"),
    ],
)
def test_change(now, start, shown):
    assert change(now, start) == shown


def test_overall_is_about_sites_of_areas_that_have_good_ones():
    assert overall({"imports": Tally(1, 2), "encoding": Tally(97, 98), "debt": Tally(0, 50)}) == Tally(98, 100)
    assert reaches(Tally(98, 100), 98)
    assert not reaches(Tally(979, 1000), 98)
    assert reaches(Tally(), 100)


@pytest.mark.parametrize(
    ("area", "now", "start", "shown"),
    [
        ("imports", Tally(1, 2), Tally(1, 4), ("50.0 %", "25.0 %", "+25.00")),
        ("debt", Tally(0, 1200), Tally(0, 1300), ("1,200", "1,300", "-100")),
        ("debt", Tally(0, 2), Tally(0, 2), ("2", "2", "0")),
        ("debt", Tally(0, 2), Tally(), ("2", "0", "+2")),
        ("debt", Tally(), Tally(), ("-", "-", "-")),
    ],
)
def test_what_has_no_compliance_is_counted(area, now, start, shown):
    (found,) = (each for each in summaries((), {area: now}, {area: start}) if each.area == area)
    assert told(found) == shown


def test_what_matters_most_comes_first():
    late, early = replace(READ, line=9), replace(READ, line=1)
    in_tests = replace(READ, scope="test", severity="critical")
    high, accepted = replace(READ, severity="high"), replace(READ, severity="critical", accepted="why")
    expired = replace(accepted, severity="medium", expired=True)
    given = [accepted, in_tests, late, early, high, expired]
    assert worst(given) == [high, expired, early, late, in_tests, accepted]


# Criteria


def test_nothing_is_decided_where_there_is_nothing():
    found = {each.text: each.met for each in criteria(report())}
    debt = found.pop("All debt in production is accepted, with a reason, until a day to come")
    assert debt is True  # there is none
    assert set(found.values()) == {None}


@pytest.mark.parametrize("area", ["environment", "imports", "encoding", "resources"])
def test_an_area_has_to_be_whole_or_to_reach_its_threshold(area):
    asked = report(now={area: Tally(999, 1000)})
    goal = {"environment": "direct use", "imports": "resolve", "encoding": "encoding", "resources": "closed"}[area]
    decided, evidence = met(asked, goal)
    assert decided is False
    assert "999 of 1,000 sites (99.9 %)" in evidence
    assert met(report(now={area: Tally(1000, 1000)}), goal)[0] is True
    assert met(asked, f"At least 99 % of {area}", Threshold(area, 99))[0] is True


def test_an_area_without_sites_has_nothing_severe():
    assert met(report(READ), "direct use")[0] is True
    assert met(report(replace(READ, severity="high")), "direct use")[0] is False


def test_only_a_compliance_has_a_threshold():
    with pytest.raises(ValueError, match="`area` is `debt`"):
        Threshold("debt", 60)


def test_strings_alone_do_not_tell_that_what_went_is_used():
    gone = Removal("class", "a:B", "a.py", "production", "", HEAD, "gone")
    place = Place("b.py", 1)
    assert met(report(removals=(replace(gone, mentions=(Mention(place, "string"),)),)), "was removed")[0] is True
    used = replace(gone, mentions=(Mention(place, "import"),))
    assert met(report(removals=(used,)), "was removed") == (
        False,
        "1 removed, 1 without a replacement, 1 of these still used",
    )
    assert met(report(removals=(replace(used, fate="moved"),)), "was removed")[0] is True
    in_tests = replace(gone, mentions=(Mention(Place("t.py", 1, "test"), "import"),))
    assert met(report(removals=(in_tests,)), "was removed")[0] is True


def test_rejected_literals_count_in_production():
    rejected = Rejected(Place("t.py", 1, "test"), "test_user", "test_")
    validator = Validator("V", Place("v.py", 1), "name", rejected=(rejected,))
    assert met(report(validators=(validator,)), "rejected")[0] is True
    bad = replace(validator, rejected=(rejected, replace(rejected, place=Place("p.py", 1))))
    assert met(report(validators=(bad,)), "rejected")[0] is False


@pytest.mark.parametrize(
    ("change", "whole"),
    [
        ({}, True),
        ({"heads": ("1", "2")}, False),
        ({"heads": ()}, False),
        ({"heads": (), "revisions": ()}, True),
        ({"notes": ("m/2.py: the id of this migration can't be told",)}, None),
        ({"notes": ("m/2.py: the id of this migration can't be told",), "heads": ("1", "2")}, None),
        ({"notes": ("m/2.py: the id of this migration can't be told",), "duplicates": ("1",)}, False),
        ({"duplicates": ("1",)}, False),
        ({"missing": ("0",)}, False),
        ({"has_env": False}, False),
        ({"is_there": False}, False),
        ({"state": ("says nothing was applied",)}, False),
    ],
)
def test_migrations(change, whole):
    chain = Chain("m", (Revision("1", (), Place("m/1.py", 1)),), heads=("1",))
    assert met(report(chains=(chain, replace(chain, **change))), "migration")[0] is whole


def test_a_folder_without_migrations_decides_nothing():
    assert met(report(chains=(Chain("m", ()),)), "migration") == (None, "1 chain: no migrations were found there")


def test_debt_is_accepted_and_not_expired():
    debt = replace(READ, area="debt", kind="TODO", accepted="why", until="2030-01-01")
    assert met(report(debt), "debt") == (True, "0 not accepted, 0 expired, 1 accepted")
    assert met(report(debt, replace(debt, expired=True)), "debt") == (False, "0 not accepted, 1 expired, 1 accepted")
    assert met(report(replace(debt, accepted="", until="")), "debt") == (
        False,
        "1 not accepted, 0 expired, 0 accepted",
    )
    assert met(report(replace(debt, accepted="", scope="test")), "debt")[0] is True


@pytest.mark.parametrize(
    ("results", "decided"),
    [
        ([], None),
        (["passed", "passed"], True),
        (["passed", "not run"], None),
        (["not run", "failed"], False),
        (["timed out", "passed"], False),
    ],
)
def test_verification(results, decided):
    assert met(report(checks=tuple(Check("true", result) for result in results)), "verification")[0] is decided


def test_regressions_in_production():
    point = Point(HEAD, {}, {}, {})
    back = Regression("environment", "get", "X", Place("a.py", 1), HEAD, HEAD)
    assert met(report(points=(point,)), "brought back")[0] is True
    assert met(report(points=(point,), regressions=(back,)), "brought back")[0] is False
    in_tests = replace(back, place=Place("t.py", 1, "test"))
    assert met(report(points=(point,), regressions=(in_tests,)), "brought back")[0] is True


# The plan


def test_what_is_left_to_do_when_all_is_done_is_to_keep_it():
    assert planned(replace(READ, accepted="why"), now={"environment": Tally(2, 3)}) == {
        "Keep": [
            (0, "Write down what is left, so that it can only become less", f"{AUDIT} --update-baseline"),
            (0, "Let CI fail where a site is new, or the compliance falls", f"{AUDIT} --fail-under 66"),
        ]
    }


def test_imports_at_module_level_and_migrations_come_first():
    missing = replace(READ, area="imports", kind="name", subject="old.engine:Engine")
    module = BrokenModule("auth/a.py", "production", "auth", ("old.engine:Engine",))
    guarded = replace(missing, path="auth/b.py")
    in_tests = replace(missing, scope="test")
    chain = replace(READ, area="migrations", kind="heads", severity="critical")
    gone = BrokenImport("old.engine:Engine", "name", (Place("auth/a.py", 3),), verdict="removed")
    found = planned(missing, guarded, in_tests, chain, modules=(module,), imports=(gone,))
    text = "Decide on imports of what was removed without a replacement"
    assert found["Make"] == [
        (1, "Repair the migrations: heads", ""),
        (1, text, "ssot-fix discover-moves"),
    ]
    assert found["Decide"] == [
        (1, text, "ssot-fix discover-moves"),
        (1, "See what can be rewritten: Imports, tests", "ssot-fix --include-tests --codemod stale-imports"),
    ]


def test_imports_are_grouped_by_what_became_of_what_they_ask_for():
    def asking(name: str, remedy: str) -> Finding:
        return replace(READ, area="imports", kind="name", subject=f"old:{name}", remedy=remedy)

    found = [asking("A", "mixed-key: why"), asking("B", ""), asking("C", "mixed-key: why"), asking("D", "")]
    verdicts = {"old:A": "moved", "old:B": "moved", "old:C": "undecided", "old:D": "undecided"}
    imports = tuple(BrokenImport(target, "name", (), verdict=verdict) for target, verdict in verdicts.items())
    assert [(count, command) for count, _, command in planned(*found, imports=imports)["Decide"]] == [
        (2, "ssot-fix discover-moves --write-config"),
        (1, "ssot-fix explain mixed-key"),
        (1, "ssot-fix discover-moves"),
    ]


def test_what_can_be_rewritten_is_grouped_by_command_service_and_scope():
    one = replace(READ, is_rewritable=True, remedy=COMMAND)
    other = replace(one, path="auth/b.py", remedy=COMMAND.replace("a.py", "b.py"), severity="high")
    spaced = replace(
        one, path="auth/d e.py", remedy=COMMAND.replace(" --write", "  --write").replace("a.py", "d\\ e.py")
    )
    billing = replace(one, path="billing/c.py", service="billing", remedy="ssot-fix --write --codemod x billing")
    in_tests = replace(one, path="auth/t.py", scope="test", remedy=f"{COMMAND[:-9]}--include-tests auth/t.py")
    root = replace(one, path="-odd name.py", service="(root)", remedy="ssot-fix --write --codemod x './-odd name.py'")
    assert planned(one, other, spaced, billing, in_tests, root)["Rewrite"] == [
        (3, "Run isolated-environment", "ssot-fix --write --codemod isolated-environment auth"),
        (1, "Run x", "ssot-fix --write --codemod x './-odd name.py'"),
        (1, "Run x", "ssot-fix --write --codemod x billing"),
        (
            1,
            "Run isolated-environment, tests",
            "ssot-fix --write --codemod isolated-environment --include-tests auth",
        ),
    ]


def test_a_command_names_no_more_than_some_files():
    remedy = "ssot-fix --write --codemod x"
    found = [replace(READ, path=f"{n}.py", service="(root)", is_rewritable=True, remedy=remedy) for n in range(21)]
    assert planned(*found)["Rewrite"] == [(21, "Run x, by a command that is for all services", remedy)]


def test_decisions_are_grouped_by_reason_or_else_by_kind():
    mixed = replace(READ, remedy="mixed-key: other operations on `X` stay")
    other = replace(mixed, kind="set", service="billing")
    plain = replace(READ, kind="copy", remedy="unknown words")
    unsafe = replace(READ, area="encoding", remedy="unsafe: may differ")
    expired = replace(READ, area="debt", kind="TODO", accepted="why", until="2020-01-01", expired=True)
    found = phases(report(mixed, other, plain, expired, unsafe), HEADLINES)[0]
    assert [(step.text, step.count, step.command, step.services) for step in found.steps] == [
        (
            "Decide on direct uses of the environment: Other operations on the same key stay (mixed-key)",
            2,
            "ssot-fix explain mixed-key",
            ("auth", "billing"),
        ),
        ("Decide on direct uses of the environment: copy", 1, "", ("auth",)),
        (
            "Give an encoding by hand: May differ (unsafe)",
            1,
            "ssot-fix --unsafe-fixes --codemod utf8-files --codemod utf8-streams",
            ("auth",),
        ),
        ("Resolve or renew what was accepted for a time that has passed: TODO", 1, "", ("auth",)),
    ]


def test_production_comes_before_tests():
    debt = replace(READ, area="debt", kind="TODO")
    in_tests = replace(debt, scope="test")
    assert [count for count, _, _ in planned(debt, in_tests, in_tests)["Decide"]] == [1, 2]


@pytest.mark.parametrize("remedy", ["", "'", "ssot-fix 'unclosed", "--codemod"])
def test_odd_remedies(remedy):
    (step,) = phases(report(replace(READ, is_rewritable=True, remedy=remedy)), {})[0].steps
    assert step.count == 1


FINDINGS = st.lists(
    st.builds(
        Finding,
        st.sampled_from(list(AREAS)),
        st.sampled_from(["get", "set"]),
        st.sampled_from(["auth/a.py", "b.py"]),
        st.integers(0, 3),
        st.sampled_from(["X", "old:Engine"]),
        st.just("message"),
        st.sampled_from(["production", "test"]),
        st.sampled_from(SEVERITIES),
        st.sampled_from(["auth", ""]),
        is_rewritable=st.booleans(),
        remedy=st.sampled_from([COMMAND, "mixed-key: why", ""]),
        accepted=st.sampled_from(["", "why"]),
        expired=st.booleans(),
    ),
    max_size=8,
)


@given(FINDINGS)
def test_every_open_finding_is_in_one_step_and_every_finding_in_one_count(findings):
    module = BrokenModule("auth/a.py", "production", "auth", ("old:Engine",))
    asked = report(*findings, modules=(module,))
    steps = [step for phase in phases(asked, HEADLINES) for step in phase.steps]
    assert sum(step.count for step in steps) == sum(map(is_open, findings))
    assert sum(each.findings + each.in_tests + each.accepted for each in asked.summaries) == len(findings)
    assert all(sum(each.by_severity.values()) == each.findings for each in asked.summaries)


@given(FINDINGS, st.randoms())
def test_the_order_of_findings_plays_no_part(findings, random):
    shuffled = random.sample(findings, len(findings))
    one, other = report(*findings), report(*shuffled)
    assert (one.summaries, phases(one, HEADLINES), criteria(one)) == (
        other.summaries,
        phases(other, HEADLINES),
        criteria(other),
    )
