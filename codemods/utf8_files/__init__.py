"""Give text files and pipes their encoding where they are opened.

Without an encoding, Python opens text in the encoding of the locale: UTF-8 on most Unix systems, a code page on
Windows. A file written on the one can't be read on the other, and a check mark in a report raises UnicodeEncodeError.
This codemod adds `encoding="utf-8"` where text is opened without one:

    open(p), open(p, "w"), io.open, os.fdopen            open(p, encoding="utf-8")
    path.read_text(), .write_text(s), .open()            path.read_text(encoding="utf-8")
    subprocess.run(..., text=True) and its kin           subprocess.run(..., text=True, encoding="utf-8")
    tempfile, logging's file handlers, basicConfig(filename=...), gzip, bz2 and lzma in text mode, fileinput,
    io.TextIOWrapper, argparse.FileType, ConfigParser.read, zipfile.Path

Left as they are: binary modes, calls that name an encoding already (also `encoding="locale"`), functions of your own
that are called open. A receiver counts as a path if its binding, annotation or construction says so; one that only
looks like a path is refused (`unknown-receiver`), as are a computed mode, unpacked arguments and encoding=None.

A program that is started writes what it likes: Windows' own (netstat, tasklist) write the console's code page, and
Python ones (pip, pytest) the locale's encoding, unless PYTHONUTF8 or PYTHONIOENCODING tells them otherwise. Reading
those as UTF-8 may fail on Windows, so it is unsafe, and applied with --unsafe-fixes or by `allow`. The project's own
scripts are taken to write UTF-8, as utf8-streams makes them:

    [tool.ssot-fix.utf8-files]
    encoding = "utf-8"
    allow = ["python-child", "console-program"]

Where requires-python is 3.15 or newer nothing is planned: there UTF-8 is what Python uses by itself (PEP 686).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codemods.utf8_files.options import NAME, Options
from codemods.utf8_files.reasons import REASONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ssot_fix.engine.contract import Inactive, Prepared, Setting, Surveyor
    from ssot_fix.project.config import Config
    from ssot_fix.project.resolver import Project

_EXPLANATION = __doc__ or ""
_OPEN = re.compile(rb"open(?<!\wopen)\b")  # a literal in front is found fast
_SPELLED = tuple(
    b"fdopen _text subprocess tempfile FileHandler TextIOWrapper basicConfig fileinput ConfigParser FileType".split()
)


class Utf8Files:
    """The codemod as the catalog knows it."""

    name = NAME
    summary = "text files and pipes opened with their encoding, not with the locale's"
    explanation = _EXPLANATION
    options: type = Options
    reasons: Mapping[str, str] = REASONS
    shared_names: frozenset[str] = frozenset()

    def screen(self, data: bytes) -> bool:
        """Every site spells one of the names that open text."""
        return any(word in data for word in _SPELLED) or (b"open" in data and _OPEN.search(data) is not None)

    def surveyor(self, _project: Project, _config: Config) -> Surveyor:
        """Looks at nothing."""
        return _overlook

    def prepare(self, project: Project, config: Config, surveyed: Mapping[str, object]) -> Prepared | Inactive:
        """Read which Pythons the project is for, and check the encoding."""
        from codemods.utf8_files.prepared import prepare  # noqa: PLC0415

        return prepare(project, config, surveyed)

    def suggest(self, _project: Project, _config: Config, _surveyed: Mapping[str, object]) -> Sequence[Setting]:
        """The keys; nothing about them is to be found in a project."""
        from codemods.utf8_files.prepared import SETTINGS  # noqa: PLC0415

        return SETTINGS


def _overlook(_data: bytes) -> None:
    """A surveyor that has no use for files."""
