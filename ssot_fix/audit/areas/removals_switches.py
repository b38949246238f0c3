"""What the users of something that went were switched to by the commit that took it away."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ssot_fix.audit.areas.removals_code import Version
from ssot_fix.audit.areas.removals_losses import Change, Loss, Range
from ssot_fix.project.history import Commit
from ssot_fix.project.scan import Imported, scan

_MOST = 0.6  # of the files that were switched, those that have to agree
_LINES = 200  # of a file that are looked at for one name
_NO_USE = frozenset({b"import", b"from", b"def", b"class", b"async", b"#"})
_WORD = re.compile(rb"[^\W\d][\w\x80-\xff]*")
_LETTER = re.compile(rb"[A-Za-z_]")

Pair = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Switch:
    """`files` use `new` where something else stood; `where` is a place of that."""

    new: str
    files: int
    where: str


class Switches:
    """Reads the changes of a commit for uses of one thing that became uses of another."""

    def __init__(self, span: Range) -> None:
        self._span = span
        self._project = span.view.project
        self._pairs: dict[tuple[str, str], frozenset[Pair]] = {}
        self._found: dict[Loss, Switch | None] = {}
        self._lost_words: dict[str, dict[bytes, list[Change]]] = {}

    def of(self, loss: Loss) -> Switch | None:
        """What something was replaced with by most of the files that used it; None where that is not clear."""
        if loss not in self._found:
            self._found[loss] = self._switch(loss)
        return self._found[loss]

    def _switch(self, loss: Loss) -> Switch | None:
        votes: dict[str, list[str]] = defaultdict(list)
        voters = 0
        for change in self._losing(loss.change.commit, loss.name.rpartition(".")[2]):
            found = dict(self._votes(loss, change))
            voters += bool(found)
            for new, line in found.items():
                votes[new].append(f"{change.path}:{line}")
        best = max(votes, key=lambda new: (len(votes[new]), new), default=None)
        if best is None or len(votes[best]) < _MOST * voters:
            return None
        return Switch(best, len(votes[best]), votes[best][0])

    def _losing(self, commit: Commit, word: str) -> list[Change]:
        """The changes of a commit that took away lines with a word."""
        if commit.id not in self._lost_words:
            found = self._lost_words[commit.id] = defaultdict(list)
            for change in self._span.by_commit[commit.id]:
                for each in self._words_lost(change):
                    found[each].append(change)
        return self._lost_words[commit.id].get(word.encode(), [])

    def _words_lost(self, change: Change) -> frozenset[bytes]:
        old, new = self._span.versions.of(change.old), self._span.versions.of(change.new)
        if old is None or new is None:
            return frozenset()
        lines = frozenset(old.raw.splitlines()).difference(new.raw.splitlines())
        return frozenset(_WORD.findall(b"\n".join(lines)))

    def _votes(self, loss: Loss, change: Change) -> Iterator[tuple[str, int]]:
        """What one file uses in the place of something, each with the line where it does so now."""
        old, new = self._span.versions.of(change.old), self._span.versions.of(change.new)
        if old is None or new is None:
            return
        if "." in loss.name:
            yield from self._of_method(loss, old, new)
        else:
            yield from self._of_name(loss, change, old, new)

    def _of_method(self, loss: Loss, old: Version, new: Version) -> Iterator[tuple[str, int]]:
        """Lines in which only the method's name changed, to one that came into its class."""
        around, _, last = loss.name.rpartition(".")
        module = self._project.module_name(loss.path)
        for name, line in _substituted(old.raw, new.raw, last, rb"\."):
            fresh = f"{around}.{name}"
            if loss.head and fresh in loss.head.definitions and fresh not in loss.old.definitions:
                yield f"{module}:{fresh}", line

    def _of_name(self, loss: Loss, change: Change, old: Version, new: Version) -> Iterator[tuple[str, int]]:
        """What a file imports now, and did not before, under the same name or where only the name changed."""
        module = self._project.module_name(loss.path)
        before, after = self._imports(change.path, change.old, old), self._imports(change.path, change.new, new)
        if (module, loss.name) not in before - after:
            return
        for source, name in sorted(after - before, key=str):
            if name == loss.name and source != module:
                yield f"{source}:{name}", _line_of(new.raw, name)
                return
        fresh = {name: source for source, name in sorted(after - before, key=str) if name}
        for name, line in _substituted(old.raw, new.raw, loss.name, rb"\b"):
            if name in fresh:
                yield f"{fresh[name]}:{name}", line

    def _imports(self, path: str, blob: str | None, version: Version) -> frozenset[Pair]:
        key = path, blob or ""
        if key not in self._pairs:
            found = scan(version.raw, self._span.view.index.tops).imports
            self._pairs[key] = frozenset(pair for each in found for pair in self._absolute(path, each))
        return self._pairs[key]

    def _absolute(self, path: str, imported: Imported) -> Iterator[Pair]:
        module = self._project.absolute(path, imported.level, imported.module)
        for name in imported.names or (None,):
            yield module, name


