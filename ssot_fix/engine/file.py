"""One file, from its bytes to its result. Whatever goes wrong in it stays in it."""

from __future__ import annotations

import gc
import hashlib
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

from ssot_fix.asking import listening
from ssot_fix.bindings import Module, load
from ssot_fix.digests import Undigestible, digest
from ssot_fix.edits import Applicability, Edit, FileResult, Finding, Refusal, Stage, Status
from ssot_fix.engine.cache.answers import Answers, Trace, told
from ssot_fix.engine.plan import Context, plan_module
from ssot_fix.engine.settle import Settled, first_place, settle
from ssot_fix.formatting import Style, format_long_lines
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.sites import Plan, Site
from ssot_fix.source import Source, UnreadableText


@dataclass(frozen=True, slots=True)
class Analysed:
    """What a file came to, and if it is to be remembered: the name of its content, and what was asked beyond that."""

    result: FileResult
    content: bytes = b""
    trace: Trace | None = None


@dataclass(frozen=True)
class Analysis:
    """Analyses files in a worker.

    `scopes` tells production from test code, `styles` how Black is to format, both by file. `staged` asks for
    `FileResult.stages`, `traced` for what each result depends on.
    """

    context: Context
    scopes: Mapping[str, str]
    styles: Mapping[str, Style | None]
    staged: bool = False
    traced: bool = False

    def __getstate__(self) -> dict[str, object]:
        """Without what is worked out on the way."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def __call__(self, paths: Sequence[str]) -> list[Analysed]:
        """Analyse some files, in order."""
        # Trees are freed as they are left; looking for cycles in each of them takes a fifth of the time.
        gc.disable()
        try:
            return [self._traced(path) if self.traced else Analysed(self._guarded(path)) for path in paths]
        finally:
            gc.enable()

    def _traced(self, path: str) -> Analysed:
        with listening() as asked:
            result = self._guarded(path)
        if result.error is not None:
            return Analysed(result)
        try:
            return Analysed(result, self.context.project.content(path), self._answers.trace(asked, path))
        except Undigestible:
            return Analysed(result)

    def circumstances(self, path: str) -> bytes | None:
        """A digest of what is settled about a file before it is analysed; None if that has none."""
        context = self.context
        codemods = [codemod.name for codemod in context.active(path)]
        tail = context.project.module_name(path).rpartition(".")[2]
        try:
            known = (codemods, context.takers.get(tail), self.scopes[path], self._style_digest(path))
            return digest((self._constants, known))
        except Undigestible:  # what somebody else's codemod knows, a date in the settings of Black
            return None

    @cached_property
    def _constants(self) -> bytes:
        """A digest of what the codemods use for any file."""
        known = [each.constants for each in told(self.context.codemods) or ()]
        return digest((known, self.context.project.source_roots))

    def _style_digest(self, path: str) -> bytes:
        style = self.styles.get(path)
        if id(style) not in self._style_digests:
            self._style_digests[id(style)] = digest(style)
        return self._style_digests[id(style)]

    @cached_property
    def _style_digests(self) -> dict[int, bytes]:
        return {}

    @cached_property
    def _answers(self) -> Answers:
        return Answers(self.context.project, told(self.context.codemods) or ())

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
        settled = settle(module, context, seeds)
        # What sites became is told as it was before the formatting: by then they have no span of their own.
        findings = _findings(module, settled, self.scopes[path])
        notes = tuple(f"{path}: {note}" for note in settled.plan.notes)
        if not settled.edits:
            return FileResult(path, findings, notes=notes)
        edits = self._formatted(module, settled, context, seeds)
        stages = tuple(self._stages(path, raw, findings)) if self.staged else ()
        return FileResult(path, findings, edits, hashlib.sha256(raw).digest(), notes=notes, stages=stages)

    def _stages(self, path: str, raw: bytes, findings: Sequence[Finding]) -> Iterator[Stage]:
        """What all but the last of the file's codemods make of it, one more at a time, each planned and proved."""
        rewriting = {finding.codemod for finding in findings if finding.status is Status.REWRITTEN}
        codemods = [codemod for codemod in self.context.codemods if codemod.name in rewriting]
        for count in range(1, len(codemods)):
            context = replace(self.context, codemods=tuple(codemods[:count]))
            seeds = context.seeds(path, raw)
            module = load(path, context.project.module_name(path), raw, seeds)
            settled = settle(module, context, seeds)
            edits = self._formatted(module, settled, context, seeds) if settled.edits else ()
            yield Stage(codemods[count - 1].name, edits)

    def _formatted(
        self, module: Module, settled: Settled, context: Context, seeds: frozenset[str]
    ) -> tuple[Edit, ...]:
        """The edits of a file, with the lines that they made too long formatted; planning that text plans nothing."""
        style = self.styles.get(module.path)
        formatted = style and format_long_lines(module.source, settled.edits, settled.raw, style)
        if not formatted or plan_module(load(module.path, module.name, formatted.raw, seeds), context).edits:
            return settled.edits
        return formatted.edits


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


def _findings(module: Module, settled: Settled, scope: str) -> tuple[Finding, ...]:
    """The findings of the first plan; those that a later step rewrites tell of that."""
    if not settled.steps:
        return tuple(_finding(module, settled.plan, site, None, scope) for site in settled.plan.sites)
    first, *later = settled.steps
    found = [_finding(module, first.plan, site, first.proof.module.source, scope) for site in first.plan.sites]
    for number, step in enumerate(later, start=1):
        for site in step.plan.rewritten():
            start = first_place(module, settled.steps[:number], step.module.start(site.node))
            place = module.source.position(start)
            rewritten = _finding(step.module, step.plan, site, step.proof.module.source, scope)
            same = [f for f in found if f.codemod == site.codemod and (f.line, f.column) == place]
            if same:
                found[found.index(same[0])] = _retold(same[0], rewritten)
            else:
                found.append(
                    replace(rewritten, line=place[0], column=place[1], end_line=place[0], end_column=place[1])
                )
    return tuple(found)


def _retold(finding: Finding, later: Finding) -> Finding:
    """A finding that was refused, as it is after a later step."""
    place = {name: getattr(finding, name) for name in ("line", "column", "end_line", "end_column")}
    return replace(later, **place)


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
