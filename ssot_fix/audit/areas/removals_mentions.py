"""What in the head still refers to what went: imports, attributes where bindings tell, strings that are its path."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ssot_fix.audit.areas.removals_classes import Classes
from ssot_fix.audit.areas.removals_losses import Loss, Range
from ssot_fix.audit.areas.removals_methods import MethodUses, meaning_of
from ssot_fix.audit.model import Mention, Place
from ssot_fix.audit.text import Text
from ssot_fix.bindings import Module

AREA = "removals"


class Mentions:
    """Finds the mentions of losses; files are chosen by what scans tell of their imports and strings."""

    def __init__(self, span: Range, losses: Sequence[Loss]) -> None:
        self._span = span
        self._view = span.view
        self._project = span.view.project
        self._classes = Classes(span)
        self._modules = {self._project.module_name(loss.path) for loss in losses}
        # By module and name; an empty name stands for the module as such, or for what lies in it.
        self._importers: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._strings: dict[str, set[str]] = defaultdict(set)
        for path in self._view.python if losses else ():
            self._file(path)

    def _file(self, path: str) -> None:
        for each in self._view.index.scan_of(path).imports:
            target = self._project.absolute(path, each.level, each.module) if each.level else each.module
            for module in self._among(target):
                for name in each.names or ("",):
                    self._importers[module, name if module == target else ""].add(path)
            for dotted in (f"{target}.{name}" for name in each.names):
                if dotted in self._modules:
                    self._importers[dotted, ""].add(path)
        texts = self._view.facts(AREA, path)
        for text in texts if isinstance(texts, tuple) else ():
            for module in self._among(text.replace(":", ".")):
                self._strings[module].add(path)

    def _among(self, dotted: str) -> Iterator[str]:
        """The modules that went, or lost something, among what a dotted path begins with."""
        while dotted:
            if dotted in self._modules:
                yield dotted
            dotted = dotted.rpartition(".")[0]

    def of(self, loss: Loss) -> tuple[Mention, ...]:
        """The mentions of one loss, by path and line; none of what the head may still have."""
        module = self._project.module_name(loss.path)
        if not self._is_missing(loss, module):
            return ()
        found: set[Mention] = set()
        for path in sorted(self._users(loss, module)):
            found.update(self._bound(path, loss, module))
        for path in sorted(self._strings[module]):
            found.update(self._spelled(path, f"{module}.{loss.name}" if loss.name else module))
        return tuple(sorted(found))

    def _users(self, loss: Loss, module: str) -> set[str]:
        """The files whose imports may lead to a loss, and the module's own."""
        own = {loss.now} if loss.now else set()
        if not loss.name:
            return own.union(*(paths for (name, _), paths in self._importers.items() if name == module))
        outer = loss.name.partition(".")[0]
        return own.union(*(self._importers.get((module, name), ()) for name in (outer, "", "*")))

    def _is_missing(self, loss: Loss, module: str) -> bool:
        if not loss.name:
            return not self._view.index.exists(module)
        around, _, last = loss.name.rpartition(".")
        if around:
            return loss.kind == "method" and self._classes.lacks(loss.now, around, last)
        return self._view.index.offers(module, last) is False

    def _spelled(self, path: str, dotted: str) -> Iterator[Mention]:
        head = self._span.head(path)
        renamed = self._renamed(head.text) if head and head.text else set()
        for node in _strings(head.text) if head and head.text else ():
            if id(node) in renamed:
                continue
            text = str(node.value).replace(":", ".", 1)
            if text == dotted or (text.startswith(f"{dotted}.") and _is_path(text)):
                yield self._mention(path, node.lineno, "string")

    def _renamed(self, text: Text) -> set[int]:
        """The strings that stand beside the path of a module that is there: a table of what was renamed holds both."""
        return {id(old) for old, new in _pairs(text) if "." in new and _is_path(new) and self._view.index.exists(new)}

    def _bound(self, path: str, loss: Loss, module: str) -> Iterator[Mention]:
        """Imports of a loss, and attributes that lead to it."""
        head = self._span.head(path)
        last = loss.name.partition(".")[0] or module.rpartition(".")[2]
        method = loss.name.rpartition(".")[2] if loss.kind == "method" else ""
        if head is None or not all(name.encode() in head.raw for name in (last, method)) or head.text is None:
            return
        dotted = f"{module}.{loss.name}" if loss.name else module
        yield from (self._mention(path, line, "import") for line in self._imports(path, head.text, dotted, loss))
        if loss.name:
            seeds = {last, module.partition(".")[0], module.rpartition(".")[2]}
            user = Module(path, self._project.module_name(path), head.text.source, head.text.parsed, seeds)
            around = loss.name.rpartition(".")[0]
            uses = MethodUses(user, module, around, method) if method else _NameUses(user, dotted)
            yield from (self._mention(path, line, "attribute") for line in uses.all())

    def _imports(self, path: str, text: Text, dotted: str, loss: Loss) -> Iterator[int]:
        """The lines of what is imported under a dotted path; of a module, also what is imported from it."""
        for node in (*text.nodes.get(ast.Import, ()), *text.nodes.get(ast.ImportFrom, ())):
            for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
                taken = alias.name
                if isinstance(node, ast.ImportFrom):
                    taken = f"{self._project.absolute(path, node.level, node.module or '')}.{alias.name}"
                if taken == dotted:
                    yield alias.lineno
                elif not loss.name and taken.startswith(f"{dotted}."):  # however many names it takes from there
                    yield node.lineno

    def _mention(self, path: str, line: int, how: str) -> Mention:
        return Mention(Place(path, line, self._view.scope(path), self._view.service(path)), how)


