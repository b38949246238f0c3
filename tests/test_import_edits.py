"""Import statements whose names moved: a table of texts, and statements that nobody wrote."""

from __future__ import annotations

import ast
import re
import textwrap
import tokenize
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssot_fix.bindings import load
from ssot_fix.edits import apply_edits
from ssot_fix.import_edits import Moved, Statement, compose, statement_of, why_not
from ssot_fix.project.resolver import Project

PATH = "pkg/sub/m.py"
FILES = ("pkg/__init__.py", "pkg/new.py", "pkg/sub/new.py", "pkg/sub/deep/er.py", "pkg/sub/__init__.py", PATH)
IMPORTS = (ast.Import, ast.ImportFrom)

# Old to new, with the name to bind where that changes, too.
MOVES = {
    "a:x": "c:x",
    "a:y": "d:y",
    "a:z": "c:z",
    "a:o": "c:p",
    "a:r": "c:s s",
    "a:A": "c:A",
    "a:same": "a:other",
    "a:twin": "a:w w",
    "a:sub": "e.f.sub",
    "a:sub2": "e.f.other",
    "a:top": "g",
    "a:*": "c:*",
    "a.b": "e.f e",
    "a.c": "e.g e",
    "h": "i.j",
    "k": "l l",
    "q.r": "q",
    "u.v": "c:x",
    "pkg.old:x": "pkg.new:x",
    "pkg.sub.old:x": "pkg.sub.new:x",
    "pkg.sub.far:x": "pkg.new:x",
    "pkg.sub.out:x": "c:x",
    "pkg.sub:x": "pkg.sub.new:x",
    "pkg.sub:mod": "pkg.sub.deep.er",
    "pkg.old2:x": "pkg.sub.deep.er:x",
    "pkg.old3:x": "pkg.elsewhere:x",
    "pkg.sub.up:x": "pkg.sub:x",
}


def read(text: bytes, path: str = PATH):
    project = Project(Path(), frozenset(FILES))
    return load(path, project.module_name(path), text, ()), project


def origin_of(module, node) -> str | None:
    """The module that a statement takes names from; None for `import ...`."""
    if isinstance(node, ast.Import):
        return None
    package = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
    around = package[: len(package) - node.level + 1] if node.level else []
    return ".".join([*around, *([node.module] if node.module else [])])


def bound_by(node, alias) -> str:
    return alias.asname or (alias.name.partition(".")[0] if isinstance(node, ast.Import) else alias.name)


def moved_in(module, moves) -> list[Moved]:
    found = []
    for node in ast.walk(module.tree):
        for alias in node.names if isinstance(node, IMPORTS) else ():
            origin = origin_of(module, node)
            target = moves.get(alias.name if origin is None else f"{origin}:{alias.name}")
            if target is not None:
                path, _, bound = target.partition(" ")
                if alias.asname or not bound:
                    bound = bound_by(node, alias)
                new, _, name = path.partition(":")
                found.append(Moved(node, alias, new, name or None, bound))
    return found


def repointed(text: bytes, path: str = PATH, moves=MOVES) -> bytes | str:
    """The new text, or why a statement can't be edited."""
    module, project = read(text, path)
    moved = moved_in(module, moves)
    if refused := why_not(module, moved):
        with pytest.raises(ValueError, match="line"):
            compose(module, moved, project)
        assert len(refused) == 1
        return next(iter(refused.values()))
    composed = compose(module, moved, project)
    new = apply_edits(module.source.body, composed.edits)
    check(module, moved, composed, new)
    return new


