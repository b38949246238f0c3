"""Planning a file until nothing is left to do: what one codemod rewrote may let another see more.

An import that leads somewhere again tells what its names are, and what they are may be another codemod's concern. One
run has to be enough (law 4), so the new text is planned again, each plan proved, until one plans nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ssot_fix.bindings import Module
from ssot_fix.edits import Edit, Refusal, and_then, apply_edits, in_order, origin, placed
from ssot_fix.engine.plan import Context, plan_module
from ssot_fix.proof import Proof, ProofFailed, prove
from ssot_fix.sites import Plan

_MOST_STEPS = 4


@dataclass(frozen=True, slots=True)
class Step:
    """A plan for a module, and its proof."""

    module: Module
    plan: Plan
    proof: Proof


@dataclass(frozen=True, slots=True)
class Settled:
    """The first plan of a module, the steps that follow from it, and the edits of all of them together.

    There are no steps if nothing is to be changed, or if a proof failed: its sites are refused then. `edits` lead
    from the raw bytes of the module to `raw`.
    """

    plan: Plan
    steps: tuple[Step, ...] = ()
    edits: tuple[Edit, ...] = ()
    raw: bytes = b""


def settle(module: Module, context: Context, seeds: frozenset[str]) -> Settled:
    """Plan a module, prove it, and go on with the new text until nothing is planned for it."""
    first = plan = plan_module(module, context)
    steps: list[Step] = []
    current = module
    try:
        while plan.edits:
            _check_progress(current, plan, steps)
            steps.append(Step(current, plan, prove(current, plan, context.project, seeds)))
            current = steps[-1].proof.module
            plan = plan_module(current, context)
        return Settled(first, tuple(steps), *_composed(module, steps))
    except ProofFailed as failed:
        for site in first.rewritten():
            site.refuse(Refusal("proof-failed", str(failed)))
        return Settled(first)


def _check_progress(module: Module, plan: Plan, steps: Sequence[Step]) -> None:
    """The fifth condition of the proof: no codemod changes again what only itself has changed."""
    if not steps:
        return
    wrote = {site.codemod for site in steps[-1].plan.rewritten()}
    if len(steps) == _MOST_STEPS or not all(wrote - {site.codemod} for site in plan.rewritten()):
        line, _ = module.source.position(plan.edits[0].start)
        raise ProofFailed(f"stability: a second run would change line {line} again")


def _composed(module: Module, steps: Sequence[Step]) -> tuple[tuple[Edit, ...], bytes]:
    edits = in_order(steps[0].proof.edits) if steps else []
    raw = apply_edits(module.source.raw, edits)
    for step in steps[1:]:
        for change in reversed(in_order(step.proof.edits)):
            edits = and_then(edits, raw, change)
            raw = apply_edits(raw, [change])
    if apply_edits(module.source.raw, edits) != raw:
        raise ProofFailed("stability: the changes of several codemods can't be put together")
    return tuple(edits), raw


def first_place(module: Module, steps: Sequence[Step], place: int) -> int:
    """The offset in `module`'s body that an offset in the text behind some steps comes from."""
    for step in reversed(steps):
        raw = step.proof.module.source.raw_offset(place)
        _, start, _ = origin(placed(step.proof.edits), raw, raw + 1)
        place = step.module.source.body_offset(start)
    return place
