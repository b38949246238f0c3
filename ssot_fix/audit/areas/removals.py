"""What went in the range, where each went, and what still refers to it.

Fates are told by evidence only: how alike code is (that of discover-moves), git's renames, what the same commit made
of the uses. What none of these speaks for is gone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from ssot_fix.audit.area import View
from ssot_fix.audit.areas.removals_code import Versions
from ssot_fix.audit.areas.removals_fates import Fate, Fates
from ssot_fix.audit.areas.removals_losses import Change, Loss, Range, outermost
from ssot_fix.audit.areas.removals_mentions import AREA, Mentions
from ssot_fix.audit.model import Removal
from ssot_fix.audit.text import Text

__all__ = ["AREA", "Change", "look", "removals"]

_SHARE = 0.75  # of a module's lines that have to lead to one other module
_TOLD = 3  # definitions whose evidence is told for a module

_NAME = rb"[A-Za-z_]\w{0,79}+"
_DOTTED = tuple(  # a literal that is a path, perhaps one behind a colon; one for each quote, which is found faster
    re.compile(quote + rb"(%(n)b(?:\.%(n)b)++(?::%(n)b(?:\.%(n)b)*+)?+)(?=[\"'])" % {b"n": _NAME})
    for quote in (b'"', b"'")
)

Judged = tuple[Loss, Fate]


def look(text: Text) -> tuple[str, ...] | None:
    """The strings in a file that look like dotted paths, to find those that name what went; sorted."""
    found = {match.decode() for quoted in _DOTTED for match in quoted.findall(text.raw)}
    return tuple(sorted(found)) or None


def removals(
    view: View, changes: Sequence[Change], read: Callable[[Collection[str]], Mapping[str, bytes]]
) -> tuple[Removal, ...]:
    """What went in a range, by path and line.

    `changes` are those of its commits, a commit behind its parents; `read` gives the texts of blobs as far as the
    repository has them. Strings that name it are found among those that `look` tells of. What went and came back is
    not there, nor what was in a class or module that went with it, unless it has a fate of its own.
    """
    versions = Versions(read)
    versions.load([blob for change in changes for blob in (change.old, change.new) if blob])
    span = Range(view, changes, versions)
    judged = list(_Judge(span).all())
    mentions = Mentions(span, [loss for loss, _ in judged])
    return tuple(_removal(view, loss, fate, mentions) for loss, fate in judged)


def _removal(view: View, loss: Loss, fate: Fate, mentions: Mentions) -> Removal:
    module = view.project.module_name(loss.path)
    return Removal(
        loss.kind,
        f"{module}:{loss.name}" if loss.name else module,
        loss.path,
        view.scope(loss.path),
        view.service(loss.path),
        loss.change.commit,
        fate.fate,
        fate.new,
        round(fate.confidence, 3),
        fate.evidence,
        () if fate.is_there else mentions.of(loss),
        loss.size,
    )


class _Judge:
    """Tells what became of all losses of a range."""

    def __init__(self, span: Range) -> None:
        self._span = span
        self._fates = Fates(span)
        self._losses = list(span.losses())
        self._modules = {loss.path: loss for loss in self._losses if loss.kind == "module"}

    def all(self) -> Iterator[Judged]:
        """The losses with their fates."""
        within = {loss.path: list(self._within(loss)) for loss in self._modules.values()}
        every = [each for losses in (self._losses, *within.values()) for each in losses]
        self._span.view.index.look_for({each.name for each in every if each.name and "." not in each.name})
        for loss in self._losses:
            if loss.kind == "module":
                yield from self._of_module(loss, within[loss.path])
            else:
                yield loss, self._fates.of(loss)

    def _within(self, module: Loss) -> Iterator[Loss]:
        """What a module defined that is not in the file that it became, as losses of their own."""
        became = self._became(module)
        head = self._span.head(became) if became else None
        found = {
            name: replace(module, name=name, kind=each.kind, definition=each, head=head, now=became or module.path)
            for name, each in module.old.definitions.items()
            if head is None or not head.defines(name)
        }
        return outermost(found)

    def _became(self, module: Loss) -> str | None:
        """Where git's renames lead, step by step, if that is in the head."""
        seen: set[str] = set()
        loss: Loss | None = module
        while loss and loss.renamed and loss.path not in seen:
            seen.add(loss.path)
            path = loss.renamed.path
            if path in self._span.view.blobs:
                return path
            loss = self._modules.get(path)
        return None

    def _of_module(self, module: Loss, within: Sequence[Loss]) -> Iterator[Judged]:
        """A module, and what was in it and did not go where it went."""
        judged = [(loss, self._fates.of(loss)) for loss in within]
        became = self._became(module)
        fate = self._renamed(module, became) if became else self._by_contents(module, judged)
        yield module, fate
        for loss, own in judged:
            is_told = own.fate == "gone" if fate.new is None else self._is_there(loss, own, fate.new)
            if not is_told:
                yield loss, own

    def _is_there(self, loss: Loss, fate: Fate, module: str) -> bool:
        """Whether a definition is in the module that its own became."""
        return _target(fate) == module or (fate.fate == "gone" and self._fates.is_in(loss, module))

    def _renamed(self, module: Loss, became: str) -> Fate:
        project = self._span.view.project
        step = module.renamed or module.change
        share = f" ({step.similarity} % the same)" if step.similarity else ""
        evidence = [f"git saw the file renamed to {step.path}{share}"]
        evidence += [f"which is {became} now"] if became != step.path else []
        same_name = module.path.rpartition("/")[2] == became.rpartition("/")[2]
        confidence = step.similarity / 100 if step.similarity else 0.9
        return Fate("moved" if same_name else "renamed", project.module_name(became), confidence, tuple(evidence))

    def _by_contents(self, module: Loss, judged: Sequence[Judged]) -> Fate:
        """What most of a module's definitions, by lines, tell of where it went."""
        targets: dict[str, list[Judged]] = defaultdict(list)
        for each in judged:
            targets[_target(each[1])].append(each)
        targets.pop("", None)
        best = max(targets, key=lambda each: (_lines(targets[each]), each), default="")
        share = _lines(targets[best]) / _lines(judged) if best else 0.0
        if share < _SHARE:
            return self._gone(module, judged)
        there = sorted(targets[best], key=lambda each: -each[0].size)
        count = f"{len(there)} of its {len(judged)} definitions"
        said = f"{count}, {int(100 * share)} % of their lines, went to {best}"
        details = [f"{loss.name}: {fate.evidence[0]}" for loss, fate in there[:_TOLD]]
        fate = there[0][1].fate
        if fate in {"moved", "renamed"}:
            fate = "moved" if _last(best) == _last(self._span.view.project.module_name(module.path)) else "renamed"
        return Fate(fate, best, min(each.confidence for _, each in there), (said, *details))

    def _gone(self, module: Loss, judged: Sequence[Judged]) -> Fate:
        if not judged:
            said = "it defined no class or function" if module.old.text else "it could not be parsed"
            return Fate("gone", None, 0.9, (f"git saw no rename, and {said}",))
        kept = [fate for _, fate in judged if fate.fate != "gone"]
        said = f"{len(kept) or 'none'} of its {len(judged)} definitions went elsewhere"
        return Fate("gone", None, round(0.9 * (1 - len(kept) / len(judged)), 3), (f"git saw no rename, and {said}",))


def _target(fate: Fate) -> str:
    """The module that a fate leads to."""
    return (fate.new or "").partition(":")[0]


def _last(module: str) -> str:
    return module.rpartition(".")[2]


def _lines(judged: Sequence[Judged]) -> int:
    return sum(loss.size for loss, _ in judged)