# Titles, texts before and, below `->`, after. `-x` is why it is refused; nothing below `->`: the same.
TABLE = """
=== nothing of it moved
from b import x, y as z
import b.c, d as e
from . import q
->
=== another name of a module that names left
from a import w
->
=== the name of a module that names left, from elsewhere
from b import x
->
=== a module whose path only starts like it
import a.bc
import a.b_
from a.b import x
->
=== in a string and a comment
"from a import x"
# from a import x
->
=== a name bound twice, one of which leaves
from a import x as n, w as n
-> its names part ways, and it binds `n` more than once
=== a comment above a name that leaves, and one that stays
from a import (
    # both of them
    x,
    w,
)
-> its names part ways, and a comment inside it can't be told whose it is or can't go along
=== a comment above a name that leaves to where another one goes, too
from a import (
    w,
    # this one
    x,

    z,
)
-> its names part ways, and a comment inside it can't be told whose it is or can't go along
=== a comment on a line of names that part
from a import (
    w, x,  # two of them
    v,
)
-> its names part ways, and a comment inside it can't be told whose it is or can't go along
=== a comment on a line of names that leave, not all of them
from a import (
    x, z,  # two of them
    w, o,
)
-> its names part ways, and a comment inside it can't be told whose it is or can't go along
=== a comment above names that leave to different places
from a import (w,
               # both
               x, y)
-> its names part ways, and a comment inside it can't be told whose it is or can't go along
=== a comment inside of a name that leaves
from a import (
    w,
    x  # so called
    as n,
)
-> its names part ways, and a comment inside it can't be told whose it is or can't go along
=== a comment above a comma
from a import (
    x
    # why
    , w
)
-> its names part ways, and a comment inside it can't be told whose it is or can't go along
=== a comment behind a comma on the next line
from a import (
    x
    ,  # odd
    w
)
-> its names part ways, and a comment inside it can't be told whose it is or can't go along
=== a comment of the last name but one, in a packed list
from a import (w,  # why
               x)
-> its names part ways, and a comment inside it can't be told whose it is or can't go along
=== a comment beside a name that leaves a line with other statements
use(); from a import (
    w,
    x,  # why
)
-> its names part ways, and a comment inside it can't be told whose it is or can't go along
=== a comment in a list that becomes a plain import
from a import (
    top,  # why
)
-> its form changes, and a comment inside it would be lost
=== one name
from a import x
->
from c import x
=== several names that go together
from a import x, z
->
from c import x, z
=== with as
from a import x as n
->
from c import x as n
=== marked as a re-export
from a import x as x
->
from c import x as x
=== another name there, the same here
from a import o
->
from c import p as o
=== another name there, another one here
from a import o as n
->
from c import p as n
=== as is there no more need of
from a import o as p
->
from c import p
=== as with a comment that would go with it
from a import (
    o
    # so called
    as p,
)
->
from c import (
    p
    # so called
    as p,
)
=== another name there and here
from a import r
->
from c import s
=== another name there and here, with as
from a import r as n
->
from c import s as n
=== another name there and here, marked as a re-export
from a import r as r
->
from c import s as r
=== another name of the same module
from a import w, same, v
->
from a import w, other as same, v
=== another name of the same module that is there already
from a import twin, w
->
from a import w
=== two names that become one
from a import (
    x,
    x,
)
->
from c import (
    x,
)
=== star
from a import *
->
from c import *
=== star where a star is
from c import *
from a import *
->
from c import *
from c import *
=== in parentheses
from a import (x)
->
from c import (x)
=== without a space
from a import(x, z)
->
from c import(x, z)
=== with odd spaces
from  a  import  x  as  n ,z
->
from  c  import  x  as  n ,z
=== over lines, with comments, in place
from a import (  # these
    # the first
    x,  # one

    z  # two
    # and that is all
)  # noqa
->
from c import (  # these
    # the first
    x,  # one

    z  # two
    # and that is all
)  # noqa
=== backslashes, in place
from \\
  a \\
  import \\
  x, \\
  z
->
from \\
  c \\
  import \\
  x, \\
  z
=== a semicolon
use(); from a import x; use()
->
use(); from c import x; use()
=== a one-line suite
try: from a import x
except E: pass
->
try: from c import x
except E: pass
=== in a block, under a guard and in a function
try:
    from a import x
except ImportError:
    from a import z as x
if TYPE_CHECKING:
    from a import x
def f():
    from a import x
    match x:
        case 1:
            from a import x
->
try:
    from c import x
except ImportError:
    from c import z as x
if TYPE_CHECKING:
    from c import x
def f():
    from c import x
    match x:
        case 1:
            from c import x
=== one stays
from a import w, x, v
->
from a import w, v
from c import x
=== the first leaves
from a import x, w
->
from a import w
from c import x
=== the last leaves
from a import w, x as n
->
from a import w
from c import x as n
=== all leave, to different places
from a import x, y, z
->
from c import x, z
from d import y
=== to three places
from a import w, x, y
->
from a import w
from c import x
from d import y
=== names that part, in parentheses on one line
from a import (w, x, )
->
from a import (w, )
from c import x
=== names that part, one per line
from a import (
    w,
    x,
    v,
    y as n,
)
->
from a import (
    w,
    v,
)
from c import x
from d import y as n
=== names that part, without a last comma
from a import (
    w,
    x
)
->
from a import (
    w,
)
from c import x
=== names that part, packed
from a import (w, x,
               v, y,
               z, u)
->
from a import (w,
               v, u)
from c import x, z
from d import y
=== names that part, the first line of all
from a import (x, z,
               w)
->
from a import (w)
from c import x, z
=== names that part, over lines that get mixed
from a import (w, x,
               z,
               v)
->
from a import (w,
               v)
from c import x, z
=== names that part, commas first
from a import (
    w
    , x
    , v
    , z
)
->
from a import (
    w
    , v
)
from c import x, z
=== names that part, commas first, with comments
from a import (
    w
    # why
    , x
)
->
from a import (
    w
)
# why
from c import x
=== names that part, commas first, with another name's comment
from a import (
    w  # why
    , x
    , v
)
->
from a import (
    w  # why
    , v
)
from c import x
=== names that part, backslashes
from a import w, \\
    x, \\
    v, \\
    z
->
from a import w, \\
    v
from c import x, z
=== names that part, the first before a backslash
from a import x, \\
    w
->
from a import w
from c import x
=== names that part beside a semicolon
use(); from a import x, w; use()
->
use(); from a import w; from c import x; use()
=== names that part in front of a semicolon
from a import x, w;
->
from a import w;
from c import x
=== names that part in a one-line suite
try: from a import w, x, y  # noqa
except E: pass
->
try: from a import w; from c import x; from d import y  # noqa
except E: pass
=== names that part below a backslash
if t: \\
    from a import w, x
->
if t: \\
    from a import w; from c import x
=== names that part, each with its comment
from a import (
    w,  # stays
    x,  # goes
    y,  # goes, too
)
->
from a import (
    w,  # stays
)
from c import x  # goes
from d import y  # goes, too
=== names that part, several with comments
from a import (
    w,
    x,  # one
    z,
    o  # three
)
->
from a import (
    w,
)
from c import (
    x,  # one
    z,
    p as o,  # three
)
=== names that part, a comment on the line of all that leave
from a import (
    w,
    x, z,  # two of them
)
->
from a import (
    w,
)
from c import x, z  # two of them
=== names that part, a comment on the line of all that leave, too many for a line
from a import (
    w,
    x as a_name_that_is_quite_long_by_itself, z as another_name_that_is_quite_long_by_itself,  # two
)
->
from a import (
    w,
)
from c import (  # two
    x as a_name_that_is_quite_long_by_itself,
    z as another_name_that_is_quite_long_by_itself,
)
=== names that part, a comment for tools on the statement
from a import w, x  # noqa: F401
->
from a import w  # noqa: F401
from c import x  # noqa: F401
=== names that part, a comment for tools behind another one
from a import w, x  # both  # noqa: F401
->
from a import w  # both  # noqa: F401
from c import x  # noqa: F401
=== names that part, another comment on the statement
from a import w, x  # these
->
from a import w  # these
from c import x
=== names that part, comments for tools here and there
from a import (  # noqa: F401
    w,
    x,  # type: ignore[attr-defined]
    y,  # noqa: F401
)  # pylint: disable=wrong-import-position
->
from a import (  # noqa: F401
    w,
)  # pylint: disable=wrong-import-position
from c import x  # noqa: F401  # pylint: disable=wrong-import-position  # type: ignore[attr-defined]
from d import y  # noqa: F401  # pylint: disable=wrong-import-position
=== names that part, a comment for tools on their line
from a import (
    w, x,  # noqa
)
->
from a import (
    w,  # noqa
)
from c import x  # noqa
=== names that part, comments for tools on a long list
from a import (  # noqa: F401
    w,
    x,  # one
    z,
)
->
from a import (  # noqa: F401
    w,
)
from c import (  # noqa: F401
    x,  # one
    z,
)
=== a section that leaves as a whole
from a import (
    # what stays
    w,

    # what goes:
    # far away
    x,
    z,

    # what stays, too
    v,
)
->
from a import (
    # what stays
    w,

    # what stays, too
    v,
)
# what goes:
# far away
from c import x, z
=== a name from the middle of a section
from a import (
    # all of them
    w,
    x,  # that one
    v,
)
->
from a import (
    # all of them
    w,
    v,
)
from c import x  # that one
=== the last name of a section
from a import (
    # all of them
    w,
    x,
)
->
from a import (
    # all of them
    w,
)
from c import x
=== a section without an indent
from a import (
# what goes
x,
# what stays
w,
)
->
from a import (
# what stays
w,
)
# what goes
from c import x
=== the last section leaves
from a import (
    w,

    # what goes
    x,
    z,
)
->
from a import (
    w,
)
# what goes
from c import x, z
=== a name below the last comment
from a import (
    w,
    x,
    # and that is all
)
->
from a import (
    w,
    # and that is all
)
from c import x
=== names with blank lines around
from a import (
    x,

    w,

    z,

    v,

    o,
)
->
from a import (
    w,

    v,
)
from c import x, z, p as o
=== names that part, too many for a line
from a import (
    w,
    x as a_name_that_is_quite_long_by_itself,
    z as another_name_that_is_quite_long_by_itself,
)
->
from a import (
    w,
)
from c import (
    x as a_name_that_is_quite_long_by_itself,
    z as another_name_that_is_quite_long_by_itself,
)
=== names that part, too many for a line, from one line
from a import w, \\
    x as a_name_that_is_quite_long_by_itself, z as another_name_that_is_quite_long_by_itself
->
from a import w
from c import (
    x as a_name_that_is_quite_long_by_itself,
    z as another_name_that_is_quite_long_by_itself,
)
=== merged into the line below
from a import x
from c import q
->
from c import q, x
=== merged into the line above
from c import q
from a import x
use()
->
from c import q, x
use()
=== merged, in order
from c import a, z
from a import x
->
from c import a, x, z
=== merged, in isort's order
from c import ALL, Class, function
from a import x, A
->
from c import ALL, A, Class, function, x
=== merged, in order whatever the case
from c import b, C, d, Y, z
from a import x
->
from c import b, C, d, x, Y, z
=== merged, not in order
from c import z, a
from a import x
->
from c import z, a, x
=== merged with as
from c import q
from a import x as n
->
from c import q, x as n
=== merged across other imports, comments and blank lines
from c import q

# others
import os

import b as e

from a import x

use()
->
from c import q, x

# others
import os

import b as e

use()
=== merged, in parentheses
from c import (q)
from a import x
->
from c import (q, x)
=== merged, one per line
from c import (
    q,
    y,
)
from a import x
->
from c import (
    q,
    x,
    y,
)
=== merged, one per line, without a last comma
from c import (
    o,
    q  # why
)
from a import x, z
->
from c import (
    o,
    q,  # why
    x,
    z
)
=== merged with its comment
from c import (
    q,
)
from a import (
    w,
    x,  # why
)
->
from c import (
    q,
    x,  # why
)
from a import (
    w,
)
=== merged, packed
from c import (a, b,
               y)
from a import x
->
from c import (a, b,
               x, y)
=== merged, backslashes
from c import a, \\
    b
from a import x
->
from c import a, \\
    b, x
=== merged, the others stay
from a import w, x
from c import q
->
from a import w
from c import q, x
=== merged, the others get their own
from c import q
from a import x, y
->
from c import q, x
from d import y
=== merged twice
from c import q
from d import q as qq
from a import x, y, w
->
from c import q, x
from d import q as qq, y
from a import w
=== merged into one that is repointed itself
from a import x
from a import z
->
from c import x, z
=== merged from two
from c import q
from a import z
from a import x
->
from c import q, x, z
=== merged in a block
if t:
    from c import q
    from a import x
->
if t:
    from c import q, x
=== not merged: into one that parts
from a import x, y
from a import z
->
from c import x
from d import y
from c import z
=== not merged: another block
from c import q
if t:
    from a import x
try:
    from a import x
except E:
    from c import q
->
from c import q
if t:
    from c import x
try:
    from c import x
except E:
    from c import q
=== not merged: something in between
from c import q
use()
from a import x
->
from c import q
use()
from c import x
=== not merged: something in between binds the name
from c import q
from b import x
from a import x
->
from c import q
from b import x
from c import x
=== not merged: it binds the name
from c import q as x
from a import x
->
from c import q as x
from c import x
=== not merged: a star in between
from c import q
from b import *
from a import x
->
from c import q
from b import *
from c import x
=== not merged: a comment on the one
from c import q  # why
from a import x
->
from c import q  # why
from c import x
=== not merged: a comment on the other
from c import q
from a import x  # why
->
from c import q
from c import x  # why
=== not merged: a comment for tools on the other
from c import q
from a import x, w  # noqa
->
from c import q
from a import w  # noqa
from c import x  # noqa
=== not merged: a comment in the other
from c import q
from a import (
    # why
    x
)
->
from c import q
from c import (
    # why
    x
)
=== not merged: a comment above the other
from c import q
# why
from a import x
->
from c import q
# why
from c import x
=== not merged: a comment that finds no place
from c import q
from a import (
    x,  # why
)
->
from c import q
from c import (
    x,  # why
)
=== not merged: sections
from c import (
    # these
    q,
)
from a import x
->
from c import (
    # these
    q,
)
from c import x
=== not merged: a comment beside packed names
from c import (p, q,  # why
               r)
from a import x
->
from c import (p, q,  # why
               r)
from c import x
=== not merged: too long
from c import a_name_that_is_quite_long_by_itself, another_name_that_is_as_long_as_it_is
from a import x
->
from c import a_name_that_is_quite_long_by_itself, another_name_that_is_as_long_as_it_is
from c import x
=== merged into a long line in a file of longer ones
from c import a_name_that_is_quite_long_by_itself, another_name_that_is_as_long_as_it_is
import a_module_that_has_a_name, of_which_there_is_not_much_to_say, but_that_it_takes_a_lot_of_room
from a import x
->
from c import a_name_that_is_quite_long_by_itself, another_name_that_is_as_long_as_it_is, x
import a_module_that_has_a_name, of_which_there_is_not_much_to_say, but_that_it_takes_a_lot_of_room
=== not merged: shares its line
from c import q
use(); from a import x
->
from c import q
use(); from c import x
=== not merged: the whole statement is repeated by a semicolon
from c import q
from a import x; use()
->
from c import q
from c import x; use()
=== there already
from c import x
from a import x, w
->
from c import x
from a import w
=== there already, as a whole
from a import x  # noqa

from c import (  # these
    q, x
)
->
from c import (  # these
    q, x
)
=== there already, its comment goes with it
from c import x
from a import (
    w,
    x,  # why
)
->
from c import x
from a import (
    w,
)
=== there already, the comment on their line goes with both
from c import x, z
from a import (
    w,
    x, z,  # both
)
->
from c import x, z
from a import (
    w,
)
=== there already, under another name
from c import x as n
from a import x
->
from c import x as n, x
=== there already, for others, too
from c import x as x
from a import x
->
from c import x as x
=== there already, with a comment for tools
from c import x, z
from a import x, z  # noqa
->
from c import x, z
=== there already, with a comment for tools and another one
from c import x, z
from a import x, z  # noqa  # why
->
from c import x, z
from c import x, z  # noqa  # why
=== there already, but not for others
from c import x
from a import x as x
->
from c import x, x as x
=== there already, in another block
from c import x
def f():
    from a import x
->
from c import x
def f():
    from c import x
=== there already, one of two
from c import x
from a import x, z
->
from c import x, z
=== there already, with a comment on all of them
from c import x, z
from a import x, z  # why
->
from c import x, z
from c import x, z  # why
=== modules
import a.b
->
import e.f
=== one of several modules
import b.c, a.b, d as e
->
import b.c, e.f, d as e
=== a module with as
import a.b as n
->
import e.f as n
=== a module that binds another name
import a.b, os
import a.c
->
import e.f, os
import e.g
=== a module of one part
import h
->
import i.j as h
=== a module of one part, marked as a re-export
import h as h
->
import i.j as h
=== a module of one part that is used by its new name
import k
->
import l
=== a module that becomes one of one part
import q.r as n
import q.r as q
->
import q as n
import q
=== modules with odd spaces
import a . b  as  n, \\
    a.b
->
import e.f  as  n, \\
    e.f
=== a module that is there already
import e.f
import a.b
use()
->
import e.f
use()
=== a module that is there already, in the statement
import e.f, a.b
->
import e.f
=== a module that is there already, beside one of its package
import e.f
import e.h
import a.b, d
->
import e.f
import e.h
import d
=== a module that becomes a name
import u.v as n
->
from c import x as n
=== one of several modules that becomes a name
import os, u.v as n  # noqa
->
import os  # noqa
from c import x as n  # noqa
=== a name that becomes a module of its own
from a import sub
->
from e.f import sub
=== a name that becomes a module of its own, called otherwise
from a import sub2
use()
from a import sub2 as other
->
from e.f import other as sub2
use()
from e.f import other
=== a name that becomes a module without a package
from a import top, w
from a import (top)
->
from a import w
import g as top
import g as top
=== a relative import
from .old import x
use()
from . old import x
use()
from ..old import x
->
from .new import x
use()
from .new import x
use()
from ..new import x
=== from a package, relative
from . import x
use()
from .import x
use()
from.import x
->
from .new import x
use()
from .new import x
use()
from.new import x
=== from a package to one of its own
from . import mod
->
from .deep import er as mod
=== to a module further down
from ..old2 import x
->
from .deep.er import x
=== to the package itself
from .up import x
use()
from . up import (x)
use()
from .up import x as n, w
->
from . import x
use()
from . import (x)
use()
from .up import w
from . import x as n
=== not relative: it takes more dots
from .far import x
->
from pkg.new import x
=== not relative: another package
from .out import x
use()
from.out import x
->
from c import x
use()
from c import x
=== not relative: not under this source root
from ..old3 import x
->
from pkg.elsewhere import x
=== not relative: was absolute
from pkg.old import x
->
from pkg.new import x
"""


