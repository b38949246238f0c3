"""The cache never changes an answer, and nothing that happens to it stops a run."""

from __future__ import annotations

import os
import pickle
import resource
import subprocess
from functools import partial
from random import Random

import pytest
from cases import ACCESSOR, lay_out, make_project, run_project
from conftest import COMMAND
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from codemods.utf8_files.prepared import TextFiles
from ssot_fix import digests
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


# What is looked at again


FILES = {
    "pkg/__init__.py": "",
    "pkg/a.py": "import os\n\nfrom shared.isolated_environment import get_env\n\nA = os.getenv('A')\n",
    "pkg/b.py": "from pkg.a import A\n\ntext = open(A).read()\n",
    "pkg/c.py": "from pkg.paths import place\n\ntext = place('c').read_text()\n",
    "pkg/paths.py": "from pathlib import Path\n\n\ndef place(name: str) -> Path:\n    return Path(name)\n",
    "pkg/d.py": "from pkg.gone import thing\n",
}


@pytest.fixture
def project(tmp_path, trusting):
    """A project of which everything is known."""
    root = make_project(tmp_path / "project", FILES)
    check(root)
    return root


def test_where_nothing_has_changed_nothing_is_read(project):
    assert check(project) == (0, 0)


def test_a_file_that_was_only_touched_is_the_same(project):
    (project / "pkg/a.py").touch()
    assert check(project) == (0, 0)
    assert check(project) == (0, 0)


def test_what_tells_nothing_new_to_others_is_looked_at_alone(project):
    (project / "pkg/a.py").write_text(FILES["pkg/a.py"] + "# more\n")
    assert check(project) == (1, 1)
    (project / "pkg/a.py").write_text(FILES["pkg/a.py"] + "# more and more\n")
    assert check(project) == (1, 1)
    assert check(project) == (0, 0)


def test_a_name_that_nobody_asks_for_is_nobodys_concern(project):
    (project / "pkg/a.py").write_text(FILES["pkg/a.py"] + "\n\ndef fresh(): ...\n")
    assert check(project) == (1, 1)
    (project / "pkg/paths.py").write_text(FILES["pkg/paths.py"] + "\nimport os\n\nMORE = os.getenv('MORE')\n")
    read, parsed = check(project)
    assert read == 1
    assert (
        parsed == 2
    )  # the file itself, in which there is something to be found now, and pkg/c.py, which asked for its imports
    (project / "pkg/paths.py").write_text(FILES["pkg/paths.py"])
    assert check(project)[0] == 1
    (project / "pkg/a.py").write_text(FILES["pkg/a.py"] + "\n\ndef thing(): ...\n")
    check(project)  # of that name, one is missing elsewhere


def test_who_has_asked_about_a_file_is_looked_at_with_it(project):
    text = FILES["pkg/paths.py"].replace("from pathlib import Path", "from mine import Path  # lib")
    (project / "pkg/paths.py").write_text(text)
    read, parsed = check(project)
    assert read == 1
    assert parsed == 1  # pkg/c.py


def test_a_new_file_costs_little_more_than_itself(project):
    (project / "pkg/new.py").write_text("import os\n\nN = os.getenv('N')\n")
    read, parsed = check(project)
    assert read == 1
    assert parsed == 1


def test_a_file_that_comes_back_is_known(project):
    (project / "pkg/d.py").unlink()
    check(project)
    (project / "pkg/d.py").write_text(FILES["pkg/d.py"])
    assert check(project)[1] == 0


def test_another_accessor_is_another_answer(project):
    path = "shared/isolated_environment.py"
    (project / path).write_bytes(ACCESSOR[path].replace(b"def get(", b"def get_it("))
    check(project)
    lay_out(project, {**ACCESSOR, **FILES})
    check(project)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", "[tool.ssot-fix.utf8-files]\nencoding = 'latin-1'\n"),
        ("pyproject.toml", "[project]\nname = 'p'\nversion = '1'\nrequires-python = '>=3.15'\n"),
        ("pkg/gone.pyi", "thing: int\n"),
        ("pkg/gone.so", ""),
        ("pkg/pyproject.toml", "[tool.black]\nline-length = 20\n"),
        ("pkg/gone/__init__.py", "thing = 1\n"),
    ],
)
def test_what_lies_around_counts(project, path, text):
    before, _ = cached(project)
    lay_out(project, {**ACCESSOR, **FILES, path: text})
    check(project)
    lay_out(project, {**ACCESSOR, **FILES})
    check(project)
    assert cached(project)[0] == before


