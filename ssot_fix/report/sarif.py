"""The report as SARIF 2.1.0, which code scanning and editors read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html; numbers with a
section sign are its sections. What GitHub takes of it:
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning

Columns count UTF-16 code units, which is what viewers count in, most of them without asking `columnKind`.

A fix belongs to a file, not to a site: sites share imports, and some may only move together. So the first rewritten
finding of a file carries the fix, which holds all of the file's edits, and the others carry none. Applied once each,
the fixes of a log make of every file what --write makes of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias
from urllib.parse import quote

from ssot_fix import __version__
from ssot_fix.edits import Edit, FileResult, Finding, Status, in_order
from ssot_fix.engine.contract import Codemod
from ssot_fix.reasons import SHARED
from ssot_fix.report.diff import printable
from ssot_fix.source import Source, UnreadableText

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "ssotFix/v1"
_ROOT = "%SRCROOT%"
_LONGEST = 1000  # GitHub cuts descriptions at 1,024 characters
_LONGEST_SHOWN = 200

_Object: TypeAlias = dict[str, object]


def render(
    results: Sequence[FileResult],
    sources: Mapping[str, bytes],
    files_scanned: int,
    catalog: Mapping[str, Codemod],
    notes: Sequence[str] = (),
) -> str:
    """The log as one JSON object in ASCII, indented by 2, with a final newline.

    `sources` are the bytes of the files of `results`, by path; a file without gets no fix. What is to be rewritten is
    a warning, what is left alone a note, a suppressed site is suppressed `inSource`; a file that failed is an error
    of the invocation, which then was not successful. `catalog` explains the rules: `codemod/kind` for what is to
    be rewritten or suppressed, `codemod/reason` for what is left alone.
    """
    findings = [finding for result in results for finding in result.findings]
    rules = {_rule_id(finding): finding for finding in findings}
    numbers = {rule: number for number, rule in enumerate(sorted(rules))}
    texts = {result.path: _Text(sources.get(result.path)) for result in results}
    run: _Object = {
        "tool": {"driver": _driver([_rule(rule, rules[rule], catalog) for rule in numbers])},
        "invocations": [_invocation(results, notes)],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "artifacts": [_artifact(result, texts[result.path]) for result in results if result.findings],
        "results": [each for result in results for each in _results(result, texts[result.path], numbers)],
        "columnKind": "utf16CodeUnits",
        "newlineSequences": ["\r\n", "\n", "\r"],
        "defaultEncoding": "utf-8",
        "properties": {"filesScanned": files_scanned},
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


class _Text:
    """A file as SARIF counts in it."""

    def __init__(self, raw: bytes | None) -> None:
        self.raw = raw

    @cached_property
    def source(self) -> Source | None:
        """The decoded text; None if it can't be had."""
        try:
            return None if self.raw is None else Source(self.raw)
        except UnreadableText:
            return None

    def line(self, number: int) -> str:
        """A line with its newline; empty where there is none."""
        if self.source is None or number > len(self.source.line_starts):
            return ""
        return self.source.body[self.source.offset(number, 0) : self.source.line_end(number)].decode()

    def column(self, line: int, column: int) -> int:
        """The column of a place whose column counts characters."""
        if self.source is None or self.source.is_ascii:
            return column
        return column + _astral(self.line(line)[: column - 1])

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset in the file's bytes."""
        assert self.source is not None
        line, column = self.source.position(self.source.body_offset(offset))
        return line, self.column(line, column)


def _astral(text: str) -> int:
    """How many characters are two code units in UTF-16."""
    return sum(character > "\uffff" for character in text)


def _line(text: str) -> str:
    """Text as a message on one line: it starts no link, and its braces are no placeholders (§3.11.5, §3.11.6)."""
    plain = printable(" ".join(text.split())).replace("](", "] (")
    return plain.replace("{", "{{").replace("}", "}}")


# The tool and its rules


def _driver(rules: list[_Object]) -> _Object:
    return {"name": "ssot-fix", "version": __version__, "semanticVersion": __version__, "rules": rules}


def _rule_id(finding: Finding) -> str:
    return f"{finding.codemod}/{finding.reason or finding.kind}"


def _rule(rule: str, finding: Finding, catalog: Mapping[str, Codemod]) -> _Object:
    codemod = catalog[finding.codemod]
    about = " ".join(codemod.explanation.strip().partition("\n\n")[0].split())
    help_text, level = codemod.explanation.strip(), "warning"
    short = f"{codemod.summary} ({finding.kind})"
    if finding.reason is not None:
        about = codemod.reasons.get(finding.reason) or SHARED.get(finding.reason, finding.reason)
        help_text, level = f"{about}\n\n{help_text}", "note"
        short = about.partition(". ")[0]
    return {
        "id": rule,
        "shortDescription": {"text": _sentence(short)},
        "fullDescription": {"text": _sentence(about)},
        "help": {"text": help_text, "markdown": help_text},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["maintainability", finding.codemod], "precision": "very-high"},
    }


def _sentence(text: str) -> str:
    text = text if len(text) < _LONGEST else f"{text[:_LONGEST]}..."
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


# What happened


def _invocation(results: Iterable[FileResult], notes: Iterable[str]) -> _Object:
    failed = [result for result in results if result.error is not None]
    told = [_notification("error", result.error or "", result.path) for result in failed]
    told += [_notification("note", note) for note in notes]
    return {"executionSuccessful": not failed, "toolExecutionNotifications": told}


