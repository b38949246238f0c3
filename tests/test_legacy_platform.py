"""A small platform with every hazard in it, migrated as its maintainers would: its own tests pass before and after."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from cases import FIXTURES, compiles
from conftest import Repository

PLATFORM = FIXTURES / "legacy_platform"
LINTER = "scripts/lint\uf03aenvironment.py"

# What became of the uses of the environment in each file: with safe fixes, and where it differs with all of them.
SAFE: dict[str, dict[str, int]] = {
    "auth_service/__init__.py": {"rewritten": 1},
    "auth_service/config.py": {"rewritten": 4},
    "auth_service/keys.py": {"indirect-access": 1, "mixed-key": 3},
    "auth_service/main.py": {"rewritten": 2, "use-before-import": 1},
    "auth_service/oauth.py": {"rewritten": 2},
    "auth_service/tokens.py": {"name-taken": 3},
    "backend/__init__.py": {"rewritten": 1},
    "backend/cache.py": {"rewritten": 2},
    "backend/catalog.py": {"rewritten": 2},
    "backend/compat.py": {"rewritten": 1},
    "backend/config.py": {"mixed-key": 10, "unsafe": 2},
    "backend/database.py": {"ambiguous-binding": 19},
    "backend/flags.py": {
        "mixed-key": 2,
        "name-taken": 1,
        "raises-differently": 2,
        "unsafe": 7,
        "whole-environment": 1,
    },
    "backend/handlers.py": {"indirect-access": 1, "mixed-key": 8, "name-taken": 2},
    "backend/messages.py": {"script-cannot-import": 2},
    "backend/modern.py": {"rewritten": 3},
    "backend/providers.py": {
        "exempted": 2,
        "external-key": 7,
        "mixed-key": 2,
        "no-equivalent": 1,
        "patched-elsewhere": 2,
        "suppressed": 1,
    },
    "backend/reports.py": {"rewritten": 1},
    "backend/reports/__init__.py": {"indirect-access": 2, "mixed-key": 2},
    "backend/sessions.py": {"mixed-key": 7, "no-equivalent": 1, "unsafe": 10, "value-not-str": 1},
    "backend/workers.py": {
        "bytes-environment": 1,
        "computed-key": 1,
        "indirect-access": 2,
        "mixed-key": 1,
        "no-equivalent": 11,
        "raises-differently": 1,
        "unsafe": 3,
        "whole-environment": 9,
    },
    "manage.py": {"rewritten": 2},
    "scripts/check_environment.py": {"script-cannot-import": 2},
    "scripts/data/blob.py": {"undecodable": 1},
    "scripts/data/totals.py": {"script-cannot-import": 1},
    "scripts/health_check.py": {"import-error-fallback": 2, "name-taken": 1},
    LINTER: {"script-cannot-import": 1},
    "scripts/migrate_users.py": {"rewritten": 3},
    "scripts/print_status.py": {"import-error-fallback": 1, "name-taken": 1, "raises-differently": 1},
    "scripts/templates/handler.py": {"unparseable": 1},
    "shared/child_process.py": {"computed-key": 1, "external-key": 1, "unsafe": 2},
    "shared/isolated_environment.py": {"accessor-internals": 6},
    "shared/masking.py": {"accessor-internals": 2},
}
UNSAFE: dict[str, dict[str, int]] = {
    "backend/config.py": {"rewritten": 12},
    "backend/flags.py": {"mixed-key": 9, "name-taken": 1, "raises-differently": 2, "whole-environment": 1},
    "backend/sessions.py": {"mixed-key": 1, "no-equivalent": 1, "rewritten": 16, "value-not-str": 1},
    "backend/workers.py": {
        "bytes-environment": 1,
        "computed-key": 1,
        "indirect-access": 2,
        "mixed-key": 2,
        "no-equivalent": 11,
        "raises-differently": 1,
        "rewritten": 2,
        "whole-environment": 9,
    },
    "shared/child_process.py": {"computed-key": 1, "external-key": 1, "rewritten": 2},
}
# What became of the stale imports; without --include-tests those of test code are not looked at.
IMPORTS: dict[str, dict[str, int]] = {
    "backend/attic.py": {
        "another-service": 1,
        "candidate-not-importable": 1,
        "no-move": 1,
        "only-in-tests": 1,
        "other-uses": 1,
        "own-definition": 1,
        "plain-string": 1,
        "private-candidate": 1,
        "removed": 1,
        "several-candidates": 1,
        "suppressed": 1,
    },
    "backend/cache.py": {"rewritten": 2},
    "backend/config.py": {"removed": 1},
    "backend/console.py": {"import-cycle": 1, "rewritten": 1},
    "backend/database.py": {"guarded-fallback": 1},
    "backend/handlers.py": {"no-move": 1, "rewritten": 1},
    "backend/reports/export.py": {"rewritten": 1},
    "backend/upgrade.py": {"rewritten": 11, "target-lacks-name": 1},
    "deploy/Dockerfile": {"other-file": 1},
    "deploy/compose.yaml": {"other-file": 2},
    "deploy/start.sh": {"other-file": 1, "suppressed": 1},
    "pyproject.toml": {"removed": 1, "rewritten": 2},
    "scripts/data/blob.py": {"undecodable": 1},
    "scripts/nightly_report.py": {"rewritten": 1},
}
IMPORTS_IN_TESTS: dict[str, dict[str, int]] = {
    "tests/test_upgrade.py": {
        "candidate-not-importable": 1,
        "expected-failure": 2,
        "only-in-tests": 1,
        "removed": 2,
        "rewritten": 4,
    },
}
# What became of streams and text files; with --unsafe-fixes what is unsafe is rewritten.
STREAMS: dict[str, dict[str, int]] = {
    "auth_service/main.py": {"rewritten": 1},
    "auth_service/rotate.py": {"rewritten": 1},
    "backend/announce.py": {"rewritten": 1},
    "backend/payments.py": {"rewritten": 1},
    "backend/terminal.py": {"imported-elsewhere": 1},
    "manage.py": {"rewritten": 1},
    "scripts/check_environment.py": {"rewritten": 1},
    "scripts/health_check.py": {"rewritten": 1},
    LINTER: {"rewritten": 1},
    "scripts/migrate_users.py": {"unsafe": 1},
    "scripts/nightly_report.py": {"rewritten": 1},
    "scripts/print_status.py": {"rewritten": 1},
    "scripts/show_queue.py": {"rewritten": 1},
    "scripts/tail_log.py": {"unsafe": 1},
}
FILES: dict[str, dict[str, int]] = {
    "backend/config.py": {"rewritten": 1},
    "backend/ledger.py": {
        "computed-mode": 2,
        "encoding-none": 1,
        "rewritten": 11,
        "suppressed": 1,
        "unknown-receiver": 1,
        "unsafe": 1,
    },
    "backend/reports/__init__.py": {"rewritten": 1},
    "backend/workers.py": {"unsafe": 1},
    LINTER: {"rewritten": 1},
    "scripts/print_status.py": {"rewritten": 1, "unsafe": 1},
    "shared/child_process.py": {"rewritten": 1},
}
# The files that can't be read as code are nobody's in particular.
UNREADABLE = {"scripts/data/blob.py", "scripts/templates/handler.py"}
UNDER_WAY = (
    b"`backend.queue_v1` is still there beside `backend.queues`, a consolidation under way, so this move is not used"
)
# What no test of the platform's own can call before: the rare paths, the script, the entry points, for real.
RARE_PATHS = (
    "from backend import cache; assert cache.purge_legacy() == 1",
    "from backend import handlers; assert handlers.charge(20_000) == 20_002",
    "from backend.reports import export; assert export.sheet([1]) == [1]",
    "from backend import upgrade; assert upgrade.tell('ada') == 'ada: upgraded'",
    "from backend import upgrade; assert upgrade.post('ada') == 'ada: posted'",
    "from backend import upgrade; assert (upgrade.count('a'), upgrade.counted()) == (1, (1, 1, 1))",
    "from backend import upgrade; assert upgrade.counted_by_name() == (0, 0)",
    "from backend import upgrade; assert (upgrade.charge(5), upgrade.receipt(5)) == (7, 5)",
    "import typing; from backend import notifications, upgrade; upgrade.Mailer = notifications.Mailer; "
    "assert typing.get_type_hints(upgrade.tell)['mailer'] == notifications.Mailer | None",
    "import runpy; runpy.run_path('scripts/nightly_report.py', run_name='__main__')",
    "import tomllib; from importlib.metadata import EntryPoint as E; from pathlib import Path; "
    "p = tomllib.loads(Path('pyproject.toml').read_text())['project']; "
    "assert E('', p['scripts']['platform-charge'], '').load()() == 0; "
    "E('', p['entry-points']['platform.stores']['cache'], '').load()",
)


@pytest.fixture
def platform(tmp_path, command_environment) -> Repository:
    root = tmp_path / "platform"
    shutil.copytree(PLATFORM, root, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    made = Repository(root, command_environment)
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit()
    return made


def own_tests(platform: Repository, *which: str) -> dict[str, int]:
    """How many of the platform's own tests passed, failed, were skipped."""
    options = ("-q", "-p", "no:cacheprovider", "--color=no", "--tb=short", *which)
    command = (sys.executable, "-P", "-m", "pytest", *options)
    done = subprocess.run(
        command, cwd=platform.root, env=platform.environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout[-3000:]
    words = done.stdout.splitlines()[-1].partition(" in ")[0].split(", ")
    return {word: int(count) for count, word in (part.split() for part in words)}


def came_to(findings: list[dict], codemod: str) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for finding in findings:
        if finding["codemod"] == codemod:
            found.setdefault(finding["path"], Counter())[finding["reason"] or finding["status"]] += 1
    return {path: dict(sorted(counts.items())) for path, counts in found.items()}


@pytest.fixture(scope="module")
def before() -> dict[str, int]:
    return {}


@pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])
def test_the_platform_after_its_migration(unsafe, platform, before, ssot_fix):
    if not before:
        before.update(own_tests(platform))
    options = ("--unsafe-fixes",) if unsafe else ()
    diff = ssot_fix(platform, *options).stdout
    assert platform.changed() == []
    found = json.loads(ssot_fix(platform, *options, "--write", "--format", "json").stdout)
    changed = sorted(file["path"] for file in found["files"] if file["status"] == "changed")
    assert sorted(platform.changed()) == sorted(changed)
    assert len(changed) >= 12
    for path in filter(lambda path: path.endswith(".py"), changed):
        old = subprocess.run(
            ("git", "show", f"HEAD:{path}"), cwd=platform.root, capture_output=True, check=True
        ).stdout
        assert compiles((platform.root / path).read_bytes()) or not compiles(old)

    assert own_tests(platform) == before

    written = {path: (platform.root / path).read_bytes() for path in changed}
    platform.git("checkout", "--quiet", ".")
    platform.git("apply", "-p1", "-", input=diff)
    assert {path: (platform.root / path).read_bytes() for path in changed} == written
    assert sorted(platform.changed()) == changed

    again = json.loads(ssot_fix(platform, *options, "--format", "json").stdout)
    assert [file["path"] for file in again["files"] if file["diff"] is not None] == []
    assert again["summary"]["rewritten"] == 0
    assert again["summary"]["refused"] == found["summary"]["refused"]

    expected = SAFE | UNSAFE if unsafe else SAFE
    assert came_to(found["findings"], "isolated-environment") == expected
    assert came_to(found["findings"], "stale-imports") == IMPORTS
    for codemod, those in (("utf8-streams", STREAMS), ("utf8-files", FILES)):
        told = came_to(found["findings"], codemod)
        assert {path: told[path] for path in told.keys() - UNREADABLE} == applied(those, unsafe=unsafe)