CASES = [
    pytest.param(before, after or before, refused, id=title)
    for title, before, refused, after in re.findall(
        r"^=== (.+)\n((?:(?!->|===).*\n)*)-> ?(.*)\n((?:(?!===).*\n)*)", TABLE, re.MULTILINE
    )
]


def check_case(before: bytes, after: bytes, refused: str) -> None:
    new = repointed(before)
    assert (new if isinstance(new, str) else new.decode()) == (refused or after.decode())


@pytest.mark.parametrize(("before", "after", "refused"), CASES)
def test_case(before, after, refused):
    check_case(before.encode(), after.encode(), refused)


def test_the_table_is_read():
    assert len(CASES) == TABLE.count("\n=== ") >= 100


@pytest.mark.parametrize("newline", ["\r\n", "\r"], ids=["crlf", "cr"])
@pytest.mark.parametrize(("before", "after", "refused"), CASES)
def test_case_with_other_newlines(before, after, refused, newline):
    check_case(before.replace("\n", newline).encode(), after.replace("\n", newline).encode(), refused)


@pytest.mark.parametrize("indent", ["  ", "\t"], ids=["spaces", "tab"])
@pytest.mark.parametrize(("before", "after", "refused"), CASES)
def test_case_in_a_block(before, after, refused, indent):
    before, after = (f"if t:\n{textwrap.indent(text, indent)}{indent}use()\n" for text in (before, after))
    if indent == "\t":
        before, after = before.replace("    ", "\t"), after.replace("    ", "\t")

    check_case(before.encode(), after.encode(), refused)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from a import x", "from c import x"),
        ("from a import w, x", "from a import w\nfrom c import x"),
        ("import os\r\nfrom a import w, x", "import os\r\nfrom a import w\r\nfrom c import x"),
        ("from a import (\n    w,\n    x,\n)", "from a import (\n    w,\n)\nfrom c import x"),
        ("from c import q\n\n\nfrom a import x", "from c import q, x"),
        ("from c import q\n\nfrom a import x\n", "from c import q, x\n"),
        ("from c import q\r\nfrom a import x\r\n\r\nfrom a import z", "from c import q, x, z"),
        (
            "from c import x\nfrom a import w, y\nfrom a import x",
            "from c import x\nfrom a import w\nfrom d import y\n",
        ),
        ("from a import x\n\nfrom c import q\n", "from c import q, x\n"),
        ("use()\n\nfrom a import x\n\nfrom c import q\n", "use()\n\nfrom c import q, x\n"),
        ("\ffrom a import w, x\n", "\ffrom a import w\nfrom c import x\n"),
        ("from c import q\n\ffrom a import x\nuse()\n", "from c import q, x\n\fuse()\n"),
        ("if t:\n  \f  from a import w, x\n", "if t:\n  \f  from a import w\n  from c import x\n"),
        ("import ö\r\rfrom a import w, x\n", "import ö\r\rfrom a import w\nfrom c import x\n"),
        ("from ä.ö import ü\nfrom a import é, x # à\n", "from ä.ö import ü\nfrom a import é # à\nfrom c import x\n"),
        ("# coding: latin-1\nfrom a import é, x # à\n", "# coding: latin-1\nfrom a import é # à\nfrom c import x\n"),
        ("\ufefffrom a import x\n", "from c import x\n"),
        ("from a import ﬁ, x\n", "from a import ﬁ\nfrom c import x\n"),
        ("type X = int\nfrom a import w, x\n", "type X = int\nfrom a import w\nfrom c import x\n"),
        ("def f[T](): from a import w, x\n", "def f[T](): from a import w; from c import x\n"),
    ],
)
def test_bytes(before, after):
    assert repointed(before.encode("latin-1" if "latin" in before else "utf-8")).decode() == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from .old import x\n", "from .new import x\n"),
        ("from . import x\n", "from .new import x\n"),
        ("from ..old import x\n", "from ..new import x\n"),
        ("from .far import x\n", "from pkg.new import x\n"),
        ("from .up import x\n", "from . import x\n"),
    ],
)
def test_relative_in_a_package(before, after):
    assert repointed(before.encode(), "pkg/sub/__init__.py").decode() == after


