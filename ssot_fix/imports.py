"""Reaching a target at a place: through an import that binds it there already, or through a new one."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cached_property

from ssot_fix.bindings import Binding, Module, Reference, Scope
from ssot_fix.edits import Edit, Refusal
from ssot_fix.import_places import ModulePlaces, NamePlaces, Placement, Places, Target
from ssot_fix.project.resolver import Project
from ssot_fix.run_order import RunOrder
from ssot_fix.statements import blocks, leaves

__all__ = ["Binder", "Reach", "Target"]


# Loaded before any code of a project runs, so that a file of the same name is never found.
_ALWAYS_LOADED = frozenset({"builtins", "sys"})


@dataclass(frozen=True, slots=True)
class Reach:
    """How a place reaches the target: an expression, and whether an import has to be added for it."""

    expression: str
    needs_import: bool


@dataclass(frozen=True, slots=True)
class _Route:
    expression: str
    statement: ast.stmt


class Binder:
    """Finds, for each place in a module, an expression that means the target."""

    def __init__(self, module: Module, project: Project, target: Target, earliest: int = 0) -> None:
        """`earliest` is the index of the top-level statement from which on the target can be imported."""
        self._module = module
        self.project = project
        self.target = target
        self._order = RunOrder(module)
        places: type[Places] = NamePlaces if target.name else ModulePlaces
        self._places = places(module, project, target, self._order, earliest)

    def reach(self, node: ast.AST, scope: Scope) -> Reach | Refusal:
        """An expression for the target at a node, or why there is none (`name-taken`, `use-before-import`)."""
        if self._is_out_of_reach:
            return Refusal("name-taken", f"`{self.target.module}` is also a module of the project")
        for candidate in scope.enclosing():
            if candidate.kind == "function" and (local := self._local_route(candidate, node, scope)):
                return Reach(local, needs_import=False)
        for route in self._routes:
            if self._module.lookup(route.expression.partition(".")[0], scope) is self._module.root:
                if self._order.runs_before(node, self._order.top_index(route.statement) + 1):
                    line = route.statement.lineno
                    return Refusal("use-before-import", f"runs before the import on line {line}")
                return Reach(route.expression, needs_import=False)
        if local := self._local_route(self._module.root, node, scope):
            return Reach(local, needs_import=False)
        return self._reach_by_new_import(node, scope)

    @cached_property
    def _is_out_of_reach(self) -> bool:
        """Whether an import of the standard library's module may find one of the project in its place."""
        module = self.target.module
        if self.target.name or module in _ALWAYS_LOADED:
            return False
        folder = posixpath.dirname(self._module.path)
        return self.project.locate(module, {*self.project.source_roots, folder}) is not None

    def _reach_by_new_import(self, node: ast.AST, scope: Scope) -> Reach | Refusal:
        name = self.target.bound
        found = self._module.lookup(name, scope)
        if found is not None and not (found is self._module.root and self._same_meaning(found.bindings[name])):
            line = getattr(found.bindings[name][0].node, "lineno", 0)
            return Refusal("name-taken", f"`{name}` already means something else here (line {line})")
        if found is None and self._reads_unbound:
            return Refusal("name-taken", f"the file reads a `{name}` that something out of sight binds")
        if self._module.parsed.hides(name, self._module.start(node)) or self._star_may_bind(name):
            return Refusal("name-taken", f"a star import or type parameter may bind `{name}`")
        placement = self.placement_for([node])
        if self._order.runs_before(node, placement.index):
            return Refusal("use-before-import", "runs before any place where the import may stand")
        return Reach(name, needs_import=True)

    def means_target(self, expression: str, reference: Reference) -> bool:
        """Whether an expression whose base is a reference means the target there, and is bound in time."""
        found = self.reach(reference.node, reference.scope)
        return isinstance(found, Reach) and not found.needs_import and found.expression == expression

    @cached_property
    def _reads_unbound(self) -> bool:
        """Whether the file reads the name that the target binds where nothing in sight binds it."""
        name, lookup = self.target.bound, self._module.lookup
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
        if target == self.target.dotted:
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

    def _local_route(self, holder: Scope, node: ast.AST, scope: Scope) -> str | None:
        """The target through an import of a scope around a node that stands before it in a block around it."""
        for bindings in holder.bindings.values():
            expressions = {self._expression(binding) for binding in bindings}
            if len(expressions) != 1 or not (expression := expressions.pop()):
                continue
            visible = self._module.lookup(expression.partition(".")[0], scope) is holder
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
            and all(leaves(handler.body[-1]) for handler in parent.handlers)
        )

    def _same_meaning(self, bindings: Sequence[Binding]) -> bool:
        """Whether a global that an import above would bind first is bound to the same by all the others.

        One that is tried, and may be missing afterwards, is there for when it can't be imported.
        """
        tried = any(isinstance(a, ast.Try) for binding in bindings for a in self._module.ancestors(binding.node))
        return not tried and all(self._expression(binding) == self.target.bound for binding in bindings)

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
            if self.project.matches(path, rb"\b" + re.escape(name).encode() + rb"\b"):
                return found != (self.target.module, self.target.name)
        return False

    # The import

    def placement_for(self, nodes: Sequence[ast.AST], busy: Container[ast.AST] = ()) -> Placement:
        """The best place for the import that comes before all of the nodes, if there is one.

        `busy` are statements that are edited already.
        """
        return self._places.placement_for(nodes, busy)

    def edits(self, placement: Placement, dropped: frozenset[ast.stmt]) -> list[Edit]:
        """The edits, in `Source.body` offsets, that add the import; `dropped` are statements on their way out."""
        return self._places.edits(placement, dropped)
