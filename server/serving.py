"""Listen, answer, and end in good order.

On SIGTERM or SIGINT no new connection is taken, streams of events end, requests that are being answered may finish for
some seconds, and so may runs; then the process ends. A second signal ends it at once.
"""

import signal
import socket
from collections.abc import Callable
from math import ceil
from types import FrameType

import uvicorn

from executor.settings import Settings
from htn.errors import UsageError
from server.app import make_app
from server.logs import log_to_standard_error, secrets_of
from server.service import Service

_HEADERS = 262_144  # bytes of a request's first line and headers; code may stand in an address


class _Server(uvicorn.Server):
    """Tells the service that it is to stop before connections are waited for."""

    def __init__(self, config: uvicorn.Config, service: Service, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._service, self._started = service, started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.stopping.set()
        super().handle_exit(sig, frame)


def serve(service: Service, on_started: Callable[[str], None]) -> None:
    """Serve until a signal ends it. `on_started` hears the address once requests are answered."""
    log_to_standard_error(secrets_of(service.settings, service.access.token))
    with _listening(service.settings) as listener:
        host, port = listener.getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        server = _Server(config_of(service), service, lambda: on_started(address))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.default_int_handler)
        try:
            server.run([listener])
        except KeyboardInterrupt:
            if not server.started:
                raise
    if not server.started:
        raise UsageError("the service did not start", hints=("what went wrong is said above",))


def config_of(service: Service) -> uvicorn.Config:
    """Return how a service is served. What proxies say about clients is not believed."""
    patience = ceil(service.settings.service_stop_seconds)
    return uvicorn.Config(
        make_app(service), log_config=None, access_log=False, server_header=False, proxy_headers=False, http="h11",
        ws="none", lifespan="on", timeout_graceful_shutdown=patience, h11_max_incomplete_event_size=_HEADERS,
    )  # fmt: skip


def _listening(settings: Settings) -> socket.socket:
    host, port = settings.service_host, settings.service_port
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=2048)
        # Connections inherit it. Without it the second half of an answer waits 40 ms for the client's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"cannot listen on {host}, port {port}: {error}", hints=("another port: --port N; 0 takes a free one",)
        ) from error
