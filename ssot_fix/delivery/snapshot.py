"""A commit's files in a folder of their own, so that the same engine looks at them as at any work tree.

They come from git's object store, byte for byte: no filter and no line ending conversion is applied, and what lies in
the user's work tree plays no part. The folder is a git work tree itself, with the commit's files in its index, so that
git lists them and knows what .gitignore leaves out.
"""

from __future__ import annotations

import errno
import os
import posixpath
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ssot_fix.delivery.repository import LINK, PROGRAM, Entry, Repository
from ssot_fix.project.config import OWN_FILE, PYPROJECT
from ssot_fix.project.git import GitError, run_git

_SOURCES = (".py", ".pyw", ".pyi")
# What a file system says that can't have a file of that name, or takes the names of two files for one.
_NAMES = frozenset({errno.EEXIST, errno.EILSEQ, errno.EINVAL, errno.EISDIR, errno.ENAMETOOLONG, errno.ENOTDIR})
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
        repository.write_index(commit, folder / ".git" / "index")
        entries = _at_hand(repository, commit, note)
        _write(repository, folder, entries, note)
        yield folder


def _object_format(repository: Repository) -> str:
    return repository.git("rev-parse", "--show-object-format")


def _at_hand(repository: Repository, commit: str, note: Callable[[str], None]) -> dict[Entry, bool]:
    """The files and links of a commit that are in the object store, each with whether its content matters."""
    missing = repository.missing(commit)
    entries = [entry for entry in repository.entries(commit) if entry.is_file or entry.mode == LINK]
    lacking = [entry.path for entry in entries if entry.blob in missing]
    if needed := next((path for path in lacking if path.endswith((*_SOURCES, OWN_FILE, PYPROJECT))), None):
        raise GitError(f"{needed} is not in this partial clone; check the commit out once, or clone without --filter")
    if lacking:
        files = f"{len(lacking):,} files, the first of them {lacking[0]}" if len(lacking) > 1 else lacking[0]
        note(f"not in this partial clone, and taken for empty: {files}")
    sizes = repository.sizes({entry.blob for entry in entries} - missing)
    large = {blob for blob, size in sizes.items() if size > _LARGEST}
    return {
        entry: entry.blob not in missing and (entry.blob not in large or entry.path.endswith(_SOURCES))
        for entry in entries
    }


def _write(repository: Repository, folder: Path, entries: Mapping[Entry, bool], note: Callable[[str], None]) -> None:
    made: set[str] = set()
    for entry, matters in entries.items():
        if entry.is_file:
            _write_file(folder, entry, repository.blob(entry.blob) if matters else b"", made, note)
    # Behind the files, so that none is written through a link.
    links = [entry for entry, matters in entries.items() if entry.mode == LINK and matters]
    for entry in links:
        _link(folder, entry, os.fsdecode(repository.blob(entry.blob)), made)
    _drop_links_out(folder, links, note)


def _write_file(folder: Path, entry: Entry, data: bytes, made: set[str], note: Callable[[str], None]) -> None:
    target = folder / entry.path
    try:
        _make_folder(folder, posixpath.dirname(entry.path), made)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(target, flags, 0o755 if entry.mode == PROGRAM else 0o644), "wb") as file:
            file.write(data)
    except ValueError as error:
        note(f"{entry.path} can't be looked at here: {error}")
    except OSError as error:
        if error.errno not in _NAMES:  # half of a file, or a project with files missing, is not to be planned on
            raise GitError(f"{entry.path} can't be copied to {folder.parent}: {error.strerror}") from error
        note(f"{entry.path} can't be looked at here: {error.strerror}")


def _make_folder(folder: Path, path: str, made: set[str]) -> None:
    if path and path not in made:
        (folder / path).mkdir(parents=True, exist_ok=True)
        made.add(path)


def _link(folder: Path, entry: Entry, target: str, made: set[str]) -> None:
    # Windows grants links to few, a file system may take two names for one, and a target may hold a NUL.
    with suppress(OSError, ValueError):
        _make_folder(folder, posixpath.dirname(entry.path), made)
        (folder / entry.path).symlink_to(target)


def _drop_links_out(folder: Path, links: Sequence[Entry], note: Callable[[str], None]) -> None:
    """Remove links that lead outside; first all are looked at, since one may lead through another."""
    for link in [entry for entry in links if _leads_out(folder, entry.path)]:
        (folder / link.path).unlink(missing_ok=True)
        note(f"{link.path}: a symbolic link that leads outside the repository, left out")


def _leads_out(folder: Path, path: str) -> bool:
    real = Path(os.path.realpath(folder / path))
    return not real.is_relative_to(folder) or real.is_relative_to(folder / ".git")
