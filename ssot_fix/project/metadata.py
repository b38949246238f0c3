"""What the packaging metadata of a project says: the programs that it installs, and the Pythons that it supports.

Read from every pyproject.toml, setup.cfg and setup.py beside the project's modules; nothing is run. A file that
can't be read, or is not valid, says nothing.
"""

from __future__ import annotations

import ast
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ssot_fix.newer_syntax import parse
from ssot_fix.project.resolver import Project
from ssot_fix.project.surroundings import Surroundings
from ssot_fix.source import Source

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

Python = tuple[int, int]

# Some of them are still to come: a specifier may name one before it is out.
_PYTHONS: tuple[Python, ...] = ((2, 7), *((3, minor) for minor in range(41)))
_ANY = ">=0"
# From here on UTF-8 is Python's own default (PEP 686).
_UTF8_BY_DEFAULT: Python = (3, 15)
_GROUPS = ("console_scripts", "gui_scripts")
# https://packaging.python.org/en/latest/specifications/entry-points/#data-model
_REFERENCE = re.compile(r"([\w.]+)\s*(?::\s*([\w.]+)\s*)?(?:\[.*\])?")


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A function that an installer makes a program of.

    `name` is the program's, `module` and `attribute` the dotted paths before and behind the colon ("" if there is
    none). `file` declares it and lies in `folder`, both posix and relative to the project's root ("").
    """

    name: str
    module: str
    attribute: str
    file: str
    folder: str


@dataclass(frozen=True)
class Metadata:
    """What all files together say.

    `lowest` has the lowest Python, as major and minor version, by folder: of those that declare one.
    """

    entry_points: tuple[EntryPoint, ...] = ()
    lowest: Mapping[str, Python] = field(default_factory=dict, hash=False)

    def uses_utf8(self, path: str) -> bool:
        """Whether only Pythons run a file that take UTF-8 for the encoding of all text by themselves (PEP 686)."""
        lowest = self.lowest_python(path)
        return lowest is not None and lowest >= _UTF8_BY_DEFAULT

    def lowest_python(self, path: str) -> Python | None:
        """The lowest Python that the distribution which holds a file supports; None if nothing says so.

        `path` is posix and relative to the root. The nearest folder around the file that declares one decides.
        """
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            if folder in self.lowest:
                return self.lowest[folder]
        return None


@dataclass(frozen=True, slots=True)
class _Said:
    """What one file says.

    `programs` are names and references. `pythons` are the declarations that it has, the one that counts first;
    each holds specifier sets (PEP 440), and supported is what one of them admits.
    """

    programs: tuple[tuple[str, str], ...] = ()
    pythons: tuple[tuple[str, ...], ...] = ()


def read_metadata(project: Project) -> Metadata:
    """Read the files in the root and in every folder that holds a Python file."""
    points: list[EntryPoint] = []
    lowest: dict[str, Python] = {}
    for folder in sorted({"", *project.folders}):
        pythons: list[tuple[str, ...]] = []
        for file, name in _present(project.around, folder):
            said = _said(project, file, _READERS[name])
            points += _entry_points(said, file, folder)
            pythons += said.pythons
        supported = next(filter(None, map(_lowest, pythons)), None)
        if supported is not None:
            lowest[folder] = supported
    return Metadata(tuple(dict.fromkeys(points)), lowest)


def _present(around: Surroundings, folder: str) -> list[tuple[str, str]]:
    """The files that a folder has, each with its name, in the order of their precedence."""
    names = around.listing(folder).names
    return [(f"{folder}/{name}" if folder else name, name) for name in _READERS if name in names]


def _said(project: Project, file: str, reader: Callable[[bytes], _Said]) -> _Said:
    try:
        return reader(project.around.read(file))
    except (OSError, ValueError, RecursionError, MemoryError):
        return _Said()


def _entry_points(said: _Said, file: str, folder: str) -> Iterator[EntryPoint]:
    for name, reference in said.programs:
        found = _REFERENCE.fullmatch(reference.strip())
        if found is not None and name.strip():
            module, attribute = found[1], found[2] or ""
            parts = [*module.split("."), *(attribute.split(".") if attribute else ())]
            if all(map(str.isidentifier, parts)):
                yield EntryPoint(name.strip(), module, attribute, file, folder)


# Versions of Python


@lru_cache
def _lowest(alternatives: tuple[str, ...]) -> Python | None:
    """The lowest Python that one of some specifier sets admits; None if it is none, or if one of them is not valid."""
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415  for projects that declare one

    try:
        admitted = [_lowest_of(SpecifierSet(text)) for text in alternatives]
    except ValueError:  # what packaging raises, and int for more digits than it takes
        return None
    return min((python for python in admitted if python is not None), default=None)


def _lowest_of(specifiers: SpecifierSet) -> Python | None:
    if not len(specifiers):
        return None
    micros = sorted(set(_first_micros(specifiers)))
    for major, minor in _PYTHONS:
        if any(specifiers.contains(f"{major}.{minor}.{micro}") for micro in micros):
            return major, minor
    return None


def _first_micros(specifiers: SpecifierSet) -> Iterator[int]:
    """The micro versions from which specifiers may admit: if they admit any of a minor version, then one of these."""
    from packaging.version import Version  # noqa: PLC0415

    yield 0
    for specifier in specifiers:
        micro = Version(specifier.version.removesuffix(".*")).micro
        yield from (micro, micro + 1)


# Poetry's constraints: https://python-poetry.org/docs/dependency-specification/#version-constraints

_OR = re.compile(r"\|\|?")
_AND = re.compile(r"[\s,]+")
_GAP_BEHIND_OPERATOR = re.compile(r"(?<=[\^~<>=!])\s+")
_ANY_VERSION = re.compile(r"v?[*xX](?:\.[*xX])*")
_UP_TO_NEXT = re.compile(r"([~^]|~=(?=v?\d+\Z))(v?(\d{1,9})(?:\.(\d{1,9}))?(?:\D.*)?)")
_COMPARISON = re.compile(r"(~=|[<>=!]=|[<>=])?(.*?)((?:\.\*)*)")


def _poetry_python(value: object) -> tuple[str, ...]:
    """The specifier sets for a constraint, a table with one, or a list of both; none if that isn't what it is."""
    match value:
        case str():
            return tuple(map(_specifiers, _OR.split(value)))
        case {"version": str(version)}:
            return _poetry_python(version)
        case list():
            each = [_poetry_python(item) for item in value]
            return tuple(text for texts in each for text in texts) if all(each) else ()
    return ()


