"""`ssot-fix branch --split` and `--max-files`: parts that are disjoint, complete, and always called the same."""

from __future__ import annotations

import json
import subprocess

import pytest
from conftest import Repository

from ssot_fix.delivery.split import branch_name, by_directory

READS = "import os\n\nHOST = os.getenv('HOST')\n"
OPENS = f"{READS}\n\ndef text(path):\n    with open(path) as file:\n        return file.read()\n"


def branches(project: Repository) -> dict[str, list[str]]:
    """The files that each of our branches changes; each branch is one that stands on the base alone."""
    found = {}
    for name in project.git("for-each-ref", "--format=%(refname:short)", "refs/heads/ssot-fix").split():
        assert project.git("merge-base", name, "main") == project.git("rev-parse", "main")
        found[name] = [path for path in project.git("diff", "--name-only", "-z", "main", name).split("\0") if path]
    return found


def run_split(ssot_fix, project: Repository, *arguments: str) -> dict[str, list[str]]:
    ssot_fix(project, "branch", "--yes", "-q", *arguments)
    return branches(project)


def parts_make_up_the_whole(project: Repository, parts: dict[str, list[str]]) -> None:
    """All parts, applied one after the other to the base, come to what one branch holds."""
    project.git("switch", "--quiet", "--detach", "main")
    for name in parts:
        project.git("cherry-pick", f"main..{name}")
    assert project.git("rev-parse", "HEAD^{tree}") == project.git("rev-parse", "whole^{tree}")
    project.git("switch", "--quiet", "main")


def test_a_branch_for_each_codemod(repository, ssot_fix):
    project = repository({"app.py": OPENS, "other.py": OPENS, "third.py": READS})
    ssot_fix(project, "branch", "--yes", "-q", "--name", "whole")
    done = ssot_fix(project, "branch", "--yes", "--split", "codemod")
    parts = branches(project)
    assert parts == {
        "ssot-fix/isolated-environment": ["app.py", "other.py", "third.py"],
        "ssot-fix/utf8-files": ["app.py", "other.py"],
    }
    parts_make_up_the_whole(project, parts)
    assert b"\n6 files scanned, 3 would change in " in done.stderr
    shown = done.stdout.decode()
    assert [line for line in shown.splitlines() if line.startswith("#")] == [f"# {name}" for name in parts]
    assert b"unchanged" in ssot_fix(project, "branch", "--yes", "-q", "--codemod", "utf8-files").stderr


def test_a_branch_for_each_directory(repository, ssot_fix):
    """Names that differ in case and punctuation alone, and one that is what files at the top are called."""
    folders = ("api", "Api", "a-pi", "a.pi", "top-level", "größe", "two words")
    project = repository({f"{each}/{file}": READS for each in folders for file in ("__init__.py", "x.py")})
    project.write({"app.py": OPENS})
    project.commit()
    ssot_fix(project, "branch", "--yes", "-q", "--name", "whole")
    parts = run_split(ssot_fix, project, "--split", "directory")
    assert len(parts) == len({name.lower() for name in parts}) == len(folders) + 1
    assert {frozenset(path.rpartition("/")[0] for path in paths) for paths in parts.values()} == {
        frozenset({each}) for each in (*folders, "")
    }
    assert parts["ssot-fix/all-api"] == ["api/__init__.py", "api/x.py"]
    assert parts["ssot-fix/all-top-level"] == ["app.py"]
    parts_make_up_the_whole(project, parts)
    assert run_split(ssot_fix, project, "--split", "directory") == parts


OWNERS = """\
# Comments, and what GitHub does not take, are no owners
*               @org/everyone
/api/           @ann bob@example.invalid # not for @carl
/api/free.py
\\#odd           @nobody-at-all
!/api/          @carl
[a]pi/          @carl
broken[         @carl
*.pyw           @dora @ann
/lib/           @unowned
"""


