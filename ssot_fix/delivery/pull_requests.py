"""Bringing pull requests to where they should be, from whatever state of the world a run finds.

Nothing is remembered between runs: what is there is on the remote and on the forge. So a run that is killed anywhere
is made good by the next one, and a run that finds everything in place does nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import takewhile

from ssot_fix.delivery.body import Story, body, title
from ssot_fix.delivery.branches import Builder, Trees, has_nothing_of_its_own, told, why_broken
from ssot_fix.delivery.forge import Forge, ForgeError, PullRequest, State
from ssot_fix.delivery.marker import Marker, fingerprints, has_new, read_marker, sketch, without_marker
from ssot_fix.delivery.proposals import Proposal
from ssot_fix.delivery.remote import Remote
from ssot_fix.delivery.standing import Standing, standing
from ssot_fix.delivery.verify import Verified, Verifier
from ssot_fix.project.git import GitError
from ssot_fix.report.markdown import code

HANDS_OFF = "<!-- ssot-fix hands off -->"
FINISHED = "<!-- ssot-fix finished -->"
_HOUR = timedelta(hours=1)
_MOST_REVIEWERS = 15  # GitHub asks no more of them


class Action(StrEnum):
    """What was done about a branch, or would be."""

    OPENED = "opened"
    REFRESHED = "refreshed"
    UNCHANGED = "unchanged"
    HANDS_OFF = "hands-off"  # somebody has pushed to it
    DECLINED = "declined"  # somebody has closed it
    WAITING = "waiting"  # there are enough already
    BROKEN = "broken"  # a command passed before and fails after
    CLOSED = "closed"  # nothing is left to do
    DELETED = "deleted"  # the branch of one that was merged
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a branch and its pull request; `why` says more to a person."""

    branch: str
    action: Action
    pull: PullRequest | None = None
    plan: str = ""
    proposal: Proposal | None = None
    verified: tuple[Verified, ...] = ()
    why: str = ""

    @property
    def is_worry(self) -> bool:
        """Whether what was asked for could not be done."""
        return self.action in {Action.FAILED, Action.BROKEN}


@dataclass(frozen=True, slots=True)
class Manners:
    """How pull requests are to be. `questions` are the hashes of what is asked, for each part of the answer.

    `max_open` is how many may be open at once, `max_per_hour` how many may be opened within one.
    """

    questions: frozenset[str]
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    draft: bool = False
    max_open: int | None = None
    max_per_hour: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Face:
    """What is to be seen of a pull request, and its marker."""

    title: str
    text: str
    marker: Marker


