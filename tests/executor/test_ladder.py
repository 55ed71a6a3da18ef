"""Each rung passes and fails for its own reason, says what it did, and stops the climb when it fails."""

from typing import Any

import pytest

from executor.check import Candidate
from executor.sandbox import Sandbox, SandboxLimits
from executor.validate import ALONE, Evidence, Situation, Trial, Verdict, climb
from htn.domain import Example
from htn.errors import ServiceMissing
from htn.state import State
from tests.executor.shop import AMOUNTS, FIRST, LARGEST, RIGHT, bare, contract, shop, total_is

EXAMPLE = Example("order_total", ("books",), {"cart": {"books": [2.0, 5.0, 3.0]}}, {"total": {"books": 10.0}})
SUM: dict[str, Any] = {"ensures": ["output.total == sum(amounts)"]}


def trial(code: str, box: Sandbox, *, example: bool = True, **parts: Any) -> Trial:
    return Trial(
        Candidate(contract(**parts), code),
        box,
        variables=shop().variables,
        examples=(EXAMPLE,) if example else (),
        limits=SandboxLimits(seconds=1.0),
    )


def last(verdict: Verdict) -> Evidence:
    return verdict.evidence[-1]


def test_a_right_body_climbs_to_the_top(any_box: Sandbox) -> None:
    verdict = climb(trial(RIGHT, any_box, **SUM))
    assert verdict.passed
    assert verdict.trust() == "probation"
    assert [e.rung for e in verdict.evidence] == [0, 1, 2, 3, 4, 8]
    assert [e.name for e in verdict.evidence] == [
        "form", "static", "smoke", "determinism, purity", "given examples", "contract",
    ]  # fmt: skip
    assert {e.level for e in verdict.evidence[2:]} == {any_box.level}


def test_every_rung_says_what_it_did_and_how_often(box: Sandbox) -> None:
    evidence = climb(trial(RIGHT, box, **SUM)).evidence
    assert [e.trials for e in evidence] == [0, 0, 1, 4, 1, 26]
    assert [e.detail for e in evidence] == [
        "3 rules hold",
        "7 rules hold",
        "one generated input",
        "same result with another hash seed and clock; arguments unchanged",
        "1 of 1 come out as the user said",
        "declared change = observed change in 25 of 25 situations; refused where one of 1 of 1 preconditions is broken",
    ]


def test_evidence_is_told_rung_by_rung(box: Sandbox) -> None:
    heard: list[Evidence] = []
    verdict = climb(trial(RIGHT, box), on_evidence=heard.append)
    assert tuple(heard) == verdict.evidence


def test_each_rung_is_timed_by_the_clock_that_is_passed_in(box: Sandbox) -> None:
    ticks = iter(range(100))
    verdict = climb(trial(RIGHT, box), clock=lambda: float(next(ticks)))
    assert [e.seconds for e in verdict.evidence] == [1.0] * len(ALONE)


WRONG: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "no program": ("I would add the amounts up.", {}, 0, "it is not Python"),
    "another function": ("def sum_up(order, amounts):\n    return 1\n", {}, 0, "define exactly one function"),
    "a forbidden import": (total_is("sum(amounts)", before="import os\n"), {}, 1, "import os is not allowed"),
    "the clock by name": (
        total_is("datetime.now().year", before="from datetime import datetime\n"), {}, 1, "depends on the clock",
    ),
    "it raises": (total_is("amounts['first']"), {}, 2, "runtime: TypeError"),
    "it never ends": (total_is("sum(x for x in iter(int, 1))"), {}, 2, "timeout: the call ran longer than 1 s"),
    "it eats memory": (total_is("len([0] * 10**9)"), {}, 2, "memory"),
    "it returns what JSON cannot hold": (total_is("{1}"), {}, 2, "protocol"),
    "it depends on the order of a set": (
        total_is("[int(word) for word in {str(int(x)) for x in amounts}][0]"), {}, 3, "two runs differ",
    ),
    "it depends on the hash of a text": (total_is("hash(order + 'x')"), {}, 3, "two runs differ"),
    "it adds to what it was given": (
        total_is("amounts.append(0) or sum(amounts)"), {}, 3, "changed its arguments",
    ),
    "it is wrong in the example": (LARGEST, {}, 4, "an example of the user's comes out differently"),
    "it raises in the example alone": (
        total_is("sum(amounts) if amounts != [2.0, 5.0, 3.0] else {}['no']"), {}, 4, "runtime: KeyError",
    ),
    "it breaks its promise in the example alone": (
        total_is("sum(amounts) if amounts != [2.0, 5.0, 3.0] else 0"), SUM, 4, "comes out differently",
    ),
    "it is right in the example and breaks its promise elsewhere": (
        total_is("10.0"), SUM, 8, "contract: output.total == sum(amounts) does not hold",
    ),
    "it is wrong for negative numbers only": (total_is("sum(abs(x) for x in amounts)"), SUM, 8, "does not hold"),
    "it is wrong for a single amount": (total_is("sum(amounts) if amounts[1:] else 0"), SUM, 8, "does not hold"),
    "it is wrong for many amounts only": (total_is("sum(amounts[:9])"), SUM, 8, "does not hold"),
    "it raises for some amounts": (total_is("sum(amounts) if min(amounts) > -9 else [][0]"), SUM, 8, "runtime"),
    "it writes one place too many": (
        "def order_total(order, amounts):\n"
        "    total = sum(amounts)\n"
        "    more = [['paid', order, True]] if len(amounts) == 2 else []\n"
        "    return {'output': {'total': total}, 'writes': [['total', order, total], *more]}\n",
        {}, 8, "does not declare: paid[",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("code", "parts", "rung", "why"), WRONG.values(), ids=WRONG)
