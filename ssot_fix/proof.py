"""What must hold before a change is offered (docs/architecture.md, The proof).

Each step looks at the new text afresh. The planner says what it meant to change; that nothing else did is
found out here by comparing trees, and that names mean what was meant by binding them anew.
"""

from __future__ import annotations

import ast
import symtable
import sys
import warnings
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from ssot_fix.bindings import Binding, Module, Reference
from ssot_fix.edits import Edit, apply_edits
from ssot_fix.import_edits import Statement, statement_of
from ssot_fix.imports import Binder, Target
from ssot_fix.newer_syntax import Unparseable, parse
from ssot_fix.preparation import Preparation
from ssot_fix.project.resolver import Project
from ssot_fix.run_order import RunOrder
from ssot_fix.sites import Keyword, Plan, Site
from ssot_fix.source import Source, UnreadableText
from ssot_fix.statements import is_import, runs_at_import


class ProofFailed(Exception):
    """The new text is not what was meant; the message names the step and the place."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The new text that was proved, as a module, and the edits that lead to its raw bytes from the file's own."""

    edits: tuple[Edit, ...]
    module: Module


def prove(module: Module, plan: Plan, project: Project, seeds: frozenset[str]) -> Proof:
    """Carry out a plan on a copy and hold the result to the first four conditions; `engine.settle` sees to the fifth.

    Raises ProofFailed.
    """
    edits = _raw_edits(module.source, plan)
    new = _parse_again(module, apply_edits(module.source.raw, edits), seeds)
    _Comparison(module, new, plan).run()
    _check_moves(module, plan)
    _check_bindings(module, new, plan)
    _check_inserted(module, plan)
    _check_imports(module, new, plan, project)
    _check_moved_imports(module, plan, project)
    return Proof(tuple(edits), new)


def _raw_edits(source: Source, plan: Plan) -> list[Edit]:
    try:
        return [
            Edit(
                source.raw_offset(edit.start),
                source.raw_offset(edit.end),
                source.raw_text(edit.text.decode()),
            )
            for edit in plan.edits
        ]
    except UnreadableText as error:
        raise ProofFailed(f"syntax: {error}") from None


def _parse_again(module: Module, raw: bytes, seeds: frozenset[str]) -> Module:
    """Step 1: the parser that read the old text reads the new one, in the same encoding."""
    try:
        source = Source(raw)
        parsed = parse(source.text, source.body)
    except (UnreadableText, Unparseable) as error:
        raise ProofFailed(f"syntax: {error}") from None
    if source.encoding != module.source.encoding:
        raise ProofFailed(f"syntax: the encoding declaration changed to {source.encoding}")
    if parsed.parser != module.parsed.parser:
        raise ProofFailed("syntax: the new text needs another parser")
    if parsed.parser == "ast" and (why := _uncompilable(source.text)) and not _uncompilable(module.source.text):
        raise ProofFailed(f"syntax: {why}")
    return Module(module.path, module.name, source, parsed, seeds)


