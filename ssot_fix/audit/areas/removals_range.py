"""The changes of a range as removals are told from: those of files that count, and of merges what is their own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from ssot_fix.audit import commits
from ssot_fix.audit.area import View
from ssot_fix.audit.areas.removals import Change, removals
from ssot_fix.audit.model import Removal
from ssot_fix.project.classify import Globs
from ssot_fix.project.objects import Objects


def removed(view: View, span: commits.Span) -> tuple[Removal, ...]:
    """What went in a range that ends with the view's commit, by path and line; see `removals`.

    Raises GitError.
    """
    objects = Objects(view.root)

    def read(blobs: Collection[str]) -> Mapping[str, bytes]:
        return {blob.decode(): text for blob, text in objects.blobs(blob.encode() for blob in blobs).items()}

    return removals(view, list(changes(span, view.config.general.exclude)), read)


def changes(span: commits.Span, exclude: Collection[str] = ()) -> Iterator[Change]:
    """The changes of a range's Python files, a commit behind its parents; `exclude` are gitignore patterns.

    Of a merge those files count that differ from all parents that the range knows: what a branch brings that lies
    outside of it came with the merge, as far as the range tells. What one side had renamed, the merge has not.
    """
    excluded = Globs(exclude)
    known = {step.commit.id for step in span.steps} | ({span.start.id} if span.start else set())
    for step in span.steps:
        edges = [edge for parent, edge in zip(step.parents, step.changes, strict=False) if parent in known]
        edges = edges or list(step.changes[:1])
        common = set.intersection(*({change.path for change in edge} for edge in edges))
        left = set.intersection(*({change.renamed_from or change.path for change in edge} for edge in edges))
        for change in (each for edge in edges for each in edge if each.path in common):
            if change.path.endswith(".py") and not excluded.matches(change.path):
                old, new = (blob.decode() if blob else None for blob in (change.old, change.new))
                was_at = change.renamed_from if change.renamed_from in left else None
                yield Change(step.commit, change.path, old, new, was_at)
