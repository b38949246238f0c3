"""Code in which something else stands in place of what it calls, as tests have it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ssot_fix.bindings import Module

_PUTS = frozenset({"patch", "setattr"})


def is_replaced(module: Module, node: ast.AST, name: str) -> bool:
    """Whether something else is put in place of what is called so, by code around a visited node.

    `patch("app.db.connect")`, `patch.object(db, "connect")` and `monkeypatch.setattr(db, "connect", f)` do that for
    `connect`, in whatever module: in a `with`, as a decorator, or as a statement of the function.
    """
    return any(_puts(each, name) for each in _around(module, node))


def _around(module: Module, node: ast.AST) -> Iterator[ast.expr]:
    for each in module.ancestors(node):
        if isinstance(each, ast.With | ast.AsyncWith):
            yield from (item.context_expr for item in each.items)
        elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from each.decorator_list
            yield from (inner.value for inner in each.body if isinstance(inner, ast.Expr | ast.Assign))


def _puts(node: ast.expr, name: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called, parts = ast.walk(node.func), ast.walk(node)
    texts = (each.value for each in parts if isinstance(each, ast.Constant) and isinstance(each.value, str))
    return any(text.rpartition(".")[2] == name for text in texts) and any(
        (each.id if isinstance(each, ast.Name) else each.attr) in _PUTS
        for each in called
        if isinstance(each, ast.Name | ast.Attribute)
    )
