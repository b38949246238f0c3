"""What a forge is to us: a place with pull requests. Another forge is one more module with a class like this."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class ForgeError(Exception):
    """The forge did not do what it was asked for; the message says why and the way out."""


class State(StrEnum):
    """The states of a pull request."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as the forge has it. `head` is the commit that its branch stands at, or stood at in the end."""

    number: int
    url: str
    state: State
    branch: str
    head: str
    base: str
    title: str
    body: str
    draft: bool
    labels: tuple[str, ...]
    created: datetime


class Forge(Protocol):
    """A forge, for one repository. Every method raises ForgeError.

    Whatever makes something looks first whether it is there, and looks again where the answer got lost: a retry never
    doubles it.
    """

    def pull_requests_of(self, branch: str) -> list[PullRequest]:
        """All pull requests from a branch of this repository, the newest first."""
        ...

    def pull_requests(self, *, only_open: bool = False) -> Iterator[PullRequest]:
        """All pull requests, or those that are open, the newest first."""
        ...

    def open(self, branch: str, base: str, title: str, body: str, *, draft: bool) -> PullRequest:
        """Open a pull request, if there is none open from the branch."""
        ...

    def edit(
        self,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        base: str | None = None,
        close: bool = False,
    ) -> None:
        """Change a pull request."""
        ...

    def set_draft(self, number: int, *, draft: bool) -> None:
        """Make a pull request a draft, or ready for review."""
        ...

    def set_labels(self, number: int, labels: Sequence[str]) -> None:
        """Set all labels of a pull request."""
        ...

    def request_reviews(self, number: int, reviewers: Sequence[str]) -> None:
        """Ask people, and teams as `org/team`, for a review. Who can't be asked is named in the ForgeError."""
        ...

    def comment(self, number: int, text: str, marker: str) -> None:
        """Comment on a pull request, once: not if a comment with the marker, which is part of the text, is there."""
        ...
