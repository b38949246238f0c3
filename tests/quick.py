"""The command as a process that is there at once: forked from one that has imported everything already."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import wait as wait_for
from pathlib import Path

_CONTEXT = multiprocessing.get_context("spawn" if os.name == "nt" else "forkserver")
_LOADED = ["cli", "codemods", "git", "github", "ssot_fix.delivery.github", "ssot_fix.delivery.pull_report"]
if os.name != "nt":
    _CONTEXT.set_forkserver_preload([*_LOADED, "ssot_fix.delivery.question", "ssot_fix.report.terminal"])


class Command:
    """`ssot-fix` with some arguments, under way in a folder."""

    def __init__(self, folder: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._kept = tempfile.TemporaryDirectory(prefix="ssot-fix-printed-")
        self._printed = [Path(self._kept.name, name) for name in ("out", "err")]
        task = (str(folder), list(arguments), dict(environment), [str(path) for path in self._printed])
        self._process = _CONTEXT.Process(target=_run, args=task)
        self._process.start()

    def kill(self) -> None:
        """Kill it, and what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        wait_for([self._process.sentinel])  # no join: another thread does that, and only one is told the exit code

    def wait(self) -> subprocess.CompletedProcess[bytes]:
        """Wait for its end."""
        self._process.join(60)
        out, err = (path.read_bytes() if path.exists() else b"" for path in self._printed)
        self._kept.cleanup()
        return subprocess.CompletedProcess((), self._process.exitcode, out, err)


def _run(folder: str, arguments: Sequence[str], environment: Mapping[str, str], printed: Sequence[str]) -> None:
    if os.name != "nt":
        os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate([os.devnull, *printed]):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY
        os.dup2(os.open(path, flags, 0o600), number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    import cli

    code = cli.main(list(arguments))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
