"""Dotted paths in strings: which consumers are known, what is none, and where exactly the path stands."""

from __future__ import annotations

import ast
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codemods.stale_imports.strings import SEEDS, new_text, others, replaced, seeds, uses
from ssot_fix.bindings import load
from ssot_fix.edits import apply_edits

TOPS = frozenset({"shop", "lib"})


def module_of(text, extra=()):
    raw = text if isinstance(text, bytes) else text.encode()
    return load("tests/test_it.py", "tests.test_it", raw, seeds(raw, extra))


def uses_in(text, extra=()):
    return uses(module_of(text, extra), TOPS, extra)


def unmarked(marked):
    """The text without its ‹marks›, and the byte spans between them."""
    spans, text = [], ""
    for piece in re.split("([‹›])", marked):
        if piece == "‹":
            spans.append([len(text.encode())])
        elif piece == "›":
            spans[-1].append(len(text.encode()))
        else:
            text += piece
    return text, [tuple(span) for span in spans]


NO_USES = {
    "another package": "from unittest.mock import patch\npatch('other.a.b')\n",
    "a longer name": "from unittest.mock import patch\npatch('shopping.a')\npatch('x.shop.a')\n",
    "the name is not bound": "patch('shop.a.b')\n",
    "a function of that name": "def patch(path): ...\npatch('shop.a.b')\n",
    "another module's patch": "from tools import patch\npatch('shop.a.b')\n",
    "this module's neighbour": "from .mock import patch\npatch('shop.a.b')\n",
    "a local name shadows it": "from unittest.mock import patch\ndef f():\n    patch = print\n    patch('shop.a.b')\n",
    "a parameter shadows it": "from unittest.mock import patch\ndef f(patch):\n    patch('shop.a.b')\n",
    "it may be either": "from unittest.mock import patch\nif x:\n    patch = print\npatch('shop.a.b')\n",
    "it is deleted": "from unittest.mock import patch\ndel patch\npatch('shop.a.b')\n",
    "a type parameter shadows it": "from unittest.mock import patch\ndef f[patch]():\n    patch('shop.a.b')\n",
    "a star that may give it": "from unittest.mock import *\nfrom tools import *\npatch('shop.a.b')\n",
    "patch.object": "from unittest.mock import patch\npatch.object('shop.a.b', 'c')\n",
    "the second argument": "from unittest.mock import patch\npatch('os.environ', 'shop.a.b')\n",
    "another keyword": "from unittest.mock import patch\npatch(new='shop.a.b')\n",
    "behind a star": "from unittest.mock import patch\npatch(*args, 'shop.a.b')\npatch(**{'target': 'shop.a.b'})\n",
    "bytes": "from unittest.mock import patch\npatch(b'shop.a.b')\n",
    "no path": "from unittest.mock import patch\npatch('shop.a b')\npatch('shop.')\npatch('')\npatch('shop..a')\n",
    "a name for a path": "from unittest.mock import patch\nT = 'shop.a.b'\npatch(T)\n",
    "a computed path": "from unittest.mock import patch\npatch('shop.a.' + name)\npatch('shop.%s' % name)\n",
    "an f-string without a fixed start": "from unittest.mock import patch\npatch(f'{shop}.a.b')\n",
    "mocker is an import": "import mocker\nmocker.patch('shop.a.b')\n",
    "mocker is global": "mocker.patch('shop.a.b')\n",
    "a fixture's own attribute": "def test(mocker):\n    mocker.spy('shop.a.b')\n    mocker.stub('shop.a.b')\n",
    "monkeypatch is something else": "def test():\n    monkeypatch = Mine()\n    monkeypatch.setattr('shop.a', 1)\n",
    "setattr with an object": "def test(monkeypatch):\n    monkeypatch.setattr('shop.a', 'x', 1)\n",
    "setattr with an object and a keyword": "def t(monkeypatch):\n    monkeypatch.setattr('shop.a', 'x', value=1)\n",
    "delattr with an object": "def t(monkeypatch):\n    monkeypatch.delattr('shop.a', 'x')\n",
    "delattr with an object and a keyword": "def t(monkeypatch):\n    monkeypatch.delattr('shop.a', name='x')\n",
    "setattr of anything": "x.setattr('shop.a', 1)\nx().setattr('shop.a', 1)\nsetattr = x.setattr\n",
    "another context": "def t(monkeypatch):\n    with x.context() as m:\n        m.setattr('shop.a', 1)\n",
    "another name": "def t(monkeypatch):\n    with monkeypatch.context() as m, x as n:\n        n.setattr('shop.a')\n",
    **{
        f"the context's name is bound by {how}": "def t(monkeypatch):\n    with monkeypatch.context() as m:\n"
        f"        {how}\n        m.setattr('shop.a', 1)\n"
        for how in (
            *("m = x", "del m", "for m in x: pass", "def m(): pass", "async def m(): pass", "class m: pass"),
            *("import m.x", "import x as m", "from x import m", "m, n = x", "m: X = x"),
        )
    },
    "the builtin setattr": "setattr('shop.a', 'x', 1)\n",
    "setenv": "def t(monkeypatch):\n    monkeypatch.setenv('shop.a', 'x')\n",
    "a relative path": "import importlib\nimportlib.import_module('.shop', package='shop')\n",
    "an own import_module": "from tools import import_module\nimport_module('shop.a')\n",
    "a relative __import__": "__import__('shop.a', g, l, ['x'], 1)\n__import__('shop.a', level=n)\n",
    "an own __import__": "def __import__(x): ...\n__import__('shop.a')\n",
    "plugins inside a function": "def f():\n    pytest_plugins = ['shop.a']\n",
    "plugins of a class": "class A:\n    pytest_plugins = ['shop.a']\n",
    "plugins of an object": "x.pytest_plugins = ['shop.a']\n",
    "plugins that are only declared": "pytest_plugins: list[str]\n",
    "another dictionary": "import sys\nmodules['shop.a']\nsys.path['shop.a']\n",
    "a value of sys.modules": "import sys\nsys.modules[x] = 'shop.a'\nsys.modules.get(x, 'shop.a')\n",
    "sys.modules is left": "import sys\nsys.modules in 'shop.a'\nsys.modules == 'shop.a'\n",
    "a name in sys.modules": "import sys\nsys.modules.copy('shop.a')\nsys.modules.get()\n",
    "sys.modules with computed keys": "import sys\nsys.modules.update(stubs)\npatch.dict(sys.modules, stubs)\n",
    "a comment": "from unittest.mock import patch\n# patch('shop.a.b')\n",
    "a docstring": '"""patch("shop.a.b")"""\nfrom unittest.mock import patch\n',
    "a logger": "import logging\nlogging.getLogger('shop.a.b')\n",
    "settings": "MIDDLEWARE = ['shop.a.B']\nLOGGING = {'handlers': {'x': {'class': 'shop.a.B'}}}\n",
    "runpy with a file": "import runpy\nrunpy.run_path('shop.a')\n",
}


