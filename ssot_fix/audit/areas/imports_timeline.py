"""How the imports stand at each commit of a range, for `timeline`."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ssot_fix.audit.areas.imports import NAME, former, ignores, spelled
from ssot_fix.audit.areas.imports_series import FileImports, Resolver, Tree
from ssot_fix.audit.commits import Change, Span, tree_of
from ssot_fix.audit.model import Tally
from ssot_fix.audit.timeline import NOTHING, Pattern, Standing
from ssot_fix.audit.view import CommitView
from ssot_fix.project.objects import Reader
from ssot_fix.project.scan import Scan

_NONE = FileImports(0)


class ImportsBeyond:
    """`timeline.Beyond` for the imports, and how they stand before the range.

    Commits have to come as `timeline` asks for them: each behind the parent that is named with it.
    """

    def __init__(self, view: CommitView, span: Span, reader: Reader) -> None:
        """`view` is the head's, and knows what all contents of the range tell; `reader` reads its blobs."""
        self._view = view
        self._reader = reader
        config = view.config
        roots = config.general.source_roots
        self._resolver = Resolver(config.root, roots, former(config), ignores(config), view.project)
        before = tree_of(config.root, span.start.id) if span.start else None
        self._begin = span.start.id if span.start else ""
        # Which links there are is told of the start and the head: what lies there counts as known in neither.
        self._beyond = view.beyond | (before.beyond if before else frozenset())
        self._files: dict[str, dict[str, bytes]] = {self._begin: dict(before.blobs) if before else {}}
        self._python: dict[str, Sequence[str]] = {}
        self._answers: dict[str, Mapping[str, FileImports]] = {}
        self._left = Counter(step.parents[0] if step.parents else "" for step in span.steps)
        self._left[self._begin] += len(span.outside) + 1

    def head(self) -> Mapping[str, FileImports]:
        """What the imports of each file of the head come to; asked before the rest, it costs least."""
        self._files[self._view.commit] = dict(self._view.blobs)
        return self._judge(self._view.commit)

    def start(self) -> dict[str, Standing]:
        """How each file stood before the range."""
        answers = self._judge(self._begin)
        self._done_with(self._begin)
        return {path: standing(answer) for path, answer in answers.items()}

    def __call__(
        self, commit: str, parent: str | None, changes: Sequence[Change]
    ) -> dict[str, tuple[Standing, Standing]]:
        """How files stand otherwise than in a commit's first parent."""
        before = parent or ""
        if before not in self._files:  # neither in the range nor its start: the history begins in between
            self._files[before] = {}
        old = self._answers[before] if before in self._answers else self._judge(before)
        self._files[commit] = _changed(self._files[before], changes)
        self._python.pop(commit, None)
        if self._files[commit].keys() == self._files[before].keys():
            self._python[commit] = self._python[before]
        new = self._judge(commit)
        self._done_with(before)
        differing = [path for path in {**old, **new} if old.get(path) is not new.get(path)]
        pairs = ((path, old.get(path, _NONE), new.get(path, _NONE)) for path in sorted(differing))
        return {path: (standing(was), standing(now)) for path, was, now in pairs if was != now}

    def answers(self, commit: str) -> Mapping[str, FileImports]:
        """What the imports of each file come to at a commit that is no parent in the range: its head."""
        return self._answers[commit]

    def _judge(self, commit: str) -> Mapping[str, FileImports]:
        files = self._files[commit]
        if commit not in self._python:
            self._python[commit] = sorted(filter(self._view.is_python, files), key=os.fsencode)

        def read(path: str) -> bytes:
            data = self._reader.read(files[path])
            if data is None:
                raise FileNotFoundError(errno.ENOENT, "the repository lacks it", path)
            return data

        def scan_of(path: str) -> Scan | None:
            found = self._view.known.facts(NAME, files[path])
            return found if isinstance(found, Scan) else None

        self._answers[commit] = self._resolver.advance(Tree(files, self._python[commit], read, self._beyond), scan_of)
        return self._answers[commit]

    def _done_with(self, commit: str) -> None:
        self._left[commit] -= 1
        if self._left[commit] <= 0:
            self._files.pop(commit, None)
            self._python.pop(commit, None)
            self._answers.pop(commit, None)


def standing(answer: FileImports) -> Standing:
    """How the imports of a file stand."""
    if not answer.all:
        return NOTHING
    bad = Counter(Pattern(NAME, each.kind, spelled((each.module, each.name))) for each in answer.bad)
    return Standing({NAME: Tally(answer.all - len(answer.bad), answer.all)}, bad)


def _changed(files: Mapping[str, bytes], changes: Iterable[Change]) -> dict[str, bytes]:
    found = dict(files)
    for change in changes:
        if change.renamed_from is not None:
            found.pop(change.renamed_from, None)
        if change.new is None:
            found.pop(change.path, None)
    found |= {change.path: change.new for change in changes if change.new is not None}
    return found