def applied(those: dict[str, dict[str, int]], *, unsafe: bool) -> dict[str, dict[str, int]]:
    """What became of sites, or becomes of them if unsafe fixes are applied."""
    if not unsafe:
        return those
    found: dict[str, dict[str, int]] = {}
    for path, counts in those.items():
        safe = {what: count for what, count in counts.items() if what != "unsafe"}
        done = counts.get("unsafe", 0) + counts.get("rewritten", 0)
        found[path] = dict(sorted((safe | ({"rewritten": done} if done else {})).items()))
    return found


def works(platform: Repository, code: str) -> bool:
    command = (sys.executable, "-c", code)
    done = subprocess.run(command, cwd=platform.root, env=platform.environment, capture_output=True, check=False)
    if done.returncode != 0:
        assert b"ImportError" in done.stderr or b"ModuleNotFoundError" in done.stderr, done.stderr.decode()
    return done.returncode == 0


def test_rare_paths_work_again(platform, ssot_fix):
    typing = next(code for code in RARE_PATHS if "typing" in code)
    assert [code for code in RARE_PATHS if code != typing and works(platform, code)] == []
    done = ssot_fix(platform, "--codemod", "stale-imports", "--write")
    assert UNDER_WAY in done.stderr
    assert [code for code in RARE_PATHS if not works(platform, code)] == []