@pytest.mark.parametrize("text", NO_USES.values(), ids=NO_USES.keys())
def test_no_use(text):
    assert uses_in(text) == []


PATCH, MULTIPLE, DICT = "mock.patch", "mock.patch.multiple", "mock.patch.dict"
IMPORTED = "from unittest.mock import patch\n"
USES = {
    "a call": (IMPORTED + "patch('‹shop.a.b›')\n", PATCH),
    "one part": (IMPORTED + "patch('‹shop›')\n", PATCH),
    "a decorator": (IMPORTED + "@patch('‹shop.a.b›')\n@patch('‹shop.c›')\ndef test(b, c): ...\n", PATCH),
    "a class decorator": (IMPORTED + "class T:\n    @patch('‹shop.a.b›')\n    def test(self, b): ...\n", PATCH),
    "a context manager": (IMPORTED + "with patch('‹shop.a›') as a, patch('‹lib.b›'):\n    pass\n", PATCH),
    "started": (IMPORTED + "patch('‹shop.a.b›', new=1).start()\n", PATCH),
    "the keyword": (IMPORTED + "patch(new=1, target='‹shop.a.b›')\n", PATCH),
    "with stars behind": (IMPORTED + "patch('‹shop.a.b›', *a, **kw)\n", PATCH),
    "by an alias": ("from unittest.mock import patch as p\np('‹shop.a.b›')\n", PATCH),
    "through mock": ("from unittest import mock\nmock.patch('‹shop.a.b›')\n", PATCH),
    "through an alias of mock": ("import unittest.mock as um\num.patch('‹shop.a.b›')\n", PATCH),
    "through unittest": ("import unittest.mock\nunittest.mock.patch('‹shop.a.b›')\n", PATCH),
    "the backport": ("import mock\nmock.patch('‹shop.a.b›')\n", PATCH),
    "a name of the backport": ("from mock import patch\npatch('‹shop.a.b›')\n", PATCH),
    "either": (
        "try:\n    from mock import patch\nexcept ImportError:\n    " + IMPORTED + "patch('‹shop.a›')\n",
        PATCH,
    ),
    "imported in a function": ("def f():\n    " + IMPORTED + "    patch('‹shop.a.b›')\n", PATCH),
    "from a star": ("from unittest.mock import *\npatch('‹shop.a.b›')\n", PATCH),
    "multiple": (IMPORTED + "patch.multiple('‹shop.a.B›', c=1)\n", MULTIPLE),
    "dict": (IMPORTED + "patch.dict('‹shop.a.B›', {'x': 1})\npatch.dict(in_dict='‹shop.a.C›')\n", DICT),
    "mocker": ("def test(mocker):\n    mocker.patch('‹shop.a.b›')\n", "mocker.patch"),
    "mocker.dict": ("def test(class_mocker):\n    class_mocker.patch.dict('‹shop.a.b›')\n", "mocker.patch.dict"),
    "mocker.multiple": (
        "def test(session_mocker):\n    session_mocker.patch.multiple('‹shop.a›', b=1)\n",
        "mocker.patch.multiple",
    ),
    "mocker in a lambda": ("f = lambda mocker: mocker.patch('‹shop.a.b›')\n", "mocker.patch"),
    "mocker, keyword only": ("def test(*, mocker):\n    mocker.patch('‹shop.a.b›')\n", "mocker.patch"),
    "mocker from outside": ("def test(mocker):\n    def f():\n        mocker.patch('‹shop.a.b›')\n", "mocker.patch"),
    "setattr": ("def t(monkeypatch):\n    monkeypatch.setattr('‹shop.a›', 1)\n", "monkeypatch.setattr"),
    "setattr, keywords": (
        "def t(monkeypatch):\n    monkeypatch.setattr(target='‹shop.a›', name=1, raising=False)\n",
        "monkeypatch.setattr",
    ),
    "delattr": ("def t(monkeypatch):\n    monkeypatch.delattr('‹shop.a›', raising=0)\n", "monkeypatch.delattr"),
    "an own monkeypatch": (
        "import pytest\nmonkeypatch = pytest.MonkeyPatch()\nmonkeypatch.setattr('‹shop.a›', 1)\n",
        "monkeypatch.setattr",
    ),
    "an own one by another name": (
        "from pytest import MonkeyPatch\nmine = MonkeyPatch()\nmine.setattr('‹shop.a›', 1)\n",
        "monkeypatch.setattr",
    ),
    "monkeypatch.context": (
        "def t(monkeypatch):\n    with monkeypatch.context() as m:\n        m.setattr('‹shop.a›', 1)\n",
        "monkeypatch.setattr",
    ),
    "MonkeyPatch.context": (
        "import pytest\nwith pytest.MonkeyPatch.context() as mp:\n    mp.delattr('‹shop.a›')\n",
        "monkeypatch.delattr",
    ),
    "pkgutil": ("import pkgutil\npkgutil.resolve_name('‹shop.a.B›')\n", "pkgutil.resolve_name"),
    "non-ASCII": (IMPORTED + "é = 'é'; patch('‹shop.é.b›'); patch('‹shop.c›')\n", PATCH),
    "with prefixes": (IMPORTED + "patch(r'‹shop.a›')\npatch(R'‹shop.b›')\npatch(u'‹shop.c›')\n", PATCH),
    "triple quotes": (IMPORTED + "patch('''‹shop.a›''')\npatch(r\"\"\"‹shop.b›\"\"\")\n", PATCH),
    "over several lines": (IMPORTED + "patch(\n    # why\n\n    '‹shop.a.b›',\n\n)\n", PATCH),
    "the keyword over several lines": (IMPORTED + "patch(\n\n    target=\n    '‹shop.a.b›',\n)\n", PATCH),
    "in brackets": (IMPORTED + "patch(\n    (\n        '‹shop.a.b›'\n    ))\n", PATCH),
    "concatenated, path in one piece": (
        IMPORTED + "patch('' '‹shop.a.b›' '')\npatch(\n  '‹shop.a›' # x\n  '')\n",
        PATCH,
    ),
    "two on a line": (IMPORTED + "patch('‹shop.a›'); patch('‹shop.a›')\n", PATCH),
    "carriage returns": (IMPORTED + "patch(\r\n    '‹shop.a›')\r\npatch('‹shop.b›')\r\n", PATCH),
}
IMPORT, PLUGINS, MODULES = "importlib.import_module", "pytest_plugins", "sys.modules"
MODULE_USES = {
    "import_module": ("import importlib\nimportlib.import_module('‹shop.a›')\n", IMPORT),
    "import_module by name": ("from importlib import import_module\nimport_module(name='‹shop.a›')\n", IMPORT),
    "import_module by alias": ("from importlib import import_module as load\nload('‹shop.a›', package='x')\n", IMPORT),
    "import_module in a getattr": ("import importlib as i\ngetattr(i.import_module('‹shop.a›'), 'B')\n", IMPORT),
    "__import__": ("__import__('‹shop.a›')\n__import__('‹shop.a›', level=0)\n", "__import__"),
    "__import__ with names": ("x = __import__('‹shop.a›', fromlist=['B']).B\n", "__import__"),
    "builtins.__import__": ("import builtins\nx = builtins.__import__('‹shop.a›', g, l, ('B',))\n", "__import__"),
    "find_spec": ("import importlib.util\nimportlib.util.find_spec('‹shop.a›')\n", "importlib.util.find_spec"),
    "find_spec of util": ("from importlib import util\nutil.find_spec('‹shop.a›')\n", "importlib.util.find_spec"),
    "importorskip": ("import pytest\na = pytest.importorskip('‹shop.a›')\n", "pytest.importorskip"),
    "run_module": ("import runpy\nrunpy.run_module('‹shop.a›', run_name='x')\n", "runpy.run_module"),
    "plugins, one": ("pytest_plugins = '‹shop.a›'\n", PLUGINS),
    "plugins, commas": ("pytest_plugins = '‹shop.a›,other.x,‹lib.b›'\n", PLUGINS),
    "plugins, list": ("pytest_plugins = [\n    '‹shop.a›',\n    # x\n    'other',\n    '‹lib.b›',\n]\n", PLUGINS),
    "plugins, tuple": ("pytest_plugins: tuple[str, ...] = ('‹shop.a›',)\n", PLUGINS),
    "plugins, added": ("pytest_plugins = ['‹shop.a›'] + [\n'‹shop.b›']\npytest_plugins += ['‹lib.b›']\n", PLUGINS),
    "plugins under a condition": ("if x:\n    pytest_plugins = ['‹shop.a›']\n", PLUGINS),
    "modules, read": ("import sys\nsys.modules['‹shop.a›']\n", MODULES),
    "modules, written": ("import sys\nsys.modules[\n    '‹shop.a›'\n] = stub\n", MODULES),
    "modules, deleted": ("import sys\ndel sys.modules['‹shop.a›'], sys.modules['‹shop.b›']\n", MODULES),
    "modules, tested": ("import sys\n'‹shop.a›' in sys.modules\n'‹shop.b›' not in sys.modules\n", MODULES),
    "modules, methods": ("import sys as s\ns.modules.pop('‹shop.a›', None)\ns.modules.get('‹shop.b›')\n", MODULES),
    "modules, update": ("import sys\nsys.modules.update({'‹shop.a›': x, **y})\n", MODULES),
    "modules by name": ("from sys import modules\nmodules['‹shop.a›']\n", MODULES),
    "modules, patched": (
        IMPORTED
        + "import sys\npatch.dict(sys.modules, {\n    '‹shop.a›': x})\npatch.dict('sys.modules', {'‹lib›': x})\n",
        MODULES,
    ),
    "modules, by a fixture": (
        "import sys\ndef t(monkeypatch):\n    monkeypatch.setitem(sys.modules, '‹shop.a›', x)\n"
        "    monkeypatch.delitem(sys.modules, '‹shop.b›')\n",
        MODULES,
    ),
}


