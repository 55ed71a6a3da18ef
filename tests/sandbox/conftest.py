"""Every test of behaviour runs at several levels.

Without more, that is in containers and under lockdown, whose processes can be looked at. A module that says
`LEVELS = EVERYWHERE` is about what bodies and callers see, and runs at the wasm and the local level too.
"""

import os
from collections.abc import Callable, Iterator
from textwrap import dedent

import pytest

from executor.sandbox import (
    JSON,
    Kind,
    Outcome,
    PoolSettings,
    Program,
    Sandbox,
    SandboxLimits,
    open_sandbox,
)
from executor.sandbox.engine import connect
from executor.sandbox.image import CONTENT_LABEL
from executor.sandbox.wasm import wasm_version
from tests.services import docker_answers, landlock_works, require_or_skip

Run = Callable[..., Outcome]
DOCKER = pytest.param("docker", marks=pytest.mark.docker)
PROCESSES = (DOCKER, "lockdown")
EVERYWHERE = (DOCKER, "lockdown", "wasm", "local")

A_DAY = 86_400.0
# What is warm for many tests does not come or go while one of them counts processes.
FOR_ALL_TESTS = PoolSettings(spares=0, idle_seconds=A_DAY)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "level" in metafunc.fixturenames:
        levels = getattr(metafunc.module, "LEVELS", PROCESSES)
        metafunc.parametrize("level", levels, indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine_answers() -> Iterator[bool]:
    """Whether there is an engine; at the end, it keeps no nameless image that tests rebuilt."""
    answering = docker_answers()
    yield answering
    if answering:
        client = connect(30).client
        client.images.prune(filters={"dangling": True, "label": CONTENT_LABEL})
        client.close()


@pytest.fixture(scope="session")
def needs_docker(engine_answers: bool) -> None:
    require_or_skip("docker", engine_answers)


@pytest.fixture(scope="session")
def needs_landlock() -> None:
    require_or_skip("landlock", landlock_works())


@pytest.fixture(scope="session")
def level(request: pytest.FixtureRequest, engine_answers: bool) -> Kind:
    kind: Kind = request.param
    if kind == "docker":
        require_or_skip("docker", engine_answers)
    if kind == "lockdown":
        require_or_skip("landlock", landlock_works())
    if kind == "wasm":
        require_or_skip("wasm", bool(wasm_version()))
    return kind


@pytest.fixture(scope="session")
def sandbox(level: Kind) -> Iterator[Sandbox]:
    """One sandbox per level for all tests that do not break it."""
    os.environ["HTN_TEST_SECRET"] = "a-secret-of-the-host-31415926"
    with open_sandbox(kind=level, pool=FOR_ALL_TESTS) as opened:
        yield opened


@pytest.fixture
def own_sandbox(level: Kind) -> Iterator[Sandbox]:
    """A sandbox with one supervisor at a time, that the test may break."""
    with open_sandbox(kind=level, pool=PoolSettings(size=1, spares=0, idle_seconds=A_DAY)) as opened:
        yield opened


@pytest.fixture(scope="session")
def run(sandbox: Sandbox) -> Run:
    """Run the function `body` of some code in the shared sandbox."""

    def run_body(
        code: str,
        *,
        seconds: float = 5.0,
        hash_seed: int = 0,
        clock: float | None = None,
        **arguments: JSON,
    ) -> Outcome:
        return sandbox.call(
            Program(dedent(code), "body"),
            arguments,
            limits=SandboxLimits(seconds=seconds),
            hash_seed=hash_seed,
            clock=clock,
        )

    return run_body
