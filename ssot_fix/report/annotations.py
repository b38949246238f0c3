"""Findings as annotations of a pull request: the commands that GitHub Actions reads from a step's output.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ssot_fix.edits import FileResult, Finding, Status
from ssot_fix.report.diff import printable

# GitHub shows the first ten annotations of each kind of a step, and fifty of a job.
SHOWN = 10
_LONGEST = 200  # characters of a replacement
# What the runner unescapes (actions/toolkit, packages/core/src/command.ts).
_IN_MESSAGES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTIES = _IN_MESSAGES | str.maketrans({":": "%3A", ",": "%2C"})


def render(results: Sequence[FileResult]) -> str:
    """The annotations, each on a line of its own; "" for results without findings and errors.

    A file that failed is an error, what is to be rewritten a warning, what is left alone a notice; what is suppressed
    is not told. Production code comes before test code, else the order is that of the results. No more are printed
    than GitHub shows; the last line counts them all. Whatever paths and messages hold, they start no command.
    """
    findings = [finding for result in results for finding in result.findings]
    rewritten = _production_first(finding for finding in findings if finding.status is Status.REWRITTEN)
    refused = _production_first(finding for finding in findings if finding.status is Status.REFUSED)
    failed = [result for result in results if result.error is not None]
    lines = [_failure(result) for result in failed[:SHOWN]]
    lines += [_annotation("warning", finding) for finding in rewritten[:SHOWN]]
    lines += [_annotation("notice", finding) for finding in refused[: SHOWN - 1]]
    if lines:
        lines.append(_total(len(failed), len(rewritten), len(refused)))
    return "".join(f"{line}\n" for line in lines)


def command(name: str, message: str, properties: Iterable[tuple[str, str]] = ()) -> str:
    """One workflow command, without its newline: `name` is error, warning or notice, all else is escaped."""
    told = ",".join(f"{key}={_safe(value).translate(_IN_PROPERTIES)}" for key, value in properties)
    return f"::{name}{' ' if told else ''}{told}::{_safe(message).translate(_IN_MESSAGES)}"


def _safe(text: str) -> str:
    """The text with nothing in it but line ends that a terminal would obey or that has no encoding."""
    return re.sub(r"[^\r\n]+", lambda match: printable(match.group()), text)


def _production_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.scope != "production")


def _failure(result: FileResult) -> str:
    return command("error", result.error or "", [("file", result.path), ("title", "ssot-fix")])


def _annotation(name: str, finding: Finding) -> str:
    title = f"{finding.codemod}: {finding.reason or finding.kind}"
    return command(name, "\n".join(_message(finding)), [*_place(finding), ("title", title)])


def _place(finding: Finding) -> Iterator[tuple[str, str]]:
    yield "file", finding.path
    yield "line", str(finding.line)
    yield "endLine", str(finding.end_line)
    # GitHub takes columns of one line only (POST /repos/{owner}/{repo}/check-runs, `annotations`).
    if finding.line == finding.end_line and finding.column < finding.end_column:
        yield "col", str(finding.column)
        yield "endColumn", str(finding.end_column)


def _message(finding: Finding) -> Iterator[str]:
    yield " ".join(finding.message.split())
    if finding.replacement:
        shown = finding.replacement.strip()
        yield f"becomes: {shown if len(shown) <= _LONGEST else f'{shown[:_LONGEST]}...'}"
    if finding.reason:
        yield f"left alone; `ssot-fix explain {finding.reason}` says what can be done"


def _total(failed: int, rewritten: int, refused: int) -> str:
    told = f"{rewritten:,} to rewrite, {refused:,} left alone"
    if failed:
        told += f", {failed:,} {'file' if failed == 1 else 'files'} failed"
    shown = min(failed, SHOWN) + min(rewritten, SHOWN) + min(refused, SHOWN - 1)
    if left_out := failed + rewritten + refused - shown:
        told += f"; {left_out:,} of these are not shown here, `--format json` and `--format sarif` have all"
    return command("notice", told, [("title", "ssot-fix")])
