"""What kind of statement a statement is, and what it holds; no names are looked up for that."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from ssot_fix.bindings import Module
from ssot_fix.project.resolver import Project, is_type_checking

# What a handler catches that is there for imports that fail.
IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError"})
IMPORT_FAILURES = IMPORT_ERRORS | {"Exception", "BaseException"}


def blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The statement lists of a compound statement."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block


# The fields that hold the statements of a compound one, and the clauses that do.
_INNER: dict[type[ast.AST], tuple[str, ...]] = {
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.With, ast.AsyncWith), ("body",)),
    **dict.fromkeys((ast.If, ast.For, ast.AsyncFor, ast.While), ("body", "orelse")),
    **dict.fromkeys((ast.Try, ast.TryStar), ("body", "handlers", "orelse", "finalbody")),
    **dict.fromkeys((ast.ExceptHandler, ast.match_case), ("body",)),
    ast.Match: ("cases",),
}


def inner_statements(node: ast.AST) -> list[ast.AST]:
    """The statements right inside a compound one, in the order of the source; handlers and cases with their own."""
    return [inner for name in _INNER.get(type(node), ()) for inner in getattr(node, name)]


def runs_at_import(module: Module, statement: ast.stmt) -> bool:
    """Whether a statement may run when its module is imported: in no function, and not for type checkers only."""
    inner: ast.AST = statement
    for ancestor in module.ancestors(statement):
        if isinstance(ancestor, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return False
        if isinstance(ancestor, ast.If) and inner in ancestor.body and not _runs_at_import(ancestor):
            return False
        inner = ancestor
    return True


def _runs_at_import(branch: ast.If) -> bool:
    return not (is_type_checking(branch.test) or is_main_guard(branch))


def is_main_guard(statement: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__":`, however it is put."""
    if not isinstance(statement, ast.If):
        return False
    nodes = list(ast.walk(statement.test))
    named = any(isinstance(node, ast.Name) and node.id == "__name__" for node in nodes)
    return named and any(isinstance(node, ast.Constant) and node.value == "__main__" for node in nodes)


def caught(handler: ast.ExceptHandler) -> frozenset[str]:
    """The names of the exceptions that a handler catches; of a bare one, BaseException."""
    if handler.type is None:
        return frozenset({"BaseException"})
    nodes = list(ast.walk(handler.type))
    named = {node.id for node in nodes if isinstance(node, ast.Name)}
    return frozenset(named | {node.attr for node in nodes if isinstance(node, ast.Attribute)})


def is_import(statement: ast.stmt) -> bool:
    """Whether a statement is an import of whatever kind."""
    return isinstance(statement, ast.Import | ast.ImportFrom)


def is_absolute_import(statement: ast.stmt) -> bool:
    """Whether a statement is an import without leading dots."""
    return isinstance(statement, ast.Import) or (isinstance(statement, ast.ImportFrom) and not statement.level)


def imports_stdlib(statement: ast.stmt) -> bool:
    """Whether a statement imports from the standard library, and nothing else."""
    if isinstance(statement, ast.ImportFrom):
        return not statement.level and (statement.module or "").partition(".")[0] in sys.stdlib_module_names
    return isinstance(statement, ast.Import) and all(
        alias.name.partition(".")[0] in sys.stdlib_module_names for alias in statement.names
    )


def imports_first_party(statement: ast.stmt, project: Project) -> bool:
    """Whether a statement imports the project's own code by its absolute path."""
    if isinstance(statement, ast.ImportFrom):
        return not statement.level and project.is_first_party(statement.module or "")
    return isinstance(statement, ast.Import) and project.is_first_party(statement.names[0].name)


def is_docstring(statement: ast.stmt) -> bool:
    """Whether a statement is a string, which makes it a docstring where it comes first."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def leaves(statement: ast.stmt) -> bool:
    """Whether control never gets past a statement: raise, or a call of sys.exit and its kin."""
    if isinstance(statement, ast.Raise):
        return True
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return False
    function = statement.value.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return (function.value.id, function.attr) in {("sys", "exit"), ("os", "_exit")}
    return isinstance(function, ast.Name) and function.id in {"exit", "quit"}


def definitions(statement: ast.stmt) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """The functions and classes that a top-level statement defines at module level."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
        else:
            stack += inner_statements(node)


def names_in(node: ast.AST) -> Iterator[str]:
    """The names that stand anywhere in a node."""
    return (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
