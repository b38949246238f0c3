"""Pull requests, on a real git server and a forge that answers as GitHub does. What must not happen comes first."""

from __future__ import annotations

import os
import re
import shutil
import signal

import pytest
from cases import FIXTURES
from conftest import Repository
from forge import Fault
from markdown_it import MarkdownIt
from quick import Command
from worlds import ALL, FILES, OPENS, READS, World, actions, environment

PULLS, PUSH, COMMENTS, ISSUE = r"/pulls(\?|$)", r"git-receive-pack$", r"/comments$", r"/issues/"


# One run for each state of the world


def test_first_run_and_rerun(world, pr):
    here = world()
    before = here.bot.git("status", "--porcelain", "--branch") + here.bot.git("for-each-ref", "refs/heads")
    (opened,) = pr(here)
    assert actions([opened]) == [(ALL, "opened")]
    assert (opened["number"], opened["files"], opened["rewritten"]) == (1, 2, 3)
    assert here.news == ["opened"]
    assert "get_env().get('A')" in here.show(ALL, "app/one.py")
    assert "encoding=" in here.show(ALL, "lib/two.py")
    assert here.bot.git("status", "--porcelain", "--branch") + here.bot.git("for-each-ref", "refs/heads") == before
    (pull,) = here.forge.pulls
    assert (pull.head, pull.base, pull.draft, pull.labels, pull.reviewers) == (ALL, "main", False, [], [])

    here.quiet()
    assert actions(pr(here)) == [(ALL, "unchanged")]
    assert (here.news, here.writes) == ([], [])


def test_a_dry_run_changes_nothing(world, pr, ssot_fix):
    here = world()
    assert actions(pr(here, "--dry-run", "--label", "bot")) == [(ALL, "opened")]
    assert (here.news, here.writes, here.tip(ALL)) == ([], [], None)
    assert "would be opened" in here.said
    diff = ssot_fix(here.bot, "pr", "--dry-run", extra={"GH_TOKEN": here.forge.token}).stdout
    assert diff == ssot_fix(here.bot, "--dry-run").stdout
    pr(here)
    here.quiet()
    here.push("main", {"app/three.py": READS})
    assert actions(pr(here, "--dry-run")) == [(ALL, "refreshed")]
    here.push("main", {"app/one.py": "", "app/three.py": "", "lib/two.py": ""})
    assert actions(pr(here, "--dry-run")) == [(ALL, "closed")]
    assert (here.news, here.writes, here.forge.pulls[0].state) == ([], [], "open")


def test_the_base_has_moved(world, pr):
    here = world()
    (first,) = pr(here)
    moved = here.push("main", {"README.md": "more\n"})
    here.quiet()
    (second,) = pr(here)
    assert (second["action"], second["number"], second["plan"]) == ("refreshed", 1, first["plan"])
    assert here.person.git("ls-remote", "origin", f"refs/heads/{ALL}").split()[0] == here.tip(ALL)
    here.person.git("fetch", "--quiet", "origin")
    assert here.person.git("merge-base", f"origin/{ALL}", "main").strip() == moved
    assert here.news == ["push"]


def test_the_plan_has_changed(world, pr):
    here = world()
    (first,) = pr(here)
    here.push("main", {"app/three.py": READS})
    here.quiet()
    (second,) = pr(here)
    assert (second["action"], second["files"]) == ("refreshed", 3)
    assert second["plan"] != first["plan"]
    assert "get_env" in here.show(ALL, "app/three.py")
    assert here.news == ["push"]
    assert "5 sites in 3 files" in here.forge.pulls[0].body


def test_somebody_has_pushed_to_it(world, pr):
    here = world()
    pr(here)
    tip = here.push(ALL, {"app/one.py": "mine = 1\n"})
    here.push("main", {"app/three.py": READS})
    here.quiet()
    (left,) = pr(here)
    assert left["action"] == "hands-off"
    assert "Test <test@example.invalid>" in left["why"]
    assert (here.news, here.tip(ALL)) == (["comment"], tip)
    (comment,) = here.forge.pulls[0].comments
    assert "leaves this pull request to you" in comment.body
    pr(here)
    assert here.news == ["comment"]  # once
    # Nothing is left to do: it is still not ours to close.
    here.push("main", {"app/one.py": "", "app/three.py": "", "lib/two.py": ""})
    assert actions(pr(here)) == [(ALL, "hands-off")]
    assert (here.news, here.tip(ALL), here.forge.pulls[0].state) == (["comment"], tip, "open")


