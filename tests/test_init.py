"""`ssot-fix init`: what it sees, what it writes, what it refuses; and the accessor that it offers."""

from __future__ import annotations

import enum
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path

import pytest

from codemods import catalog
from ssot_fix.delivery import init
from ssot_fix.delivery.init import initialise
from ssot_fix.engine.contract import Inactive, Setting
from ssot_fix.project.config import ConfigError, General, load
from ssot_fix.project.discovery import UsageError

REPOSITORY = Path(__file__).resolve().parent.parent
TEMPLATE = resources("ssot_fix.delivery") / "environment.py.txt"
TYPES = {name: codemod.options for name, codemod in catalog().items()}
NAME = "isolated-environment"
IMPORTS = "stale-imports"
ACCESSOR = """\
import os

class IsolatedEnvironment:
    def get(self, key, default=None):
        return os.environ.get(key, default)

    def set(self, key, value):
        os.environ[key] = value

def get_env() -> IsolatedEnvironment:
    return IsolatedEnvironment()
"""
PROGRAM = """\
import os

PORT = int(os.environ.get("PORT", 8080))
KEY = os.environ["KEY"]
print(PORT, KEY, os.getenv("MODE"))
"""

posix_only = pytest.mark.skipif(os.name != "posix", reason="symbolic links, modes")


@pytest.fixture
def project(tmp_path):
    """Make a git repository of the files given by name; its root."""

    def project(files, folder="project"):
        root = tmp_path / folder
        root.mkdir()
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        git(root, "init", "-q")
        git(root, "add", "-A")
        git(root, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "all", "--allow-empty")
        return root

    return project


