"""Which code a person has allowed to be run, and which waits for that, as texts under the digest of the code.

What was allowed is remembered for good; a person does that by hand, so it is little. What waits has a lifetime. Each
deed is one command of the server; what the texts mean is not known here.
"""

from executor.store.connection import Connection
from executor.store.keys import Keys
from executor.store.sizes import small_enough

_WAITS_SECONDS = 30 * 86_400


class Allowed:
    """What was allowed under one prefix of one server; `Store.allowed` makes it."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def allow(self, digest: str, said: str) -> None:
        """Remember that code was allowed, and what was said of it; what was said first stays."""
        small_enough(said)
        key = self._keys.allowed_code()
        self._keys.waiting_code(digest)  # a digest, and no other text
        self._connection.run(lambda client, again: client.hsetnx(key, digest, said))

    def said(self, digest: str) -> str | None:
        """Return what was said of code that was allowed, or None."""
        key = self._keys.allowed_code()
        found = self._connection.run(lambda client, again: client.hget(key, digest))
        return None if found is None else str(found)

    def keep(self, digest: str, text: str) -> None:
        """Keep a text of code that waits."""
        small_enough(text)
        key = self._keys.waiting_code(digest)
        self._connection.run(lambda client, again: client.set(key, text, ex=_WAITS_SECONDS))

    def waiting(self, digest: str) -> str | None:
        """Return the text of code that waits, or None."""
        key = self._keys.waiting_code(digest)
        found = self._connection.run(lambda client, again: client.get(key))
        return None if found is None else str(found)
