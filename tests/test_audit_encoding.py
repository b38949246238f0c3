"""The audit's area UTF-8: what opens text with or without its encoding, and programs that print more than ASCII."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_view import MemoryView

from ssot_fix.audit.areas import resources
from ssot_fix.audit.areas.encoding import EncodingArea, look
from ssot_fix.audit.areas.encoding_programs import may_print
from ssot_fix.audit.settings import Options
from ssot_fix.audit.text import Text
from ssot_fix.newer_syntax import Unparseable
from ssot_fix.source import UnreadableText

_GUARD = 'if __name__ == "__main__":\n    main()\n'


def sites(code):
    found = look(Text(dedent(code).encode()))
    return [] if found is None else list(found.sites)


def told(code):
    return [(site.kind, site.line, site.subject, site.good) for site in sites(code)]


NO_SITES = {
    "binary": "open(p, 'rb')\n",
    "a mode that is computed": "def f(mode):\n    open(p, mode)\n",
    "unpacked arguments": "def f(*a, **k):\n    open(*a)\n    open(p, **k)\n",
    "another open": "def open(p): ...\nopen('x')\n",
    "an open that may be another one": "try:\n    from codecs import open\nexcept ImportError:\n    pass\nopen('x')\n",
    "an open that a star may bring": "from shared.tools import *\nopen('x')\n",
    "a string": "'''open(p)'''\n",
    "a comment": "# open(p)\n",
    "something with a method called read_text": "def f(p):\n    return p.read_text()\n",
    "a receiver out of sight": "from shared.paths import ROOT\n(ROOT / 'x').read_text()\n",
    "open handed on": "lines = map(open, names)\n",
    "a process that is asked for bytes": "import subprocess\nsubprocess.run(['ls'], capture_output=True)\n",
    "a process without a pipe": "import subprocess\nsubprocess.run(['ls'], text=True, check=True)\n",
    "a process whose output is dropped": (
        "import subprocess\nsubprocess.run(['ls'], text=True, stdout=subprocess.DEVNULL)\n"
    ),
    "a file that is only touched": "open('x', 'w').close()\n",
    "an open that is replaced": "with patch('builtins.open', mock_open()):\n    open('x')\n",
    "an open that is replaced for a function": "@patch('%s.open' % name)\ndef test_x():\n    open('x')\n",
    "an open that is replaced in a function": (
        "def test_x(monkeypatch):\n    monkeypatch.setattr('builtins.open', f)\n    open('x')\n"
    ),
    "a method that is replaced": (
        "from pathlib import Path\nwith patch.object(Path, 'read_text'):\n    Path('x').read_text()\n"
    ),
    "settings of logging without a file": "import logging\nlogging.basicConfig(encoding='utf-8')\n",
    "no program": "print('é')\n",
    "a program that prints ASCII": f"def main():\n    print('ok')  # é\n{_GUARD}",
    "a program that prints to a file": f"def main():\n    print('é', file=log)\n{_GUARD}",
    "a program that prints to stderr, which escapes": (
        f"import sys\ndef main():\n    print('é', file=sys.stderr)\n{_GUARD}"
    ),
    "a program that only looks for a character": f"def main():\n    print(text.count('é'), text['é'])\n{_GUARD}",
    "a program that escapes": f"import json\ndef main():\n    print(json.dumps('é'), f'{{x(\"é\")!a}}')\n{_GUARD}",
    "printed by nothing that the program runs": (
        "import pytest\ndef test_x():\n    print('é')\nif __name__ == '__main__':\n    pytest.main([__file__])\n"
    ),
    "another print": f"def print(x): ...\ndef main():\n    print('é')\n{_GUARD}",
}


@pytest.mark.parametrize("code", NO_SITES.values(), ids=NO_SITES)
def test_it_is_no_site(code):
    assert told(code) == []


OPENED = {
    "open(p)": "open",
    "open(p, 'w')": "open",
    "io.open(p)": "open",
    "os.fdopen(0)": "open",
    "gzip.open(p, 'rt')": "compressed",
    "tempfile.NamedTemporaryFile('w')": "tempfile",
    "logging.FileHandler('x.log')": "logging",
    "subprocess.run(['ls'], capture_output=True, text=True)": "subprocess",
    "subprocess.Popen(['ls'], stdout=subprocess.PIPE, universal_newlines=True)": "subprocess",
    "subprocess.check_output(['ls'], text=True)": "subprocess",
    "subprocess.run(['ls'], input='x', text=True)": "subprocess",
    "Path('x').read_text()": "read_text",
    "Path('x').write_text('x')": "write_text",
    "Path('x').open()": "open",
    "configparser.ConfigParser().read('x')": "configparser",
    "fileinput.input()": "fileinput",
}
_IMPORTS = (
    "import configparser, fileinput, gzip, io, logging, os, subprocess, tempfile\nfrom pathlib import Path\np = 'x'\n"
)


@pytest.mark.parametrize(("call", "kind"), OPENED.items(), ids=OPENED)
def test_text_without_an_encoding_is_bad_and_with_one_is_good(call, kind):
    (bad,) = sites(f"{_IMPORTS}{call}\n")
    assert (bad.kind, bad.line, bad.good) == (kind, 4, False)
    assert "locale's encoding" in bad.message
    named = call[:-1] + ("" if call.endswith("()") else ", ") + "encoding='utf-8')"
    (good,) = sites(f"{_IMPORTS}{named}\n")
    assert (good.kind, good.line, good.subject, good.good, good.message) == (kind, 4, bad.subject, True, "")


@pytest.mark.parametrize(
    ("code", "is_good"),
    [
        ("from io import open as uopen\nuopen('x')\n", False),
        ("from gzip import open as gzopen\ngzopen('x', 'rt')\n", False),
        ("p = 1\nopen \\\n('x')\n", False),
        ("import logging\nlogging.basicConfig(**o, encoding='utf-8')\n", True),
    ],
)
def test_what_opens_text_is_seen_however_it_is_spelled(code, is_good):
    assert [(site.line, site.good) for site in sites(code)] == [(2, is_good)]


def test_an_encoding_alone_makes_a_process_one_of_text():
    code = "import subprocess\nsubprocess.run(['ls'], capture_output=True, encoding='utf-8')\n"
    assert told(code) == [("subprocess", 2, "run", True)]


def test_none_is_no_encoding():
    (site,) = sites("open(p, encoding=None)\n")
    assert not site.good
    assert "encoding=None" in site.message


def test_sites_are_told_apart_by_what_is_called_and_where_not_by_lines():
    code = """
        class Loader:
            async def read(self, p):
                def inner():
                    return open(p)
                return open(p, encoding="utf-8")
        """
    assert told(code) == [("open", 5, "open in Loader.read.inner", False), ("open", 6, "open in Loader.read", True)]
    assert [each[2] for each in told("# a\n\n\n" + dedent(code))] == [each[2] for each in told(code)]


PRINTS = {
    "in the block": "if __name__ == '__main__':\n    print('é')\n",
    "in a function": f"def main():\n    print('é')\n{_GUARD}",
    "in a method": f"class A:\n    def run(self):\n        print('é')\ndef main():\n    A().run()\n{_GUARD}",
    "when an object is made": f"class A:\n    def __init__(self):\n        print('é')\ndef main():\n    A()\n{_GUARD}",
    "by a function that is handed on": (
        f"def work():\n    print('é')\ndef main():\n    Thread(target=work).start()\n{_GUARD}"
    ),
    "at import": f"def main(): ...\nprint('é')\n{_GUARD}",
    "in an f-string": f"def main():\n    print(f'{{x}} é')\n{_GUARD}",
    "joined": f"def main():\n    print('-' * 3 + ('é' if x else 'e'))\n{_GUARD}",
    "by a command": f"@app.command()\ndef work():\n    print('é')\ndef main(): ...\n{_GUARD}",
    "by a stream's method": f"import sys\ndef main():\n    sys.stdout.write('é')\n{_GUARD}",
    "on another line": f"def main():\n    print(\n        'é')\n{_GUARD}",
    "behind a comment": f"def main():\n    print(x,  # )\n        'é')\n{_GUARD}",
    "behind a backslash": f"def main():\n    print \\\n('é')\n{_GUARD}",
    "behind a bracket in a text": f"def main():\n    print(')', '(', \")\", 'é')\n{_GUARD}",
    "behind a bracket in a field": f"def main():\n    print(f'{{x[\")\"]}}', 'é')\n{_GUARD}",
    "behind quotes and a bracket in a text": f'def main():\n    print("""5" :) é""")\n{_GUARD}',
    "behind other quotes and a bracket": f"def main():\n    print('''(6') é''')\n{_GUARD}",
    "behind calls in calls": f"def main():\n    print(a(b(c(d(e()))), f()), 'é')\n{_GUARD}",
    "by a name in brackets": f"def main():\n    (print)('é')\n{_GUARD}",
    "by another name": f"from click import secho as say\ndef main():\n    say('é')\n{_GUARD}",
    "named as the stream": f"import sys\ndef main():\n    print('é', file=sys.stdout)\n{_GUARD}",
}
_SAFE = (
    "import io, sys\nsys.stdout.reconfigure(encoding='utf-8')\n",
    "import io, sys\nif sys.platform == 'win32':\n    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, 'utf-8')\n",
)


