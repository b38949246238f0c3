"""What a run reads beside the project's modules: which changes of it are noticed, and which are none."""

from __future__ import annotations

import marshal
import os
import pickle
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from ssot_fix.formatting import Styles
from ssot_fix.project.index import Index, first_parts
from ssot_fix.project.metadata import read_metadata
from ssot_fix.project.resolver import Project
from ssot_fix.project.scan import scan
from ssot_fix.project.surroundings import Question, Surroundings, still_holds

posix_only = pytest.mark.skipif(os.name != "posix", reason="pipes and symbolic links of POSIX")

FILES = {
    "pyproject.toml": "[project]\nname = 'a'\n",
    "shop/cart.py": "",
    "shop/api/setup.cfg": "[metadata]\n",
    "shop/cart.pyi": "",
    ".gitignore": "made.py\n",
}
Change = Callable[[Path], object]
Ask = Callable[[Surroundings], object]

LONG_AGO = 1_500_000_000


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """An empty repository's own folder."""
    folder: Path = tmp_path_factory.mktemp("repository")
    subprocess.run(("git", "init", "--quiet", "--template="), cwd=folder, check=True)
    return folder / ".git"


@pytest.fixture
def root(tmp_path: Path, repository: Path) -> Path:
    shutil.copytree(repository, tmp_path / ".git")
    lay_out(tmp_path, FILES)
    return tmp_path


def lay_out(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())


def age(root: Path) -> None:
    """Give everything the times of long ago."""
    for path in (root, *root.rglob("*")):
        os.utime(path, (LONG_AGO, LONG_AGO))


def read(path: str) -> Ask:
    def ask(around: Surroundings) -> None:
        with suppress(OSError):
            around.read(path)

    return ask


def listed(folder: str) -> Ask:
    return lambda around: around.listing(folder)


def is_file(path: str) -> Ask:
    return lambda around: around.is_file(path)


def ignored(*paths: str) -> Ask:
    return lambda around: around.ignored(paths)


def write(path: str, text: str = "x = 1\n") -> Change:
    return lambda root: lay_out(root, {path: text})


def remove(path: str) -> Change:
    return lambda root: shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()


