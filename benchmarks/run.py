"""Run the benchmarks and write docs/benchmarks.md with its charts: `python -m benchmarks.run`, or `make bench`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import accuracy, corpora, measure, planting, report, tools, trees

PARTS = ("tools", "large-file", "scaling")
SIZES = (1_000, 6_000, 25_000)
EDITED = 10
_SETTLED = 3  # seconds after which the status of a file tells whether it has changed
# Seconds after the start from which on a part begins no further round. Together with the rounds that are under way
# then, that is a quarter of an hour.
UNTIL = {"tools": 540, "large-file": 600, "scaling": 660}
DOCS = Path(__file__).resolve().parents[1] / "docs"


@dataclass(frozen=True, slots=True)
class Work:
    """What a run has: its folder, the trees and the truth, how many rounds, when it began."""

    cache: Path
    tree: trees.Tree
    sample: trees.Tree
    judged: trees.Tree
    truth: planting.Truth
    rounds: int
    started: float
    load: float

    def output(self, name: str) -> Path:
        """Where a command's output goes."""
        (self.cache / "output").mkdir(exist_ok=True)
        return self.cache / "output" / f"{name}.out"

    def late(self, part: str) -> bool:
        """Is it too late for another round of this part?"""
        return time.monotonic() - self.started > UNTIL[part]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for, keep it beside what was measured before, and write the report of all."""
    options = _options(arguments)
    cache: Path = options.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    try:
        work = _prepare(cache, options.rounds)
    except (corpora.Refused, OSError) as error:
        say(f"no corpora: {error}")
        return 1
    kept = cache / "results.json"
    results: dict[str, Any] = {}
    for part in options.only or PARTS:
        measured = {**_MEASURES[part](work), "machine": machine(work)}
        # Read only now: another part may have been measured meanwhile.
        results = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        results[part] = measured
        kept.write_text(json.dumps(results, indent=1), encoding="utf-8")
    report.write(results, DOCS)
    say(f"done: {DOCS / 'benchmarks.md'}")
    return 0


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


def machine(work: Work) -> dict[str, Any]:
    """Where and when figures were taken, in general terms."""
    return {
        "processors": os.cpu_count(),
        "system": sys.platform,
        "python": ".".join(map(str, sys.version_info[:3])),
        "date": datetime.now(UTC).date().isoformat(),
        "load": work.load,
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds at most (default: 5)")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this part only (repeatable)")
    parser.add_argument("--cache", type=Path, default=home / "ssot-fix-benchmarks", metavar="FOLDER")
    return parser.parse_args(arguments)


def _prepare(cache: Path, rounds: int) -> Work:
    started, load = time.monotonic(), os.getloadavg()[0]
    say("corpora: fetch, unpack, plant, commit")
    tree, truth = trees.planted_tree(cache)
    sample = trees.sample_tree(cache, tree)
    judged = trees.judged_tree(cache, tree, truth)
    trees.fresh(cache / "caches")
    return Work(cache, tree, sample, judged, truth, rounds, started, load)


def _measure_tools(work: Work) -> dict[str, Any]:
    entries, skipped = _installed(work)
    usable: dict[str, tools.Entry] = {}
    memory: dict[str, int | None] = {}
    for entry in entries:
        try:
            with _changes(work, entry, 0):
                memory[entry.key] = measure.peak_memory(_command(work, entry), work.output(entry.key))
            usable[entry.key] = entry
        except measure.Failed as error:
            skipped.append(f"{entry.tool}, {entry.what}: {error}")
        say(f"  {entry.key}: {'measured for memory' if entry.key in usable else skipped[-1]}")
    samples = _time(work, usable, skipped)
    rows = [_row(work, usable[key], taken, memory[key]) for key, taken in samples.items()]
    count = min(map(len, samples.values()), default=0)
    return {
        "rounds": count,
        "skipped": skipped,
        "rows": rows,
        "scores": _scores(work, [usable[key] for key in samples], skipped),
        **_corpus(work),
    }


def _installed(work: Work) -> tuple[list[tools.Entry], list[str]]:
    skipped: dict[str, str] = {}
    for entry in tools.entries():
        if entry.package is not None and entry.package.name not in skipped:
            try:
                tools.install(entry.package, work.cache)
            except (tools.CannotInstall, OSError) as error:
                skipped[entry.package.name] = f"{entry.tool}: {error}"
                say(f"  skipped: {entry.tool}: {error}")
    return [e for e in tools.entries() if e.package is None or e.package.name not in skipped], list(skipped.values())


def _time(work: Work, entries: dict[str, tools.Entry], skipped: list[str]) -> dict[str, list[measure.Sample]]:
    samples: dict[str, list[measure.Sample]] = {key: [] for key in entries}
    for number, key in measure.rounds(list(entries), work.rounds, lambda: work.late("tools")):
        if key not in samples:
            continue
        try:
            _prime(work, entries[key])
            with _changes(work, entries[key], number + 1):
                taken = measure.run(_command(work, entries[key]), work.output(key))
        except measure.Failed as error:
            del samples[key]
            skipped.append(f"{entries[key].tool}, {entries[key].what}: {error}")
            continue
        samples[key].append(taken)
        say(f"  round {number + 1}: {key}: {taken.wall:.2f} s, CPU {taken.cpu:.2f} s")
    return samples


def _prime(work: Work, entry: tools.Entry) -> None:
    """Have a cache know the tree as it is: files that have just changed are read again, so some time has to pass."""
    if entry.state in ("warm", "edited"):
        time.sleep(_SETTLED)
        measure.run(_command(work, entry), work.output(entry.key))


@contextmanager
def _changes(work: Work, entry: tools.Entry, number: int) -> Iterator[None]:
    """Have some files edited while an entry runs that is about that, and as they were afterwards."""
    if entry.state != "edited":
        yield
        return
    trees.edit(work.tree, trees.some(work.tree, EDITED), number)
    try:
        yield
    finally:
        trees.git(work.tree.root, "checkout", "--quiet", "--", ".")


def _command(work: Work, entry: tools.Entry) -> measure.Command:
    return tools.command(entry, _tree(work, entry).root, work.cache)


def _tree(work: Work, entry: tools.Entry) -> trees.Tree:
    return work.sample if entry.sample else work.tree


def _row(work: Work, entry: tools.Entry, samples: Sequence[measure.Sample], memory: int | None) -> dict[str, Any]:
    middle = measure.median(samples)
    version = entry.package.version if entry.package else None
    return {
        **{name: getattr(entry, name) for name in ("key", "tool", "what", "state", "sample")},
        **asdict(middle),
        "version": version,
        "memory": memory,
        "size": _tree(work, entry).size,
        "runs": [asdict(sample) for sample in samples],
    }


def _corpus(work: Work) -> dict[str, Any]:
    return {
        "files": len(work.tree.paths),
        "size": work.tree.size,
        "sample_files": len(work.sample.paths),
        "sample_size": work.sample.size,
        "planted": len(work.truth.reads),
        "judged_files": len(work.judged.paths),
        "judged_planted": len(work.truth.within(frozenset(work.judged.paths)).reads),
        "corpora": [f"{corpus.name} {corpus.version}" for corpus in corpora.CORPORA],
    }


def _scores(work: Work, entries: Sequence[tools.Entry], skipped: list[str]) -> list[dict[str, Any]]:
    found: dict[str, frozenset[accuracy.Place]] = {}
    asked = {entry.key: entry for entry in entries if entry.read and entry.state == "cold"}
    for key, entry in asked.items():
        try:
            found[key] = _found(work, entry)
        except measure.Failed as error:
            skipped.append(f"{entry.tool}, what it finds: {error}")
    ours = found.get("ssot-fix-cold", frozenset())
    return [_score(work, asked[key], places, ours) for key, places in found.items()]


def _score(
    work: Work, entry: tools.Entry, places: frozenset[accuracy.Place], ours: frozenset[accuracy.Place]
) -> dict[str, Any]:
    paths = frozenset((work.judged if entry.sample else work.tree).paths)
    reached = accuracy.score(places, work.truth.within(paths))
    own, ours_here = (_own(part, work.truth, paths) for part in (places, ours))
    return {
        **{name: getattr(entry, name) for name in ("tool", "what", "sample")},
        **asdict(reached),
        "precision": reached.precision,
        "recall": reached.recall,
        "own": len(own),
        "own_only": len(own - ours_here),
        "own_missed": len(ours_here - own),
    }


def _own(places: frozenset[accuracy.Place], truth: planting.Truth, paths: frozenset[str]) -> frozenset[accuracy.Place]:
    kept = (place for place in places - truth.planted if place[0] in paths)
    return frozenset(place for place in kept if place[0] not in planting.ACCESSOR)


def _found(work: Work, entry: tools.Entry) -> frozenset[accuracy.Place]:
    assert entry.read is not None
    output, root = work.output(entry.key), _tree(work, entry).root
    if entry.sample:
        root = work.judged.root
        measure.run(tools.command(entry, root, work.cache), output)
    out, err = (file.read_text(encoding="utf-8", errors="replace") for file in (output, output.with_suffix(".err")))
    return frozenset(entry.read(root, out, err))


def _measure_large_file(work: Work) -> dict[str, Any]:
    tree = trees.large_tree(work.cache)
    parse = next(entry for entry in tools.entries() if entry.key == "parse")
    checks = tools.Entry("large", "ssot-fix", "", tools.ssot_fix("--format", "json"))
    lines = {"ssot-fix": checks, "parse": parse}
    samples: dict[str, list[measure.Sample]] = {key: [] for key in lines}
    for number, key in measure.rounds(list(lines), work.rounds + 1, lambda: work.late("large-file")):
        taken = measure.run(tools.command(lines[key], tree.root, work.cache), work.output(f"large-{key}"))
        say(f"  5 MB, round {number}: {key}: {taken.wall:.2f} s, CPU {taken.cpu:.2f} s")
        samples[key].append(taken)
    return {"size": tree.size, **{key: asdict(measure.median(taken)) for key, taken in samples.items()}}


def _measure_scaling(work: Work) -> dict[str, Any]:
    return {"points": list(_points(work))}


def _points(work: Work) -> Iterator[dict[str, Any]]:
    for files in SIZES:
        tree = trees.copied_tree(work.cache, work.tree, files)
        states = ("cold", "warm") if tools.has_cache() else ("cold",)
        lines = {
            state: tools.Entry(state, "ssot-fix", "", tools.ssot_fix(state=state), state=state) for state in states
        }
        samples: dict[str, list[measure.Sample]] = {state: [] for state in states}
        # The first round fills the caches, that of the system for files, too.
        for number, state in measure.rounds(states, min(work.rounds, 3) + 1, lambda: work.late("scaling")):
            taken = measure.run(tools.command(lines[state], tree.root, work.cache), work.output(f"scaling-{state}"))
            say(f"  {files} files, round {number}: {state}: {taken.wall:.2f} s, CPU {taken.cpu:.2f} s")
            samples[state].append(taken)
        medians = {state: asdict(measure.median(taken[1:] or taken)) for state, taken in samples.items()}
        yield {"files": len(tree.paths), "size": tree.size, **medians}
        trees.remove(tree)


_MEASURES = {"tools": _measure_tools, "large-file": _measure_large_file, "scaling": _measure_scaling}

if __name__ == "__main__":
    sys.exit(main())
