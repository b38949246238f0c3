"""Finding the files to look at: git's list where there is one, else a walk that honours .gitignore."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ssot_fix.project.classify import Globs, holds_above
from ssot_fix.project.git import GitError, list_files, toplevel

_SUFFIXES = (".py", ".pyw")
_SKIPPED = frozenset(
    {".eggs", ".git", ".hg", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".svn", ".tox", ".venv"}
    | {"__pycache__", "node_modules", "site-packages"}
)
_VENV_MARKER = "pyvenv.cfg"  # PEP 405
_WINDOWS_JUNCTION = 0xA0000003  # IO_REPARSE_TAG_MOUNT_POINT; other reparse points are plain files in the cloud


class UsageError(ValueError):
    """A path that was asked for can't be taken; the message names it and says why."""


class Discovery(NamedTuple):
    """The files of a run.

    `files` are posix paths relative to the root, in the order of their bytes; undecodable bytes are surrogate
    escapes. `notes` are sentences for stderr. `from_git` is False if git could not be asked. `listed` is a digest of
    git's list, if all of it is wanted, and `irregular` what it names of Python files that are none: links, folders.
    """

    files: tuple[str, ...]
    notes: tuple[str, ...] = ()
    from_git: bool = False
    listed: bytes = b""
    irregular: tuple[str, ...] = ()


class _Selection(NamedTuple):
    """What was asked for, relative to the root; a folder's path ends in a slash, the root's own is empty."""

    files: frozenset[str]
    folders: tuple[str, ...]

    def covers(self, path: str) -> bool:
        return path.startswith(self.folders)

    def leads_to(self, folder: str) -> bool:
        return self.covers(folder) or any(wanted.startswith(folder) for wanted in self.folders)


class _Listing(NamedTuple):
    """Files below the folders that were asked for, and notes on what could not be listed."""

    files: Iterable[str]
    notes: Sequence[str]
    from_git: bool
    listed: bytes = b""
    named: Sequence[str] = ()


def discover(root: Path, paths: Iterable[str | Path] = (), exclude: Iterable[str] = ()) -> Discovery:
    """Find the Python files of the project at `root`: `.py` and `.pyw`, regular files, no links followed.

    `paths` are files and folders, absolute or relative to the current folder; none means all of `root`. A
    folder narrows the search. A file is taken whatever its name, even if it is ignored or excluded. `exclude`
    are gitignore patterns, relative to `root`. Raises UsageError for a path that does not exist or lies
    outside `root`, and ValueError for a bad pattern. Whatever else can't be read becomes a note.
    """
    selection = _select(root, tuple(paths))
    globs = Globs(exclude)
    listing = _list(root, selection)
    regular = set(listing.files)
    found = {path for path in regular if not globs.matches(path)}
    notes = (*listing.notes, *_empty_folders(selection, found))
    files = tuple(sorted(found | selection.files, key=os.fsencode))
    irregular = tuple(path for path in listing.named if path not in regular)
    return Discovery(files, notes, listing.from_git, listing.listed, irregular)


def _select(root: Path, paths: tuple[str | Path, ...]) -> _Selection:
    if not paths:
        return _Selection(frozenset(), ("",))
    taken = {_inside(root, path) for path in paths}
    folders = tuple(sorted(path for path in taken if path.endswith("/") or not path))
    return _Selection(frozenset(taken.difference(folders)), folders)


def _inside(root: Path, path: str | Path) -> str:
    """The real path of `path` relative to `root`; a folder's ends in a slash, the root's own is empty."""
    try:
        real = Path(path).resolve(strict=True)
        mode = real.stat().st_mode
        relative = real.relative_to(root.resolve()).as_posix()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except RuntimeError as error:  # how Python before 3.13 reports a loop of links
        raise UsageError(f"{path}: a symbolic link that leads back to itself") from error
    except ValueError as error:
        raise UsageError(_outside(root, path)) from error
    if stat.S_ISDIR(mode):
        return "" if relative == "." else f"{relative}/"
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path}: neither a file nor a folder")
    return relative


def _outside(root: Path, path: str | Path) -> str:
    if "\0" in str(path):
        return f"{str(path)!r}: a path can't hold a NUL character"
    inside = Path(os.path.abspath(path)).is_relative_to(os.path.abspath(root))  # noqa: PTH100  # as written
    how = "a symbolic link that leads" if inside else "it lies"
    return f"{path}: {how} outside the project at {root}; run ssot-fix in the project that it belongs to"


def _list(root: Path, selection: _Selection) -> _Listing:
    top = toplevel(root)
    if not selection.folders:
        return _Listing((), (), top is not None)
    if top is None:
        return _walk(root, selection)
    try:
        return _from_git(root, selection)
    except GitError as error:
        walked = _walk(root, selection, nested=False)
        note = f"all folders are searched, except what .gitignore files name, because {error}"
        return _Listing(walked.files, (note, *walked.notes), False)


