"""One file, from its bytes to its result. Whatever goes wrong in it stays in it."""

from __future__ import annotations

import gc
import hashlib
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssot_fix.bindings import Module, load
from ssot_fix.edits import Applicability, FileResult, Finding, Refusal, Status
from ssot_fix.engine.plan import Context, plan_module
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.proof import Proof, ProofFailed, prove
from ssot_fix.sites import Plan, Site
from ssot_fix.source import Source, UnreadableText


@dataclass(frozen=True)
class Analysis:
    """Analyses files in a worker; `scopes` tells production from test code."""

    context: Context
    scopes: Mapping[str, str]

    def __call__(self, paths: Sequence[str]) -> list[FileResult]:
        """Analyse some files, in order."""
        # Trees are freed as they are left; looking for cycles in each of them takes a fifth of the time.
        gc.disable()
        try:
            return [self._guarded(path) for path in paths]
        finally:
            gc.enable()

    def _guarded(self, path: str) -> FileResult:
        try:
            return self._one(path)
        except OSError as error:
            return FileResult(path, error=f"{path}: {error.strerror or error}")
        except RecursionError:
            return _refused_as_a_whole(self, path, Refusal("unparseable", "nested too deeply to analyse"))
        except Exception as error:
            trace = traceback.format_exc()
            return FileResult(path, error=f"{path}: internal error: {error!r}; please report it", trace=trace)

    def _one(self, path: str) -> FileResult:
        context = self.context
        raw = context.project.read(path)
        seeds = context.seeds(path, raw)
        try:
            module = load(path, context.project.module_name(path), raw, seeds)
        except UnreadableText as error:
            return _refused_as_a_whole(self, path, Refusal("undecodable", str(error)))
        except Unparseable as error:
            return _refused_as_a_whole(self, path, Refusal("unparseable", str(error)))
        plan = plan_module(module, context)
        proof = _proved(module, plan, context, seeds)
        findings = _findings(module, plan, proof, self.scopes[path])
        notes = tuple(f"{path}: {note}" for note in plan.notes)
        if proof is None:
            return FileResult(path, findings, notes=notes)
        return FileResult(path, findings, proof.edits, hashlib.sha256(raw).digest(), notes=notes)


def _refused_as_a_whole(analysis: Analysis, path: str, refusal: Refusal) -> FileResult:
    """A file that can't be read as code: one finding per codemod that would have looked into it."""
    line = _line_in(refusal.message)
    return FileResult(
        path,
        tuple(
            Finding(
                codemod.name,
                path,
                line,
                1,
                line,
                1,
                "file",
                Status.REFUSED,
                Applicability.MANUAL,
                refusal.reason,
                refusal.message,
                None,
                analysis.scopes[path],
            )
            for codemod in analysis.context.active(path)
        ),
    )


def _line_in(message: str) -> int:
    first, _, rest = message.partition(":")
    number = first.removeprefix("line ")
    return int(number) if rest and number.isdigit() else 1


def _proved(module: Module, plan: Plan, context: Context, seeds: frozenset[str]) -> Proof | None:
    """The proof of a plan; without one its sites are refused. None if nothing is to be changed."""
    if not plan.edits:
        return None
    try:
        return prove(module, plan, context.project, seeds, lambda new: plan_module(new, context))
    except ProofFailed as failed:
        for site in plan.rewritten():
            site.refuse(Refusal("proof-failed", str(failed)))
        return None


def _findings(module: Module, plan: Plan, proof: Proof | None, scope: str) -> tuple[Finding, ...]:
    new = Source(proof.new_raw) if proof else None
    return tuple(_finding(module, plan, site, new, scope) for site in plan.sites)


def _finding(module: Module, plan: Plan, site: Site, new: Source | None, scope: str) -> Finding:
    start, end = module.start(site.node), module.end(site.node)
    line, column = module.source.position(start)
    end_line, end_column = module.source.position(end)
    replacement = None
    if site.status is Status.REWRITTEN and new is not None:
        replacement = site.replacement or new.body[slice(*plan.new_span(site, start, end))].decode()
    refused = site.refusal if site.status is Status.REFUSED else None
    return Finding(
        site.codemod,
        module.path,
        line,
        column,
        end_line,
        end_column,
        site.kind,
        site.status or Status.REFUSED,
        site.applicability,
        refused.reason if refused else None,
        refused.message if refused else site.message,
        replacement,
        scope,
    )


def original(root: Path, result: FileResult) -> bytes | None:
    """The bytes that a result's edits are for; None if the file no longer holds them."""
    try:
        data = (root / result.path).read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).digest() == result.digest else None