def test_relative_only_to_what_lies_under_the_same_root():
    files = frozenset({"src/pkg/m.py", "src/pkg/new.py", "src/pkg/folder/deep.py", "pkg/other.py"})
    project = Project(Path(), files, ("", "src"))
    module = load("src/pkg/m.py", "pkg.m", b"from .old import x, y, deep\n", ())
    (node,) = module.tree.body
    paths = ("pkg.new", "pkg.other", "pkg.folder")
    moved = [Moved(node, alias, path, alias.name, alias.name) for alias, path in zip(node.names, paths, strict=True)]
    new = apply_edits(module.source.body, compose(module, moved, project).edits)
    assert new == b"from .new import x\nfrom pkg.other import y\nfrom .folder import deep\n"


@pytest.mark.parametrize("name", ["*", None])
def test_a_star_is_told_by_its_alias(name):
    module, project = read(b"from a import *\n")
    (node,) = module.tree.body
    composed = compose(module, [Moved(node, node.names[0], "c.d", name, "*")], project)
    assert composed.expected == {node: (Statement("c.d", 0, (("*", None),)),)}
    assert apply_edits(module.source.body, composed.edits) == b"from c.d import *\n"


@pytest.mark.parametrize(("width", "lines"), [(88, 2), (89, 5)])
def test_a_new_statement_is_one_line_if_it_fits(width, lines):
    name = "n" * (width - len("from c import x as , z"))
    assert repointed(f"from a import w, \\\n  x as {name}, z\n".encode()).count(b"\n") == lines


