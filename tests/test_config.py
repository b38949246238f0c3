"""Settings: where they are found, what they hold for a path, and what is said of a wrong one."""

from __future__ import annotations

import enum
import pickle
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssot_fix.project.classify import DEFAULT_TEST_PATTERNS, Globs
from ssot_fix.project.config import PROJECT_WIDE, Config, ConfigError, Document, General, Override, find_root, load


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class EnvironmentOptions:
    accessor: str | None = None
    keys: tuple[str, ...] = ("PATH",)
    limit: int = 3
    ratio: float = 0.5
    strict: bool = False
    mode: Literal["safe", "wild"] = "safe"
    level: Level = Level.LOW
    lookup: str | bool = False

    def __post_init__(self):
        if self.limit > 100:
            raise ValueError(f"`limit` is {self.limit}, but more than 100 make no sense,")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    moves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    from_: str
    to: str
    via_port: int = 80
    tags: tuple[str, ...] = field(default_factory=tuple)

    def __post_init__(self):
        if not self.from_.isidentifier():
            raise ValueError(f"`from` is `{self.from_}`, no name,")


@dataclass(frozen=True, slots=True)
class RouteOptions:
    routes: tuple[Route, ...] = field(default=(), metadata=PROJECT_WIDE)
    class_: str = ""
    retry_count: int = field(default=0, metadata=PROJECT_WIDE)
    labels: tuple[str, ...] | None = None
    detours: tuple[Route, ...] = ()


ROUTES = {"routing": RouteOptions}
TYPES = {"isolated-environment": EnvironmentOptions, "stale-imports": ImportOptions}


@pytest.fixture
def read(tmp_path):
    """Load settings from the text of a pyproject.toml, or of another file."""

    def read(text, name="pyproject.toml"):
        (tmp_path / name).write_text(text, newline="", encoding="utf-8")
        return load(tmp_path, tmp_path, TYPES)

    return read


@pytest.fixture
def error(read):
    def error(text, name="pyproject.toml"):
        with pytest.raises(ConfigError) as caught:
            read(text, name)
        return str(caught.value)

    return error


class TestValues:
    def test_no_settings_at_all(self, tmp_path):
        config = load(tmp_path, tmp_path, TYPES)
        assert (config.root, config.file, config.general) == (tmp_path, None, General())
        assert config.options("isolated-environment", "a.py") == EnvironmentOptions()
        assert config.general_for("a.py").test_patterns == DEFAULT_TEST_PATTERNS

    def test_an_empty_table(self, read, tmp_path):
        config = read("[tool.ssot-fix]\n")
        assert config.file == tmp_path / "pyproject.toml"
        assert config.general == General()

    def test_general_settings(self, read):
        text = """
            [tool.ssot-fix]
            exclude = ["gen/", "*_pb2.py"]
            test-patterns = ["checks/"]
            source-roots = ["src"]
            codemods = ["stale-imports"]
            include-tests = true
            unsafe-fixes = true
            jobs = 3
        """
        assert read(text).general == General(
            ("gen/", "*_pb2.py"), ("checks/",), ("src",), ("stale-imports",), True, True, 3
        )

    def test_options_of_every_type(self, read):
        text = """
            [tool.ssot-fix.isolated-environment]
            accessor = "shared.env:get_env"
            keys = []
            limit = 7
            ratio = 1
            strict = true
            mode = "wild"
            level = "high"
            lookup = "require"
        """
        options = read(text).options("isolated-environment", "a.py")
        assert options == EnvironmentOptions("shared.env:get_env", (), 7, 1.0, True, "wild", Level.HIGH, "require")
        assert type(options.ratio) is float

    def test_own_file_has_its_keys_at_the_top(self, read):
        config = read('exclude = ["gen/"]\n[isolated-environment]\nlimit = 9\n', "ssot-fix.toml")
        assert config.general.exclude == ("gen/",)
        assert config.options("isolated-environment", "a.py").limit == 9

    def test_dotted_keys_inline_tables_line_ends_and_byte_order_mark(self, read):
        dotted = "\ufefftool.ssot-fix.isolated-environment.limit = 4\r\n"
        config = read(dotted + "tool.ssot-fix.stale-imports = { moves = ['a:b'] }\r\n")
        assert config.options("isolated-environment", "a.py").limit == 4
        assert config.options("stale-imports", "a.py").moves == ("a:b",)

    def test_no_such_codemod(self, read):
        with pytest.raises(KeyError):
            read("[tool.ssot-fix]\n").options("nope", "a.py")


