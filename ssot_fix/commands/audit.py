"""`ssot-fix audit`: the report, and the gate that CI may make of it."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace

import click

from codemods import catalog
from ssot_fix.audit.baseline import Baseline, compare, known, load, save, told, updated
from ssot_fix.audit.model import Report
from ssot_fix.audit.planned import Planning
from ssot_fix.audit.report import Asked, audit
from ssot_fix.audit.summary import now_and_start, percent
from ssot_fix.commands.audit_options import Auditing
from ssot_fix.commands.console import end_cleanly_if_terminated, print_bytes, say, uses_colors
from ssot_fix.commands.exit_codes import DONE, FAILED, FOUND_WORK
from ssot_fix.commands.output import progress_bar
from ssot_fix.commands.settings import read_settings
from ssot_fix.delivery.message import counted
from ssot_fix.engine.cache.store import Store
from ssot_fix.project.git import GitError, toplevel
from ssot_fix.reasons import headlines
from ssot_fix.report.diff import printable


def audit_command(options: Auditing) -> int:
    """Audit, print the report, and see whether it passes; the exit code."""
    end_cleanly_if_terminated()
    found = catalog()
    config = read_settings(options, found)
    if toplevel(config.root) is None:
        raise GitError(f"{config.root} is not in a git repository, and what an audit reads is what was committed")
    baseline = _baseline(options)
    planning = Planning(
        config,
        lambda folder: read_settings(options, found, folder, folder),
        found,
        None if options.no_cache else Store(config.root),
    )
    heads = headlines(*(codemod.reasons for codemod in found.values()))
    asked = Asked(planning, heads, options.last, options.range, options.verify)
    with progress_bar(options) as progress:
        report, outcome = audit(asked, progress)
    print_bytes(options, _rendered(options, report))
    for note in report.notes if not options.quiet and options.format != "text" else ():
        say(f"note: {printable(note)}")
    failed = [result for result in outcome.results if result.error]
    for result in failed:
        say(f"error: {printable(result.error or '')}")
    passes = [_is_above(options, report), _has_all(options, baseline, report), _is_verified(options, report)]
    return FAILED if failed else DONE if all(passes) else FOUND_WORK


def _rendered(options: Auditing, report: Report) -> bytes:
    """The report in the format that was asked for; each is imported only if it is."""
    if options.format == "json":
        from ssot_fix.audit import report_json  # noqa: PLC0415

        return report_json.render(report).encode()
    if options.format == "md":
        from ssot_fix.audit import report_markdown  # noqa: PLC0415

        return report_markdown.render(report).encode()
    if options.format == "html":
        from ssot_fix.audit import html  # noqa: PLC0415

        return html.render(report)
    from ssot_fix.audit import report_text  # noqa: PLC0415

    colored = options.output is None and uses_colors(options, sys.stdout)
    width = shutil.get_terminal_size((100, 24)).columns if options.output is None and sys.stdout.isatty() else 100
    return report_text.render(report, color=colored, width=min(width, 120)).encode()


def _is_above(options: Auditing, report: Report) -> bool:
    """Whether enough keeps to the single sources of truth, if that was asked."""
    if options.fail_under is None:
        return True
    now, _ = now_and_start(report.summaries)
    if now.percent is None or now.percent >= options.fail_under:
        return True
    say(f"{percent(now)} of production keeps to its single sources of truth, less than {options.fail_under:g} %")
    return False


def _is_verified(options: Auditing, report: Report) -> bool:
    """Whether all commands have passed, if they were to be run."""
    broken = [check for check in report.checks if check.result != "passed"] if options.verify else []
    for check in broken:
        say(f"`{printable(check.command)}` {check.result}")
    return not broken


def _baseline(options: Auditing) -> Baseline | None:
    """The baseline that was asked for, read before all the work; an empty one if it is to be begun."""
    if options.baseline is None:
        return None
    found = load(options.baseline)
    if found is None and not options.update_baseline:
        raise click.UsageError(f"there is no {options.baseline}; --update-baseline begins it with what is found today")
    return found


def _has_all(options: Auditing, baseline: Baseline | None, report: Report) -> bool:
    """Whether the baseline holds all findings; it is brought up to date if that was asked."""
    if options.baseline is None:
        return True
    if baseline is None:
        begun = known(report.findings)
        save(options.baseline, begun)
        say(f"{options.baseline} begun with {counted(sum(begun.values()), 'finding')}")
        return True
    found = compare(baseline, report.findings)
    if options.update_baseline and found.fixed:
        save(options.baseline, updated(baseline, report.findings))
        fixed = counted(sum(each.count for each in found.fixed), "finding")
        say(f"{options.baseline}: {fixed} dropped that no longer stand in the code")
        found = replace(found, fixed=())
    for line in told(found):
        say(printable(line))
    if found.new:
        say(f"not in {options.baseline}: {counted(sum(each.count for each in found.new), 'finding')}")
    return not found.new
