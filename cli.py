"""The `ssot-fix` command: options in, exit code out. What it calls is imported when it is called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from click_default_group import DefaultGroup

from ssot_fix import __version__
from ssot_fix.commands.console import say, silence_stdout
from ssot_fix.commands.exit_codes import DONE, FAILED

F = TypeVar("F", bound=Callable[..., Any])


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
        say("interrupted; each file and branch is as it was, or as it should be, and another run does the rest")
        return FAILED
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        silence_stdout()
        return FAILED
    except Exception as error:
        if "-vv" in (sys.argv if arguments is None else arguments):
            raise
        say(f"internal error: {error!r}; please report it, with what -vv prints")
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


def _output_options(*formats: str, plain: str = "text") -> Callable[[F], F]:
    """The options of every command that reports.

    `formats` are those that it knows besides JSON and the one for people, which is called `plain`.
    """
    options = (
        click.option(
            "--output",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Print to this file instead of stdout.",
        ),
        click.option(
            "--format",
            type=click.Choice([plain, "json", *formats]),
            default=plain,
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
@click.option("--no-cache", is_flag=True, help="Look at every file, whatever earlier runs have found; keep nothing.")
@click.option(
    "--stats",
    is_flag=True,
    help="Show how many files were known, read and parsed, the seconds of each stage, the memory.",
)
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@click.option("-v", "--verbose", count=True, help="List every refused site; -vv: tracebacks.")
@_output_options("sarif", "github", "html")
def run(**given: Any) -> int:  # noqa: ANN401
    """Find code that goes round the single sources of truth, and rewrite what is proved harmless."""
    from ssot_fix.commands.options import Options  # noqa: PLC0415
    from ssot_fix.commands.run import check_usage, run_command  # noqa: PLC0415

    options = Options(**given)
    check_usage(options)
    with _reported_errors():
        return run_command(options)


@command.command("list")  # type: ignore[untyped-decorator]
def list_() -> int:
    """List the codemods."""
    from codemods import catalog  # noqa: PLC0415

    found = catalog()
    width = max(map(len, found))
    for name, codemod in found.items():
        click.echo(f"{name:{width}}  {codemod.summary}")
    return DONE


@command.group()
def cache() -> None:
    """What earlier runs have found, so that only what has changed is looked at again."""


@cache.command()
def info() -> int:
    """Show where the cache is, and how large."""
    from ssot_fix.commands.cache import show_cache  # noqa: PLC0415

    return show_cache()


@cache.command()
def clear() -> int:
    """Remove the cache of all projects; the next runs take as long as the first."""
    from ssot_fix.commands.cache import clear_cache  # noqa: PLC0415

    return clear_cache()


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
    from ssot_fix.commands.settings import OTHER_TABLES  # noqa: PLC0415
    from ssot_fix.delivery.init import initialise  # noqa: PLC0415

    with _reported_errors():
        for line in initialise(Path.cwd(), catalog(), accessor, OTHER_TABLES):
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
    from ssot_fix.commands.branch import branch_command  # noqa: PLC0415
    from ssot_fix.commands.branch_options import Branching  # noqa: PLC0415

    with _reported_errors():
        return branch_command(Branching(verify=_commands(verify, verify_timeout), **given))


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
    from ssot_fix.commands.branch_options import Delivery  # noqa: PLC0415
    from ssot_fix.commands.pull_request import pull_request_command  # noqa: PLC0415

    if too_long := next((label for label in given["label"] if len(label) > 50), None):
        raise click.UsageError(f"GitHub takes labels of up to 50 characters, and `{too_long}` has {len(too_long)}")
    with _reported_errors():
        return pull_request_command(Delivery(verify=_commands(verify, verify_timeout), **given))


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
    from ssot_fix.commands.discover_moves import discover_moves_command  # noqa: PLC0415
    from ssot_fix.commands.options import Options  # noqa: PLC0415

    with _reported_errors():
        return discover_moves_command(Options(**given), write_config)


@command.command()
@click.option("--key", default="*", metavar="PATTERN", help="Only variables whose names match, such as 'AWS_*'.")
@click.option("--problems", is_flag=True, help="Only variables with a problem.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Read the settings from here.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Number of worker processes.")
@click.option("--no-cache", is_flag=True, help="Look at every file, whatever earlier runs have found; keep nothing.")
@click.option("-q", "--quiet", is_flag=True, help="No notes.")
@click.option("-v", "--verbose", count=True, help="List every place; -vv: tracebacks.")
@_output_options("md", plain="table")
def env(**given: Any) -> int:  # noqa: ANN401
    """List the environment variables of the code: who reads and writes each, with which default, through what.

    What is looked at is HEAD, as it was committed. Problems are defaults that contradict each other, variables that
    production writes one way (os.environ, or the accessor) and reads the other, and variables that it sets and nobody
    reads. Variables whose names are computed are not listed.
    """
    from ssot_fix.commands.env import Listing, env_command  # noqa: PLC0415

    with _reported_errors():
        return env_command(Listing(**given))


@command.command()
@click.option(
    "--last",
    type=click.IntRange(1),
    default=40,
    show_default=True,
    metavar="N",
    help="Audit the last N commits.",
)
@click.option("--range", metavar="A..B", help="Audit the commits of B that A does not have, instead.")
@click.option("--verify", is_flag=True, help="Run the commands of [[tool.ssot-fix.verify]], in the work tree.")
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit with 1 if less of the production code keeps to its single sources of truth.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Exit with 1 if there are findings that this file does not hold.",
)
@click.option(
    "--update-baseline",
    is_flag=True,
    help="Take out of the baseline what is no longer found, or begin it; nothing is ever added to one.",
)
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Read the settings from here.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Number of worker processes.")
@click.option("--no-cache", is_flag=True, help="Look at everything, whatever earlier runs have found; keep nothing.")
@click.option("-q", "--quiet", is_flag=True, help="No notes on stderr.")
@click.option("-v", "--verbose", count=True, help="-vv: tracebacks.")
@_output_options("md", "html")
def audit(**given: Any) -> int:  # noqa: ANN401
    """Report what goes round the single sources of truth, since which commit, and what became of what was removed.

    What is audited is HEAD (or the end of --range) as it was committed: nothing is checked out, and of the work tree
    only the settings are read.
    """
    from ssot_fix.commands.audit import audit_command  # noqa: PLC0415
    from ssot_fix.commands.audit_options import Auditing  # noqa: PLC0415

    if given["update_baseline"] and given["baseline"] is None:
        raise click.UsageError("--update-baseline goes with --baseline")
    if given["fail_under"] != given["fail_under"]:
        raise click.UsageError("--fail-under takes a number from 0 to 100, and nan is none")
    with _reported_errors():
        return audit_command(Auditing(**given))


@contextmanager
def _reported_errors() -> Iterator[None]:
    """Turn what a user can mend into a message and exit code 2."""
    try:
        yield
    except Exception as error:
        if isinstance(error, _mendable()):
            raise click.ClickException(str(error)) from None
        raise


def _mendable() -> tuple[type[Exception], ...]:
    """The errors whose messages name the way out; found out when there is one, since the modules are heavy."""
    from ssot_fix.audit.baseline import BaselineError  # noqa: PLC0415
    from ssot_fix.audit.commits import RangeError  # noqa: PLC0415
    from ssot_fix.delivery.forge import ForgeError  # noqa: PLC0415
    from ssot_fix.engine.run import CodemodInactive  # noqa: PLC0415
    from ssot_fix.project.config import ConfigError  # noqa: PLC0415
    from ssot_fix.project.discovery import UsageError  # noqa: PLC0415
    from ssot_fix.project.git import GitError  # noqa: PLC0415

    return ConfigError, UsageError, CodemodInactive, GitError, ForgeError, RangeError, BaselineError


def _commands(commands: tuple[str, ...], timeout: int) -> tuple[tuple[str, int], ...]:
    if any(not command.strip() for command in commands):
        raise click.UsageError("--verify is empty")
    return tuple((command, timeout) for command in commands)
