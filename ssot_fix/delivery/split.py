"""Which files go into which branch: all into one, or by top-level directory or owner."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ssot_fix.delivery.repository import Repository
from ssot_fix.project.owners import PLACES, code_owners

PREFIX = "ssot-fix"
_AT_THE_TOP = "top-level"
_NOBODY = "unowned"


@dataclass(frozen=True, slots=True)
class Part:
    """One share of the work: `key` tells it from the others, `title` is for people.

    `reviewers` are names of people and teams (`org/team`), without `@`.
    """

    key: str = ""
    title: str = ""
    reviewers: tuple[str, ...] = ()


PartOf = Callable[[str], Part]


def all_together(_path: str) -> Part:
    """Every file in one part."""
    return Part()


def by_directory(path: str) -> Part:
    """A file's top-level directory."""
    top, slash, _ = path.partition("/")
    if not slash:
        return Part(_AT_THE_TOP, "at the top level")
    return Part(f"{top}/" if top == _AT_THE_TOP else top, f"in {top}/")


def by_owner(repository: Repository, commit: str, notes: list[str]) -> PartOf:
    """A file's owners, by the CODEOWNERS file of a commit. Files with the same owners go together."""
    text = next((text for path in PLACES if (text := repository.text(commit, path)) is not None), None)
    if text is None:
        notes.append(f"no {', '.join(PLACES)}: everything goes into one branch, without an owner")
        text = b""
    owners = code_owners(text)

    def part(path: str) -> Part:
        found = sorted({(kind, name) for kind, name in owners.of(path)})
        if not found:
            return Part(_NOBODY, "that nobody owns")
        names = [name.removeprefix("@") for _, name in found]
        people = tuple(name.removeprefix("@") for kind, name in found if kind != "EMAIL")
        # No owner's name holds a space; a mail address may hold nearly all else.
        return Part(" ".join(names) if names != [_NOBODY] else found[0][1], f"owned by {' and '.join(names)}", people)

    return part


def branch_name(name: str | None, codemods: Sequence[str], how: str | None, key: str) -> str:
    """The branch of a part: always the same for the same question, whatever the answer.

    `name` is the one that was asked for, `codemods` those that were, `how` the way of splitting.
    """
    together = "+".join(codemods) or "all"
    if how is None:
        return name or f"{PREFIX}/{together}"
    if how == "codemod":
        return f"{name}-{_slug(key)}" if name else f"{PREFIX}/{_slug(key)}"
    return f"{name or f'{PREFIX}/{together}'}-{_slug(key)}"


def _slug(key: str) -> str:
    """A key as a part of a branch's name; what had to be changed gets a hash, so that two keys never meet."""
    slug = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")[:60]
    if slug == key or not key:
        return slug
    return f"{slug or 'part'}-{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:6]}"
