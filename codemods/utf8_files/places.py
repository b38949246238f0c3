"""Where a use of a name stands: what is around it, and which loops bring it back."""

from __future__ import annotations

import ast
from functools import cached_property

from codemods.utf8_files.views import View
from ssot_fix.statements import blocks

Position = tuple[int, int]

LOOPS = (ast.For, ast.AsyncFor, ast.While)
_FRAMES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Use:
    """A use of a name, with what stands around it."""

    def __init__(self, view: View, node: ast.Name) -> None:
        self.node = node
        self.path: dict[ast.AST, ast.AST] = {}  # from each node around it to the one inside that it is in
        self.position = start(node)
        self.horizon = end(node)  # where the expression ends that it is in
        self.frame: ast.AST | None = None
        inner: ast.AST = node
        for ancestor in view.module.ancestors(node):
            self.path[ancestor] = inner
            if isinstance(ancestor, ast.JoinedStr):
                self.position = start(ancestor)  # before Python 3.12 positions inside can be wrong
            if isinstance(ancestor, ast.expr) and self.frame is None:
                self.horizon = max(self.horizon, end(ancestor))
            if self.frame is None and is_frame_of(ancestor, inner):
                self.frame = ancestor
            inner = ancestor

    @cached_property
    def loops(self) -> list[ast.stmt]:
        """The loops of the frame that the use runs in again and again, inside out."""
        found: list[ast.stmt] = []
        for ancestor in self.path:
            if ancestor is self.frame:
                break
            if isinstance(ancestor, LOOPS) and (self.is_in(ancestor.body) or self.path[ancestor] is _test(ancestor)):
                found.append(ancestor)
        return found

    def is_in(self, block: list[ast.stmt]) -> bool:
        """Whether the use stands in a block of a statement around it."""
        return bool(block) and start(block[0]) <= self.position <= end(block[-1])


def start(node: ast.AST) -> Position:
    """Where a node starts."""
    return node.lineno, node.col_offset  # type: ignore[attr-defined]


def end(node: ast.AST) -> Position:
    """Where a node ends."""
    return node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]


def is_frame_of(node: ast.AST, inner: ast.AST) -> bool:
    """Whether a node is a function or class whose body holds one that stands in it; defaults and bases are outside."""
    if isinstance(node, ast.Lambda):
        return inner is node.body
    return isinstance(node, _FRAMES) and isinstance(inner, ast.stmt)


def _test(loop: ast.AST) -> ast.AST | None:
    return loop.test if isinstance(loop, ast.While) else None


def follows(parent: ast.AST, node: ast.AST, inner: ast.AST) -> bool:
    """Whether a node stands behind another one in the same block."""
    if not isinstance(inner, ast.stmt) or start(inner) < end(node):
        return False
    for block in blocks(parent):
        if block and start(block[0]) <= start(node) <= start(block[-1]):
            return start(inner) <= start(block[-1])
    return False
