"""Tests by `isinstance` whose outcome is known where a name is used."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from codemods.utf8_files.definite import block_binds
from codemods.utf8_files.places import Position, Use, follows, is_frame_of, start
from codemods.utf8_files.views import View

_FAR_BACK = 50  # more tests are not looked through for each use
Outcomes = tuple[bool | None, bool | None]  # if the condition is true, and if it is false


@dataclass(frozen=True, slots=True)
class Test:
    """`isinstance(name, classes)` that is true (or false: `holds`) where a use stands."""

    name: ast.Name
    classes: ast.expr
    holds: bool

    @property
    def position(self) -> Position:
        """Where it stands."""
        return start(self.name)


def tests_around(view: View, use: Use) -> Iterator[Test]:
    """The tests of a name whose outcome is known where a use of it stands, the last one first."""
    calls = view.tests.get(use.node.id, ())
    behind = bisect_right(calls, use.horizon, key=start)  # `p.name if isinstance(p, Path) else p`
    for call in reversed(calls[max(0, behind - _FAR_BACK) : behind]):
        known = _outcome(view, call, use) if _frame(view, call) is use.frame else None
        if known is not None and isinstance(call.args[0], ast.Name):
            yield Test(call.args[0], call.args[1], known)


def _frame(view: View, node: ast.AST) -> ast.AST | None:
    for ancestor in view.module.ancestors(node):
        if is_frame_of(ancestor, node):
            return ancestor
        node = ancestor
    return None


def _outcome(view: View, call: ast.Call, use: Use) -> bool | None:
    """Whether a test is true where a use stands; None if that isn't known."""
    node: ast.expr = call
    if_true: bool | None = True
    if_false: bool | None = False
    while True:
        parent = view.module.parents[node]
        match parent:
            case ast.BoolOp(op=op) if parent in use.path:
                if start(node) > use.position or use.path[parent] is node:  # a test tells nothing of its own name
                    return None
                return if_true if isinstance(op, ast.And) else if_false
            case ast.UnaryOp(op=ast.Not()):
                if_true, if_false = if_false, if_true
            case ast.BoolOp(op=ast.And()):
                if_false = None
            case ast.BoolOp(op=ast.Or()):
                if_true = None
            case _:
                return _outcome_behind(view, parent, node, use, (if_true, if_false))
        node = parent


def _outcome_behind(view: View, parent: ast.AST, node: ast.expr, use: Use, outcomes: Outcomes) -> bool | None:
    """The outcome for a use that a condition lets through; `parent` is what the condition `node` belongs to."""
    if_true, if_false = outcomes
    match parent:
        case ast.IfExp() if parent in use.path:
            return if_true if use.path[parent] is parent.body else if_false
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp() if parent in use.path:
            # The parts of the first generator are visited as the comprehension's own.
            inner, first = use.path[parent], parent.generators[0]
            return if_true if node in first.ifs and inner not in {first.iter, *first.ifs} else None
        case ast.comprehension():
            owner = view.module.parents[parent]
            is_result = owner in use.path and not isinstance(use.path[owner], ast.comprehension)
            return if_true if is_result else None
        case ast.If() | ast.While() if parent in use.path:
            if use.is_in(parent.body):
                return if_true
            return if_false if use.is_in(parent.orelse) else None
        case ast.If() if _leads_to(view, parent, use):
            if not parent.orelse:
                return if_false if block_binds(parent.body, use.node.id) else None
            return if_true if block_binds(parent.orelse, use.node.id) else None
        case ast.Assert() if _leads_to(view, parent, use):
            return if_true
    return None


def _leads_to(view: View, statement: ast.stmt, use: Use) -> bool:
    """Whether a use comes after a statement in the same or an inner block."""
    parent = view.module.parents[statement]
    return parent in use.path and follows(parent, statement, use.path[parent])