@pytest.mark.parametrize(
    ("marked", "consumer", "shape"),
    [
        *((*case, "attribute") for case in USES.values()),
        *((*case, "module") for case in MODULE_USES.values()),
    ],
    ids=[*USES, *MODULE_USES],
)
def test_use(marked, consumer, shape):
    text, spans = unmarked(marked)
    found = uses_in(text)
    body = text.encode()
    assert [(use.start, use.end) for use in found] == spans
    assert [use.path for use in found] == [body[start:end].decode() for start, end in spans]
    assert {(use.consumer, use.shape, use.why, use.attribute) for use in found} == {(consumer, shape, "", "")}


@pytest.mark.parametrize("marked", [marked for marked, _ in (*USES.values(), *MODULE_USES.values())])
def test_what_is_around_a_use_is_known(marked):
    module = module_of(unmarked(marked)[0])
    for use in uses(module, TOPS):
        assert use.node in ast.walk(use.owner)
        assert list(module.ancestors(use.owner))[-1] is module.tree


def test_seeds():
    assert seeds(b"import os\n") == frozenset()
    assert seeds(b"m = monkeypatch.context()\n") == seeds(b"patch monkeypatch\n") <= SEEDS
    for marked, _ in (*USES.values(), *MODULE_USES.values()):
        raw = unmarked(marked)[0].encode()
        if seeds(raw) <= SEEDS:
            with_all = uses(load("tests/test_it.py", "tests.test_it", raw, SEEDS), TOPS)
            assert [(use.start, use.consumer) for use in with_all] == [(u.start, u.consumer) for u in uses_in(raw)]


