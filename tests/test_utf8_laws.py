"""The laws, held against layouts that nobody wrote: calls that open text, and blocks in which programs start."""

from __future__ import annotations

import ast
from random import Random

import pytest
from cases import FILES, STREAMS, Case, compiles, lay_out, run_case
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ssot_fix.edits import apply_edits

SETTINGS = settings(
    derandomize=True,
    database=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],  # seeds do not get simpler
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
SEEDS = st.integers(0, 2**64)
CALLS = {
    "open": (
        ["'a'", "name(1, 2)", "b'a'", "('a')", "f'{x}'", "[*y][0]"],
        ["'w'", "mode='a'", "newline=''", "buffering=1"],
    ),
    "io.open": (["file='a'", "x.y"], ["mode='r'", "errors='strict'"]),
    "Path('ü').read_text": ([], ["errors='replace'"]),
    "(Path(x) / 'b').write_text": (["text", "'→' 'b'", "''.join(\n    z\n)"], ["errors='ignore'"]),
    "subprocess.run": (["['a', 'b']", "cmd"], ["text=True", "check=True", "text=True, input='''a\nb'''"]),
    "gzip.open": (["'a'"], ["'rt'", "mode='wt'"]),
    "NamedTemporaryFile": (["'w'"], ["suffix='a'"]),
}
HEAD = "import io, gzip, subprocess\nfrom pathlib import Path\nfrom tempfile import NamedTemporaryFile\n"
AROUND = [
    "{0}",
    "x = {0}",
    "with {0} as file: pass",
    "if {0}: pass",
    "print({0}, 1)",
    "y = [{0} for x in z]",
    "return_ = not {0}",
]
GAPS = ["", " ", "\n    ", "  # a comment, with (\n    ", " \\\n  "]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("utf8")


def call(random: Random) -> str:
    callee, (first, others) = random.choice(list(CALLS.items()))
    arguments = random.sample(first, min(1, len(first))) + random.sample(others, random.randint(0, 1))
    gap = lambda: random.choice(GAPS)  # noqa: E731  one line is what it is
    comma = random.choice(["", ",", " ,"]) if arguments else ""
    return f"{callee}({gap()}{(',' + gap()).join(arguments)}{gap() if arguments else ''}{comma}{gap()})"


def stripped(text: bytes) -> str:
    """The tree of a text without what the codemod adds."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [k for k in node.keywords if k.arg != "encoding"]
    return ast.dump(tree)


def migrated(root, folder: str, text: bytes) -> bytes:
    lay_out(root, {"app.py": text})
    results = run_case(Case("", text, folder=folder), root).results
    return apply_edits(text, results[0].edits) if results else text


@SETTINGS
@given(seed=SEEDS)
def test_nothing_but_the_encoding_is_added(seed, root):
    random = Random(seed)
    body = "\n".join(random.choice(AROUND).format(call(random)) for _ in range(12))
    text = random.choice([str, lambda t: t.replace("\n", "\r\n")])(f"{HEAD}{body}\n").encode()
    if not compiles(text):
        return  # a line that goes on where it can't
    new = migrated(root, FILES, text)
    assert stripped(new) == stripped(text)
    assert new.count(b'encoding="utf-8"') + new.count(b"encoding='utf-8'") > 0
    assert new.count(b"# a comment, with (") == text.count(b"# a comment, with (")
    assert migrated(root, FILES, new) == new


BLOCKS = [
    ['print("✓")'],
    ["# first", "x = 1", 'print("✓")'],
    ['"""Doc."""', 'print("✓")'],
    ['"""Doc.', '"""', "", "import sys", 'print("✓")'],
    ["@cache", "def f(): pass", "f()", 'print("""a', 'b""")'],
    ["try:", '    print("✓")', "finally:", "    pass"],
    ["import json, sys", 'print("✓"); x = 2'],
    ["for stream in []: pass", 'print("✓")'],
]
GUARDS = [
    'if __name__ == "__main__":',
    "if __name__=='__main__' :  # run",
    'if (\n    __name__\n    == "__main__"\n):',
]
HEADS = [
    "",
    "import sys\n",
    '"""Doc."""\n',
    "#!/usr/bin/env python\nimport os\n",
    "from __future__ import annotations\n",
    "import sys as s\n",
]


@SETTINGS
@given(seed=SEEDS)
def test_the_lines_come_first_and_nothing_else_moves(seed, root):
    random = Random(seed)
    indent = random.choice(["    ", "\t", "  "])
    lines = [line and indent + line.replace("    ", indent) for line in random.choice(BLOCKS)]
    text = f"{random.choice(HEADS)}\n{random.choice(GUARDS)}\n" + "\n".join(lines) + random.choice(["", "\n"])
    data = random.choice([str, lambda t: t.replace("\n", "\r\n")])(text).encode()
    assert compiles(data)
    new = migrated(root, STREAMS, data)
    assert compiles(new)
    assert without_lines(new) == without_lines(data)
    assert ast.dump(ast.parse(new)) != ast.dump(ast.parse(data))
    assert migrated(root, STREAMS, new) == new


def without_lines(text: bytes) -> str:
    """The tree without the loop over the streams, and without imports of sys."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for block in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if isinstance(block, list):
                block[:] = [statement for statement in block if not is_ours(statement)]
    return ast.dump(tree)


def is_ours(statement: ast.stmt) -> bool:
    text = ast.unparse(statement)
    return text == "import sys" or (isinstance(statement, ast.For) and "reconfigure" in text)
