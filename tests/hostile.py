"""A codemod that does what HOSTILE says to the file that HOSTILE names; test_bad_input installs it as a plug-in."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

MARK = b"# hostile"


@dataclass(frozen=True)
class Options:
    """None."""


class Hostile:
    """Static and prepared at once: it has no state but the variable HOSTILE, `what:path`."""

    name = "hostile"
    summary = "does harm"
    explanation = "For tests."
    options = Options
    reasons: dict[str, str] = {}  # noqa: RUF012
    shared_names: frozenset[str] = frozenset()
    source_roots: tuple[str, ...] = ()

    def screen(self, data: bytes) -> bool:
        what, path = _order()
        if data.startswith(MARK + b" " + path.encode()):
            _carry_out(what.removesuffix(" early") if what.endswith(" early") else "")
        return data.startswith(MARK)

    renamed: frozenset[str] = frozenset()

    def surveyor(self, project, config):
        return _see_nothing

    def narrow(self, passed):
        return passed

    def beyond(self, covers):
        return [], []

    def prepare(self, project, config, surveyed):
        what, path = _order()
        if what == "delete":
            (project.root / path).unlink()
        return self

    def seeds(self, path: str, raw: bytes) -> frozenset[str]:
        return frozenset({"os"})

    def sites(self, module, project, *rest):
        what, path = _order()
        if module.path == path:
            _carry_out(what)
        return []

    def couple(self, sites):
        pass

    def allows_unsafe(self, path: str, kind: str) -> bool:
        return True


def _see_nothing(data: bytes) -> None:
    return None


def _order() -> tuple[str, str]:
    what, _, path = os.environ.get("HOSTILE", ":").partition(":")
    return what, path


def _carry_out(what: str) -> None:
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "sleep":
        Path(os.environ["HOSTILE_STARTED"]).touch()
        time.sleep(25)
    elif what == "raise":
        raise RuntimeError("something went wrong")
    elif what.startswith("append "):
        with Path(what.removeprefix("append ")).open("a") as file:
            file.write("# changed meanwhile\n")
