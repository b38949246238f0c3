"""What is to become of each dangling import: a new place, or a reason to leave it alone, with the evidence."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import chain
from typing import cast

from codemods.stale_imports.moves import Moves, Place, configured, validate
from codemods.stale_imports.options import NAME, Options
from ssot_fix.edits import Refusal
from ssot_fix.project.classify import Classifier
from ssot_fix.project.config import Config
from ssot_fix.project.index import Dangling, Index
from ssot_fix.project.resolver import Project
from ssot_fix.project.scan import Imported, Scan

_SHOWN = 3  # candidates that a message names


@dataclass(frozen=True, slots=True)
class Decision:
    """A new place for a dangling pair, or a refusal; `message` says what is known.

    `kind` is the finding's. `closes_cycle`: with what else moves, the import would lead back to its own file.
    """

    dangling: Dangling
    kind: str
    message: str
    place: Place | None = None
    refusal: Refusal | None = None
    closes_cycle: bool = False

    def new_entry(self, path: str, attribute: str) -> tuple[str, str]:
        """The same for a path whose attribute stands apart, behind a colon."""
        if not attribute:
            return self.new_path(path), ""
        assert self.place is not None
        new = self.new_path(f"{path}.{attribute}")
        kept = attribute
        if self.place.name is not None and path == self.dangling.module:
            kept = self.place.name + attribute.removeprefix(str(self.dangling.name))
        return new.removesuffix(f".{kept}"), kept

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """The folders from which the import works after all, were they on sys.path."""
        return self.dangling.elsewhere

    def new_path(self, path: str) -> str:
        """A dotted path that starts with the dangling pair, as it is to be spelled from now on."""
        assert self.place is not None
        old = Place(self.dangling.module, self.dangling.name)
        return _dotted(self.place) + path.removeprefix(_dotted(old))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A definition of today that has the name of a dangling one."""

    module: str
    path: str
    kind: str


