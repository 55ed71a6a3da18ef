"""How much of the service one client, and all together, may take.

| limit                  | status | what counts                                                                      |
|------------------------|--------|----------------------------------------------------------------------------------|
| requests of an address | 429    | a bucket holds a minute's worth and fills up evenly; `Retry-After` says when     |
| requests at once       | 503    | those that are being answered, streams of events included                        |
| bytes of a body        | 413    | what `Content-Length` says, and what arrives                                     |

`/health` is answered whatever else is going on. Seconds are bounded where the work is done (`pool`, `runs`).
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.problems import RequestError, problem

_MOST_ADDRESSES = 10_000


@dataclass
class Buckets:
    """For each address how many requests it may still make; the ones that were seen last are kept."""

    a_minute: int
    clock: Callable[[], float] = time.monotonic
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, address: str) -> float:
        """Take one request of an address. Return 0, or the seconds until there is one to take."""
        if not self.a_minute:
            return 0.0
        now, rate = self.clock(), self.a_minute / 60
        left, since = self._left.pop(address, (float(self.a_minute), now))
        left = min(float(self.a_minute), left + (now - since) * rate)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left, now)
        if len(self._left) > _MOST_ADDRESSES:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / rate


@dataclass
class Limits:
    """Refuses what is too much."""

    app: ASGIApp
    buckets: Buckets
    at_once: int
    running: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or hand it on."""
        if scope["type"] != "http" or scope["path"] == "/health":
            await self.app(scope, receive, send)
            return
        client = scope.get("client")
        if wait := self.buckets.take(client[0] if client else ""):
            seconds = str(ceil(wait))
            error = RequestError("rate", "too many requests", hints=(f"ask again in {seconds} s",),
                                 headers={"Retry-After": seconds})  # fmt: skip
        elif self.running >= self.at_once:
            error = RequestError("busy", "too many requests are being answered", hints=("ask again in a moment",),
                                 headers={"Retry-After": "1"})  # fmt: skip
        else:
            self.running += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.running -= 1
            return
        await problem(error.trouble, scope, error.headers)(scope, receive, send)


@dataclass(frozen=True)
class BodyLimit:
    """Refuses bodies that are too large, before or while they arrive."""

    app: ASGIApp
    most: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or hand it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > self.most:
            error = RequestError("large", self._why)
            await problem(error.trouble, scope)(scope, receive, send)
            return
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > self.most:
                raise HTTPException(413, self._why)
            return message

        await self.app(scope, counted, send)

    @property
    def _why(self) -> str:
        return f"the body is larger than {self.most:,} bytes"
