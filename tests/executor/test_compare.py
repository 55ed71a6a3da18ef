"""Inputs of clean uses are kept, as little of the state as the contract sees; two versions are compared on them."""

import json

import pytest

from executor.actor import Actor
from executor.compare import compare
from executor.inputs import inputs_of, read_inputs
from executor.library import Library
from executor.sandbox import Sandbox, SandboxLimits
from executor.watch import MOST_INPUTS, put_back
from htn import Plan, find_plan
from htn.contract import refuse
from htn.errors import UsageError
from htn.state import State
from tests.executor.shop import FIRST, LARGEST, RIGHT, contract, shop, state_of, total_is
from tests.executor.test_library import entry


def use(library: Library, version: str, *orders: list[float]) -> None:
    for amounts in orders:
        state = State(cart={"tea": amounts}, total={})
        library.used(version, inputs_of(contract(), state, ("tea",)))


def test_of_the_state_only_what_the_contract_sees_is_kept() -> None:
    state = State(cart={"tea": [4.0], "soap": [3.0]}, total={"soap": 3.0}, paid={"soap": True})
    kept = inputs_of(contract(), state, ("tea",))
    assert kept == {"arguments": ["tea"], "state": {"cart": {"tea": [4.0]}, "total": {}}}
    seen, arguments = read_inputs(json.loads(json.dumps(kept)))
    assert refuse(contract(), seen, arguments) is None


def test_inputs_that_cannot_be_written_are_not_kept() -> None:
    assert inputs_of(contract(), State(cart={"tea": [float("inf")]}, total={}), ("tea",)) is None


def test_a_clean_use_is_counted_and_its_inputs_are_kept_and_one_that_failed_is_not(
    library: Library, box: Sandbox
) -> None:
    version = library.admit(entry(), "trusted", [])
    domain = shop().extended_by(library.operators("shop"))
    state = state_of(domain)
    plan = find_plan(domain, state, [("check_out", "tea")])
    assert isinstance(plan, Plan)
    actor = Actor(domain, lambda: library, lambda: box, SandboxLimits())
    assert actor.act(plan, state).done
    assert actor.act(plan, State(cart={}, total={}, paid={})).failed
    assert library.uses(version) == 1
    assert [row["arguments"] for row in library.inputs(version)] == [["tea"]]


def test_a_step_whose_operator_was_retired_after_the_plan_was_made_is_not_carried_out(
    library: Library, box: Sandbox
) -> None:
    version = library.admit(entry(), "trusted", [])
    domain = shop().extended_by(library.operators("shop"))
    state = state_of(domain)
    plan = find_plan(domain, state, [("check_out", "tea")])
    assert isinstance(plan, Plan)
    library.pointers.retire("shop", "order_total", version, "retired", "", "{}", put_back("order_total", version, ""))
    failed = Actor(domain, lambda: library, lambda: box, SandboxLimits()).act(plan, state).failed
    assert failed is not None
    assert "was retired after the plan was made" in failed.detail


def test_only_the_last_inputs_are_kept(library: Library) -> None:
    version = library.admit(entry(), "trusted", [])
    use(library, version, *([float(n)] for n in range(MOST_INPUTS + 5)))
    kept = library.inputs(version)
    assert len(kept) == MOST_INPUTS
    assert kept[0]["state"]["cart"] == {"tea": [float(MOST_INPUTS + 4)]}
    assert library.uses(version) == MOST_INPUTS + 5


def test_inputs_that_are_large_are_counted_and_not_kept(library: Library) -> None:
    version = library.admit(entry(), "trusted", [])
    use(library, version, [0.5] * 100_000)
    assert (library.uses(version), library.inputs(version)) == (1, [])


def test_two_versions_are_compared_on_the_inputs_of_both(library: Library, box: Sandbox) -> None:
    right, first = (library.admit(entry(code=code), "trusted", []) for code in (RIGHT, FIRST))
    use(library, right, [4.0], [4.0, 1.5])
    use(library, first, [7.0], [4.0])
    found = compare(library, right, first, box)
    assert sorted((row.arguments, row.result) for row in found.rows) == [
        ("tea", "different"), ("tea", "same"), ("tea", "same"),
    ]  # fmt: skip
    (different,) = [row for row in found.rows if row.result == "different"]
    assert different.detail == "a: total[tea] = 5.5; b: total[tea] = 4.0"
    assert found.time_ratio is not None


def test_a_version_that_fails_on_an_input_is_shown_with_why(library: Library, box: Sandbox) -> None:
    right, broken = (library.admit(entry(code=code), "trusted", []) for code in (RIGHT, total_is("amounts[1]")))
    use(library, right, [4.0], [4.0, 0.0])
    found = compare(library, right, broken, box)
    assert [found.count(result) for result in ("same", "different", "failed")] == [0, 1, 1]
    (failed,) = [row for row in found.rows if row.result == "failed"]
    assert failed.detail.startswith("b: ")
    assert "IndexError" in failed.detail


def test_results_that_differ_by_rounding_are_the_same(library: Library, box: Sandbox) -> None:
    codes = (RIGHT, total_is("sum(reversed(amounts))"))
    one, other = (library.admit(entry(code=code), "trusted", []) for code in codes)
    use(library, one, [0.1, 0.2, 0.3])
    assert compare(library, one, other, box).count("same") == 1


def test_without_inputs_there_is_nothing_to_compare(library: Library, box: Sandbox) -> None:
    one, other = (library.admit(entry(code=code), "trusted", []) for code in (RIGHT, LARGEST))
    with pytest.raises(UsageError, match="no inputs"):
        compare(library, one, other, box)
