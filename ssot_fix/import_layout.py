"""How an import statement is written: its names by lines, its comments and whose they are, names taken out."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby, pairwise, takewhile

from ssot_fix.bindings import Module
from ssot_fix.edits import Edit
from ssot_fix.source import Source

Import = ast.Import | ast.ImportFrom
Span = tuple[int, int]
Binding = tuple[str, str | None, str]  # the name, the module, and its name there

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
# Comments for tools: they hold for every statement that is made of one.
PRAGMA = re.compile(
    rb"#[ \t]*(?:noqa\b|type:|(?:pylint|pyright|mypy|ruff|flake8|isort|fmt|yapf|pragma|ssot-fix):|nosec\b|nosonar\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Item:
    """One name of a statement; `module` is absolute, None for `import name`."""

    module: str | None
    name: str
    asname: str | None

    @property
    def text(self) -> str:
        """The name as the statement spells it."""
        return f"{self.name} as {self.asname}" if self.asname else self.name

    @property
    def binding(self) -> Binding:
        """The name that it binds, and to what: `import a.b` binds `a` to `a`."""
        if self.module is None and self.asname is None:
            top = self.name.partition(".")[0]
            return top, None, top
        return self.asname or self.name, self.module, self.name

    @property
    def bound(self) -> str:
        """The name that it binds."""
        return self.binding[0]

    def serves_as(self, wanted: Item) -> bool:
        """Whether it makes another one superfluous; `x as x` says more than `x` does (PEP 484: re-exported)."""
        same = self.binding == wanted.binding and self.name == wanted.name
        return same and (wanted.asname != wanted.name or self.asname == wanted.asname)


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment between a statement's first and last byte.

    `owners` are the names on whose line it stands. Behind the parenthesis that opens, it is the statement's own.
    Else it is `loose`: on a `whole_line`, or in the middle of things.
    """

    span: Span
    text: bytes
    owners: tuple[int, ...]
    loose: bool
    whole_line: bool

    def is_in(self, spans: Sequence[Span]) -> bool:
        """Whether it lies in one of some spans that are in order."""
        at = bisect_right(spans, self.span[0], key=min) - 1
        return at >= 0 and self.span[0] < spans[at][1]


@dataclass(slots=True)
class Extraction:
    """What taking names out of a statement comes to.

    The bytes and the lines that go; the comments to take along: by name, and by place those above and behind all
    names that go there.
    """

    spans: list[Span] = field(default_factory=list)
    lines: list[Span] = field(default_factory=list)
    comments: dict[int, bytes] = field(default_factory=dict)
    above: dict[int, list[bytes]] = field(default_factory=dict)
    behind: dict[int, bytes] = field(default_factory=dict)


