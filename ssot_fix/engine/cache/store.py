"""Files in the user's cache folder. Whatever goes wrong with them, a run does without, and says why."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import pickle
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER_VARIABLE = "SSOT_FIX_CACHE_DIR"
_MAGIC = b"ssot-fix cache 1\n"
_DIGEST = 16  # bytes
_MOST = 512 * 1024 * 1024  # bytes of all projects together
_OLDEST = 30 * 24 * 3600  # seconds since a file was last of use
_DAY = 24 * 3600
_TEMPORARY = ".tmp-"
_PRIVATE = 0o700
_PROJECT = re.compile(r"[A-Za-z0-9-]+-[0-9a-f]{16}")  # what a project's folder is called
# Told by their names: of a file that a crash has left empty or full of zeros these are all that is left.
_FILE = re.compile(r"contents|[a-z]+-[0-9a-f]{32}|\.tmp-\w+")
# What besides our own values may stand in a file: unpickling anything else could run code.
_HARMLESS = {("builtins", "frozenset"), ("builtins", "set"), ("pathlib", "PosixPath"), ("pathlib", "WindowsPath")}
_HARMLESS |= {("pathlib", "PurePosixPath"), ("pathlib._local", "PosixPath"), ("pathlib._local", "WindowsPath")}
_HARMLESS |= {("re", "_compile")}
_OWN = ("ssot_fix.", "codemods.")


def cache_folder() -> Path:
    """The folder of all projects' caches: what SSOT_FIX_CACHE_DIR says, else the user's own.

    Not absolute if it is not known where that is, as of a user without a home in a container.
    """
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named).absolute()
    from platformdirs import user_cache_path  # noqa: PLC0415

    try:
        return user_cache_path("ssot-fix", appauthor=False)
    except RuntimeError:  # older versions give a path with the `~`
        return Path("~", "ssot-fix")


class Store:
    """The files of one project, by name. `trouble` says why one could not be read or written, once there was one."""

    def __init__(self, root: Path) -> None:
        """`root` is the project's."""
        self.trouble = ""
        self._all = cache_folder()
        name = hashlib.blake2b(os.fsencode(root), digest_size=8).hexdigest()
        self._folder = self._all / f"{_plain(root.name)}-{name}"
        self._is_checked = False

    def load(self, name: str) -> bytes | None:
        """What was saved under a name; None if there is nothing, or not what was saved."""
        path = self._folder / name
        try:
            self._locate()
            if not self._is_checked and not self._folder.is_dir():
                return None
            self._check()
            data = _bytes(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._note(error)
            return None
        payload = _checked(data)
        if payload is None:
            self.trouble = f"{path} was damaged, and is not used"
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _DAY:
                os.utime(path)
        return payload

    def restore(self, name: str) -> object:
        """The value that was saved under a name; None if there is none that can be had."""
        payload = self.load(name)
        return None if payload is None else self.value(payload)

    def value(self, data: bytes) -> object:
        """The value that some bytes stand for; None if they are no use, as those of another version may be."""
        try:
            return restore(data)
        except Exception as error:  # of a damaged pickle any may come
            self.trouble = f"something in {self._folder} can't be read, and is not used: {error!r}"
            return None

    def save(self, name: str, payload: bytes | None) -> bool:
        """Save something under a name, whole or not at all; whether that worked. None can't be saved."""
        if payload is None:
            self.trouble = "a codemod found or knows something that can't be kept"
            return False
        digest = hashlib.blake2b(payload, digest_size=_DIGEST).digest()
        import tempfile  # noqa: PLC0415  only a run that finds something new saves it

        temporary = None
        try:
            self._locate()
            self._folder.mkdir(_PRIVATE, parents=True, exist_ok=True)
            self._check()
            handle, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=self._folder)
            with os.fdopen(handle, "wb") as file:
                file.writelines((_MAGIC, digest, payload))
            os.replace(temporary, self._folder / name)  # noqa: PTH105
        except OSError as error:
            self._note(error)
            if temporary is not None:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)  # noqa: PTH108
            return False
        return True

    def tidy(self) -> None:
        """Remove what was of no use for a month, and the oldest of what is too much."""
        with contextlib.suppress(OSError):
            _shrink(self._all, _MOST)

    def _locate(self) -> None:
        """Raise OSError if it is not known where the user's caches are; the current folder is no place for them."""
        if not self._all.is_absolute():
            raise OSError(0, "the user has no folder for caches")

    def _check(self) -> None:
        """Raise PermissionError if others may have put something into the folder."""
        if self._is_checked or os.name == "nt":
            return
        status = self._folder.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise PermissionError(0, "others may write there", str(self._folder))
        self._is_checked = True

    def _note(self, error: OSError) -> None:
        self.trouble = f"no cache: {self._folder}: {error.strerror or error}"


