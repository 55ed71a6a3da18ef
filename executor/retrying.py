"""The retries of one run: how often each step may still be tried, and how long to wait before.

The counts are in the store, where all processes share them; it is asked when a step is to be tried again, and for what
an earlier process may have left.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from executor.patience import NONE, Patience
from executor.retries import Retries, workflow_id
from htn.errors import ServiceMissing

_FIRST_PAUSE = 0.1  # seconds before a step is tried again for the first time; it doubles each time
_LONGEST_PAUSE = 5.0


@dataclass(frozen=True)
class Again:
    """Whether a step may be tried again: after how many seconds, or why not, for a person."""

    allowed: bool
    pause: float = 0.0
    why_not: tuple[str, ...] = ()


class Retrying:
    """The retries of one run. Without `retries` no step is tried again."""

    def __init__(
        self, retries: Callable[[], Retries] | None, sleep: Callable[[float], None], run_id: str | None,
        patience: Patience = NONE,
    ) -> None:  # fmt: skip
        self.run_id = run_id or workflow_id()
        self._retries, self._sleep, self._patience = retries, sleep, patience
        self._counted: set[str] = set()
        if run_id is not None and retries is not None:
            self._counted.update(retries().status(run_id))

    def again(self, step: str) -> Again:
        """Count one more try of a step, and say whether it may be made."""
        if self._retries is None:
            return Again(False)
        try:
            retries = self._patience.with_(self._retries)
            count = self._patience.with_(lambda: retries.again(self.run_id, step))
        except ServiceMissing as error:
            return Again(False, 0, (f"it was not tried again, because that could not be counted: {error.message}",))
        if count is None:
            return Again(False, 0, (f"it was tried again as often as HTN_STEP_RETRIES allows: {retries.most}",))
        self._counted.add(step)
        return Again(True, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (count - 1)))

    def pause(self, again: Again) -> None:
        """Wait before a step is tried again, longer each time."""
        self._sleep(again.pause)

    def done(self, step: str) -> None:
        """Forget the count of a step."""
        if step in self._counted and self._retries is not None:
            self._counted.remove(step)
            with suppress(ServiceMissing):  # the step is done all the same; a count that stays ends by itself
                self._retries().clear(self.run_id, step)

    def ended(self) -> None:
        """Forget all counts of the run."""
        if self._counted and self._retries is not None:
            with suppress(ServiceMissing):  # as above
                self._retries().clear_all(self.run_id)