def test_what_is_asked_for_counts(project):
    check(project, include_tests=True)
    check(project, unsafe_fixes=True)
    seen = [cached(project, (), asked)[0] for asked in (("utf8-files",), ("stale-imports",), ())]
    assert len({str(each) for each in seen}) == 3
    assert seen == [
        report(project, run_project(project, (), asked)) for asked in (("utf8-files",), ("stale-imports",), ())
    ]
    assert cached(project, [project / "pkg/a.py"])[0] == report(project, run_project(project, [project / "pkg/a.py"]))
    assert check(project) == (0, 0)


def test_a_codemod_that_does_not_say_what_it_knows_is_not_kept(tmp_path, trusting, monkeypatch):
    monkeypatch.delattr(TextFiles, "told")
    root = make_project(tmp_path / "project", FILES)
    assert [check(root)[1] for _ in range(3)] == [run_project(root).counts.parsed] * 3


def test_a_file_that_changes_meanwhile_is_not_kept(project):
    outcome = run_project(project, store=Store(project), asked=["utf8-files"])
    (project / "pkg/a.py").write_text("import os\n")
    outcome.keep({})
    check(project, asked=["utf8-files"])


def test_git_tells_what_a_fresh_clone_holds(tmp_path, trusting, monkeypatch, command_environment):
    monkeypatch.setattr(contents, "MANY", 0)
    monkeypatch.setattr("ssot_fix.engine.cache.memory.MANY", 0)
    monkeypatch.setattr("ssot_fix.engine.cache.recall.MANY", 0)
    files = {**FILES, ".gitattributes": "* text=auto\npkg/b.py ident\n"}
    root = make_project(tmp_path / "project", files)
    git = partial(subprocess.run, cwd=root, env=command_environment, check=True)
    git(["git", "init", "--quiet"])
    git(["git", "add", "--all"])
    git(["git", "commit", "--quiet", "--message", "all"])
    check(root)
    text = FILES["pkg/c.py"].replace("\n", "\r\n")
    (root / "pkg/c.py").write_bytes(text.encode())
    (root / "pkg/new.py").touch()
    for path in root.rglob("*.py"):
        path.touch()
    with monkeypatch.context() as patch:
        patch.setattr("ssot_fix.engine.screen.blob_name", lambda data: read.append(data) or digests.blob_name(data))
        read: list[bytes] = []
        check_once = cached(root)
    assert sorted(read) == sorted([b"", FILES["pkg/b.py"].encode(), text.encode()])
    assert check_once[0] == report(root, run_project(root))


# What happens to the files


