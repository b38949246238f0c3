"""What the bytes of a file tell, held against Python's own parser and symbol tables."""

from __future__ import annotations

import ast
import pickle
import symtable
import sysconfig
import warnings
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ssot_fix.project import scan as scanning
from ssot_fix.project.scan import Imported, Scan, scan

TOPS = frozenset({"shop", "tools", "énergie", "fi"})


class _Anything(frozenset):
    """Tops that hold every name."""

    def __contains__(self, _name: object) -> bool:
        return True


def scanned(text: str | bytes, tops: frozenset[str] = TOPS) -> Scan:
    return scan(text.encode() if isinstance(text, str) else text, tops)


def taken(found: Scan) -> Counter[tuple[int, str, str | None]]:
    return Counter((i.level, i.module, name) for i in found.imports for name in i.names or (None,))


def really_taken(tree: ast.Module) -> Counter[tuple[int, str, str | None]]:
    found: Counter[tuple[int, str, str | None]] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update((0, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update((node.level, node.module or "", alias.name) for alias in node.names)
    return found


def really_bound(text: str) -> set[str]:
    """The names that a module binds, by the compiler's symbol tables."""
    found = set()
    table = symtable.symtable(text, "module", "exec")
    waiting = [(table, False)]
    while waiting:
        table, is_inner = waiting.pop()
        waiting += [(child, True) for child in table.get_children()]
        found |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if (symbol.is_declared_global() or not is_inner)
            and (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace())
        }
    return found


def hold_against_python(raw: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(raw)
        bound = really_bound(ast.unparse(tree) if b"coding" in raw[:200] else raw.decode("utf-8-sig"))
    found = scan(raw, _Anything())
    assert not really_taken(tree) - taken(found)
    assert set(found.names) <= bound
    at_top = Counter(
        (getattr(node, "level", 0), getattr(node, "module", alias.name) or "")
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in (node.names if isinstance(node, ast.Import) else node.names[:1])
    )
    assert not Counter((i.level, i.module) for i in found.imports if i.at_top) - at_top


def is_parsed(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the scan falls back on the parser."""
    parsed = []
    monkeypatch.setattr(scanning, "_parsed", parsed.append)
    scan(raw, TOPS)
    return bool(parsed)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('"""\nimport shop\nx = 1\ndef f(): ...\n"""\n', id="in a docstring"),
        pytest.param("'''\nclass C: ...\n'''\n", id="in single quotes"),
        pytest.param('f"""\nx = 1\n{y}\n"""\n', id="in an f-string"),
        pytest.param('r"""\\"""\nx = 1\n"""\n', id="behind an escaped quote in a raw string"),
        pytest.param('print("""a" \'\'\'\nx = 1\n""")\n', id="behind other quotes in a string"),
        pytest.param('print("a\\\nx = 1\\\n")\n', id="in a continued string"),
        pytest.param("f(\nx=1)\n", id="a keyword argument"),
        pytest.param("f(1, # (\n\n# and\nx=1)\n", id="a keyword argument behind comments"),
        pytest.param("f('#', # (\nx=1)\n", id="a keyword argument behind a string with a mark"),
        pytest.param("(lambda\nx=1: x)\n", id="a parameter of a lambda"),
        pytest.param("f(x\n== 1)\n", id="a comparison"),
        pytest.param("if 1: \\\nx = 1\n", id="a continued suite"),
        pytest.param("class C: \\\nx = 1\n", id="a continued class"),
        pytest.param("x: int\n", id="an annotation alone"),
        pytest.param("x: f(y=1)\n", id="an annotation with a call"),
        pytest.param("# x = 1\n", id="a comment"),
        pytest.param("print('x = 1'\n\n# x = 1\n)\n", id="a comment between brackets"),
        pytest.param("x.y = 1\nx[y] = 2\nx == 1\n", id="no name"),
        pytest.param("def f():\n    x = 1\n    import shop\n", id="in a function"),
        pytest.param("class C: import shop\n", id="in a class"),
        pytest.param("else:x = 1\n", id="no Python"),
    ],
)
def test_binds_nothing_else(text):
    assert set(scanned(text).names) <= {"f", "C"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x = 1\n", {"x": "assign"}),
        ("x: dict[str, list[int]] = {}\n", {"x": "assign"}),
        ("x=y=1", {"x": "assign"}),
        ("def f(): ...\nasync  def g(): ...\nclass C: ...\n", {"f": "def", "g": "async def", "C": "class"}),
        ("x = None\ndef x(): ...\nx = 2\n", {"x": "def"}),
        ("import os.path, re as r\n", {"os": "import", "r": "import"}),
        ("from a import (b, # c\n  d as e,\n)\nfrom f import *\n", {"b": "import", "e": "import"}),
        ("from a import \\\n b\n", {"b": "import"}),
        ("x = 1 # (\n# a note\n\ny = 2\n", {"x": "assign", "y": "assign"}),
        ("x = f(\n  1,\n)\ny = 2", {"x": "assign", "y": "assign"}),
        ('x = """\nz = 1\n"""\ny = 2\n', {"x": "assign", "y": "assign"}),
        ("ﬁ = 1\nclass Ⅳ: ...\n", {"fi": "assign", "IV": "class"}),
        ("\ufeffx = 1", {"x": "assign"}),
        ("x = 1\r\ny = 2\rz = 3", {"x": "assign", "y": "assign", "z": "assign"}),
    ],
)
def test_names(text, names):
    assert scanned(text).names == names


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ("import shop", [(0, "shop", (), True)]),
        (
            "import os, shop.a, re as tools, tools . b\\\n.c as x",
            [(0, "shop.a", (), True), (0, "tools.b.c", (), True)],
        ),
        ("from shop import a, b as c\n", [(0, "shop", ("a", "b"), True)]),
        ("from shop import *\n", [(0, "shop", ("*",), True)]),
        ("from shop import(a)\n", [(0, "shop", ("a",), True)]),
        ("from os import shop\n", []),
        ("from shopping import a\nimport toolshed\n", []),
        ("from\tshop . \\\n a\timport\\\n\tb\n", [(0, "shop.a", ("b",), True)]),
        ("from . import a\nfrom.import b\nfrom .. a import c\nfrom ... import d\n", None),
        ("from .shop import (\n  a,  # from shop import b\n\n  # c,\n  d as e\n)\n", [(1, "shop", ("a", "d"), True)]),
        ("if 1: import shop\n", [(0, "shop", (), False)]),
        ("x = 1; import shop;from tools import a;", [(0, "shop", (), False), (0, "tools", ("a",), False)]),
        ("if 1: \\\nimport shop\n", [(0, "shop", (), False)]),
        ("try:\n\timport shop\nfinally: pass", [(0, "shop", (), False)]),
        ("def f():\n    from shop import a\n", [(0, "shop", ("a",), False)]),
        ("import shop#comment", [(0, "shop", (), True)]),
        ("import énergie, ﬁ\n", [(0, "énergie", (), True), (0, "fi", (), True)]),
        ("import shop\r\nimport tools\r", [(0, "shop", (), True), (0, "tools", (), True)]),
        ("\fimport shop\n  \fimport tools\n", [(0, "shop", (), True), (0, "tools", (), True)]),
        ("\ufefffrom shop import a", [(0, "shop", ("a",), True)]),
        ("x = (yield\nfrom y)\nimport shop\n", [(0, "shop", (), True)]),
        ("x = '#'; import shop\n", [(0, "shop", (), False)]),
        ("'it''s'; \"\"; import shop # '\nimport tools", [(0, "shop", (), False), (0, "tools", (), True)]),
    ],
)
def test_imports(text, imports):
    found = scanned(text)
    if imports is None:
        imports = [(1, "", ("a",), True), (1, "", ("b",), True), (2, "a", ("c",), True), (3, "", ("d",), True)]
    assert list(found.imports) == [Imported(*each) for each in imports]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param('# coding: latin-1\nx = "é"\nimport shop\nétat = 1\n'.encode("latin-1"), id="latin-1"),
        pytest.param("#!/bin/sh\n# vim: fileencoding=cp1252 :\nimport shop\nétat = 1\n".encode("cp1252"), id="cp1252"),
        pytest.param("# -*- coding: utf-8 -*-\r\nimport shop\r\nétat = 1".encode("utf-8-sig"), id="utf-8 with a mark"),
        pytest.param("# coding: UTF8\rimport shop\rétat = 1".encode(), id="utf-8 by name"),
    ],
)
def test_encodings(raw):
    found = scanned(raw)
    assert found.imports == (Imported(0, "shop", (), True),)
    assert set(found.names) - {"x"} == {"shop", "état"}


