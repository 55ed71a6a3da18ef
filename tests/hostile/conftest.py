"""A sandbox for each level, the host that it must keep away from, and the account of what was seen."""

import os
from collections.abc import Callable, Iterator
from functools import cache, partial

import pytest

from executor.sandbox import JSON, Kind, PoolSettings, Sandbox, open_sandbox
from executor.sandbox.engine import connect
from executor.sandbox.orphans import OWNER_LABEL, labels_of_this_process
from executor.sandbox.wasm import wasm_version
from tests.hostile.host import SECRET, Host, open_host
from tests.hostile.judge import Seen, is_right, probe, runs
from tests.services import build_language_images, docker_answers, landlock_works, require_or_skip

# A level that is added here joins the suite and gets a column in the table.
LEVELS = [pytest.param("docker", marks=pytest.mark.docker), pytest.param("lockdown")]
if wasm_version():  # else the tests of that level in tests/sandbox say what is missing
    LEVELS.append(pytest.param("wasm"))
_NEEDS: dict[str, tuple[str, Callable[[], bool]]] = {
    "docker": ("docker", docker_answers),
    "lockdown": ("landlock", landlock_works),
}


@pytest.fixture(scope="package")
def account() -> dict[str, dict[str, Seen]]:
    """What was seen in this run, by level and program."""
    return {}


@pytest.fixture(scope="package", params=LEVELS)
def level(request: pytest.FixtureRequest) -> Kind:
    """The level that is attacked."""
    named: Kind = request.param
    if named in _NEEDS:
        service, answers = _NEEDS[named]
        require_or_skip(service, answers())
    return named


@pytest.fixture(scope="package")
def sandbox(level: Kind) -> Iterator[Sandbox]:
    """One warm sandbox for all programs: what one leaves behind, the next would find."""
    os.environ["HTN_TEST_SECRET"] = SECRET
    if level == "docker":
        build_language_images()
    with open_sandbox(kind=level, pool=PoolSettings(size=1, spares=0, idle_seconds=86_400)) as opened:
        yield opened


@pytest.fixture(scope="package")
def languages(sandbox: Sandbox) -> Callable[[str], bool]:
    """Whether the sandbox runs a language; each is tried once."""
    return cache(partial(runs, sandbox))


@pytest.fixture(scope="package")
def right(sandbox: Sandbox) -> JSON:
    """What an ordinary call answers before anything hostile has run."""
    first = probe(sandbox)
    assert is_right(first), first
    return first


@pytest.fixture(scope="package")
def host(level: Kind, right: JSON) -> Iterator[Host]:
    """This machine, with things to attack; it is looked at when the sandbox is warm."""
    assert right is not None
    if level != "docker":
        with open_host(lambda: 0) as opened:
            yield opened
        return
    client = connect(30).client
    mine = f"{OWNER_LABEL}={labels_of_this_process()[OWNER_LABEL]}"
    folder = str(client.info()["DockerRootDir"])
    try:
        with open_host(lambda: len(client.api.containers(all=True, filters={"label": mine})), folder) as opened:
            yield opened
    finally:
        client.close()


@pytest.fixture(scope="package")
def before(host: Host, languages: Callable[[str], bool]) -> Callable[[str], dict[str, int | list[str]]]:
    """The host before the first program of a language: a sandbox keeps something warm for each language."""

    @cache
    def look(language: str) -> dict[str, int | list[str]]:
        assert language == "python" or languages(language)
        return host.look()

    return look
