"""Whatever happens to a project, a cache or a plug-in: the answer is that of a run without a cache."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cases import catalog, lay_out
from hostile import Hostile
from test_cache import TRUSTED, check, report

from ssot_fix.edits import Applicability, Refusal
from ssot_fix.engine.cache import contents, store
from ssot_fix.engine.cache.identity import plugins
from ssot_fix.engine.cache.store import Store, clear, restore, usage
from ssot_fix.engine.contract import Told
from ssot_fix.engine.run import Request, run
from ssot_fix.project import surroundings
from ssot_fix.project.config import load
from ssot_fix.sites import Site

READ = "import os\nA = os.getenv('A')\n"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes and links")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A cache folder of our own, whose files are believed however young the project's are."""
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(contents, "_RACY", TRUSTED)
    monkeypatch.setattr(surroundings, "_YOUNG", TRUSTED)
    return tmp_path / "cache"


def repository(root, files):
    lay_out(root, files)
    for arguments in (["init", "-q"], ["add", "-f", "."]):
        subprocess.run(["git", *arguments], cwd=root, check=True)
    check(root)
    assert check(root) == (0, 0)
    return root


@dataclass(frozen=True)
class Known(Hostile):
    """A plug-in that says what it knows."""

    constants: object = ()

    @property
    def told(self):
        return Told(self.constants)


class Reading(Known):
    """One that finds what stands in a file beside the code."""

    def sites(self, module, project, *rest):
        node = module.tree.body[0] if module.tree.body else module.tree
        text = project.read("data.txt").decode()
        return [Site("hostile", node, "kind", text, Applicability.MANUAL, refusal=Refusal("why", text))]


def request(root, *plugged, **more):
    codemods = {**catalog(), **{each.name: each for each in plugged}}
    config = load(root, root, {name: codemod.options for name, codemod in codemods.items()})
    config.general = replace(config.general, jobs=1)
    return Request(config, codemods, **more)


def twice(root, *plugged):
    """Two runs with a cache give what one without gives."""
    expected = report(root, run(request(root, *plugged)))
    for _ in range(2):
        assert report(root, run(request(root, *plugged, store=Store(root)))) == expected


# What takes a file's place


def test_a_link_to_the_same_content_is_no_file_of_the_project(tmp_path):
    root = repository(tmp_path / "p", {"a.py": READ, "b.py": "x = 1\n"})
    (root / "a.py").rename(tmp_path / "a.py")
    (root / "a.py").symlink_to("../a.py")
    check(root)
    check(root)


def test_a_pipe_in_the_place_of_a_file_is_not_opened(tmp_path):
    root = repository(tmp_path / "p", {"a.py": READ, "b.py": "x = 1\n"})
    (root / "a.py").unlink()
    os.mkfifo(root / "a.py")
    with writer(root / "a.py"):
        check(root)


def test_a_pipe_in_the_place_of_a_stub_is_not_opened(tmp_path):
    files = {"a.py": "from pkg.b import nope\n", "pkg/__init__.py": "", "pkg/b.py": "x = 1\n"}
    root = repository(tmp_path / "p", {**files, "pkg/b.pyi": "nope: int\n"})
    (root / "pkg/b.pyi").unlink()
    os.mkfifo(root / "pkg/b.pyi")
    with writer(root / "pkg/b.pyi"):
        check(root)
        check(root)


def test_a_link_in_the_place_of_a_folder_further_up(tmp_path):
    deep = {"a/b/c/d/e/x.py": "x = 1\n", "a/b/c/d/e/y.py": READ, ".gitignore": "d\n", "b.py": READ}
    root = repository(tmp_path / "p", deep)
    (root / "a/b/c/d").rename(tmp_path / "d")
    (root / "a/b/c/d").symlink_to("../../../../d")
    check(root)


def test_what_a_linked_folder_holds_may_come_and_go_without_a_trace_around_the_link(tmp_path):
    lay_out(tmp_path / "elsewhere", {"thing.py": ""})
    files = {"a.py": "from pkg.ext import thing\n", "pkg/__init__.py": ""}
    root = lay_out(tmp_path / "p", files)
    (root / "pkg/ext").symlink_to("../../elsewhere")
    root = repository(root, files)
    for old, new in (("elsewhere", "gone"), ("gone", "elsewhere")):
        (tmp_path / old).rename(tmp_path / new)
        check(root)
        check(root)


