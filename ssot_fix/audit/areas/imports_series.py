"""Which imports lead nowhere, commit by commit: a file is judged again only where something it asks for has changed.

What a file's imports come to depends on the files and folders whose last part they spell, and on the names of the
modules whose last part they take from. So these are what it is found by, whatever the folders around them: more files
are judged than need be, never fewer. Where something has changed that may matter to all, all are judged again.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssot_fix.project.at_commit import project_at, with_other_texts
from ssot_fix.project.dependencies import may_declare
from ssot_fix.project.index import Dangling, Index, Overview, first_parts, module_of
from ssot_fix.project.names import Names
from ssot_fix.project.resolver import Project
from ssot_fix.project.scan import Imported, Scan


@dataclass(frozen=True, slots=True)
class Tree:
    """A commit's files: their ids, those that are modules, how they are read, and links and submodules."""

    blobs: Mapping[str, bytes]
    python: Sequence[str]
    read: Callable[[str], bytes]
    beyond: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FileImports:
    """What a file imports of the project: how many names in all, and those that lead nowhere, once for each import."""

    all: int
    bad: tuple[Dangling, ...] = ()


ScanOf = Callable[[str], Scan | None]
Stubbing = frozenset[tuple[str, str]]  # the modules that are put into sys.modules, each with the file that does it
_NONE = Scan()


