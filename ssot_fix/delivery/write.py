"""Results into the working tree: every file is, at any moment, either old or new in full.

A file is written only if it is still the one that was analysed, and only if putting a new file in its
place loses nothing. Refused for that reason: symbolic links (the file behind one may lie anywhere), files
with several hard links (the rename would cut them apart), read-only files (someone meant it: Perforce, Nix,
a colleague), and whatever is no regular file.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssot_fix.edits import FileResult, apply_edits

# The end of every temporary file's name: what a killed run may leave behind, and is safe to delete.
TEMPORARY_SUFFIX = ".ssot-fix-tmp"

UNCOMMITTED_CHANGES = "uncommitted-changes"
NOT_WRITTEN = "not-written"

# Where a call can start from an open folder (not on Windows), nobody can slip another folder in between.
_BY_DESCRIPTOR = {os.open, os.stat, os.unlink, os.rename} <= os.supports_dir_fd

_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_BINARY: int = getattr(os, "O_BINARY", 0)
_FOLDER: int = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
# Not blocking: what was a file a moment ago may be a pipe now.
_READ: int = os.O_RDWR | _NO_FOLLOW | _BINARY | getattr(os, "O_NONBLOCK", 0)
_CREATE: int = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY

_PERMISSION = "give yourself write permission for it and its folder, close what holds it open, and run again"
_FOLDERS = "a folder on the way to it was replaced, or links to itself; mend that and run again"
_CHANGED = "was changed since it was read; run again"
_WAYS_OUT = {
    errno.ENOSPC: "free some space there and run again",
    errno.EDQUOT: "free some of your quota there and run again",
    errno.EFBIG: "raise the limit for the size of a file (ulimit -f) and run again",
    errno.EROFS: "make its file system writable and run again",
    errno.EBUSY: "it may be mounted on its own: change it from outside the container",
    errno.ENOTDIR: _FOLDERS,
    errno.ELOOP: _FOLDERS,
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
}


class WriteError(Exception):
    """A file was not written and is as it was. The message names the file, what happened and the way out."""


@dataclass(frozen=True, slots=True)
class _Target:
    """The file to be written: `path` for messages, `name` in `folder`, which `descriptor` holds open."""

    path: str
    folder: Path
    name: str
    descriptor: int | None

    def at(self, name: str) -> str:
        """What to call `name`, in the target's folder, in an os function with dir_fd=descriptor."""
        return str(self.folder / name) if self.descriptor is None else name


@dataclass(frozen=True, slots=True)
class _Original:
    """A file as it was read. Two of these are equal if nobody touched the file in between."""

    data: bytes
    extended: dict[str, bytes]
    device: int
    inode: int
    mode: int
    owner: int
    group: int
    modified_ns: int
    changed_ns: int


def write_all(
    root: Path, results: Sequence[FileResult], *, is_dirty: Callable[[Sequence[str]], set[str]] | None
) -> list[FileResult]:
    """Write every changed file; give back what really came of each, in the same order.

    `is_dirty` gets the paths to be written and gives back those with uncommitted work; None allows all. A
    file that is dirty or can't be written comes back failed, without edits, its rewritten findings refused
    as `uncommitted-changes` or `not-written`; the others are still written. Raises nothing of its own: an
    exception from `is_dirty` passes through, before anything is written, and so does an interrupt.
    """
    paths = [result.path for result in results if result.status == "changed"]
    dirty = is_dirty(paths) if is_dirty is not None and paths else set()
    return [_delivered(root, result, result.path in dirty) for result in results]


def _delivered(root: Path, result: FileResult, dirty: bool) -> FileResult:
    if result.status != "changed":
        return result
    if dirty:
        way_out = "commit or stash them, or use --allow-dirty"
        error = f"{result.path} has uncommitted changes; {way_out}"
        return result.undone(UNCOMMITTED_CHANGES, error)
    try:
        write_result(root, result)
    except WriteError as failure:
        return result.undone(NOT_WRITTEN, str(failure))
    return result


def write_result(root: Path, result: FileResult) -> None:
    """Apply a result's edits to its file, atomically.

    The file must lie below `root`, symbolic links resolved, and hold the bytes that `result.digest` names.
    Mode is kept; owner, group and (Linux) extended attributes with ACLs are where permitted; nothing is
    written if the edits change nothing. Raises WriteError: the file is as it was, and no temporary is left.
    After an interrupt or a kill the file is old or new in full; only a kill can leave a temporary behind.
    """
    try:
        with _located(root, result.path) as target:
            original = _read(target)
            if hashlib.sha256(original.data).digest() != result.digest:
                raise WriteError(f"{target.path} {_CHANGED}")
            new = apply_edits(original.data, result.edits)
            if new != original.data:
                _replace(target, original, new)
    except FileNotFoundError as error:
        raise WriteError(f"{result.path} was deleted or moved since it was read; run again") from error
    except (OSError, ValueError) as error:
        raise WriteError(_explained(result.path, error)) from error


