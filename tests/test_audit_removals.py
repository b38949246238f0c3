"""What went in a range of commits, where it went, and what still refers to it."""

from __future__ import annotations

import hashlib
import os
import textwrap
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from ranges import Story

from ssot_fix.audit import settings
from ssot_fix.audit.areas import imports
from ssot_fix.audit.areas.removals import AREA, Change, look, removals
from ssot_fix.audit.areas.removals_code import Version
from ssot_fix.audit.areas.removals_range import removed
from ssot_fix.audit.commits import span
from ssot_fix.audit.looking import look_at
from ssot_fix.audit.text import Text
from ssot_fix.audit.view import open_view
from ssot_fix.project.config import load
from ssot_fix.project.history import Commit, History
from ssot_fix.project.index import Index, first_parts
from ssot_fix.project.resolver import project_of
from ssot_fix.project.scan import scan


def blob(text):
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


class World:
    """A project through its versions, each given as what its files hold; the last one is the head."""

    def __init__(self, root, *versions, renames=()):
        """`renames` are triples: the number of the version that renamed, the old path, the new one."""
        self.root = root
        self.versions = [{path: _bytes(text) for path, text in version.items()} for version in versions]
        self.renames = {(number, new): old for number, old, new in renames}
        for path, text in self.versions[-1].items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(text)
        self.blobs = {path: blob(text).encode() for path, text in self.versions[-1].items()}
        self.python = sorted(self.blobs, key=os.fsencode)
        self.commit = _commit(len(versions) - 1).id
        self.project = project_of(root, frozenset(self.python), [])
        tops = first_parts(self.project)
        self.index = Index(self.project, {path: scan(self.read(path), tops) for path in self.python})
        self.history = History(root)

    def scope(self, path):
        return "test" if path.startswith("tests/") else "production"

    def service(self, path):
        return path.partition("/")[0]

    def facts(self, area, path):
        assert area == AREA
        return look(Text(self.read(path)))

    def read(self, path):
        return (self.root / path).read_bytes()

    def changes(self):
        for number, (old, new) in enumerate(pairwise(self.versions), 1):
            renamed = {path for at, path in self.renames if at == number}
            gone = {self.renames[number, path] for path in renamed}
            for path in sorted(old.keys() | new.keys()):
                source = self.renames[number, path] if path in renamed else None
                before, after = _blob_in(old, source or path), _blob_in(new, path)
                if (before != after or source) and path not in gone:
                    yield Change(_commit(number), path, before, after, source, 90)

    def texts(self, wanted):
        known = {blob(text): text for version in self.versions for text in version.values()}
        return {each: known[each] for each in wanted if each in known}

    def removals(self):
        return removals(self, list(self.changes()), self.texts)


def _blob_in(version, path):
    return blob(version[path]) if path in version else None


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def _commit(number):
    return Commit(f"{number:040x}", "2025-09-08", "A. Author", f"change {number}")


def told(removal):
    """A removal in one line."""
    new = f" {removal.new}" if removal.new else ""
    return f"{removal.kind} {removal.name}: {removal.fate}{new}"


def mentions(removal):
    return [f"{each.how} {each.place.path}:{each.place.line}" for each in removal.mentions]


def function(name, size=6, word="total"):
    """A function of some lines whose words are its own."""
    body = "".join(f"    {word}_{n} = combine({word}, parts[{n}], weight={n + 2})\n" for n in range(size))
    return f"def {name}(parts, {word}=0):\n{body}    return {word}_{size - 1}\n\n\n"


def klass(name, *methods, word="state", bases=""):
    body = "".join(
        f"    def {each}(self, request):\n"
        f"        {word} = self.{word}_of(request.{each})\n"
        f"        if not {word}.is_ready:\n"
        f"            raise ValueError({word}.{each}_error)\n"
        f"        return self.handle_{each}({word})\n\n"
        for each in methods
    )
    return f"class {name}{bases}:\n{body or '    pass'}\n\n"


ENGINE = klass("Engine", "start", "stop", "advance")

