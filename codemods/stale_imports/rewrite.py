"""From a dangling import to a site: where it goes, what follows it in the file, or why it is left alone."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from codemods.stale_imports.calls import misuse, shape_of
from codemods.stale_imports.decide import Decision
from codemods.stale_imports.following import Follower, names_in_all
from codemods.stale_imports.guards import guard_against
from codemods.stale_imports.moves import Place
from ssot_fix.bindings import Module
from ssot_fix.edits import Applicability, Refusal
from ssot_fix.import_edits import Moved
from ssot_fix.project.resolver import Project
from ssot_fix.reachability import path_entries, reachable_from
from ssot_fix.sites import Site
from ssot_fix.statements import runs_at_import

Statement = ast.Import | ast.ImportFrom
Pair = tuple[str, str | None]


@dataclass(frozen=True)
class Imports:
    """The dangling imports of one module; `decisions` tells for each pair what is to become of it."""

    codemod: str
    module: Module
    project: Project
    decisions: Mapping[Pair, Decision]
    taken: frozenset[str]

    def sites(self) -> list[Site]:
        """One site for each dangling alias, in the order of the source."""
        return [
            self._site(statement, alias, decision)
            for statement in self._statements()
            for alias in statement.names
            if (decision := self.decisions.get(self._pair(statement, alias))) is not None
            and not self._is_found_elsewhere(decision)
        ]

    def _statements(self) -> list[Statement]:
        found = [node for node in self.module.parents if isinstance(node, ast.Import | ast.ImportFrom)]
        return sorted(found, key=self.module.start)

    def _pair(self, statement: Statement, alias: ast.alias) -> Pair:
        if isinstance(statement, ast.Import):
            return alias.name, None
        return self.project.absolute(self.module.path, statement.level, statement.module or ""), alias.name

    def _is_found_elsewhere(self, decision: Decision) -> bool:
        """Whether the file puts a folder on sys.path in which the module is found."""
        if not decision.elsewhere:
            return False
        return bool(path_entries(self.module).keys() & set(decision.elsewhere))

    def _site(self, statement: Statement, alias: ast.alias, decision: Decision) -> Site:
        site = Site(self.codemod, alias, decision.kind, decision.message, Applicability.SAFE)
        site.refusal = self._refusal(statement, alias, decision)
        if site.refusal is None:
            assert decision.place is not None
            moved = self._moved(statement, alias, decision.place, site)
            if isinstance(moved, Refusal):
                site.refusal = moved
            else:
                site.moved, site.replacement = moved, _spelled(statement, moved)
        if site.refusal is not None:
            site.applicability, site.moved, site.edits, site.replaced = Applicability.MANUAL, None, (), ()
        return site

    def _refusal(self, statement: Statement, alias: ast.alias, decision: Decision) -> Refusal | None:
        if refusal := guard_against(self.module, statement):
            return Refusal(refusal.reason, f"{decision.message}; {refusal.message}")
        if decision.refusal is not None:
            return decision.refusal
        assert decision.place is not None
        target, name = decision.place.module, decision.place.name
        if self.project.locate(target) == self.module.path:
            return Refusal("own-definition", f"{decision.message}: that is this very module")
        if why := self._misuse(statement, alias, decision.place):
            return Refusal("different-signature", f"{decision.message}; {why}")
        if target.partition(".")[0] != self._pair(statement, alias)[0].partition(".")[0]:
            root = self.project.root_of(target)
            reached = reachable_from(self.module, self.project, root, target.partition(".")[0])
            if isinstance(reached, Refusal):
                return Refusal(reached.reason, f"{decision.message}; {reached.message}")
        if not runs_at_import(self.module, statement):
            return None
        if decision.closes_cycle or self.project.leads_back(target, name, self.module.path):
            return Refusal("import-cycle", f"{decision.message}, which imports this module")
        return None

    def _misuse(self, statement: Statement, alias: ast.alias, place: Place) -> str | None:
        """Why the file's calls don't fit what is to be imported."""
        if place.name is None or alias.name == "*" or isinstance(statement, ast.Import):
            return None
        uses = self._follower.uses_of(statement, alias.asname or alias.name)
        shape = shape_of(self.project, place.module, place.name) if uses else None
        return misuse(self.module, uses, shape) if shape is not None else None

    # Where it goes

    def _moved(self, statement: Statement, alias: ast.alias, place: Place, site: Site) -> Moved | Refusal:
        if alias.name == "*":
            return self._moved_star(statement, alias, place)
        if lacking := self._lacking(alias, statement, place):
            return Refusal("target-lacks-name", f"{site.message}, which has no `{lacking}`, and that is used here")
        if isinstance(statement, ast.Import):
            if alias.asname is not None:
                return Moved(statement, alias, place.module, place.name, alias.asname)
            return self._moved_path(statement, alias, place, site)
        module, name = place.module, place.name
        if name is None:  # a submodule of a package that went as a whole, or was taken as a name
            module, _, name = place.module.rpartition(".")
            if not module:  # no part of a package: `import six`
                return Moved(statement, alias, place.module, None, alias.asname or alias.name)
        bound = alias.asname or alias.name
        if alias.asname is None and name != alias.name:
            following = self._follower.renamed(statement, alias.name, name)
            if following is not None:
                bound, site.edits, site.replaced = name, following.edits, following.replaced
        return Moved(statement, alias, module, name, bound)

    def _lacking(self, alias: ast.alias, statement: Statement, place: Place) -> str | None:
        """A name that the file takes from a module by its attribute, and that the new module lacks."""
        if place.name is not None:
            return None
        path = alias.asname or alias.name
        for use in self._follower.uses_of(statement, path.partition(".")[0]):
            module = self._follower.chain(use.node, path)
            attribute = self.module.parents.get(module) if module is not None else None
            if isinstance(attribute, ast.Attribute) and self.project.offers(place.module, attribute.attr) is False:
                return attribute.attr
        return None

    def _moved_path(self, statement: Statement, alias: ast.alias, place: Place, site: Site) -> Moved | Refusal:
        if place.name is not None:
            return Refusal("other-uses", f"`import {alias.name}` can't become an import of a name")
        following = self._follower.repathed(statement, alias.name, place.module)
        if isinstance(following, Refusal):
            return Refusal(following.reason, f"{site.message}; {following.message}")
        site.edits, site.replaced = following.edits, following.replaced
        return Moved(statement, alias, place.module, None, place.module.partition(".")[0])

    @cached_property
    def _follower(self) -> Follower:
        moved = ((module, decision.place) for (module, name), decision in self.decisions.items() if name is None)
        paths = {module: place.module for module, place in moved if place is not None and place.name is None}
        return Follower(self.module, self.taken, paths)

    def _moved_star(self, statement: Statement, alias: ast.alias, place: Place) -> Moved | Refusal:
        if self.module.strings_run_as_code or self.module.parsed.parser != "ast":
            return Refusal("star-import", "which names it takes from there is known only at run time")
        unknown = self._out_of_sight() | set(names_in_all(self.module)) - self._bound_here
        missing = sorted(name for name in unknown if not self._exported(place.module, name, set()))
        if missing:
            return Refusal("star-import", f"{place.module} is not known to have {', '.join(missing[:3])}")
        if self.module.is_package or "*" in self.taken:
            return Refusal("star-import", "other modules may take names from here that come through the star")
        return Moved(statement, alias, place.module, "*", "*")

    @cached_property
    def _symbols(self) -> symtable.SymbolTable:
        return symtable.symtable(self.module.source.text, self.module.path, "exec")

    @cached_property
    def _bound_here(self) -> set[str]:
        """The global names that the file binds."""
        table = self._symbols
        bound = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
        for scope in _scopes_in(table):
            for symbol in scope.get_symbols():
                if symbol.is_declared_global() and symbol.is_assigned():
                    bound.add(symbol.get_name())
        return bound

    def _out_of_sight(self) -> set[str]:
        """The global names that the file reads and nothing in it binds."""
        table = self._symbols
        read = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
        for scope in _scopes_in(table):
            read |= {s.get_name() for s in scope.get_symbols() if s.is_referenced() and s.is_global()}
        return read - self._bound_here - set(dir(builtins)) - {"__file__", "__path__"}

    def _exported(self, module: str, name: str, seen: set[str]) -> bool:
        path = self.project.locate(module)
        names = self.project.names(path) if path else None
        if path is None or names is None or module in seen:
            return False
        seen.add(module)
        if names.exported is not None:
            return name in names.exported
        if name.startswith("_"):
            return False
        stars = (self.project.absolute(path, *star) for star in names.stars)
        return name in names.bound or any(self._exported(star, name, seen) for star in stars)


def _scopes_in(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """The scopes inside another one."""
    waiting = table.get_children()
    while waiting:
        scope = waiting.pop()
        yield scope
        waiting += scope.get_children()


def _spelled(statement: Statement, moved: Moved) -> str:
    """The new import by itself, for the report."""
    if moved.name is None:
        renamed = isinstance(statement, ast.Import) and moved.alias.asname is not None
        return f"import {moved.module}" + (f" as {moved.bound}" if renamed else "")
    return f"from {moved.module} import {moved.name}" + (f" as {moved.bound}" if moved.bound != moved.name else "")
