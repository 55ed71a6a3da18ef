"""Carry tasks out, as far as can be planned, then on from there: what `Agent.run` does.

    plan ──whole plan──────────▶ carry out ──▶ done
     ▲ ▲ └─stage───────────────▶ carry out ──▶ what is left, with what is known now ─┐
     │ └ a gap was closed                └ a body broke its contract, a step failed  │
     │                                              │                                │
     └── what is left, in another way ◀─────────────┘ ◀──────────────────────────────┘

The rules:

1. Known ways first: a gap is closed only where what is left cannot be planned without. One at a time.
2. A stage (see `htn.stage`) must make something known. Where it did not, or there were too many, the run ends there.
3. What was done stays done. After a body broke its contract, what is left is planned from the state as it is: first
   just that, then with the tasks above the step decomposed anew, the lowest first. Where that leads nowhere, or was
   done too often, and after any other failure, the run goes on as `executor.recovery` knows how to, and as its level
   and mode allow, or ends with the step that failed.
4. Whatever is carried out was verified first, each stage by itself.

Every plan is written down before a step of it is carried out, and what is left before it is planned again, so that
another process can go on from there (see `executor.durable`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from executor.begun import Begun, CatchUp
from executor.levels import DEFAULT, Acting
from executor.recovery.setback import Frame, Setback
from executor.run import Event, Run, Step, StepState
from executor.schedule import order_of
from htn.domain import Domain, Operator
from htn.errors import (
    ContractViolated,
    DomainError,
    ExecutionError,
    HtnError,
    LimitReached,
    NeedsValue,
    Trouble,
    UsageError,
)
from htn.failure import Failure, Gap
from htn.network import Part, part_to_json, show_network
from htn.plan import Plan
from htn.stage import Stage, ancestors, first_stage, remaining
from htn.state import State
from htn.verify import verify_plan

if TYPE_CHECKING:
    from executor.hooks import Consulted
    from executor.learn import Learned, LearnEvent
    from executor.model import Call
    from executor.recovery import Place, Recovered, Tried

_MOST_SAID = 2_000  # characters of a step's error that the log keeps
# Tasks above a failed step that are decomposed anew, from the lowest on; the topmost one is tried in any case.
_MOST_LEVELS = 20
_NO_FRAME = Frame()


@dataclass(frozen=True)
class Replan:
    """A step that failed in a run, and what was left to do; `remedy` says how, where no contract was broken."""

    step: Step
    left: tuple[Part, ...]
    remedy: str = ""

    def __str__(self) -> str:
        left = ", ".join(map(show_network, self.left))
        if self.remedy:
            return f"{self.step.action} failed; the run goes on by {self.remedy}: {left}"
        return f"{self.step.action} broke its contract; what is left is planned again: {left}"

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "action": str(self.step.action),
            "version": self.step.action.version,
            "detail": self.step.detail,
            "left": list(map(show_network, self.left)),
            "remedy": self.remedy or None,
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
    call: Callable[[Call], None] = lambda call: None
    """A request that went out to a model, and has ended; it may be told by another thread."""


@dataclass(frozen=True)
class Report:
    """What came of `Agent.run`: the last plan or failure, what was learned on the way, and the run, if it began.

    The run has the steps that count: those that were done, and those of the last plan. `replans` are the steps instead
    of which others were planned; `stages` counts the stages before the last plan. `evaluations` counts the bodies that
    were run while planning. `tried` are the remedies that were tried for steps that failed, `asked` what came of the
    questions that a model was asked meanwhile; `acting` is how the run acted. `resumable` says that it may be taken up
    again.
    """

    result: Plan | Failure
    learned: tuple[Learned, ...]
    run: Run | None
    state: State
    calls: tuple[Call, ...]
    replans: tuple[Replan, ...] = ()
    stages: int = 0
    evaluations: int = 0
    tried: tuple[Tried, ...] = ()
    asked: tuple[Consulted[Any], ...] = ()
    acting: Acting = DEFAULT
    resumable: bool = False


class Means(Protocol):
    """What carrying out takes; an agent has it."""

    def known(self, learned: Sequence[Operator]) -> Domain:
        """Return the domain with what the library has for it now, and with what was learned on the way."""

    def find(self, domain: Domain, tasks: Sequence[Part], state: State) -> Plan | Failure:
        """Look for a plan."""

    def close(self, domain: Domain, gap: Gap) -> tuple[Learned, Operator | None]:
        """Close a gap; the operator that does it, if it was learned."""

    def act(self, domain: Domain, plan: Plan, state: State, begun: Begun) -> Run:
        """Carry out a plan, or what is left of one that was begun."""

    def recover(self, setback: Setback, domain: Domain, state: State, tried: Sequence[Tried]) -> Recovered:
        """Say how to go on after a step failed, if that may be; `tried` is what was tried before."""

    def pause(self, seconds: float) -> None:
        """Wait, unless the run is stopped meanwhile."""

    def done_with(self, step: Step, changes: Mapping[Place, object], state: State) -> bool:
        """Commit a step that failed with changes that are known; False where it is not ours by now."""


class Log(Protocol):
    """Where a run writes down what it does, so that another process could go on."""

    @property
    def run_id(self) -> str:
        """What other processes know the run by."""

    def append(self, kind: str, **data: Any) -> None:
        """Write an event."""


@dataclass(frozen=True)
class Bounds:
    """How far a run may go: whether it learns, how often it plans again, how many stages it has, and its width."""

    learns: bool
    replans: int
    stages: int
    parallel: int = 1


@dataclass(frozen=True)
class Current:
    """A plan under way: where it came from, what is planned after it, and what of it was begun before."""

    plan: Plan
    begun: Begun
    stage: Stage | None = None
    frame: Frame = _NO_FRAME


@dataclass(frozen=True)
class _Ended:
    """A plan that was carried out as far as it went: its steps, and all steps of the run that count."""

    current: Current
    run: Run
    whole: Run


@dataclass
class Pursuit:
    """One run: what was learned and done so far, and what is left."""

    means: Means
    bounds: Bounds
    listener: Listener
    state: State
    log: Log
    learned: list[Learned] = field(default_factory=list)
    replans: list[Replan] = field(default_factory=list)
    stages: int = 0
    done: list[Step] = field(default_factory=list)
    own: list[Operator] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)
    plans: int = 0
    commits: int = 0
    catch_up: CatchUp = tuple

    def run(self, tasks: Sequence[Part]) -> tuple[Plan | Failure, Run | None]:
        """Carry the tasks out. Returns the last plan, or why there was none, and the run, if it began."""
        return self.go([tuple(tasks)])

    def go(self, left: Sequence[tuple[Part, ...]], current: Current | None = None) -> tuple[Plan | Failure, Run | None]:
        """Go on with a plan that was begun, or with one of the ways to say what is left."""
        domain = self.means.known(self.own)
        broken: _Ended | None = None
        while True:
            if current is None:
                domain, parts, result = self._planned(left)
                if isinstance(result, Failure) and result.stage is None:
                    if broken is None:
                        return result, Run(tuple(self.done), self.log.run_id) if self.done else None
                    self.listener.note(f"there is no other way to go on: {result.explain().splitlines()[0]}")
                    current = self._recovered(domain, broken)
                    if current is None:
                        return broken.current.plan, broken.whole
                else:
                    current = self._begin(domain, result, parts)
            plan, run = current.plan, self.means.act(domain, current.plan, self.state, current.begun)
            ended = _Ended(current, run, Run((*self.done, *run.steps), run.id))
            now_done = [step for step in run.steps if step.state is StepState.DONE]
            self.done += now_done
            self.commits += len(now_done) - sum(s.state is StepState.DONE for s in current.begun.steps.values())
            broken = None
            if run.failed:
                if _is_violation(run.failed) and len(self.replans) < self.bounds.replans:
                    left, broken = self._without(domain, plan, run, run.failed), ended
                    current = None
                    continue
                current = self._recovered(domain, ended)
                if current is None:
                    return plan, ended.whole
                continue
            if not run.done or current.stage is None:
                return plan, ended.whole
            if stopped := self._stuck(current.stage):
                return Failure(domain.source, current.stage.rest, None, None, (), 0, stopped), ended.whole
            self.stages += 1
            left, current = [current.stage.rest], None

    def _begin(
        self, domain: Domain, result: Plan | Failure, parts: tuple[Part, ...], frame: Frame = _NO_FRAME
    ) -> Current:
        """Verify what is carried out next, and write it down before a step of it is."""
        stage = result.stage if isinstance(result, Failure) else first_stage(domain, self.state, result)
        plan = stage.plan if stage else result
        assert isinstance(plan, Plan)  # a failure without a stage is not begun
        _verify(domain, plan, parts, self.state)
        order = order_of(domain, self.state, plan, self.bounds.parallel)
        self.plans += 1
        told: dict[str, Any] = {"plan": plan_json(plan), "left": list(map(part_to_json, parts)), **order.to_json()}
        if stage:
            told |= {key: value for key, value in stage.to_json().items() if key != "plan"}
        if frame.above:
            told |= {"frame": frame.to_json()}
        self.log.append("planned", number=self.plans, **told)
        return Current(plan, Begun(self.plans, order, {}, self.commits, self.catch_up), stage, frame)

    def _recovered(self, domain: Domain, ended: _Ended) -> Current | None:
        """Return what is carried out next after a step failed, or None where the run ends with it."""
        failed = ended.run.failed
        assert failed is not None  # only then there is something to recover from
        if len(self.replans) >= self.bounds.replans:
            return None
        setback = setback_of(domain, ended.current, ended.run, len(self.done))
        recovered = self.means.recover(setback, domain, self.state, tuple(self.tried))
        self.tried += recovered.tried
        told = {"step": failed.key, "tried": [one.to_json() for one in recovered.tried]}
        way = recovered.way
        if way is None:
            if recovered.tried:
                self.log.append("gave_up", **told)
            return None
        if way.kept is not None and not self._kept(failed, way.kept):
            return None
        replan = Replan(failed, way.tasks, str(way.remedy))
        self.replans.append(replan)
        self.log.append("replan", why=failed.detail[:_MOST_SAID], ways=[list(map(part_to_json, way.tasks))], **told)
        self.listener.replanned(replan)
        if way.pause:
            self.means.pause(way.pause)
        self._tell(domain, way.found)
        return self._begin(domain, way.found, way.tasks, way.frame)

    def _kept(self, failed: Step, changes: Mapping[Place, object]) -> bool:
        if not self.means.done_with(failed, changes, self.state):
            return False
        self.done.append(replace(failed, state=StepState.DONE, trouble=None, detail="by a kept result"))
        self.commits += 1
        return True

    def _planned(self, left: Sequence[tuple[Part, ...]]) -> tuple[Domain, tuple[Part, ...], Plan | Failure]:
        """Plan the first of some ways to say what is left that has a plan; where none has, close gaps."""
        domain = self.means.known(self.own)
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
            self.log.append("learned", task=str(learned.gap), version=learned.version, trust=learned.trust)
            if operator is None:
                return domain, left[0], failure
            self.own.append(operator)
            domain = self.means.known(self.own)

    def _tell(self, domain: Domain, result: Plan | Failure) -> None:
        stage = result.stage if isinstance(result, Failure) else first_stage(domain, self.state, result)
        if stage:
            self.listener.stage(stage)
        else:
            self.listener.planned(result)

    def _without(self, domain: Domain, plan: Plan, run: Run, failed: Step) -> list[tuple[Part, ...]]:
        """Return the ways to say what is left where a step's body broke its contract, the exact one first."""
        self.own = [operator for operator in self.own if operator.version != failed.action.version]
        left = ways_left(domain, plan, run, failed)
        replan = Replan(failed, left[0])
        self.replans.append(replan)
        ways = [list(map(part_to_json, parts)) for parts in left]
        self.log.append("replan", step=failed.key, why=failed.detail[:_MOST_SAID], ways=ways)
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