# What must not be told as a removal: title, versions.
NOTHING = [
    ("nothing changed", [{"a.py": ENGINE}, {"a.py": ENGINE}]),
    ("removed and restored", [{"a.py": ENGINE}, {"a.py": "x = 1\n"}, {"a.py": ENGINE}]),
    ("a file removed and restored", [{"a.py": ENGINE}, {}, {"a.py": ENGINE}]),
    ("only the body changed", [{"a.py": function("f")}, {"a.py": function("f", word="other")}]),
    ("moved into a branch", [{"a.py": "def f():\n    pass\n"}, {"a.py": "if x:\n    def f():\n        pass\n"}]),
    (
        "moved into a branch behind another definition",
        [{"a.py": function("g") + ENGINE}, {"a.py": function("g") + "if x:\n" + textwrap.indent(ENGINE, "    ")}],
    ),
    (
        "a method moved into a branch",
        [
            {"a.py": "class A:\n    def f(self): pass\n    def g(self): pass\n"},
            {"a.py": "class A:\n    def f(self): pass\n    if x:\n        def g(self): pass\n"},
        ],
    ),
    ("moved into a try", [{"a.py": "def f(): pass\n"}, {"a.py": "try:\n    def f(): pass\nexcept E: pass\n"}]),
    ("a module became a package", [{"m.py": ENGINE}, {"m/__init__.py": ENGINE}]),
    ("a package became a module", [{"m/__init__.py": ENGINE}, {"m.py": ENGINE}]),
    ("async now", [{"a.py": "def f():\n    pass\n"}, {"a.py": "async def f():\n    pass\n"}]),
    ("a class became a function", [{"a.py": klass("Make", "run")}, {"a.py": "def Make():\n    return 1\n"}]),
    ("in a string before", [{"a.py": "X = '''\nclass Gone:\n    pass\n'''\n"}, {"a.py": "X = 1\n"}]),
    ("in a comment before", [{"a.py": "# class Gone:\n"}, {"a.py": "X = 1\n"}]),
    ("in a function before", [{"a.py": "def f():\n    def inner(): pass\n"}, {"a.py": "def f(): pass\n"}]),
    ("decorated now", [{"a.py": "def f(): pass\n"}, {"a.py": "@cache\ndef f(): pass\n"}]),
    ("line ends changed", [{"a.py": ENGINE}, {"a.py": ENGINE.replace("\n", "\r\n")}]),
    ("a syntax error in the head", [{"a.py": ENGINE}, {"a.py": ENGINE + "def broken(:\n"}]),
    ("a syntax error before", [{"a.py": "class X:\n  pass\ndef broken(:\n"}, {"a.py": "x = 1\n"}]),
    ("other files", [{"a.txt": "def f(): pass\n"}, {}, {"b.py": ""}]),
    ("no text", [{"a.py": b"\xff\xfe\x00def f(): pass"}, {"a.py": b"\xff"}]),
]


@pytest.mark.parametrize(("title", "versions"), NOTHING, ids=[title for title, _ in NOTHING])
def test_what_is_no_removal(tmp_path, title, versions):
    assert [told(each) for each in World(tmp_path, *versions).removals()] == []


