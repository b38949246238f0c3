"""Reading syntax that is newer than the running Python.

`ast` knows the syntax of the Python that runs it; LibCST knows newer ones. Where `ast` rejects a text that
LibCST reads, the newer constructs are *lowered*: overwritten by older ones of the same length, so that every
expression inside keeps its line and column and one matcher serves both. An f-string becomes a tuple of its
replacement fields, type parameters become blanks. The lowered text is only ever looked at, never written.
"""

from __future__ import annotations

import ast
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import libcst as cst


_Result = TypeVar("_Result")
Span = tuple[int, int]
_DEEP_STACK = 256 * 1024 * 1024  # bytes of address space, not of memory


class Unparseable(ValueError):
    """Neither parser reads the text; the message says where and what to do."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A module's tree, the parser that accepted it (`ast` or `libcst`), and what lowering took away.

    All spans are half-open, in bytes: `strings` are the strings that were lowered to tuples, `fields` their
    replacement fields, `hidden` the names that type parameters bind, each with the definition that it is bound
    in, `blanked` their lists. `comments` are the comments of a lowered text, which `tokenize` can't read.
    """

    tree: ast.Module
    parser: str
    strings: frozenset[Span] = frozenset()
    fields: tuple[Span, ...] = ()
    hidden: tuple[tuple[str, Span], ...] = ()
    blanked: tuple[Span, ...] = ()
    comments: tuple[tuple[int, str], ...] = ()

    def hides(self, name: str, offset: int) -> bool:
        """Whether a type parameter gives a name another meaning at an offset."""
        return any(name == bound and start <= offset < end for bound, (start, end) in self.hidden)


def parse(text: str, body: bytes) -> Parsed:
    """Parse a text; `body` is the same as UTF-8.

    Raises Unparseable.
    """
    try:
        return Parsed(_ast(text), "ast")
    except RecursionError:
        raise Unparseable("nested too deeply for Python's own parser") from None
    except (SyntaxError, ValueError, MemoryError) as error:
        return _lowered(text, body, _describe(error))


def _ast(text: str) -> ast.Module:
    usual = sys.getrecursionlimit()
    # Python's parser counts three levels per unit of the limit: enough for generated sums of 3,000 terms.
    sys.setrecursionlimit(max(usual, 5_000))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the target's escapes and literals; not ours to print
            return ast.parse(text)
    finally:
        sys.setrecursionlimit(usual)


def _on_a_deep_stack(function: Callable[[], _Result]) -> _Result:
    """Call a function where native recursion has room: LibCST's parser has no limit and would crash."""
    usual = threading.stack_size(_DEEP_STACK)
    try:
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(function).result()
    finally:
        threading.stack_size(usual)


def _describe(error: Exception) -> str:
    if isinstance(error, SyntaxError) and error.lineno:
        return f"line {error.lineno}: {error.msg}"
    return str(error) or "nested too deeply"


@lru_cache(maxsize=2)  # several want the tree of one file, and this takes LibCST a second for some
def _lowered(text: str, body: bytes, complaint: str) -> Parsed:
    # A text with NUL bytes or a nesting that exhausts C stacks is no newer syntax.
    if "\0" in text or "too many nested" in complaint or complaint == "nested too deeply":
        raise Unparseable(complaint)
    import libcst as cst  # noqa: PLC0415  0.2 s that few files need

    try:
        lowering, lowered = _on_a_deep_stack(lambda: _lower(body))
    except (cst.ParserSyntaxError, ValueError, RecursionError):
        raise Unparseable(f"{complaint} (LibCST rejects it too)") from None
    try:
        tree = _ast(lowered)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise Unparseable(f"{complaint}; run ssot-fix under a Python that knows this syntax") from None
    return Parsed(
        tree,
        "libcst",
        frozenset(lowering.strings),
        tuple(lowering.fields),
        tuple(lowering.hidden),
        tuple(lowering.blanked),
        tuple(lowering.comments),
    )


def _lower(body: bytes) -> tuple[_Lowering, str]:
    import libcst as cst  # noqa: PLC0415

    lowering = _Lowering(cst.parse_module(body), body)
    return lowering, lowering.text()