NOT_EDITED = {
    "two strings": ("patch('shop.a.' 'b')", "shop.a.b", "is spread over several strings"),
    "two strings in brackets": ("patch(('shop.'\n  'a'))", "shop.a", "is spread over several strings"),
    "an escape": (r"patch('shop.\x61')", "shop.a", "is written with escapes"),
    "an escaped newline": ("patch('shop.\\\na')", "shop.a", "is written with escapes"),
    "an f-string": ("patch(f'shop.a.{b}')", "shop.a", "is made by an f-string"),
    "an f-string with half a name": ("patch(f'shop.a.b_{c}')", "shop.a", "is made by an f-string"),
    "a string and an f-string": ("patch('shop.a.' f'{b}')", "shop.a", "is made by an f-string"),
    "inside an f-string": ("f'{patch(\"shop.a\")}'", "shop.a", "stands inside an f-string"),
    "modules inside an f-string": ("f'{1} {sys.modules[\"shop.a\"]}'", "shop.a", "stands inside an f-string"),
    "the top of __import__": (
        "x = __import__('shop.a').a",
        "shop.a",
        "is for __import__, which returns the package that it begins with",
    ),
    "the top of __import__ without names": (
        "x = __import__('shop.a', fromlist=[])",
        "shop.a",
        "is for __import__, which returns the package that it begins with",
    ),
}


