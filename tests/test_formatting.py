"""Lines that a fix makes too long: formatted where Black was at work before, and only they."""

from __future__ import annotations

import codecs
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import black
import pytest
from cases import accounted, make_project, run_project
from hypothesis import given, settings
from hypothesis import strategies as st
from test_diff import git_apply

from ssot_fix.edits import Edit, FileResult, and_then, apply_edits
from ssot_fix.formatting import Formatted, Style, Styles, format_long_lines
from ssot_fix.project.surroundings import Surroundings
from ssot_fix.report.diff import unified_diff
from ssot_fix.source import Source

# Short lines make cases easy to read; `os.getenv(` becomes four characters longer.
NARROW = {"pyproject.toml": "[tool.black]\nline-length = 60\n"}
MODE = black.Mode(line_length=60)
STYLE = Style({}, {}, 60)
IMPORT = "from shared.isolated_environment import get_env\n"
HEAD = "import os\n\n"
CODEMODS = ("isolated-environment",)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("project")


def fixed(root: Path, before: str | bytes, files: Mapping[str, str | bytes] = NARROW, path: str = "app.py") -> bytes:
    """What a run makes of a file; a second run has nothing to add."""
    raw = before.encode() if isinstance(before, str) else before
    after = apply_edits(raw, result_of(root, {**files, path: raw}, path).edits)
    assert not result_of(root, {**files, path: after}, path).edits, "a second run changes something"
    return after


def result_of(root: Path, files: Mapping[str, str | bytes], path: str = "app.py") -> FileResult:
    make_project(root, files)
    results = [result for result in run_project(root, asked=CODEMODS).results if result.path == path]
    accounted(results)
    return results[0] if results else FileResult(path)


def plain(text: str) -> str:
    """The fix without any formatting."""
    return text.replace(HEAD, f"{IMPORT}\n").replace("os.getenv", "get_env().get")


def formatted(before: str, style: Style = STYLE) -> str | None:
    """What becomes of a text in which `os.getenv` is replaced, without an engine; None if it is not formatted."""
    raw = before.encode()
    edits = [Edit(*found.span(), b"get_env().get") for found in re.finditer(rb"os\.getenv", raw)]
    result = format_long_lines(Source(raw), edits, apply_edits(raw, edits), style)
    assert result is None or apply_edits(raw, result.edits) == result.raw
    return result and result.raw.decode()


def format_direct(old: str, *edits: Edit) -> Formatted | None:
    raw = old.encode()
    return format_long_lines(Source(raw), edits, apply_edits(raw, edits), STYLE)


def is_stable(text: str, mode: black.Mode = MODE) -> bool:
    return black.format_str(text, mode=mode) == text


def longest(text: str) -> int:
    return max(map(len, text.split("\n")))


# What stays as it is

SHORT = 'VALUE = os.getenv("NAME")\n'
LONG = 'VALUE = os.getenv("NAME_OF_A_VARIABLE_OF_OURS", "a default")\n'
WRAPPED = 'VALUE = get_env().get(\n    "NAME_OF_A_VARIABLE_OF_OURS", "a default"\n)\n'
NOT_STABLE = {
    "another statement has a blank too few": f"A=1\n{LONG}",
    "single quotes": LONG.replace('"', "'"),
    "two statements on a line": 'A = 1; VALUE = os.getenv("NAME_OF_A_VARIABLE", "a default")\n',
    "a suite on the line of its header": 'if A: VALUE = os.getenv("NAME_OF_A_VARIABLE", "a default")\n',
    "tabs": f"if A:\n\tVALUE = 1\n{LONG}",
    "a blank at the end of a line": f"A = 1 \n{LONG}",
    "a blank at the end of a comment": f"# A \n{LONG}",
    "blanks in an empty line": f"A = 1\n  \n{LONG}",
    "an empty line at the end": f"{LONG}\n",
    "blanks at the end": f"{LONG}  ",
    "a prefix in capitals": f'A = F"{{A}}"\n{LONG}',
    "a line that could be shorter": f"A = (\n    1\n)\n{LONG}",
    "no newline after a line that Black would change": f"{LONG}A=1",
}
STABLE = {
    "short": SHORT,
    "as long as may be": 'VALUE = os.getenv("NAME_OF_A_VARIABLE_OF_OURS", "a def")\n',
    "a comment that says so": 'VALUE = os.getenv("NAME_OF_A_VARIABLE", "a")  # fmt: skip\n',
    "comments around that say so": f"# fmt: off\n{LONG}A  =  1  \n# fmt: on\n",
    "nothing to split at": 'V = f"{os.getenv(A_NAME_OF_A_VARIABLE_OF_JUST_THIS_LENGTH)}"\n',
    "too long before, and nothing to split at": 'V = f"{os.getenv(A_NAME_OF_A_VARIABLE_OF_JUST_THAT_LENGTH_)}"\n',
}


