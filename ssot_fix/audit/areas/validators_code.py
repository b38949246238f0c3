"""The definitions of a file, as far as following a value through them needs them."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ssot_fix.audit.areas.validators_values import Value
from ssot_fix.bindings import children

Function = ast.FunctionDef | ast.AsyncFunctionDef
# Decorators that leave what a function does with its arguments as it is.
_HARMLESS = frozenset(
    {"staticmethod", "classmethod", "field_validator", "validator", "abstractmethod", "override", "final"}
    | {"lru_cache", "cache", "no_type_check"}
)
_PLAIN_BASES = frozenset({"object", "ABC", "Generic", "Protocol"})


@dataclass(eq=False, slots=True)
class Class:
    """A class: its methods, its constants, and its fields in order, if it makes its constructor of them."""

    node: ast.ClassDef
    methods: Mapping[str, Function]
    constants: Mapping[str, ast.expr]
    fields: Mapping[str, ast.expr | None]
    is_dataclass: bool
    has_bases: bool


@dataclass(eq=False, slots=True)
class Code:
    """A file's definitions at module level; `imports` are names and the dotted paths that they stand for.

    `literals` are values of lists, tuples and sets that hold nothing but constants, None of others.
    """

    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, Class] = field(default_factory=dict)
    constants: dict[str, ast.expr] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    _plain: dict[ast.AST, bool] = field(default_factory=dict)
    _bound: dict[ast.AST, tuple[str, ...]] = field(default_factory=dict)
    literals: dict[ast.AST, Value | None] = field(default_factory=dict)

    def is_plain(self, function: Function) -> bool:
        """Whether calling a function runs its body: its decorators leave it alone, and it is no generator."""
        if function not in self._plain:
            self._plain[function] = _is_plain(function)
        return self._plain[function]

    def bound(self, body: Iterable[ast.AST]) -> Iterator[str]:
        """The names that some statements may bind."""
        for statement in body:
            if statement not in self._bound:
                self._bound[statement] = tuple(dict.fromkeys(stored([statement])))
            yield from self._bound[statement]


def code_of(tree: ast.Module) -> Code:
    """The definitions of a module. Names that are bound more than once are left out."""
    code = Code()
    counts = Counter(name for statement in tree.body for name in stored([statement]))
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if counts[name] == 1:
                code.functions[name] = statement
            case ast.ClassDef(name=name) if counts[name] == 1:
                code.classes[name] = _class(statement)
            case ast.ImportFrom(level=level, module=module, names=aliases):
                start = "." * level + (f"{module}." if module else "")
                code.imports |= {alias.asname or alias.name: start + alias.name for alias in aliases}
            case ast.Import(names=aliases):
                code.imports |= {alias.asname or alias.name: alias.name for alias in aliases}
    code.constants = _constants(tree.body, counts)
    code.imports = {name: target for name, target in code.imports.items() if counts[name.partition(".")[0]] == 1}
    return code


def stored(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names that statements may bind, those in functions and classes below them aside; each as often as bound."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
                continue
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]
            case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
                yield name
            case ast.Lambda():
                continue
        waiting += children(node)


def _constants(body: Iterable[ast.stmt], counts: Mapping[str, int]) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if counts[name] == 1:
                found[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if counts[name] == 1:
                found[name] = value
    return found


def _class(node: ast.ClassDef) -> Class:
    counts = Counter(stored(node.body))
    methods = {
        child.name: child
        for child in node.body
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and counts[child.name] == 1
    }
    fields = {
        child.target.id: child.value
        for child in node.body
        if isinstance(child, ast.AnnAssign)
        and isinstance(child.target, ast.Name)
        and not any(
            isinstance(inner, ast.expr) and last_name(inner) == "ClassVar" for inner in ast.walk(child.annotation)
        )
    }
    is_dataclass = any(last_name(decorator) == "dataclass" for decorator in node.decorator_list)
    has_bases = any(last_name(base) not in _PLAIN_BASES for base in node.bases) or bool(node.keywords)
    constants = _constants(node.body, counts)
    for name in [*(fields if is_dataclass or has_bases else ()), *(_changed(node) if constants else ())]:
        constants.pop(name, None)
    return Class(node, methods, constants, fields, is_dataclass, has_bases)


def _changed(node: ast.ClassDef) -> set[str]:
    """The attributes that are given a value anywhere in a class."""
    return {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute) and _is_stored(inner)}


def _is_stored(node: ast.Attribute) -> bool:
    return not isinstance(node.ctx, ast.Load)


def decorators(function: Function) -> list[str]:
    """What a function is decorated with, by the last parts of the names."""
    return [last_name(decorator) for decorator in function.decorator_list]


def _is_plain(function: Function) -> bool:
    if not _HARMLESS.issuperset(decorators(function)):
        return False
    waiting: list[ast.AST] = [*function.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return False
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting += children(node)
    return True


def last_name(node: ast.expr) -> str:
    """The last part of a name, of what is called or subscripted, too."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def checked_fields(function: Function) -> list[str]:
    """The fields that a pydantic validator is for; none if it is no validator."""
    found: list[str] = []
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and last_name(decorator) in ("field_validator", "validator"):
            names = [node.value for node in decorator.args if isinstance(node, ast.Constant)]
            found += [name for name in names if isinstance(name, str)]
    return found
