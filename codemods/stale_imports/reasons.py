"""The codemod's reason codes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "removed": "Nothing in the project has the name any more: it was removed without a replacement. Take the "
        "code that uses it out, or say in a move what replaces it. `ssot-fix discover-moves` names the commit.",
        "no-move": "Something of the same name exists elsewhere, but nothing says that it is the same thing. If it "
        "is, say so in a move; `ssot-fix discover-moves` looks for evidence in the history.",
        "target-lacks-name": "The move says where the module went, but the name is not there. Move the name by "
        "itself, or take the code that uses it out.",
        "several-candidates": "Several modules define something of the same name. Say in a move which one is meant.",
        "only-in-tests": "Only test code defines something of the same name, and production code can't import that.",
        "private-candidate": "What has the same name elsewhere is private (it, or its module, begins with _).",
        "own-definition": "The only definition of the same name is in the importing file itself: most often the "
        "fallback for when the import fails.",
        "another-service": "What has the same name belongs to another service, which this code does not depend on. "
        "Say in `services` which packages are services, if the imports of today mislead; [] stands for none.",
        "candidate-not-importable": "The module that has the same name can't be imported itself: an import that "
        "always runs in it is stale, too. Settle that one first.",
        "different-signature": "The new one takes other parameters, or is async where the old one was not, or lost "
        "methods: code written for the old one would break. Adapt the calls, and then import it by hand.",
        "guarded-fallback": "The import is tried, and what runs when it fails stands in for it. The code works that "
        "way today; to import the new place would change what it does. Take the fallback out first.",
        "expected-failure": "The code expects the import to fail, as a test that something is gone does.",
        "star-import": "Not all that the file takes from the star import is known to be there in the new place. "
        "Import the names one by one.",
        "other-uses": "`import a.b` binds `a`, and the file uses that in ways that the new import would not serve.",
        "unclear-string": "The path is not spelled in one piece: an escape, a format or several strings make it up.",
        "plain-string": "A string that names what has moved. Nothing here says that it is imported by that name; "
        "look whether it is, and change it by hand.",
        "other-file": "A line of a file that isn't Python names what has moved. Change it by hand.",
    }
)