def _uncompilable(text: str) -> str | None:
    """What is wrong with the names of a text that parses: a lost nonlocal, a late __future__ import."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            symtable.symtable(text, "<new text>", "exec")
    except (SyntaxError, ValueError) as error:
        return str(error)
    except (RecursionError, MemoryError):
        return None
    return None


class _Comparison:
    """Step 2: the trees are equal once the declared sites and import changes are set aside."""

    def __init__(self, old: Module, new: Module, plan: Plan) -> None:
        self._old, self._new, self._plan = old, new, plan
        rewritten = plan.rewritten()
        self._sites = {site.place: site for site in rewritten if not site.is_declared}
        self._replaced = {r.node: r.source for site in rewritten for r in site.replaced}
        self._keywords = {site.keyword.call: site.keyword for site in rewritten if site.keyword}
        self._inserted = {id(site.inserted.block): site.inserted for site in rewritten if site.inserted}
        touched = [*self._sites, *self._replaced, *self._keywords, *plan.dropped, *plan.merged, *plan.expected]
        touched += [inserted.block[0] for inserted in self._inserted.values()]
        self._touched = sorted(getattr(node, "lineno", 0) for node in touched)
        self._met: set[ast.AST] = set()
        self._added = {binder.target.statement for binder in plan.placed}
        self._pairs: list[tuple[object, object]] = []

    def run(self) -> None:
        self._pairs = [(self._old.tree, self._new.tree)]
        while self._pairs:
            self._compare(*self._pairs.pop())
        if missed := (self._sites.keys() | self._replaced.keys() | self._keywords.keys()) - self._met:
            self._fail(next(iter(missed)), "a site is gone")
        if self._inserted:
            self._fail(next(iter(self._inserted.values())).block[0], "what was to come in is missing")
        if self._added:
            self._fail(self._old.tree, "an added import is missing")
        if ast.get_docstring(self._old.tree, clean=False) != ast.get_docstring(self._new.tree, clean=False):
            self._fail(self._old.tree, "the docstring changed")

    def _compare(self, old: object, new: object) -> None:
        if isinstance(old, ast.AST) and old in self._sites:
            self._compare_site(self._sites[old], old, new)
        elif isinstance(old, ast.AST) and old in self._replaced:
            self._met.add(old)
            self._compare_source(self._replaced[old], new, old)
        elif isinstance(old, _Spelled):
            self._compare_source(old.source, new, new)
        elif isinstance(old, Statement):
            if not isinstance(new, ast.Import | ast.ImportFrom) or statement_of(new) != old:
                self._fail(new if isinstance(new, ast.AST) else None, f"not the import that was meant: {old}")
        elif isinstance(old, list) and isinstance(new, list):
            self._compare_lists(old, new)
        elif isinstance(old, ast.AST) and isinstance(new, ast.AST):
            self._compare_nodes(old, new)
        elif type(old) is not type(new) or not _same_value(old, new):
            self._fail(None, "a value changed")

    def _compare_nodes(self, old: ast.AST, new: ast.AST) -> None:
        if type(old) is not type(new):
            self._fail(old, f"{type(old).__name__} became {type(new).__name__}")
        if isinstance(old, ast.ImportFrom) and isinstance(new, ast.ImportFrom):
            self._compare_import(old, new)
            return
        if isinstance(old, ast.Import) and isinstance(new, ast.Import):
            self._push(self._kept_names(old), new.names)
            return
        if isinstance(old, ast.Call) and isinstance(new, ast.Call) and old in self._keywords:
            self._compare_call(self._keywords[old], old, new)
            return
        for name in old._fields:
            self._pairs.append((getattr(old, name, None), getattr(new, name, None)))

    def _compare_source(self, source: str, new: object, place: object) -> None:
        if not isinstance(new, ast.AST) or ast.unparse(new) != source:
            self._fail(place if isinstance(place, ast.AST) else None, f"not `{source}` now")

    def _compare_call(self, gained: Keyword, old: ast.Call, new: ast.Call) -> None:
        self._met.add(old)
        last = new.keywords[-1] if new.keywords else None
        value = last.value if last is not None and last.arg == gained.name else None
        if not isinstance(value, ast.Constant) or value.value != gained.value:
            self._fail(old, f"the last argument is not `{gained.name}` now")
        self._pairs += [(old.func, new.func), (old.args, new.args), (old.keywords, new.keywords[:-1])]

    def _compare_import(self, old: ast.ImportFrom, new: ast.ImportFrom) -> None:
        names = list(new.names)
        if binder := self._plan.merged.get(old):
            added = [alias for alias in names if alias.name == binder.target.name and alias.asname is None]
            if len(added) != 1:
                self._fail(old, "the merged name is missing")
            names.remove(added[0])
        self._pairs += [(old.module, new.module), (old.level, new.level)]
        self._push(self._kept_names(old), names)

    def _kept_names(self, old: ast.Import | ast.ImportFrom) -> list[ast.alias]:
        return [alias for alias in old.names if alias not in self._plan.dropped.get(old, ())]

    def _compare_lists(self, old: list[object], new: list[object]) -> None:
        dropped, added = self._plan.dropped, []
        kept: list[object] = []
        inserted, at = self._inserted.pop(id(old), None), 0
        for index, node in enumerate(old):
            if isinstance(node, ast.stmt) and node in self._plan.expected:
                kept += self._plan.expected[node]
            elif not (isinstance(node, ast.stmt) and node in dropped and not self._kept_names(node)):  # type: ignore[arg-type]
                kept.append(node)
            if inserted is not None and index < inserted.index:
                at = len(kept)
        if inserted is not None:
            kept[at:at] = map(_Spelled, inserted.sources)
        if len(new) > len(kept) and old is self._old.tree.body:
            added = [node for node in new if self._is_added(node)]
        self._push(kept, [node for node in new if node not in added])

    def _is_added(self, node: object) -> bool:
        statement = ast.unparse(node) if isinstance(node, ast.Import | ast.ImportFrom) else ""
        if statement not in self._added:
            return False
        self._added.discard(statement)
        return True

    def _push(self, old: list[ast.alias] | list[object], new: list[ast.alias] | list[object]) -> None:
        if len(old) != len(new):
            self._fail(next((node for node in old if isinstance(node, ast.AST)), None), "statements came or went")
        self._pairs += [pair for pair in zip(old, new, strict=True) if not self._same_text(*pair)]

    def _same_text(self, old: object, new: object) -> bool:
        """A shortcut for statements without sites: equal text at one level of nesting has equal trees."""
        if not isinstance(old, ast.stmt) or not isinstance(new, ast.stmt):
            return False
        if getattr(old, "decorator_list", ()) or getattr(new, "decorator_list", ()):
            return False  # decorators lie outside a definition's own span
        at = bisect_left(self._touched, old.lineno)
        touched = at < len(self._touched) and self._touched[at] <= (old.end_lineno or old.lineno)
        return not touched and self._old.code(old) == self._new.code(new)

    def _compare_site(self, site: Site, old: ast.AST, new: object) -> None:
        self._met.add(old)
        start, end = self._plan.new_span(site, self._old.start(old), self._old.end(old))
        span = start + self._new.source.body[start:end].startswith(b" "), end
        if not isinstance(new, ast.AST) or (self._new.start(new), self._new.end(new)) != span:
            self._fail(old, "a rewritten site is not where it should be")
        assert isinstance(new, ast.AST)
        if not site.kept:
            return
        call = new.value if isinstance(new, ast.Expr) else new
        call = call.operand if isinstance(call, ast.UnaryOp) else call
        if not isinstance(call, ast.Call):
            self._fail(old, "a rewritten site is no call")
        assert isinstance(call, ast.Call)
        arguments = sorted([*call.args, *(k.value for k in call.keywords)], key=lambda n: (n.lineno, n.col_offset))
        self._pairs += list(zip(site.kept, arguments, strict=False))
        if len(arguments) < len(site.kept):
            self._fail(old, "an argument is gone")

    def _fail(self, node: ast.AST | None, what: str) -> None:
        line = getattr(node, "lineno", None)
        raise ProofFailed(f"tree: {what}" + (f" (line {line})" if line else ""))


@dataclass(frozen=True, slots=True)
class _Spelled:
    """Stands in the old tree for a statement that comes in."""

    source: str


def _same_value(old: object, new: object) -> bool:
    # Not by repr, which refuses integers of thousands of digits; what is not equal to itself is nan.
    return old == new or (old != old and new != new)  # noqa: PLR0124


def _check_bindings(old: Module, new: Module, plan: Plan) -> None:
    """Step 3: introduced names mean the target; no name that was bound lost its binding."""
    binders: dict[Binder, Binder] = {}
    references = sorted(new.references, key=lambda reference: new.start(reference.node))
    starts = [new.start(reference.node) for reference in references]
    for site in plan.rewritten():
        if site.binder is None:
            continue
        first, last = _introduced(old, plan, site)
        base = site.expression.partition(".")[0]
        inside = references[bisect_left(starts, first) : bisect_left(starts, last)]
        found = [reference for reference in inside if reference.node.id == base]
        binder = binders.setdefault(site.binder, Binder(new, site.binder.project, site.binder.target))
        if not found or any(not binder.means_target(site.expression, r) for r in found):
            line = new.source.line_of(first)
            raise ProofFailed(f"bindings: `{base}` does not mean {site.binder.target.dotted} at line {line}")
    _check_renamed(old, new, plan, references, starts)
    lost = {alias.asname or alias.name.partition(".")[0] for names in plan.dropped.values() for alias in names}
    lost |= {
        site.moved.alias.asname or site.moved.alias.name.partition(".")[0] for site in plan.rewritten() if site.moved
    }
    unbound_before = {r.node.id for r in old.references if old.lookup(r.node.id, r.scope) is None}
    for reference in new.references:
        name = reference.node.id
        if name in lost - unbound_before and not _is_bound(new, reference):
            raise ProofFailed(f"bindings: `{name}` on line {reference.node.lineno} lost its import")


def _introduced(old: Module, plan: Plan, site: Site) -> tuple[int, int]:
    """Where in the new text the code stands through which a site reaches its target."""
    if site.inserted is not None:
        return plan.new_span(site, site.edits[0].start, site.edits[-1].end)
    return plan.new_span(site, old.start(site.place), old.end(site.place))


def _check_inserted(old: Module, plan: Plan) -> None:
    """Step 3: what inserted statements bind is not called like anything that the file spells."""
    for site in plan.rewritten():
        for source in site.inserted.sources if site.inserted is not None else ():
            for node in ast.walk(ast.parse(source)):
                if not isinstance(node, ast.Name) or isinstance(node.ctx, ast.Load):
                    continue
                if old.source.spells(node.id):
                    raise ProofFailed(f"bindings: `{node.id}` means something in this file already")


def _is_bound(module: Module, use: Reference) -> bool:
    """Whether a name is bound where it is read; in a class body, before the class itself binds it."""
    name, found = use.node.id, module.lookup(use.node.id, use.scope)
    if found is not None and found.kind == "class" and found.parent is not None and module.reads_around(use, found):
        return module.lookup(name, found.parent) is not None
    return found is not None


def _check_moves(old: Module, plan: Plan) -> None:
    """Step 3: the statements that moves touch bind what they did, moves applied, and nothing else."""
    moved = {site.moved.alias: site.moved for site in plan.rewritten() if site.moved is not None}
    before: set[tuple[str, str]] = set()
    after: set[tuple[str, str]] = set()
    for statement, expected in plan.expected.items():
        assert isinstance(statement, ast.Import | ast.ImportFrom)
        for alias in statement.names:
            move = moved.get(alias)
            if move is None:
                before.add(_bound(old, statement_of(statement), alias.name, alias.asname))
            elif move.name is None:
                plain = isinstance(statement, ast.Import) and alias.asname is None
                before.add((move.module if plain else move.bound, move.module))
            else:
                before.add((move.bound, f"{move.module}.{move.name}"))
        after |= {_bound(old, each, *name) for each in expected for name in each.names}
    # A name that another import of the file binds to the same is not bound twice.
    there = {
        _bound(old, statement_of(node), alias.name, alias.asname)
        for node in old.parents
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in plan.expected
        for alias in node.names
    }
    if after - before or before - after - there:
        differ = ", ".join(sorted(f"{name} from {target}" for name, target in before ^ after))
        raise ProofFailed(f"bindings: the moved imports would not bind what was meant: {differ}")


def _bound(module: Module, statement: Statement, name: str, asname: str | None) -> tuple[str, str]:
    """What an import binds, and to what; `import a.b` binds a path."""
    if statement.module is None:
        return asname or name, name
    origin = module.absolute("." * statement.level + statement.module)
    joint = "" if origin.endswith(".") else "."
    return asname or name, f"{origin}{joint}{name}"


def _check_renamed(
    old: Module, new: Module, plan: Plan, references: Sequence[Reference], starts: Sequence[int]
) -> None:
    """Step 3: every use that was renamed means the import that was moved."""
    for site in plan.rewritten():
        if site.moved is None:
            continue
        target = f"{site.moved.module}.{site.moved.name}" if site.moved.name else site.moved.module
        for replaced in site.replaced:
            if isinstance(replaced.node, ast.Constant):
                continue
            first, last = plan.new_place(old.start(replaced.node), old.end(replaced.node))
            base = replaced.source.partition(".")[0]
            inside = references[bisect_left(starts, first) : bisect_left(starts, last)]
            bindings = [b for r in inside if r.node.id == base for b in new.meanings(base, r.scope)]
            if not bindings or not all(_leads_to(new, binding, target) for binding in bindings):
                line = new.source.line_of(first)
                raise ProofFailed(f"bindings: `{replaced.source}` does not mean {target} at line {line}")


def _leads_to(module: Module, binding: Binding, target: str) -> bool:
    if binding.kind != "import" or binding.target is None:
        return False
    bound = module.absolute(binding.target)
    return target == bound or target.startswith(f"{bound}.")


def _check_moved_imports(old: Module, plan: Plan, project: Project) -> None:
    """Step 4: what moved imports are moved to is there, and importing it does not lead back here."""
    for site in plan.rewritten():
        if site.moved is None:
            continue
        module, name = site.moved.module, site.moved.name
        if project.offers(module, name) is False:
            what = f"{module} has no `{name}`" if name else f"{module} is not in the project"
            raise ProofFailed(f"imports: {what}")
        if runs_at_import(old, site.moved.statement) and project.leads_back(module, name, old.path):
            raise ProofFailed(f"imports: {module} imports this module")


def _check_imports(old: Module, new: Module, plan: Plan, project: Project) -> None:
    """Step 4: added imports resolve, close no cycle, and stand where they always run, in time."""
    for binder in [*plan.placed, *plan.merged.values()]:
        target = binder.target
        _check_target(old, target, project)
        index = _index_of_import(new, target)
        preparation = Preparation(new, project, RunOrder(new))
        for later in new.tree.body[index + 1 :]:
            if isinstance(later, ast.ImportFrom) and later.module == "__future__":
                raise ProofFailed("imports: placed above a __future__ import")
            if target.name and binder in plan.placed and preparation.prepares(later):
                raise ProofFailed(f"imports: placed above the change of sys.path on line {later.lineno}")


def _check_target(old: Module, target: Target, project: Project) -> None:
    if not target.name:
        if target.module not in sys.stdlib_module_names:
            raise ProofFailed(f"imports: {target.module} is not in the standard library")
        return
    if project.locate(target.module, (target.root,)) != target.path:
        raise ProofFailed(f"imports: {target.module} is not in the project")
    if old.path in project.reached_from(target.path, old.path):
        raise ProofFailed(f"imports: {target.module} imports this module")


def _index_of_import(new: Module, target: Target) -> int:
    for index, statement in enumerate(new.tree.body):
        if not target.name and is_import(statement) and ast.unparse(statement) == target.statement:
            return index
        if isinstance(statement, ast.ImportFrom) and any(alias.name == target.name for alias in statement.names):
            origin = new.absolute("." * statement.level + (statement.module or ""))
            if origin == target.module:
                return index
    raise ProofFailed(f"imports: {target.module} is not imported at module level")
