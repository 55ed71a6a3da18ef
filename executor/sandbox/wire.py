"""The host's end of the wire to a supervisor (`inside.supervisor` gives the frames).

A `Link` moves bytes and knows how they travel (a socket pair, the engine's attached stream). The
`Wire` on it knows frames, checks every number in them against what was asked for, and holds the
last of the three deadlines: the child's CPU limit, the supervisor's clock, and the host's.
"""

import json
import os
import select
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from executor.sandbox.protocol import SandboxLimits

GRACE = 3.0
_HEADER_BYTES = 65536
_ENDINGS = ("exit", "timeout", "output", "result")


class LinkLostError(Exception):
    """The supervisor is gone, or says what it must not say."""


class LinkLateError(Exception):
    """The host's deadline passed without an answer."""


class Link(Protocol):
    """A way for bytes to a supervisor and back. Deadlines are moments of `time.monotonic`."""

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of it, or raise `LinkLostError` or `LinkLateError`."""

    def receive(self, deadline: float) -> bytes:
        """Return some bytes, at least one, or raise `LinkLostError` or `LinkLateError`."""

    def quiet(self) -> bool:
        """Whether nothing has arrived; an idle supervisor says nothing until it is gone."""

    def cut(self) -> None:
        """End the connection in both directions, at once; who waits for it on another thread hears of it."""

    def close(self) -> None:
        """Cut the connection and forget it."""


class SocketLink:
    """A link over a connected stream socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of it."""
        try:
            self._connection.settimeout(_remaining(deadline))
            self._connection.sendall(data)
        except TimeoutError:
            raise LinkLateError from None
        except OSError as error:
            raise LinkLostError(str(error)) from error

    def receive(self, deadline: float) -> bytes:
        """Return some bytes."""
        try:
            self._connection.settimeout(_remaining(deadline))
            data = self._connection.recv(65536)
        except TimeoutError:
            raise LinkLateError from None
        except OSError as error:
            raise LinkLostError(str(error)) from error
        if not data:
            raise LinkLostError("the connection was closed")
        return data

    def quiet(self) -> bool:
        """Whether there is nothing to receive."""
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        return not poll.poll(0)

    def cut(self) -> None:
        """End the connection: `close` alone would leave it to whoever else holds it."""
        with suppress(OSError):  # the other side was faster
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Cut the connection and forget it."""
        self.cut()
        self._connection.close()


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise LinkLateError
    return remaining


@dataclass(frozen=True)
class Reply:
    """What a supervisor says of one call; `answer` is the child's own word and not to be trusted."""

    identity: str
    ending: str
    signalled: bool
    status: int
    clean: bool
    seconds: float
    peak_memory: int | None
    answer: bytes
    stdout: bytes
    stderr: bytes


class Wire:
    """Frames over a link."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._buffer = bytearray()

    def hello(self, deadline: float) -> Mapping[str, Any]:
        """Return the supervisor's first line. Raises `LinkLostError` and `LinkLateError`."""
        return self._header(deadline)

    def alive(self) -> bool:
        """Whether an idle supervisor seems to be there; a gone one closes the connection."""
        return not self._buffer and self._link.quiet()

    def exchange(self, request: Mapping[str, Any], limits: SandboxLimits, room: int, *, grace: float = GRACE) -> Reply:
        """Send one request and return the reply. `room` is what the answer may add to the limit.

        `grace` is how long after the call's own deadline the host waits, in seconds. Raises
        `LinkLostError` and `LinkLateError`, after which the wire is of no use.
        """
        identity = os.urandom(8).hex()
        body = {**request, "id": identity, "seconds": limits.seconds, "memory_mb": limits.memory_mb}
        body["wide"] = limits.profile == "wide"
        payload = json.dumps(body, allow_nan=False).encode()
        caps = (limits.result_bytes + room, limits.output_bytes, limits.output_bytes)
        header = {
            "id": identity,
            "size": len(payload),
            "seconds": limits.seconds,
            "result_bytes": caps[0],
            "output_bytes": caps[1],
        }
        deadline = time.monotonic() + limits.seconds + grace
        self._link.send(json.dumps(header).encode() + b"\n" + payload, deadline)
        return self._reply(identity, caps, deadline)

    def cut(self) -> None:
        """Cut the link, from any thread."""
        self._link.cut()

    def close(self) -> None:
        """Cut the link and forget it."""
        self._link.close()

    def _reply(self, identity: str, caps: tuple[int, int, int], deadline: float) -> Reply:
        found = self._header(deadline)
        sizes = found.get("sizes")
        sound = (
            found.get("id") == identity
            and found.get("ending") in _ENDINGS
            and isinstance(found.get("status"), int)
            and isinstance(found.get("seconds"), float)
            and isinstance(found.get("peak_memory"), int | None)
            and isinstance(sizes, list)
            and len(sizes) == len(caps)
            and all(isinstance(s, int) and 0 <= s <= c for s, c in zip(sizes, caps, strict=True))
        )
        if not sound or sizes is None:
            raise LinkLostError("the supervisor's reply does not fit the request")
        answer, stdout, stderr = (self._take(size, deadline) for size in sizes)
        return Reply(
            identity,
            found["ending"],
            found.get("signalled") is True,
            found["status"],
            found.get("clean") is True,
            found["seconds"],
            found.get("peak_memory"),
            answer,
            stdout,
            stderr,
        )

    def _header(self, deadline: float) -> dict[str, Any]:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _HEADER_BYTES:
                raise LinkLostError("the supervisor's line is too long")
            self._buffer += self._link.receive(deadline)
        line = self._take(end + 1, deadline)
        try:
            header = json.loads(line)
        except ValueError:
            header = None
        if not isinstance(header, dict):
            raise LinkLostError(f"the supervisor says {line[:80]!r}")
        return header

    def _take(self, size: int, deadline: float) -> bytes:
        while len(self._buffer) < size:
            self._buffer += self._link.receive(deadline)
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken
