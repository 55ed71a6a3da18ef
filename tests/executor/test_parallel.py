"""Steps that have nothing to do with each other run at the same time, and come to what they come to one by one."""

import threading
from typing import Any

import pytest

from executor.actor import Actor
from executor.run import Event, StepState
from executor.sandbox import SandboxLimits
from executor.schedule import order_of
from htn.domain import Domain
from htn.plan import Plan
from htn.search import find_plan
from htn.state import State


def unused() -> Any:
    raise AssertionError("a plan of written operators opens nothing")


class Meeting:
    """A command that ends only when as many of its kind as were named are under way at the same time."""

    def __init__(self, parties: int) -> None:
        self.barrier = threading.Barrier(parties, timeout=20)

    def __call__(self, state: State, name: str) -> State:
        self.barrier.wait()
        state.made[name] = True
        return state


def workshop(command: Any) -> Domain:
    """Parts are made, each by itself, and then they are put together."""
    domain = Domain("workshop")

    @domain.operator
    def make(state: State, name: str) -> State:
        state.made[name] = True
        return state

    @domain.operator
    def join(state: State) -> State:
        state.joined["all"] = tuple(name for name, is_made in state.made.items() if is_made)
        return state

    domain.command("make")(command)

    @domain.method("build")
    def each_then_all(state: State, *names: str) -> list[tuple[Any, ...]]:
        return [*(("make", name) for name in names), ("join",)]

    return domain


def start() -> State:
    # The parts are there from the start: the order in which keys come into being is part of what `join` reads.
    return State(made=dict.fromkeys("abcdef", False), joined={}, seen={})


def made(state: State) -> list[str]:
    return [name for name, is_made in state.made.items() if is_made]


def planned(domain: Domain, *names: str) -> Plan:
    plan = find_plan(domain, start(), [("build", *names)])
    assert isinstance(plan, Plan)
    return plan


def acting(domain: Domain, parallel: int) -> Actor:
    return Actor(domain, unused, unused, SandboxLimits(), parallel=parallel)


def test_as_many_steps_as_are_allowed_run_at_the_same_time_and_what_needs_them_comes_after() -> None:
    domain, state = workshop(Meeting(3)), start()
    events: list[Event] = []
    run = acting(domain, 3).act(planned(domain, "a", "b", "c"), state, events.append)
    assert run.done
    assert (made(state), state.joined["all"]) == (["a", "b", "c"], ("a", "b", "c"))
    kinds = [(event.kind, event.step) for event in events]
    assert kinds[-2:] == [("start", 3), ("finish", 3)]


def test_no_more_steps_run_at_the_same_time_than_are_allowed() -> None:
    most, now, lock = 0, 0, threading.Lock()

    def busy(state: State, name: str) -> State:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        threading.Event().wait(0.02)
        with lock:
            now -= 1
        state.made[name] = True
        return state

    domain = workshop(busy)
    assert acting(domain, 2).act(planned(domain, *"abcdef"), start()).done
    assert most == 2


def test_steps_that_write_the_same_place_without_saying_so_stop_the_run_with_an_explanation() -> None:
    barrier = threading.Barrier(2, timeout=20)

    def careless(state: State, name: str) -> State:
        barrier.wait()
        state.made[name] = True
        state.seen["last"] = name
        return state

    domain, state = workshop(careless), start()
    run = acting(domain, 2).act(planned(domain, "a", "b"), state)
    failed = run.failed
    assert failed is not None and failed.trouble is not None
    assert "a step that ran at the same time both touched seen" in failed.detail
    assert any("HTN_PARALLEL=1" in hint for hint in failed.trouble.hints)
    done = [step.action.arguments[0] for step in run.steps if step.state is StepState.DONE]
    assert made(state) == done == [state.seen["last"]]


def test_what_a_step_reads_that_another_writes_without_saying_so_stops_the_run() -> None:
    wrote, read = threading.Event(), threading.Event()

    def crossing(state: State, name: str) -> State:
        if name == "a":
            read.wait(20)
            state.tools["b"] = "dull"
            state.made[name] = True
            wrote.set()
            return state
        read.set()
        wrote.wait(20)
        threading.Event().wait(0.05)
        state.made[name] = state.tools["b"]
        return state

    domain = Domain("workshop")

    @domain.operator
    def make(state: State, name: str) -> State:
        state.made[name] = state.tools[name]
        return state

    domain.command("make")(crossing)

    @domain.method("build")
    def each(state: State, *names: str) -> list[tuple[Any, ...]]:
        return [("make", name) for name in names]

    state = State(made={}, tools={"a": "sharp", "b": "sharp"})
    plan = find_plan(domain, state, [("build", "a", "b")])
    assert isinstance(plan, Plan)
    assert order_of(domain, state, plan, 2).before == ((), ())
    run = acting(domain, 2).act(plan, state)
    assert [str(step.state) for step in run.steps] == ["done", "failed"]
    assert 'both touched tools["b"]' in run.steps[1].detail
    assert "a" in state.made and "b" not in state.made


def test_when_a_step_fails_what_runs_beside_it_is_kept_and_nothing_else_is_begun() -> None:
    failed, begun = threading.Event(), []

    def uneven(state: State, name: str) -> State:
        begun.append(name)
        if name == "a":
            failed.set()
            raise OSError("no wood")
        failed.wait(20)
        state.made[name] = True
        return state

    domain, state = workshop(uneven), start()
    run = acting(domain, 2).act(planned(domain, "a", "b", "c", "d"), state)
    assert sorted(begun) == ["a", "b"]
    assert [str(step.state) for step in run.steps] == ["failed", "done", "pending", "pending", "pending"]
    assert (made(state), state.joined) == (["b"], {})


def test_one_at_a_time_steps_are_carried_out_as_planned() -> None:
    order = []

    def noting(state: State, name: str) -> State:
        order.append((name, threading.current_thread() is threading.main_thread()))
        state.made[name] = True
        return state

    domain = workshop(noting)
    assert acting(domain, 1).act(planned(domain, *"dacb"), start()).done
    assert order == [(name, True) for name in "dacb"]


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_step_whose_changes_cannot_be_written_down_is_done_all_the_same(parallel: int) -> None:
    def endless(state: State, name: str) -> State:
        state.made[name] = float("inf")
        return state

    domain, state = workshop(endless), start()
    assert acting(domain, parallel).act(planned(domain, "a", "b"), state).done
    assert [state.made["a"], state.made["b"]] == [float("inf"), float("inf")]


@pytest.mark.parametrize("width", [2, 5])
def test_each_step_sees_what_those_before_it_did_however_many_run_at_once(width: int) -> None:
    domain = Domain("workshop")

    @domain.operator
    def touch(state: State, name: str, often: int) -> State:
        state.seen[name] += often
        return state

    @domain.command("touch")
    def touch_slowly(state: State, name: str, often: int) -> State:
        threading.Event().wait(0.001 * (ord(name) % 3))
        return touch(state, name, often)

    @domain.method("build")
    def in_rounds(state: State) -> list[tuple[Any, ...]]:
        return [("touch", name, often) for often in range(1, 8) for name in "abcdef"]

    state = State(seen=dict.fromkeys("abcdef", 0))
    plan = find_plan(domain, state, [("build",)])
    assert isinstance(plan, Plan)
    assert acting(domain, width).act(plan, state).done
    assert state.seen == dict.fromkeys("abcdef", sum(range(1, 8)))
