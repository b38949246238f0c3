"""The commits of a range, and what each of them changed. Nothing is checked out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ssot_fix.project.git import GitError, run_git
from ssot_fix.project.history import Commit, commits_of

_FILES = (b"100644", b"100755", b"100664")  # git itself writes the first two, and reads the last
# With -z, a comparison of two trees is a header that ends in a line feed, then one entry per file that differs.
_ENTRY = re.compile(
    rb"(?P<header>[0-9a-f]{40,64} [0-9a-f]{40,64}\n)"
    rb"|:(?P<before>\d+) (?P<after>\d+) (?P<old>[0-9a-f]+) (?P<new>[0-9a-f]+) "
    rb"(?P<kind>[A-Z])(?P<percent>\d*)\0(?P<path>[^\0]*)\0"
)
_SECOND = re.compile(rb"([^\0]*)\0")


class RangeError(ValueError):
    """The range that was asked for can't be taken; the message says why and the way out."""


@dataclass(frozen=True, slots=True)
class Change:
    """A file that differs between a commit and one of its parents.

    `old` and `new` are the ids of its blobs, None where there is no regular file. `renamed_from` is where it was, if
    git takes it for the same file, and `similarity` git's percentage.
    """

    path: str
    old: bytes | None
    new: bytes | None
    renamed_from: str | None = None
    similarity: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A commit of the range: its parents' ids, and what changed against each of them.

    With `is_cut` the repository lacks its parents, as at the end of a shallow history: its changes are all its files.
    """

    commit: Commit
    parents: tuple[str, ...]
    changes: tuple[tuple[Change, ...], ...]
    is_cut: bool = False


@dataclass(frozen=True)
class Span:
    """A range: its commits, each behind its parents, the last of them the head.

    `start` is the commit before the range on the head's first-parent line, None if there is none: the history begins
    in the range, or is shallow. `outside` are, by commit, first parents that are neither in the range nor its start,
    with what changed from the start to them.
    """

    head: Commit
    start: Commit | None
    steps: tuple[Step, ...]
    outside: Mapping[str, tuple[Change, ...]]

    @cached_property
    def line(self) -> frozenset[str]:
        """The commits of the range on the head's first-parent line."""
        parents = {step.commit.id: step.parents for step in self.steps}
        found, at = set(), self.head.id
        while at in parents:
            found.add(at)
            at = parents[at][0] if parents[at] else ""
        return frozenset(found)


def span(root: Path, last: int, revisions: str | None = None) -> Span:
    """The `last` commits behind HEAD, or those of a range `A..B`, as git counts them.

    Raises RangeError if git does not know the range or it is empty, GitError.
    """
    head, listed = _listed(root, last, revisions)
    parents = {ids[0]: tuple(ids[1:]) for ids in listed}
    start = _before(head, parents)
    edges = [(parent, commit) for commit, others in parents.items() for parent in others or ("",)]
    firsts = {others[0] for others in parents.values() if others} - parents.keys() - {start}
    apart = [(start or "", first) for first in sorted(firsts)]
    changes = dict(zip([*edges, *apart], _compare(root, [*edges, *apart]), strict=True))
    told = commits_of(root, [head, *parents, *([start] if start else [])])
    steps = [
        Step(
            told[commit],
            others,
            tuple(changes[parent, commit] for parent in others or ("",)),
            is_cut=not others and _is_cut(root, commit),
        )
        for commit, others in parents.items()
    ]
    outside = {first: changes[edge] for edge in apart for first in edge[1:]}
    return Span(told[head], told[start] if start else None, tuple(steps), outside)


