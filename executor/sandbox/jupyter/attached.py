"""A kernel of a Jupyter server that somebody else runs: by its address and token.

Kernels are started, interrupted and ended through the server's REST interface; cells go over its websocket. What
fences such a kernel is that server's matter, and its level says so: `attached`. The token is sent in a header and
never shown; it goes to that address only, so a redirect to another one is an error.
"""

import json
import secrets
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

from executor.sandbox.jupyter.image import INSTALL
from executor.sandbox.jupyter.kernel import REPLIES_OF_CELLS_THAT_RAN, Cell, problem_of
from executor.sandbox.jupyter.output import Output, read_output
from executor.sandbox.protocol import SandboxLimits
from htn.errors import ServiceMissing, UsageError

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

_REQUEST_SECONDS = 30.0
_PATIENCE_SECONDS = 5.0
_REPLY_SECONDS = 1.0
_STEP_SECONDS = 0.2
_MOST_REPLY = 2**20


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A server that leads elsewhere does not get the token there."""

    def redirect_request(self, *_: object) -> None:
        return None


@dataclass(frozen=True)
class JupyterServer:
    """A server: its address, such as http://127.0.0.1:8888, and the token that it wants."""

    address: str
    token: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise UsageError(
                "the address of a Jupyter server is http://host:port or https://host:port/path",
                hints=("the token is given apart, not within the address",),
            )
        if parts.username or parts.password or any(c in self.token for c in "\r\n"):
            raise UsageError("a Jupyter server is named by its address and its token, without names and passwords")

    def __repr__(self) -> str:
        return f"JupyterServer({self.address!r})"

    def headers(self) -> dict[str, str]:
        """Return what lets a request in."""
        return {"Authorization": f"token {self.token}"} if self.token else {}

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Make a request of the REST interface and return its answer. Raises `ServiceMissing`."""
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            f"{self.address.rstrip('/')}/api/{path}",
            method=method,
            headers={**self.headers(), "Content-Type": "application/json"},
            data=json.dumps(body).encode() if body is not None else None,
        )
        try:
            opener = urllib.request.build_opener(_NoRedirect)
            with opener.open(request, timeout=_REQUEST_SECONDS) as response:
                text = response.read(_MOST_REPLY)
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            meaning = "refuses the token" if error.code in (401, 403) else f"answers {error.code} to {method} {path}"
            raise ServiceMissing(
                f"the Jupyter server {meaning}", where=self.address, hints=("jupyter server list    shows the tokens",)
            ) from None
        except (OSError, ValueError) as error:
            raise ServiceMissing(
                f"the Jupyter server does not answer: {error}", where=self.address, hints=("is it running?",)
            ) from None


class AttachedKernel:
    """A kernel of a server; one that was started for this is ended with it, one that was there before stays."""

    level = "attached"
    does_not_cover = (
        "anything that the server does not: what fences its kernels is its own matter",
        "what a cell says of its own outputs",
    )

    def __init__(self, server: JupyterServer, kernel: str | None, limits: SandboxLimits) -> None:
        self.limits = limits
        self._server = server
        self._started = kernel is None
        self._busy = False
        self._closed = False
        self._running = threading.Lock()
        self._connections = ExitStack()
        self.identity = kernel or str(server.ask("POST", "kernels", {"name": "python3"})["id"])
        self.description = f"a Jupyter kernel of the server at {server.address}, which alone fences it"
        try:
            self._session = secrets.token_hex(16)
            self._socket = self._connected()
        except BaseException:
            with suppress(ServiceMissing):
                self._end()
            raise

    def run(self, code: str, *, seconds: float | None = None) -> Cell:
        """Run a cell; see `Kernel.run`."""
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 - an optional package

        limit = seconds if seconds is not None else self.limits.seconds
        with self._running:
            if self._closed:
                raise UsageError("the kernel is closed", hints=("open another one",))
            started = time.monotonic()
            self._busy = True
            outputs: list[Output] = []
            ending, count = "dead", None
            try:
                asked = self._execute(code)
                ending, count = self._watch(asked, outputs, started + limit)
            except ConnectionClosed:
                self._connections.close()
                self._socket = self._connected()
            finally:
                self._busy = False
            problem = problem_of(ending, outputs, limit, self.limits.result_bytes)
            spent = time.monotonic() - started
            return Cell(tuple(outputs), problem, count, spent, ending == "output", self.level)

    def interrupt(self) -> None:
        """Interrupt the cell that runs."""
        if self._busy:
            self._server.ask("POST", f"kernels/{quote(self.identity, safe='')}/interrupt")

    def close(self) -> None:
        """Leave the kernel; end it if it was started for this."""
        if not self._closed:
            self._closed = True
            self._connections.close()
            with suppress(ServiceMissing):  # the kernel, or the server, is gone already
                self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _end(self) -> None:
        if self._started:
            self._server.ask("DELETE", f"kernels/{quote(self.identity, safe='')}")

    def _connected(self) -> "ClientConnection":
        try:
            from websockets.exceptions import WebSocketException  # noqa: PLC0415 - an optional package
            from websockets.sync.client import connect  # noqa: PLC0415 - an optional package
        except ImportError:
            raise ServiceMissing("the package websockets is not installed", hints=INSTALL) from None
        base = self._server.address.rstrip("/").replace("http", "ws", 1)
        url = f"{base}/api/kernels/{quote(self.identity, safe='')}/channels?session_id={self._session}"
        most = 2 * self.limits.result_bytes + 65536
        try:
            opening = connect(
                url, additional_headers=self._server.headers(), max_size=most, open_timeout=_REQUEST_SECONDS, proxy=None
            )
            return self._connections.enter_context(opening)
        except (OSError, WebSocketException) as error:
            raise ServiceMissing(
                f"the Jupyter server does not let us speak to its kernel: {error}", where=self._server.address
            ) from error

    def _execute(self, code: str) -> str:
        """Ask for a cell to be run; return the identity of the question."""
        identity = secrets.token_hex(16)
        header = {
            "msg_id": identity, "msg_type": "execute_request", "session": self._session, "username": "htn",
            "version": "5.3", "date": "",
        }  # fmt: skip
        content = {
            "code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
            "stop_on_error": True,
        }  # fmt: skip
        message = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}
        self._socket.send(json.dumps({**message, "buffers": []}))
        return identity

    def _watch(self, asked: str, outputs: list[Output], deadline: float) -> tuple[str, int | None]:
        """Take what the kernel says of a cell until it is idle; return the ending and the number of the cell.

        A kernel that is interrupted before the cell begins is idle again without having run it. Only its reply tells
        that from a cell that ran, and it may arrive after the word that the kernel is idle.
        """
        ending, room, patience = "done", self.limits.result_bytes, 0.0
        said = _Said()
        while not said.over(time.monotonic()):
            now = time.monotonic()
            if ending == "done" and not said.idle_since and (now > deadline or room < 0):
                ending, patience = ("output" if room < 0 else "timeout"), now + _PATIENCE_SECONDS
                self.interrupt()
            if patience and not said.idle_since and now > patience:
                self._server.ask("POST", f"kernels/{quote(self.identity, safe='')}/restart")
                return "dead", said.count
            try:
                message = _read(self._socket.recv(timeout=_STEP_SECONDS))
            except TimeoutError:
                continue
            match message:
                case {"msg_type": str(kind), "content": dict(content), "parent_header": {"msg_id": str(parent)}} if (
                    parent == asked
                ):
                    said.hear(kind, content)
                    room -= len(str(content))
                    output = read_output(kind, content) if room >= 0 else None
                    if output is not None:
                        outputs.append(output)
                case {"msg_type": "status", "content": {"execution_state": "restarting" | "dead"}}:
                    return "dead", said.count
        if ending == "done" and said.reply not in REPLIES_OF_CELLS_THAT_RAN:
            ending = "interrupted"
        return ending, said.count


@dataclass
class _Said:
    """What a kernel has said of a cell besides its outputs."""

    count: int | None = None
    reply: str = ""
    idle_since: float = 0.0

    def hear(self, kind: str, content: Mapping[str, Any]) -> None:
        """Take one message."""
        if kind == "execute_input" and isinstance(found := content.get("execution_count"), int):
            self.count = found
        elif kind == "execute_reply":
            self.reply = str(content.get("status"))
        elif kind == "status" and content.get("execution_state") == "idle":
            self.idle_since = time.monotonic()

    def over(self, now: float) -> bool:
        """Whether nothing more is to come: the kernel is idle and has replied, or does not reply."""
        return bool(self.idle_since and (self.reply or now > self.idle_since + _REPLY_SECONDS))


def _read(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def attach_kernel(
    address: str, token: str = "", *, kernel: str | None = None, limits: SandboxLimits | None = None
) -> AttachedKernel:
    """Speak to a kernel of a Jupyter server: one that runs there, by its identity, or one that is started there.

    Raises `UsageError` for what is no address, `ServiceMissing` where the server does not answer or refuses.
    """
    return AttachedKernel(JupyterServer(address, token), kernel, limits or SandboxLimits(seconds=30))
