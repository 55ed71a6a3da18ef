"""htn proposals: list, show, admit and reject what waits for a person's approval."""

from datetime import UTC, datetime
from typing import Any

import click

from commands.options import Command, output_options, service_options
from commands.output import Outcome, tell
from commands.versions import person, reason_options
from executor.agent import Agent
from executor.entry import TRUST
from executor.proposals import Proposals, Proposed
from executor.review import Admit, Reject
from executor.settings import LIBRARY, Settings
from htn.errors import UsageError, visible


@click.group("proposals", short_help="What waits for your approval: list, show, admit, reject.")
def command() -> None:
    """Decide about what was learned with `learn = ask` where nobody could be asked.

    A proposal is a whole entry with its evidence. No plan uses it before it is admitted.

    \b
    htn proposals list
    htn proposals show 3f8a
    htn proposals admit 3f8a --why 'I have read it'
    htn proposals reject 3f8a --why 'it ignores the unit'
    """


@command.command("list", cls=Command, short_help="List what waits, the oldest first.")
@service_options
@output_options
@click.pass_obj
def list_proposals(outcome: Outcome, /, as_json: bool, debug: bool, **flags: Any) -> None:  # debug is read by the group
    """List what waits, the oldest first: since when, what it is, and the level that its evidence is good for.

    \b
    htn proposals list
    htn proposals list --json

    Exit codes: 0 listed, also when there are none; 2 usage; 7 Redis does not answer.
    """
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        rows = Proposals(agent.library, agent.store).listed()
    outcome.document = [row.to_json() for row in rows]
    if not rows and not as_json:
        tell("nothing waits for approval")
    for row in rows:
        outcome.show(visible(_line(row)))


def _line(row: Proposed) -> str:
    at = datetime.fromtimestamp(row.at / 1000, UTC).isoformat(timespec="seconds")
    what = row.problem or f"{row.name}  {row.trust}  {row.description}"
    return f"{at}  {row.version[:12]}  {what}".rstrip()


@command.command("show", cls=Command, short_help="Show contract, body, evidence and what would change.")
@click.argument("proposal", metavar="ID")
@service_options
@output_options
@click.pass_obj
def show_proposal(outcome: Outcome, /, proposal: str, as_json: bool, debug: bool, **flags: Any) -> None:  # as above
    """Show the contract, the body and the evidence of a proposal, and how it differs from what plans use.

    ID is the beginning of its version, as `htn proposals list` shows it, at least four digits.

    \b
    htn proposals show 3f8a
    htn proposals show 3f8a --json

    Exit codes: 0 shown; 2 usage, such as an ID that there is not; 4 it is damaged; 7 Redis does not answer.
    """
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        review = Proposals(agent.library, agent.store).review(proposal)
    outcome.document = review.to_json()
    outcome.show("\n".join(map(visible, review.lines())))


@command.command("admit", cls=Command, short_help="Let plans use a proposal.")
@click.argument("proposal", metavar="ID")
@click.option(
    "--trust", type=click.Choice(TRUST[1:4]),
    help="The level; by default the one that the evidence is good for, and at most probation where that is less.",
)  # fmt: skip
@reason_options
@service_options
@output_options
@click.pass_obj
def admit(
    outcome: Outcome,
    /,
    proposal: str,
    trust: str | None,
    why: str,
    who: str | None,
    as_json: bool,
    debug: bool,
    **flags: Any,
) -> None:
    """Admit a proposal to the library: plans use it from then on, if its level is probation or more.

    \b
    htn proposals admit 3f8a --why 'I have read it'
    htn proposals admit 3f8a --trust probation --why 'tried by hand' --by ada

    Exit codes: 0 admitted; 2 usage, such as a name that is pinned; 4 it is damaged; 7 Redis does not answer.
    """
    _reason(why)
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        proposals = Proposals(agent.library, agent.store)
        name = proposals.review(proposal).entry.name
        version = proposals.admit(proposal, Admit(trust, person(who), why))
        level = agent.library.trust(version)
    outcome.document = {"version": version, "name": name, "trust": level, "done": "admitted"}
    outcome.show(visible(f"{name}  {level}  {version[:12]}"))


@command.command("reject", cls=Command, short_help="Refuse a proposal; it is not offered again.")
@click.argument("proposal", metavar="ID")
@reason_options
@service_options
@output_options
@click.pass_obj
def reject(
    outcome: Outcome, /, proposal: str, why: str, who: str | None, as_json: bool, debug: bool, **flags: Any
) -> None:
    """Reject a proposal. The same body, for the same contract and examples, is not offered again.

    \b
    htn proposals reject 3f8a --why 'it ignores the unit'

    Exit codes: 0 rejected; 2 usage, such as an ID that there is not; 7 Redis does not answer.
    """
    _reason(why)
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        version = Proposals(agent.library, agent.store).reject(proposal, Reject(why, person(who)))
    outcome.document = {"version": version, "done": "rejected"}
    outcome.show(f"rejected  {version[:12]}")


def _reason(why: str) -> None:
    if not why.strip():
        raise UsageError("a deed with a proposal needs a reason, which the history keeps", hints=("--why REASON",))
