"""htn plan."""

from pathlib import Path
from typing import Any

import click

from commands.options import domain_and_tasks, output_options, service_options, waiting, write_json
from executor.agent import Agent
from executor.load import load_domain, load_state
from executor.settings import Settings
from htn.errors import UsageError
from htn.failure import Failure
from htn.network import parse_task
from htn.render import svg_tree, text_tree


@click.command("plan", short_help="Show how a task is decomposed, or why it cannot be.")
@domain_and_tasks
@click.option("--svg", "svg_file", type=click.Path(path_type=Path), help="Draw the tree into this file.")
@click.option("--max-expansions", type=click.IntRange(1), help="Give up after so many.")
@click.option("--max-seconds", type=click.FloatRange(0, min_open=True), help="Give up after so long.")
@service_options
@output_options
def command(
    *,
    domain: str,
    tasks: tuple[str, ...],
    state_file: Path | None,
    svg_file: Path | None,
    as_json: bool,
    debug: bool,  # read by the group, where errors are shown
    **flags: Any,
) -> int:
    """Decompose TASK in DOMAIN and show the tree, using what was learned. Never asks a model.

    DOMAIN is a bundled domain or the path of a Python file. Several tasks are done one after the other.

    \b
    htn plan travel 'travel(alice, home, park)'
    htn plan my_domain.py 'deliver(box, "Main Street 1")' --state now.json --json

    Exit code 3: there is no plan; 5: nobody knows how to do a step; 6: a limit was reached.
    """
    known = load_domain(domain)
    wanted = [parse_task(task) for task in tasks]
    for task in wanted:
        known.check_typed(task)
    state = load_state(known, state_file)
    with Agent(Settings.load(**flags)) as agent, waiting("looking for a plan"):
        result = agent.plan(known, wanted, state)
    if as_json:
        write_json(result.to_json())
    if isinstance(result, Failure):
        click.echo(result.explain(), err=True)
        return result.exit_code
    if svg_file:
        write_file(svg_file, svg_tree(result))
    if not as_json:
        click.echo(text_tree(result))
    return 0


def write_file(path: Path, text: str) -> None:
    """Write a file that the person named; UsageError when it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
