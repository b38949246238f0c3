"""What files hold, told by their status where that is enough: as git does, and with git's own names for contents."""

from __future__ import annotations

import os
import stat
import time
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SIZE = 20  # bytes of a content's name
_FIELDS = 4
# A file that was changed when it was read, or just before, may change again without its times telling (git calls
# that racily clean); file systems count in steps of up to two seconds.
_RACY = 2_000_000_000  # nanoseconds
_NEVER = b"\xff" * (8 * _FIELDS)


def statuses(root: str, paths: Iterable[str]) -> bytes:
    """The status of files, 32 bytes each: size, change and modification times, number.

    One that is no regular file has a status that no file has.
    """
    found = array("q")
    prefix = f"{root}/"
    lstat, is_regular = os.lstat, stat.S_ISREG
    mask = (1 << 63) - 1
    for path in paths:
        try:
            status = lstat(prefix + path)
        except OSError:
            found.extend((-1, -1, -1, -1))
            continue
        if is_regular(status.st_mode):
            found.extend((status.st_size, status.st_mtime_ns & mask, status.st_ctime_ns & mask, status.st_ino & mask))
        else:
            found.extend((-1, -1, -1, -1))
    return found.tobytes()


def trusted(seen: bytes, began: int) -> bytes:
    """Statuses that tell of later changes; the others are replaced by one that no file has.

    `began` is when the files were first read, in nanoseconds since the epoch.
    """
    fields = array("q", seen)
    latest = began - _RACY
    for at in range(0, len(fields), _FIELDS):
        if fields[at + 1] > latest or fields[at + 2] > latest:
            fields[at : at + _FIELDS] = array("q", (-2, -2, -2, -2))
    return fields.tobytes()


def now() -> int:
    """The time, in nanoseconds since the epoch."""
    return time.time_ns()


@dataclass(frozen=True, slots=True)
class Contents:
    """Files with their statuses and what they hold, by name of content; all in the same order."""

    paths: tuple[str, ...]
    statuses: bytes
    names: tuple[bytes, ...]

    def changed(self, seen: bytes) -> list[int]:
        """The places of the files whose status is no longer the same."""
        if seen == self.statuses:
            return []
        step = 8 * _FIELDS
        return [
            at
            for at in range(len(self.paths))
            if seen[at * step : (at + 1) * step] != self.statuses[at * step : (at + 1) * step]
        ]


def columns(names: Sequence[bytes]) -> bytes:
    """Names of contents in one piece."""
    return b"".join(names)
