"""Where the import that binds a name at module level goes, and how it is written there.

Nothing is ever placed inside try, TYPE_CHECKING or a function, above a change of sys.path that it may need, or
below a use.
"""

from __future__ import annotations

import ast
import re
from abc import ABC, abstractmethod
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cached_property

from ssot_fix.bindings import Module
from ssot_fix.edits import Edit
from ssot_fix.preparation import Preparation
from ssot_fix.project.resolver import Project
from ssot_fix.run_order import RunOrder
from ssot_fix.statements import (
    imports_first_party,
    imports_stdlib,
    is_absolute_import,
    is_docstring,
    is_import,
    is_main_guard,
)

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Target:
    """What to bind: `from module import name`; `path` is the module's file, `root` its source root.

    Without a name it is a top-level module of the standard library as a whole, which has neither.
    """

    module: str
    name: str = ""
    path: str = ""
    root: str = ""

    @property
    def bound(self) -> str:
        """The name that an import of the target binds."""
        return self.name or self.module

    @property
    def dotted(self) -> str:
        """The target's dotted path."""
        return f"{self.module}.{self.name}" if self.name else self.module

    @property
    def statement(self) -> str:
        """An import of the target, as `ast.unparse` spells it."""
        return f"from {self.module} import {self.name}" if self.name else f"import {self.module}"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an import goes: before the top-level statement `index`, or merged into an existing one."""

    index: int
    merge: ast.ImportFrom | None = None


class Places(ABC):
    """Finds the place for a target's import in a module, and makes the edits that add it there."""

    def __init__(self, module: Module, project: Project, target: Target, order: RunOrder, earliest: int = 0) -> None:
        """`earliest` is the index of the top-level statement from which on the target can be imported."""
        self._module = module
        self._project = project
        self._target = target
        self._order = order
        self._earliest = earliest
        self._body = module.tree.body

    # Choosing

    def placement_for(self, nodes: Sequence[ast.AST], busy: Container[ast.AST] = ()) -> Placement:
        """The best place for the import that comes before all of the nodes, if there is one.

        `busy` are statements that are edited already.
        """
        for index in self._candidates:
            if not any(self._order.runs_before(node, index) for node in nodes):
                return Placement(index)
        return Placement(self._line_start(self._lower_bound))

    @property
    @abstractmethod
    def _candidates(self) -> Sequence[int]:
        """Places for a new import, the best first."""

    @cached_property
    def _lower_bound(self) -> int:
        """The first index at which the import may stand."""
        bound = self._earliest
        for index, statement in enumerate(self._body):
            if (index == 0 and is_docstring(statement)) or self._comes_first(statement):
                bound = max(bound, index + 1)
        return bound

    def _comes_first(self, statement: ast.stmt) -> bool:
        """Whether a statement has to stand above the import."""
        is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        return is_future or self._is_unknown_star(statement)

    def _is_unknown_star(self, statement: ast.stmt) -> bool:
        """Whether a statement is a star import of names that are out of sight, which must not hide ours."""
        if not isinstance(statement, ast.ImportFrom) or statement.names[0].name != "*":
            return False
        return self._project.locate(self._module.absolute("." * statement.level + (statement.module or ""))) is None

    @cached_property
    def _header_end(self) -> int:
        for index, statement in enumerate(self._body):
            if index >= self._lower_bound and (isinstance(statement, _DEFINITIONS) or is_main_guard(statement)):
                return index
        return len(self._body)

    def _line_start(self, index: int) -> int:
        """The nearest index at which a line begins: above `a; b` if the import may stand there, else below."""
        first = index
        while 0 < first < len(self._body) and self._body[first - 1].end_lineno == self._body[first].lineno:
            first -= 1
        if first >= self._lower_bound:
            return first
        while index < len(self._body) and self._body[index - 1].end_lineno == self._body[index].lineno:
            index += 1
        return index

    # Writing

    def edits(self, placement: Placement, dropped: frozenset[ast.stmt]) -> list[Edit]:
        """The edits, in `Source.body` offsets, that add the import; `dropped` are statements on their way out."""
        return [self._insertion(placement.index, dropped)]

    @abstractmethod
    def _insertion(self, index: int, dropped: frozenset[ast.stmt]) -> Edit:
        """The edit that adds the import as a statement of its own."""

    def _directly_above(self, neighbour: ast.stmt, *, gap: bool = False) -> Edit:
        """Add the import above its neighbour, below the neighbour's section comment; `gap`: and a blank line."""
        source = self._module.source
        at = source.line_starts[self._first_line(neighbour) - 1]
        newline = source.newline_near(at)
        text = f"{self._target.statement}{self._lint_comment(neighbour)}{newline}"
        return Edit(at, at, f"{text}{newline * gap}".encode())

    def _below(self, before: ast.stmt, *, lead: bool, gap: int) -> Edit:
        """Add the import below the line of a statement, behind a blank line or not, with `gap` of them behind it."""
        source = self._module.source
        newline = source.newline_near(self._module.end(before) - 1)
        text = f"{newline * lead}{self._target.statement}{self._lint_comment(before)}"
        at = source.line_end(before.end_lineno or before.lineno)
        if not source.body[:at].endswith((b"\n", b"\r")):
            return Edit(at, at, f"{newline}{text}".encode())
        return Edit(at, at, f"{text}{newline}{newline * gap}".encode())

    def _first_line_with_comment(self, statement: ast.stmt) -> int:
        """The line of a statement, of its first decorator, or of a comment that belongs to it.

        A comment that begins the file is the file's own: a shebang, an encoding, a licence.
        """
        decorators = getattr(statement, "decorator_list", ())
        line = top = decorators[0].lineno if decorators else self._first_line(statement)
        while top > 1 and self._text_of(top - 1).lstrip().startswith(b"#"):
            top -= 1
        return line if top == 1 else top

    def _first_line(self, statement: ast.stmt) -> int:
        """The line of a statement, or the first of the lines above that are joined to it by backslashes."""
        line = statement.lineno
        while line > 1 and self._text_of(line - 1).rstrip().endswith(b"\\"):
            line -= 1
        return line

    def _text_of(self, line: int) -> bytes:
        return self._module.source.body[self._module.source.line_starts[line - 1] : self._module.source.line_end(line)]

    def _lint_comment(self, neighbour: ast.stmt) -> str:
        """The comment that tells linters of a late import, if the neighbour needs one."""
        end = self._module.end(neighbour)
        rest = self._module.source.body[end : self._module.source.line_end(neighbour.end_lineno or neighbour.lineno)]
        found = re.fullmatch(rb"\s*#\s*noqa:\s*E402\s*", rest)
        return "  " + rest.strip().decode() if found and is_import(neighbour) else ""


