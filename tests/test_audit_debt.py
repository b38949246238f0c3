"""Debt: comments that say what is left to do, and functions that are not there yet; what only looks like it."""

from __future__ import annotations

import ast
import io
import sys
import textwrap
import tokenize
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_view import MemoryView
from ranges import Story

from ssot_fix.audit.areas.debt import MARKERS, DebtArea, Facts, Item, look
from ssot_fix.audit.areas.debt_accepted import apply_accepted
from ssot_fix.audit.areas.debt_ages import ages
from ssot_fix.audit.model import Finding
from ssot_fix.audit.settings import Accepted, Options
from ssot_fix.audit.text import Text
from ssot_fix.audit.view import open_view
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.project.config import Config, load
from ssot_fix.source import UnreadableText


def items(text: Text) -> tuple[Item, ...]:
    facts = look(text)
    return facts.items if facts else ()


def found(text: str) -> list[tuple[str, int, str]]:
    return [tuple(item) for item in items(Text(textwrap.dedent(text).encode()))]


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
        ("# XXX--not yet", "XXX", "XXX--not yet"),
        ("# XXX Note that it is slow", "XXX", "XXX Note that it is slow"),
        ("# TODO detect the encoding", "TODO", "TODO detect the encoding"),
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
    "class A:\n    def __len__(self):\n        raise NotImplementedError",
    "def f() -> typing.NoReturn:\n    raise NotImplementedError",
    "def f(x):\n    if x:\n        return 1\n    raise NotImplementedError(x)",
    "def f(x):\n    yield x\n    raise NotImplementedError",
    "def f(x):\n    raise NotImplementedError('this should never be called')",
    "def f(x):\n    def inner():\n        raise NotImplementedError\n    return inner",
    "class A:\n    @abstractmethod\n    def f(self): ...\n    def g(self):\n        raise NotImplementedError",
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
    assert [tuple(item) for item in items(Text(text.replace("\n", "\r\n").encode()))] == [(kind, line, subject)]


def sites(files: dict[str, str], path: str) -> list[tuple[object, ...]]:
    view = MemoryView(files, Options(), {"debt": look})
    area = DebtArea(view)
    told = area.sites(path, view.facts("debt", path))
    return [(site.kind, site.line, site.subject, site.message, site.good) for site in told]


def test_sites():
    text = "def f():\n    pass  # TODO: f\ndef g():\n    raise NotImplementedError\n"
    assert sites({"a.py": text}, "a.py") == [
        ("pass-only", 1, "f", "f does nothing", False),
        ("TODO", 2, "TODO: f", "TODO: f", False),
        ("NotImplementedError", 4, "g", "g raises NotImplementedError", False),
    ]