def _specifiers(constraint: str) -> str:
    """The specifier set for a constraint without alternatives; one that is not valid if that isn't."""
    parts = _AND.split(_GAP_BEHIND_OPERATOR.sub("", constraint.strip(" ,")))
    return ",".join(map(_specifier, parts))


def _specifier(part: str) -> str:
    if _ANY_VERSION.fullmatch(part):
        return _ANY
    if found := _UP_TO_NEXT.fullmatch(part):
        operator, version, major, minor = found.groups()
        to_major = operator == "^" or minor is None
        return f">={version},<{int(major) + 1}" if to_major else f">={version},<{major}.{int(minor) + 1}"
    found = _COMPARISON.fullmatch(part)
    assert found is not None
    operator, version, wildcard = found[1] or "==", found[2], ".*" if found[3] else ""
    if operator[0] in "<>":
        wildcard = ""  # Poetry, unlike PEP 440, takes `>=3.8.*` for `>=3.8`
    return f"{'==' if operator == '=' else operator}{version}{wildcard}"


# pyproject.toml


def _pyproject(data: bytes) -> _Said:
    """The tables of the standard, of Poetry, and those that Flit and PDM had before it.

    https://packaging.python.org/en/latest/specifications/pyproject-toml/,
    https://flit.pypa.io/en/latest/pyproject_toml.html#old-style-metadata
    """
    import tomllib  # noqa: PLC0415  for projects that have such a file

    document = tomllib.loads(data.decode("utf-8-sig"))
    programs = (
        *_table(document, "project", "scripts").items(),
        *_table(document, "project", "gui-scripts").items(),
        *_poetry_programs(_table(document, "tool", "poetry", "scripts")),
        *_table(document, "tool", "flit", "scripts").items(),
        *_table(document, "tool", "pdm", "cli").items(),
    )
    pythons = (
        _texts(_table(document, "project").get("requires-python")),
        _poetry_python(_table(document, "tool", "poetry", "dependencies").get("python")),
        _texts(_table(document, "tool", "flit", "metadata").get("requires-python")),
        _texts(_table(document, "tool", "pdm").get("python_requires")),
    )
    return _Said(tuple((name, value) for name, value in programs if isinstance(value, str)), pythons)


