"""The names of a module, held against the compiler's symbol tables and against running it."""

from __future__ import annotations

import ast
import sys
import sysconfig
import types
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from test_scan import really_bound

from ssot_fix.newer_syntax import parse
from ssot_fix.project.names import _TELLTALE, IMPLICIT, Names, _telltales, module_names
from ssot_fix.source import Source


def names(text: str, *, stub: bool = False) -> Names:
    """Both with the text at hand, and without."""
    source = Source(text.encode())
    tree = parse(source.text, source.body).tree
    found = module_names(tree, source, stub=stub)
    assert found == module_names(tree, stub=stub)
    return found


NOT_BOUND = [
    "x: int",
    "del x",
    "print(x)",
    "x.y = 1",
    "x[0] = 1",
    "def f(x=1):\n    x = 2",
    "def f():\n    import x",
    "def f():\n    global x\n    print(x)",
    "def f():\n    global x\n    def g():\n        x = 1",
    "class C:\n    x = 1\n    def x(self): ...",
    "[x for x in y]",
    "[[x for x in z] for z, x in y]",
    "lambda: (x := 1)",
    "f = lambda x: x",
    "def f():\n    [(x := y) for y in z]",
    "f(x=1)",
    "'x = 1'",
    "import a.x",
    "from x import a",
    "import x as a",
]
BOUND = {
    "x = 1": "assign",
    "x = y = 1": "assign",
    "y, (x, *z) = 1, (2, 3)": "assign",
    "x += 1": "assign",
    "x: int = 1": "assign",
    "x = 1\ndel x": "assign",
    "def x(): ...": "def",
    "async def x(): ...": "async def",
    "class x: ...": "class",
    "import x": "import",
    "import x.a": "import",
    "import a as x": "import",
    "from a import x": "import",
    "from . import a as x": "import",
    "if a:\n    x = 1": "assign",
    "if a: pass\nelif b: x = 1": "assign",
    "if a: pass\nelse:\n    def x(): ...": "def",
    "try:\n    import x\nexcept ImportError:\n    class x: ...": "class",
    "try: pass\nexcept E as x: pass": "assign",
    "try: pass\nfinally: x = 1": "assign",
    "try: pass\nexcept* E as x: pass": "assign",
    "with a as (b, x): pass": "assign",
    "for x in y: pass": "assign",
    "for a in b: pass\nelse: x = 1": "assign",
    "while a:\n    import x": "import",
    "match a:\n    case 1: x = 1": "assign",
    "match a:\n    case x: pass": "assign",
    "match a:\n    case [1, *x] | C(a=x): pass": "assign",
    "match a:\n    case {1: 2, **x}: pass": "assign",
    "print(x := 1)": "assign",
    "[(x := y) for y in z]": "assign",
    "[y for y in z if (x := y)]": "assign",
    "f'{(x := 1)}'": "assign",
    "class C((x := A)): ...": "assign",
    "def f(a=(x := 1)): ...": "assign",
    "@(x := a)\ndef f(): ...": "assign",
    "def f():\n    global x\n    x = 1": "assign",
    "def f():\n    global a, x\n    [(x := y) for y in z]": "assign",
    "def f():\n    def g():\n        global x\n        def x(): ...": "def",
    "class C:\n    global x\n    import x": "import",
    "x = None\nclass x: ...\nx = 1": "class",
    "import x\nx = 1": "assign",
    "sys.modules[__name__].x = 1": "assign",
    "def f():\n    this = sys.modules[__name__]\n    this.x = this.y": "assign",
    "def f():\n    this.x = 1\nthis = sys.modules[__name__]": "assign",
    "setattr(sys.modules[__name__], 'x', 1)": "assign",
}


@pytest.mark.parametrize("text", NOT_BOUND)
def test_not_bound(text):
    assert "x" not in names(text).bound


