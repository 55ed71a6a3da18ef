"""Which outside services the tests need, and what happens to a test whose service is missing."""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from executor.sandbox import engine_status
from executor.sandbox.engine import connect
from executor.sandbox.inside.landlock import landlock_version
from executor.sandbox.languages import LANGUAGES
from executor.sandbox.languages.images import build_image
from executor.store.binary import find_program
from htn.errors import ServiceMissing

REASONS = {
    "docker": "no Docker engine answers",
    "own engine": "no Docker engine of the tests' own can be started (it needs dockerd and root)",
    "redis": "no Redis server answers and none can be started",
    "registry": "no docker-registry is installed",
    "landlock": "this kernel has no landlock",
    "kubectl": "no kubectl is on the path",
    "wasm": "pyeryx is not installed (it is for Python 3.12 and newer)",
}


def require_or_skip(service: str, available: bool) -> None:
    """Skip the test where its service is missing, or fail it where HTN_REQUIRE names the service."""
    if available:
        return
    reason = REASONS[service]
    if service in os.environ.get("HTN_REQUIRE", "").replace(",", " ").split():
        pytest.fail(f"HTN_REQUIRE names {service}, but {reason}")
    pytest.skip(reason)


@cache
def docker_answers() -> bool:
    """Whether a Docker engine answers."""
    return engine_status().answering


@cache
def build_language_images() -> None:
    """Build the images of languages that are missing, all in some 45 seconds; nothing without Debian's packages."""
    if shutil.which("apt-get") is None:
        return
    engine = connect(120)
    for language in LANGUAGES:
        build_image(engine, language, None, print)
    engine.client.close()


@cache
def redis_url() -> str | None:
    """The server that HTN_TEST_REDIS_URL names, or one that is started for these tests; None where there is none."""
    named = os.environ.get("HTN_TEST_REDIS_URL")
    url = named or _started_server()
    return url if url and _answers(url) else None


def _started_server() -> str | None:
    try:
        program = find_program()
    except ServiceMissing:
        return None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="htn-redis-")
    words = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", folder]
    server = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop() -> None:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    url = f"redis://127.0.0.1:{port}/15"
    for _ in range(100):
        if _answers(url) or server.poll() is not None:
            break
        time.sleep(0.1)
    return url


def _answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def landlock_works() -> bool:
    """Whether the kernel can lock a process in."""
    return landlock_version() > 0
