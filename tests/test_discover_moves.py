"""`ssot-fix discover-moves`: what it makes of real histories, what it never proposes, what it prints and writes."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from conftest import Repository

from codemods.stale_imports.discover import Discovered
from ssot_fix.report.moves import print_moves

Files = Mapping[str, str | None]
Found = dict[str, dict]

ENGINE = '''\
import time


class Engine:
    """Runs jobs, one after the other."""

    def __init__(self, jobs, retries=3):
        self.jobs = list(jobs)
        self.retries = retries

    def run(self, name):
        for attempt in range(self.retries):
            if name in self.jobs:
                self.jobs.remove(name)
                return attempt
            time.sleep(0.1)
        raise LookupError(name)

    def close(self):
        self.jobs.clear()
'''
START = '''\
def start(jobs, name=None):
    """Run a job, the first one unless there is a name."""
    engine = Engine(jobs)
    attempts = engine.run(name or jobs[0])
    engine.close()
    return attempts
'''
CORE = """\
def doubled(numbers):
    return [number * 2 for number in numbers]
"""
BOTH = f"{ENGINE}\n\n{START}"
SHOP = {"shop/__init__.py": "", "shop/engine.py": BOTH}
USES_ENGINE = {"shop/app.py": "def main(jobs):\n    from shop.engine import Engine\n\n    return Engine(jobs)\n"}
USES_BOTH = {"shop/app.py": "def main():\n    from shop.engine import Engine, start\n\n    return Engine, start\n"}
DATE, AUTHOR, SUBJECT = "2024-05-06", "Ada Lovelace", "Consolidate"


def commit(project: Repository, files: Files, subject: str = SUBJECT, author: str = AUTHOR, date: str = DATE) -> str:
    """Write files, or delete those that are None, and commit; the commit's id."""
    for path in [path for path, text in files.items() if text is None]:
        (project.root / path).unlink()
    project.write({path: text for path, text in files.items() if text is not None})
    who = {f"GIT_{role}_NAME": author for role in ("AUTHOR", "COMMITTER")}
    when = {f"GIT_{role}_DATE": f"{date}T12:00:00+0000" for role in ("AUTHOR", "COMMITTER")}
    dated = Repository(project.root, {**project.environment, **who, **when})
    dated.git("add", "--all")
    dated.git("commit", "--quiet", "--allow-empty", "--message", subject)
    return project.git("rev-parse", "HEAD").strip()


@pytest.fixture
def history(tmp_path, command_environment) -> Callable[..., Repository]:
    """Make a repository of a commit for each group of files; where a file goes to another path, git sees a rename."""

    def make(*commits: Files) -> Repository:
        root = tmp_path / "project"
        root.mkdir()
        made = Repository(root, command_environment)
        made.git("init", "--quiet", "--initial-branch=main")
        for files in commits:
            commit(made, files)
        return made

    return make


@pytest.fixture
def discover(ssot_fix) -> Callable[..., Found]:
    """What the command says in JSON, by what is missing."""

    def run(where: Repository | Path, *arguments: str) -> Found:
        done = ssot_fix(where, "discover-moves", "--format", "json", *arguments)
        moves = json.loads(done.stdout)["moves"]
        assert len({move["from"] for move in moves}) == len(moves)
        return {move["from"]: move for move in moves}

    return run


def conclusive(found: Found) -> dict[str, str]:
    return {old: move["to"] for old, move in found.items() if move["verdict"] == "conclusive"}


def evidence(found: Found, old: str) -> str:
    return "; ".join(found[old]["evidence"])


