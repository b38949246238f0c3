"""What action.yml runs: its inputs are environment variables, its outputs go to the files that GitHub names.

https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
"""

from __future__ import annotations

import html
import json
import os
import re
import secrets
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from ssot_fix.edits import Applicability, FileResult, Finding, Status
from ssot_fix.report.annotations import command, render

MODES = ("check", "pr")
OUTPUTS = ("changed-files", "rewritten", "refused", "pull-requests", "exit-code")
# What `ssot-fix pr` says of a branch whose pull request is open after the run.
OPEN = ("opened", "refreshed", "unchanged", "hands-off")
_FAILED = 2
BOT = "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"
_MARKUP = re.compile(r"[|`*_~\[\]\\@]")
# Isolated: neither PYTHONPATH nor the project's own modules stand in for ours.
_COMMAND = (sys.executable, "-I", "-m", "ssot_fix")
# The options that take one value each, and those that are repeated, with what separates their values.
_SINGLE = ("config", "base", "split", "max-files", "author")
_REPEATED = {
    "codemods": ("codemod", r"[\s,]+"),
    "labels": ("label", r"[\n,]+"),
    "reviewers": ("reviewer", r"[\s,]+"),
    "verify": ("verify", r"\n+"),
}
_SWITCHES = ("draft",)
_ONLY_FOR = {"sarif-file": "check"} | dict.fromkeys(
    ("base", "split", "max-files", "author", "labels", "reviewers", "verify", "draft"), "pr"
)
INPUTS = ("mode", *_SINGLE, *_REPEATED, *_SWITCHES, "sarif-file", "args")

_Report: TypeAlias = dict[str, Any]


