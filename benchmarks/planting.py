"""Known reads of the environment, planted in copies of real code with a seed, beside what only looks like one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from random import Random

SEED = 20251126
_OWN = re.compile(rb"\bos\.(environ|getenv)\b")
_IN_A_MODULE = 8

# Shapes of code. KEY is another name in each place; a line that ends in #! is a read of the environment. All of them
# can be run: that is how the tests know that the marks are right.
READS = {
    "getenv": 'import os\n\n\ndef NAME():\n    return os.getenv("KEY")  #!',
    "default": 'import os\n\n\ndef NAME(fallback="x"):\n    return os.getenv("KEY", fallback)  #!',
    "environ.get": 'import os\n\n\ndef NAME():\n    return os.environ.get("KEY", "x")  #!',
    "lookup": 'import os\n\n\ndef NAME():\n    return os.environ["KEY"]  #!',
    "alias": 'import os as o\n\n\ndef NAME():\n    return o.getenv("KEY")  #!',
    "from": 'from os import getenv\n\n\ndef NAME():\n    return getenv("KEY")  #!',
    "from alias": 'from os import getenv as read\n\n\ndef NAME():\n    return read("KEY")  #!',
    "from environ": 'from os import environ\n\n\ndef NAME():\n    return environ.get("KEY")  #!',
    "environ alias": 'from os import environ as e\n\n\ndef NAME():\n    return e["KEY"]  #!',
    "submodule": 'import os.path\n\n\ndef NAME():\n    return os.getenv("KEY")  #!',
    "local": 'def NAME():\n    import os\n\n    return os.getenv("KEY")  #!',
    "local alias": 'def NAME():\n    import os as system\n\n    return system.environ["KEY"]  #!',
    "local from": 'def NAME():\n    from os import getenv\n\n    return getenv("KEY")  #!',
    "f-string": "import os\n\n\ndef NAME():\n    return f\"<{os.getenv('KEY')}>\"  #!",
    "lambda": 'import os\n\n\ndef NAME():\n    return (lambda: os.environ.get("KEY"))()  #!',
    "several lines": ('import os\n\n\ndef NAME():\n    return os.getenv(  #!\n        "KEY",\n        "x",\n    )'),
    "condition": 'import os\n\n\ndef NAME():\n    if os.getenv("KEY") == "on":  #!\n        return 1\n    return 0',
    "comprehension": (
        'import os\n\n\ndef NAME():\n    return [text for text in (os.environ.get("KEY"),) if text]  #!'
    ),
}
DECOYS = {
    "string": "import os\n\n\ndef NAME():\n    return \"os.getenv('KEY')\", os.sep",
    "docstring": 'def NAME():\n    """Calls os.getenv("KEY") and os.environ["KEY"], some day."""',
    "comment": 'def NAME():\n    # return os.getenv("KEY")\n    return None  # os.environ["KEY"]',
    "parameter": 'import types\n\n\ndef NAME(os=types.SimpleNamespace(getenv=str)):\n    return os.getenv("KEY")',
    "local name": (
        'import types\n\n\ndef NAME():\n    os = types.SimpleNamespace(environ={})\n    return os.environ.get("KEY")'
    ),
    "own function": 'def NAME():\n    def getenv(name):\n        return name\n\n    return getenv("KEY")',
    "loop": (
        "import types\n\n\ndef NAME():\n    for os in (types.SimpleNamespace(getenv=str),):\n"
        '        return os.getenv("KEY")'
    ),
    "attribute": (
        "import types\n\n\ndef NAME():\n    box = types.SimpleNamespace(os=types.SimpleNamespace(getenv=str))\n"
        '    return box.os.getenv("KEY")'
    ),
    "own mapping": 'def NAME():\n    environ = {"KEY": 1}\n    return environ["KEY"]',
}
# What can stand at the end of any module: nothing is bound there but a function of its own name.
_ANYWHERE = tuple(name for name, text in {**READS, **DECOYS}.items() if text.startswith("def "))

ACCESSOR_PATH = "shared/isolated_environment.py"
ACCESSOR = {
    "shared/__init__.py": "",
    ACCESSOR_PATH: '''"""The one way to the environment of these programs."""

from __future__ import annotations

import os


class IsolatedEnvironment:
    """The environment of this process."""

    def get(self, key: str, default: str | None = None) -> str | None:
        return os.environ.get(key, default)

    def __getitem__(self, key: str) -> str:
        return os.environ[key]

    def set(self, key: str, value: str, source: str = "unknown") -> None:
        os.environ[key] = value

    def delete(self, key: str) -> None:
        os.environ.pop(key, None)

    def exists(self, key: str) -> bool:
        return key in os.environ

    def get_all(self) -> dict[str, str]:
        return dict(os.environ)


_ENVIRONMENT = IsolatedEnvironment()


def get_env() -> IsolatedEnvironment:
    """The environment."""
    return _ENVIRONMENT
''',
}


@dataclass(frozen=True, slots=True)
class Planted:
    """A text, and its lines (from 1): reads, imports of what is read through, and all lines that were planted."""

    text: str
    reads: tuple[int, ...]
    imports: tuple[int, ...]
    lines: range


@dataclass(frozen=True, slots=True)
class Truth:
    """Places (path, line) in a tree: planted reads, planted imports, and every planted line."""

    reads: frozenset[tuple[str, int]]
    imports: frozenset[tuple[str, int]]
    planted: frozenset[tuple[str, int]]

    def within(self, paths: frozenset[str]) -> Truth:
        """What of it is in these files."""
        parts = (self.reads, self.imports, self.planted)
        return Truth(*(frozenset(place for place in part if place[0] in paths) for part in parts))


def plant(root: Path, folders: Sequence[str], wanted: int, seed: int = SEED) -> Truth:
    """Plant reads in each folder of a tree until it has as many as wanted, and the accessor at the root.

    Half of them go into modules of their own beside the code, half to the end of modules that are there.
    """
    random = Random(seed)
    planted: dict[str, Planted] = {}
    for folder in folders:
        planted.update(_plant_folder(root, folder, wanted, random))
    _write(root, ACCESSOR)
    _write(root, {path: part.text for path, part in planted.items()})
    return _truth(planted)


def is_planted(path: str) -> bool:
    """Is this a module that was planted as a whole?"""
    return PurePosixPath(path).name.startswith("planted_")


def module(numbers: range, random: Random) -> Planted:
    """A module with a read for each number, and as many decoys."""
    text = '"""Planted: reads of the environment, and what only looks like one."""\n'
    for number in numbers:
        for shapes in random.sample((READS, DECOYS), 2):
            text += _shape(shapes, random.choice(sorted(shapes)), number)
    return _read_marks(text, 0)


def extend(text: str, number: int, random: Random) -> Planted:
    """A module's text with a read and a decoy at its end, that no name of the module has a part in."""
    before = text.count("\n")
    for shapes in random.sample((READS, DECOYS), 2):
        text += _shape(shapes, random.choice([name for name in _ANYWHERE if name in shapes]), number)
    return _read_marks(text, before)


