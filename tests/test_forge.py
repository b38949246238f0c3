"""The forge that tests of branches and pull requests talk to: it answers as GitHub does, and notices what is wrong."""

from __future__ import annotations

import json
import random
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path

import pytest
import requests
from conftest import Repository
from forge import Fault, Forge, serve
from forge.api import OPERATIONS
from forge.faults import Kind
from forge.messages import json_answer
from github import Auth, Github, GithubException, UnknownObjectException
from github.Repository import Repository as Remote

TRACE = {"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1"}
PULLS = r"/pulls$"


@pytest.fixture(scope="module")
def seed(tmp_path_factory, command_environment) -> Repository:
    """A repository with `main`, and two branches with a commit each."""
    made = Repository(tmp_path_factory.mktemp("seed") / "work", command_environment)
    made.write({"app.py": "one\n"})
    made.git("init", "--quiet", "--template=", "--initial-branch=main")
    made.commit()
    for name in ("fix", "other"):
        made.git("switch", "--quiet", "--create", name, "main")
        made.write({f"{name}.py": "new\n"})
        made.commit()
    made.git("switch", "--quiet", "main")
    return made


@pytest.fixture
def local(seed, tmp_path, command_environment) -> Repository:
    """The same for one test, to work in."""
    return Repository(Path(shutil.copytree(seed.root, tmp_path / "local")), command_environment)


@pytest.fixture
def forge(seed, tmp_path, command_environment) -> Iterator[Forge]:
    before = threading.active_count()
    with serve(tmp_path / "forge", command_environment) as made:
        made.create(seed.root)
        yield made
    assert threading.active_count() == before


@pytest.fixture
def remote(forge) -> Remote:
    return connect(forge).get_repo("octo/app")


def connect(forge: Forge, token: str | None = None, **options) -> Github:
    options = {"retry": None, "seconds_between_requests": 0, "seconds_between_writes": 0} | options
    return Github(base_url=forge.api, auth=Auth.Token(token or forge.token), **options)


def with_token(forge: Forge, token: str | None = None) -> str:
    return forge.url.replace("://", f"://x-access-token:{token or forge.token}@")


def git(where: Path, environment: dict[str, str], *arguments: str, expect: int = 0) -> str:
    extra = {"GIT_TERMINAL_PROMPT": "0", "NO_PROXY": "127.0.0.1"}
    command = ("git", *arguments)
    done = subprocess.run(command, cwd=where, env=environment | extra, capture_output=True, check=False)
    assert done.returncode == expect, done.stderr
    return (done.stdout + done.stderr).decode()


def commit(local: Repository, branch: str, files: dict[str, str | bytes], base: str = "") -> str:
    local.git("switch", "--quiet", *(("--force-create", branch, base) if base else (branch,)))
    local.write(files)
    local.commit()
    return local.git("rev-parse", "HEAD").strip()


def hook(forge: Forge, text: str) -> None:
    file = forge.bare / "hooks" / "pre-receive"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def refused(status: int, call, *arguments, **named) -> str:
    """Make a call that must fail, and give what the answer says."""
    with pytest.raises(GithubException) as caught:
        call(*arguments, **named)
    assert caught.value.status == status
    return str(caught.value.data)


def kinds(forge: Forge) -> list[str]:
    return [each.kind for each in forge.notifications]


# git over HTTP


@pytest.mark.parametrize("token", [None, "another"])
def test_git_needs_the_token(forge, local, command_environment, token):
    url = forge.url if token is None else with_token(forge, token)
    for arguments in (("ls-remote", url), ("push", url, "fix:new")):
        said = git(local.root, command_environment, *arguments, expect=128)
        assert "could not read Username" in said or "Authentication failed" in said
    assert {status for _, _, status in forge.log} == {401}
    assert not forge.writes


def test_a_hook_of_the_server_refuses_a_push(forge, local, command_environment):
    hook(forge, "cat >/dev/null; echo protected branch >&2; exit 1")
    said = git(local.root, command_environment, "push", with_token(forge), "fix:main", expect=1)
    assert "remote: protected branch" in said
    assert "pre-receive hook declined" in said
    assert not forge.writes