@pytest.mark.parametrize("text", [*NOT_STABLE.values(), *STABLE.values()], ids=[*NOT_STABLE, *STABLE])
def test_left(text, root):
    assert fixed(root, HEAD + text).decode() == plain(HEAD + text)


def test_the_cases_above_are_what_they_say():
    for text in NOT_STABLE.values():
        assert not is_stable(HEAD + text), text
        assert longest(text) <= 60 < longest(plain(text)), text
    for text in STABLE.values():
        assert is_stable(HEAD + text), text
        assert is_stable(plain(HEAD + text)), text


def test_a_line_that_was_too_long_is_left(root):
    """Black would have wrapped it; that it did not is reason enough, whatever Black says of the file."""
    text = f"{HEAD}{LONG.rstrip()}  # noqa: E501\n"
    assert fixed(root, text).decode() == plain(text)


def test_a_line_that_Black_would_not_wrap_alone_is_left(root):
    """`[` and `]` would be joined with what is between them: more than the long line."""
    text = f'{HEAD}VALUES = [\n    os.getenv("NAME_OF_A_VARIABLE_OF_OURS", "a default"), 1\n]\n'
    assert not is_stable(text)
    assert fixed(root, text).decode() == plain(text)


def test_types_that_are_not_to_be_checked(root):
    """A line with `# type: ignore` is not split by Black: the comment would stand on another line."""
    text = f'{HEAD}print(os)\nVALUE = os.getenv("NAME_OF_A_VARIA", "a")  # type: ignore\n'
    after = fixed(root, text).decode()
    assert is_stable(text)
    assert longest(text) <= 60 < longest(after)
    assert after.endswith('\nVALUE = get_env().get("NAME_OF_A_VARIA", "a")  # type: ignore\n')


@pytest.mark.parametrize(
    ("old", "was", "becomes"),
    [
        ("A = 1\n", "1", f"call({'B' * 52}, u'a')"),  # takes the prefix away: another tree
        ("A = 1\n", "1", f"call({'B' * 52}, 1)  #a comment"),  # sets the comment apart
        ("A = 1\nB = 1\n", "1\nB = 1", f"1\n\n\n\n\n\nB = call({'B' * 52}, 1)"),  # takes blank lines away
        ("A = 1\n", "A = 1", f"A = 1;B = 1\nA = call({'B' * 52}, 1)"),  # has more to say, and was not asked
        ("A = B  # a comment that makes the line much longer than it may be\n", "B ", "call(B, C) "),  # was long
    ],
)
def test_left_if_Black_would_do_more(old, was, becomes):
    assert is_stable(old)
    assert old.count(was) == 1
    at = old.index(was)
    assert format_direct(old, Edit(at, at + len(was), becomes.encode())) is None


# What is formatted

