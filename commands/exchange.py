"""htn library export and import."""

from pathlib import Path
from typing import Any

import click

from commands.options import Command, output_options, service_options
from commands.output import Outcome
from commands.versions import person, reason_options
from executor.agent import Agent
from executor.settings import Settings
from htn.errors import UsageError, visible


@click.command("export", cls=Command, short_help="Write operators to a Python file or a JSON bundle.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--version", "beginning", default="current", metavar="VERSION", help="Another version than the current.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@service_options
@output_options
@click.pass_obj
def export(
    outcome: Outcome, /, names: tuple[str, ...], file: Path, beginning: str, force: bool, as_json: bool, debug: bool,
    **flags: Any,
) -> None:  # fmt: skip
    """Write the operator NAME to FILE.py, or several operators to FILE.json with their evidence.

    The Python file is a domain that has the operator; its function `add_to` puts it into another domain.

    \b
    htn library export column_statistics column_statistics.py
    htn library export column_statistics order_total bundle.json

    Exit codes: 0 written; 2 usage, such as a file that is there; 4 the entry is damaged; 7 Redis does not answer.
    """
    if file.suffix not in (".py", ".json"):
        raise UsageError(f"{file} is neither a .py nor a .json file", hints=("htn library export NAME FILE.py",))
    if file.suffix == ".py" and len(names) > 1:
        raise UsageError("a Python file holds one operator", hints=("write several to a .json file",))
    from executor.exchange import as_bundle, as_python, carried  # noqa: PLC0415 - the other commands of the library should not wait for it

    with Agent(Settings.load({"redis_url", "data_dir"}, **flags)) as agent:
        rows = [carried(agent.library, agent.versions.version(name, beginning)) for name in names]
    text = as_python(rows[0]) if file.suffix == ".py" else as_bundle(rows)
    try:
        with file.open("w" if force else "x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError as error:
        raise UsageError(f"there is a file {file} already", hints=("to write over it: --force",)) from error
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error
    written = [{"name": f"{r.entry.domain}.{r.entry.name}", "version": r.version} for r in rows]
    outcome.document = {"file": str(file), "entries": written}
    for row in written:
        outcome.show(visible(f"{row['name']}  {row['version'][:12]}  {file}"))


@click.command("import", cls=Command, short_help="Bring in operators that were exported.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--anew", is_flag=True, help="Run the checks of the ladder here, in the sandbox.")
@click.option("--sandbox", metavar="NAME", help="Where bodies run: auto, docker, lockdown, wasm, or one installed.")
@reason_options
@service_options
@output_options
@click.pass_obj
def import_file(
    outcome: Outcome, /, file: Path, anew: bool, why: str, who: str | None, as_json: bool, debug: bool, **flags: Any
) -> None:
    """Bring the operators in FILE, which `htn library export` wrote, into the library.

    A Python file is read and not run. Every part is checked before anything is written. What comes in is on probation
    at most: evidence of elsewhere does not count; with --anew it is gathered here. Where plans use a version already,
    they go on with it. A file that `run` or `learn` has written here, because Redis did not answer when something was
    to be admitted, comes in with its evidence, at the level that it would have had.

    \b
    htn library import column_statistics.py --why 'from the other team'
    htn library import bundle.json --anew --why 'from the other team'

    Exit codes: 0 brought in; 2 usage, such as a file that breaks a rule; 7 Redis or the sandbox does not answer.
    """
    from executor.exchange import bring_in, read_file  # noqa: PLC0415 - as above
    from executor.unadmitted import is_ours  # noqa: PLC0415 - as above

    rows = read_file(file)
    with Agent(Settings.load(**flags)) as agent:
        sandbox = (lambda: agent.sandbox) if anew else None
        here, ours = agent.settings, is_ours(agent.settings.data_dir, file)
        found = [
            bring_in(
                agent.library, row, who=person(who), why=why, sandbox=sandbox, limits=here.limits,
                packages=here.packages.allowed, ours=ours,
            )
            for row in rows
        ]  # fmt: skip
    outcome.document = [each.to_json() for each in found]
    for each in found:
        outcome.show(visible(f"{each.domain}.{each.name}  {each.trust}  {each.version[:12]}"))
        if each.note:
            outcome.show(visible(f"  {each.note}"))


COMMANDS = (export, import_file)
