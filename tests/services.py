"""Which outside services the tests need, and what happens to a test whose service is missing."""

import os
from functools import cache

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from executor.sandbox import engine_status
from executor.sandbox.inside.landlock import landlock_version

REDIS_URL = os.environ.get("HTN_TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
REASONS = {
    "docker": "no Docker engine answers",
    "redis": "no Redis server answers",
    "registry": "no docker-registry is installed",
    "landlock": "this kernel has no landlock",
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
def redis_answers() -> bool:
    """Whether a Redis server answers at REDIS_URL."""
    client = redis.Redis.from_url(REDIS_URL, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def landlock_works() -> bool:
    """Whether the kernel can lock a process in."""
    return landlock_version() > 0
