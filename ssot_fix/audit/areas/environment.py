"""The environment: what goes round the project's accessor, and which variables are read and written where.

A site is a use of the environment: good through the accessor that the codemod isolated-environment finds or is told,
bad round it. Without an accessor there is no right way, and so there are no sites, but the inventory is there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from codemods.isolated_environment.accessor import Accessor
from codemods.isolated_environment.options import NAME, Options
from codemods.isolated_environment.prepared import prepare
from ssot_fix.audit.area import View
from ssot_fix.audit.areas.environment_keys import KeyedUse, keys_of
from ssot_fix.audit.areas.environment_uses import EnvironmentFacts, EnvironmentUse, look
from ssot_fix.audit.model import Key, KeyUse, Place, Site
from ssot_fix.engine.contract import Inactive
from ssot_fix.project.config import ConfigError
from ssot_fix.project.resolver import Project

__all__ = ["AREA", "EnvironmentArea", "EnvironmentFacts", "EnvironmentUse", "inventory", "look"]

AREA = "environment"
_GIVING = {"get_instance", "instance"}  # class methods that give an instance
_WRITING = {"set", "delete", "setdefault", "pop", "putenv"}
_DOES = {
    **dict.fromkeys(("get", "lookup"), "reads"),
    **dict.fromkeys(("subprocess", "pass", "return"), "hands on"),
    **{"set": "sets", "delete": "deletes", "contains": "asks for", "setdefault": "sets, where it is missing,"},
    **{"pop": "takes", "putenv": "sets", "copy": "copies", "update": "updates", "clear": "clears"},
    **{"iterate": "goes through", "unpack": "unpacks", "patch": "patches"},
}


@dataclass(frozen=True, slots=True)
class _Entries:
    """An accessor, where the calls that give it lead to (file and name), and how it is spelled."""

    accessor: Accessor
    functions: frozenset[tuple[str, str]]
    classes: frozenset[tuple[str, str]]
    spelled: str


class EnvironmentArea:
    """The area, bound to a project; `note` says why there are no sites, if it has none."""

    name = AREA

    def __init__(self, view: View) -> None:
        self._config = view.config
        self._entries, self.note = _entries(view)
        roots = [entries.accessor.target.root for entries in self._entries.values()]
        self._project = view.project.with_roots(roots)
        self._origins: dict[tuple[str, str], tuple[str, str] | None] = {}

    def sites(self, path: str, facts: object) -> Iterator[Site]:
        """The uses of the environment that are to go through the accessor: good ones do."""
        entries = self._entries.get(_key(self._options(path)))
        if entries is None or not isinstance(facts, EnvironmentFacts):
            return
        for use in facts.uses:
            if not use.direct:
                if self.through(path, use) == entries.spelled:
                    yield Site(use.operation, use.line, use.subject, good=True)
            elif not self.is_exempt(path, use, facts):
                yield Site(use.operation, use.line, use.subject, _message(use, entries.spelled))

    def is_exempt(self, path: str, use: EnvironmentUse, facts: EnvironmentFacts) -> bool:
        """Whether a direct use is in order, or not known to be out of it."""
        options, entries = self._options(path), self._entries.get(_key(self._options(path)))
        if use.aside or (entries is not None and path in entries.accessor.internals) or options.exempts_path(path):
            return True
        # Other programs read these from the process environment, where they have to stay.
        if use.operation in _WRITING and use.keys and all(map(options.is_external, use.keys)):
            return True
        first, last = use.line - options.exempt_distance, use.last + options.exempt_distance
        comments = facts.comments  # by line
        near = comments[bisect_left(comments, (first, "")) : bisect_left(comments, (last + 1, ""))]
        return any(mark in text for mark in options.exempt_comments for _, text in near)

    def is_external(self, path: str, key: str) -> bool:
        """Whether other programs read a variable."""
        return self._options(path).is_external(key)

    def through(self, path: str, use: EnvironmentUse) -> str | None:
        """How a use in a file reaches the environment, as `module:function` for an accessor; None if not known."""
        if use.direct:
            return use.through
        entries = self._entries.get(_key(self._options(path)))
        if entries is None:
            return None
        owner, _, last = use.through.rpartition(".")
        found = self._origin(path, use.through) in entries.functions | entries.classes
        if found or (last in _GIVING and self._origin(path, owner) in entries.classes):
            return entries.spelled
        return None

    def _origin(self, path: str, target: str) -> tuple[str, str] | None:
        """The file and the name in it that an import in a file leads to."""
        package = path if target.startswith(".") else ""
        if (package, target) not in self._origins:
            self._origins[package, target] = _origin(self._project, path, target)
        return self._origins[package, target]

    def _options(self, path: str) -> Options:
        return cast("Options", self._config.options(NAME, path))


def _entries(view: View) -> tuple[dict[object, _Entries], str]:
    """The accessors, by the settings that name them, or why there are none."""
    scouted = {path: True for path in view.python if _is_scouted(view.facts(AREA, path))}
    try:
        prepared = prepare(view.project, view.config, scouted)
    except ConfigError as error:
        return {}, str(error)
    if isinstance(prepared, Inactive):
        return {}, prepared.why
    accessors: Mapping[object, Accessor] = prepared.accessors  # type: ignore[assignment]
    found = {key: _entries_of(view.project, accessor) for key, accessor in accessors.items()}
    unseen = [entries.spelled for entries in found.values() if "env" not in entries.spelled.lower()]
    if unseen:  # environment_calls.py tells candidates by their names
        return {}, f"uses of `{unseen[0]}` can't be told: neither it nor its module has `env` in its name"
    return found, ""


def _entries_of(project: Project, accessor: Accessor) -> _Entries:
    target, inside = accessor.target, project.with_roots([accessor.target.root])
    function = _located(inside, target.module, target.name)
    functions = {(target.path, target.name), function}
    spelled = f"{target.module}:{target.name}"
    return _Entries(accessor, frozenset(functions), frozenset({(function[0], accessor.class_name)}), spelled)


def _is_scouted(facts: object) -> bool:
    return isinstance(facts, EnvironmentFacts) and facts.scouted


def _origin(project: Project, path: str, target: str) -> tuple[str, str] | None:
    level = len(target) - len(target.lstrip("."))
    module, _, name = target[level:].rpartition(".")
    if not name or (not module and not level):
        return None
    return _located(project, project.absolute(path, level, module), name)


def _located(project: Project, module: str, name: str) -> tuple[str, str]:
    home, defined = project.origin(module, name)
    return project.locate(home) or f"{home}.", defined


def _key(options: Options) -> tuple[str | None, str | None, str | None]:
    return options.accessor, options.accessor_class, options.lookup


def _message(use: EnvironmentUse, accessor: str) -> str:
    what = "the environment" if use.subject == "(all)" else f"`{use.subject}`"
    if use.subject == "(computed)":
        what = "a variable whose name is computed"
    return f"{_DOES.get(use.operation, 'uses')} {what} by `{use.through}`, not by `{accessor}`"


def inventory(view: View, area: EnvironmentArea | None = None) -> tuple[Key, ...]:
    """All variables that are named literally, sorted by name; `area` is that of the view, if it is there already."""
    return keys_of(_keyed(view, area or EnvironmentArea(view)), view.root, view.commit)


def _keyed(view: View, area: EnvironmentArea) -> Iterator[KeyedUse]:
    for path in view.python:
        facts = view.facts(AREA, path)
        if not isinstance(facts, EnvironmentFacts):
            continue
        for use in facts.uses:
            through = area.through(path, use)
            if through is None or use.aside == "uncertain":
                continue
            place = Place(path, use.line, view.scope(path), view.service(path))
            is_exempt = use.direct and area.is_exempt(path, use, facts)
            for key in dict.fromkeys(use.keys):
                told = KeyUse(place, use.operation, through, use.direct, use.default)
                is_external = area.is_external(path, key)
                yield KeyedUse(key, told, use.last, use.function, use.dropped, is_exempt, is_external)