def _shape(shapes: Mapping[str, str], name: str, number: int) -> str:
    what = "read" if shapes is READS else "decoy"
    text = shapes[name].replace("NAME", f"planted_{what}_{number}").replace("KEY", f"PLANTED_{number}")
    return f"\n\n{text}\n"


def _read_marks(text: str, before: int) -> Planted:
    lines = text.split("\n")[:-1]
    new = range(before + 1, len(lines) + 1)
    reads = tuple(number for number in new if lines[number - 1].endswith("  #!"))
    imports = tuple(number for number in new if re.match(r"\s*(import|from) ", lines[number - 1]))
    marked = set(reads)
    kept = [line.removesuffix("  #!") if number in marked else line for number, line in enumerate(lines, 1)]
    return Planted("\n".join(kept) + "\n", reads, imports, new)


def _plant_folder(root: Path, folder: str, wanted: int, random: Random) -> Iterator[tuple[str, Planted]]:
    files = sorted((root / folder).rglob("*.py"))
    missing = wanted - sum(len(_OWN.findall(file.read_bytes())) for file in files)
    own_modules = max(missing, 0) // 2
    for first in range(0, own_modules, _IN_A_MODULE):
        beside = random.choice(files).parent / f"planted_{first // _IN_A_MODULE}.py"
        numbers = range(first, min(first + _IN_A_MODULE, own_modules))
        yield beside.relative_to(root).as_posix(), module(numbers, random)
    hosts = random.sample(files, len(files))
    for number in range(own_modules, max(missing, 0)):
        host, text = _next_host(hosts)
        yield host.relative_to(root).as_posix(), extend(text, number, random)


def _next_host(hosts: list[Path]) -> tuple[Path, str]:
    while True:
        host = hosts.pop()
        data = host.read_bytes()
        if data.isascii() and data.endswith(b"\n") and b"\r" not in data and b"\f" not in data and _parses(data):
            return host, data.decode()


def _parses(data: bytes) -> bool:
    try:
        ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def _write(root: Path, texts: Mapping[str, str]) -> None:
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())


def _truth(planted: Mapping[str, Planted]) -> Truth:
    items = planted.items()
    return Truth(
        frozenset((path, line) for path, part in items for line in part.reads),
        frozenset((path, line) for path, part in items for line in part.imports),
        frozenset((path, line) for path, part in items for line in part.lines),
    )
