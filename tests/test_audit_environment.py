"""What goes round the accessor, and the inventory of variables: asked of code, and of real repositories."""

from __future__ import annotations

import json
import pickle
import re
from contextlib import suppress

import pytest
from cases import ACCESSOR, catalog, lines_run
from hypothesis import given
from hypothesis import strategies as st
from ranges import Story

from ssot_fix.audit import settings
from ssot_fix.audit.areas.environment import AREA, EnvironmentArea, inventory, look
from ssot_fix.audit.areas.environment_calls import called_names
from ssot_fix.audit.looking import look_at
from ssot_fix.audit.model import Key, KeyUse, Place
from ssot_fix.audit.report_keys import keys_json, keys_markdown, keys_table
from ssot_fix.audit.text import Text
from ssot_fix.audit.view import open_view
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.project.config import load
from ssot_fix.source import UnreadableText

TAKES = "from shared.isolated_environment import get_env\n"


def looked(code: str) -> list[str]:
    """Line, operation and subject of each use, `>` the accessor as imported, `=` the default, `!` why it is aside."""
    facts = look(Text(code.encode()))
    return [
        f"{use.line} {use.operation} {use.subject}"
        + ("" if use.direct else f" >{use.through}")
        + (f" ={use.default}" if use.default is not None else "")
        + (f" !{use.aside}" if use.aside else "")
        for use in (facts.uses if facts else ())
    ]


@pytest.fixture
def view_of(tmp_path):
    def make(files, config=""):
        files = {path: text for path, text in files.items() if text is not None}
        story = Story(tmp_path / "project")
        story.commit({**files, "ssot-fix.toml": config})
        story.tell()
        types = {name: codemod.options for name, codemod in catalog().items()}
        view = open_view(load(story.root, story.root, {**types, settings.NAME: settings.Options}))
        view.known = look_at(story.root, {AREA: {view.blobs[path] for path in view.python}}, {AREA: look}, jobs=1)
        return view

    return make


def sites(view, path="app.py"):
    """The sites of a file: line, operation and subject, `+` for a good one."""
    facts = view.facts(AREA, path)
    return [
        f"{site.line}{'+' if site.good else ''} {site.kind} {site.subject}"
        for site in (EnvironmentArea(view).sites(path, facts) if facts else ())
    ]


# What is no use, or not known to be one


@pytest.mark.parametrize(
    "code",
    [
        "",
        "x = 'os.environ[\"A\"]'  # os.getenv('A')\n",
        "def get_env():\n    return {}\nget_env().get('A')\n",
        "from a.env import get_env\nget_env('A').get('B')\nget_env().connect('A')\nget_env().protect('A')\n",
        # The name, the variable or the attribute may be something else.
        "from a import get_env\nfrom b import get_env\nget_env().get('A')\n",
        "try:\n    from a import get_env\nexcept ImportError:\n    def get_env(): ...\nget_env().get('A')\n",
        "from a import get_env\ndef f(get_env):\n    get_env().get('A')\n",
        "from a import get_env\nenv = get_env()\nenv = {}\nenv.get('A')\n",
        "from a import get_env\ndef f(env=None):\n    env = env or get_env()\n    env.get('A')\n",
        "from a import get_env\ndef f():\n    env = get_env()\ndef g():\n    env.get('A')\n",
        "from a import get_env\nenv, b = get_env(), 1\nenv.get('A')\n",
        "from a import get_env\nfor env in get_env():\n    env.get('A')\n",
        "from a import get_env\nwith get_env() as env:\n    env.get('A')\n",
        "from a import get_env\nclass A:\n    env = get_env()\ndef f(self):\n    self.env.get('A')\n",
        "from a import get_env\nclass A:\n    def f(self):\n        self.env = get_env()\n    def g(self, o):\n"
        "        o.env.get('A')\n",
        "from a import get_env\nclass A:\n    def f(self):\n        self.env = get_env()\n    def g(self):\n"
        "        self.env = {}\n        self.env.get('A')\n",
        "from a import get_env\nclass A:\n    def f(self):\n        self.env = get_env()\n"
        "    @property\n    def env(self): return {}\n    def g(self):\n        self.env.get('A')\n",
        "from a import get_env\nclass A:\n    def f(self):\n        self.env = get_env()\n"
        "class B:\n    def f(self):\n        self.env.get('A')\n",
        "from a import get_env\nclass A:\n    def f(self):\n        self.env = get_env()\n"
        "    @staticmethod\n    def g(self):\n        self.env.get('A')\n",
        "from a import get_env\nclass A:\n    def f(self):\n        self.env = get_env()\n"
        "        return lambda self: self.env.get('A')\n",
    ],
)
def test_what_is_no_use(code):
    assert looked(code) == []


@given(st.binary(max_size=200))
def test_no_input_is_too_odd(data):
    with suppress(UnreadableText, Unparseable):
        look(Text(data + b"\nos.getenv get_env()"))


# Uses


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os\nos.getenv('A')\nos.getenv('A', \"b\")\n", ["2 get A", "3 get A ='b'"]),
        ("import os\nos.environ.get('A', default=1 + 1)\n", ["2 get A =1 + 1"]),
        ("import os\nos.environ['A'] = os.environ['B']\n", ["2 lookup B", "2 set A"]),
        ("import os\nos.environ['A'] += 'b'\n", ["2 set A"]),
        ("import os\ndel os.environ[a], os.environ['B']\n", ["2 delete (computed)", "2 delete B"]),
        ("from os import environ as e\n'A' in e\ne.setdefault('A', 'b')\n", ["2 contains A", "3 setdefault A ='b'"]),
        ("import os\nos.environ.pop('A', None)\na = os.environ.pop('A', '')\n", ["2 delete A", "3 pop A =''"]),
        ("import os\ndict(os.environ)\nos.environ.update({'A': '1', b: '2'})\n", ["2 copy (all)", "3 update (all)"]),
        ("import os\ngetattr(os, 'environ')\n", ["2 indirect (all) !uncertain"]),
        ("try:\n    import os\nexcept ImportError:\n    os = None\nos.getenv('A')\n", ["5 get A !uncertain"]),
        ("import os\nos.getenv('A')  # ssot-fix: ignore[isolated-environment] why\n", ["2 get A !suppressed"]),
        ("import os\nos.getenv('A')  # ssot-fix: ignore[stale-imports] why\n", ["2 get A"]),
        (
            "import os\ntry:\n    from a.env import get\nexcept ImportError:\n    get = os.getenv('A')\n",
            ["5 get A !fallback"],
        ),
        ("import os\ntry:\n    import numpy\nexcept ImportError:\n    a = os.getenv('A')\n", ["5 get A"]),
        ("patch.dict('os.environ', {'A': '1'}, clear=True)\n", ["1 patch A !patch"]),
        ("import os\npatch.dict(os.environ, {'A': '1', 'B': '2'})\n", ["2 patch (all)"]),
        ("def f(monkeypatch):\n    monkeypatch.setenv('A', '1')\n", ["2 set A !patch"]),
        ("form.setenv('A', '1')\n", []),
    ],
)
def test_direct_uses(code, expected):
    assert looked(code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from a.b import get_env\nget_env().get('A', 'b')\n", ["2 get A >a.b.get_env ='b'"]),
        ("from .b import get_env as g\ng().set('A', 1)\n", ["2 set A >.b.get_env"]),
        ("from .env import load\nload().exists(key)\n", ["2 contains (computed) >.env.load"]),
        ("import a.env\na.env.it().delete('A')\n", ["2 delete A >a.env.it"]),
        ("import a.env as e\ne.it().get(name='A')\n", ["2 get A >a.env.it"]),
        ("from a import (  # why\n    b,\n    env,\n)\nenv()['A']\n", ["5 lookup A >a.env"]),
        ("from a import env\nif 'B' in env():\n    del env()['B']\n", ["2 contains B >a.env", "3 delete B >a.env"]),
        ("from a import (  # (why)\n    env,  # )\n)\nenv().get('A')\n", ["4 get A >a.env"]),
        ("from a import Env\nEnv().get_all()\n", ["2 copy (all) >a.Env"]),
        ("from a import Env\nEnv.get_instance().get('A')\n", ["2 get A >a.Env.get_instance"]),
        ("from a import get_env\nenv = get_env().get_all()\nenv.get('A')\n", ["2 copy (all) >a.get_env"]),
        ("from a import get_env\nenv = get_env()\ndef f():\n    return env.get('A')\n", ["4 get A >a.get_env"]),
        ("from a import get_env\ndef f():\n    env: Env = get_env()\n    env.clear()\n", ["4 clear (all) >a.get_env"]),
        (
            "from a import get_env\nclass A:\n    def f(self):\n        self.e = get_env()\n"
            "    def g(self):\n        return [lambda: self.e.get('A')]\n",
            ["6 get A >a.get_env"],
        ),
        (
            "from a import get_env\nclass A:\n    e = get_env()\n    @classmethod\n    def g(cls):\n"
            "        return cls.e.require('A')\n",
            ["6 require A >a.get_env"],
        ),
    ],
)
def test_uses_of_what_may_be_the_accessor(code, expected):
    assert looked(code) == expected


@pytest.mark.parametrize(
    "code", ["from a.env import (\n", "from a.env import b; b(", "x: ", "in ", ")", "; import env as e"]
)
def test_made_up_input_takes_no_time_to_speak_of(code):
    """Where each part is looked at once; else it takes many minutes."""
    called, held = called_names(Text((TAKES + code * 100_000).encode()))
    assert not (called | held) - {"b", "e", "get_env"}


# Names of variables behind names


@pytest.mark.parametrize(
    "code",
    [
        "KEY = other()\nos.getenv(KEY)\n",
        "KEY = 'A'\nKEY = other()\nos.getenv(KEY)\n",
        "KEY = 'A' + x\nos.getenv(KEY)\n",
        "KEY += 'A'\nos.getenv(KEY)\n",
        "KEY: str\nos.getenv(KEY)\n",
        "KEY, other = 'A', 'B'\nos.getenv(KEY)\n",
        "KEY = other = 'A'\nos.getenv(KEY)\n",
        "def f(KEY='A'):\n    os.getenv(KEY)\n",
        "KEY = 'A'\ndef f(KEY):\n    os.getenv(KEY)\n",
        "KEY = 'A'\ndef f():\n    global KEY\n    KEY = g()\nos.getenv(KEY)\n",
        "from settings import KEY\nos.getenv(KEY)\n",
        "class C:\n    KEY = 'A'\n    def f(self):\n        os.getenv(KEY)\n",
        "os.getenv(KEY)\n",
        "for key in found():\n    os.getenv(key)\n",
        "for key in ('A', b):\n    os.getenv(key)\n",
        "for key in ['A', *more]:\n    os.getenv(key)\n",
        "for key in {'A': 1, **more}:\n    os.getenv(key)\n",
        "for key in ():\n    os.getenv(key)\n",
        "for key in 'AB':\n    os.getenv(key)\n",
        "for x, key in {'A': 'B'}.items():\n    os.getenv(key)\n",
        "for key, y, z in {'A': 'B'}.items():\n    os.getenv(key)\n",
        "for key, x in [('A', 'B')]:\n    os.getenv(key)\n",
        "for key in {'A': 'B'}.values():\n    os.getenv(key)\n",
        "for key in ('A',):\n    pass\nfor key in found():\n    os.getenv(key)\n",
        "KEYS = ['A']\nKEYS += found()\nfor key in KEYS:\n    os.getenv(key)\n",
        "KEYS = KEYS\nfor key in KEYS:\n    os.getenv(key)\n",
        "for key in key:\n    os.getenv(key)\n",
        "[key for key in ('A',)]\nos.getenv(key)\n",
        "for key in ('A',):\n    key = f(key)\n    os.getenv(key)\n",
        "for key in ('A',):\n    for key in found():\n        os.getenv(key)\n",
        "for key in ('A',):\n    for key in found():\n        pass\n    os.getenv(key)\n",
        "for key in found():\n    for other in os.getenv(key):\n        pass\nelse:\n    key = 'A'\n",
        "for key in found():\n    pass\nfor key in ('A',):\n    pass\nelse:\n    os.getenv(key)\n",
        "for key in ('A',):\n    def f():\n        return os.getenv(key)\nfor key in found():\n    pass\n",
        "for key in found():\n    pass\nfor key in os.getenv(key):\n    pass\n",
        "for key in {'A': 'B'}.copy():\n    os.getenv(key)\n",
        "for key, x in {'A': 'B'}.keys():\n    os.getenv(key)\n",
        "KEY = 'A'\nif x:\n    KEY = 'B'\nos.getenv(KEY)\n",
        "for x in ('a', 'b'):\n    pass\nfor x in ('A',):\n    pass\nos.getenv(x)\n",
        "def f():\n    key = 'A'\n    key = 'B'\n    return os.getenv(key)\n",
        "NAMES = ('A',)\nclass C:\n    NAMES = ('B',)\n    v = [os.getenv(n) for n in NAMES]\n",
        "KEY = 'A'\nclass C:\n    a = os.getenv(KEY)\n    KEY = 'B'\n",
        "KEYS = ['A']\nKEYS.append(f())\nfor k in KEYS:\n    os.getenv(k)\n",
        "KEYS = ['A']\nKEYS[:] = f()\nfor k in KEYS:\n    os.getenv(k)\n",
        "KEYS = {'A': 1}\nf(KEYS)\nfor k in KEYS:\n    os.getenv(k)\n",
        "KEYS = ['A']\nadd = KEYS.append\nfor k in KEYS:\n    os.getenv(k)\n",
        "KEYS = ['A']\nothers = KEYS\nfor k in KEYS:\n    os.getenv(k)\n",
        "KEY = 'A'\nfrom settings import *\nos.getenv(KEY)\n",
        "KEY = 'A'\nglobals()['KEY'] = f()\nos.getenv(KEY)\n",
        "def f():\n    def g():\n        nonlocal key\n        key = h()\n    key = 'A'\n    os.getenv(key)\n",
        "class C:\n    KEY = other()\nos.getenv(C.KEY)\n",
        "class C:\n    KEY = 'A'\nC.KEY = 'B'\nos.getenv(C.KEY)\n",
        "class C:\n    KEY = 'A'\nC = other()\nos.getenv(C.KEY)\n",
        "class C:\n    KEY = 'A'\n    if x:\n        KEY = 'B'\nos.getenv(C.KEY)\n",
        "class C(D):\n    pass\nos.getenv(C.KEY)\n",
        "class C:\n    KEY = 'A'\nos.getenv(C.KEY.value)\n",
        "class C:\n    KEY = 'A'\nos.getenv(C().KEY)\n",
        "class C:\n    def KEY(self): pass\nos.getenv(C.KEY)\n",
        "from there import C\nos.getenv(C.KEY)\n",
    ],
)
def test_a_name_that_may_be_anything_names_no_variable(code):
    facts = look(Text(f"import os\n{code}".encode()))
    assert [(use.subject, use.keys) for use in facts.uses] == [("(computed)", ())]


