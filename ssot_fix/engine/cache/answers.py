"""Answers to what was asked while something was computed: kept with the result, and held against those of today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ssot_fix.asking import ALL, AskedMapping, AskedSet, Question, listening
from ssot_fix.digests import digest
from ssot_fix.engine.contract import Prepared, Told
from ssot_fix.project.resolver import PATH_TABLES, Project

# Of a set whether it has a member; of a file the name of its content, and a digest of what was asked about that.
Answer = bool | bytes | tuple[bytes, bytes]
# By table and key: most questions are about few tables.
Trace = Mapping[str, Mapping[Any, Answer]]


class Answers:
    """Answers questions about a project and what codemods know of it; each once."""

    def __init__(self, project: Project, told: Iterable[Told] = ()) -> None:
        self._project = project
        own = (project.files, project.folders, project.file_names)
        tables = (*(table for table in own if isinstance(table, AskedSet)), *(t for each in told for t in each.tables))
        self._tables: dict[str, AskedSet[Any] | AskedMapping[Any, Any]] = {table.table: table for table in tables}
        self._known: dict[Question, Answer] = {}

    def trace(self, asked: Iterable[Question], path: str = "") -> Trace:
        """Some questions with their answers; those about the content of the file at `path` are left out.

        Raises Undigestible, and OSError for a file that has gone.
        """
        found: dict[str, dict[Any, Answer]] = {}
        for table, key in asked:
            if table not in PATH_TABLES or path_of(key) != path:
                found.setdefault(table, {})[key] = self._answer(table, key)
        return found

    def hold(self, trace: Trace) -> bool:
        """Whether all questions have the same answers today."""
        return all(self._holds(table, key, said) for table, several in trace.items() for key, said in several.items())

    def _holds(self, table: str, key: Any, said: Answer) -> bool:  # noqa: ANN401  a key of any type
        if table not in PATH_TABLES or not isinstance(said, tuple):
            return said == self._answer(table, key)
        if said[0] == self._project.content(path_of(key)):
            return True  # what was asked about a content is not asked again while that is the same
        answer = self._answer(table, key)
        return table != "text" and isinstance(answer, tuple) and said[1] == answer[1]

    def _answer(self, table: str, key: Any) -> Answer:  # noqa: ANN401
        question = (table, key)
        if question not in self._known:
            with listening():
                self._known[question] = (
                    self._about_file(table, key) if table in PATH_TABLES else self._said(table, key)
                )
        return self._known[question]

    def _said(self, table: str, key: Any) -> Answer:  # noqa: ANN401
        if table not in self._tables:
            return b""
        said = self._tables[table].answer(key)
        return said if isinstance(said, bool) and key != ALL else digest(said)

    def _about_file(self, table: str, key: Any) -> Answer:  # noqa: ANN401
        project, path = self._project, path_of(key)
        said: object = None
        if table == "facts":
            said = project.imports(path)  # what follows from it depends on the source roots, which are the same
        elif table == "matches":
            said = project.matches(path, key[1])
        elif table == "names":
            said = project.names(path)
        elif table == "rebinds":
            said = project.rebinds(path, key[1])
        # A file that can't be read has no content; asked again, it is read again.
        return project.content(path), b"" if table == "text" else digest(said)


def path_of(key: Any) -> str:  # noqa: ANN401
    """The file that a question of one of the PATH_TABLES is about."""
    path: str = key if isinstance(key, str) else key[0]
    return path


def told(codemods: Iterable[Prepared]) -> list[Told] | None:
    """What codemods say that they know; None if one does not say."""
    found = [getattr(codemod, "told", None) for codemod in codemods]
    known = [each for each in found if isinstance(each, Told)]
    return known if len(known) == len(found) else None