def _empty_folders(selection: _Selection, found: set[str]) -> Iterator[str]:
    for folder in selection.folders:
        if folder and not any(path.startswith(folder) for path in found):
            yield f"{folder}: no Python file here that is not ignored or excluded"


# What git lists


def _from_git(root: Path, selection: _Selection) -> _Listing:
    listed, warnings, digest = list_files(root)
    names = [os.fsdecode(name) for name in listed]
    environments = tuple(_environments(names))
    sources = [name for name in names if name.endswith(_SUFFIXES) and selection.covers(name)]
    kept = [name for name in sources if not name.startswith(environments)]
    notes = [
        f"{folder}: a virtual environment, left out; name it in .gitignore"
        for folder in environments
        if any(name.startswith(folder) for name in sources)
    ]
    own = _own_files(str(root), kept)
    return _Listing(own, (*warnings, *notes), True, digest if selection.folders == ("",) else b"", kept)


def _environments(names: Iterable[str]) -> Iterator[str]:
    for marker in sorted(name for name in names if name.endswith(f"/{_VENV_MARKER}")):
        yield marker.removesuffix(_VENV_MARKER)


def _own_files(root: str, paths: Iterable[str]) -> Iterator[str]:
    """Those of `paths` that are regular files to which no link leads.

    Git lists what its index holds, also where a link has since taken the place of a folder.
    """
    indirect: dict[str, bool] = {}

    def is_indirect(folder: str) -> bool:
        return _kind(root, folder.removesuffix("/")) not in (stat.S_IFDIR, None)

    for path in paths:
        if not holds_above(path, is_indirect, indirect) and _kind(root, path) in (stat.S_IFREG, None):
            yield path


def _kind(root: str, path: str) -> int | None:
    """What `path` is: a file type of `stat`, 0 if there is nothing, None if that can't be told."""
    try:
        status = os.lstat(f"{root}/{path}")
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except OSError:
        return None  # taken for a file: reading it will fail, and the report then says why
    return stat.S_IFLNK if _is_junction(status) else stat.S_IFMT(status.st_mode)


def _is_junction(status: os.stat_result) -> bool:
    return getattr(status, "st_reparse_tag", 0) == _WINDOWS_JUNCTION


# What a walk finds


class _Folder(NamedTuple):
    """A folder on the walk: its path, empty or with a final slash, and what .gitignore files up to it say."""

    path: str
    ignores: tuple[tuple[str, Globs], ...] = ()


def _walk(root: Path, selection: _Selection, *, nested: bool = True) -> _Listing:
    """List what is below `root`; other repositories in it are entered if `nested`."""
    files: list[str] = []
    notes: list[str] = []
    waiting = [_Folder("")]
    while waiting:
        folder = waiting.pop()
        try:
            entries = _scan(root, folder.path)
        except OSError as error:
            notes.append(f"{folder.path or '.'}: the folder can't be read ({error.strerror})")
            continue
        if folder.path and (_VENV_MARKER in entries or (".git" in entries and not nested)):
            continue
        folder = _with_gitignore(root, folder, entries, notes)
        below = [f"{folder.path}{name}" for name, entry in entries.items() if _is_searched(entry)]
        waiting += [
            _Folder(f"{path}/", folder.ignores)
            for path in below
            if selection.leads_to(f"{path}/") and not _ignored(folder, f"{path}/")
        ]
        sources = [f"{folder.path}{name}" for name, entry in entries.items() if _is_source(entry)]
        files += [path for path in sources if selection.covers(path) and not _ignored(folder, path)]
    return _Listing(files, sorted(notes), False)


def _scan(root: Path, folder: str) -> dict[str, os.DirEntry[str]]:
    with os.scandir(root / folder) as entries:
        return {entry.name: entry for entry in entries}


def _is_source(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(_SUFFIXES) and entry.is_file(follow_symlinks=False)


def _is_searched(entry: os.DirEntry[str]) -> bool:
    if entry.name in _SKIPPED or not entry.is_dir(follow_symlinks=False):
        return False
    return os.name != "nt" or not _is_junction(entry.stat(follow_symlinks=False))


def _with_gitignore(root: Path, folder: _Folder, entries: dict[str, os.DirEntry[str]], notes: list[str]) -> _Folder:
    entry = entries.get(".gitignore")
    if entry is None or not entry.is_file(follow_symlinks=False):
        return folder
    path = f"{folder.path}.gitignore"
    try:
        globs = Globs.from_gitignore((root / path).read_bytes())
    except OSError as error:
        notes.append(f"{path}: can't be read ({error.strerror}); nothing is ignored for it")
        return folder
    return _Folder(folder.path, (*folder.ignores, (folder.path, globs)))


def _ignored(folder: _Folder, path: str) -> bool:
    """Whether git would ignore `path`, an entry of `folder`: the nearest .gitignore that has it decides."""
    for base, globs in reversed(folder.ignores):
        verdict = globs.verdict(path.removeprefix(base))
        if verdict is not None:
            return verdict
    return False
