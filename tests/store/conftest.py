"""Two places for a store: a server of our own, and a server that somebody runs."""

import contextlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from executor.store import Store
from tests.services import redis_url, require_or_skip
from tests.store.store_places import Place


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, because the path of a socket has to be short."""
    path = Path(tempfile.mkdtemp(prefix="htn-"))
    yield path
    # A test that fails may leave its server behind, which would outlive the tests.
    for socket in path.rglob("redis.sock"):
        left = redis.Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0))
        with contextlib.suppress(redis.RedisError):
            left.shutdown(nosave=True)
        left.close()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def embedded(folder: Path) -> Place:
    return Place(redis_url=None, data_dir=folder, prefix="htn")


@pytest.fixture
def server(folder: Path) -> Iterator[Place]:
    url = redis_url()
    require_or_skip("redis", url is not None)
    assert url is not None  # otherwise the test was skipped
    client = redis.Redis.from_url(url)
    place = Place(redis_url=url, data_dir=folder, prefix=f"test_{uuid.uuid4().hex}")
    yield place
    for key in client.scan_iter(f"{place.prefix}:*"):
        client.delete(key)
    client.close()


@pytest.fixture(params=["embedded", pytest.param("server", marks=pytest.mark.redis_server)])
def place(request: pytest.FixtureRequest) -> Place:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Place)
    return found


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    with place.open() as opened:
        yield opened
