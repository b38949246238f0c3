"""The baseline: exact sites, told apart without lines, that can only become fewer; a file that is read and merged."""

from __future__ import annotations

import json
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssot_fix.audit.baseline import (
    BaselineError,
    Fixed,
    Known,
    New,
    compare,
    dump,
    known,
    load,
    read,
    save,
    told,
    updated,
)
from ssot_fix.audit.model import Finding


def finding(path: str = "a.py", line: int = 1, subject: str = "HOST", kind: str = "get", **more) -> Finding:
    return Finding("environment", kind, path, line, subject, **{"message": "", **more})


HOST = Known("environment", "get", "a.py", "HOST")
FILE = b"""\
{
  "version": 1,
  "findings": [
    {"area": "debt", "kind": "TODO", "path": "b/c.py", "subject": "TODO: gr\xc3\xb6\xc3\x9fer \\"x\\"", "count": 1},
    {"area": "environment", "kind": "get", "path": "a.py", "subject": "HOST", "count": 2}
  ]
}
"""
HELD = {HOST: 2, Known("debt", "TODO", "b/c.py", 'TODO: größer "x"'): 1}


def test_nothing_new():
    """Neither lines nor what stands beside a site tell it from another."""
    baseline = known([finding(line=3), finding(line=7)])
    same = [finding(line=1, severity="high", message="x"), finding(line=900, owners=("@ann",))]
    assert compare(baseline, same).new == compare(baseline, same).fixed == ()
    assert updated(baseline, same) == baseline == {HOST: 2}
    assert list(told(compare(baseline, same))) == []


def test_accepted_ones_need_no_baseline():
    accepted, expired = finding(accepted="why"), finding(accepted="why", expired=True)
    assert known([accepted]) == {}
    assert known([expired]) == {HOST: 1}
    assert compare({}, [accepted]).new == ()
    assert compare({HOST: 1}, [accepted]).fixed == (Fixed(HOST, 1),)
    assert compare({}, [expired]).new == (New(HOST, 1, (1,)),)


def test_what_is_new_and_what_is_fixed():
    other = HOST._replace(path="b.py")
    findings = [finding(line=9), finding(line=4), finding("b.py", line=0), finding("b.py", kind="set")]
    comparison = compare({HOST: 1, other: 3, HOST._replace(subject="PORT"): 1}, findings)
    assert comparison.new == (New(HOST, 1, (4, 9)), New(other._replace(kind="set"), 1, (1,)))
    assert comparison.fixed == (Fixed(HOST._replace(subject="PORT"), 1), Fixed(other, 2))
    assert list(told(comparison)) == [
        "a.py:4: not in the baseline: environment get, HOST, 1 of 2 here",
        "b.py:1: not in the baseline: environment set, HOST",
        "a.py: fixed, --update-baseline drops it: environment get, PORT",
        "b.py: fixed, --update-baseline drops it: environment get, HOST (2 times)",
    ]
    assert updated({HOST: 1, other: 3, HOST._replace(subject="PORT"): 1}, findings) == {HOST: 1, other: 1}


TEXTS = st.text(max_size=5) | st.sampled_from(["\udcff", "\u202e", "\u2028", "\n", '"', "\\", "𝔘", "\U000e0001"])
SITES = st.builds(Known, st.sampled_from(["debt", "imports"]), TEXTS, TEXTS, TEXTS)
BASELINES = st.dictionaries(SITES, st.integers(1, 3), max_size=6)


@given(BASELINES, BASELINES)
def test_it_only_shrinks(baseline, now):
    findings = [Finding(*site[:3], 1, site.subject, "") for site, count in now.items() for _ in range(count)]
    after = updated(baseline, findings)
    assert after == {site: count for site, count in (Counter(baseline) & Counter(now)).items() if count}
    comparison = compare(after, findings)
    assert comparison.fixed == ()
    assert comparison.new == compare(baseline, findings).new
    assert (not comparison.new) == (Counter(now) <= Counter(baseline))


