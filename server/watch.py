"""Around every request: a name for it, counts, and an answer where something went wrong that nobody caught.

The name goes out as `X-Request-Id`; a client may choose it (letters, digits and a few signs). Nothing that a client
wrote is logged: method, route, status and time are.
"""

import re
import time
import uuid
from dataclasses import dataclass

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from htn.errors import Trouble
from server.metrics import Metrics
from server.problems import problem
from server.traces import Traces

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACE = ("traceparent", "tracestate", "baggage")
_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"})
_log = structlog.get_logger("htn.server")


@dataclass(frozen=True)
class Watch:
    """Names, counts and logs requests."""

    app: ASGIApp
    metrics: Metrics
    traces: Traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        scope["request_id"] = request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex[:12]
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        carrier = {name: text for name in _TRACE if (text := Headers(scope=scope).get(name))}
        began, status = time.perf_counter(), 0

        async def told_apart(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
                MutableHeaders(scope=message).setdefault("X-Content-Type-Options", "nosniff")
                MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            with self.traces.span("request", carrier, request_id=request_id):
                await self.app(scope, receive, told_apart)
        except Exception as error:  # noqa: BLE001  # the last resort: what arrives here is our own bug
            _log.error("a bug of ours", error=type(error).__name__, exc_info=True)
            if not status:
                hint = "this is a bug of ours; the service's log has more under the request's id"
                await problem(Trouble("bug", 1, f"a bug of ours ({type(error).__name__})", None, (hint,)), scope)(
                    scope, receive, told_apart
                )
        finally:
            self._count(scope, status, time.perf_counter() - began)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.metrics.requests.labels(method, route, str(status)).inc()
        self.metrics.request_seconds.labels(route).observe(seconds)
        if code := scope.get("problem"):
            self.metrics.errors.labels(code).inc()
        run = scope.get("path_params", {}).get("run_id", "")
        more = {"run_id": run} if _ID.fullmatch(run) else {}
        _log.info("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 1), **more)
