"""The audit's imports: what leads nowhere, commit by commit and at the head."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codemods.stale_imports.options import NAME as CODEMOD
from codemods.stale_imports.options import Move
from codemods.stale_imports.options import Options as ImportOptions
from ssot_fix.audit import settings as audit_settings
from ssot_fix.audit.areas.imports import broken_imports, broken_modules, locate, look
from ssot_fix.audit.areas.imports_places import AREA, look_places
from ssot_fix.audit.areas.imports_series import FileImports, Resolver, Tree
from ssot_fix.audit.areas.imports_timeline import ImportsBeyond
from ssot_fix.audit.auditing import Walk, contents
from ssot_fix.audit.commits import span, tree_of
from ssot_fix.audit.looking import Known, look_at
from ssot_fix.audit.text import Text
from ssot_fix.audit.view import CommitView
from ssot_fix.digests import blob_name
from ssot_fix.project.at_commit import project_at
from ssot_fix.project.config import Config
from ssot_fix.project.index import Index
from ssot_fix.project.objects import Reader

ROOT = Path("nowhere")


def tree(files, beyond=()):
    """A tree of files by path."""
    blobs = {path: blob_name(data).hex().encode() for path, data in files.items()}
    return Tree(
        blobs, sorted(path for path in files if path.endswith(".py")), dict(files).__getitem__, frozenset(beyond)
    )


def scan_of(files):
    return lambda path: look(Text(files[path]))


def afresh(files, beyond=(), roots=()):
    """What the index says of a tree that it has never seen."""
    at = tree(files, beyond)
    project = project_at(ROOT, at.blobs, at.python, at.read, roots, beyond=at.beyond)
    index = Index(project, {path: look(Text(files[path])) for path in at.python})
    found = index.each_dangling_in(at.python)
    answers = {
        path: FileImports(index.count_in(path), tuple(each for each in found.get(path, ()) if not each.elsewhere))
        for path in at.python
    }
    return {path: answer for path, answer in answers.items() if answer.all}


_PARTS = ("a", "b", "c")
_NAMES = ("x", "y", *_PARTS)
_dotted = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=3).map(".".join)
_lines = st.one_of(
    st.builds("from {} import {}".format, _dotted, st.sampled_from(_NAMES)),
    st.builds("from {}{} import {}".format, st.sampled_from([".", ".."]), _dotted, st.sampled_from(_NAMES)),
    st.builds("from . import {}".format, st.sampled_from(_NAMES)),
    st.builds("from {} import *".format, _dotted),
    st.builds("import {}".format, _dotted),
    st.builds("{} = 1".format, st.sampled_from(_NAMES)),
    st.builds("if x:\n    {} = 1".format, st.sampled_from(_NAMES)),
    st.builds("__all__ = ['{}']".format, st.sampled_from(_NAMES)),
    st.builds("import sys; sys.modules['{}'] = 1".format, _dotted),
    st.builds("import sys; sys.modules['{}.{}'] = 1".format, _dotted, st.sampled_from(_NAMES)),
    st.sampled_from(
        [
            "def __getattr__(name): ...",
            "__path__ = []",
            "import sys; sys._getframe(1).f_globals['x'] = 1",
            "import sys; sys.meta_path.append(x)",
            "not python",
        ]
    ),
)
_texts = st.lists(_lines, max_size=4).map("\n".join)
_folders = st.lists(st.sampled_from(_PARTS), max_size=3).map(lambda parts: "".join(f"{part}/" for part in parts))
_modules = st.builds("{}{}.py".format, _folders, st.sampled_from((*_PARTS, "__init__", "conftest")))
_others = st.one_of(
    st.tuples(st.builds("{}{}.pyi".format, _folders, st.sampled_from(_PARTS)), _texts),
    st.tuples(st.builds("{}{}".format, _folders, st.sampled_from(("a.so", "b.json"))), st.just("")),
    st.tuples(_folders.map("{}.gitignore".format), st.sampled_from(["a.py\n", "b/\n", "/c/\n*\n"])),
    st.tuples(st.just("requirements.txt"), st.sampled_from(["a\n", "b\n"])),
    st.tuples(st.just("pyproject.toml"), st.sampled_from(["[project]\nname = 'a'\n", "[project]\nname = 'b'\n"])),
)
_files = st.one_of(st.tuples(_modules, _texts), st.tuples(_modules, _texts), st.tuples(_modules, _texts), _others)
_edits = st.lists(st.tuples(_files, st.booleans()), min_size=1, max_size=3)


def edited(files, edits):
    """The files with some added or changed, and some gone; a file and a folder can't have one name."""
    found = dict(files)
    for (path, text), goes in edits:
        if goes and path in found:
            del found[path]
        else:
            found[path] = text.encode()
    return found


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(_files, min_size=3, max_size=12), st.lists(_edits, min_size=1, max_size=4))
def test_commit_by_commit_is_as_afresh(first, steps):
    files = {path: text.encode() for path, text in first}
    resolver = Resolver(ROOT)
    assert resolver.advance(tree(files), scan_of(files)) == afresh(files)
    for edits in steps:
        files = edited(files, edits)
        assert resolver.advance(tree(files), scan_of(files)) == afresh(files)


