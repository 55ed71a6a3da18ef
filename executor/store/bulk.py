"""Reads of many entries, in few round trips: what an index of the library is built from and kept current with.

They are no picture of one moment: another process may write between two of them. Whoever reads so looks again before
it relies on what it has read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from executor.store.connection import Connection
from executor.store.keys import Keys
from executor.store.pointers import small_enough

_CHUNK = 1_000  # keys in one round trip


@dataclass(frozen=True)
class Standing:
    """The level of trust in a version, "" for an unknown one, and how often it was used and kept its contract."""

    trust: str
    uses: int


class Bulk:
    """Reads under one prefix of one server; `Store.bulk` makes it."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def current(self, domain: str) -> dict[str, str]:
        """Return the current version of every name in a domain, without the documents."""
        key = self._keys.current(domain)
        found: Any = self._connection.run(lambda client, again: client.hgetall(key))
        return dict(found)

    def documents(self, versions: Sequence[str]) -> dict[str, str]:
        """Return the documents of those of these versions that there are."""
        found = self._fields(versions, [self._keys.entry(v) for v in versions], ("document",))
        return {version: row[0] for version, row in found.items() if row[0] is not None}

    def standings(self, versions: Sequence[str]) -> dict[str, Standing]:
        """Return the standing of each of these versions."""
        found = self._fields(versions, [self._keys.entry(v) for v in versions], ("trust", "uses"))
        return {version: Standing(trust or "", int(uses or 0)) for version, (trust, uses) in found.items()}

    def vectors(self, model: str, versions: Sequence[str]) -> dict[str, str]:
        """Return what one embedding model's vectors of these versions were kept as, where they were."""
        found = self._fields(versions, [self._keys.vector(v) for v in versions], (model,))
        return {version: row[0] for version, row in found.items() if row[0] is not None}

    def keep_vectors(self, model: str, texts: Mapping[str, str]) -> None:
        """Keep vectors by version, as texts, under the name of the embedding model that gave them."""
        rows = [(self._keys.vector(version), text) for version, text in texts.items()]
        for text in (model, *texts.values()):
            small_enough(text)

        def write(client: redis.Redis, again: bool) -> None:
            with client.pipeline(transaction=False) as pipeline:
                for key, text in rows:
                    pipeline.hset(key, model, text)
                pipeline.execute()

        self._connection.run(write)

    def _fields(self, versions: Sequence[str], keys: list[str], fields: tuple[str, ...]) -> dict[str, list[Any]]:
        """Return some fields of hashes by version."""
        rows: list[list[Any]] = []
        for start in range(0, len(keys), _CHUNK):

            def ask(client: redis.Redis, again: bool, part: Sequence[str] = keys[start : start + _CHUNK]) -> list[Any]:
                with client.pipeline(transaction=False) as pipeline:
                    for key in part:
                        pipeline.hmget(key, list(fields))
                    return list(pipeline.execute())

            rows += self._connection.run(ask)
        return dict(zip(versions, rows, strict=True))
