"""Work on many files: in this process while it is little, else in others; one of them may die."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

R = TypeVar("R")
T = TypeVar("T")
Work = Callable[[Sequence[str]], list[R]]
# Makes an executor of so many workers, each of which has called the function with the argument before its first task.
Seam = Callable[[int, Callable[[Any], None], Any], "Executor"]

# Below this many bytes, starting a worker costs more than it saves.
_WORTH_A_WORKER = 500_000 if sys.platform == "linux" else 2_000_000
_LARGEST_CHUNK = 400_000  # bytes: about what a worker does in a tenth of a second
_CHUNKS_PER_WORKER = 6  # enough to balance, few enough to send
_ENDING = (signal.SIGINT, signal.SIGTERM)


def usable_processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processes(count: int, begin: Callable[[Any], None], argument: Any) -> Executor:  # noqa: ANN401  any work
    """An executor of `count` processes.

    Where that is safe they are forked, and so have all modules and the work at once; else they are spawned.
    """
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415  a small run needs none

    return ProcessPoolExecutor(count, _context(), _begin, (begin, argument))


def _context() -> BaseContext:
    import multiprocessing  # noqa: PLC0415

    return multiprocessing.get_context("fork" if _may_fork() else "spawn")


def _may_fork() -> bool:
    # A process with several threads may not be forked: a lock that another thread holds would stay held.
    return sys.platform == "linux" and threading.active_count() == 1


def _begin(begin: Callable[[Any], None], argument: Any) -> None:  # noqa: ANN401
    _leave_signals()
    begin(argument)


def _leave_signals() -> None:
    # Ctrl-C reaches the whole process group; the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold signals back while processes start: before one is known, nobody could end it."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def aside(work: Callable[[], T], jobs: int = 0) -> Iterator[Callable[[], T]]:
    """Do something in a process of its own, where one shares all that is there; else when it is asked for.

    `jobs` is that of `Pool`. What the context gives waits for the result, which has to be picklable. No thread is
    started, so that workers may still be forked. If the process dies or the work fails, it is done once more, here.
    Work that nobody has asked for when the context ends is interrupted, as by Ctrl-C.
    """
    if (jobs or usable_processors()) == 1 or not _may_fork():
        yield work
        return
    from multiprocessing import get_context  # noqa: PLC0415

    context = get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(theirs, work))

    def result() -> T:
        try:
            return cast("T", ours.recv())
        except EOFError:
            return work()

    try:
        with _undisturbed():
            process.start()
        theirs.close()
        yield result
    finally:
        if process.pid is not None:
            process.terminate()
            process.join()
        ours.close()


def _send(where: Connection, work: Callable[[], object]) -> None:
    _leave_signals()
    os.register_at_fork(after_in_child=where.close)  # its workers must not keep it open when it dies
    with suppress(Exception, KeyboardInterrupt):  # the parent does it again, and raises what there is to be raised
        signal.signal(signal.SIGTERM, _interrupt)  # it may have workers and folders of its own
        told = work()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        where.send(told)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _interrupt(*_: object) -> None:
    """Raise KeyboardInterrupt, once: what is cleaned up then is not to be interrupted again."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


