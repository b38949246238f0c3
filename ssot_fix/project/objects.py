"""Git's objects, read in bulk. What a repository lacks is left out, and never fetched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from ssot_fix.project.git import GitError, run_git, start_git


class Objects:
    """The objects of the repository around a folder. Ids are hexadecimal."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @cached_property
    def is_partial(self) -> bool:
        """Whether the clone is a partial one: older versions of git would fetch what it lacks."""
        names = run_git(self._root, "config", "--list", "--name-only", "-z").split(b"\0")
        return any(name.endswith(b".promisor") or name == b"extensions.partialclone" for name in names)

    @cached_property
    def _present(self) -> frozenset[bytes]:
        listed = run_git(self._root, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)", "--unordered")
        return frozenset(listed.split())

    def _had(self, ids: Iterable[bytes]) -> bytes:
        wanted = list(dict.fromkeys(ids))
        if self.is_partial:
            wanted = [blob for blob in wanted if blob in self._present]
        return b"".join(b"%b\n" % blob for blob in wanted)

    def sizes(self, ids: Iterable[bytes]) -> dict[bytes, int]:
        """The sizes of some blobs in bytes; those that the repository lacks are left out."""
        output = run_git(self._root, "cat-file", "--batch-check", input=self._had(ids))
        facts = [line.split(b" ") for line in output.splitlines()]
        return {fact[0]: int(fact[2]) for fact in facts if len(fact) == 3 and fact[1] == b"blob"}

    def blobs(self, ids: Iterable[bytes]) -> dict[bytes, bytes]:
        """The texts of some blobs; those that the repository lacks, or has damaged, are left out."""
        wanted = list(dict.fromkeys(ids))
        try:
            output = run_git(self._root, "cat-file", "--batch", input=self._had(wanted))
        except GitError:  # a damaged one ends git: it is looked for by halves
            middle = len(wanted) // 2
            return {**self.blobs(wanted[:middle]), **self.blobs(wanted[middle:])} if middle else {}
        found: dict[bytes, bytes] = {}
        at = 0
        while at < len(output):
            end = output.index(b"\n", at) + 1
            blob, _, facts = output[at:end].rstrip().partition(b" ")
            kind, _, size = facts.partition(b" ")
            at = end
            if kind == b"blob":
                found[blob] = output[end : end + int(size)]
            if size:
                at += int(size) + 1
        return found


class Reader:
    """Reads blobs one by one, by a process of git's that stays. Use as a context manager, or leave it to the exit."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._objects = Objects(root)
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, object]:
        """Without the process: another one starts its own."""
        return {**self.__dict__, "_process": None}

    def close(self) -> None:
        """End the process; another one is started if there is more to read."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def read(self, blob: bytes) -> bytes | None:
        """A blob's text; None if the repository lacks it.

        Raises GitError.
        """
        if self._objects.is_partial:
            return self._objects.blobs([blob]).get(blob)
        if self._process is None or self._owner != os.getpid():  # this process may have been forked
            self._process, self._owner = start_git(self._root, "cat-file", "--batch"), os.getpid()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(blob + b"\n")
            self._process.stdin.flush()
            facts = self._process.stdout.readline().split()
            if len(facts) != 3:
                if not facts:  # a damaged object ends the process
                    self.close()
                return None
            data = self._process.stdout.read(int(facts[2]) + 1)
            if len(data) <= int(facts[2]):  # it is damaged further on
                self.close()
                return None
        except OSError as error:
            raise GitError(f"git cat-file ended: {error.strerror}") from error
        return data[:-1] if facts[1] == b"blob" else None
