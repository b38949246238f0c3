"""From a use of the environment to a site: its edits, or the reason why it is left alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from codemods.isolated_environment.accessor import Accessor, Method
from codemods.isolated_environment.guards import Guards
from codemods.isolated_environment.options import Options
from codemods.isolated_environment.uses import Key, Use, starts_process
from ssot_fix.bindings import Module
from ssot_fix.edits import Applicability, Edit, Refusal
from ssot_fix.fstrings import prints_itself
from ssot_fix.imports import Binder, Reach
from ssot_fix.project.resolver import Project
from ssot_fix.reachability import reachable_from
from ssot_fix.sites import Site
from ssot_fix.statements import IMPORT_ERRORS, IMPORT_FAILURES, caught

COMPUTED = "?"  # a name known only at run time
ANY_WRITTEN = "!"  # any variable may be changed
ALL_READ = "*"  # the names of all variables are read

_WHOLE = {"iterate", "unpack", "pass", "return", "alias", "patch", "subprocess"}
_NO_EQUIVALENT = {
    "setdefault": "setdefault writes only if the variable is missing",
    "update": "update takes any mapping and writes through",
    "clear": "clear empties the environment of the process",
    "pop": "pop returns the value or raises",
    "popitem": "popitem takes an arbitrary variable",
    "putenv": "putenv goes round os.environ",
    "store": "the assignment does more than set one variable",
    "delete-several": "several deletions in one statement",
}
_NOT_STR = (ast.Dict, ast.List, ast.Set, ast.Tuple, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_NOT_STR_CALLS = {
    "int",
    "float",
    "bool",
    "len",
    "bytes",
    "dict",
    "list",
    "set",
    "tuple",
    "abs",
    "hash",
    "id",
    "ord",
}


class _Refused(Exception):
    """A use has no fix; carries the refusal."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(reason, message)


