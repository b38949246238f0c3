"""`ssot-fix cache`: what the cache holds, and its end."""

from __future__ import annotations

import click

from ssot_fix.commands.exit_codes import DONE
from ssot_fix.engine.cache.store import FOLDER_VARIABLE, Usage, clear, usage


def show_cache() -> int:
    """Print where the cache is and what it holds; the exit code."""
    held = usage()
    click.echo(f"{held.folder}")
    click.echo(f"{_told(held)}; {FOLDER_VARIABLE} puts it elsewhere, `ssot-fix cache clear` removes it")
    return DONE


def clear_cache() -> int:
    """Remove what the cache holds; the exit code."""
    try:
        held = clear()
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}; not all of the cache is removed") from None
    click.echo(f"removed {_told(held)}")
    return DONE


def _told(held: Usage) -> str:
    projects = "1 project" if held.projects == 1 else f"{held.projects:,} projects"
    files = "1 file" if held.files == 1 else f"{held.files:,} files"
    return f"{held.size / 1_000_000:,.1f} MB in {files} of {projects}"
