"""One look at the bytes of every file: may it hold a site, does a codemod want to see it, whom does it use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ssot_fix.digests import blob_name
from ssot_fix.engine.contract import Codemod, Surveyor

_STAR = re.compile(rb"\bfrom[ \t]+([\w.]+)[ \t]+import[ \t]*\(?[ \t]*\*")
_BEFORE_A_DOT = re.compile(rb"(?:(\w+)|[}\"'\])])\Z")
_WORD = re.compile(rb"\w+")
_FROM = re.compile(  # bounded: each `(` of a long text would run to its end; a literal in front is quick
    rb"from(?<!\wfrom)[ \t]+([\w.]+)[ \t]+import[ \t]*"
    rb"(\((?>[^()#]|#[^\r\n]{0,400}+){0,4000}+\)|(?>[^\r\n\\]|\\\r?\n){0,4000}+)"
)


@dataclass(frozen=True, slots=True)
class Screened:
    """What the bytes of a file tell, and they alone; `error` is set if it could not be read.

    `passed` are the codemods whose screen the file passed; `surveyed` is what each surveyor made of it. `users` holds
    (last name of a module, name) for every global of another module that it may take, and (..., `.name`) where it is
    reached as an attribute, and so may be replaced, too; `aliases` what it calls the shared names of those codemods.
    """

    size: int = 0
    passed: tuple[str, ...] = ()
    surveyed: Mapping[str, object] = field(default_factory=dict)
    users: frozenset[tuple[str, str]] = frozenset()
    aliases: frozenset[str] = frozenset()
    error: str | None = None


Pairs = frozenset[tuple[str, str]]
_NOTHING: Pairs = frozenset()


@dataclass(frozen=True)
class Screen:
    """Screens files in a worker; `surveyors` are by codemod."""

    root: Path
    codemods: Sequence[Codemod]
    surveyors: Mapping[str, Surveyor]

    def __call__(self, paths: Sequence[str]) -> list[tuple[bytes, Screened]]:
        """Screen some files, in order; with each goes the name of its content, empty if it could not be read."""
        return [self._one(path) for path in paths]

    def look(self, data: bytes) -> Screened:
        """Screen a file's bytes; an exception of a codemod is an error of the file."""
        try:
            return self._screened(data)
        except Exception as error:
            return _broken(error)

    def _one(self, path: str) -> tuple[bytes, Screened]:
        try:
            with open(self.root / path, "rb") as file:  # noqa: PTH123  half the cost of read_bytes
                data = file.read()
        except FileNotFoundError:
            return b"", Screened(error="deleted while ssot-fix was running")
        except OSError as error:
            return b"", Screened(error=error.strerror or str(error))
        return blob_name(data), self.look(data)

    def _screened(self, data: bytes) -> Screened:
        passed = [codemod for codemod in self.codemods if codemod.screen(data)]
        looked = {name: survey(data) for name, survey in self.surveyors.items()}
        surveyed = {name: found for name, found in looked.items() if found is not None}
        shared = frozenset[str]().union(*(codemod.shared_names for codemod in passed))
        found = users(data, shared | {"os"})
        aliases = _aliases(data, shared) if shared else frozenset[str]()
        return Screened(len(data), tuple(codemod.name for codemod in passed), surveyed, found, aliases)


def _broken(error: Exception) -> Screened:
    return Screened(error=f"internal error: {error!r}; please report it")


@dataclass(frozen=True)
class Takers:
    """Finds, in a worker, the globals of other modules that files take under some names."""

    root: Path
    names: frozenset[str]

    def __call__(self, paths: Sequence[str]) -> list[frozenset[tuple[str, str]]]:
        """The pairs of each file, in order; none for one that can't be read."""
        return [self._one(path) for path in paths]

    def _one(self, path: str) -> frozenset[tuple[str, str]]:
        try:
            return users((self.root / path).read_bytes(), self.names)
        except OSError:
            return _NOTHING


def _aliases(data: bytes, names: frozenset[str]) -> frozenset[str]:
    """What a file's global imports call the names; those inside functions are nobody else's."""
    spelled = b"|".join(re.escape(name).encode() for name in sorted(names))
    found = set()
    for match in re.finditer(rb"\b(?:" + spelled + rb")[\s\\]+as[\s\\]+(\w+)", data):
        line = data[data.rfind(b"\n", 0, match.start()) + 1 : match.start()]
        if not line[:1].isspace() or not line.lstrip().startswith((b"import", b"from")):
            found.add(match[1].decode(errors="replace"))
    return frozenset(found) - {"os"}  # looked for in every file already


def users(data: bytes, names: frozenset[str]) -> Pairs:
    """Whose globals a file may take under some names: pairs as in `Screened.users`."""
    lists: list[tuple[bytes, bytes]] = _FROM.findall(data)
    found = {pair for name in names for pair in _users_of(data, name, lists)}
    if b"import *" in data:
        found |= {(_tail(match[1]), "*") for match in _STAR.finditer(data)}
    return frozenset(found) if found else _NOTHING


def _users_of(data: bytes, name: str, lists: Sequence[tuple[bytes, bytes]]) -> Iterator[tuple[str, str]]:
    """Who takes a name; `lists` are the modules of all `from` imports, each with what is taken from it."""
    spelled = name.encode()
    for module in {*_attribute_bases(data, spelled), *_quoted_after(data, spelled)}:
        if module is None:  # `f"{module}.os"`, `"%s.os" % module`: any module that this file speaks of
            for word in set(_WORD.findall(data)):
                yield word.decode(errors="replace"), name
                yield word.decode(errors="replace"), f".{name}"
        elif module != b"os":
            origins = re.findall(rb"([\w.]+)[ \t]+as[ \t]+" + module + rb"\b", data)
            for tail in {module.decode(errors="replace"), *map(_tail, origins)}:
                yield tail, name
                yield tail, f".{name}"
    for origin, listed in lists:
        if spelled in listed and re.search(rb"\b" + spelled + rb"\b", listed):
            yield _tail(origin), name


def _attribute_bases(data: bytes, name: bytes) -> Iterator[bytes | None]:
    """What stands before `.name`."""
    if b"." + name not in data:  # as in most files; twice as fast as to search
        return
    for match in re.finditer(rb"\." + re.escape(name) + rb"\b", data):
        before = _BEFORE_A_DOT.search(data, max(0, match.start() - 80), match.start())
        if before is not None:
            word = before[1]
            yield word if word and data[before.start() - 1 : before.start()] != b"%" else None


def _quoted_after(data: bytes, name: bytes) -> Iterator[bytes | None]:
    """The module in `getattr(module, "name")`, `patch.object(module, "name")` and the like."""
    if b'"%b"' % name not in data and b"'%b'" % name not in data:
        return
    for match in re.finditer(rb",[ \t]*[\"']" + re.escape(name) + rb"[\"']", data):
        before = _BEFORE_A_DOT.search(data, max(0, match.start() - 80), match.start())
        if before is not None:
            yield before[1]


def _tail(dotted: bytes) -> str:
    return dotted.rpartition(b".")[2].decode(errors="replace")
