"""The server: tools, resources and a prompt, and errors as data also where the library finds them."""

import logging
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, InputRequiredResult
from pydantic import ValidationError

from htn.errors import Trouble, UsageError, did_you_mean, told
from mcp_server.answers import Answer, failed
from mcp_server.prompts import INSTRUCTIONS, add_prompts
from mcp_server.resources import add_resources
from mcp_server.service import Service
from mcp_server.tools import Tools
from mcp_server.works import Works

_log = logging.getLogger(__name__)
_MOST_SAID = 5


class _Server(MCPServer[Any]):
    """What the library finds wrong with a call is answered as our own errors are."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool. Every error is a result that says so."""
        tools = {tool.name: tool for tool in await self.list_tools()}
        if name not in tools:
            hints = did_you_mean(name[:100], list(tools)) or (f"there are {', '.join(tools)}",)
            return failed(Answer, UsageError(f"there is no tool {name!r:.100}", hints=hints))
        known = list(tools[name].input_schema.get("properties", {}))
        for given in arguments:
            if given not in known:
                hints = (*did_you_mean(given[:100], known), f"it has {', '.join(known)}")
                return failed(Answer, UsageError(f"{name} has no argument {given!r:.100}", hints=hints))
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, ValidationError):
                return failed(Answer, _mistaken(name, cause))
            _log.exception("the tool %s failed", name)
            return failed(Answer, Trouble("bug", 1, f"this is a bug of ours: {told(cause or error)}"))


def make_server(service: Service, works: Works) -> MCPServer[Any]:
    """Return a server that offers what `service` and `works` do."""
    server = _Server("htn", title="htn planner", version=_version(), instructions=INSTRUCTIONS, log_level="WARNING")
    for tool in Tools(service, works).all():
        server.add_tool(tool.function, name=tool.name, title=tool.title, annotations=tool.hints)
    add_resources(server, service, works)
    add_prompts(server, service)
    return server


def _mistaken(name: str, error: ValidationError) -> UsageError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    said = [f"{'.'.join(map(str, each['loc']))[:100] or name}: {each['msg'][:200]}" for each in found[:_MOST_SAID]]
    return UsageError(f"the arguments of {name} cannot be used: {'; '.join(said)}")


def _version() -> str:
    try:
        return version("htn-planner")
    except PackageNotFoundError:
        return ""
