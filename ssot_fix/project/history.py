"""What a repository's history tells of files and names that are gone.

It is only read: no work tree, no index, no network. Every commit that the head reaches is compared with each of its
parents, so that losses inside merges and on merged branches are seen too; a merge that only takes over what one of
its sides removed is not the culprit. Renames are those that git's own detection finds.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Generic, Literal, NamedTuple, TypeVar

from ssot_fix.newer_syntax import Unparseable, parse
from ssot_fix.project.git import GitError, run_git
from ssot_fix.project.names import module_names
from ssot_fix.project.objects import Objects
from ssot_fix.project.scan import scan
from ssot_fix.source import Source, UnreadableText

T = TypeVar("T")
_EDGES_AT_ONCE = 512  # bounds git's output to some ten megabytes
_FEW = 20  # paths that git finds faster than all
_EDGES_KEPT = 16384  # so many have their changes kept, some ten megabytes
_BLOBS_AT_ONCE = 1000
_MODULE = b".py"  # anywhere in a path: with stubs, and modules that were put aside (`x.py.bak`)
# With -z, a comparison of two trees is a header that ends in a line feed, then one entry per file that differs.
_RENAME = re.compile(
    rb"(?P<header>[0-9a-f]{40,64} [0-9a-f]{40,64}\n)|:[^\0]* R(?P<percent>\d+)\0(?P<old>[^\0]*)\0(?P<new>[^\0]*)\0"
)


_COMMENT = re.compile(rb"[ \t]*+#[^\r\n]*+")  # that is all of its line
# In a text that Python can't read: what its first column seems to bind.
_PLAIN = re.compile(rb"^(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|^(\w+)[ \t]*(?::[^=\n]*)?=(?!=)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its full id, the committer's day (ISO), its author's name, the first line of its message."""

    id: str
    date: str
    author: str
    subject: str


def commits_of(root: Path, ids: Iterable[str]) -> dict[str, Commit]:
    """What some commits of the repository around `root` say of themselves, by id.

    Raises GitError.
    """
    wanted = "".join(f"{commit}\n" for commit in set(ids))
    if not wanted:
        return {}
    form = "--format=%H%x00%cs%x00%an%x00%s%x00"
    output = run_git(root, "rev-list", "--no-walk", "--stdin", "--encoding=UTF-8", form, input=wanted.encode())
    fields = [_printable(text) for text in output.decode("utf-8", "replace").split("\0")[:-1]]
    rows = [fields[at : at + 4] for at in range(0, len(fields), 4)]
    found = [Commit(commit.split()[-1], _day(date), author, subject) for commit, date, author, subject in rows]
    return {commit.id: commit for commit in found}


