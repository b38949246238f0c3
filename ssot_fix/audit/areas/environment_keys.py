"""The inventory of environment variables: who reads and writes each, and what is wrong with that."""

from __future__ import annotations

import ast
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from ssot_fix.audit.model import Key, KeyUse
from ssot_fix.project.git import GitError, attempt_git, toplevel

_SETTING = {"set", "setdefault", "update", "putenv"}
_WRITING = {"set", "update", "putenv", "delete", "patch"}
_BOTH = {"pop", "setdefault"}
# What is shown where there is nothing: letters only, in lower case.
_NOTHING = {
    "",
    "unknown",
    "none",
    "null",
    "na",
    "undefined",
    "unset",
    "missing",
    "notset",
    "notconfigured",
    "notfound",
}
_BOOLEANS = {"true", "false"}
# What may tell of a variable, and reads none.
_PROSE_AND_DATA = (
    *("md", "rst", "adoc", "html", "svg", "json", "xml", "csv", "log", "ipynb", "db", "pdf"),
    *("zip", "gz", "tar", "whl", "exe", "dll", "so", "png", "jpg", "jpeg", "gif", "ico", "woff", "woff2"),
)
_GREPPED = re.compile(rb"[^:]*+:(?P<path>[^\0]*+)\0(?P<line>\d++)\0(?P<text>[^\n]*+)\n")
_LONGEST_COMMAND = 20_000  # characters; Windows takes 32,767


@dataclass(frozen=True, slots=True)
class KeyedUse:
    """A use of one variable, on lines up to `last`, in a function.

    `dropped`: nobody takes what it gives. `is_exempt`: nothing is wrong with it being direct. `is_external`: other
    programs read the variable.
    """

    key: str
    use: KeyUse
    last: int
    function: str
    dropped: bool
    is_exempt: bool
    is_external: bool

    @property
    def reads(self) -> bool:
        """Whether the variable's value, or whether it is there, is asked for."""
        return self.use.operation not in _WRITING and not (self.dropped and self.use.operation in _BOTH)

    @property
    def writes(self) -> bool:
        """Whether the variable may be another afterwards."""
        return self.use.operation in _WRITING or self.use.operation in _BOTH

    @property
    def in_production(self) -> bool:
        """Whether it is production code."""
        return self.use.place.scope == "production"


def keys_of(uses: Iterable[KeyedUse], root: Path, commit: str) -> tuple[Key, ...]:
    """The variables by name; `root` and `commit` are where else they may be mentioned."""
    by_key: dict[str, list[KeyedUse]] = defaultdict(list)
    for use in uses:
        by_key[use.key].append(use)
    unread = _unread(by_key, root, commit)
    return tuple(_key(name, by_key[name], name in unread) for name in sorted(by_key))


def _key(name: str, uses: Sequence[KeyedUse], is_unread: bool) -> Key:
    ordered = sorted(uses, key=lambda each: (not each.in_production, each.use.place, each.use.operation))
    readers = tuple(each.use for each in ordered if each.reads)
    problems = {
        "conflicting-defaults": _has_conflict(uses),
        "mixed-access": _is_mixed(uses),
        "never-read": is_unread,
    }
    return Key(
        name=name,
        readers=readers,
        writers=tuple(each.use for each in ordered if each.writes),
        defaults=tuple(dict.fromkeys(use.default for use in readers if use.default is not None)),
        problems=tuple(problem for problem, is_there in problems.items() if is_there),
    )


def _has_conflict(uses: Iterable[KeyedUse]) -> bool:
    """Whether two functions of production fall back to different literals.

    One that falls back to several chooses between them, by what the environment is called, say.
    """
    chosen = defaultdict[tuple[str, str], set[str]](set)
    for each in uses:
        if each.reads and not each.writes and each.in_production and (value := _value(each.use.default)) is not None:
            chosen[each.use.place.path, each.function].add(value)
    return any(one.isdisjoint(other) for one, other in combinations(set(map(frozenset, chosen.values())), 2))


def _value(default: str | None) -> str | None:
    """The text that a literal default amounts to; None for other expressions, and for what says that there is none.

    Numbers and truth values are what their text would be read as: a caller makes one of the other.
    """
    try:
        value = ast.literal_eval(default or "None")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    text = value if isinstance(value, str) else repr(value)
    if re.sub(r"[\W_]", "", text).lower() in _NOTHING:
        return None
    with suppress(ValueError, OverflowError):
        return repr(float(text))
    return text.lower() if text.lower() in _BOOLEANS else text


def _is_mixed(uses: Iterable[KeyedUse]) -> bool:
    """Whether production code writes the variable one way and reads it the other, without need."""
    counted = [each for each in uses if each.in_production and not each.is_exempt and not each.is_external]
    written = {each.use.direct for each in counted if each.writes}
    return any(written - {each.use.direct} for each in counted if each.reads)


# What no file reads


def _unread(by_key: Mapping[str, Sequence[KeyedUse]], root: Path, commit: str) -> frozenset[str]:
    """The variables that production code sets, that none reads, and of which no other line of the commit speaks.

    A line that spells the name, in whatever case, may read it in a way that is not seen here: a computed name, a class
    of settings, a shell script.
    """
    candidates = [
        name
        for name, uses in by_key.items()
        if any(each.use.operation in _SETTING and each.in_production for each in uses)
        and not any(each.reads or each.is_external for each in uses)
        and re.fullmatch(r"\w+", name, re.ASCII)
    ]
    if not candidates or sum(map(len, candidates)) > _LONGEST_COMMAND:
        return frozenset()
    top = toplevel(root) or root
    below = "" if top == root.absolute() else f"{root.absolute().relative_to(top).as_posix()}/"
    mentions = _mentions(candidates, top, commit)
    if mentions is None:
        return frozenset()
    known = {(name, f"{below}{path}", line) for name in candidates for path, line in _lines(by_key[name])}
    return frozenset(candidates) - {mention[0] for mention in mentions if mention not in known}


def _lines(uses: Iterable[KeyedUse]) -> Iterator[tuple[str, int]]:
    for each in uses:
        yield from ((each.use.place.path, line) for line in range(each.use.place.line, each.last + 1))


def _mentions(names: Sequence[str], top: Path, commit: str) -> list[tuple[str, str, int]] | None:
    """The lines of a commit, prose and data aside, that spell names, with their paths; None if that can't be told."""
    patterns = [part for name in names for part in ("-e", name)]
    aside = [f":(exclude,glob)**/*.{suffix}" for suffix in _PROSE_AND_DATA]
    arguments = ("grep", "-Iiwn", "-Fz", "--full-name", "--no-color", *patterns, commit, "--", *aside)
    try:
        done = attempt_git(top, *arguments, environment={"GIT_LITERAL_PATHSPECS": "0"})
    except GitError:
        return None
    # A blob that the repository lacks may be the one that reads a variable.
    if done.returncode or done.stderr:
        return None
    spelled = re.compile("|".join(rf"\b{name}\b" for name in names), re.IGNORECASE | re.ASCII)
    by_folded = {name.lower(): name for name in names}
    return [
        (by_folded[found.lower()], os.fsdecode(match["path"]), int(match["line"]))
        for match in _GREPPED.finditer(done.stdout)
        for found in spelled.findall(match["text"].decode("utf-8", "replace"))
    ]
