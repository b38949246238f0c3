"""Whether a definition of today can stand for one that is gone: the last version's text against today's."""

from __future__ import annotations

import ast
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codemods.stale_imports.likeness import likeness, objections, shapes
from codemods.stale_imports.shapes import Parameter
from ssot_fix.newer_syntax import parse


def shape(text, name="Engine", package=""):
    return shapes(ast.parse(text), {name}, package)[name]


def compare(old, new, name="Engine", **more):
    return likeness(shape(old, name, **more), shape(new, name, **more))


# What must not pass: (old, new, an obstacle)
BROKEN = {
    "an async namesake": (
        "def Engine(user): return make(user)",
        "async def Engine(user): return await make(user)",
        "sync became async",
    ),
    "a sync namesake": (
        "async def Engine(user): return await make(user)",
        "def Engine(user): return make(user)",
        "async became sync",
    ),
    "a generator": ("def Engine(): return [1]", "def Engine(): yield 1", "now a generator"),
    "no generator": (
        "async def Engine():\n    yield 1",
        "async def Engine():\n    def inner(): yield 1\n    return inner",
        "no longer a generator",
    ),
    "a function for a class": ("class Engine: pass", "def Engine(): pass", "was a class, is a function"),
    "a class for a function": ("def Engine(): pass", "class Engine: pass", "was a function, is a class"),
    "a value for a class": ("class Engine: pass", "Engine = object()", "was a class, is a value"),
    "a further parameter": ("def Engine(a): pass", "def Engine(a, b): pass", "requires b"),
    "a further keyword": ("def Engine(a): pass", "def Engine(a, *, b): pass", "requires b"),
    "a lost default": ("def Engine(a=1): pass", "def Engine(a): pass", "requires a"),
    "a lost keyword's default": ("def Engine(*, a=1): pass", "def Engine(*, a): pass", "requires a"),
    "a lost parameter": ("def Engine(a, b=1): pass", "def Engine(a): pass", "no longer takes b"),
    "a lost keyword": ("def Engine(*, a=1): pass", "def Engine(): pass", "no longer takes a"),
    "a renamed parameter": ("def Engine(user): pass", "def Engine(client): pass", "takes client where user was"),
    "another order": ("def Engine(a, b): pass", "def Engine(b, a): pass", "takes b where a was"),
    "a parameter in front": ("def Engine(a=1): pass", "def Engine(x=1, a=1): pass", "takes x where a was"),
    "keyword only now": ("def Engine(a): pass", "def Engine(*, a): pass", "takes a in another place"),
    "position only now": ("def Engine(a): pass", "def Engine(a, /): pass", "takes a by position only"),
    "no further arguments": ("def Engine(*args): pass", "def Engine(): pass", "no longer takes *args"),
    "no further keywords": ("def Engine(**more): pass", "def Engine(): pass", "no longer takes **more"),
    "a parameter before *": (
        "def Engine(a, *rest): pass",
        "def Engine(a, b=1, *rest): pass",
        "takes b in front of *rest",
    ),
    "a context manager": (
        "def Engine():\n    yield 1",
        "@contextlib.contextmanager\ndef Engine():\n    yield 1",
        "now @contextmanager",
    ),
    "no context manager": (
        "@asynccontextmanager\nasync def Engine():\n    yield 1",
        "async def Engine():\n    yield 1",
        "no longer @asynccontextmanager",
    ),
    "a constructor that wants more": (
        "class Engine:\n    def __init__(self, user): ...",
        "class Engine:\n    def __init__(self, user, bridge): ...",
        "constructor: requires bridge",
    ),
    "a first constructor": (
        "class Engine: pass",
        "class Engine:\n    def __new__(cls, user): ...",
        "constructor: requires user",
    ),
    "a constructor of a base": (
        "class Base:\n    def __init__(self, a): ...\nclass Engine(Base): ...",
        "class Base:\n    def __init__(self, a, b): ...\nclass Engine(Base): ...",
        "constructor: requires b",
    ),
    "a further field": (
        "@dataclass\nclass Engine:\n    a: int",
        "@dataclass\nclass Engine:\n    a: int\n    b: int",
        "constructor: requires b",
    ),
    "fields in another order": (
        "@dataclass\nclass Engine:\n    a: int\n    b: int",
        "@dataclass\nclass Engine:\n    b: int\n    a: int",
        "constructor: takes b where a was",
    ),
    "fields by keyword only": (
        "@dataclass\nclass Engine:\n    a: int",
        "@dataclasses.dataclass(kw_only=True)\nclass Engine:\n    a: int",
        "constructor: takes a in another place",
    ),
    "no dataclass any more": (
        "@dataclass\nclass Engine:\n    a: int",
        "class Engine:\n    a: int",
        "constructor: no longer takes a",
    ),
    "a further field of a named tuple": (
        "from typing import NamedTuple\nclass Engine(NamedTuple):\n    a: int",
        "from typing import NamedTuple\nclass Engine(NamedTuple):\n    a: int\n    b: int",
        "constructor: requires b",
    ),
    "a model's further field": (
        "from pydantic import BaseModel\nclass Engine(BaseModel):\n    a: int",
        "from pydantic import BaseModel\nclass Engine(BaseModel):\n    a: int\n    b: str = Field(..., max_length=3)",
        "constructor: requires b",
    ),
    "a lost method": (
        "class Engine:\n    def run(self): ...\n    def stop(self): ...",
        "class Engine:\n    def run(self): ...\n    def _stop(self): ...",
        "lost method stop()",
    ),
    "a method of a base": (
        "class Base:\n    def stop(self): ...\nclass Engine(Base): ...",
        "class Base:\n    pass\nclass Engine(Base): ...",
        "lost method stop()",
    ),
    "a lost protocol": (
        "class Engine:\n    async def __aenter__(self): ...",
        "class Engine:\n    async def aenter(self): ...",
        "lost method __aenter__()",
    ),
    "a method that is async now": (
        "class Engine:\n    def run(self): ...",
        "class Engine:\n    async def run(self): ...",
        "run(): sync became async",
    ),
    "a method that wants more": (
        "class Engine:\n    def run(self, a): ...",
        "class Engine:\n    def run(self, a, b): ...",
        "run(): requires b",
    ),
    "a static method that takes self": (
        "class Engine:\n    @staticmethod\n    def run(a): ...",
        "class Engine:\n    def run(self, a): ...",
        "run(): no longer @staticmethod",
    ),
    "a property that is called": (
        "class Engine:\n    @property\n    def size(self): ...",
        "class Engine:\n    def size(self): ...",
        "size(): no longer @property",
    ),
    "a property that can't be set": (
        "class Engine:\n    @property\n    def size(self): ...\n    @size.setter\n    def size(self, to): ...",
        "class Engine:\n    @property\n    def size(self): ...",
        "size(): no longer @setter",
    ),
    "a class that is abstract now": (
        "class Engine:\n    pass",
        "class Engine(ABC):\n    @abstractmethod\n    def run(self): ...",
        "run() is abstract",
    ),
    "a lost member of an enum": (
        "import enum\nclass Engine(enum.Enum):\n    A = 1\n    B = 2",
        "import enum\nclass Engine(enum.Enum):\n    A = 1",
        "lost attribute B",
    ),
    "a lost class inside": (
        "class Engine:\n    class Failure(Exception): ...",
        "class Engine: ...",
        "lost attribute Failure",
    ),
    "a lost member of an enum of strings": (
        "from enum import Enum\nclass Engine(str, Enum):\n    A = 'a'\n    B = 'b'",
        "from enum import Enum\nclass Engine(str, Enum):\n    A = 'a'",
        "lost attribute B",
    ),
    "a lost method of a mapping": (
        "class Engine:\n    def get(self, key): ...\n    def load(self): ...",
        "class Engine(dict): ...",
        "lost method load()",
    ),
    "another type": ("Engine = {'a': 1}", "Engine = ['a']", "was of type dict, is of type list"),
}


