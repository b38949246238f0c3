"""Which program a call of subprocess starts, as far as the text tells: some write no UTF-8 on Windows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from ssot_fix.bindings import Module, Reference, Scope
from ssot_fix.project.resolver import Project

Special = Literal["python-child", "console-program"]
Word = str | ast.expr  # a word of a command line, or an expression that stands for one

_INTERPRETER = re.compile(r"(?:python|pypy)[\d.]*w?|pyw?")
# Programs written in Python: into a pipe they write the locale's encoding unless they are told otherwise.
_PYTHON = re.compile(
    r"pip[\d.]*|pytest|py\.test|coverage|tox|nox|mypy|black|isort|flake8|pylint|poetry|pipenv|alembic|sphinx-build"
    r"|twine|pre-commit|django-admin|celery|gunicorn|uvicorn|ansible(?:-\w+)?"
)
# Windows' own: they write the code page of the console.
_CONSOLE = re.compile(
    r"arp|assoc|attrib|bcdedit|certutil|chcp|cmd|cscript|dir|dism|driverquery|echo|fc|findstr|fsutil|ftype|getmac"
    r"|hostname|icacls|ipconfig|more|msiexec|nbtstat|net|netsh|netstat|nslookup|ping|powershell|pwsh|query|reg"
    r"|robocopy|route|sc|schtasks|systeminfo|taskkill|tasklist|tracert|tree|type|ver|vol|wevtutil|where|whoami|wmic"
    r"|wscript|wsl|xcopy"
)
# What a file spells that may start one of them.
_HINT = re.compile(
    rb"(?i)\bexecutable\b|\b(?:" + f"{_INTERPRETER.pattern}|{_PYTHON.pattern}|{_CONSOLE.pattern}".encode() + rb")\b"
)
_TOLD = re.compile(rb"PYTHONIOENCODING|PYTHONUTF8['\"]?\s*[=:,\]](?!\s*=?\s*['\"]?0)")
_UTF8_MODE = re.compile(rb"['\"]-X['\"],\s*['\"]utf8|-X\s*utf8")
_JOINTS = re.compile(r"\|\|?|&&?|[;\n()`]")
# Programs that start another one, which their arguments name.
_STARTERS = frozenset({"env", "sudo", "nohup", "nice", "time", "timeout", "xargs", "uv", "uvx", "pipx", "run", "exec"})
_SHELLS = frozenset({"sh", "bash", "zsh", "dash"})
_ASSIGNS = re.compile(r"\w+=.*")
_TAKES_WORD = frozenset({"-X", "-W", "--check-hash-based-pycs"})
_DEEP = 8


class Programs:
    """Answers for one module; `calls` are all that will be asked about."""

    def __init__(self, module: Module, project: Project, calls: Sequence[ast.Call]) -> None:
        self._module = self._view = module
        self._project = project
        self._uses: dict[ast.AST, Reference] = {}
        self._known: dict[tuple[str, Scope], frozenset[Special]] = {}
        self._is_hinted = bool(calls) and _HINT.search(module.source.body) is not None
        if self._is_hinted:
            self._look_up([command for call in calls if (command := _command(call)) is not None])

    def _look_up(self, commands: Sequence[ast.expr]) -> None:
        """Bind the names in commands, and those in what they stand for."""
        names: set[str] = set()
        wanted = {n.id for command in commands for n in _names(command)}
        for _ in range(_DEEP):
            if wanted <= names:
                break
            names |= wanted
            self._view = Module(self._module.path, self._module.name, self._module.source, self._module.parsed, names)
            self._uses = {reference.node: reference for reference in self._view.references}
            bindings = (b for scope in self._view.scopes for several in scope.bindings.values() for b in several)
            values = (value for binding in bindings if (value := self._assigned(binding.node)) is not None)
            wanted = {n.id for value in values for n in _names(value)}

    def special(self, call: ast.Call) -> Special | None:
        """Whether a call starts a program that writes no UTF-8 on Windows; None if none is known to."""
        command = _command(call)
        if not self._is_hinted or command is None:
            return None
        found = self._specials(command, _DEEP)
        if executable := next((k.value for k in call.keywords if k.arg == "executable"), None):
            found |= self._of_line([executable], _DEEP)
        if "python-child" in found and not self._is_told(call):
            return "python-child"
        return "console-program" if "console-program" in found else None

    def _is_told(self, call: ast.Call) -> bool:
        """Whether the child is told to use UTF-8: by an option, or by variables that this file passes on."""
        if _UTF8_MODE.search(self._module.code(call)):
            return True
        has_environment = any(keyword.arg == "env" for keyword in call.keywords)
        return has_environment and _TOLD.search(self._module.source.body) is not None

    def _specials(self, node: ast.expr, depth: int) -> frozenset[Special]:
        """What is special about the command lines that an expression may stand for."""
        found: frozenset[Special] = frozenset()
        for line in self._lines(node, depth):
            found |= self._of_line(line, depth)
        if isinstance(node, ast.Name):
            found |= self._of_name(node, depth)
        return found

    def _of_name(self, node: ast.Name, depth: int) -> frozenset[Special]:
        """What is special about all that is assigned to a name; worked out once for each scope."""
        use = self._uses.get(node)
        scope = self._view.lookup(node.id, use.scope) if use is not None else None
        if scope is None or depth == 0:
            return frozenset()
        if (node.id, scope) not in self._known:
            self._known[node.id, scope] = frozenset()  # of a name that stands for itself, nothing more is known
            found: frozenset[Special] = frozenset()
            for value in self._values(node.id, scope):
                found |= self._specials(value, depth - 1)
            self._known[node.id, scope] = found
        return self._known[node.id, scope]

    def _values(self, name: str, scope: Scope) -> Iterator[ast.expr]:
        values = (self._assigned(binding.node) for binding in scope.bindings.get(name, ()))
        return (value for value in values if value is not None)

    def _assigned(self, node: ast.AST) -> ast.expr | None:
        """What a target is assigned."""
        match self._view.parents.get(node):
            case ast.Assign(value=value, targets=targets) if node in targets:
                return value
            case ast.AnnAssign(value=ast.expr() as value) | ast.NamedExpr(value=value) | ast.AugAssign(value=value):
                return value
        return None

    def _lines(self, node: ast.expr, depth: int) -> Iterator[list[Word]]:
        """The command lines that an expression spells, names aside."""
        match node:
            case ast.Constant(value=str(text)):
                yield from ([*part.split()] for part in _JOINTS.split(text))
            case ast.JoinedStr():
                yield from self._formatted(node)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                yield [e.value if isinstance(e, ast.Constant) and isinstance(e.value, str) else e for e in elements]
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                yield from self._joined(left, right, depth)
            case ast.BinOp(op=ast.Mod(), left=left, right=right):
                first = right.elts[0] if isinstance(right, ast.Tuple) and right.elts else right
                for line in self._lines(left, depth):
                    yield [first, *line[1:]] if line[:1] == ["%s"] else line
            case _:
                for part in _parts(node) if depth else ():
                    yield from self._lines(part, depth - 1)

    def _joined(self, left: ast.expr, right: ast.expr, depth: int) -> Iterator[list[Word]]:
        heads = list(self._lines(left, depth)) or [[left]]
        for line in heads:
            tail = right.elts if isinstance(right, ast.List | ast.Tuple) else [right]
            yield [*line, *(e.value if isinstance(e, ast.Constant) and isinstance(e.value, str) else e for e in tail)]

    @staticmethod
    def _formatted(node: ast.JoinedStr) -> Iterator[list[Word]]:
        """The lines of an f-string; a word that is a field is that field's expression."""
        fields = [value.value for value in node.values if isinstance(value, ast.FormattedValue)]
        text = "".join(str(v.value) if isinstance(v, ast.Constant) else "\0" for v in node.values)
        left = iter(fields)
        for part in _JOINTS.split(text):
            yield [next(left) if word == "\0" else _consumed(word, left) for word in part.split()]

    def _of_line(self, line: Sequence[Word], depth: int) -> frozenset[Special]:
        """What is special about the program that a command line starts."""
        words = list(line)
        while words:
            word = words.pop(0)
            if isinstance(word, ast.Starred):
                word = word.value
            names = [_program(word)] if isinstance(word, str) else list(self._named(word, depth))
            if any(_INTERPRETER.fullmatch(name) for name in names):
                return frozenset() if self._is_own(words) else frozenset({"python-child"})
            if any(map(_PYTHON.fullmatch, names)):
                return frozenset({"python-child"})
            if any(map(_CONSOLE.fullmatch, names)):
                return frozenset({"console-program"})
            if any(name in _SHELLS for name in names):
                texts = [word for word in words if isinstance(word, str) and " " in word]
                return frozenset().union(*(self._specials(ast.Constant(text), 0) for text in texts))
            if not self._starts_another(word, names):
                return self._of_name(word, depth) if isinstance(word, ast.Name) else frozenset()
            while words and isinstance(words[0], str) and re.fullmatch(r"-.*|[\d.]+[smhd]?", words[0]):
                words.pop(0)
        return frozenset()

    @staticmethod
    def _starts_another(word: Word, names: Iterable[str]) -> bool:
        assigns = isinstance(word, str) and _ASSIGNS.fullmatch(word) is not None
        return assigns or any(name in _STARTERS for name in names)

    def _named(self, node: ast.expr, depth: int) -> Iterator[str]:
        """The programs that an expression may name: `sys.executable`, `str(VENV / "bin" / "python")`."""
        if not isinstance(node, ast.Name):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Attribute) and inner.attr == "executable":
                    yield "python"
                elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    yield _program(inner.value)
            return
        use = self._uses.get(node)
        scope = self._view.lookup(node.id, use.scope) if use is not None else None
        for value in self._values(node.id, scope) if scope is not None and depth else ():
            if not isinstance(value, ast.List | ast.Tuple | ast.Name):
                yield from self._named(value, depth - 1)

    def _is_own(self, arguments: Sequence[Word]) -> bool:
        """Whether Python runs a script or module of this project, which writes UTF-8 like the rest of it."""
        waiting = list(arguments)
        while waiting and isinstance(waiting[0], str) and waiting[0].startswith("-"):
            option = waiting.pop(0)
            if option == "-m":
                module = waiting[0] if waiting else ""
                return isinstance(module, str) and bool(module) and self._project.is_first_party(module)
            if option in _TAKES_WORD and waiting:
                waiting.pop(0)
        if not waiting:
            return False
        script = waiting[0]
        texts = [script] if isinstance(script, str) else self._texts(script)
        return any(re.split(r"[\\/]", text)[-1] in self._project.file_names for text in texts if text.endswith(".py"))

    def _texts(self, node: ast.expr) -> Iterator[str]:
        """The strings that an expression is made of, those behind its names included."""
        waiting: list[ast.AST] = [node]
        seen: set[ast.AST] = set()
        while waiting:
            inner = waiting.pop()
            if inner in seen:
                continue
            seen.add(inner)
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                yield inner.value
            use = self._uses.get(inner)
            scope = self._view.lookup(use.node.id, use.scope) if use is not None else None
            waiting += self._values(use.node.id, scope) if use is not None and scope is not None else ()
            waiting += ast.iter_child_nodes(inner)


