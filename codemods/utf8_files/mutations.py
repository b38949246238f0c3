"""What is put into a list, set or dict after it was made."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterable

from codemods.utf8_files.assigning import assigned
from codemods.utf8_files.values import NOTHING, UNKNOWN, Value, iterated, join, many, mapping
from codemods.utf8_files.views import File, Rule
from ssot_fix.bindings import Scope

_HELD = frozenset({"many", "mapping"})
_PUTS_ONE = frozenset({"add", "append", "appendleft"})
_PUTS_SEVERAL = frozenset({"extend", "extendleft", "update"})
# Functions that leave a collection as it is.
_ONLY_LOOKS = frozenset({"print", "next", "len", "sorted", "list", "max", "min", "any", "all", "sum"})
_EMPTY_MAKERS = frozenset({"dict", "list", "set"})


def with_contents(file: File, value: Value, targets: Iterable[ast.AST], rule: Rule, *place: Hashable) -> Value:
    """A value with what is put into it later on, if it is a collection that some target gets without an annotation.

    `rule` finds for `place` what is put into it; it is also given the kind of collection, and whether it starts empty.
    """
    if value.kind not in _HELD:
        return value
    made = [expressions for target in targets if (expressions := _makers(file, target)) is not None]
    if not made:
        return value
    is_empty = any(_starts_empty(node) for expressions in made for node in expressions)
    return join([value, file.read(rule, *place, value.kind, is_empty)])


def _makers(file: File, target: ast.AST) -> list[ast.expr] | None:
    """The expressions of which one may make what a target gets; None if an annotation tells what it holds."""
    parents = file.view.module.parents
    parent = parents.get(target)
    while isinstance(parent, ast.Tuple | ast.List | ast.Starred):
        target, parent = parent, parents.get(parent)
    if parent is None or isinstance(parent, ast.AnnAssign):
        return None
    value = parent.value if isinstance(parent, ast.Assign | ast.NamedExpr) else None
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        return value.elts
    return [value] if value is not None else []


def _starts_empty(node: ast.expr) -> bool:
    """Whether an expression makes an empty collection."""
    match node:
        case ast.List(elts=[]) | ast.Dict(keys=[]):
            return True
        case ast.Call(func=ast.Name(id=name), args=[], keywords=[]):
            return name in _EMPTY_MAKERS
    return False


def put_into(file: File, node: ast.expr, scope: Scope, kind: str, is_filled_here: bool) -> Value:
    """What one use of a collection of a kind (`many` or `mapping`) puts into it.

    `is_filled_here`: it started empty, so that a function that it is handed to may well fill it.
    """
    parents = file.view.module.parents
    parent = parents[node]
    match parent, parents.get(parent):
        case ast.Attribute(attr=name), ast.Call() as call if call.func is parent:
            return _by_method(file, call, name, kind)
        case ast.Subscript(ctx=ast.Store(), value=value, slice=index), _ if value is node:
            return _by_index(file, parent, scope, index, kind)
        case ast.Call(func=func), (ast.Expr() | ast.Await()) if is_filled_here and func is not node:
            return UNKNOWN if _may_fill(func) else NOTHING
    return NOTHING


def _by_method(file: File, call: ast.Call, name: str, kind: str) -> Value:
    match call.args:
        case [only] if kind == "many" and name in _PUTS_ONE:
            return many(file.value(only))
        case [_, second] if kind == "many" and name == "insert":
            return many(file.value(second))
        case [key, value] if kind == "mapping" and name == "setdefault":
            return mapping(file.value(key), file.value(value))
        case several if name in _PUTS_SEVERAL:
            return join(_several(file, each, kind) for each in several)
    return NOTHING


def _several(file: File, node: ast.expr, kind: str) -> Value:
    value = file.value(node)
    if kind == "many":
        element = iterated(value)
        return many(element)
    return value if value.kind in {"mapping", "nothing", "none"} else UNKNOWN


def _by_index(file: File, target: ast.AST, scope: Scope, index: ast.expr, kind: str) -> Value:
    value = assigned(file, target, scope)
    if kind == "mapping":
        return mapping(file.value(index), value)
    return many(iterated(value)) if isinstance(index, ast.Slice) else many(value)


def _may_fill(func: ast.expr) -> bool:
    match func:
        case ast.Name(id=name):
            return name not in _ONLY_LOOKS
        case ast.Attribute(value=ast.Name(id="self" | "cls")):
            return True
    return False
