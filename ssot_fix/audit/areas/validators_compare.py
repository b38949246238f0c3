"""Comparisons of values of which not all is known."""

from __future__ import annotations

import ast
import re

from ssot_fix.audit.areas.validators_values import LONGEST, Items, Pairs, Value, items, known, truth, unknown

# Methods that tell a string from a string and do nothing else; none makes a long one of short ones.
_PLAIN = frozenset(
    {"lower", "upper", "casefold", "strip", "lstrip", "rstrip", "title", "capitalize", "swapcase", "removeprefix"}
    | {"removesuffix", "isdigit", "isalnum", "isalpha", "isspace", "isupper", "islower", "isnumeric", "isdecimal"}
    | {"isidentifier", "isascii", "isprintable", "count", "find"}
)
_ENDS = ("startswith", "endswith")
_CASES = ("lower", "upper", "casefold")
_SIMPLE = re.compile(r"(\^?)([\w\- :/@#%&,;!~'\"<>=]*)(\$?)")  # nothing in it means anything but itself
MATCHES = ("match", "search", "fullmatch")


def compared(left: Value, operator: ast.cmpop, right: Value) -> Value:
    """The outcome of a comparison."""
    match operator:
        case ast.Eq():
            return _equal(left, right)
        case ast.NotEq():
            return negated(_equal(left, right))
        case ast.In():
            return _contained(left, right)
        case ast.NotIn():
            return negated(_contained(left, right))
        case ast.Is():
            return _same(left, right)
        case ast.IsNot():
            return negated(_same(left, right))
    return _ordered(left, operator, right)


def negated(value: Value) -> Value:
    """The opposite of a value."""
    found = truth(value)
    return unknown(value) if found is None else known(not found, value)


def _outcome(holds: bool, about: Value, pattern: Value) -> Value:
    """The outcome of comparing what is made of an argument with what is not: with its pattern, if it holds."""
    is_pattern = holds and bool(about.about) and not pattern.about and isinstance(pattern.content, str)
    return known(holds, about, pattern, pattern=str(pattern.content) if is_pattern else "")


def _equal(left: Value, right: Value) -> Value:
    if left.is_known and right.is_known:
        if isinstance(left.content, Items | Pairs) or isinstance(right.content, Items | Pairs):
            return unknown(left, right, Value())
        first, second = (right, left) if right.about and not left.about else (left, right)
        return _outcome(left.content == right.content, first, second)
    for one, other in ((left, right), (right, left)):
        if one.start and other.is_known and not _may_start(other.content, one.start):
            return known(False, one, other)
    return unknown(left, right)


def _may_start(content: object, start: str) -> bool:
    return isinstance(content, str) and content.startswith(start)


def _contained(left: Value, right: Value) -> Value:
    if isinstance(right.content, str) or right.start:
        return _part(left, right)
    inner = items(right)
    if inner is None or not (left.is_known or left.start):
        return unknown(left, right)
    is_told = True
    for each in inner:
        if _differ(left, each):
            continue
        outcome = _equal(left, each)
        if outcome.is_known and outcome.content:
            return outcome
        is_told = is_told and outcome.is_known
    return known(False, left, right) if is_told else unknown(left, right)


def _differ(one: Value, other: Value) -> bool:
    """Whether two values are strings that differ: most of those that are compared do."""
    if not (one.is_known and other.is_known and isinstance(one.content, str) and isinstance(other.content, str)):
        return False
    return one.content != other.content


def _part(left: Value, right: Value) -> Value:
    """Whether a string is part of another."""
    if left.is_known and isinstance(left.content, str):
        if right.is_known:
            holds = left.content in str(right.content)
            first, second = (right, left) if right.about else (left, right)
            return _outcome(holds, first, second)
        if left.content in right.start:
            return _outcome(True, right, left)
    return unknown(left, right)


def _same(left: Value, right: Value) -> Value:
    """Identity, as far as None and booleans are concerned."""
    for one, other in ((left, right), (right, left)):
        if one.is_known and (one.content is None or isinstance(one.content, bool)):
            if other.is_known:
                return known(one.content is other.content, left, right)
            return known(False, left, right) if other.start else unknown(left, right)
    return unknown(left, right, Value())


def _ordered(left: Value, operator: ast.cmpop, right: Value) -> Value:
    one, other = left.content, right.content
    if not (left.is_known and right.is_known and isinstance(one, int) and isinstance(other, int)):
        return unknown(left, right)
    match operator:
        case ast.Lt():
            return known(one < other, left, right)
        case ast.LtE():
            return known(one <= other, left, right)
        case ast.Gt():
            return known(one > other, left, right)
    return known(one >= other, left, right)


# Methods of strings


def text_method(of: Value, name: str, arguments: list[Value]) -> Value:
    """What a method of a string gives."""
    if name in _ENDS and len(arguments) == 1:
        return _ends(of, name, arguments[0])
    plain = [argument.content for argument in arguments]
    if not of.is_known or not isinstance(of.content, str) or name not in _PLAIN or len(of.content) > LONGEST:
        return _of_start(of, name, arguments)
    if not all(argument.is_known for argument in arguments):
        return unknown(of, *arguments)
    if not all(isinstance(content, str) and len(content) <= LONGEST for content in plain):
        return unknown(of, Value())
    try:
        return known(getattr(of.content, name)(*plain), of)
    except TypeError:
        return unknown(of, Value())


def _of_start(of: Value, name: str, arguments: list[Value]) -> Value:
    found = unknown(of, *arguments) if not of.is_known else unknown(of, Value())
    if not of.start.isascii() or arguments:
        return found
    start = getattr(of.start, name)() if name in _CASES else of.start.lstrip() if name in ("strip", "lstrip") else ""
    start = start.rstrip() if name == "strip" else start
    return Value(start=start, about=found.about) if start else found


def _ends(of: Value, name: str, ends: Value) -> Value:
    """`startswith` and `endswith`, with one string or several."""
    if not (of.is_known or of.start):
        return unknown(of, ends)
    wanted = items(ends) if isinstance(ends.content, Items) else (ends,)
    outcomes = [_ends_with(of, name, each) for each in wanted or ()]
    for outcome in outcomes:
        if outcome.is_known and outcome.content:
            return outcome
    if ends.is_known and all(outcome.is_known for outcome in outcomes):
        return known(False, of, ends)
    return unknown(of, ends)


def _ends_with(of: Value, name: str, end: Value) -> Value:
    if not end.is_known or not isinstance(end.content, str):
        return unknown(of, Value())
    if of.is_known and isinstance(of.content, str):
        holds = of.content.startswith(end.content) if name == "startswith" else of.content.endswith(end.content)
        return _outcome(holds, of, end)
    if of.start and name == "startswith":
        if of.start.startswith(end.content):
            return _outcome(True, of, end)
        if not end.content.startswith(of.start):
            return known(False, of, end)
    return unknown(of, end)


# Regular expressions


def matched(name: str, pattern: Value, text: Value) -> Value:
    """What a function of `re` finds, for patterns that mean what they spell: others might take forever."""
    found = _SIMPLE.fullmatch(pattern.content) if isinstance(pattern.content, str) else None
    if found is None or not pattern.is_known:
        return unknown(text, Value())
    is_bound, inner, is_closed = found[1] or name != "search", known(found[2]), found[3] or name == "fullmatch"
    if is_bound and is_closed:
        return _equal(text, inner)  # `$` in front of a newline is left aside
    if is_bound:
        return _ends(text, "startswith", inner)
    return _ends(text, "endswith", inner) if is_closed else _part(inner, text)