def test_what_a_linked_file_is_may_come_and_go(tmp_path):
    (tmp_path / "data").touch()
    files = {"a.py": "from pkg.ext import thing\n", "pkg/__init__.py": ""}
    root = lay_out(tmp_path / "p", files)
    (root / "pkg/ext").mkdir()
    (root / "pkg/ext/data").symlink_to("../../../data")
    root = repository(root, files)
    for old, new in (("data", "gone"), ("gone", "data")):
        (tmp_path / old).rename(tmp_path / new)
        check(root)
        check(root)


class writer:
    """Lets go whoever opens a pipe to read it, so that a failing test ends."""

    def __init__(self, path):
        self._path = path
        self.opened = False

    def __enter__(self):
        self._thread = threading.Timer(5, self._open)
        self._thread.start()

    def _open(self):
        try:
            os.close(os.open(self._path, os.O_WRONLY | os.O_NONBLOCK))
            self.opened = True
        except OSError:
            pass

    def __exit__(self, *_):
        self._thread.cancel()
        assert not self.opened, "somebody waited for the pipe"


# What is the same elsewhere, and not here


def test_how_long_numbers_may_be_is_python_s_affair(tmp_path):
    root = repository(tmp_path / "p", {"a.py": f"open('x').read()\nB = {'9' * 5000}\n", "b.py": READ})
    usual = sys.get_int_max_str_digits()
    try:
        sys.set_int_max_str_digits(0)
        check(root)
    finally:
        sys.set_int_max_str_digits(usual)
    check(root)


def test_a_file_that_is_only_known_as_it_was_long_ago(tmp_path):
    """What one request keeps, another one, which shares it, may have dropped."""
    root = repository(tmp_path / "p", {"a.py": READ, "pkg/b.py": "x = 1\n"})
    for number in range(9):
        (root / "a.py").write_text(f"{READ}# {number}\n")
        (root / "pkg/b.py").rename(root / f"pkg/b{number}.py")
        check(root, include_tests=True)
        (root / f"pkg/b{number}.py").rename(root / "pkg/b.py")
    check(root)


def test_what_a_plug_in_reads_while_it_looks_at_a_file_is_looked_at_again(tmp_path):
    root = lay_out(tmp_path / "p", {"a.py": "# hostile\nimport os\n", "data.txt": "1"})
    for text in ("1", "2", "3"):
        (root / "data.txt").write_text(text)
        twice(root, Reading())


# What takes a cache file's place


def held_in(folder):
    return sorted(path for project in folder.iterdir() for path in project.iterdir())


@pytest.mark.parametrize("kind", ["pipe", "folder", "link to nothing", "link to itself", "empty", "device"])
def test_whatever_stands_for_a_cache_file_a_run_goes_on(tmp_path, folder, kind):
    root = repository(tmp_path / "p", {"a.py": READ})
    for path in held_in(folder):
        path.unlink()
        match kind:
            case "pipe":
                os.mkfifo(path)
            case "folder":
                path.mkdir()
            case "link to nothing":
                path.symlink_to("nothing")
            case "link to itself":
                path.symlink_to(path.name)
            case "empty":
                path.touch()
            case "device":
                path.symlink_to("/dev/zero")
    (root / "a.py").write_text(READ + "B = 1\n")
    held = Store(root)
    first = request(root, store=held)
    assert report(root, run(first)) == report(root, run(request(root)))
    assert usage().size >= 0
    clear()
    assert not any(path.is_file() and not path.is_symlink() for path in held_in(folder))


def test_clearing_and_tidying_leave_alone_what_is_somebody_elses(tmp_path, folder):
    repository(tmp_path / "p", {"a.py": READ})
    project = next(folder.iterdir())
    others = [
        project / "letter",
        folder / "letters/.tmp-draft",
        folder / "letters/other",
        folder / ".tmp-x",
        folder / "readme",
    ]
    (folder / "letters/empty").mkdir(parents=True)
    (folder / "empty").mkdir()
    for path in others:
        path.write_text("mine")
    clear()
    assert all(path.read_text() == "mine" for path in others)
    assert (folder / "empty").is_dir()
    assert (folder / "letters/empty").is_dir()
    assert sorted(path.name for path in folder.iterdir()) == [".tmp-x", "empty", "letters", project.name, "readme"]


