"""Lines of other files that name a moved module, and the entry points in pyproject.toml."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codemods.stale_imports.mentions import (
    Change,
    EntryPoint,
    entry_point_edits,
    entry_points,
    find,
    text_files,
)
from ssot_fix.edits import apply_edits

OLDS = {"shop.cart.old", "shop.cart", "lib.gone", "tool", "shop.json", "shop.app.main", "shop.cart.old.Name"}


def found(root, text, olds=OLDS, roots=("",), encoding="utf-8"):
    (root / "file.yaml").write_bytes(text.encode(encoding))
    return find(root, ["file.yaml"], olds, roots)


def marked(text, mentions):
    """The text with ‹marks› around the mentions."""
    lines = text.split("\n")
    for mention in reversed(mentions):
        line = lines[mention.line - 1]
        start, end = mention.column - 1, mention.end_column - 1
        assert line[start:end] == mention.text
        lines[mention.line - 1] = f"{line[:start]}‹{mention.text}›{line[end:]}"
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        "x.shop.cart.old",
        "shop.carts",
        "shop.cart_old",
        "myshop.cart",
        "_shop.cart",
        "shop",
        "shop.carté",
        "shop-cart",
        "shop.cart-old",
        "my-shop.cart",
        "shop/cart",
        "shop/cart/old",
        "xshop/cart/old.py",
        "x-shop/cart/old.py",
        "x.shop/cart/old.py",
        "other/shop/cart/old.py",
        "other\\shop\\cart\\old.py",
        ".github/shop/cart/old.py",
        "shop/cart/old.pyc",
        "shop/cart/old.py.bak",
        "shop/cart/old.python",
        "shop/cart/older.py",
        "shop/cart/old/x.py",
        "shop_cart/old.py",
        "http://shop.cart.old",
        "https://shop.cart.old/index.html",
        "http://shop.cart:8000",
        "https://example.com/shop/cart/old.py",
        "https://example.com:80/x/shop/cart/old.py",
        "shop.cart.example.com",
        "shop.cart.old.local",
        "shop.cart:8000",
        "shop.cart/path",
        "me@shop.cart",
        "shop.cart@1.0",
        "/var/shop.cart",
        "..\\shop.cart",
        "$shop.cart",
        "${shop.cart.old}",
        "shop.cart.yaml",
        "shop.cart.old.JSON",
        "shop.json",
        "tool",
        "tool.x",
        "tool:x",
        "a tool",
        "--m tool",
        "",
    ],
)
def test_not_mentioned(tmp_path, text):
    assert found(tmp_path, f"{text}\n- '{text}'\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "‹shop.cart.old›",
        "x: ‹shop.cart.old›.other",
        "x: ‹shop.cart.old.Name›",
        "x: ‹shop.cart.old:Name›",
        "x: ‹shop.cart.old›:other",
        "x: ‹shop.cart›.older",
        "‹shop.cart›.*",
        "see ‹shop.cart›.",
        "python -m ‹shop.cart.old› --flag",
        "python -m ‹tool› ‹lib.gone›",
        "uvicorn ‹shop.app.main›:app --port 80",
        "--cov=‹shop.cart›",
        "[mypy-‹shop.cart.old›]",
        "[mypy-‹shop.cart›.*]",
        'CMD ["python", "-m", "‹shop.cart.old›"]',
        "{'‹shop.cart.old›':‹lib.gone›,‹shop.cart›}",
        "python -c 'from ‹shop.cart.old› import x; ‹lib.gone›.run()'",
        "‹shop/cart/old.py›",
        "./‹shop/cart/old.py› ../‹shop/cart/old.py›",
        "/app/‹shop/cart/old.py›:/x/‹shop/cart/old.py›",
        "$HOME/‹shop/cart/old.py› ${X}/‹shop/cart/old.py› ${{ x }}/‹shop/cart/old.py› $(pwd)/‹shop/cart/old.py›",
        '~/‹lib/gone.py› %CD%\\‹lib\\gone.py› C:\\x\\‹lib\\gone.py› "‹lib\\\\gone.py›"',
        "pytest ‹shop/cart/old.py›::test_x ‹shop/cart/old.py›:12",
        "exclude: '^‹shop/cart/old\\.py›$'",
        "!‹shop/cart/old.py› @‹shop/cart/old.py›",
        "‹shop/cart/__init__.py› ‹lib/gone.pyi›",
        "‹tool.py› (‹shop/json.py›)",
        "**/‹lib/gone.py›",
        "é: ‹shop.cart.old› # ‹lib.gone›",
        "x\r\n  ‹shop.cart.old›\n\n\t‹lib.gone›\n",
    ],
)
def test_mentioned(tmp_path, text):
    plain = text.replace("‹", "").replace("›", "")
    mentions = found(tmp_path, plain)
    assert marked(plain, mentions) == text
    assert {mention.path for mention in mentions} == {"file.yaml"}


def test_what_is_mentioned(tmp_path):
    text = "a: shop/cart/old.py\nb: shop.cart.old.x\nc: shop.cart.old:Name\nd: shop/cart/__init__.py\n"
    assert [mention.old for mention in found(tmp_path, text)] == [
        *("shop.cart.old", "shop.cart.old", "shop.cart.old.Name", "shop.cart")
    ]


def test_paths_below_source_roots(tmp_path):
    text = "src/shop/cart/old.py libs/x/shop/cart/old.py ./src/shop/cart/old.py other/src/shop/cart/old.py"
    assert found(tmp_path, text) == []
    mentions = found(tmp_path, text, roots=("", "src", "libs/x/"))
    assert [mention.column for mention in mentions] == [5, 29, 52]


def test_no_olds(tmp_path):
    assert found(tmp_path, "shop.cart.old", olds=()) == []


def test_a_byte_order_mark_is_no_column(tmp_path):
    assert [mention.column for mention in found(tmp_path, "shop.cart.old", encoding="utf-8-sig")] == [1]


def test_what_can_not_be_read_is_passed_over(tmp_path):
    assert found(tmp_path, "shop.cart.old é", encoding="latin-1") == []
    assert found(tmp_path, "shop.cart.old", encoding="utf-16") == []
    assert find(tmp_path, ["none.yaml", "."], OLDS) == []


def test_order(tmp_path):
    for name in ("b.yaml", "a.yaml"):
        (tmp_path / name).write_text("lib.gone shop.cart\nlib.gone\n")
    mentions = find(tmp_path, ["b.yaml", "a.yaml"], OLDS)
    assert [(m.path, m.line, m.column) for m in mentions] == [
        *(("b.yaml", 1, 1), ("b.yaml", 1, 10), ("b.yaml", 2, 1)),
        *(("a.yaml", 1, 1), ("a.yaml", 1, 10), ("a.yaml", 2, 1)),
    ]


_WORDS = st.text(st.sampled_from("ab._/:-@ $py\n\"'"), max_size=60)


@given(_WORDS)
def test_every_mention_is_a_whole_word(tmp_path_factory, text):
    root = tmp_path_factory.getbasetemp()
    for mention in found(root, text, olds={"a.b", "b.a.b"}):
        line = text.split("\n")[mention.line - 1]
        assert line[mention.column - 1 : mention.end_column - 1] == mention.text
        assert mention.text.removesuffix(".py").replace("/", ".").replace(":", ".") == mention.old
        assert not re.search(r"[\w.@$-]\Z", line[: mention.column - 1])
        assert not re.match(r"[\w@]|-\w", line[mention.end_column - 1 :])


# Which files


@pytest.fixture(params=["repository", "folder"])
def project(request, tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    if request.param == "repository":
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def write(root, *paths, data=b"x\n"):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def test_files_of_interest(project):
    taken = (
        *("Dockerfile", "Dockerfile.dev", "x/api.Dockerfile", "Makefile", "x.mk", "Procfile", ".env", ".env.local"),
        *(".github/workflows/ci.yml", "a.yaml", "pyproject.toml", "setup.cfg", "tox.ini", "x/run.sh", "run.bat"),
        *(".vscode/launch.json", "package.json", "pyrightconfig.json", "app.config.json", ".coveragerc", "nginx.conf"),
        *(".dockerignore", "CODEOWNERS", "MANIFEST.in", "main.tf", "A.YML"),
    )
    write(project, *taken)
    write(
        project,
        *("a.py", "a.pyi", "README.md", "docs/a.rst", "a.txt", "report.json", "package-lock.json", "pnpm-lock.yaml"),
        *("a.html", "a.log", "a.ts", "LICENSE", "my.Dockerfile.orig", "xMakefile", "x.env.bak"),
    )
    assert text_files(project) == sorted(taken)


def test_scripts_without_a_suffix(project):
    write(project, "bin/run", "hooks/pre-commit", data=b"#!/bin/sh\n")
    write(project, "bin/data", "empty", data=b"")
    assert text_files(project) == ["bin/run", "hooks/pre-commit"]


def test_large_files_are_passed_over(project):
    write(project, "a.yaml", data=b"x" * 256 * 1024)
    write(project, "b.yaml", data=b"x" * (256 * 1024 + 1))
    assert text_files(project) == ["a.yaml"]


def test_ignored_files_are_passed_over(project):
    write(project, ".gitignore", data=b"/build/\n*.env\n!kept.env\n")
    write(project, "x/.gitignore", data=b"kept.env\nsecret.yaml\n")
    write(project, "build/a.yaml", "a.env", "kept.env", "x/kept.env", "x/secret.yaml", "secret.yaml", "x/a.yaml")
    assert text_files(project) == [".gitignore", "kept.env", "secret.yaml", "x/.gitignore", "x/a.yaml"]


def test_links_and_folders_are_passed_over(project):
    write(project, "a.yaml")
    (project / "folder.yaml").mkdir()
    try:
        (project / "link.yaml").symlink_to("a.yaml")
    except OSError as error:  # Windows without developer mode
        pytest.skip(f"links can't be made here: {error}")
    assert text_files(project) == ["a.yaml"]


def test_names_that_are_listed_but_gone(project):
    write(project, "a.yaml", "b.yaml")
    if (project / ".git").exists():
        subprocess.run(["git", "add", "."], cwd=project, check=True)
    (project / "b.yaml").unlink()
    assert text_files(project) == ["a.yaml"]


def test_folders_of_tools_are_not_walked(tmp_path):
    write(tmp_path, "node_modules/x/a.yaml", ".venv/a.cfg", "x/__pycache__/a.ini", "x/a.ini")
    assert text_files(tmp_path) == ["x/a.ini"]


def test_a_damaged_index_does_not_stop_the_walk(tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    write(tmp_path, "a.yaml", ".git/index", data=b"damaged")
    assert text_files(tmp_path) == ["a.yaml"]


@pytest.mark.skipif(os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0, reason="all may be read")
def test_what_may_not_be_read_is_passed_over(tmp_path):
    write(tmp_path, "a/a.yaml", "b/.gitignore", "b/b.yaml", "bin/run")
    for path in ("a", "b/.gitignore", "bin/run"):
        (tmp_path / path).chmod(0)
    try:
        assert text_files(tmp_path) == ["b/.gitignore", "b/b.yaml"]
    finally:
        (tmp_path / "a").chmod(0o700)


# Entry points

PYPROJECT = """\
[project]
name = "shop"  # "shop.cli:main"
description = "shop.cli:main"
scripts = { other = "shop.other:main" }

