"""htn doctor."""

from dataclasses import asdict
from typing import Any

import click

from commands.options import model_options, note, output_options, service_options, write_json
from executor import doctor, settings


@click.command("doctor", short_help="Check Python, Redis, Docker, the image and the model.")
@click.option("--settings", "show_settings", is_flag=True, help="List every setting, its value and its source.")
@model_options
@service_options
@output_options
def command(*, show_settings: bool, as_json: bool, debug: bool, **flags: Any) -> int:
    """Check Python, Redis, Docker, the image and the model, and say for each what to do.

    \b
    htn doctor
    htn doctor --settings

    Exit code 7: something that plans, runs or learning need is missing.
    """
    values = settings.Settings.load(**flags)
    if show_settings:
        rows = settings.table(values, flags)
        if as_json:
            write_json([asdict(row) for row in rows])
        else:
            click.echo("\n\n".join(map(_setting, rows)))
        return 0
    checks = []
    for check in doctor.examine(values, note):
        checks.append(check)
        if not as_json:
            _show(check)
    if as_json:
        write_json([asdict(check) for check in checks])
    # Docker and its image have a fallback; Redis, some sandbox and the model have none.
    needed = [check for check in checks if check.name in ("Python", "Redis", "sandbox", "model")]
    return 0 if all(check.ok for check in needed) else 7


def _show(check: doctor.Check) -> None:
    sign, word = ("✓", "ok") if check.ok else ("✗", "missing")
    click.echo(f"{sign} {word:<8}{check.name:<8} {check.found}")
    if not check.ok:
        click.echo(f"{'':18}needed for {check.needed_for}")
    for hint in check.hints:
        click.echo(f"{'':18}hint: {hint}")


def _setting(row: settings.Row) -> str:
    names = ", ".join(row.environment)
    return f"{row.name} = {row.value or '(none)'}  [{row.source}]\n    {row.description}\n    {names}"
