"""People's pull requests, odd answers and other runs: what a hostile review tried."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import Repository
from forge import Fault
from forge.messages import Answer
from worlds import ALL, FILES, READS, actions

NOTHING = {"app/one.py": "", "lib/two.py": ""}
PAGE = b"<html>a proxy's page</html>"


def states(world) -> list[tuple[str, str]]:
    return [(pull.title, pull.state) for pull in world.forge.pulls]


# Pull requests that are people's


def test_one_that_a_person_opened_from_our_branch(world, pr):
    here = world()
    (opened,) = pr(here, "--name", "tmp")
    here.forge.close(opened["number"])
    here.ask("update-ref", f"refs/heads/{ALL}", "refs/heads/tmp")
    here.opens(ALL)
    here.push("main", {"app/three.py": READS})
    here.quiet()
    (left,) = pr(here)
    assert left["action"] == "hands-off"
    assert here.writes == []
    here.push("main", {**NOTHING, "app/three.py": ""})
    assert pr(here) == []
    assert here.forge.pulls[1].body == "own words"
    assert states(here)[1] == ("Mine", "open")


@pytest.mark.parametrize("branch", ["ada/feature", "ssot-fix/ada", "ssot-fix/all-lib"])
def test_one_whose_body_was_copied_from_ours(branch, world, pr):
    here = world()
    pr(here)
    pr(here, "--split", "directory")
    if branch == "ssot-fix/all-lib":  # ours
        here.forge.close(3)
    else:
        here.push(branch, {"feature.py": "x = 1\n"}, base="origin/main")
    number = here.opens(branch, body=here.forge.pulls[0].body)
    here.quiet()
    pr(here)
    pr(here, "--split", "directory")
    assert (here.news, here.forge.pulls[number - 1].state) == ([], "open")


def test_one_from_our_branch_to_another_base(world, pr):
    here = world()
    pr(here)
    here.push("release", {"release.py": "x = 1\n"}, base="origin/main")
    here.opens(ALL, "release")
    here.quiet()
    assert actions(pr(here)) == [(ALL, "hands-off")]
    here.push("main", NOTHING)
    pr(here)
    assert here.forge.pulls[1].body == "own words"
    assert here.forge.pulls[1].state == "open"


def test_one_that_is_stacked_on_ours_is_not_closed_with_it(world, pr):
    here = world()
    pr(here)
    here.push("stacked", {"stacked.py": "x = 1\n"}, base=f"origin/{ALL}")
    here.opens("stacked", ALL)
    here.push("main", NOTHING)
    assert actions(pr(here)) == [(ALL, "closed")]
    assert [state for _, state in states(here)] == ["closed", "open"]
    assert here.tip(ALL)


def test_a_draft_that_a_person_has_made_ready_stays_ready(world, pr):
    here = world()
    pr(here, "--draft")
    here.forge.set_draft(1, draft=False)
    here.push("main", {"app/three.py": READS})
    here.quiet()
    assert actions(pr(here, "--draft")) == [(ALL, "refreshed")]
    assert here.forge.pulls[0].draft is False
    assert here.news == ["push"]


@pytest.mark.parametrize(
    "marker",
    [
        '{"branch": "ada", "plan": "", "base": "", "question": "", "wanted": "", "labels": 5}',
        '{"branch": "ada", "a": ' + "[" * 9000 + "]" * 9000 + "}",
        '{"branch": "ada", "plan": "", "base": "", "question": "", "wanted": "", "sites": "\\u00e9"}',
        "{",
    ],
    ids=range(4),
)
def test_what_stands_in_somebodys_body_stops_nothing(marker, world, pr):
    here = world()
    here.push("ada", {"ada.py": "x = 1\n"}, base="origin/main")
    here.opens("ada", body=f"hm <!-- ssot-fix {marker} -->")
    assert actions(pr(here)) == [(ALL, "opened")]


# Other runs


def test_the_same_name_for_two_bases(world, pr):
    here = world()
    here.push("release", {"release.py": "x = 1\n"}, base="origin/main")
    pr(here)
    here.quiet()
    (left,) = pr(here, "--base", "release")
    assert (left["action"], here.writes) == ("hands-off", [])
    assert "--name" in left["why"]
    assert actions(pr(here)) == [(ALL, "unchanged")]


def test_declined_is_for_one_base(world, pr):
    here = world()
    here.push("release", {"release.py": "x = 1\n"}, base="origin/main")
    pr(here, "--base", "release")
    here.forge.close(1)
    assert actions(pr(here)) == [(ALL, "opened")]


def test_what_was_merged_since_is_declined_no_longer(world, pr):
    here = world()
    pr(here)
    here.forge.close(1)
    here.push("main", {"app/three.py": READS})
    pr(here)
    here.forge.merge(2)
    pr(here)
    here.push("main", {"app/one.py": READS})
    assert actions(pr(here)) == [(ALL, "opened")]


def test_one_codemod_asked_for_in_two_ways(world, pr):
    here = world()
    pr(here, "--split", "codemod")
    here.quiet()
    assert actions(pr(here, "--codemod", "utf8-files")) == [("ssot-fix/utf8-files", "unchanged")]
    assert {action for _, action in actions(pr(here, "--split", "codemod"))} == {"unchanged"}
    assert here.writes == []
    here.push("main", {"lib/two.py": ""})
    assert actions(pr(here, "--codemod", "utf8-files")) == [("ssot-fix/utf8-files", "closed")]


def test_a_run_is_about_its_own_question(world, pr):
    here = world()
    pr(here, "--split", "directory")
    here.push("ssot-fix/all-app", {"app/one.py": "mine = 1\n"})
    here.quiet()
    assert actions(pr(here)) == [(ALL, "opened")]
    assert here.news == ["opened"]


@pytest.mark.parametrize("name", ["main", "develop"])
def test_a_branch_that_is_not_for_this(name, world, pr):
    here = world()
    here.person.git("push", "--quiet", "origin", "main:refs/heads/develop")
    here.push("main", {"README.md": "more\n"})
    before = here.tip(name)
    (left,) = pr(here, "--name", name, expect=2 if name == "main" else 0)
    assert left["action"] in {"failed", "hands-off"}
    assert (here.tip(name), here.writes) == (before, [])


def test_only_branches_of_the_name_are_looked_at(world, pr):
    here = world()
    for number in range(5):
        here.person.git("push", "--quiet", "origin", f"main:refs/heads/fix-{number}")
    pr(here, "--name", "fix")
    assert sum("head=" in target for _, target, _ in here.forge.log) == 2  # before the POST, and to begin with


def test_a_codemod_that_has_nothing_to_work_with_has_not_finished(world, pr):
    here = world({"app/one.py": READS, "app/__init__.py": ""})
    pr(here)
    git = here.person.git
    git("fetch", "--quiet")
    git("rm", "-r", "--quiet", "shared")
    git("commit", "--quiet", "--message", "no accessor")
    git("push", "--quiet", "origin", "HEAD:main")
    here.quiet()
    assert pr(here) == []
    assert (here.writes, here.forge.pulls[0].state) == ([], "open")


def test_titles_and_labels(world, pr):
    here = world({"fixes #12 @ada/m.py": FILES["lib/two.py"]})
    pr(here, "--split", "directory", "--label", "Bot")
    (pull,) = here.forge.pulls
    assert "#12" not in pull.title
    assert "@ada" not in pull.title
    pr(here, "--split", "directory", "--label", "bot", "--label", "other")
    assert [label.casefold() for label in here.forge.pulls[0].labels] == ["bot", "other"]


def test_a_hundred_owners(world, pr):
    owners = " ".join(f"@nobody-{number}" for number in range(100))
    here = world({**FILES, "CODEOWNERS": f"* {owners}\n"})
    pr(here, "--split", "codeowners", "--reviewer", "@ada")
    assert here.forge.pulls[0].reviewers == ["ada"]
    assert sum("requested_reviewers" in target for _, target, _ in here.forge.log) == 16  # at once, and each of 15


# Answers


@pytest.fixture
def answering(world) -> Callable[..., object]:
    """A world whose forge answers some requests with something else."""

    def make(method: str, path: str, answer: Callable[[], Answer | None]):
        here = world()
        real = here.forge._worked

        def worked(request):
            is_meant = request.method == method and path in request.target
            return (answer() if is_meant else None) or real(request)

        here.forge._worked = worked
        return here

    return make


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/pulls?head="), ("GET", "/pulls?direction="), ("POST", "/pulls"), ("PATCH", "/pulls/")],
)
@pytest.mark.parametrize(
    ("status", "body"),
    [(200, PAGE), (200, b"{}"), (200, b"[1]"), (200, b"null"), (403, PAGE), (404, b"{}"), (451, b'{"errors": "no"}')],
    ids=str,
)
def test_answers_that_can_not_be_read(method, path, status, body, answering, pr):
    here = answering(method, path, lambda: Answer(status, {"Content-Type": "application/json"}, body))
    pr(here, "--label", "bot", expect=None)
    assert "internal error" not in here.said
    assert here.forge.token not in here.said
    here.forge.violations.clear()


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(("method", "path"), [("GET", "/pulls?head="), ("POST", "/pulls")])
def test_a_limit_that_is_not_lifted_soon(method, path, status, answering, pr):
    headers = {"Retry-After": "100000", "Content-Type": "application/json"}
    message = b'{"message": "You have exceeded a secondary rate limit."}'
    here = answering(method, path, lambda: Answer(status, headers, message))
    (failed,) = pr(here, expect=2)
    assert "run again later" in failed["why"]
    here.forge.violations.clear()


def test_a_limit_that_does_not_say_for_how_long(answering, pr):
    answers = [Answer(429, {"X-RateLimit-Reset": "0"}, b'{"message": "API rate limit exceeded"}')]
    here = answering("GET", "/pulls?head=", lambda: answers.pop() if answers else None)
    assert actions(pr(here)) == [(ALL, "opened")]
    here.forge.violations.clear()


def test_what_was_done_is_told_even_if_the_end_fails(world, pr):
    here = world()
    pr(here)
    here.push("main", {"app/three.py": READS})
    here.forge.faults.append(Fault("GET", r"state=open", "error-before", times=99))
    delivered = pr(here, expect=2)
    assert [action for _, action in actions(delivered)] == ["refreshed", "failed"]
    here.forge.faults.clear()


# Where the token could go


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Another server, and all that it was told: its URL, and the headers of each request."""
    told: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self):
            told.append(f"{self.requestline}\n{self.headers}")
            self.send_error(404)

        do_POST = do_PATCH = do_CONNECT = do_GET

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", told
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("path", ["info/refs", "git-receive-pack", "/pulls"])
@pytest.mark.parametrize("status", [301, 302, 307])
def test_nobody_is_followed_with_the_token(status, path, answering, pr, elsewhere):
    url, told = elsewhere
    method = "POST" if path == "git-receive-pack" else "GET"
    here = answering(method, path, lambda: Answer(status, {"Location": f"{url}/octo/app.git/info/refs"}, b""))
    pr(here, expect=None)
    assert "internal error" not in here.said
    here.forge.violations.clear()
    basic = base64.b64encode(f"x-access-token:{here.forge.token}".encode()).decode()
    assert not any(here.forge.token in each or basic in each for each in told)


