"""Which distributions a project says that it needs, and which top-level names it says are its own.

Read from the files in which projects say so, nothing is installed or run. A file that can't be read says nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ssot_fix.project.surroundings import Surroundings

_DEPTH = 2
_PASSED_OVER = frozenset({"node_modules", "site-packages", "venv", "env", "__pycache__"})
_REQUIREMENT = re.compile(r"\s*(?:-e\s+)?([A-Za-z0-9][\w.-]*)(?![\w.:/\\-])")
_EGG = re.compile(r"[#&]egg=([\w.-]+)")
_CONDA = re.compile(r"^\s*-\s*[\"']?(?:[\w-]+::)?([A-Za-z0-9][\w.-]*)", re.MULTILINE)
_LOCKED = re.compile(r"^name = \"([^\"]+)\"", re.MULTILINE)
_OWN_SOURCE = re.compile(r"^source = \{ *(?:editable|virtual|directory|workspace)\b", re.MULTILINE)
# Distributions that install a package of another name, as far as a project may have a folder of that name.
_INSTALLS: Mapping[str, tuple[str, ...]] = {
    "attrs": ("attr",),
    "beautifulsoup4": ("bs4",),
    "django_rest_framework": ("rest_framework",),
    "djangorestframework": ("rest_framework",),
    "grpcio": ("grpc",),
    "kafka_python": ("kafka",),
    "opencv_python": ("cv2",),
    "pillow": ("pil",),
    "protobuf": ("google",),
    "pycryptodome": ("crypto",),
    "pygithub": ("github",),
    "pyjwt": ("jwt",),
    "pyserial": ("serial",),
    "pyyaml": ("yaml",),
    "scikit_learn": ("sklearn",),
    "setuptools": ("pkg_resources",),
    "websocket_client": ("websocket",),
}
_FAMILIES = ("azure", "google", "opentelemetry", "prometheus", "sphinxcontrib", "zope")  # google-cloud-storage: google


@dataclass(frozen=True, slots=True)
class Declared:
    """What a project says of itself.

    `installed` are the top-level names of the distributions that it needs, lower case, as far as they can be told;
    `own` patterns (`fnmatch`) of the top-level names that are its own; `generated` files that its build writes,
    posix and relative to the root.
    """

    installed: frozenset[str]
    own: frozenset[str]
    generated: frozenset[str]

    def shadows(self, name: str) -> bool:
        """Whether a distribution's package of a name is likely to be installed beside the project's folder."""
        return name.lower() in self.installed and not self.claims(name)

    def claims(self, name: str) -> bool:
        """Whether the project says that a top-level name is its own."""
        return any(fnmatchcase(name, pattern) for pattern in self.own)


class _Collected:
    def __init__(self) -> None:
        self.distributions: set[str] = set()
        self.own: set[str] = set()
        self.generated: set[str] = set()

    def require(self, requirements: object) -> None:
        """Add requirements in the spelling of PEP 508."""
        for requirement in _texts(requirements):
            found = _EGG.search(requirement) or _REQUIREMENT.match(requirement)
            if found is not None and not requirement.lstrip().startswith(("#", "-r", "-c", "--")):
                self.distributions.add(found[1])

    def name(self, distributions: object) -> None:
        """Add the distributions that are the keys of a table."""
        if isinstance(distributions, Mapping):
            self.distributions.update(map(str, distributions))

    def claim(self, names: object) -> None:
        """Add own packages, given as dotted names or paths."""
        for name in _texts(names):
            parts = [part for part in re.split(r"[./]", name.strip()) if part]
            if parts and parts[0] == "src":
                del parts[0]
            if parts and parts[0] != "*":
                self.own.add(parts[0])


def declared(around: Surroundings) -> Declared:
    """Read what the files in the top two levels of folders say."""
    collected = _Collected()
    for folder, name in _files(around):
        reader = _reader(folder, name)
        if reader is None:
            continue
        try:
            reader(_text(around.read(folder + name)), folder, collected)
        except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    installed = {name for each in collected.distributions for name in _installs(each)}
    return Declared(frozenset(installed), frozenset(collected.own), frozenset(collected.generated))


def _installs(distribution: str) -> Iterator[str]:
    """The top-level names that a distribution may install, by its name."""
    name = re.sub(r"[-_.]+", "_", distribution).lower()
    yield name
    yield from _INSTALLS.get(name, ())
    for affix in ("_python", "_py", "_binary", "_client", "_sdk", "_stubs"):
        yield name.removesuffix(affix)
    for affix in ("python_", "py", "types_"):
        yield name.removeprefix(affix)
    if (family := name.partition("_")[0]) in _FAMILIES:
        yield family


def _text(data: bytes) -> str:
    """What a text file holds, its newlines as `open` gives them."""
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")


def _files(around: Surroundings) -> Iterator[tuple[str, str]]:
    """The files of the top two levels of folders, by folder, with its slash, and name."""
    waiting = [("", 0)]
    while waiting:
        folder, depth = waiting.pop()
        found = around.listing(folder.removesuffix("/"))
        for name in sorted(found.names):
            if name not in found.folders:
                yield folder, name
            elif depth < _DEPTH and name not in found.linked | _PASSED_OVER and not name.startswith("."):
                waiting.append((f"{folder}{name}/", depth + 1))


def may_declare(path: str) -> bool:
    """Whether what a file holds may be something that a project says of itself."""
    folder, slash, name = path.rpartition("/")
    return path.count("/") <= _DEPTH and _reader(folder + slash, name) is not None


_Reader = Callable[[str, str, _Collected], None]


def _reader(folder: str, name: str) -> _Reader | None:
    if name.endswith((".txt", ".in")) and ("requirements" in name or folder.endswith("requirements/")):
        return _requirements
    return _READERS.get(name)


def _requirements(text: str, _folder: str, collected: _Collected) -> None:
    collected.require(text.splitlines())


def _toml(text: str) -> Mapping[str, Any]:
    import tomllib  # noqa: PLC0415  for projects that have such a file

    return tomllib.loads(text)


def _pyproject(text: str, folder: str, collected: _Collected) -> None:
    data = _toml(text)
    project, tool = _table(data, "project"), _table(data, "tool")
    collected.require(project.get("dependencies"))
    collected.require(_table(data, "build-system").get("requires"))
    for group in (
        *_table(project, "optional-dependencies").values(),
        *_table(data, "dependency-groups").values(),
        *_table(tool, "pdm", "dev-dependencies").values(),
        *(_table(env).get("dependencies") for env in _table(tool, "hatch", "envs").values()),
        _table(tool, "uv").get("dev-dependencies"),
    ):
        collected.require(group)
    poetry = _table(tool, "poetry")
    collected.name(poetry.get("dependencies"))
    collected.name(poetry.get("dev-dependencies"))
    for group in _table(poetry, "group").values():
        collected.name(_table(group).get("dependencies"))
    _own_names(project, tool, collected)
    for table, key in (
        (_table(tool, "setuptools_scm"), "version_file"),
        (_table(tool, "setuptools_scm"), "write_to"),
        (_table(tool, "hatch", "build", "hooks", "vcs"), "version-file"),
        (_table(tool, "pdm", "version"), "write_to"),
    ):
        collected.generated.update(folder + written for written in _texts(table.get(key)))


def _own_names(project: Mapping[str, Any], tool: Mapping[str, Any], collected: _Collected) -> None:
    poetry, setuptools = _table(tool, "poetry"), _table(tool, "setuptools")
    for name in (project.get("name"), poetry.get("name")):
        collected.claim([_module_like(text) for text in _texts(name)])
    for claimed in (
        _table(tool, "isort").get("known_first_party"),
        _table(tool, "ruff", "isort").get("known-first-party"),
        _table(tool, "ruff", "lint", "isort").get("known-first-party"),
        _table(tool, "flit", "module").get("name"),
        setuptools.get("packages"),
        setuptools.get("py-modules"),
        _table(setuptools, "packages", "find").get("include"),
        _table(tool, "hatch", "build", "targets", "wheel").get("packages"),
    ):
        collected.claim(claimed)
    for package in poetry.get("packages") or ():
        collected.claim(_table(package).get("include"))


def _setup_cfg(text: str, _folder: str, collected: _Collected) -> None:
    import configparser  # noqa: PLC0415  for projects that have such a file

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section, key in (("options", "install_requires"), ("options", "setup_requires"), ("options", "tests_require")):
        collected.require(parser.get(section, key, fallback="").splitlines())
    if parser.has_section("options.extras_require"):
        for _, value in parser.items("options.extras_require"):
            collected.require(value.splitlines())
    collected.claim(_module_like(parser.get("metadata", "name", fallback="")))
    for section, key in (
        ("options", "packages"),
        ("options", "py_modules"),
        ("options.packages.find", "include"),
        ("isort", "known_first_party"),
        ("tool:isort", "known_first_party"),
        ("settings", "known_first_party"),
    ):
        value = parser.get(section, key, fallback="")
        if "find" not in value:
            collected.claim(re.split(r"[,\s]+", value))


def _setup_py(text: str, _folder: str, collected: _Collected) -> None:
    tree = ast.parse(text)
    assigned = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        for keyword in call.keywords:
            value = keyword.value
            value = assigned.get(value.id, value) if isinstance(value, ast.Name) else value
            texts = [n.value for n in ast.walk(value) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
            if keyword.arg in ("install_requires", "extras_require", "setup_requires", "tests_require"):
                collected.require(texts)
            elif keyword.arg == "name":
                collected.claim([_module_like(text) for text in texts])
            elif keyword.arg in ("packages", "py_modules") and isinstance(value, ast.List | ast.Tuple):
                collected.claim(texts)


def _pipfile(text: str, _folder: str, collected: _Collected) -> None:
    data = _toml(text)
    collected.name(data.get("packages"))
    collected.name(data.get("dev-packages"))


def _pipfile_lock(text: str, _folder: str, collected: _Collected) -> None:
    import json  # noqa: PLC0415  for projects that have such a file

    data = json.loads(text)
    collected.name(_table(data, "default"))
    collected.name(_table(data, "develop"))


def _conda(text: str, _folder: str, collected: _Collected) -> None:
    collected.distributions.update(_CONDA.findall(text))


def _lock(text: str, _folder: str, collected: _Collected) -> None:
    for package in text.split("[[package]]")[1:]:
        if not _OWN_SOURCE.search(package):
            collected.distributions.update(_LOCKED.findall(package)[:1])


_READERS: Mapping[str, _Reader] = {
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup_cfg,
    ".isort.cfg": _setup_cfg,
    "setup.py": _setup_py,
    "Pipfile": _pipfile,
    "Pipfile.lock": _pipfile_lock,
    "environment.yml": _conda,
    "environment.yaml": _conda,
    "poetry.lock": _lock,
    "uv.lock": _lock,
    "pdm.lock": _lock,
}


def _module_like(distribution: str) -> str:
    return re.sub(r"[-.]+", "_", distribution)


def _table(data: object, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []
