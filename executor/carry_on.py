"""Carry a run on to its end, or to where it rests, and write down which it is; find out from its log where it stands.

| how it comes to rest                                     | state     | what goes on with it                      |
|----------------------------------------------------------|-----------|-------------------------------------------|
| everything is done                                       | done      |                                           |
| a step failed, or there is no plan                       | failed    | `htn resume`, when the reason is mended   |
| a budget is used up, a service is away, an interrupt     | paused    | `htn resume`                              |
| nobody knows whether a step was done                     | paused    | `htn resume --did STEP`, or `--redo STEP` |
| what was learned, or code to be run, waits for approval  | waiting   | `htn approve`                             |
| somebody cancelled it                                    | cancelled |                                           |
| another process took it over                             | (its own) |                                           |
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from executor.begun import Begun
from executor.durable import RunCancelled, StepUnsure, Undertaking, broke_its_contract
from executor.load import digest_of
from executor.model import Call
from executor.pursue import Current, Pursuit, Report, ways_left
from executor.recovery.setback import Frame, Tried
from executor.review import ApprovalNeeded
from executor.run import Event, Run, RunState, RunView, Step, StepState
from executor.schedule import Order
from executor.store import LeaseLost
from htn.domain import Domain
from htn.errors import ExecutionError, HtnError, LimitReached, ServiceMissing, Trouble, UsageError, told
from htn.failure import Failure
from htn.network import Part
from htn.plan import Plan
from htn.stage import Stage

T = TypeVar("T")

Counted = Callable[[], tuple[tuple[Call, ...], int]]
"""Gives the calls of models so far, and how many bodies were run while planning."""


def carry_on(
    under: Undertaking,
    pursuit: Pursuit,
    counted: Counted,
    left: Sequence[tuple[Part, ...]],
    current: Current | None = None,
) -> Report:
    """Carry a run on. What keeps it from its end is raised, and written down before."""
    try:
        if under.view is not None and under.view.unsure:
            raise _unsure(under, under.view.unsure)
        result, run = pursuit.go(left, current)
        if run is not None and (not run.failed or under.stop.reason in ("cancelled", "lost")):
            _refuse_rest(under, run)  # what is cut off may fail, and that is not why the run rests
    except KeyboardInterrupt:
        _rest(under, "pause", RunState.PAUSED, Trouble("interrupted", 130, "it was interrupted", None, _go_on(under)))
        raise
    except LeaseLost:
        raise
    except ApprovalNeeded as error:
        if under.is_kept and not isinstance(error, StepUnsure):  # its own hints say how
            error.hints = (*error.hints, f"or see it, allow it and go on: htn runs show {under.run_id}, htn approve")
        _rest(under, "wait", RunState.WAITING, error.trouble, **{"for": error.waits_for})
        raise
    except RunCancelled as error:
        _rest(under, "cancelled", RunState.CANCELLED, error.trouble)
        raise
    except (LimitReached, ServiceMissing, StepUnsure) as error:
        _rest(under, "pause", RunState.PAUSED, error.trouble)
        if under.is_kept and not isinstance(error, StepUnsure):  # its own hints say how
            error.hints = (*error.hints, *(hint for hint in _go_on(under) if hint not in error.hints))
        raise
    except HtnError as error:
        _rest(under, "stop", RunState.FAILED, error.trouble)
        raise
    calls, evaluations = counted()
    report = Report(
        result, tuple(pursuit.learned), run, pursuit.state, calls, tuple(pursuit.replans), pursuit.stages, evaluations,
        tuple(pursuit.tried),
    )  # fmt: skip
    _told(under, report)
    return report


def _told(under: Undertaking, report: Report) -> None:
    """Write down how a run ended."""
    result, run = report.result, report.run
    if isinstance(result, Failure):
        kind = result.stopped.trouble if result.stopped else Trouble("no-plan", 3, result.explain()[:2000])
        if result.gaps and not result.stopped:
            kind = replace(kind, code="gap", exit_code=5)
        paused = isinstance(result.stopped, (LimitReached, ServiceMissing))
        _rest(under, "pause" if paused else "stop", RunState.PAUSED if paused else RunState.FAILED, kind)
    elif run is not None and run.failed:
        trouble = run.failed.trouble or Trouble("execution", 4, run.failed.detail)
        _rest(under, "stop", RunState.FAILED, trouble)
    else:
        under.end("complete", RunState.DONE)


def _rest(under: Undertaking, kind: str, state: RunState, trouble: Trouble, **data: Any) -> None:
    """Write down that a run rests. Where that cannot be written, its lease lapses, and the log says as much."""
    try:
        under.end(kind, state, trouble, **data)
    except (LeaseLost, ServiceMissing):
        return


def _refuse_rest(under: Undertaking, run: Run) -> None:
    """Raise what keeps a run from its end that did not fail."""
    if run.done:
        return
    if under.stop.reason == "cancelled":
        raise RunCancelled(f"the run {under.run_id} was cancelled", hints=(f"htn runs show {under.run_id}",))
    if under.stop.reason == "interrupted":  # by another thread
        raise KeyboardInterrupt
    if under.stop.reason == "lost":
        raise LeaseLost(f"another process drives the run {under.run_id} meanwhile: htn watch {under.run_id}")
    if run.unsure:
        raise _unsure(under, run.unsure)
    raise ExecutionError(f"the run {under.run_id} was stopped: {under.stop.reason or 'its steps could not be claimed'}")


def _unsure(under: Undertaking, steps: Sequence[Step]) -> StepUnsure:
    """Return the error for steps of which nobody knows whether they were carried out."""
    names = ", ".join(str(step.action) for step in steps)
    keys = " ".join(f"--did {step.key}" for step in steps)
    return StepUnsure(
        f"nobody knows whether {names} was carried out: its process died meanwhile",
        hints=(
            f"if it was: htn resume {under.run_id} {keys}",
            f"if it was not: htn resume {under.run_id} {keys.replace('--did', '--redo')}",
        ),
    )


def _go_on(under: Undertaking) -> tuple[str, ...]:
    return (f"go on with it: htn resume {under.run_id}",) if under.is_kept else ()


@contextmanager
def put_back(under: Undertaking) -> Iterator[None]:
    """Let a run rest again where it was taken up, and it turns out that it cannot be gone on with in this way."""
    try:
        yield
    except HtnError as error:
        _rest(under, "pause", RunState.PAUSED, error.trouble)
        raise
    except KeyboardInterrupt:
        _rest(under, "pause", RunState.PAUSED, Trouble("interrupted", 130, "it was interrupted", None, _go_on(under)))
        raise


def resumed(
    pursuit: Pursuit, view: RunView, domain: Domain, note: Callable[[str], None]
) -> tuple[list[tuple[Part, ...]], Current | None]:
    """Make a pursuit know what the log says, and return what is left, or the plan that is under way."""
    if view.record.domain != domain.name:
        raise UsageError(f"the run {view.record.id} is one of {view.record.domain}, not of {domain.name}")
    pursuit.plans, pursuit.stages = len(view.plans), view.stages
    pursuit.done = [step for steps in view.steps[:-1] for step in steps if step.state is StepState.DONE]
    pursuit.commits = view.commits
    pursuit.tried = _read(view, lambda: [Tried.from_json(one) for one in view.tried])
    changed = view.record.digest != digest_of(domain)
    if changed:
        note("the domain has changed since the run began: what is left is planned anew")
    if not view.plans:
        return [view.record.parts()], None
    planned, steps = view.plans[-1], view.steps[-1]
    if "opaque" in planned.data["plan"]:
        raise UsageError(
            f"the run {view.record.id} cannot be resumed: {planned.data['plan']['opaque']}", hints=("run it again",)
        )
    if view.ways is not None:
        pursuit.done += [step for step in steps if step.state is StepState.DONE]
        return view.left_ways(), None
    plan = planned.plan
    broken = next((step for step in steps if step.state is StepState.FAILED and broke_its_contract(step)), None)
    if (changed or broken) and not all(step.state is StepState.DONE for step in steps):
        run = Run(tuple(steps), view.record.id)
        pursuit.done += [step for step in steps if step.state is StepState.DONE]
        rest = planned.rest or ()
        first = broken or next(step for step in steps if step.state is not StepState.DONE)
        pursued = pursuit.means.known(pursuit.own)
        return [(*way, *rest) for way in ways_left(pursued, plan, run, first)], None
    stage = None
    if planned.rest is not None:
        stage = Stage(plan, planned.rest, planned.unknown, str(planned.data.get("why", "")))
    _tell_again(pursuit, stage or plan, steps)
    begun = _begun(pursuit, planned.number, Order(planned.before, planned.reads), steps)
    kept = planned.data.get("frame")
    frame = _read(view, lambda: Frame.from_json(kept)) if kept else Frame()
    return [planned.left], Current(plan, begun, stage, frame)


def _read(view: RunView, read: Callable[[], T]) -> T:
    """Return what a part of the log says. ExecutionError where it says nothing that makes sense."""
    try:
        return read()
    except (KeyError, ValueError, TypeError, IndexError, UsageError) as error:
        raise ExecutionError(f"the log of the run {view.record.id} is spoiled: {told(error)}") from error


def _tell_again(pursuit: Pursuit, under_way: Stage | Plan, steps: Sequence[Step]) -> None:
    """Tell whoever listens which plan is gone on with, and what of it was done before."""
    if isinstance(under_way, Stage):
        pursuit.listener.stage(under_way)
    else:
        pursuit.listener.planned(under_way)
    for at, step in enumerate(steps):
        if step.state is StepState.DONE:
            pursuit.listener.step(Event(at, "start"))
            pursuit.listener.step(Event(at, "finish", step.seconds))


def _begun(pursuit: Pursuit, number: int, order: Order, steps: Sequence[Step]) -> Begun:
    """Return how far a plan was carried out; a step that failed or was under way is to be begun again."""
    known = {
        at: step if step.state is StepState.DONE else replace(step, state=StepState.PENDING)
        for at, step in enumerate(steps)
    }
    return Begun(number, order, known, pursuit.commits, pursuit.catch_up)
