"""What has to be closed, by dotted path, and how that is done.

Sources: https://docs.python.org/3/library/, and the documentation of each package. Servers are left out: most run as
long as the program does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Kind = Literal["client", "connection", "file", "lock", "pool", "session"]


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that a call makes and that somebody has to close.

    `closers` are the methods that do it, each for itself. `is_awaited`: the call only gives it once it is awaited, or
    entered. `part` is which of several results it is. `lent` is a keyword with which it only uses what somebody else
    closes.
    """

    kind: Kind
    closers: frozenset[str]
    is_awaited: bool = False
    part: int | None = None
    lent: str = ""


def _resource(
    kind: Kind, closers: str, *, is_awaited: bool = False, part: int | None = None, lent: str = ""
) -> Resource:
    return Resource(kind, frozenset(closers.split()), is_awaited, part, lent)


_FILE = _resource("file", "close", lent="closefd")
_ASYNC_FILE = _resource("file", "close aclose", is_awaited=True)
_HTTP = _resource("client", "close aclose")
_REDIS = _resource("client", "close aclose disconnect", lent="connection_pool")
_HTTP_SESSION = _resource("session", "close", lent="connector_owner")
_SESSION = _resource("session", "close aclose")
_SOCKET = _resource("connection", "close detach")
_STREAMS = _resource("connection", "close abort", is_awaited=True, part=1)
_CONNECTION = _resource("connection", "close terminate aclose ensure_closed release", is_awaited=True)
_POOL = _resource("pool", "close terminate")
_AWAITED_POOL = _resource("pool", "close terminate clear", is_awaited=True)
_EXECUTOR = _resource("pool", "shutdown")

RESOURCES: Final[Mapping[str, Resource]] = MappingProxyType(
    {
        **dict.fromkeys(("httpx.AsyncClient", "httpx.Client"), _HTTP),
        **dict.fromkeys(("aiohttp.ClientSession", "aiohttp.client.ClientSession"), _HTTP_SESSION),
        **dict.fromkeys(("requests.Session", "requests.session", "requests.sessions.Session"), _SESSION),
        **dict.fromkeys(
            (
                f"redis.asyncio.{name}"
                for name in (
                    *("Redis", "StrictRedis", "from_url", "Redis.from_url", "StrictRedis.from_url", "RedisCluster"),
                    *("RedisCluster.from_url", "client.Redis", "client.Redis.from_url"),
                )
            ),
            _REDIS,
        ),
        **dict.fromkeys(
            (f"redis.asyncio.{name}" for name in ("ConnectionPool", "ConnectionPool.from_url")),
            _resource("pool", "disconnect aclose reset"),
        ),
        "asyncpg.connect": _CONNECTION,
        "asyncpg.create_pool": _POOL,
        "aiomysql.connect": _CONNECTION,
        "aiomysql.create_pool": _AWAITED_POOL,
        "aiopg.connect": _CONNECTION,
        "aiopg.create_pool": _AWAITED_POOL,
        "aiosqlite.connect": _CONNECTION,
        "psycopg.AsyncConnection.connect": _CONNECTION,
        "psycopg_pool.AsyncConnectionPool": _POOL,
        "aio_pika.connect": _CONNECTION,
        "aio_pika.connect_robust": _CONNECTION,
        "nats.connect": _resource("connection", "close drain", is_awaited=True),
        **dict.fromkeys(
            (
                *("websockets.connect", "websockets.client.connect", "websockets.asyncio.client.connect"),
                "websockets.legacy.client.connect",
            ),
            _resource("connection", "close fail_connection", is_awaited=True),
        ),
        "asyncio.open_connection": _STREAMS,
        "asyncio.open_unix_connection": _STREAMS,
        "socket.socket": _SOCKET,
        "socket.create_connection": _SOCKET,
        "motor.motor_asyncio.AsyncIOMotorClient": _resource("client", "close"),
        "pymongo.AsyncMongoClient": _resource("client", "close"),
        "elasticsearch.AsyncElasticsearch": _resource("client", "close"),
        "aiokafka.AIOKafkaProducer": _resource("client", "stop"),
        "aiokafka.AIOKafkaConsumer": _resource("client", "stop"),
        "clickhouse_connect.get_async_client": _resource("client", "close", is_awaited=True),
        "neo4j.AsyncGraphDatabase.driver": _resource("client", "close"),
        "sqlalchemy.ext.asyncio.AsyncSession": _SESSION,
        "sqlalchemy.ext.asyncio.create_async_engine": _resource("pool", "dispose"),
        "sqlalchemy.ext.asyncio.engine.create_async_engine": _resource("pool", "dispose"),
        "concurrent.futures.ThreadPoolExecutor": _EXECUTOR,
        "concurrent.futures.ProcessPoolExecutor": _EXECUTOR,
        "concurrent.futures.thread.ThreadPoolExecutor": _EXECUTOR,
        **dict.fromkeys(("builtins.open", "io.open", "os.fdopen", "codecs.open", "gzip.open", "bz2.open"), _FILE),
        **dict.fromkeys(("lzma.open", "tarfile.open", "zipfile.ZipFile"), _FILE),
        **dict.fromkeys(
            (f"tempfile.{name}" for name in ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile")), _FILE
        ),
        "tempfile.TemporaryDirectory": _resource("file", "cleanup"),
        "aiofiles.open": _ASYNC_FILE,
        "anyio.open_file": _ASYNC_FILE,
    }
)

# What makes sessions: what it gives is called for each.
FACTORIES: Final[Mapping[str, Resource]] = MappingProxyType({"sqlalchemy.ext.asyncio.async_sessionmaker": _SESSION})

# What gives back, awaited or entered, what its first argument is.
TRANSPARENT: Final = frozenset({"asyncio.wait_for", "asyncio.shield", "contextlib.closing", "contextlib.aclosing"})
# What reads a file and leaves it open.
READERS: Final = frozenset(
    {"json.load", "yaml.safe_load", "yaml.load", "yaml.full_load", "pickle.load", "tomllib.load", "csv.reader"}
    | {"csv.DictReader"}
)
# What keeps nothing of its argument.
LOOKERS: Final = frozenset(
    {"isinstance", "hasattr", "callable", "id", "type", "bool", "len", "repr", "str", "print", "list", "sorted"}
)
# The methods of exit stacks and of unittest's cases that take over what has to be closed.
STACKED: Final = frozenset(
    {"enter_async_context", "enter_context", "push_async_exit", "push", "enterAsyncContext", "enterContext"}
)
