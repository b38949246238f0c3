"""The tables of the page: one for each kind of value in a report."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ssot_fix.audit.model import (
    AREAS,
    SEVERITIES,
    BrokenImport,
    BrokenModule,
    Chain,
    Finding,
    Key,
    KeyUse,
    Place,
    Point,
    Regression,
    Removal,
    Report,
    Tally,
    Validator,
)
from ssot_fix.project.history import Commit
from ssot_fix.report.html.table import Cell, Column, Details, Part, Row, Table

_SCOPES = ("production", "test")
_SERVICE = Column("Service", is_filter=True)
_SCOPE = Column("Scope", is_filter=True, order=_SCOPES)
_STATES = {"expired": "bad", "rewritable": "good", "by hand": "", "accepted": ""}


def tables(report: Report) -> dict[str, Table]:
    """The tables by id, each with all of its rows, in the order of the report."""
    made = (
        _points(report.points),
        _regressions(report.regressions),
        _services(report.services),
        _keys(report.keys),
        _imports(report.imports),
        _modules(report.modules),
        _removals(report.removals),
        _validators(report.validators),
        _chains(report.chains),
        _debt(report),
        _findings(report.findings),
    )
    return {table.id: table for table in made}


# Cells


def _place(place: Place | Finding) -> Cell:
    return (Part(f"{place.path}:{place.line}" if place.line else place.path, "path"),)


def _commit(commit: Commit | None) -> Cell:
    if commit is None:
        return ""
    return (Part(f"{commit.id[:9]} {commit.date}", "commit", f"{commit.author}: {commit.subject} ({commit.id})"),)


def _commit_line(commit: Commit) -> Cell:
    return (Part(commit.id[:9], "code", commit.id), Part(commit.date), Part(commit.author), Part(commit.subject))


def _tags(names: Iterable[str], style: str = "") -> Cell:
    return tuple(Part(name, f"tag {style}".rstrip()) for name in names) or ""


def _code(text: str | None) -> Cell:
    return (Part(text, "code"),) if text else ""


def _where(place: Place) -> Iterator[Part]:
    yield Part(f"{place.path}:{place.line}", "path")
    yield Part(place.scope, "muted")
    if place.service:
        yield Part(place.service, "muted")


def _details(*lists: tuple[str, Iterable[Cell]]) -> tuple[Details, ...]:
    """The lists that hold something."""
    return tuple(Details(heading, kept) for heading, lines in lists if (kept := [line for line in lines if line]))


def _share(tally: Tally | None) -> Cell:
    if tally is None or not tally.all:
        return ""
    tenths = 1000 * tally.good // tally.all
    return (Part(f"{tenths // 10}.{tenths % 10} %", "bar", f"{tally.good:,} of {tally.all:,}"),)


# The range


def _points(points: Sequence[Point]) -> Table:
    """All commits, newest first: what is open in each area, and what they brought and took away."""
    areas = {area: title for area, title in AREAS.items() if any(area in point.tallies for point in points)}
    columns = [Column("Commit", "code"), Column("Day", "day"), Column("Author"), Column("Subject", "wide")]
    columns += [Column("Line", is_filter=True), *(Column(title, "number") for title in areas.values())]
    return Table(
        "commits", "Open findings by commit", "commits", columns, [_point(each, areas) for each in points[::-1]]
    )


def _point(point: Point, areas: Iterable[str]) -> Row:
    commit = point.commit
    head = ((Part(commit.id[:9], "code", commit.id),), commit.date, commit.author, commit.subject)
    return Row((*head, "main" if point.on_line else "merged", *(_standing(point, area) for area in areas)))


def _standing(point: Point, area: str) -> Cell:
    tally = point.tallies.get(area)
    if tally is None:
        return ""
    brought, taken = point.brought.get(area, 0), point.taken.get(area, 0)
    parts = [Part(f"{tally.bad:,}")]
    parts += [Part(f"+{brought:,}", "bad")] if brought else []
    parts += [Part(f"−{taken:,}", "good")] if taken else []
    return tuple(parts)


def _regressions(regressions: Sequence[Regression]) -> Table:
    columns = (
        Column("Area", is_filter=True, order=tuple(AREAS.values())),
        Column("Kind", "code", is_filter=True),
        Column("What came back", "wide"),
        Column("Where", "wide"),
        Column("Taken out by"),
        Column("Brought back by", is_filter=True),
        Column("Author", is_filter=True),
        _SCOPE,
        _SERVICE,
    )
    return Table(
        "regressed", "Patterns that came back", "regressions", columns, [_regression(each) for each in regressions]
    )


def _regression(each: Regression) -> Row:
    what: Cell = (Part(each.subject, "code"), *([Part(each.message, "muted")] if each.message else []))
    back = each.back
    cells = (
        AREAS.get(each.area, each.area),
        each.kind,
        what,
        _place(each.place),
        _commit(each.removed),
        _commit(back),
    )
    commits = _details(("Taken out by", [_commit_line(each.removed)]), ("Brought back by", [_commit_line(back)]))
    return Row((*cells, back.author, each.place.scope, each.place.service), commits)


def _services(services: Mapping[str, Mapping[str, Tally]]) -> Table:
    """Services, those with most to do first."""
    areas = [area for area in AREAS if any(tallies.get(area, Tally()).all for tallies in services.values())]
    columns = [Column("Service", "code"), Column("Open", "number"), *(Column(AREAS[area], "number") for area in areas)]
    open_ = {name: sum(tally.bad for tally in tallies.values()) for name, tallies in services.items()}
    rows = [
        Row((name, open_[name], *(_share(services[name].get(area)) for area in areas)))
        for name in sorted(services, key=lambda name: (-open_[name], name))
    ]
    return Table(
        "compliance", "Compliance by service, in percent of the sites of each area", "services", columns, rows
    )


# Areas


def _keys(keys: Sequence[Key]) -> Table:
    columns = (
        Column("Variable", "code wide"),
        Column("Problems", is_filter=True),
        Column("Read", "number"),
        Column("Written", "number"),
        Column("Defaults", "wide"),
        Column("Access", is_filter=True),
        Column("Scope", is_filter=True, order=_SCOPES),
        Column("Service", is_filter=True),
    )
    return Table("keys", "Environment variables", "variables", columns, [_key(key) for key in keys])


def _key(key: Key) -> Row:
    uses = (*key.readers, *key.writers)
    access = sorted({"direct" if use.direct else "accessor" for use in uses})
    services = sorted({use.place.service for use in uses if use.place.service})
    defaults = tuple(Part(default, "code") for default in key.defaults) or ""
    cells = (key.name, _tags(key.problems, "warn"), len(key.readers), len(key.writers), defaults)
    scopes = _tags(scope for scope in _SCOPES if any(use.place.scope == scope for use in uses))
    details = _details(("Readers", map(_use, key.readers)), ("Writers", map(_use, key.writers)))
    return Row((*cells, _tags(access), scopes, _tags(services)), details)


def _use(use: KeyUse) -> Cell:
    parts = [*_where(use.place), Part(use.operation), Part(use.through, "code")]
    parts += [Part("default", "muted"), Part(use.default, "code")] if use.default is not None else []
    return tuple(parts)


def _imports(imports: Sequence[BrokenImport]) -> Table:
    columns = (
        Column("Target", "code wide"),
        Column("Kind", is_filter=True),
        Column("Verdict", is_filter=True),
        Column("Now at", "code wide"),
        Column("Asked for", "number"),
        Column("Guarded", "number"),
        Column("Scope", is_filter=True, order=_SCOPES),
        Column("Broken by", is_filter=True),
    )
    return Table("broken", "Imports that lead nowhere", "targets", columns, [_import(each) for each in imports])


def _import(each: BrokenImport) -> Row:
    broken = _commit(each.commit) if each.commit else (Part("not known", "muted", each.why),)
    scopes = _tags(scope for scope in _SCOPES if any(place.scope == scope for place in each.importers))
    cells = (each.target, each.kind, each.verdict, each.new or "", len(each.importers), each.guarded, scopes, broken)
    details = _details(
        ("Broken by", [_commit_line(each.commit)] if each.commit else []),
        ("Why that is not known" if each.commit is None else "Remark", [each.why]),
        ("Asked for by", (tuple(_where(place)) for place in each.importers)),
        ("Evidence", each.evidence),
    )
    return Row(cells, details)


def _modules(modules: Sequence[BrokenModule]) -> Table:
    columns = (
        Column("Module", "path wide"),
        Column("How", is_filter=True),
        Column("Because of", "code wide"),
        Column("Breaks others", "number"),
        _SCOPE,
        _SERVICE,
    )
    rows = [
        Row(
            (
                each.path,
                "itself" if each.causes else "through another",
                tuple(Part(cause, "code") for cause in (*each.causes, each.through) if cause),
                each.breaks,
                each.scope,
                each.service,
            )
        )
        for each in modules
    ]
    return Table("modules", "Modules that can't be imported", "modules", columns, rows)


def _removals(removals: Sequence[Removal]) -> Table:
    columns = (
        Column("What went", "code wide"),
        Column("Kind", is_filter=True, order=("module", "class", "function", "method")),
        Column("Fate", is_filter=True, order=("gone", "replaced", "merged", "renamed", "moved")),
        Column("Now at", "code wide"),
        Column("Mentions", "number"),
        Column("Lines", "number"),
        Column("Commit", is_filter=True),
        _SCOPE,
        _SERVICE,
    )
    return Table("removed", "What went in the range", "removals", columns, [_removal(each) for each in removals])


def _removal(each: Removal) -> Row:
    fate = _tags([each.fate], "bad" if each.fate == "gone" and each.mentions else "")
    head = (each.name, each.kind, fate, each.new or "", len(each.mentions), each.size, _commit(each.commit))
    details = _details(
        ("Was in", [_code(each.path)]),
        ("Taken out by", [_commit_line(each.commit)]),
        ("Evidence", [*each.evidence, *([f"likeness {each.confidence:.0%}"] if each.confidence else [])]),
        ("Still mentioned by", ((*_where(place), Part(how)) for place, how in each.mentions)),
    )
    return Row((*head, each.scope, each.service), details)


def _validators(validators: Sequence[Validator]) -> Table:
    columns = (
        Column("Validator", "code wide"),
        Column("Where", "wide"),
        Column("Looks at", "code"),
        Column("Patterns", "number"),
        Column("Would reject", "number"),
        Column("Accepts", "number"),
        Column("Lifted by", "code"),
        _SCOPE,
        _SERVICE,
    )
    rows = [_validator(each) for each in validators]
    return Table("rejecting", "Validators that reject values by patterns", "validators", columns, rows)


def _validator(each: Validator) -> Row:
    patterns = len(each.exact) + len(each.prefixes) + len(each.parts)
    cells = (each.name, _place(each.place), each.argument, patterns, len(each.rejected), each.accepted)
    rejected = (
        (Part(value, "code"), Part("by", "muted"), Part(pattern, "code"), *_where(place))
        for place, value, pattern in ((one.place, one.value, one.pattern) for one in each.rejected)
    )
    details = _details(
        ("Would reject", rejected),
        ("Exact values", map(_code, each.exact)),
        ("Prefixes", map(_code, each.prefixes)),
        ("Parts", map(_code, each.parts)),
    )
    return Row((*cells, each.lifted_by or "nothing", each.place.scope, each.place.service), details)


def _chains(chains: Sequence[Chain]) -> Table:
    columns = (
        Column("Script location", "path wide"),
        Column("Problems", is_filter=True),
        Column("Revisions", "number"),
        Column("Heads", "code"),
        Column("Branches at", "code"),
        Column("Duplicate ids", "code"),
        Column("Missing ids", "code"),
    )
    return Table("chains", "Alembic chains", "script locations", columns, [_chain(each) for each in chains])


def _chain(each: Chain) -> Row:
    problems = {
        "several heads": len(each.heads) > 1,
        "duplicate ids": each.duplicates,
        "missing ids": each.missing,
        "no env.py": not each.has_env,
        "state differs": each.state,
    }
    lists = (each.heads, each.branches, each.duplicates, each.missing)
    details = _details(
        ("State file", each.state),
        ("Revisions", ((Part(one.id, "code"), *_follows(one.down), *_where(one.place)) for one in each.revisions)),
    )
    found = _tags((name for name, there in problems.items() if there), "warn")
    codes = (tuple(Part(id_, "code") for id_ in ids) or "" for ids in lists)
    return Row((each.path, found, len(each.revisions), *codes), details)


def _follows(down: Sequence[str]) -> Iterator[Part]:
    if down:
        yield Part("follows", "muted")
    yield from (Part(id_, "code") for id_ in down)


# Findings


def _debt(report: Report) -> Table:
    """Debt, with its age on the day of the head; what has expired comes first."""
    columns = (
        Column("Kind", "code", is_filter=True),
        Column("What", "wide"),
        Column("Where", "wide"),
        Column("Age in days", "number"),
        Column("Author", is_filter=True),
        Column("State", is_filter=True, order=("expired", "open", "accepted")),
        _SCOPE,
        _SERVICE,
    )
    debt = sorted((each for each in report.findings if each.area == "debt"), key=lambda each: not each.expired)
    rows = [_owed(each, report.head) for each in debt]
    return Table("owed", "Comments and code that say something is still to be done", "findings", columns, rows)


def _owed(each: Finding, head: Commit) -> Row:
    state = "expired" if each.expired else "accepted" if each.accepted else "open"
    author = each.since.author if each.since else ""
    cells = (each.kind, each.subject or each.message, _place(each), _age(each.since, head), author)
    tag = _tags([state], "bad" if each.expired else "")
    return Row((*cells, tag, each.scope, each.service), _more(each))


def _age(since: Commit | None, head: Commit) -> Cell:
    try:
        then, now = (datetime.date.fromisoformat(commit.date) for commit in (since or head, head))
    except ValueError:
        return ""
    return (now - then).days if since else ""


def _findings(findings: Sequence[Finding]) -> Table:
    columns = (
        Column("Severity", is_filter=True, order=SEVERITIES),
        Column("What", "wide"),
        Column("Where", "wide"),
        Column("Area", is_filter=True, order=tuple(AREAS.values())),
        Column("Kind", "code", is_filter=True),
        Column("Way out", is_filter=True, order=tuple(_STATES)),
        Column("Since"),
        _SCOPE,
        _SERVICE,
    )
    ranks = {severity: rank for rank, severity in enumerate(SEVERITIES)}
    ordered = sorted(findings, key=lambda each: (ranks.get(each.severity, len(ranks)), each.scope))
    return Table(
        "list", "Findings in all areas, the most severe first", "findings", columns, list(map(_finding, ordered))
    )


def _finding(each: Finding) -> Row:
    what: Cell = (*([Part(each.subject, "code")] if each.subject else []), Part(each.message, "muted"))
    severity = _tags([each.severity], each.severity)
    area = AREAS.get(each.area, each.area)
    cells = (severity, what, _place(each), area, each.kind, _state(each), _commit(each.since))
    return Row((*cells, each.scope, each.service), _more(each))


def _state(each: Finding) -> Cell:
    if each.expired:
        state = "expired"
    elif each.accepted:
        state = "accepted"
    else:
        state = "rewritable" if each.is_rewritable else "by hand"
    return _tags([state], _STATES[state])


def _more(each: Finding) -> tuple[Details, ...]:
    return _details(
        ("Why", [each.message]),
        ("What to do", [each.remedy]),
        ("Accepted", [each.accepted]),
        ("Until", [each.until]),
        ("Since", [_commit_line(each.since)] if each.since else []),
        ("Owners", [", ".join(each.owners)]),
    )
