"""What the receivers of method calls are: which are paths, which only look like one."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from codemods.utf8_files import classes, library
from codemods.utf8_files.expressions import evaluate
from codemods.utf8_files.meanings import variable
from codemods.utf8_files.values import OTHER, Value, receiver_kind
from codemods.utf8_files.views import File, Inference
from ssot_fix.bindings import Module
from ssot_fix.project.resolver import Project


def receiver_kinds(module: Module, project: Project, receivers: Sequence[ast.expr]) -> dict[ast.expr, str | None]:
    """What each expression of a module is.

    `path` (pathlib.Path or one of its own subclasses), `traversable` (importlib.resources.files), `zip-path`
    (zipfile.Path), `config-parser`, `other` (surely none of these), or None (unknown). A name counts as a path only if
    all that it may stand for are paths; types are taken from constructions, annotations and tests by isinstance.
    """
    inference = Inference(project, evaluate, variable)
    file = inference.add(module)
    try:
        values = inference.solve(_receiver, [(file, receiver) for receiver in receivers])
    finally:
        inference.close()
    return {receiver: receiver_kind(value) for receiver, value in zip(receivers, values, strict=True)}


def _receiver(file: File, node: ast.expr) -> Value:
    """What a receiver is, as far as that matters for its methods."""
    value = file.value(node)
    match value.kind:
        case "instance" | "class":
            return classes.lineage(value)
        case "library" if library.no_receiver(value.dotted):
            return OTHER
    return value
