"""Writing lines into a block in front of a statement, in the layout that the block has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from codemods.utf8_streams.reasons import Refused
from codemods.utf8_streams.starts import Start
from ssot_fix.bindings import Module
from ssot_fix.edits import Edit
from ssot_fix.source import NEWLINE

_GAP = re.compile(rb"(?:[ \t\f\r\n]|\\\r?\n|\\\r|#[^\r\n]*)*")
# What may stand between the last node of a header and its colon.
_BEFORE_COLON = b")],/*"


def insert_lines(module: Module, start: Start, lines: Sequence[str]) -> Edit:
    """The edit, in `Source.body` offsets, that puts lines into a start's block.

    Each line begins with one tab for each level below the block. Raises Refused (`odd-layout`) if the block is
    written in a way in which that can't be done for sure.
    """
    edit = _insertion(module, start, lines)
    if edit is None:
        raise Refused("odd-layout", "the block is written in a way in which no line can be added for sure")
    return edit


def block_unit(module: Module, indent: str) -> str:
    """What one level of indentation is in a file, for code that is indented so."""
    found = list(_indents(module))
    if indent:
        found = [each for each in found if each[-1] == indent[-1]]
    return min(found, key=len) if found else ("\t" if indent.endswith("\t") else "    ")


def _indents(module: Module) -> Iterator[str]:
    """The indentations of lines that follow one that ends in a colon."""
    opens = False
    for line in NEWLINE.split(module.source.body):
        code = line.partition(b"#")[0].rstrip()
        if not code:
            continue
        indent = code[: len(code) - len(code.lstrip())].decode()
        if opens and indent and not indent.strip(" \t"):
            yield indent
        opens = code.endswith(b":")


def _insertion(module: Module, start: Start, lines: Sequence[str]) -> Edit | None:
    if start.index >= len(start.block):
        return _behind_last(module, start, lines)
    statement = start.block[start.index]
    begin = _begin(module, statement)
    line_start = module.source.line_starts[module.source.line_of(begin) - 1]
    indent = module.source.body[line_start:begin]
    if b"\f" in indent.lstrip(b"\f"):
        return None  # a form feed inside the indentation starts the count of columns anew
    if not indent.strip(b" \t\f"):
        return _above(module, start, lines, indent.lstrip(b"\f").decode())
    if start.index == 0 and not isinstance(start.owner, ast.Module):
        return _into_one_line(module, start, lines)
    return None


def _begin(module: Module, statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", ())
    if not decorators:
        return module.start(statement)
    return module.source.body.rfind(b"@", 0, module.start(decorators[0]))


def _above(module: Module, start: Start, lines: Sequence[str], indent: str) -> Edit | None:
    """On lines of their own, above the statement and the comments that belong to it."""
    source = module.source
    line = source.line_of(_begin(module, start.block[start.index]))
    top = _top(module, start, line)
    while line > top and _is_comment(module, line - 1):
        line -= 1
    if line < top or source.body[: source.line_starts[line - 1]].rstrip(b"\r\n").endswith(b"\\"):
        return None
    at = source.line_starts[line - 1]
    newline = source.newline_near(max(at - 1, 0))
    gap = newline if isinstance(start.owner, ast.Module) else ""
    return Edit(at, at, (_text(lines, indent, _unit(module, start, indent), newline) + newline + gap).encode())


def _top(module: Module, start: Start, line: int) -> int:
    """The first line that is free below what has to stay above; at the head of a file, that of the statement."""
    source = module.source
    if start.index:
        return source.line_of(max(module.end(start.block[start.index - 1]) - 1, 0)) + 1
    colon = None if isinstance(start.owner, ast.Module) else _colon(module, start)
    return line if colon is None else source.line_of(colon) + 1


def _is_comment(module: Module, line: int) -> bool:
    source = module.source
    return source.body[source.line_starts[line - 1] : source.line_end(line)].lstrip().startswith(b"#")


def _into_one_line(module: Module, start: Start, lines: Sequence[str]) -> Edit | None:
    """`if x: y` becomes a block."""
    source, colon = module.source, _colon(module, start)
    begin = module.start(start.block[0])
    if colon is None or source.body[colon + 1 : begin].strip(b" \t"):
        return None
    line_start = source.line_starts[source.line_of(module.start(start.owner)) - 1]
    outer = source.body[line_start : module.start(start.owner)]
    if outer.strip(b" \t\f"):
        return None
    newline = source.newline_near(begin)
    shown = outer.lstrip(b"\f").decode()
    unit = block_unit(module, shown)
    indent = shown + unit
    return Edit(colon + 1, begin, f"{newline}{_text(lines, indent, unit, newline)}{newline}{indent}".encode())


def _behind_last(module: Module, start: Start, lines: Sequence[str]) -> Edit | None:
    """Below a docstring that is all there is."""
    source, last = module.source, start.block[-1]
    line_start = source.line_starts[last.lineno - 1]
    indent = source.body[line_start : module.start(last)]
    at = source.line_end(last.end_lineno or last.lineno)
    rest = source.body[module.end(last) : at].strip()
    if indent.strip(b" \t\f") or (rest and not rest.startswith(b"#")):
        return None
    newline = source.newline_near(module.end(last) - 1)
    lead = "" if source.body[:at].endswith((b"\n", b"\r")) else newline
    shown = indent.lstrip(b"\f").decode()
    text = _text(lines, shown, _unit(module, start, shown), newline)
    return Edit(at, at, (lead + text + ("" if lead else newline)).encode())


def _colon(module: Module, start: Start) -> int | None:
    """The offset of the colon that ends the header of a block."""
    body, at = module.source.body, _header_end(module, start.owner)
    limit = module.start(start.block[0])
    while at < limit:
        at = _GAP.match(body, at, limit).end()  # type: ignore[union-attr]
        if body[at : at + 1] == b":":
            return at
        if body[at : at + 1] not in [bytes([sign]) for sign in _BEFORE_COLON]:
            return None
        at += 1
    return None


def _header_end(module: Module, owner: ast.AST) -> int:
    """The end of the last node of a header, or of the opening parenthesis of a function without parameters."""
    if isinstance(owner, ast.If):
        return module.end(owner.test)
    assert isinstance(owner, ast.FunctionDef)
    arguments = owner.args
    nodes: list[ast.AST | None] = [owner.returns, *arguments.defaults, *arguments.kw_defaults]
    nodes += [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    ends = [module.end(node) for node in nodes if node is not None]
    parameters = [module.end(node) for node in getattr(owner, "type_params", ())]
    if ends:
        return max(ends)
    opening = module.source.body.find(b"(", max([module.start(owner), *parameters]))
    return opening + 1


def _unit(module: Module, start: Start, indent: str) -> str:
    """What one more level of indentation is in a block that is indented so."""
    if isinstance(start.owner, ast.Module):
        return block_unit(module, "")
    line_start = module.source.line_starts[module.source.line_of(module.start(start.owner)) - 1]
    outer = module.source.body[line_start : module.start(start.owner)].decode().lstrip("\f")
    within = indent.startswith(outer) and indent != outer
    return indent.removeprefix(outer) if within else block_unit(module, indent)


def _text(lines: Sequence[str], indent: str, unit: str, newline: str) -> str:
    return newline.join(indent + line.replace("\t", unit) for line in lines)
