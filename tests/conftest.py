"""What tests of the real command share: a git repository to stand in, and the command as a process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from cases import make_project
from hypothesis import HealthCheck, settings
from ranges import Story

# The entry point as it is installed; -P, as the installed script does not have the current folder on sys.path.
COMMAND = (sys.executable, "-P", "-m", "ssot_fix")
BYTECODE = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
pytest_plugins = ["worlds"]
Run = Callable[..., subprocess.CompletedProcess[bytes]]


# How long an example takes says how busy the machine is.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")


def pytest_configure(config: pytest.Config) -> None:
    """Have every Python that is started keep what it compiled, outside the tree: half the time of a short run."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        kept = tempfile.TemporaryDirectory(prefix="ssot-fix-bytecode-", ignore_cleanup_errors=True)
        config.add_cleanup(kept.cleanup)
        os.environ.update(zip(BYTECODE, ("", kept.name), strict=True))


class Repository:
    """A git repository with the accessor in it."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.root = root
        self.environment = environment

    def git(self, *arguments: str, input: bytes | None = None) -> str:
        done = subprocess.run(
            ("git", *arguments), cwd=self.root, env=self.environment, input=input, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for path, text in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode() if isinstance(text, str) else text)

    def commit(self) -> None:
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message", "a state")

    def read(self, path: str) -> str:
        return (self.root / path).read_bytes().decode()

    def changed(self) -> list[str]:
        """The paths that differ from the last commit."""
        return [entry[3:] for entry in self.git("status", "--porcelain", "-z").split("\0") if entry]


@pytest.fixture(scope="session")
def command_environment(tmp_path_factory) -> Mapping[str, str]:
    """The variables that a command and git are started with: nothing of the user's. All tests share them."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text("[user]\nname = Test\nemail = test@example.invalid\n[core]\nautocrlf = false\n")
    dropped = ("GIT_", "PYTHON", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "XDG_", "COLUMNS", "COV_", "COVERAGE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    ours = {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(home.parent),
        **{name: os.environ[name] for name in BYTECODE},
        "TERM": "xterm",
    }
    return MappingProxyType(kept | ours)


@pytest.fixture
def repository(tmp_path, command_environment) -> Callable[[Mapping[str, str | bytes]], Repository]:
    """Make a git repository with the accessor and some files, all committed."""

    def make(files: Mapping[str, str | bytes]) -> Repository:
        made = Repository(make_project(tmp_path / "project", files), command_environment)
        made.git("init", "--quiet", "--initial-branch=main")
        made.commit()
        return made

    return make


@pytest.fixture
def story(tmp_path, command_environment) -> Story:
    """A history in the making, with nothing of the user's."""
    return Story(tmp_path / "project", command_environment)


@pytest.fixture
def ssot_fix(command_environment) -> Run:
    """Run the command in a folder; `expect` is its exit code, `extra` variables."""

    def run(
        where: Repository | Path,
        *arguments: str | Path,
        expect: int = 0,
        extra: Mapping[str, str] | None = None,
        **more,
    ) -> subprocess.CompletedProcess[bytes]:
        folder = where.root if isinstance(where, Repository) else where
        done = subprocess.run(
            (*COMMAND, *map(str, arguments)),
            cwd=folder,
            env={**command_environment, **(extra or {})},
            check=False,
            timeout=60,
            **{"capture_output": True, **more},
        )
        said = (done.stdout or b"") + (done.stderr or b"")
        assert done.returncode == expect, said.decode(errors="replace")
        assert b"Traceback" not in said, said.decode(errors="replace")
        return done

    return run


@pytest.fixture
def temporary(tmp_path) -> dict[str, str]:
    """Variables by which temporary folders are made in one of our own, so that leftovers are seen."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return {"TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}


@pytest.fixture
def hostile(tmp_path, command_environment):
    """The variables with which the command finds the plug-in and the plug-in its order."""
    plugins = tmp_path / "plugins"
    information = plugins / "hostile-1.0.dist-info"
    information.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("hostile.py"), plugins)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[ssot_fix.codemods]\nhostile = hostile:Hostile\n")

    def variables(order: str) -> dict[str, str]:
        return {"PYTHONPATH": str(plugins), "HOSTILE": order, "HOSTILE_STARTED": str(tmp_path / "started")}

    return variables
