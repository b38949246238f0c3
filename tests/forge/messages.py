"""What goes over the wire: a request and an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Request:
    """A request that was read to its end; `target` is its path with the query, the headers' names are lower-case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def path(self) -> str:
        """The path alone, percent-encoded as it came."""
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> str:
        """What stands after the question mark."""
        return urlsplit(self.target).query

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None without one."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Answer:
    """An answer; status 0 closes the connection without one."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    wrote: bool = False

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None without one."""
        return json.loads(self.body) if self.body else None


NO_ANSWER = Answer(0)


def json_answer(
    status: int, body: Any = None, headers: Mapping[str, str] | None = None, wrote: bool = False
) -> Answer:
    """Make an answer of JSON, or without a body if that is None."""
    kind = {} if body is None else {"Content-Type": "application/json; charset=utf-8"}
    data = b"" if body is None else json.dumps(body).encode()
    return Answer(status, {**kind, **(headers or {})}, data, wrote)


def error_answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Make an error as GitHub words it."""
    link = "https://docs.github.com/rest"
    return json_answer(status, {"message": message, "documentation_url": link, "status": str(status)}, headers)