class Pool:
    """Runs work over files. Use as a context manager: it ends its workers."""

    def __init__(self, jobs: int, seam: Seam = processes) -> None:
        """`jobs` workers at most; 0 means as many as there are processors."""
        self._jobs = jobs or usable_processors()
        self._seam = seam
        self._executor: Executor | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if failure is not None and self._executor is not None:
            _end(self._executor)
        self._stop()

    def run(
        self, work: Work[R], paths: Sequence[str], sizes: Sequence[int], progress: Callable[[int], None]
    ) -> Iterator[tuple[str, R | None]]:
        """Each path with what `work` makes of it, in no order; None if the worker died over that one file.

        `sizes` are in bytes and balance the chunks; `progress` is told how many files are done.
        """
        if self._jobs == 1 or sum(sizes) < _WORTH_A_WORKER:
            for path in paths:
                yield path, work([path])[0]
                progress(1)
            return
        self._stop()
        for chunk, results in self._in_workers(work, chunks(paths, sizes, self._jobs)):
            yield from zip(chunk, results, strict=True)
            progress(len(chunk))
        self._stop()

    def _in_workers(
        self, work: Work[R], chunks: Sequence[Sequence[str]]
    ) -> Iterator[tuple[Sequence[str], Sequence[R | None]]]:
        from concurrent.futures import FIRST_COMPLETED, wait  # noqa: PLC0415  as below
        from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415

        waiting = list(reversed(chunks))
        running: dict[Future[list[R]], Sequence[str]] = {}
        suspects: list[Sequence[str]] = []
        while waiting or running:
            # Two chunks a worker are under way: one that it works on, one that is there when it is done.
            while waiting and len(running) < 2 * self._jobs:
                chunk = waiting.pop()
                try:
                    running[self._submit(work, chunk)] = chunk
                except BrokenProcessPool:  # died between two submissions
                    suspects.append(chunk)
                    self._stop()
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            broken = False
            for future in done:
                chunk = running.pop(future)
                try:
                    yield chunk, future.result()
                except BrokenProcessPool:
                    suspects.append(chunk)
                    broken = True
            if broken:
                # One death fails all that was under way; which file it was is found out below.
                suspects += running.values()
                running.clear()
                self._stop()
        yield from self._one_by_one(work, suspects)

    def _one_by_one(
        self, work: Work[R], suspects: list[Sequence[str]]
    ) -> Iterator[tuple[Sequence[str], Sequence[R | None]]]:
        """Halve the chunks of a dead worker until the file that kills it stands alone."""
        from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415

        while suspects:
            chunk = suspects.pop()
            try:
                yield chunk, self._submit(work, chunk).result()
            except BrokenProcessPool:
                self._stop()
                if len(chunk) == 1:
                    yield chunk, [None]
                else:
                    suspects += [chunk[len(chunk) // 2 :], chunk[: len(chunk) // 2]]

    def _submit(self, work: Work[R], chunk: Sequence[str]) -> Future[list[R]]:
        if self._executor is None:
            self._executor = self._seam(self._jobs, _take, work)
        with _undisturbed():  # the first task starts the workers
            return self._executor.submit(_done, chunk)

    def _stop(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None


def _end(executor: Executor) -> None:
    """End an executor's processes: nobody waits for work that nobody wants any more."""
    for process in list((getattr(executor, "_processes", None) or {}).values()):
        process.terminate()
    # One that is ended while it sends a result leaves half of it, and who reads that waits for the rest as long as
    # there is somebody who could write it: this process, which never does.
    if (results := getattr(executor, "_result_queue", None)) is not None:
        results._writer.close()


_taken: Work[Any] | None = None  # in a worker: what it was started for


def _take(work: Work[Any]) -> None:
    global _taken  # noqa: PLW0603  sent once, not with each chunk: it holds what all files share
    _taken = work


def _done(chunk: Sequence[str]) -> list[Any]:
    assert _taken is not None
    return _taken(chunk)


def chunks(paths: Sequence[str], sizes: Sequence[int], workers: int) -> list[Sequence[str]]:
    """Split paths into chunks of about the same number of bytes, enough for some workers; the largest first.

    What lies side by side stays together, since it imports the same modules. A large file started last would keep
    all but one worker waiting.
    """
    limit = min(sum(sizes) / (workers * _CHUNKS_PER_WORKER), _LARGEST_CHUNK)
    found: list[tuple[int, Sequence[str]]] = []
    current: list[str] = []
    held = 0
    for path, size in zip(paths, sizes, strict=True):
        if current and held + size > 2 * limit:
            found.append((held, current))
            current, held = [], 0
        current.append(path)
        held += size + 1
        if held >= limit:
            found.append((held, current))
            current, held = [], 0
    if current:
        found.append((held, current))
    return [chunk for _, chunk in sorted(found, key=lambda each: -each[0])]
