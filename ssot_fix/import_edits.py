"""Import statements whose names moved: the edits that repoint them, all of a file's together.

In place wherever that serves: then only the module's path changes. Names that part ways get statements of their own
directly below; an import of the target that stands in the same run of imports takes them in, unless a comment would
be lost or come to stand beside the wrong name. No statement ever leaves its block.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from typing import Any

from ssot_fix.bindings import Module
from ssot_fix.edits import Edit, apply_edits, in_order
from ssot_fix.import_layout import PRAGMA, Binding, Extraction, Import, Item, Layout, beside, swept
from ssot_fix.project.resolver import Project
from ssot_fix.statements import blocks

_USUAL_WIDTH = 88  # characters: where Black and Ruff wrap by default
_REACH = 100  # statements, up and down: what is further apart has nothing to do with one another
_IMPORT_LINE = re.compile(rb"(?<![^\r\n])[ \t\f]*(?:from|import)\b[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Moved:
    """One alias of an import statement and where it goes.

    `module` is the absolute module that offers it now, `name` its name there, None for a module as such; for a star,
    either. `bound` is the name that it has to bind afterwards. `import a.b` becomes a plain `import c.d` if `bound`
    is `c`, else `import c.d as bound`; so does `import a`, but for a `bound` that is still `a`: that means the module.
    """

    statement: ast.Import | ast.ImportFrom
    alias: ast.alias
    module: str
    name: str | None
    bound: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What an import statement has to look like: `module` is None for `import ...`, "" for `from . import ...`.

    `names` are (name, asname), in order.
    """

    module: str | None
    level: int
    names: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Composed:
    """Edits in `Source.body` offsets, and for every statement that they touch what stands in its place.

    That is its own new form first, then the statements that were split off; nothing if it is gone.
    """

    edits: list[Edit]
    expected: dict[ast.stmt, tuple[Statement, ...]]


def statement_of(node: ast.Import | ast.ImportFrom) -> Statement:
    """A statement of a tree in the form of `Composed.expected`."""
    names = tuple((alias.name, alias.asname) for alias in node.names)
    if isinstance(node, ast.Import):
        return Statement(None, 0, names)
    return Statement(node.module or "", node.level, names)


def why_not(module: Module, moved: Sequence[Moved]) -> dict[ast.stmt, str]:
    """The statements that can't be edited without harm, each with the reason, as a part of a sentence."""
    reasons = {node: _Rewrite(module, node, wanted).why_not for node, wanted in _by_statement(moved).items()}
    return {node: why for node, why in reasons.items() if why is not None}


def compose(module: Module, moved: Sequence[Moved], project: Project) -> Composed:
    """The edits, in order of place, that repoint all moved aliases of a file.

    Raises ValueError if `why_not` has a reason against one of the statements.
    """
    return _Composer(module, _by_statement(moved), project).run()


def _by_statement(moved: Sequence[Moved]) -> dict[Import, dict[ast.alias, Item]]:
    found: dict[Import, dict[ast.alias, Item]] = {}
    for move in sorted(moved, key=lambda move: (move.statement.lineno, move.statement.col_offset)):
        found.setdefault(move.statement, {})[move.alias] = _wanted(move)
    return found


# Names


def _wanted(move: Moved) -> Item:
    old, bound = move.alias, move.bound
    if old.name == "*":
        return Item(move.module, "*", None)
    marked = old.asname == old.name
    module, name = move.module, move.name
    if name is None and isinstance(move.statement, ast.ImportFrom):
        module, _, name = move.module.rpartition(".")
    if name is not None and module:
        return Item(module, name, bound if marked or bound != name else None)
    top, _, inner = move.module.partition(".")
    itself = bool(old.asname) or bound == old.name
    plain = bound == top and not (itself and inner) and not marked
    return Item(None, move.module, None if plain else bound)


def _items(module: Module, node: Import, wanted: Mapping[ast.alias, Item]) -> list[Item]:
    origin = _absolute(module, node)
    return [wanted.get(alias) or Item(origin, alias.name, alias.asname) for alias in node.names]