[project.gui-scripts]
shop-gui = 'shop.cli:main'
"shop.gui" = "shop.cli:main.run [extra]"

[project.entry-points."shop.plugins"]
a = "shop.plugins.a"
b = "shop.plugins:B" # shop.plugins:B

[tool.poetry.scripts]
"é" = '''shop.cli:main'''
long = { reference = "shop.cli:main", type = "console" }
old = { callable = "shop.cli : main", extras = ["x"] }
file = { reference = "bin/shop.sh", type = "file" }
number = 1

[tool.poetry.plugins.x]
c = "shop.c:C"
"""


def test_entry_points():
    data = PYPROJECT.encode()
    entries = entry_points(data)
    assert [(".".join(entry.keys), entry.module, entry.attribute, entry.line) for entry in entries] == [
        ("project.scripts.other", "shop.other", "main", 4),
        ("project.gui-scripts.shop-gui", "shop.cli", "main", 7),
        ("project.gui-scripts.shop.gui", "shop.cli", "main.run", 8),
        ("tool.poetry.scripts.é", "shop.cli", "main", 15),
        ("tool.poetry.scripts.long.reference", "shop.cli", "main", 16),
        ("tool.poetry.scripts.old.callable", "shop.cli", "main", 17),
        ("project.entry-points.shop.plugins.a", "shop.plugins.a", "", 11),
        ("project.entry-points.shop.plugins.b", "shop.plugins", "B", 12),
        ("tool.poetry.plugins.x.c", "shop.c", "C", 22),
    ]
    for entry in entries:
        assert data[slice(*entry.module_span)].decode() == entry.module
        if entry.attribute:
            assert data[slice(*entry.attribute_span)].decode() == entry.attribute
        else:
            assert entry.attribute_span is None


def test_edits_of_entry_points():
    data = PYPROJECT.encode()
    changes = [
        Change(entry, "new.place", "start" if entry.attribute == "main" else entry.attribute)
        for entry in entry_points(data)
        if entry.module == "shop.cli"
    ]
    after = apply_edits(data, entry_point_edits(data, changes)).decode()
    assert after == (
        PYPROJECT.replace("'shop.cli:main'", "'new.place:start'")
        .replace('"shop.cli:main.run', '"new.place:main.run')
        .replace('reference = "shop.cli:main"', 'reference = "new.place:start"')
        .replace("shop.cli : main", "new.place : start")
    )
    assert entry_point_edits(data, []) == []


def test_an_entry_point_without_an_attribute():
    data = b'[project.entry-points.x]\na = "shop.cli"\n'
    (entry,) = entry_points(data)
    assert apply_edits(data, entry_point_edits(data, [Change(entry, "new", "")])) == data.replace(b"shop.cli", b"new")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[project",
        "[project]\nscripts = 1\n",
        "[project.scripts]\na = 1\nb = 'no entry'\nc = ''\n",
        "project = []\n",
    ],
)
def test_no_entry_points(text):
    assert entry_points(text.encode()) == []


def test_no_text():
    assert entry_points(b"\xff") == []


def test_an_escaped_value_is_not_edited():
    data = b'[project.scripts]\na = "shop\\u002ecli:main"\n'
    (entry,) = entry_points(data)
    assert entry == EntryPoint(("project", "scripts", "a"), "shop.cli", "main", 2, None, None)
    with pytest.raises(ValueError, match=r"project\.scripts\.a in pyproject.toml is not spelled"):
        entry_point_edits(data, [Change(entry, "new", "main")])


@pytest.mark.parametrize(("value", "attribute"), [("shop.cli", "main"), ("shop.cli:main", "")])
def test_an_attribute_can_neither_be_added_nor_taken_away(value, attribute):
    data = f'[project.scripts]\na = "{value}"\n'.encode()
    (entry,) = entry_points(data)
    with pytest.raises(ValueError, match="is not spelled"):
        entry_point_edits(data, [Change(entry, "new", attribute)])


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (b'# new\n[project.scripts]\na = "shop.cli:main"\n', "no longer what"),
        (b'[project.scripts]\nb = "shop.cli:main"\n', "has no project.scripts.a"),
        (b"[project.scripts]\na = 'no entry'\n", "no longer what"),
        (b"[project.scripts", "has no project.scripts.a"),
    ],
)
def test_edits_of_another_text_are_refused(now, message):
    (entry,) = entry_points(b'[project.scripts]\na = "shop.cli:main"\n')
    with pytest.raises(ValueError, match=message):
        entry_point_edits(now, [Change(entry, "new", "main")])


_NAMES = st.lists(st.sampled_from(["a", "b1", "é"]), min_size=1, max_size=3).map(".".join)


@given(st.dictionaries(st.sampled_from("abcd"), st.tuples(_NAMES, _NAMES, st.sampled_from("\"'")), min_size=1))
def test_only_the_changed_values_change(scripts):
    lines = [f"{name} = {quote}{module}:{attribute}{quote}" for name, (module, attribute, quote) in scripts.items()]
    data = "\n".join(["x = 'a:a'", "[project.scripts]", *lines]).encode()
    entries = entry_points(data)
    changes = [Change(entry, "new", "X") for entry in entries[::2]]
    after = tomllib.loads(apply_edits(data, entry_point_edits(data, changes)).decode())
    changed = {change.entry.keys[-1] for change in changes}
    assert after["x"] == "a:a"
    assert after["project"]["scripts"] == {
        name: "new:X" if name in changed else f"{module}:{attribute}"
        for name, (module, attribute, _) in scripts.items()
    }
