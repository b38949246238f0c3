"""`ssot-fix pr`: from the plan to pull requests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from ssot_fix.commands.branch import builder_for, is_confirmed, proposed
from ssot_fix.commands.console import end_cleanly_if_terminated, print_bytes, say
from ssot_fix.commands.options import DONE, FAILED, Delivery
from ssot_fix.delivery.body import Story
from ssot_fix.delivery.github import GitHub
from ssot_fix.delivery.proposals import Proposal
from ssot_fix.delivery.pull_report import json_pulls, told_pull
from ssot_fix.delivery.pull_requests import Deliverer, Manners
from ssot_fix.delivery.question import Question, deliveries, fetched
from ssot_fix.delivery.remote import Remote, find_token
from ssot_fix.delivery.repository import Repository


def pull_request_command(options: Delivery) -> int:
    """Plan on the remote's branch, and bring its pull requests to where they should be; the exit code."""
    end_cleanly_if_terminated()
    repository, secret = Repository(Path.cwd()), find_token(options.token_file)
    remote = Remote(repository, options.remote, secret)
    forge = GitHub(remote.location, secret)
    base, heads = fetched(remote, options.base, options.name)
    question = Question(base, options.codemod, options.name, options.split, tuple(_repeated(options)))
    is_asked = sys.stdin.isatty() and not (options.yes or options.dry_run)
    made = proposed(options, repository, heads[base], shows=is_asked or options.dry_run)
    asked = f"push to {remote.location}, and open or refresh pull requests?"
    if is_asked and made.proposals and not is_confirmed(options, asked):
        return FAILED
    builder, verifier = builder_for(options, repository, heads[base], made)

    def story(proposal: Proposal) -> Story:
        return Story(proposal, builder.catalog, builder.headlines, base, question.command())

    deliverer = Deliverer(builder, verifier, remote, forge, _manners(options, question), base, heads, story)
    delivered = []
    for done in deliveries(deliverer, question, made):
        say(told_pull(done, dry_run=options.dry_run))
        delivered.append(done)
    for note in deliverer.notes:
        say(f"note: {note}")
    if options.format == "json":
        print_bytes(options, json_pulls(delivered, [*made.notes, *deliverer.notes]).encode())
    return FAILED if made.failed or any(done.is_worry for done in delivered) else DONE


def _repeated(options: Delivery) -> Iterator[str]:
    """The options that change what a pull request holds, for whoever runs it again."""
    yield from ("--unsafe-fixes",) if options.unsafe_fixes else ()
    yield from ("--include-tests",) if options.include_tests else ()
    yield from ("--config", str(options.config)) if options.config else ()
    yield from ("--max-files", str(options.max_files)) if options.max_files else ()


def _manners(options: Delivery, question: Question) -> Manners:
    return Manners(
        question.key(),
        options.label,
        options.reviewer,
        options.draft,
        options.max_open,
        options.max_per_hour,
        options.dry_run,
    )
