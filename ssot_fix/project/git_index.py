"""What files hold, from git's index: where git has looked already, nothing has to be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ssot_fix.project.git import GitError, run_git, toplevel

_LIST = ("ls-files", "-z", "-v", "--stage", "--cached", "--modified")
# By these attributes the bytes in the work tree are others than those in the blob, of whatever size. Line endings
# (`text`, `eol`, core.autocrlf) are told by the size: each that is converted is a byte more or less.
_CONVERTING = ("filter", "ident", "working-tree-encoding")
_REGULAR = (b"100644", b"100755")


def indexed(root: Path, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """The names of blobs, 20 bytes each, with the very bytes of some files; `sizes` are the sizes of these today.

    Files that are not tracked, have changed, or may be converted are left out; all are where git can't be asked.
    """
    if toplevel(root) is None:
        return {}
    try:
        blobs = _unchanged(root, sizes)
        known = _unconverted(root, blobs)
        stored = _stored_sizes(root, [blobs[path] for path in known])
    except GitError:
        return {}
    return {path: bytes.fromhex(blobs[path]) for path, size in zip(known, stored, strict=True) if size == sizes[path]}


def _unchanged(root: Path, wanted: Mapping[str, int]) -> dict[str, str]:
    """The blobs of files, in hexadecimal digits, that are as they are in the index; git compares what it has to."""
    found: dict[str, str] = {}
    changed: set[str] = set()
    for entry in run_git(root, *_LIST).split(b"\0")[:-1]:
        about, _, name = entry.partition(b"\t")
        tag, mode, blob, stage = about.split(b" ")
        path = os.fsdecode(name)
        if tag == b"C":
            changed.add(path)
        # Small letters and S are files that git is told not to look at; SHA-256 has other names than we use.
        elif tag == b"H" and mode in _REGULAR and stage == b"0" and len(blob) == 40 and path in wanted:
            found[path] = blob.decode()
    return {path: blob for path, blob in found.items() if path not in changed}


def _unconverted(root: Path, paths: Iterable[str]) -> list[str]:
    given = {os.fsencode(path): path for path in paths}
    if not given:
        return []
    said = run_git(root, "check-attr", "-z", "--stdin", *_CONVERTING, input=b"".join(name + b"\0" for name in given))
    fields = said.split(b"\0")[:-1]
    converted = {
        name for name, value in zip(fields[::3], fields[2::3], strict=True) if value not in (b"unspecified", b"unset")
    }
    return [path for name, path in given.items() if name not in converted]


def _stored_sizes(root: Path, blobs: list[str]) -> list[int]:
    """The sizes of blobs; -1 of one that is missing, as in a partial clone."""
    if not blobs:
        return []
    asked = "".join(f"{blob}\n" for blob in blobs).encode()
    said = run_git(root, "cat-file", "--batch-check=%(objectsize)", input=asked).split(b"\n")[:-1]
    return [int(line) if line.isdigit() else -1 for line in said]
