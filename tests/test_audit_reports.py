"""The audit as text, Markdown and JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ssot_fix.audit import report_json, report_markdown, report_text
from ssot_fix.audit.model import (
    BrokenImport,
    BrokenModule,
    Chain,
    Check,
    FileDiff,
    Finding,
    Key,
    KeyUse,
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
from ssot_fix.audit.summary import summaries
from ssot_fix.edits import Edit
from ssot_fix.project.history import Commit

HERE = Path(__file__).parent
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
START, BACK, HEAD = (
    Commit(digit * 40, f"2025-09-0{digit}", "Ada", subject)
    for digit, subject in (("1", "Begin"), ("2", "Tidy up"), ("3", "Move on"))
)
NOW = {"environment": Tally(8, 10), "imports": Tally(99, 100), "encoding": Tally(5, 5)}
EARLIER = {"environment": Tally(6, 10), "imports": Tally(100, 100), "encoding": Tally(5, 5)}
REMEDY = "ssot-fix --write --codemod isolated-environment auth/settings.py"
FINDINGS = (
    Finding(
        "environment", "get", "auth/settings.py", 3, "URL", "`os.environ` is read directly", "production", "high",
        "auth", ("@ops",), BACK, True, REMEDY,
    ),
    Finding("environment", "set", "auth/run.py", 8, "URL", "`URL` is set", service="auth", remedy="mixed-key: why"),
    Finding("environment", "get", "tests/test_a.py", 1, "URL", "`os.environ` is read", "test", service="tests"),
    Finding(
        "imports", "name", "auth/settings.py", 1, "core.engine:Engine", "`core.engine` has no `Engine`", "production",
        "critical", "auth", (), HEAD,
    ),
    Finding(
        "debt", "TODO", "core/a.py", 9, "TODO later", "TODO later", service="core", since=START, accepted="planned",
        until="2025-01-01", expired=True,
    ),
    Finding("debt", "TODO", "core/b.py", 2, "TODO never", "TODO never", service="core", accepted="harmless"),
)  # fmt: skip


def whole() -> Report:
    """One of everything."""
    use = KeyUse(Place("auth/settings.py", 3), "get", "os.environ", True, "'x'")
    report = Report(
        project="platform",
        head=HEAD,
        start=START,
        points=(
            Point(BACK, EARLIER, {"environment": 1}, {}),
            Point(HEAD, NOW, {"imports": 1}, {"environment": 2}, on_line=False),
        ),
        summaries=summaries(FINDINGS, NOW, EARLIER),
        services={"core": {"imports": Tally(50, 50)}, "auth": {"environment": Tally(8, 10), "imports": Tally(49, 50)}},
        findings=FINDINGS,
        keys=(
            Key("FINE", (use,)),
            Key("URL", (use,), (replace(use, operation="set"),), ("'x'", "''"), ("mixed-access",)),
        ),
        imports=(
            BrokenImport(
                "core.engine:Engine", "name", (Place("auth/settings.py", 1),), 0, HEAD, "", "removed", None,
                ("no namesake",),
            ),
        ),
        modules=(BrokenModule("auth/settings.py", "production", "auth", ("core.engine:Engine",), breaks=2),),
        removals=(
            Removal(
                "class", "core.engine:Engine", "core/engine.py", "production", "core", HEAD, "gone", None, 0.5,
                ("no namesake",), (Mention(Place("auth/settings.py", 1), "import"),), 40,
            ),
        ),
        validators=(
            Validator(
                "check", Place("core/check.py", 5), "name", ("x",), ("test_",), ("dummy",), "ENV",
                (Rejected(Place("tests/test_a.py", 7, "test"), "test_user", "test_"),), 3,
            ),
        ),
        chains=(Chain("core/migrations", (Revision("1", (), Place("core/migrations/1.py", 1)),), ("1",)),),
        regressions=(Regression("environment", "get", "URL", use.place, BACK, HEAD, "`URL` is back"),),
        checks=(
            Check("make test", "failed", 1.25, 30, "one\ntwo\n"), Check("true", "passed", 0.5), Check("x", "not run"),
        ),
        diffs=(FileDiff("auth/settings.py", b"import os\n", (Edit(0, 9, b""),)),),
        notes=("1 file can't be parsed: core/new.py",),
    )  # fmt: skip
    headlines = {"mixed-key": "Other operations on the key stay"}
    return replace(report, criteria=criteria(report), phases=phases(report, headlines))


def empty() -> Report:
    return Report("nothing", HEAD, None, (), summaries((), {}, {}), {}, ())


def spoiled(text: str) -> Report:
    """Everything that comes from a code base or its history is `text`."""
    commit = Commit("b" * 40, "2025-09-08", text, text)
    place = Place(text, 1, "production", text)
    use = KeyUse(place, "get", text, True, text)
    found = replace(
        FINDINGS[0], path=text, subject=text, message=text, service=text, owners=(text,), since=commit, remedy=text,
        area="imports", kind="name",
    )  # fmt: skip
    findings = (found, replace(found, is_rewritable=False), replace(found, accepted=text))
    report = Report(
        project=text,
        head=commit,
        start=commit,
        points=(Point(commit, NOW, {}, {}),),
        summaries=summaries(findings, NOW, {}),
        services={text: NOW},
        findings=findings,
        keys=(Key(text, (use,), (use,), (text, text), ("mixed-access",)),),
        imports=(BrokenImport(text, "name", (place,), 0, commit, text, "moved", text, (text,)),),
        modules=(BrokenModule(text, "production", text, (text,), text),),
        removals=(
            Removal(
                "class",
                text,
                text,
                "production",
                text,
                commit,
                "gone",
                text,
                0.5,
                (text,),
                (Mention(place, "string"),),
            ),
        ),
        validators=(Validator(text, place, text, (text,), (text,), (text,), text, (Rejected(place, text, text),)),),
        chains=(Chain(text, (), (text,), (text,), (text,), (text,), False, (text,)),),
        regressions=(Regression("environment", "get", text, place, commit, commit, text),),
        checks=(Check(text, "failed", 0.0, 30, text),),
        notes=(text,),
    )
    return replace(report, criteria=criteria(report), phases=phases(report, {}))


def many(count: int) -> Report:
    findings = tuple(
        replace(FINDINGS[0], path=f"s{number % 300}/m{number}.py", service=f"s{number % 300}", line=number, remedy="")
        for number in range(count)
    )
    report = replace(whole(), findings=findings, summaries=summaries(findings, NOW, EARLIER))
    one = report.imports[0], report.modules[0], report.removals[0], report.points[0], report.regressions[0]
    imports, modules, removals, points, regressions = ((each,) * count for each in one)
    report = replace(
        report, imports=imports, modules=modules, removals=removals, points=points, regressions=regressions
    )
    keys, notes = report.keys[1:] * count, report.notes * count
    return replace(report, keys=keys, notes=notes, criteria=criteria(report), phases=phases(report, {}))


# Bounds of everything that a reader or a terminal sees


@pytest.mark.parametrize("name", ["whole", "empty"])
@pytest.mark.parametrize(("kind", "render"), [("txt", report_text.render), ("md", report_markdown.render)])
def test_the_whole_of_it(name, kind, render):
    """To be looked at by people: the file is the report."""
    expected = (HERE / f"audit_{name}.{kind}").read_text(encoding="utf-8")
    assert render({"whole": whole, "empty": empty}[name]()) == expected


@pytest.mark.parametrize("width", [80, 100])
def test_lines_fit_but_for_paths_and_commands(width):
    long = replace(FINDINGS[1], message="word " * 80, remedy="word " * 80)
    report = replace(whole(), findings=(*FINDINGS, long), notes=("word " * 80,))
    lines = report_text.render(report, width=width).splitlines()
    assert [line for line in lines if len(line) > width and "$ " not in line] == []


def test_colors_say_nothing_new():
    colored = report_text.render(whole(), color=True)
    assert "\x1b[1;31mcritical\x1b[0m" in colored
    assert re.sub("\x1b\\[[0-9;]*m", "", colored) == report_text.render(whole())


def test_ten_thousand_of_everything():
    report = many(10_000)
    text, document = report_text.render(report), report_markdown.render(report)
    assert text.count("\n") < 400
    assert document.count("\n") < 1200
    assert len(document) < 300_000
    assert "and 9,995 more findings" in text
    assert document.count("And 9,950 more: `--format json` has all of them.") >= 7
    only_findings = replace(empty(), findings=report.findings)
    assert len(json.loads(report_json.render(only_findings))["findings"]) == 10_000


# Hostile input

HOSTILE = st.text(
    st.sampled_from("`|\\<>&*_[]()~$#@:/!w.-+=1a \t\n\r\x1b\x9b\u202e\u2028\ud800\udcffé'\""), max_size=14
)
BELLS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
PINGS = re.compile(r"@[\w-]|#\d|://|\bwww\.")


@settings(max_examples=60)
@given(HOSTILE)
def test_nothing_of_it_is_obeyed(text):
    report = spoiled(text)
    for shown in (report_text.render(report), report_markdown.render(report)):
        assert BELLS.search(shown) is None
    assert report_json.render(report).isascii()


def outline(document: str) -> list[str]:
    """The blocks of a document, by type; tables with the number of their rows' cells."""
    tokens = MARKDOWN.parse(document)
    return [token.type for token in tokens if token.nesting == 1 and token.level < 2]


