"""What packaging metadata says: programs, and the lowest Python, by every way to say so."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest
from cases import lay_out
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from ssot_fix.project.metadata import EntryPoint, Metadata, read_metadata
from ssot_fix.project.resolver import Project

posix_only = pytest.mark.skipif(os.name != "posix", reason="pipes and symbolic links of POSIX")


def project_of(root: Path, files: Mapping[str, str | bytes]) -> Project:
    """A project of some files; its modules are those that aren't setup.py, and one at the root."""
    lay_out(root, {"main.py": "", **files})
    return Project(root, frozenset({"main.py", *(path for path in files if path.endswith(".py"))}))


@pytest.fixture
def read(tmp_path):
    """The metadata of a project of some files."""

    def of(files: Mapping[str, str | bytes]) -> Metadata:
        return read_metadata(project_of(tmp_path, files))

    return of


def programs(found: Metadata) -> list[tuple[str, str, str]]:
    return [(point.name, point.module, point.attribute) for point in found.entry_points]


# What says nothing

SAYS_NOTHING = {
    "no files": {},
    "empty files": {"pyproject.toml": "", "setup.cfg": "", "setup.py": ""},
    "other tables": {"pyproject.toml": "[tool.ruff]\ntarget-version = 'py311'\n[scripts]\nx = 'a:b'\n"},
    "other sections": {"setup.cfg": "[flake8]\npython_requires = >=3.9\nconsole_scripts = x = a:b\n"},
    "other types": {
        "pyproject.toml": "project = 3\n[tool]\npoetry = [1]\nflit = { metadata = true, scripts = 'x' }\npdm = 1.5\n"
    },
    "other types of values": {
        "pyproject.toml": "[project]\nrequires-python = [3]\nscripts = { a = 1, b = ['x:y'], c = { d = 'x:y' } }\n"
        "[tool.poetry]\nscripts = { e = { reference = 1, type = 'console' }, f = { callable = ['x:y'] } }\n"
        "dependencies = { python = [] }\n"
    },
    "a constraint that is none": {"pyproject.toml": "[tool.poetry.dependencies]\npython = { git = 'x' }\n"},
    "nested lists": {"pyproject.toml": f"[tool.poetry.dependencies]\npython = {'[' * 60}3{']' * 60}\n"},
    "other dependencies": {"pyproject.toml": "[tool.poetry.dependencies]\npythonnet = '^3.9'\n"},
    "entry points that are no programs": {
        "pyproject.toml": "[project.entry-points.pytest11]\nx = 'a:b'\n[tool.poetry.plugins.x]\ny = 'a:b'\n",
        "setup.cfg": "[options.entry_points]\npytest11 = x = a:b\n",
        "setup.py": "setup(entry_points={'pytest11': ['x = a:b']})\nsetup(entry_points='[pytest11]\\nx = a:b')\n",
    },
    "scripts of Poetry that are files": {
        "pyproject.toml": "[tool.poetry.scripts]\nx = { reference = 'x', type = 'file' }\ny = { reference = 'a:b' }\n"
    },
    "tasks of PDM": {"pyproject.toml": "[tool.pdm.scripts]\nx = 'a:b'\ny = { call = 'a:b' }\n"},
    "calls of other names": {
        "setup.py": "install(python_requires='>=3.9', entry_points={'console_scripts': ['x=a:b']})"
    },
    "no call": {"setup.py": "python_requires = '>=3.9'\nentry_points = {'console_scripts': ['x = a:b']}\nsetup\n"},
    "commented out": {
        "pyproject.toml": "[project]\n# requires-python = '>=3.9'\n[project.scripts]\n# x = 'a:b'\n",
        "setup.cfg": "[options]\n# python_requires = >=3\n[entry_points]\nconsole_scripts =\n # x = a:b\n ; y = a:b\n",
        "setup.py": "setup(\n  # python_requires='>=3.9',\n  entry_points={'console_scripts': '# x = a:b'},\n)\n",
    },
    "in a string": {
        "setup.py": "'''setup(python_requires='>=3.9')'''\nsetup(description='python_requires=\">=3.9\"')\n"
    },
}
COMPUTED = [
    "setup(python_requires='>=' + '3.9')",
    "setup(python_requires=f'>={3.9}')",
    "setup(python_requires='>=%s' % 3.9)",
    "setup(python_requires=REQUIRES)",
    "setup(python_requires=b'>=3.9')",
    "setup(python_requires=3.9)",
    "setup(python_requires='>=3.9' if new else '>=3.8')",
    "setup('>=3.9', python=requires)  # python_requires",
    "setup(**{**OTHERS}, **made())  # python_requires",
    "REQUIRES = '>=3.8'\nREQUIRES = '>=3.9'\nsetup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\nREQUIRES += ',<4'\nsetup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\ndel REQUIRES\nsetup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\nif x:\n    REQUIRES = '>=3.9'\nsetup(python_requires=REQUIRES)",
    "if x:\n    REQUIRES = '>=3.9'\nsetup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\ndef main(REQUIRES):\n    setup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\ndef main():\n    REQUIRES = read()\n    setup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\ndef change():\n    global REQUIRES\n    REQUIRES = '>=3.9'\nsetup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\nfrom about import REQUIRES\nsetup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\nfrom about import x as REQUIRES\nsetup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\nclass REQUIRES: ...\nsetup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\ntry: ...\nexcept E as REQUIRES: ...\nsetup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\nmatch x:\n    case REQUIRES: ...\nsetup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\nmatch x:\n    case [*REQUIRES]: ...\nsetup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\nmatch x:\n    case {**REQUIRES}: ...\nsetup(python_requires=REQUIRES)",
    "REQUIRES = '>=3.8'\n(REQUIRES := '>=3.9')\nsetup(python_requires=REQUIRES)",
    "A = B\nB = A\nsetup(python_requires=A)",
    "A = A\nsetup(python_requires=A, entry_points=A)",
    "REQUIRES, x = '>=3.8', 1\nsetup(python_requires=REQUIRES)",
    "REQUIRES: str\nsetup(python_requires=REQUIRES)",
    "setup(entry_points=read('entry_points.txt'))",
    "setup(entry_points=['[console_scripts]', 'x = a:b'])",
    "setup(entry_points={'console_scripts': ['x = a:b'] + more})",
    "setup(entry_points={'console_scripts': [f'{x} = a:b', 'x = %s' % y, *more, 5, b'x = a:b']})",
    "setup(entry_points={GROUP: ['x = a:b'], **more, 5: ['x = a:b']})",
    "setup(entry_points='[console_scripts]\\nx = {}:b'.format(a))",
    "setup(entry_points={'console_scripts': {'x': 'a:b'}})",
]


