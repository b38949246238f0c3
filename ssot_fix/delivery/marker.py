"""What a pull request's body holds for the next run, unseen: the bot keeps no database."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from ssot_fix.edits import Finding, Status

_MARKER = re.compile(r"<!-- ssot-fix (\{.*?\}) -->", re.DOTALL)
# Of more sites than this a sample stands in the body: 4,000 take 16,000 of its 65,536 characters.
_MOST_SITES = 4000
_TEXTS = ("plan", "base", "question", "wanted", "sites")
_BYTES = 3  # of a site's fingerprint


@dataclass(frozen=True, slots=True)
class Marker:
    """What a pull request was made of.

    `plan` and `base` are those of its branch, `question` tells which run it belongs to. `wanted` is a hash of all that
    was to be seen of it, `labels` and `reviewers` those that were asked for; `settled` says that all of that was done.
    `sites` are the fingerprints of what it rewrites. `finished` says that we closed it, and nobody else.
    """

    plan: str
    base: str
    question: str
    wanted: str
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    sites: str = ""
    settled: bool = True
    finished: bool = False

    def text(self) -> str:
        """As it stands in a body. A comment may hold no two dashes, so there is none at all."""
        written = json.dumps(asdict(self)).replace("-", r"\u002d").replace(">", r"\u003e")
        return f"<!-- ssot-fix {written} -->"


def read_marker(body: str) -> Marker | None:
    """The marker of a body; None if there is none that we know how to read."""
    found = _MARKER.findall(body)
    try:
        values = json.loads(found[-1]) if found else None
    except ValueError:
        return None
    if not isinstance(values, dict) or not all(isinstance(values.get(name), str) for name in _TEXTS):
        return None
    lists = {name: tuple(map(str, values.get(name) or ())) for name in ("labels", "reviewers")}
    known = {field.name for field in fields(Marker)}
    return Marker(**{name: value for name, value in values.items() if name in known} | lists)


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
