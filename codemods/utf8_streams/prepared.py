"""The codemod at work: what it finds to work with in a project, and the sites in its modules."""

from __future__ import annotations

import codecs
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import cast

from codemods.utf8_streams.flow import SEEDS
from codemods.utf8_streams.options import NAME, Options
from codemods.utf8_streams.scripts import console_scripts, moves_of
from codemods.utf8_streams.sites import Known, Sites
from codemods.utf8_streams.survey import Facts, imported_files
from codemods.utf8_streams.variables import SEEDS as VARIABLES
from ssot_fix.asking import AskedMapping, AskedSet
from ssot_fix.bindings import Module
from ssot_fix.edits import FileResult
from ssot_fix.engine.contract import Inactive, Setting, Told
from ssot_fix.imports import Target
from ssot_fix.project.classify import Classifier
from ssot_fix.project.config import Config, ConfigError
from ssot_fix.project.metadata import Metadata, read_metadata
from ssot_fix.project.resolver import Project
from ssot_fix.sites import Site

_HELPER = re.compile(r"(?i)\A(?!_).*(?:utf_?8|encoding|std(?:out|io)|console|streams)")
_SETTINGS = (
    Setting("entry-points", 'Which programs: "writing" text, "non-ascii" literals, or "all".'),
    Setting("errors", "What becomes of characters that can't be written, as of the argument of `reconfigure`."),
    Setting(
        "helper", "The project's own function that does it, as module:function.", example="shared.console:use_utf8"
    ),
)


@dataclass(frozen=True)
class Streams:
    """The codemod, bound to a project: what the project tells, the files with sites, the helpers by their spelling."""

    config: Config
    metadata: Metadata
    known: Known
    interesting: frozenset[str]
    helpers: Mapping[str, Target]
    name: str = NAME

    def _options(self, path: str) -> Options:
        return cast("Options", self.config.options(NAME, path))

    @property
    def told(self) -> Told:
        """The metadata and the helpers; the rest is asked for by file."""
        return Told((self.metadata, self.helpers), self.known.tables)

    @property
    def source_roots(self) -> tuple[str, ...]:
        """Where the helpers are imported from."""
        return tuple(target.root for target in self.helpers.values())

    def seeds(self, path: str, raw: bytes) -> frozenset[str]:
        """`sys`, what wraps streams and writes, what the lines use, and the functions that programs start at."""
        words = SEEDS | VARIABLES | {"sys", "io", "codecs", "open", "hasattr", "__name__"}
        words |= {name for name in ("TextIOWrapper", "getwriter", "getreader", "fdopen") if name.encode() in raw}
        words |= {part for attribute in self.known.scripts.get(path, ()) for part in attribute.split(".")}
        if (target := self.helpers.get(self._options(path).helper or "")) is not None:
            parts = target.module.split(".")
            words |= {target.name, parts[0], parts[-1]}
        return frozenset(words)

    def narrow(self, passed: frozenset[str]) -> frozenset[str]:
        """The files in which a program may start or a stream be replaced; not those that only newer Pythons run."""
        return frozenset(path for path in passed & self.interesting if not self.metadata.uses_utf8(path))

    @property
    def renamed(self) -> frozenset[str]:
        """None."""
        return frozenset()

    def sites(self, module: Module, project: Project, _taken: frozenset[str]) -> list[Site]:
        """Every start of a program without UTF-8, and every replaced stream, in a module."""
        options = self._options(module.path)
        return Sites(module, project, options, self.helpers.get(options.helper or ""), self.known).all()

    def couple(self, sites: Sequence[Site]) -> None:
        """Each stands for itself."""

    def allows_unsafe(self, path: str, _kind: str) -> bool:
        """By --unsafe-fixes."""
        return self.config.general_for(path).unsafe_fixes

    def beyond(self, _covers: Callable[[str], bool]) -> tuple[list[FileResult], list[str]]:
        """Nothing: programs start in Python."""
        return [], []


