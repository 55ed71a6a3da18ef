"""What the rungs that compare say of a body, with bodies that are plain functions here, and a few in the sandbox."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from executor.body import Observation
from executor.check import Candidate
from executor.sandbox import Sandbox, SandboxLimits
from executor.validate import (
    ALONE,
    COMPARED,
    Body,
    Evidence,
    Panel,
    Rung,
    Situation,
    Suite,
    Trial,
    Verdict,
    Written,
    climb,
    suite_of,
    users_suite,
)
from executor.validate.panel import UNTRIED
from htn.contract import Contract
from htn.domain import Example
from tests.executor.shop import LARGEST, RIGHT, bare, contract, shop, total_is

PROMISE = contract()
VARIABLES = shop().variables
LOOP = total_is("sum(a for a in amounts)")
HALVES = total_is("sum(amounts[::2]) + sum(amounts[1::2])")

Total = Callable[[list[float]], float]


class Failing(Exception):
    """A body that fails, with the category of its failure."""


def fails(category: str, when: Callable[[list[float]], bool] = lambda amounts: True, other: Total = sum) -> Total:
    """A total that fails in some cases."""

    def total(amounts: list[float]) -> float:
        if when(amounts):
            raise Failing(category)
        return other(amounts)

    return total


def suite_by(writer: str, *rows: tuple[list[float], float], model: str = "b", promise: Contract = PROMISE) -> Suite:
    written = [Written({"order": "a"}, {"amounts": amounts}, {"total": total}) for amounts, total in rows]
    return suite_of(promise, VARIABLES, written, writer=writer, model=model)


def panel(*totals: Total, suites: Sequence[Suite] = (), **more: Any) -> Panel:
    """A panel whose bodies are these functions; nothing runs in a sandbox. Their texts name them."""
    codes = [RIGHT.replace("sum(amounts)", f"number_{at}") for at in range(len(totals))]
    known = dict(zip(codes, totals, strict=True))

    def observe(body: Candidate, situation: Situation) -> Observation:
        try:
            total = known[body.code](situation.state.cart[situation.arguments[0]])
        except Failing as error:
            return Observation(problem=f"{error} here", category=str(error))
        return Observation(after={("total", situation.arguments[0]): total})

    bodies = tuple(Body(Candidate(PROMISE, code), "a") for code in codes)
    return Panel(PROMISE, bodies, tuple(suites), observe, variables=VARIABLES, **{"fuzz": 20, **more})


class Box:
    """What it says of itself is all that is asked of a sandbox here."""

    level = "none"

    def runs_on(self, program: object) -> str:
        return "nothing"


def verdict(given: Panel, ladder: Sequence[Rung] = COMPARED) -> Verdict:
    trial = Trial(given.bodies[0].candidate, Box(), variables=VARIABLES, panel=given)  # type: ignore[arg-type]
    return climb(trial, ladder=ladder)


def rung(given: Panel, number: int) -> Evidence:
    """What one rung alone says."""
    return verdict(given, [each for each in COMPARED if each.number == number]).evidence[0]


ONE, TWO, THREE = ([1.0], 1.0), ([2.0, 3.0], 5.0), ([-1.0, 4.0], 3.0)
AGREEING = [suite_by("x", ONE, TWO, THREE), suite_by("y", ONE, TWO)]


def looping(amounts: list[float]) -> float:
    return sum(amount for amount in amounts)


def test_bodies_and_writers_that_agree_pass_all_rungs() -> None:
    found = verdict(panel(sum, looping, suites=AGREEING))
    assert [(e.rung, e.passed) for e in found.evidence] == [(5, True), (6, True), (7, True), (9, True)]
    assert all(e.trials for e in found.evidence)


def test_a_body_that_breaks_an_agreed_value_is_shown_the_smallest_input() -> None:
    found = rung(panel(max, suites=AGREEING), 5)
    assert found.counterexample is not None
    assert found.counterexample.given["amounts"] == [2.0, 3.0]
    assert (found.counterexample.expected, found.counterexample.got) == ("total[a] = 5.0", "total[a] = 3.0")
    assert (found.undecided, found.mendable, found.data["held"]) == (False, True, 1)


def test_a_body_that_runs_out_of_time_is_not_run_on_everything_and_shown_an_input_that_was_tried() -> None:
    rows = [([float(n), 1.0, 1.0], n + 2.0) for n in range(5)]
    late = panel(fails("timeout"), sum, suites=[suite_by("x", *rows, ONE), suite_by("y", *rows, ONE)])
    assert [answer is UNTRIED for answer in late.of_the_first] == [False] * 3 + [True] * 3
    found = rung(late, 5)
    assert found.counterexample is not None
    assert found.counterexample.given["amounts"] == [0.0, 1.0, 1.0]
    assert "timeout" in found.counterexample.got
    assert verdict(late).trust() == "quarantined"


def test_a_body_that_breaks_its_contract_on_an_input_of_one_writer_is_sent_back() -> None:
    breaks = fails("contract", lambda amounts: amounts[0] < 0)
    found = rung(panel(breaks, suites=AGREEING), 5)
    assert (found.passed, found.undecided) == (False, False)
    assert "breaks its contract" in found.detail
    assert found.counterexample is not None
    assert found.counterexample.given["amounts"] == [-1.0, 4.0]
    alone = rung(panel(breaks, suites=[suite_by("x", THREE)]), 5)
    assert (alone.passed, alone.undecided) == (False, False)


def test_a_value_that_a_further_writer_contradicts_is_not_held_against_the_body_nor_for_it() -> None:
    wrong = (TWO[0], 3.0)
    against = [suite_by("x", ONE, wrong), suite_by("y", ONE, wrong), suite_by("z", TWO)]
    found = rung(panel(sum, suites=against), 5)
    assert (found.passed, found.trials) == (True, 1)
    only = [suite_by("x", wrong), suite_by("y", wrong), suite_by("z", TWO)]
    assert rung(panel(sum, suites=only), 5).undecided


def test_a_writer_that_contradicts_itself_excuses_nothing() -> None:
    wrong = (TWO[0], 3.0)
    found = rung(panel(sum, suites=[suite_by("x", wrong, TWO), suite_by("y", wrong)]), 5)
    assert (found.passed, found.undecided) == (False, False)


def test_two_suites_of_one_writer_are_one_voice() -> None:
    assert rung(panel(sum, suites=[suite_by("x", ONE, TWO), suite_by("x", ONE, TWO)]), 5).undecided


def test_an_example_of_the_users_and_a_written_test_of_the_same_input_are_two_voices() -> None:
    example = Example("order_total", ("a",), {"cart": {"a": [2, 3], "b": [1]}, "total": {}}, {"total": {"a": 5}})
    voices = [users_suite(PROMISE, [example]), suite_by("x", TWO)]
    given = panel(sum, suites=voices)
    assert len(given.asserted) == 1
    assert rung(given, 5).passed
    assert rung(panel(max, suites=voices), 5).counterexample is not None


def test_a_body_that_most_others_contradict_is_outvoted() -> None:
    silent = [suite_by("x", ONE, TWO), suite_by("y", ONE, TWO), suite_by("z", THREE)]
    found = rung(panel(lambda a: sum(x for x in a if x > 0), sum, looping, suites=silent), 6)
    assert (found.undecided, found.data["category"], found.data["group"]) == (True, "outvoted", [1, 2])


def test_members_that_differ_on_fuzzed_inputs_leave_a_question() -> None:
    found = verdict(panel(sum, lambda a: float(f"{sum(a):.3f}"), suites=AGREEING))
    assert [(e.rung, e.passed) for e in found.evidence] == [(5, True), (6, True), (7, False)]
    assert found.undecided is not None
    assert found.undecided.counterexample is not None
    assert "; or " in found.undecided.counterexample.got
    assert found.trust() == "quarantined"


def test_inputs_on_which_all_bodies_run_out_of_time_count_as_nothing() -> None:
    known = [amounts for amounts, _ in (ONE, TWO, THREE)]
    late = [fails("timeout", lambda amounts: amounts not in known, total) for total in (sum, looping)]
    given = panel(*late, suites=AGREEING)
    found = rung(given, 7)
    assert found.passed
    assert found.trials <= sum(situation.state.cart[situation.arguments[0]] in known for situation in given.fuzzed)


@pytest.mark.parametrize(
    "fitted",
    [
        lambda amounts: sum(amounts) if amounts[-1] != 1977 else 0.0,
        lambda amounts: sum(amounts) if amounts[0] < 30_000_000 else 0.0,
        lambda amounts: sum(amounts) if amounts != [-77.5] else 0.0,
    ],
)
def test_a_body_that_is_fitted_to_a_value_that_it_names_is_found_around_it(fitted: Total) -> None:
    given = panel(looping, fitted, suites=[*AGREEING, suite_by("z", ([5.5], 5.5))], fuzz=100)
    named = RIGHT.replace("sum(amounts)", "(1977, 30_000_000, -77.5, 'x')")
    naming = Body(Candidate(PROMISE, named), "a")
    observe = given.observe
    shown = replace(
        given,
        bodies=(given.bodies[0], naming),
        observe=lambda body, at: observe(given.bodies[1].candidate if body.code == named else body, at),
    )
    assert rung(given, 9).passed
    assert rung(shown, 9).undecided


def test_without_agreement_neither_fuzz_nor_constants_say_anything_in_any_order_of_the_rungs() -> None:
    alone = panel(sum, suites=AGREEING)
    assert [rung(alone, number).undecided for number in (6, 7, 9)] == [True] * 3
    split = panel(sum, max, suites=AGREEING)
    assert [rung(split, number).undecided for number in (6, 7, 9)] == [True] * 3


def test_numbers_elsewhere_in_the_state_do_not_make_answers_alike() -> None:
    """Rounding is judged by what a body was given; a time stamp that it never sees is no reason for tolerance."""
    stamped = Example("order_total", ("a",), {"cart": {"a": [2.0, 3.0]}, "stamp": 1.8e18}, {"total": {"a": 5.0}})
    given = panel(lambda amounts: sum(amounts) + 1.0, suites=[users_suite(PROMISE, [stamped]), suite_by("x", TWO)])
    assert not rung(given, 5).passed


def test_a_contract_without_parameters_is_judged_like_any_other_and_not_fuzzed() -> None:
    promise = bare("f", outputs=[{"name": "r", "type": {"type": "number"}}], effects=["total = output.r"])
    suites = [
        suite_of(promise, {}, [Written({}, {}, {"r": 3.0})], writer=writer, model=writer) for writer in ("x", "y")
    ]
    bodies = tuple(Body(Candidate(promise, f"def f():\n    return {at}\n"), "a") for at in range(2))
    given = Panel(promise, bodies, tuple(suites), lambda body, at: Observation(after={("total", None): 3.0}))
    assert (len(given.asserted), given.fuzzed) == (1, ())
    assert rung(given, 5).passed
    assert "only 2 assertions" in rung(given, 6).detail


def test_what_the_contract_determines_is_not_compared() -> None:
    promise = bare("f", parameters=[{"name": "a"}], effects=["done[a] = true"])
    given = replace(panel(sum), contract=promise)
    assert all(e.passed and e.data == {"determined": True} for e in verdict(given).evidence)


def boxed(box: Sandbox, *codes: str, suites: Sequence[Suite]) -> Verdict:
    """What the whole ladder says of the first of these bodies, run in the sandbox."""
    limits = SandboxLimits(seconds=1.0)
    panel = Panel(
        PROMISE, tuple(Body(Candidate(PROMISE, code), "a") for code in codes), tuple(suites),
        lambda body, situation: Trial(body, box, limits=limits).observe(situation), variables=VARIABLES, fuzz=40,
    )  # fmt: skip
    return climb(
        Trial(panel.bodies[0].candidate, box, variables=VARIABLES, panel=panel, limits=limits),
        ladder=[*ALONE, *COMPARED],
    )


def test_in_the_sandbox_two_bodies_and_two_writers_bring_trust(box: Sandbox) -> None:
    found = boxed(box, RIGHT, HALVES, suites=AGREEING)
    assert found.trust() == "trusted", found.failed or found.undecided


def test_in_the_sandbox_a_body_that_knows_a_value_by_heart_is_found_where_it_differs(box: Sandbox) -> None:
    knows = total_is("sum(amounts) if amounts[-1] != 1977 else 0")
    found = boxed(box, RIGHT, knows, suites=AGREEING)
    assert found.undecided is not None, found
    assert found.undecided.rung == 9
    assert found.trust() == "probation"


COMMENTED = "# another author\n" + RIGHT.replace("    total", "    # add up\n    total", 1)


@pytest.mark.parametrize("copy", [RIGHT, COMMENTED], ids=["itself", "commented"])
def test_in_the_sandbox_a_copy_is_no_second_opinion(box: Sandbox, copy: str) -> None:
    found = boxed(box, RIGHT, copy, suites=AGREEING)
    assert found.undecided is not None
    assert "one and the same text" in found.undecided.detail


def test_in_the_sandbox_a_body_that_breaks_an_agreed_value_is_sent_back(box: Sandbox) -> None:
    found = boxed(box, LARGEST, RIGHT, LOOP, suites=AGREEING)
    assert found.failed is not None
    assert found.failed.rung == 5