@pytest.mark.parametrize(("text", "kind"), BOUND.items())
def test_bound(text, kind):
    assert names(text).bound["x"] == kind


@pytest.mark.parametrize(
    "text",
    [
        "type x = int",
        "type x[T] = list[T]",
        "def f[T](): ...\nclass C[T]: ...\nx = f'{y['a']}'",
    ],
)
def test_newer_syntax(text):
    assert "x" in names(text).bound
    assert "T" not in names(text).bound


def test_a_stub_declares_by_annotation():
    assert names("x: int\nclass C:\n    y: int", stub=True).bound == {"x": "assign", "C": "class"}
    assert names("def __getattr__(name: str): ...", stub=True).open


GETATTR = "def __getattr__(name):\n    {}\n    raise AttributeError(name)\n"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (GETATTR.format("if name == 'x': return 1"), {"x"}),
        (GETATTR.format("'text'\n    import a\n    if name in ('x', 'y'): return a"), {"x", "y"}),
        ("LAZY = {'x': 1}\n" + GETATTR.format("if name in LAZY: return LAZY[name]"), {"x"}),
        (GETATTR.format("if name == 'x': return 1\n    elif name == 'y': return 2"), {"x", "y"}),
        (GETATTR.format("pass"), None),
        (GETATTR.format("if name.startswith('x'): return 1"), None),
        (GETATTR.format("if other == 'x': return 1"), None),
        (GETATTR.format("if name in LAZY: return 1"), None),
        (GETATTR.format("if name == 'x': return 1\n    else: return 2"), None),
        ("def __getattr__(name):\n    if name == 'x': return 1\n    return 2", None),
        (GETATTR.format("if name == 'x': return 1") * 2, None),
    ],
)
def test_a_getattr_that_says_what_it_has(text, made):
    found = names(text)
    assert found.open == (made is None)
    if made is not None:
        assert set(found.bound) - {"LAZY"} == {"__getattr__", *made}


def test_stars():
    found = names("from a import *\ntry:\n    from .. import *\nexcept E:\n    from .b.c import *")
    assert found.stars == ((0, "a"), (2, ""), (1, "b.c"))
    assert not found.bound
    assert not found.open


OPEN = [
    "def __getattr__(name): ...",
    "if a:\n    from b import __getattr__",
    "__getattr__, __dir__, __all__ = lazy.attach(__name__, [])",
    "globals()['x'] = 1",
    "globals().update(a)",
    "def f():\n    globals()[a] = 1",
    "def f(g=globals()): ...",
    "del globals()['x']",
    "g = globals()",
    "f(globals())",
    "vars()['x'] = 1",
    "locals().update(x=1)",
    "exec('x = 1')",
    "if a:\n    exec(code)",
    "def f():\n    exec(code, globals())",
    "eval('x')",
    "sys.modules[__name__] = Lazy()",
    "from sys import modules\nsetattr(modules[__name__], x, 1)",
    "sys.modules[__name__].__class__ = Lazy",
    "sys.modules[__name__].__dict__.update(a)",
    "def f():\n    this = sys.modules[__name__]\n    fill(this)",
    "def f():\n    return this\nthis = sys.modules[__name__]",
    "this = sys.modules[__name__]\nvars(this)['x'] = 1",
    "this = that = sys.modules[__name__]",
    "this = importlib.import_module(__name__)\nthat = this",
    "this = __import__(__name__).__dict__",
    "f(sys.modules.get(__name__))",
    "f(importlib.import_module(__name__))",
    "IntEnum._convert_('A', __name__, f)",
    "@enum.global_enum\nclass A(Enum):\n    x = 1",
    "apipkg.initpkg(__name__, {})",
    "f'{globals().update(a)}'",
    "ｇlobals()['x'] = 1",
]
CLOSED = [
    "class C:\n    def __getattr__(self, name): ...",
    "x = globals()['y']",
    "globals().get('x')",
    "for x in globals(): ...",
    "[x for x in globals() for y in globals().items()]",
    "if 'x' in globals(): ...",
    "f(**globals())",
    "len(globals()), dict(globals()), globals().copy()",
    "def f():\n    exec('x = 1')\n    vars()['x'] = locals()\n    return vars(a)",
    "exec('x = 1', {})",
    "a.exec('x')",
    "class C:\n    locals()['x'] = 1",
    "getattr(sys.modules[__name__], 'x')",
    "sys.modules[__name__].x",
    "this = importlib.import_module(__name__)\nif this and hasattr(this, 'x') and this.x is not None: ...",
    "def f():\n    this = sys.modules.get(__name__)\n    if this:\n        return getattr(this, 'x')",
    "sys.modules[name] = 1",
    "inspect.getmembers(sys.modules[__name__], f)",
    "log = logging.getLogger(__name__)",
    "'globals()'  # globals().update(a)",
]


