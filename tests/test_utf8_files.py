"""The codemod utf8-files, case by case (fixtures/utf8_files holds the texts), and what its fixes do when they run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from itertools import groupby

import pytest
from cases import FILES, Case, all_cases, check_case, check_layouts, lay_out, lay_out_case, run_case, run_project

from codemods.utf8_files.openers import FUNCTIONS, METHODS
from codemods.utf8_files.reasons import REASONS
from ssot_fix.edits import apply_edits
from ssot_fix.project.config import ConfigError

CASES = list(all_cases(FILES))
# A locale in which Python opens text as ASCII.
PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-8"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("project")


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_case(case: Case, root):
    check_layouts(case, root)


# The cases themselves


def test_what_must_stay_comes_first_and_is_two_fifths_of_all():
    for topic, cases in groupby(CASES, key=lambda case: case.topic):
        changed = [case.after is not None for case in cases]
        assert changed == sorted(changed), f"{topic}: cases without `after` come first"
    assert sum(case.after is None for case in CASES) >= 0.4 * len(CASES)


def test_titles_are_unique():
    assert not [title for title, count in Counter(case.id for case in CASES).items() if count > 1]


def test_every_reason_has_a_case():
    seen = {reason for case in CASES for _, reason in case.left}
    shared = {"ambiguous-binding", "suppressed", "unparseable", "unsafe"}
    assert set(REASONS) | shared == seen | {"odd-layout"}  # test_a_call_that_is_read_as_newer_syntax


def test_every_way_in_which_codemods_have_failed_has_three_cases():
    counted = Counter(hazard for case in CASES for hazard in case.hazards)
    can_apply = {2, 3, 4, 5, 6, 8, 13, 14, 21}
    assert not [hazard for hazard in sorted(can_apply) if counted[hazard] < 3]


def test_every_opener_has_a_case():
    text = "\n".join(case.after.decode() for case in CASES if case.after is not None)
    names = {path.rpartition(".")[2] for path in FUNCTIONS} | {method for _, method in METHODS}
    assert not [name for name in sorted(names) if name not in text and name not in {"RotatingFileHandler"}]


# What does not read well as text


def test_a_call_that_the_parsers_place_differently_is_refused(root):
    """LibCST's reading of newer syntax gives positions, too; a call whose text isn't a call is left."""
    text = "type A = int\nx = f\"{open('a').read()}\"\n"
    check_case(Case("", text.encode(), text.replace("'a')", "'a', encoding='utf-8')").encode(), folder=FILES), root)


@pytest.mark.parametrize(
    "expression",
    [
        "1 + " * 3_000 + "len(open('a').read())",
        "'' + " + "open('a').read() + " * 300 + "''",
        "[" * 90 + "open('a')" + "]" * 90,
        "str(" * 85 + "open('a')" + ")" * 85,
        "x" + ".replace(open('a').read(), 'a')" * 300,
    ],
    ids=["sum", "many", "brackets", "calls in calls", "chain"],
)
def test_long_expressions(expression, root):
    before = f"A = {expression}\n"
    after = before.replace("open('a')", "open('a', encoding=\"utf-8\")")
    check_case(Case("", before.encode(), after.encode(), folder=FILES), root)


def test_an_unknown_encoding_is_an_error_with_its_place(root):
    lay_out(root, {"app.py": "open('a')\n", "ssot-fix.toml": '[utf8-files]\nencoding = "utf9"\n'})
    with pytest.raises(ConfigError, match=r"ssot-fix\.toml:2.*`utf9`"):
        run_project(root)


def migrated(root, text: str, **general) -> str:
    case = Case("", text.encode(), folder=FILES, **general)
    lay_out_case(case, root)
    (result,) = run_case(case, root).results
    return apply_edits(case.before, result.edits).decode()


# Behaviour, for real

ROUND_TRIPS = {
    "open": "open('t', 'w').write(TEXT); assert open('t').read() == TEXT",
    "path": "p = Path('t'); p.write_text(TEXT); assert p.read_text() == TEXT and p.open().read() == TEXT",
    "fdopen": "f = os.fdopen(os.open('t', os.O_WRONLY | os.O_CREAT), 'w'); f.write(TEXT); f.close()",
    "gzip": "f = gzip.open('t', 'wt'); f.write(TEXT); f.close(); assert gzip.open('t', 'rt').read() == TEXT",
    "tempfile": "f = tempfile.NamedTemporaryFile('w+'); f.write(TEXT); f.seek(0); assert f.read() == TEXT",
    "logging": "h = logging.FileHandler('t'); h.emit(logging.makeLogRecord({'msg': TEXT})); h.close()",
    "subprocess": "assert subprocess.run(['cat'], input=TEXT, text=True, capture_output=True).stdout == TEXT",
    "Popen": "assert subprocess.Popen(['cat'], stdin=-1, stdout=-1, text=True).communicate(TEXT)[0] == TEXT",
    "fileinput": "Path('t').write_bytes(TEXT.encode()); assert ''.join(fileinput.input(['t'])) == TEXT",
    "configparser": "Path('t').write_bytes(f'[a]\\nb={TEXT}'.encode()); c = configparser.ConfigParser(); c.read('t')\n"
    "assert c['a']['b'] == TEXT",
    "zipfile": "z = zipfile.ZipFile('t', 'w'); z.writestr('a', TEXT.encode()); z.close()\n"
    "assert zipfile.Path('t', 'a').read_text() == TEXT",
    "wrapper": "f = io.TextIOWrapper(open('t', 'wb')); f.write(TEXT); f.close()",
    "argparse": "argparse.FileType('w')('t').write(TEXT)",
}
HEAD = (
    "import argparse, configparser, fileinput, gzip, io, logging, os, subprocess, sys, tempfile, zipfile\n"
    "from pathlib import Path\n\n"
    "logging.raiseExceptions = True\nlogging.Handler.handleError = lambda *_: sys.exit(1)\nTEXT = 'ü → 日本語'\n"
)


def runs(folder, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "t").unlink(missing_ok=True)
    (folder / "program.py").write_text(text, encoding="utf-8")
    environment = {**os.environ, **PLAIN}
    command = (sys.executable, "program.py")
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("code", ROUND_TRIPS.values(), ids=ROUND_TRIPS)
def test_text_goes_round_in_a_plain_locale(code, root, tmp_path):
    before = f"{HEAD}{code}\n"
    assert runs(tmp_path, before).returncode != 0
    done = runs(tmp_path, migrated(root, before))
    assert done.returncode == 0, done.stderr
    if code.startswith(("open", "p =", "f = os", "h =", "f = io", "argparse")):
        assert (tmp_path / "t").read_bytes().decode().strip() == "ü → 日本語"


def test_basic_config_spells_nothing_out_any_more(root, tmp_path):
    """Its handler replaces what it can't encode, so that nothing fails, and nobody can read it."""
    before = f"{HEAD}logging.basicConfig(filename='t', format='%(message)s'); logging.error(TEXT)\n"
    assert runs(tmp_path, before).returncode == 0
    assert b"\\u2192" in (tmp_path / "t").read_bytes()
    assert runs(tmp_path, migrated(root, before)).returncode == 0
    assert (tmp_path / "t").read_bytes().decode() == "ü → 日本語\n"
