"""The engine fails us: it restarts, it is killed, its disk is full, somebody else touches our containers."""

import json
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from executor.sandbox import Fence, Outcome, PoolSettings, Program, SandboxLimits, open_sandbox
from executor.sandbox.container import DockerSandbox
from executor.sandbox.engine import Engine, connect
from executor.sandbox.hardening import hardening
from executor.sandbox.image import image_status
from htn.errors import ServiceMissing
from tests.sandbox.own_engine import OwnEngine, can_be_started
from tests.sandbox.processes import PATIENCE, until
from tests.services import require_or_skip

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("needs_docker")]

ONE = Program("def body(): return 1", "body")
SLEEP = Program("import time\ndef body():\n    time.sleep(60)", "body")
LONG = SandboxLimits(seconds=60)


@pytest.fixture
def engine() -> Iterator[Engine]:
    connected = connect(30)
    yield connected
    connected.client.close()


@pytest.fixture
def own_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnEngine]:
    require_or_skip("own engine", can_be_started())
    own = OwnEngine(megabytes=700)
    monkeypatch.setenv("DOCKER_HOST", own.host)
    try:
        own.start()
        yield own
    finally:
        own.remove()


def docker_sandbox(**pool: float) -> DockerSandbox:
    opened = open_sandbox(kind="docker", pool=PoolSettings(**pool))  # type: ignore[arg-type]
    assert isinstance(opened, DockerSandbox)
    return opened


def containers_of(engine: Engine) -> set[str]:
    return {str(each.id) for each in engine.client.containers.list(all=True, ignore_removed=True)}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_an_engine_may_restart_while_containers_are_warm(own_engine: OwnEngine, how: signal.Signals) -> None:
    with docker_sandbox(size=1) as sandbox:
        sandbox.call(ONE, {})
        sandbox.call(ONE, {})
        until(lambda: sandbox.warm == 2)
        own_engine.stop(how)
        until(lambda: not any(each.wire.alive() for each in sandbox._pool.running()))
        for _ in range(2):
            with pytest.raises(ServiceMissing) as caught:
                sandbox.call(ONE, {})
            assert "Docker failed while starting a container" in caught.value.message
            assert caught.value.hints
        own_engine.start()
        assert sandbox.call(ONE, {}).value == 1
        mine = set(sandbox.containers())
        engine = connect(30)
        until(lambda: containers_of(engine) <= {*mine, *sandbox.containers()})
    assert containers_of(engine) == set()
    engine.client.close()


def test_an_engine_that_is_killed_within_a_call_is_an_outcome_and_the_next_call_works(own_engine: OwnEngine) -> None:
    with docker_sandbox(size=1, spares=0) as sandbox:
        sandbox.call(ONE, {})
        outcomes: list[Outcome] = []
        caller = threading.Thread(target=lambda: outcomes.append(sandbox.call(SLEEP, {}, limits=LONG)))
        caller.start()
        time.sleep(0.5)
        own_engine.stop(signal.SIGKILL)
        caller.join(PATIENCE)
        assert outcomes
        assert outcomes[0].problem is not None
        assert outcomes[0].problem.category == "environment"
        own_engine.start()
        assert sandbox.call(ONE, {}).value == 1
        engine = connect(30)
        assert containers_of(engine) == set(sandbox.containers())
        engine.client.close()


def test_a_full_disk_is_said_and_the_next_call_works_when_there_is_room(own_engine: OwnEngine) -> None:
    with docker_sandbox(size=1, spares=0) as sandbox:
        own_engine.fill()
        with pytest.raises(ServiceMissing) as caught:
            sandbox.call(ONE, {})
        assert "no space left" in caught.value.message
        assert any("make room" in hint for hint in caught.value.hints)
        own_engine.make_room()
        assert sandbox.call(ONE, {}).value == 1
        own_engine.fill()
        assert sandbox.call(ONE, {}).value == 1  # what runs needs no disk
        own_engine.make_room()
        engine = connect(30)
        assert containers_of(engine) == set(sandbox.containers())
        engine.client.close()


def test_an_idle_container_that_somebody_removed_is_replaced_unnoticed(engine: Engine) -> None:
    with docker_sandbox(size=1, spares=0) as sandbox:
        sandbox.call(ONE, {})
        (container,) = sandbox.containers()
        engine.client.api.remove_container(container, force=True)
        assert sandbox.call(ONE, {}).value == 1
        assert container not in sandbox.containers()