def _listed(root: Path, last: int, revisions: str | None) -> tuple[str, list[list[str]]]:
    """The head's id; each commit's id with its parents', parents first."""
    how: tuple[str, ...] = (f"--max-count={last}", "HEAD", "--")
    newest = "HEAD"
    if revisions is not None:
        old, dots, newest = revisions.partition("..")
        if not dots or newest.startswith(".") or not old or not newest or old.startswith("-"):
            raise RangeError(f"`{revisions}` is no range; write A..B: the commits of B that A does not have")
        how = (f"{resolve(root, newest)}", f"^{resolve(root, old)}", "--")
    head = resolve(root, newest)
    output = run_git(root, "rev-list", "--date-order", "--reverse", "--parents", *how)
    listed = [line.split() for line in output.decode().splitlines()]
    if not listed:
        raise RangeError(f"`{revisions}` holds no commit: {newest} has none that the other lacks")
    return head, listed


def resolve(root: Path, name: str) -> str:
    """The full id of the commit that a name means.

    Raises RangeError if there is none.
    """
    try:
        return (
            run_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            .strip()
            .decode()
        )
    except GitError:
        raise RangeError(f"git has no commit `{name}` here") from None


def _is_cut(root: Path, commit: str) -> bool:
    """Whether a commit that git gives no parents has some."""
    return b"\nparent " in run_git(root, "cat-file", "commit", commit).partition(b"\n\n")[0]


def _before(head: str, parents: Mapping[str, tuple[str, ...]]) -> str | None:
    at = head
    while at in parents:
        if not parents[at]:
            return None
        at = parents[at][0]
    return at


class Tree(NamedTuple):
    """What a commit holds: regular files with the ids of their blobs; `beyond` are links and submodules."""

    blobs: dict[str, bytes]
    beyond: frozenset[str] = frozenset()


def tree_of(root: Path, commit: str) -> Tree:
    """What a commit holds below `root`.

    Raises GitError.
    """
    listed = run_git(root, "ls-tree", "-r", "-z", commit).split(b"\0")[:-1]
    entries = [(os.fsdecode(path), facts) for facts, _, path in (entry.partition(b"\t") for entry in listed)]
    blobs = {path: facts.split()[2] for path, facts in entries if facts.startswith(_FILES)}
    return Tree(blobs, frozenset(path for path, _ in entries if path not in blobs))


def _compare(root: Path, edges: Sequence[tuple[str, str]]) -> Iterator[tuple[Change, ...]]:
    """What changed along each edge, a parent (empty: nothing was there) and a commit."""
    empty = run_git(root, "hash-object", "-t", "tree", "--stdin").strip().decode()
    trees = _trees(root, {each for edge in edges for each in edge if each}) | {"": empty}
    pairs = "".join(f"{trees[old]} {trees[new]}\n" for old, new in edges).encode()
    how = ("diff-tree", "--stdin", "-r", "-z", "--raw", "--no-abbrev", "--relative", "--always")
    try:
        # A partial clone would fetch what it lacks.
        output = run_git(root, "-c", "protocol.allow=never", *how, "--find-renames=50%", "-l0", input=pairs)
    except GitError:  # it lacks what is to be compared
        output = run_git(root, *how, "--no-renames", input=pairs)
    return _edges(output)


def _trees(root: Path, commits: Iterable[str]) -> dict[str, str]:
    wanted = sorted(commits)
    given = "".join(f"{commit}^{{tree}}\n" for commit in wanted).encode()
    ids = run_git(root, "cat-file", "--batch-check=%(objectname)", input=given).decode().splitlines()
    return dict(zip(wanted, ids, strict=True))


def _edges(output: bytes) -> Iterator[tuple[Change, ...]]:
    current: list[Change] | None = None
    at = 0
    while match := _ENTRY.match(output, at):
        at = match.end()
        if match["header"]:
            if current is not None:
                yield tuple(current)
            current = []
            continue
        assert current is not None
        path, before = os.fsdecode(match["path"]), None
        if match["kind"] in b"RC":
            second = _SECOND.match(output, at)
            assert second is not None
            at = second.end()
            path, before = os.fsdecode(second[1]), path
        old = match["old"] if match["before"] in _FILES else None
        new = match["new"] if match["after"] in _FILES else None
        current.append(Change(path, old, new, before, int(match["percent"] or 0) if before else 0))
    if current is not None:
        yield tuple(current)