@pytest.mark.parametrize("text", OPEN)
def test_open(text):
    assert names(text).open


@pytest.mark.parametrize("text", CLOSED)
def test_not_open(text):
    assert not names(text).open


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("__path__ = __import__('pkgutil').extend_path(__path__, __name__)", True),
        ("__path__.append(a)", True),
        ("__path__ += [a]", True),
        ("__path__[:] = a", True),
        ("def f():\n    __path__.insert(0, a)", True),
        ("pkg_resources.declare_namespace(__name__)", True),
        ("for x in pkgutil.iter_modules(__path__): ...", False),
        ("x = __path__[0]", False),
        ("class C:\n    __path__ = 1", False),
    ],
)
def test_paths_open(text, is_open):
    assert names(text).paths_open == is_open


@pytest.mark.parametrize(
    ("text", "exported", "is_open"),
    [
        ("x = 1", None, False),
        ("__all__ = ['a', 'b']", {"a", "b"}, False),
        ("__all__ = ()", set(), False),
        ("__all__: list[str] = ['a']", {"a"}, False),
        ("__all__ = ['a'] + ['b'] + ('c',)", {"a", "b", "c"}, False),
        (
            "__all__ = ['a']\n__all__ += ['b']\n__all__.extend(('c',))\n__all__.append('d')\n",
            {"a", "b", "c", "d"},
            False,
        ),
        ("__all__ = ['a', 'b']\n__all__.remove('a')", {"b"}, False),
        ("__all__ = ['a']\n__all__ = ['b']", {"b"}, False),
        ("__all__ = ['a']\nprint(__all__, sorted(__all__), __all__[0])\ndef __dir__(): return __all__", {"a"}, False),
        ("__all__ = ['a']\n__all__ += b.__all__", {"a"}, True),
        ("__all__ = ['a']\n__all__ += [b]", {"a"}, True),
        ("__all__ = ['a']\nif b:\n    __all__ += ['c']", {"a"}, True),
        ("if b:\n    __all__ = ['a']", None, True),
        ("__all__ = a()", None, True),
        ("__all__ = [*a, 'b']", None, True),
        ("__all__ = ['a']\ndef public(f):\n    __all__.append(f.__name__)", {"a"}, True),
        ("__all__ = ['a']\n__all__[0] = b", {"a"}, True),
        ("__all__ = ['a']\nfill(__all__)", {"a"}, True),
        ("__all__ = ['a']\n__all__.append(b)", {"a"}, True),
        ("__all__ = ['a']\n__all__.sort()", {"a"}, True),
        ("from a import __all__", None, True),
    ],
)
def test_exported(text, exported, is_open):
    found = names(text)
    assert found.exported == exported
    assert found.exported_open == is_open
    if "import" not in text and "__all__" in text:
        assert "__all__" in found.bound


