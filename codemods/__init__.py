"""What is migrated: one module per codemod. This is the catalog: the built-in ones and those of entry points."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

from codemods.isolated_environment import IsolatedEnvironment
from codemods.stale_imports import StaleImports
from codemods.utf8_files import Utf8Files
from codemods.utf8_streams import Utf8Streams

if TYPE_CHECKING:
    from ssot_fix.engine.contract import Codemod

ENTRY_POINTS = "ssot_fix.codemods"
BUILT_IN: tuple[Codemod, ...] = (IsolatedEnvironment(), StaleImports(), Utf8Streams(), Utf8Files())
_METADATA = (".dist-info", ".egg-info")


def catalog() -> dict[str, Codemod]:
    """All codemods by name, the built-in ones first.

    An installed distribution adds one by an entry point in the group `ssot_fix.codemods` that names a class.
    """
    found = {codemod.name: codemod for codemod in BUILT_IN}
    if _may_be_more():
        for codemod in _declared():
            found.setdefault(codemod.name, codemod)
    return found


def _declared() -> Iterator[Codemod]:
    from importlib.metadata import entry_points  # noqa: PLC0415  # takes as long to import as all of us

    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        yield point.load()()


def _may_be_more() -> bool:
    """Whether an installed distribution may declare codemods; no where its files are in sight and say no."""
    others = (finder for finder in sys.meta_path if finder is not PathFinder)
    if any(hasattr(finder, "find_distributions") for finder in others):
        return True
    return any(_may_declare(entry or ".") for entry in sys.path)


def _may_declare(entry: str) -> bool:
    """Whether what lies in an entry of sys.path may declare codemods; archives and eggs are not looked into."""
    if entry.lower().endswith(".egg") or not os.path.isdir(entry):  # noqa: PTH112
        return os.path.exists(entry)  # noqa: PTH110
    try:
        with os.scandir(entry) as below:
            return any(_mentions_us(each.path) for each in below if each.name.lower().endswith(_METADATA))
    except OSError:
        return True


def _mentions_us(metadata: str) -> bool:
    try:
        with open(f"{metadata}/entry_points.txt", "rb") as file:  # noqa: PTH123
            return ENTRY_POINTS.encode() in file.read()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
