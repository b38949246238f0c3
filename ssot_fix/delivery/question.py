"""What a run is asked for, as far as it tells which branches and pull requests are its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ssot_fix.delivery.body import command_line
from ssot_fix.delivery.forge import ForgeError
from ssot_fix.delivery.proposals import Proposals
from ssot_fix.delivery.pull_requests import Action, Delivered, Deliverer
from ssot_fix.delivery.remote import Remote
from ssot_fix.delivery.split import branch_name
from ssot_fix.project.git import GitError


@dataclass(frozen=True, slots=True)
class Question:
    """The branch that is asked about ("": the default one), and by which codemods (none: all), which name and split.

    `options` are further ones of the command line, for whoever wants to run it again.
    """

    base: str
    codemods: tuple[str, ...] = ()
    name: str | None = None
    split: str | None = None
    options: tuple[str, ...] = ()

    def key(self) -> str:
        """A hash that is the same for the same question."""
        asked = [self.base, self.codemods, self.name, self.split]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]

    def covers(self, branch: str) -> bool:
        """Whether a branch may be one of its own, by its name."""
        prefix = branch_name(self.name, self.codemods, self.split, "")
        return branch.startswith(prefix) if self.split else branch == prefix

    def of(self, part: str) -> Question:
        """The question that one part of the answer answers by itself."""
        if self.split == "codemod" and self.name is None:
            return replace(self, codemods=(part,), split=None)
        return self

    def command(self) -> str:
        """The command line that asks it."""
        arguments = ["--base", self.base, *(word for name in self.codemods for word in ("--codemod", name))]
        for option, value in (("--name", self.name), ("--split", self.split)):
            arguments += [option, value] if value else []
        return command_line([*arguments, *self.options])


def fetched(remote: Remote, question: Question) -> tuple[Question, dict[str, str]]:
    """The question with its base (none: the remote's default), and the commits of it and of all that may be ours.

    Raises GitError.
    """
    default, heads = remote.heads()
    base = question.base or default
    if base is None or base not in heads:
        what = f"has no branch called `{base}`" if base else "does not say which branch is its default"
        raise GitError(f"{remote.name} {what}; --base names the branch to build on")
    return replace(question, base=base), remote.fetch(dict.fromkeys([base, *filter(question.covers, heads)]))


def deliveries(deliverer: Deliverer, question: Question, made: Proposals) -> Iterator[Delivered]:
    """Deliver all proposals, and tidy up what nothing is left to do for; one after the other, as it is asked for."""
    yield from map(deliverer.deliver, made.proposals)
    if made.failed:
        deliverer.notes.append("some files could not be looked at, so no pull request is taken for done")
        return
    found = [branch for branch in deliverer.heads if question.covers(branch)]
    try:
        yield from deliverer.finish(found, [deliverer.base, *(proposal.branch for proposal in made.proposals)])
    except ForgeError as error:
        yield Delivered(
            question.base, Action.FAILED, why=f"what is left of other pull requests can't be told: {error}"
        )
