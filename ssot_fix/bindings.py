"""What a name means at a place: scopes, aliases, shadowing, guards.

A `Module` follows only the *names of interest* (`os`, `get_env`, and what the file calls them). Every binding
and every use of a name spells that name, so nodes that span no line with one of them need no visit; that keeps
the cost in proportion to what a file has to do with a codemod, not to its size.

Scoping follows https://docs.python.org/3/reference/executionmodel.html#resolution-of-names.
"""

from __future__ import annotations

import ast
import re
import tokenize
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ssot_fix.newer_syntax import Parsed, parse
from ssot_fix.source import Source

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_RUNS_STRINGS = re.compile(rb"(?<![\w.])(?:(?:eval|exec)\s*\(|(?:globals|locals|vars)\s*\(\s*\))")
# Bounded: each `os` of a long line would run to its end. What is taken is never given back: no gap goes on behind one.
_GAP = rb"(?:[\s\\]++|#[^\r\n]{0,400}+[\r\n])++"
_GAPS = (b" ", b"\\", b"\t", b"#", b"\n", b"\r", b"\f", b"\v")  # with which one of these starts
_AS = re.compile(_GAP + rb"as" + _GAP + rb"(\w+)")
_STAR = re.compile(rb"import\b(?<!\wimport)[\s\\(]*\*")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(eq=False, slots=True)
class Binding:
    """One place that gives a name a value.

    `kind` is `import`, `def`, `class`, `parameter`, `del` or `assign` (everything else). `target` is what an
    import binds: an absolute dotted path, or one that starts with dots as written. `node` is the statement or,
    for parameters and patterns, the smallest node that names it.
    """

    name: str
    kind: str
    node: ast.AST
    target: str | None = None
    alias: ast.alias | None = None


@dataclass(eq=False, slots=True)
class Scope:
    """A namespace: `kind` is `module`, `function`, `class` or `comprehension`."""

    kind: str
    node: ast.AST
    parent: Scope | None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    global_names: set[str] = field(default_factory=set)
    nonlocal_names: set[str] = field(default_factory=set)

    def enclosing(self) -> Iterator[Scope]:
        """This scope and those around it, inside out."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


@dataclass(eq=False, slots=True)
class Reference:
    """A name that is read (or, in `x += 1`, read and bound)."""

    node: ast.Name
    scope: Scope


class Module:
    """A parsed file with the meaning of its names of interest.

    `path` is posix and relative to the project's root; `name` the dotted module name that imports of it use.
    """

    def __init__(self, path: str, name: str, source: Source, parsed: Parsed, seeds: Iterable[str]) -> None:
        self.path = path
        self.name = name
        self.source = source
        self.parsed = parsed
        self.tree = parsed.tree
        self.names = names_of_interest(source, seeds)
        self.root = Scope("module", self.tree, None)
        self.scopes = [self.root]
        self.references: list[Reference] = []
        self.parents: dict[ast.AST, ast.AST] = {}
        self.star_imports: list[ast.ImportFrom] = []
        self.attributes: list[ast.Attribute] = []  # those called like a name of interest
        self.declared: set[str] = set()  # by global and nonlocal statements
        self.strings: list[ast.Constant] = []  # those near a name of interest
        _Walk(self).run()

    @property
    def is_package(self) -> bool:
        """Whether the file is a package's __init__."""
        return self.path.rpartition("/")[2] == "__init__.py"

    def start(self, node: ast.AST) -> int:
        """The offset of a node's first byte."""
        return self.source.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        """The offset just behind a node's last byte."""
        return self.source.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def code(self, node: ast.AST) -> bytes:
        """A node's own text."""
        return self.source.body[self.start(node) : self.end(node)]

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around a visited node, inside out, the module last."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that holds a node."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def lookup(self, name: str, scope: Scope) -> Scope | None:
        """The scope whose binding a name means in a scope; None if nothing in the file binds it."""
        for candidate in scope.enclosing():
            if candidate.kind == "class" and candidate is not scope:
                continue
            if name in candidate.global_names:
                break
            if name in candidate.bindings and name not in candidate.nonlocal_names:
                return candidate
        return self.root if name in self.root.bindings else None

    def meanings(self, name: str, scope: Scope) -> list[Binding]:
        """All bindings that a name may stand for in a scope (no flow analysis); empty if unbound."""
        found = self.lookup(name, scope)
        return found.bindings[name] if found else []

    def reads_around(self, use: Reference, scope: Scope) -> bool:
        """Whether a use in a class body that binds the name may come before that, and so read the one around it."""
        for binding in scope.bindings[use.node.id]:
            statement = self.statement(binding.node)
            if self.parents.get(statement) is scope.node and self.end(statement) <= self.start(use.node):
                return False
        return True

    def absolute(self, target: str) -> str:
        """An import's target with leading dots resolved against this module's package."""
        level = len(target) - len(target.lstrip("."))
        if not level:
            return target
        package = self.name.split(".")
        drop = level - 1 if self.is_package else level
        kept = package[: len(package) - drop] if drop <= len(package) else []
        return ".".join([*kept, target[level:]]) if kept else target

    @cached_property
    def strings_run_as_code(self) -> bool:
        """Whether the file may look names up at run time (`eval`, `exec`, `globals()` and the like)."""
        return _RUNS_STRINGS.search(self.source.body) is not None

    def comments(self, mark: str) -> Iterator[tuple[int, str]]:
        """The comments that hold a text, each with its line; strings that only look like one are none."""
        if mark.encode() not in self.source.body:
            return
        if self.parsed.parser != "ast":
            yield from ((self.source.line_of(at), text) for at, text in self.parsed.comments if mark in text)
            return
        # Lines as the parser counts them: form feeds and U+2028 end none.
        lines = iter([f"{line}\n" for line in re.split("\r\n|\r|\n", self.source.text)])
        try:
            for token in tokenize.generate_tokens(lambda: next(lines, "")):
                if token.type == tokenize.COMMENT and mark in token.string:
                    yield token.start[0], token.string
        except (tokenize.TokenError, SyntaxError):  # what ast reads, tokenize may still stumble over at the end
            return


