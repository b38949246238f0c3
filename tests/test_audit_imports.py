"""The audit's imports: what leads nowhere, commit by commit and at the head."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssot_fix.audit.areas.imports import look
from ssot_fix.audit.areas.imports_series import FileImports, Resolver, Tree
from ssot_fix.audit.text import Text
from ssot_fix.digests import blob_name
from ssot_fix.project.at_commit import project_at
from ssot_fix.project.index import Index

ROOT = Path("nowhere")


def tree(files, beyond=()):
    """A tree of files by path."""
    blobs = {path: blob_name(data).hex().encode() for path, data in files.items()}
    return Tree(
        blobs, sorted(path for path in files if path.endswith(".py")), dict(files).__getitem__, frozenset(beyond)
    )


def scan_of(files):
    return lambda path: look(Text(files[path]))


def afresh(files, beyond=(), roots=()):
    """What the index says of a tree that it has never seen."""
    at = tree(files, beyond)
    project = project_at(ROOT, at.blobs, at.python, at.read, roots, beyond=at.beyond)
    index = Index(project, {path: look(Text(files[path])) for path in at.python})
    found = index.each_dangling_in(at.python)
    answers = {
        path: FileImports(index.count_in(path), tuple(each for each in found.get(path, ()) if not each.elsewhere))
        for path in at.python
    }
    return {path: answer for path, answer in answers.items() if answer.all}


_PARTS = ("a", "b", "c")
_NAMES = ("x", "y", *_PARTS)
_dotted = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=3).map(".".join)
_lines = st.one_of(
    st.builds("from {} import {}".format, _dotted, st.sampled_from(_NAMES)),
    st.builds("from {}{} import {}".format, st.sampled_from([".", ".."]), _dotted, st.sampled_from(_NAMES)),
    st.builds("from . import {}".format, st.sampled_from(_NAMES)),
    st.builds("from {} import *".format, _dotted),
    st.builds("import {}".format, _dotted),
    st.builds("{} = 1".format, st.sampled_from(_NAMES)),
    st.builds("if x:\n    {} = 1".format, st.sampled_from(_NAMES)),
    st.builds("__all__ = ['{}']".format, st.sampled_from(_NAMES)),
    st.builds("import sys; sys.modules['{}'] = 1".format, _dotted),
    st.builds("import sys; sys.modules['{}.{}'] = 1".format, _dotted, st.sampled_from(_NAMES)),
    st.sampled_from(
        [
            "def __getattr__(name): ...",
            "__path__ = []",
            "import sys; sys._getframe(1).f_globals['x'] = 1",
            "import sys; sys.meta_path.append(x)",
            "not python",
        ]
    ),
)
_texts = st.lists(_lines, max_size=4).map("\n".join)
_folders = st.lists(st.sampled_from(_PARTS), max_size=3).map(lambda parts: "".join(f"{part}/" for part in parts))
_modules = st.builds("{}{}.py".format, _folders, st.sampled_from((*_PARTS, "__init__", "conftest")))
_others = st.one_of(
    st.tuples(st.builds("{}{}.pyi".format, _folders, st.sampled_from(_PARTS)), _texts),
    st.tuples(st.builds("{}{}".format, _folders, st.sampled_from(("a.so", "b.json"))), st.just("")),
    st.tuples(_folders.map("{}.gitignore".format), st.sampled_from(["a.py\n", "b/\n", "/c/\n*\n"])),
    st.tuples(st.just("requirements.txt"), st.sampled_from(["a\n", "b\n"])),
    st.tuples(st.just("pyproject.toml"), st.sampled_from(["[project]\nname = 'a'\n", "[project]\nname = 'b'\n"])),
)
_files = st.one_of(st.tuples(_modules, _texts), st.tuples(_modules, _texts), st.tuples(_modules, _texts), _others)
_edits = st.lists(st.tuples(_files, st.booleans()), min_size=1, max_size=3)


def edited(files, edits):
    """The files with some added or changed, and some gone; a file and a folder can't have one name."""
    found = dict(files)
    for (path, text), goes in edits:
        if goes and path in found:
            del found[path]
        else:
            found[path] = text.encode()
    return found


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(_files, min_size=3, max_size=12), st.lists(_edits, min_size=1, max_size=4))
def test_commit_by_commit_is_as_afresh(first, steps):
    files = {path: text.encode() for path, text in first}
    resolver = Resolver(ROOT)
    assert resolver.advance(tree(files), scan_of(files)) == afresh(files)
    for edits in steps:
        files = edited(files, edits)
        assert resolver.advance(tree(files), scan_of(files)) == afresh(files)
