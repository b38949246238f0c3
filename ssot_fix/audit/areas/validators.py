"""Validators: code that rejects literal values by patterns that it holds, and literals that it would reject.

What is rejected is found by following values through the code (`validators_run`), so that folding of case, checks
of the length and early returns count as they would when it runs.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ssot_fix.audit.area import View
from ssot_fix.audit.areas.validators_calls import Argument, Call, calls, literals, unknown_of
from ssot_fix.audit.areas.validators_code import Code, code_of, decorators
from ssot_fix.audit.areas.validators_find import Checked, Entry, Verdict, checks, entry_of, is_constant, look, verdict
from ssot_fix.audit.areas.validators_run import Run
from ssot_fix.audit.areas.validators_values import UNKNOWN, Value
from ssot_fix.audit.model import Finding, Place, Rejected, Validator
from ssot_fix.audit.replaced import Replaced
from ssot_fix.audit.text import Text
from ssot_fix.bindings import load
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.project.scan import Imported, Scan
from ssot_fix.source import UnreadableText

__all__ = ["NAME", "findings", "look", "validators"]
NAME = "validators"
_GAP = rb"(?:[\s\\)]|#[^\r\n]{0,400}+[\r\n])*+"
_CALLED = _GAP + rb"(?:\." + _GAP + rb"\w++" + _GAP + rb")?+(\(|as\b)"
_MARK = re.compile(rb"[()\"'#]")
_DEEPEST = 20  # parentheses in each other; what nests deeper is parsed


def validators(view: View) -> tuple[Validator, ...]:
    """The validators of production code, with the literals that are passed to them, by path and line.

    A literal counts as rejected where it is sure to be; calls that expect to fail are left out.
    """
    guards = _guards(view)
    for path in _importing(view, guards) if guards else ():
        _pass(view, path, guards)
    return tuple(_validator(view, guard, found) for guard in guards.values() for found in guard.found)


def findings(view: View, found: Iterable[Validator]) -> tuple[Finding, ...]:
    """The literals that would be rejected, in the order of validators.

    Where a check of the environment lifts the rejection, tests may well be run in that environment: those are left
    out.
    """
    return tuple(
        _finding(validator, rejected)
        for validator in found
        for rejected in validator.rejected
        if not validator.lifted_by or rejected.place.scope == "production"
    )


def _finding(validator: Validator, rejected: Rejected) -> Finding:
    place = rejected.place
    lifted = f", unless {validator.lifted_by}" if validator.lifted_by else ""
    message = (
        f"{rejected.value!r} is rejected by {validator.name} ({validator.place.path}:{validator.place.line}), "
        f"which holds the pattern {rejected.pattern!r}{lifted}"
    )
    return Finding(
        NAME,
        "rejected-literal",
        place.path,
        place.line,
        f"{validator.name}: {rejected.value}",
        message,
        place.scope,
        service=place.service,
    )


# What rejects


@dataclass(eq=False, slots=True)
class _Guard:
    """A file with validators, what they reject, and the literals that are passed to them, by validator."""

    path: str
    code: Code
    outside: _Outside
    found: tuple[Checked, ...]
    rejected: dict[Checked, list[Rejected]] = field(default_factory=lambda: defaultdict(list))
    accepted: dict[Checked, int] = field(default_factory=lambda: defaultdict(int))
    verdicts: dict[tuple[object, ...], Verdict] = field(default_factory=dict)
    used: frozenset[str] = frozenset()  # the functions and constants that its checks may use

    def __post_init__(self) -> None:
        self.used = frozenset((*self.code.functions, *self.code.constants))

    @property
    def names(self) -> frozenset[str]:
        """The names at module level that calls have to start with."""
        return frozenset(checked.name.partition(".")[0] for checked in self.found)

    def may_match(self, value: Value) -> bool:
        """Whether a string may match a pattern, whatever is done to its case and ends before."""
        if value.is_known:
            return any(checked.may_match(str(value.content)) for checked in self.found)
        start = value.start.casefold()
        return any(pattern.casefold() in start for checked in self.found for pattern in checked.patterns)


def _guards(view: View) -> dict[str, _Guard]:
    found: dict[str, _Guard] = {}
    codes: dict[str, Code | None] = {}
    for path in view.python:
        if view.scope(path) != "production":
            continue
        looked = view.facts(NAME, path)
        guard = _guard(view, path, looked, codes) if isinstance(looked, tuple) else None
        if guard is not None:
            found[path] = guard
    return found


def _guard(view: View, path: str, looked: Sequence[str | Checked], codes: dict[str, Code | None]) -> _Guard | None:
    code = codes[path] = codes[path] if path in codes else _code(view, path)
    if code is None:
        return None
    outside = _Outside(view, path, codes)
    late: dict[str, list[Checked]] = defaultdict(list)
    for checked in checks(code, [each for each in looked if isinstance(each, str)], outside):
        late[checked.name].append(checked)
    found = tuple(checked for each in looked for checked in (late[each] if isinstance(each, str) else (each,)))
    return _Guard(path, code, outside, found) if found else None


@dataclass(slots=True)
class _Outside:
    """The constants that a file imports, as far as they are literals where they are defined.

    `codes` are the files that define some, shared by all that import them.
    """

    view: View
    path: str
    codes: dict[str, Code | None]
    _values: dict[str, Value] = field(default_factory=dict)

    def __call__(self, dotted: str) -> Value:
        """The value of what is called like a constant, by its dotted path, dots in front as they are written."""
        if dotted not in self._values:
            self._values[dotted] = self._defined(dotted) if is_constant(dotted) else UNKNOWN
        return self._values[dotted]

    def _defined(self, dotted: str) -> Value:
        written = dotted.lstrip(".")
        level = len(dotted) - len(written)
        module, _, name = written.rpartition(".")
        project = self.view.project
        module, name = project.origin(project.absolute(self.path, level, module) if level else module, name)
        path = project.locate(module)
        code = self._code(path) if path is not None else None
        if code is None or name not in code.constants:
            return UNKNOWN
        return Run(code, lambda _dotted: UNKNOWN).constant(name)

    def _code(self, path: str) -> Code | None:
        if path not in self.codes:
            self.codes[path] = _code(self.view, path)
        return self.codes[path]


def _code(view: View, path: str) -> Code | None:
    try:
        return code_of(Text(view.read(path)).tree)
    except (OSError, UnreadableText, Unparseable):
        return None


# What is passed


def _importing(view: View, guards: Mapping[str, _Guard]) -> Iterator[str]:
    """The files that may call validators: those that define some, or import one of their names or modules."""
    wanted = {name for guard in guards.values() for name in (*guard.names, _stem(guard.path))}
    for path in view.python:
        scan = view.facts("imports", path)
        imports = scan.imports if isinstance(scan, Scan) else ()
        if path in guards or any(not wanted.isdisjoint(_taken(each)) for each in imports):
            yield path


def _taken(imported: Imported) -> Sequence[str]:
    """What an import takes: names, or a module by the last part of its path."""
    return imported.names or (imported.module.rpartition(".")[2],)


def _pass(view: View, path: str, guards: Mapping[str, _Guard]) -> None:
    """Judge the literals that a file passes to validators."""
    try:
        raw = view.read(path)
    except OSError:
        return
    passing = {name: _may_pass(name.encode(), raw) for guard in guards.values() for name in guard.names}
    used = [guard for guard in guards.values() if any(passing[name] for name in guard.names)]
    if not used:
        return
    seeds = {name for guard in used for name in (*guard.names, _stem(guard.path))}
    try:
        module = load(path, view.project.module_name(path), raw, seeds)
    except (UnreadableText, Unparseable):
        return
    replaced = Replaced(module)
    for call in calls(module, view.project, {guard.path: guard.names for guard in guards.values()}):
        guard = guards[call.path]
        parts = call.name.split(".")
        if not replaced.any_at(call.node, parts) and not replaced.any_at(call.node, guard.used):
            _judge(view, path, call, guard)


def _may_pass(name: bytes, raw: bytes) -> bool:
    """Whether a file may call a name, or a method of it, with a string, or by another name."""
    if name not in raw:
        return False
    matches = re.finditer(re.escape(name) + _CALLED, raw)  # a \b in front would be tried at every byte
    return any(match[1] != b"(" or _holds_string(raw, match.end()) for match in matches)


def _holds_string(raw: bytes, start: int) -> bool:
    """Whether there may be a string between the parenthesis that opens before `start` and the one that closes it."""
    depth = 1
    for match in _MARK.finditer(raw, start):
        if match[0] in b"\"'#" or depth > _DEEPEST:  # a comment may hold anything, even in front of a string
            return True
        depth += 1 if match[0] == b"(" else -1
        if not depth:
            return False
    return True


def _stem(path: str) -> str:
    """What a file's module is called without the packages around it."""
    return posixpath.basename(path.removesuffix("/__init__.py")).removesuffix(".py")


