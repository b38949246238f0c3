"""First-party imports: what they ask for, and what is not there."""

from __future__ import annotations

from dataclasses import replace

from ssot_fix.audit.text import Text
from ssot_fix.project.scan import AllTops, Scan, scan

NAME = "imports"
_ALL = AllTops()


def look(text: Text) -> Scan | None:
    """What a file imports, and the names that it has.

    Which of its imports are first-party is not known here, so that all are told. Strings are no imports.
    """
    found = scan(text.raw, _ALL)
    return replace(found, strings=frozenset()) if found.strings else found
