"""A commit's files in a folder of their own, so that the same engine looks at them as at any work tree.

They come from git's object store, byte for byte: no filter and no line ending conversion is applied, and what lies in
the user's work tree plays no part. The folder is a git work tree itself, with the commit's files in its index, so that
git lists them and knows what .gitignore leaves out.
"""

from __future__ import annotations

import os
import posixpath
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ssot_fix.delivery.repository import FILE, LINK, PROGRAM, Entry, Repository
from ssot_fix.project.git import GitError, run_git

_SOURCES = (".py", ".pyw", ".pyi")
_LARGEST = 10_000_000  # bytes; nothing but source code is read beyond that, only that it is there matters


@contextmanager
def snapshot(repository: Repository, commit: str, note: Callable[[str], None]) -> Iterator[Path]:
    """A temporary folder with a commit's files; `note` is told what of it is not there.

    Links that lead out of it are left out, and so are the contents of submodules. Raises GitError if a source file
    is missing from the object store.
    """
    with tempfile.TemporaryDirectory(prefix="ssot-fix-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve() / "base"
        folder.mkdir()
        run_git(folder, "init", "--quiet", "--template=", f"--object-format={_object_format(repository)}")
        repository.git("read-tree", commit, environment={"GIT_INDEX_FILE": str(folder / ".git" / "index")})
        entries = repository.entries(commit)
        _write(repository, folder, entries, note)
        yield folder


def _object_format(repository: Repository) -> str:
    return repository.git("rev-parse", "--show-object-format")


def _write(repository: Repository, folder: Path, entries: Sequence[Entry], note: Callable[[str], None]) -> None:
    made: set[str] = set()
    for entry in entries:
        if entry.mode in {FILE, PROGRAM}:
            _write_file(repository, folder, entry, made, note)
    for entry in entries:  # behind the files, so that none is written through a link
        if entry.mode == LINK:
            _link(repository, folder, entry, made, note)


def _write_file(
    repository: Repository, folder: Path, entry: Entry, made: set[str], note: Callable[[str], None]
) -> None:
    is_source = entry.path.endswith(_SOURCES)
    data = repository.blob(entry.blob) if is_source or entry.size <= _LARGEST else b""
    if data is None and is_source:
        raise GitError(f"{entry.path} is not in this partial clone; clone without --filter")
    target = folder / entry.path
    try:
        _make_folder(folder, posixpath.dirname(entry.path), made)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(target, flags, 0o755 if entry.mode == PROGRAM else 0o644), "wb") as file:
            file.write(data or b"")
    except (OSError, ValueError) as error:
        note(f"{entry.path} can't be looked at here: {getattr(error, 'strerror', None) or error}")


def _make_folder(folder: Path, path: str, made: set[str]) -> None:
    if path and path not in made:
        (folder / path).mkdir(parents=True, exist_ok=True)
        made.add(path)


def _link(repository: Repository, folder: Path, entry: Entry, made: set[str], note: Callable[[str], None]) -> None:
    target = os.fsdecode(repository.blob(entry.blob) or b"")
    inside = posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), target))
    if not target or target.startswith("/") or "\\" in target or inside.split("/")[0] in {"..", ".git"}:
        note(f"{entry.path}: a symbolic link that leads outside the repository, left out")
        return
    with suppress(OSError):  # Windows grants links to few, and a file system may take two names for one
        _make_folder(folder, posixpath.dirname(entry.path), made)
        (folder / entry.path).symlink_to(target)
