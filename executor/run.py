"""A run, as data: what happened to each step of a plan. The state of a run is the fold of its events.

    pending --start--> running --finish--> done
       ^                  ├-----fail-----> failed
       └------retry-------┘

A step that was never started stays pending. One that failed for a reason that may pass waits to be started again, and
says how often it did. An event that the table does not allow is a bug, and says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from htn.errors import Trouble
from htn.plan import Action


class StepState(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


TRANSITIONS: dict[tuple[StepState, str], StepState] = {
    (StepState.PENDING, "start"): StepState.RUNNING,
    (StepState.RUNNING, "finish"): StepState.DONE,
    (StepState.RUNNING, "fail"): StepState.FAILED,
    (StepState.RUNNING, "retry"): StepState.PENDING,
}


class IllegalEventError(Exception):
    """An event that is not allowed where the step stands."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a step. `kind` is start, finish, fail or retry; `seconds` is the step's own time.

    `trouble` says why a step failed, or has to be tried again; `detail` is its message.
    """

    step: int
    kind: str
    seconds: float = 0.0
    detail: str = ""
    trouble: Trouble | None = None


@dataclass(frozen=True)
class Step:
    """An action of the plan, and what became of it. `retries` is how often it was tried again."""

    action: Action
    state: StepState = StepState.PENDING
    seconds: float = 0.0
    detail: str = ""
    trouble: Trouble | None = None
    retries: int = 0

    def after(self, event: Event) -> "Step":
        """Return the step after one more event. IllegalEventError where the table does not allow it."""
        following = TRANSITIONS.get((self.state, event.kind))
        if following is None:
            raise IllegalEventError(f"step {event.step} is {self.state}, so it cannot {event.kind}")
        again = self.retries + (event.kind == "retry")
        return Step(self.action, following, event.seconds, event.detail, event.trouble, again)


@dataclass(frozen=True)
class Run:
    """The steps of a plan, as far as they were carried out. `id` is what other processes know the run by."""

    steps: tuple[Step, ...]
    id: str = ""

    @classmethod
    def of(cls, actions: Iterable[Action], events: Iterable[Event] = (), *, run_id: str = "") -> "Run":
        """Return the run in which these events happened, in this order."""
        steps = [Step(action) for action in actions]
        for event in events:
            steps[event.step] = steps[event.step].after(event)
        return cls(tuple(steps), run_id)

    @property
    def done(self) -> bool:
        """Whether every step is done."""
        return all(step.state is StepState.DONE for step in self.steps)

    @property
    def failed(self) -> Step | None:
        """The step that failed, or None."""
        return next((step for step in self.steps if step.state is StepState.FAILED), None)
