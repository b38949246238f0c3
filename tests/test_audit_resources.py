"""The audit's area of async resources: what a coroutine opens, and whether it closes that."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssot_fix.audit.areas.resources import look
from ssot_fix.audit.areas.resources_table import FACTORIES, RESOURCES
from ssot_fix.audit.text import Text

_IMPORTS = """\
import asyncio, contextlib, io, json, socket, tempfile
import aiofiles, aiohttp, asyncpg, httpx, pytest, websockets
import redis.asyncio as redis
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch
"""
_HEAD = _IMPORTS.count("\n") + 1  # the line of `async def`


def sites(code):
    return list(look(Text(code.encode())) or ())


def inside(body, head="async def f(self, url, p):"):
    """The sites of a coroutine with a body."""
    return sites(f"{_IMPORTS}{head}\n{indent(dedent(body), '    ')}\n")


def told(found):
    return [(site.kind, site.line - _HEAD, site.good) for site in found]


NO_SITES = {
    "returned": "return httpx.AsyncClient()",
    "returned by name": "c = httpx.AsyncClient()\nawait c.get(url)\nreturn c",
    "yielded": "c = httpx.AsyncClient()\nyield c",
    "stored on an object": "self.c = httpx.AsyncClient()",
    "stored on an object by name": "c = httpx.AsyncClient()\nself.c = c",
    "stored in a container": "c = httpx.AsyncClient()\nself.all[url] = c",
    "in a list": "c = [httpx.AsyncClient() for _ in url]",
    "passed to a call": "c = httpx.AsyncClient()\nawait use(c)",
    "passed by keyword": "c = httpx.AsyncClient()\nawait use(client=c)",
    "made for a call": "await use(httpx.AsyncClient())",
    "used by an inner function": "c = httpx.AsyncClient()\nasync def g():\n    await c.aclose()",
    "used by a lambda": "c = httpx.AsyncClient()\nself.stop = lambda: c.aclose()",
    "its closer handed on": "c = httpx.AsyncClient()\nself.add_cleanup(c.aclose)",
    "a global": "global c\nc = httpx.AsyncClient()",
    "chosen among several": "c = self.c or httpx.AsyncClient()\nawait c.get(url)",
    "entered by hand": "c = httpx.AsyncClient()\nawait c.__aenter__()",
    "never awaited": "c = asyncpg.connect(url)",
    "awaited elsewhere": "c = asyncpg.connect(url)\nd = await c",
    "connected anew and anew": "async for ws in websockets.connect(url):\n    await ws.send('x')",
    "a client of a pool that others close": "c = redis.Redis(connection_pool=p)\nawait c.ping()",
    "a descriptor that others close": "f = open(3, closefd=False)\nf.read()",
    "what is made from it is kept": "ps = redis.from_url(url).pubsub()",
    "streams of which the writer goes on": "r, w = await asyncio.open_connection(url, 1)\nself.w = w",
    "streams as a whole": "both = await asyncio.open_connection(url, 1)\nboth[1].close()",
    "expected to fail": "with pytest.raises(OSError):\n    await asyncpg.connect(url)",
    "replaced": "with patch('app.httpx.AsyncClient'):\n    c = httpx.AsyncClient()",
    "another class of the name": "class AsyncClient: ...\nc = AsyncClient()",
    "in a class": "class A:\n    f = open('x')",
    "in a function that runs elsewhere": "def g():\n    f = open(p)\n    return f.read()",
    "in a lambda": "read = lambda: open(p).read()",
    "a server, which runs on": "s = await asyncio.start_server(f, url)\nawait asyncio.sleep(9)",
    "only mentioned": "x: httpx.AsyncClient\ny = httpx.AsyncClient\n'''httpx.AsyncClient()'''  # httpx.AsyncClient()",
}


@pytest.mark.parametrize("body", NO_SITES.values(), ids=NO_SITES)
def test_it_is_no_site(body):
    assert told(inside(body)) == []


def test_only_coroutines_matter():
    assert inside("f = open(p)\nf.read()", head="def f(self, url, p):") == []
    assert sites("f = open('x')\nasync def g(): ...\n") == []


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("try:\n    import httpx\nexcept ImportError:\n    import fake as httpx\n", "one of two"),
        ("from shared.http import httpx\n", "out of sight"),
        ("httpx = object()\n", "something else"),
    ],
)
def test_what_a_name_means_has_to_be_sure(head, why):
    assert sites(f"{head}async def f():\n    c = httpx.AsyncClient()\n    await c.get('x')\n") == [], why


def test_a_decorator_may_put_something_else_in_its_place():
    code = "c = httpx.AsyncClient()\nawait c.get(url)"
    assert inside(code, head="@patch('app.httpx.AsyncClient')\nasync def f(self, m):") == []
    assert len(inside(code, head="@patch('app.other')\nasync def f(self, m):")) == 1


CLOSED = {
    "async with": ("client", "async with httpx.AsyncClient() as c:\n    await c.get(url)"),
    "with": ("file", "with open(p) as f:\n    f.read()"),
    "with, later": ("client", "c = httpx.AsyncClient()\nasync with c:\n    await c.get(url)"),
    "awaited with": ("connection", "async with await asyncpg.connect(url) as c: ..."),
    "either with": ("client", "async with (httpx.AsyncClient() if url else self.c) as c: ..."),
    "closing": ("file", "with contextlib.closing(open(p)) as f: ..."),
    "aclosing": ("client", "async with contextlib.aclosing(redis.from_url(url)) as c: ..."),
    "an exit stack": ("session", "s = await stack.enter_async_context(aiohttp.ClientSession())"),
    "an exit stack, later": ("session", "s = aiohttp.ClientSession()\nawait stack.enter_async_context(s)"),
    "a case of unittest": ("client", "c = await self.enterAsyncContext(httpx.AsyncClient())"),
    "in a finally": ("client", "c = httpx.AsyncClient()\ntry:\n    await c.get(url)\nfinally:\n    await c.aclose()"),
    "in a finally, if there is one": (
        "connection",
        "c = None\ntry:\n    c = await asyncpg.connect(url)\nfinally:\n    if c and url:\n        await c.close()",
    ),
    "streams": (
        "connection",
        "r, w = await asyncio.wait_for(asyncio.open_connection(url, 1), 5)\ntry: ...\nfinally:\n    w.close()",
    ),
    "a part of it": (
        "client",
        "c = redis.Redis()\ntry: ...\nfinally:\n    await c.connection_pool.disconnect()",
    ),
    "passed on and closed": (
        "client",
        "c = httpx.AsyncClient()\ntry:\n    await use(c)\nfinally:\n    await c.aclose()",
    ),
}


@pytest.mark.parametrize(("kind", "body"), CLOSED.values(), ids=CLOSED)
def test_it_is_closed(kind, body):
    (site,) = inside(body)
    assert (site.kind, site.good, site.message) == (kind, True, "")


def test_closed_unless_an_exception_comes_is_closed_but_said():
    (site,) = inside("c = httpx.AsyncClient()\nawait c.get(url)\nawait c.aclose()")
    assert site.good
    assert site.message == "`c` is closed, but not if an exception comes before"


OPEN = {
    "a client": ("client", "c = httpx.AsyncClient()\nr = await c.get(url)"),
    "with an annotation": ("client", "c: httpx.AsyncClient = httpx.AsyncClient()\nr = await c.get(url)"),
    "a session": ("session", "s = aiohttp.ClientSession()\nasync with s.get(url) as r:\n    await r.text()"),
    "a connection": ("connection", "c = await asyncpg.connect(url)\nawait c.fetch('x')\nreturn True"),
    "a connection with a limit": ("connection", "c = await asyncio.wait_for(asyncpg.connect(url), timeout=5)"),
    "streams": ("connection", "r, w = await asyncio.open_connection(url, 1)\nw.write(b'x')\nreturn await r.read()"),
    "a socket": ("connection", "s = socket.socket()\nreturn s.connect_ex((url, 1)) == 0"),
    "an executor": ("pool", "e = ThreadPoolExecutor(2)\nfor each in url:\n    e.submit(each)"),
    "looked at": ("client", "c = redis.from_url(url)\nassert c is not None and isinstance(c, redis.Redis)\nprint(c)"),
    "asked whether it is there": ("client", "c = redis.from_url(url)\nif c and not p:\n    await c.ping()\nf'{c}'"),
    "read line by line": ("file", "f = open(p)\nfor line in f:\n    url += line"),
    "loaded": ("file", "f = open(p)\nreturn json.load(f)"),
    "another one of two is closed": ("file", "f = open(p)\ng = self.g\ng.close()"),
}
DROPPED = {
    "a request": ("client", "r = await httpx.AsyncClient().get(url)"),
    "a stream": ("session", "async with aiohttp.ClientSession().get(url) as r: ..."),
    "a file read": ("file", "return open(p).read()"),
    "a file written": ("file", "open(p, 'w').write('x')"),
    "a file loaded": ("file", "return json.load(open(p))"),
    "a file's lines": ("file", "for line in open(p): ..."),
    "a file's lines in a comprehension": ("file", "return [line for line in open(p)]"),
    "an async file": ("file", "return await (await aiofiles.open(p)).read()"),
    "nothing": ("connection", "await asyncpg.connect(url)"),
}


@pytest.mark.parametrize(("kind", "body"), OPEN.values(), ids=OPEN)
def test_it_is_left_open(kind, body):
    (site,) = inside(body)
    assert (site.kind, site.good) == (kind, False)
    assert "nothing in the coroutine closes it" in site.message


@pytest.mark.parametrize(("kind", "body"), DROPPED.values(), ids=DROPPED)
def test_it_is_dropped(kind, body):
    (site,) = inside(body)
    assert (site.kind, site.good) == (kind, False)
    assert "used where it is opened" in site.message


def test_sites_are_told_apart_by_what_is_opened_and_where():
    code = """
        import httpx as h
        class A:
            async def f(self):
                async def g():
                    c = h.AsyncClient()
        """
    (site,) = sites(dedent(code))
    assert (site.line, site.subject) == (6, "httpx.AsyncClient in A.f.g")


def test_a_factory_makes_sessions():
    code = """
        from sqlalchemy.ext.asyncio import async_sessionmaker
        Session = async_sessionmaker(engine)
        async def good():
            async with Session() as s:
                await s.execute(q)
        async def bad():
            s = Session()
            await s.execute(q)
        async def other(Session):
            s = Session()
        """
    subject = "sqlalchemy.ext.asyncio.async_sessionmaker()"
    assert [(s.line, s.subject, s.good) for s in sites(dedent(code))] == [
        (5, f"{subject} in good", True),
        (8, f"{subject} in bad", False),
    ]


LOCKS = {
    "with": ("async with self.lock: ...", [True]),
    "in a finally": ("await self.lock.acquire()\ntry: ...\nfinally:\n    self.lock.release()", [True]),
    "with a limit, in a finally": (
        "await asyncio.wait_for(self.lock.acquire(), 5)\ntry: ...\nfinally:\n    if url:\n        self.lock.release()",
        [True],
    ),
    "before an exception": ("await self.lock.acquire()\nawait self.g()\nself.lock.release()", [False]),
    "in what handles any exception": (
        "await self.lock.acquire()\ntry: ...\nexcept BaseException:\n    self.lock.release()\n    raise\n"
        "self.lock.release()",
        [True],
    ),
    "in what handles one": (
        "await self.lock.acquire()\ntry: ...\nexcept E:\n    self.lock.release()\n    raise\nself.lock.release()",
        [False],
    ),
    "again, within its with": (
        "async with self.lock:\n    self.lock.release()\n    await self.g()\n    await self.lock.acquire()",
        [True],
    ),
    "by somebody else": ("await self.lock.acquire()\nreturn True", []),
    "of another one": ("await self.lock.acquire()\nawait self.g()\nself.other.release()", []),
    "that may be something else": ("await self.any.acquire()\nawait self.g()\nself.any.release()", []),
    "out of sight": ("await url.lock.acquire()\nawait self.g()\nurl.lock.release()", []),
    "of a parameter": ("await p.acquire()\nawait self.g()\np.release()", []),
    "of its own": ("lock = asyncio.Lock()\nawait lock.acquire()\nawait self.g()\nlock.release()", [False]),
    "of the module": ("async with LOCK: ...\nawait LOCK.acquire()\nLOCK.release()", [True, False]),
    "in a function that runs elsewhere": ("def g():\n    self.lock.release()\nawait self.lock.acquire()", []),
}


@pytest.mark.parametrize(("body", "expected"), LOCKS.values(), ids=LOCKS)
def test_a_lock_is_released_whatever_happens(body, expected):
    head = """
        import asyncio
        LOCK = asyncio.Semaphore(2)
        class A:
            def __init__(self, lock):
                self.lock: asyncio.Lock = asyncio.Lock()
                self.other = asyncio.Lock()
                self.any = asyncio.Lock() if lock else lock
            async def f(self, url, p):
        """
    found = sites(dedent(head) + indent(body, " " * 8) + "\n")
    assert [(site.kind, site.good) for site in found] == [("lock", good) for good in expected]
    assert all(site.good or "no `finally` does it" in site.message for site in found)


@pytest.mark.parametrize("path", RESOURCES)
def test_every_resource_is_found_by_its_path(path):
    resource = RESOURCES[path]
    call = f"{'await ' if resource.is_awaited else ''}{path.removeprefix('builtins.')}()"
    target = "x" if resource.part is None else "a, x"
    closed = f"async def f():\n    {target} = {call}\n    x.{min(resource.closers)}()\n"
    left = f"async def f():\n    {target} = {call}\n    x.use()\n"
    head = "" if path == "builtins.open" else f"import {path.rpartition('.')[0]}\n"
    assert [(s.kind, s.good) for s in sites(head + closed)] == [(resource.kind, True)]
    assert [(s.kind, s.good) for s in sites(head + left)] == [(resource.kind, False)]


@pytest.mark.parametrize(
    ("head", "call"),
    [
        ("import redis", "redis.asyncio.Redis"),
        ("from redis import asyncio", "asyncio.Redis"),
        ("from redis import (\n    asyncio as r\n)", "r.client.Redis"),
        ("from redis.asyncio import Redis", "Redis.from_url"),
        ("from redis \\\nimport asyncio", "asyncio.from_url"),
        ("import asyncio; import redis.asyncio as r", "r.Redis"),
        ("from asyncio import *\nasync def g(): await wait_for(x, 1)", "open"),
    ],
)
def test_it_is_found_whatever_the_file_calls_it(head, call):
    (site,) = sites(f"{head}\nasync def f():\n    c = {call}('x')\n    c.use()\n")
    assert not site.good


def test_what_waits_hands_on_what_it_is_given():
    head = "from asyncio import wait_for as w, shield\nimport asyncpg\n"
    assert not sites(f"{head}async def f():\n    return await shield(asyncpg.connect('x'))\n")
    (site,) = sites(f"{head}async def f():\n    c = await shield(asyncpg.connect('x'))\n    c.use()\n")
    assert not site.good


def test_what_a_factory_gives_is_closed_like_a_session():
    assert all(each.kind == "session" for each in FACTORIES.values())


_BODIES = [*NO_SITES.values(), *(body for cases in (CLOSED, OPEN, DROPPED) for _, body in cases.values())]


@given(st.lists(st.sampled_from(_BODIES), max_size=6))
def test_coroutines_tell_the_same_alone_and_together(bodies):
    alone = [site.good for body in bodies for site in inside(body)]
    parts = [f"async def f{n}(self, url, p):\n{indent(body, '    ')}\n" for n, body in enumerate(bodies)]
    together = sites(_IMPORTS + "".join(parts))
    assert [site.good for site in together] == alone
    assert [site.line for site in together] == sorted(site.line for site in together)