@pytest.mark.parametrize(("width", "lines"), [(88, 1), (89, 2)])
def test_names_are_merged_if_the_line_is_not_too_long(width, lines):
    name = "n" * (width - len("from c import , x"))
    assert repointed(f"from c import {name}\nfrom a import x\n".encode()).count(b"\n") == lines


def test_what_is_expected():
    module, project = read(b"from . import w, x\nfrom c import q\nfrom a import z\nimport a.b, h\n")
    first, target, gone, plain = module.tree.body
    assert compose(module, moved_in(module, MOVES), project).expected == {
        first: (Statement("", 1, (("w", None),)), Statement("new", 1, (("x", None),))),
        target: (Statement("c", 0, (("q", None), ("z", None))),),
        gone: (),
        plain: (Statement(None, 0, (("e.f", None), ("i.j", "h"))),),
    }


def test_nothing_moved():
    module, project = read(b"from a import x\n")
    assert why_not(module, []) == {}
    assert compose(module, [], project).edits == []
    assert compose(module, [], project).expected == {}


# What holds of every result


def check(module, moved, composed, new: bytes) -> None:
    again, project = read(new.decode().encode(module.source.encoding), module.path)
    assert compose(again, [], project).edits == []
    compare(module.tree, again.tree, composed.expected)
    assert bindings(again, again.tree, {}) == bindings(module, module.tree, {move.alias: move for move in moved})
    check_comments(module, moved, again)
    check_edits(module, composed)


