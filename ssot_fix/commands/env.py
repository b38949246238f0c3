"""`ssot-fix env`: which environment variables there are, and who reads and writes them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from codemods import catalog
from ssot_fix.audit.areas.environment import AREA, EnvironmentArea, inventory, look
from ssot_fix.audit.looking import Shelf, look_at
from ssot_fix.audit.model import Key
from ssot_fix.audit.report_keys import keys_json, keys_markdown, keys_table
from ssot_fix.audit.view import CommitView, open_view
from ssot_fix.commands.console import print_bytes, say, uses_colors
from ssot_fix.commands.exit_codes import DONE
from ssot_fix.commands.options import Options
from ssot_fix.commands.output import progress_bar
from ssot_fix.commands.settings import read_settings
from ssot_fix.engine.cache.identity import program
from ssot_fix.engine.cache.store import Store
from ssot_fix.project.git import GitError, toplevel
from ssot_fix.report.diff import printable
from ssot_fix.report.terminal import LEAST_WIDTH, PIPE_WIDTH


@dataclass(frozen=True, slots=True)
class Listing(Options):
    """The options of `env`; `key` is a pattern of names, as shells have it."""

    key: str = "*"
    problems: bool = False


def env_command(options: Listing) -> int:
    """Print the variables that the code of HEAD names; the exit code."""
    config = read_settings(options, catalog())
    if toplevel(config.root) is None:
        raise GitError(f"{config.root} is not in a git repository, and what is listed is what was committed")
    view = open_view(config)
    with progress_bar(options) as progress:
        shelf = None if options.no_cache else Shelf(Store(config.root), program())
        wanted = {AREA: {view.blobs[path] for path in view.python}}
        jobs = config.general.jobs
        view.known = look_at(config.root, wanted, {AREA: look}, jobs=jobs, shelf=shelf, progress=progress)
    area = EnvironmentArea(view)
    keys = [key for key in inventory(view, area) if fnmatchcase(key.name, options.key)]
    keys = [key for key in keys if key.problems or not options.problems]
    print_bytes(options, _rendered(options, keys, view.commit).encode())
    for note in () if options.quiet else _notes(view, area):
        say(f"note: {printable(note)}")
    return DONE


def _rendered(options: Listing, keys: Sequence[Key], commit: str) -> str:
    if options.format == "json":
        return keys_json(keys, commit)
    if options.format == "md":
        return keys_markdown(keys, commit)
    is_screen = options.output is None and sys.stdout.isatty()
    width = max(shutil.get_terminal_size().columns, LEAST_WIDTH) if is_screen else PIPE_WIDTH
    color = options.output is None and uses_colors(options, sys.stdout)
    return keys_table(keys, width=width, color=color, verbose=bool(options.verbose))


def _notes(view: CommitView, area: EnvironmentArea) -> Iterator[str]:
    """What could not be known."""
    if area.note:
        yield f"uses through an accessor are not told: {area.note}"
    for path in view.python:
        if view.blobs[path] in view.known.missing:
            yield f"{path}: its content is not in the repository"
        elif view.blobs[path] in view.known.large:
            yield f"{path}: too large to be looked at"
        elif error := view.known.error(view.blobs[path]):
            yield f"{path}: {error}"
