"""One file's text as areas look at it: parsed at most once, however many look."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterable, Mapping
from functools import cached_property

from ssot_fix.bindings import Module
from ssot_fix.newer_syntax import Parsed, parse
from ssot_fix.source import Source


class Text:
    """The bytes of a Python file; what is asked of them is worked out when it is asked for.

    What a file is called plays no part: the same bytes tell the same everywhere, so that they are looked at once.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

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
        """All nodes by type, outer ones first: a walk over the whole tree that all areas share.

        Raises UnreadableText, Unparseable.
        """
        found: dict[type[ast.AST], list[ast.AST]] = {}
        for node in ast.walk(self.tree):
            found.setdefault(type(node), []).append(node)
        return found

    def module(self, seeds: Iterable[str]) -> Module:
        """What some names of interest mean in it. Its own name is not known: relative imports keep their dots.

        Raises UnreadableText, Unparseable.
        """
        return Module("", "", self.source, self.parsed, seeds)

    @cached_property
    def comments(self) -> list[tuple[int, str]]:
        """Line and text of each comment, as tokens tell: strings that look like one are none.

        Raises UnreadableText, Unparseable.
        """
        if self.parsed.parser != "ast":
            return [(self.source.line_of(at), text) for at, text in self.parsed.comments]
        # Lines as the parser counts them: form feeds and U+2028 end none.
        lines = iter([f"{line}\n" for line in re.split("\r\n|\r|\n", self.source.text)])
        found = []
        try:
            for token in tokenize.generate_tokens(lambda: next(lines, "")):
                if token.type == tokenize.COMMENT:
                    found.append((token.start[0], token.string))
        except (tokenize.TokenError, SyntaxError):  # what ast reads, tokenize may still stumble over at the end
            pass
        return found


def enclosing(module: Module, node: ast.AST) -> str:
    """The qualified name of the function or class around a visited node, such as `Loader.read`; empty at the top."""
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return ".".join(reversed([each.name for each in module.ancestors(node) if isinstance(each, definitions)]))
