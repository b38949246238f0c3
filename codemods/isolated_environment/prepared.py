"""The codemod at work: what it finds to work with in a project, and the sites in its modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

from codemods.isolated_environment.accessor import Accessor, NoAccessor, add_lookup, find, is_scouted, read
from codemods.isolated_environment.names import SEEDS
from codemods.isolated_environment.options import NAME, Options
from codemods.isolated_environment.rewrite import ALL_READ, ANY_WRITTEN, COMPUTED, Rewriter, without_accessor
from codemods.isolated_environment.uses import find_uses
from ssot_fix.bindings import Module
from ssot_fix.edits import FileResult, Refusal, Status
from ssot_fix.engine.contract import Inactive, Setting, Told
from ssot_fix.project.classify import Classifier
from ssot_fix.project.config import Config, ConfigError
from ssot_fix.project.resolver import Project
from ssot_fix.sites import Site

_ACCESSOR, _CLASS, _LOOKUP, *_OTHER_SETTINGS = (
    Setting(
        "accessor",
        "The function through which code reaches the environment, as module:function; found if not set.",
        example="shared.environment:get_env",
    ),
    Setting(
        "accessor-class", "The class that it returns, if that can't be read there.", example="IsolatedEnvironment"
    ),
    Setting(
        "lookup",
        "A method of it that raises KeyError for a missing variable, to stand for os.environ[k].",
        example="require",
    ),
    Setting("allow", "Unsafe operations to apply without --unsafe-fixes: set, delete, contains, copy."),
    Setting(
        "external-keys",
        "Variables that other programs read: written, they stay in os.environ. This replaces the list.",
    ),
    Setting("extend-external-keys", "More of them, beside that list."),
    Setting("exempt-comments", 'Comments that exempt a use from being rewritten, such as "@marked".'),
    Setting("exempt-distance", "How many lines away from a use such a comment may stand."),
    Setting("exempt-paths", "Files in which nothing is rewritten, as gitignore patterns."),
)
_USUAL_LOOKUPS = ("require", "get_required", "require_env", "must_get", "get_or_raise")


@dataclass(frozen=True)
class Environment:
    """The codemod, bound to a project: the accessors by how the config spells them (None: the one found)."""

    config: Config
    accessors: Mapping[tuple[str | None, str | None, str | None], Accessor]
    name: str = NAME

    def _options(self, path: str) -> Options:
        return cast("Options", self.config.options(NAME, path))

    def _accessor(self, path: str) -> Accessor | None:
        return self.accessors.get(_key(self._options(path)))

    def seeds(self, path: str, _raw: bytes) -> frozenset[str]:
        """`os`, its entries, and what the accessor is called."""
        accessor = self._accessor(path)
        if accessor is None:
            return SEEDS
        parts = accessor.target.module.split(".")
        return SEEDS | {accessor.target.name, parts[0], parts[-1]}

    @property
    def told(self) -> Told:
        """The accessors."""
        return Told(self.accessors)

    @property
    def source_roots(self) -> tuple[str, ...]:
        """Where the accessors are imported from."""
        return tuple(accessor.target.root for accessor in self.accessors.values())

    def narrow(self, passed: frozenset[str]) -> frozenset[str]:
        """All of them."""
        return passed

    @property
    def renamed(self) -> frozenset[str]:
        """None."""
        return frozenset()

    def sites(self, module: Module, project: Project, taken: frozenset[str]) -> list[Site]:
        """Every use of the environment in a module."""
        options, uses = self._options(module.path), find_uses(module, project)
        accessor = self._accessor(module.path)
        if accessor is None:
            return without_accessor(self.name, uses)
        return Rewriter(self.name, module, project, accessor, options, taken).sites(uses)

    def couple(self, sites: Sequence[Site]) -> None:
        """All operations on one variable in a file, or none (`mixed-key`); a computed key counts as any."""
        left = {site.key: site for site in sites if site.status is not Status.REWRITTEN and site.key is not None}
        any_key = left.get(ANY_WRITTEN) or left.get(COMPUTED)
        for site in sites:
            if not left or site.status is not Status.REWRITTEN or site.key is None:
                continue
            # The names of all variables, read elsewhere, concern a computed name but no literal one.
            other = any_key or (next(iter(left.values())) if site.key == COMPUTED else left.get(site.key))
            if other is not None and site.key != ALL_READ:
                line = getattr(other.node, "lineno", 0)
                why = other.refusal.reason if other.refusal else "suppressed"
                site.refuse(Refusal("mixed-key", f"line {line} stays with os.environ ({why})"))

    def allows_unsafe(self, path: str, kind: str) -> bool:
        """By --unsafe-fixes, or by the operation in `allow`."""
        return self.config.general_for(path).unsafe_fixes or kind in self._options(path).allow

    def beyond(self, _covers: Callable[[str], bool]) -> tuple[list[FileResult], list[str]]:
        """Nothing: variables are read and written in Python."""
        return [], []


def prepare(project: Project, config: Config, surveyed: Mapping[str, object]) -> Environment | Inactive:
    """Find or read the accessors that the settings of all paths name."""
    scouted = _production(config, surveyed)
    accessors: dict[tuple[str | None, str | None, str | None], Accessor] = {}
    missing = "no files"
    for options in dict.fromkeys(cast("Options", config.options(NAME, path)) for path in sorted(project.files)):
        key = _key(options)
        try:
            accessors[key] = _read(project, options, scouted)
        except NoAccessor as error:
            if any(key):
                raise ConfigError(f"[tool.ssot-fix.{NAME}]: {error}") from None
            missing = str(error)
    if not accessors:
        write_one = "" if scouted and "several" in missing else ", or write one: ssot-fix init --accessor FILE"
        return Inactive(f"{missing}; name it with `accessor`{write_one}")
    return Environment(config, accessors)


def suggest(project: Project, config: Config, surveyed: Mapping[str, object]) -> Sequence[Setting]:
    """The accessor, if it is clear which; its lookup only as an example, since nothing proves what it raises."""
    scouted = _production(config, surveyed)
    accessor, lookup = _ACCESSOR, _LOOKUP
    try:
        found = _read(project, Options(), scouted)
    except NoAccessor:
        if several := list(_candidates(project, scouted)):
            note = f"There are several, {', '.join(several)}: choose one here, others by path in overrides."
            accessor = replace(accessor, example=several[0], note=note)
    else:
        accessor = replace(accessor, found=f"{found.target.module}:{found.target.name}")
        if not found.has_getitem and (name := next(_lookups(project, found), None)):
            note = f"`{name}` may be one: set it if that is so."
            lookup = replace(lookup, example=name, note=note)
    return (accessor, _CLASS, lookup, *_OTHER_SETTINGS)


def may_define_accessor(data: bytes) -> bool | None:
    """The surveyor: whether a file is production code that may define the accessor, else None."""
    return True if is_scouted(data) else None


def _production(config: Config, surveyed: Mapping[str, object]) -> tuple[str, ...]:
    """The files that may define the accessor; one in test code is none."""
    scope = Classifier(config.general.test_patterns).scope
    return tuple(path for path in surveyed if scope(path) == "production")


def _candidates(project: Project, scouted: Sequence[str]) -> Iterator[str]:
    """Every accessor of the project, as the config would spell it."""
    for path in scouted:
        with suppress(NoAccessor):
            target = find(project, [path]).target
            yield f"{target.module}:{target.name}"


def _lookups(project: Project, accessor: Accessor) -> Iterator[str]:
    """The methods that by their name might raise KeyError for a missing variable."""
    for name in _USUAL_LOOKUPS:
        with suppress(NoAccessor):
            add_lookup(accessor, project, name)
            yield name


def _key(options: Options) -> tuple[str | None, str | None, str | None]:
    return options.accessor, options.accessor_class, options.lookup


def _read(project: Project, options: Options, scouted: Sequence[str]) -> Accessor:
    if options.accessor is None:
        accessor = find(project, scouted)
    else:
        accessor = read(project, options.accessor, options.accessor_class)
    if "get" not in accessor.methods:
        raise NoAccessor(f"`{accessor.class_name}` has no method `get`")
    return add_lookup(accessor, project, options.lookup) if options.lookup else accessor
