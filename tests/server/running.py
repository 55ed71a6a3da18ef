"""The service as a client meets it: a real server on this machine, with a library and a sandbox of its own."""

import socket
import threading
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import httpx
import uvicorn

from executor.settings import Settings
from server.service import Service
from server.serving import config_of

NOBODY = "127.0.0.1:9"
CHOSEN: dict[str, Any] = {
    "sandbox": "lockdown", "model": "scripted", "ollama_endpoint": NOBODY, "service_planners": 1, "service_port": 0,
    "suites": 0, "service_rate": 0,
}  # fmt: skip


class Running:
    """A service from `with` to its end; `client` sends the token."""

    def __init__(
        self,
        data_dir: Any,
        *,
        domains: tuple[str, ...] = (),
        fixed: tuple[str, ...] = (),
        trust_loopback: bool = False,
        **settings: Any,
    ):
        chosen = CHOSEN | {"data_dir": data_dir} | settings
        self.service = Service.of(Settings.load(**chosen), domains, fixed=fixed, trust_loopback=trust_loopback)
        self.server = uvicorn.Server(config_of(self.service))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stack = ExitStack()

    def __enter__(self) -> "Running":
        thread = threading.Thread(target=self.server.run, args=([self._listener],), name="service")
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(self._stop)
        while not self.server.started and thread.is_alive():
            time.sleep(0.02)
        assert self.server.started
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.client = self._stack.enter_context(self.stranger(Authorization=f"Bearer {self.token}"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def token(self) -> str:
        return self.service.access.token

    def stranger(self, **headers: str) -> httpx.Client:
        """A client without the token."""
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def _stop(self) -> None:
        self.service.stopping.set()
        self.server.should_exit = True
