"""`ssot-fix init`: a look at the project, settings to start from, and an accessor for a project that has none.

What is set is what a run without settings would take anyway, so that writing them changes no result; what only
looks probable stands in a comment. In the text, `# ` begins prose and a `#` without a blank a setting.
"""

from __future__ import annotations

import contextlib
import enum
import hashlib
import json
import keyword
import os
import posixpath
import re
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from importlib.resources import files as resources
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType
from typing import Any

from codemods.isolated_environment.accessor import NoAccessor, read
from codemods.isolated_environment.options import NAME as ENVIRONMENT
from codemods.stale_imports.options import NAME as STALE_IMPORTS
from ssot_fix.delivery.append_config import joined
from ssot_fix.delivery.write import TEMPORARY_SUFFIX, WriteError, write_result
from ssot_fix.edits import Edit, FileResult
from ssot_fix.engine.contract import Codemod, Inactive, Setting
from ssot_fix.project.classify import Classifier, Globs
from ssot_fix.project.config import OWN_FILE, PROJECT_WIDE, PYPROJECT, Config, ConfigError, General, find_root, load
from ssot_fix.project.discovery import UsageError, discover
from ssot_fix.project.git import toplevel
from ssot_fix.project.resolver import Project, project_of

_FUNCTION = "get_env"
_LOOKUP = "require"
_SHARED_PACKAGES = ("shared", "common")
_WIDTH = 100  # columns
_LABEL = 22
_PYPROJECT_PREFIX = "tool.ssot-fix"
# Not unittest.mock, which demos and factories use, too.
_TEST_FRAMEWORK = re.compile(
    rb"^[ \t]*(?:import|from)[ \t]+(?:pytest\b|unittest\b(?!\.mock\b|[ \t]+import[ \t]+mock\b))", re.MULTILINE
)
# Nor has any of this a place in a TOML comment (https://toml.io/en/v1.0.0#comment).
_UNPRINTABLE = re.compile(r"[\x00-\x08\n-\x1f\x7f\ud800-\udfff]")
_SPECIAL_IN_GLOBS = re.compile(r"([*?\[\\])")
_ESCAPED = r"\\\1"

_GENERAL = (
    Setting("exclude", "Files that are not looked at, as gitignore patterns, beside those that git ignores."),
    Setting("test-patterns", "Which files are test code, as gitignore patterns; the last one that matches decides."),
    Setting("source-roots", "Folders that modules are imported from, beside the project's root and src/."),
    Setting("codemods", "The codemods to run; none named means all."),
    Setting("include-tests", "Whether test code is rewritten, too (--include-tests)."),
    Setting("unsafe-fixes", "Whether fixes are applied that may behave differently (--unsafe-fixes)."),
    Setting("jobs", "The number of worker processes; 0 means as many as pay."),
    Setting(
        "verify",
        "Commands that have to pass on a branch if they pass on its base, with their limits in seconds.",
        example=({"run": "make test", "timeout": 600},),
    ),
)

_NO_OTHERS: Mapping[str, type] = MappingProxyType({})


def initialise(
    start: Path, catalog: Mapping[str, Codemod], accessor: Path | None, others: Mapping[str, type] = _NO_OTHERS
) -> list[str]:
    """Write settings for the project that the folder `start` lies in; the lines to tell about it.

    With `accessor`, a file relative to `start`, also write a module with an IsolatedEnvironment there; settings
    that exist already are then left alone, and are an error otherwise. `others` are the options of tables that are no
    codemod's. Raises ConfigError and UsageError; in that case, and on an interrupt, everything is as it was.
    """
    root = find_root(start)
    config = load(root, start, {**{name: codemod.options for name, codemod in catalog.items()}, **others})
    if config.file is not None and accessor is None:
        raise ConfigError(
            f"{config.file.relative_to(root).as_posix()} has settings for ssot-fix already, and nothing was changed; "
            "edit them there, or take them out to start anew"
        )
    survey = _look(config, catalog)
    written: list[str] = []
    with ExitStack() as undo:
        if accessor is not None:
            module = _planned(survey, start, accessor)
            _write_module(survey, module, undo)
            survey = _with_accessor(survey, module)
            written += _told_of(survey, module)
        written += _write_settings(survey) if config.file is None else _settings_to_add(survey, config.file)
        undo.pop_all()
    told = [*_findings(survey), "", *written, "", *_next_commands(survey, start)]
    return [_UNPRINTABLE.sub("?", line) for line in told]