WRAPPED_CASES = {
    "a call": (LONG, WRAPPED),
    "beside others": (
        f"{SHORT}{LONG}\n\n# a comment\n\n{SHORT}",
        plain(f"{SHORT}{WRAPPED}\n\n# a comment\n\n{SHORT}"),
    ),
    "two statements": (LONG + SHORT + LONG, WRAPPED + plain(SHORT) + WRAPPED),
    "two statements, one below the other": (LONG + LONG, WRAPPED + WRAPPED),
    "two sites in a statement": (
        'A = os.getenv("NAME_OF_A") or os.getenv("NAME_OF_B", "def")\n',
        'A = get_env().get("NAME_OF_A") or get_env().get(\n    "NAME_OF_B", "def"\n)\n',
    ),
    "elements with a trailing comma": (
        "VALUES = [\n"
        '    os.getenv("NAME_OF_A_VARIABLE_OF_OURS", "a default 2"),\n'
        '    os.getenv("NAME", "a"),  # a comment\n'
        "    # another\n"
        '    os.getenv("NAME_OF_A_VARIABLE_OF_OURS", "a default 3"),\n'
        "]\n",
        "VALUES = [\n"
        '    get_env().get(\n        "NAME_OF_A_VARIABLE_OF_OURS", "a default 2"\n    ),\n'
        '    get_env().get("NAME", "a"),  # a comment\n'
        "    # another\n"
        '    get_env().get(\n        "NAME_OF_A_VARIABLE_OF_OURS", "a default 3"\n    ),\n'
        "]\n",
    ),
    "a keyword": (
        'call(\n    first,\n    name=os.getenv("NAME_OF_A_VARIABLE_OF_OURS", "defaul"),\n)\n',
        'call(\n    first,\n    name=get_env().get(\n        "NAME_OF_A_VARIABLE_OF_OURS", "defaul"\n    ),\n)\n',
    ),
    "a comment at its end": (
        'VALUE = os.getenv("NAME_OF_A_VARIABLE_OF", "a def")  # noqa\n',
        'VALUE = get_env().get(\n    "NAME_OF_A_VARIABLE_OF", "a def"\n)  # noqa\n',
    ),
    "prefixes": (
        'VALUE = os.getenv(r"NAME_OF_A_VARIABLE_OF_OUR", f"a default")\n'.replace("a default", "{A} def"),
        'VALUE = get_env().get(\n    r"NAME_OF_A_VARIABLE_OF_OUR", f"{A} def"\n)\n',
    ),
    "in nested blocks": (
        "\nclass A:\n"
        '    """Doc."""\n\n'
        "    async def method(self):\n"
        "        if self:\n"
        '            return os.getenv("NAME_OF_A_VARIABLE", "a def")\n'
        "        # a comment\n\n"
        '        return os.getenv("NAME")\n\n'
        "    def other(self): ...\n",
        "\nclass A:\n"
        '    """Doc."""\n\n'
        "    async def method(self):\n"
        "        if self:\n"
        '            return get_env().get(\n                "NAME_OF_A_VARIABLE", "a def"\n            )\n'
        "        # a comment\n\n"
        '        return get_env().get("NAME")\n\n'
        "    def other(self): ...\n",
    ),
    "a decorator": (
        '\n@first\n@second(os.getenv("NAME_OF_A_VARIABLE_OF_OURS", "a def"))\n@third\ndef f():\n    pass\n',
        "\n@first\n"
        '@second(\n    get_env().get("NAME_OF_A_VARIABLE_OF_OURS", "a def")\n)\n'
        "@third\ndef f():\n    pass\n",
    ),
    "the header of a definition": (
        '\ndef function(value=os.getenv("NAME_OF_A_VARIABLE", "a de")):\n    return value\n',
        '\ndef function(\n    value=get_env().get("NAME_OF_A_VARIABLE", "a de")\n):\n    return value\n',
    ),
    "the header of a with": (
        'with open(os.getenv("NAME_OF_A_VARIABLE_OF"), "w+") as file:\n    pass\n',
        'with open(\n    get_env().get("NAME_OF_A_VARIABLE_OF"), "w+"\n) as file:\n    pass\n',
    ),
    "the headers of an if": (
        'if os.getenv("NAME_OF_A_VARIABLE", "a default") == "value":\n'
        "    pass  # a comment\n"
        'elif os.getenv("NAME_OF_A_VARIABLE", "a default") == "val":\n'
        "    pass\n"
        "else:\n    # another\n\n    pass\n",
        'if (\n    get_env().get("NAME_OF_A_VARIABLE", "a default")\n    == "value"\n):\n'
        "    pass  # a comment\n"
        'elif (\n    get_env().get("NAME_OF_A_VARIABLE", "a default")\n    == "val"\n):\n'
        "    pass\n"
        "else:\n    # another\n\n    pass\n",
    ),
    "the headers of loops": (
        'for name in os.getenv("NAME_OF_A_VARIABLE", "").split(","):\n    pass\n'
        'while os.getenv("NAME_OF_A_VARIABLE", "") and not finished:\n    pass\n',
        'for name in (\n    get_env().get("NAME_OF_A_VARIABLE", "").split(",")\n):\n    pass\n'
        'while (\n    get_env().get("NAME_OF_A_VARIABLE", "") and not finished\n):\n    pass\n',
    ),
    "the header of a match": (
        'match os.getenv("NAME_OF_A_VARIABLE_OF_OURS", "a default"):\n    case 1:\n        pass\n',
        'match get_env().get(\n    "NAME_OF_A_VARIABLE_OF_OURS", "a default"\n):\n    case 1:\n        pass\n',
    ),
    "below code that is not to be formatted": (
        f"# fmt: off\nA  =  (1,\n  2)  \n{LONG}# fmt: on\n{LONG}",
        f"# fmt: off\nA  =  (1,\n  2)  \n{plain(LONG)}# fmt: on\n{WRAPPED}",
    ),
    "beside strings with blanks at the end of their lines": (
        f'A = """a  \n  b \\\n"""\n{LONG}',
        f'A = """a  \n  b \\\n"""\n{WRAPPED}',
    ),
}
LAYOUTS: dict[str, Callable[[str], bytes]] = {
    "as written": lambda text: text.encode(),
    "no newline at the end": lambda text: text.removesuffix("\n").encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "CRLF, no newline at the end": lambda text: text.removesuffix("\n").replace("\n", "\r\n").encode(),
    "a BOM": lambda text: codecs.BOM_UTF8 + text.encode(),
    "Latin-1": lambda text: f"# -*- coding: latin-1 -*-\n# äöü\n{text.replace('a comment', 'é')}".encode("latin-1"),
}


