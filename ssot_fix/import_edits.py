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
from itertools import groupby, pairwise, takewhile
from typing import Any

from ssot_fix.bindings import Module
from ssot_fix.edits import Edit, apply_edits, in_order
from ssot_fix.imports import blocks
from ssot_fix.project.resolver import Project
from ssot_fix.source import Source

_Import = ast.Import | ast.ImportFrom
_Span = tuple[int, int]
_Binding = tuple[str, str | None, str]  # the name, the module, and its name there

_USUAL_WIDTH = 88  # characters: where Black and Ruff wrap by default
_REACH = 100  # statements, up and down: what is further apart has nothing to do with one another
_GAP = rb"(?:[ \t\f]|\\(?:\r\n|\r|\n))*"
_NAME = rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*"
_DOTTED = _NAME + rb"(?:" + _GAP + rb"\." + _GAP + _NAME + rb")*"
_PATH = rb"\.(?:" + _GAP + rb"\.)*(?:" + _GAP + _DOTTED + rb")?|" + _DOTTED
_FROM = re.compile(rb"from" + _GAP + rb"(" + _PATH + rb")" + _GAP + rb"import(?![\w\x80-\xff])")
_WIDE_GAP = rb"(?:[\s\\]|#[^\r\n]*[\r\n])+"
_AS = re.compile(rb"(" + _DOTTED + rb")" + _WIDE_GAP + rb"as" + _WIDE_GAP + rb"(" + _NAME + rb")")
_COMMENT = re.compile(rb"#[^\r\n]*")
_REST_OF_LINE = re.compile(rb"[ \t\f]*;?[ \t\f]*(#[^\r\n]*)?(?=[\r\n]|\Z)")
_REST_OF_NAME = re.compile(rb"[ \t\f]*(,)?[ \t\f]*(?:#[^\r\n]*)?(?=[\r\n])")
_IMPORT_LINE = re.compile(rb"(?<![^\r\n])[ \t\f]*(?:from|import)\b[^\r\n]*")
# Comments for tools: they hold for every statement that is made of one.
_PRAGMA = re.compile(
    rb"#[ \t]*(?:noqa\b|type:|(?:pylint|pyright|mypy|ruff|flake8|isort|fmt|yapf|pragma|ssot-fix):|nosec\b|nosonar\b)",
    re.IGNORECASE,
)


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


def _by_statement(moved: Sequence[Moved]) -> dict[_Import, dict[ast.alias, _Item]]:
    found: dict[_Import, dict[ast.alias, _Item]] = {}
    for move in sorted(moved, key=lambda move: (move.statement.lineno, move.statement.col_offset)):
        found.setdefault(move.statement, {})[move.alias] = _wanted(move)
    return found


# Names


@dataclass(frozen=True, slots=True)
class _Item:
    """One name of a statement; `module` is absolute, None for `import name`."""

    module: str | None
    name: str
    asname: str | None

    @property
    def text(self) -> str:
        return f"{self.name} as {self.asname}" if self.asname else self.name

    @property
    def binding(self) -> _Binding:
        """The name that it binds, and to what: `import a.b` binds `a` to `a`."""
        if self.module is None and self.asname is None:
            top = self.name.partition(".")[0]
            return top, None, top
        return self.asname or self.name, self.module, self.name

    @property
    def bound(self) -> str:
        return self.binding[0]

    def serves_as(self, wanted: _Item) -> bool:
        """Whether it makes another one superfluous; `x as x` says more than `x` does (PEP 484: re-exported)."""
        same = self.binding == wanted.binding and self.name == wanted.name
        return same and (wanted.asname != wanted.name or self.asname == wanted.asname)


def _wanted(move: Moved) -> _Item:
    old, bound = move.alias, move.bound
    if old.name == "*":
        return _Item(move.module, "*", None)
    marked = old.asname == old.name
    module, name = move.module, move.name
    if name is None and isinstance(move.statement, ast.ImportFrom):
        module, _, name = move.module.rpartition(".")
    if name is not None and module:
        return _Item(module, name, bound if marked or bound != name else None)
    top, _, inner = move.module.partition(".")
    itself = bool(old.asname) or bound == old.name
    plain = bound == top and not (itself and inner) and not marked
    return _Item(None, move.module, None if plain else bound)