def compare(old, new, expected) -> None:
    """The trees are equal, but for the statements that are to be different."""
    if isinstance(old, list):
        wanted = []
        for node in old:
            if isinstance(node, IMPORTS):
                wanted += expected.get(node, (statement_of(node),))
            else:
                wanted.append(node)
        assert [statement_of(node) if isinstance(node, IMPORTS) else type(node) for node in new] == [
            node if isinstance(node, Statement) else type(node) for node in wanted
        ]
        for before, after in zip(wanted, new, strict=True):
            if not isinstance(before, Statement):
                compare(before, after, expected)
    elif isinstance(old, ast.AST):
        for name in old._fields:
            compare(getattr(old, name), getattr(new, name), expected)
    else:
        assert old == new


def bindings(module, holder, moved) -> list[object]:
    """For every block, what each name means where a statement follows that is no import."""
    found: list[object] = []
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        known: dict[object, object] = {}
        for node in getattr(holder, name, ()):
            if isinstance(node, IMPORTS):
                for alias in node.names:
                    bind(known, module, node, alias, moved.get(alias))
            else:
                found += [dict(known), bindings(module, node, moved)]
        found.append(known)
    return found


def bind(known, module, node, alias, move) -> None:
    origin = origin_of(module, node)
    if alias.name == "*":
        star = move.module if move else origin
        known.update({name: (meaning, star) for name, meaning in known.items()})  # may be another one now
        known[f"{star}.*"] = "*"
        return
    if move is None:
        bound, path = bound_by(node, alias), alias.name if origin is None else f"{origin}.{alias.name}"
        itself = origin is not None or alias.asname is not None
    else:
        bound, path = move.bound, f"{move.module}.{move.name}" if move.name else move.module
        itself = origin is not None or alias.asname is not None or move.name is not None or bound == alias.name
    top, _, inner = path.partition(".")
    if not itself and inner and bound == top:
        known["loaded", path] = True
        path = top
    known[bound] = path


