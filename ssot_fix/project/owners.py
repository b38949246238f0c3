"""Who owns which file, as a CODEOWNERS file says."""

from __future__ import annotations

import re

from codeowners import CodeOwners

# Where GitHub looks, in this order: docs.github.com, About code owners.
PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
# Comments, and lines that GitHub skips: of gitignore's patterns it does not know `!`, `\\#` and `[ ]` (same page).
_COMMENT = re.compile(r"(?:^|\s)#.*")
_SKIPPED = re.compile(r"\s*(?:!|\\#|(?:\\ |\S)*\[)")


def code_owners(data: bytes) -> CodeOwners:
    """The owners that a CODEOWNERS file names, by the lines of it that GitHub takes."""
    lines = (_COMMENT.sub("", line) for line in data.decode("utf-8-sig", "replace").splitlines())
    return CodeOwners("\n".join(line for line in lines if not _SKIPPED.match(line)))
