"""Serve over standard input and output: one client, which started this process.

While it is served, standard output belongs to the protocol: the library keeps its descriptor for itself, and whatever a
domain or a program prints goes to standard error.
"""

from typing import Any

from mcp.server.mcpserver import MCPServer


def serve_stdio(server: MCPServer[Any]) -> None:
    """Serve until the client closes standard input."""
    server.run("stdio")
