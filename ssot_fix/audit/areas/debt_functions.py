"""Functions that are not there yet: they raise NotImplementedError, or hold nothing but `pass`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ssot_fix.audit.text import Text
from ssot_fix.source import NEWLINE

UNIMPLEMENTED = "NotImplementedError"
EMPTY = "pass-only"
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Scope = _Function | ast.ClassDef

# `pass` or `...` at the end of a line: a literal in front makes the search fast, and a line is gone through once.
_ENDS = tuple(re.compile(word + rb"[ \t]*(?:#[^\n]*)?(?:\n|\Z)") for word in (b"pass", rb"\.\.\."))
# What stands above it where it is no function's: the head of another block, or a statement.
_OTHER_BLOCK = re.compile(rb"(?:class|if|elif|else|for|async for|while|with|async with|try|except|finally|case)\b")
_MAY_HOLD_ALONE = (b":", b'"', b"'")

# Decorators that leave a function what it is; for any other an empty function may be all that it needs (click.group).
_PLAIN = {"staticmethod", "classmethod", "property", "cached_property"}
# Words by which a name or a text says that nothing is what is meant.
_MEANT_NAME = re.compile(
    r"null|no_?op|nop(?![a-z])|dummy|fake|mock|stub|silent|disabled|fallback|nothing|ignore", re.IGNORECASE
)
_MEANT_TEXT = re.compile(
    r"no-?op\b|no op\b|nothing\b|not (?:needed|required|necessary|used)|\bno\b[^.\n]{0,40}\bneed"
    r"|intentional|deliberate|on purpose|ignor|optional|hook|overrid|overload|sub-?class|derived|abstract|compat"
    r"|deprecat|by default|default implementation|implemented by|suppress|silen|unused|already|null object"
    r"|(?:do|does)(?: not|n't)\b|(?:managed|handled) by",
    re.IGNORECASE,
)
# Functions that others call by name and that may be empty: of pytest, unittest, Alembic, importlib, io.
_CALLED_BY_NAME = re.compile(
    r"pytest_\w+|set_?up(?:_\w+)?|tear_?down(?:_\w+)?|(?:setUp|tearDown)\w*|upgrade|downgrade|exec_module|flush"
)
_ABSTRACT_CLASS = re.compile(r"Base|Abstract|Interface|Mixin|Protocol|^I[A-Z][a-z]|ABC|Spec$|Template")
_ABSTRACT_TEXT = re.compile(r"\babstract (?:base )?class|\bbase class|\bsub-?classe[sd]|\bmixin", re.IGNORECASE)
# A raise that says that others implement it, or that this is not meant to be there at all.
_MEANT_RAISE = re.compile(
    r"sub-?class|overrid|derived|abstract|child class|concrete|must (?:be )?implement|should (?:be )?implement"
    r"|implement(?:ed|ing)? (?:in|by|this)\b|not supported|unsupported|(?:does|do)(?: not|n't)\b|not allowed"
    r"|(?:should|must) (?:not|never)\b|never (?:be )?call|never happen|\bcan(?:not|'t) be\b|undefined|unreachable",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a statement stands: the classes and functions around it, outer ones first.

    `is_choice`: it is one of several ways, as in `except ImportError:`, or only seen by a type checker.
    """

    around: tuple[_Scope, ...] = ()
    is_choice: bool = False

    def name(self, own: str) -> str:
        """The dotted name of what is called `own` there."""
        return ".".join([*self.names, own])

    @property
    def names(self) -> list[str]:
        return [scope.name for scope in self.around]

    @property
    def is_in_function(self) -> bool:
        return any(not isinstance(each, ast.ClassDef) for each in self.around)

    @property
    def owner(self) -> ast.ClassDef | None:
        """The class whose method a function there is."""
        above = self.around[-1] if self.around else None
        return above if isinstance(above, ast.ClassDef) else None


def unfinished(text: Text) -> Iterator[tuple[str, int, str]]:
    """Kind, line and dotted name of each function that is not there yet; raises UnreadableText, Unparseable."""
    raises = b"NotImplementedError" in text.raw
    if raises or _may_hold_empty(text.raw):
        yield from _Reader(text).read()


