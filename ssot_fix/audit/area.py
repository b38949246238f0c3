"""What an area of the audit is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ssot_fix.audit.model import Scope, Site
from ssot_fix.audit.settings import Options
from ssot_fix.audit.text import Text
from ssot_fix.project.config import Config
from ssot_fix.project.history import History
from ssot_fix.project.index import Index
from ssot_fix.project.resolver import Project


class View(Protocol):
    """The project as a commit has it. Paths are posix, relative to the project's root; nothing is checked out."""

    @property
    def commit(self) -> str:
        """The commit's full id."""
        ...

    @property
    def root(self) -> Path:
        """The project's root: where git is run, not where files are read."""
        ...

    @property
    def config(self) -> Config:
        """The settings."""
        ...

    @property
    def options(self) -> Options:
        """`[tool.ssot-fix.audit]`."""
        ...

    @property
    def blobs(self) -> Mapping[str, bytes]:
        """The ids, as 40 hexadecimal digits, of all regular files."""
        ...

    @property
    def python(self) -> Sequence[str]:
        """The Python files that are not excluded, in the order of their bytes."""
        ...

    @property
    def project(self) -> Project:
        """The modules of the project; files are read from the commit."""
        ...

    @property
    def index(self) -> Index:
        """What imports lead to."""
        ...

    @property
    def history(self) -> History:
        """All that the commit reaches."""
        ...

    def scope(self, path: str) -> Scope:
        """Production or test."""
        ...

    def service(self, path: str) -> str:
        """The service that a file belongs to."""
        ...

    def facts(self, area: str, path: str) -> object | None:
        """What the area's `look` made of a file; None if that was nothing, or the file can't be read or parsed."""
        ...

    def read(self, path: str) -> bytes:
        """A file's bytes, of any of `blobs`.

        Raises OSError for one that is not there, or that the repository lacks.
        """
        ...


class Area(Protocol):
    """An area whose sites are told file by file, bound to a project."""

    @property
    def name(self) -> str:
        """The name, one of `model.AREAS`."""
        ...

    def sites(self, path: str, facts: object) -> Iterable[Site]:
        """The sites of a file, in the order of its lines, those in order included. Depends on nothing else."""
        ...


class Look(Protocol):
    """Tells what a file has to do with an area: a function of a module, so that workers can call it.

    What it returns is made of plain values and frozen dataclasses; it is kept by the content of the file.
    """

    def __call__(self, text: Text) -> object | None:
        """None for nothing. May raise UnreadableText or Unparseable; looks at `text.raw` before it parses."""
        ...