class Resolver:
    """Judges the imports of one commit's tree after another.

    The trees may come in any order; the less two that follow one another differ, the less there is to do.
    """

    def __init__(
        self,
        root: Path,
        source_roots: Sequence[str] = (),
        former: Collection[str] = (),
        ignores: Callable[[str, Dangling], bool] = lambda _path, _dangling: False,
        known: Project | None = None,
    ) -> None:
        """`former` are first parts that were first-party once, `ignores` tells what is never reported.

        `known` is the project of a commit: names that are read of files are read once for it and all trees.
        """
        self._root = root
        self._source_roots = source_roots
        self._former = frozenset(former)
        self._ignores = ignores
        self._project = known
        self._whole: _Whole | None = None
        self._tree = Tree({}, (), lambda path: path.encode())
        self._named: set[str] = set()  # files whose exact names have played a part
        self._answers: dict[str, FileImports] = {}
        self._reaching: dict[str, set[str]] = {}
        self.judged = 0  # how many files have been judged so far

    def advance(self, tree: Tree, scan_of: ScanOf) -> Mapping[str, FileImports]:
        """What the imports of each file come to, by path; files that import nothing of the project are left out.

        `scan_of` gives what the bytes of one of `tree.python` tell (with `AllTops`), None if they can't be read. A
        file whose answer is that of the last call has the same object.
        """
        old, self._tree = self._tree, tree
        affected = self._step(old, tree, scan_of)
        if affected is None:
            self._begin(tree, scan_of)
            affected = tree.python
        self._judge(affected)
        return dict(self._answers)

    def _begin(self, tree: Tree, scan_of: ScanOf) -> None:
        project = project_at(
            self._root,
            tree.blobs,
            tree.python,
            tree.read,
            self._source_roots,
            beyond=tree.beyond,
            before=self._project,
        )
        self._project = project
        self._whole = _Whole(project, first_parts(project) | self._former)
        for path in tree.python:
            self._whole.add(path, scan_of(path) or _NONE)
        self._answers = {}
        self._reaching = self._whole.reaching(self._index)

    @property
    def _index(self) -> Index:
        assert self._project is not None
        assert self._whole is not None
        return Index(self._project, self._whole.scans, overview=self._whole.overview)

    def _judge(self, paths: Iterable[str]) -> None:
        assert self._project is not None
        assert self._whole is not None
        index = self._index
        wanted = [path for path in paths if path in self._whole.scans]
        found = index.each_dangling_in(wanted)
        for path in wanted:
            bad = (each for each in found.get(path, ()) if not each.elsewhere and not self._ignores(path, each))
            answer = FileImports(index.count_in(path), tuple(bad))
            if not answer.all:
                self._answers.pop(path, None)
            elif self._answers.get(path) != answer:
                self._answers[path] = answer
        self._named.update(self._project.named)
        self.judged += len(wanted)

    def _step(self, old: Tree, new: Tree, scan_of: ScanOf) -> Collection[str] | None:
        """Go to the next tree; the files that have to be judged again, None if all have."""
        before, whole = self._project, self._whole
        if before is None or whole is None or old.beyond != new.beyond:
            return None
        difference = _Difference(old, new)
        if any(posixpath.basename(path) == ".gitignore" for path in difference.paths):
            return None
        project = self._after(before, difference)
        if project.source_roots != before.source_roots or project.declared != before.declared:
            return None
        self._project = project
        return self._affected(before, project, difference, {path: scan_of(path) or _NONE for path in difference.newer})

    def _after(self, before: Project, difference: _Difference) -> Project:
        new = difference.new
        if difference.moved:
            project = project_at(
                self._root, new.blobs, new.python, new.read, self._source_roots, beyond=new.beyond, before=before
            )
        else:
            project = with_other_texts(before, new.blobs, new.read)
        if not any(map(may_declare, difference.paths)):
            project.__dict__["declared"] = before.declared
        return project

    def _affected(
        self, before: Project, after: Project, difference: _Difference, scans: Mapping[str, Scan]
    ) -> Collection[str] | None:
        """The files whose answer may be another one, those that went included."""
        whole = self._whole
        assert whole is not None
        marks = _Marks(difference.parts(before, after), set())
        stubbing, asked, globally = whole.stubbing, set(whole.asked), (frozenset(whole.hooking), whole.meddling)
        if whole.meddles_with(difference.paths, marks.parts):
            return None
        older = {path: whole.scans[path] for path in difference.older}
        tops = first_parts(after) | self._former if difference.moved else whole.tops
        retold = {path: whole.scans[path] for path in whole.mentioning(tops ^ whole.tops) - older.keys()}
        for path, scan in {**older, **retold}.items():
            whole.drop(path, scan)
            if path in older and path not in scans:
                self._answers.pop(path, None)
        whole.tops = tops
        for path, scan in {**scans, **retold}.items():
            whole.add(path, scan)
        if globally != (frozenset(whole.hooking), whole.meddling):
            return None
        for path in difference.rewritten:
            self._compare(path, before, after, (older.get(path, _NONE), scans.get(path, _NONE)), marks)
        marks.parts |= set(map(_last, whole.newly_ignored(after, asked)))
        marks.parts |= {_last(module) for module, _ in stubbing ^ whole.stubbing}
        whole.close(marks)
        affected = {*scans, *retold, *whole.mentioning(marks.parts), *whole.taking_from(marks.dirty)}
        whole.forget_runs(affected | difference.below_packages(whole.scans))
        return affected | self._otherwise_stubbed(whole)

    def _compare(self, path: str, before: Project, after: Project, scans: tuple[Scan, Scan], marks: _Marks) -> None:
        """Mark a module if its text tells others something else than before."""
        assert self._whole is not None
        old, new = scans
        name = _own_name(path)
        if dict(old.names) != dict(new.names) or self._whole.may_be_meddled_with(old, new):
            marks.dirty.add(name)
        if path in self._named:
            was, now = before.names(path), after.names(path)
            if was != now:
                marks.dirty.add(name)
            if _is_open(was) != _is_open(now):
                marks.parts.add(name)

    def _otherwise_stubbed(self, whole: _Whole) -> set[str]:
        """The files for which something else than before that puts modules into sys.modules runs."""
        known, self._reaching = self._reaching, whole.reaching(self._index)
        pairs = {(stubber, path) for stubber, paths in known.items() for path in paths}
        changed = {path for _, path in pairs ^ {(s, path) for s, paths in self._reaching.items() for path in paths}}
        return changed | whole.mentioning(map(_own_name, changed))


@dataclass(slots=True)
class _Marks:
    """What differs between two trees, by the last part of its dotted path.

    `parts` are modules and folders that are there in only one of them, `dirty` modules that tell something else.
    """

    parts: set[str]
    dirty: set[str]