@pytest.mark.parametrize(
    "raw",
    [b"x = '\n", b"# coding: klingon\nx = 1", b"\xff\xfe\0x", b"\xff = 1", b"import \xff", b'"""', b"import ("],
)
def test_what_python_rejects_has_nothing(raw):
    assert scanned(raw) == Scan(is_readable=False)
    assert scanned(b"") == Scan()


@pytest.mark.parametrize(
    "text",
    [
        'import shop\nx = f"{y["import tools"]}"\n',
        'import shop\nx = f"{y["#"]}" """\nimport tools\n"""\n',
        'import shop\nx = f"""{y["""\nimport tools\n"""]}"""\n',
        "import shop\ntype X = int\nx = f'{y['a']}'\n",
        "import shop\nx = f'''{\n{1: {2: {3: 4}}} } '\nimport tools\n'''\n",
    ],
)
def test_newer_strings_are_parsed(text, monkeypatch):
    assert scanned(text).imports == (Imported(0, "shop", (), True),)
    assert is_parsed(text.encode(), monkeypatch)


@pytest.mark.parametrize(
    "text",
    [
        """x = f"{a['b']:{w}}}} {{c}} {d!r}" rf'\\d{e}' f""\nimport shop\n""",
        'x = f"""{a["b"]} {{"c": {d}}}"""\n',
        "x = '{' 'f{'\n",
        "def f():\n    '''It's\n    import shop'''\n",
    ],
)
def test_usual_strings_are_not(text, monkeypatch):
    ast.parse(text)
    assert not is_parsed(text.encode(), monkeypatch)


