"""The laws of the engine (docs/architecture.md), held against modules that nobody wrote."""

from __future__ import annotations

import codecs
import os
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest
from cases import ACCESSOR, accounted, catalog, compiles, make_project, parses, run_project
from generated import ENVIRONMENT, KEYS, generate, helpers
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ssot_fix.edits import Status, apply_edits, in_order
from ssot_fix.engine import executors
from ssot_fix.report.diff import unified_diff
from ssot_fix.report.json_report import render


def examples(count: int) -> settings:
    return settings(
        derandomize=True,
        database=None,
        max_examples=count,
        phases=[Phase.explicit, Phase.generate],  # seeds do not get simpler
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


SEEDS = st.lists(st.integers(0, 2**64), min_size=10, max_size=10, unique=True)
# Names that imports bind: they come and go.
IMPORTED = set(os.__all__) | {
    "os",
    "o",
    "environ",
    "e",
    "getenv",
    "g",
    "sep",
    "json",
    "sys",
    "get_env",
    "accessor",
    "IsolatedEnvironment",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("laws")


def modules(seeds: list[int], *, writes: bool = False) -> dict[str, bytes]:
    return {f"m{i}.py": generate(Random(seed), writes=writes).encode() for i, seed in enumerate(seeds)}


def migrated(root, files: dict[str, bytes], **general) -> dict[str, bytes]:
    """The files after a run that keeps the laws."""
    make_project(root, files)
    outcome = run_project(root, **general)
    new = dict(files)
    for result in outcome.results:
        old = files[result.path] if result.path in files else ACCESSOR[result.path]
        try:
            accounted([result])
        except AssertionError as error:
            error.add_note(old.decode(errors="replace"))
            raise
        text = apply_edits(old, result.edits)
        assert undone(text, old, result.edits) == old
        if result.path in files:
            new[result.path] = text
        check_findings(result, old, text)
    return new


def undone(new: bytes, old: bytes, edits) -> bytes:
    """The new text with every edit taken back: what lies between them is untouched (law 2)."""
    pieces, at, before = [], 0, 0
    for edit in in_order(edits):
        at += edit.start - before
        pieces += [new[at - (edit.start - before) : at], old[edit.start : edit.end]]
        assert new[at : at + len(edit.text)] == edit.text
        at, before = at + len(edit.text), edit.end
    return b"".join([*pieces, new[at:]])


def check_findings(result, old: bytes, new: bytes) -> None:
    """Findings stand in order at places of the old text; their replacements, in that order, in the new one."""
    lines = old.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    places = [(f.line, f.column, -f.end_line, -f.end_column) for f in result.findings]
    assert places == sorted(places)
    for finding in result.findings:
        assert 1 <= finding.line <= finding.end_line <= len(lines)
        assert 1 <= finding.column <= len(lines[finding.line - 1])
        if finding.status is Status.REWRITTEN:
            assert finding.replacement.encode() in new


# Behaviour


@contextmanager
def _environment() -> Iterator[None]:
    before, path = dict(os.environ), list(sys.path)
    loaded = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "shared"}
    try:
        for name in KEYS:
            os.environ.pop(name, None)
        os.environ.update(ENVIRONMENT)
        _install("shared", b"", is_package=True)
        for name in ("masking", "isolated_environment"):
            _install(f"shared.{name}", ACCESSOR[f"shared/{name}.py"])
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "shared"]:
            del sys.modules[name]
        sys.modules.update(loaded)
        sys.path[:] = path
        os.environ.clear()
        os.environ.update(before)


def _install(name: str, text: bytes, *, is_package: bool = False) -> None:
    module = types.ModuleType(name)
    if is_package:
        module.__path__ = []
    sys.modules[name] = module
    exec(compile(text, name, "exec"), module.__dict__)


def behaviour(text: bytes) -> tuple[object, ...]:
    """What running a module comes to: what it logged, its globals, what it raised, the environment it left."""
    names = helpers()
    raised = None
    with _environment():
        try:
            with warnings.catch_warnings(action="ignore"):
                exec(compile(text, "generated.py", "exec", dont_inherit=True), names)
        except Exception as error:
            raised = f"{type(error).__name__}: {error}"
        left = {name: os.environ.get(name) for name in KEYS}
    log = [shown(value) for value in names.pop("LOG")]
    kept = {name: shown(value) for name, value in names.items() if name not in IMPORTED and name[:2] != "__"}
    return log, kept, raised, left


