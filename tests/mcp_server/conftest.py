"""Servers in processes of their own, over both transports, and clients of the official library that talk to them."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.from_thread
import httpx2
import pytest
from anyio.from_thread import BlockingPortal
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from executor.model.standin import StandIn
from executor.token import service_token
from tests.commands.shell import ANSWERS

ROOT = Path(__file__).parents[2]
SLOW = '''
"""A domain whose one action takes as long as a file is not there, and one that prints."""

import time
from pathlib import Path

from htn import Domain, State

slow = Domain("slow")
print("a domain that prints while it is loaded")


@slow.initial_state
def nothing():
    return State(done={}, gate={"path": "GATE"})


@slow.operator
def wait(state, what):
    state.done[what] = True
    return state


@slow.command("wait")
def wait_for_the_gate(state, what):
    print("a command that prints")
    while not Path(state.gate["path"]).exists():
        time.sleep(0.02)
    state.done[what] = True
    return state


@slow.operator
def say(state, what):
    print("an operator that prints")
    state.done[what] = True
    return state
'''


@dataclass
class Place:
    """A folder with a domain file, a library and the settings of a server."""

    folder: Path
    environment: dict[str, str]

    @property
    def words(self) -> list[str]:
        return ["-m", "cli", "mcp", "--domain", str(self.folder / "slow.py"), "--fixed", "slow.gate"]

    def open_gate(self) -> None:
        (self.folder / "gate").touch()

    def close_gate(self) -> None:
        (self.folder / "gate").unlink(missing_ok=True)


@dataclass
class Talk:
    """A client that is connected, called from code that is not asynchronous."""

    client: Client
    portal: BlockingPortal
    told: list[tuple[float, float | None, str | None]] = field(default_factory=list)

    def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its structured answer."""
        answer = self.result(tool, **arguments).structured_content
        assert isinstance(answer, dict)
        return answer

    def result(self, tool: str, **arguments: Any) -> CallToolResult:
        self.told.clear()

        async def note(progress: float, total: float | None, message: str | None) -> None:
            self.told.append((progress, total, message))

        async def call() -> CallToolResult:
            return await self.client.call_tool(tool, arguments, progress_callback=note)

        return self.portal.call(call)

    def do(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return self.portal.call(work, *arguments)


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@pytest.fixture(scope="session")
def model() -> Iterator[StandIn]:
    """The stand-in with the answers of the demo: no language model."""
    with StandIn(ANSWERS) as server:
        yield server


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, model: StandIn) -> Place:
    folder = tmp_path_factory.mktemp("mcp")
    (folder / "slow.py").write_text(SLOW.replace("GATE", str(folder / "gate")), encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder), "LANG": "C.UTF-8",
        "HTN_DATA_DIR": str(folder / "d"), "HTN_SANDBOX": "lockdown", "HTN_MODEL": "ollama:scripted",
        "OLLAMA_ENDPOINT": model.endpoint,
    }  # fmt: skip
    return Place(folder, environment)


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with anyio.from_thread.start_blocking_portal() as opened:
        yield opened


@dataclass
class Http:
    """A server over HTTP in a process of its own."""

    url: str
    token: str
    process: subprocess.Popen[str]

    @asynccontextmanager
    async def client(self, token: str | None = None, **more: Any) -> AsyncIterator[Client]:
        """Connect with a token, by default the right one."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(self.url, http_client=http), **more) as client,
        ):
            yield client


@pytest.fixture(scope="session")
def http(place: Place) -> Iterator[Http]:
    process = subprocess.Popen(
        [sys.executable, *place.words, "--http", "--port", "0"],
        env=place.environment, cwd=place.folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    lines = iter(process.stderr.readline, "")
    url = next(line.split()[-1] for line in lines if line.startswith("listening on "))
    yield Http(url, service_token(place.folder / "d"), process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


@pytest.fixture(scope="session")
def stdio(place: Place, portal: BlockingPortal) -> Iterator[Talk]:
    server = StdioServerParameters(
        command=sys.executable, args=place.words, env=place.environment, cwd=str(place.folder)
    )
    with portal.wrap_async_context_manager(Client(server)) as client:
        yield Talk(client, portal)


@pytest.fixture(scope="module", params=["stdio", "stdio of 2025", "http", "http of 2025"])
def talk(request: pytest.FixtureRequest, place: Place, portal: BlockingPortal) -> Iterator[Talk]:
    """A client over each transport, with the protocol of 2026 and with the one before."""
    more: dict[str, Any] = {"mode": "legacy"} if request.param.endswith("2025") else {}
    with ExitStack() as stack:
        if request.param.startswith("stdio"):
            server = StdioServerParameters(
                command=sys.executable, args=place.words, env=place.environment, cwd=str(place.folder)
            )
            client = stack.enter_context(portal.wrap_async_context_manager(Client(server, **more)))
        else:
            served: Http = request.getfixturevalue("http")
            client = stack.enter_context(portal.wrap_async_context_manager(served.client(**more)))
        yield Talk(client, portal)