@pytest.mark.parametrize("how", ["amended", "merged into", "rebased"])
def test_somebody_has_changed_its_commits(how, world, pr):
    here = world()
    pr(here)
    git = here.person.git
    if how == "rebased":
        here.push("feature", {"feature.py": "x = 1\n"}, base="origin/main")
    else:
        here.push("main", {"README.md": "more\n"})
    git("fetch", "--quiet")
    git("switch", "--quiet", "--force-create", ALL, f"origin/{ALL}")
    if how == "amended":
        here.person.write({"app/one.py": "mine = 1\n"})
        git("commit", "--quiet", "--all", "--amend", "--no-edit")
    elif how == "merged into":
        git("merge", "--quiet", "--no-edit", "origin/main")
    else:
        git("rebase", "--quiet", "origin/feature")
    git("push", "--quiet", "--force", "origin", ALL)
    tip = here.tip(ALL)
    here.quiet()
    assert actions(pr(here)) == [(ALL, "hands-off")]
    assert (here.tip(ALL), here.news) == (tip, ["comment"])


def test_a_branch_of_the_same_name_that_is_somebody_elses(world, pr):
    here = world()
    tip = here.push(ALL, {"own.py": "x = 1\n"}, base="origin/main")
    assert actions(pr(here)) == [(ALL, "hands-off")]
    assert (here.tip(ALL), here.writes, here.forge.pulls) == (tip, [], [])


@pytest.mark.parametrize("name", [ALL, "release"])
def test_a_branch_that_is_behind_the_base(name, world, pr):
    """One that is called like ours has nothing of its own; another one may be meant to stand where it does."""
    here = world()
    old = here.tip("main")
    here.ask("update-ref", f"refs/heads/{name}", old)
    here.push("main", {"app/three.py": READS})
    expected = "opened" if name == ALL else "hands-off"
    assert actions(pr(here, "--name", name)) == [(name, expected)]
    assert (here.tip(name) == old) == (expected == "hands-off")


def test_closed_unmerged_it_stays_closed(world, pr):
    here = world()
    pr(here)
    here.forge.close(1, by="ada")
    tip = here.tip(ALL)
    here.quiet()
    (declined,) = pr(here)
    assert (declined["action"], declined["number"]) == ("declined", 1)
    # Other lines, fewer sites, another base: nothing that is new.
    here.push("main", {"app/one.py": "import os\n\n\n\nB = os.getenv('B')\n"})
    assert actions(pr(here)) == [(ALL, "declined")]
    assert (here.news, here.writes, here.tip(ALL)) == ([], [], tip)
    # A new site.
    here.push("main", {"app/three.py": READS})
    (opened,) = pr(here)
    assert (opened["action"], opened["number"]) == ("opened", 2)
    here.forge.close(2, by="ada")
    assert actions(pr(here)) == [(ALL, "declined")]


def test_merged_and_what_comes_then(world, pr):
    here = world()
    pr(here)
    here.forge.merge(1, by="ada", method="squash")
    here.quiet()
    (deleted,) = pr(here)
    assert (deleted["action"], here.tip(ALL), here.news) == ("deleted", None, [])
    assert pr(here) == []
    here.push("main", {"app/three.py": READS})
    (opened,) = pr(here)
    assert (opened["action"], opened["number"]) == ("opened", 2)
    here.forge.merge(2, by="ada", method="merge")
    here.push("main", {"app/four.py": READS})
    (opened,) = pr(here)
    assert (opened["action"], opened["number"], opened["files"]) == ("opened", 3, 1)


def test_a_persons_commits_that_were_merged_with_it_are_no_hindrance(world, pr):
    here = world()
    pr(here)
    here.push(ALL, {"own.py": "x = 1\n"})
    here.forge.merge(1, by="ada", method="squash")
    here.push("main", {"app/three.py": READS})
    assert actions(pr(here)) == [(ALL, "opened")]


