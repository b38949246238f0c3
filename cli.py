"""The `ssot-fix` command: options in, exit code out. What it calls is imported when it is called."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click
from click_default_group import DefaultGroup

from ssot_fix import __version__

if TYPE_CHECKING:
    from ssot_fix.delivery.branches import Builder
    from ssot_fix.delivery.forge import Forge
    from ssot_fix.delivery.proposals import Proposal, Proposals
    from ssot_fix.delivery.pull_requests import Deliverer
    from ssot_fix.delivery.question import Question
    from ssot_fix.delivery.remote import Remote
    from ssot_fix.delivery.repository import Repository
    from ssot_fix.delivery.verify import Verifier
    from ssot_fix.edits import FileResult
    from ssot_fix.engine.contract import Codemod
    from ssot_fix.engine.run import Outcome, Request
    from ssot_fix.project.config import Config

DONE, FOUND_WORK, FAILED = 0, 1, 2
F = TypeVar("F", bound=Callable[..., Any])
_FOR_VIEWERS = ("sarif", "github")  # formats that tell of places, without a diff
_LONG = 0.7  # seconds after which a progress bar is worth its flicker


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    try:
        code = command.main(arguments, prog_name="ssot-fix", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        error.show()
        return FAILED
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted; every file is either as it was or wholly rewritten")
        return FAILED
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        _silence_stdout()
        return FAILED
    except Exception as error:
        if "-vv" in (sys.argv if arguments is None else arguments):
            raise
        _say(f"internal error: {error!r}; please report it, with what -vv prints")
        return FAILED
    return code if isinstance(code, int) else DONE


@click.group(
    cls=DefaultGroup,
    default="run",
    default_if_no_args=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="ssot-fix")
def command() -> None:
    """Move a Python code base onto its single sources of truth.

    Without a command, `run` is meant: `ssot-fix --dry-run` shows what would change.
    """


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a command, as click hands them over."""

    paths: tuple[str, ...] = ()
    codemod: tuple[str, ...] = ()
    dry_run: bool = False
    write: bool = False
    check: bool = False
    strict: bool = False
    allow_dirty: bool = False
    unsafe_fixes: bool = False
    include_tests: bool = False
    config: Path | None = None
    jobs: int | None = None
    stats: bool = False
    quiet: bool = False
    verbose: int = 0
    color: str = "auto"
    format: str = "text"
    output: Path | None = None


@dataclass(frozen=True, slots=True)
class Branching(Options):
    """The options of the commands that make branches; `verify` are commands with their limits in seconds."""

    base: str | None = None
    name: str | None = None
    split: str | None = None
    max_files: int | None = None
    author: str | None = None
    yes: bool = False
    verify: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery(Branching):
    """The options of `pr`."""

    remote: str = "origin"
    draft: bool = False
    label: tuple[str, ...] = ()
    reviewer: tuple[str, ...] = ()
    max_open: int | None = None
    max_per_hour: int | None = None
    token_file: Path | None = None


def _output_options(*formats: str) -> Callable[[F], F]:
    """The options of every command that reports; `formats` are those that it knows besides text and JSON."""
    options = (
        click.option(
            "--output",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Print to this file instead of stdout.",
        ),
        click.option(
            "--format",
            type=click.Choice(["text", "json", *formats]),
            default="text",
            show_default=True,
            help="What to print on stdout.",
        ),
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            metavar="WHEN",
            show_default=True,
            help="auto, always or never.",
        ),
    )

    def add(function: F) -> F:
        for option in options:
            function = option(function)
        return function

    return add


