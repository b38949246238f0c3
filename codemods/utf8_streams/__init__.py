"""Give every program UTF-8 standard streams, where it starts.

On Windows, and wherever the locale says so, Python writes to pipes and consoles in another encoding than UTF-8: the
first check mark that a script prints ends it with UnicodeEncodeError. This codemod finds where programs start, in
`if __name__ == "__main__":` blocks, in functions that console scripts name (pyproject.toml, setup.cfg, setup.py) and
in `__main__.py`, and makes these their first statements:

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")

Nothing else is as safe: it can be done twice, it keeps the stream's buffering, and it passes by what is no text file
(pytest's capture, StringIO, None under pythonw). A program that gives its streams an encoding already, by whatever
means before it writes, is left as it is.

    [tool.ssot-fix.utf8-streams]
    entry-points = "writing"      # those that write text; "non-ascii": that write literals of other characters; "all"
    errors = "replace"            # what becomes of characters that can't be written: lone surrogates
    helper = "shared.console:use_utf8"    # the project's own function, called instead

Replaced streams are found, too, and become the reconfigure form:

    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")     if hasattr(sys.stdout, "reconfigure"):
    sys.stdout = codecs.getwriter("utf-8")(sys.stdout.detach())                sys.stdout.reconfigure(encoding="utf-8")

That is unsafe, since code may rely on the new object. A wrapper closes the stream when it is replaced again, loses
line buffering, and fails where there is no `.buffer`. In a module that others import it is left alone, with the
reason. `os.environ["PYTHONIOENCODING"] = ...` is reported: it comes too late for this process; children may read it.

Where requires-python is 3.15 or newer nothing is planned: there UTF-8 is what Python uses by itself (PEP 686).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codemods.utf8_streams.options import NAME, Options
from codemods.utf8_streams.reasons import REASONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ssot_fix.asking import Question
    from ssot_fix.engine.contract import Inactive, Prepared, Setting, Surveyor
    from ssot_fix.project.config import Config
    from ssot_fix.project.resolver import Project

_EXPLANATION = __doc__ or ""


class Utf8Streams:
    """The codemod as the catalog knows it."""

    name = NAME
    summary = "UTF-8 standard streams for every program, given where it starts"
    explanation = _EXPLANATION
    options: type = Options
    reasons: Mapping[str, str] = REASONS
    shared_names: frozenset[str] = frozenset()

    def screen(self, _data: bytes) -> bool:
        """Any file may hold the function that a console script names; which do is told by all of them."""
        return True

    def surveyor(self, _project: Project, _config: Config) -> Surveyor:
        """Reads what every file does with the streams, and whom it imports."""
        from codemods.utf8_streams.survey import facts_of  # noqa: PLC0415

        return facts_of

    def prepare(self, project: Project, config: Config, surveyed: Mapping[str, object]) -> Prepared | Inactive:
        """Find the console scripts, the helpers, and what gives streams their encoding already."""
        from codemods.utf8_streams.prepared import prepare  # noqa: PLC0415

        return prepare(project, config, surveyed)

    def alike(self, project: Project, before: object, today: object, _asked: frozenset[Question]) -> bool:
        """Whether a file tells the same as before, imports aside that lead nowhere in the project."""
        from codemods.utf8_streams.survey import alike  # noqa: PLC0415

        return alike(project, before, today)

    def suggest(self, project: Project, config: Config, surveyed: Mapping[str, object]) -> Sequence[Setting]:
        """The keys; a function that gives streams their encoding only as an example, since it may do more."""
        from codemods.utf8_streams.prepared import suggest  # noqa: PLC0415

        return suggest(project, config, surveyed)
