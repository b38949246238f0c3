"""Debt: comments that say what is left to do, and functions that are not there yet; what only looks like it."""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssot_fix.audit.areas.debt import MARKERS, DebtArea, look
from ssot_fix.audit.text import Text
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.source import UnreadableText


def found(text: str) -> list[tuple[str, int, str]]:
    return [tuple(item) for item in look(Text(textwrap.dedent(text).encode())) or ()]


NO_MARKERS = """\
'# TODO: in a string'
"# FIXME"
'''
# TODO: in a text of several lines
'''
f"# XXX {1}"
todo = 1  # todo: small letters
TODO = 1  # the list
# scan for TODO markers
# Track TODO items
# TODO comments are found by the linter
# TODO tracking methods
# FIXMEs are counted elsewhere
# TODO/FIXME/XXX are what we look for
# TODO, FIXME and HACK are known
# no TODO left here
# phone: XXX-XXX-XXXX
# XXX-123
# print("TODO: x")
# re.compile(r'TODO:')
# `TODO: like this`
# see MYTODO: or TODO_LIST
# HACKS and HACKER: none
# XXXL: a size
"""


def test_no_marker():
    assert found(NO_MARKERS) == []


@pytest.mark.parametrize(
    ("comment", "kind", "subject"),
    [
        ("# TODO: do it", "TODO", "TODO: do it"),
        ("#TODO do it", "TODO", "TODO do it"),
        ("# TODO(ann): do  it", "TODO", "TODO(ann): do it"),
        ("# TODO", "TODO", "TODO"),
        ("# TODO - later", "TODO", "TODO - later"),
        ("# TODO this should be from the settings", "TODO", "TODO this should be from the settings"),
        ("## FIXME!", "FIXME", "FIXME!"),
        ("# ==== XXX ====", "XXX", "XXX ===="),
        ("# HACK : works by chance", "HACK", "HACK : works by chance"),
        ("# kept for now. TODO: drop it", "TODO", "kept for now. TODO: drop it"),
        ("# type: ignore  # TODO: mend", "TODO", "type: ignore # TODO: mend"),
        ("# TODO: drop the FIXME: below", "TODO", "TODO: drop the FIXME: below"),
        ("# TODO: größer 中文", "TODO", "TODO: größer 中文"),
        ("# TODO: " + "x" * 500, "TODO", "TODO: " + "x" * 193 + "…"),
    ],
)
def test_markers(comment, kind, subject):
    assert found(comment) == [(kind, 1, subject)]
    assert found(f"x = '#'  {comment}\r\n") == [(kind, 1, subject)]


def test_in_the_order_of_lines():
    text = """\
        def later():
            # TODO: write it
            raise NotImplementedError
        # FIXME: above

        def empty():
            pass  # XXX
        """
    assert found(text) == [
        ("TODO", 2, "TODO: write it"),
        ("NotImplementedError", 3, "later"),
        ("FIXME", 4, "FIXME: above"),
        ("pass-only", 6, "empty"),
        ("XXX", 7, "XXX"),
    ]


MEANT = [
    # what others implement
    "class A(ABC):\n    @abstractmethod\n    def f(self):\n        raise NotImplementedError",
    "class A(abc.ABC):\n    @abc.abstractmethod\n    def f(self):\n        pass",
    "class A(metaclass=ABCMeta):\n    def hook(self):\n        pass",
    "class A(Protocol):\n    def f(self) -> int: ...",
    "class A(Protocol[T]):\n    @property\n    def f(self) -> int:\n        ...",
    "class BaseReader:\n    def f(self):\n        raise NotImplementedError\n    def g(self):\n        pass",
    "class A:\n    def f(self):\n        raise NotImplementedError\nclass B(A):\n    def f(self):\n        return 1",
    "class A:\n    def f(self):\n        raise NotImplementedError('subclasses must implement f')",
    "class A:\n    def f(self):\n        '''To be overridden.'''\n        raise NotImplementedError()",
    "class A:\n    '''The base class of readers.'''\n    def f(self):\n        pass",
    "@overload\ndef f(x: int) -> int: ...\n@typing.overload\ndef f(x: str) -> str: ...\ndef f(x):\n    return x",
    "if TYPE_CHECKING:\n    def f(x): ...\n    class A:\n        def g(self): ...",
    # what is not there on purpose
    "try:\n    import x\nexcept ImportError:\n    def f():\n        pass",
    "try:\n    import x\nexcept ImportError:\n    def f():\n        raise NotImplementedError",
    "def f(kind):\n    if kind == 'x':\n        raise NotImplementedError(kind)\n    return 1",
    "def f(kind):\n    raise NotImplementedError('pipes are not supported')",
    "def f(self, other):\n    return NotImplemented",
    # where nothing is what is to be done
    "class Error(Exception):\n    pass",
    "class A:\n    ...",
    "class A:\n    def __init__(self):\n        pass\n    def __exit__(self, *_): ...",
    "class NullLog:\n    def write(self, text):\n        pass",
    "def noop(*_):\n    pass",
    "def close():\n    pass  # nothing to close",
    "def close():\n    # Intentionally empty.\n    pass",
    "def close():\n    '''Kept for backward compatibility.'''\n    pass",
    "@click.group()\ndef cli():\n    pass",
    "@app.callback\ndef main(): ...",
    "def pytest_configure(config):\n    pass",
    "def upgrade():\n    pass\ndef downgrade():\n    pass",
    "class Test(TestCase):\n    def setUp(self):\n        pass",
    # what may override, or is handed on
    "class Handler(logging.Handler):\n    def emit(self, record):\n        pass",
    "class A:\n    def f(self):\n        return 1\nclass B(A):\n    def f(self):\n        pass",
    "class A(Other):\n    pass\nclass B(A):\n    def f(self):\n        pass",
    "def outer():\n    def inner():\n        pass\n    return inner",
    "def ignored(): pass\ncallback = ignored",
    "class A:\n    def f(self): pass\n    def g(self):\n        return run(self.f)",
    # what is no such function
    "def f():\n    '''Only told.'''",
    "def f():\n    try:\n        g()\n    except ValueError:\n        pass",
    "for x in y:\n    pass\nwhile f():\n    pass",
    "def f():\n    return NotImplementedError('x')",
    "x = 'raise NotImplementedError'",
]


