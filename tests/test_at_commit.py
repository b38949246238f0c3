"""A project as a commit has it."""

import os
import subprocess

import pytest

from ssot_fix.digests import blob_name
from ssot_fix.project.at_commit import TreeSurroundings, project_at
from ssot_fix.project.index import Dangling, Index
from ssot_fix.project.scan import scan
from ssot_fix.project.surroundings import Surroundings

FILES = {
    "pyproject.toml": b'[project]\nname = "shop"\ndependencies = ["orders"]\n',
    "shop/__init__.py": b"",
    "shop/cart.py": b"from shop.made import total\nfrom shop.gone import price\nfrom shop.vendor.tax import rate\n",
    "shop/.gitignore": b"/made.py\n",
    "shop/data/rates.json": b"{}",
    "orders/book.py": b"x = 1\n",
}


def tree(files):
    blobs = {path: blob_name(data).hex().encode() for path, data in files.items()}

    def read(path):
        return files[path]

    return blobs, read


def project(tmp_path, files, beyond=(), roots=()):
    blobs, read = tree(files)
    return project_at(tmp_path, blobs, [path for path in files if path.endswith(".py")], read, roots, beyond=beyond)


def dangling(at):
    tops = frozenset({"shop", "orders"})
    return Index(at, {path: scan(at.read(path), tops) for path in sorted(at.files)}).dangling()


def test_nothing_on_disk_plays_a_part(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "gone.py").write_text("price = 1\n")
    (tmp_path / ".gitignore").write_text("*\n")
    at = project(tmp_path, FILES, beyond=["shop/vendor"])
    assert dangling(at) == {"shop/cart.py": (Dangling("shop.gone", "price", "module"),)}
    assert at.declared.installed >= {"orders"}


@pytest.mark.parametrize("beyond", ["shop/vendor", "shop/gone.py", "shop/gone"])
def test_behind_a_link_or_in_a_submodule_may_be_anything(tmp_path, beyond):
    found = dangling(project(tmp_path, FILES, [beyond])).get("shop/cart.py", ())
    assert len(found) == 1
    assert found[0].module != beyond.removesuffix(".py").replace("/", ".")


def test_what_is_not_in_the_tree_can_not_be_read(tmp_path):
    at = project(tmp_path, FILES)
    (tmp_path / "note.txt").write_text("here")
    for path in ("note.txt", "shop", "../x"):
        with pytest.raises(FileNotFoundError, match=path):
            at.around.read(path)
    assert at.read("orders/book.py") == b"x = 1\n"
    assert at.content("orders/book.py") == blob_name(b"x = 1\n")
    assert at.with_roots(["shop"]).around is at.around


def test_it_answers_as_a_work_tree_with_the_same_files_does(tmp_path):
    for path, data in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    blobs, read = tree(FILES)
    here, there = TreeSurroundings(tmp_path / "nowhere", blobs, read), Surroundings(tmp_path)
    for folder in ("", "shop", "shop/data", "orders", "none", "shop/cart.py", "orders/none"):
        assert here.listing(folder) == there.listing(folder), folder
    for path in ("pyproject.toml", "shop", "shop/cart.py", "none"):
        assert here.is_file(path) == there.is_file(path), path


@pytest.mark.parametrize(
    ("ignores", "paths"),
    [
        ({".gitignore": "build/\n*.pyc\n"}, ["build/a.py", "a/build/x/y.py", "build", "a.pyc", "a.py"]),
        ({".gitignore": "gen/\n", "gen/.gitignore": "!a.py\n"}, ["gen/a.py", "gen/b.py"]),
        ({".gitignore": "*_pb.py\n", "a/.gitignore": "!keep_pb.py\n"}, ["a/keep_pb.py", "a/x_pb.py", "keep_pb.py"]),
        ({"a/.gitignore": "/made.py\nsub/**/x.py\n"}, ["a/made.py", "a/b/made.py", "made.py", "a/sub/b/c/x.py"]),
        ({".gitignore": "*\n!*/\n!a.py\n"}, ["a.py", "b.py", "c/a.py", "c/b.py"]),
    ],
)
def test_it_ignores_what_git_does(tmp_path, ignores, paths):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for path, text in ignores.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    given = b"\0".join(map(os.fsencode, paths))
    asked = ["git", "check-ignore", "--no-index", "--stdin", "-z"]
    said = subprocess.run(asked, cwd=tmp_path, input=given, capture_output=True, check=False).stdout
    blobs, read = tree({path: text.encode() for path, text in ignores.items()})
    found = TreeSurroundings(tmp_path / "nowhere", blobs, read).ignored(paths)
    assert found == {os.fsdecode(path) for path in said.split(b"\0") if path}