@pytest.mark.parametrize(("before", "after"), WRAPPED_CASES.values(), ids=WRAPPED_CASES)
def test_formatted(before, after, root):
    assert is_stable(HEAD + before)
    for name, layout in LAYOUTS.items():
        new = fixed(root, layout(HEAD + before))
        assert new.decode("latin-1") == layout(f"{IMPORT}\n{after}").decode("latin-1"), name


@pytest.mark.parametrize(("before", "after"), WRAPPED_CASES.values(), ids=WRAPPED_CASES)
def test_formatted_as_Black_does(before, after):
    assert black.format_str(plain(HEAD + before), mode=MODE) == f"{IMPORT}\n{after}"


@pytest.mark.parametrize("newline", ["\r", "\r\n"])
def test_other_newlines_between(newline, root):
    """Old Mac files, and files with newlines of two kinds, are not Black's."""
    text = HEAD.replace("\n", newline, 1 if newline == "\r\n" else -1) + LONG.replace("\n", newline[-1])
    after = fixed(root, text).decode()
    assert 'VALUE = get_env().get("NAME_OF_A_VARIABLE_OF_OURS", "a default")' in after


def test_wide_characters_count_twice(root):
    text = HEAD + 'VALUE = os.getenv("名前", "環境変数の既定値はこちらです")\n'
    assert longest(plain(text)) < 60
    assert fixed(root, text).decode() == black.format_str(plain(text), mode=MODE) != plain(text)


def test_an_import_that_is_too_long(root):
    """An added import is a line of its own, and wrapped like any other."""
    narrow = {"pyproject.toml": "[tool.black]\nline-length = 40\n"}
    after = fixed(root, HEAD + 'A = os.getenv("A")\n', narrow).decode()
    assert after == 'from shared.isolated_environment import (\n    get_env,\n)\n\nA = get_env().get("A")\n'


