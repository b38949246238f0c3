"""Before/after cases as text, and the helper that runs one. The format: the README.md in each folder of cases."""

from __future__ import annotations

import ast
import codecs
import gc
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import libcst
import pytest

from codemods import catalog
from ssot_fix.edits import FileResult, Status, apply_edits
from ssot_fix.engine.cache.store import Store
from ssot_fix.engine.run import Outcome, Request, run
from ssot_fix.project.config import load

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
# The folders, called like the codemods.
ENVIRONMENT, IMPORTS, STREAMS, FILES = "isolated_environment", "stale_imports", "utf8_streams", "utf8_files"

_HEADER = re.compile(r"^=== (.+)\n", re.MULTILINE)
_SECTION = re.compile(r"^--- (\w+)(?: (\S+))?\n", re.MULTILINE)
_MOVE = '[[stale-imports.moves]]\nfrom = "{}"\nto = "{}"\n'
Left = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Case:
    """One before/after pair; `left` are the sites that stay, as (line, reason), suppressed ones among them.

    `others_after` and `others_left` say the same of other files, by path.
    """

    title: str
    before: bytes
    after: bytes | None = None
    left: Left = ()
    folder: str = ENVIRONMENT
    topic: str = ""
    path: str = "app.py"
    unsafe: bool = False
    hazards: tuple[int, ...] = ()
    python: str = ""
    variants: bool = True
    config: str = ""
    notes: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    others_after: Mapping[str, str] = field(default_factory=dict)
    others_left: Mapping[str, Left] = field(default_factory=dict)

    @property
    def codemod(self) -> str:
        """The codemod that the case is about."""
        return self.folder.replace("_", "-")

    @property
    def id(self) -> str:
        return f"{self.topic}: {self.title}"

    @property
    def runs_here(self) -> bool:
        """Whether this Python is one that the case is about."""
        if not self.python:
            return True
        sign, version = re.fullmatch(r"(>=|<)([\d.]+)", self.python).groups()
        newer = sys.version_info >= tuple(map(int, version.split(".")))
        return newer if sign == ">=" else not newer

    def changed(self, title: str, change) -> Case:
        """The same case with other bytes: `change` is applied to the text before and after."""
        after = None if self.after is None else change(self.after)
        return replace(self, title=f"{self.title} [{title}]", before=change(self.before), after=after)


def read_cases(path: Path) -> list[Case]:
    """The cases of one file, in order."""
    title_and_text = _HEADER.split(path.read_bytes().decode())[1:]
    pairs = zip(title_and_text[::2], title_and_text[1::2], strict=True)
    return [_case(path.parent.name, path.stem, *pair) for pair in pairs]


def _case(folder: str, topic: str, title: str, text: str) -> Case:
    head, *sections = _SECTION.split(text)
    options = dict(line.split(": ", 1) for line in head.split("\n") if line)
    found: dict[str, str] = {}
    others: dict[str, dict[str, str]] = {"file": {}, "after": {}, "refused": {}}
    for name, path, body in zip(sections[::3], sections[1::3], sections[2::3], strict=True):
        held, key = (others[name], path) if path else (found, name)
        assert key not in held, f"{topic}: {title}: {key}"
        held[key] = f"{body.rstrip()}\n" if body.strip() else ""
    moves = (move.split(" -> ") for move in options.pop("moves", "").split(", ") if move)
    case = Case(
        title=title,
        folder=folder,
        topic=topic,
        before=found.pop("before").encode(),
        after=found.pop("after").encode() if "after" in found else None,
        left=_left(found.pop("refused", "")),
        path=options.pop("path", "app.py"),
        unsafe=options.pop("unsafe", "no") == "yes",
        hazards=tuple(int(number) for number in options.pop("hazards", "").split(",") if number),
        python=options.pop("python", ""),
        variants=options.pop("variants", "yes") == "yes",
        config=found.pop("config", "") + "".join(_MOVE.format(*ends) for ends in moves),
        notes=tuple(found.pop("notes", "").splitlines()),
        files=others["file"],
        others_after=others["after"],
        others_left={path: _left(text) for path, text in others["refused"].items()},
    )
    assert not options, f"{topic}: {title}: {options}"
    assert not found, f"{topic}: {title}: {list(found)}"
    return case


def _left(text: str) -> Left:
    return tuple((int(line), why) for line, why in map(str.split, text.splitlines()))


def all_cases(folder: str = ENVIRONMENT) -> Iterator[Case]:
    """The cases of a codemod."""
    for path in sorted((FIXTURES / folder).glob("*.txt")):
        yield from read_cases(path)


_HOME = FIXTURES / ENVIRONMENT
ACCESSOR = {file.relative_to(_HOME).as_posix(): file.read_bytes() for file in (_HOME / "shared").glob("*.py")}
catalog = cache(catalog)  # looks for entry points on every call


