"""A module of the standard library as a target: reached where it is imported, imported with its like where it is not.

The codemod of these tests replaces every call `WHERE()` by the target's `__name__`.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import pytest
from cases import VARIANTS, accounted, compiles, lay_out, left_alone, make_project

from codemods.isolated_environment import IsolatedEnvironment
from ssot_fix.bindings import load
from ssot_fix.edits import Applicability, Edit, FileResult, Refusal, Status, apply_edits
from ssot_fix.engine.run import Request, run
from ssot_fix.imports import Binder, Target
from ssot_fix.project import config as settings
from ssot_fix.project.resolver import Project
from ssot_fix.proof import ProofFailed, prove
from ssot_fix.sites import Plan, Site


@dataclass(frozen=True)
class Options:
    """None."""


@dataclass(frozen=True)
class Where:
    """Static and prepared at once."""

    module: str = "sys"

    name = "where"
    summary = "tells where"
    explanation = "For tests."
    options = Options
    reasons = {}  # noqa: RUF012
    shared_names = frozenset()
    source_roots = ()
    renamed = frozenset()

    def screen(self, data):
        return b"WHERE" in data

    def surveyor(self, project, config):
        return _see_nothing

    def narrow(self, passed):
        return passed

    def beyond(self, covers):
        return [], []

    def prepare(self, project, config, surveyed):
        return self

    def seeds(self, path, raw):
        return frozenset({"WHERE", self.module})

    def sites(self, module, project, taken):
        binder = Binder(module, project, Target(self.module))
        return [self._site(module, binder, use) for use in module.references if use.node.id == "WHERE"]

    def _site(self, module, binder, use):
        call = module.parents[use.node]
        site = Site(self.name, call, "call", "asks where", Applicability.SAFE)
        reach = binder.reach(call, use.scope)
        if isinstance(reach, Refusal):
            site.refusal = reach
            return site
        text = f"{reach.expression}.__name__"
        site.edits = (Edit(module.start(call), module.end(call), text.encode()),)
        site.binder, site.expression, site.needs_import = binder, reach.expression, reach.needs_import
        return site

    def couple(self, sites):
        pass

    def allows_unsafe(self, path, kind):
        return False


def _see_nothing(data):
    return None


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("project")


def run_codemods(root: Path, *codemods) -> dict[str, FileResult]:
    named = {codemod.name: codemod for codemod in codemods}
    config = settings.load(root, root, {name: codemod.options for name, codemod in named.items()})
    config.general = replace(config.general, jobs=1)
    results = run(Request(config, named)).results
    accounted(results)
    return {result.path: result for result in results}


def check(root: Path, before: bytes, after: bytes, left=(), *, module="sys", path="app.py", files=None) -> None:
    """One run leads from one text to the other and leaves the given sites; another one changes nothing."""
    lay_out(root, {**(files or {}), path: before})
    result = run_codemods(root, Where(module)).get(path, FileResult(path))
    new = apply_edits(before, result.edits)
    assert new.decode() == after.decode(), [finding.message for finding in result.findings]
    assert left_alone(result) == tuple(left)
    assert compiles(new) or not compiles(before)
    (root / path).write_bytes(new)
    assert not run_codemods(root, Where(module)).get(path, FileResult(path)).edits


def check_layouts(root: Path, before: str, after: str, *more, **options) -> None:
    for name, change in VARIANTS.items():
        try:
            check(root, change(before.encode()), change(after.encode()), *more, **options)
        except AssertionError as error:
            error.add_note(f"variant: {name}")
            raise


# What must stay

FUTURE = "from __future__ import annotations\n"
MAIN = 'if __name__ == "__main__":\n'
TAKEN = {
    "parameter": "def f(sys):\n    return WHERE()\n",
    "keyword-only parameter": "def f(*, sys=1):\n    return WHERE()\n",
    "parameter of a lambda": "f = lambda sys: (\n    WHERE())\n",
    "local variable": "def f():\n    sys = 1\n    return WHERE(), sys\n",
    "global variable": "sys = 1\n\n\ndef f():\n    return WHERE()\n",
    "assigned below": "def f():\n    return WHERE()\nsys = 1\n",
    "global of a function": "def f():\n    global sys\n    sys = 1\n    WHERE()\n",
    "global that another function assigns": "def f():\n    global sys\n    sys = 1\ndef g():\n    WHERE()\n",
    "imported and assigned": "import sys\nif sys:\n    sys = WHERE()\n",
    "imported and taken away": "import sys\ndel sys\nWHERE()\n",
    "variable of the function around": "def f():\n    sys = 1\n    def g():\n        WHERE()\n    return g, sys\n",
    "parameter of the function around": "def f(sys):\n    class A:\n        def g(self):\n            WHERE()\n",
    "nonlocal": "def f():\n    sys = 1\n    def g():\n        nonlocal sys\n        sys = WHERE()\n    return g\n",
    "attribute in its class's body": "class A:\n    sys = 1\n    a = WHERE()\n",
    "import in a class's body": "class A:\n    import sys\n    a = WHERE()\n",
    "loop": "for sys in ():\n    WHERE()\n",
    "comprehension": "a = [WHERE()\n     for sys in ()]\n",
    "with": "with open('a') as sys:\n    WHERE()\n",
    "except": "try:\n    WHERE()\nexcept OSError as sys:\n    pass\n",
    "walrus": "if (sys := 1):\n    WHERE()\n",
    "pattern": "match 1:\n    case sys:\n        WHERE()\n",
    "function": "def sys():\n    return WHERE()\n",
    "class": "class sys:\n    pass\nWHERE()\n",
    "another module under its name": "import os as sys\nWHERE()\n",
    "a name of it under its name": "from sys import path as sys\nWHERE()\n",
    "a name of another module": "from os import sys\nWHERE()\n",
    "a fallback": "try:\n    import sys\nexcept ImportError:\n    sys = None\nWHERE()\n",
    "tried": "try:\n    import sys\nexcept ImportError:\n    pass\nWHERE()\n",
    "one of two branches": "if __debug__:\n    import sys\nelse:\n    sys = 1\nWHERE()\n",
    "imported below in the function": "def f():\n    WHERE()\n    import sys\n    return sys\n",
    "imported in a branch of the function": "def f(a):\n    if a:\n        import sys\n    return WHERE(), sys\n",
    "imported in a try of the function": "def f():\n    try:\n        import sys\n    finally:\n        WHERE()\n",
    "read, but not bound": "from tkinter import *\nprint(sys.path)\nWHERE()\n",
    "type parameter": "class A[sys]:\n    def f(self):\n        return WHERE()\n",
    "name of a type": "type sys = int\nWHERE()\n",
}


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN)
def test_where_the_name_means_something_else(text, root):
    line = text[: text.index("WHERE")].count("\n") + 1
    check_layouts(root, text, text, [(line, "name-taken")])


STARS = {
    "assigns": "sys = 1\n",
    "may assign": "if __debug__:\n    sys = 1\n",
    "imports another": "import os as sys\n",
    "tries": "try:\n    import sys\nexcept ImportError:\n    sys = None\n",
}


@pytest.mark.parametrize("there", STARS.values(), ids=STARS)
def test_where_a_star_import_may_bind_the_name(there, root):
    text = "from there import *\nWHERE()\n"
    check_layouts(root, text, text, [(2, "name-taken")], files={"there.py": there})


EARLY = {
    "above the import": ("WHERE()\nimport sys\n", 1),
    "in a function that is called above": ("def f():\n    WHERE()\nf()\nimport sys\n", 2),
    "in a method that is called above": ("class A:\n    def f(self):\n        WHERE()\nA().f()\nimport sys\n", 3),
    "behind a docstring on its line": ('"""Doc.""";    WHERE()\n', 1),
    "behind __future__ on its line": (FUTURE.replace("\n", "; WHERE()\n"), 1),
    "above a star import": ("WHERE()\nfrom tkinter import *\n", 1),
    "in a decorator above the import": ("@print(WHERE())\ndef f(): ...\nimport sys\n", 1),
    "in a default above the import": ("def f(a=WHERE()): ...\nimport sys\n", 1),
}


@pytest.mark.parametrize(("text", "line"), EARLY.values(), ids=EARLY)
def test_what_runs_before_the_import(text, line, root):
    check_layouts(root, text, text, [(line, "use-before-import")])


@pytest.mark.parametrize("path", ["locale.py", "locale/__init__.py", "tools/locale.py", "src/locale.py"])
def test_a_module_of_the_project_that_may_be_found_instead(path, root):
    text = "import locale\nWHERE()\n"
    for before in (text, "WHERE()\n"):
        line = before.count("\n")
        files = {path: "A = 1\n", "src/a.py": ""}
        check_layouts(root, before, before, [(line, "name-taken")], module="locale", path="tools/app.py", files=files)


# Where it is there already

THERE = {
    "import": "import sys\nWHERE()\n",
    "import of several": "import os, sys\nWHERE()\n",
    "under another name": "import sys as _sys\nWHERE()\n",
    "several times": "import sys\nimport sys\nWHERE()\n",
    "once more in a branch": "import sys\nif __debug__:\n    import sys\nWHERE()\n",
    "in a function, from the module": "import sys\ndef f():\n    return WHERE()\n",
    "below the function, not called before": "def f():\n    return WHERE()\nimport sys\nf()\n",
    "beside the name in another function": "import sys\ndef f(sys):\n    return sys\nWHERE()\n",
    "beside an attribute of the class": "import sys\nclass A:\n    sys = 1\n    def f(self):\n        WHERE()\n",
    "in a class's body": "import sys\nclass A:\n    a = WHERE()\n",
    "in the function": "def f():\n    import sys\n    return WHERE()\n",
    "in the function, under another name": "def f():\n    import sys as s\n    if s:\n        return WHERE()\n",
    "in the block": f"{MAIN}    import sys\n    if sys:\n        WHERE()\n",
    "in the block, in a function": "if __debug__:\n    import sys\n    def f():\n        return WHERE()\n",
    "in the try": "try:\n    import sys\n    WHERE()\nexcept ImportError:\n    pass\n",
    "in the function around": "def f():\n    import sys\n    def g():\n        return WHERE()\n    return g\n",
    "in the function, beside one of the module": "import sys\ndef f():\n    import sys\n    return WHERE()\n",
    "under another name, where the first is taken": "import sys\nimport sys as s\ndef f(sys):\n    return WHERE()\n",
    "or the program ends": "try:\n    import sys\nexcept ImportError:\n    raise\nWHERE()\n",
    "made global by a function, too": "import sys\ndef f():\n    global sys\n    import sys\nWHERE()\n",
    "as a module of the project has it": "from there import sys\nWHERE()\n",
    "in a comprehension": "import sys\na = [WHERE() for b in ()]\n",
    "under a global statement": "import sys\ndef f():\n    global sys\n    return WHERE()\n",
}


@pytest.mark.parametrize("text", THERE.values(), ids=THERE)
def test_what_is_imported_is_used(text, root):
    name = "_sys" if "_sys" in text else "s" if " as s\n" in text else "sys"
    check_layouts(root, text, text.replace("WHERE()", f"{name}.__name__"), files={"there.py": "import sys\n"})


@pytest.mark.parametrize("statement", ["import os.path", "import os.path, sys", "import os", "import sys, os as os"])
def test_the_import_of_a_submodule_binds_the_module(statement, root):
    check_layouts(root, f"{statement}\nWHERE()\n", f"{statement}\nos.__name__\n", module="os")


@pytest.mark.parametrize("statement", ["import os.path as path", "from os import path", "from os.path import join"])
def test_the_import_of_a_part_does_not(statement, root):
    check_layouts(root, f"{statement}\nWHERE()\n", f"import os\n{statement}\nos.__name__\n", module="os")


# Where it is added

LICENCE = "#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n# Licence: MIT\n"
ADDED = {
    # in order
    "first": ("import zlib\nWHERE()\n", "import sys\nimport zlib\nWHERE()\n"),
    "last": ("import os\nWHERE()\n", "import os\nimport sys\nWHERE()\n"),
    "between": ("import os\nimport time\n\nWHERE()\n", "import os\nimport sys\nimport time\n\nWHERE()\n"),
    "above what comes from modules": (
        "import os\nfrom pathlib import Path\n\nWHERE(), Path\n",
        "import os\nimport sys\nfrom pathlib import Path\n\nWHERE(), Path\n",
    ),
    "above what comes from modules, alone": (
        "from pathlib import Path\n\nWHERE(), Path\n",
        "import sys\nfrom pathlib import Path\n\nWHERE(), Path\n",
    ),
    "sorted by module": (
        "import os\nfrom pathlib import Path\nimport time\n\nWHERE()\n",
        "import os\nfrom pathlib import Path\nimport sys\nimport time\n\nWHERE()\n",
    ),
    "not sorted": (
        "import time\nimport os\nfrom re import sub\n\nWHERE()\n",
        "import time\nimport os\nimport sys\nfrom re import sub\n\nWHERE()\n",
    ),
    "without sections": (
        "import os\nimport requests\nimport time\n\nWHERE()\n",
        "import os\nimport requests\nimport sys\nimport time\n\nWHERE()\n",
    ),
    "without sections, last": (
        "import os\nimport requests\nfrom yaml import load\n\nWHERE()\n",
        "import os\nimport sys\nimport requests\nfrom yaml import load\n\nWHERE()\n",
    ),
    "several names in a statement": (
        "import os, json\nimport xml.sax, zlib\n\nWHERE()\n",
        "import os, json\nimport sys\nimport xml.sax, zlib\n\nWHERE()\n",
    ),
    "beside names of it": ("from sys import path\nWHERE()\n", "import sys\nfrom sys import path\nWHERE()\n"),
    "a list over several lines": (
        "from os import (\n    path,\n)\nWHERE()\n",
        "import sys\nfrom os import (\n    path,\n)\nWHERE()\n",
    ),
    "continued lines": ("import \\\n    os\nWHERE()\n", "import \\\n    os\nimport sys\nWHERE()\n"),
    "comments behind": (
        "import os  # a\nimport time  # b\n\nWHERE()\n",
        "import os  # a\nimport sys\nimport time  # b\n\nWHERE()\n",
    ),
    "late, with what linters are told": (
        "A = 1\nimport os  # noqa: E402\nimport time  # noqa: E402\n\nWHERE()\n",
        "A = 1\nimport os  # noqa: E402\nimport sys  # noqa: E402\nimport time  # noqa: E402\n\nWHERE()\n",
    ),
    # section comments
    "below the comment of the section": (
        "# Standard library\nimport time\n\n# Others\nimport yaml\n\nWHERE()\n",
        "# Standard library\nimport sys\nimport time\n\n# Others\nimport yaml\n\nWHERE()\n",
    ),
    "above the comment of the next section": (
        "# Standard library\nimport os\n# Others\nimport yaml\n\nWHERE()\n",
        "# Standard library\nimport os\nimport sys\n# Others\nimport yaml\n\nWHERE()\n",
    ),
    "above the comment of the next import": (
        "import os\n# What time is it?\nimport time\n\nWHERE()\n",
        "import os\nimport sys\n# What time is it?\nimport time\n\nWHERE()\n",
    ),
    "in order across comments": (
        "import os\n\n# Patterns\nimport re\n# Time\nimport time\n\nWHERE()\n",
        "import os\n\n# Patterns\nimport re\nimport sys\n# Time\nimport time\n\nWHERE()\n",
    ),
    "out of order across comments": (
        "import time\n# Patterns\nimport re\nfrom os import path\n\nimport json\n\nWHERE()\n",
        "import time\n# Patterns\nimport re\nfrom os import path\n\nimport json\nimport sys\n\nWHERE()\n",
    ),
    "above the comment of another section": (
        '"""Doc."""\n\n# Others\nimport yaml\n\nWHERE()\n',
        '"""Doc."""\n\nimport sys\n\n# Others\nimport yaml\n\nWHERE()\n',
    ),
    "below the comment of names from modules": (
        '"""Doc."""\n\n# Paths\nfrom os import path\n\nWHERE()\n',
        '"""Doc."""\n\n# Paths\nimport sys\nfrom os import path\n\nWHERE()\n',
    ),
    # other sections
    "above another section": ("import yaml\n\nWHERE()\n", "import sys\n\nimport yaml\n\nWHERE()\n"),
    "above the project's own": (
        "from there import A\n\nWHERE(), A\n",
        "import sys\n\nfrom there import A\n\nWHERE(), A\n",
    ),
    "above another section, below a licence": (
        LICENCE + "\nimport yaml\n\nWHERE()\n",
        LICENCE + "\nimport sys\n\nimport yaml\n\nWHERE()\n",
    ),
    "between __future__ and another section": (
        FUTURE + "\nimport yaml\n\nWHERE()\n",
        FUTURE + "\nimport sys\n\nimport yaml\n\nWHERE()\n",
    ),
    "where sections have no lines between": (
        FUTURE + "import yaml\n\nWHERE()\n",
        FUTURE + "\nimport sys\n\nimport yaml\n\nWHERE()\n",
    ),
    "the section below another": (
        "import yaml\n\nimport os\nimport time\n\nWHERE()\n",
        "import yaml\n\nimport os\nimport sys\nimport time\n\nWHERE()\n",
    ),
    "two sections": (
        "import os\n\nimport yaml\n\nimport time\n\nWHERE()\n",
        "import os\nimport sys\n\nimport yaml\n\nimport time\n\nWHERE()\n",
    ),
    "names from modules apart": (
        "from typing import Any\n\nimport time\n\nWHERE(), Any\n",
        "from typing import Any\n\nimport sys\nimport time\n\nWHERE(), Any\n",
    ),
    "names from modules apart, below": (
        "import os\n\nfrom typing import Any\n\nWHERE(), Any\n",
        "import os\nimport sys\n\nfrom typing import Any\n\nWHERE(), Any\n",
    ),
    # no imports
    "nothing above": ("WHERE()\nA = 1\n", "import sys\n\nWHERE()\nA = 1\n"),
    "nothing above a function": ("def f():\n    WHERE()\n", "import sys\n\n\ndef f():\n    WHERE()\n"),
    "nothing above a decorated function": (
        "@property\ndef f():\n    WHERE()\n",
        "import sys\n\n\n@property\ndef f():\n    WHERE()\n",
    ),
    "below the licence": (LICENCE + "\nWHERE()\n", LICENCE + "\nimport sys\n\nWHERE()\n"),
    "below the docstring": (LICENCE + '"""Doc."""\n\nWHERE()\n', LICENCE + '"""Doc."""\n\nimport sys\n\nWHERE()\n'),
    "directly below the docstring": ('"""Doc."""\nWHERE()\n', '"""Doc."""\n\nimport sys\n\nWHERE()\n'),
    "below __future__": (
        '"""Doc."""\n' + FUTURE + "\n\ndef f():\n    WHERE()\n",
        '"""Doc."""\n' + FUTURE + "\nimport sys\n\n\ndef f():\n    WHERE()\n",
    ),
    "directly below the docstring, above a function": (
        '"""Doc."""\ndef f():\n    WHERE()\n',
        '"""Doc."""\n\nimport sys\n\n\ndef f():\n    WHERE()\n',
    ),
    "below the docstring, above the comment of a class": (
        '"""Doc."""\n\n# A\nclass A:\n    a = WHERE()\n',
        '"""Doc."""\n\nimport sys\n\n\n# A\nclass A:\n    a = WHERE()\n',
    ),
    "below the docstring, above a comment": (
        '"""Doc."""\n# A\n\nWHERE()\n',
        '"""Doc."""\n\nimport sys\n\n# A\n\nWHERE()\n',
    ),
    "below a star import of who knows what": (
        "from tkinter import *\n\nWHERE()\n",
        "from tkinter import *\n\nimport sys\n\nWHERE()\n",
    ),
    "below a star import, with its like": (
        "import os\nfrom yaml import *\nimport time\n\nWHERE()\n",
        "import os\nfrom yaml import *\nimport sys\nimport time\n\nWHERE()\n",
    ),
    "above a star import that holds nothing like it": (
        "from there import *\n\nWHERE()\n",
        "import sys\n\nfrom there import *\n\nWHERE()\n",
    ),
    # not into anything, not behind anything
    "not into try": (
        "try:\n    import json\nexcept ImportError:\n    json = None\n\nWHERE()\n",
        "import sys\n\ntry:\n    import json\nexcept ImportError:\n    json = None\n\nWHERE()\n",
    ),
    "not into TYPE_CHECKING": (
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import os\n\nWHERE()\n",
        "import sys\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import os\n\nWHERE()\n",
    ),
    "beside one for type checkers": (
        "import os\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import sys\n\nWHERE()\n",
        "import os\nimport sys\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import sys\n\nWHERE()\n",
    ),
    "beside one of the program": (
        "def main():\n    WHERE()\n\n\n" + MAIN + "    import sys\n    main()\n    sys.exit()\n",
        "import sys\n\n\ndef main():\n    WHERE()\n\n\n" + MAIN + "    import sys\n    main()\n    sys.exit()\n",
    ),
    "above one of the program": (
        MAIN + "    WHERE()\n    import sys\n",
        "import sys\n\n" + MAIN + "    WHERE()\n    import sys\n",
    ),
    "in the other branch": (
        "if __debug__:\n    import sys\nelse:\n    WHERE()\n",
        "import sys\n\nif __debug__:\n    import sys\nelse:\n    WHERE()\n",
    ),
    "beside one under a condition": (
        "import os\n\nif os.name:\n    import sys\nWHERE()\n",
        "import os\nimport sys\n\nif os.name:\n    import sys\nWHERE()\n",
    ),
    "beside one of a function": (
        "def f():\n    import sys\n    return sys\n\n\ndef g():\n    WHERE()\n",
        "import sys\n\n\ndef f():\n    import sys\n    return sys\n\n\ndef g():\n    WHERE()\n",
    ),
    "beside one that a function makes global": (
        "def f():\n    global sys\n    import sys\n\n\ndef g():\n    WHERE()\n",
        "import sys\n\n\ndef f():\n    global sys\n    import sys\n\n\ndef g():\n    WHERE()\n",
    ),
    "beside a class's own": (
        "class A:\n    sys = 1\n\n    def f(self):\n        WHERE()\n",
        "import sys\n\n\nclass A:\n    sys = 1\n\n    def f(self):\n        WHERE()\n",
    ),
    "above a change of sys.path under another name": (
        "import os\nfrom sys import path\n\npath.insert(0, os.getcwd())\nimport yaml\n\nWHERE()\n",
        "import os\nimport sys\nfrom sys import path\n\npath.insert(0, os.getcwd())\nimport yaml\n\nWHERE()\n",
    ),
    "above code that prepares for imports": (
        'import os\n\nos.environ["A"] = "1"\n\nfrom there import A\n\nWHERE(), A\n',
        'import os\nimport sys\n\nos.environ["A"] = "1"\n\nfrom there import A\n\nWHERE(), A\n',
    ),
    "above code and an import of the project's": (
        "A = 1\nimport yaml\n\nWHERE()\n",
        "A = 1\n\nimport sys\n\nimport yaml\n\nWHERE()\n",
    ),
    "above the first use": (
        "A = WHERE()\n\nimport yaml\n\nWHERE()\n",
        "import sys\n\nA = WHERE()\n\nimport yaml\n\nWHERE()\n",
    ),
    # several statements on a line
    "below a line of imports": ("import os; import re\nWHERE()\n", "import os; import re\nimport sys\nWHERE()\n"),
    "above a line of imports": ("import os; import time\nWHERE()\n", "import sys\nimport os; import time\nWHERE()\n"),
    "above its own line": ("import os; WHERE()\nA = 1\n", "import sys\nimport os; WHERE()\nA = 1\n"),
    "below the docstring's line": (
        '"""Doc."""; A = 1\nWHERE()\n',
        '"""Doc."""; A = 1\n\nimport sys\n\nWHERE()\n',
    ),
    "below the line of the docstring, with its like": (
        '"""Doc."""; import os\nWHERE()\n',
        '"""Doc."""; import os\nimport sys\nWHERE()\n',
    ),
    # layout of its own
    "form feeds": ("import os\n\f\nimport yaml\n\fWHERE()\n", "import os\nimport sys\n\f\nimport yaml\n\fWHERE()\n"),
    "a form feed before it": ("\fimport time\n\nWHERE()\n", "import sys\n\fimport time\n\nWHERE()\n"),
    "tabs": ("import os\ndef f():\n\tWHERE()\n", "import os\nimport sys\ndef f():\n\tWHERE()\n"),
    "in an f-string": ('import os\n\nA = f"{WHERE()}"\n', 'import os\nimport sys\n\nA = f"{WHERE()}"\n'),
}


@pytest.mark.parametrize(("before", "after"), ADDED.values(), ids=ADDED)
def test_the_import_is_added(before, after, root):
    check_layouts(root, before, after.replace("WHERE()", "sys.__name__"), files={"there.py": "A = 1\n"})


def test_other_encodings(root):
    text = "# -*- coding: latin-1 -*-\n# ü\nimport os  # ü\nA = 'ü', WHERE()\n"
    after = text.replace("\nA", "\nimport sys\nA").replace("WHERE()", "sys.__name__")
    lay_out(root, {"app.py": text.encode("latin-1")})
    result = run_codemods(root, Where())["app.py"]
    assert apply_edits(text.encode("latin-1"), result.edits) == after.encode("latin-1")


# With other imports that come and go

ACCESSOR = "from shared.isolated_environment import get_env\n"
CODE = 'A = os.getenv("A"), WHERE()\n'
TOGETHER = {
    "it stays": (f"import os\n\nB = os.sep\n{CODE}", f"import os\nimport sys\n\n{ACCESSOR}\nB = os.sep\n"),
    "it stays, above the project's own": (
        f"import os\n\nfrom shared.zeta import Z\n\nB = os.sep\n{CODE}",
        f"import os\nimport sys\n\n{ACCESSOR}from shared.zeta import Z\n\nB = os.sep\n",
    ),
    "alone": (f"import os\n\n{CODE}", f"import sys\n\n{ACCESSOR}\n"),
    "alone, below a docstring": (f'"""Doc."""\n\nimport os\n\n{CODE}', f'"""Doc."""\n\nimport sys\n\n{ACCESSOR}\n'),
    "alone, with code at once": (f"import os\n{CODE}", f"import sys\n\n{ACCESSOR}\n"),
    "alone, below a section comment": (f"# Paths\nimport os\n\n{CODE}", f"# Paths\nimport sys\n\n{ACCESSOR}\n"),
    "two statements": (
        f"import os\nfrom os import environ\n\nB = environ.get('B')\n{CODE}",
        f"import sys\n\n{ACCESSOR}\nB = get_env().get('B')\n",
    ),
    "the last of several": (f"import json\nimport os\n\n{CODE}", f"import json\nimport sys\n\n{ACCESSOR}\n"),
    "the first of several": (
        f"import os\nimport time\n\n{CODE}",
        f"import sys\nimport time\n\n{ACCESSOR}\n",
    ),
    "above names from modules": (
        f"import os\nfrom time import time\n\n{CODE}",
        f"import sys\nfrom time import time\n\n{ACCESSOR}\n",
    ),
    "beside the accessor's import": (f"import os\n\n{ACCESSOR}\n{CODE}", f"import sys\n\n{ACCESSOR}\n"),
    "beside the accessor's import, below a docstring": (
        f'"""Doc."""\n\nimport os\n\n{ACCESSOR}\n{CODE}',
        f'"""Doc."""\n\nimport sys\n\n{ACCESSOR}\n',
    ),
    "beside the accessor's import, without sections": (
        f"import os\n{ACCESSOR}\n{CODE}",
        f"import sys\n{ACCESSOR}\n",
    ),
    "beside another section": (
        f"import os\n\nimport yaml\n\n{CODE}",
        f"import sys\n\nimport yaml\n\n{ACCESSOR}\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), TOGETHER.values(), ids=TOGETHER)
def test_beside_an_import_that_another_codemod_adds_or_drops(before, after, root):
    after += 'A = get_env().get("A"), sys.__name__\n'
    for name, change in VARIANTS.items():
        raw = change(before.encode())
        make_project(root, {"app.py": raw})
        result = run_codemods(root, IsolatedEnvironment(), Where())["app.py"]
        assert apply_edits(raw, result.edits).decode() == change(after.encode()).decode(), name


# Any combination

HEADS = [
    "",
    "#!/usr/bin/env python3\n",
    "# Licence\n\n",
    '"""Doc."""\n',
    f'"""Doc."""\n\n{FUTURE}\n',
    "# Licence\n'''D'''\n\n",
]
IMPORTS = [
    "",
    "import os\n",
    "import time\n\n",
    "import time\nimport os\n",
    "from os import path\n\n",
    "# Standard library\nimport os\nimport time\n# More\nfrom os import path\n\n",
    "import os; import time\n",
    "import os\nif os.name == 'nt':\n    import sys\n\n",
    "try:\n    import json\nexcept ImportError:\n    json = None\n",
    "from os import *\n",
    "import sys\n",
    "import sys as s\n\n",
    "A = 1\nimport os\n\n",
]
BODIES = [
    "FOUND = WHERE()\n",
    "# Where?\nFOUND = WHERE(\n)\n",
    "def f():\n    return WHERE()\n\n\nFOUND = f()\n",
    "class C:\n    A = WHERE()\n\n    def f(self, sys=1):\n        return self.A\n\n\nFOUND = C().f()\n",
    f"def f():\n    global FOUND\n    FOUND = WHERE()\n\n\n{MAIN}    import sys\n    f()\n    sys.stdout.flush()\n",
    "FOUND = [WHERE() for _ in range(2)][1]; B = 1",
]
ANY = {f"m{n}.py": "".join(parts) for n, parts in enumerate(product(HEADS, IMPORTS, BODIES))}


@pytest.fixture(scope="module")
def anything(tmp_path_factory) -> dict[str, str]:
    """All combinations after a run."""
    root = lay_out(tmp_path_factory.mktemp("any"), ANY)
    results = run_codemods(root, Where())
    assert results.keys() == ANY.keys()
    assert not [left for left in map(left_alone, results.values()) if left]
    return {path: apply_edits(ANY[path].encode(), result.edits).decode() for path, result in results.items()}


def test_any_combination_runs(anything):
    for path, text in anything.items():
        found = {"__name__": "__main__"}
        exec(compile(text, path, "exec"), found)
        assert found["FOUND"] == "sys", text


def test_any_combination_gains_nothing_else(anything):
    for path, text in anything.items():
        name = "s" if "import sys as s\n" in text else "sys"
        before = [line for line in re.sub(r"WHERE\(\s*\)", f"{name}.__name__", ANY[path]).splitlines() if line]
        added = [line for line in text.splitlines() if line]
        if len(added) > len(before):
            added.remove("import sys")
        assert added == before
        assert ast.get_docstring(ast.parse(text)) == ast.get_docstring(ast.parse(ANY[path]))


def test_imports_that_isort_takes_for_sorted_stay_so(anything, tmp_path):
    """Ruff's own isort is the judge, of the combinations and of the cases above."""
    cases = {f"c{n}": texts for n, texts in enumerate(ADDED.values())}
    pairs = {**cases, **{path.removesuffix(".py"): (ANY[path], text) for path, text in anything.items()}}
    for name, (before, after) in pairs.items():
        (tmp_path / f"{name}_before.py").write_text(before)
        (tmp_path / f"{name}_after.py").write_text(after)
    (tmp_path / "there.py").touch()
    command = (
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--output-format=json",
        "--select=I",
        ".",
    )
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    unsorted = {Path(found["filename"]).stem for found in json.loads(done.stdout)}
    judged = [name for name in pairs if f"{name}_before" not in unsorted]
    stars = [name for name in judged if re.search(r"from (?!there)\w+ import \*", pairs[name][0])]  # stay on top
    worse = [name for name in judged if f"{name}_after" in unsorted and name not in stars]
    assert len(judged) > 100
    assert not worse, [pairs[name][1] for name in worse]


