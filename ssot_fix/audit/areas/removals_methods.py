"""Uses of a method in one file, where bindings tell whose method it is; never by the attribute's name alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ssot_fix.bindings import Module, Reference

_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
_NO_BASES = frozenset({"object", "ABC", "abc.ABC"})  # those that bring no method


def meaning_of(module: Module, reference: Reference) -> str:
    """The dotted path that a name stands for by imports; empty if that is not sure."""
    targets = {
        module.absolute(each.target) if each.kind == "import" and each.target else ""
        for each in module.meanings(reference.node.id, reference.scope)
    }
    return targets.pop() if len(targets) == 1 else ""


class MethodUses:
    """Looks for `Class.method`, `self.method` in the class and its subclasses, and `x.method` of `x = Class()`.

    A subclass counts if it has no other base and does not bind the method's name itself.
    """

    def __init__(self, user: Module, module: str, around: str, method: str) -> None:
        """`around` is the class, qualified, of `module`; `user` the file that is looked through."""
        self._user = user
        self._dotted = f"{module}.{around}"
        self._around = around
        self._is_home = user.name == module
        self._method = method
        self._own: set[ast.AST] = set()  # the class
        self._subclasses: set[ast.AST] = set()
        self._calls: set[ast.AST] = set()  # that make an instance

    def all(self) -> Iterator[int]:
        """The lines."""
        self._note_classes()
        user = self._user
        instances = {name for call in self._calls for name in _bound_to(user.parents.get(call))}
        names = {*user.names, "self", "cls", "super", *instances}
        self._user = Module(user.path, user.name, user.source, user.parsed, names)
        for reference in self._user.references:
            node = self._receiver(reference)
            parent = self._user.parents.get(node) if node else None
            if isinstance(parent, ast.Attribute) and parent.attr == self._method:
                yield parent.end_lineno or parent.lineno

    def _note_classes(self) -> None:
        if self._is_home:
            body = self._user.tree.body
            self._own = {node for node in body if isinstance(node, ast.ClassDef) and node.name == self._around}
        for reference in self._user.references:
            node = self._class_at(reference)
            parent = self._user.parents.get(node) if node else None
            if node and isinstance(parent, ast.ClassDef) and self._is_plain_subclass(parent, node):
                self._subclasses.add(parent)
            elif isinstance(parent, ast.Call) and parent.func is node:
                self._calls.add(parent)

    def _is_plain_subclass(self, node: ast.ClassDef, base: ast.expr) -> bool:
        others = [each for each in node.bases if each is not base and ast.unparse(each) not in _NO_BASES]
        return base in node.bases and not others and not any(map(self._binds, ast.walk(node)))

    def _binds(self, node: ast.AST) -> bool:
        """Whether a node of a class may give it something of the method's name."""
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                return name in {self._method, "__getattr__", "__getattribute__"}
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                return name == self._method
            case ast.Name(id="setattr"):
                return True
        return False

    def _receiver(self, reference: Reference) -> ast.expr | None:
        """The expression that is the class or an instance of it, as far as it starts with a name."""
        match reference.node.id:
            case "super":
                return self._super(reference)
            case "self" | "cls":
                return reference.node if self._is_instance(reference) else None
        return self._class_at(reference) or (reference.node if self._is_made(reference) else None)

    def _class_at(self, reference: Reference) -> ast.expr | None:
        """A name that is the class, with the attributes that lead to it."""
        if self._is_home and reference.node.id == self._around:
            found = self._user.meanings(reference.node.id, reference.scope)
            return reference.node if [each.node in self._user.tree.body for each in found] == [True] else None
        node: ast.expr = reference.node
        path = meaning_of(self._user, reference)
        while path and path != self._dotted and self._dotted.startswith(f"{path}."):
            parent = self._user.parents.get(node)
            if not isinstance(parent, ast.Attribute):
                return None
            node, path = parent, f"{path}.{parent.attr}"
        return node if path == self._dotted else None

    def _is_instance(self, reference: Reference) -> bool:
        """Whether a name is the first parameter of a method of the class or of a subclass."""
        scope = self._user.lookup(reference.node.id, reference.scope)
        function = scope.node if scope else None
        if not isinstance(function, _FUNCTIONS) or scope is None or len(scope.bindings[reference.node.id]) != 1:
            return False
        first = [each.arg for each in (*function.args.posonlyargs, *function.args.args)][:1]
        is_static = any(ast.unparse(each) == "staticmethod" for each in function.decorator_list)
        return (
            first == [reference.node.id] and not is_static and self._class_of(function) in self._own | self._subclasses
        )

    def _class_of(self, function: ast.AST | None) -> ast.AST | None:
        """The node around a function."""
        return self._user.parents.get(function) if function else None

    def _super(self, reference: Reference) -> ast.expr | None:
        """`super()` in a method of a subclass."""
        call = self._user.parents.get(reference.node)
        functions = (each for each in self._user.ancestors(reference.node) if isinstance(each, _FUNCTIONS))
        is_in_subclass = self._class_of(next(functions, None)) in self._subclasses
        return call if isinstance(call, ast.Call) and not call.args and is_in_subclass else None

    def _is_made(self, reference: Reference) -> bool:
        """Whether all that a name is bound to is instances of the class."""
        found = self._user.meanings(reference.node.id, reference.scope)
        statements = [self._user.parents.get(each.node) for each in found if each.kind == "assign"]
        made = [isinstance(each, ast.Assign | ast.AnnAssign) and each.value in self._calls for each in statements]
        return bool(found) and len(made) == len(found) and all(made)


def _bound_to(statement: ast.AST | None) -> Iterator[str]:
    """The names that an assignment binds to its value as a whole."""
    match statement:
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
