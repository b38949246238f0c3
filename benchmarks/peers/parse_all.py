"""Parses every Python file below the current folder, one by one: what a tool without a screen does first."""

import ast
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
for file in sorted(Path().rglob("*.py")):
    try:
        ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        print(f"{file}: not for this Python")