def test_an_idle_container_that_somebody_paused_is_found_out_and_removed(engine: Engine) -> None:
    with docker_sandbox(size=1, spares=0, check_seconds=0) as sandbox:
        sandbox.call(ONE, {})
        (container,) = sandbox.containers()
        engine.client.api.pause(container)
        assert sandbox.call(ONE, {}).value == 1
        assert container not in containers_of(engine)


def test_a_container_that_is_removed_within_a_call_is_an_outcome(engine: Engine) -> None:
    with docker_sandbox(size=1, spares=0) as sandbox:
        sandbox.call(ONE, {})
        outcomes: list[Outcome] = []
        caller = threading.Thread(target=lambda: outcomes.append(sandbox.call(SLEEP, {}, limits=LONG)))
        caller.start()
        time.sleep(0.5)
        engine.client.api.remove_container(sandbox.containers()[0], force=True)
        caller.join(PATIENCE)
        assert outcomes
        assert outcomes[0].problem is not None
        assert outcomes[0].problem.category == "environment"
        assert sandbox.call(ONE, {}).value == 1


def test_a_runtime_that_the_engine_lacks_is_a_missing_service_with_a_hint() -> None:
    with pytest.raises(ServiceMissing) as caught:
        open_sandbox(kind="docker", fence=Fence(runtime="no-such-runtime"))
    assert "has no runtime no-such-runtime; it has" in caught.value.message
    assert "runc" in caught.value.message
    assert any("daemon.json" in hint for hint in caught.value.hints)


def test_a_runtime_that_the_engine_has_is_used(engine: Engine) -> None:
    with open_sandbox(kind="docker", fence=Fence(runtime="runc")) as sandbox:
        assert isinstance(sandbox, DockerSandbox)
        assert sandbox.call(ONE, {}).value == 1
        assert "runtime runc" in sandbox.description
        about = engine.client.containers.get(sandbox.containers()[0]).attrs
        assert about["HostConfig"]["Runtime"] == "runc"


def test_the_engines_own_profile_can_be_asked_for(engine: Engine) -> None:
    with open_sandbox(kind="docker", fence=Fence(seccomp="engine")) as sandbox:
        assert isinstance(sandbox, DockerSandbox)
        assert sandbox.call(ONE, {}).value == 1
        about = engine.client.containers.get(sandbox.containers()[0]).attrs
        assert about["HostConfig"]["SecurityOpt"] == ["no-new-privileges"]


# Numbers of calls that no interpreter or compiler needs, on x86-64 and on aarch64.
FORBIDDEN = {
    "add_key": (248, 217), "bpf": (321, 280), "io_setup": (206, 0), "io_uring_setup": (425, 425),
    "keyctl": (250, 219), "mount": (165, 40), "name_to_handle_at": (303, 264), "perf_event_open": (298, 241),
    "process_vm_readv": (310, 270), "ptrace": (101, 117), "setns": (308, 268), "shmget": (29, 194), "splice": (275, 76),
    "unshare": (272, 97), "userfaultfd": (323, 282), "vmsplice": (278, 75),
}  # fmt: skip
PROBE = """
import ctypes, errno, json, platform, sys
place = {"x86_64": 0, "aarch64": 1}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)
zeros = [ctypes.c_long(0)] * 6
print(json.dumps({name: (libc.syscall(ctypes.c_long(numbers[place]), *zeros), errno.errorcode.get(ctypes.get_errno()))
                  for name, numbers in json.loads(sys.argv[1]).items()}))
"""


def test_the_profile_of_a_container_forbids_what_no_interpreter_needs(engine: Engine) -> None:
    how = {**hardening(SandboxLimits(), Fence()), "log_config": None, "stdin_open": False}
    container = engine.client.containers.create(
        image_status().reference, ["-c", PROBE, json.dumps(FORBIDDEN)], entrypoint=["python3"], **how
    )
    try:
        container.start()
        container.wait()
        printed = container.logs()
        assert isinstance(printed, bytes)
        found = json.loads(printed)
    finally:
        container.remove(force=True)
    assert found == {name: [-1, "EPERM"] for name in FORBIDDEN}
