"""What a client may read: domains, operators and runs, as JSON documents of what the tools answer."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from pydantic import BaseModel

from htn.errors import HtnError, UsageError
from mcp_server.bounds import MOST_ROWS, line
from mcp_server.following import blocking, event_of, followed
from mcp_server.service import Service
from mcp_server.works import FIRST, Works

_JSON = "application/json"
_Result = TypeVar("_Result")


def add_resources(server: MCPServer[Any], service: Service, works: Works) -> None:
    """Offer the resources of a server."""

    @server.resource("htn://domains", title="Domains", mime_type=_JSON)
    async def domains() -> str:
        """The domains that this server offers."""
        rows = [{"name": name, "uri": f"htn://domains/{name}"} for name in sorted(service.shelf.domains)]
        return json.dumps(rows)

    @server.resource("htn://domains/{name}", title="A domain", mime_type=_JSON)
    async def domain(name: str) -> str:
        """The tasks, operators and state variables of a domain, and what the variables mean."""
        return await _read(lambda: json.dumps(_domain(service, name)))

    @server.resource("htn://operators", title="Operators", mime_type=_JSON)
    async def operators() -> str:
        """The operators of all domains, and who knows how to do each."""
        return await _read(lambda: _text(service.list_operators(None)))

    @server.resource("htn://operators/{name}", title="A learned operator", mime_type=_JSON)
    async def operator(name: str) -> str:
        """The contract, the code and the evidence of an operator that was learned."""
        return await _read(lambda: _text(service.show_operator(name)))

    @server.resource("htn://runs", title="Runs", mime_type=_JSON)
    async def runs() -> str:
        """The runs and learnings that this server knows, the newest first."""
        return await _read(lambda: json.dumps([
            {"handle": seen.handle, "kind": seen.kind, "state": seen.state, "domain": seen.domain,
             "tasks": [line(task) for task in seen.tasks], "uri": f"htn://runs/{seen.handle}"}
            for seen in works.listed()[:MOST_ROWS]
        ]))  # fmt: skip

    @server.resource("htn://runs/{handle}", title="A run", mime_type=_JSON)
    async def run(handle: str) -> str:
        """How far a run is, and all that happened in it."""
        return await _read(lambda: _text(_run(works, handle)))


def _run(works: Works, handle: str) -> BaseModel:
    seen = works.seen(handle)
    events = [event_of(logged) for logged in works.events(handle, FIRST, 0)]
    return followed(seen, events[-MOST_ROWS:], events[-1].id if events else FIRST)


def _domain(service: Service, name: str) -> dict[str, Any]:
    known = service.shelf.domain(name)
    listed = service.list_operators(name).model_dump(mode="json", exclude={"domains", "ok", "error"})
    variables = [
        {"name": each.name, "type": each.type.to_json(), "description": line(each.description),
         "fixed": f"{known.name}.{each.name}" in service.shelf.fixed}
        for each in list(known.variables.values())[:MOST_ROWS]
    ]  # fmt: skip
    return {"name": known.name, "variables": variables, **listed}


async def _read(work: Callable[[], _Result]) -> _Result:
    try:
        return await blocking(work)
    except UsageError as error:
        raise ResourceNotFoundError(error.explain()) from error
    except HtnError as error:
        raise ResourceError(error.explain()) from error


def _text(answer: BaseModel) -> str:
    return json.dumps(answer.model_dump(mode="json"))
