"""deploy/Dockerfile is built from images of this machine, and its container is used as deploy/ uses it."""

import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from executor.sandbox.engine import Engine, connect
from tests.deploy.local_base import ROOT, make_base, make_builder
from tests.services import docker_answers, landlock_works, redis_url, require_or_skip

pytestmark = pytest.mark.docker
TOKEN = secrets.token_urlsafe()


@dataclass(frozen=True)
class Started:
    """A container of the image, with the service in it."""

    container: Any
    client: httpx.Client

    def asked(self, *words: str) -> tuple[int, str]:
        """Run a program in the container; return its exit code and what it said."""
        code, said = self.container.exec_run(list(words))
        return int(code), said.decode()


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    require_or_skip("docker", docker_answers())
    opened = connect(300)
    yield opened
    opened.client.close()


@pytest.fixture(scope="module")
def image(engine: Engine) -> Iterator[str]:
    tag = secrets.token_hex(4)
    base, builder, stage, name = (f"htn-test-{part}:{tag}" for part in ("base", "builder", "stage", "deploy"))
    make_base(engine, base)
    make_builder(engine, builder)
    for target, called in (("build", stage), (None, name)):
        engine.client.images.build(
            path=str(ROOT), dockerfile="deploy/Dockerfile", target=target, tag=called, rm=True, forcerm=True,
            buildargs={"BASE": base, "BUILDER": builder},
        )  # fmt: skip
    yield name
    for each in (name, stage, builder, base):
        engine.client.images.remove(each, force=True)


@pytest.fixture(scope="module")
def started(engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    require_or_skip("landlock", landlock_works())
    server = redis_url() or ""
    require_or_skip("redis", bool(server))
    secret = tmp_path_factory.mktemp("secrets") / "token"
    secret.write_text(f"{TOKEN}\n")
    secret.chmod(0o444)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    container = engine.client.containers.run(
        image, detach=True, network_mode="host", read_only=True, cap_drop=["ALL"],
        security_opt=["no-new-privileges"], tmpfs={"/tmp": "mode=1777", "/var/lib/htn": "uid=10001,mode=700"},
        volumes={str(secret): {"bind": "/run/secrets/htn_token", "mode": "ro"}},
        environment={
            "HTN_SERVICE_TOKEN_FILE": "/run/secrets/htn_token", "REDIS_URL": server, "HTN_SERVICE_PORT": str(port),
            "HTN_SERVICE_HOST": "127.0.0.1",
        },
    )  # fmt: skip
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        try:
            wait_for(client, container)
            yield Started(container, client)
        finally:
            container.remove(force=True)


def wait_for(client: httpx.Client, container: Any) -> None:
    """Return when the service answers; fail with what it said when it has ended."""
    while True:
        try:
            client.get("/health")
            return
        except httpx.TransportError:
            container.reload()
            assert container.status == "running", container.logs().decode()
            time.sleep(0.2)


def test_the_service_answers_for_its_health_and_so_says_the_image_s_own_check(started: Started) -> None:
    assert started.client.get("/health").status_code == 200
    check = started.container.image.attrs["Config"]["Healthcheck"]["Test"]
    assert check[0] == "CMD"
    assert started.asked(*check[1:]) == (0, "")


def test_nothing_in_the_container_is_root(started: Started) -> None:
    assert started.asked("python3", "-c", "import os; print(os.getresuid(), os.getresgid(), os.getgroups())") == (
        0, "(10001, 10001, 10001) (10001, 10001, 10001) [10001]\n",
    )  # fmt: skip


def test_the_token_of_the_secret_s_file_is_asked_for(started: Started) -> None:
    plan = {"domain": "travel", "tasks": ["travel(alice, home, park)"]}
    assert started.client.post("/api/v1/plans", json=plan).status_code == 401
    answer = started.client.post("/api/v1/plans", json=plan, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.json()["ok"]


def test_code_runs_in_the_sandbox_inside_the_hardened_container(started: Started) -> None:
    code = {"code": "result = x * y", "context": {"x": 5, "y": 3}, "timeout": 30}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert started.client.post("/api/v1/code/execute", json=code, headers=headers).json()["result"] == 15


def test_the_program_of_the_container_takes_the_other_commands_too(started: Started) -> None:
    program = started.container.image.attrs["Config"]["Entrypoint"]
    code, said = started.asked(*program, "plan", "travel", "travel(alice, home, park)")
    assert code == 0, said
    assert "3. pay(alice)" in said


def test_it_ends_in_good_order_when_it_is_stopped(started: Started) -> None:
    started.container.stop(timeout=60)
    started.container.reload()
    assert started.container.attrs["State"]["ExitCode"] == 0, started.container.logs().decode()
