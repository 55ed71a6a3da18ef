"""htn cache."""

from dataclasses import asdict
from typing import Any

import click

from commands.options import Command, output_options, service_options
from commands.output import Outcome
from executor.agent import Agent
from executor.settings import CACHE, Settings


@click.group("cache", short_help="Say what the cache of results is good for, and empty it.")
def command() -> None:
    """Look at the results of pure bodies and the answers of the model that are kept, so that nothing is done twice.

    \b
    htn cache stats
    htn cache clear --older-than-hours 24
    """


@command.command("stats", cls=Command, short_help="Say how much is kept, and how often it was found.")
@service_options
@output_options
@click.pass_obj
def stats(outcome: Outcome, /, as_json: bool, debug: bool, **flags: Any) -> None:  # debug is read by the group
    """Say how many results and answers of the model are kept, and how often one was found.

    \b
    htn cache stats
    htn cache stats --json

    Exit codes: 0 said; 2 usage; 7 Redis does not answer.
    """
    settings = Settings.load(CACHE, **flags)
    with Agent(settings) as agent:
        found, answers = agent.results.statistics(), agent.answers.statistics()
    limits = settings.result_limits
    outcome.document = asdict(found) | {
        "hit_rate": found.hit_rate,
        "limits": asdict(limits),
        "answers": asdict(answers),
    }
    rows = (
        f"entries   {found.entries:,} of {limits.entries:,}",
        f"bytes     {found.bytes:,} of {limits.bytes:,}",
        f"hits      {found.hits:,}",
        f"misses    {found.misses:,}",
        f"hit rate  {found.hit_rate:.1%}",
        f"kept      {found.kept:,} since it was last emptied, each for {limits.hours:g} hours",
        f"evicted   {found.evicted:,}, because there were too many",
        f"expired   {found.expired:,}",
        f"answers   {answers.entries:,} of the model, found {answers.hits:,} times",
    )
    outcome.show("\n".join(rows))


@command.command("clear", cls=Command, short_help="Remove what is kept, all or the older part.")
@click.option(
    "--older-than-hours", type=click.FloatRange(0, 876_000), metavar="N", help="Only what was kept N hours ago or more."
)
@service_options
@output_options
@click.pass_obj
def clear(outcome: Outcome, /, older_than_hours: float | None, as_json: bool, debug: bool, **flags: Any) -> None:
    """Remove the results and the answers that are kept, all or the old ones. Operators and evidence stay.

    \b
    htn cache clear
    htn cache clear --older-than-hours 24 --json

    Exit codes: 0 removed, also when there were none; 2 usage; 7 Redis does not answer.
    """
    with Agent(Settings.load(CACHE, **flags)) as agent:
        removed = agent.results.clear(older_than_hours=older_than_hours)
        answers = agent.answers.clear(older_than_hours=older_than_hours)
    outcome.document = {"removed": removed, "answers": answers}
    outcome.show(f"removed {removed:,} results and {answers:,} answers")
