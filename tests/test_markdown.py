"""What others wrote stays text in Markdown, as a parser of it tells."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ssot_fix.report.diff import printable
from ssot_fix.report.markdown import code, code_cell, plain, plain_cell

HOSTILE = st.text(st.sampled_from("`|\\<>&*_[]()~$#@:/!w.1a \t\n\x1b\u202e\ud800é"), max_size=20)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30) | HOSTILE
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def shown(cell: str) -> tuple[list[str], str]:
    """The types of the tokens of a table's only cell, and what a reader sees of it."""
    tokens = MARKDOWN.parse(f"| a |\n|:--|\n| {cell} |\n")
    assert sum(token.type == "td_open" for token in tokens) == 1
    (inline,) = (
        token.children for token in tokens[tokens.index(next(t for t in tokens if t.type == "td_open")) :][1:2]
    )
    return [token.type for token in inline], "".join(token.content for token in inline)


@given(TEXTS)
def test_code_is_one_span_on_one_line(text):
    shown = code(text)
    fence = re.match("`+", shown)[0]
    assert shown.endswith(fence)
    assert "\n" not in shown
    assert fence not in re.split(f"(?<!`){fence}(?!`)", shown)[1]


@given(TEXTS)
def test_plain_text_mentions_nobody(text):
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", plain(text))
    assert "<" not in outside
    assert re.search(r"@[\w-]|#\d|://|(?i:\bwww\.)", html.unescape(outside)) is None


@given(TEXTS)
def test_code_in_a_table_is_what_it_was(text):
    types, content = shown(code_cell(text))
    assert set(types) <= {"code_inline", "html_inline", "text", "text_special", "entity"}
    content = content.removeprefix("<code>").removesuffix("</code>") if "\\|" in text else content
    assert content.split() == printable(text).split()


@given(TEXTS)
def test_plain_text_in_a_table_has_no_markup(text):
    types, content = shown(plain_cell(text))
    allowed = {"text", "text_special", "code_inline", "softbreak"}
    assert set(types) <= allowed | ({"html_inline"} if "<code>" in plain_cell(text) else set())
    assert "\u200b" in content or "`" in text or content.split() == printable(" ".join(text.split())).split()


@given(TEXTS | st.text(st.sampled_from("#-+=>1.) *_`a\t"), max_size=6))
def test_plain_text_begins_no_block(text):
    tokens = [token.type for token in MARKDOWN.parse(f"- {plain(text)}\n")]
    assert {token for token in tokens if token.endswith("_open")} <= {
        "bullet_list_open",
        "list_item_open",
        "paragraph_open",
    }
    assert tokens.count("list_item_open") == 1
    assert not {"hr", "fence", "code_block", "html_block"} & set(tokens)


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("a|b", "`a\\|b`"),
        ("a\\|b", "<code>a&#92;&#124;b</code>"),
        ("\\|<b>_", "<code>&#92;&#124;&#60;b&#62;&#95;</code>"),
        ("a_b", "`a_b`"),
    ],
)
def test_a_bar_in_code_does_not_end_a_cell(text, there):
    assert code_cell(text) == there
