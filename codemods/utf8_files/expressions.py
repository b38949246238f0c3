"""What an expression may be."""

from __future__ import annotations

import ast

from codemods.utf8_files import classes, library
from codemods.utf8_files.callables import called
from codemods.utf8_files.importing import resolved
from codemods.utf8_files.meanings import named
from codemods.utf8_files.operators import combined
from codemods.utf8_files.values import (
    NONE,
    NOTHING,
    OTHER,
    PATH,
    STR,
    UNKNOWN,
    Value,
    calling,
    indexed,
    iterated,
    join,
    many,
    mapping,
    method,
    pair,
    vague,
)
from codemods.utf8_files.views import File

_DEEPEST = 50


def evaluate(file: File, node: ast.expr, depth: int = 0) -> Value:
    """What an expression of a file may be; UNKNOWN if it is nested too deeply."""
    if depth > _DEEPEST:
        return UNKNOWN
    match node:
        case ast.Name():
            return named(file, node)
        case ast.Attribute(value=owner, attr=name):
            return attribute(file, file.value(owner, depth + 1), name)
        case ast.Call(func=func):
            return called(file, file.value(func, depth + 1), node, depth + 1)
        case ast.BinOp(left=left, op=op, right=right):
            return combined(file.value(left, depth + 1), op, file.value(right, depth + 1))
        case ast.Subscript(value=value, slice=index):
            return indexed(file.value(value, depth + 1), index)
        case ast.Await(value=value):
            waited = file.value(value, depth + 1)
            return waited.items[0] if waited.kind == "awaitable" else vague(waited)
        case ast.NamedExpr(value=value):
            return file.value(value, depth + 1)
        case ast.IfExp(body=body, orelse=orelse):
            return join(file.value(each, depth + 1) for each in (body, orelse))
        case ast.BoolOp(op=op, values=values):
            # What is falsy is no path, so of `a and b` only the last counts.
            counting = values if isinstance(op, ast.Or) else values[-1:]
            return join(file.value(each, depth + 1) for each in counting)
    return _display(file, node, depth)


def _display(file: File, node: ast.expr, depth: int) -> Value:
    """Literals, displays and comprehensions."""
    match node:
        case ast.Constant(value=value):
            return NONE if value is None else STR if isinstance(value, str) else OTHER
        case ast.JoinedStr():
            return STR
        case ast.Tuple() if _is_lowered_string(file, node):
            return STR
        case ast.Tuple(elts=elements) if not any(isinstance(each, ast.Starred) for each in elements):
            return pair(*(file.value(each, depth + 1) for each in elements))
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return many(join(_element(file, each, depth) for each in elements))
        case ast.ListComp(elt=element) | ast.SetComp(elt=element) | ast.GeneratorExp(elt=element):
            return many(file.value(element, depth + 1))
        case ast.Dict(keys=keys, values=values):
            return _dict(file, keys, values, depth)
        case ast.DictComp(key=key, value=value):
            return mapping(file.value(key, depth + 1), file.value(value, depth + 1))
        case ast.Lambda(body=body):
            return calling(file.value(body, depth + 1))
        case ast.Compare() | ast.UnaryOp():
            return OTHER
    return UNKNOWN


def _is_lowered_string(file: File, node: ast.Tuple) -> bool:
    """Whether a tuple is what lowering made of an f-string."""
    strings = file.module.parsed.strings
    return bool(strings) and (file.module.start(node), file.module.end(node)) in strings


def _element(file: File, node: ast.expr, depth: int) -> Value:
    """What an element of a display adds to it."""
    if isinstance(node, ast.Starred):
        return iterated(file.value(node.value, depth + 1))
    return file.value(node, depth + 1)


def _dict(file: File, keys: list[ast.expr | None], values: list[ast.expr], depth: int) -> Value:
    value = mapping(NOTHING, NOTHING)
    for key, each in zip(keys, values, strict=True):
        given = file.value(each, depth + 1)
        value = join([value, mapping(file.value(key, depth + 1), given) if key is not None else given])
    return value


def attribute(file: File, owner: Value, name: str) -> Value:
    """What an attribute of a value is; what raises an exception has no value."""
    match owner.kind:
        case "module" | "library":
            return resolved(file, f"{owner.dotted}.{name}")
        case "class" | "instance":
            return classes.member(owner, name)
        case "path-or-str":
            return join(attribute(file, each, name) for each in (PATH, STR))
        case "many" | "mapping" | "tuple":
            return method(owner, name)
    return _known_attribute(owner, name)


def _known_attribute(owner: Value, name: str) -> Value:
    found = library.ATTRIBUTES.get(owner.kind, {}).get(name)
    if found is not None:
        return found
    if name in library.METHODS.get(owner.kind, {}):
        return method(owner, name)
    return NOTHING if owner == STR else vague(owner)
