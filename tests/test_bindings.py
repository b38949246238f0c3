"""Names of interest: where they stand, what they are also called, which uses are found near them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from textwrap import dedent

import pytest

from ssot_fix.bindings import Module, children, load, names_of_interest
from ssot_fix.source import Source


def _load(text: str, names: Iterable[str]) -> Module:
    return load("m.py", "m", text.encode(), names)


@pytest.mark.parametrize("word", ["os", "o", "_", "a1", "naïve", "é", ""])
@pytest.mark.parametrize(
    "text", ["", "os", "pos os2 os.os,os", "a1 1a1 _ __ _o", "naïve naïveté", "os\ro\r\nos\x0cos"]
)
def test_words_stand_where_a_regular_expression_finds_them(word: str, text: str) -> None:
    source = Source(text.encode())
    expected = [m.start() for m in re.finditer(rb"\b" + re.escape(word).encode() + rb"\b", text.encode())]
    assert list(source.places_of(word)) == expected


@pytest.mark.parametrize(
    ("text", "aliases"),
    [
        ("import pos as o, os", ""),
        ("import osas, os.path as o", ""),
        ("import os as", ""),
        ("import os as_o", ""),
        ("# os as a as p; a as b", "b"),  # of what overlaps, the first
        ("import os as o, re as r", "o r"),
        ("import os\\\n as\\\n o", "o"),
        ("from m import (os  # why\n as  # as what\n o)", "o"),
    ],
)
def test_aliases_of_a_name_are_names_of_interest(text: str, aliases: str) -> None:
    assert names_of_interest(Source(text.encode()), ["os", "re", "a"]) - {"os", "re", "a"} == {*aliases.split()}


def test_uses_are_found_on_every_line_that_spells_the_name() -> None:
    text = "import os\nx = [\n  1,\n  lambda: [os for y in (\n    os)],\n]\n@os\ndef f(): pass\nf'''{\n os}'''\n"
    assert [use.node.id for use in _load(text, ["os"]).references] == ["os"] * 4


def test_children_are_all_child_nodes_but_contexts_and_operators() -> None:
    text = """
        @d
        async def f(a, /, b: int = 1, *c, d, e=2, **g) -> x:
            global y, z
            return {1: a, **b, 2: [*c]}, f"{a!r:>{b}}", a < b <= c, lambda x, *, y=1, z: x and not y
        match x:
            case {"k": v, **rest} | C(1, k=v) | [a, *b] | None if x: import a.b as c, d
        class A(B, metaclass=M): x: int = y[1:2, ...]
        try: del a, b
        except* E as e: raise e from None
        for a in (b := [c async for c in d if c if e]): a += -a ** b
        """
    for node in ast.walk(ast.parse(dedent(text))):
        others = ast.expr_context | ast.operator | ast.unaryop | ast.boolop | ast.cmpop
        assert children(node) == [each for each in ast.iter_child_nodes(node) if not isinstance(each, others)]
