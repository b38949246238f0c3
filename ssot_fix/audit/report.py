"""The whole report of an audit: what the repository tells, what a run would do about it, and what follows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from ssot_fix.audit import settings
from ssot_fix.audit.commits import Span, span
from ssot_fix.audit.looking import Progress, Shelf
from ssot_fix.audit.model import Report
from ssot_fix.audit.plan import criteria, phases
from ssot_fix.audit.planned import Planning, plan, with_remedies
from ssot_fix.audit.seen import seen
from ssot_fix.audit.verification import left_out, run_checks
from ssot_fix.digests import Undigestible
from ssot_fix.engine.cache.identity import named, program
from ssot_fix.engine.cache.store import dump
from ssot_fix.engine.executors import aside
from ssot_fix.engine.run import Outcome
from ssot_fix.project.config import Config
from ssot_fix.project.git import run_git


@dataclass(frozen=True)
class Asked:
    """What is audited: the `last` commits behind HEAD, or a range `A..B`.

    `headlines` say what reason codes mean; `verify` runs the commands that the settings name.
    """

    planning: Planning
    headlines: Mapping[str, str]
    last: int = 40
    revisions: str | None = None
    verify: bool = False


def audit(asked: Asked, progress: Progress) -> tuple[Report, Outcome]:
    """Audit a range; also what a run over the head's files came to.

    Raises RangeError, GitError, and what a run raises.
    """
    config = asked.planning.config
    options = cast("settings.Options", config.options(settings.NAME, ""))
    spanned = span(config.root, asked.last, asked.revisions)
    head, store = spanned.head.id, asked.planning.store
    shelf = Shelf(store, program()) if store is not None else None
    name = _name(shelf.program, config, spanned) if shelf is not None else ""
    held = shelf.store.restore(name) if shelf is not None and name else None
    if isinstance(held, Report):
        report, planned = held, plan(asked.planning, head, progress)
    else:
        with aside(lambda: plan(asked.planning, head, lambda _done, _total: None), config.general.jobs) as told:
            report, planned = _seen(config, spanned, shelf, name, progress), told()
    commands = config.general.verify
    report = replace(
        report,
        findings=tuple(with_remedies(report.findings, planned.outcome)),
        diffs=planned.diffs,
        checks=run_checks(commands, config.root) if asked.verify else left_out(commands),
        notes=(*report.notes, *planned.outcome.notes),
    )
    report = replace(report, criteria=criteria(report, options.thresholds))
    return replace(report, phases=phases(report, asked.headlines)), planned.outcome


def _seen(config: Config, spanned: Span, shelf: Shelf | None, name: str, progress: Progress) -> Report:
    """What the repository tells of a range: nothing of that ever changes, so that it is kept under a name."""
    report, is_whole = seen(config, spanned, shelf, progress)
    if shelf is not None and name and is_whole:
        shelf.store.save(name, dump(report))
    return report


def _name(tells: bytes, config: Config, spanned: Span) -> str:
    """What tells an audit from others: a history may become longer, and objects may be replaced."""
    root, commits = config.root, [step.commit.id for step in spanned.steps]
    start = spanned.start.id if spanned.start else None
    shallow = root / os.fsdecode(run_git(root, "rev-parse", "--git-path", "shallow").removesuffix(b"\n"))
    ends = shallow.read_bytes() if shallow.is_file() else b""
    replaced = run_git(root, "for-each-ref", "refs/replace")
    try:
        return f"audited-{named(tells, config.digestible(), start, commits, ends, replaced)}"
    except Undigestible:
        return ""