# The look


@dataclass(frozen=True, slots=True)
class _Survey:
    """What was seen: `tests` counts files by the pattern that makes them test code.

    `test_like` holds folders that look like test code and are none by the settings, with how many files speak
    for it, of how many; `more_roots` folders that look like source roots; `settings` and `inactive` (why) are
    by codemod.
    """

    config: Config
    project: Project
    production: Sequence[str]
    tests: Mapping[str, int]
    test_like: Mapping[str, tuple[int, int]]
    more_roots: Sequence[str]
    settings: Mapping[str, Sequence[Setting]]
    inactive: Mapping[str, str]
    notes: Sequence[str]


def _look(config: Config, catalog: Mapping[str, Codemod]) -> _Survey:
    general = config.general
    found = discover(config.root, (), general.exclude)
    classifier = Classifier(general.test_patterns)
    production = [path for path in found.files if classifier.scope(path) == "production"]
    project = project_of(config.root, found.files, config.general.source_roots)
    surveyors = {name: codemod.surveyor(project, config) for name, codemod in catalog.items()}
    surveyed: dict[str, dict[str, object]] = {name: {} for name in catalog}
    testing = set()
    for path in sorted(found.files):
        data, scope = _bytes_of(project, path), classifier.scope(path)
        for name, survey in surveyors.items():
            if (seen := survey(data)) is not None:
                surveyed[name][path] = seen
        if scope == "production" and _uses_test_framework(data):
            testing.add(path)
    ready = {name: codemod.prepare(project, config, surveyed[name]) for name, codemod in catalog.items()}
    return _Survey(
        config=config,
        project=project,
        production=production,
        tests=_by_pattern(set(found.files).difference(production), general.test_patterns),
        test_like=_test_like(production, testing),
        more_roots=_more_roots(project, production),
        settings={name: codemod.suggest(project, config, surveyed[name]) for name, codemod in catalog.items()},
        inactive={name: each.why for name, each in ready.items() if isinstance(each, Inactive)},
        notes=found.notes,
    )


def _bytes_of(project: Project, path: str) -> bytes:
    try:
        return project.read(path)
    except OSError:
        return b""  # a run will name it


def _uses_test_framework(data: bytes) -> bool:
    return (b"pytest" in data or b"unittest" in data) and _TEST_FRAMEWORK.search(data) is not None


def _by_pattern(tests: Iterable[str], patterns: Sequence[str]) -> dict[str, int]:
    """How many files each pattern makes test code, one that several match being counted once."""
    globs = {pattern: Globs([pattern]) for pattern in patterns if not pattern.startswith("!")}
    counts = Counter(next((pattern for pattern in globs if globs[pattern].matches(path)), "") for path in tests)
    return {pattern: counts[pattern] for pattern in globs if counts[pattern]}


def _test_like(production: Sequence[str], testing: set[str]) -> dict[str, tuple[int, int]]:
    """The topmost folders with two files or more, and three of four, that import a test framework."""
    files = [path for path in production if not path.endswith("/__init__.py")]
    every = Counter(folder for path in files for folder in _folders_above(path))
    using = Counter(folder for path in files if path in testing for folder in _folders_above(path))
    clear = {folder for folder, count in using.items() if count >= 2 and count * 4 >= every[folder] * 3}
    topmost = sorted(folder for folder in clear if clear.isdisjoint(_folders_above(folder)))
    return {folder: (using[folder], every[folder]) for folder in topmost}


