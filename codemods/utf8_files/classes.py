"""What classes of the project and their instances have: class-level names, methods, and what methods set on `self`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.utf8_files import library
from codemods.utf8_files.assigning import assigned
from codemods.utf8_files.functions import PROPERTIES, class_of_method, decorators, first_parameter, given_back
from codemods.utf8_files.meanings import bound
from codemods.utf8_files.mutations import put_into, with_contents
from codemods.utf8_files.values import NOTHING, OTHER, UNKNOWN, Value, join, vague
from codemods.utf8_files.views import File, View
from ssot_fix.bindings import Scope

_FOREIGN_AT_MOST = 50  # stores to an attribute of something else than `self` that are looked at
# Methods that only set or delete the property of their name.
_ACCESSORS = frozenset({"setter", "deleter"})


def member(owner: Value, name: str) -> Value:
    """An attribute of a class of the project, or of an instance of one."""
    if not isinstance(owner.file, File) or owner.node is None:
        return UNKNOWN
    return owner.file.read(_member, owner.node, name)


def lineage(value: Value) -> Value:
    """OTHER if an instance of a class is surely no path and the like, whatever it inherits from."""
    if not isinstance(value.file, File) or value.node is None:
        return UNKNOWN
    return value.file.read(_lineage, value.node)


def _lineage(file: File, node: ast.ClassDef) -> Value:
    return join([OTHER, *(_harmless(_base(file, base)) for base in node.bases)])


def _harmless(base: Value) -> Value:
    match base.kind:
        case "class":
            return lineage(base)
        case "library":
            return OTHER if library.harmless_base(base.dotted) else UNKNOWN
    return vague(base)


def _base(file: File, node: ast.expr) -> Value:
    """What a class inherits from; of `Base[T]` the class itself."""
    return file.value(node.value if isinstance(node, ast.Subscript) else node)


def _member(file: File, node: ast.ClassDef, name: str) -> Value:
    """By the class and its bases; if they have it, what subclasses in the file make of it counts, too."""
    if not file.knows(name, node.name):
        return file.pending
    value = file.read(_inherited, node, name)
    if not value.is_nothing:
        value = join([value, file.read(_overridden, node, name)])
    return value


def _inherited(file: File, node: ast.ClassDef, name: str) -> Value:
    """By the class, and by its bases as far as they are known; one that isn't counts only if the class lacks it."""
    is_own = _has_own(file, node, name)
    bases = [_base(file, base) for base in node.bases]
    return join([file.read(_own, node, name), *(_from_base(base, name, is_own) for base in bases)])


def _from_base(base: Value, name: str, is_own: bool) -> Value:
    if base.kind == "class" and isinstance(base.file, File):
        if not base.file.knows(name):
            return base.file.pending
        return base.file.read(_inherited, base.node, name)
    if is_own or base.is_nothing:
        return NOTHING
    return NOTHING if base.kind == "library" and library.harmless_base(base.dotted) else UNKNOWN


def _overridden(file: File, node: ast.ClassDef, name: str) -> Value:
    """What subclasses in the same file, and theirs, give to a name."""
    below = file.view.cached(_subclasses, node)
    return join(join([file.read(_own, each, name), file.read(_overridden, each, name)]) for each in below)


def _subclasses(view: View, node: ast.ClassDef) -> list[ast.ClassDef]:
    found: list[ast.ClassDef] = []
    for use in view.uses.get(node.name, ()):
        parent = view.module.parents[use.node]
        if isinstance(parent, ast.ClassDef) and use.node in parent.bases and parent is not node:
            found.append(parent)
    return found


def _has_own(file: File, node: ast.ClassDef, name: str) -> bool:
    """Whether a class itself binds a name or sets it on `self`."""
    scope = file.view.scope_at.get(node)
    if scope is not None and name in scope.bindings:
        return True
    return any(isinstance(each.ctx, ast.Store) for each in file.view.cached(_by_class, name).get(node, ()))


def _own(file: File, node: ast.ClassDef, name: str) -> Value:
    """What a class binds a name to, what its methods set on `self`, and what is put in there."""
    by_class = file.view.cached(_by_class, name)
    stores = [each for each in by_class.get(node, ()) if isinstance(each.ctx, ast.Store)]
    foreign = [each for each in by_class.get(None, ()) if isinstance(each.ctx, ast.Store)][:_FOREIGN_AT_MOST]
    owners = {each.value.id for each in (*stores, *foreign) if isinstance(each.value, ast.Name)}
    if not file.knows(*owners):
        return file.pending
    stores += [each for each in foreign if isinstance(each.value, ast.Name) and _is_of(file, each.value, node)]
    scope = file.view.scope_at.get(node)
    class_level = _class_level(file, scope, name) if scope is not None else ()
    value = join([*class_level, *(_stored(file, store) for store in stores)])
    return with_contents(file, value, stores, _put_into, node, name)


def _is_of(file: File, node: ast.Name, owner: ast.ClassDef) -> bool:
    """Whether a name holds an instance of a class."""
    value = file.value(node)
    return value.node is owner and value.file is file


def _class_level(file: File, scope: Scope, name: str) -> Iterator[Value]:
    for binding in scope.bindings.get(name, ()):
        if isinstance(binding.node, ast.FunctionDef) and (names := decorators(binding.node)):
            if names & PROPERTIES:
                yield file.read(given_back, binding.node)
                continue
            if names & _ACCESSORS:
                continue
        yield file.read(bound, scope, binding)


def _stored(file: File, store: ast.Attribute) -> Value:
    scope = file.view.scope_of.get(store.value) if isinstance(store.value, ast.Name) else None
    return assigned(file, store, scope or file.view.module.root)


def _by_class(view: View, name: str) -> dict[ast.ClassDef | None, list[ast.Attribute]]:
    """Where an attribute stands, by the class whose methods have its owner as receiver; None: of anything else."""
    found: dict[ast.ClassDef | None, list[ast.Attribute]] = {}
    for attribute in view.attributes.get(name, ()):
        found.setdefault(_class_of_self(view, attribute.value), []).append(attribute)
    return found


def _class_of_self(view: View, node: ast.expr) -> ast.ClassDef | None:
    """The class whose method has a name as its first parameter, and as nothing else."""
    scope = view.scope_of.get(node) if isinstance(node, ast.Name) else None
    found = view.module.lookup(node.id, scope) if scope is not None and isinstance(node, ast.Name) else None
    if found is None or not isinstance(found.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    bindings = found.bindings[node.id] if isinstance(node, ast.Name) else []
    is_receiver = len(bindings) == 1 and bindings[0].node is first_parameter(found.node)
    return class_of_method(found) if is_receiver else None


def _put_into(file: File, node: ast.ClassDef, name: str, kind: str, is_empty: bool) -> Value:
    uses = file.view.cached(_by_class, name).get(node, ())
    return join(put_into(file, use, file.view.module.root, kind, is_empty) for use in uses)
