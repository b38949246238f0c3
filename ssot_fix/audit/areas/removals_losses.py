"""What went in a range of commits: files, and definitions of files that are still there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from ssot_fix.audit.area import View
from ssot_fix.audit.areas.removals_code import Definition, Version, Versions
from ssot_fix.project.history import Commit

_PACKAGE = "/__init__.py"


@dataclass(frozen=True, slots=True)
class Change:
    """A commit changed a file: its blobs before and after, None where there is none.

    `renamed_from` is the path that git's own detection says the file had before, `similarity` git's percentage; `old`
    is then the blob there. Of a merge only files count that differ from all parents: a change for each of these.
    """

    commit: Commit
    path: str
    old: str | None
    new: str | None
    renamed_from: str | None = None
    similarity: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """Something that the head no longer has. `name` is empty for a module as a whole, and then `definition` is None.

    `change` took it away, `old` is the version just before. `renamed` is the change by which git sees the file at
    another path. `now` is where the module is in the head, and `head` what it is there, None if it went.
    """

    path: str
    name: str
    kind: str
    change: Change
    old: Version
    definition: Definition | None = None
    renamed: Change | None = None
    head: Version | None = None
    now: str = ""

    @property
    def size(self) -> int:
        """How many lines it had."""
        return self.definition.size if self.definition else self.old.lines


class Range:
    """The changes of a range by file and by commit, oldest first, and the versions between them."""

    def __init__(self, view: View, changes: Sequence[Change], versions: Versions) -> None:
        self.view = view
        self.versions = versions
        self.by_path: dict[str, list[Change]] = defaultdict(list)
        self.by_commit: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            self.by_commit[change.commit.id].append(change)
            for step in _split(change):
                if step.path.endswith(".py"):
                    self.by_path[step.path].append(step)
        self._order = {commit: at for at, commit in enumerate(self.by_commit)}
        self._heads: dict[str, Version | None] = {}
        self._touched: dict[str, frozenset[str]] = {}

    def head(self, path: str) -> Version | None:
        """A file as the head has it; None if it does not, or can't be read."""
        if path not in self._heads:
            try:
                is_there = path in self.view.blobs
                self._heads[path] = Version(self.view.read(path), self.versions.recent) if is_there else None
            except OSError:
                self._heads[path] = None
        return self._heads[path]

    def touches(self, commit: Commit, path: str) -> bool:
        """Whether a commit of the range changed a file."""
        if commit.id not in self._touched:
            self._touched[commit.id] = frozenset(change.path for change in self.by_commit[commit.id])
        return path in self._touched[commit.id]

    def is_renamed(self, commit: Commit, path: str, new: str) -> bool:
        """Whether git sees a file renamed to another path by a commit."""
        return any(each.path == new and each.renamed_from == path for each in self.by_commit[commit.id])

    def losses(self) -> Iterator[Loss]:
        """All that went, by path and line."""
        for path in sorted(self.by_path):
            there = path if path in self.view.blobs else twin(path)
            if there in self.view.blobs:
                yield from self._of_file(path, there)
            elif loss := self._of_module(path):
                yield loss

    def _of_module(self, path: str) -> Loss | None:
        change = _culprit(self.by_path[path], lambda each: each.new is None and each.old is not None)
        old = self.versions.of(change.old) if change else None
        if change is None or old is None:
            return None
        together = self.by_commit[change.commit.id]
        renamed = [each for each in together if each.renamed_from == path and each.old == change.old]
        return Loss(path, "", "module", change, old, renamed=renamed[0] if renamed else None)

    def _of_file(self, path: str, now: str) -> Iterator[Loss]:
        head = self.head(now)
        if head is None:
            return
        found: dict[str, Loss] = {}
        for name in self._missing(path, head):
            change = self._culprit_of(path, name)
            old = self.versions.of(change.old) if change else None
            if change and old and (definition := old.definitions.get(name)):
                found[name] = Loss(path, name, definition.kind, change, old, definition, head=head, now=now)
        yield from outermost(found)

    def _missing(self, path: str, head: Version) -> list[str]:
        """What some version of a file defines and the head's does not."""
        names: set[str] = set()
        for blob in dict.fromkeys(blob for change in self.by_path[path] for blob in (change.old, change.new)):
            version = self.versions.of(blob)
            if version and version.raw != head.raw and not head.surely_has_all_of(version):
                names.update(name for name in version.definitions if not head.defines(name))
        return sorted(name for name in names if all(map(head.is_class_if_any, _around(name))))

    def _culprit_of(self, path: str, name: str) -> Change | None:
        def lost(change: Change) -> bool:
            old, new = self.versions.of(change.old), self.versions.of(change.new)
            is_known = new is not None or change.new is None
            return is_known and old is not None and old.defines(name) and not (new and new.defines(name))

        return _culprit(self.by_path[path], lost)

    def arrival(self, path: str, name: str, seen: frozenset[str] = frozenset()) -> Commit | None:
        """The commit of the range that first brought a definition into a file, wherever that lay then."""
        for change in () if path in seen else self.by_path.get(path, ()):
            old, new = self.versions.of(change.old), self.versions.of(change.new)
            if old and old.defines(name):
                return None
            if new and new.defines(name):
                source = self._source(change)
                is_older = source is not None and self._defined(source, name)
                return self.arrival(source.path, name, seen | {path}) if source and is_older else change.commit
        return None

    def is_later(self, commit: Commit, other: Commit | None) -> bool:
        """Whether a commit of the range comes behind another, or the other is older than the range."""
        return other is None or self._order[commit.id] > self._order[other.id]

    def _source(self, change: Change) -> Change | None:
        """How a file that came by a rename went from where it was."""
        if change.renamed_from in {None, change.path}:
            return None
        went = self.by_path.get(change.renamed_from or "", ())
        return next((each for each in went if each.commit.id == change.commit.id and each.new is None), None)

    def _defined(self, change: Change, name: str) -> bool:
        old = self.versions.of(change.old)
        return old is not None and old.defines(name)


def outermost(losses: Mapping[str, Loss]) -> Iterator[Loss]:
    """Losses by qualified name, in order of line, without those in classes that went themselves."""
    for name, loss in sorted(losses.items(), key=lambda item: item[1].definition.line if item[1].definition else 0):
        if not any(around in losses for around in _around(name)):
            yield loss


def twin(path: str) -> str:
    """The other file that would be the same module: `m.py` and `m/__init__.py`."""
    if path.endswith(_PACKAGE):
        return path.removesuffix(_PACKAGE) + ".py"
    return path.removesuffix(".py") + _PACKAGE


def _around(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _split(change: Change) -> Iterable[Change]:
    """A rename as the file that went and the one that came."""
    if change.renamed_from is None or change.renamed_from == change.path:
        return (change,)
    went = replace(change, path=change.renamed_from, new=None)
    return went, replace(change, old=None)


def _culprit(changes: Sequence[Change], lost: Callable[[Change], bool]) -> Change | None:
    """The newest change in which something was lost; a merge that takes a loss over from one side is not it."""
    taken_over: Change | None = None
    for _, group in groupby(reversed(changes), key=lambda each: each.commit.id):
        along = list(group)
        losses = [each for each in along if lost(each)]
        if losses and len(losses) == len(along):
            return losses[0]
        taken_over = taken_over or (losses[0] if losses else None)
    return taken_over
