"""Imports that lost their last use: which may go, and how.

Only an import whose last reference this run rewrites is looked at; one that was unused before is not ours.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Sequence
from itertools import groupby

from ssot_fix.bindings import Binding, Module, Reference, Scope
from ssot_fix.edits import Edit
from ssot_fix.statements import IMPORT_ERRORS, blocks, caught

_TYPE_COMMENT = re.compile(rb"#[ \t]*type:")
_NOQA = re.compile(rb"\b(?:noqa\b|pylint:|pyright:|type:)", re.IGNORECASE)


def droppable(
    module: Module, rewritten: Sequence[Reference], taken: frozenset[str]
) -> dict[ast.stmt, list[ast.alias]]:
    """The aliases to take out of each import statement once the references in `rewritten` are gone.

    `taken` are the module's globals that other files take, `*` standing for all.
    """
    gone: dict[ast.stmt, list[ast.alias]] = {}
    for scope, name in _left_without_use(module, rewritten):
        bindings = scope.bindings[name]
        kept = any(_must_stay(module, scope, binding, taken) for binding in bindings)
        if kept or mentioned(module, name):
            continue
        for binding in bindings:
            assert isinstance(binding.node, ast.stmt)
            assert binding.alias is not None
            gone.setdefault(binding.node, []).append(binding.alias)
    return {node: aliases for node, aliases in gone.items() if _block_survives(module, node, aliases, gone)}


def _left_without_use(module: Module, rewritten: Sequence[Reference]) -> list[tuple[Scope, str]]:
    lost = {(module.lookup(r.node.id, r.scope), r.node.id) for r in rewritten}
    leaving = {id(reference) for reference in rewritten}
    remaining = {(module.lookup(r.node.id, r.scope), r.node.id) for r in module.references if id(r) not in leaving}
    found = [(scope, name) for scope, name in lost - remaining if scope is not None]
    return sorted(found, key=lambda item: (getattr(item[0].node, "lineno", 0), item[1]))


def _must_stay(module: Module, scope: Scope, binding: Binding, taken: frozenset[str]) -> bool:
    node, alias, name = binding.node, binding.alias, binding.name
    if binding.kind != "import" or alias is None or (scope.kind not in {"function", "module"}):
        return True
    if alias.asname == alias.name:  # `import os as os` says: re-exported (PEP 484)
        return True
    source = module.source
    # On the statement's last line it is about all of its names, on an alias's about that one.
    ends = ((module.end(node), node.end_lineno), (module.end(alias), alias.end_lineno or 0))  # type: ignore[attr-defined]
    comment = b" ".join(source.body[at : source.line_end(line)].partition(b"#")[2] for at, line in ends)
    if _NOQA.search(comment) or binding.name in module.declared or not _is_inert(binding):
        return True
    if scope.kind == "module":
        return module.is_package or name in taken or "*" in taken or _in_all(module, name)
    return False


def _is_inert(binding: Binding) -> bool:
    """Whether an import is of the standard library, which does nothing that anybody could miss."""
    return (binding.target or ".").partition(".")[0] in sys.stdlib_module_names


def _in_all(module: Module, name: str) -> bool:
    quoted = re.compile(rb"['\"]" + re.escape(name).encode() + rb"['\"]")
    return b"__all__" in module.source.body and quoted.search(module.source.body) is not None


def mentioned(module: Module, name: str) -> bool:
    """Whether code in strings or comments may need a name: eval, string annotations, doctests, type comments."""
    if module.strings_run_as_code:
        return True
    word = re.compile(rb"\b" + re.escape(name).encode() + rb"\b")
    source = module.source
    if any(word.search(source.body, *span) for span in module.parsed.blanked):
        return True
    for line in sorted({source.line_of(match.start()) for match in word.finditer(source.body)}):
        text = source.body[source.line_starts[line - 1] : source.line_end(line)]
        if b">>>" in text or text.lstrip().startswith(b"...") or _TYPE_COMMENT.search(text):
            return True
    return any(_may_be_annotation(module, text) for text in module.strings if _reads(str(text.value), name))


def _reads(text: str, name: str) -> bool:
    """Whether a string is an expression that reads a name."""
    if name not in text:
        return False
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def _may_be_annotation(module: Module, node: ast.AST) -> bool:
    inner = node
    for ancestor in module.ancestors(node):
        match ancestor:
            case ast.AnnAssign(annotation=annotation) if annotation is inner:
                return True
            case ast.AnnAssign(annotation=ast.Name(id="TypeAlias") | ast.Attribute(attr="TypeAlias")):
                return True
            case ast.FunctionDef(returns=returns) | ast.AsyncFunctionDef(returns=returns) if (
                returns is inner or inner in _annotations(ancestor.args)
            ):
                return True
            case ast.Call(func=function) if function is not inner:
                called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                if called in {
                    "cast",
                    "TypeVar",
                    "NewType",
                    "ForwardRef",
                    "TypedDict",
                    "NamedTuple",
                    "TypeAliasType",
                }:
                    return True
            case ast.Subscript(value=ast.Name(id=base) | ast.Attribute(attr=base)):
                # `Optional["os.PathLike"]`, not `settings["os"]`: types are capitalised or builtin containers.
                if base[:1].isupper() or base in {"list", "dict", "set", "tuple", "type", "frozenset"}:
                    return True
            case ast.stmt():
                return False
        inner = ancestor
    return False


def _annotations(arguments: ast.arguments) -> list[ast.expr | None]:
    """The annotations of parameters; what stands in them has the function itself for its parent."""
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [argument.annotation for argument in (*named, arguments.vararg, arguments.kwarg) if argument is not None]


def _block_survives(
    module: Module, node: ast.stmt, aliases: Sequence[ast.alias], gone: dict[ast.stmt, list[ast.alias]]
) -> bool:
    """Whether the block around an import can spare it: something else is left, and it guards no ImportError."""
    if len(aliases) < len(node.names):  # type: ignore[attr-defined]
        return _drop_aliases(module, node, aliases) is not None
    parent = module.parents[node]
    if isinstance(parent, ast.Try) and any(caught(handler) & IMPORT_ERRORS for handler in parent.handlers):
        return False
    if isinstance(parent, ast.Module):
        return not _is_continued(module, node)
    block = next(block for block in blocks(parent) if node in block)
    whole = {stmt for stmt, names in gone.items() if len(names) == len(stmt.names)}  # type: ignore[attr-defined]
    return any(statement not in whole for statement in block) and not _is_continued(module, node)


def _is_continued(module: Module, node: ast.stmt) -> bool:
    """Whether the line above a statement ends in a backslash, which would take in what comes next."""
    above = module.source.body[: module.source.line_starts[node.lineno - 1]]
    return above.rstrip(b"\r\n").endswith(b"\\")


def drop_edits(module: Module, gone: dict[ast.stmt, list[ast.alias]], inserted: Collection[int] = ()) -> list[Edit]:
    """The edits, in `Source.body` offsets, that take aliases out of their statements.

    `inserted` are the offsets at which imports come in; the blank lines there are theirs.
    """
    whole = {node for node, aliases in gone.items() if len(aliases) == len(node.names)}  # type: ignore[attr-defined]
    edits: list[Edit] = []
    done: set[ast.stmt] = set()
    for node, aliases in gone.items():
        if node not in whole:
            edits += _drop_aliases(module, node, aliases) or []
        elif node not in done:
            line = _on_its_line(module, node)
            done.update(line)
            edits += _drop_statements(module, line, whole, inserted)
    return edits


def _on_its_line(module: Module, node: ast.stmt) -> list[ast.stmt]:
    """The statements of a block that share lines with one of them: `a; b; c`."""
    block = next(block for block in blocks(module.parents[node]) if node in block)
    first = last = block.index(node)
    while first and block[first - 1].end_lineno == block[first].lineno:
        first -= 1
    while last + 1 < len(block) and block[last].end_lineno == block[last + 1].lineno:
        last += 1
    return block[first : last + 1]


def _drop_statements(
    module: Module, line: Sequence[ast.stmt], whole: Collection[ast.stmt], inserted: Collection[int]
) -> list[Edit]:
    """Take statements off a line, or the line with them."""
    if all(statement in whole for statement in line):
        return [_drop_line(module, line[0], line[-1], inserted)]
    edits = []
    for going, group in groupby(range(len(line)), lambda index: line[index] in whole):
        run = list(group)
        if going and run[-1] + 1 < len(line):
            edits.append(Edit(module.start(line[run[0]]), module.start(line[run[-1] + 1]), b""))
        elif going:
            edits.append(Edit(module.end(line[run[0] - 1]), module.end(line[run[-1]]), b""))
    return edits


def _drop_line(module: Module, first: ast.stmt, last: ast.stmt, inserted: Collection[int]) -> Edit:
    source = module.source
    line_start, line_end = source.line_starts[first.lineno - 1], source.line_end(last.end_lineno or last.lineno)
    line_start += source.body[line_start : module.start(first)].rfind(b"\x0c") + 1
    if line_end not in inserted:
        line_end = _with_blank_line(module, first, line_start, line_end)
    return Edit(line_start, line_end, b"")


def _with_blank_line(module: Module, node: ast.stmt, start: int, end: int) -> int:
    """The end of a statement's line, or of the blank line below where it would be left doubled."""
    source = module.source
    if not source.body[:start].strip():  # nothing above: no blank lines are to be left there
        return end + len(source.body[end:]) - len(source.body[end:].lstrip(b"\r\n"))
    below = source.line_of(end)
    if end >= len(source.body) or source.body[end : source.line_end(below)].strip():
        return end
    above = source.body[source.line_starts[node.lineno - 2] : start] if node.lineno > 1 else b""
    first_in_block = not isinstance(module.parents[node], ast.Module) and above.rstrip().endswith(b":")
    return source.line_end(below) if not above.strip() or first_in_block else end


