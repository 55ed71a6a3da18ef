"""A model's tests are hostile until they are checked; the user's examples are tests like any others."""

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.validate import USER, Situation, Suite, Written, suite_of, users_suite
from executor.validate.situations import identity
from executor.validate.suites import places
from htn.contract import Contract, refuse
from htn.domain import Example
from htn.state import State
from tests.executor.shop import bare, contract, shop

VARIABLES = shop().variables
POSITIVE = contract(ensures=["output.total >= 0"])


def suite(*tests: Written, promise: Contract | None = None) -> Suite:
    return suite_of(promise or POSITIVE, VARIABLES, tests, writer="m #1", model="m")


def written(arguments: Any = None, reads: Any = None, outputs: Any = None) -> Written:
    """A test of a total; what is not said is right."""
    return Written(
        {"order": "tea"} if arguments is None else arguments,
        {"amounts": [2.0, 5.0]} if reads is None else reads,
        {"total": 7.0} if outputs is None else outputs,
    )


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def test_a_test_asserts_the_places_that_change() -> None:
    (kept,) = suite(written()).tests
    assert kept.changes == {"total[tea]": 7.0}
    assert kept.situation.arguments == ("tea",)
    assert kept.situation.state == State(cart={"tea": [2.0, 5.0]})


@pytest.mark.parametrize(
    ("test", "why"),
    [
        (written(arguments={}), "it gives"),
        (written(arguments={"order": "tea", "more": 1}), "it gives"),
        (written(arguments={"amounts": [1.0]}, reads={"order": "tea"}), "it gives"),
        (written(arguments={"order": 7}), "types and preconditions"),
        (written(arguments={"order": None}), "types and preconditions"),
        (written(reads={"amounts": "2, 5"}), "types and preconditions"),
        (written(reads={"amounts": []}), "types and preconditions"),
        (written(reads={"amounts": [True]}), "types and preconditions"),
        (written(outputs={}), "breaks the contract"),
        (written(outputs={"total": 7.0, "more": 1}), "breaks the contract"),
        (written(outputs={"total": "7"}), "breaks the contract"),
        (written(outputs={"total": -7.0}), "breaks the contract"),
        (written(outputs={"total": math.nan}), "not JSON"),
        (written(reads={"amounts": [math.inf]}), "not JSON"),
        (written(arguments={"order": "\ud800"}), "surrogates"),
        (written(arguments={"order": "x" * 200_000}), "bytes"),
        (written(reads={"amounts": [10**5_000]}), "digits"),
        *((written(arguments={"order": nested(depth)}), "nested") for depth in (40, 300, 900)),
        *((written(outputs={"total": nested(depth)}), "nested") for depth in (40, 300, 900)),
    ],
)
def test_a_test_that_says_nothing_of_the_contract_is_dropped_and_counted(test: Written, why: str) -> None:
    found = suite(test, written())
    assert len(found.tests) == 1
    assert len(found.dropped) == 1
    assert why in found.dropped[0]
    assert found.to_json()["dropped"] == 1


def test_a_test_whose_input_breaks_a_precondition_asserts_nothing() -> None:
    promise = contract(preconditions=["order in cart", 'order != "soap"'])
    assert suite(written(arguments={"order": "soap"}), promise=promise).tests == ()
    assert len(suite(written(), promise=promise).tests) == 1


_hostile = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800"),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=6), part, max_size=3),
    max_leaves=8,
)
_names = st.sampled_from(["order", "amounts", "total", "x", "$tuple", ""])
_rows = st.dictionaries(_names, _hostile, max_size=3)
OPEN = bare(
    "f", parameters=[{"name": "order"}], reads=[{"name": "amounts", "from": "cart[order]"}],
    outputs=[{"name": "total"}], preconditions=["order in cart", "len(amounts) > 0"], ensures=["output.total != 0"],
    effects=["total[order] = output.total"],
)  # fmt: skip


@given(st.lists(st.builds(Written, _rows, _rows, _rows), max_size=4), st.sampled_from([POSITIVE, OPEN]))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_a_model_writes_is_kept_or_dropped_and_what_is_kept_applies(
    tests: list[Written], promise: Contract
) -> None:
    found = suite(*tests, promise=promise)
    assert len(found.tests) + len(found.dropped) == len(tests)
    assert all(refuse(promise, t.situation.state, t.situation.arguments) is None for t in found.tests)
    found.to_json()


@given(_hostile, _hostile, _hostile)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_test_with_the_right_names_is_kept_or_dropped(order: Any, amounts: Any, total: Any) -> None:
    found = suite(Written({"order": order}, {"amounts": amounts}, {"total": total}), promise=OPEN)
    assert len(found.tests) + len(found.dropped) == 1
    for test in found.tests:
        identity(OPEN, test.situation)


