"""GitHub annotations, read back as the runner reads them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

import pytest

from ssot_fix.edits import Applicability, Edit, FileResult, Finding, Status
from ssot_fix.report.annotations import SHOWN, command, render

READS = "import os\n\nHOST = os.getenv('HOST')\n"
KEPT = "import os\n\nHOST = os.environ['HOST']\n"
REWRITTEN = Finding(
    codemod="isolated-environment",
    path="a.py",
    line=3,
    column=5,
    end_line=3,
    end_column=19,
    kind="getenv",
    status=Status.REWRITTEN,
    applicability=Applicability.SAFE,
    reason=None,
    message="reads `X` from os.environ",
    replacement='get_env().get("X")',
    scope="production",
)
REFUSED = replace(REWRITTEN, status=Status.REFUSED, reason="mixed-key", replacement=None)
SUPPRESSED = replace(REWRITTEN, status=Status.SUPPRESSED, replacement=None)
TEST = replace(REWRITTEN, scope="test", path="tests/a.py")


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    message: str


def commands(output: str) -> list[Command]:
    """Every command in a step's output (actions/runner, src/Runner.Common/ActionCommand.cs: TryParseV2)."""
    return [_command(line) for line in re.split("\r\n|\r|\n", output) if line.strip().startswith("::")]


def _command(line: str) -> Command:
    head, _, message = line.strip()[2:].partition("::")
    name, _, listed = head.partition(" ")
    pairs = (pair.split("=", 1) for pair in listed.split(",") if "=" in pair)
    return Command(name, {key.strip(): _plain(value, True) for key, value in pairs}, _plain(message, False))


def _plain(text: str, of_property: bool) -> str:
    escapes = {"%0D": "\r", "%0A": "\n", **({"%3A": ":", "%2C": ","} if of_property else {}), "%25": "%"}
    for escaped, meant in escapes.items():
        text = text.replace(escaped, meant)
    return text


