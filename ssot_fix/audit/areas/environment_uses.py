"""Where a file uses environment variables: by `os.environ` and `os.getenv`, or by what may be the accessor."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codemods.isolated_environment import IsolatedEnvironment
from codemods.isolated_environment.accessor import is_scouted
from codemods.isolated_environment.names import SEEDS
from codemods.isolated_environment.options import NAME
from codemods.isolated_environment.uses import Key, argument, find_uses
from codemods.isolated_environment.uses import Use as Direct
from ssot_fix.audit.areas.environment_calls import Call, called_names, calls_of
from ssot_fix.audit.areas.environment_literals import Literals, literals
from ssot_fix.audit.text import Text, enclosing
from ssot_fix.bindings import Module, children
from ssot_fix.engine.suppress import Suppressions, read_suppressions
from ssot_fix.project.names import spans_one
from ssot_fix.project.resolver import Project
from ssot_fix.statements import IMPORT_FAILURES, caught

COMPUTED, ALL = "(computed)", "(all)"
_KINDS = {"store": "set", "delete-several": "delete"}  # as the codemod names them
_DEFAULT_OF = {"get", "setdefault", "pop"}
_LONGEST_DEFAULT = 200
_NOWHERE = Project(Path(), frozenset())
_SCREEN = IsolatedEnvironment().screen
_PATCHING = re.compile(rb"\b(?:setenv|delenv)\b|\bdict\(\s*[\"']os\.environ[\"']")
# Comments so near to a use are kept, since the settings may name some that exempt it.
_NEAR = 10
_LONGEST_COMMENT = 200


@dataclass(frozen=True, slots=True)
class EnvironmentUse:
    """A use of the environment on lines `line` to `last`.

    `subject` is the variable, COMPUTED or ALL; `keys` are all variables that are named literally. `through` is what
    stands there for the environment (`os.getenv`), or the accessor as it was imported, leading dots kept. `function`
    is the one around it. `default` is what a read falls back to, as source; `dropped` says that nobody takes what it
    gives. `aside` tells why a direct use is not held against the file: `fallback` (runs when an import of an accessor
    fails), `suppressed`, `uncertain`, `patch` (a test replaces a variable).
    """

    operation: str
    subject: str
    keys: tuple[str, ...]
    through: str
    direct: bool
    line: int
    last: int
    function: str = ""
    default: str | None = None
    dropped: bool = False
    aside: str = ""


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """What a file has to do with the environment; `comments` are those near direct uses, by line.

    `scouted`: it may define an accessor.
    """

    uses: tuple[EnvironmentUse, ...]
    comments: tuple[tuple[int, str], ...] = ()
    scouted: bool = False


def look(text: Text) -> EnvironmentFacts | None:
    """The uses of the environment in a file, in the order of their lines; None if there are none.

    Raises UnreadableText, Unparseable.
    """
    raw = text.raw
    is_direct, (called, held) = _SCREEN(raw), called_names(text)
    if not is_direct and not called:
        return None
    module = text.module(frozenset().union(SEEDS if is_direct else (), called, held))
    found = find_uses(module, _NOWHERE) if is_direct else []
    calls = list(calls_of(module, called)) if called else []
    keys = [use.name for use in found if use.key is Key.COMPUTED] + [call.key for call in calls]
    named = literals(text, (key for key in keys if key is not None))
    direct = list(_direct(module, found, named))
    patches = list(_patches(text)) if is_direct and _PATCHING.search(raw) else []
    uses = [*direct, *patches, *_through_accessor(module, calls, named)]
    scouted = is_scouted(raw)
    if not uses and not scouted:
        return None
    ordered = sorted(uses, key=lambda use: (use.line, use.last, use.direct, use.operation, use.keys))
    return EnvironmentFacts(tuple(ordered), tuple(_comments_near(text, direct)), scouted)


# Direct uses


def _direct(module: Module, uses: Iterable[Direct], named: Literals) -> Iterator[EnvironmentUse]:
    suppressions = read_suppressions(module, frozenset({NAME}))
    for use in uses:
        if use.key is Key.COMPUTED and use.name is not None:
            keys = _keys(use.name, named)
        else:
            keys = (use.key,) if isinstance(use.key, str) else tuple(_several_keys(module, use))
        yield EnvironmentUse(
            operation=_KINDS.get(use.kind, use.kind),
            subject=_subject(use.name, keys),
            keys=keys,
            through=use.path,
            direct=True,
            line=_line(use.node),
            last=getattr(use.node, "end_lineno", None) or _line(use.node),
            function=enclosing(module, use.node),
            default=default_of(use.node) if use.kind in _DEFAULT_OF else None,
            dropped=isinstance(module.parents.get(use.node), ast.Expr),
            aside=_aside(module, use, suppressions),
        )


def _keys(name: ast.expr, named: Literals) -> tuple[str, ...]:
    """The variables that an expression names; none if they are computed."""
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        return (name.value,)
    return named.get(name, ())


def _subject(name: ast.expr | None, keys: Sequence[str]) -> str:
    """What a use is about: one variable, one of several or one that is computed, or all."""
    if name is None:
        return ALL
    return keys[0] if len(keys) == 1 else COMPUTED


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 1)


def _aside(module: Module, use: Direct, suppressions: Suppressions) -> str:
    # Whoever is handed `os` may do other things with it.
    if use.ambiguous or (use.kind == "indirect" and use.path == "os"):
        return "uncertain"
    if suppressions.covers(module, use.node, NAME):
        return "suppressed"
    return "fallback" if _is_fallback(module, use.node) else ""


def _is_fallback(module: Module, node: ast.AST) -> bool:
    """Whether a node runs only where the import of something that is called like an environment fails."""
    for ancestor in module.ancestors(node):
        if isinstance(ancestor, ast.ExceptHandler) and caught(ancestor) & IMPORT_FAILURES:
            tried = module.parents[ancestor]
            if any(_imports_environment(statement) for statement in getattr(tried, "body", ())):
                return True
    return False


def _imports_environment(statement: ast.stmt) -> bool:
    match statement:
        case ast.ImportFrom(module=origin, names=names):
            return "env" in " ".join((origin or "", *(alias.name for alias in names))).lower()
        case ast.Import(names=names):
            return any("env" in alias.name.lower() for alias in names)
    return False


def _several_keys(module: Module, use: Direct) -> Iterator[str]:
    """The variables that an update or a patch names."""
    if use.kind == "update" and isinstance(use.node, ast.Call):
        yield from _named(use.node.args[:1], use.node.keywords)
    elif use.kind == "patch" and isinstance(call := module.parents[use.root], ast.Call):
        yield from _named(call.args[1:2], call.keywords)


def _named(mappings: Iterable[ast.expr], keywords: Iterable[ast.keyword]) -> Iterator[str]:
    """The keys of literal mappings, and the names of keywords but those of `patch.dict` itself."""
    for keyword in keywords:
        if keyword.arg == "values":
            mappings = [*mappings, keyword.value]
        elif keyword.arg not in {None, "clear"}:
            yield str(keyword.arg)
    for mapping in mappings:
        for key in mapping.keys if isinstance(mapping, ast.Dict) else ():
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value


def default_of(node: ast.AST) -> str | None:
    """What a call of `get` and the like falls back to, as `ast.unparse` spells it; None if there is nothing."""
    if not isinstance(node, ast.Call):
        return None
    default = argument(node, 1, "default")
    return None if default is None else spelled(default)


def spelled(node: ast.expr) -> str:
    """An expression on one line, cut where it is very long."""
    try:
        found = ast.unparse(node)
    except RecursionError:
        return "..."
    return found if len(found) <= _LONGEST_DEFAULT else f"{found[: _LONGEST_DEFAULT - 3]}..."


# What tests replace by name


def _patches(text: Text) -> Iterator[EnvironmentUse]:
    """`patch.dict("os.environ", {...})` and pytest's `monkeypatch.setenv`."""
    for call in text.nodes.get(ast.Call, ()):
        assert isinstance(call, ast.Call)
        match call:
            case ast.Call(func=ast.Attribute(attr="dict"), args=[ast.Constant(value="os.environ"), *rest]):
                keys, through = tuple(_named(rest[:1], call.keywords)), "mock.patch.dict"
                operation = "patch"
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=owner), attr="setenv" | "delenv" as name),
                args=[ast.Constant(value=str(key)), *_],
            ) if "patch" in owner:
                keys, through, operation = (key,), "monkeypatch", "set" if name == "setenv" else "delete"
            case _:
                continue
        subject = keys[0] if len(keys) == 1 else ALL
        last = call.end_lineno or call.lineno
        yield EnvironmentUse(operation, subject, keys, through, True, call.lineno, last, aside="patch")


