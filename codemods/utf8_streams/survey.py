"""What each file of a project tells about standard streams: from its bytes, in the workers."""

from __future__ import annotations

import ast
import codecs
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from ssot_fix.newer_syntax import Unparseable, parse
from ssot_fix.project.resolver import Project
from ssot_fix.source import Source, UnreadableText

_REPLACES = re.compile(rb"\.[ \t]*(?:__)?std(?:in|out|err)(?:__)?[ \t]*(?:=[^=]|\.[ \t]*detach\b|,[^()]*=[^=])")
_WRAPS = (b"TextIOWrapper", b"getwriter", b"fileno")
# What makes a file one that writes text; a word in a comment is enough, since a line too many does no harm.
# So does sys.stdout or sys.stderr.
_WRITES = (b"print(", b"argparse", b"basicConfig", b"StreamHandler", b"input(", b"click", b"pprint", b"typer", b"rich")
_VARIABLES = (b"PYTHONIOENCODING", b"PYTHONUTF8")


# What looks like an import statement: the leading dots, the dotted path behind them, and the names taken from it.
Taken = tuple[int, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the bytes of one file tell.

    `may_start`: it may hold the start of a program. `may_replace`: it may replace a stream or set a variable that is
    meant to. `writes`: it may write text; `non_ascii`: and hold other characters than ASCII. `imports` are its
    imports, at any level, as far as its lines look like some. `configures` are the functions in it that give a
    stream its encoding, and an empty name if importing it does.
    """

    may_start: bool = False
    may_replace: bool = False
    writes: bool = False
    non_ascii: bool = False
    imports: tuple[Taken, ...] = ()
    configures: frozenset[str] = frozenset()


def facts_of(data: bytes) -> Facts:
    """What a file tells, from its bytes."""
    speaks_of_streams = b"std" in data  # as few files do
    return Facts(
        may_start=b"__main__" in data,
        may_replace=(speaks_of_streams and _REPLACES.search(data) is not None) or any(v in data for v in _VARIABLES),
        writes=any(word in data for word in _WRITES)
        or (speaks_of_streams and (b"sys.stdout" in data or b"sys.stderr" in data)),
        non_ascii=not data.isascii(),
        imports=tuple(dict.fromkeys(_imports(data))),
        configures=_configuring(data) if _may_configure(data, speaks_of_streams) else frozenset(),
    )


def imported_files(project: Project, facts: Mapping[str, Facts]) -> dict[str, frozenset[str]]:
    """The project's files that each file imports."""
    found = _Finder(project)
    return {path: found.imported(path, told.imports) for path, told in facts.items()}


def alike(project: Project, before: object, today: object) -> bool:
    """Whether two looks at a file differ at most in imports of what the project can't have."""
    if not isinstance(before, Facts) or not isinstance(today, Facts):
        return False
    relevant = _Finder(project).relevant
    is_same = {*relevant(before.imports)} == {*relevant(today.imports)}
    return is_same and replace(before, imports=()) == replace(today, imports=())


class _Finder:
    """Finds the files that imports name; each import once, since most files have the same ones."""

    def __init__(self, project: Project) -> None:
        self._project = project
        called = {posixpath.basename(path) for path in project.files}
        self._stems = frozenset(name.removesuffix(".py") for name in called)
        # What files and folders of the project are called: the first parts that a dotted path of it may have.
        self._names = frozenset(posixpath.splitext(name)[0] for name in called)
        self._names |= {posixpath.basename(folder) for folder in project.folders}
        self._known: dict[tuple[str, tuple[str, ...]], tuple[frozenset[str], tuple[str, ...]]] = {}

    def imported(self, path: str, imports: Iterable[Taken]) -> frozenset[str]:
        folder = posixpath.dirname(path)
        files = set[str]()
        for level, dotted, names in self.relevant(imports):
            module = self._project.absolute(path, level, dotted) if level else dotted
            located, others = self._located(module, names)
            files |= located
            for inner in others:
                beside = posixpath.join(folder, inner)  # in the importing file's own folder, as scripts import it
                if beside in self._project.files:
                    files.add(beside)
        return frozenset(files)

    def relevant(self, imports: Iterable[Taken]) -> Iterator[Taken]:
        """Those imports that may lead to a file of the project."""
        return (each for each in imports if each[0] or each[1].partition(".")[0] in self._names)

    def _located(self, module: str, names: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
        """The files of an import, and the paths, below the importing file's folder, of what else it may name."""
        known = self._known.get((module, names))
        if known is None:
            candidates = (module, *(f"{module}.{name}" for name in names))
            places = {each: self._project.locate(each) for each in candidates}
            inner = (each.replace(".", "/") for each, place in places.items() if place is None)
            others = tuple(f"{each}.py" for each in inner if each.rpartition("/")[2] in self._stems)
            located = frozenset(place for place in places.values() if place is not None)
            known = self._known[module, names] = located, others
        return known


def _may_configure(data: bytes, speaks_of_streams: bool) -> bool:
    """Whether a file may call `reconfigure`, or set sys.stdout to a wrapper."""
    if b"reconfigure" in data:
        return True
    return speaks_of_streams and b"stdout" in data and any(word in data for word in _WRAPS)


def _imports(data: bytes) -> Iterator[Taken]:
    """What looks like an import statement."""
    data, at = data.removeprefix(codecs.BOM_UTF8).replace(b"\r", b"\n"), -1
    while (at := data.find(b"import", at + 1)) >= 0:
        line = data.rfind(b"\n", 0, at) + 1
        before = data[max(line, data.rfind(b";", line, at) + 1) : at].strip()
        if before and not before.startswith(b"from"):
            continue
        opening = data[at + 6 : at + 10].lstrip(b" \t").startswith(b"(")
        end = data.find(b")" if opening else b"\n", at)
        yield from _read(before, data[at + 6 : end if end >= 0 else len(data)][:4000])


@lru_cache(maxsize=1 << 14)
def _read(before: bytes, listed: bytes) -> tuple[Taken, ...]:
    """What a statement takes that has some bytes before and behind `import`; many files have the same ones."""
    text = re.sub(r"#[^\n]*|[()\\]", " ", listed.decode(errors="replace"))
    names = [_shared(name.split()[0]) for name in text.split(",") if name.strip()]
    if not before:
        return tuple((0, name, ()) for name in names)
    dotted = before[4:].decode(errors="replace").strip()
    stem = dotted.lstrip(".")
    return ((len(dotted) - len(stem), _shared(stem), tuple(names)),)


@lru_cache(maxsize=1 << 14)
def _shared(name: str) -> str:
    """Equal names as the same object: pickle then writes each once."""
    return name


def _configuring(data: bytes) -> frozenset[str]:
    try:
        source = Source(data)
        tree = parse(source.text, source.body).tree
    except (UnreadableText, Unparseable):
        return frozenset()
    return configuring_functions(tree)


def configuring_functions(tree: ast.Module) -> frozenset[str]:
    """The functions and methods of a module that give a standard stream its encoding, directly or through others.

    An empty name stands for the module's own statements; streams that these replace don't count, since that is not
    for others to rely on.
    """
    own: dict[str, list[ast.AST]] = {"": []}
    _collect(tree.body, "", own)
    found = {name for name, nodes in own.items() if any(map(gives_encoding if name else _reconfigures, nodes))}
    if not found - {""}:  # as in most files
        return frozenset(found)
    imported = {a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    while fresh := {name for name in own.keys() - found if _calls(own[name], found - {""}, imported)}:
        found |= fresh
    return frozenset(found)


def _collect(body: list[ast.stmt], name: str, own: dict[str, list[ast.AST]]) -> None:
    """Every node that runs with the function `name`, by function."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            own.setdefault(node.name, [])
            _collect(node.body, node.name, own)
        elif not is_start(node):
            own[name].append(node)
            waiting.extend(ast.iter_child_nodes(node))


def _calls(nodes: list[ast.AST], functions: set[str], imported: set[str]) -> bool:
    for node in nodes:
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in functions:
                return True
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in functions:
                if not (isinstance(value, ast.Name) and value.id in imported):
                    return True
    return False


def gives_encoding(node: ast.AST) -> bool:
    """Whether a node gives a standard stream its encoding: `stream.reconfigure(...)`, `sys.stdout = wrapper`."""
    match node:
        case ast.Call():
            return _reconfigures(node)
        case ast.Assign(targets=targets, value=value) if any(map(_is_stream, targets)):
            return any(
                isinstance(n, ast.Name | ast.Attribute)
                and (n.attr if isinstance(n, ast.Attribute) else n.id)
                in {"TextIOWrapper", "getwriter", "StreamReaderWriter", "EncodedFile"}
                for n in ast.walk(value)
            ) or any(isinstance(n, ast.keyword) and n.arg == "encoding" for n in ast.walk(value))
    return False


def _reconfigures(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="reconfigure", value=stream), args=[], keywords=keywords):
            is_another = isinstance(stream, ast.Attribute) and stream.attr != "stdout"
            return not is_another and any(keyword.arg in {"encoding", None} for keyword in keywords)
    return False


def _is_stream(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return any(map(_is_stream, node.elts))
    is_owned = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and "sys" in node.value.id
    return is_owned and isinstance(node, ast.Attribute) and node.attr == "stdout"


def is_start(node: ast.AST) -> bool:
    """Whether a statement is `if __name__ == "__main__":`, perhaps with other conditions that have to hold."""
    return isinstance(node, ast.If) and _asks_for_main(node.test)


def _asks_for_main(test: ast.expr) -> bool:
    match test:
        case ast.BoolOp(op=ast.And(), values=values):
            return any(map(_asks_for_main, values))
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            return (_is_name(left) and _is_main(right)) or (_is_name(right) and _is_main(left))
        case ast.Compare(left=left, ops=[ast.In()], comparators=[ast.Tuple(elts=elts) | ast.Set(elts=elts)]):
            return _is_name(left) and any(map(_is_main, elts))
    return False


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "__name__"


def _is_main(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == "__main__"