def test_nothing_is_left(world, pr):
    here = world()
    pr(here, "--label", "bot")
    here.push("main", {"app/one.py": "", "lib/two.py": ""})
    here.quiet()
    (closed,) = pr(here, "--label", "bot")
    assert (closed["action"], closed["number"]) == ("closed", 1)
    assert (here.forge.pulls[0].state, here.tip(ALL)) == ("closed", None)
    assert sorted(here.news) == ["closed", "comment"]
    assert pr(here) == []
    # We have closed it, so nobody has declined it.
    here.push("main", {"app/one.py": READS})
    (opened,) = pr(here)
    assert (opened["action"], opened["number"]) == ("opened", 2)


def test_what_could_not_be_looked_at_is_not_taken_for_done(world, pr, hostile, ssot_fix):
    here = world({"app/one.py": OPENS})
    pr(here)
    here.push("main", {"app/one.py": "# hostile app/one.py\n"})
    here.quiet()
    extra = hostile("raise:app/one.py") | {"GITHUB_TOKEN": here.forge.token}
    done = ssot_fix(here.bot, "pr", extra=extra, expect=2)
    assert (here.news, here.forge.pulls[0].state) == ([], "open")
    assert b"taken for done" in done.stderr


# What pull requests look like


def test_who_makes_the_commits(world, pr):
    """As the clone says, though the commits are made elsewhere."""
    here = world()
    here.bot.git("config", "user.name", "The Bot")
    here.bot.git("config", "user.email", "bot@example.invalid")
    pr(here)
    assert here.ask("log", "-1", "--format=%an <%ae>, %cn", ALL) == "The Bot <bot@example.invalid>, The Bot\n"
    here.push("main", {"app/three.py": READS})
    pr(here, "--author", "Ada <ada@example.invalid>")
    assert here.ask("log", "-1", "--format=%an <%ae>, %cn", ALL) == "Ada <ada@example.invalid>, The Bot\n"


def test_labels_reviewers_and_drafts(world, pr):
    here = world()
    wanted = ("--draft", "--label", "bot", "--label", "ssot", "--reviewer", "ada", "--reviewer", "octo/reviewers")
    pr(here, *wanted)
    (pull,) = here.forge.pulls
    assert (pull.draft, pull.labels, pull.reviewers, pull.team_reviewers) == (
        True,
        ["bot", "ssot"],
        ["ada"],
        ["reviewers"],
    )
    here.quiet()
    assert actions(pr(here, *wanted)) == [(ALL, "unchanged")]
    assert here.writes == []
    assert actions(pr(here, "--label", "ssot", "--reviewer", "ada")) == [(ALL, "refreshed")]
    (pull,) = here.forge.pulls
    assert (pull.draft, pull.labels) == (False, ["ssot"])
    assert "review-request" not in here.news
    here.quiet()
    assert actions(pr(here, "--label", "ssot", "--reviewer", "ada")) == [(ALL, "unchanged")]
    assert here.writes == []


def test_a_reviewer_whom_nobody_knows_is_a_note(world, pr):
    here = world()
    assert actions(pr(here, "--reviewer", "nobody", "--reviewer", "ada")) == [(ALL, "opened")]
    assert here.forge.pulls[0].reviewers == ["ada"]
    (note,) = here.notes
    assert "nobody can't be asked for a review" in note
    here.quiet()
    pr(here, "--reviewer", "nobody", "--reviewer", "ada")
    assert here.writes == []


def test_what_people_change_on_it_stays(world, pr):
    here = world()
    pr(here, "--label", "bot")
    edited = here.forge.pulls[0]
    here.forge.edit(1, title="A better title", labels=["mine"])
    here.quiet()
    assert actions(pr(here, "--label", "bot")) == [(ALL, "unchanged")]
    (pull,) = here.forge.pulls
    assert (pull.title, pull.labels, pull.body) == ("A better title", ["mine"], edited.body)


def test_split_by_codemod(world, pr):
    here = world()
    delivered = pr(here, "--split", "codemod")
    names = ["ssot-fix/isolated-environment", "ssot-fix/utf8-files"]
    assert actions(delivered) == [(name, "opened") for name in names]
    assert "open('a')" in here.show(names[0], "lib/two.py")
    here.push("main", {"app/one.py": ""})
    assert actions(pr(here, "--split", "codemod")) == [(names[1], "refreshed"), (names[0], "closed")]


