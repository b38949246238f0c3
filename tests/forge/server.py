"""The forge: every request is written down and answered, or goes wrong where a test wants it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from json import JSONDecodeError
from pathlib import Path
from threading import Event, RLock

from .api import OPERATIONS, Call, labels_object, mutate, refusal
from .faults import Fault
from .messages import NO_ANSWER, Answer, Request, error_answer
from .rendering import Rendering
from .repository import bare_copy
from .schema import Operation, github_schema
from .smart_http import serve_git
from .tracker import Comment, Notification, Pull, Refused, Tracker
from .transport import Server

_API, _GRAPHQL = "/api/v3", "/api/graphql"
_SOMEBODY = "somebody"
_POLL = 0.01
Told = Callable[[int, str, str, str], None]


class Forge:
    """GitHub Enterprise with one repository: its git server and its API.

    violations: what GitHub's schema does not allow, and failures of the forge itself. Every test ends with none.
    log: every request, as (method, path with query, status, which is 0 where no answer came).
    writes: the calls among them that were carried out and are no mere questions, and the pushes that moved a branch,
        whatever was answered.
    on_request: called with (number, method, path, when), "before" when a request has been read, "after" when it has
        been dealt with but not answered yet.
    faults: what is to go wrong. The first that matches a request strikes, and leaves the list when its times are up.
    users, teams: whom a review can be asked from.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], owner: str, name: str) -> None:
        self.folder = folder
        self.environment = environment
        self.owner, self.name = owner, name
        self.token = "ghp_the-token-of-the-bot"
        self.login = "ssot-bot"
        self.users, self.teams = {self.login, "ada", "grace"}, {"reviewers"}
        self.faults: list[Fault] = []
        self.violations: list[str] = []
        self.log: list[tuple[str, str, int]] = []
        self.writes: list[tuple[str, str, int]] = []
        self.on_request: Told | None = None
        self._requests = 0
        self._lock = RLock()
        self._closing = Event()
        self._http = Server(self._handle, self.violations)

    def create(self, local: Path) -> None:
        """Host a copy of the repository at `local`, with its branches and tags."""
        self.bare = self.folder / self.owner / f"{self.name}.git"
        repository = bare_copy(local, self.bare, self.environment)
        self._tracker = Tracker(repository, self.owner, self.users, self.teams)
        self._rendering = Rendering(self._tracker, self.root, self.api, self.name)

    def stop(self) -> None:
        """Hang up on everybody and wait until all threads have ended."""
        self._closing.set()
        self._http.stop()

    @property
    def root(self) -> str:
        """The server's URL."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def url(self) -> str:
        """The repository's URL, without the token."""
        return f"{self.root}/{self.owner}/{self.name}.git"

    @property
    def api(self) -> str:
        """The API's URL."""
        return self.root + _API

    # What people do, and see.

    @property
    def pulls(self) -> list[Pull]:
        """The pull requests as they stand now, in the order of their numbers; they do not change any more."""
        with self._lock:
            self._tracker.follow(_SOMEBODY)
            return deepcopy(self._tracker.pulls)

    @property
    def notifications(self) -> list[Notification]:
        """What people have been told by mail; `actor` is `login` where it was the bot."""
        with self._lock:
            self._tracker.follow(_SOMEBODY)
            return [*self._tracker.notifications]

    def comment(self, number: int, body: str, author: str = "ada") -> Comment:
        """Comment on a pull request."""
        with self._lock:
            return self._tracker.comment(self._tracker.pull(number), author, body)

    def open(self, branch: str, base: str, title: str, body: str, by: str = "ada") -> int:
        """Open a pull request; its number."""
        with self._lock:
            self._tracker.follow(_SOMEBODY)
            return self._tracker.open(by, branch, base, title, body).number

    def set_draft(self, number: int, *, draft: bool, by: str = "ada") -> None:
        """Make a pull request a draft, or ready for review."""
        with self._lock:
            self._tracker.set_draft(self._tracker.pull(number), by, draft)

    def close(self, number: int, by: str = "ada") -> None:
        """Close a pull request without merging it."""
        self.edit(number, by, state="closed")

    def edit(self, number: int, by: str = "ada", *, labels: Sequence[str] | None = None, **changes: str) -> None:
        """Change a pull request's title, body, base, state or labels."""
        with self._lock:
            self._tracker.follow(_SOMEBODY)
            pull = self._tracker.pull(number)
            self._tracker.edit(pull, by, changes)
            pull.labels = pull.labels if labels is None else list(labels)

    def merge(self, number: int, by: str = "ada", method: str = "merge") -> str:
        """Merge a pull request and give the new commit of the base."""
        with self._lock:
            self._tracker.follow(_SOMEBODY)
            return self._tracker.merge(self._tracker.pull(number), by, method)

    def set_back(self, hours: int) -> None:
        """Have all pull requests opened so much earlier."""
        with self._lock:
            self._tracker.set_back(hours)

    # What a request goes through.

    def _handle(self, request: Request, hung_up: Callable[[], bool]) -> Answer:
        """Deal with a request as the next fault has it, and write it down; `hung_up` tells if the client is gone."""
        with self._lock:
            self._requests += 1
            number = self._requests
        self._tell(number, request, "before")
        fault = self._next_fault(request)
        answer = self._worked(request) if fault is None else self._faulted(request, fault, hung_up)
        self.log.append((request.method, request.target, answer.status))
        self._tell(number, request, "after")
        if fault is not None:
            fault.over.set()
        return answer

    def _tell(self, number: int, request: Request, when: str) -> None:
        if self.on_request is not None:
            self.on_request(number, request.method, request.target, when)

    def _next_fault(self, request: Request) -> Fault | None:
        with self._lock:
            fault = next((each for each in self.faults if each.matches(request)), None)
            if fault is not None:
                fault.times -= 1
                if fault.times == 0:
                    self.faults.remove(fault)
            return fault

    def _faulted(self, request: Request, fault: Fault, hung_up: Callable[[], bool]) -> Answer:
        fault.struck.set()
        if fault.kind == "slow-before":
            self._wait(fault, hung_up)
        normal = self._worked(request) if fault.does_the_work else NO_ANSWER
        if fault.kind == "slow-after":
            self._wait(fault, hung_up)
        return fault.answer(normal)

    def _wait(self, fault: Fault, hung_up: Callable[[], bool]) -> None:
        while not (fault.release.wait(_POLL) or self._closing.is_set() or hung_up()):
            pass

    def _worked(self, request: Request) -> Answer:
        is_api = request.path.startswith((_API + "/", _GRAPHQL))
        answer = self._call(request) if is_api else self._git(request)
        if answer.wrote:
            self.writes.append((request.method, request.target, answer.status))
        return answer

    def _git(self, request: Request) -> Answer:
        """Let git answer. It runs beside other requests, as it does on a real server."""
        if not request.path.startswith((f"/{self.owner}/{self.name}.git/", f"/{self.owner}/{self.name}/")):
            return Answer(404)
        before = self._tracker.repository.heads()
        answer = serve_git(request, self.folder, self.environment, self.token)
        if request.method != "POST" or before == self._tracker.repository.heads():
            return answer
        with self._lock:
            self._tracker.follow(self.login)
        return Answer(answer.status, answer.headers, answer.body, wrote=True)

    def _call(self, request: Request) -> Answer:
        """Answer a call of the API, one after the other. What the schema does not allow is written down, and a 500."""
        path = request.path.removeprefix(_API)
        operation = github_schema().operation(request.method, path)
        with self._lock:
            try:
                wrong, answer = self._checked(request, operation)
            except (JSONDecodeError, UnicodeDecodeError) as error:
                wrong, answer = [f"not JSON: {error}"], NO_ANSWER
            if not wrong:
                return answer
            self.violations += [f"{request.method} {request.target}: {each}" for each in wrong]
            return error_answer(500, "; ".join(wrong))

    def _checked(self, request: Request, operation: Operation | None) -> tuple[list[str], Answer]:
        if request.path == _GRAPHQL:
            answer = self._refusal(request) or mutate(request, self._tracker, self.login)
            return ([], answer) if answer else (["no such mutation"], NO_ANSWER)
        if operation is None or operation.id not in OPERATIONS:
            return ["not in the schema" if operation is None else f"not built: {operation.id}"], NO_ANSWER
        body = labels_object(request.json) if operation.id.endswith("-labels") else request.json
        if wrong := github_schema().wrong_in_request(operation, request.query, body):
            return wrong, NO_ANSWER
        answer = self._refusal(request) or self._operated(request, operation)
        return github_schema().wrong_in_answer(operation, answer.status, answer.json), answer

    def _refusal(self, request: Request) -> Answer | None:
        given = request.headers.get("authorization")
        scheme, _, token = (given or "").partition(" ")
        if scheme.lower() in ("token", "bearer") and token == self.token:
            return None
        return error_answer(401, "Bad credentials" if given else "Requires authentication")

    def _operated(self, request: Request, operation: Operation) -> Answer:
        here = {"owner": self.owner, "repo": self.name}
        if any(operation.values.get(name, value) != value for name, value in here.items()):
            return error_answer(404, "Not Found")
        self._tracker.follow(_SOMEBODY)
        try:
            return OPERATIONS[operation.id](Call(request, self._rendering, self.login, operation.values))
        except Refused as refused:
            return refusal(refused)
