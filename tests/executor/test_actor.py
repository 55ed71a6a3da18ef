"""Carrying out a plan: each step changes the state as it promised, or not at all."""

import shlex
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from executor.actor import Actor
from executor.library import Library
from executor.run import Event, Run, StepState
from executor.sandbox import Sandbox, SandboxLimits
from htn import find_plan
from htn.contract import Contract
from htn.domain import Domain
from htn.failure import Failure
from htn.network import parse_task
from htn.plan import Action, Decomposition, Plan
from htn.state import State
from tests.executor.shop import LARGEST, RIGHT, contract, shop, state_of, total_is
from tests.executor.test_library import entry


def nothing() -> NoReturn:
    raise AssertionError("a plan of written operators opens nothing")


def acting(domain: Domain, library: Library | None = None, box: Sandbox | None = None) -> Actor:
    return Actor(
        domain,
        (lambda: library) if library else nothing,
        (lambda: box) if box else nothing,
        SandboxLimits(seconds=1.0),
    )


def plan_of(*tasks: tuple[Any, ...], version: str | None = None) -> Plan:
    return Plan("d", tasks, tuple(Decomposition(task, None, None, version) for task in tasks))


def steps(run: Run) -> list[str]:
    return [str(step.state) for step in run.steps]


def counter() -> Domain:
    """A domain that counts in place and otherwise, and can fail in many ways."""
    domain = Domain("d")

    @domain.operator
    def count(state: State, name: str) -> State:
        state.counts[name] = state.counts.get(name, 0) + 1
        return state

    @domain.operator
    def note(state: State, text: str) -> State:
        state.log["all"].append(text)
        return state

    return domain


def failing(command: Callable[..., Any]) -> Domain:
    domain = counter()
    domain.command("note")(command)
    return domain


def test_an_operator_without_a_command_is_its_own_command() -> None:
    state = State(counts={}, log={"all": []})
    run = acting(counter()).act(plan_of(("count", "a"), ("note", "x"), ("count", "a")), state)
    assert run.done
    assert state == State(counts={"a": 2}, log={"all": ["x"]})


def test_a_command_acts_in_the_place_of_its_operator() -> None:
    def aloud(state: State, text: str) -> State:
        state.log["all"].append(text.upper())
        return state

    state = State(counts={}, log={"all": []})
    acting(failing(aloud)).act(plan_of(("note", "x")), state)
    assert state.log["all"] == ["X"]


def raises(state: State, text: str) -> State:
    state.log["all"].append("half")
    raise ValueError("no paper")


def declines(state: State, text: str) -> None:
    state.log["all"].append("half")


def gives_another_state(state: State, text: str) -> State:
    return State(log={"all": [text]})


def gives_a_word(state: State, text: str) -> str:
    state.log["all"].append("half")
    return "done"


def writes_what_no_state_holds(state: State, text: str) -> State:
    state.log["all"].append("half")
    state.log["bad"] = object()
    return state


def recurses(state: State, text: str) -> State:
    state.log["all"].append("half")
    return recurses(state, text)


def leaves(state: State, text: str) -> State:
    state.log["all"].append("half")
    sys.exit(0)


def ends_a_generator(state: State, text: str) -> State:
    raise GeneratorExit


