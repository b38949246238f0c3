"""What commands read before they begin, and what of it a user can mend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssot_fix.audit import settings as audit
from ssot_fix.commands.options import Options
from ssot_fix.project.config import Config, find_root, load

if TYPE_CHECKING:
    from ssot_fix.engine.contract import Codemod

# The dataclasses of tables that are no codemod's.
OTHER_TABLES: Mapping[str, type] = {audit.NAME: audit.Options}


def read_settings(
    options: Options, found: dict[str, Codemod], root: Path | None = None, here: Path | None = None
) -> Config:
    """The settings of the project around the current folder, or of one at `root`, seen from `here`."""
    here = here or Path.cwd()
    root = root or find_root(here)
    config = load(
        root, here, {**{name: codemod.options for name, codemod in found.items()}, **OTHER_TABLES}, options.config
    )
    general = config.general
    config.general = replace(
        general,
        unsafe_fixes=general.unsafe_fixes or options.unsafe_fixes,
        include_tests=general.include_tests or options.include_tests,
        jobs=options.jobs or general.jobs,
    )
    checked_names(general.codemods, found)
    return config


def checked_names(names: Sequence[str], found: dict[str, Codemod]) -> Sequence[str]:
    """The names, each of which has to be that of a codemod."""
    for name in names:
        if name not in found:
            from difflib import get_close_matches  # noqa: PLC0415

            near = get_close_matches(name, found, n=1) or list(found)
            raise click.UsageError(f"no codemod is called `{name}`; did you mean `{near[0]}`?")
    return names
