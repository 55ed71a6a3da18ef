"""The reference of the tools, from the code: what docs/mcp.md shows. `python -m mcp_server.reference` prints it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import anyio
from mcp_types import Tool

from executor.settings import Settings
from mcp_server.server import make_server
from mcp_server.service import Service
from mcp_server.shelf import Shelf
from mcp_server.threads import Threads

_WORDS = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false", "null": "null"}


def reference() -> str:
    """Return all tools as Markdown: what each is for, its arguments, its answer."""
    service = Service(Settings(), Shelf({}))
    tools = anyio.run(make_server(service, Threads(service)).list_tools)
    records: dict[str, Any] = {}
    for tool in tools:
        records |= (tool.output_schema or {}).get("$defs", {})
    return "\n".join([*(row for tool in tools for row in _tool(tool)), *_records(records)]).strip()


def _tool(tool: Tool) -> Iterator[str]:
    yield f"### {tool.name}"
    yield ""
    words = " ".join((tool.description or "").split())
    yield f"{words} *{_effects(tool)}*"
    yield ""
    yield from _arguments(tool.input_schema)
    yield f"The answer: {', '.join(f'`{name}`' for name in (tool.output_schema or {})['properties'])}."
    yield ""


def _effects(tool: Tool) -> str:
    hints = tool.annotations
    assert hints is not None  # every tool of ours has them
    if hints.read_only_hint:
        return "Reads only."
    words = ["may overwrite or undo what is there" if hints.destructive_hint else "adds and never destroys"]
    words += ["may be repeated without harm"] if hints.idempotent_hint else []
    words += ["acts on the world outside"] if hints.open_world_hint else []
    return f"{', '.join(words).capitalize()}."


def _arguments(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "| argument | | |"
    yield "|---|---|---|"
    needed = schema.get("required", ())
    for name, argument in schema["properties"].items():
        default = argument.get("default")
        more = "" if name in needed else f", default {default}" if default is not None else ", may be left out"
        yield f"| `{name}` | {_kind(argument)}{more} | {_meaning(argument)} |"
    yield ""


def _records(records: Mapping[str, Any]) -> Iterator[str]:
    yield "### What is in the answers"
    yield ""
    yield "| | | |"
    yield "|---|---|---|"
    for name in sorted(records):
        record = records[name]
        yield f"| **{name}** | | {record.get('description', '')} |"
        for field, schema in record["properties"].items():
            yield f"| `{field}` | {_kind(schema)} | {_meaning(schema)} |"


def _kind(schema: Mapping[str, Any]) -> str:
    if choices := schema.get("anyOf"):
        return " or ".join(_kind(choice) for choice in choices)
    if reference := schema.get("$ref"):
        return str(reference).rpartition("/")[2]
    if values := schema.get("enum"):
        return ", ".join(map(str, values))
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if kind == "object":
        return "JSON object"
    return _WORDS.get(str(kind), "any JSON")


def _meaning(schema: Mapping[str, Any]) -> str:
    nested: Sequence[Mapping[str, Any]] = schema.get("anyOf", ())
    words = schema.get("description") or next((each["description"] for each in nested if "description" in each), "")
    return str(words).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(f"{reference()}\n")
