"""The codemod, case by case: fixtures/isolated_environment holds the texts."""

from __future__ import annotations

import codecs
from collections import Counter
from dataclasses import replace
from itertools import cycle, groupby

import pytest
from cases import Case, all_cases, check_case, check_layouts, lines_run, make_project, run_project

from codemods.isolated_environment import IsolatedEnvironment
from codemods.isolated_environment.reasons import REASONS
from ssot_fix.edits import Status, apply_edits
from ssot_fix.engine.run import Request, run
from ssot_fix.project.config import load
from ssot_fix.reasons import SHARED

CASES = list(all_cases())
IMPORT = "from shared.isolated_environment import get_env\n"


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
    elsewhere = {
        "proof-failed",  # would be a gap in the planner: cases.accounted() allows none
        "odd-position",  # of some Pythons before 3.12 only
        "import-layout",  # of codemods that move imports
        "overlapping-edits",  # test_two_codemods_that_want_the_same_bytes
        "uncommitted-changes",  # test_cli
        "not-written",  # test_write, test_bad_input
    }
    seen = {reason for case in CASES for _, reason in case.left}
    assert set(REASONS) | set(SHARED) == (seen - {"suppressed"}) | elsewhere


def test_every_way_in_which_codemods_have_failed_has_three_cases():
    counted = Counter(hazard for case in CASES for hazard in case.hazards)
    in_code = {22: test_long_expressions, 23: test_mixed_newlines, 24: test_files_do_not_see_each_other}
    everywhere = {25}  # every case that changes something runs twice
    assert not [n for n in range(1, 26) if counted[n] < 3 and n not in in_code and n not in everywhere]


# What does not read well as text


def check(root, before: str | bytes, after: str | bytes, *left, **options):
    before, after = (text.encode() if isinstance(text, str) else text for text in (before, after))
    check_case(Case("", before, None if after == before else after, left, **options), root)


LONG = {
    "sum, the read first": ("int({read}) + " + " + ".join(map(str, range(3_000)))),
    "sum, the read last": (" + ".join(map(str, range(3_000))) + " + int({read})"),
    "sum, the read in the middle": (
        " + ".join(map(str, range(1_500))) + " * int({read}) - " + " - ".join("1" * 1_500)
    ),
    "conjunction": " or ".join(["{read}"] * 600),
    "concatenation": " ".join(["'a'"] * 3_000) + " + {read}",
    "brackets": "[" * 90 + "{read}" + "]" * 90,
    "chain of calls": "x" + ".replace({read}, 'a')" * 300,
    "calls in calls": "str(" * 85 + "{read}" + ")" * 85,
    "comparison": "1 < " * 3_000 + "int({read})",
    "signs": "- " * 1_500 + "int({read})",
}


@pytest.mark.parametrize("expression", LONG.values(), ids=LONG)
def test_long_expressions(expression, root):
    before, after = (expression.format(read=f"{name}('A')") for name in ("os.getenv", "get_env().get"))
    check(root, f"import os\n\nA = {before}\n", f"{IMPORT}\nA = {after}\n")


def test_long_chains_of_branches(root):
    head, tail = "import os\n\nif os.getenv('A'): pass\n", "elif A == 0: pass\n" * 900
    check(root, head + tail, f"{IMPORT}\nif get_env().get('A'): pass\n{tail}")


def test_a_nesting_that_no_parser_takes_is_refused(root):
    deep = "import os\n\nA = " + "(" * 5_000 + "os.getenv('A')" + ")" * 5_000 + "\n"
    check(root, deep, deep, (3, "unparseable"))


def test_many_sites_take_time_in_proportion(root):
    def cost(count):
        before = "import os\n\n" + "".join(f"A{i} = os.getenv('A{i}')\n" for i in range(count))
        make_project(root, {"app.py": before})
        found = []
        lines = lines_run(lambda: found.extend(r for r in run_project(root).results if r.path == "app.py"))
        assert len(found[0].findings) == count
        assert b"os.getenv" not in apply_edits(before.encode(), found[0].edits)
        return lines

    cost(1)  # what is imported and compiled once
    assert cost(400) < 3 * cost(200)


@pytest.mark.parametrize(
    "newlines",
    [["\r\n", "\r", "\n"], ["\r", "\n", "\r\n"], ["\r\n", "\n"], ["\n", "\r\n"], ["\r", "\r\n"], ["\r\n", "\r"]],
    ids=repr,
)
def test_mixed_newlines(newlines, root):
    endings = cycle(newlines)
    lines = ['"""Doc."""', "import os", "import sys", "", "A = os.getenv('A')", "def f(x):", "    return os.getenv(x)"]
    text = [(line, next(endings)) for line in lines]
    newline = text[2][1]  # that of the line above the new import
    added = [text[0], text[2], ("", newline), (IMPORT.strip(), newline), *text[3:]]
    after = "".join(line + end for line, end in added).replace("os.getenv", "get_env().get")
    check(root, "".join(line + end for line, end in text), after)


