"""A contract used on a state: refusing, reading, changing, and holding a body to its word."""

from math import fsum
from sys import float_info
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htn.contract import (
    ROUNDING,
    Contract,
    Scope,
    Undefined,
    broken_promise,
    changes,
    close,
    describe_changes,
    model_of,
    refuse,
    rounding_noise,
    scope_of,
    write,
)
from htn.domain import Arity, Domain, Operator
from htn.errors import NeedsValue, UsageError
from htn.plan import Plan
from htn.search import find_plan
from htn.state import State
from htn.unknown import Unknown


def contract(*effects: str, needs: tuple[str, ...] = (), **more: Any) -> Contract:
    data = {
        "name": "act",
        "parameters": [{"name": "who"}, {"name": "what"}],
        "outputs": [{"name": "mean", "type": {"type": "number"}}],
        "preconditions": list(needs),
        "effects": list(effects),
    }
    return Contract.from_json({**data, **more})


def after(*effects: str, who: Any = "alice", what: Any = "box", **variables: Any) -> State | None:
    """Return the state that the effects lead to, or None where they have no value."""
    return model_of(contract(*effects))(State(variables), who, what)


@pytest.mark.parametrize(
    ("effect", "before", "then"),
    [
        ("v[who] = 3", {}, {"alice": 3}),
        ("v[who, what] = null", {}, {("alice", "box"): None}),
        ("v[who] = v[what]", {"box": [1]}, {"box": [1], "alice": [1]}),
        ("v[who] = v[what][1]", {"box": [1, 2]}, {"box": [1, 2], "alice": 2}),
        ("v[who] = max(v[what])", {"box": [1, 2]}, {"box": [1, 2], "alice": 2}),
        ("v[who] += 2", {"alice": 1}, {"alice": 3}),
        ("v[who] -= 2.5", {"alice": 1}, {"alice": -1.5}),
        ("v[who].add(what)", {"alice": []}, {"alice": ["box"]}),
        ("v[who].add(what)", {"alice": ("bag",)}, {"alice": ("bag", "box")}),
        ("v[who].add(what)", {"alice": {"bag"}}, {"alice": {"bag", "box"}}),
        ("v[who].add(what)", {"alice": {"box"}}, {"alice": {"box"}}),
        ("v[who].remove(what)", {"alice": ["box", "bag", "box"]}, {"alice": ["bag", "box"]}),
        ("v[who].remove(what)", {"alice": {"box", "bag"}}, {"alice": {"bag"}}),
        ("v[who].remove(what)", {"alice": {"bag"}}, {"alice": {"bag"}}),
        ("del v[who]", {"alice": 1, "bob": 2}, {"bob": 2}),
        ("del v[who]", {"bob": 2}, {"bob": 2}),
    ],
)  # fmt: skip
def test_an_effect_changes_its_place_and_nothing_else(effect: str, before: Any, then: Any) -> None:
    assert after(effect, v=before, other={"alice": 1}) == State(v=then, other={"alice": 1})


@pytest.mark.parametrize(
    ("effect", "before"),
    [
        ("v[who] += 1", {}), ("v[who] += 1", {"alice": "text"}), ("v[who] += 0.5", {"alice": 10**400}),
        ("v[who].add(what)", {}), ("v[who].add(what)", {"alice": "text"}),
        ("v[who].add(what)", {"alice": {"a": 1}}),
        ("v[who].remove(what)", {"alice": ["bag"]}), ("v[who].remove(what)", {"alice": "a box"}),
        ("v[who] = v[what]", {}), ("v[who] = min(v[what])", {"box": []}), ("v[who] = len(v[what])", {"box": 3}),
        ("v[who] = v[what][3]", {"box": [1]}), ("v[who] = sum(v[what])", {"box": [10**400, 0.5]}),
        ("v[null] = 3", {}), ("v[v[what]] = 3", {"box": {"a": 1}}),
    ],
)  # fmt: skip
def test_an_effect_without_a_value_does_not_apply(effect: str, before: Any) -> None:
    state = State(v=before)
    assert model_of(contract(effect))(state, "alice", "box") is None
    assert state == State(v=before)


def test_a_plain_variable_is_assigned_changed_and_deleted() -> None:
    assert after("day = 4") == State(day=4)
    assert after("day += 1", day=3) == State(day=4)
    assert after("del day", day=3) == State()
    assert after("del day") == State()


def test_an_argument_of_null_is_no_key_and_never_means_the_whole_variable() -> None:
    assert after("v[who] = 3", who=None, v={"alice": 1}) is None