@pytest.mark.parametrize(("code", "path", "why"), NOT_EDITED.values(), ids=NOT_EDITED.keys())
def test_a_use_that_can_not_be_edited(code, path, why):
    (use,) = uses_in(f"import sys\n{IMPORTED}{code}\n")
    assert (use.path, use.start, use.end, use.why) == (path, None, None, why)
    with pytest.raises(ValueError, match=f"the path {why}"):
        replaced(use, "x.y")


@pytest.mark.parametrize("shift", [1, 2, 7])
def test_a_position_that_does_not_hold_the_literal_is_not_trusted(shift):
    module = module_of(f"{IMPORTED}é = 1; patch('shop.é'); patch('shop.éé')\n")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant):
            node.col_offset += shift
    assert {(use.start, use.why) for use in uses(module, TOPS)} == {(None, "stands at an unknown place")}


def test_newer_f_strings():
    """Where ast does not know nested quotes, the f-string is lowered: the positions hold, the answer is the same."""
    (use,) = uses_in(IMPORTED + 'x = f"{patch("shop.a")}"\n')
    assert (use.path, use.why) == ("shop.a", "stands inside an f-string")
    (use,) = uses_in(IMPORTED + 'x = f"{d["k"]}"\npatch("shop.a")\n')
    assert (use.path, use.why) == ("shop.a", "")