# What dies, or writes what nobody can read, where the locale is not UTF-8.
TEXT = (
    "from backend.announce import main; main()",
    "import runpy; runpy.run_module('backend.announce', run_name='__main__')",
    "import runpy; runpy.run_path('scripts/show_queue.py', run_name='__main__')",
    "from backend import ledger; assert ledger.entry(NEW, 'na\\xefve \\u2192') == 'na\\xefve \\u2192\\n'",
    "from backend import ledger; assert ledger.archive(NEW, '\\u2192') == '\\u2192'.encode()",
    "from backend import ledger; assert ledger.echo('\\u2192') == '\\u2192'",
    "from backend import ledger; assert ledger.draft('\\u2192') == '\\u2192'",
    "from backend import ledger; assert ledger.Drawer(FOLDER).keep('\\u2192') == '\\u2192'",
    "from backend import ledger; ledger.journal(NEW, '\\u2192'); "
    "assert open(NEW, 'rb').read() == '\\u2192\\n'.encode()",
)


def speaks_utf8(platform: Repository, code: str, folder: Path) -> bool:
    names = f"NEW = {str(folder / 'new')!r}; FOLDER = {str(folder)!r}; "
    (folder / "new").unlink(missing_ok=True)
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    raising = "import logging; logging.Handler.handleError = lambda *_: exit(1); "
    done = subprocess.run(
        (sys.executable, "-c", names + raising + code),
        cwd=platform.root,
        env=platform.environment | plain,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0 or b"UnicodeEncodeError" in done.stderr or "journal" in code, done.stderr.decode()
    return done.returncode == 0


def test_text_everywhere(platform, tmp_path, ssot_fix):
    assert [code for code in TEXT if speaks_utf8(platform, code, tmp_path)] == []
    ssot_fix(platform, "--codemod", "utf8-streams", "--codemod", "utf8-files", "--write")
    assert [code for code in TEXT if not speaks_utf8(platform, code, tmp_path)] == []


def test_stale_imports_of_its_tests(platform, before, ssot_fix):
    if not before:
        before.update(own_tests(platform))
    suite = platform.root / "tests/test_upgrade.py"
    console = '@pytest.mark.skip(reason="the console is switched off")\n'
    options = ("--codemod", "stale-imports", "--include-tests")
    found = json.loads(ssot_fix(platform, *options, "--write", "--format", "json").stdout)
    assert came_to(found["findings"], "stale-imports") == IMPORTS | IMPORTS_IN_TESTS
    assert own_tests(platform) == before
    suite.write_text(suite.read_text().replace(console, ""))
    assert own_tests(platform, "tests/test_upgrade.py::TestConsole") == {"passed": 3}
    again = json.loads(ssot_fix(platform, *options, "--format", "json").stdout)["summary"]
    assert (again["rewritten"], again["refused"]) == (0, found["summary"]["refused"])


def test_patch_takes_the_diff_too(platform, ssot_fix):
    if shutil.which("patch") is None:
        pytest.skip("patch is not installed")
    diff = ssot_fix(platform, "--unsafe-fixes").stdout
    command = ("patch", "-p1", "--binary", "--force", "--fuzz=0", "--quiet")
    subprocess.run(command, cwd=platform.root, input=diff, check=True)
    assert json.loads(ssot_fix(platform, "--unsafe-fixes", "--format", "json").stdout)["summary"]["rewritten"] == 0


def test_one_folder_of_it_comes_to_the_same(platform, ssot_fix):
    whole = ssot_fix(platform).stdout
    folders = ("auth_service", "backend", "deploy", "manage.py", "pyproject.toml", "scripts", "shared")
    parts = [ssot_fix(platform, folder).stdout for folder in folders]
    assert b"".join(parts) == whole
