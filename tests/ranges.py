"""Histories for tests: commits with their files, made by one process of git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_DAY = 24 * 3600
Files = Mapping[str, str | bytes | None]


class Story:
    """A history in the making: each commit is a day younger than the one before; its author is told apart by name."""

    def __init__(self, root: Path, environment: Mapping[str, str] | None = None) -> None:
        self.root = root
        self._environment = {**(environment or os.environ), "GIT_CONFIG_NOSYSTEM": "1"}
        self._trees: list[dict[str, bytes]] = []
        self._stream: list[bytes] = []
        self.ids: list[str] = []

    def commit(self, files: Files, *parents: int, subject: str = "", author: str = "Ada") -> int:
        """A commit that differs from its first parent by some files (None: gone); its number.

        Without parents it follows the one made last; -1 says that it has none.
        """
        number = len(self._trees)
        above = list(parents) or ([number - 1] if number else [-1])
        tree = {} if above[0] < 0 else dict(self._trees[above[0]])
        for path, text in files.items():
            if text is None:
                del tree[path]
            else:
                tree[path] = text.encode() if isinstance(text, str) else text
        self._trees.append(tree)
        mail = "".join(filter(str.isalnum, author.lower()))
        person = f"{author} <{mail}@example.invalid> {1_700_000_000 + number * _DAY} +0000"
        self._say(f"commit refs/story/{number}\nmark :{number + 1}\nauthor {person}\ncommitter {person}\n")
        self._data((subject or f"commit {number}").encode())
        for at, parent in enumerate(each for each in above if each >= 0):
            self._say(f"{'merge' if at else 'from'} :{parent + 1}\n")
        self._say("deleteall\n")
        for path, data in tree.items():
            self._stream += [b"M 100644 inline ", _quoted(path), b"\n"]
            self._data(data)
        return number

    def _say(self, text: str) -> None:
        self._stream.append(text.encode())

    def _data(self, data: bytes) -> None:
        self._stream += [f"data {len(data)}\n".encode(), data, b"\n"]

    def tell(self) -> Sequence[str]:
        """Make the repository, with the last commit on its branch and in its work tree; the ids of all commits."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("fast-import", "--quiet", input=b"".join(self._stream))
        count = len(self._trees)
        self.ids = self.git("rev-parse", *(f"refs/story/{n}" for n in range(count))).split()
        self.git("reset", "--quiet", "--hard", self.ids[-1])
        return self.ids

    def git(self, *arguments: str, input: bytes | None = None) -> str:
        done = subprocess.run(
            ("git", *arguments), cwd=self.root, env=self._environment, input=input, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path)
    if not any(byte in raw for byte in b'"\n\\'):
        return raw
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
