"""What a search did, step by step, for whoever asks for it: `find_plan(..., trace=True)`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from htn.gtpyhop.things import State

if TYPE_CHECKING:
    from htn.gtpyhop.engine import Engine

TERMINAL = frozenset({
    "not_applicable", "malformed_return", "method_malformed_return",
    "task_exhausted", "goal_exhausted", "multigoal_exhausted",
})  # fmt: skip


@dataclass(frozen=True)
class TraceEvent:
    """One attempt. `depth` is how many actions had been planned before it.

    `status` of an action: "applied", "idempotent", "not_applicable", "malformed_return"; of a method:
    "method_applicable", "method_not_applicable", "method_malformed_return"; when the last method has failed:
    "task_exhausted", "goal_exhausted", "multigoal_exhausted".
    """

    depth: int
    item: Any
    status: str
    detail: str | None = None
    state: State | None = None


@dataclass
class PlanTrace:
    """The attempts of one search, in order. `with_state` keeps the state of each; it costs a copy each time."""

    with_state: bool = False
    events: list[TraceEvent] = field(default_factory=list)

    def action(self, item: Any, engine: "Engine", status: str, returned: Any = None) -> None:
        """Take down what an action did, or that a task is exhausted."""
        detail = f"returned {type(returned).__name__}: {returned!r:.200}" if "malformed" in status else None
        state = engine.copy() if self.with_state else None
        self.events.append(TraceEvent(engine.plan_length(), item, status, detail, state))

    def method(self, item: Any, engine: "Engine", found: Any) -> None:
        """Take down what a method answered."""
        if found is None or found is False:
            self.action(item, engine, "method_not_applicable")
        else:
            well_formed = isinstance(found, (list, Iterator))
            self.action(item, engine, "method_applicable" if well_formed else "method_malformed_return", found)

    @property
    def dead_end(self) -> TraceEvent | None:
        """The first attempt at which the search had to go back, or None."""
        return next((event for event in self.events if event.status in TERMINAL), None)

    @property
    def applied_before_dead_end(self) -> int:
        """How many actions were applied before the first dead end; all of them when there is none."""
        dead_end = self.dead_end
        before = self.events if dead_end is None else self.events[: self.events.index(dead_end)]
        return sum(event.status in {"applied", "idempotent"} for event in before)

    @property
    def malformed_returns(self) -> list[TraceEvent]:
        """The attempts in which a function returned what it must not."""
        return [event for event in self.events if "malformed" in event.status]

    def __len__(self) -> int:
        return len(self.events)

    def __bool__(self) -> bool:
        return True