@pytest.mark.parametrize(("old", "new", "why"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_users_is_an_obstacle(old, new, why):
    found = compare(old, new)
    assert why in found.obstacles
    assert why in found.reasons
    assert found.compatible is False


@pytest.mark.parametrize("text", sorted({text for old, new, _ in BROKEN.values() for text in (old, new)}))
def test_each_of_those_is_like_itself(text):
    found = compare(text, text)
    assert found.score == 1
    assert (found.obstacles, found.lost_methods) == ((), ())
    assert (found.same_kind, found.same_async) == (True, True)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("def Engine(): ...", "async def Engine(): ...", (True, False, True, ())),
        ("def Engine(): ...", "def Engine(a): ...", (True, True, False, ())),
        ("def Engine(): ...", "class Engine: ...", (False, False, None, ())),
        ("class Engine:\n    def a(self): ...", "class Engine: ...", (True, True, True, ("a",))),
        ("class Engine:\n    def a(self): ...", "class Engine:\n    async def a(self): ...", (True, False, True, ())),
        ("class Engine:\n    def a(self): ...", "class Engine:\n    def a(self, b): ...", (True, True, False, ())),
        ("class Engine: ...", "class Engine:\n    def __init__(self, b): ...", (True, True, False, ())),
        ("class Engine: ...", "from b import Base\nclass Engine(Base): ...", (True, True, None, ())),
        ("Engine = 1", "Engine = 'a'", (True, True, False, ())),
    ],
)
def test_the_marks(old, new, expected):
    found = compare(old, new)
    assert (found.same_kind, found.same_async, found.accepts, found.lost_methods) == expected