@pytest.mark.parametrize("code", PRINTS.values(), ids=PRINTS)
def test_a_program_that_prints_more_than_ascii_has_to_give_its_streams_an_encoding(code):
    (bad,) = sites(code)
    assert (bad.kind, bad.subject, bad.good) == ("entry-point", "__main__", False)
    line = next(number for number, each in enumerate(code.split("\n"), 1) if "é" in each)
    assert f"prints `é` (line {line})" in bad.message
    assert code.split("\n")[bad.line - 1].startswith("if __name__")
    for safe in _SAFE:
        (good,) = sites(safe + code)
        assert (good.kind, good.good, good.message) == ("entry-point", True, "")


def test_an_escape_is_printed_like_the_character_that_it_stands_for():
    (site,) = sites(f"# é\ndef main():\n    print('\\u2713')\n{_GUARD}")
    assert "prints `✓` (line 3)" in site.message


_ARGUMENTS = (
    "'é'",
    "'\\xe9'",
    "')'",
    '"("',
    "f'{x}'",
    "f'{x[\"(\"]}'",
    "'{'",
    "(1)",
    "a(b(c(d())))",
    '""")\n"""',
    "x  # ')\n",
)


@given(st.lists(st.sampled_from(_ARGUMENTS), max_size=6))
def test_what_is_printed_is_found_among_whatever_else_is(arguments):
    found = sites(f"# é\n{_GUARD}    print({', '.join(arguments)})\n")
    assert bool(found) == any(each in {"'é'", "'\\xe9'"} for each in arguments)


