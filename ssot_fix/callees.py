"""What a name with attributes behind it stands for: `sp.run` after `import subprocess as sp` is `subprocess.run`."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from ssot_fix.bindings import Binding, Module, Reference, Scope
from ssot_fix.project.resolver import Project

# Modules of the standard library whose star gives away another `open`.
_OPENERS = frozenset(
    {"os", "io", "gzip", "bz2", "lzma", "codecs", "tarfile", "shelve", "dbm", "dbm.dumb", "wave", "webbrowser"}
    | {"aifc", "ossaudiodev", "posix", "sunau", "tokenize", "_io", "_pyio"}
)
# The uses of each module that is still there, and the project that they were found in.
_KNOWN: WeakKeyDictionary[Module, tuple[Project, Sequence[Use]]] = WeakKeyDictionary()
_BUILTINS = frozenset(dir(builtins))
# Loaded before any code of a project runs, so that a file of the same name is never found.
_ALWAYS_THERE = frozenset({"builtins", "codecs", "io", "os", "sys"})


@dataclass(frozen=True, slots=True)
class Use:
    """A use of something by its dotted path; builtins are found under `builtins`.

    `node` is the whole expression that names it, `call` the call of it, if it is called at once. `ambiguous`: the
    name may stand for something else, too.
    """

    path: str
    node: ast.expr
    reference: Reference
    call: ast.Call | None
    ambiguous: bool = False


def uses(module: Module, project: Project) -> Sequence[Use]:
    """The uses of everything that a module's names of interest stand for, in the order of the source.

    Names that stand for nothing imported or built in are left out; one that may stand for several things comes
    once for each of them. They are worked out once, for all who ask.
    """
    known = _KNOWN.get(module)
    if known is None or known[0] is not project:
        known = _KNOWN[module] = project, tuple(_uses(module, project))
    return known[1]


def _uses(module: Module, project: Project) -> Iterator[Use]:
    for reference in module.references:
        meanings, is_certain = _meanings(module, project, reference)
        if not meanings:
            continue
        node: ast.expr = reference.node
        parent = module.parents[node]
        attributes = ""
        while isinstance(parent, ast.Attribute):
            node, attributes, parent = parent, f"{attributes}.{parent.attr}", module.parents[parent]
        call = parent if isinstance(parent, ast.Call) and parent.func is node else None
        for meaning in meanings:
            path = _canonical(project, f"{meaning}{attributes}")
            ambiguous = not is_certain or _is_hidden(project, path.partition(".")[0])
            yield Use(path, node, reference, call, ambiguous)


def _meanings(module: Module, project: Project, reference: Reference) -> tuple[list[str], bool]:
    """The dotted paths that a name may stand for, and whether it is sure to stand for the one of them."""
    name = reference.node.id
    if module.parsed.hides(name, module.start(reference.node)):
        return [], False
    bindings = module.meanings(name, reference.scope)
    if not bindings:
        found, is_certain = _unbound(module, project, name)
        return [found] if found else [], is_certain
    targets = {_target(module, binding) for binding in bindings}
    in_root = module.lookup(name, reference.scope) is module.root
    is_certain = len(targets) == 1 and not (in_root and is_starred_over(module, project, bindings))
    return sorted(target for target in targets if target is not None), is_certain


def is_starred_over(module: Module, project: Project, bindings: Sequence[Binding]) -> bool:
    """Whether a star import behind the first of a global's bindings may bind its name anew."""
    if not module.star_imports or not bindings:
        return False
    first = min(module.start(binding.node) for binding in bindings)
    later = [statement for statement in module.star_imports if module.start(statement) > first]
    return any(_may_bind(module, project, statement, bindings[0].name) is not False for statement in later)


def _may_bind(module: Module, project: Project, statement: ast.ImportFrom, name: str) -> bool | None:
    """Whether a star import binds a name; None if that is out of sight."""
    origin = module.absolute("." * statement.level + (statement.module or ""))
    if project.locate(origin) is not None:
        return project.offers(origin, name)
    if statement.level or project.is_first_party(origin):
        return False  # a module that is gone: what takes its place is out of sight, and seldom brings such a name
    if origin.partition(".")[0] in sys.stdlib_module_names:
        return name == "open" and origin in _OPENERS
    return None


def is_builtin_at(module: Module, project: Project, name: str, scope: Scope) -> bool:
    """Whether a name, one of interest, means the builtin of that name in a scope, as far as is in sight.

    Star imports of what is out of sight are taken to leave it alone.
    """
    return module.lookup(name, scope) is None and _unbound(module, project, name)[0] == f"builtins.{name}"


def _target(module: Module, binding: Binding) -> str | None:
    if binding.kind != "import" or binding.target is None:
        return None
    return module.absolute(binding.target)


def _unbound(module: Module, project: Project, name: str) -> tuple[str | None, bool]:
    """What a name that the file does not bind means, a builtin or what a star import brings, and if that is sure."""
    builtin = f"builtins.{name}" if name in _BUILTINS else None
    is_certain = True
    for statement in reversed(module.star_imports):
        origin = module.absolute("." * statement.level + (statement.module or ""))
        found = _may_bind(module, project, statement, name)
        if found and project.locate(origin) is not None:
            return ".".join(part for part in project.origin(origin, name) if part), is_certain
        if found or (builtin is None and origin.partition(".")[0] in sys.stdlib_module_names):
            return f"{origin}.{name}", is_certain
        is_certain = is_certain and found is not None
    return builtin, is_certain


def _is_hidden(project: Project, top: str) -> bool:
    """Whether the project has a module that hides one of the standard library, at least for its scripts."""
    return top in sys.stdlib_module_names and top not in _ALWAYS_THERE and project.locate(top) is not None


def _canonical(project: Project, path: str) -> str:
    """The path under which something is defined, where a module of the project only hands it on."""
    origin, _, name = path.rpartition(".")
    if not origin or project.locate(origin) is None:
        return path
    return ".".join(part for part in project.origin(origin, name) if part)
