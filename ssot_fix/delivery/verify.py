"""Running the user's own commands on a commit before and after: the only thing here that runs code under migration."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ssot_fix.delivery.commands import Ran, run_command
from ssot_fix.delivery.repository import Repository
from ssot_fix.project.config import Verification
from ssot_fix.project.git import GitError, run_git

_LIMIT = 600  # seconds for a command of which nothing else is said


@dataclass(frozen=True, slots=True)
class Verified:
    """A command on the base and on the branch."""

    command: str
    before: Ran
    after: Ran

    @property
    def is_broken(self) -> bool:
        """Whether it passed on the base and fails on the branch."""
        return self.before.passed and not self.after.passed


class Verifier:
    """Runs the commands on a base once, and on each branch."""

    def __init__(self, repository: Repository, base: str, commands: Sequence[Verification]) -> None:
        self._repository = repository
        self._base = base
        self.commands = commands
        self._before: tuple[Ran, ...] | None = None

    def verify(self, commit: str) -> tuple[Verified, ...]:
        """Run every command in a temporary work tree of the base and of a commit.

        Raises GitError if there can't be one.
        """
        if not self.commands:
            return ()
        if self._before is None:
            self._before = self._run_all(self._base)
        after = self._run_all(commit)
        return tuple(
            Verified(command.run, *ran) for command, *ran in zip(self.commands, self._before, after, strict=True)
        )

    def _run_all(self, commit: str) -> tuple[Ran, ...]:
        with _worktree(self._repository, commit) as folder:
            return tuple(run_command(each.run, folder, each.timeout or _LIMIT) for each in self.commands)


@contextmanager
def _worktree(repository: Repository, commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ssot-fix-verify-", ignore_cleanup_errors=True) as above:
        work = tempfile.TemporaryDirectory(dir=above, ignore_cleanup_errors=True)
        folder = Path(work.name).resolve()
        # Commands get all files, where the user has but some of them checked out, too.
        add = ("-c", "core.sparseCheckout=false", "worktree", "add", "--quiet", "--detach")
        run_git(repository.folder, *add, str(folder), commit)
        try:
            yield folder
        finally:
            work.cleanup()  # a command may have taken it apart; then git forgets it only once it is gone
            with suppress(GitError):
                run_git(repository.folder, "worktree", "remove", "--force", "--force", str(folder))
