"""htn watch."""

import sys
from typing import Any

import click

from commands.live import LiveTree
from commands.options import Command, output_options, run_argument, service_options
from commands.output import Outcome, tell
from commands.runs_text import event_line
from executor.agent import Agent
from executor.run import Event, Logged, RunView
from executor.run.log import trouble_from_json
from executor.run.table import STEP_EVENTS
from executor.run.view import place_of
from executor.runs import RESTING, Runs, next_for
from executor.settings import RUNS, Settings
from htn.network import Part
from htn.stage import Stage


@click.command("watch", cls=Command, short_help="Follow a run as it is carried out, here or elsewhere.")
@run_argument
@click.option("--after", default="0-0", metavar="EVENT", help="Only what came after the event with this id.")
@service_options
@output_options
@click.pass_obj
def command(
    outcome: Outcome, /, run_id: str, after: str, as_json: bool, debug: bool, **flags: Any
) -> None:  # debug is read by the group
    """Follow the run RUN: what happened so far, then what happens, until it rests: done, failed, waiting, paused.

    At a terminal it is drawn as htn run draws it. Elsewhere it is a line for each event, with --json one JSON document
    a line; each has an id, after which another htn watch can go on. Watching changes nothing, and ends with Ctrl-C.

    \b
    htn watch 3f8a91c07d2e
    htn watch 3f8a91c07d2e --json | jq .kind
    htn watch 3f8a91c07d2e --after 1764452725000-0

    Exit codes: 0 it rests, however it went; 2 usage, such as a run that there is not; 4 its log is spoiled; 7 Redis
    does not answer; 130 interrupted.
    """
    settings = Settings.load(RUNS, **flags)
    drawn = sys.stderr is not None and sys.stderr.isatty() and not as_json
    with Agent(settings) as agent:
        runs = Runs(agent.store, keep_days=settings.keep_runs)
        if drawn:
            with LiveTree() as tree:
                for event, view in runs.follow(run_id, after):
                    draw(tree, event, view)
        else:
            for event, view in runs.follow(run_id, after):
                outcome.line(event.to_json()) if as_json else outcome.show(event_line(event, view))
        view, driven = runs.show(run_id), runs.is_driven(run_id)
    if not as_json:
        state = view.state if view.state in RESTING else "not driven by any process"
        tell(f"{run_id} is {state}")
        for hint in next_for(view, driven=driven):
            tell(f"next: {hint}")


def draw(tree: LiveTree, event: Logged, view: RunView) -> None:
    """Draw an event as `htn run` draws what it does itself."""
    data = event.data
    if event.kind in STEP_EVENTS and "step" in data:
        number, at = place_of(data["step"])
        if number == len(view.plans):
            trouble = trouble_from_json(data.get("error"))
            detail = trouble.message if trouble else str(data.get("detail", ""))
            tree.step(Event(at, event.kind, float(data.get("seconds", 0.0)), detail, trouble, event.by))
    elif event.kind == "planned":
        planned = view.plans[-1]
        rest: tuple[Part, ...] | None = planned.rest
        if rest is None:
            tree.planned(planned.plan)
        else:
            tree.stage(Stage(planned.plan, rest, planned.unknown, str(data.get("why", ""))))
    else:
        tree.note(event_line(event, view).split("  ", 2)[-1])