def git(root, *args):
    done = subprocess.run(["git", *args], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def ssot_fix(root, *args):
    """Run the real command in a folder."""
    command = [sys.executable, "-m", "ssot_fix", *args]
    return subprocess.run(command, cwd=root, check=False, capture_output=True, text=True, timeout=100)


def initialised(root, accessor=None, start=None):
    """What init tells, as one text."""
    return "\n".join(initialise(start or root, catalog(), Path(accessor) if accessor else None))


def contents(root):
    """Every file and folder below a root, git's own left out, with its bytes."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
        if ".git" not in path.parts
    }


def loaded(root, text=None):
    """The settings of a root, or those that `text`, put in place of its settings file, would make."""
    config = load(root, root, TYPES)
    if text is None:
        return config
    config.file.write_text(text, newline="", encoding="utf-8")
    return load(root, root, TYPES)


def uncommented(text):
    return re.sub(r"(?m)^#(?=\S)", "", text)


# What is refused, and changes nothing


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ssot-fix.toml", "jobs = 2\n"),
        ("ssot-fix.toml", ""),
        ("pyproject.toml", "[tool.ssot-fix]\njobs = 2\n"),
        ("pyproject.toml", '[tool.ssot-fix.isolated-environment]\nexempt-comments = ["@marked"]\n'),
    ],
)
def test_existing_settings_are_left_alone(project, name, text):
    root = project({"m.py": "", name: text})
    before = contents(root)
    with pytest.raises(ConfigError, match=rf"^{re.escape(name)} has settings for ssot-fix already"):
        initialised(root)
    assert contents(root) == before


def test_existing_settings_of_a_folder_count_where_they_would_be_read(project):
    root = project({"web/m.py": "", "web/ssot-fix.toml": "", "auth/m.py": ""})
    with pytest.raises(ConfigError, match=r"^web/ssot-fix\.toml has settings"):
        initialised(root, start=root / "web")
    initialised(root, start=root / "auth")
    assert (root / "ssot-fix.toml").is_file()


@pytest.mark.parametrize("text", [b"[tool\n", b"\xff = 1\n", b"a = " + b"[" * 10_000])
def test_a_broken_pyproject_is_left_alone(project, text):
    root = project({"m.py": "", "pyproject.toml": text})
    before = contents(root)
    with pytest.raises(ConfigError, match=r"^pyproject\.toml can't be read as TOML"):
        initialised(root)
    assert contents(root) == before


@posix_only
def test_a_link_out_of_the_project_is_not_written(project, tmp_path):
    outside = tmp_path / "outside.toml"
    outside.write_text("[project]\n")
    root = project({"m.py": ""})
    (root / "pyproject.toml").symlink_to(outside)
    with pytest.raises(UsageError, match=r"pyproject\.toml is a symbolic link that leads outside the project"):
        initialised(root)
    assert outside.read_text() == "[project]\n"
    assert sorted(contents(root)) == ["m.py", "pyproject.toml"]


@posix_only
def test_a_dangling_link_is_not_written_through(project, tmp_path):
    root = project({"m.py": ""})
    (root / "ssot-fix.toml").symlink_to(tmp_path / "nowhere.toml")
    with pytest.raises(UsageError, match=r"ssot-fix\.toml exists already"):
        initialised(root)
    assert not (tmp_path / "nowhere.toml").exists()
    assert sorted(contents(root)) == ["m.py", "ssot-fix.toml"]


@posix_only
def test_a_read_only_pyproject_is_not_written(project):
    root = project({"m.py": "", "pyproject.toml": "[project]\n"})
    (root / "pyproject.toml").chmod(0o444)
    with pytest.raises(UsageError, match=r"pyproject\.toml is read-only"):
        initialised(root)
    assert contents(root)["pyproject.toml"] == b"[project]\n"


@posix_only
def test_what_can_not_be_read(project, monkeypatch):

    def deny(self):
        if self.name in denied:
            raise PermissionError(13, "Permission denied")
        return read_bytes(self)

    root = project({"m.py": "", "pyproject.toml": ""})
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", deny)
    denied = {"pyproject.toml"}
    with pytest.raises(ConfigError, match=r"^pyproject\.toml: the settings can't be read: Permission denied"):
        initialised(root)
    denied = {"m.py"}
    initialised(root)


def test_notes_of_the_search_are_told(project):
    root = project({"m.py": "", "venv/pyvenv.cfg": "", "venv/x.py": ""})
    assert "  note                  venv/: a virtual environment, left out; name it in .gitignore" in initialised(root)


@posix_only
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="nothing is unwritable to root")
def test_a_folder_that_can_not_be_written(project):
    root = project({"m.py": ""})
    root.chmod(0o555)
    try:
        with pytest.raises(UsageError, match=r"ssot-fix\.toml was not written"):
            initialised(root)
    finally:
        root.chmod(0o755)


# What is written


PYPROJECT = b'[project]\nname = "x"  # \xc3\xa9\n'


@pytest.mark.parametrize(
    ("old", "joint"),
    [
        (PYPROJECT, b"\n"),
        (PYPROJECT[:-1], b"\n\n"),
        (PYPROJECT + b"\n", b""),
        (PYPROJECT.replace(b"\n", b"\r\n"), b"\r\n"),
        (PYPROJECT.replace(b"\n", b"\r\n")[:-2], b"\r\n\r\n"),
        (PYPROJECT.replace(b"\n", b"\r\n") + b"\r\n", b""),
        (b"\xef\xbb\xbf" + PYPROJECT, b"\n"),
        (PYPROJECT + b"# no newline behind this", b"\n\n"),
        (PYPROJECT + b"[tool]\nblack.line-length = 99\n", b"\n"),
        (b"tool.black.line-length = 99\n", b"\n"),
        (b"\xef\xbb\xbf", b""),
        (b"", b""),
    ],
)
def test_a_pyproject_is_appended_to(project, old, joint):
    root = project({"m.py": "", "pyproject.toml": old})
    told = initialised(root)
    new = (root / "pyproject.toml").read_bytes()
    assert new.startswith(old + joint + b"[tool.ssot-fix]")
    assert new.endswith(b"\n")
    if b"\r\n" in old:
        assert new.count(b"\r\n") == new.count(b"\n")
    else:
        assert b"\r" not in new
    before, after = (tomllib.loads(text.decode("utf-8-sig")) for text in (old, new))
    assert after["tool"].pop("ssot-fix") == {key: {} for key in TYPES}
    assert {"tool": {}, **before} == after
    assert loaded(root).file == root / "pyproject.toml"
    assert "Wrote [tool.ssot-fix] at the end of pyproject.toml." in told
    assert sorted(contents(root)) == ["m.py", "pyproject.toml"]


def test_a_pyproject_that_takes_no_table_gets_a_file_beside_it(project):
    old = b"tool = { black = { line-length = 99 } }\n"
    root = project({"m.py": "", "pyproject.toml": old})
    assert "Wrote ssot-fix.toml." in initialised(root)
    assert contents(root)["pyproject.toml"] == old
    assert loaded(root).file == root / "ssot-fix.toml"


def test_without_a_pyproject_it_is_a_file_of_its_own(project):
    root = project({"m.py": "", "web/m.py": ""})
    assert "Wrote ssot-fix.toml." in initialised(root, start=root / "web")
    assert sorted(contents(root)) == ["m.py", "ssot-fix.toml", "web", "web/m.py"]


@posix_only
def test_a_new_file_has_the_mode_of_any_new_file(project):
    root = project({"m.py": ""})
    initialised(root, "env.py")
    (root / "plain").touch()
    for name in ("ssot-fix.toml", "env.py"):
        assert (root / name).stat().st_mode == (root / "plain").stat().st_mode


@posix_only
def test_a_link_within_the_project_is_followed(project):
    root = project({"m.py": "", "config/real.toml": "[project]\n"})
    (root / "pyproject.toml").symlink_to("config/real.toml")
    initialised(root)
    assert (root / "pyproject.toml").is_symlink()
    assert b"[tool.ssot-fix]" in (root / "config/real.toml").read_bytes()


def test_outside_git_the_folder_itself_is_the_project(tmp_path):
    (tmp_path / "m.py").touch()
    told = initialised(tmp_path)
    assert "no git repository" in told
    assert (tmp_path / "ssot-fix.toml").is_file()


def test_a_failed_write_leaves_the_settings_as_they_were(project, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    root = project({"m.py": ""})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match=r"^ssot-fix\.toml was not written: No space left on device"):
        initialised(root)
    assert sorted(contents(root)) == ["m.py"]


@pytest.mark.parametrize("blocked", [False, True])
def test_a_file_system_without_hard_links(project, monkeypatch, blocked):
    root = project({"m.py": ""})

    def refuse(_source, target):
        if blocked:
            Path(target).write_text("somebody else's")
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    if blocked:
        with pytest.raises(UsageError, match="exists already"):
            initialised(root)
        assert (root / "ssot-fix.toml").read_text() == "somebody else's"
    else:
        initialised(root)
        assert loaded(root).file == root / "ssot-fix.toml"
    assert sorted(contents(root)) == ["m.py", "ssot-fix.toml"]


# The settings load, and are all there

LAYOUTS = {
    "nothing": {},
    "no accessor": {"shop/__init__.py": "", "shop/m.py": PROGRAM},
    "accessor": {"shared/__init__.py": "", "shared/env.py": ACCESSOR, "m.py": PROGRAM},
    "src": {"src/shop/__init__.py": "", "src/shop/env.py": ACCESSOR, "src/shop/m.py": PROGRAM},
    "service": {
        "services/auth/app/__init__.py": "",
        "services/auth/app/env.py": ACCESSOR,
        "services/auth/app/m.py": "from app.env import get_env\n" + PROGRAM,
    },
    "several accessors": {"a/env.py": ACCESSOR, "b/env.py": ACCESSOR, "m.py": PROGRAM},
    "lookup": {"env.py": ACCESSOR.replace("def set", "def require(self, key): ...\n    def set"), "m.py": PROGRAM},
    "hidden tests": {
        "we[i]rd 'qa'\"/a.py": "import pytest\n",
        "we[i]rd 'qa'\"/b.py": "import unittest\n",
        "packages/one/src/one/__init__.py": "",
        "m.py": PROGRAM,
    },
    "pyproject": {"pyproject.toml": "[project]\n", "env.py": ACCESSOR, "m.py": PROGRAM},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_settings_load_as_written_and_with_all_comments_taken_away(project, layout):
    root = project(LAYOUTS[layout])
    initialised(root)
    written = loaded(root).file.read_text()
    table = tomllib.loads(uncommented(written))
    table = table["tool"]["ssot-fix"] if "pyproject.toml" in LAYOUTS[layout] else table
    keys = {field.replace("_", "-") for field in General.__dataclass_fields__}
    assert set(table) == keys | {*TYPES, "overrides"}
    for name, options in TYPES.items():
        assert set(table[name]) == {field.replace("_", "-") for field in options.__dataclass_fields__}
    assert [set(move) for move in table[IMPORTS]["moves"]] == [{"from", "to"}]
    config = loaded(root, uncommented(written))
    assert config.general_for("legacy/m.py") == config.general


@pytest.mark.parametrize("layout", LAYOUTS)
def test_settings_do_not_change_the_result(project, layout):
    root = project(LAYOUTS[layout])
    before = ssot_fix(root, "--format", "json", "--unsafe-fixes")
    assert ssot_fix(root, "init").returncode == 0
    after = ssot_fix(root, "--format", "json", "--unsafe-fixes")
    assert before.stdout == after.stdout
    assert before.returncode == after.returncode == 0


def test_defaults_stand_as_they_are(project):
    root = project({"m.py": ""})
    initialised(root)
    examples = r"(?m)^#(?:accessor|accessor-class|lookup|services) = .*\n|^#\[\[(?s:.*)"
    config = loaded(root, uncommented(re.sub(examples, "", (root / "ssot-fix.toml").read_text())))
    assert config.general == General()
    for name, options in TYPES.items():
        assert config.options(name, "m.py") == options()


def test_lines_are_short(project):
    root = project({"m.py": ""})
    initialised(root)
    assert max(map(len, (root / "ssot-fix.toml").read_text().splitlines())) <= 110


def test_legacy_platform_gives_the_same_before_and_after(tmp_path):
    root = tmp_path / "legacy"
    shutil.copytree(REPOSITORY / "fixtures/legacy_platform", root, ignore=shutil.ignore_patterns("__pycache__"))
    pyproject = root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().partition("[tool.ssot-fix")[0])
    git(root, "init", "-q")
    git(root, "add", "-A")
    for options in ((), ("--unsafe-fixes", "--include-tests")):
        git(root, "checkout", "-q", ".")
        before = ssot_fix(root, "--format", "json", *options)
        assert json.loads(before.stdout)["summary"]["rewritten"] > 20
        told = ssot_fix(root, "init")
        assert told.returncode == 0, told.stderr
        assert 'accessor = "shared.isolated_environment:get_env"' in told.stdout
        after = ssot_fix(root, "--format", "json", *options)
        assert before.stdout == after.stdout
    assert git(root, "diff", "--stat").startswith(" pyproject.toml |")
    again = ssot_fix(root, "init")
    assert again.returncode == 2
    assert "pyproject.toml has settings for ssot-fix already" in again.stderr


class Level(enum.Enum):
    LOW = "low"


@dataclass(frozen=True)
class OtherOptions:
    level: Level = Level.LOW
    ratio: float = 0.5
    name: str | None = None
    names: tuple[str, ...] = ()


class OtherCodemod:
    """A codemod of somebody else's, that finds a long list."""

    name = "other"
    options = OtherOptions
    names = tuple(f'a "name"\\ with blanks {number}\x7f' for number in range(9))

    def surveyor(self, _project, _config):
        return lambda data: True if b"import" in data else None

    def prepare(self, _project, _config, surveyed):
        return Inactive(f"it has seen {', '.join(surveyed)}")

    def suggest(self, _project, _config, _surveyed):
        keys = ("level", "ratio", "name")
        return [*(Setting(key, f"The {key}.") for key in keys), Setting("names", "The names.", found=self.names)]


def test_any_codemod_has_its_table(project):
    root = project({"m.py": "import os\n", "a.py": "import os\n", "tests/m.py": "import os\n"})
    codemods = {**catalog(), "other": OtherCodemod()}
    types = {**TYPES, "other": OtherOptions}
    told = initialise(root, codemods, None)
    assert f"{'':24}inactive: it has seen a.py, m.py, tests/m.py" in told
    written = root / "ssot-fix.toml"
    assert load(root, root, types).options("other", "m.py") == OtherOptions(names=OtherCodemod.names)
    text = uncommented(written.read_text())
    assert '\n# The level.\nlevel = "low"\n\n# The ratio.\nratio = 0.5\n\n# The name.\nname = ""\n' in text
    written.write_text(text)
    assert load(root, root, types).options("other", "m.py") == OtherOptions(name="", names=OtherCodemod.names)


# What is told


def test_what_is_told(project):
    root = project(
        {
            "pyproject.toml": "[project]\n",
            "shared/__init__.py": "",
            "shared/env.py": ACCESSOR,
            "src/shop/__init__.py": "",
            "tests/test_a.py": "import pytest\n",
            "tests/helper.py": "",
            "shared/test_b.py": "",
            "qa/a.py": "from unittest import TestCase\n",
            "qa/b.py": "    import pytest\n",
            "demos/a.py": "from unittest.mock import Mock\n",
            "demos/b.py": "from unittest import mock\n",
        }
    )
    assert initialised(root).splitlines() == [
        f"{root}: 10 Python files",
        "",
        "  test code             3 files, left out of runs (tests/ 2, test_*.py 1)",
        "                        qa/ may be, too: 2 of 2 files import pytest or unittest",
        "  source roots          the project's root, src/",
        '  isolated-environment  accessor = "shared.env:get_env"',
        "",
        "Wrote [tool.ssot-fix] at the end of pyproject.toml.",
        "What was found is set; every other setting is there as a comment.",
        "",
        "Try next:",
        "    ssot-fix --dry-run",
    ]
    text = (root / "pyproject.toml").read_text()
    patterns = 'test-patterns = ["tests/", "test/", "test_*/", "test_*.py", "*_test.py", "conftest.py", "/qa/"]'
    assert f"\n#{patterns}\n" in text
    config = loaded(root, text.replace(f"#{patterns}", patterns))
    assert config.general.test_patterns[-1] == "/qa/"


@pytest.mark.parametrize(
    ("files", "folders"),
    [
        ({"qa/a.py": "import pytest\n"}, {}),
        ({"qa/a.py": "import pytest\n", "qa/b.py": "import pytest\n", "qa/__init__.py": ""}, {"qa": (2, 2)}),
        ({"qa/a.py": "import pytest\n", "qa/b.py": "import pytest\n", "qa/c.py": ""}, {}),
        ({"svc/m.py": "", "svc/qa/a.py": "import pytest\n", "svc/qa/b.py": "import pytest\n"}, {"svc/qa": (2, 2)}),
        ({"tests/a.py": "import pytest\n", "tests/b.py": "import pytest\n"}, {}),
        ({"qa/a.py": "# import pytest\n", "qa/b.py": "x = 'pytest'\n"}, {}),
        ({"a.py": "import pytest\n", "b.py": "import pytest\n"}, {}),
    ],
)
def test_folders_that_look_like_test_code(project, files, folders):
    root = project(files)
    assert init._look(loaded(root), catalog()).test_like == folders


def test_the_pattern_for_a_folder_matches_that_folder_only(project):
    files = {f"we[i]rd *?/{name}.py": "import pytest\n" for name in "ab"} if os.name == "posix" else {}
    root = project({**files, "weird xx/a.py": "", "m.py": ""})
    initialised(root)
    patterns, _, rest = (root / "ssot-fix.toml").read_text().partition("\n# Folders that modules")
    config = loaded(root, f"{uncommented(patterns)}\n# {rest}")
    scope = init.Classifier(config.general.test_patterns).scope
    assert {path: scope(path) for path in files} == dict.fromkeys(files, "test")
    assert scope("weird xx/a.py") == "production"


def test_further_source_roots_are_an_example(project):
    root = project({"packages/one/src/one/__init__.py": "", "packages/two/src/two/__init__.py": "", "m.py": ""})
    assert "packages/one/src/ may be one, too" in initialised(root)
    text = (root / "ssot-fix.toml").read_text()
    assert '\n#source-roots = ["packages/one/src", "packages/two/src"]\n' in text


def test_several_accessors_are_for_the_user_to_choose(project):
    root = project(LAYOUTS["several accessors"])
    told = initialised(root)
    assert "several accessors: a.env:get_env, b.env:get_env" in told
    assert told.endswith("Choose an accessor in the settings, then try:\n    ssot-fix --dry-run")
    text = (root / "ssot-fix.toml").read_text()
    assert '\n#accessor = "a.env:get_env"\n' in text
    assert "There are several, a.env:get_env, b.env:get_env:" in text


def test_a_likely_lookup_is_an_example_only(project):
    root = project(LAYOUTS["lookup"])
    initialised(root)
    text = (root / "ssot-fix.toml").read_text()
    assert '# `require` may be one: set it if that is so.\n#lookup = "require"\n' in text


SHOP = {"shop/__init__.py": "", "shop/engine.py": "", "shop/m.py": "x = 1\n"}


@pytest.mark.parametrize("text", ["", "from shop import engine\n", "import foreign.core\n"])
def test_where_no_import_is_stale_nothing_is_told_of_it(project, text):
    root = project({**SHOP, "shop/m.py": text, "shop/env.py": ACCESSOR})
    told = initialised(root)
    assert IMPORTS not in told
    assert told.endswith("Try next:\n    ssot-fix --dry-run")
    assert "lead" not in (root / "ssot-fix.toml").read_text()


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("from shop.core import Engine\n", "1 import leads"),
        ("from shop.core import Engine, Part\nimport shop.core as core\n", "3 imports lead"),
        ("from .core import *\nfrom . import core\n", "2 imports lead"),
    ],
)
def test_stale_imports_are_told_and_what_finds_their_targets(project, text, lead):
    root = project({**SHOP, "shop/m.py": text, "shop/env.py": ACCESSOR})
    note = f"{lead} nowhere: `ssot-fix discover-moves` looks for where to."
    told = initialised(root)
    assert f"\n  stale-imports         {note}\n" in told
    assert told.endswith("Try next:\n    ssot-fix --dry-run\n    ssot-fix discover-moves")
    assert f"\n# {note}\n#[[stale-imports.moves]]\n#from = " in (root / "ssot-fix.toml").read_text()