# The proof

BEFORE = f'"""Doc."""\n\n{FUTURE}\nimport os\n\n\ndef f():\n    pass\n\n\nWHERE()\nA = 1\n'
WRONG = {
    "not at all": ("A = 1", "A = 1", "tree: an added import is missing"),
    "twice": ("import os\n", "import os\nimport sys\nimport sys\n", "tree: statements came or went"),
    "under another name": ("import os\n", "import os\nimport sys as s\n", "tree: statements came or went"),
    "under its own name": ("import os\n", "import os\nimport sys as sys\n", "tree: statements came or went"),
    "with another": ("import os\n", "import os\nimport sys, json\n", "tree: statements came or went"),
    "a name of it": ("import os\n", "import os\nfrom sys import path\n", "tree: statements came or went"),
    "in a function": ("    pass\n", "    import sys\n    pass\n", "tree: statements came or went"),
    "under a condition": ("import os\n", "import os\nif f: import sys\n", "tree: statements came or went"),
    "below the use": ("A = 1\n", "import sys\nA = 1\n", "bindings: `sys` does not mean sys at line 12"),
    "above the docstring": ('"""Doc', 'import sys\n"""Doc', "tree: the docstring changed"),
    "above __future__": ("\n\nfrom", "\n\nimport sys\nfrom", "imports: placed above a __future__ import"),
    "in the place of another": ("import os\n", "import sys\n", "tree: a value changed"),
}


