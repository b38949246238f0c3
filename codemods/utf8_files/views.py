"""Files as seen by inference: the bindings of the names asked for so far, and values refined to a fixed point.

A name that no view holds yet is noted and has no value for now; between rounds the views of the files that lack names
are built anew. So each round costs one walk over the lines that spell the names, however many receivers there are.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from typing import Any, TypeVar

from codemods.utf8_files.values import NOTHING, UNKNOWN, Value, join
from ssot_fix.bindings import Module, Reference, Scope, load
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.project.resolver import Project
from ssot_fix.source import UnreadableText

_ROUNDS = 10  # each looks one step further along a chain of assignments
_FILES_AWAY = 3
_NAMES_AT_MOST = 1_000  # in one file; a view's cost is that of its words times these
_COMPUTED_AT_MOST = 60  # times; the lattice is low, so only something odd takes more

# What most files need; asking for it at once saves a round.
_USUAL = frozenset({"Path", "pathlib"})

_Result = TypeVar("_Result")
Rule = Callable[..., Value]
Key = tuple[Any, ...]  # a rule and its arguments
Evaluate = Callable[["File", ast.expr, int], Value]
Variable = Callable[["File", str, Scope], Value]


class View:
    """A module's names with what has to be looked up often."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.scope_of: dict[ast.Name, Scope] = {each.node: each.scope for each in module.references}
        # The scope of type parameters comes before that of the definition itself.
        self.scope_at: dict[ast.AST, Scope] = {scope.node: scope for scope in module.scopes}
        self.cache: dict[Key, Any] = {}

    def cached(self, rule: Callable[..., _Result], *place: Hashable) -> _Result:
        """What a function of the view and a place gives, computed once."""
        key = (rule, *place)
        if key not in self.cache:
            self.cache[key] = rule(self, *place)
        found: _Result = self.cache[key]
        return found

    @cached_property
    def uses(self) -> dict[str, list[Reference]]:
        """The places that read a name."""
        found: dict[str, list[Reference]] = {}
        for reference in self.module.references:
            found.setdefault(reference.node.id, []).append(reference)
        return found

    @cached_property
    def attributes(self) -> dict[str, list[ast.Attribute]]:
        """The attributes called by a name, of whatever."""
        found: dict[str, list[ast.Attribute]] = {}
        for attribute in self.module.attributes:
            found.setdefault(attribute.attr, []).append(attribute)
        return found

    @cached_property
    def tests(self) -> dict[str, list[ast.Call]]:
        """The calls of isinstance by the name that they are about, in the order of the source."""
        found: dict[str, list[ast.Call]] = {}
        for reference in self.module.references:
            match self.module.parents[reference.node]:
                case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name() as first, _]) as call:
                    if first is reference.node:
                        found.setdefault(first.id, []).append(call)
        for calls in found.values():
            calls.sort(key=lambda call: (call.lineno, call.col_offset))
        return found


class File:
    """A file and the view of it in the current round; `away` is how many imports lead to it."""

    def __init__(self, inference: Inference, module: Module, away: int) -> None:
        self.inference = inference
        self.module = module
        self.away = away
        self.view = View(module)
        self._wanted = set(_USUAL)

    def knows(self, *names: str) -> bool:
        """Whether the view holds names; if not, the next one will."""
        if not self._is_full:
            self._wanted.update(names)
        return self.view.module.names.issuperset(names)

    @property
    def _is_full(self) -> bool:
        return len(self._wanted) >= _NAMES_AT_MOST

    @property
    def lacks_names(self) -> bool:
        """Whether names were asked for that the view doesn't hold."""
        return not self._wanted <= self.view.module.names

    def grow(self) -> None:
        """Build a view that holds all names asked for."""
        module = self.module
        self.view = View(Module(module.path, module.name, module.source, module.parsed, self._wanted))

    @property
    def pending(self) -> Value:
        """The value of what the view doesn't hold: none yet, and unknown if no other view will."""
        return UNKNOWN if self.inference.is_last_round or self._is_full else NOTHING

    def value(self, node: ast.expr, depth: int = 0) -> Value:
        """What an expression of the file may be."""
        return self.inference.evaluate(self, node, depth)

    def variable(self, name: str, scope: Scope) -> Value:
        """What a name may be in a scope, by all of its bindings."""
        return self.inference.variable(self, name, scope)

    def read(self, rule: Rule, *place: Hashable) -> Value:
        """The value that a rule finds for a place in this file."""
        return self.inference.read(rule, self, *place)

    def hides(self, name: str, node: ast.AST) -> bool:
        """Whether lowering took away what a name means at a node of the file."""
        parsed = self.module.parsed
        return bool(parsed.hidden) and parsed.hides(name, self.module.start(node))


