"""The entry point: makes sure that ssot-fix imports its own modules, never those of the project it stands in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _own_modules() -> str:
    """The folder of cli.py and codemods/: inside the package when installed, beside it in a checkout."""
    installed = _PACKAGE / "_top"
    return str(installed if installed.is_dir() else _PACKAGE.parent)


def _clean_path() -> None:
    """Put our own folder first, and what PYTHONPATH or the current folder added last or out.

    People run this tool inside projects with a cli.py, a codemods/ or a click.py of their own and PYTHONPATH=.
    set; none of that may be imported (law 5).
    """
    own = _own_modules()
    here = Path.cwd().resolve() if _exists(".") else None
    added = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    foreign = {Path(entry).resolve() for entry in added} | {here, _PACKAGE}
    kept = [entry for entry in sys.path if entry and Path(entry).resolve() not in foreign]
    sys.path[:] = [own, *(entry for entry in kept if entry != own)]
    # Installed into a folder that only PYTHONPATH names, our libraries are still found, behind all others.
    sys.path += [entry for entry in added if Path(entry).resolve() not in {here, None, Path(own)}]

    # Workers and what they start get their path from us, not from the surroundings.
    os.environ.pop("PYTHONPATH", None)
    os.environ["PYTHONSAFEPATH"] = "1"


def _exists(folder: str) -> bool:
    try:
        return Path(folder).resolve().is_dir()
    except OSError:
        return False


def main() -> None:
    """Run the command; exits with its code."""
    _clean_path()
    from cli import main as command  # noqa: PLC0415  found only now

    sys.exit(command())


if __name__ == "__main__":
    main()
