"""A run is the fold of its events by one table."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.run import (
    ENDED,
    RUN_EVENTS,
    STEP_EVENTS,
    TRANSITIONS,
    Event,
    IllegalEventError,
    Run,
    RunState,
    Step,
    StepState,
    diagram,
    run_after,
    step_after,
)
from htn.errors import Trouble
from htn.plan import Action

# Written out by hand, from what the documents say may happen.
STEP = {
    ("pending", "start"): "running",
    ("pending", "drop"): "dropped",
    ("running", "finish"): "done",
    ("running", "fail"): "failed",
    ("running", "retry"): "pending",
    ("running", "release"): "pending",
    ("running", "doubt"): "unsure",
    ("unsure", "settle"): "done",
    ("unsure", "redo"): "pending",
    ("unsure", "drop"): "dropped",
    ("failed", "redo"): "pending",
}
RUN = {
    ("created", "begin"): "running",
    ("created", "resume"): "running",
    ("created", "stop"): "failed",
    ("created", "cancelled"): "cancelled",
    ("running", "wait"): "waiting",
    ("running", "pause"): "paused",
    ("running", "resume"): "running",
    ("running", "complete"): "done",
    ("running", "stop"): "failed",
    ("running", "cancelled"): "cancelled",
    ("waiting", "approve"): "paused",
    ("waiting", "resume"): "running",
    ("waiting", "cancelled"): "cancelled",
    ("paused", "resume"): "running",
    ("paused", "cancelled"): "cancelled",
    ("failed", "resume"): "running",
    ("failed", "cancelled"): "cancelled",
}
ACTION = Action(("pay", "tea"))


@pytest.mark.parametrize(("state", "kind"), list(product(StepState, sorted(STEP_EVENTS | RUN_EVENTS | {""}))))
def test_every_state_of_a_step_meets_every_event(state: StepState, kind: str) -> None:
    trouble = Trouble("execution", 4, "words")
    step, event = Step(ACTION, state, key="1.4"), Event(3, kind, 1.5, "words", trouble)
    if (state, kind) in STEP:
        after = step.after(event)
        assert (after.state, after.seconds, after.detail, after.trouble) == (STEP[state, kind], 1.5, "words", trouble)
        assert (after.retries, after.attempts) == (kind == "retry", kind == "start")
    else:
        with pytest.raises(IllegalEventError, match=rf"step 1\.4 is {state}, so it cannot {kind}"):
            step.after(event)


@pytest.mark.parametrize(("state", "kind"), list(product(RunState, sorted(STEP_EVENTS | RUN_EVENTS | {""}))))
def test_every_state_of_a_run_meets_every_event(state: RunState, kind: str) -> None:
    if (state, kind) in RUN:
        assert run_after(state, kind) == RUN[state, kind]
    else:
        with pytest.raises(IllegalEventError, match=f"the run is {state}, so it cannot {kind}"):
            run_after(state, kind)


def test_no_event_is_one_of_runs_and_of_steps_and_no_row_stands_twice() -> None:
    assert not RUN_EVENTS & STEP_EVENTS
    assert len({(row.of, row.before, row.event) for row in TRANSITIONS}) == len(TRANSITIONS)


def test_nothing_leads_out_of_where_a_run_has_ended() -> None:
    assert {row.before for row in TRANSITIONS if row.of == "run"}.isdisjoint(ENDED)


@pytest.mark.parametrize("of", ["run", "step"])
def test_the_diagram_has_each_row_of_the_table_once(of: str) -> None:
    drawn = diagram(of).splitlines()  # type: ignore[arg-type]  # one of the two words
    expected = [f"    {row.before} --> {row.after}: {row.event}" for row in TRANSITIONS if row.of == of]
    assert [line for line in drawn if ": " in line] == expected


def test_a_run_without_events_is_pending() -> None:
    run = Run.of([ACTION, ACTION])
    assert [s.state for s in run.steps] == ["pending", "pending"]
    assert (run.done, run.failed) == (False, None)


def test_a_run_without_steps_is_done() -> None:
    assert Run.of([]).done


def test_a_run_names_the_step_that_failed() -> None:
    run = Run.of([ACTION, ACTION], [Event(0, "start"), Event(0, "fail", 0.5, "no money")])
    assert run.failed == Step(ACTION, StepState.FAILED, 0.5, "no money", attempts=1)
    assert run.steps[1].state is StepState.PENDING


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(sorted(STEP_EVENTS))), max_size=12))
def test_a_run_is_what_its_events_say_one_after_the_other(told: list[tuple[int, str]]) -> None:
    states, legal = ["pending"] * 3, []
    for step, kind in told:
        if (states[step], kind) in STEP:
            states[step] = STEP[states[step], kind]
            legal.append(Event(step, kind))
    assert [step.state for step in Run.of([ACTION] * 3, legal).steps] == states


def test_an_event_after_the_end_is_refused() -> None:
    with pytest.raises(IllegalEventError):
        step_after(StepState.DONE, "start")
