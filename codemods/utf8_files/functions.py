"""What functions of the project give back, and what their parameters get."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.utf8_files.annotations import annotated
from codemods.utf8_files.library import FIXTURES
from codemods.utf8_files.values import (
    NONE,
    STR,
    UNKNOWN,
    Value,
    awaitable,
    calling,
    context,
    iterated,
    join,
    many,
    mapping,
)
from codemods.utf8_files.views import File
from ssot_fix.bindings import Scope
from ssot_fix.statements import blocks

Definition = ast.FunctionDef | ast.AsyncFunctionDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_INNER_FRAMES = (*_DEFINITIONS, ast.ClassDef, ast.Lambda)
_CLASS_METHODS = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})
PROPERTIES = frozenset({"property", "cached_property", "abstractproperty"})
# Decorators that leave what a function gives back, by their last name.
_TRANSPARENT = PROPERTIES | frozenset(
    {"abstractmethod", "cache", "classmethod", "final", "lru_cache", "override", "staticmethod", "wraps"}
)


def function_value(file: File, node: Definition) -> Value:
    """A function as something to call."""
    result = file.read(given_back, node)
    names = decorators(node)
    if "contextmanager" in names and isinstance(node, ast.FunctionDef):
        result = context(iterated(result))
    return calling(awaitable(result) if isinstance(node, ast.AsyncFunctionDef) else result)


def decorators(node: Definition) -> frozenset[str]:
    """The last names of a function's decorators."""
    found: set[str] = set()
    for decorator in node.decorator_list:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        match inner:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                found.add(name)
            case _:
                found.add("")
    return frozenset(found)


def given_back(file: File, node: Definition) -> Value:
    """What a function returns: by its annotation, else by all of its return statements."""
    scope = file.view.scope_at.get(node)
    if scope is None or scope.parent is None:
        return file.pending
    names = decorators(node)
    if not names <= _TRANSPARENT and "contextmanager" not in names:
        return UNKNOWN  # what else is made of the function is out of sight: a task, a fixture, a command
    if node.returns is not None:
        return annotated(file, node.returns, scope.parent)
    returned = file.view.cached(_returned, node)
    if returned is None or "contextmanager" in names:
        return UNKNOWN
    return join([NONE, *(file.value(value) for value in returned)])


def _returned(_view: object, node: Definition) -> list[ast.expr] | None:
    """What the return statements of a function give back; None for a generator."""
    found: list[ast.expr] = []
    for statement in _statements(node):
        if _yields(statement):
            return None
        if isinstance(statement, ast.Return) and statement.value is not None:
            found.append(statement.value)
    return found


def _statements(node: Definition) -> Iterator[ast.stmt]:
    """The statements that run in a function's own frame."""
    waiting: list[ast.AST] = [*node.body]
    while waiting:
        current = waiting.pop()
        if isinstance(current, ast.stmt):
            yield current
        if not isinstance(current, _INNER_FRAMES):
            for block in blocks(current):
                waiting += block
            waiting += [*getattr(current, "handlers", ()), *getattr(current, "cases", ())]


def _yields(statement: ast.stmt) -> bool:
    """Whether a statement's own expressions hold a `yield`."""
    waiting: list[ast.AST] = [] if isinstance(statement, _INNER_FRAMES) else [*ast.iter_child_nodes(statement)]
    while waiting:
        current = waiting.pop()
        if isinstance(current, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(current, (*_INNER_FRAMES, ast.stmt, ast.ExceptHandler, ast.match_case)):
            waiting += ast.iter_child_nodes(current)
    return False


def parameter(file: File, scope: Scope, node: ast.AST) -> Value:
    """What a function gets for a parameter; `scope` is the function's own."""
    function = scope.node
    if not isinstance(node, ast.arg) or not isinstance(function, (*_DEFINITIONS, ast.Lambda)) or scope.parent is None:
        return UNKNOWN
    arguments = function.args
    if node.annotation is None:
        return UNKNOWN if isinstance(function, ast.Lambda) else _unannotated(file, scope, function, node)
    value = annotated(file, node.annotation, scope.parent)
    if node is arguments.vararg:
        return many(value)
    if node is arguments.kwarg:
        return mapping(STR, value)
    # `def f(p: Path = "x")` does not take its annotation seriously.
    return UNKNOWN if _is_text(_default(arguments, node)) else value


def _default(arguments: ast.arguments, node: ast.arg) -> ast.expr | None:
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
    pairs += [
        (arg, default) for arg, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default
    ]
    return next((default for arg, default in pairs if arg is node), None)


def _is_text(default: ast.expr | None) -> bool:
    return isinstance(default, ast.JoinedStr) or (isinstance(default, ast.Constant) and isinstance(default.value, str))


def _unannotated(file: File, scope: Scope, function: Definition, node: ast.arg) -> Value:
    """The receiver of a method, or a fixture of pytest."""
    names = decorators(function)
    owner = class_of_method(scope)
    if owner is not None and first_parameter(function) is node:
        takes_class = "classmethod" in names or function.name in _CLASS_METHODS
        return Value("class" if takes_class else "instance", file=file, node=owner)
    is_injected = function.name.startswith("test") or any(name.endswith("fixture") for name in names)
    if is_injected and node.arg not in file.view.module.root.bindings:
        return FIXTURES.get(node.arg, UNKNOWN)
    return UNKNOWN


def class_of_method(scope: Scope) -> ast.ClassDef | None:
    """The class that has a function as a method; `scope` is the function's own."""
    around = scope.parent
    if around is not None and around.node is scope.node:  # the scope of type parameters
        around = around.parent
    return around.node if around is not None and isinstance(around.node, ast.ClassDef) else None


def first_parameter(function: Definition) -> ast.arg | None:
    """The parameter that a method gets its receiver by."""
    positional = [*function.args.posonlyargs, *function.args.args]
    return positional[0] if positional and "staticmethod" not in decorators(function) else None
