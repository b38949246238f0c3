"""Uses of objects that may be the project's accessor: `get_env().get("PORT")`, and variables that hold such an object.

Which function the accessor is depends on the project, and a file is looked at without knowing it. So candidates are
told by name: what was imported, or where from, has `env` in it. Whether one is the accessor is decided later.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from codemods.isolated_environment.accessor import METHOD_NAMES
from codemods.isolated_environment.uses import argument
from ssot_fix.audit.text import Text, followed
from ssot_fix.bindings import Binding, Module, Reference

_IMPORT = re.compile(
    rb"[\r\n;:][ \t]*(?:from[ \t]+([.\w]+)[ \t]+import\b[ \t]*(\((?:[^()#]++|#[^\r\n]*+)*+\)|(?:[^\r\n\\#;]|\\\r?\n)*)"
    rb"|import[ \t]+([^\r\n#;]*))"
)
_TAKEN = re.compile(rb"([.\w]+)(?:\s+as\s+(\w+))?")
_CALLED = re.compile(rb"(?:\s*\.\s*\w+)*\s*\(\s*\)")
_ASSIGNING = re.compile(rb"(\w+)[ \t]*(?::[^=\r\n]*)?=[\s(\\]*\Z")
_GAP = b" \t\n\r\f\v(\\"
_LONGEST_ANNOTATION = 200
_MOST_NAMES = 200  # each is looked for in the whole file
_COMMENT = re.compile(rb"#[^\n]*")
_OPERATIONS = {name: use for use, names in METHOD_NAMES.items() for name in names} | {
    **{"update": "update", "setdefault": "setdefault", "pop": "pop", "clear": "clear"},
    **{"__getitem__": "lookup", "__setitem__": "set", "__delitem__": "delete", "__contains__": "contains"},
}
_READING = re.compile(
    r"get_(?:int|bool|float|str|list|json|path|required|or_raise)|require|require_env|must_get|is_set"
)
_USED = re.compile(
    rb"(?:%s)?[\s)]*(?:\.\s*(?:%s|%s)\s*\(|\[)"
    % (_CALLED.pattern, "|".join(_OPERATIONS).encode(), _READING.pattern.encode())
)
_IN = re.compile(rb"in\b(?<!\win)\s+(\w+\.)?")
_WHOLE = {"copy", "subprocess", "update", "clear"}
_KEYS = ("key", "name", "var", "variable")
_Method = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Call:
    """An operation on what `target`, the path of a function or class as it was imported, gives when it is called.

    `key` is the expression of the variable; None where all are meant.
    """

    operation: str
    target: str
    node: ast.expr
    key: ast.expr | None = None
    has_default: bool = False


def called_names(text: Text) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a file imports, with `env` in their path, and may call, and what may hold what that gives.

    From its bytes, so perhaps too many; none if nothing is done with them.
    """
    raw, taken = text.raw, [each for each in text.imports if b"env" in each.lower()]
    names = {name for each in taken for match in _IMPORT.finditer(b"\n" + each) for name in _names_of(match)}
    called = frozenset(name.decode() for name in names if _is_called(raw, name)) if len(names) <= _MOST_NAMES else None
    if not called:
        return frozenset(), frozenset()
    held = _held_names(raw, called)
    return (called, held) if _is_used(raw, called | held) else (frozenset(), frozenset())


def _names_of(match: re.Match[bytes]) -> Iterator[bytes]:
    """The names that an import binds, if they have to do with environments."""
    origin, listed = (match[1], match[2]) if match[1] else (b"", match[3])
    if b"env" not in match[0].lower():
        return
    for taken in _TAKEN.finditer(_COMMENT.sub(b"", listed)):
        if b"env" in b".".join((origin, taken[1])).lower():
            yield taken[2] or (taken[1] if origin else taken[1].partition(b".")[0])


def _is_called(raw: bytes, name: bytes) -> bool:
    """Whether a name, or an attribute of it, may be called without arguments."""
    return name.isascii() and next(followed(raw, name, _CALLED), None) is not None


def _is_used(raw: bytes, names: Iterable[str]) -> bool:
    """Whether something is done with what names stand for, or what calls of them give."""
    sought = tuple(name.encode() for name in sorted(names))
    if any(next(followed(raw, name, _USED), None) is not None for name in sought):
        return True
    places = (place for match in _IN.finditer(raw) for place in {match.end(), match.start(1)} - {-1})
    return any(raw.startswith(sought, place) for place in places)


def _held_names(raw: bytes, called: Iterable[str]) -> frozenset[str]:
    """The variables and attributes to which a file may assign what calls of these names give."""
    found = set()
    for name in sorted(called):
        for start in followed(raw, name.encode(), _CALLED):
            before = raw[max(0, start - _LONGEST_ANNOTATION) : start]
            if before.rstrip(_GAP).endswith(b"=") and (held := _ASSIGNING.search(before)):
                found.add(held[1].decode(errors="replace"))
    return frozenset(found)


def calls_of(module: Module, called: frozenset[str]) -> Iterator[Call]:
    """The operations on objects that calls of some imported names give, where that is sure."""
    made = dict(_instances(module, called))
    held = _variables(module, made) | _attributes(module, made)
    for node, target in (made | held).items():
        if (found := _operation(module, node, target)) is not None:
            yield found