def _folders_above(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _more_roots(project: Project, production: Sequence[str]) -> list[str]:
    """The folders called src, other than the root's own, in which packages lie."""
    around = {posixpath.dirname(posixpath.dirname(path)) for path in production if path.endswith("/__init__.py")}
    new = (folder for folder in around if folder.endswith("/src") and folder not in project.source_roots)
    return sorted(folder for folder in new if f"{folder}/__init__.py" not in project.files)


# What is told


def _findings(survey: _Survey) -> Iterator[str]:
    root = survey.config.root
    yield f"{root}: {_counted(len(survey.project.files), 'Python file')}"
    if toplevel(root) is None:
        yield from _wrapped("", "It is in no git repository; what runs may change, git could not bring back.")
    yield ""
    yield from _wrapped("test code", _test_code(survey.tests))
    for folder, (using, every) in survey.test_like.items():
        yield from _wrapped("", f"{folder}/ may be, too: {using} of {every} files import pytest or unittest")
    roots = (f"{folder}/" if folder else "the project's root" for folder in survey.project.source_roots)
    yield from _wrapped("source roots", ", ".join(roots))
    for folder in survey.more_roots:
        yield from _wrapped("", f"{folder}/ may be one, too")
    for name, settings in survey.settings.items():
        told = [f"{setting.key} = {_toml(setting.found)}" for setting in settings if setting.found is not None]
        told += [f"inactive: {survey.inactive[name]}"] if name in survey.inactive else []
        told += [_stale_imports(survey)] if name == STALE_IMPORTS else []
        for label, text in zip((name, *[""] * len(told)), told, strict=False):
            yield from _wrapped(label, text)
    for note in survey.notes:
        yield from _wrapped("note", note)


def _stale_imports(survey: _Survey) -> str:
    """What there is to say of imports that lead nowhere; nothing if there are none."""
    return next((setting.note for setting in survey.settings.get(STALE_IMPORTS, ()) if setting.key == "moves"), "")


def _test_code(tests: Mapping[str, int]) -> str:
    if not tests:
        return "none"
    by_pattern = ", ".join(f"{pattern} {count:,}" for pattern, count in tests.items())
    return f"{_counted(sum(tests.values()), 'file')}, left out of runs ({by_pattern})"


def _told_of(survey: _Survey, module: _Module) -> Iterator[str]:
    yield f"Wrote {', '.join([module.path, *module.new_packages])}. Code will import it like this:"
    yield f"    from {module.dotted} import {_FUNCTION}"
    for folder in takewhile(lambda folder: folder != module.root, _folders_above(module.path)):
        if f"{folder}/__init__.py" not in {*survey.project.files, *module.new_packages}:
            yield f"{folder}/ has no __init__.py. That works, but packaging tools and mypy may want one."


def _next_commands(survey: _Survey, start: Path) -> Iterator[str]:
    if ENVIRONMENT not in survey.inactive:
        yield "Try next:"
        yield "    ssot-fix --dry-run"
    elif _accessor(survey).note:
        yield "Choose an accessor in the settings, then try:"
        yield "    ssot-fix --dry-run"
    else:
        path = survey.config.root / _place_for_accessor(survey)
        yield "Try next:"
        yield f"    ssot-fix init --accessor {Path(os.path.relpath(path, start.resolve())).as_posix()}"
    if _stale_imports(survey):
        yield "    ssot-fix discover-moves"


def _place_for_accessor(survey: _Survey) -> str:
    """A new module in the package that all others share, or in the one that holds most of the code."""
    packages = Counter(
        top
        for path in survey.production
        for root in [survey.project.source_root_of(path)]
        for top in [posixpath.join(root, path[len(root) :].lstrip("/").partition("/")[0])]
        if f"{top}/__init__.py" in survey.project.files
    )
    usual = (folder for folder in sorted(packages) if posixpath.basename(folder) in _SHARED_PACKAGES)
    folder = next(usual, packages.most_common(1)[0][0] if packages else "")
    names = (posixpath.join(folder, name) for name in ("environment", "isolated_environment"))
    taken = survey.project.files | {f"{folder}.py" for folder in survey.project.folders}
    return next((f"{name}.py" for name in names if f"{name}.py" not in taken), "process_environment.py")


def _wrapped(label: str, text: str) -> list[str]:
    indent = " " * (_LABEL + 2)
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=f"  {label:{_LABEL}}",
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


# The settings


def _write_settings(survey: _Survey) -> list[str]:
    """Append the settings to pyproject.toml, else write a file of their own; what to tell of it."""
    root = survey.config.root
    pyproject = root / PYPROJECT
    found = any(setting.found is not None for settings in survey.settings.values() for setting in settings)
    comment = "What was found is set; every other" if found else "Every"
    told = f"{comment} setting is there as a comment."
    if pyproject.is_file() and _append(root, pyproject, _settings(survey, _PYPROJECT_PREFIX)):
        return [f"Wrote [{_PYPROJECT_PREFIX}] at the end of {PYPROJECT}.", told]
    _create(root / OWN_FILE, OWN_FILE, _settings(survey, "").encode(errors="replace"))
    return [f"Wrote {OWN_FILE}.", told]


def _settings_to_add(survey: _Survey, file: Path) -> Iterator[str]:
    """What to tell of settings that exist and that the accessor should be added to."""
    prefix = f"{_PYPROJECT_PREFIX}." if file.name == PYPROJECT else ""
    yield f"{file.relative_to(survey.config.root).as_posix()} has settings already and was not changed."
    yield f"Add these to [{prefix}{ENVIRONMENT}] there:"
    for setting in survey.settings[ENVIRONMENT]:
        if setting.found is not None:
            yield f"    {setting.key} = {_toml(setting.found)}"


def _append(root: Path, pyproject: Path, text: str) -> bool:
    """Append to a pyproject.toml; False if that would not be valid TOML, and nothing was written."""
    real = Path(os.path.realpath(pyproject))
    if not real.is_relative_to(os.path.realpath(root)):
        raise UsageError(
            f"{PYPROJECT} is a symbolic link that leads outside the project, to {real}, which is not written; "
            f"replace it by a file, or write the settings into {OWN_FILE} yourself"
        )
    try:
        old = pyproject.read_bytes()
        tomllib.loads(old.decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{PYPROJECT} can't be read as TOML: {error}; mend that and run again") from error
    added = joined(old, text.encode(errors="replace").decode())
    try:
        tomllib.loads((old + added).decode("utf-8-sig"))
    except tomllib.TOMLDecodeError:  # `tool` may be an inline table, to which nothing can be added
        return False
    path = real.relative_to(os.path.realpath(root)).as_posix()
    edits = (Edit(len(old), len(old), added),)
    try:
        write_result(root, FileResult(path, edits=edits, digest=hashlib.sha256(old).digest()))
    except WriteError as error:
        raise UsageError(str(error)) from error
    return True


def _settings(survey: _Survey, prefix: str) -> str:
    dotted = f"{prefix}." if prefix else ""
    lines = [
        *([f"[{prefix}]"] if prefix else []),
        "# Written by `ssot-fix init`. A line that begins with # and no blank is a setting at its default, or an",
        "# example: delete the # to change it. `ssot-fix explain NAME` says more of a codemod's settings.",
    ]
    defaults: Any = General()
    for setting in _general(survey):
        lines += ["", *_entry(setting, getattr(defaults, setting.key.replace("-", "_")), prefix)]
    lines.append("")
    for name, settings in survey.settings.items():
        table = f"{dotted}{name}"
        lines.append(f"[{table}]")
        defaults = type(survey.config.options(name, ""))()
        for setting in sorted(settings, key=_is_array_of_tables):  # what stands below one would be in it
            lines += [*_entry(setting, getattr(defaults, setting.key.replace("-", "_")), table), ""]
    return "\n".join([*lines, *_overrides(survey, dotted)]) + "\n"


def _general(survey: _Survey) -> Iterator[Setting]:
    """The general settings; nothing of them is set, since a run finds the same without."""
    for setting in _GENERAL:
        if setting.key == "test-patterns" and survey.test_like:
            more = (f"/{_SPECIAL_IN_GLOBS.sub(_ESCAPED, folder)}/" for folder in survey.test_like)
            folders = ", ".join(f"{folder}/" for folder in survey.test_like)
            note = f"Most files in {folders} import pytest or unittest: delete the # if that is test code, too."
            yield replace(setting, example=(*survey.config.general.test_patterns, *more), note=note)
        elif setting.key == "source-roots" and survey.more_roots:
            note = "These look like some: delete the # if they are."
            yield replace(setting, example=tuple(survey.more_roots), note=note)
        else:
            yield setting


def _entry(setting: Setting, default: object, table: str = "") -> Iterator[str]:
    """A setting's lines in a table: what it is for, and its value, behind a # unless it was found."""
    for text in filter(None, (setting.purpose, setting.note)):
        yield from (f"# {line}" for line in textwrap.wrap(_UNPRINTABLE.sub("?", text), _WIDTH, break_on_hyphens=False))
    if setting.found is not None:
        yield from _assignment(setting.key, setting.found)
    elif _is_array_of_tables(setting):
        yield from (f"#{line}" for line in _tables(f"{table}.{setting.key}".lstrip("."), setting.example))
    else:
        value = default if setting.example is None else setting.example
        yield from (f"#{line}" for line in _assignment(setting.key, "" if value is None else value))


def _overrides(survey: _Survey, dotted: str) -> Iterator[str]:
    yield "# What differs for some paths: any number of these tables, of which the last one that matches decides."
    yield f"#[[{dotted}overrides]]"
    yield '#paths = ["legacy/"]'
    yield "#unsafe-fixes = false"
    for name, settings in survey.settings.items():
        options: Any = survey.config.options(name, "")
        wide = {field.name for field in fields(options) if field.metadata.items() >= PROJECT_WIDE.items()}
        by_path = (each for each in settings if each.key.replace("-", "_") not in wide)
        setting = next((each for each in by_path if each.example is not None or each.found is not None), None)
        if setting is not None:
            value = setting.found if setting.example is None else setting.example
            yield f"#[{dotted}overrides.{name}]"
            yield from (f"#{line}" for line in _assignment(setting.key, value))


def _is_array_of_tables(setting: Setting) -> bool:
    return isinstance(setting.example, tuple) and any(isinstance(item, Mapping) for item in setting.example)


def _tables(header: str, items: Any) -> Iterator[str]:  # noqa: ANN401
    for item in items:
        yield f"[[{header}]]"
        yield from (f"{key} = {_toml(value)}" for key, value in item.items())


def _assignment(key: str, value: object) -> list[str]:
    line = f"{key} = {_toml(value)}"
    if len(line) <= _WIDTH or not isinstance(value, list | tuple):
        return [line]
    lines = [f"{key} = ["]
    for item in map(_toml, value):
        if len(lines) > 1 and len(lines[-1]) + len(item) < _WIDTH:
            lines[-1] += f" {item},"
        else:
            lines.append(f"{item},")  # not indented: behind a #, a blank would make it prose
    return [*lines, "]"]


def _toml(value: object) -> str:
    """A value as TOML spells it."""
    if isinstance(value, enum.Enum):
        return _toml(value.value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    # JSON's strings are TOML's, but for DEL.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


# The accessor


@dataclass(frozen=True, slots=True)
class _Module:
    """A module to be written: posix paths relative to the project's root, `root` being where imports start."""

    path: str
    root: str
    dotted: str
    new_packages: tuple[str, ...]


def _planned(survey: _Survey, start: Path, asked: Path) -> _Module:
    """Where the accessor goes and how it is imported; UsageError if that would not do."""
    project = survey.project
    if has := _existing_accessor(survey):
        raise UsageError(f"the project has an accessor already: {has}; nothing was changed")
    path = _path_inside(project.root, start, asked)
    if Classifier(survey.config.general.test_patterns).scope(path) == "test":
        raise UsageError(f"{asked}: that is test code, from which production code should not import")
    root = _import_root(project, path)
    inner = path.removeprefix(f"{root}/") if root else path
    parts = inner.removesuffix(".py").split("/")
    _check_importable(survey, asked, root, parts)
    folders = (folder for folder in _folders_above(path) if not (project.root / folder).is_dir())
    return _Module(path, root, ".".join(parts), tuple(f"{folder}/__init__.py" for folder in reversed([*folders])))


def _accessor(survey: _Survey) -> Setting:
    return next(setting for setting in survey.settings[ENVIRONMENT] if setting.key == "accessor")


def _with_accessor(survey: _Survey, module: _Module) -> _Survey:
    """The survey, once the accessor has been written."""
    found = {"accessor": f"{module.dotted}:{_FUNCTION}", "lookup": _LOOKUP}
    settings = [replace(setting, found=found.get(setting.key)) for setting in survey.settings[ENVIRONMENT]]
    inactive = {name: why for name, why in survey.inactive.items() if name != ENVIRONMENT}
    return replace(survey, settings={**survey.settings, ENVIRONMENT: settings}, inactive=inactive)


def _existing_accessor(survey: _Survey) -> str | None:
    """The accessor, or accessors, that the project has already."""
    if ENVIRONMENT not in survey.inactive:
        options: Any = survey.config.options(ENVIRONMENT, "")
        return str(options.accessor or _accessor(survey).found or "the settings name one for some paths")
    return survey.inactive[ENVIRONMENT].partition(";")[0] if _accessor(survey).note else None


def _path_inside(root: Path, start: Path, asked: Path) -> str:
    if "\0" in str(asked):
        raise UsageError(f"{str(asked)!r}: a path can't hold a NUL character")
    written = start / asked
    real = Path(os.path.realpath(written.parent), written.name)
    if not real.is_relative_to(os.path.realpath(root)):
        raise UsageError(f"{asked}: it lies outside the project at {root}; name a file in it")
    if os.path.lexists(real):
        raise UsageError(f"{asked} exists already and is not overwritten; name a new file")
    if real.suffix != ".py":
        raise UsageError(f"{asked}: a module's file name ends in .py, such as environment.py")
    above = next(folder for folder in real.parents if os.path.lexists(folder))
    if not above.is_dir():
        raise UsageError(f"{asked}: {above.name} is no folder; name another place")
    return real.relative_to(os.path.realpath(root)).as_posix()


def _check_importable(survey: _Survey, asked: Path, root: str, parts: Sequence[str]) -> None:
    """Raise UsageError if a new module could not be imported, or would hide another one."""
    project = survey.project
    wrong = next((part for part in parts if not part.isidentifier() or keyword.iskeyword(part)), None)
    if wrong is not None:
        raise UsageError(f"{asked}: it could not be imported, since `{wrong}` is no Python name")
    if parts[-1].startswith("__"):
        raise UsageError(f"{asked}: `{parts[-1]}` has a meaning of its own; name a plain module")
    if parts[0] in sys.stdlib_module_names:
        raise UsageError(f"{asked}: `{parts[0]}` is a module of Python's own; choose another name")
    for count in range(1, len(parts) + 1):
        base = posixpath.join(root, *parts[:count])
        is_file = count == len(parts)
        if f"{base}.py" in project.files and not is_file:
            raise UsageError(f"{asked}: `{base}.py` has that name already; choose another folder")
        if is_file and (project.root / base).is_dir():
            raise UsageError(f"{asked}: the folder {base}/ has that name already; choose another one")
    others = [other for other in project.source_roots if other != root]
    if project.locate(parts[0], others) and not (project.root / root / parts[0]).exists():
        raise UsageError(
            f"{asked}: it would hide `{parts[0]}`, which lies in {others[-1] or 'the root'}; choose another name"
        )
    if root == "" and parts[0] != "src" and _lies_in_src(survey):
        place = _place_for_accessor(survey)
        raise UsageError(f"{asked}: the project's packages lie in src/ and could not import this; try {place}")


def _lies_in_src(survey: _Survey) -> bool:
    """Whether production code has its packages in src/, which is none itself, and none in the project's root."""
    packages = [path for path in survey.production if path.endswith("/__init__.py")]
    if any(path.count("/") == 1 for path in packages) or _count_imports(survey.project, "", "src"):
        return False
    return any(path.startswith("src/") for path in packages)


def _import_root(project: Project, path: str) -> str:
    """The folder from which a new file is to be imported: as the project's own imports name its folder."""
    folder = next((above for above in _folders_above(path) if above in project.folders), "")
    usual = project.source_root_of(path)
    uses: Counter[str] = Counter()
    for root in [*_folders_above(folder), ""] if folder else []:
        uses[root] = _count_imports(project, root, folder[len(root) :].lstrip("/").replace("/", "."))
    if any(uses.values()):
        return max(uses, key=lambda root: (uses[root], root == usual))
    while f"{usual}/__init__.py" in project.files:
        usual = posixpath.dirname(usual)
    return usual


def _count_imports(project: Project, root: str, dotted: str) -> int:
    """How many files below a folder import a package, or something in it, by a dotted path."""
    imported = re.compile(rb"^[ \t]*(?:from|import)[ \t]+" + re.escape(dotted.encode()) + rb"\b", re.MULTILINE)
    inside = (path for path in project.files if path.startswith(f"{root}/" if root else ""))
    return sum(imported.search(_bytes_of(project, path)) is not None for path in inside)


def _write_module(survey: _Survey, module: _Module, undo: ExitStack) -> None:
    """Write the accessor and the packages around it, and see that a run will find it."""
    root = survey.project.root
    template = resources("ssot_fix.delivery") / "environment.py.txt"
    for package in module.new_packages:
        folder = root / posixpath.dirname(package)
        with _explained(package):
            folder.mkdir()
        undo.callback(_removed, folder.rmdir)
        _create(root / package, package, b"", undo)
    _create(root / module.path, module.path, template.read_bytes(), undo)
    found = discover(root, (), survey.config.general.exclude)
    if module.path not in found.files:
        raise UsageError(f"{module.path}: git ignores it, or the settings exclude it; name another place")
    spelled = f"{module.dotted}:{_FUNCTION}"
    try:
        meant = read(
            project_of(survey.config.root, found.files, survey.config.general.source_roots), spelled
        ).target.path
    except NoAccessor as error:
        raise UsageError(f"{module.path}: {error}; name another place") from error
    if meant != module.path:
        raise UsageError(f"{module.path}: `{module.dotted}` means {meant} here; choose another name")


# New files


def _create(path: Path, shown: str, data: bytes, undo: ExitStack | None = None) -> None:
    """Write a new file, at once and in full; UsageError if there is one, or if it can't be written."""
    temporary = path.with_name(f".{os.urandom(8).hex()}{TEMPORARY_SUFFIX}")
    with _explained(shown):
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _put(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    if undo is not None:
        undo.callback(_removed, path.unlink)


def _removed(remove: Callable[[], None]) -> None:
    """Take a new file or folder away again; if somebody else was quicker, or is in it, let that be."""
    with contextlib.suppress(OSError):
        remove()


def _put(temporary: Path, path: Path) -> None:
    """Give a file its name, if that is free."""
    try:
        os.link(temporary, path)  # unlike a rename, never in the place of another file
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(f"{path}") from None
        temporary.rename(path)


@contextlib.contextmanager
def _explained(shown: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise UsageError(f"{shown} exists already and is not overwritten") from error
    except OSError as error:
        raise UsageError(f"{shown} was not written: {error.strerror}; put that right and run again") from error
