"""htn retries."""

from typing import Any

import click

from commands.completing import complete_run
from commands.options import Command, output_options, service_options
from commands.output import Outcome, tell
from executor.agent import Agent
from executor.retries import Retries
from executor.settings import LIBRARY, Settings
from htn.errors import visible


@click.command("retries", cls=Command, short_help="Say which steps of a run were tried again, and how often.")
@click.argument("run_id", metavar="RUN_ID", shell_complete=complete_run)
@service_options
@output_options
@click.pass_obj
def command(outcome: Outcome, /, run_id: str, as_json: bool, debug: bool, **flags: Any) -> None:  # debug: the group
    """Say which steps of the run RUN_ID were tried again so far, and how often, whichever process carries it out.

    The counts of a run are there while it is under way, and after a crash: a step that is done loses its own, and a
    run that has ended, well or not, all of them. RUN_ID is what `htn run --json` calls run_id.

    \b
    htn retries nightly-17
    htn retries nightly-17 --json

    Exit codes: 0 said, also when nothing was tried again; 2 usage, such as what cannot be an id; 7 Redis does not
    answer.
    """
    settings = Settings.load(LIBRARY | {"step_retries"}, **flags)
    with Agent(settings) as agent:
        counts = Retries(agent.store, settings.step_retries).status(run_id)
    outcome.document = {"run_id": run_id, "most": settings.step_retries, "retries": counts}
    if not counts and not as_json:
        tell("nothing was tried again")
    for step, count in counts.items():
        outcome.show(visible(f"{step}  {count} of {settings.step_retries}"))
