"""The history of a gap's attempts: diffs, how far each came, the two figures, and when repairing ends."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.history import MOST_REPAIRS, Attempt, History, stops
from executor.sandbox import Sandbox
from executor.validate import Evidence, Trial, Verdict, climb
from tests.executor.shop import FIRST, LARGEST, RIGHT, candidate, shop, total_is

RUNGS = (0, 1, 2, 3, 4, 8)


def verdict(passed: int, *, trials: int = 1, **data: Any) -> Verdict:
    """A climb that passed so many rungs and failed at the next, if there is one."""
    rows = [Evidence(rung, f"rung {rung}", True, "", 3 if rung == 4 else 1) for rung in RUNGS[:passed]]
    if passed < len(RUNGS):
        rows.append(Evidence(RUNGS[passed], f"rung {RUNGS[passed]}", False, "wrong", trials, data=data))
    return Verdict(tuple(rows))


def attempt(passed: int, code: str | None = None, *, sample: int = 0, repair: int = 0, **more: Any) -> Attempt:
    text = total_is(f"{passed} + {sample} + {repair} * 10") if code is None else code
    return Attempt(candidate(text), verdict(passed, **more), sample, repair, seconds=1.5, calls=1)


def history(*attempts: Attempt) -> History:
    return History(attempts)


def repairs(*reached: int, sample: int = 0) -> list[Attempt]:
    """A sample and its repairs, by the rungs that each passed."""
    return [attempt(passed, sample=sample, repair=n) for n, passed in enumerate(reached)]


def test_a_real_repair_is_told_with_its_diff_diagnosis_and_examples(box: Sandbox) -> None:
    domain = shop()
    told = History()
    for n, code in enumerate([LARGEST, RIGHT]):
        tried = candidate(code)
        found = climb(Trial(tried, box, domain.variables, domain.examples_of("order_total")))
        told = told.with_attempt(Attempt(tried, found, repair=n, seconds=0.5, calls=1))
    wrong, right = told.to_json()["attempts"]
    assert wrong["diagnosis"]["root_cause"] == "expected total[books] = 10.0, got total[books] = 5.0"
    assert (wrong["examples_passed"], wrong["examples"], wrong["diff"]) == (0, 1, "")
    assert (right["examples_passed"], right["examples"], right["diagnosis"]) == (1, 1, None)
    assert "-    total = max(amounts)\n+    total = sum(amounts)" in right["diff"]
    assert told.to_json()["error_reduction"] == told.to_json()["improvement_efficiency"] == 1.0
    assert stops(told) == "it passed every rung"
    shown = "\n".join(told.lines())
    for part in ("attempt 1: sample 1, passed 4 rungs and 0 of 1 examples, 1 call, 0.5 s",
                 "root cause: expected total[books] = 10.0",
                 "attempt 2: repair 1 of sample 1, passed every rung", "+    total = sum(amounts)",
                 "errors of the first bodies that are gone: 100%", "repairs that came further: 100%"):  # fmt: skip
        assert part in shown


def test_a_diff_is_to_the_body_that_was_repaired_and_a_sample_has_none() -> None:
    a, b = attempt(2, LARGEST, sample=0), attempt(2, FIRST, sample=1)
    c, d = attempt(3, RIGHT, sample=0, repair=1), attempt(3, RIGHT, sample=1, repair=1)
    told = history(a, b, c, d)
    assert told.diff(a) == told.diff(b) == ""
    assert "-    total = max(amounts)" in told.diff(c)
    assert "-    total = amounts[0]" in told.diff(d)


def test_what_is_too_long_is_not_compared_and_a_long_diff_is_cut() -> None:
    huge = attempt(0, "x" * 10_000_000, repair=1)
    assert history(attempt(0, RIGHT), huge).diff(huge) == "too long to be compared"
    rows = attempt(0, "\n".join(f"a{n} = {n}" for n in range(1_500)), repair=1)
    assert history(attempt(0, RIGHT), rows).diff(rows).endswith("more lines")
    assert len(json.dumps(history(huge).to_json())) < 100_000


@pytest.mark.parametrize(
    ("attempts", "reduction", "efficiency"),
    [
        ([], None, None),
        (repairs(6), None, None),
        (repairs(4), 0.0, None),
        (repairs(4, 6), 1.0, 1.0),
        (repairs(4, 4, 6), 1.0, 0.5),
        (repairs(4, 5), 1.0, 1.0),
        # Of a rung that the last attempt did not reach nothing is known.
        (repairs(4, 2), 0.0, 0.0),
        (repairs(4, 5, 2), 0.0, 0.5),
        # Two samples count together: of two first errors one is gone; of two repairs one came further.
        ([*repairs(4, 6), *repairs(4, 4, sample=1)], 0.5, 0.5),
    ],
)
def test_the_figures_follow_their_definitions(
    attempts: Sequence[Attempt], reduction: float | None, efficiency: float | None
) -> None:
    told = history(*attempts)
    assert told.error_reduction == reduction
    assert told.improvement_efficiency == efficiency


def test_trials_that_were_counted_are_errors_each() -> None:
    told = history(attempt(4, trials=5, held=1), attempt(4, repair=1, trials=5, held=4))
    assert told.error_reduction == 0.75
    assert told.improvement_efficiency == 1.0
    assert told.to_json()["attempts"][1]["examples_passed"] == 4


def test_of_several_rules_those_that_no_longer_object_are_gone() -> None:
    told = history(attempt(1, rules=["imports", "names"]), attempt(1, repair=1, rules=["names", "purity"]))
    assert told.error_reduction == 0.5


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), max_size=9))
def test_the_figures_are_shares_and_the_document_is_json(steps: list[tuple[int, int]]) -> None:
    made: list[Attempt] = []
    for sample, passed in steps:
        made.append(attempt(passed, sample=sample, repair=sum(a.sample == sample for a in made)))
    told = history(*made)
    for figure in (told.error_reduction, told.improvement_efficiency):
        assert figure is None or 0 <= figure <= 1
    assert (told.error_reduction is None) == all(told.of_sample(s)[0].verdict.passed for s in told.samples)
    assert json.loads(json.dumps(told.to_json())) == told.to_json()
    assert len(told.one_lines()) == len(made)


@pytest.mark.parametrize(
    ("attempts", "reason"),
    [
        ([], "there is no body to repair"),
        (repairs(6), "it passed every rung"),
        (repairs(4), None),
        (repairs(4, 3), None),
        (repairs(4, 5, 5), "it fails after 2 repairs"),
        ([attempt(4, category="precondition")], "its contract cannot be tried: wrong"),
        ([attempt(4, LARGEST), attempt(4, f"# again\n{LARGEST}", repair=1)], "the body repeats that of attempt 1"),
        ([attempt(4, LARGEST), attempt(4, FIRST, sample=1), attempt(4, LARGEST.replace("total", "result"), sample=2)],
         None),  # the output is called total
        ([*repairs(3, 4, 5), attempt(4, sample=1)], None),
    ],
)  # fmt: skip
def test_repairing_stops_for_a_reason(attempts: Sequence[Attempt], reason: str | None) -> None:
    assert stops(history(*attempts)) == reason


@pytest.mark.parametrize(
    ("reached", "reason"),
    [
        ((4, 4, 4), "the last 2 repairs came no further"),
        ((4, 3, 2), "the last 2 repairs came no further"),
        ((2, 4, 4, 3), "the last 2 repairs came no further"),
        ((4, 4, 5), None),
        ((4, 3, 4), None),
        ((2, 4, 4), None),
    ],
)
def test_two_repairs_in_a_row_that_come_no_further_are_the_last(reached: tuple[int, ...], reason: str | None) -> None:
    assert stops(history(*repairs(*reached)), repairs=9) == reason


def test_no_sample_is_repaired_more_often_than_allowed() -> None:
    told = history()
    for n in range(9):
        told = told.with_attempt(attempt(min(n, 5), repair=n))
        if stops(told):
            break
    assert len(told.attempts) == MOST_REPAIRS + 1


def test_a_body_that_repeats_an_earlier_one_is_known_before_it_is_tried() -> None:
    told = history(attempt(4, FIRST), attempt(4, LARGEST, repair=1))
    assert told.repeated(candidate(LARGEST.replace("    total =", "    # the sum\n    total  ="))) == 2
    assert told.repeated(candidate(RIGHT)) is None
