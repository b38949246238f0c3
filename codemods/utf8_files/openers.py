"""What opens text, and what of its arguments decides about the encoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Opener:
    """A callable that opens text.

    `kind` is what findings call it. `parameters` are those that may be given by position, as far as that matters.
    `mode` is the mode that holds if none is given, None if the callable takes no mode and always means text;
    `mode_name` is what the parameter is called.
    `binary_unless_t`: its modes are binary unless they hold a `t`. `switches` are the keywords of which one has to
    be given for it to mean text. `hook` is a keyword with which it takes no encoding. `since` is the first Python in
    which it takes `encoding`.
    """

    kind: str
    parameters: tuple[str, ...]
    mode: str | None = None
    mode_name: str = "mode"
    binary_unless_t: bool = False
    switches: tuple[str, ...] = ()
    hook: str = ""
    since: Version = (3, 0)

    def is_text(self, mode: str) -> bool:
        """Whether a mode means text."""
        return "t" in mode if self.binary_unless_t else "b" not in mode


_OPEN = Opener("open", ("file", "mode", "buffering", "encoding"), "r")
_COMPRESSED = ("filename", "mode", "compresslevel", "encoding")
_TEMPORARY = Opener("tempfile", ("mode", "buffering", "encoding"), "w+b")
_PROCESS = Opener(
    "subprocess",
    (
        *("args", "bufsize", "executable", "stdin", "stdout", "stderr", "preexec_fn", "close_fds", "shell", "cwd"),
        *("env", "universal_newlines"),
    ),
    switches=("text", "universal_newlines", "errors"),
    since=(3, 6),
)
_OUTPUT = Opener("subprocess", ("cmd",), since=(3, 11))
_FILEINPUT = Opener("fileinput", ("files", "inplace", "backup"), "r", hook="openhook", since=(3, 10))

# By dotted path (https://docs.python.org/3/library/; PEP 597 lists those that warn without an encoding).
FUNCTIONS: Final[Mapping[str, Opener]] = MappingProxyType(
    {
        "builtins.open": _OPEN,
        "io.open": _OPEN,
        "os.fdopen": Opener("open", ("fd", "mode", "buffering", "encoding"), "r"),
        "io.TextIOWrapper": Opener("open", ("buffer", "encoding")),
        "gzip.open": Opener("compressed", _COMPRESSED, "rb", binary_unless_t=True, since=(3, 3)),
        "bz2.open": Opener("compressed", _COMPRESSED, "rb", binary_unless_t=True, since=(3, 3)),
        "lzma.open": Opener("compressed", ("filename", "mode"), "rb", binary_unless_t=True, since=(3, 3)),
        "tempfile.NamedTemporaryFile": _TEMPORARY,
        "tempfile.TemporaryFile": _TEMPORARY,
        "tempfile.SpooledTemporaryFile": Opener("tempfile", ("max_size", "mode", "buffering", "encoding"), "w+b"),
        "logging.FileHandler": Opener("logging", ("filename", "mode", "encoding"), "a"),
        "logging.handlers.WatchedFileHandler": Opener("logging", ("filename", "mode", "encoding"), "a"),
        "logging.handlers.RotatingFileHandler": Opener(
            "logging", ("filename", "mode", "maxBytes", "backupCount", "encoding"), "a"
        ),
        "logging.handlers.TimedRotatingFileHandler": Opener(
            "logging", ("filename", "when", "interval", "backupCount", "encoding")
        ),
        "logging.basicConfig": Opener("logging", (), "a", "filemode", switches=("filename",), since=(3, 9)),
        "subprocess.Popen": _PROCESS,
        "subprocess.run": _PROCESS,
        "subprocess.call": _PROCESS,
        "subprocess.check_call": _PROCESS,
        "subprocess.check_output": _PROCESS,
        "subprocess.getoutput": _OUTPUT,
        "subprocess.getstatusoutput": _OUTPUT,
        "fileinput.input": _FILEINPUT,
        "fileinput.FileInput": _FILEINPUT,
        "argparse.FileType": Opener("open", ("mode", "bufsize", "encoding"), "r", since=(3, 4)),
    }
)

# By the kind of the receiver (receivers.py) and the method.
METHODS: Final[Mapping[tuple[str, str], Opener]] = MappingProxyType(
    {
        ("path", "open"): Opener("path", ("mode", "buffering", "encoding"), "r"),
        ("path", "read_text"): Opener("path", ("encoding",)),
        ("path", "write_text"): Opener("path", ("data", "encoding")),
        ("traversable", "open"): Opener("path", ("mode", "encoding"), "r"),
        ("traversable", "read_text"): Opener("path", ("encoding",)),
        ("zip-path", "open"): Opener("path", ("mode", "encoding"), "r", since=(3, 9)),
        ("zip-path", "read_text"): Opener("path", ("encoding",), since=(3, 9)),
        ("config-parser", "read"): Opener("configparser", ("filenames", "encoding"), since=(3, 2)),
    }
)
