"""Turns at a service that takes only so many requests a minute, shared by all processes that have the same store.

The server's clock counts. A request that was sent again because the connection broke takes one turn, not two.
"""

import math
import uuid

from executor.store import scripts
from executor.store.connection import Connection
from htn.errors import UsageError


class Turns:
    """The turns at one service; `Store.turns` makes it."""

    def __init__(self, connection: Connection, key: str, per_minute: int) -> None:
        if per_minute < 1:
            raise UsageError(f"at least one request a minute has to be allowed, not {per_minute}")
        self._connection = connection
        self._key = key
        self._per_minute = per_minute

    def take(self) -> float:
        """Take a turn and return 0, or return the seconds after which to try again. Raises ServiceMissing."""
        arguments = (uuid.uuid4().hex, str(self._per_minute))
        left = self._connection.run(
            lambda client, again: client.register_script(scripts.TURN)([self._key], list(arguments))
        )
        return math.ceil(int(left) / 1000) / 1000
