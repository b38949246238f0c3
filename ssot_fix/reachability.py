"""From where in a file an absolute import works: `python scripts/x.py` finds only scripts/.

Evidence: the file puts the source root on sys.path; it already imports, without a guard, something that can only
be found from there; it is a module of a package that nobody starts as a script, or a script in the root itself.
"""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from collections.abc import Iterator

from ssot_fix.bindings import Module
from ssot_fix.edits import Refusal
from ssot_fix.project.resolver import Project
from ssot_fix.statements import IMPORT_FAILURES, caught, is_main_guard

_UP = posixpath.pardir
_REASON = "script-cannot-import"

# Files that tools run where the project's root need not be on sys.path: build backends, task runners, Sphinx.
_RUN_BY_TOOLS = frozenset(
    {"setup.py", "noxfile.py", "hatch_build.py", "conf.py", "fabfile.py", "tasks.py", "dodo.py", "pavement.py"}
    | {"versioneer.py", "_build_meta.py", "build_backend.py", "gunicorn.conf.py", "gunicorn_config.py", "wscript.py"}
)


def reachable_from(module: Module, project: Project, root: str, top: str) -> int | Refusal:
    """The index of the top-level statement from which on `top` can be imported from a source root.

    Or why it can't. Nothing goes above the evidence: what stands before may be what makes it work.
    """
    folder, name = posixpath.split(module.path)
    is_script = _is_script(module)
    in_package = folder != root and project.is_package_module(module.path, root) and not is_script
    if folder != root and not in_package and _is_beside(project, folder, top):
        return Refusal(_REASON, f"`{top}` means a neighbour of this file, not the project's own")
    evidence = [*_path_edit(module, root), *_imports_from(module, project, root)]
    if folder == root and name not in _RUN_BY_TOOLS:
        return 0
    if evidence:
        return min(evidence)
    if (line := _prepared_to_fail(module, project, root)) is not None:
        return Refusal(_REASON, f"the file is prepared for such imports to fail (line {line})")
    if in_package and name not in _RUN_BY_TOOLS and not _imports_from_elsewhere(module, project, root):
        return 0
    how = "started as a script" if is_script else "outside the packages"
    return Refusal(_REASON, f"{how}, it may find no `{top}`: nothing puts the project's root on sys.path before")


def _is_beside(project: Project, folder: str, top: str) -> bool:
    """Whether a folder, first on sys.path of the scripts in it, holds another module of that name."""
    beside = f"{folder}/{top}" if folder else top
    return f"{beside}.py" in project.files or f"{beside}/__init__.py" in project.files or beside in project.folders


def _is_script(module: Module) -> bool:
    return module.source.body.startswith(b"#!") or any(is_main_guard(node) for node in module.tree.body)


def _unguarded_imports(module: Module) -> Iterator[tuple[int, str, int]]:
    """What a module always imports: the statement's index, the path, and the level of relative ones."""
    for index, statement in enumerate(module.tree.body):
        if isinstance(statement, ast.Import):
            yield from ((index, alias.name, 0) for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            names = [alias.name for alias in statement.names]
            yield index, statement.module or "", statement.level
            yield from ((index, f"{statement.module}.{name}", statement.level) for name in names if statement.module)


def _imports_from(module: Module, project: Project, root: str) -> Iterator[int]:
    """The indices of imports that always run and work only where a source root is on sys.path."""
    folder = posixpath.dirname(module.path)
    for index, dotted, level in _unguarded_imports(module):
        if level:
            if project.is_package_module(module.path, root):
                yield index
        elif folder != root and _is_found(project, dotted, root) and not _is_found(project, dotted, folder):
            yield index


def _prepared_to_fail(module: Module, project: Project, root: str) -> int | None:
    """The line of a try at module level that goes on without something found from a source root."""
    waiting: list[ast.stmt] = list(module.tree.body)
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.If):
            waiting += [*statement.body, *statement.orelse]
        elif isinstance(statement, ast.Try) and any(caught(h) & IMPORT_FAILURES for h in statement.handlers):
            for node in statement.body:
                dotted = node.module if isinstance(node, ast.ImportFrom) and not node.level else None
                dotted = node.names[0].name if isinstance(node, ast.Import) else dotted
                if dotted and _is_found(project, dotted, root):
                    return statement.lineno
    return None


def _imports_from_elsewhere(module: Module, project: Project, root: str) -> bool:
    """Whether a module imports something that is found only from a folder around it below the root."""
    folder = posixpath.dirname(module.path)
    while folder and folder != root:
        for _, dotted, level in _unguarded_imports(module):
            if not level and _is_found(project, dotted, folder) and not _is_found(project, dotted, root):
                return True
        folder = posixpath.dirname(folder)
    return False


def _is_found(project: Project, dotted: str, folder: str) -> bool:
    """Whether a dotted path is a module that is found from a folder, and not one of Python's own."""
    if dotted.partition(".")[0] in sys.stdlib_module_names:
        return False
    return project.locate(dotted, (folder,)) is not None


def _path_edit(module: Module, root: str) -> Iterator[int]:
    """The index behind the statement that puts a source root on sys.path for good."""
    entries = path_entries(module)
    if root in entries and not _takes_away(module):
        yield entries[root] + 1


def _takes_away(module: Module) -> bool:
    """Whether the module also removes something from sys.path, or replaces it."""
    return (
        re.search(rb"\bsys\.path\s*(?:=[^=]|\.(?:pop|remove|clear)\b)|\bdel\s+sys\.path", module.source.body)
        is not None
    )


def path_entries(module: Module) -> dict[str, int]:
    """The folders, relative to the project's root, that a module always adds to sys.path, as far as known.

    Each with the index of its top-level statement.
    """
    known: dict[str, str] = {}
    entries: dict[str, int] = {}
    for index, statement in enumerate(module.tree.body):
        if not isinstance(statement, ast.Assign | ast.Expr) and not _asks_whether_there(statement):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                value = _folder(node.value, module.path, known)
                if value is not None:
                    known[node.targets[0].id] = value
            elif isinstance(node, ast.Call) and (entry := _path_argument(node)) is not None:
                folder = _folder(entry, module.path, known)
                if folder is not None and not folder.startswith(_UP):
                    entries.setdefault("" if folder == "." else folder, index)
    return entries


def _asks_whether_there(statement: ast.stmt) -> bool:
    """`if root not in sys.path:`, after which it is there either way."""
    if not isinstance(statement, ast.If) or not isinstance(statement.test, ast.Compare):
        return False
    test = statement.test
    return isinstance(test.ops[0], ast.NotIn) and ast.unparse(test.comparators[0]) in {"sys.path", "path"}


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
