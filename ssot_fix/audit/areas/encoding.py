"""UTF-8: text that is opened with its encoding or without, and programs that print other characters than ASCII."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from codemods.utf8_files.calls import Opening, all_openings, seeds
from codemods.utf8_streams.survey import configuring_functions
from ssot_fix.audit.area import View
from ssot_fix.audit.areas.encoding_programs import SEEDS, Program, may_configure, may_print, program
from ssot_fix.audit.model import Site
from ssot_fix.audit.replaced import Replaced
from ssot_fix.audit.text import Text, enclosing
from ssot_fix.bindings import Module
from ssot_fix.project.resolver import Project

# What is imported from elsewhere is not followed: a file's bytes tell the same in every project.
_NO_PROJECT: Final = Project(Path(), frozenset())
_OPENS = re.compile(rb"open[\s\\]*\((?<!\wopen\()")
_START: Final = "entry-point"
_PROCESS: Final = "subprocess"
_ALWAYS_PIPED: Final = frozenset({"check_output", "getoutput", "getstatusoutput"})
_SPELLED: Final = tuple(b"fdopen read_text write_text FileHandler TextIOWrapper ConfigParser FileType".split())
_PIPES: Final = tuple(b"PIPE capture_output check_output getoutput getstatusoutput input".split())


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file has to do with the area.

    `configures` are the functions in it that give a standard stream its encoding, and an empty name if importing it
    does. `relies_on`: its program may have its streams configured by one of these: dotted paths as it imports
    them, with `()` what it calls.
    """

    sites: tuple[Site, ...] = ()
    configures: tuple[str, ...] = ()
    relies_on: tuple[str, ...] = ()


def look(text: Text) -> Facts | None:
    """The sites of a file, and what it does with the streams; None for neither.

    A place that opens text is good if it names an encoding. It counts only if the file alone proves what it opens: a
    receiver that may be no path, a mode that is computed, arguments that are unpacked are left out. A program (the
    block under `if __name__ == "__main__":`) counts if it prints a literal that is not ASCII, and is good if it gives
    its streams an encoding.

    Raises UnreadableText, Unparseable.
    """
    raw = text.raw
    opens, starts = _may_open(text), b"__main__" in raw and not raw.isascii() and may_print(raw)
    wanted = (seeds(raw, text.importing) if opens else frozenset()) | (SEEDS if starts else frozenset())
    module = text.module(wanted) if wanted else None
    sites = list(_opened(module)) if module and opens else []
    seen = program(module, _NO_PROJECT) if module and starts else None
    if seen is not None:
        sites.append(_start(seen))
    configures = tuple(sorted(configuring_functions(text.tree))) if may_configure(raw) else ()
    if not (sites or configures):
        return None
    return Facts(tuple(sorted(sites, key=lambda site: site.line)), configures, seen.relies_on if seen else ())


class EncodingArea:
    """The area, bound to a project, which tells where an imported function gives the streams their encoding."""

    name = "encoding"

    def __init__(self, view: View) -> None:
        self._view = view
        self._importing: dict[str, bytes] = {}  # what the imports of modules say

    def sites(self, path: str, facts: object) -> Iterable[Site]:
        """Each place that opens text, and the start of a program that prints more than ASCII."""
        assert isinstance(facts, Facts)
        is_configured = any(self._configures(path, each) for each in facts.relies_on)
        for site in facts.sites:
            yield replace(site, message="", good=True) if is_configured and site.kind == _START else site

    def _configures(self, path: str, asked: str) -> bool:
        """Whether the streams have their encoding once something was imported, or called."""
        project = self._view.project
        dotted, level = asked.removesuffix("()"), len(asked) - len(asked.lstrip("."))
        module, names = project.absolute(path, level, dotted[level:]) if level else dotted, list[str]()
        while module and project.locate(module) is None:
            module, _, name = module.rpartition(".")
            names.insert(0, name)
        wanted = {"", *names[-1:]} if asked.endswith("()") else {""}
        if module and len(wanted) > 1 and self._may_hand_on(module, names[0]):
            module, names[0] = project.origin(module, names[0])
            wanted.add(names[-1])
        told = self._told(project.locate(module)) if module else None
        return told is not None and not wanted.isdisjoint(told.configures)

    def _told(self, path: str | None) -> Facts | None:
        told = self._view.facts(self.name, path) if path is not None else None
        return told if isinstance(told, Facts) else None

    @cached_property
    def _configuring(self) -> frozenset[bytes]:
        """The names of the functions of the project that give a standard stream its encoding."""
        told = (self._told(path) for path in self._view.python)
        return frozenset(name.encode() for each in told if each is not None for name in each.configures if name)

    def _may_hand_on(self, module: str, name: str) -> bool:
        """Whether a module may import a name, and one that counts: following its imports takes a parse, and few do."""
        if module not in self._importing:
            path = self._view.project.locate(module)
            try:
                raw = self._view.read(path) if path is not None else b""
            except OSError:
                raw = b""
            importing = Text(raw).importing
            self._importing[module] = importing if any(each in raw for each in self._configuring) else b""
        return name.encode() in self._importing[module]


