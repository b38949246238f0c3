"""A repository of our own to fetch into and push from, which borrows what the user's holds.

Nothing is written to the user's: no object, ref or setting. And what its configuration says does not count where a
token is about: proxies, redirects of host names, programs to start, cookies to keep. The user's own settings, and the
system's, do.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ssot_fix.delivery.repository import Repository
from ssot_fix.project.git import ask_git, run_git

# Who makes commits and how they are signed; none of these names a program.
_IDENTITY = (
    *("user.name", "user.email", "author.name", "author.email", "committer.name", "committer.email"),
    *("user.signingKey", "commit.gpgSign", "gpg.format"),
)


@contextmanager
def workspace(home: Repository) -> Iterator[Repository]:
    """A temporary bare repository beside `home`.

    What a partial clone lacks would be missing here, too, without anybody to ask for it: so from one nothing is
    borrowed, and a fetch brings all that is needed.
    """
    with tempfile.TemporaryDirectory(prefix="ssot-fix-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        form = home.git("rev-parse", "--show-object-format")
        run_git(folder, "init", "--quiet", "--bare", "--template=", f"--object-format={form}")
        if not home.is_partial:
            _borrow(home, folder)
        for key in _IDENTITY:
            if (value := ask_git(home.folder, "config", "--get", key)) is not None:
                run_git(folder, "config", key, value)
        # Its server is not known here; both sides of a verification see the pointers.
        os.environ["GIT_LFS_SKIP_SMUDGE"] = "1"
        made = Repository(folder)
        try:
            yield made
        finally:
            made.close()


def _borrow(home: Repository, folder: Path) -> None:
    objects, shallow = (_path(home, name) for name in ("objects", "shallow"))
    (folder / "objects" / "info" / "alternates").write_bytes(os.fsencode(objects) + b"\n")
    with suppress(FileNotFoundError):
        shutil.copyfile(shallow, folder / "shallow")
    # Versions are told by tags: commands that verify may ask for them.
    tags = home.git("for-each-ref", "--format=%(objectname) %(refname)", "refs/tags")
    (folder / "packed-refs").write_bytes(os.fsencode(f"{tags}\n" if tags else ""))


def _path(home: Repository, name: str) -> str:
    return home.git("rev-parse", "--path-format=absolute", "--git-path", name)
