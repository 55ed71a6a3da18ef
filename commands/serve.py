"""htn serve."""

from typing import Any

import click

from commands.options import Command, model_options, output_options, search_options, service_options
from commands.output import Outcome, note, tell
from executor.settings import Settings, led_from_here
from executor.token import NAME
from htn.errors import ServiceMissing


@click.command("serve", cls=Command, short_help="Answer programs over HTTP.")
@click.option("--host", "service_host", metavar="ADDRESS", help="Where to listen; by default on this machine only.")
@click.option("--port", "service_port", type=click.IntRange(0, 65_535), help="By default 8080; 0 takes a free one.")
@click.option("--domain", "domains", multiple=True, metavar="FILE", help="A domain that clients may name; repeatable.")
@click.option(
    "--fixed",
    multiple=True,
    metavar="DOMAIN.VARIABLE",
    help="A state variable that no client may set, because a command of the domain opens what it names; repeatable.",
)
@click.option("--trust-loopback", is_flag=True, help="Ask no token of whoever is on this machine.")
@search_options
@model_options
@service_options
@output_options
@click.pass_obj
def command(
    outcome: Outcome,
    /,
    *,
    domains: tuple[str, ...],
    fixed: tuple[str, ...],
    trust_loopback: bool,
    as_json: bool,
    debug: bool,  # read by the group, where errors are shown
    **flags: Any,
) -> int:
    """Answer programs over HTTP until a signal ends it: plans, runs, the library, code.

    Clients send the token that is made at the first start and kept in the data folder, in the file `token`. They
    name bundled domains and those of --domain; never a path of their own.

    \b
    htn serve
    htn serve --port 0 --domain my_domain.py
    curl -H "Authorization: Bearer $(cat ~/.local/share/htn/token)" http://127.0.0.1:8080/api/v1/domains

    Exit codes: 0 it was ended by a signal; 2 usage, such as a port that is taken; 7 Redis does not answer, or the
    extra `web` is not installed.
    """
    try:
        from server.service import Service  # noqa: PLC0415  # half a second, and an extra
        from server.serving import serve  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ServiceMissing(
            f"the HTTP service needs {error.name}, which is not installed", hints=("pip install 'htn-planner[web]'",)
        ) from error
    settings = Settings.load(**flags)
    if led := led_from_here(flags):
        note(led)
    service = Service.of(settings, domains, fixed=fixed, trust_loopback=trust_loopback)
    if trust_loopback:
        note("every program and every user of this machine can run code here without a token (--trust-loopback)")
    token = "HTN_SERVICE_TOKEN" if settings.service_token else settings.data_dir / NAME
    serve(service, lambda address: tell(f"htn answers at {address}; its token: {token}"))
    return 0
