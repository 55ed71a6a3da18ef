"""htn resume, and what `htn approve` has in common with it."""

from typing import Any

import click

from commands.carrying import Came, Changes, carry_out
from commands.options import (
    Command,
    model_options,
    output_options,
    run_argument,
    search_options,
    service_options,
)
from commands.output import Outcome, note
from executor.agent import Agent, Listener
from executor.run.view import apply_event
from executor.runs import Runs
from executor.settings import Settings, led_from_here
from htn.network import part_from_json, show_network


@click.command("resume", cls=Command, short_help="Go on with a run that was left, where it was left.")
@run_argument
@click.option("--did", multiple=True, metavar="STEP", help="The step was carried out, although nobody saw it end.")
@click.option("--redo", multiple=True, metavar="STEP", help="The step is to be carried out (again).")
@click.option("--quiet", is_flag=True, help="Show only the result.")
@search_options
@model_options
@service_options
@output_options
@click.pass_obj
def command(
    outcome: Outcome,
    /,
    *,
    run_id: str,
    did: tuple[str, ...],
    redo: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    debug: bool,  # read by the group, where errors are shown
    **flags: Any,
) -> int:
    """Go on with the run RUN where it was left: after a crash, an interrupt, a failed step, a used-up budget.

    What was done stays done, and is not done again. A step that was under way when its process went away is begun
    anew where that does no harm. Where it could (a command of the domain that is carried out at most once), the run
    stops, and you say what happened: --did STEP where it was done, --redo STEP where it was not. STEP is as
    `htn runs show RUN` says it, such as 1.4.

    How it is carried out, such as --learn, --approve and --parallel, stays as the run was begun. A run that another
    process drives cannot be taken from it; when that process dies, it can, a few seconds later. Where the file of the
    domain has changed, what is left is planned anew.

    \b
    htn resume 3f8a91c07d2e
    htn resume 3f8a91c07d2e --max-calls 20
    htn resume 3f8a91c07d2e --did 1.4

    Exit codes: those of htn run.
    """
    settings = Settings.load(**flags)
    if led := led_from_here(flags):
        note(led)
    return go_on(outcome, settings, run_id, did=did, redo=redo, quiet=quiet)


def go_on(
    outcome: Outcome,
    settings: Settings,
    run_id: str,
    *,
    did: tuple[str, ...] = (),
    redo: tuple[str, ...] = (),
    quiet: bool = False,
) -> int:
    """Go on with a run, and tell what came of it: what it has changed since it was begun."""

    def work(agent: Agent, listener: Listener) -> Came:
        report = agent.resume(run_id, did=did, redo=redo)
        record = Runs(agent.store).show(run_id).record
        tasks = tuple(show_network(part_from_json(task)) for task in record.tasks)
        return Came(report, _changed(agent, run_id), record.source, tasks)

    return carry_out(outcome, settings, work, quiet=quiet, asks=True)


def _changed(agent: Agent, run_id: str) -> Changes:
    """Return what a run has changed in all, as its log tells it; of what a domain calls its results, where it does."""
    from executor.load import load_domain  # noqa: PLC0415 - only here

    runs = Runs(agent.store)
    record = runs.show(run_id).record
    state = record.first_state()
    before = state.mark()
    for event in runs.events(run_id):
        apply_event(state, event)
    results = load_domain(record.source).results
    changed = state.changes_since(before)
    return {at: new for at, new in changed.items() if not results or at[0] in results}
