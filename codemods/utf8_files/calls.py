"""Where a module opens text, and whether it says in which encoding."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from codemods.utf8_files.openers import FUNCTIONS, METHODS, Opener
from codemods.utf8_files.receivers import receiver_kinds
from ssot_fix.bindings import Module
from ssot_fix.callees import Use, uses
from ssot_fix.edits import Refusal
from ssot_fix.project.resolver import Project

_ANY_METHOD = frozenset(method for _, method in METHODS)
_MODE = re.compile(r"[rwxa][btU+]{0,3}|[bt][rwxa]\+?")
_STREAM = re.compile(r"__std(?:in|out|err)__|std(?:in|out|err)")
# Stands for the opener of a method whose receiver is unknown.
_LOOKS_LIKE_A_PATH = {method: METHODS["path", method] for kind, method in METHODS if kind == "path"}


@dataclass(frozen=True, slots=True)
class Opening:
    """A place that opens text, or may; `call` is None where an opener is only handed on.

    `refusal` says what stands against an encoding, if something does; `is_named`: there is one already.
    """

    node: ast.expr
    call: ast.Call | None
    opener: Opener
    refusal: Refusal | None = None
    is_named: bool = False


def seeds(raw: bytes, importing: bytes | None = None) -> frozenset[str]:
    """The names that a module has to know for its openings: what opens text, as far as the file spells it.

    `importing` holds all of its imports, if they were looked for already.
    """
    importing = raw if importing is None else importing
    words = {"open"} | {name for name in ("read_text", "write_text") if name.encode() in raw}
    if b"ConfigParser" in raw:
        words.add("read")
    for path in FUNCTIONS:
        top, *parts = path.split(".")
        if top.encode() in importing and parts[-1].encode() in raw:
            words |= {top, *parts[:-1]}
            if b"from " + top.encode() in importing:
                words |= {part for part in parts if part.encode() in importing or b"*" in importing}
    return frozenset(words)


def openings(module: Module, project: Project) -> list[Opening]:
    """Every place of a module that opens text without saying in which encoding, outer ones first."""
    return [opening for opening in all_openings(module, project) if not opening.is_named]


def all_openings(module: Module, project: Project) -> list[Opening]:
    """Every place of a module that opens text, also those that say in which encoding, outer ones first."""
    found: dict[ast.AST, Opening] = {}
    known: set[ast.AST] = set()
    used = [use for use in uses(module, project) if use.path in FUNCTIONS]
    replaced = {use.path for use in used if not isinstance(getattr(use.node, "ctx", None), ast.Load)}
    for use in used:
        known.add(use.node)
        for opening in _used(module, use, FUNCTIONS[use.path]):
            found[opening.node] = _if_not(opening, use.path in replaced, use.path)
    found |= {opening.node: opening for opening in _methods(module, project, known)}
    return sorted(found.values(), key=lambda opening: (module.start(opening.node), -module.end(opening.node)))


def _if_not(opening: Opening, is_replaced: bool, name: str) -> Opening:
    """The same opening, refused if the file puts something else in place of what opens it."""
    if not is_replaced:
        return opening
    return replace(opening, refusal=Refusal("ambiguous-binding", f"the file puts something else in place of `{name}`"))


def _used(module: Module, use: Use, opener: Opener) -> Iterator[Opening]:
    if use.call is None:
        yield from _handed_on(module, use.path, use.node, opener)
    for opening in _judged(module, use.call, opener) if use.call is not None else ():
        refusal = Refusal("ambiguous-binding", f"`{use.reference.node.id}` is bound in several ways")
        yield replace(opening, refusal=refusal) if use.ambiguous else opening


def _handed_on(module: Module, path: str, node: ast.expr, opener: Opener) -> Iterator[Opening]:
    """`map(open, names)`, `partial(open, mode="w")`: other uses than a call of the function `open`."""
    parent = module.parents[node]
    passed = isinstance(parent, ast.Call | ast.keyword) or (isinstance(parent, ast.Assign) and parent.value is node)
    switched = isinstance(parent, ast.Call) and any(keyword.arg in opener.switches for keyword in parent.keywords)
    if passed and (path in {"builtins.open", "io.open"} or switched):
        yield Opening(node, None, opener, Refusal("handed-on", f"`{path.rpartition('.')[2]}` is handed on"))


def _methods(module: Module, project: Project, known: set[ast.AST]) -> Iterator[Opening]:
    """The methods of paths and the like."""
    calls: list[tuple[ast.Attribute, ast.Call]] = []
    for node in module.attributes:
        call = module.parents.get(node)
        if node.attr in _ANY_METHOD and node not in known and isinstance(call, ast.Call) and call.func is node:
            calls.append((node, call))
    replaced = {
        node.attr for node in module.attributes if not isinstance(node.ctx, ast.Load) and _is_class(node.value)
    }
    kinds = receiver_kinds(module, project, [node.value for node, _ in calls])
    for node, call in calls:
        kind = kinds[node.value]
        if kind is None:
            yield from _unknown(module, node, call)
        elif (opener := METHODS.get((kind, node.attr))) is not None:
            for opening in _judged(module, call, opener):
                yield _if_not(opening, node.attr in replaced, f"Path.{node.attr}")


def _is_class(node: ast.expr) -> bool:
    """Whether an expression names a class by its looks: `Path`, `pathlib.Path`."""
    return (
        isinstance(node, ast.Name | ast.Attribute)
        and (node.id if isinstance(node, ast.Name) else node.attr)[:1].isupper()
    )


def _unknown(module: Module, node: ast.Attribute, call: ast.Call) -> Iterator[Opening]:
    """A method that only looks like that of a path."""
    opener = _LOOKS_LIKE_A_PATH.get(node.attr)
    if opener is None or (node.attr == "open" and not _looks_like_open(module, call)):
        return
    shown = module.code(node.value).decode(errors="replace").split("\n")[0][:40]
    refusal = Refusal("unknown-receiver", f"`{shown}` may be a path, or something else")
    for opening in _judged(module, call, opener):
        yield replace(opening, refusal=opening.refusal or refusal)


def _looks_like_open(module: Module, call: ast.Call) -> bool:
    """Whether a call of some `.open` is written as one of a path would be: a mode first, or nothing in a `with`."""
    if not call.args and not call.keywords:
        return isinstance(module.parents[call], ast.withitem)
    mode = _argument(call, "mode", 0)
    return isinstance(mode, ast.Constant) and isinstance(mode.value, str) and _MODE.fullmatch(mode.value) is not None


def _judged(module: Module, call: ast.Call, opener: Opener) -> Iterator[Opening]:
    """A call that means text, with what stands against giving it an encoding; nothing for any other."""
    place = opener.parameters.index("encoding") if "encoding" in opener.parameters else None
    encoding = _argument(call, "encoding", place)
    starred = any(isinstance(argument, ast.Starred) for argument in call.args)
    unpacked = [keyword.value for keyword in call.keywords if keyword.arg is None]
    if encoding is not None and not starred:
        yield from _named(module, call, opener, encoding)
        return
    if encoding is not None or any("encoding" in _keys(value) for value in unpacked) or _wraps_stream(module, call):
        return
    is_text = _is_text(module, call, opener)
    if is_text is False or (is_text is None and opener.switches and not _is_switched(call, opener)):
        return
    yield Opening(call, call, opener, _against(call, opener, is_text, starred or not all(map(_is_literal, unpacked))))


def _named(module: Module, call: ast.Call, opener: Opener, encoding: ast.expr) -> Iterator[Opening]:
    """A call with an encoding; for a process, that alone means text."""
    is_text = _is_text(module, call, opener) is not False
    if isinstance(encoding, ast.Constant) and encoding.value is None:
        if is_text:
            yield Opening(call, call, opener, Refusal("encoding-none", "encoding=None: the locale's, on purpose"))
    elif (is_text or opener.kind == "subprocess") and not _wraps_stream(module, call):
        yield Opening(call, call, opener, is_named=True)


def _against(call: ast.Call, opener: Opener, is_text: bool | None, is_unpacked: bool) -> Refusal | None:
    if is_unpacked:
        return Refusal("star-arguments", "the arguments are unpacked")
    if is_text is None:
        return Refusal("computed-mode", "whether this is text is known only at run time")
    if opener.hook and any(keyword.arg == opener.hook for keyword in call.keywords):
        return Refusal("open-hook", f"`{opener.hook}` opens the files")
    return None


def _is_switched(call: ast.Call, opener: Opener) -> bool:
    """Whether a call names a switch, however it is set."""
    return any(_argument(call, name, _place(opener, name)) is not None for name in opener.switches)


def _is_text(module: Module, call: ast.Call, opener: Opener) -> bool | None:
    """Whether a call opens text; None if that is known only at run time."""
    if opener.switches and (is_on := _any_on(call, opener)) is not True:
        return is_on
    if opener.mode is None:
        return True
    mode = _argument(call, opener.mode_name, _place(opener, opener.mode_name))
    if mode is None:
        modes: frozenset[str] | None = frozenset({opener.mode})
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            return None
        if any(opener.mode_name in _keys(keyword.value) for keyword in call.keywords if keyword.arg is None):
            return None
    else:
        modes = _modes(mode)
    if modes is None:
        return None
    kinds = {opener.is_text(mode) for mode in modes}
    return kinds.pop() if len(kinds) == 1 else None


def _any_on(call: ast.Call, opener: Opener) -> bool | None:
    """Whether one of the switches is on: true, or for `errors` and `filename` given at all."""
    states: set[bool | None] = {True for name in opener.switches for value in _unpacked(call, name) if value}
    for name in opener.switches:
        value = _argument(call, name, _place(opener, name))
        if value is None:
            continue
        if isinstance(value, ast.Constant):
            states.add(value.value is not None if name == "filename" else bool(value.value))
        else:
            states.add(True if name == "filename" or isinstance(value, ast.JoinedStr) else None)
    if True in states:
        return True
    unknown = any(keyword.arg is None and not _is_literal(keyword.value) for keyword in call.keywords)
    return None if None in states or unknown else False


def _unpacked(call: ast.Call, name: str) -> Iterator[object]:
    """The constants that a mapping which is unpacked there, spelled out, gives a keyword."""
    for keyword in call.keywords:
        match keyword:
            case ast.keyword(arg=None, value=ast.Dict(keys=keys, values=values)):
                pairs = zip(keys, values, strict=True)
                yield from (v.value for k, v in pairs if _is_text_of(k, name) and isinstance(v, ast.Constant))
            case ast.keyword(arg=None, value=ast.Call(func=ast.Name(id="dict"), args=[], keywords=given)):
                yield from (k.value.value for k in given if k.arg == name and isinstance(k.value, ast.Constant))


def _is_text_of(node: ast.expr | None, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def _modes(node: ast.expr) -> frozenset[str] | None:
    """The modes that an expression may stand for; None if they are known only at run time."""
    match node:
        case ast.Constant(value=str(mode)):
            return frozenset({mode})
        case ast.IfExp(body=body, orelse=orelse):
            one, other = _modes(body), _modes(orelse)
            return one | other if one is not None and other is not None else None
    return None


def _place(opener: Opener, name: str) -> int | None:
    return opener.parameters.index(name) if name in opener.parameters else None


def _argument(call: ast.Call, name: str, place: int | None) -> ast.expr | None:
    """An argument by keyword, or by position in front of all that is unpacked; None if it isn't there."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if place is None or place >= len(call.args):
        return None
    if any(isinstance(argument, ast.Starred) for argument in call.args[: place + 1]):
        return None
    return call.args[place]


def _keys(node: ast.expr) -> frozenset[str]:
    """The keys that are spelled out in a mapping that is unpacked."""
    match node:
        case ast.Dict(keys=keys):
            return frozenset(key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
        case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
            return frozenset(keyword.arg for keyword in keywords if keyword.arg is not None)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _keys(left) | _keys(right)
    return frozenset()


def _is_literal(node: ast.expr) -> bool:
    """Whether all keys of a mapping that is unpacked are spelled out."""
    match node:
        case ast.Dict(keys=keys):
            return all(isinstance(key, ast.Constant) for key in keys)
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            return all(keyword.arg is not None for keyword in keywords)
    return False


def _wraps_stream(module: Module, call: ast.Call) -> bool:
    """Whether a call replaces a standard stream by a wrapper of it, which is utf8-streams' to mend."""
    parent = module.parents[call]
    if not isinstance(parent, ast.Assign) or parent.value is not call:
        return False
    return any(map(_is_stream, parent.targets)) and any(map(_is_stream, ast.walk(call)))


def _is_stream(node: ast.AST) -> bool:
    is_owned = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id.endswith("sys")
    return is_owned and isinstance(node, ast.Attribute) and _STREAM.fullmatch(node.attr) is not None
