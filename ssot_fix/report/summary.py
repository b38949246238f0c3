"""What a run came to, counted once for every report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ssot_fix.edits import FileResult, Finding, Status


class Tally(NamedTuple):
    """How many findings came to what; `files` is the number of files they are in."""

    rewritten: int = 0
    suppressed: int = 0
    refused: int = 0
    files: int = 0

    @property
    def matched(self) -> int:
        """All of them: every site has exactly one status."""
        return self.rewritten + self.suppressed + self.refused


class Summary(NamedTuple):
    """The counts of a run; `by_codemod` and `by_reason` are sorted by name, the latter counts refusals."""

    files_scanned: int
    files_changed: int
    files_failed: int
    total: Tally
    by_codemod: Mapping[str, Tally]
    by_reason: Mapping[str, int]


def summarize(results: Sequence[FileResult], files_scanned: int) -> Summary:
    """Count the results; `files_scanned` may be more than there are results, a file may have several."""
    findings = [finding for result in results for finding in result.findings]
    statuses = Counter(status for _, status in {(result.path, result.status) for result in results})
    reasons = Counter(finding.reason or "unknown" for finding in findings if finding.status is Status.REFUSED)
    return Summary(
        files_scanned=files_scanned,
        files_changed=statuses["changed"],
        files_failed=statuses["failed"],
        total=_tally(findings),
        by_codemod={name: _tally(group) for name, group in _by_codemod(findings).items()},
        by_reason=dict(sorted(reasons.items())),
    )


def _by_codemod(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.codemod, []).append(finding)
    return dict(sorted(groups.items()))


def _tally(findings: Sequence[Finding]) -> Tally:
    statuses = Counter(finding.status for finding in findings)
    return Tally(
        rewritten=statuses[Status.REWRITTEN],
        suppressed=statuses[Status.SUPPRESSED],
        refused=statuses[Status.REFUSED],
        files=len({finding.path for finding in findings}),
    )
