"""Code in which something else stands in place of what it calls, as tests have it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from ssot_fix.bindings import Module

_PUTS = frozenset({"patch", "setattr"})


class Replaced:
    """What a module puts something else in place of, and where.

    `patch("app.db.connect")`, `patch.object(db, "connect")` and `monkeypatch.setattr(db, "connect", f)` do that for
    `connect`, in whatever module: in a `with`, as a decorator, or as a statement of a function or class.
    """

    def __init__(self, module: Module) -> None:
        self._module = module
        self._is_any = any(name.encode() in module.source.body for name in _PUTS)
        self._known: dict[ast.AST, frozenset[str]] = {}

    def at(self, node: ast.AST, name: str) -> bool:
        """Whether something else stands in place of what is called so, by code around a visited node."""
        return self.any_at(node, {name})

    def any_at(self, node: ast.AST, names: Collection[str]) -> bool:
        """The same for any of some names."""
        return self._is_any and any(not self._by(each).isdisjoint(names) for each in self._module.ancestors(node))

    def _by(self, node: ast.AST) -> frozenset[str]:
        if node not in self._known:
            self._known[node] = frozenset(name for each in _parts(node) for name in _put(each))
        return self._known[node]


def _parts(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions of a node that count for all that it holds."""
    if isinstance(node, ast.With | ast.AsyncWith):
        yield from (item.context_expr for item in node.items)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from node.decorator_list
        yield from (inner.value for inner in node.body if isinstance(inner, ast.Expr | ast.Assign))


def _put(node: ast.expr) -> Iterator[str]:
    """The names that a call puts something else in place of: the ends of its texts."""
    called = ast.walk(node.func) if isinstance(node, ast.Call) else ()
    names = (each.id if isinstance(each, ast.Name) else getattr(each, "attr", "") for each in called)
    if not _PUTS.isdisjoint(names):
        texts = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
        yield from (text.rpartition(".")[2] for text in texts if isinstance(text, str))
