"""What a computation asks of the world beyond its input, noted while it runs: a cached answer depends on just that.

A question is a table and a key; the answer is what the table says today. Tables are sets and mappings that note what
is looked up in them, and whatever else calls `note`. Nothing is noted unless somebody listens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")
Question = tuple[str, Any]
ALL = "\0all"  # the key that stands for a whole table; no path or name has a NUL

_heard: set[Question] | None = None


@contextmanager
def listening() -> Iterator[set[Question]]:
    """Note what is asked inside, and nothing of it for those who listen outside."""
    global _heard  # noqa: PLW0603  one computation runs at a time in a process
    outside, _heard = _heard, set()
    try:
        yield _heard
    finally:
        _heard = outside


def note(table: str, key: object) -> None:
    """Note a question, if somebody listens."""
    if _heard is not None:
        _heard.add((table, key))


def note_all(questions: set[Question]) -> None:
    """Note what a remembered computation asked when it ran."""
    if _heard is not None:
        _heard.update(questions)


def remembered(memory: dict[K, tuple[V, set[Question]]], key: K, compute: Callable[[], V]) -> V:
    """A value that is computed once; whoever gets it asks what its computation asked."""
    if key not in memory:
        with listening() as asked:
            value = compute()
        memory[key] = value, asked
    found, asked = memory[key]
    note_all(asked)
    return found


class AskedSet(Set[K]):
    """A set that notes which members were asked for; what looks at all of it notes that.

    No frozenset: what Python does with those passes by their methods.
    """

    __slots__ = ("held", "table")

    def __init__(self, table: str, held: Iterable[K]) -> None:
        """`table` names it in questions; what looks at `held` is not noted."""
        self.table = table
        self.held = frozenset(held)

    def __contains__(self, member: object) -> bool:
        if _heard is not None:
            _heard.add((self.table, member))
        return member in self.held

    def __iter__(self) -> Iterator[K]:
        note(self.table, ALL)
        return iter(self.held)

    def __len__(self) -> int:
        note(self.table, ALL)
        return len(self.held)

    @classmethod
    def _from_iterable(cls, members: Iterable[T]) -> frozenset[T]:
        return frozenset(members)  # what set operations lead to

    def answer(self, key: object) -> object:
        """What the set says to a question today."""
        return self.held if key == ALL else key in self.held


class AskedMapping(Mapping[K, V]):
    """A mapping that notes which keys were asked for."""

    __slots__ = ("held", "table")

    def __init__(self, table: str, held: Mapping[K, V]) -> None:
        """`table` names it in questions; what looks at `held` is not noted."""
        self.table = table
        self.held: Mapping[K, V] = held

    def __getitem__(self, key: K) -> V:
        note(self.table, key)
        return self.held[key]

    def __contains__(self, key: object) -> bool:
        note(self.table, key)
        return key in self.held

    def get(self, key: K, default: Any = None) -> Any:  # noqa: ANN401  as Mapping has it
        """The value of a key."""
        note(self.table, key)
        return self.held.get(key, default)

    def __iter__(self) -> Iterator[K]:
        note(self.table, ALL)
        return iter(self.held)

    def __len__(self) -> int:
        note(self.table, ALL)
        return len(self.held)

    def __reduce__(self) -> tuple[Any, ...]:
        return AskedMapping, (self.table, self.held)

    def answer(self, key: Any) -> object:  # noqa: ANN401  a key of any type
        """What the mapping says to a question today."""
        return self.held if key == ALL else self.held.get(key)
