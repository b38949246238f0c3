"""The summary that a run ends with, on stderr: a table, why sites were refused, one line of totals."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TextIO, TypeAlias

from ssot_fix.edits import Finding, Status
from ssot_fix.report.diff import printable
from ssot_fix.report.summary import Summary, Tally

# A pipe or a CI log has no width of its own, and a line that is left whole can be searched for.
PIPE_WIDTH = 1000
# A narrower window wraps lines itself, which is easier to read than a column one letter wide.
LEAST_WIDTH = 64
_USUAL_WIDTH = 80
_LEAST_HEADLINE = 20
_COLUMNS = {"rewritten": "green", "refused": "yellow", "suppressed": "cyan", "files": ""}
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_Style: TypeAlias = Callable[[str, str], str]  # from a text and its style, words of _CODES, to what is printed


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
    width, style = _width(console_file), _colored if color else _plain
    boxes = (getattr(console_file, "encoding", None) or "utf-8").lower().startswith("utf")
    lines = [*_codemod_table(summary, style, boxes=boxes), ""]
    if summary.by_reason:
        lines.append("Left alone, and why (`ssot-fix explain REASON` says more):")
        lines += [*_reason_table(summary.by_reason, headlines, style, width), ""]
    console_file.writelines(f"{line}\n" for line in (*lines, _styled(closing, style, width)))


def finding_line(finding: Finding) -> str:
    """A finding on one line, for grep and for editors: `path:line:column codemod reason message`.

    A finding without a reason has its status there. Control characters are spelled out.
    """
    place = f"{printable(finding.path)}:{finding.line}:{finding.column}"
    why = finding.reason or finding.status.value
    message = printable(" ".join(finding.message.split()))
    return f"{place} {finding.codemod} {why} {message}".rstrip()


def _plain(text: str, _style: str) -> str:
    return text


def _colored(text: str, style: str) -> str:
    codes = ";".join(_CODES[word] for word in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m" if codes and text else text


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
    text = _wrapped(f"{headline}: {''.join(text for text, _ in closing)}", _width(file))
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


def _width(file: TextIO) -> int:
    """How wide a line may be."""
    if not file.isatty():
        return PIPE_WIDTH
    columns = os.environ.get("COLUMNS", "")
    try:
        width = int(columns) if columns.isdecimal() else os.get_terminal_size(file.fileno()).columns
    except OSError:
        width = 0
    return max(width or _USUAL_WIDTH, LEAST_WIDTH)


def _codemod_table(summary: Summary, style: _Style, *, boxes: bool) -> Iterator[str]:
    """A line for each codemod, and the totals of several; `boxes` says that the file can show lines."""
    between, rule, crossing = ("   ", "─", "───") if boxes else (" | ", "-", "-+-")
    rows = [(name, *_counts(tally)) for name, tally in summary.by_codemod.items()]
    header, footer = ("codemod", *_COLUMNS), ("total", *_counts(summary.total))
    widths = [max(map(len, cells)) for cells in zip(header, *rows, footer, strict=True)]

    def line(cells: Sequence[str], styles: Iterable[str]) -> str:
        padded: list[str] = []
        for cell, name, width in zip(cells, styles, widths, strict=True):
            text, blanks = style(cell, name), " " * (width - len(cell))
            padded.append(blanks + text if padded else text + blanks)
        return between.join(padded)

    ruled = crossing.join(rule * width for width in widths)
    yield line(header, ["bold"] * len(header))
    yield ruled
    yield from (line(row, ("", *_styles(row))) for row in rows)
    if len(rows) > 1:
        yield ruled
        yield line(footer, ("bold", *(f"bold {each}".rstrip() for each in _styles(footer))))


def _counts(tally: Tally) -> Iterator[str]:
    return (f"{getattr(tally, name):,}" for name in _COLUMNS)


def _styles(row: Sequence[str]) -> Iterator[str]:
    return (style if count != "0" else "dim" for count, style in zip(row[1:], _COLUMNS.values(), strict=True))


def _reason_table(
    by_reason: Mapping[str, int], headlines: Mapping[str, str], style: _Style, width: int
) -> Iterator[str]:
    """The reasons, the most frequent first; their headlines are wrapped."""
    counts = {reason: f"{count:,}" for reason, count in by_reason.items()}
    of_counts, of_reasons = max(map(len, counts.values())), max(map(len, counts))
    indent = of_counts + 2 + of_reasons + 2
    for reason in sorted(by_reason, key=lambda reason: (-by_reason[reason], reason)):
        blanks = " " * (of_counts - len(counts[reason])), " " * (of_reasons - len(reason) + 2)
        told = _wrapped(headlines.get(reason, ""), max(width - indent, _LEAST_HEADLINE))
        lines = told.replace("\n", "\n" + " " * indent)
        yield f"{blanks[0]}{style(counts[reason], 'yellow')}  {style(reason, 'bold')}{blanks[1]}{lines}".rstrip()


def _wrapped(text: str, width: int) -> str:
    return textwrap.fill(text, width, break_on_hyphens=False)


def _styled(pieces: Sequence[tuple[str, str]], style: _Style, width: int) -> str:
    """Pieces of a text with their styles, wrapped; that puts a line feed where a blank was."""
    whole = _wrapped("".join(text for text, _ in pieces), width)
    ends = accumulate(len(text) for text, _ in pieces)
    return "".join(style(whole[end - len(text) : end], name) for end, (text, name) in zip(ends, pieces, strict=True))
