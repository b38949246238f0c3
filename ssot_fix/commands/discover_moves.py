"""`ssot-fix discover-moves`: where did things go that imports still ask for?"""

from __future__ import annotations

import sys

from codemods import catalog
from codemods.stale_imports.discover import discover
from codemods.stale_imports.options import NAME
from codemods.stale_imports.prepared import Repointing
from ssot_fix.commands.console import print_bytes, say, uses_colors
from ssot_fix.commands.exit_codes import DONE
from ssot_fix.commands.options import Options
from ssot_fix.commands.output import progress_bar
from ssot_fix.commands.settings import read_settings
from ssot_fix.delivery.append_config import append_moves, moves_header
from ssot_fix.engine.run import Request, prepare
from ssot_fix.report.diff import printable
from ssot_fix.report.moves import conclusive, json_moves, print_moves


def discover_moves_command(options: Options, write_config: bool) -> int:
    """Look for moves, print them, and add them to the settings if asked to; the exit code."""
    config = read_settings(options, catalog())
    with progress_bar(options) as progress:
        prepared, notes = prepare(Request(config, catalog(), asked=(NAME,)), progress)
    repointing = prepared[NAME]
    assert isinstance(repointing, Repointing)
    assert repointing.decider is not None
    found, limits = discover(repointing.decider, config.root)
    if options.format == "json":
        print_bytes(options, json_moves(found).encode())
    else:
        colored = options.output is None and uses_colors(options, sys.stdout)
        wraps = options.output is None and sys.stdout.isatty()
        print_bytes(
            options, print_moves(found, moves_header(config.file), sys.stdout, color=colored, wraps=wraps).encode()
        )
    if write_config:
        say(append_moves(config.file, config.root, conclusive(found)))
    for note in () if options.quiet else (*notes, *repointing.notes, *limits):
        say(f"note: {printable(note)}")
    return DONE