def test_damage_is_noticed(project, folder):
    seen, _ = cached(project)
    random = Random(1)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = bytearray(path.read_bytes())
            for damaged in (b"", data[:40], data[: len(data) // 2], data + b"x", _flipped(data, random)):
                path.write_bytes(damaged)
                held = Store(project)
                assert report(project, run_project(project, store=held)) == seen


def _flipped(data: bytearray, random: Random) -> bytes:
    data = bytearray(data)
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


class Evil:
    """Runs something when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("pwned",)


@pytest.mark.parametrize("value", [Evil(), partial(print, "pwned"), subprocess.run, Store.load])
def test_nothing_is_run_that_lies_in_the_cache(tmp_path, value, monkeypatch):
    monkeypatch.chdir(tmp_path)
    held = Store(tmp_path)
    assert held.save("run", pickle.dumps(value))
    assert held.restore("run") is None
    assert "no place in a cache" in held.trouble
    assert not (tmp_path / "pwned").exists()


def test_no_cache_where_none_can_be(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(file / "cache"))
    root = make_project(tmp_path / "project", FILES)
    held = Store(root)
    assert report(root, run_project(root, store=held)) == report(root, run_project(root))
    assert "Not a directory" in held.trouble


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(tmp_path / "cache"))
    held = Store(tmp_path)
    assert held.save("a", b"a")
    (made,) = (tmp_path / "cache").iterdir()
    made.chmod(0o777)
    other = Store(tmp_path)
    assert other.load("a") is None
    assert not other.save("a", b"b")
    assert "others may write there" in other.trouble


def test_the_cache_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(store, "_MOST", 2_500)
    for number in range(5):
        held = Store(tmp_path / str(number))
        held.save("contents", b"x" * 1_000)
        (made,) = [path for path, _ in store._files(tmp_path / "cache") if path.parent.name.startswith(f"{number}-")]
        os.utime(made, (1_000_000_000 + number, 1_000_000_000 + number))
    recent = Store(tmp_path / "recent")
    recent.save("contents", b"x")
    recent.tidy()
    assert store.usage().files == 1  # the others are more than a month old
    for number in range(5):
        Store(tmp_path / str(number)).save("contents", b"x" * 1_000)
    recent.tidy()
    assert store.usage().size <= 2_500
    (tmp_path / "cache" / "mine").mkdir()
    (tmp_path / "cache" / "mine" / "letter").write_text("dear")
    store.clear()
    assert [path.name for path in (tmp_path / "cache").rglob("*")] == ["mine", "letter"]


# The command


def test_the_command_with_its_cache(repository, ssot_fix, tmp_path):
    made = repository(FILES)
    extra = {store.FOLDER_VARIABLE: str(tmp_path / "cache")}
    plain = ssot_fix(made, "--no-cache", extra=extra)
    assert not (tmp_path / "cache").exists()
    for arguments in ((), (), ("--check",), ("--format", "json"), ("--color", "always"), ()):
        expect = 1 if "--check" in arguments else 0
        cold = ssot_fix(made, "--no-cache", *arguments, expect=expect, extra=extra)
        warm = ssot_fix(made, *arguments, expect=expect, extra=extra)
        assert warm.stdout == cold.stdout
    stats = ssot_fix(made, "--stats", extra=extra)
    assert stats.stdout == plain.stdout
    told = stats.stderr.decode()
    assert f"{len(FILES) + len(ACCESSOR)} discovered, {len(FILES) + len(ACCESSOR)} of them as they were" in told
    assert "0 parsed" in told
    assert "recall" in told
    assert "peak memory" in told
    shown = ssot_fix(made, "cache", "info", extra=extra).stdout.decode()
    assert "of 1 project" in shown
    assert str(tmp_path / "cache") in shown
    ssot_fix(made, "--write", extra=extra)
    assert b"0 would change" in ssot_fix(made, extra=extra).stderr
    ssot_fix(made, "cache", "clear", extra=extra)
    assert not list((tmp_path / "cache").rglob("*"))
    ssot_fix(made, "cache", "clear", extra=extra)


def test_a_full_disk_and_no_cache_at_all(repository, ssot_fix, tmp_path):
    made = repository(FILES)
    plain = ssot_fix(made, "--no-cache")
    full = ssot_fix(
        made,
        "-v",
        extra={store.FOLDER_VARIABLE: str(tmp_path / "full")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )
    assert full.stdout == plain.stdout
    assert b"no cache" in full.stderr
    assert not [path for path in (tmp_path / "full").rglob("*") if path.is_file()]
    (tmp_path / "file").write_text("")
    for option, told in ((), False), (("-v",), True):
        nowhere = ssot_fix(made, *option, extra={store.FOLDER_VARIABLE: str(tmp_path / "file")})
        assert nowhere.stdout == plain.stdout
        assert (b"no cache" in nowhere.stderr) == told


def test_runs_side_by_side(repository, command_environment, tmp_path):
    made = repository(FILES)
    environment = {**command_environment, store.FOLDER_VARIABLE: str(tmp_path / "cache")}
    for _ in range(2):
        runs = [
            subprocess.Popen([*COMMAND, *more], cwd=made.root, env=environment, stdout=-1, stderr=subprocess.DEVNULL)
            for more in ((), (), ("--include-tests",), ())
        ]
        outputs = {run.communicate()[0] for run in runs}
        assert len(outputs) == 1
        assert all(run.returncode == 0 for run in runs)


@pytest.mark.parametrize("trusts", [True, False])
@settings(
    derandomize=True,
    database=None,
    max_examples=8,
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
