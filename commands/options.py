"""Options and arguments that several commands share, and what they have in common."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any, TypeVar

import click

from commands.completing import complete_domain, complete_operator, complete_run, complete_sandbox, complete_task
from commands.output import FORMS, Outcome
from executor.load import line_of
from htn.errors import DomainError, told

TASKS_EPILOG = """\b
A TASK is a name and its arguments, in single quotes for the shell:
    'deliver(box, "Main Street 1", 3, [a, b])'
  box, "Main St 1"     texts; quotes where there is a space or a comma
  3, 2.5, true, null   numbers, booleans and nothing; "3" is a text
  [a, b], (a, b)       a list and a tuple"""

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Command(click.Command):
    """A command whose standard output holds its result and nothing else, and which only we can end."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        outcome = ctx.ensure_object(Outcome)
        try:
            with outcome.reserved():
                return super().invoke(ctx)
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:  # a domain's function called exit(), or raised what only Python itself may
            raise DomainError(f"code of the domain ended with {told(error)}", where=line_of(error)) from error


def domain_and_tasks(function: _Command) -> _Command:
    """Add the arguments DOMAIN and TASK..., and --state."""
    function = click.argument("tasks", metavar="TASK...", nargs=-1, required=True, shell_complete=complete_task)(
        _state_option(function)
    )
    return click.argument("domain", shell_complete=complete_domain)(function)


class NeededWithoutBatch(click.Argument):
    """An argument that must be given unless a batch is."""

    def value_is_missing(self, value: object) -> bool:
        """Say whether it should be there and is not."""
        context = click.get_current_context(silent=True)
        batch = context is not None and isinstance(context.params.get("batch"), Path)
        return super().value_is_missing(value) and not batch


def domain_and_tasks_or_batch(function: _Command) -> _Command:
    """Add the arguments DOMAIN and TASK..., --state, and instead of them --batch and --at-once."""
    for option in (
        click.argument("tasks", metavar="TASK...", nargs=-1, required=True, shell_complete=complete_task,
                       cls=NeededWithoutBatch),
        click.argument("domain", shell_complete=complete_domain, cls=NeededWithoutBatch),
        click.option("--at-once", type=click.IntRange(1, 256), help="How many runs of a batch are under way."),
        click.option("--batch", type=click.Path(path_type=Path), metavar="FILE", is_eager=True,
                     help="Instead of DOMAIN and TASK: a file with a request a line, in JSON."),
    ):  # fmt: skip
        function = option(function)
    return _state_option(function)


def domain_and_task(function: _Command) -> _Command:
    """Add the arguments DOMAIN and TASK, and --state."""
    function = click.argument("task", shell_complete=complete_task)(_state_option(function))
    return click.argument("domain", shell_complete=complete_domain)(function)


def _state_option(function: _Command) -> _Command:
    return click.option(
        "--state",
        "state_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A JSON file; the state variables in it replace the domain's own.",
    )(function)


def search_options(function: _Command) -> _Command:
    """Add the options that say when the search for a plan gives up."""
    for option in (
        click.option("--max-seconds", type=click.FloatRange(0, min_open=True), help="Give up a search after so long."),
        click.option(
            "--strategy",
            type=click.Choice(["depth-first", "best-first", "anytime"]),
            help="Take the first plan; the cheapest; or the cheapest that is found until a limit.",
        ),
        click.option("--max-expansions", type=click.IntRange(1), help="Give up a search after so many expansions."),
    ):
        function = option(function)
    return function


def run_argument(function: _Command) -> _Command:
    """Add the argument RUN."""
    return click.argument("run_id", metavar="RUN", shell_complete=complete_run)(function)


def operator_argument(function: _Command) -> _Command:
    """Add the argument NAME: an operator of the library."""
    return click.argument("name", shell_complete=complete_operator)(function)


def approval_option(function: _Command) -> _Command:
    """Add the option that says what a person has to approve."""
    return click.option(
        "--approve",
        type=click.Choice(["never", "admit", "always"]),
        help="What a person approves: nothing; what is admitted to the library; and also code before its first run.",
    )(function)


def service_options(function: _Command) -> _Command:
    """Add the options that say which services are used."""
    for option in (
        click.option("--redis-url", help="The Redis server, host:port; by default an embedded one."),
        click.option("--data-dir", type=click.Path(path_type=Path), help="The folder of the embedded Redis server."),
    ):
        function = option(function)
    return function


def model_options(function: _Command) -> _Command:
    """Add the options that say which model and which sandbox are used."""
    for option in (
        click.option("--model", help="The language model: ollama:NAME, openai:NAME or anthropic:NAME."),
        click.option("--ollama-endpoint", help="Where the Ollama server listens, host:port."),
        click.option("--max-calls", type=click.IntRange(0), help="The most calls of the model."),
        click.option("--max-tokens", type=click.IntRange(0), help="The most tokens, of all models together."),
        click.option("--max-cost", type=click.FloatRange(0), help="The most money, in the currency of the prices."),
        click.option("--max-model-seconds", type=click.FloatRange(0), help="The most seconds of all calls together."),
    ):
        function = option(function)
    return sandbox_option(function)


def sandbox_option(function: _Command) -> _Command:
    """Add the option that says which sandbox is used."""
    return click.option(
        "--sandbox",
        metavar="NAME",
        shell_complete=complete_sandbox,
        help="Where bodies run: auto, docker, lockdown, wasm, local (no sandbox), or one that is installed.",
    )(function)


def output_options(function: _Command) -> _Command:
    """Add --json, --format and --debug; what they mean for the result is in `commands.output`."""
    for option in (
        click.option("--debug", is_flag=True, help="Show tracebacks."),
        click.option(
            "--format",
            "form",
            type=click.Choice(FORMS),
            expose_value=False,
            is_eager=True,
            callback=_take_form,
            help="Write the whole result as plain text, JSON or Markdown.",
        ),
        click.option(
            "--json", "as_json", is_flag=True, callback=_is_json, help="Write the result as one JSON document."
        ),
    ):
        function = option(function)
    return function


def _take_form(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value:
        ctx.ensure_object(Outcome).form = value


def _is_json(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    outcome = ctx.ensure_object(Outcome)
    outcome.command = ctx.command_path
    if value and outcome.form not in ("", "json"):
        raise click.UsageError(f"--json is --format json, and --format {outcome.form} was asked for, too", ctx)
    outcome.form = "json" if value else outcome.form
    return outcome.as_json


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show on a terminal that something takes longer than a second, and for how long it has."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - as above

    progress = Progress(
        SpinnerColumn(), TextColumn(text), TimeElapsedColumn(), console=Console(stderr=True), transient=True
    )
    progress.add_task(text)
    late = Timer(1.0, progress.start)
    late.start()
    try:
        yield
    finally:
        late.cancel()
        late.join()
        progress.stop()
