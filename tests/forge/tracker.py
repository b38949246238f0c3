"""Pull requests as GitHub keeps them, over the real branches of a bare repository; the rules stand in GitHub's docs.

Nothing is told of a push: heads are looked up when somebody asks, and `follow` draws the conclusions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from .repository import BareRepository

LONGEST_BODY, LONGEST_TITLE = 65536, 256
_NO_COLLABORATOR = (
    "Reviews may only be requested from collaborators. "
    "One or more of the {} you specified is not a collaborator of the repository."
)


class Refused(Exception):
    """What GitHub will not do: the status of its answer, its message, and the errors of a 422."""

    def __init__(self, status: int, message: str, *errors: dict[str, Any]) -> None:
        super().__init__(message, *errors)
        self.status = status
        self.message = message
        self.errors = errors


def invalid(resource: str, code: str, **more: Any) -> Refused:
    """Give GitHub's 422 with one error."""
    return Refused(422, "Validation Failed", {"resource": resource, "code": code, **more})


def _custom(message: str) -> Refused:
    return invalid("PullRequest", "custom", message=message)


@dataclass(slots=True)
class Comment:
    """A comment of a pull request; `id` is unique in the repository."""

    id: int
    author: str
    body: str
    created: str
    updated: str


@dataclass(slots=True)
class Pull:
    """A pull request. The commits follow the branches while it is open, and stand still afterwards."""

    number: int
    title: str
    body: str | None
    author: str
    head: str
    base: str
    head_sha: str
    base_sha: str
    created: str
    updated: str
    draft: bool = False
    state: str = "open"
    closed_at: str | None = None
    merged_at: str | None = None
    merged_by: str | None = None
    merge_sha: str | None = None
    labels: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    team_reviewers: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    @property
    def merged(self) -> bool:
        """Whether its commits came into the base."""
        return self.merged_at is not None


@dataclass(frozen=True, slots=True)
class Notification:
    """A thing that people are sent a mail for: what, in which pull request, and who did it."""

    kind: str
    number: int
    actor: str


