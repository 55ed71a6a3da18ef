"""What samples and writers agree on is what the rules say: held against a naive reading of them, and rule by rule."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.validate.agreement import (
    Agreed,
    Answer,
    Assertion,
    Sample,
    Thresholds,
    agreed_values,
    compared,
    difference,
    gives_way,
    groups,
    judge,
)

INPUTS, FUZZED = 3, 2
CRASH, LATE, BROKEN = Answer("it raised", "exception"), Answer("", "timeout"), Answer("a text", "contract")

answers = st.sampled_from([Answer(1), Answer(2), Answer(3), Answer(1), Answer(2), CRASH, LATE])
further = st.sampled_from([Answer(1), Answer(1), Answer(1), Answer(2), None, LATE, BROKEN])
behaviours = st.lists(answers, min_size=INPUTS, max_size=INPUTS)


@st.composite
def panels(draw: st.DrawFn) -> tuple[list[Sample], list[Assertion]]:
    """Samples of a few behaviours, and assertions most of which say what the first behaviour does."""
    known = draw(st.lists(behaviours, min_size=1, max_size=3))
    samples = [
        Sample(
            str(number),
            draw(st.sampled_from("ab")),
            draw(st.sampled_from(["one", "two", "three"])),
            draw(st.sampled_from([known[0], *known])),
            draw(
                st.sampled_from(
                    [[Answer(1)] * FUZZED, [Answer(1), None], draw(st.lists(further, min_size=FUZZED, max_size=FUZZED))]
                )
            ),
        )
        for number in range(draw(st.integers(0, 5)))
    ]
    rows = st.tuples(st.integers(0, INPUTS - 1), st.sampled_from("xyz"), st.sampled_from([0, 0, 0, 1, 2, 3]))
    assertions = [
        Assertion(at, writer, value or known[0][at].value or 0, draw(st.sampled_from("ab")))
        for at, writer, value in draw(st.lists(rows, max_size=9))
    ]
    return samples, assertions


def plainly(samples: Sequence[Sample], assertions: Sequence[Assertion], models: int) -> set[str] | None:
    """The rules, read one after the other: the names of the group that is believed, or None."""
    alike = [[t for t in samples if all(map(equal, s.answers, t.answers))] for s in samples]
    largest = max(alike, key=len, default=[])
    members = {s.name for s in largest}
    if any(len(group) == len(largest) and {s.name for s in group} != members for group in alike):
        return None
    if len(largest) < 2 or 2 * len(largest) < len(samples) or len({(s.model, s.text) for s in largest}) < 2:
        return None
    everybody = len(largest) == len(samples)
    if not bears_out(largest[0].answers, assertions, everybody):
        return None
    supporters = {a.model for a in assertions if equal(largest[0].answers[a.input], Answer(a.value))}
    if len(supporters | {s.model for s in largest}) < models:
        return None
    for at in range(FUZZED):
        row = [s.fuzzed[at] for s in largest]
        known = [answer for answer in row if answer is not None]
        if BROKEN in known or (len(known) == len(row) and not all(equal(known[0], each) for each in known)):
            return None
    return members


def equal(one: Answer, other: Answer) -> bool:
    return (one.failure, not one.failure and one.value) == (other.failure, not other.failure and other.value)


def bears_out(said: Sequence[Answer], assertions: Sequence[Assertion], everybody: bool) -> bool:
    """Rules 1, 3, 4 and 5, for the answers of a group that `everybody` is in, or not."""
    agreed = 0
    for at in range(INPUTS):
        votes = Counter(value for _, value in {(a.writer, a.value) for a in assertions if a.input == at})
        best = [value for value, count in votes.items() if count == max(votes.values())]
        if len(best) != 1 or votes[best[0]] < 2:
            continue
        agreed += 1
        those = {a.writer for a in assertions if a.input == at and a.value == best[0]}
        others = {a.value for a in assertions if a.input == at and a.writer not in those}
        excused = everybody and any(equal(said[at], Answer(value)) for value in others)
        if not excused and not equal(said[at], Answer(best[0])):
            return False
    rows = [a for a in assertions if equal(said[a.input], Answer(a.value))]
    enough = min(len({a.input for a in rows}), len({a.writer for a in rows}), len({a.value for a in rows})) >= 2
    return bool(agreed) and enough and (everybody or 2 * len(rows) >= len(assertions))


@given(panels(), st.integers(1, 2))
@settings(max_examples=600, deadline=None)
def test_what_is_believed_is_what_the_rules_say_when_they_are_read_plainly(
    panel: tuple[list[Sample], list[Assertion]], models: int
) -> None:
    judged = judge(*panel, Thresholds(models=models))
    believed = None if judged.undecided else {sample.name for sample in judged.group}
    assert believed == plainly(*panel, models)


@given(panels(), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_order_of_samples_and_of_assertions_does_not_matter(
    panel: tuple[list[Sample], list[Assertion]], order: random.Random
) -> None:
    samples, assertions = panel
    one = judge(samples, assertions)
    order.shuffle(samples)
    order.shuffle(assertions)
    other = judge(samples, assertions)
    assert bool(one.undecided) == bool(other.undecided)
    assert sorted(map(str, one.agreed)) == sorted(map(str, other.agreed))
    if not one.undecided:
        assert {sample.name for sample in one.group} == {sample.name for sample in other.group}


@given(panels())
@settings(max_examples=200, deadline=None)
def test_every_judgement_says_which_rung_decided_and_an_input_that_exists(
    panel: tuple[list[Sample], list[Assertion]],
) -> None:
    judged = judge(*panel)
    assert judged.rung in ((5, 6, 7) if judged.undecided else (0,))
    assert judged.at is None or 0 <= judged.at < (FUZZED if judged.rung == 7 else INPUTS)


@given(panels())
@settings(max_examples=200, deadline=None)
def test_what_strict_thresholds_believe_lax_ones_believe_as_well(
    panel: tuple[list[Sample], list[Assertion]],
) -> None:
    if not judge(*panel, Thresholds(share=0.8, models=2, asserted=3)).undecided:
        assert not judge(*panel, Thresholds(models=1)).undecided


def sample(name: str, *values: Any, text: str = "", model: str = "a", fuzzed: Sequence[Answer | None] = ()) -> Sample:
    said = [value if isinstance(value, Answer) else Answer(value) for value in values]
    return Sample(name, model, text or f"text {name}", said, fuzzed)


def asserts(writer: str, *values: Any, model: str = "b") -> list[Assertion]:
    """What a writer says of the inputs in their order; None for nothing."""
    return [Assertion(at, writer, value, model) for at, value in enumerate(values) if value is not None]


GOOD = [sample("1", 10, 20), sample("2", 10, 20)]
TESTS = [*asserts("x", 10, 20), *asserts("y", 10)]


def test_two_samples_and_two_writers_that_agree_are_believed() -> None:
    judged = judge(GOOD, TESTS)
    assert (judged.undecided, judged.agreed) == ("", (Agreed(0, 10, ("x", "y")),))
    assert [each.name for each in judged.group] == ["1", "2"]


@pytest.mark.parametrize(
    ("samples", "assertions", "rung", "why"),
    [
        ([], TESTS, 6, "there is no sample"),
        (GOOD[:1], TESTS, 6, "at most 1 of 1 samples"),
        ([*GOOD, sample("3", 1, 1), sample("4", 2, 2), sample("5", 3, 3)], TESTS, 6, "at most 2 of 5 samples"),
        ([*GOOD, sample("3", 1, 1), sample("4", 1, 1)], TESTS, 6, "two groups of 2"),
        ([replace(each, text="copied", model="a") for each in GOOD], TESTS, 6, "one and the same text of one model"),
        (GOOD, asserts("x", 10, 20), 5, "no value is asserted by 2 writers"),
        (GOOD, [*asserts("x", 10, 20), *asserts("x", 10, 20)], 5, "no value is asserted by 2 writers"),
        (GOOD, [*asserts("x", 11, 20), *asserts("y", 11, 20)], 5, "break a test on which 2 writers agree"),
        (GOOD, [*asserts("x", 10), *asserts("y", 10)], 5, "only 2 assertions"),
        ([sample("1", 7, 7), sample("2", 7, 7)], [*asserts("x", 7, 7), *asserts("y", 7, 7)], 5, "are the same"),
        (GOOD, [*asserts("x", 10, 20, model="a"), *asserts("y", 10, model="a")], 5, "of one model, a,"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_undecided_and_says_why(
    samples: list[Sample], assertions: list[Assertion], rung: int, why: str
) -> None:
    judged = judge(samples, assertions)
    assert judged.rung == rung
    assert why in judged.undecided


def test_an_agreed_value_gives_way_to_a_third_writer_with_whom_all_samples_agree() -> None:
    tests = [*asserts("x", 10, 99), *asserts("y", 10, 99), *asserts("z", 10, 20)]
    assert not judge(GOOD, tests).undecided
    assert "break a test" in judge([*GOOD, sample("3", 10, 7)], tests).undecided


def test_a_writer_that_contradicts_itself_is_no_third_writer() -> None:
    tests = [*asserts("x", 10, 99), *asserts("y", 10, 99), *asserts("x", None, 20)]
    assert "break a test" in judge(GOOD, tests).undecided
    assert not gives_way(Agreed(1, 99, ("x", "y")), Answer(20), tests)


def test_a_group_outside_of_which_there_are_samples_needs_half_of_all_assertions() -> None:
    outside = [*GOOD, sample("3", 1, 1)]
    wrong = [Assertion(0, f"w{n}", 100 + n, "b") for n in range(4)]
    assert not judge(outside, [*TESTS, *wrong[:3]]).undecided
    assert "samples differ" in judge(outside, [*TESTS, *wrong]).undecided
    assert not judge(GOOD, [*TESTS, *wrong]).undecided


def test_no_value_is_agreed_on_where_another_has_as_many_writers() -> None:
    tied = [*asserts("x", 1), *asserts("y", 1), *asserts("v", 2), *asserts("w", 2)]
    assert agreed_values(tied) == ()
    assert agreed_values([*tied, *asserts("z", 2)]) == (Agreed(0, 2, ("v", "w", "z")),)
    assert agreed_values(asserts("x", 1), writers=1) == (Agreed(0, 1, ("x",)),)


def test_answers_that_differ_by_rounding_are_the_same_and_integers_are_never_rounded() -> None:
    assert Answer({"t": 0.1 + 0.2}).same(Answer({"t": 0.3}))
    assert not Answer({"t": 0.3}).same(Answer({"t": 0.3001}))
    assert not Answer(1e-17).same(Answer(0.0))
    assert Answer(1e-17, noise=1e-15).same(Answer(0.0))
    assert Answer(0.0).same(Answer(1e-17, noise=1e-15))
    assert not Answer(10**12).same(Answer(10**12 + 1, noise=5.0))
    assert not Answer(1).same(Answer(True))
    assert len(agreed_values([*asserts("x", 0.1 + 0.2), *asserts("y", 0.3)])) == 1


def test_failures_are_the_same_where_they_are_of_one_kind_and_never_a_value() -> None:
    assert Answer("division by zero", "exception").same(Answer("index out of range", "exception"))
    assert not CRASH.same(LATE)
    assert not CRASH.same(Answer("it raised"))
    assert not Answer(None).same(Answer(None, "timeout"))


def test_samples_that_all_fail_are_not_believed_whatever_is_asserted() -> None:
    assert judge([sample("1", CRASH, CRASH), sample("2", CRASH, CRASH)], TESTS).undecided


def test_on_fuzzed_inputs_only_what_all_have_answered_is_compared() -> None:
    def group(*rows: Sequence[Answer | None]) -> list[Sample]:
        return [sample(str(at), 10, 20, fuzzed=row) for at, row in enumerate(rows)]

    assert difference(group([Answer(1), None], [Answer(1), Answer(2)])) == (None, "")
    assert difference(group([Answer(1), Answer(3)], [Answer(1), Answer(2)]))[0] == 1
    assert difference(group([Answer(1), LATE], [Answer(1), Answer(2)]))[0] == 1
    assert difference(group([Answer(1), BROKEN], [Answer(1), None])) == (1, "an answer breaks the contract: a text")
    assert compared(group([Answer(1), None, LATE, CRASH], [Answer(1), Answer(2), LATE, CRASH])) == 2
    assert compared([]) == 0


def test_groups_are_complete_and_the_largest_is_first() -> None:
    samples = [sample("1", 1), sample("2", 2), sample("3", 2), sample("4", CRASH)]
    assert [[each.name for each in group] for group in groups(samples)] == [["2", "3"], ["1"], ["4"]]
