"""What a program does first: give its streams an encoding, or write."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final

from codemods.utf8_streams.survey import gives_encoding, is_start
from ssot_fix.bindings import Module, children
from ssot_fix.callees import uses
from ssot_fix.project.resolver import Project
from ssot_fix.statements import inner_statements

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

# What writes to a standard stream when it is called.
_WRITING: Final = frozenset(
    {"builtins.print", "builtins.input", "click.echo", "click.secho", "typer.echo", "typer.secho", "rich.print"}
    | {"pprint.pprint", "pprint.pp", "rich.inspect", "rich.print_json", "traceback.print_exc"}
    | {f"sys.{stream}.{method}" for stream in ("stdout", "stderr") for method in ("write", "writelines")}
    | {f"logging.{level}" for level in ("debug", "info", "warning", "error", "critical", "exception", "log")}
)
# What makes a program one that writes, sooner or later.
_PROMISING: Final = frozenset(
    {"logging.basicConfig", "logging.StreamHandler", "argparse.ArgumentParser", "optparse.OptionParser"}
    | {"click.command", "click.group", "typer.Typer", "typer.run", "rich.console.Console", "rich.progress.Progress"}
)
# The names through which these are reached.
SEEDS: Final = frozenset(
    {part for path in _WRITING | _PROMISING for part in path.split(".")[:2]} - {"builtins", "run", "log", "print_exc"}
    | {"print_exc", "console", "progress", "Console", "Progress"}
)
_PARSES = frozenset({"parse_args", "parse_known_args"})
_LOGS = frozenset({"debug", "info", "warning", "error", "critical", "exception"})
_DEEP = 12
# `print` and the streams, handed on: partial(print, flush=True), out = sys.stdout.
_HANDS_ON = re.compile(rb"\b(?:partial|map)\(\s*print\b|=\s*sys\.std(?:out|err)\b(?!\s*[.=])")
# Conditions under which streams are given an encoding where they need one.
_ABOUT_STREAMS = re.compile(r"platform|\bos\.name\b|win|hasattr|getattr|encoding|stdout|isatty")


@dataclass(frozen=True, slots=True)
class _Index:
    """What a tree's statements are: imports, and by name functions and methods; an `__init__` by that of its class."""

    imports: list[ast.Import | ast.ImportFrom]
    functions: dict[str, list[FunctionNode]]
    methods: dict[str, list[FunctionNode]]