@pytest.mark.parametrize("accessors", [(), ("a", "b")], ids=["none", "several"])
def test_stale_imports_are_told_beside_a_codemod_that_can_not_run(project, accessors):
    files = {f"shop/{name}.py": ACCESSOR for name in accessors}
    root = project({**SHOP, **files, "shop/m.py": "import shop.core\n"})
    first = "--dry-run" if accessors else "init --accessor shop/environment.py"
    assert initialised(root).endswith(f":\n    ssot-fix {first}\n    ssot-fix discover-moves")


def test_discovered_moves_go_below_the_settings_of_init(project):
    root = project({**SHOP, "shop/engine.py": "class Engine:\n    def run(self): ...\n"})
    git(root, "mv", "shop/engine.py", "shop/motor.py")
    (root / "shop/m.py").write_text("from shop.engine import Engine\n")
    git(root, "add", "-A")
    git(root, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "Call it a motor")
    initialised(root)
    before = (root / "ssot-fix.toml").read_text()
    done = ssot_fix(root, "discover-moves", "--write-config", "--quiet")
    assert (done.returncode, done.stderr) == (0, "ssot-fix: Wrote 1 move to ssot-fix.toml.\n")
    written = (root / "ssot-fix.toml").read_text()
    assert written.startswith(before)
    (move,) = loaded(root).options(IMPORTS, "").moves
    assert (move.from_, move.to) == ("shop.engine", "shop.motor")
    both = loaded(root, uncommented(written.replace('"shop.core.engine"', '"shop.old"'))).options(IMPORTS, "").moves
    assert [move.from_ for move in both] == ["shop.old", "shop.engine"]


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({}, "environment.py"),
        ({"m.py": ""}, "environment.py"),
        ({"a/__init__.py": "", "b/__init__.py": "", "b/m.py": ""}, "b/environment.py"),
        ({"a/__init__.py": "", "a/m.py": "", "shared/__init__.py": ""}, "shared/environment.py"),
        ({"src/a/__init__.py": "", "src/a/environment.py": ""}, "src/a/isolated_environment.py"),
        ({"a/__init__.py": "", "a/environment/__init__.py": ""}, "a/isolated_environment.py"),
    ],
)
def test_a_place_for_the_accessor_is_proposed_and_works(project, files, place):
    root = project(files)
    assert initialised(root).endswith(f"Try next:\n    ssot-fix init --accessor {place}")
    initialised(root, place)
    assert (root / place).read_bytes() == TEMPLATE.read_bytes()


