"""Following a value through code that checks it: is it surely rejected?

Statements are followed as Python would run them, with values of which not all is known. Where a condition is not
known both ways are gone; what is said to be rejected is so on all of them. Nothing is run: what is worked out are
comparisons and a few methods of short strings. Limits: code of other files is not followed, and counts as code that
leaves alone what it is not given.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from ssot_fix.audit.areas.validators_code import Class, Code, Function, checked_fields, decorators
from ssot_fix.audit.areas.validators_compare import MATCHES, compared, matched, negated, text_method
from ssot_fix.audit.areas.validators_values import (
    LONGEST,
    NONE,
    UNKNOWN,
    Items,
    Pairs,
    Value,
    about,
    items,
    joined,
    known,
    texts,
    truth,
    unknown,
)

Outside = Callable[[str], Value]  # the value of what a dotted path, as it is imported, stands for
_ENVIRONMENT = re.compile(
    r"(?:^|_)(?:env|environ|environment|getenv|testing|pytest|production|staging)(?:_|$)|^is_(?:test|prod|dev)", re.I
)
_STEPS = 4_000
_DEPTH = 4
_TYPES = {"str": str, "int": int, "float": float, "bytes": bytes, "bool": bool}
_CUTTING = ("endswith", "removeprefix", "removesuffix")
_STRIPPING = ("strip", "lstrip", "rstrip")
ALONE, STARTS, HOLDS = range(3)
_OTHERS = frozenset({"dict", "list", "tuple", "set", "frozenset"})


class GaveUp(Exception):
    """The code is too long to be followed."""


class _Rejects(Exception):
    """An expression surely raises."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = list(patterns)


@dataclass(slots=True)
class Flow:
    """How a piece of code may end: at its end, or by `return`, `break`, `continue`; `raises` are patterns."""

    falls: bool = True
    returns: list[Value] = field(default_factory=list)
    breaks: list[_State] = field(default_factory=list)
    continues: list[_State] = field(default_factory=list)
    raises: list[str] = field(default_factory=list)  # "" where it was no pattern that led there

    @property
    def surely_raises(self) -> bool:
        """Whether it can end in no other way."""
        return bool(self.raises) and not (self.falls or self.returns or self.breaks or self.continues)

    def take(self, other: Flow) -> None:
        """Add the ways in which another piece may end, but for its end."""
        self.returns += other.returns
        self.breaks += other.breaks
        self.continues += other.continues
        self.raises += other.raises


@dataclass(slots=True)
class _State:
    """The values of names and of the instance's fields where a piece of code begins.

    `me` is what the method calls its instance or class, `pattern` what led there.
    """

    names: dict[str, Value]
    fields: dict[str, Value]
    me: str = ""
    of: Class | None = None
    pattern: str = ""
    depth: int = 0

    def copy(self, pattern: str = "") -> _State:
        return _State(dict(self.names), dict(self.fields), self.me, self.of, pattern or self.pattern, self.depth)

    def become(self, states: Sequence[_State]) -> None:
        """Know only what all of some states agree on."""
        if states:
            self.names = _agreed([state.names for state in states])
            self.fields = _agreed([state.fields for state in states])


def _agreed(tables: Sequence[dict[str, Value]]) -> dict[str, Value]:
    found = dict(tables[0])
    for table in tables[1:]:
        for name in found.keys() | table.keys():
            one, other = found.get(name, UNKNOWN), table.get(name, UNKNOWN)
            if one is not other:
                found[name] = joined(one, other)
    return found


@dataclass(slots=True)
class _Given:
    """A call, and the values of its arguments."""

    node: ast.Call
    arguments: list[Value]
    keywords: dict[str, Value]

    @property
    def has_star(self) -> bool:
        """Whether it is not known which parameters the arguments go to."""
        return _has_star(self.node.args) or "**" in self.keywords


