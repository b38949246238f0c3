"""The SARIF report, held against the schema, and its fixes, carried out by a reader that knows SARIF only."""

from __future__ import annotations

import codecs
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from urllib.parse import unquote_to_bytes

import jsonschema
import pytest
from cases import (
    ENVIRONMENT,
    FILES,
    FIXTURES,
    IMPORTS,
    STREAMS,
    all_cases,
    catalog,
    lay_out_case,
    make_project,
    run_case,
    run_project,
)
from conftest import Repository

from ssot_fix.edits import Applicability, Edit, FileResult, Finding, Status, apply_edits
from ssot_fix.engine.run import Outcome
from ssot_fix.reasons import SHARED
from ssot_fix.report.remaining import remaining
from ssot_fix.report.sarif import FINGERPRINT, render
from ssot_fix.source import Source

ENVIRONMENT_USE = "isolated-environment"
READS = "import os\n\nHOST = os.getenv('HOST')\n"
KEPT = "import os\n\nHOST = os.environ['HOST']\n"
REWRITTEN = Finding(
    codemod=ENVIRONMENT_USE,
    path="a.py",
    line=1,
    column=1,
    end_line=1,
    end_column=4,
    kind="getenv",
    status=Status.REWRITTEN,
    applicability=Applicability.SAFE,
    reason=None,
    message="reads `HOST`",
    replacement="x",
    scope="production",
)
REFUSED = replace(REWRITTEN, status=Status.REFUSED, reason="mixed-key", replacement=None)
SUPPRESSED = replace(REWRITTEN, status=Status.SUPPRESSED, replacement=None)


@cache
def validator() -> jsonschema.Draft4Validator:
    schema = json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_bytes())
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


def log_of(results: list[FileResult], sources: Mapping[str, bytes], notes: list[str] | None = None) -> dict:
    log = json.loads(render(results, sources, len(results), catalog(), notes or []))
    validator().validate(log)
    return log["runs"][0]


def log_of_run(root: Path, outcome: Outcome) -> dict:
    sources = {result.path: (root / result.path).read_bytes() for result in outcome.results}
    return log_of(outcome.results, sources)


# A reader of SARIF: nothing of ours is used from here on to the tests.


def path_of(location: dict) -> str:
    assert location["uriBaseId"] == "%SRCROOT%"
    assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", location["uri"]), "not a relative URI (RFC 3986)"
    return unquote_to_bytes(location["uri"]).decode("utf-8", "surrogateescape")


class Text:
    """A file as a run's own settings say that it has to be counted in."""

    def __init__(self, run: dict, path: str, raw: bytes) -> None:
        encodings = {path_of(each["location"]): each.get("encoding") for each in run["artifacts"]}
        self.encoding = encodings[path] or run["defaultEncoding"]
        self.bom = codecs.BOM_UTF8 if raw.startswith(codecs.BOM_UTF8) else b""
        assert run["columnKind"] == "utf16CodeUnits"
        # In UTF-16, an index is a column.
        self.wide = raw.removeprefix(self.bom).decode(self.encoding).encode("utf-16-le")
        newline = "|".join(map(re.escape, run["newlineSequences"]))
        ends = [match.end() for match in re.finditer(newline, raw.removeprefix(self.bom).decode(self.encoding))]
        text = raw.removeprefix(self.bom).decode(self.encoding)
        self.starts = [len(text[:end].encode("utf-16-le")) for end in (0, *ends)]

    def index(self, line: int, column: int) -> int:
        return self.starts[line - 1] + 2 * (column - 1)

    def span(self, region: dict) -> slice:
        start = self.index(region["startLine"], region["startColumn"])
        return slice(start, self.index(region["endLine"], region["endColumn"]))

    def words(self, region: dict) -> str:
        return self.wide[self.span(region)].decode("utf-16-le")

    def changed(self, replacements: list[dict]) -> bytes:
        wide, end = self.wide, len(self.wide) + 1
        for each in sorted(replacements, key=lambda each: self.span(each["deletedRegion"]).start, reverse=True):
            span = self.span(each["deletedRegion"])
            assert span.start <= span.stop < end, "replacements that meet or overlap"
            end = span.start
            inserted = each.get("insertedContent", {}).get("text", "")
            wide = wide[: span.start] + inserted.encode("utf-16-le") + wide[span.stop :]
        return self.bom + wide.decode("utf-16-le").encode(self.encoding)


