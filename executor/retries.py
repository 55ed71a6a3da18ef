"""How often a step of a workflow may be tried again: a count that all processes share and that survives restarts.

A count begins when a step is tried again for the first time. It is cleared when the step is done, and with those of
all other steps when the workflow has ended, well or not. A process that takes a workflow up after a crash goes on
with the counts that it finds, so a step that brings its process down is not tried for ever.
"""

import re
import uuid

from executor.store import Store

MOST = 3
_OTHERWISE = re.compile(r"[^A-Za-z0-9_.-]")


class Retries:
    """The counts in one store. `most` is how often a step may be tried again; 0 for never.

    Ids have letters, digits, `.`, `_` and `-`, at most 128; UsageError for any other.
    """

    def __init__(self, store: Store, most: int = MOST) -> None:
        self._counts = store.retry_counts()
        self.most = most

    def again(self, workflow: str, step: str) -> int | None:
        """Count one more try of a step and return how many there are, or None where it may not be tried again."""
        return self._counts.count(workflow, step, most=self.most)

    def clear(self, workflow: str, step: str) -> None:
        """Forget the count of a step, which is done."""
        self._counts.clear(workflow, step)

    def clear_all(self, workflow: str) -> None:
        """Forget the counts of a workflow, which has ended."""
        self._counts.clear(workflow)

    def status(self, workflow: str) -> dict[str, int]:
        """Return how often the steps of a workflow that is under way were tried again, by step."""
        return self._counts.status(workflow)


def workflow_id() -> str:
    """Return an id for a workflow that nobody has given one."""
    return uuid.uuid4().hex


def step_id(at: int, name: str) -> str:
    """Return the id of a step: its place in the plan, from 1, and the name of its action."""
    return f"{at + 1}-{_OTHERWISE.sub('_', name)[:100]}"
