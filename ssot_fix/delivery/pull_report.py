"""What a run did about pull requests, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ssot_fix.delivery.branches import json_verified
from ssot_fix.delivery.message import counted
from ssot_fix.delivery.pull_requests import Action, Delivered
from ssot_fix.report.diff import printable

_WRITING = (Action.OPENED, Action.REFRESHED, Action.CLOSED, Action.DELETED)


def told_pull(done: Delivered, *, dry_run: bool) -> str:
    """What came of one, in a line."""
    action = f"would be {done.action}" if dry_run and done.action in _WRITING else done.action.value
    where = f" {done.pull.url}" if done.pull else ""
    holds = ""
    if done.proposal and done.action in {Action.OPENED, Action.REFRESHED, Action.UNCHANGED}:
        total = done.proposal.summary.total
        holds = f" ({counted(len(done.proposal.changes), 'file')}, {counted(total.rewritten, 'site')})"
    why = f": {done.why}" if done.why else ""
    return printable(f"{done.branch} {action}{where}{holds}{why}")


def json_pulls(delivered: Sequence[Delivered], notes: Sequence[str]) -> str:
    """The pull requests as one JSON object, with a final newline."""
    report = {"version": 1, "pull_requests": [_json(done) for done in delivered], "notes": list(notes)}
    return json.dumps(report, indent=2) + "\n"


def _json(done: Delivered) -> dict[str, object]:
    proposal, pull = done.proposal, done.pull
    total = proposal.summary.total if proposal else None
    return {
        "branch": done.branch,
        "action": done.action.value,
        "url": pull.url if pull else None,
        "number": pull.number if pull else None,
        "plan": done.plan,
        "files": len(proposal.changes) if proposal else 0,
        "left_out": proposal.left_out if proposal else 0,
        "rewritten": total.rewritten if total else 0,
        "suppressed": total.suppressed if total else 0,
        "refused": total.refused if total else 0,
        "verify": [json_verified(each) for each in done.verified],
        "why": done.why or None,
    }
