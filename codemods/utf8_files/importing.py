"""What an import leads to: something out of sight by its dotted path, or a definition in a file of the project."""

from __future__ import annotations

import ast
import builtins
from typing import Final

from codemods.utf8_files import library
from codemods.utf8_files.values import STR, UNKNOWN, Value
from codemods.utf8_files.views import File

_BUILTINS = frozenset(dir(builtins))
_MODULE_STRINGS = frozenset({"__file__", "__name__", "__doc__", "__package__"})
# What `from pathlib import *` binds (its __all__).
_PATHLIB: Final = frozenset(
    {"Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "UnsupportedOperation", "WindowsPath"}
)


def resolved(file: File, dotted: str) -> Value:
    """What an absolute dotted path stands for in a file that imports it."""
    if not dotted or dotted.startswith("."):
        return UNKNOWN
    project = file.inference.project
    if library.standard(dotted):
        hidden = project.locate(dotted.partition(".")[0]) is not None
        return UNKNOWN if hidden else library.member(dotted)
    if project.locate(dotted) is not None:
        return Value("module", dotted=dotted)
    origin, _, name = dotted.rpartition(".")
    if not origin or project.locate(origin) is None:
        return Value("library", dotted=dotted)
    return _defined(file, *project.origin(origin, name))


def _defined(file: File, origin: str, name: str) -> Value:
    """What a name is in the module that defines it."""
    project = file.inference.project
    whole = f"{origin}.{name}" if name else origin
    path = project.locate(origin)
    if not name or path is None or project.locate(whole) is not None:
        return resolved(file, whole) if path is None else Value("module", dotted=whole)
    defining = file.inference.open(path, name, file.away + 1)
    if defining is None:
        return UNKNOWN
    if not defining.knows(name):
        return defining.pending
    return defining.variable(name, defining.view.module.root)


def unbound(file: File, name: str) -> Value:
    """What a name stands for that nothing in the file binds: a builtin, or what a star import brings."""
    origins = [file.module.absolute("." * star.level + (star.module or "")) for star in file.view.module.star_imports]
    if any(origin != "pathlib" for origin in origins):
        return UNKNOWN
    if origins and name in _PATHLIB:
        return resolved(file, f"pathlib.{name}")
    if name in _MODULE_STRINGS:
        return STR
    return Value("library", dotted=f"builtins.{name}") if name in _BUILTINS else UNKNOWN


def plain_path(file: File, node: ast.expr) -> str | None:
    """The dotted path of something that only one import, or a builtin, gives its name; None if it has none.

    Raises LookupError if the view lacks the name.
    """
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    if not file.knows(node.id):
        raise LookupError(node.id)
    scope = file.view.scope_of.get(node)
    if scope is None or file.hides(node.id, node):
        return None
    targets = {binding.target for binding in file.view.module.meanings(node.id, scope)}
    top = targets.pop() if len(targets) == 1 else None if targets else unbound(file, node.id).dotted
    return ".".join([file.module.absolute(top), *reversed(parts)]) if top else None
