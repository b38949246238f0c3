"""What every first-party import leads to, and which of them lead nowhere. Nothing is ever imported.

An import dangles only if it does under every reading of it that is plausible: from each source root, and from
every folder around the importing file, any of which may be on sys.path when that runs. What can't be seen
(generated modules, names that only running tells) is taken to be there.
"""

from __future__ import annotations

import ast
import posixpath
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from ssot_fix.asking import AskedMapping, note
from ssot_fix.newer_syntax import parse
from ssot_fix.project.dependencies import Declared
from ssot_fix.project.names import IMPLICIT, Names
from ssot_fix.project.resolver import Project
from ssot_fix.project.scan import BOUND, Imported, Scan
from ssot_fix.project.surroundings import Surroundings
from ssot_fix.source import Source

_UNKNOWN = Names({}, open=True)
_Roots = tuple[str, ...]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Dangling:
    """An import that leads nowhere: `name` of `module`, or the module itself where `name` is None.

    `kind` is `module` if the module is gone, `name` if it lacks the name. `elsewhere` are folders, relative to the
    root, from which it would be found if they were on sys.path.
    """

    module: str
    name: str | None
    kind: str
    elsewhere: tuple[str, ...] = ()


def first_parts(project: Project) -> frozenset[str]:
    """The first parts of dotted paths that are first-party: the modules and folders of the source roots.

    A folder without an __init__ is not if the standard library, or a distribution that the project needs, has a
    package of that name, which wins over it (PEP 420). Nor is a single module, since that wins only where its
    folder comes first on sys.path. Both are if the project says that the name is its own.
    """
    return _first_parts(project, project.declared)


def _first_parts(project: Project, said: Declared) -> frozenset[str]:
    parts = {part for root in project.source_roots for part in _entries(project, root)}
    return frozenset(part for part in parts if _is_package_of(project, part) or not _is_shadowed(part, said))


def _is_package_of(project: Project, name: str) -> bool:
    path = project.locate(name)
    return path is not None and _is_package(path)


def _is_shadowed(name: str, said: Declared) -> bool:
    is_standard = name in sys.stdlib_module_names or name == "test"
    return said.shadows(name) or (is_standard and not said.claims(name))


def _entries(project: Project, root: str) -> Iterator[str]:
    """The names of the folders and modules that lie in a source root."""
    lead = f"{root}/" if root else ""
    start = len(lead)
    for path in (*project.folders, *project.files):
        if path.startswith(lead) and path.find("/", start) < 0 and path:
            name = path[start:]
            yield name if path in project.folders else posixpath.splitext(name)[0]


@dataclass(frozen=True, slots=True)
class Overview:
    """What all files of a project tell together, so that whoever knows it need not look through them again.

    `tops` are the first parts of first-party paths, `hooked` those whose modules may be found otherwise, `stubbers`
    the files that put a module into sys.modules, by its dotted path. `asked` are the modules that are imported from.
    `runs` are the files that one file's import runs first hand; more are added as they are found.
    """

    tops: frozenset[str]
    hooked: frozenset[str]
    stubbers: Mapping[str, Collection[str]]
    asked: Collection[str]
    runs: dict[str, frozenset[str]]