OVERRIDES = """
[tool.ssot-fix.isolated-environment]
accessor = "shared.env:get_env"
limit = 1

[[tool.ssot-fix.overrides]]
paths = ["auth/", "*_auth.py"]
unsafe-fixes = true
isolated-environment = { accessor = "auth.env:get_env", strict = true }

[[tool.ssot-fix.overrides]]
paths = ["auth/legacy/", "!auth/legacy/new.py"]
codemods = ["stale-imports"]
[tool.ssot-fix.overrides.isolated-environment]
accessor = "legacy.env:get_env"
"""


class TestOverrides:
    def test_the_later_one_wins_key_by_key(self, read):
        config = read(OVERRIDES)
        base = EnvironmentOptions("shared.env:get_env", limit=1)
        auth = replace(base, accessor="auth.env:get_env", strict=True)
        assert config.options("isolated-environment", "web/a.py") == base
        assert config.options("isolated-environment", "auth/a.py") == auth
        assert config.options("isolated-environment", "web/x_auth.py") == auth
        assert config.options("isolated-environment", "auth/legacy/a.py") == replace(
            auth, accessor="legacy.env:get_env"
        )
        assert config.options("stale-imports", "auth/a.py") == ImportOptions()

    def test_general_settings_by_path(self, read):
        config = read(OVERRIDES)
        assert config.general_for("web/a.py") == config.general == General()
        assert config.general_for("auth/a.py") == General(unsafe_fixes=True)
        assert config.general_for("auth/legacy/a.py") == General(unsafe_fixes=True, codemods=("stale-imports",))

    def test_the_same_overrides_give_the_same_object(self, read):
        config = read(OVERRIDES)
        for name in TYPES:
            assert config.options(name, "auth/a.py") is config.options(name, "auth/b/c.py")
            assert config.options(name, "a.py") is config.options(name, "b.py")
        assert config.general_for("auth/a.py") is config.general_for("x_auth.py")

    def test_it_travels_to_a_worker(self, read):
        config = read(OVERRIDES)
        config.options("isolated-environment", "auth/a.py")
        copy = pickle.loads(pickle.dumps(config))
        assert (copy.root, copy.file, copy.general) == (config.root, config.file, config.general)
        for path in ("a.py", "auth/a.py", "auth/legacy/a.py"):
            assert copy.options("isolated-environment", path) == config.options("isolated-environment", path)

    @given(st.permutations(["a.py", "auth/a.py", "auth/legacy/a.py", "auth/legacy/new.py", "auth/x/y.py"]))
    @settings(max_examples=30)
    def test_the_order_of_questions_changes_no_answer(self, paths):
        overrides = [
            Override(Globs(["auth/"]), {"isolated-environment": {"limit": 2}}),
            Override(Globs(["auth/legacy/"]), {"": {"unsafe_fixes": True}}),
        ]
        options = {"isolated-environment": EnvironmentOptions()}
        config = Config(Path(), options=options, overrides=overrides)
        limits = {path: config.options("isolated-environment", path).limit for path in paths}
        unsafe = {path: config.general_for(path).unsafe_fixes for path in paths}
        assert limits == {path: 2 if path.startswith("auth/") else 3 for path in paths}
        assert unsafe == {path: path.startswith("auth/legacy/") for path in paths}


class TestErrors:
    def test_unknown_key(self, error):
        before = "[tool.black]\nline-length = 99\n\n[tool.ssot-fix]\njobs = 2\n\n"
        assert error(f'{before}[tool.ssot-fix.isolated-environment]\nacessor = "x"\n') == (
            "pyproject.toml:8: unknown key `acessor` in [tool.ssot-fix.isolated-environment]; did you mean `accessor`?"
        )

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("jbos = 2", "2: unknown key `jbos` in [tool.ssot-fix]; did you mean `jobs`?"),
            (
                "include_tests = true",
                "2: unknown key `include_tests` in [tool.ssot-fix]; did you mean `include-tests`?",
            ),
            (
                "[tool.ssot-fix.isolated-enviroment]",
                "2: unknown table `isolated-enviroment` in [tool.ssot-fix]; did you mean `isolated-environment`?",
            ),
            (
                "[tool.ssot-fix.stale-imports]\nzzz = 1",
                "3: unknown key `zzz` in [tool.ssot-fix.stale-imports]; there are moves",
            ),
            ("jobs = '4'", '2: `jobs` in [tool.ssot-fix] must be a whole number, not "4"'),
            ("jobs = true", "2: `jobs` in [tool.ssot-fix] must be a whole number, not true"),
            ("jobs = 1.5", "2: `jobs` in [tool.ssot-fix] must be a whole number, not 1.5"),
            ("jobs = -1", "2: `jobs` in [tool.ssot-fix] must be 0 (automatic) or more"),
            ("unsafe-fixes = 1", "2: `unsafe-fixes` in [tool.ssot-fix] must be true or false, not 1"),
            ("exclude = 'gen/'", '2: `exclude` in [tool.ssot-fix] must be a list, not "gen/"'),
            (
                "exclude = ['a', 1]",
                "2: `exclude` in [tool.ssot-fix] must be a list whose items are each text, not ['a', 1]",
            ),
            ("exclude = ['[a']", "2: `exclude` in [tool.ssot-fix]: `[a` is not a gitignore pattern"),
            ("test-patterns = ['']", "2: `test-patterns` in [tool.ssot-fix]: `` is not a gitignore pattern"),
            ("exclude = {}", "2: `exclude` in [tool.ssot-fix] must be a list, not a table"),
            (
                "codemods = ['stale-import']",
                "2: unknown codemod `stale-import` in [tool.ssot-fix]; did you mean `stale-imports`?",
            ),
            ("stale-imports = 1", "2: `stale-imports` in [tool.ssot-fix] must be a table"),
            ("overrides = 1", "2: `overrides` is a list of tables: write [[tool.ssot-fix.overrides]]"),
            (
                "[tool.ssot-fix.overrides]\npaths = []",
                "2: `overrides` is a list of tables: write [[tool.ssot-fix.overrides]]",
            ),
            ("overrides = [1]", "2: `overrides` is a list of tables: write [[tool.ssot-fix.overrides]]"),
        ],
    )
    def test_wrong_settings(self, error, text, message):
        assert error(f"[tool.ssot-fix]\n{text}\n") == f"pyproject.toml:{message}"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("limit = 1e3", "`limit` in [isolated-environment] must be a whole number, not 1000.0"),
            ("ratio = 'half'", '`ratio` in [isolated-environment] must be a number, not "half"'),
            ("mode = 'Safe'", '`mode` in [isolated-environment] must be one of "safe", "wild", not "Safe"'),
            ("level = 'mid'", '`level` in [isolated-environment] must be one of "low", "high", not "mid"'),
            ("lookup = 1", "`lookup` in [isolated-environment] must be text or true or false, not 1"),
            ("accessor = 2020-01-01", "`accessor` in [isolated-environment] must be text, not 2020-01-01"),
            ("keys.a = 1", "`keys` in [isolated-environment] must be a list, not a table"),
            ("limit = 101", "`limit` is 101, but more than 100 make no sense, in [isolated-environment]"),
        ],
    )
    def test_wrong_options(self, error, text, message):
        line = 1 if "101" in text else 2
        assert error(f"[isolated-environment]\n{text}\n", "ssot-fix.toml") == f"ssot-fix.toml:{line}: {message}"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("jobs = 1", "5: `jobs` in [[tool.ssot-fix.overrides]] can't differ by path"),
            (
                "codmods = []",
                "5: unknown key `codmods` in [[tool.ssot-fix.overrides]]; did you mean `codemods`?",
            ),
            (
                "unsafe-fixes = 'yes'",
                '5: `unsafe-fixes` in [[tool.ssot-fix.overrides]] must be true or false, not "yes"',
            ),
            (
                "codemods = ['x']",
                "5: unknown codemod `x` in [[tool.ssot-fix.overrides]]; there are isolated-environment, stale-imports",
            ),
            (
                "[tool.ssot-fix.overrides.stale-imports]\nmove = []",
                "6: unknown key `move` in [tool.ssot-fix.overrides.stale-imports]; did you mean `moves`?",
            ),
            ("isolated-environment = { strict = true, limit = 102 }", "5: `limit` is 102, but"),
            ("[[tool.ssot-fix.overrides]]", "5: `paths` is missing or empty in [[tool.ssot-fix.overrides]]"),
            (
                "[[tool.ssot-fix.overrides]]\npaths = 'a'",
                '6: `paths` in [[tool.ssot-fix.overrides]] must be a list, not "a"',
            ),
            (
                "[[tool.ssot-fix.overrides]]\npaths = ['/']",
                "6: `paths` in [[tool.ssot-fix.overrides]]: `/` is not a gitignore pattern",
            ),
        ],
    )
    def test_wrong_overrides(self, error, text, message):
        before = "[[tool.ssot-fix.overrides]]\npaths = ['a/']\n[[tool.ssot-fix.overrides]]\npaths = ['b/']\n"
        assert error(before + text).startswith(f"pyproject.toml:{message}")

    def test_own_file_with_the_header_of_the_other(self, error):
        message = error("[tool.ssot-fix]\njobs = 1\n", "ssot-fix.toml")
        assert message.startswith(
            "ssot-fix.toml:1: unknown table `tool` at the top level; there are codemods, exclude,"
        )

    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_the_line_is_that_of_the_key_not_of_a_text_like_it(self, error, newline):
        text = '''\
# jbos = 1
[tool.other]
jbos = 1
text = """
[tool.ssot-fix]
jbos = 2
"""
list = [
  ["tool.ssot-fix"], # jbos
  ["jbos"]
]
[  tool . "ssot-fix"  ] # jbos
jobs = 1 # jbos
"jbos" = 3
'''.replace("\n", newline)
        assert error(text).startswith("pyproject.toml:14: unknown key `jbos`")

    def test_the_line_of_a_value_over_many_lines_is_its_first(self, error):
        assert error("[tool.ssot-fix]\nexclude = [\n  'a',\n  1,\n]\n").startswith("pyproject.toml:2: `exclude`")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[tool.ssot-fix]\njobs 1\n", "pyproject.toml:2: not valid TOML: Expected '=' after a key"),
            (
                "[tool.ssot-fix]\njobs = 1\njobs = 2\n",
                "pyproject.toml:3: not valid TOML: Cannot overwrite a value",
            ),
            ("[tool.ssot-fix]\nexclude = [", "pyproject.toml: not valid TOML: "),
            ("[tool.ssot-fix]\nexclude = " + "[" * 5000, "pyproject.toml: not valid TOML: "),
        ],
    )
    def test_bad_toml(self, error, text, message):
        assert error(text).startswith(message)

    def test_not_utf8(self, tmp_path):
        (tmp_path / "ssot-fix.toml").write_bytes(b"jobs = 1 # caf\xe9\n")
        with pytest.raises(ConfigError, match=r"^ssot-fix\.toml: not UTF-8, which TOML has to be: .* at byte 14$"):
            load(tmp_path, tmp_path, TYPES)

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(ConfigError, match=r"^nope\.toml: the settings can't be read: "):
            load(tmp_path, tmp_path, TYPES, explicit=tmp_path / "nope.toml")

    def test_a_folder(self, tmp_path):
        with pytest.raises(ConfigError, match="the settings can't be read: "):
            load(tmp_path, tmp_path, TYPES, explicit=tmp_path)

    @pytest.mark.skipif(sys.platform != "linux", reason="needs a file that opens but can't be read")
    def test_an_unreadable_file(self, tmp_path):
        (tmp_path / "pyproject.toml").symlink_to("/proc/self/mem")
        with pytest.raises(ConfigError, match=r"^pyproject\.toml: the settings can't be read: "):
            load(tmp_path, tmp_path, TYPES)

    def test_a_named_pyproject_without_our_table(self, tmp_path):
        for text in ("[tool.black]\n", "tool = 1\n", "tool.ssot-fix = 1\n"):
            (tmp_path / "pyproject.toml").write_text(text)
            with pytest.raises(ConfigError, match=r"^pyproject\.toml: no table \[tool\.ssot-fix\]$"):
                load(tmp_path, tmp_path, TYPES, explicit=tmp_path / "pyproject.toml")