@pytest.mark.parametrize(
    ("code", "subject", "keys"),
    [
        ("KEY = 'A'\nos.getenv(KEY)\n", "A", "A"),
        ("KEY: Final = 'A'\ndef f():\n    return os.environ[KEY]\n", "A", "A"),
        ("def f():\n    key = 'A'\n    return os.environ[key]\n", "A", "A"),
        ("KEY = 'A'\nif KEY in os.environ: pass\n", "A", "A"),
        ("KEY = 'A'\nos.environ[KEY] = '1'\n", "A", "A"),
        ("KEY = 'A'\nos.environ.setdefault(key=KEY, value='1')\n", "A", "A"),
        ("KEY = 'A'\n" + TAKES + "get_env().get(KEY)\n", "A", "A"),
        ("KEYS = ('A', 'B')\nf(KEYS)\nfor key in KEYS:\n    os.getenv(key)\n", "(computed)", "A B"),
        ("KEYS = ['A', 'B']\nprint(len(KEYS), KEYS[0])\nfor k in KEYS: os.getenv(k)\n", "(computed)", "A B"),
        ("NAMES = ('A',)\nfor key in NAMES:\n    def g():\n        NAMES = f()\n        os.getenv(key)\n", "A", "A"),
        ("for key in ('A', 'B', 'A'):\n    os.getenv(key)\n", "(computed)", "A B"),
        ("x = {key: os.getenv(key) for key in ['B', 'A']}\n", "(computed)", "B A"),
        ("for key in {'A': 1}:\n    os.environ.pop(key)\n", "A", "A"),
        ("for key, value in {'A': 1, 'B': 2}.items():\n    os.environ[key] = value\n", "(computed)", "A B"),
        ("for k in {'A': 1, 'B': 2}.keys():\n    os.environ.pop(k)\n", "(computed)", "A B"),
        ("for k in ('A',):\n    pass\nfor k in ('B',):\n    os.getenv(k)\nfor k in found(): pass\n", "B", "B"),
        ("for k in found():\n    pass\nfor k, v in {'A': 1}.items():\n    if v:\n        os.getenv(k)\n", "A", "A"),
        ("class C:\n    KEY = 'A'\n    def f(self):\n        return os.environ[C.KEY]\n", "A", "A"),
        ("class C:\n    KEY: str = 'A'\nos.getenv(C.KEY)\n", "A", "A"),
        ("KEYS = ('A', 'B')\ndef f():\n    return [k for k in KEYS if k in os.environ]\n", "(computed)", "A B"),
        ("TOLD = {'A': 1, 'B': 2}\nfor key, _ in TOLD.items():\n    os.environ[key]\n", "(computed)", "A B"),
        ("async def f():\n    async for key in ('A', 'B'):\n        os.getenv(key)\n", "(computed)", "A B"),
    ],
)
def test_a_name_for_literals_names_these(code, subject, keys):
    facts = look(Text(f"import os\n{code}".encode()))
    assert [(use.subject, use.keys) for use in facts.uses] == [(subject, tuple(keys.split()))]