@dataclass(slots=True)
class Run:
    """One way through some code. `assumed` says by line how conditions on the environment turn out.

    What it finds: `conditions` on the environment by line, and `candidates`, the strings with which arguments are
    compared where that may lead to a `raise`, each with what it may reject at most: it alone, what starts with it
    (`STARTS`), what holds it (`HOLDS`). `is_loose`: what arguments are compared as may lack any part of them.
    """

    code: Code
    outside: Outside
    assumed: Mapping[int, bool] = field(default_factory=dict)
    conditions: dict[int, ast.expr] = field(default_factory=dict)
    candidates: dict[tuple[str, str], int] = field(default_factory=dict)
    noted: list[tuple[str, str, int]] = field(default_factory=list)  # all that arguments were compared with
    is_loose: bool = False
    compares: bool = False  # whether an argument was compared with anything
    raised: list[str] = field(default_factory=list)  # what may have been raised in functions that were called
    steps: int = 0
    takes_notes: bool = True  # of what arguments are compared with

    def constant(self, name: str) -> Value:
        """The value of a constant of the file."""
        return self._plain(self.code.constants[name])

    # What is called

    def construct(self, of: Class, arguments: Mapping[str, Value], depth: int = 0) -> Flow:
        """Make an instance; arguments that are not given are unknown."""
        if depth > _DEPTH or "__new__" in of.methods:
            return Flow()
        if "__init__" in of.methods:
            return self.call(of.methods["__init__"], arguments, of, {}, depth)
        values = {name: self._default(name, node) for name, node in of.fields.items()}
        values |= {name: _named(name, value) for name, value in arguments.items()}
        whole = Flow()
        for method in of.methods.values():
            for checked in checked_fields(method):
                flow = self.call(method, {_second(method): values.get(checked, UNKNOWN)}, of, {}, depth)
                whole.take(flow)
                if flow.surely_raises:
                    return Flow(falls=False, raises=flow.raises)
        if of.is_dataclass and "__post_init__" in of.methods:
            return self.call(of.methods["__post_init__"], {}, of, values, depth)
        whole.falls = True
        return whole

    def _default(self, name: str, node: ast.expr | None) -> Value:
        return _unread(name) if node is None else _named(name, self._plain(node))

    def call(
        self,
        function: Function,
        arguments: Mapping[str, Value],
        of: Class | None,
        fields: dict[str, Value],
        depth: int,
    ) -> Flow:
        """Call a function; parameters that are not given are unknown. `fields` are those of the instance, if any."""
        if depth > _DEPTH or not self.code.is_plain(function):
            return Flow(falls=False, returns=[UNKNOWN])
        parameters = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        names = {parameter.arg: _unread(parameter.arg) for parameter in parameters}
        names |= {name: self._default(name, node) for name, node in defaults(function).items()}
        names |= {name: _named(name, value) for name, value in arguments.items() if name in names}
        is_method = of is not None and "staticmethod" not in decorators(function) and bool(parameters)
        state = _State(names, fields, parameters[0].arg if is_method else "", of, "", depth)
        return self.block(function.body, state)

    # Statements

    def block(self, body: Sequence[ast.stmt], state: _State) -> Flow:
        """Follow statements one after the other; the state is that at their end, if they reach it."""
        whole = Flow()
        for statement in body:
            self._step()
            try:
                flow = self._statement(statement, state)
            except _Rejects as error:
                flow = Flow(falls=False, raises=[pattern or state.pattern for pattern in error.patterns])
            whole.take(flow)
            if not flow.falls:
                whole.falls = False
                break
        return whole

    def _step(self) -> None:
        self.steps += 1
        if self.steps > _STEPS:
            raise GaveUp

    def _statement(self, node: ast.stmt, state: _State) -> Flow:
        match node:
            case ast.If():
                return self._if(node, state)
            case ast.For() | ast.AsyncFor():
                return self._for(node, state)
            case ast.While(test=test):
                self._maybe(test, state)
                return self._perhaps(node.body, state)
            case ast.Try() | ast.TryStar():
                return self._try(node, state)
            case ast.With() | ast.AsyncWith():
                return self._with(node, state)
            case ast.Raise():
                return Flow(falls=False, raises=[state.pattern])
            case ast.Return(value=value):
                return Flow(falls=False, returns=[NONE if value is None else self._value(value, state)])
            case ast.Break():
                return Flow(falls=False, breaks=[state.copy()])
            case ast.Continue():
                return Flow(falls=False, continues=[state.copy()])
        self._simple(node, state)
        return Flow()

    def _simple(self, node: ast.stmt, state: _State) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                found = self._value(value, state)
                for target in targets:
                    self._bind(target, found, state)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._bind(target, self._value(value, state), state)
            case ast.AugAssign(target=target, value=value):
                self._bind(target, unknown(self._value(value, state), UNKNOWN), state)
            case ast.Expr(value=value):
                self._value(value, state)
            case ast.Assert(test=test):
                self._maybe(test, state)
            case ast.Match(subject=subject):
                self._maybe(subject, state)
                self._perhaps([inner for case in node.cases for inner in case.body], state)
            case _:
                _forget(self.code.bound([node]), state)

    def _if(self, node: ast.If, state: _State) -> Flow:
        before = len(self.noted)
        test = self._value(node.test, state)
        noted = self.noted[before:] or [each for each in self.noted if each[0] == test.about]
        outcome = truth(test)
        if outcome is None and test.is_environment:
            self.conditions[node.lineno] = node.test
            outcome = self.assumed.get(node.lineno)
        if outcome is not None:
            inner = state.copy(test.pattern if outcome else "")
            flow = self.block(node.body if outcome else node.orelse, inner)
            state.become([inner] if flow.falls else [])
            return flow
        states, whole = (state.copy(), state.copy()), Flow(falls=False)
        ends = []
        for body, inner in zip((node.body, node.orelse), states, strict=True):
            flow = self.block(body, inner)
            whole.take(flow)
            ends += [inner] if flow.falls else []
            if body is node.body and flow.surely_raises:
                for argument, text, kind in noted:
                    self.candidates[argument, text] = max(kind, self.candidates.get((argument, text), ALONE))
        state.become(ends)
        whole.falls = bool(ends)
        return whole

    def _for(self, node: ast.For | ast.AsyncFor, state: _State) -> Flow:
        over = self._value(node.iter, state)
        inner = items(over)
        if inner is None or len(inner) > LONGEST:
            self._bind(node.target, unknown(over, UNKNOWN), state)
            return self._perhaps(node.body, state)
        whole, left = Flow(), list[_State]()
        for each in inner:
            self._bind(node.target, each, state)
            flow = self.block(node.body, state)
            whole.returns += flow.returns
            whole.raises += flow.raises
            left += flow.breaks
            ends = [state.copy()] * flow.falls + flow.continues
            if not ends:
                whole.falls = False
                break
            state.become(ends)
        if whole.falls and node.orelse:
            flow = self.block(node.orelse, state)
            whole.take(flow)
            whole.falls = flow.falls
        state.become([*left, *([state.copy()] if whole.falls else [])])
        whole.falls = whole.falls or bool(left)
        return whole

    def _perhaps(self, body: Sequence[ast.stmt], state: _State) -> Flow:
        """Statements that run any number of times, or not at all."""
        _forget(self.code.bound(body), state)
        inner = state.copy()
        flow = self.block(body, inner)
        _forget(self.code.bound(body), state)
        state.fields = _agreed([state.fields, inner.fields])
        return Flow(returns=flow.returns, raises=flow.raises)

    def _try(self, node: ast.Try | ast.TryStar, state: _State) -> Flow:
        inner = state.copy()
        flow = self.block(node.body, inner)
        if flow.falls and node.orelse:
            after = self.block(node.orelse, inner)
            flow.take(after)
            flow.falls = after.falls
        ends = [inner] if flow.falls else []
        surely = flow.surely_raises
        _forget(self.code.bound(node.body), state)
        for handler in node.handlers:
            caught = state.copy(next(iter(flow.raises), "") if surely else "")
            _forget(self.code.bound([handler]), caught)
            handled = self.block(handler.body, caught)
            flow.take(handled)
            ends += [caught] if handled.falls else []
        state.become(ends)
        flow.falls = bool(ends)
        last = self.block(node.finalbody, state)
        if not last.falls:
            return last
        return flow

    def _with(self, node: ast.With | ast.AsyncWith, state: _State) -> Flow:
        for item in node.items:
            self._value(item.context_expr, state)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, UNKNOWN, state)
        flow = self.block(node.body, state)
        flow.falls = flow.falls or bool(flow.raises)  # what is entered may swallow exceptions
        return flow

    def _bind(self, target: ast.expr, value: Value, state: _State) -> None:
        inner = items(value)
        match target:
            case ast.Name(id=name):
                state.names[name] = value
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name and name == state.me:
                state.fields[attr] = value
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                if inner is None or len(inner) != len(elements) or _has_star(elements):
                    inner = (unknown(value, UNKNOWN),) * len(elements)
                for element, each in zip(elements, inner, strict=True):
                    self._bind(element, each, state)
            case ast.Subscript(value=ast.Name(id=name)):
                state.names[name] = unknown(state.names.get(name, UNKNOWN), UNKNOWN)
            case ast.Starred(value=inside):
                self._bind(inside, UNKNOWN, state)

    # Expressions

    def _maybe(self, node: ast.expr, state: _State) -> Value:
        """The value of an expression that may not be worked out at all."""
        try:
            return self._value(node, state)
        except _Rejects as error:
            self.raised += error.patterns
            return UNKNOWN

    def _plain(self, node: ast.expr) -> Value:
        """The value of an expression at module level."""
        return self._maybe(node, _State({}, {}, depth=_DEPTH))

    def _value(self, node: ast.expr, state: _State) -> Value:
        self._step()
        work_out = _EXPRESSIONS.get(type(node))
        return work_out(self, node, state) if work_out is not None else UNKNOWN

    def _constant(self, node: ast.Constant, _state: _State) -> Value:
        found = self.code.literals.get(node)
        if found is None:
            found = self.code.literals[node] = UNKNOWN if node.value is ... else known(node.value)
        return found

    def _not(self, node: ast.UnaryOp, state: _State) -> Value:
        value = self._value(node.operand, state)
        return negated(value) if isinstance(node.op, ast.Not) else unknown(value, UNKNOWN)

    def _walrus(self, node: ast.NamedExpr, state: _State) -> Value:
        value = self._value(node.value, state)
        self._bind(node.target, value, state)
        return value

    def _awaited(self, node: ast.Await, state: _State) -> Value:
        return self._value(node.value, state)

    def _starred(self, node: ast.Starred, state: _State) -> Value:
        return unknown(self._value(node.value, state), UNKNOWN)

    def _subscript(self, node: ast.Subscript, state: _State) -> Value:
        return _item(self._value(node.value, state), self._value(node.slice, state))

    def _binary(self, node: ast.BinOp, state: _State) -> Value:
        return _sum(self._value(node.left, state), node.op, self._value(node.right, state))

    def _pairs(self, node: ast.Dict, state: _State) -> Value:
        values = [self._value(each, state) for each in node.values]
        if None in node.keys:
            return UNKNOWN
        pairs = zip((self._value(key, state) for key in node.keys if key is not None), values, strict=True)
        return known(Pairs(tuple(pairs)), *values)

    def _items(self, node: ast.List | ast.Tuple | ast.Set, state: _State) -> Value:
        literals, elements = self.code.literals, node.elts
        if node not in literals:
            is_plain = all(isinstance(each, ast.Constant) and each.value is not ... for each in elements)
            literals[node] = known(Items(tuple(self._value(each, state) for each in elements))) if is_plain else None
        found = literals[node]
        if found is not None:
            return found
        values = [self._value(each, state) for each in elements]
        return UNKNOWN if _has_star(elements) else known(Items(tuple(values)), *values)

    def _name(self, node: ast.Name, state: _State) -> Value:
        name = node.id
        if name in state.names:
            return state.names[name]
        if name in self.code.constants:
            return self.constant(name)
        if name in self.code.imports:
            found = self.outside(self.code.imports[name])
            return found if found.is_known else _unread(name)
        return _unread(name)

    def _attribute(self, node: ast.Attribute, state: _State) -> Value:
        attr = node.attr
        if isinstance(node.value, ast.Name):
            name = node.value.id
            if name and name == state.me and attr in state.fields:
                return state.fields[attr]
            of = self._class_of(name, state)
            if of is not None and attr in of.constants:
                return self._plain(of.constants[attr])
            if name in self.code.imports and name not in state.names:
                found = self.outside(f"{self.code.imports[name]}.{attr}")
                return found if found.is_known else _unread(attr)
        value = self._value(node.value, state)
        if _ENVIRONMENT.search(attr):
            return Value(about=value.about, is_environment=True)
        return unknown(value) if value.is_environment else unknown(value, UNKNOWN)

    def _class_of(self, name: str, state: _State) -> Class | None:
        """The class that a name means, or is an instance of."""
        if state.me and name == state.me:
            return state.of
        return None if name in state.names else self.code.classes.get(name)

    def _compare(self, node: ast.Compare, state: _State) -> Value:
        left, outcomes = self._value(node.left, state), []
        for operator, right_node in zip(node.ops, node.comparators, strict=True):
            right = self._value(right_node, state)
            if isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn):
                is_in = isinstance(operator, ast.In | ast.NotIn)
                self._note(left, right, kind=HOLDS if is_in and right.about and not left.about else ALONE)
            outcomes.append(compared(left, operator, right))
            left = right
        return outcomes[0] if len(outcomes) == 1 else _all(outcomes)

    def _note(self, *values: Value, kind: int) -> None:
        """Note the strings that an argument is compared with, and what each may reject."""
        argument = about(values) if self.takes_notes else ""
        if argument:
            self.compares = True
            self.noted += [(argument, text, kind) for value in values if not value.about for text in texts(value)]

    def _logic(self, node: ast.BoolOp, state: _State) -> Value:
        values: list[Value] = []
        is_and = isinstance(node.op, ast.And)
        for each in node.values:
            value = self._maybe(each, state) if values else self._value(each, state)
            are_told = all(map(_is_told, values))
            values.append(value)
            if truth(value) is (not is_and):
                return value if are_told else Value(about=about(values), truth=not is_and, pattern=value.pattern)
        pattern = next((value.pattern for value in values if value.pattern), "") if is_and else ""
        return replace(values[-1] if all(map(_is_told, values)) else unknown(*values), pattern=pattern)

    def _either(self, node: ast.IfExp, state: _State) -> Value:
        outcome = truth(self._value(node.test, state))
        if outcome is not None:
            return self._value(node.body if outcome else node.orelse, state)
        return joined(self._maybe(node.body, state), self._maybe(node.orelse, state))

    def _joined(self, node: ast.JoinedStr, state: _State) -> Value:
        whole, values = "", list[Value]()
        for part in node.values:
            value = self._part(part, state)
            values.append(value)
            if not value.is_known or not isinstance(value.content, str):
                return Value(start=whole, about=about(values))
            whole += value.content
        return known(whole, *values)

    def _part(self, part: ast.expr, state: _State) -> Value:
        """A part of an f-string; how others than plain strings are shown is not known."""
        if not isinstance(part, ast.FormattedValue):
            return self._maybe(part, state)
        value = self._maybe(part.value, state)
        return value if part.conversion == -1 and part.format_spec is None else unknown(value, UNKNOWN)

    def _comprehension(self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp, state: _State) -> Value:
        inner = state.copy()
        found = list[Value]()
        is_told = self._generate(node.generators, node.elt, inner, found)
        return known(Items(tuple(found)), *found) if is_told else unknown(*found, UNKNOWN)

    def _generate(
        self, generators: Sequence[ast.comprehension], element: ast.expr, state: _State, found: list[Value]
    ) -> bool:
        """Work out the items of a comprehension; False if it is not known which ones there are."""
        if not generators:
            found.append(self._maybe(element, state))
            return True
        over = self._maybe(generators[0].iter, state)
        inner = items(over)
        is_told = inner is not None
        for each in inner if inner is not None else (unknown(over, UNKNOWN),):
            self._step()
            self._bind(generators[0].target, each, state)
            kept = truth(_all([known(True), *(self._maybe(test, state) for test in generators[0].ifs)]))
            if kept is not False:
                is_told = self._generate(generators[1:], element, state, found) and kept is True and is_told
        return is_told

    # Calls

    def _call(self, node: ast.Call, state: _State) -> Value:
        given = _Given(
            node,
            [self._value(argument, state) for argument in node.args],
            {keyword.arg or "**": self._value(keyword.value, state) for keyword in node.keywords},
        )
        match node.func:
            case ast.Name(id=name) if name not in state.names or name == state.me:
                return self._call_name(name, given, state)
            case ast.Attribute(value=ast.Name(id="object"), attr="__setattr__") if len(given.arguments) == 3:
                self._set(given.arguments[1], given.arguments[2], state)
                return NONE
            case ast.Attribute(value=of, attr=attr):
                return self._call_method(of, attr, given, state)
        self._give_away(node, state)
        return unknown(self._value(node.func, state), UNKNOWN)

    def _call_name(self, name: str, given: _Given, state: _State) -> Value:
        of = state.of if name == state.me else self.code.classes.get(name)
        function = self.code.functions.get(name)
        if given.has_star or name in self.code.imports:
            self._give_away(given.node, state)
            return _unread(name)
        if of is not None:
            arguments = constructor_arguments(of, given.arguments, given.keywords)
            self._ended(self.construct(of, arguments, state.depth + 1))
            return unknown(*given.arguments, *given.keywords.values(), UNKNOWN)
        if function is not None:
            if any(isinstance(argument, ast.Name) and argument.id == state.me for argument in given.node.args):
                _forget_fields(state)
            assigned_ = assigned(function, given.arguments, given.keywords)
            return self._ended(self.call(function, assigned_, None, {}, state.depth + 1))
        return self._builtin(name, given, state)

    def _builtin(self, name: str, given: _Given, state: _State) -> Value:
        node, arguments = given.node, given.arguments
        match name, arguments:
            case "len", [value]:
                return _length(value)
            case ("str", [Value(is_known=True, content=str()) as value]) | ("bool", [value]):
                return value
            case (("any" | "all"), [value]):
                return _quantified(name, value)
            case "isinstance", [value, _]:
                return _is_instance(value, node.args[1])
            case (("set" | "frozenset" | "list" | "tuple" | "sorted" | "iter"), [value]):
                inner = items(value)
                return unknown(value, UNKNOWN) if inner is None else known(Items(inner), value)
            case (("set" | "frozenset" | "list" | "tuple"), []):
                return known(Items(()))
            case "getattr", [_, Value(is_known=True, content=str() as attr), *_]:
                of = node.args[0]
                if isinstance(of, ast.Name) and of.id == state.me:
                    return state.fields.get(attr, _unread(attr))
            case "setattr", [_, Value() as attr_value, value]:
                if isinstance(node.args[0], ast.Name) and node.args[0].id == state.me:
                    self._set(attr_value, value, state)
                    return NONE
        if name not in ("hasattr", "print", "repr", "type", "str", "callable", "getattr"):
            self._give_away(node, state)
        return unknown(*arguments, UNKNOWN) if not _ENVIRONMENT.search(name) else _unread(name)

    def _set(self, name: Value, value: Value, state: _State) -> None:
        if name.is_known and isinstance(name.content, str):
            state.fields[name.content] = value
        else:
            _forget_fields(state)

    def _call_method(self, of: ast.expr, attr: str, given: _Given, state: _State) -> Value:
        arguments = given.arguments
        if isinstance(of, ast.Name):
            owner = self._class_of(of.id, state)
            if owner is not None:
                return self._call_own(owner, attr, given, is_own=of.id == state.me, state=state)
            if self.code.imports.get(of.id) == "re" and attr in MATCHES and len(arguments) == 2 and not given.keywords:
                if isinstance(arguments[0].content, str):  # ^ and $ are no part of what is compared
                    spelled = known(arguments[0].content.removeprefix("^").removesuffix("$"))
                    self._note(spelled, arguments[1], kind=HOLDS)
                    self.is_loose = True
                return matched(attr, *arguments)
        self._give_away(given.node, state)
        value = self._value(of, state)
        if isinstance(value.content, Items | Pairs):
            return self._call_collection(of, value, attr, arguments, state)
        if _ENVIRONMENT.search(attr) or value.is_environment:
            return Value(about=about([value, *arguments]), is_environment=True)
        if attr in ("startswith", "endswith"):
            self._note(value, *arguments, kind=STARTS if attr == "startswith" else ALONE)
        self.is_loose = self.is_loose or attr in _CUTTING or (bool(arguments) and attr in _STRIPPING)
        return text_method(value, attr, arguments) if not given.keywords else unknown(value, UNKNOWN)

    def _call_own(self, owner: Class, attr: str, given: _Given, *, is_own: bool, state: _State) -> Value:
        """Call a method of the instance, or of a class of the file."""
        method = owner.methods.get(attr)
        if method is None or given.has_star:
            if is_own:
                _forget_fields(state)
            return _unread(attr)
        is_bound = is_own or "classmethod" in decorators(method)
        arguments = assigned(
            method, given.arguments, given.keywords, bound=is_bound and "staticmethod" not in decorators(method)
        )
        return self._ended(self.call(method, arguments, owner, state.fields if is_own else {}, state.depth + 1))

    def _call_collection(self, of: ast.expr, value: Value, attr: str, arguments: list[Value], state: _State) -> Value:
        pairs = value.content.values if isinstance(value.content, Pairs) else ()
        match attr:
            case "items" if isinstance(value.content, Pairs):
                return known(Items(tuple(known(Items(pair), *pair) for pair in pairs)), value)
            case "values" if isinstance(value.content, Pairs):
                return known(Items(tuple(each for _, each in pairs)), value)
            case "keys" if isinstance(value.content, Pairs):
                return known(Items(items(value) or ()), value)
            case "copy" if not arguments:
                return value
            case "append" | "add" if isinstance(of, ast.Name) and isinstance(value.content, Items):
                more = Items((*value.content.values, *arguments))
                state.names[of.id] = known(more, value) if len(more.values) < LONGEST else UNKNOWN
                return NONE
        if isinstance(of, ast.Name):
            state.names[of.id] = unknown(value, UNKNOWN)
        return unknown(value, *arguments, UNKNOWN)

    def _give_away(self, node: ast.Call, state: _State) -> None:
        """What is handed to code out of sight may be changed there: the instance, and lists by name."""
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            inner = argument.value if isinstance(argument, ast.Starred) else argument
            if isinstance(inner, ast.Name):
                if inner.id == state.me:
                    _forget_fields(state)
                elif isinstance(state.names.get(inner.id, NONE).content, Items | Pairs):
                    state.names[inner.id] = UNKNOWN
        match node.func:
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super"))):
                _forget_fields(state)

    def _ended(self, flow: Flow) -> Value:
        """The value of a call that ended in some way."""
        if flow.surely_raises:
            raise _Rejects(flow.raises)
        self.raised += flow.raises
        values = [*flow.returns, *([NONE] if flow.falls else [])]
        found = values[0] if values else UNKNOWN
        for value in values[1:]:
            found = joined(found, value)
        return found