OURS = "[tool.ssot-fix]\njobs = {}\n"


def jobs(root, start, **more):
    return load(root, start, TYPES, **more).general.jobs


class TestWhichFile:
    @pytest.fixture
    def tree(self, tmp_path):
        (tmp_path / "a/b/c").mkdir(parents=True)
        return tmp_path

    def test_the_one_nearest_to_the_root(self, tree):
        (tree / "a/b/ssot-fix.toml").write_text("jobs = 2\n")
        assert jobs(tree, tree / "a/b/c") == 2
        assert jobs(tree, tree / "a") == 0
        (tree / "a/pyproject.toml").write_text(OURS.format(1))
        assert jobs(tree, tree / "a/b/c") == 1
        (tree / "pyproject.toml").write_text("[tool.black]\n# ssot-fix\n")
        assert jobs(tree, tree / "a/b/c") == 1
        assert jobs(tree / "a/b", tree / "a/b/c") == 2

    def test_own_file_before_pyproject(self, tree):
        (tree / "pyproject.toml").write_text(OURS.format(1))
        (tree / "ssot-fix.toml").write_text("jobs = 2\n")
        assert jobs(tree, tree) == 2

    def test_nothing_above_the_root_is_read(self, tree):
        (tree / "ssot-fix.toml").write_text("jobs = 2\n")
        assert jobs(tree / "a", tree / "a/b") == 0

    def test_other_peoples_broken_files_are_not_our_business(self, tree):
        (tree / "pyproject.toml").write_text("[broken\n")
        assert jobs(tree, tree / "a") == 0
        (tree / "pyproject.toml").write_text("tool = 'ssot-fix'\n")
        assert jobs(tree, tree / "a") == 0
        (tree / "pyproject.toml").write_text("[broken\n[tool.ssot-fix]\n")
        with pytest.raises(ConfigError, match=r"^pyproject\.toml:1: not valid TOML: "):
            jobs(tree, tree / "a")

    def test_a_named_file(self, tree, tmp_path_factory):
        (tree / "ssot-fix.toml").write_text("jobs = 2\n")
        other = tmp_path_factory.mktemp("other") / "ci.toml"
        other.write_text("jobs = 3\n")
        assert jobs(tree, tree, explicit=other) == 3
        other.write_text("jbos = 3\n")
        with pytest.raises(ConfigError, match="unknown key `jbos`") as caught:
            jobs(tree, tree, explicit=other)
        assert str(caught.value).startswith(f"{other}:1: ")

    def test_errors_name_the_file_from_the_root(self, tree):
        (tree / "a/pyproject.toml").write_text("[tool.ssot-fix]\njbos = 1\n")
        with pytest.raises(ConfigError, match=r"^a/pyproject\.toml:2: unknown key"):
            jobs(tree, tree / "a/b")