@pytest.mark.parametrize(
    "many",
    [
        lambda n: "for k in ('A',):\n    os.getenv(k)\n" * n,
        lambda n: "class C:\n    K = 'A'\n" + "os.getenv(C.K)\n" * n,
        lambda n: f"KEYS = [{'x, ' * n}]\n" + "".join(f"for k{i} in KEYS: os.getenv(k{i})\n" for i in range(n)),
    ],
    ids=["one name for many loops", "a constant used often", "many loops over much"],
)
def test_names_cost_what_there_is_of_them(many):
    few, more = (lines_run(lambda n=n: look(Text(f"import os\n{many(n)}".encode()))) for n in (100, 800))
    assert more < 24 * few


def test_facts_are_small_and_picklable():
    facts = look(Text(b"import os\n" + b"x = 1  # nothing\n" * 50 + b"y = '#'; os.getenv('A')  # @marked\n"))
    assert pickle.loads(pickle.dumps(facts)) == facts
    assert len(facts.comments) == 11
    assert facts.comments[-1] == (52, "# @marked")


# Sites


def test_an_accessor_that_is_not_there_makes_no_sites(view_of):
    view = view_of({"app.py": "import os\nos.getenv('A')\n"})
    assert sites(view) == []
    assert "no class with get and set" in EnvironmentArea(view).note
    assert [key.name for key in inventory(view)] == ["A"]


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ('accessor = "nowhere:get_env"', "no module `nowhere`"),
        ('accessor = "app:held"\naccessor-class = "Held"', "can't be told"),
    ],
)
def test_one_that_can_not_be_used_makes_none(config, why, view_of):
    code = "class Held:\n    def get(self, key): ...\ndef held():\n    return Held()\nimport os\nos.getenv('A')\n"
    view = view_of({"app.py": code}, f"[isolated-environment]\n{config}\n")
    assert sites(view) == []
    assert why in EnvironmentArea(view).note


