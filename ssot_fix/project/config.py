"""The settings of a project: `[tool.ssot-fix]` in pyproject.toml, or ssot-fix.toml."""

from __future__ import annotations

import enum
import keyword
import os
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import (
    Any,
    Final,
    Literal,
    NamedTuple,
    NoReturn,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from ssot_fix.project.classify import DEFAULT_TEST_PATTERNS, Globs
from ssot_fix.project.git import toplevel

OWN_FILE = "ssot-fix.toml"
PYPROJECT = "pyproject.toml"
_DEPTH_OF_INLINE_TABLES = 4  # tool = { ssot-fix = { stale-imports = { moves = [
_OUR_TABLE = ("tool", "ssot-fix")
_PER_PATH = ("codemods", "unsafe-fixes")
_PATTERN_KEYS = ("exclude", "test-patterns")
_PROJECT_WIDE = "project_wide"
# The metadata of an options field that can't differ by path.
PROJECT_WIDE: Final = types.MappingProxyType({_PROJECT_WIDE: True})

Table = Mapping[str, Any]
Key = tuple[str | int, ...]
T = TypeVar("T")


class ConfigError(Exception):
    """The settings can't be used; the message names the file, the line, the table and the way out."""


@dataclass(frozen=True, slots=True)
class Verification:
    """A command that is run to see whether the project works; `timeout` is in seconds.

    Without one it is up to who runs it: 600 before and after a change, 30 for an audit.
    """

    run: str
    timeout: int | None = None

    def __post_init__(self) -> None:
        """Check the values: ValueError."""
        if not self.run.strip():
            raise ValueError("`run` is empty")
        if self.timeout is not None and self.timeout <= 0:
            raise ValueError("`timeout` must be at least one second")


@dataclass(frozen=True, slots=True)
class General:
    """Settings that are not a codemod's own.

    `exclude` and `test_patterns` are gitignore patterns and `source_roots` folders, all relative to the root.
    `codemods` are those to run, none meaning all. `jobs` is the number of workers, 0 meaning as many as pay.
    `verify` are the commands that have to pass on a branch if they pass on its base.
    """

    exclude: tuple[str, ...] = ()
    test_patterns: tuple[str, ...] = DEFAULT_TEST_PATTERNS
    source_roots: tuple[str, ...] = ()
    codemods: tuple[str, ...] = ()
    include_tests: bool = False
    unsafe_fixes: bool = False
    jobs: int = 0
    verify: tuple[Verification, ...] = ()


class Override(NamedTuple):
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
        document: Document | None = None,
        general: General | None = None,
        options: Mapping[str, object] | None = None,
        overrides: Sequence[Override] = (),
    ) -> None:
        """`options` are each codemod's options where no override matches."""
        self.root = root
        self.file = document.file if document else None
        self._document = document
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

    def digestible(self) -> object:
        """What tells these settings from others; with how many workers they are carried out does not."""
        overrides = [(override.paths, override.values) for override in self._overrides]
        return replace(self.general, jobs=0), self._options, overrides

    @property
    def text(self) -> bytes:
        """The file that was read; messages name its lines."""
        return self._document.data if self._document else b""

    def place(self, *key: str | int) -> str:
        """Where the file defines a key, as `file:line` for a message; ("stale-imports", "moves", 2) is the third move.

        Without a file it is "the settings".
        """
        return self._document.place(key) if self._document else "the settings"

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


