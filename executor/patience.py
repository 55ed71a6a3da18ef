"""Patience with a service that is away: it may only be restarting, and a run that is under way outlives that."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from htn.errors import ServiceMissing

T = TypeVar("T")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


@dataclass(frozen=True)
class Patience:
    """How many seconds what does no harm when it is done twice is done again while a service is missing."""

    seconds: float = 30.0
    sleep: Callable[[float], None] = time.sleep

    def with_(self, work: Callable[[], T]) -> T:
        """Return what `work` returns; ServiceMissing where the service stays away."""
        pause, waited = _FIRST_PAUSE, 0.0
        while True:
            try:
                return work()
            except ServiceMissing:
                if waited >= self.seconds:
                    raise
            self.sleep(pause)
            waited, pause = waited + pause, min(_LONGEST_PAUSE, pause * 2)


NONE = Patience(0)