def _items(module: Module, node: _Import, wanted: Mapping[ast.alias, _Item]) -> list[_Item]:
    origin = _absolute(module, node)
    return [wanted.get(alias) or _Item(origin, alias.name, alias.asname) for alias in node.names]


def _absolute(module: Module, node: _Import) -> str | None:
    """The module that a statement takes names from; None for `import ...`."""
    if isinstance(node, ast.Import):
        return None
    return module.absolute("." * node.level + (node.module or "")).rstrip(".")


def _code(form: Statement) -> str:
    names = ", ".join(_Item(None, *name).text for name in form.names)
    return f"import {names}" if form.module is None else f"from {'.' * form.level}{form.module} import {names}"


def _beside(code: bytes, *comments: bytes) -> bytes:
    """A line with comments, each once."""
    return b"  ".join([code, *dict.fromkeys(comment for comment in comments if comment)])


# Layout


@dataclass(frozen=True, slots=True)
class _Remark:
    """A comment between a statement's first and last byte.

    `owners` are the names on whose line it stands. Behind the parenthesis that opens, it is the statement's own.
    Else it is `loose`: on a `whole_line`, or in the middle of things.
    """

    span: _Span
    text: bytes
    owners: tuple[int, ...]
    loose: bool
    whole_line: bool

    def is_in(self, spans: Sequence[_Span]) -> bool:
        """Whether it lies in one of some spans that are in order."""
        at = bisect_right(spans, self.span[0], key=min) - 1
        return at >= 0 and self.span[0] < spans[at][1]


@dataclass(slots=True)
class _Extraction:
    """What taking names out of a statement comes to.

    The bytes and the lines that go; the comments to take along: by name, and by place those above and behind all
    names that go there.
    """

    spans: list[_Span] = field(default_factory=list)
    lines: list[_Span] = field(default_factory=list)
    comments: dict[int, bytes] = field(default_factory=dict)
    above: dict[int, list[bytes]] = field(default_factory=dict)
    behind: dict[int, bytes] = field(default_factory=dict)