def _may_hold_empty(raw: bytes) -> bool:
    """Whether a file may hold a function without a body, by its lines: most hold `pass` in other blocks only."""
    if b"\r" in raw:
        raw = NEWLINE.sub(b"\n", raw)
    return any(_may_be_body(raw, match.start()) for end in _ENDS for match in end.finditer(raw))


def _may_be_body(raw: bytes, at: int) -> bool:
    """Whether what stands above (or, in one line, before) the `pass` at an offset may be the head of a function."""
    end = at
    while end > 0:
        begin = raw.rfind(b"\n", 0, end) + 1
        line = raw[begin:end].strip()
        if end == at and line.startswith(b"#"):
            return False
        if line and not line.startswith(b"#"):
            code = line.partition(b"#")[0].rstrip() or line
            return code.endswith(_MAY_HOLD_ALONE) and not _OTHER_BLOCK.match(line)
        end = begin - 1
    return False


class _Reader:
    """Walks the definitions of one file, by a list of its own: a tree may be deeper than Python's stack."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._functions: list[tuple[_Function, _Place]] = []
        self._classes: dict[str, ast.ClassDef] = {}
        self._bases: set[str] = set()
        waiting: list[tuple[ast.stmt, _Place]] = [(node, _Place()) for node in reversed(text.tree.body)]
        while waiting:
            node, place = waiting.pop()
            if isinstance(node, _Function):
                self._functions.append((node, place))
            elif isinstance(node, ast.ClassDef):
                self._classes[node.name] = node
                self._bases.update(_base_names(node))
            waiting += _inside(node, place)

    def read(self) -> Iterator[tuple[str, int, str]]:
        for function, place in self._functions:
            if (raised := _raise_of(function)) and not self._is_abstract(function, raised, place):
                yield UNIMPLEMENTED, raised.lineno, place.name(function.name)
            if _is_empty(function) and not self._is_meant(function, place):
                yield EMPTY, function.lineno, place.name(function.name)

    def _is_abstract(self, function: _Function, raised: ast.Raise, place: _Place) -> bool:
        """Whether a raise is how a function says that others are to implement it, or that it is not for use."""
        return (
            place.is_choice
            or place.is_in_function
            or _is_dunder(function)
            or _is_declaration(function)
            or any(map(_MEANT_NAME.search, place.names))
            or (function.returns is not None and _decorator(function.returns) in ("NoReturn", "Never"))
            or bool(_MEANT_RAISE.search(self._said(function, raised)))
            or (place.owner is not None and self._is_for_others(place.owner))
        )

    def _said(self, function: _Function, raised: ast.Raise) -> str:
        """The text of a function that only raises; of another one its docstring, and what it raises with."""
        if _without_docstring(function) == [raised]:
            return self._lines(function)
        arguments = raised.exc.args if isinstance(raised.exc, ast.Call) else ()
        texts = [part.value for each in arguments for part in ast.walk(each) if isinstance(part, ast.Constant)]
        return " ".join([ast.get_docstring(function, clean=False) or "", *map(str, texts)])

    def _is_for_others(self, owner: ast.ClassDef) -> bool:
        """Whether a class is one to inherit from: by its name or its bases, or since another one here does."""
        return owner.name in self._bases or _is_abstract_class(owner)

    def _is_meant(self, function: _Function, place: _Place) -> bool:
        """Whether nothing may be just what a function is to do."""
        return (
            place.is_choice
            or place.is_in_function  # one that is handed on
            or _is_dunder(function)
            or bool(_CALLED_BY_NAME.fullmatch(function.name))
            or any(_decorator(each) not in _PLAIN for each in function.decorator_list)
            or any(map(_MEANT_NAME.search, (function.name, *place.names)))
            or bool(_MEANT_TEXT.search(self._lines(function)))
            or self._may_override(function.name, place.owner)
            or function.name in self._handed_on
        )

    def _lines(self, function: _Function) -> str:
        """The text of a function, with its comments."""
        source = self._text.source
        first = source.line_starts[function.lineno - 1]
        return source.body[first : source.line_end(function.end_lineno or function.lineno)].decode("utf-8", "replace")

    def _may_override(self, name: str, owner: ast.ClassDef | None) -> bool:
        """Whether a method may be there to be overridden, or override one that does something."""
        if owner is None:
            return False
        if self._is_for_others(owner) or owner.keywords:
            return True
        return any(not self._lacks(base, name) for base in owner.bases)

    @cached_property
    def _handed_on(self) -> set[str]:
        """The names of what is used and not called: a function that does nothing may be of use as a value."""
        nodes = self._text.nodes
        called = {id(node.func) for node in nodes.get(ast.Call, ()) if isinstance(node, ast.Call)}
        used = {node.id for node in nodes.get(ast.Name, ()) if isinstance(node, ast.Name) and id(node) not in called}
        attributes = (node for node in nodes.get(ast.Attribute, ()) if isinstance(node, ast.Attribute))
        return used | {node.attr for node in attributes if id(node) not in called}

    def _lacks(self, base: ast.expr, name: str) -> bool:
        """Whether a base is known, with all of its own, and has no such method."""
        seen: set[str] = set()
        waiting = [base]
        while waiting:
            each = waiting.pop()
            if not isinstance(each, ast.Name):
                return False
            if each.id == "object" or each.id in seen:
                continue
            known = self._classes.get(each.id)
            if known is None or known.keywords or any(getattr(node, "name", "") == name for node in known.body):
                return False
            seen.add(each.id)
            waiting += known.bases
        return True


def _inside(node: ast.stmt, place: _Place) -> list[tuple[ast.stmt, _Place]]:
    """The statements in a statement, last ones first, each with its place."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        inner = replace(place, around=(*place.around, node))
        return [(each, inner) for each in reversed(node.body)]
    found = []
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        for each in getattr(node, field, ()):
            inner = place if place.is_in_function else replace(place, is_choice=True)
            if isinstance(each, ast.stmt):
                found.append((each, inner))
            else:  # a handler or a case
                found += [(statement, inner) for statement in each.body]
    return found[::-1]


