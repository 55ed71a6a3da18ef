"""A server in this process, with a library of its own and a client of the official library."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.server.mcpserver import MCPServer

from executor.agent import Agent
from executor.settings import Settings
from htn.domain import Domain
from mcp_server import Service, Shelf, Threads, make_server

NOBODY = "127.0.0.1:9"


@dataclass
class Inside:
    """A service and its works; `settings` are a test's own."""

    folder: Path
    domains: tuple[Domain, ...]
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        chosen = {"learn": "ask", "sandbox": "lockdown", "model": "scripted", "ollama_endpoint": NOBODY, **self.more}
        self.settings = Settings.load(data_dir=self.folder, **chosen)
        offered = {**Shelf.of().domains, **{domain.name: domain for domain in self.domains}}
        self.service = Service(self.settings, Shelf(offered))
        self.works = Threads(self.service)
        self.server: MCPServer[Any] = make_server(self.service, self.works)

    def __enter__(self) -> "Inside":
        return self

    def __exit__(self, *_: object) -> None:
        self.works.close()
        self.service.__exit__()

    @property
    def agent(self) -> Agent:
        return self.service.agent()

    @asynccontextmanager
    async def client(self, **more: Any) -> AsyncIterator[Client]:
        async with Client(self.server, **more) as client:
            yield client


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool and return its structured answer."""
    found = (await client.call_tool(tool, arguments)).structured_content
    assert isinstance(found, dict)
    return found
