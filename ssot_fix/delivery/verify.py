"""Running the user's own commands on a commit before and after: the only thing here that runs code under migration."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ssot_fix import SURROUNDINGS
from ssot_fix.delivery.repository import Repository
from ssot_fix.project.config import Verification
from ssot_fix.project.git import TOKENS, GitError, run_git

_TAIL = 4000  # bytes of what a command printed that are kept
_NOT_STARTED = 127  # as a shell says it
_PATIENCE = 10  # seconds for a command that was told to stop


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: its exit code (None: out of time), wall-clock seconds, the last of what it printed."""

    code: int | None
    seconds: float
    tail: str

    @property
    def passed(self) -> bool:
        """Whether it ended with 0."""
        return self.code == 0


@dataclass(frozen=True, slots=True)
class Verified:
    """A command on the base and on the branch."""

    command: str
    before: Ran
    after: Ran

    @property
    def is_broken(self) -> bool:
        """Whether it passed on the base and fails on the branch."""
        return self.before.passed and not self.after.passed


class Verifier:
    """Runs the commands on a base once, and on each branch."""

    def __init__(self, repository: Repository, base: str, commands: Sequence[Verification]) -> None:
        self._repository = repository
        self._base = base
        self.commands = commands
        self._before: tuple[Ran, ...] | None = None

    def verify(self, commit: str) -> tuple[Verified, ...]:
        """Run every command in a temporary work tree of the base and of a commit.

        Raises GitError if there can't be one.
        """
        if not self.commands:
            return ()
        if self._before is None:
            self._before = self._run_all(self._base)
        after = self._run_all(commit)
        return tuple(
            Verified(command.run, *ran) for command, *ran in zip(self.commands, self._before, after, strict=True)
        )

    def _run_all(self, commit: str) -> tuple[Ran, ...]:
        with _worktree(self._repository, commit) as folder:
            return tuple(_run(command, folder) for command in self.commands)


@contextmanager
def _worktree(repository: Repository, commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ssot-fix-verify-", ignore_cleanup_errors=True) as above:
        work = tempfile.TemporaryDirectory(dir=above, ignore_cleanup_errors=True)
        folder = Path(work.name).resolve()
        # Commands get all files, where the user has but some of them checked out, too.
        add = ("-c", "core.sparseCheckout=false", "worktree", "add", "--quiet", "--detach")
        run_git(repository.folder, *add, str(folder), commit)
        try:
            yield folder
        finally:
            work.cleanup()  # a command may have taken it apart; then git forgets it only once it is gone
            with suppress(GitError):
                run_git(repository.folder, "worktree", "remove", "--force", "--force", str(folder))


def _run(command: Verification, folder: Path) -> Ran:
    began = time.perf_counter()
    with tempfile.TemporaryFile() as printed:
        try:
            process = _started(command.run, folder, printed)
        except OSError as error:  # the command before may have removed the folder
            return Ran(_NOT_STARTED, time.perf_counter() - began, str(error))
        try:
            code: int | None = process.wait(command.timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end_group(process)
        size = printed.seek(0, os.SEEK_END)
        printed.seek(max(0, size - _TAIL))
        return Ran(code, time.perf_counter() - began, printed.read().decode("utf-8", "replace"))


def _started(line: str, folder: Path, printed: IO[bytes]) -> subprocess.Popen[bytes]:
    # A file and no pipe: what a command leaves running in the background may hold a pipe open for ever.
    return subprocess.Popen(  # noqa: S602  it is the user's command line
        line,
        shell=True,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=printed,
        stderr=subprocess.STDOUT,
        **_OWN_GROUP,
    )


_OWN_GROUP: Mapping[str, Any] = (
    {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)} if os.name == "nt" else {"process_group": 0}
)


def _environment() -> dict[str, str]:
    """The user's own, without what opens the forge and what says where git looks."""
    return {name: value for name, value in SURROUNDINGS.items() if name not in TOKENS and not name.startswith("GIT_")}


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what a command has started and left, and itself if it is still there."""
    if os.name == "nt":
        subprocess.run(("taskkill", "/F", "/T", "/PID", str(process.pid)), capture_output=True, check=False)
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait(_PATIENCE)