def _poetry_programs(scripts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """https://python-poetry.org/docs/pyproject/#scripts; `callable` is what it was before `reference`."""
    for name, value in scripts.items():
        match value:
            case {"callable": reference} | {"reference": reference, "type": "console"}:
                yield name, reference
            case _:
                yield name, value


def _table(data: object, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def _texts(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else ()


# setup.cfg

_CFG_ENTRY_POINTS = ("options.entry_points", "entry_points")
_CFG_PYTHONS = (("options", "python_requires"), ("metadata", "python_requires"), ("metadata", "requires_python"))


def _setup_cfg(data: bytes) -> _Said:
    """The sections of setuptools, and those of pbr.

    https://setuptools.pypa.io/en/latest/userguide/declarative_config.html, https://docs.openstack.org/pbr/latest/user/
    """
    import configparser  # noqa: PLC0415  for projects that have such a file

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_file(io.StringIO(data.decode("utf-8-sig"), newline=None))
    except configparser.Error:
        return _Said()
    values = [parser.get(section, group, fallback="") for section in _CFG_ENTRY_POINTS for group in _GROUPS]
    spelled = ((section, spelling) for section, key in _CFG_PYTHONS for spelling in (key, key.replace("_", "-")))
    return _Said(
        tuple(_programs(line for value in values for line in _cfg_list(value))),
        tuple((parser.get(section, key, fallback=""),) for section, key in spelled),
    )


def _cfg_list(value: str) -> list[str]:
    return value.splitlines() if "\n" in value else value.split(",")


def _programs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The programs in lines of `name = reference`; comments and others are passed over."""
    for line in lines:
        name, separator, reference = line.partition("=")
        if separator and not name.lstrip().startswith("#"):
            yield name, reference


# setup.py


def _setup_py(data: bytes) -> _Said:
    """What the calls of `setup` are given as literals, at once or by a name that is bound once."""
    source = Source(data)
    if b"python_requires" not in source.body and b"entry_points" not in source.body:
        return _Said()
    tree = parse(source.text, source.body).tree
    literals = _literals(tree)
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_setup(node.func))
    arguments = [argument for call in calls for argument in _arguments(call, literals)]
    pythons = [_text(value) for name, value in arguments if name == "python_requires"]
    lines = [line for name, value in arguments if name == "entry_points" for line in _declared(value, literals)]
    return _Said(tuple(_programs(lines)), (tuple(text for text in pythons if text is not None),))


def _is_setup(function: ast.expr) -> bool:
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", None)
    return name == "setup"


_Literals = Mapping[str, ast.expr]


def _literals(tree: ast.Module) -> _Literals:
    """The values of the names that a file binds once, by an assignment at module level."""
    bound = Counter(_bound(tree))
    assigned: dict[str, ast.expr] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = (target.id for target in targets if isinstance(target, ast.Name))
            assigned |= dict.fromkeys(names, statement.value)
    return {name: value for name, value in assigned.items() if bound[name] == 1}


def _bound(tree: ast.Module) -> Iterator[str]:
    """Every name as often as it is bound, in whatever scope: a local one could be meant."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=alias):
                yield alias or name.partition(".")[0]
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.MatchMapping(rest=str(name)):
                yield name


def _followed(value: ast.expr, literals: _Literals) -> ast.expr:
    return literals.get(value.id, value) if isinstance(value, ast.Name) else value


def _arguments(call: ast.Call, literals: _Literals) -> Iterator[tuple[str, ast.expr]]:
    for keyword in call.keywords:
        value = _followed(keyword.value, literals)
        if keyword.arg is not None:
            yield keyword.arg, value
        elif isinstance(value, ast.Dict):
            yield from _items(value, literals)


def _items(node: ast.Dict, literals: _Literals) -> Iterator[tuple[str, ast.expr]]:
    for key, value in zip(node.keys, node.values, strict=True):
        if key is not None and (text := _text(_followed(key, literals))) is not None:
            yield text, _followed(value, literals)


def _declared(value: ast.expr, literals: _Literals) -> Iterator[str]:
    """The lines of the groups of programs in a dictionary of entry points, or in an INI text."""
    if isinstance(value, ast.Dict):
        for group, entries in _items(value, literals):
            if group in _GROUPS:
                yield from _lines(entries, literals)
        return
    group = ""
    for line in map(str.strip, (_text(value) or "").splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif group in _GROUPS:
            yield line


def _lines(value: ast.expr, literals: _Literals) -> Iterator[str]:
    """The lines of a text, or of the texts in a list."""
    for element in value.elts if isinstance(value, ast.List | ast.Tuple | ast.Set) else [value]:
        yield from (_text(_followed(element, literals)) or "").splitlines()


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


_READERS: Mapping[str, Callable[[bytes], _Said]] = {
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup_cfg,
    "setup.py": _setup_py,
}