def test_the_proposed_place_is_relative_to_the_current_folder(project):
    root = project({"a/__init__.py": "", "docs/conf.py": ""})
    assert initialised(root, start=root / "docs").endswith("init --accessor ../a/environment.py")
    initialised(root, "../a/environment.py", start=root / "docs")
    assert (root / "a/environment.py").is_file()


@posix_only
def test_nothing_is_told_that_a_terminal_would_obey(project):
    folder = "qa\x1b[31m\n\udcff"
    root = project({f"{folder}/{name}.py": "import pytest\n" for name in "ab"})
    told = initialised(root)
    assert "qa?[31m ?/ may be, too" in told
    told.encode()
    assert loaded(root).file is not None


# The accessor is refused


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../env.py", "it lies outside the project"),
        ("shop/m.py", "exists already and is not overwritten"),
        ("shop", "exists already and is not overwritten"),
        ("shop/env.txt", r"a module's file name ends in \.py"),
        ("shop/env", r"a module's file name ends in \.py"),
        ("shop/.py", r"a module's file name ends in \.py"),
        ("shop/my-env.py", "`my-env` is no Python name"),
        ("my-shop/env.py", "`my-shop` is no Python name"),
        ("shop/class.py", "`class` is no Python name"),
        ("new/__init__.py", "`__init__` has a meaning of its own"),
        ("os.py", "`os` is a module of Python's own"),
        ("platform/env.py", "`platform` is a module of Python's own"),
        ("tests/env.py", "that is test code"),
        ("shop/test_env.py", "that is test code"),
        ("shop/m.py/env.py", r"m\.py is no folder"),
        ("shop/m/env.py", r"`shop/m\.py` has that name already"),
        ("shop/inner.py", "the folder shop/inner/ has that name already"),
        ("build/env.py", "git ignores it"),
        ("shop/e\0nv.py", "NUL"),
    ],
)
def test_an_accessor_in_a_bad_place_is_refused(project, path, message):
    files = {"shop/__init__.py": "", "shop/m.py": "", "shop/inner/x.py": "", ".gitignore": "build/\n"}
    root = project(files)
    before = contents(root)
    with pytest.raises(UsageError, match=message):
        initialised(root, path)
    assert contents(root) == before


