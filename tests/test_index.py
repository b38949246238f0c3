"""Which imports lead nowhere, in small projects that are really there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random
from typing import ClassVar

import pytest

from ssot_fix.project.dependencies import declared
from ssot_fix.project.index import Dangling, Index, first_parts
from ssot_fix.project.resolver import project_of
from ssot_fix.project.scan import scan
from ssot_fix.project.surroundings import Surroundings

Files = Mapping[str, str | bytes]
Make = Callable[..., Index]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def write_and_index(files: Files, roots: Iterable[str] = (), hidden: Iterable[str] = ()) -> Index:
        """`hidden` files are on disk, but none of the project's."""
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode() if isinstance(text, str) else text)
        mine = [path for path in files if path.endswith(".py") and path not in set(hidden)]
        project = project_of(tmp_path, mine, roots)
        tops = first_parts(project)
        return Index(project, {path: scan(project.read(path), tops) for path in mine})

    return write_and_index


def dangling(index: Index, path: str = "app.py") -> list[tuple[str, str | None, str]]:
    return [(each.module, each.name, each.kind) for each in index.dangling().get(path, ())]


SHOP = {"shop/__init__.py": "", "shop/cart.py": "class Cart: ...\n"}

# Nothing of app.py dangles.
WORKS: dict[str, Files] = {
    "a module": {**SHOP, "app.py": "import shop.cart\nfrom shop.cart import Cart\nfrom shop.cart import *\n"},
    "a submodule as a name": {**SHOP, "app.py": "from shop import cart\n"},
    "a package without an __init__": {
        "shop/a/cart.py": "",
        "app.py": "import shop.a\nfrom shop.a import cart\nfrom shop import a",
    },
    "what every module has": {
        **SHOP,
        "app.py": "from shop.cart import __name__, __file__, __doc__\nfrom shop import __path__",
    },
    "what every folder has": {"shop/a.py": "", "app.py": "from shop import __path__, __name__"},
    "third parties": {**SHOP, "app.py": "import os.nothing\nfrom shopping import cart\n"},
    "text": {**SHOP, "app.py": "'''\nfrom shop import gone\n'''\n# import shop.gone\n"},
    "a name that is imported there": {
        **SHOP,
        "shop/__init__.py": "from .cart import Cart as C",
        "app.py": "from shop import C",
    },
    "a conditional name": {
        "shop.py": "try:\n    from a import x\nexcept ImportError:\n    x = None\nif x:\n    def y(): ...",
        "app.py": "from shop import x, y",
    },
    "names in one statement": {"shop.py": "a, (b, *c) = d = 1, (2,)\n", "app.py": "from shop import a, b, c, d"},
    "a global name": {"shop.py": "def f():\n    global x\n    x = 1\n", "app.py": "from shop import x"},
    "a module with a getattr": {"shop.py": "def __getattr__(name): ...", "app.py": "from shop import x"},
    "names that are computed": {"shop.py": "globals().update(a=1)", "app.py": "from shop import x"},
    "a module that replaces itself": {
        "shop.py": "import sys\nsys.modules[__name__] = a",
        "app.py": "from shop import x",
    },
    "a module that can't be parsed": {"shop.py": "def (", "app.py": "from shop import x"},
    "a module in no known encoding": {"shop.py": b"\xff = 1", "app.py": "from shop import x"},
    "a star of ours": {**SHOP, "shop/__init__.py": "from .cart import *", "app.py": "from shop import Cart"},
    "a star of a star": {
        **SHOP,
        "shop/__init__.py": "from shop.b import *",
        "shop/b.py": "from .cart import *",
        "app.py": "from shop import Cart",
    },
    "a star of another's": {"shop.py": "from os.path import *", "app.py": "from shop import join"},
    "a star of a module that is gone": {
        "shop.py": "from shopping import *\nimport shop.gone",
        "app.py": "from shop import x",
    },
    "a private name by __all__": {
        "a.py": "__all__ = ['_x']\n_x = 1",
        "b.py": "from a import *",
        "app.py": "from b import _x",
    },
    "an __all__ that is computed": {
        "a.py": "__all__ = f()\n_x = 1",
        "b.py": "from a import *",
        "app.py": "from b import _x",
    },
    "an __all__ that may hold more": {
        "a.py": "__all__ = ['y']\n__all__ += more()\nx = y = 1",
        "b.py": "from a import *",
        "app.py": "from b import x, y",
    },
    "stars in a circle": {
        "a.py": "from b import *\nx = 1",
        "b.py": "from a import *\ny = 1",
        "app.py": "from a import y\nfrom b import x",
    },
    "a package and a module of one name": {"shop/__init__.py": "x = 1", "shop.py": "", "app.py": "from shop import x"},
    "a package that extends its path": {
        "shop/__init__.py": "__path__ = __import__('pkgutil').extend_path(__path__, __name__)",
        "app.py": "import shop.gone\nfrom shop import x\nfrom shop.gone.too import x",
    },
    "a src layout": {"src/shop/cart.py": "x = 1", "app.py": "from shop.cart import x\nimport src.shop.cart"},
    "a second root that has it": {
        "shop/a.py": "",
        "src/shop/b.py": "x = 1",
        "app.py": "from shop.b import x\nfrom shop import b",
    },
    "a second root whose module has the name": {"shop.py": "", "src/shop.py": "x = 1", "app.py": "from shop import x"},
    "a module in the standard library, too": {"queue.py": "", "app.py": "from queue import Queue"},
    "a folder named like the standard library's": {"test/a.py": "", "app.py": "from test.support import x"},
    "dots that lead out": {"app.py": "from . import x\nfrom .. import y\nfrom ..a import z"},
    "a stub for sys.modules": {
        **SHOP,
        "app.py": "import sys\nsys.modules['shop.gone'] = 1\nimport shop.gone.too\nfrom shop.gone import x",
    },
    "a stub for a name": {**SHOP, "app.py": "import sys\nsys.modules['shop.gone'] = 1\nfrom shop import gone"},
    "a stub in a conftest": {
        **SHOP,
        "conftest.py": "import sys\nsys.modules['shop.gone'] = 1",
        "app.py": "import shop.gone",
    },
    "a stub in what it imports": {
        **SHOP,
        "stubs.py": "import sys\nsys.modules['shop.gone'] = 1",
        "app.py": "import stubs\nimport shop.gone",
    },
    "a stub in the package": {
        **SHOP,
        "shop/__init__.py": "from . import compat",
        "shop/compat.py": "import sys\nsys.modules['shop.gone'] = sys.modules['shop.cart']",
        "app.py": "def f():\n    import shop.gone",
    },
    "an alias in the package": {
        **SHOP,
        "shop/__init__.py": "import sys\nsys.modules[__name__ + '.gone'] = 1",
        "app.py": "import shop.gone",
    },
    "a module that protoc writes": {
        **SHOP,
        "app.py": "from shop.cart_pb2 import Cart\nfrom shop import cart_pb2_grpc",
    },
    "a module that the build writes": {
        **SHOP,
        "pyproject.toml": "[tool.setuptools_scm]\nversion_file = 'shop/_version.py'",
        "app.py": "from shop._version import version",
    },
    "a helper that sets names in its callers": {
        "magic.py": "import sys\ndef fill():\n    sys._getframe(1).f_globals['x'] = 1",
        "shop.py": "from magic import fill\nfill()",
        "app.py": "from shop import x",
    },
    "a finder of its own": {
        **SHOP,
        "shop/__init__.py": "import sys\nsys.meta_path.append(Finder())",
        "app.py": "import shop.gone\nfrom shop import gone",
    },
    "a folder of data": {**SHOP, "shop/data/a.json": "", "app.py": "import shop.data\nfrom shop import data"},
    "a name that a getattr makes": {
        "shop.py": "def __getattr__(name):\n    if name == 'x':\n        return 1\n    raise AttributeError(name)",
        "app.py": "from shop import x",
    },
    "a relative module": {
        **SHOP,
        "shop/app.py": "from . import cart\nfrom .cart import Cart\nfrom ..shop import cart",
        "app.py": "",
    },
}
GONE: dict[str, tuple[Files, list[tuple[str, str | None, str]]]] = {
    "a module": (
        {**SHOP, "app.py": "import shop.gone\nfrom shop.gone import a, b as c\nfrom shop.gone import *"},
        [("shop.gone", n, "module") for n in (None, "a", "b", "*")],
    ),
    "a module in a module": ({**SHOP, "app.py": "import shop.cart.gone"}, [("shop.cart.gone", None, "module")]),
    "a name": ({**SHOP, "app.py": "from shop.cart import Cart, gone"}, [("shop.cart", "gone", "name")]),
    "a name of a package": ({**SHOP, "app.py": "from shop import gone"}, [("shop", "gone", "name")]),
    "a name of a folder": ({"shop/a.py": "", "app.py": "from shop import gone"}, [("shop", "gone", "name")]),
    "a path of a module": ({**SHOP, "app.py": "from shop.cart import __path__"}, [("shop.cart", "__path__", "name")]),
    "once": ({**SHOP, "app.py": "import shop.gone\nimport shop.gone"}, [("shop.gone", None, "module")]),
    "under a condition": ({**SHOP, "app.py": "try: import shop.gone\nexcept: pass"}, [("shop.gone", None, "module")]),
    "an attribute": (
        {"shop.py": "class C:\n    x = 1\nC.y = 1", "app.py": "from shop import x, y"},
        [("shop", "x", "name"), ("shop", "y", "name")],
    ),
    "only annotated": ({"shop.py": "x: int", "app.py": "from shop import x"}, [("shop", "x", "name")]),
    "a local name": ({"shop.py": "def f():\n    x = 1", "app.py": "from shop import x"}, [("shop", "x", "name")]),
    "a name in a string": ({"shop.py": "'''\nx = 1\n'''", "app.py": "from shop import x"}, [("shop", "x", "name")]),
    "not by a star": (
        {"a.py": "_x = 1", "b.py": "from a import *", "app.py": "from b import _x"},
        [("b", "_x", "name")],
    ),
    "not by __all__": (
        {"a.py": "__all__ = ['y']\nx = y = 1", "b.py": "from a import *", "app.py": "from b import x, y"},
        [("b", "x", "name")],
    ),
    "not by a star in a circle": (
        {"a.py": "from b import *", "b.py": "from a import *", "app.py": "from a import x"},
        [("a", "x", "name")],
    ),
    "a name of the module that a package hides": (
        {"shop/__init__.py": "", "shop.py": "x = 1", "app.py": "from shop import x"},
        [("shop", "x", "name")],
    ),
    "a folder named like the standard library's, but ours by name": (
        {"pyproject.toml": "[project]\nname = 'test'", "test/a.py": "", "app.py": "from test.gone import x"},
        [("test.gone", "x", "module")],
    ),
    "beside a compiled module": (
        {**SHOP, "shop/other.abi3.so": "", "app.py": "from shop.cart import x"},
        [("shop.cart", "x", "name")],
    ),
    "a package in the standard library, too": (
        {"code/__init__.py": "", "app.py": "from code import gone"},
        [("code", "gone", "name")],
    ),
    "a name of a module, whatever finds modules": (
        {
            **SHOP,
            "shop/__init__.py": "import sys\nsys.meta_path.append(Finder())",
            "app.py": "from shop.cart import x",
        },
        [("shop.cart", "x", "name")],
    ),
    "a name that a getattr does not make": (
        {
            "shop.py": "def __getattr__(name):\n    if name == 'x':\n        return 1\n    raise AttributeError(name)",
            "app.py": "from shop import y",
        },
        [("shop", "y", "name")],
    ),
    "a stub for another": (
        {**SHOP, "app.py": "import sys\nsys.modules['shop.other'] = 1\nimport shop.gone"},
        [("shop.gone", None, "module")],
    ),
    "a stub that runs elsewhere": (
        {**SHOP, "tests/conftest.py": "import sys\nsys.modules['shop.gone'] = 1", "app.py": "import shop.gone"},
        [("shop.gone", None, "module")],
    ),
}