def _absolute(module: Module, node: Import) -> str | None:
    """The module that a statement takes names from; None for `import ...`."""
    if isinstance(node, ast.Import):
        return None
    return module.absolute("." * node.level + (node.module or "")).rstrip(".")


def _code(form: Statement) -> str:
    names = ", ".join(Item(None, *name).text for name in form.names)
    return f"import {names}" if form.module is None else f"from {'.' * form.level}{form.module} import {names}"


# One statement


@dataclass(slots=True)
class _Group:
    """Names of one statement that go to one module; `fixed` if some of them were there before."""

    module: str | None
    names: list[int] = field(default_factory=list)
    fixed: bool = False


@dataclass(slots=True)
class _Choice:
    """What becomes of a statement's names. Without a keeper, the statement goes."""

    keeper: _Group | None
    new: list[_Group]
    merged: list[tuple[Import, list[int]]] = field(default_factory=list)
    dropped: set[int] = field(default_factory=set)

    @property
    def leaving(self) -> dict[int, int | None]:
        """The names that leave the statement: those of new statements first, by number, the dropped ones to None."""
        places = [*(group.names for group in self.new), *(names for _, names in self.merged)]
        found: dict[int, int | None] = {index: place for place, names in enumerate(places) for index in names}
        return found | dict.fromkeys(self.dropped)


class _Rewrite:
    """A statement some of whose names move."""

    def __init__(self, module: Module, node: Import, wanted: Mapping[ast.alias, Item]) -> None:
        self.node = node
        self.layout = Layout(module, node)
        self.origin = _absolute(module, node)
        self.items = _items(module, node, wanted)
        self.moved = {index for index, alias in enumerate(node.names) if alias in wanted}

    @cached_property
    def groups(self) -> list[_Group]:
        """The names by where they go, in order; in `import a, b` each stays with its neighbours."""
        found: dict[object, _Group] = {}
        for index, item in enumerate(self.items):
            apart = item.module is None and self.origin is not None
            group = found.setdefault(item if apart else item.module, _Group(item.module))
            group.names.append(index)
            group.fixed |= index not in self.moved
        return list(found.values())

    @cached_property
    def alike(self) -> dict[Binding, list[int]]:
        """The names that bind the same to the same."""
        found: dict[Binding, list[int]] = {}
        for index, item in enumerate(self.items):
            found.setdefault(item.binding, []).append(index)
        return found

    @cached_property
    def contested(self) -> set[str]:
        """The names that it binds to several things, the last of which holds."""
        times = Counter(name for name, *_ in self.alike)
        return {name for name in times if times[name] > 1}

    @cached_property
    def why_not(self) -> str | None:
        plain = self.plain
        if contested := self.contested & {self.items[index].bound for index in plain.leaving}:
            return f"its names part ways, and it binds `{min(contested)}` more than once"
        if self.extraction(plain) is not None:
            return None
        if not (plain.keeper and self.fits(plain.keeper)):
            return "its form changes, and a comment inside it would be lost"
        return "its names part ways, and a comment inside it can't be told whose it is or can't go along"

    def fits(self, group: _Group) -> bool:
        """Whether a group can have the statement without changing `import ...` to `from ...` or back."""
        return (group.module is None) == (self.origin is None)

    @property
    def plain(self) -> _Choice:
        """One group keeps the statement, the others get their own."""
        keeper = self.keeper_of(self.groups)
        return _Choice(keeper, [group for group in self.groups if group is not keeper])

    def keeper_of(self, groups: Sequence[_Group]) -> _Group:
        """The group that the statement is left to: the one that was there, else the first that needs no other form."""
        return min(groups, key=lambda group: (not group.fixed, not self.fits(group)))

    def extraction(self, choice: _Choice) -> Extraction | None:
        """What the names that leave take with them; None if that can't be done cleanly."""
        if choice.keeper is None:
            return Extraction(comments={index: remark.text for index, remark in self.layout.beside.items()})
        if not self.fits(choice.keeper):
            return None if self.layout.remarks else Extraction()
        found = self.layout.extract(choice.leaving)
        merged = range(len(choice.new), len(choice.new) + len(choice.merged))
        return found if found is not None and not any(place in found.above for place in merged) else None

    def is_removable(self, dropped: set[int]) -> bool:
        """Whether the statement may go as a whole, all its names being bound elsewhere."""
        layout = self.layout
        if not layout.alone or layout.follows_comment or any(not remark.owners for remark in layout.remarks):
            return False
        only_pragma = PRAGMA.match(layout.trailing) and layout.trailing.count(b"#") == 1
        return not layout.trailing or (len(dropped) == len(self.items) and (len(dropped) == 1 or bool(only_pragma)))


