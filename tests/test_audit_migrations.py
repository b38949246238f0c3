"""Alembic's chains: what is told of them, and what is not claimed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_view import MemoryView

from ssot_fix.audit.areas import migrations
from ssot_fix.audit.model import Chain
from ssot_fix.audit.settings import Options

INI = "[alembic]\nscript_location = db\n"
ENV = {"alembic.ini": INI, "db/env.py": ""}


def revision(id_: str, down: object = None, extra: str = "") -> str:
    return f"revision = {id_!r}\ndown_revision = {down!r}\n{extra}"


def chains(files: dict[str, str | bytes | None], options: Options | None = None) -> tuple[Chain, ...]:
    return migrations.chains(MemoryView(files, options or Options(), {migrations.NAME: migrations.look}))


def told(files: dict[str, str | bytes | None], options: Options | None = None) -> list[tuple[str, str, int, str]]:
    found = migrations.findings(chains(files, options))
    return [(finding.kind, finding.path, finding.line, finding.subject) for finding in found]


CLEAN: dict[str, dict[str, str | bytes | None]] = {
    "no migrations": {"a.py": "down_revision = None\n", "versions/a.py": "x = 1\n"},
    "a line": {**ENV, "db/versions/a.py": revision("a"), "db/versions/b.py": revision("b", "a")},
    "a merge": {
        **ENV,
        "db/versions/a.py": revision("a"),
        "db/versions/b.py": revision("b", "a"),
        "db/versions/c.py": revision("c", "a"),
        "db/versions/d.py": revision("d", ("b", "c")),
    },
    "independent branches with labels": {
        **ENV,
        "db/versions/a.py": revision("a", None, "branch_labels = ('one',)\n"),
        "db/versions/b.py": revision("b", "a"),
        "db/versions/c.py": revision("c", None, "branch_labels = 'two'\n"),
    },
    "a head whose follower can't be read": {
        **ENV,
        "db/versions/a.py": revision("a"),
        "db/versions/b.py": revision("b"),
        "db/versions/c.py": "revision = 'c'\ndown_revision = newest()\n",
    },
    "an id that a file which can't be parsed may have": {
        **ENV,
        "db/versions/a.py": revision("a", "b"),
        "db/versions/b.py": "revision = 'b'\ndown_revision = (\n",
    },
    "a missing object": {**ENV, "db/versions/a.py": revision("a", "b"), "db/versions/b.py": None},
    "editors' files and packages": {
        **ENV,
        "db/versions/__init__.py": "",
        "db/versions/.#a.py": revision("z"),
        "db/versions/a.py": revision("a"),
        "db/versions/inner/b.py": revision("b"),
    },
    "a location that only running tells": {"alembic.ini": "[alembic]\nscript_location = ${HOME}/db\n"},
    "a location elsewhere": {"alembic.ini": "[alembic]\nscript_location = /srv/db\n"},
    "a location outside of the project": {"a/alembic.ini": "[alembic]\nscript_location = ../../db\n"},
    "a location in a package that is not here": {"alembic.ini": "[alembic]\nscript_location = pkg:db\n"},
    "beside the file": {"service/alembic.ini": INI, "service/db/env.py": ""},
    "Flask's, which says nothing of a location": {
        "migrations/alembic.ini": "[alembic]\nfile_template = x\n",
        "migrations/env.py": "",
        "migrations/versions/a.py": revision("a"),
    },
    "settings that no parser reads": {"alembic.ini": "script_location = db\n", "pyproject.toml": "[tool.alembic\n"},
}


@pytest.mark.parametrize("files", CLEAN.values(), ids=CLEAN)
def test_nothing_is_claimed(files: dict[str, str | bytes | None]) -> None:
    assert told(files) == []


WRONG: dict[str, tuple[dict[str, str | bytes | None], list[tuple[str, str, int, str]]]] = {
    "several heads": (
        {**ENV, "db/versions/a.py": revision("a"), "db/versions/b.py": revision("b")},
        [("several-heads", "db/versions/a.py", 1, "a, b")],
    ),
    "depends_on leaves a head a head": (
        {**ENV, "db/versions/a.py": revision("a"), "db/versions/b.py": revision("b", None, "depends_on = 'a'\n")},
        [("several-heads", "db/versions/a.py", 1, "a, b")],
    ),
    "an id twice": (
        {**ENV, "db/versions/a.py": revision("a"), "db/versions/b.py": "\n" + revision("a")},
        [("duplicate-id", "db/versions/b.py", 2, "a")],
    ),
    "an id that is not there": (
        {**ENV, "db/versions/a.py": revision("a", "gone")},
        [("missing-id", "db/versions/a.py", 1, "gone")],
    ),
    "no env.py": (
        {"alembic.ini": INI, "db/versions/a.py": revision("a")},
        [("no-env", "alembic.ini", 2, "db")],
    ),
    "no env.py in a folder that only looks like one": (
        {"x/db/versions/a.py": revision("a")},
        [("no-env", "x/db/versions/a.py", 1, "x/db")],
    ),
    "a folder that is not there": ({"alembic.ini": INI}, [("missing-location", "alembic.ini", 2, "db")]),
    "two files that name it": (
        {"alembic.ini": INI, "etc/alembic-old.ini": f"\n{INI}"},
        [("missing-location", "alembic.ini", 2, "db"), ("missing-location", "etc/alembic-old.ini", 3, "db")],
    ),
    "a folder that pyproject.toml names": (
        {"pyproject.toml": '[tool.alembic]\nscript_location = "%(here)s/db"\n'},
        [("missing-location", "pyproject.toml", 2, "db")],
    ),
}


@pytest.mark.parametrize(("files", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told(
    files: dict[str, str | bytes | None], expected: list[tuple[str, str, int, str]]
) -> None:
    assert told(files) == expected


def test_a_location_that_the_settings_name_and_that_is_not_there_is_told() -> None:
    assert told({"a.py": ""}, Options(migrations=("db/",))) == [("missing-location", "pyproject.toml", 0, "db")]


REEXPORTS = {
    "a helper's names": "from helpers.meta import down_revision, revision\n",
    "other names": "from helpers.meta import NAME as revision, down_revision\n",
    "assigned": "from helpers.meta import NAME, down_revision as old\nrevision: str = NAME\ndown_revision = old\n",
    "a module's": "import helpers.meta\nrevision = helpers.meta.NAME\ndown_revision = helpers.meta.down_revision\n",
    "a package's module": "from helpers import meta as m\nrevision = m.NAME\ndown_revision = m.down_revision\n",
    "through a package": "from helpers import revision, down_revision\n",
    "relative": "from ...helpers.meta import revision, down_revision\n",
}


@pytest.mark.parametrize("text", REEXPORTS.values(), ids=REEXPORTS)
def test_ids_are_followed_to_the_helpers_that_have_them(text: str) -> None:
    files: dict[str, str | bytes | None] = {
        **ENV,
        "__init__.py": "",
        "helpers/__init__.py": "from helpers.meta import down_revision, revision\n",
        "helpers/meta.py": "revision: str = 'b'\ndown_revision: str | None = 'a'\nNAME = 'b'\n",
        "db/versions/a.py": revision("a"),
        "db/versions/b.py": text,
    }
    (chain,) = chains(files)
    assert [(each.id, each.down, each.place.path) for each in chain.revisions] == [
        ("a", (), "db/versions/a.py"),
        ("b", ("a",), "db/versions/b.py"),
    ]
    assert (chain.heads, chain.notes) == (("b",), ())


UNTOLD = [
    "from gone import down_revision, revision\n",
    "revision = make()\ndown_revision = None\n",
    "revision = None\ndown_revision = None\n",
    "if x:\n    revision = 'a'\nelse:\n    revision = 'b'\ndown_revision = None\n",
    "revision = 'a'\nfor revision in 'ab':\n    pass\ndown_revision = None\n",
    "revision = ('a', 'b')\ndown_revision = None\n",
    "down_revision = 'a'\n",
    "import a\nrevision = a" + ".b" * 5000 + "\ndown_revision = None\n",
    "from gone import *\n# down_revision\n",
]


@pytest.mark.parametrize("text", UNTOLD)
def test_what_can_not_be_told_is_a_note(text: str) -> None:
    (chain,) = chains({**ENV, "db/versions/a.py": revision("a"), "db/versions/b.py": text})
    assert chain.notes == ("db/versions/b.py: the id of this migration can't be told",)
    assert [each.id for each in chain.revisions] == ["a"]


LOCATIONS = {
    "of the file's folder": ("x/alembic.ini", "[alembic]\nscript_location = %(here)s/db\n", "x/db"),
    "of a package, with several colons": ("alembic.ini", "[alembic]\nscript_location = pkg:a:db\n", "pkg/a/db"),
    "of a package": ("alembic.ini", "[alembic]\nscript_location = pkg:db\n", "pkg/db"),
    "of another section": ("alembic.ini", "[other]\nscript_location = ./x//db/\n", "x/db"),
    "of a pyproject.toml below": ("x/pyproject.toml", '[tool.alembic]\nscript_location = "db"\n', "x/db"),
}


@pytest.mark.parametrize(("path", "text", "expected"), LOCATIONS.values(), ids=LOCATIONS)
def test_locations_are_found(path: str, text: str, expected: str) -> None:
    files: dict[str, str | bytes | None] = {path: text, "pkg/__init__.py": "", f"{expected}/env.py": ""}
    assert [(chain.path, chain.is_there) for chain in chains(files)] == [(expected, True)]


SEPARATORS = {
    "spaces and commas": "version_locations = one two, db/versions\n",
    "os": "version_path_separator = os\nversion_locations = one:two:db/versions\n",
    "space": "path_separator = space\nversion_locations = one  two db/versions\n",
    "newline": "path_separator = newline\nversion_locations =\n    one\n    two\n    db/versions\n",
    "semicolon": "version_path_separator = ;\nversion_locations = %(here)s/one;two;db/versions\n",
}


@pytest.mark.parametrize("settings", SEPARATORS.values(), ids=SEPARATORS)
def test_several_folders_make_up_one_chain(settings: str) -> None:
    files: dict[str, str | bytes | None] = {
        "alembic.ini": INI + settings,
        "db/env.py": "",
        "db/versions/a.py": revision("a"),
        "one/b.py": revision("b", "a"),
        "two/c.py": revision("c", "b"),
        "two/deep/d.py": revision("d", "c"),
    }
    assert [chain.heads for chain in chains(files)] == [("c",)]
    files["alembic.ini"] = f"{INI}recursive_version_locations = true\n{settings}"
    assert [chain.heads for chain in chains(files)] == [("d",)]


STATES: dict[str, tuple[object, tuple[str, ...]]] = {
    "at the head": ({"current": "b"}, ()),
    "all applied": ({"applied": ["a", "b"]}, ()),
    "objects": ({"migrations": [{"id": "a"}, {"id": "b"}]}, ()),
    "a list": (["b"], ()),
    "none applied": (
        {"applied_migrations": [], "current_version": None},
        ("state.json shows no applied migrations, of 2 in db",),
    ),
    "behind": ({"current_version": "a", "applied": []}, ("state.json stands at a, not at the head (b)",)),
    "a head that is not applied": (["a"], ("state.json does not list the head b as applied",)),
    "an unknown id": (
        {"current": "b", "applied": ["a", "x"]},
        ("state.json names x, which no migration of db has",),
    ),
    "something else": (
        {"today": 1},
        ("the state file state.json says nothing of migrations that is understood",),
    ),
    "a number": (3, ("the state file state.json says nothing of migrations that is understood",)),
}


@pytest.mark.parametrize(("state", "expected"), STATES.values(), ids=STATES)
def test_the_state_file_is_held_against_the_chain(state: object, expected: tuple[str, ...]) -> None:
    assert _state(json.dumps(state)) == expected


BROKEN: list[tuple[str | bytes | None, str]] = [
    ("{", "the state file state.json is not JSON"),
    (b"\xff\xfe\xff", "the state file state.json is not JSON"),
    ("[" * 200_000, "the state file state.json is not JSON"),
    (None, "the state file state.json can't be read"),
]


@pytest.mark.parametrize(("text", "expected"), BROKEN)
def test_a_state_file_that_is_none_is_told(text: str | bytes | None, expected: str) -> None:
    assert _state(text) == (expected,)


def test_a_state_file_that_is_not_in_the_repository_is_told() -> None:
    files: dict[str, str | bytes | None] = {**ENV, "db/versions/a.py": revision("a")}
    (chain,) = chains(files, Options(migration_state=".x/state.json"))
    expected = "the state file .x/state.json is not in the repository{}: what was applied is not known from there"
    assert chain.state == (expected.format(""),)
    (chain,) = chains({**files, ".gitignore": ".x/\n"}, Options(migration_state=".x/state.json"))
    assert chain.state == (expected.format(" (.gitignore names it)"),)
    assert [finding.kind for finding in migrations.findings((chain,))] == ["state"]


def _state(text: str | bytes | None) -> tuple[str, ...]:
    files: dict[str, str | bytes | None] = {
        **ENV,
        "db/versions/a.py": revision("a"),
        "db/versions/b.py": revision("b", "a"),
        "other/versions/z.py": revision("z"),
        "state.json": text,
    }
    about, other = chains(files, Options(migration_state="state.json"))
    assert other.state == ()
    return about.state


@given(st.lists(st.lists(st.integers(0, 11), max_size=2, unique=True), min_size=1, max_size=12))
def test_heads_and_branches_are_those_of_the_graph(downs: list[list[int]]) -> None:
    graph = {f"r{at}": tuple(f"r{down}" for down in below if down < at) for at, below in enumerate(downs)}
    files: dict[str, str | bytes | None] = {**ENV}
    files |= {f"db/versions/{id_}.py": revision(id_, below or None) for id_, below in graph.items()}
    (chain,) = chains(files)
    followers = {id_: [other for other, below in graph.items() if id_ in below] for id_ in graph}
    assert chain.heads == tuple(sorted(id_ for id_ in graph if not followers[id_]))
    assert chain.branches == tuple(sorted(id_ for id_ in graph if len(followers[id_]) > 1))
    assert (chain.duplicates, chain.missing, chain.notes) == ((), (), ())