class _Lowering:
    """Overwrites newer constructs in a copy of the text, byte for byte."""

    def __init__(self, module: cst.Module, body: bytes) -> None:
        from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper  # noqa: PLC0415

        wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
        self._spans = wrapper.resolve(ByteSpanPositionProvider)
        self._module = module
        self._body = body
        self._out = bytearray(body)
        self.strings: list[Span] = []
        self.fields: list[Span] = []
        self.hidden: list[tuple[str, Span]] = []
        self.blanked: list[Span] = []
        self.comments: list[tuple[int, str]] = []

    def text(self) -> str:
        import libcst as cst  # noqa: PLC0415

        strings = (cst.FormattedString, cst.TemplatedString)
        for node in _preorder(self._module):
            match node:
                case cst.FormattedString() | cst.TemplatedString():
                    self._tuple(node, [node])
                case cst.ConcatenatedString() if any(isinstance(part, strings) for part in _parts(node)):
                    self._tuple(node, [part for part in _parts(node) if isinstance(part, strings)])
                case cst.Comment():
                    self.comments.append((self._span(node)[0], node.value))
                case cst.FunctionDef(type_parameters=cst.TypeParameters() as parameters):
                    self._type_parameters(parameters, node)
                case cst.ClassDef(type_parameters=cst.TypeParameters() as parameters):
                    self._type_parameters(parameters, node)
                case cst.TypeAlias():
                    start, _ = self._span(node)
                    self._out[start : start + 4] = b"    "
                    if node.type_parameters is not None:
                        self._type_parameters(node.type_parameters, node)
                    self._move(self._span(node.name), start)
                case cst.ExceptHandler(type=cst.Tuple(lpar=[], elements=elements)):
                    self._join(elements)
        return self._out.decode()

    def _span(self, node: cst.CSTNode) -> tuple[int, int]:
        span = self._spans[node]
        return span.start, span.start + span.length

    def _type_parameters(self, parameters: cst.TypeParameters, definition: cst.CSTNode) -> None:
        names = (parameter.param.name.value for parameter in parameters.params)
        self.hidden += [(name, self._span(definition)) for name in names]
        self.blanked.append(self._span(parameters))
        self._blank(*self._span(parameters), continued=True)

    def _blank(self, start: int, end: int, *, continued: bool = False) -> None:
        for at in range(start, end):
            if self._body[at] not in b"\r\n":
                self._out[at] = 0x20
            elif continued and self._out[at - 1] == 0x20:
                self._out[at - 1] = ord("\\")

    def _tuple(self, whole: cst.CSTNode, strings: list[cst.CSTNode]) -> None:
        start, end = self._span(whole)
        if self._out[start] != self._body[start]:
            return  # a part of a concatenation that was lowered as a whole
        self._blank(start, end)
        self._out[start], self._out[end - 1] = b"()"
        self.strings.append((start, end))
        for string in strings:
            for field in _fields(string):
                opening = self._span(field)[0] + 1
                at = opening + len(self._module.code_for_node(field.whitespace_before_expression).encode())
                behind = at + len(self._module.code_for_node(field.expression).encode())
                self._out[at:behind] = self._body[at:behind]
                self.fields.append((at, behind))
                while self._body[behind] in b"\r\n":
                    behind += 1
                self._out[behind] = ord(",")

    def _move(self, span: tuple[int, int], to: int) -> None:
        name = self._body[slice(*span)]
        self._blank(*span)
        self._out[to : to + len(name)] = name

    def _join(self, elements: object) -> None:
        import libcst as cst  # noqa: PLC0415

        for element in elements if isinstance(elements, tuple | list) else ():
            if isinstance(element.comma, cst.Comma):
                at = self._body.index(b",", self._span(element.value)[1])
                self._out[at] = ord("|")


def _preorder(root: cst.CSTNode) -> Iterator[cst.CSTNode]:
    stack: list[cst.CSTNode] = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.children))


def _parts(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The strings of an implicit concatenation, in order."""
    import libcst as cst  # noqa: PLC0415

    parts: list[cst.CSTNode] = []
    while isinstance(node, cst.ConcatenatedString):
        parts.append(node.left)
        node = node.right
    return [*parts, node]


def _fields(string: cst.CSTNode) -> Iterator[cst.FormattedStringExpression | cst.TemplatedStringExpression]:
    """The replacement fields of one string, those in format specs included, nested strings excluded."""
    import libcst as cst  # noqa: PLC0415

    waiting = list(reversed(getattr(string, "parts", ())))
    while waiting:
        part = waiting.pop()
        if isinstance(part, cst.FormattedStringExpression | cst.TemplatedStringExpression):
            yield part
            waiting.extend(reversed(part.format_spec or ()))
