"""What a run found and changes, as a page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from ssot_fix.edits import FileResult, Finding, Status
from ssot_fix.reasons import headlines
from ssot_fix.report.html.changes import Change, change
from ssot_fix.report.html.page import render as render_page
from ssot_fix.report.html.table import Cell, Column, Details, Part, Row, Table, prose
from ssot_fix.report.summary import summarize

_STATUSES = {Status.REWRITTEN: "good", Status.REFUSED: "warn", Status.SUPPRESSED: ""}


def render(  # noqa: PLR0913 - the one place where all of a run's facts meet
    results: Sequence[FileResult],
    sources: Mapping[str, bytes],
    files_scanned: int,
    reasons: Sequence[Mapping[str, str]] = (),
    notes: Sequence[str] = (),
    *,
    is_written: bool = False,
) -> bytes:
    """The page, as UTF-8. The same results make the same bytes.

    `sources` are the bytes that the files had when they were analysed, by path; a file without, or with others, shows
    no diff. `reasons` are the reason codes of the codemods, as `Codemod.reasons`. `is_written` says that the files
    were changed, not would be.
    """
    changes = [made for result in results if (made := _change(result, sources)) is not None]
    failed = [result for result in results if result.error is not None]
    findings = _findings([finding for result in results for finding in result.findings])
    shown = {
        "title": "What ssot-fix changed" if is_written else "What ssot-fix would change",
        "summary": summarize(results, files_scanned),
        "headlines": headlines(*reasons),
        "changes": changes,
        "failed": failed,
        "findings": findings,
        "notes": notes,
        "is_written": is_written,
        "sections": _sections(changes, failed, notes),
    }
    return render_page("dry_run.html", shown)


def _sections(changes: Sequence[Change], failed: Sequence[FileResult], notes: Sequence[str]) -> list[tuple[str, str]]:
    there = [
        ("summary", "Summary", True),
        ("failed", "Failed", failed),
        ("changes", "Changes", changes),
        ("findings", "All sites", True),
        ("notes", "Notes", notes),
    ]
    return [(id_, title) for id_, title, present in there if present]


def _change(result: FileResult, sources: Mapping[str, bytes]) -> Change | None:
    old = sources.get(result.path)
    if result.status != "changed" or old is None or hashlib.sha256(old).digest() != result.digest:
        return None
    return change(result.path, old, result.edits)


def _findings(findings: Sequence[Finding]) -> Table:
    columns = (
        Column("Status", is_filter=True, order=tuple(_STATUSES)),
        Column("Codemod", "code", is_filter=True),
        Column("Kind", "code", is_filter=True),
        Column("Reason", "code", is_filter=True),
        Column("Where", "path wide"),
        Column("What", "wide"),
        Column("Fix", is_filter=True),
        Column("Scope", is_filter=True),
    )
    rows = [_row(finding) for finding in findings]
    return Table("list", "Every site that a codemod is about, and what becomes of it", "sites", columns, rows)


def _row(finding: Finding) -> Row:
    status: Cell = (Part(finding.status.value, f"tag {_STATUSES[finding.status]}".rstrip()),)
    head = (status, finding.codemod, finding.kind, finding.reason or "", f"{finding.path}:{finding.line}")
    lines = (finding.replacement or "").split("\n")
    details = [Details("Becomes", [_code(line) for line in lines])] if finding.replacement else []
    return Row((*head, prose(finding.message), finding.applicability.value, finding.scope), details)


def _code(text: str) -> Cell:
    return (Part(text, "code"),)
