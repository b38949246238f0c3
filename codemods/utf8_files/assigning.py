"""What a target gets: of an assignment, a loop, a `with`, a walrus."""

from __future__ import annotations

import ast

from codemods.utf8_files.annotations import annotated
from codemods.utf8_files.operators import combined
from codemods.utf8_files.values import UNKNOWN, Value, entered, iterated, unpacked
from codemods.utf8_files.views import File
from ssot_fix.bindings import Scope


def assigned(file: File, target: ast.AST, scope: Scope) -> Value:
    """What a name, attribute or subscript gets where it is a target; `scope` is where annotations are looked up."""
    parents = file.view.module.parents
    steps: list[tuple[list[ast.expr], int]] = []  # from the inside
    parent = parents[target]
    while isinstance(parent, ast.Tuple | ast.List | ast.Starred):
        if not isinstance(parent, ast.Starred):
            steps.append((parent.elts, _place(parent.elts, target)))
        target, parent = parent, parents[parent]
    value, steps = _source(file, parent, scope, steps)
    for targets, place in reversed(steps):
        value = unpacked(value, targets, place)
    return value


def _place(elements: list[ast.expr], target: ast.AST) -> int:
    return next(place for place, element in enumerate(elements) if element is target)


Steps = list[tuple[list[ast.expr], int]]


def _source(file: File, parent: ast.AST, scope: Scope, steps: Steps) -> tuple[Value, Steps]:
    """What is unpacked, and the steps that are left to do so."""
    match parent:
        case ast.Assign(value=value):
            return _unpacked_literal(file, value, steps)
        case ast.AnnAssign():
            return _declared(file, parent, scope), steps
        case ast.AugAssign(target=target, op=op, value=value):
            return combined(file.value(target), op, file.value(value)), steps
        case ast.NamedExpr(value=value):
            return file.value(value), steps
        case ast.For(iter=iterable):
            return iterated(file.value(iterable)), steps
        case ast.comprehension(iter=iterable, is_async=0):
            return iterated(file.value(iterable)), steps
        # The first generator's target is visited as the comprehension's own.
        case (ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp()) as whole:
            first = whole.generators[0]
            return (UNKNOWN if first.is_async else iterated(file.value(first.iter))), steps
        case ast.withitem(context_expr=manager):
            is_async = isinstance(file.view.module.parents[parent], ast.AsyncWith)
            return (UNKNOWN if is_async else entered(file.value(manager))), steps
    return UNKNOWN, steps


def _unpacked_literal(file: File, value: ast.expr, steps: Steps) -> tuple[Value, Steps]:
    """`a, b = x, y`: looking at just the element that a name gets keeps long ones cheap."""
    while steps and isinstance(value, ast.Tuple | ast.List):
        targets, place = steps[-1]
        starred = any(isinstance(each, ast.Starred) for each in (*targets, *value.elts))
        if starred or len(targets) != len(value.elts):
            break
        value, steps = value.elts[place], steps[:-1]
    return file.value(value), steps


def _declared(file: File, statement: ast.AnnAssign, scope: Scope) -> Value:
    """By the annotation; where that says nothing, by the value, but for fields, which callers may set."""
    value = annotated(file, statement.annotation, scope)
    if value == UNKNOWN and statement.value is not None and (scope.kind != "class" or _is_bare(statement.annotation)):
        return file.value(statement.value)
    return value


def _is_bare(annotation: ast.expr) -> bool:
    """Whether an annotation is just `Final` or `ClassVar`."""
    match annotation:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in {"ClassVar", "Final"}
    return False