@dataclass
class Decider:
    """Decides pair by pair.

    `scopes` tells production from test code, by path, `ignores` what is never reported, `told` what the history
    does, and `is_in_scope` in which files sites are looked for.
    """

    project: Project
    index: Index
    scans: Mapping[str, Scan]
    moves: Moves
    scopes: Callable[[str], str]
    services: Sequence[str] | None = None
    ignores: Callable[[str, Dangling], bool] = lambda _path, _dangling: False
    told: Mapping[tuple[str, str | None], Refusal] = field(default_factory=dict)
    is_in_scope: Callable[[str], bool] = lambda _path: True
    _failing: dict[str, bool] = field(default_factory=dict, init=False)
    _named: dict[str, list[tuple[str, str]]] = field(default_factory=dict, init=False)
    _stale: dict[str, bool] = field(default_factory=dict, init=False)

    def decide(self, path: str, dangling: Dangling) -> Decision:
        """What is to become of a dangling import in a file."""
        kind = f"{dangling.kind}-gone"
        what = _described(dangling)
        place = self.moves.target(dangling.module, dangling.name)
        if place is not None:
            message = f"{what}; moved to {_dotted(place)}"
            if dangling.name == "*" and (name := self._missed_through_star(path, place)):
                refusal = Refusal("star-import", f"{message}; other files take `{name}` from here, which is not there")
                return Decision(dangling, kind, message, None, refusal)
            if self._lacks(place):
                refusal = Refusal("target-lacks-name", f"{message}, which is not there")
                return Decision(dangling, kind, message, place, refusal)
            return Decision(dangling, kind, message, place)
        refusal = self._refusal(path, dangling, what)
        if told := self.told.get((dangling.module, dangling.name)):
            refusal = Refusal(told.reason or refusal.reason, f"{refusal.message}; {told.message}")
        return Decision(dangling, kind, refusal.message, None, refusal)

    def _lacks(self, place: Place) -> bool:
        if place.name is None or place.name == "*":
            return not self.index.exists(place.module)
        return self.index.offers(place.module, place.name) is False

    def _missed_through_star(self, path: str, place: Place) -> str | None:
        """A name that other files take from a file, that it has not itself and would not get by the new star."""
        asked = self._asked.get(self.project.module_name(path), set())
        own = self.index.names(path)
        missed = (name for name in sorted(asked) if name not in own.bound and name != "*")
        return next((name for name in missed if not self.index.offers(place.module, name)), None)

    @cached_property
    def _asked(self) -> dict[str, set[str]]:
        """The names that the project's files take from each module."""
        found: dict[str, set[str]] = {}
        for path, scan in self.scans.items():
            for imported in scan.imports:
                module = self.project.absolute(path, imported.level, imported.module)
                found.setdefault(module, set()).update(imported.names)
        return found

    def candidates(self, dangling: Dangling) -> list[Candidate]:
        """The definitions of today that have the same name, those of the old module itself left out."""
        if dangling.name is None or dangling.name == "*":
            return [Candidate(module, path, "module") for module, path in self._namesakes(dangling.module)]
        found = [
            Candidate(self.project.module_name(path), path, kind)
            for path, kind in self.index.definitions(dangling.name)
            if self._is_importable(path)
        ]
        if not found:
            whole = f"{dangling.module}.{dangling.name}"
            found = [Candidate(module, path, "module") for module, path in self._namesakes(whole)]
        return found

    def _is_importable(self, path: str) -> bool:
        """Whether an import can spell a file's module, and means that file by it."""
        module = self.project.module_name(path)
        spelled = all(part.isidentifier() and not keyword.iskeyword(part) for part in module.split("."))
        return spelled and self.index.module(module) == path

    def _namesakes(self, dotted: str) -> list[tuple[str, str]]:
        """The modules of the same last name."""
        name = dotted.rpartition(".")[2]
        if name not in self._named:
            importable = filter(self._is_importable, self._by_last_name.get(name, ()))
            self._named[name] = [(self.project.module_name(path), path) for path in importable]
        return self._named[name]

    @cached_property
    def _by_last_name(self) -> dict[str, list[str]]:
        """The files, sorted, by the last name of what an import of them spells."""
        found: dict[str, list[str]] = {}
        for path in sorted(self.project.files):
            base = path.removesuffix("/__init__.py").removesuffix(".py")
            found.setdefault(base.rpartition("/")[2], []).append(path)
        return found

    def _refusal(self, path: str, dangling: Dangling, what: str) -> Refusal:
        found = self.candidates(dangling)
        if not found:
            noun = "module" if dangling.name is None else "definition"
            return Refusal("removed", f"{what}; no {noun} of that name is left in the project")
        left = found
        for reason, said, disqualified in (
            ("own-definition", "the only definition is in this file", lambda c: c.path == path),
            ("only-in-tests", "only test code has it", lambda c: self.is_only_for_tests(path, dangling, c)),
            ("private-candidate", "it is private there", lambda c: is_private(c.module, dangling.name)),
            ("another-service", "that is another service's", lambda c: self.is_foreign(path, dangling, c)),
            ("candidate-not-importable", "that can't be imported itself", lambda c: self.is_stale(c.path)),
        ):
            standing = [candidate for candidate in left if not disqualified(candidate)]
            if not standing:
                return Refusal(reason, f"{what}; {said}: {_listed(left)}")
            left = standing
        if len(left) > 1:
            return Refusal("several-candidates", f"{what}; {len(left)} modules have it: {_listed(left)}")
        return Refusal("no-move", f"{what}; {left[0].module} has a {_noun(left[0].kind)} of that name")

    def is_only_for_tests(self, path: str, dangling: Dangling, candidate: Candidate) -> bool:
        """Whether a candidate is test code, and the file or what it asks for is none: a double, not the thing."""
        asked = dangling.module.replace(".", "/") + ".py"
        scopes = {self.scopes(path), self.scopes(asked)}
        return "production" in scopes and self.scopes(candidate.path) != "production"

    def is_foreign(self, path: str, dangling: Dangling, candidate: Candidate) -> bool:
        """Whether a candidate lies in a top-level package that neither the file's own nor the old one depends on."""
        homes, there = {_top(dangling.module)}, _top(candidate.module)
        if self.scopes(path) == "production":
            homes.add(_top(self.project.module_name(path)))
        if there in homes:
            return False
        if self.services is not None:
            return there in self.services and not homes.isdisjoint(self.services)
        return not any(there in self._dependencies.get(home, ()) for home in homes)

    @cached_property
    def _dependencies(self) -> dict[str, set[str]]:
        """The top-level packages that production code of each imports from."""
        found: dict[str, set[str]] = {}
        for path, scan in self.scans.items():
            if self.scopes(path) == "production":
                tops = {each.module.partition(".")[0] for each in scan.imports if not each.level and self._works(each)}
                found.setdefault(_top(self.project.module_name(path)), set()).update(tops)
        return found

    def _works(self, imported: Imported) -> bool:
        return self.index.exists(imported.module)

    def closing(
        self, imports: Mapping[str, Mapping[tuple[str, str | None], Decision]]
    ) -> list[tuple[str, tuple[str, str | None]]]:
        """The moved imports, by file and pair, that with all others moved may lead back to their own file.

        Which of them run when their file is imported is known only to who reads it.
        """
        new: dict[str, set[str]] = {}
        edges: list[tuple[str, tuple[str, str | None], set[str]]] = []
        for path, decided in imports.items():
            for pair, decision in decided.items():
                if decision.place is not None and decision.refusal is None:
                    files = set(self._files_of(decision.place))
                    new.setdefault(path, set()).update(files)
                    edges.append((path, pair, files))
        return [(path, pair) for path, pair, files in edges if self._leads_to(files, path, new)]

    def _files_of(self, place: Place) -> Iterator[str]:
        for dotted in (place.module, f"{place.module}.{place.name}"):
            if (file := self.index.module(dotted)) is not None:
                yield file

    def _leads_to(self, files: Iterable[str], goal: str, new: Mapping[str, Iterable[str]]) -> bool:
        """Whether importing one of some files runs another, by today's imports and by new ones."""
        seen: set[str] = set()
        waiting = list(files)
        while waiting:
            file = waiting.pop()
            if file in seen:
                continue
            reached = self.index.reached(file)
            seen |= {file}
            if goal in reached and not _is_around(goal, file):
                return True
            waiting += [after for each in reached if each in new for after in new[each] if after not in seen]
        return False

    def _pairs_at_top(self, path: str) -> Iterator[tuple[str, str | None]]:
        """What the imports of a file that always run ask for."""
        for imported in self.scans[path].imports:
            if imported.at_top:
                module = self.project.absolute(path, imported.level, imported.module)
                yield from ((module, name) for name in imported.names or (None,))

    def is_stale(self, path: str) -> bool:
        """Whether importing a module runs into a dangling import for sure."""
        if path not in self._stale:
            self._stale[path] = self._meets_stale(path)
        return self._stale[path]

    def _meets_stale(self, path: str) -> bool:
        reached = self.index.reached(path)
        known = reached & self._failing.keys()
        if any(self._failing[each] for each in known):
            return True
        fresh = sorted(reached - known)
        found = self.index.dangling_in(each for each in fresh if each in self.scans)
        self._failing.update((each, each in found and self._fails(each, found[each])) for each in fresh)
        return any(self._failing[each] for each in fresh)

    def _fails(self, path: str, found: Iterable[Dangling]) -> bool:
        """Whether a file with dangling imports has one that always runs."""
        left = {(each.module, each.name) for each in found if not self._is_mended(path, each)}
        return not left.isdisjoint(self._pairs_at_top(path))

    def _is_mended(self, path: str, dangling: Dangling) -> bool:
        """Whether a move takes a dangling import to what is there and does not import the file in turn."""
        place = self.moves.target(dangling.module, dangling.name)
        if place is None or self._lacks(place):
            return False
        file = self.index.module(place.module)
        return file is None or path not in self.index.reached(file)


