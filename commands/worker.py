"""htn worker."""

from typing import Any

import click

from commands.options import Command, sandbox_option, service_options
from commands.output import Outcome, note
from executor.load import load_domain
from executor.settings import Settings, led_from_here
from htn.delivery import check_label
from htn.errors import DomainError, UsageError


@click.command("worker", cls=Command, short_help="Carry out steps of runs that other processes drive.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME",
    help="What this worker has: a language, an image, gpu; by default python. May be given several times.",
)
@click.option("--concurrency", type=click.IntRange(1, 256), default=1, help="How many steps at a time; by default 1.")
@click.option(
    "--domain",
    "domains",
    multiple=True,
    help="A domain that this worker has, where its file lies elsewhere than on the machine of the run.",
)
@click.option("--adopt/--no-adopt", default=True, help="Drive on distributed runs whose driver is gone, or do not.")
@click.option(
    "--deadline",
    type=click.FloatRange(0, 3600),
    default=20.0,
    help="Seconds that steps may take to end after a signal; then they are released.",
)
@sandbox_option
@service_options
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.pass_obj
def command(
    outcome: Outcome,
    /,
    *,
    labels: tuple[str, ...],
    concurrency: int,
    domains: tuple[str, ...],
    adopt: bool,
    deadline: float,
    debug: bool,  # read by the group, where errors are shown
    **flags: Any,
) -> int:
    """Carry out steps of runs that were begun with --distributed, in this process's own processes, until Ctrl-C.

    A worker on another machine needs the same Redis server (REDIS_URL) and the same domain files. A worker that dies
    loses nothing: what it was doing is done by another one.

    \b
    htn worker
    htn worker --label python --label gpu --concurrency 4
    htn worker --domain my_domain.py

    Exit codes: 0 it was ended by a signal; 2 usage; 7 Redis does not answer, or Celery is not installed.
    """
    from executor.serve import Post, serve  # noqa: PLC0415 - brings what a run needs

    for label in labels:
        _check(label)
    settings = Settings.load(**flags)
    if led := led_from_here(flags):
        note(led)
    post = Post(labels or ("python",), concurrency, tuple(map(load_domain, domains)), adopt, deadline)
    if settings.redis_url is None:
        note("without REDIS_URL only processes on this machine, with the same --data-dir, reach this worker")
    return serve(settings, post, note)


def _check(label: str) -> None:
    try:
        check_label(label)
    except DomainError as error:
        raise UsageError(error.message, where="--label", hints=error.hints) from None