class _NameUses:
    """Looks through one file for attributes that are a name of a module."""

    def __init__(self, user: Module, dotted: str) -> None:
        self._user = user
        self._dotted = dotted

    def all(self) -> Iterator[int]:
        """The lines of attributes that lead to it."""
        for reference in self._user.references:
            meaning = meaning_of(self._user, reference)
            yield from self._attribute(reference.node, meaning) if meaning else ()

    def _attribute(self, node: ast.expr, path: str) -> Iterator[int]:
        """Attributes behind a name that lead to the loss."""
        parent = self._user.parents.get(node)
        while isinstance(parent, ast.Attribute) and parent.value is node:
            node, path = parent, f"{path}.{parent.attr}"
            if path == self._dotted:
                yield node.end_lineno or node.lineno
                return
            parent = self._user.parents.get(node)


def _strings(text: Text) -> Iterator[ast.Constant]:
    """The strings that are no statements of their own, as docstrings are."""
    statements = {id(node.value) for node in text.nodes.get(ast.Expr, ()) if isinstance(node, ast.Expr)}
    for node in text.nodes.get(ast.Constant, ()):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in statements:
            yield node


def _pairs(text: Text) -> Iterator[tuple[ast.Constant, str]]:
    """Strings that are a call's first two arguments, a key of a dict and its value, or a pair."""
    candidates: list[tuple[ast.expr | None, ast.expr]] = []
    for call in text.nodes.get(ast.Call, ()):
        if isinstance(call, ast.Call) and len(call.args) > 1:
            candidates.append((call.args[0], call.args[1]))
    for table in text.nodes.get(ast.Dict, ()):
        if isinstance(table, ast.Dict):
            candidates += zip(table.keys, table.values, strict=True)
    for pair in text.nodes.get(ast.Tuple, ()):
        if isinstance(pair, ast.Tuple) and len(pair.elts) == 2:
            candidates.append((pair.elts[0], pair.elts[1]))
    for old, new in candidates:
        match old, new:
            case ast.Constant(value=str()), ast.Constant(value=str() as written):
                yield old, written


def _is_path(text: str) -> bool:
    return all(map(str.isidentifier, text.split(".")))
