"""What a migration says of itself: its id, what it follows, its labels."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ssot_fix.audit.text import Text
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.project.resolver import Project
from ssot_fix.source import UnreadableText


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it is written: the ids, or the dotted path (dots as written) of what has them; else unknown."""

    line: int
    ids: tuple[str, ...] | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """The values of a migration's variables; None for one that it does not have."""

    revision: Given | None
    down: Given | None
    labels: Given | None
    depends: Given | None


def look(text: Text) -> Header | None:
    """What a file says as a migration; None if it names no `down_revision`, which Alembic asks of each.

    Raises UnreadableText, Unparseable.
    """
    if b"down_revision" not in text.raw:
        return None
    given = _given(text.tree)
    if "revision" not in given and "down_revision" not in given:
        return None
    return Header(*map(given.get, ("revision", "down_revision", "branch_labels", "depends_on")))


def resolved(project: Project, path: str, given: Given | None) -> tuple[str, ...] | None:
    """The ids of a value in a file, imports followed; None if they can't be told."""
    if given is None or not given.reference:
        return None if given is None else given.ids
    written = given.reference.lstrip(".")
    level = len(given.reference) - len(written)
    module, _, name = written.rpartition(".")
    module, name = project.origin(project.absolute(path, level, module) if level else module, name)
    holder = project.locate(module)
    found = _read(project, holder).get(name) if holder is not None else None
    return found.ids if found is not None else None


def _read(project: Project, path: str) -> dict[str, Given]:
    try:
        return _given(Text(project.read(path)).tree)
    except (OSError, UnreadableText, Unparseable):
        return {}


def _given(tree: ast.Module) -> dict[str, Given]:
    """What the names of a module are at its end."""
    known: dict[str, Given] = {}
    for statement in tree.body:
        known.update(_bound(statement, known))
    return known


def _bound(statement: ast.stmt, known: dict[str, Given]) -> dict[str, Given]:
    line = statement.lineno
    match statement:
        case ast.Assign(targets=targets, value=value) if all(isinstance(target, ast.Name) for target in targets):
            return {name: _value(value, line, known) for target in targets for name in _stored(target)}
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            return {} if value is None else {name: _value(value, line, known)}
        case ast.ImportFrom(level=level, module=module, names=aliases):
            start = "." * level + (f"{module}." if module else "")
            return {alias.asname or alias.name: Given(line, None, start + alias.name) for alias in aliases}
        case ast.Import(names=aliases):
            return {alias.asname or alias.name: Given(line, None, alias.name) for alias in aliases}
    return {name: Given(line) for name in _stored(statement)}


def _value(node: ast.expr, line: int, known: dict[str, Given]) -> Given:
    match node:
        case ast.Constant(value=str() as text):
            return Given(line, (text,))
        case ast.Constant(value=None):
            return Given(line, ())
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            values = [_value(element, line, known).ids for element in elements]
            if all(ids is not None and len(ids) == 1 for ids in values):
                return Given(line, tuple(text for ids in values if ids for text in ids))
        case ast.Name(id=name) if name in known:
            return Given(line, known[name].ids, known[name].reference)
        case ast.Attribute(value=of, attr=attr) if (held := known.get(_dotted(of))) is not None and held.reference:
            return Given(line, None, f"{held.reference}.{attr}")
    return Given(line)


def _dotted(node: ast.expr) -> str:
    """A name with attributes behind it; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(parts))) if isinstance(node, ast.Name) else ""


def _stored(node: ast.AST) -> Iterator[str]:
    """The names that a statement may bind in one way or another."""
    for inner in ast.walk(node):
        match inner:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name
