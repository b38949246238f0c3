"""Whatever happens to a project, a cache or a plug-in: the answer is that of a run without a cache."""

from __future__ import annotations

import os
import subprocess
import threading
from dataclasses import replace

import pytest
from cases import catalog, lay_out
from test_cache import TRUSTED, check

from ssot_fix.engine.cache import contents, store
from ssot_fix.engine.run import Request
from ssot_fix.project import surroundings
from ssot_fix.project.config import load

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


def request(root, *plugged, **more):
    codemods = {**catalog(), **{each.name: each for each in plugged}}
    config = load(root, root, {name: codemod.options for name, codemod in codemods.items()})
    config.general = replace(config.general, jobs=1)
    return Request(config, codemods, **more)


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
