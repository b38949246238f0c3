"""Suppression comments: `# ssot-fix: ignore[codemod] why` and `# ssot-fix: ignore-file[codemod] why`."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ssot_fix.bindings import Module

_MARK = b"ssot-fix:"
_COMMENT = re.compile(r"#\s*ssot-fix:\s*(?P<verb>[\w-]+)\s*(?:\[(?P<names>[^\]]*)\])?")


@dataclass(slots=True)
class _Suppression:
    line: int
    whole_file: bool
    codemods: frozenset[str]  # empty: all
    used: bool = False


@dataclass(slots=True)
class Suppressions:
    """The suppression comments of one file."""

    found: list[_Suppression] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def covers(self, module: Module, node: ast.AST, codemod: str) -> bool:
        """Whether a site is suppressed: by the file, or by a comment on a line of its statement."""
        if not self.found:
            return False
        first, last = _lines_of(module, node)
        covering = [
            suppression
            for suppression in self.found
            if (not suppression.codemods or codemod in suppression.codemods)
            and (suppression.whole_file or first <= suppression.line <= last)
        ]
        for suppression in covering:
            suppression.used = True
        return bool(covering)

    def unused(self, active: Iterable[str]) -> Iterator[str]:
        """A note for each suppression that suppressed nothing, unless a codemod that it names did not run."""
        running = set(active)
        for suppression in self.found:
            if not suppression.used and suppression.codemods <= running:
                yield f"line {suppression.line}: this suppression suppresses nothing; remove it"


def read_suppressions(module: Module, known: frozenset[str]) -> Suppressions:
    """The suppression comments of a file; `known` are the names of all codemods."""
    result = Suppressions()
    if _MARK not in module.source.body:
        return result
    for line, text in _comments(module):
        match = _COMMENT.match(text)
        if match is None or match["verb"] not in {"ignore", "ignore-file"}:
            if _MARK.decode() in text:
                result.notes.append(f"line {line}: not a suppression; write `# ssot-fix: ignore[codemod] why`")
            continue
        names = frozenset(name.strip() for name in (match["names"] or "").split(",")) - {""}
        for name in sorted(names - known):
            result.notes.append(f"line {line}: no codemod is named `{name}`")
        if names and not names & known:
            continue
        result.found.append(_Suppression(line, match["verb"] == "ignore-file", names & known))
    return result


def _comments(module: Module) -> Iterator[tuple[int, str]]:
    """The comments with the mark, each with its line; strings that only look like one are none."""
    lines = iter(_tokenizer_lines(module.source.text))
    try:
        for token in tokenize.generate_tokens(lambda: next(lines, "")):
            if token.type == tokenize.COMMENT and _MARK.decode() in token.string:
                yield token.start[0], token.string
    except (tokenize.TokenError, SyntaxError):
        return


def _tokenizer_lines(text: str) -> list[str]:
    """Lines as the parser counts them: form feeds and U+2028 end none."""
    return [line + "\n" for line in re.split("\r\n|\r|\n", text)]


def _lines_of(module: Module, node: ast.AST) -> tuple[int, int]:
    """The lines of the statement that holds a node; of a compound statement, its header's."""
    statement = module.statement(node)
    first, last = statement.lineno, statement.end_lineno or statement.lineno
    body = getattr(statement, "body", None)
    if isinstance(body, list):
        last = max(statement.lineno, body[0].lineno - 1, getattr(node, "end_lineno", 0))
        first = min(first, getattr(node, "lineno", first))
    return first, last
