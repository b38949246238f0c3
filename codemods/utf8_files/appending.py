"""Adding a keyword argument to a call, in the layout that the call has."""

from __future__ import annotations

import ast
import re

from ssot_fix.bindings import Module
from ssot_fix.edits import Edit

# What may stand between an argument and what follows it.
_GAP = re.compile(rb"(?:[ \t\f\r\n]|\\\r?\n|\\\r|#[^\r\n]*)*")


def append_keyword(module: Module, call: ast.Call, text: str) -> list[Edit] | None:
    """The edits, in `Source.body` offsets, that make `text` (`name=value`) a call's last argument.

    None if the call is written in a way that can't be told for sure.
    """
    body, end = module.source.body, module.end(call)
    if body[end - 1 : end] != b")":
        return None
    arguments = [*call.args, *call.keywords]
    if not arguments:
        return _first(module, call, text)
    last = max(arguments, key=module.end)
    if isinstance(last, ast.GeneratorExp) and module.end(last) == end:
        # The call's own parentheses become the generator's; both are needed once there are two arguments.
        start = module.start(last)
        return [Edit(start, start, b"("), Edit(end, end, f", {text})".encode())]
    behind = _behind(body, module.end(last), end - 1)
    if behind is None:
        return None
    if _has_own_line(body, module.start(last)) and (edits := _on_own_line(module, call, last, behind, text)):
        return edits
    return [Edit(behind[0], behind[0], f", {text}".encode())]


def _first(module: Module, call: ast.Call, text: str) -> list[Edit] | None:
    """Into empty parentheses, in front of a comment that stands there."""
    body, at, end = module.source.body, module.end(call.func), module.end(call)
    while at < end:
        at = _GAP.match(body, at, end).end()  # type: ignore[union-attr]
        if body[at : at + 1] == b"(":
            inside = body[at + 1 : end - 1]
            return [Edit(at + 1, end - 1 if not inside.strip() else at + 1, text.encode())]
        if body[at : at + 1] != b")":
            return None
        at += 1
    return None


def _behind(body: bytes, at: int, end: int) -> tuple[int, int | None] | None:
    """Where the last argument ends with the parentheses around it, and where a comma stands behind it, if one does."""
    close, comma = at, None
    while (at := _GAP.match(body, at, end).end()) < end:  # type: ignore[union-attr]
        sign = body[at : at + 1]
        if sign == b")" and comma is None:
            close = at + 1
        elif sign == b"," and comma is None:
            comma = at
        else:
            return None
        at += 1
    return close, comma


def _has_own_line(body: bytes, start: int) -> bool:
    line = max(body.rfind(b"\n", 0, start), body.rfind(b"\r", 0, start)) + 1
    return line > 0 and not body[line:start].strip(b" \t\f(")


def _on_own_line(
    module: Module, call: ast.Call, last: ast.AST, behind: tuple[int, int | None], text: str
) -> list[Edit] | None:
    """Below an argument that stands alone on its line or lines; None if something follows it there."""
    source, (at, comma), end = module.source, behind, module.end(call) - 1
    after = at if comma is None else comma + 1
    line_end = source.line_end(source.line_of(after))
    rest = source.body[after : min(line_end, end)].strip()
    if line_end > end or (rest and not rest.startswith(b"#")):
        return None
    start = source.line_starts[source.line_of(module.start(last)) - 1]
    indent = source.body[start : module.start(last)].partition(b"(")[0].decode()
    newline = source.newline_near(line_end - 1)
    if comma is not None:
        return [Edit(line_end, line_end, f"{indent}{text},{newline}".encode())]
    # Black sets a comma behind the last of several lines, and none behind a single argument.
    last_comma = "," if len(call.args) + len(call.keywords) == 1 else ""
    return [Edit(at, at, b","), Edit(line_end, line_end, f"{indent}{text}{last_comma}{newline}".encode())]