def is_private(module: str, name: str | None) -> bool:
    """Whether a module or the name in it is private by its spelling."""
    parts = [*module.split("."), *([name] if name else [])]
    return any(part.startswith("_") and not part.endswith("__") for part in parts)


def _is_around(package: str, path: str) -> bool:
    """Whether a file is the __init__ of a package around another one: that runs first, and so is no cycle."""
    return package.endswith("__init__.py") and path.startswith(package.removesuffix("__init__.py"))


def _described(dangling: Dangling) -> str:
    if dangling.kind == "module":
        return f"there is no module {dangling.module}"
    return f"{dangling.module} has no `{dangling.name}`"


def _dotted(place: Place) -> str:
    return f"{place.module}.{place.name}" if place.name and place.name != "*" else place.module


def _listed(candidates: Sequence[Candidate]) -> str:
    shown = ", ".join(candidate.module for candidate in candidates[:_SHOWN])
    return shown + (f" and {len(candidates) - _SHOWN} more" if len(candidates) > _SHOWN else "")


def _noun(kind: str) -> str:
    return {"def": "function", "async def": "coroutine function", "assign": "value"}.get(kind, kind)


def _top(module: str) -> str:
    return module.partition(".")[0]


def former_parts(config: Config) -> frozenset[str]:
    """The first parts of what the config's moves say has moved: there may be nothing of them left in the project."""
    return frozenset(_top(entry.source.module) for entry in configured(config))


