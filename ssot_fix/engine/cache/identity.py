"""What besides the project can change an answer: this program, its libraries, Python, the settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ssot_fix.digests import digest

_PACKAGE = Path(__file__).resolve().parents[2]


def program() -> bytes:
    """A digest of this program: its own files, the distributions that it may import, the interpreter."""
    own = _PACKAGE.parent
    folders = [_PACKAGE] if (_PACKAGE / "_top").is_dir() else [_PACKAGE, own / "codemods"]
    files = sorted(each for folder in folders for each in _sources(os.fspath(folder)))
    # Numbers of more digits make a file one that Python can't parse; a variable or an option says how many.
    python = (sys.version, sys.platform, sys.get_int_max_str_digits())
    return digest((files, sorted(_distributions()), python))


def plugins(codemods: Iterable[object]) -> bytes:
    """A digest of the files of codemods that are not built in: the packages that their classes come from."""
    names = {type(codemod).__module__.partition(".")[0] for codemod in codemods} - {"codemods", "ssot_fix"}
    files = (getattr(sys.modules.get(name), "__file__", None) for name in sorted(names))
    found = [entry for file in files if file for entry in _plugin(Path(file))]
    return digest(found)


def _plugin(file: Path) -> Iterator[tuple[str, int, int]]:
    if file.name == "__init__.py" and file.is_file():
        yield from sorted(_sources(os.fspath(file.parent)))
        return
    # In an archive, it is that which there is.
    there = next((each for each in (file, *file.parents) if each.is_file()), file)
    yield _told(os.fspath(there))


def _sources(folder: str) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of every Python file below a folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _sources(entry.path)
            elif entry.name.endswith(".py"):
                yield _told(entry.path)


def _told(path: str) -> tuple[str, int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116  as `scandir` has it
    except OSError:  # a link that leads nowhere, as editors make to lock a file
        return path, -1, -1
    return path, status.st_size, status.st_mtime_ns


def _distributions() -> Iterator[str]:
    """The names and versions of what is installed, as their metadata folders are called."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")  # noqa: PTH208  no folder may be one
        except OSError:
            continue
        yield from (name for name in names if name.endswith((".dist-info", ".egg-info")))


def named(*parts: object) -> str:
    """A name for a file that holds what depends on some values."""
    return digest(parts).hex()
