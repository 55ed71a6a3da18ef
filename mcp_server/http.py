"""Serve over streamable HTTP: on loopback unless somebody says otherwise, and never without the token.

| what is checked, in this order | refused with |
|--------------------------------|--------------|
| `Host`: the address it listens on, or a name that was allowed  | 421 |
| `Origin`, where a browser sends one: the same                  | 403 |
| `Authorization: Bearer`, compared in constant time             | 401 |
| the size of the body                                           | 413 |

So a page in somebody's browser reaches nothing, also by a name that it makes point here (DNS rebinding). Not here:
TLS and limits of rate; where others than this machine are to reach it, put a proxy that does both before it.
"""

import json
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from executor.token import is_token
from htn.errors import Trouble, UsageError
from mcp_server.bounds import MOST_BODY

PATH = "/mcp"
_MOST_CONNECTIONS = 64
_GRACE = 5  # seconds that answers under way may take when the server ends
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  # names of what is asked about, not what is bound to


@dataclass(frozen=True)
class HttpPlace:
    """Where it is served. `names` are further names by which it may be reached, with their port where it is another."""

    host: str = "127.0.0.1"
    port: int = 0
    names: Sequence[str] = field(default=())

    @property
    def is_near(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")

    def hosts(self, port: int) -> list[str]:
        """Return what `Host` may say when it listens on `port`."""
        own = [] if self.host in _ANYWHERE else [f"[{self.host}]" if ":" in self.host else self.host]
        listed = [f"{name}:{port}" for name in (*_LOOPBACK, *own)]
        return [*listed, *self.names, *(f"{name}:{port}" for name in self.names if ":" not in name)]


def serve_http(server: MCPServer[Any], place: HttpPlace, token: str, on_ready: Callable[[str], None]) -> None:
    """Serve until the process is asked to end. `on_ready` is told the address. UsageError where it cannot listen."""
    with _listening(place) as listening:
        port = int(listening.getsockname()[1])
        hosts = place.hosts(port)
        security = TransportSecuritySettings(
            allowed_hosts=hosts,
            allowed_origins=[f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts],
        )
        app = server.streamable_http_app(
            streamable_http_path=PATH, transport_security=security, max_request_body_size=MOST_BODY
        )
        config = uvicorn.Config(
            Guard(app, token, security), log_level="warning", access_log=False, server_header=False,
            limit_concurrency=_MOST_CONNECTIONS, timeout_graceful_shutdown=_GRACE, lifespan="on",
        )  # fmt: skip
        shown = f"[{place.host}]" if ":" in place.host else place.host
        on_ready(f"http://{shown}:{port}{PATH}")
        anyio.run(lambda: uvicorn.Server(config).serve(sockets=[listening]))


def _listening(place: HttpPlace) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        listener = socket.create_server((place.host, place.port), family=family)
        # Connections inherit it. Without it the second half of an answer waits 40 ms for the client's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"cannot listen on {place.host} port {place.port}: {error}", hints=("port 0 takes a free one",)
        ) from error


class Guard:
    """Refuses requests from elsewhere and those without the token, before anything of them is read."""

    def __init__(self, app: ASGIApp, token: str, security: TransportSecuritySettings) -> None:
        self._app, self._token, self._security = app, token, security

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] == "http" and (refused := self._refused(Headers(scope=scope))):
            await refused(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refused(self, headers: Headers) -> Response | None:
        if len(headers.getlist("host")) != 1 or headers["host"] not in self._security.allowed_hosts:
            return _no(421, "this server is not called that", "name it in Host as htn mcp --http says, or --allow-host")
        origin = headers.get("origin")
        if origin is not None and origin not in self._security.allowed_origins:
            return _no(403, "requests from other origins are refused")
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not is_token(given.strip(), self._token):
            return _no(401, "the token is missing or wrong", "send Authorization: Bearer and what the token file holds")
        return None


def _no(status: int, message: str, *hints: str) -> Response:
    document = Trouble("access", 2, message, None, hints).to_json()
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return Response(json.dumps(document), status, headers, "application/json")