def test_made_up_calls_take_no_time_to_speak_of():
    """Where each is looked at once; else it takes many minutes."""
    for code in (b"print(", b"print(()", b"print('", b"print(a(", b"print()", b"print(f'{x}", b"print "):
        may_print(b"print(" + code * 100_000)


def test_a_star_brings_what_opens_text():
    code = """
        from subprocess import *
        from logging.handlers import RotatingFileHandler as R
        run(["ls"], stdout=PIPE, text=True)
        R("x")
        """
    assert told(code) == [("subprocess", 4, "run", False), ("logging", 5, "R", False)]


def test_a_variable_does_not_count():
    code = f"import os\nos.environ['PYTHONUTF8'] = '1'\ndef main():\n    print('é')\n{_GUARD}"
    assert told(code) == [("entry-point", 5, "__main__", False)]


def test_a_character_that_shows_nothing_is_named():
    (site,) = sites("if __name__ == '__main__':\n    print('\u202e')\n")
    assert "prints U+202E" in site.message


_HELPER = "import sys\ndef use_utf8():\n    sys.stdout.reconfigure(encoding='utf-8')\ndef other(): ...\n"
RELIES = {
    "called": ("from shared.console import use_utf8\nuse_utf8()\n", True),
    "called under another name": ("from shared.console import use_utf8 as u\nu()\n", True),
    "called as an attribute": ("import shared.console\nshared.console.use_utf8()\n", True),
    "called from a package beside": ("from .console import use_utf8\nuse_utf8()\n", True),
    "through a re-export": ("from shared import use_utf8\nuse_utf8()\n", True),
    "through a re-export that renames it": ("from shared import prepare\nprepare()\n", True),
    "by an import": ("import shared.setup\n", True),
    "by an import of something from it": ("from shared.setup import x\n", True),
    "imported and not called": ("from shared.console import use_utf8\n", False),
    "another function": ("from shared.console import other\nother()\n", False),
    "called where nothing runs": ("from shared.console import use_utf8\ndef never():\n    use_utf8()\n", False),
    "out of sight": ("from elsewhere import use_utf8\nuse_utf8()\n", False),
}


