"""Whether a file's calls fit what an import is to lead to: a namesake may want other arguments, or be async."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from codemods.stale_imports.shapes import Parameter, Shape, Signature, shapes
from ssot_fix.bindings import Module, Reference
from ssot_fix.newer_syntax import Unparseable, parse
from ssot_fix.project.resolver import Project
from ssot_fix.source import Source, UnreadableText

# Around a call whose result is used at once, so that it can't be a coroutine.
_USED_AT_ONCE = (ast.Attribute, ast.Subscript, ast.BinOp, ast.Compare, ast.Expr, ast.For, ast.FormattedValue)


def shape_of(project: Project, module: str, name: str) -> Shape | None:
    """The definition that an import leads to; None if it is out of sight."""
    module, name = project.origin(module, name)
    path = project.locate(module)
    if path is None:
        return None
    try:
        source = Source(project.read(path))
        tree = parse(source.text, source.body).tree
    except (OSError, UnreadableText, Unparseable):
        return None
    return shapes(tree, {name}, project.absolute(path, 1, "")).get(name)


def misuse(module: Module, uses: Iterable[Reference], shape: Shape) -> str | None:
    """Why a use of a name does not fit a definition, as a part of a sentence; None if nothing is known against it."""
    for use in uses:
        call = module.parents.get(use.node)
        if not isinstance(call, ast.Call) or call.func is not use.node or shape.several:
            continue
        around = module.parents.get(call)
        signature = shape.signature
        if signature is None or signature.decorators or shape.decorators:
            continue
        if shape.kind == "def" and isinstance(around, ast.Await):
            return f"line {call.lineno} awaits it, and it is not async"
        if shape.kind == "async def" and isinstance(around, _USED_AT_ONCE):
            return f"line {call.lineno} does not await it, and it is async"
        if (why := _unfit(call, signature)) is not None:
            return f"line {call.lineno} {why}"
    return None


def _unfit(call: ast.Call, signature: Signature) -> str | None:
    """Why a call's arguments don't fit; those that are unpacked may be anything."""
    parameters = signature.parameters
    kinds = {parameter.kind for parameter in parameters}
    positional = [p for p in parameters if p.kind in ("positional-only", "positional")]
    unpacked = any(isinstance(argument, ast.Starred) for argument in call.args)
    keywords = {keyword.arg for keyword in call.keywords}
    if not unpacked and len(call.args) > len(positional) and "*" not in kinds:
        return f"gives it {len(call.args)} arguments in a row, and it takes {len(positional)}"
    named = {p.name for p in parameters if p.kind in ("positional", "keyword-only")}
    if "**" not in kinds and (unknown := sorted(name for name in keywords if name is not None and name not in named)):
        return f"gives it `{unknown[0]}`, which it does not take"
    if unpacked or None in keywords:
        return None
    return _left_out(positional[len(call.args) :], parameters, keywords)


def _left_out(rest: list[Parameter], parameters: Iterable[Parameter], keywords: set[str | None]) -> str | None:
    wanted = [*rest, *(p for p in parameters if p.kind == "keyword-only")]
    missing = next((p for p in wanted if p.required and p.name not in keywords), None)
    return f"does not give it `{missing.name}`, which it requires" if missing else None
