"""Variables that Python reads when it starts, set by a program that is running already."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ssot_fix.bindings import Module
from ssot_fix.callees import uses
from ssot_fix.project.resolver import Project

_NAMES = frozenset({"PYTHONIOENCODING", "PYTHONUTF8", "PYTHONLEGACYWINDOWSSTDIO"})
SEEDS = frozenset({"os", "environ", "putenv"})


def set_too_late(module: Module, project: Project) -> Iterator[tuple[ast.AST, str]]:
    """The nodes that set such a variable in this process, each with its name."""
    for use in uses(module, project):
        parent = module.parents[use.node]
        if use.path == "os.environ" and isinstance(parent, ast.Subscript) and isinstance(parent.ctx, ast.Store):
            if (name := _name(parent.slice)) is not None:
                yield module.parents[parent], name
        elif use.call is not None and use.path in {"os.environ.setdefault", "os.putenv"} and use.call.args:
            if (name := _name(use.call.args[0])) is not None:
                yield use.call, name
        elif use.call is not None and use.path == "os.environ.update":
            yield from ((use.call, name) for name in _updated(use.call))


def _name(node: ast.expr) -> str | None:
    is_one = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in _NAMES
    return str(node.value) if is_one and isinstance(node, ast.Constant) else None


def _updated(call: ast.Call) -> Iterator[str]:
    for argument in call.args:
        keys = argument.keys if isinstance(argument, ast.Dict) else []
        yield from (name for key in keys if key is not None and (name := _name(key)) is not None)
    yield from (keyword.arg for keyword in call.keywords if keyword.arg in _NAMES)
