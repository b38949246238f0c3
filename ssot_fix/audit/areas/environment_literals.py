"""Names given for that of a variable, and the literals that they stand for: `KEY = "PORT"`, `for key in (...)`.

Only what the file alone tells counts: a name that is bound once, or by the loop around its use, to a literal or to the
elements of one that nothing may change.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ssot_fix.audit.text import Text
from ssot_fix.bindings import Binding, Module

Literals = Mapping[ast.expr, tuple[str, ...]]
_MOST = 200  # bindings of a name, and elements of a literal; what has more is data
_LISTED = ast.Tuple | ast.List | ast.Set
_READING = {"len", "print", "sorted", "list", "tuple", "set", "dict", "enumerate", "zip", "any", "all", "str", "repr"}
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_LOOPS = ast.For | ast.AsyncFor | ast.comprehension
_READERS = _COMPREHENSIONS | _LOOPS | ast.Compare | ast.FormattedValue | ast.If | ast.BoolOp | ast.UnaryOp


def literals(text: Text, keys: Iterable[ast.expr]) -> Literals:
    """What each of some expressions may stand for, in the order of the file; those that may be something else are out.

    Raises UnreadableText, Unparseable.
    """
    wanted = [key for key in keys if _owner(key) is not None]
    names = {name for key in wanted for name in (_owner(key), getattr(key, "attr", None)) if name is not None}
    if not wanted:
        return {}
    module = text.module(names)
    if listed := {each.id for each in _iterated(module) if isinstance(each, ast.Name)}:
        module = text.module(listed | names)
    names_of = _Names(module)
    found = {key: names_of.meant(key) for key in wanted}
    return {key: values for key, values in found.items() if values}


def _owner(key: ast.expr) -> str | None:
    """The name that an expression is, or of whose attribute it is."""
    name = key.value if isinstance(key, ast.Attribute) else key
    return name.id if isinstance(name, ast.Name) else None


def _iterated(module: Module) -> Iterator[ast.expr]:
    """What loops go through whose variables are names of interest."""
    for scope in module.scopes:
        for bindings in scope.bindings.values():
            for binding in bindings:
                if (found := _loop(module, binding.node)) is not None:
                    yield found


class _Names:
    """What names of a module stand for."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._scopes = {reference.node: reference.scope for reference in module.references}
        self._bodies = {scope.node: scope for scope in module.scopes if scope.kind == "class"}
        self._set = {each.attr for each in module.attributes if not isinstance(each.ctx, ast.Load)}
        self._changed = {node.id for node in self._scopes if not _only_reads(module, node)}

    def meant(self, key: ast.expr) -> tuple[str, ...]:
        """The literals that a name, or an attribute of one, stands for; none if it may be anything else."""
        name = key.value if isinstance(key, ast.Attribute) else key
        bindings = self._bindings(name)
        if not isinstance(name, ast.Name) or not bindings:
            return ()
        around = _of_loop_around(self._module, name, bindings)
        binding = around or (bindings[0] if len(bindings) == 1 else None)
        if binding is None:
            return ()
        values = self._of_class(key.attr, binding) if isinstance(key, ast.Attribute) else self._values(binding)
        return tuple(dict.fromkeys(values))

    def _bindings(self, name: ast.expr) -> Sequence[Binding]:
        """All that a name may stand for; nothing if there may be more, or others, than can be seen."""
        module = self._module
        if not isinstance(name, ast.Name) or name not in self._scopes or name.id in module.declared:
            return ()
        if module.strings_run_as_code or module.parsed.hides(name.id, module.start(name)):
            return ()
        found = module.lookup(name.id, self._scopes[name])
        # What stands in a class body may be read before it is bound there.
        if found is None or found.kind == "class" or (found is module.root and module.star_imports):
            return ()
        bindings = found.bindings[name.id]
        return bindings if len(bindings) <= _MOST else ()

    def _of_class(self, attribute: str, binding: Binding) -> tuple[str, ...]:
        """The literal that an attribute of a class of the file is, if only the class's own body assigns it."""
        body = self._bodies.get(binding.node)
        held = body.bindings.get(attribute, []) if body is not None and attribute not in self._set else []
        value = _assigned(self._module, held[0].node) if len(held) == 1 else None
        return _strings([value]) if value is not None else ()

    def _values(self, binding: Binding) -> tuple[str, ...]:
        if binding.kind != "assign" or not isinstance(binding.node, ast.Name):
            return ()
        if (listed := _loop(self._module, binding.node)) is not None:
            return _strings(self._elements(listed))
        value = _assigned(self._module, binding.node)
        return _strings([value]) if value is not None else ()

    def _elements(self, listed: ast.expr) -> list[ast.expr | None]:
        """The elements of a literal, or of the only one that a name stands for."""
        if isinstance(listed, ast.Name):
            bindings = self._bindings(listed)
            only = _assigned(self._module, bindings[0].node) if len(bindings) == 1 else None
            stays = isinstance(only, ast.Tuple) or listed.id not in self._changed
            return self._elements(only) if stays and isinstance(only, _LISTED | ast.Dict) else [None]
        elements = listed.keys if isinstance(listed, ast.Dict) else getattr(listed, "elts", [None])
        return [*elements] if len(elements) <= _MOST else [None]