class Rewriter:
    """Makes the sites of one module."""

    def __init__(  # noqa: PLR0913, PLR0917  all that a module's sites depend on
        self,
        name: str,
        module: Module,
        project: Project,
        accessor: Accessor,
        options: Options,
        taken: frozenset[str],
    ) -> None:
        self._name = name
        self._taken = taken
        self._module = module
        self._accessor = accessor
        self._options = options
        target = accessor.target
        self._reachable = reachable_from(module, project, target.root, target.module.partition(".")[0])
        earliest = self._reachable if isinstance(self._reachable, int) else 0
        self._binder = Binder(module, project, target, earliest)
        self._project = project
        self._exempt_lines = _exempt_lines(module, options)

    def sites(self, uses: list[Use]) -> list[Site]:
        """A site for every use, in order."""
        if not uses:
            return []
        guards = Guards(self._module, uses)
        file_refusal = self._file_refusal()
        foreign = _foreign_writes(self._module)
        return [self._site(use, guards, file_refusal, foreign) for use in uses]

    def _file_refusal(self) -> Refusal | None:
        """What stands against every site of this file."""
        target, path = self._accessor.target, self._module.path
        if path in self._accessor.internals:
            return Refusal("accessor-internals", f"`{target.module}` is this module, or needs it")
        if self._options.exempts_path(path):
            return Refusal("exempted", "`exempt-paths` names this file")
        if path in self._project.reached_from(target.path, path):
            return Refusal("import-cycle", f"importing `{target.module}` imports this module")
        return None

    def _site(self, use: Use, guards: Guards, file_refusal: Refusal | None, foreign: set[str]) -> Site:
        site = Site(
            self._name,
            use.node,
            _KINDS.get(use.kind, use.kind),
            "",
            Applicability.MANUAL,
            key=_coupling_key(use),
        )
        try:
            self._check_place(use, file_refusal)
            _check_text(self._module, use)
            build = _BUILDERS.get(use.kind, _Builder.refuse)
            build(_Builder(self._module, self._accessor, self._options, guards, site, use))
            _check_patches(use, foreign)
            self._bind(site, use)
        except _Refused as refused:
            site.refusal, site.edits = refused.refusal, ()
            site.message = site.message or refused.refusal.message
        return site

    def _check_place(self, use: Use, file_refusal: Refusal | None) -> None:
        if file_refusal is not None:
            raise _Refused(file_refusal.reason, file_refusal.message)
        first, last = use.root.lineno, getattr(use.node, "end_lineno", use.root.lineno)
        distance = self._options.exempt_distance
        for line, text in self._exempt_lines:
            if first - distance <= line <= last + distance:
                raise _Refused("exempted", f"line {line} says {text}")
        if use.ambiguous:
            raise _Refused("ambiguous-binding", f"`{use.reference.node.id}` is bound in several ways")
        name = use.reference.node.id
        patched = "os.getenv" if use.path == "os.getenv" and name == "os" else name
        if patched != "os" and f".{patched}" in self._taken:
            raise _Refused("patched-elsewhere", f"another file may replace `{patched}` of this module")
        self._check_fallback(use)

    def _check_fallback(self, use: Use) -> None:
        for ancestor in self._module.ancestors(use.node):
            if isinstance(ancestor, ast.ExceptHandler):
                names = caught(ancestor)
                tried = self._module.statement(self._module.parents[ancestor])
                if names & IMPORT_ERRORS or (names & IMPORT_FAILURES and self._tries_accessor(tried)):
                    message = f"runs when the import tried on line {tried.lineno} fails"
                    raise _Refused("import-error-fallback", message)

    def _tries_accessor(self, node: ast.AST) -> bool:
        last = self._accessor.target.module.rpartition(".")[2]
        body: Iterable[ast.stmt] = getattr(node, "body", ())
        return any(
            isinstance(inner, ast.Import | ast.ImportFrom) and last.encode() in self._module.code(inner)
            for statement in body
            for inner in ast.walk(statement)
        )

    def _bind(self, site: Site, use: Use) -> None:
        """Make the accessor's expression stand in the edits, if it can be reached here."""
        reach = self._binder.reach(use.root, use.reference.scope)
        if isinstance(reach, Refusal):
            raise _Refused(reach.reason, reach.message)
        if reach.needs_import and isinstance(self._reachable, Refusal):
            raise _Refused(self._reachable.reason, self._reachable.message)
        site.edits = tuple(_filled(edit, reach, self._module.source.body) for edit in site.edits)
        site.binder, site.expression, site.needs_import = self._binder, reach.expression, reach.needs_import
        site.references = (use.reference,)


_PLACEHOLDER = b"\0accessor\0"


def _filled(edit: Edit, reach: Reach, body: bytes) -> Edit:
    text = edit.text.replace(_PLACEHOLDER, reach.expression.encode() + b"()")
    # `if"A"in os.environ`: what began with a quote now begins with a name.
    glued = text[:1].isalpha() and edit.start and (body[edit.start - 1 : edit.start].isalnum())
    return Edit(edit.start, edit.end, b" " + text if glued else text)