# All statements


@dataclass(frozen=True, slots=True)
class _Placed:
    """A name of a statement as it is to be: with the index that it had, or None and the comment that it brings."""

    item: Item
    index: int | None
    comment: bytes = b""


@dataclass(slots=True)
class _Outcome:
    """A statement as it is to be. Into one that is `settled` others may still be merged."""

    layout: Layout
    form: Statement  # its names are those of `names`
    names: list[_Placed]
    edits: list[Edit] = field(default_factory=list)
    new: list[Statement] = field(default_factory=list)
    settled: bool = True

    @property
    def expected(self) -> tuple[Statement, ...]:
        if not self.names:
            return ()
        return replace(self.form, names=tuple((name.item.name, name.item.asname) for name in self.names)), *self.new

    def with_names(self, names: Iterable[_Placed]) -> _Outcome:
        """The same statement with more names, each in its place if they are in order, else at the end."""
        found = list(self.names)
        for name in names:
            known = [placed.item.name for placed in found]
            order = next((key for key in _ORDERS if known == sorted(known, key=key)), None)
            at = bisect_right([order(other) for other in known], order(name.item.name)) if order else len(known)
            found.insert(at, name)
        return replace(self, names=found)

    @property
    def all_edits(self) -> list[Edit]:
        """The edits of the names that were there, and those that add names."""
        gaps: dict[int, list[_Placed]] = {}
        following = len(self.layout.spans)
        for name in reversed(self.names):
            if name.index is None:
                gaps.setdefault(following, []).insert(0, name)
            else:
                following = name.index
        add = self._add_lines if self.layout.one_per_line else self._add_inline
        return [*self.edits, *(edit for index, names in gaps.items() for edit in add(index, names))]

    def _add_inline(self, index: int, names: Sequence[_Placed]) -> list[Edit]:
        if index == len(self.layout.spans):
            at, text = self.layout.spans[-1][1], "".join(f", {name.item.text}" for name in names)
        else:
            at, text = self.layout.spans[index][0], "".join(f"{name.item.text}, " for name in names)
        return [Edit(at, at, text.encode())]

    def _add_lines(self, index: int, names: Sequence[_Placed]) -> list[Edit]:
        layout, behind = self.layout, index == len(self.layout.spans)
        bare = behind and not layout.has_trailing_comma
        lines = layout.lines_of([index - behind])
        assert lines is not None
        commas = [","] * (len(names) - bare) + [""] * bare
        text = b"".join(
            layout.name_line(name.item.text + comma, name.comment) + layout.newline
            for name, comma in zip(names, commas, strict=True)
        )
        end = layout.spans[-1][1]
        return [Edit(end, end, b",")] * bare + [Edit(lines[behind], lines[behind], text)]


def _by_type(name: str) -> tuple[int, str]:
    """The default order of isort and Ruff: constants, classes, the rest."""
    if name.isupper() and len(name) > 1:
        return 0, name.lower()
    return (1 if name[:1].isupper() else 2), name.lower()


_ORDERS: tuple[Callable[[str], Any], ...] = (_by_type, str.lower, str)