# What is out of sight is never taken for a yes: (old, new, what is unknown)
UNSEEN = {
    "an inherited constructor": (
        "from base import Base\nclass Engine(Base): ...",
        "class Engine:\n    def __init__(self): ...",
        "its constructor is inherited from base.Base",
    ),
    "constructors of two bases": (
        "from base import Base\nclass Engine(Base): ...",
        "from other import Base\nclass Engine(Base): ...",
        "its constructor is inherited from other.Base",
    ),
    "a base in a place that is not known": (
        "from .base import Base\nclass Engine(Base): ...",
        "from .base import Base\nclass Engine(Base): ...",
        "its constructor is inherited from base.Base",
    ),
    "a base out of nowhere": (
        "class Engine(Base): ...",
        "class Engine(Base): ...",
        "its constructor is inherited from Base",
    ),
    "a base that is made": (
        "Base = declarative_base()\nclass Engine(Base): ...",
        "Base = declarative_base()\nclass Engine(Base): ...",
        "its constructor is inherited from Base",
    ),
    "fields from elsewhere": (
        "from base import Base\n@dataclass\nclass Engine(Base):\n    a: int",
        "@dataclass\nclass Engine:\n    a: int",
        "it may have fields of base.Base",
    ),
    "a dataclass without a constructor": (
        "@dataclass\nclass Engine:\n    a: int",
        "@dataclass(init=False)\nclass Engine:\n    a: int",
        "its decorator makes no usual constructor",
    ),
    "a metaclass": (
        "class Engine: ...",
        "class Engine(metaclass=Singleton): ...",
        "a metaclass or a base may make its constructor",
    ),
    "two constructors": (
        "class Engine:\n    def __new__(cls, a): ...\n    def __init__(self, a): ...",
        "class Engine:\n    def __init__(self, a): ...",
        "it has both __new__ and __init__",
    ),
    "a decorator that may do anything": (
        "def Engine(a): ...",
        "@inject('a')\ndef Engine(a): ...",
        "now @inject",
    ),
    "a decorated class": ("@singleton\nclass Engine: ...", "class Engine: ...", "no longer @singleton"),
    "a method that may be inherited": (
        "class Engine:\n    def __init__(self): ...\n    def stop(self): ...",
        "from base import Base\nclass Engine(Base):\n    def __init__(self): ...",
        "no method stop() of its own; base.Base may have what is missing",
    ),
    "a method that is a value": (
        "class Engine:\n    def stop(self): ...",
        "class Engine:\n    stop = close",
        "stop is a value now",
    ),
    "another base": (
        "class AppError(Exception): ...\nclass Engine(AppError): ...",
        "class Engine(Exception): ...",
        "no longer derives from AppError",
    ),
    "an import": ("class Engine: ...", "from other import Engine", "is imported from other.Engine"),
    "it was imported": ("from .impl import Engine", "class Engine: ...", "was imported from .impl.Engine"),
    "two definitions": (
        "class Engine: ...",
        "try:\n    from fast import Engine\nexcept ImportError:\n    class Engine: ...",
        "is defined in several ways",
    ),
    "what a call returns": ("Engine = make(1)", "Engine = make(1)", "a value that only running tells"),
    "a part of a value": ("Engine, b = make()", "Engine, b = make()", "a value that only running tells"),
}