@pytest.mark.parametrize(
    ("encoding", "letters"),
    [
        ("latin-1", "äöü"),
        ("cp1252", "€„ß"),
        ("koi8-r", "Привет"),
        ("euc-jp", "日本語"),
        ("shift_jis", "日本語表"),
        ("gb18030", "中文字"),
        ("utf-8", "→ü日"),
    ],
)
def test_declared_encodings(encoding, letters, root):
    head = f"# -*- coding: {encoding} -*-\n# {letters}\nimport os\n"
    code = f"A = '{letters}', os.getenv('A', '{letters}'), '{letters}'; B = os.getenv('B')  # {letters}\n"
    text = head + code
    after = text.replace("import os\n", f"{IMPORT}\n").replace("os.getenv", "get_env().get")
    check(root, text.encode(encoding), after.encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "ascii", "rot13", "idna", "hex"])
def test_declarations_that_do_not_hold(encoding, root):
    text = f"# coding: {encoding}\n# \u00fc\nimport os\nA = os.getenv('A')\n".encode()
    check(root, text, text, (1, "undecodable"))


def test_form_feeds(root):
    before = "import os\n\f\nA = os.getenv('A')\n\f\n\fB = os.getenv('B')\n\fdef f():\n\f    return os.getenv('C')\n"
    after = before.replace("os.getenv", "get_env().get").replace("import os\n", IMPORT)
    check(root, before, after)


def test_a_file_of_blanks_and_an_empty_one(root):
    for text in ("", "\n", " \n\t\n", "\f", "# os.getenv('A')", codecs.BOM_UTF8.decode() + "# os.environ\n"):
        check(root, text, text)


@pytest.mark.parametrize("path", ["app.pyw", "größe.py", "two words.py", "a-b.py", "class.py", "a.b.py"])
def test_names_of_files(path, root):
    check(root, "import os\nA = os.getenv('A')\n", f"{IMPORT}\nA = get_env().get('A')\n", path=path)


# Several codemods


class Twin(IsolatedEnvironment):
    """The same codemod under another name."""

    name = "twin"

    def prepare(self, project, config, surveyed):
        return replace(super().prepare(project, config, surveyed), name=self.name)


def test_two_codemods_that_want_the_same_bytes(root):
    make_project(root, {"app.py": f"import os\n{IMPORT}A = os.getenv('A')\n"})
    codemods = {"isolated-environment": IsolatedEnvironment(), "twin": Twin()}
    config = load(root, root, {name: codemod.options for name, codemod in codemods.items()})
    (result,) = (r for r in run(Request(config, codemods)).results if r.path == "app.py")
    assert [(f.codemod, f.status, f.reason) for f in result.findings] == [
        ("isolated-environment", "rewritten", None),
        ("twin", "refused", "overlapping-edits"),
    ]


# Several files


def results(root, files, **general):
    make_project(root, files)
    outcome = run_project(root, **general)
    return {r.path: apply_edits((root / r.path).read_bytes(), r.edits).decode() for r in outcome.results if r.edits}


@pytest.mark.parametrize(
    "others",
    [
        "from os import getenv, environ as e\nX = getenv('X'), e.get('X')\n",
        "import machine as os\nfrom machine import getenv\nX = os.getenv('X'), getenv('X')\n",
        "def get_env(key): pass\nimport os\nX = os.getenv('X')\n",
        "from shared.isolated_environment import get_env as e\nimport os as o\nX = o.getenv('X')\n",
        "import os\nos.environ['A'] = 'x'\nos.environ.update(A='x')\nfor x in os.environ: os.environ[x] = ''\n",
        "# ssot-fix: ignore-file\nimport os\nX = os.getenv('X')\n",
        "import os\nX = os.getenv('X'\n",
    ],
)
def test_files_do_not_see_each_other(others, root):
    """The same file comes to the same, whatever comes before and after it."""
    text = "import os\nA = os.getenv('A'), getenv('A'), e.get('A'), o.getenv('A')\n"
    files = {"a.py": others, "m.py": text, "z.py": others}
    alone = results(root, {"m.py": text})["m.py"]
    assert results(root, files)["m.py"] == alone
    assert results(root, {**files, "b.py": text, "machine.py": ""})["m.py"] == alone


def test_every_file_of_a_project_is_looked_at(root):
    text = "import os\nA = os.getenv('A')\n"
    paths = ["a.py", "b/__init__.py", "b/c.py", "d.pyw", "shared/e.py", "test_a.py"]
    changed = results(root, dict.fromkeys(paths, text))
    assert sorted(changed) == sorted(set(paths) - {"test_a.py"})
    with_tests = results(root, dict.fromkeys(paths, text), include_tests=True)
    assert sorted(with_tests) == sorted(paths)


def test_findings_tell_where_and_what(root):
    text = "import os\n\nA = 'ü', os.getenv('A',\n    'a'), os.environ['B']\n"
    make_project(root, {"pkg/app.py": text, "pkg/__init__.py": ""})
    (result,) = (r for r in run_project(root).results if r.path == "pkg/app.py")
    first, second = result.findings
    assert (first.line, first.column, first.end_line, first.end_column) == (3, 10, 4, 9)
    assert (second.line, second.column, second.end_line, second.end_column) == (4, 11, 4, 26)
    assert first.replacement == "get_env().get('A',\n    'a')"
    assert (first.status, first.applicability, first.reason, first.scope) == ("rewritten", "safe", None, "production")
    assert (second.status, second.replacement, second.reason) == (Status.REFUSED, None, "raises-differently")
    assert {f.codemod for f in result.findings} == {"isolated-environment"}