class Speechless(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


def raises_what_says_nothing(state: State, text: str) -> State:
    raise Speechless


class Unwritable:
    def __repr__(self) -> str:
        raise ValueError("no words")


def gives_what_cannot_be_written(state: State, text: str) -> Unwritable:
    return Unwritable()


def puts_what_no_state_holds_into_a_list(state: State, text: str) -> State:
    state.log["all"].append(object())
    return state


FAILURES: dict[Callable[..., Any], str] = {
    raises: "note raised ValueError: no paper",
    declines: "note(x) does not apply to what is true now",
    gives_another_state: "note gave State(",
    gives_a_word: "note gave 'done' for note(x)",
    writes_what_no_state_holds: "cannot hold a value of type object",
    recurses: "note raised RecursionError",
    leaves: "note raised SystemExit: 0",
    ends_a_generator: "note raised GeneratorExit",
    raises_what_says_nothing: "note raised Speechless: (it cannot be written)",
    gives_what_cannot_be_written: "note gave a Unwritable for note(x)",
    puts_what_no_state_holds_into_a_list: "cannot hold a value of type object",
}


@pytest.mark.parametrize("command", FAILURES, ids=lambda c: c.__name__)
def test_a_command_that_fails_stops_the_run_and_its_change_is_undone(command: Callable[..., Any]) -> None:
    state = State(counts={}, log={"all": ["before"]})
    run = acting(failing(command)).act(plan_of(("count", "a"), ("note", "x"), ("count", "a")), state)
    assert steps(run) == ["done", "failed", "pending"]
    assert run.failed is not None
    assert FAILURES[command] in run.failed.detail
    assert run.failed.trouble is not None
    assert (run.failed.trouble.code, run.failed.trouble.exit_code) == ("execution", 4)
    assert state == State(counts={"a": 1}, log={"all": ["before"]})


def test_an_action_that_nobody_knows_fails_and_is_no_bug_of_ours() -> None:
    run = acting(counter()).act(plan_of(("fly", "home")), State())
    assert run.failed is not None
    assert run.failed.detail == "nobody knows how to do fly(home)"


def test_an_operator_that_is_only_declared_cannot_be_carried_out() -> None:
    run = acting(shop()).act(plan_of(("order_total", "tea")), state_of(shop()))
    assert run.failed is not None
    assert run.failed.detail == "nobody knows how to do order_total(tea)"


def test_events_are_told_as_they_happen() -> None:
    heard: list[tuple[int, str]] = []
    state = State(counts={}, log={"all": []})

    def hear(event: Event) -> None:
        heard.append((event.step, event.kind))

    acting(failing(raises)).act(plan_of(("count", "a"), ("note", "x"), ("count", "a")), state, hear)
    assert heard == [(0, "start"), (0, "finish"), (1, "start"), (1, "fail")]


def test_each_step_is_timed_by_the_clock_that_is_passed_in() -> None:
    ticks = iter(range(100))
    actor = Actor(counter(), nothing, nothing, SandboxLimits(), clock=lambda: float(next(ticks)))
    run = actor.act(plan_of(("count", "a"), ("count", "b")), State(counts={}))
    assert [step.seconds for step in run.steps] == [1.0, 1.0]


def learned(library: Library, code: str, promise: Contract | None = None) -> tuple[Domain, str]:
    """The shop with a learned operator that has this body."""
    admitted = entry(code=code).model_copy(update={"contract": (promise or contract()).to_json()})
    version = library.admit(admitted, "trusted", [])
    return shop().extended_by(library.operators("shop")), version


def check_out(domain: Domain) -> Plan:
    found = find_plan(domain, state_of(domain), [("check_out", "tea")])
    assert isinstance(found, Plan)
    return found


def test_a_learned_step_runs_its_body_and_writes_what_it_found(library: Library, any_box: Sandbox) -> None:
    domain, _ = learned(library, RIGHT)
    state = state_of(domain)
    assert acting(domain, library, any_box).act(check_out(domain), state).done
    assert (state.total["tea"], state.paid["tea"]) == (9.5, True)


BREACHES = {
    "it breaks a promise": (LARGEST, "contract"),
    "it raises": (total_is("{}['x']"), "runtime"),
    "it never ends": (total_is("sum(iter(int, 1))"), "timeout"),
    "it returns what JSON cannot hold": (total_is("{1}"), "protocol"),
    "it ends its process": (total_is("__import__('os')._exit(0)"), "killed"),
}


@pytest.mark.parametrize(("code", "category"), BREACHES.values(), ids=BREACHES)
def test_a_body_that_breaks_its_contract_stops_the_run_and_is_demoted(
    library: Library, box: Sandbox, code: str, category: str
) -> None:
    domain, version = learned(library, code, contract(ensures=["output.total == sum(amounts)"]))
    state = state_of(domain)
    run = acting(domain, library, box).act(check_out(domain), state)
    assert steps(run) == ["failed", "pending"]
    assert run.failed is not None
    assert "the learned body of order_total(tea) broke its contract" in run.failed.detail
    assert run.failed.trouble is not None
    assert (run.failed.trouble.code, run.failed.trouble.exit_code) == ("contract", 4)
    assert "it was demoted" in run.failed.trouble.hints[0]
    assert run.failed.trouble.hints[1] == "learn it again: htn learn shop 'order_total(tea)'"
    assert state == state_of(domain)
    assert library.trust(version) == "quarantined"
    (record,) = library.evidence(version)
    assert (record["category"], record["task"]) == (category, "order_total(tea)")
    assert record["counterexample"] == {"arguments": ["tea"]}


def test_after_a_demotion_the_next_plan_meets_the_gap_again(library: Library, box: Sandbox) -> None:
    domain, _ = learned(library, total_is("'much'"))
    acting(domain, library, box).act(check_out(domain), state_of(domain))
    again = find_plan(shop().extended_by(library.operators("shop")), state_of(shop()), [("check_out", "tea")])
    assert isinstance(again, Failure)
    assert [gap.task for gap in again.gaps] == [("order_total", "tea")]


def test_where_the_preconditions_do_not_hold_the_body_does_not_run_and_is_not_blamed(
    library: Library, box: Sandbox
) -> None:
    domain, version = learned(library, total_is("{}['this body ran']"))
    run = acting(domain, library, box).act(check_out(domain), State(cart={}, total={}, paid={}))
    assert run.failed is not None
    assert "order_total(tea) does not apply to what is true now" in run.failed.detail
    assert library.trust(version) == "trusted"


def test_a_sandbox_that_cannot_run_the_body_is_not_blamed_on_the_body(library: Library, box: Sandbox) -> None:
    foreign = entry().model_copy(update={"language": "lua"})
    version = library.admit(foreign, "trusted", [])
    domain = shop().extended_by(library.operators("shop"))
    run = acting(domain, library, box).act(check_out(domain), state_of(domain))
    assert run.failed is not None
    assert run.failed.detail.startswith("the sandbox cannot run order_total(tea)")
    assert run.failed.trouble is not None
    assert (run.failed.trouble.code, run.failed.trouble.exit_code) == ("service", 7)
    assert run.failed.trouble.hints == ("htn doctor",)
    assert library.trust(version) == "trusted"


def test_the_hint_to_learn_again_is_whole_and_can_be_pasted_into_a_shell(library: Library, box: Sandbox) -> None:
    order = f"it's {'x' * 100}"
    domain, version = learned(library, total_is("'much'"))
    state = State(cart={order: [1.0]}, total={}, paid={})
    run = acting(domain, library, box).act(plan_of(("order_total", order), version=version), state)
    assert run.failed is not None and run.failed.trouble is not None
    (hint,) = [hint for hint in run.failed.trouble.hints if hint.startswith("learn it again: ")]
    program, verb, source, task = shlex.split(hint.removeprefix("learn it again: "))
    assert (program, verb, source, parse_task(task)) == ("htn", "learn", "shop", ("order_total", order))


def test_an_interrupt_is_no_failure_of_the_step() -> None:
    def interrupted(state: State, text: str) -> State:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        acting(failing(interrupted)).act(plan_of(("note", "x")), State(counts={}, log={"all": []}))


def test_an_entry_that_is_gone_fails_its_step(library: Library, box: Sandbox) -> None:
    run = acting(shop(), library, box).act(plan_of(("order_total", "tea"), version="0" * 64), state_of(shop()))
    assert run.failed is not None
    assert "the library has no entry 000000000000" in run.failed.detail


def test_a_body_with_huge_arguments_is_demoted_all_the_same(library: Library, box: Sandbox) -> None:
    code = 'def order_total(order, amounts):\n    return {"output": {"total": 1}, "writes": []}\n'
    domain, version = learned(library, code)
    huge = "x" * 1_500_000
    state = State(cart={huge: [1.0]}, total={}, paid={})
    run = acting(domain, library, box).act(plan_of(("order_total", huge), version=version), state)
    assert run.failed is not None
    assert library.trust(version) == "quarantined"
    (record,) = library.evidence(version)
    assert len(record["counterexample"]["arguments"][0]) <= 1000


def calls_for(count: int) -> int:
    """How many function calls it takes to carry out so many steps."""
    plan, state, calls = plan_of(*[("count", "a")] * count), State(counts={}), [0]

    def tally(*_: Any) -> None:
        calls[0] += 1

    actor = acting(counter())
    sys.setprofile(tally)
    try:
        actor.act(plan, state)
    finally:
        sys.setprofile(None)
    return calls[0]


def test_the_work_grows_with_the_steps_and_not_with_their_square() -> None:
    assert calls_for(4_000) < 2.2 * calls_for(2_000)


def test_a_plan_of_50000_steps_is_carried_out() -> None:
    state = State(counts={}, log={"all": []})
    run = acting(counter()).act(plan_of(*[("count", "a")] * 50_000), state)
    assert run.done
    assert len(run.steps) == state.counts["a"] == 50_000
    assert {step.state for step in run.steps} == {StepState.DONE}


def test_a_run_keeps_the_actions_of_its_plan() -> None:
    run = acting(counter()).act(plan_of(("count", "a")), State(counts={}))
    assert [step.action for step in run.steps] == [Action(("count", "a"))]
