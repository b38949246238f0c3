"""GitHub and GitHub Enterprise, through PyGithub."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ssot_fix.delivery.forge import ForgeError, PullRequest, State
from ssot_fix.delivery.remote import Location, Secret

if TYPE_CHECKING:
    from github.PullRequest import PullRequest as GitHubPullRequest

T = TypeVar("T")
_TIMEOUT = 30  # seconds for one answer
_LONGEST_WAIT = 15 * 60  # seconds for a rate limit to be lifted; beyond, the next run goes on
_UNTOLD_WAIT = 60.0  # seconds, where a limit does not say for how long
_TRIES = 4
# GitHub asks for a second between writes (docs.github.com, Best practices for using the REST API); an Enterprise
# server has no such limits unless its administrator sets some.
_SECONDS_BETWEEN_WRITES = 1.0


class GitHub:
    """A repository on GitHub (`Forge`)."""

    def __init__(self, location: Location, secret: Secret) -> None:
        """Nothing is asked yet.

        Raises ForgeError if PyGithub is not installed.
        """
        try:
            from github import Auth, Github  # noqa: PLC0415
        except ImportError:
            raise ForgeError("pull requests need PyGithub: pip install 'ssot-fix[github]'") from None
        logging.getLogger("github").setLevel(logging.CRITICAL)  # it repeats what its exceptions say
        pause = _SECONDS_BETWEEN_WRITES if location.host == "github.com" else 0.0
        self._owner = location.owner
        self._secret = secret
        client = Github(
            base_url=api_url(location),
            auth=Auth.Token(secret.token),
            timeout=_TIMEOUT,
            retry=_retry(),
            per_page=100,
            seconds_between_requests=None,
            seconds_between_writes=pause or None,
            user_agent="ssot-fix",
            lazy=True,
        )
        self._repository = client.get_repo(f"{location.owner}/{location.name}", lazy=True)

    # Looking

    def pull_requests_of(self, branch: str) -> list[PullRequest]:
        """As in `Forge`."""
        with self._asking():
            asked = self._repository.get_pulls(state="all", head=f"{self._owner}:{branch}")
            found = [pull for each in asked if (pull := self._read(each))]
        # Where the owner is spelled otherwise, the filter does not filter.
        return sorted((pull for pull in found if pull.branch == branch), key=lambda pull: -pull.number)

    def pull_requests(self, *, only_open: bool = False) -> Iterator[PullRequest]:
        """As in `Forge`."""
        asked = "open" if only_open else "all"
        with self._asking():
            for each in self._repository.get_pulls(state=asked, sort="created", direction="desc"):
                if (pull := self._read(each)) is not None:
                    yield pull

    def _has_comment(self, number: int, marker: str) -> bool:
        with self._asking():
            return any(marker in (comment.body or "") for comment in self._pull(number).get_issue_comments())

    # Changing

    def open(self, branch: str, base: str, title: str, body: str, *, draft: bool) -> PullRequest:
        """As in `Forge`."""

        def look() -> PullRequest | None:
            return next((pull for pull in self.pull_requests_of(branch) if pull.state is State.OPEN), None)

        def make() -> PullRequest | None:
            made = self._repository.create_pull(base, f"{self._owner}:{branch}", title=title, body=body, draft=draft)
            return self._read(made)

        return self._once(look, make)

    def comment(self, number: int, text: str, marker: str) -> None:
        """As in `Forge`."""
        self._once(
            lambda: self._has_comment(number, marker) or None,
            lambda: bool(self._pull(number).create_issue_comment(text)),
        )

    def edit(
        self,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        base: str | None = None,
        close: bool = False,
    ) -> None:
        """As in `Forge`."""
        changed = {"title": title, "body": body, "base": base, "state": "closed" if close else None}
        given: dict[str, Any] = {key: value for key, value in changed.items() if value is not None}
        self._again(lambda: self._pull(number).edit(**given))

    def set_draft(self, number: int, *, draft: bool) -> None:
        """As in `Forge`."""

        def change() -> None:
            pull = self._repository.get_pull(number)  # what it is called in GraphQL is known only then
            if pull.draft is not draft:
                pull.convert_to_draft() if draft else pull.mark_ready_for_review()

        self._again(change)

    def set_labels(self, number: int, labels: Sequence[str]) -> None:
        """As in `Forge`."""
        self._again(lambda: self._pull(number).set_labels(*labels))

    def request_reviews(self, number: int, reviewers: Sequence[str]) -> None:
        """As in `Forge`: all at once, and one by one if one of them keeps the others from it."""
        try:
            self._request(number, reviewers)
        except ForgeError as error:
            if len(reviewers) == 1:
                raise ForgeError(f"{reviewers[0]} can't be asked for a review: {error}") from None
            failed = []
            for reviewer in reviewers:
                try:
                    self.request_reviews(number, [reviewer])
                except ForgeError as single:
                    failed.append(str(single))
            raise ForgeError("; ".join(failed) or str(error)) from None

    def _request(self, number: int, reviewers: Sequence[str]) -> None:
        people = [reviewer for reviewer in reviewers if "/" not in reviewer]
        teams = [reviewer.partition("/")[2] for reviewer in reviewers if "/" in reviewer]
        asked: dict[str, Any] = {"reviewers": people} if people else {}
        asked |= {"team_reviewers": teams} if teams else {}
        self._again(partial(self._pull(number).create_review_request, **asked))

    # How it is asked

    def _pull(self, number: int) -> GitHubPullRequest:
        """A pull request that nothing is asked about: only what it is called matters."""
        from github.PullRequest import PullRequest as GitHubPullRequest  # noqa: PLC0415

        url, repository = f"{self._repository.url}/pulls/{number}", self._repository.url
        attributes = {"url": url, "number": number, "issue_url": f"{repository}/issues/{number}"}
        return GitHubPullRequest(self._repository.requester, {}, attributes, completed=True)

    def _read(self, pull: GitHubPullRequest) -> PullRequest | None:
        """A pull request as we know it; None for one from a fork, whose branch only has the same name."""
        head, base = pull.head.repo, pull.base.repo
        if head is None or base is None or head.full_name.lower() != base.full_name.lower():
            return None
        state = State.MERGED if pull.merged_at else State.OPEN if pull.state == "open" else State.CLOSED
        return PullRequest(
            pull.number,
            pull.html_url,
            state,
            pull.head.ref,
            pull.head.sha,
            pull.base.ref,
            pull.title,
            pull.body or "",
            bool(pull.draft),
            tuple(label.name for label in pull.labels),
            pull.created_at,
        )

    def _once(self, look: Callable[[], T | None], make: Callable[[], T | None]) -> T:
        """What is there already, or else is made; where that fails, whether it was made after all is looked at."""
        failure: ForgeError | None = None
        for _ in range(_TRIES):
            if (found := look()) is not None:
                return found
            if failure is not None and not isinstance(failure, _NoAnswer):
                raise failure
            try:
                with self._asking():
                    made = make()
            except ForgeError as error:
                failure = error
            else:
                if made is not None:
                    return made
        if (found := look()) is not None:
            return found
        raise failure or ForgeError("GitHub made it, and does not show it; run again")

    def _again(self, change: Callable[[], object]) -> None:
        """Make a change that comes to the same if it is made twice."""
        for _ in range(_TRIES - 1):
            with suppress(_NoAnswer), self._asking():
                change()
                return
        with self._asking():
            change()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        from github import GithubException  # noqa: PLC0415
        from requests import RequestException  # noqa: PLC0415

        try:
            yield
        except GithubException as error:
            kind = _NoAnswer if error.status >= 500 else ForgeError
            raise kind(self._secret.hidden_in(_explained(error.status, error.data, error.message))) from None
        except ForgeError:
            raise
        except RequestException as error:
            # The text of these names the URL, which has no token in it, and no more.
            raise _NoAnswer(self._secret.hidden_in(f"GitHub could not be reached: {error}")) from None
        except Exception as error:  # an answer that PyGithub can make nothing of: a proxy's page, a moved repository
            text = f"GitHub's answer can't be read ({type(error).__name__}: {error}); has the repository moved?"
            raise ForgeError(self._secret.hidden_in(text)) from None


class _NoAnswer(ForgeError):
    """Nothing came back that says whether it was done."""


def api_url(location: Location) -> str:
    """Where the REST API of a repository's forge is."""
    if location.host == "github.com":
        return "https://api.github.com"
    if location.host.endswith(".ghe.com"):
        return f"https://api.{location.host}"
    if location.scheme == "ssh":  # its port is that of ssh
        return f"https://{location.host}/api/v3"
    return f"{location.scheme}://{location.authority}/api/v3"