def shown(value: object) -> object:
    """A value in a form that two runs can be compared by."""
    if isinstance(value, str | int | float | bytes | None):
        return value
    if isinstance(value, list | tuple | set):
        return type(value).__name__, [shown(item) for item in value]
    if isinstance(value, dict):
        return {shown(key): shown(item) for key, item in value.items()}
    return type(value).__name__


# The laws


@pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])
@pytest.mark.parametrize("writes", [False, True], ids=["reading", "writing"])
@examples(30)
@given(seeds=SEEDS)
def test_behaviour_stays_the_same(root, seeds, writes, unsafe):
    files = modules(seeds, writes=writes)
    for path, text in migrated(root, files, unsafe_fixes=unsafe).items():
        assert compiles(text)
        before = behaviour(files[path])
        # A module that dies of an unbound name may well be healed by an import at its top.
        if not str(before[2]).startswith(("NameError", "UnboundLocalError")):
            assert behaviour(text) == before, text.decode()


@examples(25)
@given(seeds=SEEDS, writes=st.booleans(), unsafe=st.booleans())
def test_one_run_is_enough(root, seeds, writes, unsafe):
    once = migrated(root, modules(seeds, writes=writes), unsafe_fixes=unsafe)
    assert migrated(root, once, unsafe_fixes=unsafe) == once


@examples(10)
@given(seeds=SEEDS, writes=st.booleans(), unsafe=st.booleans())
def test_layout_does_not_matter(root, seeds, writes, unsafe):
    """Other newlines or a BOM: the same result in that layout."""
    files = modules(seeds, writes=writes)
    plain = migrated(root, files, unsafe_fixes=unsafe)
    for change in (
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: codecs.BOM_UTF8 + text,
    ):
        changed = migrated(root, {path: change(text) for path, text in files.items()}, unsafe_fixes=unsafe)
        assert changed == {path: change(text) for path, text in plain.items()}


@examples(15)
@given(seeds=SEEDS)
def test_a_file_comes_to_the_same_alone(root, seeds):
    files = modules(seeds, writes=True)
    together = migrated(root, files)
    for path in list(files)[:3]:
        assert migrated(root, {path: files[path]})[path] == together[path]


LINES = ("import os", "from os import environ, getenv", "from shared.isolated_environment import get_env")
WORDS = "os.getenv( 'A' os.environ [ ] ( ) , .get( = del .pop('A',None) ; if : else def class return lambda: f'{ }' "
MORE = 'f"{ }" # get_env try: except as global async await os * ** := 1 match case type @ \'\'\' """ é'
ODD = ("\n", "\n    ", "\r\n", "\r", "\f", "\t", " ", " in ", " not in ", "\u2028", "\0", "\ufeff", "\\\n")
COMMENTS = ("# coding: latin-1\n", "# ssot-fix: ignore\n")
PIECES = st.sampled_from([*(f"{line}\n" for line in LINES), *WORDS.split(), *MORE.split(), *ODD, *COMMENTS])


@examples(20)
@given(
    texts=st.lists(st.lists(PIECES, min_size=3, max_size=25).map("".join), min_size=20, max_size=20),
    unsafe=st.booleans(),
)
def test_no_text_is_too_odd(root, texts, unsafe):
    """Soup is refused or migrated, and never an error."""
    files = {f"m{i}.py": f"import os\nA = os.getenv('A')\n{text}".encode() for i, text in enumerate(texts)}
    for path, text in migrated(root, files, unsafe_fixes=unsafe).items():
        assert parses(text) or text == files[path]


@examples(20)
@given(raw=st.lists(st.binary(max_size=40), min_size=20, max_size=20))
def test_no_bytes_are_too_odd(root, raw):
    files = {f"m{i}.py": b"import os\nA = os.getenv('A')\n" + data for i, data in enumerate(raw)}
    make_project(root, files)
    accounted(run_project(root).results)


def test_the_number_of_workers_changes_nothing(root, monkeypatch):
    monkeypatch.setattr(executors, "_WORTH_A_WORKER", 0)
    files = modules(list(range(60)), writes=True) | {"broken.py": b"import os\nos.getenv(", "empty.py": b""}
    make_project(root, files)
    reports = []
    for jobs in (1, 2):
        outcome = run_project(root, jobs=jobs, unsafe_fixes=True)
        diffs = {r.path: unified_diff(r.path, files[r.path], r.edits) for r in outcome.results if r.edits}
        reports.append((render(outcome.results, diffs, outcome.files_scanned), outcome.notes, outcome.counts))
    assert reports[0] == reports[1]
    assert '"rewritten"' in reports[0][0]
    assert len(catalog()) == 4  # or not all of them ran