def prefix_in(file: Path) -> tuple[str, ...]:
    """The tables around the settings in a file, by its name."""
    return _OUR_TABLE if file.name == PYPROJECT else ()


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
    any. `option_types` are the frozen dataclasses of options by codemod name; every field has a default. A field
    may be a tuple of frozen dataclasses, which the file has as an array of tables; their fields need no default.
    Raises ConfigError for what can't be read or isn't valid.
    """
    file = explicit or _nearest(root.resolve(), start.resolve())
    if file is None:
        return Config(root, options={name: kind() for name, kind in option_types.items()})
    document = Document.read(file, _shown(file, root))
    return _Reader(document, option_types).config(root)


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


class Document(NamedTuple):
    """A file of settings: `name` as messages have it, its bytes, and our table, which lies at `prefix`."""

    file: Path
    name: str
    data: bytes
    table: Table
    prefix: tuple[str, ...]

    @classmethod
    def read(cls, file: Path, name: str) -> Document:
        """Read and parse a file; ConfigError if that fails, or if a pyproject.toml has no table of ours."""
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ConfigError(f"{name}: the settings can't be read: {error.strerror}") from error
        return cls.of(file, name, data)

    @classmethod
    def of(cls, file: Path, name: str, data: bytes) -> Document:
        """Parse the bytes of a file; ConfigError as in `read`."""
        import tomllib  # noqa: PLC0415  # only where there are settings

        try:
            whole = tomllib.loads(_decoded(data))
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"{name}: not UTF-8, which TOML has to be: {error.reason} at byte {error.start}"
            ) from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(_syntax_error(name, str(error))) from error
        except RecursionError as error:
            raise ConfigError(f"{name}: not valid TOML: nested too deeply") from error
        prefix = prefix_in(file)
        return cls(file, name, data, _table_of(whole, prefix, name), prefix)

    def options(self, codemod: str, kind: type[T]) -> T:
        """The options of one codemod where no override matches; ConfigError if its table isn't valid."""
        return cast("T", _Reader(self, {codemod: kind}).options(codemod))

    def place(self, key: Key) -> str:
        """Where `key`, which is relative to our table, is first defined: `file:line`, or the file alone."""
        line = _lines_of_keys(_decoded(self.data)).get((*self.prefix, *key))
        return f"{self.name}:{line}" if line else self.name

    def error(self, key: Key, message: str) -> ConfigError:
        """A ConfigError at the line of `key`, which is relative to our table."""
        return ConfigError(f"{self.place(key)}: {message}")

    def shown(self, table: Key) -> str:
        """The words for a place in a table, which is relative to ours: `in` and its header."""
        return f"in {self.header(table)}" if (*self.prefix, *table) else "at the top level"

    def header(self, table: Key) -> str:
        """The header of a table, relative to ours; that of an array's entry has double brackets."""
        whole = (*self.prefix, *table)
        dotted = ".".join(part for part in whole if isinstance(part, str))
        return f"[[{dotted}]]" if isinstance(whole[-1], int) else f"[{dotted}]"


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


def _decoded(data: bytes) -> str:
    return data.decode("utf-8-sig").replace("\r\n", "\n")


