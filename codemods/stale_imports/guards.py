"""What stands around an import for when it fails."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ssot_fix.bindings import Module
from ssot_fix.edits import Refusal
from ssot_fix.imports import IMPORT_FAILURES, blocks, caught

_EXPECTING = frozenset({"raises", "assertRaises", "assertRaisesRegex", "failUnlessRaises"})
_FAILING = frozenset({"fail", "failTest"})
_GIVING_UP = _FAILING | {"skip", "skipTest", "xfail", "exit", "_exit", "quit", "abort"}


def guard_against(module: Module, statement: ast.stmt) -> Refusal | None:
    """Why an import may not be made to work: what runs when it fails stands in for it, or is what is tested.

    `statement` is the import, or one that imports by a string.
    """
    inner: ast.AST = statement
    in_function = False
    for ancestor in module.ancestors(statement):
        refusal = None
        if isinstance(ancestor, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if any(_is_expected_to_fail(decorator) for decorator in ancestor.decorator_list):
                return Refusal("expected-failure", f"`{ancestor.name}` is marked as failing for it")
            # What is only defined inside a try runs elsewhere.
            in_function = in_function or not isinstance(ancestor, ast.ClassDef)
        elif not in_function and isinstance(ancestor, ast.Try) and inner in ancestor.body:
            refusal = _tried(module, ancestor, statement)
        elif not in_function and isinstance(ancestor, ast.With | ast.AsyncWith) and inner in ancestor.body:
            refusal = _inside_with(module, ancestor, statement)
        if refusal is not None:
            return refusal
        inner = ancestor
    return None


def _tried(module: Module, tried: ast.Try, statement: ast.stmt) -> Refusal | None:
    handlers = [handler for handler in tried.handlers if caught(handler) & IMPORT_FAILURES]
    if not handlers:
        return None
    if (line := _failing_line(module, tried, statement)) is not None:
        return Refusal("expected-failure", f"line {line} fails if the import works")
    names = _names_bound(statement)
    for handler in handlers:
        if (line := _fallback_line(handler, names)) is not None:
            return Refusal("guarded-fallback", f"line {line} stands in for it when the import fails")
    return _has_value_before(module, tried, names)


def _inside_with(module: Module, around: ast.With | ast.AsyncWith, statement: ast.stmt) -> Refusal | None:
    for item in around.items:
        call = item.context_expr
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in _EXPECTING and _names_failure(call):
            return Refusal("expected-failure", f"line {around.lineno} expects the import to fail")
        if name == "suppress" and _names_failure(call):
            return _has_value_before(module, around, _names_bound(statement))
    return None


def _names_failure(call: ast.Call) -> bool:
    """Whether a call is given an exception that a failing import raises."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    nodes = (node for argument in given for node in ast.walk(argument))
    return any(getattr(node, "id", getattr(node, "attr", "")) in IMPORT_FAILURES for node in nodes)


def _is_expected_to_fail(decorator: ast.expr) -> bool:
    """`@pytest.mark.xfail(raises=ImportError)`."""
    if not isinstance(decorator, ast.Call):
        return False
    name = decorator.func.attr if isinstance(decorator.func, ast.Attribute) else getattr(decorator.func, "id", "")
    return name == "xfail" and _names_failure(decorator)


def _names_bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    targets = statement.targets if isinstance(statement, ast.Assign) else ()
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def _has_value_before(module: Module, guard: ast.stmt, names: set[str]) -> Refusal | None:
    """`x = None` in front of the statement that guards an import of x."""
    owner = module.parents.get(guard)
    block = next((each for each in blocks(owner) if guard in each), []) if owner is not None else []
    for earlier in block[: block.index(guard)] if block else ():
        targets = earlier.targets if isinstance(earlier, ast.Assign) else ()
        bound = {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)} & names
        if bound:
            why = f"`{min(bound)}` has another value (line {earlier.lineno}) when the import fails"
            return Refusal("guarded-fallback", why)
    return None


def _failing_line(module: Module, tried: ast.Try, statement: ast.stmt) -> int | None:
    """The line behind an import that only fails: `assert False`, `pytest.fail()`, `raise AssertionError`."""
    owner = module.parents.get(tried)
    block = next((each for each in blocks(owner) if tried in each), []) if owner is not None else []
    behind = block[block.index(tried) + 1 :][:1] if block else []
    inside = [later for later in (*tried.body, *tried.orelse) if later.lineno > statement.lineno]
    for later in (*inside, *behind):
        match later:
            case ast.Assert(test=ast.Constant(value=value)) if not value:
                return later.lineno
            case ast.Raise(exc=ast.Call(func=ast.Name(id="AssertionError")) | ast.Name(id="AssertionError")):
                return later.lineno
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name))) if name in _FAILING:
                return later.lineno
    return None


def _fallback_line(handler: ast.ExceptHandler, names: set[str]) -> int | None:
    """The line of a handler that gives a name, an attribute or the caller another value, and goes on."""
    if _gives_up(handler.body[-1]):
        return None
    for node in _runs(handler.body):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            return node.lineno
        if isinstance(node, ast.Import | ast.ImportFrom) and any(
            (alias.asname or alias.name.partition(".")[0]) in names for alias in node.names
        ):
            return node.lineno
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.NamedExpr):
            return node.lineno
        if isinstance(node, ast.Return) and not _is_none(node.value):
            return node.lineno
    return None


def _gives_up(statement: ast.stmt) -> bool:
    """Whether a handler ends by raising, failing, skipping or exiting."""
    if isinstance(statement, ast.Raise):
        return True
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    function = statement.value.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in _GIVING_UP


def _is_none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def _runs(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of a block, in order, without what functions and classes in it hold."""
    stack: list[ast.AST] = list(reversed(body))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            stack.extend(reversed(list(ast.iter_child_nodes(node))))
