"""`ssot-fix branch`, and what it shares with `pr`: the plan on a commit, shown and agreed to."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from codemods import catalog
from ssot_fix.commands.branch_options import Branching
from ssot_fix.commands.console import end_cleanly_if_terminated, print_bytes, say, uses_colors
from ssot_fix.commands.exit_codes import DONE, FAILED
from ssot_fix.commands.output import print_notes, print_summary, progress_bar
from ssot_fix.commands.settings import checked_names, read_settings
from ssot_fix.delivery.branches import Builder, check_name, json_branches, offer, told_branch, told_verified
from ssot_fix.delivery.message import named
from ssot_fix.delivery.proposals import Proposals, Wanted, propose
from ssot_fix.delivery.repository import Repository, parse_person
from ssot_fix.delivery.verify import Verifier
from ssot_fix.engine.contract import Codemod
from ssot_fix.project.config import Config, Verification
from ssot_fix.reasons import headlines
from ssot_fix.report.diff import render_colored, unified_diff


def branch_command(options: Branching) -> int:
    """Plan on a commit, show it, ask, and make the branches; the exit code."""
    end_cleanly_if_terminated()
    if options.author is not None:
        parse_person(options.author)  # before all the work
    repository = Repository(Path.cwd())
    base = repository.resolve("HEAD" if options.base is None else options.base)
    made = proposed(options, repository, base, repository.folder)
    builder, verifier = builder_for(options, repository, base, made)
    if made.proposals and not is_confirmed(options, f"make {named([each.branch for each in made.proposals])}?"):
        return FAILED
    branches = []
    for proposal in made.proposals:
        branches.append(offer(builder, verifier, proposal))
        for line in (told_branch(branches[-1]), *told_verified(branches[-1].verified)):
            say(line)  # at once: the next one may fail
    if not made.proposals:
        say("there is nothing to do, so no branch was made")
    if options.format == "json":
        print_bytes(options, json_branches(base, branches, made.notes).encode())
    return FAILED if made.failed or any(each.is_worry for each in branches) else DONE


def proposed(options: Branching, repository: Repository, base: str, home: Path, *, shows: bool = True) -> Proposals:
    """Plan on the base, and show it: the diff on stdout (if that is to hold text), the rest on stderr.

    `home` is the root of the work tree that the current folder lies in.
    """
    began = time.perf_counter()
    found = catalog()
    wanted = Wanted(
        found,
        lambda folder: _settings_of(options, found, home, folder),
        tuple(checked_names(options.codemod, found)),
        options.name,
        options.split,
        options.max_files,
    )
    with progress_bar(options) as progress:
        made = propose(repository, base, wanted, progress)
    if shows and options.format == "text" and not options.quiet:
        print_bytes(options, b"".join(_branch_diffs(options, made)))
    outcome = made.outcome()
    print_notes(options, outcome)
    if not options.quiet:
        print_summary(options, found, outcome, time.perf_counter() - began)
    return made


def _settings_of(options: Branching, found: dict[str, Codemod], home: Path, folder: Path) -> Config:
    """The settings of a commit whose files are in `folder`, as seen from the same place as the current folder."""
    inside = Path(os.path.relpath(Path.cwd(), home))
    here = folder / inside if (folder / inside).is_dir() and ".." not in inside.parts else folder
    if options.config is not None and not options.config.is_absolute() and (here / options.config).is_file():
        options = replace(options, config=here / options.config)  # what was committed, not what lies about
    return read_settings(options, found, folder, here)


def _branch_diffs(options: Branching, made: Proposals) -> Iterator[bytes]:
    colored = options.output is None and uses_colors(options, sys.stdout)
    for proposal in made.proposals:
        if len(made.proposals) > 1:
            yield f"# {proposal.branch}\n".encode()
        for change in proposal.changes:
            told = (change.path, change.old, change.edits)
            yield render_colored(*told).encode() if colored else unified_diff(*told)


def builder_for(options: Branching, repository: Repository, base: str, made: Proposals) -> tuple[Builder, Verifier]:
    """What makes the commits, and what runs commands on them; GitError for a name that no branch can have."""
    for proposal in made.proposals:
        check_name(repository, proposal.branch)
    found = catalog()
    told = headlines(*(codemod.reasons for codemod in found.values()))
    builder = Builder(repository, base, found, told, options.author)
    commands = [Verification(command, seconds) for command, seconds in options.verify]
    return builder, Verifier(repository, base, [*made.config.general.verify, *commands])


def is_confirmed(options: Branching, question: str) -> bool:
    """Whether a person, or --yes, agrees."""
    if options.yes:
        return True
    if not sys.stdin.isatty():
        raise click.ClickException("nothing was done: there is no terminal to ask on; --yes says that it is meant")
    return click.confirm(f"ssot-fix: {question}", err=True)