def test_a_wrong_body_is_caught_by_the_rung_that_is_there_for_it(
    box: Sandbox, code: str, parts: dict[str, Any], rung: int, why: str
) -> None:
    verdict = climb(trial(code, box, **parts))
    assert verdict.failed is last(verdict)
    assert (last(verdict).rung, why in f"{last(verdict).detail} {last(verdict).counterexample}") == (rung, True)
    assert [e.passed for e in verdict.evidence] == [True] * (len(verdict.evidence) - 1) + [False]


def test_the_clock_is_noticed_also_where_its_name_is_not(box: Sandbox) -> None:
    # The static rule looks for names; this rung runs the body at two times.
    code = "import time\n" + total_is("int(time.time()) // 10**6")
    found = ALONE[3].climb(trial(code, box))
    assert (found.passed, found.detail) == (False, "two runs differ")
    assert found.counterexample is not None
    assert found.counterexample.expected == "the same result twice"


FAILING = [n for n, (_, _, rung, _) in WRONG.items() if rung in (2, 3, 4, 8)]


@pytest.mark.parametrize("name", FAILING)
def test_a_counterexample_reproduces_the_failure(box: Sandbox, name: str) -> None:
    code, parts, _, _ = WRONG[name]
    wrong = trial(code, box, **parts)
    found = last(climb(wrong)).counterexample
    assert found is not None
    given = dict(found.given)
    assert given["order"] == found.arguments[0]
    again = Situation(State(cart={given["order"]: given["amounts"]}), found.arguments)
    if "two runs differ" in last(climb(wrong)).detail:
        one, other = (wrong.observe(again, hash_seed=seed).outcome for seed in (0, 1))
        assert one is not None and other is not None and one.value != other.value
    else:
        seen = wrong.observe(again)
        assert not seen.ok or seen.after[("total", given["order"])] != 10.0


def test_a_counterexample_reads_as_input_expected_and_got(box: Sandbox) -> None:
    found = last(climb(trial(LARGEST, box))).counterexample
    assert str(found).splitlines() == [
        "input:    order = 'books', amounts = [2.0, 5.0, 3.0]",
        "expected: total[books] = 10.0",
        "got:      total[books] = 5.0",
    ]


def test_of_several_situations_the_smallest_is_the_counterexample(box: Sandbox) -> None:
    wrong = trial(total_is("sum(amounts) + 1"), box, example=False, **SUM)
    found = last(climb(wrong)).counterexample
    assert found is not None
    sizes = [len(repr(s.state)) + len(repr(s.arguments)) for s in wrong.applicable]
    state = State(cart={found.arguments[0]: dict(found.given)["amounts"]})
    assert len(repr(state)) + len(repr(found.arguments)) == min(sizes)


def test_a_body_that_fits_the_examples_and_breaks_the_contract_is_caught_at_rung_8(box: Sandbox) -> None:
    verdict = climb(trial("ANSWERS = {'books': 10.0}\n" + total_is("ANSWERS.get(order, 0)"), box, **SUM))
    assert [e.rung for e in verdict.evidence if e.passed] == [0, 1, 2, 3, 4]
    assert last(verdict).rung == 8
    assert verdict.trust() == "quarantined"


def test_without_an_example_the_trust_is_quarantine_however_high_the_climb(box: Sandbox) -> None:
    verdict = climb(trial(RIGHT, box, example=False, **SUM))
    assert verdict.passed
    assert verdict.trust() == "quarantined"
    assert [e.detail for e in verdict.evidence if e.rung == 4] == ["no example was given"]


