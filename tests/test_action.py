"""action.yml and its script agree; the script does what it says, run as GitHub runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from test_annotations import commands

import cli
from ssot_fix.action import BOT, INPUTS, OPEN, OUTPUTS, UsageError, _tell, arguments_of, read_inputs, variable
from ssot_fix.delivery.pull_requests import Action

ROOT = Path(__file__).resolve().parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
DOCS = (ROOT / "docs/github-action.md").read_text("utf-8")
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
# Inputs that are for the steps, not for the script.
ELSEWHERE = {"token", "working-directory", "python-version"}
READS = "import os\n\nHOST = os.getenv('HOST')\n"
KEPT = "import os\n\nHOST = os.environ['HOST']\n"


def inputs(**given: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in {"mode": "check", **given}.items()}
    return read_inputs({variable(name): value for name, value in named.items()})


# action.yml


def test_no_script_is_made_of_what_somebody_else_wrote():
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", ""), step["name"]
        assert ("shell" in step) == ("run" in step), step["name"]


def test_the_inputs_are_those_of_the_script():
    assert set(ACTION["inputs"]) == {*INPUTS, *ELSEWHERE}
    step = ACTION["runs"]["steps"][-1]
    passed = {name: value for name, value in step["env"].items() if name.startswith("INPUT_")}
    assert passed == {variable(name): f"${{{{ inputs.{name} }}}}" for name in INPUTS}
    assert step["env"]["GITHUB_TOKEN"] == "${{ inputs.token }}"
    assert step["working-directory"] == "${{ inputs.working-directory }}"


def test_the_outputs_are_those_of_the_script():
    run = ACTION["runs"]["steps"][-1]["id"]
    assert {name: each["value"] for name, each in ACTION["outputs"].items()} == {
        name: f"${{{{ steps.{run}.outputs.{name} }}}}" for name in OUTPUTS
    }


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_every_input_and_output_is_explained_here_and_in_the_docs(kind):
    for name, told in ACTION[kind].items():
        assert len(told["description"]) > 15, name
        assert f"\n| `{name}` |" in DOCS, name
    section = DOCS.split(f"## {kind.title()}\n")[1].split("\n## ")[0]
    assert set(re.findall(r"\n\| `([\w-]+)` ", section)) == set(ACTION[kind])


def test_with_its_defaults_the_action_checks():
    defaults = {name: each.get("default", "") for name, each in ACTION["inputs"].items()}
    assert not any(each.get("required") for each in ACTION["inputs"].values())
    found = read_inputs({variable(name): defaults[name] for name in INPUTS})
    assert arguments_of(found) == ["run", "--check"]


def test_the_workflow_in_the_docs_is_allowed_no_more_than_it_needs():
    workflow = yaml.safe_load(DOCS.split("```yaml\n")[1].split("```")[0])
    assert workflow["permissions"] == {}
    jobs = workflow["jobs"]
    assert jobs["check"]["permissions"] == {"contents": "read", "security-events": "write"}
    assert jobs["pull-requests"]["permissions"] == {"contents": "write", "pull-requests": "write"}
    for job in jobs.values():
        [step] = [step for step in job["steps"] if step["uses"].startswith("OWNER/")]
        given = {variable(name): str(value) for name, value in step["with"].items()}
        assert set(step["with"]) <= set(ACTION["inputs"])
        assert arguments_of(read_inputs({variable("mode"): "check", **given}))


# Inputs


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"mode": "write"}, "`mode` is `write`"),
        ({"mode": ""}, "`mode` is ``"),
        ({"labels": "bot"}, "`labels` goes with `mode: pr`"),
        ({"draft": "true"}, "`draft` goes with `mode: pr`"),
        ({"mode": "pr", "draft": "yes"}, "`draft` is `yes`"),
        ({"mode": "pr", "sarif_file": "a.sarif"}, "`sarif-file` goes with `mode: check`"),
        ({"args": "'unclosed"}, "`args` can't be split"),
    ],
)
def test_wrong_inputs_are_named(given, told):
    with pytest.raises(UsageError, match=re.escape(told)):
        arguments_of(inputs(**given))


def test_a_value_is_never_an_option_or_a_command():
    hostile = "--write; $(touch x) `y`"
    for name in ("config", "codemods", "args"):
        found = arguments_of(inputs(**{name: "--write" if name != "config" else hostile}))
        assert found[:2] == ["run", "--check"]
        assert ("--write" in found) == (name == "args")
    assert arguments_of(inputs(config=hostile)) == ["run", "--check", f"--config={hostile}"]
    assert arguments_of(inputs(codemods="--write")) == ["run", "--check", "--codemod=--write"]


def test_all_inputs_of_a_pull_request():
    found = arguments_of(
        inputs(
            mode="pr",
            codemods="stale-imports, utf8-files\nutf8-streams",
            config="my settings.toml",
            base="main",
            split="directory",
            max_files="50",
            labels="good first issue, bot\n",
            reviewers="@octocat org/team",
            draft="True",
            verify="python -m pytest -q\n\nmake 'a b'\n",
            args="--max-open 3 --author 'A B <a@b.example>'",
        ),
        "--format=json",
    )
    assert found == [
        *("pr", "--yes", "--format=json", "--config=my settings.toml", "--base=main", "--split=directory"),
        *("--max-files=50", f"--author={BOT}"),
        *("--codemod=stale-imports", "--codemod=utf8-files", "--codemod=utf8-streams"),
        *("--label=good first issue", "--label=bot", "--reviewer=@octocat", "--reviewer=org/team"),
        *("--verify=python -m pytest -q", "--verify=make 'a b'", "--draft"),
        *("--max-open", "3", "--author", "A B <a@b.example>"),
    ]


@pytest.mark.parametrize("mode", ["check", "pr"])
def test_the_command_knows_every_option(mode):
    command = cli.command.commands.get("run" if mode == "check" else "pr")
    if command is None:
        pytest.skip("this version has no such command")
    shared = {"codemods": "a", "config": "b"}
    more = {"base": "m", "split": "codemod", "max_files": "1", "labels": "l", "reviewers": "r", "verify": "v"}
    found = arguments_of(inputs(mode=mode, **shared, **(more if mode == "pr" else {})), "--format=json", "--output=x")
    known = {option for each in command.params if isinstance(each, click.Option) for option in each.opts}
    assert {each.partition("=")[0] for each in found[1:]} <= known


# Running


class Step:
    """The last step of the action, in a folder, with the variables and files that GitHub gives it."""

    def __init__(self, folder: Path, environment: dict[str, str], files: Path) -> None:
        self.folder = folder
        self.files = files
        self.environment = {
            **environment,
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(files / "output"),
            "GITHUB_STEP_SUMMARY": str(files / "summary"),
            "GITHUB_TOKEN": "secret-token",
            "RUNNER_TEMP": str(files),
        }

    def run(self, expect: int, **given: str) -> str:
        named = {name.replace("_", "-"): value for name, value in {"mode": "check", **given}.items()}
        variables = {variable(name): named.get(name, "") for name in INPUTS}
        done = subprocess.run(
            (sys.executable, "-I", "-m", "ssot_fix.action"),
            cwd=self.folder,
            env=self.environment | variables,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == expect, (done.stdout + done.stderr).decode()
        assert b"Traceback" not in done.stderr
        assert b"secret-token" not in done.stdout + done.stderr
        return done.stdout.decode()

    @property
    def outputs(self) -> dict[str, str]:
        text = (self.files / "output").read_text("utf-8")
        return {name: value for name, _, value in re.findall(r"(?s)(\S+)<<(\S+)\n(.*?)\n\2\n", text)}

    @property
    def summary(self) -> str:
        return (self.files / "summary").read_text("utf-8")


@pytest.fixture
def step(tmp_path, command_environment):
    def make(folder: Path) -> Step:
        files = tmp_path / "runner"
        files.mkdir()
        return Step(folder, command_environment, files)

    return make


def test_a_check_annotates_reports_and_fails(repository, step):
    project = repository({"app.py": READS, "kept.py": KEPT, "click.py": "raise SystemExit('imported')\n"})
    action = step(project.root)
    action.environment["PYTHONPATH"] = str(project.root)
    found = commands(action.run(1, sarif_file="log.sarif", args="-v"))
    assert (found[0].name, found[1].name) == ("stop-commands", found[0].message)
    told = [(each.name, each.properties.get("file")) for each in found[4:]]
    assert told[0] == ("warning", "app.py")
    assert ("notice", "kept.py") in told
    assert action.outputs["exit-code"] == "1"
    assert (action.outputs["changed-files"], action.outputs["rewritten"]) == ("1", "1")
    assert int(action.outputs["refused"]) >= 1
    assert action.outputs["pull-requests"] == ""
    assert "| <code>isolated-environment</code> | 1 |" in action.summary
    assert json.loads((project.root / "log.sarif").read_bytes())["version"] == "2.1.0"
    assert project.changed() == ["log.sarif"]
    assert sorted(path.name for path in action.files.iterdir()) == ["output", "summary"]


def test_a_check_of_what_is_in_order_passes(repository, step):
    project = repository({"app.py": "print(1)\n"})
    action = step(project.root)
    action.run(0, args="-- app.py", codemods="isolated-environment")
    assert action.outputs["exit-code"] == "0"
    assert action.outputs["changed-files"] == "0"


@pytest.mark.skipif(os.name != "posix", reason="POSIX only")
def test_what_a_hostile_project_prints_starts_no_command(repository, step):
    name = "::add-mask::x\n::set-output name=exit-code::0.py"
    project = repository({name: f"{READS}{KEPT}", "##[add-mask]y.py": KEPT})
    action = step(project.root)
    output = action.run(0, args="-v", codemods="isolated-environment")
    # While commands are stopped, the log may hold anything; what follows is ours.
    token = commands(output)[0].message
    rest = output.rpartition(f"::{token}::\n")[2]
    assert {each.name for each in commands(rest)} == {"notice"}
    assert len(commands(rest)) == rest.count("\n")
    assert any(each.properties.get("file") == name for each in commands(rest))


def test_what_can_not_be_done_is_an_error(repository, step):
    project = repository({"app.py": READS})
    action = step(project.root)
    [*_, last] = commands(action.run(2, codemods="no-such-codemod"))
    assert (last.name, action.outputs["exit-code"]) == ("error", "2")
    action = Step(project.root, action.environment, action.files)
    [only] = commands(action.run(2, mode="wrong\n::error::x"))
    assert only.name == "error"


def test_what_counts_as_open_is_what_the_command_says():
    assert set(OPEN) <= {action.value for action in Action}


def test_pull_requests_are_told(tmp_path, capsys):
    report = {
        "version": 1,
        "pull_requests": [
            {
                "branch": "ssot-fix/a|b<c>@d",
                "action": "opened",
                "url": "https://github.example/o/r/pull/7",
                "number": 7,
                "plan": "p",
                "rewritten": 3,
                "refused": 1,
                "files": 2,
            },
            {
                "branch": "ssot-fix/e",
                "action": "declined",
                "url": "https://github.example/o/r/pull/3",
                "number": 3,
                "why": "somebody closed it",
                "plan": "q",
                "rewritten": 4,
                "refused": 0,
                "files": 5,
            },
        ],
        "notes": ["@someone pushed to `x`"],
    }
    files = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    _tell("pr", 0, report, files)
    action = Step(tmp_path, {}, tmp_path)
    (tmp_path / "GITHUB_OUTPUT").rename(tmp_path / "output")
    assert action.outputs == {
        "changed-files": "2",
        "rewritten": "3",
        "refused": "1",
        "pull-requests": "https://github.example/o/r/pull/7",
        "exit-code": "0",
    }
    summary = (tmp_path / "GITHUB_STEP_SUMMARY").read_text("utf-8")
    assert "- [<code>ssot-fix/a&#124;b&lt;c&gt;&#64;d</code>](https://github.example/o/r/pull/7) opened: 3" in summary
    declined = (
        "- [<code>ssot-fix/e</code>](https://github.example/o/r/pull/3) declined: 4 rewritten, 0 left alone, 5 files"
    )
    assert f"{declined} (<code>somebody closed it</code>)" in summary
    assert "@" not in summary
    assert capsys.readouterr().out == ""


def test_pull_requests_are_opened_on_a_real_server(request, step):
    here = request.getfixturevalue("world")()
    action = step(here.bot.root)
    action.environment["GITHUB_TOKEN"] = here.forge.token
    action.run(0, mode="pr", labels="bot, good first issue", draft="true", split="codemod", verify="git --version")
    assert [pull.labels for pull in here.forge.pulls] == [["bot", "good first issue"]] * 2
    assert all(pull.draft for pull in here.forge.pulls)
    urls = action.outputs["pull-requests"].split("\n")
    assert [url.rpartition("/")[2] for url in urls] == [str(pull.number) for pull in here.forge.pulls]
    assert (action.outputs["changed-files"], action.outputs["exit-code"]) == ("2", "0")
    assert action.summary.count(" opened: ") == 2
    assert here.forge.token not in action.summary


# Before commits


def test_the_hooks_do_what_they_say(repository, ssot_fix):
    project = repository({"app.py": "x = 1\n", "other.py": READS})
    project.write({"app.py": READS})
    project.git("add", "app.py")
    check, write = (each["entry"].split()[1:] for each in HOOKS)
    ssot_fix(project, *check, "app.py", expect=1)
    assert project.read("app.py") == READS
    ssot_fix(project, *write, "app.py")
    assert "get_env()" in project.read("app.py")
    assert project.read("other.py") == READS
    ssot_fix(project, *check, "app.py")
