"""Lines that a fix made too long, formatted as the project formats its code: with Black, and only those.

Black is asked only about a file that it had nothing to say about before; what it makes of the new text is taken only
if nothing but the statements that hold those lines differs. In all other cases the lines stay as they are: long, but
right.
"""

from __future__ import annotations

import ast
import gc
import io
import os
import posixpath
import re
import tokenize
import tomllib
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ssot_fix.edits import Edit, Placed, and_then, apply_edits, origin, placed
from ssot_fix.newer_syntax import parse
from ssot_fix.project.surroundings import Surroundings
from ssot_fix.source import NEWLINE, Source

if TYPE_CHECKING:
    from black.mode import Mode

# The default of Black and of ruff.
_LINE_LENGTH = 88
# Black formats some 50,000 characters a second, generated code with many brackets far fewer.
_LARGEST = 200_000
# Levels of the tree. Compiled, Black recurses without a limit, and over chains and nestings its time is not linear.
_DEEPEST = 200
# How many files of ruff's settings may extend one another.
_EXTENDED = 10

_PYPROJECT = "pyproject.toml"
_NEWLINE = re.compile(NEWLINE.pattern.decode())
Table = Mapping[str, Any]
Lines = tuple[int, int]  # the first and the last one, from 1


@dataclass(frozen=True, slots=True)
class Formatted:
    """The raw bytes with the long lines formatted, and the edits that lead to them from the file's own."""

    edits: tuple[Edit, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Style:
    """How Black is to format: `[tool.black]`, and what Black infers target versions from in the pyproject.toml."""

    options: Table
    pyproject: Table
    line_length: int = _LINE_LENGTH

    def mode(self) -> Mode | None:
        """The settings as Black takes them; None if the project wants another version of Black.

        Raises what Black raises over values that it does not know.
        """
        from importlib import metadata  # noqa: PLC0415  0.3 s that few runs need, with what follows

        from black.files import infer_target_version  # noqa: PLC0415
        from black.mode import Mode, Preview, TargetVersion  # noqa: PLC0415

        options, version = self.options, metadata.version("black")
        if str(options.get("required_version", version)) not in {version, version.partition(".")[0]}:
            return None
        if (named := options.get("target_version")) is None:
            versions = infer_target_version(dict(self.pyproject)) or []
        else:
            versions = [TargetVersion[name.upper()] for name in named]
        return Mode(
            target_versions=set(versions),
            line_length=self.line_length,
            string_normalization=not _flag(options, "skip_string_normalization"),
            magic_trailing_comma=not _flag(options, "skip_magic_trailing_comma"),
            is_pyi=_flag(options, "pyi"),
            preview=_flag(options, "preview"),
            unstable=_flag(options, "unstable"),
            enabled_features={Preview[name] for name in options.get("enable_unstable_feature", ())},
        )


def _flag(options: Table, name: str) -> bool:
    value = options.get(name, False)
    return value if isinstance(value, bool) else str(value).lower() in {"true", "1", "yes", "on", "t", "y"}


@dataclass(frozen=True, slots=True)
class _Settings:
    """What settings files say, from a folder upwards: each the nearest that says it.

    `pyproject` is what Black infers target versions from.
    """

    black: Style | None = None
    ruff: int | None = None
    pyproject: Table = field(default_factory=dict)


@dataclass(frozen=True)
class Styles:
    """The styles of a project's files. Settings files are read once; make a new one for each run.

    A style is the nearest `[tool.black]` from the file's folder up to the project's root; without one, Black's own
    style, with the line length of the nearest ruff settings
    (https://black.readthedocs.io/en/stable/usage_and_configuration/the_basics.html#configuration-via-a-file,
    https://docs.astral.sh/ruff/configuration/#config-file-discovery).
    """

    around: Surroundings
    _read: dict[str, _Settings] = field(default_factory=dict, compare=False, repr=False)

    def of(self, path: str) -> Style | None:
        """The style of a posix path relative to the root; None if its settings can't be used."""
        try:
            found = self._settings(posixpath.dirname(path))
        except (OSError, ValueError, TypeError):  # those of `tomllib` are ValueErrors
            return None
        return found.black or Style({}, found.pyproject, _LINE_LENGTH if found.ruff is None else found.ruff)

    def _settings(self, folder: str) -> _Settings:
        if folder not in self._read:
            above = self._settings(posixpath.dirname(folder)) if folder else _Settings()
            self._read[folder] = _settings_in(self.around, folder, above)
        return self._read[folder]


def _settings_in(around: Surroundings, folder: str, above: _Settings) -> _Settings:
    names = around.listing(folder).names
    document = _document(around, posixpath.join(folder, _PYPROJECT)) if _PYPROJECT in names else None
    options = _table(document, "tool", "black")
    style, ruff = above.black, above.ruff
    pyproject = above.pyproject if document is None else _inferred_from(document)
    if options is not None:
        # Black takes its options by the names of its command line, too.
        named = {key.replace("--", "").replace("-", "_"): value for key, value in options.items()}
        style = Style(named, pyproject, int(named.get("line_length", _LINE_LENGTH)))
    for name in (".ruff.toml", "ruff.toml", _PYPROJECT):
        file = posixpath.join(folder, name)
        if name in names and (table := _ruff_table(around, file)) is not None:
            ruff = _ruff_length(around, file, table)
            break
    return _Settings(style, ruff, pyproject)


def _inferred_from(document: Table) -> Table:
    """The part of a pyproject.toml that Black infers target versions from."""
    project = document.get("project", {})
    if not isinstance(project, dict):
        return {"project": project}
    return {"project": {key: value for key, value in project.items() if key == "requires-python"}}


def _document(around: Surroundings, file: str) -> Table | None:
    return tomllib.loads(around.read(file).decode()) if around.is_file(file) else None


def _table(document: Table | None, *keys: str) -> Table | None:
    found: object = document
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def _ruff_table(around: Surroundings, file: str) -> Table | None:
    return _table(_document(around, file), *(("tool", "ruff") if posixpath.basename(file) == _PYPROJECT else ()))


def _ruff_length(around: Surroundings, file: str, table: Table) -> int:
    """The line length of ruff's settings in a file, or in those that they extend."""
    for _ in range(_EXTENDED):
        if "line-length" in table or "extend" not in table:
            break
        file = os.path.join(posixpath.dirname(file), table["extend"])  # noqa: PTH118  it may be absolute
        table = _ruff_table(around, file) or {}
    return int(table.get("line-length", _LINE_LENGTH))


def format_long_lines(old: Source, edits: Sequence[Edit], new_raw: bytes, style: Style) -> Formatted | None:
    """Format the statements in which edits made a line too long, and nothing else.

    `edits` lead from the raw bytes of `old` to `new_raw`; so do those of the result to its bytes. None if all is to
    stay as it is: no line became too long, Black would have changed the old text, or would change more of the new.
    """
    where = placed(edits)
    if not _may_be_too_long(new_raw, where, style.line_length):
        return None
    new = Source(new_raw)
    long = _too_long(_Rows(old), _Rows(new), where, style.line_length)
    if not long:
        return None
    try:
        return _formatted(old, new, edits, long, style)
    finally:
        gc.collect(0)  # Black's trees are cyclic, large and young, and the engine collects nothing while it works


def _formatted(old: Source, new: Source, edits: Sequence[Edit], long: set[int], style: Style) -> Formatted | None:
    before, after = _unix(old.text), _unix(new.text)
    if before is None or after is None or len(after) > _LARGEST:
        return None
    layout, meaning = _layout(after), _meaning(after)
    if layout is None or layout.untidy or meaning is None:
        return None
    chosen = [number for number, lines in enumerate(layout.statements) if not long.isdisjoint(_range(lines))]
    text = _by_black(before, after, [layout.statements[number] for number in chosen], style)
    if text is None or _meaning(text) != meaning:
        return None
    changes = _changes(after, layout, text, chosen)
    return _carried_over(old, new, edits, text, changes) if changes else None


def _range(lines: Lines) -> range:
    return range(lines[0], lines[1] + 1)


def _unix(text: str) -> str | None:
    """The text as Black writes it: with line feeds, one of them at the end. None if its newlines are mixed."""
    plain = text.replace("\r\n", "\n")
    if "\r" in plain or text.count("\r\n") not in {0, plain.count("\n")}:
        return None
    return plain if plain.endswith("\n") else f"{plain}\n"


def _by_black(before: str, after: str, regions: Sequence[Lines], style: Style) -> str | None:
    """The new text with some lines formatted; None if Black is not content with all else, before and after."""
    if not regions:
        return None
    try:
        import black  # noqa: PLC0415

        mode = style.mode()
        if mode is None or black.format_str(before, mode=mode) != before:
            return None
        text = black.format_str(after, mode=mode, lines=regions)
        return text if text != after and black.format_str(text, mode=mode) == text else None
    except Exception:
        return None  # whatever Black can't read, or fails over, is not formatted with Black


# What must not change


@dataclass(frozen=True, slots=True)
class _Layout:
    """The logical lines of a text, its comments, and whether a line has blanks at its end (which Black removes)."""

    statements: tuple[Lines, ...]
    comments: tuple[str, ...]
    untidy: bool


def _layout(text: str) -> _Layout | None:
    rows, start, untidy = text.split("\n"), 0, False
    statements, comments = list[Lines](), list[str]()
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            row = token.start[0]
            if token.type == tokenize.COMMENT:
                comments.append(token.string)
            elif token.type in {tokenize.NL, tokenize.NEWLINE}:  # those in strings are none
                untidy |= rows[row - 1].endswith((" ", "\t"))
                if token.type == tokenize.NEWLINE:
                    statements.append((start, row))
                    start = 0
            elif not start and token.type not in {tokenize.INDENT, tokenize.DEDENT}:
                start = row
    except (tokenize.TokenError, SyntaxError):
        return None
    unformatted = any("fmt:" in comment or "yapf:" in comment for comment in comments)  # Black leaves blanks there
    return _Layout(tuple(statements), tuple(comments), untidy and not unformatted)


def _meaning(text: str) -> str | None:
    """The tree as text; None if `ast` can't read it or it is nested too deeply."""
    try:
        parsed = parse(text, text.encode())
        return ast.dump(parsed.tree) if parsed.parser == "ast" and _is_shallow(parsed.tree) else None
    except ValueError:  # also over integers of thousands of digits
        return None


def _is_shallow(tree: ast.AST) -> bool:
    level = [tree]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return not level


def _folded(text: str, statements: Sequence[Lines]) -> list[str | None]:
    """The lines of a text, with one None in place of each of some statements."""
    rows: list[str | None] = [*text.split("\n")]
    for first, last in reversed(statements):
        rows[first - 1 : last] = [None]
    return rows


def _changes(after: str, layout: _Layout, text: str, chosen: Sequence[int]) -> list[tuple[Lines, Lines]]:
    """Where some statements lie before and after the formatting; none if anything else differs, or a comment."""
    formatted = _layout(text)
    if formatted is None or formatted.comments != layout.comments:
        return []
    if len(formatted.statements) != len(layout.statements):
        return []
    changes = [(layout.statements[number], formatted.statements[number]) for number in chosen]
    same = _folded(after, [lines for lines, _ in changes]) == _folded(text, [lines for _, lines in changes])
    return changes if same else []


# From formatted text to edits


def _carried_over(
    old: Source, new: Source, edits: Sequence[Edit], text: str, changes: Sequence[tuple[Lines, Lines]]
) -> Formatted | None:
    """The edits that lead to the formatted text: `changes` pairs lines of the new text with formatted ones."""
    newline = "\r\n" if "\r\n" in new.text else "\n"
    rows, raw, carried = _Rows(new), new.raw, list(edits)
    lines = text.split("\n")
    for (first, last), (its_first, its_last) in reversed(changes):
        start, end = rows.starts[first - 1], rows.ends[last - 1]
        becomes = new.raw_text(newline.join(lines[its_first - 1 : its_last]))
        carried = and_then(carried, raw, Edit(start, end, becomes))
        raw = raw[:start] + becomes + raw[end:]
    wanted = text.replace("\n", newline)
    wanted = wanted if new.text.endswith("\n") else wanted.removesuffix(newline)
    if apply_edits(old.raw, carried) != raw or Source(raw).text != wanted:
        return None
    return Formatted(tuple(carried), raw)


class _Rows:
    """The lines of a text: where each starts and ends in the file's own bytes, its newline excluded."""

    def __init__(self, source: Source) -> None:
        newlines = list(NEWLINE.finditer(source.raw))
        self.starts = [source.raw_offset(0), *(newline.end() for newline in newlines)]
        self.ends = [*(newline.start() for newline in newlines), len(source.raw)]
        self.texts = _NEWLINE.split(source.text)

    def meeting(self, start: int, end: int) -> range:
        """The numbers, from 1, of the lines in which a span starts, ends, and that lie between."""
        return range(max(bisect_right(self.starts, start), 1), max(bisect_right(self.starts, end), 1) + 1)


def _may_be_too_long(raw: bytes, where: Sequence[Placed], limit: int) -> bool:
    """Whether a line that an edit touched has more bytes than the limit: most files need no closer look.

    No character takes more columns than bytes. What is cut off is longer than the limit by itself.
    """
    pieces = (raw[max(0, each.start - limit - 1) : each.end + limit + 1] for each in where)
    return any(len(line) > limit for piece in pieces for line in piece.splitlines())


def _too_long(old: _Rows, new: _Rows, where: Sequence[Placed], limit: int) -> set[int]:
    """The lines that edits touched and made longer than the limit."""
    if any(len(rows.texts) != len(rows.starts) for rows in (old, new)):
        return set()  # an encoding that spells newlines in its own way
    touched = {row for edit in where for row in new.meeting(edit.start, edit.end)}
    long = {row for row in touched if _width(new.texts[row - 1]) > limit}
    return {row for row in long if not _was_long(old, new, where, row, limit)}


def _was_long(old: _Rows, new: _Rows, where: Sequence[Placed], row: int, limit: int) -> bool:
    _, start, end = origin(where, new.starts[row - 1], new.ends[row - 1])
    return start < end and any(_width(old.texts[each - 1]) > limit for each in old.meeting(start, end - 1))


def _width(line: str) -> int:
    """The columns that a line takes, as Black counts them: wide East Asian characters are two, combining ones none."""
    if line.isascii():
        return len(line)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in line)
    return len(line) + wide - sum(map(bool, map(unicodedata.combining, line)))