# What works an expression out, by its type.
_EXPRESSIONS: Mapping[type[ast.expr], Callable[[Run, Any, _State], Value]] = {
    ast.Constant: Run._constant,
    ast.Name: Run._name,
    ast.Attribute: Run._attribute,
    ast.Call: Run._call,
    ast.Compare: Run._compare,
    ast.BoolOp: Run._logic,
    ast.UnaryOp: Run._not,
    ast.IfExp: Run._either,
    ast.NamedExpr: Run._walrus,
    ast.Await: Run._awaited,
    ast.JoinedStr: Run._joined,
    ast.List: Run._items,
    ast.Tuple: Run._items,
    ast.Set: Run._items,
    ast.Dict: Run._pairs,
    ast.GeneratorExp: Run._comprehension,
    ast.ListComp: Run._comprehension,
    ast.SetComp: Run._comprehension,
    ast.Subscript: Run._subscript,
    ast.BinOp: Run._binary,
    ast.Starred: Run._starred,
}

# Values that operations give


def _all(values: Sequence[Value]) -> Value:
    """The conjunction of some values."""
    truths = [truth(value) for value in values]
    if False in truths:
        return known(False, *values)
    pattern = next((value.pattern for value in values if value.pattern), "")
    return replace(unknown(*values), pattern=pattern) if None in truths else known(True, *values, pattern=pattern)


