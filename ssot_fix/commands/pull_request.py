"""`ssot-fix pr`: from the plan to pull requests."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ssot_fix.commands.branch import builder_for, is_confirmed, proposed
from ssot_fix.commands.branch_options import Delivery
from ssot_fix.commands.console import end_cleanly_if_terminated, print_bytes, say
from ssot_fix.commands.exit_codes import DONE, FAILED
from ssot_fix.delivery.body import Story
from ssot_fix.delivery.branches import told_verified
from ssot_fix.delivery.forge import Forge
from ssot_fix.delivery.github import GitHub
from ssot_fix.delivery.proposals import Proposal
from ssot_fix.delivery.pull_report import json_pulls, told_pull
from ssot_fix.delivery.pull_requests import Deliverer, Manners
from ssot_fix.delivery.question import Question, deliveries, fetched
from ssot_fix.delivery.remote import Remote, find_token
from ssot_fix.delivery.repository import Repository, parse_person
from ssot_fix.delivery.workspace import workspace
from ssot_fix.report.diff import printable


def pull_request_command(options: Delivery) -> int:
    """Plan on the remote's branch, and bring its pull requests to where they should be; the exit code."""
    end_cleanly_if_terminated()
    if options.author is not None:
        parse_person(options.author)
    secret, home = find_token(options.token_file), Repository(Path.cwd())
    with workspace(home) as repository:
        remote = Remote(home, repository, options.remote, secret)
        return _deliver(options, home, repository, remote, GitHub(remote.location, secret))


def _deliver(options: Delivery, home: Repository, repository: Repository, remote: Remote, forge: Forge) -> int:
    asked = Question(options.base or "", options.codemod, options.name, options.split, tuple(_repeated(options, home)))
    question, heads = fetched(remote, asked)
    base = heads[question.base]
    is_asked = sys.stdin.isatty() and not (options.yes or options.dry_run)
    made = proposed(options, repository, base, home.folder, shows=is_asked or options.dry_run)
    if is_asked and not is_confirmed(options, f"push to {remote.location}, and bring its pull requests up to date?"):
        return FAILED
    builder, verifier = builder_for(options, repository, base, made)

    def story(proposal: Proposal) -> Story:
        part = question.of(proposal.part.key)
        return Story(proposal, builder.catalog, builder.headlines, question.base, part.command(), part.key())

    manners = _manners(options, question, tuple(builder.catalog))
    inactive = frozenset(made.inactive)
    deliverer = Deliverer(builder, verifier, remote, forge, manners, question.base, heads, story, inactive)
    delivered = []
    for done in deliveries(deliverer, question, made):
        for line in (told_pull(done, dry_run=options.dry_run), *told_verified(done.verified)):
            say(line)
        delivered.append(done)
    for note in deliverer.notes:
        say(f"note: {printable(note)}")
    if options.format == "json":
        print_bytes(options, json_pulls(delivered, [*made.notes, *deliverer.notes]).encode())
    return FAILED if made.failed or any(done.is_worry for done in delivered) else DONE


def _repeated(options: Delivery, home: Repository) -> Iterator[str]:
    """The options that change what a pull request holds, for whoever looks again; no path of this machine."""
    yield from ("--unsafe-fixes",) if options.unsafe_fixes else ()
    yield from ("--include-tests",) if options.include_tests else ()
    config = options.config and Path.cwd() / options.config
    is_inside = config is not None and config.resolve().is_relative_to(home.folder)
    yield from ("--config", config.resolve().relative_to(home.folder).as_posix()) if config and is_inside else ()
    yield from ("--max-files", str(options.max_files)) if options.max_files else ()


def _manners(options: Delivery, question: Question, codemods: Sequence[str]) -> Manners:
    parts = codemods if question.split == "codemod" else ("",)
    return Manners(
        frozenset(question.of(part).key() for part in parts),
        options.label,
        options.reviewer,
        options.draft,
        options.max_open,
        options.max_per_hour,
        options.dry_run,
    )
