"""From a template and what it shows to the bytes of a page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ssot_fix import __version__
from ssot_fix.report.diff import printable

# In the order in which they are read: each uses what those before it define.
_SCRIPTS = ("elements.js", "tables.js", "changes.js", "timeline.js", "page.js")


def render(template: str, shown: Mapping[str, object]) -> bytes:
    """The page that one of the templates makes of what is to be shown, as UTF-8.

    Everything but Markup is escaped, and made printable line by line. The page's policy allows its own style sheet
    and its own script, by their hashes, and nothing from elsewhere.
    """
    style, script = _asset("page.css"), _script()
    own = {"style": Markup(style), "script": Markup(script), "version": __version__}  # noqa: S704  files of ours
    hashes = {"style_hash": _hash(style), "script_hash": _hash(script)}
    return _environment().get_template(template).render({**shown, **own, **hashes}).encode("utf-8", "replace")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("ssot_fix.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    made.filters["count"] = count
    return made


def count(number: int, one: str = "", several: str = "") -> str:
    """A number with its noun: `1 file`, `1,200 files`."""
    noun = one if number == 1 else several or f"{one}s"
    return f"{number:,} {noun}" if one else f"{number:,}"


def _finalize(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return "\n".join(map(printable, value.split("\n")))
    return value


def _script() -> str:
    """All scripts as one, whose names are nobody else's."""
    parts = "\n".join(_asset(f"scripts/{name}") for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


@cache
def _asset(name: str) -> str:
    return (files("ssot_fix.report.html") / name).read_text("utf-8")


def _hash(text: str) -> str:
    """As a Content-Security-Policy names an inline script or style sheet (https://www.w3.org/TR/CSP3/)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
