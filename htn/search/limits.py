"""When a search stops looking, and how it tells what it does."""

from collections.abc import Callable
from dataclasses import dataclass

from htn.errors import DomainError, LimitReached
from htn.network import Multigoal, Task

_CLOCK_EVERY = 16


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

    def first_look(self) -> int:
        """Return the number of expansions at which to look for the first time."""
        return 0

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
        timed = self._deadline is not None or self._cancelled is not None
        soon = expansions + _CLOCK_EVERY if timed else expansions + (1 << 62)
        return soon if limits.expansions is None else min(soon, limits.expansions)

    def too_deep(self) -> LimitReached:
        """Return the error for a decomposition that is nested too deeply."""
        return LimitReached(f"decomposition went {self.depth:,} levels deep")