@pytest.mark.parametrize("suffix", [".git", ""])
def test_clone_and_push(forge, local, tmp_path, command_environment, suffix):
    url = with_token(forge).removesuffix(".git") + suffix
    git(tmp_path, command_environment, "clone", "--quiet", url, "clone")
    assert (tmp_path / "clone/app.py").read_text() == "one\n"
    new = commit(local, "fix", {"more.py": "more\n"})
    git(local.root, command_environment, "push", "--quiet", url, "fix")
    assert git(forge.bare, command_environment, "rev-parse", "fix").strip() == new
    assert [(method, status) for method, _, status in forge.writes] == [("POST", 200)]


def test_a_large_push_comes_in_chunks(forge, local, command_environment):
    """git sends what is beyond its buffer, of which 64 KiB are the least, in chunks."""
    new = commit(local, "fix", {"noise": random.Random(1).randbytes(200_000)})
    traced = command_environment | TRACE
    said = git(local.root, traced, "-c", "http.postBuffer=1", "push", with_token(forge), "fix")
    assert "Transfer-Encoding: chunked" in said
    assert git(forge.bare, command_environment, "rev-parse", "fix").strip() == new


def test_a_long_question_comes_compressed(forge, tmp_path, command_environment):
    """git compresses what it asks for beyond 1024 bytes: here, forty branches."""
    stream = "".join(f"commit refs/heads/b{n}\ncommitter a <a> {n} +0000\ndata 0\n" for n in range(40))
    Repository(forge.bare, command_environment).git("fast-import", "--quiet", input=stream.encode())
    said = git(tmp_path, command_environment | TRACE, "clone", with_token(forge), "clone")
    assert "Content-Encoding: gzip" in said
    assert "origin/b39" in git(tmp_path / "clone", command_environment, "branch", "--remotes")


# What GitHub refuses


def test_a_wrong_token_is_refused(forge):
    assert "Bad credentials" in refused(401, lambda: connect(forge, "another").get_user().login)


def test_what_is_not_there(forge, remote):
    for call, argument in ((remote.get_pull, 1), (remote.get_branch, "none"), (connect(forge).get_repo, "octo/none")):
        with pytest.raises(UnknownObjectException):
            call(argument)
    assert not forge.violations


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"head": "none"}, "{'resource': 'PullRequest', 'code': 'invalid', 'field': 'head'}"),
        ({"head": "stranger:fix"}, "{'resource': 'PullRequest', 'code': 'invalid', 'field': 'head'}"),
        ({"base": "none"}, "{'resource': 'PullRequest', 'code': 'invalid', 'field': 'base'}"),
        ({"head": "main"}, "No commits between main and main"),
        ({"title": ""}, "missing_field"),
        ({"title": "x" * 257}, "title is too long (maximum is 256 characters)"),
        ({"body": "x" * 65537}, "body is too long (maximum is 65536 characters)"),
        ({"head": "octo:other"}, "A pull request already exists for octo:other."),
    ],
)
def test_a_pull_request_that_cannot_be_opened(forge, remote, changes, said):
    remote.create_pull(base="main", head="other", title="first")
    given = {"base": "main", "head": "fix", "title": "A title", "body": "x" * 65536} | changes
    assert said in refused(422, remote.create_pull, **given)
    assert len(forge.pulls) == 1
    assert not forge.violations


def test_what_else_is_refused(forge, remote, local, command_environment):
    pull = remote.create_pull(base="main", head="fix", title="A title")
    assert "pull request author" in refused(422, pull.create_review_request, ["ssot-bot"])
    assert "One or more of the users" in refused(422, pull.create_review_request, ["ada", "nobody"])
    assert "One or more of the teams" in refused(422, pull.create_review_request, team_reviewers=["none"])
    assert "Body is too long" in refused(422, pull.create_issue_comment, "x" * 65537)
    assert "'field': 'base'" in refused(422, pull.edit, base="none")
    assert "Head branch was modified" in refused(409, pull.merge, sha="0" * 40)
    forge.close(1)
    commit(local, "fix", {"fix.py": "other\n"}, base="main")
    git(local.root, command_environment, "push", "--quiet", "--force", str(forge.bare), "fix")
    assert "was force-pushed or recreated" in refused(422, pull.edit, state="open")
    remote.get_git_ref("heads/fix").delete()
    assert "has been deleted" in refused(422, pull.edit, state="open")
    assert forge.pulls[0].reviewers == []
    assert not forge.violations