class _Difference:
    """Which files differ between two trees."""

    def __init__(self, old: Tree, new: Tree) -> None:
        self.old = old
        self.new = new
        self.paths = {path for path, _ in old.blobs.items() ^ new.blobs.items()}
        self.moved = {path for path in self.paths if (path in old.blobs) != (path in new.blobs)}

    @property
    def rewritten(self) -> set[str]:
        """Those that are there in both."""
        return self.paths - self.moved

    @property
    def older(self) -> list[str]:
        """The modules of the old tree among them."""
        return [path for path in self.old.python if path in self.paths]

    @property
    def newer(self) -> list[str]:
        """The modules of the new tree among them."""
        return [path for path in self.new.python if path in self.paths]

    def below_packages(self, paths: Iterable[str]) -> set[str]:
        """Those of some paths that lie in a package whose __init__ came or went."""
        packages = tuple(path.removesuffix("__init__.py") for path in self.moved if path.endswith("/__init__.py"))
        return {path for path in paths if path.startswith(packages)} if packages else set()

    def parts(self, before: Project, after: Project) -> set[str]:
        """The last parts of the modules and folders that are there in only one of the trees."""
        found = (
            {posixpath.basename(folder) for folder in set(before.folders) ^ set(after.folders)}
            if self.moved
            else set()
        )
        for path in self.moved:
            found |= {_own_name(path), posixpath.splitext(posixpath.basename(path))[0]}
        for folder in _folders_of(self.moved):
            old, new = before.around.listing(folder), after.around.listing(folder)
            found |= old.folders ^ new.folders
            found |= {module_of(name) for name in old.names ^ new.names}
            modules = [any(map(module_of, listing.names)) for listing in (old, new)]
            if old.has_files != new.has_files or modules[0] != modules[1]:
                found.add(posixpath.basename(folder))
        return found - {""}


