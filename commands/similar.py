"""htn library similar and lessons: what is like something, and what went wrong before."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from commands.options import Command, output_options, service_options
from commands.output import Outcome, tell
from executor.agent import Agent
from executor.entry import TRUST
from executor.settings import LIBRARY, Settings
from htn.errors import ExecutionError, UsageError, visible

if TYPE_CHECKING:
    from executor.similar import Wanted

_MOST_SAID = 160


@click.command("similar", cls=Command, short_help="Find the operators that are like a name or a text.")
@click.argument("text", metavar="TEXT")
@click.option("--domain", help="Only operators of this domain.")
@click.option("--most", type=click.IntRange(1, 100), default=5, show_default=True, help="The most operators to show.")
@click.option("--least-trust", type=click.Choice(TRUST), default="quarantined", show_default=True)
@service_options
@output_options
@click.pass_obj
def similar(
    outcome: Outcome, /, text: str, domain: str | None, most: int, least_trust: str, as_json: bool, debug: bool,
    **flags: Any,
) -> None:  # fmt: skip
    """Find the operators of the library that are most like TEXT: an operator's name, or what it is to do, in words.

    With the name of an operator in the library its types count, too. It is a search for people: no plan uses an
    operator because it is similar. There is an answer as long as the library holds anything.

    \b
    htn library similar column_statistics
    htn library similar 'the middle value of a table column' --domain reports
    htn library similar mean --json

    Exit codes: 0 shown, also when the library is empty; 2 usage; 7 Redis does not answer.
    """
    from executor.similar import Finder  # noqa: PLC0415 - the other commands of the library should not wait for it

    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        finder = Finder(agent.library, agent.store)
        wanted = _wanted(agent, text)
        found = finder.find(wanted, most=most, domain=domain, least_trust=least_trust, nearest=True)
    outcome.document = [each.to_json() for each in found]
    if not found and not as_json:
        tell("the library holds nothing to choose from")
    for each in found:
        outcome.show(visible(f"{each.domain}.{each.signature}  {each.trust}  {each.version[:12]}"))
        said = next(iter(each.description.strip().splitlines()), "")
        outcome.show(visible(f"  {said}"[:_MOST_SAID].rstrip()) if said else "  (no description)")
        outcome.show(visible(f"  {each.why}"))


def _wanted(agent: Agent, text: str) -> "Wanted":
    """Return what is looked for: what is like the operator that TEXT names, or else its words."""
    from executor.similar import Wanted  # noqa: PLC0415 - as above

    whole, _, last = text.rpartition(".")
    if not last.isidentifier():
        return Wanted(text)
    for domain in agent.store.domains():
        names = [text, last] if domain == whole else [text]
        for version in agent.store.current_of(domain, names).values():
            with suppress(ExecutionError):  # it is damaged
                return Wanted.of_contract(agent.library.entry(version).promise())
    return Wanted(text, last)


@click.command("lessons", cls=Command, short_help="Say what bodies failed at before; forget it.")
@click.option("--domain", help="Only the lessons of this domain.")
@click.option("--clear", is_flag=True, help="Forget the lessons of the domain that --domain names.")
@service_options
@output_options
@click.pass_obj
def lessons(outcome: Outcome, /, domain: str | None, clear: bool, as_json: bool, debug: bool, **flags: Any) -> None:
    """List what bodies failed at before, the most frequent first: the next prompt names what is likely to come again.

    \b
    htn library lessons
    htn library lessons --domain reports --json
    htn library lessons --domain reports --clear

    Exit codes: 0 listed or forgotten, also when there are none; 2 usage, such as --clear without --domain; 7 Redis
    does not answer.
    """
    from executor.lessons import Lessons  # noqa: PLC0415 - as above

    if clear and domain is None:
        raise UsageError("--clear forgets the lessons of one domain", hints=("name it: --domain DOMAIN --clear",))
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        known = Lessons(agent.store)
        if clear and domain is not None:
            count = known.forget(domain)
            outcome.document = {"domain": domain, "forgotten": count}
            outcome.show(f"{domain}  {count} forgotten")
            return
        found = known.listed(domain)
    outcome.document = [each.to_json() for each in found]
    if not found and not as_json:
        tell("there are no lessons")
    for each in found:
        outcome.show(visible(f"{each.domain}  {each.language}  {each.line}"))


COMMANDS = (similar, lessons)