FATES = [
    (
        "gone",
        [{"a.py": ENGINE + function("keep")}, {"a.py": function("keep")}],
        ["class a:Engine: gone"],
    ),
    (
        "a whole file is one removal",
        [{"a.py": ENGINE + function("f")}, {"b.py": "x = 1\n"}],
        ["module a: gone"],
    ),
    (
        "a class is one removal, its methods are none",
        [{"a.py": ENGINE}, {"a.py": "x = 1\n"}],
        ["class a:Engine: gone"],
    ),
    (
        "a method of a class that is still there",
        [{"a.py": ENGINE}, {"a.py": klass("Engine", "start", "stop")}],
        ["method a:Engine.advance: gone"],
    ),
    (
        "moved to a new file",
        [{"a.py": ENGINE + function("f")}, {"a.py": function("f"), "b.py": ENGINE}],
        ["class a:Engine: moved b:Engine"],
    ),
    (
        "a namesake that is not alike",
        [
            {"a.py": ENGINE, "b.py": klass("Engine", "paint", word="canvas")},
            {"a.py": "", "b.py": klass("Engine", "paint", word="canvas")},
        ],
        ["class a:Engine: gone"],
    ),
    (
        "a copy that was there before tells nothing",
        [{"a.py": ENGINE, "b.py": ENGINE}, {"a.py": "", "b.py": ENGINE}],
        ["class a:Engine: gone"],
    ),
    (
        "merged into what was there before and uses were switched to",
        [
            {"a.py": ENGINE, "b.py": ENGINE, "c.py": "from a import Engine\n\nEngine()\n"},
            {"a.py": "", "b.py": ENGINE, "c.py": "from b import Engine\n\nEngine()\n"},
        ],
        ["class a:Engine: merged b:Engine"],
    ),
    (
        "renamed in its module",
        [{"a.py": function("old_name", 9)}, {"a.py": function("new_name", 9)}],
        ["function a:old_name: renamed a:new_name"],
    ),
    (
        "something small of another name is no rename",
        [{"a.py": "def old():\n    return 1\n"}, {"a.py": "def new():\n    return 1\n"}],
        ["function a:old: gone"],
    ),
    (
        "a line that only looks like a switched use",
        [
            {"a.py": klass("Engine", "start", "stop") + "\ndef f(e):\n    first(e)\n    e.stop()\n    last(e)\n"},
            {
                "a.py": klass("Engine", "start")
                + "    def paint(self):\n        return 1\n\n"
                + "def f(e):\n    first(e)\n    last(e)\n\ndef g(e):\n    e.paint()\n"
            },
        ],
        ["method a:Engine.stop: gone"],
    ),
    (
        "a list of imports is no use",
        [
            {"a.py": ENGINE, "b.py": "from a import (\n    Engine,\n)\n"},
            {"c.py": klass("Motor", "paint", word="canvas"), "a.py": "", "b.py": "from c import (\n    Motor,\n)\n"},
        ],
        ["class a:Engine: gone"],
    ),
    (
        "a method whose uses were switched",
        [
            {"a.py": klass("Engine", "start", "stop"), "b.py": "def f(e):\n    first(e)\n    e.stop()\n    last(e)\n"},
            {
                "a.py": klass("Engine", "start") + "    def halt(self):\n        return 1\n",
                "b.py": "def f(e):\n    first(e)\n    e.halt()\n    last(e)\n",
            },
        ],
        ["method a:Engine.stop: replaced a:Engine.halt"],
    ),
    (
        "something small that came with another commit",
        [{"a.py": "def f():\n    return call(1)\n"}, {"a.py": ""}, {"b.py": "def f():\n    return call(1)\n"}],
        ["module a: gone"],
    ),
    (
        "something small of its module that came with another commit",
        [
            {"a.py": "class A:\n    def f(self):\n        return call(self.x, 1, 2, 3)\n"},
            {"a.py": "class A:\n    pass\n"},
            {"a.py": "class A:\n    pass\nclass B:\n    def f(self):\n        return call(self.x, 1, 2, 3)\n"},
        ],
        ["method a:A.f: gone"],
    ),
    (
        "replaced where uses were switched",
        [
            {"a.py": ENGINE, "b.py": "from a import Engine\n\nmake(Engine)\n"},
            {
                "c.py": klass("Motor", "paint", word="canvas"),
                "a.py": "",
                "b.py": "from c import Motor\n\nmake(Motor)\n",
            },
        ],
        ["class a:Engine: replaced c:Motor"],
    ),
    (
        "re-exported from where it moved to",
        [{"a.py": ENGINE}, {"a.py": "from b import Engine\n", "b.py": ENGINE}],
        ["class a:Engine: moved b:Engine"],
    ),
    (
        "an alias of something else",
        [{"a.py": ENGINE}, {"a.py": klass("Motor", "paint", word="canvas") + "Engine = Motor\n"}],
        ["class a:Engine: replaced a:Motor"],
    ),
    (
        "a name of other scopes is not bound",
        [
            {"a.py": "def f():\n    return 1\n"},
            {"a.py": "xs = [f for f in ()]\ndef g():\n    f = 1\nclass A:\n    f = 1\ndel f\n"},
        ],
        ["function a:f: gone"],
    ),
    (
        "bound to something that no definition makes",
        [
            {"a.py": klass("Engine", "start", "stop") + klass("Shape", "draw") + "def f():\n    return 1\n"},
            {
                "a.py": klass("Engine", "start")
                + "    stop = start\n\n\nShape = make_shape()\nif x:\n    f = partial(g)\nelse:\n    f = None\n"
            },
        ],
        [
            "method a:Engine.stop: replaced a:Engine.stop",
            "class a:Shape: replaced a:Shape",
            "function a:f: replaced a:f",
        ],
    ),
    (
        "inherited from a base now",
        [
            {"a.py": klass("Base", "stop") + klass("Engine", "start", "stop", bases="(Base)")},
            {"a.py": klass("Base", "stop") + klass("Engine", "start", bases="(Base)")},
        ],
        ["method a:Engine.stop: merged a:Base.stop"],
    ),
    (
        "a split module",
        [{"a.py": ENGINE + function("f", 9)}, {"b.py": ENGINE, "c.py": function("f", 9)}],
        ["module a: gone", "class a:Engine: moved b:Engine", "function a:f: moved c:f"],
    ),
    (
        "a module moved without git's seeing it",
        [{"a.py": ENGINE + function("f")}, {"pkg/a.py": ENGINE + function("f")}],
        ["module a: moved pkg.a"],
    ),
]