def test_findings_tell_what_sites_became_before_the_formatting(root):
    (finding,) = result_of(root, {**NARROW, "app.py": HEAD + LONG}).findings
    assert finding.replacement == 'get_env().get("NAME_OF_A_VARIABLE_OF_OURS", "a default")'
    assert (finding.line, finding.column) == (3, 9)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python's ast reads them")
def test_syntax_that_is_newer_than_this_python_is_left(root):
    text = f"""{HEAD}A = f"{{B["a"]}}"\n{LONG}"""
    assert fixed(root, text).decode() == plain(text)


def test_code_that_is_nested_deeply_or_long_is_left():
    """Black may take minutes over it, or more stack than there is."""
    for more in (f"A = {'-' * 400}1\n", "A = 1\n" * 40_000):
        assert formatted(f"{more}{LONG}", STYLE) is None
        assert is_stable(f"{more[-6:]}{LONG}")
    assert formatted(f"A = {'-' * 40}1\n" + "A = 1\n" * 400 + LONG, STYLE) is not None


# The settings


@pytest.mark.parametrize(
    ("files", "path", "expected"),
    [
        ({}, "a.py", 88),
        ({"pyproject.toml": ""}, "a.py", 88),
        ({"pyproject.toml": "[tool.black]\nline-length = 60"}, "a.py", 60),
        ({"pyproject.toml": "[tool.black]\nline_length = '60'"}, "a.py", 60),
        ({"pyproject.toml": "[tool.black]\n--line-length = 60"}, "a.py", 60),
        ({"pyproject.toml": "[tool.black]\nline-length = 60"}, "b/c/a.py", 60),
        ({"pyproject.toml": "[tool.black]\nline-length = 60", "b/pyproject.toml": ""}, "b/c/a.py", 60),
        (
            {"pyproject.toml": "[tool.black]\nline-length = 60", "b/pyproject.toml": "[tool.black]\nline-length = 70"},
            "b/c/a.py",
            70,
        ),
        ({"b/pyproject.toml": "[tool.black]\nline-length = 60"}, "a.py", 88),
        ({"../pyproject.toml": "[tool.black]\nline-length = 60"}, "a.py", 88),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 70"}, "b/a.py", 70),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 70\n[tool.black]"}, "a.py", 88),
        ({"ruff.toml": "line-length = 70"}, "b/a.py", 70),
        ({".ruff.toml": "line-length = 80", "ruff.toml": "line-length = 70"}, "a.py", 80),
        ({"ruff.toml": "line-length = 70", "b/.ruff.toml": ""}, "b/a.py", 88),
        ({"ruff.toml": "line-length = 70", "b/pyproject.toml": "[project]"}, "b/a.py", 70),
        ({"ruff.toml": "line-length = 70", "b/ruff.toml": 'extend = "../ruff.toml"'}, "b/a.py", 70),
        (
            {"pyproject.toml": "[tool.ruff]\nline-length = 70", "b/ruff.toml": 'extend = "../pyproject.toml"'},
            "b/a",
            70,
        ),
        ({"b/ruff.toml": 'extend = "../nothing.toml"'}, "b/a.py", 88),
        ({"ruff.toml": 'extend = "ruff.toml"'}, "a.py", 88),
        ({"b/.ruff.toml": "line-length = 80", "pyproject.toml": "[tool.black]\nline-length = 60"}, "b/a.py", 60),
        ({"pyproject.toml": "[tool.black"}, "b/a.py", None),
        ({"pyproject.toml": b"a = '\xff'"}, "b/a.py", None),
        ({"pyproject.toml": "[tool.black]\nline-length = 'long'"}, "a.py", None),
        ({"pyproject.toml": "[tool.black]\nline-length = []"}, "a.py", None),
        ({"ruff.toml": "line-length = {}"}, "a.py", None),
        ({"ruff.toml": "extend = 3"}, "a.py", None),
        ({"pyproject.toml": "tool = 3"}, "a.py", 88),
        ({"pyproject.toml": "tool = {black = 3, ruff = 4}"}, "a.py", 88),
    ],
)
def test_line_length(files, path, expected, tmp_path):
    for name, text in files.items():
        file = tmp_path / "root" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    style = Styles(Surroundings(tmp_path / "root")).of(path)
    assert (style and style.line_length) == expected


