"""What the standard library and pytest give back, by dotted path, attribute and method.

Sources: https://docs.python.org/3/library/pathlib.html, importlib.resources.html, zipfile.html#path-objects,
configparser.html, os.html, tempfile.html; https://docs.pytest.org/en/stable/reference/reference.html#fixtures.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from codemods.utf8_files.values import (
    CONFIG_PARSER,
    FILE,
    NONE,
    OTHER,
    PATH,
    STR,
    TRAVERSABLE,
    UNKNOWN,
    ZIP_PATH,
    Value,
    context,
    many,
    mapping,
    pair,
)

PATH_CLASSES: Final = frozenset({"pathlib.Path", "pathlib.PosixPath", "pathlib.WindowsPath"})
_PURE = ("pathlib.PurePath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath")
_PARSERS = ("configparser.ConfigParser", "configparser.RawConfigParser", "configparser.SafeConfigParser")
_TRAVERSABLES = (
    "importlib.abc.Traversable",
    "importlib.resources.abc.Traversable",
    "importlib_resources.abc.Traversable",
)
_WALK = many(pair(STR, many(STR), many(STR)))

# What an instance of a class is, for calls of it and for annotations.
_INSTANCES: dict[str, Value] = {
    **dict.fromkeys(PATH_CLASSES, PATH),
    **dict.fromkeys(_PARSERS, CONFIG_PARSER),
    "zipfile.Path": ZIP_PATH,
    "builtins.str": STR,
    **dict.fromkeys(
        [f"builtins.{name}" for name in ("bool", "bytearray", "bytes", "complex", "float", "int", "range")], OTHER
    ),
    **dict.fromkeys(["datetime.date", "datetime.datetime", "datetime.timedelta", "decimal.Decimal"], OTHER),
    **dict.fromkeys(["argparse.ArgumentParser", "logging.Logger", "threading.Thread", "uuid.UUID"], OTHER),
    **dict.fromkeys(["zipfile.ZipFile", "tarfile.TarFile", "io.StringIO", "io.BytesIO", "io.TextIOWrapper"], FILE),
    **dict.fromkeys(["urllib.request.OpenerDirector", "webbrowser.BaseBrowser"], OTHER),
}
ANNOTATIONS: Final[Mapping[str, Value]] = MappingProxyType(
    {
        **_INSTANCES,
        **dict.fromkeys(_TRAVERSABLES, TRAVERSABLE),
        **dict.fromkeys(["typing.IO", "typing.TextIO", "typing.BinaryIO"], FILE),
        **dict.fromkeys(["builtins.list", "builtins.tuple", "builtins.set", "builtins.frozenset"], many(UNKNOWN)),
        "builtins.dict": mapping(UNKNOWN, UNKNOWN),
        "builtins.None": NONE,
    }
)

RETURNS: Final[Mapping[str, Value]] = MappingProxyType(
    {
        **_INSTANCES,
        **dict.fromkeys(_PURE, OTHER),
        "pathlib.Path.cwd": PATH,
        "pathlib.Path.home": PATH,
        "pathlib.Path.from_uri": PATH,
        "importlib.resources.files": TRAVERSABLE,
        "importlib_resources.files": TRAVERSABLE,
        "importlib.resources.as_file": context(PATH),
        "importlib_resources.as_file": context(PATH),
        "tempfile.TemporaryDirectory": context(STR),
        "tempfile.NamedTemporaryFile": FILE,
        "tempfile.TemporaryFile": FILE,
        "tempfile.SpooledTemporaryFile": FILE,
        "tempfile.mkdtemp": STR,
        "tempfile.mktemp": STR,
        "tempfile.gettempdir": STR,
        "tempfile.mkstemp": pair(OTHER, STR),
        "builtins.open": FILE,
        **dict.fromkeys(["io.open", "os.fdopen", "codecs.open", "gzip.open", "bz2.open", "lzma.open"], FILE),
        "tarfile.open": FILE,
        "urllib.request.urlopen": FILE,
        "urllib.request.build_opener": OTHER,
        "os.getcwd": STR,
        "os.getenv": STR,
        "os.fspath": STR,
        "os.readlink": STR,
        "os.listdir": many(STR),
        "os.walk": _WALK,
        "os.scandir": many(OTHER),
        "os.path.split": pair(STR, STR),
        "os.path.splitext": pair(STR, STR),
        "os.path.splitdrive": pair(STR, STR),
        "glob.glob": many(STR),
        "glob.iglob": many(STR),
        "shutil.which": STR,
        "logging.getLogger": OTHER,
        "subprocess.run": OTHER,
        "subprocess.check_output": OTHER,
        **dict.fromkeys(
            [f"builtins.{name}" for name in ("repr", "ascii", "input", "chr", "format", "hex", "bin")], STR
        ),
        **dict.fromkeys(
            [f"builtins.{name}" for name in ("len", "abs", "hash", "id", "ord", "callable", "isinstance")], OTHER
        ),
    }
)
_JOINED = frozenset(
    {"abspath", "basename", "commonpath", "commonprefix", "dirname", "expanduser", "expandvars", "join", "normcase"}
    | {"normpath", "realpath", "relpath"}
)
# Things that are no functions and no modules.
CONSTANTS: Final[Mapping[str, Value]] = MappingProxyType(
    {
        "os.environ": mapping(STR, STR),
        "sys.argv": many(STR),
        "sys.path": many(STR),
        "sys.executable": STR,
        "sys.prefix": STR,
        **dict.fromkeys(["os.sep", "os.linesep", "os.pathsep", "os.curdir", "os.devnull"], STR),
        **dict.fromkeys(["sys.stdin", "sys.stdout", "sys.stderr"], FILE),
    }
)


def _named(value: Value, *names: str) -> dict[str, Value]:
    return dict.fromkeys(names, value)


_PATH_WALK = many(pair(PATH, many(STR), many(STR)))
_STR_PARTS = _named(STR, "name", "stem", "suffix")
# By the kind of the receiver.
ATTRIBUTES: Final[Mapping[str, Mapping[str, Value]]] = MappingProxyType(
    {
        "path": {
            **_STR_PARTS,
            **_named(STR, "root", "drive", "anchor"),
            **_named(many(STR), "parts", "suffixes"),
            "parent": PATH,
            "parents": many(PATH),
        },
        "traversable": {"name": STR},
        "zip-path": {**_STR_PARTS, **_named(many(STR), "suffixes"), "parent": ZIP_PATH},
        "pytester": {"path": PATH},
    }
)
_TESTED = ("exists", "is_dir", "is_file", "is_symlink")
METHODS: Final[Mapping[str, Mapping[str, Value]]] = MappingProxyType(
    {
        "path": {
            **_named(PATH, "resolve", "absolute", "expanduser", "joinpath", "relative_to", "rename", "replace"),
            **_named(PATH, "readlink", "with_name", "with_stem", "with_suffix", "with_segments"),
            **_named(PATH, "copy", "copy_into", "move", "move_into"),
            **_named(many(PATH), "glob", "rglob", "iterdir"),
            **_named(STR, "as_posix", "as_uri", "read_text", "owner", "group"),
            **_named(OTHER, *_TESTED, "read_bytes", "write_text", "write_bytes", "stat", "lstat", "samefile", "match"),
            "walk": _PATH_WALK,
            "open": FILE,
        },
        "traversable": {
            "joinpath": TRAVERSABLE,
            "iterdir": many(TRAVERSABLE),
            "open": FILE,
            "read_text": STR,
            **_named(OTHER, *_TESTED, "read_bytes"),
        },
        "zip-path": {
            **_named(ZIP_PATH, "joinpath", "relative_to"),
            **_named(many(ZIP_PATH), "iterdir", "glob", "rglob"),
            "open": FILE,
            "read_text": STR,
            **_named(OTHER, *_TESTED, "read_bytes"),
        },
        "str": {
            **_named(many(STR), "split", "rsplit", "splitlines"),
            **_named(pair(STR, STR, STR), "partition", "rpartition"),
            **_named(OTHER, "encode", "count", "find", "rfind", "index", "rindex", "startswith", "endswith"),
            **_named(OTHER, "isdigit", "isalpha", "isalnum", "islower", "isupper", "isspace", "isidentifier"),
            **_named(STR, "capitalize", "casefold", "center", "expandtabs", "format", "join", "ljust", "lower"),
            **_named(STR, "lstrip", "removeprefix", "removesuffix", "replace", "rjust", "rstrip", "strip"),
            **_named(STR, "swapcase", "title", "translate", "upper", "zfill"),
        },
        "file": {**_named(OTHER, "read", "fileno", "tell"), "readline": OTHER, "namelist": many(STR)},
        "config-parser": {"read": many(STR), "sections": many(STR)},
        "tmp_path_factory": _named(PATH, "mktemp", "getbasetemp"),
        "pytester": {
            **_named(PATH, "copy_example", "makeconftest", "makefile", "makeini", "makepyfile", "makepyprojecttoml"),
            **_named(PATH, "maketxtfile", "mkdir", "mkpydir"),
        },
    }
)
# Parameters of tests and fixtures (https://docs.pytest.org/en/stable/reference/fixtures.html).
FIXTURES: Final[Mapping[str, Value]] = MappingProxyType(
    {
        "tmp_path": PATH,
        "tmp_path_factory": Value("tmp_path_factory"),
        "pytester": Value("pytester"),
        **dict.fromkeys(["tmpdir", "testdir", "tmpdir_factory"], OTHER),  # py.path has its own methods
    }
)
# What a path fits into, too.
_OPEN_BASES = frozenset({"typing.Protocol", "os.PathLike"})
_HAS_FILE_METHODS = frozenset({*PATH_CLASSES, *_PURE, *_PARSERS, *_TRAVERSABLES, "zipfile.Path", "typing.Any"})


def returned(dotted: str) -> Value:
    """What a call of something out of sight gives back."""
    owner, _, name = dotted.rpartition(".")
    if owner in {"os.path", "posixpath", "ntpath"} and dotted not in RETURNS:
        return STR if name in _JOINED else OTHER
    return RETURNS.get(dotted, UNKNOWN)


def standard(dotted: str) -> bool:
    """Whether a dotted path starts with a module of the standard library."""
    top = dotted.partition(".")[0]
    return top in sys.stdlib_module_names or top == "builtins"


def harmless_base(dotted: str) -> bool:
    """Whether an instance of a class that inherits from something out of sight is no path for all that."""
    return standard(dotted) and dotted not in _OPEN_BASES and dotted not in _HAS_FILE_METHODS


def no_receiver(dotted: str) -> bool:
    """Whether something out of sight surely is none of the things that have file methods."""
    return standard(dotted) and dotted not in _HAS_FILE_METHODS


def member(dotted: str) -> Value:
    """Something of the standard library."""
    return CONSTANTS.get(dotted) or Value("library", dotted=dotted)
