"""What lies beside a project's Python modules: settings, requirements, folders, what git ignores.

All questions about that go through here, so that what a run has found can be used again as long as they have the same
answers.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ssot_fix.project.git import GitError, run_git

# Size, time of modification, inode, time of change, type; none if nothing is there.
Facts = tuple[int, ...]
# What was asked: a kind of question, and about what. A digest of the answer. What the file or folder was like when it
# was given; None if that would not tell of a change.
Question = tuple[str, tuple[str, ...], bytes, Facts | None]

_READ, _IS_FILE, _LISTED, _IGNORED, _GIVEN_UP = "read", "is file", "listed", "ignored", "given up"
# What a Python project has beside its modules: other forms of them, settings, requirements. Logs and reports come and
# go, and tell nothing.
OF_INTEREST = (
    *(".py", ".pyc", ".pyd", ".pyi", ".pyw", ".pyx", ".so"),
    *(".cfg", ".in", ".lock", ".toml", ".txt", ".yaml", ".yml", "Pipfile"),
)
# In nanoseconds: what changed so shortly before it was looked at may change again with the same times (git's "racily
# clean" entries); FAT counts in steps of two seconds.
_YOUNG = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds.

    `names` are those of its folders, and of its files as far as they may say something of a Python project. `folders`
    are the folders among them, `linked` those that are links to some. `has_files`: it holds a file of whatever name.
    """

    names: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    linked: frozenset[str] = frozenset()
    has_files: bool = False


class Surroundings:
    """What lies beside the project's Python modules, as far as a run asks for it.

    Each question is kept with a digest of its answer. Paths are posix and relative to the root.
    """

    def __init__(self, root: Path) -> None:
        """`root` is the project's root."""
        self._root = os.fspath(root)
        self._asked: dict[tuple[str, tuple[str, ...]], tuple[bytes, Facts | None]] = {}
        self._files: dict[str, bool] = {}
        self._listings: dict[str, Listing] = {}

    def read(self, path: str) -> bytes:
        """A file's bytes.

        Raises OSError; so it does for what is no regular file, since reading a pipe might never end.
        """
        full = os.path.join(self._root, path)  # noqa: PTH118
        facts = _lasting(full)
        try:
            data = _read(full)
        except OSError as error:
            self._note(_READ, (path,), _failure(error), facts)
            raise
        self._note(_READ, (path,), _digest(data), facts)
        return data

    def is_file(self, path: str) -> bool:
        """Whether there is a regular file, or a link to one."""
        if path not in self._files:
            self._files[path] = os.path.isfile(os.path.join(self._root, path))  # noqa: PTH113, PTH118
            self._note(_IS_FILE, (path,), _truth(self._files[path]))
        return self._files[path]

    def listing(self, folder: str) -> Listing:
        """What a folder holds; nothing if it is not there, is none, or can't be listed."""
        if folder in self._listings:
            return self._listings[folder]
        found, at = self._listed(""), ""
        # Step by step: that a folder is missing is told by the one around it, without another question.
        for name in folder.split("/") if folder else ():
            if name not in found.folders:
                return NOTHING
            at = f"{at}/{name}" if at else name
            found = self._listed(at)
        return found

    def _listed(self, folder: str) -> Listing:
        if folder not in self._listings:
            full = os.path.join(self._root, folder)  # noqa: PTH118
            facts = _lasting(full)
            found, has_links = _listing(full)
            self._listings[folder] = found
            # Where a link leads may change without a trace in its folder.
            self._note(_LISTED, (folder,), _digest_of(found), None if has_links else facts)
        return self._listings[folder]

    def ignored(self, paths: Iterable[str]) -> frozenset[str]:
        """Those of some paths, there or not, that git would ignore; none if git can't tell."""
        wanted = tuple(sorted(set(paths)))
        found = _ignored(self._root, wanted)
        self._note(_IGNORED, wanted, _joined(found))
        return found

    def give_up(self, why: str) -> None:
        """Take note that the run depends on more than can be asked here: what it finds is not to be used again."""
        self._note(_GIVEN_UP, (why,), b"")

    def asked(self) -> tuple[Question, ...]:
        """Every question with a digest of its answer: plain values, for `still_holds`."""
        return tuple((kind, about, digest, facts) for (kind, about), (digest, facts) in self._asked.items())

    def _note(self, kind: str, about: tuple[str, ...], digest: bytes, facts: Facts | None = None) -> None:
        known, _ = self._asked.setdefault((kind, about), (digest, facts))
        if known != digest:
            self.give_up(f"{about[0]} changed while ssot-fix was running")


