"""Locks that coroutines take: with a `with`, with a release in a `finally`, or with one that an exception skips."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ssot_fix.audit.model import Site
from ssot_fix.audit.text import Text, enclosing
from ssot_fix.bindings import Module
from ssot_fix.callees import Use

LOCKS: Final = frozenset(
    f"{package}.{name}" for package in ("asyncio", "anyio") for name in ("Lock", "Semaphore", "Condition")
) | {"asyncio.BoundedSemaphore"}
_Made = Mapping[ast.Name | ast.Attribute, str]  # what new locks are assigned to, with the path of what makes them
_BROAD: Final = frozenset({"BaseException", "Exception"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class _Hold:
    """A use of a lock in a coroutine: `how` is `with`, `acquire` or `release`; `lock` tells locks apart."""

    node: ast.expr
    lock: Hashable
    path: str
    coroutine: ast.AsyncFunctionDef
    how: str


def lock_sites(text: Text, module: Module, found: Sequence[Use]) -> Iterator[Site]:
    """The places at which coroutines take a lock that this file makes; `found` are the uses in it of the like.

    A place is good if a `with` releases the lock, or a `finally` of the same coroutine does, and bad if the coroutine
    releases it elsewhere. If it does not release it at all, somebody else does, and that is no site.
    """
    made = {target: use.path for use in found if use.path in LOCKS and (target := _target(module, use)) is not None}
    if not made:
        return
    view = text.module({target.id if isinstance(target, ast.Name) else target.attr for target in made})
    holds = [hold for place in (*_names(view, made), *_attributes(view, made)) if (hold := _hold(view, *place))]
    released: dict[tuple[Hashable, ast.AST], bool] = {}  # by lock and coroutine: whether a `finally` does it
    for hold in holds:
        if hold.how == "release":
            place = hold.lock, hold.coroutine
            released[place] = released.get(place, False) or _whatever_happens(view, hold.node)
    held = {(hold.lock, view.parents[view.parents[hold.node]]) for hold in holds if hold.how == "with"}
    for hold in holds:
        if hold.how == "acquire" and any((hold.lock, each) in held for each in view.ancestors(hold.node)):
            continue  # again, for the rest of a `with` that releases it
        is_good = hold.how == "with" or released.get((hold.lock, hold.coroutine))
        if hold.how != "release" and is_good is not None:
            yield _site(view, hold, is_good)


def _target(module: Module, use: Use) -> ast.Name | ast.Attribute | None:
    """What a new lock is assigned to: a name, or an attribute of one."""
    match module.parents[use.call] if use.call is not None and not use.ambiguous else None:
        case ast.Assign(targets=[ast.Name() | ast.Attribute(value=ast.Name()) as target], value=value):
            return target if value is use.call else None
        case ast.AnnAssign(target=ast.Name() | ast.Attribute(value=ast.Name()) as target, value=value):
            return target if value is use.call else None
    return None


def _names(view: Module, made: _Made) -> Iterator[tuple[ast.expr, Hashable, str]]:
    """The uses of names that stand for one lock and nothing else, each with what tells the lock, and its path."""
    for reference in view.references:
        bindings = view.meanings(reference.node.id, reference.scope)
        node = bindings[0].node if len(bindings) == 1 else None
        if isinstance(node, ast.Name) and node in made:
            yield reference.node, node, made[node]


def _attributes(view: Module, made: _Made) -> Iterator[tuple[ast.expr, Hashable, str]]:
    """The uses of attributes that a class sets to nothing but one kind of lock."""
    stored: dict[Hashable, set[str | None]] = {}
    loaded: list[tuple[ast.Attribute, Hashable]] = []
    for node in view.attributes:
        if not isinstance(node.value, ast.Name):
            continue
        lock = _owner(view, node), node.value.id, node.attr
        if isinstance(node.ctx, ast.Load):
            loaded.append((node, lock))
        else:
            stored.setdefault(lock, set()).add(made.get(node))
    for use, used in loaded:
        paths = stored.get(used, set())
        path = next(iter(paths)) if len(paths) == 1 else None
        if path is not None:
            yield use, used, path


def _owner(view: Module, node: ast.AST) -> ast.AST | None:
    return next((each for each in view.ancestors(node) if isinstance(each, ast.ClassDef)), None)


def _hold(view: Module, node: ast.expr, lock: Hashable, path: str) -> _Hold | None:
    """What a use of a lock does, if it stands in a coroutine and takes or releases it."""
    around = next((each for each in view.ancestors(node) if isinstance(each, _FUNCTIONS)), None)
    if not isinstance(around, ast.AsyncFunctionDef):
        return None
    parent = view.parents[node]
    if isinstance(parent, ast.withitem):
        return _Hold(node, lock, path, around, "with")
    is_called = isinstance(call := view.parents[parent], ast.Call) and call.func is parent
    if is_called and isinstance(parent, ast.Attribute) and parent.attr in {"acquire", "release"}:
        return _Hold(node, lock, path, around, parent.attr)
    return None


def _whatever_happens(view: Module, node: ast.AST) -> bool:
    """Whether a node stands in a `finally`, or in what handles any exception."""
    for parent in view.ancestors(node):
        if isinstance(parent, ast.Try | ast.TryStar) and node in parent.finalbody:
            return True
        if isinstance(parent, ast.ExceptHandler) and (parent.type is None or ast.unparse(parent.type) in _BROAD):
            return True
        node = parent
    return False


def _site(view: Module, hold: _Hold, is_good: bool) -> Site:
    shown = ast.unparse(hold.node)
    message = "" if is_good else f"`{shown}` is released, but not if an exception comes before: no `finally` does it"
    return Site("lock", hold.node.lineno, f"{hold.path} in {enclosing(view, hold.node)}", message, is_good)
