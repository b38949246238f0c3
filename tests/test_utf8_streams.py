"""The codemod utf8-streams, case by case (fixtures/utf8_streams holds the texts), and its programs run for real."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from itertools import groupby

import pytest
from cases import STREAMS, Case, all_cases, check_layouts, lay_out, lay_out_case, run_case, run_project

from codemods.utf8_streams import Utf8Streams
from codemods.utf8_streams.reasons import REASONS
from ssot_fix.delivery.init import initialise
from ssot_fix.edits import apply_edits
from ssot_fix.project.config import ConfigError

CASES = list(all_cases(STREAMS))
LINES = (
    "for stream in (sys.stdout, sys.stderr):\n"
    '    if hasattr(stream, "reconfigure"):\n'
    '        stream.reconfigure(encoding="utf-8", errors="replace")\n'
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("project")


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_case(case: Case, root):
    check_layouts(case, root)


# The cases themselves


def changes(case: Case) -> bool:
    return case.after is not None or bool(case.others_after)


def test_what_must_stay_comes_first_and_is_two_fifths_of_all():
    for topic, cases in groupby(CASES, key=lambda case: case.topic):
        changed = [changes(case) for case in cases]
        assert changed == sorted(changed), f"{topic}: cases that change nothing come first"
    assert sum(not changes(case) for case in CASES) >= 0.4 * len(CASES)


def test_titles_are_unique():
    assert not [title for title, count in Counter(case.id for case in CASES).items() if count > 1]


def test_every_reason_has_a_case():
    shared = {
        "ambiguous-binding",
        "import-cycle",
        "name-taken",
        "script-cannot-import",
        "suppressed",
        "unparseable",
        "unsafe",
    }
    assert set(REASONS) | shared == {reason for case in CASES for _, reason in case.left}


def test_every_way_in_which_codemods_have_failed_has_three_cases():
    counted = Counter(hazard for case in CASES for hazard in case.hazards)
    can_apply = {3, 4, 9, 11, 12, 13, 19, 21}
    assert not [hazard for hazard in sorted(can_apply) if counted[hazard] < 3]


# Settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('errors = "replaced"', r"ssot-fix\.toml:2.*`replaced`"),
        ('helper = "shared.console"', r"ssot-fix\.toml:2.*module:function"),
        ('helper = "shared.consol:use_utf8"', r"ssot-fix\.toml:2.*`shared\.consol`"),
        ('helper = "shared.console:use_utf9"', r"ssot-fix\.toml:2.*`use_utf9`"),
        ('entry-points = "some"', r"entry-points"),
    ],
)
def test_settings_that_can_not_be_used_are_errors_with_their_place(settings, message, root):
    files = {"app.py": "", "shared/console.py": "def use_utf8(): ...\n"}
    lay_out(root, {**files, "ssot-fix.toml": f"[utf8-streams]\n{settings}\n"})
    with pytest.raises(ConfigError, match=message):
        run_project(root)


# Behaviour, for real


def migrated(root, text: str, *, unsafe: bool = False) -> str:
    case = Case("", text.encode(), folder=STREAMS, unsafe=unsafe)
    lay_out_case(case, root)
    (result,) = run_case(case, root).results
    return apply_edits(case.before, result.edits).decode()


PROGRAM = (
    "import sys\n\nTEXT = '✓ ü \\N{SNOWMAN}'\n\ndef main():\n    print(TEXT)\n    print(TEXT, file=sys.stderr)\n\n"
)
START = 'if __name__ == "__main__":\n    main()\n'
SAID = "✓ ü ☃\n".encode()


def run_python(folder, text: str, encoding: str, *options: str, **more) -> subprocess.CompletedProcess[bytes]:
    (folder / "program.py").write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = (sys.executable, *(options or ("program.py",)))
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.run(command, cwd=folder, env=environment, check=False, **given)


ENCODINGS = ["cp1252", "ascii", "latin-1", "utf-16"]


@pytest.mark.parametrize("encoding", ENCODINGS[:3])
def test_a_program_that_died_writes_utf8_into_a_pipe(encoding, root, tmp_path):
    before = run_python(tmp_path, PROGRAM + START, encoding)
    assert before.returncode == 1
    assert b"UnicodeEncodeError" in before.stderr
    done = run_python(tmp_path, migrated(root, PROGRAM + START), encoding)
    assert (done.returncode, done.stdout, done.stderr) == (0, SAID, SAID)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "options", [("-m", "program"), ("-c", "import runpy; runpy.run_path('program.py', run_name='__main__')")]
)
def test_however_it_is_started(options, encoding, root, tmp_path):
    done = run_python(tmp_path, migrated(root, PROGRAM + START), encoding, *options)
    assert (done.returncode, done.stdout) == (0, SAID)


def test_what_can_not_be_written_even_in_utf8(root, tmp_path):
    text = PROGRAM.replace("SNOWMAN", "GREEK SMALL LETTER ALPHA") + "TEXT = '\\udc80'\n" + START
    assert run_python(tmp_path, text, "utf-8").returncode == 1
    done = run_python(tmp_path, migrated(root, text), "ascii")
    assert (done.returncode, done.stdout) == (0, b"?\n")


@pytest.mark.skipif(os.name != "posix", reason="descriptors are closed by a shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_closed_descriptors_do_no_harm(closed, root, tmp_path):
    """Python has None for a stream whose descriptor is closed."""
    (tmp_path / "program.py").write_text(migrated(root, PROGRAM + START), encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHON": sys.executable}
    command = ("sh", "-c", f'"$PYTHON" program.py {closed}')
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    # `print(file=None)` writes to stdout.
    assert done.stdout == {">&-": b"", "2>&-": SAID * 2, ">&- 2>&-": b"", "<&-": SAID}[closed]


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are a thing of Unix")
def test_a_pseudo_terminal(root, tmp_path):
    import pty

    leader, follower = pty.openpty()
    try:
        done = run_python(tmp_path, migrated(root, PROGRAM + START), "ascii", stdout=follower, stderr=follower)
        assert done.returncode == 0
        assert os.read(leader, 1000).replace(b"\r\n", b"\n") == SAID * 2
    finally:
        os.close(leader)
        os.close(follower)


STAND_INS = {
    "None": "sys.stdout = sys.stderr = None",
    "StringIO": "import io; sys.stdout = sys.stderr = io.StringIO()",
    "an object that only writes": "W = type('W', (), dict.fromkeys(('write', 'flush'), lambda *_: 0)); "
    "sys.stdout = sys.stderr = W()",
    "pythonw": "sys.stdin = sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None",
}


@pytest.mark.parametrize("stand_in", STAND_INS.values(), ids=STAND_INS)
def test_streams_that_are_no_text_files(stand_in, root, tmp_path):
    (tmp_path / "start.py").write_text(
        f"import runpy, sys\n{stand_in}\nrunpy.run_path('program.py', run_name='__main__')\n", encoding="utf-8"
    )
    done = run_python(tmp_path, migrated(root, PROGRAM + START), "ascii", "start.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


CAPTURED = """
import runpy, pytest, sys

