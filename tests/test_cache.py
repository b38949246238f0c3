"""The cache never changes an answer, and nothing that happens to it stops a run."""

from __future__ import annotations

from random import Random

import pytest
from cases import make_project, run_project
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ssot_fix.engine.cache import contents, store
from ssot_fix.engine.cache.store import Store
from ssot_fix.engine.run import original
from ssot_fix.project import surroundings
from ssot_fix.report.diff import unified_diff
from ssot_fix.report.json_report import render

TRUSTED = -(10**15)  # nanoseconds: no file is too young


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("cached") / "project"


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """A cache folder of our own."""
    patch = pytest.MonkeyPatch()
    made = tmp_path_factory.mktemp("cache")
    patch.setenv(store.FOLDER_VARIABLE, str(made))
    yield made
    patch.undo()


@pytest.fixture
def trusting(monkeypatch):
    """Believe that a file whose status is the same is the same, however young it is."""
    monkeypatch.setattr(contents, "_RACY", TRUSTED)
    monkeypatch.setattr(surroundings, "_YOUNG", TRUSTED)


def report(root, outcome) -> tuple[object, ...]:
    """All that people see of a run."""
    diffs = dict(outcome.diffs)
    for result in outcome.results:
        if result.edits and result.path not in diffs:
            diffs[result.path] = unified_diff(result.path, original(root, result), result.edits)
    seen = (
        render(outcome.results, diffs, outcome.files_scanned),
        outcome.notes,
        outcome.tests_skipped,
        outcome.inactive,
    )
    if outcome.keep is not None:
        outcome.keep(diffs)
    return seen


def cached(root, *arguments, **more):
    held = Store(root)
    outcome = run_project(root, *arguments, store=held, **more)
    seen = report(root, outcome)
    assert not held.trouble, held.trouble
    return seen, outcome.counts


def check(root, **more):
    """Run with the cache and without; how many files were read and parsed with it."""
    seen, counts = cached(root, **more)
    assert seen == report(root, run_project(root, **more))
    return counts.read, counts.parsed


# Any edits

PIECES = (
    "import os\nA = os.getenv('A')\n",
    "import os\nos.environ['B'] = '1'\nB = os.getenv('B')\n",
    "from os import environ\nC = environ.get('C', 'c')\n",
    "from shared.isolated_environment import get_env\nD = get_env().get('D')\n",
    "from pkg.gone import thing\n",
    "from pkg.a import helper\nhelper('x').read_text()\n",
    "from pkg.b import A as alias\n",
    "from . import b\nprint(b.A)\n",
    "from .c import *\n",
    "import pkg.b\npkg.b.os.getenv('Z')\n",
    "from pathlib import Path\ndef helper(name: str) -> Path:\n    return Path(name)\n",
    "def helper(name):\n    return name\n",
    "text = open('x').read()\n",
    "import sys\nif __name__ == '__main__':\n    print('\u2713')\n",
    "import pkg.d\nif __name__ == '__main__':\n    pkg.d.main()\n",
    "import sys\ndef main():\n    sys.stdout.reconfigure(encoding='utf-8')\n    print('x')\n",
    "from unittest.mock import patch\npatch('pkg.a.os.getenv')\n",
    "from unittest.mock import patch\npatch('pkg.b.nothing')\n",
    "class Thing:\n    pass\nthing = Thing()\n",
    "try:\n    import pkg.lost\nexcept ImportError:\n    pkg = None\n",
    "def broken(:\n",
    "# ssot-fix: ignore-file[utf8-files] because\n",
    "import subprocess\nsubprocess.run(['tool.py'], text=True)\n",
    "import sys\nsys.modules['pkg.gone'] = None\n",
)
PATHS = ("pkg/__init__.py", "pkg/a.py", "pkg/b.py", "pkg/c.py", "pkg/d.py", "tool.py", "sub/x.py", "tests/test_a.py")
AROUND = {
    "pyproject.toml": (
        "[project]\nname = 'p'\nversion = '1'\n[project.scripts]\np = 'pkg.d:main'\n",
        "[project]\nname = 'p'\nversion = '1'\nrequires-python = '>=3.11'\n[tool.black]\nline-length = 30\n",
        "[tool.ssot-fix]\ninclude-tests = true\n",
        "[tool.ssot-fix.isolated-environment]\nallow = ['set']\n",
        "[[tool.ssot-fix.stale-imports.moves]]\nfrom = 'pkg.gone'\nto = 'pkg.c'\n",
        "",
    ),
    "pkg/gone.pyi": ("thing: int\n",),
    "pkg/b.pyi": ("nothing: int\n", "A: str\n"),
    "setup.cfg": ("[metadata]\nname = p\n[options]\npython_requires = >=3.15\n",),
    ".gitignore": ("pkg/gone.py\n", "sub/\n"),
    "pkg/gone/data.txt": ("x",),
}


def text(random: Random) -> str:
    return "".join(random.sample(PIECES, random.randint(0, 4)))


def edited(files: dict[str, str], states: list[dict[str, str]], random: Random) -> dict[str, str]:
    files = dict(files)
    modules = sorted(path for path in files if path.endswith(".py"))
    path = random.choice(modules)
    match random.choice(
        ("comment", "comment", "text", "text", "piece", "piece", "delete", "add", "swap", "around", "back")
    ):
        case "comment":
            files[path] += f"# {random.random()}\n"
        case "text":
            files[path] = text(random)
        case "piece":
            files[path] += random.choice(PIECES)
        case "delete":
            del files[path]
        case "add":
            files[random.choice(PATHS)] = text(random)
        case "swap":
            other = random.choice(modules)
            files[path], files[other] = files[other], files[path]
        case "around":
            name = random.choice(sorted(AROUND))
            files.pop(name, None) if random.random() < 0.3 else files.update({name: random.choice(AROUND[name])})
        case "back":
            files = dict(random.choice(states))
    return files if any(path.endswith(".py") for path in files) else dict(states[0])


@pytest.mark.parametrize("trusts", [True, False])
@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**64))
def test_a_cache_never_changes_an_answer(root, trusts, seed):
    random = Random(seed)
    files: dict[str, str] = {path: text(random) for path in PATHS}
    states = [files]
    with pytest.MonkeyPatch.context() as patch:
        if trusts:
            patch.setattr(contents, "_RACY", TRUSTED)
            patch.setattr(surroundings, "_YOUNG", TRUSTED)
        for _ in range(8):
            make_project(root, files)
            check(root)
            files = edited(files, states, random)
            states.append(files)