# What is never taken for proven


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ({"shop/core.py": BOTH.replace("def start(", "async def start(")}, "sync became async"),
        ({"shop/core.py": BOTH.replace("jobs, name=None", "context, jobs, name=None")}, "context"),
        ({"shop/core.py": BOTH.replace("jobs, name=None", "jobs")}, "no longer takes name"),
        ({"shop/core.py": BOTH.replace("def start(jobs", "def start(jobs, times")}, "times"),
        ({"shop/core.py": f"{ENGINE}\n\nclass start:\n    pass\n"}, "was a function, is a class"),
        ({"shop/core.py": f"{ENGINE}\n\nstart = Engine\n"}, "was a function"),
    ],
    ids=["async", "new parameter in front", "lost parameter", "required parameter", "class", "value"],
)
def test_a_function_that_would_break_its_users(history, discover, after, why):
    project = history(
        SHOP, {"shop/engine.py": None, "shop/app.py": "def f():\n    from shop.engine import start\n", **after}
    )
    found = discover(project)
    assert conclusive(found) == {}
    assert why in evidence(found, "shop.engine:start")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("def close(", "def shut(", "close()"),
        ("retries=3", "retries", "retries"),
        ("def run(", "async def run(", "run(): sync became async"),
        ("def run(self, name)", "def run(self, context, name)", "run()"),
    ],
    ids=["lost method", "constructor", "async method", "method's parameters"],
)
def test_a_class_that_would_break_its_users(history, discover, old, new, why):
    assert old in ENGINE
    project = history(SHOP, {"shop/engine.py": None, "shop/core.py": ENGINE.replace(old, new), **USES_ENGINE})
    found = discover(project)
    assert conclusive(found) == {}
    assert why in evidence(found, "shop.engine:Engine")


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ({"tests/core.py": BOTH}, "tests"),
        ({"shop/_core.py": BOTH}, "private"),
        ({"bank/__init__.py": "", "bank/core.py": BOTH}, "service"),
        ({"shop/core.py": f"from shop.gone import x\n{BOTH}"}, "imported itself"),
        ({"shop/core.py": f"from shop.app import x\n{BOTH}", "shop/app.py": "from shop.engine import Engine\n"}, ""),
    ],
    ids=["only in tests", "private", "another service", "stale itself", "import cycle"],
)
def test_where_code_may_not_import_from(history, discover, after, why):
    project = history(SHOP, {"shop/engine.py": None, **USES_ENGINE, **after})
    found = discover(project)
    assert conclusive(found) == {}
    assert why in evidence(found, "shop.engine:Engine")


def test_the_fallback_in_the_importing_file_itself(history, discover):
    fallback = "".join(f"    {line}\n" for line in START.splitlines())
    app = f"try:\n    from shop.engine import start\nexcept ImportError:\n{fallback}"
    found = discover(history(SHOP, {"shop/engine.py": None, "shop/app.py": app}))
    assert conclusive(found) == {}
    assert found["shop.engine:start"]["to"] is None


def test_several_that_are_all_alike(history, discover):
    project = history(SHOP, {"shop/engine.py": None, "shop/one.py": BOTH, "shop/two.py": CORE + BOTH, **USES_ENGINE})
    found = discover(project)["shop.engine:Engine"]
    assert found["verdict"] == "undecided"
    assert set(found["candidates"]) == {"shop.one:Engine", "shop.two:Engine"}


def test_a_namesake_of_another_kind_of_thing(history, discover):
    namesake = "class Engine:\n    cylinders = 4\n\n    def honk(self):\n        print(self.cylinders)\n"
    found = discover(history(SHOP, {"shop/engine.py": None, "shop/cars.py": namesake, **USES_ENGINE}))
    assert conclusive(found) == {}


def test_what_never_was(history, discover):
    app = "def f():\n    import shop.nowhere\n    from shop.engine import never\n    from shop.other import Nothing\n"
    found = discover(history(SHOP, {"shop/app.py": app}))
    assert set(found) == {"shop.nowhere", "shop.engine:never", "shop.other:Nothing"}
    assert conclusive(found) == {}
    assert {move["to"] for move in found.values()} == {None}
    assert all(evidence(found, old).startswith("no commit ever had it") for old in found)


def test_nothing_is_missing(history, discover, ssot_fix):
    project = history(SHOP, USES_BOTH)
    assert discover(project) == {}
    done = ssot_fix(project, "discover-moves", "--write-config")
    assert done.stdout == b"Nothing is missing: every import of the project's own code leads somewhere.\n"
    assert project.changed() == []


def test_what_the_settings_ignore_is_not_looked_for(history, discover):
    project = history(SHOP, {"shop/engine.py": None, **USES_BOTH})
    assert set(discover(project)) == {"shop.engine:Engine", "shop.engine:start"}
    project.write({"ssot-fix.toml": '[stale-imports]\nignore = ["shop.engine:start"]\n'})
    assert set(discover(project)) == {"shop.engine:Engine"}


