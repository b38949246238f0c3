"""Moves into the settings: what is there stays, what can't be appended is refused, and once is enough."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codemods.stale_imports.options import NAME, Move, Options
from ssot_fix.delivery.append_config import append_moves
from ssot_fix.project.config import ConfigError, load
from ssot_fix.project.discovery import UsageError

ENGINE = Move("app.core.engine", "app.agents.engine")
RENAMED = Move("app.core.errors:Failure", "app.errors:AppError")
EVIDENCE = ("moved in 1a2b3c4 (2025-03-01)", "98 % of its text")
BOTH = [(ENGINE, EVIDENCE), (RENAMED, ())]
BLOCKS = """\
# moved in 1a2b3c4 (2025-03-01)
# 98 % of its text
[[tool.ssot-fix.stale-imports.moves]]
from = "app.core.engine"
to = "app.agents.engine"

[[tool.ssot-fix.stale-imports.moves]]
from = "app.core.errors:Failure"
to = "app.errors:AppError"
"""
OWN_BLOCKS = BLOCKS.replace("tool.ssot-fix.", "")
ALREADY = '[[tool.ssot-fix.stale-imports.moves]]\nfrom = "app.core.engine"\nto = "app.agents.engine"\n'

posix_only = pytest.mark.skipif(os.name != "posix", reason="symbolic links, modes")


@pytest.fixture
def append(tmp_path):
    """Append moves to a pyproject.toml, or another file, of the given text; what was told, and the new text."""

    def append(old, moves=BOTH, name="pyproject.toml"):
        file = tmp_path / name
        file.write_bytes(old if isinstance(old, bytes) else old.encode())
        return append_moves(file, tmp_path, moves), file.read_bytes().decode()

    return append


@pytest.fixture
def refused(tmp_path, append):
    """The message of the error; the file is as it was, and there is no other."""

    def refused(old, moves=BOTH, name="pyproject.toml", error=ConfigError):
        with pytest.raises(error) as caught:
            append(old, moves, name)
        assert (tmp_path / name).read_bytes() == (old if isinstance(old, bytes) else old.encode())
        assert [*tmp_path.iterdir()] == [tmp_path / name]
        return str(caught.value)

    return refused


class TestRefused:
    @pytest.mark.parametrize(
        ("old", "message"),
        [
            ("[tool.ssot-fix]\njobs 1\n", "pyproject.toml:2: not valid TOML: "),
            (b"[tool.ssot-fix] # caf\xe9\n", "pyproject.toml: not UTF-8, "),
            ("[tool.ssot-fix]\n".encode("utf-16"), "pyproject.toml: not UTF-8, "),
            ("[tool.black]\n", "pyproject.toml: no table [tool.ssot-fix]"),
            ("[tool.ssot-fix.stale-imports]\nmove = 1\n", "pyproject.toml:2: unknown key `move` in "),
            (f"{ALREADY}too = 1\n", "pyproject.toml:4: unknown key `too` in [[tool.ssot-fix.stale-imports.moves]]"),
            ("[tool.ssot-fix.stale-imports]\nmoves = 1\n", "pyproject.toml:2: `moves` is a list of tables"),
        ],
    )
    def test_no_valid_settings(self, refused, old, message):
        assert refused(old).startswith(message)

    @pytest.mark.parametrize("old", ["moves = []", 'moves = [{ from = "a", to = "b" }]'])
    @pytest.mark.parametrize(
        ("header", "name", "shown"),
        [
            ("[tool.ssot-fix.stale-imports]\n", "pyproject.toml", "tool.ssot-fix.stale-imports"),
            ("[tool.ssot-fix]\nstale-imports.", "pyproject.toml", "tool.ssot-fix.stale-imports"),
            ("[stale-imports]\n", "ssot-fix.toml", "stale-imports"),
        ],
    )
    def test_an_inline_array_comes_with_what_to_paste(self, refused, old, header, name, shown):
        assert refused(f"{header}{old}\n", name=name) == (
            f"{name}:2: `moves` is an inline array, to which nothing can be appended; write [[{shown}.moves]] for "
            "each move and run again, or paste:\n"
            "# moved in 1a2b3c4 (2025-03-01)\n"
            "# 98 % of its text\n"
            '{ from = "app.core.engine", to = "app.agents.engine" },\n'
            '{ from = "app.core.errors:Failure", to = "app.errors:AppError" },'
        )

    def test_what_is_pasted_is_valid(self, refused, tmp_path):
        pasted = refused("[tool.ssot-fix.stale-imports]\nmoves = []\n").partition("paste:")[2]
        (tmp_path / "pyproject.toml").write_text(f"[tool.ssot-fix.stale-imports]\nmoves = [{pasted}\n]\n")
        assert moves_in(tmp_path) == (ENGINE, RENAMED)

    @pytest.mark.parametrize(
        ("old", "message"),
        [
            (
                "\n[tool.ssot-fix]\nstale-imports = { auto = 'off' }\n",
                "pyproject.toml:3: `stale-imports` is an inline table, to which nothing can be appended; "
                "write it as [tool.ssot-fix.stale-imports] and run again",
            ),
            (
                "[tool.ssot-fix]\nstale-imports = { moves = [] }\n",
                "pyproject.toml:2: `stale-imports` is an inline table, ",
            ),
            ("[tool]\nssot-fix = { jobs = 1 }\n", "pyproject.toml:2: `ssot-fix` is an inline table, "),
            ("\ntool = { ssot-fix = {} }\n", "pyproject.toml:2: `tool` is an inline table, "),
        ],
    )
    def test_an_inline_table(self, refused, old, message):
        assert refused(old).startswith(message)

    def test_a_move_that_contradicts_the_settings(self, refused):
        other = ALREADY.replace("agents", "supervisor")
        assert refused(other) == (
            "a move to be added: `app.core.engine` moves to `app.agents.engine`, but to `app.supervisor.engine` by "
            "pyproject.toml:1; take one of these moves out"
        )

    def test_a_move_that_closes_a_circle(self, refused):
        message = refused(ALREADY, [(Move("app.agents.engine", "app.core.engine"), ())])
        assert message.startswith("pyproject.toml:1: moves in a circle, ")

    @posix_only
    def test_a_file_that_must_not_be_written(self, refused, tmp_path, tmp_path_factory):
        outside = tmp_path_factory.mktemp("outside") / "shared.toml"
        outside.write_text("[tool.ssot-fix]\n")
        (tmp_path / "pyproject.toml").symlink_to(outside)
        message = refused("[tool.ssot-fix]\n", error=UsageError)
        assert message.startswith("pyproject.toml is a symbolic link that leads outside the project, to ")

    @posix_only
    def test_a_read_only_file(self, tmp_path):
        file = tmp_path / "pyproject.toml"
        file.write_text("[tool.ssot-fix]\n")
        file.chmod(0o444)
        with pytest.raises(UsageError, match=r"^pyproject\.toml is read-only; "):
            append_moves(file, tmp_path, BOTH)
        assert file.read_text() == "[tool.ssot-fix]\n"

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(ConfigError, match=r"^nope\.toml: the settings can't be read: "):
            append_moves(tmp_path / "nope.toml", tmp_path, BOTH)
        assert not [*tmp_path.iterdir()]


class TestNewFile:
    def test_no_moves_no_file(self, tmp_path):
        assert append_moves(None, tmp_path, []) == "There are no moves to write."
        assert not [*tmp_path.iterdir()]

    def test_moves_that_contradict_one_another_leave_no_file(self, tmp_path):
        with pytest.raises(ConfigError, match="by a move to be added"):
            append_moves(None, tmp_path, [*BOTH, (Move(ENGINE.from_, "app.other"), ())])
        assert not [*tmp_path.iterdir()]

    def test_one_that_was_made_meanwhile_is_not_touched(self, tmp_path):
        (tmp_path / "ssot-fix.toml").write_text("jobs = 1\n")
        with pytest.raises(UsageError, match=r"^ssot-fix\.toml exists already and is not overwritten; "):
            append_moves(None, tmp_path, BOTH)
        assert (tmp_path / "ssot-fix.toml").read_text() == "jobs = 1\n"

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(UsageError, match=r"^ssot-fix\.toml was not written: "):
            append_moves(None, tmp_path / "nope", BOTH)

    def test_written(self, tmp_path):
        (tmp_path / "pyproject.toml").write_text("[project]\n")
        assert append_moves(None, tmp_path, BOTH) == "Wrote 2 moves to ssot-fix.toml."
        assert (tmp_path / "ssot-fix.toml").read_bytes().decode() == OWN_BLOCKS
        assert moves_in(tmp_path) == (ENGINE, RENAMED)


class TestAppended:
    @pytest.mark.parametrize(
        "old",
        [
            "[tool.ssot-fix]\njobs = 1\n",
            "[tool.ssot-fix]\njobs = 1\n\n[tool.other] # ours is not the last\nx = nan\nwhen = 2020-01-01\n",
            "[tool.ssot-fix.stale-imports]\nauto = 'proven'\n",
            "[tool.ssot-fix]\nstale-imports.auto = 'proven'\n",
            "tool.ssot-fix.stale-imports.auto = 'proven'\n",
            "[[tool.ssot-fix.overrides]]\npaths = ['a/']\nstale-imports = { ignore = ['x'] }\n",
            "[[tool.ssot-fix.overrides]]\npaths = ['a/']\n[tool.ssot-fix.overrides.stale-imports]\nignore = ['x']\n",
            "[ tool . 'ssot-fix' . \"stale-imports\" ]\n\t# last words\n",
            'text = """\n[tool.ssot-fix.stale-imports]\nmoves = []\n"""\n[tool.ssot-fix]\n',
        ],
    )
    def test_below_what_is_there(self, append, old):
        assert append(old) == ("Wrote 2 moves to pyproject.toml.", f"{old}\n{BLOCKS}")

    @pytest.mark.parametrize(
        ("old", "between"),
        [
            ("jobs = 1\n", "\n"),
            ("jobs = 1", "\n\n"),
            ("jobs = 1 # why", "\n\n"),
            ("jobs = 1\n\n", ""),
            ("jobs = 1\r\n", "\r\n"),
            ("jobs = 1\r\ninclude-tests = true", "\r\n\r\n"),
            ("jobs = 1\r\n\r\n", ""),
            ("\ufeffjobs = 1\n", "\n"),
            ("\ufeff", ""),
            ("", ""),
        ],
    )
    def test_newlines_and_byte_order_mark_stay(self, append, old, between):
        blocks = OWN_BLOCKS.replace("\n", "\r\n") if "\r" in old else OWN_BLOCKS
        assert append(old, name="ssot-fix.toml")[1] == f"{old}{between}{blocks}"

    def test_moves_that_are_there_are_passed_over(self, append):
        told, new = append(ALREADY)
        assert told == "Wrote 1 move to pyproject.toml; 1 move there already."
        assert new == f"{ALREADY}\n[[tool.ssot-fix.stale-imports.moves]]{BLOCKS.rpartition(']]')[2]}"

    def test_a_move_that_is_spelled_otherwise_there(self, append):
        old = '[[tool.ssot-fix.stale-imports.moves]]\nfrom = "a:X"\nto = "b"\n'
        told = "Wrote nothing to pyproject.toml: 1 move there already."
        assert append(old, [(Move("a:X", "b:X"), ())]) == (told, old)

    def test_inline_arrays_matter_only_if_there_is_something_new(self, append):
        old = '[tool.ssot-fix.stale-imports]\nmoves = [{ from = "app.core.engine", to = "app.agents.engine" }]\n'
        assert append(old, BOTH[:1]) == ("Wrote nothing to pyproject.toml: 1 move there already.", old)

    def test_the_same_move_twice_is_written_once(self, append):
        told, new = append("[tool.ssot-fix]\n", [*BOTH, *BOTH])
        assert told == "Wrote 2 moves to pyproject.toml; 2 moves there already."
        assert new == f"[tool.ssot-fix]\n\n{BLOCKS}"

    def test_a_second_run_writes_nothing(self, append):
        new = append("[tool.ssot-fix]\n")[1]
        assert append(new) == ("Wrote nothing to pyproject.toml: 2 moves there already.", new)

    def test_evidence_can_not_break_out_of_its_comment(self, append):
        evidence = ("one\ntwo = 1\r\x00\x7f", "", "tab\tand \u2028 é stay", "\udc80")
        new = append("", [(ENGINE, evidence)], "ssot-fix.toml")[1]
        assert new.split("[[")[0] == "# one?two = 1???\n#\n# tab\tand \u2028 é stay\n# ?\n"

    def test_names_of_any_script(self, append, tmp_path):
        append("", [(Move("größe.数:Ω", "größe.数量:Ψ"), ())], "ssot-fix.toml")
        assert moves_in(tmp_path) == (Move("größe.数:Ω", "größe.数量:Ψ"),)

    @posix_only
    def test_a_link_inside_the_project(self, tmp_path):
        (tmp_path / "config").mkdir()
        (tmp_path / "config/shared.toml").write_text("[tool.ssot-fix]\n")
        (tmp_path / "pyproject.toml").symlink_to("config/shared.toml")
        assert append_moves(tmp_path / "pyproject.toml", tmp_path, BOTH) == "Wrote 2 moves to config/shared.toml."
        assert (tmp_path / "pyproject.toml").is_symlink()
        assert moves_in(tmp_path) == (ENGINE, RENAMED)

    def test_a_file_that_was_named_may_lie_elsewhere(self, tmp_path, tmp_path_factory):
        file = tmp_path_factory.mktemp("elsewhere") / "ci.toml"
        file.write_text("jobs = 1\n")
        assert append_moves(file, tmp_path, BOTH) == "Wrote 2 moves to ci.toml."
        assert file.read_text() == f"jobs = 1\n\n{OWN_BLOCKS}"


def moves_in(root):
    return load(root, root, {NAME: Options}).options(NAME, "").moves


OURS = (
    "[tool.ssot-fix]\njobs = 1\n",
    "[tool.ssot-fix]\nstale-imports.ignore = ['x.*']\n",
    "[tool.ssot-fix.stale-imports]\nauto = 'proven' # why\nignore = [\n  'gen.*', # made\n]\n",
)
OTHERS = (
    "[[tool.ssot-fix.overrides]]\npaths = ['a/']\n[tool.ssot-fix.overrides.stale-imports]\nignore = ['x']\n",
    "[[tool.ssot-fix.stale-imports.moves]]\nfrom = 'old.one'\nto = 'new.one'\n",
    "[[tool.ssot-fix.stale-imports.moves]]\nto = 'new.two:B'\nfrom = 'old.two:A'\n",
    "[other]\nx = { a = [1, nan, inf, -0.0], b = 2020-01-01T00:00:00Z }\n",
    '[more]\ntext = """\n[[tool.ssot-fix.stale-imports.moves]]\n\\\n  # no comment\n"""\n',
    "[[list]]\n[[list.inner]]\nq.'a.b' = '''\n'''\n",
    "# a comment\n",
    "\n",
)
NAMES = st.sampled_from("abc") | st.sampled_from(["größe", "数", "_x", "Name", "async_", "μ"])
DOTTED = st.lists(NAMES, min_size=1, max_size=3).map(".".join)