def _substituted(old: bytes, new: bytes, name: str, before: bytes) -> Iterator[tuple[str, int]]:
    """Names that stand where another stood, each with its line now.

    The lines are the same but for that, and lie in the same place between the same lines. Imports don't count: their
    lists are no uses.
    """
    word = re.compile(before + rb"(?:%b)\b" % re.escape(name.encode()))
    sides = _Lines(old), _Lines(new)
    kept = sides[0].known & sides[1].known
    fresh = [at for at, line in enumerate(sides[1].lines) if line not in kept]
    seen: set[str] = set()
    gone = [at for at, line in enumerate(sides[0].lines) if line not in kept and word.search(line)]
    for at in gone[:_LINES]:
        head, tail = _parts(sides[0].lines[at], word, name)
        around = sides[0].around(at, kept) if _is_use(head, tail) else None
        for other in fresh if around else ():
            middle = _between(sides[1].lines[other], head, tail)
            if middle not in {"", name, *seen} and sides[1].around(other, kept) == around:
                seen.add(middle)
                yield middle, other + 1


class _Lines:
    """The lines of a text, and where they lie between those that another text has, too."""

    def __init__(self, raw: bytes) -> None:
        self.lines = raw.splitlines()
        self.known = frozenset(self.lines)

    def around(self, at: int, kept: frozenset[bytes]) -> tuple[bytes, bytes, int]:
        """The next line above and below a line that was kept and is not blank, and how far up the former is."""
        above = next((n for n in range(at - 1, -1, -1) if self._marks(n, kept)), -1)
        below = next((n for n in range(at + 1, len(self.lines)) if self._marks(n, kept)), len(self.lines))
        return self._line(above), self._line(below), at - above

    def _marks(self, at: int, kept: frozenset[bytes]) -> bool:
        return self.lines[at] in kept and bool(self.lines[at].strip())

    def _line(self, at: int) -> bytes:
        return self.lines[at] if 0 <= at < len(self.lines) else b""


def _is_use(head: bytes, tail: bytes) -> bool:
    """Whether a line that has this around a name does more than list or define it."""
    words = head.split()
    return not (words and words[0] in _NO_USE) and (b"(" in tail or b"." in tail or bool(_LETTER.search(head + tail)))


def _between(line: bytes, head: bytes, tail: bytes) -> str:
    """The identifier between a line's start and end; empty if there is none."""
    if len(line) <= len(head) + len(tail) or not (line.startswith(head) and line.endswith(tail)):
        return ""
    middle = line[len(head) : len(line) - len(tail)].decode(errors="replace")
    return middle if middle.isidentifier() else ""


def _parts(line: bytes, word: re.Pattern[bytes], name: str) -> tuple[bytes, bytes]:
    """What stands around the first use of a name in a line."""
    match = word.search(line)
    end = match.end() if match else 0
    return line[: end - len(name.encode())], line[end:]


def _line_of(raw: bytes, name: str) -> int:
    match = re.search(rb"\b%b\b" % re.escape(name.encode()), raw)
    return raw.count(b"\n", 0, match.start()) + 1 if match else 1
