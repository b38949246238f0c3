"""The tools that are compared: how each is installed, started, and what it says it found."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.accuracy import Place
from benchmarks.measure import Command

_PEERS = Path(__file__).resolve().parent / "peers"
_PLACE = re.compile(r"^(?:WARNING: )?(.+\.py):(\d+):$", re.MULTILINE)
_READS = ("get", "lookup")
_BANNED = 'lint.flake8-tidy-imports.banned-api={"os.getenv"={msg="read"}, "os.environ"={msg="read"}}'
# What would make a tool behave differently here than elsewhere, or keep Python from using its bytecode.
_DROPPED = ("PYTHON", "RUFF_", "GIT_", "SSOT_FIX", "LIBCST", "XDG_")


@dataclass(frozen=True, slots=True)
class Package:
    """What is installed from the package index, for a tool of its own environment."""

    name: str
    version: str
    needs: tuple[str, ...] = ()


RUFF = Package("ruff", "0.17.6")
AST_GREP = Package("ast-grep-cli", "0.51.1")
LIBCST = Package("libcst", "1.9.0")
BOWLER = Package("bowler", "0.9.0", ("fissix==24.4.24",))

Reader = Callable[[Path, str, str], Iterator[Place]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A way to run a tool: one line of the table.

    `state` is cold (no cache of results), warm (nothing changed since the last run) or edited (ten files changed since
    then). `sample` is for tools that get a part of the code only. `read` takes the root, stdout and stderr.
    """

    key: str
    tool: str
    what: str
    arguments: tuple[str, ...]
    package: Package | None = None
    state: str = "cold"
    sample: bool = False
    read: Reader | None = None


class CannotInstall(Exception):
    """A tool can't be had on this machine."""


def entries() -> list[Entry]:
    """All that is run, in the order of a round."""
    return [*_ssot_fix(), *_ruff(), _ast_grep(), _parse(), _libcst(), _bowler()]


def ssot_fix(*options: str, state: str = "cold") -> tuple[str, ...]:
    """The command line of ssot-fix; the cache is left out of a cold run, where there is one."""
    uncached = ("--no-cache",) if state == "cold" and has_cache() else ()
    return (sys.executable, "-P", "-m", "ssot_fix", "run", *uncached, *options)


@functools.cache
def has_cache() -> bool:
    """Does this ssot-fix keep results?"""
    command = (sys.executable, "-P", "-m", "ssot_fix", "run", "--help")
    return "--no-cache" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _ssot_fix() -> Iterator[Entry]:
    states = ("cold", "warm", "edited") if has_cache() else ("cold",)
    one = ("--codemod", "isolated-environment")
    for state in states:
        line = ssot_fix("--format", "json", *one, state=state)
        yield Entry(f"ssot-fix-{state}", "ssot-fix", "these reads", line, state=state, read=_read_ssot_fix)
    for state in states:
        line = ssot_fix("--format", "json", state=state)
        yield Entry(f"ssot-fix-all-{state}", "ssot-fix", "all codemods", line, state=state)


def _ruff() -> Iterator[Entry]:
    checks = ("ruff", "check", "--isolated", "--exit-zero", "--quiet")
    banned = ("--select", "TID251", "--config", _BANNED, "--output-format", "json")
    for state, options in (("cold", ("--no-cache",)), ("warm", ())):
        yield Entry(
            f"ruff-{state}", "ruff", "default rules", (*checks, "--output-format", "concise", *options), RUFF, state
        )
        read = _read_ruff if state == "cold" else None
        yield Entry(
            f"ruff-banned-{state}",
            "ruff",
            "these reads (TID251)",
            (*checks, *banned, *options),
            RUFF,
            state,
            read=read,
        )


def _ast_grep() -> Entry:
    line = ("ast-grep", "scan", "--rule", str(_PEERS / "ast_grep.yml"), "--json=stream")
    return Entry("ast-grep", "ast-grep", "these reads, by pattern", line, AST_GREP, read=_read_ast_grep)


def _parse() -> Entry:
    return Entry("parse", "ast.parse", "parsing only, one process", (sys.executable, str(_PEERS / "parse_all.py")))


def _libcst() -> Entry:
    options = ("--no-format", "--hide-progress", "--unified-diff=3")
    line = ("python", "-m", "libcst.tool", "codemod", "-x", *options, "libcst_reads.ReadsCommand", ".")
    return Entry("libcst", "LibCST", "these reads, its own runner", line, LIBCST, sample=True, read=_read_places)


def _bowler() -> Entry:
    line = ("python", str(_PEERS / "bowler_reads.py"))
    return Entry("bowler", "Bowler", "these reads, by pattern", line, BOWLER, sample=True, read=_read_places)


def command(entry: Entry, root: Path, cache: Path, limit: float = 300) -> Command:
    """How an entry is started on a tree: with the programs of its own environment, and caches below ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    variables = {
        **kept,
        "XDG_CACHE_HOME": str(cache / "caches"),
        "RUFF_CACHE_DIR": str(cache / "caches" / "ruff"),
        "PYTHONPYCACHEPREFIX": str(cache / "caches" / "bytecode"),
        "PYTHONPATH": str(_PEERS) if entry.key == "libcst" else "",
        "PYTHONIOENCODING": "utf-8",
    }
    program, *rest = entry.arguments
    if entry.package is not None:
        program = str(_programs(cache, entry.package) / program)
    return Command((program, *rest), root, variables, limit)


def install(package: Package, cache: Path) -> None:
    """Have a package in an environment of its own, at its version."""
    ready = _environment(cache, package) / "ready"
    if ready.exists():
        return
    venv.create(_environment(cache, package), with_pip=True, clear=True)
    wanted = (f"{package.name}=={package.version}", *package.needs)
    pip = (str(_programs(cache, package) / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    done = subprocess.run((*pip, *wanted), capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotInstall(f"pip could not install {wanted[0]}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    ready.touch()


def _environment(cache: Path, package: Package) -> Path:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return cache / "tools" / f"{package.name}-{package.version}-python{python}"


def _programs(cache: Path, package: Package) -> Path:
    return _environment(cache, package) / ("Scripts" if os.name == "nt" else "bin")


def _read_ssot_fix(_root: Path, out: str, _err: str) -> Iterator[Place]:
    for finding in json.loads(out)["findings"]:
        if finding["kind"] in _READS:
            yield finding["path"], finding["line"]


def _read_ruff(root: Path, out: str, _err: str) -> Iterator[Place]:
    for found in json.loads(out):
        if found["code"] == "TID251":
            yield _relative(found["filename"], root), found["location"]["row"]


def _read_ast_grep(root: Path, out: str, _err: str) -> Iterator[Place]:
    matches: Iterator[Mapping[str, Any]] = map(json.loads, out.splitlines())
    for match in matches:
        yield _relative(match["file"], root), match["range"]["start"]["line"] + 1


def _read_places(root: Path, _out: str, err: str) -> Iterator[Place]:
    for path, line in _PLACE.findall(err):
        yield _relative(path, root), int(line)


def _relative(path: str, root: Path) -> str:
    return (root / path).relative_to(root).as_posix()
