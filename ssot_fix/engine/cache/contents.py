"""What files hold, told by their status where that is enough, as git does; and by git's own names for contents."""

from __future__ import annotations

import os
import stat
import time
from array import array
from collections.abc import Collection, Iterable, Sequence

SIZE = 20  # bytes of the name of a content
STATUS = 32  # bytes
_FIELDS = 4
MANY = 50  # files that git is asked about, rather than reading them
_NONE = (-1, -1, -1, -1)  # the status of what is no regular file
NO_FILE = array("q", _NONE).tobytes()
_MASK = (1 << 63) - 1
# A file that was changed when it was read, or just before, may change again without its times telling (git calls
# that racily clean); file systems count in steps of up to two seconds.
_RACY = 2_000_000_000  # nanoseconds


def statuses(root: str, paths: Iterable[str]) -> bytes:
    """The status of files, STATUS bytes each: size, times of modification and change, number.

    What is no regular file has one that no file has.
    """
    found = array("q")
    prefix = f"{root}/"
    lstat, is_regular, add = os.lstat, stat.S_ISREG, found.extend
    for path in paths:
        try:
            status = lstat(prefix + path)
        except OSError:
            add(_NONE)
            continue
        if is_regular(status.st_mode):
            add((status.st_size, status.st_mtime_ns & _MASK, status.st_ctime_ns & _MASK, status.st_ino & _MASK))
        else:
            add(_NONE)
    return found.tobytes()


def trusted(seen: bytes, began: int, lacking: Collection[int] = ()) -> bytes:
    """Statuses that tell of later changes; others are replaced by one that no file has.

    `began` is when the first file was read, in nanoseconds since the epoch, `lacking` are the places of files that
    could not be.
    """
    fields = array("q", seen)
    latest = began - _RACY
    for place in range(len(fields) // _FIELDS):
        at = place * _FIELDS
        if fields[at] < 0 or fields[at + 1] > latest or fields[at + 2] > latest or place in lacking:
            fields[at : at + _FIELDS] = array("q", (-2, -2, -2, -2))
    return fields.tobytes()


def sizes(paths: Sequence[str], seen: bytes, places: Iterable[int]) -> dict[str, int]:
    """The sizes of the regular files at some places."""
    fields = array("q", seen)
    return {paths[at]: size for at in places if (size := fields[at * _FIELDS]) >= 0}


def changed(before: bytes, today: bytes) -> list[int]:
    """The places of the files whose status is another one."""
    if before == today:
        return []
    starts = range(0, len(today), STATUS)
    return [at for at, start in enumerate(starts) if before[start : start + STATUS] != today[start : start + STATUS]]


def now() -> int:
    """The time, in nanoseconds since the epoch."""
    return time.time_ns()
