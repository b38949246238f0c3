"""The JSON report: its fields and their order are a contract that users script against."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ssot_fix.edits import FileResult, Finding
from ssot_fix.report.summary import Summary, Tally, summarize

VERSION = 1
# Spelled out, so that a new field of Finding does not slip into the contract.
_FINDING_FIELDS = (
    "codemod",
    "path",
    "line",
    "column",
    "end_line",
    "end_column",
    "kind",
    "status",
    "applicability",
    "reason",
    "message",
    "replacement",
    "scope",
)

_Object: TypeAlias = dict[str, object]


def render(results: Sequence[FileResult], diffs: Mapping[str, bytes], files_scanned: int) -> str:
    """The report as one JSON object in ASCII, indented by 2, with a final newline.

    `results` come in the order of the report; `files` lists those that have findings, changed or failed.
    `diffs` holds unified diffs by path; a path without one gets null. Bytes of a diff that are no UTF-8
    become lone surrogates: `diff.encode("utf-8", "surrogateescape")` in Python gives back every byte.
    """
    report: _Object = {
        "version": VERSION,
        "files": [_file(result, diffs.get(result.path)) for result in results if _matters(result)],
        "findings": [_finding(finding) for result in results for finding in result.findings],
        "summary": _summary(summarize(results, files_scanned)),
    }
    return json.dumps(report, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _matters(result: FileResult) -> bool:
    return bool(result.findings) or result.status != "unchanged"


def _file(result: FileResult, diff: bytes | None) -> _Object:
    return {
        "path": result.path,
        "status": result.status,
        "codemods": sorted({finding.codemod for finding in result.findings}),
        "diff": diff.decode("utf-8", "surrogateescape") if diff else None,
        "error": result.error,
    }


def _finding(finding: Finding) -> _Object:
    return {name: getattr(finding, name) for name in _FINDING_FIELDS}


def _summary(summary: Summary) -> _Object:
    return {
        "files_scanned": summary.files_scanned,
        "files_changed": summary.files_changed,
        "files_failed": summary.files_failed,
        **_counts(summary.total),
        "by_codemod": {name: _counts(tally) for name, tally in summary.by_codemod.items()},
        "by_reason": dict(summary.by_reason),
    }


def _counts(tally: Tally) -> _Object:
    return {
        "matched": tally.matched,
        "rewritten": tally.rewritten,
        "suppressed": tally.suppressed,
        "refused": tally.refused,
    }
