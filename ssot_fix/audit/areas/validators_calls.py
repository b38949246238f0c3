"""The calls in a file that pass literals to what rejects some."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ssot_fix.audit.areas.validators_values import UNKNOWN, Value, known
from ssot_fix.bindings import Module, Reference
from ssot_fix.project.resolver import Project

_EXPECTING = ("raises", "assertRaises", "assertRaisesRegex", "suppress")
_BROAD = ("Exception", "BaseException")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a name (`Class`, `Class.method`, `function`) that the file at `path` defines."""

    path: str
    name: str
    node: ast.Call


def calls(module: Module, project: Project, wanted: Mapping[str, frozenset[str]]) -> Iterator[Call]:
    """The calls of names at module level of some files, and of methods of those, that are sure to mean them."""
    for reference in module.references:
        node, attributes = _whole(module, reference)
        parent = module.parents.get(node)
        if not isinstance(parent, ast.Call) or parent.func is not node or _is_expected(module, parent):
            continue
        found = _defined(module, project, reference, attributes)
        if found is not None and found[1].partition(".")[0] in wanted.get(found[0], ()):
            yield Call(*found, parent)


def _whole(module: Module, reference: Reference) -> tuple[ast.expr, list[str]]:
    """The name with the attributes behind it."""
    node: ast.expr = reference.node
    attributes: list[str] = []
    while isinstance(parent := module.parents.get(node), ast.Attribute):
        node = parent
        attributes.append(parent.attr)
    return node, attributes


def _defined(module: Module, project: Project, reference: Reference, attributes: list[str]) -> tuple[str, str] | None:
    """The file that defines what a name with attributes means, and what it is called there; None: not known."""
    bindings = module.meanings(reference.node.id, reference.scope)
    if len(bindings) != 1 or module.parsed.hides(reference.node.id, module.start(reference.node)):
        return None
    binding = bindings[0]
    if binding.kind in ("def", "class"):
        is_top = module.lookup(reference.node.id, reference.scope) is module.root
        return (module.path, ".".join((reference.node.id, *attributes))) if is_top else None
    if binding.kind != "import" or binding.target is None:
        return None
    return _located(project, [*module.absolute(binding.target).split("."), *attributes])


def _located(project: Project, parts: list[str]) -> tuple[str, str] | None:
    """The file and the name there of a dotted path: the longest part of it that is a module, then what it has."""
    for length in range(len(parts) - 1, 0, -1):
        if project.locate(".".join(parts[:length])) is not None:
            module, name = project.origin(".".join(parts[:length]), parts[length])
            path = project.locate(module)
            return (path, ".".join((name, *parts[length + 1 :]))) if path is not None and name else None
    return None


# Calls that are meant to fail


def _is_expected(module: Module, node: ast.Call) -> bool:
    """Whether the code around a call reckons with its being rejected."""
    below: ast.AST = node
    for around in module.ancestors(node):
        match around:
            case ast.With() | ast.AsyncWith():
                if below in around.body and any(_is_expecting(item.context_expr) for item in around.items):
                    return True
            case ast.Try():
                if below in around.body and _catches(around, below):
                    return True
            case ast.Call(func=called):
                if below is not called and _is_expecting(around):  # what it is given is called there
                    return True
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                marks = [inner for decorator in around.decorator_list for inner in ast.walk(decorator)]
                if any(isinstance(mark, ast.Attribute) and mark.attr == "xfail" for mark in marks):
                    return True
        below = around
    return False


def _is_expecting(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) in _EXPECTING


def _catches(node: ast.Try, statement: ast.AST) -> bool:
    """Whether a try is there for a rejection: it names the exception, or fails if there is none."""
    kinds = [name for handler in node.handlers for name in _names(handler.type)]
    if any(kind not in _BROAD and "Import" not in kind for kind in kinds):
        return True
    later = [*node.body[node.body.index(statement) + 1 :], *node.orelse]  # type: ignore[arg-type]
    return bool(node.handlers) and any(_fails(inner) for each in later for inner in ast.walk(each))


def _names(node: ast.expr | None) -> Iterator[str]:
    if isinstance(node, ast.Tuple):
        for element in node.elts:
            yield from _names(element)
    elif node is not None:
        yield node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _fails(node: ast.AST) -> bool:
    match node:
        case ast.Raise() | ast.Assert(test=ast.Constant(value=False)):
            return True
        case ast.Call(func=ast.Attribute(attr="fail") | ast.Name(id="fail")):
            return True
    return False


# Arguments


@dataclass(frozen=True, slots=True)
class Argument:
    """A literal that is passed, and the line that it is on; `text` is it, or, of an f-string, how it starts."""

    name: str
    value: Value
    text: str
    line: int


def literals(node: ast.Call, parameters: Iterable[str]) -> Iterator[Argument]:
    """The strings that a call passes as literals, by the names of the parameters."""
    for name, argument in given(node, parameters).items():
        match argument:
            case ast.Constant(value=str() as text):
                yield Argument(name, known(text, Value(about=name)), text, argument.lineno)
            case ast.JoinedStr(values=[ast.Constant(value=str() as start), *_]):
                yield Argument(name, Value(start=start, about=name), f"{start}…", argument.lineno)


def given(node: ast.Call, parameters: Iterable[str]) -> dict[str, ast.expr]:
    """The arguments of a call, by the names of the parameters; those behind a star are not known."""
    found: dict[str, ast.expr] = {}
    for name, argument in zip(parameters, node.args, strict=False):
        if isinstance(argument, ast.Starred):
            break
        found[name] = argument
    return found | {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg is not None}


def unknown_of(node: ast.Call, parameters: Iterable[str]) -> dict[str, Value]:
    """The values of the parameters that a call may pass: unknown."""
    names = list(parameters)
    has_star = any(isinstance(argument, ast.Starred) for argument in node.args)
    has_star = has_star or any(keyword.arg is None for keyword in node.keywords)
    return dict.fromkeys(names if has_star else given(node, names), UNKNOWN)
