"""Where a module touches the process environment, by what its names mean."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from codemods.isolated_environment.names import ENTRIES, FUNCTIONS, NAMES, SEEDS
from ssot_fix.bindings import Binding, Module, Reference
from ssot_fix.project.resolver import Project

# Anything that may give `dict` another meaning; too much matches, and costs no more than a refusal.
_DICT_BOUND = re.compile(rb"\b(?:def|class|as|for|import)\s+dict\b|\bdict\s*(?:=(?!=)|:)|[(,]\s*dict\s*[,)=:]")


_STARTERS = frozenset(
    {"Popen", "check_call", "check_output", "create_subprocess_exec", "create_subprocess_shell", "getoutput"}
)
_OS_BY_ITS_LOOKS = re.compile(rb"\._?os\Z|\Aposix\Z|[\"']os[\"']\s*[)\]]\Z")


class Key(Enum):
    """What a use says of the variable that it is about, if that is no literal."""

    COMPUTED = "computed"  # one variable, known only at run time
    ANY_WRITTEN = "any"  # any variable may be changed through it
    NONE = "none"  # reads all variables, or none in particular


@dataclass(frozen=True, slots=True)
class Use:
    """One use of the environment.

    `root` is the node that means `path` (`os.environ`); `node` the whole operation around it. `kind` names the
    operation. `key` is the literal variable name or a Key, `name` the expression that gives it.
    """

    kind: str
    path: str
    root: ast.expr
    node: ast.AST
    reference: Reference
    key: str | Key = Key.NONE
    ambiguous: bool = False
    name: ast.expr | None = None


def find_uses(module: Module, project: Project) -> list[Use]:
    """Every use of the process environment in a module, in source order, outer ones first."""
    uses: list[Use] = []
    for reference in module.references:
        path, ambiguous = _meaning(module, project, reference)
        if path is not None:
            uses += _uses_of(module, reference, path, ambiguous)
    uses += _roundabout(module, {use.root for use in uses})
    return sorted(uses, key=lambda use: (module.start(use.node), -module.end(use.node)))


def _meaning(module: Module, project: Project, reference: Reference) -> tuple[str | None, bool]:
    """What a name stands for, `os` or an entry of it, and whether it may stand for something else too."""
    name = reference.node.id
    if module.parsed.hides(name, module.start(reference.node)):
        return None, False
    bindings = module.meanings(name, reference.scope)
    if not bindings:
        return _starred(module, project, name)
    meanings = {_imported(module, project, binding) for binding in bindings}
    known = sorted(meaning for meaning in meanings if meaning is not None)
    return (known[0], len(meanings) > 1) if known else (None, False)


def _starred(module: Module, project: Project, name: str) -> tuple[str | None, bool]:
    """What a name that only star imports can bind stands for."""
    found: list[str | None] = []
    for statement in module.star_imports:
        origin = module.absolute("." * statement.level + (statement.module or ""))
        if origin == "os" and name in NAMES:
            found.append(f"os.{name}")
        elif project.locate(origin) is not None and name in SEEDS:
            target = ".".join(part for part in project.origin(origin, name) if part)
            found.append(target if target == "os" or target in ENTRIES else None)
    known = sorted(meaning for meaning in set(found) if meaning is not None)
    return (known[0], len(module.star_imports) > 1) if known else (None, False)


def _imported(module: Module, project: Project, binding: Binding) -> str | None:
    if binding.kind != "import" or binding.target is None:
        return None
    target = module.absolute(binding.target)
    if target != "os" and target not in ENTRIES:
        origin, _, name = target.rpartition(".")
        if name not in SEEDS or not origin or project.locate(origin) is None:
            return None
        target = ".".join(part for part in project.origin(origin, name) if part)
    return target if target == "os" or target in ENTRIES else None


def _uses_of(module: Module, reference: Reference, path: str, ambiguous: bool) -> Iterator[Use]:
    node: ast.expr = reference.node
    parent = module.parents[node]
    if path == "os" and not isinstance(parent, ast.Attribute):
        if _hands_on(parent, node):
            yield Use("indirect", "os", node, node, reference, Key.ANY_WRITTEN, ambiguous)
        return
    if path == "os" and isinstance(parent, ast.Attribute):
        node, path = parent, f"os.{parent.attr}"
    if path == "os.__dict__":
        yield Use("indirect", path, node, node, reference, Key.ANY_WRITTEN, ambiguous)
    if path not in ENTRIES:
        return
    kind, whole, key = _operation(module, node, path)
    yield Use(kind, path, node, whole, reference, _key(kind, key), ambiguous, key)


def _hands_on(parent: ast.AST, node: ast.expr) -> bool:
    """Whether `os` itself is handed to something that may reach the environment through it."""
    if isinstance(parent, ast.Call) and node in parent.args:
        if isinstance(parent.func, ast.Name) and parent.func.id in {"print", "repr", "str", "type", "id", "dir"}:
            return False
        names = [a.value for a in parent.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        # `getattr(os, "fork")` and `patch.object(os, "getcwd")` say that they are about something else.
        return not names or any(name in NAMES for name in names)
    return not isinstance(parent, ast.Delete | ast.Expr | ast.Compare)


def _roundabout(module: Module, known: set[ast.expr]) -> Iterator[Use]:
    """Attributes called like the environment of something that is `os` by its looks: `base.os.environ`."""
    for node in module.attributes:
        if node.attr in NAMES and node not in known and _OS_BY_ITS_LOOKS.search(module.code(node.value)):
            first = next((inner for inner in ast.walk(node) if isinstance(inner, ast.Name)), None)
            reference = Reference(first or ast.Name(id="os", ctx=ast.Load()), module.root)
            yield Use("indirect", f"os.{node.attr}", node, node, reference, Key.ANY_WRITTEN)


def _key(kind: str, node: ast.expr | None) -> str | Key:
    if node is None:
        reads = kind in {"copy", "iterate", "unpack", "subprocess"}
        return Key.NONE if reads else Key.ANY_WRITTEN
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return Key.COMPUTED


def _operation(module: Module, root: ast.expr, path: str) -> tuple[str, ast.AST, ast.expr | None]:
    """The kind of operation, its whole node, and the expression of its key."""
    parent = module.parents[root]
    if path in {"os.environb", "os.getenvb"}:
        return "bytes", parent if isinstance(parent, ast.Call | ast.Subscript) else root, None
    if path in FUNCTIONS:
        return _function_call(module, root, parent, path)
    if isinstance(parent, ast.Attribute):
        return _method(module, parent)
    if isinstance(parent, ast.Subscript) and parent.value is root:
        return _subscript(module, parent)
    if (
        isinstance(parent, ast.Compare)
        and parent.comparators == [root]
        and isinstance(parent.ops[0], ast.In | ast.NotIn)
    ):
        return "contains", parent, parent.left
    return _whole(module, root, parent)


def _function_call(module: Module, root: ast.expr, parent: ast.AST, path: str) -> tuple[str, ast.AST, ast.expr | None]:
    if not isinstance(parent, ast.Call) or parent.func is not root:
        return "alias" if path == "os.getenv" else "putenv", root, None
    key = argument(parent, 0, "key")
    if path == "os.getenv":
        return "get", parent, key if key is not None else _first_argument(parent)
    if path == "os.unsetenv" and isinstance(module.parents[parent], ast.Expr):
        return "delete", parent, key
    return "putenv", parent, key


def _first_argument(call: ast.Call) -> ast.expr | None:
    return call.args[0] if call.args else (call.keywords[0].value if call.keywords else call.func)


def _method(module: Module, attribute: ast.Attribute) -> tuple[str, ast.AST, ast.expr | None]:
    call = module.parents[attribute]
    if not isinstance(call, ast.Call) or call.func is not attribute:
        return "alias", attribute, None
    key = argument(call, 0, "key")
    match attribute.attr:
        case "get":
            return "get", call, key if key is not None else _first_argument(call)
        case "copy" if not call.args and not call.keywords:
            return "copy", call, None
        case "pop":
            gone = isinstance(module.parents[call], ast.Expr) and len(call.args) == 2 and not call.keywords
            quiet = gone and isinstance(call.args[1], ast.Constant) and call.args[1].value is None
            return ("delete" if quiet else "pop"), call, key
        case "setdefault":
            return "setdefault", call, key
        case "update" | "clear" | "popitem":
            return attribute.attr, call, None
        case "items" | "keys" | "values":
            return "iterate", call, None
    return "alias", call, None


def _subscript(module: Module, node: ast.Subscript) -> tuple[str, ast.AST, ast.expr | None]:
    parent = module.parents[node]
    if isinstance(node.ctx, ast.Load):
        return "lookup", node, node.slice
    if isinstance(parent, ast.Delete):
        return ("delete", parent, node.slice) if len(parent.targets) == 1 else ("delete-several", node, node.slice)
    if isinstance(parent, ast.Assign) and parent.targets == [node]:
        return "set", parent, node.slice
    return "store", node, node.slice


def _whole(module: Module, root: ast.expr, parent: ast.AST) -> tuple[str, ast.AST, ast.expr | None]:
    """Uses of the mapping as a whole."""
    match parent:
        case ast.Call(func=ast.Name(id="dict"), args=[only], keywords=[]) if only is root:
            shadowed = _DICT_BOUND.search(module.source.body)
            return ("pass" if shadowed else "copy"), parent, None
        case ast.Call(
            func=ast.Name(id="len" | "sorted" | "list" | "tuple" | "set" | "iter" | "bool" | "str" | "repr")
        ):
            return "iterate", root, None
        case ast.For() | ast.comprehension():
            return "iterate", root, None
        case ast.keyword(arg=None) | ast.Starred():
            return "unpack", root, None
        case ast.Dict(keys=keys, values=values) if any(
            k is None and v is root for k, v in zip(keys, values, strict=True)
        ):
            return "unpack", root, None
        case ast.keyword(arg="env") if starts_process(module, module.parents[parent]):
            return "subprocess", root, None
        case ast.BinOp(op=ast.BitOr()):
            return "unpack", root, None
        case ast.Call():
            patched = isinstance(parent.func, ast.Attribute) and parent.func.attr == "dict"
            return ("patch" if patched else "pass"), root, None
        case ast.keyword():
            return "pass", root, None
        case ast.Return() | ast.Yield():
            return "return", root, None
    return "alias", root, None


def starts_process(module: Module, call: ast.AST) -> bool:
    """Whether a call is one of subprocess or asyncio that starts a program, by its name."""
    if not isinstance(call, ast.Call):
        return False
    if isinstance(call.func, ast.Attribute):
        owner, name = call.func.value, call.func.attr
        return name in _STARTERS or (name in {"run", "call"} and isinstance(owner, ast.Name) and "sub" in owner.id)
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    imported = re.compile(rb"\bfrom[ \t]+subprocess[ \t]+import\b").search(module.source.body) is not None
    return imported and (name in _STARTERS or name in {"run", "call"})


def argument(call: ast.Call, place: int, keyword: str) -> ast.expr | None:
    """The argument at a place or of a keyword; None if it is not there or a star may stand for it."""
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return None
    if place < len(call.args):
        return call.args[place]
    return next((k.value for k in call.keywords if k.arg == keyword), None)
