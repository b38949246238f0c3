"""The trees that tools run on: the corpora with what is planted, a sample of them, copies, one large file."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks import corpora, planting

WANTED = 400
SAMPLE_BYTES = 1_000_000
JUDGED_FILES = 60
LARGE_BYTES = 5_000_000
SETTINGS = f"""include-tests = true

[isolated-environment]
accessor = "{planting.ACCESSOR_PATH.removesuffix(".py").replace("/", ".")}:get_env"
"""
_GIT = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.invalid", "-c", "core.autocrlf=false")
# The objects are of no use: they need not be small, nor survive a power cut.
_QUICK = ("-c", "core.compression=0", "-c", "core.fsync=none", "-c", "gc.auto=0")


@dataclass(frozen=True, slots=True)
class Tree:
    """A git repository of Python files: its folder, their paths, their bytes together."""

    root: Path
    paths: tuple[str, ...]
    size: int


def planted_tree(cache: Path) -> tuple[Tree, planting.Truth]:
    """All corpora in one repository, each in a folder of its name, with reads planted and the accessor beside."""
    root = fresh(cache / "planted")
    for corpus in corpora.CORPORA:
        corpora.unpack(corpora.fetch(corpus, cache / "archives"), root / corpus.name)
    truth = planting.plant(root, [corpus.name for corpus in corpora.CORPORA], WANTED)
    return commit(root), truth


def sample_tree(cache: Path, tree: Tree) -> Tree:
    """A random part of a tree, to time what would take too long on all of it."""
    taken: list[str] = []
    size = 0
    for path in _shuffled(tree):
        if size < SAMPLE_BYTES:
            taken.append(path)
            size += (tree.root / path).stat().st_size
    return _part(tree, taken, fresh(cache / "sample"))


def judged_tree(cache: Path, tree: Tree, truth: planting.Truth) -> Tree:
    """Some files in which reads were planted, to see what a tool finds that is only timed on a sample."""
    hosts = {path for path, _ in truth.reads}
    taken = [path for path in _shuffled(tree) if path in hosts][:JUDGED_FILES]
    return _part(tree, taken, fresh(cache / "judged"))


def copied_tree(cache: Path, tree: Tree, files: int) -> Tree:
    """A repository of so many files: copies of a tree under other folders, each a little different, then a part."""
    root = fresh(cache / f"copies-{files}")
    _write_accessor(root)
    order = _shuffled(tree)
    files -= len(planting.ACCESSOR)
    for number in range(-(-files // len(order))):
        part = order[: files - number * len(order)]
        _copy(tree, part, root / f"copy_{number}", b"# copy %d\n" % number)
    return commit(root)


def large_tree(cache: Path) -> Tree:
    """A repository with one generated file of five megabytes, with some reads in it."""
    root = fresh(cache / "large")
    _write_accessor(root)
    (root / "generated.py").write_text(large_file(LARGE_BYTES), encoding="utf-8")
    return commit(root)


def large_file(size: int) -> str:
    """A module as generators write them: tables, and many functions alike; one in a hundred reads the environment."""
    random = Random(planting.SEED)
    parts = ["import os\n\n"]
    length = len(parts[0])
    while length < size:
        parts.append(_generated(len(parts), random))
        length += len(parts[-1])
    return "".join(parts)


def _generated(number: int, random: Random) -> str:
    values = [random.randrange(10**6) for _ in range(8)]
    default = f'os.getenv("GENERATED_{number}")' if number % 100 == 1 else f'"{values[0]}"'
    return (
        f"\nTABLE_{number} = {{\n    'name': 'entry {number}',\n    'values': {values},\n}}\n\n\n"
        f"def convert_{number}(value, scale={values[1]}):\n"
        f'    """Convert entry {number}."""\n'
        f"    total = sum(item * scale for item in TABLE_{number}['values'])\n"
        f"    if value is None:\n        value = {default}\n"
        f"    return [total, str(value).strip(), {{'key': TABLE_{number}['name'], 'scale': scale}}]\n\n"
    )


def fresh(folder: Path) -> Path:
    """An empty folder in the place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def commit(root: Path) -> Tree:
    """Make a repository of a folder, everything committed, and count its Python files."""
    (root / "ssot-fix.toml").write_text(SETTINGS, encoding="utf-8")
    git(root, "init", "--quiet")
    git(root, "add", "--all", "--force")
    git(root, "commit", "--quiet", "--no-verify", "--message", "benchmark")
    files = sorted(root.rglob("*.py"))
    paths = tuple(file.relative_to(root).as_posix() for file in files)
    return Tree(root, paths, sum(file.stat().st_size for file in files))


def git(root: Path, *arguments: str) -> None:
    """Run git in a repository."""
    subprocess.run(("git", *_GIT, *_QUICK, *arguments), cwd=root, check=True)


def edit(tree: Tree, paths: Iterable[str], number: int) -> None:
    """Change files a little, in another way for each number."""
    for path in paths:
        with (tree.root / path).open("ab") as file:
            file.write(b"# edit %d\n" % number)


def _shuffled(tree: Tree) -> list[str]:
    paths = [path for path in tree.paths if path not in planting.ACCESSOR]
    return Random(planting.SEED).sample(paths, len(paths))


def _copy(tree: Tree, paths: Sequence[str], target: Path, end: bytes) -> None:
    for path in paths:
        data = (tree.root / path).read_bytes()
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(data + (b"" if data.endswith(b"\n") or not end else b"\n") + end)


def _part(tree: Tree, paths: Sequence[str], root: Path) -> Tree:
    _write_accessor(root)
    _copy(tree, paths, root, b"")
    return commit(root)


def _write_accessor(root: Path) -> None:
    for path, text in planting.ACCESSOR.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def some(tree: Tree, count: int) -> list[str]:
    """A few files of a tree, always the same; half of them with planted reads."""
    order = _shuffled(tree)
    planted = [path for path in order if planting.is_planted(path)][: count // 2]
    others = [path for path in order if not planting.is_planted(path)]
    return [*planted, *others[: count - len(planted)]]


def remove(tree: Tree) -> None:
    """Give the space back."""
    shutil.rmtree(tree.root, ignore_errors=True)
