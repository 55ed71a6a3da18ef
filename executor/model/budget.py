"""How many questions may still be put to a model. One budget may be shared by many callers."""

from threading import Lock

from htn.errors import LimitReached, UsageError


class CallBudget:
    """A number of model calls that is used up one by one and never overdrawn.

    The call is taken before the request goes out, so that two threads that share a budget of one
    cannot both ask.
    """

    def __init__(self, limit: int) -> None:
        if limit < 0:
            raise UsageError(f"the number of model calls cannot be negative: {limit}")
        self.limit = limit
        self._used = 0
        self._lock = Lock()

    @property
    def remaining(self) -> int:
        """How many calls are left."""
        return self.limit - self._used

    def take(self, purpose: str) -> None:
        """Take one call, or raise LimitReached when none is left."""
        with self._lock:
            if self._used >= self.limit:
                raise LimitReached(
                    f"the budget of {self.limit} model calls is used up",
                    where=f"the call for {purpose}",
                    hints=("allow more: --max-calls, or HTN_MAX_CALLS",),
                )
            self._used += 1

    def give_back(self) -> None:
        """Return a call that was taken for a request that never went out."""
        with self._lock:
            self._used -= 1