@pytest.mark.parametrize("files", WORKS.values(), ids=WORKS)
def test_works(make, files):
    index = make(files)
    assert dangling(index) == dangling(index, "shop/app.py") == []


@pytest.mark.parametrize(("files", "found"), GONE.values(), ids=GONE)
def test_gone(make, files, found):
    assert dangling(make(files)) == found


def test_relative_imports_that_lead_nowhere(make):
    index = make(
        {
            **SHOP,
            "shop/a/b.py": "from . import gone\nfrom ..gone import x\nfrom ..cart import Cart, y\nfrom .. import z",
        }
    )
    assert dangling(index, "shop/a/b.py") == [
        ("shop.a", "gone", "name"),
        ("shop.gone", "x", "module"),
        ("shop.cart", "y", "name"),
        ("shop", "z", "name"),
    ]


class TestReadings:
    """A script's folder, and every folder around it, may be on sys.path."""

    def test_a_sibling(self, make):
        index = make(
            {"shop/a.py": "", "tools/shop/b.py": "x = 1", "tools/app.py": "from shop.b import x\nimport shop.b"}
        )
        assert index.dangling() == {}

    def test_a_service(self, make):
        files = {"app/a.py": "", "service/app/b.py": "x = 1", "service/app/c/d.py": "from app.b import x"}
        assert make(files).dangling() == {}

    def test_a_sibling_that_lacks_the_name(self, make):
        index = make({"shop.py": "", "tools/shop.py": "y = 1", "tools/app.py": "from shop import x, y"})
        assert dangling(index, "tools/app.py") == [("shop", "x", "name")]

    def test_not_a_relative_import(self, make):
        index = make({**SHOP, "shop/a/b.py": "from ..c import x", "shop/a/shop/c.py": "x = 1"})
        assert dangling(index, "shop/a/b.py") == [("shop.c", "x", "module")]

    def test_a_folder_elsewhere(self, make):
        files = {
            "shop/a.py": "",
            "x/shop/b.py": "y = 1",
            "z/w/shop/b/__init__.py": "",
            "app.py": "from shop.b import y\nimport shop.b",
        }
        assert make(files).dangling()["app.py"] == (
            Dangling("shop.b", "y", "module", ("x",)),
            Dangling("shop.b", None, "module", ("x", "z/w")),
        )

    def test_a_name_elsewhere(self, make):
        files = {"shop.py": "", "x/shop.py": "y = 1", "z/shop.py": "", "app.py": "from shop import y"}
        assert make(files).dangling()["app.py"] == (Dangling("shop", "y", "name", ("x",)),)

    def test_what_only_a_sibling_has_is_not_judged(self, make):
        index = make({"tools/helper.py": "", "tools/app.py": "from helper import gone\nimport helper.gone"})
        assert index.dangling() == {}
        assert index.count() == (0, 0)

    def test_a_root_that_is_configured(self, make):
        files = {"service/app/a.py": "", "test.py": "import app.a, app.gone"}
        assert make(files).dangling() == {}
        assert dangling(make(files, roots=["service"]), "test.py") == [("app.gone", None, "module")]


