"""Read and write environment variables through the project's accessor, not through os.environ.

A code base that has an IsolatedEnvironment (one object that holds the environment, so that tests can isolate it
and values are read in one way) loses what it is for wherever code goes round it with `os.getenv` or
`os.environ`. This codemod finds these uses by what the names mean, through aliases and in any scope.

    os.getenv(k), os.getenv(k, d), os.environ.get(k, d)    get_env().get(k, d)                   safe
    os.environ[k], read    get_env()[k], or the configured `lookup`; where the key was
                           tested before, get_env().get(k); else refused                         safe
    os.environ[k] = v      get_env().set(k, v, "module")                                         unsafe
    del os.environ[k], os.environ.pop(k, None), os.unsetenv(k)    get_env().delete(k)            unsafe
    k in os.environ        get_env().exists(k)                                                   unsafe
    os.environ.copy(), dict(os.environ)    get_env().get_all()                                   unsafe
    setdefault, update, clear, iteration, os.environ handed on    nothing                        manual

The accessor is found in the project, or named in the config:

    [tool.ssot-fix.isolated-environment]
    accessor = "shared.isolated_environment:get_env"   # module:function
    lookup = "require"              # a method that raises KeyError for a missing key
    allow = ["set", "contains"]     # unsafe operations to apply without --unsafe-fixes: set delete contains copy
    extend-external-keys = ["KAFKA_*"]   # variables that other programs read, never moved
    exempt-comments = ["@marked"]   # a comment within three lines that exempts a use
    exempt-paths = ["tools/"]

Why a write is unsafe: an accessor may turn values into str, clean them, or keep them to itself while isolated.
Why all operations on one variable in a file move together or not at all: an accessor may cache, and then one
side would not see what the other did.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codemods.isolated_environment.names import SHARED_NAMES
from codemods.isolated_environment.options import NAME, Options
from codemods.isolated_environment.reasons import REASONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ssot_fix.engine.contract import Inactive, Prepared, Setting, Surveyor
    from ssot_fix.project.config import Config
    from ssot_fix.project.resolver import Project

_EXPLANATION = __doc__ or ""
_WORD = re.compile(rb"environb?\b")


class IsolatedEnvironment:
    """The codemod as the catalog knows it."""

    name = NAME
    summary = "environment variables through the project's accessor instead of os.environ and os.getenv"
    explanation = _EXPLANATION
    options: type = Options
    reasons: Mapping[str, str] = REASONS
    shared_names = SHARED_NAMES

    def screen(self, data: bytes) -> bool:
        """Every site spells environ, getenv, putenv or unsetenv."""
        return b"tenv" in data or _WORD.search(data) is not None

    def surveyor(self, _project: Project, _config: Config) -> Surveyor:
        """Looks for files that may define the accessor."""
        from codemods.isolated_environment.prepared import may_define_accessor  # noqa: PLC0415

        return may_define_accessor

    def prepare(self, project: Project, config: Config, surveyed: Mapping[str, object]) -> Prepared | Inactive:
        """Find or read the accessors that the settings of all paths name."""
        from codemods.isolated_environment.prepared import prepare  # noqa: PLC0415

        return prepare(project, config, surveyed)

    def suggest(self, project: Project, config: Config, surveyed: Mapping[str, object]) -> Sequence[Setting]:
        """The accessor, if it is clear which; its lookup only as an example, since nothing proves what it raises."""
        from codemods.isolated_environment.prepared import suggest  # noqa: PLC0415

        return suggest(project, config, surveyed)