@pytest.mark.parametrize("place", [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"])
def test_a_branch_for_each_owner(place, repository, ssot_fix):
    project = repository({"api/a.py": READS, "api/free.py": READS, "api/__init__.py": "", "app.py": READS})
    project.write({"win.pyw": READS, "lib/x.py": READS, "lib/__init__.py": "", place: OWNERS})
    if place == ".github/CODEOWNERS":  # the first place counts alone
        project.write({"CODEOWNERS": "* @wrong\n", "docs/CODEOWNERS": "* @wrong\n"})
    project.commit()
    project.write({place: "* @uncommitted\n"})
    parts = run_split(ssot_fix, project, "--split", "codeowners")
    project.git("checkout", "--quiet", "--", ".")
    assert sorted(parts.values()) == [["api/a.py"], ["api/free.py"], ["app.py"], ["lib/x.py"], ["win.pyw"]]
    assert parts["ssot-fix/all-unowned"] == ["api/free.py"]
    (everyone,) = (name for name, paths in parts.items() if paths == ["app.py"])
    assert everyone.startswith("ssot-fix/all-org-everyone-")
    (shared,) = (name for name, paths in parts.items() if paths == ["api/a.py"])
    assert shared.startswith("ssot-fix/all-bob-example-invalid-ann-")


def test_without_owners(repository, ssot_fix):
    project = repository({"app.py": READS, "CODEOWNERS/app.py": READS})
    done = ssot_fix(project, "branch", "--yes", "--split", "codeowners")
    assert b"everything goes into one branch, without an owner" in done.stderr
    assert list(branches(project)) == ["ssot-fix/all-unowned"]


def test_at_most_so_many_files(repository, ssot_fix):
    project = repository({f"m{number}.py": READS for number in range(5)})
    done = ssot_fix(project, "branch", "--yes", "--max-files", "2")
    assert branches(project) == {"ssot-fix/all": ["m0.py", "m1.py"]}
    assert b": 2 files, 2 sites; 3 more files when it is merged\n" in done.stderr
    assert done.stdout.count(b"--- a/") == 2
    found = json.loads(ssot_fix(project, "branch", "--yes", "--format", "json", "--max-files", "2").stdout)
    (branch,) = found["branches"]
    assert (branch["action"], branch["files"], branch["left_out"], branch["rewritten"]) == ("unchanged", 2, 3, 2)
    project.git("merge", "--quiet", "--ff-only", "ssot-fix/all")
    ssot_fix(project, "branch", "--yes", "-q", "--max-files", "2")
    assert branches(project) == {"ssot-fix/all": ["m2.py", "m3.py"]}
    # The base is now a commit of ours, too, and not one of this branch's.
    assert b" unchanged at " in ssot_fix(project, "branch", "--yes", "-q", "--max-files", "2").stderr
    message = subprocess.run(
        ("git", "-C", project.root, "show", "--no-patch", "--format=%B", "ssot-fix/all"),
        env=project.environment,
        capture_output=True,
        check=True,
    ).stdout
    assert message.startswith(b"isolated-environment: 2 sites in 2 files\n")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (by_directory("app.py"), by_directory("top-level/app.py")),
        (by_directory("Api/app.py"), by_directory("api/app.py")),
        (by_directory("a_b/app.py"), by_directory("a-b/app.py")),
        (by_directory("ж/app.py"), by_directory("з/app.py")),
        (by_directory(f"{'x' * 70}1/app.py"), by_directory(f"{'x' * 70}2/app.py")),
        (by_directory("caf\udce9/app.py"), by_directory("caf\udce8/app.py")),
    ],
)
def test_two_parts_never_share_a_branch(one, other):
    names = [branch_name(None, (), "directory", part.key) for part in (one, other)]
    assert len({name.lower() for name in names}) == 2
    assert all(name.removeprefix("ssot-fix/all-").replace("-", "").isalnum() and name.isascii() for name in names)
