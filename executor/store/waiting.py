"""What waits for a person's approval, as texts under the version that they would have; and what was rejected.

What waits is in no list of versions and no plan uses it. The number of texts that wait is bounded: where there are
more, those that were kept first go. What was rejected is remembered for good; a person does that by hand, so it is
little. Each deed is one script; what the texts mean is not known here.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from executor.store.connection import Connection
from executor.store.keys import Keys
from executor.store.sizes import small_enough
from executor.store.scripts import WITH_EVENT
from htn.errors import UsageError

# KEYS: proposals, proposal, rejected   ARGV: version, text, most proposals, what the key of a proposal begins with
# Where there are more than the most, those that were kept first go. Returns 1, or 0 for a version that was rejected.
_PROPOSE = """
local rejected = redis.call('HEXISTS', KEYS[3], ARGV[1])
redis.call('ZCARD', KEYS[1])
redis.call('GET', KEYS[2])
if rejected == 1 then return 0 end
local clock = redis.call('TIME')
redis.call('SET', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[1], string.format('%.0f', clock[1] * 1000000 + clock[2]), ARGV[1])
while redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) do
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
  redis.call('DEL', ARGV[4] .. oldest)
  redis.call('ZREM', KEYS[1], oldest)
end
return 1
"""

# KEYS: proposals, proposal   ARGV: version
_WITHDRAW = """
redis.call('GET', KEYS[2])
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
return 1
"""

# KEYS: proposals, proposal, rejected, history   ARGV: version, who and why, mark, event
# Returns 1, or 0 for a version that was rejected before: what was said then stays.
_REJECT = (
    WITH_EVENT
    + """
local repeated = seen(KEYS[4], ARGV[3])
local rejected = redis.call('HEXISTS', KEYS[3], ARGV[1])
redis.call('ZCARD', KEYS[1])
redis.call('GET', KEYS[2])
if repeated then return 1 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
if rejected == 1 then return 0 end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
tell(KEYS[4], ARGV[3], ARGV[4])
return 1
"""
)


@dataclass(frozen=True)
class StoredProposal:
    """A text that waits, with the version that it is kept under, and since when, in milliseconds since 1970."""

    version: str
    text: str
    at: int


class Waiting:
    """The proposals under one prefix of one server; `Store.waiting` makes it."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def keep(self, version: str, text: str, *, most: int) -> bool:
        """Keep a text under a version, and of all texts `most`; return False for a version that was rejected."""
        if most < 1:
            raise UsageError(f"at least one proposal is kept, not {most}")
        keys = self._keys.proposals(), self._keys.proposal(version), self._keys.rejected()
        result = self._script(_PROPOSE, keys, (version, text, str(most), self._keys.every_proposal()))
        return bool(result == 1)

    def versions(self) -> list[tuple[str, int]]:
        """Return the versions that wait, the one that was kept first in front, each with when (ms since 1970)."""
        key = self._keys.proposals()
        rows: Any = self._connection.run(lambda client, again: client.zrange(key, 0, -1, withscores=True))
        return [(str(version), int(score) // 1000) for version, score in rows]

    def text(self, version: str) -> str | None:
        """Return the text that waits under a version, or None."""
        key = self._keys.proposal(version)
        found: Any = self._connection.run(lambda client, again: client.get(key))
        return None if found is None else str(found)

    def all(self) -> list[StoredProposal]:
        """Return all that waits, the one that was kept first in front."""
        rows = [(version, self.text(version), at) for version, at in self.versions()]
        return [StoredProposal(version, text, at) for version, text, at in rows if text is not None]

    def withdraw(self, version: str) -> None:
        """Let a version wait no longer."""
        self._script(_WITHDRAW, (self._keys.proposals(), self._keys.proposal(version)), (version,))

    def reject(self, domain: str, name: str, version: str, said: str, event: str) -> bool:
        """Let a version wait no longer, remember what was said of it, and append an event to the history of its name.

        Return False for a version that was rejected before: what was said then stays.
        """
        keys = (
            self._keys.proposals(),
            self._keys.proposal(version),
            self._keys.rejected(),
            self._keys.history(domain, name),
        )
        return bool(self._script(_REJECT, keys, (version, said, uuid.uuid4().hex, event)) == 1)

    def rejected(self, version: str) -> str | None:
        """Return what was said of a version that was rejected, or None."""
        key = self._keys.rejected()
        self._keys.proposal(version)  # a version, and no other text
        found: Any = self._connection.run(lambda client, again: client.hget(key, version))
        return None if found is None else str(found)

    def _script(self, script: str, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        for text in arguments:
            small_enough(text)
        return self._connection.run(lambda client, again: client.register_script(script)(keys, arguments))
