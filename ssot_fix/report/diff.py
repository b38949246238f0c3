"""Diffs written from the edits themselves: unified for tools, coloured for people.

The edits say where a file changed, so that no matcher has to look at the whole of it: the time is linear in
the file. A line is what git and patch take for one, the bytes up to and including b"\\n". A carriage return,
a form feed or U+2028 ends none: the lines of str.splitlines make patches that `git apply` rejects.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from ssot_fix.edits import Edit, apply_edits, in_order

_NO_NEWLINE = b"\\ No newline at end of file\n"
# A round of _split leaves little to the next; the bound keeps made-up input from costing quadratic time.
_ROUNDS = 8

_WORD = re.compile(rb"[\w\x80-\xff]+|\s+|[^\w\s]")
_NAME = re.compile(rb"[\w\x80-\xff]")
# What a terminal could obey, or show in another order than it is read ("Trojan Source", CVE-2021-42574); compiled when
# it is first used, in a millisecond.
_HOSTILE = "[\0-\x08\n-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
_ESCAPES = {0x07: b"\\a", 0x08: b"\\b", 0x09: b"\\t", 0x0A: b"\\n", 0x0B: b"\\v", 0x0C: b"\\f", 0x0D: b"\\r"}
_ESCAPES |= {0x22: b'\\"', 0x5C: b"\\\\"}

_RESET, _BOLD, _DIM, _CYAN = "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[36m"
_COLORS = {"-": "\x1b[31m", "+": "\x1b[32m", " ": ""}
_EMPHASIS, _NO_EMPHASIS = "\x1b[1;7m", "\x1b[22;27m"


class Line(NamedTuple):
    """One line of a hunk, with its b"\\n" if it has one.

    `mark` is " ", "-" or "+". `start` is its offset in bytes: in the new text for "+", else in the old.
    """

    mark: str
    text: bytes
    start: int

    @property
    def end(self) -> int:
        """The offset in bytes just past the line."""
        return self.start + len(self.text)


class Hunk(NamedTuple):
    """Changed lines with their context; line numbers and counts as the `@@` header has them.

    Lines count from 1; a side with no lines gives the number of the line before it (POSIX, diff -u).
    """

    old_line: int
    old_count: int
    new_line: int
    new_count: int
    lines: tuple[Line, ...]

    @property
    def header(self) -> str:
        """The `@@ -1,2 +1,3 @@` line, without its newline."""
        return f"@@ -{_range(self.old_line, self.old_count)} +{_range(self.new_line, self.new_count)} @@"


class Piece(NamedTuple):
    """A part of a line as people see it; it is stressed if it is among the words that differ."""

    text: str
    is_stressed: bool


class ShownLine(NamedTuple):
    """A line of a hunk as people see it, without its line end, which it has or not."""

    mark: str
    pieces: tuple[Piece, ...]
    has_newline: bool


class ShownHunk(NamedTuple):
    """A hunk as people see it."""

    hunk: Hunk
    lines: tuple[ShownLine, ...]


class _Region(NamedTuple):
    """Whole lines of the old text, the half-open byte span [start, end), and what the edits make of them."""

    start: int
    end: int
    new: bytes


class _Change(NamedTuple):
    """Lines of the old text at byte `start` that give way to lines of the new text at byte `new_start`."""

    start: int
    new_start: int
    removed: tuple[bytes, ...]
    added: tuple[bytes, ...]

    @property
    def end(self) -> int:
        return self.start + sum(map(len, self.removed))


class _Gap(NamedTuple):
    """Two half-open ranges of line indices whose lines have not been paired."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


