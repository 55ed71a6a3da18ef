"""htn cancel."""

from typing import Any

import click

from commands.options import Command, output_options, run_argument, service_options
from commands.output import Outcome, tell
from commands.versions import person
from executor.agent import Agent
from executor.run import RunState
from executor.runs import Runs
from executor.settings import RUNS, Settings


@click.command("cancel", cls=Command, short_help="Stop a run, wherever it is carried out.")
@run_argument
@click.option("--why", default="", metavar="REASON", help="Why; its log keeps it.")
@click.option("--by", "who", metavar="NAME", help="Who does it; by default the user's name.")
@service_options
@output_options
@click.pass_obj
def command(
    outcome: Outcome, /, run_id: str, why: str, who: str | None, as_json: bool, debug: bool, **flags: Any
) -> None:
    """Cancel the run RUN: nothing more of it is begun, in whatever process or on whatever machine it is carried out.

    Its driver hears of it within seconds. Bodies that run in the sandbox are killed, and what they did is dropped; a
    command of the domain that is under way comes to its end first. What was done stays done. A run that was cancelled
    cannot be gone on with.

    \b
    htn cancel 3f8a91c07d2e
    htn cancel 3f8a91c07d2e --why 'the wrong order'

    Exit codes: 0 cancelled, or its driver is told; 2 usage, such as a run that there is not; 7 Redis does not answer.
    """
    settings = Settings.load(RUNS, **flags)
    with Agent(settings) as agent:
        runs = Runs(agent.store, keep_days=settings.keep_runs)
        ended = runs.show(run_id).ended
        state = runs.cancel(run_id, why, by=person(who))
    outcome.document = {"run_id": run_id, "state": str(state)}
    if ended and not as_json:
        tell(f"it had ended before: {state}")
    outcome.show(f"{run_id}  {state if state is not RunState.RUNNING else 'its driver is told to stop'}")