def touch(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        if ".git" not in path.parts:
            os.utime(path)


def rewrite(root: Path) -> None:
    """The same bytes in another file."""
    for path in FILES:
        data = (root / path).read_bytes()
        (root / path).unlink()
        (root / path).write_bytes(data)


UNNOTICED = {
    "nothing": ([read("pyproject.toml"), listed("shop"), is_file("shop/cart.py")], lambda _root: None),
    "a touch": ([read("pyproject.toml"), listed("shop"), listed("shop/api"), is_file("a.toml")], touch),
    "the same bytes once more": ([read("pyproject.toml"), read("shop/api/setup.cfg"), listed("shop")], rewrite),
    "a file that was not asked about": ([read("pyproject.toml"), listed("shop")], write("shop/api/setup.py")),
    "text in a file that was only listed": ([listed("shop"), is_file("shop/cart.pyi")], write("shop/cart.pyi")),
    "a log beside another file": ([listed("shop"), listed("")], write("shop/out.log")),
    "what stays away": ([read("setup.py"), read("a/b/c.toml"), is_file("ruff.toml"), listed("a/b")], touch),
    "a file below a missing folder's name": ([listed("a/b")], write("shop/b/c.py")),
    "what git ignores as before": (
        [ignored("made.py", "shop/made.py", "a.py")],
        write(".gitignore", "/made.py\nmade.py"),
    ),
}


@pytest.mark.parametrize(("asked", "change"), UNNOTICED.values(), ids=UNNOTICED)
@pytest.mark.parametrize("old", [True, False], ids=["old", "young"])
def test_what_is_no_change(asked, change, old, root):
    if old:
        age(root)
    questions = answers_to(root, asked)
    change(root)
    assert still_holds(root, questions)


NOTICED = {
    "another text": ([read("pyproject.toml")], write("pyproject.toml", "[project]\nname = 'b'\n")),
    "a longer text": ([read("pyproject.toml")], write("pyproject.toml")),
    "a file that is gone": ([read("pyproject.toml")], remove("pyproject.toml")),
    "a file that has come": ([read("setup.cfg")], write("setup.cfg")),
    "a file in a folder that has come": ([read("a/b.toml")], write("a/b.toml")),
    "a folder in the place of a file": (
        [read("pyproject.toml")],
        lambda root: (remove("pyproject.toml")(root), (root / "pyproject.toml").mkdir()),
    ),
    "a file in the place of a folder": (
        [read("shop/api")],
        lambda root: (remove("shop/api")(root), write("shop/api")(root)),
    ),
    "no file any more": ([is_file("shop/cart.pyi")], remove("shop/cart.pyi")),
    "now a file": ([is_file("ruff.toml")], write("ruff.toml")),
    "a new entry": ([listed("shop")], write("shop/bag.pyx")),
    "a new entry of the root": ([listed("")], write("requirements.txt")),
    "an entry that is gone": ([listed("shop")], remove("shop/cart.pyi")),
    "a new folder": ([listed("shop")], write("shop/new/x")),
    "a first file of whatever name": ([listed("shop/new")], write("shop/new/x")),
    "a folder that is gone": ([listed("shop/api")], remove("shop/api")),
    "a folder around it that is gone": ([listed("shop/api")], remove("shop")),
    "a folder that has come": ([listed("a/b")], write("a/b/c.py")),
    "ignored from now on": ([ignored("made.py", "a.py")], write(".gitignore", "*.py")),
    "ignored no more": ([ignored("made.py", "a.py")], write(".gitignore", "")),
    "ignored by another file": ([ignored("shop/a.py")], write("shop/.gitignore", "a.py")),
    "ignored, in the second question": ([ignored("a.py"), ignored("made.py", "b.py")], write(".gitignore", "")),
    "no repository any more": ([ignored("made.py")], remove(".git")),
}


@pytest.mark.parametrize(("asked", "change"), NOTICED.values(), ids=NOTICED)
@pytest.mark.parametrize("old", [True, False], ids=["old", "young"])
def test_what_is_a_change(asked, change, old, root):
    if old:
        age(root)
    questions = answers_to(root, asked)
    assert still_holds(root, questions)
    change(root)
    assert not still_holds(root, questions)


def answers_to(root: Path, asked: list[Ask]) -> tuple[Question, ...]:
    around = Surroundings(root)
    for ask in asked:
        ask(around)
    return around.asked()


def test_the_same_size_and_time_do_not_hide_a_change(root):
    """Neither in a file nor in a folder, and whether or not they had just been written."""
    for when in (LONG_AGO, None):
        for asked, change in ((read("pyproject.toml"), "pyproject.toml"), (listed("shop"), "shop")):
            os.utime(root / change, when and (when, when))
            before = (root / change).stat()
            questions = answers_to(root, [asked])
            if change == "shop":
                (root / f"shop/{when}.pyi").write_bytes(b"")
            else:
                (root / change).write_bytes((root / change).read_bytes()[::-1])
            os.utime(root / change, ns=(before.st_atime_ns, before.st_mtime_ns))
            assert (root / change).stat().st_size == before.st_size
            assert not still_holds(root, questions)


def test_facts_of_what_has_just_changed_are_not_kept(root):
    """A second change within the same tick of the clock would have the same ones."""
    around = Surroundings(root)
    around.read("pyproject.toml")
    around.listing("shop")
    assert [facts for *_, facts in around.asked()] == [None, None, None]


@posix_only
def test_links_are_followed(root, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "a.toml").write_bytes(b"x = 1\n")
    (root / "linked").symlink_to(other, target_is_directory=True)
    (root / "a.toml").symlink_to(other / "a.toml")
    asked = [read("a.toml"), listed("linked"), is_file("a.toml")]
    for change in (
        lambda: (other / "b.toml").write_bytes(b""),
        lambda: (other / "a.toml").write_bytes(b"x = 2\n"),
        lambda: ((root / "linked").unlink(), (root / "linked").mkdir()),
    ):
        questions = answers_to(root, asked)
        assert still_holds(root, questions)
        change()
        assert not still_holds(root, questions)


@posix_only
def test_pipes_are_not_read(root):
    os.mkfifo(root / "setup.cfg")
    around = Surroundings(root)
    with pytest.raises(OSError, match="not a regular file"):
        around.read("setup.cfg")
    assert not around.is_file("setup.cfg")
    assert still_holds(root, around.asked())


def test_paths_that_no_file_can_have(root):
    around = Surroundings(root)
    with pytest.raises(OSError, match="not a path"):
        around.read("a\0b")
    assert not around.is_file("a\0b")
    assert around.listing("shop/\0") == around.listing("/".join("a" * 20_000)) == around.listing("shop/cart.py")
    assert still_holds(root, around.asked())


def test_what_is_listed(root):
    lay_out(root, {"shop/notes.md": "", "shop/empty/deep/x.log": "", "shop/dist.txt": ""})
    around = Surroundings(root)
    assert around.listing("shop").names == {"api", "cart.py", "cart.pyi", "dist.txt", "empty"}
    assert around.listing("shop").folders == {"api", "empty"}
    assert around.listing("shop").has_files
    assert not around.listing("shop/empty").has_files
    assert around.listing("shop/empty/deep").has_files
    assert not around.listing("nowhere").names


def test_a_run_that_sees_two_answers_is_not_used_again(root):
    around = Surroundings(root)
    around.read("pyproject.toml")
    write("pyproject.toml")(root)
    assert around.read("pyproject.toml") == b"x = 1\n"
    assert not still_holds(root, around.asked())
    write("pyproject.toml", FILES["pyproject.toml"])(root)
    assert not still_holds(root, around.asked())


def test_giving_up(root):
    around = Surroundings(root)
    assert still_holds(root, around.asked())
    around.give_up("who knows")
    assert not still_holds(root, around.asked())


def test_questions_are_plain_values(root):
    around = Surroundings(root)
    for ask in (read("pyproject.toml"), read("gone"), listed("shop"), is_file("x"), ignored("made.py", "a.py")):
        ask(around)
    questions = around.asked()
    assert marshal.loads(marshal.dumps(questions)) == pickle.loads(pickle.dumps(questions)) == questions


def test_a_project_has_one_record_and_workers_begin_their_own(root):
    project = Project(root, frozenset({"shop/cart.py"}))
    assert project.declared.own == {"a"}
    assert project.with_roots(["shop"]).around is project.around
    assert pickle.loads(pickle.dumps(project)).around.asked() == ()


READERS = {
    "declared": lambda project: project.declared,
    "metadata": read_metadata,
    "styles": lambda project: Styles(project.around).of("shop/api/a.py"),
    "first parts": first_parts,
}


@pytest.mark.parametrize("ask", READERS.values(), ids=READERS)
@pytest.mark.parametrize("change", [write("pyproject.toml"), write("shop/pyproject.toml")], ids=["changed", "new"])
def test_who_reads_settings_does_so_through_the_record(ask, change, root):
    project = Project(root, frozenset({"shop/cart.py", "shop/api/a.py"}))
    ask(project)
    assert still_holds(root, project.around.asked())
    change(root)
    assert not still_holds(root, project.around.asked())


def test_an_import_that_leads_nowhere_depends_on_what_may_come(root):
    """On a stub, a compiled or ignored module, on what would be generated."""
    lay_out(root, {"app.py": "from shop.gone import a\nfrom shop.cart import b\nimport shop.api.gone, shop.left\n"})
    for change in (
        write("shop/gone.pyx"),
        write("shop/api/gone/data.csv"),
        write("shop/cart.so"),
        write("shop/.gitignore", "left.py"),
    ):
        project = Project(root, frozenset({"app.py", "shop/cart.py"}))
        scans = {path: scan(project.read(path), first_parts(project)) for path in project.files}
        assert Index(project, scans).dangling()
        assert still_holds(root, project.around.asked())
        change(root)
        assert not still_holds(root, project.around.asked())
