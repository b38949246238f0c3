"""What the receiver of a method call is: tables of sources, then programs that are run to see what really is there."""

from __future__ import annotations

import ast
import random
import sys
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import pytest

from codemods.utf8_files.receivers import receiver_kinds
from ssot_fix.bindings import Module, load
from ssot_fix.project.resolver import Project, project_of

# Every line with `.read_text()` says behind `#` what the receivers are; `from pathlib import Path` stands in front of
# those that don't mention pathlib.
NO_PATHS = """
=== imported by name in front of stars
from pathlib import Path
from fictional import *
Path("x").read_text()  # unknown
=== made into something else by a decorator
from pathlib import Path
from fictional import task
@task
def make() -> Path: ...
make().read_text()  # unknown
=== a test that tells nothing of its own name
from pathlib import Path
def f(p):
    if isinstance(p, str) or p is None:
        p = Path(p)
    p.read_text()  # unknown
=== a parameter without an annotation
def f(p):
    p.read_text()  # unknown
f(Path("x"))
=== a default says nothing about what callers give
def f(p=Path("x"), *, q=None):
    p.read_text()  # unknown
    q.read_text()  # unknown
=== a union with str
def f(p: str | Path, q: "Path | str", r: Union[str, Path], s: Any, t: object):
    p.read_text()  # unknown
    q.read_text()  # unknown
    r.read_text()  # unknown
    s.read_text()  # unknown
    t.read_text()  # unknown
from typing import Any, Union
=== an annotation that its own default contradicts
def f(p: Path = "x", *, q: Path = f"{y}"):
    p.read_text()  # unknown
    q.read_text()  # unknown
=== annotations that promise less than a path
import os
from pathlib import PurePath
from typing import Protocol, TypeVar
class Readable(Protocol):
    def read_text(self): ...
T = TypeVar("T")
def f(p: PurePath, q: os.PathLike, r: Readable, s: T, t: type[Path], u: missing.Path):
    p.read_text()  # unknown
    q.read_text()  # unknown
    r.read_text()  # unknown
    s.read_text()  # unknown
    t.read_text()  # unknown
    u.read_text()  # unknown
from pathlib import Path
=== str and what comes of it
def f(name: str):
    name.read_text()  # other
    "x".read_text()  # other
    f"{name}".read_text()  # other
    name.strip().read_text()  # other
    (name + ".txt").read_text()  # other
    str(Path("x")).read_text()  # other
    Path("x").name.read_text()  # other
    Path("x").as_posix().read_text()  # other
    Path("x").suffixes[0].read_text()  # other
    name.replace("a", "b").read_text()  # other
=== functions of os.path and the like
import glob, os, shutil, tempfile
os.path.join("a", "b").read_text()  # other
os.path.exists("a").read_text()  # other
os.environ["X"].read_text()  # other
os.environ.get("X").read_text()  # other
os.getenv("X", "y").read_text()  # other
shutil.which("x").read_text()  # other
for name in os.listdir("."): name.read_text()  # other
for name in glob.glob("*"): name.read_text()  # other
for root, dirs, files in os.walk("."):
    root.read_text()  # other
    for name in files: name.read_text()  # other
tempfile.mkdtemp().read_text()  # other
shutil.copy("a", "b").read_text()  # unknown
=== open files, modules, functions, classes of this file
import gzip, webbrowser
import gzip as other, os.path
webbrowser.read_text()  # other
gzip.read_text()  # other
other.read_text()  # other
os.path.read_text()  # other
with open("x") as f:
    f.read_text()  # other
with Path("x").open() as f, gzip.open("x") as g:
    f.read_text(), g.read_text()  # other, other
open("x").read_text()  # other
class Report:
    def read_text(self): ...
    def g(self):
        self.read_text()  # other
Report().read_text()  # other
Report.read_text()  # other
[1].read_text()  # other
(1, 2).read_text()  # other
=== classes whose ancestors are out of sight
from somewhere import Base
class A(Base): ...
class B(Path): ...
class C(A): ...
A().read_text()  # unknown
B().read_text()  # unknown
C().read_text()  # unknown
def f(a: A): a.read_text()  # unknown
=== the class itself takes the path as an argument
Path.read_text()  # unknown
=== PurePath reads nothing
from pathlib import PurePath, PurePosixPath
PurePath("x").read_text()  # other
PurePosixPath("x").read_text()  # other
=== Path that may be another one
try:
    from pathlib import Path
except ImportError:
    from pathlib2 import Path
Path("x").read_text()  # unknown
=== Path of another package
from fictional.pathlib import Path
from fictional import pathlib
Path("x").read_text()  # unknown
pathlib.Path("x").read_text()  # unknown
=== Path that is defined here
class Path:
    def __init__(self, x): ...
Path("x").read_text()  # other
=== Path that is bound anew
if windows:
    Path = make_path()
Path("x").read_text()  # unknown
=== Path shadowed by a parameter
def f(Path):
    Path("x").read_text()  # unknown
    return lambda Path: Path("x").read_text()  # unknown
=== Path from a star import of who knows what
from pathlib import *
from fictional import *
Path("x").read_text()  # unknown
open("x").read_text()  # unknown
=== a name that is nowhere bound, or deleted, or not yet bound
nowhere.read_text()  # unknown
later.read_text()  # unknown
p = Path("x")
del p
=== one binding that is no path is enough
p = Path("x")
if flag:
    p = load()
p.read_text()  # unknown
=== a loop carries a binding back
p = Path("x")
for _ in range(3):
    p.read_text()  # unknown
    p = load(p)
=== the other branch, the handler, the next turn
def f(p):
    if flag:
        p = Path(p)
    p.read_text()  # unknown
def g(p):
    try:
        p = Path(p)
    except ValueError:
        p.read_text()  # unknown
    p.read_text()  # unknown
def h(p):
    while flag:
        p = Path(p)
    p.read_text()  # unknown
def i(p):
    with suppress(ValueError):
        p = Path(p)
    p.read_text()  # unknown
def l(p: Path):
    if flag:
        with suppress(TypeError):
            p = load()
            p = Path(p)
    p.read_text()  # unknown
def j(p):
    for q in paths:
        if flag:
            break
        p = Path(q)
    else:
        p.read_text()  # unknown
def k(p):
    if flag and (p := Path("x")): ...
    p.read_text()  # unknown
=== a default is computed in every turn of the loop
p = Path("x")
for _ in range(3):
    def f(x=p.read_text()): ...  # unknown
    p = load()
class A:
    p: "Path | str" = Path("x")
    q: object = Path("x")
    def f(self):
        self.p.read_text()  # unknown
        self.q.read_text()  # unknown
=== a function runs at another time
def f(p: str):
    p = Path(p)
    def g():
        p.read_text()  # unknown
    later = lambda: p.read_text()  # unknown
    return g, (p.read_text() for _ in range(3))  # unknown
=== global and nonlocal names have all bindings everywhere
def f():
    global root
    root = load()
root = Path("x")
root.read_text()  # unknown
def g(p):
    def h():
        nonlocal p
        p = load()
    p = Path("x")
    h()
    p.read_text()  # unknown
    if isinstance(p, Path):
        h()
        p.read_text()  # unknown
=== handlers, patterns, classes, functions
try: ...
except ValueError as p:
    p.read_text()  # unknown
match x:
    case Path() as q:
        q.read_text()  # unknown
    case [r, *s]:
        r.read_text()  # unknown
    case {"a": t, **u}:
        t.read_text()  # unknown
def q(): ...
q.read_text()  # unknown
=== what isn't tested, or tested otherwise
def f(p, q):
    if isinstance(p, (str, Path)):
        p.read_text()  # unknown
    if isinstance(p, Path) or q:
        p.read_text()  # unknown
    if not isinstance(p, Path):
        p.read_text()  # unknown
    else:
        pass
    p.read_text()  # unknown
    if isinstance(q, Path):
        p.read_text()  # unknown
    if isinstance(p, Path):
        p = load()
        p.read_text()  # unknown
    isinstance(p, Path) and q
    p.read_text()  # unknown
    p.read_text() and isinstance(p, Path)  # unknown
def g(p):
    if isinstance(p, Path):
        def h(): return p
        while flag:
            p.read_text()  # unknown
            p = load()
def h(p):
    if not isinstance(p, Path):
        log(p)
    p.read_text()  # unknown
def i(p, Path):
    assert isinstance(p, Path)
    p.read_text()  # unknown
=== str ruled out of what may be anything
def f(p, q: str | Path | int):
    if isinstance(p, str): p = Path(p)
    p.read_text()  # unknown
    if isinstance(q, str): q = Path(q)
    q.read_text()  # unknown
=== collections that hold other things, too
xs = [Path("a"), "b"]
xs[0].read_text()  # unknown
for x in xs: x.read_text()  # unknown
ys = [Path("a")]
ys.append(load())
ys[0].read_text()  # unknown
zs = []
zs[0].read_text()  # unknown
d = {"a": Path("x"), "b": 1}
d["a"].read_text()  # unknown
e = {"a": Path("x")}
e["b"] = load()
e["a"].read_text()  # unknown
e.get("a").read_text()  # unknown
=== lists that a function may fill
def fill(found): ...
def f(root: Path):
    found = []
    found.append(root)
    fill(found)
    for p in found:
        p.read_text()  # unknown
class A:
    def f(self):
        found = []
        self.collect(found)
        found.extend([Path("x")])
        found[0].read_text()  # unknown
=== attributes that some method sets to something else
class A:
    root = Path("x")
    def __init__(self, p):
        self.p = Path(p)
        self.q = p
        self.r, self.s = Path("x"), p
        self.t = None
    def set(self, p):
        self.p = p
        self.root = p
    def f(self):
        self.p.read_text()  # unknown
        self.q.read_text()  # unknown
        self.s.read_text()  # unknown
        self.t.read_text()  # unknown
        self.u.read_text()  # unknown
        self.root.read_text()  # unknown
a = A("x")
a.p.read_text()  # unknown
A.root.read_text()  # unknown
=== attributes that a base or a subclass sets to something else
class Base:
    def __init__(self):
        self.p = "x"
class A(Base):
    def f(self):
        self.p.read_text()  # other
class B:
    def __init__(self):
        self.q = Path("x")
    def f(self):
        self.q.read_text()  # unknown
class C(B):
    def g(self):
        self.q = load()
=== attributes of a base out of sight
from somewhere import Base
class A(Base):
    def f(self):
        self.p.read_text()  # unknown
        self.parent.read_text()  # unknown
=== attributes that only a subclass has
class A:
    def f(self):
        self.p.read_text()  # unknown
class B(A):
    p = Path("x")
=== an attribute set from outside
class A:
    def __init__(self):
        self.p = Path("x")
    def f(self):
        self.p.read_text()  # unknown
a = A()
a.p = load()
=== self that is something else
class A:
    def __init__(self):
        self.p = Path("x")
    def f(self):
        self = load()
        self.p.read_text()  # unknown
    @staticmethod
    def g(self):
        self.p.read_text()  # unknown
    def h(me, self):
        self.p.read_text()  # unknown
=== functions that give back something else, or who knows what
from somewhere import decorated
def f(x):
    if x: return Path("x")
    return x
def g():
    yield Path("x")
@decorated
def h():
    return Path("x")
async def i():
    return Path("x")
def j() -> "Path | str":
    return Path("x")
def k(): ...
f(1).read_text()  # unknown
g().read_text()  # unknown
next(g()).read_text()  # unknown
h().read_text()  # unknown
i().read_text()  # unknown
j().read_text()  # unknown
k().read_text()  # unknown
(lambda p: p)(1).read_text()  # unknown
=== a property is no method, a method no property
class A:
    @property
    def p(self): return Path("x")
    def q(self): return Path("x")
    def f(self):
        self.p().read_text()  # unknown
        self.q.read_text()  # unknown
=== cls and type(p) may be subclasses
class Mine(Path):
    @classmethod
    def make(cls):
        return cls("x").read_text()  # unknown
def f(p: Path):
    type(p)("x").read_text()  # unknown
=== fixtures by their names, where they are none
def helper(tmp_path):
    tmp_path.read_text()  # unknown
class A:
    def setup_method(self, tmp_path):
        tmp_path.read_text()  # unknown
def test(tmpdir, tmp_path_retention, monkeypatch):
    tmpdir.read_text()  # other
    tmpdir.join("x").read_text()  # unknown
    monkeypatch.read_text()  # unknown
=== a fixture of the same name
import pytest
@pytest.fixture
def tmp_path():
    return load()
def test(tmp_path):
    tmp_path.read_text()  # unknown
=== operators that don't make a path
p = Path("x")
(p + "y").read_text()  # unknown
(1 / p).read_text()  # unknown
(x / p).read_text()  # unknown
(p % 2).read_text()  # unknown
(p == p).read_text()  # other
(not p).read_text()  # other
(p or load()).read_text()  # unknown
(p if flag else load()).read_text()  # unknown
=== what may be bound differently for builtins
def sorted(x): return load()
for p in sorted(Path("x").iterdir()):
    p.read_text()  # unknown
=== what comes out of await, async loops and managers out of sight
async def f():
    (await load()).read_text()  # unknown
    async for p in load(): p.read_text()  # unknown
    async with load() as p: p.read_text()  # unknown
    with load() as p: p.read_text()  # unknown
    with Path("x") as p: p.read_text()  # unknown
    [p.read_text() async for p in load()]  # unknown
=== a directory for a while is a str
import tempfile
with tempfile.TemporaryDirectory() as d:
    d.read_text()  # other
    Path(d).read_text()  # path
=== a type parameter of the same name
def f[Path](p: Path):
    p.read_text()  # unknown
    Path("x").read_text()  # unknown
def g(p: Path):
    p.read_text()  # path
=== unpacking that does not come out
a, b = Path("x"), load()
a.read_text()  # path
b.read_text()  # unknown
c, d = load()
c.read_text()  # unknown
*e, f = Path("x"), "y"
f.read_text()  # unknown
(g, h), i = (Path("x"), 1), 2
g.read_text()  # path
h.read_text()  # other
for j, k in [(Path("x"), load())]:
    j.read_text()  # path
    k.read_text()  # unknown
=== no path of its own accord
p = p
q = r
r = q
s = s / "x"
p.read_text()  # unknown
q.read_text()  # unknown
s.read_text()  # unknown
"""

