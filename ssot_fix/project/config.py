"""The settings of a project: `[tool.ssot-fix]` in pyproject.toml, or ssot-fix.toml."""

from __future__ import annotations

import enum
import os
import re
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from ssot_fix.project.classify import DEFAULT_TEST_PATTERNS, Globs
from ssot_fix.project.git import toplevel

OWN_FILE = "ssot-fix.toml"
PYPROJECT = "pyproject.toml"
_OUR_TABLE = ("tool", "ssot-fix")
_PER_PATH = ("codemods", "unsafe-fixes")
_PATTERN_KEYS = ("exclude", "test-patterns")

Table = Mapping[str, Any]
Key = tuple[str | int, ...]
T = TypeVar("T")


class ConfigError(Exception):
    """The settings can't be used; the message names the file, the line, the table and the way out."""


@dataclass(frozen=True, slots=True)
class General:
    """Settings that are not a codemod's own.

    `exclude` and `test_patterns` are gitignore patterns and `source_roots` folders, all relative to the root.
    `codemods` are those to run, none meaning all. `jobs` is the number of workers, 0 meaning as many as pay.
    """

    exclude: tuple[str, ...] = ()
    test_patterns: tuple[str, ...] = DEFAULT_TEST_PATTERNS
    source_roots: tuple[str, ...] = ()
    codemods: tuple[str, ...] = ()
    include_tests: bool = False
    unsafe_fixes: bool = False
    jobs: int = 0


@dataclass(frozen=True, slots=True)
class Override:
    """Settings for some paths: which ones, and by codemod what differs there ("": the general settings)."""

    paths: Globs
    values: Mapping[str, Table]


class Config:
    """The settings of a run, for every path. Picklable if the options' types are importable.

    `root` is the project's root, `file` the file that was read (None: all settings are the defaults).
    """

    def __init__(
        self,
        root: Path,
        file: Path | None = None,
        general: General | None = None,
        options: Mapping[str, object] | None = None,
        overrides: Sequence[Override] = (),
    ) -> None:
        """`options` are each codemod's options where no override matches."""
        self.root = root
        self.file = file
        self.general = general or General()
        self._options = dict(options or {})
        self._overrides = tuple(overrides)
        self._built: dict[tuple[str, tuple[int, ...]], object] = {}

    def options(self, codemod: str, path: str) -> object:
        """The options of `codemod` for a posix path relative to the root; KeyError for an unknown codemod.

        The same object for all paths that the same overrides match.
        """
        return self._for_path(codemod, self._options[codemod], path)

    def general_for(self, path: str) -> General:
        """The general settings for a posix path relative to the root."""
        return self._for_path("", self.general, path)

    def _for_path(self, codemod: str, base: T, path: str) -> T:
        if not self._overrides:
            return base
        matching = tuple(i for i, override in enumerate(self._overrides) if override.paths.matches(path))
        key = (codemod, matching)
        if key not in self._built:
            values = (self._overrides[i].values.get(codemod, {}) for i in matching)
            self._built[key] = _changed(base, {name: value for each in values for name, value in each.items()})
        return cast("T", self._built[key])


def _changed(base: T, values: Table) -> T:
    changed: T = replace(cast("Any", base), **values) if values else base
    return changed


def find_root(start: Path) -> Path:
    """The root of the project that the folder `start` lies in.

    The nearest git work tree's root; without git the topmost folder that holds settings; else `start` itself.
    """
    start = start.resolve()
    outermost_first = (*reversed(start.parents), start)
    return toplevel(start) or next(filter(_config_in, outermost_first), start)


def load(root: Path, start: Path, option_types: Mapping[str, type], explicit: Path | None = None) -> Config:
    """Read and check the settings of the project at `root`.

    They come from `explicit` if given, else from the folder nearest to `root` on the way to `start` that has
    any. `option_types` are the frozen dataclasses of options by codemod name; every field has a default.
    Raises ConfigError for what can't be read or isn't valid.
    """
    file = explicit or _nearest(root.resolve(), start.resolve())
    if file is None:
        return Config(root, options={name: kind() for name, kind in option_types.items()})
    document = _Document.read(file, _shown(file, root))
    return _Reader(document, option_types).config(root, file)


def _nearest(root: Path, start: Path) -> Path | None:
    between = [folder for folder in (start, *start.parents) if folder.is_relative_to(root)]
    return next((file for folder in reversed(between) if (file := _config_in(folder))), None)


def _config_in(folder: Path) -> Path | None:
    own, pyproject = folder / OWN_FILE, folder / PYPROJECT
    # Unlike Path.is_file, this doesn't raise where a folder above may not be entered.
    if os.path.isfile(own):  # noqa: PTH113
        return own
    return pyproject if os.path.isfile(pyproject) and _has_table(pyproject) else None  # noqa: PTH113


