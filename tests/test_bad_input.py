"""Bad input: a clear message, the right exit code, nothing lost, and the rest is still done."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cases import make_project, run_project
from conftest import COMMAND, Repository

READS = "import os\n\nHOST = os.getenv('HOST')\n"
READ = "from shared.isolated_environment import get_env\n\nHOST = get_env().get('HOST')\n"

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals and modes of POSIX")


# Settings


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("jobbs = 2", "ssot-fix.toml:1: unknown key `jobbs` at the top level; did you mean `jobs`?"),
        (
            "[isolated-environment]\nacessor = 'a:b'",
            "ssot-fix.toml:2: unknown key `acessor` in [isolated-environment]",
        ),
        ("[isolated-enviroment]\n", "unknown table `isolated-enviroment`"),
        ("jobs = 'two'", 'ssot-fix.toml:1: `jobs` at the top level must be a whole number, not "two"'),
        ("exclude = 'a/'", "must be a list"),
        (
            "[isolated-environment]\nallow = ['sett']",
            "`allow` in [isolated-environment] must be a list whose items are each",
        ),
        ("codemods = ['isolated']", "unknown codemod `isolated`"),
        ("[[overrides]]\nunsafe-fixes = true", "`paths` is missing or empty"),
        ("jobs = = 2", "ssot-fix.toml:1: not valid TOML"),
        ("[isolated-environment]\naccessor = 'shared.nothing:get_env'", "no module `shared.nothing`"),
        ("[isolated-environment]\naccessor = 'shared.masking:get_env'", "no function `get_env`"),
        ("[isolated-environment]\naccessor = 'get_env'", "is not of the form module:function"),
        ("[isolated-environment]\nlookup = 'require'", "has no method `require`"),
        (
            "[isolated-environment]\naccessor-class = 'Nothing'\naccessor = 'shared.masking:mask'",
            "can be called without arguments",
        ),
    ],
)
def test_settings_that_can_not_be_used(settings, said, repository, ssot_fix):
    project = repository({"app.py": READS, "ssot-fix.toml": settings})
    done = ssot_fix(project, "--write", expect=2)
    assert said in done.stderr.decode()
    assert done.stdout == b""
    assert project.changed() == []


# The project


def test_no_accessor(repository, ssot_fix):
    project = repository({"app.py": READS, "shared/isolated_environment.py": ""})
    done = ssot_fix(project, "--check")
    assert b"note: isolated-environment is inactive: no class with get and set methods found" in done.stderr
    assert b"ssot-fix init --accessor FILE" in done.stderr
    done = ssot_fix(project, "--codemod", "isolated-environment", expect=2)
    assert b"isolated-environment has nothing to work with here" in done.stderr


@posix_only
@pytest.mark.parametrize("in_git", [True, False])
def test_folders_that_lead_back_to_themselves(in_git, repository, ssot_fix):
    project = repository({"app.py": READS, "pkg/__init__.py": READS})
    (project.root / "pkg/loop").symlink_to("..", target_is_directory=True)
    (project.root / "self").symlink_to("self")
    (project.root / "gone.py").symlink_to("nowhere.py")
    if not in_git:
        shutil.rmtree(project.root / ".git")
    done = ssot_fix(project)
    assert done.stdout.count(b"--- a/") == 2
    assert b"5 files scanned" in done.stderr
    assert b"leads back to itself" in ssot_fix(project, "self", expect=2).stderr or in_git


@posix_only
def test_a_file_that_may_not_be_read(repository, ssot_fix):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    project = repository({"app.py": READS, "secret.py": READS})
    (project.root / "secret.py").chmod(0)
    done = ssot_fix(project, expect=2)
    assert b"error: secret.py: Permission denied" in done.stderr
    assert b"--- a/app.py" in done.stdout


@posix_only
def test_a_folder_that_is_no_longer_there(ssot_fix, tmp_path, command_environment):
    gone = tmp_path / "gone"
    gone.mkdir()
    line = f'cd "{gone}" && rmdir "{gone}" && exec "{sys.executable}" -P -m ssot_fix'
    done = subprocess.run(("sh", "-c", line), env=command_environment, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_no_git_on_the_path(repository, ssot_fix, tmp_path):
    project = repository({"app.py": READS})
    done = ssot_fix(project, extra={"PATH": str(tmp_path)})
    assert done.stdout.startswith(b"--- a/app.py")
    assert b"git is not on PATH" in done.stderr
    assert b"git is not on PATH" in ssot_fix(project, "--write", expect=2, extra={"PATH": str(tmp_path)}).stderr
    assert project.changed() == []


# Files

ODD_FILES = {
    "nul.py": (b"import os\nA = os.getenv('A')\n\0", {"unparseable", "undecodable"}),
    "latin.py": ("import os\nA = os.getenv('é')\n".encode("latin-1"), {"undecodable"}),
    "declared.py": (b"# coding: ascii\nimport os\nA = os.getenv('\xc3\xa9')\n", {"undecodable"}),
    "unknown.py": (b"# coding: nothing\nimport os\nA = os.getenv('A')\n", {"undecodable"}),
    "contradiction.py": (b"\xef\xbb\xbf# coding: latin-1\nimport os\nA = os.getenv('A')\n", {"undecodable"}),
    "codec.py": (b"# coding: base64\nimport os\nA = os.getenv('A')\n", {"undecodable"}),
    "syntax.py": (b"import os\nA = os.getenv('A'\n", {"unparseable"}),
    "tabs.py": (b"import os\nif 1:\n\tA = 1\n        B = os.getenv('B')\n", {"unparseable"}),
    "merge.py": (b"import os\n<<<<<<< HEAD\nA = os.getenv('A')\n=======\n>>>>>>> b\n", {"unparseable"}),
    "deep.py": (b"import os\nA = " + b"(" * 400 + b"os.getenv('A')" + b")" * 400 + b"\n", {"unparseable"}),
    "deeper.py": (b"import os\nA = " + b"-" * 100_000 + b"len(os.getenv('A'))\n", {"unparseable"}),
    "cut.py": (b"import os\nA = os.getenv('A')\n\xe2\x82", {"undecodable"}),
}


def test_files_that_are_no_python(repository, ssot_fix):
    project = repository({"app.py": READS, **{path: data for path, (data, _) in ODD_FILES.items()}})
    found = json.loads(ssot_fix(project, "--write", "--format", "json").stdout)
    assert project.changed() == ["app.py"]
    assert project.read("app.py") == READ
    reasons = {finding["path"]: finding for finding in found["findings"] if finding["path"] in ODD_FILES}
    for path, (_, expected) in ODD_FILES.items():
        assert reasons[path]["reason"] in expected, path
        assert reasons[path]["message"]
        assert "Error" not in reasons[path]["message"]
    assert reasons["syntax.py"]["line"] in {2, 3}
    assert found["summary"]["files_failed"] == 0


def test_a_term_for_every_product(repository, ssot_fix):
    """The expression of 3,000 terms that ended other codemods in a RecursionError."""
    terms = " + ".join(f"{number} * 2" for number in range(3_000))
    project = repository({"app.py": f"import os\nA = {terms} + len(os.getenv('A', ''))\n"})
    assert ssot_fix(project, "--write").stdout == b""
    assert f"A = {terms} + len(get_env().get('A', ''))\n" in project.read("app.py")


def test_a_generated_file_of_five_megabytes(tmp_path):
    rows = "".join(f'    ("key {number}", {number}, "{"a value, " * 12}"),\n' for number in range(38_000))
    text = f"import os\n\nROWS = [\n{rows}]\nA = os.getenv('A')\n"
    assert len(text) > 5_000_000
    make_project(tmp_path, {"app.py": text})
    (result,) = (result for result in run_project(tmp_path).results if result.path == "app.py")
    assert result.status == "changed"


# What happens meanwhile: the plug-in in hostile.py does it


def many(count: int, size: int = 0) -> dict[str, str]:
    padding = "# nothing\n" * (size // 10)
    paths = [f"m{number:03}.py" for number in range(count)]
    return {path: f"# hostile {path}\n{READS}{padding}" for path in paths}


def changed(done: subprocess.CompletedProcess[bytes]) -> set[str]:
    return {file["path"] for file in json.loads(done.stdout)["files"] if file["status"] == "changed"}


@posix_only
@pytest.mark.parametrize(
    ("order", "files"),
    [("kill early:m007.py", many(140)), ("kill:m007.py", many(26, 90_000))],
    ids=["while screening", "while analysing"],
)
def test_a_worker_that_is_killed(order, files, repository, ssot_fix, hostile):
    project = repository(files)
    done = ssot_fix(project, "--jobs", "2", "--write", "--format", "json", expect=2, extra=hostile(order))
    assert changed(done) == set(files) - {"m007.py"}
    assert json.loads(done.stdout)["summary"]["files_failed"] == 1
    assert b"error: m007.py: the process that" in done.stderr
    assert done.stderr.count(b"error: ") == 1
    assert set(project.changed()) == set(files) - {"m007.py"}


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("raise:m001.py", b"error: m001.py: internal error: RuntimeError('something went wrong'); please report it"),
        ("raise early:m001.py", b"error: m001.py: "),
        ("delete:m001.py", b"error: m001.py: "),
    ],
)
def test_one_file_that_fails(order, said, repository, ssot_fix, hostile):
    project = repository(many(3))
    done = ssot_fix(project, "--format", "json", "--write", expect=2, extra=hostile(order))
    assert changed(done) == {"m000.py", "m002.py"}
    assert said in done.stderr
    (failed,) = (file for file in json.loads(done.stdout)["files"] if file["status"] == "failed")
    assert failed["path"] == "m001.py"
    assert failed["error"]


def test_tracebacks_are_for_those_who_ask(repository, hostile, command_environment):
    project = repository(many(2))
    extra = command_environment | hostile("raise:m001.py")
    done = subprocess.run((*COMMAND, "-vv"), cwd=project.root, env=extra, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"Traceback" in done.stderr
    assert b'raise RuntimeError("something went wrong")' in done.stderr


@pytest.mark.parametrize("options", [(), ("--write",), ("--format", "json"), ("--check",)], ids=str)
def test_a_file_that_is_changed_meanwhile(options, repository, ssot_fix, hostile):
    project = repository(many(3))
    order = f"append {project.root / 'm000.py'}:m002.py"
    done = ssot_fix(project, *options, expect=1 if options == ("--check",) else 2, extra=hostile(order))
    assert project.read("m000.py").startswith("# hostile m000.py\nimport os")
    assert project.read("m000.py").endswith("# changed meanwhile\n")
    if options != ("--check",):
        assert b"error: m000.py " in done.stderr
        assert (b"uncommitted changes" if options == ("--write",) else b"run it again") in done.stderr
    if options == ("--write",):
        assert "get_env().get" in project.read("m001.py")
    if not options:
        assert done.stdout.startswith(b"--- a/m001.py")


@posix_only
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c(jobs, repository, hostile, command_environment, tmp_path):
    files = many(26, 90_000)
    project = repository(files)
    process = subprocess.Popen(
        (*COMMAND, "--write", "--jobs", jobs),
        cwd=project.root,
        env=command_environment | hostile("sleep:m003.py"),
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
    assert process.returncode == 2
    assert out == b""
    assert b"interrupted" in said
    assert b"Traceback" not in said
    assert project.changed() == []
    assert not list(project.root.rglob("*.ssot-fix-tmp"))


@posix_only
def test_a_disk_without_room(repository, command_environment):
    import resource  # not on Windows

    files = {"big.py": READS + "# text\n" * 2_000, "small.py": READS}
    project = repository(files)
    done = subprocess.run(
        (*COMMAND, "--write"),
        cwd=project.root,
        env=command_environment,
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, 4_096)),
    )
    assert done.returncode == 2
    assert b"error: big.py was not written: File too large" in done.stderr
    assert b"Traceback" not in done.stderr
    assert project.read("big.py") == files["big.py"]
    assert project.changed() == ["small.py"]
    assert not list(project.root.rglob("*.ssot-fix-tmp"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_without_room(repository: Repository, ssot_fix):
    project = repository({"app.py": READS})
    with Path("/dev/full").open("wb") as full:
        done = ssot_fix(project, expect=2, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert b"No space left on device" in done.stderr
