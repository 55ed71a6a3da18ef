"""What may become of a run and of a step, as one table. Code, tests and the diagram in the documents read it.

A run is created, carried out, and ends: done, failed or cancelled. On its way it may wait for a person's approval, or
be paused, where a budget is used up or its driver was interrupted. One that failed or was paused can be resumed; one
that is done or was cancelled stays so.

A step is pending until it is started. One that failed for a reason that may pass is pending again (`retry`), and so is
one whose runner is gone, where it does no harm to do it once more (`release`). Where it could do harm nobody knows
whether it was done: then it is unsure, and a person settles it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from htn.errors import ExecutionError


class StepState(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNSURE = "unsure"
    DROPPED = "dropped"


class RunState(StrEnum):
    """Where a run stands."""

    CREATED = "created"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class IllegalEventError(ExecutionError):
    """An event that is not allowed where the run or the step stands."""


@dataclass(frozen=True)
class Transition:
    """A row of the table: what `event` makes of a run or step that is `before`, and what the event means."""

    of: Literal["run", "step"]
    before: RunState | StepState
    event: str
    after: RunState | StepState
    means: str


def _rows(
    of: Literal["run", "step"], event: str, means: str, after: RunState | StepState, *before: RunState | StepState
) -> tuple[Transition, ...]:
    return tuple(Transition(of, one, event, after, means) for one in before)


_R, _S = RunState, StepState
TRANSITIONS: tuple[Transition, ...] = (
    *_rows("run", "begin", "a driver begins to plan and carry out", _R.RUNNING, _R.CREATED),
    *_rows("run", "wait", "it waits for a person's approval", _R.WAITING, _R.RUNNING),
    *_rows("run", "approve", "a person has approved what it waits for", _R.PAUSED, _R.WAITING),
    *_rows("run", "pause", "a budget is used up, or the driver was interrupted", _R.PAUSED, _R.RUNNING),
    *_rows(
        "run", "resume", "a driver goes on", _R.RUNNING,
        _R.CREATED, _R.RUNNING, _R.WAITING, _R.PAUSED, _R.FAILED,
    ),
    *_rows("run", "complete", "everything is done", _R.DONE, _R.RUNNING),
    *_rows("run", "stop", "it cannot go on", _R.FAILED, _R.RUNNING, _R.CREATED),
    *_rows(
        "run", "cancelled", "a person has cancelled it", _R.CANCELLED,
        _R.CREATED, _R.RUNNING, _R.WAITING, _R.PAUSED, _R.FAILED,
    ),
    *_rows("step", "start", "somebody begins to carry it out", _S.RUNNING, _S.PENDING),
    *_rows("step", "finish", "it is done, and its changes are kept", _S.DONE, _S.RUNNING),
    *_rows("step", "fail", "it failed, for a reason that stays", _S.FAILED, _S.RUNNING),
    *_rows("step", "retry", "it failed, for a reason that may pass", _S.PENDING, _S.RUNNING),
    *_rows("step", "release", "its runner is gone or was stopped; it may be redone", _S.PENDING, _S.RUNNING),
    *_rows("step", "doubt", "its runner is gone, and it may not be done twice", _S.UNSURE, _S.RUNNING),
    *_rows("step", "settle", "a person says that it was done", _S.DONE, _S.UNSURE),
    *_rows("step", "redo", "it is to be done once more", _S.PENDING, _S.UNSURE, _S.FAILED),
    *_rows("step", "drop", "another plan is carried out instead", _S.DROPPED, _S.PENDING, _S.UNSURE),
)  # fmt: skip

_RUN = {(row.before, row.event): RunState(row.after) for row in TRANSITIONS if row.of == "run"}
_STEP = {(row.before, row.event): StepState(row.after) for row in TRANSITIONS if row.of == "step"}
RUN_EVENTS = frozenset(event for _, event in _RUN)
STEP_EVENTS = frozenset(event for _, event in _STEP)
ENDED = frozenset({RunState.DONE, RunState.CANCELLED})
"""Where nothing more can happen."""


def run_after(state: RunState, event: str, run: str = "the run") -> RunState:
    """Return where a run stands after an event. IllegalEventError where the table does not allow it."""
    if (state, event) not in _RUN:
        raise IllegalEventError(f"{run} is {state}, so it cannot {event}")
    return _RUN[state, event]


def step_after(state: StepState, event: str, step: str = "the step") -> StepState:
    """Return where a step stands after an event. IllegalEventError where the table does not allow it."""
    if (state, event) not in _STEP:
        raise IllegalEventError(f"{step} is {state}, so it cannot {event}")
    return _STEP[state, event]


def diagram(of: Literal["run", "step"]) -> str:
    """Return the table as a diagram in Mermaid's language."""
    first = RunState.CREATED if of == "run" else StepState.PENDING
    rows = [row for row in TRANSITIONS if row.of == of]
    ends = sorted({str(row.after) for row in rows} - {str(row.before) for row in rows})
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    lines += [f"    {row.before} --> {row.after}: {row.event}" for row in rows]
    lines += [f"    {state} --> [*]" for state in ends]
    return "\n".join(lines)
