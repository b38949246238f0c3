"""Stdout and stderr: nothing here needs more than click."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from ssot_fix.commands.options import Options


def uses_colors(options: Options, stream: TextIO) -> bool:
    """Whether what is printed on a stream is to be coloured."""
    if options.color != "auto":
        return options.color == "always"
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def print_bytes(options: Options, data: bytes) -> None:
    """Print a report: on stdout, or to the file that was asked for."""
    try:
        if options.output is None:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            options.output.write_bytes(data)
    except BrokenPipeError:
        raise
    except OSError as error:
        if options.output is None:
            silence_stdout()
        where = options.output or "standard output"
        raise click.ClickException(f"{where}: {error.strerror or error}; not all was printed") from None


def end_cleanly_if_terminated() -> None:
    """Let SIGTERM, which cancels a job in CI, do what Ctrl-C does: temporary work trees are removed."""
    import signal  # noqa: PLC0415

    signal.signal(signal.SIGTERM, signal.default_int_handler)


def silence_stdout() -> None:
    """Keep Python from complaining about what it can't flush at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(message: str) -> None:
    """One line on stderr, whatever its encoding can't say spelled out."""
    encoding = sys.stderr.encoding or "utf-8"
    click.echo(f"ssot-fix: {message}".encode(encoding, "backslashreplace").decode(encoding), err=True)