class TestBesideTheProject:
    """What no file of the project is, but may be there."""

    @pytest.mark.parametrize(
        "path",
        [
            "shop/made.py",
            "shop/made.pyw",
            "shop/made.pyx",
            "shop/made.pyi",
            "shop/made.pyc",
            "shop/made.abi3.so",
            "shop/made.cpython-311-x86_64-linux-gnu.so",
            "shop/made.cp311-win_amd64.pyd",
            "shop/made/__init__.py",
            "shop/made/part.py",
        ],
    )
    def test_on_disk(self, make, path):
        files = {
            **SHOP,
            path: "",
            "app.py": "import shop.made\nfrom shop.made import x\nfrom shop import made\nimport shop.made.y",
        }
        index = make(files, hidden=[path])
        assert index.dangling() == {}
        assert index.offers("shop.made", "x") is None
        assert index.offers("shop", "made") is None

    @pytest.mark.parametrize("path", ["shop/made.txt", "shop/made/__pycache__/a.pyc", "shop/made.old.py"])
    def test_not_on_disk(self, make, path):
        index = make({**SHOP, path: "", "app.py": "import shop.made"}, hidden=[path])
        assert dangling(index) == [("shop.made", None, "module")]

    def test_a_folder_of_data_can_be_imported_as_such(self, make):
        asking = "import shop.made\nfrom shop import made\nfrom shop.made import x"
        index = make({**SHOP, "shop/made/data.json": "{}", "app.py": asking}, hidden=["shop/made/data.json"])
        assert dangling(index) == [("shop.made", "x", "module")]

    def test_a_compiled_module_takes_the_place_of_a_file(self, make):
        files = {**SHOP, "shop/cart.abi3.so": "", "app.py": "from shop.cart import x"}
        assert make(files).dangling() == {}

    def test_a_stub_file_declares_more(self, make):
        files = {**SHOP, "shop/cart.pyi": "x: int\nfrom a import b as b", "app.py": "from shop.cart import x, b, y"}
        assert dangling(make(files)) == [("shop.cart", "y", "name")]

    @pytest.mark.parametrize("text", ["def __getattr__(name: str) -> object: ...", "from a import *", "def ("])
    def test_a_stub_file_that_does_not_say_what(self, make, text):
        assert make({**SHOP, "shop/cart.pyi": text, "app.py": "from shop.cart import x"}).dangling() == {}

    @pytest.fixture
    def ignoring(self, tmp_path: Path, command_environment) -> None:
        subprocess.run(("git", "init", "--quiet", tmp_path), env=command_environment, check=True)
        (tmp_path / ".gitignore").write_text("_version.py\nbuilt/\n")

    def test_ignored_by_git(self, make, ignoring):
        files = {**SHOP, "app.py": "import shop._version, shop.built\nfrom shop.built.a import b\nimport shop.gone"}
        index = make(files)
        assert dangling(index) == [("shop.gone", None, "module")]
        assert index.count() == (4, 1)

    def test_a_string_for_what_git_ignores(self, make, ignoring):
        index = make({**SHOP, "app.py": "'shop._version.x'; 'shop.gone.x'"})
        assert index.dangling_string("shop._version.x") is None
        assert index.dangling_string("shop.gone.x") == Dangling("shop.gone", "x", "module")


