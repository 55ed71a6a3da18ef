"""htn library."""

from typing import Any

import click

from commands.options import output_options, service_options, write_json
from executor.agent import Agent
from executor.library import Entry
from executor.settings import Settings


@click.group("library", short_help="List and show what was learned.")
def command() -> None:
    """Look at the operators that were learned, and at the evidence for them."""


@command.command("list")
@service_options
@output_options
def list_entries(as_json: bool, debug: bool, **flags: Any) -> None:  # debug is read by the group
    """List the operators, with their trust and version."""
    with Agent(Settings.load(**flags)) as agent:
        entries = agent.library.entries()
    if as_json:
        write_json([{"name": f"{e.domain}.{e.name}", "version": e.version, "trust": t} for e, t in entries])
        return
    if not entries:
        click.echo("the library is empty", err=True)
    for entry, trust in entries:
        click.echo(f"{entry.domain}.{entry.name}  {trust}  {entry.version[:12]}  {entry.promise().description}")


@command.command("show")
@click.argument("name")
@service_options
@output_options
def show_entry(name: str, as_json: bool, debug: bool, **flags: Any) -> None:  # as above
    """Show the contract, the code and the evidence of the operator NAME."""
    with Agent(Settings.load(**flags)) as agent:
        entry, trust = agent.library.find(name)
        evidence = agent.library.evidence(entry.version)
        versions = agent.library.versions(entry.domain, entry.name)
    if as_json:
        document = entry.model_dump(mode="json") | {"version": entry.version, "trust": trust}
        write_json(document | {"evidence": evidence, "versions": versions})
        return
    click.echo(_readable(entry, trust, evidence, versions))


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
        *(f"  {line}" for line in entry.code.strip().splitlines()),
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
            rows += [f"        {line}" for line in counterexample.splitlines()]
    return "\n".join(rows)