def test_what_every_module_has(tmp_path):
    (tmp_path / "made_package").mkdir()
    for path in ("made_package/__init__.py", "made_package/module.py"):
        (tmp_path / path).write_text("")
    sys.path.insert(0, str(tmp_path))
    try:
        import made_package.module as module
    finally:
        sys.path.remove(str(tmp_path))
    every = {*vars(module), *vars(module.__class__), *vars(object)}
    assert {name for name in every if hasattr(module, name)} <= IMPLICIT
    assert set(vars(sys.modules["made_package"])) - IMPLICIT == {"module"}
    del sys.modules["made_package"], sys.modules["made_package.module"]


# What statements bind, by running them.

NAME = st.sampled_from("abcdefgh")
VALUE = st.sampled_from(
    ["1", "(a := 2)", "[(b := i) for i in (1, 2)]", "lambda: (c := 1)", "[d for d in (1,)]", "f'{(e := 1)}'"]
)


@st.composite
def block(draw, depth=0):
    return [line for _ in range(draw(st.integers(1, 3))) for line in draw(piece(depth))]


@st.composite
def piece(draw, depth):
    name, value = draw(NAME), draw(VALUE)
    inner = [f"    {line}" for line in draw(block(depth + 1))] if depth < 3 else ["    pass"]
    return draw(
        st.sampled_from(
            [
                [f"{name} = {value}"],
                [f"{name}: object = {value}"],
                [f"{name}: object"],
                [f"import os.path as {name}"],
                [f"from os import path, sep as {name}"],
                [f"for {name} in (1,):", *inner],
                ["if True:", *inner],
                ["try:", *inner, "finally:", *inner],
                ["with suppress(Exception) as " + name + ":", *inner],
                ["match (1, 2):", f"    case [{name}, *_]: pass"],
                [f"def {name}(p={value}):", *inner, f"{name}()"],
                [
                    f"def {name}(): # global",
                    f"    global {draw(NAME)}_",
                    *inner,
                    f"    {draw(NAME)}_ = 1",
                    f"{name}()",
                ],
                [f"class {name}:", f"    global {draw(NAME)}_", f"    {draw(NAME)}_ = 1", *inner],
            ]
        )
    )


@given(block())
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_made_modules(lines):
    text = "from contextlib import suppress\n" + "\n".join(lines)
    module = types.ModuleType("made")
    before = set(vars(module))
    try:
        code = compile(text, "made", "exec")
    except SyntaxError:  # a name that is used before it is declared global
        assume(False)
    try:
        exec(code, vars(module))
    except (NameError, TypeError, AttributeError):
        return
    found = names(text)
    assert set(vars(module)) - before - {"__builtins__", "__annotations__"} <= set(found.bound)
    assert set(found.bound) <= really_bound(text)


def sample_of_the_standard_library() -> list[Path]:
    found = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("[a-z]*.py"))
    return found[::5]


@pytest.mark.parametrize("path", sample_of_the_standard_library(), ids=lambda path: path.name)
def test_the_standard_library(path):
    source = Source(path.read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source.text)
        bound = really_bound(source.text)
    only_annotated = {
        node.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and node.value is None and isinstance(node.target, ast.Name)
    }
    # Python 3.12 and later put the targets of comprehensions into the tables of their surroundings.
    inlined = {
        name.id
        for node in ast.walk(tree)
        if isinstance(node, ast.comprehension)
        for name in ast.walk(node.target)
        if isinstance(name, ast.Name)
    }
    found = module_names(tree, source)
    assert found == module_names(tree)
    assert set(found.bound) <= bound
    assert bound - set(found.bound) <= only_annotated | inlined


@given(
    st.lists(st.from_regex(_TELLTALE, fullmatch=True), max_size=5), st.sampled_from([b" ", b"\n", b".", b"(", b"x"])
)
def test_what_is_telling_is_found_by_what_it_begins_with(words, between):
    body = between.join([b"", *words, b""])
    assert {match.start() for match in _TELLTALE.finditer(body)} == set(_telltales(body))