def _only_reads(module: Module, name: ast.Name) -> bool:
    """Whether a use of a list or mapping leaves it as it is, and hands it to nobody who might not."""
    match parent := module.parents.get(name):
        case ast.Attribute(attr="items" | "keys" | "values" | "get" | "copy"):
            return isinstance(module.parents.get(parent), ast.Call)
        case ast.Subscript(ctx=ast.Load()):
            return True
        case ast.Call(func=ast.Name(id=function)):
            return function in _READING
    return isinstance(parent, _READERS)


def _of_loop_around(module: Module, name: ast.Name, bindings: Sequence[Binding]) -> Binding | None:
    """The binding by the loop in whose body a name is used, if nothing else in the loop binds it."""
    for loop in module.ancestors(name):
        if isinstance(loop, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            return None
        if isinstance(loop, ast.For | ast.AsyncFor) and module.start(loop.body[0]) <= module.start(name):
            start, end = module.start(loop), module.end(loop.body[-1])
            inside = [each for each in bindings if start <= module.start(each.node) < module.end(loop)]
            if inside and module.start(name) < end:
                is_target = _target_of(module, inside[0].node)[1] is loop
                return inside[0] if len(inside) == 1 and is_target else None
    return None


def _assigned(module: Module, node: ast.AST) -> ast.expr | None:
    """What alone is assigned to a name, by the name's node."""
    match module.parents.get(node):
        case ast.Assign(targets=[target], value=value) if target is node:
            return value
        case ast.AnnAssign(target=target, value=value) if target is node:
            return value
    return None


def _loop(module: Module, node: ast.AST) -> ast.expr | None:
    """What a name goes through one by one, by the name's node; of pairs those whose first part it is."""
    is_first, loop = _target_of(module, node)
    if loop is None:
        return None
    match loop.iter:
        case ast.Call(func=ast.Attribute(value=mapping, attr=attr), args=[], keywords=[]):
            return mapping if attr == ("items" if is_first else "keys") else loop.iter
    return None if is_first else loop.iter


def _target_of(module: Module, node: ast.AST) -> tuple[bool, ast.For | ast.AsyncFor | ast.comprehension | None]:
    """The loop whose target a name is, or the first of the two names that are; and whether it is one of two."""
    parent = module.parents.get(node)
    is_first = isinstance(parent, ast.Tuple) and parent.elts[0] is node and len(parent.elts) == 2
    target, loop = (parent, module.parents.get(parent)) if is_first and parent is not None else (node, parent)
    # The first loop of a comprehension is visited as part of the whole.
    loop = loop.generators[0] if isinstance(loop, _COMPREHENSIONS) else loop
    return is_first, loop if isinstance(loop, _LOOPS) and loop.target is target else None


def _strings(nodes: Iterable[ast.expr | None]) -> tuple[str, ...]:
    """The values of string literals; none if there is anything else."""
    values = [node.value if isinstance(node, ast.Constant) else None for node in nodes]
    strings = [value for value in values if isinstance(value, str)]
    return tuple(strings) if len(strings) == len(values) else ()
