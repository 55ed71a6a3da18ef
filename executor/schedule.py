"""In which order the steps of a plan may be carried out: which is ready, and whether some never will be.

The step that comes first in the plan is the first that is ready; so one at a time they are carried out as planned
(Kahn, 1962).
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from executor.run.log import place_text
from htn.dependencies import dependencies_of
from htn.domain import Domain
from htn.errors import ExecutionError, UsageError
from htn.observe import Place
from htn.plan import Plan
from htn.state import State
from htn.values import to_json


@dataclass(frozen=True)
class Order:
    """For each step those that must come before it, and the places that it reads, where anybody looked."""

    before: tuple[tuple[int, ...], ...]
    reads: tuple[tuple[str, ...], ...] = field(default=(), repr=False)

    @classmethod
    def as_planned(cls, steps: int) -> "Order":
        """Return the order in which each step waits for the one before it."""
        return cls(tuple((at - 1,) if at else () for at in range(steps)))

    def reads_of(self, step: int) -> tuple[str, ...]:
        """Return the places that a step reads."""
        return self.reads[step] if self.reads else ()

    def to_json(self) -> dict[str, Any]:
        """Return the order as a log keeps it."""
        return {
            "before": list(map(list, self.before)),
            **({"reads": list(map(list, self.reads))} if self.reads else {}),
        }


def order_of(domain: Domain, state: State, plan: Plan, parallel: int) -> Order:
    """Return the order that what actions read and write leaves; as planned where only one may run at a time."""
    if parallel == 1 or len(plan) < 2:
        return Order.as_planned(len(plan))
    try:
        found = dependencies_of(domain, state, plan)
    except UsageError:  # some value is not known before: the steps of such a plan keep their order
        return Order.as_planned(len(plan))
    return Order(found.before, tuple(tuple(map(_place, those)) for those in found.reads))


def _place(place: Place) -> str:
    if place.is_existence:
        return f"{place.variable} ?"
    try:
        return place_text(place.variable, None if place.key is None else to_json(place.key))
    except UsageError:
        return f"{place.variable} {place.key!r}"


class Schedule:
    """The steps of a plan, from 0, and for each those that must come before it.

    ExecutionError where steps wait for each other, or for one that there is not: then some would never be ready.
    """

    def __init__(self, before: Sequence[Iterable[int]], done: Iterable[int] = ()) -> None:
        self._before = [frozenset(those) for those in before]
        self._after: list[list[int]] = [[] for _ in self._before]
        for step, those in enumerate(self._before):
            for one in those:
                if not 0 <= one < len(self._before):
                    raise deadlock([step], f"step {step + 1} waits for step {one + 1}, which there is not")
                self._after[one].append(step)
        self.left: set[int] = set(range(len(self._before)))
        self._waits = [len(those) for those in self._before]
        self._ready = [step for step, count in enumerate(self._waits) if not count]
        self._begun: set[int] = set()
        self._refuse_circles()
        for step in done:
            self.done(step)

    @property
    def ready(self) -> int:
        """How many steps could be begun now."""
        self._clean()
        return len(self._ready)

    def next(self) -> int | None:
        """Begin the first step that is ready; None where none is."""
        self._clean()
        if not self._ready:
            return None
        step = heapq.heappop(self._ready)
        self._begun.add(step)
        return step

    def put_back(self, step: int) -> None:
        """Let a step be ready again that was begun."""
        self._begun.discard(step)
        heapq.heappush(self._ready, step)

    def done(self, step: int) -> None:
        """Note that a step is done: others may be ready now."""
        if step not in self.left:
            return
        self.left.remove(step)
        self._begun.add(step)
        for other in self._after[step]:
            self._waits[other] -= 1
            if not self._waits[other]:
                heapq.heappush(self._ready, other)

    def _clean(self) -> None:
        """Drop from the front what was begun or done otherwise."""
        while self._ready and self._ready[0] in self._begun:
            heapq.heappop(self._ready)

    def _refuse_circles(self) -> None:
        waits, free = list(self._waits), list(self._ready)
        heapq.heapify(self._ready)
        seen = 0
        while free:
            seen += 1
            for other in self._after[free.pop()]:
                waits[other] -= 1
                if not waits[other]:
                    free.append(other)
        if seen < len(waits):
            stuck = [step for step, count in enumerate(waits) if count]
            raise deadlock(stuck, "steps " + ", ".join(str(step + 1) for step in stuck[:8]) + " wait for each other")


def deadlock(steps: Sequence[int], why: str) -> ExecutionError:
    """Return the error for steps that can never begin."""
    return ExecutionError(
        f"the run cannot go on, because {len(steps)} of its steps can never begin: {why}",
        hints=("which step must come before which is wrong: htn plan --graph shows what a plan's own are",),
    )