@pytest.mark.parametrize(("head", "is_good"), RELIES.values(), ids=RELIES)
def test_a_function_of_the_project_that_gives_the_encoding_counts_where_it_is_called(head, is_good):
    files = {
        "shared/__init__.py": "from shared.console import use_utf8\nfrom shared.console import use_utf8 as prepare\n",
        "shared/console.py": _HELPER,
        "shared/setup.py": "import sys\nsys.stdout.reconfigure(encoding='utf-8')\nx = 1\n",
        "shared/run.py": f"{head}def main():\n    print('é')\n{_GUARD}",
    }
    view = MemoryView(files, Options(), {"encoding": look})
    (site,) = EncodingArea(view).sites("shared/run.py", view.facts("encoding", "shared/run.py"))
    assert (site.kind, site.good, bool(site.message)) == ("entry-point", is_good, not is_good)


def test_newer_syntax_is_read():
    assert told("type X = int\nopen(p)\nprint(f\"{open('x')}\")\n") == [
        ("open", 2, "open", False),
        ("open", 3, "open", False),
    ]


ODD = {
    "nothing": b"",
    "no text": b"open(p)\xff",
    "an unknown encoding": b"# coding: klingon\nopen(p)\n",
    "no Python": b"open(p\n",
    "a null": b"open(p)\0\n",
    "a sum of 3,000 terms": b"open(" + b"+".join([b"p"] * 3000) + b")\n",
    "a chain of 900 calls": b"open(p)" + b".x()" * 900 + b"\n",
}


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
@pytest.mark.parametrize("area", [look, resources.look])
def test_odd_files_raise_nothing_but_that_they_cannot_be_read(raw, area):
    wrapped = b"import asyncio, httpx\nasync def f():\n    self.lock = asyncio.Lock()\n    " + raw
    for data in (raw, wrapped, raw.replace(b"open(", b"httpx.AsyncClient(") + wrapped):
        try:
            area(Text(data))
        except (UnreadableText, Unparseable):
            assert raw != b""


@given(st.lists(st.sampled_from([*PRINTS.values(), *NO_SITES.values(), *(f"{each}\n" for each in OPENED)])))
def test_files_that_are_put_together_tell_no_more_than_lines_they_have(parts):
    code = "\n".join(parts)
    found = sites(code)
    assert found == sorted(found, key=lambda site: site.line)
    assert all(1 <= site.line <= code.count("\n") + 1 and site.good != bool(site.message) for site in found)