class TestShadows:
    """A folder without an __init__ loses to an installed package."""

    FILES: ClassVar[Files] = {"alembic/env.py": "", "app.py": "from alembic import op\nimport alembic.gone"}
    GONE = (("alembic", "op", "name"), ("alembic.gone", None, "module"))

    def test_nothing_said(self, make):
        assert dangling(make(self.FILES)) == [*self.GONE]

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("requirements.txt", "# tools\nalembic>=1.2,<2 ; python_version > '3'\n"),
            ("requirements-dev.txt", "  Alembic[tz]==1.2\n"),
            ("a/b/requirements/base.in", ""),
            ("deploy/requirements/base.txt", "-r x.txt\nalembic\n"),
            ("requirements.txt", "git+https://example.invalid/x.git#egg=alembic\n"),
            ("requirements.txt", "alembic @ https://example.invalid/x.whl\n"),
            ("pyproject.toml", "[project]\ndependencies = ['alembic~=1.2']"),
            ("pyproject.toml", "[project.optional-dependencies]\ndb = ['alembic']"),
            ("pyproject.toml", "[dependency-groups]\ndev = [{include-group = 'x'}, 'alembic']"),
            ("pyproject.toml", "[tool.poetry.dependencies]\npython = '^3'\nalembic = '^1'"),
            ("pyproject.toml", "[tool.poetry.group.dev.dependencies]\nalembic = {version = '1'}"),
            ("pyproject.toml", "[tool.uv]\ndev-dependencies = ['alembic']"),
            ("pyproject.toml", "[tool.hatch.envs.test]\ndependencies = ['alembic']"),
            ("service/pyproject.toml", "[build-system]\nrequires = ['alembic']"),
            ("setup.cfg", "[options]\ninstall_requires =\n    x\n    alembic>1"),
            ("setup.cfg", "[options.extras_require]\ndb = alembic"),
            ("setup.py", "from setuptools import setup\nR = ['alembic>=1']\nsetup(install_requires=R)"),
            ("setup.py", "setup(extras_require={'db': ['alembic']})"),
            ("Pipfile", "[packages]\nalembic = '*'"),
            ("Pipfile.lock", '{"default": {"alembic": {}}}'),
            ("environment.yml", "dependencies:\n  - python=3.11\n  - conda-forge::alembic=1.2\n  - pip:\n    - x"),
            ("uv.lock", '[[package]]\nname = "x"\n[[package]]\nname = "alembic"\nversion = "1"\n'),
        ],
    )
    def test_a_dependency(self, make, path, text):
        index = make({**self.FILES, path: text})
        assert dangling(index) == ([] if text else [*self.GONE])

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("requirements.txt", "# alembic\nalembicutils\n./alembic\n-r alembic.txt\n"),
            ("a/b/c/requirements.txt", "alembic"),
            ("node_modules/requirements.txt", "alembic"),
            ("notes.txt", "alembic"),
            ("pyproject.toml", "[project\ndependencies = ['alembic']"),
            ("pyproject.toml", "project = 1\ntool = []"),
            ("setup.py", "def setup(\n'alembic'"),
            ("setup.py", "setup(keywords=['alembic'])"),
            ("setup.cfg", "alembic"),
            ("Pipfile.lock", "[]"),
            ("uv.lock", '[[package]]\nname = "alembic"\nsource = { editable = "." }\n'),
        ],
    )
    def test_no_dependency(self, make, path, text):
        assert dangling(make({**self.FILES, path: text})) == [*self.GONE]

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("pyproject.toml", "[tool.isort]\nknown_first_party = ['alembic']"),
            ("pyproject.toml", "[tool.ruff.lint.isort]\nknown-first-party = ['a*']"),
            ("pyproject.toml", "[project]\nname = 'alembic'"),
            ("pyproject.toml", "[tool.setuptools]\npackages = ['alembic', 'alembic.x']"),
            ("pyproject.toml", "[tool.setuptools.packages.find]\ninclude = ['alembic*']"),
            ("pyproject.toml", "[tool.poetry]\npackages = [{include = 'alembic', from = 'lib'}]"),
            ("pyproject.toml", "[tool.hatch.build.targets.wheel]\npackages = ['src/alembic']"),
            ("setup.cfg", "[options]\npackages =\n    alembic\n    x"),
            ("setup.cfg", "[isort]\nknown_first_party = x,alembic"),
            (".isort.cfg", "[settings]\nknown_first_party=alembic"),
            ("setup.py", "setup(packages=['alembic'])"),
        ],
    )
    def test_the_project_says_that_it_is_its_own(self, make, path, text):
        assert dangling(make({**self.FILES, "requirements.txt": "alembic", path: text})) == [*self.GONE]

    def test_a_package_of_ours_wins(self, make):
        files = {**self.FILES, "alembic/__init__.py": "", "requirements.txt": "alembic"}
        assert dangling(make(files)) == [*self.GONE]

    def test_a_module_of_ours_may_not(self, make):
        files = {"redis.py": "", "app.py": "from redis import Redis", "requirements.txt": "redis"}
        assert make(files).dangling() == {}

    @pytest.mark.parametrize(
        ("requirement", "name"),
        [
            ("python-dateutil", "dateutil"),
            ("clickhouse_driver", "clickhouse_driver"),
            ("PyYAML", "yaml"),
            ("protobuf", "google"),
            ("google-cloud-storage", "google"),
            ("psycopg2-binary", "psycopg2"),
            ("types-docker", "docker"),
            ("ruamel.yaml", "ruamel_yaml"),
        ],
    )
    def test_names_of_distributions(self, tmp_path, requirement, name):
        (tmp_path / "requirements.txt").write_text(requirement)
        assert declared(Surroundings(tmp_path)).shadows(name)
        assert not declared(Surroundings(tmp_path)).shadows("scripts")

    def test_what_can_not_be_read_says_nothing(self, tmp_path):
        (tmp_path / "setup.py").mkdir()
        (tmp_path / "requirements.txt").write_bytes(b"\xff\xfe\0a\nalembic")
        (tmp_path / "pyproject.toml").write_bytes(b"\xff")
        assert declared(Surroundings(tmp_path)).shadows("alembic")
        assert declared(Surroundings(tmp_path / "nowhere")).installed == frozenset()


