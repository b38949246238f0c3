"""One file's text: bytes, encoding, newlines, line table, offsets.

Everything above this layer works on `Source.body`: the text as UTF-8 without its BOM, since that is what
`ast` counts its columns in. Only `raw_offset` and `raw_text` lead back to the file's own bytes.
"""

from __future__ import annotations

import codecs
import io
import re
import string
import tokenize
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate

# What Python's tokenizer takes for the end of a line; form feeds, U+2028 and the like are none
# (https://docs.python.org/3/reference/lexical_analysis.html#physical-lines).
NEWLINE = re.compile(rb"\r\n|\r|\n")
_WORD = frozenset(string.ascii_letters.encode() + string.digits.encode() + b"_")  # the bytes that `\w` matches


class UnreadableText(ValueError):
    """The bytes are no text in the encoding that the file declares."""


class Source:
    """A decoded file. Offsets are bytes in `body`; lines count from 1."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.encoding = _declared_encoding(raw)
        self._bom = codecs.BOM_UTF8 if raw.startswith(codecs.BOM_UTF8) else b""
        self.text = _decode(raw[len(self._bom) :], self.encoding)
        self._is_utf8 = self.encoding == "utf-8"
        self.body = raw[len(self._bom) :] if self._is_utf8 else self.text.encode()
        self._places: dict[str, list[int]] = {}

    @cached_property
    def line_starts(self) -> list[int]:
        """Offset of each line's first byte; line n is at index n - 1."""
        # Of bytes, unlike of text, `splitlines` knows no other newlines than Python's tokenizer.
        ends = list(accumulate(map(len, self.body.splitlines(keepends=True)), initial=0))
        return ends if self.body.endswith((b"\n", b"\r")) or len(ends) == 1 else ends[:-1]

    @cached_property
    def is_ascii(self) -> bool:
        """Whether the text holds ASCII characters only."""
        return self.body.isascii()

    @cached_property
    def is_normal(self) -> bool:
        """Whether each identifier is spelled as Python takes it: it normalises them (NFKC)."""
        return self.is_ascii or unicodedata.is_normalized("NFKC", self.text)

    def spells(self, name: str) -> bool:
        """Whether an identifier stands in the text as a word, also in another spelling that Python takes for it."""
        text = self.text if self.is_ascii else unicodedata.normalize("NFKC", self.text)
        return re.search(rf"\b{re.escape(name)}\b", text) is not None

    def places_of(self, word: str) -> Sequence[int]:
        r"""The offsets at which a word stands, in order: what `\bword\b` finds in `body`."""
        if word not in self._places:
            self._places[word] = list(self._find(word))
        return self._places[word]

    def _find(self, word: str) -> Iterator[int]:
        body, sought = self.body, word.encode()
        if not (word.isascii() and word.isidentifier()):  # rare, and `\b` has its own ideas of where these end
            yield from (match.start() for match in re.finditer(rb"\b" + re.escape(sought) + rb"\b", body))
            return
        at, length = body.find(sought), len(sought)
        while at >= 0:
            end = at + length
            if (not at or body[at - 1] not in _WORD) and (end == len(body) or body[end] not in _WORD):
                yield at
            at = body.find(sought, end)

    def offset(self, line: int, column: int) -> int:
        """The offset of `ast`'s position: a line from 1, a column in UTF-8 bytes from 0."""
        return self.line_starts[line - 1] + column

    def line_of(self, offset: int) -> int:
        """The number, from 1, of the line that holds an offset."""
        return bisect_right(self.line_starts, offset)

    def line_end(self, line: int) -> int:
        """The offset just behind a line's newline, or the end of the text."""
        return self.line_starts[line] if line < len(self.line_starts) else len(self.body)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column for people: both from 1, the column in characters."""
        line = self.line_of(offset)
        before = self.body[self.line_starts[line - 1] : offset]
        return line, len(before.decode(errors="replace")) + 1

    def newline_near(self, offset: int) -> str:
        """The newline of the line at an offset, else of the file's first line, else a line feed."""
        for start in (self.line_starts[self.line_of(offset) - 1], 0):
            if match := NEWLINE.search(self.body, start):
                return match.group().decode()
        return "\n"

    def raw_offset(self, offset: int) -> int:
        """The offset in the file's own bytes that an offset in `body` stands for."""
        if not self._is_utf8:
            offset = len(self.body[:offset].decode().encode(self.encoding))
        return offset + len(self._bom)

    def body_offset(self, offset: int) -> int:
        """The offset in `body` that an offset in the file's own bytes stands for."""
        offset -= len(self._bom)
        return offset if self._is_utf8 else len(self.raw[:offset].decode(self.encoding).encode())

    def raw_text(self, text: str) -> bytes:
        """Text as the file's own bytes.

        Raises UnreadableText if its encoding lacks a character.
        """
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise UnreadableText(f"{self.encoding} has no {error.object[error.start]!r}") from None


def _declared_encoding(raw: bytes) -> str:
    """The encoding by PEP 263 (BOM, cookie, else UTF-8), in Python's own spelling."""
    try:
        found, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        return codecs.lookup(found.removesuffix("-sig")).name
    except (SyntaxError, LookupError) as error:
        raise UnreadableText(str(error)) from None


def _decode(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except (ValueError, LookupError) as error:
        raise UnreadableText(f"not valid {encoding}: {error}") from None
    # Some encodings have several spellings of one text; the untouched part could not be kept (law 2).
    if encoding != "utf-8" and text.encode(encoding) != data:
        raise UnreadableText(f"{encoding} does not decode and encode to the same bytes here")
    return text