@lru_cache(maxsize=1)
def _lines_of_keys(text: str) -> Mapping[Key, int]:
    """The line, from 1, at which each key of a valid document is first defined.

    The parser itself is asked, so that no string or comment can pass for a key.
    """
    found: dict[Key, int] = {}
    table: Key = ()
    last_entries: dict[Key, int] = {}
    for first, lines in _statements(text):
        whole = _parse("\n".join(lines)) or {}
        if lines[0].lstrip(" \t").startswith("["):
            table = _opened(whole, last_entries)
            for end in range(len(table)):
                found.setdefault(table[: end + 1], first)
        else:
            _add(found, table, whole, first, into_lists=False)
            over_lines = len(lines) > 1 and _holds_tables(whole)
            rest = _add_entries(found, table, first, lines) if over_lines else first
            _add(found, table, whole, rest)
    return found


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each statement of a valid document: its first line, from 1, and its lines."""
    lines: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        lines.append(line)
        if (len(lines) == 1 or _may_end(line)) and _parse("\n".join(lines)) is not None:
            yield number - len(lines) + 1, lines
            lines = []


def _may_end(line: str) -> bool:
    """Whether a value over several lines may end in a line: most say no, and need no parsing of all before them.

    An inline table over several lines is TOML 1.1.
    """
    return any(end in line for end in ("]", '"""', "'''")) or line.count("}") > line.count("{")


def _opened(header: Table, last_entries: dict[Key, int]) -> Key:
    """The table that a header opens; `last_entries` has the last index of each array of tables up to here."""
    key: Key = ()
    value: Any = header
    while isinstance(value, dict) and value:
        ((name, value),) = value.items()
        key = (*key, name)
        if value == [{}]:
            last_entries[key] = last_entries.get(key, -1) + 1
        if key in last_entries:
            key = (*key, last_entries[key])
    return key


def _add_entries(found: dict[Key, int], table: Key, first: int, lines: list[str]) -> int:
    """Add the tables of an array that an assignment has over several lines; the line of those that are left."""
    closed = (_parse(f"{lines[0]}\n]{'}' * depth}") for depth in range(_DEPTH_OF_INLINE_TABLES))
    value: Any = next((known for known in closed if known is not None), None)
    key = table
    while isinstance(value, dict) and value:
        part, value = list(value.items())[-1]
        key = (*key, part)
    if not isinstance(value, list):
        return first
    count = len(value)
    _add(found, key, value, first)
    waiting: list[str] = []
    for number, line in enumerate(lines[1:], first + 1):
        waiting.append(line)
        more = _parse("_ = [\n" + "\n".join(waiting).lstrip(" \t\n,") + "\n]")
        if more is not None:
            for entry in more["_"]:
                _add(found, (*key, count), entry, number)
                count += 1
            waiting = []
    return first + len(lines) - len(waiting)


def _holds_tables(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_tables, value.values()))
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _add(found: dict[Key, int], key: Key, value: object, line: int, *, into_lists: bool = True) -> None:
    found.setdefault(key, line)
    inner: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list) and into_lists:
        inner = enumerate(value)
    for part, item in inner:
        _add(found, (*key, part), item, line, into_lists=into_lists)


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

    def __init__(self, document: Document, option_types: Mapping[str, type]) -> None:
        self._document = document
        self._option_types = option_types

    def config(self, root: Path) -> Config:
        table = self._document.table
        known = (*_keys(General), "overrides", *self._option_types)
        self._check_names((), table, known)
        general = General(**self._general((), table, _keys(General)))
        options = {name: self.options(name) for name in self._option_types}
        return Config(root, self._document, general, options, self._overrides(options))

    def options(self, codemod: str) -> object:
        values = self._codemod_table((), self._document.table, codemod)
        return self._build((codemod,), self._option_types[codemod], values)

    def _overrides(self, options: Mapping[str, Any]) -> list[Override]:
        tables = self._tables((), "overrides", self._document.table.get("overrides", []))
        return [self._override(("overrides", i), entry, options) for i, entry in enumerate(tables)]

    def _tables(self, at: Key, key: str, value: object) -> list[Table]:
        """The tables of an array, checked to be one."""
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self._fail((*at, key), f"`{key}` is a list of tables: write {self._document.header((*at, key, 0))}")
        return value

    def _override(self, at: Key, entry: Table, options: Mapping[str, Any]) -> Override:
        for key in entry:
            if key in _keys(General) and key not in _PER_PATH:
                self._fail((*at, key), f"`{key}` {self._document.shown(at)} can't differ by path")
        self._check_names(at, entry, ("paths", *_PER_PATH, *self._option_types))
        paths = self._value(at, "paths", entry.get("paths", []), tuple[str, ...])
        if not paths:
            self._fail(at, f"`paths` is missing or empty {self._document.shown(at)}")
        changed = {name: self._codemod_table(at, entry, name) for name in self._option_types if name in entry}
        for name, values in changed.items():
            self._build((*at, name), partial(replace, options[name]), values)
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

    def _codemod_table(self, at: Key, table: Table, name: str) -> dict[str, Any]:
        values, kind, here = table.get(name, {}), self._option_types[name], (*at, name)
        if not isinstance(values, dict):
            self._fail(here, f"`{name}` {self._document.shown(at)} must be a table")
        project_wide = _project_wide(kind) if at else ()
        for key in values:
            if key in project_wide:
                way_out = f"it holds for the whole project: write it {self._document.shown((name,))}"
                self._fail((*here, key), f"`{key}` {self._document.shown(here)} can't differ by path; {way_out}")
        self._check_names(here, values, [key for key in _keys(kind) if key not in project_wide])
        return self._values(here, values, kind)

    def _build(self, at: Key, make: Callable[..., object], values: Table) -> object:
        try:
            return make(**values)
        except ValueError as error:
            raise self._document.error(at, f"{error} {self._document.shown(at)}") from error

    def _values(self, at: Key, table: Table, kind: type) -> dict[str, Any]:
        hints = get_type_hints(kind)
        return {_field(key): self._field_value(at, key, value, hints[_field(key)]) for key, value in table.items()}

    def _field_value(self, at: Key, key: str, value: object, hint: object) -> object:
        entry_type = _entry_type(hint)
        if entry_type is None:
            return self._value(at, key, value, hint)
        tables = self._tables(at, key, value)
        return tuple(self._entry((*at, key, i), table, entry_type) for i, table in enumerate(tables))

    def _entry(self, at: Key, table: Table, kind: type) -> object:
        self._check_names(at, table, _keys(kind))
        values = self._values(at, table, kind)
        for field in fields(cast("Any", kind)):
            if field.name not in values and field.default is MISSING and field.default_factory is MISSING:
                self._fail(at, f"`{_key(field.name)}` is missing {self._document.shown(at)}")
        return self._build(at, kind, values)

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
    return tuple(_key(field.name) for field in fields(cast("Any", kind)) if field.init)


def _project_wide(kind: type) -> tuple[str, ...]:
    return tuple(_key(field.name) for field in fields(cast("Any", kind)) if field.metadata.get(_PROJECT_WIDE))


def _key(field: str) -> str:
    """A field's key; one that is called `from_`, since Python has that word, has the key `from`."""
    plain = field.removesuffix("_")
    return (plain if keyword.iskeyword(plain) else field).replace("_", "-")


def _field(key: str) -> str:
    name = key.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


def _entry_type(hint: object) -> type | None:
    """The dataclass that a type is a tuple of, if it is."""
    arguments = get_args(hint)
    of_dataclasses = get_origin(hint) is tuple and is_dataclass(arguments[0])
    return cast("type", arguments[0]) if of_dataclasses else None


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
