"""Reason codes that any codemod may give. A codemod's own stand in its module.

Codes are a contract: users filter and suppress by them, so one is never renamed or given another meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SHARED: Final = MappingProxyType(
    {
        "unsafe": "The rewrite may behave differently, in the way its message states. "
        "Apply it with --unsafe-fixes, or allow this operation in the codemod's table of the config.",
        "unparseable": "Neither Python's parser nor LibCST reads the file. "
        "Fix the syntax error, exclude the file in the config, or run ssot-fix under the Python it is written for.",
        "undecodable": "The bytes are not text in the encoding that the file declares (PEP 263). "
        "Correct the declaration or the bytes.",
        "proof-failed": "The new text did not hold all five conditions of the proof, so the file was left as it was. "
        "The message names the condition. This is a gap in ssot-fix: please report it.",
        "name-taken": "The name that the rewrite needs already means something else at this place. "
        "Rename the other one, or import the accessor under another name at module level: it is reused.",
        "use-before-import": "The code runs before any place where the import may stand: below __future__ imports "
        "and changes of sys.path. Move the use or the change of sys.path.",
        "import-cycle": "The import would close an import cycle at module level.",
        "script-cannot-import": "Started as a script, the file would not find the module: Python puts the script's "
        "own folder on sys.path, not the project's root. Put the root on sys.path at the top of the script, run it "
        "with `python -m`, or name its folder in `source-roots`.",
        "ambiguous-binding": "The name is bound in several ways, and which one holds here can't be told.",
        "import-layout": "The import statement can't be edited without losing a comment or taking it from its name. "
        "Split the statement by hand.",
        "overlapping-edits": "Two codemods want to change the same bytes.",
        "uncommitted-changes": "The file has changes that are not committed. Commit or stash them, "
        "or use --allow-dirty.",
        "not-written": "The file could not be written; it is as it was. The error says why.",
    }
)


def headlines(*own: Mapping[str, str]) -> dict[str, str]:
    """The first sentence of what each reason code means; `own` are those of codemods, as `Codemod.reasons`."""
    texts = dict(SHARED)
    for reasons in own:
        texts |= reasons
    return {code: text.partition(". ")[0].rstrip(".") for code, text in texts.items()}
