"""What a run that wrote leaves behind: the sites that stay, at their places in the new text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ssot_fix.edits import FileResult, Finding, Placed, Status, apply_edits, placed
from ssot_fix.source import Source


def remaining(
    results: Sequence[FileResult], sources: Mapping[str, bytes]
) -> tuple[list[FileResult], dict[str, bytes]]:
    """The results without what was rewritten, and the bytes that the files now hold.

    `sources` are the bytes from before, by path. A site inside of a statement that was formatted is found to the line.
    """
    left, texts = list[FileResult](), dict(sources)
    for result in results:
        if result.status != "changed":
            left.append(result)
            continue
        old = sources[result.path]
        texts[result.path] = apply_edits(old, result.edits)
        findings = _moved(result, Source(old), Source(texts[result.path]))
        left.append(replace(result, findings=findings, edits=(), digest=b""))
    return left, texts


def _moved(result: FileResult, old: Source, new: Source) -> tuple[Finding, ...]:
    where = placed(result.edits)

    def place(line: int, column: int, *, ends: bool) -> tuple[int, int]:
        before = old.body[old.offset(line, 0) : old.line_end(line)].decode()[: column - 1]
        offset = old.raw_offset(old.offset(line, len(before.encode())))
        return new.position(new.body_offset(_offset(where, offset, ends)))

    found = []
    for finding in result.findings:
        if finding.status is not Status.REWRITTEN:
            line, column = place(finding.line, finding.column, ends=False)
            end_line, end_column = place(finding.end_line, finding.end_column, ends=True)
            found.append(replace(finding, line=line, column=column, end_line=end_line, end_column=end_column))
    return tuple(found)


def _offset(where: Sequence[Placed], offset: int, ends: bool) -> int:
    """Where a place in the old bytes is in the new ones; what is inserted at the end of a site is behind it."""
    shift = 0
    for each in where:
        edit = each.edit
        if edit.start > offset or (ends and edit.start == offset):
            break
        if edit.end > offset:
            return each.start + min(offset - edit.start, len(edit.text))
        shift = each.end - edit.end
    return offset + shift
