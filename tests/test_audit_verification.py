"""Verification commands of an audit: how each ended, and that nothing of them is left, whatever they do."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ssot_fix.audit.verification import LIMIT, left_out, run_checks
from ssot_fix.project.config import Verification

pytestmark = pytest.mark.skipif(os.name != "posix", reason="commands for a POSIX shell")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere what has left its group gets away")

GET_CHILD_SUBREAPER = 37  # linux/prctl.h
# A process that nobody asked for: it leaves its session, its parent goes at once, and it does not listen.
RUNAWAY = """\
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
reading, writing = os.pipe()
if os.fork():
    os.close(writing)
    os.read(reading, 1)  # until the grandchild has said its name
    {parent}
os.setsid()
if os.fork():
    os._exit(0)
with open("pids", "a") as pids:
    pids.write(f"{{os.getpid()}}\\n")
os.write(writing, b".")
{grandchild}
time.sleep(100)
"""
# It is ended, and has by then started the next one.
BREEDS = "if os.fork() == 0:\n    os.setsid()\n    open('pids', 'a').write(f'{os.getpid()}\\n')"


def checked(folder: Path, *commands: str, timeout: int | None = None) -> list[tuple[str, str]]:
    """How each ended, and what it said at last."""
    checks = run_checks([Verification(command, timeout) for command in commands], folder)
    assert [check.command for check in checks] == list(commands)
    return [(check.result, check.tail) for check in checks]


def runaway(folder: Path, parent: str, grandchild: str = "") -> str:
    (folder / "runaway.py").write_text(RUNAWAY.format(parent=parent, grandchild=grandchild))
    return f"{sys.executable} -S runaway.py"


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def left(folder: Path) -> list[int]:
    pids = [int(pid) for pid in (folder / "pids").read_text().split()]
    assert pids
    return [pid for pid in pids if is_there(pid)]


def test_nothing_is_run_unless_asked_for(tmp_path):
    told = left_out([Verification("touch ran"), Verification("true", 5)])
    assert [(check.command, check.result, check.limit) for check in told] == [
        ("touch ran", "not run", LIMIT),
        ("true", "not run", 5),
    ]
    assert run_checks((), tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


def test_one_after_the_other_in_the_folder(tmp_path):
    assert checked(tmp_path, "echo one > said", "cat said; exit 3", "pwd") == [
        ("passed", ""),
        ("failed", "one\n"),
        ("passed", f"{tmp_path.resolve()}\n"),
    ]


def test_a_limit_of_its_own_and_the_usual_one(tmp_path):
    checks = run_checks([Verification("true"), Verification("true", 7)], tmp_path)
    assert [check.limit for check in checks] == [30, 7]
    assert all(0 <= check.seconds < check.limit for check in checks)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("head -c 100000 /dev/zero | tr '\\0' x; echo end", "x" * 3996 + "end\n"),
        ("printf 'a\\377\\0b'", "a\N{REPLACEMENT CHARACTER}\0b"),
        ("echo out; echo err >&2", "out\nerr\n"),
        ("cat", ""),  # there is nobody to ask
    ],
)
def test_the_end_of_the_output(command, said, tmp_path):
    assert checked(tmp_path, command) == [("passed", said)]


@pytest.mark.parametrize("command", ["exit 1", "kill -9 $$", "no-such-command-anywhere", "'"])
def test_failures(command, tmp_path):
    assert [result for result, _ in checked(tmp_path, command)] == ["failed"]


def test_a_folder_that_goes(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    gone, after = checked(folder, 'rmdir "$PWD"', "true")
    assert (gone[0], after[0]) == ("passed", "failed")
    assert "project" in after[1]


def test_out_of_time(tmp_path):
    """The shell, what it waits for, and what it has put into the background."""
    slow = "trap '' TERM; (sleep 100 & echo $! >> pids; wait) & echo $$ >> pids; echo so far; sleep 100"
    assert checked(tmp_path, slow, "echo next", timeout=1) == [("timed out", "so far\n"), ("passed", "next\n")]
    assert left(tmp_path) == []


@linux_only
@pytest.mark.parametrize(
    ("parent", "grandchild", "result"),
    [
        ("sys.exit(0)", "", "passed"),
        ("sys.exit(1)", "", "failed"),
        ("time.sleep(100)", "", "timed out"),
        ("sys.exit(0)", BREEDS, "passed"),
    ],
)
def test_what_gets_away_does_not(parent, grandchild, result, tmp_path):
    assert [ended for ended, _ in checked(tmp_path, runaway(tmp_path, parent, grandchild), timeout=1)] == [result]
    assert left(tmp_path) == []


@linux_only
def test_other_processes_are_left_alone(tmp_path):
    """Those that were there before, with what they start meanwhile."""
    other = subprocess.Popen(
        ("sh", "-c", "read line; sleep 100 & echo $!; wait"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        fifo = f"/proc/{other.pid}/fd/0"
        assert checked(tmp_path, f"echo go > {fifo}", runaway(tmp_path, "sys.exit(0)")) == [("passed", "")] * 2
        child = int(other.stdout.readline())
        assert is_there(child)
        assert other.poll() is None
        assert left(tmp_path) == []
    finally:
        other.kill()
        os.kill(child, 9)
        other.communicate()


@linux_only
def test_who_gets_orphans_is_as_before(tmp_path):
    given = ctypes.c_int(7)
    assert checked(tmp_path, "true", "exit 1") == [("passed", ""), ("failed", "")]
    assert ctypes.CDLL(None).prctl(GET_CHILD_SUBREAPER, ctypes.byref(given), 0, 0, 0) == 0
    assert given.value == 0
