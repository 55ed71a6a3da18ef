"""htn learn."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.live import LiveTree
from commands.options import (
    TASKS_EPILOG,
    Command,
    approval_option,
    domain_and_task,
    model_options,
    output_options,
    service_options,
)
from commands.output import Outcome, note, tell
from executor.agent import Agent, Listener, Prompt, not_learned
from executor.documents import learned_document
from executor.load import load_domain, load_state
from executor.settings import Settings, led_from_here
from htn.domain import Domain
from htn.errors import GapOpen, UsageError
from htn.network import Task, parse_task
from htn.state import State

if TYPE_CHECKING:
    from executor.learn import Learned


@click.command(
    "learn", cls=Command, short_help="Have the model write an operator that nobody has written.", epilog=TASKS_EPILOG
)
@domain_and_task
@click.option("--dry-run", is_flag=True, help="Show the prompt and the price; send nothing.")
@click.option("--again", is_flag=True, help="Learn it anew although the library has it.")
@click.option("--deepen", is_flag=True, help="Buy the evidence that makes a learned operator trusted.")
@click.option("--language", help="The language of the body; by default what the description asks for, else python.")
@click.option("--more-models", help="Further models, with commas between, that are asked in turn.")
@click.option("--max-retries", type=click.IntRange(1, 20), help="Bodies that are tried: the first and its repairs.")
@click.option(
    "--timeout", "execution_timeout", type=click.FloatRange(0.01, 86_400), help="Seconds for one call of a body."
)
@click.option("--ask", "approve", flag_value="admit", help="Short for --approve admit.")
@approval_option
@model_options
@service_options
@output_options
@click.pass_obj
def command(
    outcome: Outcome,
    /,
    *,
    domain: str,
    task: str,
    state_file: Path | None,
    dry_run: bool,
    again: bool,
    deepen: bool,
    as_json: bool,
    debug: bool,  # read by the group, where errors are shown
    **flags: Any,
) -> int:
    """Have the model write the operator that TASK in DOMAIN needs, validate it, and keep it.

    First the contract, which is then frozen; then the body, which has to prove itself in the sandbox. With --deepen an
    operator that plans use already is made trusted: other authors, who see only the contract, write bodies and tests
    for it, and all are compared. Where they do not decide, it keeps the trust that it has, and the answer is a question
    to you: that is a result, too, and exit code 0. Two models are worth more than one: --more-models.

    DOMAIN is a bundled domain (travel, reports) or the path of a Python file; TASK is one use of the operator.

    \b
    htn learn reports 'column_statistics(seattle, temp_max)' --dry-run
    htn learn reports 'column_statistics(seattle, temp_max)'
    htn learn reports 'column_statistics(seattle, temp_max)' --deepen
    htn learn reports 'column_statistics(seattle, temp_max)' --ask

    Exit codes: 0 learned, or left as it was with a question; 2 usage; 5 it was not learned, or --deepen has found its
    body wrong, which leaves it as it was; 6 the calls were used up; 7 the model, Docker or Redis
    does not answer; 8 it waits for approval, or its code does before it is run; 130 interrupted.
    """
    known = load_domain(domain)
    wanted = parse_task(task)
    state = load_state(known, state_file)
    settings = Settings.load(**flags)
    if dry_run:
        with Agent(settings) as agent:
            prompt = agent.prompt(known, agent.gap_of(known, wanted, state))
        _show_prompt(outcome, prompt)
        return 0
    if led := led_from_here(flags):
        note(led)
    tree = None if as_json else LiveTree()
    from commands.review import terminal_code_reviewer, terminal_reviewer  # noqa: PLC0415 - --help should not wait for it

    pause = tree.paused if tree else nullcontext
    listener = tree.listener() if tree else Listener(note=note)
    with (
        tree or nullcontext(),
        Agent(settings, listener, terminal_reviewer(pause), terminal_code_reviewer(pause)) as agent,
    ):
        outcome.cost = lambda: agent.calls
        learned = _learn(agent, known, wanted, state, again=again, deepen=deepen)
    outcome.document = learned_document(learned)
    if learned.version is None:
        raise _not_deepened(learned) if deepen else not_learned(learned)
    outcome.show(f"{known.name}.{wanted[0]}  {learned.trust}  {learned.version[:12]}")
    if learned.question:
        outcome.show(f"question: {learned.question}")
    return 0


def _learn(agent: Agent, domain: Domain, task: Task, state: State, *, again: bool, deepen: bool) -> "Learned":
    version = agent.known(domain, task[0])
    if deepen and (version or not again):
        return agent.deepen(domain, agent.gap_of(domain, task, state))
    if version and not again:
        raise UsageError(
            f"the library has {domain.name}.{task[0]} already, {version[:12]}",
            hints=(
                f"see it: htn library show {task[0]}",
                "make it trusted: --deepen",
                "learn it anew: --again",
            ),
        )
    return agent.learn(domain, agent.gap_of(domain, task, state))


def _not_deepened(learned: "Learned") -> GapOpen:
    name = learned.gap.task[0]
    return GapOpen(
        f"{name} was not made trusted: {learned.reason}",
        hints=(
            *([learned.question] if learned.question else []),
            "plans go on with it as it is; to learn another: --again",
            f"to take it out of plans: htn library retire {name} --why REASON --force",
        ),
    )


def _show_prompt(outcome: Outcome, prompt: Prompt) -> None:
    outcome.document = {
        "system": prompt.system,
        "prompt": prompt.question,
        "model": prompt.model,
        "tokens": prompt.tokens,
        "most_calls": prompt.most_calls,
    }
    outcome.show(prompt.system)
    outcome.show(prompt.question)
    if not outcome.as_json:
        tell(
            f"model {prompt.model}: about {prompt.tokens:,} tokens for this first question, "
            f"at most {prompt.most_calls} calls; nothing was sent"
        )
