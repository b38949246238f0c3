"""Alembic's migrations: the chains that they make up, and what is wrong with those.

Followed rules: https://alembic.sqlalchemy.org/en/latest/branches.html and tutorial.html#editing-the-ini-file.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ssot_fix.audit.area import View
from ssot_fix.audit.areas.migrations_headers import Given, Header, look, resolved
from ssot_fix.audit.areas.migrations_settings import Location, holds_anything, locations
from ssot_fix.audit.areas.migrations_state import with_state
from ssot_fix.audit.model import Chain, Finding, Place, Revision

__all__ = ["NAME", "chains", "findings", "look"]
NAME = "migrations"
_FILE = re.compile(r"(?!\.#|__init__).*\.py")  # alembic.script.base, _only_source_rev_file


def chains(view: View) -> tuple[Chain, ...]:
    """The chains of all script locations, in the order of their paths.

    Locations are those that alembic.ini, pyproject.toml and the settings name, and folders with a folder `versions`
    that holds migrations.
    """
    named = locations(view)
    held = {folder for location in named for folder in location.folders}
    found = [_chain(view, location) for location in (*named, *_looking_like_one(view, held))]
    return with_state(view, sorted(found, key=lambda chain: chain.path))


def findings(found: Iterable[Chain]) -> tuple[Finding, ...]:
    """What is wrong with chains, chain by chain."""
    return tuple(finding for chain in found for finding in _findings(chain))


# Where migrations lie


def _looking_like_one(view: View, held: set[str]) -> Iterator[Location]:
    """The folders that no setting names and that hold migrations in a folder `versions`."""
    folders = {posixpath.dirname(path) for path in view.python if "versions/" in path}
    for folder in sorted(folders - held):
        if posixpath.basename(folder) != "versions" or _is_below(folder, held):
            continue
        if any(_is_migration(view, path) for path in _files(view, folder, deep=False)):
            yield Location(posixpath.dirname(folder), (folder,))


def _is_below(folder: str, held: set[str]) -> bool:
    return any(folder.startswith(f"{other}/") for other in held)


def _is_migration(view: View, path: str) -> bool:
    header = view.facts(NAME, path)
    return isinstance(header, Header) and header.revision is not None and header.down is not None


def _files(view: View, folder: str, *, deep: bool) -> list[str]:
    """The files of a folder that Alembic reads."""
    start = f"{folder}/" if folder else ""
    inside = (path for path in view.python if path.startswith(start))
    return [
        path
        for path in inside
        if (deep or "/" not in path[len(start) :]) and _FILE.fullmatch(posixpath.basename(path))
    ]


# What they make up


@dataclass(slots=True)
class _Read:
    """What the files of a location tell: the migrations, and what could not be told."""

    revisions: list[Revision]
    unknown_ids: list[str]
    unknown_downs: list[str]


def _chain(view: View, location: Location) -> Chain:
    read = _read(view, location)
    ids = Counter(revision.id for revision in read.revisions)
    followers = Counter(down for revision in read.revisions for down in set(revision.down))
    return Chain(
        path=location.path,
        revisions=tuple(read.revisions),
        heads=tuple(sorted(ids.keys() - followers.keys())),
        branches=tuple(sorted(id_ for id_, count in followers.items() if count > 1 and id_ in ids)),
        duplicates=tuple(sorted(id_ for id_, count in ids.items() if count > 1)),
        missing=() if read.unknown_ids else tuple(sorted(followers.keys() - ids.keys())),
        has_env=_join(location.path, "env.py") in view.blobs or not _is_in_sight(view, location.path),
        is_there=holds_anything(view, location.path),
        named=location.named,
        notes=tuple(_notes(read)),
    )


def _read(view: View, location: Location) -> _Read:
    read = _Read([], [], [])
    paths = {path for folder in location.folders for path in _files(view, folder, deep=location.is_deep)}
    for path in sorted(paths):
        header = view.facts(NAME, path)
        if isinstance(header, Header) and header.revision is not None:
            _add(view, path, header, header.revision, read)
        else:
            read.unknown_ids.append(path)
    return read


def _add(view: View, path: str, header: Header, revision: Given, read: _Read) -> None:
    ids = resolved(view.project, path, revision)
    if ids is None or len(ids) != 1:
        read.unknown_ids.append(path)
        return
    down = resolved(view.project, path, header.down)
    if down is None:
        read.unknown_downs.append(path)
    labels = resolved(view.project, path, header.labels) or ()
    read.revisions.append(Revision(ids[0], down or (), _place(view, path, revision.line), labels))


def _notes(read: _Read) -> Iterator[str]:
    for path in read.unknown_ids:
        yield f"{path}: the id of this migration can't be told"
    for path in read.unknown_downs:
        yield f"{path}: what this migration follows can't be told"


def _is_in_sight(view: View, path: str) -> bool:
    """Whether the folder's files can be told: behind a link or in a submodule they can't."""
    return not path or any(file.startswith(f"{path}/") for file in view.blobs)


def _place(view: View, path: str, line: int) -> Place:
    return Place(path, line, view.scope(path), view.service(path))


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


# What is wrong


def _findings(chain: Chain) -> Iterator[Finding]:
    if not chain.is_there:
        for place in chain.named:
            text = f"names {chain.path}, a folder that is not in the repository"
            yield _finding("missing-location", place, chain.path, text)
        return
    yield from _no_env(chain)
    yield from _several_heads(chain)
    for id_ in chain.duplicates:
        places = [revision.place for revision in chain.revisions if revision.id == id_]
        text = f"{_files_of(places)} have the id {id_}"
        yield _finding("duplicate-id", places[1], id_, text)
    for revision in chain.revisions:
        for id_ in revision.down:
            if id_ in chain.missing:
                text = f"{revision.id} follows {id_}, which no migration of {chain.path or 'the root'} has"
                yield _finding("missing-id", revision.place, id_, text)
    at = _places(chain)[0] if _places(chain) else Place("", 0)
    for text in chain.state:
        yield _finding("state", at._replace(path=chain.path, line=0), chain.path, text)


def _finding(kind: str, place: Place, subject: str, message: str) -> Finding:
    path, line, scope, service = place
    return Finding(NAME, kind, path, line, subject, message, scope, service=service)


def _places(chain: Chain) -> list[Place]:
    """What names a chain, and its migrations."""
    return [*chain.named, *(revision.place for revision in chain.revisions)]


def _no_env(chain: Chain) -> Iterator[Finding]:
    if chain.has_env or not _places(chain):
        return
    text = f"{chain.path or 'the root'} is a script location without env.py: Alembic can't run there"
    yield _finding("no-env", _places(chain)[0], chain.path, text)


def _several_heads(chain: Chain) -> Iterator[Finding]:
    if not has_several_heads(chain):
        return
    place = next(revision.place for revision in chain.revisions if revision.id == chain.heads[0])
    text = f"{len(chain.heads)} heads ({', '.join(chain.heads)}): `alembic upgrade head` refuses to choose"
    yield _finding("several-heads", place, ", ".join(chain.heads), text)


def has_several_heads(chain: Chain) -> bool:
    """Whether there are several heads, but for branches with labels, which independent chains have on purpose."""
    if len(chain.heads) < 2 or chain.notes:
        return False
    return sum(not _is_labelled(chain.revisions, head) for head in chain.heads) > 1


def _is_labelled(revisions: Sequence[Revision], head: str) -> bool:
    """Whether a head or something below it has a branch label."""
    below = {revision.id: revision for revision in revisions}
    seen, waiting = set[str](), [head]
    while waiting:
        id_ = waiting.pop()
        if id_ in seen or id_ not in below:
            continue
        seen.add(id_)
        if below[id_].branch_labels:
            return True
        waiting += below[id_].down
    return False


def _files_of(places: Sequence[Place]) -> str:
    return " and ".join(place.path for place in places)
