"""htn plan."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from commands.options import (
    TASKS_EPILOG,
    Command,
    domain_and_tasks,
    output_options,
    search_options,
    service_options,
    waiting,
)
from commands.output import Outcome, note
from executor.agent import Agent, Listener
from executor.load import load_domain, load_state
from executor.settings import PLANNING, SANDBOX, Settings
from htn.dependencies import Dependencies
from htn.errors import UsageError
from htn.failure import Failure
from htn.network import parse_task
from htn.plan import Plan
from htn.render import dot_graph, dot_tree, mermaid_graph, mermaid_tree, svg_graph, svg_tree, text_stages, text_tree

TREES: dict[str, Callable[[Plan], str]] = {
    "text": text_tree,
    "mermaid": mermaid_tree,
    "dot": dot_tree,
    "svg": svg_tree,
}
GRAPHS: dict[str, Callable[[Dependencies], str]] = {
    "text": text_stages,
    "mermaid": mermaid_graph,
    "dot": dot_graph,
    "svg": svg_graph,
}


@click.command(
    "plan", cls=Command, short_help="Show how a task is decomposed, or why it cannot be.", epilog=TASKS_EPILOG
)
@domain_and_tasks
@click.option("--svg", "svg_file", type=click.Path(path_type=Path), metavar="FILE", help="Draw the tree into it.")
@click.option("--draw", type=click.Choice(["mermaid", "dot", "svg"]), help="Write the tree in another form.")
@click.option("--graph", is_flag=True, help="Draw what depends on what instead of the tree.")
@click.option(
    "--evaluate", flag_value="trusted", help="Run bodies of trusted operators while planning, to know what they return."
)
@search_options
@service_options
@output_options
@click.pass_obj
def command(
    outcome: Outcome,
    /,
    *,
    domain: str,
    tasks: tuple[str, ...],
    state_file: Path | None,
    svg_file: Path | None,
    draw: str | None,
    graph: bool,
    as_json: bool,  # read by the group, as is the next one
    debug: bool,
    **flags: Any,
) -> int:
    """Decompose TASK in DOMAIN and show the tree, using what was learned. Never asks a model.

    Where a value decides what comes next that only execution can know, what is carried out first is shown, and
    standard error says what is decided then. --evaluate finds out such values now, where trusted operators give them.

    DOMAIN is a bundled domain (travel, reports) or the path of a Python file. Several tasks are done one after the
    other.

    \b
    htn plan travel 'travel(alice, home, park)'
    htn plan my_domain.py 'deliver(box, "Main Street 1")' --state now.json --json

    Exit codes: 0 there is a plan; 2 usage; 3 there is none; 5 nobody knows how to do a step;
    6 a limit was reached; 7 the library's Redis server does not answer; 130 interrupted.
    """
    known = load_domain(domain)
    wanted = [parse_task(task) for task in tasks]
    for task in wanted:
        known.check_typed(task)
    state = load_state(known, state_file)
    settings = Settings.load(PLANNING | SANDBOX if flags["evaluate"] else PLANNING, **flags)
    with Agent(settings, Listener(note=note)) as agent, waiting("looking for a plan"):
        result = agent.plan(known, wanted, state)
        stage = result.stage if isinstance(result, Failure) else None
        plan = stage.plan if stage else result
        needs = agent.dependencies(known, wanted, state, plan) if graph and isinstance(plan, Plan) else None
    outcome.document = result.to_json()
    if isinstance(plan, Failure):
        return outcome.no_plan(plan)
    if stage:
        outcome.document = {**plan.to_json(), "stage": {k: v for k, v in stage.to_json().items() if k != "plan"}}
    if svg_file:
        write_file(svg_file, svg_graph(needs) if needs else svg_tree(plan))
    outcome.show(GRAPHS[draw or "text"](needs) if needs else TREES[draw or "text"](plan))
    if stage:
        note(f"this is the first stage; {stage}")
    return 0


def write_file(path: Path, text: str) -> None:
    """Write a file that the person named; UsageError when it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
