"""Standard streams that are replaced by wrappers, and the `reconfigure` that does what the wrapper was for."""

from __future__ import annotations

import ast
import codecs
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from codemods.utf8_streams.reasons import Refused
from ssot_fix.bindings import Module, Reference, Scope
from ssot_fix.callees import Use, uses
from ssot_fix.edits import Edit, Refusal
from ssot_fix.project.resolver import Project

STREAMS = ("stdin", "stdout", "stderr")
_OPTIONS = ("errors", "newline", "line_buffering", "write_through")
_OPENS = {"builtins.open", "io.open", "os.fdopen"}
_CODECS = {"codecs.getwriter", "codecs.getreader"}
# The references that go with a wrapper, and perhaps with them the import.
_LOST = ("io.", "codecs.")


@dataclass(frozen=True, slots=True)
class Replacement:
    """A place that replaces a standard stream.

    `text` is the statement for it, with a tab for each level, `edit` what puts it there; `lost` are the uses of
    `io` and `codecs` that go. `refusal` says why there is none.
    """

    node: ast.AST
    stream: str
    text: str = ""
    edit: Edit | None = None
    lost: tuple[Reference, ...] = ()
    scope: Scope | None = None
    refusal: Refusal | None = None


def replacements(module: Module, project: Project, unit: Callable[[str], str]) -> list[Replacement]:
    """Every place of a module that replaces a standard stream, in the order of the source.

    `unit` gives one more level of indentation for a text that is indented so.
    """
    found = uses(module, project)
    # Of what a name may stand for, the one that comes first: `sys` itself, where that is among them.
    paths = {use.node: use.path for use in reversed(found)}
    places: list[Replacement] = []
    claimed: set[ast.AST] = set()
    for use in found:
        assign = module.parents[use.node]
        while isinstance(assign, ast.Tuple | ast.List):
            assign = module.parents[assign]
        if _stream_of(use.path) and isinstance(assign, ast.Assign) and use.node in _targets(assign):
            if assign not in claimed and _is_wrapped(assign.value, paths):
                places.append(_replacement(module, assign, use, found, unit))
            claimed.add(assign)
    inside = {node for assign in claimed for node in ast.walk(assign)}
    places += _detached(module, found, inside)
    return sorted(places, key=lambda place: module.start(place.node))


def _stream_of(path: str) -> bool:
    return path.removeprefix("sys.") in STREAMS and path.startswith("sys.")


def _targets(assign: ast.Assign) -> list[ast.expr]:
    return [e for t in assign.targets for e in (t.elts if isinstance(t, ast.Tuple | ast.List) else [t])]


def _is_wrapped(value: ast.expr, paths: Mapping[ast.expr, str]) -> bool:
    """Whether what is assigned is made from a standard stream: its buffer, its descriptor, itself."""
    names = (paths.get(node, "") for node in ast.walk(value) if isinstance(node, ast.expr))
    is_call = any(isinstance(node, ast.Call) for node in ast.walk(value))
    return is_call and any(path.startswith(("sys.std", "sys.__std")) for path in names)


def _detached(module: Module, found: Sequence[Use], inside: set[ast.AST]) -> Iterator[Replacement]:
    """`sys.stdout.detach()` that no replacement of the stream holds: what is left of it can't be used."""
    for use in found:
        stream = use.path.removeprefix("sys.").removesuffix(".detach")
        is_detached = use.path == f"sys.{stream}.detach" and stream in STREAMS
        if is_detached and use.call is not None and use.node not in inside:
            refusal = Refusal("unclear-replacement", f"`sys.{stream}` can't be used once it is detached")
            yield Replacement(use.call, stream, refusal=refusal)


def _replacement(
    module: Module, assign: ast.Assign, use: Use, found: Sequence[Use], unit: Callable[[str], str]
) -> Replacement:
    place = Replacement(assign, use.path.removeprefix("sys."), scope=use.reference.scope)
    inside = set(ast.walk(assign.value))
    lost = tuple(u.reference for u in found if u.node in inside and u.path.startswith(_LOST))
    try:
        options = _options(module, assign, use, {each.node: each.path for each in reversed(found)})
        target = module.code(use.node).decode()
        text = f'if hasattr({target}, "reconfigure"):\n\t{target}.reconfigure({options})'
        return replace(place, text=text, edit=_edit(module, assign, text, unit), lost=lost)
    except Refused as refused:
        return replace(place, refusal=refused.refusal)