def load(path: str, name: str, raw: bytes, seeds: Iterable[str]) -> Module:
    """Decode, parse and bind a file.

    Raises UnreadableText or Unparseable.
    """
    source = Source(raw)
    return Module(path, name, source, parse(source.text, source.body), seeds)


def names_of_interest(source: Source, seeds: Iterable[str]) -> frozenset[str]:
    """The seeds and the aliases that the file's imports give them (`import os as o` adds `o`)."""
    wanted = frozenset(seeds)
    found = sorted(place for name in wanted for place in _aliases(source, name))
    taken, aliases = 0, set[str]()
    for start, end, alias in found:
        if start >= taken:  # `a as b as c`: of what overlaps, the first
            taken = end
            aliases.add(alias)
    return wanted | aliases


def _aliases(source: Source, name: str) -> Iterator[tuple[int, int, str]]:
    """What a name is given as another one, in code or not: where that starts and ends, and the alias."""
    if name.isascii() and name.isidentifier():
        length = len(name)
        body, places = source.body, source.places_of(name)
        matches = [(at, _AS.match(body, at + length)) for at in places if body.startswith(_GAPS, at + length)]
    else:
        word = re.compile(rb"\b" + re.escape(name).encode() + _AS.pattern)
        matches = [(match.start(), match) for match in word.finditer(source.body)]
    for at, match in matches:
        if match is not None:
            yield at, match.end(), match[1].decode()


_Inner = list[tuple[ast.AST, Scope]]  # nodes to be visited, each in its scope
_FAR, _NEAR, _ALL_NEAR = range(3)


