"""First-party imports: what they ask for, and what is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from codemods.stale_imports.decide import Decider, decider_of, former_parts
from codemods.stale_imports.discover import Discovered, searched
from codemods.stale_imports.options import NAME as CODEMOD
from codemods.stale_imports.options import Options
from ssot_fix.audit.area import View
from ssot_fix.audit.areas.imports_places import Found, Pair, places
from ssot_fix.audit.areas.imports_series import FileImports
from ssot_fix.audit.model import BrokenImport, BrokenModule, Place, Site
from ssot_fix.audit.text import Text
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.project.config import Config
from ssot_fix.project.index import Dangling, Index
from ssot_fix.project.scan import AllTops, Scan, scan
from ssot_fix.source import UnreadableText

NAME = "imports"
_ALL = AllTops()
_VERDICTS = {"conclusive": "moved", "undecided": "undecided", "removed": "removed"}


def look(text: Text) -> Scan | None:
    """What a file imports, and the names that it has.

    Which of its imports are first-party is not known here, so that all are told. Strings are no imports.
    """
    found = scan(text.raw, _ALL)
    return replace(found, strings=frozenset()) if found.strings else found


def ignores(config: Config) -> Callable[[str, Dangling], bool]:
    """What the settings say is never reported, by path and import."""

    def is_ignored(path: str, dangling: Dangling) -> bool:
        return cast("Options", config.options(CODEMOD, path)).ignores(dangling.module, dangling.name)

    return is_ignored


def judged(view: View) -> dict[str, FileImports]:
    """What the imports of each file of a commit come to; files that import nothing of the project are left out."""
    is_ignored, scans = ignores(view.config), scans_of(view)
    found = view.index.each_dangling_in(scans)
    answers: dict[str, FileImports] = {}
    for path in scans:
        bad = [each for each in found.get(path, ()) if not each.elsewhere and not is_ignored(path, each)]
        if count := view.index.count_in(path):
            answers[path] = FileImports(count, tuple(bad))
    return answers


def scans_of(view: View) -> dict[str, Scan]:
    """The scans of the files that could be read, by path."""
    scans = ((path, view.facts(NAME, path)) for path in view.python)
    return {path: found for path, found in scans if isinstance(found, Scan)}


def former(config: Config) -> frozenset[str]:
    """First parts of dotted paths that were first-party, by the moves in the settings."""
    return former_parts(config)


def sites(answer: FileImports) -> Iterator[Site]:
    """The imports of a file as sites, without their lines, which only the file's text tells."""
    for each in answer.bad:
        yield Site(each.kind, 0, _spelled((each.module, each.name)), _message(each))
    for _ in range(answer.all - len(answer.bad)):
        yield Site(_GOOD, 0, "", good=True)


_GOOD = "resolves"


def _message(dangling: Dangling) -> str:
    if dangling.kind == "module":
        return f"there is no module {dangling.module}"
    return f"{dangling.module} has no `{dangling.name}`"


def _spelled(pair: Pair) -> str:
    module, name = pair
    return f"{module}:{name}" if name else module


# At the head


@dataclass(frozen=True, slots=True)
class Broken:
    """The imports of a file that lead nowhere, each with where it stands."""

    dangling: Mapping[Pair, Dangling]
    found: tuple[Found, ...]

    def sites(self) -> Iterator[Site]:
        """The same as sites."""
        for each in self.found:
            dangling = self.dangling[each.pair]
            yield Site(dangling.kind, each.line, _spelled(each.pair), _message(dangling))


def locate(view: View, answers: Mapping[str, FileImports]) -> dict[str, Broken]:
    """Where the imports stand that lead nowhere, by path: only the files that have some are parsed."""
    found: dict[str, Broken] = {}
    for path, answer in answers.items():
        if answer.bad:
            dangling = {(each.module, each.name): each for each in answer.bad}
            found[path] = Broken(dangling, _places(view, path, dangling.keys()))
    return {path: each for path, each in found.items() if each.found}


def _places(view: View, path: str, pairs: Collection[Pair]) -> tuple[Found, ...]:
    def absolute(level: int, module: str) -> str | None:
        return view.index.absolute(path, level, module)

    try:
        return tuple(places(Text(view.read(path)).tree, pairs, absolute))
    except (OSError, UnreadableText, Unparseable):
        return ()


def broken_imports(view: View, broken: Mapping[str, Broken]) -> tuple[BrokenImport, ...]:
    """Everything that imports ask for and that is not there, the most asked for first.

    What became of it, and with which commit, is discover-moves' word.
    """
    decider = decider_of(view.project, view.config, scans_of(view), view.index)
    told = {each.old: each for each in searched(decider, view.history)}
    asking: dict[Pair, list[tuple[Place, Found, Dangling]]] = {}
    for path, each in broken.items():
        for found in each.found:
            place = Place(path, found.line, view.scope(path), view.service(path))
            asking.setdefault(found.pair, []).append((place, found, each.dangling[found.pair]))
    made = [_broken_import(decider, pair, asked, _told(told, pair)) for pair, asked in asking.items()]
    unknown = view.history.limits or "the history does not tell"
    explained = (each if each.commit else replace(each, why=each.why or unknown) for each in made)
    return tuple(sorted(explained, key=lambda each: (-len(each.importers), each.target)))


def _told(told: Mapping[str, Discovered], pair: Pair) -> Discovered | None:
    """What is known of a pair: of the name, of the module that it was, or of the module that had it."""
    module, name = pair
    spellings = [_spelled(pair), *([f"{module}.{name}"] if name else []), module]
    return next((told[each] for each in spellings if each in told), None)


def _broken_import(
    decider: Decider, pair: Pair, asked: Sequence[tuple[Place, Found, Dangling]], told: Discovered | None
) -> BrokenImport:
    base = BrokenImport(
        _spelled(pair),
        asked[0][2].kind,
        tuple(place for place, _, _ in asked),
        sum(not found.is_certain for _, found, _ in asked),
    )
    if told is None:
        place = decider.moves.target(*pair)
        if place is None:
            return base
        new = _spelled((place.module, place.name))
        return replace(base, verdict="moved", new=new, evidence=("a move in the settings",))
    return replace(
        base, commit=told.commit, verdict=_VERDICTS[told.verdict], new=_new(pair, told), evidence=told.evidence
    )


def _new(pair: Pair, told: Discovered) -> str | None:
    """Where the pair is now, if what is told is of the whole module."""
    module, name = pair
    if told.new and name and told.old == module and ":" not in told.new:
        return f"{told.new}:{name}"
    return told.new


# What can't be imported


def broken_modules(view: View, broken: Mapping[str, Broken]) -> tuple[BrokenModule, ...]:
    """The modules that can't be imported, those that break the most first.

    One is broken by an import of its own that is sure to run and to fail, or by another module that it is sure to run.
    """
    causes = {
        path: tuple(dict.fromkeys(_spelled(found.pair) for found in each.found if found.is_certain))
        for path, each in broken.items()
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
        for run in index.run_by(path):
            if run != path:
                found.setdefault(run, []).append(path)
    return found


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
