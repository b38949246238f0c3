"""What each content of a file has to do with each area: looked at once, in workers, and kept by the id of the blob."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
_NOTHING: Mapping[bytes, bytes] = {}


@dataclass(frozen=True)
class Looker:
    """Looks at blobs in a worker; `looks` are by area, `areas` the ones that are to look at each blob."""

    reader: Reader
    looks: Mapping[str, Look]
    areas: Mapping[bytes, Sequence[str]]

    def __call__(self, ids: Sequence[str]) -> list[dict[str, bytes] | None]:
        """What some blobs tell, in order: by area, as `dump` has it; None for one that the repository lacks."""
        collects = gc.isenabled()
        gc.disable()  # trees are many objects and no cycles: looking through them time and again finds nothing
        try:
            return [self._one(blob.encode()) for blob in ids]
        finally:
            if collects:
                gc.enable()

    def _one(self, blob: bytes) -> dict[str, bytes] | None:
        raw = self.reader.read(blob)
        if raw is None:
            return None
        dumped = {area: dump(found) for area, found in self.look(raw, self.areas[blob]).items()}
        return {area: data for area, data in dumped.items() if data is not None}

    def look(self, raw: bytes, areas: Iterable[str]) -> dict[str, object]:
        """What a content tells each of some areas that it tells something."""
        text, found = Text(raw), dict[str, object]()
        for area in areas:
            try:
                facts = self.looks[area](text)
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
            data = self.tables.get(area, _NOTHING).get(blob)
            self._made[key] = restore(data) if data else None
        return self._made[key]

    def and_then(self, more: Known) -> Known:
        """What this one tells and another one does, where the other one was asked behind it."""
        errors = {**self.tables.get(_ERRORS, _NOTHING), **more.tables.get(_ERRORS, _NOTHING)}
        tables = {**self.tables, **more.tables, _ERRORS: errors}
        made = {key: facts for key, facts in self._made.items() if key[0] not in more.tables}
        return Known(tables, self.missing | more.missing, self.large | more.large, made)

    def is_unread(self, blob: bytes) -> bool:
        """Whether a blob may hold more than it tells: it could not be read or parsed."""
        return blob in self.missing or blob in self.large or bool(self.error(blob))

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

    def keep(self, name: str, table: dict[bytes, bytes], wanted: Collection[bytes]) -> None:
        """Keep a table, without the oldest of what was not wanted where there is too much of that."""
        if name:
            needed = set(wanted)
            spare = [blob for blob in table if blob not in needed]
            dropped = set(spare[: max(0, len(table) - _SPARE * len(wanted))])
            self.store.save(name, dump({blob: data for blob, data in table.items() if blob not in dropped}))


def look_at(  # noqa: PLR0913  what is looked at, how, and what is known
    root: Path,
    wanted: Mapping[str, Collection[bytes]],
    looks: Mapping[str, Look],
    *,
    jobs: int = 0,
    shelf: Shelf | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Known:
    """Look at some blobs of the repository around `root`, unless it is known what they tell.

    `wanted` are the blobs of each area, `jobs` the number of workers, 0 meaning as many as pay. Raises GitError.
    """
    told = {**looks, _ERRORS: tuple(looks.items())}
    kept = {area: shelf.table(area, look) if shelf else ("", {}) for area, look in told.items()}
    tables = {area: table for area, (_, table) in kept.items()}
    left = _left(tables, wanted)
    sizes = Objects(root).sizes(left) if left else {}
    large = frozenset(blob for blob, size in sizes.items() if size > LARGEST)
    lacking = left.keys() - sizes.keys()
    blobs = sorted(sizes.keys() - large)
    with Reader(root) as reader, Pool(jobs) as pool:
        names, work = [blob.decode() for blob in blobs], Looker(reader, looks, left)
        for done, (name, found) in enumerate(
            pool.run(work, names, [sizes[blob] for blob in blobs], lambda _: None), start=1
        ):
            progress(done, len(blobs))
            if found is None:
                lacking.add(name.encode())
            else:
                _enter(tables, name.encode(), left[name.encode()], found)
    for area, (name, table) in kept.items() if shelf is not None and blobs else ():
        assert shelf is not None
        shelf.keep(name, table, wanted.get(area, table))
    return Known(tables, frozenset(lacking), large)


def _left(
    tables: Mapping[str, Mapping[bytes, bytes]], wanted: Mapping[str, Collection[bytes]]
) -> dict[bytes, list[str]]:
    """The blobs that are not known, each with the areas that don't know it."""
    left = defaultdict[bytes, list[str]](list)
    for area, blobs in wanted.items():
        for blob in blobs:
            if blob not in tables[area]:
                left[blob].append(area)
    return dict(left)


def _enter(
    tables: Mapping[str, dict[bytes, bytes]], blob: bytes, areas: Sequence[str], found: Mapping[str, bytes]
) -> None:
    for area in areas:
        tables[area][blob] = found.get(area, b"")
    if _ERRORS in found:
        tables[_ERRORS][blob] = found[_ERRORS]
