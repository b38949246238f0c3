"""What the tests of `ssot-fix branch` share: looking at branches, and at all that is not to change."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conftest import Repository

READS = "import os\n\nHOST = os.getenv('HOST')\n"
READ = "from shared.isolated_environment import get_env\n\nHOST = get_env().get('HOST')\n"
ALL = "ssot-fix/all"


posix_only = pytest.mark.skipif(os.name != "posix", reason="scripts, signals and modes of POSIX")


def raw(project: Repository, *arguments: str, input: bytes | None = None) -> bytes:
    """What git prints, in bytes."""
    command = ("git", "-C", str(project.root), *arguments)
    done = subprocess.run(command, env=project.environment, input=input, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(project: Repository, *arguments: str) -> str:
    return project.git(*arguments).strip()


def tip(project: Repository, name: str = ALL) -> str | None:
    """Where a branch stands."""
    found = project.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{name}").split()
    return found[0] if found else None


def text(project: Repository, path: str, commit: str = ALL) -> str:
    return raw(project, "show", f"{commit}:{path}").decode()


def changed_paths(project: Repository, commit: str = ALL, base: str = "main") -> list[str]:
    listed = raw(project, "diff-tree", "-r", "-z", "--name-only", "--no-renames", base, commit)
    return [os.fsdecode(path) for path in listed.split(b"\0")[:-1]]


def state(project: Repository) -> dict[str, object]:
    """All that a run may not change: work tree and .git, bytes and times, but for objects and our own branch."""
    found: dict[str, object] = {}
    for file in project.root.rglob("*"):
        path = file.relative_to(project.root).as_posix()
        is_ours = path.startswith((".git/objects/", ".git/refs/heads/ssot-fix", ".git/logs/refs/heads/ssot-fix"))
        if not is_ours and not file.is_dir():
            content = file.readlink() if file.is_symlink() else file.read_bytes()
            found[path] = (content, file.lstat().st_mtime_ns)
    return found


def add_commit(project: Repository, files: dict[str, str | bytes]) -> str:
    project.write(files)
    project.commit()
    return ask(project, "rev-parse", "HEAD")


def script(file: Path, lines: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{lines}\n")
    file.chmod(0o755)
    return file


def leftovers(temporary: dict[str, str]) -> list[str]:
    return [file.name for file in Path(temporary["TMPDIR"]).iterdir()]