def versions(*names: str) -> set[black.TargetVersion]:
    return {black.TargetVersion[name.upper()] for name in names}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", black.Mode()),
        ("[tool.black]\nskip-string-normalization = true", black.Mode(string_normalization=False)),
        ("[tool.black]\nskip_magic_trailing_comma = 'true'", black.Mode(magic_trailing_comma=False)),
        ("[tool.black]\npreview = true\nunstable = true", black.Mode(preview=True, unstable=True)),
        ("[tool.black]\npreview = false\npyi = true", black.Mode(is_pyi=True)),
        ("[tool.black]\ntarget-version = ['py38', 'PY39']", black.Mode(target_versions=versions("py38", "py39"))),
        ("[project]\nrequires-python = '==3.11.*'\n[tool.black]", black.Mode(target_versions=versions("py311"))),
        ("[project]\nrequires-python = '==3.11.*'", black.Mode(target_versions=versions("py311"))),
        (
            "[project]\nrequires-python = '==3.11.*'\n[tool.black]\ntarget-version = ['py312']",
            black.Mode(target_versions=versions("py312")),
        ),
        (
            "[project]\nrequires-python = '==3.11.*'\n[tool.ruff]\nline-length = 70",
            black.Mode(line_length=70, target_versions=versions("py311")),
        ),
        (f"[tool.black]\nrequired-version = '{black.__version__}'", black.Mode()),
        (f"[tool.black]\nrequired-version = {black.__version__.partition('.')[0]}", black.Mode()),
        ("[tool.black]\nrequired-version = '18.3a0'", None),
    ],
)
def test_mode(settings, expected, tmp_path):
    (tmp_path / "pyproject.toml").write_text(settings)
    style = Styles(Surroundings(tmp_path)).of("a.py")
    assert style is not None
    assert style.mode() == expected


@pytest.mark.parametrize(
    "settings",
    [
        "line-length = 'long'",
        "line-length = 60\ntarget-version = ['py9']",
        "line-length = 60\ntarget-version = 3",
        "line-length = 60\nenable-unstable-feature = ['nothing']",
        "line-length = 60\nrequired-version = '18.3a0'",
        "line-length = 60 60",
    ],
)
def test_settings_that_Black_would_refuse(settings, root):
    text = HEAD + LONG
    assert fixed(root, text, {"pyproject.toml": f"[tool.black]\n{settings}\n"}).decode() == plain(text)


def test_string_normalization(root):
    text = HEAD + LONG.replace('"', "'")
    files = {"pyproject.toml": f"{NARROW['pyproject.toml']}skip-string-normalization = true\n"}
    assert fixed(root, text, files).decode() == f"{IMPORT}\n{WRAPPED}".replace('"', "'")


def test_magic_trailing_comma(root):
    text = f"{HEAD}A = [\n    1,\n]\n{LONG}"
    files = {"pyproject.toml": f"{NARROW['pyproject.toml']}skip-magic-trailing-comma = true\n"}
    assert fixed(root, text, files).decode() == plain(text)
    assert fixed(root, text).decode() == f"{IMPORT}\nA = [\n    1,\n]\n{WRAPPED}"


def test_target_versions(root):
    """Without a version, Black does not dare to put context managers in parentheses (Python 3.9)."""
    text = f'{HEAD}with open(os.getenv("NAME_OF")) as file, another_one() as a:\n    pass\n'
    files = {"pyproject.toml": f"[project]\nrequires-python = '>=3.9'\n{NARROW['pyproject.toml']}"}
    newer, older = fixed(root, text, files).decode(), fixed(root, text).decode()
    assert 'with (\n    open(get_env().get("NAME_OF")) as file,\n    another_one() as a,\n):\n' in newer
    assert 'with open(\n    get_env().get("NAME_OF")\n) as file, another_one() as a:\n' in older


