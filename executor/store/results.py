"""The results of pure bodies and the answers of models: texts under a key that says what was computed or asked.

An entry lives for a time that is given when it is kept. Where there are more entries than allowed, or more bytes,
those that were used least recently go. Each method is one script, so several processes may share a cache. The
server's clock counts, not theirs.

What a key means and whether a text can be trusted is not known here. The counts may be off by one where a connection
broke while something was counted.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from executor.store import scripts
from executor.store.connection import Connection
from executor.store.keys import Keys, ResultKind
from htn.errors import UsageError

_MOST_HOURS = 24 * 365 * 100.0


@dataclass(frozen=True)
class ResultLimits:
    """How much is kept: `entries` and `bytes` of text at most, each for `hours` since it was kept."""

    entries: int = 10_000
    bytes: int = 64 * 2**20
    hours: float = 168.0

    def __post_init__(self) -> None:
        for name, least, most in (("entries", 1, 10**8), ("bytes", 1, 2**40), ("hours", 1e-6, _MOST_HOURS)):
            value = getattr(self, name)
            if not (math.isfinite(value) and least <= value <= most):
                raise UsageError(
                    f"the {name} of a result cache cannot be {value}",
                    hints=(f"choose a number from {least:g} to {most:g}",),
                )

    @property
    def most_of_one(self) -> int:
        """The bytes of the largest text that is kept: a sixteenth of the whole, so that one text drives out few."""
        return max(1, self.bytes // 16)


@dataclass(frozen=True)
class ResultStatistics:
    """What a cache has been good for since it was last cleared as a whole."""

    entries: int
    bytes: int
    hits: int
    misses: int
    kept: int
    evicted: int
    expired: int

    @property
    def hit_rate(self) -> float:
        """The share of the questions that had an answer, 0 where nothing was asked."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


class Results:
    """The results, or the answers, under one prefix of one server; `Store.results` and `Store.answers` make it."""

    def __init__(self, connection: Connection, keys: Keys, limits: ResultLimits, kind: ResultKind = "result") -> None:
        self._connection = connection
        self._keys = keys
        self._kind = kind
        self.limits = limits

    def get(self, name: str) -> str | None:
        """Return what is kept under a name, or None; counts a hit or a miss. Raises ServiceMissing."""
        found = self._script(scripts.RESULT_GET, name)
        return None if found is None else str(found)

    def put(self, name: str, text: str) -> bool:
        """Keep a text under a name, instead of what is there; return whether it was small enough to keep.

        Raises ServiceMissing.
        """
        if len(text.encode(errors="surrogatepass")) > self.limits.most_of_one:
            return False
        lifetime = str(max(1, round(self.limits.hours * 3_600_000)))
        self._script(scripts.RESULT_PUT, name, text, lifetime, str(self.limits.entries), str(self.limits.bytes))
        return True

    def spoiled(self, name: str) -> None:
        """Remove what is kept under a name because it cannot be used; the hit that it gave counts as a miss."""
        self._script(scripts.RESULT_SPOILED, name)

    def remove(self, name: str) -> None:
        """Remove what is kept under a name, if anything is."""
        self._script(scripts.RESULT_REMOVE, name)

    def clear(self, *, older_than_hours: float | None = None) -> int:
        """Remove the entries that were kept longer ago than so many hours, or all, and the counts too.

        Return how many there were. Raises UsageError for a number of hours that is none.
        """
        if older_than_hours is None:
            return int(self._whole(scripts.RESULTS_CLEAR, ""))
        if not 0 <= older_than_hours <= _MOST_HOURS:  # NaN is refused here too
            raise UsageError(
                f"results cannot be older than {older_than_hours} hours",
                hints=(f"choose a number from 0 to {_MOST_HOURS:.0f}",),
            )
        return int(self._whole(scripts.RESULTS_CLEAR, str(round(older_than_hours * 3_600_000_000))))

    def statistics(self) -> ResultStatistics:
        """Return how much is kept and what it has been good for."""
        return ResultStatistics(*map(int, self._whole(scripts.RESULTS_COUNT)))

    def _script(self, script: str, name: str, *arguments: str) -> Any:
        keys = (*self._keys.results(self._kind), self._keys.result(name, self._kind))
        return self._run(script, keys, (self._keys.every_result(self._kind), name, *arguments))

    def _whole(self, script: str, *arguments: str) -> Any:
        return self._run(script, self._keys.results(self._kind), (self._keys.every_result(self._kind), *arguments))

    def _run(self, script: str, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        return self._connection.run(lambda client, again: client.register_script(script)(keys, arguments))