@pytest.mark.parametrize(("old", "new", "why"), UNSEEN.values(), ids=UNSEEN)
def test_what_can_not_be_seen_is_unknown(old, new, why):
    found = compare(old, new)
    assert why in found.unknown
    assert why in found.reasons
    assert found.compatible is None


# What passes: (old, new, what speaks for it)
FITTING = {
    "another body": (
        "def Engine(a, b): return a + b",
        "def Engine(a, b):\n    return sum([a, b])",
        "the same 2 parameters",
    ),
    "no parameters": ("def Engine(): return 1", "def Engine(): return 2", "no parameters"),
    "an optional parameter more": ("def Engine(a): ...", "def Engine(a, b=1, *, c=2): ...", "the same parameter"),
    "overloads": (
        "def Engine(a): ...",
        "@overload\ndef Engine(a: int): ...\n@typing.overload\ndef Engine(a: str): ...\ndef Engine(a): ...",
        "100 % of its body",
    ),
    "overloads of a method": (
        "class Engine:\n    def run(self, a): ...",
        "class Engine:\n    @overload\n    def run(self): ...\n    @overload\n    def run(self, a): ...\n"
        "    def run(self, a=None): ...",
        "its public method run()",
    ),
    "a number": ("Engine: int = -1", "Engine: Final = -1", "100 % of its body"),
    "a metaclass that does nothing": (
        "class Engine: ...",
        "class Engine(metaclass=abc.ABCMeta): ...",
        "constructor: no parameters",
    ),
    "a cache": ("def Engine(a): ...", "@functools.lru_cache(maxsize=1)\ndef Engine(a): ...", "the same parameter"),
    "the same decorator": ("@retry(3)\ndef Engine(a): ...", "@retry(5)\ndef Engine(a): ...", "the same parameter"),
    "anything goes": (
        "class Engine:\n    def __init__(self, user, *, bridge=None): ...",
        "class Engine:\n    def __init__(self, *args, **kwargs): ...",
        "constructor: the same 2 parameters",
    ),
    "a __new__ that passes all on": (
        "class Engine:\n    def __init__(self, a): ...",
        "class Engine:\n    def __new__(cls, *args, **kwargs): ...\n    def __init__(self, a): ...",
        "constructor: the same parameter",
    ),
    "a method more": (
        "class Engine:\n    def run(self): ...\n    def _inner(self): ...",
        "class Engine:\n    async def stop(self): ...\n    def run(self, fast=False): ...",
        "its public method run()",
    ),
    "methods of a base": (
        "class Engine:\n    def run(self): ...\n    def stop(self): ...",
        "class Base:\n    def stop(self): ...\nclass Engine(Base):\n    def run(self): ...",
        "all 2 public methods",
    ),
    "a constructor written out": (
        "@dataclass\nclass Engine:\n    a: int\n    b: str = field(default='x')\n    c: list = field(init=False)",
        "class Engine:\n    a = b = c = None\n    def __init__(self, a, b='x'):\n        self.a, self.b = a, b",
        "constructor: the same 2 parameters",
    ),
    "a base's fields": (
        "@dataclass\nclass B:\n    a: int\n@dataclass\nclass Engine(B):\n    b: int = 1",
        "@dataclass\nclass B:\n    a: int = 0\n    x: ClassVar[int] = 0\n@dataclass\nclass Engine(B):\n    b: int = 1",
        "constructor: the same 2 parameters",
    ),
    "fields behind a star": (
        "@dataclass\nclass Engine:\n    a: int\n    _: KW_ONLY\n    b: int",
        "class Engine:\n    a = b = None\n    def __init__(self, a, *, b): ...",
        "constructor: the same 2 parameters",
    ),
    "a base as before": (
        "from pydantic import BaseModel\nclass Engine(BaseModel):\n    a: int",
        "from pydantic import BaseModel, Field\nclass Engine(BaseModel):\n    a: int\n    b: int = Field(default=1)",
        "its constructor is pydantic.BaseModel's, as before",
    ),
    "an exception": (
        "class Engine(ValueError): ...",
        "class Engine(ValueError):\n    'Why.'\n    code = 1",
        "derives from ValueError",
    ),
    "an exception whose base is in the module": (
        "class Base(Exception): ...\nclass Engine(Base): ...",
        "class Base(Exception): ...\nclass Engine(Base): ...",
        "derives from Base",
    ),
    "an enum with a member more": (
        "from enum import Enum\nclass Engine(str, Enum):\n    A = 'a'",
        "from enum import Enum\nclass Engine(str, Enum):\n    A = 'a'\n    B = 'b'",
        "derives from str, Enum",
    ),
    "a generic class": (
        "from typing import Generic, T\nclass Engine(Generic[T]):\n    def run(self): ...",
        "from typing import Generic, T\nclass Engine(Generic[T]):\n    def run(self): ...",
        "derives from Generic[T]",
    ),
    "a definition in a branch": (
        "class Engine: ...",
        "if DEBUG:\n    x = 1\nelse:\n    class Engine: ...",
        "100 % of its body",
    ),
    "what is bound last": ("class Engine: ...", "Engine = None\nclass Engine: ...", "100 % of its body"),
    "the same kind of value": ("Engine = {'a': 1}", "Engine = {'a': 1, 'b': 2}", "25 % of its body"),
    "the same import": ("from a.b import Engine", "if x:\n    from a.b import Engine", "both are a.b.Engine"),
}


