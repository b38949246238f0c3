from __future__ import annotations

import json
from dataclasses import replace

from ssot_fix.edits import Applicability, Edit, FileResult, Finding, Status
from ssot_fix.report.json_report import render
from ssot_fix.report.summary import Tally, summarize

REWRITTEN = Finding(
    codemod="isolated-environment",
    path="a.py",
    line=3,
    column=5,
    end_line=3,
    end_column=19,
    kind="getenv",
    status=Status.REWRITTEN,
    applicability=Applicability.SAFE,
    reason=None,
    message="os.getenv goes round the accessor",
    replacement='get_env().get("X")',
    scope="production",
)
REFUSED = replace(
    REWRITTEN, status=Status.REFUSED, applicability=Applicability.MANUAL, reason="mixed-key", replacement=None
)
SUPPRESSED = replace(REWRITTEN, status=Status.SUPPRESSED, codemod="encoding")

EVERYTHING = """\
{
  "version": 1,
  "files": [
    {
      "path": "a.py",
      "status": "changed",
      "codemods": [
        "isolated-environment"
      ],
      "diff": "--- a/a.py\\n",
      "error": null
    }
  ],
  "findings": [
    {
      "codemod": "isolated-environment",
      "path": "a.py",
      "line": 3,
      "column": 5,
      "end_line": 3,
      "end_column": 19,
      "kind": "getenv",
      "status": "rewritten",
      "applicability": "safe",
      "reason": null,
      "message": "os.getenv goes round the accessor",
      "replacement": "get_env().get(\\"X\\")",
      "scope": "production"
    }
  ],
  "summary": {
    "files_scanned": 7,
    "files_changed": 1,
    "files_failed": 0,
    "matched": 1,
    "rewritten": 1,
    "suppressed": 0,
    "refused": 0,
    "by_codemod": {
      "isolated-environment": {
        "matched": 1,
        "rewritten": 1,
        "suppressed": 0,
        "refused": 0
      }
    },
    "by_reason": {}
  }
}
"""


def changed(path: str, *findings: Finding) -> FileResult:
    return FileResult(path, tuple(replace(finding, path=path) for finding in findings), (Edit(0, 0, b"x"),))


def test_the_contract_to_the_letter() -> None:
    assert render([changed("a.py", REWRITTEN)], {"a.py": b"--- a/a.py\n"}, 7) == EVERYTHING


def test_an_empty_run() -> None:
    report = json.loads(render([], {}, 0))
    assert list(report) == ["version", "files", "findings", "summary"]
    assert report["summary"]["by_codemod"] == {}


def test_only_files_that_matter_are_listed() -> None:
    results = [
        FileResult("failed.py", error="no such file"),
        FileResult("nothing.py"),
        FileResult("refused.py", (replace(REFUSED, path="refused.py"),)),
    ]
    report = json.loads(render(results, {}, 3))
    assert report["files"] == [
        {"path": "failed.py", "status": "failed", "codemods": [], "diff": None, "error": "no such file"},
        {
            "path": "refused.py",
            "status": "unchanged",
            "codemods": ["isolated-environment"],
            "diff": None,
            "error": None,
        },
    ]
    assert report["summary"]["files_failed"] == 1


def test_codemods_of_a_file_are_sorted_and_named_once() -> None:
    report = json.loads(render([changed("a.py", REWRITTEN, SUPPRESSED, REFUSED)], {}, 1))
    assert report["files"][0]["codemods"] == ["encoding", "isolated-environment"]


def test_every_byte_survives() -> None:
    path, diff = "latin\udce9.py", b"--- a/latin\xe9.py\n+\xff\xed\xa0\x80\x00\xe2\x80\xa8\xc3\xa9\r\n"
    text = render([changed(path, REWRITTEN)], {path: diff}, 1)
    assert text.isascii()
    file = json.loads(text)["files"][0]
    assert file["path"] == path
    assert file["diff"].encode("utf-8", "surrogateescape") == diff


def test_the_summary_adds_up() -> None:
    results = [
        changed("a.py", REWRITTEN, REFUSED, REFUSED, SUPPRESSED),
        changed("b.py", REWRITTEN, replace(REFUSED, reason="alias")),
        FileResult("c.py", (replace(REFUSED, path="c.py", reason=None),), error="disk full"),
    ]
    summary = summarize(results, 9)
    assert (summary.files_scanned, summary.files_changed, summary.files_failed) == (9, 2, 1)
    assert summary.total == Tally(rewritten=2, suppressed=1, refused=4, files=3)
    assert summary.total.matched == 7
    assert list(summary.by_codemod.items()) == [
        ("encoding", Tally(suppressed=1, files=1)),
        ("isolated-environment", Tally(rewritten=2, refused=4, files=3)),
    ]
    assert list(summary.by_reason.items()) == [("alias", 1), ("mixed-key", 2), ("unknown", 1)]


def test_a_suppressed_site_counts_under_no_reason() -> None:
    result = changed("a.py", replace(SUPPRESSED, reason="mixed-key"))
    assert summarize([result], 1).by_reason == {}