PATHS = """
=== constructions, however they are imported
from pathlib import Path, Path as P, PosixPath, WindowsPath
import pathlib
import pathlib as pl
from pathlib import (
    Path as Q,
)
Path("x").read_text()  # path
P().read_text()  # path
Q("x", "y").read_text()  # path
PosixPath("x").read_text()  # path
WindowsPath("x").read_text()  # path
pathlib.Path("x").read_text()  # path
pl.Path("x").read_text()  # path
Path.cwd().read_text()  # path
pathlib.Path.home().read_text()  # path
Path(__file__).resolve().parents[1].read_text()  # path
def f():
    from pathlib import Path as R
    R("x").read_text()  # path
=== through other names
import pathlib
Mine = pathlib.Path
Mine("x").read_text()  # path
def f(p: Mine): p.read_text()  # path
=== by star from pathlib
from pathlib import *
Path("x").read_text()  # path
open("x").read_text()  # other
=== imported by name behind stars
from fictional import *
from pathlib import Path
Path("x").read_text()  # path
=== operations
p = Path("x")
(p / "y").read_text()  # path
(p / name / f"{name}.txt").read_text()  # path
("x" / p).read_text()  # path
p.parent.parent.read_text()  # path
p.parents[2].read_text()  # path
p.resolve().absolute().expanduser().read_text()  # path
p.joinpath("a", "b").read_text()  # path
p.with_name("x").with_suffix(".y").with_stem("z").with_segments("a").read_text()  # path
p.relative_to("x").read_text()  # path
p.rename("x").read_text()  # path
p.replace("x").read_text()  # path
p.readlink().read_text()  # path
(q := p / "y").read_text()  # path
q.read_text()  # path
(p if flag else p.parent).read_text()  # path
(p or Path("y")).read_text()  # path
(flag and p).read_text()  # path
=== a str or a path joined to something is a path
def f(root: str | Path):
    (root / "x").read_text()  # path
    (root or Path("x")).read_text()  # unknown
=== names of which all bindings are paths
p = Path("x")
p = p / "y"
p /= "z"
while p.parent != p:
    p = p.parent
    p.read_text()  # path
p.read_text()  # path
def f():
    p.read_text()  # path
    return [p.read_text() for _ in "ab"]  # path
=== a parameter that is bound anew
def f(p: str, q, r: "str | Path", s=None):
    p = Path(p)
    q = r = Path(q)
    if s is None:
        s = Path("x")
    else:
        s = Path(s)
    for _ in range(3):
        p.read_text()  # path
        p = p.parent
    if flag:
        return q.read_text()  # path
    with open("x"):
        r.read_text()  # path
    s.read_text()  # path
    return [p.read_text() for _ in range(3)], any(q.read_text() for _ in "x")  # path, path
=== a binding below is not yet there
def f(p: Path):
    p.read_text()  # path
    p = p.read_text()  # path
    p = str(p)
=== all ways here bind anew
def f(p):
    if flag:
        p = Path("a")
    elif other:
        raise ValueError(p)
    else:
        p = Path("b")
    p.read_text()  # path
def g(p):
    try:
        p = Path(p)
    except ValueError:
        return None
    finally:
        done()
    p.read_text()  # path
def h(p):
    if not p:
        p = input()
        p = Path(p)
    else:
        p = Path(p)
    p.read_text()  # path
def i(paths: list[Path], p):
    for p in paths:
        p.read_text()  # path
        p = p.name
    for p in paths:
        if not p.exists():
            continue
        p.read_text()  # path
def j(p):
    from os import path as p
    p.read_text()  # other
    with open("x") as p:
        p.read_text()  # other
def k(p):
    for name in "ab":
        p = Path(name)
        if flag:
            break
        p.read_text()  # path
=== None is no obstacle
from typing import Optional
p: Path | None = None
p = p or Path("x")
p.read_text()  # path
q = None
if q is None:
    q = Path("y")
q.read_text()  # path
def f(r: Optional[Path] = None, s: "Path | None" = None):
    r.read_text()  # path
    if s is None: s = Path()
    s.read_text()  # path
=== tests by isinstance
import pathlib
def f(p, q, r, s):
    if isinstance(p, Path):
        p.read_text()  # path
        for _ in "ab":
            p.read_text()  # path
    elif q: ...
    if q and isinstance(p, pathlib.Path) and p.read_text(): ...  # path
    if not isinstance(p, Path) or p.read_text(): ...  # path
    p.read_text() if isinstance(p, Path) else p  # path
    assert isinstance(q, (Path, pathlib.PosixPath)), "no path"
    q.read_text()  # path
    if not isinstance(r, Path):
        raise TypeError
    r.read_text()  # path
    if not isinstance(s, Path):
        s = Path(s)
    s.read_text()  # path
    while isinstance(p, Path):
        p.read_text()  # path
        p = load(p)
    [x.read_text() for x in p if isinstance(x, Path)]  # path
    return lambda y: isinstance(y, Path) and y.read_text()  # path
from pathlib import Path
=== str ruled out of a union
def f(p: str | Path, q: "Path | str | None", r: str | Path, s: str | Path):
    if isinstance(p, str):
        p = Path(p)
    p.read_text()  # path
    if isinstance(q, (str, bytes)):
        return
    q.read_text()  # path
    if isinstance(r, str):
        r.read_text()  # unknown
    else:
        r.read_text()  # path
    s = Path(s) if isinstance(s, str) else s
    s.read_text()  # path
=== iteration
import itertools
base = Path("x")
for p in base.glob("*"): p.read_text()  # path
for p in base.rglob("*"): p.read_text()  # path
for p in sorted(base.iterdir(), key=str): p.read_text()  # path
for p in list(tuple(set(reversed(base.iterdir())))): p.read_text()  # path
for p in filter(None, iter(base.iterdir())): p.read_text()  # path
for p in filter(Path.is_file, base.iterdir()): p.read_text()  # path
for p in itertools.chain(base.iterdir(), [base]): p.read_text()  # path
for p in itertools.chain.from_iterable([base.iterdir()]): p.read_text()  # path
for i, p in enumerate(base.glob("*"), 1): p.read_text()  # path
for p, n in zip(base.glob("*"), "abc"): p.read_text(), n.read_text()  # path, other
for p in map(Path, "abc"): p.read_text()  # path
for p in (base, base / "y"): p.read_text()  # path
for p in [*base.glob("a"), *base.glob("b")]: p.read_text()  # path
for p in list(base.glob("a")) + list(base.glob("b")): p.read_text()  # path
for p in set(base.glob("a")) | set(base.glob("b")): p.read_text()  # path
for root, dirs, files in base.walk():
    root.read_text()  # path
    dirs.read_text()  # other
    (root / files[0]).read_text()  # path
    files[0].read_text()  # other
[p.read_text() for p in base.glob("*") if p.is_file()]  # path
{p.name: p.read_text() for d in base.iterdir() for p in d.iterdir()}  # path
=== elements
base = Path("x")
paths = sorted(base.glob("*"))
paths[0].read_text()  # path
paths[-1].read_text()  # path
paths[1:][0].read_text()  # path
max(paths, key=lambda p: p.name).read_text()  # path
min(base, base / "y").read_text()  # path
next(base.glob("*"), None).read_text()  # path
next(iter(paths)).read_text()  # path
paths.pop().read_text()  # path
[p / "x" for p in paths][0].read_text()  # path
{p for p in paths}.pop().read_text()  # path
next(p for p in paths if p.exists()).read_text()  # path
paths.copy()[0].read_text()  # path
=== lists that are filled bit by bit
def f(root: Path):
    found = []
    for p in root.iterdir():
        found.append(p)
    found.extend(root.glob("*"))
    found += [root]
    found.insert(0, root)
    print(len(found))
    found[0].read_text()  # path
    return [p.read_text() for p in found]  # path
def g(root: Path):
    stack = [root]
    seen = set()
    while stack:
        p = stack.pop()
        p.read_text()  # path
        stack.extend(p.iterdir())
        seen.add(p)
    for q in seen: q.read_text()  # path
=== dicts
d = {"a": Path("x"), **{"b": Path("y")}}
d["a"].read_text()  # path
d.get("a").read_text()  # path
d.get("a", Path("z")).read_text()  # path
d.pop("a", None).read_text()  # path
for k, v in d.items(): k.read_text(), v.read_text()  # other, path
for v in d.values(): v.read_text()  # path
e = {}
e["a"] = Path("x")
e.setdefault("b", Path("y")).read_text()  # path
e.update({"c": Path("z")})
e["a"].read_text()  # path
f = {name: Path(name) for name in "abc"}
f["a"].read_text()  # path
g = dict(a=Path("x"))
g["a"].read_text()  # path
for p in {Path("x"): 1}: p.read_text()  # path
h: dict[Path, list[tuple[str, Path]]] = {}
for k, changes in sorted(h.items()):
    k.read_text()  # path
    for name, p in changes: p.read_text()  # path
=== unpacking
a, b = Path("x"), Path("y")
a, b = b, a
a.read_text()  # path
[c, (d, *e)] = Path("x"), [Path("y"), Path("z")]
c.read_text()  # path
d.read_text()  # path
e[0].read_text()  # path
p = q = Path("x")
q.read_text()  # path
=== annotations
import typing as t
from collections.abc import Iterable
from typing import Annotated, ClassVar, Dict, Final, List, Optional, Union
import pathlib
def f(a: Path, b: pathlib.Path, c: "Path", d: Optional["pathlib.Path"], e: Annotated[Path, 1], f: t.Optional[Path]):
    a.read_text(), b.read_text(), c.read_text(), d.read_text(), e.read_text(), f.read_text()  # path * 6
def g(a: list[Path], b: List[Path], c: Iterable[Path], d: dict[str, Path], e: tuple[Path, ...], f: tuple[int, Path]):
    a[0].read_text(), b[0].read_text(), d["x"].read_text(), e[0].read_text(), f[1].read_text()  # path * 5
    f[0].read_text()  # other
    for p in c: p.read_text()  # path
    for p in a: p.read_text()  # path
def h(*paths: Path, p: Union[Path, None], **more: Path):
    for q in paths: q.read_text()  # path
    p.read_text(), more["x"].read_text()  # path, path
def i(a: t.Iterator[Path], b: t.Sequence[Path], c: t.Generator[Path, None, None], d: Dict[str, List[Path]]):
    next(a).read_text(), b[0].read_text(), next(c).read_text(), d["x"][0].read_text()  # path * 4
p: Path = load()
p.read_text()  # path
q: Final = Path("x")
q.read_text()  # path
class A:
    p: ClassVar[Path] = load()
    q: Final[Path]
    bare: Final = Path("x")
    def f(self):
        self.p.read_text(), self.q.read_text(), self.bare.read_text()  # path * 3
        r: Path
        r.read_text()  # path
        for s in self.found: s.read_text()  # path
        self.t: Path = load()
        self.t.read_text()  # path
        self.by_name["x"].read_text()  # path
    found: list[Path] = []
    by_name: "dict[str, Path]" = {}
from pathlib import Path
=== an alias of a type
from typing import Optional
MaybePath = Optional[Path]
StrPath = str | Path
def f(p: MaybePath, q: StrPath):
    p.read_text()  # path
    q.read_text()  # unknown
=== an alias by the statement for it
type P = Path
type Q = Path | None
type R = str | Path
def f(p: P, q: Q, r: R):
    p.read_text()  # path
    q.read_text()  # path
    r.read_text()  # unknown
=== attributes of self
import functools
class A:
    root = Path("x")
    none = None
    def __init__(self, base: Path, name: str):
        self.base = base
        self.p = base / name
        self.q, self.r = base, None
        self.found = []
        self.by_name = {}
        with open("x") as self.f: ...
        for self.s in base.iterdir(): ...
    def run(self):
        self.r = self.q.parent
        self.none = Path("x")
        self.found.append(self.p)
        self.by_name["x"] = self.p
        self.base.read_text(), self.p.read_text(), self.q.read_text(), self.r.read_text()  # path * 4
        self.root.read_text(), self.none.read_text(), self.s.read_text()  # path * 3
        self.f.read_text()  # other
        self.found[0].read_text(), self.by_name["x"].read_text()  # path, path
        for p in self.found: p.read_text()  # path
        self.prop.read_text(), self.method().read_text(), self.cached.read_text(), self.plain().read_text()  # path * 4
        A.make().read_text(), self.make().read_text()  # path, path
        def inner():
            return self.p.read_text()  # path
    @property
    def prop(self) -> Path: return load()
    @prop.setter
    def prop(self, value): ...
    @functools.cached_property
    def cached(self): return self.p
    def method(self) -> "Path | None": return load()
    def plain(self):
        if flag: return self.base
        for p in self.found:
            return p
    @staticmethod
    def make():
        return Path("x")
    @classmethod
    def of(cls):
        return cls.root.read_text()  # path
def f(a: A):
    a.p.read_text()  # path
    b = A(Path("x"), "y")
    b.p.read_text(), b.method().read_text()  # path, path
    A.root.read_text()  # path
=== dataclasses and the like
from dataclasses import dataclass, field
from typing import NamedTuple
from fictional import BaseModel, Field
@dataclass(frozen=True)
class A:
    p: Path
    q: list[Path] = field(default_factory=list)
    def f(self):
        self.p.read_text(), self.q[0].read_text()  # path, path
class B(NamedTuple):
    p: Path
class C(BaseModel):
    p: Path = Field(...)
    q: "Path | None" = None
def f(a: A, b: B, c: "C | None"):
    a.p.read_text(), b.p.read_text(), c.p.read_text(), c.q.read_text()  # path * 4
class D:
    def __init__(self):
        self.a = A(Path("x"))
        self.a.p.read_text()  # path
=== base classes of the same file
class Base:
    def __init__(self):
        self.p = Path("x")
    def q(self) -> Path: raise NotImplementedError
class A(Base):
    def f(self):
        self.p.read_text(), self.q().read_text()  # path, path
    def q(self): return self.p
class B(A):
    def __init__(self):
        super().__init__()
        self.p = self.p / "x"
A().p.read_text()  # path
=== functions of the same file
from contextlib import contextmanager
from collections.abc import Iterator
def f() -> Path: return load()
def g():
    def inner(): return load()
    if flag: return None
    return f() / "x"
def h(n): return h(n - 1) if n else Path("x")
async def i() -> Path: ...
@contextmanager
def j() -> Iterator[Path]: yield load()
def k() -> Iterator[Path]: yield load()
f().read_text(), g().read_text(), h(3).read_text(), next(k()).read_text()  # path * 4
async def l(): (await i()).read_text()  # path
with j() as p: p.read_text()  # path
with open("x"), j() as q: q.read_text()  # path
l = lambda: Path("x")
l().read_text()  # path
=== fixtures
import pytest
def test_it(tmp_path, tmp_path_factory, pytester):
    (tmp_path / "x").read_text()  # path
    tmp_path_factory.mktemp("x").read_text()  # path
    tmp_path_factory.getbasetemp().read_text()  # path
    pytester.path.read_text()  # path
    pytester.makefile(".txt", "x").read_text()  # path
    pytester.makepyfile("x").read_text()  # path
    def inner(): tmp_path.read_text()  # path
class TestIt:
    def test_it(self, tmp_path): tmp_path.read_text()  # path
@pytest.fixture(scope="module")
def repository(tmp_path): return tmp_path.read_text()  # path
def helper(tmp_path: Path): tmp_path.read_text()  # path
=== resources, zip files, settings
import configparser, importlib.resources, zipfile
from configparser import ConfigParser as Parser, RawConfigParser
from importlib import resources
from importlib.resources import as_file, files
files("x").read_text()  # traversable
(resources.files("x") / "y").read_text()  # traversable
importlib.resources.files("x").joinpath("y").read_text()  # traversable
for t in files("x").iterdir(): t.read_text()  # traversable
with as_file(files("x") / "y") as p: p.read_text()  # path
with resources.as_file(files("x")) as p: p.read_text()  # path
z = zipfile.Path("x.zip", "y")
z.read_text(), (z / "x").read_text(), z.joinpath("x").read_text(), z.parent.read_text()  # zip-path * 4
for y in z.iterdir(): y.read_text()  # zip-path
configparser.ConfigParser().read_text()  # config-parser
Parser(interpolation=None).read_text()  # config-parser
settings = RawConfigParser()
class A:
    def __init__(self, c: configparser.ConfigParser):
        self.c, self.d = c, Parser()
        self.c.read_text(), self.d.read_text()  # config-parser, config-parser
    def f(self): settings.read_text()  # config-parser
with zipfile.ZipFile("x") as f: f.read_text()  # other
=== either of two kinds
import zipfile
p = Path("x") if flag else zipfile.Path("x")
p.read_text()  # unknown
=== casts
import typing
from typing import cast
cast(Path, load()).read_text()  # path
cast("Path", load()).read_text()  # path
typing.cast("list[Path]", load())[0].read_text()  # path
cast(str, load()).read_text()  # other
=== in f-strings, lambdas, decorators, defaults
p = Path("x")
f"{p.read_text()}"  # path
lambda: p.read_text()  # path
@decorate(p.read_text())  # path
def f(x=p.read_text()): ...  # path
class A(make(p.read_text())): ...  # path
=== chained methods
Path("x").read_text().strip().read_text()  # path, other
"""


