"""Serve over standard input and output: one client, which started this process."""

from typing import Any, TextIO

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server


def serve_stdio(server: MCPServer[Any], wire: TextIO) -> None:
    """Serve until the client closes standard input. `wire` is standard output, which nothing else may write to."""

    async def serve() -> None:
        async with stdio_server(stdout=anyio.wrap_file(wire)) as (read, write):
            # `run_stdio_async` does the same, and cannot be told which stream to write to.
            lowlevel = server._lowlevel_server
            await lowlevel.run(read, write, lowlevel.create_initialization_options())

    anyio.run(serve)
