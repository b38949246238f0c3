"""GitHub's Markdown of what others wrote: nothing in it becomes markup, mentions anybody or links anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable

from ssot_fix.report.diff import printable

_LONGEST_SPAN = 200  # characters of anything that is quoted
_LONGEST_TEXT = 500
# Renovate's way: what would be a mention, a reference or a link has a character of no width in it.
_NO_WIDTH = "&#8203;"
_REFERENCES = re.compile(r"(?<=@)(?=[\w\\-])|(?<=#)(?=\d)|(?<=GH-)(?=\d)|(?<=:)(?=//)|(?<=\bwww)(?=\.)", re.IGNORECASE)
_MARKDOWN = re.compile(r"([\\`*_\[\]|~$])")
_QUOTED = re.compile(r"`([^`]+)`")
_OPENING = re.compile(r"^(\d*)([-+=#.)])")  # of a list, a heading, a rule
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_NO_MARKUP = re.compile(r"[^\w ]|_", re.ASCII)


def plain(text: str) -> str:
    """A text of somebody else's on one line: no markup but for `code`, no mention, reference or link."""
    return _plain(text, code)


def plain_cell(text: str) -> str:
    """The same in a table."""
    return _plain(text, code_cell)


def _plain(text: str, code: Callable[[str], str]) -> str:
    pieces = _QUOTED.split(shortened(printable(" ".join(text.split())), _LONGEST_TEXT))
    first, *others = (code(piece) if number % 2 else _escaped(piece) for number, piece in enumerate(pieces))
    return "".join((_OPENING.sub(r"\1\\\2", first), *others))


def _escaped(text: str) -> str:
    text = "".join(_HTML.get(character, character) for character in text)
    return _REFERENCES.sub(_NO_WIDTH, _MARKDOWN.sub(r"\\\1", text))


def code(text: str, most: int = _LONGEST_SPAN) -> str:
    """A text of somebody else's as code, on one line, at most so many characters of it."""
    text = shortened(printable(text), most)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def code_cell(text: str, most: int = _LONGEST_SPAN) -> str:
    r"""The same in a table, where a bar ends a cell even in code, unless a backslash stands before it.

    A backslash of the text's own there would be taken for that one, so such a text is spelled in HTML.
    """
    text = shortened(printable(text), most)
    if "\\|" not in text:
        return code(text, most).replace("|", "\\|")
    return f"<code>{_NO_MARKUP.sub(lambda match: f'&#{ord(match.group())};', text)}</code>"


def unlinked(text: str) -> str:
    """A text that stays text: what would be a mention, a reference or a link has a character of no width in it."""
    return _REFERENCES.sub("\u200b", text)


def shortened(text: str, most: int) -> str:
    """At most so many characters of a text."""
    return text if len(text) <= most else text[: most - 1] + "…"