def test_a_list_as_a_key_is_the_tuple_that_the_state_knows() -> None:
    assert after("v[who] = 3", who=["a", ["b"]], v={}) == State(v={("a", ("b",)): 3})


def test_an_entry_in_a_plain_variable_is_refused() -> None:
    with pytest.raises(UsageError, match=r"state\.day is one plain value"):
        after("day[who] = 3", day=3)


def test_what_is_assigned_is_a_copy() -> None:
    state = after("v[who] = v[what]", v={"box": [1]})
    assert state is not None
    state.v["alice"].append(2)
    assert state.v["box"] == [1]


@given(st.lists(st.tuples(st.sampled_from(["who", "what"]), st.sampled_from("+-"), st.integers(0, 9)), max_size=5))
def test_effects_on_one_place_add_up_whoever_the_arguments_are(steps: list[tuple[str, str, int]]) -> None:
    for who, what in [("alice", "bob"), ("alice", "alice")]:
        expected = {"alice": 100, "bob": 200}
        for name, sign, amount in steps:
            expected[{"who": who, "what": what}[name]] += amount if sign == "+" else -amount
        effects = [f"cash[{name}] {sign}= {amount}" for name, sign, amount in steps]
        assert after(*effects, who=who, what=what, cash={"alice": 100, "bob": 200}) == State(cash=expected)


def test_values_in_effects_are_those_before_any_effect() -> None:
    assert after("v[who] = v[what]", "v[what] = v[who]", v={"alice": 1, "box": 2}) == State(v={"alice": 2, "box": 1})


def test_two_members_are_added_to_one_list_in_order() -> None:
    assert after("v[who].add(1)", "v[who].add(2)", v={"alice": []}) == State(v={"alice": [1, 2]})


@pytest.mark.parametrize(
    ("need", "refusal"),
    [
        ("cash[who] >= 3", "cash[who] >= 3 does not hold: 2 >= 3 is false"),
        ("cash[what] >= 3", "cash[what] >= 3 does not hold: cash has no entry for box"),
        ("what in cash", "what in cash does not hold: box in [alice] is false"),
        ("who not in cash", "who not in cash does not hold: alice not in [alice] is false"),
        ("who in nowhere", "who in nowhere does not hold: the state has no variable nowhere"),
        ("who < 3", "who < 3 does not hold: '<' not supported between instances of 'str' and 'int'"),
        ("cash[who][0] == 1", "cash[who][0] == 1 does not hold: cash[who] has no entry 0"),
    ],
)
def test_a_precondition_that_does_not_hold_is_told_with_its_values(need: str, refusal: str) -> None:
    assert refuse(contract(needs=(need,)), State(cash={"alice": 2}), ("alice", "box")) == refusal


@pytest.mark.parametrize(
    "need",
    ["cash[who] == 2", "cash[who] != 3", "cash[who] < 3", "who in cash", "what not in cash", "len(what) == 3"],
)
def test_a_precondition_that_holds_refuses_nothing(need: str) -> None:
    assert refuse(contract(needs=(need,)), State(cash={"alice": 2}), ("alice", "box")) is None


def reading() -> Contract:
    return contract(
        "mean[what] = output.mean",
        reads=[{"name": "values", "from": "table[who][what]", "type": {"type": "array", "items": {"type": "number"}}}],
        needs=("len(values) >= 1",),
        ensures=["output.mean >= min(values)"],
    )


@pytest.mark.parametrize(
    ("table", "refusal"),
    [
        ({"alice": {"box": [1, 2]}}, None),
        ({}, "act reads what is not there: table has no entry for alice"),
        ({"alice": {}}, "act reads what is not there: table[who] has no entry box"),
        ({"alice": {"box": []}}, "len(values) >= 1 does not hold: 0 >= 1 is false"),
        ({"alice": {"box": [1, "x"]}}, "values[1] is 'x', not number"),
    ],
)
def test_what_the_body_reads_must_be_there_and_of_its_type(table: Any, refusal: str | None) -> None:
    assert refuse(reading(), State(table=table), ("alice", "box")) == refusal


def test_arguments_of_the_wrong_type_or_number_are_refused() -> None:
    typed = contract(parameters=[{"name": "who", "type": {"type": "string"}}, {"name": "what"}])
    assert refuse(typed, State(), (3, "box")) == "who is 3, not text"
    with pytest.raises(UsageError, match="act takes 2 arguments, not 1"):
        refuse(typed, State(), ("alice",))