class TestRoot:
    def test_the_git_work_tree(self, tmp_path):
        subprocess.run(["git", "init", "--quiet", tmp_path / "project"], check=True)
        inside = tmp_path / "project/a/b"
        inside.mkdir(parents=True)
        (tmp_path / "ssot-fix.toml").touch()
        (inside / "ssot-fix.toml").touch()
        assert find_root(inside) == tmp_path / "project"

    def test_a_linked_work_tree_or_submodule(self, tmp_path):
        (tmp_path / "a/b").mkdir(parents=True)
        (tmp_path / "a/.git").write_text("gitdir: elsewhere\n")
        assert find_root(tmp_path / "a/b") == tmp_path / "a"

    def test_without_git_the_topmost_settings(self, tmp_path):
        inside = tmp_path / "a/b/c"
        inside.mkdir(parents=True)
        (tmp_path / "pyproject.toml").write_text("[tool.black]\n")
        (tmp_path / "a/pyproject.toml").write_text("[tool.ssot-fix]\n")
        (inside / "ssot-fix.toml").touch()
        assert find_root(inside) == tmp_path / "a"

    def test_else_where_we_stand(self, tmp_path):
        assert find_root(tmp_path) == tmp_path

    def test_a_link_on_the_way(self, tmp_path):
        (tmp_path / "real/a").mkdir(parents=True)
        (tmp_path / "real/ssot-fix.toml").touch()
        try:
            (tmp_path / "link").symlink_to("real", target_is_directory=True)
        except OSError:
            pytest.skip("links can't be made here")
        assert find_root(tmp_path / "link/a") == tmp_path / "real"
        assert load(tmp_path / "link", tmp_path / "real/a", {}).file == tmp_path / "real/ssot-fix.toml"


