"""A commit's project, made of texts, as the audit's areas are told it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from ssot_fix.audit.area import Look
from ssot_fix.audit.model import Scope
from ssot_fix.audit.settings import Options
from ssot_fix.audit.text import Text
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.project.at_commit import project_at
from ssot_fix.project.classify import Classifier
from ssot_fix.project.config import Config
from ssot_fix.project.resolver import Project
from ssot_fix.source import UnreadableText


class MemoryView:
    """A `View` of files that are held in memory; None stands for a file that the repository lacks the bytes of."""

    commit = "0" * 40
    root = Path("nowhere")

    def __init__(self, files: Mapping[str, str | bytes | None], options: Options, looks: Mapping[str, Look]) -> None:
        self._files = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self._looks = looks
        self._scopes = Classifier()
        self.options = options
        self.config = Config(self.root)
        self.blobs = {path: _blob(text) for path, text in self._files.items()}
        self.python = sorted(path for path in files if path.endswith(".py"))

    @cached_property
    def project(self) -> Project:
        return project_at(self.root, self.blobs, self.python, self.read, ())

    def scope(self, path: str) -> Scope:
        return self._scopes.scope(path)

    def service(self, path: str) -> str:
        return path.partition("/")[0] if "/" in path else ""

    def facts(self, area: str, path: str) -> object | None:
        try:
            return self._looks[area](Text(self.read(path)))
        except (OSError, UnreadableText, Unparseable):
            return None

    def read(self, path: str) -> bytes:
        data = self._files.get(path)
        if data is None:
            raise FileNotFoundError(path)
        return data


def _blob(text: bytes | None) -> bytes:
    return hashlib.sha1(text or b"").hexdigest().encode()
