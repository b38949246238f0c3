"""What a pull request's body holds for the next run, unseen: the bot keeps no database."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from ssot_fix.edits import Finding, Status

_OPENING, _CLOSING = "<!-- ssot-fix ", " -->"
# Of more sites than this a sample stands in the body: 4,000 take 16,000 of its 65,536 characters.
_MOST_SITES = 4000
_BYTES = 3  # of a site's fingerprint


@dataclass(frozen=True, slots=True)
class Marker:
    """What a pull request was made of.

    `branch` is its own: a marker that somebody has copied into another body means nothing there. `plan` and `base` are
    those of the branch, `question` tells which run it belongs to, `codemods` have something on it. `wanted` is a hash
    of all that was to be seen of it; `draft`, `labels` and `reviewers` are what was asked for, and `settled` says that
    all of that was done. `sites` are the fingerprints of what it rewrites. `finished` says that we closed it.
    """

    branch: str
    plan: str
    base: str
    question: str
    wanted: str
    codemods: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    sites: str = ""
    draft: bool = False
    settled: bool = True
    finished: bool = False

    def text(self) -> str:
        """As it stands in a body. A comment may hold no two dashes, so there is none at all."""
        written = json.dumps(asdict(self)).replace("-", r"\u002d").replace(">", r"\u003e")
        return f"{_OPENING}{written}{_CLOSING}"


def read_marker(body: str, branch: str) -> Marker | None:
    """The marker in the body of a branch's pull request; None if there is none of its own that we know how to read."""
    _, opening, rest = body.rpartition(_OPENING)
    text, closing, _ = rest.partition(_CLOSING)
    try:
        values = json.loads(text) if opening and closing else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict) or values.get("branch") != branch:
        return None
    kinds = {field.name: str(field.type) for field in fields(Marker)}
    known = {name: values[name] for name in kinds if name in values}
    if not all(_is_of(kinds[name], value) for name, value in known.items()):
        return None
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
    try:
        return Marker(**given)
    except TypeError:  # something is missing
        return None


def without_marker(body: str) -> str:
    """What of a body people see."""
    return body.rpartition(_OPENING)[0].rstrip()


def _is_of(kind: str, value: object) -> bool:
    if kind.startswith("tuple"):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, bool if kind == "bool" else str)


def fingerprints(findings: Iterable[Finding]) -> frozenset[int]:
    """What tells each rewritten site from all others, wherever in its file it stands."""
    seen: Counter[tuple[str, str, str, str | None]] = Counter()
    found = set()
    for finding in findings:
        if finding.status is Status.REWRITTEN:
            site = (finding.codemod, finding.path, finding.kind, finding.replacement)
            seen[site] += 1
            told = json.dumps([*site, seen[site]]).encode("utf-8", "surrogateescape")
            found.add(int.from_bytes(hashlib.sha256(told).digest()[:_BYTES], "big"))
    return frozenset(found)


def sketch(sites: Iterable[int]) -> str:
    """Fingerprints as text: all of them, or of very many those with the lowest values."""
    lowest = sorted(sites)[:_MOST_SITES]
    return base64.b64encode(b"".join(site.to_bytes(_BYTES, "big") for site in lowest)).decode()


def has_new(sites: Iterable[int], sketches: Iterable[str]) -> bool:
    """Whether there are sites that none of the sketches has, as far as these can tell."""
    known, reach = set[int](), 1 << 8 * _BYTES
    for text in sketches:
        held = _unfolded(text)
        known |= held
        reach = min(reach, max(held)) if len(held) == _MOST_SITES else reach
    return any(site not in known and site <= reach for site in sites)


def _unfolded(text: str) -> set[int]:
    try:
        data = base64.b64decode(text)
    except ValueError:
        return set()
    return {int.from_bytes(data[place : place + _BYTES], "big") for place in range(0, len(data), _BYTES)}
