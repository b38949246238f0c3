"""Digests are the same for equal values, and others for others, in every process."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssot_fix.asking import ALL, AskedMapping, AskedSet, listening, note, remembered
from ssot_fix.digests import Undigestible, digest

PLAIN = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False)
VALUES = st.recursive(
    PLAIN, lambda inner: st.tuples(inner, inner) | st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


class Colour(Enum):
    RED = 1


@dataclass(frozen=True)
class Point:
    x: object
    seen: int = field(default=0, compare=False)


def spelled(value):
    """A value with the types of what it holds, lists and tuples being alike."""
    if isinstance(value, list | tuple):
        return ("sequence", *map(spelled, value))
    if isinstance(value, dict):
        return ("mapping", *sorted((key, spelled(each)) for key, each in value.items()))
    return type(value).__name__, repr(value)


@given(VALUES, VALUES)
def test_a_digest_tells_values_apart(one, other):
    number = {"int", "float"}
    same = spelled(one) == spelled(other)
    if not same and {spelled(one)[0], spelled(other)[0]} <= number:
        return
    assert (digest(one) == digest(other)) == same


def test_order_and_what_is_not_compared_do_not_count():
    assert digest({"a": 1, "b": {1, 2}}) == digest({"b": {2, 1}, "a": 1})
    assert digest(Point(1, 2)) == digest(Point(1, 3)) != digest(Point(2))
    assert len({digest(each) for each in (Colour.RED, 1, "RED", PurePosixPath("RED"), Point, Point(1), b"RED")}) == 7
    with pytest.raises(Undigestible):
        digest(object())


def test_the_seed_of_hashes_does_not_count():
    code = "from ssot_fix.digests import digest; print(digest({('a', 'b'), ('c', None), 'd'}).hex())"
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert found == {digest({("a", "b"), ("c", None), "d"}).hex().encode() + b"\n"}


def test_questions_are_noted_for_who_listens():
    names, kinds = AskedSet("names", "ab"), AskedMapping("kinds", {"a": 1})
    assert "a" in names  # nobody listens
    with listening() as outer:
        note("outer", 1)
        with listening() as inner:
            assert "a" in names
            assert "z" not in names
            assert kinds.get("q") is None
            assert {"a", "z"} & names == {"a"}
        assert inner == {("names", "a"), ("names", "z"), ("kinds", "q")}
        assert sorted(names) == ["a", "b"]
    assert outer == {("outer", 1), ("names", ALL)}


def test_who_gets_a_remembered_value_asks_what_it_asked():
    names, memory = AskedSet("names", "ab"), {}
    for _ in range(2):
        with listening() as asked:
            assert remembered(memory, "key", lambda: "a" in names) is True
        assert asked == {("names", "a")}