def test_a_body_that_failed_is_never_trusted() -> None:
    good = [Evidence(n, "x", True, "", 1) for n in (0, 1, 2, 3, 4, 8)]
    assert Verdict(tuple(good)).trust() == "probation"
    for at in range(len(good)):
        bad = [*good[:at], Evidence(good[at].rung, "x", False, "", 1), *good[at + 1 :]]
        assert Verdict(tuple(bad)).trust() == "quarantined"


def test_a_body_that_runs_out_of_time_is_not_run_in_every_situation(box: Sandbox) -> None:
    runs: list[str] = []

    class Counting(Trial):
        def observe(self, situation: Situation, **how: Any) -> Any:
            seen = super().observe(situation, **how)
            runs.append(seen.category)
            return seen

    code = total_is("sum(amounts) if len(amounts) < 3 else sum(iter(int, 1))")
    counted = Counting(Candidate(contract(), code), box, limits=SandboxLimits(seconds=0.3))
    verdict = climb(counted)
    assert not verdict.passed
    assert runs.count("timeout") == 1


def test_a_contract_that_no_situation_satisfies_is_not_blamed_on_the_body(box: Sandbox) -> None:
    verdict = climb(trial(RIGHT, box, preconditions=["len(amounts) > 3", "len(amounts) < 2"]))
    assert last(verdict).detail == "no situation could be made in which the preconditions hold"
    assert (last(verdict).rung, last(verdict).mendable, last(verdict).counterexample) == (2, False, None)


def test_an_example_that_the_contract_refuses_is_not_blamed_on_the_body(box: Sandbox) -> None:
    verdict = climb(trial(RIGHT, box, preconditions=["order in cart", "len(amounts) < 3"]))
    assert "an example of the user's is not allowed: len(amounts) < 3 does not hold" in last(verdict).detail
    assert (last(verdict).rung, last(verdict).mendable) == (4, False)


def test_an_example_without_what_the_contract_reads_is_not_blamed_on_the_body(box: Sandbox) -> None:
    reads = [{"name": "amounts", "from": "cart[order]", "type": AMOUNTS}, {"name": "tax", "from": "tax[order]"}]
    code = RIGHT.replace("(order, amounts)", "(order, amounts, tax)")
    verdict = climb(trial(code, box, reads=reads))
    assert "order_total reads what is not there: tax has no entry for books" in last(verdict).detail
    assert not last(verdict).mendable


def test_a_body_that_can_be_mended_says_so(box: Sandbox) -> None:
    assert last(climb(trial(LARGEST, box))).mendable
    assert last(climb(trial(RIGHT, box))).mendable


def test_a_contract_without_parameters_is_tried_once_and_not_25_times(box: Sandbox) -> None:
    code = 'def f():\n    return {"output": {}, "writes": [["door", "front", "open"]]}\n'
    promise = bare("f", effects=['door["front"] = "open"'])
    found = last(climb(Trial(Candidate(promise, code), box)))
    assert found.passed
    assert found.trials == 1


def test_the_evidence_can_be_kept_as_json(box: Sandbox) -> None:
    records = [e.to_json() for e in climb(trial(FIRST, box)).evidence]
    assert [record["passed"] for record in records] == [True, True, True, True, False]
    assert "expected: total[books] = 10.0" in records[-1]["counterexample"]
    assert records[-1]["sandbox"] == "lockdown"


def test_static_findings_are_kept_by_rule(box: Sandbox) -> None:
    record = last(climb(trial(total_is("eval('1')", before="import os\n"), box))).to_json()
    assert record["rules"] == ["imports", "names"]
    assert record["detail"].startswith("HTN-S101 line 1: import os is not allowed")


def test_a_lost_sandbox_is_a_missing_service(box: Sandbox) -> None:
    # A body in a language that this sandbox does not run is the sandbox's limit, not the body's fault.
    foreign = Candidate(contract(), RIGHT, language="lua")
    with pytest.raises(ServiceMissing, match="the sandbox cannot run the body"):
        ALONE[2].climb(Trial(foreign, box))


EXTRA: dict[str, tuple[list[str], str, str]] = {
    "an entry that is deleted": (["del cart[order]"], '["cart", order, None]', "cart[books] = gone"),
    "an entry that is made": (["sent[order] = true"], '["sent", order, True]', "sent[books] = True"),
}


