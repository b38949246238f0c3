from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TextIO

import pytest

from ssot_fix.edits import Applicability, Finding, Status
from ssot_fix.report.summary import Summary, Tally
from ssot_fix.report.terminal import finding_line, print_summary

REFUSED = Finding(
    codemod="isolated-environment",
    path="backend/app/settings.py",
    line=12,
    column=5,
    end_line=12,
    end_column=20,
    kind="subscript",
    status=Status.REFUSED,
    applicability=Applicability.MANUAL,
    reason="mixed-key",
    message="other uses of `X` stay",
    replacement=None,
    scope="production",
)
HEADLINES = {
    "mixed-key": "Other operations on the same key in this file stay as they are, so this has to, too",
    "raises-differently": "A missing key raises KeyError here, and the accessor returns None",
}
ONE = Tally(rewritten=1091, suppressed=2, refused=40, files=90)
TWO = Tally(rewritten=3, files=1)
BUSY = Summary(
    6164,
    41,
    0,
    ONE,
    {"isolated-environment": ONE},
    {"mixed-key": 11, "no-headline": 1, "raises-differently": 28},
)
NOTHING = Summary(1204, 0, 0, Tally(), {}, {})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(summary: Summary, *, tests: int = 0) -> str:
    terminal = Terminal()
    printed(summary, terminal, tests=tests)
    return terminal.getvalue()


def printed(
    summary: Summary,
    file: TextIO | None = None,
    *,
    seconds: float = 1.84,
    tests: int = 0,
    write: bool = False,
    color: bool = False,
    verbose: bool = False,
    findings: Sequence[Finding] = (),
    headlines: Mapping[str, str] = HEADLINES,
) -> str:
    text = io.StringIO()
    print_summary(
        summary,
        seconds=seconds,
        test_files_skipped=tests,
        console_file=file or text,
        color=color,
        write_mode=write,
        headlines=headlines,
        verbose=verbose,
        findings=findings,
    )
    return text.getvalue()


def test_the_whole_of_it() -> None:
    assert printed(BUSY, tests=4120) == (
        """\
codemod                rewritten   refused   suppressed   files
───────────────────────────────────────────────────────────────
isolated-environment       1,091        40            2      90

Left alone, and why (`ssot-fix explain REASON` says more):
28  raises-differently  A missing key raises KeyError here, and the accessor returns None
11  mixed-key           Other operations on the same key in this file stay as they are, so this has to, too
 1  no-headline

6,164 files scanned, 41 would change in 1.8 s; 4,120 test files left out (--include-tests)
"""
    )


def test_several_codemods_have_a_total() -> None:
    both = {"isolated-environment": ONE, "utf8": TWO}
    text = printed(Summary(6164, 42, 1, Tally(1094, 2, 40, 91), both, {}), write=True)
    assert text == (
        """\
codemod                rewritten   refused   suppressed   files
───────────────────────────────────────────────────────────────
isolated-environment       1,091        40            2      90
utf8                           3         0            0       1
───────────────────────────────────────────────────────────────
total                      1,094        40            2      91

6,164 files scanned, 42 changed, 1 failed in 1.8 s
"""
    )


def test_nothing_found_is_one_line() -> None:
    assert printed(NOTHING, seconds=0.8) == "Nothing to migrate: 1,204 files scanned in 0.80 s\n"


def test_nothing_found_still_tells_what_failed() -> None:
    failed = NOTHING._replace(files_failed=2)
    expected = "Nothing to migrate: 1,204 files scanned, 2 failed in 1.8 s; 1 test file left out (--include-tests)\n"
    assert printed(failed, tests=1) == expected
    assert printed(failed, tests=1, color=True) == expected


def test_nothing_found_is_green() -> None:
    assert printed(NOTHING, color=True).startswith("\x1b[32mNothing to migrate\x1b[0m: 1,204 files")


def test_nothing_found_wraps_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = on_terminal(NOTHING, tests=4120)
    assert text.splitlines()[1] == "(--include-tests)"


