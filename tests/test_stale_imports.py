"""The codemod stale-imports, case by case: fixtures/stale_imports holds the texts."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import cycle, groupby

import pytest
from cases import IMPORTS, Case, all_cases, check_case, check_layouts, lay_out, lay_out_case, run_case, run_project

from cli import main
from codemods.stale_imports.reasons import REASONS
from ssot_fix.edits import apply_edits

CASES = list(all_cases(IMPORTS))
ENGINE = {"shop/agents/engine.py": "class Engine: ...\n"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("project")


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_case(case: Case, root):
    check_layouts(case, root)


# The cases themselves


def changes(case: Case) -> bool:
    return case.after is not None or bool(case.others_after)


def test_what_must_stay_comes_first_and_is_two_fifths_of_all():
    for topic, cases in groupby(CASES, key=lambda case: case.topic):
        changed = [changes(case) for case in cases]
        assert changed == sorted(changed), f"{topic}: cases that change nothing come first"
    assert sum(not changes(case) for case in CASES) >= 0.4 * len(CASES)


def test_there_are_enough_and_titles_are_unique():
    assert len(CASES) >= 200
    assert not [title for title, count in Counter(case.id for case in CASES).items() if count > 1]


def test_every_reason_has_a_case():
    elsewhere = {"different-signature"}  # test_a_namesake_that_takes_other_arguments_is_no_replacement
    shared = {
        "ambiguous-binding",
        "undecodable",
        "import-cycle",
        "import-layout",
        "name-taken",
        "script-cannot-import",
        "unparseable",
    }
    seen = {reason for case in CASES for left in (case.left, *case.others_left.values()) for _, reason in left}
    assert set(REASONS) | shared == (seen - {"suppressed"}) | elsewhere


def test_every_way_in_which_codemods_have_failed_has_three_cases():
    counted = Counter(hazard for case in CASES for hazard in case.hazards)
    can_apply = {1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 18, 19, 20, 21, 24}
    assert not [hazard for hazard in sorted(can_apply) if counted[hazard] < 3]


# What does not read well as text


def moved(before: str, after: str, *ends: tuple[str, str], **files: str) -> Case:
    config = "".join(f'[[stale-imports.moves]]\nfrom = "{old}"\nto = "{new}"\n' for old, new in ends)
    return Case("", before.encode(), after.encode(), folder=IMPORTS, config=config, files={**ENGINE, **files})


@pytest.mark.parametrize(
    "newlines",
    [["\r\n", "\r", "\n"], ["\r", "\n", "\r\n"], ["\r\n", "\n"], ["\n", "\r\n"], ["\r", "\r\n"], ["\r\n", "\r"]],
    ids=repr,
)
def test_mixed_newlines(newlines, root):
    endings = cycle(newlines)
    lines = ['"""Doc."""', "import os", "from shop.core import (", "    Base,", "    Engine,", ")", "os, Base, Engine"]
    text = [(line, next(endings)) for line in lines]
    new = ("from shop.agents.engine import Engine", text[5][1])  # the newline of the line above it
    after = [*text[:4], text[5], new, text[6]]
    case = moved(
        "".join(line + end for line, end in text),
        "".join(line + end for line, end in after),
        ("shop.core:Engine", "shop.agents.engine"),
        **{"shop/core.py": "class Base: ...\n"},
    )
    check_case(case, root)


@pytest.mark.parametrize(
    ("encoding", "letters"),
    [("latin-1", "äöü"), ("cp1252", "€„ß"), ("koi8-r", "Привет"), ("shift_jis", "日本語表"), ("gb18030", "中文字")],
)
def test_declared_encodings(encoding, letters, root):
    code = f"from shop.core.engine import Engine  # {letters}\n\nA = '{letters}', Engine\n"
    before = f"# -*- coding: {encoding} -*-\n{code}"
    case = moved(before, before.replace("core", "agents"), ("shop.core.engine", "shop.agents.engine"))
    as_declared = case.changed(encoding, lambda text: text.decode().encode(encoding))
    check_case(as_declared, root)


@pytest.mark.parametrize(
    "expression",
    [
        "Engine(" + " + ".join(map(str, range(3_000))) + ")",
        " or ".join(["Engine"] * 600),
        "[" * 90 + "Engine" + "]" * 90,
        "Engine" + ".run(Engine)" * 300,
        "- " * 1_500 + "Engine",
    ],
    ids=["sum", "conjunction", "brackets", "chain of calls", "signs"],
)
def test_long_expressions(expression, root):
    before = f"from shop.core.engine import Engine\n\nA = {expression}\n"
    after = before.replace("core", "agents").replace("Engine", "Motor")
    motor = {"shop/agents/engine.py": "class Motor:\n    def __init__(self, *parts): ...\n"}
    check_case(moved(before, after, ("shop.core.engine:Engine", "shop.agents.engine:Motor"), **motor), root)


def test_many_imports(root):
    function = "def f{}():\n    from shop.core.engine import Engine\n    return Engine\n"
    before = "".join(map(function.format, range(3_000)))
    case = moved(before, before.replace("core", "agents"), ("shop.core.engine", "shop.agents.engine"))
    check_case(case, root)


def test_many_names_in_one_import(root):
    names = [f"name_{n}" for n in range(3_000)]
    before = "from shop.core import (\n" + "".join(f"    {name},\n" for name in names) + "    Engine,\n)\n"
    after = before.replace("    Engine,\n", "") + "from shop.agents.engine import Engine\n"
    core = {"shop/core.py": "".join(f"{name} = 1\n" for name in names)}
    check_case(moved(before, after, ("shop.core:Engine", "shop.agents.engine"), **core), root)


# Moves that can't be used: exit code 2, and a message that says which and why

BROKEN = {
    "a circle": (
        [("shop.a", "shop.b"), ("shop.b", "shop.a")],
        "ssot-fix.toml:2: moves in a circle, `shop.a` -> `shop.b` -> `shop.a` (ssot-fix.toml:5); take one of them out",
    ),
    "two that disagree": (
        [("shop.core", "shop.agents"), ("shop.core", "shop.agents.engine")],
        "ssot-fix.toml:5: `shop.core` moves to `shop.agents.engine`, but to `shop.agents` by ssot-fix.toml:2; "
        "take one of these moves out",
    ),
    "to itself": (
        [("shop.core", "shop.core")],
        "ssot-fix.toml:2: `shop.core` moves to itself; correct `to`, or take the move out",
    ),
    "no such module": (
        [("shop.core.engine", "shop.agent.engine")],
        "ssot-fix.toml:2: `shop.core.engine` moves to `shop.agent.engine`, but the project has no module "
        "`shop.agent.engine`; there is `shop.agents.engine`",
    ),
    "no such name": (
        [("shop.core:Engine", "shop.agents.engine:Motor")],
        "ssot-fix.toml:2: `shop.core:Engine` moves to `shop.agents.engine:Motor`, but `shop.agents.engine` has no "
        "`Motor`; nothing in the project defines it",
    ),
    "a name as a module": (
        [("shop.core.engine.Engine", "shop.agents.engine.Engine")],
        "ssot-fix.toml:2: `shop.core.engine.Engine` moves to `shop.agents.engine.Engine`, but that is no module; "
        "write `shop.agents.engine:Engine` for a name, in `from`, too",
    ),
    "a chain that ends nowhere": (
        [("shop.a", "shop.b"), ("shop.b", "shop.nowhere")],
        "ssot-fix.toml:5: `shop.b` moves to `shop.nowhere`, but the project has no module `shop.nowhere`; correct "
        "`to`, or take the move out",
    ),
    "a path": (
        [("shop/core.py", "shop.agents.engine")],
        'ssot-fix.toml:2: `from` is "shop/core.py", but a move has pkg.module or pkg.module:Name, '
        "in [[stale-imports.moves]]",
    ),
    "a module to a name": (
        [("shop.core", "shop.agents.engine:Engine")],
        "ssot-fix.toml:2: `shop.core` is a module and can't move to a name, `shop.agents.engine:Engine`, "
        "in [[stale-imports.moves]]",
    ),
}


@pytest.mark.parametrize(("ends", "message"), BROKEN.values(), ids=BROKEN)
def test_moves_that_can_not_be_used(ends, message, tmp_path, monkeypatch, capsys):
    config = "\n" + "\n".join(f'[[stale-imports.moves]]\nfrom = "{old}"\nto = "{new}"' for old, new in ends)
    lay_out(tmp_path, {**ENGINE, "ssot-fix.toml": config, "app.py": "from shop.core.engine import Engine\n"})
    monkeypatch.chdir(tmp_path)
    assert main(["run"]) == 2
    assert capsys.readouterr() == ("", f"Error: {message}\n")


# What is rewritten works: in a process of its own, the import that failed gives the thing itself

WORKS = {
    "forms: from": "app.Engine is sys.modules['shop.agents.engine'].Engine",
    "forms: from, with as": "app.E is sys.modules['shop.agents.engine'].Engine",
    "forms: import": "app.shop.agents.engine is sys.modules['shop.agents.engine']",
    "forms: import, with as": "app.engine is sys.modules['shop.agents.engine']",
    "forms: several modules in one import": "app.shop.agents.engine is app.e is sys.modules['shop.agents.engine']",
    "forms: a submodule as a name": "app.engine is sys.modules['shop.agents.engine']",
    "forms: star": "app.Engine is sys.modules['shop.agents.engine'].Engine",
    "splitting: into three": "(app.Base.__module__, app.halt.__module__) == ('shop.core', 'shop.agents.start')",
    "merging: two stale imports of what is one module now": "app.Engine.__module__ == app.run.__module__",
    "renaming: in __all__": "app.run().__class__ is sys.modules['shop.core'].Engine and app.__all__[0] == 'Engine'",
    "renaming: in nested scopes, but not where it means something else": "app.start()[0]() is app.Engine",
    "renaming: the new name is taken: by an import": "app.Engine is not app.Motor",
    "places: in a function": "app.run()[0] is app.run()[1].Engine",
    "moves: a package with all that is in it": "app.e is app.engine and app.Engine is app.engine.Engine",
    "moves: a chain of moves": "app.E.__name__ == 'Machine' and app.M is app.Motor",
}


@pytest.mark.parametrize("name", WORKS)
def test_what_was_rewritten_works(name, tmp_path):
    (case,) = (case for case in CASES if case.id == name)
    files = lay_out_case(case, tmp_path)
    run = f"import sys\nimport app\n{'app.run()' if name == 'places: in a function' else ''}\n"
    before = python(run, tmp_path)
    assert before.returncode == 1
    assert before.stderr.splitlines()[-1].startswith(("ModuleNotFoundError: ", "ImportError: "))
    for result in run_case(case, tmp_path).results:
        (tmp_path / result.path).write_bytes(apply_edits(files[result.path], result.edits))
    after = python(f"{run}assert {WORKS[name]}\n", tmp_path)
    assert after.returncode == 0, after.stderr


def python(code: str, folder) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-I", "-B", "-c", f"import sys; sys.path.insert(0, '')\n{code}"),
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


# Files out of scope


MOVED = """codemods = ["stale-imports"]
[stale-imports]
moves = [
    { from = "shop.core", to = "shop.agents.engine" },
    { from = "shop.paint:Red", to = "shop.agents.engine:Engine" },
    { from = "shop.unheard", to = "shop.agents.engine" },
]
"""


def test_a_move_that_only_tests_need_is_of_use(root):
    """Though nothing is done about them, nor about all else that they ask for."""
    tests = {
        "tests/test_a.py": "from shop.core import Engine\nimport shop.gone",
        "tests/test_b.py": "A = 'shop.paint.Red'",
    }
    lay_out(root, {"ssot-fix.toml": MOVED, **ENGINE, "app.py": "import shop.gone\n", **tests})
    outcome = run_project(root)
    assert [(each.path, finding.reason) for each in outcome.results for finding in each.findings] == [
        ("app.py", "removed")
    ]
    assert outcome.notes == ["ssot-fix.toml:6: nothing imports what is moved there; it can be taken out"]
    everything = run_project(root, include_tests=True)
    assert [each.path for each in everything.results] == ["app.py", "tests/test_a.py", "tests/test_b.py"]
    assert everything.notes == outcome.notes


def test_a_candidate_that_fails_by_way_of_a_test_is_stale(root):
    files = {
        "tests/helper.py": "import shop.gone\n",
        "shop/agents/engine.py": "import tests.helper\nclass Engine: ...\n",
        "app.py": "from shop.core import Engine\n",
    }
    lay_out(root, {"ssot-fix.toml": 'codemods = ["stale-imports"]\n', **files})
    (result,) = run_project(root).results
    assert [finding.reason for finding in result.findings] == ["candidate-not-importable"]


# In a git repository


def test_what_git_ignores_may_be_generated(repository, ssot_fix):
    files = {
        ".gitignore": "/shop/_version.py\n/shop/generated/\n",
        "ssot-fix.toml": 'codemods = ["stale-imports"]\n',
        "shop/__init__.py": "",
        "app.py": "from shop._version import A\nfrom shop.generated.api import B\nfrom shop.core import C\n",
    }
    done = ssot_fix(repository(files), "run", "--format", "json")
    assert done.stdout.count(b'"reason": "removed"') == 1


def test_a_namesake_that_takes_other_arguments_is_no_replacement(repository, ssot_fix):
    old = "class Engine:\n    def start(self, speed): ...\n\n\ndef run(engine, speed=1): ...\n"
    new = "class Engine:\n    def start(self): ...\n\n\nasync def run(engine): ...\n"
    project = repository({"ssot-fix.toml": 'codemods = ["stale-imports"]\n', "shop/core.py": old})
    project.git("rm", "--quiet", "shop/core.py")
    project.write({"shop/agents.py": new, "app.py": "from shop.core import Engine, run\n"})
    project.commit()
    project.write({"ssot-fix.toml": 'codemods = ["stale-imports"]\n\n[stale-imports]\nauto = "proven"\n'})
    project.commit()
    done = ssot_fix(project, "run", "--format", "json")
    assert done.stdout.count(b'"reason": "different-signature"') == 2