@pytest.mark.parametrize(
    ("code", "path", "attribute"),
    [("shop.a:B.c", "shop.a", "B.c"), ("shop:b", "shop", "b")],
)
def test_a_colon_ends_the_module(code, path, attribute):
    (use,) = uses_in(f"import pkgutil\npkgutil.resolve_name({code!r})\n")
    assert (use.path, use.attribute, use.shape) == (path, attribute, "module")
    assert use.end - use.start == len(path)


def test_the_edit_keeps_the_rest_of_the_literal():
    text = "pytest_plugins = ('other,shop.a,lib' )  # é\r\n"
    first, second = uses_in(text)
    assert apply_edits(text.encode(), [replaced(first, "x.y.z"), replaced(second, "é")]) == (
        "pytest_plugins = ('other,x.y.z,é' )  # é\r\n".encode()
    )
    assert new_text(first, "x.y.z") == "other,x.y.z,lib"
    assert new_text(second, "é") == "other,shop.a,é"


def test_offsets_are_those_of_the_body():
    """With a BOM, and in an encoding whose bytes are others than those of UTF-8."""
    for raw in (b"\xef\xbb\xbf" + (IMPORTED + "x = 'é'; patch('shop.a')\n").encode(), latin_1()):
        module = load("t.py", "t", raw, seeds(raw))
        (use,) = uses(module, TOPS)
        assert module.source.body[use.start : use.end] == b"shop.a"


def latin_1():
    return f"# coding: latin-1\n{IMPORTED}x = 'é'; patch('shop.a')\n".encode("latin-1")


# Consumers that the project names


def test_extra_consumers():
    text = "import uvicorn\nfrom tools.testing import swap\nuvicorn.run('shop.a:app')\nswap('shop.b.C')\n"
    assert uses_in(text) == []
    run, swap = uses_in(text, ("uvicorn.run", "tools.testing.swap"))
    assert (run.consumer, run.path, run.attribute, run.shape) == ("uvicorn.run", "shop.a", "app", "module")
    assert (swap.consumer, swap.path, swap.attribute, swap.shape) == (
        "tools.testing.swap",
        "shop.b.C",
        "",
        "attribute",
    )


def test_an_extra_consumer_in_this_package():
    (use,) = uses_in("from .helpers import swap as s\ns('shop.b.C')\n", ("tests.helpers.swap",))
    assert use.consumer == "tests.helpers.swap"