@pytest.mark.parametrize("files", SAYS_NOTHING.values(), ids=SAYS_NOTHING.keys())
def test_nothing_is_said(files, read):
    assert read(files) == Metadata()
    assert read(files).lowest_python("main.py") is None


@pytest.mark.parametrize("text", COMPUTED)
def test_what_setup_py_computes_is_ignored(text, read):
    assert read({"setup.py": text}) == Metadata()


BROKEN = {
    "TOML": ("pyproject.toml", b"[project]\nrequires-python = '>=3.9'\n[project.scripts]\nx = 'a:b'\nrequires-python"),
    "TOML with a key twice": ("pyproject.toml", b"[project]\nrequires-python = '>=3.9'\nrequires-python = '>=3.9'\n"),
    "TOML that is not UTF-8": ("pyproject.toml", b"[project]\nname = 'caf\xe9'\nrequires-python = '>=3.9'\n"),
    "TOML as UTF-16": ("pyproject.toml", "[project]\nrequires-python = '>=3.9'\n".encode("utf-16")),
    "deep TOML": ("pyproject.toml", b"[project]\nrequires-python = '>=3.9'\nx = " + b"[" * 9_000 + b"]" * 9_000),
    "a long number": ("pyproject.toml", b"x = " + b"1" * 9_000 + b"\n[project]\nrequires-python = '>=3.9'\n"),
    "INI": ("setup.cfg", b"[options]\npython_requires = >=3.9\n[options.entry_points\nconsole_scripts = x = a:b\n"),
    "INI without a section": ("setup.cfg", b"python_requires = >=3.9\n[options]\npython_requires = >=3.9\n"),
    "INI that is not UTF-8": ("setup.cfg", b"[metadata]\nauthor = Ren\xe9\n[options]\npython_requires = >=3.9\n"),
    "Python": ("setup.py", b"setup(python_requires='>=3.9')\ndef"),
    "Python 2": ("setup.py", b"print 'x'\nsetup(python_requires='>=2.7')\n"),
    "Python that is not UTF-8": ("setup.py", b"# Ren\xe9\nsetup(python_requires='>=3.9')\n"),
    "an unknown encoding": ("setup.py", b"# coding: klingon\nsetup(python_requires='>=3.9')\n"),
    "NUL bytes": ("setup.py", b"setup(python_requires='>=3.9')\0"),
    "deep Python": ("setup.py", b"setup(python_requires='>=3.9', x=" + b"(" * 9_000 + b")" * 9_000 + b")"),
}


