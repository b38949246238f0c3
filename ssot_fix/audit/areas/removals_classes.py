"""Classes of the head with their bases: whether a class still has a method, and from where."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from codemods.stale_imports.shapes import brings, is_known
from ssot_fix.audit.areas.removals_losses import Range

Class = tuple[str, str]  # path and qualified name


class Classes:
    """Follows classes of the head to their bases."""

    def __init__(self, span: Range) -> None:
        self._span = span
        self._project = span.view.project

    def provider(self, path: str, name: str, method: str) -> Class | None:
        """The first class among a class and its bases that defines a method."""
        for at, base in self._line(path, name):
            head = self._span.head(at) if at else None
            if head and f"{base}.{method}" in head.definitions:
                return at, base
        return None

    def lacks(self, path: str, name: str, method: str) -> bool:
        """Whether a class surely has nothing of a method's name: no method, no attribute, no base out of sight."""
        setting = re.compile(rb"\b%b\b[^=\n(]*=(?!=)|__getattr|setattr\(" % re.escape(method.encode()))
        for at, base in self._line(path, name):
            if not at:
                if not is_known(base) or brings(base, method):
                    return False
                continue
            head = self._span.head(at)
            if head is None or f"{base}.{method}" in head.definitions or setting.search(head.raw):
                return False
        return True

    def _line(self, path: str, name: str) -> Iterator[Class]:
        """A class and its bases; those out of sight with an empty path and where they are imported from."""
        waiting, seen = [(path, name)], set[Class]()
        while waiting:
            at = waiting.pop(0)
            if at not in seen:
                seen.add(at)
                yield at
                waiting += self.bases(*at) if at[0] else ()

    def bases(self, path: str, name: str) -> Iterator[Class]:
        """The bases of a class."""
        head = self._span.head(path)
        found = head.definitions.get(name) if head else None
        if found is None or not isinstance(found.node, ast.ClassDef):
            return
        for base in found.node.bases:
            yield self.resolved(path, ast.unparse(base.value if isinstance(base, ast.Subscript) else base))
        for keyword in found.node.keywords:
            if keyword.arg != "metaclass" or ast.unparse(keyword.value).rpartition(".")[2] != "ABCMeta":
                yield "", "metaclass"

    def resolved(self, path: str, dotted: str) -> Class:
        """The class that a dotted name means in a file."""
        head = self._span.head(path)
        if head and dotted in head.definitions:
            return path, dotted
        first, _, rest = dotted.partition(".")
        shape = head.shape(first, self._project.absolute(path, 1, "")) if head else None
        if shape is None or shape.kind != "import" or shape.several:
            return "", f"builtins.{dotted}" if shape is None and dotted in _BUILTINS else f".{dotted}"
        origin = f"{shape.origin}.{rest}" if rest else shape.origin
        module, _, name = origin.rpartition(".")
        module, name = self._project.origin(module, name)
        there = self._project.locate(module)
        return (there, name) if there else ("", f"{module}.{name}")


_BUILTINS = frozenset({"object", "Exception", "BaseException", "dict", "list", "str", "int", "tuple", "set", "float"})
