"""What an audit says. Values only, all picklable; paths are posix and relative to the project's root, lines from 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ssot_fix.edits import Edit
from ssot_fix.project.history import Commit

Scope = Literal["production", "test"]
Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")

# The areas in the order of the report, each with its title.
AREAS: Mapping[str, str] = {
    "environment": "Environment",
    "imports": "Imports",
    "removals": "Removals",
    "encoding": "UTF-8",
    "validators": "Validators and placeholder values",
    "migrations": "Migrations",
    "debt": "Debt",
    "resources": "Async resources",
}


class Tally(NamedTuple):
    """How many sites keep to the single source of truth (`good`), of how many in all."""

    good: int = 0
    all: int = 0

    @property
    def percent(self) -> float | None:
        """The share that is good, 0 to 100; None where there are no sites."""
        return 100 * self.good / self.all if self.all else None

    @property
    def bad(self) -> int:
        """The sites that do not."""
        return self.all - self.good

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(self.good + other.good, self.all + other.all)

    def minus(self, other: Tally) -> Tally:
        """Without the other."""
        return Tally(self.good - other.good, self.all - other.all)


@dataclass(frozen=True, slots=True)
class Site:
    """A place in one file that is in order (`good`) or not, as the file alone tells.

    `kind` names what it is in its area (`get`, `open`, `TODO`); `subject` what it is about: a variable, a dotted path,
    the text of a comment. Area, kind and subject tell a site from others when lines have moved. `message` is a
    sentence for people; a good site has one only if there is something to say of it all the same.
    """

    kind: str
    line: int
    subject: str
    message: str = ""
    good: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A site that is not in order, in the head of the range.

    `line` is 0 where a file as a whole is meant. `since` is the commit that brought it: for debt of all of the
    history, for other areas of the range (None: older than that, or not known). `remedy` is a command that rewrites it
    now, or why ssot-fix leaves it alone; empty where no codemod is about it. `accepted` is the reason for which the
    settings accept it, `until` the day (ISO) up to which they do; `expired`: that day has passed.
    """

    area: str
    kind: str
    path: str
    line: int
    subject: str
    message: str
    scope: Scope = "production"
    severity: Severity = "medium"
    service: str = ""
    owners: tuple[str, ...] = ()
    since: Commit | None = None
    is_rewritable: bool = False
    remedy: str = ""
    accepted: str = ""
    until: str = ""
    expired: bool = False


class Place(NamedTuple):
    """A line of a file."""

    path: str
    line: int
    scope: Scope = "production"
    service: str = ""