def test_production_code_is_never_sent_into_tests(history, discover):
    helper, fake = START.replace("start", "helper"), ENGINE.replace("Engine", "Fake")
    project = history(
        {**SHOP, "tests/__init__.py": "", "tests/helpers.py": helper, "shop/fakes.py": fake},
        {
            **dict.fromkeys(("shop/engine.py", "shop/fakes.py", "tests/helpers.py")),
            **{"tests/engine.py": BOTH, "qa/test_engine.py": BOTH, "tests/fakes.py": fake, "tests/support.py": helper},
            **USES_BOTH,
            "shop/more.py": "def f():\n    import shop.engine\n    from shop.fakes import Fake\n",
            "tests/test_app.py": "from shop.engine import Engine\nfrom tests.helpers import helper\n",
        },
    )
    found = discover(project)
    assert conclusive(found) == {"tests.helpers": "tests.support"}
    for old, move in found.items():
        if old.startswith("shop."):
            assert not (move["to"] or "").startswith(("tests", "qa")), old


# What is found


def repointed(project: Repository, ssot_fix, path: str = "shop/app.py") -> str:
    """A file after the moves were written down and used; that a second round finds and plans nothing is checked."""
    ssot_fix(project, "discover-moves", "--write-config")
    commit(project, {}, "Moves")
    ssot_fix(project, "--codemod", "stale-imports", "--write", "--include-tests")
    commit(project, {}, "Repointed")
    done = ssot_fix(project, "--codemod", "stale-imports", "--include-tests")
    assert done.stdout == b""
    ssot_fix(project, "discover-moves", "--write-config")
    assert project.changed() == []
    return project.read(path)


def test_a_renamed_module(history, discover, ssot_fix):
    uses = {"shop/more.py": "import shop.engine as e\n", "tests/test_a.py": "from shop.engine import Engine\n"}
    motor = {"shop/engine.py": None, "shop/motor.py": BOTH.replace("0.1", "0.2")}
    project = history(SHOP, {**motor, **USES_BOTH, **uses})
    found = discover(project)
    assert conclusive(found) == {"shop.engine": "shop.motor"}
    move = found["shop.engine"]
    assert (move["uses"], move["uses_in_tests"]) == (4, 1)
    assert "renamed" in evidence(found, "shop.engine")
    assert repointed(project, ssot_fix) == USES_BOTH["shop/app.py"].replace("engine", "motor")
    assert project.read("shop/more.py") == "import shop.motor as e\n"
    assert project.read("tests/test_a.py") == "from shop.motor import Engine\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f():\n    import shop.engine\n", "def f():\n    import shop.motor\n"),
        ("def f():\n    import shop.engine as e\n", "def f():\n    import shop.motor as e\n"),
        ("def f():\n    from shop import engine as e\n", "def f():\n    from shop import motor as e\n"),
        ("def f():\n    from . import engine as e\n", "def f():\n    from . import motor as e\n"),
    ],
)
def test_a_renamed_module_that_is_only_used_as_a_whole(history, ssot_fix, before, after):
    project = history(SHOP, {"shop/engine.py": None, "shop/motor.py": BOTH, "shop/app.py": before})
    assert repointed(project, ssot_fix) == after


def test_a_module_that_became_a_package(history, discover):
    package = {"shop/motors/__init__.py": "", "shop/motors/engine.py": BOTH}
    found = discover(history(SHOP, {"shop/engine.py": None, **package, **USES_BOTH}))
    assert conclusive(found) == {"shop.engine": "shop.motors.engine"}


def test_a_class_that_a_consolidation_took_into_another_module(history, discover, ssot_fix):
    project = history(
        {**SHOP, "shop/core.py": CORE},
        {"shop/engine.py": None, "shop/core.py": f"{CORE}\n\n{ENGINE}", **USES_ENGINE},
    )
    head = project.git("rev-parse", "HEAD").strip()
    (move,) = discover(project).values()
    assert (move["verdict"], move["to"].partition(":")[0]) == ("conclusive", "shop.core")
    assert (move["commit"], move["date"], move["author"]) == (head, DATE, AUTHOR)
    assert repointed(project, ssot_fix) == USES_ENGINE["shop/app.py"].replace("engine", "core")


def test_a_module_that_was_taken_apart(history, discover, ssot_fix):
    launch = f"from shop.core import Engine\n\n\n{START}"
    app = "def f():\n    from shop.engine import Engine, start as go, stop  # all of it\n"
    project = history(
        {**SHOP, "shop/core.py": CORE, "shop/engine.py": f"{BOTH}\n\ndef stop():\n    pass\n"},
        {"shop/engine.py": None, "shop/core.py": CORE + ENGINE, "shop/launch.py": launch, "shop/app.py": app},
    )
    found = discover(project)
    assert conclusive(found) == {"shop.engine:Engine": "shop.core:Engine", "shop.engine:start": "shop.launch:start"}
    assert found["shop.engine:stop"]["verdict"] == "removed"
    lines = sorted(line.strip() for line in repointed(project, ssot_fix).splitlines()[1:])
    assert [line.partition("  #")[0] for line in lines] == [
        "from shop.core import Engine",
        "from shop.engine import stop",
        "from shop.launch import start as go",
    ]


