"""What happened to each step of one plan, as data: the fold of its events by the table."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from executor.run.table import StepState, step_after
from htn.errors import Trouble
from htn.plan import Action


@dataclass(frozen=True)
class Event:
    """Something that happened to a step. `kind` is an event of the table; `seconds` is the step's own time.

    `trouble` says why a step failed, or has to be tried again; `detail` is its message. `by` is who carries it out.
    """

    step: int
    kind: str
    seconds: float = 0.0
    detail: str = ""
    trouble: Trouble | None = None
    by: str = ""


@dataclass(frozen=True)
class Step:
    """An action of the plan, and what became of it. `retries` is how often it was tried again.

    `key` is what the log of its run knows it by: the number of the plan, and its place in it, from 1.
    """

    action: Action
    state: StepState = StepState.PENDING
    seconds: float = 0.0
    detail: str = ""
    trouble: Trouble | None = None
    retries: int = 0
    attempts: int = 0
    by: str = ""
    key: str = ""

    def after(self, event: Event) -> "Step":
        """Return the step after one more event. IllegalEventError where the table does not allow it."""
        following = step_after(self.state, event.kind, f"step {self.key or event.step}")
        return replace(
            self,
            state=following,
            seconds=event.seconds,
            detail=event.detail,
            trouble=event.trouble,
            retries=self.retries + (event.kind == "retry"),
            attempts=self.attempts + (event.kind == "start"),
            by=event.by or self.by,
        )


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

    @property
    def unsure(self) -> tuple[Step, ...]:
        """The steps of which nobody knows whether they were done."""
        return tuple(step for step in self.steps if step.state is StepState.UNSURE)
