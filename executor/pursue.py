"""Carry tasks out, as far as can be planned, then on from there: what `Agent.run` does.

    plan ──whole plan──────────▶ carry out ──▶ done
     ▲ ▲ └─stage───────────────▶ carry out ──▶ what is left, with what is known now ─┐
     │ └ a gap was closed                └ a body broke its contract                 │
     │                                              │                                │
     └── what is left, without that body ◀──────────┘ ◀──────────────────────────────┘

The rules:

1. Known ways first: a gap is closed only where what is left cannot be planned without. One at a time.
2. A stage (see `htn.stage`) must make something known. Where it did not, or there were too many, the run ends there.
3. What was done stays done. After a body broke its contract, what is left is planned from the state as it is: first
   just that, then with the tasks above the step decomposed anew, the lowest first. Where that leads nowhere, or was
   done too often, the run ends with the step that failed.
4. Whatever is carried out was verified first, each stage by itself.

Not here: steps that fail for other reasons, which end the run; runs that survive the process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from executor.run import Event, Run, Step, StepState
from htn.domain import Domain, Operator
from htn.errors import ContractViolated, DomainError, HtnError, LimitReached, NeedsValue
from htn.failure import Failure, Gap
from htn.network import Part, show_network
from htn.plan import Plan
from htn.stage import Stage, ancestors, first_stage, remaining
from htn.state import State
from htn.verify import verify_plan

if TYPE_CHECKING:
    from executor.learn import Learned, LearnEvent
    from executor.model import Call

# Tasks above a failed step that are decomposed anew, from the lowest on; the topmost one is tried in any case.
_MOST_LEVELS = 20


@dataclass(frozen=True)
class Replan:
    """A body that broke its contract in a run: its step, and what was left to do from there."""

    step: Step
    left: tuple[Part, ...]

    def __str__(self) -> str:
        left = ", ".join(map(show_network, self.left))
        return f"{self.step.action} broke its contract; what is left is planned again: {left}"

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "action": str(self.step.action),
            "version": self.step.action.version,
            "detail": self.step.detail,
            "left": list(map(show_network, self.left)),
        }


@dataclass(frozen=True)
class Listener:
    """Hears what an agent does, as it does it. What nobody hears costs nothing."""

    planned: Callable[[Plan | Failure], None] = lambda result: None
    gap: Callable[[Gap], None] = lambda gap: None
    learning: Callable[[LearnEvent], None] = lambda event: None
    step: Callable[[Event], None] = lambda event: None
    note: Callable[[str], None] = lambda text: None
    stage: Callable[[Stage], None] = lambda stage: None
    replanned: Callable[[Replan], None] = lambda replan: None


@dataclass(frozen=True)
class Report:
    """What came of `Agent.run`: the last plan or failure, what was learned on the way, and the run, if it began.

    The run has the steps that count: those that were done, and those of the last plan. `replans` are the steps instead
    of which others were planned; `stages` counts the stages before the last plan. `evaluations` counts the bodies that
    were run while planning.
    """

    result: Plan | Failure
    learned: tuple[Learned, ...]
    run: Run | None
    state: State
    calls: tuple[Call, ...]
    replans: tuple[Replan, ...] = ()
    stages: int = 0
    evaluations: int = 0


class Means(Protocol):
    """What carrying out takes; an agent has it."""

    def known(self, learned: Sequence[Operator]) -> Domain:
        """Return the domain with what the library has for it now, and with what was learned on the way."""

    def find(self, domain: Domain, tasks: Sequence[Part], state: State) -> Plan | Failure:
        """Look for a plan."""

    def close(self, domain: Domain, gap: Gap) -> tuple[Learned, Operator | None]:
        """Close a gap; the operator that does it, if it was learned."""

    def act(self, domain: Domain, plan: Plan, state: State) -> Run:
        """Carry out a plan."""


@dataclass(frozen=True)
class Bounds:
    """How far a run may go: whether it learns, how often it plans again, and how many stages it has."""

    learns: bool
    replans: int
    stages: int


@dataclass
class Pursuit:
    """One run: what was learned and done so far, and what is left."""

    means: Means
    bounds: Bounds
    listener: Listener
    state: State
    learned: list[Learned] = field(default_factory=list)
    replans: list[Replan] = field(default_factory=list)
    stages: int = 0
    _own: list[Operator] = field(default_factory=list)
    _done: list[Step] = field(default_factory=list)
    _id: str = ""

    def run(self, tasks: Sequence[Part]) -> tuple[Plan | Failure, Run | None]:
        """Carry the tasks out. Returns the last plan, or why there was none, and the run, if it began."""
        left = [tuple(tasks)]
        broken: tuple[Plan, Run] | None = None
        while True:
            domain, parts, result = self._planned(left)
            stage = result.stage if isinstance(result, Failure) else first_stage(domain, self.state, result)
            plan = stage.plan if stage else result
            if isinstance(plan, Failure):
                if broken:
                    self.listener.note(f"there is no other way to go on: {plan.explain().splitlines()[0]}")
                    return broken
                return plan, Run(tuple(self._done), self._id) if self._done else None
            _verify(domain, plan, parts, self.state)
            run = self.means.act(domain, plan, self.state)
            self._id = run.id
            whole = Run((*self._done, *run.steps), run.id)
            self._done += [step for step in run.steps if step.state is StepState.DONE]
            broken = None
            if run.failed:
                if not _is_violation(run.failed) or len(self.replans) >= self.bounds.replans:
                    return plan, whole
                left, broken = self._without(domain, plan, run, run.failed), (plan, whole)
            elif stage is None:
                return plan, whole
            elif stopped := self._stuck(stage):
                return Failure(domain.source, stage.rest, None, None, (), 0, stopped), whole
            else:
                self.stages += 1
                left = [stage.rest]

    def _planned(self, left: Sequence[tuple[Part, ...]]) -> tuple[Domain, tuple[Part, ...], Plan | Failure]:
        """Plan the first of some ways to say what is left that has a plan; where none has, close gaps."""
        domain = self.means.known(self._own)
        while True:
            failures: list[Failure] = []
            for parts in left:
                result = self.means.find(domain, parts, self.state)
                if isinstance(result, Plan) or result.stage:
                    self._tell(domain, result)
                    return domain, parts, result
                failures.append(result)
            failure = next((one for one in failures if one.gaps and not one.stopped), failures[0])
            self.listener.planned(failure)
            if not failure.gaps or failure.stopped or not self.bounds.learns:
                return domain, left[0], failure
            learned, operator = self.means.close(domain, failure.gaps[0])
            self.learned.append(learned)
            if operator is None:
                return domain, left[0], failure
            self._own.append(operator)
            domain = self.means.known(self._own)

    def _tell(self, domain: Domain, result: Plan | Failure) -> None:
        stage = result.stage if isinstance(result, Failure) else first_stage(domain, self.state, result)
        if stage:
            self.listener.stage(stage)
        else:
            self.listener.planned(result)

    def _without(self, domain: Domain, plan: Plan, run: Run, failed: Step) -> list[tuple[Part, ...]]:
        """Return the ways to say what is left where a step's body broke its contract, the exact one first."""
        self._own = [operator for operator in self._own if operator.version != failed.action.version]
        actions = [at for at, node in enumerate(plan.nodes) if node.is_action]
        first = actions[run.steps.index(failed)]
        left = [remaining(domain, plan, first)]
        left += [remaining(domain, plan, first, anew) for anew in _levels(plan, first)]
        replan = Replan(failed, left[0])
        self.replans.append(replan)
        self.listener.replanned(replan)
        return left

    def _stuck(self, stage: Stage) -> HtnError | None:
        """Return why the run cannot go on after a stage."""
        unknown = stage.still_unknown(self.state)
        if len(unknown) == len(stage.unknown):
            return NeedsValue(
                f"{', '.join(unknown)} was to become known, and did not",
                hints=("give the operator that finds it out a command, which writes it into the state",),
            )
        if self.stages >= self.bounds.stages:
            return LimitReached(f"there were {self.stages:,} stages, and there would be more")
        return None


def _levels(plan: Plan, node: int) -> list[int]:
    """Return the tasks above a node that are decomposed anew, the lowest first."""
    above = list(ancestors(plan, node))
    return above if len(above) <= _MOST_LEVELS else [*above[:_MOST_LEVELS], above[-1]]


def _verify(domain: Domain, plan: Plan, tasks: tuple[Part, ...], state: State) -> None:
    if flaws := verify_plan(domain, state, plan, tasks):
        raise DomainError(
            f"the plan does not hold when it is checked: {flaws[0]}",
            hints=("a function of the domain gives other results for the same state: does it look at anything else?",),
        )


def _is_violation(step: Step) -> bool:
    return step.trouble is not None and step.trouble.code == ContractViolated.code
