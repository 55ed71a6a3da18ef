"""What went wrong before, by domain: how often, when last, and with which words it was met. Texts that others read.

A lesson is noted and counted by one script, so that of several processes each sees what the others have noted. A
domain keeps the `most` lessons that were noted last, and a lesson a limited number of words; the server's clock
counts. A note that is sent twice, because the connection broke, is counted once unless another came in between.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from executor.store.connection import Connection
from executor.store.keys import Keys
from executor.store.sizes import small_enough

MOST_LESSONS = 200
_MOST_WORDS = 300
_WORD = "word:"

# KEYS: domains with lessons, lessons of the domain, the lesson
# ARGV: domain, name of the lesson, about, advice, mark, most lessons, what the key of a lesson begins with, most words,
# words...
# Returns how often the lesson was noted.
_NOTE = """
local by = redis.call('HGET', KEYS[3], 'by')
redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZSCORE', KEYS[2], ARGV[2])
if by == ARGV[5] then return tonumber(redis.call('HGET', KEYS[3], 'count')) end
local clock = redis.call('TIME')
local moment = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('HSET', KEYS[3], 'about', ARGV[3], 'advice', ARGV[4], 'by', ARGV[5], 'seen', string.format('%.0f', moment))
local count = redis.call('HINCRBY', KEYS[3], 'count', 1)
for i = 9, #ARGV do
  local known = redis.call('HEXISTS', KEYS[3], ARGV[i]) == 1
  if known or redis.call('HLEN', KEYS[3]) < tonumber(ARGV[8]) then redis.call('HINCRBY', KEYS[3], ARGV[i], 1) end
end
-- Two in one millisecond keep their order: the later one is a little later than the latest.
local latest = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
if latest[2] and tonumber(latest[2]) >= moment then moment = tonumber(latest[2]) + 0.001 end
redis.call('ZADD', KEYS[2], moment, ARGV[2])
redis.call('ZADD', KEYS[1], moment, ARGV[1])
while redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[6]) do
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  redis.call('DEL', ARGV[7] .. oldest)
  redis.call('ZREM', KEYS[2], oldest)
end
return count
"""

# KEYS: lessons of the domain   ARGV: what the key of a lesson begins with
# Returns the fields and values of each lesson, the one that was noted last in front.
_READ = """
local rows = {}
for _, name in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, -1)) do
  rows[#rows + 1] = redis.call('HGETALL', ARGV[1] .. name)
end
return rows
"""

# KEYS: domains with lessons, lessons of the domain   ARGV: domain, what the key of a lesson begins with
# Returns how many there were.
_FORGET = """
redis.call('ZSCORE', KEYS[1], ARGV[1])
local names = redis.call('ZRANGE', KEYS[2], 0, -1)
for _, name in ipairs(names) do redis.call('DEL', ARGV[2] .. name) end
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[1], ARGV[1])
return #names
"""


@dataclass(frozen=True)
class StoredLesson:
    """What is kept of a lesson. `seen` is ms since 1970, `words` how often a word stood where it was met."""

    about: str
    advice: str
    count: int
    seen: int
    words: Mapping[str, int] = field(default_factory=dict)


class StoredLessons:
    """The lessons under one prefix of one server; `Store.lessons` makes it."""

    def __init__(self, connection: Connection, keys: Keys, most: int = MOST_LESSONS) -> None:
        self._connection = connection
        self._keys = keys
        self._most = most

    def note(self, domain: str, name: str, about: str, advice: str, words: Sequence[str]) -> int:
        """Count a lesson of a domain, which may be a new one; return how often it was noted.

        `name` is 64 hexadecimal digits that stand for `about`.
        """
        keys = (self._keys.lesson_domains(), self._keys.lessons(domain), self._keys.lesson(domain, name))
        for text in (about, advice, *words):
            small_enough(text)
        marked = [f"{_WORD}{word}" for word in dict.fromkeys(words)]
        more = str(self._most), self._keys.every_lesson(domain), str(_MOST_WORDS)
        return int(self._script(_NOTE, keys, (domain, name, about, advice, uuid.uuid4().hex, *more, *marked)))

    def read(self, domain: str) -> list[StoredLesson]:
        """Return the lessons of a domain, the one that was noted last in front."""
        rows = self._script(_READ, (self._keys.lessons(domain),), (self._keys.every_lesson(domain),))
        return [_stored(dict(zip(row[::2], row[1::2], strict=True))) for row in rows if row]

    def domains(self) -> list[str]:
        """Return the domains that have lessons, the one where one was noted last in front."""
        key = self._keys.lesson_domains()
        found: Any = self._connection.run(lambda client, again: client.zrevrange(key, 0, -1))
        return [str(each) for each in found]

    def forget(self, domain: str) -> int:
        """Remove the lessons of a domain; return how many there were."""
        keys = self._keys.lesson_domains(), self._keys.lessons(domain)
        return int(self._script(_FORGET, keys, (domain, self._keys.every_lesson(domain))))

    def _script(self, script: str, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        return self._connection.run(lambda client, again: client.register_script(script)(keys, arguments))


def _stored(row: Mapping[str, str]) -> StoredLesson:
    words = {name[len(_WORD) :]: int(count) for name, count in row.items() if name.startswith(_WORD)}
    count, seen = int(row.get("count", 0)), int(row.get("seen", 0))
    return StoredLesson(row.get("about", ""), row.get("advice", ""), count, seen, words)