@pytest.mark.parametrize("path", ["env.py", "shared/env.py"])
def test_an_accessor_that_code_in_src_could_not_import_is_refused(project, path):
    root = project({"src/shop/__init__.py": "", "src/shop/m.py": "", "tests/__init__.py": "", "noxfile.py": ""})
    with pytest.raises(
        UsageError, match=r"packages lie in src/ and could not import this; try src/shop/environment\.py"
    ):
        initialised(root, path)
    assert not (root / path).exists()


def test_an_accessor_that_would_hide_a_package_is_refused(project):
    root = project({"src/shop/__init__.py": "", "tools/__init__.py": ""})
    with pytest.raises(UsageError, match="it would hide `shop`, which lies in src"):
        initialised(root, "shop/env.py")


@posix_only
def test_an_accessor_behind_a_link_out_of_the_project_is_refused(project, tmp_path):
    root = project({"m.py": ""})
    (tmp_path / "elsewhere").mkdir()
    (root / "shared").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="outside the project"):
        initialised(root, "shared/env.py")
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"shared/env.py": ACCESSOR}, "shared.env:get_env"),
        ({"a/env.py": ACCESSOR, "b/env.py": ACCESSOR}, "several accessors: a.env:get_env, b.env:get_env"),
        (
            {"a/env.py": ACCESSOR, "b/env.py": ACCESSOR, "ssot-fix.toml": f'[{NAME}]\naccessor = "b.env:get_env"\n'},
            "b.env:get_env",
        ),
        (
            {
                "a/env.py": ACCESSOR,
                "b/env.py": ACCESSOR,
                "ssot-fix.toml": f'[[overrides]]\npaths = ["b/"]\n[overrides.{NAME}]\naccessor = "b.env:get_env"\n',
            },
            "the settings name one for some paths",
        ),
    ],
)
def test_a_second_accessor_is_refused(project, files, named):
    root = project(files)
    before = contents(root)
    with pytest.raises(UsageError, match=rf"^the project has an accessor already: {named}"):
        initialised(root, "new/env.py")
    assert contents(root) == before


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, UsageError])
def test_what_was_begun_is_taken_back(project, monkeypatch, interrupt):
    def fail(*_args):
        raise interrupt

    root = project({"m.py": "", "pyproject.toml": ""})
    before = contents(root)
    monkeypatch.setattr(init, "_append", fail)
    with pytest.raises(interrupt):
        initialised(root, "new/deep/env.py")
    assert contents(root) == before


