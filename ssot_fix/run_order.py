"""The order in which the code of a module runs when it is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property

from ssot_fix.bindings import Module
from ssot_fix.statements import definitions, names_in

# Decorators that keep a function for later.
_HARMLESS_DECORATORS = frozenset(
    {"abstractmethod", "asynccontextmanager", "cache", "cached_property", "classmethod", "contextmanager"}
    | {"dataclass", "fixture", "final", "lru_cache", "overload", "override", "property", "staticmethod"}
    | {"singledispatch", "total_ordering", "runtime_checkable", "wraps", "command", "group", "option", "argument"}
    | {"get", "post", "put", "patch", "route", "task", "setter", "parametrize", "mark", "deprecated", "unique"}
)


class RunOrder:
    """Tells whether a piece of a module's code may run before one of its top-level statements does."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._body = module.tree.body
        self._called: dict[int, set[ast.AST]] = {}

    def top_index(self, node: ast.AST) -> int:
        """The index of the top-level statement that holds a node."""
        top = node
        for ancestor in self._module.ancestors(node):
            if not isinstance(ancestor, ast.Module):
                top = ancestor
        return self.indices[top]

    @cached_property
    def indices(self) -> dict[ast.AST, int]:
        """The index of every top-level statement."""
        return {statement: index for index, statement in enumerate(self._body)}

    def runs_before(self, node: ast.AST, index: int) -> bool:
        """Whether a node may run before the top-level statement `index` does, in the module's import."""
        top = self.top_index(node)
        holder = self._outer_definition(node)
        if holder is None:
            return top < index
        if self._module.strings_run_as_code and top < index:
            return True
        return holder in self._called_before(index)

    def _outer_definition(self, node: ast.AST) -> ast.AST | None:
        """The outermost function whose body holds a node; None if it runs with the module itself."""
        holder, inner = None, node
        for ancestor in self._module.ancestors(node):
            deferred = isinstance(ancestor, ast.FunctionDef | ast.AsyncFunctionDef) and inner in ancestor.body
            if deferred:
                holder = ancestor
            inner = ancestor
        return holder

    def _called_before(self, index: int) -> set[ast.AST]:
        """The functions of this module whose bodies may run before a top-level statement."""
        if index not in self._called:
            self._called[index] = self._find_called_before(index)
        return self._called[index]

    def _find_called_before(self, index: int) -> set[ast.AST]:
        defined: dict[str, list[ast.AST]] = {}
        for statement in self._body:
            for definition in definitions(statement):
                defined.setdefault(definition.name, []).append(definition)
        waiting = {name for statement in self._body[:index] for name in _names_run_by(statement)}
        waiting |= {n.name for statement in self._body[:index] for n in definitions(statement) if _is_handed_on(n)}
        called: set[ast.AST] = set()
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            seen.add(name)
            for node in defined.get(name, ()):
                inside = {n for n in ast.walk(node) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
                called |= inside
                waiting |= set(names_in(node)) - seen
        return called


def _is_handed_on(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Whether a definition goes through a decorator that may call it at once."""
    for decorator in node.decorator_list:
        while isinstance(decorator, ast.Call | ast.Attribute):
            if isinstance(decorator, ast.Attribute) and decorator.attr in _HARMLESS_DECORATORS:
                break
            decorator = decorator.func if isinstance(decorator, ast.Call) else decorator.value  # noqa: PLW2901
        else:
            if not isinstance(decorator, ast.Name) or decorator.id not in _HARMLESS_DECORATORS:
                return True
    return False


def _names_run_by(statement: ast.stmt) -> Iterator[str]:
    """The names that a top-level statement reads when it runs; bodies of functions run later."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            stack += [*node.decorator_list, node.args]
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            stack.extend(ast.iter_child_nodes(node))