def prove_that(there: str, instead: str, module: str = "sys") -> None:
    """Hold to the proof what a plan that adds the import of a module would come to with another edit."""
    project, seeds = Project(Path(), frozenset({"app.py"})), frozenset({"WHERE", module})
    old = load("app.py", "app", BEFORE.encode(), seeds)
    (site,) = Where(module).sites(old, project, frozenset())
    assert site.needs_import
    site.status = Status.REWRITTEN
    at = BEFORE.index(there)
    edit = Edit(at, at + len(there), instead.encode())
    plan = Plan([site], site_edits=list(site.edits), import_edits=[edit], placed=[site.binder])
    prove(old, plan, project, seeds)


@pytest.mark.parametrize(("there", "instead", "why"), WRONG.values(), ids=WRONG)
def test_what_is_not_proved(there, instead, why):
    with pytest.raises(ProofFailed) as caught:
        prove_that(there, instead)
    assert str(caught.value).startswith(why)


def test_a_module_that_python_does_not_have():
    with pytest.raises(ProofFailed, match="imports: yaml is not in the standard library"):
        prove_that("import os\n", "import os\nimport yaml\n", "yaml")


@pytest.mark.parametrize("there", ["import os\n", "\n\ndef f"])
def test_what_is_proved(there):
    prove_that(there, f"import sys\n{there}")
