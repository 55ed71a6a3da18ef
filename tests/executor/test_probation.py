"""Rung 10: clean uses count as evidence only on top of a contract that was compared with what the body does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.probation import may_be_promoted

HELD = {"rung": 8, "name": "contract", "passed": True, "trials": 20}
FAILED = HELD | {"passed": False}

REFUSED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "no evidence": ([], "never climbed rung 8"),
    "only hearsay": ([{"rung": "import", "name": "imported", "passed": True}], "never climbed rung 8"),
    "other rungs": ([{"rung": 4, "name": "given examples", "passed": True, "trials": 2}], "never climbed rung 8"),
    "the contract was not held": ([FAILED], "did not pass rung 8"),
    "nothing was tried": ([HELD | {"trials": 0}], "did not pass rung 8"),
    "a later climb failed": ([HELD, FAILED], "did not pass rung 8"),
    "passed is a word": ([HELD | {"passed": "yes"}], "did not pass rung 8"),
    "it was demoted": ([HELD, {"rung": "use", "name": "demoted", "passed": False}], "broke its contract"),
    "it was retired": ([HELD, {"rung": "use", "name": "retired", "passed": False}], "was retired"),
}


@pytest.mark.parametrize(("records", "why"), REFUSED.values(), ids=REFUSED)
def test_uses_do_not_promote_where_the_evidence_does_not_allow_it(records: list[dict[str, Any]], why: str) -> None:
    assert why in str(may_be_promoted(records))


def test_uses_promote_an_entry_whose_contract_was_held_in_its_last_climb() -> None:
    assert may_be_promoted([FAILED, HELD]) is None
    assert may_be_promoted([HELD, {"rung": "use", "name": "put back", "passed": False}]) is None


RECORDS = st.lists(
    st.fixed_dictionaries(
        {"rung": st.sampled_from([0, 4, 8, 10, "use", None]), "name": st.sampled_from(["contract", "put back", 3])},
        optional={"passed": st.booleans(), "trials": st.integers(0, 3)},
    ),
    max_size=8,
)


@given(RECORDS, RECORDS)
def test_no_record_makes_up_for_a_broken_contract(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    assert may_be_promoted([*before, {"rung": "use", "name": "demoted", "passed": False}, *after]) is not None
