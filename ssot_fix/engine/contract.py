"""What a codemod is to the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # the catalog is read by runs that need none of these
    from ssot_fix.asking import AskedMapping, AskedSet
    from ssot_fix.bindings import Module
    from ssot_fix.edits import FileResult
    from ssot_fix.project.config import Config
    from ssot_fix.project.resolver import Project
    from ssot_fix.sites import Site


@dataclass(frozen=True, slots=True)
class Inactive:
    """A codemod with nothing to work with in this project, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of a config table, for the settings that `ssot-fix init` writes.

    `purpose` says in a line what it is for. `found` is what a run without settings takes from the project. Where
    nothing is, `example` stands in a comment instead of the default. `note` says what of it a person has to settle.
    """

    key: str
    purpose: str
    found: object = None
    example: object = None
    note: str = ""


# Looks at each file of the project for `prepare`, in the workers: from its bytes, and nothing else, to what `prepare`
# has to know of it, None for nothing. Picklable; what it returns is made of plain values and frozen dataclasses.
Surveyor = Callable[[bytes], object | None]


@dataclass(frozen=True, slots=True)
class Told:
    """All that a prepared codemod knows and may use for a file, beyond that file and what it asks of the project.

    `constants` are what it uses for any file: a value that `digests.digest` takes. `tables` note what is asked of
    them. The settings are known to the engine.
    """

    constants: object = ()
    tables: tuple[AskedSet[Any] | AskedMapping[Any, Any], ...] = ()


class Prepared(Protocol):
    """A codemod that knows the project; picklable, it goes to the workers.

    One that has a property `told` with a `Told` lets the engine keep what it finds in a cache; without it, nothing is.
    """

    @property
    def name(self) -> str:
        """The codemod's name."""
        ...

    def seeds(self, path: str, raw: bytes) -> frozenset[str]:
        """The names whose bindings the codemod has to know in a file; `raw` are its bytes."""
        ...

    @property
    def source_roots(self) -> tuple[str, ...]:
        """The folders from which what the codemod moves code onto is imported."""
        ...

    def narrow(self, passed: frozenset[str]) -> frozenset[str]:
        """Those of the files that passed the screen that may hold a site after all."""
        ...

    @property
    def renamed(self) -> frozenset[str]:
        """The names whose globals the codemod may rename in the files that import them, unless others take them."""
        ...

    def sites(self, module: Module, project: Project, taken: frozenset[str]) -> list[Site]:
        """Every site in a module, outer ones before inner ones, each with a fix or a refusal.

        `taken` are the shared names of the module that other files take; those that are reached as attributes,
        and so may be replaced, stand there with a dot in front, too.
        """
        ...

    def couple(self, sites: Sequence[Site]) -> None:
        """Refuse sites that may not be rewritten while others, already refused or suppressed, are not."""
        ...

    def allows_unsafe(self, path: str, kind: str) -> bool:
        """Whether the config allows unsafe fixes of a kind in a file."""
        ...

    def beyond(self, covers: Callable[[str], bool]) -> tuple[list[FileResult], list[str]]:
        """Results for files that aren't Python and that `covers` says the run is about, and notes."""
        ...


class Codemod(Protocol):
    """One migration. Static: its name and reasons are known without a project."""

    @property
    def name(self) -> str:
        """The name on the command line and in the config."""
        ...

    @property
    def summary(self) -> str:
        """One line for `ssot-fix list`."""
        ...

    @property
    def explanation(self) -> str:
        """What `ssot-fix explain NAME` prints."""
        ...

    @property
    def options(self) -> type:
        """The frozen dataclass that the codemod's config table fills."""
        ...

    @property
    def reasons(self) -> Mapping[str, str]:
        """The codemod's own reason codes, each with what it means and the way out."""
        ...

    @property
    def shared_names(self) -> frozenset[str]:
        """The names whose imports the codemod may drop, unless another file takes them from there."""
        ...

    def screen(self, data: bytes) -> bool:
        """Whether a file's bytes can hold a site. Called on every file: no parsing here."""
        ...

    def surveyor(self, project: Project, config: Config) -> Surveyor:
        """What looks at the project's files before `prepare`."""
        ...

    def prepare(self, project: Project, config: Config, surveyed: Mapping[str, object]) -> Prepared | Inactive:
        """Bind the codemod to a project; `surveyed` is, by path in order, what the surveyor made of the files.

        Raises ConfigError if the options name something that the project does not have.
        """
        ...

    # A codemod may have a method `alike(project, before, today, asked) -> bool` as well: whether what its surveyor
    # makes of a file now, `today`, tells `prepare` the same as what it made of it `before`. `asked` is what was noted
    # (`ssot_fix.asking`) while it was prepared. Without it, the two have to be equal for the cache to be of use.

    def suggest(self, project: Project, config: Config, surveyed: Mapping[str, object]) -> Sequence[Setting]:
        """Every key of the codemod's config table, with what the project has for it; `surveyed` as for `prepare`."""
        ...