@pytest.mark.parametrize("key", ["http.proxy", "remote.origin.proxy", "http.{url}.proxy"])
def test_a_proxy_of_the_repositorys_own_choice(key, world, pr, elsewhere):
    url, told = elsewhere
    here = world()
    here.bot.git("config", key.format(url=here.forge.root), url)
    assert actions(pr(here)) == [(ALL, "opened")]
    assert told == []


def test_filters_that_verify_starts_do_not_have_it(world, pr, tmp_path):
    here = world()
    (tmp_path / "filter.sh").write_text(f"#!/bin/sh\nenv >> {tmp_path}/seen\ncat\n")
    (tmp_path / "home").mkdir()
    home = tmp_path / "home" / ".gitconfig"
    home.write_text(f'[user]\nname = A\nemail = a@b\n[filter "x"]\nsmudge = sh {tmp_path}/filter.sh\n')
    here.push("main", {".gitattributes": "*.py filter=x\n"})
    pr(here, "--verify", "true", extra={"HOME": str(tmp_path / "home")})
    seen = (tmp_path / "seen").read_text()
    assert "PATH=" in seen
    assert here.forge.token not in seen


# Kinds of repositories


def test_a_partial_clone(world, pr, tmp_path):
    here = world()
    here.ask("config", "uploadpack.allowFilter", "true")
    clone = Repository(tmp_path / "partial", here.bot.environment)
    source = f"file://{here.forge.bare}"
    here.person.git("clone", "--quiet", "--filter=blob:none", "--no-checkout", source, str(clone.root))
    clone.git("remote", "set-url", "origin", here.forge.url)
    here.bot = clone
    assert actions(pr(here)) == [(ALL, "opened")]
    assert actions(pr(here)) == [(ALL, "unchanged")]


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_branch_in_the_way(where, world, pr):
    here = world()
    if where == "here":
        here.bot.git("branch", "ssot-fix")
        here.bot.git("update-ref", "refs/remotes/origin/ssot-fix", "HEAD")
        assert actions(pr(here)) == [(ALL, "opened")]
        return
    here.person.git("push", "--quiet", "origin", "main:refs/heads/ssot-fix")
    (failed,) = pr(here, expect=2)
    assert "meanwhile" not in failed["why"]
    assert "refs/heads/ssot-fix" in failed["why"]
