"""htn run."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.carrying import Came, carry_out
from commands.options import (
    TASKS_EPILOG,
    Command,
    approval_option,
    domain_and_tasks_or_batch,
    model_options,
    output_options,
    search_options,
    service_options,
)
from commands.output import Outcome, note, tell
from executor.agent import Agent, Listener
from executor.load import load_domain, load_state
from executor.retries import workflow_id
from executor.settings import Settings, led_from_here
from htn.errors import UsageError
from htn.failure import Failure
from htn.levels import Level, Mode
from htn.network import parse_task
from htn.render import text_tree

if TYPE_CHECKING:
    from executor.estimate import Estimate

_ID_DIGITS = 12  # of the id that a run gets: short enough to be typed; that it is nobody else's is checked


@click.command(
    "run", cls=Command, short_help="Plan a task, learn what is missing, and carry it out.", epilog=TASKS_EPILOG
)
@domain_and_tasks_or_batch
@click.option(
    "--learn",
    type=click.Choice(["auto", "ask", "never"]),
    help="Whether gaps are closed by asking the model; ask is short for auto with --approve admit.",
)
@click.option(
    "--level",
    type=click.Choice([str(level) for level in Level]),
    help="What a model may be asked while the plan is carried out; basic: nothing.",
)
@click.option(
    "--mode",
    type=click.Choice([str(mode) for mode in Mode]),
    help="What may be done about a step that fails; strict: the run ends.",
)
@approval_option
@click.option("--run-id", metavar="ID", help="What other processes know this run by; by default one is made.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and what a model may cost; send and run nothing.")
@click.option(
    "--parallel",
    type=click.IntRange(1, 1024),
    help="How many steps may run at once that have nothing to do with each other.",
)
@click.option("--quiet", is_flag=True, help="Show only the result.")
@click.option(
    "--evaluate", flag_value="trusted", help="Run bodies of trusted operators while planning, to know what they return."
)
@click.option(
    "--distributed/--in-process", default=None, help="Have the steps carried out by workers (htn worker), or here."
)
@search_options
@model_options
@service_options
@output_options
@click.pass_obj
def command(
    outcome: Outcome,
    /,
    *,
    domain: str | None,
    tasks: tuple[str, ...],
    batch: Path | None,
    at_once: int | None,
    state_file: Path | None,
    run_id: str | None,
    dry_run: bool,
    level: str | None,
    mode: str | None,
    quiet: bool,
    as_json: bool,
    debug: bool,  # read by the group, where errors are shown
    **flags: Any,
) -> int:
    """Plan TASK in DOMAIN and carry it out. Where nobody knows how to do a step, the model writes it.

    What the model wrote is checked, run in a sandbox, and kept in the library only with evidence; the next run
    uses it without a model. The result is what the run changed in the state.

    Where a value decides what comes next that only execution can know, the run plans on when it is known. Where
    a step fails, the run goes on in another way that is known, as --level and --mode allow.

    What happens is written down as it happens. A run that was interrupted, or whose process or machine is gone, goes
    on where it was left: htn resume RUN_ID. Others see it meanwhile: htn runs, htn watch RUN_ID.

    DOMAIN is a bundled domain (travel, reports) or the path of a Python file. Several tasks are done one after the
    other.

    \b
    htn run reports 'report(seattle, temp_max)'
    htn run reports 'report(new_york, wind)' --learn never
    htn run reports 'report(seattle, wind)' --dry-run
    htn run my_domain.py 'deliver(box)' --model ollama:qwen2.5-coder:7b
    htn run my_domain.py 'deliver(box)' --parallel 4 --approve always
    htn run my_domain.py 'deliver(box)' --distributed
    htn run --batch requests.jsonl --json

    Exit codes: 0 done; 2 usage; 3 there is no plan; 4 a step failed; 5 a gap stayed open; 6 a budget or limit was
    reached; 7 the model, Docker or Redis does not answer; 8 it waits for approval, or nobody knows whether
    a step was done; 130 interrupted.
    """
    if batch is not None:
        if domain or tasks or state_file or run_id or dry_run:
            raise UsageError(
                "--batch stands alone: each of its lines says its domain, task, state and run_id",
                hints=("htn run --batch FILE.jsonl --distributed",),
            )
        from commands.batch import run_batch  # noqa: PLC0415 - few commands have many runs

        if led := led_from_here(flags):
            note(led)
        return run_batch(outcome, batch, Settings.load(**flags), at_once, level=level, mode=mode)
    source = str(domain)  # it is there, since no batch is
    known = load_domain(source)
    wanted = [parse_task(task) for task in tasks]
    for task in wanted:
        known.check_typed(task)
    state = load_state(known, state_file)
    before = state.mark()
    settings = Settings.load(**flags)
    if dry_run:
        with Agent(settings, Listener(note=note)) as agent:
            return _priced(outcome, agent.price(known, wanted, state))
    if led := led_from_here(flags):
        note(led)
    name = run_id or workflow_id()[:_ID_DIGITS]

    def work(agent: Agent, listener: Listener) -> Came:
        if not quiet:
            listener.note(f"run {name}")
        report = agent.run(known, wanted, state, run_id=name, level=level, mode=mode)
        changed = state.changes_since(before)
        changed = {at: new for at, new in changed.items() if not known.results or at[0] in known.results}
        return Came(report, changed, source, tasks)

    return carry_out(outcome, settings, work, quiet=quiet)


def _priced(outcome: Outcome, found: "Estimate") -> int:
    """Show what a run may cost."""
    outcome.document = found.to_json()
    if isinstance(found.result, Failure) and not (found.plan or found.gaps):
        return outcome.no_plan(found.result)
    if found.plan:
        outcome.show(text_tree(found.plan))
    outcome.show("\n".join(found.lines()))
    if not outcome.as_json:
        tell("nothing was sent, and nothing was run")
    return 0