@pytest.mark.parametrize(("old", "new", "why"), FITTING.values(), ids=FITTING)
def test_what_fits_is_accepted(old, new, why):
    found = compare(old, new)
    assert found.compatible, found.reasons
    assert (found.same_kind, found.same_async, found.accepts, found.lost_methods) == (True, True, True, ())
    assert why in found.reasons


# Namesakes: one name, five classes that have nothing else in common
NAMESAKES = {
    "state": """
@dataclass
class Context:
    user: str
    run: str
    thread: str | None = None

    def child(self, run):
        return Context(self.user, run, self.thread)
""",
    "session": """
class Context:
    def __init__(self, session, factory):
        self._session = session
        self._factory = factory

    async def commit(self):
        await self._session.commit()
""",
    "manager": """
class Context:
    def __init__(self, engine):
        self.engine = engine

    async def __aenter__(self):
        self.engine.start()
        return self

    async def __aexit__(self, *failure):
        self.engine.stop()
""",
    "model": """
from pydantic import BaseModel
class Context(BaseModel):
    tokens: int
    limit: int
""",
    "enum": """
from enum import Enum
class Context(Enum):
    USER = 1
    RUN = 2
""",
}


@pytest.mark.parametrize("old", NAMESAKES)
@pytest.mark.parametrize("new", NAMESAKES)
def test_namesakes_are_told_apart(old, new):
    found = compare(NAMESAKES[old], NAMESAKES[new], "Context")
    if old == new:
        assert found.score == 1
        assert found.compatible
    else:
        assert found.score < 0.5
        assert not found.compatible


MOVED = '''
class Engine:
    """Runs agents for one user."""

    def __init__(self, user, bridge):
        self.user = user  # whose it is
        self.bridge = bridge
        self.log = logging.getLogger("engine")

    async def run(self, agent, *, timeout=30):
        self.bridge.started(agent.name)
        try:
            return await asyncio.wait_for(agent.run(self.user), timeout)
        finally:
            self.bridge.ended(agent.name)
'''