def _judge(view: View, path: str, call: Call, guard: _Guard) -> None:
    entry = entry_of(guard.code, call.name)
    if entry is None or not _is_of_class(entry) or not entry.takes(call.node):
        return
    parameters = entry.parameters
    positional = [] if entry.function is None and entry.of is not None and entry.of.has_bases else parameters
    others = dict.fromkeys(parameters, UNKNOWN) | unknown_of(call.node, parameters)
    passed = list(literals(call.node, positional))
    whole = others | {literal.name: literal.value for literal in passed}
    for literal in passed:
        told = _told(guard, entry, others, literal)
        if told.lifted_by and verdict(guard.code, guard.outside, entry, whole).outcome != "rejected":
            continue  # what else is passed lifts it
        checked = _checked(guard, call.name, literal, told)
        if checked is None:
            continue
        if told.outcome == "rejected":
            place = Place(path, literal.line, view.scope(path), view.service(path))
            guard.rejected[checked].append(Rejected(place, literal.text, told.pattern))
        elif told.outcome == "accepted":
            guard.accepted[checked] += 1


def _is_of_class(entry: Entry) -> bool:
    """Whether a name of a class leads there: to the class, a class method or a static one."""
    if entry.of is None or entry.function is None:
        return True
    return not {"classmethod", "staticmethod"}.isdisjoint(decorators(entry.function))


