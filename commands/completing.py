"""What the shell may put in for a word that is half typed.

It is asked while a person waits for the cursor, so it starts nothing: no server, no sandbox, no model. Where nothing
can be known it offers nothing. Of a domain it imports the file, which is Python.
"""

import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import click

from executor.load import bundled, load_domain
from htn.errors import HtnError

if TYPE_CHECKING:
    from executor.store import Store


def complete_domain(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the bundled domains that begin so."""
    return [name for name in bundled() if name.startswith(incomplete)]


def complete_task(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the tasks and actions of the domain that begin so, up to their arguments."""
    try:
        with redirect_stdout(sys.stderr):
            domain = load_domain(ctx.params.get("domain", ""))
    except HtnError:
        return []
    return [f"{head}(" for head in (*domain.methods, *domain.operators) if head.startswith(incomplete)]


def complete_sandbox(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the levels of the sandbox that begin so."""
    from executor.sandbox import sandbox_names  # noqa: PLC0415 - most commands need no sandbox

    return [name for name in sandbox_names() if name.startswith(incomplete)]


def complete_run(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the runs whose ids begin so."""
    return _of_the_store(_runs, incomplete)


def complete_operator(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the operators of the library that begin so, by name, or with their domain."""
    return _of_the_store(_operators, incomplete)


def _runs(store: "Store") -> Iterable[str]:
    from executor.runs import Runs  # noqa: PLC0415 - only completion needs them here

    return (run.id for run in Runs(store).list())


def _operators(store: "Store") -> Iterable[str]:
    from executor.library import Library  # noqa: PLC0415 - as above
    from executor.versions import Versions  # noqa: PLC0415 - as above

    rows = Versions(Library(store), store).listed()
    return sorted({name for row in rows for name in (row.name, f"{row.domain}.{row.name}")})


def _of_the_store(names: Callable[["Store"], Iterable[str]], incomplete: str) -> list[str]:
    from executor.settings import LIBRARY, Settings  # noqa: PLC0415 - as above
    from executor.store import open_running_store  # noqa: PLC0415 - as above

    try:
        settings = Settings.load(LIBRARY)
        store = open_running_store(redis_url=settings.redis_url, data_dir=settings.data_dir)
        if store is None:
            return []
        with store:
            return [name for name in names(store) if name.startswith(incomplete)]
    except HtnError:
        return []
