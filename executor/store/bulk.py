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
from executor.store.sizes import small_enough

_CHUNK = 1_000  # keys in one round trip

# KEYS: current, moves   ARGV: the last move that is known
# Returns the last move, and the name and version of each that was moved after the known one; or the last move alone
# where that cannot be told.
_CHANGES = """
local last = tonumber(redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2] or '0')
local known = tonumber(ARGV[1])
if known == 0 or last < known or redis.call('ZCARD', KEYS[2]) ~= redis.call('HLEN', KEYS[1]) then return {last} end
local rows = {last, ''}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf')) do
  rows[#rows + 1] = name
  rows[#rows + 1] = redis.call('HGET', KEYS[1], name)
end
return rows
"""

# KEYS: hashes   ARGV: fields
# Returns the fields of each, one after the other.
_FIELDS = """
local rows = {}
for _, key in ipairs(KEYS) do
  for _, value in ipairs(ARGV) do rows[#rows + 1] = redis.call('HGET', key, value) end
end
return rows
"""


@dataclass(frozen=True)
class Standing:
    """The level of trust in a version, "" for an unknown one, and how often it was used and kept its contract."""

    trust: str
    uses: int


@dataclass(frozen=True)
class Changes:
    """Versions by name: those that changed after a move, or `whole`, all of them. `last` is the last move of all."""

    last: int
    versions: dict[str, str]
    whole: bool


class Bulk:
    """Reads under one prefix of one server; `Store.bulk` makes it."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def changes(self, domain: str, known: int) -> Changes:
        """Return the names in a domain whose current version changed after the move `known`, which is 0 for none.

        That takes as long as there are changes, however many names the domain has. All names are returned where nothing
        is known, or where it cannot be told what has changed: then the store is another, or older than this record.
        """
        keys = self._keys.current(domain), self._keys.moves(domain)
        found: Any = self._connection.run(lambda client, again: client.register_script(_CHANGES)(keys, (str(known),)))
        last, rows = int(found[0]), found[2:]
        if len(found) == 1:
            everything: Any = self._connection.run(lambda client, again: client.hgetall(keys[0]))
            return Changes(last, dict(everything), whole=True)
        return Changes(last, dict(zip(rows[::2], rows[1::2], strict=True)), whole=False)

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
        found: dict[str, list[Any]] = {}
        for start in range(0, len(keys), _CHUNK):

            def ask(client: redis.Redis, again: bool, part: Sequence[str] = keys[start : start + _CHUNK]) -> Any:
                return client.register_script(_FIELDS)(part, fields)

            flat = self._connection.run(ask)
            rows = [flat[at : at + len(fields)] for at in range(0, len(flat), len(fields))]
            found |= zip(versions[start : start + _CHUNK], rows, strict=True)
        return found
