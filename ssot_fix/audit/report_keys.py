"""The inventory of environment variables: as a table for the terminal, in Markdown, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from itertools import chain

from ssot_fix.audit.model import Key, KeyUse
from ssot_fix.audit.report_json import VERSION, as_json
from ssot_fix.delivery.message import counted
from ssot_fix.report.diff import printable
from ssot_fix.report.markdown import code, code_cell, shortened

_DEFAULTS = 3  # in a cell
_LONGEST_DEFAULT = 40  # characters
_NAME = 28  # columns that a name has at least, if it needs them
_STYLES = {"conflicting-defaults": "yellow", "mixed-access": "red", "never-read": "cyan"}


def keys_json(keys: Sequence[Key], commit: str) -> str:
    """One object: `version`, the `commit` that was looked at, and the `keys`, sorted by name.

    A key is as in the report of an audit: it has `name`, `readers`, `writers`, `defaults`, `problems`; a reader or
    writer has `place` (`path`, `line`, `scope`, `service`), `operation`, `through`, `direct`, `default` (source text,
    or null). Those in production come first, then by path and line. It is ASCII, indented, with a final newline.
    """
    return json.dumps({"version": VERSION, "commit": commit, "keys": as_json(tuple(keys))}, indent=2) + "\n"


def keys_markdown(keys: Sequence[Key], commit: str) -> str:
    """The variables as a table, and each place where one that has a problem is used; ends with a newline."""
    lines = ["# Environment variables", "", f"{_summary(keys)} At commit {code(commit)}.", ""]
    if keys:
        lines += ["| variable | read | written | through | defaults | problems |", "|---|---|---|---|---|---|"]
        lines += [f"| {' | '.join(_markdown_row(key))} |" for key in keys]
        lines += ["", "Uses in tests are in parentheses.", ""]
    for key in keys:
        if key.problems:
            lines += [f"## {code(key.name)}: {', '.join(key.problems)}", "", *map(_markdown_use, _uses(key)), ""]
    return "\n".join(lines).rstrip() + "\n"


def _markdown_row(key: Key) -> tuple[str, ...]:
    defaults = ", ".join(_cut(key.defaults, lambda text: code_cell(text, _LONGEST_DEFAULT)))
    problems = ", ".join(key.problems)
    return code_cell(key.name), _count(key.readers), _count(key.writers), _through(key), defaults, problems


def _markdown_use(told: tuple[str, KeyUse]) -> str:
    how, use = told
    fallback = f", default {code(use.default)}" if use.default is not None else ""
    return f"- {how} in {code(f'{use.place.path}:{use.place.line}')}: {use.operation} by {code(use.through)}{fallback}"


def keys_table(keys: Sequence[Key], *, width: int, color: bool, verbose: bool = False) -> str:
    """The variables as a table of at most `width` columns, with `verbose` each place; ends with a newline."""
    lines = _table(keys, width, color) if keys else []
    lines += chain.from_iterable(map(_details, keys)) if verbose else []
    legend = ["Uses in tests are in parentheses."] if keys else []
    return "\n".join([*lines, _summary(keys), *legend]) + "\n"


def _table(keys: Sequence[Key], width: int, color: bool) -> list[str]:
    from rich.box import SIMPLE  # noqa: PLC0415  heavy
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=SIMPLE, show_edge=False, pad_edge=False, header_style="bold")
    names = [printable(key.name) for key in keys]
    table.add_column("variable", overflow="fold", min_width=min(max(map(len, names)), _NAME))
    for title in ("read", "written"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("through", no_wrap=True)
    table.add_column("defaults", overflow="fold")
    table.add_column("problems", min_width=11)
    for name, key in zip(names, keys, strict=True):
        defaults = "\n".join(_cut(key.defaults, lambda text: shortened(printable(text), _LONGEST_DEFAULT)))
        problems = Text("\n").join(Text(each.replace("-", " "), _STYLES[each]) for each in key.problems)
        told = Text(name, "bold" if key.problems else "")
        table.add_row(told, _count(key.readers), _count(key.writers), _through(key), Text(defaults), problems)
    console = Console(
        file=StringIO(),
        width=width,
        height=25,  # or Rich forgets the width if TERM is "dumb"
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
    )
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().split("\n")]


def _details(key: Key) -> Iterator[str]:
    """Each place where a variable is used, on a line that starts with it, for grep and for editors."""
    for how, use in _uses(key):
        fallback = f", default {use.default}" if use.default is not None else ""
        place = f"{use.place.path}:{use.place.line}"
        yield printable(f"{place}: {key.name} {how} ({use.operation} by {use.through}{fallback})")
    yield ""


def _uses(key: Key) -> Iterator[tuple[str, KeyUse]]:
    yield from (("read", use) for use in key.readers)
    yield from (("written", use) for use in key.writers)


def _summary(keys: Sequence[Key]) -> str:
    wrong = sum(bool(key.problems) for key in keys)
    return f"{counted(len(keys), 'variable')}, {wrong:,} with a problem."


def _count(uses: Sequence[KeyUse]) -> str:
    """How many uses there are in production, and in parentheses in tests."""
    tests = sum(use.place.scope == "test" for use in uses)
    return f"{len(uses) - tests:,}" + (f" ({tests:,})" if tests else "")


def _through(key: Key) -> str:
    """How a variable is reached: by production if that does, else by tests."""
    uses = [use for _, use in _uses(key)]
    ways = {use.direct for use in uses if use.place.scope == "production"} or {use.direct for use in uses}
    return "both" if len(ways) > 1 else "direct" if ways == {True} else "accessor"


def _cut(texts: Sequence[str], shown: Callable[[str], str]) -> list[str]:
    more = len(texts) - _DEFAULTS
    return [*map(shown, texts[:_DEFAULTS]), *([f"and {more:,} more"] if more > 0 else [])]
