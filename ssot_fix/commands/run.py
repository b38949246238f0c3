"""`ssot-fix run`: look, and print or write."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from codemods import catalog
from ssot_fix.commands.console import print_bytes, say, uses_colors
from ssot_fix.commands.exit_codes import DONE, FAILED, FOUND_WORK
from ssot_fix.commands.options import FOR_VIEWERS, Options
from ssot_fix.commands.output import print_notes, print_stats, print_summary, progress_bar
from ssot_fix.commands.settings import checked_names, read_settings
from ssot_fix.edits import FileResult
from ssot_fix.engine.cache.store import Store
from ssot_fix.engine.run import Outcome, Request, original, run
from ssot_fix.project.git import toplevel, uncommitted
from ssot_fix.report.diff import render_colored, unified_diff
from ssot_fix.report.summary import summarize


def run_command(options: Options) -> int:
    """Look for sites, and print or write what is to become of them; the exit code."""
    began = time.perf_counter()
    found = catalog()
    config = read_settings(options, found)
    store = None if options.no_cache else Store(config.root)
    request = Request(config, found, options.paths, checked_names(options.codemod, found), store=store)
    with progress_bar(options) as progress:
        outcome = run(request, progress)
    diffs = _diffs(options, config.root, outcome)
    sources = _sources(options, config.root, outcome.results)
    if options.write:
        outcome.results = _written(options, config.root, outcome.results)
    if options.format in FOR_VIEWERS:
        print_bytes(options, _for_viewers(options, request, outcome, sources))
    code = _report(options, request, outcome, diffs, time.perf_counter() - began)
    if outcome.keep is not None:
        sys.stdout.flush()
        outcome.keep(outcome.diffs if _colors(options) else {**outcome.diffs, **diffs})
    if store is not None and store.trouble and options.verbose:
        say(f"note: {store.trouble}")
    return code


def check_usage(options: Options) -> None:
    """Raise UsageError for options that do not go together."""
    modes = [name for name in ("dry_run", "write", "check") if getattr(options, name)]
    if len(modes) > 1:
        named = " and ".join("--" + name.replace("_", "-") for name in modes)
        raise click.UsageError(f"{named} exclude each other")
    if options.strict and not options.check:
        raise click.UsageError("--strict goes with --check")
    if options.allow_dirty and not options.write:
        raise click.UsageError("--allow-dirty goes with --write")


def _written(options: Options, root: Path, results: list[FileResult]) -> list[FileResult]:
    from ssot_fix.delivery.write import write_all  # noqa: PLC0415  only where files are written

    if options.allow_dirty:
        return write_all(root, results, is_dirty=None)
    if toplevel(root) is None:
        raise click.ClickException(
            f"{root} is not in a git repository, so nothing could bring the old text back; "
            "put it under git, or use --allow-dirty"
        )
    return write_all(root, results, is_dirty=lambda paths: uncommitted(root, paths))


def _report(options: Options, request: Request, outcome: Outcome, diffs: dict[str, bytes], seconds: float) -> int:
    changed = {result.path for result in outcome.results if result.status == "changed"}
    diffs = {path: diff for path, diff in diffs.items() if path in changed}
    summary = summarize(outcome.results, outcome.files_scanned)
    if options.format == "json":
        from ssot_fix.report.json_report import render  # noqa: PLC0415

        print_bytes(options, render(outcome.results, diffs, outcome.files_scanned).encode())
    elif options.format == "text":
        print_bytes(options, b"".join(diffs.values()))
    print_notes(options, outcome)
    if not options.quiet:
        print_summary(options, request.catalog, outcome, seconds)
    if options.stats:
        print_stats(outcome)
    if summary.files_failed:
        return FAILED
    left = summary.total.refused if options.strict else 0
    return FOUND_WORK if options.check and (summary.files_changed or left) else DONE


def _diffs(options: Options, root: Path, outcome: Outcome) -> dict[str, bytes]:
    """The diffs that are wanted; a file that is no longer what was analysed becomes a failure."""
    if options.format == "text" and (options.write or options.check):
        return {}
    colored = _colors(options)
    diffs: dict[str, bytes] = {}
    for index, result in enumerate(outcome.results):
        if result.status != "changed":
            continue
        if not colored and result.path in outcome.diffs:
            diffs[result.path] = outcome.diffs[result.path]
            continue
        old = original(root, result)
        if old is None:
            error = f"{result.path} changed while ssot-fix was running; run it again"
            outcome.results[index] = result.undone("not-written", error)
        elif options.format in FOR_VIEWERS:
            continue
        elif colored:
            diffs[result.path] = render_colored(result.path, old, result.edits).encode()
        else:
            diffs[result.path] = unified_diff(result.path, old, result.edits)
    return diffs


def _colors(options: Options) -> bool:
    """Whether diffs are printed in colours."""
    return options.format == "text" and options.output is None and uses_colors(options, sys.stdout)


def _sources(options: Options, root: Path, results: Sequence[FileResult]) -> dict[str, bytes]:
    """The bytes of the files that are reported, where the format counts places in them."""
    if options.format not in FOR_VIEWERS:
        return {}
    sources: dict[str, bytes] = {}
    for result in results:
        with suppress(OSError):
            sources[result.path] = (root / result.path).read_bytes()
    return sources


def _for_viewers(options: Options, request: Request, outcome: Outcome, sources: dict[str, bytes]) -> bytes:
    """The report as a page; or as SARIF or annotations, which tell, where files were written, of what is left."""
    if options.format == "html":
        return _page(options, request, outcome, sources)
    from ssot_fix.report import annotations, sarif  # noqa: PLC0415  rarely needed
    from ssot_fix.report.remaining import remaining  # noqa: PLC0415

    results: Sequence[FileResult] = outcome.results
    if options.write:
        results, sources = remaining(results, sources)
    if options.format == "github":
        return annotations.render(results).encode()
    return sarif.render(results, sources, outcome.files_scanned, request.catalog, outcome.notes).encode()


def _page(options: Options, request: Request, outcome: Outcome, sources: dict[str, bytes]) -> bytes:
    from ssot_fix.report.dry_run_html import render  # noqa: PLC0415  rarely needed

    return render(
        outcome.results,
        sources,
        outcome.files_scanned,
        [codemod.reasons for codemod in request.catalog.values()],
        outcome.notes,
        is_written=options.write,
    )
