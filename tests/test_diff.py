"""Every diff is put to the judges it is written for: `git apply` and `patch`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from cases import lines_run
from hypothesis import given, settings
from hypothesis import strategies as st

from ssot_fix.edits import Edit, OverlappingEdits, apply_edits
from ssot_fix.report import diff
from ssot_fix.report.diff import hunks, printable, render_colored, unified_diff

GIT_ENV = {
    **os.environ,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CEILING_DIRECTORIES": "/",
    "LC_ALL": "C",
}
NEEDS_PATCH = pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed")
POSIX_NAMES = pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="this system has no such names")


def body(old: bytes, *edits: Edit) -> bytes:
    """The diff without its two header lines."""
    text = unified_diff("x.py", old, edits)
    assert text.startswith(b"--- a/x.py\n+++ b/x.py\n") or not text
    return text.removeprefix(b"--- a/x.py\n+++ b/x.py\n")


def replace(old: bytes, was: bytes, becomes: bytes) -> Edit:
    assert old.count(was) == 1
    return Edit(old.index(was), old.index(was) + len(was), becomes)


def run(folder: Path, patch: bytes, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, input=patch, capture_output=True, check=False, env=GIT_ENV)
    assert done.returncode == 0, (command, done.stdout, done.stderr, patch)


def git_apply(folder: Path, patch: bytes) -> None:
    run(folder, patch, "git", "-c", "core.autocrlf=false", "apply", "--check", "-p1", "-")
    run(folder, patch, "git", "-c", "core.autocrlf=false", "apply", "-p1", "-")


def gnu_patch(folder: Path, patch: bytes) -> None:
    run(folder, patch, "patch", "-p1", "--binary", "--force", "--fuzz=0", "--quiet")


JUDGES = [git_apply, pytest.param(gnu_patch, marks=NEEDS_PATCH)]


# What the text looks like


@pytest.mark.parametrize(
    ("old", "edits", "expected"),
    [
        (b"", [], b""),
        (b"a\n", [Edit(0, 1, b"a")], b""),
        (b"a\nb\n", [Edit(0, 2, b""), Edit(2, 2, b"a\n")], b""),
        (b"", [Edit(0, 0, b"a\n")], b"@@ -0,0 +1 @@\n+a\n"),
        (b"", [Edit(0, 0, b"a")], b"@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n"),
        (b"a\nb\n", [Edit(0, 4, b"")], b"@@ -1,2 +0,0 @@\n-a\n-b\n"),
        (b"a\n", [Edit(0, 0, b"x\n")], b"@@ -1 +1,2 @@\n+x\n a\n"),
        (b"a\n", [Edit(2, 2, b"x\n")], b"@@ -1 +1,2 @@\n a\n+x\n"),
        (b"x\na\n", [Edit(0, 2, b"")], b"@@ -1,2 +1 @@\n-x\n a\n"),
        (b"a\nx\n", [Edit(2, 4, b"")], b"@@ -1,2 +1 @@\n a\n-x\n"),
        (b"a", [Edit(1, 1, b"\n")], b"@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"),
        (b"a\n", [Edit(1, 2, b"")], b"@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n"),
        (
            b"a",
            [Edit(0, 1, b"b")],
            b"@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n",
        ),
        (
            b"a\nb",
            [Edit(0, 1, b"x")],
            b"@@ -1,2 +1,2 @@\n-a\n+x\n b\n\\ No newline at end of file\n",
        ),
        (
            b"a\nb",
            [Edit(1, 3, b"")],
            b"@@ -1,2 +1 @@\n-a\n-b\n\\ No newline at end of file\n+a\n\\ No newline at end of file\n",
        ),
    ],
)
def test_edges_of_a_file(old: bytes, edits: list[Edit], expected: bytes) -> None:
    assert body(old, *edits) == expected


@pytest.mark.parametrize("inside", [b"\r", b"\f", b"\v", b"\x1c", b"\x85", "\x85".encode(), "\u2028".encode()])
def test_only_a_line_feed_ends_a_line(inside: bytes) -> None:
    old = b"a" + inside + b"b\n"
    assert body(old, replace(old, b"b", b"c")) == b"@@ -1 +1 @@\n-a" + inside + b"b\n+a" + inside + b"c\n"


def test_crlf_stays_with_its_line() -> None:
    old = b"a\r\nb\r\n"
    assert body(old, replace(old, b"b", b"c")) == b"@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n"


def test_shared_lines_of_a_replacement_are_context() -> None:
    old = b"import os\nimport sys\n\nx = 1\n\ny = 2\nz = 3\n"
    new = b"import os\nimport abc\nimport sys\n\nx = 10\n\ny = 2\nz = 30\n"
    assert body(old, Edit(0, len(old), new)) == (
        b"@@ -1,7 +1,8 @@\n import os\n+import abc\n import sys\n \n-x = 1\n+x = 10\n \n y = 2\n-z = 3\n+z = 30\n"
    )


def test_repeated_lines_of_a_replacement_are_context() -> None:
    old, new = b"f(\n)\n\ng(\n)\n\n", b"F(\n)\n\nG(\n)\n\n"
    assert body(old, Edit(0, len(old), new)) == b"@@ -1,6 +1,6 @@\n-f(\n+F(\n )\n \n-g(\n+G(\n )\n \n"


def test_a_deleted_line_does_not_drag_its_neighbour_in() -> None:
    old = b"a\n\nb\n\nc\n"
    assert body(old, Edit(0, 2, b""), replace(old, b"b", b"B")) == b"@@ -1,5 +1,4 @@\n-a\n \n-b\n+B\n \n c\n"


def test_an_insertion_stands_where_it_was_made() -> None:
    old = b"a\n\n\n\nb\n"
    assert body(old, Edit(2, 2, b"\n")).startswith(b"@@ -1,4 +1,5 @@\n a\n+\n \n")


def test_neighbouring_changes_are_one() -> None:
    assert body(b"a\nb\n", Edit(0, 1, b"x"), Edit(2, 3, b"y")) == b"@@ -1,2 +1,2 @@\n-a\n-b\n+x\n+y\n"


@pytest.mark.parametrize(("between", "expected"), [(6, 1), (7, 2)])
def test_hunks_merge_when_their_contexts_meet(between: int, expected: int) -> None:
    old = b"a\n" + b"-\n" * between + b"b\n"
    found = hunks(old, [replace(old, b"a", b"A"), replace(old, b"b", b"B")])
    assert len(found) == expected


def test_later_hunks_count_what_earlier_ones_added() -> None:
    old = b"".join(b"%d\n" % number for number in range(30))
    found = hunks(old, [Edit(0, 0, b"x\ny\n"), replace(old, b"14\n", b""), replace(old, b"28", b"z")])
    assert [hunk.header for hunk in found] == [
        "@@ -1,3 +1,5 @@",
        "@@ -12,7 +14,6 @@",
        "@@ -26,5 +27,5 @@",
    ]


def test_a_hunk_without_context() -> None:
    old = b"a\nb\nc\n"
    assert [hunk.header for hunk in hunks(old, [Edit(2, 2, b"x\n")], 0)] == ["@@ -1,0 +2 @@"]
    assert [hunk.header for hunk in hunks(old, [Edit(2, 4, b"")], 0)] == ["@@ -2 +1,0 @@"]


def test_overlapping_edits_are_an_error() -> None:
    with pytest.raises(OverlappingEdits):
        unified_diff("x.py", b"abc", [Edit(0, 2, b"x"), Edit(1, 3, b"y")])


# What git and patch make of it

ENDINGS = [b"\n", b"\n", b"\n", b"\r\n", b"--- a/x\n", b"@@ -1 +1 @@\n", b"\\ No newline at end of file\n"]
ASCII = [*ENDINGS, b"a", b"b", b"(", b" ", b"\t", b"+", b"-", b"\r", b"\f", b"\0"]
WIDE = [b"\xff", b"\x85", "\x85".encode(), "\u2028".encode(), "\ufeff".encode()]


@st.composite
def cases(draw: st.DrawFn, pieces: Sequence[bytes] = (*ASCII, *WIDE)) -> tuple[bytes, list[Edit]]:
    """A file and edits of it, in any order, often with both sides alike in part."""
    text = st.lists(st.sampled_from(pieces), max_size=30).map(b"".join)
    old = draw(text)
    cuts = sorted(draw(st.lists(st.integers(0, len(old)), max_size=10)))
    spans = list(pairwise(cuts))[:: draw(st.integers(1, 2))]
    edits = [Edit(start, end, draw(text | st.just(old[start:end]))) for start, end in spans]
    in_any_order = st.permutations(edits) if len(set(spans)) == len(spans) else st.just(edits)
    return old, draw(in_any_order)


@pytest.mark.parametrize("judge", JUDGES)
@settings(max_examples=150)
@given(case=cases())
def test_applied_it_gives_the_new_text(
    judge, case: tuple[bytes, list[Edit]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    old, edits = case
    patch = unified_diff("pkg/x.py", old, edits)
    new = apply_edits(old, edits)
    assert bool(patch) == (new != old)
    if patch:
        assert applied(judge, tmp_path_factory.mktemp("tree"), {"pkg/x.py": old}, patch) == {"pkg/x.py": new}


def applied(judge, folder: Path, files: dict[str, bytes], patch: bytes) -> dict[str, bytes]:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    judge(folder, patch)
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items()}


@settings(max_examples=400)
@given(case=cases(), context=st.integers(0, 4))
def test_hunks_hold_together(case: tuple[bytes, list[Edit]], context: int) -> None:
    old, edits = case
    new = apply_edits(old, edits)
    for hunk in hunks(old, edits, context):
        assert hunk.old_count == sum(line.mark != "+" for line in hunk.lines)
        assert hunk.new_count == sum(line.mark != "-" for line in hunk.lines)
        before = [line for line in hunk.lines if line.mark != "+"]
        after = [line for line in hunk.lines if line.mark == "+"]
        assert all(old[line.start : line.end] == line.text for line in before)
        assert all(new[line.start : line.end] == line.text for line in after)
        if before:
            assert hunk.old_line == old.count(b"\n", 0, before[0].start) + 1


@settings(max_examples=400)
@given(case=cases())
def test_no_line_is_both_taken_and_given_back(case: tuple[bytes, list[Edit]]) -> None:
    for hunk in hunks(*case):
        marks = "".join(line.mark for line in hunk.lines)
        for block in re.finditer(r"(-+)(\++)", marks):
            removed = {line.text for line in hunk.lines[block.start(1) : block.end(1)]}
            added = {line.text for line in hunk.lines[block.start(2) : block.end(2)]}
            assert not removed & added


@POSIX_NAMES
@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("pkg/mod.py", b"a/pkg/mod.py"),
        ("a b/c d.py", b"a/a b/c d.py\t"),
        ("-dash.py", b"a/-dash.py"),
        ('quo"te.py', b'"a/quo\\"te.py"'),
        ("back\\slash.py", b'"a/back\\\\slash.py"'),
        ("tab\t.py", b'"a/tab\\t.py"'),
        ("new\nline.py", b'"a/new\\nline.py"'),
        ("es\x1bc \x7f.py", b'"a/es\\033c \\177.py"\t'),
        ("\a\b\v\f\r.py", b'"a/\\a\\b\\v\\f\\r.py"'),
        ("grün/\ue000.py", "a/grün/\ue000.py".encode()),
        ("latin\udce9.py", b"a/latin\xe9.py"),
        ('latin\udce9".py', b'"a/latin\xe9\\".py"'),
        ("1970-01-01 00:00:00.0 +0000", b"a/1970-01-01 00:00:00.0 +0000\t"),
    ],
)
def test_names_arrive(judge, path: str, header: bytes, tmp_path: Path) -> None:
    patch = unified_diff(path, b"a\n", [Edit(0, 1, b"b")])
    assert patch.splitlines()[0] == b"--- " + header
    assert patch.split(b"\n")[1] == b"+++ " + header.replace(b"a/", b"b/", 1)
    assert applied(judge, tmp_path, {path: b"a\n"}, patch) == {path: b"b\n"}


def test_a_lone_surrogate_in_a_name_is_no_failure() -> None:
    assert b"--- a/\xed\xa0\x80.py\n" in unified_diff("\ud800.py", b"a\n", [Edit(0, 1, b"b")])


@pytest.mark.parametrize("judge", JUDGES)
def test_several_files_in_one_patch(judge, tmp_path: Path) -> None:
    files = {"a.py": b"", "b/c.py": b"x", "d.py": b"gone\n", "e.py": b"\n" * 50 + b"end"}
    edits = {
        "a.py": [Edit(0, 0, b"new\n")],
        "b/c.py": [Edit(1, 1, b"\r\n")],
        "d.py": [Edit(0, 5, b"")],
        "e.py": [Edit(53, 53, b"!"), Edit(0, 0, b"top\n")],
    }
    patch = b"".join(unified_diff(name, data, edits[name]) for name, data in files.items())
    expected = {name: apply_edits(data, edits[name]) for name, data in files.items()}
    assert applied(judge, tmp_path, files, patch) == expected


def test_git_applies_it_in_a_folder_of_a_larger_repository(tmp_path: Path) -> None:
    run(tmp_path, b"", "git", "init", "-q")
    project = tmp_path / "backend"
    for name in ("pkg/x.py", "backend/x.py"):
        patch = unified_diff(name, b"a\n", [Edit(0, 1, b"b")])
        assert applied(git_apply, project, {name: b"a\n"}, patch)[name] == b"b\n"


# Time


@pytest.mark.parametrize(
    "unit",
    [b"x = os.getenv('A')  # a line like any other\n" * 10, b"x, " * 100, b"\n" * 100],
    ids=["lines", "one line", "blank lines"],
)
def test_many_edits_in_a_large_file_take_linear_time(unit: bytes) -> None:
    def cost(count: int) -> int:
        edits = [Edit(place, place + 1, b"y") for place in range(0, len(unit) * count, len(unit))]
        return lines_run(
            lambda: (unified_diff("x.py", unit * count, edits), render_colored("x.py", unit * count, edits))
        )

    assert cost(1000) < 3 * cost(500)


@pytest.mark.parametrize("order", ["as it was", "backwards", "two lines over and over"])
def test_a_rewritten_file_takes_no_quadratic_time(order: str) -> None:
    def cost(count: int) -> int:
        lines = {"as it was": range(count), "backwards": range(count, 0, -1)}.get(order, [0, 1] * (count // 2))
        old = b"".join(b"%d\n" % line for line in range(count))
        new = b"".join(b"%d\n" % line for line in lines) + b"\n"
        return lines_run(lambda: unified_diff("x.py", old, [Edit(0, len(old), new)]))

    assert cost(2000) < 3 * cost(1000)


# On a terminal

BOLD, CYAN, DIM, RED, GREEN, OFF = (f"\x1b[{code}m" for code in (1, 36, 2, 31, 32, 0))
ON, OUT = "\x1b[1;7m", "\x1b[22;27m"


def colored(old: bytes, *edits: Edit) -> list[str]:
    """The rendered lines after the header, stressed words as «words»."""
    lines = render_colored("x.py", old, edits).split("\n")
    assert lines[:2] == [f"{BOLD}--- a/x.py{OFF}", f"{BOLD}+++ b/x.py{OFF}"]
    assert lines[2].startswith(f"{CYAN}@@ ")
    assert lines[-1] == ""
    return [line.replace(ON, "«").replace(OUT, "»") for line in lines[3:-1]]


def test_changed_words_are_stressed() -> None:
    old = b'import sys\nx = os.getenv("X", 1)\n'
    assert colored(old, replace(old, b'os.getenv("X", 1)', b'get_env().get("X", 1)')) == [
        " import sys",
        f'{RED}-x = «os.getenv»("X", 1){OFF}',
        f'{GREEN}+x = «get_env().get»("X", 1){OFF}',
    ]


def test_each_edit_of_a_line_is_stressed_by_itself() -> None:
    old = b"f(aa, bb)\n"
    assert colored(old, replace(old, b"aa", b"xx"), replace(old, b"bb", b"yyy")) == [
        f"{RED}-f(«aa», «bb»){OFF}",
        f"{GREEN}+f(«xx», «yyy»){OFF}",
    ]


def test_words_that_stay_inside_an_edit_are_not_stressed() -> None:
    old = b'x = os.environ.get("X", default=1)\n'
    assert colored(old, replace(old, b'os.environ.get("X", default=1)', b'get_env().get("X", 1)')) == [
        f'{RED}-x = «os.environ».get("X", «default=»1){OFF}',
        f'{GREEN}+x = «get_env()».get("X", 1){OFF}',
    ]


def test_edits_on_neighbouring_lines_are_stressed_line_by_line() -> None:
    old = b"a = 1\nb = 2\n"
    assert colored(old, replace(old, b"1", b"3"), replace(old, b"2", b"4")) == [
        f"{RED}-a = «1»{OFF}",
        f"{RED}-b = «2»{OFF}",
        f"{GREEN}+a = «3»{OFF}",
        f"{GREEN}+b = «4»{OFF}",
    ]


def test_one_edit_over_several_lines() -> None:
    old = b"x = f(\n    a,\n)  # why\n"
    assert colored(old, replace(old, b"f(\n    a,\n)", b"f(a)")) == [
        f"{RED}-x = f({OFF}",
        f"{RED}-«    »a«,»{OFF}",
        f"{RED}-)  # why{OFF}",
        f"{GREEN}+x = f(a)  # why{OFF}",
    ]


def test_an_insertion_into_a_line_is_stressed() -> None:
    old = b"from a import b\n"
    assert colored(old, Edit(15, 15, b", c")) == [
        f"{RED}-from a import b{OFF}",
        f"{GREEN}+from a import b«, c»{OFF}",
    ]


def test_whole_lines_need_no_stress() -> None:
    old = b"import os\nimport sys\n"
    assert colored(old, Edit(0, 10, b""), Edit(21, 21, b"import abc\n")) == [
        f"{RED}-import os{OFF}",
        " import sys",
        f"{GREEN}+import abc{OFF}",
    ]
    assert colored(b"a\n", Edit(0, 1, b"b")) == [f"{RED}-a{OFF}", f"{GREEN}+b{OFF}"]


def test_a_missing_final_newline_is_shown() -> None:
    assert colored(b"a", Edit(1, 1, b"\n")) == [
        f"{RED}-a{OFF}",
        f"{DIM}\\ No newline at end of file{OFF}",
        f"{GREEN}+a{OFF}",
    ]


def test_carriage_returns_show_only_where_they_differ() -> None:
    assert colored(b"a\r\nb\r\n", Edit(0, 1, b"x")) == [f"{RED}-a{OFF}", f"{GREEN}+x{OFF}", " b"]
    assert colored(b"a\r\nb\n", Edit(0, 1, b"x")) == [f"{RED}-a^M{OFF}", f"{GREEN}+x^M{OFF}", " b"]
    assert colored(b"a\r\n", Edit(1, 2, b"")) == [f"{RED}-a«^M»{OFF}", f"{GREEN}+a{OFF}"]


def test_a_hostile_file_gives_the_terminal_no_orders() -> None:
    old = "x = '\x1b]0;owned\x07' + '\x9b2J' + '\u202eevil\u2066' + '\ufeff\u2028\x85\f\b'\n".encode() + b"\xff\x9b\n"
    shown = render_colored("\x1b[31m\u202ename\x9b.py", old, [replace(old, b"x", b"y")])
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown) == (
        '--- "a/\\033[31m\\u202ename\\x9b.py"\n+++ "b/\\033[31m\\u202ename\\x9b.py"\n@@ -1,2 +1,2 @@\n'
        "-x = '^[]0;owned^G' + '\\x9b2J' + '\\u202eevil\\u2066' + '\\ufeff\\u2028\\x85^L^H'\n"
        "+y = '^[]0;owned^G' + '\\x9b2J' + '\\u202eevil\\u2066' + '\\ufeff\\u2028\\x85^L^H'\n"
        " \ufffd\ufffd\n"
    )


def test_printable_leaves_text_alone() -> None:
    text = "naïve\t日本語 👩\u200d🔬"
    assert printable(text) == text
    assert printable("a\nb\x7f\udcff") == "a^Jb^?\\udcff"


@settings(max_examples=400)
@given(case=cases(ASCII))
def test_colours_change_no_text(case: tuple[bytes, list[Edit]]) -> None:
    old, edits = case
    shown = re.sub(r"\x1b\[[0-9;]*m", "", render_colored("x.py", old, edits)).split("\n")
    plain = unified_diff("x.py", old, edits).split(b"\n")
    assert [line.rstrip("^M") for line in shown] == [printable(line.decode()).rstrip("^M") for line in plain]


def test_the_bound_on_rounds_costs_correctness_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "_ROUNDS", 0)
    assert body(b"a\nx\nb\n", Edit(0, 6, b"A\nx\nB\n")) == b"@@ -1,3 +1,3 @@\n-a\n-x\n-b\n+A\n+x\n+B\n"
