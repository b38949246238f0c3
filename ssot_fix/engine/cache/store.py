"""Files in the user's cache folder. Whatever goes wrong with them, a run does without, and says why."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pickle
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
# What besides our own values may stand in a file: unpickling anything else could run code.
_HARMLESS = {("builtins", "frozenset"), ("builtins", "set"), ("pathlib", "PosixPath"), ("pathlib", "WindowsPath")}
_HARMLESS |= {("pathlib", "PurePosixPath"), ("pathlib._local", "PosixPath"), ("pathlib._local", "WindowsPath")}
_HARMLESS |= {("re", "_compile"), ("copyreg", "_reconstructor"), ("builtins", "object"), ("_codecs", "encode")}
_OWN = ("ssot_fix.", "codemods.")


def cache_folder() -> Path:
    """The folder of all projects' caches: what SSOT_FIX_CACHE_DIR says, else the user's own."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named).absolute()
    from platformdirs import user_cache_path  # noqa: PLC0415

    return user_cache_path("ssot-fix", appauthor=False)


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
            if not self._is_checked and not self._folder.is_dir():
                return None
            self._check()
            data = path.read_bytes()
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

    def save(self, name: str, payload: bytes) -> bool:
        """Save something under a name, whole or not at all; whether that worked."""
        digest = hashlib.blake2b(payload, digest_size=_DIGEST).digest()
        import tempfile  # noqa: PLC0415  only a run that finds something new saves it

        temporary = None
        try:
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
    for folder in {path.parent for path, _ in _files(held.folder)} | set(_folders(held.folder)):
        with contextlib.suppress(OSError):
            folder.rmdir()
    return held


def _folders(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (each for each in folder.iterdir() if each.is_dir() and not each.is_symlink())


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The files that make up the caches."""
    for project in _folders(folder):
        with contextlib.suppress(OSError):
            for path in project.iterdir():
                if path.name.startswith(_TEMPORARY) or _is_ours(path):
                    yield path, path.stat()


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def _shrink(folder: Path, most: int) -> None:
    now = time.time()
    left = 0
    for path, status in sorted(_files(folder), key=lambda each: -each[1].st_mtime):
        left += status.st_size
        age = now - status.st_mtime
        is_leftover = path.name.startswith(_TEMPORARY) and age > _DAY
        if left > most or age > _OLDEST or is_leftover:
            left -= status.st_size
            path.unlink(missing_ok=True)


def _checked(data: bytes) -> bytes | None:
    head = len(_MAGIC) + _DIGEST
    payload = data[head:]
    expected = _MAGIC + hashlib.blake2b(payload, digest_size=_DIGEST).digest()
    return payload if data[:head] == expected else None


def _plain(name: str) -> str:
    """A name of letters and digits, so that people know which project it is."""
    return "".join(each if each.isascii() and each.isalnum() else "-" for each in name)[:40] or "root"


def dump(value: object) -> bytes:
    """A value as bytes."""
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


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
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a cache")
        return found
