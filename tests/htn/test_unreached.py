"""A task that no method applies to is a gap where its declared goal does not hold and may be reached."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htn.carried import carry
from htn.contract import (
    Contract,
    Names,
    Scope,
    Undefined,
    changes,
    may_hold,
    model_of,
    parse_condition,
    refuse,
    scope_of,
    write,
)
from htn.domain import Arity, Domain, Operator
from htn.errors import DomainError, UsageError
from htn.failure import Failure
from htn.network import Task
from htn.plan import Plan
from htn.search import find_plan
from htn.state import State
from htn.unknown import Unknown
from htn.verify import verify_plan

FERRY: dict[str, Any] = {
    "name": "achieve_travel",
    "description": "Take the ferry.",
    "parameters": [{"name": "person", "type": {"type": "string"}}, {"name": "place", "type": {"type": "string"}}],
    "preconditions": ["person in loc"],
    "effects": ["loc[person] = place"],
}


def islands(*, reachable: str = "python") -> Domain:
    """One walks where there is a road. `reachable`: who may change where somebody is: Python, a contract, nobody."""
    domain = Domain("islands")

    @domain.method("travel")
    def on_foot(state: State, person: str, place: str) -> list[Task] | None:
        return [("walk", person, place)] if (state.loc[person], place) in state.road else None

    domain.task("travel", {"person": "string", "place": "string"}, "Get somewhere.", goal="loc[person] == place")
    if reachable == "python":

        @domain.operator
        def walk(state: State, person: str, place: str) -> State:
            state.loc[person] = place
            return state
    else:
        effect = "loc[person] = place" if reachable == "contract" else "tired[person] = true"
        walking = Contract.from_json(FERRY | {"name": "walk", "effects": [effect]})
        domain.operators["walk"] = _operator(walking)
    return domain


def _operator(contract: Contract, version: str | None = None) -> Operator:
    arity = Arity(tuple(p.name for p in contract.parameters), len(contract.parameters))
    return Operator(contract.name, arity, model_of(contract), "", contract, contract.parameters, version)


def at_the_harbour() -> State:
    return State(loc={"ann": "harbour"}, road={("harbour", "church"): True}, tired={})


def test_a_task_that_no_method_applies_to_is_a_gap_with_its_goal() -> None:
    found = find_plan(islands(), at_the_harbour(), [("travel", "ann", "island")])
    assert isinstance(found, Failure)
    assert [(gap.task, gap.kind, str(gap.goal[0])) for gap in found.gaps] == [
        (("achieve_travel", "ann", "island"), "unreached", "loc[person] == place")
    ]
    assert found.exit_code == 5
    assert "no way to do it applies, and this does not hold: loc[person] == place" in found.explain()


def test_where_a_method_applies_there_is_no_such_gap() -> None:
    assert isinstance(find_plan(islands(), at_the_harbour(), [("travel", "ann", "church")]), Plan)
    failing = islands()
    failing.operators["walk"] = _operator(Contract.from_json(FERRY | {"name": "walk", "preconditions": ["1 == 2"]}))
    found = find_plan(failing, at_the_harbour(), [("travel", "ann", "church")])
    assert isinstance(found, Failure)
    assert found.gaps == ()


def test_where_the_goal_holds_there_is_no_such_gap() -> None:
    found = find_plan(islands(), at_the_harbour(), [("travel", "ann", "harbour")])
    assert isinstance(found, Failure)
    assert found.gaps == ()


@pytest.mark.parametrize(("reachable", "count"), [("python", 1), ("contract", 1), ("nobody", 0)])
def test_where_the_contracts_rule_the_goal_out_there_is_no_such_gap(reachable: str, count: int) -> None:
    found = find_plan(islands(reachable=reachable), at_the_harbour(), [("travel", "ann", "island")])
    assert isinstance(found, Failure)
    assert len(found.gaps) == count


def test_where_only_execution_knows_whether_the_goal_holds_a_value_is_needed() -> None:
    domain, state = islands(), at_the_harbour()

    @domain.operator
    def drift(state: State, person: str) -> State:
        state.loc[person] = Unknown("where the wind blows")
        return state

    @domain.method("get_away")
    def by_drifting(state: State, person: str) -> list[Task]:
        return [("drift", person), ("travel", person, "island")]

    del domain.methods["travel"]
    domain.methods["travel"] = ()
    found = find_plan(domain, state, [("get_away", "ann")])
    assert isinstance(found, Failure)
    assert found.stage is not None
    assert found.gaps == ()


def test_what_was_learned_for_it_is_tried_after_the_methods_of_the_task() -> None:
    known = islands().extended_by([_operator(Contract.from_json(FERRY), "v1")])
    by_ferry = find_plan(known, at_the_harbour(), [("travel", "ann", "island")])
    assert isinstance(by_ferry, Plan)
    assert by_ferry.steps == [("achieve_travel", "ann", "island")]
    assert by_ferry.actions[0].version == "v1"
    assert verify_plan(known, at_the_harbour(), by_ferry) == ()
    walked = find_plan(known, at_the_harbour(), [("travel", "ann", "church")])
    assert isinstance(walked, Plan)
    assert walked.steps == [("walk", "ann", "church")]


def test_what_was_learned_and_does_not_reach_the_goal_is_not_used() -> None:
    drifting = Contract.from_json(FERRY | {"effects": ['loc[person] = "sea"']})
    known = islands().extended_by([_operator(drifting, "v1")])
    found = find_plan(known, at_the_harbour(), [("travel", "ann", "island")])
    assert isinstance(found, Failure)
    assert [gap.task[0] for gap in found.gaps] == []


def test_extending_a_domain_leaves_it_as_it_was_and_twice_is_as_good_as_once() -> None:
    domain, learned = islands(), _operator(Contract.from_json(FERRY), "v1")
    once = domain.extended_by([learned])
    assert [method.name for method in domain.methods["travel"]] == ["on_foot"]
    assert [method.name for method in once.methods["travel"]] == ["on_foot", "achieve_travel"]
    assert [method.name for method in once.extended_by([learned]).methods["travel"]] == ["on_foot", "achieve_travel"]


def test_a_file_can_bring_along_what_was_learned_for_a_task() -> None:
    domain = islands()
    carry(domain, FERRY, "v1")
    assert isinstance(find_plan(domain, at_the_harbour(), [("travel", "ann", "island")]), Plan)
    with pytest.raises(DomainError, match="has achieve_travel already"):
        carry(domain, FERRY, "v2")


def test_a_task_may_have_a_goal_and_no_method_at_all() -> None:
    domain = Domain("empty")
    domain.task("tidy", {"room": "string"}, "Tidy up.", goal=["tidy[room] == true"], operator="clean")
    domain.check_typed(("tidy", "attic"))
    with pytest.raises(UsageError, match="has 2 arguments"):
        domain.check_typed(("tidy", "attic", "cellar"))
    domain.operators["wait"] = _operator(Contract.from_json({"name": "wait", "effects": ['tidy["attic"] = true']}))
    found = find_plan(domain, State(tidy={}), [("tidy", "attic")])
    assert isinstance(found, Failure)
    assert [gap.task for gap in found.gaps] == [("clean", "attic")]
    assert "Afterwards: tidy[room] == true" in domain.operators["clean"].description


def test_a_goal_variable_may_have_an_aim_too() -> None:
    domain = Domain("lamps")

    @domain.goal_method("on")
    def never(state: State, lamp: str, wanted: bool) -> None:
        return None

    domain.task("on", {"lamp": "string", "wanted": "boolean"}, "Switch a lamp.", goal="on[lamp] == wanted")
    domain.declare("press", {"lamp": "string"}, "Press a switch.")
    state = State(on={"hall": False})
    found = find_plan(domain, state, [("on", "hall", True)])
    assert isinstance(found, Failure)
    assert [(gap.task, gap.kind) for gap in found.gaps] == [(("achieve_on", "hall", True), "unreached")]
    switch = {
        "name": "achieve_on",
        "parameters": [{"name": "lamp"}, {"name": "wanted"}],
        "effects": ["on[lamp] = wanted"],
    }
    known = domain.extended_by([_operator(Contract.from_json(switch), "v1")])
    plan = find_plan(known, state, [("on", "hall", True)])
    assert isinstance(plan, Plan)
    assert verify_plan(known, state, plan) == ()


@pytest.mark.parametrize("goal", ["", [], "loc[person] = place", "output.x == 1", "nobody == 2"])
def test_a_goal_that_cannot_be_read_is_the_authors_mistake(goal: Any) -> None:
    with pytest.raises(UsageError):
        Domain("d").task("travel", {"person": "string", "place": "string"}, "Get somewhere.", goal=goal)


# Everything that may happen in a small world, to compare with.
PLACES = ("a", "b")
VALUES = (0, 1, 2)
_conditions = st.sampled_from(
    [f"{v}[{k}] {c} {w}" for v in ("x", "y") for k in ('"a"', '"b"') for c in ("==", "<", "!=") for w in (*VALUES,)]
    + ['"a" in x', '"b" in y', '"b" not in x', 'x["a"] == y["b"]']
)
_effects = st.sampled_from(
    [f"{v}[{k}] = {w}" for v in ("x", "y") for k in ('"a"', '"b"') for w in (*VALUES,)]
    + ['x["a"] += 1', 'y["b"] -= 1', 'del x["a"]', 'del y["b"]', 'x["b"] = y["b"]', 'x["a"] = k']
)
_contracts = st.builds(
    lambda needs, makes: Contract.from_json({
        "name": "act", "parameters": [{"name": "k", "type": {"enum": [1, 2]}}], "preconditions": needs,
        "effects": makes,
    }),
    st.lists(_conditions, max_size=2), st.lists(_effects, min_size=1, max_size=2, unique_by=lambda text: text[:6]),
)  # fmt: skip
_variable = st.dictionaries(st.sampled_from(PLACES), st.sampled_from(VALUES))
_states = st.fixed_dictionaries({"x": _variable, "y": _variable})


def _everywhere(state: State, contracts: list[Contract], most: int = 300) -> list[State]:
    """Return the states that the actions lead to, one after the other, breadth first, up to so many."""
    found = [state]
    for one in found:
        for contract, k in product(contracts, (1, 2)):
            after = one.copy()
            if refuse(contract, after, (k,)) is None:
                try:
                    write(after, changes(contract, scope_of(contract, after, (k,))))
                except Undefined:
                    continue
                if after not in found and len(found) < most:
                    found.append(after)
    return found


@given(_states, st.lists(_contracts, max_size=3), _conditions)
@settings(max_examples=300, deadline=None)
def test_what_some_sequence_of_actions_brings_about_is_not_ruled_out(
    variables: dict[str, dict[str, int]], contracts: list[Contract], text: str
) -> None:
    goal, start = parse_condition(text, Names(())), State(variables)
    if any(goal.refuse(Scope(state, {})) is None for state in _everywhere(start, contracts)):
        assert may_hold([goal], Scope(start, {}), contracts)
