"""htn mcp."""

from pathlib import Path
from typing import Any

import click

from commands.options import model_options, search_options, service_options
from commands.output import Outcome, tell
from executor.settings import Settings, led_from_here
from executor.token import NAME, service_token
from htn.errors import ServiceMissing

_PORT = 8765


@click.command("mcp", short_help="Serve the planner to agents over MCP.")
@click.option("--domain", "domains", multiple=True, metavar="FILE", help="A domain to offer beside the bundled ones.")
@click.option("--fixed", multiple=True, metavar="DOMAIN.VARIABLE", help="A state variable that no client may set.")
@click.option("--http", is_flag=True, help="Serve over streamable HTTP instead of standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, help="With --http: the address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=_PORT, show_default=True, help="With --http: 0 takes a free one."
)
@click.option("--allow-host", multiple=True, metavar="NAME", help="With --http: a further name that Host may say.")
@click.option(
    "--learn",
    type=click.Choice(["auto", "ask", "never"]),
    help="Whether gaps are closed by asking the model; by default, and with ask, a person approves what is admitted.",
)
@search_options
@model_options
@service_options
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.pass_obj
def command(
    outcome: Outcome,
    /,
    *,
    domains: tuple[str, ...],
    fixed: tuple[str, ...],
    http: bool,
    host: str,
    port: int,
    allow_host: tuple[str, ...],
    debug: bool,  # read by the group, where errors are shown
    **flags: Any,
) -> int:
    """Serve plan, explain, run, learn and the library to agents over the Model Context Protocol.

    Without --http it speaks over standard input and output: that is how an agent starts it. With --http it listens on
    this machine and asks for the token in the data folder, which is made at the first start; nobody gets in without it.

    Agents name domains, never files: the bundled ones, and those that --domain names.

    \b
    htn mcp
    htn mcp --domain kitchen.py --learn never
    htn mcp --http --port 8765

    Exit codes: 0 the client is gone, or the server was asked to end; 2 usage; 7 the extra `mcp` is not installed; 130
    interrupted.
    """
    surface = _surface()
    settings = asking(Settings.load(**flags))
    if led := led_from_here(flags):
        tell(f"note: {led}")
    with outcome.wire() as wire:  # what a domain prints is no message of the protocol
        shelf = surface.Shelf.of(domains, fixed)
        with surface.Service(settings, shelf) as service, surface.Threads(service) as works:
            server = surface.make_server(service, works)
            if http:
                place, token = surface.HttpPlace(host, port, allow_host), service_token(settings.data_dir)
                if not place.is_near:
                    tell(f"note: other machines can reach {host}; what is sent, the token too, is not encrypted")
                surface.serve_http(server, place, token, lambda address: _ready(address, settings.data_dir))
            else:
                surface.serve_stdio(server, wire)
    return 0


def asking(settings: Settings) -> Settings:
    """Return settings with which a person approves what is learned, unless somebody has said otherwise."""
    return settings if "learn" in settings.model_fields_set else settings.model_copy(update={"learn": "ask"})


def _surface() -> Any:
    try:
        import mcp_server  # noqa: PLC0415 - it needs an extra, whose absence is said in our own words
    except ModuleNotFoundError as error:
        raise ServiceMissing(
            f"{error.name} is not installed, which the MCP server needs", hints=("pip install 'htn-planner[mcp]'",)
        ) from error
    return mcp_server


def _ready(address: str, data_dir: Path) -> None:
    tell(f"listening on {address}")
    tell(f"clients send the token in {data_dir / NAME}: Authorization: Bearer …")