def _drop_aliases(module: Module, node: ast.stmt, aliases: Sequence[ast.alias]) -> list[Edit] | None:
    """Take some aliases out of a statement; None if a comment that belongs to others would go with them."""
    lines = [_own_line(module, node, alias) for alias in aliases]
    if all(line is not None for line in lines):
        return [Edit(*line, b"") for line in lines if line is not None]
    names: list[ast.alias] = node.names  # type: ignore[attr-defined]
    edits = []
    for going, group in groupby(range(len(names)), lambda index: names[index] in aliases):
        run = list(group)
        if not going:
            continue
        first, last = run[0], run[-1]
        if last + 1 < len(names):
            start, end = module.start(names[first]), module.start(names[last + 1])
        else:
            start, end = module.end(names[first - 1]), module.end(names[last])
        if b"#" in module.source.body[start:end]:
            return None
        edits.append(Edit(start, end, b""))
    return edits


def _own_line(module: Module, node: ast.stmt, alias: ast.alias) -> tuple[int, int] | None:
    """The whole line, comment included, of an alias that stands alone on it between parentheses."""
    source = module.source
    start, end = source.line_starts[alias.lineno - 1], source.line_end(alias.end_lineno or alias.lineno)
    alone = alias.lineno > node.lineno and not source.body[start : module.start(alias)].strip()
    rest = re.match(rb"[ \t]*,?[ \t]*(?:#|\r|\n)", source.body[module.end(alias) : end])
    return (start, end) if alone and rest else None