class Inference:
    """Values of expressions, names and attributes in a file and those that it imports from.

    A value is computed by a rule from others; what it read is remembered, and it is computed again when that changes.
    """

    def __init__(self, project: Project, evaluate: Evaluate, variable: Variable) -> None:
        self.project = project
        self.evaluate = evaluate
        self.variable = variable
        self.is_last_round = False
        self._files: dict[str, File | None] = {}
        self._is_nearer = False
        self._values: dict[Key, Value] = {}
        self._computed: dict[Key, int] = {}
        self._readers: dict[Key, dict[Key, None]] = {}
        self._waiting: dict[Key, None] = {}
        self._current: Key | None = None

    def add(self, module: Module) -> File:
        """The file that the receivers are in."""
        file = File(self, module, 0)
        self._files[module.path] = file
        return file

    def open(self, path: str, name: str, away: int) -> File | None:
        """A file of the project that a name is imported from; None if it is too far away or can't be read."""
        if away > _FILES_AWAY:
            return None
        if path not in self._files:
            self._files[path] = self._load(path, name, away)
        file = self._files[path]
        if file is not None and away < file.away:
            file.away = away
            self._is_nearer = True  # what it imports was out of reach
        return file

    def _load(self, path: str, name: str, away: int) -> File | None:
        try:
            raw = self.project.read(path)
            module = load(path, self.project.module_name(path), raw, (name, *_USUAL))
        except (OSError, UnreadableText, Unparseable):
            return None
        return File(self, module, away)

    def solve(self, rule: Rule, places: Iterable[tuple[Hashable, ...]]) -> list[Value]:
        """The values that a rule finds for several places, once all names that they need are known."""
        keys = [(rule, *place) for place in places]
        if not keys:
            return []
        for number in range(_ROUNDS):
            self.is_last_round = number == _ROUNDS - 1
            self._settle(keys)
            lacking = [file for file in self._files.values() if file is not None and file.lacks_names]
            if not lacking and not self._is_nearer:
                break
            self._is_nearer = False
            for file in lacking:
                file.grow()
        return [self._values[key] for key in keys]

    def close(self) -> None:
        """Forget the files and what is known of them: they hold this object, and nobody collects cycles meanwhile."""
        for memory in (self._values, self._computed, self._readers, self._files):
            memory.clear()

    def _settle(self, keys: Iterable[Key]) -> None:
        for memory in (self._values, self._computed, self._readers):
            memory.clear()
        for key in keys:
            self.read(*key)
        while self._waiting:
            key = next(iter(self._waiting))
            del self._waiting[key]
            self._compute(key)

    def read(self, rule: Rule, *place: Hashable) -> Value:
        """The value that a rule finds for a place, as far as it is known."""
        key = (rule, *place)
        if self._current is not None:
            self._readers.setdefault(key, {})[self._current] = None
        if key not in self._values:
            self._values[key] = NOTHING
            self._waiting[key] = None
        return self._values[key]

    def _compute(self, key: Key) -> None:
        self._current = key
        self._computed[key] = self._computed.get(key, 0) + 1
        rule, *place = key
        old = self._values[key]
        new = join([old, rule(*place)]) if self._computed[key] <= _COMPUTED_AT_MOST else UNKNOWN
        self._current = None
        if new != old:
            self._values[key] = new
            self._waiting |= self._readers.get(key, {})