@command.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--codemod", multiple=True, metavar="NAME", help="Run only this codemod (repeatable).")
@click.option("--dry-run", is_flag=True, help="Print the diff and change nothing (the default).")
@click.option("--write", is_flag=True, help="Change the files.")
@click.option("--check", is_flag=True, help="Print no diff; exit with 1 if something would change.")
@click.option("--strict", is_flag=True, help="With --check: exit with 1 if any unsuppressed finding is left.")
@click.option("--allow-dirty", is_flag=True, help="With --write: change files with uncommitted changes, too.")
@click.option("--unsafe-fixes", is_flag=True, help="Apply fixes that may behave differently, in a stated way.")
@click.option("--include-tests", is_flag=True, help="Look into test code, too.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Read the settings from here.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Number of worker processes.")
@click.option("--stats", is_flag=True, help="Show where the time went.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@click.option("-v", "--verbose", count=True, help="List every refused site; -vv: tracebacks.")
@_output_options("sarif", "github")
def run(**given: Any) -> int:  # noqa: ANN401
    """Find code that goes round the single sources of truth, and rewrite what is proved harmless."""
    options = Options(**given)
    _check_usage(options)
    with _reported_errors():
        return _run(options)


@command.command("list")  # type: ignore[untyped-decorator]
def list_() -> int:
    """List the codemods."""
    from codemods import catalog  # noqa: PLC0415

    found = catalog()
    width = max(map(len, found))
    for name, codemod in found.items():
        click.echo(f"{name:{width}}  {codemod.summary}")
    return DONE


@command.command()
@click.argument("subject", metavar="NAME-or-REASON")
def explain(subject: str) -> int:
    """Explain a codemod, or the reason code of a refusal."""
    from difflib import get_close_matches  # noqa: PLC0415

    from codemods import catalog  # noqa: PLC0415
    from ssot_fix.reasons import SHARED  # noqa: PLC0415

    found = catalog()
    if subject in found:
        click.echo(found[subject].explanation.strip())
        return DONE
    told = [("any codemod", SHARED[subject])] if subject in SHARED else []
    told += [(name, codemod.reasons[subject]) for name, codemod in found.items() if subject in codemod.reasons]
    if not told:
        known = [*found, *SHARED, *(reason for codemod in found.values() for reason in codemod.reasons)]
        near = get_close_matches(subject, known, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else "; `ssot-fix list` names the codemods"
        raise click.UsageError(f"no codemod and no reason is called `{subject}`{hint}")
    for owner, text in told:
        click.echo(f"{subject} ({owner})\n\n{click.wrap_text(text, 80)}")
    return DONE


@command.command()
@click.option(
    "--accessor",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write a small environment accessor to this new file.",
)
def init(accessor: Path | None) -> int:
    """Look at the project and write commented settings to start from."""
    from codemods import catalog  # noqa: PLC0415
    from ssot_fix.delivery.init import initialise  # noqa: PLC0415

    with _reported_errors():
        for line in initialise(Path.cwd(), catalog(), accessor):
            click.echo(line)
    return DONE


def _branch_options(function: F) -> F:
    """The options of the commands that make branches."""
    for option in (
        click.option("-v", "--verbose", count=True, help="List every refused site; -vv: tracebacks."),
        click.option("-q", "--quiet", is_flag=True, help="No diff, notes and summary."),
        click.option("-y", "--yes", is_flag=True, help="Don't ask."),
        click.option("--jobs", type=click.IntRange(1), metavar="N", help="Number of worker processes."),
        click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Read the settings from here."),
        click.option("--include-tests", is_flag=True, help="Look into test code, too."),
        click.option("--unsafe-fixes", is_flag=True, help="Apply fixes that may behave differently, in a stated way."),
        click.option("--author", metavar="'NAME <MAIL>'", help="Who makes the commits; else git's settings say."),
        click.option(
            "--verify-timeout",
            type=click.IntRange(1),
            default=600,
            show_default=True,
            metavar="SECONDS",
            help="How long each --verify may take.",
        ),
        click.option(
            "--verify",
            multiple=True,
            metavar="'CMD'",
            help="Run this command on the base and on the branch (repeatable); it has to pass if it did before.",
        ),
        click.option("--max-files", type=click.IntRange(1), metavar="N", help="At most so many files in a branch."),
        click.option(
            "--split",
            type=click.Choice(["codemod", "directory", "codeowners"]),
            help="One branch for each codemod, top-level directory or CODEOWNERS owner.",
        ),
        click.option("--name", metavar="BRANCH", help="The name of the branch, or what the names begin with."),
        click.option("--base", metavar="REF", help="The commit to build on."),
        click.option("--codemod", multiple=True, metavar="NAME", help="Run only this codemod (repeatable)."),
    ):
        function = option(function)
    return function


@command.command()
@_branch_options
@_output_options()
def branch(*, verify: tuple[str, ...], verify_timeout: int, **given: Any) -> int:  # noqa: ANN401
    """Put the changes on a branch: one commit for each codemod, without a checkout.

    What is changed is the base commit (--base, else HEAD), whatever lies in the work tree. A branch that holds other
    people's commits is left alone.
    """
    with _reported_errors():
        return _branch(Branching(verify=_commands(verify, verify_timeout), **given))


@command.command()
@click.option("--draft", is_flag=True, help="Open drafts.")
@click.option("--label", multiple=True, metavar="L", help="Give pull requests this label (repeatable).")
@click.option(
    "--reviewer", multiple=True, metavar="R", help="Ask this person, or ORG/TEAM, for a review (repeatable)."
)
@click.option("--dry-run", is_flag=True, help="Print the diff, and say what would be done; nothing is pushed.")
@click.option(
    "--max-open",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    metavar="N",
    help="Open no more where so many are open.",
)
@click.option("--max-per-hour", type=click.IntRange(1), metavar="N", help="Open at most so many within an hour.")
@click.option("--remote", default="origin", show_default=True, metavar="NAME", help="The remote to push to.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Read the token from here; else GITHUB_TOKEN or GH_TOKEN is it.",
)
@_branch_options
@_output_options()
def pr(*, verify: tuple[str, ...], verify_timeout: int, **given: Any) -> int:  # noqa: ANN401
    """Push the changes to a branch, and open or refresh its pull request.

    They are made on the remote's default branch (or --base) as it is now. Run it as often as you like: where all is as
    it should be, nothing is done. A branch that somebody has pushed to is left alone, a pull request that somebody has
    closed stays closed, and one for which nothing is left to do is closed.
    """
    from ssot_fix.delivery.forge import ForgeError  # noqa: PLC0415

    with _reported_errors():
        try:
            return _pr(Delivery(verify=_commands(verify, verify_timeout), **given))
        except ForgeError as error:
            raise click.ClickException(str(error)) from None


@command.command("discover-moves")  # type: ignore[untyped-decorator]
@click.option("--write-config", is_flag=True, help="Append the conclusive moves to the settings.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Read the settings from here.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Number of worker processes.")
@click.option("-q", "--quiet", is_flag=True, help="No notes.")
@_output_options()
def discover_moves(*, write_config: bool, **given: Any) -> int:  # noqa: ANN401
    """Find out where modules and names went that imports still ask for.

    The evidence is git's history and the likeness of what was there to what is there now. Nothing but the settings
    is ever written, and those only with --write-config.
    """
    with _reported_errors():
        return _discover_moves(Options(**given), write_config)


def _discover_moves(options: Options, write_config: bool) -> int:
    from codemods import catalog  # noqa: PLC0415
    from codemods.stale_imports import Repointing  # noqa: PLC0415
    from codemods.stale_imports.discover import discover  # noqa: PLC0415
    from codemods.stale_imports.options import NAME  # noqa: PLC0415
    from ssot_fix.delivery.append_config import append_moves, moves_header  # noqa: PLC0415
    from ssot_fix.engine.run import Request, prepare  # noqa: PLC0415
    from ssot_fix.report.diff import printable  # noqa: PLC0415
    from ssot_fix.report.moves import conclusive, json_moves, print_moves  # noqa: PLC0415

    config = _settings(options, catalog())
    with _progress(options) as progress:
        prepared, notes = prepare(Request(config, catalog(), asked=(NAME,)), progress)
    repointing = prepared[NAME]
    assert isinstance(repointing, Repointing)
    assert repointing.decider is not None
    found, limits = discover(repointing.decider, config.root)
    if options.format == "json":
        _print(options, json_moves(found).encode())
    else:
        colored = options.output is None and _colors(options, sys.stdout)
        wraps = options.output is None and sys.stdout.isatty()
        _print(options, print_moves(found, moves_header(config.file), sys.stdout, color=colored, wraps=wraps).encode())
    if write_config:
        _say(append_moves(config.file, config.root, conclusive(found)))
    for note in () if options.quiet else (*notes, *repointing.notes, *limits):
        _say(f"note: {printable(note)}")
    return DONE


def _check_usage(options: Options) -> None:
    modes = [name for name in ("dry_run", "write", "check") if getattr(options, name)]
    if len(modes) > 1:
        named = " and ".join("--" + name.replace("_", "-") for name in modes)
        raise click.UsageError(f"{named} exclude each other")
    if options.strict and not options.check:
        raise click.UsageError("--strict goes with --check")
    if options.allow_dirty and not options.write:
        raise click.UsageError("--allow-dirty goes with --write")


@contextmanager
def _reported_errors() -> Iterator[None]:
    """Turn what a user can mend into a message and exit code 2."""
    from ssot_fix.engine.run import CodemodInactive  # noqa: PLC0415
    from ssot_fix.project.config import ConfigError  # noqa: PLC0415
    from ssot_fix.project.discovery import UsageError  # noqa: PLC0415
    from ssot_fix.project.git import GitError  # noqa: PLC0415

    try:
        yield
    except (ConfigError, UsageError, CodemodInactive, GitError) as error:
        raise click.ClickException(str(error)) from None


def _run(options: Options) -> int:
    from codemods import catalog  # noqa: PLC0415
    from ssot_fix.engine.run import Request, run  # noqa: PLC0415

    began = time.perf_counter()
    found = catalog()
    config = _settings(options, found)
    request = Request(config, found, options.paths, _asked(options.codemod, found))
    with _progress(options) as progress:
        outcome = run(request, progress)
    diffs = _diffs(options, config.root, outcome)
    sources = _sources(options, config.root, outcome.results)
    if options.write:
        outcome.results = _written(options, config.root, outcome.results)
    if options.format in _FOR_VIEWERS:
        _print(options, _for_viewers(options, request, outcome, sources))
    return _report(options, request, outcome, diffs, time.perf_counter() - began)


def _commands(commands: tuple[str, ...], timeout: int) -> tuple[tuple[str, int], ...]:
    if any(not command.strip() for command in commands):
        raise click.UsageError("--verify is empty")
    return tuple((command, timeout) for command in commands)


def _branch(options: Branching) -> int:
    from ssot_fix.delivery.branches import json_branches, offer, told_branch, told_verified  # noqa: PLC0415
    from ssot_fix.delivery.message import named  # noqa: PLC0415
    from ssot_fix.delivery.repository import Repository, parse_person  # noqa: PLC0415

    if options.author is not None:
        parse_person(options.author)  # before all the work
    repository = Repository(Path.cwd())
    base = repository.resolve("HEAD" if options.base is None else options.base)
    made = _proposed(options, repository, base)
    builder, verifier = _builder(options, repository, base, made)
    if made.proposals and not _confirmed(options, f"make {named([each.branch for each in made.proposals])}?"):
        return FAILED
    branches = []
    for proposal in made.proposals:
        branches.append(offer(builder, verifier, proposal))
        for line in (told_branch(branches[-1]), *told_verified(branches[-1])):
            _say(line)  # at once: the next one may fail
    if not made.proposals:
        _say("there is nothing to do, so no branch was made")
    if options.format == "json":
        _print(options, json_branches(base, branches, made.notes).encode())
    return FAILED if made.failed or any(each.is_worry for each in branches) else DONE


def _pr(options: Delivery) -> int:
    from ssot_fix.delivery.github import GitHub  # noqa: PLC0415
    from ssot_fix.delivery.pull_report import json_pulls, told_pull  # noqa: PLC0415
    from ssot_fix.delivery.question import Question, deliveries, fetched  # noqa: PLC0415
    from ssot_fix.delivery.remote import Remote, find_token  # noqa: PLC0415
    from ssot_fix.delivery.repository import Repository  # noqa: PLC0415

    repository, secret = Repository(Path.cwd()), find_token(options.token_file)
    remote = Remote(repository, options.remote, secret)
    forge = GitHub(remote.location, secret)
    base, heads = fetched(remote, options.base, options.name)
    question = Question(base, options.codemod, options.name, options.split, tuple(_repeated(options)))
    is_asked = sys.stdin.isatty() and not (options.yes or options.dry_run)
    made = _proposed(options, repository, heads[base], shows=is_asked or options.dry_run)
    if is_asked and made.proposals and not _confirmed(options, f"push to {remote.location}, and open pull requests?"):
        return FAILED
    delivered = []
    deliverer = _deliverer(options, question, heads, made, (repository, remote, forge))
    for done in deliveries(deliverer, question, made):
        _say(told_pull(done, dry_run=options.dry_run))
        delivered.append(done)
    for note in deliverer.notes:
        _say(f"note: {note}")
    if options.format == "json":
        _print(options, json_pulls(delivered, [*made.notes, *deliverer.notes]).encode())
    return FAILED if made.failed or any(done.is_worry for done in delivered) else DONE


def _repeated(options: Delivery) -> Iterator[str]:
    """The options that change what a pull request holds, for whoever runs it again."""
    yield from ("--unsafe-fixes",) if options.unsafe_fixes else ()
    yield from ("--include-tests",) if options.include_tests else ()
    yield from ("--config", str(options.config)) if options.config else ()
    yield from ("--max-files", str(options.max_files)) if options.max_files else ()


def _deliverer(
    options: Delivery,
    question: Question,
    heads: dict[str, str],
    made: Proposals,
    places: tuple[Repository, Remote, Forge],
) -> Deliverer:
    from ssot_fix.delivery.body import Story  # noqa: PLC0415
    from ssot_fix.delivery.pull_requests import Deliverer, Manners  # noqa: PLC0415

    repository, remote, forge = places
    builder, verifier = _builder(options, repository, heads[question.base], made)
    manners = Manners(
        question.key(),
        options.label,
        options.reviewer,
        options.draft,
        options.max_open,
        options.max_per_hour,
        options.dry_run,
    )

    def story(proposal: Proposal) -> Story:
        return Story(proposal, builder.catalog, builder.headlines, question.base, question.command())

    return Deliverer(builder, verifier, remote, forge, manners, question.base, heads, story)


def _proposed(options: Branching, repository: Repository, base: str, *, shows: bool = True) -> Proposals:
    """Plan on the base, and show it: the diff on stdout (if that is to hold text), the rest on stderr."""
    from codemods import catalog  # noqa: PLC0415
    from ssot_fix.delivery.proposals import Wanted, propose  # noqa: PLC0415

    began = time.perf_counter()
    found = catalog()
    wanted = Wanted(
        found,
        lambda folder: _settings_of(options, found, repository, folder),
        tuple(_asked(options.codemod, found)),
        options.name,
        options.split,
        options.max_files,
    )
    with _progress(options) as progress:
        made = propose(repository, base, wanted, progress)
    if shows and options.format == "text" and not options.quiet:
        _print(options, b"".join(_branch_diffs(options, made)))
    outcome = made.outcome()
    _print_notes(options, outcome)
    if not options.quiet:
        _print_summary(options, found, outcome, time.perf_counter() - began)
    return made


def _settings_of(options: Branching, found: dict[str, Codemod], repository: Repository, folder: Path) -> Config:
    """The settings of a commit whose files are in `folder`, as seen from the same place as the current folder."""
    inside = Path(os.path.relpath(Path.cwd(), repository.folder))
    here = folder / inside if (folder / inside).is_dir() and ".." not in inside.parts else folder
    if options.config is not None and not options.config.is_absolute() and (here / options.config).is_file():
        options = replace(options, config=here / options.config)  # what was committed, not what lies about
    return _settings(options, found, folder, here)


def _branch_diffs(options: Branching, made: Proposals) -> Iterator[bytes]:
    from ssot_fix.report.diff import render_colored, unified_diff  # noqa: PLC0415

    colored = options.output is None and _colors(options, sys.stdout)
    for proposal in made.proposals:
        if len(made.proposals) > 1:
            yield f"# {proposal.branch}\n".encode()
        for change in proposal.changes:
            told = (change.path, change.old, change.edits)
            yield render_colored(*told).encode() if colored else unified_diff(*told)


def _builder(options: Branching, repository: Repository, base: str, made: Proposals) -> tuple[Builder, Verifier]:
    from codemods import catalog  # noqa: PLC0415
    from ssot_fix.delivery.branches import Builder, check_name, headlines_of  # noqa: PLC0415
    from ssot_fix.delivery.verify import Verifier  # noqa: PLC0415
    from ssot_fix.project.config import Verification  # noqa: PLC0415
    from ssot_fix.reasons import SHARED  # noqa: PLC0415

    for proposal in made.proposals:
        check_name(repository, proposal.branch)
    found = catalog()
    builder = Builder(repository, base, found, headlines_of(found, SHARED), options.author)
    commands = [Verification(command, seconds) for command, seconds in options.verify]
    return builder, Verifier(repository, base, [*made.config.general.verify, *commands])


def _confirmed(options: Branching, question: str) -> bool:
    if options.yes:
        return True
    if not sys.stdin.isatty():
        raise click.ClickException("nothing was done: there is no terminal to ask on; --yes says that it is meant")
    return click.confirm(f"ssot-fix: {question}", err=True)


def _settings(
    options: Options, found: dict[str, Codemod], root: Path | None = None, here: Path | None = None
) -> Config:
    """The settings of the project around the current folder, or of one at `root`, seen from `here`."""
    from ssot_fix.project.config import find_root, load  # noqa: PLC0415

    here = here or Path.cwd()
    root = root or find_root(here)
    config = load(root, here, {name: codemod.options for name, codemod in found.items()}, options.config)
    general = config.general
    config.general = replace(
        general,
        unsafe_fixes=general.unsafe_fixes or options.unsafe_fixes,
        include_tests=general.include_tests or options.include_tests,
        jobs=options.jobs or general.jobs,
    )
    _asked(general.codemods, found)
    return config


def _asked(names: Sequence[str], found: dict[str, Codemod]) -> Sequence[str]:
    from difflib import get_close_matches  # noqa: PLC0415

    for name in names:
        if name not in found:
            near = get_close_matches(name, found, n=1) or list(found)
            raise click.UsageError(f"no codemod is called `{name}`; did you mean `{near[0]}`?")
    return names


def _written(options: Options, root: Path, results: list[FileResult]) -> list[FileResult]:
    from ssot_fix.delivery.write import write_all  # noqa: PLC0415
    from ssot_fix.project.git import toplevel, uncommitted  # noqa: PLC0415

    if options.allow_dirty:
        return write_all(root, results, is_dirty=None)
    if toplevel(root) is None:
        raise click.ClickException(
            f"{root} is not in a git repository, so nothing could bring the old text back; "
            "put it under git, or use --allow-dirty"
        )
    return write_all(root, results, is_dirty=lambda paths: uncommitted(root, paths))


def _report(options: Options, request: Request, outcome: Outcome, diffs: dict[str, bytes], seconds: float) -> int:
    from ssot_fix.report.summary import summarize  # noqa: PLC0415

    changed = {result.path for result in outcome.results if result.status == "changed"}
    diffs = {path: diff for path, diff in diffs.items() if path in changed}
    summary = summarize(outcome.results, outcome.files_scanned)
    if options.format == "json":
        from ssot_fix.report.json_report import render  # noqa: PLC0415

        _print(options, render(outcome.results, diffs, outcome.files_scanned).encode())
    elif options.format == "text":
        _print(options, b"".join(diffs.values()))
    _print_notes(options, outcome)
    if not options.quiet:
        _print_summary(options, request.catalog, outcome, seconds)
    if options.stats:
        _print_stats(outcome)
    if summary.files_failed:
        return FAILED
    left = summary.total.refused if options.strict else 0
    return FOUND_WORK if options.check and (summary.files_changed or left) else DONE


def _diffs(options: Options, root: Path, outcome: Outcome) -> dict[str, bytes]:
    """The diffs that are wanted; a file that is no longer what was analysed becomes a failure."""
    from ssot_fix.engine.file import original  # noqa: PLC0415
    from ssot_fix.report.diff import render_colored, unified_diff  # noqa: PLC0415

    if options.format == "text" and (options.write or options.check):
        return {}
    colored = options.format == "text" and options.output is None and _colors(options, sys.stdout)
    diffs: dict[str, bytes] = {}
    for index, result in enumerate(outcome.results):
        if result.status != "changed":
            continue
        old = original(root, result)
        if old is None:
            error = f"{result.path} changed while ssot-fix was running; run it again"
            outcome.results[index] = result.undone("not-written", error)
        elif options.format in _FOR_VIEWERS:
            continue
        elif colored:
            diffs[result.path] = render_colored(result.path, old, result.edits).encode()
        else:
            diffs[result.path] = unified_diff(result.path, old, result.edits)
    return diffs


def _sources(options: Options, root: Path, results: Sequence[FileResult]) -> dict[str, bytes]:
    """The bytes of the files that are reported, where the format counts places in them."""
    if options.format not in _FOR_VIEWERS:
        return {}
    sources: dict[str, bytes] = {}
    for result in results:
        with suppress(OSError):
            sources[result.path] = (root / result.path).read_bytes()
    return sources


def _for_viewers(options: Options, request: Request, outcome: Outcome, sources: dict[str, bytes]) -> bytes:
    """The report as SARIF or as annotations; where files were written, of what is left in them."""
    from ssot_fix.report import annotations, sarif  # noqa: PLC0415
    from ssot_fix.report.remaining import remaining  # noqa: PLC0415

    results: Sequence[FileResult] = outcome.results
    if options.write:
        results, sources = remaining(results, sources)
    if options.format == "github":
        return annotations.render(results).encode()
    return sarif.render(results, sources, outcome.files_scanned, request.catalog, outcome.notes).encode()


def _colors(options: Options, stream: TextIO) -> bool:
    if options.color != "auto":
        return options.color == "always"
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _print(options: Options, data: bytes) -> None:
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
            _silence_stdout()
        where = options.output or "standard output"
        raise click.ClickException(f"{where}: {error.strerror or error}; not all was printed") from None


def _print_notes(options: Options, outcome: Outcome) -> None:
    from ssot_fix.report.diff import printable  # noqa: PLC0415

    for note in outcome.notes if not options.quiet else ():
        _say(f"note: {printable(note)}")
    for result in outcome.results:
        if result.error is not None:
            _say(f"error: {printable(result.error)}")
            if result.trace and options.verbose > 1:
                click.echo(result.trace, err=True)


def _print_summary(options: Options, found: Mapping[str, Codemod], outcome: Outcome, seconds: float) -> None:
    from ssot_fix.reasons import SHARED  # noqa: PLC0415
    from ssot_fix.report.summary import summarize  # noqa: PLC0415
    from ssot_fix.report.terminal import print_summary  # noqa: PLC0415

    reasons = dict(SHARED)
    for codemod in found.values():
        reasons |= codemod.reasons
    print_summary(
        summarize(outcome.results, outcome.files_scanned),
        seconds=seconds,
        test_files_skipped=outcome.tests_skipped,
        console_file=sys.stderr,
        color=_colors(options, sys.stderr),
        write_mode=options.write,
        headlines={code: text.partition(". ")[0].rstrip(".") for code, text in reasons.items()},
        verbose=options.verbose > 0,
        findings=[finding for result in outcome.results for finding in result.findings],
    )


def _print_stats(outcome: Outcome) -> None:
    _say(f"stats: {outcome.files_scanned} files scanned, {outcome.candidates} parsed")
    for stage, seconds in outcome.seconds.items():
        _say(f"stats: {stage} {seconds:.2f} s")


@contextmanager
def _progress(options: Options) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr if that is a terminal and the work turns out to be long."""
    if options.quiet or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    began = time.perf_counter()
    bar: list[Any] = []

    def tell(done: int, total: int) -> None:
        if not bar and time.perf_counter() - began > _LONG:
            from rich.console import Console  # noqa: PLC0415
            from rich.progress import Progress  # noqa: PLC0415

            bar.append(Progress(console=Console(stderr=True), transient=True))
            bar[0].add_task("looking", total=total)
            bar[0].start()
        if bar:
            bar[0].update(bar[0].task_ids[0], completed=done, total=total)

    try:
        yield tell
    finally:
        if bar:
            bar[0].stop()


def _silence_stdout() -> None:
    """Keep Python from complaining about what it can't flush at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(message: str) -> None:
    """One line on stderr, whatever its encoding can't say spelled out."""
    encoding = sys.stderr.encoding or "utf-8"
    click.echo(f"ssot-fix: {message}".encode(encoding, "backslashreplace").decode(encoding), err=True)