AGAIN = "from shared.isolated_environment import IsolatedEnvironment, get_env\n"
CASES = {
    "accessor.py": (f"{TAKES}get_env().get('A')\n", ["2+ get A"]),
    "both.py": (f"{TAKES}import os\nos.getenv('A')\nget_env().set('A', 1)\n", ["3 get A", "4+ set A"]),
    "again.py": ("from other.again import get_env\nget_env().get('A')\n", ["2+ get A"]),
    "other/relative.py": ("from .again import get_env as env\nenv().get('A')\n", ["2+ get A"]),
    "instance.py": ("from other.again import IsolatedEnvironment as E\nE().get('A')\n", ["2+ get A"]),
    "giving.py": ("from other.again import IsolatedEnvironment as E\nE.instance().get('A')\n", ["2+ get A"]),
    # Not the accessor, whatever it is.
    "method.py": ("from other.again import IsolatedEnvironment as E\nE.other().get('A')\n", []),
    "namesake.py": ("from other.environment import get_env\nget_env().get('A')\n", []),
    "installed.py": ("from requests.environment import get_env\nget_env().get('A')\n", []),
    # Direct, and nothing is wrong with that.
    "shared/masking.py": ("import os\nos.getenv('A')\ndef mask(): ...\n", []),
    "external.py": ("import os\nos.environ['PATH'] = ''\nos.getenv('PATH')\n", ["3 get PATH"]),
    # As long as the settings do not say so.
    "tools/a.py": ("import os\nos.getenv('A')\n", ["2 get A"]),
    "kafka.py": ("import os\nos.environ['KAFKA_A'] = ''\n", ["2 set KAFKA_A"]),
    "marked.py": (
        "import os\n# @marked: why\n\nos.getenv('A')\n\n\n\nos.getenv('B')\nx = '''\n# @marked\n'''\n",
        ["4 get A", "8 get B"],
    ),
}
SETTINGS = """
[isolated-environment]
exempt-paths = ["tools/"]
exempt-comments = ["@marked"]
extend-external-keys = ["KAFKA_*"]
"""


@pytest.mark.parametrize(
    ("config", "instead"),
    [("", {}), (SETTINGS, {"tools/a.py": [], "kafka.py": [], "marked.py": ["8 get B"]})],
)
def test_sites(config, instead, view_of):
    files = {path: code for path, (code, _) in CASES.items()}
    other = {"other/environment.py": "def get_env():\n    return {}\n", "other/again.py": AGAIN}
    view = view_of({**ACCESSOR, **other, **files}, config)
    expected = {path: told for path, (_, told) in CASES.items()} | instead
    assert {path: sites(view, path) for path in CASES} == expected


def test_what_is_said_of_a_site(view_of):
    view = view_of({**ACCESSOR, "app.py": "import os\nos.environ['A'] = '1'\n"})
    (site,) = EnvironmentArea(view).sites("app.py", view.facts(AREA, "app.py"))
    assert site.message == "sets `A` by `os.environ`, not by `shared.isolated_environment:get_env`"


# The inventory