def test_modules_that_were_copies_of_each_other(history, discover):
    """What each of them is asked for is compared."""
    app = "def main():\n    from shop.engine import Engine\n    from shop.copy import start\n"
    project = history(
        {**SHOP, "shop/copy.py": BOTH, "shop/core.py": CORE},
        {"shop/engine.py": None, "shop/copy.py": None, "shop/core.py": f"{CORE}\n\n{BOTH}", "shop/app.py": app},
    )
    assert conclusive(discover(project)) == {"shop.engine": "shop.core", "shop.copy": "shop.core"}


def test_a_name_that_left_a_module_that_is_still_there(history, discover, ssot_fix):
    launch = f"from shop.engine import Engine\n\n\n{START}"
    project = history(SHOP, {"shop/engine.py": ENGINE, "shop/launch.py": launch, **USES_BOTH})
    assert conclusive(discover(project)) == {"shop.engine:start": "shop.launch:start"}
    assert "from shop.launch import start" in repointed(project, ssot_fix)


def test_of_several_the_one_that_is_alike(history, discover):
    other = "class Engine:\n    def __init__(self, cylinders):\n        self.cylinders = cylinders\n"
    project = history(
        SHOP, {"shop/engine.py": None, "shop/core.py": CORE + ENGINE, "shop/cars.py": other, **USES_ENGINE}
    )
    (move,) = discover(project).values()
    assert (move["verdict"], move["to"].partition(":")[0]) == ("conclusive", "shop.core")


def test_chains_of_renames(history, discover, ssot_fix):
    project = history(
        SHOP,
        {"shop/engine.py": None, "shop/motor.py": BOTH},
        {"shop/motor.py": None, "shop/drive.py": BOTH},
        {**USES_ENGINE, "shop/more.py": "def f():\n    from shop.motor import start\n"},
    )
    assert conclusive(discover(project)) == {"shop.engine": "shop.drive", "shop.motor": "shop.drive"}
    assert repointed(project, ssot_fix) == USES_ENGINE["shop/app.py"].replace("engine", "drive")
    assert project.read("shop/more.py") == "def f():\n    from shop.drive import start\n"


def test_a_rename_and_then_a_consolidation(history, ssot_fix):
    project = history(
        {**SHOP, "shop/core.py": CORE * 9},
        {"shop/engine.py": None, "shop/motor.py": BOTH},
        {"shop/motor.py": None, "shop/core.py": CORE * 9 + BOTH, **USES_ENGINE},
    )
    assert repointed(project, ssot_fix) == USES_ENGINE["shop/app.py"].replace("engine", "core")


def test_a_loss_on_a_merged_branch(history, discover):
    project = history(SHOP)
    project.git("checkout", "--quiet", "-b", "side")
    gone = commit(project, {"shop/engine.py": None}, "Drop the engine", "Grace Hopper", "2024-06-07")
    project.git("checkout", "--quiet", "main")
    commit(project, USES_ENGINE, "Use it")
    project.git("merge", "--quiet", "--no-edit", "side")
    (move,) = discover(project).values()
    assert (move["commit"], move["date"], move["author"]) == (gone, "2024-06-07", "Grace Hopper")


def test_what_was_removed_without_replacement(history, discover, ssot_fix):
    project = history(SHOP)
    gone = commit(project, {"shop/engine.py": ENGINE, **USES_BOTH}, "Drop start()", "Grace Hopper", "2024-06-07")
    commit(project, {"shop/engine.py": ENGINE + "\n# more\n"}, "Go on")
    move = discover(project)["shop.engine:start"]
    assert (move["verdict"], move["to"]) == ("removed", None)
    assert (move["commit"], move["date"], move["author"]) == (gone, "2024-06-07", "Grace Hopper")
    text = ssot_fix(project, "discover-moves").stdout.decode()
    assert text.startswith("Removed without replacement (1)\n")
    assert f"{gone[:10]}, 2024-06-07, Grace Hopper: Drop start()" in text
    assert "[[" not in text