def _may_open(text: Text) -> bool:
    raw, importing = text.raw, text.importing
    if any(word in raw for word in _SPELLED) or (b"open" in raw and _OPENS.search(raw) is not None):
        return True
    if b"basicConfig" in raw and (b"filename" in raw or b"encoding" in raw):
        return True
    return (
        b"fileinput" in importing
        or b"open" in importing  # perhaps under another name
        or (b"tempfile" in importing and b"TemporaryFile" in raw)
        or (b"subprocess" in importing and any(word in raw for word in _PIPES))
    )


def _opened(module: Module) -> Iterator[Site]:
    replaced = Replaced(module)
    for opening in all_openings(module, _NO_PROJECT):
        call, is_proved = opening.call, opening.refusal is None or opening.refusal.reason == "encoding-none"
        if call is None or not is_proved or not _moves_text(module, call, opening.opener.kind):
            continue
        if not replaced.at(call, _last(call.func)):
            yield _site(module, opening, call)


def _moves_text(module: Module, call: ast.Call, kind: str) -> bool:
    """Whether text can pass through what a call opens: not if there is no pipe, or if it is closed at once."""
    parent = module.parents[call]
    is_touched = isinstance(parent, ast.Attribute) and parent.attr == "close"
    return not is_touched and (kind != _PROCESS or _has_pipe(call))


def _has_pipe(call: ast.Call) -> bool:
    """Whether a call of subprocess surely has a pipe that text goes through: without one, `text=True` does nothing."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    captures = given.get("capture_output")
    if _last(call.func) in _ALWAYS_PIPED or "input" in given or (captures is not None and not _is_false(captures)):
        return True
    streams = [*call.args[3:6], *(given[each] for each in ("stdin", "stdout", "stderr") if each in given)]
    return any(isinstance(each, ast.Name | ast.Attribute) and _last(each) == "PIPE" for each in streams)


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def _last(node: ast.expr) -> str:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _site(module: Module, opening: Opening, call: ast.Call) -> Site:
    called, kind, around = _last(call.func), opening.opener.kind, enclosing(module, call)
    kind = called if kind == "path" else kind
    subject = f"{called} in {around}" if around else called
    if opening.is_named:
        return Site(kind, call.lineno, subject, good=True)
    what = "pipes as text" if kind == _PROCESS else "text"
    asked = " (encoding=None)" if opening.refusal else ""
    return Site(kind, call.lineno, subject, f"`{called}` opens {what} in the locale's encoding{asked}")


def _start(seen: Program) -> Site:
    if seen.configures:
        return Site(_START, seen.line, "__main__", good=True)
    shown = _shown(seen.literal)
    message = f"the program prints {shown} (line {seen.literal_line}) and gives its streams no encoding"
    return Site(_START, seen.line, "__main__", message)


def _shown(literal: str) -> str:
    """The first character of a text that is not ASCII."""
    first = next(character for character in literal if not character.isascii())
    return f"`{first}`" if first.isprintable() else f"U+{ord(first):04X}"
