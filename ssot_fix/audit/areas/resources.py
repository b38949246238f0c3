"""Async resources: what a coroutine opens and has to close."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from ssot_fix.audit.area import View
from ssot_fix.audit.areas.resources_fate import Fate, Function, fate
from ssot_fix.audit.areas.resources_locks import LOCKS, lock_sites
from ssot_fix.audit.areas.resources_table import FACTORIES, READERS, RESOURCES, TRANSPARENT, Resource
from ssot_fix.audit.model import Site
from ssot_fix.audit.replaced import Replaced
from ssot_fix.audit.text import Text, enclosing
from ssot_fix.bindings import Module, Reference
from ssot_fix.callees import uses
from ssot_fix.project.resolver import Project

# What is imported from elsewhere is not followed: a file's bytes tell the same in every project.
_NO_PROJECT: Final = Project(Path(), frozenset())
# What is opened, by the top of its dotted path, and the last part as a file that may do so spells it.
_OPENED: Final = {
    top.encode(): [
        (path, path.rpartition(".")[2].encode())
        for path in (*RESOURCES, *FACTORIES, *sorted(LOCKS))
        if path.partition(".")[0] == top
    ]
    for top in dict.fromkeys(path.partition(".")[0] for path in (*RESOURCES, *FACTORIES, *LOCKS))
}
_WORD: Final = re.compile(rb"\w+")
_RAISES: Final = frozenset({"raises", "assertRaises", "assertRaisesRegex"})


@dataclass(frozen=True, slots=True)
class Opened:
    """A call that opens something, and by which dotted path."""

    module: Module
    reference: Reference
    call: ast.Call
    path: str
    resource: Resource


class ResourcesArea:
    """The area. Nothing of a project matters to it."""

    name = "resources"

    def __init__(self, _view: View) -> None:
        pass

    def sites(self, _path: str, facts: object) -> Iterable[Site]:
        """Each place in a coroutine that opens what has to be closed."""
        return cast("tuple[Site, ...]", facts)


def look(text: Text) -> tuple[Site, ...] | None:
    """The places in a file's coroutines that open what has to be closed; None if there are none.

    A place is good if a `with` closes what it opens, or the coroutine does. It is no site if that is handed on: it is
    returned, stored, passed to a call, used by an inner function; who closes it then is out of sight.

    Raises UnreadableText, Unparseable.
    """
    wanted = _wanted(text) if b"async def" in text.raw else []
    if not wanted:
        return None
    module = text.module(_seeds(text, wanted))
    found = (*_sites(text, module), *lock_sites(text, module, uses(module, _NO_PROJECT)))
    return tuple(sorted(found, key=lambda site: site.line)) or None


def _wanted(text: Text) -> list[str]:
    """The dotted paths of what a file may open: it imports the top, and calls the last part or names it anew."""
    raw, importing = text.raw, text.importing
    words = {b"builtins", *_WORD.findall(importing)}
    tops = [top for top in _OPENED if top in words]
    opened = [(path, name) for top in tops for path, name in _OPENED[top]]
    spelled = {name for name in {name for _, name in opened} if name + b"(" in raw or name + b" as " in importing}
    return [path for path, name in opened if name in spelled]


def _seeds(text: Text, wanted: Iterable[str]) -> frozenset[str]:
    """The names by which a file may go for some paths, and for what else matters: those that its imports spell."""
    others = (path for path in (*TRANSPARENT, *READERS) if f"{path.rpartition('.')[2]}(".encode() in text.raw)
    paths = [path.split(".") for path in (*wanted, *others)]
    found = {parts[1] for parts in paths if parts[0] == "builtins"}
    for taken in text.imports:
        words = {word.decode() for word in _WORD.findall(taken)}
        found.update(part for parts in paths if parts[0] in words for part in parts if part in words or b"*" in taken)
    return frozenset(found)


def _sites(text: Text, module: Module) -> Iterator[Site]:
    called = {use.call: use.path for use in uses(module, _NO_PROJECT) if use.call is not None and not use.ambiguous}
    functions: dict[ast.AST, Function] = {}
    replaced = Replaced(module)
    for opened in (*_opened(module), *_made(text, module)):
        around = _coroutine(opened.reference)
        if around is None:
            continue
        if isinstance(opened.module.parents[opened.call], ast.withitem):  # as most are
            found, name = Fate.CLOSED, ""
        else:
            function = functions.get(around) or functions.setdefault(around, Function(around))
            found, name = fate(function, opened.call, opened.resource, lambda call: called.get(call, ""))
        if found is not Fate.HANDED_ON and not _is_tested(opened, replaced):
            yield _site(opened, found, name)


def _coroutine(reference: Reference) -> ast.AsyncFunctionDef | None:
    """The coroutine whose own code a reference stands in."""
    scope = next(scope for scope in reference.scope.enclosing() if scope.kind != "comprehension")
    return scope.node if isinstance(scope.node, ast.AsyncFunctionDef) else None


def _opened(module: Module) -> Iterator[Opened]:
    """The calls that open something."""
    for use in uses(module, _NO_PROJECT):
        resource = RESOURCES.get(use.path)
        if resource is not None and use.call is not None and not use.ambiguous:
            yield Opened(module, use.reference, use.call, use.path, resource)


def _made(text: Text, module: Module) -> Iterator[Opened]:
    """The calls of a name that stands for what a factory of sessions gives, and for nothing else."""
    made: dict[ast.AST, str] = {}  # the names that are assigned one, by the factory's path
    for use in uses(module, _NO_PROJECT):
        parent = module.parents[use.call] if use.call is not None and use.path in FACTORIES else None
        if isinstance(parent, ast.Assign) and not use.ambiguous:
            made |= {target: use.path for target in parent.targets if isinstance(target, ast.Name)}
    if not made:
        return
    view = text.module({target.id for target in made if isinstance(target, ast.Name)})
    for reference in view.references:
        bindings, call = view.meanings(reference.node.id, reference.scope), view.parents[reference.node]
        path = made.get(bindings[0].node) if len(bindings) == 1 else None
        if path is not None and isinstance(call, ast.Call) and call.func is reference.node:
            yield Opened(view, reference, call, f"{path}()", FACTORIES[path])


def _is_tested(opened: Opened, replaced: Replaced) -> bool:
    """Whether a call is expected to fail, or something else was put in place of what it calls."""
    statements = (each for each in opened.module.ancestors(opened.call) if isinstance(each, ast.With | ast.AsyncWith))
    contexts = (item.context_expr for statement in statements for item in statement.items)
    if any(isinstance(each, ast.Call) and _last(each.func) in _RAISES for each in contexts):
        return True
    return replaced.at(opened.call, opened.path.rpartition(".")[2])


def _last(node: ast.expr) -> str:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _site(opened: Opened, found: Fate, name: str) -> Site:
    path = opened.path.removeprefix("builtins.")
    around = enclosing(opened.module, opened.call)
    is_good = found in {Fate.CLOSED, Fate.CLOSED_IF_ALL_GOES_WELL}
    return Site(opened.resource.kind, opened.call.lineno, f"{path} in {around}", _message(path, found, name), is_good)


def _message(path: str, found: Fate, name: str) -> str:
    match found:
        case Fate.LEFT_OPEN:
            return f"`{path}` is bound to `{name}`, and nothing in the coroutine closes it"
        case Fate.DROPPED:
            return f"`{path}` is used where it is opened, and nothing closes it"
        case Fate.CLOSED_IF_ALL_GOES_WELL:
            return f"`{name}` is closed, but not if an exception comes before"
    return ""
