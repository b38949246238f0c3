"""The operations of GitHub's REST API that the forge knows, by GitHub's names, and two mutations of GraphQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

from .messages import Answer, Request, error_answer, json_answer
from .rendering import Rendering, node_id
from .tracker import Pull, Refused, Tracker

_LIMIT, _MOST_ON_A_PAGE = 5000, 100


@dataclass(frozen=True)
class Call:
    """One call of an operation: whose token it came with, the values in its path, its query and its JSON."""

    request: Request
    rendering: Rendering
    login: str
    values: Mapping[str, str]

    @property
    def tracker(self) -> Tracker:
        """The pull requests."""
        return self.rendering.tracker

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters."""
        return dict(parse_qsl(self.request.query))

    @property
    def pull(self) -> Pull:
        """The pull request that the path names; for comments and labels it is called an issue."""
        return self.tracker.pull(int(self.values.get("pull_number") or self.values["issue_number"]))

    def write(self, status: int, body: Any = None) -> Answer:
        """Answer that something was changed."""
        return json_answer(status, body, wrote=True)

    def page(self, items: Sequence[Any]) -> Answer:
        """Answer with the page of `items` that was asked for, and where the others are."""
        return json_answer(200, *self.cut(items))

    def cut(self, items: Sequence[Any]) -> tuple[list[Any], dict[str, str]]:
        """Cut out the page that was asked for, with the Link header (RFC 8288) to the others."""
        size = min(int(self.query.get("per_page", 30)), _MOST_ON_A_PAGE)
        page, last = int(self.query.get("page", 1)), max(1, -(-len(items) // size))
        others = {"prev": page - 1, "first": 1} if page > 1 else {}
        others |= {"next": page + 1, "last": last} if page < last else {}
        path = self.rendering.web + self.request.path
        links = [f'<{path}?{urlencode({**self.query, "page": n})}>; rel="{rel}"' for rel, n in others.items()]
        return [*items[(page - 1) * size : page * size]], {"Link": ", ".join(links)} if links else {}


def _user(call: Call) -> Answer:
    return json_answer(200, call.rendering.user(call.login, "private-user"))


def _rate_limit(call: Call) -> Answer:
    rate = {"limit": _LIMIT, "remaining": _LIMIT, "reset": 0, "used": 0}
    return json_answer(200, {"rate": rate, "resources": {"core": rate, "search": rate}})


def _repository(call: Call) -> Answer:
    return json_answer(200, call.rendering.repository())


def _branch(call: Call) -> Answer:
    commit = call.tracker.repository.heads().get(call.values["branch"])
    if commit is None:
        raise Refused(404, "Branch not found")
    return json_answer(200, call.rendering.branch(call.values["branch"], commit))


def _ref(call: Call) -> Answer:
    commit = call.tracker.repository.commit_of(f"refs/{call.values['ref']}")
    if commit is None:
        raise Refused(404, "Not Found")
    return json_answer(200, call.rendering.ref(call.values["ref"], commit))


def _delete_ref(call: Call) -> Answer:
    call.tracker.delete_ref(call.values["ref"], call.login)
    return call.write(204)


def _check_runs(call: Call) -> Answer:
    if call.tracker.repository.commit_of(call.values["ref"]) is None:
        raise Refused(422, f"No commit found for SHA: {call.values['ref']}")
    return json_answer(200, {"total_count": 0, "check_runs": []})


def _pulls(call: Call) -> Answer:
    asked = call.query
    state, base, head = asked.get("state", "open"), asked.get("base"), asked.get("head", "")
    found = [
        pull
        for pull in call.tracker.pulls
        if state in ("all", pull.state)
        and base in (None, pull.base)
        # A head without its owner filters nothing: GitHub drops it in silence.
        and (":" not in head or head == f"{call.tracker.owner}:{pull.head}")
    ]
    by_update = asked.get("sort") == "updated"
    newest_first = asked.get("direction", "desc" if asked.get("sort", "created") == "created" else "asc") == "desc"
    found.sort(key=lambda pull: pull.updated if by_update else pull.created, reverse=newest_first)
    kept, links = call.cut(found)
    return json_answer(200, [call.rendering.simple_pull(pull) for pull in kept], links)


def _open(call: Call) -> Answer:
    given = call.request.json
    made = call.tracker.open(
        call.login, given["head"], given["base"], given.get("title"), given.get("body"), given.get("draft", False)
    )
    return call.write(201, call.rendering.pull(made))


def _pull(call: Call) -> Answer:
    return json_answer(200, call.rendering.pull(call.pull))


def _edit(call: Call) -> Answer:
    pull = call.pull
    call.tracker.edit(pull, call.login, call.request.json or {})
    return call.write(200, call.rendering.pull(pull))


def _is_merged(call: Call) -> Answer:
    return json_answer(204) if call.pull.merged else error_answer(404, "Not Found")


def _merge(call: Call) -> Answer:
    given = call.request.json or {}
    commit = call.tracker.merge(call.pull, call.login, given.get("merge_method", "merge"), given.get("sha"))
    return call.write(200, {"sha": commit, "merged": True, "message": "Pull Request successfully merged"})


def _reviewers(call: Call) -> Answer:
    users = [call.rendering.user(login) for login in call.pull.reviewers]
    return json_answer(
        200, {"users": users, "teams": [call.rendering.team(slug) for slug in call.pull.team_reviewers]}
    )


def _request_review(call: Call) -> Answer:
    given = call.request.json or {}
    users, teams = given.get("reviewers", ()), given.get("team_reviewers", ())
    call.tracker.request_review(call.pull, call.login, users, teams)
    return call.write(201, call.rendering.simple_pull(call.pull))


def _comments(call: Call) -> Answer:
    found = [each for each in call.pull.comments if each.updated >= call.query.get("since", "")]
    return call.page([call.rendering.comment(call.pull, comment) for comment in found])


def _comment(call: Call) -> Answer:
    comment = call.tracker.comment(call.pull, call.login, call.request.json["body"])
    return call.write(201, call.rendering.comment(call.pull, comment))


def _edit_comment(call: Call) -> Answer:
    pull, comment = call.tracker.edit_comment(int(call.values["comment_id"]), call.request.json["body"])
    return call.write(200, call.rendering.comment(pull, comment))


def _labels(call: Call) -> Answer:
    return call.page([call.rendering.label(name) for name in call.pull.labels])


def _label(call: Call, replace: bool) -> Answer:
    given = labels_object(call.request.json)["labels"]
    call.tracker.label(call.pull, [each if isinstance(each, str) else each["name"] for each in given], replace)
    return call.write(200, [call.rendering.label(name) for name in call.pull.labels])


def labels_object(body: Any) -> Any:
    """Give the body of a call for labels as the schema has it.

    "You can also pass an array of labels directly", says the schema's prose (`issues/add-labels`); PyGithub does.
    """
    return {"labels": body} if isinstance(body, list) else body


OPERATIONS: Mapping[str, Callable[[Call], Answer]] = {
    "users/get-authenticated": _user,
    "rate-limit/get": _rate_limit,
    "repos/get": _repository,
    "repos/get-branch": _branch,
    "git/get-ref": _ref,
    "git/delete-ref": _delete_ref,
    "checks/list-for-ref": _check_runs,
    "pulls/list": _pulls,
    "pulls/create": _open,
    "pulls/get": _pull,
    "pulls/update": _edit,
    "pulls/check-if-merged": _is_merged,
    "pulls/merge": _merge,
    "pulls/list-requested-reviewers": _reviewers,
    "pulls/request-reviewers": _request_review,
    "issues/list-comments": _comments,
    "issues/create-comment": _comment,
    "issues/update-comment": _edit_comment,
    "issues/list-labels-on-issue": _labels,
    "issues/add-labels": partial(_label, replace=False),
    "issues/set-labels": partial(_label, replace=True),
}
_MUTATIONS = {"markPullRequestReadyForReview": False, "convertPullRequestToDraft": True}


def mutate(request: Request, tracker: Tracker, login: str) -> Answer | None:
    """Answer a GraphQL request: the two mutations that REST has not. None if it is something else."""
    asked = request.json
    name = next((each for each in _MUTATIONS if f" {each}(input: $input)" in asked["query"]), None)
    if name is None:
        return None
    wanted = asked["variables"]["input"]["pullRequestId"]
    pull = next((each for each in tracker.pulls if node_id(each) == wanted), None)
    if pull is None:
        error = {"type": "NOT_FOUND", "message": f"Could not resolve to a node with the global id of '{wanted}'"}
        return json_answer(200, {"data": {name: None}, "errors": [error]})
    tracker.set_draft(pull, login, _MUTATIONS[name])
    made = {"clientMutationId": None, "pullRequest": {"isDraft": pull.draft}}
    return json_answer(200, {"data": {name: made}}, wrote=True)


def refusal(refused: Refused) -> Answer:
    """Make GitHub's answer of what it will not do."""
    answer = error_answer(refused.status, refused.message)
    return answer if not refused.errors else json_answer(refused.status, {**answer.json, "errors": [*refused.errors]})