@pytest.mark.parametrize(("name", "data"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_says_nothing_and_the_others_do(name, data, read):
    others = {
        "pyproject.toml": "[project]\nrequires-python = '>=3.11'\nscripts = { pyproject = 'a:b' }\n",
        "setup.cfg": "[options]\npython_requires = >=3.11\n[options.entry_points]\nconsole_scripts = cfg = a:b\n",
        "setup.py": "setup(python_requires='>=3.11', entry_points={'console_scripts': ['setup-py = a:b']})\n",
    }
    found = read({**others, name: data})
    assert found.lowest_python("main.py") == (3, 11)
    assert [point.file for point in found.entry_points] == [other for other in others if other != name]


def test_a_folder_of_the_name_of_a_file(read):
    found = read({"pyproject.toml/x.txt": "", "setup.cfg": "[options]\npython_requires = >=3.9\n"})
    assert found.lowest == {"": (3, 9)}


@posix_only
def test_pipes_and_dangling_links(tmp_path):
    project = project_of(tmp_path, {"setup.cfg": "[options]\npython_requires = >=3.9\n"})
    os.mkfifo(tmp_path / "setup.py")
    (tmp_path / "pyproject.toml").symlink_to("nowhere.toml")
    assert read_metadata(project).lowest == {"": (3, 9)}


@posix_only
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root reads everything")
def test_unreadable_files(tmp_path):
    files = {
        "setup.cfg": "[options]\npython_requires = >=3.9\n",
        "pyproject.toml": "[project]\nrequires-python = '>=3'\n",
    }
    project = project_of(tmp_path, files)
    (tmp_path / "pyproject.toml").chmod(0)
    assert read_metadata(project).lowest == {"": (3, 9)}


def test_a_root_and_folders_that_are_gone(tmp_path):
    project = Project(tmp_path / "nowhere", frozenset({"a/b.py"}))
    assert read_metadata(project) == Metadata()


def test_setup_py_is_not_run(read, tmp_path):
    ran = tmp_path / "ran"
    text = f"open({str(ran)!r}, 'w')\nsetup(python_requires='>=3.9')\nraise SystemExit\n"
    assert read({"setup.py": text}).lowest == {"": (3, 9)}
    assert not ran.exists()


# Specifiers

NOT_A_SPECIFIER = [
    "",
    " ",
    ",",
    "3.9",
    "^3.9",
    "~3.9",
    "*",
    ">=3.9.*",
    ">=",
    ">=x",
    "=>3.9",
    "≥3.9",
    ">=3.9 <4",
    "===x",
]
NOT_A_SPECIFIER += [">=3.9,<4;", "~=3", ">=3.8 # why", ">=3." + "9" * 5_000]
ADMITS_NONE = [">=3.12,<3.11", ">=4", "<2.7", "==3.9.5.post1", "==3.9.*,!=3.9.*", "===3.9", ">=1!3.9", "==3.9.0rc1"]
SPECIFIERS = {
    ">=3.8": (3, 8),
    ">=3.8.1": (3, 8),
    ">3.8": (3, 8),
    ">3.8.99": (3, 8),
    ">=3": (3, 0),
    ">3": (3, 0),
    ">=2.7": (2, 7),
    ">=2": (2, 7),
    ">=2.7, !=3.0.*, !=3.1.*": (2, 7),
    ">2.7,<3": (2, 7),
    "<4": (2, 7),
    "!=3.9.*": (2, 7),
    ">=3.9,!=3.9.*": (3, 10),
    ">=3.9,!=3.9.0": (3, 9),
    ">=3.9,!=3.9.*,!=3.10.*": (3, 11),
    ">=3.9.7,!=3.9.7,<4": (3, 9),
    "~=3.10": (3, 10),
    "~=3.10.4": (3, 10),
    "==3.11.*": (3, 11),
    "==3.*": (3, 0),
    "==3.9": (3, 9),
    "==3.9.5": (3, 9),
    "===3.9.5": (3, 9),
    ">=3.9.4,<3.9.7": (3, 9),
    ">3.9.4,<3.9.6": (3, 9),
    "<=3.9.5,>=3.9.5": (3, 9),
    ">=3.9,<3.10": (3, 9),
    ">=3.15": (3, 15),
    ">=3.15.0a1": (3, 15),
    ">=3.14.0rc1": (3, 14),
    ">=3.40": (3, 40),
    " >= 3.9 , < 4 ": (3, 9),
    ">=3.9,": (3, 9),
    ">=v3.9": (3, 9),
    ">=3.9.0.0": (3, 9),
}


def by_pyproject(specifier: str) -> dict[str, str]:
    return {"pyproject.toml": f'[project]\nrequires-python = "{specifier}"\n'}


def by_setup_cfg(specifier: str) -> dict[str, str]:
    return {"setup.cfg": f"[options]\npython_requires = {specifier}\n"}


def by_setup_py(specifier: str) -> dict[str, str]:
    return {"setup.py": f"from setuptools import setup\n\nsetup(name='x', python_requires={specifier!r})\n"}


@pytest.mark.parametrize("by", [by_pyproject, by_setup_cfg, by_setup_py])
@pytest.mark.parametrize("specifier", NOT_A_SPECIFIER + ADMITS_NONE)
def test_a_specifier_that_says_nothing(specifier, by, read):
    assert read(by(specifier)) == Metadata()


@pytest.mark.parametrize("by", [by_pyproject, by_setup_cfg, by_setup_py])
@pytest.mark.parametrize(("specifier", "lowest"), SPECIFIERS.items())
def test_specifiers(specifier, lowest, by, read):
    assert read(by(specifier)).lowest_python("main.py") == lowest


NOT_A_CONSTRAINT = ["", " ", "||", "^3.9 ||", "|| ^3.9", "^", "^x", "^3.*", "~3.9.*", "~", "<>3.9", ">=3.9;<4"]
NOT_A_CONSTRAINT += [
    "^3.9 || nonsense",
    "3.9 - 3.11",
    "^" + "9" * 5_000,
    "~3." + "9" * 5_000,
    "@3.9",
    "^4",
    "~3.8,^3.9",
]
CONSTRAINTS = {
    "^3.9": (3, 9),
    "^3.9.2": (3, 9),
    "^3": (3, 0),
    "^ 3.9": (3, 9),
    "^v3.9": (3, 9),
    "^3.15.0a1": (3, 15),
    "^2.7": (2, 7),
    "~3.9": (3, 9),
    "~3.9.5": (3, 9),
    "~3": (3, 0),
    "~2": (2, 7),
    "~=3.10": (3, 10),
    "~=3": (3, 0),
    ">=3.9,<4": (3, 9),
    ">=3.9 <4": (3, 9),
    ">= 3.9, < 4": (3, 9),
    ">=3.9,<4,": (3, 9),
    ">=3.9.*": (3, 9),
    "<3.11.*": (2, 7),
    "3.11.*": (3, 11),
    "==3.11.*": (3, 11),
    "3.*": (3, 0),
    "3.*.*": (3, 0),
    "!=3.9.*,^3.9": (3, 10),
    "3.11": (3, 11),
    "3.11.4": (3, 11),
    "=3.11": (3, 11),
    "==3.11": (3, 11),
    "*": (2, 7),
    "x": (2, 7),
    "*.*": (2, 7),
    "*,>=3.9": (3, 9),
    "~2.7 || ^3.6": (2, 7),
    "^3.10 || ~3.8": (3, 8),
    "^3.10|~3.9": (3, 9),
    "^3.10 || ^4": (3, 10),
}


def by_poetry(value: str) -> dict[str, str]:
    return {"pyproject.toml": f"[tool.poetry.dependencies]\nrequests = '*'\npython = {value}\n"}


@pytest.mark.parametrize("constraint", NOT_A_CONSTRAINT)
def test_a_constraint_of_poetry_that_says_nothing(constraint, read):
    assert read(by_poetry(f'"{constraint}"')) == Metadata()


def test_versions_that_are_no_numbers_leave_the_programs(read):
    digits = "9" * 5_000
    for constraint in (f"^{digits}", f"~3.{digits}", f">=3.{digits}"):
        text = f"[tool.poetry]\nscripts = {{ x = 'a:b' }}\ndependencies = {{ python = '{constraint}' }}\n"
        assert programs(read({"pyproject.toml": text})) == [("x", "a", "b")]


@pytest.mark.parametrize(("constraint", "lowest"), CONSTRAINTS.items())
def test_constraints_of_poetry(constraint, lowest, read):
    assert read(by_poetry(f'"{constraint}"')).lowest_python("main.py") == lowest


@pytest.mark.parametrize(
    ("value", "lowest"),
    [
        ("{ version = '^3.9' }", (3, 9)),
        ("[{ version = '^3.9', platform = 'linux' }, { version = '^3.8', platform = 'win32' }]", (3, 8)),
        ("['^3.9', '^3.10']", (3, 9)),
        ("['^3.9', 'nonsense']", None),
        ("['^3.9', 3]", None),
        ("['^3.9', { version = 3 }]", None),
        ("3.9", None),
    ],
)
def test_tables_and_lists_of_poetry(value, lowest, read):
    assert read(by_poetry(value)).lowest_python("main.py") == lowest


# Where the lowest Python is declared

FLIT = "[tool.flit.metadata]\nmodule = 'x'\nrequires-python = '>=3.7'\n"
PDM = "[tool.pdm]\npython_requires = '>=3.7'\n"
DECLARED = {
    "multi-line": ("setup.cfg", "[options]\npython_requires =\n    >=3.7,\n    <4\n"),
    "colon": ("setup.cfg", "[options]\npython_requires: >=3.7\n"),
    "dash": ("setup.cfg", "[options]\npython-requires = >=3.7\n"),
    "upper case": ("setup.cfg", "[options]\nPython_Requires = >=3.7\n"),
    "an option twice": ("setup.cfg", "[options]\nname = x\nname = y\npython_requires = >=3.7\n"),
    "percent signs": ("setup.cfg", "[options]\nx = %(y)s 100%\npython_requires = >=3.7\n"),
    "pbr": ("setup.cfg", "[metadata]\nname = x\npython-requires = >=3.7\n"),
    "pbr, the other way": ("setup.cfg", "[metadata]\nrequires-python = >=3.7\n"),
    "flit": ("pyproject.toml", FLIT),
    "pdm": ("pyproject.toml", PDM),
    "setuptools.setup": ("setup.py", "import setuptools\nsetuptools.setup(python_requires='>=3.7')\n"),
    "an attribute of anything": ("setup.py", "a.b().setup(python_requires='>=3.7')\n"),
    "inside": ("setup.py", "if __name__ == '__main__':\n    def main():\n        setup(python_requires='>=3.7')\n"),
    "concatenated": ("setup.py", "setup(python_requires='>='\n    '3.7')\n"),
    "a name": ("setup.py", "REQUIRES = '>=3.7'\nsetup(python_requires=REQUIRES)\n"),
    "the keyword's own name": ("setup.py", "python_requires = '>=3.7'\nsetup(python_requires=python_requires)\n"),
    "an annotated name": ("setup.py", "REQUIRES: str = '>=3.7'\nsetup(python_requires=REQUIRES)\n"),
    "one of two names": ("setup.py", "A = B = '>=3.7'\nsetup(python_requires=B)\n"),
    "a name of a function's": ("setup.py", "REQUIRES = '>=3.7'\ndef main():\n    setup(python_requires=REQUIRES)\n"),
    "unpacked": ("setup.py", "OPTIONS = {'python_requires': '>=3.7'}\nsetup(**OPTIONS)\n"),
    "unpacked at once": ("setup.py", "R = '>=3.7'\nsetup(**{'python_requires': R})\n"),
    "two calls": (
        "setup.py",
        "if x:\n    setup(python_requires='>=3.9')\nelse:\n    setup(python_requires='>=3.7')\n",
    ),
    "newer syntax": ("setup.py", "x = f'{d['a']}'\ntype T = int\nsetup(python_requires='>=3.7')\n"),
    "BOM in TOML": ("pyproject.toml", b"\xef\xbb\xbf[project]\r\nrequires-python = '>=3.7'\r\n"),
    "BOM in INI": ("setup.cfg", b"\xef\xbb\xbf[options]\r\npython_requires =\r\n    >=3.7\r\n"),
    "BOM in Python": ("setup.py", b"\xef\xbb\xbfsetup(\r\n    python_requires='>=3.7',\r\n)\r\n"),
    "carriage returns in INI": ("setup.cfg", b"[options]\rpython_requires = >=3.7\rname = x\r"),
    "carriage returns in Python": ("setup.py", b"x = 1\rsetup(python_requires='>=3.7')\r"),
    "latin-1": ("setup.py", b"# -*- coding: latin-1 -*-\nsetup(author='Ren\xe9', python_requires='>=3.7')\n"),
    "no newline at the end": ("setup.cfg", "[options]\npython_requires = >=3.7"),
}


@pytest.mark.parametrize(("name", "text"), DECLARED.values(), ids=DECLARED.keys())
def test_where_the_lowest_python_is_declared(name, text, read):
    assert read({name: text}).lowest == {"": (3, 7)}


IN_ORDER = [
    ("pyproject.toml", "[project]\nrequires-python = '{}'\n"),
    ("pyproject.toml", "[tool.poetry.dependencies]\npython = '{}'\n"),
    ("pyproject.toml", "[tool.flit.metadata]\nrequires-python = '{}'\n"),
    ("pyproject.toml", "[tool.pdm]\npython_requires = '{}'\n"),
    ("setup.cfg", "[options]\npython_requires = {}\n"),
    ("setup.cfg", "[metadata]\npython_requires = {}\n"),
    ("setup.py", "setup(python_requires='{}')\n"),
]


@pytest.mark.parametrize("invalid", range(len(IN_ORDER)))
def test_precedence_in_one_folder(invalid, read):
    files: dict[str, str] = {}
    for place, (name, text) in enumerate(IN_ORDER):
        said = "nonsense" if place < invalid else f">=3.{place}"
        files[name] = files.get(name, "") + text.format(said)
    assert read(files).lowest == {"": (3, invalid)}


# Programs

PYPROJECT = """\
[project.scripts]
one = "pkg.cli:main"
"two-2" = "pkg.cli:App.run"
three = "pkg.cli : main [extra]"
four = "pkg"

[project.gui-scripts]
five = "pkg.gui:main"

[tool.poetry.scripts]
six = "pkg.cli:six"
seven = { reference = "pkg.cli:seven", type = "console" }
eight = { callable = "pkg.cli:eight", extras = ["x"] }
nine = { reference = "bin/nine.sh", type = "file" }

[tool.flit.scripts]
ten = "pkg.cli:ten"

[tool.pdm.cli]
eleven = "pkg.cli:eleven"
"""


def test_programs_of_pyproject(read):
    assert programs(read({"pyproject.toml": PYPROJECT})) == [
        ("one", "pkg.cli", "main"),
        ("two-2", "pkg.cli", "App.run"),
        ("three", "pkg.cli", "main"),
        ("four", "pkg", ""),
        ("five", "pkg.gui", "main"),
        ("six", "pkg.cli", "six"),
        ("seven", "pkg.cli", "seven"),
        ("eight", "pkg.cli", "eight"),
        ("ten", "pkg.cli", "ten"),
        ("eleven", "pkg.cli", "eleven"),
    ]


NOT_A_REFERENCE = [
    "",
    ":",
    ":main",
    "a:",
    "a b:c",
    "a:b c",
    "a/b:c",
    "a.py:c d",
    "a:b()",
    "a:b:c",
    "a..b:c",
    ".a:b",
    "a.:b",
]
NOT_A_REFERENCE += ["a:.b", "1a:b", "a:1b", "a:b [", "a:b]", "a-b:c", "[x]", "a:b # why", "a:b.", "a:b, c:d"]


@pytest.mark.parametrize("reference", NOT_A_REFERENCE)
def test_references_that_name_no_function(reference, read):
    assert read({"pyproject.toml": f"[project.scripts]\nx = '{reference}'\n' ' = 'a:b'\n"}) == Metadata()
    assert read({"setup.py": f"setup(entry_points={{'console_scripts': ['x = {reference}', '= a:b']}})"}) == Metadata()


SETUP_CFG = """\
[metadata]
name = x

[options.entry_points]
console_scripts =
    one = pkg.cli:main
    # two = pkg.cli:two
    ; three = pkg.cli:three

    four=pkg.cli:App.run [extra, other]
    nonsense
    percent = %(pkg)s:main
    five = pkg
pytest11 =
    six = pkg.plugin:main
gui_scripts = seven = pkg.gui:main, eight = pkg.gui:eight

[entry_points]
console_scripts =
    nine = pkg.cli:nine
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_programs_of_setup_cfg(newline, read):
    assert programs(read({"setup.cfg": SETUP_CFG.replace("\n", newline)})) == [
        ("one", "pkg.cli", "main"),
        ("four", "pkg.cli", "App.run"),
        ("five", "pkg", ""),
        ("seven", "pkg.gui", "main"),
        ("eight", "pkg.gui", "eight"),
        ("nine", "pkg.cli", "nine"),
    ]


SETUP_PY = {
    "a list": "setup(entry_points={'console_scripts': ['x = a.b:c', 'y=a:d.e']})",
    "a tuple": "setup(entry_points={'console_scripts': ('x = a.b:c', 'y=a:d.e')})",
    "lines": "setup(entry_points={'console_scripts': 'x = a.b:c\\n  y=a:d.e [z]\\n'})",
    "two groups": "setup(entry_points={'console_scripts': ['x = a.b:c'], 'z': ['z = z:z'], 'gui_scripts': 'y=a:d.e'})",
    "INI": "setup(entry_points='''z=z:z\n[console_scripts]\n x = a.b:c\n #z=z\n[z]\nz=z:z\n[gui_scripts]\ny=a:d.e''')",
    "INI by name": "E = '[console_scripts]\\nx = a.b:c\\ny=a:d.e'\nsetup(entry_points=E)",
    "a name": "E = {'console_scripts': ['x = a.b:c', 'y=a:d.e']}\nsetup(entry_points=E)",
    "names": "G = 'console_scripts'\nX = 'x = a.b:c'\nL = [X, 'y=a:d.e']\nE = {G: L}\nsetup(entry_points=E)",
    "unpacked": "L = ['x = a.b:c', 'y=a:d.e']\nK = {'entry_points': {'console_scripts': L}}\nsetup(**K)",
    "between computed ones": "setup(entry_points={'console_scripts': ['x = a.b:c', f'{z}=z:z', *z, 'y=a:d.e']})",
    "two calls": "setup(entry_points={'console_scripts': ['x = a.b:c']})\n"
    "setup(entry_points={'console_scripts': ['x = a.b:c', 'y=a:d.e']})",
    "latin-1": b"# coding: latin-1\nsetup(author='\xe9', entry_points={'console_scripts': ['x = a.b:c', 'y=a:d.e']})",
}


@pytest.mark.parametrize("text", SETUP_PY.values(), ids=SETUP_PY.keys())
def test_programs_of_setup_py(text, read):
    assert programs(read({"setup.py": text})) == [("x", "a.b", "c"), ("y", "a", "d.e")]


def test_names_that_are_not_ascii(read):
    text = "setup(entry_points={'console_scripts': ['größe = größe.maß:drücke']})"
    assert programs(read({"setup.py": text})) == [("größe", "größe.maß", "drücke")]


# Monorepos


def test_the_nearest_folder_that_declares_one_decides(read):
    found = read(
        {
            "pyproject.toml": "[project]\nrequires-python = '>=3.8'\n",
            "services/a/pyproject.toml": "[project]\nrequires-python = '>=3.15'\n",
            "services/a/app/main.py": "",
            "services/b/pyproject.toml": "[project]\nname = 'b'\n",
            "services/b/main.py": "",
            "services/c/setup.py": "setup(python_requires='nonsense')\n",
            "services/d/setup.cfg": "[options]\npython_requires = >=3.12\n",
            "services/d/e/f/main.py": "",
            "services/ab.py": "",
        }
    )
    assert found.lowest_python("main.py") == (3, 8)
    assert found.lowest_python("services/ab.py") == (3, 8)
    assert found.lowest_python("services/a/app/main.py") == (3, 15)
    assert found.lowest_python("services/a/other.py") == (3, 15)
    assert found.lowest_python("services/b/main.py") == (3, 8)
    assert found.lowest_python("services/c/setup.py") == (3, 8)
    assert found.lowest_python("services/d/e/f/main.py") == (3, 12)


def test_no_one_declares_one_for_the_root(read):
    found = read({"a/setup.py": "setup(python_requires='>=3.9')", "b/x.py": ""})
    assert [found.lowest_python(path) for path in ("main.py", "b/x.py", "a/y.py")] == [None, None, (3, 9)]


def test_where_programs_are_declared(read):
    found = read(
        {
            "services/b/setup.py": "setup(entry_points={'console_scripts': ['b = app.main:run']})",
            "services/a/pyproject.toml": "[project.scripts]\na = 'app.main:run'\n",
            "services/a/setup.cfg": "[options.entry_points]\nconsole_scripts = a = app.main:run\n",
            "services/a/app/main.py": "",
            "pyproject.toml": "[project.scripts]\nz = 'app:run'\n[tool.poetry.scripts]\nz = 'app:run'\n",
        }
    )
    assert found.entry_points == (
        EntryPoint("z", "app", "run", "pyproject.toml", ""),
        EntryPoint("a", "app.main", "run", "services/a/pyproject.toml", "services/a"),
        EntryPoint("a", "app.main", "run", "services/a/setup.cfg", "services/a"),
        EntryPoint("b", "app.main", "run", "services/b/setup.py", "services/b"),
    )


def test_only_the_root_and_folders_with_modules_are_looked_in(tmp_path):
    folders = ("", "web/", "app/vendored/")
    files = {f"{folder}pyproject.toml": "[project]\nrequires-python = '>=3.9'\n" for folder in folders}
    lay_out(tmp_path, {**files, "app/main.py": ""})
    assert read_metadata(Project(tmp_path, frozenset({"app/main.py"}))).lowest == {"": (3, 9)}
    assert read_metadata(Project(tmp_path, frozenset())).lowest == {"": (3, 9)}


def test_metadata_can_be_sent_to_workers(read):
    found = read({"pyproject.toml": PYPROJECT + "[tool.pdm]\npython_requires = '>=3.9'\n"})
    sent = pickle.loads(pickle.dumps(found))
    assert sent == found != Metadata(found.entry_points)
    assert hash(sent) == hash(found)
    assert sent.lowest_python("main.py") == (3, 9)


def test_a_project_without_such_files_loads_no_parser(tmp_path):
    project_of(tmp_path, {"app/main.py": ""})
    script = (
        "import pathlib, sys\n"
        "from ssot_fix.project.metadata import read_metadata\n"
        "from ssot_fix.project.resolver import Project\n"
        "read_metadata(Project(pathlib.Path(sys.argv[1]), frozenset({'app/main.py'})))\n"
        "print(sorted({'configparser', 'libcst', 'packaging', 'tomllib'} & set(sys.modules)))\n"
    )
    done = subprocess.run((sys.executable, "-c", script, tmp_path), capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Whatever the bytes


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("any")


FRAGMENTS = (
    *(
        "\n",
        "\r",
        "\r\n",
        " ",
        "\t",
        "\f",
        "=",
        ":",
        ",",
        ".",
        "#",
        ";",
        '"',
        "'",
        '"""',
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
    ),
    *("[project]\n", "[project.scripts]\n", "[tool.poetry.scripts]\n", "[tool.poetry.dependencies]\n", "python = "),
    *("requires-python = ", "[options]\n", "[options.entry_points]\n", "[metadata]\n", "console_scripts = "),
    *("[console_scripts]", "setup(", "python_requires = ", "entry_points = ", "x = a:b", "'x = a:b'", "**", "*", "f'"),
    *('">=3.9"', '"^3.9"', ">=3.9", "||", "~", "^", "!=3.9.*", "===", "9" * 20, "1!", "a1", "\ufeff", "é", "\0", "\\"),
    *(
        "[[tool.pdm]]\n",
        "[tool.flit.metadata]\n",
        "[DEFAULT]\n",
        "callable = ",
        "reference = ",
        "type = ",
        "if x:\n  ",
    ),
)
ANY_TEXT = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join) | st.text()
ANY_BYTES = ANY_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary()


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("pyproject.toml", "setup.cfg", "setup.py"), ANY_BYTES)))
def test_no_bytes_make_it_fail(folder, files):
    found = read_metadata(project_of(folder, files))
    assert set(found.lowest) <= {""}
    assert {point.file for point in found.entry_points} <= set(files)
    for point in found.entry_points:
        dotted = f"{point.module}.{point.attribute}" if point.attribute else point.module
        assert all(part.isidentifier() for part in dotted.split("."))


