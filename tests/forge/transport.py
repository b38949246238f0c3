"""Sockets and HTTP: requests are read to their end and handed on, answers are written."""

from __future__ import annotations

import select
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import Any

from .messages import Answer, Request

_POLL = 0.01
Handle = Callable[[Request, Callable[[], bool]], Answer]


class Server(ThreadingHTTPServer):
    """A server on a free port of loopback, already running: `handle` answers, `failures` gets what went wrong in it.

    It knows its connections, so that it can end.
    """

    daemon_threads = False  # server_close() waits for them

    def __init__(self, handle: Handle, failures: list[str]) -> None:
        self.handle = handle
        self.connections: set[socket.socket] = set()
        self._failures = failures
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = Thread(target=self.serve_forever, args=(_POLL,))
        self._thread.start()

    def stop(self) -> None:
        """Close what clients keep open, and wait until all threads have ended."""
        self.shutdown()
        for connection in [*self.connections]:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
        self._thread.join()

    def server_bind(self) -> None:
        """Take a port without asking the network what this machine is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write down what went wrong in a thread; a client that is gone is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            self._failures.append(traceback.format_exc())


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: `Forge.log` has it."""

    def _handle(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self._body())
        answer = self.server.handle(request, self._hung_up)
        if not answer.status:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        return self._read(int(self.headers.get("Content-Length", 0)))

    def _chunks(self) -> bytes:
        """Read a chunked body (RFC 9112, 7.1); there are no trailers."""
        chunks = []
        while size := int(self._line().partition(b";")[0], 16):
            chunks.append(self._read(size))
            self._line()
        self._line()
        return b"".join(chunks)

    def _line(self) -> bytes:
        line = self.rfile.readline()
        if not line:
            raise ConnectionAbortedError
        return line

    def _read(self, size: int) -> bytes:
        """Read all of it: what a client did not finish sending must not be acted on."""
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionAbortedError
        return data

    def _hung_up(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""