class _Whole:
    """What the scans of a tree's modules tell together; they come and go one by one."""

    def __init__(self, project: Project, tops: frozenset[str]) -> None:
        self.tops = tops
        self.scans: dict[str, Scan] = {}
        self.hooking: set[str] = set()
        self.stubbing: frozenset[tuple[str, str]] = frozenset()
        self.meddling: frozenset[str] = frozenset()
        self.asked: Counter[str] = Counter()  # in how many files, by module
        self._project = project
        self._absolute = Index(project, {}).absolute  # for which the scans don't count
        self._runs: dict[str, frozenset[str]] = {}
        self._mentioning: dict[str, set[str]] = {}  # files by every part of what they import
        self._taking: dict[str, set[str]] = {}  # files by the last part of the modules that they import from
        self._stars: dict[str, tuple[str, ...]] = {}

    @property
    def overview(self) -> Overview:
        """The same for an index."""
        stubbers: dict[str, list[str]] = {}
        for module, path in self.stubbing:
            stubbers.setdefault(module, []).append(path)
        hooked = frozenset(self._project.module_name(path).partition(".")[0] for path in self.hooking)
        return Overview(self.tops, hooked, stubbers, self.asked.keys(), self._runs)

    def add(self, path: str, scan: Scan) -> None:
        """A module is there."""
        self.scans[path] = scan
        parts, last, stars = self._asking(path, scan)
        for part in parts:
            self._mentioning.setdefault(part, set()).add(path)
        for part in last:
            self._taking.setdefault(part, set()).add(path)
        self.asked.update({module for module, _ in self._targets(path, scan)})
        self.stubbing |= self._stubs(path, scan)
        if stars:
            self._stars[path] = stars
        if scan.hooks:
            self.hooking.add(path)
        if scan.meddles:
            self.meddling |= {path}

    def drop(self, path: str, scan: Scan) -> None:
        """A module is gone, or what it says."""
        del self.scans[path]
        parts, last, _ = self._asking(path, scan)
        for part in parts:
            self._mentioning[part].discard(path)
        for part in last:
            self._taking[part].discard(path)
        for module in {module for module, _ in self._targets(path, scan)}:
            self.asked[module] -= 1
            if not self.asked[module]:
                del self.asked[module]
        self._stars.pop(path, None)
        self._runs.pop(path, None)
        self.stubbing -= self._stubs(path, scan)
        self.hooking.discard(path)
        self.meddling -= {path}

    def _targets(self, path: str, scan: Scan) -> Iterator[tuple[str, Imported]]:
        for each in scan.imports:
            if each.level:
                module = self._absolute(path, each.level, each.module)
            else:
                module = each.module if each.module.partition(".")[0] in self.tops else None
            if module is not None:
                yield module, each

    def _asking(self, path: str, scan: Scan) -> tuple[set[str], set[str], tuple[str, ...]]:
        """The parts of what a module asks for, the last parts of the modules among it, its star imports.

        The first part of what is not first-party is among the parts: it may become so.
        """
        parts = {each.module.partition(".")[0] for each in scan.imports if not each.level}
        last: set[str] = set()
        stars: list[str] = []
        for module, each in self._targets(path, scan):
            own = module.split(".")
            parts.update(own, each.names)
            last.add(own[-1])
            if "*" in each.names:
                stars.append(module)
        return parts, last, tuple(stars)

    def _stubs(self, path: str, scan: Scan) -> Stubbing:
        if not scan.stubs:
            return frozenset()
        name = self._project.module_name(path)
        return frozenset((name + module if module.startswith(".") else module, path) for module in scan.stubs)

    # What may be judged otherwise

    def mentioning(self, parts: Iterable[str]) -> set[str]:
        """The files that import something with one of some parts in its path."""
        return set[str]().union(*(self._mentioning.get(part, ()) for part in parts))

    def taking_from(self, names: Iterable[str]) -> set[str]:
        """The files that import from modules of some last names."""
        return set[str]().union(*(self._taking.get(name, ()) for name in names))

    def close(self, marks: _Marks) -> None:
        """Mark the modules that take over by star imports what differs."""
        left = dict(self._stars)
        while found := [path for path, modules in left.items() if any(map(_is_marked(marks), modules))]:
            for path in found:
                del left[path]
                marks.dirty.add(_own_name(path))

    def newly_ignored(self, project: Project, before: set[str]) -> Iterator[str]:
        """The modules that git ignores, of those that are asked for only now, or no longer."""
        for module in before ^ self.asked.keys():
            inner = module.replace(".", "/")
            bases = [posixpath.join(root, inner) for root in project.source_roots]
            if project.around.ignored(f"{base}{end}" for base in bases for end in (".py", "/__init__.py")):
                yield module

    def meddles_with(self, paths: Collection[str], parts: Collection[str]) -> bool:
        """Whether a module that sets names in others differs, or may be found otherwise."""
        return any(
            path in paths or not {*path.split("/"), _own_name(path)}.isdisjoint(parts) for path in self.meddling
        )

    def may_be_meddled_with(self, old: Scan, new: Scan) -> bool:
        """Whether of two texts of a module only one may import a module that sets names in it."""
        if not self.meddling or old.imports == new.imports:
            return False
        names = set(map(_own_name, self.meddling))
        differing = set(old.imports) ^ set(new.imports)
        return any(not names.isdisjoint({_last(each.module), *each.names}) for each in differing)

    # What runs

    def forget_runs(self, paths: Iterable[str]) -> None:
        """What some files run has to be found again."""
        for path in paths:
            self._runs.pop(path, None)

    def reaching(self, index: Index) -> dict[str, set[str]]:
        """By file that puts modules into sys.modules, the files whose import surely runs it, that included."""
        return {path: self._reaching(path, index) for path in {path for _, path in self.stubbing}}

    def _reaching(self, goal: str, index: Index) -> set[str]:
        found, waiting = {goal}, [goal]
        while waiting:
            at = waiting.pop()
            near = {path for path in self._near(at) if path not in found and at in index.run_by(path)}
            found |= near
            waiting += near
        return found

    def _near(self, path: str) -> set[str]:
        """The files that may run one when they are imported."""
        found = self.mentioning((_own_name(path),))
        if path.endswith("/__init__.py"):
            folder = path.removesuffix("__init__.py")
            found |= {each for each in self.scans if each.startswith(folder)}
        return found


def _is_marked(marks: _Marks) -> Callable[[str], bool]:
    def is_marked(module: str) -> bool:
        parts = module.split(".")
        return parts[-1] in marks.dirty or not marks.parts.isdisjoint(parts)

    return is_marked


def _own_name(path: str) -> str:
    """The last part of a module's dotted path."""
    folder, name = posixpath.split(path)
    stem = posixpath.splitext(name)[0]
    return posixpath.basename(folder) if stem == "__init__" else stem


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2]


def _is_open(names: Names | None) -> bool:
    return names is not None and names.paths_open


def _folders_of(paths: Iterable[str]) -> set[str]:
    """The folders around some paths, the root among them."""
    found: set[str] = set()
    for path in paths:
        folder = posixpath.dirname(path)
        while folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return found