@pytest.mark.parametrize(("effects", "write", "got"), EXTRA.values(), ids=EXTRA)
def test_a_change_that_the_example_does_not_name_fails_the_example(
    box: Sandbox, effects: list[str], write: str, got: str
) -> None:
    code = RIGHT.replace('[["total", order, total]]', f'[["total", order, total], {write}]')
    verdict = climb(trial(code, box, effects=["total[order] = output.total", *effects]))
    assert (last(verdict).rung, verdict.trust()) == (4, "quarantined")
    assert got in str(last(verdict).counterexample)
    assert "as before" in str(last(verdict).counterexample)


def test_writing_what_stands_there_already_is_no_change(box: Sandbox) -> None:
    given = {"cart": {"books": [2.0]}, "sent": {"books": True}}
    example = Example("order_total", ("books",), given, {"total": {"books": 2.0}})
    code = RIGHT.replace('[["total", order, total]]', '[["total", order, total], ["sent", order, True]]')
    promise = contract(effects=["total[order] = output.total", "sent[order] = true"])
    assert climb(Trial(Candidate(promise, code), box, examples=(example,))).passed


def test_with_an_empty_then_nothing_may_change(box: Sandbox) -> None:
    nothing = Example("order_total", ("books",), EXAMPLE.given, {})
    found = last(climb(Trial(Candidate(contract(), RIGHT), box, examples=(nothing,))))
    assert (found.rung, found.passed) == (4, False)


@pytest.mark.parametrize(("body", "passed"), [('["cart", order, None]', True), ('["cart", order, []]', False)])
def test_an_example_says_that_an_entry_is_gone(box: Sandbox, body: str, passed: bool) -> None:
    gone = Example("order_total", ("books",), EXAMPLE.given, {"cart": {"books": State.ABSENT}})
    effects = ["del cart[order]"] if passed else ["cart[order] = output.total"]
    code = f"def order_total(order, amounts):\n    return {{'output': {{'total': []}}, 'writes': [{body}]}}\n"
    promise = contract(effects=effects, outputs=[{"name": "total", "type": {"type": "array"}}])
    verdict = climb(Trial(Candidate(promise, code), box, examples=(gone,)))
    assert verdict.passed == passed
    assert passed or "expected: cart[books] = gone" in str(last(verdict).counterexample)


@pytest.mark.parametrize(("said", "passed"), [(1.82e-27, True), (-5e-10, False), (1.83e-27, False)])
def test_an_example_of_a_tiny_number_is_held_to_its_own_size(box: Sandbox, said: float, passed: bool) -> None:
    tiny = Example("order_total", ("books",), {"cart": {"books": [1.0]}}, {"total": {"books": said}})
    verdict = climb(Trial(Candidate(contract(), total_is("1.82e-27 * amounts[0]")), box, examples=(tiny,)))
    assert [e.passed for e in verdict.evidence if e.rung == 4] == [passed]


def test_an_example_of_zero_forgives_what_cancelling_leaves_and_no_more(box: Sandbox) -> None:
    zero = Example("order_total", ("books",), {"cart": {"books": [0.1, 0.2, -0.3]}}, {"total": {"books": 0.0}})
    for code, passed in ((RIGHT, True), (total_is("sum(amounts) + 1e-12"), False)):
        verdict = climb(Trial(Candidate(contract(), code), box, examples=(zero,)))
        assert [e.passed for e in verdict.evidence if e.rung == 4] == [passed]


def test_types_without_a_value_are_not_called_preconditions_that_do_not_hold(box: Sandbox) -> None:
    parts: dict[str, Any] = {"parameters": [{"name": "order", "type": {"type": "string", "enum": [1]}}]}
    found = last(climb(trial(RIGHT, box, example=False, preconditions=[], **parts)))
    assert found.detail == "no input could be made of the types that it names, at the places that it reads"
    assert not found.mendable


def test_what_is_kept_of_a_failure_is_short_whatever_the_body_says(box: Sandbox) -> None:
    for code in (
        total_is("[][0]", before="").replace("total = ", "raise ValueError('x' * 10**5); total = "),
        total_is("1", before=f"import {'a' * 50_000}\n"),
        total_is("'x' * 10**5"),
    ):
        found = last(climb(trial(code, box)))
        assert not found.passed
        assert len(str(found.to_json())) < 8_000


def test_a_state_with_an_infinite_number_is_not_given_to_a_body(box: Sandbox) -> None:
    reads = [{"name": "amounts", "from": "cart[order]"}]
    seen = trial(RIGHT, box, reads=reads).observe(Situation(State(cart={"tea": [float("inf")]}), ("tea",)))
    assert (seen.refused, seen.category) == (True, "precondition")
