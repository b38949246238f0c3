"""Code inside f-strings: what it prints of itself, where it stands, which quotes are free there."""

from __future__ import annotations

import ast
import re

from ssot_fix.bindings import Module

_DEBUG = re.compile(rb"[\s)]*=(?!=)")
_FORMATTED = tuple(getattr(ast, name) for name in ("JoinedStr", "TemplateStr") if hasattr(ast, name))


def prints_itself(module: Module, node: ast.expr) -> bool:
    """Whether a node stands in `f"{x=}"`, which prints its own source."""
    body = module.source.body
    for start, end in module.parsed.fields:
        if start <= module.start(node) < end and _DEBUG.match(body, end):
            return True
    inner: ast.AST = node
    for ancestor in module.ancestors(node):
        is_value = isinstance(ancestor, ast.FormattedValue) and inner is ancestor.value
        if is_value and _DEBUG.match(body, module.end(inner)):
            return True
        inner = ancestor
    return False


def around(module: Module, node: ast.expr) -> tuple[int, int] | None:
    """The span of the outermost f-string that holds a node; None if none does."""
    found = None
    for ancestor in module.ancestors(node):
        if isinstance(ancestor, _FORMATTED):
            found = (module.start(ancestor), module.end(ancestor))
        elif isinstance(ancestor, ast.stmt):
            break
    lowered = [(s, e) for s, e in module.parsed.strings if s <= module.start(node) < e]
    return min(lowered) if lowered else found


def free_quote(module: Module, node: ast.expr) -> str | None:
    """The quote with which a string may be written inside a node; None if an f-string around it takes both.

    Before Python 3.12 (PEP 701) a string in a field may not use the quotes of the string around it.
    """
    span = around(module, node)
    if span is None:
        return '"'
    inside, string = module.code(node), module.source.body[slice(*span)]
    for quote in (b'"', b"'"):
        # Only the node itself uses these: they are free there.
        if string.count(quote) == inside.count(quote) and b"\\" not in inside:
            return quote.decode()
    return None


def is_where_it_seems(module: Module, node: ast.expr) -> bool:
    """Whether a node's text is what the tree says: inside f-strings old Pythons get positions wrong."""
    if around(module, node) is None:
        return True
    try:
        found = ast.parse(module.code(node).decode().strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return ast.dump(found) == ast.dump(node)