@dataclass(frozen=True, slots=True)
class _Builder:
    """Composes the fix of one use; the accessor's expression is filled in when it is known to be reachable."""

    _module: Module
    _accessor: Accessor
    _options: Options
    _guards: Guards
    _site: Site
    _use: Use

    def get(self) -> None:
        """`os.getenv(k, d)` and `os.environ.get(k, d)`."""
        call = self._use.node
        assert isinstance(call, ast.Call)
        if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
            raise _Refused("star-arguments", "the arguments are unpacked")
        method = self._method("get")
        count = len(call.args) + len(call.keywords)
        if not 1 <= count <= 2 or not {k.arg for k in call.keywords} <= {"key", "default"}:
            raise _Refused("accessor-lacks", "not a call that os.environ would take either")
        if not method.takes_key_first:
            raise _Refused("accessor-lacks", f"what `{method.name}` takes is not known by its names")
        edits = [self._replace(call.func, b"." + method.name.encode()), *self._arguments(call, method)]
        self._site.changed = call.func if not call.keywords and len(edits) == 1 else call
        self._site.kept = () if self._site.changed is call.func else (*call.args, *(k.value for k in call.keywords))
        default = self._default(call)
        foreign = default is not None and not self._fits(default, method)
        self._done(Applicability.UNSAFE if foreign else Applicability.SAFE, edits, self._get_message(default, foreign))

    def _arguments(self, call: ast.Call, method: Method) -> list[Edit]:
        """What differs in the arguments: names of keywords, and the default by name where its place differs."""
        default = method.default
        by_place = len(method.positional) > 1 and method.positional[1] is default
        edits: list[Edit] = []
        for keyword in call.keywords:
            parameter = method.positional[0] if keyword.arg == "key" else default
            if parameter is None or parameter.kind == "positional-only":
                raise _Refused("accessor-lacks", f"`{method.name}` takes no keyword for `{keyword.arg}`")
            start = self._module.start(keyword)
            if parameter.name != keyword.arg:
                edits.append(Edit(start, start + len(keyword.arg or ""), parameter.name.encode()))
        if len(call.args) > 1 and not by_place:
            if default is None or default.kind == "positional-only":
                raise _Refused("accessor-lacks", f"`{method.name}` takes no default")
            start = self._module.start(call.args[1])
            edits.append(Edit(start, start, default.name.encode() + b"="))
        has_default = len(call.args) + len(call.keywords) > 1
        if not has_default and (default is None or default.default != "None"):
            edits.append(self._default_none(call, method, by_place=by_place))
        given = {method.positional[0].name, *([default.name] if default else [])}
        if any(p.required and p.name not in given for p in method.parameters):
            raise _Refused("accessor-lacks", f"`{method.name}` takes other arguments")
        return edits

    def _fits(self, default: ast.expr, method: Method) -> bool:
        """Whether a default is of a type that the accessor's signature admits, as far as is known."""
        if isinstance(default, ast.Constant) and default.value is None:
            return True
        named = type(default.value).__name__ if isinstance(default, ast.Constant) else "nothing"
        admitted = method.default is not None and named in method.default.annotation
        return admitted or _is_open(method) or not _is_never_str(self._module, default)

    @staticmethod
    def _default(call: ast.Call) -> ast.expr | None:
        if len(call.args) > 1:
            return call.args[1]
        return next((k.value for k in call.keywords if k.arg == "default"), None)

    def _get_message(self, default: ast.expr | None, foreign: bool) -> str:
        if foreign:
            kind = f"{type(default.value).__name__}" if isinstance(default, ast.Constant) else "no str"
            return f"the default is {kind}, which the accessor does not document"
        return f"reads {self._described_key()} from os.environ"

    def _default_none(self, call: ast.Call, method: Method, *, by_place: bool) -> Edit:
        """Ask for None in words where the accessor's own default is another."""
        default = method.default
        if default is None:
            raise _Refused("accessor-lacks", f"what `{method.name}` does without a default is not known")
        named = not by_place or bool(call.keywords)
        return self._after_last_argument(call, b", " + (default.name.encode() + b"=" if named else b"") + b"None")

    def _after_last_argument(self, call: ast.Call, text: bytes) -> Edit:
        at = self._module.end(call) - 1
        between = self._module.source.body[self._module.end([*call.args, *call.keywords][-1]) : at]
        if between.strip(b" \t\r\n)"):
            raise _Refused("comment-inside", "a comma or comment stands behind the arguments")
        return Edit(at, at, text)

    def lookup(self) -> None:
        """`os.environ[k]`, read."""
        node = self._use.node
        assert isinstance(node, ast.Subscript)
        message = f"reads {self._described_key()} from os.environ, or raises KeyError"
        if self._accessor.has_getitem:
            self._site.changed = self._use.root
            self._done(Applicability.SAFE, [self._replace(self._use.root, b"")], message)
            return
        if "lookup" in self._accessor.methods:
            method = self._method("lookup")
        elif isinstance(self._use.key, str) and self._guards.protects(self._use):
            method = self._method("get")
        else:
            self._site.message = message
            raise _Refused("raises-differently", f"raises KeyError without {self._described_key()}")
        if isinstance(node.slice, ast.Tuple | ast.Slice) or not method.takes(1):
            raise _Refused("accessor-lacks", f"`{method.name}` takes one key")
        edits = [*self._call_instead(self._module.start(node), method), self._closing(node)]
        self._site.kept = (node.slice,)
        self._done(Applicability.SAFE, edits, message)

    def assign(self) -> None:
        """`os.environ[k] = v`."""
        statement = self._use.node
        assert isinstance(statement, ast.Assign)
        subscript = statement.targets[0]
        assert isinstance(subscript, ast.Subscript)
        self._check_written_key()
        if _is_never_str(self._module, statement.value):
            raise _Refused("value-not-str", "os.environ takes only str values")
        method = self._method("set")
        source = self._source_argument(method)
        start = self._module.start(statement)
        behind = self._module.end(subscript)
        gap = re.compile(rb"[ \t]*=[ \t]*").match(self._module.source.body, behind)
        if gap is None:
            raise _Refused("comment-inside", "the assignment is written in an unusual way")
        value, end = statement.value, self._module.end(statement)
        wrapped = isinstance(value, ast.Yield | ast.YieldFrom) and self._module.end(value) == end
        opening, closing = (b"(", b")") if wrapped else (b"", b"")
        edits = [
            *self._call_instead(start, method),
            Edit(behind - 1, gap.end(), b", " + opening),
            Edit(end, end, closing + source + b")"),
        ]
        self._site.kept = (subscript.slice, value)
        self._done(
            Applicability.UNSAFE,
            edits,
            f"writes {self._described_key()}: the accessor may clean the value, or keep it to itself",
        )

    def _source_argument(self, method: Method) -> bytes:
        """The argument that says who wrote a variable, if the accessor takes one."""
        module = self._module.name
        quoted = f'"{module}"' if module.isascii() and not set(module) & set('"\\') else ascii(module)
        name = f", {quoted}"
        placed = method.positional
        if len(placed) > 2 and placed[2].name == "source" and method.takes(3):
            return name.encode()
        if method.keyword("source") and method.takes(2, "source"):
            return name.replace(", ", ", source=", 1).encode()
        if not method.takes(2):
            raise _Refused("accessor-lacks", f"`{method.name}` takes other arguments")
        return b""

    def delete(self) -> None:
        """`del os.environ[k]`, and `os.environ.pop(k, None)` and `os.unsetenv(k)` as statements."""
        self._check_written_key()
        method = self._method("delete")
        if not method.takes(1):
            raise _Refused("accessor-lacks", f"`{method.name}` takes other arguments")
        node = self._use.node
        if isinstance(node, ast.Delete):
            target = node.targets[0]
            assert isinstance(target, ast.Subscript)
            if self._module.end(target) != self._module.end(node):
                raise _Refused("comment-inside", "the deletion is written in an unusual way")
            self._site.kept = (target.slice,)
            edits = [*self._call_instead(self._module.start(node), method), self._closing(target)]
            self._done(
                Applicability.UNSAFE,
                edits,
                f"deletes {self._described_key()}: the accessor does not raise KeyError if it is missing",
            )
            return
        assert isinstance(node, ast.Call)
        key = node.args[0] if node.args else node.keywords[0].value
        edits = [self._replace(node.func, b"." + method.name.encode()), *self._without_default(node)]
        self._site.kept = (key,)
        self._done(
            Applicability.UNSAFE,
            edits,
            f"deletes {self._described_key()}: the accessor may only hide it, or raise if it is missing",
        )

    def _without_default(self, call: ast.Call) -> list[Edit]:
        if call.keywords:
            raise _Refused("accessor-lacks", "the variable is given by keyword")
        if len(call.args) == 1:
            return []
        start, end = self._module.end(call.args[0]), self._module.end(call.args[1])
        gap = re.compile(rb"[\s)]*").match(self._module.source.body, start)
        assert gap is not None
        if b"#" in self._module.source.body[start : self._module.end(call)]:
            raise _Refused("comment-inside", "a comment stands between the arguments")
        return [Edit(gap.end(), end, b"")]

    def contains(self) -> None:
        """`k in os.environ` and `k not in os.environ`."""
        node = self._use.node
        assert isinstance(node, ast.Compare)
        method = self._method("contains")
        if not method.takes(1):
            raise _Refused("accessor-lacks", f"`{method.name}` takes other arguments")
        start, end = self._module.start(node), self._module.end(node)
        gap_start = self._module.end(node.left)
        gap = re.compile(rb"([\s)\\]*?)[\s\\]*\b(?:not[\s\\]+)?in\b[\s\\]*[(\s]*").match(
            self._module.source.body, gap_start
        )
        if gap is None or gap.end() != self._module.start(self._use.root):
            raise _Refused("comment-inside", "the test is written in an unusual way")
        negated = b"not " if isinstance(node.ops[0], ast.NotIn) else b""
        opening = negated + _PLACEHOLDER + b"." + method.name.encode() + b"("
        edits = [Edit(start, start, opening), Edit(gap.end(1), end, b")")]
        self._site.kept = (node.left,)
        self._done(
            Applicability.UNSAFE,
            edits,
            f"tests {self._described_key()}: the accessor may not know variables that were set past it",
        )

    def copy(self) -> None:
        """`os.environ.copy()` and `dict(os.environ)`."""
        node = self._use.node
        assert isinstance(node, ast.Call)
        parent = self._module.parents[node]
        for_child = (
            isinstance(parent, ast.keyword)
            and parent.arg == "env"
            and starts_process(self._module, self._module.parents[parent])
            and "subprocess" in self._accessor.methods
        )
        method = self._method("subprocess" if for_child else "copy")
        if not method.takes(0):
            raise _Refused("accessor-lacks", f"`{method.name}` takes arguments")
        self._check_no_comment(node)
        edit = Edit(
            self._module.start(node),
            self._module.end(node),
            _PLACEHOLDER + b"." + method.name.encode() + b"()",
        )
        self._done(
            Applicability.UNSAFE, [edit], "copies the environment: the accessor's may hold other values, or be its own"
        )

    def refuse(self) -> None:
        """Everything else."""
        kind = self._use.kind
        if kind == "bytes":
            raise _Refused("bytes-environment", "the environment in bytes")
        if kind == "indirect" or (kind == "alias" and not self._use.path.endswith("environ")):
            raise _Refused("indirect-access", f"reaches {self._use.path} indirectly")
        if kind in _WHOLE:
            raise _Refused("whole-environment", f"os.environ as a whole ({kind})")
        raise _Refused("no-equivalent", _NO_EQUIVALENT[kind])

    def _method(self, use: str) -> Method:
        method = self._accessor.methods.get(use)
        if method is None:
            raise _Refused("accessor-lacks", f"`{self._accessor.class_name}` has no method for this ({use})")
        return method

    def _check_written_key(self) -> None:
        if not isinstance(self._use.key, str):
            raise _Refused("computed-key", "which variable is written is known only at run time")
        if self._options.is_external(self._use.key):
            raise _Refused("external-key", f"other programs read `{self._use.key}`")

    def _described_key(self) -> str:
        return f"`{self._use.key}`" if isinstance(self._use.key, str) else "a computed variable"

    def _replace(self, node: ast.expr, attribute: bytes) -> Edit:
        self._check_no_comment(node)
        return Edit(self._module.start(node), self._module.end(node), _PLACEHOLDER + attribute)

    def _check_no_comment(self, node: ast.AST) -> None:
        if b"#" in self._module.code(node):
            raise _Refused("comment-inside", "a comment stands inside the expression")

    def _call_instead(self, start: int, method: Method) -> list[Edit]:
        """Replace everything from `start` to the opening bracket of the subscript by the call's opening."""
        opening = re.compile(rb"[\s)\\]*\[").match(self._module.source.body, self._module.end(self._use.root))
        if opening is None or b"#" in self._module.source.body[start : opening.end()]:
            raise _Refused("comment-inside", "the subscript is written in an unusual way")
        return [Edit(start, opening.end(), _PLACEHOLDER + b"." + method.name.encode() + b"(")]

    def _closing(self, subscript: ast.Subscript) -> Edit:
        end = self._module.end(subscript)
        return Edit(end - 1, end, b")")

    def _done(self, applicability: Applicability, edits: list[Edit], message: str) -> None:
        self._site.edits, self._site.applicability, self._site.message = tuple(edits), applicability, message


