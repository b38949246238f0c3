"""All codemods in one run: one parse, one set of imports, one diff a file, and nothing left for a second run."""

from __future__ import annotations

import pytest
from cases import accounted, compiles, make_project, run_project

from codemods.utf8_files import Utf8Files
from codemods.utf8_files.appending import append_keyword
from codemods.utf8_files.prepared import TextFiles
from ssot_fix.edits import Applicability, FileResult, Status, apply_edits
from ssot_fix.engine.run import Request, run
from ssot_fix.project.config import load
from ssot_fix.project.metadata import Metadata
from ssot_fix.report.diff import unified_diff
from ssot_fix.sites import Keyword, Site

START = 'if __name__ == "__main__":\n    print("✓", A, open(A))\n'
STARTED = (
    'if __name__ == "__main__":\n'
    "    for stream in (sys.stdout, sys.stderr):\n"
    '        if hasattr(stream, "reconfigure"):\n'
    '            stream.reconfigure(encoding="utf-8", errors="replace")\n'
    '    print("✓", A, open(A, encoding="utf-8"))\n'
)
READ, READS = 'A = os.getenv("A")\n', 'A = get_env().get("A")\n'
OURS = "from shared.isolated_environment import get_env\n"
MOVE = '[[stale-imports.moves]]\nfrom = "places"\nto = "shared.places"\n'


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("together")


def result_of(root, files: dict[str, str], path: str = "app.py", **general) -> FileResult:
    """What a run makes of a file; a second one changes nothing."""
    make_project(root, files)
    outcome = run_project(root, **general)
    accounted(outcome.results)
    (result,) = (result for result in outcome.results if result.path == path)
    new = apply_edits(files[path].encode(), result.edits)
    assert compiles(new)
    (root / path).write_bytes(new)
    again = [r for r in run_project(root, **general).results if r.path == path]
    assert not any(r.edits for r in again)
    return result


