"""Whether a subscript read runs only if the same literal key is there, so that it can't raise KeyError."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from codemods.isolated_environment.uses import Key, Use, argument
from ssot_fix.bindings import Module
from ssot_fix.statements import blocks

_STOPS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp)
_LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)


class Guards:
    """Answers for one module; `uses` are all its uses of the environment."""

    def __init__(self, module: Module, uses: list[Use]) -> None:
        self._module = module
        self._uses: Mapping[ast.AST, Use] = {use.node: use for use in uses if not use.ambiguous}
        self._changes = [use for use in uses if use.kind in {"delete", "pop", "clear", "popitem", "putenv", "alias"}]
        self._changes += [use for use in uses if use.kind in {"pass", "delete-several", "patch", "indirect"}]

    def protects(self, use: Use) -> bool:
        """Whether the key of a use is known to be there."""
        inner: ast.AST = use.node
        for ancestor in self._module.ancestors(use.node):
            test = self._test_above(ancestor, inner, str(use.key))
            if test is not None:
                return not self._changed_between(test, use)
            if isinstance(ancestor, _STOPS):
                return False
            inner = ancestor
        return False

    def _test_above(self, ancestor: ast.AST, inner: ast.AST, key: str) -> ast.AST | None:
        """The test in `ancestor` that only lets `inner` run if the key is there."""
        match ancestor:
            case ast.IfExp(test=test, body=body, orelse=orelse):
                if (body is inner and self._present(test, key)) or (orelse is inner and self._absent(test, key)):
                    return test
            case ast.BoolOp(op=op, values=values) if inner in values:
                told = self._present if isinstance(op, ast.And) else self._absent
                return next((v for v in values[: values.index(inner)] if told(v, key)), None)
            case ast.If(test=test) | ast.While(test=test):
                if inner in ancestor.body and self._present(test, key):
                    return test
                if inner in ancestor.orelse and self._absent(test, key) and isinstance(ancestor, ast.If):
                    return test
        return self._early_exit(ancestor, inner, key)

    def _early_exit(self, ancestor: ast.AST, inner: ast.AST, key: str) -> ast.AST | None:
        """An earlier `if KEY not in environ: return` or `assert KEY in environ` in the same block."""
        for block in blocks(ancestor):
            if inner not in block:
                continue
            for statement in block[: block.index(inner)]:
                match statement:
                    case ast.If(test=test, body=[*_, last], orelse=[]) if isinstance(last, _LEAVING):
                        if self._absent(test, key):
                            return test
        return None

    def _present(self, test: ast.expr, key: str) -> bool:
        """Whether a key is there if a test is true."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._absent(operand, key)
            case ast.BoolOp(op=ast.And(), values=values):
                return any(self._present(value, key) for value in values)
            case ast.BoolOp(op=ast.Or(), values=values):
                return all(self._present(value, key) for value in values)
            case ast.NamedExpr(value=value):
                return self._present(value, key)
            case ast.Compare(left=left, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
                return self._reads_or_none(left, key)
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[ast.Constant(value=str())]):
                return self._reads_or_none(left, key)
            case ast.Compare(ops=[ast.In()]):
                return self._is_membership(test, key)
        return self._reads_or_none(test, key)

    def _absent(self, test: ast.expr, key: str) -> bool:
        """Whether a key is there if a test is false."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._present(operand, key)
            case ast.BoolOp(op=ast.Or(), values=values):
                return any(self._absent(value, key) for value in values)
            case ast.Compare(left=left, ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
                return self._reads_or_none(left, key)
            case ast.Compare(ops=[ast.NotIn()]):
                return self._is_membership(test, key)
        return False

    def _is_membership(self, test: ast.expr, key: str) -> bool:
        use = self._uses.get(test)
        return use is not None and use.kind == "contains" and use.key == key

    def _reads_or_none(self, node: ast.expr, key: str) -> bool:
        """Whether an expression reads a key and is falsy, and None, if it is not there."""
        if isinstance(node, ast.NamedExpr):
            node = node.value
        use = self._uses.get(node)
        if use is None or use.kind != "get" or use.key != key or not isinstance(node, ast.Call):
            return False
        if len(node.args) + len(node.keywords) == 1:
            return True
        default = argument(node, 1, "default")
        return isinstance(default, ast.Constant) and default.value is None

    def _changed_between(self, test: ast.AST, use: Use) -> bool:
        """Whether something that may run between the test and the use may take the key away."""
        start, end = self._module.start(test), self._module.start(use.node)
        function, loops = self._function(use.node), self._loops(use.node, test)
        for change in self._changes:
            if change.key != use.key and not isinstance(change.key, Key):
                continue
            if self._function(change.node) is not function:
                return True  # it may be called in between
            if start < self._module.start(change.node) < end:
                return True
            if any(loop in self._module.ancestors(change.node) for loop in loops):
                return True
        return False

    def _function(self, node: ast.AST) -> ast.AST | None:
        return next((a for a in self._module.ancestors(node) if isinstance(a, _STOPS)), None)

    def _loops(self, node: ast.AST, test: ast.AST) -> list[ast.AST]:
        """The loops around a node that don't go through the test again."""
        tested = list(self._module.ancestors(test))
        looping = (ast.For, ast.AsyncFor, ast.While)
        return [a for a in self._module.ancestors(node) if isinstance(a, looping) and a not in tested]