class Index:
    """Resolves the imports of a project. Each module's exact names are read at most once."""

    def __init__(
        self,
        project: Project,
        scans: Mapping[str, Scan],
        former: Iterable[str] = (),
        overview: Overview | None = None,
    ) -> None:
        """`scans` by path, of all files of the project; a file without one has names that are unknown.

        `former` are first parts that were first-party once. `overview` is what the scans tell, if that is known.
        """
        self._former = frozenset(former)
        self._overview = overview
        self._project = project
        self._scans = scans
        self._said = project.declared
        self._beside = _Beside(project.around, self._said.generated, lambda: self._missing)
        self._there: dict[str, bool] = {}
        self._file_of: dict[str, str | None] = {}
        self._files: dict[tuple[str, _Roots], tuple[str, ...]] = {}
        self._offered: dict[tuple[str, str], bool | None] = {}
        self._judged: dict[tuple[str, str | None], Dangling | None] = {}
        self._found: dict[str, list[Dangling]] = {}
        self._definitions: dict[str, list[tuple[str, str]]] = {}
        self._runs: dict[str, frozenset[str]] = {} if overview is None else overview.runs
        self._reached: dict[str, frozenset[str]] = {}

    # What there is

    @cached_property
    def tops(self) -> frozenset[str]:
        """The first parts of first-party paths."""
        if self._overview is not None:
            return self._overview.tops
        return _first_parts(self._project, self._said) | self._former

    def module(self, dotted: str) -> str | None:
        """The file of a first-party module under the source roots; None if it has none."""
        try:
            return self._file_of[dotted]
        except KeyError:
            found = self._file_of[dotted] = next(iter(self._located(dotted, self._project.source_roots)), None)
            return found

    def exists(self, dotted: str) -> bool:
        """Whether a dotted path is a module, a package, or a folder that holds Python files."""
        if dotted not in self._there:
            self._there[dotted] = self._exists(dotted, self._project.source_roots)
        return self._there[dotted]

    def offers(self, module: str, name: str) -> bool | None:
        """Whether `from module import name` finds the name; None if that can't be seen."""
        return self._settled(lambda: self._offered_by(module, name))

    def _offered_by(self, module: str, name: str) -> bool | None:
        key = module, name
        if key not in self._offered:
            self._offered[key] = self._offers(module, name, self._project.source_roots, frozenset())
        return self._offered[key]

    def kind_of(self, module: str, name: str) -> str | None:
        """How a module itself binds a name: `class`, `def`, `async def`, `assign`, `import`; None if it doesn't."""
        for path in self._located(module, self._project.source_roots):
            if found := self._plain(path).get(name) or self.names(path).bound.get(name):
                return found
        return None

    def names(self, path: str) -> Names:
        """The exact names of the module at a path; open if it can't be read or parsed."""
        return self._project.names(path) or _UNKNOWN

    def _plain(self, path: str) -> Mapping[str, str]:
        scan = self._scans.get(path)
        return scan.names if scan is not None else {}

    def _located(self, dotted: str, roots: _Roots) -> tuple[str, ...]:
        """The files that a dotted path means, one at most for each root."""
        key = dotted, roots
        if key not in self._files:
            found = (self._project.locate(dotted, (root,)) for root in roots)
            self._files[key] = tuple(dict.fromkeys(path for path in found if path))
        return self._files[key]

    def _exists(self, dotted: str, roots: _Roots) -> bool:
        if not dotted:
            return False
        inner = dotted.replace(".", "/")
        folders = self._project.folders
        return bool(self._located(dotted, roots)) or any(_join(root, inner) in folders for root in roots)

    def _offers(self, module: str, name: str, roots: _Roots, passed: frozenset[str]) -> bool | None:
        """`passed` are the modules whose star imports led here."""
        if self._exists(f"{module}.{name}", roots):
            return True
        files = self._located(module, roots)
        if not files:
            if not self._exists(module, roots):
                return None if self._is_out_of_sight(module, roots) else False
            if name in IMPLICIT:
                return True
        answers = {self._file_offers(path, name, roots, passed) for path in files if path not in passed}
        if True in answers:
            return True
        may_be_found = module.partition(".")[0] in self._hooked and all(map(_is_package, files))
        if may_be_found or self._beside.holds(f"{module}.{name}", roots):
            answers.add(None)
        return _any(answers)

    def _file_offers(self, path: str, name: str, roots: _Roots, passed: frozenset[str]) -> bool | None:
        if name in self._plain(path) or (name in IMPLICIT and (name != "__path__" or _is_package(path))):
            return True
        names = self.names(path)
        if name in names.bound:
            return True
        if names.open or names.paths_open or self._beside.may_extend(path):
            return None
        answers = {self._star_offers(path, star, name, roots, passed | {path}) for star in names.stars}
        if stub := self._beside.stub_of(path):
            declared_names = self.names(stub)
            answers.add(None if declared_names.open or declared_names.stars or name in declared_names.bound else False)
        if True not in answers and self._is_meddled_with(path):
            return None
        return _any(answers)

    def _is_meddled_with(self, path: str) -> bool:
        """Whether a module imports something that may set names in the modules that call it."""
        scan = self._scans.get(path)
        targets = (self._target(path, imported) for imported in (scan.imports if scan is not None else ()))
        files = (file for module in targets if module for file in self._located(module, self._project.source_roots))
        return any(self._scans[file].meddles for file in files if file in self._scans)

    @cached_property
    def _hooked(self) -> frozenset[str]:
        """The first parts of modules whose package changes how modules are found."""
        if self._overview is not None:
            return self._overview.hooked
        hooking = (path for path, scan in self._scans.items() if scan.hooks)
        return frozenset(self._project.module_name(path).partition(".")[0] for path in hooking)

    def _star_offers(
        self, path: str, star: tuple[int, str], name: str, roots: _Roots, passed: frozenset[str]
    ) -> bool | None:
        """Whether a star import in a file brings a name."""
        module = self.absolute(path, *star)
        if module is None or not self._exists(module, roots):
            return None
        offered = self._offers(module, name, roots, passed)
        if offered is False:
            return False
        for located in self._located(module, roots):
            names = self.names(located)
            if names.exported is None:
                taken = None if names.open or names.exported_open else not name.startswith("_")
            else:
                taken = name in names.exported or (None if names.exported_open else False)
            return offered if taken else taken
        return None

    def _is_out_of_sight(self, module: str, roots: _Roots) -> bool:
        """Whether a module without a file may exist all the same, it or a package around it being generated."""
        while module:
            if not self._exists(module, roots) and self._beside.holds(module, roots):
                return True
            if any(self.names(path).paths_open for path in self._located(module, roots)):
                return True
            module = module.rpartition(".")[0]
        return False

    def absolute(self, path: str, level: int, module: str) -> str | None:
        """The module that an import in a file names; None if its dots lead out of the source root."""
        if not level:
            return module
        name = self._project.module_name(path)
        package = name.split(".") if name else []
        kept = len(package) - (level - 1 if _is_package(path) else level)
        if kept < 0:
            return None
        return ".".join([*package[:kept], *([module] if module else [])]) or None

    # What leads nowhere

    def dangling(self) -> dict[str, tuple[Dangling, ...]]:
        """By path, the imports that lead nowhere, in order, each once; files without any are left out.

        A scan may hold imports that are none (text in strings), and so may this.
        """
        return self.dangling_in(self._scans)

    def dangling_in(self, paths: Iterable[str]) -> dict[str, tuple[Dangling, ...]]:
        """The same of some of the files, in their order; no others are judged."""
        return {path: tuple(dict.fromkeys(found)) for path, found in self.each_dangling_in(paths).items()}

    def each_dangling_in(self, paths: Iterable[str]) -> dict[str, list[Dangling]]:
        """The same, each as often as its file imports it."""
        wanted = list(paths)
        fresh = [path for path in wanted if path not in self._found]
        self._found.update(self._settled(lambda: {path: list(self._dangling_of(path)) for path in fresh}))
        return {path: found for path in wanted if (found := self._found[path])}

    def targets(self, path: str) -> Iterator[str]:
        """The first-party modules that a file imports, or from which it imports."""
        targets = (self._target(path, imported) for imported in self._scans[path].imports)
        return (module for module in targets if module is not None)

    def count(self) -> tuple[int, int]:
        """How many names the project's files import from first-party modules, and how many of those dangle."""
        total = sum(map(self.count_in, self._scans))
        self.dangling()
        return total, sum(map(len, self._found.values()))

    def count_in(self, path: str) -> int:
        """How many names a file imports from first-party modules, modules that it imports themselves counted too."""
        imports = self._scans[path].imports
        return sum(len(each.names) or 1 for each in imports if self._target(path, each) is not None)

    def dangling_string(self, text: str, path: str | None = None) -> Dangling | None:
        """What a string like `package.module.Class.attribute` (or `package.module:name`) names that is not there.

        Only the first part behind the longest path of modules is judged. If a package lacks it, and more follows
        and it does not look like a class, it is taken for a module that is gone. `path` is the file that holds
        the string: what works from there does not dangle.
        """
        return self.dangling_strings([(text, path)])[0]

    def dangling_strings(self, texts: Sequence[tuple[str, str | None]]) -> list[Dangling | None]:
        """The same for many strings, each with its file."""
        return self._settled(lambda: [self._dangling_string(text, path) for text, path in texts])

    def _dangling_string(self, text: str, path: str | None) -> Dangling | None:
        pair = self._pair_of(text)
        found = self._judge(*pair) if pair is not None else None
        return None if found is None or (path is not None and self._is_excused(path, found)) else found

    def _pair_of(self, text: str) -> tuple[str, str] | None:
        """Module and name that a string asks for, if it asks for more than modules that are there."""
        dotted, colon, attribute = text.partition(":")
        parts = dotted.split(".")
        if parts[0] not in self.tops:
            return None
        known = self._known(parts)
        module, behind = ".".join(parts[:known]), parts[known:]
        if colon:
            named = attribute.partition(".")[0]
            if named and (not behind or self._is_folder(module)):
                return dotted, named
        if not known or not behind:
            return None
        if self._is_folder(module) and self._offered_by(module, behind[0]) is False:
            gone = next((n for n, part in enumerate(behind[:-1]) if part[:1].isupper()), len(behind) - 1)
            module, behind = ".".join([module, *behind[:gone]]), behind[gone:]
        return module, behind[0]

    def _known(self, parts: list[str]) -> int:
        """How many of the parts of a path, from its start, are modules."""
        whole = len(parts)
        return next((n for n in range(whole) if not self.exists(".".join(parts[: n + 1]))), whole)

    def _is_folder(self, dotted: str) -> bool:
        file = self.module(dotted)
        return file is None or _is_package(file)

    def _settled(self, answer: Callable[[], _T]) -> _T:
        """An answer that holds with all that git ignores.

        Git is asked about what is missing and matters: its word only makes more things be there.
        """
        found = answer()
        while self._beside.ask_git():
            self._judged = {pair: fault for pair, fault in self._judged.items() if fault is None}
            self._offered = {pair: offered for pair, offered in self._offered.items() if offered is not False}
            found = answer()
        return found

    @cached_property
    def _missing(self) -> Collection[str]:
        """The modules that are asked for somewhere and not there, as paths without a suffix."""
        if self._overview is not None:
            return _Missing(self, self._project.source_roots, self._overview.asked)
        missing = {module for module in self._asked_for() if not self.exists(module)}
        for text in frozenset[str]().union(*(scan.strings for scan in self._scans.values())):
            parts = text.partition(":")[0].split(".")
            missing.add(".".join(parts[: self._known(parts) + 1]))
        roots = self._project.source_roots
        return frozenset(_join(root, module.replace(".", "/")) for module in missing for root in roots)

    def _asked_for(self) -> set[str]:
        """The first-party modules that the project's files import from."""
        imports = [(path, each) for path, scan in self._scans.items() for each in scan.imports]
        plain = {each.module for _, each in imports if not each.level}
        found = {self._target(path, each) for path, each in imports if each.level}
        found |= {module for module in plain if module.partition(".")[0] in self.tops}
        return {module for module in found if module is not None}

    def _dangling_of(self, path: str) -> Iterator[Dangling]:
        for imported in self._scans[path].imports:
            module = self._target(path, imported)
            if module is None:
                continue
            files = self._located(module, self._project.source_roots)
            itself = path in files
            plain = self._plain(files[0]) if files and not itself else {}
            for name in imported.names or (None,):
                if name in plain:  # as nearly always
                    continue
                found = self._judge(module, name)
                if found is None and itself and name is not None and self._asks_itself(path, module, name):
                    found = Dangling(module, name, "name")
                if found is not None and not self._is_excused(path, found, is_relative=imported.level > 0):
                    yield found

    def _asks_itself(self, path: str, module: str, name: str) -> bool:
        """Whether nothing but imports from a module by itself binds a name there: `from . import x` in an __init__."""
        roots = self._project.source_roots
        if self.exists(f"{module}.{name}"):
            return False
        names = self.names(path)
        if names.bound.get(name) != "import" or names.open or names.paths_open or names.stars:
            return False
        if self._beside.holds(f"{module}.{name}", roots) or self._beside.is_folder(f"{module}.{name}", roots):
            return False
        return all(self._target_of(path, node) == module for node in self._imports_of(path, name))

    def _imports_of(self, path: str, name: str) -> list[ast.ImportFrom | None]:
        """The imports in a file that bind a name; None stands for one that takes it from no module."""
        source = Source(self._project.read(path))
        nodes = [node for node in ast.walk(parse(source.text, source.body).tree) if isinstance(node, _IMPORTS)]
        return [
            node if isinstance(node, ast.ImportFrom) else None
            for node in nodes
            for alias in node.names
            if (alias.asname or alias.name.partition(".")[0]) == name
        ]

    def _target_of(self, path: str, node: ast.ImportFrom | None) -> str | None:
        return None if node is None else self.absolute(path, node.level, node.module or "")

    def _target(self, path: str, imported: Imported) -> str | None:
        if imported.level:
            return self.absolute(path, imported.level, imported.module)
        return imported.module if imported.module.partition(".")[0] in self.tops else None

    def _judge(self, module: str, name: str | None) -> Dangling | None:
        """What is wrong with an import as read from the source roots; None if nothing is."""
        key = module, name
        try:
            return self._judged[key]
        except KeyError:
            kind = self._fault(module, name, self._project.source_roots)
            found = None if kind is None else Dangling(module, name, kind, self._elsewhere(module, name))
            self._judged[key] = found
            return found

    def _fault(self, module: str, name: str | None, roots: _Roots) -> str | None:
        """What is gone of an import, as read from some roots: the `module` or the `name`; None: nothing."""
        if not self._exists(module, roots):
            whole = module if name is None else f"{module}.{name}"
            top = module.partition(".")[0]
            unknown = self._is_out_of_sight(module, roots) or top in self._hooked or self._is_shared(top)
            return None if unknown or self._beside.is_folder(whole, roots) else "module"
        if name is None or name == "*":
            return None
        offered = (
            self._offered_by(module, name)
            if roots is self._project.source_roots
            else self._offers(module, name, roots, frozenset())
        )
        return "name" if offered is False and not self._beside.is_folder(f"{module}.{name}", roots) else None

    def _is_shared(self, top: str) -> bool:
        """Whether a declared distribution may bring another part of a namespace package (PEP 420), by its name."""
        if self.module(top) is not None:
            return False
        prefix = top.replace("_", "-").lower() + "-"
        return any(
            name.replace("_", "-").replace(".", "-").lower().startswith(prefix) for name in self._said.installed
        )

    def _is_excused(self, path: str, found: Dangling, *, is_relative: bool = False) -> bool:
        """Whether an import that dangles as read from the source roots may work in one file."""
        if self._is_stubbed(path, found):
            return True
        return not is_relative and any(
            self._works_from(root, found)
            for folder in _folders_around(path)
            for root in (folder, _join(folder, "src"))
        )

    def _works_from(self, folder: str, found: Dangling) -> bool:
        """Whether an import works if a folder comes first on sys.path."""
        first = found.module.partition(".")[0]
        if not self._exists(first, (folder,)) and not self._beside.holds(first, (folder,)):
            return False  # as nearly always, and quickly told
        return self._fault(found.module, found.name, (folder,)) is None

    def _elsewhere(self, module: str, name: str | None) -> tuple[str, ...]:
        tail = f"/{module.replace('.', '/')}"
        folders = {
            base.removesuffix(tail) for base in self._bases.get(module.rpartition(".")[2], ()) if base.endswith(tail)
        }
        return tuple(sorted(folder for folder in folders if self._fault(module, name, (folder,)) is None))

    @cached_property
    def _bases(self) -> dict[str, list[str]]:
        """The modules' paths without suffix, by their last part."""
        found: dict[str, list[str]] = {}
        for path in self._project.files:
            base = path.removesuffix("/__init__.py").removesuffix(".py")
            found.setdefault(posixpath.basename(base), []).append(base)
        return found

    # What is put into sys.modules

    def _is_stubbed(self, path: str, found: Dangling) -> bool:
        """Whether something that runs before an import may put its module into sys.modules."""
        packages = list(_prefixes(found.module))
        stubbers = {
            stubber for part in (*packages, f"{found.module}.{found.name}") for stubber in self._stubbers.get(part, ())
        }
        if not stubbers:
            return False
        if any(_is_conftest_of(stubber, path) for stubber in stubbers):
            return True
        running = [path, *(file for part in packages if (file := self.module(part)))]
        return any(not stubbers.isdisjoint(self.reached(file)) for file in running)

    @cached_property
    def _stubbers(self) -> Mapping[str, Collection[str]]:
        """The files that put a module into sys.modules, by its dotted path."""
        if self._overview is not None:
            return self._overview.stubbers
        found: dict[str, list[str]] = {}
        for path, scan in self._scans.items():
            for module in scan.stubs:
                absolute = self._project.module_name(path) + module if module.startswith(".") else module
                found.setdefault(absolute, []).append(path)
        return found

    # Who has what, who uses whom

    def scan_of(self, path: str) -> Scan:
        """What a file's bytes tell; nothing of a file that was not scanned."""
        return self._scans.get(path) or Scan(is_readable=False)

    def definitions(self, name: str) -> list[tuple[str, str]]:
        """Path and kind of every module that plainly defines a name at module level, not imports it; sorted."""
        self.look_for({name})
        return self._definitions[name]

    def look_for(self, names: Collection[str]) -> None:
        """Find the definitions of some names at once, which takes no longer than those of one."""
        fresh = frozenset(names) - self._definitions.keys()
        self._definitions.update((name, []) for name in fresh)
        for name in fresh:
            note(BOUND, name)  # once for all files, whose names are then looked through as they are
        for path in sorted(self._scans) if fresh else ():
            names = self._scans[path].names
            bound = names.held if isinstance(names, AskedMapping) else names
            for name in bound.keys() & fresh:
                if bound[name] != "import":
                    self._definitions[name].append((path, bound[name]))

    def reached(self, path: str) -> frozenset[str]:
        """The files that surely run when the module at a path is imported, that and the packages around it included.

        Only imports at column 0 count: what stands in a branch or a function may not run.
        """
        if path not in self._reached:
            reached, waiting = {path}, [path]
            while waiting:
                fresh = self.run_by(waiting.pop()) - reached
                reached |= fresh
                waiting += fresh
            self._reached[path] = frozenset(reached)
        return self._reached[path]

    def run_by(self, path: str) -> frozenset[str]:
        """The files that importing the module at a path runs first hand."""
        if path not in self._runs:
            self._runs[path] = frozenset(self._read_runs(path))
        return self._runs[path]

    def _read_runs(self, path: str) -> Iterator[str]:
        """The files that one file's import runs first hand."""
        for folder in _folders_around(path):
            if f"{folder}/__init__.py" in self._project.files:
                yield f"{folder}/__init__.py"
        scan = self._scans.get(path)
        for imported in scan.imports if scan is not None else ():
            module = self._target(path, imported) if imported.at_top else None
            if module is not None:
                paths = (*_prefixes(module), *(f"{module}.{name}" for name in imported.names))
                yield from (file for dotted in paths if (file := self.module(dotted)))


