"""Which file a dotted path means, and what a module's imports lead to. Nothing is ever imported."""

from __future__ import annotations

import ast
import errno
import posixpath
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ssot_fix.asking import AskedSet, Question, note, remembered
from ssot_fix.digests import blob_name
from ssot_fix.newer_syntax import Unparseable, parse
from ssot_fix.project.dependencies import Declared, declared
from ssot_fix.project.names import Names, lines_of, module_names, spans_one
from ssot_fix.project.surroundings import Surroundings
from ssot_fix.source import Source, UnreadableText


@dataclass(frozen=True, slots=True)
class ImportFact:
    """One imported path, absolute; `name` is set for `from target import name`.

    `level` is `module` (always runs when the module is imported), `guarded` (inside try or if), `typing` (under
    TYPE_CHECKING) or `function`.
    """

    target: str
    name: str | None
    bound: str
    level: str


# An import as it is written: dots, module, name (None: the module itself), what it binds, and the level as of a fact.
Imported = tuple[int, str, str | None, str, str]


@dataclass(slots=True)
class Read:
    """What was read of files, each at most once."""

    contents: dict[str, bytes] = field(default_factory=dict)
    imports: dict[str, tuple[Imported, ...]] = field(default_factory=dict)
    names: dict[str, Names | None] = field(default_factory=dict)
    rebound: dict[str, frozenset[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Known:
    """What follows from that with some source roots; what files are reached with what was asked for that."""

    facts: dict[str, tuple[ImportFact, ...]] = field(default_factory=dict)
    reached: dict[tuple[str, frozenset[str], bool], tuple[frozenset[str], set[Question]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Project:
    """The project's Python files and the folders from which its modules are imported.

    `files` are posix paths relative to `root`; `source_roots` folders relative to it, `""` being the root itself.
    Whatever is asked of it is noted (`asking`), by tables of `PATH_TABLES`, "files", "folders" and "file names".
    """

    root: Path
    files: Set[str]
    source_roots: tuple[str, ...] = ("",)
    _read: Read = field(default_factory=Read, compare=False, repr=False)  # the same for other source roots
    _known: Known = field(default_factory=Known, compare=False, repr=False)

    def __getstate__(self) -> dict[str, object]:
        """Without what was read: workers read what they need."""
        kept = {name: value for name, value in self.__dict__.items() if name != "around"}
        return {**kept, "_read": Read(), "_known": Known()}

    def with_roots(self, roots: Iterable[str]) -> Project:
        """The same project with more source roots, behind those that it has."""
        wanted = tuple(dict.fromkeys((*self.source_roots, *roots)))
        if wanted == self.source_roots:
            return self
        project = replace(self, source_roots=wanted, _known=Known())
        project.__dict__["around"] = self.around  # one record of what was asked
        return project

    def read(self, path: str) -> bytes:
        """A file's bytes.

        Raises OSError.
        """
        note("text", path)
        return self._bytes(path)

    def _bytes(self, path: str) -> bytes:
        # What lies beside the project's files may be a pipe, and reading one might never end.
        if path not in held(self.files) and not stat.S_ISREG((self.root / path).stat().st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        data = (self.root / path).read_bytes()
        self._read.contents[path] = blob_name(data)
        return data

    def believe(self, contents: Mapping[str, bytes]) -> None:
        """Take the contents of files for what somebody has seen who has read them or their status."""
        self._read.contents.update(contents)

    def content(self, path: str) -> bytes:
        """What git would call the content of a file, as it was read last; empty if it can't be read."""
        if path not in self._read.contents:
            try:
                self._bytes(path)
            except OSError:
                return b""
        return self._read.contents[path]

    @cached_property
    def around(self) -> Surroundings:
        """What lies beside the Python files; all that is read or asked of it goes through this."""
        return Surroundings(self.root)

    @cached_property
    def declared(self) -> Declared:
        """What the project says of itself."""
        return declared(self.around)

    @cached_property
    def file_names(self) -> Set[str]:
        """What the project's files are called, without their folders."""
        return AskedSet("file names", (path.rpartition("/")[2] for path in held(self.files)))

    @cached_property
    def folders(self) -> Set[str]:
        """Every folder that holds a Python file, directly or below."""
        found: set[str] = set()
        for folder in {path.rpartition("/")[0] for path in held(self.files)}:
            while folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]  # noqa: PLW2901
        return AskedSet("folders", found)

    def source_root_of(self, path: str) -> str:
        """The innermost source root that holds a file."""
        holding = [root for root in self.source_roots if not root or path.startswith(f"{root}/")]
        return max(holding, key=len, default="")

    def module_name(self, path: str, root: str | None = None) -> str:
        """The dotted name under which a file is imported from a source root (the innermost by default)."""
        root = self.source_root_of(path) if root is None else root
        inner = path[len(root) + 1 :] if root else path
        parts = posixpath.splitext(inner)[0].split("/")
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def locate(self, dotted: str, roots: Iterable[str] | None = None) -> str | None:
        """The file that a dotted path means; None if it is no module of the project.

        A package wins over a module of the same name, as in Python's own finder.
        """
        inner = dotted.replace(".", "/")
        for root in self.source_roots if roots is None else roots:
            base = f"{root}/{inner}" if root else inner
            for candidate in (f"{base}/__init__.py", f"{base}.py"):
                if candidate in self.files:
                    return candidate
        return None

    def root_of(self, dotted: str) -> str:
        """The source root from which a module is imported; the first one if there is no such module."""
        return next((root for root in self.source_roots if self.locate(dotted, (root,))), self.source_roots[0])

    def is_first_party(self, dotted: str) -> bool:
        """Whether a dotted path starts with a module or folder of the project."""
        top = dotted.partition(".")[0]
        return any(
            self.locate(top, (root,)) is not None or (f"{root}/{top}" if root else top) in self.folders
            for root in self.source_roots
        )

    def is_package_module(self, path: str, root: str) -> bool:
        """Whether every folder between a source root and a file is a package with an __init__."""
        folder = posixpath.dirname(path)
        while folder != root:
            if f"{folder}/__init__.py" not in self.files or not folder:
                return False
            folder = posixpath.dirname(folder)
        return True

    def facts(self, path: str) -> tuple[ImportFact, ...]:
        """The imports of a file, in order; none if it can't be read or parsed."""
        note("facts", path)
        if path not in self._known.facts:
            self._known.facts[path] = self._read_facts(path)
        return self._known.facts[path]

    def _read_facts(self, path: str) -> tuple[ImportFact, ...]:
        name = self.module_name(path)
        package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
        return tuple(
            ImportFact(_absolute(dots, module, package), taken, bound, level)
            for dots, module, taken, bound, level in self.imports(path)
        )

    def imports(self, path: str) -> tuple[Imported, ...]:
        """The imports of a file as they are written, in order; none if it can't be read or parsed."""
        note("facts", path)
        if path not in self._read.imports:
            self._read.imports[path] = self._read_imports(path)
        return self._read.imports[path]

    def _read_imports(self, path: str) -> tuple[Imported, ...]:
        try:
            source = Source(self._bytes(path))
            tree = parse(source.text, source.body).tree
        except (OSError, UnreadableText, Unparseable):
            return ()
        return tuple(_imports(tree, lines_of(_IMPORT, source)))

    def matches(self, path: str, pattern: bytes) -> tuple[bytes, ...]:
        """What a regular expression with at most one group finds in a file; nothing if it can't be read."""
        note("matches", (path, pattern))
        try:
            return tuple(re.findall(pattern, self._bytes(path)))
        except OSError:
            return ()

    def origin(self, module: str, name: str) -> tuple[str, str]:
        """Where `from module import name` leads: the defining module and the name there.

        Re-exports are followed; a name whose definition is out of sight is left where it was asked for.
        """
        seen: set[tuple[str, str]] = set()
        while (module, name) not in seen:
            seen.add((module, name))
            path = self.locate(module)
            if path is None:
                break
            bound = [fact for fact in self.facts(path) if fact.bound == name and fact.level != "function"]
            if len(bound) != 1 or bound[0].level != "module" or self.rebinds(path, name):
                break
            fact = bound[0]
            module, name = (fact.target, fact.name) if fact.name else _split(fact.target)
        return module, name

    def rebinds(self, path: str, name: str) -> bool:
        """Whether a module, or a function in it, binds a name by other means than an import; False if unreadable."""
        note("rebinds", (path, name))
        if path not in self._read.rebound:
            self._read.rebound[path] = self._read_rebound(path)
        return name in self._read.rebound[path]

    def _read_rebound(self, path: str) -> frozenset[str]:
        try:
            source = Source(self._bytes(path))
            tree = parse(source.text, source.body).tree
        except (OSError, UnreadableText, Unparseable):
            return frozenset()
        nodes = list(ast.walk(tree))
        names = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
        definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return frozenset(names | {n.name for n in nodes if isinstance(n, definitions)})

    def names(self, path: str) -> Names | None:
        """The names that a module has; None if it can't be read or parsed."""
        note("names", path)
        if path not in self._read.names:
            self._read.names[path] = self._read_names(path)
        return self._read.names[path]

    def _read_names(self, path: str) -> Names | None:
        try:
            source = Source(self._bytes(path))
            tree = parse(source.text, source.body).tree
        except (OSError, UnreadableText, Unparseable):
            return None
        return module_names(tree, source, stub=path.endswith(".pyi"))

    @property
    def named(self) -> Collection[str]:
        """The paths whose names somebody has asked for."""
        return self._read.names.keys()

    def offers(self, module: str, name: str | None) -> bool | None:
        """Whether a module is there and, if `name` is one, `from module import name` finds it; None: unknown."""
        if name is None or name == "*":
            return self.locate(module) is not None or self._is_folder(module)
        if self.locate(f"{module}.{name}") is not None or self._is_folder(f"{module}.{name}"):
            return True
        return self._finds(module, name, set())

    def _is_folder(self, dotted: str) -> bool:
        inner = dotted.replace(".", "/")
        return any((f"{root}/{inner}" if root else inner) in self.folders for root in self.source_roots)

    def _finds(self, module: str, name: str, seen: set[str]) -> bool | None:
        path = self.locate(module)
        if path is None:
            return False
        seen.add(module)
        names = self.names(path)
        if names is None or names.open:
            return None
        if name in names.bound:
            return True
        found: bool | None = False
        for level, origin in names.stars:
            dotted = self.absolute(path, level, origin)
            if dotted in seen:
                continue
            through = self._finds(dotted, name, seen) if self.locate(dotted) else None
            if through:
                return True
            found = None if through is None else found
        return found

    def absolute(self, path: str, level: int, module: str) -> str:
        """The module that an import in a file names by `level` dots and a dotted path."""
        name = self.module_name(path)
        package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
        return _absolute(level, module, package)

    def leads_back(self, module: str, name: str | None, importer: str) -> bool:
        """Whether importing a module, or a name from it, at module level of a file imports that file again."""
        files = self._files_of(ImportFact(module, name, "", "module"))
        return any(importer in self.reached_from(file, importer, in_functions=False) for file in files)

    def reached_from(self, path: str, importer: str, *, in_functions: bool = True) -> frozenset[str]:
        """The files that run when `importer` imports the module at `path`, that included.

        With `in_functions` its own imports count at every level (one inside a function can recurse into a caller);
        those of the modules behind it at module level. So do the packages around it, but for those around the
        importer, too: they are being imported already when that runs.
        """
        shared = frozenset(self._packages_around(path)) & frozenset(self._packages_around(importer))
        key = path, shared, in_functions
        return remembered(self._known.reached, key, lambda: frozenset(self._reach(*key)))

    def _reach(self, path: str, around: frozenset[str], in_functions: bool) -> set[str]:
        reached = {path, *(package for package in self._packages_around(path) if package in self.files)} - around
        waiting = sorted(reached)
        while waiting:
            current = waiting.pop()
            for fact in self.facts(current):
                if fact.level == "typing" or (fact.level == "function" and not (in_functions and current == path)):
                    continue
                fresh = set(self._files_of(fact)) - reached - (around - self._needed_package(fact))
                reached |= fresh
                waiting += sorted(fresh)
        return reached

    def _needed_package(self, fact: ImportFact) -> set[str]:
        """The package whose own names a fact takes (`from package import NAME`): it has to have run."""
        package = self.locate(fact.target)
        takes_name = fact.name and package is not None and self.locate(f"{fact.target}.{fact.name}") is None
        return {package} if takes_name and package else set()

    def _packages_around(self, path: str) -> Iterator[str]:
        folder = posixpath.dirname(path)
        while folder:
            yield f"{folder}/__init__.py"
            folder = posixpath.dirname(folder)

    def _files_of(self, fact: ImportFact) -> Iterator[str]:
        parts = fact.target.split(".")
        paths = [".".join(parts[: count + 1]) for count in range(len(parts))]
        if fact.name:
            paths.append(f"{fact.target}.{fact.name}")
        for dotted in paths:
            if located := self.locate(dotted):
                yield located


# The tables whose questions are about one file, which is their key, or the first part of it.
PATH_TABLES = frozenset({"facts", "matches", "names", "rebinds", "text"})


def held(members: Set[str]) -> Iterable[str]:
    """All members of a set, for what is built of them and notes itself what is asked of it."""
    return members.held if isinstance(members, AskedSet) else members


def _split(dotted: str) -> tuple[str, str]:
    module, _, name = dotted.rpartition(".")
    return (module, name) if module else (name, "")


_IMPORT = re.compile(rb"\bimport\b")


def _imports(tree: ast.Module, lines: Sequence[int]) -> Iterator[Imported]:
    """The imports of a tree; `lines` are those, sorted, on which there may be one."""
    stack: list[tuple[ast.AST, str]] = [(node, "module") for node in reversed(tree.body)]
    while stack:
        node, level = stack.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, alias.name, None, alias.asname or alias.name.partition(".")[0], level
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.level, node.module or "", alias.name, alias.asname or alias.name, level
        elif isinstance(node, _HOLDING) and (isinstance(node, ast.match_case) or spans_one(node, lines)):
            inner = _level_inside(node, level)
            for name in ("body", "handlers", "orelse", "finalbody", "cases"):
                stack.extend((child, inner) for child in reversed(getattr(node, name, ())))


# The statements that hold others, and their parts.
_HOLDING = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If, ast.For, ast.AsyncFor, ast.While),
    *(ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match, ast.ExceptHandler, ast.match_case),
)


def _absolute(level: int, module: str, package: str) -> str:
    if not level:
        return module
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - level + 1]
    return ".".join([*kept, *([module] if module else [])])


def _level_inside(node: ast.AST, level: str) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return "function"
    if level != "module":
        return level
    if isinstance(node, ast.If) and is_type_checking(node.test):
        return "typing"
    return "guarded" if isinstance(node, ast.If | ast.Try | ast.TryStar | ast.For | ast.While | ast.Match) else level


def project_of(root: Path, files: Iterable[str], source_roots: Iterable[str]) -> Project:
    """The project with the source roots that are configured, its root, and src/ if that holds files."""
    found = AskedSet("files", files)
    src = ["src"] if any(path.startswith("src/") for path in found.held) else []
    return Project(root, found, tuple(dict.fromkeys((*source_roots, "", *src))))


def is_type_checking(test: ast.expr) -> bool:
    """Whether a condition is TYPE_CHECKING, however it was imported."""
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )
