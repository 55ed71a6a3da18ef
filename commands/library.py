"""htn library: list and show. What is done with versions is in `versions`, with files in `exchange`."""

from collections.abc import Sequence
from typing import Any

import click

from commands import exchange, similar, versions
from commands.options import Command, operator_argument, output_options, service_options
from commands.output import Outcome, tell
from executor.agent import Agent
from executor.asserted import KeptTest
from executor.entry import Entry
from executor.review import evidence_lines
from executor.settings import LIBRARY, Settings
from executor.versions import Listed
from htn.errors import visible

_MOST_SAID = 500  # characters of a line of evidence; --json has all that is kept


@click.group("library", short_help="What was learned: list, show, go back, pin, export, compare.")
def command() -> None:
    """Look at the operators that were learned, and at the evidence for them.

    \b
    htn library list
    htn library show column_statistics
    htn library history column_statistics
    htn library rollback column_statistics VERSION --why 'the newer one is slow'
    htn library export column_statistics column_statistics.py
    htn library similar "the median of a column"
    """


for _each in (*versions.COMMANDS, *exchange.COMMANDS, *similar.COMMANDS):
    command.add_command(_each)


@command.command("list", cls=Command)
@service_options
@output_options
@click.pass_obj
def list_entries(outcome: Outcome, /, as_json: bool, debug: bool, **flags: Any) -> None:  # debug is read by the group
    """List the operators, with their trust and version.

    \b
    htn library list
    htn library list --json

    An entry that is damaged is listed as that, with what to do.

    Exit codes: 0 listed, also when there are none; 2 usage; 7 Redis does not answer.
    """
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        rows = agent.versions.listed()
    outcome.document = [row.to_json() for row in rows]
    if not rows and not as_json:
        tell("the library is empty")
    for row in rows:
        outcome.show(visible(f"{row.domain}.{row.name}  {row.trust}  {row.version[:12]}  {row.description}".rstrip()))
        if row.problem:
            outcome.show(visible(f"  damaged: {row.problem}"))
            outcome.show(visible(f"  hint: {row.remedy}"))


@command.command("show", cls=Command, short_help="Show contract, code and evidence of an operator.")
@operator_argument
@service_options
@output_options
@click.pass_obj
def show_entry(outcome: Outcome, /, name: str, as_json: bool, debug: bool, **flags: Any) -> None:  # as above
    """Show the contract, the code and the evidence of the operator NAME.

    NAME is the operator's, or DOMAIN.NAME where several domains have one of that name.

    \b
    htn library show column_statistics
    htn library show reports.column_statistics --json

    Exit codes: 0 shown, also when the entry is damaged: then what is wrong and what to do; 2 usage, such as a name
    that the library does not have; 7 Redis does not answer.
    """
    with Agent(Settings.load(LIBRARY, **flags)) as agent:
        row = agent.versions.one(name)
        versions = agent.library.versions(row.domain, row.name)
        if row.problem:
            outcome.document = row.to_json() | {"versions": versions}
            outcome.show(_damaged(row, versions))
            return
        entry = agent.library.entry(row.version)
        evidence, uses = agent.library.evidence(row.version), agent.library.uses(row.version)
        pinned = agent.library.pinned(row.domain, row.name)
        dependents = [f"{e.name} {e.version}" for e, _ in agent.versions.dependents(f"{row.domain}.{row.name}")]
        counterexamples = [each.to_json() for each in agent.library.counterexamples(row.domain, row.name)]
        tests = agent.library.tests(row.version)
    document = entry.model_dump(mode="json") | {"version": entry.version, "trust": row.trust, "pinned": pinned}
    more = {"evidence": evidence, "versions": versions, "uses": uses, "dependents": dependents}
    more["counterexamples"] = counterexamples
    more["tests"] = [test.to_json() for test in tests]
    outcome.document = document | more
    outcome.show(_readable(entry, row.trust, evidence, versions, uses, dependents, _told(tests, len(counterexamples))))


def _told(tests: Sequence[KeptTest], counterexamples: int) -> str:
    """Return how many tests are kept, by who asserts them; one that the user wrote counts as the user's."""
    from executor.validate import USER  # noqa: PLC0415 - it brings the ladder, which a list needs nothing of

    mine = sum(USER in test.origin for test in tests)
    writers = sorted({name for test in tests for name in test.origin if name != USER})
    rows = [
        f"{mine} of the user's" if mine else "",
        f"{len(tests) - mine} of writers ({', '.join(writers)})" if len(tests) > mine else "",
        f"{counterexamples} on which some version was wrong" if counterexamples else "",
    ]
    return ", ".join(row for row in rows if row)


def _damaged(row: Listed, versions: list[str]) -> str:
    rows = [f"{row.domain}.{row.name}  {row.trust}  damaged", f"version   {row.version}", f"versions  {len(versions)}"]
    return "\n".join(map(visible, [*rows, f"problem   {row.problem}", f"hint: {row.remedy}"]))


def _readable(
    entry: Entry,
    trust: str,
    evidence: list[dict[str, Any]],
    versions: list[str],
    uses: int = 0,
    dependents: Sequence[str] = (),
    tests: str = "",
) -> str:
    origin, packages = entry.provenance, entry.lock or entry.packages
    rows = [
        f"{entry.domain}.{entry.name}  {trust}",
        f"version   {entry.version}",
        f"versions  {len(versions)}",
        f"learned   {origin.created} for {origin.task}",
        f"from      {origin.model} in {origin.calls} calls, repairs: {origin.repairs}, prompts {origin.prompts}",
        f"seconds   {', '.join(f'{stage} {seconds:.2f}' for stage, seconds in origin.seconds.items())}",
        *([f"on        {origin.runs_on}"] if origin.runs_on else []),
        *([f"packages  {', '.join(packages)}"] if packages else []),
        *([f"uses      {uses}, and it kept its contract"] if uses else []),
        *([f"tests     {tests}"] if tests else []),
        *(
            [f"names     {', '.join(f'{n} {v[:12]}' for n, v in entry.dependencies.items())}"]
            if entry.dependencies
            else []
        ),
        *([f"named by  {', '.join(d[:-52] for d in dependents)}"] if dependents else []),
        "",
        "contract",
        *(f"  {line}" for line in entry.promise().lines()),
        "",
        f"body ({entry.language})",
        *(f"  {line}" for line in entry.code.expandtabs().strip().split("\n")),
        "",
        "evidence",
        *(f"  {line[:_MOST_SAID]}{' …' if len(line) > _MOST_SAID else ''}" for line in evidence_lines(evidence)),
    ]
    return "\n".join(map(visible, rows))