def test_what_others_wrote_meanwhile_stays(project, monkeypatch):
    root = project({"m.py": "", "pyproject.toml": ""})

    def fail(*_args):
        (root / "new/theirs.py").touch()
        raise UsageError("no")

    monkeypatch.setattr(init, "_append", fail)
    with pytest.raises(UsageError, match="no"):
        initialised(root, "new/env.py")
    assert sorted(path for path in contents(root) if path.startswith("new")) == ["new", "new/theirs.py"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("", "`app.env` has no function `get_env`"),
        ("class C:\n    def x(self): ...\n\ndef get_env() -> C: ...\n", "`app.env` means a/app/env.py here"),
    ],
)
def test_a_name_that_means_another_module_is_refused(project, other, message):
    files = {"a/app/__init__.py": "", "a/app/env.py": other, "b/app/__init__.py": "", "b/app/m.py": "import app\n"}
    root = project(files)
    before = contents(root)
    with pytest.raises(UsageError, match=rf"^b/app/env\.py: {message}"):
        initialised(root, "b/app/env.py")
    assert contents(root) == before


# The accessor is written, and used


@pytest.mark.parametrize(
    ("files", "path", "dotted", "new"),
    [
        ({"m.py": ""}, "env.py", "env", ["env.py"]),
        ({"m.py": ""}, "shared/env.py", "shared.env", ["shared/env.py", "shared/__init__.py"]),
        (
            {"m.py": ""},
            "shared/config/env.py",
            "shared.config.env",
            ["shared/config/env.py", "shared/__init__.py", "shared/config/__init__.py"],
        ),
        ({"src/shop/__init__.py": ""}, "src/shop/env.py", "shop.env", ["src/shop/env.py"]),
        (
            {"src/shop/__init__.py": ""},
            "src/shared/env.py",
            "shared.env",
            ["src/shared/env.py", "src/shared/__init__.py"],
        ),
        ({"src/shop/__init__.py": ""}, "src/env.py", "env", ["src/env.py"]),
        ({"src/__init__.py": "", "src/m.py": ""}, "src/env.py", "src.env", ["src/env.py"]),
        ({"src/m.py": "", "main.py": "from src import m\n"}, "src/env.py", "src.env", ["src/env.py"]),
        ({"src/m.py": "", "main.py": "from src.m import x\n"}, "env.py", "env", ["env.py"]),
        (
            {"app/auth/__init__.py": "", "app/auth/m.py": "import auth.x\n"},
            "app/auth/env.py",
            "auth.env",
            ["app/auth/env.py"],
        ),
        (
            {"app/auth/__init__.py": "", "m.py": "import app.auth\n"},
            "app/auth/env.py",
            "app.auth.env",
            ["app/auth/env.py"],
        ),
    ],
)
def test_how_the_accessor_is_imported(project, files, path, dotted, new):
    root = project(files)
    before = set(contents(root))
    told = initialised(root, path)
    assert f"Wrote {', '.join(new)}. Code will import it like this:\n    from {dotted} import get_env\n" in told
    written = {name for name, data in contents(root).items() if data is not None} - before
    assert written == {*new, "ssot-fix.toml"}
    assert all(contents(root)[name] == b"" for name in new[1:])
    options = loaded(root).options(NAME, "m.py")
    assert (options.accessor, options.lookup) == (f"{dotted}:get_env", "require")