def test_comments_strings_and_docstrings_do_not_count():
    changed = MOVED.replace("Runs agents for one user.", "Now moved.").replace("  # whose it is", "")
    assert compare(MOVED, changed.replace('"engine"', "'moved.engine'")).score == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Engine = 'http://a.example'", "Engine = 'http://b.example'"),
        ("Engine = f'{x} a'", "Engine = f'{x} b'"),
        ("Engine = ['a', 'b']", "Engine = ['c', 'd']"),
        ("import enum\nclass Engine(enum.Enum):\n    A = 'a'", "import enum\nclass Engine(enum.Enum):\n    A = 'A'"),
    ],
)
def test_strings_count_where_the_definition_is_about_them(old, new):
    assert compare(old, new).score < 1
    assert compare(old, old).score == 1


def test_many_lost_members_are_put_together():
    old = "class Engine:\n" + "\n".join(f"    M{n} = {n}\n    def m{n}(self): ..." for n in range(6))
    assert compare(old, "class Engine: ...").obstacles == (
        "lost methods m0(), m1(), m2(), m3() and 2 more",
        "lost attributes M0, M1, M2, M3 and 2 more",
    )


def test_a_definition_that_moved_and_changed_a_little_is_like_the_old_one():
    changed = MOVED.replace("self.bridge = bridge\n", "self.bridge = bridge or Bridge()\n")
    found = compare(MOVED, changed + "\n    async def stop(self):\n        self.bridge.ended(None)\n")
    assert 0.8 < found.score < 1
    assert found.compatible
    assert "constructor: the same 2 parameters" in found.reasons
    assert "its public method run()" in found.reasons


def test_the_more_of_the_body_is_left_the_higher_the_score():
    lines = [f"    total += rate_{n}({n})" for n in range(20)]
    whole = "\n".join(["def Engine(total):", *lines])
    scores = [compare(whole, "\n".join(["def Engine(total):", *lines[:n]])).score for n in range(1, 21)]
    assert scores == sorted(scores)
    assert scores[0] < 0.4
    assert scores[-1] == 1


def test_an_alias_stands_for_what_it_names():
    new = shape("class UnifiedEngine:\n    def run(self): ...\nMiddle = UnifiedEngine\nEngine = Middle")
    assert (new.kind, new.name, new.through) == ("class", "Engine", ("Middle", "UnifiedEngine"))
    found = likeness(shape("class Engine:\n    def run(self): ..."), new)
    assert found.compatible
    assert "is another name of UnifiedEngine" in found.reasons


def test_an_alias_of_something_else_is_told_apart():
    found = compare("class Engine:\n    def run(self): ...", "async def make(): ...\nEngine = make")
    assert "was a class, is a function" in found.obstacles


def test_aliases_in_a_circle_are_values():
    assert shape("Engine = Other\nOther = Engine").kind == "assign"


def test_an_alias_of_an_import_is_one():
    assert shape("from a import Other\nEngine = Other").origin == "a.Other"


@pytest.mark.parametrize(
    ("text", "package", "origin"),
    [
        ("import Engine", "", "Engine"),
        ("import a.b as Engine", "", "a.b"),
        ("import Engine.b", "", "Engine"),
        ("from a.b import c as Engine", "", "a.b.c"),
        ("from . import Engine", "", ".Engine"),
        ("from .b import Engine", "", ".b.Engine"),
        ("from . import Engine", "a", "a.Engine"),
        ("from .b import Engine", "a", "a.b.Engine"),
        ("from ..b import Engine", "a.x", "a.b.Engine"),
        ("from ..b import Engine", "a", "..b.Engine"),
    ],
)
def test_where_an_import_leads(text, package, origin):
    assert shape(text, package=package).origin == origin


def test_bases_of_the_package_are_the_same_if_the_package_is_known():
    text = "from .base import Base\nclass Engine(Base): ..."
    found = likeness(shape(text, package="a.b"), shape("from a.b.base import Base\nclass Engine(Base): ..."))
    assert found.compatible


def test_bases_in_a_circle_or_a_diamond_end():
    assert shape("class Engine(Engine): ...").inherits == ()
    assert shape("class Engine(Other): ...\nclass Other(Engine): ...").kind == "class"
    diamond = "class Top(Last): ...\nclass A(Top): ...\nclass B(Top): ...\nclass Engine(A, B): ..."
    assert shape(f"from z import Last\n{diamond}").inherits == ("z.Last",)