HOSTILE = [
    "a.py\n::add-mask::x",
    "a.py\r\n::stop-commands::x",
    "::error::x.py",
    "a,line=1,title=x.py",
    "a::b.py",
    "100%0A::x.py",
    "%25.py",
    "a=b:c,d.py",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_path_or_message_starts_a_command(text):
    finding = replace(REFUSED, path=text, message=text, codemod=text, reason=text)
    result = FileResult(text, (finding, replace(REWRITTEN, path=text, kind=text, replacement=text)), error=text)
    output = render([result])
    assert output.endswith("\n")
    assert [line[:2] for line in output.split("\n")[:-1]] == ["::"] * 4
    found = commands(output)
    assert [each.name for each in found] == ["error", "warning", "notice", "notice"]
    assert {each.properties["file"] for each in found[:3]} == {text}
    assert set(found[1].properties) == {"file", "line", "endLine", "col", "endColumn", "title"}
    assert found[0].message == text


def test_what_a_terminal_would_obey_is_spelled_out():
    line = command("error", "\x1b[2J\u202e\udcff\nnext", [("file", "\x1b\udcff.py")])
    assert line == "::error file=^[\\udcff.py::^[[2J\\u202e\\udcff%0Anext"
    line.encode()


def test_suppressed_sites_and_runs_without_findings_say_nothing():
    assert render([]) == ""
    assert render([FileResult("a.py", (SUPPRESSED,))]) == ""


def test_the_contract_to_the_letter():
    result = FileResult("a.py", (REWRITTEN, REFUSED), (Edit(0, 0, b"x"),))
    assert render([FileResult("b.py", error="b.py: Permission denied"), result]) == (
        "::error file=b.py,title=ssot-fix::b.py: Permission denied\n"
        "::warning file=a.py,line=3,endLine=3,col=5,endColumn=19,title=isolated-environment%3A getenv::"
        'reads `X` from os.environ%0Abecomes: get_env().get("X")\n'
        "::notice file=a.py,line=3,endLine=3,col=5,endColumn=19,title=isolated-environment%3A mixed-key::"
        "reads `X` from os.environ%0Aleft alone; `ssot-fix explain mixed-key` says what can be done\n"
        "::notice title=ssot-fix::1 to rewrite, 1 left alone, 1 file failed\n"
    )


def test_columns_are_for_places_on_one_line():
    several = replace(REWRITTEN, end_line=5, end_column=2)
    whole = replace(REFUSED, column=1, end_column=1)
    for finding, expected in ((several, {"line": "3", "endLine": "5"}), (whole, {"line": "3", "endLine": "3"})):
        told = commands(render([FileResult("a.py", (finding,))]))[0].properties
        assert {key: told[key] for key in told if key not in {"file", "title"}} == expected


def test_a_replacement_keeps_its_lines_and_is_cut_where_it_is_long():
    block = replace(REWRITTEN, replacement="if a:\n    b()\n")
    long = replace(REWRITTEN, replacement="x" * 5000)
    first, second, _ = commands(render([FileResult("a.py", (block, long))]))
    assert first.message.endswith("\nbecomes: if a:\n    b()")
    assert len(second.message) < 300
    assert second.message.endswith("xxx...")


def test_what_matters_most_comes_first_and_no_more_than_github_shows():
    many = [FileResult("tests/a.py", (TEST, REFUSED) * 8), FileResult("a.py", (REWRITTEN,) * 4)]
    many += [FileResult(f"{number}.py", error="gone") for number in range(12)]
    *found, last = commands(render(many))
    names = [each.name for each in found]
    assert names == ["error"] * SHOWN + ["warning"] * SHOWN + ["notice"] * 8
    warned = [each.properties["file"] for each in found if each.name == "warning"]
    assert warned == ["a.py"] * 4 + ["tests/a.py"] * 6
    assert last.name == "notice"
    assert last.message.startswith("12 to rewrite, 8 left alone, 12 files failed; 4 of these are not shown here")
    refused = commands(render([FileResult("a.py", (REFUSED,) * 30)]))
    assert [each.name for each in refused] == ["notice"] * SHOWN
    assert refused[-1].message.startswith("0 to rewrite, 30 left alone; 21 of these are not shown here")


# The command


def test_a_check_prints_annotations_only_and_fails(repository, ssot_fix):
    project = repository({"app.py": READS, "sub dir/ä.py": KEPT, "tests/test_a.py": READS})
    done = ssot_fix(project, "--check", "--format", "github", expect=1)
    found = commands(done.stdout.decode())
    assert len(found) == done.stdout.count(b"\n")
    assert [(each.name, each.properties.get("file")) for each in found if each.properties.get("file") == "app.py"] == [
        ("warning", "app.py")
    ]
    assert found[0].properties == {
        "file": "app.py",
        "line": "3",
        "endLine": "3",
        "col": "8",
        "endColumn": "25",
        "title": "isolated-environment: get",
    }
    assert "sub dir/ä.py" in {each.properties.get("file") for each in found}
    assert b"would change" in done.stderr
    assert ssot_fix(project, "--format", "github").stdout == done.stdout
    assert ssot_fix(project, "--format", "github", "--output", "out.txt").stdout == b""
    assert (project.root / "out.txt").read_bytes() == done.stdout
    (project.root / "out.txt").unlink()
    assert project.changed() == []


def test_paths_are_those_of_the_repository_wherever_one_stands(repository, ssot_fix):
    project = repository({"pkg/app.py": READS})
    done = ssot_fix(project.root / "pkg", "--format", "github", ".")
    assert commands(done.stdout.decode())[0].properties["file"] == "pkg/app.py"


def test_after_writing_only_what_is_left_is_told(repository, ssot_fix):
    project = repository({"app.py": READS + "PORT = os.environ['PORT']\n"})
    told = commands(ssot_fix(project, "app.py", "--write", "--format", "github").stdout.decode())
    assert [each.name for each in told] == ["notice", "notice"]
    assert project.read("app.py").split("\n")[int(told[0].properties["line"]) - 1] == "PORT = os.environ['PORT']"