@pytest.mark.parametrize(
    ("scanned", "tests", "expected"),
    [
        (1, 0, "1 file scanned in 1.8 s\n"),
        (0, 1, "0 files scanned in 1.8 s; 1 test file left out (--include-tests)\n"),
        (2, 2, "2 files scanned in 1.8 s; 2 test files left out (--include-tests)\n"),
    ],
)
def test_plurals(scanned: int, tests: int, expected: str) -> None:
    assert printed(NOTHING._replace(files_scanned=scanned), tests=tests).endswith(f": {expected}")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.004, "0.00 s"),
        (0.9, "0.90 s"),
        (1, "1.0 s"),
        (59.94, "59.9 s"),
        (60, "1 min 0 s"),
        (134.6, "2 min 15 s"),
    ],
)
def test_durations(seconds: float, expected: str) -> None:
    assert printed(NOTHING, seconds=seconds).endswith(f" in {expected}\n")


def test_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = on_terminal(BUSY, tests=4120).splitlines()
    assert max(map(len, lines)) <= 80
    assert "11  mixed-key           Other operations on the same key in this file stay as" in lines
    assert "                        they are, so this has to, too" in lines


def test_a_tiny_terminal_leaves_the_columns_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    assert "isolated-environment       1,091        40            2      90" in on_terminal(BUSY)


def test_a_pipe_gets_whole_lines_without_trailing_blanks() -> None:
    reason, headline = "a-reason-code-that-is-as-long-as-codes-get", "why " * 50
    summary = BUSY._replace(by_reason={reason: 1}, by_codemod={"codemod" * 12: ONE})
    text = printed(summary, headlines={reason: headline})
    assert "codemod" * 12 in text
    assert f"1  {reason}  {headline.strip()}\n" in text
    assert not re.search(r"[ \t]$", text, re.MULTILINE)


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"])
def test_color_is_the_callers_choice(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in on_terminal(BUSY)
    assert "\x1b[32m1,091\x1b[0m" in printed(BUSY, color=True)
    assert [
        re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in printed(BUSY, color=True).splitlines()
    ] == printed(BUSY).splitlines()


def test_markup_in_a_headline_is_text() -> None:
    headline = "os.environ[key] and [bold] :smile:"
    assert headline in printed(BUSY, headlines={"mixed-key": headline})


def test_an_old_console_gets_a_table_it_can_show() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="cp437", errors="strict")
    printed(BUSY, file)
    file.flush()
    assert raw.getvalue().isascii()


def test_verbose_lists_refused_sites_first() -> None:
    findings = [replace(REFUSED, status=Status.REWRITTEN, line=1), REFUSED]
    text = printed(BUSY, findings=findings, verbose=True)
    line = "backend/app/settings.py:12:5 isolated-environment mixed-key other uses of `X` stay\n"
    assert text == line + "\n" + printed(BUSY, findings=findings)


def test_verbose_with_nothing_refused() -> None:
    assert printed(BUSY, verbose=True) == printed(BUSY)


def test_finding_lines() -> None:
    assert finding_line(replace(REFUSED, status=Status.SUPPRESSED, reason=None, message="")) == (
        "backend/app/settings.py:12:5 isolated-environment suppressed"
    )
    hostile = replace(REFUSED, path="a\nb\x1b[31m\udcff.py", message="two\nlines\x9b")
    assert finding_line(hostile) == ("a^Jb^[[31m\\udcff.py:12:5 isolated-environment mixed-key two lines\\x9b")


def test_without_a_table_rich_stays_out() -> None:
    code = (
        "import sys; from ssot_fix.report import terminal, json_report, diff\n"
        "from ssot_fix.report.summary import summarize\n"
        "terminal.print_summary(summarize([], 3), seconds=1, test_files_skipped=0, console_file=sys.stdout,"
        " color=False, write_mode=False, headlines={})\n"
        "assert not {'rich', 'difflib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("Nothing to migrate: 3 files scanned in 1.0 s\n", "")