@pytest.mark.parametrize("text", MEANT)
def test_what_may_be_meant(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "kind", "line", "subject"),
    [
        ("def f():\n    raise NotImplementedError", "NotImplementedError", 2, "f"),
        ("async def f():\n    '''Do it.'''\n    raise NotImplementedError('later')", "NotImplementedError", 3, "f"),
        (
            "class A:\n    def f(self):\n        x = 1\n        raise NotImplementedError()",
            "NotImplementedError",
            4,
            "A.f",
        ),
        (
            "class A(B):\n    def f(self):\n        raise NotImplementedError from None",
            "NotImplementedError",
            3,
            "A.f",
        ),
        ("def f():\n    pass", "pass-only", 1, "f"),
        ("def f(x: dict[str, int] = {}) -> None: pass", "pass-only", 1, "f"),
        ("def f():\n    ...", "pass-only", 1, "f"),
        ("def f():\n    '''Do it.'''\n\n    # soon\n    pass", "pass-only", 1, "f"),
        ("def f(\n    x,\n):\n    'Do it.'\n    ...", "pass-only", 1, "f"),
        ("async def f():  # soon\n    pass", "pass-only", 1, "f"),
        ("class A:\n    class B:\n        @staticmethod\n        def f():\n            pass", "pass-only", 4, "A.B.f"),
        ("class A:\n    pass\nclass B(A):\n    def f(self):\n        pass", "pass-only", 4, "B.f"),
        ("class A(object):\n    @property\n    def f(self):\n        pass\nA().g()", "pass-only", 3, "A.f"),
        ("def f():\n    pass\nf()", "pass-only", 1, "f"),
    ],
)
def test_functions_that_are_not_there_yet(text, kind, line, subject):
    assert found(text) == [(kind, line, subject)]
    assert [tuple(item) for item in look(Text(text.replace("\n", "\r\n").encode()))] == [(kind, line, subject)]


def test_sites():
    items = look(Text(b"def f():\n    pass  # TODO: f\ndef g():\n    raise NotImplementedError\n"))
    sites = list(DebtArea(None).sites("a.py", items))
    assert [(site.kind, site.line, site.subject, site.message, site.good) for site in sites] == [
        ("pass-only", 1, "f", "f does nothing", False),
        ("TODO", 2, "TODO: f", "TODO: f", False),
        ("NotImplementedError", 4, "g", "g raises NotImplementedError", False),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"# TODO: x\ndef f(:\n",
        b"# TODO: \xff\n",
        b"# TODO: x\n\0",
        b"def f():\n    pass\n" + b"(" * 1000 + b")" * 1000,
        b"# -*- coding: nonsense -*-\n# TODO\n",
    ],
)
def test_what_is_no_python(raw):
    with pytest.raises((Unparseable, UnreadableText)):
        look(Text(raw))


@pytest.mark.parametrize("raw", [b"", b"x = 1\n", b"def f(:\n", b"\xff\xfe", b"pass\r", b"    pass", b"..."])
def test_what_is_not_parsed(raw):
    """Nothing in the bytes looks like debt."""
    assert look(Text(raw)) is None


def test_newer_syntax():
    text = "def f[T](x: T) -> T:  # TODO: mend\n    return f'{f'{x}'}'\nclass A[T]:\n    def g(self): ...\n"
    assert found(text) == [("TODO", 1, "TODO: mend"), ("pass-only", 4, "A.g")]


def test_a_deep_tree():
    deep = "x = " + "+".join(["1"] * 3000) + "\n" + "if x:\n" + " if x:\n  " + "pass\n"
    assert found(f"{deep}def f():\n    pass\n") == [("pass-only", 5, "f")]


_LINES = [
    "# TODO: x",
    "x = '# TODO: x'",
    "'''",
    "# none",
    "\f",
    "y = 1 # FIXME",
    "('a' # TODO: z",
    "f'{x}#' # XXX",
    "'b')",
]


@given(st.lists(st.sampled_from(_LINES), max_size=8))
def test_comments_are_those_of_the_tokenizer(lines):
    """The screen never hides a comment that the tokens show, and shows none that they don't."""
    text = Text("\n".join(lines).encode())
    try:
        ast.parse(text.raw)
    except SyntaxError:
        return
    tokens = tokenize.tokenize(io.BytesIO(text.raw).readline)
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    told = [token.start[0] for token in comments if any(each in token.string for each in MARKERS)]
    assert [item.line for item in look(Text(text.raw)) or ()] == told
