"""Where a module touches the process environment, by what its names mean."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from ssot_fix.bindings import Binding, Module, Reference
from ssot_fix.project.resolver import Project

MAPPINGS = ("os.environ", "os.environb")
FUNCTIONS = ("os.getenv", "os.getenvb", "os.putenv", "os.unsetenv")
ENTRIES = frozenset((*MAPPINGS, *FUNCTIONS))
NAMES = frozenset(entry.partition(".")[2] for entry in ENTRIES)
SEEDS = frozenset({"os", *NAMES})


# Anything that may give `dict` another meaning; too much matches, and costs no more than a refusal.
_DICT_BOUND = re.compile(
    rb"\b(?:def|class|as|for)\s+dict\b|\bdict\s*(?:=(?!=)|:)|[(,]\s*dict\s*[,)=:]|\bimport\b[^\n]*\bdict\b"
)


class Key(Enum):
    """What a use says of the variable that it is about, if that is no literal."""

    COMPUTED = "computed"  # one variable, known only at run time
    ANY_WRITTEN = "any"  # any variable may be changed through it
    NONE = "none"  # reads all variables, or none in particular


@dataclass(frozen=True, slots=True)
class Use:
    """One use of the environment.

    `root` is the node that means `path` (`os.environ`); `node` the whole operation around it. `kind` names the
    operation. `key` is the literal variable name or a Key; `key_node` the expression that gives it.
    """

    kind: str
    path: str
    root: ast.expr
    node: ast.AST
    reference: Reference
    key: str | Key = Key.NONE
    key_node: ast.expr | None = None
    ambiguous: bool = False


def find_uses(module: Module, project: Project) -> list[Use]:
    """Every use of the process environment in a module, in source order, outer ones first."""
    uses: list[Use] = []
    for reference in module.references:
        path, ambiguous = _meaning(module, project, reference)
        if path is not None:
            uses += _uses_of(module, reference, path, ambiguous)
    return sorted(uses, key=lambda use: (module.start(use.node), -module.end(use.node)))


def _meaning(module: Module, project: Project, reference: Reference) -> tuple[str | None, bool]:
    """What a name stands for, `os` or an entry of it, and whether it may stand for something else too."""
    bindings = module.meanings(reference.node.id, reference.scope)
    if not bindings:
        starred = reference.node.id in NAMES and any(node.module == "os" for node in module.star_imports)
        return (f"os.{reference.node.id}" if starred else None), False
    meanings = {_imported(module, project, binding) for binding in bindings}
    known = [meaning for meaning in meanings if meaning is not None]
    return (known[0], len(meanings) > 1) if known else (None, False)


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
    if path == "os":
        if isinstance(parent, ast.Attribute):
            node, path = parent, f"os.{parent.attr}"
        elif (indirect := _indirect(parent, node)) is not None:
            yield Use("indirect", f"os.{indirect}", node, parent, reference, Key.ANY_WRITTEN, None, ambiguous)
            return
    if path not in ENTRIES:
        return
    kind, whole, key = _operation(module, node, path)
    yield Use(kind, path, node, whole, reference, *_key(kind, key), ambiguous)


def _indirect(parent: ast.AST, node: ast.expr) -> str | None:
    """The name in `getattr(os, "environ")`, `patch.object(os, "environ")` and the like."""
    if not isinstance(parent, ast.Call) or node not in parent.args:
        return None
    names = [a.value for a in parent.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return next((name for name in names if name in NAMES), None)


def _key(kind: str, node: ast.expr | None) -> tuple[str | Key, ast.expr | None]:
    if node is None:
        reads = kind in {"copy", "iterate", "unpack", "subprocess"}
        return (Key.NONE if reads else Key.ANY_WRITTEN), None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value, node
    return Key.COMPUTED, node


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
        return "get", parent, key if key is not None else _starred(parent)
    if path == "os.unsetenv" and isinstance(module.parents[parent], ast.Expr):
        return "delete", parent, key
    return "putenv", parent, key


def _starred(call: ast.Call) -> ast.expr | None:
    return call.args[0] if call.args else (call.keywords[0].value if call.keywords else call.func)


def _method(module: Module, attribute: ast.Attribute) -> tuple[str, ast.AST, ast.expr | None]:
    call = module.parents[attribute]
    if not isinstance(call, ast.Call) or call.func is not attribute:
        return "alias", attribute, None
    key = argument(call, 0, "key")
    match attribute.attr:
        case "get":
            return "get", call, key if key is not None else _starred(call)
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
        case ast.keyword(arg="env"):
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


def argument(call: ast.Call, place: int, keyword: str) -> ast.expr | None:
    """The argument at a place or of a keyword; None if it is not there or a star may stand for it."""
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return None
    if place < len(call.args):
        return call.args[place]
    return next((k.value for k in call.keywords if k.arg == keyword), None)
