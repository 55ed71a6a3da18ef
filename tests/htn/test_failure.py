"""What a failure says, word for word."""

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from domains.travel import at_home, by_taxi, pay, travel
from htn.contract import Contract, model_of
from htn.domain import Domain
from htn.errors import UsageError
from htn.failure import Failure
from htn.network import parse_task
from htn.search import Limits, find_plan
from htn.state import State


def failed(domain: Domain, state: State, *tasks: tuple[Any, ...], limits: Limits | None = None) -> Failure:
    found = find_plan(domain, state, tasks, limits=limits)
    assert isinstance(found, Failure)
    return found


def line_of(function: Any, after: int) -> int:
    return int(function.__code__.co_firstlineno) + after


def travel_without_pay() -> Domain:
    domain = Domain("travel")
    for name in ("walk", "call_taxi", "ride"):
        apply = travel.operators[name].apply
        assert apply is not None
        domain.operator(apply)
    for method in travel.methods["travel"]:
        domain.method("travel")(method.decompose)
    return domain


def test_a_gap_is_told_with_the_way_to_it_and_what_to_do_next() -> None:
    failure = failed(travel_without_pay(), at_home(), ("travel", "alice", "home", "park"))
    assert failure.explain() == (
        "error[no-plan]: nobody knows how to do pay(alice)\n"
        "  in travel(alice, home, park) by by_taxi\n"
        "hint: htn learn travel 'pay(alice)' --dry-run     shows the prompt and the price"
    )


def test_the_hint_can_be_pasted_into_a_shell_whatever_the_arguments_are() -> None:
    domain = travel_without_pay()
    for name in ("it's", 'a "b"', """it's "b" """, "a b", "$(date)"):
        (hint,) = failed(domain, State(), ("fly", name)).hints()
        assert parse_task(shlex.split(hint)[3]) == ("fly", name)


def test_further_gaps_are_listed() -> None:
    domain = Domain("gaps")

    @domain.method("show")
    def by_picture(state: Any) -> Any:
        return [("draw",), ("hang",)]

    @domain.method("show")
    def by_dance(state: Any) -> Any:
        return [("dance",)]

    assert failed(domain, State(), ("show",)).explain().splitlines()[:3] == [
        "error[no-plan]: nobody knows how to do dance()",
        "  in show() by by_dance",
        "  also unknown: draw()",
    ]


def test_a_refusal_shows_the_line_that_decided_and_the_values_in_it() -> None:
    state = at_home()
    state.cash["alice"] = 3
    failure = failed(travel, state, ("travel", "alice", "home", "park"))
    line = line_of(by_taxi, 3)
    assert f"by_taxi: line {line}: if state.cash[person] < fare(state.dist[start, end]):" in failure.explain()
    assert "(state.cash[person] = 3, state.dist[start, end] = 8)" in failure.explain()


def test_first_and_deepest_dead_end_are_told_apart() -> None:
    domain = Domain("dead_ends")

    @domain.operator
    def step(state: Any) -> Any:
        return state

    @domain.operator
    def stop(state: Any) -> Any:
        return None

    @domain.method("go")
    def directly(state: Any) -> Any:
        return [("stop",)]

    @domain.method("go")
    def slowly(state: Any) -> Any:
        return [("step",), ("step",), ("stop",)]

    assert failed(domain, State(), ("go",)).explain() == (
        "error[no-plan]: there is no plan for go()\n"
        "first dead end: stop()\n"
        "  in go() by directly\n"
        "  tried stop: does not apply here\n"
        "deepest dead end, after 2 actions: stop()\n"
        "  in go() by slowly\n"
        "  tried stop: does not apply here"
    )


def test_one_dead_end_is_told_once() -> None:
    state = at_home()
    state.owe["bob"] = 100
    assert failed(travel, state, ("pay", "bob")).explain() == (
        "error[no-plan]: there is no plan for pay(bob)\n"
        "first dead end: pay(bob)\n"
        f"  tried pay: line {line_of(pay, 3)}: if state.cash[person] < state.owe[person]:"
        "   (state.cash[person] = 3, state.owe[person] = 100)"
    )


def test_an_operator_that_changed_something_before_it_refused_is_explained_by_what_it_saw() -> None:
    domain = Domain("spending")

    @domain.operator
    def spend(state: Any, amount: int) -> Any:
        state.cash["me"] -= amount
        if state.cash["me"] < 0:
            return None
        return state

    assert "(state.cash['me'] = -2)" in failed(domain, State(cash={"me": 3}), ("spend", 5)).explain()


def test_a_refused_contract_names_the_condition_and_the_values() -> None:
    domain = Domain("paying")
    contract = Contract.from_json({
        "name": "pay", "parameters": [{"name": "who", "type": {"type": "string"}}],
        "preconditions": ["cash[who] >= 3"], "effects": ["cash[who] -= 3"],
    })  # fmt: skip
    domain.declare("pay", {"who": "string"}, "Pay three.", contract)
    domain = domain.extended_by([replace(domain.operators["pay"], apply=model_of(contract), version="abc")])
    assert failed(domain, State(cash={"bob": 1}), ("pay", "bob")).explain().splitlines()[2] == (
        "  tried pay: cash[who] >= 3 does not hold: 1 >= 3 is false"
    )


def test_a_limit_says_what_was_looked_for_and_how_to_allow_more() -> None:
    domain = Domain("endless")

    @domain.method("wait")
    def on_and_on(state: Any, hours: int) -> Any:
        return [("wait", hours + 1)]

    failure = failed(domain, State(), ("wait", 0), limits=Limits(expansions=1000))
    assert failure.explain() == (
        "error[limit]: stopped after 1,000 expansions while looking for wait(0)\n"
        "hint: allow more: --max-expansions or --max-seconds"
    )


def test_a_dead_end_far_down_is_told_in_a_few_lines() -> None:
    domain = Domain("deep")

    @domain.method("dig")
    def deeper(state: Any, at: int) -> Any:
        return [("dig", at + 1)] if at < 5000 else None

    lines = failed(domain, State(), ("dig", 0)).explain().splitlines()
    assert lines[2] == "  in dig(4999) by deeper"
    assert lines[12] == "  … 4,980 levels …"
    assert lines[22] == "  in dig(0) by deeper"


def test_a_failure_as_json_is_json_and_agrees_with_what_a_person_reads() -> None:
    failure = failed(travel_without_pay(), at_home(), ("travel", "alice", "home", "park"))
    data = json.loads(json.dumps(failure.to_json()))
    assert data["plan"] is None
    assert data["gaps"] == [
        {"task": "pay(alice)", "kind": "unnamed", "declared": False, "path": ["travel(alice, home, park) by by_taxi"]}
    ]
    assert (data["exit_code"], data["stopped"], data["explanation"]) == (5, None, failure.explain())


def test_a_failure_without_gaps_is_exit_code_3_and_names_its_dead_ends() -> None:
    data = failed(travel, at_home(), ("travel", "bob", "home", "park")).to_json()
    assert (data["exit_code"], data["gaps"]) == (3, [])
    assert data["first_dead_end"]["task"] == "travel(bob, home, park)"
    assert [text.split(":")[0] for text in data["first_dead_end"]["tried"]] == [
        "already_there",
        "on_foot",
        "by_taxi",
    ]


def test_an_error_of_the_state_within_an_operator_is_no_dead_end() -> None:
    domain = Domain("wrong")

    @domain.operator
    def keep(state: Any) -> Any:
        state.things["x"] = object()
        return state

    with pytest.raises(UsageError, match=r"state\.things\[x\] cannot hold a value of type object"):
        find_plan(domain, State(things={}), [("keep",)])
