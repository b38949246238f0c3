"""Random modules that use the environment in every way that can be run: what test_laws.py holds the engine to.

A module runs on its own given `helpers()` as its globals. All that it computes ends up in LOG or in a global.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from random import Random
from typing import ClassVar

KEYS = tuple("ABCDEFGHIJ")
ENVIRONMENT = {"A": "1", "B": "", "C": "c$d", "D": "0", "E": "é→", "F": " f "}
# What holds back other rewrites of its module, with how many modules in a hundred have it.
HINDRANCES = {
    "stars": 4,
    "computed": 10,
    "debug": 6,
    "fallback": 8,
    "lookup": 20,
    "membership": 25,
    "whole": 12,
    "handed on": 4,
    "update": 20,
    "rebound": 4,
    "raise": 15,
    "star": 4,
    "guarded": 8,
    "eval": 5,
    "deleted": 3,
}


class Fake:
    """What a shadowing `os` is."""

    environ: ClassVar = {"A": "fake"}
    sep = "|"

    @staticmethod
    def getenv(key, default=None):
        return f"fake {key} {default}"


def _run(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value


def _at_once(function):
    function()
    return function


def helpers() -> dict[str, object]:
    """The globals that a module starts with."""
    return {
        "__name__": "generated",
        "LOG": [],
        "Fake": Fake,
        "run": _run,
        "nullcontext": nullcontext,
        "decorate": lambda *_: lambda function: function,
        "at_once": _at_once,
        "call": lambda function, *a, **k: function(*a, **k),
    }


@dataclass
class Scope:
    """What can be spelled at a place: names for `os`, for `os.environ`, for `os.getenv`, and values."""

    modules: list[str] = field(default_factory=list)
    mappings: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    fakes: list[str] = field(default_factory=list)  # names of Fake
    values: list[str] = field(default_factory=list)
    local: list[str] = field(default_factory=list)  # what the function that this is imports
    accessor: str | None = None
    kind: str = "module"

    def inner(self, kind: str) -> Scope:
        copies = {name: list(getattr(self, name)) for name in ("modules", "mappings", "functions", "fakes", "values")}
        return replace(self, kind=kind, local=[] if kind == "function" else list(self.local), **copies)

    def shadow(self, name: str) -> None:
        for names in (self.modules, self.mappings, self.functions, self.fakes, self.values):
            while name in names:
                names.remove(name)
        if self.accessor == name:
            self.accessor = None


class Writer:
    """Writes one module; `r` decides everything. `writes`: the environment is changed, too."""

    def __init__(self, r: Random, *, writes: bool) -> None:
        self.r = r
        self.writes = writes
        self.count = 0
        self.has = {name for name, percent in HINDRANCES.items() if self.chance(percent)}

    def chance(self, percent: int) -> bool:
        return self.r.randrange(100) < percent

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    # Expressions

    def text(self, q: str = '"') -> str:
        return self.r.choice([f"{q}x{q}", f"{q}{q}", f"{q}é→{q}", f"{q}os.getenv(1){q}", f"{q}a{q} {q}b{q}"])

    def key(self, s: Scope, q: str = '"') -> str:
        if self.chance(8) and q == '"':
            return self.r.choice(['("A")', '"" "B"', '"""G"""'])
        if self.chance(8) and q == '"' and "computed" in self.has:
            return self.r.choice(['"A" if LOG else "B"', 'str("C")', '(lambda: "A")()'])
        return f"{q}{self.r.choice(KEYS)}{q}"

    def environ(self, s: Scope) -> str | None:
        forms = [f"{name}.environ" for name in s.modules] + s.mappings
        if not forms:
            return None
        form = self.r.choice(forms)
        return f"({form})" if self.chance(4) else form

    def getter(self, s: Scope) -> str | None:
        forms = [f"{name}.getenv" for name in s.modules] + list(s.functions)
        if (environ := self.environ(s)) is not None:
            forms.append(f"{environ}.get")
        return self.r.choice(forms) if forms else None

    def arguments(self, given: list[str], flat: bool) -> str:
        """Arguments with blanks, lines, comments and commas between them."""
        style = 0 if flat else self.r.randrange(10)
        if style == 1:
            return "(\n" + "".join(f"        {a},  # {i}, (\n" for i, a in enumerate(given)) + "    )"
        if style == 2:
            return "( " + " , ".join(given) + " )"
        if style == 3:
            return "(" + ", ".join(given) + ",)"
        if style == 4:
            return "(\n    # why\n        " + ",\n".join(given) + ")"
        return "(" + ", ".join(given) + ")"

    def read(self, s: Scope, q: str = '"', *, flat: bool = False) -> str:
        """An expression that reads the environment, or what only looks like it."""
        if s.fakes and self.chance(30):
            name = self.r.choice(s.fakes)
            return self.r.choice([f"{name}.getenv({q}A{q})", f"{name}.environ.get({q}B{q}, {q}b{q})", f"{name}.sep"])
        getter = self.getter(s)
        if getter is None:
            return self.text(q)
        key = self.key(s, q)
        default = self.text(q) if self.chance(80) or flat else self.expression(s, 1)
        form = self.r.randrange(9)
        if form == 0:
            return getter + self.arguments([f"key={key}"], flat)
        if form == 1:
            return getter + self.arguments([key, f"default={default}"], flat)
        if form == 2:
            return getter + self.arguments([f"default={default}", f"key={key}"], flat)
        if form == 3 and not flat and "stars" in self.has:
            return f"{getter}(*[{key}])"
        if form <= 5:
            return getter + self.arguments([key], flat)
        return getter + self.arguments([key, default], flat)

    def other_use(self, s: Scope) -> str:
        """A use that safe fixes leave, or may leave, alone."""
        environ, getter = self.environ(s), self.getter(s)
        if environ is None or getter is None:
            return self.text()
        key = f'"{self.r.choice(KEYS)}"'
        forms = [
            f"({environ}[{key}] if {getter}({key}) else 0)",
            f"({getter}({key}) and {environ}[{key}])",
            f"(0 if {getter}({key}) is None else {environ} [ {key} ])",
        ]
        if "membership" in self.has:
            forms += [f"({key} in {environ})", f"({key} not in {environ})", f'({key}in {environ} and"x")']
            forms += [f"({environ}[{key}] if {key} in {environ} else 0)"]
        if "whole" in self.has:
            forms += [f"dict({environ}).get({key})", f"{environ}.copy().get({key})", f"{{**{environ}}}.get({key})"]
            forms += [f"sorted(k for k in {environ} if k in 'ABC')", f"len({environ}.items() & set())"]
        if "handed on" in self.has:
            forms += [f"call({getter}, {key})", f"list(map({getter}, [{key}]))", f"call(dict, {environ}).get({key})"]
        if "eval" in self.has and "os" in s.modules and s.kind == "module":
            forms = ["eval(\"os.getenv('A')\")", "globals()['os'].sep", 'eval("os.environ").get("B")']
        return self.r.choice(forms)

    def expression(self, s: Scope, depth: int = 2) -> str:
        if depth == 0 or self.chance(30):
            return self.r.choice([self.read, self.read, self.read, self._plain])(s)
        return self.r.choice(self._COMPOSED)(self, s, depth - 1)

    def _plain(self, s: Scope) -> str:
        return self.r.choice([self.text(), "1", "None", *s.values])

    def _fstring(self, s: Scope, depth: int) -> str:
        read = self.read(s, "'", flat=True)
        return self.r.choice(
            [
                f'f"{{{read}}}"',
                f'f"é{{{read}!r:>5}}" "x"',
                f'("a" f"{{{read}=}}")' if "debug" in self.has else f'("a" f"{{{read}==1}}")',
                f"f\"\"\"\n{{{read}}} {{1}}\"\"\"",
                f"f\"{{1:{{len(str({read}))}}}}\"",
                f'f"{{{{os.getenv(1)}}}}{{ {read} }}"',
            ]
        )  # fmt: skip

    def _comprehension(self, s: Scope, depth: int) -> str:
        inner = s.inner("comprehension")
        if s.kind == "class":  # its names are not seen inside
            inner.values = []
            return f"[x for x in [{self.expression(s, depth)}]]"
        target = "x"
        if self.chance(15):
            target = self.r.choice(["os", "environ", "getenv", "get_env"])
            inner.shadow(target)
            if target == "os":
                inner.fakes.append("os")
        iterable = "[Fake]" if target == "os" else '["A", "B"]'
        condition = f" if {self.expression(inner, 0)}" if self.chance(30) else ""
        left, right = self.r.choice([("[", "]"), ("list(", ")"), ("sorted({*map(repr, ", ")})")])
        item = self.expression(inner, depth)
        if left.startswith("sorted"):
            return f"{left}[{item} for {target} in {iterable}{condition}]{right}"
        return f"{left}{item} for {target} in {iterable}{condition}{right}"

    def _lambda(self, s: Scope, depth: int) -> str:
        if s.kind == "class":
            return f"(lambda x={self.expression(s, depth)}: x)()"
        inner = s.inner("lambda")
        if self.chance(15) and "os" in s.modules:
            inner.shadow("os")
            inner.fakes.append("os")
            return f"(lambda os: {self.expression(inner, depth)})(Fake)"
        return f"(lambda x={self.expression(s, depth)}: ({self.expression(inner, depth)}, x))()"

    _COMPOSED: tuple[Callable[[Writer, Scope, int], str], ...] = (
        lambda w, s, d: f"({w.expression(s, d)} or {w.expression(s, d)})",
        lambda w, s, d: f"({w.expression(s, d)} if {w.expression(s, d)} else {w.expression(s, d)})",
        lambda w, s, d: f"[{w.expression(s, d)}, {w.expression(s, d)}]",
        lambda w, s, d: f"({w.expression(s, d)},)",
        lambda w, s, d: f'{{"k": {w.expression(s, d)}}}',
        lambda w, s, d: f"str({w.expression(s, d)})[0:9]",
        lambda w, s, d: f'("%s" "é" % ({w.expression(s, d)},))',
        lambda w, s, d: f"(not {w.expression(s, d)} == {w.expression(s, d)})",
        lambda w, s, d: f'("a" "b" + str({w.expression(s, d)}) + "c")',
        lambda w, s, d: f"call(str, *[{w.expression(s, d)}], **{{}})",
        lambda w, s, d: f"(\n    {w.expression(s, d)}  # (\n)",
        lambda w, s, d: f"({w.fresh('w')} := {w.expression(s, d)})" if s.kind == "function" else w.read(s),
        lambda w, s, d: w.other_use(s),
        _fstring,
        _comprehension,
        _lambda,
    )

    # Statements: lists of lines without indentation

    def block(self, s: Scope, depth: int, size: int = 2) -> list[str]:
        lines: list[str] = []
        for _ in range(self.r.randrange(1, size + 1)):
            lines += self.statement(s, depth)
        return lines

    @staticmethod
    def indented(lines: list[str]) -> list[str]:
        # Lines within brackets may stand anywhere; only the first of each piece has to be indented.
        return [f"    {line}" for line in lines]

    def statement(self, s: Scope, depth: int) -> list[str]:
        if self.chance(6):
            return [self.r.choice(["# os.getenv('A')", "", "\f", "# é", "pass"]), f"LOG.append({self.read(s)})"]
        if self.writes and s.kind != "class" and self.chance(14):
            return self.change(s)
        if depth == 0 or self.chance(35):
            return self.r.choice([self._assign, self._log, self._several, self._one_line])(s)
        return self.r.choice(self._COMPOUND)(self, s, depth - 1)

    def _assign(self, s: Scope) -> list[str]:
        name = self.fresh("v")
        line = f"{name} = {self.expression(s)}"
        if self.chance(20):
            line = f"{name}: object = {self.expression(s)}  # type: ignore"
        s.values.append(name)
        return [line]

    def _log(self, s: Scope) -> list[str]:
        return [f"LOG.append({self.expression(s)})"]

    def _several(self, s: Scope) -> list[str]:
        return [f"LOG.append({self.expression(s, 1)}); LOG.append({self.expression(s, 1)}) ;"]

    def _one_line(self, s: Scope) -> list[str]:
        test, one, two = (self.expression(s, 1) for _ in "123")
        form = self.r.randrange(4)
        if form == 0:
            return [f"if {test}: LOG.append({one}); LOG.append({two})"]
        if form == 1:
            return [f"if {test}: LOG.append({one})", f"else: LOG.append({two})"]
        if form == 2:
            return [f"for _ in [{test}]: LOG.append({one})"]
        return [f"try: LOG.append({one})", f"finally: LOG.append({two})"]

    def change(self, s: Scope) -> list[str]:
        """A statement that changes the environment, always in the same way before and after."""
        environ = self.environ(s)
        if environ is None:
            return ["pass"]
        key = self.r.choice(KEYS)
        value = f"str({self.expression(s, 1)})"
        form = self.r.randrange(8 if "update" in self.has else 3)
        if form == 0:
            return [f'{environ}["{key}"] = {value}', f'del {environ}["{key}"]']
        if form == 1:
            return [f'{environ}.pop("{key}", None)']
        if form == 6:
            return [f'{environ}.setdefault("{key}", {value})']
        if form == 3:
            return [f'{environ}.update({key}="u")']
        if form == 4:
            return [f'for k in ["{key}"]:', f'    {environ}[k] = "k"']
        if form == 5:
            return [f'{environ}["{key}"] = {value}; LOG.append({self.read(s)})  # done']
        return [f'{environ}["{key}"]={value}']

    def _if(self, s: Scope, depth: int) -> list[str]:
        lines = [f"if {self.expression(s)}:", *self.indented(self.block(s.inner(s.kind), depth))]
        if self.chance(40):
            lines += [f"elif {self.expression(s, 1)}:", *self.indented(self.block(s.inner(s.kind), depth))]
        if self.chance(50):
            lines += ["else:", *self.indented(self.block(s.inner(s.kind), depth))]
        return lines

    def _guarded(self, s: Scope, depth: int) -> list[str]:
        environ, getter = self.environ(s), self.getter(s)
        if environ is None or getter is None or self.chance(50):
            return self._log(s)
        key = f'"{self.r.choice(KEYS)}"'
        tests = [f"{getter}({key})", f"{getter}({key}) is not None", f'not not ({getter}({key}) and "x")']
        test = self.r.choice([*tests, f"{key} in {environ}"] if "membership" in self.has else tests)
        body = self.block(s.inner(s.kind), 0)
        reads = self.taken_away(f"LOG.append({environ}[{key}])", environ, key)
        if self.chance(20):
            reads = ["for x in [1, 2]:", *self.indented(reads)]
        return [f"if {test}:", *self.indented([*body, *reads])]

    def _early_exit(self, s: Scope, depth: int) -> list[str]:
        environ, getter = self.environ(s), self.getter(s)
        if s.kind != "function" or environ is None or getter is None:
            return self._log(s)
        key = f'"{self.r.choice(KEYS)}"'
        lines = ["for x in [1, 2]:", f"    if not {getter}({key}):", "        continue"]
        if self.writes and self.chance(30):
            lines += self.indented(self.change(s))
        read = f"LOG.append({environ}[{key}])"
        return [*lines, *self.indented(self.taken_away(read, environ, key))]

    def taken_away(self, read: str, environ: str, key: str) -> list[str]:
        """A read that a test protects, now and then after or before the variable is taken away."""
        if not self.writes or self.chance(70):
            return [read]
        gone = f"{environ}.pop({key}, None)"
        return self.r.choice([[gone, read], [read, gone], [f"{gone}; {read}"], [f"if len(LOG) > 5: {gone}", read]])

    def _raise(self, s: Scope, depth: int) -> list[str]:
        if "raise" not in self.has or s.kind == "class":
            return self._log(s)
        return self.r.choice(
            [
                [f"assert {self.expression(s, 1)}, {self.expression(s, 1)}"],
                [f"if {self.expression(s, 1)}:", f"    raise ValueError({self.expression(s, 1)})"],
                [f"LOG.append({self.read(s)} + '')"],
            ]
        )

    def _loop(self, s: Scope, depth: int) -> list[str]:
        if self.chance(30):
            return [f"while {self.expression(s)}:", *self.indented([*self.block(s.inner(s.kind), depth), "break"])]
        body = self.indented(self.block(s.inner(s.kind), depth))
        return [f"for x in [{self.expression(s)}, 2]:", *body]

    def _try(self, s: Scope, depth: int) -> list[str]:
        environ = self.environ(s) or "{}"
        lines = ["try:", *self.indented(self.block(s.inner(s.kind), depth))]
        raising = f'{environ}["{self.r.choice(KEYS)}"]' if "lookup" in self.has else '{}["K"]'
        lines += [f"    LOG.append({raising})"]
        lines += ["except KeyError as error:", *self.indented(self.block(s.inner(s.kind), 0))]
        lines += ["    LOG.append(str(error))"]
        if self.chance(30):
            lines += ["else:", *self.indented(self.block(s.inner(s.kind), 0))]
        if self.chance(30):
            lines += ["finally:", *self.indented(self.block(s.inner(s.kind), 0))]
        return lines

    def _fallback(self, s: Scope, depth: int) -> list[str]:
        if "fallback" not in self.has:
            return self._try(s, depth)
        lines = ["try:", "    import no_such_module", "except ImportError:"]
        return [*lines, *self.indented(self.block(s.inner(s.kind), 0))]

    def _with(self, s: Scope, depth: int) -> list[str]:
        return [f"with nullcontext({self.expression(s)}) as x:", *self.indented(self.block(s.inner(s.kind), depth))]

    def _match(self, s: Scope, depth: int) -> list[str]:
        subject = self.expression(s)
        lines = [f"match {subject}:", f'    case "1" if {self.expression(s, 1)}:']
        lines += self.indented(self.indented(self.block(s.inner(s.kind), 0)))
        return [*lines, "    case _:", *self.indented(self.indented(self.block(s.inner(s.kind), 0)))]

    def _function(self, s: Scope, depth: int) -> list[str]:
        name = self.fresh("f")
        inner = s.inner("function")
        if s.kind == "class":
            inner.values = []
        parameters, given = [f"a={self.expression(s, 1)}"], ""
        head: list[str] = []
        if self.chance(20):
            head += [f'"""Read os.environ["A"]: {name}."""']
        choice = self.r.randrange(14)
        if choice == 0:
            inner.shadow("os")
            inner.fakes.append("os")
            parameters, given = ["os"], "Fake"
        elif choice == 1:
            inner.shadow("os")
            inner.fakes.append("os")
            head += ["os = Fake"]
        elif choice == 2:
            name_2 = self.r.choice(["get_env", "environ", "getenv", "e", "g"])
            inner.shadow(name_2)
            parameters += [f"{name_2}=None"]
        elif choice in {3, 4, 5}:
            head += self.imports(inner)
            inner.local = [
                name for name in ("os", "o", "environ") if re.search(rf"\b{name}(?=$|[,;])", "\n".join(head), re.M)
            ]
        elif choice == 6 and "rebound" in self.has:
            inner.shadow("os")
            inner.fakes.append("os")
            head += ["for os in [Fake]:", *self.indented(self.block(inner, 0))]
        elif choice == 7:
            inner.shadow("get_env")
            head += ["from shared.isolated_environment import get_env"]
            inner.accessor = "get_env"
        elif choice == 8:
            body = self.block(inner.inner("function"), 0)
            inner.shadow("get_env")
            head += [*body, "from shared.isolated_environment import get_env"]
            inner.accessor = "get_env"
        inner.values.append("a" if "a=" in parameters[0] else "os")
        if inner.values[-1] == "os":
            inner.values.pop()
        body = [*head, *self.block(inner, depth)]
        kind = self.r.randrange(10)
        decorators = [f"@decorate({self.expression(s, 1)})"] if self.chance(20) else []
        if not given and self.chance(10):
            decorators = ["@at_once", *decorators]
        returns = f" -> {self.read(s)}" if self.chance(10) else ""
        if kind == 0:
            body += [f"yield {self.expression(inner)}", f"x = yield {self.expression(inner)}"]
            called = f"list({name}({given}))"
        elif kind == 1:
            body += [f"return {self.expression(inner)}"]
            called = f"run({name}({given}))"
        else:
            body += [f"return {self.expression(inner)}"]
            called = f"{name}({given})"
        opening = "async def" if kind == 1 else "def"
        lines = [*decorators, f"{opening} {name}({', '.join(parameters)}){returns}:", *self.indented(body)]
        if s.kind == "class":
            return lines  # a method without self: not called
        return [*lines, f"LOG.append({called})"] if self.chance(90) else lines

    def _nested(self, s: Scope, depth: int) -> list[str]:
        if s.kind != "function":
            return self._function(s, depth)
        inner = s.inner("function")
        name, state = self.fresh("n"), self.fresh("s")
        also = f", {self.r.choice(s.local)}" if s.local and self.chance(40) else ""
        lines = [f"{state} = {self.expression(s)}", f"def {name}():", f"    nonlocal {state}{also}"]
        lines += self.indented([f"{state} = {self.expression(inner)}", *self.block(inner, depth)])
        return [*lines, f"{name}()", f"LOG.append({state})"]

    def _global(self, s: Scope, depth: int) -> list[str]:
        if s.kind != "module":
            return self._log(s)
        name, value = self.fresh("f"), self.fresh("g")
        body = [f"global {value}", f"{value} = {self.expression(s.inner('function'))}"]
        return [f"def {name}():", *self.indented(body), f"{name}()"]

    def _class(self, s: Scope, depth: int) -> list[str]:
        name = self.fresh("C")
        inner = s.inner("class")
        body: list[str] = []
        method = s.inner("function")
        if s.kind == "class":
            return self._log(s)
        if self.chance(20):
            name_2 = self.r.choice(["os", "environ", "getenv", "get_env"])
            inner.shadow(name_2)
            body += [f"{name_2} = Fake"]
            if name_2 == "os":
                inner.fakes.append("os")
        if self.chance(15):
            body += self.imports(inner)
        body += [f"attribute = {self.expression(inner)}", *self.block(inner, min(depth, 1))]
        body += ["def method(self):", *self.indented(self.block(method, depth))]
        body += [f"    return self.attribute, {self.expression(method)}"]
        if self.chance(20):
            body += ["@property", f"def value(self): return {self.expression(method)}"]
        return [f"class {name}:", *self.indented(body), f"LOG.append({name}().method())"]

    def _import_here(self, s: Scope, depth: int) -> list[str]:
        if s.kind != "module":
            return self._log(s)
        lines = self.imports(s)
        if self.chance(30):
            return ["if True:", *self.indented(lines)]
        if self.chance(20):
            return ["try:", *self.indented(lines), "finally:", "    pass"]
        return lines

    def _accessor_here(self, s: Scope, depth: int) -> list[str]:
        if s.kind != "module" or s.accessor is not None or self.chance(50):
            return self._log(s)
        s.accessor = "get_env"
        return ["from shared.isolated_environment import get_env"]

    def _accessor(self, s: Scope, depth: int) -> list[str]:
        if self.writes or s.accessor is None:
            return self._log(s)
        return [f'LOG.append({s.accessor}().get("{self.r.choice(KEYS)}", {self.read(s)}))']

    _COMPOUND: tuple[Callable[[Writer, Scope, int], list[str]], ...] = (
        _if,
        _guarded,
        _early_exit,
        _raise,
        _loop,
        _try,
        _fallback,
        _with,
        _match,
        _function,
        _function,
        _function,
        _nested,
        _global,
        _class,
        _import_here,
        _accessor_here,
        _accessor,
    )

    # Imports

    def imports(self, s: Scope) -> list[str]:
        """Import statements for one or more ways to the environment."""
        lines: list[str] = []
        for _ in range(self.r.randrange(1, 3)):
            lines += self._import(s)
        return lines

    def _import(self, s: Scope) -> list[str]:
        if "star" in self.has and s.kind == "module" and self.chance(50):
            for name in ("environ", "getenv", "sep"):
                s.shadow(name)
            s.mappings.append("environ")
            s.functions.append("getenv")
            return ["from os import *"]
        if "guarded" in self.has and self.chance(50):
            s.shadow("os")
            s.modules.append("os")
            return self.r.choice(
                [
                    ["try:", "    import os", "except ImportError:", "    os = None"],
                    ["try: import os", "finally: pass"],
                    ["if LOG is not None: import os"],
                    ["with nullcontext(1):", "    import os", "    import json"],
                    ["for _ in [1]:", "    import os"],
                ]
            )
        form = self.r.randrange(12)
        modules, mappings, functions = {
            0: (["os"], [], []),
            1: (["os"], [], []),
            2: (["o"], [], []),
            3: ([], ["environ"], []),
            4: ([], [], ["getenv"]),
            5: ([], ["e"], ["g"]),
            6: (["os"], [], []),
            7: (["os"], [], []),
            8: ([], ["environ"], ["getenv"]),
            9: (["os"], [], []),
            10: (["os", "o"], [], []),
            11: (["os"], [], ["getenv"]),
        }[form]
        for name in (*modules, *mappings, *functions):
            s.shadow(name)
        s.modules += modules
        s.mappings += mappings
        s.functions += functions
        return {
            0: ["import os"],
            1: ["import os"],
            2: ["import os as o"],
            3: ["from os import environ"],
            4: ["from os import getenv"],
            5: ["from os import environ as e, sep, getenv as g"],
            6: ["import json, os"],
            7: ["import os, json  # both"],
            8: ["from os import (", "    environ,  # all", "    getenv,", "    # the rest", "    sep", ")"],
            9: ["import os.path"],
            10: ["import os; import os as o"],
            11: ["from os import getenv; import os"],
        }[form]

    def module(self) -> str:
        """The text of a module."""
        s = Scope()
        lines: list[str] = []
        if self.chance(15):
            lines += ["# Licence: MIT", ""]
        if self.chance(40):
            lines += ['"""About os.getenv and os.environ."""', *([""] if self.chance(50) else [])]
        if self.chance(20):
            lines += ["from __future__ import annotations"]
        if self.chance(12):
            lines += self.block(s, 0)
        if self.chance(15):
            lines += ["import json"]
        lines += self.imports(s)
        if self.chance(8):
            lines += ["import sys", 'sys.path.append("nowhere")']
        if self.chance(15):
            s.accessor = "get_env"
            lines += ["from shared.isolated_environment import get_env"]
        elif self.chance(8):
            s.accessor = "accessor"
            lines += ["from shared.isolated_environment import get_env as accessor"]
        elif self.chance(8):
            lines += ["from shared.isolated_environment import IsolatedEnvironment  # the class"]
        elif self.chance(5):
            lines += ["get_env = Fake"]
        if self.chance(50):
            lines += [""]
        for _ in range(self.r.randrange(2, 7)):
            lines += self.statement(s, 3)
            lines += [""] if self.chance(30) else []
        if "deleted" in self.has and "os" in s.modules:
            lines += ["del os"]
        text = "\n".join(lines)
        return text if self.chance(20) else f"{text}\n"


def generate(r: Random, *, writes: bool = False) -> str:
    """The text of a module, by a source of randomness."""
    return Writer(r, writes=writes).module()