def test_moves_that_only_another_move_makes_possible(history, discover, ssot_fix):
    """What is imported through a stale import can't be imported itself, until that one is repointed."""
    project = history(
        {**SHOP, "shop/names.py": "def shout(name):\n    return name.upper() + '!'\n"},
        {"shop/names.py": None, "shop/words.py": "def shout(name):\n    return name.upper() + '!'\n"},
        {"shop/engine.py": None, "shop/core.py": f"from shop.names import shout\n{ENGINE}", **USES_ENGINE},
    )
    assert conclusive(discover(project)) == {"shop.engine": "shop.core", "shop.names": "shop.words"}
    assert repointed(project, ssot_fix) == USES_ENGINE["shop/app.py"].replace("engine", "core")


def test_from_a_folder_below_it_comes_to_the_same(history, discover, ssot_fix):
    project = history(SHOP, {"shop/engine.py": None, "shop/motor.py": BOTH, **USES_BOTH})
    assert discover(project.root / "shop") == discover(project)
    ssot_fix(project.root / "shop", "discover-moves", "--write-config")
    assert project.changed() == ["ssot-fix.toml"]


# What can't be known


def test_a_shallow_clone_says_so_and_proves_nothing_that_the_whole_history_denies(
    history, discover, ssot_fix, tmp_path, command_environment
):
    changed = BOTH.replace("retries=3", "retries").replace("def start(", "async def start(")
    whole = history(SHOP, {"shop/engine.py": None, "shop/deep/engine.py": changed, **USES_BOTH})
    assert conclusive(discover(whole)) == {}
    root = tmp_path / "shallow"
    command = ("git", "clone", "--quiet", "--depth=1", whole.root.as_uri(), str(root))
    subprocess.run(command, env=command_environment, check=True)
    done = ssot_fix(root, "discover-moves")
    assert b"the history is shallow: it begins on 2024-05-06; `git fetch --unshallow` gets the rest" in done.stderr
    assert conclusive(discover(root)) == {}


def test_without_git_nothing_is_known_of_what_was(history, discover, ssot_fix):
    changed = BOTH.replace("retries=3", "retries").replace("def start(", "async def start(")
    project = history(SHOP, {"shop/engine.py": None, "shop/deep/engine.py": changed, **USES_BOTH})
    shutil.rmtree(project.root / ".git")
    done = ssot_fix(project, "discover-moves")
    assert b"git" in done.stderr
    found = discover(project)
    assert set(found) == {"shop.engine:Engine", "shop.engine:start"}
    assert conclusive(found) == {}


def test_what_is_not_committed_yet(history, discover):
    project = history(SHOP)
    (project.root / "shop/engine.py").rename(project.root / "shop/motor.py")
    project.write(USES_BOTH)
    found = discover(project)
    assert set(found) & {"shop.engine", "shop.engine:Engine"}
    assert set(conclusive(found).values()) <= {"shop.motor", "shop.motor:Engine", "shop.motor:start"}


# What is printed


@pytest.fixture
def mixed(history) -> Repository:
    """A project with something for each group of the table."""
    twice = "class Twice:\n    def go(self):\n        return 2\n"
    return history(
        {**SHOP, "shop/odd.py": "def odd(number):\n    return number % 2 == 1\n", "shop/twice.py": twice},
        {
            **dict.fromkeys(("shop/engine.py", "shop/odd.py", "shop/twice.py")),
            **{"shop/motor.py": BOTH, "shop/one.py": f"{twice}\n\nONE = 1\n", "shop/two.py": f"{twice}\n\nTWO = 2\n"},
            "shop/more.py": "def f():\n    from shop.odd import odd\n    from shop.twice import Twice\n",
            **USES_BOTH,
        },
    )


def rows(text: str) -> tuple[dict[str, list[list[str]]], dict]:
    """The rows of the tables by their titles, and the settings below them."""
    at = re.search(r"^(?:# |\[\[)", text, re.MULTILINE)
    tables, settings = (text[: at.start()], text[at.start() :]) if at else (text, "")
    found: dict[str, list[list[str]]] = {}
    for block in filter(None, tables.split("\n\n")):
        title, header, line, *body = block.strip("\n").split("\n")
        name, count = re.fullmatch(r"([^(]+?) \((\d+)\)", title).groups()
        assert header.split() == ["old", "new", "uses", "evidence", "confidence"]
        assert set(line) == {"─"}
        found[name] = [re.split(r" {2,}", row.strip()) for row in body]
        assert len(found[name]) == int(count)
    return found, tomllib.loads(settings)


