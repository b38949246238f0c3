"""Tables of the page: what areas know beyond findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ssot_fix.audit.html.cells import (
    SCOPE,
    SCOPES,
    SERVICE,
    codes,
    commit_cell,
    commit_line,
    details,
    place_cell,
    place_line,
    scopes_of,
    tags,
)
from ssot_fix.audit.model import BrokenImport, BrokenModule, Chain, Key, KeyUse, Removal, Revision, Validator
from ssot_fix.report.html.table import Cell, Column, Part, Row, Table

_SCOPES = Column("Scope", is_filter=True, order=SCOPES)
_SERVICES = Column("Service", is_filter=True)


def keys_table(keys: Sequence[Key]) -> Table:
    """The environment variables; a row opens to who reads and who writes it."""
    columns = (
        Column("Variable", "code wide"),
        Column("Problems", is_filter=True),
        Column("Read", "number"),
        Column("Written", "number"),
        Column("Defaults", "wide"),
        Column("Access", is_filter=True),
        _SCOPES,
        _SERVICES,
    )
    return Table("keys", "Environment variables", "variables", columns, [_key(key) for key in keys])


def _key(key: Key) -> Row:
    uses = (*key.readers, *key.writers)
    places = [use.place for use in uses]
    access = sorted({_access(use) for use in uses})
    services = sorted({place.service for place in places if place.service})
    cells = key.name or "(empty)", tags(key.problems, "warn"), len(key.readers), len(key.writers), codes(key.defaults)
    more = details(("Readers", map(_use, key.readers)), ("Writers", map(_use, key.writers)))
    return Row((*cells, tags(access), scopes_of(places), tags(services)), more)


def _access(use: KeyUse) -> str:
    return ("direct" if use.direct else "accessor") + ("" if use.place.scope == "production" else " in tests")


def _use(use: KeyUse) -> Cell:
    default = [Part("default", "muted"), Part(use.default, "code")] if use.default is not None else []
    return place_line(use.place, Part(use.operation), Part(use.through, "code"), *default)


def imports_table(imports: Sequence[BrokenImport]) -> Table:
    """What imports ask for and is not there; a row opens to who asks for it."""
    columns = (
        Column("Missing", "code wide"),
        Column("Kind", is_filter=True),
        Column("Became of it", is_filter=True),
        Column("Now", "code wide"),
        Column("Importers", "number"),
        Column("Guarded", "number"),
        Column("Broken by", is_filter=True),
        _SCOPES,
    )
    rows = [_import(each) for each in imports]
    return Table("broken", "What imports ask for and is not there", "targets", columns, rows)


def _import(each: BrokenImport) -> Row:
    broken = commit_cell(each.commit) if each.commit else (Part("not known", "muted", each.why),)
    counts = len(each.importers), each.guarded
    cells = each.target, each.kind, tags([each.verdict]), each.new or "", *counts, broken, scopes_of(each.importers)
    more = details(
        ("Broken by", [commit_line(each.commit)] if each.commit else []),
        ("What is known of the commit", [each.why]),
        ("Asked for by", map(place_line, each.importers)),
        ("Evidence", each.evidence),
    )
    return Row(cells, more)


def modules_table(modules: Sequence[BrokenModule]) -> Table:
    """Modules that can't be imported."""
    columns = (
        Column("Module", "path wide"),
        Column("How", is_filter=True),
        Column("Because of", "wide"),
        Column("Breaks others", "number"),
        SCOPE,
        SERVICE,
    )
    return Table("modules", "Modules that can't be imported", "modules", columns, [_module(each) for each in modules])


def _module(each: BrokenModule) -> Row:
    how = "itself" if each.causes else "through another"
    return Row((each.path, how, codes((*each.causes, each.through)), each.breaks, each.scope, each.service))


def removals_table(removals: Sequence[Removal]) -> Table:
    """What went in the range; what is gone and still referred to comes first."""
    columns = (
        Column("What went", "code wide"),
        Column("Kind", is_filter=True, order=("module", "class", "function", "method")),
        Column("Fate", is_filter=True, order=("gone", "replaced", "merged", "renamed", "moved")),
        Column("Now", "code wide"),
        Column("Mentions", "number"),
        Column("Lines", "number"),
        Column("Commit", is_filter=True),
        SCOPE,
        SERVICE,
    )
    ordered = sorted(removals, key=lambda each: (each.fate != "gone", not each.mentions))
    return Table("removed", "What went in the range", "removals", columns, [_removal(each) for each in ordered])


