"""Finding code that rejects literal values, in one file."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

from ssot_fix.audit.areas.validators_code import (
    Class,
    Code,
    Function,
    checked_fields,
    code_of,
    decorators,
    last_name,
)
from ssot_fix.audit.areas.validators_compare import MATCHES
from ssot_fix.audit.areas.validators_run import ALONE, HOLDS, GaveUp, Outside, Run, defaults
from ssot_fix.audit.areas.validators_values import UNKNOWN, Value, known
from ssot_fix.audit.text import Text
from ssot_fix.statements import inner_statements

_SCREEN = re.compile(rb"raise\b(?<!\wraise)")  # a literal in front is found fastest
_HINT = re.compile(rb"\.(?:starts|ends)with\(|\bin\b|==")
_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
_MAKING = ("__init__", "__post_init__")
_FEWEST = 2  # a single one is a rule, not a list of patterns
_MOST = 200  # strings that an argument is compared with; more than that are no list of patterns
_STEPS = 1_500_000  # for one file


@dataclass(frozen=True, slots=True)
class Checked:
    """Arguments of a class (its constructor), a method or a function, and the values of them that are rejected.

    `line` is that of the definition. `is_loose`: what is compared may be any part of an argument.
    """

    name: str
    line: int
    arguments: tuple[str, ...]
    exact: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    lifted_by: str = ""
    is_loose: bool = False

    def may_match(self, text: str) -> bool:
        """Whether a string may match a pattern, whatever is done to its case and ends before."""
        folded = text.casefold()
        if self.is_loose:
            return any(pattern.casefold() in folded for pattern in self.patterns)
        inner, start = folded.strip(), folded.lstrip()
        return (
            any(pattern.casefold().strip() == inner for pattern in self.exact)
            or any(start.startswith(pattern.casefold().lstrip()) for pattern in self.prefixes)
            or any(pattern.casefold() in folded for pattern in self.parts)
        )

    @property
    def patterns(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.exact, *self.prefixes, *self.parts)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a value: `rejected` by a pattern, `accepted`, or `open`; which check on the environment
    lifts the rejection."""

    outcome: str
    pattern: str = ""
    lifted_by: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What can be called with a value: a function, a method of a class, or the class itself (no function)."""

    name: str
    of: Class | None
    function: Function | None

    @property
    def parameters(self) -> list[str]:
        """The names of the arguments that it takes, the instance or class aside."""
        if self.function is not None:
            return _parameters(self.function, is_method=self.of is not None)
        if self.of is None:
            return []
        if "__init__" in self.of.methods:
            return _parameters(self.of.methods["__init__"], is_method=True)
        checked = [name for method in self.of.methods.values() for name in checked_fields(method)]
        return list(dict.fromkeys((*self.of.fields, *checked)))

    def takes(self, node: ast.Call) -> bool:
        """Whether a call passes what it takes: with other arguments it fails before anything is checked."""
        function = self.function
        if function is None and self.of is not None:
            function = self.of.methods.get("__init__")
        if function is None:
            return self.of is None or self.of.has_bases or _takes(node, self.parameters, _required(self.of))
        is_method = self.of is not None and "staticmethod" not in decorators(function)
        required = [name for name in _parameters(function, is_method=is_method) if name not in defaults(function)]
        is_open = function.args.vararg is not None or function.args.kwarg is not None
        return is_open or _takes(node, _parameters(function, is_method=is_method), required)

    @property
    def line(self) -> int:
        """The line of its definition."""
        node = self.function or (self.of.node if self.of is not None else None)
        return node.lineno if node is not None else 0


def _takes(node: ast.Call, parameters: list[str], required: list[str]) -> bool:
    keywords = [keyword.arg for keyword in node.keywords]
    if len(node.args) > len(parameters) or any(name is not None and name not in parameters for name in keywords):
        return False
    is_told = None not in keywords and not any(isinstance(argument, ast.Starred) for argument in node.args)
    return not is_told or {*parameters[: len(node.args)], *keywords}.issuperset(required)


def _required(of: Class) -> list[str]:
    """The fields that have to be given."""
    return [name for name, default in of.fields.items() if default is None]


def _parameters(function: Function, *, is_method: bool) -> list[str]:
    names = [parameter.arg for parameter in (*function.args.posonlyargs, *function.args.args)]
    own = names[1:] if is_method and "staticmethod" not in decorators(function) else names
    return [*own, *(parameter.arg for parameter in function.args.kwonlyargs)]


# Following values


def follow(
    code: Code, outside: Outside, entry: Entry, arguments: Mapping[str, Value], assumed: Mapping[int, bool]
) -> tuple[Run, list[str], bool]:
    """Call an entry with some values, all others unknown: the run, the patterns that raise, and whether it may end."""
    run = Run(code, outside, assumed, takes_notes=not any(value.is_known for value in arguments.values()))
    given = dict.fromkeys(entry.parameters, UNKNOWN) | dict(arguments)
    if entry.function is not None:
        flow = run.call(entry.function, given, entry.of, {}, 0)
    elif entry.of is not None:
        flow = run.construct(entry.of, given)
    else:
        return run, [], True
    return run, flow.raises, flow.falls or bool(flow.returns)


def verdict(code: Code, outside: Outside, entry: Entry, arguments: Mapping[str, Value]) -> Verdict:
    """What becomes of a value that is passed as an argument; those that are not there are unknown."""
    try:
        return _verdict(code, outside, entry, arguments)[0]
    except (GaveUp, RecursionError):
        return Verdict("open")


def _verdict(code: Code, outside: Outside, entry: Entry, arguments: Mapping[str, Value]) -> tuple[Verdict, int]:
    """What becomes of it, and how many steps that took."""
    run, raises, may_end = follow(code, outside, entry, arguments, {})
    patterns = [pattern for pattern in (*run.raised, *raises) if pattern]
    if not may_end:
        return (Verdict("rejected", patterns[-1]) if patterns else Verdict("open")), run.steps
    steps = run.steps
    for line in sorted(run.conditions)[:4]:
        led: list[tuple[str, bool]] = []
        for holds in (False, True):
            other, raises, may_end = follow(code, outside, entry, arguments, {line: holds})
            steps += other.steps
            led += [(pattern, holds) for pattern in raises if pattern and not may_end][-1:]
        if led:
            pattern, holds = led[-1]
            lifting = _negated(run.conditions[line]) if holds else run.conditions[line]
            return Verdict(
                "rejected", pattern, f"{ast.unparse(lifting)} (line {line})" if len(led) == 1 else ""
            ), steps
    return Verdict("open" if patterns else "accepted"), steps


_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In},
    **{ast.Is: ast.IsNot, ast.IsNot: ast.Is},
}


def _negated(node: ast.expr) -> ast.expr:
    """A condition that holds where another one does not."""
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return inner
        case ast.Compare(left=left, ops=[operator], comparators=comparators) if type(operator) in _OPPOSITES:
            return ast.Compare(left, [_OPPOSITES[type(operator)]()], comparators)
    return ast.UnaryOp(ast.Not(), node)


# Entries


def entry_of(code: Code, name: str) -> Entry | None:
    """The entry of a name: a class, a function, or a class and its method with a dot between."""
    first, _, method = name.partition(".")
    of = code.classes.get(first)
    if of is None:
        function = code.functions.get(first)
        return Entry(name, None, function) if function is not None and not method else None
    if not method:
        return Entry(name, of, None)
    return Entry(name, of, of.methods[method]) if method in of.methods else None


def look(text: Text) -> tuple[str | Checked, ...] | None:
    """What rejects literal values in a file.

    Where constants of other modules play a part, that is the name of what compares with strings, and raises. Raises
    UnreadableText, Unparseable.
    """
    if _SCREEN.search(text.raw) is None or _HINT.search(text.raw) is None:
        return None
    raising = sorted(_raising(text.tree))
    hints = sorted(_hints(text)) if raising else []
    if not hints:
        return None
    code = code_of(text.tree)
    return tuple(_looked(code, _entries(text, code, raising, hints))) or None


def _looked(code: Code, entries: Iterable[Entry]) -> Iterator[str | Checked]:
    asked: list[str] = []

    def outside(dotted: str) -> Value:
        asked.extend([dotted] if is_constant(dotted) else [])
        return UNKNOWN

    for entry, found in _searched(code, entries, outside):
        if asked:
            yield entry.name
            asked.clear()
        else:
            yield from found


def is_constant(dotted: str) -> bool:
    """Whether a dotted path is called like a constant: others are not looked up in other modules."""
    return _CONSTANT.fullmatch(dotted.rpartition(".")[2]) is not None


def checks(code: Code, names: Iterable[str], outside: Outside) -> Iterator[Checked]:
    """What rejects literal values, of some names that may.

    `outside` gives the constants of other modules.
    """
    for _, found in _searched(code, filter(None, (entry_of(code, name) for name in names)), outside):
        yield from found


def _searched(code: Code, entries: Iterable[Entry], outside: Outside) -> Iterator[tuple[Entry, list[Checked]]]:
    """What each of some entries rejects."""
    budget = _STEPS
    for entry in entries:
        search = _Search(code, entry, outside, budget)
        found = list(search.find())
        budget = search.budget
        yield entry, found if sum(len(each.patterns) for each in found) >= _FEWEST else []


_Patterns = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str]  # exact, prefixes, parts, lifted by


@dataclass(slots=True)
class _Search:
    """The search for what an entry rejects. `budget` is how many steps may be taken yet."""

    code: Code
    entry: Entry
    outside: Outside
    budget: int
    is_loose: bool = False

    def find(self) -> Iterator[Checked]:
        """What it rejects; arguments of which it rejects the same together."""
        by_verdict: dict[_Patterns, list[str]] = {}
        candidates = self._candidates() if self.entry.parameters else {}
        if sum(map(len, candidates.values())) < _FEWEST:
            return
        for argument, strings in candidates.items():
            for found in self._patterns(argument, strings):
                by_verdict.setdefault(found, []).append(argument)
        for (exact, prefixes, parts, lifted_by), arguments in by_verdict.items():
            yield Checked(
                self.entry.name, self.entry.line, tuple(arguments), exact, prefixes, parts, lifted_by, self.is_loose
            )

    def _candidates(self) -> dict[str, dict[str, int]]:
        """The strings that arguments are compared with, each with what it may reject at most.

        Nothing if whatever is given is rejected.
        """
        first = self._compared({})
        runs = [first, *(self._compared({line: holds}) for line in self._lines(first) for holds in (False, True))]
        found: dict[str, dict[str, int]] = {}
        for run in filter(None, runs):
            self.is_loose = self.is_loose or run.is_loose
            for (argument, text), kind in run.candidates.items():
                strings = found.setdefault(argument, {})
                strings[text] = max(kind, strings.get(text, ALONE))
        return {argument: strings for argument, strings in found.items() if len(strings) <= _MOST}

    def _lines(self, run: Run | None) -> list[int]:
        """The conditions that may turn out either way, if that may matter to what arguments are compared with."""
        return sorted(run.conditions)[:4] if run is not None and run.compares else []

    def _compared(self, assumed: Mapping[int, bool]) -> Run | None:
        """A run that notes what arguments are compared with; None if it does not end well with any."""
        told = {name: Value(about=name) for name in self.entry.parameters}
        try:
            run, _, may_end = follow(self.code, self.outside, self.entry, told, assumed)
        except (GaveUp, RecursionError):
            return None
        self.budget -= run.steps
        return run if may_end else None

    def _patterns(self, argument: str, strings: Mapping[str, int]) -> Iterator[_Patterns]:
        """The patterns, those apart that a check of the environment lifts."""
        by_lift: dict[str, dict[str, list[str]]] = {}
        for text, most in strings.items():
            kind, lifted_by = self._kind(argument, text, HOLDS if self.is_loose else most)
            if kind:
                by_lift.setdefault(lifted_by, {}).setdefault(kind, []).append(text)
        for lifted_by, kinds in by_lift.items():
            exact, prefixes, parts = (tuple(kinds.get(kind, ())) for kind in ("exact", "prefix", "part"))
            yield exact, prefixes, parts, lifted_by

    def _kind(self, argument: str, text: str, most: int) -> tuple[str, str]:
        """How a string is compared, told by what is rejected: it alone, what starts with it, what holds it."""
        found = ""
        lifted_by = ""
        for kind, value in (("exact", text), ("prefix", f"{text}q"), ("part", f"q{text}q"))[: most + 1]:
            if not text.strip() or self.budget < 0:
                break
            try:
                told, steps = _verdict(
                    self.code, self.outside, self.entry, {argument: known(value, Value(about=argument))}
                )
            except (GaveUp, RecursionError):
                break
            self.budget -= steps
            if told.outcome != "rejected" or told.pattern != text:
                break
            found, lifted_by = kind, told.lifted_by
        return found, lifted_by


# Where to look


_Node = TypeVar("_Node", bound=ast.AST)


def _nodes(text: Text, kind: type[_Node]) -> list[_Node]:
    return cast(list[_Node], text.nodes.get(kind, []))


def _raising(tree: ast.Module) -> Iterator[int]:
    """The lines of conditions under which something is raised."""
    waiting: list[ast.AST] = [*tree.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and any(isinstance(inner, ast.Raise) for inner in node.body):
            yield node.lineno
        waiting += inner_statements(node)


def _hints(text: Text) -> list[int]:
    """The lines of comparisons with strings, or with what may hold some."""
    lists = set(_named_lists(text))
    loops = [(loop.target, loop.iter) for loop in _nodes(text, ast.For)]
    loops += [(loop.target, loop.iter) for loop in _nodes(text, ast.comprehension)]
    for target, over in loops:
        if _holds_texts(over, lists):
            lists |= {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}
    compared = [node.lineno for node in _nodes(text, ast.Compare) if _compares(node, lists)]
    return compared + [node.lineno for node in _nodes(text, ast.Call) if _matches(node, lists)]


def _named_lists(text: Text) -> Iterator[str]:
    """The names that are given a collection of strings, and those of constants that are imported."""
    for assignment in _nodes(text, ast.Assign):
        if _holds_texts(assignment.value, set()):
            yield from map(last_name, assignment.targets)
    for annotated in _nodes(text, ast.AnnAssign):
        if annotated.value is not None and _holds_texts(annotated.value, set()):
            yield last_name(annotated.target)
    for statement in _nodes(text, ast.ImportFrom):
        names = (alias.asname or alias.name for alias in statement.names)
        yield from (name for name in names if _CONSTANT.fullmatch(name))


def _holds_texts(node: ast.expr, lists: set[str]) -> bool:
    """Whether an expression is a string or a collection of some, or goes by a name that such a one has."""
    waiting = [node]
    while waiting:
        match waiting.pop():
            case ast.Constant(value=str()):
                return True
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                waiting += elements
            case ast.Call(args=[inner]):
                waiting.append(inner)
            case ast.BinOp(left=left, right=right):
                waiting += [left, right]
            case ast.Name(id=name) if name in lists:
                return True
            case ast.Attribute(attr=attr) if attr in lists or _CONSTANT.fullmatch(attr):
                return True
    return False


def _compares(node: ast.Compare, lists: set[str]) -> bool:
    if not isinstance(node.ops[0], ast.Eq | ast.In):
        return False
    return any(_holds_texts(each, lists) for each in (node.left, *node.comparators))


def _matches(node: ast.Call, lists: set[str]) -> bool:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    return called in ("startswith", "endswith", *MATCHES) and any(_holds_texts(each, lists) for each in node.args)


def _entries(text: Text, code: Code, raising: list[int], hints: list[int]) -> Iterator[Entry]:
    """What may be called from elsewhere and compares with strings and raises, or calls what does."""
    methods = [method for of in code.classes.values() for method in of.methods.values()]
    functions = [*code.functions.values(), *methods]
    comparing = {function.name for function in functions if _spans(function, hints)}
    using = _lines_of_calls(text, comparing)
    hot = {
        function.name
        for function in functions
        if _spans(function, raising) and (function.name in comparing or _calls(function, using))
    }
    using = _lines_of_calls(text, hot)
    for name, function in code.functions.items():
        if not name.startswith("_") and (name in hot or _calls(function, using)) and code.is_plain(function):
            yield Entry(name, None, function)
    for name, of in code.classes.items():
        hot_ones = [method for method in of.methods.values() if method.name in hot or _calls(method, using)]
        if hot_ones and any(method.name in _MAKING or checked_fields(method) for method in hot_ones):
            yield Entry(name, of, None)
        for method in hot_ones:
            if not method.name.startswith("_") and not checked_fields(method) and code.is_plain(method):
                yield Entry(f"{name}.{method.name}", of, method)


def _spans(node: Function, lines: list[int], first: int = 0) -> bool:
    """Whether one of some lines, which are sorted, is one of a function; `first` is its first one, if not `def`'s."""
    at = bisect_left(lines, first or node.lineno)
    return at < len(lines) and lines[at] <= (node.end_lineno or node.lineno)


def _calls(function: Function, lines: list[int]) -> bool:
    """Whether one of some lines of calls, which are sorted, is one of a function or of its decorators."""
    return _spans(function, lines, min([function.lineno, *(each.lineno for each in function.decorator_list)]))


def _lines_of_calls(text: Text, names: set[str]) -> list[int]:
    return sorted(node.lineno for node in _nodes(text, ast.Call) if last_name(node.func) in names)
