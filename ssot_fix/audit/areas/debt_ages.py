"""Since when debt is there, and by whom: the commit that brought it, in all of the history."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ssot_fix.audit.area import View
from ssot_fix.audit.areas.debt import MARKERS, NAME, remark
from ssot_fix.audit.areas.debt_functions import unfinished
from ssot_fix.audit.model import Finding
from ssot_fix.audit.text import Text
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.project.history import Commit
from ssot_fix.source import NEWLINE, UnreadableText

_MARKED = re.compile(rb"#[^\r\n]*?(?:%s)[^\r\n]*" % b"|".join(each.encode() for each in MARKERS))
_SIGNS = 50  # that a line may hold before a comment


class _Thing(NamedTuple):
    """What a file holds at least so many `times`: a comment, in its own bytes, or a function that is not there yet."""

    kind: str
    text: bytes
    times: int


def ages(view: View, findings: Iterable[Finding]) -> dict[Finding, Commit]:
    """The commit that brought each piece of debt in production, as far as that can be known.

    Of several in a file that are called alike, it can't be told which came when: they have a commit if one brought
    them all.
    """
    things = _things(view, [each for each in findings if each.area == NAME and each.scope == "production"])
    wanted = [(finding.path, each) for finding, both in things.items() for each in both]
    commits = view.history.origins(wanted, _Texts().hold)
    found = {}
    for finding, both in things.items():
        brought = {commits.get((finding.path, each)) for each in both}
        commit = brought.pop()
        if commit and not brought:
            found[finding] = commit
    return found


def _things(view: View, findings: Sequence[Finding]) -> dict[Finding, tuple[_Thing, _Thing]]:
    """What to look for to find each: the first of those that are called alike, and the last."""
    by_path: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_path[finding.path].append(finding)
    found: dict[Finding, tuple[_Thing, _Thing]] = {}
    for path, there in by_path.items():
        named = _named(view, path, there)
        counts = Counter((finding.kind, text) for finding, text in named.items())
        for finding, text in named.items():
            first = _Thing(finding.kind, text, 1)
            found[finding] = first, first._replace(times=counts[finding.kind, text])
    return found


def _named(view: View, path: str, findings: Iterable[Finding]) -> dict[Finding, bytes]:
    """What each finding of a file is called in its bytes."""
    try:
        lines = NEWLINE.split(view.read(path))
    except OSError:
        return {}
    named = {}
    for finding in findings:
        line = lines[finding.line - 1] if 0 < finding.line <= len(lines) else b""
        text = _comment(line, finding.subject) if finding.kind in MARKERS else finding.subject.encode()
        if text:
            named[finding] = text
    return named


def _comment(line: bytes, subject: str) -> bytes:
    """The comment in a line that a finding is about."""
    starts = (match.start() for match in re.finditer(b"#", line))
    comments = (line[start:].rstrip() for start in starts)
    return next((each for each in comments if remark(each.decode("utf-8", "replace")) == subject), b"")


class _Texts:
    """Tells what texts hold; what was made of one is kept."""

    def __init__(self) -> None:
        self._comments: dict[bytes, Mapping[bytes, int]] = {}
        self._functions: dict[bytes, Mapping[tuple[str, bytes], int] | None] = {}

    def hold(self, thing: _Thing, text: bytes) -> bool | None:
        """Whether a text holds a thing; None if Python can't read it."""
        if thing.kind in MARKERS:
            if text not in self._comments:
                self._comments[text] = _comments(text)
            return self._comments[text].get(thing.text, 0) >= thing.times
        if thing.text.rpartition(b".")[2] not in text:
            return False
        if text not in self._functions:
            self._functions[text] = _functions(text)
        functions = self._functions[text]
        return None if functions is None else functions.get((thing.kind, thing.text), 0) >= thing.times


def _comments(text: bytes) -> Mapping[bytes, int]:
    """What may be a comment with a marker: what a line ends with, from each of its first signs."""
    found = Counter[bytes]()
    for match in _MARKED.finditer(text):
        line = match[0].rstrip(b" \t")
        at = 0
        for _ in range(_SIGNS):
            found[line[at:]] += 1
            at = line.find(b"#", at + 1)
            if at < 0:
                break
    return found


def _functions(text: bytes) -> Mapping[tuple[str, bytes], int] | None:
    try:
        return Counter((kind, name.encode()) for kind, _, name in unfinished(Text(text)))
    except (UnreadableText, Unparseable):
        return None
