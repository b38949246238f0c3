"""Time and memory of processes, in alternating rounds."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MEMORY_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class Command:
    """What is run: its arguments, where, with which variables, and for how many seconds at most."""

    arguments: tuple[str, ...]
    folder: Path
    variables: Mapping[str, str]
    limit: float = 300


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: wall and CPU seconds of the process and all that it waited for."""

    wall: float
    cpu: float


class Failed(Exception):
    """A command ended with an error, or did not end in time."""


def run(command: Command, output: Path) -> Sample:
    """Run a command to its end; what it prints goes to a file (errors beside it)."""
    with output.open("wb") as out, output.with_suffix(".err").open("wb") as err:
        started = time.perf_counter()
        process = _start(command, out.fileno(), err.fileno())
        killer = threading.Timer(command.limit, _kill, (process.pid,))
        killer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            _kill(process.pid)  # it has a session of its own, where an interrupt does not come
            raise
        finally:
            killer.cancel()
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(_reason(process.returncode, wall, command, output.with_suffix(".err")))
    return Sample(wall, usage.ru_utime + usage.ru_stime)


def peak_memory(command: Command, output: Path) -> int | None:
    """Run a command for its memory: the highest sum over its processes in bytes, shared pages counted once.

    Not to be timed: looking costs the command some of its time. None where the system has no such figures (it takes
    Linux's /proc).
    """
    peaks: list[int] = []
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(ended, peaks, os.getpid()))
    watch.start()
    try:
        run(command, output)
    finally:
        ended.set()
        watch.join()
    return max(peaks, default=None)


def rounds(names: Sequence[str], count: int, time_is_up: Callable[[], bool]) -> Iterator[tuple[int, str]]:
    """What to run, in turns: A B C, A B C, ... A round is begun only while there is time, the first one always."""
    for number in range(count):
        if number and time_is_up():
            return
        for name in names:
            yield number, name


def median(samples: Iterable[Sample]) -> Sample:
    """The medians of wall and of CPU seconds."""
    taken = list(samples)
    return Sample(statistics.median(s.wall for s in taken), statistics.median(s.cpu for s in taken))


def _start(command: Command, out: int, err: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command.arguments,
        cwd=command.folder,
        env=dict(command.variables),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        start_new_session=True,
    )


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _reason(code: int, wall: float, command: Command, errors: Path) -> str:
    if wall >= command.limit:
        return f"did not end within {command.limit:.0f} s"
    last = errors.read_text(errors="replace").strip().splitlines()[-1:]
    return f"ended with {code}: {''.join(last)}"


def _watch(ended: threading.Event, peaks: list[int], parent: int) -> None:
    while not ended.wait(_MEMORY_EVERY):
        total = sum(_proportional(pid) for pid in _descendants(parent))
        if total:
            peaks.append(total)


def _descendants(parent: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found = list(children.get(parent, []))
    for pid in found:
        found += children.get(pid, [])
    return found


def _proportional(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