# The life of a pull request


def test_opened_edited_reviewed_and_merged(forge, remote, local, command_environment):
    pull = remote.create_pull(base="main", head="fix", title="A title", body="A body", draft=True)
    pull.add_to_labels("bot", "Bot", "codemod")
    pull.create_review_request(reviewers=["ada"], team_reviewers=["reviewers"])
    pull.create_issue_comment("mine").edit("mine, again")
    forge.comment(1, "yours")
    pull.edit(title="Another title", body="")
    pull.mark_ready_for_review()
    seen = remote.get_pull(1)
    assert (seen.title, seen.body, seen.draft, seen.mergeable, seen.state) == (
        "Another title",
        "",
        False,
        True,
        "open",
    )
    assert (seen.commits, seen.changed_files, seen.head.label, seen.base.ref) == (1, 1, "octo:fix", "main")
    assert [label.name for label in seen.get_labels()] == ["bot", "codemod"]
    assert [(each.user.login, each.body) for each in seen.get_issue_comments()] == [
        ("ssot-bot", "mine, again"),
        ("ada", "yours"),
    ]
    users, teams = seen.get_review_requests()
    assert ([each.login for each in users], [each.slug for each in teams]) == (["ada"], ["reviewers"])
    made = pull.merge().sha
    assert git(forge.bare, command_environment, "rev-parse", "main", "main^2").split() == [made, seen.head.sha]
    assert remote.get_pull(1).is_merged()
    pull.delete_branch()
    assert [(each.merged, each.state) for each in forge.pulls] == [(True, "closed")]
    assert kinds(forge) == ["opened", "review-request", "review-request", "comment", "comment", "ready", "merged"]
    assert not forge.violations


def test_the_head_follows_the_branch_until_it_is_closed(forge, remote, local, command_environment):
    remote.create_pull(base="main", head="fix", title="A title")
    pushed = commit(local, "fix", {"more.py": "more\n"})
    git(local.root, command_environment, "push", "--quiet", with_token(forge), "fix")
    assert remote.get_pull(1).head.sha == pushed
    forge.close(1)
    commit(local, "fix", {"still.py": "more\n"})
    git(local.root, command_environment, "push", "--quiet", with_token(forge), "fix")
    assert (remote.get_pull(1).head.sha, remote.get_pull(1).state) == (pushed, "closed")
    assert [(each.kind, each.actor) for each in forge.notifications] == [
        ("opened", "ssot-bot"),
        ("push", "ssot-bot"),
        ("closed", "ada"),
    ]


@pytest.mark.parametrize(
    ("push", "merged"), [((":fix",), False), (("--force", "main:fix"), False), (("fix:main",), True)]
)
def test_a_push_can_end_a_pull_request(forge, remote, local, command_environment, push, merged):
    remote.create_pull(base="main", head="fix", title="A title")
    git(local.root, command_environment, "push", "--quiet", with_token(forge), *push)
    assert [(each.state, each.merged) for each in forge.pulls] == [("closed", merged)]
    assert remote.get_pull(1).merged == merged
    assert not forge.violations


def test_a_conflict_cannot_be_merged(forge, remote, local, command_environment):
    pull = remote.create_pull(base="main", head="fix", title="A title")
    commit(local, "main", {"fix.py": "a conflict\n"})
    git(local.root, command_environment, "push", "--quiet", str(forge.bare), "main")
    assert remote.get_pull(1).mergeable is False
    assert "not mergeable" in refused(405, pull.merge)
    assert not forge.violations


