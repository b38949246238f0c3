"""What a name stands for where it is used, by the bindings that reach it."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from codemods.utf8_files.assigning import assigned
from codemods.utf8_files.functions import function_value, parameter
from codemods.utf8_files.importing import plain_path, resolved, unbound
from codemods.utf8_files.library import PATH_CLASSES
from codemods.utf8_files.mutations import put_into, with_contents
from codemods.utf8_files.narrowing import Test, tests_around
from codemods.utf8_files.places import Use
from codemods.utf8_files.reaching import Ordered, in_order, reaching, runs_at_once
from codemods.utf8_files.values import PATH, UNKNOWN, Value, join, without_str
from codemods.utf8_files.views import File, View
from ssot_fix.bindings import Binding, Scope
from ssot_fix.callees import is_starred_over


def named(file: File, node: ast.Name) -> Value:
    """What a name is where it is read."""
    return file.read(_named, node) if file.knows(node.id) else file.pending


def variable(file: File, name: str, scope: Scope) -> Value:
    """What a name that the view knows may be in a scope, by all of its bindings."""
    found = file.view.module.lookup(name, scope)
    return unbound(file, name) if found is None else file.read(_variable, name, found)


def bound(file: File, scope: Scope, binding: Binding) -> Value:
    """What a binding gives to its name; `scope` is the one that has the name."""
    match binding.kind, binding.node:
        case "import", _:
            return resolved(file, file.module.absolute(binding.target or ""))
        case "def", (ast.FunctionDef() | ast.AsyncFunctionDef()) as node:
            return function_value(file, node)
        case "class", ast.ClassDef() as node:
            return Value("class", file=file, node=node)
        case "parameter", node:
            return parameter(file, scope, node)
        case "assign", ast.Name() as node:
            return assigned(file, node, scope)
    return UNKNOWN


@dataclass(frozen=True, slots=True)
class _Flow:
    """What reaches a use: bindings (None: all of them), and what a test lets through."""

    scope: Scope
    bindings: tuple[Binding, ...] | None
    test: Test | None = None


def _named(file: File, node: ast.Name) -> Value:
    view = file.view
    scope = view.scope_of.get(node)
    if scope is None or file.hides(node.id, node):
        return UNKNOWN
    found = view.module.lookup(node.id, scope)
    if found is None:
        return unbound(file, node.id)
    if found is view.module.root and is_starred_over(view.module, file.inference.project, found.bindings[node.id]):
        return UNKNOWN
    try:
        flow = view.cached(_flow, file, node, scope, found)
    except LookupError:  # a name in a test that the view lacks
        return file.pending
    return _flowing(file, node.id, flow)


def _flow(view: View, file: File, node: ast.Name, scope: Scope, found: Scope) -> _Flow:
    if node.id in view.module.declared:
        return _Flow(found, None)
    use = Use(view, node)
    test = next((test for test in tests_around(view, use) if _tells(file, test)), None)
    if found.kind == "comprehension" or not runs_at_once(view, scope, found):
        return _Flow(found, () if test else None, test)
    told = reaching(view, use, view.cached(_ordered, node.id, found), test.position if test else None)
    return _Flow(found, None) if told is None else _Flow(found, tuple(told[0]), test if told[1] else None)


def _ordered(view: View, name: str, scope: Scope) -> Ordered:
    return in_order(view, [binding for _, binding in _all(view, name, scope)])


def _all(view: View, name: str, scope: Scope) -> tuple[tuple[Scope, Binding], ...]:
    """All bindings of a name in a scope; in every scope if some statement declares it global or nonlocal."""
    scopes = view.module.scopes if name in view.module.declared else [scope]
    return tuple(
        (each, binding) for each in scopes for binding in each.bindings.get(name, ()) if binding.kind != "del"
    )


def _tells(file: File, test: Test) -> bool:
    """Whether a test says that its name is a path, or no str."""
    classes = test.classes.elts if isinstance(test.classes, ast.Tuple) else [test.classes]
    paths = [plain_path(file, each) for each in classes]
    return set(paths) <= PATH_CLASSES if test.holds else "builtins.str" in paths


def _variable(file: File, name: str, scope: Scope) -> Value:
    """By all bindings of a name."""
    bindings = _all(file.view, name, scope)
    value = join(file.read(bound, each, binding) for each, binding in bindings)
    return with_contents(file, value, (binding.node for _, binding in bindings), _put_into, name, scope)


def _flowing(file: File, name: str, flow: _Flow) -> Value:
    """By the bindings that reach a use."""
    if flow.bindings is None:
        return file.read(_variable, name, flow.scope)
    value = join(file.read(bound, flow.scope, binding) for binding in flow.bindings)
    if flow.test is not None:
        value = join([value, PATH if flow.test.holds else without_str(named(file, flow.test.name))])
    return with_contents(file, value, (binding.node for binding in flow.bindings), _put_into, name, flow.scope)


def _put_into(file: File, name: str, scope: Scope, kind: str, is_empty: bool) -> Value:
    module = file.view.module
    uses = [use.node for use in file.view.uses.get(name, ()) if module.lookup(name, use.scope) is scope]
    return join(put_into(file, use, scope, kind, is_empty) for use in uses)
