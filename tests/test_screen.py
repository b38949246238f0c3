"""One look at the bytes of a file, and what becomes of it when the project is known."""

from __future__ import annotations

import pickle

import pytest

from codemods import catalog
from codemods.utf8_streams.survey import Facts, facts_of, imported_files
from ssot_fix.digests import blob_name
from ssot_fix.engine.screen import Screen, Screened
from ssot_fix.project import config as settings
from ssot_fix.project.resolver import project_of

TEXT = b"""import os as o
from shop import a, b

class C:
    def get(self): return o.environ
    def set(self): ...

if __name__ == "__main__":
    print("\xc3\xa9")
"""


@pytest.fixture
def screen_of(tmp_path):
    def make(files):
        for path, data in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(data)
        codemods = catalog()
        config = settings.load(tmp_path, tmp_path, {name: codemod.options for name, codemod in codemods.items()})
        project = project_of(tmp_path, files, ())
        surveyors = {name: codemod.surveyor(project, config) for name, codemod in codemods.items()}
        return Screen(tmp_path, list(codemods.values()), surveyors)

    return make


def test_what_is_seen_depends_on_nothing_but_the_bytes(screen_of):
    screen = screen_of({"shop/a.py": TEXT, "tests/test_a.py": TEXT, "shop/__main__.py": TEXT, "conftest.py": TEXT})
    told = screen(["shop/a.py", "tests/test_a.py", "shop/__main__.py", "conftest.py"])
    assert {content for content, _ in told} == {blob_name(TEXT)}
    found = [screened for _, screened in told]
    assert found == [screen.look(TEXT)] * 4
    assert "isolated-environment" in found[0].passed
    assert found[0].aliases == {"o"}
    assert len(found[0].surveyed) == 3
    assert pickle.loads(pickle.dumps(found)) == found


def test_what_cant_be_read_has_an_error(screen_of):
    screen = screen_of({"shop/a.py": TEXT})
    gone, (content, folder) = screen(["shop/b.py", "shop"])
    assert gone == (b"", Screened(error="deleted while ssot-fix was running"))
    assert not content
    assert folder.error


@pytest.mark.parametrize(
    ("path", "text", "imported"),
    [
        ("a.py", "import os, sys\n", set()),
        ("a.py", "import shopping, b.c\nfrom shop import x\n", {"shop/__init__.py"}),
        ("a.py", "from shop import b\nimport tool\n", {"shop/__init__.py", "shop/b.py"}),
        ("shop/b.py", "import tool, a\n", {"shop/tool.py", "a.py"}),
        ("shop/b.py", "import sub.d, sub.e\nfrom sub import c\n", {"shop/sub/d.py"}),
        ("shop/b.py", "from sub import tool, d\n", {"shop/sub/d.py"}),
        (
            "shop/b.py",
            "from . import tool\nfrom .sub import d\n",
            {"shop/__init__.py", "shop/tool.py", "shop/sub/d.py"},
        ),
        ("shop/__init__.py", "from .sub.d import x\n", {"shop/sub/d.py"}),
        (
            "shop/sub/d.py",
            "from ..tool import x\nfrom .. import b\n",
            {"shop/__init__.py", "shop/tool.py", "shop/b.py"},
        ),
        ("shop/sub/d.py", "from shop import (b, # c\n tool)\n", {"shop/__init__.py", "shop/tool.py", "shop/b.py"}),
        ("src/lib.py", "import lib, core\n", {"src/lib.py", "src/core.py"}),
    ],
)
def test_imported_files(tmp_path, path, text, imported):
    files = ["a.py", "shop/__init__.py", "shop/b.py", "shop/tool.py", "shop/sub/d.py", "src/lib.py", "src/core.py"]
    project = project_of(tmp_path, files, ())
    facts = {"other.py": Facts(), "shop/x.py": facts_of(text.encode()), path: facts_of(text.encode())}
    assert imported_files(project, facts)[path] == imported