class _Composer:
    """Goes through a file's statements in order; each may be merged into one that stays as it is or is done."""

    def __init__(self, module: Module, wanted: Mapping[Import, Mapping[ast.alias, Item]], project: Project) -> None:
        self._module, self._wanted, self._project = module, wanted, project
        self._source = module.source
        self._outcomes: dict[Import, _Outcome] = {}
        self._touched: dict[Import, None] = {}
        self._removed: list[Layout] = []
        self._bindings: dict[Import, set[Binding]] = {}

    def run(self) -> Composed:
        for node, wanted in self._wanted.items():
            rewrite = _Rewrite(self._module, node, wanted)
            if rewrite.why_not is not None:
                raise ValueError(f"line {node.lineno}: {rewrite.why_not}")
            self._repoint(rewrite)
        edits = [edit for node in self._touched for edit in self._outcomes[node].all_edits]
        edits += self._removals({edit.start for edit in edits})
        return Composed(in_order(edits), {node: self._outcomes[node].expected for node in self._touched})

    def _repoint(self, rewrite: _Rewrite) -> None:
        choice = self._choice(rewrite)
        extraction = rewrite.extraction(choice)
        if extraction is None:
            choice = rewrite.plain
            extraction = rewrite.extraction(choice)
        assert extraction is not None
        self._merge(rewrite, choice, extraction)
        self._rewrite(rewrite, choice, extraction)

    # Where the names go

    def _choice(self, rewrite: _Rewrite) -> _Choice:
        """Drop what is imported already, merge what can be merged; the rest stays or gets its own statement."""
        if rewrite.contested or rewrite.items[0].name == "*":
            return rewrite.plain
        left: list[_Group] = []
        merged: list[tuple[Import, list[int]]] = []
        dropped: set[int] = set()
        for group in rewrite.groups:
            bound = {index for index in group.names if self._is_bound(rewrite, index)}
            names = [index for index in group.names if index not in bound]
            target = self._target(rewrite, group, names) if names and not group.fixed else None
            dropped |= bound
            if target is not None:
                merged.append((target, names))
            elif names:
                left.append(replace(group, names=names))
        if not left and rewrite.is_removable(dropped):
            return _Choice(None, [], merged, dropped)
        keeper = rewrite.keeper_of(left or rewrite.groups)
        merged = [(target, names) for target, names in merged if names[0] not in keeper.names]
        return _Choice(keeper, [group for group in left if group is not keeper], merged, dropped - {*keeper.names})

    def _is_bound(self, rewrite: _Rewrite, index: int) -> bool:
        """Whether a moved name is superfluous: the same statement, or one in reach, binds the same already."""
        if index not in rewrite.moved:
            return False
        item = rewrite.items[index]
        same = (other for other in rewrite.alike[item.binding] if other < index or other not in rewrite.moved)
        if any(rewrite.items[other].serves_as(item) for other in same):
            return True
        return any(
            placed.item.serves_as(item)
            for node, outcome in self._in_reach(rewrite.node, [item])
            if item.binding in self._bound_by(node)
            for placed in outcome.names
        )

    def _target(self, rewrite: _Rewrite, group: _Group, names: Sequence[int]) -> Import | None:
        """The import that can take in some names without a change to anything else."""
        remarks = [rewrite.layout.beside[index] for index in names if index in rewrite.layout.beside]
        if group.module is None or rewrite.layout.pragmas or any(len(remark.owners) > 1 for remark in remarks):
            return None
        items = [rewrite.items[index] for index in names]
        for node, outcome in self._in_reach(rewrite.node, items):
            same = outcome.names[0].item.module == group.module
            if same and outcome.layout.takes_names(comments=bool(remarks)):
                grown = outcome.with_names(_Placed(item, None) for item in items)
                if self._width_of(grown) <= max(self._width_limit, self._width_of(outcome)):
                    return node
        return None

    def _in_reach(self, node: Import, items: Sequence[Item]) -> Iterator[tuple[Import, _Outcome]]:
        """The settled imports of the same run, the nearest first, above before below.

        Only as far as nothing binds the names of `items` to anything else.
        """
        wanted = {item.binding for item in items}
        names = {"*", *(name for name, *_ in wanted)}
        block = _block_of(self._module.tree, node)
        place = block.index(node)
        for others in (reversed(block[max(0, place - _REACH) : place]), block[place + 1 : place + 1 + _REACH]):
            for other in others:
                if not isinstance(other, ast.Import | ast.ImportFrom):
                    break
                if any(binding[0] in names and binding not in wanted for binding in self._bound_by(other)):
                    break
                outcome = self._outcome(other)
                if outcome.settled:
                    yield other, outcome

    def _bound_by(self, node: Import) -> set[Binding]:
        """All that a statement and what is split off from it or merged into it bind."""
        if node not in self._bindings:
            items = _items(self._module, node, self._wanted.get(node, {}))
            self._bindings[node] = {item.binding for item in items}
        return self._bindings[node]

    def _outcome(self, node: Import) -> _Outcome:
        """What a statement comes to, as far as that is known; one whose turn is still to come is not settled."""
        if node not in self._outcomes:
            names = [_Placed(item, index) for index, item in enumerate(_items(self._module, node, {}))]
            settled = node not in self._wanted
            self._outcomes[node] = _Outcome(Layout(self._module, node), statement_of(node), names, settled=settled)
        return self._outcomes[node]

    def _width_of(self, outcome: _Outcome) -> int:
        """The characters of the longest of a statement's lines."""
        start, end = outcome.layout.lines
        edits = [Edit(edit.start - start, edit.end - start, edit.text) for edit in outcome.all_edits]
        new = apply_edits(self._source.body[start:end], edits)
        return max(len(line) for line in re.split("[\r\n]", new.decode()))

    @cached_property
    def _width_limit(self) -> int:
        lines = _IMPORT_LINE.findall(self._source.body)
        return max([_USUAL_WIDTH, *(len(line.decode()) for line in lines if len(line) > _USUAL_WIDTH)])

    # How that is written

    def _merge(self, rewrite: _Rewrite, choice: _Choice, extraction: Extraction) -> None:
        for target, names in choice.merged:
            placed = [_Placed(rewrite.items[i], None, extraction.comments.get(i, b"")) for i in names]
            self._outcomes[target] = self._outcomes[target].with_names(placed)
            self._bound_by(target).update(name.item.binding for name in placed)
            self._touched[target] = None

    def _rewrite(self, rewrite: _Rewrite, choice: _Choice, extraction: Extraction) -> None:
        layout, keeper = rewrite.layout, choice.keeper
        self._touched[rewrite.node] = None
        if keeper is None:
            self._outcomes[rewrite.node] = _Outcome(layout, statement_of(rewrite.node), [], settled=False)
            self._removed.append(layout)
            return
        fits = rewrite.fits(keeper)
        outcome = _Outcome(layout, self._form(rewrite, keeper), [], settled=fits and not choice.leaving)
        if not fits:
            outcome.edits = [Edit(layout.start, layout.end, _code(outcome.form).encode())]
        else:
            outcome.edits = layout.path_edits(outcome.form.level, outcome.form.module or "")
        for index in keeper.names:
            item, edits = layout.name_edits(index, rewrite.items[index]) if fits else (rewrite.items[index], [])
            outcome.names.append(_Placed(item, index))
            outcome.edits += edits
        outcome.edits += [Edit(*span, b"") for span in (*extraction.spans, *layout.swept(extraction.lines))]
        outcome.new = [self._form(rewrite, group) for group in choice.new]
        outcome.edits += self._new_statements(layout, choice, extraction, outcome.new)
        self._outcomes[rewrite.node] = outcome

    def _new_statements(
        self, layout: Layout, choice: _Choice, extraction: Extraction, forms: Sequence[Statement]
    ) -> list[Edit]:
        """Write statements below another one, or behind it if it shares its line with others."""
        if not forms:
            return []
        if not layout.alone:
            return [Edit(layout.end, layout.end, "".join(f"; {_code(form)}" for form in forms).encode())]
        lines = []
        for place, (group, form) in enumerate(zip(choice.new, forms, strict=True)):
            lines += [layout.indent + text for text in extraction.above.get(place, [])]
            comments = [extraction.comments.get(index, b"") for index in group.names]
            lines += self._written(layout, form, extraction.behind.get(place, b""), comments)
        at = layout.lines[1]
        unfinished = not self._source.body[:at].endswith((b"\n", b"\r"))
        return [Edit(at, at, layout.newline.join([b"", *lines] if unfinished else [*lines, b""]))]

    def _written(self, layout: Layout, form: Statement, behind: bytes, comments: Sequence[bytes]) -> list[bytes]:
        """The lines of a new statement: one if that is not too long and keeps each comment beside its name."""
        code = layout.indent + _code(form).encode()
        single = len(form.names) == 1
        if single or (not any(comments) and len(code.decode()) <= self._width_limit):
            return [beside(code, *layout.pragmas, behind, *(comments if single else ()))]
        opening = layout.indent + _code(replace(form, names=(("(", None),))).encode()
        texts = [f"{Item(None, *name).text}," for name in form.names]
        names = [layout.name_line(text, comment) for text, comment in zip(texts, comments, strict=True)]
        return [beside(opening, *layout.pragmas, behind), *names, layout.indent + b")"]

    def _form(self, rewrite: _Rewrite, group: _Group) -> Statement:
        """A group as a statement: relative where the old one is, if that takes no more dots and finds the module."""
        node, module = rewrite.node, group.module
        items = [rewrite.items[index] for index in group.names]
        names = tuple((item.name, item.asname) for item in items)
        if isinstance(node, ast.ImportFrom) and module == rewrite.origin:
            return Statement(node.module or "", node.level, names)
        if isinstance(node, ast.Import) or not node.level or module is None:
            return Statement(module, 0, names)
        package, parts = self._module.name.split("."), module.split(".")
        package = package if self._module.is_package else package[:-1]
        common = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(package, parts, strict=False))))
        level = len(package) - common + 1
        if common and level <= node.level and self._is_beside(module, [item.name for item in items]):
            return Statement(".".join(parts[common:]), level, names)
        return Statement(module, 0, names)

    def _is_beside(self, module: str, names: Sequence[str]) -> bool:
        """Whether a module, or a module called like one of the names in it, lies under this file's source root."""
        root = self._project.source_root_of(self._module.path)
        return any(self._project.locate(path, (root,)) for path in (module, *(f"{module}.{name}" for name in names)))

    def _removals(self, taken: Collection[int]) -> Iterator[Edit]:
        """The lines of statements that go; what is `taken` are the offsets of other edits."""
        body = self._source.body
        opening = {x.lines[0] for x in self._removed if _block_of(self._module.tree, x.node)[0] is x.node}
        for start, end in swept(self._source, [layout.lines for layout in self._removed], opening, len(body)):
            unfinished = end == len(body) and not body.endswith((b"\n", b"\r")) and start not in taken
            kept = body[:start].removesuffix(b"\n").removesuffix(b"\r")
            yield Edit(len(kept) if unfinished else start, end, b"")


def _block_of(tree: ast.Module, node: ast.stmt) -> list[ast.stmt]:
    """The list of statements that holds a statement."""
    waiting: list[ast.AST] = [tree]
    while True:
        holder = waiting.pop()
        for block in blocks(holder):
            if node in block:
                return block
            at = bisect_right(block, node.lineno, key=lambda inner: inner.lineno)
            while at and node.lineno <= (block[at - 1].end_lineno or 0):  # those that share lines: `a; if b: import c`
                at -= 1
                waiting.append(block[at])
        waiting += [*getattr(holder, "handlers", ()), *getattr(holder, "cases", ())]