def _base_names(node: ast.ClassDef) -> Iterator[str]:
    for base in node.bases:
        yield _decorator(base)


def _decorator(node: ast.expr) -> str:
    """The last name of a decorator or a base, without its arguments."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _raise_of(function: _Function) -> ast.Raise | None:
    """Where a function ends by saying that it is not implemented; if it may return before, it only refuses a case."""
    for at, node in enumerate(function.body):
        if isinstance(node, ast.Raise) and node.exc is not None and _decorator(node.exc) == UNIMPLEMENTED:
            before = (each for statement in function.body[:at] for each in ast.walk(statement))
            returns = any(isinstance(each, ast.Return | ast.Yield | ast.YieldFrom) for each in before)
            return None if returns else node
    return None


def _is_dunder(function: _Function) -> bool:
    return function.name.startswith("__") and function.name.endswith("__")


def _is_declaration(function: _Function) -> bool:
    names = map(_decorator, function.decorator_list)
    return any(name.startswith("abstract") or name in ("overload", "hookspec") for name in names)


def _is_abstract_class(owner: ast.ClassDef) -> bool:
    bases = (*_base_names(owner), *(_decorator(each.value) for each in owner.keywords))
    return (
        any(name in ("ABC", "ABCMeta", "Protocol", "Interface") for name in bases)
        or bool(_ABSTRACT_CLASS.search(owner.name))
        or bool(_ABSTRACT_TEXT.search(ast.get_docstring(owner, clean=False) or ""))
        or any(isinstance(each, _Function) and _is_declaration(each) for each in owner.body)
    )


def _without_docstring(function: _Function) -> Sequence[ast.stmt]:
    return function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body


def _is_empty(function: _Function) -> bool:
    """Whether a function holds nothing but `pass` or `...`, docstring aside."""
    body = _without_docstring(function)
    return bool(body) and all(
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...)
        for node in body
    )
