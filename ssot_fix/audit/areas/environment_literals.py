"""Names given for that of a variable, and the literals that they stand for: `KEY = "PORT"`, `for key in (...)`.

Only what the file alone tells counts: a name all of whose bindings are literals, or go through literals.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from ssot_fix.audit.text import Text
from ssot_fix.bindings import Binding, Module, Scope

Literals = Mapping[ast.expr, tuple[str, ...]]
_MOST = 200  # literals that one name may stand for; what has more is data
_LISTED = ast.Tuple | ast.List | ast.Set
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def literals(text: Text, keys: Iterable[ast.expr]) -> Literals:
    """What each of some expressions may stand for, in the order of the file; those that may be something else are out.

    Raises UnreadableText, Unparseable.
    """
    wanted = {key: key.id for key in keys if isinstance(key, ast.Name)}
    if not wanted:
        return {}
    module = text.module(wanted.values())
    if listed := {each.id for each in _iterated(module) if isinstance(each, ast.Name)}:
        module = text.module(listed.union(wanted.values()))
    scopes = {reference.node: reference.scope for reference in module.references}
    found = {key: _meant(module, key, scopes[key]) for key in wanted if key in scopes}
    return {key: values for key, values in found.items() if values}


def _iterated(module: Module) -> Iterator[ast.expr]:
    """What loops go through whose variables are names of interest."""
    for scope in module.scopes:
        for bindings in scope.bindings.values():
            for binding in bindings:
                if (found := _loop(module, binding.node)) is not None:
                    yield found


def _meant(module: Module, name: ast.Name, scope: Scope) -> tuple[str, ...]:
    """The literals that a name stands for; none if it may be anything else."""
    if module.parsed.hides(name.id, module.start(name)):
        return ()
    told = [_values(module, binding, scope) for binding in module.meanings(name.id, scope)]
    values = tuple(dict.fromkeys(value for values in told for value in values))
    return values if all(told) and len(values) <= _MOST else ()


def _values(module: Module, binding: Binding, scope: Scope) -> tuple[str, ...]:
    if binding.kind != "assign" or not isinstance(binding.node, ast.Name):
        return ()
    if (listed := _loop(module, binding.node)) is not None:
        return _strings(_elements(module, listed, scope))
    value = _assigned(module, binding.node)
    return _strings([value]) if value is not None else ()


def _assigned(module: Module, node: ast.AST) -> ast.expr | None:
    """What alone is assigned to a name, by the name's node."""
    match module.parents.get(node):
        case ast.Assign(targets=[target], value=value) if target is node:
            return value
        case ast.AnnAssign(target=target, value=value) if target is node:
            return value
    return None


def _loop(module: Module, node: ast.AST) -> ast.expr | None:
    """What a name goes through one by one, by the name's node; of pairs those whose first part it is."""
    parent = module.parents.get(node)
    is_first = isinstance(parent, ast.Tuple) and parent.elts[0] is node and len(parent.elts) == 2
    target, loop = (parent, module.parents.get(parent)) if is_first and parent is not None else (node, parent)
    # The first loop of a comprehension is visited as part of the whole.
    loop = loop.generators[0] if isinstance(loop, _COMPREHENSIONS) else loop
    if not isinstance(loop, ast.For | ast.AsyncFor | ast.comprehension) or loop.target is not target:
        return None
    if not is_first:
        return loop.iter
    match loop.iter:
        case ast.Call(func=ast.Attribute(value=pairs, attr="items"), args=[], keywords=[]):
            return pairs
    return None


def _elements(module: Module, listed: ast.expr, scope: Scope) -> list[ast.expr | None]:
    """The elements of a literal, or of the only one that a name stands for."""
    if isinstance(listed, ast.Name):
        bindings = module.meanings(listed.id, scope)
        only = _assigned(module, bindings[0].node) if len(bindings) == 1 else None
        return _elements(module, only, scope) if isinstance(only, _LISTED | ast.Dict) else [None]
    if isinstance(listed, _LISTED):
        return [*listed.elts]
    return [*listed.keys] if isinstance(listed, ast.Dict) else [None]


def _strings(nodes: Iterable[ast.expr | None]) -> tuple[str, ...]:
    """The values of string literals; none if there is anything else."""
    values = [node.value if isinstance(node, ast.Constant) else None for node in nodes]
    strings = [value for value in values if isinstance(value, str)]
    return tuple(strings) if len(strings) == len(values) else ()