@pytest.mark.parametrize(("title", "versions", "expected"), FATES, ids=[title for title, *_ in FATES])
def test_where_it_went(tmp_path, title, versions, expected):
    assert [told(each) for each in World(tmp_path, *versions).removals()] == expected


def test_what_became_a_package_whose_parts_are_imported_moved(tmp_path):
    whole = ENGINE + function("f")
    package = {"m/__init__.py": "from m.parts import Engine, f\n", "m/parts.py": whole}
    found = World(tmp_path, {"x.py": ""}, {"m.py": whole}, package, renames=[(2, "m.py", "m/parts.py")]).removals()
    assert [told(each) for each in found if each.path == "m.py"] == [
        "class m:Engine: moved m.parts:Engine",
        "function m:f: moved m.parts:f",
    ]


def test_a_rename_is_followed_to_the_head(tmp_path):
    world = World(
        tmp_path,
        {"a.py": ENGINE + function("f")},
        {"b.py": ENGINE + function("f")},
        {"pkg/b.py": ENGINE},
        renames=[(1, "a.py", "b.py"), (2, "b.py", "pkg/b.py")],
    )
    found = world.removals()
    assert [told(each) for each in found] == [
        "module a: renamed pkg.b",
        "function a:f: gone",
        "module b: moved pkg.b",
        "function b:f: gone",
    ]
    assert found[0].evidence == ("git saw the file renamed to b.py (90 % the same)", "which is pkg/b.py now")


def test_the_commit_is_the_last_that_took_it_away(tmp_path):
    with_it, without = {"a.py": ENGINE}, {"a.py": "x = 1\n"}
    (found,) = World(tmp_path, with_it, without, with_it, {"a.py": "x = 2\n"}, {"a.py": "x = 3\n"}).removals()
    assert found.commit == _commit(3)
    assert (found.size, found.scope, found.path) == (18, "production", "a.py")


def test_mentions_are_imports_attributes_and_strings(tmp_path):
    head = {
        "pkg/a.py": "x = 1\n",
        "direct.py": "from pkg.a import Engine as E\n",
        "attribute.py": "import pkg.a\nfrom pkg import a as b\n\npkg.a.Engine()\nb.Engine()\nother.Engine()\n",
        "strings.py": 'patch("pkg.a.Engine")\nx = "pkg.a:Engine.start"\ny = "pkg.a.EngineRoom"\n',
        "none.py": '"""pkg.a.Engine"""\nfrom pkg.b import Engine\nEngine()\n# pkg.a.Engine\n',
        "pkg/b.py": "",
        "pkg/sibling.py": "def f():\n    from .a import Engine\n",
    }
    (found,) = World(tmp_path, {"pkg/a.py": ENGINE, "pkg/b.py": ""}, head).removals()
    assert mentions(found) == [
        "attribute attribute.py:4",
        "attribute attribute.py:5",
        "import direct.py:1",
        "import pkg/sibling.py:2",
        "string strings.py:1",
        "string strings.py:2",
    ]


