"""What stands around an import for when it fails."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache

from ssot_fix.bindings import Module
from ssot_fix.edits import Refusal
from ssot_fix.statements import IMPORT_FAILURES, blocks, caught

_EXPECTING = frozenset({"raises", "assertRaises", "assertRaisesRegex", "failUnlessRaises"})
_FAILING = frozenset({"fail", "failTest"})
_NEAR = 50  # statements in front of a guard in which a value for when the import fails is looked for
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
            if ancestor.name in _called_to_fail(module):
                return Refusal("expected-failure", f"`{ancestor.name}` is called where the import is expected to fail")
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
    names = _names_bound([statement])
    for handler in handlers:
        if (line := _fallback_line(handler, names)) is not None:
            return Refusal("guarded-fallback", f"line {line} stands in for it when the import fails")
    if all(_gives_up(handler.body[-1]) for handler in handlers):
        return None
    return _goes_on_otherwise(module, tried, [*tried.body, *tried.orelse])


def _goes_on_otherwise(module: Module, guard: ast.stmt, body: list[ast.stmt]) -> Refusal | None:
    """Why what stands around a guard stands in for the import: a value before it, or what it would return."""
    owner = module.parents.get(guard)
    block = next((each for each in blocks(owner) if guard in each), []) if owner is not None else []
    at = block.index(guard) if block else 0
    names = _names_bound(body)
    for earlier in reversed(block[max(0, at - _NEAR) : at]):
        if bound := _names_bound([earlier]) & names if isinstance(earlier, ast.Assign) else set():
            why = f"`{min(bound)}` has another value (line {earlier.lineno}) when the import fails"
            return Refusal("guarded-fallback", why)
    if any(isinstance(node, ast.Return) and not _is_none(node.value) for node in _runs(body)):
        for later in block[at + 1 :]:
            if isinstance(later, ast.Return) and not _is_none(later.value):
                why = f"line {later.lineno} returns something else when the import fails"
                return Refusal("guarded-fallback", why)
    return None


def _inside_with(module: Module, around: ast.With | ast.AsyncWith, statement: ast.stmt) -> Refusal | None:
    for item in around.items:
        call = item.context_expr
        if not isinstance(call, ast.Call):
            continue
        if _expects(call):
            return Refusal("expected-failure", f"line {around.lineno} expects the import to fail")
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name == "suppress" and _names_failure(call):
            return _goes_on_otherwise(module, around, around.body)
    return None


def _names_failure(call: ast.Call) -> bool:
    """Whether a call is given an exception that a failing import raises."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    nodes = (node for argument in given for node in ast.walk(argument))
    return any(getattr(node, "id", getattr(node, "attr", "")) in IMPORT_FAILURES for node in nodes)


def _is_expected_to_fail(decorator: ast.expr) -> bool:
    """`@pytest.mark.xfail`, unless it is for another exception, and `@unittest.expectedFailure`."""
    call = decorator if isinstance(decorator, ast.Call) else None
    function = call.func if call is not None else decorator
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name == "expectedFailure":
        return True
    raises = call is not None and any(keyword.arg == "raises" for keyword in call.keywords)
    return name == "xfail" and (call is None or not raises or _names_failure(call))


@lru_cache(maxsize=1)
def _called_to_fail(module: Module) -> frozenset[str]:
    """The functions that a file calls where an import is to fail: `raises(ImportError, f)`, or `f()` in its block."""
    found: set[str] = set()
    if not any(word.encode() in module.source.body for word in _EXPECTING):
        return frozenset()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _expects(node):
            found |= {argument.id for argument in node.args[1:2] if isinstance(argument, ast.Name)}
        elif isinstance(node, ast.With | ast.AsyncWith) and any(_expects(item.context_expr) for item in node.items):
            calls = (inner for statement in node.body for inner in ast.walk(statement) if isinstance(inner, ast.Call))
            found |= {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    return frozenset(found)


def _expects(call: ast.expr) -> bool:
    if not isinstance(call, ast.Call):
        return False
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in _EXPECTING and _names_failure(call)


def _names_bound(body: Iterable[ast.stmt]) -> set[str]:
    """The names that some statements import or assign, those in functions and classes left out."""
    found: set[str] = set()
    for node in _runs(body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


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


def _runs(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of a block, in order, without what functions and classes in it hold."""
    stack: list[ast.AST] = list(reversed(list(body)))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            stack.extend(reversed(list(ast.iter_child_nodes(node))))
