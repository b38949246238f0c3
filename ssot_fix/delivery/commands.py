"""Running a command that the user names, with a time limit, so that nothing of it is left behind.

On Linux that holds for all that a command starts, whatever that does to get away: while it runs, orphans become
children of this process (prctl(2), PR_SET_CHILD_SUBREAPER), where they are found. It does not for what runs as another
user, and for what a service was asked to start (docker, systemd). Elsewhere the command's process group is ended, on
Windows the tree that taskkill sees.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ssot_fix import SURROUNDINGS
from ssot_fix.project.git import TOKENS

_TAIL = 4000  # bytes of what a command printed that are kept
_NOT_STARTED = 127  # as a shell says it
_PATIENCE = 10  # seconds for processes that were told to stop
_SET_CHILD_SUBREAPER, _GET_CHILD_SUBREAPER = 36, 37  # linux/prctl.h
_PROCESSES = Path("/proc")


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


def run_command(line: str, folder: Path, limit: int) -> Ran:
    """Run a command line in a folder, for `limit` seconds at most; all that it has started ends with it."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as printed:
        try:
            code = _exit_code(line, folder, limit, printed)
        except OSError as error:  # the command before may have removed the folder
            return Ran(_NOT_STARTED, time.perf_counter() - began, str(error))
        size = printed.seek(0, os.SEEK_END)
        printed.seek(max(0, size - _TAIL))
        return Ran(code, time.perf_counter() - began, printed.read().decode("utf-8", "replace"))


def _exit_code(line: str, folder: Path, limit: int, printed: IO[bytes]) -> int | None:
    with _orphans_adopted():
        others = _descendants()
        process = _started(line, folder, printed)
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(process, others)


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


def _end(process: subprocess.Popen[bytes], others: set[int]) -> None:
    """End what a command has started and left, and itself if it is still there; `others` are not its own."""
    if os.name == "nt":
        subprocess.run(("taskkill", "/F", "/T", "/PID", str(process.pid)), capture_output=True, check=False)
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):  # stuck in the kernel
        process.wait(_PATIENCE)
    _end_descendants(others)


def _end_descendants(others: set[int]) -> None:
    """End what has left the group: again and again, since one may have started another meanwhile."""
    latest = time.monotonic() + _PATIENCE
    while (left := _descendants(others)) and time.monotonic() < latest:
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with suppress(ChildProcessError):  # its parent is not buried yet
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.005)


@contextmanager
def _orphans_adopted() -> Iterator[None]:
    """Have orphans become children of this process, on Linux."""
    if sys.platform != "linux":
        yield
        return
    prctl = ctypes.CDLL(None).prctl
    before = ctypes.c_int()
    prctl(_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(_SET_CHILD_SUBREAPER, before.value, 0, 0, 0)


def _descendants(others: Collection[int] = ()) -> set[int]:
    """The processes that this one has started, itself or through any but `others`; on Linux only."""
    children: dict[int, list[int]] = {}
    for stat in _PROCESSES.glob("[0-9]*/stat") if sys.platform == "linux" else ():
        with suppress(OSError, ValueError, IndexError):  # it has ended
            parent = stat.read_bytes().rpartition(b")")[2].split()[1]  # proc_pid_stat(5): the name may hold anything
            children.setdefault(int(parent), []).append(int(stat.parent.name))
    found: set[int] = set()
    waiting = [os.getpid()]
    while waiting:
        new = [pid for pid in children.get(waiting.pop(), ()) if pid not in found and pid not in others]
        found.update(new)
        waiting += new
    return found