def prepare(project: Project, config: Config, surveyed: Mapping[str, object]) -> Streams | Inactive:
    """Find the console scripts, the helpers, and what gives streams their encoding already."""
    facts, metadata = cast("Mapping[str, Facts]", surveyed), read_metadata(project)
    options = dict.fromkeys(cast("Options", config.options(NAME, path)) for path in ("", *sorted(project.files)))
    helpers = {each.helper: _helper(project, config, each.helper) for each in options if each.helper}
    for each in options:
        _check_errors(config, each.errors)
    known = _known(project, config, facts, metadata)
    interesting = {path for path, told in facts.items() if _may_hold_site(path, told)} | known.scripts.keys()
    ready = Streams(config, metadata, known, frozenset(interesting), helpers)
    if project.files and all(map(metadata.uses_utf8, project.files)):
        return Inactive("all of the project needs Python 3.15 or newer, where UTF-8 is the default (PEP 686)")
    return ready


def suggest(project: Project, config: Config, surveyed: Mapping[str, object]) -> Sequence[Setting]:
    """The keys; a function that gives streams their encoding only as an example, since it may do more."""
    *others, helper = _SETTINGS
    found = next(_helpers(project, config, cast("Mapping[str, Facts]", surveyed)), None)
    if found is not None:
        note = f"`{found}` may be one: set it if it does no more than that, and can be called twice."
        helper = replace(helper, example=found, note=note)
    return (*others, helper)


def _may_hold_site(path: str, told: Facts) -> bool:
    """Whether a site may stand in a file, console scripts aside."""
    return told.may_start or told.may_replace or posixpath.basename(path) == "__main__.py"


def _helpers(project: Project, config: Config, facts: Mapping[str, Facts]) -> Iterator[str]:
    """The functions that by their names are there to give streams their encoding, as the config would spell them."""
    scope = Classifier(config.general.test_patterns).scope
    for path in sorted(path for path, told in facts.items() if told.configures and scope(path) == "production"):
        module = project.module_name(path)
        for name in sorted(facts[path].configures):
            if _HELPER.search(name) and project.offers(module, name):
                yield f"{module}:{name}"


def _check_errors(config: Config, errors: str) -> None:
    try:
        codecs.lookup_error(errors)
    except LookupError:
        where = config.place(NAME, "errors")
        raise ConfigError(f"{where}: Python has no error handler `{errors}`; write one such as `replace`") from None


def _helper(project: Project, config: Config, spelled: str) -> Target:
    module, colon, name = spelled.partition(":")
    where = config.place(NAME, "helper")
    if not colon or not name.isidentifier():
        raise ConfigError(f"{where}: `{spelled}` is no function; write module:function")
    path = project.locate(module)
    if path is None:
        raise ConfigError(f"{where}: the project has no module `{module}`")
    if project.offers(module, name) is False:
        raise ConfigError(f"{where}: `{module}` has no `{name}`")
    return Target(module, name, path, project.root_of(module))


def _known(project: Project, config: Config, facts: Mapping[str, Facts], metadata: Metadata) -> Known:
    writers = frozenset(path for path, told in facts.items() if told.writes)
    configures = {path: told.configures for path, told in facts.items() if told.configures}
    scripts = console_scripts(project, metadata.entry_points, moves_of(config))
    imports = imported_files(project, facts)
    launchers = (path for path, found in imports.items() if found & writers)
    imported = chain.from_iterable(found - {path} for path, found in imports.items())
    return Known(
        AskedMapping(f"{NAME}.scripts", scripts),
        AskedMapping(f"{NAME}.configures", configures),
        AskedSet(f"{NAME}.writers", writers),
        AskedSet(f"{NAME}.non-ascii", (path for path, told in facts.items() if told.non_ascii)),
        AskedSet(f"{NAME}.launchers", launchers),
        AskedSet(f"{NAME}.imported", imported),
        AskedSet(f"{NAME}.near", _near({path for path, names in configures.items() if "" in names}, imports)),
    )


def _near(sources: set[str], imports: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The files whose imports, at whatever level, lead to one of some files."""
    importers: dict[str, set[str]] = {}
    for path, targets in imports.items():
        for imported in targets if sources else ():
            importers.setdefault(imported, set()).add(path)
    found, waiting = set[str](), list(sources)
    while waiting:
        fresh = importers.get(waiting.pop(), set()) - found
        found |= fresh
        waiting += fresh
    return frozenset(found)