class _Span(NamedTuple):
    """A replacement as half-open byte spans of the old and of the new text."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def hunks(old: bytes, edits: Sequence[Edit], context: int = 3) -> list[Hunk]:
    """The hunks that lead from `old` to `apply_edits(old, edits)`, in order; none if nothing changes.

    `context` is the number of unchanged lines kept around a change; changes that are at most twice that far
    apart share a hunk. Raises OverlappingEdits if two edits claim the same bytes.
    """
    result: list[Hunk] = []
    position = old_before = grown = 0
    for group in _groups(old, _changes(old, edits), context):
        begin = _back(old, group[0].start, context)
        end = _forth(old, group[-1].end, context)
        lines = tuple(_hunk_lines(old, begin, end, group))
        old_count = sum(line.mark != "+" for line in lines)
        new_count = sum(line.mark != "-" for line in lines)
        old_before += old.count(b"\n", position, begin)
        new_before = old_before + grown
        result.append(Hunk(old_before + bool(old_count), old_count, new_before + bool(new_count), new_count, lines))
        position = begin
        grown += new_count - old_count
    return result


def unified_diff(path: str, old: bytes, edits: Sequence[Edit]) -> bytes:
    """The unified diff that `git apply` and `patch -p1` take, or b"" if the edits change nothing.

    `path` is posix, relative, undecodable bytes as surrogate escapes. There is no `diff --git` line: with it,
    git counts the paths from the repository's top, and `git apply` in a project that is a folder of a larger
    repository would skip every file without a word. Raises OverlappingEdits.
    """
    found = hunks(old, edits)
    if not found:
        return b""
    pieces = [b"--- ", _header_name("a/", path), b"\n+++ ", _header_name("b/", path), b"\n"]
    for hunk in found:
        pieces.append(hunk.header.encode() + b"\n")
        for line in hunk.lines:
            pieces += (line.mark.encode(), line.text)
            if not line.text.endswith(b"\n"):
                pieces.append(b"\n" + _NO_NEWLINE)
    return b"".join(pieces)


def shown_hunks(old: bytes, edits: Sequence[Edit]) -> list[ShownHunk]:
    """The hunks for people: in changed lines the words that differ are told apart.

    Text is decoded as UTF-8 with replacement characters; what a viewer could obey is spelled out (`printable`), but
    carriage returns are left out if all lines shown end with CRLF. Raises OverlappingEdits.
    """
    found = hunks(old, edits)
    emphasis = _emphasis(_edit_spans(edits), found)
    ending = b"\r\n" if _all_crlf(found) else b"\n"
    return [ShownHunk(hunk, tuple(_shown(line, emphasis[line.mark], ending) for line in hunk.lines)) for hunk in found]


def render_colored(path: str, old: bytes, edits: Sequence[Edit]) -> str:
    """The same diff for a terminal: ANSI colours, and in changed lines the words that differ in bold reverse.

    Returns "" if the edits change nothing. Raises OverlappingEdits.
    """
    found = shown_hunks(old, edits)
    if not found:
        return ""
    pieces = []
    for sign, side in (("---", "a/"), ("+++", "b/")):
        name = _header_name(side, path).decode("utf-8", "replace").rstrip("\t")
        pieces.append(f"{_BOLD}{sign} {printable(name)}{_RESET}\n")
    for hunk, lines in found:
        pieces.append(f"{_CYAN}{hunk.header}{_RESET}\n")
        pieces += map(_colored, lines)
    return "".join(pieces)


def printable(text: str) -> str:
    """The text on one line, with nothing in it that a terminal would obey or that has no encoding.

    Control characters but the tab come out as `^[` or `\\x9b`; bidirectional controls, line separators, byte
    order marks and lone surrogates as `\\u202e`.
    """
    return re.sub(_HOSTILE, _spelled_out, text)


def _spelled_out(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x80:
        return "^" + chr(code ^ 0x40)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


# From edits to changed lines


def _changes(old: bytes, edits: Iterable[Edit]) -> Iterator[_Change]:
    """What changes, in whole lines and no line more than needed; between two changes a line stays."""
    shift = 0
    for region in _regions(old, edits):
        before, after = _lines(old[region.start : region.end]), _lines(region.new)
        old_at = list(accumulate(map(len, before), initial=region.start))
        new_at = list(accumulate(map(len, after), initial=region.start + shift))
        for gap in _differences(before, after):
            removed = tuple(before[gap.old_start : gap.old_end])
            added = tuple(after[gap.new_start : gap.new_end])
            yield _Change(old_at[gap.old_start], new_at[gap.new_start], removed, added)
        shift += len(region.new) - (region.end - region.start)


def _regions(old: bytes, edits: Iterable[Edit]) -> Iterator[_Region]:
    """The whole lines that the edits touch, in order; regions that meet are one."""
    start, end, inside = 0, 0, list[Edit]()
    for edit in in_order(edits):
        if old[edit.start : edit.end] == edit.text:
            continue
        if inside and (edit.start <= end or old.find(b"\n", end, edit.start) < 0):
            if edit.end >= end:
                end = _region_end(old, edit, opens=False)
        else:
            if inside:
                yield _Region(start, end, _rewritten(old, start, end, inside))
            start, inside = old.rfind(b"\n", end, edit.start) + 1, []
            end = _region_end(old, edit, opens=start == edit.start)
        inside.append(edit)
    if inside:
        yield _Region(start, end, _rewritten(old, start, end, inside))


def _region_end(old: bytes, edit: Edit, *, opens: bool) -> int:
    """Where the last line that the edit touches ends: just past its b"\\n", or at the end of the file.

    An edit that ends where a line begins spares that line, provided that what then comes before it ends with
    a newline, too. `opens`: the edit is a region's first, at the beginning of a line.
    """
    at_line = edit.end == 0 or old[edit.end - 1 : edit.end] == b"\n"
    if at_line and (edit.text.endswith(b"\n") or (opens and not edit.text)):
        return edit.end
    newline = old.find(b"\n", edit.end)
    return len(old) if newline < 0 else newline + 1


def _rewritten(old: bytes, start: int, end: int, edits: Sequence[Edit]) -> bytes:
    moved = [Edit(edit.start - start, edit.end - start, edit.text) for edit in edits]
    return apply_edits(old[start:end], moved)


# From changed regions to the lines that differ


def _differences(before: Sequence[bytes], after: Sequence[bytes]) -> list[_Gap]:
    """The index ranges in which the two differ: patience diff, since it is never quadratic."""
    gaps = list(_trimmed(before, after, _Gap(0, len(before), 0, len(after))))
    for _ in range(_ROUNDS):
        finer = [part for gap in gaps for part in _split(before, after, gap)]
        if finer == gaps:
            break
        gaps = finer
    return gaps


def _trimmed(before: Sequence[bytes], after: Sequence[bytes], gap: _Gap) -> Iterator[_Gap]:
    """The gap without the equal lines at its beginning and end; nothing if nothing is left."""
    old_start, old_end, new_start, new_end = gap
    while old_start < old_end and new_start < new_end and before[old_start] == after[new_start]:
        old_start, new_start = old_start + 1, new_start + 1
    while old_start < old_end and new_start < new_end and before[old_end - 1] == after[new_end - 1]:
        old_end, new_end = old_end - 1, new_end - 1
    if old_start < old_end or new_start < new_end:
        yield _Gap(old_start, old_end, new_start, new_end)


def _split(before: Sequence[bytes], after: Sequence[bytes], gap: _Gap) -> Iterator[_Gap]:
    """The parts of the gap that are left when lines common to both sides are paired."""
    old_start, new_start = gap.old_start, gap.new_start
    for old_index, new_index in _longest_rising(_common(before, after, gap)):
        yield from _trimmed(before, after, _Gap(old_start, old_index, new_start, new_index))
        old_start, new_start = old_index + 1, new_index + 1
    yield from _trimmed(before, after, _Gap(old_start, gap.old_end, new_start, gap.new_end))


def _common(before: Sequence[bytes], after: Sequence[bytes], gap: _Gap) -> list[tuple[int, int]]:
    """Index pairs of equal lines, in the order of the old side.

    Those that are unique on both sides if there are any, since a blank line or a lone `)` proves nothing;
    else the first with the first, the second with the second.
    """
    olds, news = defaultdict[bytes, list[int]](list), defaultdict[bytes, list[int]](list)
    for index in range(gap.old_start, gap.old_end):
        olds[before[index]].append(index)
    for index in range(gap.new_start, gap.new_end):
        news[after[index]].append(index)
    shared = [(olds[line], news[line]) for line in olds.keys() & news.keys()]
    unique = [(old[0], new[0]) for old, new in shared if len(old) == len(new) == 1]
    return sorted(unique or [pair for old, new in shared for pair in zip(old, new, strict=False)])


def _longest_rising(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """A longest choice of the pairs, which come by rising first, in which the second rises, too."""
    tails: list[tuple[int, int]] = []  # the pair that the best choice of 1, 2, 3... pairs so far ends with
    previous: dict[tuple[int, int], tuple[int, int] | None] = {}
    for pair in pairs:
        place = bisect_left(tails, pair[1], key=lambda tail: tail[1])
        previous[pair] = tails[place - 1] if place else None
        tails[place : place + 1] = [pair]
    result = []
    last = tails[-1] if tails else None
    while last is not None:
        result.append(last)
        last = previous[last]
    return result[::-1]


# From changes to hunks


def _groups(old: bytes, changes: Iterable[_Change], context: int) -> Iterator[list[_Change]]:
    """The changes that share a hunk."""
    group: list[_Change] = []
    for change in changes:
        if group and old.count(b"\n", group[-1].end, change.start) > 2 * context:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _back(old: bytes, position: int, lines: int) -> int:
    """The beginning of the line so many lines above the one at `position`, or that of the file."""
    for _ in range(lines):
        if position == 0:
            break
        position = old.rfind(b"\n", 0, position - 1) + 1
    return position


def _forth(old: bytes, position: int, lines: int) -> int:
    """The beginning of the line so many lines below the one at `position`, or the end of the file."""
    for _ in range(lines):
        newline = old.find(b"\n", position)
        if newline < 0:
            return len(old)
        position = newline + 1
    return position


def _hunk_lines(old: bytes, begin: int, end: int, group: Iterable[_Change]) -> Iterator[Line]:
    position = begin
    for change in group:
        yield from _marked(" ", _lines(old[position : change.start]), position)
        yield from _marked("-", change.removed, change.start)
        yield from _marked("+", change.added, change.new_start)
        position = change.end
    yield from _marked(" ", _lines(old[position:end]), position)


def _marked(mark: str, lines: Iterable[bytes], start: int) -> Iterator[Line]:
    for text in lines:
        yield Line(mark, text, start)
        start += len(text)


def _lines(data: bytes) -> list[bytes]:
    """The lines with their b"\\n"; bytes.splitlines would split at b"\\r" too."""
    *whole, rest = data.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def _range(line: int, count: int) -> str:
    return f"{line}" if count == 1 else f"{line},{count}"


def _header_name(side: str, path: str) -> bytes:
    """The path as git writes it after `--- ` (quote.c, with core.quotePath off).

    A tab after a name with spaces tells git and patch where it ends.
    """
    try:
        name = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # Windows: a file name may hold any lone surrogate
        name = path.encode("utf-8", "surrogatepass")
    quoted = b"".join(_ESCAPES.get(byte) or _escaped(byte) for byte in name)
    full = side.encode() + quoted
    return (b'"' + full + b'"' if quoted != name else full) + (b"\t" if b" " in name else b"")


def _escaped(byte: int) -> bytes:
    return b"\\%03o" % byte if byte < 0x20 or byte == 0x7F else bytes((byte,))


# From hunks to the words that differ


def _edit_spans(edits: Iterable[Edit]) -> list[_Span]:
    spans = []
    shift = 0
    for edit in in_order(edits):
        new_start = edit.start + shift
        spans.append(_Span(edit.start, edit.end, new_start, new_start + len(edit.text)))
        shift += len(edit.text) - (edit.end - edit.start)
    return spans


def _emphasis(edits: Sequence[_Span], found: Iterable[Hunk]) -> dict[str, list[tuple[int, int]]]:
    """Per mark, the half-open byte spans to stress: what the edits cover, less the words that stay."""
    narrowed = [
        span for hunk in found for removed, added in _pairs(hunk) for span in _differing(edits, removed, added)
    ]
    return {
        " ": [],
        "-": [(span.old_start, span.old_end) for span in narrowed if span.old_start < span.old_end],
        "+": [(span.new_start, span.new_end) for span in narrowed if span.new_start < span.new_end],
    }


def _pairs(hunk: Hunk) -> Iterator[tuple[list[Line], list[Line]]]:
    """The lines that stand for each other: one by one where as many go as come, else all for all."""
    runs = [(mark, list(lines)) for mark, lines in groupby(hunk.lines, key=lambda line: line.mark)]
    for (mark, removed), (next_mark, added) in pairwise(runs):
        if (mark, next_mark) != ("-", "+"):
            continue
        if len(removed) == len(added):
            yield from (([old], [new]) for old, new in zip(removed, added, strict=True))
        else:
            yield removed, added


def _differing(edits: Sequence[_Span], removed: Sequence[Line], added: Sequence[Line]) -> Iterator[_Span]:
    """The edits as far as they fall on these lines, less the words that stay."""
    old_text, new_text = (b"".join(line.text for line in lines) for lines in (removed, added))
    whole = _Span(removed[0].start, removed[-1].end, added[0].start, added[-1].end)
    for edit in _meeting(edits, whole):
        span = _Span(
            *_clipped(edit.old_start, edit.old_end, whole.old_start, whole.old_end),
            *_clipped(edit.new_start, edit.new_end, whole.new_start, whole.new_end),
        )
        before = old_text[span.old_start - whole.old_start : span.old_end - whole.old_start]
        after = new_text[span.new_start - whole.new_start : span.new_end - whole.new_start]
        yield from _differing_words(before, after, span)


def _meeting(edits: Sequence[_Span], whole: _Span) -> Sequence[_Span]:
    """Those of the edits that may fall on the lines; both their spans rise, so bisection finds them."""
    first = min(
        bisect_left(edits, whole.old_start, key=lambda edit: edit.old_end),
        bisect_left(edits, whole.new_start, key=lambda edit: edit.new_end),
    )
    last = max(
        bisect_right(edits, whole.old_end, key=lambda edit: edit.old_start),
        bisect_right(edits, whole.new_end, key=lambda edit: edit.new_start),
    )
    return edits[first:last]


def _clipped(start: int, end: int, low: int, high: int) -> tuple[int, int]:
    start = min(max(start, low), high)
    return start, max(start, min(end, high))


def _differing_words(before: bytes, after: bytes, span: _Span) -> Iterator[_Span]:
    """The parts of the span in which the words differ; a name must stay between two parts, not just a dot."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    gaps: list[_Gap] = []
    for gap in _differences(old, new):
        if gaps and not any(map(_NAME.match, old[gaps[-1].old_end : gap.old_start])):
            gaps[-1] = _Gap(gaps[-1].old_start, gap.old_end, gaps[-1].new_start, gap.new_end)
        else:
            gaps.append(gap)
    old_at = list(accumulate(map(len, old), initial=span.old_start))
    new_at = list(accumulate(map(len, new), initial=span.new_start))
    for gap in gaps:
        yield _Span(old_at[gap.old_start], old_at[gap.old_end], new_at[gap.new_start], new_at[gap.new_end])