def decider_of(project: Project, config: Config, scans: Mapping[str, Scan], index: Index | None = None) -> Decider:
    """What decides by the config's moves; `index` is that of the scans, if there is one.

    Raises ConfigError for moves that can't be used.
    """
    options = cast("Options", config.options(NAME, ""))
    index = index or Index(project, scans, former_parts(config))
    modules = (project.module_name(path) for path in sorted(project.files))
    moves = validate(Moves.of(configured(config)), index, modules)
    scopes = lru_cache(maxsize=None)(Classifier(config.general.test_patterns).scope)

    def ignores(path: str, dangling: Dangling) -> bool:
        return cast("Options", config.options(NAME, path)).ignores(dangling.module, dangling.name)

    def is_in_scope(path: str) -> bool:
        return config.general.include_tests or scopes(path) == "production"

    return Decider(project, index, scans, moves, scopes, options.services, ignores, is_in_scope=is_in_scope)


def decide_all(
    decider: Decider,
) -> tuple[dict[str, dict[tuple[str, str | None], Decision]], dict[str, dict[str, Decision]]]:
    """What is to become of every dangling import and string, by file.

    Of files out of scope, only what a move tells of: that bears on what becomes of the others, and on the notes.
    """
    index, moves = decider.index, decider.moves
    paths = [path for path in decider.scans if decider.is_in_scope(path) or _may_have_moved(decider, path)]
    dangling = index.dangling_in(paths)
    texts = [
        (text, path)
        for path, scan in decider.scans.items()
        for text in sorted(scan.strings)
        if decider.is_in_scope(path) or moves.may_tell_of(text.replace(":", "."))
    ]
    in_strings = list(zip(texts, index.dangling_strings(texts), strict=True))
    everything = [*chain.from_iterable(dangling.values()), *(each for _, each in in_strings if each is not None)]
    index.look_for({each.name for each in everything if each.name})
    return _imports(decider, dangling), _strings(decider, in_strings)


def _imports(
    decider: Decider, dangling: Mapping[str, Iterable[Dangling]]
) -> dict[str, dict[tuple[str, str | None], Decision]]:
    imports: dict[str, dict[tuple[str, str | None], Decision]] = {}
    for path, found in dangling.items():
        wanted = [each for each in found if _is_asked_for(decider, path, each)]
        if wanted:
            imports[path] = {(each.module, each.name): decider.decide(path, each) for each in wanted}
    for path, pair in decider.closing(imports):
        imports[path][pair] = replace(imports[path][pair], closes_cycle=True)
    return imports


def _strings(
    decider: Decider, found: Iterable[tuple[tuple[str, str], Dangling | None]]
) -> dict[str, dict[str, Decision]]:
    strings: dict[str, dict[str, Decision]] = {}
    for (text, path), each in found:
        if each is None or (each.kind == "name" and hasattr(builtins, each.name or "")):
            continue  # mock makes builtins on any module
        if _is_asked_for(decider, path, each):
            strings.setdefault(path, {})[text] = decider.decide(path, each)
    return strings


def _may_have_moved(decider: Decider, path: str) -> bool:
    """Whether a file may ask for something that a move tells of."""
    if not decider.moves.sources():
        return False
    return any(map(decider.moves.may_tell_of, decider.index.targets(path)))


def _is_asked_for(decider: Decider, path: str, dangling: Dangling) -> bool:
    """Whether it matters what becomes of a dangling import or string."""
    if decider.ignores(path, dangling):
        return False
    return decider.is_in_scope(path) or decider.moves.target(dangling.module, dangling.name) is not None
