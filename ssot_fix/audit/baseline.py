"""The baseline: a file of the sites that are known. With it, a check fails for new ones only; it can only shrink.

Sites are told apart by area, kind, path and subject, never by line, and counted; each stands on a line of its own, so
that changes of the file are easy to read and to merge.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ssot_fix.audit.model import Finding
from ssot_fix.audit.summary import is_open

_VERSION = 1
_FIELDS = ("area", "kind", "path", "subject")
_START = re.compile(r"[^\s,]")  # of an entry, or the end of the list
_NOT_ASCII = re.compile(r"[^\x20-\x7e\n]")
_AGAIN = "bring back the committed version (`git checkout -- {}`), or delete it and begin anew with --update-baseline"


class BaselineError(Exception):
    """A baseline can't be read or written; the message names the file, the line if there is one, and the way out."""


class Known(NamedTuple):
    """What a baseline holds: sites that are told apart no further."""

    area: str
    kind: str
    path: str
    subject: str


Baseline = Mapping[Known, int]  # how many there are of each


@dataclass(frozen=True, slots=True)
class New:
    """Sites that the baseline does not hold: `count` more than it knows, among those in `lines`."""

    site: Known
    count: int
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """Sites that the baseline holds and that are gone: `count` of them."""

    site: Known
    count: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a project differs from its baseline, in the order of the sites."""

    new: tuple[New, ...] = ()
    fixed: tuple[Fixed, ...] = ()


def known(findings: Iterable[Finding]) -> Baseline:
    """A baseline to begin with: all findings that something is to be done about."""
    return Counter(_key(finding) for finding in findings if is_open(finding))


def compare(baseline: Baseline, findings: Iterable[Finding]) -> Comparison:
    """What is new, and what is fixed."""
    lines: dict[Known, list[int]] = {}
    for finding in filter(is_open, findings):
        lines.setdefault(_key(finding), []).append(finding.line)
    new, fixed = [], []
    for site in sorted({*baseline, *lines}):
        there, held = sorted(lines.get(site, ())), baseline.get(site, 0)
        if len(there) > held:
            new.append(New(site, len(there) - held, tuple(there)))
        elif held > len(there):
            fixed.append(Fixed(site, held - len(there)))
    return Comparison(tuple(new), tuple(fixed))


def updated(baseline: Baseline, findings: Iterable[Finding]) -> Baseline:
    """The baseline without what is fixed. Nothing is ever added."""
    gone = {each.site: each.count for each in compare(baseline, findings).fixed}
    return {site: count - gone.get(site, 0) for site, count in baseline.items() if count > gone.get(site, 0)}


def told(comparison: Comparison) -> Iterator[str]:
    """What to say of a comparison, a line for each site: new ones first, as `path:line`."""
    for new in comparison.new:
        where = f"{new.site.path}:{new.lines[0]}" if new.lines[0] else new.site.path
        among = f", {new.count} of {len(new.lines)} here" if len(new.lines) > 1 else ""
        yield f"{where}: not in the baseline: {_shown(new.site)}{among}"
    for fixed in comparison.fixed:
        times = f" ({fixed.count} times)" if fixed.count > 1 else ""
        yield f"{fixed.site.path}: fixed, --update-baseline drops it: {_shown(fixed.site)}{times}"


def _shown(site: Known) -> str:
    return f"{site.area} {site.kind}, {site.subject}"


def _key(finding: Finding) -> Known:
    return Known(finding.area, finding.kind, finding.path, finding.subject)


# The file


def load(path: Path) -> Baseline | None:
    """Read a baseline; None if there is no such file.

    Raises BaselineError.
    """
    try:
        return read(path.read_bytes(), str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BaselineError(f"{path}: the baseline can't be read: {error.strerror}") from error


def read(data: bytes, name: str) -> Baseline:
    """The baseline that a file holds; `name` is the file's, for messages.

    Raises BaselineError.
    """
    way_out = _AGAIN.format(name)
    try:
        text = data.decode("utf-8-sig")
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise BaselineError(f"{name}:{error.lineno}: not valid JSON: {error.msg}; {way_out}") from None
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"{name}: not valid JSON: {error}; {way_out}") from None
    if not isinstance(whole, dict) or not isinstance(whole.get("findings"), list):
        raise BaselineError(f"{name}: no baseline: it has no list `findings`; {way_out}")
    if whole.get("version") != _VERSION:
        told = f"{name}: a baseline of version {whole.get('version')!r}, and this ssot-fix knows {_VERSION}"
        raise BaselineError(f"{told}; use the ssot-fix that wrote it, or {way_out}")
    return _entries(whole["findings"], text, name)


def _entries(entries: list[Any], text: str, name: str) -> Baseline:
    found: dict[Known, int] = {}
    for number, entry in enumerate(entries):
        wrong = _wrong(entry)
        if not wrong:
            site = Known(*(entry[field] for field in _FIELDS))
            wrong = "it stands here for the second time" if site in found else ""
            found[site] = entry["count"]
        if wrong:
            raise BaselineError(f"{name}:{_line(text, number)}: {wrong}; mend this line, or {_AGAIN.format(name)}")
    return found


def _wrong(entry: object) -> str:
    """What is wrong with an entry; empty if nothing is."""
    if not isinstance(entry, dict) or entry.keys() != {*_FIELDS, "count"}:
        return f"an entry has {', '.join(_FIELDS)} and count, and nothing else"
    if not all(isinstance(entry[field], str) for field in _FIELDS):
        return f"{', '.join(_FIELDS)} are texts"
    if type(entry["count"]) is not int or entry["count"] < 1:
        return "count is a number from 1"
    return ""


def _line(text: str, number: int) -> int:
    """The line, from 1, of an entry, from 0: the file may have been laid out anew."""
    decoder = json.JSONDecoder()
    try:
        at = _START.search(text, text.index("[", text.index('"findings"')) + 1)
        for _ in range(number):
            at = _START.search(text, decoder.raw_decode(text, at.start() if at else 0)[1])
    except ValueError:  # the list is there twice, or its name is written with escapes
        at = None
    return text.count("\n", 0, at.start() if at else 0) + 1


def dump(baseline: Baseline) -> bytes:
    """A baseline as a file's bytes: sorted, one site a line."""
    entries = (dict(zip(_FIELDS, site, strict=True)) | {"count": count} for site, count in sorted(baseline.items()))
    lines = ",".join(f"\n    {json.dumps(entry, ensure_ascii=False)}" for entry in entries)
    text = f'{{\n  "version": {_VERSION},\n  "findings": [{lines}{chr(10) + "  " if lines else ""}]\n}}\n'
    return _NOT_ASCII.sub(_escaped, text).encode()


def _escaped(match: re.Match[str]) -> str:
    """A character as it is, if it can be seen: none turns a line of the file around, or is half a one."""
    return match[0] if match[0].isprintable() else json.dumps(match[0])[1:-1]


def save(path: Path, baseline: Baseline) -> None:
    """Write a baseline: at any moment the file is the old one or the new one in full.

    Raises BaselineError: the file is as it was.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{os.urandom(8).hex()}.ssot-fix-tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(dump(baseline))
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(FileNotFoundError):
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    except OSError as error:
        way_out = "make its folder" if error.errno == errno.ENOENT else "make it and its folder writable"
        raise BaselineError(f"{path} was not written: {error.strerror}; {way_out}, and run again") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