def _explained(path: str, error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        way_out = _WAYS_OUT.get(error.errno or 0, "put that right and run again")
        return f"{path} was not written: {error.strerror or error}; {way_out}"
    return f"{path} was not written: {error}; this is a bug in ssot-fix, please report it"


@contextlib.contextmanager
def _located(root: Path, path: str) -> Iterator[_Target]:
    """The target, its folder held open; WriteError if symbolic links or `..` lead out of the root."""
    real_root = Path(os.path.realpath(root, strict=True))
    asked = root / path
    folder = Path(os.path.realpath(asked.parent, strict=True))
    if not folder.is_relative_to(real_root):
        raise WriteError(f"{path} lies outside the project, in {folder}; run ssot-fix there")
    if not _BY_DESCRIPTOR:
        yield _Target(path, folder, asked.name, None)
        return
    descriptor = _open_folder(real_root, folder.relative_to(real_root).parts)
    try:
        yield _Target(path, folder, asked.name, descriptor)
    finally:
        os.close(descriptor)


def _open_folder(root: Path, names: Sequence[str]) -> int:
    """Open a folder below root name by name: a link put there since the path was resolved is an OSError."""
    descriptor = os.open(root, _FOLDER)
    for name in names:
        try:
            inner = os.open(name, _FOLDER | _NO_FOLLOW, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def _read(target: _Target) -> _Original:
    """The file's bytes with all that must be kept or compared; WriteError if it must not be replaced.

    It is opened for writing too, though nothing is: who may not write a file must not replace it either.
    """
    name, folder = target.at(target.name), target.descriptor
    _check_replaceable(target.path, os.stat(name, dir_fd=folder, follow_symlinks=False))
    with os.fdopen(os.open(name, _READ, dir_fd=folder), "rb") as stream:
        status = os.fstat(stream.fileno())
        _check_replaceable(target.path, status)
        data, extended = stream.read(), _extended_attributes(stream.fileno())
    return _Original(
        data=data,
        extended=extended,
        device=status.st_dev,
        inode=status.st_ino,
        mode=status.st_mode,
        owner=status.st_uid,
        group=status.st_gid,
        modified_ns=status.st_mtime_ns,
        changed_ns=status.st_ctime_ns,
    )


def _check_replaceable(path: str, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise WriteError(f"{path} is a symbolic link, never written through; run on the file it points to")
    if not stat.S_ISREG(status.st_mode):
        raise WriteError(f"{path} is not a regular file; exclude it")
    if status.st_nlink > 1:
        raise WriteError(f"{path} has several hard links, which writing would part; replace it by a copy")
    # Asked of the mode, since nothing is read-only to root.
    if not status.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise WriteError(f"{path} is read-only; make it writable (chmod u+w) or exclude it")


def _replace(target: _Target, original: _Original, new: bytes) -> None:
    """Put a new file in the target's place, unless the target was touched meanwhile."""
    folder = target.descriptor
    # Without the file's own name in it, so that it is never too long.
    temporary = target.at(f".{os.urandom(8).hex()}{TEMPORARY_SUFFIX}")
    try:
        _create(temporary, folder, original, new)
        _check_untouched(target, original)
        os.replace(temporary, target.at(target.name), src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    if folder is not None:
        # The new file is in place: if the folder can't be synced, calling it not written would be wrong.
        with contextlib.suppress(OSError):
            os.fsync(folder)


def _check_untouched(target: _Target, original: _Original) -> None:
    # A folder that is not held open may have been swapped for a link before it was read, too.
    swapped = target.descriptor is None and os.path.realpath(target.folder) != str(target.folder)
    if swapped or _read(target) != original:
        raise WriteError(f"{target.path} {_CHANGED}")


def _create(temporary: str, folder: int | None, original: _Original, new: bytes) -> None:
    descriptor = os.open(temporary, _CREATE, 0o600, dir_fd=folder)
    try:
        rest = memoryview(new)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        # In this order: a change of owner drops the set-user-id bit, an ACL changes the mode.
        _keep_owner(descriptor, original)
        _keep_extended_attributes(descriptor, original)
        _keep_mode(descriptor, original)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_owner(descriptor: int, original: _Original) -> None:
    if sys.platform == "win32":
        return
    status = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) == (original.owner, original.group):
        return
    for owner in (original.owner, -1):  # -1: who may not give a file away may still keep its group
        with contextlib.suppress(OSError):
            os.fchown(descriptor, owner, original.group)
            return


def _keep_mode(descriptor: int, original: _Original) -> None:
    """Give the new file the old one's mode, less what would be a grant to another owner or group."""
    if sys.platform == "win32":  # has no mode but read-only, and a read-only file is refused
        return
    status, mode = os.fstat(descriptor), stat.S_IMODE(original.mode)
    if (status.st_uid, status.st_gid) != (original.owner, original.group):
        mode &= ~(stat.S_ISUID | stat.S_ISGID)
    if status.st_gid != original.group:
        mode = mode & ~stat.S_IRWXG | (mode & stat.S_IRWXG & (mode & stat.S_IRWXO) << 3)
    if stat.S_IMODE(status.st_mode) != mode:
        os.fchmod(descriptor, mode)


def _extended_attributes(descriptor: int) -> dict[str, bytes]:
    """Extended attributes by name, ACLs among them; none where Python can't read them (not Linux)."""
    found: dict[str, bytes] = {}
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            for name in os.listxattr(descriptor):
                with contextlib.suppress(OSError):
                    found[name] = os.getxattr(descriptor, name)
    return found


def _keep_extended_attributes(descriptor: int, original: _Original) -> None:
    if sys.platform != "linux":
        return
    given = _extended_attributes(descriptor)
    # A folder's default ACL may grant what the old file did not.
    for name in given.keys() - original.extended.keys():
        with contextlib.suppress(OSError):
            os.removexattr(descriptor, name)
    for name, value in original.extended.items():
        if given.get(name) != value:
            with contextlib.suppress(OSError):
                os.setxattr(descriptor, name, value)
