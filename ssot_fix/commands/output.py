"""What every run prints on stderr: notes, the summary, a progress bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ssot_fix.commands.console import say, uses_colors
from ssot_fix.commands.options import Options
from ssot_fix.reasons import headlines
from ssot_fix.report.diff import printable
from ssot_fix.report.summary import summarize
from ssot_fix.report.terminal import print_summary as print_table

if TYPE_CHECKING:
    from rich.progress import Progress

    from ssot_fix.engine.contract import Codemod
    from ssot_fix.engine.run import Outcome

_LONG = 0.7  # seconds after which a progress bar is worth its flicker
_FLICKER = 0.1  # seconds between two drawings of it


def print_notes(options: Options, outcome: Outcome) -> None:
    """Print the notes of a run, and what could not be done."""
    for note in outcome.notes if not options.quiet else ():
        say(f"note: {printable(note)}")
    for result in outcome.results:
        if result.error is not None:
            say(f"error: {printable(result.error)}")
            if result.trace and options.verbose > 1:
                click.echo(result.trace, err=True)


def print_summary(options: Options, found: Mapping[str, Codemod], outcome: Outcome, seconds: float) -> None:
    """Print what a run of some codemods came to, in `seconds` of wall-clock time."""
    print_table(
        summarize(outcome.results, outcome.files_scanned),
        seconds=seconds,
        test_files_skipped=outcome.tests_skipped,
        console_file=sys.stderr,
        color=uses_colors(options, sys.stderr),
        write_mode=options.write,
        headlines=headlines(*(codemod.reasons for codemod in found.values())),
        verbose=options.verbose > 0,
        findings=[finding for result in outcome.results for finding in result.findings],
    )


def print_stats(outcome: Outcome) -> None:
    """Print where the time went."""
    counts, changed = outcome.counts, sum(result.status == "changed" for result in outcome.results)
    screened_out = outcome.files_scanned - counts.candidates
    say(f"stats: files: {counts.discovered:,} discovered, {counts.discovered - counts.read:,} of them as they were")
    say(
        f"stats: of {outcome.files_scanned:,} in scope: {screened_out:,} screened out, {counts.parsed:,} parsed, "
        f"{counts.candidates - counts.parsed:,} cached, {changed:,} to be changed"
    )
    for stage, seconds in outcome.seconds.items():
        say(f"stats: {stage} {seconds:.2f} s")
    say(f"stats: peak memory {_peak_memory()}")


def _peak_memory() -> str:
    """The most memory that this process and each of its workers held at any time."""
    try:
        import resource  # noqa: PLC0415  Windows has none
    except ImportError:
        return "is not known on this system"
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own, largest = (resource.getrusage(who).ru_maxrss * unit / 1_000_000 for who in both)
    return f"{own:,.0f} MB" + (f", of the largest worker {largest:,.0f} MB" if largest else "")


@contextmanager
def progress_bar(options: Options) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr if that is a terminal and the work turns out to be long."""
    if options.quiet or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    began = drawn = time.perf_counter()
    bar: Progress | None = None

    def tell(done: int, total: int) -> None:
        nonlocal bar, drawn
        now = time.perf_counter()
        if bar is None and now - began > _LONG:
            bar = _bar()
        if bar is not None and (now - drawn > _FLICKER or done >= total):
            stage = "looking" if done < total else "concluding"
            bar.update(bar.task_ids[0], completed=done, total=total, description=stage, refresh=True)
            drawn = now

    try:
        yield tell
    finally:
        if bar is not None:
            bar.stop()


def _bar() -> Progress:
    """A bar that draws only when it is told to: a thread that did would keep workers from being forked."""
    from rich.console import Console  # noqa: PLC0415  heavy, and rarely needed
    from rich.progress import Progress  # noqa: PLC0415

    bar = Progress(console=Console(stderr=True), transient=True, auto_refresh=False)
    bar.add_task("looking")
    bar.start()
    return bar
