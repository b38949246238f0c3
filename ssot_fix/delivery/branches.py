"""Branches made of proposals, in git's object store: one commit per codemod."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ssot_fix.delivery.commands import Ran
from ssot_fix.delivery.message import commit_message, counted
from ssot_fix.delivery.proposals import Proposal
from ssot_fix.delivery.repository import Repository
from ssot_fix.delivery.split import PREFIX
from ssot_fix.delivery.standing import Standing, standing
from ssot_fix.delivery.verify import Verified, Verifier
from ssot_fix.engine.contract import Codemod
from ssot_fix.project.git import GitError, ask_git
from ssot_fix.report.diff import printable

_LINES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Trees:
    """What a proposal's commits hold: a tree for each of its codemods, and the hash of the plan."""

    codemods: tuple[str, ...]
    trees: tuple[str, ...]
    plan: str


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes commits on a base. `author` is `Name <mail>`, None for what git's settings say."""

    repository: Repository
    base: str
    catalog: Mapping[str, Codemod]
    headlines: Mapping[str, str]
    author: str | None = None

    def trees(self, proposal: Proposal) -> Trees:
        """Write a proposal's blobs and trees; a codemod that adds nothing to those before it gets none."""
        repository = self.repository
        texts = sorted({text for change in proposal.changes for _, text in change.texts})
        blobs = dict(zip(texts, repository.store(texts), strict=True))
        codemods, trees, tree = list[str](), list[str](), repository.tree(self.base)
        for count, codemod in enumerate(proposal.codemods, start=1):
            done = proposal.codemods[:count]
            files = [(change.path, change.mode, change.after(done)) for change in proposal.changes]
            changed = [(path, mode, blobs[text]) for path, mode, text in files if text in blobs]
            before, tree = tree, repository.tree_with(self.base, changed)
            if tree != before:
                codemods.append(codemod)
                trees.append(tree)
        return Trees(tuple(codemods), tuple(trees), repository.difference(self.base, tree))

    def commits(self, proposal: Proposal, trees: Trees) -> str:
        """Write the commits of a proposal, one on the other; the last one's id."""
        tip = self.base
        for name, tree in zip(trees.codemods, trees.trees, strict=True):
            message = commit_message(proposal, self.catalog[name], self.headlines, trees.plan, self.base)
            tip = self.repository.commit(tree, tip, message, self.author)
        return tip

    def is_built(self, found: Standing, trees: Trees) -> bool:
        """Whether a branch stands for just this plan on just this base."""
        return found.is_ours and (found.base, found.plan) == (self.base, trees.plan)


class Came(StrEnum):
    """What came of a branch."""

    CREATED = "created"
    MOVED = "moved"
    UNCHANGED = "unchanged"
    LEFT = "left"  # it is somebody else's
    BROKEN = "broken"  # a command passed before and fails after


@dataclass(frozen=True, slots=True)
class Branched:
    """A branch as it stands after a run; `why` says what a person has to know of one that was left."""

    proposal: Proposal
    came: Came
    commit: str | None
    plan: str = ""
    verified: tuple[Verified, ...] = ()
    why: str = ""

    @property
    def is_worry(self) -> bool:
        """Whether what was asked for could not be done."""
        return self.came in {Came.LEFT, Came.BROKEN}


def offer(builder: Builder, verifier: Verifier, proposal: Proposal) -> Branched:
    """Build a proposal and set its branch, unless that holds people's commits or a command fails on it.

    Raises GitError.
    """
    repository, name = builder.repository, proposal.branch
    trees = builder.trees(proposal)
    before = repository.branch(name)
    if before is not None:
        found = standing(repository, before)
        if builder.is_built(found, trees):
            verified = verifier.verify(before)
            why = f"{why_broken(verified)}; {name} stands there" if why_broken(verified) else ""
            came = Came.BROKEN if why else Came.UNCHANGED
            return Branched(proposal, came, before, trees.plan, verified, why)
        if why := _why_left(builder, name, found):
            return Branched(proposal, Came.LEFT, before, trees.plan, why=why)
    tip = builder.commits(proposal, trees)
    verified = verifier.verify(tip)
    if broken := why_broken(verified):
        why = f"{broken}; {name} was not set"
        return Branched(proposal, Came.BROKEN, None, trees.plan, verified, why)
    repository.set_branch(name, tip, before)
    return Branched(proposal, Came.MOVED if before else Came.CREATED, tip, trees.plan, verified)


