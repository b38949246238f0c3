"""Which codemods there are: what installed distributions declare is found wherever Python would find it."""

from __future__ import annotations

import sys
import zipfile
from importlib.metadata import entry_points

import pytest

from codemods import BUILT_IN, ENTRY_POINTS, catalog

METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: 1.0\n"
NAMES = [codemod.name for codemod in BUILT_IN]


@pytest.fixture
def catalog_with(tmp_path, monkeypatch):
    """The names in the catalog if only these files are installed, in a folder or an archive on sys.path."""

    def names(files: dict[str, str], entry: str = "site-packages") -> list[str]:
        if entry.endswith(".zip"):
            with zipfile.ZipFile(tmp_path / entry, "w") as archive:
                for path, text in files.items():
                    archive.writestr(path, text)
        for path, text in {} if entry.endswith(".zip") else files.items():
            file = tmp_path / entry / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        monkeypatch.setattr(sys, "path", [str(tmp_path / "missing"), str(tmp_path / entry)])
        return list(catalog())

    return names


def distribution(name: str, folder: str, group: str) -> dict[str, str]:
    return {
        f"{name}.py": f"class Little:\n    name = '{name}'\n",
        f"{folder}/METADATA": METADATA.format(name),
        f"{folder}/PKG-INFO": METADATA.format(name),
        f"{folder}/entry_points.txt": f"[{group}]\nlittle = {name}:Little\n",
    }


def test_distributions_that_declare_no_codemod(catalog_with):
    files = distribution("none", "none-1.0.dist-info", "console_scripts")
    assert catalog_with(files | {"one.egg-info": "Name: one\n", "two-1.0.dist-info/METADATA": ""}) == NAMES


@pytest.mark.parametrize(
    ("name", "folder", "entry"),
    [
        ("wheel", "wheel-1.0.dist-info", "site-packages"),
        ("legacy", "legacy.egg-info", "site-packages"),
        ("upper", "Upper-1.0.DIST-INFO", "site-packages"),
        ("egg", "EGG-INFO", "egg-1.0.egg"),
        ("zipped", "zipped-1.0.dist-info", "archive.zip"),
    ],
)
def test_a_distribution_that_declares_one(name, folder, entry, catalog_with):
    assert catalog_with(distribution(name, folder, ENTRY_POINTS), entry) == [*NAMES, name]
    assert len(entry_points(group=ENTRY_POINTS)) == 1
