"""git over HTTP: `git http-backend` as a CGI program (git-http-backend(1), RFC 3875)."""

from __future__ import annotations

import base64
import binascii
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from .messages import Answer, Request

USER = "x-access-token"


def serve_git(request: Request, root: Path, environment: Mapping[str, str], token: str) -> Answer:
    """Let git answer a request for a repository below the folder `root`; 401 unless it comes with the token."""
    if _credentials(request) != f"{USER}:{token}":
        return Answer(401, {"WWW-Authenticate": 'Basic realm="GitHub"'}, b"Invalid username or token.\n")
    done = subprocess.run(
        ("git", "http-backend"),
        env={**environment, **_variables(request, root)},
        input=request.body,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n"))
    return Answer(int(headers.pop("Status", "200").split()[0]), headers, body)


def _credentials(request: Request) -> str:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        return base64.b64decode(encoded).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _variables(request: Request, root: Path) -> dict[str, str]:
    owner, name, *rest = unquote(request.path).removeprefix("/").split("/")
    variables = {
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": "/".join(("", owner, name.removesuffix(".git") + ".git", *rest)),
        "REMOTE_USER": USER,
        "REMOTE_ADDR": "127.0.0.1",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
    }
    passed = {"GIT_PROTOCOL": "git-protocol", "HTTP_CONTENT_ENCODING": "content-encoding"}
    return variables | {name: request.headers[header] for name, header in passed.items() if header in request.headers}
