"""What calls give back."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from codemods.utf8_files import library
from codemods.utf8_files.annotations import annotated
from codemods.utf8_files.values import (
    NONE,
    NOTHING,
    OTHER,
    STR,
    UNKNOWN,
    Value,
    iterated,
    join,
    many,
    mapping,
    pair,
    vague,
)
from codemods.utf8_files.views import File

Given = list[Value]
_CASTS = frozenset({"typing.cast", "typing_extensions.cast"})


def called(file: File, function: Value, call: ast.Call, depth: int) -> Value:
    """What a call of something gives back."""
    if function.kind == "library":
        return _library_call(file, function.dotted, call, depth)
    if function.kind == "method" and function.items[0].kind in {"many", "mapping"}:
        given = _given(file, call, depth)
        return _of_collection(function.items[0], function.dotted, given) if given is not None else UNKNOWN
    return result(function)


def result(function: Value) -> Value:
    """What something gives back whatever it is called with."""
    match function.kind:
        case "class":
            return Value("instance", file=function.file, node=function.node)
        case "callable":
            return function.items[0]
        case "library":
            return library.returned(function.dotted)
        case "method":
            owner = function.items[0]
            return library.METHODS.get(owner.kind, {}).get(function.dotted, UNKNOWN)
    return vague(function)


def _given(file: File, call: ast.Call, depth: int) -> Given | None:
    """The arguments by position, then the `default` by keyword; None if some are unpacked."""
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return None
    defaults = [keyword.value for keyword in call.keywords if keyword.arg == "default"]
    return [file.value(argument, depth) for argument in (*call.args, *defaults)]


def _library_call(file: File, dotted: str, call: ast.Call, depth: int) -> Value:
    if dotted in _CASTS:
        return _cast(file, call)
    if dotted == "builtins.dict":
        return _dict(file, call, depth)
    if dotted in _CHAINS:
        return many(join(_chained(file, argument, depth) for argument in call.args))
    rule = _RULES.get(dotted)
    if rule is None:
        return library.returned(dotted)
    given = _given(file, call, depth)
    return rule(given) if given is not None else UNKNOWN


def _cast(file: File, call: ast.Call) -> Value:
    name = call.func
    while isinstance(name, ast.Attribute):
        name = name.value
    scope = file.view.scope_of.get(name) if isinstance(name, ast.Name) else None
    return annotated(file, call.args[0], scope) if call.args and scope is not None else UNKNOWN


def _chained(file: File, argument: ast.expr, depth: int) -> Value:
    if isinstance(argument, ast.Starred):
        return iterated(iterated(file.value(argument.value, depth)))
    return iterated(file.value(argument, depth))


def _dict(file: File, call: ast.Call, depth: int) -> Value:
    given = _given(file, call, depth)
    if given is None or any(keyword.arg is None for keyword in call.keywords):
        return UNKNOWN
    named = join(file.value(keyword.value, depth) for keyword in call.keywords)
    value = mapping(STR if call.keywords else NOTHING, named)
    for each in given[:1]:
        item = iterated(each)
        of_pairs = mapping(*item.items) if item.kind == "tuple" and len(item.items) == 2 else vague(item)
        value = join([value, each if each.kind == "mapping" else of_pairs])
    return value


def _same_elements(given: Given) -> Value:
    return many(iterated(given[0]) if given else NOTHING)


def _second_elements(given: Given) -> Value:
    return many(iterated(given[1])) if len(given) > 1 else UNKNOWN


def _mapped(given: Given) -> Value:
    return many(result(given[0])) if given else UNKNOWN


def _enumerated(given: Given) -> Value:
    return many(pair(OTHER, iterated(given[0]))) if given else UNKNOWN


def _zipped(given: Given) -> Value:
    return many(pair(*map(iterated, given)))


def _one_of(given: Given) -> Value:
    """`next(paths, None)`: an element, or the default."""
    return join([iterated(given[0]), *given[1:]]) if given else UNKNOWN


def _extreme(given: Given) -> Value:
    """`max(paths)`, `max(one, other)`."""
    return join(given) if len(given) > 1 and not _holds(given[0]) else _one_of(given)


def _holds(value: Value) -> bool:
    return value.kind in {"many", "tuple", "mapping", "nothing", "none"}


_CHAINS = frozenset({"itertools.chain"})
_RULES: Final[Mapping[str, Callable[[Given], Value]]] = MappingProxyType(
    {
        **dict.fromkeys(
            [f"builtins.{name}" for name in ("frozenset", "iter", "list", "reversed", "set", "sorted", "tuple")],
            _same_elements,
        ),
        **dict.fromkeys(["collections.deque", "itertools.islice", "itertools.cycle"], _same_elements),
        **dict.fromkeys(["builtins.filter", "itertools.takewhile", "itertools.dropwhile"], _second_elements),
        "itertools.filterfalse": _second_elements,
        "itertools.chain.from_iterable": lambda given: many(iterated(iterated(given[0]))) if given else UNKNOWN,
        "builtins.map": _mapped,
        "builtins.enumerate": _enumerated,
        "builtins.zip": _zipped,
        "builtins.next": _one_of,
        "builtins.max": _extreme,
        "builtins.min": _extreme,
        "random.choice": _one_of,
    }
)


def _of_collection(owner: Value, name: str, given: Given) -> Value:
    """What a method of a collection gives back."""
    if owner.kind == "mapping":
        return _of_mapping(owner, name, given)
    match name:
        case "pop" | "popleft":
            return owner.items[0]
        case "copy":
            return owner
        case "difference" | "intersection":
            return owner
        case "union":
            return many(join([owner.items[0], *map(iterated, given)]))
    return UNKNOWN


def _of_mapping(owner: Value, name: str, given: Given) -> Value:
    key, value = owner.items
    match name:
        case "items":
            return many(pair(key, value))
        case "values":
            return many(value)
        case "keys":
            return many(key)
        case "get" | "pop" | "setdefault":
            return join([value, NONE, *given[1:]])
        case "copy":
            return owner
    return UNKNOWN
