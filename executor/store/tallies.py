"""How models have done so far: calls, how many went well, how long they took, tokens and cost, over all time."""

from dataclasses import dataclass

from executor.store import budget_scripts as scripts
from executor.store.connection import Connection
from executor.store.keys import Keys

MOST_LATEST = 100
_MARK = 32


@dataclass(frozen=True)
class Tally:
    """What is known of one model. `latest` are its last calls, the newest first: whether each went well, and its ms."""

    name: str
    calls: int
    well: int
    ms: int
    prompt_tokens: int
    answer_tokens: int
    cost: int
    last: int
    latest: tuple[tuple[bool, int], ...]


class Tallies:
    """The tallies under one prefix of one server; `Store.tallies` makes it."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def add(
        self,
        digest: str,
        name: str,
        mark: str,
        *,
        well: bool,
        ms: int,
        prompt_tokens: int,
        answer_tokens: int,
        cost: int,
    ) -> None:
        """Count one call, whose name `mark` is, of the model `name`, whose hash `digest` is."""
        keys = [self._keys.models(), self._keys.tally(digest), self._keys.latest(digest)]
        numbers = (ms, prompt_tokens, answer_tokens, cost, MOST_LATEST)
        given = [digest, name, mark, "01"[well], *map(str, numbers)]
        self._connection.run(lambda client, again: client.register_script(scripts.TALLY)(keys, given))

    def all(self) -> list[Tally]:
        """Return what is known of all models that were ever asked, by name."""
        key = self._keys.models()
        found = self._connection.run(lambda client, again: client.hgetall(key))
        names = sorted((str(name), str(digest)) for digest, name in found.items())
        return [self.of(digest, name) for name, digest in names]

    def of(self, digest: str, name: str) -> Tally:
        """Return what is known of one model."""
        tally, latest = self._keys.tally(digest), self._keys.latest(digest)
        found = self._connection.run(lambda client, again: client.hgetall(tally))
        rows = self._connection.run(lambda client, again: client.lrange(latest, 0, -1))
        fields = ("calls", "well", "ms", "prompt_tokens", "answer_tokens", "cost", "last")
        numbers = {field: int(found.get(field, 0)) for field in fields}
        last = tuple((row[_MARK] == "1", int(row[_MARK + 1 :])) for row in map(str, rows))
        return Tally(name=name, latest=last, **numbers)
