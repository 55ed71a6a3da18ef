"""The docker level seen from the engine: the container, its image, its orphans."""

import gc
import io
import json
import os
import platform
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from executor.sandbox import Program, SandboxLimits, image_status, open_sandbox
from executor.sandbox.container import DockerSandbox, StreamLink
from executor.sandbox.engine import Engine, connect
from executor.sandbox.image import CONTENT_LABEL, REPOSITORY, ensure_image
from executor.sandbox.interpreter import host_interpreter
from executor.sandbox.orphans import OWNER_LABEL, PLACE_LABEL, labels_of_this_process, remove_orphans
from executor.sandbox.syscalls import profile
from htn.errors import ServiceMissing

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("needs_docker")]

ONE = Program("def body(): return 1", "body")


@pytest.fixture
def engine() -> Iterator[Engine]:
    connected = connect(30)
    yield connected
    connected.client.close()


def docker_sandbox(**settings: Any) -> DockerSandbox:
    opened = open_sandbox(kind="docker", **settings)
    assert isinstance(opened, DockerSandbox)
    return opened


@pytest.fixture(scope="module")
def warm() -> Iterator[DockerSandbox]:
    with docker_sandbox(limits=SandboxLimits(memory_mb=192)) as sandbox:
        assert sandbox.call(ONE, {}).value == 1
        yield sandbox


