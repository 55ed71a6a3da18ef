"""htn approve."""

from typing import Any

import click

from commands.options import Command, model_options, output_options, run_argument, search_options, service_options
from commands.output import Outcome, note
from commands.resume import go_on
from commands.versions import person, reason_options
from executor.agent import Agent
from executor.approvals import DIGEST, Allow, Approvals
from executor.runs import Runs
from executor.settings import Settings, led_from_here
from htn.errors import UsageError, visible


@click.command("approve", cls=Command, short_help="Allow what a run waits for, and go on with it.")
@run_argument
@click.option("--no-resume", is_flag=True, help="Do not go on with it.")
@click.option("--quiet", is_flag=True, help="Show only the result.")
@reason_options
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
    no_resume: bool,
    quiet: bool,
    why: str,
    who: str | None,
    as_json: bool,
    debug: bool,  # read by the group, where errors are shown
    **flags: Any,
) -> int:
    """Allow what the run RUN waits for, and go on with it. See it first: htn runs show RUN.

    A run waits where a person has to approve something and nobody was at its terminal. --approve, which a run is begun
    with, says what that is:

    \b
    --approve never    nothing; the evidence decides what is admitted to the library
    --approve admit    what is admitted to the library; --learn ask is short for this
    --approve always   that, and code that a model wrote, before it is run for the first time, in a trial or a step

    What is waited for is either a proposal, which is admitted as htn proposals admit does it, or code, which may be run
    from then on, here and in every process with this library. Without a run, after htn learn, RUN is the digest of the
    code that it names.

    \b
    htn runs show 3f8a91c07d2e
    htn approve 3f8a91c07d2e --why 'I have read it'
    htn approve 3f8a91c07d2e --why 'I have read it' --no-resume

    Exit codes: those of htn run; 2 also for a run that waits for nothing.
    """
    if not why.strip():
        raise UsageError("an approval needs a reason, which is kept", hints=("--why REASON",))
    settings = Settings.load(**flags)
    with Agent(settings) as agent:
        if DIGEST.fullmatch(run_id):
            name = Approvals(agent.store).waiting(run_id).name
            Approvals(agent.store).allow(run_id, Allow(person(who), why))
            outcome.document = {"code": run_id, "name": name, "done": "allowed"}
            outcome.show(visible(f"{name}  allowed  {run_id[:12]}"))
            return 0
        runs = Runs(agent.store, keep_days=settings.keep_runs)
        wanted = runs.show(run_id).waits_for
        view = runs.approve(run_id, agent.library, who=person(who), why=why)
    if no_resume:
        outcome.document = view.to_json() | {"approved": wanted}
        outcome.show(visible(f"{run_id}  approved  {(wanted or {}).get('name', '')}"))
        return 0
    if led := led_from_here(flags):
        note(led)
    return go_on(outcome, settings, run_id, quiet=quiet)
