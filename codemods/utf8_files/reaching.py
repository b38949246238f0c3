"""Which bindings of a name can reach a use of it.

A binding reaches a use unless something that surely runs in between binds the name anew. That can be told in the frame
that binds the name; a function may run at another time, so all bindings count for the functions inside that.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from codemods.utf8_files.definite import binds
from codemods.utf8_files.places import Position, Use, end, follows, start
from codemods.utf8_files.views import View
from ssot_fix.bindings import Binding, Scope
from ssot_fix.statements import blocks

Ordered = Sequence[tuple[Position, Binding]]

_FAR_BACK = 50  # more bindings are not looked through for each use
_NEAR = 10  # statements
# Where an exception may lead from the middle of a block to what comes behind it.
_CATCHING = (ast.Try, ast.TryStar, ast.With, ast.AsyncWith)
_AT_ONCE = frozenset(
    {"all", "any", "dict", "extend", "frozenset", "join", "list", "max", "min", "set", "sorted", "sum", "tuple"}
)


def runs_at_once(view: View, inner: Scope, scope: Scope) -> bool:
    """Whether code in a scope runs where it stands, as part of the scope around it that binds a name."""
    while inner is not scope:
        if inner.kind != "comprehension" or inner.parent is None:
            return False
        if isinstance(inner.node, ast.GeneratorExp) and not _is_consumed(view, inner.node):
            return False
        inner = inner.parent
    return True


def _is_consumed(view: View, generator: ast.GeneratorExp) -> bool:
    match view.module.parents.get(generator):
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in _AT_ONCE
    return False


def reaching(view: View, use: Use, ordered: Ordered, tested: Position | None) -> tuple[list[Binding], bool] | None:
    """The bindings that reach a use in the same frame, and whether what comes from before a test does, too.

    `ordered` are all bindings by the place from which they hold; `tested` is where the last test stands that tells
    about the use. None: it can't be told, any of them may.
    """
    behind = bisect_right(ordered, use.position, key=lambda each: each[0])
    found: list[Binding] = []
    since, via_test = tested, tested is not None
    is_killed = False
    for position, binding in _backwards(ordered, behind):
        if since is not None and position < since:
            break
        if len(found) >= _FAR_BACK:
            return None
        if not _is_replaced(view, binding, use):
            found.append(binding)
        killer = None if is_killed else _killer(view, binding, use)
        if killer is not None and (since is None or start(killer) > since):
            since, via_test, is_killed = start(killer), False, True
    found += _from_loops(use, ordered, behind, since)
    return (found, via_test) if found or via_test else None


def _backwards(ordered: Ordered, behind: int) -> Iterator[tuple[Position, Binding]]:
    for index in range(behind - 1, -1, -1):
        yield ordered[index]


def _from_loops(use: Use, ordered: Ordered, behind: int, since: Position | None) -> list[Binding]:
    """The bindings further down that an earlier turn of a loop may have come through."""
    loops = [loop for loop in use.loops if since is None or start(loop) > since]
    if not loops:
        return []
    last = bisect_right(ordered, end(loops[-1]), key=lambda each: each[0])
    return [binding for _, binding in ordered[behind:last]]


def in_order(view: View, bindings: Sequence[Binding]) -> Ordered:
    """Bindings by the place from which they hold."""
    return sorted(((_effective(view, binding), binding) for binding in bindings), key=lambda each: each[0])


def _effective(view: View, binding: Binding) -> Position:
    if binding.kind == "parameter":
        return 0, 0
    node, parent = _outermost_target(view, binding.node)
    match parent:
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.NamedExpr():
            return end(parent)
        case ast.For() | ast.AsyncFor():
            return end(parent.iter)
    return start(node) if isinstance(node, ast.ExceptHandler) else end(node)


def _outermost_target(view: View, node: ast.AST) -> tuple[ast.AST, ast.AST | None]:
    """The whole target that a name is part of, and what assigns to it."""
    parents = view.module.parents
    parent = parents.get(node)
    while isinstance(parent, ast.Tuple | ast.List | ast.Starred):
        node, parent = parent, parents.get(parent)
    return node, parent


def _killer(view: View, binding: Binding, use: Use) -> ast.AST | None:
    """The statement that surely binds the name anew between what comes before it and the use."""
    if binding.kind == "parameter":
        return None
    if isinstance(binding.node, ast.ExceptHandler):
        return binding.node if binding.node in use.path else None
    statement = view.module.statement(binding.node)
    if statement in use.path:
        return statement if _binds_around(view, binding, statement, use) else None
    node: ast.AST = statement
    while (parent := view.module.parents[node]) not in use.path:
        node = parent
    comes_after = follows(parent, node, use.path[parent])
    if not comes_after or not isinstance(node, ast.stmt):
        return None
    return node if view.cached(_surely_binds, node, binding.name) else None


def _is_replaced(view: View, binding: Binding, use: Use) -> bool:
    """Whether a statement right behind a binding, in a branch that the use isn't in, binds the name anew."""
    node, parent = _outermost_target(view, binding.node)
    if not isinstance(parent, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return False
    node, parent = parent, view.module.parents[parent]
    successor = _successor(parent, node, binding.name)
    if successor is None or start(node) <= use.position <= end(successor):
        return False
    while parent not in use.path:
        if isinstance(parent, _CATCHING) and not isinstance(node, ast.ExceptHandler):
            return False
        node, parent = parent, view.module.parents[parent]
    return not isinstance(parent, _CATCHING)


def _successor(parent: ast.AST, statement: ast.AST, name: str) -> ast.stmt | None:
    """The next statement of a block that binds a name, if only simple ones stand in between."""
    for block in blocks(parent):
        if not block or not start(block[0]) <= start(statement) <= start(block[-1]):
            continue
        at = bisect_right(block, start(statement), key=start)
        for following in block[at : at + _NEAR]:
            if hasattr(following, "body"):
                return None
            if binds(following, name):
                return following
    return None


def _binds_around(view: View, binding: Binding, statement: ast.stmt, use: Use) -> bool:
    """Whether a statement binds a name in front of the use in it."""
    _, parent = _outermost_target(view, binding.node)
    if isinstance(statement, ast.For):
        return parent is statement and use.is_in(statement.body)
    return isinstance(parent, ast.withitem)


def _surely_binds(_view: View, statement: ast.stmt, name: str) -> bool:
    return binds(statement, name)