def _command(call: ast.Call) -> ast.expr | None:
    if call.args:
        return call.args[0]
    return next((keyword.value for keyword in call.keywords if keyword.arg in {"args", "cmd"}), None)


def _parts(node: ast.expr) -> list[ast.expr]:
    """The expressions that spell what an expression does: `" ".join(x)`, `shlex.split(x)`, `x or y`."""
    match node:
        case ast.Starred(value=value) | ast.NamedExpr(value=value):
            return [value]
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.BoolOp(values=values):
            return values
        case ast.Call(func=ast.Attribute(attr="split" | "format" | "join", value=value), args=args):
            return [value, *args[:1]]
        case ast.Call(func=ast.Name(id="str" | "list" | "tuple"), args=[value]):
            return [value]
    return []


def _names(node: ast.expr) -> Iterator[ast.Name]:
    return (n for n in ast.walk(node) if isinstance(n, ast.Name))


def _program(word: str) -> str:
    """The name of a program, without folders, quotes and ending, in lower case."""
    return re.split(r"[\\/]", word.strip("\"'"))[-1].lower().removesuffix(".exe")


def _consumed(word: str, fields: Iterator[ast.expr]) -> str:
    """A word, with the fields in it taken off."""
    for _ in range(word.count("\0")):
        next(fields)
    return word