@pytest.mark.parametrize("times", [1, 2])
def test_program(times, {fixture}):
    for _ in range(times):
        runpy.run_path("program.py", run_name="__main__")
    out, err = {fixture}.readouterr()
    assert out == err == "✓ ü ☃\\n" * times
    print("still there")
"""


@pytest.mark.parametrize("fixture", ["capsys", "capfd"])
@pytest.mark.parametrize("capture", ["fd", "sys"])
def test_under_pytest(capture, fixture, root, tmp_path):
    (tmp_path / "test_it.py").write_text(CAPTURED.format(fixture=fixture), encoding="utf-8")
    options = ("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--capture={capture}", "test_it.py")
    done = run_python(tmp_path, migrated(root, PROGRAM + START), "utf-8", *options)
    assert done.returncode == 0, done.stdout.decode()


def test_twice_is_no_harm(root, tmp_path):
    text = migrated(root, PROGRAM + START)
    done = run_python(
        tmp_path, text + text.partition("\n\n")[2].partition("if __name__")[2].join(("if __name__", "")), "ascii"
    )
    assert (done.returncode, done.stdout) == (0, SAID * 2)


WRAPPED_TWICE = """
import io
import sys

sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
kept = sys.stdout.buffer
sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
sys.stdout = None
print("✓", file=sys.__stdout__)
"""


def test_a_wrapper_that_closes_the_stream_is_healed(root, tmp_path):
    """What HAZARDS tells: a wrapper that goes takes the stream with it."""
    before = run_python(tmp_path, WRAPPED_TWICE, "ascii")
    assert b"closed file" in before.stderr
    done = run_python(tmp_path, migrated(root, WRAPPED_TWICE, unsafe=True), "ascii")
    assert (done.returncode, done.stdout) == (0, "✓\n".encode())


def test_a_wrapper_that_reorders_output_is_healed(root, tmp_path):
    text = (
        "import io\nimport sys\nimport os\n\n"
        "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\n"
        "print('✓')\nos._exit(0)\n"
    )
    assert run_python(tmp_path, text, "ascii", "-u", "program.py").stdout == b""
    healed = migrated(root, text, unsafe=True)
    assert run_python(tmp_path, healed, "ascii", "-u", "program.py").stdout == "✓\n".encode()


def test_console_scripts_and_packages(root, tmp_path):
    files = {
        "pyproject.toml": '[project]\nname = "app"\nversion = "1"\n[project.scripts]\napp = "pkg.cli:main"\n',
        "pkg/__init__.py": "",
        "pkg/cli.py": "def main():\n    print('✓')\n",
        "pkg/__main__.py": "from pkg.cli import main\n\nmain()\n",
        "tool/__init__.py": "",
        "tool/__main__.py": "print('✓')\n",
    }
    lay_out(root, files)
    for result in run_project(root, codemods=("utf8-streams",)).results:
        text = apply_edits((root / result.path).read_bytes(), result.edits)
        files[result.path] = text.decode()
    lay_out(tmp_path, files)
    for options in (("-m", "pkg"), ("-m", "tool"), ("-c", "from pkg.cli import main; main()")):
        done = run_python(tmp_path, "", "ascii", *options)
        assert (done.returncode, done.stdout) == (0, "✓\n".encode()), done.stderr
    assert "reconfigure" not in files["pkg/__main__.py"]


def test_init_finds_a_function_that_may_be_the_helper(tmp_path):
    lay_out(
        tmp_path,
        {
            "shared/console.py": "import sys\n\ndef use_utf8():\n    sys.stdout.reconfigure(encoding='utf-8')\n",
            "tests/test_console.py": "import sys\n\ndef test_utf8():\n    sys.stdout.reconfigure(encoding='utf-8')\n",
            "app.py": "import sys\n\ndef run():\n    sys.stdout.reconfigure(encoding='utf-8')\n",
        },
    )
    initialise(tmp_path, {"utf8-streams": Utf8Streams()}, None)
    settings = (tmp_path / "ssot-fix.toml").read_text(encoding="utf-8")
    assert '#helper = "shared.console:use_utf8"' in settings
    assert "may be one" in settings
