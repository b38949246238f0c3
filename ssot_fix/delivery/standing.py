"""Whose commits stand on a branch: what tells ours from people's is in the commits themselves."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from ssot_fix.delivery.repository import Commit, Repository

CODEMOD, PLAN, BASE = "Ssot-Fix-Codemod", "Ssot-Fix-Plan", "Ssot-Fix-Base"
_MOST = 100  # commits that are looked at; nobody has so many codemods


@dataclass(frozen=True, slots=True)
class Standing:
    """A branch as it was found: built on `base` for `plan`, or, if not all of it is ours, `strangers`' commits.

    `plan` is the hash of what differs between the base and the tip, so that an amended commit is known, too.
    """

    tip: str
    base: str = ""
    plan: str = ""
    strangers: tuple[Commit, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether nobody but us has written to the branch."""
        return bool(self.plan)


def standing(repository: Repository, tip: str) -> Standing:
    """Look at a branch from its tip backwards.

    Its commits are ours if each has our trailers, they stand on the commit that these name as their base, and what
    they change together is what they name as their plan. History below that is not needed: a clone may be shallow.
    It may hold commits of ours with other trailers, of a branch that has become a part of the base.
    """
    commits = list(repository.commits_back(tip, _MOST))
    first, claim = commits[0], _claim(commits[0])
    if claim is None:
        is_behind = next((count for count, commit in enumerate(commits) if _claim(commit)), 1)
        return Standing(tip, strangers=tuple(commits[:is_behind]))
    *_, bottom = takewhile(lambda commit: _claim(commit) == claim, commits)
    base = bottom.parents[0]
    if claim == (repository.difference(base, tip), base):
        return Standing(tip, base=base, plan=claim[0])
    return Standing(tip, strangers=(first,))


def _claim(commit: Commit) -> tuple[str, str] | None:
    """The plan and the base that a commit of ours names; None if it is not one."""
    trailers = commit.trailers
    if len(commit.parents) != 1 or not all(trailers.get(name) for name in (CODEMOD, PLAN, BASE)):
        return None
    return trailers[PLAN], trailers[BASE]
