"""The command as users run it: a process, in a git repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import COMMAND

from codemods.isolated_environment.reasons import REASONS
from ssot_fix.reasons import SHARED

READS = "import os\n\nHOST = os.getenv('HOST')\n"
READ = "from shared.isolated_environment import get_env\n\nHOST = get_env().get('HOST')\n"
WRITES = "import os\n\nos.environ['MODE'] = 'fast'\n"
RAISES = "import os\n\nHOST = os.environ['HOST']\n"
ANSI = re.compile(rb"\x1b\[")

posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX only")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes for a name")


def report(done: subprocess.CompletedProcess[bytes]) -> dict:
    return json.loads(done.stdout)


def statuses(done: subprocess.CompletedProcess[bytes]) -> dict[str, str]:
    return {file["path"]: file["status"] for file in report(done)["files"]}


# What it does


def test_a_dry_run_prints_a_diff_that_git_applies(repository, ssot_fix):
    project = repository(
        {"app.py": READS, "pkg/a.py": WRITES, "pkg/__init__.py": READS.rstrip(), "other.py": "x = 1\n"}
    )
    for arguments in ((), ("--dry-run",), ("run",), ("run", "--dry-run", "--unsafe-fixes")):
        done = ssot_fix(project, *arguments)
        assert project.changed() == []
        assert done.stdout.startswith(b"--- a/app.py\n+++ b/app.py\n@@ ")
        project.git("apply", "-p1", "--check", "-", input=done.stdout)
        assert b"isolated-environment" in done.stderr
        assert b"would change" in done.stderr
    project.git("apply", "-p1", "-", input=done.stdout)
    assert project.read("app.py") == READ
    assert project.read("pkg/a.py").endswith("get_env().set('MODE', 'fast', \"pkg.a\")\n")
    assert not project.read("pkg/__init__.py").endswith("\n")
    assert ssot_fix(project, "--unsafe-fixes").stdout == b""


def test_writing_gives_what_the_diff_says_and_is_done_once(repository, ssot_fix):
    project = repository(
        {"app.py": READS, "bin/tool.py": f"#!/usr/bin/env python3\nfrom shared import masking\n{READS}"}
    )
    tool = project.root / "bin/tool.py"
    tool.chmod(0o755)
    project.commit()
    diff = ssot_fix(project).stdout
    done = ssot_fix(project, "--write")
    assert done.stdout == b""
    assert b"2 changed" in done.stderr
    assert os.name != "posix" or tool.stat().st_mode & 0o777 == 0o755
    project.git("apply", "-p1", "--check", "--reverse", "-", input=diff)
    assert sorted(project.changed()) == ["app.py", "bin/tool.py"]
    project.commit()
    ssot_fix(project, "--write")
    assert project.changed() == []


def test_nothing_to_do(repository, ssot_fix):
    project = repository({"app.py": "print(1)\n"})
    for arguments in ((), ("--write",), ("--check",), ("--check", "--strict")):
        done = ssot_fix(project, "app.py", *arguments)
        assert done.stdout == b""
        assert done.stderr.startswith(b"Nothing to migrate: ")


def test_checking(repository, ssot_fix):
    project = repository({"app.py": READS})
    assert ssot_fix(project, "--check", expect=1).stdout == b""
    assert project.changed() == []
    project.write({"app.py": f"{RAISES}print(os.environ)  # ssot-fix: ignore\n"})
    ssot_fix(project, "app.py", "--check")
    ssot_fix(project, "app.py", "--check", "--strict", expect=1)
    project.write({"app.py": f"{RAISES.strip()}  # ssot-fix: ignore[isolated-environment] must raise\n"})
    ssot_fix(project, "app.py", "--check", "--strict")
    project.write({"app.py": RAISES, "b.py": "import os\nos.getenv("})
    ssot_fix(project, "--check")  # a syntax error is a refusal


def test_a_check_says_so_in_json_too(repository, ssot_fix):
    project = repository({"app.py": READS})
    done = ssot_fix(project, "--check", "--format", "json", expect=1)
    assert statuses(done)["app.py"] == "changed"


def test_json_keeps_its_contract(repository, ssot_fix):
    files = {
        "app.py": f"{READS}PORT = os.environ['PORT']\nMODE = os.getenv('MODE')  # ssot-fix: ignore\n",
        "b/broken.py": "import os\nos.getenv(",
        "c.py": "print(1)\n",
        "tests/test_app.py": READS,
    }
    project = repository(files)
    found = report(ssot_fix(project, "--format", "json", "--include-tests"))
    assert list(found) == ["version", "files", "findings", "summary"]
    assert found["version"] == 1
    assert [(file["path"], file["status"]) for file in found["files"]] == [
        ("app.py", "changed"),
        ("b/broken.py", "unchanged"),
        ("shared/isolated_environment.py", "unchanged"),
        ("tests/test_app.py", "unchanged" if found["files"][3]["diff"] is None else "changed"),
    ]
    for file in found["files"]:
        assert list(file) == ["path", "status", "codemods", "diff", "error"]
        assert file["codemods"] == ["isolated-environment"]
        assert (file["diff"] is not None) == (file["status"] == "changed")
        assert file["error"] is None
    assert found["files"][0]["diff"].startswith("--- a/app.py\n+++ b/app.py\n@@ -1,")
    fields = ["codemod", "path", "line", "column", "end_line", "end_column", "kind", "status", "applicability"]
    for finding in found["findings"]:
        assert list(finding) == [*fields, "reason", "message", "replacement", "scope"]
        assert finding["status"] in {"rewritten", "suppressed", "refused"}
        assert finding["applicability"] in {"safe", "unsafe", "manual"}
        assert finding["scope"] == ("test" if finding["path"].startswith("tests/") else "production")
        assert all(isinstance(finding[name], int) for name in fields[2:6])
        assert finding["message"]
    rewritten, refused, suppressed = found["findings"][:3]
    assert list(rewritten.values()) == [
        *("isolated-environment", "app.py", 3, 8, 3, 25, "get", "rewritten", "safe", None),
        *("reads `HOST` from os.environ", "get_env().get('HOST')", "production"),
    ]
    assert (refused["status"], refused["reason"], refused["replacement"]) == ("refused", "raises-differently", None)
    assert (suppressed["status"], suppressed["reason"], suppressed["replacement"]) == ("suppressed", None, None)
    assert [(f["line"], f["column"], f["end_column"]) for f in (refused, suppressed)] == [(4, 8, 26), (5, 8, 25)]
    assert found["findings"][3]["reason"] == "unparseable"
    summary = found["summary"]
    counts = ["matched", "rewritten", "suppressed", "refused"]
    assert list(summary) == ["files_scanned", "files_changed", "files_failed", *counts, "by_codemod", "by_reason"]
    assert summary["files_scanned"] == 7
    assert summary["files_failed"] == 0
    assert summary["matched"] == len(found["findings"]) == sum(summary[name] for name in counts[1:])
    assert summary["by_codemod"] == {"isolated-environment": {name: summary[name] for name in counts}}
    assert sum(summary["by_reason"].values()) == summary["refused"]


def test_json_without_findings(repository, ssot_fix):
    project = repository({"app.py": "print(1)\n"})
    found = report(ssot_fix(project, "app.py", "--format", "json"))
    assert (found["files"], found["findings"]) == ([], [])
    assert found["summary"]["by_codemod"] == {}


def test_the_report_goes_to_a_file(repository, ssot_fix, tmp_path):
    project = repository({"app.py": READS})
    for arguments in ((), ("--format", "json"), ("--color", "always")):
        file = tmp_path / "report"
        done = ssot_fix(project, *arguments, "--output", file)
        assert done.stdout == b""
        assert b"os.getenv" in file.read_bytes()
        assert not ANSI.search(file.read_bytes())
    done = ssot_fix(project, "--output", tmp_path / "no" / "folder", expect=2)
    assert b"No such file or directory" in done.stderr
    ssot_fix(project, "--output", tmp_path, expect=2)


def test_how_much_is_said(repository, ssot_fix):
    project = repository({"app.py": READS, "b.py": RAISES})
    assert ssot_fix(project, "-q").stderr == b""
    usual, verbose = ssot_fix(project).stderr, ssot_fix(project, "-v").stderr
    assert b"raises-differently" in usual
    assert b"b.py:3" not in usual
    assert b"b.py:3:8 isolated-environment raises-differently raises KeyError" in verbose
    stats = ssot_fix(project, "--stats", "-q").stderr
    assert b"stats: of 5 in scope" in stats
    assert b"stats: recall" in stats
    assert b"stats: analyse" in ssot_fix(project, "--stats", "-q", "--no-cache").stderr


def test_the_codemods_are_listed(repository, ssot_fix):
    project = repository({})
    assert ssot_fix(project, "list").stdout.startswith(b"isolated-environment  ")


@pytest.mark.parametrize("subject", ["isolated-environment", *sorted({**REASONS, **SHARED})[::9]])
def test_what_can_be_explained(subject, repository, ssot_fix):
    project = repository({})
    told = ssot_fix(project, "explain", subject).stdout.decode()
    assert ("get_env().get(k, d)" if subject == "isolated-environment" else subject) in told
    assert len(told) > 40


def test_what_can_not_be_explained(repository, ssot_fix):
    project = repository({})
    for subject, hint in (
        ("raises-diferently", "raises-differently"),
        ("isolated-enviroment", "isolated-environment"),
    ):
        said = ssot_fix(project, "explain", subject, expect=2).stderr.decode()
        assert f"did you mean `{hint}`?" in said
    assert b"`ssot-fix list` names" in ssot_fix(project, "explain", "qqqqq", expect=2).stderr


# Which files, which settings


def test_paths_narrow_the_run(repository, ssot_fix, tmp_path):
    project = repository(
        {"a.py": READS, "b/c.py": READS, "b/__init__.py": "", "b/d/e.py": READS, "b/d/__init__.py": ""}
    )
    whole = ["a.py", "b/c.py", "b/d/e.py"]
    for paths, expected in (
        ((), whole),
        (("."), whole),
        (("a.py",), whole[:1]),
        (("b",), whole[1:]),
        (("b/", "a.py"), whole),
        (("b/d", project.root / "b/d/e.py"), whole[2:]),
    ):
        found = statuses(ssot_fix(project, *paths, "--format", "json"))
        assert [path for path in found if found[path] == "changed"] == expected
    inside = project.root / "b" / "d"
    assert list(statuses(ssot_fix(inside, "e.py", "--format", "json"))) == ["b/d/e.py"]
    assert [*statuses(ssot_fix(inside, "--format", "json"))][:3] == whole
    done = ssot_fix(inside, "..")
    assert done.stdout.count(b"--- a/b/") == 2
    project.git("apply", "-p1", "--check", "-", input=done.stdout)


def test_paths_that_are_not_in_the_project(repository, ssot_fix, tmp_path):
    project = repository({"a.py": READS})
    (tmp_path / "outside.py").write_text(READS)
    for path, why in ((tmp_path / "outside.py", "outside the project"), ("..", "outside the project")):
        assert why in ssot_fix(project, path, expect=2).stderr.decode()
    said = ssot_fix(project, "a.py", "nothing.py", "--write", expect=2).stderr.decode()
    assert "nothing.py: No such file or directory" in said
    assert project.changed() == []


def test_test_code_is_left_out(repository, ssot_fix):
    project = repository({"app.py": READS, "tests/conftest.py": READS, "test_app.py": READS, "pkg/test/a.py": READS})
    done = ssot_fix(project)
    assert done.stdout.count(b"--- a/") == 1
    assert b"3 test files left out (--include-tests)" in done.stderr
    done = ssot_fix(project, "--include-tests")
    assert b"--- a/test_app.py" in done.stdout
    assert b"left out" not in done.stderr


def test_settings_from_a_file(repository, ssot_fix, tmp_path):
    project = repository({"app.py": WRITES, "pyproject.toml": "[tool.ssot-fix]\nunsafe-fixes = true\n"})
    assert b"get_env().set" in ssot_fix(project).stdout
    other = tmp_path / "other.toml"
    other.write_text("unsafe-fixes = false\n")
    assert ssot_fix(project, "--config", other).stdout == b""
    project.write({"ssot-fix.toml": "[isolated-environment]\nallow = ['set']\n"})
    assert b"get_env().set" in ssot_fix(project).stdout
    said = ssot_fix(project, "--config", tmp_path / "missing.toml", expect=2).stderr.decode()
    assert "missing.toml" in said


def test_settings_by_path(repository, ssot_fix):
    settings = "exclude = ['old/']\n[[overrides]]\npaths = ['new/']\nunsafe-fixes = true\n"
    settings += "[[overrides]]\npaths = ['new/kept.py']\nisolated-environment.exempt-paths = ['*']\n"
    paths = ("app.py", "new/__init__.py", "new/a.py", "new/kept.py", "old/a.py")
    project = repository({"ssot-fix.toml": settings, **dict.fromkeys(paths, WRITES)})
    found = report(ssot_fix(project, "--format", "json"))
    came_to = {f["path"]: f["reason"] for f in found["findings"] if f["path"] in paths}
    assert came_to == {"app.py": "unsafe", "new/__init__.py": None, "new/a.py": None, "new/kept.py": "exempted"}


def test_suppressions_and_what_is_said_of_them(repository, ssot_fix):
    project = repository({"app.py": READS.rstrip() + "  # ssot-fix: ignore\n\n\n# ssot-fix: ignore[nothing]\n"})
    project.write({"b.py": "import os\nprint(os.environ.keys)\nprint(1)  # ssot-fix: ignore\n"})
    done = ssot_fix(project)
    assert done.stdout == b""
    assert b"app.py: line 6: no codemod is named `nothing`" in done.stderr
    assert b"b.py: line 3: this suppression suppresses nothing; remove it" in done.stderr
    assert b"note" not in ssot_fix(project, "-q").stderr


def test_codemods_by_name(repository, ssot_fix):
    project = repository({"app.py": READS})
    assert ssot_fix(project, "--codemod", "isolated-environment").stdout
    said = ssot_fix(project, "--codemod", "isolated-enviroment", expect=2).stderr.decode()
    assert "did you mean `isolated-environment`?" in said


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--dry-run", "--write"], "exclude each other"),
        (["--write", "--check"], "exclude each other"),
        (["--strict"], "--strict goes with --check"),
        (["--allow-dirty"], "--allow-dirty goes with --write"),
        (["--jobs", "0"], "--jobs"),
        (["--format", "xml"], "--format"),
        (["--color", "sometimes"], "--color"),
        (["--wirte"], "--wirte"),
        (["--config"], "--config"),
    ],
)
def test_wrong_usage(arguments, why, repository, ssot_fix):
    project = repository({"app.py": READS})
    done = ssot_fix(project, *arguments, expect=2)
    assert done.stdout == b""
    assert why in done.stderr.decode()
    assert project.changed() == []


# Writing


def test_work_that_is_not_committed_is_not_touched(repository, ssot_fix):
    project = repository(dict.fromkeys(("clean.py", "edited.py", "staged.py"), READS))
    project.write({"edited.py": f"{READS}# mine\n", "staged.py": f"{READS}# mine\n", "new.py": READS})
    project.git("add", "staged.py")
    done = ssot_fix(project, "--write", "--format", "json", expect=2)
    assert project.read("clean.py") == READ
    assert statuses(done) | {"shared/isolated_environment.py": "unchanged"} == {
        "clean.py": "changed",
        "edited.py": "failed",
        "new.py": "failed",
        "staged.py": "failed",
        "shared/isolated_environment.py": "unchanged",
    }
    assert report(done)["summary"]["by_reason"]["uncommitted-changes"] == 3
    assert b"edited.py has uncommitted changes; commit or stash them, or use --allow-dirty" in done.stderr
    assert project.read("edited.py") == f"{READS}# mine\n"
    assert project.read("new.py") == READS
    ssot_fix(project, "--write", "--allow-dirty")
    assert project.read("edited.py") == f"{READ}# mine\n"
    assert project.read("staged.py") == f"{READ}# mine\n"
    assert project.read("new.py") == READ


def test_outside_a_repository_nothing_is_written(repository, ssot_fix):
    project = repository({"app.py": READS, "ssot-fix.toml": ""})
    shutil.rmtree(project.root / ".git")
    assert ssot_fix(project).stdout.startswith(b"--- a/app.py\n")
    said = ssot_fix(project, "--write", expect=2).stderr
    assert b"is not in a git repository" in said
    assert b"--allow-dirty" in said
    assert project.read("app.py") == READS
    ssot_fix(project, "--write", "--allow-dirty")
    assert project.read("app.py") == READ


def test_a_write_leaves_the_index_and_other_files_alone(repository, ssot_fix):
    project = repository({"app.py": READS, "b.txt": "b\n"})
    project.write({"b.txt": "changed\n", "c.txt": "new\n"})
    index = (project.root / ".git/index").read_bytes()
    ssot_fix(project, "--write")
    assert (project.root / ".git/index").read_bytes() == index
    assert sorted(project.changed()) == ["app.py", "b.txt", "c.txt"]
    assert not list(project.root.rglob("*.ssot-fix-tmp"))


# Standing in other people's projects

TRAP = "from pathlib import Path\nPath(__file__).with_suffix('.imported').touch()\nraise SystemExit('imported')\n"
OURS = (
    "cli.py",
    "codemods/__init__.py",
    "click.py",
    "rich.py",
    "libcst.py",
    "click_default_group.py",
    "tests/__init__.py",
)
PYTHONS = ("signal.py", "socket.py", "struct.py", "pickle.py", "selectors.py", "random.py", "tempfile.py", "queue.py")
MANY = {f"many/m{number}.py": READS for number in range(140)}  # enough for workers to be started


@pytest.mark.parametrize(
    ("jobs", "variables"),
    [("1", {"PYTHONPATH": "."}), ("2", {}), ("2", {"PYTHONPATH": f"{os.pathsep}many{os.pathsep}."})],
    ids=str,
)
def test_a_project_is_never_imported(jobs, variables, repository, ssot_fix):
    project = repository({"app.py": READS, "many/__init__.py": "", **MANY, **dict.fromkeys(OURS, TRAP)})
    done = ssot_fix(project, "--jobs", jobs, extra=variables)
    assert done.stdout.startswith(b"--- a/app.py\n")
    assert not list(project.root.rglob("*.imported"))


def test_a_project_that_is_called_as_we_are(repository, ssot_fix):
    project = repository({"app.py": READS, "ssot_fix.py": TRAP, **dict.fromkeys(OURS, TRAP)})
    assert ssot_fix(project).stdout.startswith(b"--- a/app.py\n")
    assert not list(project.root.rglob("*.imported"))


@pytest.mark.parametrize("variables", [{}, {"PYTHONPATH": "elsewhere"}], ids=str)
def test_a_project_with_the_names_of_pythons_own_modules(variables, repository, command_environment):
    """As the installed script starts: its workers must not find what lies in the current folder (law 5)."""
    script = shutil.which("ssot-fix", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("the command is not installed")
    files = {"app.py": READS, "many/__init__.py": "", **MANY, **dict.fromkeys(PYTHONS, TRAP)}
    project = repository({**files, **{f"elsewhere/{name}": TRAP for name in OURS}})
    done = subprocess.run(
        (script, "--jobs", "2"),
        cwd=project.root,
        env=command_environment | variables,
        capture_output=True,
        check=False,
    )
    assert not list(project.root.rglob("*.imported"))
    assert done.returncode == 0, done.stderr[-500:]


def test_the_number_of_workers_changes_no_byte(repository, ssot_fix):
    project = repository({"many/__init__.py": "", **MANY, "many/b.py": RAISES, "many/c.py": "import os\nos.getenv("})
    one, two = (ssot_fix(project, "--jobs", jobs, "--format", "json", "-v") for jobs in "12")
    assert one.stdout == two.stdout
    times = re.compile(rb" in [\d.]+ s")
    assert times.sub(b"", one.stderr) == times.sub(b"", two.stderr)
    one, two = (ssot_fix(project, "--jobs", jobs) for jobs in "12")
    assert one.stdout == two.stdout
    assert one.stdout.count(b"--- a/many/m") == len(MANY)


HEAVY = {"black", "git", "hypothesis", "importlib.metadata", "libcst", "rich", "yaml"}


def loaded_by(*arguments, cwd, **options) -> tuple[set[str], bytes]:
    """The modules that a command imports, and what it prints."""
    command = (sys.executable, "-P", "-X", "importtime", "-m", "ssot_fix", *arguments)
    done = subprocess.run(command, cwd=cwd, capture_output=True, check=True, **options)
    return {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}, done.stdout


@pytest.mark.parametrize("option", ["--version", "--help", "-h"])
def test_quick_answers_load_nothing_heavy(option, tmp_path):
    loaded, told = loaded_by(option, cwd=tmp_path)
    assert re.match(rb"ssot-fix, version \d" if option == "--version" else b"Usage: ssot-fix", told)
    assert "click" in loaded
    assert not loaded & {*HEAVY, "codemods", "multiprocessing", "ssot_fix.engine", "ssot_fix.project", "tomllib"}


@pytest.mark.parametrize("text", ["", READS], ids=["nothing", "something"])
def test_a_small_dry_run_loads_nothing_heavy(text, repository, command_environment):
    loaded, told = loaded_by(cwd=repository({"app.py": text}).root, env=command_environment)
    assert bool(told) == bool(text)
    assert "ssot_fix.engine.run" in loaded
    assert not loaded & HEAVY


# Terminals, pipes, names


def test_colours_by_option(repository, ssot_fix):
    project = repository({"app.py": READS})
    assert not ANSI.search(ssot_fix(project).stdout)
    coloured = ssot_fix(project, "--color", "always")
    assert ANSI.search(coloured.stdout)
    assert ANSI.search(coloured.stderr)
    plain = ssot_fix(project, "--color", "never", extra={"FORCE_COLOR": "1"})
    assert not ANSI.search(plain.stdout + plain.stderr)
    assert not ANSI.search(ssot_fix(project, "--color", "always", "--format", "json").stdout)


@posix_only
@pytest.mark.parametrize(
    ("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)], ids=str
)
def test_colours_on_a_terminal(variables, coloured, repository, command_environment):
    import pty

    project = repository({"app.py": READS})
    ours, theirs = pty.openpty()
    environment = command_environment | variables
    process = subprocess.Popen(COMMAND, cwd=project.root, env=environment, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(60) == 0
    assert bool(ANSI.search(shown)) == coloured
    assert b"get_env()" in ANSI.sub(b"", re.sub(rb"\x1b\[[\d;]*m", b"", shown))


def test_a_reader_that_has_seen_enough(repository, command_environment):
    line = "A = os.getenv('A')\n"
    project = repository({f"a{number}.py": "import os\n" + line * 300 for number in range(20)})
    process = subprocess.Popen(
        COMMAND, cwd=project.root, env=command_environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.read(10) == b"--- a/a0.p"
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    process.wait(60)
    assert b"Traceback" not in said
    assert b"Exception ignored" not in said
    assert b"Broken" not in said


def test_names_that_are_not_ascii(repository, ssot_fix):
    project = repository({"größe/ünï→.py": READS, "größe/__init__.py": "", "two words.py": READS, "\uf03a.py": READS})
    done = ssot_fix(project, "-v", extra={"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"})
    project.git("apply", "-p1", "-", input=done.stdout)
    assert project.read("größe/ünï→.py") == project.read("two words.py") == project.read("\uf03a.py") == READ
    assert ssot_fix(project, "größe").stdout == b""
    project.git("checkout", "--quiet", ".")
    paths = statuses(ssot_fix(project, "größe/ünï→.py", "--format", "json"))
    assert "größe/ünï→.py" in paths


@linux_only
def test_names_that_are_no_text(repository, ssot_fix):
    project = repository({})
    name = os.fsdecode(b"caf\xe9.py")
    project.write({name: READS, "new\nline.py": READS, 'quo"te.py': READS, "back\\slash.py": READS})
    project.commit()
    done = ssot_fix(project, "-v")
    project.git("apply", "-p1", "-", input=done.stdout)
    for path in (name, "new\nline.py", 'quo"te.py', "back\\slash.py"):
        assert project.read(path) == READ
    project.git("checkout", "--quiet", ".")
    found = report(ssot_fix(project, "--format", "json"))
    assert name in [file["path"] for file in found["files"]]
    ssot_fix(project, "--write")
    assert project.read(name) == READ


def test_a_folder_without_a_repository_or_settings(ssot_fix, tmp_path):
    (tmp_path / "app.py").write_text(READS)
    done = ssot_fix(tmp_path)
    assert done.stdout == b""
    assert b"isolated-environment is inactive: " in done.stderr
