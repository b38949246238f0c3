"""Where something went that the head no longer has: moved, renamed, merged, replaced, or gone; by evidence only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from codemods.stale_imports.likeness import Likeness, likeness
from codemods.stale_imports.shapes import Shape
from ssot_fix.audit.areas.removals_classes import Classes
from ssot_fix.audit.areas.removals_code import Definition, Version
from ssot_fix.audit.areas.removals_losses import Loss, Range
from ssot_fix.audit.areas.removals_switches import Switches
from ssot_fix.project.history import Commit

_MOVED = 0.6  # from this likeness on, a namesake that came with the same commit is the old one
_APART = 0.9  # the same for one that came with another commit of the range
_MERGED = 0.8  # the same for one that was there before
_RENAMED = 0.8  # the same for something of another name in the same module
_TOKENS = 20  # what is smaller and has another name may be alike by chance
_SMALL = 8  # what is smaller has to be the same text, whatever its name
_LARGE = 60  # what is smaller does not come with another commit
_WORDS = 0.6  # the share of its words that a file has to have before it is parsed
_KEPT = 0.75  # of the methods of a class, by size, that another class has to have to be what it was merged into
_HALF = 0.5  # what is less alike is not worth a word
_NAMESAKES = 20  # more of one name tell nothing


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of something; `new` is spelled like `Removal.new`. `is_there`: its name still leads to that."""

    fate: str
    new: str | None
    confidence: float
    evidence: tuple[str, ...]
    is_there: bool = False


@dataclass(frozen=True, slots=True)
class _Match:
    path: str
    name: str
    like: Likeness

    @property
    def percent(self) -> int:
        """How alike it is."""
        return int(100 * self.like.score)


