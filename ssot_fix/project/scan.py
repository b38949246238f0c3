"""What the bytes of a module tell about imports: which it holds, which names it binds. Run on every file.

The text is not parsed but split into code, strings and comments, as Python's tokenizer does. Where that is not
sure to be right (syntax of Python 3.12, form feeds, a statement of an unusual form), the file is parsed after all.
"""

from __future__ import annotations

import ast
import codecs
import re
import unicodedata
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from keyword import iskeyword

from ssot_fix.asking import AskedMapping
from ssot_fix.newer_syntax import Unparseable, parse
from ssot_fix.project.names import STRENGTH, module_names
from ssot_fix.source import Source, UnreadableText


@dataclass(frozen=True, slots=True)
class Imported:
    """The names that one statement takes from one module.

    `level` is the number of leading dots, `module` the dotted path behind them, `names` what is taken from it
    (`*` included; none for `import module`). `at_top`: the statement stands at column 0, and so runs whenever
    the module is imported.
    """

    level: int
    module: str
    names: tuple[str, ...]
    at_top: bool


BOUND = "bound"


@dataclass(frozen=True, slots=True)
class Scan:
    """What a file's bytes tell.

    `imports` are those that may be first-party: all that there are, perhaps more. `names` are names bound at
    module level, each with its kind (`class`, `def`, `async def`, `assign`, `import`): perhaps not all. Which of them
    somebody asks for is noted, of all files in the table BOUND.
    `strings` are the dotted strings (`a.b`, `a.b:c`) that may be first-party; `stubs` the modules that the file
    puts into sys.modules. `meddles`: it may set names in the modules that call it; `hooks`: it may change how
    modules are found. `is_readable`: it could be decoded, and parsed where that was needed.
    """

    imports: tuple[Imported, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    strings: frozenset[str] = frozenset()
    stubs: frozenset[str] = frozenset()
    meddles: bool = False
    hooks: bool = False
    is_readable: bool = True


_NAME = rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*+"
_GAP = rb"(?:[ \t]|\\\n)*+"
_DOTTED = rb"%(name)b(?:%(gap)b\.%(gap)b%(name)b)*+" % {b"name": _NAME, b"gap": _GAP}


def _string(quote: bytes) -> bytes:
    """Strings in one kind of quotes: plain ones, and those with replacement fields.

    A field that holds the string's own quotes is syntax of Python 3.12, and not matched; nor is one with braces
    more than two deep.
    """
    parts = {b"q": quote, b"qqq": quote * 3, b"inner": quote + b"(?!" + quote * 2 + b")"}
    parts[b"long"] = rb"(?:[^%(q)b{}]++|%(inner)b)*+" % parts
    parts[b"short"] = rb"[^%(q)b\n{}]*+" % parts
    return (
        rb"(?<![fFtT])(?<![fFtT][rR])"
        rb"(?:%(qqq)b(?:[^%(q)b\\]++|\\[\x00-\xff]|%(inner)b)*+%(qqq)b"
        rb"|%(inner)b(?:[^%(q)b\\\n]++|\\[\x00-\xff])*+%(q)b)"
        rb"|%(qqq)b(?:[^%(q)b\\{}]++|\\[\x00-\xff]|%(inner)b|\{\{|\}\}"
        rb"|\{%(long)b(?:\{%(long)b\}%(long)b)*+\})*+%(qqq)b"
        rb"|%(inner)b(?:[^%(q)b\\\n{}]++|\\[\x00-\xff]|\{\{|\}\}"
        rb"|\{%(short)b(?:\{%(short)b\}%(short)b)*+\})*+%(q)b"
    ) % parts


def _binding(group: bytes) -> bytes:
    """A definition or assignment; `group` opens the groups of its parts."""
    return (
        rb"(?:%(open)bclass|def|async[ \t]++def)[ \t]++%(open)b%(name)b)"
        rb"|%(open)b%(name)b)[ \t]*+(?::[\w\x80-\xff.\[\], \t|]*+)?+=(?!=))" % {b"open": group, b"name": _NAME}
    )


_TAKING = rb"(?:import|from)\b"
# Code without interest, the usual first, up to what is of interest: a binding at column 0, an import, or the end.
_STEP = re.compile(
    rb"[^\n\"'#\\;:]*+(?:(?:\n[ \t]++(?!%(taking)b)|[;:](?!%(gap)b%(taking)b)|#[^\n]*+"
    rb"|\n(?!%(taking)b|[ \t]|%(plain)b)|%(double)b|%(single)b|\\\n)[^\n\"'#\\;:]*+)*+"
    rb"(?:\n%(binding)b|(?:\n[ \t]*+|[;:]%(gap)b)(%(taking)b)|\Z)"
    % {
        b"double": _string(b'"'),
        b"single": _string(b"'"),
        b"taking": _TAKING,
        b"plain": _binding(b"(?:"),
        b"binding": _binding(b"("),
        b"gap": _GAP,
    }
)
_KINDS = {b"cla": "class", b"def": "def", b"asy": "async def"}
_END = rb"[ \t]*+(?=[;#\n]|\Z)"
_LIST = rb"((?:[\w\x80-\xff., \t]++|\\\n)++)(?=[;#\n]|\Z)"
_FROM = re.compile(
    rb"from%(gap)b((?:\.%(gap)b)*+)(%(dotted)b)??%(gap)bimport\b%(gap)b"
    rb"(?:\(((?:[^()\"'#]++|#[^\n]*+)*+)\)%(end)b|(\*)%(end)b|%(list)b)"
    % {b"dotted": _DOTTED, b"gap": _GAP, b"end": _END, b"list": _LIST}
)
_IMPORT = re.compile(rb"import\b" + _LIST)
_COMMENT = re.compile(rb"#[^\n]*")
_BLANK = re.compile(rb"[ \t\\\n]+")
_FIRST_LINES = re.compile(rb"[^\r\n]*+(?:\r\n?|\n)?+[^\r\n]*+")  # where PEP 263 looks for the encoding
_UTF_8 = re.compile(rb"coding[:=][ \t]*utf-?8\b", re.IGNORECASE)
_DOTTED_STRINGS = tuple(  # one for each quote: a literal in front is found four times as fast as a set
    re.compile(quote + rb"((%(name)b)(?:\.%(name)b)++(?::%(name)b(?:\.%(name)b)*+)?+)(?=[\"'])" % {b"name": _NAME})
    for quote in (b'"', b"'")
)
_STUBBING = re.compile(  # bounded: each `modules[` of a long line would run to its end
    rb"\bsys\.modules\b[ \t]*(?:\[[^\]\n]{0,200}\][ \t]*(?:=(?!=)|,)|\.(?:update|setdefault|__setitem__)\b"
    rb"|[\"']?[ \t\n]*(?:,|\|=))|\bfrom sys import\b[^\n]{0,200}\bmodules\b"
)


# Names set in the frame of a caller, or a hand in how Python finds modules.
_MEDDLING = re.compile(
    rb"\bf_(?:globals|locals)\b[ \t]*(?:\[[^\]\n]{0,200}\][ \t]*=(?!=)|\.(?:update|setdefault|__setitem__)\b|\|=)"
    rb"|=[ \t]*[\w.()]{1,200}\.f_globals[ \t]*+(?:[#\n]|\Z)|\bexec\b[^\n]{0,200}\bf_globals\b"
)
_SETTING = re.compile(rb"\bsetattr\([ \t\n]*(?:sys\.modules\b|(?:inspect\.)?getmodule\b|mod(?:ule)?\b)")
_HOOKING = re.compile(
    rb"\bmeta_path\b[ \t]*(?:\.[ \t]*(?:append|extend|insert)\b|\[[^\]\n]{0,200}\][ \t]*=(?!=)|\+?=(?!=))"
)


class _Unsure(Exception):
    """The bytes are not plain enough."""


class AllTops(Container[str]):
    """The first parts of all dotted paths there may be, for who does not know the project."""

    def __contains__(self, part: object) -> bool:
        """Yes."""
        return True


def scan(data: bytes, tops: Container[str], *, takes_strings: bool = True) -> Scan:
    """Scan a file's bytes; `tops` are the first parts of dotted paths that may be first-party.

    Strings that look like dotted paths are left out if they are not to be taken.

    A file that can't be read or parsed has nothing that any other could use, and an empty scan.
    """
    try:
        body = _plain(data)
        imports, names = _Stepper(body, tops).run()
    except _Unsure:
        exact = _parsed(data)
        if exact is None:
            return Scan(is_readable=False)
        body, tree = exact
        imports, names = _from_tree(tree, tops)
    return Scan(
        tuple(imports),
        AskedMapping(BOUND, names),
        _dotted_strings(body, tops) if takes_strings else frozenset(),
        _stubs(data, tops) if b"modules" in body and _STUBBING.search(body) else frozenset(),
        _meddles(body),
        b"meta_path" in body and _HOOKING.search(body) is not None,
    )


def _meddles(body: bytes) -> bool:
    """Whether a text sets names in modules that it is handed or that call it."""
    if (b"f_globals" in body or b"f_locals" in body) and _MEDDLING.search(body) is not None:
        return True
    return b"setattr(" in body and _SETTING.search(body) is not None


def _plain(data: bytes) -> bytes:
    """The text as UTF-8 with line feeds only.

    Raises _Unsure.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    head = _FIRST_LINES.match(data)
    if head is not None and b"coding" in head[0] and not _UTF_8.search(head[0]):
        try:
            data = Source(data).body
        except UnreadableText:
            raise _Unsure from None
    if b"\f" in data or b"\0" in data:
        raise _Unsure
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return b"\n" + data


class _Stepper:
    """Goes from one statement of interest to the next."""

    def __init__(self, body: bytes, tops: Container[str]) -> None:
        self._body = body
        self._tops = tops
        self._imports: list[Imported] = []
        self._names: dict[str, str] = {}

    def run(self) -> tuple[list[Imported], dict[str, str]]:
        body, at = self._body, 0
        step = _STEP.match
        while (found := step(body, at)) is not None:
            at = found.end()
            kind = found.lastindex
            if kind == 2:
                self._bind(_text(found[2]), _KINDS[found[1][:3]])
            elif kind == 3:
                name = _text(found[3])
                if _begins(body, found.start(3) - 1) and not iskeyword(name):
                    self._bind(name, "assign")
            elif kind == 4:
                at = self._statement(found.start(4))
            else:
                return self._imports, self._names
        raise _Unsure

    def _bind(self, name: str, kind: str) -> None:
        known = self._names.get(name)
        if known is None or STRENGTH[kind] > STRENGTH[known]:
            self._names[name] = kind

    def _statement(self, start: int) -> int:
        at_top = self._body[start - 1] == 10 and self._body[start - 2 : start - 1] != b"\\"
        if self._body[start] == 105:
            return self._import(start, at_top)
        found = _FROM.match(self._body, start)
        if found is None:
            raise _Unsure
        dots, dotted, listed, star, plain = found.groups()
        self._take(*_from(dots, dotted, plain if listed is None else listed, at_top, star is not None))
        return found.end()

    def _import(self, start: int, at_top: bool) -> int:
        found = _IMPORT.match(self._body, start)
        if found is None:
            raise _Unsure
        self._take(*_import(found[1], at_top))
        return found.end()

    def _take(self, taken: tuple[Imported, ...], bound: tuple[str, ...]) -> None:
        for each in taken:
            if each.level or each.module.partition(".")[0] in self._tops:
                self._imports.append(each)
        for name in bound:
            self._bind(name, "import")


# Most files have the same imports: each is read once. Equal values are the same object, and pickle writes each once.


@lru_cache(maxsize=1 << 14)
def _from(
    dots: bytes, dotted: bytes | None, listed: bytes | None, at_top: bool, is_star: bool
) -> tuple[tuple[Imported, ...], tuple[str, ...]]:
    """What a `from` import takes, and the names that it binds at the top; its parts as they are spelled."""
    items = [] if is_star or listed is None else _items(listed)
    names = ("*",) if is_star else tuple(_text(part[0]) for part in items)
    taken = _imported(dots.count(b"."), "" if dotted is None else _path(dotted), names, at_top)
    return (taken,), tuple(_text(part[-1]) for part in items) if at_top else ()


@lru_cache(maxsize=1 << 14)
def _import(listed: bytes, at_top: bool) -> tuple[tuple[Imported, ...], tuple[str, ...]]:
    """The same for a plain import."""
    taken, bound = [], []
    for part in _items(listed):
        has_alias = len(part) > 2 and part[-2] == b"as"
        module = _path(b"".join(part[:-2] if has_alias else part))
        taken.append(_imported(0, module, (), at_top))
        if at_top:
            bound.append(_text(part[-1]) if has_alias else module.partition(".")[0])
    return tuple(taken), tuple(bound)


@lru_cache(maxsize=1 << 14)
def _imported(level: int, module: str, names: tuple[str, ...], at_top: bool) -> Imported:
    return Imported(level, module, names, at_top)


def _items(listed: bytes) -> list[list[bytes]]:
    """The words of each item of an import list."""
    if b"#" in listed:
        listed = _COMMENT.sub(b"", listed)
    if b"\\" in listed:
        listed = listed.replace(b"\\", b" ")
    return [words for item in listed.split(b",") if (words := item.split())]


def _path(dotted: bytes) -> str:
    return _text(_BLANK.sub(b"", dotted) if len(dotted.split()) > 1 or b"\\" in dotted else dotted)


@lru_cache(maxsize=1 << 16)
def _text(name: bytes) -> str:
    """An identifier as Python reads it.

    Raises _Unsure if it is none. Equal ones are the same object: pickle then writes each once.
    """
    if name.isascii():
        return name.decode()
    try:
        return unicodedata.normalize("NFKC", name.decode())
    except ValueError:
        raise _Unsure from None


def _begins(body: bytes, newline: int) -> bool:
    """Whether a new statement is sure to begin behind a newline: it may stand between brackets (`f(\nx=1)`)."""
    while newline > 0:
        start = body.rfind(b"\n", 0, newline) + 1
        line = body[start:newline]
        newline = start - 1
        text, mark, _ = line.partition(b"#")
        if mark and (b'"' in line or b"'" in line):
            return False
        text = text.rstrip()
        if text:
            return text[-1] not in b"(,[{" and not text.endswith(b"lambda")
    return True


def _dotted_strings(body: bytes, tops: Container[str]) -> frozenset[str]:
    found = {each for quoted in _DOTTED_STRINGS for each in quoted.findall(body)}
    return frozenset(text.decode(errors="replace") for text, top in found if top.decode(errors="replace") in tops)


# What is not plain


def _parsed(data: bytes) -> tuple[bytes, ast.Module] | None:
    try:
        source = Source(data)
        return source.body, parse(source.text, source.body).tree
    except (UnreadableText, Unparseable):
        return None


def _from_tree(tree: ast.Module, tops: Container[str]) -> tuple[list[Imported], dict[str, str]]:
    top_level = set(map(id, tree.body))
    imports: list[Imported] = []
    for node in _statements(tree):
        at_top = id(node) in top_level
        if isinstance(node, ast.Import):
            modules = (alias.name for alias in node.names)
            imports += [Imported(0, name, (), at_top) for name in modules if name.partition(".")[0] in tops]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level or module.partition(".")[0] in tops:
                names = tuple(alias.name for alias in node.names)
                imports.append(Imported(node.level, module, names, at_top))
    return imports, dict(module_names(tree).bound)


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """All statements, in order."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        for name in ("cases", "finalbody", "orelse", "handlers", "body"):
            waiting += reversed(getattr(node, name, ()))


# What is put into sys.modules


class _Stubs:
    """Finds the modules that a file puts into sys.modules, so that imports of them work whatever there is on disk.

    Where a key is computed, all strings that it may be made of count: those in the expressions that its names
    are bound to, or all of the file where these come from a caller.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._nodes = list(ast.walk(tree))
        self._followed: set[ast.AST] = set()
        self._names: set[str] = set()  # likewise
        self._blocked: set[ast.AST] = set()  # None in sys.modules makes an import fail
        self._bare = any(
            isinstance(node, ast.ImportFrom) and node.module == "sys" and any(a.name == "modules" for a in node.names)
            for node in self._nodes
        )

    def found(self) -> Iterator[str]:
        """Dotted paths; one with a leading dot stands behind the module's own."""
        for node in self._nodes:
            match node:
                case ast.Assign(targets=[ast.Subscript()], value=ast.Constant(value=None)):
                    self._blocked.update(node.targets)
                case ast.Subscript(ctx=ast.Store()) if node in self._blocked:
                    pass
                case ast.Subscript(value=value, slice=key, ctx=ast.Store()) if self._is_modules(value):
                    yield from self._key(key)
                case ast.AugAssign(target=target, value=value) if self._is_modules(target):
                    yield from self._mapping(value)
                case ast.Call(func=ast.Attribute(value=value, attr=method), args=[first, *_]) if self._is_modules(
                    value
                ):
                    if method in ("setdefault", "__setitem__"):
                        yield from self._key(first)
                    elif method == "update":
                        yield from self._mapping(first)
                case ast.Call(args=[first, second, *_]) if self._is_modules(first):
                    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                    blocks = any(
                        isinstance(argument, ast.Constant) and argument.value is None for argument in node.args[2:]
                    )
                    if not (name == "setitem" and blocks):
                        yield from self._key(second) if name == "setitem" else self._mapping(second)

    def _is_modules(self, node: ast.expr) -> bool:
        match node:
            case ast.Attribute(value=ast.Name(id="sys"), attr="modules") | ast.Constant(value="sys.modules"):
                return True
        return self._bare and isinstance(node, ast.Name) and node.id == "modules"

    def _mapping(self, node: ast.expr) -> Iterator[str]:
        if not isinstance(node, ast.Dict):
            yield from self._texts(node)
            return
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(value, ast.Constant) and value.value is None:
                continue
            yield from self._key(key) if key is not None else self._mapping(value)

    def _key(self, node: ast.expr) -> Iterator[str]:
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=[ast.FormattedValue(value=ast.Name(id="__name__")), ast.Constant(value=text)]):
                yield str(text)
            case ast.BinOp(left=ast.Name(id="__name__"), op=ast.Add(), right=ast.Constant(value=str(text))):
                yield text
            case ast.Name(id="__name__"):
                pass
            case _:
                yield from self._texts(node)

    def _texts(self, node: ast.expr) -> Iterator[str]:
        """The strings that an expression may be made of, but for those that others were found to be made of."""
        waiting: list[ast.AST] = [node]
        while waiting:
            current = waiting.pop()
            if current in self._followed:
                continue
            self._followed.add(current)
            for inner in ast.walk(current):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    yield inner.value
                elif isinstance(inner, ast.Name) and inner.id not in self._names:
                    self._names.add(inner.id)
                    waiting += self._bound.get(inner.id, ())

    @cached_property
    def _bound(self) -> dict[str, list[ast.AST]]:
        """The expressions that each name of the file may stand for; a parameter may for any string in it."""
        anything = ast.List(elts=[node for node in self._nodes if isinstance(node, ast.Constant)], ctx=ast.Load())
        bound: dict[str, list[ast.AST]] = {}
        for node in self._nodes:
            match node:
                case ast.arg(arg=name):
                    bound.setdefault(name, []).append(anything)
                case ast.Assign(targets=targets, value=value):
                    _bind(bound, targets, value)
                case (
                    ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value)
                ):
                    _bind(bound, [target], value)
                case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                    _bind(bound, [target], value)
        return bound


def _bind(bound: dict[str, list[ast.AST]], targets: list[ast.expr], value: ast.expr) -> None:
    for node in (inner for target in targets for inner in ast.walk(target)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.setdefault(node.id, []).append(value)


def _stubs(data: bytes, tops: Container[str]) -> frozenset[str]:
    """The modules that a file puts into sys.modules, as far as they may be first-party."""
    exact = _parsed(data)
    if exact is None:
        return frozenset()
    found = {text for text in _Stubs(exact[1]).found() if not (top := text.partition(".")[0]) or top in tops}
    return frozenset(text for text in found if all(map(str.isidentifier, text.removeprefix(".").split("."))))