def _quantified(name: str, value: Value) -> Value:
    inner = items(value)
    if inner is None:
        return unknown(value, UNKNOWN)
    if name == "all":
        return _all(inner) if inner else known(True)
    for each in inner:
        if truth(each):
            return known(True, *inner, pattern=each.pattern)
    return unknown(*inner) if any(truth(each) is None for each in inner) else known(False, *inner)


def _is_told(value: Value) -> bool:
    return truth(value) is not None


def _length(value: Value) -> Value:
    inner = items(value)
    if value.is_known and isinstance(value.content, str):
        return known(len(value.content), value)
    return unknown(value, UNKNOWN) if inner is None else known(len(inner), value)


def _is_instance(value: Value, of: ast.expr) -> Value:
    names = [each.id for each in ast.walk(of) if isinstance(each, ast.Name)]
    is_text = isinstance(value.content, str) if value.is_known else bool(value.start)
    if is_text:
        if "str" in names:
            return known(True, value)
        if names and all(name in _TYPES or name in _OTHERS for name in names):
            return known(False, value)
    return unknown(value, UNKNOWN)


def _item(of: Value, at: Value) -> Value:
    if of.is_known and at.is_known and isinstance(at.content, str) and isinstance(of.content, Pairs):
        found = [value for key, value in of.content.values if key.content == at.content]
        return found[-1] if found else UNKNOWN
    if of.is_environment:
        return unknown(of)
    return unknown(of, UNKNOWN)