def _instances(module: Module, called: frozenset[str]) -> Iterator[tuple[ast.expr, str]]:
    """The calls that give an object, each with the path of what is called."""
    for reference in module.references:
        if reference.node.id in called and (target := _imported(module, reference)) is not None:
            node: ast.expr = reference.node
            parent = module.parents[node]
            while isinstance(parent, ast.Attribute):
                node, target, parent = parent, f"{target}.{parent.attr}", module.parents[parent]
            if isinstance(parent, ast.Call) and parent.func is node and not parent.args and not parent.keywords:
                yield parent, target


def _imported(module: Module, reference: Reference) -> str | None:
    """What a name was imported as; None if it may be something else."""
    if module.parsed.hides(reference.node.id, module.start(reference.node)):
        return None
    bindings = module.meanings(reference.node.id, reference.scope)
    targets = {binding.target if binding.kind == "import" else None for binding in bindings}
    return targets.pop() if len(targets) == 1 else None


def _variables(module: Module, made: Mapping[ast.expr, str]) -> dict[ast.expr, str]:
    """The uses of variables that hold such an object and nothing else."""
    targets = {name: made[value] for name, value in _assigned(module, made) if isinstance(name, ast.Name)}
    found: dict[ast.expr, str] = {}
    for reference in module.references:
        bindings = module.meanings(reference.node.id, reference.scope) if targets else []
        paths = {_held(binding, targets) for binding in bindings}
        if len(paths) == 1 and (path := paths.pop()) is not None:
            found[reference.node] = path
    return found


def _held(binding: Binding, targets: Mapping[ast.Name, str]) -> str | None:
    return targets.get(binding.node) if isinstance(binding.node, ast.Name) else None


def _assigned(module: Module, made: Mapping[ast.expr, str]) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What such objects are assigned to, and nothing else at once."""
    for value in made:
        match module.parents[value]:
            case ast.Assign(targets=[target]) | ast.AnnAssign(target=target) | ast.NamedExpr(target=target):
                yield target, value


def _attributes(module: Module, made: Mapping[ast.expr, str]) -> dict[ast.expr, str]:
    """The uses, in the methods of a class, of attributes that hold such an object wherever the class assigns them."""
    values = {id(target): made[value] for target, value in _assigned(module, made)}
    stored: dict[tuple[ast.ClassDef, str], set[str | None]] = defaultdict(set)
    read: list[tuple[ast.Attribute, ast.ClassDef]] = []
    for node in module.attributes if values else ():
        owner = _own_class(module, node)
        if owner is not None and isinstance(node.ctx, ast.Load):
            read.append((node, owner))
        elif owner is not None:
            stored[owner, node.attr].add(values.get(id(node)))
    for scope in module.scopes:
        if isinstance(scope.node, ast.ClassDef):
            for name, bindings in scope.bindings.items():
                stored[scope.node, name] |= {values.get(id(binding.node)) for binding in bindings}
    known = {key: paths.pop() for key, paths in stored.items() if len(paths) == 1}
    return {node: path for node, owner in read if (path := known.get((owner, node.attr))) is not None}


def _own_class(module: Module, node: ast.Attribute) -> ast.ClassDef | None:
    """The class of whose instance, or of which itself, `self.x` or `cls.x` is an attribute."""
    name = node.value.id if isinstance(node.value, ast.Name) else None
    around = [a for a in module.ancestors(node) if isinstance(a, _Method | ast.ClassDef | ast.Lambda)]
    for inner, outer in pairwise([*around, module.tree]):
        if isinstance(inner, ast.ClassDef | ast.Module) or name is None:
            return None
        arguments = [*inner.args.posonlyargs, *inner.args.args, *inner.args.kwonlyargs]
        if any(argument.arg == name for argument in arguments):
            is_first = arguments[0].arg == name and not isinstance(inner, ast.Lambda) and not _is_static(inner)
            return outer if is_first and isinstance(outer, ast.ClassDef) else None
    return None


def _is_static(function: _Method) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "staticmethod" for node in function.decorator_list)


# Operations


def _operation(module: Module, node: ast.expr, target: str) -> Call | None:
    """What is done with an object right where it stands; None for nothing that is about variables."""
    match parent := module.parents[node]:
        case ast.Attribute(attr=name):
            call = module.parents[parent]
            return _method(call, name, target) if isinstance(call, ast.Call) and call.func is parent else None
        case ast.Subscript(value=value) if value is node:
            kinds = {ast.Load: "lookup", ast.Store: "set", ast.Del: "delete"}
            return Call(kinds[type(parent.ctx)], target, parent, parent.slice)
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[only]) if only is node:
            return Call("contains", target, parent, parent.left)
    return None


def _method(call: ast.Call, name: str, target: str) -> Call | None:
    operation = _OPERATIONS.get(name)
    if operation in _WHOLE:
        return Call(str(operation), target, call)
    key = next((found for keyword in _KEYS if (found := argument(call, 0, keyword)) is not None), None)
    if key is None or (operation is None and not _READING.fullmatch(name)):
        return None
    return Call(operation or name, target, call, key, operation in {"get", "setdefault", "pop", None})