# From lines to colours


def _all_crlf(found: Iterable[Hunk]) -> bool:
    texts = [line.text for hunk in found for line in hunk.lines]
    return all(text.endswith(b"\r\n") for text in texts if text.endswith(b"\n"))


def _colored(line: ShownLine) -> str:
    color = _COLORS[line.mark]
    text = "".join(f"{_EMPHASIS}{text}{_NO_EMPHASIS}" if stressed else text for text, stressed in line.pieces)
    body = color + line.mark + text + (_RESET if color else "") + "\n"
    return body if line.has_newline else body + f"{_DIM}{_NO_NEWLINE.decode().rstrip()}{_RESET}\n"


def _shown(line: Line, emphasis: Sequence[tuple[int, int]], ending: bytes) -> ShownLine:
    text = line.text.removesuffix(ending)
    return ShownLine(line.mark, tuple(_pieces(text, line.start, emphasis)), line.text.endswith(b"\n"))


def _pieces(text: bytes, start: int, emphasis: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    """The text, made printable, with the spans that fall on it stressed; without, if they cover it all."""
    pieces: list[Piece] = []
    position = plain = 0
    first = bisect_right(emphasis, start, key=lambda span: span[1])
    last = bisect_left(emphasis, start + len(text), key=lambda span: span[0])
    for span in emphasis[first:last]:
        low, high = _clipped(span[0] - start, span[1] - start, 0, len(text))
        plain += len(text[position:low].strip())
        pieces += (_piece(text[position:low]), _piece(text[low:high], is_stressed=True))
        position = high
    plain += len(text[position:].strip())
    pieces.append(_piece(text[position:]))
    return (piece for piece in (pieces if plain else [_piece(text)]) if piece.text)


def _piece(text: bytes, *, is_stressed: bool = False) -> Piece:
    return Piece(printable(text.decode("utf-8", "replace")), is_stressed)
