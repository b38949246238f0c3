"""Code in which something else stands in place of what it calls, as tests have it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ssot_fix.bindings import Module

_PATCHES = re.compile(r"\bpatch\b")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def is_replaced(module: Module, node: ast.AST, name: str) -> bool:
    """Whether a `with` or a decorator around a visited node puts something else in place of what is called so.

    `patch("app.db.connect")` and `patch.object(db, "connect")` do, for `connect`, in whatever module.
    """
    return any(_puts(each, name) for each in _around(module, node))


def _around(module: Module, node: ast.AST) -> Iterator[ast.expr]:
    for each in module.ancestors(node):
        if isinstance(each, ast.With | ast.AsyncWith):
            yield from (item.context_expr for item in each.items)
        elif isinstance(each, _DEFINITIONS):
            yield from each.decorator_list


def _puts(node: ast.expr, name: str) -> bool:
    texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return any(text.rpartition(".")[2] == name for text in texts) and _PATCHES.search(ast.unparse(node)) is not None