class Layout:
    """How a statement is written. Names go by their index."""

    def __init__(self, module: Module, node: Import) -> None:
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
    def remarks(self) -> list[Remark]:
        """The comments in it, in order."""
        if self.opening < 0:
            return []
        return [self._remark(match) for match in _COMMENT.finditer(self._body, self.opening, self.end)]

    def _remark(self, match: re.Match[bytes]) -> Remark:
        at, line = match.start(), self._source.line_of(match.start())
        following = bisect_right(self.spans, (at, at))
        inside = following > 0 and at < self.spans[following - 1][1]
        ends_here = takewhile(lambda i: self.node.names[i].end_lineno == line, range(following - 1, -1, -1))
        before = [] if inside else [*ends_here][::-1]
        whole_line = not inside and not self._body[self._source.line_starts[line - 1] : at].strip()
        loose = inside or not (before or line == self._source.line_of(self.opening))
        return Remark(match.span(), match[0], tuple(before), loose, whole_line)

    @cached_property
    def beside(self) -> dict[int, Remark]:
        """The comments on the lines of names."""
        return {index: remark for remark in self.remarks for index in remark.owners}

    @property
    def pragmas(self) -> list[bytes]:
        """The comments for tools that are about the whole statement, unless it shares its line with others."""
        own = [remark.text for remark in self.remarks if not remark.owners and not remark.loose]
        found = (PRAGMA.search(text) for text in [*own, self.trailing if self.alone else b""])
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

    def lines_of(self, cluster: Sequence[int]) -> Span | None:
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
        """Whether a comma stands behind the last name."""
        return b"," in _COMMENT.sub(b"", self._body[self.spans[-1][1] : self.end])

    @cached_property
    def one_per_line(self) -> bool:
        """Whether each name has a line to itself."""
        return all(len(cluster) == 1 and self.lines_of(cluster) for cluster in self.clusters)

    @cached_property
    def sections(self) -> list[tuple[list[Remark], list[int]]]:
        """The comments on lines of their own, each block with the names from there to the next one or a blank line."""
        lines = {self._source.line_of(remark.span[0]): remark for remark in self.remarks if remark.whole_line}
        found: list[tuple[list[Remark], list[int]]] = []
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

    def path_edits(self, level: int, module: str) -> list[Edit]:
        """Write another module into a `from` statement: its leading dots and the path behind them."""
        if isinstance(self.node, ast.Import) or (level, module) == (self.node.level, self.node.module or ""):
            return []
        found = _FROM.match(self._body, self.start)
        assert found is not None
        start, end = found.span(1)
        lead = " " if start == self.start + len(b"from") and not level else ""
        tail = " " if self._body.startswith(b"import", end) and module else ""
        return [Edit(start, end, f"{lead}{'.' * level}{module}{tail}".encode())]

    def name_edits(self, index: int, item: Item) -> tuple[Item, list[Edit]]:
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
        return beside(indent + text.encode(), comment)

    # Taking names out

    def extract(self, leaving: Mapping[int, int | None]) -> Extraction | None:
        """Take out names, given the number of the place that each goes to, None if it is just dropped.

        None if a comment can't go along with its name, or can't be told whose it is.
        """
        found = Extraction()
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

    def _take_run(self, run: Sequence[int], found: Extraction) -> None:
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
        self, leaving: Mapping[int, int | None], places: Mapping[int | None, list[int]], found: Extraction
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
        self, leaving: Mapping[int, int | None], places: Mapping[int | None, list[int]], found: Extraction
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
            elif going and not PRAGMA.match(remark.text):
                return False
            else:
                found.comments |= dict.fromkeys(going, remark.text)
            if remark.is_in(gone) != (remark in taken):
                return False
        return True

    def swept(self, lines: Iterable[Span]) -> list[Span]:
        """Lines between the parentheses that go, with the blank ones that would be left over."""
        opening = self._source.line_end(self._source.line_of(self.opening))
        return swept(self._source, lines, {opening}, self._source.line_starts[(self.node.end_lineno or 0) - 1])


def beside(code: bytes, *comments: bytes) -> bytes:
    """A line with comments, each once."""
    return b"  ".join([code, *dict.fromkeys(comment for comment in comments if comment)])


def swept(source: Source, lines: Iterable[Span], opening: Collection[int], closing: int) -> list[Span]:
    """Spans of whole lines that go, with the blank lines that would be left doubled or at an end of a block.

    Blocks begin at `opening` and end at `closing`.
    """

    def is_blank(number: int) -> bool:
        return not source.body[source.line_starts[number - 1] : source.line_end(number)].strip()

    found: list[Span] = []
    for start, end in joined(lines):
        line, below = source.line_of(start), source.line_of(end)
        if end == closing:
            blank = len(list(takewhile(is_blank, range(line - 1, 0, -1))))
            found.append((source.line_starts[line - 1 - blank] if blank else start, end))
        elif (start in opening or line == 1 or is_blank(line - 1)) and is_blank(below):
            found.append((start, source.line_end(below)))
        else:
            found.append((start, end))
    return joined(found)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch or overlap made one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        touches = bool(found) and found[-1][1] >= start
        found.append((found.pop()[0] if touches else start, end))
    return found
