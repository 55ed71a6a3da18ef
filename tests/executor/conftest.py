"""A real sandbox, a real embedded store, and a stand-in that speaks the protocol of a model's server."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from executor.library import Library
from executor.model.standin import StandIn
from executor.sandbox import PoolSettings, Sandbox, open_sandbox
from executor.store import Store, open_store
from tests.services import docker_answers, landlock_works, require_or_skip

Script = Callable[..., StandIn]

# What is warm for many tests does not come or go while one of them counts processes.
FOR_ALL_TESTS = PoolSettings(spares=0, idle_seconds=86_400)


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    """The sandbox that needs no engine, for everything that does not depend on the level."""
    require_or_skip("landlock", landlock_works())
    with open_sandbox(kind="lockdown", pool=FOR_ALL_TESTS) as opened:
        yield opened


@pytest.fixture(scope="session")
def docker_box() -> Iterator[Sandbox]:
    require_or_skip("docker", docker_answers())
    with open_sandbox(kind="docker", pool=FOR_ALL_TESTS) as opened:
        yield opened


@pytest.fixture(scope="session", params=["lockdown", pytest.param("docker", marks=pytest.mark.docker)])
def any_box(request: pytest.FixtureRequest) -> Sandbox:
    """Both levels, one after the other, for the few tests that show that they agree."""
    found: Sandbox = request.getfixturevalue("docker_box" if request.param == "docker" else "box")
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, because the path of a socket has to be short."""
    path = Path(tempfile.mkdtemp(prefix="htn-"))
    yield path
    # A process that was killed leaves its server behind, which would outlive the tests.
    for socket in path.rglob("redis.sock"):
        left = redis.Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0))
        with contextlib.suppress(redis.RedisError):
            left.shutdown(nosave=True)
        left.close()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with open_store(redis_url=None, data_dir=folder) as opened:
        yield opened


@pytest.fixture
def library(store: Store) -> Library:
    return Library(store)


@pytest.fixture
def script() -> Iterator[Script]:
    """Start a stand-in that gives these replies: to each form of question the next one of its list."""
    with ExitStack() as stack:

        def start(**replies: list[dict[str, Any]]) -> StandIn:
            answers = [{"when": {"schema": form}, "replies": given} for form, given in replies.items()]
            return stack.enter_context(StandIn({"answers": answers}))

        yield start
