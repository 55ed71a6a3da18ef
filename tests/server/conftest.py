"""Services for tests: one that most share, and others with settings of their own."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from executor.model.standin import StandIn
from tests.server.running import Running
from tests.services import landlock_works, require_or_skip

Serve = Callable[..., Running]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start services that no other test shares; `answers` are those of a stand-in for the model."""
    require_or_skip("landlock", landlock_works())
    with ExitStack() as stack:

        def started(*, answers: list[dict[str, Any]] | None = None, **settings: Any) -> Running:
            folder = Path(tempfile.mkdtemp(prefix="htn-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            if answers is not None:
                standin = stack.enter_context(StandIn({"answers": answers}))
                settings["ollama_endpoint"] = standin.endpoint
            return stack.enter_context(Running(folder, **settings))

        yield started


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """A service that the tests of a module share. No model answers."""
    require_or_skip("landlock", landlock_works())
    folder = Path(tempfile.mkdtemp(prefix="htn-"))
    with Running(folder) as service:
        yield service
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with a short path, because the path of a socket has to be short."""
    require_or_skip("landlock", landlock_works())
    path = Path(tempfile.mkdtemp(prefix="htn-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)
