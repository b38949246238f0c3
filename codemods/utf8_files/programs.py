"""Which program a call of subprocess starts, as far as the text tells: some write no UTF-8 on Windows."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal

from ssot_fix.bindings import Module, Reference
from ssot_fix.project.resolver import Project

Special = Literal["python-child", "console-program"]

# Programs written in Python: into a pipe they write the locale's encoding unless they are told otherwise.
_PYTHON = re.compile(
    r"(?:python|pypy)[\d.]*w?|pyw?|pip[\d.]*|pytest|py\.test|coverage|tox|nox|mypy|black|isort|flake8|pylint|poetry"
    r"|pipenv|alembic|sphinx-build|twine|pre-commit|django-admin|celery|gunicorn|uvicorn|ansible(?:-\w+)?"
)
# Windows' own: they write the code page of the console.
_CONSOLE = re.compile(
    "arp|assoc|bcdedit|certutil|chcp|cmd|cscript|dir|dism|driverquery|findstr|fsutil|ftype|getmac|hostname|icacls"
    "|ipconfig|msiexec|nbtstat|net|netsh|netstat|nslookup|ping|powershell|pwsh|query|reg|robocopy|route|sc|schtasks"
    "|systeminfo|taskkill|tasklist|tracert|ver|vol|wevtutil|where|whoami|wmic|wscript|xcopy"
)
# What a file spells that may start one of them.
_HINT = re.compile(rb"(?i)\.executable\b|\b(?:" + f"{_PYTHON.pattern}|{_CONSOLE.pattern}".encode() + rb")\b")
_TELLS_CHILDREN = re.compile(rb"PYTHONIOENCODING|PYTHONUTF8")
_UTF8_MODE = re.compile(rb"['\"]-X['\"],\s*['\"]utf8|-X\s*utf8")
_JOINTS = re.compile(r"\|\|?|&&?|;|\bsudo\b|\benv\b|\bxargs\b")
_DEEP = 8


class Programs:
    """Answers for one module; `calls` are all that will be asked about."""

    def __init__(self, module: Module, project: Project, calls: Sequence[ast.Call]) -> None:
        self._module = self._view = module
        self._project = project
        self._uses: dict[ast.AST, Reference] = {}
        names: set[str] = set()
        self._is_hinted = bool(calls) and _HINT.search(module.source.body) is not None
        wanted = {n.id for call in calls for n in _names(_command(call))} if self._is_hinted else set()
        for _ in range(_DEEP):
            if wanted <= names:
                break
            names |= wanted
            self._view = Module(module.path, module.name, module.source, module.parsed, names)
            self._uses = {reference.node: reference for reference in self._view.references}
            values = (value for node in self._uses for value in self._values(node))
            wanted = {n.id for value in values for n in _names(value)}

    def special(self, call: ast.Call) -> Special | None:
        """Whether a call starts a program that writes no UTF-8 on Windows; None if none is known to."""
        found = set(self._programs(call)) if self._is_hinted else set()
        if any(map(_PYTHON.fullmatch, found)):
            return None if self._is_told(call) or self._is_own(call) else "python-child"
        return "console-program" if any(map(_CONSOLE.fullmatch, found)) else None

    def _is_told(self, call: ast.Call) -> bool:
        """Whether the child is told to use UTF-8: by an option, or by variables that this file passes on."""
        if _UTF8_MODE.search(self._module.code(call)):
            return True
        has_environment = any(keyword.arg == "env" for keyword in call.keywords)
        return has_environment and _TELLS_CHILDREN.search(self._module.source.body) is not None

    def _is_own(self, call: ast.Call) -> bool:
        """Whether the child is a script or module of this project, which writes UTF-8 like the rest of it."""
        texts = list(self._texts(call))
        scripts = {re.split(r"[\\/]", word)[-1] for text in texts for word in text.split() if word.endswith(".py")}
        modules = [after for before, after in pairwise(texts) if before == "-m"]
        own = {path.rpartition("/")[2] for path in self._project.files} if scripts else set()
        return bool(scripts & own) or any(self._project.is_first_party(module) for module in modules)

    def _texts(self, call: ast.Call) -> Iterator[str]:
        """The strings that a command is made of, in order, those behind its names included."""
        for node in self._parts(call, ast.iter_child_nodes):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value

    def _programs(self, call: ast.Call) -> Iterator[str]:
        """The names of the programs that a command starts, without folders, in lower case."""
        for node in self._parts(call, _firsts):
            if isinstance(node, ast.Attribute) and node.attr == "executable":
                yield "python"
            elif isinstance(node, ast.Constant | ast.JoinedStr):
                yield from _of_text(_text(node))

    def _parts(self, call: ast.Call, inner: Callable[[ast.AST], Iterable[ast.AST]]) -> Iterator[ast.AST]:
        """A command's expression and the parts of it that `inner` names, with what is assigned to names in it."""
        command = _command(call)
        waiting: list[ast.AST] = [command] if command is not None else []
        seen: set[ast.AST] = set()
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                yield node
                waiting += reversed([*inner(node), *self._values(node)])

    def _values(self, name: ast.AST) -> Iterator[ast.expr]:
        """What is assigned to a name."""
        use = self._uses.get(name)
        for binding in self._view.meanings(use.node.id, use.scope) if use is not None else ():
            match self._view.parents.get(binding.node):
                case ast.Assign(value=value, targets=targets) if binding.node in targets:
                    yield value
                case ast.AnnAssign(value=ast.expr() as value) | ast.NamedExpr(value=value):
                    yield value


def _command(call: ast.Call) -> ast.expr | None:
    if call.args:
        return call.args[0]
    return next((keyword.value for keyword in call.keywords if keyword.arg in {"args", "cmd"}), None)


def _firsts(node: ast.AST) -> list[ast.expr]:
    """The parts of a command's expression that may hold its first word."""
    match node:
        case ast.List(elts=[first, *_]) | ast.Tuple(elts=[first, *_]):
            return [first]
        case ast.Starred(value=value) | ast.NamedExpr(value=value):
            return [value]
        case ast.JoinedStr(values=[ast.FormattedValue(value=value), *_]):
            return [value]
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod()):
            return [left]
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.BoolOp(values=values):
            return values
        case ast.Call(func=ast.Attribute(attr="split" | "format" | "join", value=value), args=args):
            return [value, *args[:1]]
        case ast.Call(func=ast.Name(id="str" | "list" | "tuple"), args=[value]):
            return [value]
    return []


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    """The text of a string, with NUL for what is filled in; nothing for other constants."""
    values = node.values if isinstance(node, ast.JoinedStr) else [node]
    parts = (value.value if isinstance(value, ast.Constant) else "\0" for value in values)
    return "".join(part for part in parts if isinstance(part, str))


def _names(node: ast.expr | None) -> Iterator[ast.Name]:
    return (n for n in ast.walk(node) if isinstance(n, ast.Name)) if node is not None else iter(())


def _of_text(text: str) -> Iterator[str]:
    """The programs in a command line: the first word, and each behind a pipe and the like."""
    for part in _JOINTS.split(text):
        words = part.split(None, 1)
        if words and "\0" not in words[0]:
            yield re.split(r"[\\/]", words[0].strip("\"'"))[-1].lower().removesuffix(".exe")
