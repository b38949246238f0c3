"""What a file's bytes tell without a parse."""

import pytest

from ssot_fix.audit.text import Text


@pytest.mark.parametrize(
    "statement",
    [
        "import name",
        "import a, \\\n  name",
        "import a, \\\r\n  name",
        "x = 1; import name",
        "from name import a",
        "from name \\\n import a",
        "from \\\n name \\\n import \\\n a",
        "from a import name",
        "from a import (b,\n  c,\n  name,\n)",
        "from a import \\\n(\n  name)",
        "from a import ( # b)\n  c, # (d)\n\n  name)",
        "from a.important import (\n  name)",
        "from import_it import (\n  b, name\n)",
        "from a import (b\n); import name",
        "from a import (b); from c import (\n  name)",
        "if x:\n\tfrom . import name",
        "import a\rimport name\r",
    ],
)
def test_lines_of_imports_hold_all_of_them(statement):
    assert b"name" in Text(f"x = 'a'\n{statement}\ny = 2\n".encode()).importing


def test_lines_of_imports_are_little_of_a_file():
    raw = b"'''name'''\nimport a\nname = 1\nfrom b import (\n  c,\n)\nprint(name)\n"
    assert b"name" not in Text(raw).importing


@pytest.mark.parametrize("code", ["import(", "import ", "\\\nimport", "\\\n", "(", "import\\", "import#("])
def test_lines_of_made_up_imports_take_no_time_to_speak_of(code):
    """Where each is looked at once, and none comes twice; else it takes many minutes."""
    raw = ("import a" + code * 300_000).encode()
    assert len(Text(raw).importing) <= 2 * len(raw)
