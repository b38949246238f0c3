"""`ssot-fix branch`: what must not happen to the user's repository, and what the branch then holds."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from branching import (
    ALL,
    READ,
    READS,
    add_commit,
    ask,
    changed_paths,
    leftovers,
    posix_only,
    raw,
    script,
    state,
    text,
    tip,
)
from cases import FIXTURES
from conftest import COMMAND, Repository
from test_bad_input import many

OURS = ("Ssot-Fix-Codemod", "Ssot-Fix-Plan", "Ssot-Fix-Base")


# The user's own work


def test_nothing_of_the_users_is_touched(repository, ssot_fix, temporary):
    project = repository(
        {"app.py": READS, "staged.py": "", "unstaged.py": "", ".gitignore": "ignored.py\n", "pyproject.toml": ""}
    )
    project.write({"app.py": "stashed = 1\n"})
    project.git("stash", "push", "--quiet")
    project.write({"staged.py": READS, "new.py": READS})
    project.git("add", "staged.py", "new.py")
    project.write({"unstaged.py": READS, "untracked.py": READS, "ignored.py": READS})
    project.git("mv", "app.py", "moved.py")
    # Settings that lie about: one that would exclude everything, one that could not be read.
    project.write({"pyproject.toml": "[tool.ssot-fix]\nexclude = ['*']\n", "ssot-fix.toml": "nonsense = = 1\n"})
    before = state(project)
    done = ssot_fix(project, "branch", "--yes", extra=temporary)
    assert state(project) == before
    assert changed_paths(project) == ["app.py"]
    assert text(project, "app.py") == READ
    assert b"ssot-fix/all created at" in done.stderr
    assert leftovers(temporary) == []
    assert sorted(ask(project, "for-each-ref", "--format=%(refname)").splitlines()) == [
        "refs/heads/main",
        f"refs/heads/{ALL}",
        "refs/stash",
    ]


def test_committed_settings_are_those_that_count(repository, ssot_fix):
    project = repository({"app.py": READS, "kept.py": READS, "ssot-fix.toml": "exclude = ['kept.py']\n"})
    project.write({"ssot-fix.toml": "exclude = ['app.py']\n"})
    ssot_fix(project, "branch", "--yes", "-q")
    assert changed_paths(project) == ["app.py"]
    ssot_fix(project, "branch", "--yes", "-q", "--config", "ssot-fix.toml", "--name", "named")
    assert changed_paths(project, "named") == ["app.py"]


HOOKS = (
    *("applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-checkout", "post-commit", "post-index-change"),
    *("post-merge", "post-rewrite", "post-update", "pre-applypatch", "pre-auto-gc", "pre-commit", "pre-merge-commit"),
    *("pre-push", "pre-rebase", "pre-receive", "prepare-commit-msg", "proc-receive", "push-to-checkout"),
    *("reference-transaction", "sendemail-validate", "update"),
)


@posix_only
@pytest.mark.parametrize("by_path", [False, True], ids=["own hooks", "core.hooksPath"])
def test_nothing_of_the_targets_is_run(by_path, repository, ssot_fix, tmp_path):
    project = repository({"app.py": READS, ".gitattributes": "*.py filter=evil diff=evil merge=evil\n"})
    marker = tmp_path / "was run"
    evil = str(script(tmp_path / "evil", f'echo "$0 $*" >> "{marker}"; exit 1'))
    for name in HOOKS:
        script(project.root / ("evil-hooks" if by_path else ".git/hooks") / name, f'echo {name} >> "{marker}"')
    if by_path:
        project.git("config", "core.hooksPath", "evil-hooks")
    (project.root / ".git/info/attributes").write_text("* filter=evil\n")
    project.git("config", "extensions.worktreeConfig", "true")
    project.git("config", "--worktree", "gpg.ssh.program", evil)
    for key in (
        *("alias.commit-tree", "core.editor", "core.fsmonitor", "core.gitProxy", "core.pager", "core.sshCommand"),
        *("core.askPass", "credential.helper", "diff.evil.command", "diff.evil.textconv", "diff.external"),
        *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "gpg.program", "gpg.x509.program"),
        *("gpg.openpgp.program", "gpg.ssh.defaultKeyCommand", "merge.evil.driver", "pager.log", "pager.worktree"),
        *("sequence.editor", "trailer.evil.command", "uploadpack.packObjectsHook"),
    ):
        project.git("config", key, f"!{evil}" if key.startswith("alias.") else evil)
    project.git("config", "trailer.evil.key", "Evil")
    project.git("config", "log.showSignature", "true")
    project.git("config", "gpg.ssh.allowedSignersFile", evil)
    before = state(project)
    key = tmp_path / "key"
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key), check=True)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f"[user]\nname = T\nemail = t@example.invalid\nsigningKey = {key}\n"
        "[gpg]\nformat = ssh\n[commit]\ngpgSign = true\n[core]\nautocrlf = false\n"
    )
    first = ssot_fix(project, "branch", "--yes", extra={"HOME": str(home)})
    assert b"gpgsig -----BEGIN SSH SIGNATURE" in raw(project, "cat-file", "commit", ALL)
    again = ssot_fix(project, "branch", "--yes", extra={"HOME": str(home)})  # looks at the signed commits
    assert (b"created" in first.stderr, b"unchanged" in again.stderr) == (True, True)
    assert not marker.exists(), marker.read_text()
    assert state(project) == before
    # The traps work: git itself walks into them.
    subprocess.run(
        ("git", "-C", project.root, "update-ref", "refs/heads/trap", "main"), env=project.environment, check=True
    )
    assert "reference-transaction" in marker.read_text()
    # What it is to write to the program may find nobody any more, so how it ends is not asked.
    subprocess.run(("git", "-C", project.root, "log", ALL), env=project.environment, capture_output=True, check=False)
    assert f"{evil} " in marker.read_text()


@posix_only
def test_what_a_partial_clone_lacks_is_not_fetched_by_a_program_of_its_settings(repository, ssot_fix, tmp_path):
    project = repository({"app.py": READS, "lost.py": "import os\nLOST = os.getenv('LOST')\n"})
    marker = tmp_path / "was run"
    evil = script(tmp_path / "evil", f'echo "$*" >> "{marker}"; exit 1')
    for key, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "evil"),
        ("remote.evil.promisor", "true"),
        ("remote.evil.url", f"ext::{evil} %S"),
        ("remote.evil.uploadpack", str(evil)),
        ("protocol.ext.allow", "always"),
        ("protocol.allow", "always"),
    ):
        project.git("config", key, value)
    blob = ask(project, "rev-parse", "main:lost.py")
    lost = project.root / ".git/objects" / blob[:2] / blob[2:]
    lost.chmod(0o600)
    lost.unlink()
    done = ssot_fix(project, "branch", "--yes", expect=2)
    assert not marker.exists(), marker.read_text()
    assert b"lost.py is not in this partial clone" in done.stderr
    assert tip(project) is None


def test_a_hook_that_calls_us_leads_nowhere_else(repository, ssot_fix, tmp_path, command_environment):
    project = repository({"app.py": READS})
    shutil.copytree(project.root, tmp_path / "other")
    other = Repository(tmp_path / "other", command_environment)
    before = state(project), state(other)
    git = other.root / ".git"
    led = {
        "GIT_DIR": str(git),
        "GIT_WORK_TREE": str(other.root),
        "GIT_INDEX_FILE": str(git / "index"),
        "GIT_OBJECT_DIRECTORY": str(tmp_path / "no objects"),
        "GIT_COMMON_DIR": str(git),
        "GIT_PREFIX": "shared/",
        "GIT_NAMESPACE": "elsewhere",
    }
    ssot_fix(project, "branch", "--yes", "-q", extra=led)
    assert (state(project), state(other)) == before
    assert text(project, "app.py") == READ
    assert tip(other) is None


# What the branch holds


@pytest.fixture
def platform(tmp_path, command_environment) -> Repository:
    """A platform with sites for every codemod."""
    root = tmp_path / "platform"
    shutil.copytree(FIXTURES / "legacy_platform", root, ignore=shutil.ignore_patterns("__pycache__"))
    made = Repository(root, command_environment)
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit()
    return made


CODEMODS = ("isolated-environment", "stale-imports", "utf8-streams", "utf8-files")


def test_a_branch_is_what_a_checkout_and_write_would_come_to(platform, ssot_fix, tmp_path):
    done = ssot_fix(platform, "branch", "--yes")
    assert ssot_fix(platform, "--dry-run").stdout == done.stdout
    commits = ask(platform, "rev-list", "--reverse", f"main..{ALL}").splitlines()
    assert len(commits) == len(CODEMODS)
    parents = ask(platform, "log", "--reverse", "--format=%P", f"main..{ALL}").splitlines()
    assert parents == [ask(platform, "rev-parse", "main"), *commits[:-1]]
    written = Repository(tmp_path / "written", platform.environment)
    platform.git("worktree", "add", "--quiet", "--detach", str(written.root), "main")
    for count, commit in enumerate(commits, start=1):
        chosen = [part for name in CODEMODS[:count] for part in ("--codemod", name)]
        ssot_fix(written, "--write", "-q", *(chosen if count < len(CODEMODS) else ()))
        written.git("add", "--all", "--force")
        assert ask(written, "write-tree") == ask(platform, "rev-parse", f"{commit}^{{tree}}"), CODEMODS[count - 1]
        written.git("reset", "--quiet", "--hard")
    report = json.loads(ssot_fix(platform, "--format", "json").stdout)
    for name, commit in zip(CODEMODS, commits, strict=True):
        holds_to_what_was_done(platform, commit, name, report)


def holds_to_what_was_done(platform: Repository, commit: str, codemod: str, report: dict) -> None:
    """The message of a commit: true counts, trailers that git reads, lines that fit."""
    message = raw(platform, "show", "--no-patch", "--format=%B", commit)
    counts = report["summary"]["by_codemod"][codemod]
    files = {f["path"] for f in report["findings"] if (f["codemod"], f["status"]) == (codemod, "rewritten")}
    lines = message.decode().splitlines()
    assert lines[0] == f"{codemod}: {counts['rewritten']} sites in {len(files)} files"
    assert lines[1] == ""
    assert f"{counts['rewritten']} rewritten, {counts['suppressed']} suppressed, {counts['refused']} refused." in lines
    reasons = [line.split()[:2] for line in lines if line.startswith("  ") and not line.startswith("   ")]
    assert sum(int(count) for count, _ in reasons) == counts["refused"]
    assert all(len(line) <= 72 for line in lines if not line.startswith("Ssot-Fix-"))
    read = raw(platform, "interpret-trailers", "--parse", input=message).decode().splitlines()
    trailers = dict(line.split(": ") for line in read)
    assert tuple(trailers) == OURS
    assert trailers["Ssot-Fix-Codemod"] == codemod
    assert trailers["Ssot-Fix-Base"] == ask(platform, "rev-parse", "main")


def test_chosen_codemods_and_unsafe_fixes(repository, ssot_fix):
    text_file = "def read(path):\n    with open(path) as file:\n        return file.read()\n"
    project = repository({"app.py": READS + text_file, "tests/test_app.py": READS, "tests/__init__.py": ""})
    ssot_fix(project, "branch", "--yes", "-q", "--codemod", "utf8-files", "--codemod", "isolated-environment")
    name = "ssot-fix/utf8-files+isolated-environment"
    subjects = ask(project, "log", "--reverse", "--format=%s", f"main..{name}").splitlines()
    assert subjects == ["utf8-files: 1 site in 1 file", "isolated-environment: 1 site in 1 file"]
    done = ssot_fix(project, "branch", "--yes", "--unsafe-fixes", "--include-tests")
    assert changed_paths(project) == ["app.py", "tests/test_app.py"]
    assert done.stdout == ssot_fix(project, "--unsafe-fixes", "--include-tests").stdout


# A branch that is there already


def head_of(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """The lines about branches: what is said of them."""
    lines = done.stderr.decode().splitlines()
    return [line for line in lines if line.startswith("ssot-fix: ") and "note: " not in line]


def test_run_after_run(repository, ssot_fix):
    """The same plan, a base that moved, a plan that changed, a base that holds the branch, nothing left."""
    project = repository({"app.py": READS})
    run = ("branch", "--yes", "-q")
    created = ssot_fix(project, *run)
    first = tip(project)
    assert head_of(created) == [f"ssot-fix: {ALL} created at {first[:10]}: 1 file, 1 site"]
    before = state(project), raw(project, "reflog", "show", ALL)
    assert head_of(ssot_fix(project, *run)) == [f"ssot-fix: {ALL} unchanged at {first[:10]}: 1 file, 1 site"]
    assert ((state(project), raw(project, "reflog", "show", ALL)), tip(project)) == (before, first)

    moved = add_commit(project, {"notes.txt": "x\n"})
    assert head_of(ssot_fix(project, *run)) == [f"ssot-fix: {ALL} moved at {tip(project)[:10]}: 1 file, 1 site"]
    assert ask(project, "rev-parse", f"{ALL}^") == moved
    assert b"unchanged" in ssot_fix(project, *run).stderr

    add_commit(project, {"second.py": READS})
    assert b" moved at" in ssot_fix(project, *run).stderr
    assert changed_paths(project) == ["app.py", "second.py"]

    project.git("merge", "--quiet", "--ff-only", ALL)
    add_commit(project, {"third.py": READS})
    assert b" moved at" in ssot_fix(project, *run).stderr  # what stands there is reached from the base
    assert changed_paths(project) == ["third.py"]

    project.git("merge", "--quiet", "--ff-only", ALL)
    stood = tip(project)
    done = ssot_fix(project, "branch", "--yes")
    assert done.stdout == b""
    assert tip(project) == stood
    assert b"there is nothing to do, so no branch was made" in done.stderr


def test_nothing_to_do(repository, ssot_fix):
    project = repository({"app.py": "X = 1\n"})
    before = state(project)
    done = ssot_fix(project, "branch")  # nothing to ask about
    assert b"there is nothing to do, so no branch was made" in done.stderr
    found = json.loads(ssot_fix(project, "branch", "--format", "json").stdout)
    assert found["branches"] == []
    assert (state(project), tip(project)) == (before, None)


def person(project: Repository, *arguments: str) -> None:
    project.git("-c", "user.name=Eve \x1b[31mred", "-c", "user.email=eve@example.invalid", *arguments)


def on_top(project: Repository) -> None:
    project.write({"app.py": READ + "\n# by hand\n"})
    person(project, "commit", "--quiet", "--all", "--message", "by\x1b[2J hand")


def amended(project: Repository) -> None:
    project.write({"app.py": READ + "\n# by hand\n"})
    person(project, "commit", "--quiet", "--all", "--amend", "--no-edit")


def message_amended(project: Repository) -> None:
    person(project, "commit", "--quiet", "--amend", "--message", "something else altogether")


def merged_into(project: Repository) -> None:
    project.git("switch", "--quiet", "-c", "side", "main")
    add_commit(project, {"side.txt": "x\n"})
    project.git("switch", "--quiet", ALL)
    person(project, "merge", "--quiet", "--no-ff", "--no-edit", "side")


def rebased_on_a_feature(project: Repository) -> None:
    project.git("switch", "--quiet", "-c", "feature", "main")
    project.write({"feature.txt": "x\n"})
    project.git("add", "feature.txt")
    person(project, "commit", "--quiet", "--message", "a feature")
    project.git("switch", "--quiet", ALL)
    person(project, "rebase", "--quiet", "feature")


def another_branch(project: Repository) -> None:
    project.git("switch", "--quiet", "--orphan", "lonely")
    project.write({"lonely.txt": "x\n"})
    project.git("add", "lonely.txt")
    person(project, "commit", "--quiet", "--message", "on its own")
    project.git("branch", "--force", ALL)


@posix_only
def test_what_a_person_did_is_left(repository, ssot_fix):
    project = repository({"app.py": READS})
    ssot_fix(project, "branch", "--yes", "-q")
    ours = tip(project)
    project.git("switch", "--quiet", "-c", "later")
    add_commit(project, {"later.py": READS})
    for does, subject, author in (
        (on_top, "by^[[2J hand", "Eve ^[[31mred"),
        (amended, "isolated-environment: 1 site in 1 file", "Test"),
        (message_amended, "something else altogether", "Test"),
        (merged_into, "Merge branch 'side' into ssot-fix/all", "Eve ^[[31mred"),
        (rebased_on_a_feature, "isolated-environment: 1 site in 1 file", "Test"),
        (another_branch, "on its own", "Eve ^[[31mred"),
    ):
        project.git("switch", "--quiet", "--force-create", ALL, ours)
        does(project)
        stood = tip(project)
        project.git("switch", "--quiet", "later")
        (told,) = head_of(ssot_fix(project, "branch", "--yes", "-q", expect=2))
        assert told.startswith(f"ssot-fix: {ALL} has commits that are not ours; use --name, or delete the branch: ")
        assert f"{stood[:10]} {subject} ({author} <" in told, does
        assert "\x1b" not in told
        assert tip(project) == stood
    found = json.loads(ssot_fix(project, "branch", "--yes", "-q", "--format", "json", expect=2).stdout)
    assert [(each["action"], each["commit"]) for each in found["branches"]] == [("left", stood)]


def test_an_old_base_with_nothing_of_its_own(repository, ssot_fix):
    project = repository({"app.py": READS})
    project.git("branch", ALL)
    add_commit(project, {"other.py": READS})
    assert b" moved at" in ssot_fix(project, "branch", "--yes", "-q").stderr
    assert changed_paths(project) == ["app.py", "other.py"]


def test_a_branch_that_is_checked_out(repository, ssot_fix, tmp_path):
    project = repository({"app.py": READS})
    ssot_fix(project, "branch", "--yes", "-q")
    stood = tip(project)
    add_commit(project, {"other.py": READS})
    linked = tmp_path / "linked"
    project.git("worktree", "add", "--quiet", str(linked), ALL)
    (told,) = head_of(ssot_fix(project, "branch", "--yes", "-q", expect=2))
    assert told == f"ssot-fix: {ALL} is checked out in {linked}; check out another branch there, or use --name"
    project.git("worktree", "remove", str(linked))
    project.git("switch", "--quiet", ALL)
    before = state(project)
    done = ssot_fix(project, "branch", "--yes", "-q", "--base", "main", expect=2)
    assert f"{ALL} is checked out in {project.root};".encode() in done.stderr
    assert (state(project), tip(project)) == (before, stood)


def test_a_name_that_stands_for_another_branch(repository, ssot_fix):
    project = repository({"app.py": READS})
    project.git("branch", "release")
    add_commit(project, {"other.py": "X = 1\n"})
    project.git("symbolic-ref", f"refs/heads/{ALL}", "refs/heads/release")
    before = ask(project, "rev-parse", "main", "release")
    ssot_fix(project, "branch", "--yes", "-q")
    assert ask(project, "rev-parse", "main", "release") == before
    assert changed_paths(project) == ["app.py"]


def test_names_that_can_not_be(repository, ssot_fix):
    project = repository({"app.py": READS})
    project.git("branch", "ssot-fix")
    project.git("branch", "taken/below")
    before = state(project)
    done = ssot_fix(project, "branch", "--yes", "-q", expect=2)
    assert b"there can't be a branch ssot-fix/all beside ssot-fix; rename that, or use --name" in done.stderr
    done = ssot_fix(project, "branch", "--yes", "--split", "codemod", expect=2)
    assert b"--name" in done.stderr
    assert (
        b"a branch taken beside taken/below;"
        in ssot_fix(project, "branch", "--yes", "-q", "--name", "taken", expect=2).stderr
    )
    for name in ("-dash", "@{-1}"):
        done = ssot_fix(project, "branch", "--yes", "-q", f"--name={name}", expect=2)
        assert f"`{name}` can't be the name of a branch".encode() in done.stderr
    assert (state(project), tip(project)) == (before, None)


# Asking, telling


@posix_only
def answered(project: Repository, answer: bytes, *arguments: str) -> tuple[int, bytes, bytes]:
    """Run the command with a terminal on stdin that says `answer`: the exit code, stdout and stderr."""
    import pty

    ours, theirs = pty.openpty()
    os.write(ours, answer)
    try:
        done = subprocess.run(
            (*COMMAND, "branch", *arguments),
            cwd=project.root,
            env=project.environment,
            stdin=theirs,
            capture_output=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return done.returncode, done.stdout, done.stderr


@posix_only
def test_it_asks_first(repository, ssot_fix):
    project = repository({"app.py": READS})
    before = state(project)
    diff = ssot_fix(project).stdout
    done = ssot_fix(project, "branch", expect=2, stdin=subprocess.DEVNULL)
    assert done.stdout == diff
    assert b"nothing was done: there is no terminal to ask on; --yes says that it is meant" in done.stderr
    for answer in (b"n\n", b"\x04"):
        code, out, said = answered(project, answer)
        assert (code, out) == (2, diff)
        assert b"ssot-fix: make ssot-fix/all? [y/N]" in said
        assert (state(project), tip(project)) == (before, None)
    code, out, said = answered(project, b"y\n", "-q")
    assert (code, out) == (0, b"")
    assert tip(project) is not None


def test_json_keeps_its_contract(repository, ssot_fix, tmp_path):
    project = repository({"app.py": READS, "other.py": "import os\nA = os.environ['A']\n"})
    file = tmp_path / "report.json"
    done = ssot_fix(project, "branch", "--yes", "--format", "json", "--output", file, "--verify", "true")
    assert done.stdout == b""
    found = json.loads(file.read_text())
    (branch,) = found.pop("branches")
    verified = branch.pop("verify")
    assert found == {"version": 1, "base": ask(project, "rev-parse", "main"), "notes": []}
    assert branch == {
        "branch": ALL,
        "action": "created",
        "commit": tip(project),
        "plan": ask(project, "log", "-1", "--format=%(trailers:key=Ssot-Fix-Plan,valueonly)", ALL),
        "codemods": ["isolated-environment"],
        "files": 1,
        "left_out": 0,
        "rewritten": 1,
        "suppressed": 0,
        "refused": 7,
        "why": None,
    }
    assert [(each["command"], each["before"]["code"], each["after"]["code"]) for each in verified] == [("true", 0, 0)]


def test_colours_by_option(repository, ssot_fix):
    project = repository({"app.py": READS})
    done = ssot_fix(project, "branch", "--color", "always", "--yes")
    assert b"\x1b[" in done.stdout
    assert b"get_env()" in done.stdout


# Who makes the commits


def test_who_made_it(repository, ssot_fix, tmp_path):
    project = repository({"app.py": READS})
    nobody = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    done = ssot_fix(project, "branch", "--yes", "-q", expect=2, extra=nobody)
    assert b"git does not know who makes the commit; give --author 'Name <mail>', or run: " in done.stderr
    for bad in ("", "Bot <a b>", "A\nB <a@b>"):
        done = ssot_fix(project, "branch", "--yes", "-q", f"--author={bad}", expect=2, extra=nobody)
        assert b"an author is written 'Name <mail>', not " in done.stderr
    assert tip(project) is None
    form = "--format=%an <%ae> %cn <%ce>"
    ssot_fix(project, "branch", "--yes", "-q", "--author", "Bötchen [x] <bot@example.invalid>", extra=nobody)
    one = "Bötchen [x] <bot@example.invalid>"
    assert ask(project, "log", "-1", form, ALL) == f"{one} {one}"
    ssot_fix(project, "branch", "--yes", "-q", "--author", one, "--name", "two")
    assert ask(project, "log", "-1", form, "two") == f"{one} Test <test@example.invalid>"


@posix_only
def test_signed_and_not_signed(repository, ssot_fix, tmp_path):
    project = repository({"app.py": READS})
    key = tmp_path / "key"
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key), check=True)
    (tmp_path / "signers").write_text(f"test@example.invalid {key.with_suffix('.pub').read_text()}")
    settings = (
        "[user]\nname = Test\nemail = test@example.invalid\nsigningKey = {key}\n[commit]\ngpgSign = true\n"
        f'[gpg]\nformat = ssh\n[gpg "ssh"]\nallowedSignersFile = {tmp_path}/signers\n'
    )
    config = tmp_path / ".gitconfig"
    config.write_text(settings.format(key=tmp_path / "no key"))
    done = ssot_fix(project, "branch", "--yes", "-q", expect=2, extra={"HOME": str(tmp_path)})
    wanted = b"the commit could not be signed, as commit.gpgSign wants it: git commit-tree failed: "
    assert wanted in done.stderr
    assert tip(project) is None
    config.write_text(settings.format(key=key))
    ssot_fix(project, "branch", "--yes", "-q", extra={"HOME": str(tmp_path)})
    signed = Repository(project.root, {**project.environment, "HOME": str(tmp_path)})
    signed.git("verify-commit", ALL)
    assert b"unchanged" in ssot_fix(project, "branch", "--yes", "-q", extra={"HOME": str(tmp_path)}).stderr


# What goes wrong


def killed_at(where: str, moment: str, folder: Path) -> dict[str, str]:
    """Variables with which git kills who started it, before or after it does what its arguments hold."""
    kill = "kill -9 $PPID; exit 1"
    lines = f'case " $* " in *" {where} "*) {{}} ;; esac'
    done = f'case " $* " in *" {where} "*) "{shutil.which("git")}" "$@"; {kill} ;; esac'
    script(
        folder / "git", (lines.format(kill) if moment == "before" else done) + f'; exec "{shutil.which("git")}" "$@"'
    )
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


@posix_only
@pytest.mark.parametrize(
    ("where", "moment"),
    [
        ("hash-object", "before"),
        ("commit-tree", "after"),
        ("update-ref", "before"),
        ("update-ref", "after"),
    ],
)
def test_killed_and_run_again(where, moment, repository, command_environment, ssot_fix, tmp_path):
    """The branch stands at the old or at the new commit; the next run finishes what was begun."""
    project = repository({"app.py": READS})
    project.git("branch", ALL)
    old = tip(project)
    before = state(project)
    killed = command_environment | killed_at(where, moment, tmp_path / "killing")
    command = (*COMMAND, "branch", "--yes", "-q", "--format", "json")
    done = subprocess.run(command, cwd=project.root, env=killed, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")
    stands = tip(project)
    assert (stands != old) == ((where, moment) == ("update-ref", "after"))
    assert state(project) == before
    action = json.loads(ssot_fix(project, "branch", "--yes", "-q", "--format", "json").stdout)["branches"][0]["action"]
    assert action == ("moved" if stands == old else "unchanged")
    assert text(project, "app.py") == READ
    project.git("fsck", "--strict")


@posix_only
def test_a_file_that_kills_its_worker(repository, ssot_fix, hostile):
    files = many(26, 90_000)
    project = repository(files)
    codemods = ("--codemod", "isolated-environment", "--codemod", "hostile")
    options = ("branch", "--yes", "-q", "--jobs", "2", "--format", "json", "--name", ALL, *codemods)
    done = ssot_fix(project, *options, expect=2, extra=hostile("kill:m007.py"))
    assert changed_paths(project) == sorted(set(files) - {"m007.py"})
    assert done.stderr.count(b"error: ") == 1
    assert b"error: m007.py: the process that" in done.stderr
    (branch,) = json.loads(done.stdout)["branches"]
    assert (branch["action"], branch["files"]) == ("created", 25)


@posix_only
def test_ctrl_c(repository, hostile, command_environment, temporary, tmp_path):
    files = many(26, 90_000)
    project = repository(files)
    before = state(project)
    process = subprocess.Popen(
        (*COMMAND, "branch", "--yes", "--jobs", "2"),
        cwd=project.root,
        env=command_environment | hostile("sleep:m003.py") | temporary,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        while not (tmp_path / "started").exists() and process.poll() is None:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        out, said = process.communicate(timeout=20)
    finally:
        with contextlib.suppress(ProcessLookupError):  # its own group, and nobody else's
            os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, out) == (2, b"")
    assert b"interrupted" in said
    assert b"Traceback" not in said
    assert (state(project), tip(project), leftovers(temporary)) == (before, None, [])


def test_somebody_else_was_quicker(repository, command_environment, tmp_path):
    """The branch is set only if it still stands where it was found."""
    project = repository({"app.py": READS})
    git = shutil.which("git")
    meanwhile = (
        f'case " $* " in *" update-ref "*) "{git}" update-ref "refs/heads/{ALL}" main ;; esac; exec "{git}" "$@"'
    )
    script(tmp_path / "quick/git", meanwhile)
    environment = command_environment | {"PATH": f"{tmp_path}/quick{os.pathsep}{os.environ['PATH']}"}
    command = (*COMMAND, "branch", "--yes", "-q")
    done = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, check=False, timeout=60)
    assert done.returncode == 2
    assert b"reference already exists" in done.stderr
    assert tip(project) == ask(project, "rev-parse", "main")


def test_a_damaged_object(repository, ssot_fix):
    project = repository({"app.py": READS, "other.py": READS + "\n"})
    blob = ask(project, "rev-parse", "main:other.py")
    file = project.root / ".git/objects" / blob[:2] / blob[2:]
    file.chmod(0o600)
    file.write_bytes(b"no object")
    done = ssot_fix(project, "branch", "--yes", expect=2)
    assert f"the object {blob} can't be read; `git fsck` says what is wrong".encode() in done.stderr
    assert tip(project) is None


@posix_only
def test_a_disk_without_room(repository, command_environment, temporary):
    """Half a file is not taken for the whole."""
    import resource  # not on Windows

    project = repository({"big.py": READS + "# text\n" * 2_000, "small.py": READS})
    done = subprocess.run(
        (*COMMAND, "branch", "--yes"),
        cwd=project.root,
        env=command_environment | temporary,
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, 4_096)),
    )
    assert done.returncode == 2
    assert b"big.py can't be copied to " in done.stderr
    assert b": File too large" in done.stderr
    assert (done.stdout, tip(project), leftovers(temporary)) == (b"", None, [])