def test_settings_are_read_anew_in_every_run(root):
    text = HEAD + LONG
    assert fixed(root, text, {}).decode() == plain(text)
    assert fixed(root, text).decode() == f"{IMPORT}\n{WRAPPED}"
    assert fixed(root, text, {"ruff.toml": "line-length = 60\n"}).decode() == f"{IMPORT}\n{WRAPPED}"
    assert fixed(root, text, {"pyproject.toml": "[tool.black]\nline-length = 64\n"}).decode() == plain(text)


def test_every_folder_has_its_settings(root):
    files = {"shared/pyproject.toml": NARROW["pyproject.toml"], "shared/app.py": HEAD + LONG, "app.py": HEAD + LONG}
    assert fixed(root, HEAD + LONG, files, "shared/app.py").decode() == f"{IMPORT}\n{WRAPPED}"
    assert fixed(root, HEAD + LONG, files).decode() == plain(HEAD + LONG)


# From formatted text to edits


def carried(old: bytes, edits: list[Edit], start: int, end: int, text: bytes) -> list[Edit]:
    new = apply_edits(old, edits)
    result = and_then(edits, new, Edit(start, end, text))
    assert apply_edits(old, result) == new[:start] + text + new[end:]
    return result


@pytest.mark.parametrize(
    ("edits", "span", "expected"),
    [
        ([], (2, 4), [Edit(2, 4, b"X")]),
        ([Edit(3, 3, b"__")], (2, 6), [Edit(2, 4, b"X")]),  # inside
        ([Edit(2, 4, b"__")], (2, 4), [Edit(2, 4, b"X")]),  # the same
        ([Edit(2, 2, b"__")], (4, 6), [Edit(2, 2, b"__"), Edit(2, 4, b"X")]),  # above
        ([Edit(4, 4, b"__")], (2, 4), [Edit(2, 4, b"X"), Edit(4, 4, b"__")]),  # below
        ([Edit(0, 2, b"")], (0, 2), [Edit(0, 2, b""), Edit(2, 4, b"X")]),  # taken away above
        ([Edit(4, 6, b"")], (2, 4), [Edit(2, 4, b"X"), Edit(4, 6, b"")]),  # taken away below
        ([Edit(2, 2, b"____")], (3, 5), [Edit(2, 2, b"_X_")]),  # in the middle of what is new
        ([Edit(1, 3, b"____")], (3, 6), [Edit(1, 4, b"__X")]),  # cut
        ([Edit(3, 5, b"____")], (2, 5), [Edit(2, 5, b"X__")]),
        ([Edit(1, 2, b""), Edit(3, 3, b"_")], (1, 4), [Edit(1, 2, b""), Edit(2, 4, b"X")]),  # one of each
    ],
)
def test_one_change_after_others(edits, span, expected):
    assert carried(b"abcdefgh", edits, *span, b"X") == expected


@st.composite
def some_edits(draw) -> tuple[bytes, list[Edit]]:
    old = b"abcdefghijkl"
    borders = sorted(draw(st.lists(st.integers(0, len(old)), max_size=8)))
    spans = zip(borders[::2], borders[1::2], strict=False)
    return old, [Edit(start, end, draw(st.sampled_from([b"", b"_", b"1234"]))) for start, end in spans]


@given(some_edits(), st.data())
def test_any_changes_after_any_others(old_and_edits, data):
    old, edits = old_and_edits
    for text in (b"X", b"YY", b"ZZZ"):
        new = apply_edits(old, edits)
        if not new:
            return
        start = data.draw(st.integers(0, len(new) - 1))
        edits = carried(old, edits, start, data.draw(st.integers(start + 1, len(new))), text)