def _removal(each: Removal) -> Row:
    fate = tags([each.fate], "bad" if each.fate == "gone" and each.mentions else "")
    head = each.name, each.kind, fate, each.new or "", len(each.mentions), each.size, commit_cell(each.commit)
    confidence = [f"confidence {each.confidence:.0%}"] if each.confidence else []
    more = details(
        ("Was in", [codes([each.path])]),
        ("Taken out by", [commit_line(each.commit)]),
        ("Evidence", [*each.evidence, *confidence]),
        ("Still referred to by", (place_line(place, Part(how)) for place, how in each.mentions)),
    )
    return Row((*head, each.scope, each.service), more)


def validators_table(validators: Sequence[Validator]) -> Table:
    """Validators; a row opens to their patterns and to what they would reject."""
    columns = (
        Column("Validator", "code wide"),
        Column("Where", "wide"),
        Column("Looks at", "code"),
        Column("Patterns", "number"),
        Column("Rejects", "number"),
        Column("Accepts", "number"),
        Column("Lifted by", "code"),
        SCOPE,
        SERVICE,
    )
    rows = [_validator(each) for each in validators]
    return Table("rejecting", "Validators that reject values by patterns", "validators", columns, rows)


def _validator(each: Validator) -> Row:
    patterns = len(each.exact) + len(each.prefixes) + len(each.parts)
    cells = each.name, place_cell(each.place), each.argument, patterns, len(each.rejected), each.accepted
    rejected = [
        (Part(value, "code"), Part("by", "muted"), Part(pattern, "code"), *place_line(place))
        for place, value, pattern in ((one.place, one.value, one.pattern) for one in each.rejected)
    ]
    more = details(
        ("Literals that are rejected", rejected),
        ("Rejects exactly", (codes([pattern]) for pattern in each.exact)),
        ("Rejects what begins with", (codes([pattern]) for pattern in each.prefixes)),
        ("Rejects what contains", (codes([pattern]) for pattern in each.parts)),
    )
    return Row((*cells, each.lifted_by or "nothing", each.place.scope, each.place.service), more)


def chains_table(chains: Sequence[Chain]) -> Table:
    """Chains of migrations; a row opens to the migrations."""
    columns = (
        Column("Migrations in", "path wide"),
        Column("Named in", "wide"),
        Column("Problems", is_filter=True),
        Column("Number", "number"),
        Column("Heads", "code"),
        Column("Branches", "code"),
        Column("Duplicates", "code"),
        Column("Missing", "code"),
    )
    return Table("chains", "Alembic chains", "chains", columns, [_chain(each) for each in chains])


def _chain(each: Chain) -> Row:
    named = tuple(Part(f"{place.path}:{place.line}", "path") for place in each.named) or "nothing; it looks like one"
    ids = map(codes, (each.heads, each.branches, each.duplicates, each.missing))
    more = details(
        ("State file", each.state),
        ("Could not be told", each.notes),
        ("Named in", map(place_line, each.named)),
        ("Migrations", map(_revision, each.revisions)),
    )
    return Row((each.path, named, tags(_wrong(each), "warn"), len(each.revisions), *ids), more)


def _wrong(each: Chain) -> Iterator[str]:
    if len(each.heads) > 1:
        yield "several heads"
    if each.duplicates:
        yield "duplicate ids"
    if each.missing:
        yield "missing ids"
    if not each.has_env:
        yield "no env.py" if each.is_there else "no folder"
    if each.state:
        yield "state differs"


def _revision(each: Revision) -> Cell:
    after = [Part("after", "muted"), *(Part(id_, "code") for id_ in each.down)] if each.down else []
    labels = [Part("labels", "muted"), *(Part(label, "code") for label in each.branch_labels)]
    told = [Part(each.id, "code"), *after, *(labels if each.branch_labels else [])]
    return (*told, *place_line(each.place))