def _sum(left: Value, operator: ast.operator, right: Value) -> Value:
    one, other = left.content, right.content
    if left.is_known and right.is_known and isinstance(operator, ast.Add | ast.BitOr):
        if isinstance(one, Items) and isinstance(other, Items) and len(one.values) + len(other.values) <= LONGEST:
            return known(Items((*one.values, *other.values)), left, right)
        if isinstance(one, str) and isinstance(other, str) and len(one) + len(other) <= LONGEST:
            return known(one + other, left, right)
    return unknown(left, right, UNKNOWN)


def _named(name: str, value: Value) -> Value:
    """A value that goes by a name; one of which nothing is known may depend on the environment by that."""
    return _unread(name) if value == UNKNOWN else value


@lru_cache(maxsize=4_096)
def _unread(name: str) -> Value:
    return Value(is_environment=_ENVIRONMENT.search(name) is not None)


def _forget(names: Iterable[str], state: _State) -> None:
    for name in names:
        state.names[name] = Value(about=state.names.get(name, UNKNOWN).about)


def _forget_fields(state: _State) -> None:
    for name, value in state.fields.items():
        state.fields[name] = Value(about=value.about)


def _has_star(nodes: Iterable[ast.expr]) -> bool:
    return any(isinstance(node, ast.Starred) for node in nodes)


