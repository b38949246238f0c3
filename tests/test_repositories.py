"""`ssot-fix branch` in repositories of all kinds, with files of all kinds."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest
from branching import (
    ALL,
    READ,
    READS,
    add_commit,
    ask,
    changed_paths,
    posix_only,
    raw,
    state,
    text,
    tip,
)
from conftest import Repository

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="file names that are no text")


# Repositories of all kinds


def test_bare_linked_and_from_a_sub_folder(repository, ssot_fix, tmp_path, command_environment):
    project = repository({"pkg/app.py": READS, "pkg/__init__.py": "", "ssot-fix.toml": "jobs = 1\n"})
    ssot_fix(project.root / "pkg", "branch", "--yes", "-q", "--name", "below")
    wanted = ask(project, "rev-parse", "below^{tree}")
    bare = Repository(tmp_path / "bare $HOME ~.git", command_environment)
    project.git("clone", "--quiet", "--bare", "--branch", "main", ".", str(bare.root))
    linked = Repository(tmp_path / "linked", command_environment)
    project.git("worktree", "add", "--quiet", "-b", "topic", str(linked.root))
    for place in (bare, linked):
        ssot_fix(place, "branch", "--yes", "-q")
        assert ask(place, "rev-parse", f"{ALL}^{{tree}}") == wanted
        assert changed_paths(place) == ["pkg/app.py"]
    ssot_fix(bare.root / "refs", "branch", "--yes", "-q", "--name", "inside")
    assert ask(bare, "rev-parse", "inside^{tree}") == wanted


@posix_only
def test_a_folder_with_an_odd_name(repository, ssot_fix, command_environment):
    made = repository({"app.py": READS})
    odd = made.root.rename(made.root.with_name("$HOME 'q\" new\nline \u2028 \xe9"))
    project = Repository(odd, command_environment)
    ssot_fix(project, "branch", "--yes", "-q")
    assert text(project, "app.py") == READ
    project.git("switch", "--quiet", ALL)
    add_commit(project, {"more.py": READS})
    done = ssot_fix(project, "branch", "--yes", "-q", "--base", "main", expect=2)
    assert b"ssot-fix/all is checked out in" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_base_by_every_name(repository, ssot_fix):
    project = repository({"app.py": READS})
    project.git("tag", "-a", "-m", "a tag", "v1")
    first = ask(project, "rev-parse", "HEAD")
    project.git("branch", "-m", "main", "trunk")
    add_commit(project, {"other.py": READS})
    for number, base in enumerate(("v1", "refs/heads/trunk~1")):
        ssot_fix(project, "branch", "--yes", "-q", "--base", base, "--name", f"n{number}")
        assert ask(project, "rev-parse", f"n{number}^") == first
    for base in ("--upload-pack=x", "v1:app.py", "v1..trunk", ""):
        done = ssot_fix(project, "branch", "--yes", f"--base={base}", expect=2)
        assert f"there is no commit called `{base}` here".encode() in done.stderr
        assert done.stdout == b""
    assert tip(project) is None


def test_no_repository_and_no_commit(repository, ssot_fix, tmp_path):
    assert b"not a git repository" in ssot_fix(tmp_path, "branch", "--yes", expect=2).stderr
    project = repository({})
    project.git("switch", "--quiet", "--orphan", "empty")
    done = ssot_fix(project, "branch", "--yes", expect=2)
    assert b"there is no commit called `HEAD` here" in done.stderr


def test_a_shallow_clone(repository, ssot_fix, tmp_path, command_environment):
    project = repository({"app.py": READS})
    head = add_commit(project, {"other.py": "X = 1\n"})
    clone = Repository(tmp_path / "clone", command_environment)
    project.git("clone", "--quiet", "--depth", "1", project.root.as_uri(), str(clone.root))
    ssot_fix(clone, "branch", "--yes", "-q")
    assert ask(clone, "rev-parse", f"{ALL}^") == head
    assert b"unchanged" in ssot_fix(clone, "branch", "--yes", "-q").stderr
    later = add_commit(clone, {"third.py": "X = 1\n"})
    assert b"moved" in ssot_fix(clone, "branch", "--yes", "-q").stderr
    assert ask(clone, "rev-parse", f"{ALL}^") == later


def test_partial_clones(repository, ssot_fix, tmp_path, command_environment):
    project = repository({"app.py": READS, "big.bin": b"\0" * 100})
    project.git("config", "uploadpack.allowFilter", "true")
    project.git("branch", "old")
    add_commit(project, {"app.py": READS + "\n", "old.txt": "x\n"})
    options = ("clone", "--quiet", "--filter=blob:none", project.root.as_uri())
    clone = Repository(tmp_path / "clone", command_environment)
    project.git(*options, str(clone.root))
    ssot_fix(clone, "branch", "--yes", "-q")
    assert changed_paths(clone) == ["app.py"]
    done = ssot_fix(clone, "branch", "--yes", "-q", "--base", "origin/old", "--name", "older", expect=2)
    assert b"app.py is not in this partial clone" in done.stderr
    bare = Repository(tmp_path / "empty", command_environment)
    project.git(*options, "--no-checkout", str(bare.root))
    done = ssot_fix(bare, "branch", "--yes", "-q", expect=2)
    assert b"is not in this partial clone" in done.stderr
    assert (tip(bare), tip(clone, "older")) == (None, None)


def test_a_partial_clone_that_has_all_that_matters(repository, ssot_fix, tmp_path, command_environment):
    project = repository({"app.py": READS, "big.bin": b"\0" * 9_000, "docs/big.txt": "x" * 9_000})
    project.git("config", "uploadpack.allowFilter", "true")
    clone = Repository(tmp_path / "clone", command_environment)
    options = ("clone", "--quiet", "--filter=blob:limit=8k", "--no-checkout", project.root.as_uri())
    project.git(*options, str(clone.root))
    done = ssot_fix(clone, "branch", "--yes")
    told = b"note: not in this partial clone, and taken for empty: 2 files, the first of them big.bin"
    assert told in done.stderr
    before, after = (clone.git("ls-tree", "-r", commit).splitlines() for commit in ("main", ALL))
    assert [line for line in after if line not in before] == [line for line in after if line.endswith("\tapp.py")]
    assert len(before) == len(after)


def test_another_hash_and_objects_elsewhere(repository, ssot_fix, tmp_path, command_environment):
    project = repository({"app.py": READS})
    modern = Repository(tmp_path / "modern", command_environment)
    shutil.copytree(project.root, modern.root, ignore=shutil.ignore_patterns(".git"))
    modern.git("init", "--quiet", "--initial-branch=main", "--object-format=sha256")
    modern.commit()
    ssot_fix(modern, "branch", "--yes", "-q")
    assert len(tip(modern) or "") == 64
    assert text(modern, "app.py") == READ
    assert b"unchanged" in ssot_fix(modern, "branch", "--yes", "-q").stderr
    borrowing = Repository(tmp_path / "borrowing", command_environment)
    project.git("clone", "--quiet", "--shared", str(project.root), str(borrowing.root))
    ssot_fix(borrowing, "branch", "--yes", "-q")
    assert text(borrowing, "app.py") == READ
    assert tip(project) is None


def test_a_split_and_a_sparse_index(repository, ssot_fix):
    project = repository({"app.py": READS, "far/app.py": READS, "far/__init__.py": ""})
    project.git("config", "core.splitIndex", "true")
    project.git("update-index", "--split-index")
    before = state(project)
    ssot_fix(project, "branch", "--yes", "-q", "--name", "ssot-fix/split")
    after = state(project)
    for path in list(before):
        if "/sharedindex." in path:  # git dates it anew whenever it reads it, so that it is not cleared away
            assert before.pop(path)[0] == after.pop(path)[0]
    assert after == before
    project.git("config", "core.splitIndex", "false")
    project.git("sparse-checkout", "set", "--cone", "--sparse-index", "shared")
    assert not (project.root / "far").exists()
    before = state(project)
    ssot_fix(project, "branch", "--yes", "-q")
    assert state(project) == before
    assert changed_paths(project) == ["app.py", "far/app.py"]
    verify = ("--verify", "test -f far/app.py && git diff --quiet HEAD", "--format", "json")
    done = ssot_fix(project, "branch", "--yes", "-q", "--name", "verified", *verify)
    (ran,) = json.loads(done.stdout)["branches"][0]["verify"]
    assert (ran["before"]["code"], ran["after"]["code"]) == (0, 0)


# Files of all kinds


@linux_only
def test_every_other_byte_and_mode_stays(repository, ssot_fix, tmp_path):
    """One repository with everything in it; what changes are the intended lines of the intended files, no more."""
    crlf = READS.replace("\n", "\r\n")
    names = [
        "two words.py",
        "new\nline.py",
        'quo"te\\.py',
        "größe/ünï.py",
        os.fsdecode(b"caf\xe9.py"),
        "-dash.py",
        ":(top)x.py",
    ]
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12\n"
    project = repository({"größe/__init__.py": "", **dict.fromkeys(names, READS)})
    (tmp_path / "outside.toml").write_text("nonsense = = 1\n")
    (tmp_path / "outside.py").write_text(READS)
    project.write(
        {
            "program.py": READS,
            "crlf.py": crlf,
            "large.bin": pointer,
            "pointer.py": pointer,
            "settings/x.toml": "[tool.ssot-fix]\nexclude = ['excluded.py']\n",
            "excluded.py": READS,
        }
    )
    project.write(
        {
            "ignored.py": READS,
            ".gitignore": "ignored.py\n",
            "eol.py": READS,
            "wide.py": READS,
            "nothing.txt": "text\r\n",
        }
    )
    attributes = ("eol.py text eol=crlf", "wide.py text working-tree-encoding=UTF-16", "*.txt text=auto eol=crlf")
    project.write({".gitattributes": "\n".join(attributes) + "\n"})
    (project.root / "program.py").chmod(0o755)
    (project.root / "wide.py").write_bytes(READS.encode("utf-16"))
    for link, target in {
        "link.py": "../outside.py",
        "sub/.gitignore": "../settings/x.toml",
        "pyproject.toml": "settings/x.toml",
        "inner.py": "program.py",
        "dir": "settings",
        "dangling": "nowhere",
        "sub/ssot-fix.toml": str(tmp_path / "outside.toml"),
        "deep/a/b/up": "../../..",
        "ssot-fix.toml": "deep/a/b/up/../outside.toml",
    }.items():
        (project.root / link).parent.mkdir(parents=True, exist_ok=True)
        (project.root / link).symlink_to(target)
    project.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendored/module")
    project.git("add", "--all", "--force", "--", ".", ":(exclude)vendored")
    project.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendored/module")
    project.git("commit", "--quiet", "--message", "everything")
    assert raw(project, "show", "main:eol.py") == raw(project, "show", "main:wide.py") == READS.encode()
    done = ssot_fix(project, "branch", "--yes", "-q")
    wanted = sorted([*names, "program.py", "crlf.py", "eol.py", "wide.py", "ignored.py"])
    assert sorted(changed_paths(project)) == wanted
    for path in wanted:
        new = raw(project, "cat-file", "blob", f"{ALL}:{path}")
        assert new == (READ.replace("\n", "\r\n") if path == "crlf.py" else READ).encode(), path
    before, after = (raw(project, "ls-tree", "-r", "-z", commit).split(b"\0") for commit in ("main", ALL))
    assert [line.split()[:2] for line in before] == [line.split()[:2] for line in after]
    assert b"100755 blob" in raw(project, "ls-tree", ALL, "program.py")
    assert b"160000 commit " + b"1" * 40 in raw(project, "ls-tree", "-r", ALL)
    assert done.stderr.count(b"\n") == 1
    told = ssot_fix(project, "branch", "--yes").stderr
    for link in ("link.py", "sub/ssot-fix.toml", "ssot-fix.toml"):
        assert f"note: {link}: a symbolic link that leads outside the repository, left out".encode() in told


def test_a_tree_that_no_git_would_write(repository, ssot_fix, tmp_path):
    """Names that lead out of the work tree or into .git, and a mode that only old tools wrote."""
    project = repository({"app.py": READS})
    blob = ask(project, "rev-parse", "HEAD:app.py")
    shared = ask(project, "rev-parse", "HEAD:shared")
    for name in ("..", ".git"):
        inner = ask_input(project, ("mktree",), f"100644 blob {blob}\tevil.py\n")
        entry = f"40000 {name}".encode() + b"\0" + bytes.fromhex(inner)
        evil = raw(project, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", input=entry).decode().strip()
        commit = ask(project, "commit-tree", "-m", "evil", evil)
        done = ssot_fix(project, "branch", "--yes", "-q", "--base", commit, expect=2)
        assert b"invalid path" in done.stderr
    entries = b"100664 app.py\0" + bytes.fromhex(blob) + b"40000 shared\0" + bytes.fromhex(shared)
    old = raw(project, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", input=entries).decode().strip()
    commit = ask(project, "commit-tree", "-m", "old", old)
    ssot_fix(project, "branch", "--yes", "-q", "--base", commit)
    assert text(project, "app.py") == READ
    assert b"unchanged" in ssot_fix(project, "branch", "--yes", "-q", "--base", commit).stderr


def ask_input(project: Repository, arguments: tuple[str, ...], text: str) -> str:
    return raw(project, *arguments, input=text.encode()).decode().strip()


def test_twelve_thousand_files(tmp_path, command_environment, ssot_fix):
    """In 300 folders, with a site in every hundredth."""
    bare = Repository(tmp_path / "large.git", command_environment)
    bare.root.mkdir()
    bare.git("init", "--quiet", "--bare", "--initial-branch=main")
    paths = {f"package_{number % 300}/module_{number}.py": number % 100 == 0 for number in range(12_000)}
    texts = ("blob\nmark :1\ndata <<E\nx = 1\nE\n", "blob\nmark :2\ndata <<E\ntext = open('a').read()\nE\n")
    entries = "".join(f"M 100644 :{2 if has_site else 1} {path}\n" for path, has_site in paths.items())
    commit = f"commit refs/heads/main\ncommitter A <a@b> 0 +0000\ndata <<E\nlarge\nE\n{entries}"
    bare.git("fast-import", "--quiet", input="".join((*texts, commit)).encode())
    ssot_fix(bare.root, "branch", "--yes", "--quiet")
    assert set(changed_paths(bare)) == {path for path, has_site in paths.items() if has_site}