# Which files are judged again


def answers_of(resolver, files):
    return resolver.advance(tree(files), scan_of(files))


SHOP = {
    "shop/__init__.py": b"",
    "shop/cart.py": b"total = 1\n",
    "shop/till.py": b"from shop.cart import total\n",
    "shop/door.py": b"from shop.till import total\n",
    "app.py": b"import shop.door\n",
}


@pytest.mark.parametrize(
    ("edits", "most"),
    [
        ({}, 0),
        ({"notes.md": b"new"}, 0),
        ({"app.py": b"import shop.door\n\n"}, 1),
        ({"shop/cart.py": b"total = 2\n"}, 1),  # it tells others what it told
        ({"shop/cart.py": b"rest = 2\n"}, 2),
        ({"shop/bag.py": b""}, 1),
    ],
)
def test_little_is_judged_again(edits, most):
    resolver = Resolver(ROOT)
    answers_of(resolver, SHOP)
    before = resolver.judged
    answers_of(resolver, {**SHOP, **edits})
    assert resolver.judged - before <= most


def test_what_stays_as_it_was_is_the_same_object():
    resolver = Resolver(ROOT)
    old = answers_of(resolver, SHOP)
    new = answers_of(resolver, {**SHOP, "shop/cart.py": b""})
    assert [path for path in old if old[path] is not new[path]] == ["shop/till.py"]
    assert [(each.module, each.name, each.kind) for each in new["shop/till.py"].bad] == [
        ("shop.cart", "total", "name")
    ]
    assert old["shop/till.py"].bad == ()


# Where imports stand


@pytest.mark.parametrize(
    ("text", "is_certain"),
    [
        ("import a", True),
        ("class A:\n    import a", True),
        ("with open('x'):\n    import a", True),
        ("try:\n    import a\nfinally:\n    pass", True),
        ("try:\n    import a\nexcept KeyError:\n    pass", True),
        ("try:\n    import a\nexcept ImportError as e:\n    print(e)\n    raise", True),
        ("try:\n    pass\nfinally:\n    import a", True),
        ("import sys\nif x:\n    sys.exit()\nimport a", True),
        ("try:\n    import a\nexcept ImportError:\n    pass", False),
        ("try:\n    import a\nexcept:\n    pass", False),
        ("try:\n    import a\nexcept (ModuleNotFoundError, KeyError):\n    a = None", False),
        ("try:\n    import a\nexcept ImportError:\n    raise unittest.SkipTest('no a')", False),
        ("try:\n    x()\nexcept ValueError:\n    import a", False),
        ("try:\n    x()\nexcept ValueError:\n    pass\nelse:\n    import a", False),
        ("if TYPE_CHECKING:\n    import a", False),
        ("if __name__ == '__main__':\n    import a", False),
        ("def f():\n    import a", False),
        ("class A:\n    def f(self):\n        import a", False),
        ("async def f():\n    import a", False),
        ("for x in y:\n    import a", False),
        ("while x:\n    import a", False),
        ("match x:\n    case 1:\n        import a", False),
        ("with suppress(ImportError):\n    import a", False),
        ("with contextlib.suppress(Exception):\n    import a", False),
        ("with pytest.raises(ImportError):\n    import a", False),
        ("pytest.skip('old', allow_module_level=True)\nimport a", False),
        ("raise ImportError\nimport a", False),
    ],
)
def test_an_import_is_certain_only_if_it_runs_and_nothing_catches_its_failure(text, is_certain):
    told = look_places(Text(text.encode()))
    assert [each.is_certain for each in told if each.module == "a"] == [is_certain]


