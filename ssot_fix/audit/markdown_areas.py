"""What the audit's document says of an area: its findings, and what else is known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ssot_fix.audit.facts import facts, frequencies, most_missed
from ssot_fix.audit.markdown_blocks import LONGEST_COMMAND, bullets, commit_text, place_cell, section, some
from ssot_fix.audit.model import (
    AREAS,
    BrokenImport,
    BrokenModule,
    Chain,
    Finding,
    Key,
    KeyUse,
    Place,
    Removal,
    Report,
    Validator,
)
from ssot_fix.audit.summary import is_open, worst
from ssot_fix.report.markdown import code_cell, plain, plain_cell

FINDING = ("severity", "where", "what", "since", "what to do", "owners")


def area_blocks(report: Report, area: str) -> Iterator[str]:
    """The section of an area, block by block; nothing for one of which there is nothing to say."""
    findings = [finding for finding in report.findings if finding.area == area]
    said = facts(report, area)
    if not findings and not said:
        return
    yield f"## {AREAS[area]}"
    if said:
        yield said
    left = in_production(findings)
    yield from _counts(left, [each for each in findings if is_open(each) and each.scope == "test"])
    yield from section("Findings in production", FINDING, map(finding_row, left), len(left))
    accepted = [each for each in worst(findings) if not is_open(each)]
    yield from section("Accepted", ("where", "what", "reason", "until"), map(_accepted_row, accepted), len(accepted))
    if area in _DETAILS:
        yield from _DETAILS[area](report)


def in_production(findings: Iterable[Finding]) -> list[Finding]:
    """The open ones, worst first."""
    return worst(each for each in findings if is_open(each) and each.scope == "production")


def _counts(production: Sequence[Finding], tests: Sequence[Finding]) -> Iterator[str]:
    counts = {
        "In production, by kind": frequencies(each.kind for each in production),
        "In production, by service": frequencies(each.service for each in production),
        "In tests, by kind": frequencies(each.kind for each in tests),
        "In tests, by service": frequencies(each.service for each in tests),
    }
    lines = [f"{what}: {plain(told)}" for what, told in counts.items() if told]
    if lines:
        yield bullets(lines)


def finding_row(each: Finding) -> list[str]:
    """A finding in the columns of FINDING."""
    owners = plain_cell(", ".join(each.owners))
    where = place_cell(Place(each.path, each.line, each.scope, each.service))
    return [each.severity, where, _what(each), commit_text(each.since) if each.since else "", _remedy(each), owners]


def _what(finding: Finding) -> str:
    said = plain_cell(finding.message or f"{finding.kind}: {finding.subject}")
    expired = f" Was accepted until {finding.until}: {plain_cell(finding.accepted)}" if finding.expired else ""
    return said + expired


def _remedy(finding: Finding) -> str:
    return code_cell(finding.remedy, LONGEST_COMMAND) if finding.is_rewritable else plain_cell(finding.remedy)


def _accepted_row(each: Finding) -> list[str]:
    where = place_cell(Place(each.path, each.line, each.scope, each.service))
    return [where, _what(each), plain_cell(each.accepted), each.until]


def _keys(report: Report) -> Iterator[str]:
    wrong = [key for key in report.keys if key.problems]
    header = ("variable", "problems", "defaults", "read by", "written by")
    yield from section("Variables with a problem", header, map(_key_row, wrong), len(wrong))


def _key_row(key: Key) -> list[str]:
    defaults = some(key.defaults, code_cell)
    return [code_cell(key.name), ", ".join(key.problems), defaults, _uses(key.readers), _uses(key.writers)]


def _uses(uses: Sequence[KeyUse]) -> str:
    """How many go which way, each with a place, in production if there is one."""
    ways: dict[str, list[KeyUse]] = {}
    for use in sorted(uses, key=lambda use: use.place.scope != "production"):
        ways.setdefault(use.through, []).append(use)
    told = [f"{len(those):,} through {code_cell(way)} ({place_cell(those[0].place)})" for way, those in ways.items()]
    return some(told, str)


def _broken(report: Report) -> Iterator[str]:
    header = ("missing", "asked for by", "guarded", "broken by", "became of it", "now")
    yield from section(
        "What imports ask for and is not there", header, map(_import_row, report.imports), len(report.imports)
    )
    broken = [module for module in report.modules if module.scope == "production"]
    columns = ("module", "because of", "breaks")
    yield from section("Modules of production that can't be imported", columns, map(_module_row, broken), len(broken))


def _import_row(each: BrokenImport) -> list[str]:
    by = commit_text(each.commit) if each.commit else plain_cell(each.why)
    verdict = ": ".join(filter(None, (each.verdict, plain_cell("; ".join(each.evidence)))))
    new = code_cell(each.new) if each.new else ""
    return [code_cell(each.target), some(each.importers, place_cell), f"{each.guarded:,}", by, verdict, new]


def _module_row(each: BrokenModule) -> list[str]:
    causes = some(each.causes, code_cell) if each.causes else f"through {code_cell(each.through)}"
    return [code_cell(each.path), causes, f"{each.breaks:,}"]


def _removals(report: Report) -> Iterator[str]:
    header = ("what", "went from", "by", "fate", "now", "lines", "still referred to by")
    shown = most_missed(report.removals)
    yield from section("What went in the range", header, map(_removal_row, shown), len(shown))


def _removal_row(each: Removal) -> list[str]:
    fate = ": ".join(filter(None, (each.fate, plain_cell("; ".join(each.evidence)))))
    mentions = some(each.mentions, lambda mention: f"{place_cell(mention.place)} ({mention.how})")
    new = code_cell(each.new) if each.new else ""
    what = f"{each.kind} {code_cell(each.name)}"
    return [what, code_cell(each.path), commit_text(each.commit), fate, new, f"{each.size:,}", mentions]


def _validators(report: Report) -> Iterator[str]:
    header = ("validator", "where", "looks at", "patterns", "lifted by", "accepts", "rejects")
    yield from section("Validators", header, map(_validator_row, report.validators), len(report.validators))
    rejected = [
        [place_cell(each.place), code_cell(each.value), code_cell(each.pattern), code_cell(validator.name)]
        for validator in report.validators
        for each in validator.rejected
        if each.place.scope == "test"
    ]
    columns = ("where", "literal", "pattern", "validator")
    yield from section("Literals in tests that are rejected", columns, rejected, len(rejected))


def _validator_row(each: Validator) -> list[str]:
    patterns = {"exactly": each.exact, "begins with": each.prefixes, "contains": each.parts}
    told = "; ".join(f"{how} {some(those, code_cell)}" for how, those in patterns.items() if those)
    lifted = plain_cell(each.lifted_by) or "nothing"
    counts = f"{each.accepted:,}", f"{len(each.rejected):,}"
    return [code_cell(each.name), place_cell(each.place), code_cell(each.argument), told, lifted, *counts]


def _chains(report: Report) -> Iterator[str]:
    header = ("migrations in", "named in", "number", "heads", "branches", "duplicates", "missing", "wrong", "notes")
    yield from section("Chains", header, map(_chain_row, report.chains), len(report.chains))


def _chain_row(each: Chain) -> list[str]:
    ids = (some(those, code_cell) for those in (each.heads, each.branches, each.duplicates, each.missing))
    wrong = [*each.state]
    if not each.is_there:
        wrong.append("the folder is missing")
    elif not each.has_env:
        wrong.append("env.py is missing")
    named = some(each.named, place_cell) or "nothing; it looks like one"
    said = some(wrong, plain_cell), some(each.notes, plain_cell)
    return [code_cell(each.path), named, f"{len(each.revisions):,}", *ids, *said]


_DETAILS: Mapping[str, Callable[[Report], Iterator[str]]] = {
    "environment": _keys,
    "imports": _broken,
    "removals": _removals,
    "validators": _validators,
    "migrations": _chains,
}
