"""Options and arguments that several commands share, and what they have in common."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from executor.load import bundled, load_domain
from htn.errors import HtnError

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _complete_domain(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in bundled() if name.startswith(incomplete)]


def _complete_task(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    try:
        domain = load_domain(ctx.params.get("domain", ""))
    except HtnError:
        return []
    return [f"{head}(" for head in (*domain.methods, *domain.operators) if head.startswith(incomplete)]


def domain_and_tasks(function: _Command) -> _Command:
    """Add the arguments DOMAIN and TASK..., and --state."""
    function = click.option(
        "--state",
        "state_file",
        type=click.Path(path_type=Path),
        help="A JSON file; the state variables in it replace the domain's own.",
    )(function)
    function = click.argument("tasks", metavar="TASK...", nargs=-1, required=True, shell_complete=_complete_task)(
        function
    )
    return click.argument("domain", shell_complete=_complete_domain)(function)


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
        click.option("--model", help="The language model, ollama:NAME."),
        click.option("--ollama-endpoint", help="Where the Ollama server listens, host:port."),
        click.option("--max-calls", type=click.IntRange(0), help="The most calls of the model."),
        click.option("--sandbox", type=click.Choice(["auto", "docker", "lockdown"]), help="Where bodies run."),
    ):
        function = option(function)
    return function


def output_options(function: _Command) -> _Command:
    """Add --json and --debug."""
    function = click.option("--debug", is_flag=True, help="Show tracebacks.")(function)
    return click.option("--json", "as_json", is_flag=True, help="Write the result as one JSON document.")(function)


def write_json(document: Any) -> None:
    """Write a result for programs."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def note(text: str) -> None:
    """Tell a person something that is not the result."""
    click.echo(f"note: {text}", err=True)


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show on a terminal that something takes longer than a second, and for how long it has."""
    if not sys.stderr.isatty():
        yield
        return
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
