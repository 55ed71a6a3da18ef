"""htn learn."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from commands.live import LiveTree
from commands.options import model_options, note, output_options, service_options, write_json
from executor.agent import Agent, Listener, Prompt, not_learned
from executor.learn import Learned
from executor.load import load_domain, load_state
from executor.settings import Settings
from htn.errors import UsageError
from htn.network import parse_task


@click.command("learn", short_help="Have the model write an operator that nobody has written.")
@click.argument("domain")
@click.argument("task")
@click.option("--state", "state_file", type=click.Path(path_type=Path), help="A JSON file with state variables.")
@click.option("--dry-run", is_flag=True, help="Show the prompt and the price; send nothing.")
@click.option("--again", is_flag=True, help="Learn it anew although the library has it.")
@model_options
@service_options
@output_options
def command(
    *,
    domain: str,
    task: str,
    state_file: Path | None,
    dry_run: bool,
    again: bool,
    as_json: bool,
    debug: bool,  # read by the group, where errors are shown
    **flags: Any,
) -> int:
    """Have the model write the operator that TASK in DOMAIN needs, validate it, and keep it.

    First the contract, which is then frozen; then the body, which has to prove itself in the sandbox.

    \b
    htn learn reports 'column_statistics(seattle, temp_max)' --dry-run
    htn learn reports 'column_statistics(seattle, temp_max)'

    Exit code 5: it was not learned; 6: the calls were used up; 7: the model does not answer.
    """
    known = load_domain(domain)
    wanted = parse_task(task)
    state = load_state(known, state_file)
    settings = Settings.load(**flags)
    if dry_run:
        with Agent(settings) as agent:
            prompt = agent.prompt(known, agent.gap_of(known, wanted, state))
        _show_prompt(prompt, as_json=as_json)
        return 0
    listener = Listener(note=note)
    tree = None if as_json else LiveTree(Console(stderr=True))
    if tree is not None:
        with tree, Agent(settings, tree.listener()) as agent:
            learned, calls = _learn(agent, known, wanted, state, again=again)
    else:
        with Agent(settings, listener) as agent:
            learned, calls = _learn(agent, known, wanted, state, again=again)
    if as_json:
        write_json(_document(learned, calls))
    click.echo(f"model calls: {calls}", err=True)
    if learned.version is None:
        raise not_learned(learned)
    if not as_json:
        click.echo(f"{known.name}.{wanted[0]}  {learned.trust}  {learned.version[:12]}")
    return 0


def _learn(agent: Agent, domain: Any, task: Any, state: Any, *, again: bool) -> tuple[Learned, int]:
    version = agent.known(domain, task[0])
    if version and not again:
        raise UsageError(
            f"the library has {domain.name}.{task[0]} already, {version[:12]}",
            hints=(f"see it: htn library show {task[0]}", "learn it anew: --again"),
        )
    learned = agent.learn(domain, agent.gap_of(domain, task, state))
    return learned, len(agent.model.calls)


def _show_prompt(prompt: Prompt, *, as_json: bool) -> None:
    price = (
        f"model {prompt.model}: about {prompt.tokens:,} tokens for this first question, "
        f"at most {prompt.most_calls} calls; nothing was sent"
    )
    if as_json:
        write_json({"system": prompt.system, "prompt": prompt.question, "model": prompt.model,
                    "tokens": prompt.tokens, "most_calls": prompt.most_calls})  # fmt: skip
        return
    click.echo(prompt.system)
    click.echo(prompt.question)
    click.echo(price, err=True)


def _document(learned: Learned, calls: int) -> dict[str, Any]:
    return {
        "task": str(learned.gap),
        "version": learned.version,
        "trust": learned.trust,
        "reason": learned.reason,
        "contract": learned.contract.to_json(),
        "seconds": {stage: round(value, 4) for stage, value in learned.seconds.items()},
        "attempts": [
            {"code": a.candidate.code, "evidence": [e.to_json() for e in a.verdict.evidence]} for a in learned.attempts
        ],
        "model_calls": calls,
    }