def comments_in(text: str) -> list[tuple[int, str]]:
    lines = iter(text.replace("\r\n", "\n").replace("\r", "\n").splitlines(keepends=True))
    tokens = tokenize.generate_tokens(lambda: next(lines, ""))
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]


@dataclass(frozen=True)
class Name:
    line: int
    column: int
    end_line: int
    meaning: dict[object, object]
    node: ast.stmt
    moved: bool


def names_in(module, moves) -> list[Name]:
    """All that is imported, in the order of the text."""
    found = []
    for node in ast.walk(module.tree):
        for alias in node.names if isinstance(node, IMPORTS) else ():
            meaning: dict[object, object] = {}
            bind(meaning, module, node, alias, moves.get(alias))
            found.append(Name(alias.lineno, alias.col_offset, alias.end_lineno, meaning, node, alias in moves))
    return sorted(found, key=lambda name: (name.line, name.column))


def check_comments(module, moved, again) -> None:
    """Every comment is still there, beside what it stood beside; unless that is imported elsewhere already."""
    before, after = names_in(module, {move.alias: move for move in moved}), names_in(again, {})
    places: dict[str, list[int]] = {}
    for line, text in comments_in(again.source.text):
        for part in {text, *text.replace("  #", "\0#").split("\0")}:
            places.setdefault(part, []).append(line)
    for line, text in comments_in(module.source.text):
        beside = [name for name in before if name.end_line == line]
        around = [name for name in before if name.node.lineno < line < name.node.end_lineno]
        if text not in places:
            owners = beside or [name for name in before if name.node.end_lineno == line]
            twice = [name for name in owners if [other.meaning for other in before].count(name.meaning) > 1]
            assert owners, text
            assert all(name.moved for name in owners), text
            assert owners == twice, text
        elif beside and around and "noqa" not in text:
            now = [name.meaning for name in after if name.end_line in places[text]]
            long = any(node.lineno in places[text] for node in {name.node for name in after}) and not now
            assert long or [name.meaning for name in beside] == now, text
        elif around and not beside:
            below = [name.meaning for name in around if line < name.line]
            now = [name.meaning for name in after if places[text][0] < name.line]
            assert below[:1] == now[: len(below[:1])], text


def check_edits(module, composed) -> None:
    """Nothing but blank lines is taken from outside of the statements."""
    source = module.source
    inside = [False] * (len(source.body) + 1)
    for node in composed.expected:
        start, end = source.line_starts[node.lineno - 1], source.line_end(node.end_lineno)
        inside[start : end + 1] = [True] * (end + 1 - start)
    for edit in composed.edits:
        assert inside[edit.start] or inside[edit.end]
        outside = bytes(source.body[at] for at in range(edit.start, edit.end) if not inside[at])
        assert not outside.strip(b" \t\r\n\f")


# Statements that nobody wrote

MODULES = (
    "a",
    "a",
    "a",
    "b",
    "c",
    "c",
    "c",
    "d",
    "d",
    "pkg.old",
    "pkg.sub.old",
    "pkg.sub.new",
    ".old",
    ".new",
    "..old",
    ".",
    "..",
)
NAMES = ("x", "y", "z", "w", "v", "u", "B", "C", "D", "ALL", "ONE")
TARGETS = tuple(
    f"{module}:{name}" for module in ("c", "c", "d", "pkg.new", "pkg.sub.new", "pkg.sub") for name in NAMES
)
SOURCES = tuple(f"{module}:{name}" for module in ("a", "b", "pkg.old", "pkg.sub.old") for name in NAMES)


@st.composite
def aliases(draw, names) -> list[str]:
    some = draw(st.lists(st.sampled_from(names), min_size=1, max_size=5))
    return [f"{name} as {draw(st.sampled_from(NAMES))}" if draw(st.integers(0, 4)) == 0 else name for name in some]