def test_split_by_owner_and_by_directory(world, pr):
    here = world({**FILES, "CODEOWNERS": "/app/ @ada\n/lib/ @octo/reviewers\n"})
    pr(here, "--split", "codeowners")
    by_reviewer = {(*pull.reviewers, *pull.team_reviewers): pull for pull in here.forge.pulls}
    assert set(by_reviewer) == {("ada",), ("reviewers",)}
    assert here.news.count("review-request") == 2
    assert "@" not in by_reviewer["ada",].body + by_reviewer["ada",].title
    delivered = pr(here, "--split", "directory")
    assert actions(delivered) == [("ssot-fix/all-app", "opened"), ("ssot-fix/all-lib", "opened")]
    # Nothing is left in one directory: only this question's own is closed.
    here.push("main", {"app/one.py": ""})
    delivered = pr(here, "--split", "directory")
    assert actions(delivered) == [("ssot-fix/all-lib", "refreshed"), ("ssot-fix/all-app", "closed")]
    assert sum(pull.state == "open" for pull in here.forge.pulls) == 3


def test_not_too_many_at_once(world, pr):
    here = world({f"d{n}/{name}": text for n in range(4) for name, text in (("__init__.py", ""), ("a.py", READS))})

    def come(*options: str) -> list[str]:
        return [each["action"] for each in pr(here, "--split", "directory", *options)]

    assert come("--max-open", "2", "--dry-run") == ["opened", "opened", "waiting", "waiting"]
    assert come("--max-open", "2") == ["opened", "opened", "waiting", "waiting"]
    assert come("--max-open", "2") == ["unchanged", "unchanged", "waiting", "waiting"]
    here.forge.merge(1, by="ada")
    assert come("--max-per-hour", "3") == ["refreshed", "opened", "waiting", "deleted"]
    assert here.tip("ssot-fix/all-d0") is None
    here.forge.set_back(hours=2)
    assert come("--max-per-hour", "1") == ["unchanged", "unchanged", "opened"]


def test_max_files(world, pr):
    here = world({f"app/m{n}.py": READS for n in range(5)} | {"app/__init__.py": ""})
    (opened,) = pr(here, "--max-files", "2")
    assert (opened["files"], opened["left_out"]) == (2, 3)
    assert "3 more files will follow" in here.forge.pulls[0].body
    here.forge.merge(1, by="ada")
    (opened,) = pr(here, "--max-files", "2")
    assert (opened["action"], opened["files"], opened["left_out"]) == ("opened", 2, 1)


def test_a_body_never_mentions_or_closes_or_bursts(world, pr):
    why = "fixes #1, thanks @ada, see GH-2 and https://github.com/a/b/issues/3"
    names = {f"app/@ada fixes #1/`{n} é|.py": f"{OPENS}open(a, mode)  # {why}\n" for n in range(3)}
    many = {f"app/{'long' * 40}_{n}.py": "import os\n" + "os.environ[f'{1}']\n" * 60 for n in range(200)}
    here = world({"app/__init__.py": "", **names, **many})
    pr(here, "--unsafe-fixes", "--verify", f"true  # {why} | `")
    (pull,) = here.forge.pulls
    assert len(pull.body) < 65_536
    html = MarkdownIt("js-default").render(pull.body)
    assert "fixes #1" in html
    outside_code = re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL)
    for text in ("@ada", "#1", "GH-2", "https://github.com/a", "<script"):
        assert text not in outside_code


def test_verify(world, pr):
    here = world()
    check = "python3 -c \"import pathlib,sys; sys.exit('get_env' in pathlib.Path('app/one.py').read_text())\""
    (broken,) = pr(here, "--verify", check, "--verify", "true", expect=2)
    assert (broken["action"], here.writes) == ("broken", [])
    (opened,) = pr(here, "--verify", "false", "--verify", 'test -z "$GITHUB_TOKEN$GH_TOKEN"')
    assert opened["action"] == "opened"
    assert "| `false` | failed (1), 0." in here.forge.pulls[0].body
    assert [each["after"]["code"] for each in opened["verify"]] == [1, 0]
    here.quiet()
    (again,) = pr(here, "--verify", "false", "--verify", 'test -z "$GITHUB_TOKEN$GH_TOKEN"')
    assert (again["action"], again["verify"], here.writes) == ("unchanged", [], [])