def test_mentions_of_a_module(tmp_path):
    head = {
        "pkg/__init__.py": "",
        "one.py": "import pkg.a\nimport pkg\n",
        "two.py": "from pkg import a\nfrom pkg.a import (\n    x,\n    y,\n)\nfrom pkg import b\n",
        "three.py": 'MODULES = ["pkg.a", "pkg.ab", "a"]\n',
    }
    (found,) = World(tmp_path, {"pkg/__init__.py": "", "pkg/a.py": "x = 1\n"}, head).removals()
    assert mentions(found) == ["import one.py:1", "string three.py:1", "import two.py:1", "import two.py:2"]


def test_a_table_of_old_and_new_names_is_no_mention(tmp_path):
    tables = (
        'alias("pkg.old", "pkg.new", since=1)\n'
        'NAMES = {"pkg.old": "pkg.new", "other": "pkg.old"}\n'
        'PAIRS = [("pkg.old", "pkg.new")]\n'
        'USED = ["pkg.old", "pkg.new"]\n'
        'call("pkg.old", "pkg.nowhere")\n'
    )
    found = World(
        tmp_path,
        {"pkg/__init__.py": "", "pkg/old.py": ENGINE, "a.py": tables},
        {"pkg/__init__.py": "", "pkg/new.py": ENGINE, "a.py": tables},
    ).removals()
    assert mentions(found[0]) == ["string a.py:2", "string a.py:4", "string a.py:5"]


def test_mentions_of_a_method_by_bindings_only(tmp_path):
    home = "class Home(Engine):\n    def go(self):\n        self.advance()\n"
    head = {
        "a.py": klass("Engine", "start", "stop") + home,
        "uses.py": (
            "from a import Engine\n"
            "def f(given):\n"
            "    engine = Engine()\n"
            "    engine.advance()\n"
            "    given.advance()\n"
            "    Engine.advance\n"
            "def g():\n"
            "    engine = other()\n"
            "    engine.advance()\n"
            "class Sub(Engine):\n"
            "    def go(self):\n"
            "        super().advance()\n"
            "class Own(Engine):\n"
            "    def advance(self):\n"
            "        self.advance()\n"
            "class Mixed(Engine, Other):\n"
            "    def go(self):\n"
            "        self.advance()\n"
        ),
        "bare.py": "def f(engine):\n    engine.advance()\n",
    }
    (found,) = World(tmp_path, {"a.py": ENGINE + home}, head).removals()
    assert told(found) == "method a:Engine.advance: gone"
    assert mentions(found) == [
        "attribute a.py:18",
        "attribute uses.py:4",
        "attribute uses.py:6",
        "attribute uses.py:12",
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("class Engine", "class Engine(Unknown)"),
        lambda text: text.replace("        return self", "        self.advance = 1\n        return self"),
        lambda text: text + "    def __getattr__(self, name):\n        return 1\n",
    ],
    ids=["a base out of sight", "an attribute of its name", "made on demand"],
)
def test_a_method_that_may_still_be_there_has_no_mentions(tmp_path, change):
    head = {"a.py": change(klass("Engine", "start", "stop")), "b.py": "from a import Engine\nEngine.advance\n"}
    (found,) = World(tmp_path, {"a.py": ENGINE}, head).removals()
    assert mentions(found) == []


def test_what_git_lacks_is_not_told(tmp_path):
    world = World(tmp_path, {"a.py": ENGINE, "b.py": ENGINE}, {"a.py": "x = 1\n"})
    assert removals(world, list(world.changes()), lambda _: {}) == ()


def test_a_merge_is_not_blamed_for_what_a_side_removed(tmp_path):
    world = World(tmp_path, {"a.py": ENGINE}, {"a.py": "x = 1\n"}, {"a.py": "x = 2\n"})
    old, without, merged = (blob(version["a.py"]) for version in world.versions)
    changes = [
        Change(_commit(1), "a.py", old, without),
        Change(_commit(2), "a.py", old, merged),
        Change(_commit(2), "a.py", without, merged),
    ]
    (found,) = removals(world, changes, world.texts)
    assert found.commit == _commit(1)


@pytest.mark.parametrize(
    "old",
    ["# coding: latin-1\nclass Caf\xe9:\n    pass\n".encode("latin-1"), 'class Caf\xe9:\n    x = f"{d["a"]}"\n'],
    ids=["another encoding", "newer syntax"],
)
def test_any_text_that_can_be_read(tmp_path, old):
    (found,) = World(tmp_path, {"a.py": old}, {"a.py": ""}).removals()
    assert told(found) == "class a:Caf\xe9: gone"


