"""Where in a file its imports stand, and whether importing the file fails with them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from ssot_fix.audit.text import Text
from ssot_fix.statements import IMPORT_FAILURES, caught

AREA = "import-places"  # what is told of files only where it is asked for


class Asked(NamedTuple):
    """An import of one name: leading dots, module, the name (None: the module itself), line.

    `is_certain`: it runs whenever its module is imported, and nothing catches its failure.
    """

    level: int
    module: str
    name: str | None
    line: int
    is_certain: bool


_SWALLOWING = frozenset({"suppress", "raises", "assertRaises", "assertRaisesRegex", "failUnlessRaises"})
_ENDING = frozenset({"skip", "exit", "_exit", "quit", "abort", "fail", "importorskip"})


def look_places(text: Text) -> tuple[Asked, ...] | None:
    """All imports of a file, in order. Parses it: only for files in which imports lead nowhere."""
    return tuple(_asked(text.tree)) or None


def _asked(tree: ast.Module) -> Iterator[Asked]:
    for statement, is_certain in _imports(tree):
        for alias in statement.names:
            if isinstance(statement, ast.Import):
                yield Asked(0, alias.name, None, alias.lineno, is_certain)
            else:
                yield Asked(statement.level, statement.module or "", alias.name, alias.lineno, is_certain)


def _imports(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """The imports of a module, in order, and whether each is sure to run, and to fail, when that is imported."""
    waiting: list[tuple[ast.AST, bool]] = _block(tree.body, is_certain=True)
    while waiting:
        node, is_certain = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, is_certain
        else:
            waiting += _inside(node, is_certain)


def _block(body: list[ast.stmt], *, is_certain: bool) -> list[tuple[ast.AST, bool]]:
    """The statements of a block, the last one first; what follows one that ends everything may not run."""
    found: list[tuple[ast.AST, bool]] = []
    for statement in body:
        found.append((statement, is_certain))
        is_certain = is_certain and not _ends(statement)
    return found[::-1]


def _inside(node: ast.AST, is_certain: bool) -> list[tuple[ast.AST, bool]]:
    match node:
        case ast.ClassDef(body=body):
            return _block(body, is_certain=is_certain)
        case ast.With(body=body):
            return _block(body, is_certain=is_certain and not any(map(_swallows, node.items)))
        case ast.Try(body=body) | ast.TryStar(body=body):
            return [
                *_block(node.finalbody, is_certain=is_certain),
                *((each, False) for each in reversed([*node.handlers, *node.orelse])),
                *_block(body, is_certain=is_certain and not _is_caught(node)),
            ]
        case ast.stmt() | ast.ExceptHandler() | ast.match_case():  # of which it is not known whether they run
            parts = ("body", "handlers", "orelse", "finalbody", "cases")
            return [(each, False) for each in reversed([each for part in parts for each in getattr(node, part, ())])]
    return []


def _is_caught(tried: ast.Try | ast.TryStar) -> bool:
    """Whether a failing import is caught for good: not by a handler that raises in the end, but for a skipped test."""
    handlers = [handler for handler in tried.handlers if caught(handler) & IMPORT_FAILURES]
    return any(not (isinstance(last := handler.body[-1], ast.Raise) and not _is_skip(last)) for handler in handlers)


def _is_skip(raised: ast.Raise) -> bool:
    return raised.exc is not None and "Skip" in ast.unparse(raised.exc)


def _swallows(item: ast.withitem) -> bool:
    """Whether a context manager may end what an exception has begun; of unknown ones that is not to be expected."""
    call = item.context_expr
    function = call.func if isinstance(call, ast.Call) else call
    return (function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")) in _SWALLOWING


def _ends(statement: ast.stmt) -> bool:
    """Whether what follows a statement may never run: `raise`, `sys.exit()`, `pytest.skip()`."""
    if isinstance(statement, ast.Raise | ast.Return | ast.Break | ast.Continue):
        return True
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function = statement.value.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        return name in _ENDING
    return False
