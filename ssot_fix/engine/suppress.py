"""Suppression comments: `# ssot-fix: ignore[codemod] why` and `# ssot-fix: ignore-file[codemod] why`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ssot_fix.bindings import Module, children

_MARK = "ssot-fix:"
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
    for line, text in module.comments(_MARK):
        match = _COMMENT.match(text)
        if match is None or match["verb"] not in {"ignore", "ignore-file"}:
            if _MARK in text:
                result.notes.append(f"line {line}: not a suppression; write `# ssot-fix: ignore[codemod] why`")
            continue
        names = frozenset(name.strip() for name in (match["names"] or "").split(",")) - {""}
        for name in sorted(names - known):
            result.notes.append(f"line {line}: no codemod is named `{name}`")
        if names and not names & known:
            continue
        result.found.append(_Suppression(line, match["verb"] == "ignore-file", names & known))
    return result


def _lines_of(module: Module, node: ast.AST) -> tuple[int, int]:
    """The lines of the statement that holds a node; of a compound one, of its header or the clause's own part."""
    statement = module.statement(node)
    around = [node, *module.ancestors(node)]
    child = around[around.index(statement) - 1]
    if not hasattr(statement, "body") and not hasattr(statement, "cases"):
        return statement.lineno, statement.end_lineno or statement.lineno
    if isinstance(child, ast.match_case | ast.ExceptHandler):
        return getattr(node, "lineno", statement.lineno), getattr(node, "end_lineno", statement.lineno)
    header = [
        part for part in children(statement) if not isinstance(part, ast.stmt | ast.match_case | ast.ExceptHandler)
    ]
    ends = (getattr(inner, "end_lineno", 0) for part in header for inner in ast.walk(part))
    return min(statement.lineno, getattr(node, "lineno", statement.lineno)), max(statement.lineno, *ends)
