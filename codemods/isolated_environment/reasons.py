"""The codemod's reason codes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accessor-internals": "The file is the accessor's own module, or one that it imports: calling the accessor "
        "there would recurse or close an import cycle.",
        "import-error-fallback": "The code is what runs when an import fails, so it may not need one.",
        "raises-differently": "os.environ[k] raises KeyError for a missing variable; the accessor's get returns "
        "None. Name a raising method as `lookup` in the config, or test the variable first.",
        "no-equivalent": "The accessor has no operation that does the same as this one.",
        "whole-environment": "os.environ is handed on, iterated, kept or patched as a whole; what happens to it "
        "there can't be seen from here.",
        "indirect-access": "The environment is reached through getattr, a patch or a function kept for later.",
        "bytes-environment": "The accessor holds text, and this is the environment in bytes.",
        "accessor-lacks": "The accessor's class has no method for this, or none that takes these arguments.",
        "patched-elsewhere": "Another file may replace the name through which this module reads the "
        'environment, as `mock.patch("module.os.getenv")` does; the rewrite would go round that.',
        "no-accessor": "No accessor is known for this path. Name one with `accessor`, in an override if need be.",
        "value-not-str": "The value is known not to be a str: os.environ would raise TypeError here.",
        "external-key": "Other programs read this variable from the process environment, where it has to stay. "
        "`external-keys` in the config is the list.",
        "computed-key": "Which variable is written is known only at run time; it may be one that other programs read.",
        "mixed-key": "Another operation on the same variable in this file stays with os.environ, and the accessor "
        "may not see its effect. All of them move together or none does; a computed name counts as any.",
        "star-arguments": "The arguments are unpacked from a sequence or mapping, so which they are can't be seen.",
        "fstring-debug": 'f"{x=}" prints its own source, which the rewrite would change.',
        "comment-inside": "A comment stands inside the code that would be replaced.",
        "odd-position": "Before Python 3.12 the position inside this f-string is not known exactly. "
        "Run ssot-fix under Python 3.12 or newer.",
        "exempted": "A comment or path that the config names as an exemption covers this use.",
    }
)