@dataclass(frozen=True, slots=True)
class _Missing(Collection[str]):
    """Those of many modules that are not there, as paths without a suffix; which, is found out one by one."""

    index: Index
    roots: _Roots
    asked: Collection[str]

    def __contains__(self, base: object) -> bool:
        return any(module in self.asked and not self.index.exists(module) for module in self._modules(str(base)))

    def _modules(self, base: str) -> Iterator[str]:
        for root in self.roots:
            if not root or base.startswith(f"{root}/"):
                yield base[len(root) + 1 if root else 0 :].replace("/", ".")

    def __iter__(self) -> Iterator[str]:
        missing = [module for module in self.asked if not self.index.exists(module)]
        return iter(_join(root, module.replace(".", "/")) for module in missing for root in self.roots)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Beside:
    """What lies beside the project's files without being one of them: ignored, generated, compiled, stubs."""

    def __init__(
        self, around: Surroundings, generated: frozenset[str], missing: Callable[[], Collection[str]]
    ) -> None:
        """`generated` are files that the project's build writes; `missing` gives what git may be asked about."""
        self._around = around
        self._made = set(generated)
        self._missing = missing
        self._open: set[str] = set()
        self._asked: set[str] = set()
        self._times_asked = 0
        self._modules: dict[str, frozenset[str]] = {}
        self._there: dict[str, bool] = {}

    def holds(self, dotted: str, roots: Iterable[str]) -> bool:
        """Whether a module may be there without being a file of the project: on disk, or once it is generated."""
        if dotted.endswith(("_pb2", "_pb2_grpc")):  # written by protoc
            return True
        inner = dotted.replace(".", "/")
        return any(self._is_there(_join(root, inner)) for root in roots)

    def _is_there(self, base: str) -> bool:
        if base not in self._there:
            folder, stem = posixpath.split(base)
            self._there[base] = stem in self._modules_in(folder) or bool(self._modules_in(base))
        if self._there[base] or f"{base}.py" in self._made or f"{base}/__init__.py" in self._made:
            return True
        if base not in self._asked and base in self._missing():
            self._open.add(base)
        return False

    def _modules_in(self, folder: str) -> frozenset[str]:
        """The modules that the files in a folder are or become."""
        if folder not in self._modules:
            names = self._around.listing(folder).names
            self._modules[folder] = frozenset(filter(None, map(module_of, names)))
        return self._modules[folder]

    def is_folder(self, dotted: str, roots: Iterable[str]) -> bool:
        """Whether there is a folder for a module that holds a file: without one for Python it can be imported, too."""
        inner = dotted.replace(".", "/")
        return any(self._around.listing(_join(root, inner)).has_files for root in roots)

    def stub_of(self, path: str) -> str | None:
        """The .pyi beside a module."""
        folder, name = posixpath.split(path)
        return f"{path}i" if f"{name}i" in self._around.listing(folder).names else None

    def may_extend(self, path: str) -> bool:
        """Whether a compiled module lies beside a module and takes its place."""
        folder, name = posixpath.split(path)
        stem = posixpath.splitext(name)[0]
        names = self._around.listing(folder).names
        return any(name.startswith(f"{stem}.") and name.endswith(_COMPILED) for name in names)

    def ask_git(self) -> bool:
        """Find out which of the modules that were missed git would ignore, since something may generate those.

        Whether there are more of them now.
        """
        if not self._open:
            return False
        # Each time a process is started: at last ask about all that there is.
        asked = self._open if self._times_asked < _TIMES else set(self._missing()) - self._asked
        made = self._around.ignored(path for base in asked for path in (f"{base}.py", f"{base}/__init__.py"))
        self._times_asked += 1
        self._asked |= asked
        self._open = set()
        self._made |= made
        return bool(made)


