"""The benchmarks' own parts: is the planted truth true, are archives taken with care, are the figures right?"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from benchmarks import accuracy, charts, corpora, measure, planting, report, tools, trees

CORPUS = corpora.Corpus("thing", "1.0", "thing-1.0.tar.gz", hashlib.sha256(b"the archive").hexdigest())


class Recording(dict):
    """What stands for os.environ: keeps the lines from which it is read."""

    def __init__(self, lines: set[int]) -> None:
        super().__init__({f"PLANTED_{number}": "1" for number in range(50)})
        self._lines = lines

    def note(self) -> None:
        self._lines.add(sys._getframe(2).f_lineno)

    def get(self, key, default=None):
        self.note()
        return super().get(key, default)

    def __getitem__(self, key):
        self.note()
        return super().__getitem__(key)


def lines_read(text: str, monkeypatch) -> set[int]:
    """The lines that read the environment when everything in a planted module is called."""
    lines: set[int] = set()
    environ = Recording(lines)

    def getenv(key, default=None):
        environ.note()
        return dict.get(environ, key, default)

    with monkeypatch.context() as patched:
        patched.setattr(os, "environ", environ)
        patched.setattr(os, "getenv", getenv)
        names: dict[str, object] = {"__name__": "planted"}
        exec(compile(text, "planted.py", "exec"), names)
        for name, value in names.items():
            if name.startswith("planted_"):
                value()
    return lines


# ---- what must be refused ----


@pytest.mark.parametrize("name", ["../outside.py", "thing-1.0/../../outside.py", "/tmp/outside.py", "C:/outside.py"])
def test_a_path_that_leads_outside_is_refused_with_the_whole_archive(tmp_path, name):
    archive = make_archive(tmp_path, {"thing-1.0/good.py": b"", name: b""})
    with pytest.raises(corpora.Refused, match="leads outside"):
        corpora.unpack(archive, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_wrong_hash_is_refused_and_nothing_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora.Index, "address", lambda *_: "https://example.invalid/thing-1.0.tar.gz")
    monkeypatch.setattr(corpora.Index, "download", lambda *_: b"another archive")
    with pytest.raises(corpora.Refused, match="SHA-256"):
        corpora.fetch(CORPUS, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_archive_that_is_there_needs_no_index_but_the_right_hash(tmp_path):
    (tmp_path / CORPUS.file).write_bytes(b"the archive")
    assert corpora.fetch(CORPUS, tmp_path) == tmp_path / CORPUS.file
    with pytest.raises(corpora.Refused, match="SHA-256"):
        corpora.fetch(replace(CORPUS, sha256="0" * 64), tmp_path)


def test_links_and_what_is_no_code_are_left_out(tmp_path):
    archive = make_archive(
        tmp_path, {"thing-1.0/a.py": b"A = 1\n", "thing-1.0/setup.cfg": b"", "thing-1.0/b.bin": b""}
    )
    corpora.unpack(archive, tmp_path / "target")
    assert sorted(path.name for path in (tmp_path / "target").iterdir()) == ["a.py", "setup.cfg"]


def make_archive(folder: Path, files: dict[str, bytes]) -> Path:
    archive = folder / "archive.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("thing-1.0/link.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return archive


# ---- the index ----


@pytest.mark.parametrize(
    "page",
    [
        '{"files": [{"filename": "thing-1.0.tar.gz", "url": "../../files/thing-1.0.tar.gz"}]}',
        '<a href="../../files/thing-1.0.tar.gz#sha256=00">thing-1.0.tar.gz</a>',
    ],
    ids=["json", "html"],
)
def test_both_forms_of_an_index_page_are_read(page):
    (name, address), *more = corpora.read_links(page, "https://example.invalid/simple/thing/").items()
    assert (name, address.partition("#")[0]) == (CORPUS.file, "https://example.invalid/files/thing-1.0.tar.gz")
    assert not more


def test_variables_win_over_pips_files():
    lines = [":env:.index-url='https://a.invalid/'", "global.index-url='https://b.invalid/'", "global.cert='c'", "x"]
    assert corpora.settings(lines) == {"index-url": "https://a.invalid/", "cert": "c"}


# ---- planting ----


@pytest.mark.parametrize("name", planting.DECOYS)
def test_a_decoy_reads_nothing(name, monkeypatch):
    text = planting.DECOYS[name].replace("NAME", "planted_1").replace("KEY", "PLANTED_1")
    assert "#!" not in text
    assert not lines_read(text, monkeypatch)


@pytest.mark.parametrize("name", planting.READS)
def test_a_read_is_where_its_mark_is(name, monkeypatch):
    text = planting.READS[name].replace("NAME", "planted_1").replace("KEY", "PLANTED_1")
    marked = {number for number, line in enumerate(text.split("\n"), 1) if line.endswith("  #!")}
    assert len(marked) == 1
    assert lines_read(text, monkeypatch) == marked


@pytest.mark.parametrize("seed", range(20))
def test_the_truth_of_a_planted_module_is_what_it_reads(seed, monkeypatch):
    planted = planting.module(range(8), Random(seed))
    assert lines_read(planted.text, monkeypatch) == set(planted.reads)
    assert len(planted.reads) == 8
    assert "#!" not in planted.text
    assert set(planted.reads) | set(planted.imports) <= set(planted.lines)


@pytest.mark.parametrize("seed", range(10))
def test_an_extended_module_keeps_its_text_and_its_meaning(seed, monkeypatch):
    host = (
        'import types\n\nos = types.SimpleNamespace(getenv=str)\n\n\ndef planted_host():\n    return os.getenv("X")\n'
    )
    planted = planting.extend(host, 7, Random(seed))
    assert planted.text.startswith(host)
    assert min(planted.lines) == host.count("\n") + 1
    assert lines_read(planted.text, monkeypatch) == set(planted.reads)
    assert len(planted.reads) == 1


def test_planting_is_the_same_for_a_seed_and_fills_up_what_is_missing(tmp_path):
    truths = [plant_in(tmp_path / name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    trees_of = [read_tree(tmp_path / name) for name in "abc"]
    assert truths[0] == truths[1]
    assert trees_of[0] == trees_of[1]
    assert trees_of[0] != trees_of[2]
    assert [len(truth.reads) for truth in truths] == [16, 16, 16]  # of 20 wanted, four are there


def test_parts_of_a_tree_and_edits_of_it(tmp_path):
    (tmp_path / "whole").mkdir()
    truth = plant_in(tmp_path / "whole", 1)
    tree = trees.commit(tmp_path / "whole")
    judged = trees.judged_tree(tmp_path, tree, truth)
    assert set(judged.paths) == {path for path, _ in truth.reads} | set(planting.ACCESSOR)
    copied = trees.copied_tree(tmp_path, tree, 2 * len(tree.paths))
    assert len(copied.paths) == 2 * len(tree.paths)
    assert (copied.root / "copy_1/code/own.py").read_bytes().endswith(b"# copy 1\n")
    before = read_tree(tree.root)
    trees.edit(tree, trees.some(tree, 4), 3)
    assert sum(before[path] != text for path, text in read_tree(tree.root).items()) == 4
    trees.git(tree.root, "checkout", "--quiet", "--", ".")
    assert read_tree(tree.root) == before


def plant_in(root: Path, seed: int) -> planting.Truth:
    files = {f"code/m{number}.py": "import os\n" for number in range(12)}
    files |= {"code/own.py": "import os\n" + 'os.getenv("A")\n' * 4, "code/crlf.py": "A = 1\r\n", "code/bad.py": "(\n"}
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    truth = planting.plant(root, ["code"], 20, seed)
    assert (root / "code/crlf.py").read_bytes() == b"A = 1\r\n"
    assert (root / "code/bad.py").read_bytes() == b"(\n"
    return truth


def read_tree(root: Path) -> dict[str, bytes]:
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*.py")}


def test_the_generated_file_is_as_large_as_asked_for_and_parses():
    text = trees.large_file(20_000)
    assert 20_000 <= len(text) < 21_000
    compile(text, "generated.py", "exec")
    assert text.count("os.getenv") == 1


# ---- figures ----


def test_precision_and_recall_count_planted_lines_only():
    truth = planting.Truth(
        frozenset({("a", 2), ("a", 4), ("b", 1), ("b", 9)}),
        frozenset({("a", 1)}),
        frozenset(("a", line) for line in range(1, 9)) | {("b", 1), ("b", 9)},
    )
    reported = {("a", 1), ("a", 2), ("a", 4), ("a", 5), ("b", 1), ("c", 7)}  # an import, a false one, somebody's own
    score = accuracy.score(reported, truth)
    assert score == accuracy.Score(found=3, missed=1, false=1)
    assert (score.precision, score.recall) == (0.75, 0.75)
    assert accuracy.score(reported, truth.within(frozenset({"b"}))) == accuracy.Score(1, 1, 0)


def test_nothing_reported_has_no_precision():
    assert accuracy.Score(0, 3, 0).precision is None
    assert accuracy.Score(0, 3, 0).recall == 0
    assert accuracy.Score(0, 0, 2).recall is None


def test_rounds_alternate_and_end_when_time_is_up():
    assert "".join(name for _, name in measure.rounds("ABC", 3, lambda: False)) == "ABCABCABC"
    answers = iter([False, True])
    assert "".join(name for _, name in measure.rounds("AB", 5, lambda: next(answers))) == "ABAB"
    assert "".join(name for _, name in measure.rounds("AB", 5, lambda: True)) == "AB"


def test_medians_are_taken_of_each_figure():
    samples = [measure.Sample(3, 1), measure.Sample(1, 9), measure.Sample(2, 5)]
    assert measure.median(samples) == measure.Sample(2, 5)


@pytest.mark.skipif(os.name == "nt", reason="times of child processes are asked of POSIX systems")
def test_a_command_that_fails_or_hangs_is_told_so(tmp_path):
    def command(code: str, limit: float = 60) -> measure.Command:
        return measure.Command((sys.executable, "-c", code), tmp_path, dict(os.environ), limit)

    measured = measure.run(command("print('said')"), tmp_path / "out")
    assert (tmp_path / "out").read_text() == "said\n"
    assert measured.wall > 0 < measured.cpu
    with pytest.raises(measure.Failed, match="ended with 3: no"):
        measure.run(command("import sys; sys.stderr.write('no'); sys.exit(3)"), tmp_path / "out")
    with pytest.raises(measure.Failed, match="did not end within"):
        measure.run(command("while True: pass", 0.2), tmp_path / "out")


# ---- what tools say ----


def test_places_are_read_from_what_each_tool_prints(tmp_path):
    read = {entry.key: entry.read for entry in tools.entries() if entry.read}
    finding = '{"findings": [{"kind": "get", "path": "a.py", "line": 3}, {"kind": "set", "path": "a.py", "line": 4}]}'
    assert list(read["ssot-fix-cold"](tmp_path, finding, "")) == [("a.py", 3)]
    ruff = f'[{{"code": "TID251", "filename": {str(tmp_path / "a.py")!r}, "location": {{"row": 3}}}}]'.replace(
        "'", '"'
    )
    assert list(read["ruff-banned-cold"](tmp_path, ruff.replace("\\", "/"), "")) == [("a.py", 3)]
    match = '{"file": "a.py", "range": {"start": {"line": 2}}}\n'
    assert list(read["ast-grep"](tmp_path, match, "")) == [("a.py", 3)]
    assert list(read["libcst"](tmp_path, "", f"Codemodding x\nWARNING: {tmp_path / 'a.py'}:3:\nx.py\n")) == [
        ("a.py", 3)
    ]
    assert list(read["bowler"](tmp_path, "", "./a.py:3:\n")) == [("a.py", 3)]


# ---- the page ----

BARS = [
    charts.Bar("ours <&>", 0.4, "0.4 s", ours=True),
    charts.Bar("theirs", 900.0, "900 s"),
    charts.Bar("one", 1, "1"),
]


def test_charts_are_well_formed_and_stay_on_their_page():
    curve = charts.Curve("cold & warm", ((1000, 0.3), (6000, 1.7), (25_000, 7.2)))
    for text in (charts.bar_chart("A <title>", BARS), charts.line_chart("A <title>", "files", [curve, curve])):
        root = ElementTree.fromstring(text)
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        for element in root.iter():
            place = SimpleNamespace(x=float(element.get("x", 0)), y=float(element.get("y", 0)))
            assert 0 <= place.x + float(element.get("width", 0)) <= width
            assert 0 <= place.y <= height


def test_a_longer_time_has_a_longer_bar():
    root = ElementTree.fromstring(charts.bar_chart("bars", sorted(BARS, key=lambda bar: bar.value)))
    widths = [float(bar.attrib["width"]) for bar in root.findall(".//{*}rect")][1:]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_the_page_scales_a_part_to_the_whole_and_divides_by_ours(tmp_path):
    report.write({"tools": results()}, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| ssot-fix | these reads | cold | 2.00 | 3.00 | 1.00 | 1.00 | 100 |" in page
    assert "| LibCST 1.9.0 | these reads | cold | ≈ 200 | ≈ 300 | ≈ 100 | ≈ 100 |  |" in page
    assert "Left out: Bowler: no.\n" in page
    assert "One large file" not in page
    ElementTree.parse(tmp_path / "benchmarks.svg")


def results() -> dict[str, object]:
    row = {"what": "these reads", "state": "cold", "sample": False, "version": None, "memory": 100_000_000}
    ours = {**row, "key": "ssot-fix-cold", "tool": "ssot-fix", "wall": 2.0, "cpu": 3.0, "size": 80_000_000}
    theirs = {**ours, "key": "libcst", "tool": "LibCST", "version": "1.9.0", "sample": True, "memory": None}
    score = {"tool": "ssot-fix", "sample": False, "found": 9, "missed": 1, "false": 0, "precision": 1.0, "recall": 0.9}
    return {
        "rounds": 5,
        "skipped": ["Bowler: no"],
        "rows": [ours, {**theirs, "wall": 2.5, "cpu": 3.75, "size": 1_000_000}],
        "scores": [{**score, "own": 5, "own_only": 0, "own_missed": 0}],
        "machine": {"processors": 2, "system": "linux", "python": "3.11.7", "date": "2025-01-01", "load": 0.1},
        "corpora": ["thing 1.0"],
        **{"files": 8000, "size": 80_000_000, "sample_files": 90, "sample_size": 1_000_000},
        **{"planted": 10, "judged_files": 50, "judged_planted": 3},
    }