def test_the_base_that_comes_first_brings_the_constructor():
    classes = "class A:\n    def __init__(self, a): ...\nclass B(A):\n    def __init__(self, b): ...\n"
    found = shape(f"{classes}class C(A): ...\nclass Engine(C, B): ...").signature
    assert [each.name for each in found.parameters] == ["b"]


def test_only_what_is_asked_for_and_found():
    tree = ast.parse("a = 1\nb = 2\nfor c in a: pass\ndef d():\n    e = 1")
    assert shapes(tree, {"b", "e", "f"}).keys() == {"b"}


def test_code_that_is_deep_or_long():
    deep = "Engine = " + " + ".join(["x"] * 3000)
    branches = "if a: pass\n" + "\n".join(f"elif a == {n}: pass" for n in range(800)) + "\nelse:\n    Engine = 1"
    assert shapes(parse(deep, deep.encode()).tree, {"Engine"})["Engine"].kind == "assign"
    assert shapes(parse(branches, branches.encode()).tree, {"Engine"})["Engine"].value == "int"


# Against Python itself: a call that fits the old function fits the new one, and reaches the parameters of its name
NAMES = ("a", "b", "c")


@st.composite
def signatures(draw):
    names = draw(st.permutations(NAMES))[: draw(st.integers(0, 3))]
    kinds = sorted(draw(st.sampled_from((0, 1, 3))) for _ in names)
    found, optional = [], False
    for name, kind in zip(names, kinds, strict=True):
        required = draw(st.booleans())
        if kind != 3:
            required = required and not optional
            optional = optional or not required
        found.append(Parameter(name, ("positional-only", "positional", "", "keyword-only")[kind], required))
    if draw(st.booleans()):
        found.insert(sum(each.kind != "keyword-only" for each in found), Parameter("args", "*", False))
    if draw(st.booleans()):
        found.append(Parameter("more", "**", False))
    return tuple(found)


def real(parameters):
    """A function with these parameters; it returns the arguments that it was given."""
    written = []
    for at, each in enumerate(parameters):
        star = each.kind if each.kind in ("*", "**") else ""
        if each.kind == "keyword-only" and not {"keyword-only", "*"} & {before.kind for before in parameters[:at]}:
            written.append("*")
        written.append(f"{star}{each.name}" if star or each.required else f"{each.name}=None")
        behind = [other.kind for other in parameters[at + 1 :]]
        if each.kind == "positional-only" and "positional-only" not in behind:
            written.append("/")
    return eval(f"lambda {', '.join(written)}: {{name: given for name, given in locals().items() if given}}")


CALLS = [
    (range(1, count), dict.fromkeys(names, "keyword"))
    for count in range(1, 6)
    for size in range(5)
    for names in combinations((*NAMES, "d"), size)
]


def reached(function, positional, keywords):
    """Where the arguments of a call arrive; None if it fails."""
    try:
        return function(*positional, **keywords)
    except TypeError:
        return None


def calls_of(old, new):
    """Where the calls that fit the old function arrive in it and in the new one."""
    before, after = real(old), real(new)
    return [(fits, reached(after, *call)) for call in CALLS if (fits := reached(before, *call)) is not None]


def is_kept(old, before, after):
    """Whether each argument reaches the parameter of the same name, by position any, or a catch-all."""
    named = [each.name for each in old if each.kind in ("positional", "keyword-only") and each.name in before]
    return after is not None and all(name not in after or after[name] == before[name] for name in named)


@settings(max_examples=500)
@given(signatures(), signatures())
def test_without_an_objection_every_call_fits(old, new):
    if not list(objections(old, new)):
        assert all(is_kept(old, before, after) for before, after in calls_of(old, new))


@settings(max_examples=500)
@given(signatures(), signatures())
def test_an_objection_means_that_a_call_fails_or_goes_elsewhere(old, new):
    if list(objections(old, new)):
        assert any(before != after for before, after in calls_of(old, new))


@given(signatures())
def test_a_function_takes_its_own_calls(parameters):
    assert not list(objections(parameters, parameters))
