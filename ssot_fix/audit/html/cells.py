"""Cells and columns that the tables of the page share."""

from __future__ import annotations

from collections.abc import Iterable

from ssot_fix.audit.facts import commit_name
from ssot_fix.audit.model import AREAS, Finding, Place, Tally
from ssot_fix.audit.summary import percent
from ssot_fix.project.history import Commit
from ssot_fix.report.html.table import Cell, Column, Details, Part

SCOPES = ("production", "test")
SERVICE = Column("Service", is_filter=True)
SCOPE = Column("Scope", is_filter=True, order=SCOPES)
AREA = Column("Area", is_filter=True, order=tuple(AREAS.values()))
KIND = Column("Kind", "code", is_filter=True)


def place_cell(place: Place | Finding) -> Cell:
    """A path and its line; the path alone where the file as a whole is meant."""
    return (_place(place),)


def place_line(place: Place, *more: Part) -> tuple[Part, ...]:
    """A place with its scope, its service where the path does not tell, and what else there is to say of it."""
    is_told = not place.service or place.path.startswith(f"{place.service}/")
    service = [] if is_told else [Part(place.service, "muted")]
    return _place(place), Part(place.scope, "muted"), *service, *more


def _place(place: Place | Finding) -> Part:
    return Part(f"{place.path}:{place.line}" if place.line else place.path, "path")


def commit_cell(commit: Commit | None) -> Cell:
    """A commit by its id and day; empty for None."""
    if commit is None:
        return ""
    told = f"{commit.author}: {commit.subject} ({commit.id})"
    return (Part(f"{commit_name(commit)} {commit.date}", "commit", told),)


def commit_line(commit: Commit) -> Cell:
    """All that there is to say of a commit."""
    return Part(commit_name(commit), "code", commit.id), Part(commit.date), Part(commit.author), Part(commit.subject)


def tags(names: Iterable[str], style: str = "") -> Cell:
    """Words that rows are told apart by."""
    return tuple(Part(name, f"tag {style}".rstrip()) for name in names) or ""


def codes(texts: Iterable[str]) -> Cell:
    """Names and pieces of code."""
    return tuple(Part(text, "code") for text in texts if text) or ""


def details(*lists: tuple[str, Iterable[Cell]]) -> tuple[Details, ...]:
    """The lists, each with its heading, that hold something."""
    return tuple(Details(heading, kept) for heading, lines in lists if (kept := [line for line in lines if line]))


def share(tally: Tally) -> Cell:
    """A compliance with its bar; empty where there are no sites."""
    return (Part(percent(tally), "bar", f"{tally.good:,} of {tally.all:,}"),) if tally.all else ""


def scopes_of(places: Iterable[Place]) -> Cell:
    """In which scopes something is."""
    found = {place.scope for place in places}
    return tags([*(scope for scope in SCOPES if scope in found), *sorted(found.difference(SCOPES))])
