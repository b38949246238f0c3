"""The file in which a project keeps which of its migrations were applied, against what they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ssot_fix.audit.area import View
from ssot_fix.audit.model import Chain

_APPLIED = (
    "applied",
    "applied_migrations",
    "applied_revisions",
    "completed",
    "completed_migrations",
    "migrations",
    "revisions",
)
_CURRENT = ("current", "current_version", "current_revision", "head", "version", "revision")
_ID = ("id", "revision", "revision_id", "migration_id", "version", "name")


@dataclass(frozen=True, slots=True)
class _State:
    """What a state file says; None for what it says nothing of."""

    applied: tuple[str, ...] | None
    current: str | None


def with_state(view: View, chains: Sequence[Chain]) -> tuple[Chain, ...]:
    """The chains, one of them with what the configured state file says of it: the one that it has most ids of."""
    path = view.options.migration_state
    if not path or not chains:
        return tuple(chains)
    state = _read(view, path)
    ids = _ids(state) if isinstance(state, _State) else set[str]()
    about = max(chains, key=lambda chain: (len(ids & _known(chain)), len(chain.revisions)))
    said = (state,) if isinstance(state, str) else tuple(_sentences(path, state, about))
    return tuple(replace(chain, state=said) if chain is about else chain for chain in chains)


def _ids(state: _State) -> set[str]:
    return {*(state.applied or ()), *([state.current] if state.current else [])}


def _known(chain: Chain) -> set[str]:
    return {revision.id for revision in chain.revisions}


def _read(view: View, path: str) -> _State | str:
    """What the file says, or why that can't be told."""
    if path not in view.blobs:
        why = " (.gitignore names it)" if view.project.around.ignored((path,)) else ""
        return f"the state file {path} is not in the repository{why}: what was applied is not known from there"
    try:
        data = json.loads(view.read(path))
    except OSError:
        return f"the state file {path} can't be read"
    except (ValueError, RecursionError):
        return f"the state file {path} is not JSON"
    state = _state(data)
    return state if state is not None else f"the state file {path} says nothing of migrations that is understood"


def _state(data: object) -> _State | None:
    if isinstance(data, list):
        return _State(_listed(data), None)
    if not isinstance(data, dict):
        return None
    applied = next((_listed(data[key]) for key in _APPLIED if key in data), None)
    current = next((data[key] for key in _CURRENT if isinstance(data.get(key), str)), None)
    return _State(applied, current) if applied is not None or current else None


def _listed(data: object) -> tuple[str, ...] | None:
    """The ids of a list of ids, or of objects that have one; None if it holds anything else."""
    if not isinstance(data, list):
        return None
    ids = [_id(item) for item in data]
    return tuple(id_ for id_ in ids if id_ is not None) if None not in ids else None


def _id(item: object) -> str | None:
    if isinstance(item, dict):
        item = next((item[key] for key in _ID if isinstance(item.get(key), str)), None)
    return item if isinstance(item, str) else None


def _sentences(path: str, state: _State, chain: Chain) -> Iterator[str]:
    known = _known(chain)
    where = chain.path or "the root"
    if state.applied == () and not state.current and known:
        yield f"{path} shows no applied migrations, of {len(known)} in {where}"
        return
    if not chain.notes:
        for id_ in sorted(_ids(state) - known):
            yield f"{path} names {id_}, which no migration of {where} has"
    heads = ", ".join(chain.heads)
    if state.current and state.current in known and state.current not in chain.heads:
        yield f"{path} stands at {state.current}, not at the head ({heads})"
    elif state.applied is not None and not state.current:
        for id_ in chain.heads:
            if id_ not in state.applied:
                yield f"{path} does not list the head {id_} as applied"