class TestArraysOfTables:
    @pytest.fixture
    def read(self, tmp_path):
        def read(text, name="pyproject.toml"):
            (tmp_path / name).write_text(text, newline="", encoding="utf-8")
            return load(tmp_path, tmp_path, ROUTES)

        return read

    @pytest.fixture
    def error(self, read):
        def error(text, name="pyproject.toml"):
            with pytest.raises(ConfigError) as caught:
                read(text, name)
            return str(caught.value)

        return error

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("from = 'a'", "8: `to` is missing in [[tool.ssot-fix.routing.routes]]"),
            ("to = 'a'", "8: `from` is missing in [[tool.ssot-fix.routing.routes]]"),
            ("", "8: `from` is missing in [[tool.ssot-fix.routing.routes]]"),
            (
                "from = 'a'\nto = 'b'\nvia-prot = 1",
                "11: unknown key `via-prot` in [[tool.ssot-fix.routing.routes]]; did you mean `via-port`?",
            ),
            (
                "from_ = 'a'\nto = 'b'",
                "9: unknown key `from_` in [[tool.ssot-fix.routing.routes]]; did you mean `from`?",
            ),
            ("to = 'b'\nfrom = 1", "10: `from` in [[tool.ssot-fix.routing.routes]] must be text, not 1"),
            ("to = 'b'\nfrom.x = 1", "10: `from` in [[tool.ssot-fix.routing.routes]] must be text, not a table"),
            (
                "from = 'a'\nto = 'b'\n[tool.ssot-fix.routing.routes.tags]",
                "11: `tags` in [[tool.ssot-fix.routing.routes]] must be a list, not a table",
            ),
            ("to = 'b'\nfrom = 'a b'", "8: `from` is `a b`, no name, in [[tool.ssot-fix.routing.routes]]"),
        ],
    )
    def test_a_wrong_entry(self, error, text, message):
        right = "[[tool.ssot-fix.routing.routes]]\nfrom = 'x'\nto = 'y'\n\n"
        before = f"[tool.ssot-fix]\n# routes\n\n{right}"
        assert error(f"{before}[[tool.ssot-fix.routing.routes]]\n{text}\n{right}") == f"pyproject.toml:{message}"

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("routes = [{from = 'a', to = 'b'}, {from = 'a', too = 'b'}]", 3),
            ("routes = [\n  {from = 'a', to = 'b'},\n  # too\n  {from = 'a', too = 'b'},\n]", 6),
            ("routes = [\n  {from = 'a', to = 'b'}\n  , {from = 'a', too = 'b'}\n]", 5),
            ("routes = [\n{from = 'a', to = 'b'}\n,{from = 'a', to = 'b'}\n,{from = 'a', too = 'b'}\n]", 6),
            ("routes = [{from = 'a', to = 'b'},\n  {from = 'a', too = 'b'}]", 4),
            ('routes = [ # {\n\n{from = "a", to = """\n]\n"""}, {from = "a", too = "b"},\n]', 7),
            ("routes =  [{from = 'a', to = 'b', tags = [\n']']},\n {from = 'a', too = 'b'}]", 3),
        ],
    )
    def test_a_wrong_inline_entry(self, error, text, line):
        message = error(f"\n[tool.ssot-fix.routing]\n{text}\n")
        where = "in [[tool.ssot-fix.routing.routes]]"
        assert message == f"pyproject.toml:{line}: unknown key `too` {where}; did you mean `to`?"

    @pytest.mark.parametrize(("end", "line"), [(",\n] } } }", 4), ("] } } }", 4), (",\n], class = 'x' } } }", 4)])
    def test_a_wrong_entry_inside_inline_tables(self, error, end, line):
        entries = "{from = 'a', to = 'b'},\n {too = 1}"
        message = error(f"\ntool = {{ ssot-fix = {{ routing = {{ labels = ['x'], routes = [\n {entries}{end}\n")
        assert message.startswith(f"pyproject.toml:{line}: unknown key `too` in [[tool.ssot-fix.routing.routes]]")

    @pytest.mark.parametrize("value", ["1", "'a'", "{}", "['a']", "[{from = 'a', to = 'b'}, 1]"])
    def test_no_list_of_tables(self, error, value):
        expected = "pyproject.toml:2: `routes` is a list of tables: write [[tool.ssot-fix.routing.routes]]"
        assert error(f"[tool.ssot-fix.routing]\nroutes = {value}\n") == expected

    def test_no_list_of_tables_in_our_own_file(self, error):
        message = error("[routing.routes]\nfrom = 'a'\n", "ssot-fix.toml")
        assert message == "ssot-fix.toml:1: `routes` is a list of tables: write [[routing.routes]]"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                "[[tool.ssot-fix.overrides.routing.routes]]\nfrom = 'a'\nto = 'b'",
                "3: `routes` in [tool.ssot-fix.overrides.routing] can't differ by path; "
                "it holds for the whole project: write it in [tool.ssot-fix.routing]",
            ),
            (
                "routing = { retry-count = 1 }",
                "3: `retry-count` in [tool.ssot-fix.overrides.routing] can't differ by path; it holds for",
            ),
            (
                "routing.retry-cuont = 1",
                "3: unknown key `retry-cuont` in [tool.ssot-fix.overrides.routing]; there are class, detours, labels",
            ),
        ],
    )
    def test_what_holds_for_the_whole_project_is_in_no_override(self, error, text, message):
        before = "[[tool.ssot-fix.overrides]]\npaths = ['a/']\n"
        assert error(before + text).startswith(f"pyproject.toml:{message}")

    @pytest.mark.parametrize(
        "text",
        [
            "[[routing.routes]]\nfrom = 'a'\nto = 'b'\n"
            "[[routing.routes]]\nto = 'd'\nfrom = 'c'\nvia-port = 1\ntags = ['e']\n",
            "[routing]\nroutes = [{from = 'a', to = 'b'}, {to = 'd', from = 'c', via-port = 1, tags = ['e']}]\n",
            "routing.routes = [\n{from = 'a', to = 'b'},\n{to = 'd', from = 'c', via-port = 1, tags = ['e']}]\n",
        ],
    )
    def test_entries(self, read, text):
        options = read(text, "ssot-fix.toml").options("routing", "x.py")
        assert options == RouteOptions(routes=(Route("a", "b"), Route("c", "d", 1, ("e",))))

    def test_no_entries(self, read):
        assert read("routing.routes = []\n", "ssot-fix.toml").options("routing", "x.py") == RouteOptions()

    def test_a_key_that_is_a_word_of_python_and_lists_that_may_be_missing(self, read):
        config = read("[routing]\nclass = 'x'\nlabels = ['y']\n", "ssot-fix.toml")
        assert config.options("routing", "x.py") == RouteOptions(class_="x", labels=("y",))

    def test_those_that_are_not_for_the_whole_project_differ_by_path(self, read):
        config = read(
            "[[overrides]]\npaths = ['a/']\nrouting.class = 'x'\n"
            "[[overrides.routing.detours]]\nfrom = 'a'\nto = 'b'\n",
            "ssot-fix.toml",
        )
        assert config.options("routing", "b.py") == RouteOptions()
        assert config.options("routing", "a/b.py") == RouteOptions(class_="x", detours=(Route("a", "b"),))

    def test_it_travels_to_a_worker(self, read):
        config = read("[[routing.routes]]\nfrom = 'a'\nto = 'b'\n", "ssot-fix.toml")
        copy = pickle.loads(pickle.dumps(config))
        assert copy.options("routing", "a.py") == config.options("routing", "a.py")
        assert copy.place("routing", "routes", 0) == "ssot-fix.toml:1"


