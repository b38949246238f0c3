"""Whose commits stand on a branch: what tells ours from people's is in the commits themselves."""

from __future__ import annotations

from dataclasses import dataclass

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
    """
    commits = list(repository.commits_back(tip, _MOST))
    ours = next((count for count, commit in enumerate(commits) if not _is_ours(commit)), len(commits))
    if not ours:
        is_behind = next((count for count, commit in enumerate(commits) if _is_ours(commit)), 1)
        return Standing(tip, strangers=tuple(commits[:is_behind]))
    first, bottom = commits[0], commits[ours - 1]
    claims = {(commit.trailers[PLAN], commit.trailers[BASE]) for commit in commits[:ours]}
    claim = (repository.difference(bottom.parents[0], tip), bottom.parents[0])
    if claims == {claim}:
        return Standing(tip, base=claim[1], plan=claim[0])
    return Standing(tip, strangers=(first,))


def _is_ours(commit: Commit) -> bool:
    return len(commit.parents) == 1 and all(commit.trailers.get(name) for name in (CODEMOD, PLAN, BASE))
