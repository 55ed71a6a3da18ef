"""Runs: their records, their logs, and who carries out which step. See `run_scripts` for what is written how.

A log is a Redis stream, so that whoever follows it can go on where he stopped, by the id of the last event.
"""

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from executor.store import run_scripts as scripts
from executor.store.connection import Connection
from executor.store.keys import Keys
from executor.store.leases import LeaseLost
from executor.store.sizes import MOST_OF_A_RUN, small_enough
from htn.errors import UsageError

_BLOCK = 1.0  # seconds that one read waits; the connection's patience is longer
_BATCH = 1000


@dataclass(frozen=True)
class Claim:
    """The right to carry out a step, as long as it is extended. `base` is how many steps had committed before."""

    step: str
    mark: str
    base: int = 0


@dataclass(frozen=True)
class RunRow:
    """A run in a list: when it began (seconds since 1970), its record, None where it is gone, its state, its driver."""

    id: str
    began: float
    record: str | None
    state: str
    driven: bool


class RunLogs:
    """The runs of one store; `Store.runs` makes it."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def create(self, run: str, record: str, event: str) -> bool:
        """Begin a run; False where there is one with this id."""
        small_enough(record, MOST_OF_A_RUN)
        keys = [self._keys.run(run), self._keys.run_events(run), self._keys.runs(), self._keys.open_runs()]
        return bool(self._script(scripts.CREATE, keys, (run, record, uuid.uuid4().hex, event)))

    def append(
        self, run: str, event: str, *, holder: str = "", state: str = "", ended: bool = False, keep_ms: int = 0,
        mark: str = "",
    ) -> None:  # fmt: skip
        """Add an event to a log, under the lease whose holder is named. LeaseLost, UsageError for an unknown run."""
        small_enough(event, MOST_OF_A_RUN)
        k = self._keys
        keys = [
            k.run(run), k.run_events(run), k.lease(k.run_lease(run)), k.runs(), k.open_runs(),
            k.run_started(run), k.run_committed(run), k.run_places(run),
        ]  # fmt: skip
        result = self._script(
            scripts.APPEND, keys, (run, holder, mark or uuid.uuid4().hex, event, state, "01"[ended], str(keep_ms))
        )
        if result == 0:
            raise LeaseLost(f"another process drives the run {run} meanwhile, so nothing was written")
        if result == -1:
            raise unknown_run(run)

    def claim(
        self, run: str, step: str, event: str, mark: str, *, lives_ms: int, again: bool, holder: str = ""
    ) -> tuple[str, Claim]:
        """Claim a step, for the driver `holder` where one is named; who sends a claim again gives the same mark.

        Returns "claimed" with the claim, or why not: gone, lost, cancelled, closed, done, taken, doubt.
        To the driver no plan is closed.
        """
        keys = [*self._step_keys(run), self._keys.run_claim(run, step)]
        answer = self._script(scripts.CLAIM, keys, (step, mark, str(lives_ms), event, "01"[again], holder))
        return str(answer[0]), Claim(step, mark, int(answer[1]) if len(answer) > 1 else 0)

    def commit(
        self, run: str, claim: Claim, event: str, writes: Sequence[str], reads: Sequence[str]
    ) -> tuple[str, str]:
        """Commit a step once. Returns "done", "refused", or "conflict" and the place."""
        small_enough(event, MOST_OF_A_RUN)
        keys = [*self._step_keys(run), self._keys.run_claim(run, claim.step), self._keys.run_places(run)]
        only = [place for place in dict.fromkeys(reads) if place not in set(writes)]
        arguments = (claim.step, claim.mark, event, str(claim.base), str(len(writes)), *writes, *only)
        answer = self._script(scripts.COMMIT, keys, arguments)
        return str(answer[0]), str(answer[1]) if len(answer) > 1 else ""

    def give_up(self, run: str, claim: Claim, event: str) -> bool:
        """End an attempt that came to nothing; False where the step is another's by now."""
        small_enough(event, MOST_OF_A_RUN)
        return bool(self._script(scripts.GIVE_UP, self._ending_keys(run, claim.step), (claim.step, claim.mark, event)))

    def bury(self, run: str, step: str, mark: str, event: str) -> bool:
        """End an attempt whose runner is gone; False where it lives, or has ended meanwhile."""
        return bool(self._script(scripts.BURY, self._ending_keys(run, step), (step, mark, event)))

    def refuse(self, run: str, step: str, event: str) -> bool:
        """Tell of a step that somebody does not begin, as long as it could be begun; return whether that was told."""
        keys = [self._keys.run(run), self._keys.run_events(run)]
        return bool(self._script(scripts.REFUSE, keys, (step, event)))

    def close(self, run: str, plan: int, *, holder: str) -> bool:
        """Let no step be begun of the plans up to a number; False where the lease is another's than the holder's.

        Those of later plans may be: so the number before a plan's own opens it again.
        """
        keys = [self._keys.run(run), self._keys.lease(self._keys.run_lease(run))]
        return bool(self._script(scripts.CLOSE, keys, (holder, str(plan))))

    def keep(self, run: str, holder: str, *, lives_ms: int) -> bool:
        """Keep the driver's lease, also where it has lapsed; False where another drives the run, or has driven it."""
        keys = [self._keys.run(run), self._keys.lease(self._keys.run_lease(run))]
        return bool(self._script(scripts.KEEP, keys, (holder, str(lives_ms))))

    def beat(self, run: str, claims: Sequence[Claim], *, lives_ms: int) -> tuple[bool, list[bool]]:
        """Let claims live on. Returns whether the run is to be cancelled, and for each claim whether it lives."""
        keys = [self._keys.run(run), *(self._keys.run_claim(run, claim.step) for claim in claims)]
        answer = self._script(scripts.BEAT, keys, (str(lives_ms), *(claim.mark for claim in claims)))
        return bool(answer[0]), [bool(alive) for alive in answer[1:]]

    def started(self, run: str) -> dict[str, str]:
        """Return the steps that somebody began and has not ended: by step who."""
        key = self._keys.run_started(run)
        found = self._connection.run(lambda client, again: client.hgetall(key))
        return {str(step): str(mark) for step, mark in found.items()}

    def claimed(self, run: str, steps: Sequence[str]) -> list[bool]:
        """Say for each step whether somebody who lives has it."""
        keys = [self._keys.run_claim(run, step) for step in steps]
        found = self._connection.run(lambda client, again: client.mget(keys)) if keys else []
        return [one is not None for one in found]

    def cancel(self, run: str, event: str, why: str) -> bool:
        """Ask for a run to be cancelled; False where somebody has. UsageError for an unknown run."""
        keys = [self._keys.run(run), self._keys.run_events(run)]
        result = self._script(scripts.CANCEL, keys, (uuid.uuid4().hex, event, why or "1"))
        if result == -1:
            raise unknown_run(run)
        return bool(result)

    def record(self, run: str) -> str | None:
        """Return the record of a run, or None."""
        key = self._keys.run(run)
        found = self._connection.run(lambda client, again: client.hget(key, "record"))
        return None if found is None else str(found)

    def cancelling(self, run: str) -> str | None:
        """Return why a run is to be cancelled, or None where it is not."""
        key = self._keys.run(run)
        found = self._connection.run(lambda client, again: client.hget(key, "cancel"))
        return None if found is None else str(found)

    def summaries(self, most: int, *, only_open: bool = False) -> list[RunRow]:
        """Return what a list tells of runs, the newest first, in two round trips."""
        key = self._keys.open_runs() if only_open else self._keys.runs()
        found: Any = self._connection.run(lambda client, again: client.zrevrange(key, 0, most - 1, withscores=True))
        began = {str(run): float(score) / 1e6 for run, score in found}

        def ask(client: redis.Redis, again: bool) -> list[Any]:
            with client.pipeline(transaction=False) as pipeline:
                for run in began:
                    pipeline.hmget(self._keys.run(run), ["record", "state"])
                    pipeline.exists(self._keys.lease(self._keys.run_lease(run)))
                return list(pipeline.execute())

        answers = self._connection.run(ask) if began else []
        return [
            RunRow(run, began[run], hash_[0], str(hash_[1] or ""), bool(driven))
            for run, hash_, driven in zip(began, answers[::2], answers[1::2], strict=True)
        ]

    def is_driven(self, run: str) -> bool:
        """Say whether a process holds the lease of a run's driver."""
        key = self._keys.lease(self._keys.run_lease(run))
        return bool(self._connection.run(lambda client, again: client.exists(key)))

    def ids(self, most: int, *, only_open: bool = False) -> list[str]:
        """Return the ids of runs, the newest first."""
        key = self._keys.open_runs() if only_open else self._keys.runs()
        return list(map(str, self._connection.run(lambda client, again: client.zrevrange(key, 0, most - 1))))

    def forget(self, runs: Sequence[str]) -> None:
        """Take runs that are gone out of the lists."""
        every, still_open = self._keys.runs(), self._keys.open_runs()

        def remove(client: redis.Redis, again: bool) -> None:
            client.zrem(every, *runs)
            client.zrem(still_open, *runs)

        if runs:
            self._connection.run(remove)

    def events(self, run: str, after: str = "0-0", *, wait: float = 0.0, most: int = 0) -> list[tuple[str, str]]:
        """Return (id, text) of the events after an id; where there are none, wait up to `wait` seconds for one."""
        deadline = time.monotonic() + wait
        found: list[tuple[str, str]] = []
        while True:
            left = deadline - time.monotonic()
            batch = self._read(run, after, min(left, _BLOCK) if not found and left > 0 else 0)
            found += batch
            if batch:
                after = batch[-1][0]
            if (len(batch) < _BATCH and (found or deadline <= time.monotonic())) or 0 < most <= len(found):
                return found

    def _read(self, run: str, after: str, seconds: float) -> list[tuple[str, str]]:
        key, block = self._keys.run_events(run), max(1, round(seconds * 1000)) if seconds else None

        def read(client: redis.Redis, again: bool) -> Any:
            return client.xread({key: after}, count=_BATCH, block=block)

        rows = self._connection.run(read)
        return [(str(identity), str(fields["e"])) for _, entries in rows or () for identity, fields in entries]

    def remove(self, run: str) -> None:
        """Remove a run with its log."""
        k = self._keys
        keys = (k.run(run), k.run_events(run), k.run_started(run), k.run_committed(run), k.run_places(run))
        self._connection.run(lambda client, again: client.delete(*keys))
        self.forget([run])

    def _step_keys(self, run: str) -> list[str]:
        k = self._keys
        return [k.run(run), k.run_events(run), k.run_started(run), k.run_committed(run)]

    def _ending_keys(self, run: str, step: str) -> list[str]:
        k = self._keys
        return [k.run(run), k.run_events(run), k.run_started(run), k.run_claim(run, step)]

    def _script(self, script: str, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        return self._connection.run(lambda client, again: client.register_script(script)(keys, arguments))


def unknown_run(run: str) -> UsageError:
    """Return the error for a run that is not in the store."""
    return UsageError(f"there is no run {run[:128]!r}", hints=("htn runs lists those that are kept",))


def event_text(kind: str, **data: Any) -> str:
    """Return an event as a log keeps it. UsageError for what has no JSON form."""
    try:
        return json.dumps({"kind": kind, **data}, separators=(",", ":"), allow_nan=False)
    except ValueError as error:  # a number of more digits than Python writes out
        raise UsageError(f"this cannot be written down: {error}") from error
