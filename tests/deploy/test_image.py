"""deploy/Dockerfile is built from images of this machine, and its container is used as deploy/ uses it."""

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from executor.sandbox.engine import Engine, connect
from tests.deploy.local_base import ROOT, make_base, make_builder
from tests.services import docker_answers, landlock_works, redis_url, require_or_skip

pytestmark = pytest.mark.docker
Start = Callable[..., Any]
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
def start(engine: Engine, image: str) -> Iterator[Start]:
    """Start containers of the image, fenced as deploy/ fences them, on this machine's network."""
    require_or_skip("landlock", landlock_works())
    server = redis_url() or ""
    require_or_skip("redis", bool(server))
    with ExitStack() as stack:

        def started(*command: str, volumes: dict[str, dict[str, str]] | None = None, **environment: str) -> Any:
            container = engine.client.containers.run(
                image, list(command), detach=True, network_mode="host", read_only=True, cap_drop=["ALL"],
                security_opt=["no-new-privileges"], volumes=volumes or {},
                tmpfs={"/tmp": "mode=1777", "/var/lib/htn": "uid=10001,gid=10001,mode=700"},
                environment=environment | {"REDIS_URL": server},
            )  # fmt: skip
            stack.callback(container.remove, force=True)
            return container

        yield started


@pytest.fixture(scope="module")
def started(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    secret = tmp_path_factory.mktemp("secrets") / "token"
    secret.write_text(f"{TOKEN}\n")
    secret.chmod(0o444)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    container = start(
        volumes={str(secret): {"bind": "/run/secrets/htn_token", "mode": "ro"}},
        HTN_SERVICE_TOKEN_FILE="/run/secrets/htn_token", HTN_SERVICE_PORT=str(port), HTN_SERVICE_HOST="127.0.0.1",
    )  # fmt: skip
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        wait_for(client, container)
        yield Started(container, client)


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


def test_a_worker_of_the_image_carries_out_a_run_and_ends_in_good_order(start: Start) -> None:
    worker = start("worker", "--concurrency", "2", HTN_DISTRIBUTED="true")
    program = worker.image.attrs["Config"]["Entrypoint"]
    code, said = worker.exec_run([*program, "run", "travel", "travel(alice, home, park)"])
    assert code == 0, said.decode()
    assert "cash[alice] = 14.5" in said.decode()
    worker.stop(timeout=60)
    worker.reload()
    assert worker.attrs["State"]["ExitCode"] == 0, worker.logs().decode()


def test_the_program_of_the_container_takes_the_other_commands_too(started: Started) -> None:
    program = started.container.image.attrs["Config"]["Entrypoint"]
    code, said = started.asked(*program, "plan", "travel", "travel(alice, home, park)")
    assert code == 0, said
    assert "3. pay(alice)" in said


def test_it_ends_in_good_order_when_it_is_stopped(started: Started) -> None:
    started.container.stop(timeout=60)
    started.container.reload()
    assert started.container.attrs["State"]["ExitCode"] == 0, started.container.logs().decode()
