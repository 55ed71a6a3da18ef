"""A run, as data: the table of what may become of it, its steps, and its log, of which it is the fold."""

from executor.run.log import Logged, changed, read_writes, written
from executor.run.record import RunRecord
from executor.run.run import Event, Run, Step
from executor.run.table import (
    ENDED,
    RUN_EVENTS,
    STEP_EVENTS,
    TRANSITIONS,
    IllegalEventError,
    RunState,
    StepState,
    Transition,
    diagram,
    run_after,
    step_after,
)
from executor.run.view import Planned, RunView

__all__ = [
    "ENDED",
    "RUN_EVENTS",
    "STEP_EVENTS",
    "TRANSITIONS",
    "Event",
    "IllegalEventError",
    "Logged",
    "Planned",
    "Run",
    "RunRecord",
    "RunState",
    "RunView",
    "Step",
    "StepState",
    "Transition",
    "changed",
    "diagram",
    "read_writes",
    "run_after",
    "step_after",
    "written",
]
