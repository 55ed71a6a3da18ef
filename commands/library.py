"""htn library."""

from typing import Any

import click

from commands.options import Command, output_options, service_options
from commands.output import Outcome, tell
from executor.agent import Agent
from executor.library import Entry
from executor.settings import LIBRARY, Settings
from htn.errors import visible


@click.group("library", short_help="List and show what was learned.")
def command() -> None:
    """Look at the operators that were learned, and at the evidence for them.

    \b
    htn library list
    htn library show column_statistics
    """


@command.command("list", cls=Command)
@service_options
@output_options
@click.pass_obj
def list_entries(outcome: Outcome, /, as_json: bool, debug: bool, **flags: Any) -> None:  # debug is read by the group
    """List the operators, with their trust and version.

    \b
    htn library list
    htn library list --json

    Exit codes: 0 listed, also when there are none; 2 usage; 4 an entry is damaged; 7 Redis does not answer.
    """
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        entries = agent.library.entries()
    outcome.document = [{"name": f"{e.domain}.{e.name}", "version": e.version, "trust": t} for e, t in entries]
    if not entries and not as_json:
        tell("the library is empty")
    for entry, trust in entries:
        outcome.show(
            visible(f"{entry.domain}.{entry.name}  {trust}  {entry.version[:12]}  {entry.promise().description}")
        )


@command.command("show", cls=Command)
@click.argument("name")
@service_options
@output_options
@click.pass_obj
def show_entry(outcome: Outcome, /, name: str, as_json: bool, debug: bool, **flags: Any) -> None:  # as above
    """Show the contract, the code and the evidence of the operator NAME.

    NAME is the operator's, or DOMAIN.NAME where several domains have one of that name.

    \b
    htn library show column_statistics
    htn library show reports.column_statistics --json

    Exit codes: 0 shown; 2 usage, such as a name that the library does not have; 4 the entry is damaged;
    7 Redis does not answer.
    """
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        entry, trust = agent.library.find(name)
        evidence = agent.library.evidence(entry.version)
        versions = agent.library.versions(entry.domain, entry.name)
    document = entry.model_dump(mode="json") | {"version": entry.version, "trust": trust}
    outcome.document = document | {"evidence": evidence, "versions": versions}
    outcome.show(_readable(entry, trust, evidence, versions))


def _readable(entry: Entry, trust: str, evidence: list[dict[str, Any]], versions: list[str]) -> str:
    origin = entry.provenance
    rows = [
        f"{entry.domain}.{entry.name}  {trust}",
        f"version   {entry.version}",
        f"versions  {len(versions)}",
        f"learned   {origin.created} for {origin.task}",
        f"from      {origin.model} in {origin.calls} calls, repairs: {origin.repairs}, prompts {origin.prompts}",
        f"seconds   {', '.join(f'{stage} {seconds:.2f}' for stage, seconds in origin.seconds.items())}",
        "",
        "contract",
        *(f"  {line}" for line in entry.promise().lines()),
        "",
        f"body ({entry.language})",
        *(f"  {line}" for line in entry.code.expandtabs().strip().split("\n")),
        "",
        "evidence",
    ]
    attempt = None
    for record in evidence:
        if record.get("attempt") != attempt:
            attempt = record.get("attempt")
            rows.append(f"  attempt {attempt}" if attempt else "  in use")
        sign = "✓" if record["passed"] else "✗"
        trials = f"  ({record['trials']} trials, {record.get('sandbox')})" if record.get("trials") else ""
        rows.append(f"    {sign} rung {record['rung']}, {record['name']}: {record['detail']}{trials}")
        counterexample = record.get("counterexample")
        if isinstance(counterexample, str):
            rows += [f"        {line}" for line in counterexample.split("\n")]
    return "\n".join(map(visible, rows))