def test_no_problems(view_of):
    view = view_of(
        {
            **ACCESSOR,
            "a.py": f"{TAKES}import os\nget_env().get('A', 'x')\nget_env().get('A', \"x\")\nget_env().get('A', X)\n"
            "get_env().get('A')\nget_env().get('A', None)\nget_env().get('A', '')\n"
            "get_env().get('PORT', 80)\nget_env().get('PORT', '80')\n"
            "get_env().get('ON', 'True')\nget_env().get('ON', True)\n"
            "if dev:\n    get_env().get('CHOSEN', '1')\nelse:\n    get_env().get('CHOSEN', '2')\n"
            "os.environ['TZ'] = 'UTC'\nget_env().get('TZ')\n"  # other programs read it: it has to be set there
            "get_env().set('B', 1)\nget_env().get('B')\n"
            "os.environ['PY_COLORS'] = os.environ['CONFIG'] = ''\n"
            "get_env().set('URL', 1)\nget_env().set('NAMED', 1)\n",
            "tests/test_a.py": "import os\nos.environ['A'] = 'y'\nos.getenv('A', 'z')\nos.environ['ONLY_HERE'] = ''\n",
            "run.sh": "echo $PY_COLORS",
            "settings.py": "class Settings(BaseSettings):\n    url: str\n",
            "other.py": "for key in ('CONFIG', 'NAMED'):\n    get_env().get(key)\n",
            "again.py": f"{TAKES}get_env().get('A', 'unknown')\nget_env().get('A', '[NOT_SET]')\n"
            "get_env().get('PORT', '80.0')\nget_env().get('ON', 'true')\nget_env().get('CHOSEN', '2')\n"
            "import os\nx = os.environ.setdefault('TAKEN', '1')\n",
        },
    )
    assert {key.name: key.problems for key in inventory(view) if key.problems} == {}


def test_problems(view_of):
    view = view_of(
        {
            **ACCESSOR,
            "a.py": f"{TAKES}get_env().get('A', 'x')\nget_env().get('B')\nget_env().set('C', 1)\n",
            "b.py": "import os\nos.getenv('A', 'y')\nos.environ['B'] = ''\nos.getenv('C')\n"
            "os.environ[\n    'D'\n] = ''\nos.environ.setdefault('E', '1')\n",
            "tests/test_d.py": "import os\nos.environ['D'] = ''\n",
            "README.md": "Set D to ...",
        },
    )
    assert {key.name: key.problems for key in inventory(view) if key.name in "ABCDE"} == {
        "A": ("conflicting-defaults",),
        "B": ("mixed-access",),
        "C": ("mixed-access",),
        "D": ("never-read",),
        "E": ("never-read",),
    }


def test_a_key(view_of):
    view = view_of(
        {
            **ACCESSOR,
            "api/a.py": f"{TAKES}get_env().get('A', 'x')\nget_env().set('A', 1)\n",
            "tests/test_a.py": "import os\nos.environ.get('A', \"y\")\npatch.dict(os.environ, {'A': '1'})\n",
        },
    )
    (key,) = (key for key in inventory(view) if key.name == "A")
    told = [(use.place.path, use.place.line, use.operation, use.through) for use in (*key.readers, *key.writers)]
    accessor = "shared.isolated_environment:get_env"
    assert told == [
        ("api/a.py", 2, "get", accessor),
        ("tests/test_a.py", 2, "get", "os.environ"),
        ("api/a.py", 3, "set", accessor),
        ("tests/test_a.py", 3, "patch", "os.environ"),
    ]
    assert key.defaults == ("'x'", "'y'")
    assert (key.readers[0].place.service, key.readers[1].place.scope) == ("api", "test")


def test_nothing_is_called_unread_where_not_all_can_be_read(view_of):
    view = view_of({"a.py": "import os\nos.environ['D'] = ''\n", "run.sh": "nothing"})
    assert [key.problems for key in inventory(view)] == [("never-read",)]
    blob = view.blobs["run.sh"].decode()
    (view.root / ".git/objects" / blob[:2] / blob[2:]).unlink(missing_ok=True)
    for pack in (view.root / ".git/objects/pack").glob("*"):
        pack.unlink()
    assert [key.problems for key in inventory(view)] == [()]


# The command

FILES = {
    "app.py": f"{TAKES}import os\nget_env().get('A', 'x')\ndef f():\n    os.getenv('A', 'y')\n"
    "get_env().set('B', 1)\nos.getenv('B')\n",
    "tests/test_app.py": "import os\nos.environ['A'] = os.environ['C|`d`'] = ''\n",
}


