"""What follows a moved import in its own file: uses of a renamed name, and of `import a.b` by its path."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ssot_fix.bindings import Module, Reference, Scope
from ssot_fix.drops import mentioned
from ssot_fix.edits import Edit, Refusal
from ssot_fix.sites import Replaced

Statement = ast.Import | ast.ImportFrom


@dataclass(frozen=True, slots=True)
class Following:
    """The edits that follow a move, and what the proof has to find in their places."""

    edits: tuple[Edit, ...] = ()
    replaced: tuple[Replaced, ...] = ()


@dataclass(frozen=True)
class Follower:
    """Finds what follows in one module; `taken` are the globals that other files take from it.

    `paths` are the dotted paths of all `import a.b` that move, each with its new one.
    """

    module: Module
    taken: frozenset[str]
    paths: Mapping[str, str]
    _claimed: set[ast.AST] = field(default_factory=set)
    _named: set[tuple[Scope, str]] = field(default_factory=set)

    # A name that is called otherwise now

    def renamed(self, statement: Statement, old: str, new: str) -> Following | None:
        """The new name for all uses of an imported one; None if they have to keep the old."""
        module, scope = self.module, self._scope_of(statement, old)
        if scope is None or scope.kind == "class" or len(scope.bindings[old]) != 1 or old in module.declared:
            return None
        is_global = scope.kind == "module"
        if is_global and (module.is_package or old in self.taken or "*" in self.taken):
            return None
        uses = self._uses(old, scope)
        exports = self._exports(old) if is_global else []
        if exports is None or self._may_be_read_from_a_class(old, scope):
            return None
        if (scope, new) in self._named or self._collides(new, [use.scope for use in uses], scope):
            return None
        names = [use.node for use in uses]
        if mentioned(module, old) or any(self._is_spelled_oddly(node, old) for node in names):
            return None
        if any(module.code(node)[1:-1] != old.encode() for node in exports):
            return None
        self._named.add((scope, new))
        replaced = [*(Replaced(node, new) for node in names), *(Replaced(node, repr(new)) for node in exports)]
        edits = [Edit(module.start(node), module.end(node), new.encode()) for node in names]
        edits += [Edit(module.start(node) + 1, module.end(node) - 1, new.encode()) for node in exports]
        return Following(tuple(edits), tuple(replaced))

    def _is_spelled_oddly(self, node: ast.expr, text: str) -> bool:
        """Whether a use is not the plain text, or prints itself, as in `f"{name=}"`."""
        module = self.module
        if module.code(node) != text.encode():
            return True
        if not any(isinstance(ancestor, ast.FormattedValue) for ancestor in module.ancestors(node)):
            return False
        behind = module.source.body[module.end(node) :].lstrip()
        return behind.startswith(b"=") and not behind.startswith(b"==")

    def _may_be_read_from_a_class(self, name: str, home: Scope) -> bool:
        """Whether a class body that binds the name, too, may read it before: then it reads the one around it."""
        for use in self.module.references:
            scope = self.module.lookup(name, use.scope) if use.node.id == name else None
            if scope is None or scope.kind != "class" or home not in scope.enclosing():
                continue
            if self.module.reads_around(use, scope):
                return True
        return False

    def _exports(self, name: str) -> list[ast.Constant] | None:
        """The entries of a name in `__all__`; None if that is not all literal."""
        found: list[ast.Constant] = []
        lists: set[ast.AST] = set()
        for statement in self.module.tree.body:
            target, value = _assigned(statement)
            if not isinstance(target, ast.Name) or target.id != "__all__":
                continue
            lists.add(target)
            if not isinstance(value, ast.List | ast.Tuple):
                return None
            if not all(isinstance(entry, ast.Constant) for entry in value.elts):
                return None
            found += [entry for entry in value.elts if isinstance(entry, ast.Constant) and entry.value == name]
        reads = [reference for reference in self.module.references if reference.node.id == "__all__"]
        return None if any(reference.node not in lists for reference in reads) else found

    # A path that is another one now

    def repathed(self, statement: Statement, old: str, new: str) -> Following | Refusal:
        """The new path for all uses of `import a.b`, which binds `a`, or why they can't follow."""
        base, new_base = old.partition(".")[0], new.partition(".")[0]
        scope = self._scope_of(statement, base)
        if scope is None:
            return Refusal("other-uses", f"what `{base}` means there can't be told")
        if other := next((binding for binding in scope.bindings[base] if binding.kind != "import"), None):
            line = getattr(other.node, "lineno", 0)
            return Refusal("ambiguous-binding", f"`{base}` is also bound on line {line}")
        uses = self._uses(base, scope)
        chains = []
        for reference in uses:
            chain = self.chain(reference.node, old)
            if chain is None and (why := self._why_not(reference, statement, scope, old, new)):
                return Refusal("other-uses", why)
            if chain is not None and not self._is_of_longer(reference.node, old) and chain not in self._claimed:
                chains.append(chain)
        if base != new_base and self._collides(new_base, [use.scope for use in uses], scope):
            return Refusal("name-taken", f"`{new_base}` already means something else in this file")
        if any(self._is_spelled_oddly(chain, old) for chain in chains):
            return Refusal("other-uses", f"`{old}` is not spelled as one plain word where it is used")
        if mentioned(self.module, base):
            return Refusal("other-uses", f"`{base}` is used in strings that are run as code")
        self._claimed.update(chains)
        edits = (Edit(self.module.start(c), self.module.end(c), new.encode()) for c in chains)
        return Following(tuple(edits), tuple(Replaced(chain, new) for chain in chains))

    def _why_not(self, use: Reference, statement: Statement, scope: Scope, old: str, new: str) -> str | None:
        """Why a use that is not of the moved module could not do without the old import."""
        line = use.node.lineno
        if any(self.chain(use.node, path) is not None for path in self.paths):
            return None
        if old.partition(".")[0] != new.partition(".")[0]:
            if all(binding.node is statement for binding in scope.bindings[use.node.id]):
                return f"`{use.node.id}` is also used in another way (line {line})"
            return None
        packages = old.split(".")
        for count in range(len(packages) - 1, 1, -1):
            package = ".".join(packages[:count])
            if f"{new}.".startswith(f"{package}."):
                return None
            if self.chain(use.node, package) is not None and not self._is_imported(package):
                return f"`{package}`, which the import brings along, is also used (line {line})"
        return None

    def _is_imported(self, package: str) -> bool:
        """Whether another import of the file brings a package."""
        for node in self.module.parents:
            for alias in node.names if isinstance(node, ast.Import) else ():
                if f"{alias.name}.".startswith(f"{package}.") and alias.name not in self.paths:
                    return True
        return False

    def _is_of_longer(self, node: ast.expr, old: str) -> bool:
        """Whether a use is of a longer path that moves by itself."""
        longer = (path for path in self.paths if path.startswith(f"{old}."))
        return any(self.chain(node, path) is not None for path in longer)

    def chain(self, node: ast.expr, dotted: str) -> ast.expr | None:
        """The attribute expression `a.b.c` that starts at a name, if it spells a dotted path."""
        first, *rest = dotted.split(".")
        if not isinstance(node, ast.Name) or node.id != first:
            return None
        for part in rest:
            parent = self.module.parents.get(node)
            if not isinstance(parent, ast.Attribute) or parent.attr != part:
                return None
            node = parent
        return node

    # Names

    def uses_of(self, statement: Statement, name: str) -> list[Reference]:
        """The uses of what a statement binds, by the name that it has in the file."""
        scope = self._scope_of(statement, name)
        return self._uses(name, scope) if scope is not None else []

    def _uses(self, name: str, scope: Scope) -> list[Reference]:
        return self._by_meaning.get((scope, name), [])

    @cached_property
    def _by_meaning(self) -> dict[tuple[Scope | None, str], list[Reference]]:
        """The references of the module by the scope whose binding they mean."""
        found: dict[tuple[Scope | None, str], list[Reference]] = {}
        for use in self.module.references:
            found.setdefault((self.module.lookup(use.node.id, use.scope), use.node.id), []).append(use)
        return found

    @cached_property
    def _homes(self) -> dict[tuple[ast.AST, str], Scope]:
        """The scopes by the statement that binds a name in them."""
        return {
            (binding.node, name): scope
            for scope in reversed(self.module.scopes)
            for name, bindings in scope.bindings.items()
            for binding in bindings
        }

    def _scope_of(self, statement: Statement, bound: str) -> Scope | None:
        """The scope that a statement binds a name in."""
        return self._homes.get((statement, bound))

    def _collides(self, name: str, scopes: Collection[Scope], home: Scope) -> bool:
        """Whether a name that an import would bind in `home` means something else there or on the way to it."""
        module = self.module
        if hasattr(builtins, name) or module.star_imports or name in module.declared:
            return True
        if any(module.lookup(name, scope) is not None for scope in (home, *scopes)):
            return True
        unbound = any(r.node.id == name and module.lookup(name, r.scope) is None for r in module.references)
        return unbound or any(name in scope.bindings for scope in module.scopes if home in scope.enclosing())


def _assigned(statement: ast.stmt) -> tuple[ast.expr | None, ast.expr | None]:
    """The target and the value of a statement that gives one name a value, or adds to it."""
    match statement:
        case ast.Assign(targets=[target], value=value):
            return target, value
        case ast.AnnAssign(target=target, value=value) | ast.AugAssign(target=target, value=value):
            return target, value
    return None, None


def names_in_all(module: Module) -> Iterator[str]:
    """The names that a literal `__all__` holds."""
    for statement in module.tree.body:
        target, value = _assigned(statement)
        if isinstance(target, ast.Name) and target.id == "__all__" and value is not None:
            yield from (str(node.value) for node in ast.walk(value) if isinstance(node, ast.Constant))
