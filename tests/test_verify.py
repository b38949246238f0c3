"""`ssot-fix branch --verify`: the user's commands before and after, what they may do, and what is left of them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import COMMAND, Repository

READS = "import os\n\nHOST = os.getenv('HOST')\n"
READ = "from shared.isolated_environment import get_env\n\nHOST = get_env().get('HOST')\n"
ALL = "ssot-fix/all"
# Files of the repository, with which commands tell the base from the branch.
HAS_CHANGED = "grep -q get_env app.py"

posix_only = pytest.mark.skipif(os.name != "posix", reason="commands for a POSIX shell")
pytestmark = posix_only


def verified(
    ssot_fix, project: Repository, *commands: str, expect: int = 0, seconds: int = 600, **more
) -> dict[str, object]:
    """The report on the one branch."""
    limit = ("--verify-timeout", seconds)
    options = [part for command in commands for part in ("--verify", command)]
    done = ssot_fix(project, "branch", "--yes", "-q", "--format", "json", *limit, *options, expect=expect, **more)
    (branch,) = json.loads(done.stdout)["branches"]
    return branch


def codes(branch: dict[str, object]) -> list[tuple[int | None, int | None]]:
    return [(each["before"]["code"], each["after"]["code"]) for each in branch["verify"]]


def tip(project: Repository) -> str:
    return project.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{ALL}").strip()


def worktrees(project: Repository) -> tuple[int, list[Path]]:
    listed = project.git("worktree", "list", "--porcelain")
    return listed.count("worktree "), sorted((project.root / ".git").glob("worktrees/*"))


def is_gone(pid: int) -> bool:
    """Whether a process has ended; the machine may need a moment to bury it."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_a_command_that_fails_after_stops_the_branch(repository, ssot_fix, temporary):
    project = repository({"app.py": READS})
    before = worktrees(project)
    broken = verified(ssot_fix, project, "true", f"! {HAS_CHANGED}", expect=2, extra=temporary)
    assert codes(broken) == [(0, 0), (0, 1)]
    assert (broken["action"], broken["commit"]) == ("broken", None)
    assert broken["why"] == f"`! {HAS_CHANGED}` passes on the base and fails with the change; {ALL} was not set"
    assert tip(project) == ""
    commands = (HAS_CHANGED, "false", "exit 7", "kill -9 $$", 'rm -rf "$PWD"', "true")
    fine = verified(ssot_fix, project, *commands, extra=temporary)
    assert codes(fine) == [(1, 0), (1, 1), (7, 7), (-9, -9), (0, 0), (127, 127)]
    assert fine["action"] == "created"
    stood = tip(project)
    project.write({"more.py": READS})
    project.commit()
    assert verified(ssot_fix, project, f"! {HAS_CHANGED}", expect=2)["action"] == "broken"
    assert tip(project) == stood
    assert worktrees(project) == before
    assert list(Path(temporary["TMPDIR"]).iterdir()) == []


def test_what_is_said_of_commands(repository, ssot_fix):
    project = repository({"app.py": READS})
    loud = f"! {HAS_CHANGED} || (echo one; printf 'two\\033[2J\\n' >&2; exit 3)"
    done = ssot_fix(project, "branch", "--yes", "-q", "--verify", loud, "--verify", "true", expect=2)
    said = re.sub(r"\d+\.\d s", "X s", done.stderr.decode()).splitlines()
    assert said == [
        f"ssot-fix: `{loud}` passes on the base and fails with the change; {ALL} was not set",
        f"ssot-fix: `{loud}` passed (X s) before, failed with 3 (X s) after",
        "ssot-fix:   | one",
        "ssot-fix:   | two^[[2J",
        "ssot-fix: `true` passed (X s) before, passed (X s) after",
    ]


def test_commands_of_the_base_commit(repository, ssot_fix, tmp_path):
    marker = tmp_path / "ran"
    settings = '[[tool.ssot-fix.verify]]\nrun = "{}"\ntimeout = 5\n'
    project = repository({"app.py": READS, "pyproject.toml": settings.format(f"pwd >> {marker}; {HAS_CHANGED}")})
    project.write({"pyproject.toml": settings.format("exit 99")})
    assert codes(verified(ssot_fix, project, "true")) == [(1, 0), (0, 0)]
    folders = marker.read_text().splitlines()
    assert len(set(folders)) == 2
    assert not any(Path(folder).exists() for folder in folders)
    assert project.changed() == ["pyproject.toml"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('run = ""\n', "pyproject.toml:2: "),
        ('run = "true"\ntimeout = 0\n', "pyproject.toml:"),
        ('run = "true"\ntimeout = "5"\n', "pyproject.toml:4: `timeout`"),
        ('run = ["true"]\n', "pyproject.toml:3: `run`"),
        ('command = "true"\n', "pyproject.toml:3: unknown key `command`"),
    ],
)
def test_commands_that_can_not_be(lines, said, repository, ssot_fix):
    project = repository({"app.py": READS, "pyproject.toml": f"[tool.other]\n[[tool.ssot-fix.verify]]\n{lines}"})
    done = ssot_fix(project, "branch", "--yes", expect=2)
    assert said in done.stderr.decode()
    assert (done.stdout, tip(project)) == (b"", "")