def example(given_: dict[str, Any], then: dict[str, Any], *arguments: Any) -> Example:
    return Example("order_total", arguments or ("tea",), given_, then)


def test_an_example_of_the_users_asserts_what_a_test_with_its_values_asserts() -> None:
    (test,) = suite(written()).tests
    said = example({"cart": {"soap": [9], "tea": [2, 5]}, "paid": {}, "total": {"tea": 1}}, {"total": {"tea": 7}})
    mine = users_suite(POSITIVE, [said])
    assert (mine.writer, mine.model) == (USER, USER)
    assert mine.tests[0].changes == test.changes
    assert identity(POSITIVE, mine.tests[0].situation) == identity(POSITIVE, test.situation)


def test_a_place_that_an_example_does_not_name_stays_as_it_is() -> None:
    promise = contract(effects=["total[order] = output.total", "paid[order] = false", "last = order"])
    said = example({"cart": {"tea": [2.0]}, "paid": {"tea": False}, "last": "tea"}, {"total": {"tea": 2.0}})
    (test,) = users_suite(promise, [said]).tests
    assert test.changes == {"total[tea]": 2.0, "paid[tea]": False, "last": "tea"}


def test_a_place_that_is_gone_in_an_example_is_none() -> None:
    promise = contract(effects=["total[order] = output.total", "del cart[order]"])
    said = example({"cart": {"tea": [2.0]}}, {"total": {"tea": 2.0}, "cart": {"tea": State.ABSENT}})
    assert users_suite(promise, [said]).tests[0].changes == {"total[tea]": 2.0, "cart[tea]": None}


def test_places_that_only_outputs_name_are_taken_from_the_example() -> None:
    promise = bare(
        "f", parameters=[{"name": "order"}], outputs=[{"name": "shelf"}], effects=["place[output.shelf] = order"]
    )
    said = example({}, {"place": {"top": "tea"}})
    assert users_suite(promise, [said]).tests[0].changes == {"place[top]": "tea"}


def test_an_example_that_the_contract_refuses_asserts_nothing() -> None:
    refused = [example({}, {}), example({"cart": {"tea": "2"}}, {}), example({"cart": {"tea": [1.0]}}, {}, "tea", 1)]
    found = users_suite(POSITIVE, refused)
    assert (found.tests, len(found.dropped)) == ((), 3)


def test_long_keys_with_one_beginning_are_different_places() -> None:
    start = "/a/folder/with/a/long/name" * 4
    found = places({("seen", f"{start}/one"): 1, ("seen", f"{start}/two"): 2})
    assert sorted(found.values()) == [1, 2]


def test_a_key_is_one_place_however_its_number_is_written() -> None:
    assert places({("seen", 2.0): 1, ("way", ("a", 3.0)): 1}) == places({("seen", 2): 1, ("way", ("a", 3)): 1})
    assert places({("seen", 2): 1}) != places({("seen", "2"): 1})


def test_sets_and_tuples_are_compared_as_lists() -> None:
    found = places({("seen", None): {"b", "a"}, ("way", None): ("a", ["b"])})
    assert found == {"seen": ["a", "b"], "way": ["a", ["b"]]}


COUNTED = bare(
    "f", parameters=[{"name": "item", "type": {"type": "string"}}], reads=[{"name": "row", "from": "table[item]"}],
    outputs=[{"name": "more", "type": {"type": "integer"}}],
    effects=["stock[item] += output.more", "last = label[item]"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"table": {"a": [1, 2.0]}}, {"table": {"a": (1.0, 2), "b": 3}}, True),
        ({"table": {"a": {"x": 1, "y": 2}}}, {"table": {"a": {"y": 2, "x": 1}}}, True),
        ({"table": {"a": 1}}, {"table": {"a": True}}, False),
        ({"table": {"a": 1}}, {"table": {"a": "1"}}, False),
        ({"table": {"a": 1}, "stock": {"a": 1}}, {"table": {"a": 1}, "stock": {"a": 2}}, False),
        ({"table": {"a": 1}, "label": {"a": 1}}, {"table": {"a": 1}, "label": {"a": 2}}, False),
        ({"table": {"a": 1}, "last": "a"}, {"table": {"a": 1}, "last": "b", "stock": {"b": 1}}, True),
    ],
)
def test_two_situations_are_one_where_the_contract_sees_no_difference(
    one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    names = [identity(COUNTED, Situation(State(given), ("a",))) for given in (one, other)]
    assert (names[0] == names[1]) is same
