"""htn runs: list, show and remove runs. What follows, goes on with or stops one is in modules of its own."""

from typing import Any

import click

from commands.options import Command, output_options, run_argument, service_options
from commands.output import Outcome, tell
from commands.runs_text import listed, shown, waited_for
from executor.agent import Agent
from executor.runs import Runs, next_for
from executor.settings import RUNS, Settings


@click.group("runs", invoke_without_command=True, short_help="What is carried out, and what was: list, show, remove.")
@click.option("--open", "only_open", is_flag=True, help="Only those that have not ended.")
@click.option("--most", type=click.IntRange(1, 1000), default=50, help="How many, the newest first; 50.")
@service_options
@output_options
@click.pass_context
def command(ctx: click.Context, /, *, only_open: bool, most: int, as_json: bool, debug: bool, **flags: Any) -> None:
    """List the runs that are kept, the newest first: id, where it stands, how long ago it began, its tasks.

    A run that is `lost` was under way when its process went away: go on with it by htn resume RUN. One that is
    `waiting` waits for you: htn approve RUN. A run that has ended is kept for the days that the setting keep_runs says.

    \b
    htn runs
    htn runs --open
    htn runs show RUN
    htn runs remove RUN

    Exit codes: 0 listed, also when there are none; 2 usage; 7 Redis does not answer.
    """
    if ctx.invoked_subcommand is not None:
        return
    outcome = ctx.ensure_object(Outcome)
    settings = Settings.load(RUNS, **flags)
    with Agent(settings) as agent:
        rows = Runs(agent.store, keep_days=settings.keep_runs).list(most, only_open=only_open)
    outcome.document = [row.to_json() for row in rows]
    if not rows and not as_json:
        tell("there are no runs" if not only_open else "no run is open")
    for row in rows:
        outcome.show(listed(row))


@command.command("show", cls=Command, short_help="Show a run: its steps, what it waits for, what to do next.")
@run_argument
@service_options
@output_options
@click.pass_obj
def show(outcome: Outcome, /, run_id: str, as_json: bool, debug: bool, **flags: Any) -> None:  # debug: the group
    """Show the run RUN: where it stands, its steps, each with its state, time, attempts and who carried it out.

    Where it waits for approval, what it waits for is shown in full. The last lines say what can be done next.

    \b
    htn runs show 3f8a91c07d2e
    htn runs show 3f8a91c07d2e --json

    Exit codes: 0 shown; 2 usage, such as a run that there is not; 4 its log is spoiled; 7 Redis does not answer.
    """
    settings = Settings.load(RUNS, **flags)
    with Agent(settings) as agent:
        runs = Runs(agent.store, keep_days=settings.keep_runs)
        view, driven = runs.show(run_id), runs.is_driven(run_id)
        waits = waited_for(agent, view) if not as_json else ()
    hints = next_for(view, driven=driven)
    outcome.document = view.to_json() | {"driven": driven, "next": list(hints)}
    outcome.show("\n".join([*shown(view, driven=driven), *waits, *(f"next: {hint}" for hint in hints)]))


@command.command("remove", cls=Command, short_help="Remove a run with its log.")
@run_argument
@service_options
@output_options
@click.pass_obj
def remove(outcome: Outcome, /, run_id: str, as_json: bool, debug: bool, **flags: Any) -> None:  # debug: the group
    """Remove the run RUN with its log. What it has done and what was learned in it stay.

    \b
    htn runs remove 3f8a91c07d2e

    Exit codes: 0 removed; 2 usage, such as a run that a process drives; 7 Redis does not answer.
    """
    settings = Settings.load(RUNS, **flags)
    with Agent(settings) as agent:
        Runs(agent.store, keep_days=settings.keep_runs).remove(run_id)
    outcome.document = {"run_id": run_id, "done": "removed"}
    outcome.show(f"removed  {run_id}")