def _notification(level: str, text: str, path: str | None = None) -> _Object:
    where = [{"physicalLocation": {"artifactLocation": _location(path)}}] if path is not None else []
    return {"level": level, "message": {"text": _line(text)}, "locations": where}


def _location(path: str) -> _Object:
    """A path as a relative URI (RFC 3986), its bytes percent-encoded (§3.4.3)."""
    return {"uri": quote(os.fsencode(path), safe="/"), "uriBaseId": _ROOT}


def _artifact(result: FileResult, text: _Text) -> _Object:
    artifact: _Object = {"location": _location(result.path)}
    if text.source is not None and text.source.encoding != "utf-8":
        artifact["encoding"] = _charset(text.source.encoding)
    if text.raw is not None:
        artifact["hashes"] = {"sha-256": hashlib.sha256(text.raw).hexdigest()}
    return artifact


def _charset(codec: str) -> str:
    """An encoding's name with IANA, which §3.24.9 asks for, from Python's."""
    name = re.sub(r"^iso8859_?-?(?=\d)", "iso-8859-", codec)
    name = re.sub(r"^cp(?=125\d$)", "windows-", name)
    return name if name == "shift_jis" else name.replace("_", "-")


# Findings


def _results(result: FileResult, text: _Text, numbers: Mapping[str, int]) -> Iterator[_Object]:
    seen = Counter[str]()
    fix = _fix(result, text)
    for finding in result.findings:
        rule = _rule_id(finding)
        mark = _fingerprint(finding, text)
        seen[mark] += 1
        told: _Object = {
            "ruleId": rule,
            "ruleIndex": numbers[rule],
            "level": "note" if finding.status is Status.REFUSED else "warning",
            "message": {"text": _message(finding)},
            "locations": [
                {"physicalLocation": {"artifactLocation": _location(finding.path), "region": _region(finding, text)}}
            ],
            "partialFingerprints": {FINGERPRINT: f"{mark}:{seen[mark]}"},
            "suppressions": [{"kind": "inSource"}] if finding.status is Status.SUPPRESSED else [],
            "properties": _properties(finding),
        }
        if fix is not None and finding.status is Status.REWRITTEN:
            told["fixes"], fix = [fix], None
        yield told


def _message(finding: Finding) -> str:
    """What the finding says; what it becomes is part of it, since few viewers show fixes."""
    message = finding.message or finding.kind
    if finding.reason is not None:
        return _line(f"{message} (left alone: {finding.reason})")
    if finding.replacement and len(finding.replacement) <= _LONGEST_SHOWN and "\n" not in finding.replacement:
        return _line(f"{message}; becomes: {finding.replacement}")
    return _line(message)


def _properties(finding: Finding) -> _Object:
    names = ("kind", "status", "applicability", "reason", "scope")
    told: _Object = {name: value for name in names if (value := getattr(finding, name)) is not None}
    if finding.replacement is not None:
        # A lone surrogate is no text, and most readers of JSON refuse the whole log for one.
        told["replacement"] = finding.replacement.encode(errors="replace").decode()
    return told


def _region(finding: Finding, text: _Text) -> _Object:
    """A finding's place; what is about a whole line or file has no columns of its own."""
    if (finding.line, finding.column) == (finding.end_line, finding.end_column):
        return {"startLine": finding.line}
    start = finding.line, text.column(finding.line, finding.column)
    return _between(start, (finding.end_line, text.column(finding.end_line, finding.end_column)))


def _between(start: tuple[int, int], end: tuple[int, int]) -> _Object:
    return {"startLine": start[0], "startColumn": start[1], "endLine": end[0], "endColumn": end[1]}


def _fingerprint(finding: Finding, text: _Text) -> str:
    """What stays the same when lines move: what the finding is, and the words on its lines."""
    words = "".join(text.line(line) for line in range(finding.line, finding.end_line + 1)).split()
    told = "\0".join((finding.codemod, finding.kind, " ".join(words)))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


# Fixes


def _fix(result: FileResult, text: _Text) -> _Object | None:
    """All edits of a file; None if there are none, or if its bytes are not those that they are for."""
    if text.raw is None or text.source is None or hashlib.sha256(text.raw).digest() != result.digest:
        return None
    encoding = text.source.encoding
    replacements = [_replacement(edit, text, encoding) for edit in _joined(result.edits, text.raw)]
    if not replacements:
        return None
    change = {"artifactLocation": _location(result.path), "replacements": replacements}
    return {"description": {"text": "Rewrite every site of this file that may be."}, "artifactChanges": [change]}


def _joined(edits: Iterable[Edit], raw: bytes) -> list[Edit]:
    """The edits that change something, in order; those that meet are one, so that nobody asks which comes first."""
    joined: list[Edit] = []
    for edit in in_order(edits):
        if joined and joined[-1].end == edit.start:
            joined[-1] = Edit(joined[-1].start, edit.end, joined[-1].text + edit.text)
        else:
            joined.append(edit)
    return [edit for edit in joined if raw[edit.start : edit.end] != edit.text]


def _replacement(edit: Edit, text: _Text, encoding: str) -> _Object:
    replacement: _Object = {"deletedRegion": _between(text.position(edit.start), text.position(edit.end))}
    if edit.text:
        replacement["insertedContent"] = {"text": edit.text.decode(encoding)}
    return replacement