_TIMES = 3
_IMPORTS = (ast.Import, ast.ImportFrom)
_COMPILED = (".pyd", ".so")
_SOURCES = (".py", ".pyc", ".pyi", ".pyw", ".pyx")


def module_of(name: str) -> str:
    """The module that a file of this name is or becomes; empty if none."""
    if name.endswith(_COMPILED):  # module.cpython-311-x86_64-linux-gnu.so
        return name.partition(".")[0]
    stem, suffix = posixpath.splitext(name)
    return stem if suffix in _SOURCES else ""


def _any(answers: Iterable[bool | None]) -> bool | None:
    """True if one is, else None if one is unknown."""
    known = set(answers)
    return True if True in known else None if None in known else False


def _join(root: str, inner: str) -> str:
    return f"{root}/{inner}" if root else inner


def _is_package(path: str) -> bool:
    return posixpath.basename(path) == "__init__.py"


def _is_conftest_of(conftest: str, path: str) -> bool:
    folder, name = posixpath.split(conftest)
    return name == "conftest.py" and (not folder or path.startswith(f"{folder}/"))


def _prefixes(dotted: str) -> Iterator[str]:
    """A dotted path and the packages around it."""
    while dotted:
        yield dotted
        dotted = dotted.rpartition(".")[0]


def _folders_around(path: str) -> Iterator[str]:
    """The folders around a file, inside out, but for the root."""
    folder = posixpath.dirname(path)
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
