"""What is migrated: one module per codemod. This is the catalog: the built-in ones and those of entry points."""

from __future__ import annotations

from importlib.metadata import entry_points

from codemods.isolated_environment import IsolatedEnvironment
from codemods.stale_imports import StaleImports
from codemods.utf8_files import Utf8Files
from codemods.utf8_streams import Utf8Streams
from ssot_fix.engine.contract import Codemod

ENTRY_POINTS = "ssot_fix.codemods"
BUILT_IN: tuple[Codemod, ...] = (IsolatedEnvironment(), StaleImports(), Utf8Streams(), Utf8Files())


def catalog() -> dict[str, Codemod]:
    """All codemods by name, the built-in ones first.

    An installed distribution adds one by an entry point in the group `ssot_fix.codemods` that names a class.
    """
    found = {codemod.name: codemod for codemod in BUILT_IN}
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        codemod: Codemod = point.load()()
        found.setdefault(codemod.name, codemod)
    return found