def test_before_the_body_has_run_an_output_is_an_unknown() -> None:
    state = State(table={"alice": {"box": [1]}}, mean={})
    assert model_of(reading())(state, "alice", "box") is state
    assert isinstance(state.mean["box"], Unknown)


def test_an_unknown_flows_through_effects_that_do_not_decide_by_it() -> None:
    state = State(total={"alice": 1}, mean={"box": Unknown("the mean")}, log={"alice": []})
    act = contract(
        "total[who] += mean[what]",
        "log[who].add(mean[what])",
        "copy_of[who] = mean[what]",
        "n[who] = abs(mean[what])",
    )
    model_of(act)(state, "alice", "box")
    held = [state.total["alice"], state.log["alice"], state.copy_of["alice"], state.n["alice"]]
    assert all(isinstance(value, Unknown) for value in held)


@pytest.mark.parametrize("need", ["mean[what] > 3", "mean[what] in cash", "who in mean[what]", "cash[mean[what]] == 1"])
def test_a_precondition_on_an_unknown_needs_its_value(need: str) -> None:
    state = State(mean={"box": Unknown("the mean")}, cash={"alice": 1})
    with pytest.raises(NeedsValue):
        refuse(contract(needs=(need,)), state, ("alice", "box"))


def test_an_effect_on_an_unknown_place_needs_its_value() -> None:
    state = State(mean={"box": Unknown("the mean")}, v={})
    with pytest.raises(NeedsValue):
        model_of(contract("v[mean[what]] = 1"))(state, "alice", "box")


def test_a_list_with_an_unknown_part_is_no_refusal() -> None:
    state = State(table={"alice": {"box": [1, Unknown("the second")]}}, mean={})
    assert refuse(reading(), state, ("alice", "box")) is None


def test_a_plan_carries_an_unknown_from_one_learned_step_to_the_next() -> None:
    domain = Domain("sensing").extended_by([
        Operator(name, Arity(("who", "what"), 2), model_of(promise), contract=promise, version="v1")
        for name,
        promise in [("measure", contract("mean[what] = output.mean")), ("note", contract("log[who] = mean[what]"))]
    ])  # fmt: skip
    plan = find_plan(domain, State(mean={}, log={}), [("measure", "alice", "box"), ("note", "alice", "box")])
    assert isinstance(plan, Plan)


@pytest.mark.parametrize(
    ("outputs", "broken"),
    [
        ({"mean": 1.5}, None),
        ({}, "the body returned no 'mean'"),
        ({"mean": 1.5, "more": 2}, "the body returned 'more', which the contract does not declare"),
        ({"mean": "high"}, "output.mean is 'high', not number"),
        ({"mean": float("nan")}, "output.mean is nan, not number"),
        ({"mean": 0.5}, "output.mean >= min(values) does not hold: 0.5 >= 1.0 is false"),
        ({"mean": 1.0 - 1e-15}, None),
    ],
)
def test_a_body_is_held_to_what_it_promised(outputs: dict[str, Any], broken: str | None) -> None:
    scope = scope_of(reading(), State(table={"alice": {"box": [1.0, 2.0]}}), ("alice", "box"))
    found = broken_promise(reading(), Scope(scope.state, scope.arguments, scope.reads, outputs))
    assert found == broken


def test_a_number_beyond_all_floats_is_compared_and_not_close_to_any() -> None:
    scope = scope_of(reading(), State(table={"alice": {"box": [1.0]}}), ("alice", "box"))
    outputs = {"mean": -(10**400)}
    assert "does not hold" in str(broken_promise(reading(), Scope(scope.state, scope.arguments, scope.reads, outputs)))


numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
nested = st.recursive(
    numbers | st.booleans() | st.text(max_size=2) | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=1), inner, max_size=2),
    max_leaves=4,
)


@given(nested)
def test_everything_is_close_to_itself(value: Any) -> None:
    assert close(value, value, ROUNDING)


@given(nested, nested)
def test_what_is_close_is_close_both_ways(one: Any, other: Any) -> None:
    assert close(one, other, ROUNDING) == close(other, one, ROUNDING)


def test_close_is_about_rounding_and_nothing_else() -> None:
    assert close({"a": [0.1 + 0.2]}, {"a": [0.3]}, ROUNDING)
    assert not close(1.0, 1.001, ROUNDING)
    assert not close(1, True, ROUNDING)
    assert not close([1], [1, 2], ROUNDING)
    assert not close(10**400, 1.0, ROUNDING)


