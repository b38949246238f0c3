"""What each content of a file has to do with each area: looked at once, in workers, and kept by the id of the blob."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ssot_fix.audit.area import Look
from ssot_fix.audit.text import Text
from ssot_fix.digests import Undigestible
from ssot_fix.engine.cache.identity import named
from ssot_fix.engine.cache.store import Store, dump, restore
from ssot_fix.engine.executors import Pool
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.project.objects import Objects, Reader
from ssot_fix.source import UnreadableText

LARGEST = 10_000_000  # bytes of a file that is still looked at; what is larger nobody has written
_SPARE = 4  # as many contents are kept as were looked at, times this
_ERRORS = "errors"  # where it is kept what could not be read or parsed, as if that were an area
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Looker:
    """Looks at blobs in a worker; `looks` are by area."""

    reader: Reader
    looks: Mapping[str, Look]

    def __call__(self, ids: Sequence[str]) -> list[dict[str, bytes] | None]:
        """What some blobs tell, in order: by area, as `dump` has it; None for one that the repository lacks."""
        return [self._one(blob.encode()) for blob in ids]

    def _one(self, blob: bytes) -> dict[str, bytes] | None:
        raw = self.reader.read(blob)
        if raw is None:
            return None
        dumped = {area: dump(found) for area, found in self.look(raw).items()}
        return {area: data for area, data in dumped.items() if data is not None}

    def look(self, raw: bytes) -> dict[str, object]:
        """What a content tells each area that it tells something."""
        text, found = Text(raw), dict[str, object]()
        for area, look in self.looks.items():
            try:
                facts = look(text)
            except (UnreadableText, Unparseable) as failure:
                found[_ERRORS] = str(failure)
            except Exception as failure:  # one area's fault is not the others'
                found[_ERRORS] = f"internal error in {area}: {failure!r}; please report it"
            else:
                if facts is not None:
                    found[area] = facts
        return found


@dataclass(frozen=True)
class Known:
    """What contents tell, by area and the ids of their blobs; read back one by one, since most are not asked for.

    `missing` are blobs that the repository lacks, `large` those that are too large to be looked at.
    """

    tables: Mapping[str, Mapping[bytes, bytes]]
    missing: frozenset[bytes] = frozenset()
    large: frozenset[bytes] = frozenset()
    _made: dict[tuple[str, bytes], object] = field(default_factory=dict, repr=False)

    def facts(self, area: str, blob: bytes) -> object | None:
        """What a blob tells an area; None for nothing, as for one that could not be looked at."""
        key = area, blob
        if key not in self._made:
            data = self.tables[area].get(blob)
            self._made[key] = restore(data) if data else None
        return self._made[key]

    def error(self, blob: bytes) -> str:
        """Why a blob could not be read or parsed."""
        return str(self.facts(_ERRORS, blob) or "")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where it is kept what contents tell: a store, and what tells this program from others."""

    store: Store
    program: bytes

    def table(self, area: str, look: object) -> tuple[str, dict[bytes, bytes]]:
        """The name of the file for an area, empty if nothing can be kept, and what it holds."""
        try:
            name = f"looked-{named(self.program, area, look)}"
        except Undigestible:
            return "", {}
        held = self.store.restore(name)
        return name, held if isinstance(held, dict) else {}


def look_at(  # noqa: PLR0913  what is looked at, how, and what is known
    root: Path,
    blobs: Iterable[bytes],
    looks: Mapping[str, Look],
    *,
    jobs: int = 0,
    shelf: Shelf | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Known:
    """Look at some blobs of the repository around `root`, unless it is known what they tell.

    `jobs` is the number of workers, 0 meaning as many as pay. Raises GitError.
    """
    wanted = sorted(set(blobs))
    kept = {area: shelf.table(area, look) if shelf else ("", {}) for area, look in _with_errors(looks).items()}
    tables = {area: table for area, (_, table) in kept.items()}
    left = [blob for blob in wanted if any(blob not in table for table in tables.values())]
    sizes = Objects(root).sizes(left) if left else {}
    large = frozenset(blob for blob, size in sizes.items() if size > LARGEST)
    ids = [blob.decode() for blob in left if blob in sizes and blob not in large]
    lacking, done = set(left) - sizes.keys(), 0
    with Reader(root) as reader, Pool(jobs) as pool:
        for blob, told in pool.run(Looker(reader, looks), ids, [sizes[each.encode()] for each in ids], lambda _: None):
            done += 1
            progress(done, len(ids))
            if told is None:
                lacking.add(blob.encode())
                continue
            for area, table in tables.items():
                table[blob.encode()] = told.get(area, b"")
    for name, table in kept.values() if shelf and ids else ():
        if shelf is not None and name:
            shelf.store.save(name, dump(_bounded(table, wanted)))
    return Known(tables, frozenset(lacking), large)


def _with_errors(looks: Mapping[str, Look]) -> Mapping[str, object]:
    return {**looks, _ERRORS: tuple(looks.items())}


def _bounded(table: dict[bytes, bytes], wanted: Sequence[bytes]) -> dict[bytes, bytes]:
    """The table without the oldest of what is not wanted, where there is too much of that."""
    needed = set(wanted)
    spare = [blob for blob in table if blob not in needed]
    dropped = set(spare[: max(0, len(table) - _SPARE * len(wanted))])
    return {blob: data for blob, data in table.items() if blob not in dropped}
