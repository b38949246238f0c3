"""The sites of one module: where its programs start, what replaces its streams, what comes too late."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain

from codemods.utf8_streams.flow import Event, Flow
from codemods.utf8_streams.inserting import block_unit, insert_lines
from codemods.utf8_streams.options import NAME, Options
from codemods.utf8_streams.reasons import Refused
from codemods.utf8_streams.replacing import Replacement, replacements
from codemods.utf8_streams.starts import NoStart, Start, find_starts
from codemods.utf8_streams.survey import is_start
from codemods.utf8_streams.variables import set_too_late
from ssot_fix.asking import AskedMapping, AskedSet
from ssot_fix.bindings import Module, Scope
from ssot_fix.callees import is_builtin_at
from ssot_fix.edits import Applicability, Refusal
from ssot_fix.imports import Binder, Reach, Target
from ssot_fix.project.resolver import Project
from ssot_fix.reachability import reachable_from
from ssot_fix.sites import Inserted, Replaced, Site

_SYS = Target("sys")
_NAMES = ("stream", "std_stream", "text_stream", "output_stream")
_LISTS_NAMES = re.compile(rb"\b(?:locals|vars|dir)\s*\(\s*\)|\b(?:exec|eval)\s*\(")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Known:
    """What the whole project tells; picklable.

    `scripts` are, by file, the attributes that console scripts name; `writers` and `non_ascii` the files that may
    write text, and such with other characters than ASCII; `launchers` those that import one that may. `configures`
    are by file the functions that give a stream its encoding, "" for its import; `imported` the files that others
    import, `near` those from which an import that gives one may be reached.
    """

    scripts: AskedMapping[str, frozenset[str]]
    configures: AskedMapping[str, frozenset[str]]
    writers: AskedSet[str]
    non_ascii: AskedSet[str]
    launchers: AskedSet[str]
    imported: AskedSet[str]
    near: AskedSet[str]

    @property
    def tables(self) -> tuple[AskedSet[str] | AskedMapping[str, frozenset[str]], ...]:
        """All of it."""
        several = (self.writers, self.non_ascii, self.launchers, self.imported, self.near)
        return self.scripts, self.configures, *several

    def has_utf8(self, path: str, name: str) -> bool:
        """Whether a function gives the streams their encoding, or will, being a console script's."""
        gets_lines = name in self.scripts.get(path, ()) and path in self.writers
        return bool(name) and (name in self.configures.get(path, ()) or gets_lines)


