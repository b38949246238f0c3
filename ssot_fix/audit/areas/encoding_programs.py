"""Programs that print other characters than ASCII, and whether they give their streams an encoding."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from codemods.utf8_streams.starts import Start, find_starts
from codemods.utf8_streams.survey import gives_encoding
from ssot_fix.audit.text import followed
from ssot_fix.bindings import Module, children
from ssot_fix.callees import uses
from ssot_fix.project.resolver import Project
from ssot_fix.statements import inner_statements

# What writes its arguments to sys.stdout. sys.stderr is another matter: it escapes what its encoding lacks
# (https://docs.python.org/3/library/sys.html#sys.stderr).
_PRINTS: Final = frozenset(
    {"builtins.print", "builtins.input", "pprint.pprint", "pprint.pp", "sys.stdout.write", "sys.stdout.writelines"}
    | {"click.echo", "click.secho", "typer.echo", "typer.secho"}
)
SEEDS: Final = frozenset({part for path in _PRINTS for part in path.split(".")} - {"builtins", "write", "writelines"})
# What these are called last, and what stands behind where they may print a literal that is not ASCII: a new name, a
# comment, or a call that goes beyond its line, holds a backslash or another character than ASCII, or nests deeply.
_CALLED: Final = (b"print", b"input", b"pp", b"echo", b"write", b"writelines")
_STRINGS: Final = rb"|".join(
    rb"%(q)s(?!%(q)s%(q)s)(?:[^%(q)s\\\n\x80-\xff{}]++|\{[^%(q)s\\\n\x80-\xff{}]*+\}|\{\{|\}\})*+%(q)s" % {b"q": quote}
    for quote in (b'"', b"'")
)
_PLAIN: Final = rb"[^()\"'#\\\n\x80-\xff]++|%s" % _STRINGS
_MAY_PRINT: Final = re.compile(
    rb"\s*+(?:as\b|[#\\)]|\((?!(?:%(plain)s|\((?:%(plain)s|\((?:%(plain)s)*+\))*+\))*+\)))" % {b"plain": _PLAIN}
)
_WRAPS: Final = (b"TextIOWrapper", b"getwriter", b"fileno", b"encoding")
# What may set `sys.stdout`: an assignment, perhaps of several things at once.
_GAP: Final = rb"(?:[\s\\)]++|#[^\r\n]*+[\r\n])*+"
_SETS: Final = re.compile(rb"sys[\w\x80-\xff]*+%(gap)b\.%(gap)bstdout%(gap)b(?:=(?!=)|,)" % {b"gap": _GAP})
_COMMANDS: Final = frozenset({"command", "group", "callback"})
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_MENTIONS: Final = (ast.Name, ast.Attribute)


@dataclass(frozen=True, slots=True)
class Program:
    """A file that is run as a program: the line of its start, the first literal that it prints and that is not ASCII.

    `configures`: it gives its streams an encoding somewhere. If it does not, `relies_on` is what it imports and calls
    that may: dotted paths, relative ones with their dots, what is called with `()`.
    """

    line: int
    literal: str
    literal_line: int
    configures: bool
    relies_on: tuple[str, ...] = ()


def program(module: Module, project: Project) -> Program | None:
    """What a file is as a program; None if it is none, or prints nothing but ASCII as far as is in sight."""
    starts = [start.owner for start in find_starts(module, ()) if isinstance(start, Start)]
    found = {call: first for call in _printing(module, project) if (first := _first_literal(call)) is not None}
    if not (starts and found) or not isinstance(starts[0], ast.If):
        return None
    running = _running(module.tree)
    literals = [found[node] for node in running if isinstance(node, ast.Call) and node in found]
    if not literals:
        return None
    line, literal = min(literals)
    configures = may_configure(module.source.body) and any(map(gives_encoding, running))
    return Program(starts[0].lineno, literal, line, configures, () if configures else _relied_on(running))


def may_print(raw: bytes) -> bool:
    """Whether a file may print a literal that is not ASCII, by its bytes."""
    return any(next(followed(raw, word, _MAY_PRINT), None) is not None for word in _CALLED)


def may_configure(raw: bytes) -> bool:
    """Whether a file may give a standard stream its encoding, by its bytes."""
    if b"reconfigure" in raw:
        return True
    return b"stdout" in raw and any(word in raw for word in _WRAPS) and _SETS.search(raw) is not None


def _relied_on(running: list[ast.AST]) -> tuple[str, ...]:
    """What is imported in some nodes, and what of it is called (with `()`); the standard library aside."""
    imports = [node for node in running if isinstance(node, ast.Import | ast.ImportFrom)]
    bound = dict(_bound(node, alias) for node in imports for alias in node.names)
    paths = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    paths |= set(bound.values())
    for node in running:
        names, called = [], node.func if isinstance(node, ast.Call) else None
        while isinstance(called, ast.Attribute):
            names.append(called.attr)
            called = called.value
        if isinstance(called, ast.Name) and called.id in bound:
            paths.add(".".join((bound[called.id], *reversed(names))) + "()")
    return tuple(sorted(path for path in paths if path.partition(".")[0] not in sys.stdlib_module_names))


def _bound(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> tuple[str, str]:
    """The name that an import binds, and the dotted path that it stands for."""
    if isinstance(node, ast.ImportFrom):
        origin = "." * node.level + (node.module or "")
        return alias.asname or alias.name, f"{origin}{'' if origin.endswith('.') else '.'}{alias.name}"
    first = alias.name.partition(".")[0]
    return (alias.asname, alias.name) if alias.asname else (first, first)


def _printing(module: Module, project: Project) -> Iterator[ast.Call]:
    """The calls that print to sys.stdout."""
    for use in uses(module, project):
        if use.call is not None and use.path in _PRINTS and not use.ambiguous and _to_stdout(use.call):
            yield use.call


def _first_literal(call: ast.Call) -> tuple[int, str] | None:
    """The first literal that a call prints and that is not ASCII, with its line."""
    return min(((line, literal) for line, literal in _printed(call) if not literal.isascii()), default=None)


def _running(tree: ast.Module) -> list[ast.AST]:
    """The nodes that run with the program: those of the module, and of all that is mentioned in what runs.

    A mention is a use of a name, as one or as an attribute: rather too many functions than too few.
    """
    waiting, found = list[ast.AST](tree.body), list[ast.AST]()
    named = _named(tree)
    while waiting:
        node = waiting.pop()
        found.append(node)
        if isinstance(node, _MENTIONS):
            waiting += named.pop(node.id if isinstance(node, ast.Name) else node.attr, ())
        if isinstance(node, _FUNCTIONS):
            waiting += node.decorator_list
            if any(map(_is_command, node.decorator_list)):
                waiting += named.pop(node.name, ())
        else:
            waiting += children(node)
    return found


def _named(tree: ast.Module) -> dict[str, list[ast.AST]]:
    """What runs when something is called that has a name: a function's body, the special methods of a class."""
    found: dict[str, list[ast.AST]] = {}
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        inner = tree.body if node is tree else inner_statements(node)
        waiting += inner
        if isinstance(node, _FUNCTIONS):
            found.setdefault(node.name, []).extend(node.body)
        elif isinstance(node, ast.ClassDef):
            special = [each for each in node.body if isinstance(each, _FUNCTIONS) and each.name.startswith("__")]
            found.setdefault(node.name, []).extend(statement for each in special for statement in each.body)
    return found


