"""The commands of `[[tool.ssot-fix.verify]]`, run on the project as it lies there: only where it was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ssot_fix.audit.model import Check
from ssot_fix.delivery.commands import Ran, run_command
from ssot_fix.project.config import Verification

LIMIT = 30  # seconds for a command of which nothing else is said


def run_checks(commands: Iterable[Verification], folder: Path) -> tuple[Check, ...]:
    """Run commands in a folder, the project's root, one after the other; how each ended, in their order.

    What a command has started ends with it, at its time limit or before.
    """
    return tuple(_check(command, folder) for command in commands)


def left_out(commands: Iterable[Verification]) -> tuple[Check, ...]:
    """The commands as they stand in a report for which none was run."""
    return tuple(Check(command.run, "not run", limit=command.timeout or LIMIT) for command in commands)


def _check(command: Verification, folder: Path) -> Check:
    limit = command.timeout or LIMIT
    ran = run_command(command.run, folder, limit)
    return Check(command.run, _result(ran), ran.seconds, limit, ran.tail)


def _result(ran: Ran) -> str:
    if ran.code is None:
        return "timed out"
    return "passed" if ran.passed else "failed"
