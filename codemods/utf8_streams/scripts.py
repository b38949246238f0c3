"""Which functions of the project console scripts start at."""

from __future__ import annotations

from collections.abc import Sequence

from codemods.stale_imports.moves import Moves, configured
from ssot_fix.project.config import Config, ConfigError
from ssot_fix.project.metadata import EntryPoint
from ssot_fix.project.resolver import Project


def moves_of(config: Config) -> Moves:
    """Where the settings say that modules went; none if that can't be told."""
    try:
        return Moves.of(configured(config))
    except (KeyError, ConfigError):  # the codemod of moves is not there, or says what is wrong with them
        return Moves(())


def console_scripts(project: Project, points: Sequence[EntryPoint], moves: Moves) -> dict[str, frozenset[str]]:
    """By file, the attributes that console scripts name; re-exports are followed, and moves where nothing is left."""
    found: dict[str, frozenset[str]] = {}
    for point in points:
        first, dot, rest = point.attribute.partition(".")
        place = _place(project, point, first, moves) if first else None
        if place is not None:
            path, name = place
            found[path] = found.get(path, frozenset()) | {f"{name}{dot}{rest}"}
    return found


def _place(project: Project, point: EntryPoint, name: str, moves: Moves) -> tuple[str, str] | None:
    """The file that defines what an entry point names, and its name there."""
    source = f"{point.folder}/src" if point.folder else "src"
    roots = list(dict.fromkeys((point.folder, source, *project.source_roots)))
    module = point.module
    if project.locate(module, roots) is None or project.offers(module, name) is False:
        # Another codemod is about to repoint it; one run has to be enough.
        target = moves.target(module, name)
        if target is not None:
            module, name = target.module, target.name or name
    path = project.locate(module, roots)
    origin, name = project.origin(module, name)
    path = project.locate(origin, roots) or path
    return (path, name) if path is not None else None
