"""The planner for agents: an MCP server, over stdio and over streamable HTTP. The only package that imports `mcp`.

    agent ──tool call──▶ tools ──▶ service ──▶ executor.Agent
            ◀─structured answer──┘    │
            ◀─progress, a question─ following ◀─ works: runs and learning, each in a thread of its own

The rules:

1. A call answers within seconds. What takes longer is work with a handle, which `run_status` follows: the protocol
   keeps nothing between two calls.
2. Every answer has a schema, and an error is part of it: a code, a message, hints. No traceback leaves the process.
3. What a client sends is hostile: its size is bounded (`bounds`), its names are looked up in what is offered (`shelf`),
   and no path of it is opened. Which domains there are was said when the server was started.
4. Nothing that a model wrote is admitted at a client's word alone where settings say that a person approves: the person
   is asked through the client where it can ask, and otherwise it waits as a proposal.

Not here: sampling (no client's model is asked), roots, and the client's log, which the protocol has given up.
"""

from mcp_server.http import HttpPlace, serve_http
from mcp_server.server import make_server
from mcp_server.service import Service
from mcp_server.shelf import Shelf
from mcp_server.stdio import serve_stdio
from mcp_server.threads import Threads

__all__ = ["HttpPlace", "Service", "Shelf", "Threads", "make_server", "serve_http", "serve_stdio"]
