"""Validators: what is said to be rejected is rejected, and nothing else is said to be."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_view import MemoryView

from ssot_fix.audit.areas import imports, validators
from ssot_fix.audit.areas.validators_code import code_of
from ssot_fix.audit.areas.validators_find import checks, entry_of, verdict
from ssot_fix.audit.areas.validators_values import UNKNOWN, Value, known
from ssot_fix.audit.model import Finding, Validator
from ssot_fix.audit.ownership import Severities
from ssot_fix.audit.settings import Options
from ssot_fix.audit.text import Text


def view(files: Mapping[str, str | bytes | None]) -> MemoryView:
    texts = {path: textwrap.dedent(text) if isinstance(text, str) else text for path, text in files.items()}
    return MemoryView(texts, Options(), {validators.NAME: validators.look, imports.NAME: imports.look})


def severity(finding: Finding) -> str:
    """How severe a report says that a finding is."""
    return Severities(Options()).of(finding)


def found(files: Mapping[str, str | bytes | None]) -> tuple[Validator, ...]:
    return validators.validators(view(files))


def patterns(text: str, **files: str) -> list[tuple[str, str, str]]:
    """Name, arguments and patterns: `x` exact, `x…` a prefix, `…x…` a part."""
    return [
        (
            validator.name,
            validator.argument,
            " ".join(
                (
                    *validator.exact,
                    *(f"{each}…" for each in validator.prefixes),
                    *(f"…{each}…" for each in validator.parts),
                )
            ),
        )
        for validator in found({"shop/checks.py": text, **{f"shop/{name}.py": inner for name, inner in files.items()}})
    ]


# No validator, or none that is sure to reject

NONE = {
    "what is allowed": "def f(x):\n    if x not in ('a', 'b'):\n        raise ValueError\n",
    "a single value": "def f(x):\n    if x == 'a':\n        raise ValueError\n",
    "empty values": "def f(x):\n    if x in ('', ' '):\n        raise ValueError\n",
    "something else matters, too": "def f(x, y):\n    if x in ('a', 'b') and y:\n        raise ValueError\n",
    "only at times": "def f(x):\n    if x in ('a', 'b'):\n        if today():\n            raise ValueError\n",
    "a way out before": "def f(x, y):\n    if y:\n        return\n    if x in ('a', 'b'):\n        raise ValueError\n",
    "caught": """
        def f(x):
            try:
                if x in ('a', 'b'):
                    raise ValueError
            except ValueError:
                pass
    """,
    "swallowed": """
        def f(x):
            with suppress(ValueError):
                if x in ('a', 'b'):
                    raise ValueError
    """,
    "whatever it is": "def f(x):\n    if x in ('a', 'b'):\n        raise ValueError\n    raise KeyError\n",
    "patterns that never match": "def f(x):\n    if x.lower() in ('A', 'B'):\n        raise ValueError\n",
    "patterns that only running tells": "def f(x):\n    if x in load():\n        raise ValueError('a', 'b')\n",
    "another value by the same name": "def f(x):\n    x = g(x)\n    if x in ('a', 'b'):\n        raise ValueError\n",
    "patterns that change": """
        def f(x):
            bad = ['a', 'b']
            change(bad)
            if x in bad:
                raise ValueError
    """,
    "a decorator that is not known": "@retry\ndef f(x):\n    if x in ('a', 'b'):\n        raise ValueError\n",
    "a generator": "def f(x):\n    if x in ('a', 'b'):\n        raise ValueError\n    yield x\n",
    "patterns bound twice": """
        BAD = ('a', 'b')
        BAD = ()
        def f(x):
            if x in BAD:
                raise ValueError
    """,
    "a regular expression": "import re\ndef f(x):\n    if re.match('(a+)+b|c', x) or x == 'a':\n        raise V\n",
    "an assertion": "def f(x):\n    assert x not in ('a', 'b')\n    if y: raise ValueError\n",
    "one that is replaced": """
        class F:
            def __init__(self, x):
                self.x = x
                super().__init__()
                if self.x in ('a', 'b'):
                    raise ValueError
    """,
    "a loop that may not run": """
        def f(x, times):
            for _ in range(times):
                if x in ('a', 'b'):
                    raise ValueError
    """,
}


@pytest.mark.parametrize("text", NONE.values(), ids=NONE)
def test_what_is_not_sure_to_be_rejected_makes_no_validator(text: str) -> None:
    assert patterns(text) == []


def test_what_tests_define_is_none() -> None:
    text = "def f(x):\n    if x in ('a', 'b'):\n        raise ValueError\nf('a')\n"
    assert found({"tests/test_a.py": text}) == ()
    assert [each.name for each in found({"a.py": text})] == ["f"]


SOME = {
    "a set": ("def f(x):\n    if x in {'a', 'b'}:\n        raise ValueError\n", "a b"),
    "one by one": ("def f(x):\n    if x == 'a' or 'b' == x:\n        raise ValueError\n", "a b"),
    "prefixes": ("def f(x):\n    if x.startswith(('a', 'b')):\n        raise ValueError\n", "a… b…"),
    "parts": ("def f(x):\n    if any(p in x for p in ['a', 'b']):\n        raise ValueError\n", "…a… …b…"),
    "a loop": (
        "def f(x):\n    for p in ('a', 'b'):\n        if x.startswith(p):\n            raise ValueError(p)\n",
        "a… b…",
    ),
    "folded": ("def f(x):\n    if x.strip().lower() in ('a', 'B'):\n        raise ValueError\n    x == 'c'\n", None),
    "a flag": ("def f(x):\n    bad = x in ('a', 'b')\n    if bad:\n        raise ValueError\n", "a b"),
    "a helper": (
        "def _bad(x):\n    return x in ('a', 'b')\ndef f(x):\n    if _bad(x):\n        raise ValueError\n",
        "a b",
    ),
    "a helper that raises": (
        "def _check(x):\n    if x in ('a', 'b'):\n        raise ValueError\ndef f(x):\n    _check(x)\n",
        "a b",
    ),
    "constants": (
        "BAD = frozenset({'a'})\nMORE = [*'']\ndef f(x):\n    if x in BAD or x in ['b'] + ['c']:\n        raise V\n",
        "a b c",
    ),
    "simple expressions": (
        "import re\ndef f(x):\n    for p in ['^a', 'b']:\n        if re.search(p, x):\n            raise ValueError\n",
        "a… …b…",
    ),
    "a walrus": ("def f(x):\n    if (y := x.lower()) in ('a', 'b'):\n        raise ValueError(y)\n", "a b"),
    "a nested condition": (
        "def f(x):\n    if isinstance(x, str):\n        if len(x) < 9:\n            if x in ('a', 'b'):\n"
        "                raise ValueError\n",
        "a b",
    ),
    "a length that leaves one out": (
        "def f(x):\n    if len(x) < 4 and x in ('a', 'abcdef', 'b'):\n        raise ValueError\n",
        "a b",
    ),
}


@pytest.mark.parametrize(("text", "expected"), [case for case in SOME.values() if case[1]], ids=str)
def test_patterns_are_told_by_what_they_reject(text: str, expected: str) -> None:
    assert patterns(text) == [("f", "x", expected)]


CLASSES = {
    "a dataclass": """
        from dataclasses import dataclass
        @dataclass
        class C:
            x: str
            y: str = ''
            z: str = ''
            BAD = ('a', 'b')
            def __post_init__(self):
                self._check()
            def _check(self):
                for name in ('x', 'y'):
                    value = getattr(self, name)
                    if value.lower() in self.BAD:
                        raise ValueError(name)
    """,
    "a constructor": """
        class C:
            BAD = ('a', 'b')
            def __init__(self, x, y=None, *, z=None):
                self.x, self.y = x, y
                for name, value in {'x': self.x, 'y': self.y}.items():
                    if value in C.BAD:
                        raise ValueError(name)
    """,
    "a model": """
        class C(BaseModel):
            x: str
            y: str
            z: str
            @field_validator('x', 'y')
            @classmethod
            def _check(cls, v):
                if v in ('a', 'b'):
                    raise ValueError(v)
                return v
    """,
}


@pytest.mark.parametrize("text", CLASSES.values(), ids=CLASSES)
def test_arguments_of_a_class_are_told(text: str) -> None:
    assert patterns(text) == [("C", "x, y", "a b")]
    call = "from shop.checks import C\nC(x='a', y='c', z='b')\n"
    (validator,) = found({"shop/checks.py": text, "shop/use.py": call})
    assert [(each.place.path, each.place.line, each.value) for each in validator.rejected] == [("shop/use.py", 2, "a")]
    assert validator.accepted == 1


def test_constants_of_other_modules_are_followed_once() -> None:
    text = """
        from shop.names import BAD
        from shop import names
        def f(x):
            if x in BAD or x in names.MORE:
                raise V
    """
    assert patterns(text, names="BAD = ('a', 'b')\nMORE = ['c']\n") == [("f", "x", "a b c")]
    assert patterns(text, names="BAD = make('a', 'b')\nMORE = ['c']\n") == []


LIFTED = {
    "a way out": ("    if os.environ.get('ENV') == 'test':\n        return\n    if x in BAD:\n        raise V\n", 4),
    "around": ("    if not is_testing():\n        if x in BAD:\n            raise V\n", 4),
    "in the condition": ("    if x in BAD and get_env().get('MODE') != 'test':\n        raise V\n", 4),
    "by a name": (
        "    mode = os.getenv('MODE')\n    if mode != 'test':\n        if x in BAD:\n            raise V\n",
        5,
    ),
}


@pytest.mark.parametrize(("body", "line"), LIFTED.values(), ids=LIFTED)
def test_a_check_of_the_environment_that_lifts_it_is_told(body: str, line: int) -> None:
    text = f"import os\nBAD = ('a', 'b')\ndef f(x):\n{body}"
    files = {"a.py": text, "b.py": "from a import f\nf('a')\n", "tests/test_b.py": "from a import f\nf('a')\n"}
    (validator,) = found(files)
    assert validator.exact == ("a", "b")
    assert validator.lifted_by.endswith(f"(line {line})")
    assert [each.place.path for each in validator.rejected] == ["b.py", "tests/test_b.py"]
    told = validators.findings(view(files), (validator,))
    assert [finding.path for finding in told] == ["b.py"]  # tests may run where it is lifted
    assert validator.lifted_by in told[0].message


@pytest.mark.parametrize(
    ("condition", "lifting"),
    [
        ("not is_testing()", "is_testing()"),
        ("get_env().get('MODE') != 'test'", "get_env().get('MODE') == 'test'"),
        ("os.getenv('MODE') is None", "os.getenv('MODE') is not None"),
        ("os.getenv('A') and os.getenv('B')", "not (os.getenv('A') and os.getenv('B'))"),
    ],
)
def test_what_lifts_is_told_as_it_is(condition: str, lifting: str) -> None:
    (one,) = found({"a.py": f"BAD = 'a', 'b'\ndef f(x):\n if {condition}:\n  if x in BAD:\n   raise V\n"})
    (other,) = found({"a.py": f"BAD = 'a', 'b'\ndef f(x):\n if {condition}:\n  return\n if x in BAD:\n  raise V\n"})
    assert one.lifted_by == f"{lifting} (line 3)"
    assert other.lifted_by == f"{condition} (line 3)"


def test_what_is_passed_beside_a_literal_may_lift_its_rejection() -> None:
    checks = (
        "BAD = 'a', 'b'\ndef f(x, env):\n    if env == 'dev':\n        return\n    if x in BAD:\n        raise V\n"
    )
    files = {"a.py": checks, "b.py": "from a import f\nf('a', 'dev')\nf('a', env='dev')\nf('a', 'prod')\nf('a', e)\n"}
    told = validators.findings(view(files), found(files))
    assert [finding.line for finding in told] == [4, 5]


def test_patterns_that_an_environment_lifts_stand_apart() -> None:
    text = """
        def f(x):
            bad = ['demo_', 'mock_']
            is_test = get_env().get('ENVIRONMENT') == 'test'
            if not is_test:
                bad.append('test_')
            for p in bad:
                if x.startswith(p):
                    raise ValueError
    """
    files = {"a.py": text, "tests/test_a.py": "from a import f\nf('test_1')\nf('demo_1')\n"}
    always, lifted = found(files)
    assert (always.prefixes, always.lifted_by) == (("demo_", "mock_"), "")
    assert (lifted.prefixes, lifted.lifted_by) == (("test_",), "is_test (line 5)")
    assert [finding.line for finding in validators.findings(view(files), (always, lifted))] == [3]


# Calls

CHECKS = """
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class User:
        id: str
        name: str = ''

        def __post_init__(self):
            for field in ('id', 'name'):
                value = getattr(self, field)
                if value.lower() in {'test', 'demo'}:
                    raise ValueError(field)
                if len(value) < 20:
                    for pattern in ('test_', 'demo_'):
                        if value.lower().startswith(pattern):
                            raise ValueError(field)

        @classmethod
        def of(cls, identifier, label='x'):
            return cls(id=identifier, name=label)

        def renamed(self, name):
            return User(self.id, name)

    def allowed(x):
        if x in ('a', 'b'):
            raise ValueError

    LISTED = ('test', 'demo')

    def listed(x):
        if x in LISTED:
            raise ValueError