@st.composite
def statements(draw, numbers, indent: str) -> str:
    """One statement, from its first byte to its last newline."""

    def comment(*choices: str) -> str:
        number = next(numbers)
        return draw(st.sampled_from(["", "", "", "", "", *choices])).replace("N", str(number))

    kind = draw(st.integers(0, 11))
    end = comment("  # noqa: N", "  # why N", "  # type: ignore[N]", " ;") + "\n"
    if kind == 0:
        return f"from {draw(st.sampled_from(MODULES))} import *{end}"
    if kind < 3:
        joint = draw(st.sampled_from([", ", ",", ", \\\n  "]))
        return f"import {joint.join(draw(aliases(('a', 'b', 'a.b', 'b.c', 'c.d', 'c', 'd'))))}{end}"
    head = f"from {draw(st.sampled_from(MODULES))} import"
    names = draw(aliases(NAMES))
    form = draw(st.sampled_from(["plain", "round", "lines", "lines", "packed", "continued", "commas first"]))
    if form == "plain":
        return f"{head} {', '.join(names)}{end}"
    if form == "round":
        return f"{head} ({', '.join(names)}{draw(st.sampled_from(['', ',', ', ']))}){end}"
    if form == "continued":
        return f"{head} {(', ' + chr(92) + chr(10) + indent + '  ').join(names)}{end}"
    inner, lines = f"{indent}  ", []
    for index, name in enumerate(names):
        comma = "" if index == len(names) - 1 and draw(st.booleans()) else ","
        above = comment(f"{inner}# above N\n", "\n", f"\n{inner}# section N\n")
        if form == "packed":
            gap = draw(st.sampled_from([" ", " ", f"{comment('  # line N')}\n{inner}"]))
            lines.append(f"{name}{comma}{gap}")
        elif form == "lines":
            lines.append(f"{above}{inner}{name}{comma}{comment('  # own N', '  # noqa: N')}\n")
        else:
            lines.append(f"{above}{inner}{', ' if index else ''}{name}{comment('  # own N')}\n")
    opening = comment("  # head N\n", "  # noqa: N\n", "\n")
    opening = "\n" if form != "packed" and not opening else opening
    return f"{head} ({opening}{''.join(lines)}{comment(f'{inner}# last N{chr(10)}')}{indent}){end}"


@st.composite
def runs(draw, indent: str) -> str:
    """Imports of few modules below one another."""
    lines = []
    for module in draw(st.lists(st.sampled_from("aaaccd"), min_size=2, max_size=6)):
        names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
        if draw(st.integers(0, 3)) == 0:
            lines += [f"from {module} import (", *(f"  {name}," for name in names), ")"]
        else:
            lines.append(f"from {module} import {', '.join(names)}")
        lines += [""] * draw(st.sampled_from([0, 0, 0, 0, 1, 2]))
    return "".join(f"{indent}{line}".rstrip() + "\n" for line in lines)


@st.composite
def blocks(draw, numbers, indent: str = "", depth: int = 0) -> str:
    """Lines of a block, imports most of them."""
    pieces = []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.integers(0, 16))
        if kind < 3:
            pieces.append(draw(runs(indent)))
        elif kind < 10:
            pieces.append(indent + draw(statements(numbers, indent)))
        elif kind == 10:
            pieces.append(f"{indent}# comment {next(numbers)}\n")
        elif kind == 11:
            pieces.append("\n")
        elif kind == 12:
            pieces.append(f"{indent}use({next(numbers)})\n")
        elif kind == 13:
            pieces.append(f"{indent}use(1); from a import {', '.join(draw(aliases(NAMES)))}; use(2)\n")
        elif kind == 14:
            pieces.append(f"{indent}if TYPE_CHECKING: from a import {', '.join(draw(aliases(NAMES)))}\n")
        elif depth < 2:
            head, tail = draw(st.sampled_from([("try", "except E: pass"), ("if t", ""), ("def f()", "")]))
            inner = draw(blocks(numbers, indent + draw(st.sampled_from(["    ", "\t"])), depth + 1))
            pieces.append(f"{indent}{head}:\n{inner}{f'{indent}{tail}' if tail else ''}\n")
    return "".join([*pieces, f"{indent}use()\n" if draw(st.booleans()) or depth else "\n"])


@st.composite
def texts(draw) -> bytes:
    text = draw(blocks(count(1)))
    if draw(st.booleans()):
        text = text.rstrip("\n")
    return text.replace("\n", draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))).encode()


@st.composite
def movements(draw) -> dict[str, str]:
    found = {}
    for source in draw(st.lists(st.sampled_from(SOURCES), min_size=2, max_size=20, unique=True)):
        target = draw(st.sampled_from(TARGETS))
        if draw(st.integers(0, 2)):
            target = f"{draw(st.sampled_from(['c', 'd']))}:{source.partition(':')[2]}"
        found[source] = f"{target} {target.partition(':')[2]}" if draw(st.integers(0, 3)) == 0 else target
    for source in draw(st.lists(st.sampled_from(["a", "a.b", "b.c", "pkg.old:C"]), max_size=2, unique=True)):
        found[source] = draw(st.sampled_from(["c.d", "c.d c", "c", "c c", "pkg.new", "c:x"]))
    return found


@settings(derandomize=True, database=None, max_examples=400, suppress_health_check=list(HealthCheck))
@given(text=texts(), moves=movements())
def test_names_mean_what_they_meant_and_nothing_is_lost(text, moves):
    try:
        module, project = read(text)
    except ValueError:  # star imports in functions parse; what does not is no statement
        return
    moved = moved_in(module, moves)
    refused = why_not(module, moved)
    for node in refused:
        bound = [{m.alias: m.bound for m in moved}.get(alias, bound_by(node, alias)) for alias in node.names]
        inside = module.source.body[module.start(node) : module.end(node)]
        assert b"#" in inside or len(bound) > len(set(bound))
    moved = [move for move in moved if move.statement not in refused]
    composed = compose(module, moved, project)
    check(module, moved, composed, apply_edits(text, composed.edits))
