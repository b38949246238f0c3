"""Where in a file the imports stand that lead nowhere, and whether importing the file fails for them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from ssot_fix.statements import IMPORT_FAILURES, caught

Pair = tuple[str, str | None]
# The module that an import names, by its dots and what follows them; None if that is none of the project's.
Absolute = Callable[[int, str], str | None]

_SWALLOWING = frozenset({"suppress", "raises", "assertRaises", "assertRaisesRegex", "failUnlessRaises"})
_ENDING = frozenset({"skip", "exit", "_exit", "quit", "abort", "fail", "importorskip"})


@dataclass(frozen=True, slots=True)
class Found:
    """An import of something that is not there.

    `is_certain`: it runs whenever its module is imported, and nothing catches its failure.
    """

    pair: Pair
    line: int
    is_certain: bool


def places(tree: ast.Module, dangling: Collection[Pair], absolute: Absolute) -> Iterator[Found]:
    """The imports of a module that ask for one of some pairs, in the order of their lines."""
    for statement, is_certain in _imports(tree):
        for pair, line in _pairs(statement, absolute):
            if pair in dangling:
                yield Found(pair, line, is_certain)


def _pairs(statement: ast.Import | ast.ImportFrom, absolute: Absolute) -> Iterator[tuple[Pair, int]]:
    for alias in statement.names:
        if isinstance(statement, ast.Import):
            yield (alias.name, None), alias.lineno
        elif (module := absolute(statement.level, statement.module or "")) is not None:
            yield (module, alias.name), alias.lineno


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
