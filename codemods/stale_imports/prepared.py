"""The codemod at work: what it finds to work with in a project, and the sites in its modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from codemods.stale_imports.beyond import beyond, dangling_entries
from codemods.stale_imports.decide import Decider, Decision, decide_all, decider_of, former_parts
from codemods.stale_imports.options import NAME, Options
from codemods.stale_imports.rewrite import Imports
from codemods.stale_imports.strings import seeds as string_seeds
from codemods.stale_imports.texts import Strings
from ssot_fix.asking import ALL, AskedMapping, Question
from ssot_fix.bindings import Module
from ssot_fix.edits import FileResult
from ssot_fix.engine.contract import Setting, Told
from ssot_fix.project.config import PYPROJECT, Config
from ssot_fix.project.index import Index, first_parts
from ssot_fix.project.resolver import Project
from ssot_fix.project.scan import BOUND, Scan, scan
from ssot_fix.sites import Site

_MOVES, *_OTHER_SETTINGS = (
    Setting(
        "moves",
        "Where modules and names went, best written by `ssot-fix discover-moves --write-config`.",
        example=({"from": "shop.core.engine", "to": "shop.agents.engine"},),
    ),
    Setting("auto", 'With "proven", moves that discover-moves calls conclusive hold without being written down.'),
    Setting("consumers", "More functions whose first argument is a dotted path, as module.function."),
    Setting("ignore", "Modules, or names as module:Name, that are never reported; * stands for any characters."),
    Setting(
        "services",
        "Top-level packages that must not import from one another; the imports of today tell if not set.",
        example=("billing", "accounts"),
    ),
)


@dataclass(frozen=True)
class Repointing:
    """The codemod, bound to a project: what is decided about each dangling import and string, by file."""

    config: Config
    imports: AskedMapping[str, Mapping[tuple[str, str | None], Decision]]
    strings: AskedMapping[str, Mapping[str, Decision]]
    tops: frozenset[str]
    unreadable: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    decider: Decider | None = field(default=None, compare=False, repr=False)
    name: str = NAME

    def __getstate__(self) -> dict[str, object]:
        """Without the decider and its index: workers are told what was decided."""
        return {**self.__dict__, "decider": None}

    @property
    def told(self) -> Told:
        """What the project's own paths begin with; what is decided is asked for by file."""
        return Told(self.tops, (self.imports, self.strings))

    @property
    def source_roots(self) -> tuple[str, ...]:
        """None but those that the project has."""
        return ()

    def seeds(self, path: str, raw: bytes) -> frozenset[str]:
        """What dangles in a file by the names that are bound, old and new, and the functions that take paths."""
        words = {"__all__"}
        for (module, name), decision in self.imports.get(path, {}).items():
            words |= {name} if name else {module.partition(".")[0], module.rpartition(".")[2]}
            if (place := decision.place) is not None:
                words |= {place.name or "*", place.module.partition(".")[0], place.module.rpartition(".")[2]}
        if path in self.strings:
            options = cast("Options", self.config.options(NAME, path))
            words |= string_seeds(raw, options.consumers)
            moved = (text for text, decision in self.strings[path].items() if decision.place is not None)
            words |= {text.replace(":", ".").rpartition(".")[2] for text in moved}
        return frozenset(words - {"*"})

    def narrow(self, passed: frozenset[str]) -> frozenset[str]:
        """The files with a dangling import or string."""
        return passed & (self.imports.keys() | self.strings.keys() | self.unreadable)

    @property
    def renamed(self) -> frozenset[str]:
        """The names that a decision gives another name."""
        found = (
            (name, decision.place)
            for pairs in self.imports.values()
            for (_, name), decision in pairs.items()
            if name and decision.place is not None
        )
        return frozenset(name for name, place in found if name not in {place.name, place.module.rpartition(".")[2]})

    def sites(self, module: Module, project: Project, taken: frozenset[str]) -> list[Site]:
        """Every dangling import and string in a module."""
        options = cast("Options", self.config.options(NAME, module.path))
        found = Imports(NAME, module, project, self.imports.get(module.path, {}), taken).sites()
        if decided := self.strings.get(module.path):
            found += Strings(NAME, module, decided, self.tops, options.consumers).sites()
        return sorted(found, key=lambda site: module.start(site.node))

    def couple(self, sites: Sequence[Site]) -> None:
        """Each stands for itself."""

    def allows_unsafe(self, path: str, _kind: str) -> bool:
        """By --unsafe-fixes."""
        return self.config.general_for(path).unsafe_fixes

    def beyond(self, covers: Callable[[str], bool]) -> tuple[list[FileResult], list[str]]:
        """Entry points that dangle, and what names a moved module in files that aren't Python."""
        assert self.decider is not None
        return beyond(self.config, self.decider, covers), list(self.notes)


