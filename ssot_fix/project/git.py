"""Asking git about the code under migration, so that nothing of that code's own is run."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

# By these a hook or an alias that runs us would point git at another repository than the folder's own
# (`git rev-parse --local-env-vars`; the GIT_CONFIG_* ones are the user's settings and stay).
_OTHER_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)
_OTHER_PATHSPECS = (
    "GIT_GLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
)  # git refuses them beside ours
TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")  # what git starts, such as a filter, has no need of them
_SETTINGS = {
    "GIT_OPTIONAL_LOCKS": "0",  # never write the user's index
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",  # a partial clone would ask its server for what it lacks
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",  # messages that _way_out knows
}
_SAFE = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
_LIST = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
_DAMAGED_INDEX = ("index file corrupt", "index file smaller", "bad index", "bad signature")


class GitError(Exception):
    """Git is not there or could not do what it was asked for; the message says why and the way out."""


def toplevel(start: Path) -> Path | None:
    """The nearest folder at or above `start` that git takes for a work tree's root; git is not run.

    `.git` is a folder there, or a file in a linked work tree and a submodule. None in a bare repository.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        entry = folder / ".git"
        # Unlike Path.is_file, these don't raise where a folder above may not be entered.
        if os.path.isfile(entry) or os.path.isfile(entry / "HEAD"):  # noqa: PTH113
            return folder
    return None


def run_git(root: Path, *args: str, input: bytes | None = None, environment: Mapping[str, str] | None = None) -> bytes:
    """Run `git *args` in the folder `root` and return its standard output.

    `input` goes to its standard input, `environment` are further variables. No shell, hook, pager or file system
    monitor is started, and the index is not refreshed on disk. Raises GitError if git is missing or fails.
    """
    return _complete(root, args, input, environment or {}).stdout


def attempt_git(root: Path, *args: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run `git *args` as `run_git` does, and leave it to the caller what a failure means.

    Raises GitError only if git is missing.
    """
    return _run(root, args, None, environment)


def ask_git(root: Path, *args: str) -> str | None:
    """The first line that `git *args` prints in the folder `root`; None if it fails, as it does to say no."""
    try:
        return os.fsdecode(run_git(root, *args)).partition("\n")[0]
    except GitError:
        return None


def forget_other_repositories() -> None:
    """Take the variables out of this process by which a hook or an alias points git elsewhere."""
    for name in _OTHER_REPOSITORY:
        os.environ.pop(name, None)


def list_files(root: Path) -> tuple[list[bytes], list[str], bytes]:
    """Paths of the tracked and the untracked, not ignored files below `root`, git's warnings, a digest of all that.

    Paths are relative to `root`, each once, in no order; submodules, links and deleted files are among them.
    Raises GitError.
    """
    done = _complete(root, _LIST)
    return list(set(_entries(done.stdout))), _messages(done.stderr), _listed(done)


def digest_of_list(root: Path) -> bytes:
    """The digest that `list_files` would give.

    Raises GitError.
    """
    return _listed(_complete(root, _LIST))


def _listed(done: subprocess.CompletedProcess[bytes]) -> bytes:
    return hashlib.blake2b(done.stdout + b"\0" + done.stderr, digest_size=16).digest()


def uncommitted(root: Path, paths: Iterable[str]) -> set[str]:
    """Those of `paths` (posix, relative to `root`) whose content git could not bring back from HEAD.

    They have staged or unstaged changes, or git does not track them (ignored files included), or is told to
    look away (`git update-index --assume-unchanged`, `--skip-worktree`). Raises GitError.
    """
    wanted = set(paths)
    if not wanted:
        return set()
    return (wanted - _watched(root)) | (wanted & _changed(root))


def _watched(root: Path) -> set[str]:
    tagged = _entries(run_git(root, "ls-files", "-z", "-v", "--cached"))
    return {os.fsdecode(entry[2:]) for entry in tagged if entry.startswith(b"H ")}


def _changed(root: Path) -> set[str]:
    prefix = run_git(root, "rev-parse", "--show-prefix").removesuffix(b"\n")
    status = run_git(
        root,
        *(
            "status",
            "--porcelain=v1",
            "-z",
            "--untracked-files=no",
            "--no-renames",
            "--ignore-submodules=all",
        ),
        *("--", "."),
    )
    return {os.fsdecode(entry[3:].removeprefix(prefix)) for entry in _entries(status)}


def _entries(output: bytes) -> list[bytes]:
    return output.split(b"\0")[:-1]


def _complete(
    root: Path, args: tuple[str, ...], data: bytes | None = None, more: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[bytes]:
    done = _run(root, args, data, more)
    if done.returncode:
        command = next(arg for before, arg in pairwise(("", *args)) if before != "-c" and not arg.startswith("-"))
        raise GitError(f"git {command} failed: {_failure(root, done)}")
    return done


def start_git(root: Path, *args: str) -> subprocess.Popen[bytes]:
    """Start `git *args` in the folder `root`, with pipes to its input and output, as `run_git` does.

    Raises GitError if git is missing.
    """
    try:
        return subprocess.Popen(
            [executable(), "--no-pager", *_SAFE, *args],
            cwd=root,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        raise GitError(f"git could not be started in {root}: {error.strerror}") from error


def _run(
    root: Path, args: tuple[str, ...], data: bytes | None, more: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            [executable(), "--no-pager", *_SAFE, *args],
            cwd=root,
            env={**_environment(), **more},
            input=b"" if data is None else data,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise GitError(f"git could not be started in {root}: {error.strerror}") from error


def executable() -> str:
    """The absolute path of git.

    Raises GitError if it is not there.
    """
    # Looked for by hand: Windows would take a git.exe out of the current folder, which is the code under
    # migration (CVE-2023-40590), and so would an empty or relative entry of PATH elsewhere.
    name = "git.exe" if os.name == "nt" else "git"
    for folder in os.get_exec_path():
        path = Path(folder, name)
        if path.is_absolute() and os.access(path, os.X_OK) and path.is_file():
            return str(path)
    raise GitError("git is not on PATH; install it, or add its folder to PATH")


def _environment() -> dict[str, str]:
    left_out = {*_OTHER_REPOSITORY, *_OTHER_PATHSPECS, *TOKENS}
    inherited = {name: value for name, value in os.environ.items() if name not in left_out}
    return inherited | _SETTINGS


def _failure(root: Path, done: subprocess.CompletedProcess[bytes]) -> str:
    text = done.stderr.decode("utf-8", "replace")
    said = [line.partition(": ")[2] for line in text.splitlines() if line.startswith(("fatal: ", "error: "))]
    reason = "; ".join(said) or text.strip() or f"exit code {done.returncode}"
    return f"{reason}. {_way_out(root, reason)}"


def _way_out(root: Path, reason: str) -> str:
    folder = shlex.quote((toplevel(root) or root).as_posix())
    if "dubious ownership" in reason:
        return f"If you trust it, run: git config --global --add safe.directory {folder}"
    if any(words in reason for words in _DAMAGED_INDEX):
        where = f"git -C {folder} rev-parse --git-path index"
        return f"Delete the index (`{where}` says where it is) and run: git -C {folder} reset"
    return f"Run `git -C {folder} status` to see what is wrong"


def _messages(stderr: bytes) -> list[str]:
    lines = stderr.decode("utf-8", "replace").splitlines()
    return [f"git: {line.removeprefix('warning: ')}" for line in lines if line.strip()]