def test_the_table(repository, ssot_fix):
    done = ssot_fix(repository(FILES), "env", "--key", "[ABC]*")
    lines = done.stdout.decode().splitlines()
    assert lines[0].split() == ["variable", "read", "written", "through", "defaults", "problems"]
    assert [line.split() for line in lines[2:8]] == [
        ["A", "2", "0", "(1)", "both", "'x'", "conflicting", "defaults"],
        ["'y'"],
        ["B", "1", "1", "both", "mixed", "access"],
        ["C|`d`", "0", "0", "(1)", "direct"],
        [],
        ["3", "variables,", "2", "with", "a", "problem."],
    ]
    assert max(map(len, lines)) <= 80
    assert done.stderr == b""


def test_every_place(repository, ssot_fix):
    done = ssot_fix(repository(FILES), "env", "-v", "--key", "B", "--no-cache")
    assert b"app.py:6: B written (set by shared.isolated_environment:get_env)\n" in done.stdout
    assert b"app.py:7: B read (get by os.getenv)\n" in done.stdout


def test_only_those_with_a_problem(repository, ssot_fix):
    done = ssot_fix(repository(FILES), "env", "--problems", "--format", "json")
    assert [key["name"] for key in json.loads(done.stdout)["keys"]] == ["A", "B"]


def test_json_is_as_in_an_audit(repository, ssot_fix):
    made = repository(FILES)
    told = json.loads(ssot_fix(made, "env", "--format", "json", "--key", "B").stdout)
    assert told["version"] == 1
    assert told["commit"] == made.git("rev-parse", "HEAD").strip()
    (key,) = told["keys"]
    assert key["problems"] == ["mixed-access"]
    assert key["readers"] == [
        {
            "place": {"path": "app.py", "line": 7, "scope": "production", "service": "(root)"},
            "operation": "get",
            "through": "os.getenv",
            "direct": True,
            "default": None,
        }
    ]


def test_what_was_committed_is_told(repository, ssot_fix):
    made = repository(FILES)
    (made.root / "app.py").write_text("")
    assert b"B " in ssot_fix(made, "env", "--key", "B").stdout


def test_markdown_in_a_file(repository, ssot_fix, tmp_path):
    done = ssot_fix(repository(FILES), "env", "--format", "md", "--output", tmp_path / "keys.md", "--key", "[BC]*")
    assert done.stdout == b""
    text = (tmp_path / "keys.md").read_text(encoding="utf-8")
    assert "| `B` | 1 | 1 | both |  | mixed-access |\n| `` C\\|`d` `` |" in text
    assert "- written in `app.py:6`: set by `shared.isolated_environment:get_env`\n" in text


def test_names_that_would_do_harm():
    place = Place("a\n.py", 1)
    use = KeyUse(place, "get", "os.getenv", True, "'\x1b[31m'")
    keys = (Key("A\x1b]0;x\x07|\u202e[x](y)", readers=(use,), defaults=("'\x1b[31m'",), problems=("never-read",)),)
    for text in (
        keys_table(keys, width=80, color=False, verbose=True),
        keys_markdown(keys, "c"),
        keys_json(keys, "c"),
    ):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
    assert "[x](y)`" in keys_markdown(keys, "c")


@pytest.mark.parametrize("width", [64, 80, 200])
def test_the_table_is_no_wider_than_it_may_be(width):
    use = KeyUse(Place("a.py", 1, "test"), "get", "os.getenv", True, "x" * 200)
    keys = [Key("A" * 50, (use,), (use,), ("x" * 200,) * 9, ("conflicting-defaults", "mixed-access")), Key("[b]B")]
    lines = keys_table(keys, width=width, color=False).splitlines()
    assert max(map(len, lines)) <= width
    assert "[b]B" in lines[-4]
    assert keys_table([], width=width, color=True) == "0 variables, 0 with a problem.\n"


def test_it_says_why_there_is_no_accessor(repository, ssot_fix, tmp_path):
    made = repository(FILES)
    made.git("rm", "-q", "-r", "shared")
    made.commit()
    done = ssot_fix(made, "env")
    assert b"note: uses through an accessor are not told: no class with get and set methods found" in done.stderr
    assert ssot_fix(made, "env", "-q").stderr == b""