STRINGS = {
    "shop/__init__.py": "from .cart import Cart\nlimit = 1",
    "shop/cart.py": "class Cart:\n    total = 1\ndef f(): ...",
    "shop/deep/x.py": "",
    "late.py": "def __getattr__(name): ...",
}


@pytest.mark.parametrize(
    "text",
    [
        "shop",
        "shop.cart",
        "shop.cart.Cart",
        "shop.cart.Cart.anything.at_all",
        "shop.Cart.total",
        "shop.limit.x",
        "shop.deep",
        "os.path.gone",
        "shopping.gone",
        "late.x",
        "late.x.y",
        "shop.cart:Cart",
        "shop.cart:Cart.gone",
        "shop:Cart",
        "shop.cart:",
        "shop.__name__",
        "",
        ".",
        "shop..cart",
        ":",
        "shop.cart_pb2.X",
    ],
)
def test_strings_that_work(make, text):
    assert make(STRINGS).dangling_string(text) is None or text == "shop..cart"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("shop.gone", ("shop", "gone", "name")),
        ("shop.Gone.x", ("shop", "Gone", "name")),
        ("shop.gone.f", ("shop.gone", "f", "module")),
        ("shop.gone.Cart", ("shop.gone", "Cart", "module")),
        ("shop.gone.Cart.total", ("shop.gone", "Cart", "module")),
        ("shop.gone.deep.Cart.total", ("shop.gone.deep", "Cart", "module")),
        ("shop.gone.deep.f", ("shop.gone.deep", "f", "module")),
        ("shop.deep.gone.f", ("shop.deep.gone", "f", "module")),
        ("shop.cart.gone", ("shop.cart", "gone", "name")),
        ("shop.cart.gone.x.y", ("shop.cart", "gone", "name")),
        ("shop.cart:gone", ("shop.cart", "gone", "name")),
        ("shop.cart:gone.x", ("shop.cart", "gone", "name")),
        ("shop.gone:main", ("shop.gone", "main", "module")),
        ("shop.gone.Deep:main", ("shop.gone.Deep", "main", "module")),
        ("shop.cart.gone:main", ("shop.cart", "gone", "name")),
        ("shop.gone:", ("shop", "gone", "name")),
    ],
)
def test_strings_that_dangle(make, text, found):
    assert make(STRINGS).dangling_string(text) == Dangling(*found)


