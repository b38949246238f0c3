"""What the users of something that went were switched to by the commit that took it away."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ssot_fix.audit.areas.removals_code import Version
from ssot_fix.audit.areas.removals_losses import Change, Loss, Range
from ssot_fix.project.scan import Imported, scan

_MOST = 0.6  # of the files that were switched, those that have to agree
_LINES = 200  # of a file that are looked at for one name

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

    def of(self, loss: Loss) -> Switch | None:
        """What something was replaced with by most of the files that used it; None where that is not clear."""
        votes: dict[str, list[str]] = defaultdict(list)
        voters = 0
        for change in self._span.by_commit[loss.change.commit.id]:
            found = dict(self._votes(loss, change))
            voters += bool(found)
            for new, line in found.items():
                votes[new].append(f"{change.path}:{line}")
        best = max(votes, key=lambda new: (len(votes[new]), new), default=None)
        if best is None or len(votes[best]) < _MOST * voters:
            return None
        return Switch(best, len(votes[best]), votes[best][0])

    def _votes(self, loss: Loss, change: Change) -> Iterator[tuple[str, int]]:
        """What one file uses in the place of something, each with the line where it does so now."""
        old, new = self._span.versions.of(change.old), self._span.versions.of(change.new)
        last = loss.name.rpartition(".")[2]
        if old is None or new is None or last.encode() not in old.raw:
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
    """Names that stand where another stood in lines that are the same but for that, each with its line now."""
    word = re.compile(before + rb"(?:%b)\b" % re.escape(name.encode()))
    old_lines, new_lines = old.splitlines(), new.splitlines()
    kept = frozenset(old_lines).intersection(new_lines)
    fresh = [(at, line) for at, line in enumerate(new_lines, 1) if line not in kept]
    gone = [line for line in old_lines if line not in kept and word.search(line)][:_LINES]
    seen: set[str] = set()
    for line in gone:
        head, tail = _parts(line, word, name)
        for at, other in fresh:
            if other.startswith(head) and other.endswith(tail) and len(other) > len(head) + len(tail):
                middle = other[len(head) : len(other) - len(tail) or None].decode(errors="replace")
                if middle.isidentifier() and middle != name and middle not in seen:
                    seen.add(middle)
                    yield middle, at


def _parts(line: bytes, word: re.Pattern[bytes], name: str) -> tuple[bytes, bytes]:
    """What stands around the first use of a name in a line."""
    match = word.search(line)
    end = match.end() if match else 0
    return line[: end - len(name.encode())], line[end:]


def _line_of(raw: bytes, name: str) -> int:
    match = re.search(rb"\b%b\b" % re.escape(name.encode()), raw)
    return raw.count(b"\n", 0, match.start()) + 1 if match else 1