def test_each_name_has_its_own_line():
    told = look_places(Text(b"from . import (\n    a,\n    b as c,\n)\nimport d.e, f\n"))
    assert [(each.level, each.module, each.name, each.line) for each in told] == [
        (1, "", "a", 2),
        (1, "", "b", 3),
        (0, "d.e", None, 5),
        (0, "f", None, 5),
    ]


# At the head, and on the way there


class Seen:
    """A history's head, as the audit sees its imports."""

    def __init__(self, story, last=40, **options):
        told = {audit_settings.NAME: audit_settings.Options(), CODEMOD: ImportOptions(**options)}
        self.ids = story.tell()
        self.reader = Reader(story.root)
        self.span = span(story.root, last)
        head = tree_of(story.root, self.span.head.id)
        self.view = CommitView(Config(story.root, options=told), self.span.head.id, head, self.reader)
        self.view.known = look_at(story.root, {"imports": contents(self.span, self.view)}, {"imports": look}, jobs=1)
        self.answers = ImportsBeyond(self.view, self.span, self.reader).head()
        wanted = {AREA: [self.view.blobs[path] for path, each in self.answers.items() if each.bad]}
        placed = look_at(story.root, wanted, {AREA: look_places}, jobs=1)
        self.view.known = Known({**self.view.known.tables, **placed.tables})
        self.broken = locate(self.view, self.answers)

    def imports(self):
        return {each.target: each for each in broken_imports(self.view, self.broken)}

    def modules(self):
        return {each.path: each for each in broken_modules(self.view, self.broken)}


def test_which_commit_broke_what_and_where_it_went(story):
    story.commit({"shop/__init__.py": "", "shop/cart.py": "def total(): return 1\nrest = 2\n", "app.py": ""})
    story.commit(
        {"app.py": "from shop.cart import total\ntry:\n    from shop.cart import rest\nexcept ImportError: pass\n"}
    )
    story.commit({"shop/cart.py": None, "shop/till.py": "def total(): return 1\n"}, author="Bo")
    story.commit({"b.py": "x = 1\nfrom shop.never import y\n"}, author="Cy")
    seen = Seen(story)
    found = seen.imports()
    assert list(found) == ["shop.cart:rest", "shop.cart:total", "shop.never:y"]
    total = found["shop.cart:total"]
    assert (total.kind, total.verdict, total.new, total.guarded) == ("module", "moved", "shop.till:total", 0)
    assert (total.commit.id, total.commit.author) == (seen.ids[2], "Bo")
    assert [(place.path, place.line, place.scope) for place in total.importers] == [("app.py", 1, "production")]
    rest = found["shop.cart:rest"]
    assert (rest.verdict, rest.new, rest.guarded, rest.commit.id) == ("removed", None, 1, seen.ids[2])
    never = found["shop.never:y"]
    assert (never.verdict, never.commit.id, never.why) == ("never", seen.ids[3], "")
    assert [each.site.line for each in seen.broken["b.py"]] == [2]