def test_the_table_says_what_the_json_says(mixed, discover, ssot_fix):
    found = discover(mixed)
    tables, settings = rows(ssot_fix(mixed, "discover-moves").stdout.decode())
    titles = {
        "Conclusive: the evidence leaves no doubt": "conclusive",
        "Needs a decision": "undecided",
        "Removed without replacement": "removed",
    }
    assert list(tables) == list(titles)
    told = {
        old: (titles[title], new, int(uses), *rest)
        for title, group in tables.items()
        for old, new, uses, *rest in group
    }
    assert told == {
        old: (
            move["verdict"],
            move["to"] or "-",
            move["uses"],
            evidence(found, old),
            f"{move['confidence']:.2f}" if move["to"] else "-",
        )
        for old, move in found.items()
    }
    moves = settings["stale-imports"]["moves"]
    assert {move["from"]: move["to"] for move in moves} == conclusive(found) == {"shop.engine": "shop.motor"}
    for move in found.values():
        assert 0 <= move["confidence"] <= 1
        assert 0 <= move["uses_in_tests"] <= move["uses"]


def test_the_settings_to_paste_are_those_that_would_be_written(mixed, ssot_fix):
    text = ssot_fix(mixed, "discover-moves").stdout.decode()
    pasted = text[re.search(r"^# ", text, re.MULTILINE).start() :]
    ssot_fix(mixed, "discover-moves", "--write-config")
    assert mixed.read("ssot-fix.toml").strip() == pasted.strip()
    mixed.write({"ssot-fix.toml": pasted})
    assert b"from shop.motor import" in ssot_fix(mixed, "--codemod", "stale-imports").stdout


def test_the_header_is_the_one_of_the_settings_that_are_there(mixed, ssot_fix):
    assert b"\n[[stale-imports.moves]]\n" in ssot_fix(mixed, "discover-moves").stdout
    mixed.write({"pyproject.toml": "[tool.ssot-fix]\n"})
    assert b"\n[[tool.ssot-fix.stale-imports.moves]]\n" in ssot_fix(mixed, "discover-moves").stdout


def test_output_goes_to_a_file(mixed, ssot_fix):
    for arguments in ((), ("--format", "json")):
        printed = ssot_fix(mixed, "discover-moves", *arguments).stdout
        done = ssot_fix(mixed, "discover-moves", *arguments, "--output", mixed.root.parent / "out", "--quiet")
        assert (done.stdout, done.stderr) == (b"", b"")
        assert (mixed.root.parent / "out").read_bytes() == printed


def test_neither_workers_nor_hashes_change_the_result(mixed, ssot_fix):
    printed = {
        ssot_fix(mixed, "discover-moves", "--jobs", jobs, extra={"PYTHONHASHSEED": seed}).stdout
        for jobs, seed in (("1", "1"), ("1", "2"), ("2", "3"), ("3", "4"))
    }
    assert len(printed) == 1


def test_colors_only_where_they_are_wanted(mixed, ssot_fix):
    plain = ssot_fix(mixed, "discover-moves").stdout
    assert b"\x1b" not in plain
    colored = ssot_fix(mixed, "discover-moves", "--color", "always").stdout
    assert re.sub(rb"\x1b\[[\d;]*m", b"", colored) == plain != colored


def test_wrong_usage_and_what_can_not_be_written(mixed, ssot_fix):
    for arguments, said in (
        (("--nonsense",), b"--nonsense"),
        (("--format", "xml"), b"xml"),
        (("--jobs", "0"), b"--jobs"),
        (("--config", "nowhere.toml"), b"nowhere.toml"),
        (("--output", mixed.root / "shop/app.py/x", "--write-config"), b"not all was printed"),
    ):
        done = ssot_fix(mixed, "discover-moves", *arguments, expect=2)
        assert said in done.stderr
    mixed.write({"ssot-fix.toml": '[[stale-imports.moves]]\nfrom = "shop.engine"\nto = "shop.nowhere"\n'})
    done = ssot_fix(mixed, "discover-moves", "--write-config", expect=2)
    assert b"ssot-fix.toml:1: `shop.engine` moves to `shop.nowhere`" in done.stderr
    assert mixed.changed() == ["ssot-fix.toml"]


def test_nothing_of_a_commit_is_obeyed_by_a_terminal(history, discover, ssot_fix):
    project = history(SHOP)
    moved = {"shop/engine.py": None, "shop/motor.py": BOTH, **USES_BOTH}
    commit(project, moved, 'Call it "motor"\\ \x1b[31m\x07\u202e [bold]x[/bold] :smile:', "Zoë [red]\x1b")
    text = ssot_fix(project, "discover-moves", "--write-config").stdout.decode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
    assert "[bold]x[/bold] :smile:" in text
    assert "Zoë [red]" in text
    assert tomllib.loads(project.read("ssot-fix.toml"))["stale-imports"]["moves"] == [
        {"from": "shop.engine", "to": "shop.motor"}
    ]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [40, 80, 100, 200])