def why_broken(verified: Sequence[Verified]) -> str:
    """Which command keeps a branch from being offered; empty if none does."""
    broken = [each.command for each in verified if each.is_broken]
    return f"`{broken[0]}` passes on the base and fails with the change" if broken else ""


def _why_left(builder: Builder, name: str, found: Standing) -> str:
    if folder := builder.repository.checked_out(name):
        return f"{name} is checked out in {folder}; check out another branch there, or use --name"
    if found.is_ours or has_nothing_of_its_own(builder.repository, name, found.tip, builder.base):
        return ""
    return f"{name} has commits that are not ours; use --name, or delete the branch: {told(found)}"


def has_nothing_of_its_own(repository: Repository, name: str, commit: str, base: str) -> bool:
    """Whether a branch of our name holds but commits of the base; of another name, it may be meant to."""
    is_behind = ask_git(repository.folder, "merge-base", "--is-ancestor", commit, base) is not None
    return is_behind and name.startswith(f"{PREFIX}/")


def told(found: Standing, most: int = 3) -> str:
    """Whose commits stand on a branch."""
    listed = [f"{commit.id[:10]} {commit.subject} ({commit.author})" for commit in found.strangers[:most]]
    more = len(found.strangers) - most
    return "; ".join([*listed, *([f"and {counted(more, 'commit')} more"] if more > 0 else [])])


def check_name(repository: Repository, name: str) -> None:
    """Raise GitError if a branch can't be called so."""
    # --branch alone takes `@{-1}`, which means another name.
    ways = (("--branch", name), (f"refs/heads/{name}",))
    if any(ask_git(repository.folder, "check-ref-format", *way) is None for way in ways):
        raise GitError(f"`{name}` can't be the name of a branch (git check-ref-format says what can)")
    if other := repository.in_the_way(name):
        raise GitError(f"there can't be a branch {name} beside {other}; rename that, or use --name")


def told_branch(branched: Branched) -> str:
    """What came of a branch, in a line."""
    proposal = branched.proposal
    if branched.why:
        return printable(branched.why)
    holds = f"{counted(len(proposal.changes), 'file')}, {counted(proposal.summary.total.rewritten, 'site')}"
    more = f"; {counted(proposal.left_out, 'more file')} when it is merged" if proposal.left_out else ""
    return f"{proposal.branch} {branched.came} at {(branched.commit or '')[:10]}: {holds}{more}"


def told_verified(verified: Iterable[Verified]) -> Iterator[str]:
    """What came of each command, in a line; of one that broke, also the last of what it printed."""
    for each in verified:
        yield f"`{printable(each.command)}` {_ended(each.before)} before, {_ended(each.after)} after"
        if each.is_broken:
            yield from (f"  | {printable(line)}" for line in each.after.tail.splitlines()[-_LINES_SHOWN:])


def _ended(ran: Ran) -> str:
    how = "passed" if ran.passed else "ran out of time" if ran.code is None else f"failed with {ran.code}"
    return f"{how} ({ran.seconds:.1f} s)"


def json_branches(base: str, branches: Sequence[Branched], notes: Sequence[str]) -> str:
    """The branches as one JSON object, with a final newline."""
    report = {"version": 1, "base": base, "branches": [_json(each) for each in branches], "notes": list(notes)}
    return json.dumps(report, indent=2) + "\n"


def _json(branched: Branched) -> dict[str, object]:
    proposal, total = branched.proposal, branched.proposal.summary.total
    return {
        "branch": proposal.branch,
        "action": branched.came.value,
        "commit": branched.commit,
        "plan": branched.plan,
        "codemods": list(proposal.codemods),
        "files": len(proposal.changes),
        "left_out": proposal.left_out,
        "rewritten": total.rewritten,
        "suppressed": total.suppressed,
        "refused": total.refused,
        "verify": [json_verified(each) for each in branched.verified],
        "why": branched.why or None,
    }


def json_verified(verified: Verified) -> dict[str, object]:
    """A command's two runs, with wall-clock seconds."""
    runs = {"before": verified.before, "after": verified.after}
    return {
        "command": verified.command,
        **{name: {"code": ran.code, "seconds": round(ran.seconds, 3)} for name, ran in runs.items()},
    }