class Fates:
    """Looks for what became of losses."""

    def __init__(self, span: Range) -> None:
        self._span = span
        self._view = span.view
        self._switches = Switches(span)
        self._classes = Classes(span)
        self._shapes: dict[tuple[str, str], Shape | None] = {}
        self._words: dict[Loss, frozenset[bytes]] = {}
        # What is gone is asked for these twice: whether it is there, and what comes nearest.
        self._of_name: dict[Loss, list[_Match]] = {}
        self._of_module: dict[Loss, _Match | None] = {}

    def of(self, loss: Loss) -> Fate:
        """What became of a definition."""
        steps = (self._offered, self._inherited, self._moved, self._renamed, self._merged, self._replaced, self._bound)
        found = (step(loss) for step in steps)
        return next((fate for fate in found if fate), None) or self._gone(loss)

    # The steps

    def _offered(self, loss: Loss) -> Fate | None:
        """The module still has the name, from elsewhere or as another name of something."""
        head = loss.head
        shape = head.shape(loss.name, self._package(loss.now)) if head and "." not in loss.name else None
        if shape is None:
            return None
        told = f"{loss.name} in {loss.now} is "
        if shape.through:
            return self._become(loss, loss.now, shape.through[-1], f"{told}another name of {shape.through[-1]} now")
        if shape.kind != "import":
            return None
        module, _, name = shape.origin.rpartition(".")
        module, name = self._view.project.origin(module, name)
        said = f"{told}imported from {module} now"
        path = self._view.project.locate(module)
        return self._become(loss, path, name, said) if path else Fate("replaced", shape.origin, 0.9, (said,), True)

    def _become(self, loss: Loss, path: str, name: str, said: str) -> Fate:
        """What the name leads to now; that is the old one, or replaces it."""
        shape = self._shape(path, name)
        if shape and shape.kind == "import":
            module, _, name = shape.origin.rpartition(".")
            path = self._view.project.locate(module) or path
        match = self._compare(loss, path, name)
        if match and self._is_it(loss, match):
            return replace(self._alike(loss, match, said), is_there=True)
        share = (f"{match.percent} % alike",) if match and match.like.same_kind else ()
        return Fate("replaced", self._spelled(path, name), 0.9, (said, *share), is_there=True)

    def _inherited(self, loss: Loss) -> Fate | None:
        """A method that its class now has from a base."""
        around, _, last = loss.name.rpartition(".")
        found = self._classes.provider(loss.now, around, last) if around and loss.head else None
        if found is None:
            return None
        path, base = found
        return self._become(loss, path, f"{base}.{last}", f"{around} has {last}() from {base} in {path} now")

    def _moved(self, loss: Loss) -> Fate | None:
        """A namesake that is alike."""
        matches = [match for match in self._namesakes(loss) if self._is_it(loss, match)]
        came = [match for match in matches if self._came(loss, match)]
        matches = came or [match for match in matches if self._is_taken_instead(loss, match)]
        if not matches:
            return None
        best = max(matches, key=lambda each: (each.like.score, self._is_near(loss, each.path), each.path))
        others = sorted({each.path for each in matches} - {best.path})
        also = (f"also alike: {', '.join(others[:3])}",) if others else ()
        return self._alike(loss, best, *also)

    def _is_it(self, loss: Loss, match: _Match) -> bool:
        """Whether something of the same name is alike enough, by when it came."""
        old, came = self._old_shape(loss), self._came(loss, match)
        is_apart = came is not None and came.id != loss.change.commit.id
        least = _APART if is_apart else _MOVED if came else _MERGED
        if old is None or not match.like.same_kind or match.like.score < least:
            return False
        if is_apart and len(old.body) < _LARGE:
            return False
        return match.like.same_text or len(old.body) >= _SMALL

    def is_in(self, loss: Loss, module: str) -> bool:
        """Whether a module has something alike under the same name."""
        path = self._view.project.locate(module)
        match = self._compare(loss, path, loss.name) if path else None
        return match is not None and match.like.same_kind and match.like.score >= _MOVED

    def _is_taken_instead(self, loss: Loss, match: _Match) -> bool:
        """Whether the commit switched uses to something that was there before; a mere copy tells nothing."""
        switch = self._switches.of(loss)
        return switch is not None and switch.new == self._spelled(match.path, match.name)

    def _alike(self, loss: Loss, match: _Match, *more: str) -> Fate:
        came = self._came(loss, match)
        is_renamed = match.name.rpartition(".")[2] != loss.name.rpartition(".")[2]
        since = f"that came with {told(came)}" if came else "that was there before"
        fate = ("renamed" if is_renamed else "moved") if came else "merged"
        evidence = (f"{match.percent} % alike to {match.name} in {match.path}, {since}", *match.like.reasons[:3])
        return Fate(fate, self._spelled(match.path, match.name), match.like.score, (*evidence, *more))

    def _renamed(self, loss: Loss) -> Fate | None:
        """Something alike of another name that came into the same module or class in the range."""
        best = self._nearest(loss)
        return self._alike(loss, best) if best and best.like.score >= _RENAMED else None

    def _nearest(self, loss: Loss) -> _Match | None:
        """What is most alike of what came into the module under other names; None if what went is small."""
        if loss not in self._of_module:
            self._of_module[loss] = self._find_nearest(loss)
        return self._of_module[loss]

    def _find_nearest(self, loss: Loss) -> _Match | None:
        old = self._old_shape(loss)
        if loss.head is None or old is None or len(old.body) < _TOKENS:
            return None
        fresh = [
            each.name
            for name, each in loss.head.definitions.items()
            if name not in loss.old.definitions and _is_class(each) == (loss.kind == "class")
        ]
        matches = [match for name in fresh if (match := self._compare(loss, loss.now, name)) and match.like.same_kind]
        return max(matches, key=lambda each: (each.like.score, each.name), default=None)

    def _merged(self, loss: Loss) -> Fate | None:
        """Most of a class's methods are methods of one other class that changed in the same commit."""
        if loss.definition is None or loss.kind != "class":
            return None
        methods = _methods(loss.old, loss.name)
        if len(methods) < 2:
            return None
        found = [self._share(loss, methods, path, name) for path, name in self._classes_near(loss)]
        best = max(found, key=lambda each: each[0], default=(0.0, "", "", 0))
        share, path, name, count = best
        if share < _KEPT:
            return None
        said = f"{count} of its {len(methods)} methods are in {name} in {path}, {int(100 * share)} % of their lines"
        return Fate("merged", self._spelled(path, name), share, (said,))

    def _share(self, loss: Loss, methods: Sequence[Definition], path: str, name: str) -> tuple[float, str, str, int]:
        """How many of the lines of some methods another class has in methods of the same names that are alike."""
        head = self._span.head(path)
        kept = [
            each
            for each in methods
            if head
            and f"{name}.{each.last_name}" in head.definitions
            and (like := self._like(loss.old.shape(each.name), self._shape(path, f"{name}.{each.last_name}")))
            and like.score >= _MERGED
        ]
        total = sum(each.size for each in methods)
        return sum(each.size for each in kept) / total, path, name, len(kept)

    def _classes_near(self, loss: Loss) -> Iterator[tuple[str, str]]:
        """The classes of files that changed with a loss and spell most of its words."""
        for path, head in self._near(loss):
            for name, each in head.definitions.items():
                if each.kind == "class":
                    yield path, name

    def _replaced(self, loss: Loss) -> Fate | None:
        """What uses were switched to in the same commit."""
        switch = self._switches.of(loss)
        if switch is None:
            return None
        count = "1 file" if switch.files == 1 else f"{switch.files} files"
        evidence = (f"the same commit switched {count} from it to {switch.new}, such as {switch.where}",)
        return Fate("replaced", switch.new, min(0.9, 0.5 + 0.1 * switch.files), evidence)

    def _bound(self, loss: Loss) -> Fate | None:
        """The name is there, for something that no definition makes: `Shape = make_shape()`."""
        if loss.head is None or loss.name not in loss.head.bound:
            return None
        said = f"{loss.name} in {loss.now} stands for something else now"
        return Fate("replaced", self._spelled(loss.now, loss.name), 0.9, (said,), is_there=True)

    def _gone(self, loss: Loss) -> Fate:
        matches = self._namesakes(loss)
        if matches:
            best = max(matches, key=lambda each: (each.like.score, each.path))
            copy = ", but was there before, and nothing was switched to it" if self._is_it(loss, best) else ""
            only = "" if copy or best.like.score >= _MERGED else "only "
            said = f"the nearest of that name, in {best.path}, is {only}{best.percent} % alike{copy}"
            return Fate("gone", None, round(1 - best.like.score / 2, 3), (said, *best.like.obstacles[:2]))
        nearest = self._nearest(loss)
        if nearest and nearest.like.score >= _HALF:
            said = f"the nearest that came into its module, {nearest.name}, is only {nearest.percent} % alike"
            return Fate("gone", None, round(1 - nearest.like.score / 2, 3), (said,))
        return Fate("gone", None, 0.9, (self._nothing(loss),))

    def _nothing(self, loss: Loss) -> str:
        """What was looked through in vain."""
        if "." in loss.name:
            return "nothing like it is left in its module or in what changed with it"
        others = [path for path, _ in self._view.index.definitions(loss.name) if path != loss.path]
        if others:
            return f"no definition of that name is like it, of {len(others)}"
        return "nothing of that name is left, and nothing like it in its module"

    # Candidates

    def _namesakes(self, loss: Loss) -> list[_Match]:
        """What has the same name elsewhere, held against it."""
        if loss not in self._of_name:
            found = self._methods_elsewhere(loss) if "." in loss.name else self._definitions_elsewhere(loss)
            matches = (self._compare(loss, path, name) for path, name in found)
            self._of_name[loss] = [match for match in matches if match]
        return self._of_name[loss]

    def _definitions_elsewhere(self, loss: Loss) -> list[tuple[str, str]]:
        found = [
            path
            for path, kind in self._view.index.definitions(loss.name)
            if path not in (loss.path, loss.now) and kind in {"class", "def", "async def"}
        ]
        if len(found) > _NAMESAKES:
            file = loss.path.rpartition("/")[2]
            near = [path for path in found if self._is_near(loss, path)]
            found = sorted(near, key=lambda path: path.rpartition("/")[2] != file)
        return [(path, loss.name) for path in found[:_NAMESAKES] if self._spells(loss, path)]

    def _methods_elsewhere(self, loss: Loss) -> list[tuple[str, str]]:
        """The same method in other classes of the module and of what changed with it, and as a function there."""
        last = loss.name.rpartition(".")[2]
        places = [(loss.now, loss.head)] if loss.head else []
        spelling = ((path, head) for path, head in (*places, *self._near(loss)) if head and last.encode() in head.raw)
        found = (
            (path, name)
            for path, head in spelling
            for name, each in head.definitions.items()
            if each.last_name == last
            and _is_class(each) == (loss.kind == "class")
            and (path, name) != (loss.now, loss.name)
        )
        return list(islice(found, _NAMESAKES))

    def _near(self, loss: Loss) -> Iterator[tuple[str, Version]]:
        """Other files that changed in the same commit, that are still there, and spell most of a loss's words."""
        for change in self._span.by_commit[loss.change.commit.id]:
            if change.path not in (loss.path, loss.now) and change.new is not None and self._spells(loss, change.path):
                head = self._span.head(change.path)
                if head:
                    yield change.path, head

    def _spells(self, loss: Loss, path: str) -> bool:
        if loss not in self._words:
            self._words[loss] = loss.old.words_of(loss.definition) if loss.definition else loss.old.words
        head, words = self._span.head(path), self._words[loss]
        return head is not None and len(words & head.words) >= _WORDS * len(words)

    def _is_near(self, loss: Loss, path: str) -> bool:
        return self._span.touches(loss.change.commit, path)

    def _came(self, loss: Loss, match: _Match) -> Commit | None:
        """The commit of the range that brought something, later than what went; None if it was there before."""
        if match.name == loss.name and self._span.is_renamed(loss.change.commit, loss.path, match.path):
            return loss.change.commit
        came = self._span.arrival(match.path, match.name)
        is_later = came is not None and self._span.is_later(came, self._span.arrival(loss.path, loss.name))
        return came if is_later else None

    # Likeness

    def _compare(self, loss: Loss, path: str, name: str) -> _Match | None:
        like = self._like(self._old_shape(loss), self._shape(path, name))
        return _Match(path, name, like) if like else None

    def _like(self, old: Shape | None, new: Shape | None) -> Likeness | None:
        return likeness(old, new) if old and new else None

    def _old_shape(self, loss: Loss) -> Shape | None:
        key = f"{loss.change.commit.id}:{loss.path}", loss.name
        if key not in self._shapes:
            self._shapes[key] = loss.old.shape(loss.name, self._package(loss.path))
        return self._shapes[key]

    def _shape(self, path: str, name: str) -> Shape | None:
        if (path, name) not in self._shapes:
            head = self._span.head(path)
            self._shapes[path, name] = head.shape(name, self._package(path)) if head else None
        return self._shapes[path, name]

    def _package(self, path: str) -> str:
        return self._view.project.absolute(path, 1, "")

    def _spelled(self, path: str, name: str) -> str:
        return f"{self._view.project.module_name(path)}:{name}"


def told(commit: Commit) -> str:
    """A commit in few words."""
    return f"{commit.id[:10]} ({commit.date})"


def _is_class(definition: Definition) -> bool:
    return definition.kind == "class"


def _methods(version: Version, name: str) -> list[Definition]:
    return [each for each in version.definitions.values() if each.name.rpartition(".")[0] == name]