def test_a_narrow_terminal_shows_all_of_it(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    package = "warehouse_management.inventory.reconciliation"
    old, new = f"{package}.stock_take_v1:StockTakeEngine", f"{package}.consolidated.stock_take:StockTakeEngine"
    told = ("100 % of its body", f"gone with 0123456789, 2024-05-06, Ada: {'consolidate ' * 12}", "x" * 120)
    found = [
        Discovered(old, new, 1234, 5, "conclusive", 0.987, told),
        Discovered(f"{old}2", None, 1, 0, "removed", 0.0, told),
    ]
    text = print_moves(found, "[[stale-imports.moves]]", _Terminal(), color=False, wraps=True)
    tables = text[: text.index("\n# ")].split("\n")
    assert "…" not in text
    assert max(map(len, tables)) <= max(columns, 64)
    shown = dict.fromkeys(("old", "new", "uses", "evidence", "confidence"), "")
    starts: list[int] = []
    for line in tables:
        if line.split() == [*shown]:
            starts = [line.index(name) for name in shown]
        elif starts and not re.search(r"─|\(\d+\)$", line):
            for name, start, end in zip(shown, starts, [*starts[1:], None], strict=True):
                shown[name] += "".join(line[start:end].split())
    for name, parts in zip(shown, ([old, f"{old}2"], [new], ["1234"], told, ["0.99"]), strict=True):
        for part in parts:
            assert "".join(part.split()) in shown[name]


# What is written

SETTINGS = b"# Ours.\r\n[tool.black]\r\nline-length = 99 # caf\xc3\xa9\r\n\r\n[tool.ssot-fix]\r\njobs = 1"


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("pyproject.toml", SETTINGS),
        ("pyproject.toml", b"[tool.ssot-fix.stale-imports]\n"),
        ("pyproject.toml", b'[[tool.ssot-fix.stale-imports.moves]]\nfrom = "shop.odd"\nto = "shop.one"\n\n\n'),
        ("ssot-fix.toml", b""),
        ("ssot-fix.toml", b"\xef\xbb\xbfjobs = 1\n# the end"),
        ("ssot-fix.toml", b'[stale-imports]\nauto = "off"\n[[overrides]]\npaths = ["x/"]\n'),
    ],
)
def test_moves_are_appended_and_what_is_there_stays(mixed, discover, ssot_fix, name, before):
    (mixed.root / name).write_bytes(before)
    done = ssot_fix(mixed, "discover-moves", "--write-config")
    assert f"Wrote 1 move to {name}.".encode() in done.stderr
    after = (mixed.root / name).read_bytes()
    assert after.startswith(before)
    added = after.removeprefix(before)
    assert added.count(b"\r\n") == (added.count(b"\n") if b"\r\n" in before else 0)
    assert added.endswith(b"\n")
    settings = tomllib.loads(after.decode("utf-8-sig"))
    settings = settings["tool"]["ssot-fix"] if name == "pyproject.toml" else settings
    assert {"from": "shop.engine", "to": "shop.motor"} in settings["stale-imports"]["moves"]
    assert b"\n# " in added or added.startswith(b"# ")
    again = ssot_fix(mixed, "discover-moves", "--write-config")
    assert b"There are no moves to write." in again.stderr
    assert (mixed.root / name).read_bytes() == after
    assert conclusive(discover(mixed)) == {}


def test_settings_are_made_where_there_are_none(mixed, ssot_fix):
    mixed.write({"pyproject.toml": "[project]\nname = 'x'\n"})
    done = ssot_fix(mixed, "discover-moves", "--write-config", "--quiet")
    assert done.stderr == b"ssot-fix: Wrote 1 move to ssot-fix.toml.\n"
    assert mixed.read("pyproject.toml") == "[project]\nname = 'x'\n"
    assert ssot_fix(mixed, "--codemod", "stale-imports").stdout.count(b"shop.motor") == 1