# What goes wrong


def test_a_protected_branch(world, pr):
    here = world()
    hook = here.forge.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed.' >&2\nexit 1\n")
    hook.chmod(0o755)
    (failed,) = pr(here, expect=2)
    assert (failed["action"], here.forge.pulls) == ("failed", [])
    assert "GH006: Protected branch update failed." in failed["why"]
    hook.unlink()
    assert actions(pr(here)) == [(ALL, "opened")]


@pytest.mark.parametrize("is_new", [True, False])
def test_a_lost_race(is_new, world, pr):
    here = world()
    if not is_new:
        pr(here)
        here.push("main", {"app/three.py": READS})
    tips = []

    def push(_number, method, path, when):
        if (method, when) == ("POST", "before") and path.endswith("git-receive-pack") and not tips:
            tips.append("")
            base = "origin/main" if is_new else f"origin/{ALL}"
            tips[0] = here.push(ALL, {"own.py": "x = 1\n"}, base=base)

    here.forge.on_request = push
    (failed,) = pr(here, expect=2)
    here.forge.on_request = None
    assert failed["action"] == "failed"
    assert "was pushed to meanwhile" in failed["why"]
    assert here.tip(ALL) == tips[0]
    assert actions(pr(here)) == [(ALL, "hands-off")]


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([Fault("POST", PULLS, "secondary-rate-limit")], "opened"),
        ([Fault("POST", PULLS, "primary-rate-limit")], "opened"),
        ([Fault("GET", PULLS, "secondary-rate-limit")], "opened"),
        ([Fault("POST", PULLS, "error-before")], "opened"),
        ([Fault("POST", PULLS, "error-after")], "opened"),
        ([Fault("POST", PULLS, "drop-before")], "opened"),
        ([Fault("POST", PULLS, "drop-after")], "opened"),
        ([Fault("GET", PULLS, "error-before", times=2)], "opened"),
        ([Fault("POST", PULLS, "error-before", times=4)], "failed"),
        ([Fault("PUT", ISSUE, "error-after")], "opened"),
        ([Fault("PATCH", r"/pulls/1$", "drop-after")], "opened"),
        ([Fault("POST", PUSH, "error-before")], "failed"),
        ([Fault("POST", PUSH, "drop-after")], "failed"),
    ],
    ids=lambda value: "+".join(f"{f.method} {f.kind} x{f.times}" for f in value) if isinstance(value, list) else value,
)
def test_faults(faults, expected, world, pr):
    """Whatever happens on the way, it is there once; if the run gives up, the next one completes it."""
    here = world()
    here.forge.faults += faults
    (done,) = pr(here, "--label", "bot", expect=0 if expected == "opened" else 2)
    assert done["action"] == expected
    assert pr(here, "--label", "bot")[0]["action"] in {"unchanged", "opened"}
    (pull,) = here.forge.pulls
    assert pull.labels == ["bot"]
    here.quiet()
    assert actions(pr(here, "--label", "bot")) == [(ALL, "unchanged")]
    assert here.writes == []


@pytest.mark.parametrize("kind", ["error-after", "drop-after", "error-before"])
def test_a_comment_is_never_doubled(kind, world, pr):
    here = world()
    pr(here)
    here.push("main", {"app/one.py": "", "lib/two.py": ""})
    here.forge.faults.append(Fault("POST", COMMENTS, kind))
    assert actions(pr(here)) == [(ALL, "closed")]
    assert len(here.forge.pulls[0].comments) == 1


def test_a_forge_that_can_not_be_reached(world, pr):
    here = world()
    here.forge.faults.append(Fault("GET", "info/refs", "error-before"))
    assert pr(here, expect=2) == []
    assert "ls-remote from origin failed" in here.said


REQUESTS = {"first run": 15, "refresh": 15, "hands off": 10, "end": 14}
STEPS = [(story, step) for story, count in REQUESTS.items() for step in range(count)]