# Arguments


def _second(function: Function) -> str:
    """The second parameter's name: the value that a pydantic validator checks."""
    parameters = [*function.args.posonlyargs, *function.args.args]
    return parameters[1].arg if len(parameters) > 1 else ""


def assigned(
    function: Function, arguments: Sequence[Value], keywords: Mapping[str, Value], *, bound: bool = False
) -> dict[str, Value]:
    """The parameters that arguments go to; `bound`: the first one is the instance's or the class's."""
    parameters = [parameter.arg for parameter in (*function.args.posonlyargs, *function.args.args)][bound:]
    return dict(zip(parameters, arguments, strict=False)) | dict(keywords)


def constructor_arguments(of: Class, arguments: Sequence[Value], keywords: Mapping[str, Value]) -> dict[str, Value]:
    """The parameters of a class's constructor that arguments go to."""
    if "__init__" in of.methods:
        return assigned(of.methods["__init__"], arguments, keywords, bound=True)
    positional = {} if of.has_bases else dict(zip(of.fields, arguments, strict=False))  # bases have fields before
    return positional | dict(keywords)


def defaults(function: Function) -> dict[str, ast.expr]:
    """The defaults of parameters."""
    positional = [parameter.arg for parameter in (*function.args.posonlyargs, *function.args.args)]
    found = dict(zip(reversed(positional), reversed(function.args.defaults), strict=False))
    only = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return found | {parameter.arg: node for parameter, node in only if node is not None}