VALUES = st.lists(
    st.sampled_from(["~", "^", ">", "<", "=", "!", "3", ".", "9", "10", "*", ",", "|", " ", "a1"]), max_size=9
)


@given(VALUES.map("".join) | st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="'")))
def test_no_constraint_makes_it_fail(folder, text):
    files = {
        "pyproject.toml": f"[project]\nrequires-python = '{text}'\n[tool.poetry.dependencies]\npython = '{text}'\n"
    }
    assert read_metadata(project_of(folder, files)).lowest.get("", (3, 0)) >= (2, 7)


VERSIONS = st.tuples(st.just(3), st.integers(0, 20), st.integers(0, 20)) | st.tuples(st.just(3), st.integers(0, 20))
COMPARISONS = st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "~="]), VERSIONS).map(
    lambda drawn: drawn[0] + ".".join(map(str, drawn[1]))
)
WILDCARDS = st.tuples(st.sampled_from(["==", "!="]), st.integers(0, 20)).map(lambda drawn: f"{drawn[0]}3.{drawn[1]}.*")


@given(st.lists(COMPARISONS | WILDCARDS, min_size=1, max_size=4).map(",".join))
def test_the_lowest_is_the_first_of_all_releases_that_are_admitted(folder, text):
    specifiers = SpecifierSet(text)
    releases = ((*python, micro) for python in ((2, 7), *((3, minor) for minor in range(41))) for micro in range(23))
    expected = next((found[:2] for found in releases if specifiers.contains(".".join(map(str, found)))), None)
    assert read_metadata(project_of(folder, by_pyproject(text))).lowest_python("main.py") == expected


PARTS = st.sampled_from(["a", "b", "", ".", "ab"])
PATHS = st.lists(PARTS, max_size=5).map("/".join)


@given(st.dictionaries(st.lists(st.sampled_from("ab"), max_size=3).map("/".join), st.just((3, 9))), PATHS | st.text())
def test_paths(lowest, path):
    """Whatever a path is, looking it up ends; one in normal form gets what its nearest folder has."""
    found = Metadata((), lowest).lowest_python(path)
    if path and str(PurePosixPath(path)) == path and not path.startswith("/") and path != ".":
        above = ["" if str(parent) == "." else str(parent) for parent in PurePosixPath(path).parents]
        assert found == next((lowest[folder] for folder in above if folder in lowest), None)