@dataclass(frozen=True, slots=True)
class Usage:
    """What the caches hold: projects and files by number, bytes."""

    folder: Path
    projects: int
    files: int
    size: int


def usage() -> Usage:
    """What the caches of all projects hold."""
    folder = cache_folder()
    files = list(_files(folder))
    return Usage(folder, len({path.parent for path, _ in files}), len(files), sum(each.st_size for _, each in files))


def clear() -> Usage:
    """Remove the caches of all projects; what was there.

    Raises OSError. Only what a cache consists of is removed, in case the folder holds something else.
    """
    held = usage()
    for path, _ in _files(held.folder):
        path.unlink(missing_ok=True)
    for folder in list(_folders(held.folder)):
        with contextlib.suppress(OSError):
            folder.rmdir()
    return held


def _folders(folder: Path) -> Iterator[Path]:
    if not folder.is_absolute():
        return
    with contextlib.suppress(OSError):
        for each in folder.iterdir():
            if _PROJECT.fullmatch(each.name) and each.is_dir() and not each.is_symlink():
                yield each


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The files that make up the caches."""
    for project in _folders(folder):
        with contextlib.suppress(OSError):
            for path in project.iterdir():
                status = path.lstat()
                if _FILE.fullmatch(path.name) and stat.S_ISREG(status.st_mode):
                    yield path, status


def _bytes(path: Path) -> bytes:
    # Opening a pipe might never end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return path.read_bytes()


def _shrink(folder: Path, most: int) -> None:
    now = time.time()
    left = 0
    for path, status in sorted(_files(folder), key=lambda each: -each[1].st_mtime):
        left += status.st_size
        age = now - status.st_mtime
        is_leftover = path.name.startswith(_TEMPORARY) and age > _DAY
        if left > most or age > _OLDEST or is_leftover:
            left -= status.st_size
            with contextlib.suppress(OSError):  # that one may not be removed keeps none of the others
                path.unlink(missing_ok=True)


def _checked(data: bytes) -> bytes | None:
    head = len(_MAGIC) + _DIGEST
    payload = data[head:]
    expected = _MAGIC + hashlib.blake2b(payload, digest_size=_DIGEST).digest()
    return payload if data[:head] == expected else None


def _plain(name: str) -> str:
    """A name of letters and digits, so that people know which project it is."""
    return "".join(each if each.isascii() and each.isalnum() else "-" for each in name)[:40] or "root"


def dump(value: object) -> bytes | None:
    """A value as bytes; None for one that can't be had as such, as somebody else's codemod may make."""
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except Exception:  # any may come of a value's own methods
        return None


def restore(data: bytes) -> object:
    """The value that some bytes stand for; only our own classes and plain values are made.

    Raises whatever a damaged or foreign pickle raises.
    """
    return _Unpickler(io.BytesIO(data)).load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) in _HARMLESS:
            return super().find_class(module, name)
        found = super().find_class(module, name) if module.startswith(_OWN) and "." not in name else None
        # What our modules import from others is not ours.
        if not isinstance(found, type) or found.__module__ != module:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a cache")
        return found
