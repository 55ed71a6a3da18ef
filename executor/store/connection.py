"""Commands to the server: sent once more when the connection breaks, refusals in words.

What is sent again may have happened already: nobody can know when the answer is lost. Every write
is made for that (see scripts): it carries a mark, and is told whether it is sent again.
"""

from collections.abc import Callable
from typing import TypeVar

import redis

from executor.store.server import Server
from htn.errors import ServiceMissing, UsageError

R = TypeVar("R")

# What a server says when it refuses, what that means, and what to do. The client gives some
# refusals a class of their own and takes the word away, so the name of the class counts too.
REFUSALS = (
    (("OOM", "OutOfMemoryError"), "is out of memory", "give it more memory (maxmemory)"),
    (("MISCONF",), "cannot write to its disk", "make room on its disk; its log says more"),
    (("READONLY", "ReadOnlyError"), "is a read-only replica", "set REDIS_URL to the primary"),
    (("NOREPLICAS",), "has too few replicas to accept writes", "start its replicas again"),
    (("NOPERM", "NoPermissionError"), "does not permit this", "the user needs all commands"),
    (("WRONGTYPE",), "has other things under the keys of the store", "choose another prefix"),
    (("AuthenticationError", "NOAUTH"), "refuses the password", "check REDIS_URL=redis://:PASSWORD@host:port"),
    (("BusyLoadingError", "LOADING"), "is still reading its files", "try again in a moment"),
)


class Connection:
    """A way to one server that survives a restart of the server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._client = server.connect()

    def run(self, work: Callable[[redis.Redis, bool], R]) -> R:
        """Return `work(client, again)`; `again` says that it may have happened already.

        Raises ServiceMissing when the server does not answer or refuses.
        """
        self.server.keep()
        try:
            return self._try(work, again=False)
        except redis.ConnectionError:
            self.server.revive()
        try:
            return self._try(work, again=True)
        except redis.ConnectionError as error:
            raise self.server.failure(str(error)) from error

    def close(self) -> None:
        """Close the connection and let go of the server."""
        self._client.close()
        self.server.close()

    def _try(self, work: Callable[[redis.Redis, bool], R], *, again: bool) -> R:
        try:
            return work(self._client, again)
        except redis.TimeoutError as error:
            raise self.server.failure(str(error)) from error
        except (redis.AuthenticationError, redis.ResponseError, redis.BusyLoadingError) as error:
            raise self._refusal(f"{type(error).__name__} {error}") from error
        except redis.ConnectionError:
            raise
        except redis.RedisError as error:
            raise self.server.failure(str(error)) from error
        except UnicodeEncodeError as error:
            raise UsageError("the store keeps text, and this is none: a lone surrogate") from error

    def _refusal(self, said: str) -> ServiceMissing:
        where = self.server.address.shown
        for words, meaning, way_out in REFUSALS:
            if any(word in said for word in words):
                return ServiceMissing(f"the Redis server {meaning}", where=where, hints=(way_out,))
        return ServiceMissing(f"the Redis server refuses: {self.server.address.clean(said)}", where=where)