def test_strings():
    text = """
        patch("shop.a.B.c"), 'shop.a:b', "shop", "os.path", "shop.", f"{x}.shop.a", 'shop.b' 'tools.c.d:e.f'
        "http://shop.a/", "shop.a b", "shop.1", '''tools.x''', "énergie.é", "shop.a:8080"
    """
    found = {"shop.a.B.c", "shop.a:b", "shop.b", "tools.c.d:e.f", "tools.x", "énergie.é"}
    assert scanned(text).strings == found


@pytest.mark.parametrize(
    ("text", "stubs"),
    [
        ("import sys\nsys.modules['shop.a'] = 1\n", {"shop.a"}),
        ("from sys import modules\nmodules['shop.a'] = 1\n", {"shop.a"}),
        ("modules = {}\nmodules['shop.a'] = 1\n", set()),
        ("import sys\ndel sys.modules['shop.a']\nsys.modules['shop.b'].x, y = 1, sys.modules['shop.c']\n", set()),
        ("import sys\nif sys.modules['shop.a'] == 1: pass\n", set()),
        ("sys.modules.setdefault('shop.a', 1)\nsys.modules['os'] = 2\n", {"shop.a"}),
        ("with patch.dict('sys.modules', {'shop.a': m, **more}): ...\nmore = {'tools.b': m}\n", {"shop.a", "tools.b"}),
        ("@patch.dict(sys.modules, {'shop.a': Mock()})\ndef test(): ...\n", {"shop.a"}),
        ("def test(monkeypatch):\n    monkeypatch.setitem(sys.modules, 'shop.a', 1)\n", {"shop.a"}),
        ("sys.modules.update({'shop.a': 1})\n", {"shop.a"}),
        ("sys.modules |= {'shop.a': 1}\n", {"shop.a"}),
        ("sys.modules[__name__] = object()\n", set()),
        ("sys.modules[__name__ + '.a'] = sys.modules[f'{__name__}.b.c'] = object()\n", {".a", ".b.c"}),
        ("for n in ('shop.a', 'shop.b'):\n    sys.modules[n] = 1\n'shop.c'\n", {"shop.a", "shop.b"}),
        ("N = ['shop.a']\nM = N\nfor n in M:\n    sys.modules[n] = 1\n", {"shop.a"}),
        ("def stub(name):\n    sys.modules[name] = 1\nstub('shop.a')\nstub('shop a')\n", {"shop.a"}),
        ("saved = dict(sys.modules)\nf('shop.a')\nsys.modules.update(saved)\n", set()),
    ],
)
def test_stubs(text, stubs):
    assert scanned(text).stubs == stubs