@pytest.mark.parametrize(
    "other",
    ["class B(A):\n", "class B(lib.A, C):\n", "class B[T](\n    C,\n    A[T],\n):\n", "  class B(A, metaclass=M):\n"],
)
def test_a_class_that_others_inherit_from(other):
    """What it lacks they may have; what it says in comments is its own."""
    files = {
        "a.py": "class A:\n    def f(self):\n        raise NotImplementedError  # TODO: f\n",
        "b.py": "class A: pass\n",
    }
    mine = ("TODO", 3, "TODO: f", "TODO: f", False)
    assert sites({**files, "c.py": other}, "a.py") == [mine]
    assert sites({**files, "c.py": "class B(AA, A1): pass\nA(B)\n"}, "a.py") == [
        mine,
        ("NotImplementedError", 3, "A.f", "A.f raises NotImplementedError", False),
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


@pytest.mark.parametrize(
    "line", ["#" * 10, "# pass\n", "pass # ", "TODO ", "# TODO ", "class A(", "\n", "pass\n", "'#'"]
)
def test_much_of_the_same(line):
    """The screens take time that is linear in the file: else this does not end."""
    with suppress(Unparseable):
        look(Text((line * 50_000).encode()))


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
    assert [item.line for item in items(Text(text.raw))] == told


# Since when


def aged(story: Story) -> dict[tuple[str, str, int], str | None]:
    """By path, subject and line: which of the commits brought it."""
    view = open_view(Config(story.root, options={"audit": Options()}))
    area = DebtArea(view)
    findings = [
        Finding("debt", site.kind, path, site.line, site.subject, site.message, view.scope(path))
        for path in view.python
        for site in area.sites(path, look(Text(view.read(path))) or Facts())
    ]
    commits = ages(view, findings)
    assert commits.keys() <= set(findings)
    told = {finding: commits[finding].subject if finding in commits else None for finding in findings}
    return {(each.path, each.subject, each.line): subject for each, subject in told.items()}


BODY = "".join(f"def step_{n}():\n    return {n}\n" for n in range(20))
TODO = "# TODO: mend\n"
STUB = "def load():\n    raise NotImplementedError\n"


def test_since_when(story):
    story.commit({"a.py": f"x = 1  {TODO}", "b.py": BODY, "c.py": STUB})
    story.commit({"b.py": f"{BODY}{STUB}"})
    story.commit({"a.py": f"y = 2\nx = 1  {TODO}", "b.py": f"# TODO: drop\n{BODY}{STUB}"})
    story.commit({"b.py": f"# TODO: drop it\n{BODY}{STUB}{TODO}"})
    story.tell()
    assert aged(story) == {
        ("a.py", "TODO: mend", 2): "commit 0",
        ("b.py", "TODO: drop it", 1): "commit 3",
        ("b.py", "load", 43): "commit 1",
        ("b.py", "TODO: mend", 44): "commit 3",
        ("c.py", "load", 2): "commit 0",
    }


def test_since_it_is_there_again(story):
    story.commit({"a.py": STUB})
    story.commit({"a.py": "def load():\n    return 1\n"})
    story.commit({"a.py": f"{TODO}{STUB}"})
    story.commit({"a.py": STUB})
    story.commit({"a.py": f"{TODO}{STUB}"})
    story.tell()
    assert aged(story) == {("a.py", "TODO: mend", 1): "commit 4", ("a.py", "load", 3): "commit 2"}


def test_several_that_are_called_alike(story):
    """Which came when can't be told, unless all came at once."""
    story.commit({"other.py": ""})
    story.commit({"a.py": f"{TODO}x = 1\n", "b.py": f"{TODO}x = 1\n{TODO}"})
    story.commit({"a.py": f"{TODO}x = 1\n{TODO}"})
    story.tell()
    assert aged(story) == {
        ("a.py", "TODO: mend", 1): None,
        ("a.py", "TODO: mend", 3): None,
        ("b.py", "TODO: mend", 1): "commit 1",
        ("b.py", "TODO: mend", 3): "commit 1",
    }


def test_through_renames(story):
    story.commit({"a.py": f"{BODY}{TODO}", "other.py": TODO})
    story.commit({"a.py": f"{BODY}{STUB}{TODO}"})
    story.commit({"a.py": None, "pkg/b.py": f"{BODY}{STUB}{TODO}# FIXME: path\n"})
    story.commit({"a.py": f"{TODO}"})
    story.commit({"pkg/b.py": None, "pkg/c.py": f"{BODY}{STUB}{TODO}# FIXME: path\n"})
    story.tell()
    assert aged(story) == {
        ("a.py", "TODO: mend", 1): "commit 3",
        ("other.py", "TODO: mend", 1): "commit 0",
        ("pkg/c.py", "load", 42): "commit 1",
        ("pkg/c.py", "TODO: mend", 43): "commit 0",
        ("pkg/c.py", "FIXME: path", 44): "commit 2",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_names_that_look_like_patterns(story):
    few = {"[a].py": TODO, "*.py": "", ":(top)x.py": TODO, "größe\n.py": TODO}
    story.commit(dict.fromkeys(few, ""))
    story.commit(few)
    story.tell()
    expected = {(path, "TODO: mend", 1): "commit 1" for path, text in few.items() if text}
    assert aged(story) == expected


def test_many_files(story):
    many = {f"f{number}.py": f"{TODO}x = {number}\n" for number in range(50)}
    story.commit({"other.py": ""})
    story.commit(many)
    story.commit({"f7.py": f"y = 1\n{TODO}", "test_x.py": TODO})
    story.tell()
    found = aged(story)
    assert found.pop(("test_x.py", "TODO: mend", 1)) is None  # in tests nobody asks
    assert set(found.values()) == {"commit 1"}
    assert len(found) == 50


def test_through_merges(story):
    """Who wrote it, not who merged it; what the merge itself brought is its own."""
    base = story.commit({"a.py": BODY, "b.py": BODY})
    ours = story.commit({"c.py": ""}, base)
    theirs = story.commit({"a.py": f"{BODY}{TODO}", "new.py": TODO}, base)
    story.commit({"a.py": f"{BODY}{TODO}", "new.py": TODO, "b.py": f"{BODY}{STUB}"}, ours, theirs)
    story.tell()
    assert aged(story) == {
        ("a.py", "TODO: mend", 41): "commit 2",
        ("b.py", "load", 42): "commit 3",
        ("new.py", "TODO: mend", 1): "commit 2",
    }


def test_what_can_not_be_known(story, tmp_path):
    story.commit({"a.py": TODO, "b.py": "1"})
    story.commit({"b.py": STUB})
    story.commit({"b.py": f"{STUB}def (:"})
    story.commit({"b.py": STUB, "c.py": TODO})
    story.tell()
    # A version that Python can't read is not taken for one without the debt.
    assert aged(story)["b.py", "load", 2] == "commit 1"
    shallow = Story(tmp_path / "shallow")
    story.git("clone", "--quiet", "--depth=2", story.root.as_uri(), str(shallow.root))
    assert aged(shallow) == {
        ("a.py", "TODO: mend", 1): None,
        ("b.py", "load", 2): None,
        ("c.py", "TODO: mend", 1): "commit 3",
    }


def test_versions_that_git_lacks(story):
    story.commit({"a.py": BODY, "b.py": TODO})
    story.commit({"a.py": f"{TODO}{BODY}"})
    story.commit({"a.py": f"{TODO}{BODY}\n"})
    story.tell()
    lost = story.git("rev-parse", f"{story.ids[1]}:a.py")
    story.git("repack", "-adq")
    (pack,) = (story.root / ".git/objects/pack").glob("*.pack")
    data = pack.read_bytes()
    for file in (story.root / ".git/objects/pack").iterdir():
        file.unlink()
    story.git("unpack-objects", "-q", input=data)
    (story.root / f".git/objects/{lost[:2]}/{lost[2:]}").unlink()
    assert aged(story) == {("a.py", "TODO: mend", 1): None, ("b.py", "TODO: mend", 1): "commit 0"}


def test_without_a_history(story):
    story.commit({"a.py": TODO})
    story.tell()
    view = open_view(Config(story.root, options={"audit": Options()}))
    finding = Finding("debt", "TODO", "gone.py", 1, "TODO: mend", "")
    assert ages(view, [finding, replace(finding, area="imports", path="a.py")]) == {}
    assert ages(view, []) == {}


# Accepted debt


def accepted(findings: Sequence[Finding], *entries: Accepted, today: str = "2026-06-30") -> list[tuple[object, ...]]:
    config = Config(Path(), options={"audit": Options(accepted=entries)})
    found, notes = apply_accepted(findings, entries, today, config)
    assert all(note.startswith("the settings: no debt is what this entry accepts; take it out") for note in notes)
    return [*((each.path, each.accepted, each.until, each.expired) for each in found), len(notes)]


def debt(path: str = "a.py", kind: str = "TODO", subject: str = "TODO: x", area: str = "debt") -> Finding:
    return Finding(area, kind, path, 1, subject, "")


def test_what_is_not_accepted():
    entries = (
        Accepted(("b.py",), "why"),
        Accepted(("a.py",), "why", kind="FIXME"),
        Accepted(("a.py",), "why", contains="y"),
        Accepted(("a.py",), "why", kind="TODO", contains="todo"),
        Accepted((), "why"),
    )
    assert accepted([debt(), debt(area="imports")], *entries) == [("a.py", "", "", False)] * 2 + [5]


def test_what_is_accepted():
    findings = [debt(), debt("lib/a.py"), debt("lib/b.py", "FIXME", "FIXME: y")]
    rules = Accepted(("lib/",), "old", contains="TODO"), Accepted(("*.py",), "y", kind="FIXME", contains=": y")
    assert accepted(findings, *rules) == [
        ("a.py", "", "", False),
        ("lib/a.py", "old", "", False),
        ("lib/b.py", "y", "", False),
        0,
    ]


@pytest.mark.parametrize(
    ("until", "today", "expired"),
    [
        ("2026-06-30", "2026-06-29", False),
        ("2026-06-30", "2026-06-30", False),
        ("2026-06-30", "2026-07-01", True),
        ("20260630", "2026-07-01", True),
        ("9999-12-30", "10000-01-01", True),
        ("", "2026-07-01", False),
    ],
)
def test_until_a_day_is_over(until, today, expired):
    assert accepted([debt()], Accepted(("a.py",), "why", until=until), today=today) == [
        ("a.py", "why", until, expired),
        0,
    ]


def test_expired_ones_come_first():
    over, holds = Accepted(("b.py", "c.py"), "over", until="2026-01-01"), Accepted(("c.py",), "holds")
    assert accepted([debt(), debt("b.py"), debt("c.py")], over, holds) == [
        ("b.py", "over", "2026-01-01", True),
        ("a.py", "", "", False),
        ("c.py", "holds", "", False),
        0,
    ]


def test_an_entry_that_accepts_nothing_is_named(tmp_path):
    (tmp_path / "ssot-fix.toml").write_text(
        '[[audit.accepted]]\npaths = ["a.py"]\nreason = "why"\n\n[[audit.accepted]]\npaths = ["gone"]\nreason = "x"\n'
    )
    config = load(tmp_path, tmp_path, {"audit": Options})
    _, notes = apply_accepted([debt()], config.options("audit", "").accepted, "2026-01-01", config)
    assert [note.partition(";")[0] for note in notes] == ["ssot-fix.toml:5: no debt is what this entry accepts"]
