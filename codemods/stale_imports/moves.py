"""The moves of a run: checked against one another and against the project, chains followed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from codemods.stale_imports.options import NAME, Move, Options
from ssot_fix.project.config import Config, ConfigError
from ssot_fix.project.index import Index

_SHOWN = 3  # places, modules or files that a message names
# What has no place in a TOML comment (https://toml.io/en/v1.0.0#comment).
_UNPRINTABLE = re.compile(r"[\x00-\x08\n-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Place:
    """A module, or a name in it; "*" are all its names."""

    module: str
    name: str | None

    def __str__(self) -> str:
        """The place as a move spells it."""
        return self.module if self.name is None else f"{self.module}:{self.name}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A move and where it is said, for messages: `pyproject.toml:12`, say."""

    move: Move
    where: str

    @property
    def source(self) -> Place:
        """What has moved."""
        module, _, name = self.move.from_.partition(":")
        return Place(module, name or None)

    @property
    def target(self) -> Place:
        """Where to, by this move alone."""
        module, _, name = self.move.to.partition(":")
        return Place(module, name or self.source.name)


def settings_lines(move: Move, evidence: Iterable[str], header: str | None) -> Iterator[str]:
    """A move as TOML, below its evidence in comments: a table with a header, or (None) an entry of an inline array."""
    yield from (f"# {_UNPRINTABLE.sub('?', line)}".rstrip() for line in evidence)
    # JSON's strings are TOML's, since names hold no control characters.
    ends = [f"{key} = {json.dumps(text, ensure_ascii=False)}" for key, text in (("from", move.from_), ("to", move.to))]
    yield from [f"{{ {', '.join(ends)} }},"] if header is None else [header, *ends]


def configured(config: Config) -> list[Entry]:
    """The moves of the config, each with its line."""
    options = cast("Options", config.options(NAME, ""))
    return [Entry(move, config.place(NAME, "moves", i)) for i, move in enumerate(options.moves)]


class Moves:
    """Moves that don't contradict one another. `notes` are sentences for stderr, on those that are of no use."""

    def __init__(self, entries: Iterable[Entry], notes: Sequence[str] = (), index: Index | None = None) -> None:
        """Take entries that `of` or `validate` has checked; of two with the same source the first one holds.

        Without an index every place is thought to be there.
        """
        self.notes = tuple(notes)
        self._entries: dict[Place, Entry] = {}
        for entry in entries:
            self._entries.setdefault(entry.source, entry)
        self._index = index
        self._modules = frozenset(source.module for source in self._entries)
        self._around = frozenset(module.rpartition(".")[0] for module in self._modules)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Moves:
        """Check moves against one another.

        Raises ConfigError for one that goes nowhere, two that disagree, and several that lead back to where they
        began. A move of a name may differ from that of its module: the one that is more specific holds.
        """
        known: dict[Place, Entry] = {}
        notes = []
        for entry in entries:
            source, target = entry.source, entry.target
            if source == target:
                raise ConfigError(f"{entry.where}: `{source}` moves to itself; correct `to`, or take the move out")
            first = known.setdefault(source, entry)
            if first.target != target:
                raise ConfigError(
                    f"{entry.where}: `{source}` moves to `{target}`, but to `{first.target}` by {first.where}; "
                    "take one of these moves out"
                )
            if first is not entry:
                notes.append(f"{entry.where}: says the same as {first.where}; take one of these moves out")
        moves = cls(known.values(), notes)
        for entry in known.values():
            moves._check_loop(entry)
        return moves

    def sources(self) -> tuple[Entry, ...]:
        """Every move, in order; of those that say the same, the first."""
        return tuple(self._entries.values())

    def may_tell_of(self, dotted: str) -> bool:
        """Whether `target` may know a module, or a name in it; False if it surely knows none."""
        if dotted in self._around:
            return True
        while dotted and self._modules:
            if dotted in self._modules:
                return True
            dotted = dotted.rpartition(".")[0]
        return False

    def target(self, module: str, name: str | None) -> Place | None:
        """Where a name that is gone is now (None: the module itself; "*": all its names); None if no move tells.

        Most specific first: the move of the name, of a submodule that is called so, of the module, and of the
        innermost package around it that moved, if the module is found at the same place below the new one. Chains
        are followed to their end. That a name in no move is there, where its module has gone, is not checked.
        """
        start = Place(module, name)
        used, end = self._trail(start)
        return end if used else None

    def unused(self, pairs: Iterable[tuple[str, str | None]]) -> str | None:
        """A note on the moves that none of these dangling pairs needs; None if there are no such moves."""
        used = {entry for pair in pairs for entry in self._trail(Place(*pair))[0]}
        left = [entry.where for entry in self._entries.values() if entry not in used]
        return f"{_listed(left)}: nothing imports what is moved there; it can be taken out" if left else None

    def _check_loop(self, entry: Entry) -> None:
        trail, place = [entry], entry.target
        while (step := self._exact(place)) is not None:
            following, place = step
            if following in trail:
                loop = trail[trail.index(following) :]
                path = " -> ".join(f"`{each.source}`" for each in (*loop, following))
                others = ", ".join(each.where for each in loop[1:])
                raise ConfigError(f"{following.where}: moves in a circle, {path} ({others}); take one of them out")
            trail.append(following)

    def _trail(self, start: Place) -> tuple[list[Entry], Place]:
        """The moves that a place takes, and where they end; no moves if that is nowhere."""
        used: list[Entry] = []
        place, inferred = start, False
        while True:
            step = self._exact(place)
            if step is None:
                step = self._with_package(place)
                inferred = inferred or step is not None
            if step is None:
                break
            entry, place = step
            if entry in used:
                return [], start
            used.append(entry)
        if inferred and self._index is not None and not self._index.exists(place.module):
            return [], start
        return used, place

    def _exact(self, place: Place) -> tuple[Entry, Place] | None:
        """The move that a place takes, by itself or with its module, and where to."""
        if place.name is not None:
            for source in (place, Place(f"{place.module}.{place.name}", None)):
                if source in self._entries:
                    return self._entries[source], self._entries[source].target
        entry = self._entries.get(Place(place.module, None))
        return (entry, Place(entry.target.module, place.name)) if entry else None

    def _with_package(self, place: Place) -> tuple[Entry, Place] | None:
        """The same, with the innermost package that moved, if the module is gone from it."""
        if self._index is not None and self._index.module(place.module) is not None:
            return None
        entry = next((self._entries[around] for around in _packages_around(place) if around in self._entries), None)
        # What lies below a move's target has arrived, even if that is below its source: a -> a.core.
        if entry is None or f"{place.module}.".startswith(f"{entry.target.module}."):
            return None
        rest = place.module.removeprefix(entry.source.module)
        return entry, Place(entry.target.module + rest, place.name)


