"""htn library history, rollback, diff, retire, pin, unpin and compare."""

import getpass
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from commands.options import Command, operator_argument, output_options, service_options
from commands.output import Outcome
from executor.agent import Agent
from executor.settings import LIBRARY, Settings
from htn.errors import visible

if TYPE_CHECKING:
    from executor.compare import Comparison
    from executor.versions import Happened

_Command = TypeVar("_Command", bound=Callable[..., Any])


def reason_options(function: _Command) -> _Command:
    """Add --why, which a deed needs, and --by."""
    function = click.option("--by", "who", metavar="NAME", help="Who does it; by default the user's name.")(function)
    return click.option("--why", required=True, metavar="REASON", help="Why; the history keeps it.")(function)


def person(who: str | None) -> str:
    """Return who does something: as said, or the user's name."""
    try:
        return (who or getpass.getuser())[:100]
    except (KeyError, OSError):  # a user without a name, as containers have
        return "somebody"


@click.command("history", cls=Command, short_help="Say what was done with an operator, by whom and why.")
@operator_argument
@service_options
@output_options
@click.pass_obj
def history(outcome: Outcome, /, name: str, as_json: bool, debug: bool, **flags: Any) -> None:  # debug: the group
    """Say what was done with the versions of the operator NAME, oldest first: by whom, and why.

    The line of the current version is marked with a star. Events are never changed.

    \b
    htn library history column_statistics
    htn library history reports.column_statistics --json

    Exit codes: 0 said; 2 usage, such as a name that the library does not have; 7 Redis does not answer.
    """
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        events, row = agent.versions.history(name), agent.versions.one(name)
        pinned = agent.library.pinned(row.domain, row.name)
        trusts = {e.event.version: agent.library.trust(e.event.version) for e in events if e.event.version}
    outcome.document = {
        "name": f"{row.domain}.{row.name}", "current": row.version, "pinned": pinned,
        "events": [e.to_json() for e in events], "trust": trusts,
    }  # fmt: skip
    last = {each.event.version: each for each in events}
    for each in events:
        trust = trusts.get(each.event.version, "") if each is last[each.event.version] else ""
        outcome.show(visible(_line(each, trust, each.event.version == row.version)))


def _line(happened: "Happened", trust: str, current: bool) -> str:
    """Return an event in a line; `trust` is the level of its version today, where this is the last that happened."""
    event = happened.event
    by = f" by {event.who}" if event.who else ""
    star = "*" if current else " "
    level = f"  ({trust})" if trust and event.kind != "rejected" else ""  # a rejected one never was in the library
    return f"{star} {happened.at}  {event.version[:12]}  {event.kind}{by}: {event.why}{level}"


@click.command("rollback", cls=Command, short_help="Make an earlier version current.")
@operator_argument
@click.argument("version")
@reason_options
@service_options
@output_options
@click.pass_obj
def rollback(
    outcome: Outcome, /, name: str, version: str, why: str, who: str | None, as_json: bool, debug: bool, **flags: Any
) -> None:
    """Make VERSION of the operator NAME the one that plans use. The others stay, so there is a way forward again.

    VERSION is the beginning of a version, as `htn library history NAME` shows it, at least four digits.

    \b
    htn library rollback column_statistics 3f8a --why 'the newer one is slow'

    Exit codes: 0 done; 2 usage, such as a version that plans cannot use; 4 the version is damaged; 7 Redis does not
    answer.
    """
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        whole = agent.versions.rollback(name, version, who=person(who), why=why)
    _done(outcome, name, whole, "plans use")


@click.command("pin", cls=Command, short_help="Let nothing but one version be current.")
@operator_argument
@click.argument("version", default="current")
@reason_options
@service_options
@output_options
@click.pass_obj
def pin(
    outcome: Outcome, /, name: str, version: str, why: str, who: str | None, as_json: bool, debug: bool, **flags: Any
) -> None:
    """Make VERSION of the operator NAME current, and let nothing else become current until it is unpinned.

    Without VERSION it is the current one. A pinned version that breaks its contract is out of plans all the same.

    \b
    htn library pin column_statistics --why 'checked by hand'
    htn library pin column_statistics 3f8a --why 'checked by hand' --by ada

    Exit codes: 0 done; 2 usage; 4 the version is damaged; 7 Redis does not answer.
    """
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        whole = agent.versions.pin(name, version, who=person(who), why=why)
    _done(outcome, name, whole, "pinned to")