# Uses of what may be an accessor


def _through_accessor(module: Module, calls: Iterable[Call], named: Literals) -> Iterator[EnvironmentUse]:
    for found in calls:
        keys = _keys(found.key, named) if found.key is not None else ()
        subject = _subject(found.key, keys)
        if found.operation == "update" and isinstance(found.node, ast.Call):
            keys = tuple(_named(found.node.args[:1], ()))
        yield EnvironmentUse(
            operation=found.operation,
            subject=subject,
            keys=keys,
            through=found.target,
            direct=False,
            line=_line(found.node),
            last=getattr(found.node, "end_lineno", None) or _line(found.node),
            function=enclosing(module, found.node),
            default=default_of(found.node) if found.has_default else None,
            dropped=isinstance(module.parents.get(found.node), ast.Expr),
        )


# Comments


def _comments_near(text: Text, uses: Sequence[EnvironmentUse]) -> Iterator[tuple[int, str]]:
    """The comments on the lines around uses; for so few lines, `Text.comments` would walk over the whole tree."""
    source = text.source
    total = len(source.line_starts)
    near = {line for use in uses for line in range(max(1, use.line - _NEAR), min(total, use.last + _NEAR) + 1)}
    lines = sorted(near)
    spans = sorted(_strings_on(text, lines))
    for line in lines:
        start, end = source.line_starts[line - 1], source.line_end(line)
        at = source.body.find(b"#", start, end)
        while at >= 0 and _is_in_one(at, spans):
            at = source.body.find(b"#", at + 1, end)
        if at >= 0:
            yield line, source.body[at:end].decode(errors="replace").rstrip()[:_LONGEST_COMMENT]


def _is_in_one(at: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether an offset is in one of some spans, which are sorted and lie apart."""
    before = bisect_left(spans, (at + 1, 0)) - 1
    return before >= 0 and at < spans[before][1]


def _strings_on(text: Text, lines: Sequence[int]) -> list[tuple[int, int]]:
    """The spans of the strings that lie on some lines, which are sorted."""
    found = []
    stack: list[ast.AST] = list(text.tree.body) if lines else []
    while stack:
        node = stack.pop()
        if isinstance(node, ast.stmt | ast.expr | ast.excepthandler) and not spans_one(node, lines):
            continue
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)):
            last = node.end_lineno or node.lineno
            start = text.source.offset(node.lineno, node.col_offset)
            found.append((start, text.source.offset(last, node.end_col_offset or 0)))
        else:
            stack += children(node)
    return found
