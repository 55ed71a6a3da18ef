"""A run is the fold of its events by one table."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.run import TRANSITIONS, Event, IllegalEventError, Run, Step, StepState
from htn.errors import Trouble
from htn.plan import Action

KINDS = ("start", "finish", "fail", "retry")
ALLOWED = {
    ("pending", "start"): "running",
    ("running", "finish"): "done",
    ("running", "fail"): "failed",
    ("running", "retry"): "pending",
}
ACTION = Action(("pay", "tea"))


@pytest.mark.parametrize(("state", "kind"), list(product(StepState, (*KINDS, "resume", ""))))
def test_every_state_meets_every_event(state: StepState, kind: str) -> None:
    trouble = Trouble("execution", 4, "words")
    step, event = Step(ACTION, state), Event(3, kind, 1.5, "words", trouble)
    if (state, kind) in ALLOWED:
        told = ACTION, StepState(ALLOWED[state, kind]), 1.5, "words", trouble
        assert step.after(event) == Step(*told, retries=int(kind == "retry"))
    else:
        with pytest.raises(IllegalEventError, match=f"step 3 is {state}, so it cannot {kind}"):
            step.after(event)


def test_the_table_names_only_states_and_events_that_there_are() -> None:
    assert {(state, kind) for state, kind in TRANSITIONS} <= set(product(StepState, KINDS))
    assert set(TRANSITIONS.values()) <= set(StepState)


def test_no_event_leads_out_of_done_or_failed() -> None:
    assert {state for state, _ in TRANSITIONS}.isdisjoint({StepState.DONE, StepState.FAILED})


def test_a_run_without_events_is_pending() -> None:
    run = Run.of([ACTION, ACTION])
    assert [s.state for s in run.steps] == ["pending", "pending"]
    assert (run.done, run.failed) == (False, None)


def test_a_run_without_steps_is_done() -> None:
    assert Run.of([]).done


def test_a_run_names_the_step_that_failed() -> None:
    run = Run.of([ACTION, ACTION], [Event(0, "start"), Event(0, "fail", 0.5, "no money")])
    assert run.failed == Step(ACTION, StepState.FAILED, 0.5, "no money")
    assert run.steps[1].state is StepState.PENDING


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(KINDS)), max_size=12))
def test_a_run_is_the_fold_of_its_events(script: list[tuple[int, str]]) -> None:
    known, events = ["pending"] * 3, []
    for at, kind in script:
        if (known[at], kind) in ALLOWED:
            known[at] = ALLOWED[known[at], kind]
            events.append(Event(at, kind))
    run = Run.of([ACTION] * 3, events, run_id="r1")
    assert (run.id, [s.state for s in run.steps]) == ("r1", known)
    assert [s.retries for s in run.steps] == [sum((e.step, e.kind) == (at, "retry") for e in events) for at in range(3)]
    assert run.done == (known == ["done"] * 3)