def in_file(text: str, path: str = "m.py", project: Project | None = None) -> tuple[Module, Project]:
    project = project or Project(Path("nowhere"), frozenset({path}))
    return load(path, project.module_name(path), text.encode(), ("read_text",)), project


def receivers(module: Module) -> list[ast.expr]:
    """Those of all calls of read_text, by where the calls end."""
    calls = [node.func for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    found = [func for func in calls if isinstance(func, ast.Attribute) and func.attr == "read_text"]
    return [func.value for func in sorted(found, key=lambda func: (func.end_lineno, func.end_col_offset))]


def expected(text: str) -> list[tuple[int, str]]:
    """The kinds that comments announce, each with its line."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if ".read_text()" not in line:
            continue
        kinds = line.rpartition("#")[2].strip()
        kind, _, times = kinds.partition(" * ")
        found += [(number, each) for each in ([kind] * int(times) if times else kinds.split(", "))]
    return found


def actual(text: str, path: str = "m.py", project: Project | None = None) -> list[tuple[int, str]]:
    module, project = in_file(text, path, project)
    places = receivers(module)
    kinds = receiver_kinds(module, project, places)
    return [(place.end_lineno or 0, kinds[place] or "unknown") for place in places]


def cases(table: str) -> list:
    found = []
    for case in table.removeprefix("\n=== ").split("\n=== "):
        title, _, text = case.partition("\n")
        found.append(pytest.param(text if "pathlib" in text else f"from pathlib import Path\n{text}", id=title))
    return found


@pytest.mark.parametrize("text", cases(NO_PATHS))
def test_what_is_not_known_to_be_a_path_is_none(text: str) -> None:
    assert actual(text) == expected(text)


@pytest.mark.parametrize("text", cases(PATHS))
def test_what_is_known(text: str) -> None:
    assert actual(text) == expected(text)


FILES = {
    "app/__init__.py": "",
    "app/paths.py": """
from pathlib import Path
ROOT = Path(__file__).parent
DATA: Path = load()
NAME = "x"
MIXED = ROOT
if flag: MIXED = load()
def get_root() -> Path: return load()
def find(name): return ROOT / name
class Config:
    home = ROOT
    def __init__(self): self.p = find("x")
""",
    "app/handed_on.py": "from app.paths import ROOT, find as look\n",
    "app/types.py": "from pathlib import Path\n",
    "app/compat.py": "try: from pathlib import Path\nexcept ImportError: from pathlib2 import Path\n",
    "app/base.py": "from app.paths import Config\nclass Base(Config):\n    def f(self): self.q = self.p / 'x'\n",
    "app/sub/__init__.py": "from ..paths import ROOT as TOP\n",
    "app/d1.py": "from app.d2 import P as Q\nP = Q / 'x'\n",
    "app/d2.py": "from app.d3 import P as Q\nP = Q / 'x'\n",
    "app/d3.py": "from app.d4 import P as Q\nP = Q / 'x'\n",
    "app/d4.py": "from pathlib import Path\nP = Path('x')\n",
    "app/round1.py": "from pathlib import Path\nfrom app.round2 import p as q\np = Path('x')\np = q / 'x'\n",
    "app/round2.py": "from app.round1 import p as q\np = q.parent\n",
    "app/broken.py": "from pathlib import Path\nP = Path(\n",
    "app/odd.py": b"# coding: ascii\nfrom pathlib import Path\nP = Path('\xe4')\n",
}
USES = """
import app.paths
import app.paths as paths
from app import paths as same, settings
from app.base import Base
from app.broken import P as Broken
from app.compat import Path as Unsure
from app.d1 import P as FarAway
from app.gone import P as Gone
from app.handed_on import ROOT as TOP, look
from app.odd import P as Odd
from app.paths import DATA, MIXED, NAME, ROOT, Config, find, get_root
from app.round1 import p as around
from app.types import Path
from .sub import TOP as relative
ROOT.read_text(), DATA.read_text(), get_root().read_text(), find("x").read_text()  # path * 4
NAME.read_text()  # other
MIXED.read_text()  # unknown
app.paths.ROOT.read_text(), paths.ROOT.read_text(), same.ROOT.read_text()  # path * 3
paths.find("x").read_text(), paths.Config.home.read_text()  # path, path
paths.read_text()  # other
TOP.read_text(), look("x").read_text(), relative.read_text()  # path * 3
Path("x").read_text()  # path
Unsure("x").read_text()  # unknown
Config().p.read_text(), Config.home.read_text()  # path, path
Config().read_text()  # other
def f(c: Config, d: "app.paths.Config"): c.p.read_text(), d.p.read_text()  # path, path
class A(Base):
    def f(self):
        self.p.read_text(), self.q.read_text(), self.home.read_text()  # path * 3
        self.r.read_text()  # unknown
FarAway.read_text()  # unknown
around.read_text()  # path
settings.root.read_text()  # unknown
Broken.read_text(), Odd.read_text(), Gone.read_text()  # unknown * 3
"""


@pytest.fixture
def project(tmp_path) -> Project:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(text.encode() if isinstance(text, str) else text)
    return project_of(tmp_path, [*FILES, "app/gone.py", "app/uses.py"], [])


def test_names_from_other_files_of_the_project(project: Project) -> None:
    assert actual(USES, "app/uses.py", project) == expected(USES)


def test_how_far_away_files_are_looked_at(project: Project) -> None:
    for module, kind in (("d1", "unknown"), ("d2", "path")):
        assert actual(f"from app.{module} import P\nP.read_text()", "app/uses.py", project) == [(2, kind)]


def test_a_file_that_changed_is_read_again(project: Project) -> None:
    text = "from app.paths import DATA\nDATA.read_text()"
    assert actual(text, "app/uses.py", project) == [(2, "path")]
    (project.root / "app/paths.py").write_bytes(b"DATA = 'x'\n")
    assert actual(text, "app/uses.py", project) == [(2, "other")]


def test_a_project_with_a_pathlib_of_its_own(tmp_path) -> None:
    project = project_of(tmp_path, ["pathlib.py", "m.py"], [])
    text = "from pathlib import Path\nPath('x').read_text()"
    assert actual(text, "m.py", project) == [(2, "unknown")]


@pytest.mark.parametrize("table", [NO_PATHS, PATHS])
def test_the_order_of_receivers_does_not_matter(table: str) -> None:
    for case in cases(table):
        module, project = in_file(case.values[0])
        places = receivers(module)
        kinds = receiver_kinds(module, project, places)
        assert receiver_kinds(module, project, places[::-1]) == kinds
        # Nor does what else is asked for.
        for place in places:
            assert receiver_kinds(module, project, [place]) == {place: kinds[place]}


def test_nothing_asked() -> None:
    module, project = in_file("p.read_text()")
    assert receiver_kinds(module, project, []) == {}


CHAIN = "p0 = Path('x')\n" + "".join(f"p{n + 1} = p{n}.parent\n" for n in range(20))
HUGE = {
    "a chain of names": (CHAIN + "p5.read_text()  # path\np20.read_text()  # unknown", ["path", None]),
    "a deep expression": ("(" + "Path()" + " / 'x'" * 900 + ").read_text()", [None]),
    "a long or": ("p = " + "Path() or " * 3_000 + "Path()\np.read_text()", ["path"]),
    "a long conditional": ("p = " + "Path() if x else " * 900 + "Path()\np.read_text()", [None]),
    "long dots": ("Path()" + ".parent" * 900 + ".read_text()", [None]),
    "a long annotation": ("def f(p: " + "Path | " * 900 + "None): p.read_text()", [None]),
    "a long dotted annotation": ("def f(p: a" + ".b" * 900 + "): p.read_text()", [None]),
    "a broken annotation": ("def f(p: '((((', q: '', r: '" + "x" * 5_000 + "'): p.read_text()", [None]),
    "many branches": ("p = Path()\n" + "if x: p = Path()\np.read_text()\n" * 500, ["path"] * 500),
    "a long elif": ("if x: p = Path()\n" + "elif x: p = Path()\n" * 500 + "else: p = Path()\np.read_text()", ["path"]),
    "many stores": ("class A:\n def f(self):\n" + "  self.p = Path()\n  self.p.read_text()\n" * 500, ["path"] * 500),
    "many appends": ("ps = []\n" + "ps.append(Path())\n" * 1_000 + "ps[0].read_text()", ["path"]),
    "a list in itself": ("def f():\n x[0].read_text()\nx = []\nx.append(x)\ny = (y,)\ny[0].read_text()", [None, None]),
    "a class of its own": (
        "class A(B): ...\nclass B(A):\n p = q\nA().p.read_text()\nB().read_text()",
        [None, "other"],
    ),
    "too many names": ("".join(f"p{n} = Path()\np{n}.read_text()\n" for n in range(1_100)), None),
}


@pytest.mark.parametrize(("text", "kinds"), HUGE.values(), ids=HUGE)
def test_sizes_that_nobody_writes_by_hand(text: str, kinds: list[str | None] | None) -> None:
    module, project = in_file(f"from pathlib import Path\n{text}")
    places = receivers(module)
    found = list(receiver_kinds(module, project, places).values())
    assert (found == kinds) if kinds is not None else (set(found) == {"path", None})
    # What is beyond the limits is unknown, and the rest is told nevertheless.
    assert kinds is not None or found.count("path") > 900


def test_syntax_that_this_python_may_not_know() -> None:
    text = "def f(p: Path):\n    x = f'{p / f'{p.read_text()}'}'\n    x.read_text()\n    p.read_text()"
    assert actual(f"from pathlib import Path\n{text}")[-2:] == [(4, "other"), (5, "path")]


def test_names_in_other_letters() -> None:
    assert actual("from pathlib import Path\np\u00e4th = Path()\np\u00e4th.read_text()") == [(3, "path")]
    # Python takes the ligature for two letters.
    assert actual("from pathlib import Path\n\ufb01le = Path()\nfile.read_text()") == [(3, "path")]
    assert actual("from pathlib import Path\nfile = Path()\n\ufb01le = load()\nfile.read_text()") == [(4, "unknown")]


# Programs that nobody wrote, run to see what really is there. `{a}` is a name, `{b}` another one, `{c}` a list, `{e}`
# an expression; `see(number, receiver)` notes what the receiver is when it is reached.
EXPRESSIONS = """
Path("x")
Path("x")
Path("x") / "y"
Path(str({a}))
"s"
None
{a}
{a} / "y"
"y" / {a}
{a}.parent
{a}.name
{a} or {b}
({a} if flip() else {b})
{a} if isinstance({a}, Path) else Path(str({a}))
(not isinstance({a}, str) and {a}) or Path("f")
({a} := {b})
{c}[0]
{c}.pop()
next(iter({c}), None)
[z for z in {c}][0]
[z.parent for z in {c} if isinstance(z, Path)][0]
max({c}, key=str)
d["k"]
d.get("k", {a})
thing.p
thing.q
thing.find()
"""
SIMPLE = """
{a} = {e}
{a} = {e}
{a} = {e}
{s}
{s}
{s}
{a}, {b} = {b}, {a}
{a}, {b} = {e}, {e}
*{c}, {a} = [{b}, {e}]
{a} /= "z"
assert isinstance({a}, Path)
{c} = [{a}, {e}]
{c} = []
{c}.append({a})
{c} += [{a}]
{c} = [*{c}[:3], {e}]
d["k"] = {a}
d = {{}}
thing.p = {e}
thing.q = {e}
if flip(): return {a}
if flip(): {a} = {e}
{a} = Path(str({a}))
if isinstance({a}, str): {a} = Path({a})
if not isinstance({a}, Path): {a} = {e}
"""
COMPOUND = """
if flip():
if flip():
if isinstance({a}, Path):
if not isinstance({a}, Path):
if isinstance({a}, str):
if isinstance({a}, Path) and flip():
if not isinstance({a}, Path) or {s}:
while flip():
while isinstance({a}, Path) and flip():
for {a} in list({c}):
for {a}, {b} in zip({c}[:3], {c}[:3]):
for {a} in list(d.values()):
try:
with nothing({a}) as {b}:
with suppress(Exception):
def f():
def f(p):
def f(q: str):
"""
AROUND = """
from contextlib import suppress
from pathlib import Path
class Thing:
    def __init__(self):
        self.p = Path("x")
        self.q = None
    def find(self):
        return self.q
def main(p, q=None, r="r"):
    xs, ys, d, thing = [Path("x")], [], {"k": Path("k")}, Thing()
"""


class Author:
    """Writes a program."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.seen = 0
        for _ in range(8):
            self.statement(1)

    @property
    def text(self) -> str:
        return AROUND + "\n".join(self.lines) + "\n"

    def fill(self, template: str) -> str:
        a, b = self.random.sample(["p", "q", "r"], 2)
        names = {"a": a, "b": b, "c": self.random.choice(["xs", "ys"])}
        while "{e}" in template:
            template = template.replace("{e}", self.random.choice(EXPRESSIONS.strip().splitlines()), 1)
        if "{s}" in template:
            self.seen += 1
            place = self.random.choice(["{a}", "{a}", "{a}", "{c}[0]", "thing.p", "thing.q", "d['k']"])
            template = template.replace("{s}", f"see({self.seen}, {place})")
        return template.format(**names)

    def statement(self, depth: int) -> None:
        if depth > 4 or self.random.random() < 0.65:
            self.put(depth, self.fill(self.random.choice(SIMPLE.strip().splitlines())))
            return
        head = self.fill(self.random.choice(COMPOUND.strip().splitlines()))
        self.put(depth, head)
        if head.startswith("def"):
            self.put(depth + 1, self.random.choice(["nonlocal p", "nonlocal r", "pass", "pass"]).replace("p", "r"))
        self.block(depth + 1)
        if head == "try:":
            self.put(depth, self.random.choice(["except Exception:", "except ValueError:", "finally:"]))
            self.block(depth + 1)
        elif head.startswith(("if", "while")) and self.random.random() < 0.4:
            self.put(depth, "else:")
            self.block(depth + 1)
        elif head.startswith("def"):
            self.put(depth, "run(f)")

    def block(self, depth: int) -> None:
        for _ in range(self.random.randint(1, 3)):
            self.statement(depth)

    def put(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)


class Enough(BaseException):
    """A program ran for long."""


def watch(text: str, chance: random.Random) -> dict[int, set[type]]:
    """Run a program a few times; what is falsy is left out, since that is no receiver of anybody's."""
    seen: dict[int, set[type]] = defaultdict(set)
    steps = 0

    def trace(frame, event, argument):
        nonlocal steps
        steps += 1
        if steps > 500:
            raise Enough
        return trace if frame.f_code.co_filename == "<program>" else None

    def see(number, value):
        if value:
            seen[number].add(type(value))
        return value

    @contextmanager
    def nothing(value):
        yield chance.choice([value, "s", Path("w")])

    def run(function):
        for arguments in ((), ("s",)):
            try:
                function(*arguments)
            except Exception:
                continue

    space = {"see": see, "nothing": nothing, "run": run, "flip": lambda: chance.random() < 0.5, "__name__": "m"}
    exec(compile(text, "<program>", "exec"), space)
    before = sys.gettrace()
    for given in ("s", Path("m"), None, Path("m"), "s", Path("m")):
        steps = 0
        sys.settrace(trace)
        try:
            space["main"](given)
        except (Exception, Enough):
            continue
        finally:
            sys.settrace(before)
    return seen


@pytest.mark.parametrize("start", range(0, 300, 100))
def test_what_programs_do_agrees_with_what_is_told_of_them(start: int) -> None:
    told = 0
    for seed in range(start, start + 100):
        text = Author(seed).text
        try:
            compile(text, "<program>", "exec")
        except SyntaxError:  # a name is read before it is declared nonlocal
            continue
        module, project = in_file(text)
        calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
        noted = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "see"]
        places = {ast.literal_eval(call.args[0]): call.args[1] for call in noted}
        kinds = receiver_kinds(module, project, list(places.values()))
        for number, types in watch(text, random.Random(seed)).items():
            kind = kinds[places[number]]
            are_paths = {issubclass(each, Path) for each in types}
            told += kind == "path"
            assert kind is None or are_paths == {kind == "path"}, f"program {seed}, place {number}, {types}\n{text}"
    assert told > 15
