"""What a commit says: what was done and why, what was refused, and the trailers by which it is known again."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ssot_fix.delivery.proposals import Proposal
from ssot_fix.delivery.standing import BASE, CODEMOD, PLAN
from ssot_fix.edits import Finding, Status
from ssot_fix.engine.contract import Codemod

_WIDTH = 72


def commit_message(proposal: Proposal, codemod: Codemod, headlines: Mapping[str, str], plan: str, base: str) -> str:
    """The message of the commit that holds one codemod's share; `headlines` explain reason codes in a line."""
    findings = findings_of(proposal, codemod.name)
    rewritten = [finding for finding in findings if finding.status is Status.REWRITTEN]
    files = len({finding.path for finding in rewritten})
    what, why = what_and_why(codemod)
    paragraphs = [
        f"{codemod.name}: {counted(len(rewritten), 'site')} in {counted(files, 'file')}",
        textwrap.fill(what, _WIDTH),
        textwrap.fill(why, _WIDTH),
        textwrap.fill(outcome(findings), _WIDTH),
        "\n".join(_refused(findings, headlines)),
        f"{CODEMOD}: {codemod.name}\n{PLAN}: {plan}\n{BASE}: {base}",
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def findings_of(proposal: Proposal, codemod: str) -> list[Finding]:
    """What a codemod found in the files of a proposal."""
    return [finding for result in proposal.results for finding in result.findings if finding.codemod == codemod]


def what_and_why(codemod: Codemod) -> tuple[str, str]:
    """The first sentence of a codemod's explanation, and its second paragraph up to where examples begin."""
    what, *more = codemod.explanation.strip().split("\n\n")
    why = " ".join(more[0].split()) if more and not more[0].startswith((" ", "[")) else ""
    if why.endswith(":"):
        why = why[: why.rfind(". ") + 1]
    return " ".join(what.split()), why


def outcome(findings: Iterable[Finding]) -> str:
    """How many sites came to what, as a sentence."""
    statuses = Counter(finding.status for finding in findings)
    return ", ".join(f"{statuses[status]} {status}" for status in Status) + "."


def by_reason(findings: Iterable[Finding]) -> list[tuple[str, int]]:
    """The reasons of the refused, the most frequent first."""
    reasons = Counter(finding.reason or "unknown" for finding in findings if finding.status is Status.REFUSED)
    return sorted(reasons.items(), key=lambda item: (-item[1], item[0]))


def counted(count: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def named(names: Sequence[str], most: int = 5) -> str:
    """Names as a list for people; those beyond the first `most` are only counted."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def _refused(findings: Sequence[Finding], headlines: Mapping[str, str]) -> Iterable[str]:
    reasons = by_reason(findings)
    if reasons:
        yield "Refused, and left as they are:"
    for reason, count in reasons:
        text = f"{count} {reason}: {headlines[reason]}" if reason in headlines else f"{count} {reason}"
        yield textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="      ")
