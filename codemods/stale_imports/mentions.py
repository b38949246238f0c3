"""Files other than Python: the lines that name a moved module, and the entry points in pyproject.toml."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssot_fix.edits import Edit, apply_edits
from ssot_fix.project.classify import Globs
from ssot_fix.project.git import GitError, list_files, toplevel
from ssot_fix.source import NEWLINE

# Settings, scripts and pipelines; prose and reports (Markdown, HTML, most JSON, logs) are none.
_SUFFIXES = frozenset(
    {".bash", ".bat", ".cfg", ".cmd", ".conf", ".dockerfile", ".env", ".fish", ".hcl", ".ini", ".json5", ".jsonc"}
    | {".mk", ".properties", ".ps1", ".service", ".sh", ".tf", ".tfvars", ".toml", ".yaml", ".yml", ".zsh"}
)
_NAMES = re.compile(
    r"(?:.*/)?(?:(?:Dockerfile|Containerfile|GNUmakefile|[Mm]akefile|\.env)(?:[.-][^/]*)?"
    r"|Procfile|[Jj]ustfile|Jenkinsfile|Tiltfile|Vagrantfile|CODEOWNERS|MANIFEST\.in|crontab"
    r"|\.\w+rc|\.flake8|\.\w+ignore|\.gitattributes"
    r"|(?:[^/]*\.|pyright)?config\.json|package\.json|task-?def(?:inition)?[^/]*\.json|\.(?:vscode|devcontainer)/[^/]*\.json)"
)
_LOCKS = frozenset({"pnpm-lock.yaml"})
_LARGEST = 256 * 1024  # bytes; what is larger was not written by hand
_PASSED_OVER = frozenset(
    {".eggs", ".git", ".hg", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".svn", ".tox", ".venv"}
    | {"__pycache__", "node_modules", "site-packages"}
)

_FILE_SUFFIXES = frozenset(
    {"bak", "bat", "cfg", "conf", "csv", "db", "env", "html", "ini", "jpg", "js", "json", "jsonl", "lock", "log"}
    | {"md", "pdf", "png", "py", "pyc", "sh", "sql", "sqlite", "svg", "tar", "toml", "ts", "txt", "xml", "yaml"}
    | {"yml", "zip"}
)
_DOMAINS = frozenset({"cloud", "com", "de", "dev", "edu", "eu", "internal", "io", "local", "localhost", "net", "org"})
_ENTRY = re.compile(  # https://packaging.python.org/en/latest/specifications/entry-points/#data-model
    r"\s*(?P<module>\w+(?:\.\w+)*)(?:\s*:\s*(?P<attribute>\w+(?:\.\w+)*))?\s*(?:\[.*\]\s*)?"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in a file that names a module: `a.b.c`, `a/b/c.py` or `python -m a.b.c`.

    `path` is posix, relative to the project's root. Line and columns count from 1, columns in characters;
    `end_column` is just behind. `text` is what stands there, `old` the dotted path that it names.
    """

    path: str
    line: int
    column: int
    end_column: int
    text: str
    old: str


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A string in pyproject.toml that names something to import: `module:attribute`, or `module` alone.

    `keys` lead to it from the top. `line` counts from 1. The spans are half-open, in bytes of the file; None if
    the string does not spell the value as it is (or, of `attribute_span`, if there is no attribute).
    """

    keys: tuple[str, ...]
    module: str
    attribute: str
    line: int
    module_span: tuple[int, int] | None
    attribute_span: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Change:
    """What an entry point is to name from now on."""

    entry: EntryPoint
    module: str
    attribute: str


# Which files


def text_files(root: Path) -> list[str]:
    """The project's settings, scripts and pipelines, posix and relative to `root`, in the order of their bytes.

    By git's list where there is one, else by a walk that honours .gitignore. Large files, lock files, links and
    prose are left out.
    """
    return sorted((name for name in _listed(root) if _is_of_interest(root, name)), key=os.fsencode)


def _listed(root: Path) -> Iterator[str]:
    if toplevel(root) is not None:
        try:
            names, *_ = list_files(root)
        except GitError:
            pass
        else:
            yield from map(os.fsdecode, names)
            return
    yield from _walk(root)


def _walk(root: Path) -> Iterator[str]:
    waiting: list[tuple[str, tuple[tuple[str, Globs], ...]]] = [("", ())]
    while waiting:
        folder, ignores = waiting.pop()
        try:
            entries = list(os.scandir(root / folder))
        except OSError:
            continue
        if any(entry.name == ".gitignore" and entry.is_file(follow_symlinks=False) for entry in entries):
            ignores = (*ignores, (folder, _globs(root / folder / ".gitignore")))
        for entry in entries:
            name = f"{folder}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _PASSED_OVER and not _ignored(f"{name}/", ignores):
                    waiting.append((f"{name}/", ignores))
            elif not _ignored(name, ignores):
                yield name


def _globs(file: Path) -> Globs:
    try:
        return Globs.from_gitignore(file.read_bytes())
    except OSError:
        return Globs()


def _ignored(name: str, ignores: tuple[tuple[str, Globs], ...]) -> bool:
    """Whether git would ignore a path: the nearest .gitignore that has it decides."""
    verdicts = (globs.verdict(name.removeprefix(base)) for base, globs in reversed(ignores))
    return next((verdict for verdict in verdicts if verdict is not None), False)


def _is_of_interest(root: Path, name: str) -> bool:
    path = root / name
    known = path.suffix.lower() in _SUFFIXES or _NAMES.fullmatch(name) is not None
    if path.name in _LOCKS or not (known or "." not in path.name):
        return False
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            return False
        return known or _is_script(path)
    except OSError:
        return False


def _is_script(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(2) == b"#!"


# Which lines


def find(
    root: Path, paths: Sequence[str], olds: Collection[str], source_roots: Sequence[str] = ("",)
) -> list[Mention]:
    """Where files name one of the dotted paths `olds`: in the order of `paths`, then of the text.

    `paths` are posix and relative to `root`, `source_roots` the folders, relative to it, from which modules are
    imported. A longer path (`a.b.c.Name`) mentions the longest of `olds` that it begins with. What only looks
    like it is passed over: names of hosts and files, keys behind other keys (`x.a.b`). So are files that can't
    be read or are no UTF-8.
    """
    if not olds:
        return []
    search = _Search(frozenset(olds), frozenset(folder.strip("/") for folder in source_roots))
    return [mention for path in paths for mention in search.in_file(root, path)]


class _Search:
    """One combined pass over each file for all that is looked for."""

    def __init__(self, olds: frozenset[str], folders: frozenset[str]) -> None:
        self._olds = olds
        self._folders = folders
        tops = sorted({old.partition(".")[0] for old in olds})
        self._marks = [top.encode() for top in tops]
        spelled = "|".join(map(re.escape, tops))
        self._pattern = re.compile(
            rf"(?:(?<![\w.\-])|(?<=\[mypy-))(?:{spelled})\b"
            r"(?:(?P<file>(?:(?:/|\\{1,2})[\w\-]+)*\\{0,2}\.pyi?(?![\w\-]|\.\w))"
            r"|(?:\.\w+)*(?::[^\W\d]\w*(?:\.\w+)*)?)"
        )

    def in_file(self, root: Path, path: str) -> Iterator[Mention]:
        try:
            data = (root / path).read_bytes()
            if not any(mark in data for mark in self._marks):
                return
            text = data.decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return
        for number, line in enumerate(_NEWLINE.split(text), 1):
            for start, end, old in self._in_line(line):
                yield Mention(path, number, start + 1, end + 1, line[start:end], old)

    def _in_line(self, line: str) -> Iterator[tuple[int, int, str]]:
        for match in self._pattern.finditer(line):
            start, end = match.span()
            before = line[max(0, start - _LONGEST_LEAD) : start]
            if match["file"] is not None:
                old = _module_of(match.group())
                if old in self._olds and self._is_root(before):
                    yield start, end, old
            elif (begun := self._begun(match.group(), before)) and not _is_no_module(match, begun, before):
                yield start, start + len(begun), begun

    def _is_root(self, before: str) -> bool:
        """Whether what stands in front of a file's path leads to a folder from which modules are imported.

        A relative path has to be a known one; absolute ones and those behind a variable are given credit.
        """
        lead = before[_LEAD_START.search(before).end() :].replace("\\", "/")  # type: ignore[union-attr]
        if "://" in lead:
            return False
        lead = lead.rpartition(":")[2].removeprefix("./")
        return _RELATIVE.fullmatch(lead) is None or lead.rstrip("/") in self._folders

    def _begun(self, text: str, before: str) -> str | None:
        """The longest of the dotted paths that a text begins with; one of a single part only behind `-m`."""
        parts = text.replace(":", ".").split(".")
        shortest = 1 if len(parts) == 1 and _MODULE_OPTION.search(before) else 2
        paths = (".".join(parts[:count]) for count in range(len(parts), shortest - 1, -1))
        return next((path for path in paths if path in self._olds), None)


_NEWLINE = re.compile(r"\r\n|\r|\n")
_LONGEST_LEAD = 300  # characters; lines of tools can be very long
_LEAD_START = re.compile(r"(?:.*[\s\"'`=,;<>|(\[])?")
_RELATIVE = re.compile(r"\.?\w[\w.\-/]*")
_MODULE_OPTION = re.compile(r"(?:\A|\s)-m\s+\Z")
_NO_MODULE_BEHIND = re.compile(r"[/@\\]|[-:]\w")


def _module_of(file: str) -> str:
    """The module in a file's path, which may be part of a regular expression or a JSON string."""
    return re.sub(r"[/\\]+", ".", file.rpartition(".")[0].rstrip("\\")).removesuffix(".__init__")