def test_lists_are_filtered_and_come_in_pages(forge, remote):
    for head, base in (("fix", "main"), ("other", "main"), ("other", "fix")):
        remote.create_pull(base=base, head=head, title="A title")
    forge.close(2)

    def numbers(**asked) -> list[int]:
        return [pull.number for pull in connect(forge, per_page=1).get_repo("octo/app").get_pulls(**asked)]

    assert numbers() == [3, 1]
    assert numbers(state="all", direction="asc") == [1, 2, 3]
    assert numbers(state="all", sort="updated", direction="desc") == [2, 3, 1]
    assert numbers(state="all", head="octo:other") == [3, 2]
    assert numbers(state="all", head="other") == [3, 2, 1]
    assert numbers(state="closed", base="main") == [2]
    assert remote.get_pulls(state="all").totalCount == 3
    assert not forge.violations


def test_what_a_run_may_ask_for_besides(forge, remote):
    client = connect(forge, lazy=True)
    head = remote.get_branch("fix").commit.sha
    assert remote.get_git_ref("heads/fix").object.sha == head
    assert (client.get_user().login, remote.default_branch) == ("ssot-bot", "main")
    assert client.get_rate_limit().resources.core.limit == 5000
    assert [*client.get_repo("octo/app").get_pulls()] == []
    pull = remote.create_pull(base="main", head="fix", title="A title")
    pull.set_labels("one")
    pull.convert_to_draft()
    assert (forge.pulls[0].labels, forge.pulls[0].draft) == (["one"], True)
    assert not forge.violations


# What can go wrong


@pytest.mark.parametrize("begun", ["Content-Length: 99\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"])
def test_a_request_that_breaks_off_is_not_acted_on(forge, begun):
    head = f"POST /api/v3/repos/octo/app/pulls HTTP/1.1\r\nAuthorization: token {forge.token}\r\n"
    with socket.create_connection(("127.0.0.1", int(forge.root.rpartition(":")[2]))) as client:
        client.sendall((head + begun).encode())
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert not forge.log
    assert not forge.violations


@pytest.mark.parametrize(
    ("kind", "status", "opened"),
    [
        ("secondary-rate-limit", 403, 0),
        ("primary-rate-limit", 403, 0),
        ("error-before", 502, 0),
        ("error-after", 502, 1),
        ("drop-before", 0, 0),
        ("drop-after", 0, 1),
    ],
)
def test_a_fault(forge, remote, kind: Kind, status: int, opened: int):
    forge.faults.append(Fault("POST", PULLS, kind, wait=7))
    with pytest.raises((GithubException, requests.ConnectionError)) as caught:
        remote.create_pull(base="main", head="fix", title="A title")
    assert (forge.log[-1], len(forge.pulls), len(forge.writes)) == (
        ("POST", "/api/v3/repos/octo/app/pulls", status),
        opened,
        opened,
    )
    assert not forge.faults
    if kind == "secondary-rate-limit":
        assert caught.value.headers["retry-after"] == "7"
    if kind == "primary-rate-limit":
        assert caught.value.headers["x-ratelimit-remaining"] == "0"
    assert remote.get_pulls().totalCount == opened
    assert not forge.violations


@pytest.mark.parametrize("kind", ["slow-before", "slow-after"])
def test_a_slow_answer_comes_when_the_test_says_so(forge, remote, kind: Kind):
    fault = Fault("POST", PULLS, kind)
    forge.faults.append(fault)
    client = threading.Thread(target=remote.create_pull, args=("main", "fix"), kwargs={"title": "A title"})
    client.start()
    assert fault.struck.wait(5)
    assert client.is_alive()
    assert not forge.log[1:]
    fault.release.set()
    client.join()
    assert [each.state for each in forge.pulls] == ["open"]


@pytest.mark.parametrize("kind", ["slow-before", "slow-after"])
def test_a_slow_answer_for_a_client_that_hangs_up(forge, kind: Kind):
    fault = Fault("POST", PULLS, kind)
    forge.faults.append(fault)
    client = HTTPConnection(forge.api.split("/")[2])
    body = json.dumps({"base": "main", "head": "fix", "title": "A title"})
    client.request("POST", "/api/v3/repos/octo/app/pulls", body, {"Authorization": f"token {forge.token}"})
    assert fault.struck.wait(5)
    client.close()
    assert fault.over.wait(5)
    assert len(forge.pulls) == 1
    assert not forge.violations