"""

PASSING = {
    "other values": "User('alice', 'bob')\n",
    "long ones": "User('test_user_0123456789abcdef')\n",
    "not known": "User(name())\nUser(*names)\nUser(**{'id': 'test'})\n",
    "expected": "with pytest.raises(ValueError):\n    User('test')\n",
    "expected, async": "async def f():\n    async with self.assertRaises(ValueError):\n        User('test')\n",
    "caught by name": "try:\n    User('test')\nexcept ValueError:\n    pass\n",
    "failing where it passes": "try:\n    User('test')\n    pytest.fail('no')\nexcept Exception:\n    pass\n",
    "expected to fail": "@pytest.mark.xfail\ndef test_it():\n    User('test')\n",
    "expected, given as a function": "pytest.raises(ValueError, lambda: User('test'))\n",
    "its patterns replaced": "def test_it(patch):\n    patch.setattr('shop.checks.LISTED', ())\n    listed('test')\n",
    "itself replaced": "@patch('shop.checks.User')\ndef test_it(User_):\n    User('test')\n",
    "another class": "class User:\n    pass\nUser('test')\n",
    "one of two": "try:\n    from a import User\nexcept ImportError:\n    User = None\nUser('test')\n",
    "a parameter": "def f(User):\n    User('test')\n",
    "an instance's method": "User('x').renamed('test')\n",
    "a longer f-string": "User(f'test_{uuid4()}')\n",
    "another f-string": "User(f'alice_{n}')\n",
    "an argument that it does not take": "User('test', age=3)\nUser.of('test', age=3)\n",
    "an argument too many": "User('test', 'x', 'y')\n",
    "an argument too few": "User(name='test')\nUser.of(label='test')\n",
    "positional behind a star": "User(*a, 'test')\n",
}
IMPORT = "import pytest\nfrom shop.checks import User, allowed, listed\n"


@pytest.mark.parametrize("text", PASSING.values(), ids=PASSING)
def test_calls_that_are_not_sure_to_be_rejected_are_left_alone(text: str) -> None:
    assert rejected(IMPORT + text if "import" not in text else text) == []


REJECTED = {
    "positional": ("User('Test')\n", ["Test"]),
    "by keyword": ("User(name='demo_1', id='x')\n", ["demo_1"]),
    "both": ("User('test', 'demo')\n", ["test", "demo"]),
    "through a factory": ("User.of('test_user_123')\n", ["test_user_123"]),
    "through a factory's other name": ("User.of('x', label='demo')\n", ["demo"]),
    "in a function": ("def f():\n    from shop.checks import User as U\n    return U('test')\n", ["test"]),
    "by module": ("import shop.checks as c\nc.User('test')\n", ["test"]),
    "re-exported": ("from shop import User as Other\nOther('test')\n", ["test"]),
    "a list by name": ("def test_it(patch):\n    patch.setattr('os.LISTED_', 1)\n    listed('test')\n", ["test"]),
    "a function": ("allowed('a')\nallowed('c')\n", ["a"]),
    "in a broad try": ("try:\n    User('test')\nexcept Exception as e:\n    print(e)\n", ["test"]),
    "behind a comment": ("User(  # a ) or two\n    'test',\n)\n", ["test"]),
    "behind a call": ("User(str(n()), 'demo')\n", ["demo"]),
    "in several pieces": ("(User . # a factory\n    of)(\n    'test')\n", ["test"]),
    "beside a longer name": ("AUser = print\nAUser.User.of, User('test')\n", ["test"]),
    "several lines": ("User(\n    'x',\n    'test',\n)\n", ["test"]),
}


@pytest.mark.parametrize(("text", "expected"), REJECTED.values(), ids=REJECTED)
def test_literals_that_would_be_rejected_are_told(text: str, expected: list[str]) -> None:
    assert rejected(IMPORT + text) == expected


def rejected(text: str) -> list[str]:
    files = {"shop/checks.py": CHECKS, "shop/__init__.py": "from shop.checks import User\n", "tests/test_a.py": text}
    shown = view(files)
    told = validators.findings(shown, validators.validators(shown))
    assert all(finding.path == "tests/test_a.py" and severity(finding) == "medium" for finding in told)
    return [finding.subject.partition(": ")[2] for finding in told]


def test_a_finding_says_where_and_why() -> None:
    shown = view({"shop/checks.py": CHECKS, "use.py": "from shop.checks import User\n\nUser('x', 'test_1')\n"})
    (told,) = validators.findings(shown, validators.validators(shown))
    assert (told.area, told.kind, told.path, told.line) == ("validators", "rejected-literal", "use.py", 3)
    assert (told.scope, severity(told)) == ("production", "critical")
    assert told.message == "'test_1' is rejected by User (shop/checks.py:5), which holds the pattern 'test_'"


HOSTILE: list[str | bytes | None] = [
    "def f(x):\n    if x in ('a', 'b'):\n        raise\n  oops\n",
    b"\xff\xfe raise in",
    None,
    "def f(x):\n    if x in (" + "-" * 3000 + "1, 'a', 'b'):\n        raise V\n",
    "def f(x):\n    if " + " + ".join(["x"] * 3000) + " in ('a', 'b'):\n        raise V\n",
    "def f(x):\n" + "".join(f"    if x == 'a{n}':\n        raise V\n" for n in range(3000)),
    "def f(x):\n    if x in ('a', 'b'):\n        f(x)\n        raise V\n",
    "def f(x):\n    for a in ['a'] * 99:\n        for b in 'x' * 9999999:\n            if x == a: raise V\n",
    "class C:\n    def __init__(self, x):\n        C(x)\n        if x in ('a', 'b'): raise V\n",
    "class C:\n    x: a" + ".b" * 5000 + "\n    def __init__(self, x):\n        if x in ('a', 'b'): raise V\n",
    "A = B\nB = A\ndef f(x):\n    if x in A or x == 'a' or x == 'b':\n        raise V\n",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_fails(text: str | bytes | None) -> None:
    found({"a.py": text, "b.py": "from a import f\nf('a')\n"})


# What is said of code is what it does

_CONDITIONS = [
    "x in ('a', 'test')",
    "x.lower() in {'a', 'test'}",
    "x == 'a'",
    "x.startswith('te')",
    "x.startswith(('te', 'b'))",
    "x.strip().endswith('t')",
    "'es' in x",
    "any(x.startswith(p) for p in P)",
    "not any(p in x for p in P)",
    "all(p not in x for p in P)",
    "len(x) < 3",
    "not x",
    "x not in P",
    "y",
    "y and x in P",
    "x in P or y",
    "x in P and len(x) > 1",
    "isinstance(x, str) and x in P",
    "bad(x)",
    "x != 'a' and x.upper() == 'TEST'",
]
_LOGIC = ["x = (y and 'a') or 'zzz'", "x = x and x.lower()", "x = x or 'test'", "x = (y or 'a') and x"]
_SIMPLE = [*_LOGIC, "pass", "x = x.strip()", "x = x.lower()", "x = x + 'q'", "z = x in P", "y = not y", "bad(x)"]
_JUMPS = ["raise ValueError", "return", "return x"]


@st.composite
def bodies(draw: st.DrawFn, depth: int = 0, loop: bool = False) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["if", "if", "simple", "jump", "for", "try"] if depth < 3 else ["simple", "jump"]))
        if kind == "simple":
            lines.append(draw(st.sampled_from(_SIMPLE)))
            continue
        if kind == "jump":
            lines.append(draw(st.sampled_from([*_JUMPS, "break", "continue"] if loop else _JUMPS)))
            continue
        inner = draw(bodies(depth + 1, loop or kind == "for"))
        head = {
            "if": f"if {draw(st.sampled_from(_CONDITIONS))}:",
            "for": f"for p in {draw(st.sampled_from(['P', '()', 'x']))}:",
            "try": "try:",
        }[kind]
        lines += [head, *(f"    {line}" for line in inner)]
        if kind == "if" and draw(st.booleans()):
            lines += ["else:", *(f"    {line}" for line in draw(bodies(depth + 1, loop)))]
        if kind == "for" and draw(st.booleans()):
            lines += ["else:", *(f"    {line}" for line in draw(bodies(depth + 1, loop)))]
        if kind == "try":
            lines += ["except ValueError:", *(f"    {line}" for line in draw(bodies(depth + 1, loop)))]
    return lines


_PRELUDE = (
    "P = ('a', 'te')\ndef bad(v):\n    if v == 'test':\n        raise ValueError\n    return v.startswith('b')\n"
)


@given(bodies(), st.sampled_from(["a", "A", "test", " test ", "b1", "", "zzz", "Te"]))
@settings(max_examples=50)
def test_what_is_said_of_code_is_what_it_does(lines: list[str], value: str) -> None:
    end = ["if x.lower() in P or x.startswith('te') or 'b1' in x:", "    raise ValueError"]
    text = _PRELUDE + "def f(x, y):\n" + "".join(f"    {line}\n" for line in [*lines, *end])
    code = code_of(Text(text.encode()).tree)
    entry = entry_of(code, "f")
    assert entry is not None
    told = verdict(code, lambda _dotted: UNKNOWN, entry, {"x": known(value, Value(about="x"))})
    ends = {_ends(text, value, y) for y in (False, True)}
    assert told.outcome != "rejected" or ends == {"raise"}


_COMPARING = [
    *_CONDITIONS,
    "x.strip('_') in P",
    "x.endswith(('te', 'st'))",
    "x.removeprefix('b') in P",
    "x.casefold().lstrip().startswith(P)",
    "re.search('te$', x)",
]


@given(
    st.lists(st.sampled_from(_COMPARING), min_size=1, max_size=4),
    st.sampled_from(["", "    x = x.lower()\n", "    x = x.strip()\n", "    x = 'q' + x\n"]),
    st.text("atesTEbB _q1", max_size=8) | st.sampled_from(["a", "_te_", "best", " Te", "ba", "qtest"]),
)
@settings(max_examples=100)
def test_what_matches_no_pattern_is_not_rejected_by_one(tests: list[str], before: str, value: str) -> None:
    text = f"import re\n{_PRELUDE}def f(x, y):\n{before}" + "".join(
        f"    if {test}:\n        raise ValueError\n" for test in tests
    )
    code = code_of(Text(text.encode()).tree)
    entry = entry_of(code, "f")
    assert entry is not None
    held = list(checks(code, ["f"], lambda _dotted: UNKNOWN))

    def rejecting(text: str) -> str:
        told = verdict(code, lambda _dotted: UNKNOWN, entry, {"x": known(text, Value(about="x"))})
        return told.pattern if told.outcome == "rejected" else ""

    if any(rejecting(value) in each.patterns for each in held):
        assert any(each.may_match(value) for each in held)
    for each in held:  # a pattern rejects no more than its kind says
        assert not [text for text in each.exact if rejecting(f"{text}q") == text]
        assert not [text for text in each.prefixes if rejecting(f"q{text}q") == text]


def _ends(text: str, value: str, y: bool) -> str:
    names: dict[str, object] = {}
    exec(text, names)
    try:
        names["f"](value, y)  # type: ignore[operator]
    except ValueError:
        return "raise"
    return "end"
