"""Files that aren't Python: entry points follow a move, other lines that name what has moved are listed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator

from codemods.stale_imports.decide import Decider, Decision
from codemods.stale_imports.mentions import (
    Change,
    EntryPoint,
    Mention,
    entry_point_edits,
    entry_points,
    find,
    text_files,
)
from codemods.stale_imports.options import NAME
from ssot_fix.edits import Applicability, FileResult, Finding, Refusal, Status
from ssot_fix.project.config import PYPROJECT, Config

_IGNORED = re.compile(r"#\s*ssot-fix:\s*ignore(?:\[([^\]]*)\])?")
_OWN_LINE = re.compile(r"\s*(?:#|\[|\{|from\b|to\b)")


def beyond(config: Config, decider: Decider, covers: Callable[[str], bool]) -> list[FileResult]:
    """The results for all files that `covers` tells are wanted."""
    return _Beyond(config, decider, covers).results()


def dangling_entries(decider: Decider, data: bytes) -> Iterator[tuple[EntryPoint, Decision]]:
    """The entry points in a pyproject.toml that name what is gone."""
    for entry in entry_points(data):
        text = f"{entry.module}:{entry.attribute}" if entry.attribute else entry.module
        dangling = decider.index.dangling_string(text)
        if dangling is not None:
            yield entry, decider.decide(PYPROJECT, dangling)


class _Beyond:
    def __init__(self, config: Config, decider: Decider, covers: Callable[[str], bool]) -> None:
        self._config = config
        self._decider = decider
        self._covers = covers
        self._around = decider.project.around
        self._lines: dict[str, list[str]] = {}

    def results(self) -> list[FileResult]:
        entries = self._entry_points()
        found = {entries.path: entries} if entries is not None else {}
        taken = {(entries.path, each.line, each.column) for each in entries.findings} if entries is not None else set()
        for mention in self._mentions():
            if (mention.path, mention.line, mention.column) in taken or self._is_own_setting(mention):
                continue
            result = found.get(mention.path, FileResult(mention.path))
            finding = self._mention(mention)
            ordered = sorted((*result.findings, finding), key=lambda each: (each.line, each.column))
            found[mention.path] = FileResult(mention.path, tuple(ordered), result.edits, result.digest)
        return list(found.values())

    # Mentions

    def _mentions(self) -> list[Mention]:
        sources = (entry.source for entry in self._decider.moves.sources())
        olds = {f"{source.module}.{source.name}" if source.name else source.module for source in sources}
        if not olds:
            return []
        # Any line of any of them may be one, and git says which there are.
        self._around.give_up("all of the project's text files were searched")
        root = self._config.root
        paths = [path for path in text_files(root) if self._covers(path)]
        return find(root, paths, olds, self._decider.project.source_roots)

    def _is_own_setting(self, mention: Mention) -> bool:
        """Whether a mention is part of the moves themselves."""
        file = self._config.file
        own = file is not None and (self._config.root / mention.path) == file
        return own and _OWN_LINE.match(self._line(mention.path, mention.line)) is not None

    def _mention(self, mention: Mention) -> Finding:
        module, _, name = mention.old.rpartition(".")
        place = self._decider.moves.target(mention.old, None) or self._decider.moves.target(module, name)
        message = f"`{mention.text}` names {mention.old}, which moved to {str(place).replace(':', '.')}"
        ignored = self._is_ignored(mention.path, mention.line)
        return Finding(
            NAME,
            mention.path,
            mention.line,
            mention.column,
            mention.line,
            mention.end_column,
            "mention",
            Status.SUPPRESSED if ignored else Status.REFUSED,
            Applicability.MANUAL,
            None if ignored else "other-file",
            message,
            None,
            self._decider.scopes(mention.path),
        )

    # Entry points

    def _entry_points(self) -> FileResult | None:
        if not self._covers(PYPROJECT):
            return None
        try:
            data = self._around.read(PYPROJECT)
        except OSError:
            return None
        findings, changes = [], []
        for entry, decision in dangling_entries(self._decider, data):
            change = _change(entry, decision)
            refusal = decision.refusal or (None if change else _unclear(decision))
            ignored = self._is_ignored(PYPROJECT, entry.line)
            if change is not None and refusal is None and not ignored:
                changes.append(change)
            findings.append(self._entry(entry, decision, refusal, change, ignored))
        if not findings:
            return None
        edits = tuple(entry_point_edits(data, changes))
        findings.sort(key=lambda finding: (finding.line, finding.column))
        return FileResult(PYPROJECT, tuple(findings), edits, hashlib.sha256(data).digest() if edits else b"")

    def _entry(
        self, entry: EntryPoint, decision: Decision, refusal: Refusal | None, change: Change | None, ignored: bool
    ) -> Finding:
        line = self._line(PYPROJECT, entry.line)
        column = max(line.find(entry.module), 0) + 1
        status = Status.SUPPRESSED if ignored else Status.REFUSED if refusal else Status.REWRITTEN
        return Finding(
            NAME,
            PYPROJECT,
            entry.line,
            column,
            entry.line,
            column + len(entry.module),
            "entry-point",
            status,
            Applicability.MANUAL if refusal else Applicability.SAFE,
            refusal.reason if refusal and not ignored else None,
            refusal.message if refusal else decision.message,
            _spelled(change) if change is not None and status is Status.REWRITTEN else None,
            "production",
        )

    # Lines

    def _line(self, path: str, number: int) -> str:
        if path not in self._lines:
            text = self._around.read(path).decode(errors="replace")
            self._lines[path] = re.split(r"\r\n|\r|\n", text)
        return self._lines[path][number - 1]

    def _is_ignored(self, path: str, number: int) -> bool:
        match = _IGNORED.search(self._line(path, number))
        return match is not None and (match[1] is None or NAME in [name.strip() for name in match[1].split(",")])


def _change(entry: EntryPoint, decision: Decision) -> Change | None:
    """What an entry point is to name; None if it is not spelled as it is."""
    if decision.place is None or entry.module_span is None:
        return None
    return Change(entry, *decision.new_entry(entry.module, entry.attribute))


def _unclear(decision: Decision) -> Refusal:
    return Refusal("unclear-string", f"{decision.message}; the string does not spell the path in one piece")


def _spelled(change: Change) -> str:
    return f"{change.module}:{change.attribute}" if change.attribute else change.module
