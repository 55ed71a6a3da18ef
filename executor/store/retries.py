"""How often the steps of a workflow were tried again, counted for all processes.

A count stands under `workflow_step_retry:<workflow>:<step>` as a plain number, outside of the prefix, because that is
where other programs look for it. It survives restarts, and ends by itself when nobody has touched it for thirty days:
a workflow that was abandoned leaves nothing behind for ever.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from executor.store.connection import Connection
from executor.store.keys import Keys

LIFETIME = 30 * 86_400_000  # milliseconds

# KEYS: count of a step, the steps of a workflow   ARGV: step, the most, mark, milliseconds to live
# The steps are a hash: for each the mark of its last count, so that what is sent again is not counted twice.
# Returns the count, or 0 when it is used up. What is no number counts as used up.
_COUNT = """
local count = tonumber(redis.call('GET', KEYS[1]) or '0')
if not count or not (count >= 0) then return 0 end
if redis.call('HGET', KEYS[2], ARGV[1]) == ARGV[3] then return count end
if count >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], string.format('%.0f', count + 1), 'PX', ARGV[4])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return count + 1
"""

# KEYS: the steps of a workflow   ARGV: what the keys of its counts begin with, step or '' for all
_CLEAR = """
local steps = ARGV[2] ~= '' and {ARGV[2]} or redis.call('HKEYS', KEYS[1])
for _, step in ipairs(steps) do
  redis.call('DEL', ARGV[1] .. step)
  redis.call('HDEL', KEYS[1], step)
end
return #steps
"""

# KEYS: the steps of a workflow   ARGV: what the keys of its counts begin with
# Returns step, count, step, ...
_STATUS = """
local rows = {}
for _, step in ipairs(redis.call('HKEYS', KEYS[1])) do
  local count = redis.call('GET', ARGV[1] .. step)
  if count then
    rows[#rows + 1] = step
    rows[#rows + 1] = count
  end
end
return rows
"""


class RetryCounts:
    """The counts on one server; `Store.retry_counts` makes it."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def count(self, workflow: str, step: str, *, most: int) -> int | None:
        """Count one more try and return how many there are, or None where `most` were counted before."""
        keys = self._keys.retry(workflow, step), self._keys.retried(workflow)
        result = self._script(_COUNT, keys, (step, str(most), uuid.uuid4().hex, str(LIFETIME)))
        return int(result) or None

    def clear(self, workflow: str, step: str | None = None) -> None:
        """Forget the count of a step, or of all steps."""
        if step is not None:
            self._keys.retry(workflow, step)  # refuses what cannot be a step
        self._script(_CLEAR, (self._keys.retried(workflow),), (self._keys.retries(workflow), step or ""))

    def status(self, workflow: str) -> dict[str, int]:
        """Return the counts of the steps that were tried again, by step."""
        flat = self._script(_STATUS, (self._keys.retried(workflow),), (self._keys.retries(workflow),))
        rows = zip(flat[::2], flat[1::2], strict=True)
        return {str(step): int(count) for step, count in sorted(rows) if str(count).isdecimal()}

    def _script(self, script: str, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        return self._connection.run(lambda client, again: client.register_script(script)(keys, arguments))