def test_the_outline_sees_no_more_than_the_tree():
    version = Version(
        b'class A:\n    """x\n    def no(): pass\n    """\n    async def yes(self):\n        def deep(): pass\n'
    )
    assert version.outline == {"A", "A.yes", "A.yes.deep"}
    assert set(version.definitions) == {"A", "A.yes"}


NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=5)
SHAPED = st.fixed_dictionaries({"functions": NAMES, "methods": NAMES})


def module_of(shape):
    functions = "".join(f"def {name}():\n    return call_{name}()\n" for name in shape["functions"])
    methods = "".join(f"    def {name}(self):\n        return {name}_of(self)\n" for name in shape["methods"])
    return f"{functions}\nclass Held:\n    x = 1\n{methods}"


@given(st.lists(SHAPED, min_size=2, max_size=4))
@example_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_went_is_what_was_and_is_not(tmp_path, shapes):
    found = World(tmp_path, *({"a.py": module_of(shape)} for shape in shapes)).removals()
    *before, head = [{*s["functions"], *(f"Held.{name}" for name in s["methods"])} for s in shapes]
    assert {each.name for each in found} == {f"a:{name}" for name in set().union(*before) - head}
    for each in found:
        name = each.name.partition(":")[2]
        assert each.commit == _commit(max(at for at, names in enumerate(before, 1) if name in names))


# With git


def removed_in(story, last=9):
    """What went in the last commits of a history, each in one line with the number of the commit and the mentions."""
    view = open_view(load(story.root, story.root, {settings.NAME: settings.Options}))
    blobs = {view.blobs[path] for path in view.python}
    view.known = look_at(story.root, {AREA: blobs, "imports": blobs}, {AREA: look, "imports": imports.look}, jobs=1)
    found = removed(view, span(story.root, last))
    return [f"{told(each)} in {story.ids.index(each.commit.id)}, {len(each.mentions)} mentions" for each in found]


@pytest.fixture
def merged(tmp_path, command_environment):
    """A branch removes a class while another moves a file; a merge takes both."""
    story = Story(tmp_path / "project", command_environment)
    uses = 'from pkg.a import Engine\n\npatch("pkg.a.Engine")\n'
    story.commit({"pkg/a.py": ENGINE, "pkg/old.py": ENGINE + function("f", 20), "uses.py": uses, "skip/a.py": ENGINE})
    story.commit({"ssot-fix.toml": 'exclude = ["skip"]\n'})
    story.commit({"pkg/a.py": "x = 1\n"}, 1, author="Side")
    story.commit({"pkg/old.py": None, "pkg/new.py": ENGINE + function("f", 20)}, 1)
    story.commit({"skip/a.py": None}, 3)
    story.commit({"pkg/a.py": "x = 1\n"}, 4, 2)
    story.tell()
    return story


def test_what_a_branch_removed_is_its_commits_doing(merged):
    assert removed_in(merged) == [
        "class pkg.a:Engine: gone in 2, 2 mentions",
        "module pkg.old: renamed pkg.new in 3, 0 mentions",
    ]


def test_what_a_branch_outside_of_the_range_removed_came_with_the_merge(merged):
    assert removed_in(merged, 3) == [
        "class pkg.a:Engine: gone in 5, 2 mentions",
        "module pkg.old: renamed pkg.new in 3, 0 mentions",
    ]


def test_a_file_that_one_side_renamed_and_the_other_changed_was_renamed_by_that_side(tmp_path, command_environment):
    story = Story(tmp_path / "project", command_environment)
    code = ENGINE + function("f", 20)
    story.commit({"pkg/old.py": code})
    side = story.commit({"pkg/old.py": None, "pkg/new.py": code})
    main = story.commit({"pkg/old.py": f"{code}X = 1\n"}, 0)
    story.commit({"pkg/old.py": None, "pkg/new.py": f"{code}X = 1\n"}, main, side)
    story.tell()
    assert removed_in(story) == [f"module pkg.old: renamed pkg.new in {side}, 0 mentions"]
