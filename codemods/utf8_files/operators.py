"""What operators make of values. What would raise an exception has no value."""

from __future__ import annotations

import ast

from codemods.utf8_files.values import NOTHING, PATH, STR, UNKNOWN, Value, join, many, without_str

_JOINABLE = frozenset({"path", "traversable", "zip-path"})
_COLLECTIONS = frozenset({"many", "mapping"})


def combined(left: Value, operator: ast.operator, right: Value) -> Value:
    """The value of a binary operation."""
    if left.is_nothing:
        return NOTHING
    match operator:
        case ast.Div():
            return _divided(left, right)
        case ast.Add() | ast.Mod() | ast.Mult() if left == STR:
            return STR
        case ast.Add() | ast.BitOr() | ast.Sub() | ast.BitAnd() | ast.BitXor():
            merged = join([_widened(left), _widened(right)])
            return merged if merged.kind in _COLLECTIONS else UNKNOWN
    return UNKNOWN


def _divided(left: Value, right: Value) -> Value:
    if left.kind in _JOINABLE:
        return left
    if left.kind == "path-or-str":
        return join([PATH, _divided(STR, right)])
    if left != STR:
        return UNKNOWN
    if right.is_nothing or right == STR:
        return NOTHING
    return PATH if without_str(right) == PATH else UNKNOWN


def _widened(value: Value) -> Value:
    """A tuple as an iterable of no certain length."""
    return many(join(value.items)) if value.kind == "tuple" else value