def prepare(project: Project, config: Config, surveyed: Mapping[str, object]) -> Repointing:
    """Find all that dangles, and decide what is to become of it."""
    options = cast("Options", config.options(NAME, ""))
    decider = decider_of(project, config, cast("Mapping[str, Scan]", surveyed))
    notes: list[str] = []
    if options.auto == "proven":
        # The rest of the run needs no history.
        from codemods.stale_imports.discover import with_proven  # noqa: PLC0415

        decider, notes = with_proven(decider, config.root)
    imports, strings = decide_all(decider)
    pairs = {pair for decided in imports.values() for pair in decided}
    pairs |= {(d.dangling.module, d.dangling.name) for decided in strings.values() for d in decided.values()}
    pairs |= {(d.dangling.module, d.dangling.name) for _, d in dangling_entries(decider, _pyproject(project))}
    unused = decider.moves.unused(pairs)
    notes += [*decider.moves.notes, *([unused] if unused else [])]
    unreadable = frozenset(path for path, scan in decider.scans.items() if not scan.is_readable)
    asked_imports = AskedMapping[str, Mapping[tuple[str, str | None], Decision]](f"{NAME}.imports", imports)
    asked_strings = AskedMapping[str, Mapping[str, Decision]](f"{NAME}.strings", strings)
    return Repointing(config, asked_imports, asked_strings, decider.index.tops, unreadable, tuple(notes), decider)


def suggest(project: Project, surveyed: Mapping[str, object]) -> Sequence[Setting]:
    """No moves of its own accord, but how many imports wait for some."""
    index = Index(project, cast("Mapping[str, Scan]", surveyed))
    stale = sum(not dangling.elsewhere for found in index.dangling().values() for dangling in found)
    if not stale:
        return (_MOVES, *_OTHER_SETTINGS)
    lead = "1 import leads" if stale == 1 else f"{stale:,} imports lead"
    note = f"{lead} nowhere: `ssot-fix discover-moves` looks for where to."
    return (replace(_MOVES, note=note), *_OTHER_SETTINGS)


def _pyproject(project: Project) -> bytes:
    try:
        return project.around.read(PYPROJECT)
    except OSError:
        return b""


@dataclass(frozen=True)
class Scanner:
    """The surveyor: reads what a file imports and has; `tops` are the top-level names that matter."""

    tops: frozenset[str]

    @classmethod
    def of(cls, project: Project, config: Config) -> Scanner:
        """The one for a project: the names that it has, and those that moves say it had."""
        return cls(first_parts(project) | former_parts(config))

    def __call__(self, data: bytes) -> Scan:
        """What the bytes of a file tell."""
        return scan(data, self.tops)


def alike(before: object, today: object, asked: frozenset[Question]) -> bool:
    """Whether two scans of a file differ at most in names that it binds and nobody has asked for."""
    if not isinstance(before, Scan) or not isinstance(today, Scan) or (BOUND, ALL) in asked:
        return False
    changed = dict(before.names).items() ^ dict(today.names).items()
    is_asked_for = any((BOUND, name) in asked for name, _ in changed)
    return not is_asked_for and replace(before, names={}) == replace(today, names={})