def test_a_folder_without_an_init_is_pointed_out(project):
    root = project({"tools/m.py": ""})
    assert "tools/ has no __init__.py." in initialised(root, "tools/env.py")
    assert not (root / "tools/__init__.py").exists()


@pytest.mark.parametrize(
    ("name", "header"), [("ssot-fix.toml", f"[{NAME}]"), ("pyproject.toml", f"[tool.ssot-fix.{NAME}]")]
)
def test_settings_that_exist_are_not_changed_for_an_accessor(project, name, header):
    root = project({"m.py": PROGRAM, name: "[tool.ssot-fix]\n" if name == "pyproject.toml" else "jobs = 1\n"})
    settings = (root / name).read_bytes()
    told = initialised(root, "env.py")
    assert (root / name).read_bytes() == settings
    expected = f'Add these to {header} there:\n    accessor = "env:get_env"\n    lookup = "require"\n'
    assert f"{name} has settings already and was not changed.\n{expected}" in told
    assert (root / "env.py").is_file()


def test_the_way_from_no_accessor_to_a_migrated_program(project):
    root = project({"pyproject.toml": "[project]\n", "main.py": PROGRAM})
    environment = {**os.environ, "KEY": "k", "MODE": "m"}
    environment.pop("PORT", None)

    def output():
        done = subprocess.run([sys.executable, "main.py"], cwd=root, env=environment, capture_output=True, check=True)
        return done.stdout

    before = output()
    told = ssot_fix(root, "init", "--accessor", "shared/environment.py")
    assert (told.returncode, told.stderr) == (0, "")
    assert (
        told.stdout
        == f"""\
{root}: 1 Python file

  test code             none
  source roots          the project's root
  isolated-environment  accessor = "shared.environment:get_env"
                        lookup = "require"

Wrote shared/environment.py, shared/__init__.py. Code will import it like this:
    from shared.environment import get_env
Wrote [tool.ssot-fix] at the end of pyproject.toml.
What was found is set; every other setting is there as a comment.

Try next:
    ssot-fix --dry-run
"""
    )
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["ssot-fix"]
    found = {NAME: {"accessor": "shared.environment:get_env", "lookup": "require"}}
    assert settings == {key: {} for key in TYPES} | found
    dry = ssot_fix(root, "--dry-run")
    assert dry.returncode == 0
    added = [line[1:] for line in dry.stdout.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert [line for line in added if line] == [
        "from shared.environment import get_env",
        'PORT = int(get_env().get("PORT", 8080))',
        'KEY = get_env().require("KEY")',
        'print(PORT, KEY, get_env().get("MODE"))',
    ]
    assert ssot_fix(root, "--write").returncode == 0
    assert output() == before
    assert ssot_fix(root, "--check").returncode == 0


def test_errors_reach_the_user_as_a_message(project):
    root = project({"m.py": ""})
    done = ssot_fix(root, "init", "--accessor", "m.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert "m.py exists already and is not overwritten; name a new file" in done.stderr
    assert "Traceback" not in done.stderr


# The accessor itself


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "environment_under_test.py"
    path.write_bytes(TEMPLATE.read_bytes())
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def env(module):
    return module.get_env()


def test_there_is_one_environment(module):
    assert module.get_env() is module.get_env()
    assert isinstance(module.get_env(), module.IsolatedEnvironment)


def test_it_reads_through(env, monkeypatch):
    monkeypatch.delenv("SSOT_A", raising=False)
    default = object()
    assert env.get("SSOT_A") is None
    assert env.get("SSOT_A", default) is default
    assert env.get("SSOT_A", default=default) is default
    assert env.exists("SSOT_A") is False
    with pytest.raises(KeyError, match="SSOT_A"):
        env.require("SSOT_A")
    monkeypatch.setenv("SSOT_A", "")
    assert (env.get("SSOT_A", "d"), env.require("SSOT_A"), env.exists("SSOT_A")) == ("", "", True)
    monkeypatch.setenv("SSOT_A", "2")
    assert (env.get("SSOT_A"), env.require("SSOT_A")) == ("2", "2")
    assert env.get_all() == dict(os.environ)
    assert env.get_subprocess_env() == dict(os.environ)


def test_it_writes_through(env, monkeypatch):
    monkeypatch.setenv("SSOT_A", "1")
    env.set("SSOT_A", "2")
    assert os.environ["SSOT_A"] == "2"
    env.delete("SSOT_A")
    assert "SSOT_A" not in os.environ
    env.delete("SSOT_A")


def test_what_it_gives_out_is_a_copy(env):
    for copy in (env.get_all(), env.get_subprocess_env()):
        copy["SSOT_COPY"] = "1"
    assert not env.exists("SSOT_COPY")


def test_isolation(env, monkeypatch):
    monkeypatch.setenv("SSOT_OUTER", "outer")
    monkeypatch.delenv("SSOT_NEW", raising=False)
    before = dict(os.environ)
    given = {"SSOT_A": "1"}
    with env.isolated(given) as inner:
        assert inner is env
        assert env.get_all() == {"SSOT_A": "1"}
        assert (env.get("SSOT_OUTER"), env.exists("SSOT_OUTER")) == (None, False)
        env.set("SSOT_NEW", "n")
        env.delete("SSOT_A")
        env.delete("SSOT_OUTER")
        assert env.get_all() == {"SSOT_NEW": "n"}
        assert env.get_subprocess_env() == {**before, "SSOT_NEW": "n"}
        assert dict(os.environ) == before
        with env.isolated():
            assert env.get_all() == {}
            env.set("SSOT_DEEP", "d")
        assert env.get_all() == {"SSOT_NEW": "n"}
    assert given == {"SSOT_A": "1"}
    assert env.get_all() == dict(os.environ) == before


def test_isolation_ends_with_an_exception(env):
    with pytest.raises(ZeroDivisionError), env.isolated({"SSOT_A": "1"}):
        1 / 0  # noqa: B018
    assert env.get_all() == dict(os.environ)


def test_isolations_may_end_in_another_order(env):
    first, second = env.isolated({"SSOT_A": "1"}), env.isolated({"SSOT_A": "2"})
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert env.get("SSOT_A") == "2"
    second.__exit__(None, None, None)
    assert env.get_all() == dict(os.environ)


@pytest.mark.parametrize("isolated", [False, True])
def test_only_text_is_taken_as_in_os_environ(env, isolated, monkeypatch):
    monkeypatch.setenv("SSOT_A", "1")
    with env.isolated({"SSOT_A": "1"}) if isolated else monkeypatch.context():
        with pytest.raises(TypeError, match="str expected, not int"):
            env.set("SSOT_A", 2)
        assert env.get("SSOT_A") == "1"


def test_threads(env):
    failures = []

    def work(number):
        try:
            for round_ in range(300):
                key = f"SSOT_{number}_{round_ % 7}"
                env.set(key, str(round_))
                assert env.require(key) == str(round_)
                assert env.get_all()[key] == str(round_)
                env.delete(key)
                assert not env.exists(key)
        except BaseException as error:
            failures.append(error)

    with env.isolated({"SSOT_FIXED": "1"}):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert env.get_all() == {"SSOT_FIXED": "1"}
    assert failures == []


USE = """\
from environment import IsolatedEnvironment, get_env

env: IsolatedEnvironment = get_env()
number: int = int(env.get("A", 1))
text: str = env.get("A", "d")
maybe: str | None = env.get("A")
needed: str = env.require("A")
everything: dict[str, str] = env.get_all()
with env.isolated({"A": "1"}) as inner:
    inner.set("A", "2")
"""


def test_it_passes_mypy_and_ruff(tmp_path):
    (tmp_path / "environment.py").write_bytes(TEMPLATE.read_bytes())
    (tmp_path / "use.py").write_text(USE)
    run = [sys.executable, "-m"]
    for command in (
        [
            *run,
            "mypy",
            "--strict",
            "--config-file=",
            "--cache-dir",
            str(tmp_path / "cache"),
            "environment.py",
            "use.py",
        ],
        [*run, "ruff", "check", "--config", str(REPOSITORY / "pyproject.toml"), "environment.py"],
        [*run, "ruff", "check", "--isolated", "--select", "E,F,W,I,UP,B,D1,ANN", "--ignore", "D107", "environment.py"],
        *(
            [*run, "ruff", "format", "--isolated", "--line-length", width, "--check", "environment.py"]
            for width in ("79", "88", "119")
        ),
    ):
        done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_read_by_older_pythons_and_holds_nothing_but_ascii():
    import ast

    text = TEMPLATE.read_bytes()
    assert text.isascii()
    assert max(map(len, text.splitlines())) < 80
    ast.parse(text, feature_version=(3, 9))
    assert b"from __future__ import annotations" in text