@dataclass(slots=True)
class Deliverer:
    """Carries proposals to a forge. `base` is the branch that they are for, `heads` are the remote's branches.

    `inactive` are codemods that had nothing to work with.
    """

    builder: Builder
    verifier: Verifier
    remote: Remote
    forge: Forge
    manners: Manners
    base: str
    heads: dict[str, str]
    story: Callable[[Proposal], Story]
    inactive: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
    _would_open: int = 0  # of which the forge does not know, in a dry run

    def deliver(self, proposal: Proposal) -> Delivered:
        """Bring a proposal's branch and pull request up to date. Whatever fails is told, and stays with this one."""
        try:
            return self._deliver(proposal)
        except (GitError, ForgeError) as error:
            return Delivered(proposal.branch, Action.FAILED, proposal=proposal, why=str(error))

    def _deliver(self, proposal: Proposal) -> Delivered:
        branch = proposal.branch
        if branch == self.base:
            raise GitError(f"{branch} is the branch to build on; --name names another one")
        pulls = self.forge.pull_requests_of(branch)
        current = self._current(pulls)
        found = self._standing(branch)
        if found is not None and self._is_theirs(branch, found, pulls):
            return self._hands_off(branch, current, found, proposal)
        if other := next((pull for pull in pulls if pull.state is State.OPEN and pull is not current), None):
            why = f"#{other.number} is open from this branch, and not by this run; --name names another branch"
            return Delivered(branch, Action.HANDS_OFF, other, proposal=proposal, why=why)
        sites = fingerprints(finding for result in proposal.results for finding in result.findings)
        if current is None and (closed := _declined([pull for pull in pulls if pull.base == self.base], sites)):
            why = f"#{closed.number} was closed, and there are no new sites since"
            return Delivered(branch, Action.DECLINED, closed, proposal=proposal, why=why)
        if current is None and (why := self._why_wait()):
            return Delivered(branch, Action.WAITING, proposal=proposal, why=why)
        return self._bring(proposal, current, found, sketch(sites))

    def _bring(self, proposal: Proposal, current: PullRequest | None, found: Standing | None, sites: str) -> Delivered:
        trees = self.builder.trees(proposal)
        is_built = found is not None and self.builder.is_built(found, trees)
        story = self.story(proposal)
        marker = self._marker(story, trees, sites)
        last = marker_of(current)
        if current and is_built and last == marker and current.base == self.base:
            return Delivered(proposal.branch, Action.UNCHANGED, current, trees.plan, proposal)
        action = Action.REFRESHED if current else Action.OPENED
        if self.manners.dry_run:
            self._would_open += current is None
            return Delivered(proposal.branch, action, current, trees.plan, proposal)
        tip = found.tip if found is not None and is_built else self.builder.commits(proposal, trees)
        verified = self.verifier.verify(tip)
        if broken := why_broken(verified):
            why = f"{broken}; nothing was pushed"
            return Delivered(proposal.branch, Action.BROKEN, current, trees.plan, proposal, verified, why)
        if not is_built:
            self.remote.push(proposal.branch, tip, found.tip if found else None)
        pull = self._told(proposal.branch, current, _Face(title(story), body(story, verified), marker))
        return Delivered(proposal.branch, action, pull, trees.plan, proposal, verified)

    def _marker(self, story: Story, trees: Trees, sites: str) -> Marker:
        manners = self.manners
        asked = (name.removeprefix("@") for name in manners.reviewers)
        reviewers = tuple(dict.fromkeys((*asked, *story.proposal.part.reviewers)))[:_MOST_REVIEWERS]
        commands = [command.run for command in self.verifier.commands]
        seen = [title(story), body(story, ()), self.base, manners.labels, reviewers, manners.draft, commands]
        wanted = hashlib.sha256(json.dumps(seen).encode("utf-8", "surrogateescape")).hexdigest()
        return Marker(
            branch=story.proposal.branch,
            plan=trees.plan,
            base=self.builder.base,
            question=story.question,
            wanted=wanted,
            codemods=trees.codemods,
            labels=manners.labels,
            reviewers=reviewers,
            sites=sites,
            draft=manners.draft,
        )

    def _told(self, branch: str, current: PullRequest | None, face: _Face) -> PullRequest:
        """Open or refresh the pull request; that it is settled is written down when all of it is."""
        last, marker = marker_of(current), face.marker
        labels = _labels(current, last, marker)
        asked = [name for name in marker.reviewers if last is None or not last.settled or name not in last.reviewers]
        redraft = current is not None and last is not None and _is_redrafted(current, last, marker)
        is_settled = labels is None and not asked and not redraft
        text = _with_marker(face.text, marker if is_settled else _unsettled(marker, last))
        if current is None:
            pull = self.forge.open(branch, self.base, face.title, text, draft=self.manners.draft)
        else:
            pull = current
            self.forge.edit(pull.number, title=face.title, body=text, base=_changed(pull.base, self.base))
        if is_settled:
            return pull
        if redraft:
            self.forge.set_draft(pull.number, draft=self.manners.draft)
        if labels is not None:
            self.forge.set_labels(pull.number, labels)
        self._ask(pull, asked)
        self.forge.edit(pull.number, body=_with_marker(face.text, marker))
        return pull

    def _ask(self, pull: PullRequest, reviewers: Sequence[str]) -> None:
        try:
            if reviewers:
                self.forge.request_reviews(pull.number, reviewers)
        except ForgeError as error:
            self.notes.append(f"#{pull.number}: {error}")

    # People

    def _current(self, pulls: Sequence[PullRequest]) -> PullRequest | None:
        """The open pull request that is ours to bring up to date."""
        ours = (pull for pull in pulls if pull.state is State.OPEN and marker_of(pull))
        return next((pull for pull in ours if pull.base == self.base or self._belongs(pull)), None)

    def _standing(self, branch: str) -> Standing | None:
        tip = self.heads.get(branch)
        return standing(self.builder.repository, tip) if tip else None

    def _is_theirs(self, branch: str, found: Standing, pulls: Sequence[PullRequest]) -> bool:
        """Whether a branch holds work of people's that is not in the base."""
        if found.is_ours or any(_is_ours(pull) and _is_merged(pull, found) for pull in pulls):
            return False
        return not has_nothing_of_its_own(self.builder.repository, branch, found.tip, self.builder.base)

    def _hands_off(
        self, branch: str, current: PullRequest | None, found: Standing, proposal: Proposal | None = None
    ) -> Delivered:
        why = f"left to those who have pushed to it: {told(found)}"
        if current is not None and not self.manners.dry_run:
            text = (
                "There are commits here that ssot-fix has not made, so it leaves this pull request to you. "
                f"To have it kept up to date again, take them off the branch.\n\n{HANDS_OFF}"
            )
            self.forge.comment(current.number, text, HANDS_OFF)
        return Delivered(branch, Action.HANDS_OFF, current, proposal=proposal, why=why)

    def _why_wait(self) -> str:
        """Why no pull request may be opened now; empty if one may."""
        limits = self.manners
        if limits.max_open is not None:
            is_open = sum(map(_is_ours, self.forge.pull_requests(only_open=True)))
            if is_open + self._would_open >= limits.max_open:
                return f"{is_open} are open already (--max-open)"
        if limits.max_per_hour is not None:
            fresh = self._within_an_hour()
            if fresh + self._would_open >= limits.max_per_hour:
                return f"{fresh} were opened within the last hour (--max-per-hour)"
        return ""

    def _within_an_hour(self) -> int:
        since, count = datetime.now(UTC) - _HOUR, 0
        for pull in self.forge.pull_requests():
            if pull.created < since:
                break
            count += _is_ours(pull)
        return count

    # The end

    def finish(self, branches: Iterable[str], kept: Iterable[str]) -> list[Delivered]:
        """Tidy up what is left of branches that have nothing to hold any more: of the same question, and not `kept`.

        Raises ForgeError if it can't be told which they are.
        """
        mine = [pull for pull in self.forge.pull_requests(only_open=True) if self._belongs(pull)]
        named = dict.fromkeys([*branches, *(pull.branch for pull in mine)])
        left = [branch for branch in named if branch not in frozenset(kept)]
        return [done for branch in left if (done := self._finish(branch)) is not None]

    def _belongs(self, pull: PullRequest) -> bool:
        marker = marker_of(pull)
        return marker is not None and marker.question in self.manners.questions

    def _finish(self, branch: str) -> Delivered | None:
        try:
            return self._finished(branch)
        except (GitError, ForgeError) as error:
            return Delivered(branch, Action.FAILED, why=str(error))

    def _finished(self, branch: str) -> Delivered | None:
        pulls = self.forge.pull_requests_of(branch)
        current = next((pull for pull in pulls if pull.state is State.OPEN), None)
        found = self._standing(branch)
        if current is not None and not self._belongs(current):
            return None
        if found is not None and self._is_theirs(branch, found, pulls):
            return self._hands_off(branch, current, found) if current is not None else None
        if current is not None:
            return self._close(branch, current, found)
        if found is None or not pulls or not self._belongs(pulls[0]) or not _may_delete(pulls[0], found):
            return None
        if not self.manners.dry_run and not self._delete(branch, found):
            return None
        return Delivered(branch, Action.DELETED, pulls[0], found.plan)

    def _delete(self, branch: str, found: Standing) -> bool:
        """Delete a branch, unless a pull request goes to it: that would be closed with it."""
        is_base = any(pull.base == branch for pull in self.forge.pull_requests(only_open=True))
        if not is_base:
            self.remote.delete(branch, found.tip)
        return not is_base

    def _close(self, branch: str, pull: PullRequest, found: Standing | None) -> Delivered | None:
        marker = marker_of(pull)
        if marker is None or self.inactive.intersection(marker.codemods):
            return None  # what a codemod that has nothing to work with would find is not known
        if not self.manners.dry_run:
            why = f"Nothing is left to do here: {code(self.base)} has no such sites any more, so this is closed."
            self.forge.comment(pull.number, f"{why}\n\n{FINISHED}", FINISHED)
            text = _with_marker(without_marker(pull.body), replace(marker, finished=True))
            self.forge.edit(pull.number, body=text, close=True)
            if found is not None:
                self._delete(branch, found)
        return Delivered(branch, Action.CLOSED, pull, marker.plan)


