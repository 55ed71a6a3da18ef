"""htn doctor."""

from dataclasses import asdict
from typing import Any

import click

from commands.options import Command, model_options, output_options, service_options
from commands.output import Outcome, note
from executor import doctor, settings
from htn.errors import visible


@click.command("doctor", cls=Command, short_help="Check Python, Redis, Docker, the image and the model.")
@click.option("--settings", "show_settings", is_flag=True, help="List every setting, its value and its source.")
@model_options
@service_options
@output_options
@click.pass_obj
def command(outcome: Outcome, /, *, show_settings: bool, as_json: bool, debug: bool, **flags: Any) -> int:
    """Check Python, Redis, Docker, the image and the model, and say for each what to do.

    \b
    htn doctor
    htn doctor --settings

    Exit codes: 0 all is there; 2 usage, such as a setting that cannot be used; 7 something that plans, runs or
    learning need is missing.
    """
    values = settings.Settings.load(**flags)
    if show_settings:
        rows = settings.table(values, flags)
        outcome.document = [asdict(row) for row in rows]
        outcome.show("\n\n".join(map(_setting, rows)))
        return 0
    checks = []
    for check in doctor.examine(values, note):
        checks.append(check)
        outcome.show(_check(check))
    outcome.document = [asdict(check) for check in checks]
    # Docker and its image have a fallback; Redis, some sandbox and the model have none.
    needed = [check for check in checks if check.name in ("Python", "Redis", "sandbox", "model")]
    return 0 if all(check.ok for check in needed) else 7


def _check(check: doctor.Check) -> str:
    sign, word = ("✓", "ok") if check.ok else ("✗", "missing")
    rows = [f"{sign} {word:<8}{check.name:<8} {check.found}"]
    if not check.ok:
        rows.append(f"{'':18}needed for {check.needed_for}")
    rows += [f"{'':18}hint: {hint}" for hint in check.hints]
    return "\n".join(map(visible, rows))


def _setting(row: settings.Row) -> str:
    names = ", ".join(row.environment)
    rows = (f"{row.name} = {row.value or '(none)'}  [{row.source}]", f"    {row.description}", f"    {names}")
    return "\n".join(map(visible, rows))