def test_a_string_in_a_file(make):
    index = make(
        {**STRINGS, "a/shop/gone.py": "x = 1", "a/app.py": "", "b.py": "import sys\nsys.modules['shop.gone'] = 1"}
    )
    assert index.dangling_string("shop.gone.x") == Dangling("shop.gone", "x", "module", ("a",))
    assert index.dangling_string("shop.gone.x", "late.py") is not None
    assert index.dangling_string("shop.gone.x", "a/app.py") is None
    assert index.dangling_string("shop.gone.x", "b.py") is None


def test_what_there_is(make):
    index = make(
        {
            "shop/__init__.py": "from .cart import Cart\ntry:\n    def late(): ...\nexcept E: ...",
            "shop/cart.py": "class Cart: ...\nasync def f(): ...\nx = 1\n",
            "shop/a/b.py": "",
            "stars.py": "from os import *\nfrom shop import *",
        }
    )
    assert index.module("shop") == "shop/__init__.py"
    assert index.module("shop.cart") == "shop/cart.py"
    assert index.module("shop.a") is None
    assert index.exists("shop.a")
    assert not index.exists("shop.gone")
    assert not index.exists("shop.cart.Cart")
    assert not index.exists("")
    kinds = {name: index.kind_of("shop.cart", name) for name in ("Cart", "f", "x", "gone")}
    assert kinds == {"Cart": "class", "f": "async def", "x": "assign", "gone": None}
    assert index.kind_of("shop", "Cart") == "import"
    assert index.kind_of("shop", "late") == "def"
    assert index.kind_of("shop.a", "b") is None
    assert index.offers("shop", "late") is True
    assert index.offers("shop.gone", "x") is False
    assert index.offers("stars", "Cart") is True
    assert index.offers("stars", "x") is None
    assert set(index.names("shop/cart.py").bound) == {"Cart", "f", "x"}
    assert index.names("nowhere.py").open