@settings(max_examples=60)
@given(HOSTILE)
def test_hostile_text_stays_text_in_a_document(text):
    document = report_markdown.render(spoiled(text))
    inline = [child for token in MARKDOWN.parse(document) for child in token.children or ()]
    markup = {"code_inline", "html_inline", "strong_open", "strong_close"}
    assert {token.type for token in inline} <= {"text", "text_special"} | markup
    assert {token.content for token in inline if token.type == "html_inline"} <= {"<code>", "</code>"}
    inside_html = False
    for token in inline:
        if token.type == "html_inline":
            inside_html = token.content == "<code>"
        elif token.type == "text" and not inside_html:
            assert PINGS.search(token.content) is None
    for table in re.split(r"\n\n", document):
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in rows}) <= 1


@pytest.mark.parametrize(
    "text", ["| a | b |", "# 1", "1. a", "```", "<script>alert(1)</script>", "---", "[a](b)", "\n\n# x\n"]
)
def test_hostile_text_adds_no_block(text):
    tame = outline(report_markdown.render(spoiled("x")))
    assert outline(report_markdown.render(spoiled(text))) == tame


# JSON


def test_json_has_all_of_a_report():
    told = json.loads(report_json.render(whole()))
    assert (told["version"], told["diffs"]) == (1, ["auth/settings.py"])
    assert set(told) == {"version", "overall", *(field.name for field in dataclasses.fields(Report))}
    assert told["overall"]["now"] == {"good": 112, "all": 115, "percent": 97.3913}
    assert told["findings"][0]["since"] == {
        "id": "2" * 40,
        "date": "2025-09-02",
        "author": "Ada",
        "subject": "Tidy up",
    }
    assert told["findings"][1]["since"] is None
    assert [each["met"] for each in told["criteria"]].count(None) == 1
    assert list(told["services"]) == ["auth", "core"]
    assert told["points"][0]["tallies"]["imports"] == {"good": 100, "all": 100, "percent": 100}


def fields(value: object) -> set[str]:
    """The names of all fields that are not names of something in the code base."""
    if isinstance(value, list):
        return set().union(*map(fields, value))
    if not isinstance(value, dict):
        return set()
    named = {"services", "tallies", "brought", "taken", "by_severity"}
    inner = (each for name, each in value.items() if name not in named)
    return set(value).union(*map(fields, inner))


def test_every_field_is_documented():
    page = (HERE.parent / "docs" / "audit.md").read_text(encoding="utf-8")
    asked = fields(json.loads(report_json.render(whole())))
    assert {name for name in asked if f"`{name}`" not in page} == set()


def test_json_spells_out_what_is_no_text():
    report = replace(
        empty(), findings=(replace(FINDINGS[0], path="caf\udce9.py", subject="\ud83d", message="\udcff\n"),)
    )
    (told,) = json.loads(report_json.render(report))["findings"]
    assert (told["path"], told["subject"], told["message"]) == ("caf\\xe9.py", "\\ud83d", "\\xff\n")
