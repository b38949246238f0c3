"""Moves: what may be one, which of them contradict each other or the project, and where they lead."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codemods.stale_imports.moves import Entry, Moves, Place, configured, validate
from codemods.stale_imports.options import NAME, Move, Options
from ssot_fix.project.config import ConfigError, load
from ssot_fix.project.index import Index, first_parts
from ssot_fix.project.resolver import project_of
from ssot_fix.project.scan import scan


def entries(*pairs):
    """A move for each `from -> to`, said in line 1, 2 ..."""
    spelled = (pair.split(" -> ") for pair in pairs)
    return [Entry(Move(source, target), f"line {number}") for number, (source, target) in enumerate(spelled, 1)]


def moves(*pairs):
    return Moves.of(entries(*pairs))


def error(call, *arguments):
    with pytest.raises(ConfigError) as caught:
        call(*arguments)
    return str(caught.value)


def place(spelled):
    module, _, name = spelled.partition(":")
    return Place(module, name or None)


def target(held, spelled):
    """Where a place leads, spelled as in a move."""
    start = place(spelled)
    end = held.target(start.module, start.name)
    return None if end is None else str(end)


@pytest.fixture
def project(tmp_path):
    """A project of these files: all that a move can lead to, and the index that knows it."""

    def project(files):
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        found = project_of(tmp_path, [path for path in files if path.endswith(".py")], ())
        tops = first_parts(found)
        index = Index(found, {path: scan(found.read(path), tops) for path in sorted(found.files)})
        return index, [found.module_name(path) for path in sorted(found.files)]

    return project


class TestMove:
    @pytest.mark.parametrize(
        "spelled",
        [
            *("", ".", "a.", ".a", "a..b", "a b", "a/b.py", "a-b", "1a", "a.1", "a.class", "a:", ":X", "a:X.Y"),
            *("a:X:Y", "a:1", "a.*", "a:*", " a", "a\n", 'a"', "a:None", "\ud800"),
        ],
    )
    @pytest.mark.parametrize("key", ["from", "to"])
    def test_no_move(self, spelled, key):
        ends = {"from_": "m:N", "to": "m"} | {"from_" if key == "from" else "to": spelled}
        with pytest.raises(ValueError, match=rf"^`{key}` is "):
            Move(**ends)

    def test_a_module_is_no_name_afterwards(self):
        with pytest.raises(ValueError, match=r"^`a\.b` is a module and can't move to a name, `c:D`,$"):
            Move("a.b", "c:D")

    @pytest.mark.parametrize(
        ("source", "to", "end"),
        [
            ("a", "b", "b"),
            ("a.b", "c", "c"),
            ("a:X", "b", "b:X"),
            ("a.b:X", "c.d:Y", "c.d:Y"),
            ("größe:Ω", "数", "数:Ω"),
        ],
    )
    def test_a_move(self, source, to, end):
        entry = Entry(Move(source, to), "here")
        assert (str(entry.source), str(entry.target)) == (source, end)


class TestOptions:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"consumers": ("patch",)}, "`consumers` has `patch`"),
            ({"consumers": ("a.b:c",)}, "`consumers` has `a.b:c`"),
            ({"ignore": ("gen/",)}, "`ignore` has `gen/`"),
            ({"ignore": ("",)}, "`ignore` has ``"),
            ({"ignore": ("a.[bc]",)}, "`ignore` has "),
            ({"services": ("auth/",)}, "`services` has `auth/`"),
        ],
    )
    def test_wrong_ones(self, values, message):
        with pytest.raises(ValueError, match=r"^`") as caught:
            Options(**values)
        assert str(caught.value).startswith(message)

    @pytest.mark.parametrize(
        ("pattern", "module", "name", "ignored"),
        [
            ("a.b", "a.b.c", None, False),
            ("a.b", "xa.b", None, False),
            ("a.b", "aXb", None, False),
            ("a.b:X", "a.b", None, False),
            ("a.b:X", "a.b", "Y", False),
            ("a.*_pb2", "a.x_pb2_grpc", None, False),
            ("a.b", "a.b", None, True),
            ("a.b", "a.b", "X", True),
            ("a.b:X", "a.b", "X", True),
            ("a.b:X*", "a.b", "XY", True),
            ("a.*_pb2", "a.b.x_pb2", "X", True),
            ("*", "a.b", None, True),
        ],
    )
    def test_ignored(self, pattern, module, name, ignored):
        assert Options(ignore=("other", pattern)).ignores(module, name) is ignored

    def test_what_can_be_set(self):
        options = Options(consumers=("pkg.testing.patch_object",), ignore=("gen.*",), services=())
        assert not options.ignores("a", "b")

    def test_nothing_is_ignored_by_default(self):
        assert not Options().ignores("a", "b")

    def test_from_the_config(self, tmp_path):
        (tmp_path / "pyproject.toml").write_text(
            '[tool.ssot-fix.stale-imports]\nservices = ["auth"]\n\n'
            '[[tool.ssot-fix.stale-imports.moves]]\nfrom = "a.b"\nto = "c.d"\n\n'
            '[[tool.ssot-fix.stale-imports.moves]]\nfrom = "a.b:X"\nto = "e"\n'
        )
        config = load(tmp_path, tmp_path, {NAME: Options})
        held = (Move("a.b", "c.d"), Move("a.b:X", "e"))
        assert config.options(NAME, "") == Options(moves=held, services=("auth",))
        assert configured(config) == [Entry(held[0], "pyproject.toml:4"), Entry(held[1], "pyproject.toml:8")]

    def test_a_wrong_move_in_the_config(self, tmp_path):
        (tmp_path / "ssot-fix.toml").write_text('[[stale-imports.moves]]\nfrom = "a/b.py"\nto = "c.d"\n')
        assert error(load, tmp_path, tmp_path, {NAME: Options}) == (
            'ssot-fix.toml:1: `from` is "a/b.py", but a move has pkg.module or pkg.module:Name, in '
            "[[stale-imports.moves]]"
        )

    def test_no_config(self, tmp_path):
        assert configured(load(tmp_path, tmp_path, {NAME: Options})) == []


class TestContradictions:
    @pytest.mark.parametrize("pair", ["a -> a", "a.b:X -> a.b:X", "a.b:X -> a.b"])
    def test_a_move_to_itself(self, pair):
        source = pair.split(" -> ")[0]
        assert error(moves, "x -> y", pair) == (
            f"line 2: `{source}` moves to itself; correct `to`, or take the move out"
        )

    @pytest.mark.parametrize(
        ("one", "other", "said"),
        [
            ("a -> b", "a -> c", "`a` moves to `c`, but to `b` by line 1"),
            ("a:X -> b", "a:X -> b:Y", "`a:X` moves to `b:Y`, but to `b:X` by line 1"),
        ],
    )
    def test_two_that_disagree(self, one, other, said):
        assert error(moves, one, "x -> y", other) == f"line 3: {said}; take one of these moves out"

    @pytest.mark.parametrize(
        ("pairs", "message"),
        [
            (["a -> b", "b -> a"], "line 1: moves in a circle, `a` -> `b` -> `a` (line 2)"),
            (["a -> b", "b -> c", "c -> a"], "line 1: moves in a circle, `a` -> `b` -> `c` -> `a` (line 2, line 3)"),
            (["x -> a", "a -> b", "b -> a"], "line 2: moves in a circle, `a` -> `b` -> `a` (line 3)"),
            (["a:X -> b:Y", "b:Y -> a:X"], "line 1: moves in a circle, `a:X` -> `b:Y` -> `a:X` (line 2)"),
            (["a -> b", "b:X -> a"], "line 2: moves in a circle, `b:X` -> `a` -> `b:X` (line 1)"),
            (
                ["a:X -> b", "b -> c", "c -> a"],
                "line 1: moves in a circle, `a:X` -> `b` -> `c` -> `a:X` (line 2, line 3)",
            ),
        ],
    )
    def test_a_circle(self, pairs, message):
        assert error(moves, *pairs) == f"{message}; take one of them out"

    def test_two_that_agree(self):
        held = moves("a:X -> b", "c -> d", "a:X -> b:X")
        assert held.notes == ("line 3: says the same as line 1; take one of these moves out",)
        assert [entry.where for entry in held.sources()] == ["line 1", "line 2"]

    def test_a_name_may_go_elsewhere_than_its_module(self):
        held = moves("a -> b", "a:X -> c:Y")
        assert held.notes == ()
        assert target(held, "a:X") == "c:Y"
        assert target(held, "a:Z") == "b:Z"


class TestTarget:
    @pytest.mark.parametrize(
        ("pairs", "start"),
        [
            ([], "a:X"),
            (["a.b -> c"], "a"),
            (["a.b -> c"], "a:X"),
            (["a.b -> c"], "a.bc"),
            (["a.b -> c"], "x.a.b"),
            (["a:X -> b"], "a"),
            (["a:X -> b"], "a:Y"),
            (["a:X -> b"], "a:*"),
            (["a:X -> b"], "a.X:Y"),
            (["a -> a.core"], "a.core"),
            (["a -> a.core"], "a.core.x:Y"),
        ],
    )
    def test_no_move(self, pairs, start):
        assert target(moves(*pairs), start) is None

    @pytest.mark.parametrize(
        ("pairs", "start", "end"),
        [
            (["a.b -> c.d"], "a.b", "c.d"),
            (["a.b -> c.d"], "a.b:X", "c.d:X"),
            (["a.b -> c.d"], "a.b:*", "c.d:*"),
            (["a.b:X -> c.d:Y"], "a.b:X", "c.d:Y"),
            # from a import b, which was a module
            (["a.b -> c.d"], "a:b", "c.d"),
            # the most specific one
            (["a -> x", "a.b -> y", "a.b:X -> z"], "a.b:X", "z:X"),
            (["a -> x", "a.b -> y", "a.b:X -> z"], "a.b:Y", "y:Y"),
            (["a -> x", "a.b -> y", "a:b -> z:b"], "a:b", "z:b"),
            (["a -> x", "a.b -> y"], "a.b.c:X", "y.c:X"),
            (["a -> x", "a.b -> y"], "a.c.d:X", "x.c.d:X"),
            (["a -> x", "a.b -> y"], "a:b", "y"),
            # with its package
            (["a.b -> c"], "a.b.d.e", "c.d.e"),
            (["a -> a.core"], "a:X", "a.core:X"),
            (["a -> a.core"], "a.util", "a.core.util"),
            # chains
            (["a -> b", "b -> c", "c -> d"], "a:X", "d:X"),
            (["c -> d", "b -> c", "a -> b"], "a:X", "d:X"),
            (["a:X -> b:Y", "b -> c", "c:Y -> d:Z"], "a:X", "d:Z"),
            (["a -> b", "b:X -> c"], "a:X", "c:X"),
            (["a -> b", "b:X -> c"], "a:Y", "b:Y"),
            (["a -> b.c", "b -> d"], "a:X", "d.c:X"),
            (["a -> b", "b.x -> c"], "a.x:Y", "c:Y"),
            (["a -> b", "b.x -> c"], "a:x", "c"),
        ],
    )
    def test_where_to(self, pairs, start, end):
        assert target(moves(*pairs), start) == end

    def test_packages_that_move_into_each_other_lead_nowhere(self):
        assert target(moves("a -> b.x", "b -> a.y"), "a:X") is None

    def test_of_two_with_one_source_the_first_holds(self):
        held = Moves(entries("a -> b", "a -> c"))
        assert target(held, "a") == "b"
        assert [entry.where for entry in held.sources()] == ["line 1"]

    def test_what_they_can_not_tell_of(self):
        held = moves("a.b -> x", "c.d:X -> y:X")
        assert not any(map(held.may_tell_of, ["", "b", "a.c", "a.bb", "c.d2", "c.x", "x", "y"]))
        assert not moves().may_tell_of("")

    def test_unused(self):
        held = moves("a -> b", "b -> c", "d:X -> e", "f -> g", "h -> i", "j -> k")
        pairs = [("a", "X"), ("d", "Y"), ("f.sub", None), ("h", "i")]
        assert held.unused(pairs) == "line 3, line 6: nothing imports what is moved there; it can be taken out"
        assert held.unused([*pairs, ("d", "X"), ("j", "*")]) is None
        assert held.unused([]) == (
            "line 1, line 2, line 3 and 3 more: nothing imports what is moved there; it can be taken out"
        )
        assert moves().unused([]) is None

    def test_they_travel_to_a_worker(self):
        held = pickle.loads(pickle.dumps(moves("a -> b", "b:X -> c")))
        assert target(held, "a:X") == "c:X"


FILES = {
    "app/__init__.py": "",
    "app/new.py": "class Engine: ...\nclass Other: ...\ndef run(): ...\n",
    "app/old.py": "from app.new import Engine\nfrom app.stars import *\nclass Other: ...\n",
    "app/stars.py": "def starred(): ...\n",
    "app/dynamic.py": "def __getattr__(name): ...\n",
    "app/sub/__init__.py": "",
    "app/sub/engine.py": "class Engine: ...\n",
    "folder/tools/engine.py": "LIMIT = 1\n",
    "lib/made.pyi": "class Made: ...\n",
    "lib/made.so": "",
    "lib/__init__.py": "",
}


class TestValidate:
    @pytest.mark.parametrize(
        ("pair", "message"),
        [
            (
                "gone -> app.sub.engin",
                "`gone` moves to `app.sub.engin`, but the project has no module `app.sub.engin`; there is "
                "`app.sub.engine`",
            ),
            (
                "gone -> app.agents.engine",
                "`gone` moves to `app.agents.engine`, but the project has no module `app.agents.engine`; "
                "there is `app.sub.engine`, `folder.tools.engine`",
            ),
            (
                "gone -> elsewhere.quite_different",
                "`gone` moves to `elsewhere.quite_different`, but the project has no module "
                "`elsewhere.quite_different`; correct `to`, or take the move out",
            ),
            (
                "gone -> app.sub.motor",
                "`gone` moves to `app.sub.motor`, but the project has no module `app.sub.motor`; correct `to`",
            ),
            ("gone -> tomllib", "`gone` moves to `tomllib`, but the project has no module `tomllib`; correct `to`"),
            (
                "gone.Engine -> app.new.Engine",
                "`gone.Engine` moves to `app.new.Engine`, but that is no module; write `app.new:Engine` for a name",
            ),
            (
                "gone:starred -> app.new",
                "`gone:starred` moves to `app.new:starred`, but `app.new` has no `starred`; it is defined in "
                "app/stars.py",
            ),
            (
                "gone:Engine -> app.new:Engin",
                "`gone:Engine` moves to `app.new:Engin`, but `app.new` has no `Engin`; there is `Engine`",
            ),
            (
                "gone:X -> app.new:Zebra",
                "`gone:X` moves to `app.new:Zebra`, but `app.new` has no `Zebra`; nothing in the project defines it",
            ),
            (
                "gone:X -> folder:Zebra",
                "`gone:X` moves to `folder:Zebra`, but `folder` has no `Zebra`; nothing in the project defines it",
            ),
            ("gone:X -> gone2", "`gone:X` moves to `gone2:X`, but the project has no module `gone2`; "),
            # Even if the source is still there.
            ("app.old -> app.older", "`app.old` moves to `app.older`, but the project has no module `app.older`; "),
        ],
    )
    def test_no_such_target(self, project, pair, message):
        index, modules = project(FILES)
        assert error(validate, moves("gone3 -> app.new", pair), index, modules).startswith(f"line 2: {message}")

    def test_every_wrong_move_is_named_and_of_a_chain_the_last_one(self, project):
        index, _ = project(FILES)
        wrong = moves("a -> b", "b -> nope", "c:X -> app.new", "d:X -> a", "e -> app.new")
        lines = error(validate, wrong, index).splitlines()
        assert [line.partition(",")[0] for line in lines] == [
            "line 2: `b` moves to `nope`",
            "line 3: `c:X` moves to `app.new:X`",
            "line 4: `d:X` moves to `a:X`",
        ]
        assert "which moves on to `nope:X`, but the project has no module `nope`" in lines[2]

    @pytest.mark.parametrize(
        ("pair", "still"),
        [
            ("app.old -> app.new", "`app.old` is still there beside `app.new`"),
            ("app.old -> app.sub", "`app.old` is still there beside `app.sub`"),
            ("app -> app.new", "`app` is still there beside `app.new`"),
            ("app.old:Other -> app.new", "`app.old:Other` is still there beside `app.new:Other`"),
            ("app:sub -> app:new", "`app:sub` is still there beside `app:new`"),
            ("app.old:Other -> app.dynamic", "`app.old:Other` is still there beside `app.dynamic:Other`"),
        ],
    )
    def test_a_consolidation_under_way(self, project, pair, still):
        index, _ = project(FILES)
        held = validate(moves("gone -> app.new", pair), index)
        (note,) = held.notes
        assert note.startswith(
            f"line 2: {still}, a consolidation under way, so this move is not used; remove what is to"
        )
        assert [entry.where for entry in held.sources()] == ["line 1"]
        assert target(held, pair.split(" -> ")[0]) is None

    def test_a_move_that_is_not_used_is_in_no_chain(self, project):
        index, _ = project(FILES)
        held = validate(moves("gone -> app.old", "app.old -> app.new", "lost:Other -> app.old"), index)
        assert target(held, "gone:Other") == "app.old:Other"
        assert target(held, "lost:Other") == "app.old:Other"

    @pytest.mark.parametrize(
        "pair",
        [
            "gone -> app",
            "gone -> folder",
            "gone -> folder.tools",
            "gone:LIMIT -> folder.tools.engine",
            "gone:sub -> app",
            "gone:Any -> app.dynamic:Thing",
            "gone:starred -> app.old",
            "gone -> lib.made",
            "gone:Made -> lib.made",
            # What is only imported in the old place is no second definition.
            "app.old:Engine -> app.new",
            "app.old:starred -> app.stars",
            "app.old:missing -> app.new:run",
            # A folder is no module that is still there.
            "folder.tools -> app.sub",
        ],
    )
    def test_fit_for_use(self, project, pair):
        index, modules = project(FILES)
        held = validate(moves(pair), index, modules)
        assert held.notes == ()
        source, to = pair.split(" -> ")
        assert target(held, source) == str(Entry(Move(source, to), "").target)

    def test_a_chain_over_what_is_gone(self, project):
        index, _ = project(FILES)
        held = validate(moves("a -> b", "b -> app.new", "c:X -> a:run"), index)
        assert target(held, "a:Engine") == "app.new:Engine"
        assert target(held, "c:X") == "app.new:run"

    def test_a_package_takes_with_it_what_is_gone_and_is_there(self, project):
        index, _ = project(FILES)
        held = validate(moves("tools -> folder.tools", "folder.other -> app"), index)
        assert target(held, "tools.engine:LIMIT") == "folder.tools.engine:LIMIT"
        assert target(held, "tools.nope:LIMIT") is None
        assert target(held, "folder.other.sub.engine") == "app.sub.engine"

    def test_a_package_does_not_take_what_is_still_there(self, project):
        index, _ = project(FILES | {"old/kept.py": "", "new/kept.py": "", "new/moved.py": ""})
        held = validate(moves("old -> new"), index)
        assert held.notes == ()
        assert target(held, "old.moved:X") == "new.moved:X"
        assert target(held, "old.kept:X") is None

    def test_earlier_notes_stay(self, project):
        index, _ = project(FILES)
        held = validate(moves("gone -> app.new", "gone -> app.new", "app.old -> app.new"), index)
        assert [note.partition(":")[0] for note in held.notes] == ["line 2", "line 3"]


PLACES = st.sampled_from(["a", "b", "a.b", "b.a", "a.b.c", "a:X", "b:X", "a.b:X", "a:b", "b:Y", "c"])


@st.composite
def random_moves(draw):
    pairs = draw(st.lists(st.tuples(PLACES, PLACES), max_size=6))
    return [f"{source} -> {to}" for source, to in pairs if ":" in source or ":" not in to]


@given(random_moves(), PLACES, st.randoms(use_true_random=False))
@settings(max_examples=500)
def test_any_moves(pairs, start, random):
    """They are refused in any order or in none; where they lead is the same in any order, and the end of the road."""
    shuffled = random.sample(pairs, len(pairs))
    try:
        held = moves(*pairs)
    except ConfigError:
        with pytest.raises(ConfigError):
            moves(*shuffled)
        return
    assert target(held, start) == target(moves(*shuffled), start)
    end = target(held, start)
    if end is not None:
        assert end != start
        assert target(held, end) is None
        assert held.may_tell_of(place(start).module)
        assert held.may_tell_of(start.replace(":", "."))


@given(random_moves())
@settings(max_examples=300)
def test_moves_that_are_taken_lead_to_their_end(pairs):
    """Each goes where it says, unless another one goes on from there."""
    try:
        held = moves(*pairs)
    except ConfigError:
        return
    for entry in held.sources():
        end = target(held, str(entry.source))
        if end is not None:
            onwards = target(held, str(entry.target))
            assert end == (str(entry.target) if onwards is None else onwards)
    again = Moves.of([replace(entry, where="again") for entry in held.sources()])
    assert [entry.move for entry in again.sources()] == [entry.move for entry in held.sources()]
