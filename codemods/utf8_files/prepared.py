"""The codemod at work: what it finds to work with in a project, and the sites in its modules."""

from __future__ import annotations

import ast
import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from codemods.utf8_files.appending import append_keyword
from codemods.utf8_files.calls import Opening, openings, seeds
from codemods.utf8_files.openers import Opener
from codemods.utf8_files.options import NAME, Options
from codemods.utf8_files.programs import Programs, Special
from ssot_fix.bindings import Module
from ssot_fix.edits import Applicability, FileResult, Refusal
from ssot_fix.engine.contract import Inactive, Setting, Told
from ssot_fix.fstrings import free_quote, is_where_it_seems, prints_itself
from ssot_fix.project.config import Config, ConfigError
from ssot_fix.project.metadata import Metadata, read_metadata
from ssot_fix.project.resolver import Project
from ssot_fix.sites import Keyword, Site

# What a project may run on that doesn't say: Pythons that get no more fixes are left out.
_OLDEST = (3, 10)
SETTINGS = (
    Setting("encoding", "The encoding that text is opened in."),
    Setting(
        "allow",
        "Kinds of unsafe fixes to apply without --unsafe-fixes: python-child, console-program.",
    ),
)
_WHY_UNSAFE: Final[Mapping[Special, str]] = {
    "python-child": "a Python program writes the locale's encoding into a pipe unless PYTHONUTF8 or "
    "PYTHONIOENCODING tells it otherwise",
    "console-program": "on Windows the program writes the code page of the console",
}


@dataclass(frozen=True)
class TextFiles:
    """The codemod, bound to a project."""

    config: Config
    metadata: Metadata
    name: str = NAME

    def _options(self, path: str) -> Options:
        return cast("Options", self.config.options(NAME, path))

    @property
    def told(self) -> Told:
        """The metadata."""
        return Told(self.metadata)

    @property
    def source_roots(self) -> tuple[str, ...]:
        """None: nothing is imported."""
        return ()

    def seeds(self, _path: str, raw: bytes) -> frozenset[str]:
        """What opens text by its names, as far as the file spells them."""
        return seeds(raw)

    def narrow(self, passed: frozenset[str]) -> frozenset[str]:
        """All but those that only newer Pythons run."""
        return frozenset(path for path in passed if not self.metadata.uses_utf8(path))

    @property
    def renamed(self) -> frozenset[str]:
        """None."""
        return frozenset()

    def sites(self, module: Module, project: Project, _taken: frozenset[str]) -> list[Site]:
        """Every place of a module that opens text without an encoding."""
        found = openings(module, project)
        calls = [each.call for each in found if each.call and each.opener.kind == "subprocess"]
        programs = Programs(module, project, calls)
        lowest = self.metadata.lowest_python(module.path)
        encoding = self._options(module.path).encoding
        return [_site(module, opening, encoding, lowest, programs) for opening in found]

    def couple(self, sites: Sequence[Site]) -> None:
        """Each stands for itself."""

    def allows_unsafe(self, path: str, kind: str) -> bool:
        """By --unsafe-fixes, or by the kind in `allow`."""
        return self.config.general_for(path).unsafe_fixes or kind in self._options(path).allow

    def beyond(self, _covers: Callable[[str], bool]) -> tuple[list[FileResult], list[str]]:
        """Nothing: files are opened in Python."""
        return [], []


def prepare(project: Project, config: Config, _surveyed: Mapping[str, object]) -> TextFiles | Inactive:
    """Read which Pythons the project is for, and check the encoding."""
    for options in dict.fromkeys(cast("Options", config.options(NAME, path)) for path in ("", *project.files)):
        _check_encoding(config, options.encoding)
    ready = TextFiles(config, read_metadata(project))
    if project.files and not ready.narrow(frozenset(project.files)):
        return Inactive("all of the project needs Python 3.15 or newer, where UTF-8 is the default (PEP 686)")
    return ready


def _check_encoding(config: Config, encoding: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError:
        where = config.place(NAME, "encoding")
        raise ConfigError(f"{where}: Python knows no encoding `{encoding}`; write one such as `utf-8`") from None


def _site(module: Module, opening: Opening, encoding: str, lowest: tuple[int, int] | None, programs: Programs) -> Site:
    kind = opening.opener.kind
    site = Site(NAME, opening.node, kind, f"opens text in the locale's encoding ({kind})", Applicability.MANUAL)
    call = opening.call
    refusal = opening.refusal or _against(opening.opener, lowest)
    if refusal is None and call is not None:
        refusal = _fix(module, site, call, encoding)
    if refusal is not None:
        site.refusal, site.message = refusal, refusal.message
    elif call is not None:
        site.applicability = Applicability.SAFE
        if kind == "subprocess" and (special := programs.special(call)) is not None:
            site.kind, site.applicability, site.message = special, Applicability.UNSAFE, _WHY_UNSAFE[special]
    return site


def _against(opener: Opener, lowest: tuple[int, int] | None) -> Refusal | None:
    if (lowest or _OLDEST) >= opener.since:
        return None
    since, has = (".".join(map(str, version)) for version in (opener.since, lowest or _OLDEST))
    who = "the project supports" if lowest else "no metadata says that the project needs more than"
    return Refusal("needs-newer-python", f"takes an encoding since Python {since}; {who} {has}")


def _fix(module: Module, site: Site, call: ast.Call, encoding: str) -> Refusal | None:
    """Compose the edits of a site, or say why there are none."""
    if prints_itself(module, call):
        return Refusal("fstring-debug", 'f"{x=}" prints its own source')
    quote = free_quote(module, call)
    if quote is None or not is_where_it_seems(module, call):
        return Refusal("odd-position", "the position or the quotes in the f-string are not known")
    edits = append_keyword(module, call, f"encoding={quote}{encoding}{quote}")
    if edits is None:
        return Refusal("odd-layout", "where the arguments end can't be told")
    site.edits, site.keyword = tuple(edits), Keyword(call, "encoding", encoding)
    return None