def _told(guard: _Guard, entry: Entry, others: Mapping[str, Value], literal: Argument) -> Verdict:
    key = entry.name, literal.name, literal.value
    if key not in guard.verdicts:
        guard.verdicts[key] = _verdict(guard, entry, others, literal)
    return guard.verdicts[key]


def _verdict(guard: _Guard, entry: Entry, others: Mapping[str, Value], literal: Argument) -> Verdict:
    """What becomes of a literal, followed through the code only if it may match a pattern."""
    if not guard.may_match(literal.value):
        return Verdict("accepted" if literal.value.is_known else "open")
    return verdict(guard.code, guard.outside, entry, {**others, literal.name: literal.value})


def _checked(guard: _Guard, name: str, literal: Argument, told: Verdict) -> Checked | None:
    """The validator that a literal went to: that of the name, or the one of its class."""
    first = name.partition(".")[0]
    same = [checked for checked in guard.found if checked.name in (name, first) and literal.name in checked.arguments]
    holding = [checked for checked in same if told.pattern in checked.patterns]
    if same or told.outcome != "rejected":
        return next(iter(holding or same), None)
    of_class = [checked for checked in guard.found if checked.name == first and told.pattern in checked.patterns]
    return of_class[0] if of_class else None


def _validator(view: View, guard: _Guard, checked: Checked) -> Validator:
    return Validator(
        checked.name,
        Place(guard.path, checked.line, view.scope(guard.path), view.service(guard.path)),
        ", ".join(checked.arguments),
        checked.exact,
        checked.prefixes,
        checked.parts,
        checked.lifted_by,
        tuple(guard.rejected[checked]),
        guard.accepted[checked],
    )