def _is_no_module(match: re.Match[str], old: str, before: str) -> bool:
    """Whether a dotted text that begins with a module's path is the name of a host, a file or a variable."""
    if before.endswith(("/", "\\", "@", "$", "${", "~")) or _NO_MODULE_BEHIND.match(match.string, match.end()):
        return True
    text = match.group()
    last = text.replace(":", ".").rpartition(".")[2].lower()
    if text != old:
        return last in _DOMAINS or last in _FILE_SUFFIXES
    return text.count(".") == 1 and last in _FILE_SUFFIXES


# Entry points


def entry_points(data: bytes) -> list[EntryPoint]:
    """What a pyproject.toml, given as its bytes, says is to be imported, in the order of the tables.

    That is `[project.scripts]`, `[project.gui-scripts]`, `[project.entry-points.*]`, `[tool.poetry.scripts]` and
    `[tool.poetry.plugins.*]`. A file that is no TOML has none.
    """
    document = _parsed(data)
    if document is None:
        return []
    found = (_entry(data, document, keys, value) for keys, value in _values(document))
    return [entry for entry in found if entry is not None]


def entry_point_edits(data: bytes, changes: Sequence[Change]) -> list[Edit]:
    """The edits that make entry points name other things; offsets are those of the file's bytes.

    Raises ValueError if one can't be edited, or if anything but these values would change.
    """
    expected = _parsed(data)
    edits: list[Edit] = []
    for change in changes:
        value = _value(expected, change.entry.keys)
        if expected is None or not isinstance(value, str):
            raise ValueError(f"pyproject.toml has no {'.'.join(change.entry.keys)}")
        edits += _edits(change)
        expected = _with(expected, change.entry.keys, _renamed(value, change))
    if _parsed(apply_edits(data, edits)) != expected:
        raise ValueError("pyproject.toml is no longer what the entry points were read from")
    return edits


