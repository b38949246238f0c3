"""The codemod's reason codes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unknown-receiver": "Nothing in sight tells that this is a pathlib Path, and other things have a method of "
        "that name. Annotate it (`path: Path`) where it is bound, or give the encoding by hand.",
        "computed-mode": "Whether the file or pipe is opened as text is known only at run time, and a binary one "
        "takes no encoding. Write the mode out, or give the encoding where it is text.",
        "encoding-none": "encoding=None asks for the encoding of the locale: somebody meant it. Name the encoding, or "
        'write encoding="locale" (Python 3.10) if the locale\'s is wanted.',
        "star-arguments": "The arguments are unpacked from a sequence or mapping, so whether an encoding is among "
        "them can't be seen.",
        "open-hook": "With an opener hook the encoding is the hook's affair; old hooks don't take one. "
        "fileinput.hook_encoded does.",
        "needs-newer-python": "The lowest Python that the project's metadata names has no `encoding` here. "
        "Raise requires-python, or open the file another way.",
        "handed-on": "`open` itself is handed on, and with what arguments it is called can't be seen from here.",
        "odd-layout": "The call is written in a way in which no argument can be added safely. Add it by hand.",
        "fstring-debug": 'f"{x=}" prints its own source, which the rewrite would change.',
        "odd-position": "Before Python 3.12 the position inside this f-string is not known exactly, or both kinds of "
        "quotes are taken. Run ssot-fix under Python 3.12 or newer, or take the call out of the f-string.",
    }
)
