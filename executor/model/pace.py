"""How fast questions may be put: at most so many requests in any minute.

The count is a `Turns`: the one here is for the threads of this process; `executor.store` has one for
all processes that share a server.
"""

import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Protocol

from htn.errors import LimitReached, UsageError

MINUTE = 60.0
LEAST_WAIT = 0.001  # rounding would make less than this into 0, which says that a turn was taken


class Turns(Protocol):
    """Counts the requests of the last minute."""

    def take(self) -> float:
        """Take a turn and return 0, or return the seconds after which to try again."""


class LocalTurns:
    """The turns of this process."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        if per_minute < 1:
            raise UsageError(f"at least one request a minute has to be allowed, not {per_minute}")
        self._per_minute = per_minute
        self._clock = clock
        self._taken: deque[float] = deque()
        self._lock = Lock()

    def take(self) -> float:
        """Take a turn and return 0, or return the seconds after which to try again."""
        with self._lock:
            at = self._clock()
            while self._taken and self._taken[0] <= at - MINUTE:
                self._taken.popleft()
            if len(self._taken) >= self._per_minute:
                return max(LEAST_WAIT, self._taken[0] + MINUTE - at)
            self._taken.append(at)
            return 0.0


class Pace:
    """Waits for a turn, at most `patience` seconds."""

    def __init__(self, turns: Turns, *, patience: float, sleep: Callable[[float], None] = time.sleep) -> None:
        self._turns = turns
        self._patience = patience
        self._sleep = sleep

    def wait(self, purpose: str) -> None:
        """Return when a request may go out; LimitReached when that takes longer than anybody waits."""
        waited = 0.0
        while (seconds := self._turns.take()) > 0:
            if waited + seconds > self._patience:
                raise LimitReached(
                    f"no request may go to the model for another {seconds:.0f} s",
                    where=f"the call for {purpose}",
                    hints=("allow more: HTN_REQUESTS_PER_MINUTE; or wait longer: HTN_MODEL_TIMEOUT",),
                )
            self._sleep(seconds)
            waited += seconds