def test_what_can_not_be_known_is_said(story):
    story.commit({"shop/__init__.py": "", "app.py": "from shop.cart import total\n"})
    (found,) = Seen(story).imports().values()
    assert found.commit is None
    assert found.why
    assert any("no commit ever had it" in line for line in found.evidence)


def test_what_the_settings_ignore_or_move(story):
    story.commit({"shop/__init__.py": "", "shop/till.py": "total = 1\n"})
    story.commit({"app.py": "from shop.cart import total\nimport shop.gone\n"})
    seen = Seen(story, ignore=("shop.gone",), moves=(Move("shop.cart", "shop.till"),))
    (found,) = seen.imports().values()
    assert (found.target, found.verdict, found.new) == ("shop.cart:total", "moved", "shop.till:total")


def test_modules_that_can_not_be_imported(story):
    story.commit(
        {
            "shop/__init__.py": "",
            "shop/cart.py": "import shop.gone\n",
            "shop/till.py": "from shop.cart import total\n",
            "shop/shy.py": "try:\n    import shop.gone\nexcept ImportError:\n    pass\n",
            "shop/late.py": "def f():\n    from shop import cart\n",
            "bad/__init__.py": "from shop.cart import x\nimport shop.lost\n",
            "bad/fine.py": "",
            "app.py": "import shop.till\nimport shop.late, shop.shy\n",
            "tests/test_app.py": "import bad.fine\n",
        }
    )
    found = Seen(story).modules()
    assert {path: (each.causes, each.through, each.breaks) for path, each in found.items()} == {
        "shop/cart.py": (("shop.gone",), "", 5),
        "shop/till.py": (("shop.cart:total",), "", 1),
        "bad/__init__.py": (("shop.cart:x", "shop.lost"), "", 2),
        "bad/fine.py": ((), "bad/__init__.py", 0),
        "tests/test_app.py": ((), "bad/__init__.py", 0),
        "app.py": ((), "shop/till.py", 0),
    }
    assert found["tests/test_app.py"].scope == "test"


def test_a_package_that_has_a_name_itself_does_not_run_the_module_of_that_name(story):
    story.commit(
        {
            "shop/__init__.py": "def cart(): ...\nfrom shop import till\n",
            "shop/cart.py": "import shop.gone\n",
            "shop/till.py": "",
            "app.py": "from shop import cart\n",
        }
    )
    assert list(Seen(story).modules()) == ["shop/cart.py"]


def test_a_star_import_of_what_is_gone(story):
    story.commit({"shop/__init__.py": "", "app.py": "from shop.cart import *\n"})
    (found,) = Seen(story).imports().values()
    assert (found.target, found.kind, found.verdict) == ("shop.cart:*", "module", "undecided")
    assert found.why


def test_a_range_tells_what_each_commit_broke_and_mended(story):
    story.commit(
        {"shop/__init__.py": "", "shop/cart.py": "total = 1\n", "app.py": "import shop.cart\nimport shop.old\n"}
    )
    story.commit({"shop/cart.py": None})
    main = story.commit({"README": "more"})
    side = story.commit({"b.py": "from shop.cart import total\n"}, 0)
    story.commit({"shop/cart.py": "total = 1\n", "b.py": "from shop.cart import total\n"}, main, side)
    seen = Seen(story, last=4)
    beyond = ImportsBeyond(seen.view, seen.span, seen.reader)
    walk = Walk(seen.view, seen.span, [], beyond)
    moments, head = walk.run(walk.start(beyond.start()))
    told = {
        seen.ids.index(moment.commit.id): (
            moment.totals["production", "imports"],
            moment.brought.get(("production", "imports"), 0),
            moment.taken.get(("production", "imports"), 0),
        )
        for moment in moments
    }
    assert told == {1: ((0, 2), 1, 0), 2: ((0, 2), 0, 0), 3: ((2, 3), 0, 0), 4: ((2, 3), 0, 1)}
    assert head.totals["production", "imports"] == (2, 3)
