"""What was measured, as a page with charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.charts import Bar, Curve, bar_chart, line_chart
from benchmarks.planting import READS
from benchmarks.trees import WANTED

Row = Mapping[str, Any]
_SAME_WORK = "ssot-fix-cold"

_INTRODUCTION = """\
# Benchmarks

Written by `make bench`; do not edit. Seconds mean little by themselves: compare them within a table, where everything
was measured in the same run.
"""
_METHOD = """\
## How

The code: source distributions from PyPI, pinned by hash ({corpora}), {files:,} Python files, {size:.0f} MB, in one git
repository. Nothing of them is run. Reads of the environment are planted with a seeded generator until each of them has
{wanted} mentions of `os.environ` or `os.getenv`: {planted:,} reads in {shapes} shapes (aliases, `from` imports, local
imports, f-strings, several lines), and as many decoys (strings, comments, parameters, local names, functions and
attributes of the same name), half in modules of their own, half at the end of modules that were there.

The work: find every `os.getenv(...)`, `os.environ.get(...)` and `os.environ[...]` that is read, and print what it
would become, where the tool can. ssot-fix looks into test code, too, and proves what it prints; "all codemods" is its
ordinary run, three more codemods with it. Ruff has no rule of that kind: TID251 bans the two names, which is the
nearest, and it changes nothing. ast-grep has three patterns, Bowler three, LibCST's runner a codemod that asks for
qualified names. `ast.parse` is no tool: it is what parsing everything costs.

The rounds: every tool once, then every tool again, up to {rounds} times. The table has the medians. *Cold* is without
any cache of results, *warm* with nothing changed since the run before, *edited* with ten files changed since then; the
system has the files in memory in all cases. CPU seconds and memory are those of all processes together, memory from a
run of its own (pages that processes share are counted once). Tools in Python may use their bytecode.

LibCST's runner and Bowler are slow, so they are timed on a random part of {sample_files} files, {sample_size:.1f} MB.
What the table says of them is marked with ≈ and computed by bytes. What they find is looked at in a run of its own,
over {judged_files} files with {judged_planted} of the planted reads.
"""


def write(results: Mapping[str, Any], folder: Path) -> None:
    """Write benchmarks.md and its charts; a part that was not measured is left out."""
    parts = [_INTRODUCTION]
    if "tools" in results:
        parts += _tools(results["tools"])
        (folder / "benchmarks.svg").write_text(_bars(results["tools"]), encoding="utf-8")
    if "large-file" in results:
        parts += _large_file(results["large-file"])
    if "scaling" in results:
        parts += _scaling(results["scaling"])
        (folder / "benchmarks-scaling.svg").write_text(_curve(results["scaling"]), encoding="utf-8")
    if "tools" in results:
        parts.append(_method(results["tools"]))
    (folder / "benchmarks.md").write_text("\n".join(parts), encoding="utf-8")


def seconds(value: float) -> str:
    """A duration with as many digits as mean something."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _tools(part: Row) -> Iterator[str]:
    yield f"## Beside others\n\n{_conditions(part)}\n"
    yield "![Wall seconds by tool](benchmarks.svg)\n"
    yield from _table(
        ("tool", "work", "", "wall, s", "CPU, s", "wall, times ssot-fix", "CPU, times ssot-fix", "memory, MB"),
        (_tool(row, part) for row in part["rows"]),
    )
    yield from _goals({row["key"]: row for row in part["rows"]})
    yield from (f"Left out: {reason}.\n" for reason in part["skipped"])
    yield from _accuracy(part)


def _tool(row: Row, part: Row) -> Sequence[str]:
    name = f"{row['tool']} {row['version'] or ''}".strip()
    about = "≈ " if row["sample"] else ""
    ours = next((other for other in part["rows"] if other["key"] == _SAME_WORK), None)
    ratios = [_scaled(row, part, kind) / ours[kind] if ours else None for kind in ("wall", "cpu")]
    return (
        name,
        row["what"],
        row["state"],
        *(about + seconds(_scaled(row, part, kind)) for kind in ("wall", "cpu")),
        *("" if ratio is None else f"{about}{seconds(ratio)}" for ratio in ratios),
        "" if row["memory"] is None else f"{row['memory'] / 1e6:.0f}",
    )


def _scaled(row: Row, part: Row, kind: str) -> float:
    """Seconds for all of the code."""
    return float(row[kind]) * float(part["size"]) / float(row["size"])


