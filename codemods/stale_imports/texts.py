"""Dangling dotted paths in strings: those that a known function imports follow a move, others are only listed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from codemods.stale_imports.decide import Decision
from codemods.stale_imports.guards import guard_against
from codemods.stale_imports.strings import Use, new_text, others, replaced, uses
from ssot_fix.bindings import Module
from ssot_fix.edits import Applicability, Edit, Refusal
from ssot_fix.sites import Replaced, Site

# They ask whether a module is there, or put one there; neither is an import that fails.
_ASKING = frozenset({"importlib.util.find_spec", "pytest.importorskip"})
_STUBBING = frozenset({"sys.modules"})
_IMPORTING = frozenset({"importlib.import_module", "__import__", "runpy.run_module", "pkgutil.resolve_name"})
# With these, the attribute need not exist.
_TOLERANT = (("create", True), ("raising", False))


@dataclass(frozen=True)
class Strings:
    """The dangling strings of one module; `decisions` tells by text what is to become of it."""

    codemod: str
    module: Module
    decisions: Mapping[str, Decision]
    tops: frozenset[str]
    consumers: Sequence[str]

    def sites(self) -> list[Site]:
        """One site for each string that a known consumer takes, and for each other that names what has moved."""
        return [*self._consumed(), *self._listed()]

    @cached_property
    def _uses(self) -> list[Use]:
        return uses(self.module, self.tops, self.consumers)

    def _consumed(self) -> Iterator[Site]:
        for use in self._uses:
            decision = self.decisions.get(use.text)
            if decision is None or use.consumer in _STUBBING or self._tolerates(use, decision):
                continue
            site = Site(self.codemod, use.node, "string", decision.message, Applicability.SAFE)
            site.refusal = self._refusal(use, decision)
            if site.refusal is None:
                self._follow(site, use, decision)
            else:
                site.applicability = Applicability.MANUAL
            yield site

    def _refusal(self, use: Use, decision: Decision) -> Refusal | None:
        if use.consumer in _ASKING:
            return Refusal("guarded-fallback", f"{decision.message}; {use.consumer} asks whether it is there")
        guard = guard_against(self.module, self.module.statement(use.owner)) if use.consumer in _IMPORTING else None
        if guard is not None:
            return Refusal(guard.reason, f"{decision.message}; {guard.message}")
        if decision.refusal is not None and not (decision.place is not None and self._is_tolerant(use)):
            return decision.refusal
        if use.start is None:
            return Refusal("unclear-string", f"{decision.message}; the path {use.why}")
        return None

    def _follow(self, site: Site, use: Use, decision: Decision) -> None:
        new, attribute = decision.new_entry(use.path, use.attribute)
        edit, value = replaced(use, new), new_text(use, new)
        if attribute != use.attribute:
            behind = f":{use.attribute}".encode()
            if self.module.source.body[edit.end : edit.end + len(behind)] != behind:
                site.refuse(
                    Refusal("unclear-string", f"{decision.message}; the string does not spell it in one piece")
                )
                return
            new = f"{new}:{attribute}"
            edit = Edit(edit.start, edit.end + len(behind), new.encode())
            value = value.removesuffix(use.attribute) + attribute
        site.edits = (edit,)
        site.replaced = (Replaced(use.node, ast.unparse(ast.Constant(value, kind=use.node.kind))),)
        site.replacement = new

    def _tolerates(self, use: Use, decision: Decision) -> bool:
        """Whether the consumer is told that the name may be missing, and nothing says that it moved."""
        if decision.dangling.kind == "module" or decision.place is not None:
            return False
        return self._is_tolerant(use)

    def _is_tolerant(self, use: Use) -> bool:
        return isinstance(use.owner, ast.Call) and any(
            keyword.arg == name and isinstance(keyword.value, ast.Constant) and keyword.value.value is value
            for keyword in use.owner.keywords
            for name, value in _TOLERANT
        )

    def _listed(self) -> Iterator[Site]:
        for use in others(self.module, self.tops, self._uses):
            decision = self.decisions.get(use.text)
            if decision is not None and decision.place is not None:
                refusal = Refusal("plain-string", f"`{use.text}`: {decision.message}")
                yield Site(self.codemod, use.node, "mention", decision.message, Applicability.MANUAL, refusal)
