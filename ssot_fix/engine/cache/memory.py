"""What a full run takes over from earlier ones, file by file, and leaves behind for later ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssot_fix.digests import Undigestible
from ssot_fix.edits import FileResult
from ssot_fix.engine.cache.answers import Answers, Trace, told
from ssot_fix.engine.cache.contents import MANY, SIZE, STATUS, now, sizes, statuses, trusted
from ssot_fix.engine.cache.identity import named
from ssot_fix.engine.cache.store import Store, dump
from ssot_fix.engine.contract import Told
from ssot_fix.engine.file import Analysed, Analysis
from ssot_fix.engine.screen import Pairs, Screen, Screened
from ssot_fix.project.git_index import indexed

_KEPT = 4  # results for each file: a branch and back again costs nothing
_SPARE = 2  # as many contents are kept as a project has files, times this


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file came to: with which content, under which circumstances, by which answers."""

    content: bytes
    circumstances: bytes
    trace: Trace
    result: FileResult


class Memory:
    """What is known from earlier runs, and is to be known of this one. What can't be kept is left out."""

    def __init__(self, store: Store, program: bytes, root: Path) -> None:
        """`program` tells this program from others."""
        self.store = store
        self._program = program
        self._root = root
        self._began = now()
        self._paths: Sequence[str] = ()
        self._statuses = b""
        self.contents: dict[str, bytes] = {}
        self._tables: dict[str, dict[bytes, bytes]] = {}  # of what is known by content, by the name of its file
        self._fresh: set[str] = set()  # those in which something is new
        self._results: dict[str, list[Entry]] = {}
        self._results_name = ""
        self.screened_name = ""

    @property
    def count(self) -> int:
        """How many files there are."""
        return len(self._paths)

    def look(self, paths: Sequence[str]) -> None:
        """Look at the status of all files, and see of which that tells the content."""
        self._paths = paths
        self._statuses = statuses(str(self._root), paths)
        known = self.store.restore("contents")
        old_paths, old_statuses, old_names = known if isinstance(known, tuple) else ((), b"", b"")
        before = {path: at for at, path in enumerate(old_paths)}
        unknown: list[int] = []
        for at, path in enumerate(paths):
            old = before.get(path)
            if old is not None and _slice(old_statuses, old, STATUS) == _slice(self._statuses, at, STATUS):
                self.contents[path] = _slice(old_names, old, SIZE)
            else:
                unknown.append(at)
        if before and len(unknown) > MANY:
            self.contents |= indexed(self._root, sizes(paths, self._statuses, unknown))

    # What is known by content

    def screened(self, screen: Screen) -> dict[str, Screened]:
        """What a screen has made of files with the contents of today's."""
        try:
            name = named(self._program, screen.surveyors, [codemod.name for codemod in screen.codemods])
        except Undigestible:  # a surveyor of somebody else's: nothing tells whether it is the same
            return {}
        self.screened_name = f"screened-{name}"
        found = self._known(self.screened_name)
        return {path: each for path, each in found.items() if isinstance(each, Screened)}

    def keep_screened(self, path: str, content: bytes, screened: Screened) -> None:
        """Keep what the screen has made of a file."""
        self.contents.pop(path, None)
        if content and screened.error is None:
            self.contents[path] = content
            self._keep("screened-", content, dump(screened))

    def taken(self, names: frozenset[str]) -> dict[str, Pairs]:
        """What files with the contents of today's take under some names."""
        found = self._known(f"taken-{named(self._program, names)}")
        return {path: each for path, each in found.items() if isinstance(each, frozenset)}

    def keep_taken(self, path: str, pairs: Pairs) -> None:
        """Keep what a file takes."""
        if path in self.contents:
            self._keep("taken-", self.contents[path], dump(pairs))

    def _known(self, name: str) -> dict[str, object]:
        held = self.store.restore(name)
        table: dict[bytes, bytes] = held if isinstance(held, dict) else {}
        self._tables[name] = table
        made: dict[bytes, object] = {}
        found: dict[str, object] = {}
        for path, content in self.contents.items():
            if content in table:
                if content not in made:
                    made[content] = self.store.value(table[content])
                found[path] = made[content]
        return found

    def _keep(self, kind: str, content: bytes, data: bytes | None) -> None:
        for name, table in self._tables.items():
            if data is not None and name.startswith(kind):
                table[content] = data
                self._fresh.add(name)

    # Results

    def results(self, analysis: Analysis, paths: Iterable[str], settings: object) -> dict[str, Analysed]:
        """What files came to, as far as all that it depended on is as it was."""
        knowledge = told(analysis.context.codemods)
        if knowledge is None:
            return {}
        try:
            return self._standing(analysis, paths, settings, knowledge)
        except Undigestible:  # somebody else's codemod knows something of which nothing tells whether it is the same
            return {}

    def _standing(
        self, analysis: Analysis, paths: Iterable[str], settings: object, knowledge: Iterable[Told]
    ) -> dict[str, Analysed]:
        analysis.context.project.believe(self.contents)
        answers = Answers(analysis.context.project, knowledge)
        self._results_name = f"results-{named(self._program, settings, analysis.staged, analysis.context.known)}"
        held = self.store.restore(self._results_name)
        self._results = held if isinstance(held, dict) else {}
        found: dict[str, Analysed] = {}
        for path in paths:
            content = self.contents.get(path)
            for entry in self._results.get(path, ()):
                if entry.content != content or entry.circumstances != analysis.circumstances(path):
                    continue
                if answers.hold(entry.trace):
                    found[path] = Analysed(entry.result, entry.content, entry.trace)
                    break
        return found

    def keep_result(self, analysis: Analysis, analysed: Analysed) -> None:
        """Keep what a file came to, if its content is the one that was screened."""
        path, trace = analysed.result.path, analysed.trace
        if not self._results_name or trace is None or analysed.content != self.contents.get(path):
            return
        if (circumstances := analysis.circumstances(path)) is not None:
            entry = Entry(analysed.content, circumstances, trace, analysed.result)
            others = [each for each in self._results.get(path, ()) if _is_other(each, entry)]
            self._results[path] = [entry, *others[: _KEPT - 1]]
            self._fresh.add(self._results_name)

    # The end

    def is_quiet(self) -> bool:
        """Whether no file has changed since the run began."""
        return statuses(str(self._root), self._paths) == self._statuses

    def snapshot(self) -> tuple[tuple[str, ...], bytes, bytes]:
        """All files with their statuses, as far as these can be trusted, and the names of their contents."""
        names = b"".join(self.contents.get(path, b"\0" * SIZE) for path in self._paths)
        lacking = frozenset(at for at, path in enumerate(self._paths) if path not in self.contents)
        return tuple(self._paths), trusted(self._statuses, self._began, lacking), names

    def save(self) -> None:
        """Leave it all behind."""
        self.store.save("contents", dump(self.snapshot()))
        needed = set(self.contents.values())
        for name in self._fresh & self._tables.keys():
            self.store.save(name, dump(_bounded(self._tables[name], needed, _SPARE * len(self._paths))))
        if self._results_name in self._fresh:
            there = set(self._paths)
            kept = {path: entries for path, entries in self._results.items() if path in there}
            self.store.save(self._results_name, dump(kept))
        self.store.tidy()


def _is_other(old: Entry, new: Entry) -> bool:
    return (old.content, old.circumstances) != (new.content, new.circumstances) or old.trace != new.trace


def _slice(data: bytes, at: int, size: int) -> bytes:
    return data[at * size : (at + 1) * size]


def _bounded(table: Mapping[bytes, bytes], needed: set[bytes], most: int) -> dict[bytes, bytes]:
    """What is needed, and of the rest the newest up to so many in all."""
    spare = [content for content in table if content not in needed]
    dropped = set(spare[: max(0, len(table) - most)])
    return {content: data for content, data in table.items() if content not in dropped}
