"""Binding a name at module level: reusing an import, merging into one, or placing a new one.

Nothing is ever placed inside try, TYPE_CHECKING or a function, above a change of sys.path, or below a use.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ssot_fix.bindings import Binding, Module, Reference, Scope
from ssot_fix.edits import Edit, Refusal
from ssot_fix.project.resolver import Project, is_type_checking

# Statements with this text may change where imports are found.
_MAY_PREPARE = re.compile(rb"\bpath\b|\baddsitedir\b|\benviron|\bputenv\b|\bmonkey\b")
_ENVIRONMENT_CHANGES = {"setdefault", "update", "pop", "clear", "putenv"}

# Decorators that keep a function for later.
_HARMLESS_DECORATORS = frozenset(
    {"abstractmethod", "asynccontextmanager", "cache", "cached_property", "classmethod", "contextmanager"}
    | {"dataclass", "fixture", "final", "lru_cache", "overload", "override", "property", "staticmethod"}
    | {"singledispatch", "total_ordering", "runtime_checkable", "wraps", "command", "group", "option", "argument"}
    | {"get", "post", "put", "patch", "route", "task", "setter", "parametrize", "mark", "deprecated", "unique"}
)

# What a handler catches that is there for imports that fail.
IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError"})
IMPORT_FAILURES = IMPORT_ERRORS | {"Exception", "BaseException"}


@dataclass(frozen=True, slots=True)
class Target:
    """A name to bind: `from module import name`; `path` is the module's file, `root` its source root."""

    module: str
    name: str
    path: str
    root: str


@dataclass(frozen=True, slots=True)
class Reach:
    """How a place reaches the target: an expression, and whether an import has to be added for it."""

    expression: str
    needs_import: bool