@pytest.mark.parametrize(("story", "step"), STEPS)
def test_killed_at_every_step_and_run_again(story, step, world, pr):
    """Killed when the n-th request has been carried out and not answered, that is before the next: it is made good."""
    here = world()
    wanted = ("--label", "bot", "--reviewer", "ada")
    if story != "first run":
        pr(here, *wanted)
    if story == "refresh":
        here.push("main", {"app/three.py": READS})
        wanted = ("--label", "other", "--draft")
    if story == "hands off":
        here.push(ALL, {"own.py": "x = 1\n"})
    if story == "end":
        here.push("main", {"app/one.py": "", "lib/two.py": ""})
    here.quiet()
    ended = kill(here, step, "pr", "--quiet", *wanted)
    assert ended == (0 if step == REQUESTS[story] - 1 else -signal.SIGKILL)  # so no request is left out
    pr(here, *wanted)
    (pull,) = here.forge.pulls
    if story in {"first run", "refresh"}:
        assert (pull.state, pull.labels) == ("open", [wanted[1]])
        assert pull.draft is (story == "refresh")
        assert here.news.count("opened") == (story == "first run")
        assert pull.reviewers == ["ada"]
    elif story == "hands off":
        assert len(pull.comments) == 1
    else:
        assert (pull.state, len(pull.comments), here.tip(ALL)) == ("closed", 1, None)
    here.quiet()
    pr(here, *wanted)
    assert (here.writes, here.news) == ([], [])


def kill(world: World, step: int, *arguments: str) -> int | None:
    """Run the command and kill it, and what it has started, at a request; its exit code."""
    running: list[Command] = []
    seen = []

    def strike(_number, _method, _path, moment):
        if moment == "after":
            seen.append(moment)
            if len(seen) == step + 1:
                running[0].kill()

    world.forge.on_request = strike
    running.append(Command(world.bot.root, arguments, environment(world)))
    ended = running[0].wait()
    world.forge.on_request = None
    return ended.returncode


# The token, and whom it is given to


def test_the_token_goes_nowhere_but_to_its_host(world, ssot_fix):
    here = world()
    here.bot.git("remote", "set-url", "origin", "https://evil.example/octo/app.git")
    done = ssot_fix(here.bot, "pr", extra={"GITHUB_TOKEN": "secret"}, expect=2)
    assert b"GH_HOST=evil.example" in done.stderr
    here.bot.git("remote", "set-url", "origin", "http://github.com/octo/app.git")
    assert b"clear text" in ssot_fix(here.bot, "pr", extra={"GITHUB_TOKEN": "secret"}, expect=2).stderr
    here.bot.git("remote", "set-url", "origin", "https://github.com/octo/app.git")
    here.bot.git("config", "url.https://evil.example/.insteadOf", "https://github.com/")
    assert b"evil.example is not GitHub" in ssot_fix(here.bot, "pr", extra={"GITHUB_TOKEN": "secret"}, expect=2).stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "set GITHUB_TOKEN or GH_TOKEN"),
        ({"GITHUB_TOKEN": " "}, "set GITHUB_TOKEN or GH_TOKEN"),
        ({"GITHUB_TOKEN": "a b"}, "characters that no token has"),
    ],
)
def test_without_a_token(settings, said, world, ssot_fix):
    assert said in ssot_fix(world().bot, "pr", extra=settings, expect=2).stderr.decode()


def test_a_token_that_is_not_valid(world, ssot_fix):
    here = world()
    said = ssot_fix(here.bot, "pr", "-vv", extra={"GITHUB_TOKEN": "ghp_wrong"}, expect=2).stderr.decode()
    assert "ghp_wrong" not in said
    assert "the token is not valid" in said


def test_a_token_in_a_file_and_in_the_url(world, pr, tmp_path):
    here = world()
    file = tmp_path / "token"
    file.write_text(f"{here.forge.token}\n")
    url = here.forge.url.replace("://", "://user:hunter2@")
    here.bot.git("remote", "set-url", "origin", url)
    assert actions(pr(here, "--token-file", str(file), extra={"GITHUB_TOKEN": "ghp_wrong"})) == [(ALL, "opened")]
    assert "hunter2" not in here.said
    here.forge.faults.append(Fault("GET", "info/refs", "error-before"))
    pr(here, "--token-file", str(file), expect=2)
    assert "hunter2" not in here.said