def _check_text(module: Module, use: Use) -> None:
    """Hold the node's position against the text: inside f-strings old Pythons get it wrong."""
    name, body = use.reference.node, module.source.body
    spelled = name.id.encode()
    if hasattr(name, "lineno") and module.source.is_ascii and body[module.start(name) :][: len(spelled)] != spelled:
        raise _Refused("odd-position", "the position in the f-string is not known")
    if prints_itself(module, use.root):
        raise _Refused("fstring-debug", 'f"{x=}" prints its own source')


_BUILDERS: Mapping[str, Callable[[_Builder], None]] = {
    "get": _Builder.get,
    "lookup": _Builder.lookup,
    "set": _Builder.assign,
    "delete": _Builder.delete,
    "contains": _Builder.contains,
    "copy": _Builder.copy,
}
_KINDS = {"store": "set", "delete-several": "delete"}


def _coupling_key(use: Use) -> str | None:
    """How a use is coupled with others; `=NAME` for a literal one."""
    if isinstance(use.key, str):
        return f"={use.key}"
    if use.kind == "iterate":
        return ALL_READ
    return {Key.COMPUTED: COMPUTED, Key.ANY_WRITTEN: ANY_WRITTEN, Key.NONE: None}[use.key]


def _is_open(method: Method) -> bool:
    """Whether the default's annotation admits anything: none, Any, object or a type variable."""
    annotation = method.default.annotation if method.default else ""
    return not re.search(r"\bstr\b", annotation) or re.search(r"\b(?:Any|object|[A-Z]|_?T)\b", annotation) is not None


