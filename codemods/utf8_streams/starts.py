"""Where programs start in a module: the blocks whose first lines give the streams their encoding."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from codemods.utf8_streams.survey import is_start
from ssot_fix.bindings import Module
from ssot_fix.statements import blocks

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
# What a module's own statements may do before the program starts.
_PREPARING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a program starts. `kind` is `main-block`, `console-script` or `main-module`.

    `node` is what the finding points at, `owner` the node that holds `block`, `index` where in it the lines go:
    behind the docstring and what has to come first. `name` is the function's, of a console script.
    """

    kind: str
    node: ast.AST
    owner: ast.AST
    block: list[ast.stmt]
    index: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class NoStart:
    """A start that is no plain block: where, and the reason."""

    node: ast.AST
    reason: str
    message: str


def find_starts(module: Module, scripts: Iterable[str]) -> list[Start | NoStart]:
    """The starts of a module; `scripts` are the attributes of it that console scripts name. Functions come first."""
    found: list[Start | NoStart] = []
    for attribute in sorted(scripts):
        found += _of_script(module, attribute)
    guards = list(_guards(module.tree.body))
    for node in guards:
        if _has_or(node.test):
            found.append(NoStart(node.test, "unclear-start", "the condition may hold at import, too"))
        else:
            found.append(Start("main-block", node.test, node, node.body, _first_free(node.body)))
    if posixpath.basename(module.path) == "__main__.py" and not guards and module.tree.body:
        found += _of_main_module(module)
    return found


def _guards(body: list[ast.stmt]) -> Iterator[ast.If]:
    for statement in body:
        if isinstance(statement, ast.If) and (is_start(statement) or _has_start_or(statement)):
            yield statement
        elif isinstance(statement, ast.If | ast.Try | ast.With):
            for block in blocks(statement):
                yield from _guards(block)


def _has_start_or(node: ast.If) -> bool:
    match node.test:
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(is_start(ast.If(test=value, body=[], orelse=[])) for value in values)
    return False


def _has_or(test: ast.expr) -> bool:
    return isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or)


def _of_script(module: Module, attribute: str) -> Iterator[Start | NoStart]:
    """The function behind an attribute, `main` or `Program.main`; nothing if the module doesn't bind it."""
    block, bound, around = module.tree.body, list[ast.stmt](), list[ast.stmt]()
    for part in attribute.split("."):
        bound, around = [statement for statement in _flat(block) if part in _names_bound(statement)], bound
        if len(bound) != 1:
            break
        block = bound[0].body if isinstance(bound[0], ast.ClassDef) else []
    if not bound and not around:
        return
    node = (bound or around)[0]
    if len(bound) != 1 or not isinstance(node, ast.FunctionDef):
        if not all(isinstance(each, ast.Import | ast.ImportFrom) for each in bound or around):
            yield NoStart(
                node, "not-a-function", f"a console script starts at `{attribute}`, which is no plain function"
            )
        return
    yield Start("console-script", node, node, node.body, _first_free(node.body), attribute)


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a block and of the compound ones in it that open no scope."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With | ast.While | ast.For):
            for block in blocks(statement):
                yield from _flat(block)
            for handler in getattr(statement, "handlers", ()):
                yield from _flat(handler.body)


def _names_bound(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            each = (e for t in targets for e in (t.elts if isinstance(t, ast.Tuple | ast.List) else [t]))
            return {target.id for target in each if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {alias.asname or alias.name.partition(".")[0] for alias in names}
    return set()


def _first_free(block: list[ast.stmt]) -> int:
    """The index behind a block's docstring, and behind the import of `sys` if imports are what follows up to it."""
    index = int(_is_text(block[0]))
    for end, statement in enumerate(block[index:], start=index + 1):
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            break
        if isinstance(statement, ast.Import) and "sys" in _names_bound(statement):
            return end
    return index


def _is_text(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
    return False


def _of_main_module(module: Module) -> Iterator[Start]:
    """`__main__.py` itself, in front of the first statement that does more than prepare."""
    body = module.tree.body
    for index, statement in enumerate(body):
        if not isinstance(statement, _PREPARING) and not _is_text(statement) and not _is_quiet(statement):
            yield Start("main-module", statement, module.tree, body, index)
            return


def _is_quiet(statement: ast.stmt) -> bool:
    """Whether a statement only binds names, imports, or changes sys.path as scripts do above their imports."""
    return not any(
        isinstance(node, ast.Call) and not _is_preparing(node) for node in ast.walk(statement)
    ) and isinstance(statement, ast.Assign | ast.AnnAssign | ast.If | ast.Try | ast.Expr)


def _is_preparing(call: ast.Call) -> bool:
    """Whether a call has to do with sys.path, or makes a path for it."""
    return re.search(r"\bpath\b|\bPath\b|\bstr\b|\bresolve\b", ast.unparse(call.func)) is not None
