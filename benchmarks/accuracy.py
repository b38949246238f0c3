"""Were all sites found, and nothing else? Precision and recall of what a tool reports."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from benchmarks.planting import Truth

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Score:
    """Planted reads that were found and missed, and planted lines that were reported and are no reads."""

    found: int
    missed: int
    false: int

    @property
    def precision(self) -> float | None:
        """The share of what was reported that is right; none if nothing was reported."""
        return self.found / (self.found + self.false) if self.found + self.false else None

    @property
    def recall(self) -> float | None:
        """The share of the reads that was reported; none if there are no reads."""
        return self.found / (self.found + self.missed) if self.found + self.missed else None


def score(reported: AbstractSet[Place], truth: Truth) -> Score:
    """Hold what a tool reports against the truth. Only planted lines count, and imports neither for nor against."""
    judged = {place for place in reported if place in truth.planted} - truth.imports
    return Score(len(judged & truth.reads), len(truth.reads - judged), len(judged - truth.reads))