@dataclass(frozen=True, slots=True)
class Rename:
    """A commit took a file from one path to another; `similarity` is git's, in percent."""

    commit: Commit
    old: str
    new: str
    similarity: int


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of the file at `path`. Paths are posix and relative to the project's root.

    `state` is `there` (it is in the head), `moved` (it is under another path there), `deleted`, `never` (no commit
    had it) or `unknown`. `renames` are the steps from `path` to where it is or last was; `deleted` the commit that
    ended it. `why` says what could not be known; where it is set, `deleted` may yet be a move.
    """

    path: str
    state: Literal["there", "moved", "deleted", "never", "unknown"]
    renames: tuple[Rename, ...] = ()
    deleted: Commit | None = None
    why: str = ""

    @property
    def last_path(self) -> str:
        """Where the file is, or was before its end."""
        return self.renames[-1].new if self.renames else self.path

    @property
    def commit(self) -> Commit | None:
        """The commit that took the file from `path`."""
        return self.renames[0].commit if self.renames else self.deleted


@dataclass(frozen=True, slots=True)
class Loss:
    """What became of a name that a module no longer binds.

    `state` is `lost`, `there` (the head binds it), `never` (no version under this path bound it) or `unknown`. `file`
    is the path that has or had it: a package may hide a module of its name. `commit` is the one in which it went,
    `before` the file's text just before. `why` says what could not be known.
    """

    path: str
    name: str
    state: Literal["lost", "there", "never", "unknown"]
    commit: Commit | None = None
    file: str | None = None
    before: bytes | None = None
    why: str = ""


class History:
    """The history behind a project's files, as far as its repository holds it."""

    def __init__(self, root: Path, head: str = "HEAD") -> None:
        """`root` is the project's root, the repository's or a folder in it; `head` names a commit."""
        self._root = root
        self._head = head

    @cached_property
    def limits(self) -> str:
        """What the history can't tell, in words for people; empty if it is all there."""
        try:
            repository = self._repository
        except GitError as error:
            return str(error)
        return repository.limits

    @cached_property
    def _repository(self) -> _Repository:
        return _Repository(self._root, self._head)

    def removals(self, paths: Iterable[str]) -> dict[str, Removal]:
        """What became of each of some files. One walk through the history serves all later calls."""
        wanted = list(dict.fromkeys(paths))
        try:
            return _Chains(self._repository).follow(wanted)
        except GitError as error:
            return {path: Removal(path, "unknown", why=str(error)) for path in wanted}

    def last_texts(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The last text of each of some files: the head's, or the one just before the file went.

        Files without a text, since they never were or since the repository lacks it, are left out.
        """
        try:
            return self._last_texts(list(paths))
        except GitError:
            return {}

    def _last_texts(self, paths: Collection[str]) -> dict[str, bytes]:
        repository = self._repository
        ids = {path: repository.last_blob(repository.full(path)) for path in paths}
        found = repository.blobs(blob for blob in ids.values() if blob)
        return {path: found[blob] for path, blob in ids.items() if blob in found}

    def losses(
        self, names: Iterable[tuple[str, str]], compared: Container[tuple[str, str]] | None = None
    ) -> dict[tuple[str, str], Loss]:
        """What became of each of some names, given as a module's file and a name that it lacks.

        `m.py` and `m/__init__.py` are taken for one module. The text `before` is told of `compared` ones: by default
        all. One walk through the history per call.
        """
        wanted = list(dict.fromkeys(names))
        compared = frozenset(wanted) if compared is None else compared
        try:
            return {(loss.path, loss.name): loss for loss in _Losses(self._repository, wanted, compared).find()}
        except GitError as error:
            return {(path, name): Loss(path, name, "unknown", why=str(error)) for path, name in wanted}

    def arrivals(self, words: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Commit]:
        """Since which commit each of some files spells a word: who asks for what never was, and since when.

        Words that the file's first commit brought into an empty repository are left out, as is what can't be known.
        """
        try:
            return _arrivals(self._repository, list(dict.fromkeys(words)))
        except GitError:
            return {}

    def origins(
        self, wanted: Iterable[tuple[str, T]], holds: Callable[[T, bytes], bool | None]
    ) -> dict[tuple[str, T], Commit]:
        """Since which commit some files hold something: the newest that brought it; renames are followed.

        `wanted` are files of the head, each with a thing; `holds` tells whether a text has that thing, or None if it
        can't. What can't be known is left out.
        """
        try:
            return _Origins(self._repository, holds).find(dict.fromkeys(wanted))
        except GitError:
            return {}


@dataclass(frozen=True, slots=True)
class _Edge:
    """A commit and one of its parents, as positions in the graph: a commit stands before its ancestors."""

    child: int
    parent: int


@dataclass(frozen=True, slots=True)
class _Change:
    """A file differs along an edge. `old` and `new` are its blobs, None where there is no file."""

    edge: _Edge
    old: bytes | None
    new: bytes | None


class _Entry(NamedTuple):
    """The same as git says it; there are too many of them to make changes of all."""

    edge: _Edge
    said: bytes  # may begin with headers: `:<mode> <mode> <old> <new> <kind>`

    def change(self) -> _Change | None:
        """The change; None of a submodule."""
        mode, _, old, new, _ = self.said.split()[-5:]
        made = (blob if blob.strip(b"0") else None for blob in (old, new))
        return None if mode == b":160000" else _Change(self.edge, *made)


_Entries = Mapping[bytes, Sequence[_Entry]]


@dataclass(frozen=True, slots=True)
class _Trail:
    """A file under one of its paths; `renamed` is the change by which it left it for the next."""

    path: bytes
    renamed: _Change | None = None


class _Root(NamedTuple):
    """The first commit, and its files with their blobs."""

    commit: str
    files: Mapping[bytes, bytes]


class _Graph:
    """The commits that a head reaches, newest first, and how they hang together."""

    def __init__(self, listing: bytes) -> None:
        """`listing` is the output of `git rev-list --date-order --parents --format=%T`."""
        lines = listing.split(b"\n")
        listed = [line.split()[1:] for line in lines[:-1:2]]
        position = {ids[0]: at for at, ids in enumerate(listed)}
        self.ids = [ids[0].decode() for ids in listed]
        self.trees = lines[1::2]
        self.parents = [[position[parent] for parent in ids[1:]] for ids in listed]
        self.edges = [_Edge(child, parent) for child, parents in enumerate(self.parents) for parent in parents]
        self._ancestors: dict[_Edge, bool] = {}

    def is_ancestor(self, old: int, young: int) -> bool:
        """Whether a commit is another one or comes before it."""
        question = _Edge(young, old)
        if question not in self._ancestors:
            self._ancestors[question] = self._search(old, young)
        return self._ancestors[question]

    def _search(self, old: int, young: int) -> bool:
        seen: set[int] = set()
        waiting = [young]
        while waiting:
            at = waiting.pop()
            if at == old:
                return True
            if at < old and at not in seen:  # behind `old` stand no descendants of it
                seen.add(at)
                waiting += self.parents[at]
        return False

    def culprit(self, changes: Sequence[_Change], lost: Callable[[_Change], bool]) -> _Change | None:
        """The newest of a file's changes in which something was lost; `changes` come newest first.

        `lost` may as well tell where something came in.
        """
        for commit, along in groupby(changes, lambda change: change.edge.child):
            losses = [change for change in along if lost(change)]
            if not losses:
                continue
            if len(losses) == len(self.parents[commit]) or not self._taken_over(losses[0], changes, lost):
                return losses[0]
        return None

    def _taken_over(self, change: _Change, changes: Iterable[_Change], lost: Callable[[_Change], bool]) -> bool:
        """Whether a merge only lacks what its other side had lost since the two parted."""
        commit, parent = change.edge.child, change.edge.parent
        return any(
            self.is_ancestor(older.edge.child, commit) and not self.is_ancestor(older.edge.child, parent)
            for older in changes
            if older.edge.child > commit and lost(older)
        )


class _Repository:
    """Questions to git, each answered for many files at once. Paths are full: relative to the work tree's top.

    Every method raises GitError.
    """

    def __init__(self, root: Path, head: str) -> None:
        self._root = root
        self._objects = Objects(root)
        self._compared: set[_Edge] = set()  # for renames, as the next two
        self._renamed: dict[tuple[_Edge, bytes], tuple[bytes, int]] = {}
        self._poor: set[_Edge] = set()
        self._prefix = run_git(root, "rev-parse", "--show-prefix").removesuffix(b"\n")
        try:
            self._head = run_git(root, "rev-parse", "--verify", "--quiet", f"{head}^{{commit}}").strip().decode()
        except GitError:
            raise GitError(f"git has no commit {head} here") from None
        if not any(path.startswith(self._prefix) for path in self.files):
            raise GitError(f"{root} lies in a git repository, but none of its files is committed there")

    def full(self, path: str) -> bytes:
        """The full path of a file of the project."""
        return posixpath.normpath(self._prefix + os.fsencode(path))

    def short(self, path: bytes) -> str:
        """The path of a file relative to the project's root."""
        return os.fsdecode(posixpath.relpath(path, self._prefix) if self._prefix else path)

    @cached_property
    def limits(self) -> str:
        if run_git(self._root, "rev-parse", "--is-shallow-repository").strip() == b"true":
            oldest = self.commits([self.graph.ids[-1]])[self.graph.ids[-1]]
            return f"the history is shallow: it begins on {oldest.date}; `git fetch --unshallow` gets the rest"
        return ""

    @cached_property
    def graph(self) -> _Graph:
        return _Graph(run_git(self._root, "rev-list", "--date-order", "--parents", "--format=%T", self._head))

    @cached_property
    def files(self) -> Mapping[bytes, bytes]:
        """The head's files and their blobs."""
        return self._files_of(self._head)

    def _files_of(self, commit: str) -> Mapping[bytes, bytes]:
        listed = run_git(self._root, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]
        entries = [entry.partition(b"\t") for entry in listed]
        return {path: facts.split()[2] for facts, _, path in entries}

    @cached_property
    def root(self) -> _Root | None:
        """The one commit that all began with, if there is one."""
        first = [commit for commit, parents in zip(self.graph.ids, self.graph.parents, strict=True) if not parents]
        return _Root(first[0], self._files_of(first[0])) if len(first) == 1 and not self.limits else None

    @cached_property
    def _deletions(self) -> _Entries:
        return self._entries("D")

    @cached_property
    def _all(self) -> _Entries | None:
        """Every change of what may have been a module, by one walk for all questions; None of a long history."""
        return self._entries("ADMT") if len(self.graph.edges) <= _EDGES_KEPT else None

    def deletions(self, path: bytes) -> list[_Change]:
        """Every deletion of a file that may have been a module, newest first."""
        entries = self._deletions if self._all is None else self._all
        return [change for change in _changes(entries.get(path, ())) if change.new is None]

    def versions(self, paths: Collection[bytes]) -> dict[bytes, list[_Change]]:
        """Every change of some files, newest first."""
        entries = self._entries("ADMT", frozenset(paths)) if self._all is None else self._all
        return {path: _changes(entries.get(path, ())) for path in paths}

    def versions_of_few(self, paths: Collection[bytes], youngest: int) -> dict[bytes, list[_Change]]:
        """As `versions`, from a commit on, by its position: half the time for a dozen files."""
        literal = [f":(top,literal){os.fsdecode(path)}" for path in sorted(paths)]
        entries = self._entries("ADMT", frozenset(paths), literal if len(paths) <= _FEW else (), youngest)
        return {path: _changes(entries.get(path, ())) for path in paths}

    def _entries(
        self, kinds: str, paths: Collection[bytes] | None = None, where: Sequence[str] = (), youngest: int = 0
    ) -> _Entries:
        """What differs along the edges, newest first: in some files, or in all that may have been modules."""
        edges = [edge for edge in self.graph.edges if edge.child >= youngest]
        found: dict[bytes, list[_Entry]] = defaultdict(list)
        for start in range(0, len(edges), _EDGES_AT_ONCE):
            # A pattern of paths would cost git as much again: it holds it against what did not change, too.
            said = self._compare(
                edges[start : start + _EDGES_AT_ONCE], "--no-renames", f"--diff-filter={kinds}", "--", *where
            ).split(b"\0")
            at = start - 1
            for entry, path in zip(said[::2], said[1::2], strict=False):  # behind the last path are headers at most
                at += entry.count(b"\n")
                if _MODULE in path if paths is None else path in paths:
                    found[path].append(_Entry(edges[at], entry))
        return found

    def _compare(self, edges: Iterable[_Edge], *options: str) -> bytes:
        trees = self.graph.trees
        pairs = b"".join(b"%b %b\n" % (trees[edge.parent], trees[edge.child]) for edge in edges)
        # A partial clone would fetch what it lacks.
        settings = ("--no-literal-pathspecs", "-c", "protocol.allow=never")
        return run_git(
            self._root, *settings, "diff-tree", "--stdin", "-r", "-z", "--raw", "--no-abbrev", *options, input=pairs
        )

    def last_loss(self, path: bytes) -> _Change | None:
        """The change in which a file went that is not in the head."""
        return self.graph.culprit(self.deletions(path), lambda _: True)

    def last_blob(self, path: bytes) -> bytes | None:
        """The blob of a file in the head, or of its last version."""
        if path in self.files:
            return self.files[path]
        loss = self.last_loss(path)
        return loss.old if loss else None

    def renames(self, edges: Collection[_Edge]) -> tuple[dict[tuple[_Edge, bytes], tuple[bytes, int]], set[_Edge]]:
        """The renames along some edges and those of earlier calls: (edge, old path) -> (new path, percent).

        Also the edges on which only files that stayed the same could be told, since git lacks the texts.
        """
        fresh = set(edges) - self._compared
        self._compared |= fresh
        found, poor = self._fresh_renames(sorted(fresh, key=lambda edge: (edge.child, edge.parent)))
        self._renamed |= found
        self._poor |= poor
        return self._renamed, self._poor

    def _fresh_renames(
        self, order: Sequence[_Edge]
    ) -> tuple[dict[tuple[_Edge, bytes], tuple[bytes, int]], set[_Edge]]:
        if not self._objects.is_partial:
            try:
                return self._renames(order, "--find-renames=50%"), set()
            except GitError:
                if len(order) > 1:
                    middle = len(order) // 2
                    first, poor = self._fresh_renames(order[:middle])
                    second, poorer = self._fresh_renames(order[middle:])
                    return first | second, poor | poorer
        return self._renames(order, "--find-renames=100%"), set(order)

    def _renames(self, edges: Iterable[_Edge], detection: str) -> dict[tuple[_Edge, bytes], tuple[bytes, int]]:
        output = self._compare(edges, detection, "-l1000", "--diff-filter=R", "--", f":(top)*{_MODULE.decode()}*")
        found: dict[tuple[_Edge, bytes], tuple[bytes, int]] = {}
        at = iter(edges)
        for match in _RENAME.finditer(output):
            if match["header"]:
                edge = next(at)
            else:
                found[edge, match["old"]] = match["new"], int(match["percent"])
        return found

    def commits(self, ids: Iterable[str]) -> dict[str, Commit]:
        return commits_of(self._root, ids)

    def commit(self, change: _Change) -> str:
        return self.graph.ids[change.edge.child]

    def blobs(self, ids: Iterable[bytes]) -> dict[bytes, bytes]:
        """The texts of some blobs; those that the repository lacks are left out."""
        return self._objects.blobs(ids)

    def texts(self, wanted: Mapping[str, Collection[bytes]]) -> Iterator[tuple[list[str], dict[bytes, bytes]]]:
        """The texts of the blobs wanted for each of some keys, a bounded number at a time, with their keys."""
        keys: list[str] = []
        blobs: set[bytes] = set()
        for key, more in wanted.items():
            keys.append(key)
            blobs.update(more)
            if len(blobs) >= _BLOBS_AT_ONCE:
                yield keys, self.blobs(blobs)
                keys, blobs = [], set()
        yield keys, self.blobs(blobs)


class _Chains:
    """Follows files from rename to rename, all of them one step at a time."""

    def __init__(self, repository: _Repository) -> None:
        self._repository = repository
        self._losses: dict[bytes, _Change] = {}
        self._renames: dict[tuple[_Edge, bytes], tuple[bytes, int]] = {}
        self._poor: set[_Edge] = set()
        self._commits: dict[str, Commit] = {}

    def follow(self, paths: Iterable[str]) -> dict[str, Removal]:
        full = {path: self._repository.full(path) for path in paths}
        waiting = set(full.values())
        while waiting:
            waiting = self._step(waiting)
        self._commits = self._repository.commits(map(self._repository.commit, self._losses.values()))
        return {path: self._removal(path, at) for path, at in full.items()}

    def _step(self, paths: Iterable[bytes]) -> set[bytes]:
        """Find where some files went; the paths there that are gone as well."""
        repository = self._repository
        gone = [path for path in paths if path not in repository.files and path not in self._losses]
        found = {path: loss for path in gone if (loss := repository.last_loss(path))}
        self._renames, self._poor = repository.renames({loss.edge for loss in found.values()})
        self._losses |= found
        steps = (self._renames.get((loss.edge, path)) for path, loss in found.items())
        return {step[0] for step in steps if step} - self._losses.keys()

    def _removal(self, path: str, at: bytes) -> Removal:
        repository = self._repository
        if at not in repository.files and at not in self._losses:
            return Removal(path, "unknown" if repository.limits else "never", why=repository.limits)
        renames: list[Rename] = []
        seen: set[bytes] = set()
        while at in self._losses and at not in seen:
            seen.add(at)
            loss = self._losses[at]
            commit = self._commits[repository.commit(loss)]
            step = self._renames.get((loss.edge, at))
            if step is None:
                why = (
                    f"git lacks texts of {commit.id[:10]}: it may have moved and changed"
                    if loss.edge in self._poor
                    else ""
                )
                return Removal(path, "deleted", tuple(renames), commit, why)
            new, similarity = step
            renames.append(Rename(commit, repository.short(at), repository.short(new), similarity))
            at = new
        if at not in repository.files:
            return Removal(path, "unknown", tuple(renames), why="its renames lead in a circle")
        return Removal(path, "moved" if renames else "there", tuple(renames))


class _Losses:
    """Looks for the commits in which names went, a handful of modules at a time."""

    def __init__(
        self, repository: _Repository, wanted: Iterable[tuple[str, str]], compared: Container[tuple[str, str]]
    ) -> None:
        self._repository = repository
        self._compared = compared
        self._names: dict[str, list[str]] = defaultdict(list)
        for path, name in wanted:
            self._names[path].append(name)
        files = {file for path in self._names for file in self._files(path)}
        self._versions = repository.versions(files)
        self._texts: dict[bytes, bytes] = {}
        self._bound: dict[bytes, Collection[str]] = {}
        self._plain: dict[bytes, Collection[str]] = {}

    def _files(self, path: str) -> tuple[bytes, bytes]:
        """A module's own file and its twin: `m.py` and `m/__init__.py`."""
        file = self._repository.full(path)
        base = posixpath.splitext(file)[0]
        is_package = posixpath.basename(base) == b"__init__"
        return file, posixpath.dirname(base) + b".py" if is_package else base + b"/__init__.py"

    def _blobs(self, path: str) -> set[bytes]:
        found: set[bytes] = set()
        for file in self._files(path):
            found |= _blobs(self._versions[file])
            if file in self._repository.files:
                found.add(self._repository.files[file])
        return found

    def find(self) -> Iterator[Loss]:
        """What became of the names, in no order."""
        repository = self._repository
        for paths, texts in repository.texts({path: self._blobs(path) for path in self._names}):
            self._texts = texts
            self._bound = {}
            self._plain = {}
            culprits: dict[tuple[str, str], tuple[bytes, _Change] | None] = {}
            wanted = [(path, name) for path in paths for name in self._names[path]]
            for path, name in wanted:
                if file := self._holder(path, name):
                    yield Loss(path, name, "there", file=repository.short(file))
                else:
                    culprits[path, name] = self._culprit(path, name)
            commits = repository.commits(repository.commit(found[1]) for found in culprits.values() if found)
            yield from (self._loss(path, name, found, commits) for (path, name), found in culprits.items())

    def _holder(self, path: str, name: str) -> bytes | None:
        """The file of a module whose version in the head binds a name."""
        files = self._repository.files
        return next((file for file in self._files(path) if file in files and self._binds(files[file], name)), None)

    def _culprit(self, path: str, name: str) -> tuple[bytes, _Change] | None:
        def lost(change: _Change) -> bool:
            known = change.new is None or change.new in self._texts
            return known and self._binds(change.old, name) and not self._binds(change.new, name)

        for file in self._files(path):
            if change := self._repository.graph.culprit(self._versions[file], lost):
                return file, change
        return None

    def _loss(
        self, path: str, name: str, culprit: tuple[bytes, _Change] | None, commits: Mapping[str, Commit]
    ) -> Loss:
        repository = self._repository
        lacking = sum(blob not in self._texts for blob in self._blobs(path))
        why = f"git lacks {lacking} of the file's versions" if lacking else ""
        if culprit is None:
            why = why or repository.limits
            return Loss(path, name, "unknown" if why else "never", why=why)
        file, change = culprit
        before = self._before(file, change, name) if (path, name) in self._compared else None
        return Loss(path, name, "lost", commits[repository.commit(change)], repository.short(file), before, why)

    def _before(self, file: bytes, culprit: _Change, name: str) -> bytes | None:
        """The text just before a loss; if Python can't read that, the newest one before it that it can."""
        versions = self._versions[file]
        older = [change.old for change in versions[versions.index(culprit) :] if change.old]
        readable = (blob for blob in older if self._binds(blob, name) and isinstance(self._names_of(blob), Mapping))
        return self._texts.get(next(readable, older[0]))

    def _binds(self, blob: bytes | None, name: str) -> bool:
        if blob is None or not spells(self._texts.get(blob, b""), name):
            return False
        return name in self._plain_of(blob) or name in self._names_of(blob)

    def _plain_of(self, blob: bytes) -> Collection[str]:
        """The names that a version plainly binds, which take no parser."""
        if blob not in self._plain:
            self._plain[blob] = frozenset(scan(self._texts[blob], ()).names)
        return self._plain[blob]

    def _names_of(self, blob: bytes) -> Collection[str]:
        """The names that a version binds: a mapping if it could be parsed, else the plain ones as a list."""
        if blob not in self._bound:
            self._bound[blob] = _names(self._texts[blob])
        return self._bound[blob]


def _arrivals(repository: _Repository, words: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Commit]:
    files = {path: repository.full(path) for path, _ in words}
    versions = repository.versions(files.values())
    spelled: dict[str, list[str]] = defaultdict(list)
    for path, word in words:
        spelled[path].append(word)
    found: dict[tuple[str, str], str] = {}
    for paths, texts in repository.texts({path: _blobs(versions[file]) for path, file in files.items()}):
        wanted = [(path, word) for path in paths for word in spelled[path]]
        for path, word in wanted:
            if change := repository.graph.culprit(versions[files[path]], _brings(word, texts)):
                found[path, word] = repository.commit(change)
    commits = repository.commits(found.values())
    return {key: commits[commit] for key, commit in found.items()}


def _brings(word: str, texts: Mapping[bytes, bytes]) -> Callable[[_Change], bool]:
    """A test for changes in which a word came into a file."""

    def holds(text: bytes) -> bool:
        return next(_places(text, word), None) is not None

    def brings(change: _Change) -> bool:
        old = b"" if change.old is None else texts.get(change.old)
        new = b"" if change.new is None else texts.get(change.new)
        return old is not None and new is not None and not holds(old) and holds(new)

    return brings


class _Origins(Generic[T]):
    """Looks for the commits that brought something into files, along their renames, one rename at a time."""

    def __init__(self, repository: _Repository, holds: Callable[[T, bytes], bool | None]) -> None:
        self._repository = repository
        self._test = holds
        self._versions: dict[bytes, list[_Change]] = {}
        self._texts: dict[bytes, bytes] = {}
        self._firsts: dict[bytes, bytes | None] = {}  # those of the first commit of all

    def find(self, wanted: Iterable[tuple[str, T]]) -> dict[tuple[str, T], Commit]:
        repository = self._repository
        found: dict[tuple[str, T], str] = {}
        waiting = {(path, thing): _Trail(repository.full(path)) for path, thing in wanted}
        while waiting:
            self._read(waiting.values())
            additions: dict[tuple[str, T], _Change] = {}
            for key, trail in waiting.items():
                change = self._arrival(trail, key[1])
                if isinstance(change, _Change) and change.old is None:
                    additions[key] = change
                elif change is not None:
                    found[key] = change if isinstance(change, str) else repository.commit(change)
            waiting = self._followed(additions, waiting, found)
        commits = repository.commits(found.values())
        return {key: commits[commit] for key, commit in found.items()}

    def _read(self, trails: Collection[_Trail]) -> None:
        """Read the versions of files; of those that were renamed the ones before only are of interest."""
        paths = {trail.path for trail in trails}
        youngest = min(trail.renamed.edge.child if trail.renamed else 0 for trail in trails)
        self._versions = self._repository.versions_of_few(paths, youngest)
        self._texts = self._repository.blobs({blob for path in paths for blob in _blobs(self._versions[path])})

    def _arrival(self, trail: _Trail, thing: T) -> _Change | str | None:
        """The change that brought a thing, or a commit; None if that can't be known."""
        changes: Sequence[_Change] = self._versions[trail.path]
        graph = self._repository.graph
        if not all(blob in self._texts for blob in _blobs(changes)):
            return None
        if trail.renamed:
            edge = trail.renamed.edge
            held = [self._holds(thing, change.old) for change in changes if change.edge == edge]
            if held != [True]:  # the rename brought it
                return self._repository.commit(trail.renamed) if held == [False] else None
            changes = [change for change in changes if graph.is_ancestor(change.edge.child, edge.parent)]
        return graph.culprit(changes, lambda change: self._brings(thing, change)) or self._first(trail.path, thing)

    def _brings(self, thing: T, change: _Change) -> bool:
        return self._holds(thing, change.new) is True and self._holds(thing, change.old) is False

    def _holds(self, thing: T, blob: bytes | None) -> bool | None:
        return self._test(thing, self._texts[blob]) if blob else False

    def _first(self, path: bytes, thing: T) -> str | None:
        """The first commit of all, if it has the thing."""
        root = self._repository.root
        if root is None:
            return None
        blob = root.files.get(path)
        if blob is None:
            return None
        if blob not in self._firsts:
            self._firsts[blob] = self._repository.blobs([blob]).get(blob)
        text = self._firsts[blob]
        return root.commit if text is not None and self._test(thing, text) else None

    def _followed(
        self,
        additions: Mapping[tuple[str, T], _Change],
        trails: Mapping[tuple[str, T], _Trail],
        found: dict[tuple[str, T], str],
    ) -> dict[tuple[str, T], _Trail]:
        """Where files that were added came from; those that came from nowhere are found."""
        renames, poor = self._repository.renames({change.edge for change in additions.values()})
        origins = {(edge, new): old for (edge, old), (new, _) in renames.items()}
        followed: dict[tuple[str, T], _Trail] = {}
        for key, change in additions.items():
            if old := origins.get((change.edge, trails[key].path)):
                followed[key] = _Trail(old, change)
            elif change.edge not in poor:
                found[key] = self._repository.commit(change)
        return followed


def _changes(entries: Iterable[_Entry]) -> list[_Change]:
    return [change for entry in entries if (change := entry.change())]


def _blobs(changes: Iterable[_Change]) -> set[bytes]:
    return {blob for change in changes for blob in (change.old, change.new) if blob}


def _names(text: bytes) -> Collection[str]:
    try:
        source = Source(text)
        return module_names(parse(source.text, source.body).tree, source).bound
    except (UnreadableText, Unparseable):
        return [match[match.lastindex or 0].decode("utf-8", "replace") for match in _PLAIN.finditer(text)]


def spells(text: bytes, name: str) -> bool:
    """Whether a name stands in a text, on a line that is more than a comment: what is not spelled is not bound."""
    line = 0  # where a line begins
    for at in _places(text, name):
        if at < line:
            continue
        line = max(text.rfind(end, line, at) for end in (b"\n", b"\r")) + 1 or line
        comment = _COMMENT.match(text, line)
        if comment is None:
            return True
        line = comment.end()
    return False


def _places(text: bytes, word: str) -> Iterator[int]:
    """Where a word stands. The word alone is found at a small part of what a pattern costs."""
    spelled = word.encode()
    at = text.find(spelled)
    if at < 0:
        return
    pattern = re.compile(rb"\b%b\b" % re.escape(spelled))
    if not (word.isascii() and word.isidentifier()):  # rare, and words may begin inside of what is none
        yield from (match.start() for match in pattern.finditer(text))
        return
    while at >= 0:
        if pattern.match(text, at):
            yield at
        at = text.find(spelled, at + len(spelled))


def _day(date: str) -> str:
    """A day; git leaves the placeholder where a commit's own date can't be read, and shows this one in its log."""
    return "1970-01-01" if date == "%cs" else date


def _printable(text: str) -> str:
    """Text that is safe on a terminal: no escape sequences, no characters that turn the line around."""
    return "".join(character if character.isprintable() else " " for character in text).strip()