def test_what_cannot_be_removed_does_not_keep_the_rest(tmp_path, folder, monkeypatch):
    for letter in "abc":
        assert Store(tmp_path).save(f"run-{letter * 32}", b"x" * 1000)
    first, *others = held_in(folder)
    for age, path in enumerate((first, *others)):
        os.utime(path, (10**9 - age, 10**9 - age))
    unlink = type(first).unlink

    def refuse(path, **more):
        if path == first:
            raise PermissionError(13, "no", str(path))
        unlink(path, **more)

    monkeypatch.setattr(type(first), "unlink", refuse)
    Store(tmp_path).tidy()
    assert held_in(folder) == [first]


def _nowhere(*_, **__):
    raise RuntimeError("could not determine the home directory")


@pytest.mark.parametrize("told", [_nowhere, lambda *_, **__: Path("~/.cache/ssot-fix")])
def test_without_a_home_nothing_is_put_into_the_project(tmp_path, monkeypatch, told):
    """Versions of platformdirs differ in what they make of a user without a home."""
    monkeypatch.delenv(store.FOLDER_VARIABLE)
    monkeypatch.setattr("platformdirs.user_cache_path", told)
    monkeypatch.chdir(tmp_path)
    held = Store(tmp_path)
    assert not held.save("x", b"x")
    assert held.trouble
    assert held.load("x") is None
    assert (usage().files, clear().files) == (0, 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("ssot_fix.project.git", "subprocess"),
        ("ssot_fix.project.git", "run_git"),
        ("ssot_fix.newer_syntax", "ThreadPoolExecutor"),
        ("ssot_fix.project.git", "Path"),
        ("ssot_fix.project.config", "partial"),
        ("builtins", "eval"),
    ],
)
def test_only_values_of_our_own_are_made_of_a_file(module, name):
    data = b"\x80\x04c" + f"{module}\n{name}\n".encode() + b"."
    with pytest.raises(pickle.UnpicklingError):
        restore(data)


# Plug-ins


class Odd:
    """Nothing is known of it, and it can't be pickled."""

    def __reduce__(self):
        raise TypeError("not me")


def _made():
    @dataclass
    class Made:
        value: object

        def digestible(self):
            raise AssertionError("of the class, not of a value")

    return Made


@pytest.mark.parametrize("constants", [3j, Odd(), lambda: None, {"a": object()}, _made()])
def test_a_plug_in_that_knows_something_odd(tmp_path, constants):
    root = lay_out(tmp_path / "p", {"a.py": "# hostile\n" + READ, "b.py": READ})
    twice(root, Known(constants))


def test_a_plug_in_with_odd_options(tmp_path):
    @dataclass(frozen=True)
    class Options:
        odd: object = 3j

    class Plug(Hostile):
        options = Options

    root = lay_out(tmp_path / "p", {"a.py": "# hostile\n" + READ})
    twice(root, Plug())


def test_a_plug_in_that_surveys_with_a_closure(tmp_path):
    """Which function it is does not tell what it does."""

    class Plug(Hostile):
        def __init__(self, word):
            self.word = word

        def surveyor(self, project, config):
            word = self.word
            return lambda data: word if word in data else None

        def prepare(self, project, config, surveyed):
            self.seen = sorted(surveyed)
            return self

        def beyond(self, covers):
            return [], [f"seen: {self.seen}"]

    root = lay_out(tmp_path / "p", {"a.py": "A = 1\n", "b.py": "B = 1\n"})
    twice(root, Plug(b"A"))
    twice(root, Plug(b"B"))


def test_a_plug_in_that_finds_what_cannot_be_pickled(tmp_path):
    class Plug(Hostile):
        def surveyor(self, project, config):
            return _odd

    root = lay_out(tmp_path / "p", {"a.py": "A = 1\n"})
    twice(root, Plug())


def _odd(data):
    return Odd()


def test_the_files_of_a_plug_in_may_lie_in_an_archive_or_lead_nowhere(tmp_path, monkeypatch):
    package = tmp_path / "plugged"
    package.mkdir()
    (package / "__init__.py").write_text("class Plug: pass\n")
    (package / ".#__init__.py").symlink_to("somebody@somewhere.1234")  # how Emacs locks a file
    monkeypatch.syspath_prepend(str(tmp_path))
    import plugged

    before = plugins([plugged.Plug()])
    (package / "__init__.py").write_text("class Plug: more = 1\n")
    assert plugins([plugged.Plug()]) != before
    monkeypatch.setattr(plugged, "__file__", str(tmp_path / "plugged.zip/plugged/__init__.py"))
    (tmp_path / "plugged.zip").write_bytes(b"1")
    before = plugins([plugged.Plug()])
    (tmp_path / "plugged.zip").write_bytes(b"12")
    assert plugins([plugged.Plug()]) != before