class _Walk:
    """One pass over the nodes near names of interest, in the order of the source."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._names = module.names
        self._lines = _lines_of_interest(module)

    def run(self) -> None:
        module, parents, visits = self._module, self._module.parents, _VISITS
        # Each with its scope, and whether all of it is known to be near.
        stack: list[tuple[ast.AST, Scope, bool]]
        stack = [(child, module.root, self._lines is None) for child in reversed(module.tree.body)]
        parents.update(dict.fromkeys((child for child, _, _ in stack), module.tree))
        while stack:
            node, scope, is_near = stack.pop()
            if not is_near:
                nearness = self._nearness(node)
                if nearness is _FAR:
                    continue
                is_near = nearness is _ALL_NEAR
            visit = visits.get(type(node))
            inner = visit(self, node, scope) if visit is not None else None
            if inner is None:
                if not _FIELDS[type(node)]:  # as of names and constants, which are half of all nodes
                    continue
                inner = [(child, scope) for child in children(node)]
            for child, within in reversed(inner):
                parents[child] = node
                stack.append((child, within, is_near))

    def _nearness(self, node: ast.AST) -> int:
        """Whether a node spans lines of interest, or its only line is one."""
        lines, first = self._lines, getattr(node, "lineno", None)
        if lines is None or first is None:
            return _NEAR
        if isinstance(node, _DEFINITIONS) and node.decorator_list:
            first = node.decorator_list[0].lineno
        last: int = node.end_lineno or first  # type: ignore[attr-defined]
        at = bisect_left(lines, first)
        if at == len(lines) or lines[at] > last:
            return _FAR
        # Before Python 3.12, positions inside f-strings can be wrong; those of the whole string are right.
        return _ALL_NEAR if first == last or isinstance(node, ast.FormattedValue) else _NEAR

    def _scope(self, kind: str, node: ast.AST, parent: Scope) -> Scope:
        scope = Scope(kind, node, parent)
        self._module.scopes.append(scope)
        return scope

    def _bind(self, scope: Scope, binding: Binding) -> None:
        if binding.name not in self._names:
            return
        if binding.name in scope.global_names:
            scope = self._module.root
        elif binding.name in scope.nonlocal_names:
            scope = next(
                (
                    s
                    for s in scope.enclosing()
                    if s is not scope and s.kind == "function" and binding.name in s.bindings
                ),
                scope,
            )
        scope.bindings.setdefault(binding.name, []).append(binding)

    def _name(self, node: ast.Name, scope: Scope) -> None:
        if node.id not in self._names:
            return
        parent = self._module.parents[node]
        if isinstance(node.ctx, ast.Load) or (isinstance(parent, ast.AugAssign) and parent.target is node):
            self._module.references.append(Reference(node, scope))
        if isinstance(node.ctx, ast.Load):
            return
        if isinstance(parent, ast.NamedExpr):  # PEP 572: binds in the scope around the comprehension
            scope = next(s for s in scope.enclosing() if s.kind != "comprehension")
        kind = "del" if isinstance(node.ctx, ast.Del) else "assign"
        self._bind(scope, Binding(node.id, kind, node))

    def _attribute(self, node: ast.Attribute, _scope: Scope) -> None:
        if node.attr in self._names:
            self._module.attributes.append(node)

    def _constant(self, node: ast.Constant, _scope: Scope) -> None:
        if isinstance(node.value, str):
            self._module.strings.append(node)

    def _global(self, node: ast.Global, scope: Scope) -> None:
        scope.global_names.update(node.names)
        self._module.declared.update(node.names)

    def _nonlocal(self, node: ast.Nonlocal, scope: Scope) -> None:
        scope.nonlocal_names.update(node.names)
        self._module.declared.update(node.names)

    def _parameter(self, node: ast.arg, scope: Scope) -> None:
        self._bind(scope, Binding(node.arg, "parameter", node))

    def _named(self, node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar, scope: Scope) -> None:
        if node.name is not None:
            self._bind(scope, Binding(node.name, "assign", node))

    def _rest(self, node: ast.MatchMapping, scope: Scope) -> None:
        if node.rest is not None:
            self._bind(scope, Binding(node.rest, "assign", node))

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                first = alias.name.partition(".")[0]
                bound, target = (alias.asname, alias.name) if alias.asname else (first, first)
            elif alias.name == "*":
                self._module.star_imports.append(node)
                continue
            else:
                origin = "." * node.level + (node.module or "")
                joint = "" if origin.endswith(".") else "."
                bound, target = alias.asname or alias.name, f"{origin}{joint}{alias.name}"
            self._bind(scope, Binding(bound, "import", node, target, alias))

    def _definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> _Inner:
        self._bind(scope, Binding(node.name, "def", node))
        return self._function(node, scope)

    def _function(self, node: FunctionNode, scope: Scope) -> _Inner:
        outer: list[ast.AST] = list(getattr(node, "decorator_list", ()))
        arguments = node.args
        outer += arguments.defaults
        outer += [default for default in arguments.kw_defaults if default is not None]
        around, parameters = self._type_parameters(node, scope)
        inner = self._scope("function", node, around)
        annotated = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        annotated += [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
        annotations: list[ast.AST] = [a.annotation for a in annotated if a.annotation is not None]
        if (returns := getattr(node, "returns", None)) is not None:
            annotations.append(returns)
        for argument in annotated:
            self._bind(inner, Binding(argument.arg, "parameter", argument))
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        visits = [(child, scope) for child in outer] + parameters
        visits += [(child, around) for child in annotations]
        # The names that a body declares global are known before its first binding.
        return visits + [(child, inner) for child in body]

    def _class(self, node: ast.ClassDef, scope: Scope) -> _Inner:
        self._bind(scope, Binding(node.name, "class", node))
        around, parameters = self._type_parameters(node, scope)
        inner = self._scope("class", node, around)
        visits: _Inner = [(child, scope) for child in node.decorator_list]
        visits += parameters
        visits += [(child, around) for child in (*node.bases, *node.keywords)]
        return visits + [(child, inner) for child in node.body]

    def _type_parameters(self, node: ast.AST, scope: Scope) -> tuple[Scope, _Inner]:
        parameters: Sequence[ast.AST] = getattr(node, "type_params", ())
        if not parameters:
            return scope, []
        around = self._scope("function", node, scope)
        for parameter in parameters:
            self._bind(around, Binding(parameter.name, "parameter", parameter))  # type: ignore[attr-defined]
        return around, [(parameter, around) for parameter in parameters]

    def _comprehension(self, node: ast.expr, scope: Scope) -> _Inner:
        inner = self._scope("comprehension", node, scope)
        first, *rest = node.generators  # type: ignore[attr-defined]
        visits: _Inner = [(first.iter, scope), (first.target, inner)]
        visits += [(condition, inner) for condition in first.ifs]
        visits += [(generator, inner) for generator in rest]
        results = (getattr(node, name, None) for name in ("key", "value", "elt"))
        return visits + [(result, inner) for result in results if result is not None]


# What is done at a node by its type; a method that returns None leaves the node's children to be visited.
_VISITS: dict[type[ast.AST], Callable[[_Walk, Any, Scope], _Inner | None]] = {
    ast.Name: _Walk._name,
    ast.Attribute: _Walk._attribute,
    ast.Constant: _Walk._constant,
    ast.FunctionDef: _Walk._definition,
    ast.AsyncFunctionDef: _Walk._definition,
    ast.Lambda: _Walk._function,
    ast.ClassDef: _Walk._class,
    ast.ListComp: _Walk._comprehension,
    ast.SetComp: _Walk._comprehension,
    ast.DictComp: _Walk._comprehension,
    ast.GeneratorExp: _Walk._comprehension,
    ast.Import: _Walk._import,
    ast.ImportFrom: _Walk._import,
    ast.Global: _Walk._global,
    ast.Nonlocal: _Walk._nonlocal,
    ast.arg: _Walk._parameter,
    ast.ExceptHandler: _Walk._named,
    ast.MatchAs: _Walk._named,
    ast.MatchStar: _Walk._named,
    ast.MatchMapping: _Walk._rest,
}

# Fields that hold contexts, operators or no nodes; this is the hottest loop of all.
_PLAIN_FIELDS = frozenset(
    {"ctx", "op", "ops", "id", "attr", "kind", "type_comment", "module", "level", "asname", "arg", "simple"}
    | {"is_async", "conversion"}
)
_MIXED_FIELDS = frozenset({"keys", "kw_defaults", "names", "kwd_attrs"})  # lists of other things than nodes, too


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of a type of node that may hold nodes, worked out once."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        self[kind] = tuple(name for name in kind._fields if name not in _PLAIN_FIELDS)
        return self[kind]


_NODE = ast.AST
_FIELDS = _Fields({ast.Constant: ()})  # the value of a constant is no node


def children(node: ast.AST) -> list[ast.AST]:
    """A node's child nodes in the order of its fields; contexts and operators left out."""
    found: list[ast.AST] = []
    for name in _FIELDS[type(node)]:
        value = getattr(node, name, None)
        if isinstance(value, _NODE):
            found.append(value)
        elif value and isinstance(value, list):
            found += value if name not in _MIXED_FIELDS else [item for item in value if isinstance(item, _NODE)]
    return found


def _lines_of_interest(module: Module) -> list[int] | None:
    """The lines that spell a name of interest or a star import, sorted; None: look at every line."""
    source = module.source
    # Python normalises identifiers (NFKC): other spellings of a name are possible only in such texts.
    if not source.is_normal:
        return None
    lines = {source.line_of(match.start()) for match in _STAR.finditer(source.body)}
    lines.update(source.line_of(at) for name in module.names for at in source.places_of(name))
    return sorted(lines)
