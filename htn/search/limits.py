"""When a search stops looking, and how it tells what it does."""

import gc
from collections.abc import Callable
from dataclasses import dataclass

from htn.errors import DomainError, LimitReached
from htn.network import Multigoal, Task

_CLOCK_EVERY = 16
_COLLECT_EVERY = 250_000


def hold_back_collector() -> bool:
    """Hold Python's collector of cyclic garbage back, and return whether it was at work: then enable it again.

    What a search makes has no cycles, and it makes a lot: a third of the time of a long search would go into looking
    through it again and again. What cycles a domain's functions make is collected every quarter of a million
    expansions (see `Watch.look`).
    """
    was_on = gc.isenabled()
    gc.disable()
    return was_on


@dataclass(frozen=True)
class Limits:
    """When to stop looking: expansions, seconds of the clock that is passed in, levels of decomposition."""

    expansions: int | None = None
    seconds: float | None = None
    depth: int | None = None


@dataclass(frozen=True)
class SearchEvent:
    """Something that the search did. `kind` is "action", "method", "gap", "backtrack" or "plan"."""

    kind: str
    task: Task | Multigoal
    method: str | None
    depth: int


class Watch:
    """Looks at the limits. The search counts expansions and asks again when it has reached the number it was told."""

    def __init__(self, limits: Limits, clock: Callable[[], float] | None, cancelled: Callable[[], bool] | None) -> None:
        if limits.seconds is not None and clock is None:
            raise DomainError("a limit in seconds needs a clock", hints=("pass clock=time.monotonic",))
        self._limits, self._clock, self._cancelled = limits, clock, cancelled
        self._deadline = clock() + limits.seconds if clock and limits.seconds is not None else None
        self.depth = limits.depth
        self._collect_at = _COLLECT_EVERY

    def look(self, expansions: int) -> int:
        """Raise LimitReached when it is time to stop; else return the number of expansions at which to look again."""
        limits = self._limits
        if limits.expansions is not None and expansions >= limits.expansions:
            plural = "" if limits.expansions == 1 else "s"
            raise LimitReached(f"stopped after {limits.expansions:,} expansion{plural}")
        if self._cancelled is not None and self._cancelled():
            raise LimitReached("stopped because it was cancelled")
        if self._deadline is not None and self._clock is not None and self._clock() > self._deadline:
            raise LimitReached(f"stopped after {limits.seconds:g} seconds")
        if expansions >= self._collect_at:
            gc.collect(1)
            self._collect_at = expansions + _COLLECT_EVERY
        timed = self._deadline is not None or self._cancelled is not None
        soon = expansions + _CLOCK_EVERY if timed else self._collect_at
        return soon if limits.expansions is None else min(soon, limits.expansions)

    def too_deep(self) -> LimitReached:
        """Return the error for a decomposition that is nested too deeply."""
        return LimitReached(f"decomposition went {self.depth:,} levels deep")
