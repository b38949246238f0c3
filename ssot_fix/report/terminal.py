"""The summary that a run ends with, on stderr: a table, why sites were refused, one line of totals."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TextIO

from ssot_fix.edits import Finding, Status
from ssot_fix.report.diff import printable
from ssot_fix.report.summary import Summary, Tally

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

# A pipe or a CI log has no width of its own, and a line that is left whole can be searched for.
_PIPE_WIDTH = 1000
# A narrower window wraps lines itself, which is easier to read than a column one letter wide.
_LEAST_WIDTH = 64
_COLUMNS = (("rewritten", "green"), ("refused", "yellow"), ("suppressed", "cyan"), ("files", ""))


def print_summary(  # noqa: PLR0913 - the one place where all of a run's facts meet
    summary: Summary,
    *,
    seconds: float,
    test_files_skipped: int,
    console_file: TextIO,
    color: bool,
    write_mode: bool,
    headlines: Mapping[str, str],
    verbose: bool = False,
    findings: Iterable[Finding] = (),
) -> None:
    """Print what a run came to.

    `seconds` is the time it took, `test_files_skipped` the number of files left out as test code. `headlines`
    explains reason codes in one line each; a code without one stands alone. `write_mode` says that files were
    changed, not would be. With `verbose`, every refused one of `findings` is listed first (`finding_line`).
    """
    if verbose:
        console_file.writelines(f"{line}\n" for line in _refused_lines(findings))
    closing = list(_closing(summary, seconds, test_files_skipped, write_mode=write_mode))
    if not summary.total.matched:
        console_file.write(_nothing_found(closing, console_file, color=color and not summary.files_failed))
        return
    console = console_for(console_file, color=color)
    with console.capture() as captured:
        _print_tables(console, summary, headlines)
        console.print(_styled(closing))
    # Rich fills table rows with blanks; in a log file they are noise.
    console_file.write("\n".join(line.rstrip() for line in captured.get().split("\n")))


def finding_line(finding: Finding) -> str:
    """A finding on one line, for grep and for editors: `path:line:column codemod reason message`.

    A finding without a reason has its status there. Control characters are spelled out.
    """
    place = f"{printable(finding.path)}:{finding.line}:{finding.column}"
    why = finding.reason or finding.status.value
    message = printable(" ".join(finding.message.split()))
    return f"{place} {finding.codemod} {why} {message}".rstrip()


def _refused_lines(findings: Iterable[Finding]) -> Iterator[str]:
    lines = [finding_line(finding) for finding in findings if finding.status is Status.REFUSED]
    yield from lines
    if lines:
        yield ""


def _closing(
    summary: Summary, seconds: float, test_files_skipped: int, *, write_mode: bool
) -> Iterator[tuple[str, str]]:
    """The line of totals, as pieces of text with their styles."""
    yield f"{_files(summary.files_scanned)} scanned", ""
    if summary.total.matched:
        yield ", ", ""
        yield f"{summary.files_changed:,} {'changed' if write_mode else 'would change'}", "bold green"
    if summary.files_failed:
        yield ", ", ""
        yield f"{summary.files_failed:,} failed", "bold red"
    yield f" in {_duration(seconds)}", ""
    if test_files_skipped:
        yield f"; {_files(test_files_skipped, 'test file')} left out (--include-tests)", "dim"


def _nothing_found(closing: Iterable[tuple[str, str]], file: TextIO, *, color: bool) -> str:
    headline = "Nothing to migrate"
    text = f"{headline}: {''.join(text for text, _ in closing)}"
    if file.isatty():
        import shutil  # noqa: PLC0415 - 7 ms, mostly for its archive formats

        text = textwrap.fill(text, shutil.get_terminal_size().columns, break_on_hyphens=False)
    return (text.replace(headline, f"\x1b[32m{headline}\x1b[0m", 1) if color else text) + "\n"


def _files(count: int, what: str = "file") -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def console_for(file: TextIO, *, color: bool) -> Console:
    """A console for tables: as wide as the terminal, or as a line in a pipe may be."""
    # Rich takes longer to import than a small project to scan: not before there is a table to draw.
    from rich.console import Console  # noqa: PLC0415

    console = Console(
        file=file,
        width=None if file.isatty() else _PIPE_WIDTH,
        height=25,  # or Rich forgets the width if TERM is "dumb", as it is in some CI systems
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        markup=False,
        highlight=False,
        emoji=False,
    )
    console.width = max(console.width, _LEAST_WIDTH)
    return console


def _print_tables(console: Console, summary: Summary, headlines: Mapping[str, str]) -> None:
    console.print(_codemod_table(summary))
    console.print()
    if summary.by_reason:
        console.print("Left alone, and why (`ssot-fix explain REASON` says more):")
        console.print(_reason_table(summary.by_reason, headlines))
        console.print()


def _codemod_table(summary: Summary) -> Table:
    from rich.box import SIMPLE  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    several = len(summary.by_codemod) > 1
    table = Table(box=SIMPLE, show_edge=False, pad_edge=False, header_style="bold", show_footer=several)
    table.add_column("codemod", footer="total", overflow="fold")
    for name, style in _COLUMNS:
        footer = _cell(getattr(summary.total, name), style)
        table.add_column(name, footer=footer, justify="right", no_wrap=True)
    for codemod, tally in summary.by_codemod.items():
        table.add_row(codemod, *_cells(tally))
    return table


def _cells(tally: Tally) -> list[Text]:
    return [_cell(getattr(tally, name), style) for name, style in _COLUMNS]


def _cell(count: int, style: str) -> Text:
    return _styled([(f"{count:,}", style if count else "dim")])


def _reason_table(by_reason: Mapping[str, int], headlines: Mapping[str, str]) -> Table:
    """The reasons, the most frequent first."""
    from rich.table import Table  # noqa: PLC0415

    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_column(justify="right", style="yellow", no_wrap=True)
    table.add_column(style="bold", overflow="fold", no_wrap=True)
    table.add_column(overflow="fold")
    for reason, count in sorted(by_reason.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(f"{count:,}", reason, headlines.get(reason, ""))
    return table


def _styled(pieces: Iterable[tuple[str, str]]) -> Text:
    from rich.text import Text  # noqa: PLC0415

    return Text.assemble(*pieces)