def test_a_long_line_in_the_middle_of_an_insertion():
    added = (
        "for stream in streams:\n"
        '    if hasattr(stream, "reconfigure"):\n'
        '        stream.reconfigure({}encoding="utf-8", errors="replace"{})\n'
    )
    long, wrapped = added.format("", ""), added.format("\n            ", "\n        ")
    result = format_direct("a = 1\nb = 2\n", Edit(6, 6, long.encode()))
    assert result == Formatted((Edit(6, 6, wrapped.encode()),), f"a = 1\n{wrapped}b = 2\n".encode())


def test_a_new_line_beside_one_that_was_too_long():
    added, old = f"A = call({'B' * 52}, 1)\n", f"# {'a' * 70}\nb = 2\n"
    result = format_direct(old, Edit(0, 0, added.encode()))
    assert result is not None
    assert result.raw.decode() == black.format_str(added, mode=MODE) + old


def test_edits_above_and_below_stay_as_they_are():
    old = f"a = 1\n{LONG}b = 2\n".encode()
    call = Edit(14, 23, b"get_env().get")
    above, below = Edit(6, 6, b"c = 3\n"), Edit(len(old) - 2, len(old) - 1, b"4")
    result = format_direct(old.decode(), call, above, below)
    assert result is not None
    assert result.edits == (above, Edit(6, 6 + len(LONG) - 1, WRAPPED.rstrip().encode()), below)


SHAPES = (
    "A = os.getenv({0})\n",
    "if os.getenv({0}) == 1:\n    A = os.getenv({0}) or b\n",
    "def f(a=os.getenv({0}), *, b):\n    return [a, os.getenv({0})]  # c\n",
    "call(a, {0}, os.getenv({0}).strip())  # noqa\n",
    "with open(os.getenv({0})) as f, g:\n    pass\n",
    "x = y[os.getenv({0})] = lambda a: os.getenv({0})\n",
    "assert os.getenv({0}, {0}), os.getenv({0})\n",
    "for a in os.getenv({0}):\n    del a[os.getenv({0})]\n",
)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(SHAPES), st.integers(1, 45)), min_size=1, max_size=6))
def test_what_is_formatted_is_what_Black_makes_of_the_file(parts):
    text = "".join(shape.format(f'"{"N" * size}"') for shape, size in parts)
    before = black.format_str(text, mode=MODE)
    after = plain(before)
    assert formatted(before) in {None, black.format_str(after, mode=MODE)}


# In the whole


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_git_takes_the_diff(layout, root):
    for before in (LONG, LONG + LONG, f"A = 1\n\nif A:\n    B = 1\n    {LONG.replace(' a', ' ')}\n\nC = A\n"):
        raw = layout(HEAD + before)
        result = result_of(root, {**NARROW, "app.py": raw})
        git_apply(root, unified_diff("app.py", raw, result.edits))
        assert (root / "app.py").read_bytes() == apply_edits(raw, result.edits)


def test_the_diff_shows_what_differs(root):
    raw = f"{HEAD}A = 1\n{LONG}B = 2\n".encode()
    result = result_of(root, {**NARROW, "app.py": raw})
    diff = unified_diff("app.py", raw, result.edits).decode()
    assert [line for line in diff.split("\n")[2:] if line[:1] in {"+", "-"}] == [
        "-import os",
        f"+{IMPORT.rstrip()}",
        f"-{LONG.rstrip()}",
        *(f"+{line}" for line in WRAPPED.splitlines()),
    ]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run"], ["run", "--write", "--allow-dirty"]])
@pytest.mark.parametrize("text", [SHORT, LONG], ids=["short", "long"])
def test_black_is_imported_only_for_long_lines(arguments, text, tmp_path, command_environment):
    make_project(tmp_path, {**NARROW, "app.py": HEAD + text})
    code = (
        "import atexit, sys, ssot_fix.__main__ as entry\n"
        "atexit.register(lambda: print('black' in sys.modules, file=sys.stderr))\n"
        f"sys.argv[1:] = {arguments!r}\nentry.main()\n"
    )
    done = subprocess.run(
        (sys.executable, "-P", "-c", code), cwd=tmp_path, env=command_environment, capture_output=True, check=True
    )
    assert done.stderr.decode().split()[-1] == str(text == LONG and arguments[0] == "run")
