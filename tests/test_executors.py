"""Work is spread over workers by its bytes, by whatever executor there is."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssot_fix.commands import output
from ssot_fix.commands.options import Options
from ssot_fix.engine import executors
from ssot_fix.engine.executors import Pool, aside, chunks

SIZES = st.lists(st.integers(0, 3_000_000), max_size=60)


def lengths(paths):
    return [len(path) for path in paths]


@given(SIZES, st.integers(1, 64))
def test_every_file_is_in_one_chunk(sizes, workers):
    paths = [str(number) for number in range(len(sizes))]
    found = chunks(paths, sizes, workers)
    assert sorted(path for chunk in found for path in chunk) == sorted(paths)
    assert all(found)


@given(st.lists(st.integers(1, 1_000), min_size=200, max_size=200), st.integers(2, 8))
def test_chunks_are_of_a_size(sizes, workers):
    held = [sum(sizes[int(path)] for path in chunk) for chunk in chunks(list(map(str, range(200))), sizes, workers)]
    assert max(held) <= 2 * sum(sizes) / (workers * 6) + 1_000
    assert len(held) >= 2 * workers


def test_a_large_file_stands_alone_and_comes_first():
    assert chunks(["a", "b", "c"], [10, 5_000_000, 10], 2)[0] == ["b"]


def test_any_executor_will_do(monkeypatch):
    monkeypatch.setattr(executors, "_WORTH_A_WORKER", 0)
    made: list[Executor] = []

    def threads(count, begin, argument):
        made.append(ThreadPoolExecutor(count, initializer=begin, initargs=(argument,)))
        return made[-1]

    told: list[int] = []
    with Pool(3, threads) as pool:
        found = dict(pool.run(lengths, ["a", "bb", "ccc"], [1, 2, 3], told.append))
    assert found == {"a": 1, "bb": 2, "ccc": 3}
    assert sum(told) == 3
    assert len(made) == 1


def test_little_work_starts_nobody():
    def nobody(*_):
        raise AssertionError("a worker was started")

    with Pool(8, nobody) as pool:
        assert dict(pool.run(lengths, ["a"], [1_000], lambda _: None)) == {"a": 1}
    with Pool(1, nobody) as pool:
        assert dict(pool.run(lengths, ["a"], [10**9], lambda _: None)) == {"a": 1}


def deadly(paths):
    if "deadly" in paths:
        os._exit(1)
    return lengths(paths)


@pytest.mark.parametrize("jobs", [2, 3])
def test_who_kills_a_worker_is_found(monkeypatch, jobs):
    monkeypatch.setattr(executors, "_WORTH_A_WORKER", 0)
    paths = [*map(str, range(20)), "deadly", *map(str, range(20, 40))]
    with Pool(jobs) as pool:
        found = dict(pool.run(deadly, paths, [1] * len(paths), lambda _: None))
    assert found.pop("deadly") is None
    assert found == {str(number): len(str(number)) for number in range(40)}


INTERRUPTED = """
import os, signal
from ssot_fix.engine.executors import Pool

class Interrupting:
    def __reduce__(self):
        os.kill(os.getppid(), signal.SIGINT)  # when all before it is pickled, and right before that is sent
        return int, ()

def work(paths):
    return [("x" * 50_000_000, Interrupting() if path == "a" else None) for path in paths]

for _ in range(3):
    try:
        with Pool(2) as pool:
            list(pool.run(work, ["a", "b"], [1_000_000] * 2, lambda _: None))
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
def test_an_interruption_while_results_are_sent_is_the_end():
    done = subprocess.run((sys.executable, "-c", INTERRUPTED), capture_output=True, check=True, text=True, timeout=60)
    assert done.stdout == "interrupted\n" * 3
    assert done.stderr == ""


ASIDE = """
import os, signal, tempfile
from multiprocessing.util import Finalize
from ssot_fix.engine.executors import _may_fork, aside
held = {"answer": 42}
with aside(lambda: (os.getpid(), held["answer"]), jobs=2) as told:
    held["answer"] = 0  # what happens here from now on is not seen there
    assert _may_fork()  # others, too
    pid, answer = told()
assert (pid != os.getpid(), answer) == (True, 42)
with aside(lambda: Finalize(None, signal.pause, exitpriority=1) and 1, jobs=2) as told:
    assert told() == 1  # it is ended while it ends itself
here = os.getpid()
with aside(lambda: "here" if os.getpid() == here else os._exit(1), jobs=2) as told:
    assert told() == "here"  # the other process died over it
def killed():
    if os.getpid() != here:  # with a worker that lives on
        if os.fork() == 0:
            os.read(block, 1)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
    return "here"
block, release = os.pipe()
with aside(killed, jobs=2) as told:
    assert told() == "here"
os.write(release, b"x")
with aside(lambda: "x" * 10_000_000, jobs=2) as told:
    pass  # more than a pipe holds, and nobody wants it
with aside(lambda: "x" * 10_000_000, jobs=2) as told:
    assert len(told()) == 10_000_000
ours, theirs = os.pipe()
def waiting():
    with tempfile.TemporaryDirectory() as folder:
        os.write(theirs, folder.encode())
        try:
            signal.pause()
        finally:  # as if it were told twice
            os.kill(os.getpid(), signal.SIGTERM)
with aside(waiting, jobs=2) as told:
    folder = os.read(ours, 1000).decode()
    assert os.path.isdir(folder)
assert not os.path.exists(folder)  # what is interrupted cleans up
try:
    with aside(lambda: 1 // 0, jobs=2) as told:
        told()
except ZeroDivisionError:
    print("done")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
def test_what_is_done_aside_is_done_in_another_process_with_all_that_is_there():
    """Asked of a process with one thread: one with several does not fork."""
    done = subprocess.run((sys.executable, "-c", ASIDE), capture_output=True, check=True, text=True)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_a_progress_bar_keeps_nobody_from_forking(monkeypatch):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal, os.fdopen(theirs, "w", encoding="utf-8") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setattr(output, "_LONG", -1)
        monkeypatch.setenv("TERM", "xterm")
        before = {*threading.enumerate()}
        with output.progress_bar(Options()) as tell:
            tell(1, 2)
            assert before.issuperset(threading.enumerate())
            tell(2, 2)
        said = b""
        while b"100%" not in said and select.select([terminal], [], [], 20)[0]:
            said += terminal.read(10_000)
    assert b"concluding" in said


def test_one_job_does_nothing_aside():
    with aside(os.getpid, jobs=1) as told:
        assert told() == os.getpid()