def test_an_extra_consumer_is_known_by_its_first_argument_only():
    assert uses_in("import uvicorn\nuvicorn.run(x, 'shop.a')\nuvicorn.run(app='shop.a')\n", ("uvicorn.run",)) == []


# All other strings


def listed(text):
    module = module_of(text)
    return [(use.path, use.attribute) for use in others(module, TOPS, uses(module, TOPS))]


@pytest.mark.parametrize(
    "text",
    [
        "x = 'shop'",
        "x = 'shop:a'",
        "x = 'see shop.a'",
        "x = 'shop.a.'",
        "x = 'http://shop.a'",
        "x = 'ashop.a'",
        "x = 'a.shop.a'",
        "x = b'shop.a'",
        "x = 'shop.json', 'shop.a.py', 'shop.LOG'",
        "x = f'shop.a{b}', f'{x[\"shop.a\"]}'",
        "'shop.a'",
        "def f():\n    'shop.a'",
        "# 'shop.a'",
        f"{IMPORTED}patch('shop.a')",
    ],
)
def test_not_listed(text):
    assert listed(text + "\n") == []


def test_listed():
    text = (
        "x = ['shop.a',\n'''lib.b''', 'shop.b:C']\n@d('shop.d')\nclass C: pass\n"
        "@d\n@d(\n'shop.e')\ndef f(x='shop.f'): return {'shop.g': 1}\n"
        "patch('shop.h.i')\nx = ('shop.' 'j')\nx = f''.get('shop.k')\nx = 'shop.py:a'\n"
    )
    assert listed(text) == [
        *(("shop.a", ""), ("lib.b", ""), ("shop.b", "C"), ("shop.d", ""), ("shop.e", ""), ("shop.f", "")),
        *(("shop.g", ""), ("shop.h.i", ""), ("shop.j", ""), ("shop.k", ""), ("shop.py", "a")),
    ]


def test_listed_ones_are_never_edited():
    (use,) = others(module_of("x = 'shop.a'\n"), TOPS)
    assert (use.consumer, use.start, use.end) == ("", None, None)
    with pytest.raises(ValueError, match="not known to be imported"):
        replaced(use, "x.y")


def test_no_strings_of_lowered_f_strings_are_listed():
    assert listed('x = f"{d["shop.a"]}"\ny = "shop.b"\n') == [("shop.b", "")]


# Properties

_PREFIXES = st.sampled_from(["", "r", "R", "u", "U"])
_QUOTES = st.sampled_from(["'", '"', "'''", '"""'])
_GAPS = st.sampled_from(["", " ", "\n", "  # x 'y'\n", " \\\n", "\r\n\t"])
_PATHS = st.lists(st.sampled_from(["a", "B_c", "été", "x1"]), max_size=3).map(lambda parts: ".".join(["shop", *parts]))


@given(st.lists(st.tuples(_PREFIXES, _QUOTES, _GAPS, st.integers(0, 12)), min_size=1, max_size=4), _PATHS)
def test_the_span_of_any_spelling_is_exact_or_refused(pieces, path):
    literal, rest = "", path
    for prefix, quote, gap, size in pieces[:-1]:
        literal, rest = f"{literal}{prefix}{quote}{rest[:size]}{quote}{gap or chr(32)}", rest[size:]
    prefix, quote, gap, _ = pieces[-1]
    text = f"{IMPORTED}patch(({gap}{literal}{prefix}{quote}{rest}{quote}))\n"
    (use,) = uses_in(text)
    assert use.path == path
    if use.start is None:
        assert use.why == "is spread over several strings"
        assert path.encode() not in text.encode()
        return
    changed = apply_edits(text.encode(), [replaced(use, "new.path")]).decode()
    call = ast.parse(changed).body[1].value
    assert ast.literal_eval(call.args[0]) == "new.path" == new_text(use, "new.path")


@pytest.mark.skipif(sys.version_info < (3, 14), reason="t-strings")
def test_template_strings_are_no_paths():
    assert uses_in(IMPORTED + "patch(t'shop.a.{b}')\n") == []