class Sites:
    """Makes the sites of one module. `helper` is what is called, if the project has a function for it."""

    def __init__(
        self, module: Module, project: Project, options: Options, helper: Target | None, known: Known
    ) -> None:
        self._module = module
        self._project = project
        self._options = options
        self._helper = helper
        self._known = known
        self._flow = Flow(module, project, partial(_gives_utf8, known, helper))  # not bound to this one: a cycle
        self._binders: dict[Target, Binder] = {}

    def all(self) -> list[Site]:
        """Every site, in the order of the source."""
        found = [*self._replaced(), *self._variables(), *self._starts()]
        return sorted(found, key=lambda site: (self._module.start(site.node), -self._module.end(site.node)))

    # Replaced streams

    def _replaced(self) -> Iterator[Site]:
        found = replacements(self._module, self._project, lambda indent: block_unit(self._module, indent))
        for place in found:
            several = sum(other.stream == place.stream for other in found) > 1
            yield self._replacement_site(place, several)

    def _replacement_site(self, place: Replacement, several: bool) -> Site:
        what = "more than once, which closes it" if several else "by a wrapper"
        site = Site(NAME, place.node, "replaced-stream", f"replaces sys.{place.stream} {what}", Applicability.MANUAL)
        refusal = place.refusal
        if refusal is None and self._runs_at_import(place.node) and self._module.path in self._known.imported:
            refusal = Refusal("imported-elsewhere", f"replaces sys.{place.stream} for all that import this module")
        scope = place.scope or self._module.root
        if refusal is None and not is_builtin_at(self._module, self._project, "hasattr", scope):
            refusal = Refusal("name-taken", "`hasattr` already means something else here")
        if refusal is not None:
            site.refusal, site.message = refusal, refusal.message
            return site
        assert place.edit is not None
        assert isinstance(place.node, ast.stmt)
        site.applicability = Applicability.UNSAFE
        site.message += "; other code may rely on that object"
        site.edits, site.references = (place.edit,), place.lost
        site.replaced = (Replaced(place.node, ast.unparse(ast.parse(place.text))),)
        return site

    def _runs_at_import(self, node: ast.AST) -> bool:
        return not any(isinstance(a, _FUNCTIONS) or is_start(a) for a in self._module.ancestors(node))

    # Variables

    def _variables(self) -> Iterator[Site]:
        for node, name in set_too_late(self._module, self._project):
            message = f"{name} is read when Python starts: set here it is for programs that this one starts"
            refusal = Refusal("no-effect", message)
            yield Site(NAME, node, "variable", message, Applicability.MANUAL, refusal)

    # Where programs start

    def _starts(self) -> Iterator[Site]:
        done = False
        for start in find_starts(self._module, self._known.scripts.get(self._module.path, ())):
            if isinstance(start, NoStart):
                refusal = Refusal(start.reason, start.message)
                yield Site(NAME, start.node, "entry-point", start.message, Applicability.MANUAL, refusal)
            elif done and start.kind == "main-block":
                continue
            elif self._is_configured(start):
                done = done or self._is_for_all(start)
            elif self._writes(start):
                site = self._start_site(start)
                done = done or (self._is_for_all(start) and site.refusal is None)
                if start.name and site.refusal is None:
                    self._flow.starts.add(start.name.rpartition(".")[2])
                yield site

    def _is_for_all(self, start: Start) -> bool:
        """Whether a block runs whenever the program does, so that later ones need no lines."""
        always = start.kind == "main-block" and start.owner in self._module.tree.body
        return always and isinstance(start.node, ast.Compare)

    def _is_configured(self, start: Start) -> bool:
        """Whether a program gives its streams an encoding before it writes."""
        if self._flow.first(start.block) is Event.CONFIGURES or self._flow.configures_at_import(start.owner):
            return True
        return self._module.path in self._known.near and self._is_configured_by_import()

    def _writes(self, start: Start) -> bool:
        """Whether a program writes what the settings ask for, as far as is in sight."""
        wanted, flow, known = self._options.entry_points, self._flow, self._known
        if wanted == "all" or (wanted == "writing" and flow.first(start.block) is Event.WRITES):
            return True
        others = flow.called_files & known.writers
        if wanted == "non-ascii":
            return flow.writes_non_ascii or bool(others & known.non_ascii)
        return flow.writes or bool(others or flow.called_files & known.launchers)

    def _is_configured_by_import(self) -> bool:
        path = self._module.path
        reached = self._project.reached_from(path, path, in_functions=False) - {path}
        return any("" in self._known.configures.get(file, ()) for file in reached)

    def _start_site(self, start: Start) -> Site:
        site = Site(NAME, start.node, "entry-point", _MESSAGES[start.kind], Applicability.MANUAL)
        place = start.block[min(start.index, len(start.block) - 1)]
        try:
            lines = self._call_helper(site, place, start) if self._helper else self._loop(site, place, start)
            edit = insert_lines(self._module, start, lines)
        except Refused as refused:
            site.refusal, site.message = refused.refusal, refused.refusal.message
            return site
        text = "\n".join(lines)
        site.applicability, site.edits, site.changed = Applicability.SAFE, (edit,), place
        site.replacement = text.replace("\t", "    ")
        sources = tuple(ast.unparse(statement) for statement in ast.parse(text).body)
        site.inserted = Inserted(start.block, start.index, sources)
        return site

    def _loop(self, site: Site, place: ast.stmt, start: Start) -> list[str]:
        """The lines that do it, where the project has no function of its own for that."""
        scope = self._scope(start)
        if not is_builtin_at(self._module, self._project, "hasattr", scope):
            raise Refused("name-taken", "`hasattr` already means something else here")
        self._check_names(start, scope)
        binder, lines = self._binder(_SYS), list[str]()
        reach = binder.reach(place, scope)
        if isinstance(reach, Refusal) and self._imports_sys_later(scope):
            reach, lines = Reach("sys", needs_import=False), ["import sys"]
        site.binder, site.expression, site.needs_import = _reached(binder, reach)
        name, errors = self._free_name(), self._options.errors
        return [
            *lines,
            f"for {name} in ({site.expression}.stdout, {site.expression}.stderr):",
            f'\tif hasattr({name}, "reconfigure"):',
            f'\t\t{name}.reconfigure(encoding="utf-8", errors="{errors}")',
        ]

    def _check_names(self, start: Start, scope: Scope) -> None:
        """Refuse where the lines' own names would be seen, or come before what says whose they are."""
        if "sys" in scope.global_names:
            raise Refused("name-taken", "`sys` is declared global here, which has to come before its use")
        if start.kind == "console-script" and _LISTS_NAMES.search(self._module.code(start.owner)):
            raise Refused(
                "name-taken", "the function hands on all of its local names, and another one would be among them"
            )

    def _call_helper(self, site: Site, place: ast.stmt, start: Start) -> list[str]:
        target, path = self._helper, self._module.path
        assert target is not None
        if path == target.path or path in self._project.reached_from(target.path, path):
            raise Refused("import-cycle", f"importing `{target.module}` imports this module")
        reachable = reachable_from(self._module, self._project, target.root, target.module.partition(".")[0])
        binder = self._binder(target, reachable if isinstance(reachable, int) else 0)
        found = _reached(binder, binder.reach(place, self._scope(start)))
        site.binder, site.expression, site.needs_import = found
        if site.needs_import and isinstance(reachable, Refusal):
            raise Refused(reachable.reason, reachable.message)
        return [f"{site.expression}()"]

    def _binder(self, target: Target, earliest: int = 0) -> Binder:
        """One binder a target, so that the planner adds its import once."""
        if target not in self._binders:
            self._binders[target] = Binder(self._module, self._project, target, earliest)
        return self._binders[target]

    def _scope(self, start: Start) -> Scope:
        found = (scope for scope in self._module.scopes if scope.node is start.owner)
        return next(found, self._module.root)

    def _imports_sys_later(self, scope: Scope) -> bool:
        """Whether all that stands against `sys` is that the function imports it itself, further down."""
        bindings = scope.bindings.get("sys", [])
        plain = all(binding.kind == "import" and binding.target == "sys" for binding in bindings)
        return scope.kind == "function" and bool(bindings) and plain and "sys" not in scope.global_names

    def _free_name(self) -> str:
        """A name for the loop that nothing in the file is called, so that nothing is shadowed or overwritten."""
        numbered = (f"stream_{number}" for number in range(2, 10_000))
        return next(name for name in chain(_NAMES, numbered) if not self._module.source.spells(name))


def _gives_utf8(known: Known, helper: Target | None, path: str, name: str) -> bool:
    """Whether a function of a file gives the streams their encoding."""
    return known.has_utf8(path, name) or (helper is not None and (path, name) == (helper.path, helper.name))


_MESSAGES = {
    "main-block": "the program starts here and gives its streams no encoding",
    "console-script": "a console script starts here and gives its streams no encoding",
    "main-module": "`python -m` starts here and gives its streams no encoding",
}


def _reached(binder: Binder, reach: Reach | Refusal) -> tuple[Binder, str, bool]:
    """What a site needs to know of its target. Raises Refused if it can't be reached."""
    if isinstance(reach, Refusal):
        raise Refused(reach.reason, reach.message)
    return binder, reach.expression, reach.needs_import