def _goals(rows: Mapping[str, Row]) -> Iterator[str]:
    pairs = (
        ("All codemods, cold, take {} times what Ruff takes, cold", "ssot-fix-all-cold", "ruff-cold"),
        ("warm, {} times", "ssot-fix-all-warm", "ruff-cold"),
    )
    said = [
        text.format(seconds(rows[ours]["wall"] / rows[other]["wall"]))
        for text, ours, other in pairs
        if ours in rows and other in rows
    ]
    if {"ssot-fix-all-warm", "ssot-fix-all-edited"} <= rows.keys():
        more = rows["ssot-fix-all-edited"]["wall"] - rows["ssot-fix-all-warm"]["wall"]
        said.append(f"ten edited files add {more:.2f} s")
    if said:
        yield "; ".join(said) + ".\n"


def _accuracy(part: Row) -> Iterator[str]:
    yield "## What they found\n"
    yield from _table(
        ("tool", "planted reads found", "recall", "false", "precision", "own sites", "not by ssot-fix", "missing"),
        (_scored(score, part) for score in part["scores"]),
    )
    yield (
        "*Own sites* are what a tool reports in the code as it was published, for which nobody has said what is\n"
        "right: beside it, how many of them ssot-fix does not report, and how many of those of ssot-fix it does not.\n"
        "Ruff can't tell reads from other uses, and reports `from os import getenv` at the import only, which counts\n"
        "neither for nor against it.\n"
    )


def _scored(score: Row, part: Row) -> Sequence[str]:
    shares = ["" if score[name] is None else f"{100 * score[name]:.1f} %" for name in ("recall", "precision")]
    found = f"{score['found']:,} of {score['found'] + score['missed']:,}"
    where = f" ({part['judged_files']} files)" if score["sample"] else ""
    own = (str(score[name]) for name in ("own", "own_only", "own_missed"))
    return (score["tool"] + where, found, shares[0], str(score["false"]), shares[1], *own)


def _large_file(part: Row) -> Iterator[str]:
    ours, parse = part["ssot-fix"], part["parse"]
    yield (
        "## One large file\n\n"
        f"A generated file of {part['size'] / 1e6:.1f} MB with some reads in it, the start of the "
        f"process included:\nssot-fix, all codemods, cold, {seconds(ours['wall'])} s (CPU {seconds(ours['cpu'])} s); "
        f"`ast.parse` {seconds(parse['wall'])} s (CPU {seconds(parse['cpu'])} s).\n"
        f"That is {seconds(ours['cpu'] / parse['cpu'])} times its CPU time.\n"
    )


def _scaling(part: Row) -> Iterator[str]:
    yield "## As code grows\n\n![Wall seconds by files](benchmarks-scaling.svg)\n"
    states = [state for state in ("cold", "warm") if state in part["points"][0]]
    columns = [f"{state}, {kind}" for state in states for kind in ("wall, s", "CPU, s", "CPU, ms per file")]
    yield from _table(
        ("files", "MB", *columns), ([*_grown(point), *_times(point, states)] for point in part["points"])
    )
    yield "Copies of the same files under other folders, each a little different; ssot-fix, all codemods.\n"


def _grown(point: Row) -> Sequence[str]:
    return f"{point['files']:,}", f"{point['size'] / 1e6:.0f}"


def _times(point: Row, states: Sequence[str]) -> Iterator[str]:
    for state in states:
        wall, cpu = point[state]["wall"], point[state]["cpu"]
        yield from (seconds(wall), seconds(cpu), seconds(1000 * cpu / point["files"]))


def _method(part: Row) -> str:
    sizes = {name: part[name] / 1e6 for name in ("size", "sample_size")}
    return _METHOD.format_map(
        {**part, **sizes, "wanted": WANTED, "shapes": len(READS), "corpora": ", ".join(part["corpora"])}
    )


def _conditions(part: Row) -> str:
    told = part["machine"]
    return (
        f"{told['date']}, {told['processors']} processors, {told['system']}, Python {told['python']}, "
        f"rounds: {part['rounds']}, load average before: {told['load']:.1f}."
    )


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    lines = [head, ["---"] * len(head), *rows]
    yield "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _bars(part: Row) -> str:
    bars = [_bar(row, part) for row in part["rows"]]
    return bar_chart("Wall seconds for all of the code, logarithmic", sorted(bars, key=lambda bar: bar.value))


def _bar(row: Row, part: Row) -> Bar:
    value = _scaled(row, part, "wall")
    about = "≈ " if row["sample"] else ""
    label = f"{row['tool']}, {row['what']}" + ("" if row["state"] == "cold" else f", {row['state']}")
    return Bar(label, value, f"{about}{seconds(value)} s", row["tool"] == "ssot-fix")


def _curve(part: Row) -> str:
    points = part["points"]
    states = [state for state in ("cold", "warm") if state in points[0]]
    curves = [Curve(state, tuple((p["files"], p[state]["wall"]) for p in points)) for state in states]
    last = points[-1]
    curves.append(Curve("in proportion to the files", ((0, 0), (last["files"], last["cold"]["wall"])), measured=False))
    return line_chart("ssot-fix, all codemods: wall seconds", "Python files", curves)