@click.command("unpin", cls=Command, short_help="Let other versions become current again.")
@operator_argument
@reason_options
@service_options
@output_options
@click.pass_obj
def unpin(outcome: Outcome, /, name: str, why: str, who: str | None, as_json: bool, debug: bool, **flags: Any) -> None:
    """Let other versions of the operator NAME become current again. Which one is current stays as it is.

    \b
    htn library unpin column_statistics --why 'a better one was learned'

    Exit codes: 0 done; 2 usage, such as a name that is not pinned; 7 Redis does not answer.
    """
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        whole = agent.versions.unpin(name, who=person(who), why=why)
    _done(outcome, name, whole, "no longer pinned to")


@click.command("retire", cls=Command, short_help="Take an operator out of plans for good.")
@operator_argument
@click.option("--force", is_flag=True, help="Although there is little evidence of what it is worth.")
@reason_options
@service_options
@output_options
@click.pass_obj
def retire(
    outcome: Outcome, /, name: str, force: bool, why: str, who: str | None, as_json: bool, debug: bool, **flags: Any
) -> None:
    """Take the current version of the operator NAME out of plans. It stays in the library, with its evidence.

    That needs evidence of what it is worth: five uses, or one that broke its contract.

    \b
    htn library retire column_statistics --why 'the table has another form since May'

    Exit codes: 0 done; 2 usage, such as too little evidence; 7 Redis does not answer.
    """
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        whole = agent.versions.retire(name, who=person(who), why=why, force=force)
    _done(outcome, name, whole, "retired")


@click.command("diff", cls=Command, short_help="Show how two versions differ, contract and code.")
@operator_argument
@click.argument("a")
@click.argument("b", default="current")
@service_options
@output_options
@click.pass_obj
def diff(outcome: Outcome, /, name: str, a: str, b: str, as_json: bool, debug: bool, **flags: Any) -> None:
    """Show how version B of the operator NAME differs from version A, as a unified diff of contract and code.

    Without B it is the current version.

    \b
    htn library diff column_statistics 3f8a
    htn library diff column_statistics 3f8a 91c0 --json

    Exit codes: 0 shown, also where they are the same; 2 usage; 4 a version is damaged; 7 Redis does not answer.
    """
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        one, other = (agent.versions.version(name, which) for which in (a, b))
        text = agent.versions.diff(name, one, other)
    outcome.document = {"a": one, "b": other, "diff": text}
    outcome.show(text or "contract and code are the same")


@click.command("compare", cls=Command, short_help="Run two versions on the inputs of earlier uses.")
@operator_argument
@click.argument("a")
@click.argument("b", default="current")
@click.option("--sandbox", metavar="NAME", help="Where bodies run: auto, docker, lockdown, wasm, or one installed.")
@service_options
@output_options
@click.pass_obj
def compare_versions(outcome: Outcome, /, name: str, a: str, b: str, as_json: bool, debug: bool, **flags: Any) -> None:
    """Run versions A and B of the operator NAME on the inputs of their last clean uses, in the sandbox.

    The table says for each input whether they do the same, and how long B takes, as a multiple of A. Without B it is
    the current version.

    \b
    htn library compare column_statistics 3f8a
    htn library compare column_statistics 3f8a 91c0 --json

    Exit codes: 0 compared, whatever came out; 2 usage, such as no recorded inputs; 4 a version is damaged; 7 Redis
    or the sandbox does not answer.
    """
    from executor.compare import compare  # noqa: PLC0415 - the other commands of the library should not wait for it

    with Agent(Settings.load(**flags)) as agent:
        one, other = (agent.versions.version(name, which) for which in (a, b))
        found = compare(agent.library, one, other, agent.sandbox, agent.settings.limits)
    outcome.document = found.to_json()
    outcome.show("\n".join(map(visible, _table(found))))


def _table(found: "Comparison") -> list[str]:
    ratio = "" if found.time_ratio is None else f", b takes {found.time_ratio:.2f} times as long as a"
    rows = [f"a {found.a[:12]}", f"b {found.b[:12]}"]
    for row in found.rows:
        rows.append(f"{row.result:9}  {row.arguments[:80]}{'  ' + row.detail if row.detail else ''}")
    counts = [f"{found.count(result)} {result}" for result in ("same", "different", "failed")]
    return [*rows, f"{', '.join(counts)} of {len(found.rows)}{ratio}"]


def _done(outcome: Outcome, name: str, version: str, what: str) -> None:
    outcome.document = {"name": name, "version": version, "done": what}
    outcome.show(visible(f"{name}  {what}  {version[:12]}"))


COMMANDS = (history, rollback, diff, retire, pin, unpin, compare_versions)