class _Layout:
    """How a statement is written. Names go by their index."""

    def __init__(self, module: Module, node: _Import) -> None:
        self._source, self._body = module.source, module.source.body
        self.node = node
        self.start, self.end = module.start(node), module.end(node)
        self.spans = [(module.start(alias), module.end(alias)) for alias in node.names]
        self.opening = self._body.find(b"(", self.start, self.spans[0][0])
        line_start, line_end = self._source.line_starts[node.lineno - 1], self._line_end(node)
        before = self._body[line_start : self.start]
        self.lines = line_start + before.rfind(b"\f") + 1, line_end  # a form feed in front stays
        self.indent = self._body[self.lines[0] : self.start]
        continued = self._body[max(0, line_start - 3) : line_start].rstrip(b"\r\n").endswith(b"\\")
        rest = _REST_OF_LINE.match(self._body, self.end)
        self.alone = rest is not None and not before.strip() and not continued
        self.trailing = rest[1] if rest is not None and rest[1] else b""
        self.newline = self._source.newline_near(self.end).encode()

    def _line(self, number: int) -> bytes:
        return self._body[self._source.line_starts[number - 1] : self._source.line_end(number)]

    def _line_start(self, node: ast.alias | ast.stmt) -> int:
        return self._source.line_starts[node.lineno - 1]

    def _line_end(self, node: ast.alias | ast.stmt) -> int:
        return self._source.line_end(node.end_lineno or node.lineno)

    # Comments

    @cached_property
    def remarks(self) -> list[_Remark]:
        if self.opening < 0:
            return []
        return [self._remark(match) for match in _COMMENT.finditer(self._body, self.opening, self.end)]

    def _remark(self, match: re.Match[bytes]) -> _Remark:
        at, line = match.start(), self._source.line_of(match.start())
        following = bisect_right(self.spans, (at, at))
        inside = following > 0 and at < self.spans[following - 1][1]
        ends_here = takewhile(lambda i: self.node.names[i].end_lineno == line, range(following - 1, -1, -1))
        before = [] if inside else [*ends_here][::-1]
        whole_line = not inside and not self._body[self._source.line_starts[line - 1] : at].strip()
        loose = inside or not (before or line == self._source.line_of(self.opening))
        return _Remark(match.span(), match[0], tuple(before), loose, whole_line)

    @cached_property
    def beside(self) -> dict[int, _Remark]:
        """The comments on the lines of names."""
        return {index: remark for remark in self.remarks for index in remark.owners}

    @property
    def pragmas(self) -> list[bytes]:
        """The comments for tools that are about the whole statement, unless it shares its line with others."""
        own = [remark.text for remark in self.remarks if not remark.owners and not remark.loose]
        found = (_PRAGMA.search(text) for text in [*own, self.trailing if self.alone else b""])
        return list(dict.fromkeys(match.string[match.start() :] for match in found if match))

    @property
    def follows_comment(self) -> bool:
        """Whether the line above is a comment, which may be about this statement."""
        return self.node.lineno > 1 and self._line(self.node.lineno - 1).lstrip().startswith(b"#")

    def takes_names(self, *, comments: bool) -> bool:
        """Whether names can be added, with `comments` of their own, and no comment of the statement is about them."""
        if self.trailing or any(not remark.owners for remark in self.remarks):
            return False
        return self.one_per_line or not (comments or self.remarks)

    # Names by lines

    @cached_property
    def clusters(self) -> list[list[int]]:
        """The names, those that share lines together."""
        found = [[0]]
        for index, (before, alias) in enumerate(pairwise(self.node.names), 1):
            if before.end_lineno == alias.lineno:
                found[-1].append(index)
            else:
                found.append([index])
        return found

    def lines_of(self, cluster: Sequence[int]) -> _Span | None:
        """The lines of names between parentheses that have them to themselves, comma included."""
        first, last = cluster[0], cluster[-1]
        start = self._line_start(self.node.names[first])
        rest = _REST_OF_NAME.match(self._body, self.spans[last][1])
        if self.opening < 0 or rest is None or self._body[start : self.spans[first][0]].strip():
            return None
        if rest[1] is None and (last + 1 < len(self.spans) or self.has_trailing_comma):
            return None
        return start, self._line_end(self.node.names[last])

    @cached_property
    def has_trailing_comma(self) -> bool:
        return b"," in _COMMENT.sub(b"", self._body[self.spans[-1][1] : self.end])

    @cached_property
    def one_per_line(self) -> bool:
        return all(len(cluster) == 1 and self.lines_of(cluster) for cluster in self.clusters)

    @cached_property
    def sections(self) -> list[tuple[list[_Remark], list[int]]]:
        """The comments on lines of their own, each block with the names from there to the next one or a blank line."""
        lines = {self._source.line_of(remark.span[0]): remark for remark in self.remarks if remark.whole_line}
        found: list[tuple[list[_Remark], list[int]]] = []
        within, line = False, self.node.lineno
        for cluster in self.clusters:
            above = range(line + 1, self.node.names[cluster[0]].lineno)
            remarks = [lines[number] for number in above if number in lines]
            if remarks:
                found.append((remarks, []))
            within = bool(remarks) or (within and all(self._line(number).strip() for number in above))
            if within:
                found[-1][1].extend(cluster)
            line = self.node.names[cluster[-1]].end_lineno or 0
        return found

    # Changing names

    def path_edits(self, form: Statement) -> list[Edit]:
        """Write the module of another form of a `from` statement."""
        if isinstance(self.node, ast.Import) or (form.level, form.module) == (self.node.level, self.node.module or ""):
            return []
        found = _FROM.match(self._body, self.start)
        assert found is not None
        start, end = found.span(1)
        lead = " " if start == self.start + len(b"from") and not form.level else ""
        tail = " " if self._body.startswith(b"import", end) and form.module else ""
        return [Edit(start, end, f"{lead}{'.' * form.level}{form.module}{tail}".encode())]

    def name_edits(self, index: int, item: _Item) -> tuple[_Item, list[Edit]]:
        """Write another name. Given back with it as it then stands: an `as` with a comment is never taken out."""
        alias, (start, end) = self.node.names[index], self.spans[index]
        if alias.asname is None:
            same = (alias.name, None) == (item.name, item.asname)
            return item, [] if same else [Edit(start, end, item.text.encode())]
        found = _AS.fullmatch(self._body, start, end)
        assert found is not None
        if item.asname is None and b"#" not in found[0]:
            return item, [Edit(start, end, item.text.encode())]
        parts = ((1, alias.name, item.name), (2, alias.asname, item.bound))
        edits = [Edit(*found.span(part), new.encode()) for part, old, new in parts if old != new]
        return replace(item, asname=item.bound), edits

    def name_line(self, text: str, comment: bytes) -> bytes:
        """A line for a name between parentheses, without its newline."""
        indent = self.indent + (b"\t" if b"\t" in self.indent else b"    ")
        if self.one_per_line:
            indent = self._body[self._line_start(self.node.names[0]) : self.spans[0][0]]
        return _beside(indent + text.encode(), comment)

    # Taking names out

    def extract(self, leaving: Mapping[int, int | None]) -> _Extraction | None:
        """Take out names, given the number of the place that each goes to, None if it is just dropped.

        None if a comment can't go along with its name, or can't be told whose it is.
        """
        found = _Extraction()
        places: dict[int | None, list[int]] = {}
        for index, place in leaving.items():
            places.setdefault(place, []).append(index)
        for is_leaving, run in groupby(range(len(self.spans)), lambda index: index in leaving):
            if is_leaving:
                self._take_run([*run], found)
        clean = self._take_sections(leaving, places, found) and self._take_comments(leaving, places, found)
        if not clean or (not self.alone and (found.above or found.behind or found.comments)):
            return None
        return found

    def _take_run(self, run: Sequence[int], found: _Extraction) -> None:
        first, last, names = run[0], run[-1], self.node.names
        start = bisect_right(self.clusters, first, key=min) - 1
        clusters = self.clusters[start : bisect_right(self.clusters, last, key=min)]
        lines = [self.lines_of(cluster) for cluster in clusters]
        if clusters[0][0] == first and clusters[-1][-1] == last and None not in lines:
            found.lines += [span for span in lines if span is not None]
            return
        follows = first > 0 and names[first - 1].end_lineno == names[first].lineno
        if last + 1 == len(names) or (follows and names[last].end_lineno != names[last + 1].lineno):
            found.spans.append((self.spans[first - 1][1], self.spans[last][1]))
        else:
            found.spans.append((self.spans[first][0], self.spans[last + 1][0]))

    def _take_sections(
        self, leaving: Mapping[int, int | None], places: Mapping[int | None, list[int]], found: _Extraction
    ) -> bool:
        """Take along the comments above names; those must be all that goes to a place."""
        for remarks, names in self.sections:
            if names[0] not in leaving:
                continue
            place = leaving[names[0]]
            if place is None or names != places[place]:
                return False
            found.above[place] = [remark.text for remark in remarks]
            for remark in remarks:
                if not remark.is_in(found.spans):
                    line = self._source.line_of(remark.span[0])
                    found.lines.append((self._source.line_starts[line - 1], self._source.line_end(line)))
        return True

    def _take_comments(
        self, leaving: Mapping[int, int | None], places: Mapping[int | None, list[int]], found: _Extraction
    ) -> bool:
        """Take along the comments behind names; no other may lie in what goes."""
        taken = {remark for remarks, names in self.sections if names[0] in leaving for remark in remarks}
        gone = sorted([*found.spans, *found.lines])
        for remark in self.remarks:
            going = [index for index in remark.owners if index in leaving]
            if going and len(going) == len(remark.owners) and len({leaving[index] for index in going}) == 1:
                taken.add(remark)
                place = leaving[going[0]]
                if len(going) == 1:
                    found.comments[going[0]] = remark.text
                elif place is not None and going != places[place]:
                    return False
                elif place is not None:
                    found.behind[place] = remark.text
            elif going and not _PRAGMA.match(remark.text):
                return False
            else:
                found.comments |= dict.fromkeys(going, remark.text)
            if remark.is_in(gone) != (remark in taken):
                return False
        return True

    def swept(self, lines: Iterable[_Span]) -> list[_Span]:
        """Lines between the parentheses that go, with the blank ones that would be left over."""
        opening = self._source.line_end(self._source.line_of(self.opening))
        return _swept(self._source, lines, {opening}, self._source.line_starts[(self.node.end_lineno or 0) - 1])


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
    merged: list[tuple[_Import, list[int]]] = field(default_factory=list)
    dropped: set[int] = field(default_factory=set)

    @property
    def leaving(self) -> dict[int, int | None]:
        """The names that leave the statement: those of new statements first, by number, the dropped ones to None."""
        places = [*(group.names for group in self.new), *(names for _, names in self.merged)]
        found: dict[int, int | None] = {index: place for place, names in enumerate(places) for index in names}
        return found | dict.fromkeys(self.dropped)