@st.composite
def several_moves(draw):
    """Moves from `from_*` to `to_*`, which can't contradict one another, with evidence of any text."""
    sources = draw(st.lists(st.tuples(DOTTED, st.none() | NAMES), max_size=4, unique=True))
    moves = []
    for module, name in sources:
        target = f"to_{draw(DOTTED)}"
        if name is None:
            moves.append(Move(f"from_{module}", target))
        else:
            moves.append(Move(f"from_{module}:{name}", draw(st.sampled_from([target, f"{target}:{name}2"]))))
    return [(move, draw(st.lists(st.text(max_size=9), max_size=2))) for move in moves]


@st.composite
def documents(draw):
    """The bytes of a pyproject.toml with a table of ours, in all kinds of orders and layouts."""
    others = draw(st.lists(st.sampled_from(OTHERS), unique=True))
    text = "".join(draw(st.permutations([draw(st.sampled_from(OURS)), *others])))
    text = draw(st.sampled_from([text, text.removesuffix("\n"), f"{text}# the end"]))
    return (draw(st.sampled_from(["", "\ufeff"])) + text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))).encode()


@given(documents(), several_moves())
@settings(max_examples=300)
def test_any_settings_and_moves_add_up(old, moves):
    with TemporaryDirectory() as folder:
        root, file = Path(folder), Path(folder, "pyproject.toml")
        file.write_bytes(old)
        had = moves_in(root)
        append_moves(file, root, moves)
        new = file.read_bytes()
        assert new.startswith(old)
        assert moves_in(root) == (*had, *(move for move, _ in moves))
        assert without_moves(new) == without_moves(old)
        append_moves(file, root, moves)
        assert file.read_bytes() == new


def without_moves(data):
    """All that a file holds but for the moves."""
    document = tomllib.loads(data.decode("utf-8-sig"), parse_float=str)
    document["tool"]["ssot-fix"].setdefault("stale-imports", {}).pop("moves", None)
    return document