# Environment


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A use of a variable. `operation`: get, lookup, set, delete, contains and so on.

    `through` is how: `os.environ`, `os.getenv`, or the accessor by its dotted path; `direct` tells the first two from
    the last. `default` is the source text of what a read falls back to, None where there is none.
    """

    place: Place
    operation: str
    through: str
    direct: bool
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """An environment variable: who reads it, who writes it, and what is wrong with that.

    `problems`: `conflicting-defaults`, `mixed-access` (written one way, read the other), `never-read` (by no
    file of the repository; a library may).
    """

    name: str
    readers: tuple[KeyUse, ...] = ()
    writers: tuple[KeyUse, ...] = ()
    defaults: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


# Imports and removals


@dataclass(frozen=True, slots=True)
class BrokenImport:
    """Something that imports ask for and that is not there.

    `target` is `module` or `module:name`; `kind` is `module` or `name`. `importers` are the places that ask for it,
    `guarded` how many of them stand in a try or a function, so that importing their module does not fail. `commit`
    broke it (it took the target away, or asked for what never was); None with `why` where that is not known.
    `verdict` is `moved`, `undecided`, `removed` (without a replacement) or `never` (no commit ever had it); `new` is
    where it is now.
    """

    target: str
    kind: str
    importers: tuple[Place, ...]
    guarded: int = 0
    commit: Commit | None = None
    why: str = ""
    verdict: str = ""
    new: str | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokenModule:
    """A module that can't be imported: `causes` are the broken targets that it asks for itself, at module level.

    `through` is, where it has none of its own, the module by which it is broken; `breaks` counts the modules that
    are broken through it.
    """

    path: str
    scope: Scope
    service: str
    causes: tuple[str, ...] = ()
    through: str = ""
    breaks: int = 0


class Mention(NamedTuple):
    """What still refers to something that went. `how`: `import`, `attribute`, `string`."""

    place: Place
    how: str


@dataclass(frozen=True, slots=True)
class Removal:
    """Something that went in the range.

    `kind` is `module`, `class`, `function` or `method`; `name` is dotted, a class and its method behind a colon
    (`pkg.mod:Class.method`). `fate` is `moved`, `renamed`, `merged`, `replaced` or `gone`; `new` where it is now, in
    the same spelling. `mentions` are what still refers to it, `size` its lines.
    """

    kind: str
    name: str
    path: str
    scope: Scope
    service: str
    commit: Commit
    fate: str
    new: str | None = None
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()
    mentions: tuple[Mention, ...] = ()
    size: int = 0


# Validators


@dataclass(frozen=True, slots=True)
class Rejected:
    """A literal that is passed to a validator and that it would reject, by `pattern`."""

    place: Place
    value: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Validator:
    """Code that rejects literal values by patterns that it holds.

    `name` is the class or function, `argument` what it looks at; `exact`, `prefixes`, `parts` are the patterns by how
    they are compared. `lifted_by` says which check of the environment lifts it; empty if none does. `accepted` counts
    the literals that pass.
    """

    name: str
    place: Place
    argument: str
    exact: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    lifted_by: str = ""
    rejected: tuple[Rejected, ...] = ()
    accepted: int = 0


# Migrations


@dataclass(frozen=True, slots=True)
class Revision:
    """A migration: its id, the ids that it follows, its file."""

    id: str
    down: tuple[str, ...]
    place: Place
    branch_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """The migrations of one script location (`path`).

    `heads` are the ids that nothing follows, `branches` those that several follow, `duplicates` ids that several
    files have, `missing` ids that are followed and that no file has. `has_env`: env.py is there; `is_there`: the
    folder is. `named` are the places in settings that name the location; none: it only looks like one. `notes` say
    what could not be told, `state` are findings of the configured state file against the chain.
    """

    path: str
    revisions: tuple[Revision, ...] = ()
    heads: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    has_env: bool = True
    is_there: bool = True
    named: tuple[Place, ...] = ()
    notes: tuple[str, ...] = ()
    state: tuple[str, ...] = ()


# The whole


@dataclass(frozen=True, slots=True)
class Point:
    """A commit of the range: how each area stands, and how many sites it brought and took away, by area.

    `on_line`: it is on the first-parent line of the head, which a chart follows.
    """

    commit: Commit
    tallies: Mapping[str, Tally]
    brought: Mapping[str, int]
    taken: Mapping[str, int]
    on_line: bool = True


@dataclass(frozen=True, slots=True)
class Regression:
    """A pattern that a commit of the range had taken out of a file, and a later one brought back."""

    area: str
    kind: str
    subject: str
    place: Place
    removed: Commit
    back: Commit
    message: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """How an area stands: in production, now and at the start of the range; findings in tests are counted apart."""

    area: str
    now: Tally
    start: Tally
    findings: int = 0
    in_tests: int = 0
    accepted: int = 0
    by_severity: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """A verification command. `result` is `passed`, `failed`, `timed out` or `not run`; `tail` ends its output.

    `seconds` are wall-clock seconds, and so is `limit`.
    """

    command: str
    result: str
    seconds: float = 0.0
    limit: int = 30
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """A success criterion: met, not met, or (None) not decided, and what says so."""

    text: str
    met: bool | None
    evidence: str


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of work. `command` carries it out, where one can; `count` is how many findings it settles."""

    text: str
    severity: Severity
    count: int
    command: str = ""
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Phase:
    """Work that can be done once the phases before are."""

    title: str
    why: str
    steps: tuple[Step, ...]


class FileDiff(NamedTuple):
    """What a run would make of a file: its bytes, and the edits in them."""

    path: str
    old: bytes
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """An audit. `start` is the commit that the range begins behind (None: the range holds the first commit).

    `services` holds, by service, how it stands in each area. `notes` are the limits of what could be known: a shallow
    history, objects that the repository lacks, files that can't be parsed.
    """

    project: str
    head: Commit
    start: Commit | None
    points: tuple[Point, ...]  # oldest first
    summaries: tuple[Summary, ...]  # worst first
    services: Mapping[str, Mapping[str, Tally]]
    findings: tuple[Finding, ...]  # by area in the order of AREAS, path, line
    keys: tuple[Key, ...] = ()
    imports: tuple[BrokenImport, ...] = ()
    modules: tuple[BrokenModule, ...] = ()
    removals: tuple[Removal, ...] = ()
    validators: tuple[Validator, ...] = ()
    chains: tuple[Chain, ...] = ()
    regressions: tuple[Regression, ...] = ()
    checks: tuple[Check, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    phases: tuple[Phase, ...] = ()
    diffs: tuple[FileDiff, ...] = ()
    notes: tuple[str, ...] = ()