class _Rewrite:
    """A statement some of whose names move."""

    def __init__(self, module: Module, node: _Import, wanted: Mapping[ast.alias, _Item]) -> None:
        self.node = node
        self.layout = _Layout(module, node)
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
    def alike(self) -> dict[_Binding, list[int]]:
        """The names that bind the same to the same."""
        found: dict[_Binding, list[int]] = {}
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

    def extraction(self, choice: _Choice) -> _Extraction | None:
        """What the names that leave take with them; None if that can't be done cleanly."""
        if choice.keeper is None:
            return _Extraction(comments={index: remark.text for index, remark in self.layout.beside.items()})
        if not self.fits(choice.keeper):
            return None if self.layout.remarks else _Extraction()
        found = self.layout.extract(choice.leaving)
        merged = range(len(choice.new), len(choice.new) + len(choice.merged))
        return found if found is not None and not any(place in found.above for place in merged) else None

    def is_removable(self, dropped: set[int]) -> bool:
        """Whether the statement may go as a whole, all its names being bound elsewhere."""
        layout = self.layout
        if not layout.alone or layout.follows_comment or any(not remark.owners for remark in layout.remarks):
            return False
        only_pragma = _PRAGMA.match(layout.trailing) and layout.trailing.count(b"#") == 1
        return not layout.trailing or (len(dropped) == len(self.items) and (len(dropped) == 1 or bool(only_pragma)))


