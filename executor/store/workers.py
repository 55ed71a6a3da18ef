"""The workers that live: each says so from time to time, and no longer counts when it has been silent for too long."""

from typing import Any

import redis

from executor.store.connection import Connection
from executor.store.keys import Keys
from executor.store.sizes import small_enough

# KEYS: workers   ARGV: worker, ms to live
# Says that a worker lives, and forgets those that were silent for too long.
_BEAT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
return 1
"""

# KEYS: workers
# Returns the workers that live.
_ALIVE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')
"""


class Workers:
    """The workers of one store, each a text; `Store.workers` makes it."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._key = keys.workers()

    def beat(self, worker: str, *, lives_ms: int) -> None:
        """Say that a worker lives, for so many milliseconds."""
        small_enough(worker)
        self._script(_BEAT, worker, str(lives_ms))

    def leave(self, worker: str) -> None:
        """Say that a worker is gone."""
        self._connection.run(lambda client, again: client.zrem(self._key, worker))

    def alive(self) -> list[str]:
        """Return the workers that live."""
        return list(map(str, self._script(_ALIVE)))

    def _script(self, script: str, *arguments: str) -> Any:
        def run(client: redis.Redis, again: bool) -> Any:
            return client.register_script(script)((self._key,), arguments)

        return self._connection.run(run)