def test_who_has_what_and_who_uses_whom(make):
    index = make(
        {
            "a.py": "class X: ...\n",
            "b.py": "from a import X\nX = X\n",
            "c.py": "from a import X\n",
            "d/__init__.py": "from a import *\n",
            "d/e.py": "import a\nfrom . import f\ndef g():\n    from a import X\n",
        }
    )
    assert index.definitions("X") == [("a.py", "class"), ("b.py", "assign")]
    assert index.definitions("a") == []


def test_what_runs(make):
    index = make(
        {
            "a/__init__.py": "import b.c.d",
            "a/x.py": "def f():\n    import e\nif y:\n    import e",
            "b/c/__init__.py": "from . import z\nfrom b.c.z import w",
            "b/c/d.py": "import a.x",
            "b/c/z.py": "",
            "e.py": "from a import x",
        }
    )
    packages = {"a/__init__.py", "a/x.py", "b/c/__init__.py", "b/c/d.py", "b/c/z.py"}
    assert index.reached("a/x.py") == packages
    assert index.reached("e.py") == packages | {"e.py"}
    assert index.reached("b/c/z.py") == {"b/c/__init__.py", "b/c/z.py"}


def test_a_package_that_asks_itself_for_a_module_that_is_gone(make):
    index = make({**SHOP, "shop/__init__.py": "from . import cart, gone\nfrom .cart import Cart"})
    assert dangling(index, "shop/__init__.py") == [("shop", "gone", "name")]


def test_a_first_part_that_is_gone_altogether(tmp_path):
    text = "import shop.cart"
    (tmp_path / "app.py").write_text(text)
    scans = {"app.py": scan(text.encode(), frozenset({"shop"}))}
    project = project_of(tmp_path, ["app.py"], ())
    assert Index(project, scans).dangling() == {}
    assert dangling(Index(project, scans, ["shop"])) == [("shop.cart", None, "module")]


def test_counts_names_not_statements(make):
    index = make(
        {
            **SHOP,
            "app.py": "from shop.gone import (a, b)\nfrom shop.cart import Cart\nimport shop, os\nimport shop.gone\n",
        }
    )
    assert index.count() == (5, 3)


