"""Moves into the project's settings: appended, with their evidence as comments; what is there stays, byte for byte."""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codemods.stale_imports.moves import Entry, Moves, settings_lines
from codemods.stale_imports.options import NAME, Move, Options
from ssot_fix.delivery.write import WriteError, write_result
from ssot_fix.edits import Edit, FileResult
from ssot_fix.project.config import OWN_FILE, ConfigError, Document, prefix_in
from ssot_fix.project.discovery import UsageError

_MOVES = "moves"
Evidence = tuple[Move, Sequence[str]]


def append_moves(file: Path | None, root: Path, moves: Sequence[Evidence]) -> str:
    """Append moves to the settings in `file`, or write new settings into the folder `root`; what to tell of it.

    Each move comes with lines of evidence, which become comments above it. A move that is there already is passed
    over. Raises ConfigError if the file holds no valid settings, if moves contradict those in it or one another, and
    if TOML has no way to append to what is there; UsageError if the file can't be written, or was changed meanwhile.
    In each case it is as it was.
    """
    if not moves:
        return "There are no moves to write."
    if file is not None:
        return _append(file, root, moves)
    own = root / OWN_FILE
    _create_empty(own)
    try:
        return _append(own, root, moves)
    except BaseException:
        own.unlink(missing_ok=True)
        raise


def moves_header(file: Path | None) -> str:
    """The header above each move in the settings in `file`, or in new ones."""
    return f"[[{'.'.join((*prefix_in(file or Path(OWN_FILE)), NAME, _MOVES))}]]"


def joined(old: bytes, text: str) -> bytes:
    """What to append to a file for `text` to stand below a blank line, in the newlines of most of the file's lines."""
    newline = b"\r\n" if old.count(b"\r\n") * 2 > old.count(b"\n") else b"\n"
    added = text.encode().replace(b"\n", newline)
    if not old.removeprefix(b"\xef\xbb\xbf").strip():
        return added
    if not old.endswith(b"\n"):
        return newline * 2 + added
    return added if old.endswith((b"\n\n", b"\n\r\n")) else newline + added


def _append(file: Path, root: Path, moves: Sequence[Evidence]) -> str:
    folder, path = _located(file, root)
    document = Document.read(file, path)
    new = _new(document, moves)
    there = f"{_counted(len(moves) - len(new))} there already"
    if not new:
        return f"Wrote nothing to {path}: {there}."
    blocks = ("\n".join(settings_lines(move, evidence, moves_header(file))) for move, evidence in new)
    added = joined(document.data, "\n\n".join(blocks) + "\n")
    if not _is_sum(document, added, new):
        raise _not_appendable(document, new)
    edits = (Edit(len(document.data), len(document.data), added),)
    digest = hashlib.sha256(document.data).digest()
    try:
        write_result(folder, FileResult(path, edits=edits, digest=digest))
    except WriteError as error:
        raise UsageError(str(error)) from error
    return f"Wrote {_counted(len(new))} to {path}{f'; {there}' if len(new) < len(moves) else ''}."


def _create_empty(own: Path) -> None:
    """Make a file to append to: settings without a key are as good as none, should nothing come after this."""
    try:
        own.open("xb").close()
    except FileExistsError as error:
        raise UsageError(f"{own.name} exists already and is not overwritten; run again to append to it") from error
    except OSError as error:
        raise UsageError(f"{own.name} was not written: {error.strerror}; put that right and run again") from error


def _located(file: Path, root: Path) -> tuple[Path, str]:
    """The folder below which a file is to be written, and its path from there, links in the project followed."""
    real, real_root = Path(os.path.realpath(file)), Path(os.path.realpath(root))
    if real.is_relative_to(real_root):
        return real_root, real.relative_to(real_root).as_posix()
    if file.is_symlink():
        raise UsageError(
            f"{file.name} is a symbolic link that leads outside the project, to {real}, which is not written; "
            "replace it by a file"
        )
    return real.parent, real.name


def _new(document: Document, moves: Sequence[Evidence]) -> list[Evidence]:
    """The moves that are not in the settings; ConfigError if they can't stand beside those."""
    options = document.options(NAME, Options)
    entries = [Entry(move, document.place((NAME, _MOVES, i))) for i, move in enumerate(options.moves)]
    known = {(entry.source, entry.target) for entry in entries}
    new: list[Evidence] = []
    for move, evidence in moves:
        entry = Entry(move, "a move to be added")
        if (entry.source, entry.target) not in known:
            known.add((entry.source, entry.target))
            entries.append(entry)
            new.append((move, evidence))
    Moves.of(entries)
    return new


def _is_sum(document: Document, added: bytes, moves: Sequence[Evidence]) -> bool:
    """Whether the settings with what is added are those of before and the moves, nothing else."""
    after, expected = _parsed(document.data + added), _parsed(document.data)
    table: Any = expected
    for part in (*document.prefix, NAME):
        table = table.setdefault(part, {})
    table[_MOVES] = [*table.get(_MOVES, ()), *({"from": move.from_, "to": move.to} for move, _ in moves)]
    return after == expected


def _parsed(data: bytes) -> dict[str, Any] | None:
    try:
        # Floats as text: nan is not equal to itself.
        return tomllib.loads(data.decode("utf-8-sig"), parse_float=str)
    except tomllib.TOMLDecodeError:
        return None


def _not_appendable(document: Document, moves: Sequence[Evidence]) -> ConfigError:
    whole = (*document.prefix, NAME, _MOVES)
    tables = (whole[: count + 1] for count in range(len(whole)))
    inline = next((table for table in tables if not _takes_tables(document.data, table)), whole)
    if inline == whole:
        lines = [line for move, evidence in moves for line in settings_lines(move, evidence, None)]
        way_out = f"write {moves_header(document.file)} for each move and run again, or paste:"
        what, way_out = "array", "\n".join([way_out, *lines])
    else:
        what, way_out = "table", f"write it as [{'.'.join(inline)}] and run again"
    message = f"`{inline[-1]}` is an inline {what}, to which nothing can be appended; {way_out}"
    return document.error(inline[len(document.prefix) :], message)


def _takes_tables(data: bytes, table: Sequence[str]) -> bool:
    """Whether a table can be defined below another one at the end of a file."""
    return _parsed(data + f"\n[{'.'.join(table)}.new-table]\n".encode()) is not None


def _counted(count: int) -> str:
    return f"{count} move{'' if count == 1 else 's'}"