@pytest.mark.parametrize(("kind", "arrived"), [("error-before", False), ("error-after", True), ("drop-after", True)])
def test_a_fault_strikes_git_as_well(forge, local, command_environment, kind: Kind, arrived: bool):
    forge.faults.append(Fault("POST", "/git-receive-pack$", kind))
    git(local.root, command_environment, "push", with_token(forge), "fix:new", expect=1)
    assert ("new" in git(forge.bare, command_environment, "branch", "--list", "new")) == arrived


def test_a_fault_strikes_as_often_as_it_says(forge, remote):
    forge.faults.append(Fault("GET", "/pulls[?]state=all", "error-before", times=2))
    assert [*remote.get_pulls()] == []
    for _ in range(2):
        refused(502, lambda: [*remote.get_pulls(state="all")])
    assert [*remote.get_pulls(state="all")] == []


def test_every_step_is_told(forge, remote):
    told: list[Sequence[object]] = []
    forge.on_request = lambda *what: told.append((*what, len(forge.pulls)))
    remote.create_pull(base="main", head="fix", title="A title")
    path = "/api/v3/repos/octo/app/pulls"
    assert told == [(2, "POST", path, "before", 0), (2, "POST", path, "after", 1)]


# What GitHub's schema does not allow is noticed


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("GET", "/repos/octo/app/issues/1", None, "not in the schema"),
        ("GET", "/search/issues?q=x", None, "not built: search/issues-and-pull-requests"),
        ("GET", "/repos/octo/app/pulls?status=all", None, "no such query parameter: status"),
        ("GET", "/repos/octo/app/pulls?state=merged", None, "state: 'merged' is not one of"),
        ("GET", "/repos/octo/app/pulls?page=x", None, "page: 'x' is not of type 'integer'"),
        ("GET", "/repos/octo/app/pulls/one", None, "pull_number: 'one' is not of type 'integer'"),
        ("GET", "/repos/octo/app/issues/1/comments?since=then", None, "since: 'then' is not a 'date-time'"),
        ("POST", "/repos/octo/app/pulls", None, "the body is missing"),
        ("POST", "/repos/octo/app/pulls", "{", "not JSON"),
        ("POST", "/repos/octo/app/pulls", '{"head": "fix"}', "'base' is a required property"),
        ("POST", "/repos/octo/app/issues/1/labels", "[1]", "not valid under any of the given schemas"),
        ("PATCH", "/repos/octo/app/pulls/1", '{"draft": true}', "no such property: draft"),
        ("DELETE", "/repos/octo/app/git/refs/heads/fix", "{}", "there must be no body"),
        ("POST", "/../graphql", '{"query": "query { viewer { login } }"}', "no such mutation"),
    ],
)
def test_a_wrong_request_is_written_down(forge, method, path, body, said):
    url = forge.api.removesuffix("/v3") + "/graphql" if "graphql" in path else forge.api + path
    answer = requests.request(method, url, data=body, headers={"Authorization": f"token {forge.token}"}, timeout=5)
    assert answer.status_code == 500
    assert len(forge.violations) == 1
    assert said in forge.violations[0]
    assert not forge.writes


def test_a_wrong_answer_is_written_down(forge, remote, monkeypatch):
    remote.create_pull(base="main", head="fix", title="A title")
    monkeypatch.setitem(OPERATIONS, "pulls/get", lambda call: json_answer(200, {"state": "merged"}))
    assert "state: 'merged' is not one of" in refused(500, remote.get_pull, 1)
    monkeypatch.setitem(OPERATIONS, "pulls/get", lambda call: json_answer(202))
    assert "pulls/get never answers 202" in refused(500, remote.get_pull, 1)
    assert all(each.startswith("GET /api/v3/repos/octo/app/pulls/1: ") for each in forge.violations)