def still_holds(root: Path, asked: Iterable[Question]) -> bool:
    """Whether all questions about the project at `root` have the answers that they had.

    A file or folder that looks as it did is not read again, unless it had just changed when it was looked at.
    """
    base, for_git = os.fspath(root), list[tuple[tuple[str, ...], bytes]]()
    for kind, about, digest, facts in asked:
        if kind == _IGNORED:
            for_git.append((about, digest))
        elif kind == _GIVEN_UP or not _is_same(kind, os.path.join(base, about[0]), digest, facts):  # noqa: PTH118
            return False
    found = _ignored(base, sorted({path for paths, _ in for_git for path in paths}))
    return all(_joined(found.intersection(paths)) == digest for paths, digest in for_git)


def _is_same(kind: str, full: str, digest: bytes, facts: Facts | None) -> bool:
    if facts is not None and facts == _facts(full):
        return True
    if kind == _IS_FILE:
        return _truth(os.path.isfile(full)) == digest  # noqa: PTH113
    if kind == _LISTED:
        return _digest_of(_listing(full)[0]) == digest
    try:
        return _digest(_read(full)) == digest
    except OSError as error:
        return _failure(error) == digest


# Looking


def _facts(full: str) -> Facts | None:
    try:
        seen = os.stat(full)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (OSError, ValueError):
        return None
    return seen.st_size, seen.st_mtime_ns, seen.st_ino, seen.st_ctime_ns, stat.S_IFMT(seen.st_mode)


def _lasting(full: str) -> Facts | None:
    """The facts about what is about to be looked at, if any change of it from now on will change them, too."""
    now, facts = time.time_ns(), _facts(full)
    if facts and max(facts[1], facts[3]) > now - _YOUNG:
        return None
    return facts


def _read(full: str) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(full).st_mode):  # noqa: PTH116
            raise OSError(errno.EINVAL, "not a regular file", full)
        with open(full, "rb") as file:  # noqa: PTH123
            return file.read()
    except ValueError:  # a path that no file can have
        raise OSError(errno.EINVAL, "not a path", full) from None


def _listing(full: str) -> tuple[Listing, bool]:
    """What a folder holds, and whether any of that is a link."""
    try:
        with os.scandir(full) as entries:
            held = [(entry, _is_folder(entry)) for entry in entries]
    except (OSError, ValueError):
        return NOTHING, False
    folders = frozenset(entry.name for entry, is_folder in held if is_folder)
    found = Listing(
        folders.union(entry.name for entry, _ in held if entry.name.endswith(OF_INTEREST)),
        folders,
        frozenset(entry.name for entry, is_folder in held if is_folder and entry.is_symlink()),
        any(map(_is_file, (entry for entry, is_folder in held if not is_folder))),
    )
    return found, any(entry.is_symlink() for entry, _ in held)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _ignored(root: str, paths: Iterable[str]) -> frozenset[str]:
    given = b"".join(os.fsencode(path) + b"\0" for path in paths)
    if not given:
        return frozenset()
    # git refuses literal pathspecs here.
    options = ("--no-literal-pathspecs", "check-ignore", "--no-index", "--stdin", "-z")
    try:
        said = run_git(Path(root), *options, input=given)
    except GitError:  # so it also says that none of them is ignored
        return frozenset()
    return frozenset(os.fsdecode(path) for path in said.split(b"\0") if path)


# Digests


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _failure(error: OSError) -> bytes:
    return f"failed: {error.errno}".encode()


def _truth(answer: bool) -> bytes:
    return b"yes" if answer else b"no"


def _joined(names: Iterable[str]) -> bytes:
    return _digest("\0".join(sorted(names)).encode("utf-8", "surrogatepass"))


def _digest_of(listing: Listing) -> bytes:
    return _joined(_spelled(listing))


def _spelled(listing: Listing) -> Iterator[str]:
    """The names in a folder, each with what it is: no name holds a slash."""
    for name in listing.names:
        yield f"{name}/@" if name in listing.linked else f"{name}/" if name in listing.folders else name
    if listing.has_files:
        yield "/"


NOTHING = Listing()