def migrated(root, files: dict[str, str], **general) -> str:
    return apply_edits(files["app.py"].encode(), result_of(root, files, **general).edits).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""Doc."""\nimport os\n\n', f'"""Doc."""\nimport sys\n\n{OURS}\n'),
        ("import os\n\n", f"import sys\n\n{OURS}\n"),
        ("import os\nimport sys\n\n", f"import sys\n\n{OURS}\n"),
        (
            '"""Doc."""\n\nimport os\nfrom json import x\n\n',
            f'"""Doc."""\n\nimport sys\nfrom json import x\n\n{OURS}\n',
        ),
        (
            "import os\nimport json\n\nfrom shared import masking\n\n",
            f"import json\nimport sys\n\nfrom shared import masking\n{OURS}\n",
        ),
        (
            "#!/usr/bin/env python\nimport os\n\nimport click\n\n",
            f"#!/usr/bin/env python\nimport sys\n\nimport click\n\n{OURS}\n",
        ),
        ("import os, json\n\n", f"import json\nimport sys\n\n{OURS}\n"),
        ("import os; import json\n\n", f"import json\nimport sys\n\n{OURS}\n"),
    ],
)
def test_imports_that_come_and_go_at_once(before, after, root):
    for change in (str, lambda text: text.replace("\n", "\r\n")):
        assert migrated(root, {"app.py": change(before + READ + START)}) == change(after + READS + STARTED)


def test_sites_within_sites(root):
    before = 'import os\nimport subprocess\n\nTEXT = open(os.environ.get("A", open("b").read()), "w")\n'
    after = (
        f"import subprocess\n\n{OURS}\n"
        'TEXT = open(\n    get_env().get("A", open("b", encoding="utf-8").read()), "w", encoding="utf-8"\n)\n'
    )
    assert migrated(root, {"app.py": before}) == after


def test_a_wrapper_goes_with_its_import_and_the_environment_with_its_own(root):
    before = f"import io\nimport os\nimport sys\n\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer)\n{READ}\n{START}"
    after = (
        f'import sys\n\n{OURS}\nif hasattr(sys.stdout, "reconfigure"):\n'
        f'    sys.stdout.reconfigure(encoding="utf-8")\n{READS}\n'
        'if __name__ == "__main__":\n    print("✓", A, open(A, encoding="utf-8"))\n'
    )
    assert migrated(root, {"app.py": before}, unsafe_fixes=True) == after


def test_what_one_codemod_rewrites_lets_another_see_more(root):
    """The receiver is known to be a path once the import that brings it leads somewhere again."""
    files = {
        "app.py": 'from places import ROOT\n\nif ROOT:\n    A = (ROOT / "a").read_text()\n',
        "shared/places.py": "from pathlib import Path\n\nROOT = Path(__file__)\n",
        "ssot-fix.toml": MOVE,
    }
    result = result_of(root, files)
    new = apply_edits(files["app.py"].encode(), result.edits).decode()
    assert new == files["app.py"].replace("places", "shared.places").replace("()", '(encoding="utf-8")')
    found = {finding.codemod: finding for finding in result.findings}
    assert (found["utf8-files"].line, found["utf8-files"].column, found["utf8-files"].end_column) == (4, 9, 33)
    assert found["utf8-files"].replacement == '(ROOT / "a").read_text(encoding="utf-8")'
    assert {finding.status for finding in result.findings} == {Status.REWRITTEN}
    diff = unified_diff("app.py", files["app.py"].encode(), result.edits).decode()
    assert diff.count("--- a/") == 1


def test_findings_of_later_steps_keep_their_places(root):
    """Also behind lines that came and went, in another encoding, behind a BOM."""
    head = '"""Ü."""\nimport os\n\nfrom places import (\n    ROOT,\n    HOME,\n)\n\n'
    text = f'{head}X = "Ü", (ROOT / os.getenv("A")).read_text(), HOME.read_text()\n'
    places = "from pathlib import Path\n\nROOT = Path(__file__)\nHOME = Path.home()\n"
    result = result_of(root, {"app.py": text, "shared/places.py": places, "ssot-fix.toml": MOVE})
    places_found = [(f.line, f.column) for f in result.findings if f.codemod == "utf8-files"]
    columns = text.splitlines()[8].index("(ROOT") + 1, text.splitlines()[8].index("HOME") + 1
    assert places_found == [(9, columns[0]), (9, columns[1])]


def test_an_entry_point_that_moves_is_where_the_program_starts(root):
    """The settings repoint the console script; its function is found where it is now, in the same run."""
    files = {
        "pyproject.toml": '[project]\nname = "a"\n[project.scripts]\na = "old:main"\n',
        "app.py": "import sys\n\ndef main():\n    print('a')\n",
        "ssot-fix.toml": MOVE.replace("shared.places", "app").replace("places", "old"),
    }
    make_project(root, files)
    changed = {r.path: r for r in run_project(root).results if r.edits}
    assert set(changed) == {"pyproject.toml", "app.py"}
    for path, result in changed.items():
        (root / path).write_bytes(apply_edits(files[path].encode(), result.edits))
    assert not any(r.edits for r in run_project(root).results)


class Restless(Utf8Files):
    """Adds an argument to every call of `open`, in every run again."""

    name = "restless"

    def prepare(self, project, config, surveyed):
        return RestlessHere(config, Metadata(), name=self.name)


class RestlessHere(TextFiles):
    def sites(self, module, project, taken):
        site = Site(self.name, module.references[0].node, "open", "adds one", Applicability.SAFE)
        call = module.parents[site.node]
        number = len(call.keywords)
        site.edits = tuple(append_keyword(module, call, f'k{number}="a"'))
        site.keyword = Keyword(call, f"k{number}", "a")
        return [site]


def test_a_codemod_that_never_comes_to_rest_is_refused(root):
    make_project(root, {"app.py": "open('a')\n"})
    codemods = {"restless": Restless()}
    config = load(root, root, {"restless": Restless.options})
    (result,) = (r for r in run(Request(config, codemods)).results if r.path == "app.py")
    assert not result.edits
    assert [(finding.status, finding.reason) for finding in result.findings] == [("refused", "proof-failed")]
    assert "stability" in result.findings[0].message


def test_other_codemods_do_not_depend_on_one_that_is_left_out(root):
    text = f"import os\n\n{READ}{START}"
    only = migrated(root, {"app.py": text}, codemods=("utf8-files",))
    assert only == text.replace("open(A)", 'open(A, encoding="utf-8")')
