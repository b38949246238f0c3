"""Whether an absolute import works where a file is started: `python scripts/x.py` finds only scripts/.

Evidence, in this order: the file stands in the source root itself; it puts the root on sys.path before the
import; it already imports, without a guard, something that can only be found from that root; it is a module of
a package that nobody starts as a script.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator

from ssot_fix.bindings import Module
from ssot_fix.edits import Refusal
from ssot_fix.imports import IMPORT_FAILURES, caught, is_main_guard
from ssot_fix.project.resolver import Project

_UP = posixpath.pardir


def unreachable(module: Module, project: Project, root: str, top: str) -> Refusal | None:
    """Why a file can't import the first-party name `top` from a source root; None if it can."""
    folder = posixpath.dirname(module.path)
    if folder == root:
        return None
    if _shadowed(project, folder, root, top):
        return Refusal("script-cannot-import", f"`{top}` means a neighbour of this file, not the project's own")
    if root in _path_entries(module) or _imports_from(module, project, root):
        return None
    if (line := _prepared_to_fail(module, project, root)) is not None:
        return Refusal("script-cannot-import", f"the file is prepared for such imports to fail (line {line})")
    if _is_script(module):
        return Refusal(
            "script-cannot-import",
            f"started as a script it finds no `{top}`: nothing puts the project's root on sys.path before",
        )
    if project.is_package_module(module.path, root) and not _imports_from_elsewhere(module, project, root):
        return None
    if folder not in project.script_folders and not _imports_from_elsewhere(module, project, root):
        return None
    return Refusal("script-cannot-import", f"a neighbour of scripts, which may import it where `{top}` can't be found")


def _shadowed(project: Project, folder: str, root: str, top: str) -> bool:
    """Whether a script's own folder, first on sys.path, holds another module of that name."""
    beside = f"{folder}/{top}"
    if project.is_package_module(f"{folder}/x.py", root) and f"{folder}/__init__.py" in project.files:
        return False
    return f"{beside}.py" in project.files or f"{beside}/__init__.py" in project.files


def _is_script(module: Module) -> bool:
    return module.source.body.startswith(b"#!") or any(is_main_guard(node) for node in module.tree.body)


def _unguarded_imports(module: Module) -> Iterator[tuple[str, int]]:
    """The paths that a module always imports, and the level of relative ones."""
    for statement in module.tree.body:
        if isinstance(statement, ast.Import):
            yield from ((alias.name, 0) for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield statement.module or "", statement.level


def _imports_from(module: Module, project: Project, root: str) -> bool:
    """Whether a module always imports something that is found from a source root and not beside it."""
    folder = posixpath.dirname(module.path)
    in_package = f"{folder}/__init__.py" in project.files
    for dotted, level in _unguarded_imports(module):
        if level:
            if project.is_package_module(module.path, root):
                return True
        elif _found_from(project, dotted, root) and (in_package or not _found_from(project, dotted, folder)):
            return True
    return False


def _prepared_to_fail(module: Module, project: Project, root: str) -> int | None:
    """The line of a try at module level that goes on without something found from a source root."""
    for statement in module.tree.body:
        if isinstance(statement, ast.Try) and any(
            names & IMPORT_FAILURES for names in map(caught, statement.handlers)
        ):
            for node in statement.body:
                if (
                    isinstance(node, ast.ImportFrom)
                    and not node.level
                    and _found_from(project, node.module or "", root)
                ):
                    return statement.lineno
                if isinstance(node, ast.Import) and _found_from(project, node.names[0].name, root):
                    return statement.lineno
    return None


def _imports_from_elsewhere(module: Module, project: Project, root: str) -> bool:
    """Whether a module imports something that is found only from a folder around it below the root."""
    folder = posixpath.dirname(module.path)
    while folder and folder != root:
        for dotted, level in _unguarded_imports(module):
            if not level and _found_from(project, dotted, folder) and not _found_from(project, dotted, root):
                return True
        folder = posixpath.dirname(folder)
    return False


def _found_from(project: Project, dotted: str, folder: str) -> bool:
    top = dotted.partition(".")[0]
    inside = f"{folder}/{top}" if folder else top
    return project.locate(top, (folder,)) is not None or (inside in project.folders and "." in dotted)


def _path_entries(module: Module) -> set[str]:
    """The folders, relative to the project's root, that a module's top level adds to sys.path, as far as known."""
    known: dict[str, str] = {}
    entries: set[str] = set()
    for statement in module.tree.body:
        if is_main_guard(statement) or isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                value = _folder(node.value, module.path, known)
                if value is not None:
                    known[node.targets[0].id] = value
            elif isinstance(node, ast.Call) and (entry := _path_argument(node)) is not None:
                folder = _folder(entry, module.path, known)
                if folder is not None and not folder.startswith(_UP):
                    entries.add("" if folder == "." else folder)
    return entries


def _path_argument(call: ast.Call) -> ast.expr | None:
    function = call.func
    if not isinstance(function, ast.Attribute) or not call.args:
        return None
    if function.attr in {"insert", "append"} and ast.unparse(function.value) in {"sys.path", "path"}:
        return call.args[-1]
    return call.args[0] if function.attr == "addsitedir" else None


def _folder(node: ast.expr, path: str, known: dict[str, str]) -> str | None:  # noqa: PLR0912
    """A path expression's value relative to the project's root (posix, normalised); None if not known."""
    match node:
        case ast.Name(id="__file__"):
            return path
        case ast.Name(id=name):
            return known.get(name)
        case ast.Attribute(value=inner, attr="parent"):
            return _up(_folder(inner, path, known))
        case ast.Subscript(value=ast.Attribute(value=inner, attr="parents"), slice=ast.Constant(value=int(count))):
            value = _folder(inner, path, known)
            for _ in range(count + 1):
                value = _up(value)
            return value
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(part))):
            return _joined(_folder(left, path, known), [part])
        case ast.Call(func=ast.Attribute(value=inner, attr="resolve" | "absolute" | "as_posix"), args=[]):
            return _folder(inner, path, known)
        case ast.Call(func=ast.Attribute(attr="abspath" | "realpath" | "normpath" | "fspath"), args=[inner]):
            return _folder(inner, path, known)
        case ast.Call(func=ast.Attribute(attr="dirname"), args=[inner]):
            return _up(_folder(inner, path, known))
        case ast.Call(func=ast.Attribute(attr="join"), args=[first, *rest]):
            parts = [part.value if isinstance(part, ast.Constant) else _up_constant(part) for part in rest]
            if all(isinstance(part, str) for part in parts):
                return _joined(_folder(first, path, known), [str(part) for part in parts])
        case ast.Call(func=ast.Name(id="str" | "Path"), args=[inner]):
            return _folder(inner, path, known)
        case ast.Call(func=ast.Attribute(attr="Path"), args=[inner]):
            return _folder(inner, path, known)
    return None


def _up_constant(node: ast.expr) -> str | None:
    """`os.pardir` and `os.path.pardir` as a path."""
    return _UP if isinstance(node, ast.Attribute) and node.attr == "pardir" else None


def _up(folder: str | None) -> str | None:
    """The folder around a path; None above the project's root, where nothing is known."""
    return None if folder in {None, "", "."} else posixpath.dirname(str(folder)) or "."


def _joined(folder: str | None, parts: list[str]) -> str | None:
    return None if folder is None else posixpath.normpath(posixpath.join(folder, *parts))