def test_the_token_is_never_in_an_argument(world, pr, tmp_path):
    """What is started is recorded by a git that stands before the real one on PATH."""
    here = world()
    log, real = tmp_path / "arguments", shutil.which("git")
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    pr(here, extra={"PATH": f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}"})
    text = log.read_text()
    assert "push" in text
    assert here.forge.token not in text
    assert "Basic" not in text


def test_another_token_in_the_settings_is_not_sent_too(world, pr):
    """actions/checkout leaves its own header in the settings of the clone; two are an error for GitHub."""
    here = world()
    here.bot.git("config", f"http.{here.forge.root}/.extraHeader", "Authorization: Basic d3Jvbmc=")
    assert actions(pr(here)) == [(ALL, "opened")]


def test_a_hostile_repository(world, pr, tmp_path):
    here = world()
    marks = tmp_path / "marks"
    marks.mkdir()

    def mark(name: str) -> str:
        script = tmp_path / f"{name}.sh"
        script.write_text(f"#!/bin/sh\ntouch {marks}/{name}\n")
        script.chmod(0o755)
        return str(script)

    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for hook in (
        "pre-push",
        "reference-transaction",
        "post-checkout",
        "pre-auto-gc",
        "post-index-change",
        "post-commit",
    ):
        (hooks / hook).write_text(f"#!/bin/sh\ntouch {marks}/{hook}\n")
        (hooks / hook).chmod(0o755)
    git = here.bot.git
    for key, value in {
        "core.hooksPath": str(hooks),
        "core.fsmonitor": mark("fsmonitor"),
        "core.sshCommand": mark("ssh"),
        "core.askPass": mark("askpass"),
        "credential.helper": f"!{mark('credential')}",
        "gpg.program": mark("gpg"),
        "core.pager": mark("pager"),
        "core.editor": mark("editor"),
        "alias.push": f"!{mark('alias')}",
        "filter.x.clean": mark("clean"),
        "filter.x.smudge": mark("smudge"),
        "diff.external": mark("diff"),
        "uploadpack.packObjectsHook": mark("packobjects"),
        "push.pushOption": "x",
        "push.recurseSubmodules": "on-demand",
        "push.followTags": "true",
        "protocol.ext.allow": "always",
        "remote.origin.vcs": "ext",
        "remote.origin.mirror": "true",
        "remote.origin.proxy": "http://127.0.0.1:9",
        "http.proxy": "http://127.0.0.1:9",
        "http.cookieFile": str(here.bot.root / "app" / "one.py"),
        "http.saveCookies": "true",
        "core.alternateRefsCommand": mark("alternates"),
        "log.showSignature": "true",
        "trailer.separators": "=",
        "remote.origin.fetch": "+refs/heads/*:refs/heads/*",
    }.items():
        git("config", key, value)
    (here.bot.root / ".git" / "info" / "attributes").write_text("* filter=x diff=x\n")
    (here.bot.root / ".git" / "objects" / "info" / "alternates").write_text(f"{here.forge.bare}/objects\n")
    before = here.bot.git("for-each-ref"), here.bot.git("count-objects"), here.bot.read("app/one.py")
    assert actions(pr(here)) == [(ALL, "opened")]
    assert actions(pr(here)) == [(ALL, "unchanged")]
    assert (here.bot.git("for-each-ref"), here.bot.git("count-objects"), here.bot.read("app/one.py")) == before
    git("config", "remote.origin.url", f"ext::{mark('ext')} %S")
    pr(here, expect=2)
    git("config", "remote.origin.url", "git@github.com:octo/app.git")
    pr(here, expect=2, extra={"GIT_SSH_COMMAND": "false"})
    assert list(marks.iterdir()) == []


# Repositories as they come


def test_a_shallow_clone(world, pr, command_environment, tmp_path):
    here = world()
    for number in range(3):
        here.push("main", {"README.md": f"{number}\n"})
    here.bot = Repository(tmp_path / "shallow", command_environment)
    arguments = ("clone", "--quiet", "--depth=1", "--branch=main", f"file://{here.forge.bare}", str(here.bot.root))
    here.person.git(*arguments)
    here.bot.git("remote", "set-url", "origin", here.forge.url)
    assert actions(pr(here)) == [(ALL, "opened")]
    assert actions(pr(here)) == [(ALL, "unchanged")]
    for number in range(3):
        here.push("main", {"README.md": f"again {number}\n"})
    shutil.rmtree(here.bot.root)
    here.person.git(*arguments)
    here.bot.git("remote", "set-url", "origin", here.forge.url)
    assert actions(pr(here)) == [(ALL, "refreshed")]
    here.push(ALL, {"own.py": "x = 1\n"})
    assert actions(pr(here)) == [(ALL, "hands-off")]


def test_from_a_bare_repository(world, pr, command_environment, tmp_path):
    here = world()
    here.bot = Repository(tmp_path / "bare.git", command_environment)
    here.person.git("clone", "--quiet", "--bare", str(here.forge.bare), str(here.bot.root))
    here.bot.git("remote", "set-url", "origin", here.forge.url)
    assert actions(pr(here)) == [(ALL, "opened")]
    assert actions(pr(here)) == [(ALL, "unchanged")]


def test_odd_names_modes_links_and_line_endings(world, pr):
    crlf = READS.replace("\n", "\r\n")
    here = world(
        {
            "app/__init__.py": "",
            "app/a space/é ünï.py": OPENS,
            "app/crlf.py": crlf,
            "app/program.py": "#!/usr/bin/env python3\n" + OPENS,
            "data.bin": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            ".gitattributes": "*.py text eol=crlf\n*.bin filter=lfs\n",
        }
    )
    here.person.git("config", "core.autocrlf", "true")
    (here.person.root / "app" / "link.py").symlink_to("crlf.py")
    (here.person.root / "app" / "program.py").chmod(0o755)
    here.push("main", {})
    before = listing(here, "main")
    (opened,) = pr(here)
    after = listing(here, ALL)
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {"app/a space/é ünï.py", "app/crlf.py", "app/program.py"}
    assert opened["files"] == 3
    assert {path: mode for path, (mode, _) in before.items()} == {path: mode for path, (mode, _) in after.items()}
    assert after["app/program.py"][0] == "100755"
    assert after["app/link.py"][0] == "120000"


def listing(world: World, branch: str) -> dict[str, tuple[str, str]]:
    text = world.ask("ls-tree", "-r", "-z", branch)
    entries = (entry.split("\t", 1) for entry in text.split("\0")[:-1])
    return {path: (about.split()[0], about.split()[2]) for about, path in entries}


def test_two_hundred_files(world, pr):
    here = world({"app/__init__.py": "", **{f"app/m{n}.py": READS for n in range(200)}})
    (opened,) = pr(here)
    assert (opened["files"], opened["rewritten"]) == (200, 400)
    here.quiet()
    assert actions(pr(here)) == [(ALL, "unchanged")]


def test_a_whole_platform(world, pr, tmp_path):
    """All four codemods: a commit for each, and what --write makes of a checkout."""
    source = FIXTURES / "legacy_platform"
    files = {file.relative_to(source).as_posix(): file.read_bytes() for file in source.rglob("*") if file.is_file()}
    here = world(files)
    (opened,) = pr(here)
    assert opened["action"] == "opened"
    here.person.git("fetch", "--quiet")
    subjects = here.person.git("log", "--format=%s", f"main..origin/{ALL}").splitlines()
    assert len(subjects) == 4


# Usage


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://gitlab.com/a/b/c.git", "no forge is known"),
        ("/tmp/somewhere", "no forge is known"),
        ("https://github.com/only", "no forge is known"),
        ("https://user:hunter2@gitlab.com/a/b/c", "no forge is known"),
    ],
)
def test_remotes_that_are_no_forge(url, said, world, ssot_fix):
    here = world()
    here.bot.git("remote", "set-url", "origin", url)
    told = ssot_fix(here.bot, "pr", extra={"GITHUB_TOKEN": "x"}, expect=2).stderr.decode()
    assert said in told
    assert "hunter2" not in told


def test_bases_and_remotes_that_are_not_there(world, pr):
    here = world()
    pr(here, "--base", "nothing", expect=2)
    assert "has no branch called `nothing`" in here.said
    pr(here, "--remote", "upstream", expect=2)
    assert "there is no remote called `upstream`" in here.said
    here.push("release", {"lib/two.py": ""}, base="origin/main")
    (opened,) = pr(here, "--base", "release", "--name", "bot/release")
    assert (opened["branch"], opened["files"], here.forge.pulls[0].base) == ("bot/release", 1, "release")
