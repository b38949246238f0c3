"""Where settings say that Alembic's migrations lie."""

from __future__ import annotations

import configparser
import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ssot_fix.audit.area import View
from ssot_fix.audit.model import Place

_INI = re.compile(r"alembic.*\.ini", re.IGNORECASE)
_HERE = "/<here>"  # stands for the project's root in %(here)s
_LEGACY = re.compile(r", *| +")
_SEPARATORS = {"space": r" +", "newline": r"\n+", "os": r"[:;]", ":": ":", ";": ";"}
_YES = ("true", "yes", "on", "y", "t", "1")


@dataclass(frozen=True, slots=True)
class Location:
    """A script location, and the folders with its migrations; `is_deep`: what lies below those counts, too."""

    path: str
    folders: tuple[str, ...]
    named: tuple[Place, ...] = ()
    is_deep: bool = False


@dataclass(frozen=True, slots=True)
class _Section:
    """What a settings file says of a location. `here` is what stands for its folder in values."""

    file: str
    line: int
    script: str
    versions: tuple[str, ...] = ()
    is_deep: bool = False


def locations(view: View) -> list[Location]:
    """The locations that settings name, in the order of their paths; those named several times once."""
    found: dict[str, Location] = {}
    for location in _all(view):
        known = found.get(location.path)
        found[location.path] = location if known is None else _merged(known, location)
    return [found[path] for path in sorted(found)]


def _merged(one: Location, other: Location) -> Location:
    folders = tuple(dict.fromkeys((*one.folders, *other.folders)))
    return Location(one.path, folders, (*one.named, *other.named), one.is_deep or other.is_deep)


def _all(view: View) -> Iterator[Location]:
    for path in sorted(view.blobs):
        name = posixpath.basename(path)
        read = _ini if _INI.fullmatch(name) else _toml if name == "pyproject.toml" else None
        for section in read(path, _text(view, path)) if read is not None else ():
            location = _location(view, section)
            if location is not None:
                yield location
    for script in view.options.migrations:
        folder = _normal(script.rstrip("/"))
        if folder is not None:
            yield Location(folder, _versions(folder), (_place(view, _own_file(view), 0),))


def _own_file(view: View) -> str:
    file = view.config.file
    return file.name if file is not None else "pyproject.toml"


def _text(view: View, path: str) -> str:
    try:
        return view.read(path).decode(errors="replace")
    except OSError:
        return ""


# Settings files


def _ini(path: str, text: str) -> Iterator[_Section]:
    here = posixpath.join(_HERE, posixpath.dirname(path)).rstrip("/")
    parser = configparser.ConfigParser({"here": here}, strict=False)
    try:
        parser.read_string(text.removeprefix("\ufeff"))
        for name in parser.sections():
            if parser.get(name, "script_location", fallback=""):
                line = _line(text, "script_location", name)
                yield _section(path, line, parser[name])
    except configparser.Error:  # Alembic can't read it, either
        return


def _section(path: str, line: int, values: Mapping[str, str]) -> _Section:
    separator = (values.get("path_separator") or values.get("version_path_separator") or "").strip()
    pattern = _SEPARATORS.get(separator) if separator else _LEGACY
    written = values.get("version_locations", "")
    # A separator that is none makes Alembic fail: what was meant is not known.
    folders = re.split(pattern, written) if pattern is not None else []
    is_deep = values.get("recursive_version_locations", "").strip().lower() in _YES
    return _Section(path, line, values["script_location"].strip(), _stripped(folders), is_deep)


def _stripped(folders: Sequence[str]) -> tuple[str, ...]:
    return tuple(filter(None, (folder.strip() for folder in folders)))


def _toml(path: str, text: str) -> Iterator[_Section]:
    if "alembic" not in text:
        return
    try:
        table = tomllib.loads(text).get("tool", {}).get("alembic", {})
    except (tomllib.TOMLDecodeError, AttributeError, RecursionError):
        return
    script = table.get("script_location") if isinstance(table, dict) else None
    if not isinstance(script, str) or not script:
        return
    here = posixpath.join(_HERE, posixpath.dirname(path)).rstrip("/")
    versions = table.get("version_locations", [])
    folders = [item for item in versions if isinstance(item, str)] if isinstance(versions, list) else []
    yield _Section(
        path,
        _line(text, "script_location", "tool.alembic"),
        _filled(script, here),
        _stripped([_filled(folder, here) for folder in folders]),
        table.get("recursive_version_locations") is True,
    )


def _filled(value: str, here: str) -> str:
    return value.replace("%(here)s", here).replace("%%", "%")


def _line(text: str, key: str, section: str) -> int:
    """The line that sets a key in a section; 0 if it is not plain."""
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("["):
            inside = line.strip().startswith(f"[{section}]")
        elif inside and re.match(rf"{key}\s*[=:]", line.strip(), re.IGNORECASE):
            return number
    return 0


# Folders


def _location(view: View, section: _Section) -> Location | None:
    script = _folder(view, section.file, section.script)
    if script is None:
        return None
    folders = [_folder(view, section.file, folder) for folder in section.versions]
    known = tuple(folder for folder in folders if folder is not None)
    versions = known if section.versions else _versions(script)
    return Location(script, versions, (_place(view, section.file, section.line),), section.is_deep)


def _versions(script: str) -> tuple[str, ...]:
    return (f"{script}/versions" if script else "versions",)


def _folder(view: View, file: str, written: str) -> str | None:
    """The folder that a value means, from the project's root; None if it can't be told.

    Relative ones start where Alembic is started: at the root, or beside the file.
    """
    if re.search(r"[${}%\\]", written):
        return None
    if written.startswith(_HERE):
        return _normal(written.removeprefix(_HERE).lstrip("/"))
    if written.startswith("/"):
        return None
    if ":" in written:
        package, *parts = written.split(":")  # as Alembic splits it: at each
        return _in_package(view, package, "/".join(parts))
    beside = _normal(posixpath.join(posixpath.dirname(file), written))
    from_root = _normal(written)
    for folder in (from_root, beside):
        if folder is not None and holds_anything(view, folder):
            return folder
    return from_root


def holds_anything(view: View, folder: str) -> bool:
    """Whether a folder is there, be it behind a link or in a submodule."""
    listing = view.project.around.listing(folder)
    return listing.has_files or bool(listing.names)


def _in_package(view: View, package: str, inner: str) -> str | None:
    path = view.project.locate(package)
    if path is None or not path.endswith("__init__.py"):
        return None
    return _normal(posixpath.join(posixpath.dirname(path), inner))


def _normal(path: str) -> str | None:
    """A path in its shortest form; None if it leads out of the project."""
    found = posixpath.normpath(path or ".")
    if found == ".." or found.startswith(("../", "/")):
        return None
    return "" if found == "." else found


def _place(view: View, path: str, line: int) -> Place:
    return Place(path, line, view.scope(path), view.service(path))