class TestPlaces:
    def test_without_a_file(self):
        assert Config(Path()).place("jobs") == "the settings"

    def test_a_key_that_is_not_there(self, read):
        assert read("[tool.ssot-fix]\n").place("jobs") == "pyproject.toml"

    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_every_kind_of_definition(self, tmp_path, newline):
        text = '''\
\ufeff[build-system]
requires = [
    "x",  # ]
]
[[tool.other.list]]
[[tool.other.list.inner]]
[tool]
text = """
[[tool.ssot-fix.routing.routes]]
"""
[tool.ssot-fix]
routing.labels = [
    "one",
]
[[tool.ssot-fix.routing.detours]]
from = "a"
to = "b"
[[tool.ssot-fix.overrides]]
paths = ["a/"]
[tool.ssot-fix.overrides.routing]
class = "x"
[[tool.ssot-fix.overrides]]
paths = ["b/"]
[[tool.ssot-fix.overrides.routing.detours]]
from = """
a"""
to = "c"
[[tool.ssot-fix.routing.detours]]
from = "c"
to = "d"
'''.replace("\n", newline)
        (tmp_path / "pyproject.toml").write_text(text, newline="", encoding="utf-8")
        config = load(tmp_path, tmp_path, ROUTES)
        for key, line in {
            (): 11,
            ("routing",): 12,
            ("routing", "labels"): 12,
            ("routing", "detours"): 15,
            ("routing", "detours", 0): 15,
            ("routing", "detours", 0, "to"): 17,
            ("overrides", 0, "routing"): 20,
            ("overrides", 0, "routing", "class"): 21,
            ("overrides", 1): 22,
            ("overrides", 1, "routing", "detours", 0, "from"): 25,
            ("overrides", 1, "routing", "detours", 0, "to"): 27,
            ("routing", "detours", 1): 28,
            ("routing", "detours", 1, "to"): 30,
        }.items():
            assert config.place(*key) == f"pyproject.toml:{line}", key

    def test_long_settings_are_no_burden(self, tmp_path):
        entry = '{{ from = "a{0}", to = "b{0}" }},\n'
        text = "[routing]\nroutes = [\n" + "".join(map(entry.format, range(2000))) + "]\n"
        (tmp_path / "ssot-fix.toml").write_text(text)
        config = load(tmp_path, tmp_path, ROUTES)
        assert [config.place("routing", "routes", i) for i in (0, 1999)] == ["ssot-fix.toml:3", "ssot-fix.toml:2002"]