def _options(module: Module, assign: ast.Assign, use: Use, paths: Mapping[ast.expr, str]) -> str:
    """The arguments of `reconfigure` that do what a wrapper does. Raises Refused."""
    if len(assign.targets) != 1 or assign.targets[0] is not use.node:
        raise Refused("unclear-replacement", "several things are assigned at once")
    if len(module.code(use.node).splitlines()) > 1:
        raise Refused("odd-layout", "the target stands on several lines")
    if use.ambiguous:
        raise Refused("ambiguous-binding", f"`{use.reference.node.id}` is bound in several ways")
    value = assign.value
    path = paths.get(value.func, "") if isinstance(value, ast.Call) else ""
    names: tuple[str, ...] = ()
    if path == "io.TextIOWrapper":
        names = ("buffer", "encoding", *_OPTIONS)
    elif path in _OPENS:
        names = ("file", "mode", "buffering", "encoding", "errors", "newline", "closefd")
    elif isinstance(value, ast.Call) and isinstance(value.func, ast.Call):
        names = ("stream", "errors") if paths.get(value.func.func) in _CODECS else ()
    if not names or not isinstance(value, ast.Call):
        raise Refused("unclear-replacement", f"`{use.path}` is wrapped by something out of the ordinary")
    given = _given(value, names)
    _check_source(given.get(names[0]), use.path.removeprefix("sys."), paths)
    return _spelled(module, given | (_given(value.func, ("encoding",)) if isinstance(value.func, ast.Call) else {}))


def _given(call: ast.Call, names: Sequence[str]) -> dict[str, ast.expr]:
    """The arguments of a call by name."""
    starred = any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords)
    if starred or len(call.args) > len(names):
        raise Refused("unclear-replacement", "the arguments are unpacked")
    given = dict(zip(names, call.args, strict=False))
    return given | {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}


def _check_source(node: ast.expr | None, stream: str, paths: Mapping[ast.expr, str]) -> None:
    """Demand that a wrapper is around the stream that it replaces."""
    called = node.func if isinstance(node, ast.Call) and not node.args else node
    path = paths.get(called, "") if called is not None else ""
    own = {f"sys.{name}{end}" for name in (stream, f"__{stream}__") for end in ("", ".buffer", ".detach", ".fileno")}
    if path not in own:
        raise Refused("unclear-replacement", f"what is wrapped is not `sys.{stream}` itself")


def _spelled(module: Module, given: dict[str, ast.expr]) -> str:
    encoding = given.get("encoding")
    if encoding is not None and not _is_utf8(encoding):
        raise Refused("other-encoding", f"the encoding is {module.code(encoding).decode()}")
    mode, buffering = given.get("mode"), given.get("buffering")
    if mode is not None and not (isinstance(mode, ast.Constant) and "b" not in str(mode.value)):
        raise Refused("unclear-replacement", "the stream is, or may be, opened for bytes")
    options = ['encoding="utf-8"']
    for name in _OPTIONS:
        value = given.get(name)
        if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
            if not isinstance(value, ast.Constant):
                raise Refused("unclear-replacement", f"`{name}` is known only at run time")
            if len(module.code(value).splitlines()) > 1:
                raise Refused("odd-layout", f"`{name}` stands on several lines")
            options.append(f"{name}={module.code(value).decode()}")
    if isinstance(buffering, ast.Constant) and buffering.value == 1:
        options.append("line_buffering=True")
    return ", ".join(options)


def _is_utf8(node: ast.expr) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    try:
        return codecs.lookup(node.value).name == "utf-8"
    except LookupError:
        return False


def _edit(module: Module, assign: ast.Assign, text: str, unit: Callable[[str], str]) -> Edit:
    """Put a statement of two lines where one stands alone on its line."""
    source, start, end = module.source, module.start(assign), module.end(assign)
    line_start = source.line_starts[assign.lineno - 1]
    indent = source.body[line_start:start]
    rest = source.body[end : source.line_end(source.line_of(end))].strip()
    joined = source.body[:line_start].rstrip(b"\r\n").endswith(b"\\")
    if indent.strip(b" \t\f") or joined or (rest and not rest.startswith(b"#")):
        raise Refused("odd-layout", "other code stands on the same line")
    if b"#" in module.code(assign):
        raise Refused("odd-layout", "a comment may stand inside the statement")
    shown = indent.lstrip(b"\f").decode()
    newline = source.newline_near(start)
    return Edit(start, end, text.replace("\t", unit(shown)).replace("\n", newline + shown).encode())
