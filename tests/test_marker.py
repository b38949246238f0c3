"""What a body holds for the next run comes back as it was, whatever it is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssot_fix.delivery.marker import Marker, fingerprints, has_new, read_marker, sketch, without_marker
from ssot_fix.edits import Applicability, Finding, Status

TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
MARKERS = st.builds(
    Marker,
    *[TEXTS] * 5,
    *[st.lists(TEXTS, max_size=3).map(tuple)] * 3,
    st.sets(st.integers(0, (1 << 24) - 1), max_size=30).map(sketch),
    *[st.booleans()] * 3,
)


@given(MARKERS, TEXTS)
def test_a_marker_comes_back_and_is_not_seen(marker, before):
    body = f"{before}\r\n\r\n{marker.text()}\r\n"
    assert read_marker(body, marker.branch) == marker
    assert read_marker(body, f"{marker.branch}x") is None  # copied from another pull request
    assert without_marker(body) == before.rstrip()
    inner = marker.text().removeprefix("<!--").removesuffix("-->")
    assert "--" not in inner
    assert ">" not in inner


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!-- ssot-fix -->",
        "<!-- ssot-fix {} -->",
        "<!-- ssot-fix {not json} -->",
        '<!-- ssot-fix {"branch": "b", "plan": "", "base": "", "question": ""} -->',
        '<!-- ssot-fix {"branch": "b", "plan": 1, "base": "", "question": "", "wanted": ""} -->',
        '<!-- ssot-fix {"branch": "b", "plan": "", "base": "", "question": "", "wanted": "", "labels": 5} -->',
        '<!-- ssot-fix {"branch": "b", "plan": "", "base": "", "question": "", "wanted": "", "settled": "yes"} -->',
        "<!-- ssot-fix " + "[" * 100_000 + " -->",
        "<!-- ssot-fix {" * 5000,
    ],
)
def test_what_is_no_marker(body):
    assert read_marker(body, "b") is None


@given(st.sets(st.integers(0, (1 << 24) - 1), max_size=60), st.sets(st.integers(0, (1 << 24) - 1), max_size=60))
def test_new_sites_are_those_that_no_sketch_has(old, new):
    assert has_new(new, [sketch(old)]) == bool(new - old)
    assert has_new(new, [sketch(set()), sketch(old)]) == bool(new - old)
    assert has_new(new, []) == bool(new)


def test_of_very_many_sites_a_sample_is_kept():
    many = set(range(0, 1 << 24, 1 << 10))  # 16,384
    text = sketch(many)
    assert len(text) == 16_000
    assert not has_new(many, [text])
    assert has_new(many | {1}, [text])  # among the lowest quarter, which the sample holds
    assert not has_new(
        many | {(1 << 24) - 1}, [text, sketch({2})]
    )  # beyond: it can't be told, and a refusal is respected


def finding(path="app.py", line=1, replacement="b", status=Status.REWRITTEN) -> Finding:
    return Finding(
        "codemod",
        path,
        line,
        1,
        line,
        2,
        "kind",
        status,
        Applicability.SAFE,
        None,
        "message",
        replacement,
        "production",
    )


def test_fingerprints_do_not_depend_on_lines_and_count_what_is_the_same():
    assert fingerprints([finding(line=1)]) == fingerprints([finding(line=9)])
    assert len(fingerprints([finding(), finding(line=2)])) == 2
    assert fingerprints([finding(status=Status.REFUSED)]) == frozenset()
    assert fingerprints([finding(path="a\udcff.py")]) != fingerprints([finding()])