@pytest.mark.parametrize(
    ("text", "meddles"),
    [
        ("sys._getframe(1).f_globals['x'] = 1\n", True),
        ("inspect.stack()[1].frame.f_globals.update(x=1)\n", True),
        ("names = inspect.currentframe().f_back.f_globals\nnames['x'] = 1\n", True),
        ("sys._getframe(1).f_locals |= names\n", True),
        ("exec(code, sys._getframe(1).f_globals)\n", True),
        ("def put(module, name):\n    setattr(module, name, 1)\n", True),
        ("setattr(sys.modules[cls.__module__], 'Made', cls)\n", True),
        ("setattr(settings, 'x', 1)\n", False),
        ("name = sys._getframe(1).f_globals['__name__']\n", False),
        ("name = frame.f_globals.get('__name__')\nif frame.f_globals['x'] == 1: ...\n", False),
        ("names = frame.f_locals\n", False),
    ],
)
def test_meddles_with_its_callers(text, meddles):
    assert scanned(text).meddles == meddles


@pytest.mark.parametrize(
    ("text", "hooks"),
    [
        ("sys.meta_path.insert(0, Finder())\n", True),
        ("sys.meta_path.append(Finder())\n", True),
        ("sys.meta_path[:0] = [Finder()]\n", True),
        ("sys.meta_path += [Finder()]\n", True),
        ("for finder in sys.meta_path: ...\nsys.meta_path == []\n", False),
        ("sys.meta_path.remove(finder)\n", False),
    ],
)
def test_hooks(text, hooks):
    assert scanned(text).hooks == hooks


def test_is_pickled_small():
    text = "".join(f"from shop.part{n % 50} import Name{n % 9}, other\ndef f{n % 200}(): ...\n" for n in range(5_000))
    found = [scanned(text) for _ in range(6)]
    assert pickle.loads(pickle.dumps(found)) == found
    assert len(pickle.dumps(found)) < 30_000 * 30