def _retry() -> Any:  # noqa: ANN401  its class is known only where PyGithub is installed
    """Wait where GitHub says that it is too much; look again for what was only read; never send a change twice.

    PyGithub repeats a POST whose answer was 5xx, also where GitHub had done it.
    """
    from github import GithubException, GithubRetry  # noqa: PLC0415

    class Retry(GithubRetry):
        def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
            # 403 and 429 say that nothing was done.
            return status_code in {403, 429} or super().is_retry(method, status_code, has_retry_after)

        def get_retry_after(self, response: Any) -> float | None:  # noqa: ANN401
            # PyGithub knows no end of waiting here, and looks at the reset only for 403.
            wait = super().get_retry_after(response)
            if wait is None and response.status == 429:
                reset = response.headers.get("X-RateLimit-Reset") or ""
                wait = max(1.0, int(reset) - time.time() + 1) if reset.isdigit() else _UNTOLD_WAIT
            if wait is not None and wait > _LONGEST_WAIT:
                raise GithubException(response.status, {"message": f"rate limit, to be lifted in {wait:.0f} s"})
            return wait

    return Retry(
        total=_TRIES,
        backoff_factor=0.1,
        allowed_methods=frozenset({"GET"}),
        status_forcelist=[429, *range(500, 600)],
        max_rate_limit_wait=_LONGEST_WAIT,
        raise_on_status=False,
    )


_WAYS_OUT = {
    401: "the token is not valid, or has expired",
    403: "the token may not do that: it needs to write contents and pull requests (and, in a workflow, Settings > "
    "Actions > Allow GitHub Actions to create pull requests)",
    404: "there is no such repository, or the token may not see it",
}


def _detail(error: object) -> str:
    if not isinstance(error, dict):
        return str(error)
    return str(error.get("message") or f"{error.get('field')}: {error.get('code')}")


def _explained(status: int, data: object, message: str | None) -> str:
    told = [message or ""]
    if isinstance(data, dict):
        errors = data.get("errors") or []
        told = [str(data.get("message", "")), *map(_detail, errors if isinstance(errors, list) else [errors])]
    words = "; ".join(dict.fromkeys(text.rstrip(".") for text in told if text)) or "no reason given"
    if "rate limit" in words.lower():
        return f"GitHub answered {status}: {words} (run again later)"
    way_out = f" ({_WAYS_OUT[status]})" if status in _WAYS_OUT else ""
    return f"GitHub answered {status}: {words}{way_out}"
