"""Serve over standard input and output: one client, which started this process.

While it is served, descriptor 0 is the null device: a program that is started here reads nothing of the protocol. Lines
are read as they come, so that a process that is asked to end does not wait for the next one.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server

from htn.errors import UsageError
from mcp_server.bounds import MOST_BODY

_CHUNK = 65_536


def serve_stdio(server: MCPServer[Any], wire: TextIO) -> None:
    """Serve until the client closes standard input. `wire` is standard output, which nothing else may write to."""

    async def serve(descriptor: int) -> None:
        # The library only iterates over it.
        lines = cast("anyio.AsyncFile[str]", Lines(descriptor))
        async with stdio_server(lines, anyio.wrap_file(wire)) as (read, write):
            # `run_stdio_async` does the same, and cannot be told which streams to use.
            lowlevel = server._lowlevel_server
            await lowlevel.run(read, write, lowlevel.create_initialization_options())

    with _standard_input() as descriptor:
        anyio.run(serve, descriptor)


@contextmanager
def _standard_input() -> Iterator[int]:
    """Give standard input to one reader; for everybody else it is empty."""
    try:
        kept = os.dup(0)
    except OSError as error:
        raise UsageError("standard input is closed, so nobody can ask") from error
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    try:
        yield kept
    finally:
        os.dup2(kept, 0)
        os.close(kept)


class Lines:
    """The lines of a descriptor, until its end or one that is larger than a message may be."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def __aiter__(self) -> AsyncIterator[str]:
        """Return the lines as they come."""
        held = bytearray()
        while chunk := await self._read():
            begin, held = len(held), held + chunk
            while (end := held.find(b"\n", begin)) >= 0:
                yield held[:end].decode("utf-8", "replace")
                begin, held = 0, held[end + 1 :]
            if len(held) > MOST_BODY:
                return
        if held:
            yield held.decode("utf-8", "replace")

    async def _read(self) -> bytes:
        try:
            await anyio.wait_readable(self._descriptor)
        except PermissionError:  # a file, which is always ready
            await anyio.lowlevel.checkpoint()
        return os.read(self._descriptor, _CHUNK)
