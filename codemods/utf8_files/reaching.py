"""Which bindings of a name can reach a use of it, and what tests in between rule out.

A binding reaches a use unless something that surely runs in between binds the name anew. That can be told in the frame
that binds the name; a function may run at another time, so all bindings count for the functions inside that.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from codemods.utf8_files.views import View
from ssot_fix.bindings import Binding, Scope
from ssot_fix.statements import blocks

Position = tuple[int, int]
Ordered = Sequence[tuple[Position, Binding]]

_FAR_BACK = 50  # more bindings or tests are not looked through for each use
_NEAR = 10  # statements
_TRIES = (ast.Try, ast.TryStar)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_FRAMES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_AT_ONCE = frozenset(
    {"all", "any", "dict", "extend", "frozenset", "join", "list", "max", "min", "set", "sorted", "sum", "tuple"}
)


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


class Use:
    """A use of a name, with what stands around it."""

    def __init__(self, view: View, node: ast.Name) -> None:
        self.node = node
        self.path: dict[ast.AST, ast.AST] = {}  # from each node around it to the one inside that it is in
        self.position = start(node)
        self.horizon = end(node)  # where the expression ends that it is in
        self.frame: ast.AST | None = None
        inner: ast.AST = node
        for ancestor in view.module.ancestors(node):
            self.path[ancestor] = inner
            if isinstance(ancestor, ast.JoinedStr):
                self.position = start(ancestor)  # before Python 3.12 positions inside can be wrong
            if isinstance(ancestor, ast.expr) and self.frame is None:
                self.horizon = max(self.horizon, end(ancestor))
            if self.frame is None and isinstance(ancestor, _FRAMES):
                self.frame = ancestor
            inner = ancestor

    @cached_property
    def loops(self) -> list[ast.stmt]:
        """The loops of the frame that the use runs in again and again, inside out."""
        found: list[ast.stmt] = []
        for ancestor in self.path:
            if ancestor is self.frame:
                break
            if isinstance(ancestor, _LOOPS) and (self.is_in(ancestor.body) or self.path[ancestor] is _test(ancestor)):
                found.append(ancestor)
        return found

    def is_in(self, block: list[ast.stmt]) -> bool:
        """Whether the use stands in a block of a statement around it."""
        return bool(block) and start(block[0]) <= self.position <= end(block[-1])


def start(node: ast.AST) -> Position:
    """Where a node starts."""
    return node.lineno, node.col_offset  # type: ignore[attr-defined]


def end(node: ast.AST) -> Position:
    """Where a node ends."""
    return node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]


def _test(loop: ast.AST) -> ast.AST | None:
    return loop.test if isinstance(loop, ast.While) else None


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


def reaching(view: View, use: Use, ordered: Ordered, test: Test | None) -> tuple[list[Binding], bool] | None:
    """The bindings that reach a use in the same frame, and whether what comes from before a test does, too.

    `ordered` are all bindings by the place from which they hold; `test` is the last one that tells about the use.
    None: it can't be told, any of them may.
    """
    behind = bisect_right(ordered, use.position, key=lambda each: each[0])
    found: list[Binding] = []
    since, via_test = (test.position, True) if test else (None, False)
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
    comes_after = _follows(parent, node, use.path[parent])
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
        if isinstance(parent, _LOOPS) or (isinstance(parent, _TRIES) and not isinstance(node, ast.ExceptHandler)):
            return False
        node, parent = parent, view.module.parents[parent]
    return not isinstance(parent, _TRIES)


def _successor(parent: ast.AST, statement: ast.AST, name: str) -> ast.stmt | None:
    """The next statement of a block that binds a name, if only simple ones stand in between."""
    for block in blocks(parent):
        if not block or not start(block[0]) <= start(statement) <= start(block[-1]):
            continue
        at = bisect_right(block, start(statement), key=start)
        for following in block[at : at + _NEAR]:
            if hasattr(following, "body"):
                return None
            if _binds(following, name):
                return following
    return None


def _binds_around(view: View, binding: Binding, statement: ast.stmt, use: Use) -> bool:
    """Whether a statement binds a name in front of the use in it."""
    _, parent = _outermost_target(view, binding.node)
    if isinstance(statement, ast.For):
        return parent is statement and use.is_in(statement.body)
    return isinstance(parent, ast.withitem)


def _follows(parent: ast.AST, node: ast.AST, inner: ast.AST) -> bool:
    """Whether a node stands behind another one in the same block."""
    if not isinstance(inner, ast.stmt) or start(inner) < end(node):
        return False
    for block in blocks(parent):
        if block and start(block[0]) <= start(node) <= start(block[-1]):
            return start(inner) <= start(block[-1])
    return False


def _surely_binds(_view: View, statement: ast.stmt, name: str) -> bool:
    return _binds(statement, name)


def _binds(statement: ast.stmt, name: str) -> bool:
    """Whether a statement has bound a name whenever what follows it runs."""
    match statement:
        case ast.AnnAssign(value=None):
            return False
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            return any(_names(target, name) for target in targets)
        case ast.Import() | ast.ImportFrom():
            return any((alias.asname or alias.name.partition(".")[0]) == name for alias in statement.names)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return statement.name == name
        case ast.With() | ast.AsyncWith():
            targets = [item.optional_vars for item in statement.items if item.optional_vars is not None]
            return any(_names(target, name) for target in targets)
        case ast.If():
            return _if_binds(statement, name)
        case ast.Try() | ast.TryStar():
            tried = _block_binds(statement.body, name) or _block_binds(statement.orelse, name)
            return _block_binds(statement.finalbody, name) or (
                tried and all(_block_binds(handler.body, name) for handler in statement.handlers)
            )
    return False


def _if_binds(statement: ast.If, name: str) -> bool:
    while _block_binds(statement.body, name):
        match statement.orelse:
            case [ast.If() as following]:  # elif: not by recursion, there may be thousands
                statement = following
            case orelse:
                return _block_binds(orelse, name)
    return False


def _block_binds(block: list[ast.stmt], name: str) -> bool:
    return bool(block) and (isinstance(block[-1], _LEAVING) or any(_binds(each, name) for each in block))


def _names(target: ast.expr, name: str) -> bool:
    match target:
        case ast.Name(id=found):
            return found == name
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return any(_names(element, name) for element in elements)
        case ast.Starred(value=value):
            return _names(value, name)
    return False


def tests_around(view: View, use: Use) -> Iterator[Test]:
    """The tests of a name whose outcome is known where a use of it stands, the last one first."""
    calls = view.tests.get(use.node.id, ())
    behind = bisect_right(calls, use.horizon, key=start)  # `p.name if isinstance(p, Path) else p`
    for call in reversed(calls[max(0, behind - _FAR_BACK) : behind]):
        known = _outcome(view, call, use) if _frame(view, call) is use.frame else None
        if known is not None and isinstance(call.args[0], ast.Name):
            yield Test(call.args[0], call.args[1], known)


def _frame(view: View, node: ast.AST) -> ast.AST | None:
    return next((a for a in view.module.ancestors(node) if isinstance(a, _FRAMES)), None)


def _outcome(view: View, call: ast.Call, use: Use) -> bool | None:
    """Whether a test is true where a use stands; None if that isn't known."""
    node: ast.expr = call
    if_true: bool | None = True
    if_false: bool | None = False
    while True:
        parent = view.module.parents[node]
        match parent:
            case ast.BoolOp(op=op) if parent in use.path:
                if start(node) > use.position:
                    return None
                return if_true if isinstance(op, ast.And) else if_false
            case ast.UnaryOp(op=ast.Not()):
                if_true, if_false = if_false, if_true
            case ast.BoolOp(op=ast.And()):
                if_false = None
            case ast.BoolOp(op=ast.Or()):
                if_true = None
            case _:
                return _outcome_behind(view, parent, use, if_true, if_false)
        node = parent


def _outcome_behind(view: View, parent: ast.AST, use: Use, if_true: bool | None, if_false: bool | None) -> bool | None:
    """The outcome for a use that a condition lets through; `parent` is what the condition belongs to."""
    match parent:
        case ast.IfExp() if parent in use.path:
            return if_true if use.path[parent] is parent.body else if_false
        case ast.comprehension():
            owner = view.module.parents[parent]
            return if_true if owner in use.path and not isinstance(use.path[owner], ast.comprehension) else None
        case ast.If() | ast.While() if parent in use.path:
            if use.is_in(parent.body):
                return if_true
            return if_false if use.is_in(parent.orelse) else None
        case ast.If() if _leads_to(view, parent, use):
            if not parent.orelse:
                return if_false if _block_binds(parent.body, use.node.id) else None
            return if_true if _block_binds(parent.orelse, use.node.id) else None
        case ast.Assert() if _leads_to(view, parent, use):
            return if_true
    return None


def _leads_to(view: View, statement: ast.stmt, use: Use) -> bool:
    """Whether a use comes after a statement in the same or an inner block."""
    parent = view.module.parents[statement]
    return parent in use.path and _follows(parent, statement, use.path[parent])