def test_files_can_be_judged_one_by_one(make, tmp_path):
    """In whatever order, and no others are; what git ignores is known each time."""
    subprocess.run(("git", "init", "--quiet"), cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("made*.py\n")
    asking = {
        "a.py": "from shop import gone, made\nimport shop.made",
        "b.py": "from shop.made2 import x\nimport made3",
        "c.py": "import shop.gone, shop.made4",
        "sub/d.py": "from shop.cart import Cart, Bag, made\nfrom .made5 import y",
        "e.py": "from shop.made6 import *\nfrom shop.lost import *",
        "f.py": "'shop.made.x', 'shop.lost.y', 'shop.made7'",
    }
    whole = make({**SHOP, **asking}).dangling()
    assert set(whole) == {"a.py", "c.py", "e.py", "sub/d.py"}
    for seed in range(5):
        index = make({**SHOP, **asking})
        for path in Random(seed).sample(list(asking), len(asking)):
            assert index.dangling_in([path]) == {path: whole[path] for path in [path] if path in whole}
            assert index.dangling_string("shop.made.x") is None
        assert index.dangling() == whole


def test_git_is_asked_about_what_matters_and_at_most_four_times(make, tmp_path):
    files = {f"a{n}.py": f"import shop.gone{n}\nfrom shop.cart import Cart" for n in range(9)}
    index = make({**SHOP, **files, "b.py": "import shop.unseen"})
    asked = []
    for path in files:
        index.dangling_in([path])
        asked.append([about for kind, about, *_ in index._project.around.asked() if kind == "ignored"])
    assert asked[0] == [("shop/gone0.py", "shop/gone0/__init__.py")]
    assert len(asked[-1]) == 4
    assert "shop/unseen.py" in asked[-1][-1]


def test_a_file_without_a_scan_has_names_all_the_same(tmp_path):
    (tmp_path / "a.py").write_text("x = 1")
    index = Index(project_of(tmp_path, ["a.py"], ()), {})
    assert index.offers("a", "x") is True
    assert index.offers("a", "y") is False
    assert index.dangling() == {}


def test_a_file_that_is_gone_by_now_is_taken_to_have_all(make, tmp_path):
    index = make({**SHOP, "app.py": "from shop.cart import x"})
    (tmp_path / "shop/cart.py").unlink()
    assert index.dangling() == {}


# Random projects, imported for real: what Python can import must not dangle.

PLACES = (
    "a/__init__.py",
    "a/x.py",
    "a/y/__init__.py",
    "a/y/z.py",
    "b.py",
    "c/w.py",
    "c/v/u.py",
    "src/d.py",
    "src/c/t.py",
)
MODULES = ("a", "a.x", "a.y", "a.y.z", "b", "c", "c.w", "c.v", "c.v.u", "d", "c.t", "a.gone", "gone", "b.gone")
NAMES = ("n", "m", "_p", "x", "y", "z", "w", "A", "f", "__name__", "__path__")
TRIED = """
import sys, importlib
from pathlib import Path
for number in range(int(sys.argv[1])):
    root = Path(str(number)).resolve()
    sys.path[:0] = [str(root), str(root / "src")]
    importlib.invalidate_caches()
    for line in (root / "tried.txt").read_text().splitlines():
        before = set(sys.modules)
        try:
            exec(line, {"__name__": "tried"})
        except Exception:
            print(0)
        else:
            print(1)
        for name in set(sys.modules) - before:
            del sys.modules[name]
    del sys.path[:2]
"""


def random_module(random: Random) -> str:
    def name() -> str:
        return random.choice(NAMES[:9])

    def module() -> str:
        return random.choice([*MODULES, ".", ".x", "..y", ".w"])

    pieces = [
        lambda: f"{name()} = 1",
        lambda: f"def {name()}(): ...",
        lambda: f"class {name()}: ...",
        lambda: f"if 1:\n    {name()} = 1\nelse:\n    {name()} = 2",
        lambda: f"try:\n    from {module()} import *\nexcept Exception: pass",
        lambda: f"try:\n    from {module()} import *\nexcept Exception: pass",
        lambda: f"try:\n    from {module()} import {name()}, {name()} as {name()}\nexcept Exception: pass",
        lambda: f"try:\n    import {random.choice(MODULES)}\nexcept Exception: pass",
        lambda: f"__all__ = [{name()!r}, {name()!r}]",
        lambda: f"__all__ = [] if '__all__' not in globals() else __all__\n__all__ += [{name()!r}]",
        lambda: f"def g():\n    global {name()}_\n    {name()}_ = 1\ng()",
        lambda: f"globals()[{name()!r}] = 1" if random.random() < 0.2 else "",
        lambda: "def __getattr__(name):\n    return 1" if random.random() < 0.1 else "",
        lambda: "import sys\nsys.modules['gone'] = sys" if random.random() < 0.1 else "",
        lambda: "import sys\nsys.modules[__name__ + '.gone'] = sys" if random.random() < 0.1 else "",
        lambda: f"'''\n{name()} = 1\n'''",
    ]
    return "\n".join(random.choice(pieces)() for _ in range(random.randint(0, 5)))


def test_what_python_can_import_does_not_dangle(tmp_path):
    random = Random(3)
    found: list[bool] = []
    count = 80
    for number in range(count):
        root = tmp_path / str(number)
        tried = [f"import {module}" for module in MODULES]
        tried += [f"from {module} import {name}" for module in MODULES for name in random.sample(NAMES, 4)]
        files = {path: random_module(random) for path in PLACES if random.random() < 0.8}
        for path, text in {**files, "tried.txt": "\n".join(tried)}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        project = project_of(root, files, ["src"])
        scans = {path: scan(text.encode(), first_parts(project)) for path, text in files.items()}
        scans |= {f"tried{n}.py": scan(line.encode(), first_parts(project)) for n, line in enumerate(tried)}
        dangling = Index(project, scans).dangling()
        found += [f"tried{n}.py" in dangling for n in range(len(tried))]
    done = subprocess.run(
        (sys.executable, "-c", TRIED, str(count)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    works = [line == "1" for line in done.stdout.split()]
    assert len(works) == len(found)
    wrong = [number for number, pair in enumerate(zip(works, found, strict=True)) if pair == (True, True)]
    assert wrong == []
    assert sum(found) > len(found) / 4
