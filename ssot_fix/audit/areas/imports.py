"""First-party imports: what they ask for, and what is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from codemods.stale_imports.decide import Decider, decider_of, former_parts
from codemods.stale_imports.discover import NEVER, Discovered, searched
from codemods.stale_imports.options import NAME as CODEMOD
from codemods.stale_imports.options import Options
from ssot_fix.audit.area import View
from ssot_fix.audit.areas.imports_places import AREA as PLACES
from ssot_fix.audit.areas.imports_places import Asked
from ssot_fix.audit.areas.imports_series import FileImports
from ssot_fix.audit.model import BrokenImport, BrokenModule, Place, Site
from ssot_fix.audit.text import Text
from ssot_fix.project.config import Config
from ssot_fix.project.index import Dangling, Index
from ssot_fix.project.scan import AllTops, Scan, scan

NAME = "imports"
_ALL = AllTops()
Pair = tuple[str, str | None]
_VERDICTS = {"conclusive": "moved", "undecided": "undecided", "removed": "removed"}


def look(text: Text) -> Scan | None:
    """What a file imports, and the names that it has.

    Which of its imports are first-party is not known here, so that all are told. Strings are no imports.
    """
    return scan(text.raw, _ALL, takes_strings=False)


def ignores(config: Config) -> Callable[[str, Dangling], bool]:
    """What the settings say is never reported, by path and import."""

    def is_ignored(path: str, dangling: Dangling) -> bool:
        return cast("Options", config.options(CODEMOD, path)).ignores(dangling.module, dangling.name)

    return is_ignored


def scans_of(view: View) -> dict[str, Scan]:
    """The scans of the files that could be read, by path."""
    scans = ((path, view.facts(NAME, path)) for path in view.python)
    return {path: found for path, found in scans if isinstance(found, Scan)}


def former(config: Config) -> frozenset[str]:
    """First parts of dotted paths that were first-party, by the moves in the settings."""
    return former_parts(config)


def _message(dangling: Dangling) -> str:
    if dangling.kind == "module":
        return f"there is no module {dangling.module}"
    return f"{dangling.module} has no `{dangling.name}`"


def spelled(pair: Pair) -> str:
    """A module, or a name in it as `module:name`."""
    module, name = pair
    return f"{module}:{name}" if name else module


# At the head


@dataclass(frozen=True, slots=True)
class Broken:
    """An import of something that is not there.

    `is_certain`: it runs whenever its module is imported, and nothing catches its failure.
    """

    dangling: Dangling
    line: int
    is_certain: bool

    @property
    def pair(self) -> Pair:
        """What it asks for."""
        return self.dangling.module, self.dangling.name

    @property
    def site(self) -> Site:
        """The same as a site."""
        return Site(self.dangling.kind, self.line, spelled(self.pair), _message(self.dangling))


def locate(view: View, answers: Mapping[str, FileImports]) -> dict[str, tuple[Broken, ...]]:
    """The imports that lead nowhere, by path, in the order of their lines.

    The files that have some have to be looked at with `look_places` first, as area `import-places`.
    """
    found = {path: tuple(_located(view, path, answer.bad)) for path, answer in answers.items() if answer.bad}
    return {path: broken for path, broken in found.items() if broken}


def _located(view: View, path: str, bad: Iterable[Dangling]) -> Iterator[Broken]:
    dangling = {(each.module, each.name): each for each in bad}
    facts = view.facts(PLACES, path)
    for asked in cast("tuple[Asked, ...]", facts) if isinstance(facts, tuple) else ():
        if asked.name is None:
            module: str | None = asked.module
        else:
            module = view.index.absolute(path, asked.level, asked.module)
        if module is not None and (module, asked.name) in dangling:
            yield Broken(dangling[module, asked.name], asked.line, asked.is_certain)


def broken_imports(view: View, broken: Mapping[str, Sequence[Broken]]) -> tuple[BrokenImport, ...]:
    """Everything that imports ask for and that is not there, the most asked for first.

    What became of it, and with which commit, is discover-moves' word.
    """
    decider = decider_of(view.project, view.config, scans_of(view), view.index)
    told = {each.old: each for each in searched(decider, view.history)}
    asking: dict[Pair, list[tuple[Place, Broken]]] = {}
    for path, found in broken.items():
        for each in found:
            place = Place(path, each.line, view.scope(path), view.service(path))
            asking.setdefault(each.pair, []).append((place, each))
    made = [_broken_import(decider, asked, _told(told, pair)) for pair, asked in asking.items()]
    unknown = view.history.limits or "the history does not tell"
    explained = (each if each.commit else replace(each, why=each.why or unknown) for each in made)
    return tuple(sorted(explained, key=lambda each: (-len(each.importers), each.target)))


def _told(told: Mapping[str, Discovered], pair: Pair) -> Discovered | None:
    """What is known of a pair: of the name, of the module that it was, or of the module that had it."""
    module, name = pair
    spellings = [spelled(pair), *([f"{module}.{name}"] if name else []), module]
    return next((told[each] for each in spellings if each in told), None)


def _broken_import(decider: Decider, asked: Sequence[tuple[Place, Broken]], told: Discovered | None) -> BrokenImport:
    pair, kind = asked[0][1].pair, asked[0][1].dangling.kind
    guarded = sum(not each.is_certain for _, each in asked)
    base = BrokenImport(spelled(pair), kind, tuple(sorted(place for place, _ in asked)), guarded)
    if told is None:
        place = decider.moves.target(*pair)
        if place is None:
            return replace(base, verdict="undecided", why="a star import asks for no name that could be followed")
        new = spelled((place.module, place.name))
        return replace(base, verdict="moved", new=new, evidence=("a move in the settings",))
    return replace(base, commit=told.commit, verdict=_verdict(told), new=_new(pair, told), evidence=told.evidence)


def _verdict(told: Discovered) -> str:
    """What became of something; of what never was, nothing did."""
    was_never_there = told.verdict == "removed" and any(line.startswith(NEVER) for line in told.evidence)
    return "never" if was_never_there else _VERDICTS[told.verdict]


def _new(pair: Pair, told: Discovered) -> str | None:
    """Where the pair is now, if what is told is of the whole module."""
    module, name = pair
    if told.new and name and told.old == module and ":" not in told.new:
        return f"{told.new}:{name}"
    return told.new


# What can't be imported


def broken_modules(view: View, broken: Mapping[str, Sequence[Broken]]) -> tuple[BrokenModule, ...]:
    """The modules that can't be imported, those that break the most first.

    One is broken by an import of its own that is sure to run and to fail, or by another module that it is sure to run.
    """
    causes = {
        path: tuple(dict.fromkeys(spelled(each.pair) for each in found if each.is_certain))
        for path, found in broken.items()
    }
    causes = {path: targets for path, targets in causes.items() if targets}
    runners = _runners(view.index, scans_of(view))
    through, breaks = _spread(causes, runners), _counts(causes, runners)
    made = [_module(view, path, causes.get(path, ()), source, breaks) for path, source in through.items()]
    return tuple(sorted(made, key=lambda each: (-each.breaks, each.path)))


def _module(view: View, path: str, causes: tuple[str, ...], source: str, breaks: Mapping[str, int]) -> BrokenModule:
    return BrokenModule(
        path, view.scope(path), view.service(path), causes, "" if causes else source, breaks.get(path, 0)
    )


def _runners(index: Index, scans: Mapping[str, Scan]) -> dict[str, list[str]]:
    """By file, those whose import is sure to run it first hand, in the order of their paths."""
    found: dict[str, list[str]] = {}
    for path in sorted(scans):
        for run in index.run_by(path) - {path, *_hidden(index, scans, path)}:
            found.setdefault(run, []).append(path)
    return found


def _hidden(index: Index, scans: Mapping[str, Scan], path: str) -> Iterator[str]:
    """The modules that a file's `from package import name` does not run: the package has another such name."""
    for each in scans[path].imports:
        package = index.absolute(path, each.level, each.module) if each.names and each.at_top else None
        file = index.module(package) if package else None
        for name in each.names if file in scans else ():
            module = index.module(f"{package}.{name}")
            if module is not None and scans[str(file)].names.get(name, "import") != "import":
                yield module


def _spread(sources: Iterable[str], runners: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Every broken file, each with the nearest one that is broken by itself."""
    found = {path: path for path in sorted(sources)}
    waiting = list(found)
    for path in waiting:  # grows on the way
        for runner in runners.get(path, ()):
            if runner not in found:
                found[runner] = found[path]
                waiting.append(runner)
    return found


def _counts(sources: Iterable[str], runners: Mapping[str, Sequence[str]]) -> Counter[str]:
    """How many others each of some files breaks, directly or through others."""
    return Counter({path: len(_spread([path], runners)) - 1 for path in sources})