def _has_table(pyproject: Path) -> bool:
    try:
        data = pyproject.read_bytes()
    except OSError:
        return True  # reading it again says what is wrong
    if b"ssot-fix" not in data:
        return False
    document = _parse(data.decode("utf-8", "replace"))
    # A broken file that mentions us is taken for ours, so that its error is seen.
    return document is None or _holds(document, _OUR_TABLE)


def _shown(file: Path, root: Path) -> str:
    try:
        return (file.parent.resolve() / file.name).relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(file)


# One file's text, and where in it a key stands


@dataclass(frozen=True, slots=True)
class _Document:
    name: str
    text: str
    table: Table  # ours
    prefix: Key  # where ours is in the whole

    @classmethod
    def read(cls, file: Path, name: str) -> _Document:
        import tomllib  # noqa: PLC0415  # only where there are settings

        try:
            text = file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
            whole = tomllib.loads(text)
        except OSError as error:
            raise ConfigError(f"{name}: the settings can't be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"{name}: not UTF-8, which TOML has to be: {error.reason} at byte {error.start}"
            ) from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(_syntax_error(name, str(error))) from error
        except RecursionError as error:
            raise ConfigError(f"{name}: not valid TOML: nested too deeply") from error
        prefix = _OUR_TABLE if file.name == PYPROJECT else ()
        return cls(name, text, _table_of(whole, prefix, name), prefix)

    def error(self, key: Key, message: str) -> ConfigError:
        """A ConfigError at the line of `key`, which is relative to our table."""
        line = _line_of(self.text, (*self.prefix, *key))
        return ConfigError(f"{self.name}:{line}: {message}" if line else f"{self.name}: {message}")

    def shown(self, table: Key) -> str:
        """The table as its header has it; `table` is relative to ours."""
        whole = (*self.prefix, *table)
        header = ".".join(str(part) for part in whole if isinstance(part, str))
        if not header:
            return "at the top level"
        return f"in [[{header}]]" if isinstance(whole[-1], int) else f"in [{header}]"


def _table_of(whole: Table, prefix: tuple[str, ...], name: str) -> Table:
    table: Any = whole
    for part in prefix:
        table = table.get(part) if isinstance(table, dict) else None
    if not isinstance(table, dict):
        raise ConfigError(f"{name}: no table [{'.'.join(prefix)}]")
    return table


def _syntax_error(name: str, message: str) -> str:
    place = re.search(r" \(at line (\d+), column \d+\)$", message)
    if place is None:
        return f"{name}: not valid TOML: {message}"
    return f"{name}:{place[1]}: not valid TOML: {message[: place.start()]}"


def _line_of(text: str, key: Key) -> int | None:
    """The line, from 1, at which `key` is first defined: by a header, an assignment or within one."""
    name = next((part for part in reversed(key) if isinstance(part, str)), "")
    lines = text.split("\n")
    candidates = (i for i, line in enumerate(lines) if name in line)
    return next((i + 1 for i in candidates if _defines(lines, i, key)), None)


def _defines(lines: list[str], index: int, key: Key) -> bool:
    """Whether the statement that starts at `lines[index]` defines `key`, if none before it does.

    The parser itself is asked, so that no string or comment can pass for a key.
    """
    if _parse("\n".join(lines[:index])) is None:
        return False  # in the midst of a statement
    heads = ("\n".join(lines[:end]) for end in range(index + 1, len(lines) + 1))
    document = next((parsed for head in heads if (parsed := _parse(head)) is not None), None)
    return _holds(document, key)


def _holds(value: object, key: Key) -> bool:
    try:
        for part in key:
            value = cast("Any", value)[part]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _parse(text: str) -> dict[str, Any] | None:
    import tomllib  # noqa: PLC0415

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


# From tables to values


class _Mismatch(Exception):
    """A value is not of its field's type; the message says what would be."""


