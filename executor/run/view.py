"""A run as its log tells it: where it stands, its plans, and the steps of each. The fold of its events."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from executor.run.log import Logged, read_writes, trouble_from_json
from executor.run.record import RunRecord
from executor.run.run import Event, Step
from executor.run.table import ENDED, RUN_EVENTS, STEP_EVENTS, RunState, StepState, run_after
from htn.errors import ExecutionError, HtnError, Trouble, UsageError
from htn.network import Part, part_from_json
from htn.plan import Plan
from htn.state import State
from htn.values import from_json, hashable

MOST_STEPS_TOLD = 1000


@dataclass(frozen=True)
class Planned:
    """A plan that was carried out, as the log keeps it, and what was to be planned after it, where it was a stage.

    `before` are for each step those that must come before it, `reads` the places that it reads; steps count from 0.
    """

    number: int
    data: dict[str, Any] = field(repr=False)

    @cached_property
    def plan(self) -> Plan:
        """The plan itself."""
        return Plan.from_json(self.data["plan"])

    @property
    def is_opaque(self) -> bool:
        """Whether the plan could not be written down."""
        return "opaque" in self.data["plan"]

    @property
    def before(self) -> tuple[tuple[int, ...], ...]:
        """For each step, those that must come before it."""
        return tuple(tuple(those) for those in self.data["before"])

    @property
    def reads(self) -> tuple[tuple[str, ...], ...]:
        """For each step, the places that it reads, as texts; empty where nobody asked."""
        return tuple(tuple(those) for those in self.data.get("reads", ()))

    @property
    def left(self) -> tuple[Part, ...]:
        """The tasks that it is the plan for."""
        return _parts(self.data["left"])

    @property
    def rest(self) -> tuple[Part, ...] | None:
        """What is planned when its steps are done; None where nothing is."""
        return None if self.data.get("rest") is None else _parts(self.data["rest"])

    @property
    def unknown(self) -> tuple[tuple[str, Any], ...]:
        """The places that its steps make known, where it was a stage."""
        return tuple((str(one["variable"]), hashable(from_json(one["key"]))) for one in self.data.get("unknown", ()))


def _parts(data: Sequence[Any]) -> tuple[Part, ...]:
    return tuple(map(part_from_json, data))


@dataclass
class RunView:
    """A run, as far as its log was read. `add` reads on."""

    record: RunRecord
    state: RunState = RunState.CREATED
    plans: list[Planned] = field(default_factory=list)
    steps: list[list[Step]] = field(default_factory=list)
    ways: list[Any] | None = None
    """What is left to plan after a step failed: ways to say it, each a list of parts; None where a plan counts."""
    replans: int = 0
    tried: list[Any] = field(default_factory=list)
    """What was tried for steps that failed, as `executor.recovery` writes it."""
    stages: int = 0
    trouble: Trouble | None = None
    waits_for: dict[str, Any] | None = None
    driver: str = ""
    last: str = "0-0"
    waited_for_code: bool = False
    """Whether it has waited for code to be allowed, which an answer of a model holds."""
    commits: int = 0
    began: float = 0.0
    changed: float = 0.0
    opaque: str = ""
    """Why the state cannot be told from the log, where a step changed it to what has no JSON form."""

    @classmethod
    def of(cls, record: RunRecord, events: Iterable[Logged]) -> "RunView":
        """Return the run in which these events happened, in this order."""
        view = cls(record)
        for event in events:
            view.add(event)
        return view

    def add(self, event: Logged) -> None:
        """Read one more event. IllegalEventError where the table does not allow it."""
        data = event.data
        try:
            if event.kind in STEP_EVENTS and "step" in data:
                self._step(event)
            elif event.kind in RUN_EVENTS:
                self._run(event)
            elif event.kind == "planned":
                self._planned(data)
            elif event.kind == "replan":
                self.ways, self.replans = list(data["ways"]), self.replans + 1
            if event.kind in ("replan", "gave_up"):
                self.tried += data.get("tried", ())
        except (KeyError, TypeError, IndexError, ValueError, AttributeError, UsageError) as error:
            raise ExecutionError(f"the log of the run {self.record.id} is spoiled at {event.id}: {error!r}") from error
        self.last, self.changed = event.id, event.at
        self.began = self.began or event.at

    def _run(self, event: Logged) -> None:
        self.state = run_after(self.state, event.kind, f"the run {self.record.id}")
        self.trouble = trouble_from_json(event.data.get("error"))
        if event.kind in ("begin", "resume"):
            self.driver = event.by
        if event.kind != "approve":  # what was approved is known until somebody goes on
            self.waits_for = event.data.get("for") if event.kind == "wait" else None
        self.waited_for_code = self.waited_for_code or "code" in (self.waits_for or {})

    def _planned(self, data: Any) -> None:
        if self.plans:
            number = len(self.plans)
            if self.steps[-1] and all(step.state is StepState.DONE for step in self.steps[-1]):
                self.stages += 1
            for at, step in enumerate(self.steps[-1]):
                if step.state in (StepState.PENDING, StepState.UNSURE):
                    self.steps[-1][at] = step.after(Event(at, "drop"))
        number = len(self.plans) + 1
        planned = Planned(number, dict(data))
        self.plans.append(planned)
        actions = () if planned.is_opaque else planned.plan.actions
        self.steps.append([Step(action, key=f"{number}.{at + 1}") for at, action in enumerate(actions)])
        self.ways = None

    def _step(self, event: Logged) -> None:
        data = event.data
        number, at = place_of(data["step"])
        self.commits += event.kind == "finish"
        if data.get("opaque"):
            self.opaque = str(data["opaque"])
        if self.plans[number - 1].is_opaque:
            return  # which steps it has is not known
        steps = self.steps[number - 1]
        trouble = trouble_from_json(data.get("error"))
        detail = trouble.message if trouble else str(data.get("detail", ""))
        steps[at] = steps[at].after(
            Event(at, event.kind, float(data.get("seconds", 0.0)), detail, trouble, str(data.get("by", "")))
        )

    @property
    def unsure(self) -> tuple[Step, ...]:
        """The steps of the last plan of which nobody knows whether they were carried out."""
        return tuple(step for step in (self.steps[-1] if self.steps else ()) if step.state is StepState.UNSURE)

    def left_ways(self) -> list[tuple[Part, ...]]:
        """Return the ways to say what is left to plan."""
        return [_parts(way) for way in self.ways or ()]

    @property
    def every_step(self) -> tuple[Step, ...]:
        """The steps that count: those that are done, and those of the last plan."""
        earlier = [step for steps in self.steps[:-1] for step in steps if step.state is StepState.DONE]
        return (*earlier, *(self.steps[-1] if self.steps else ()))

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen."""
        return self.state in ENDED

    def to_json(self) -> dict[str, Any]:
        """Return the run as programs read it, with its steps."""
        steps = self.every_step
        counts = {str(state): sum(step.state is state for step in steps) for state in StepState}
        return {
            "run_id": self.record.id,
            "state": str(self.state),
            "domain": self.record.domain,
            "source": self.record.source,
            "tasks": self.record.tasks,
            "began": self.began,
            "changed": self.changed,
            "driver": self.driver,
            "plans": len(self.plans),
            "stages": self.stages,
            "replans": self.replans,
            "tried": self.tried,
            "choices": self.record.choices.model_dump(mode="json"),
            "waits_for": self.waits_for,
            "error": self.trouble.to_json() if self.trouble else None,
            "counts": {state: count for state, count in counts.items() if count},
            "steps": [step_json(step) for step in steps[:MOST_STEPS_TOLD]],
        }