def test_settings_that_are_named_are_the_ones_to_append_to(mixed, ssot_fix):
    mixed.write({"ssot-fix.toml": "jobs = 1\n", "other.toml": "jobs = 2\n"})
    done = ssot_fix(mixed, "discover-moves", "--write-config", "--config", "other.toml")
    assert b"Wrote 1 move to other.toml." in done.stderr
    assert mixed.read("ssot-fix.toml") == "jobs = 1\n"
    assert 'from = "shop.engine"\nto = "shop.motor"\n' in mixed.read("other.toml")


def test_without_write_config_nothing_is_written(mixed, ssot_fix):
    for arguments in ((), ("--format", "json"), ("--output", mixed.root.parent / "out")):
        ssot_fix(mixed, "discover-moves", *arguments)
        assert mixed.changed() == []


def test_without_a_conclusive_move_nothing_is_written(history, ssot_fix):
    project = history(SHOP, {"shop/engine.py": None, **USES_BOTH})
    done = ssot_fix(project, "discover-moves", "--write-config")
    assert b"There are no moves to write." in done.stderr
    assert project.changed() == []


def test_what_was_written_is_used_and_once_is_enough(mixed, ssot_fix):
    assert repointed(mixed, ssot_fix) == USES_BOTH["shop/app.py"].replace("engine", "motor")
    done = ssot_fix(mixed, "discover-moves")
    assert b"shop.engine" not in done.stdout
    assert b"Needs a decision (1)" in done.stdout


# Used without being written down


def test_by_default_what_is_proven_is_not_used(mixed, ssot_fix):
    for text in ("", '[stale-imports]\nauto = "off"\n'):
        mixed.write({"ssot-fix.toml": text})
        assert ssot_fix(mixed, "--codemod", "stale-imports").stdout == b""


def test_auto_does_the_same_without_writing_moves_down(mixed, ssot_fix):
    settings = '[stale-imports]\nauto = "proven"\n'
    commit(mixed, {"ssot-fix.toml": settings}, "Settings")
    done = ssot_fix(mixed, "--codemod", "stale-imports", "--write")
    assert b"proven" in done.stderr
    assert mixed.read("shop/app.py") == USES_BOTH["shop/app.py"].replace("engine", "motor")
    assert mixed.changed() == ["shop/app.py"]
    assert mixed.read("ssot-fix.toml") == settings
    commit(mixed, {}, "Repointed")
    assert ssot_fix(mixed, "--codemod", "stale-imports", "--check").stdout == b""


def test_auto_is_done_in_one_run(history, ssot_fix):
    project = history(
        {**SHOP, "shop/names.py": "def shout(name):\n    return name.upper() + '!'\n"},
        {"shop/names.py": None, "shop/words.py": "def shout(name):\n    return name.upper() + '!'\n"},
        {"shop/engine.py": None, "shop/core.py": f"from shop.names import shout\n{ENGINE}", **USES_ENGINE},
        {"ssot-fix.toml": '[stale-imports]\nauto = "proven"\n'},
    )
    ssot_fix(project, "--codemod", "stale-imports", "--write")
    commit(project, {}, "Repointed")
    ssot_fix(project, "--codemod", "stale-imports", "--check")


def test_auto_shows_the_same_moves_to_discover_moves(mixed, discover):
    found = discover(mixed)
    mixed.write({"ssot-fix.toml": '[stale-imports]\nauto = "proven"\n'})
    assert discover(mixed) == found


def test_a_written_move_outweighs_a_proven_one(mixed, ssot_fix):
    mixed.write({"shop/rival.py": BOTH.replace("jobs[0]", "jobs[-1]")})
    move = '[[stale-imports.moves]]\nfrom = "shop.engine"\nto = "shop.rival"\n'
    commit(mixed, {"ssot-fix.toml": f'[stale-imports]\nauto = "proven"\n{move}'}, "Settings")
    ssot_fix(mixed, "--codemod", "stale-imports", "--write")
    assert mixed.read("shop/app.py") == USES_BOTH["shop/app.py"].replace("engine", "rival")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def f(url):\n    return url.lower()\n", "def f(url):\n    return url.upper()\n"),
        ("def f(x):\n    return x > 0\n", "def f(x):\n    return x < 0\n"),
        ("def f():\n    return 'users_eu'\n", "def f():\n    return 'orders_us'\n"),
    ],
    ids=["another method", "another operator", "another text"],
)
def test_in_a_short_function_every_word_counts(history, discover, old, new):
    project = history(
        {"shop/__init__.py": "", "shop/engine.py": old},
        {"shop/engine.py": None, "shop/core.py": "A = 1\n" * 30 + new, "app.py": "from shop.engine import f\n"},
    )
    assert conclusive(discover(project)) == {}