def _is_command(decorator: ast.expr) -> bool:
    """Whether a decorator makes a function a command of the program, as those of click and typer do."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr in _COMMANDS


def _to_stdout(call: ast.Call) -> bool:
    """Whether what a call prints goes to sys.stdout."""
    for keyword in call.keywords:
        if keyword.arg in {"file", "stream"}:
            return isinstance(keyword.value, ast.Attribute) and keyword.value.attr == "stdout"
        if keyword.arg == "err":
            return isinstance(keyword.value, ast.Constant) and not keyword.value.value
    return True


def _printed(call: ast.Call) -> Iterator[tuple[int, str]]:
    """The literals whose text a call prints, each with its line: not those that other calls in it get."""
    waiting: list[ast.expr] = [*call.args, *(k.value for k in call.keywords if k.arg in {"sep", "end", "prompt"})]
    while waiting:
        match waiting.pop():
            case ast.Constant(value=str(literal), lineno=line):
                yield line, literal
            case ast.JoinedStr(values=values) | ast.Tuple(elts=values) | ast.List(elts=values):
                waiting += values
            case ast.BoolOp(values=values):
                waiting += values
            case ast.FormattedValue(value=value, conversion=conversion) if conversion != ord("a"):
                waiting.append(value)
            case ast.BinOp(left=left, op=ast.Add() | ast.Mult() | ast.Mod(), right=right):
                waiting += left, right
            case ast.IfExp(body=body, orelse=orelse):
                waiting += body, orelse
            case ast.Call(func=ast.Attribute(value=value, attr="format" | "join" | "ljust" | "rjust" | "center")):
                waiting.append(value)
            case ast.Starred(value=value) | ast.NamedExpr(value=value):
                waiting.append(value)