def step_json(step: Step) -> dict[str, Any]:
    """Return a step as programs read it."""
    found: dict[str, Any] = {
        "action": str(step.action),
        "state": str(step.state),
        "seconds": round(step.seconds, 4),
        "detail": step.detail,
    }
    found |= {"step": step.key, "attempts": step.attempts, "by": step.by} if step.key else {}
    found |= {"retries": step.retries} if step.retries else {}
    return found | ({"error": step.trouble.to_json()} if step.trouble else {})


def place_of(key: str) -> tuple[int, int]:
    """Return the number of the plan and the place in it, from 0, that the key of a step says. ValueError for no key."""
    number, _, at = key.partition(".")
    if int(number) < 1 or int(at) < 1:
        raise ValueError(f"{key!r} is no step")
    return int(number), int(at) - 1


def apply_event(state: State, event: Logged) -> None:
    """Make in a state the changes that an event tells of."""
    if event.kind in ("finish", "settle") and event.data.get("writes"):
        read_writes(event.data["writes"], state)


def state_of(record: RunRecord, events: Iterable[Logged]) -> State:
    """Return the state that the events of a run lead to. ExecutionError where the log does not tell."""
    state = record.first_state()
    for event in events:
        if event.data.get("opaque"):
            raise ExecutionError(
                f"the state of the run {record.id} is not known: {event.data['opaque']}",
                hints=("run it again",),
            )
        try:
            apply_event(state, event)
        except HtnError as error:
            raise ExecutionError(f"the log of the run {record.id} is spoiled at {event.id}: {error.message}") from error
    state.mark()
    return state
