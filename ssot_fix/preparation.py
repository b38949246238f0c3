"""What may prepare the imports below it: changes of sys.path, and of the environment that they read."""

from __future__ import annotations

import ast
import re
from functools import cached_property

from ssot_fix.bindings import Module
from ssot_fix.project.resolver import Project
from ssot_fix.run_order import RunOrder
from ssot_fix.statements import (
    definitions,
    imports_first_party,
    imports_stdlib,
    is_absolute_import,
    is_import,
    is_main_guard,
    names_in,
)

# Statements with this text may change where imports are found.
_MAY_PREPARE = re.compile(rb"\bpath\b|\baddsitedir\b|\benviron|\bputenv\b|\bmonkey\b")
_ENVIRONMENT_CHANGES = {"setdefault", "update", "pop", "clear", "putenv"}


class Preparation:
    """Tells which top-level statements of a module may prepare later imports."""

    def __init__(self, module: Module, project: Project, order: RunOrder) -> None:
        self._module = module
        self._project = project
        self._order = order
        self._body = module.tree.body

    def prepares(self, statement: ast.stmt) -> bool:
        """Whether a top-level statement may prepare later imports when the module is imported.

        It changes sys.path, or calls a function of the module that does; or it writes to the environment above
        the first import of the project's own code, which may be meant for what that code reads.
        """
        if is_import(statement):
            return False
        if is_main_guard(statement):  # at the end of a file it prepares nothing
            later = self._body[self._order.indices[statement] + 1 :]
            return any(is_import(other) for other in later) and _changes_path(statement)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return False
        if _MAY_PREPARE.search(self._module.code(statement)) and _changes_path(statement):
            return True
        if _MAY_PREPARE.search(self._module.code(statement)) and _changes_environment(statement):
            return self._order.indices[statement] < min(self._first_own_import, self._last_import)
        return bool(self._path_functions) and any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self._path_functions
            for node in ast.walk(statement)
        )

    @cached_property
    def _last_import(self) -> int:
        """The index of the last import that what stands above it may be meant for; -1 if there is none."""
        wanted = (i for i, s in enumerate(self._body) if is_import(s) and not imports_stdlib(s))
        return max(wanted, default=-1)

    @cached_property
    def _first_own_import(self) -> int:
        own = (i for i, s in enumerate(self._body) if is_absolute_import(s) and imports_first_party(s, self._project))
        relative = (i for i, s in enumerate(self._body) if isinstance(s, ast.ImportFrom) and s.level)
        return min([*own, *relative], default=len(self._body))

    @cached_property
    def _path_functions(self) -> frozenset[str]:
        """The module's own names whose call may change sys.path, directly or through one another."""
        defined = [node for statement in self._body for node in definitions(statement)]
        found = {n.name for n in defined if _MAY_PREPARE.search(self._module.code(n)) and _changes_path(n)}
        for statement in self._body:
            if (
                isinstance(statement, ast.Assign)
                and b"path" in self._module.code(statement)
                and _changes_path(statement)
            ):
                found |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
        while found:
            callers = {n.name for n in defined if n.name not in found and found & set(names_in(n))}
            if not callers:
                break
            found |= callers
        return frozenset(found)


def _changes_path(statement: ast.stmt) -> bool:
    """Whether code may change sys.path, by any of its spellings."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute):
            if node.attr == "addsitedir" or (
                node.attr == "path" and isinstance(node.value, ast.Name) and node.value.id.endswith("sys")
            ):
                return True
            by_name = isinstance(node.value, ast.Name) and node.value.id == "path"
            if by_name and node.attr in {"insert", "append", "extend"}:
                return True
        elif isinstance(node, ast.Name) and node.id == "addsitedir":
            return True
    return False


def _changes_environment(statement: ast.stmt) -> bool:
    """Whether code that runs at once may change the process environment, or patches the standard library."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load) and _is_environ(node.value):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            changing = node.func.attr in _ENVIRONMENT_CHANGES
            if changing and (_is_environ(node.func.value) or node.func.attr == "putenv"):
                return True
            if node.func.attr.startswith("patch_") and isinstance(node.func.value, ast.Name):
                return node.func.value.id == "monkey"
        stack.extend(ast.iter_child_nodes(node))
    return False


def _is_environ(node: ast.expr) -> bool:
    return (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")) == "environ"