def _declined(pulls: Sequence[PullRequest], sites: Iterable[int]) -> PullRequest | None:
    """The pull request that somebody closed, if all the sites were in it or in others that were."""
    since = takewhile(lambda pull: pull.state is not State.MERGED, pulls)  # what was merged then is no longer declined
    closed = [(pull, marker_of(pull)) for pull in since if pull.state is State.CLOSED]
    refused = [(pull, marker) for pull, marker in closed if marker is None or not marker.finished]
    if not refused:
        return None
    # Without its marker nothing tells what it was about: it was closed, and that is respected.
    is_known = all(marker for _, marker in refused)
    is_new = is_known and has_new(sites, [marker.sites for _, marker in refused if marker])
    return None if is_new else refused[0][0]


def marker_of(pull: PullRequest | None) -> Marker | None:
    """The marker of a pull request, if it is ours."""
    return read_marker(pull.body, pull.branch) if pull else None


def _is_ours(pull: PullRequest) -> bool:
    return marker_of(pull) is not None


def _is_redrafted(pull: PullRequest, last: Marker, marker: Marker) -> bool:
    """Whether it is to be made a draft, or ready: where that is a new wish, and not what a person has changed."""
    is_new = last.draft is not marker.draft or not last.settled
    return is_new and pull.draft is not marker.draft