class NamePlaces(Places):
    """Places `from module import name`: with the imports of the project's own code, where it can work."""

    @cached_property
    def _preparation(self) -> Preparation:
        return Preparation(self._module, self._project, self._order)

    def placement_for(self, nodes: Sequence[ast.AST], busy: Container[ast.AST] = ()) -> Placement:
        """The import of the module that can take the name in, else the best place for a new one."""
        if self._mergeable is not None and self._mergeable not in busy:
            merged = Placement(self._order.indices[self._mergeable] + 1, self._mergeable)
            if not any(self._order.runs_before(node, merged.index) for node in nodes):
                return merged
        return super().placement_for(nodes, busy)

    @cached_property
    def _mergeable(self) -> ast.ImportFrom | None:
        for statement in self._body:
            if isinstance(statement, ast.ImportFrom) and statement.names[0].name != "*":
                origin = self._module.absolute("." * statement.level + (statement.module or ""))
                if origin == self._target.module:
                    return statement
        return None

    def _comes_first(self, statement: ast.stmt) -> bool:
        return super()._comes_first(statement) or self._preparation.prepares(statement)

    @cached_property
    def _candidates(self) -> list[int]:
        """With the first-party imports, else below the others."""
        header = [i for i in range(self._lower_bound, self._header_end) if is_absolute_import(self._body[i])]
        first_party = [i for i in header if self._is_own(self._body[i])]
        best = [self._sorted_place(first_party)] if first_party else []
        rest = sorted({i + 1 for i in header}, reverse=True)
        return [self._line_start(index) for index in (*best, *rest, self._lower_bound)]

    def _is_own(self, statement: ast.stmt) -> bool:
        return imports_first_party(statement, self._project)

    def _sorted_place(self, first_party: Sequence[int]) -> int:
        """The index among first-party imports: in order where the last run of them is, else at its end."""
        run = [first_party[-1]]
        for index in reversed(first_party[:-1]):
            following = self._body[run[0]]
            if index + 1 == run[0] and self._body[index].end_lineno == following.lineno - 1:
                run.insert(0, index)
            else:
                break
        keys = [_sort_key(self._body[index]) for index in run]
        if keys == sorted(keys):
            for index, key in zip(run, keys, strict=True):
                if key > (1, self._target.module.lower()):
                    return index
        return run[-1] + 1

    def edits(self, placement: Placement, dropped: frozenset[ast.stmt]) -> list[Edit]:
        """The edits of the import that takes the name in, or of a new one."""
        if placement.merge is not None:
            return self._merge_edits(placement.merge)
        return super().edits(placement, dropped)

    def _merge_edits(self, statement: ast.ImportFrom) -> list[Edit]:
        last = statement.names[-1]
        source, name = self._module.source, self._target.name
        at = self._module.end(last)
        line_start = source.line_starts[last.lineno - 1]
        indent = source.body[line_start : self._module.start(last)]
        line_end = source.line_end(last.lineno)
        rest = source.body[at:line_end].strip()
        parenthesised = b"(" in source.body[self._module.start(statement) : self._module.start(statement.names[0])]
        if not parenthesised or indent.strip() or rest.startswith(b")") or b")" in rest.partition(b"#")[0]:
            return [Edit(at, at, f", {name}".encode())]
        newline = source.newline_near(at).encode()
        line = indent + name.encode()
        if rest.startswith(b","):
            return [Edit(line_end, line_end, line + b"," + newline)]
        return [Edit(at, at, b","), Edit(line_end, line_end, line + newline)]

    def _insertion(self, index: int, dropped: frozenset[ast.stmt]) -> Edit:
        following = self._body[index] if index < len(self._body) else None
        if following is not None and index and self._is_own(following):
            return self._directly_above(following)
        if following is not None and index == 0:
            return self._above_all(following, dropped)
        before = self._body[index - 1]
        joins = self._is_own(before) or self._run_is_dropped(before, dropped)
        return self._below(before, lead=not joins, gap=self._is_crowded(before, following))

    def _is_crowded(self, before: ast.stmt, following: ast.stmt | None) -> bool:
        """Whether what follows a statement at once has to be set off from an import between them.

        Code is, as a person would; so are relative imports, the next section.
        """
        at = self._module.source.line_end(before.end_lineno or before.lineno)
        blank_follows = not self._text_of(self._module.source.line_of(at)).strip()
        return not blank_follows and following is not None and not is_absolute_import(following)

    def _above_all(self, first: ast.stmt, dropped: frozenset[ast.stmt]) -> Edit:
        source = self._module.source
        at = source.line_starts[self._first_line_with_comment(first) - 1]
        newline = source.newline_near(at)
        left = next((statement for statement in self._body if statement not in dropped), None)
        own = left is not None and is_absolute_import(left) and left.lineno <= first.lineno + 1
        gap = "" if left is None or own else newline * (2 if isinstance(left, _DEFINITIONS) and left is first else 1)
        return Edit(at, at, f"{self._target.statement}{newline}{gap}".encode())

    def _run_is_dropped(self, statement: ast.stmt, dropped: frozenset[ast.stmt]) -> bool:
        """Whether all imports that stand directly above an insertion go, with a blank line before them."""
        index = self._order.indices[statement]
        while statement in dropped:
            index -= 1
            if index < 0 or (self._body[index].end_lineno or 0) < statement.lineno - 1:
                return True
            statement = self._body[index]
        return False


