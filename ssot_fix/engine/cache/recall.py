"""Answering from the last run: where nothing has changed at once, where a few files have by looking at these again.

What is not sure to lead to the same answer as a whole run is left to one.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar

from ssot_fix.digests import Undigestible, blob_name
from ssot_fix.engine.cache.contents import MANY, NO_FILE, SIZE, STATUS, changed, now, sizes, statuses, trusted
from ssot_fix.engine.cache.record import Edited, Files, Last, Record, name_of, program_of
from ssot_fix.engine.cache.store import Store, dump
from ssot_fix.engine.run import Outcome, Request
from ssot_fix.project.git import GitError, digest_of_list, toplevel
from ssot_fix.project.git_index import indexed
from ssot_fix.project.surroundings import still_holds

T = TypeVar("T")
_FEW = 4_000_000  # bytes of changed files: beyond, a whole run with all its workers is faster


def recall(request: Request, store: Store) -> Outcome | None:
    """The outcome of a run if the last one of the same request tells it; None if it takes a whole run."""
    clock = time.perf_counter()
    try:
        name = name_of(request, program_of(request))
    except Undigestible:  # options of somebody else's codemod: nothing tells whether they are the same
        return None
    listed = _Aside(lambda: _listed(request))  # git takes its time, and another processor
    record = store.restore(f"run-{name}")
    if not isinstance(record, Record):
        listed.result()
        return None
    around = _Aside(lambda: still_holds(request.config.root, record.around))
    began = now()
    root = os.fspath(request.config.root)
    seen = statuses(root, record.files.paths)
    places = changed(record.files.statuses, seen)
    holds, is_listed = around.result(), listed.result() == record.files.listed  # both, so that no thread is left
    is_same = holds and is_listed and _is_same_project(request, record.files)
    # What is gone, or a link or a pipe by now, is no file of the project, which opening it would not tell.
    if not is_same or any(seen[at * STATUS : (at + 1) * STATUS] == NO_FILE for at in places):
        return None
    edited = _edited(request.config.root, record.files, seen, places)
    if edited is None:
        return None
    files = _seen_today(record.files, trusted(seen, began), edited) if places else record.files
    found: Outcome | None
    if edited:
        from ssot_fix.engine.cache.again import look_again  # noqa: PLC0415  most often nothing has changed

        found = look_again(request, store, Last(name, record, files, edited))
    else:
        found = record.outcome()
        if places:
            found.keep = lambda diffs: _keep(store, f"run-{name}", replace(record, files=files), diffs)
    if found is not None:
        found.seconds = {"recall": time.perf_counter() - clock}
    return found


class _Aside(Generic[T]):
    """Something that is found out in a thread of its own; its exceptions come with the result."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._found: list[T] = []
        self._failures: list[BaseException] = []
        self._function = function
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._found.append(self._function())
        except BaseException as error:
            self._failures.append(error)

    def result(self) -> T:
        self._thread.join()
        if self._failures:
            raise self._failures[0]
        return self._found[0]


def _keep(store: Store, name: str, record: Record, diffs: Mapping[str, bytes]) -> None:
    store.save(name, dump(replace(record, diffs=diffs)))


def _is_same_project(request: Request, files: Files) -> bool:
    """Whether nothing else has taken the place of a folder or a link, or is in a file that no list names."""
    root = os.fspath(request.config.root)
    if not all(_is_folder(f"{root}/{folder}") for folder in files.folders):
        return False
    if any(_is_regular(f"{root}/{path}") for path in files.irregular):
        return False
    return all(_content(f"{root}/{path}") == content for path, content in files.others.items())


def _listed(request: Request) -> bytes:
    """What tells the project's files from those of another time, as `keeping.listed_as` has it."""
    root = request.config.root
    if not request.paths and toplevel(root) is not None:
        with suppress(GitError):
            return digest_of_list(root)
    from ssot_fix.engine.cache.keeping import listed_as  # noqa: PLC0415
    from ssot_fix.project.discovery import discover  # noqa: PLC0415

    exclude = request.config.general.exclude
    found = discover(root, (), exclude)
    return listed_as(request, found, discover(root, request.paths, exclude) if request.paths else found)


def _is_folder(path: str) -> bool:
    return _has_kind(path, stat.S_ISDIR)


def _is_regular(path: str) -> bool:
    return _has_kind(path, stat.S_ISREG)


def _has_kind(path: str, is_kind: Callable[[int], bool]) -> bool:
    try:
        return is_kind(os.lstat(path).st_mode)
    except OSError:
        return False


def _content(path: str) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  as `Project.content` has it
            return b""
        with open(path, "rb") as file:  # noqa: PTH123
            return blob_name(file.read())
    except OSError:
        return b""


def _edited(root: Path, files: Files, seen: bytes, places: Sequence[int]) -> Edited | None:
    """The files that hold something else than before; None if one can't be read, or it is too much."""
    found: dict[str, tuple[bytes, bytes]] = {}
    left = _FEW
    blobs = indexed(root, sizes(files.paths, seen, places)) if len(places) > MANY else {}
    for at in places:
        path = files.paths[at]
        before = files.names[at * SIZE : (at + 1) * SIZE]
        if blobs.get(path) == before:
            continue
        try:
            with open(f"{root}/{path}", "rb") as file:  # noqa: PTH123
                data = file.read()
        except OSError:
            return None
        if blob_name(data) != before:
            found[path] = before, data
            left -= len(data)
            if left < 0:
                return None
    return found


def _seen_today(files: Files, seen: bytes, edited: Edited) -> Files:
    if not edited:
        return replace(files, statuses=seen)
    names = bytearray(files.names)
    for at, path in enumerate(files.paths):
        if path in edited:
            names[at * SIZE : (at + 1) * SIZE] = blob_name(edited[path][1])
    return replace(files, statuses=seen, names=bytes(names))
