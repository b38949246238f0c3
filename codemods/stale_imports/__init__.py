"""Repoint imports of modules and names that are gone to where they live now.

Modules get consolidated, and imports of the old ones stay behind, often where only a rare path reaches them. This
codemod finds every import of the project's own code that can't work: of a module that is gone, or of a name that
a module doesn't have. It rewrites those for which a move says where the target went, and tells of all others why
it left them alone.

    [[tool.ssot-fix.stale-imports.moves]]
    from = "shop.core.engine"                   # a module, or module:Name
    to = "shop.agents.engine"                   # a module, or module:NewName

    from shop.core.engine import Engine         from shop.agents.engine import Engine
    import shop.core.engine as e                import shop.agents.engine as e
    import shop.core.engine                     import shop.agents.engine, and so its uses
    mock.patch("shop.core.engine.Engine.run")   mock.patch("shop.agents.engine.Engine.run")

`from` imports are split where their names part ways, and merged into an import of the target that is there
already. A renamed name is renamed where it is used; where that would collide, or other files take it from here, it
is imported `as` the old one. Strings follow in known consumers: mock.patch and its kin, monkeypatch.setattr,
importlib.import_module, pytest_plugins, entry points in pyproject.toml; `consumers` in the config adds more.
What names a moved module in other strings, YAML, TOML, shell or Docker files is listed, and not changed.

`ssot-fix discover-moves` looks into git's history for where the missing ones went, and writes the moves.
With `auto = "proven"` the conclusive ones are used without being written down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codemods.stale_imports.options import NAME, Options
from codemods.stale_imports.reasons import REASONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ssot_fix.asking import Question
    from ssot_fix.engine.contract import Inactive, Prepared, Setting, Surveyor
    from ssot_fix.project.config import Config
    from ssot_fix.project.resolver import Project

_EXPLANATION = __doc__ or ""


class StaleImports:
    """The codemod as the catalog knows it."""

    name = NAME
    summary = "imports of modules and names that are gone, repointed to where they live now"
    explanation = _EXPLANATION
    options: type = Options
    reasons: Mapping[str, str] = REASONS
    shared_names: frozenset[str] = frozenset()

    def screen(self, _data: bytes) -> bool:
        """Any file may hold a site; which do is told by what all of them import and have."""
        return True

    def surveyor(self, project: Project, config: Config) -> Surveyor:
        """Reads what every file imports and has."""
        from codemods.stale_imports.prepared import Scanner  # noqa: PLC0415

        return Scanner.of(project, config)

    def prepare(self, project: Project, config: Config, surveyed: Mapping[str, object]) -> Prepared | Inactive:
        """Find all that dangles, and decide what is to become of it."""
        from codemods.stale_imports.prepared import prepare  # noqa: PLC0415

        return prepare(project, config, surveyed)

    def alike(self, _project: Project, before: object, today: object, asked: frozenset[Question]) -> bool:
        """Whether a file tells the same as before to whoever has asked no more than this."""
        from codemods.stale_imports.prepared import alike  # noqa: PLC0415

        return alike(before, today, asked)

    def suggest(self, project: Project, _config: Config, surveyed: Mapping[str, object]) -> Sequence[Setting]:
        """No moves of its own accord, but how many imports wait for some."""
        from codemods.stale_imports.prepared import suggest  # noqa: PLC0415

        return suggest(project, surveyed)