def _indexed(tree: ast.Module) -> _Index:
    """One walk over the statements of a tree, from the last to the first."""
    index = _Index([], {}, {})
    waiting: list[tuple[ast.AST, dict[str, list[FunctionNode]]]] = [(node, index.functions) for node in tree.body]
    while waiting:
        node, holder = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            index.imports.append(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            holder.setdefault(node.name, []).append(node)
            holder = {}  # what is defined in it is called in it, and nowhere else
        elif isinstance(node, ast.ClassDef):
            makers = (s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == "__init__")
            holder.setdefault(node.name, []).extend(makers)
            holder = index.methods
        waiting += [(child, holder) for child in inner_statements(node)]
    return index


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls in a tree; their order does not matter."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            yield node
        waiting += children(node)


class Event(Enum):
    """What happens first."""

    CONFIGURES = "configures"
    WRITES = "writes"


class Flow:
    """Follows the calls of one module, as far as its own functions and what is known of other files go.

    `configuring` tells of functions of other files, by path and name, whether they give streams their encoding;
    `starts` are the names of this module's functions that get the lines themselves, as they become known.
    """

    def __init__(self, module: Module, project: Project, configuring: Callable[[str, str], bool]) -> None:
        self._module = module
        self._project = project
        self._configuring = configuring
        self.starts: set[str] = set()
        self._known: dict[tuple[FunctionNode, int], Event | None] = {}
        self._paths = {use.call: use.path for use in uses(module, project) if use.call is not None}

    def first(self, statements: Iterable[ast.AST]) -> Event | None:
        """What the statements do first, in the order of the source; None if neither is seen."""
        return self._first(statements, frozenset())

    def configures_at_import(self, until: ast.AST | None = None) -> bool:
        """Whether the module's own statements, up to one of them, give a stream its encoding."""
        first = self._first_at_import
        body = self._module.tree.body
        return first is not None and (until not in body[: first + 1])

    @cached_property
    def _first_at_import(self) -> int | None:
        """The index of the first of the module's own statements that gives a stream its encoding."""
        for index, statement in enumerate(self._module.tree.body):
            if Event.CONFIGURES in self._events([statement], frozenset()):
                return index
        return None

    @cached_property
    def writes(self) -> bool:
        """Whether anything in the module writes text."""
        if _HANDS_ON.search(self._module.source.body):
            return True
        if any(path in _PROMISING or self._is_output(call) for call, path in self._paths.items()):
            return True
        source = self._module.source
        may_parse = not source.is_ascii or any(name.encode() in source.body for name in _PARSES)
        return may_parse and any(self._is_output(call) for call in self._calls)

    @cached_property
    def writes_non_ascii(self) -> bool:
        """Whether a literal that something writes holds other characters than ASCII."""
        return any(_holds_non_ascii(call) for call in self._calls if self._may_show(call))

    @cached_property
    def called_files(self) -> frozenset[str]:
        """The other files of the project whose functions the module calls by an imported name."""
        found = (self._locate(call) for call in self._calls)
        return frozenset(place[0] for place in found if place is not None)

    @cached_property
    def _index(self) -> _Index:
        return _indexed(self._module.tree)

    @cached_property
    def _calls(self) -> list[ast.Call]:
        return list(_calls(self._module.tree))

    @cached_property
    def _may_give_encoding(self) -> bool:
        """Whether the text spells what gives a stream its encoding: the method, or the stream that is replaced."""
        source = self._module.source
        return not source.is_ascii or b"stdout" in source.body or b"reconfigure" in source.body

    def _first(self, statements: Iterable[ast.AST], around: frozenset[ast.AST]) -> Event | None:
        return next(self._events(statements, around), None)

    def _events(self, statements: Iterable[ast.AST], around: frozenset[ast.AST]) -> Iterator[Event]:
        """What happens in some statements, in order; `around` are the functions that are being followed."""
        for node in _in_order(statements):
            if isinstance(node, ast.If):
                yield from self._branches(node, around)
            elif self._may_give_encoding and isinstance(node, ast.Call | ast.Assign) and gives_encoding(node):
                yield Event.CONFIGURES
            elif isinstance(node, ast.Call):
                yield from self._call(node, around)

    def _branches(self, node: ast.If, around: frozenset[ast.AST]) -> Iterator[Event]:
        """What an `if` does whichever way it goes; one about the platform or the streams goes the way that matters."""
        yield from self._events([node.test], around)
        ways = {self._first(node.body, around), self._first(node.orelse, around)}
        if Event.WRITES in ways:
            yield Event.WRITES
        elif ways == {Event.CONFIGURES} or (
            Event.CONFIGURES in ways and _ABOUT_STREAMS.search(ast.unparse(node.test))
        ):
            yield Event.CONFIGURES

    def _call(self, call: ast.Call, around: frozenset[ast.AST]) -> Iterator[Event]:
        if self._is_output(call):
            yield Event.WRITES
            return
        name, functions = self._called(call)
        place = self._locate(call)
        if (name in self.starts) or (place is not None and self._configuring(*place)):
            yield Event.CONFIGURES
        elif (event := self._of_functions(functions, around)) is not None:
            yield event

    def _of_functions(self, functions: Sequence[FunctionNode], around: frozenset[ast.AST]) -> Event | None:
        """What a function does first; nothing is known of one of several, or of one that is being followed."""
        if len(functions) != 1 or functions[0] in around or len(around) == _DEEP:
            return None
        function = functions[0]
        key = function, len(self.starts)
        if key not in self._known:
            self._known[key] = self._first(function.body, around | {function})
        return self._known[key]

    def _called(self, call: ast.Call) -> tuple[str, Sequence[FunctionNode]]:
        """The name by which a call may call something of this module, and what of the module that may be."""
        if call in self._paths or self._imported(call) is not None:
            return "", ()
        match call.func:
            case ast.Name(id=name):
                return name, self._index.functions.get(name, ())
            case ast.Attribute(attr=name):
                return name, self._index.methods.get(name, ())
        return "", ()

    def _is_output(self, call: ast.Call) -> bool:
        path = self._paths.get(call)
        if path is None:
            return isinstance(call.func, ast.Attribute) and call.func.attr in _PARSES
        return path in _WRITING and not _goes_elsewhere(call)

    def _may_show(self, call: ast.Call) -> bool:
        path, method = self._paths.get(call), call.func.attr if isinstance(call.func, ast.Attribute) else ""
        return self._is_output(call) or path in _PROMISING or method in {"add_argument", *_LOGS}

    @cached_property
    def _bound(self) -> Mapping[str, str]:
        """What the module's imports bind, at any level: dotted paths by name."""
        found: dict[str, str] = {}
        for node in self._index.imports:
            origin = ""
            if isinstance(node, ast.ImportFrom):
                origin = node.module or ""
                origin = self._project.absolute(self._module.path, node.level, origin) if node.level else origin
            for alias in node.names:
                if origin:
                    found[alias.asname or alias.name] = f"{origin}.{alias.name}"
                else:
                    first = alias.name.partition(".")[0]
                    found[alias.asname or first] = alias.name if alias.asname else first
        return found

    def _imported(self, call: ast.Call) -> str | None:
        """The dotted path of what a call calls, if an import binds it."""
        node, parts = call.func, list[str]()
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self._bound:
            return None
        return ".".join((self._bound[node.id], *reversed(parts)))

    def _locate(self, call: ast.Call) -> tuple[str, str] | None:
        """The file and the name of what a call calls, if that is another module of the project."""
        dotted = self._imported(call)
        if dotted is None:
            return None
        module, _, name = dotted.rpartition(".")
        while module and (path := self._project.locate(module)) is None:
            module, _, name = module.rpartition(".")
        if not module:
            return None
        module, name = self._project.origin(module, name)
        path = self._project.locate(module)
        return (path, name) if path is not None else None


def _in_order(statements: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of some statements as they run: arguments before calls; functions, classes and `if` are not entered.

    Nor is `if __name__ == "__main__":`, which runs in no import.
    """
    stack: list[tuple[ast.AST, bool]] = [(node, False) for node in reversed(list(statements))]
    while stack:
        node, done = stack.pop()
        if done or not isinstance(node, ast.Call | ast.Assign):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda) or is_start(node):
                continue
            yield node
            if isinstance(node, ast.If):
                continue
        if not done:
            if isinstance(node, ast.Call | ast.Assign):
                stack.append((node, True))
            stack.extend((child, False) for child in reversed(children(node)))


def _goes_elsewhere(call: ast.Call) -> bool:
    """Whether a `print` writes to something that is no standard stream."""
    for keyword in call.keywords:
        if keyword.arg == "file":
            return not (isinstance(keyword.value, ast.Attribute) and keyword.value.attr in {"stdout", "stderr"})
    return False


def _holds_non_ascii(call: ast.Call) -> bool:
    return any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and not node.value.isascii()
        for node in ast.walk(call)
    )
