"""Carry out the steps of a plan: independent ones at the same time, up to a limit, each under the guard.

The state is changed by a step that went well and by no other. What is written down where is the journal's; without one
that is in the store, the run ends with its process.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from executor.begun import Begun
from executor.drive import Drive
from executor.guard import Errand, Guard
from executor.journal import Journal, MemoryJournal
from executor.library import Library
from executor.patience import NONE
from executor.performer import Performer, may_be_redone
from executor.retries import Retries
from executor.retrying import Retrying
from executor.run import Event, Run, Step, StepState
from executor.sandbox import Sandbox, SandboxLimits
from executor.schedule import Order, Schedule, order_of
from executor.stop import Stop
from htn.domain import Domain
from htn.errors import ExecutionError
from htn.plan import Action, Plan
from htn.state import State


@dataclass(frozen=True)
class Actor:
    """What it takes to carry out plans of a domain. Without `retries` no step is tried again."""

    domain: Domain
    library: Callable[[], Library]
    sandbox: Callable[[], Sandbox]
    limits: SandboxLimits
    clock: Callable[[], float] = time.perf_counter
    retries: Callable[[], Retries] | None = None
    sleep: Callable[[float], None] = time.sleep
    parallel: int = 1
    stop: Stop = field(default_factory=Stop)
    read: Callable[[Action, Mapping[tuple[str, Any], object]], Mapping[tuple[str, Any], object]] | None = None

    def act(
        self,
        plan: Plan,
        state: State,
        on_event: Callable[[Event], None] = lambda event: None,
        *,
        run_id: str | None = None,
        journal: Journal | None = None,
        begun: Begun | None = None,
    ) -> Run:
        """Carry out `plan`, changing `state`. The run says how far it came; its failed step says why.

        `run_id` is given where counts of retries may be left of an earlier process; otherwise one is made.
        ExecutionError where some steps could never begin.
        """
        begun = begun or Begun(order=order_of(self.domain, state, plan, self.parallel))
        order = begun.order or Order.as_planned(len(plan))
        events: list[Event] = []
        one_by_one = threading.Lock()

        def tell(event: Event) -> None:
            with one_by_one:
                events.append(event)
                on_event(event)

        performer = Performer(self.domain, self.library, self.sandbox, self.limits, self.read)
        patience = journal.patience if journal else NONE
        retrying = Retrying(self.retries, self.sleep, run_id, patience)
        journal = journal or MemoryJournal(retrying.run_id)
        errands = [
            Errand(f"{begun.number}.{at + 1}", at, action, order.reads_of(at), may_be_redone(self.domain, action))
            for at, action in enumerate(plan.actions)
        ]
        guard = Guard(journal, performer, retrying, tell, self.stop, self.clock)
        done = [at for at, step in begun.steps.items() if step.state is StepState.DONE]
        try:
            schedule = Schedule(order.before, done)
        except ExecutionError:
            retrying.ended()
            raise
        drive = Drive(guard, errands, schedule, state, self.parallel, begun.commits, begun.catch_up, self.sleep)
        drive.run()
        retrying.ended()
        return run_of(plan, begun, events, retrying.run_id, drive.unsure)


def run_of(plan: Plan, begun: Begun, events: Sequence[Event], run_id: str, unsure: Sequence[int]) -> Run:
    """Return the run that these events lead to, from what was done before."""
    steps = [
        begun.steps.get(at) or Step(action, key=f"{begun.number}.{at + 1}") for at, action in enumerate(plan.actions)
    ]
    for event in events:
        steps[event.step] = steps[event.step].after(event)
    for at in unsure:
        steps[at] = replace(steps[at], state=StepState.UNSURE)
    return Run(tuple(steps), run_id)
