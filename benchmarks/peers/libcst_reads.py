"""Reads of the environment through the accessor: the codemod for LibCST's own runner, as its documentation teaches."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst
from libcst.codemod import VisitorBasedCodemodCommand
from libcst.codemod.visitors import AddImportsVisitor, RemoveImportsVisitor
from libcst.metadata import ExpressionContext, ExpressionContextProvider, PositionProvider, QualifiedNameProvider


class ReadsCommand(VisitorBasedCodemodCommand):
    """`os.getenv`, `os.environ.get` and `os.environ[...]`, found by qualified name."""

    METADATA_DEPENDENCIES = (QualifiedNameProvider, ExpressionContextProvider, PositionProvider)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        if not self._means(original_node.func, "os.getenv", "os.environ.get"):
            return updated_node
        return self._through_accessor(original_node, updated_node.args)

    def leave_Subscript(self, original_node: cst.Subscript, updated_node: cst.Subscript) -> cst.BaseExpression:
        context = self.get_metadata(ExpressionContextProvider, original_node, None)
        if context is not ExpressionContext.LOAD or not self._means(original_node.value, "os.environ"):
            return updated_node
        self._report(original_node)
        return updated_node.with_changes(value=cst.parse_expression("get_env()"))

    def _means(self, node: cst.CSTNode, *names: str) -> bool:
        meanings = self.get_metadata(QualifiedNameProvider, node, set())
        return any(meaning.name in names for meaning in meanings)

    def _through_accessor(self, node: cst.Call, arguments: Sequence[cst.Arg]) -> cst.Call:
        self._report(node)
        return cst.Call(cst.parse_expression("get_env().get"), arguments)

    def _report(self, node: cst.CSTNode) -> None:
        line = self.get_metadata(PositionProvider, node).start.line
        self.warn(f"{self.context.filename}:{line}:")
        AddImportsVisitor.add_needed_import(self.context, "shared.isolated_environment", "get_env")
        RemoveImportsVisitor.remove_unused_import(self.context, "os")
