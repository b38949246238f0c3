"""A forge on loopback: git over HTTP and GitHub's REST API for one real bare repository, with faults on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .faults import Fault
from .server import Forge

__all__ = ["Fault", "Forge", "serve"]


@contextmanager
def serve(folder: Path, environment: Mapping[str, str], owner: str = "octo", name: str = "app") -> Iterator[Forge]:
    """Start a forge that keeps its repository in `folder` and runs git with `environment`; it ends with the block."""
    forge = Forge(folder, environment, owner, name)
    try:
        yield forge
    finally:
        forge.stop()
