"""htn replay."""

from collections.abc import Mapping
from typing import Any

import click

from commands.options import Command, output_options, run_argument, service_options
from commands.output import Outcome
from commands.runs_text import change_lines, event_line
from executor.agent import Agent
from executor.runs import Runs
from executor.settings import RUNS, Settings
from htn.errors import UsageError, visible
from htn.state import State
from htn.values import show

_MOST_SAID = 500  # characters of a value; --json has all


@click.command("replay", cls=Command, short_help="Go through a run again from its log, running nothing.")
@run_argument
@click.option("--to", metavar="EVENT", help="Only as far as the event with this id, and the state then.")
@service_options
@output_options
@click.pass_obj
def command(
    outcome: Outcome, /, run_id: str, to: str | None, as_json: bool, debug: bool, **flags: Any
) -> None:  # debug is read by the group
    """Go through the run RUN from its log: each event with what it changed, and at the end the state it led to.

    Nothing is carried out, no model is asked, no code is run. So it says the same each time, also on another machine
    with the same store.

    \b
    htn replay 3f8a91c07d2e
    htn replay 3f8a91c07d2e --to 1764452725000-0
    htn replay 3f8a91c07d2e --json

    Exit codes: 0 shown; 2 usage, such as a run or an event that there is not; 4 its log is spoiled; 7 Redis does not
    answer.
    """
    settings = Settings.load(RUNS, **flags)
    events: list[dict[str, Any]] = []
    found, state, standing = False, State(), ""
    with Agent(settings) as agent:
        for event, view, after in Runs(agent.store, keep_days=settings.keep_runs).replay(run_id):
            events.append(event.to_json())
            outcome.show("\n".join([event_line(event, view), *change_lines(event.data.get("writes") or ())]))
            state, standing, found = after, str(view.state), event.id == to
            if found:
                break
    if to is not None and not found:
        raise UsageError(f"the run {run_id} has no event {to[:60]!r}", hints=(f"htn watch {run_id} shows their ids",))
    outcome.document = {"run_id": run_id, "state_of_run": standing, "events": events, "state": state.to_json()}
    outcome.show("\n".join([f"the run is {standing}; the state is", *_shown(state)]))


def _shown(state: State) -> list[str]:
    rows = []
    for name in sorted(state):
        held = getattr(state, name)
        if isinstance(held, Mapping):
            rows += [f"  {name}[{show(key)}] = {show(value, _MOST_SAID)}" for key, value in held.items()]
        else:
            rows.append(f"  {name} = {show(held, _MOST_SAID)}")
    return [visible(row) for row in rows] or ["  empty"]