# All statements


@dataclass(frozen=True, slots=True)
class _Placed:
    """A name of a statement as it is to be: with the index that it had, or None and the comment that it brings."""

    item: _Item
    index: int | None
    comment: bytes = b""


@dataclass(slots=True)
class _Outcome:
    """A statement as it is to be. Into one that is `settled` others may still be merged."""

    layout: _Layout
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

    def __init__(self, module: Module, wanted: Mapping[_Import, Mapping[ast.alias, _Item]], project: Project) -> None:
        self._module, self._wanted, self._project = module, wanted, project
        self._source = module.source
        self._outcomes: dict[_Import, _Outcome] = {}
        self._touched: dict[_Import, None] = {}
        self._removed: list[_Layout] = []
        self._bindings: dict[_Import, set[_Binding]] = {}

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
        merged: list[tuple[_Import, list[int]]] = []
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

    def _target(self, rewrite: _Rewrite, group: _Group, names: Sequence[int]) -> _Import | None:
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

    def _in_reach(self, node: _Import, items: Sequence[_Item]) -> Iterator[tuple[_Import, _Outcome]]:
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

    def _bound_by(self, node: _Import) -> set[_Binding]:
        """All that a statement and what is split off from it or merged into it bind."""
        if node not in self._bindings:
            items = _items(self._module, node, self._wanted.get(node, {}))
            self._bindings[node] = {item.binding for item in items}
        return self._bindings[node]

    def _outcome(self, node: _Import) -> _Outcome:
        """What a statement comes to, as far as that is known; one whose turn is still to come is not settled."""
        if node not in self._outcomes:
            names = [_Placed(item, index) for index, item in enumerate(_items(self._module, node, {}))]
            settled = node not in self._wanted
            self._outcomes[node] = _Outcome(_Layout(self._module, node), statement_of(node), names, settled=settled)
        return self._outcomes[node]

    def _width_of(self, outcome: _Outcome) -> int:
        """The characters of the longest of a statement's lines."""
        start, end = outcome.layout.lines
        edits = [replace(edit, start=edit.start - start, end=edit.end - start) for edit in outcome.all_edits]
        new = apply_edits(self._source.body[start:end], edits)
        return max(len(line) for line in re.split("[\r\n]", new.decode()))

    @cached_property
    def _width_limit(self) -> int:
        lines = _IMPORT_LINE.findall(self._source.body)
        return max([_USUAL_WIDTH, *(len(line.decode()) for line in lines if len(line) > _USUAL_WIDTH)])

    # How that is written

    def _merge(self, rewrite: _Rewrite, choice: _Choice, extraction: _Extraction) -> None:
        for target, names in choice.merged:
            placed = [_Placed(rewrite.items[i], None, extraction.comments.get(i, b"")) for i in names]
            self._outcomes[target] = self._outcomes[target].with_names(placed)
            self._bound_by(target).update(name.item.binding for name in placed)
            self._touched[target] = None

    def _rewrite(self, rewrite: _Rewrite, choice: _Choice, extraction: _Extraction) -> None:
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
            outcome.edits = layout.path_edits(outcome.form)
        for index in keeper.names:
            item, edits = layout.name_edits(index, rewrite.items[index]) if fits else (rewrite.items[index], [])
            outcome.names.append(_Placed(item, index))
            outcome.edits += edits
        outcome.edits += [Edit(*span, b"") for span in (*extraction.spans, *layout.swept(extraction.lines))]
        outcome.new = [self._form(rewrite, group) for group in choice.new]
        outcome.edits += self._new_statements(layout, choice, extraction, outcome.new)
        self._outcomes[rewrite.node] = outcome

    def _new_statements(
        self, layout: _Layout, choice: _Choice, extraction: _Extraction, forms: Sequence[Statement]
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

    def _written(self, layout: _Layout, form: Statement, behind: bytes, comments: Sequence[bytes]) -> list[bytes]:
        """The lines of a new statement: one if that is not too long and keeps each comment beside its name."""
        code = layout.indent + _code(form).encode()
        single = len(form.names) == 1
        if single or (not any(comments) and len(code.decode()) <= self._width_limit):
            return [_beside(code, *layout.pragmas, behind, *(comments if single else ()))]
        opening = layout.indent + _code(replace(form, names=(("(", None),))).encode()
        texts = [f"{_Item(None, *name).text}," for name in form.names]
        names = [layout.name_line(text, comment) for text, comment in zip(texts, comments, strict=True)]
        return [_beside(opening, *layout.pragmas, behind), *names, layout.indent + b")"]

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
        for start, end in _swept(self._source, [layout.lines for layout in self._removed], opening, len(body)):
            unfinished = end == len(body) and not body.endswith((b"\n", b"\r")) and start not in taken
            kept = body[:start].removesuffix(b"\n").removesuffix(b"\r")
            yield Edit(len(kept) if unfinished else start, end, b"")


def _swept(source: Source, lines: Iterable[_Span], opening: Collection[int], closing: int) -> list[_Span]:
    """Spans of whole lines that go, with the blank lines that would be left doubled or at an end of a block.

    Blocks begin at `opening` and end at `closing`.
    """

    def is_blank(number: int) -> bool:
        return not source.body[source.line_starts[number - 1] : source.line_end(number)].strip()

    found: list[_Span] = []
    for start, end in _joined(lines):
        line, below = source.line_of(start), source.line_of(end)
        if end == closing:
            blank = len(list(takewhile(is_blank, range(line - 1, 0, -1))))
            found.append((source.line_starts[line - 1 - blank] if blank else start, end))
        elif (start in opening or line == 1 or is_blank(line - 1)) and is_blank(below):
            found.append((start, source.line_end(below)))
        else:
            found.append((start, end))
    return _joined(found)


def _joined(spans: Iterable[_Span]) -> list[_Span]:
    """Spans in order, those that touch or overlap made one."""
    found: list[_Span] = []
    for start, end in sorted(spans):
        touches = bool(found) and found[-1][1] >= start
        found.append((found.pop()[0] if touches else start, end))
    return found


def _block_of(tree: ast.Module, node: ast.stmt) -> list[ast.stmt]:
    """The list of statements that holds a statement."""
    waiting: list[ast.AST] = [tree]
    while True:
        holder = waiting.pop()
        for block in blocks(holder):
            if node in block:
                return block
            waiting += (inner for inner in block if inner.lineno <= node.lineno <= (inner.end_lineno or 0))
        waiting += [*getattr(holder, "handlers", ()), *getattr(holder, "cases", ())]
