"""One file's text as areas look at it: parsed at most once, however many look."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from ssot_fix.bindings import Module, children
from ssot_fix.newer_syntax import Parsed, parse
from ssot_fix.source import Source

# From `import` to the end of the line, of the last one where brackets or backslashes go on with it.
_LISTED = re.compile(rb"import(?:[^\n\\(]++|\\\r?\n|\\|\((?:[^()#]++|#[^\n]*+)*+)*+")


class Text:
    """The bytes of a Python file; what is asked of them is worked out when it is asked for.

    What a file is called plays no part: the same bytes tell the same everywhere, so that they are looked at once.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @cached_property
    def importing(self) -> bytes:
        """The lines that spell `import`, with what they go on with: all imports, and perhaps more."""
        return b"\n".join(self.imports)

    @cached_property
    def imports(self) -> list[bytes]:
        """The same one by one."""
        raw, found, end = self.raw, list[bytes](), 0
        at = raw.find(b"import")
        while at >= 0:
            start = raw.rfind(b"\n", end, at) + 1
            while start > end and raw.endswith((b"\\\n", b"\\\r\n"), end, start):
                start = raw.rfind(b"\n", end, start - 1) + 1
            match = _LISTED.match(raw, at)
            start, end = max(start, end), match.end() if match is not None else at + 1
            found.append(raw[start : end + 1])
            at = raw.find(b"import", end)
        return found

    @cached_property
    def source(self) -> Source:
        """The decoded text.

        Raises UnreadableText.
        """
        return Source(self.raw)

    @cached_property
    def parsed(self) -> Parsed:
        """The tree, and which parser has read it.

        Raises UnreadableText, Unparseable.
        """
        return parse(self.source.text, self.source.body)

    @property
    def tree(self) -> ast.Module:
        """The tree.

        Raises UnreadableText, Unparseable.
        """
        return self.parsed.tree

    @cached_property
    def nodes(self) -> Mapping[type[ast.AST], list[ast.AST]]:
        """All nodes but contexts and operators by type, outer ones first: a walk over the tree that all areas share.

        Raises UnreadableText, Unparseable.
        """
        found = defaultdict[type[ast.AST], list[ast.AST]](list)
        waiting: list[ast.AST] = [self.tree]
        for node in waiting:  # which grows
            found[type(node)].append(node)
            waiting += children(node)
        return dict(found)

    def module(self, seeds: Iterable[str]) -> Module:
        """What some names of interest mean in it. Its own name is not known: relative imports keep their dots.

        Raises UnreadableText, Unparseable.
        """
        return Module("", "", self.source, self.parsed, seeds)

    def comments(self, mark: re.Pattern[bytes]) -> list[tuple[int, str]]:
        """Line and text of each comment on a line in which `mark` is found; a string that looks like one is none.

        Raises UnreadableText, Unparseable.
        """
        body = self.source.body
        lines = sorted({self.source.line_of(match.start()) for match in mark.finditer(body)})
        if not lines:
            return []
        if self.parsed.parser != "ast":
            wanted, comments = set(lines), [(self.source.line_of(at), text) for at, text in self.parsed.comments]
            return [(line, text) for line, text in comments if line in wanted]
        found = []
        for line in lines:
            start, end = self.source.line_starts[line - 1], self.source.line_end(line)
            at = next((at for at in _hashes(body, start, end) if not self._is_in_string(at)), None)
            if at is not None:
                found.append((line, body[at:end].decode(errors="replace").rstrip("\r\n")))
        return found

    def _is_in_string(self, at: int) -> bool:
        """Whether a place is in a string; between the parts of one that is written in several parts it is not."""
        behind = bisect_right(self._strings, (at, len(self.source.body)))
        start, end = self._strings[behind - 1] if behind else (0, 0)
        return start <= at < end and not _is_comment(self.source.body[start:end], at - start)

    @cached_property
    def _strings(self) -> list[tuple[int, int]]:
        """The outermost strings, in order."""
        nodes = (*self.nodes.get(ast.Constant, ()), *self.nodes.get(ast.JoinedStr, ()))
        offset = self.source.offset
        spans = sorted(
            (offset(node.lineno, node.col_offset), -offset(node.end_lineno or 0, node.end_col_offset or 0))
            for node in nodes
            if isinstance(node, ast.JoinedStr)
            or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))
        )
        found: list[tuple[int, int]] = []
        for start, end in spans:
            if not found or start >= found[-1][1]:
                found.append((start, -end))
        return found


def followed(raw: bytes, word: bytes, behind: re.Pattern[bytes]) -> Iterator[int]:
    """Where a word stands, whatever is before it, with something behind it: quicker than a pattern for each word."""
    at = raw.find(word)
    while at >= 0:
        match = behind.match(raw, at + len(word))
        if match is not None:
            yield at
        at = raw.find(word, match.end() if match is not None else at + 1)


def _hashes(body: bytes, start: int, end: int) -> Iterator[int]:
    at = body.find(b"#", start, end)
    while at >= 0:
        yield at
        at = body.find(b"#", at + 1, end)


def _is_comment(code: bytes, at: int) -> bool:
    """Whether a place in the code of a string is in a comment between its parts."""
    lines = io.BytesIO(b"(" + code + b")\n").readline
    line, column = code.count(b"\n", 0, at) + 1, at - code.rfind(b"\n", 0, at) - 1 + (b"\n" not in code[:at])
    try:
        tokens = [token for token in tokenize.tokenize(lines) if token.type == tokenize.COMMENT]
    except (tokenize.TokenError, SyntaxError):
        return False
    return any(token.start[0] == line and len(token.line[: token.start[1]].encode()) <= column for token in tokens)


def enclosing(module: Module, node: ast.AST) -> str:
    """The qualified name of the function or class around a visited node, such as `Loader.read`; empty at the top."""
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return ".".join(reversed([each.name for each in module.ancestors(node) if isinstance(each, definitions)]))