VALUES = st.recursive(
    st.sampled_from(["1", "'a'", '"]"', '"""\n[x]\n"""', "'''\n}\n'''", "1.5", "[]", "{}"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[\n" + ", # ]\n".join(items) + "\n]"),
        st.dictionaries(st.sampled_from("xyz"), inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"{key} = {value}" for key, value in items.items()) + "}"
        ),
    ),
    max_leaves=8,
)


@given(st.lists(st.one_of(VALUES, st.just(None)), max_size=8))
@settings(max_examples=200)
def test_every_statement_is_found_at_its_line(values):
    """Keys k0, k1 ... with any value; None begins a table of the array t."""
    lines, expected, table, tables = ["# first"], {}, (), 0
    for number, value in enumerate(values):
        line = sum(text.count("\n") + 1 for text in lines) + 1
        if value is None:
            table, tables = ("t", tables), tables + 1
            expected[table] = line
            lines.append("[[t]]")
        else:
            expected[*table, f"k{number}"] = line
            lines.append(f"k{number} = {value}")
    document = Document.of(Path("ssot-fix.toml"), "ssot-fix.toml", "\n".join(lines).encode())
    assert {key: document.place(key) for key in expected} == {
        key: f"ssot-fix.toml:{line}" for key, line in expected.items()
    }


def test_little_is_loaded():
    code = (
        "import sys, ssot_fix.project.config, ssot_fix.project.discovery\n"
        "heavy = {'tomllib', 'difflib', 'pathspec', 'click', 'rich', 'libcst', 'git'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