class UsageError(Exception):
    """An input is not what it has to be; the message names it."""


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Run ssot-fix as the inputs say, and tell GitHub what came of it; the exit code is that of ssot-fix.

    `environment` holds the inputs as `INPUT_MAX_FILES` and the like, and what GitHub sets for every step.
    """
    try:
        inputs = read_inputs(environment)
        arguments_of(inputs)
    except UsageError as error:
        print(command("error", str(error), [("title", "ssot-fix")]))
        _append(environment, "GITHUB_OUTPUT", _outputs({"exit-code": _FAILED}))
        return _FAILED
    code, report = _run(inputs, environment)
    if inputs["sarif-file"]:
        code = max(code, _write_sarif(inputs, environment))
    _tell(inputs["mode"], code, report, environment)
    return code


def read_inputs(environment: Mapping[str, str]) -> dict[str, str]:
    """The inputs by name, "" for one that was not given.

    Raises UsageError if one has no meaning, or none in this mode.
    """
    inputs = {name: environment.get(variable(name), "").strip() for name in INPUTS}
    inputs["draft"] = inputs["draft"].lower().removesuffix("false")
    if inputs["mode"] == "pr":
        inputs["author"] = inputs["author"] or BOT  # on a runner git knows of nobody
    if inputs["mode"] not in MODES:
        raise UsageError(f"the input `mode` is `{inputs['mode']}`; it has to be check or pr")
    if inputs["draft"] not in {"", "true"}:
        raise UsageError(f"the input `draft` is `{inputs['draft']}`; it has to be true or false")
    for name, mode in _ONLY_FOR.items():
        if inputs[name] and inputs["mode"] != mode:
            raise UsageError(f"the input `{name}` goes with `mode: {mode}`")
    return inputs


def variable(name: str) -> str:
    """The environment variable of an input."""
    return f"INPUT_{name.upper().replace('-', '_')}"


def arguments_of(inputs: Mapping[str, str], *more: str) -> list[str]:
    """The command line, without the program's name; `more` are further options.

    Values stand behind `=`, so that none of them is taken for an option. Raises UsageError.
    """
    arguments = [*(("run", "--check") if inputs["mode"] == "check" else ("pr", "--yes")), *more]
    arguments += [f"--{name}={inputs[name]}" for name in _SINGLE if inputs[name]]
    for name, (option, separator) in _REPEATED.items():
        values = (value.strip() for value in re.split(separator, inputs[name]))
        arguments += [f"--{option}={value}" for value in values if value]
    arguments += [f"--{name}" for name in _SWITCHES if inputs[name]]
    try:
        return arguments + shlex.split(inputs["args"])
    except ValueError as error:
        raise UsageError(f"the input `args` can't be split into arguments: {error}") from None


# Running


def _run(inputs: Mapping[str, str], environment: Mapping[str, str]) -> tuple[int, _Report | None]:
    """The exit code and the JSON report; None if the command did not come to one."""
    with tempfile.TemporaryDirectory(dir=environment.get("RUNNER_TEMP")) as folder:
        file = Path(folder, "report.json")
        arguments = arguments_of(inputs, "--format=json", f"--output={file}")
        code = _start(arguments, environment, inputs["mode"])
        try:
            report: _Report = json.loads(file.read_bytes())
        except (OSError, ValueError):
            return code or _FAILED, None
    return code, report


def _write_sarif(inputs: Mapping[str, str], environment: Mapping[str, str]) -> int:
    """Write the log; 2 if that failed. That there is work to do is told by the first run."""
    arguments = arguments_of(inputs, "--quiet", "--format=sarif", f"--output={inputs['sarif-file']}")
    return _start(arguments, environment, "check") // _FAILED * _FAILED


def _start(arguments: list[str], environment: Mapping[str, str], mode: str) -> int:
    """Run ssot-fix, which reads no inputs; only a run that opens pull requests is given the token."""
    hidden = {"GITHUB_TOKEN", "GH_TOKEN"} if mode == "check" else set()
    passed = {
        name: value
        for name, value in environment.items()
        if name not in hidden and name not in {variable(each) for each in INPUTS}
    }
    with _no_commands():
        return subprocess.run((*_COMMAND, *arguments), env=passed, check=False).returncode


@contextmanager
def _no_commands() -> Iterator[None]:
    """Keep the runner from taking what is printed meanwhile, paths and the output of others, for commands."""
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)
    try:
        yield
    finally:
        print(f"::{token}::", flush=True)


# Telling


def _tell(mode: str, code: int, report: _Report | None, environment: Mapping[str, str]) -> None:
    if report is None:
        print(command("error", "ssot-fix gave no report; the log of this step says why", [("title", "ssot-fix")]))
        _append(environment, "GITHUB_OUTPUT", _outputs({"exit-code": code}))
        return
    if mode == "check":
        sys.stdout.flush()
        sys.stdout.buffer.write(render(_results(report)).encode())
        sys.stdout.buffer.flush()
    counts, summary = (_check_counts, _check_summary) if mode == "check" else (_pr_counts, _pr_summary)
    _append(environment, "GITHUB_OUTPUT", _outputs({**counts(report), "exit-code": code}))
    _append(environment, "GITHUB_STEP_SUMMARY", "\n".join(["### ssot-fix", "", *summary(report), ""]))


def _results(report: _Report) -> list[FileResult]:
    """The results that a report was made of, as far as annotations tell of them."""
    findings: dict[str, list[Finding]] = {}
    for told in report["findings"]:
        kinds = {"status": Status(told["status"]), "applicability": Applicability(told["applicability"])}
        findings.setdefault(told["path"], []).append(Finding(**{**told, **kinds}))
    return [
        FileResult(file["path"], tuple(findings.get(file["path"], ())), error=file["error"])
        for file in report["files"]
    ]


def _check_counts(report: _Report) -> dict[str, object]:
    summary = report["summary"]
    return {
        "changed-files": summary["files_changed"],
        "rewritten": summary["rewritten"],
        "refused": summary["refused"],
    }


def _pr_counts(report: _Report) -> dict[str, object]:
    found = [each for each in report["pull_requests"] if each["action"] in OPEN]
    fields = {"changed-files": "files", "rewritten": "rewritten", "refused": "refused"}
    sums = {name: sum(each[field] for each in found) for name, field in fields.items()}
    return {**sums, "pull-requests": "\n".join(each["url"] for each in found if each["url"])}


def _check_summary(report: _Report) -> Iterator[str]:
    summary = report["summary"]
    yield "| codemod | to rewrite | left alone | suppressed |"
    yield "|---|---:|---:|---:|"
    for name, counts in {**summary["by_codemod"], "total": summary}.items():
        yield f"| {_code(name)} | {counts['rewritten']} | {counts['refused']} | {counts['suppressed']} |"
    yield ""
    yield f"{summary['files_scanned']} files scanned, {summary['files_changed']} would change."
    if summary["by_reason"]:
        reasons = sorted(summary["by_reason"].items(), key=lambda each: (-each[1], each[0]))
        yield ""
        yield "Left alone, by reason: " + ", ".join(f"{_code(reason)} {count}" for reason, count in reasons) + "."
    yield from _listed("Failed", (file["error"] for file in report["files"] if file["error"]))


def _pr_summary(report: _Report) -> Iterator[str]:
    if not report["pull_requests"]:
        yield "Nothing to do."
    for each in report["pull_requests"]:
        name = f"[{_code(each['branch'])}]({each['url']})" if each["url"] else _code(each["branch"])
        counts = f"{each['rewritten']} rewritten, {each['refused']} left alone, {each['files']} files"
        why = f" ({_code(each['why'])})" if each.get("why") else ""
        yield f"- {name} {html.escape(each['action'])}: {counts}{why}"
    yield from _listed("Notes", report["notes"])


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)[:100]
    if found:
        yield from ("", f"{title}:", "", *(f"- {_code(line)}" for line in found))


def _code(text: str) -> str:
    """Text that Markdown leaves as it is: nothing in it is mentioned or linked, or ends a table's cell."""
    safe = html.escape(" ".join(text.encode(errors="replace").decode().split()))
    return f"<code>{_MARKUP.sub(lambda match: f'&#{ord(match.group())};', safe)}</code>"


def _outputs(values: Mapping[str, object]) -> str:
    """Outputs as GitHub reads them; what ends a value is not to be guessed."""
    end = f"end-{secrets.token_hex(16)}"
    return "".join(f"{name}<<{end}\n{values.get(name, '')}\n{end}\n" for name in OUTPUTS)


def _append(environment: Mapping[str, str], variable: str, text: str) -> None:
    if path := environment.get(variable):
        with Path(path).open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)


if __name__ == "__main__":
    sys.exit(main())