def test_the_container_is_as_hard_as_it_is_said_to_be(warm: DockerSandbox, engine: Engine) -> None:
    about = engine.client.containers.get(warm.containers()[0]).attrs
    host, config = about["HostConfig"], about["Config"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"][0] == "no-new-privileges"
    assert json.loads(host["SecurityOpt"][1].removeprefix("seccomp=")) == profile()
    assert host["Privileged"] is False
    assert config["User"] == "65534:65534"
    assert host["Memory"] == host["MemorySwap"] == 192 * 2**20
    assert host["PidsLimit"] == 64
    assert host["NanoCpus"] == 10**9
    assert host["ShmSize"] == 8 * 2**20
    assert set(host["Tmpfs"]) == {"/tmp"}
    assert {"noexec", "nosuid", "nodev", "size=16m"} <= set(host["Tmpfs"]["/tmp"].split(","))
    assert host["Sysctls"]["kernel.shmmni"] == "0"
    assert host["Sysctls"]["fs.mqueue.queues_max"] == "0"
    assert host["LogConfig"]["Type"] == "none"
    assert about["Mounts"] == []
    assert host["AutoRemove"] is False
    assert {limit["Name"]: limit["Hard"] for limit in host["Ulimits"]} == {"core": 0, "nofile": 256}


def test_a_container_gets_no_environment_but_the_hash_seed(warm: DockerSandbox, engine: Engine) -> None:
    environment = engine.client.containers.get(warm.containers()[0]).attrs["Config"]["Env"]
    assert sorted(environment) == ["PATH=/usr/bin", "PYTHONHASHSEED=0"]


def test_the_description_names_engine_image_and_user(warm: DockerSandbox, engine: Engine) -> None:
    assert engine.version in warm.description
    assert warm.image.reference in warm.description
    assert "no network, uid 65534" in warm.description


def test_closing_removes_the_container(engine: Engine) -> None:
    with docker_sandbox() as sandbox:
        sandbox.call(ONE, {})
        sandbox.call(ONE, {}, hash_seed=1)
        mine = set(sandbox.containers())
        assert len(mine) == 2
    assert not mine & {each.id for each in engine.client.containers.list(all=True)}


def test_the_first_answer_of_a_fresh_container_is_never_lost() -> None:
    for _ in range(3):
        with docker_sandbox() as sandbox:
            outcome = sandbox.call(Program("def body():\n    print('x' * 60000)", "body"), {})
            assert len(outcome.stdout) == 60001


def test_a_stream_that_floods_and_is_not_read_can_be_cut_and_removed(warm: DockerSandbox, engine: Engine) -> None:
    flood = ["-c", "import os\nwhile True: os.write(1, b'x' * 65536)"]
    container = engine.client.containers.create(
        warm.image.reference, flood, entrypoint=["python3"], network_mode="none"
    )
    wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    stream = engine.client.api.attach_socket(str(container.id), params=wanted)
    link = StreamLink(stream)
    container.start()
    assert link.receive(time.monotonic() + 10)
    time.sleep(0.5)
    link.close()
    container.remove(force=True)
    assert container.id not in {each.id for each in engine.client.containers.list(all=True)}


def test_a_stream_outlives_a_collection_of_garbage_and_leaves_no_descriptor() -> None:
    descriptors = Path("/proc/self/fd")
    with docker_sandbox() as sandbox:
        sandbox.call(ONE, {})
        gc.collect()
        assert [each.wire.alive() for each in sandbox._pool.running()] == [True]
        used = len(list(descriptors.iterdir()))
        for _ in range(4):
            sandbox.call(Program(ONE.code, "body", single_use=True), {})
            gc.collect()
            assert sandbox.call(ONE, {}).value == 1
    assert len(list(descriptors.iterdir())) < used


def test_memory_that_runs_out_in_the_whole_container_replaces_it() -> None:
    # Files in memory count against the container, not against the body's address space.
    code = """
def body():
    for folder in ("/tmp", "/dev/shm"):
        try:
            with open(folder + "/file", "wb") as file:
                while True: file.write(b"x" * 2**20)
        except OSError:
            pass
    return bytearray(10**8) and None
"""
    with docker_sandbox(limits=SandboxLimits(memory_mb=128)) as sandbox:
        outcome = sandbox.call(Program(code, "body"), {})
        assert outcome.problem is not None
        assert outcome.problem.category == "memory"
        assert sandbox.call(ONE, {}).value == 1


def test_containers_of_processes_that_are_gone_are_removed_and_others_are_not(
    warm: DockerSandbox, engine: Engine
) -> None:
    mine = labels_of_this_process()
    elsewhere = {**mine, PLACE_LABEL: "another-machine"}
    gone = {**mine, OWNER_LABEL: "4194303-1"}
    reused = {**mine, OWNER_LABEL: f"{os.getpid()}-1"}
    made = [
        engine.client.containers.create(warm.image.reference, "x", labels=labels).id
        for labels in (mine, elsewhere, gone, reused)
    ]
    try:
        assert remove_orphans(engine) == 2
        left = {each.id for each in engine.client.containers.list(all=True)}
        assert [each in left for each in made] == [True, True, False, False]
    finally:
        for each in made[:2]:
            engine.client.api.remove_container(str(each))


def test_an_image_is_built_without_a_registry_and_found_the_second_time(engine: Engine) -> None:
    status = image_status()
    if status.present:
        engine.client.images.remove(status.reference, force=True)
    said: list[str] = []
    built = ensure_image(engine, None, said.append)
    found = ensure_image(engine, None, said.append)
    assert (built.how, found.how) == ("built", "found")
    assert built.reference == found.reference == status.reference
    assert built.megabytes == found.megabytes > 1
    assert "building" in said[0]
    assert "built" in said[1]
    assert len(said) == 2  # what is found at once is not worth a word
    assert image_status().present


def test_the_image_runs_as_nobody_and_says_what_is_in_it(warm: DockerSandbox, engine: Engine) -> None:
    version = "{}.{}".format(*sys.version_info)
    assert warm.image.reference.startswith(f"{REPOSITORY}:{version}-{platform.machine()}-")
    image = engine.client.images.get(warm.image.reference)
    assert image.attrs["Config"]["User"] == "65534:65534"
    assert image.labels[CONTENT_LABEL].startswith(warm.image.reference.rpartition("-")[2])


def other_interpreters() -> list[str]:
    versions = Path.home() / ".pyenv" / "versions"
    found = [str(path) for path in versions.glob("3.1[123].*/bin/python3")]
    return sorted([*found, "/usr/bin/python3"])


@pytest.mark.parametrize("executable", other_interpreters())
def test_an_interpreter_of_this_machine_makes_an_image_that_works(engine: Engine, executable: str) -> None:
    interpreter = host_interpreter(executable)
    archive = io.BytesIO()
    interpreter.write_archive(archive)
    archive.seek(0)
    with tarfile.open(fileobj=archive) as tar:
        assert not [each.name for each in tar if each.mode & 0o6000 or each.uid or each.mtime]
    archive.seek(0)
    tag = f"test-{os.getpid()}-{interpreter.version}"
    engine.client.api.import_image_from_data(archive, repository=REPOSITORY, tag=tag, changes=["ENV PATH=/usr/bin"])
    version = "import ssl, sqlite3, sys\ndef body(): return '{}.{}'.format(*sys.version_info)"
    try:
        with docker_sandbox(image=f"{REPOSITORY}:{tag}") as sandbox:
            assert sandbox.image.how == "found"
            outcome = sandbox.call(Program(version, "body"), {})
            assert outcome.value == interpreter.version, outcome.problem
    finally:
        engine.client.images.remove(f"{REPOSITORY}:{tag}", force=True)


def test_an_image_that_no_registry_has_is_a_missing_service_with_a_hint() -> None:
    with pytest.raises(ServiceMissing) as caught:
        open_sandbox(kind="docker", image="localhost:1/no/such-image:1")
    assert "localhost:1/no/such-image:1" in caught.value.message
    assert any("leave the setting image empty" in hint for hint in caught.value.hints)


def test_an_image_without_a_python_is_a_missing_service_with_a_hint(engine: Engine) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    tag = f"empty-{os.getpid()}"
    engine.client.api.import_image_from_data(archive.getvalue(), repository=REPOSITORY, tag=tag)
    try:
        with (
            docker_sandbox(image=f"{REPOSITORY}:{tag}") as sandbox,
            pytest.raises(ServiceMissing, match="python3"),
        ):
            sandbox.call(ONE, {})
        left = engine.client.containers.list(all=True, filters={"ancestor": f"{REPOSITORY}:{tag}"})
        assert left == []
    finally:
        engine.client.images.remove(f"{REPOSITORY}:{tag}", force=True)