@pytest.mark.parametrize(
    "piece",
    [
        *("(", '"', "'", '"""', "\\", "\\\n", ";", ":\\\n", "\n", "\n    ", "\f\n", "#", 'f"{', "{", "from . "),
        *(
            "import a as ",
            "from a import (\n",
            "# from a import (\n",
            "# 'a\nb=1\n",
            "modules[",
            "def f(x): sys.modules[x]=1\n",
        ),
        *('"shop.', "a=1\n", "x:[", "async ", "from \\\n", "import shop\n", "x = [\n", "sys.modules[y]=y\n"),
    ],
)
def test_takes_no_longer_than_it_must(piece):
    """Anything quadratic would take minutes here."""
    for text in (piece * (400_000 // len(piece)), "from shop import (" + piece * 20_000, 'f"""' + piece * 20_000):
        assert isinstance(scanned(text), Scan)


SPACE = st.sampled_from([" ", " ", " ", "\t", "  ", " \\\n ", "\\\n"])
MAYBE = st.sampled_from(["", "", "", " ", "\t", "\\\n"])
NAME = st.sampled_from(["a", "b2", "_c", "shop", "importer", "from_", "é", "ﬁ", "x", "lambda_"])
COMMENT = st.sampled_from(["", "", " # note", "# import shop", ' # \'quoted" """ (', "  # a,"])


@st.composite
def dotted(draw):
    return draw(st.sampled_from([".", ".", " . ", ".\\\n"])).join(draw(st.lists(NAME, min_size=1, max_size=3)))


@st.composite
def import_statement(draw):
    def alias(name):
        return name + (f"{draw(SPACE)}as{draw(SPACE)}{draw(NAME)}" if draw(st.booleans()) else "")

    if draw(st.booleans()):
        return f"import{draw(SPACE)}" + ", ".join(alias(draw(dotted())) for _ in range(draw(st.integers(1, 3))))
    dots = draw(st.sampled_from(["", "", ".", "..", ". ", ". ."]))
    module = draw(dotted()) if not dots or draw(st.booleans()) else ""
    joint = draw(MAYBE if not module else SPACE)
    names = [alias(draw(NAME)) for _ in range(draw(st.integers(1, 3)))]
    if draw(st.booleans()):
        inner = "".join(f"{draw(MAYBE)}{name},{draw(COMMENT)}\n" for name in names)
        listed = f"({draw(COMMENT)}\n{inner})"
    else:
        listed = draw(st.sampled_from([",", ", ", " , "])).join(names) if draw(st.integers(0, 5)) else "*"
    return f"from{draw(SPACE)}{dots}{module}{joint}import{draw(SPACE)}{listed}"


@st.composite
def string(draw):
    quote = draw(st.sampled_from(['"', "'", '"""', "'''"]))
    pieces = ["import shop", "x = 1", "#", '"', "'", "''", '""', "\\\\", "\\" + quote[0], "{{", "}}", "(", " ", "a"]
    pieces += (
        ["\n", "\nimport shop\n", "\nx = 1\n", "\ndef f(): ...\n"] if len(quote) == 3 else ["\\\n", "\\\nx = 1\\\n"]
    )
    prefix = draw(st.sampled_from(["", "", "r", "f", "b", "Rb", "fr", "F"]))
    if "f" in prefix.lower():
        other = "'" if quote[0] == '"' else '"'
        pieces += ["{x}", f"{{x[{other}#{other}]}}", "{x:{y}}", "{x!r:>3}"]
    body = "".join(draw(st.lists(st.sampled_from(pieces), max_size=5)))
    assume(prefix.lower() not in ("b", "rb") or body.isascii())
    return prefix + quote + body + quote


@st.composite
def simple_statement(draw):
    match draw(st.integers(0, 9)):
        case 0 | 1 | 2:
            return draw(import_statement())
        case 3:
            return f"{draw(NAME)}{draw(MAYBE)}={draw(MAYBE)}{draw(string())}"
        case 4:
            return draw(string())
        case 5:
            return (
                f"{draw(NAME)} = f({draw(COMMENT)}\n{draw(NAME)}=1,{draw(COMMENT)}\n\n{draw(NAME)}2={draw(string())})"
            )
        case 6:
            return f"{draw(NAME)}: {draw(st.sampled_from(['int', 'a.b[c, d]', 'f(x=1)', 'int = 1', 'a[b] = 2']))}"
        case 7:
            return f"{draw(NAME)} = (lambda{draw(COMMENT)}\n{draw(NAME)}=1: {draw(string())})"
        case 8:
            return f"{draw(NAME)}, {draw(NAME)} = {draw(NAME)} = [{draw(string())},{draw(COMMENT)}\n1]"
    return f"({draw(NAME)} :={draw(MAYBE)}{draw(string())}\n)"


@st.composite
def statement(draw):
    simple = ";".join(draw(st.lists(simple_statement(), min_size=1, max_size=2)))
    head = draw(
        st.sampled_from(
            ["", "", "", "if 1:", "class K:", "def g(p=1):", "async  def h():", "while 0:", "with f() as w:"]
        )
    )
    if not head:
        return simple + draw(COMMENT)
    if draw(st.booleans()):
        return f"{head}{draw(MAYBE)}{simple}{draw(COMMENT)}"
    indent = draw(st.sampled_from(["  ", "\t"]))
    return f"{head}{draw(COMMENT)}\n{indent}{simple}{draw(COMMENT)}\n{indent}pass"


@given(
    st.lists(statement(), max_size=6),
    st.sampled_from(["\n", "\n", "\r\n", "\r"]),
    st.sampled_from(["", "\ufeff", "\f", "#!/bin/sh\n"]),
    st.sampled_from(["", "\n"]),
)
@settings(max_examples=400, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_made_modules(statements, newline, start, end):
    raw = (start + "\n".join(statements) + end).replace("\n", newline).encode()
    try:
        compile(raw, "module", "exec", ast.PyCF_ONLY_AST)
        really_bound(raw.decode("utf-8-sig"))
    except (SyntaxError, ValueError):
        assume(False)
    hold_against_python(raw)


def sample_of_the_standard_library() -> list[Path]:
    found = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("[a-z]*/**/*.py"))
    return [path for path in found if "site-packages" not in path.parts and "bad" not in path.name][::45]


@pytest.mark.parametrize("path", sample_of_the_standard_library(), ids=lambda path: path.name)
def test_the_standard_library(path):
    raw = path.read_bytes()
    try:
        ast.parse(raw)
    except (SyntaxError, ValueError):
        assert isinstance(scan(raw, TOPS), Scan)
    else:
        hold_against_python(raw)