places = st.dictionaries(
    st.tuples(st.sampled_from(["v", "w"]), st.text(max_size=2)) | st.just(("day", None)),
    st.integers() | st.lists(st.integers(), max_size=2) | st.just(State.ABSENT),
    max_size=4,
).filter(lambda after: not isinstance(after.get(("day", None)), list))


@given(places)
def test_what_is_written_is_what_changed(wanted: dict[tuple[str, Any], Any]) -> None:
    state = State(v={"": 5, "a": 6}, day=3)
    before = dict(wanted)
    mark = state.mark()
    write(state, wanted)
    assert {at: state.look_up(*at) for at in wanted} == before
    assert state.changes_since(mark).keys() <= wanted.keys()


def test_changes_are_told_as_a_person_reads_them() -> None:
    scope = scope_of(contract("v[who] = 3", "del v[what]", "day += 1"), State(v={"box": 1}, day=1), ("alice", "box"))
    after = changes(contract("v[who] = 3", "del v[what]", "day += 1"), scope)
    assert describe_changes(after) == "v[alice] = 3; v[box] = gone; day = 2"
    assert describe_changes({}) == "nothing"


def test_an_effect_that_uses_what_an_effect_before_it_deletes_has_no_value() -> None:
    state = State(v={"alice": 1})
    act = contract("del v[who]", "v[who] += 1")
    with pytest.raises(Undefined):
        changes(act, scope_of(act, state, ("alice", "box")))


def test_numbers_are_close_by_their_own_size_however_small_they_are() -> None:
    assert close(1.82e-27, 1.82e-27 * (1 + 1e-12), ROUNDING)
    assert not close(1.82e-27, -5e-10, ROUNDING)
    assert not close(1.82e-27, 0.0, ROUNDING)
    assert not close([1e9, 1e-12], [1e9, 2e-12], ROUNDING)
    assert close(0.0, 0.0, ROUNDING)
    assert not close(0.0, 5e-324, ROUNDING)


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_close_is_the_same_at_every_scale(one: float, other: float) -> None:
    small = 2.0**-60
    if min(abs(one), abs(other)) > 1e-200:  # what is too small to be scaled loses digits
        assert close(one, other, ROUNDING) == close(one * small, other * small, ROUNDING)


def promise_of(ensures: str) -> Contract:
    return Contract.from_json({
        "name": "f", "reads": [{"name": "xs", "from": 'bag["a"]'}], "outputs": [{"name": "y"}],
        "effects": ["done = output.y"], "ensures": [ensures],
    })  # fmt: skip


def kept(ensures: str, xs: list[float], y: float) -> bool:
    return broken_promise(promise_of(ensures), Scope(State(bag={"a": xs}), {}, {"xs": xs}, {"y": y})) is None


CANCELLING = [0.1, 0.2, -0.3]
# From left to right; from Python 3.12 on, `sum` makes up for what is lost on the way.
PLAIN_SUM = 0.1 + 0.2 + -0.3


def test_a_sum_that_cancels_is_close_by_the_size_of_its_parts() -> None:
    assert PLAIN_SUM not in (0.0, fsum(CANCELLING))
    assert kept("output.y == sum(xs)", CANCELLING, fsum(CANCELLING))
    assert kept("output.y == sum(xs)", CANCELLING, 0.0)
    assert not kept("output.y == sum(xs)", CANCELLING, 1e-12)
    assert not kept("output.y == sum(xs)", [1.82e-27], -5e-10)


def test_a_promised_zero_is_close_by_the_size_of_what_went_in() -> None:
    assert kept("output.y == 0", CANCELLING, PLAIN_SUM)
    assert kept("output.y >= 0", CANCELLING, -PLAIN_SUM)
    assert not kept("output.y == 0", CANCELLING, 1e-12)
    assert not kept("output.y == 0", [1e-30], 1e-27)
    assert not kept("output.y > 0", CANCELLING, 0.0)


def test_the_noise_of_values_counts_every_number_in_them_and_no_truth_value() -> None:
    assert rounding_noise([1.0, {"a": (-2, True)}], "text", None) == 2 * 3 * float_info.epsilon
    assert rounding_noise() == 0.0
    assert rounding_noise(10**400, 1.0) == float_info.epsilon
    assert rounding_noise(1e308, 1e308) == 0.0  # beyond the floats nothing can be said


def test_many_changes_are_described_by_the_first_and_a_count() -> None:
    after = {("x", n): n for n in range(1_000)}
    assert describe_changes(after, 2) == "x[0] = 0; x[1] = 1; and 998 more places"
    assert describe_changes(dict(list(after.items())[:2]), 2) == "x[0] = 0; x[1] = 1"