class _Reader:
    """Checks one document and makes the settings of it."""

    def __init__(self, document: _Document, option_types: Mapping[str, type]) -> None:
        self._document = document
        self._option_types = option_types

    def config(self, root: Path, file: Path) -> Config:
        table = self._document.table
        known = (*_keys(General), "overrides", *self._option_types)
        self._check_names((), table, known)
        general = General(**self._general((), table, _keys(General)))
        changed = self._codemod_tables((), table)
        options = {
            name: self._build((name,), kind(), changed.get(name, {})) for name, kind in self._option_types.items()
        }
        return Config(root, file, general, options, self._overrides(options))

    def _overrides(self, options: Mapping[str, Any]) -> list[Override]:
        entries = self._document.table.get("overrides", [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            header = ".".join(map(str, (*self._document.prefix, "overrides")))
            raise self._document.error(("overrides",), f"`overrides` is a list of tables: write [[{header}]]")
        return [self._override(("overrides", i), entry, options) for i, entry in enumerate(entries)]

    def _override(self, at: Key, entry: Table, options: Mapping[str, Any]) -> Override:
        for key in entry:
            if key in _keys(General) and key not in _PER_PATH:
                self._fail((*at, key), f"`{key}` {self._document.shown(at)} can't differ by path")
        self._check_names(at, entry, ("paths", *_PER_PATH, *self._option_types))
        paths = self._value(at, "paths", entry.get("paths", []), tuple[str, ...])
        if not paths:
            self._fail(at, f"`paths` is missing or empty {self._document.shown(at)}")
        changed = self._codemod_tables(at, entry)
        for name, values in changed.items():
            self._build((*at, name), options[name], values)
        globs = self._globs(at, "paths", cast("tuple[str, ...]", paths))
        return Override(globs, {"": self._general(at, entry, _PER_PATH), **changed})

    def _general(self, at: Key, table: Table, keys: Iterable[str]) -> dict[str, Any]:
        values = self._values(at, {key: table[key] for key in keys if key in table}, General)
        for key in _PATTERN_KEYS:
            self._globs(at, key, values.get(_field(key), ()))
        for name in values.get("codemods", ()):
            if name not in self._option_types:
                self._unknown((*at, "codemods"), "codemod", name, self._option_types)
        if values.get("jobs", 0) < 0:
            self._fail((*at, "jobs"), f"`jobs` {self._document.shown(at)} must be 0 (automatic) or more")
        return values

    def _codemod_tables(self, at: Key, table: Table) -> dict[str, dict[str, Any]]:
        tables = {name: table[name] for name in self._option_types if name in table}
        for name, values in tables.items():
            if not isinstance(values, dict):
                self._fail((*at, name), f"`{name}` {self._document.shown(at)} must be a table")
            self._check_names((*at, name), values, _keys(self._option_types[name]))
        return {name: self._values((*at, name), values, self._option_types[name]) for name, values in tables.items()}

    def _build(self, at: Key, base: object, values: Table) -> object:
        try:
            return _changed(base, values)
        except ValueError as error:
            raise self._document.error(at, f"{error} {self._document.shown(at)}") from error

    def _values(self, at: Key, table: Table, kind: type) -> dict[str, Any]:
        hints = get_type_hints(kind)
        return {_field(key): self._value(at, key, value, hints[_field(key)]) for key, value in table.items()}

    def _value(self, at: Key, key: str, value: object, hint: object) -> object:
        try:
            return _convert(value, hint)
        except _Mismatch as mismatch:
            message = f"`{key}` {self._document.shown(at)} must be {mismatch}, not {_described(value)}"
            raise self._document.error((*at, key), message) from None

    def _globs(self, at: Key, key: str, patterns: Iterable[str]) -> Globs:
        try:
            return Globs(patterns)
        except ValueError as error:
            self._fail((*at, key), f"`{key}` {self._document.shown(at)}: {error}")

    def _check_names(self, at: Key, table: Table, known: Iterable[str]) -> None:
        for name, value in table.items():
            if name not in known:
                what = "table" if isinstance(value, dict) else "key"
                self._unknown((*at, name), what, name, known)

    def _unknown(self, key: Key, what: str, name: str, known: Iterable[str]) -> NoReturn:
        place = self._document.shown(key[:-1])
        self._fail(key, f"unknown {what} `{name}` {place}; {_nearest_name(name, known)}")

    def _fail(self, key: Key, message: str) -> NoReturn:
        raise self._document.error(key, message)


def _keys(kind: type) -> tuple[str, ...]:
    return tuple(field.name.replace("_", "-") for field in fields(cast("Any", kind)) if field.init)


def _field(key: str) -> str:
    return key.replace("-", "_")


def _nearest_name(name: str, known: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415  # only for an error

    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"there are {', '.join(sorted(known))}"


def _convert(value: object, hint: object) -> object:
    """`value`, as TOML has it, as the type `hint`; raises _Mismatch, naming what it takes."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _convert_to_any(value, [kind for kind in arguments if kind is not types.NoneType])
    if origin is Literal:
        return _one_of(value, {choice: choice for choice in arguments})
    if origin is tuple:
        return _convert_list(value, arguments[0])
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _one_of(value, {member.value: member for member in hint})
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:  # not isinstance: True is no number here
        raise _Mismatch(_KINDS[cast("type", hint)])
    return value


def _convert_to_any(value: object, kinds: Iterable[object]) -> object:
    expected = []
    for kind in kinds:
        try:
            return _convert(value, kind)
        except _Mismatch as mismatch:
            expected.append(str(mismatch))
    raise _Mismatch(" or ".join(expected))


def _convert_list(value: object, kind: object) -> tuple[object, ...]:
    try:
        if isinstance(value, list):
            return tuple(_convert(item, kind) for item in value)
    except _Mismatch as mismatch:
        raise _Mismatch(f"a list whose items are each {mismatch}") from None
    raise _Mismatch("a list")


def _one_of(value: object, choices: Mapping[Any, object]) -> object:
    for choice, meant in choices.items():
        if type(value) is type(choice) and value == choice:
            return meant
    raise _Mismatch("one of " + ", ".join(f'"{choice}"' for choice in choices))


_KINDS: dict[type, str] = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


def _described(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)