def _is_merged(pull: PullRequest, found: Standing) -> bool:
    """Whether all that stands on a branch was merged with a pull request."""
    return pull.state is State.MERGED and pull.head == found.tip


def _may_delete(pull: PullRequest, found: Standing) -> bool:
    """Whether the branch of our last pull request has done its work: that was merged, or closed by us."""
    marker = marker_of(pull)
    return marker is not None and (pull.state is State.MERGED or marker.finished) and pull.head == found.tip


def _labels(current: PullRequest | None, last: Marker | None, marker: Marker) -> list[str] | None:
    """All labels that a pull request is to have, where that is not so; those that people gave and took are left."""
    if current is None:
        return list(marker.labels) or None
    if last is not None and last.settled and last.labels == marker.labels:
        return None
    dropped = set(last.labels if last else ()).difference(marker.labels)
    # GitHub takes names that differ in case for one.
    unwanted = {label.casefold() for label in dropped}
    kept = [label for label in current.labels if label.casefold() not in unwanted]
    held = {label.casefold() for label in kept}
    wanted = [*kept, *(label for label in marker.labels if label.casefold() not in held)]
    # The request takes no empty list.
    return wanted if wanted and wanted != list(current.labels) else None


def _unsettled(marker: Marker, last: Marker | None) -> Marker:
    """What is written down before all is done: also which labels may still have to go."""
    return replace(
        marker, settled=False, labels=tuple(dict.fromkeys((*marker.labels, *(last.labels if last else ()))))
    )


def _with_marker(text: str, marker: Marker) -> str:
    return f"{text}\n\n{marker.text()}\n"


def _changed(before: str, after: str) -> str | None:
    return after if before != after else None
