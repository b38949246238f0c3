"""Work on many files: in this process while it is little, else in spawned ones; a worker may die."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

R = TypeVar("R")
Work = Callable[[Sequence[str]], list[R]]

# Below this many bytes, starting a worker costs more than it saves (0.1 s against 10 MB/s).
_WORTH_A_WORKER = 2_000_000
_CHUNKS_PER_WORKER = 6  # enough to balance, few enough to send


def usable_processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool:
    """Runs work over files. Use as a context manager: it ends its processes."""

    def __init__(self, jobs: int) -> None:
        """`jobs` workers at most; 0 means as many as there are processors."""
        self._jobs = jobs or usable_processors()
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if failure is not None and self._executor is not None:
            # Nobody waits for work that nobody wants any more.
            for process in list(getattr(self._executor, "_processes", {}).values()):
                process.terminate()
        self._stop()

    def run(
        self, work: Work[R], paths: Sequence[str], sizes: Sequence[int], progress: Callable[[int], None]
    ) -> Iterator[tuple[str, R | None]]:
        """Each path with what `work` makes of it, in no order; None if the process died over that one file.

        `sizes` are in bytes and balance the chunks; `progress` is told how many files are done.
        """
        if self._jobs == 1 or sum(sizes) < _WORTH_A_WORKER:
            for path in paths:
                yield path, work([path])[0]
                progress(1)
            return
        for chunk, results in self._in_workers(work, _chunks(paths, sizes, self._jobs * _CHUNKS_PER_WORKER)):
            yield from zip(chunk, results, strict=True)
            progress(len(chunk))

    def _in_workers(
        self, work: Work[R], chunks: list[Sequence[str]]
    ) -> Iterator[tuple[Sequence[str], Sequence[R | None]]]:
        waiting = list(reversed(chunks))
        running: dict[Future[list[R]], Sequence[str]] = {}
        suspects: list[Sequence[str]] = []
        while waiting or running:
            # Two chunks a worker are under way: one that it works on, one that is there when it is done.
            while waiting and len(running) < 2 * self._jobs:
                chunk = waiting.pop()
                try:
                    running[self._workers().submit(work, chunk)] = chunk
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
        while suspects:
            chunk = suspects.pop()
            try:
                yield chunk, self._workers().submit(work, chunk).result()
            except BrokenProcessPool:
                self._stop()
                if len(chunk) == 1:
                    yield chunk, [None]
                else:
                    suspects += [chunk[len(chunk) // 2 :], chunk[: len(chunk) // 2]]

    def _workers(self) -> ProcessPoolExecutor:
        if self._executor is None:
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(self._jobs, context, _ignore_interrupts)
        return self._executor

    def _stop(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None


def _ignore_interrupts() -> None:
    """Ctrl-C reaches the whole process group; the parent decides what becomes of the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _chunks(paths: Sequence[str], sizes: Sequence[int], count: int) -> list[Sequence[str]]:
    """Split the paths, in order, into about `count` chunks of about the same number of bytes."""
    limit = sum(sizes) / count
    chunks: list[Sequence[str]] = []
    current: list[str] = []
    held = 0.0
    for path, size in zip(paths, sizes, strict=True):
        current.append(path)
        held += size + 1
        if held >= limit:
            chunks.append(current)
            current, held = [], 0.0
    return [*chunks, current] if current else chunks
