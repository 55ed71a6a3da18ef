"""htn run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import click
from rich.console import Console

from commands.live import LiveTree
from commands.options import domain_and_tasks, model_options, note, output_options, service_options, write_json
from executor.agent import Agent, Listener, Report, not_learned
from executor.load import load_domain, load_state
from executor.settings import Settings
from htn.contract import describe_changes
from htn.errors import ExecutionError
from htn.failure import Failure
from htn.network import parse_task
from htn.state import State
from htn.values import to_json

_Changes: TypeAlias = Mapping[tuple[str, Any], Any]


@click.command("run", short_help="Plan a task, learn what is missing, and carry it out.")
@domain_and_tasks
@click.option("--learn", type=click.Choice(["auto", "never"]), help="Whether gaps are closed by asking the model.")
@click.option("--quiet", is_flag=True, help="Show only the result.")
@model_options
@service_options
@output_options
def command(
    *,
    domain: str,
    tasks: tuple[str, ...],
    state_file: Path | None,
    quiet: bool,
    as_json: bool,
    debug: bool,  # read by the group, where errors are shown
    **flags: Any,
) -> int:
    """Plan TASK in DOMAIN and carry it out. Where nobody knows how to do a step, the model writes it.

    What the model wrote is checked, run in a sandbox, and kept in the library only with evidence; the next run
    uses it without a model. The result is what the run changed in the state.

    \b
    htn run reports 'report(seattle, temp_max)'
    htn run reports 'report(new_york, wind)' --learn never
    htn run my_domain.py 'deliver(box)' --model ollama:qwen2.5-coder:7b

    Exit code 4: a step failed; 5: a gap stayed open; 7: the model, Docker or Redis does not answer.
    """
    known = load_domain(domain)
    wanted = [parse_task(task) for task in tasks]
    for task in wanted:
        known.check_typed(task)
    state = load_state(known, state_file)
    before = state.mark()
    settings = Settings.load(**flags)
    if quiet or as_json:
        with Agent(settings, Listener(note=note)) as agent:
            report = agent.run(known, wanted, state)
    else:
        with LiveTree(Console(stderr=True)) as tree, Agent(settings, tree.listener()) as agent:
            report = agent.run(known, wanted, state)
    changed = {
        at: value for at, value in state.changes_since(before).items() if not known.results or at[0] in known.results
    }
    if as_json:
        write_json(_document(report, changed))
    return _conclude(report, changed, silent=as_json)


def _conclude(report: Report, changed: _Changes, *, silent: bool) -> int:
    """Show the result, or raise what went wrong; either way say what it cost."""
    calls = len(report.calls)
    try:
        if isinstance(report.result, Failure):
            if report.learned and report.learned[-1].version is None:
                raise not_learned(report.learned[-1])
            click.echo(report.result.explain(), err=True)
            return report.result.exit_code
        if report.run is not None and report.run.failed:
            step = report.run.failed
            raise ExecutionError(f"the step {step.action} failed: {step.detail}")
        if not silent:
            click.echo(_readable(changed))
        return 0
    finally:
        click.echo(f"model calls: {calls}", err=True)


def _readable(changed: _Changes) -> str:
    """Return the changes as a person reads them: a text of several lines stands as it is."""
    texts = [value for value in changed.values() if isinstance(value, str) and "\n" in value]
    rest = {at: value for at, value in changed.items() if not (isinstance(value, str) and "\n" in value)}
    return "\n\n".join([*texts, *([describe_changes(rest).replace("; ", "\n")] if rest or not texts else [])])


def _document(report: Report, changed: _Changes) -> dict[str, Any]:
    result = report.result
    return {
        "ok": report.run is not None and report.run.done,
        "plan": None if isinstance(result, Failure) else result.to_json(),
        "failure": result.to_json() if isinstance(result, Failure) else None,
        "learned": [
            {
                "task": str(one.gap),
                "version": one.version,
                "trust": one.trust,
                "reason": one.reason,
                "seconds": {stage: round(value, 4) for stage, value in one.seconds.items()},
                "attempts": [
                    {"code": a.candidate.code, "evidence": [e.to_json() for e in a.verdict.evidence]}
                    for a in one.attempts
                ],
            }
            for one in report.learned
        ],
        "steps": [
            {"action": str(s.action), "state": s.state, "seconds": round(s.seconds, 4), "detail": s.detail}
            for s in (report.run.steps if report.run else ())
        ],
        "changed": [
            {"variable": name, "key": to_json(key), "value": None if value is State.ABSENT else to_json(value)}
            for (name, key), value in changed.items()
        ],
        "model_calls": len(report.calls),
    }