class Tracker:
    """The pull requests of one repository of `owner`; `users` and `teams` can be asked for review."""

    def __init__(self, repository: BareRepository, owner: str, users: set[str], teams: set[str]) -> None:
        self.repository = repository
        self.owner = owner
        self.users = users
        self.teams = teams
        self.pulls: list[Pull] = []
        self.notifications: list[Notification] = []
        self.label_names: list[str] = []
        self._ticks = 0
        self._start = datetime.now(UTC)
        self._last_comment = 0

    def pull(self, number: int) -> Pull:
        """Give the pull request `number`; 404 if there is none."""
        if not 1 <= number <= len(self.pulls):
            raise Refused(404, "Not Found")
        return self.pulls[number - 1]

    def follow(self, actor: str) -> None:
        """Look at the branches and do what GitHub does after a push, which was `actor`'s."""
        heads = self.repository.heads()
        for pull in self.pulls:
            if pull.state == "open":
                self._follow(pull, heads.get(pull.head), heads.get(pull.base), actor)

    def _follow(self, pull: Pull, head: str | None, base: str | None, actor: str) -> None:
        if head is None or base is None:
            self._end(pull, actor)
            return
        if (head, base) == (pull.head_sha, pull.base_sha):
            return
        pushed = head != pull.head_sha
        nothing_left = self.repository.contains(base, head)
        if nothing_left and not pushed:
            self._end(pull, actor, merge=base)
            return
        pull.head_sha, pull.base_sha = head, base
        if pushed:
            self.repository.set_ref(f"refs/pull/{pull.number}/head", head)
            self._touch(pull, "push", actor)
        if nothing_left:
            self._end(pull, actor)

    def open(
        self, actor: str, head: str, base: str, title: str | None, body: str | None = None, draft: bool = False
    ) -> Pull:
        """Open a pull request from `head`, a branch, which may stand after `owner:`."""
        if not title:
            raise invalid("PullRequest", "missing_field", field="title")
        self._check_texts(title, body)
        owner, _, branch = head.rpartition(":")
        heads = self.repository.heads()
        if branch not in heads or owner not in ("", self.owner):
            raise invalid("PullRequest", "invalid", field="head")
        if base not in heads:
            raise invalid("PullRequest", "invalid", field="base")
        self._check_unique(branch, base)
        if self.repository.contains(heads[base], heads[branch]):
            raise _custom(f"No commits between {base} and {branch}")
        now = self._now()
        number = len(self.pulls) + 1
        pull = Pull(number, title, body, actor, branch, base, heads[branch], heads[base], now, now, draft)
        self.repository.set_ref(f"refs/pull/{number}/head", pull.head_sha)
        self.pulls.append(pull)
        self.notifications.append(Notification("opened", number, actor))
        return pull

    def edit(self, pull: Pull, actor: str, changes: dict[str, Any]) -> None:
        """Change title, body, base or state; all or nothing."""
        self._check_texts(changes.get("title", pull.title), changes.get("body"))
        base = changes.get("base", pull.base)
        if base != pull.base:
            self._check_base(pull, base)
        if changes.get("state", pull.state) != pull.state:
            self._check_reopening(pull) if changes["state"] == "open" else self._end(pull, actor)
        for name in ("title", "body", "base"):
            setattr(pull, name, changes.get(name, getattr(pull, name)))
        if changes.get("state") == "open" and pull.state == "closed":
            pull.state, pull.closed_at = "open", None
            self.notifications.append(Notification("reopened", pull.number, actor))
        pull.updated = self._now()

    def set_draft(self, pull: Pull, actor: str, draft: bool) -> None:
        """Make it a draft, or ready for review."""
        if pull.draft != draft:
            pull.draft, pull.updated = draft, self._now()
            if not draft:
                self.notifications.append(Notification("ready", pull.number, actor))

    def comment(self, pull: Pull, actor: str, body: str) -> Comment:
        """Write a comment."""
        self._check_comment(body)
        self._last_comment += 1
        now = self._now()
        comment = Comment(self._last_comment, actor, body, now, now)
        pull.comments.append(comment)
        self._touch(pull, "comment", actor)
        return comment

    def edit_comment(self, number: int, body: str) -> tuple[Pull, Comment]:
        """Change a comment; 404 if there is none."""
        for pull in self.pulls:
            for comment in pull.comments:
                if comment.id == number:
                    self._check_comment(body)
                    comment.body, comment.updated = body, self._now()
                    return pull, comment
        raise Refused(404, "Not Found")

    def label(self, pull: Pull, names: Sequence[str], replace: bool = False) -> None:
        """Add or set labels. Those that the repository has not are created; case does not matter."""
        for name in names:
            if not name or len(name) > 50:
                raise invalid("Label", "invalid", field="name")
        if replace:
            pull.labels.clear()
        for name in names:
            known = next((each for each in self.label_names if each.casefold() == name.casefold()), None)
            if known is None:
                self.label_names.append(known := name)
            if known not in pull.labels:
                pull.labels.append(known)
        pull.updated = self._now()

    def request_review(self, pull: Pull, actor: str, users: Iterable[str], teams: Iterable[str]) -> None:
        """Ask people and teams for a review: all of them, or none if one cannot be asked."""
        users, teams = [*users], [*teams]
        if pull.author in users:
            raise Refused(422, "Review cannot be requested from pull request author.")
        for kind, unknown in (("users", {*users} - self.users), ("teams", {*teams} - self.teams)):
            if unknown:
                raise Refused(422, _NO_COLLABORATOR.format(kind))
        for asked, names in ((pull.reviewers, users), (pull.team_reviewers, teams)):
            for name in names:
                if name not in asked:
                    asked.append(name)
                    self._touch(pull, "review-request", actor)

    def merge(self, pull: Pull, actor: str, method: str = "merge", expected: str | None = None) -> str:
        """Merge into the base branch and give the new commit."""
        if pull.state != "open" or pull.draft:
            raise Refused(405, "Pull Request is still a draft" if pull.draft else "Pull Request is not mergeable")
        if method == "rebase":
            raise Refused(405, "Rebase merges are not allowed on this repository.")
        if expected not in (None, pull.head_sha):
            raise Refused(409, "Head branch was modified. Review and try the merge again.")
        tree = self.repository.merged_tree(pull.base_sha, pull.head_sha)
        if tree is None:
            raise Refused(405, "Pull Request is not mergeable")
        parents = (pull.base_sha,) if method == "squash" else (pull.base_sha, pull.head_sha)
        made = self.repository.commit(tree, parents, f"{pull.title} (#{pull.number})")
        self.repository.set_ref(f"refs/heads/{pull.base}", made)
        self._end(pull, actor, merge=made)
        return made

    def delete_ref(self, ref: str, actor: str) -> None:
        """Delete `heads/NAME` or `tags/NAME`."""
        if not ref.startswith(("heads/", "tags/")) or self.repository.commit_of(f"refs/{ref}") is None:
            raise Refused(422, "Reference does not exist")
        self.repository.delete_ref(f"refs/{ref}")
        self.follow(actor)

    def _end(self, pull: Pull, actor: str, merge: str | None = None) -> None:
        pull.state = "closed"
        self._touch(pull, "merged" if merge else "closed", actor)
        pull.closed_at = pull.updated
        if merge:
            pull.merged_at, pull.merged_by, pull.merge_sha = pull.updated, actor, merge

    def _check_texts(self, title: str, body: str | None) -> None:
        if not title:
            raise invalid("PullRequest", "missing_field", field="title")
        for name, text, longest in (("title", title, LONGEST_TITLE), ("body", body or "", LONGEST_BODY)):
            if len(text) > longest:
                message = f"{name} is too long (maximum is {longest} characters)"
                raise invalid("PullRequest", "custom", field=name, message=message)

    def _check_comment(self, body: str) -> None:
        if not body.strip():
            raise invalid("IssueComment", "missing_field", field="body")
        if len(body) > LONGEST_BODY:
            message = f"Body is too long (maximum is {LONGEST_BODY} characters)"
            raise invalid("IssueComment", "unprocessable", field="data", message=message)

    def _check_unique(self, head: str, base: str) -> None:
        if any((pull.head, pull.base, pull.state) == (head, base, "open") for pull in self.pulls):
            raise _custom(f"A pull request already exists for {self.owner}:{head}.")

    def _check_base(self, pull: Pull, base: str) -> None:
        heads = self.repository.heads()
        if pull.state != "open":
            raise _custom("Cannot change the base branch of a closed pull request.")
        if base not in heads:
            raise invalid("PullRequest", "invalid", field="base")
        self._check_unique(pull.head, base)
        if self.repository.contains(heads[base], pull.head_sha):
            raise _custom(f"There are no new commits between base branch '{base}' and head branch '{pull.head}'")

    def _check_reopening(self, pull: Pull) -> None:
        head = self.repository.heads().get(pull.head)
        if pull.merged or head is None or not self.repository.contains(head, pull.head_sha):
            why = "was force-pushed or recreated" if head else "has been deleted"
            raise _custom(f"state cannot be changed. The {pull.head} branch {why}.")
        self._check_unique(pull.head, pull.base)

    def set_back(self, hours: int) -> None:
        """Have all pull requests opened so much earlier."""
        for pull in self.pulls:
            pull.created = (self._start - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _touch(self, pull: Pull, kind: str, actor: str) -> None:
        pull.updated = self._now()
        self.notifications.append(Notification(kind, pull.number, actor))

    def _now(self) -> str:
        """Tell a time that nobody has been told before: the real one at the start, and a second more for each."""
        self._ticks += 1
        return (self._start + timedelta(seconds=self._ticks)).strftime("%Y-%m-%dT%H:%M:%SZ")
