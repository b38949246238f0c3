"""Statements that have bound a name whenever what follows them runs."""

from __future__ import annotations

import ast

_LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def binds(statement: ast.stmt, name: str) -> bool:
    """Whether a statement has bound a name whenever what follows it runs."""
    match statement:
        case ast.AnnAssign(value=None):
            return False
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            return any(_names(target, name) for target in targets)
        case ast.Import() | ast.ImportFrom():
            return any((alias.asname or alias.name.partition(".")[0]) == name for alias in statement.names)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return statement.name == name
        case ast.With() | ast.AsyncWith():
            targets = [item.optional_vars for item in statement.items if item.optional_vars is not None]
            return any(_names(target, name) for target in targets)
        case ast.If():
            return _if_binds(statement, name)
        case ast.Try() | ast.TryStar():
            tried = block_binds(statement.body, name) or block_binds(statement.orelse, name)
            return block_binds(statement.finalbody, name) or (
                tried and all(block_binds(handler.body, name) for handler in statement.handlers)
            )
    return False


def _if_binds(statement: ast.If, name: str) -> bool:
    while block_binds(statement.body, name):
        match statement.orelse:
            case [ast.If() as following]:  # elif: not by recursion, there may be thousands
                statement = following
            case orelse:
                return block_binds(orelse, name)
    return False


def block_binds(block: list[ast.stmt], name: str) -> bool:
    """Whether a block has bound a name whenever what follows it runs, or leaves for elsewhere."""
    return bool(block) and (isinstance(block[-1], _LEAVING) or any(binds(each, name) for each in block))


def _names(target: ast.expr, name: str) -> bool:
    match target:
        case ast.Name(id=found):
            return found == name
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return any(_names(element, name) for element in elements)
        case ast.Starred(value=value):
            return _names(value, name)
    return False