def _packages_around(place: Place) -> Iterator[Place]:
    package = place.module.rpartition(".")[0]
    while package:
        yield Place(package, None)
        package = package.rpartition(".")[0]


def validate(moves: Moves, index: Index, modules: Iterable[str] = ()) -> Moves:
    """The moves that can be used in a project, with notes on the others.

    Not used is a move whose source is still there beside its target. `modules` are all modules of the project, to
    name those that come near a wrong one; they are looked at only then. Raises ConfigError, which names every move
    whose target does not exist or lacks the name.
    """
    found = Moves(moves.sources(), index=index)
    alive = {entry: end for entry in found.sources() if (end := _alive_beside(entry, found, index)) is not None}
    notes = [_under_way(entry, end) for entry, end in alive.items()]
    kept = Moves((entry for entry in moves.sources() if entry not in alive), (*moves.notes, *notes), index)
    sources = {entry.source for entry in kept.sources()}
    # A chain that ends nowhere is the fault of its last move.
    ends = {entry: _end(entry, kept) for entry in kept.sources() if entry.target not in sources}
    missing = {entry: end for entry, end in ends.items() if not _has(index, end)}
    if missing:
        known = tuple(dict.fromkeys(modules))
        raise ConfigError("\n".join(_missing(entry, end, index, known) for entry, end in missing.items()))
    return kept


def _end(entry: Entry, moves: Moves) -> Place:
    return moves.target(entry.target.module, entry.target.name) or entry.target


def _alive_beside(entry: Entry, moves: Moves, index: Index) -> Place | None:
    """The end of a move whose source is still there; None unless both are."""
    source, end = entry.source, _end(entry, moves)
    if source.name is None:
        here = index.module(source.module)
    else:
        # What is only imported there, one by one or by a star, is the new one under its old address.
        kind = index.kind_of(source.module, source.name)
        here = index.module(f"{source.module}.{source.name}") if kind in (None, "import") else kind
    return end if here is not None and _has(index, end) else None


def _has(index: Index, place: Place) -> bool:
    if not _is_there(index, place.module):
        return False
    return place.name is None or index.offers(place.module, place.name) is not False


def _is_there(index: Index, module: str) -> bool:
    package, _, last = module.rpartition(".")
    # None: a generated or compiled module, which is no file of the project.
    return index.exists(module) or (bool(package) and index.offers(package, last) is None)


def _under_way(entry: Entry, end: Place) -> str:
    what_is_gone = "" if entry.source.name else f", or move what is gone of it, as `{entry.source}:Name`"
    return (
        f"{entry.where}: `{entry.source}` is still there beside `{end}`, a consolidation under way, so this move is "
        f"not used; remove what is to go{what_is_gone}"
    )


def _missing(entry: Entry, end: Place, index: Index, modules: Sequence[str]) -> str:
    onwards = "" if end == entry.target else f", which moves on to `{end}`"
    said = f"{entry.where}: `{entry.source}` moves to `{entry.target}`{onwards}, but"
    if end.name is not None and _is_there(index, end.module):
        return f"{said} `{end.module}` has no `{end.name}`; {_names_near(end.module, end.name, index)}"
    package, _, last = end.module.rpartition(".")
    if end.name is None and package and index.exists(package) and index.offers(package, last):
        return f"{said} that is no module; write `{package}:{last}` for a name, in `from`, too"
    near = [f"`{each}`" for each in _modules_near(end.module, modules)]
    hint = f"there is {_listed(near)}" if near else "correct `to`, or take the move out"
    return f"{said} the project has no module `{end.module}`; {hint}"


def _names_near(module: str, name: str, index: Index) -> str:
    if files := [path for path, _ in index.definitions(name)]:
        return f"it is defined in {_listed(files)}"
    path = index.module(module)
    near = _close(name, tuple(index.names(path).bound)) if path else []
    return f"there is {_listed([f'`{each}`' for each in near])}" if near else "nothing in the project defines it"


def _modules_near(module: str, modules: Sequence[str]) -> list[str]:
    # By the last part, since whole paths are alike as soon as they lie in one package.
    by_last: dict[str, list[str]] = {}
    for each in modules:
        by_last.setdefault(each.rpartition(".")[2], []).append(each)
    last = module.rpartition(".")[2]
    alike = [last] if last in by_last else _close(last, tuple(by_last), 0.8)
    return _close(module, [each for part in alike for each in by_last[part]], 0.0)


def _close(text: str, others: Sequence[str], cutoff: float = 0.6) -> list[str]:
    import difflib  # noqa: PLC0415  # only for an error

    return difflib.get_close_matches(text, others, _SHOWN, cutoff)


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more
