"""Which sandbox one gets, what is said about it, and what is imported for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from executor.sandbox import Program, engine_status, image_status, open_sandbox
from executor.sandbox.inside.seccomp import filter_program
from executor.sandbox.source import runner_source
from executor.sandbox.wasm import wasm_version
from htn.errors import ServiceMissing, UsageError
from tests.services import require_or_skip


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")


@pytest.fixture
def deaf_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")


@pytest.mark.usefixtures("needs_docker")
@pytest.mark.docker
def test_where_an_engine_answers_bodies_run_in_containers() -> None:
    with open_sandbox() as sandbox:
        assert sandbox.level == "docker"


@pytest.mark.usefixtures("no_engine", "needs_landlock")
def test_where_none_answers_lockdown_is_taken_and_said_once() -> None:
    said: list[str] = []
    with open_sandbox(on_progress=said.append) as sandbox:
        assert sandbox.level == "lockdown"
        assert sandbox.call(Program("def body(): return 1", "body"), {}).value == 1
    assert len(said) == 1
    assert "no Docker engine answers" in said[0]
    assert sandbox.does_not_cover[0] in said[0]
    assert "start Docker" in said[0]


@pytest.mark.usefixtures("no_engine")
def test_asking_for_docker_never_gives_anything_else() -> None:
    with pytest.raises(ServiceMissing, match="no Docker engine answers") as caught:
        open_sandbox(kind="docker")
    assert "start Docker" in caught.value.hints[0]


@pytest.mark.usefixtures("needs_landlock")
def test_asking_for_lockdown_says_nothing_about_engines() -> None:
    said: list[str] = []
    with open_sandbox(kind="lockdown", on_progress=said.append) as sandbox:
        assert sandbox.level == "lockdown"
    assert said == []


def test_an_unknown_kind_is_a_usage_error_that_says_what_may_be_meant() -> None:
    with pytest.raises(UsageError, match="there is no sandbox 'lockdonw'") as caught:
        open_sandbox(kind="lockdonw")
    assert caught.value.hints[0] == "did you mean lockdown?"


@pytest.mark.usefixtures("no_engine")
def test_where_neither_works_webassembly_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    require_or_skip("wasm", bool(wasm_version()))
    monkeypatch.setattr("executor.sandbox.lockdown.landlock_version", lambda: 0)
    said: list[str] = []
    with open_sandbox(on_progress=said.append) as sandbox:
        assert sandbox.level == "wasm"
    assert len(said) == 1
    assert "no Docker engine answers" in said[0]
    assert sandbox.does_not_cover[0] in said[0]


@pytest.mark.usefixtures("no_engine")
def test_nothing_falls_back_to_a_level_without_a_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executor.sandbox.lockdown.landlock_version", lambda: 0)
    monkeypatch.setattr("executor.sandbox.wasm.sandbox.find_spec", lambda name: None)
    wasm_version.cache_clear()
    try:
        with pytest.raises(ServiceMissing, match="no sandbox can be had") as caught:
            open_sandbox()
    finally:
        wasm_version.cache_clear()
    for reason in ("no Docker engine answers", "landlock is not in this kernel", "pyeryx is not installed"):
        assert reason in caught.value.message


@pytest.mark.usefixtures("no_engine")
def test_the_status_of_no_engine_says_why_and_what_to_do() -> None:
    status = engine_status()
    assert not status.answering
    assert "no socket" in status.why
    assert "start Docker" in status.hint
    with pytest.raises(ServiceMissing):
        image_status()


@pytest.mark.usefixtures("deaf_engine")
def test_the_status_of_an_address_without_an_engine_says_so() -> None:
    assert "nobody listens" in engine_status().why


@pytest.mark.usefixtures("needs_docker")
@pytest.mark.docker
def test_the_status_of_an_engine_names_its_version() -> None:
    status = engine_status()
    assert status.answering
    assert status.version
    assert status.machine
    assert image_status("no-such-image:1").present is False


def test_importing_the_package_imports_no_client() -> None:
    code = "import sys, executor.sandbox\nprint([m for m in ('docker', 'requests', 'urllib3') if m in sys.modules])"
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_sent_into_a_sandbox_fits_into_one_argument() -> None:
    assert len(runner_source().encode()) < 131_072


def test_the_filter_knows_two_architectures_and_refuses_others() -> None:
    for machine in ("x86_64", "aarch64"):
        program = filter_program(machine)
        assert len(program) % 8 == 0
        assert len(program) // 8 < 4096
    with pytest.raises(OSError, match="riscv64"):
        filter_program("riscv64")