@dataclass(frozen=True, slots=True)
class _Route:
    expression: str
    statement: ast.stmt


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an import goes: before the top-level statement `index`, or merged into an existing one."""

    index: int
    merge: ast.ImportFrom | None = None


class Binder:
    """Finds, for each place in a module, an expression that means the target."""

    def __init__(self, module: Module, project: Project, target: Target, earliest: int = 0) -> None:
        """`earliest` is the index of the top-level statement from which on the target can be imported."""
        self._earliest = earliest
        self._module = module
        self.project = project
        self.target = target
        self._body = module.tree.body
        self._called: dict[int, set[ast.AST]] = {}

    def reach(self, node: ast.AST, scope: Scope) -> Reach | Refusal:
        """An expression for the target at a node, or why there is none (`name-taken`, `use-before-import`)."""
        if local := self._local_route(node, scope):
            return Reach(local, needs_import=False)
        for route in self._routes:
            if self._module.lookup(route.expression.partition(".")[0], scope) is self._module.root:
                if self._runs_before(node, self._top_index(route.statement) + 1):
                    line = route.statement.lineno
                    return Refusal("use-before-import", f"runs before the import on line {line}")
                return Reach(route.expression, needs_import=False)
        return self._reach_by_new_import(node, scope)

    def _reach_by_new_import(self, node: ast.AST, scope: Scope) -> Reach | Refusal:
        name = self.target.name
        found = self._module.lookup(name, scope)
        if found is not None and not (found is self._module.root and self._same_meaning(found.bindings[name])):
            line = getattr(found.bindings[name][0].node, "lineno", 0)
            return Refusal("name-taken", f"`{name}` already means something else here (line {line})")
        if found is None and self._reads_unbound:
            return Refusal("name-taken", f"the file reads a `{name}` that something out of sight binds")
        if self._module.parsed.hides(name, self._module.start(node)) or self._star_may_bind(name):
            return Refusal("name-taken", f"a star import or type parameter may bind `{name}`")
        placement = self.placement_for([node])
        if self._runs_before(node, placement.index):
            return Refusal("use-before-import", "runs before any place where the import may stand")
        return Reach(name, needs_import=True)

    def means_target(self, expression: str, reference: Reference) -> bool:
        """Whether an expression whose base is a reference means the target there, and is bound in time."""
        found = self.reach(reference.node, reference.scope)
        return isinstance(found, Reach) and not found.needs_import and found.expression == expression

    @cached_property
    def _reads_unbound(self) -> bool:
        """Whether the file reads the target's name where nothing in sight binds it."""
        name, lookup = self.target.name, self._module.lookup
        return any(r.node.id == name and lookup(name, r.scope) is None for r in self._module.references)

    # Existing imports

    @cached_property
    def _routes(self) -> list[_Route]:
        """Imports that bind the target for the whole module, those of the name itself first."""
        routes = []
        for bindings in self._module.root.bindings.values():
            expressions = {self._expression(binding) for binding in bindings}
            usable = [binding.node for binding in bindings if self._always_runs(binding.node)]
            if len(expressions) == 1 and (expression := expressions.pop()) and usable:
                first = usable[0]
                assert isinstance(first, ast.stmt)
                routes.append(_Route(expression, first))
        return sorted(routes, key=lambda route: (route.expression.count("."), route.statement.lineno))

    def _expression(self, binding: Binding) -> str | None:
        """What to write to mean the target through a binding; None if it means something else."""
        if binding.kind != "import" or binding.target is None:
            return None
        module, name = self.target.module, self.target.name
        target = self._module.absolute(binding.target)
        if target == f"{module}.{name}":
            return binding.name
        if target == module:
            return f"{binding.name}.{name}"
        assert binding.alias is not None
        if isinstance(binding.node, ast.Import) and binding.alias.asname is None:
            return f"{module}.{name}" if binding.alias.name == module else None
        origin, _, last = target.rpartition(".")
        if origin and self.project.origin(origin, last) == (module, name):
            return binding.name
        return None

    def _local_route(self, node: ast.AST, scope: Scope) -> str | None:
        """The target through an import inside the function that holds a node, if it stands before it."""
        for candidate in scope.enclosing():
            if candidate.kind != "function":
                continue
            for bindings in candidate.bindings.values():
                expressions = {self._expression(binding) for binding in bindings}
                if len(expressions) != 1 or not (expression := expressions.pop()):
                    continue
                base = expression.partition(".")[0]
                visible = self._module.lookup(base, scope) is candidate
                if visible and any(self._dominates(binding.node, node) for binding in bindings):
                    return expression
        return None

    def _dominates(self, statement: ast.AST, node: ast.AST) -> bool:
        """Whether a statement always runs before a later one of its own block that holds a node."""
        owner = self._module.parents[statement]
        line = [node, *self._module.ancestors(node)]
        if owner not in line:
            return False
        inner = line[line.index(owner) - 1]
        for block in blocks(owner):
            if statement in block and inner in block:
                return block.index(statement) < block.index(inner)
        return False

    def _always_runs(self, node: ast.AST) -> bool:
        parent = self._module.parents.get(node)
        if isinstance(parent, ast.Module):
            return True
        return (
            isinstance(parent, ast.Try)
            and node in parent.body
            and isinstance(self._module.parents.get(parent), ast.Module)
            and bool(parent.handlers)
            and all(_leaves(handler.body[-1]) for handler in parent.handlers)
        )

    def _same_meaning(self, bindings: Sequence[Binding]) -> bool:
        """Whether a global that an import above would bind first is bound to the same by all the others.

        One that is tried, and may be missing afterwards, is there for when it can't be imported.
        """
        tried = any(isinstance(a, ast.Try) for binding in bindings for a in self._module.ancestors(binding.node))
        return not tried and all(self._expression(binding) == self.target.name for binding in bindings)

    def _star_may_bind(self, name: str) -> bool:
        """Whether a first-party star import may bind a name to something else than the target."""
        for statement in self._module.star_imports:
            origin = self._module.absolute("." * statement.level + (statement.module or ""))
            path = self.project.locate(origin)
            if path is None:
                continue
            found = self.project.origin(origin, name)
            if found not in {(origin, name), (self.target.module, self.target.name)}:
                return True
            if re.search(rb"\b" + re.escape(name).encode() + rb"\b", self.project.read(path)):
                return found != (self.target.module, self.target.name)
        return False

    # Order

    def _top_index(self, node: ast.AST) -> int:
        """The index of the top-level statement that holds a node."""
        top = node
        for ancestor in self._module.ancestors(node):
            if not isinstance(ancestor, ast.Module):
                top = ancestor
        return self._indices[top]

    @cached_property
    def _indices(self) -> dict[ast.AST, int]:
        return {statement: index for index, statement in enumerate(self._body)}

    def _runs_before(self, node: ast.AST, index: int) -> bool:
        """Whether a node may run before the top-level statement `index` does, in the module's import."""
        top = self._top_index(node)
        holder = self._outer_definition(node)
        if holder is None:
            return top < index
        if self._module.strings_run_as_code and top < index:
            return True
        return holder in self._called_before(index)

    def _outer_definition(self, node: ast.AST) -> ast.AST | None:
        """The outermost function whose body holds a node; None if it runs with the module itself."""
        holder, inner = None, node
        for ancestor in self._module.ancestors(node):
            deferred = isinstance(ancestor, ast.FunctionDef | ast.AsyncFunctionDef) and inner in ancestor.body
            if deferred:
                holder = ancestor
            inner = ancestor
        return holder

    def _called_before(self, index: int) -> set[ast.AST]:
        """The functions of this module whose bodies may run before a top-level statement."""
        if index not in self._called:
            self._called[index] = self._find_called_before(index)
        return self._called[index]

    def _find_called_before(self, index: int) -> set[ast.AST]:
        definitions: dict[str, list[ast.AST]] = {}
        for statement in self._body:
            for definition in _definitions(statement):
                definitions.setdefault(definition.name, []).append(definition)
        waiting = {name for statement in self._body[:index] for name in _names_run_by(statement)}
        waiting |= {n.name for statement in self._body[:index] for n in _definitions(statement) if _is_handed_on(n)}
        called: set[ast.AST] = set()
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            seen.add(name)
            for node in definitions.get(name, ()):
                inside = {n for n in ast.walk(node) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
                called |= inside
                waiting |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - seen
        return called

    # Placing

    def placement_for(self, nodes: Sequence[ast.AST], busy: Container[ast.AST] = ()) -> Placement:
        """The best place for the import that comes before all of the nodes, if there is one.

        `busy` are statements that are edited already.
        """
        if self._mergeable is not None and self._mergeable not in busy:
            merged = Placement(self._indices[self._mergeable] + 1, self._mergeable)
            if not any(self._runs_before(node, merged.index) for node in nodes):
                return merged
        for index in self._candidates:
            if not any(self._runs_before(node, index) for node in nodes):
                return Placement(index)
        return Placement(self._line_start(self._lower_bound))

    @cached_property
    def _mergeable(self) -> ast.ImportFrom | None:
        for statement in self._body:
            if isinstance(statement, ast.ImportFrom) and statement.names[0].name != "*":
                origin = self._module.absolute("." * statement.level + (statement.module or ""))
                if origin == self.target.module:
                    return statement
        return None

    @cached_property
    def _lower_bound(self) -> int:
        """The first index at which the import may stand."""
        bound = self._earliest
        for index, statement in enumerate(self._body):
            is_docstring = index == 0 and isinstance(statement, ast.Expr) and _is_string(statement.value)
            is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
            if is_docstring or is_future or self._is_unknown_star(statement) or self.prepares(statement):
                bound = max(bound, index + 1)
        return bound

    def _is_unknown_star(self, statement: ast.stmt) -> bool:
        """Whether a statement is a star import of names that are out of sight, which must not hide ours."""
        if not isinstance(statement, ast.ImportFrom) or statement.names[0].name != "*":
            return False
        return self.project.locate(self._module.absolute("." * statement.level + (statement.module or ""))) is None

    def prepares(self, statement: ast.stmt) -> bool:
        """Whether a top-level statement may prepare later imports when the module is imported.

        It changes sys.path, or calls a function of the module that does; or it writes to the environment above
        the first import of the project's own code, which may be meant for what that code reads.
        """
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return False
        if is_main_guard(statement):  # at the end of a file it prepares nothing
            later = self._body[self._indices[statement] + 1 :]
            return any(_is_import(other) for other in later) and _changes_path(statement)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return False
        if _MAY_PREPARE.search(self._module.code(statement)) and _changes_path(statement):
            return True
        if _MAY_PREPARE.search(self._module.code(statement)) and _changes_environment(statement):
            return self._indices[statement] < min(self._first_own_import, self._last_import)
        return bool(self._path_functions) and any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self._path_functions
            for node in ast.walk(statement)
        )

    @cached_property
    def _last_import(self) -> int:
        """The index of the last import that what stands above it may be meant for; -1 if there is none."""
        wanted = (i for i, s in enumerate(self._body) if _is_import(s) and not _is_inert(s))
        return max(wanted, default=-1)

    @cached_property
    def _first_own_import(self) -> int:
        own = (i for i, s in enumerate(self._body) if _is_absolute(s) and self._imports_first_party(s))
        relative = (i for i, s in enumerate(self._body) if isinstance(s, ast.ImportFrom) and s.level)
        return min([*own, *relative], default=len(self._body))

    @cached_property
    def _path_functions(self) -> frozenset[str]:
        """The module's own names whose call may change sys.path, directly or through one another."""
        definitions = [node for statement in self._body for node in _definitions(statement)]
        found = {n.name for n in definitions if _MAY_PREPARE.search(self._module.code(n)) and _changes_path(n)}
        for statement in self._body:
            if (
                isinstance(statement, ast.Assign)
                and b"path" in self._module.code(statement)
                and _changes_path(statement)
            ):
                found |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
        while found:
            callers = {n.name for n in definitions if n.name not in found and found & set(_names_in(n))}
            if not callers:
                break
            found |= callers
        return frozenset(found)

    @cached_property
    def _candidates(self) -> list[int]:
        """Places for a new import, the best first: with the first-party imports, else below the others."""
        header = [i for i in range(self._lower_bound, self._header_end) if _is_absolute(self._body[i])]
        first_party = [i for i in header if self._imports_first_party(self._body[i])]
        best = [self._sorted_place(first_party)] if first_party else []
        rest = sorted({i + 1 for i in header}, reverse=True)
        return [self._line_start(index) for index in (*best, *rest, self._lower_bound)]

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

    @property
    def _header_end(self) -> int:
        for index, statement in enumerate(self._body):
            definition = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if index >= self._lower_bound and (definition or is_main_guard(statement)):
                return index
        return len(self._body)

    def _imports_first_party(self, statement: ast.stmt) -> bool:
        if isinstance(statement, ast.ImportFrom):
            return not statement.level and self.project.is_first_party(statement.module or "")
        return isinstance(statement, ast.Import) and self.project.is_first_party(statement.names[0].name)

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
                if key > (1, self.target.module.lower()):
                    return index
        return run[-1] + 1

    def edits(self, placement: Placement, dropped: frozenset[ast.stmt]) -> list[Edit]:
        """The edits, in `Source.body` offsets, that add the import; `dropped` are statements on their way out."""
        if placement.merge is not None:
            return self._merge_edits(placement.merge)
        return [self._insertion(placement.index, dropped)]

    def _merge_edits(self, statement: ast.ImportFrom) -> list[Edit]:
        last = statement.names[-1]
        source, name = self._module.source, self.target.name
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
        source = self._module.source
        text = f"from {self.target.module} import {self.target.name}"
        following = self._body[index] if index < len(self._body) else None
        if following is not None and (index == 0 or self._imports_first_party(following)):
            return self._insertion_above(index, text, dropped)
        before = self._body[index - 1]
        newline = source.newline_near(self._module.end(before) - 1)
        text += self._lint_comment(before)
        at = source.line_end(before.end_lineno or before.lineno)
        lead = "" if self._imports_first_party(before) or self._run_is_dropped(before, dropped) else newline
        if not source.body[:at].endswith((b"\n", b"\r")):
            return Edit(at, at, f"{newline}{lead}{text}".encode())
        # Code that follows at once is set off, as a person would; so are relative imports, the next section.
        blank_follows = not source.body[at : source.line_end(source.line_of(at))].strip()
        crowded = not blank_follows and following is not None and not _is_absolute(following)
        return Edit(at, at, f"{lead}{text}{newline}{newline if crowded else ''}".encode())

    def _insertion_above(self, index: int, text: str, dropped: frozenset[ast.stmt]) -> Edit:
        source, following = self._module.source, self._body[index]
        if index and self._imports_first_party(following):
            # Directly above its neighbour, below the neighbour's section comment.
            at = source.line_starts[self._first_line(following) - 1]
            return Edit(at, at, f"{text}{self._lint_comment(following)}{source.newline_near(at)}".encode())
        at = source.line_starts[self._first_line_with_comment(following) - 1]
        newline = source.newline_near(at)
        left = next((statement for statement in self._body[index:] if statement not in dropped), None)
        own = left is not None and _is_absolute(left) and left.lineno <= following.lineno + 1
        definition = isinstance(left, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        gap = "" if left is None or own else newline * (2 if definition and left is following else 1)
        return Edit(at, at, f"{text}{newline}{gap}".encode())

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
        return "  " + rest.strip().decode() if found and _is_import(neighbour) else ""

    def _run_is_dropped(self, statement: ast.stmt, dropped: frozenset[ast.stmt]) -> bool:
        """Whether all imports that stand directly above an insertion go, with a blank line before them."""
        index = self._indices[statement]
        while statement in dropped:
            index -= 1
            if index < 0 or (self._body[index].end_lineno or 0) < statement.lineno - 1:
                return True
            statement = self._body[index]
        return False


def blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The statement lists of a compound statement."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block


def runs_at_import(module: Module, statement: ast.stmt) -> bool:
    """Whether a statement may run when its module is imported: in no function, and not for type checkers only."""
    inner: ast.AST = statement
    for ancestor in module.ancestors(statement):
        if isinstance(ancestor, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return False
        if isinstance(ancestor, ast.If) and inner in ancestor.body and not _runs_at_import(ancestor):
            return False
        inner = ancestor
    return True


def _runs_at_import(branch: ast.If) -> bool:
    return not (is_type_checking(branch.test) or is_main_guard(branch))


def is_main_guard(statement: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__":`, however it is put."""
    if not isinstance(statement, ast.If):
        return False
    nodes = list(ast.walk(statement.test))
    named = any(isinstance(node, ast.Name) and node.id == "__name__" for node in nodes)
    return named and any(isinstance(node, ast.Constant) and node.value == "__main__" for node in nodes)


def caught(handler: ast.ExceptHandler) -> frozenset[str]:
    """The names of the exceptions that a handler catches; of a bare one, BaseException."""
    if handler.type is None:
        return frozenset({"BaseException"})
    nodes = list(ast.walk(handler.type))
    named = {node.id for node in nodes if isinstance(node, ast.Name)}
    return frozenset(named | {node.attr for node in nodes if isinstance(node, ast.Attribute)})


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _is_inert(statement: ast.stmt) -> bool:
    """Whether a statement imports from the standard library only."""
    if isinstance(statement, ast.ImportFrom):
        return not statement.level and (statement.module or "").partition(".")[0] in sys.stdlib_module_names
    assert isinstance(statement, ast.Import)
    return all(alias.name.partition(".")[0] in sys.stdlib_module_names for alias in statement.names)


def _is_absolute(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import) or (isinstance(statement, ast.ImportFrom) and not statement.level)


def _changes_path(statement: ast.stmt) -> bool:
    """Whether code may change sys.path, by any of its spellings."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute):
            if node.attr == "addsitedir" or (
                node.attr == "path" and isinstance(node.value, ast.Name) and node.value.id.endswith("sys")
            ):
                return True
            by_name = isinstance(node.value, ast.Name) and node.value.id == "path"
            if by_name and node.attr in {"insert", "append", "extend"}:
                return True
        elif isinstance(node, ast.Name) and node.id == "addsitedir":
            return True
    return False


def _changes_environment(statement: ast.stmt) -> bool:
    """Whether code that runs at once may change the process environment, or patches the standard library."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load) and _is_environ(node.value):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            changing = node.func.attr in _ENVIRONMENT_CHANGES
            if changing and (_is_environ(node.func.value) or node.func.attr == "putenv"):
                return True
            if node.func.attr.startswith("patch_") and isinstance(node.func.value, ast.Name):
                return node.func.value.id == "monkey"
        stack.extend(ast.iter_child_nodes(node))
    return False


def _is_environ(node: ast.expr) -> bool:
    return (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")) == "environ"


def _is_string(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _sort_key(statement: ast.stmt) -> tuple[int, str]:
    """isort's default order within a section: `import x` first, then `from x`, by module."""
    if isinstance(statement, ast.ImportFrom):
        return 1, (statement.module or "").lower()
    assert isinstance(statement, ast.Import)
    return 0, statement.names[0].name.lower()


def _leaves(statement: ast.stmt) -> bool:
    """Whether control never gets past a statement: raise, or a call of sys.exit and its kin."""
    if isinstance(statement, ast.Raise):
        return True
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return False
    function = statement.value.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return (function.value.id, function.attr) in {("sys", "exit"), ("os", "_exit")}
    return isinstance(function, ast.Name) and function.id in {"exit", "quit"}


def _definitions(statement: ast.stmt) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """The functions and classes that a top-level statement defines at module level."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
        elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            stack.extend(ast.iter_child_nodes(node))


def _is_handed_on(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Whether a definition goes through a decorator that may call it at once."""
    for decorator in node.decorator_list:
        while isinstance(decorator, ast.Call | ast.Attribute):
            if isinstance(decorator, ast.Attribute) and decorator.attr in _HARMLESS_DECORATORS:
                break
            decorator = decorator.func if isinstance(decorator, ast.Call) else decorator.value  # noqa: PLW2901
        else:
            if not isinstance(decorator, ast.Name) or decorator.id not in _HARMLESS_DECORATORS:
                return True
    return False


def _names_in(node: ast.AST) -> Iterator[str]:
    return (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))


def _names_run_by(statement: ast.stmt) -> Iterator[str]:
    """The names that a top-level statement reads when it runs; bodies of functions run later."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            stack += [*node.decorator_list, node.args]
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            stack.extend(ast.iter_child_nodes(node))
