"""A project as a commit has it: nothing of it is read from the disk, and nothing is checked out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ssot_fix.project.classify import Globs, holds_above
from ssot_fix.project.names import Names
from ssot_fix.project.resolver import Known, Project, Read, project_of
from ssot_fix.project.surroundings import NOTHING, OF_INTEREST, Listing, Surroundings

_GITIGNORE = ".gitignore"
_NONE = Globs()


def project_at(  # noqa: PLR0913  all that it is made of
    root: Path,
    blobs: Mapping[str, bytes],
    python: Sequence[str],
    read: Callable[[str], bytes],
    source_roots: Sequence[str],
    *,
    beyond: Collection[str] = (),
    before: Project | None = None,
) -> Project:
    """The project of a commit's files.

    `blobs` are the ids, as 40 hexadecimal digits, of the commit's regular files below `root`, `python` those of them
    that are the project's modules. `read` gives the bytes of one of them, and raises OSError for one that is not
    there. `beyond` are its symbolic links and submodules: what lies there is not known, and anything may. `before`
    is the project of another commit: names that were read of its files are not read again.
    """
    base = project_of(root, python, source_roots)
    tree = TreeSurroundings(root, blobs, read, beyond)
    known = before.known if isinstance(before, _ProjectAt) else {}
    return _ProjectAt(base.root, base.files, base.source_roots, tree=tree, known=known)


def with_other_texts(project: Project, blobs: Mapping[str, bytes], read: Callable[[str], bytes]) -> Project:
    """The project of a commit that has the same files as that of another one, if not the same in them."""
    assert isinstance(project, _ProjectAt)
    after = replace(project, tree=project.tree.with_other_texts(blobs, read), _read=Read(), _known=Known())
    after.__dict__["folders"] = project.folders
    return after


@dataclass(frozen=True)
class _ProjectAt(Project):
    """Reads what is in the tree."""

    tree: TreeSurroundings = field(kw_only=True, compare=False, repr=False)
    # By content, whether it is a stub's, and so shared by commits.
    known: dict[tuple[bytes, bool], Names | None] = field(kw_only=True, compare=False, repr=False)

    def _bytes(self, path: str) -> bytes:
        data = self.tree.read(path)
        self._read.contents[path] = self.tree.blob(path)
        return data

    def _read_names(self, path: str) -> Names | None:
        if not self.tree.is_file(path):
            return None
        key = self.tree.blob(path), path.endswith(".pyi")
        if key not in self.known:
            self.known[key] = super()._read_names(path)
        return self.known[key]

    @cached_property
    def around(self) -> Surroundings:
        """The other files of the tree."""
        return self.tree


class TreeSurroundings(Surroundings):
    """What lies beside the Python modules in a commit's tree. Its answers never change, so none are noted."""

    def __init__(
        self, root: Path, blobs: Mapping[str, bytes], read: Callable[[str], bytes], beyond: Collection[str] = ()
    ) -> None:
        """The arguments are those of `project_at`."""
        super().__init__(root)
        self._blobs = blobs
        self._reader = read
        self._beyond = frozenset(beyond)
        self._ignores: dict[str, Globs] = {}
        self._ignored_folders: dict[str, bool] = {}

    def with_other_texts(self, blobs: Mapping[str, bytes], read: Callable[[str], bytes]) -> TreeSurroundings:
        """What lies in another tree that has the same files and folders."""
        after = TreeSurroundings(Path(self._root), blobs, read, self._beyond)
        after.__dict__["_entries"] = self._entries
        after._listings = self._listings
        return after

    def blob(self, path: str) -> bytes:
        """The id of a file's content, in 20 bytes."""
        return bytes.fromhex(self._blobs[path].decode())

    def read(self, path: str) -> bytes:
        """A file's bytes.

        Raises OSError.
        """
        if path not in self._blobs:
            raise FileNotFoundError(path)
        return self._reader(path)

    def is_file(self, path: str) -> bool:
        """Whether the tree has a regular file there."""
        return path in self._blobs

    def listing(self, folder: str) -> Listing:
        """What a folder holds; nothing if it is not there."""
        if folder not in self._listings:
            self._listings[folder] = self._made(folder)
        return self._listings[folder]

    def _made(self, folder: str) -> Listing:
        if folder in self._beyond or holds_above(folder, lambda each: each[:-1] in self._beyond, {}):
            return _ANYTHING
        entries = self._entries.get(folder)
        if entries is None:
            return NOTHING
        lead = f"{folder}/" if folder else ""
        links = frozenset(name for name in entries if f"{lead}{name}" in self._beyond)
        folders = links.union(name for name in entries if f"{lead}{name}" in self._entries)
        names = folders.union(name for name in entries if name.endswith(OF_INTEREST))
        has_files = bool(links) or any(f"{lead}{name}" in self._blobs for name in entries)
        return Listing(names, folders, links, has_files)

    @cached_property
    def _entries(self) -> Mapping[str, set[str]]:
        """The names in each folder."""
        found: dict[str, set[str]] = {"": set()}
        for path in (*self._blobs, *self._beyond):
            folder, _, name = path.rpartition("/")
            while folder not in found:
                found[folder] = {name}
                folder, _, name = folder.rpartition("/")
            found[folder].add(name)
        return found

    def ignored(self, paths: Iterable[str]) -> frozenset[str]:
        """Those of some paths, there or not, that the tree's .gitignore files name."""
        return frozenset(path for path in paths if self._is_ignored(path))

    def _is_ignored(self, path: str) -> bool:
        return holds_above(path, self._is_named, self._ignored_folders) or self._is_named(path)

    def _is_named(self, path: str) -> bool:
        """Whether a path itself is ignored; a folder's ends in a slash. The nearest file that has it decides."""
        folder = path
        while folder:
            folder = folder[: folder.rfind("/", 0, -1) + 1]
            verdict = self._ignored_by(folder).verdict(path.removeprefix(folder))
            if verdict is not None:
                return verdict
        return False

    def _ignored_by(self, folder: str) -> Globs:
        if folder not in self._ignores:
            self._ignores[folder] = self._read_ignores(f"{folder}{_GITIGNORE}")
        return self._ignores[folder]

    def _read_ignores(self, path: str) -> Globs:
        try:
            return Globs.from_gitignore(self.read(path))
        except OSError:
            return _NONE


# Behind a link or in a submodule there may be a module of any name.
_ANYTHING = Listing(frozenset({"__init__.py"}), has_files=True)