class ModulePlaces(Places):
    """Places the import of a module of the standard library, which works everywhere: with its like.

    The order is isort's: in the section of the standard library `import x` comes before `from x import y`, each by
    module (https://pycqa.github.io/isort/docs/configuration/options.html#force-sort-within-sections).
    """

    @cached_property
    def _candidates(self) -> list[int]:
        """With the others of the standard library, else above the other sections."""
        header = [i for i in range(self._lower_bound, self._header_end) if is_import(self._body[i])]
        own = [i for i in header if imports_stdlib(self._body[i])]
        plain = [i for i in own if isinstance(self._body[i], ast.Import)]
        best = self._sorted_place(plain) if plain else next(iter(own or header), self._lower_bound)
        return [self._line_start(index) for index in (best, self._lower_bound)]

    def _sorted_place(self, plain: Sequence[int]) -> int:
        """The index in the first section of `import x`: in order if that is in order, else at its end."""
        section = self._run(plain[0])
        while section.stop in plain:  # comments and blank lines end no section
            section = range(section.start, self._run(section.stop).stop)
        run = [index for index in plain if index in section]
        keys = [_sort_key(self._body[index]) for index in run]
        larger = [index for index, key in zip(run, keys, strict=True) if key > (0, self._target.module.lower())]
        return larger[0] if larger and keys == sorted(keys) else run[-1] + 1

    def _insertion(self, index: int, dropped: frozenset[ast.stmt]) -> Edit:
        run = self._run_to_join(index)
        if not run:
            return self._apart(index)
        kept = [i for i in run if self._body[i] not in dropped]
        above = [i for i in kept if i < index]
        if above:
            return self._below(self._body[above[-1]], lead=False, gap=0)
        # A run that goes as a whole takes the blank line below with it, or leaves that to another import.
        return self._directly_above(self._body[run[0]], gap=not kept)

    def _run_to_join(self, index: int) -> range:
        """The run of imports on one side of a place that holds some of the standard library, `import x` preferred."""
        sides = (i for i in (index - 1, index) if self._lower_bound <= i < len(self._body))
        own = [i for i in sides if imports_stdlib(self._body[i])]
        return self._run(min(own, key=lambda i: isinstance(self._body[i], ast.ImportFrom))) if own else range(0)

    def _run(self, index: int) -> range:
        """The imports on successive lines around one of them."""
        first = last = index
        while first > self._lower_bound and self._goes_on(first - 1):
            first -= 1
        while last + 1 < len(self._body) and self._goes_on(last):
            last += 1
        return range(first, last + 1)

    def _goes_on(self, index: int) -> bool:
        """Whether a statement and the next one are imports without a line between them."""
        one, other = self._body[index], self._body[index + 1]
        return is_import(one) and is_import(other) and other.lineno <= (one.end_lineno or one.lineno) + 1

    def _apart(self, index: int) -> Edit:
        """Add the import as a section of its own."""
        following = self._body[index] if index < len(self._body) else None
        if following is not None and (index == 0 or is_import(following)):
            return self._above_section(index, following)
        before = self._body[index - 1]
        return self._below(before, lead=True, gap=self._missing_lines(before, following))

    def _missing_lines(self, before: ast.stmt, following: ast.stmt | None) -> int:
        """How many blank lines an import between two statements needs behind it: two above a definition (PEP 8)."""
        first = line = (before.end_lineno or before.lineno) + 1
        while following is not None and line < following.lineno and not self._text_of(line).strip():
            line += 1
        definition = isinstance(following, _DEFINITIONS) and self._first_line_with_comment(following) == line
        wanted = 0 if following is None else 2 if definition else 1
        return max(0, wanted - (line - first))

    def _above_section(self, index: int, following: ast.stmt) -> Edit:
        line = self._first_line_with_comment(following)
        at = self._module.source.line_starts[line - 1]
        newline = self._module.source.newline_near(at)
        lead = newline if index and self._text_of(line - 1).strip() else ""
        gap = newline * (2 if isinstance(following, _DEFINITIONS) else 1)
        return Edit(at, at, f"{lead}{self._target.statement}{newline}{gap}".encode())


def _sort_key(statement: ast.stmt) -> tuple[int, str]:
    """isort's default order within a section: `import x` first, then `from x`, by module."""
    if isinstance(statement, ast.ImportFrom):
        return 1, (statement.module or "").lower()
    assert isinstance(statement, ast.Import)
    return 0, statement.names[0].name.lower()