def test_an_empty_command(repository, ssot_fix):
    project = repository({"app.py": READS})
    assert b"--verify is empty" in ssot_fix(project, "branch", "--yes", "--verify", " ", expect=2).stderr


def test_out_of_time(repository, ssot_fix, tmp_path, temporary):
    """A command that takes too long ends, and with it what it started; it counts as a failure."""
    project = repository({"app.py": READS})
    pids = tmp_path / "pids"
    slow = (
        f"{HAS_CHANGED} || exit 0; trap '' TERM; (sleep 100 & echo $! >> {pids}; wait) & echo $$ >> {pids}; sleep 100"
    )
    before = worktrees(project)
    branch = verified(ssot_fix, project, slow, seconds=1, expect=2, extra=temporary)
    assert codes(branch)[0] == (0, None)
    assert 1 <= branch["verify"][0]["after"]["seconds"] < 20
    assert all(is_gone(int(pid)) for pid in pids.read_text().split())
    assert (tip(project), worktrees(project)) == ("", before)
    assert list(Path(temporary["TMPDIR"]).iterdir()) == []


def test_commands_without_manners(repository, ssot_fix, tmp_path, temporary):
    project = repository({"app.py": READS})
    pids = tmp_path / "pids"
    before = worktrees(project)
    branch = verified(
        ssot_fix,
        project,
        f"sleep 100 & echo $! >> {pids}",  # leaves a process that holds its output open
        "head -c 20000000 /dev/zero; printf '\\377\\033[2J'; echo x >&2",
        "cat",  # there is nobody to ask
        "touch new; echo '# mine' >> app.py; git add new; git -c user.name=x -c user.email=x@x commit -qam mine",
        'rm -rf .git; mkdir -p locked/in; chmod 0 locked; cd ..; rm -rf "$OLDPWD"/*.py',
        extra=temporary,
    )
    assert codes(branch)[:4] == [(0, 0)] * 4
    assert all(is_gone(int(pid)) for pid in pids.read_text().split())
    assert project.git("show", f"{ALL}:app.py") == READ
    assert project.git("show", "main:app.py") == READS == project.read("app.py")
    assert worktrees(project) == before
    assert list(Path(temporary["TMPDIR"]).iterdir()) == []


def test_what_commands_see(repository, ssot_fix, tmp_path):
    """Their own surroundings, as without us, but no token and nothing that points git elsewhere."""
    project = repository({"app.py": READS, "test_app.py": "import app\n"})
    out = tmp_path / "seen"
    extra = {
        "GITHUB_TOKEN": "secret",
        "GH_TOKEN": "secret",
        "MINE": "kept",
        "PYTHONPATH": "lib:.",
        "GIT_DIR": str(tmp_path),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
    }
    python = f"{sys.executable} -c 'import test_app'"  # `python -m pytest` counts on the folder, too
    branch = verified(ssot_fix, project, f"env > {out}; git rev-parse --show-toplevel >> {out}", python, extra=extra)
    assert codes(branch) == [(0, 0), (0, 0)]
    seen = out.read_text().splitlines()
    names = dict(line.partition("=")[::2] for line in seen)
    assert (names["MINE"], names["PYTHONPATH"]) == ("kept", "lib:.")
    assert not {"GITHUB_TOKEN", "GH_TOKEN", "PYTHONSAFEPATH", "GIT_DIR", "GIT_INDEX_FILE"} & names.keys()
    assert names["PWD"] == seen[-1]
    assert "secret" not in out.read_text()


def test_ctrl_c_while_a_command_runs(repository, command_environment, tmp_path, temporary):
    project = repository({"app.py": READS})
    before = worktrees(project)
    pids = tmp_path / "pids"
    process = subprocess.Popen(
        (
            *COMMAND,
            "branch",
            "--yes",
            "-q",
            "--verify",
            f"sleep 100 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait",
        ),
        cwd=project.root,
        env=command_environment | temporary,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        while not pids.exists() and process.poll() is None:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 2
    assert b"interrupted" in said
    assert b"Traceback" not in said
    assert all(is_gone(int(pid)) for pid in pids.read_text().split())
    assert (tip(project), worktrees(project)) == ("", before)
    assert list(Path(temporary["TMPDIR"]).iterdir()) == []