def fixed(run: dict, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Every file with all fixes of the run applied once each."""
    replacements: dict[str, list[dict]] = {}
    for result in run["results"]:
        for fix in result.get("fixes", []):
            for change in fix["artifactChanges"]:
                replacements.setdefault(path_of(change["artifactLocation"]), []).extend(change["replacements"])
    changed = {path: Text(run, path, sources[path]).changed(found) for path, found in replacements.items()}
    return {**sources, **changed}


# Fixes


@pytest.mark.parametrize("folder", [ENVIRONMENT, IMPORTS, STREAMS, FILES])
def test_the_fixes_of_every_case_make_what_writing_makes(folder, tmp_path):
    for case in all_cases(folder):
        if not case.runs_here:
            continue
        sources = lay_out_case(case, tmp_path)
        results = run_case(case, tmp_path).results
        sources = {result.path: (tmp_path / result.path).read_bytes() for result in results} | sources
        run = log_of(results, sources)
        expected = {result.path: apply_edits(sources[result.path], result.edits) for result in results}
        assert fixed(run, sources) == {**sources, **expected}, case.id
        assert sum("fixes" in each for each in run["results"]) == sum(bool(each.edits) for each in results)


def test_the_fixes_of_a_whole_project_make_what_writing_makes(tmp_path):
    root = shutil.copytree(FIXTURES / "legacy_platform", tmp_path / "project")
    outcome = run_project(root, unsafe_fixes=True, include_tests=True)
    sources = {result.path: (root / result.path).read_bytes() for result in outcome.results}
    run = log_of(outcome.results, sources)
    for result in outcome.results:
        assert fixed(run, sources)[result.path] == apply_edits(sources[result.path], result.edits), result.path
    codemods = {rule["id"].partition("/")[0] for rule in run["tool"]["driver"]["rules"]}
    assert codemods == set(catalog())
    assert len(run["results"]) == sum(len(result.findings) for result in outcome.results)
    left, new = remaining(outcome.results, sources)
    for result in log_of(left, new)["results"]:
        assert "fixes" not in result
        assert result["level"] == "note" or result["suppressions"]


TEXT = """\
import os

A = "ä 𝔘𝔫𝔦 \u00a0", os.getenv("ä𝔘"), "\x0c\u2028𝔘", os.getenv("B")
B = os.environ["𝔘"], "𝔘", os.environ["C"]  # ssot-fix: ignore[isolated-environment]
"""
LAYOUTS = {
    "UTF-8": TEXT.encode(),
    "CRLF, no newline at the end": TEXT.rstrip().replace("\n", "\r\n").encode(),
    "CR behind a BOM": codecs.BOM_UTF8 + TEXT.replace("\n", "\r").encode(),
    "mixed newlines": TEXT.replace("\n", "\r", 1).replace("\n", "\r\n", 1).encode(),
    "Latin-1": ("# coding: latin-1\n" + TEXT.replace("𝔘", "Ü").replace("𝔫𝔦 \u00a0", "").replace("\u2028", "")).encode(
        "latin-1"
    ),
    "Windows-1252": (
        "# coding: cp1252\n" + TEXT.replace("𝔘", "€").replace("𝔫𝔦 \u00a0", "").replace("\u2028", "")
    ).encode("cp1252"),
    "GB 18030": ("# coding: gb18030\n" + TEXT).encode("gb18030"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_places_are_exact_in_every_encoding(layout, tmp_path):
    root = make_project(tmp_path, {"a.py": LAYOUTS[layout]})
    outcome = run_project(root, asked=(ENVIRONMENT_USE,), codemods=(ENVIRONMENT_USE,))
    run = log_of_run(root, outcome)
    sources = {result.path: (root / result.path).read_bytes() for result in outcome.results}
    text = Text(run, "a.py", sources["a.py"])
    places = [each["locations"][0]["physicalLocation"] for each in run["results"]]
    words = [text.words(each["region"]) for each in places if path_of(each["artifactLocation"]) == "a.py"]
    first, fourth = ("ä𝔘", "𝔘") if "𝔘" in text.wide.decode("utf-16-le") else (None, None)
    assert len(words) == 4
    assert [word[:11] for word in words] == ['os.getenv("', 'os.getenv("', "os.environ[", "os.environ["]
    assert words[1] == 'os.getenv("B")'
    assert words[3] == 'os.environ["C"]'
    if first is not None:
        assert words[0] == f'os.getenv("{first}")'
        assert words[2] == f'os.environ["{fourth}"]'
    [result] = [each for each in outcome.results if each.path == "a.py"]
    assert fixed(run, sources)["a.py"] == apply_edits(sources["a.py"], result.edits) != sources["a.py"]


def test_edits_that_meet_are_one_replacement_and_idle_ones_none():
    old = b"import os\nx = 1\n"
    edits = (Edit(0, 9, b"import sys"), Edit(9, 9, b"  # kept"), Edit(9, 9, b" twice"), Edit(10, 11, b"x"))
    run = log_of([changed(old, edits)], {"a.py": old})
    [fix] = run["results"][0]["fixes"]
    assert fix["artifactChanges"][0]["replacements"] == [
        {
            "deletedRegion": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 10},
            "insertedContent": {"text": "import sys  # kept twice"},
        }
    ]
    assert fixed(run, {"a.py": old})["a.py"] == b"import sys  # kept twice\nx = 1\n"


def test_a_deletion_inserts_nothing():
    old = b"import os\nx = 1\n"
    run = log_of([changed(old, (Edit(0, 10, b""),))], {"a.py": old})
    assert run["results"][0]["fixes"][0]["artifactChanges"][0]["replacements"] == [
        {"deletedRegion": {"startLine": 1, "startColumn": 1, "endLine": 2, "endColumn": 1}}
    ]


def test_no_fix_for_what_is_not_to_be_rewritten_or_no_longer_is_what_was_read():
    old = b"abc\n"
    run = log_of([changed(old, (Edit(0, 1, b"x"),), REFUSED, SUPPRESSED, REWRITTEN, REWRITTEN)], {"a.py": old})
    assert ["fixes" in each for each in run["results"]] == [False, False, True, False]
    for sources in ({}, {"a.py": b"abcd\n"}, {"a.py": b"\xff\n"}):
        run = log_of([changed(old, (Edit(0, 1, b"x"),))], sources)
        assert all("fixes" not in each for each in run["results"])


# What a result says


def changed(old: bytes, edits: tuple[Edit, ...], *findings: Finding) -> FileResult:
    return FileResult("a.py", findings or (REWRITTEN,), edits, hashlib.sha256(old).digest())


def test_each_status_has_its_level_and_rule():
    run = log_of([FileResult("a.py", (REWRITTEN, REFUSED, SUPPRESSED))], {"a.py": b"abc\n"})
    assert [(each["ruleId"], each["level"], each["suppressions"]) for each in run["results"]] == [
        ("isolated-environment/getenv", "warning", []),
        ("isolated-environment/mixed-key", "note", []),
        ("isolated-environment/getenv", "warning", [{"kind": "inSource"}]),
    ]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[each["ruleIndex"]]["id"] for each in run["results"]] == [each["ruleId"] for each in run["results"]]
    assert len(rules) == 2
    codemod = catalog()[ENVIRONMENT_USE]
    assert rules[0]["help"]["text"] == codemod.explanation.strip()
    assert rules[1]["help"]["text"].startswith(codemod.reasons["mixed-key"])
    assert [rule["defaultConfiguration"]["level"] for rule in rules] == ["warning", "note"]
    assert [each["message"]["text"] for each in run["results"]] == [
        "reads `HOST`; becomes: x",
        "reads `HOST` (left alone: mixed-key)",
        "reads `HOST`",
    ]


def test_every_reason_of_every_codemod_makes_a_rule(tmp_path):
    findings = [
        replace(REFUSED, codemod=name, reason=reason)
        for name, codemod in catalog().items()
        for reason in (*codemod.reasons, *SHARED)
    ]
    run = log_of([FileResult("a.py", tuple(findings))], {})
    for rule in run["tool"]["driver"]["rules"]:
        assert 10 < len(rule["shortDescription"]["text"]) <= 1024, rule["id"]
        assert len(rule["fullDescription"]["text"]) <= 1024, rule["id"]


def test_a_failure_is_told_as_one_and_makes_the_run_unsuccessful():
    run = log_of([FileResult("a b.py", error="a b.py: Permission denied")], {}, ["stale-imports is inactive"])
    [invocation] = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert [(each["level"], each["message"]["text"]) for each in invocation["toolExecutionNotifications"]] == [
        ("error", "a b.py: Permission denied"),
        ("note", "stale-imports is inactive"),
    ]
    assert run["results"] == []
    assert log_of([], {})["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]


def test_paths_are_percent_encoded_byte_by_byte():
    names = ["a b.py", "ä.py", "100%.py", "a#b?.py", "c:d.py", "x/[y]/z.py", "\udcff.py", "\ue000.py", "a\nb.py"]
    results = [FileResult(name, (replace(REWRITTEN, path=name),)) for name in names]
    run = log_of(results, {})
    places = [each["locations"][0]["physicalLocation"]["artifactLocation"] for each in run["results"]]
    assert [path_of(place) for place in places] == names
    assert [place["uri"] for place in places][:3] == ["a%20b.py", "%C3%A4.py", "100%25.py"]


def test_a_message_is_one_line_of_text_that_every_reader_takes():
    hostile = replace(REWRITTEN, message="a\nb \x1b[31m \u202e \udcff {0} [x](https://y)", replacement="\udcff\n")
    text = render([FileResult("a.py", (hostile,))], {}, 1, catalog())
    assert json.loads(text)["runs"][0]["results"][0]["message"]["text"] == (
        "a b ^[[31m \\u202e \\udcff {{0}} [x] (https://y)"
    )
    assert "\\ud" not in text.replace("\\\\ud", "")


def test_a_finding_about_a_whole_file_has_a_line_only():
    whole = replace(REFUSED, line=3, end_line=3, end_column=1, kind="file", reason="unparseable")
    run = log_of([FileResult("a.py", (whole,))], {"a.py": b"\xff"})
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 3}


# Fingerprints


def prints(source: str, tmp_path: Path) -> list[str]:
    root = make_project(tmp_path, {"a.py": source})
    run = log_of_run(root, run_project(root, codemods=(ENVIRONMENT_USE,)))
    places = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"]]
    results = zip(run["results"], places, strict=True)
    return [each["partialFingerprints"][FINGERPRINT] for each, uri in results if uri == "a.py"]


def test_fingerprints_survive_what_moves_lines_and_tell_sites_apart(tmp_path):
    before = prints(f"{READS}PORT = os.getenv('PORT')\nPORT = os.getenv('PORT')\n", tmp_path)
    assert len(set(before)) == 3
    moved = f"{READS}if HOST:\n\n    PORT  =  os.getenv('PORT')\n    PORT = os.getenv('PORT')\n"
    assert prints(f"# one\n# two\n{moved}", tmp_path) == before
    other = prints(f"{READS}PORT = os.getenv('PORTS')\nPORT = os.getenv('PORT')\n", tmp_path)
    assert (other[0], other[2]) == (before[0], before[1])
    assert other[1] not in before


# After writing


def test_what_is_left_is_told_where_it_now_is(tmp_path):
    text = f'"""ä."""\n\n{KEPT}A = "𝔘", os.getenv("LONGER_NAME"), os.environ["X"], os.getenv("B")\n'
    for raw in (text.encode(), codecs.BOM_UTF8 + text.replace("\n", "\r\n").encode()):
        root = make_project(tmp_path, {"a.py": raw})
        outcome = run_project(root, codemods=(ENVIRONMENT_USE,))
        sources = {result.path: (root / result.path).read_bytes() for result in outcome.results}
        results, new = remaining(outcome.results, sources)
        run = log_of(results, new)
        [result] = [each for each in outcome.results if each.path == "a.py"]
        assert new["a.py"] == apply_edits(raw, result.edits) != raw
        places = [each["locations"][0]["physicalLocation"] for each in run["results"]]
        written = Text(run, "a.py", new["a.py"])
        assert [written.words(each["region"]) for each in places if each["artifactLocation"]["uri"] == "a.py"] == [
            "os.environ['HOST']",
            'os.environ["X"]',
        ]
        assert all("fixes" not in each for each in run["results"])
        assert Source(new["a.py"]).text.count("get_env().get(") == 2


def test_what_is_inserted_around_a_site_is_not_part_of_it():
    old = b"abc d\n"
    edits = (Edit(0, 0, b"new\n"), Edit(3, 3, b"!!"), Edit(4, 5, b"e"))
    [left], new = remaining([changed(old, edits, REFUSED, REWRITTEN)], {"a.py": old})
    assert new == {"a.py": b"new\nabc!! e\n"}
    assert left.findings == (replace(REFUSED, line=2, end_line=2),)


# The command


def test_the_command_prints_the_log_and_nothing_else(repository: Callable[..., Repository], ssot_fix):
    project = repository({"app.py": READS, "kept.py": KEPT})
    done = ssot_fix(project, "--format", "sarif", "--check", expect=1)
    run = json.loads(done.stdout)
    validator().validate(run)
    assert {each["ruleId"] for each in run["runs"][0]["results"]} > {"isolated-environment/get"}
    assert ssot_fix(project, "--format", "sarif", "--output", "log.sarif").stdout == b""
    assert (project.root / "log.sarif").read_bytes() == done.stdout
    (project.root / "log.sarif").unlink()
    left = json.loads(ssot_fix(project, "--format", "sarif", "--write").stdout)["runs"][0]
    assert project.changed() == ["app.py"]
    assert {each["level"] for each in left["results"]} == {"note"}
    assert ssot_fix(project, "discover-moves", "--format", "sarif", expect=2).stdout == b""