def make_project(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """A project of the accessor and some files; what else is in the folder is removed."""
    return lay_out(root, {**ACCESSOR, **files})


def lay_out(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """A project of some files; what else is in the folder is removed."""
    wanted = {path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
    for file in [file for file in root.rglob("*") if file.is_file()]:
        if file.relative_to(root).as_posix() not in wanted:
            file.unlink()
    for path, data in wanted.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file() or file.read_bytes() != data:
            file.write_bytes(data)
    return root


def run_project(
    root: Path, paths: Sequence[Path] = (), asked: Sequence[str] = (), *, store: Store | None = None, **general: object
) -> Outcome:
    """A run in this process; `general` are general settings, such as unsafe_fixes=True."""
    codemods = catalog()
    config = load(root, root, {name: codemod.options for name, codemod in codemods.items()})
    config.general = replace(config.general, **{"jobs": 1, **general})
    outcome = run(Request(config, codemods, paths, asked, store=store))
    gc.unfreeze()  # the engine freezes what is there, once a process; here it is once a case
    return outcome


def accounted(results: Sequence[FileResult]) -> None:
    """Law 3: every finding has one status, refused ones a reason, rewritten ones a replacement; nothing failed."""
    for result in results:
        assert result.error is None, result.trace or result.error
        for finding in result.findings:
            assert (finding.reason is not None) == (finding.status is Status.REFUSED), finding
            assert (finding.replacement is not None) == (finding.status is Status.REWRITTEN), finding
            assert finding.reason != "proof-failed", finding.message
        rewritten = [finding for finding in result.findings if finding.status is Status.REWRITTEN]
        assert bool(rewritten) == bool(result.edits), result


@contextmanager
def _room() -> Iterator[None]:
    """Room for expressions of 3,000 terms."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


def parses(text: bytes) -> bool:
    """Whether Python or LibCST reads a text."""
    try:
        with _room(), warnings.catch_warnings(action="ignore"):
            ast.parse(text)
    except (SyntaxError, ValueError):
        try:
            libcst.parse_module(text)
        except (libcst.ParserSyntaxError, ValueError):
            return False
    return True


def compiles(text: bytes) -> bool:
    """Whether Python compiles a text: more than parsing, it finds names that are nonlocal to nothing."""
    try:
        with _room(), warnings.catch_warnings(action="ignore"):
            compile(text, "case.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def left_alone(result: FileResult) -> Left:
    """The sites that stay, as cases spell them."""
    return tuple(
        (finding.line, finding.reason or finding.status.value)
        for finding in result.findings
        if finding.status is not Status.REWRITTEN
    )


def lay_out_case(case: Case, root: Path) -> dict[str, bytes]:
    """Write a case's project; the bytes of each file of it that may change, by path."""
    config = {"ssot-fix.toml": case.config} if case.config else {}
    files = {path: text.encode() for path, text in case.files.items()} | {case.path: case.before}
    (make_project if case.folder == ENVIRONMENT else lay_out)(root, {**config, **files})
    return files


def run_case(case: Case, root: Path) -> Outcome:
    """A run of the case's codemod alone, every finding of which is accounted for."""
    outcome = run_project(root, codemods=(case.codemod,), unsafe_fixes=case.unsafe)
    accounted(outcome.results)
    return outcome


def check_case(case: Case, root: Path, *, twice: bool = True) -> None:
    """Run a case and hold it to all that is expected of it; `twice`: a second run changes nothing."""
    before = lay_out_case(case, root)
    outcome = run_case(case, root)
    results = {result.path: result for result in outcome.results}
    shown = [f"{r.path}:{f.line}: {f.reason}: {f.message}" for r in outcome.results for f in r.findings]
    expected = {**before, **{path: text.encode() for path, text in case.others_after.items()}}
    expected |= {case.path: case.after} if case.after is not None else {}
    left = {**case.others_left, case.path: case.left}
    # What one finds in the accessor's own files, which all projects have, is a case of its own.
    for path in sorted({*before, *results}) if case.folder != ENVIRONMENT else (case.path,):
        result = results.get(path, FileResult(path))
        new = apply_edits(before[path], result.edits)
        assert new.decode("latin-1") == expected[path].decode("latin-1"), (path, shown)
        assert left_alone(result) == left.get(path, ()), (path, shown)
        if result.edits and path.endswith((".py", ".pyw")):
            assert parses(new)
            assert compiles(new) or not compiles(before[path])
    assert tuple(outcome.notes) == case.notes
    if not twice or expected == before:
        return
    for path in before:
        (root / path).write_bytes(expected[path])
    for result in run_case(case, root).results:
        assert not result.edits, result
        if result.path in left:
            assert [why for _, why in left_alone(result)] == [why for _, why in left[result.path]]


VARIANTS = {
    "as written": lambda text: text,
    "CRLF, no newline at the end": lambda text: text.removesuffix(b"\n").replace(b"\n", b"\r\n"),
    "CR behind a BOM": lambda text: codecs.BOM_UTF8 + text.replace(b"\n", b"\r"),
}


def check_layouts(case: Case, root: Path) -> None:
    """Check a case as written, and if it has no say in that with other newlines and a BOM."""
    if not case.runs_here:
        pytest.skip(f"Python {case.python} only")
    for name, change in VARIANTS.items():
        if name == "as written" or case.variants:
            try:
                check_case(case.changed(name, change), root, twice=name == "as written")
            except AssertionError as error:
                error.add_note(f"variant: {name}")
                raise


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python some work runs: what it costs, whatever else the machine does."""
    count = 0

    def trace(_frame: object, event: str, _argument: object) -> object:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        work()
    finally:
        sys.settrace(before)
    return count