def _edits(change: Change) -> Iterator[Edit]:
    entry = change.entry
    for span, old, new in (
        (entry.module_span, entry.module, change.module),
        (entry.attribute_span, entry.attribute, change.attribute),
    ):
        if new != old:
            if span is None or not new:
                raise ValueError(f"{'.'.join(entry.keys)} in pyproject.toml is not spelled as it is")
            yield Edit(*span, new.encode())


def _parsed(data: bytes) -> dict[str, Any] | None:
    try:
        return tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        return None


def _values(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The values of all tables that hold entry points, each with the keys that lead to it."""
    for table in (("project", "scripts"), ("project", "gui-scripts"), ("tool", "poetry", "scripts")):
        yield from _strings(_value(document, table), table)
    for groups in (("project", "entry-points"), ("tool", "poetry", "plugins")):
        found = _value(document, groups)
        for group, table in found.items() if isinstance(found, dict) else ():
            yield from _strings(table, (*groups, group))


def _strings(table: object, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, value in table.items() if isinstance(table, dict) else ():
        if isinstance(value, str):
            yield (*keys, name), value
        elif isinstance(value, dict) and value.get("type", "console") == "console":  # Poetry's long form
            for key in ("reference", "callable"):
                if isinstance(value.get(key), str):
                    yield (*keys, name, key), value[key]


def _value(document: object, keys: Sequence[str]) -> object:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _with(document: Mapping[str, Any], keys: Sequence[str], value: str) -> dict[str, Any]:
    """A copy in which one value is another."""
    first, *rest = keys
    return {**document, first: _with(document[first], rest, value) if rest else value}


def _renamed(value: str, change: Change) -> str:
    match = _ENTRY.fullmatch(value)
    if match is None:
        return value
    attribute = value[match.end("module") :]
    if match["attribute"]:
        start, end = match.span("attribute")
        attribute = value[match.end("module") : start] + change.attribute + value[end:]
    return value[: match.start("module")] + change.module + attribute


def _entry(data: bytes, document: dict[str, Any], keys: tuple[str, ...], value: str) -> EntryPoint | None:
    match = _ENTRY.fullmatch(value)
    if match is None:
        return None
    start = _literal(data, document, keys, value)

    def span(group: str) -> tuple[int, int] | None:
        if start is None or match[group] is None:
            return None
        return start + len(value[: match.start(group)].encode()), start + len(value[: match.end(group)].encode())

    line = len(NEWLINE.findall(data, 0, _key(data, keys) if start is None else start)) + 1
    return EntryPoint(keys, match["module"], match["attribute"] or "", line, span("module"), span("attribute"))


def _key(data: bytes, keys: tuple[str, ...]) -> int:
    """The offset of the line that gives a key its value; of the file's first line if it is spelled in another way."""
    spelled = re.escape(keys[-1].encode())
    found = re.search(rb"^[ \t]*[\"']?" + spelled + rb"[\"']?[ \t]*=", data, re.MULTILINE)
    return found.start() if found else 0


def _literal(data: bytes, document: dict[str, Any], keys: tuple[str, ...], value: str) -> int | None:
    """The offset of the text that a value is read from: where a change changes that value, and nothing else."""
    changed = _with(document, keys, f"{value}_")
    for match in re.finditer(rb"(?<=[\"'])%b(?=[\"'])" % re.escape(value.encode()), data):
        if _parsed(data[: match.end()] + b"_" + data[match.end() :]) == changed:
            return match.start()
    return None
