"""htn models."""

from typing import Any

import click

from commands.options import Command, output_options, service_options
from commands.output import Outcome
from executor.agent import Agent
from executor.model_states import ModelState, model_states, reset
from executor.settings import LIBRARY, ROUTING, Settings
from htn.errors import visible


class _ListedByDefault(click.Group):
    """A group that lists where no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in front where none is named."""
        named = args and (not args[0].startswith("-") or args[0] in ("-h", "--help"))
        return super().parse_args(ctx, args if named else ["list", *args])


@click.group("models", cls=_ListedByDefault, short_help="Which models are asked for what, and how they are doing.")
def command() -> None:
    """Say which models are asked for what, whether their servers answer, and how they have done. No model is asked.

    \b
    htn models
    htn models --json
    htn models reset openai
    """


@command.command("list", cls=Command, short_help="List the models: state, breaker, success, latency, tokens, money.")
@service_options
@output_options
@click.pass_obj
def list_(outcome: Outcome, /, as_json: bool, debug: bool, **flags: Any) -> None:  # debug is read by the group
    """List the models that settings name, and those that were asked before, as all processes see them.

    A model is healthy, degraded (calls to its server fail, or it asked to wait) or offline (its server does not answer,
    or failed so often in a row that it is left alone). A server is looked at once a minute at most.

    \b
    htn models
    htn models list --json

    Exit codes: 0 listed; 2 usage; 7 Redis does not answer.
    """
    settings = Settings.load(LIBRARY | ROUTING, **flags)
    with Agent(settings) as agent:
        states = model_states(settings, agent.store)
    outcome.document = [state.to_json() for state in states]
    outcome.show("\n".join(visible(row) for state in states for row in rows_of(state)))


@command.command("reset", cls=Command, short_help="Have a server that is left alone asked again at once.")
@click.argument("name", metavar="PROVIDER|MODEL")
@service_options
@output_options
@click.pass_obj
def reset_(outcome: Outcome, /, name: str, as_json: bool, debug: bool, **flags: Any) -> None:  # as above
    """Forget the failures of the servers of a provider, such as openai, or of one model, such as openai:NAME.

    \b
    htn models reset openai

    Exit codes: 0 forgotten; 2 usage, such as a provider of which no model is set; 7 Redis does not answer.
    """
    settings = Settings.load(LIBRARY | ROUTING, **flags)
    with Agent(settings) as agent:
        models = reset(settings, agent.store, name)
    outcome.document = {"reset": list(models)}
    outcome.show(f"asked again at once: {', '.join(models)}")


def rows_of(state: ModelState) -> list[str]:
    """Return what a person reads about a model."""
    stats = state.stats
    wait = f" for {state.seconds:.0f} s" if state.seconds else ""
    failures = f", {state.failures} failures in a row" if state.failures else ""
    asked = f"asked for {', '.join(state.asked_for)}" if state.asked_for else "asked for nothing"
    rows = [f"{state.model}  {state.health}  {asked}"]
    if state.health != "unused":
        rows.append(f"    breaker  {state.breaker}{wait}{failures}, {state.address}")
    if state.why:
        rows.append(f"    problem  {state.why}")
    if stats.calls:
        rows.append(f"    calls    {stats.calls:,}, {_share(stats.success_rate)} well, {_seconds(state)}")
        rows.append(f"    tokens   {stats.prompt_tokens:,} in, {stats.answer_tokens:,} out")
        rows.append(f"    money    {stats.cost:,.2f} in all, {stats.cost_today:,.2f} today; {_price(state)}")
    else:
        rows.append(f"    calls    none; {_price(state)}")
    return rows


def _share(rate: float | None) -> str:
    return "none" if rate is None else f"{rate:.0%}"


def _seconds(state: ModelState) -> str:
    median, slow = state.stats.recent_median_seconds, state.stats.recent_p95_seconds
    return f"half of the last within {median or 0:.1f} s, 95% within {slow or 0:.1f} s"


def _price(state: ModelState) -> str:
    if state.price is None:
        return "no price is set"
    return "free" if state.price == "0/0" else f"{state.price} for a million tokens in and out"
