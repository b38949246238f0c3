"""The bare repository that the server hosts, by git's plumbing: no work tree, no index."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Size:
    """How much a range of commits changes."""

    commits: int
    files: int
    additions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class BareRepository:
    """A bare repository at `path`; git runs with `environment` and nothing else."""

    path: Path
    environment: Mapping[str, str]

    def git(self, *arguments: str, expect: tuple[int, ...] = (0,)) -> str:
        """Run git and give what it printed, without the final newline; its exit code must be one of `expect`."""
        done = subprocess.run(
            ("git", *arguments), cwd=self.path, env=self.environment, capture_output=True, check=False
        )
        assert done.returncode in expect, (arguments, done.returncode, done.stderr)
        return done.stdout.decode(errors="surrogateescape").removesuffix("\n")

    def heads(self) -> dict[str, str]:
        """Give the commit of every branch."""
        lines = self.git("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads").splitlines()
        return {name: commit for commit, name in (line.split(" ", 1) for line in lines)}

    def default_branch(self) -> str:
        """Give the branch that HEAD names."""
        return self.git("symbolic-ref", "--short", "HEAD")

    def commit_of(self, name: str) -> str | None:
        """Give the commit that a branch, a tag or a hash names; None if there is none."""
        return (
            self.git("rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}", expect=(0, 1, 128))
            or None
        )

    def contains(self, commit: str, ancestor: str) -> bool:
        """Tell whether `ancestor` is `commit` or one of its ancestors."""
        return self.git("rev-list", "--count", "--max-count=1", ancestor, f"^{commit}") == "0"

    def size(self, base: str, head: str) -> Size:
        """Measure what `head` has and `base` has not."""
        numbers = self.git("diff", "--numstat", f"{base}...{head}").splitlines()
        counts = [[int(count) if count.isdecimal() else 0 for count in line.split("\t")[:2]] for line in numbers]
        commits = int(self.git("rev-list", "--count", f"{base}..{head}"))
        return Size(commits, len(counts), sum(added for added, _ in counts), sum(removed for _, removed in counts))

    def merged_tree(self, base: str, head: str) -> str | None:
        """Merge two commits in the object store (git 2.38); None where they conflict."""
        said = self.git("merge-tree", "--write-tree", "--no-messages", base, head, expect=(0, 1))
        return None if "\n" in said else said

    def commit(self, tree: str, parents: tuple[str, ...], message: str) -> str:
        """Write a commit object and give its hash."""
        return self.git("commit-tree", tree, *(word for parent in parents for word in ("-p", parent)), "-m", message)

    def set_ref(self, ref: str, commit: str) -> None:
        """Point a ref at a commit."""
        self.git("update-ref", ref, commit)

    def delete_ref(self, ref: str) -> None:
        """Delete a ref."""
        self.git("update-ref", "-d", ref)


def bare_copy(local: Path, target: Path, environment: Mapping[str, str]) -> BareRepository:
    """Make a bare repository at `target` with the branches and tags of the local one, served over HTTP with pushes."""
    bare = BareRepository(target, environment)
    (target / "hooks").mkdir(parents=True)
    bare.git("init", "--quiet", "--bare", "--template=")
    bare.git("config", "http.receivepack", "true")
    source = BareRepository(local, environment)
    bare.git("symbolic-ref", "HEAD", source.git("symbolic-ref", "HEAD"))
    source.git("push", "--quiet", "--no-verify", str(target), "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*")
    return bare