def _is_never_str(module: Module, value: ast.expr) -> bool:
    """Whether a value is known to be no str, from its form alone."""
    match value:
        case ast.Constant(value=constant):
            return not isinstance(constant, str)
        case ast.Call(func=ast.Name(id=name)):
            return name in _NOT_STR_CALLS
        case ast.UnaryOp(op=op, operand=operand):
            return isinstance(op, ast.Not) or _is_never_str(module, operand)
        case ast.Tuple():  # or a string of newer syntax, which was read as one
            return (module.start(value), module.end(value)) not in module.parsed.strings
    return isinstance(value, (*_NOT_STR, ast.Lambda, ast.Compare))


def _exempt_lines(module: Module, options: Options) -> list[tuple[int, str]]:
    """The lines whose comments hold one of the project's own exemption markers."""
    return sorted((line, marker) for marker in options.exempt_comments for line, _ in module.comments(marker))


_PATCHED = re.compile(
    rb"\.(?:setenv|delenv)\(\s*(?:\"(?P<a>[^\"\r\n]+)\"|'(?P<b>[^'\r\n]+)'|(?P<computed>[^\s\"']))"
    rb"|\(\s*['\"]os\.(?:environ|getenv)\b|\bload_dotenv\s*\("
)


def _check_patches(use: Use, foreign: set[str]) -> None:
    """Refuse a use whose variable the file writes past os.environ's own operations."""
    if foreign and (use.key in foreign or "*" in foreign or isinstance(use.key, Key)):
        raise _Refused("mixed-key", "this file changes the process environment by other means (patches, load_dotenv)")


def _foreign_writes(module: Module) -> set[str]:
    """The variables that a file writes past os.environ's own operations; `*` for any."""
    found = set()
    for match in _PATCHED.finditer(module.source.body):
        name = match["a"] or match["b"]
        found.add(name.decode() if name else "*")
    return found


def without_accessor(name: str, uses: list[Use]) -> list[Site]:
    """The uses in a file that no accessor is known for."""
    refusal = Refusal("no-accessor", "no accessor is known for this path")
    return [
        Site(name, use.node, _KINDS.get(use.kind, use.kind), refusal.message, Applicability.MANUAL, refusal)
        for use in uses
    ]
