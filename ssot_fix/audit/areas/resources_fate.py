"""What becomes of something that has to be closed, as far as one function tells."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from enum import Enum

from ssot_fix.audit.areas.resources_table import LOOKERS, READERS, STACKED, TRANSPARENT, Resource
from ssot_fix.bindings import children

# What is asked of a call: the dotted path of what it calls, empty if that is not known.
Called = Callable[[ast.Call], str]
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_ENTERS = frozenset({"__enter__", "__aenter__"})
_EXITS = frozenset({"__exit__", "__aexit__"})


class Fate(Enum):
    """What becomes of it; nothing can be said of what is handed on."""

    CLOSED = "closed"
    CLOSED_IF_ALL_GOES_WELL = "closed, but not in a `finally`"
    HANDED_ON = "handed on"
    LEFT_OPEN = "left open"
    DROPPED = "dropped"


class Function:
    """A function's nodes: each with its parent, and the uses of its own names."""

    def __init__(self, node: ast.AsyncFunctionDef) -> None:
        self.node = node
        self.parents: dict[ast.AST, ast.AST] = {}
        self.loads: dict[str, list[ast.Name]] = {}
        self.fates: dict[tuple[str, Resource], Fate] = {}
        self.elsewhere: set[str] = set()  # names that inner functions use, or that are not the function's own
        self._walk()

    def _walk(self) -> None:
        waiting: list[tuple[ast.AST, bool]] = [(self.node, False)]
        while waiting:
            node, is_inner = waiting.pop()
            if isinstance(node, ast.Global | ast.Nonlocal):
                self.elsewhere.update(node.names)
            elif isinstance(node, ast.Name) and is_inner:
                self.elsewhere.add(node.id)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self.loads.setdefault(node.id, []).append(node)
            is_inner = is_inner or (isinstance(node, _SCOPES) and node is not self.node)
            for child in children(node):
                self.parents[child] = node
                waiting.append((child, is_inner))

    def around(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        """The nodes around a node, inside out, each with the child that leads there."""
        while (parent := self.parents.get(node)) is not None:
            yield parent, node
            node = parent

    def in_finally(self, node: ast.AST) -> bool:
        """Whether a node stands in a `finally`."""
        tries = ((each, child) for each, child in self.around(node) if isinstance(each, ast.Try | ast.TryStar))
        return any(child in each.finalbody for each, child in tries)


def fate(function: Function, call: ast.Call, resource: Resource, called: Called) -> tuple[Fate, str]:
    """What becomes of what a call makes, and the name that it is bound to, if it is."""
    node, awaited = _outermost(function, call, called)
    parent = function.parents[node]
    match parent:
        case ast.withitem():
            return Fate.CLOSED, ""
        case ast.Call(func=ast.Attribute(attr=method)) if method in STACKED and node in parent.args:
            return Fate.CLOSED, ""
    if resource.is_awaited and not awaited:
        return Fate.HANDED_ON, ""  # to whoever awaits it
    if any(keyword.arg in {resource.lent, None} for keyword in call.keywords if resource.lent):
        return Fate.HANDED_ON, ""  # it owns nothing, or may own nothing
    if (name := _bound_name(parent, resource)) is not None:
        return _fate_of_name(function, name, resource, called), name
    used = _fate_of_use(function, node, resource, called)
    is_kept = isinstance(parent, ast.Attribute) and resource.kind != "file" and not _is_used_up(function, parent)
    return (Fate.HANDED_ON if used is Fate.DROPPED and is_kept else used), ""


def _is_used_up(function: Function, node: ast.Attribute) -> bool:
    """Whether what a method gives is awaited or not looked at: if it is kept, it may hold what it comes from."""
    call = function.parents[node]
    return isinstance(call, ast.Call) and isinstance(function.parents[call], ast.Await | ast.Expr | ast.withitem)


def _outermost(function: Function, call: ast.Call, called: Called) -> tuple[ast.expr, bool]:
    """The outermost expression that is just what a call gives, and whether it is awaited on the way."""
    node: ast.expr = call
    awaited = False
    while True:
        parent = function.parents[node]
        match parent:
            case ast.Await():
                awaited = True
            case ast.Call(args=[first, *_]) if first is node and called(parent) in TRANSPARENT:
                pass
            case ast.IfExp() if parent.test is not node:
                pass
            case _:
                return node, awaited
        node = parent


def _bound_name(parent: ast.AST, resource: Resource) -> str | None:
    """The name that a statement binds to its value; None if it binds none, or more than that."""
    match parent:
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
            if resource.part is None:
                return target.id if isinstance(target, ast.Name) else None
            if isinstance(target, ast.Tuple) and len(target.elts) > resource.part:
                part = target.elts[resource.part]
                return part.id if isinstance(part, ast.Name) else None
    return None


def _fate_of_name(function: Function, name: str, resource: Resource, called: Called) -> Fate:
    """What becomes of what a name is bound to, by all uses of the name; worked out once for each."""
    if name in function.elsewhere:
        return Fate.HANDED_ON
    known = name, resource
    if known not in function.fates:
        fates = {_fate_of_use(function, use, resource, called) for use in function.loads.get(name, ())}
        order = (Fate.CLOSED, Fate.CLOSED_IF_ALL_GOES_WELL, Fate.HANDED_ON)
        function.fates[known] = next((each for each in order if each in fates), Fate.LEFT_OPEN)
    return function.fates[known]


def _fate_of_use(function: Function, node: ast.expr, resource: Resource, called: Called) -> Fate:
    """What one use makes of it: DROPPED if it keeps nothing."""
    parent = function.parents[node]
    match parent:
        case ast.withitem():
            return Fate.CLOSED
        case ast.Attribute():
            return _fate_of_attribute(function, parent, resource)
        case ast.Call() if node in parent.args:
            return _fate_of_argument(parent, called)
        case ast.Expr() | ast.Compare() | ast.FormattedValue() | ast.Assert() | ast.If() | ast.While():
            return Fate.DROPPED
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            return Fate.DROPPED
        case ast.UnaryOp(op=ast.Not()):
            return Fate.DROPPED
        case ast.IfExp(test=test) if test is node:
            return Fate.DROPPED
        case ast.BoolOp() if _is_condition(function, parent):
            return Fate.DROPPED
    return Fate.HANDED_ON


def _is_condition(function: Function, node: ast.expr) -> bool:
    """Whether only the truth of an expression matters."""
    for parent, child in function.around(node):
        match parent:
            case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                continue
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) | ast.Assert(test=test):
                return test is child
        return False
    return False


def _fate_of_attribute(function: Function, node: ast.Attribute, resource: Resource) -> Fate:
    """`client.close()`, `client.pool.close()`, `client.get(url)`; a closer that is not called is handed on."""
    names, parent = [node.attr], function.parents[node]
    while isinstance(parent, ast.Attribute):
        names.append(parent.attr)
        node, parent = parent, function.parents[parent]
    is_called = isinstance(parent, ast.Call) and parent.func is node
    if not _EXITS.isdisjoint(names) or names[-1] in resource.closers:
        if not is_called:
            return Fate.HANDED_ON
        return Fate.CLOSED if function.in_finally(node) else Fate.CLOSED_IF_ALL_GOES_WELL
    if not _ENTERS.isdisjoint(names):
        return Fate.HANDED_ON
    return Fate.DROPPED if is_called or isinstance(parent, ast.Compare | ast.FormattedValue) else Fate.HANDED_ON


def _fate_of_argument(call: ast.Call, called: Called) -> Fate:
    if isinstance(call.func, ast.Attribute) and call.func.attr in STACKED:
        return Fate.CLOSED
    if called(call) in READERS or (isinstance(call.func, ast.Name) and call.func.id in LOOKERS):
        return Fate.DROPPED
    return Fate.HANDED_ON