def ways_left(domain: Domain, plan: Plan, run: Run, failed: Step) -> list[tuple[Part, ...]]:
    """Return ways to say what is left of a plan after a step failed: just that, then with tasks above it anew."""
    actions = [at for at, node in enumerate(plan.nodes) if node.is_action]
    done = [at for at, step in zip(actions, run.steps, strict=True) if step.state is StepState.DONE]
    first = next(at for at, step in zip(actions, run.steps, strict=True) if step.state is not StepState.DONE)
    node = actions[run.steps.index(failed)]
    later = [at for at in done if at > first]
    left = [remaining(domain, plan, first, done=later)]
    return left + [remaining(domain, plan, first, anew, later) for anew in _levels(plan, node)]


def setback_of(domain: Domain, current: Current, run: Run, done: int) -> Setback:
    """Return the step of a plan that failed, as recovery wants it; `done` steps of the run were done."""
    failed, more = run.failed, len(current.frame.above)
    assert failed is not None
    actions = [at + more for at, node in enumerate(current.plan.nodes) if node.is_action]
    states = [step.state for step in run.steps]
    first = next(at for at, state in zip(actions, states, strict=True) if state is not StepState.DONE)
    return Setback(
        current.frame.around(current.plan),
        actions[run.steps.index(failed)],
        failed.trouble or Trouble(ExecutionError.code, ExecutionError.exit_code, failed.detail),
        done,
        retries=failed.retries,
        again=failed.action.version is not None or failed.action.name in domain.repeatable,
        unsure=bool(run.unsure),
        later=tuple(at for at, state in zip(actions, states, strict=True) if at > first and state is StepState.DONE),
        first=first,
    )


def plan_json(plan: Plan) -> Any:
    """Return a plan as the log keeps it. What has no JSON form is told, and the run cannot be resumed."""
    try:
        return plan.to_json()
    except UsageError as error:
        return {"opaque": error.message}


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