@given(BASELINES)
def test_a_file_gives_back_what_it_was_given(baseline):
    data = dump(baseline)
    assert read(data, "x") == baseline
    assert dump(read(data, "x")) == data
    assert len(data.decode().splitlines()) == (len(baseline) + 5 if baseline else 4)


def test_the_file():
    assert dump(HELD) == FILE
    assert read(FILE, "x") == HELD
    assert dump({}) == b'{\n  "version": 1,\n  "findings": []\n}\n'
    assert read(b"\xef\xbb\xbf" + json.dumps(json.loads(FILE), indent=1).replace("\n", "\r\n").encode(), "x") == HELD


CONFLICT = FILE.replace(b'    {"area": "env', b'<<<<<<< HEAD\n    {"area": "env')
TWICE = b'2},\n\n{"area": "environment", "kind": "get", "path": "a.py", "subject": "HOST", "count": 1}\n'
AGAIN = (
    "bring back the committed version (`git checkout -- f.json`), or delete it and begin anew with --update-baseline"
)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", f"f.json:1: not valid JSON: Expecting value; {AGAIN}"),
        (CONFLICT, "f.json:5: not valid JSON: Expecting value;"),
        (b"\xff", "f.json: not valid JSON: 'utf-8' codec can't decode"),
        (b"[" * 100_000, "f.json: not valid JSON: "),
        (b"[]", "f.json: no baseline: it has no list `findings`"),
        (b'{"version": 1, "findings": {}}', "f.json: no baseline: it has no list `findings`"),
        (FILE.replace(b"1,", b"2,", 1), "f.json: a baseline of version 2, and this ssot-fix knows 1; use the"),
        (FILE.replace(b'"version": 1,', b""), "f.json: a baseline of version None"),
        (FILE.replace(b'"count": 2', b'"count": 0'), "f.json:5: count is a number from 1; mend this line, or"),
        (FILE.replace(b'"count": 2', b'"count": true'), "f.json:5: count is a number from 1"),
        (FILE.replace(b'"HOST"', b"null"), "f.json:5: area, kind, path, subject are texts"),
        (FILE.replace(b'"kind": "get", ', b""), "f.json:5: an entry has area, kind, path, subject and count, and"),
        (FILE.replace(b'"kind": "TODO"', b'"line": 3'), "f.json:4: an entry has"),
        (FILE.replace(b"2}\n", b"2},\n 7\n"), "f.json:6: an entry has"),
        (FILE.replace(b"2}\n", TWICE), "f.json:7: it stands here for the second time"),
        (b'{"version": 1, "\\u0066indings": [7]}', "f.json:1: an entry has"),
        (b'{"version": 1, "findings": [1], "findings": [{}, 7]}', "f.json:1: an entry has"),
    ],
)
def test_files_that_are_damaged(data, said):
    with pytest.raises(BaselineError) as caught:
        read(data, "f.json")
    assert str(caught.value).startswith(said)


def test_reading_and_writing(tmp_path):
    file = tmp_path / "baseline.json"
    assert load(file) is None
    save(file, HELD)
    assert file.read_bytes() == FILE
    assert load(file) == HELD
    save(file, {})
    assert load(file) == {}
    assert [each.name for each in tmp_path.iterdir()] == ["baseline.json"]
    with pytest.raises(BaselineError, match="the baseline can't be read: Is a directory"):
        load(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="no such modes and links there")
def test_what_a_file_is_stays(tmp_path):
    real = tmp_path / "real.json"
    save(real, HELD)
    real.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(real)
    save(link, {})
    assert link.is_symlink()
    assert load(real) == {}
    assert real.stat().st_mode & 0o777 == 0o640
    assert real.stat().st_nlink == 1


def test_what_can_not_be_written(tmp_path):
    with pytest.raises(BaselineError, match="was not written: No such file or directory; make its folder, and"):
        save(tmp_path / "none" / "baseline.json", HELD)
    (tmp_path / "folder").mkdir()
    with pytest.raises(BaselineError, match="was not written: "):
        save(tmp_path / "folder", HELD)
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]
