"""A project as a commit has it."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import cast

from ssot_fix.audit import settings
from ssot_fix.audit.commits import Tree, resolve, tree_of
from ssot_fix.audit.looking import Known
from ssot_fix.audit.model import Scope
from ssot_fix.project.at_commit import project_at
from ssot_fix.project.classify import Classifier, Globs
from ssot_fix.project.config import Config
from ssot_fix.project.history import History
from ssot_fix.project.index import Index
from ssot_fix.project.objects import Reader
from ssot_fix.project.resolver import Project
from ssot_fix.project.scan import Scan

AT_THE_TOP = "(root)"  # the service of files in no folder
_SUFFIXES = (".py", ".pyw")


class CommitView:
    """See `area.View`."""

    def __init__(self, config: Config, commit: str, tree: Tree, reader: Reader) -> None:
        """`tree` is what the commit holds, `reader` reads its blobs."""
        self.config = config
        self.commit = commit
        self.blobs: Mapping[str, bytes] = tree.blobs
        self.beyond = tree.beyond
        self.known = Known({})
        self._reader = reader
        self._classifier = Classifier(config.general.test_patterns)
        self._services: dict[str, str] = {}

    @property
    def root(self) -> Path:
        """The project's root."""
        return self.config.root

    @property
    def options(self) -> settings.Options:
        """`[tool.ssot-fix.audit]`."""
        return cast("settings.Options", self.config.options(settings.NAME, ""))

    @cached_property
    def python(self) -> Sequence[str]:
        """The Python files that are not excluded, in the order of their bytes."""
        return tuple(sorted(filter(self.is_python, self.blobs), key=os.fsencode))

    @cached_property
    def _excluded(self) -> Globs:
        return Globs(self.config.general.exclude)

    def is_python(self, path: str) -> bool:
        """Whether a path is that of a Python file which is not excluded."""
        return path.endswith(_SUFFIXES) and not self._excluded.matches(path)

    @cached_property
    def project(self) -> Project:
        """The modules of the project; files are read from the commit."""
        roots = self.config.general.source_roots
        return project_at(self.root, self.blobs, self.python, self.read, roots, beyond=self.beyond)

    @cached_property
    def index(self) -> Index:
        """What imports lead to."""
        scans = {path: self.facts("imports", path) for path in self.python}
        return Index(self.project, {path: scan for path, scan in scans.items() if isinstance(scan, Scan)})

    @cached_property
    def history(self) -> History:
        """All that the commit reaches."""
        return History(self.root, self.commit)

    def scope(self, path: str) -> Scope:
        """Production or test."""
        return self._classifier.scope(path)

    def service(self, path: str) -> str:
        """The service that a file belongs to."""
        folder = path.rpartition("/")[0]
        if folder not in self._services:
            held = [each for each in self._named if f"{folder}/".startswith(f"{each}/")]
            self._services[folder] = max(held, key=len, default=folder.partition("/")[0] or AT_THE_TOP)
        return self._services[folder]

    @cached_property
    def _named(self) -> Sequence[str]:
        return [service.strip("/") for service in self.options.services]

    def facts(self, area: str, path: str) -> object | None:
        """What the area's look made of a file; None if that was nothing, or it can't be read or parsed."""
        return self.known.facts(area, self.blobs[path])

    def read(self, path: str) -> bytes:
        """A file's bytes.

        Raises OSError for one that is not there, or that the repository lacks.
        """
        return self.blob(path, self.blobs.get(path))

    def blob(self, path: str, blob: bytes | None) -> bytes:
        """The bytes of a file with a content that it has in some commit; see `read`."""
        data = self._reader.read(blob) if blob else None
        if data is None:
            raise FileNotFoundError(errno.ENOENT, "not in the commit, or not in the repository", path)
        return data


def open_view(config: Config, commit: str = "HEAD") -> CommitView:
    """The project at a commit, with nothing looked at yet.

    Raises RangeError if there is no such commit, GitError.
    """
    found = resolve(config.root, commit)
    return CommitView(config, found, tree_of(config.root, found), Reader(config.root))
