"""A failed rung becomes a diagnosis: the category, the cause, what it does, what to do; whatever the body says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.check import Candidate
from executor.check.pages import all_rules
from executor.diagnose import EXCEPTIONS, KINDS, RULES, RUNGS, RUNS, Diagnosis, ErrorCategory, diagnose, kind_of
from executor.sandbox import Category, Sandbox, SandboxLimits
from executor.validate import LADDER, Counterexample, Evidence, Trial, climb
from htn.errors import HIDDEN, UsageError
from tests.executor.shop import LARGEST, RETURN, RIGHT, candidate, contract, shop

Try = Callable[..., Diagnosis]


@pytest.fixture
def wrong(box: Sandbox) -> Try:
    """Climb the ladder with a body that does not pass, and say what is wrong with it."""

    def diagnosed(code: str, **parts: Any) -> Diagnosis:
        domain, tried = shop(), candidate(code, **parts)
        examples = domain.examples_of("order_total")
        limits = SandboxLimits(seconds=0.5)
        failed = climb(Trial(tried, box, domain.variables, examples, limits=limits)).failed
        assert failed is not None
        return diagnose(failed, tried)

    return diagnosed


def body(*lines: str) -> str:
    return "def order_total(order, amounts):\n" + "".join(f"    {line}\n" for line in lines)


def evidence(rung: int = 4, detail: str = "", got: str | None = None, **more: Any) -> Evidence:
    found = None if got is None else Counterexample((), more.pop("given", {}), more.pop("expected", ""), got)
    return Evidence(rung, f"rung {rung}", False, detail, more.pop("trials", 1), counterexample=found, data=more)


def test_every_rule_every_category_of_a_run_and_every_rung_has_a_kind() -> None:
    rules = {rule.name for group in all_rules().values() for rule in group}
    assert set(RULES) == rules
    assert set(RUNS) == {*map(str, Category), "precondition", "contract"}
    assert {rung.number for rung in LADDER} <= set(RUNGS) == set(range(11))
    assert {*RULES.values(), *RUNS.values(), *RUNGS.values()} <= set(KINDS)


def test_every_kind_can_come_out_and_every_category_has_one() -> None:
    of_contracts = {"malformed", "arguments", "missing", "beyond", "value"}
    assert set(KINDS) == {*RULES.values(), *RUNS.values(), *RUNGS.values()} | of_contracts
    assert {kind.category for kind in KINDS.values()} == set(ErrorCategory)


@pytest.mark.parametrize(
    ("code", "category", "cause", "impact"),
    [
        ("def order_total(order, amounts:\n", "syntax", "HTN-F001 line 1: it is not Python", "nothing of it runs"),
        ("def total(order, amounts):\n    return 1\n", "syntax", "HTN-F002", "it cannot be called"),
        (f"import os\n{RIGHT}", "import", "in: import os", "nothing of it runs"),
        (body("return eval('1')"), "environment", "HTN-S102 line 2", "refused before it runs"),
        (body("total = amounts[99]", RETURN), "runtime", "IndexError: list index out of range at line 2", "no result"),
        (body("while True: pass"), "environment", "the call ran longer than 0.5 s", "it takes all of its time"),
        (body("print('x' * 10**6)", "total = 1", RETURN), "environment", "the call printed more", "output"),
        (body("total = float('nan')", RETURN), "runtime", "", "its answer cannot be read"),
        (body("return 7"), "logical", "the body returned 7", "nothing of what it did can be used"),
        (body("amounts.sort()", "amounts.append(1)", "total = 1", RETURN), "logical", "changed its arguments", "given"),
        (body("total = float(list({'a', 'b', 'c', 'd', 'e'}).index('a'))", RETURN),
         "logical", "expected the same result twice", "the same input gives different results"),
        (LARGEST, "logical", "expected total[books] = 10.0, got total[books] = 5.0", "an example of the user's"),
        (body("total = sum(amounts)", 'return {"output": {"total": total}, "writes": []}'),
         "logical", "did not write what the contract declares: total[", "a declared effect does not come about"),
        (body("total = sum(amounts)", 'return {"output": {"total": total}, "writes": [["total", order, total], '
              '["paid", order, True]]}'),
         "logical", "paid[", "it writes what the contract does not name"),
        (body("total = sum(amounts)", 'return {"output": {"total": total}, "writes": [["total", order, total + 1]]}'),
         "logical", "declared is", "it writes another value than it declares"),
        (body("total = str(sum(amounts))", RETURN), "logical", "output.total", "it breaks what the contract promises"),
    ],
)  # fmt: skip
def test_what_the_ladder_finds_is_sorted_with_its_cause_and_what_it_does(
    wrong: Try, code: str, category: str, cause: str, impact: str
) -> None:
    found = wrong(code)
    assert found.category == category
    assert cause in found.root_cause
    assert impact in found.impact
    assert found.recommendation


def test_the_line_of_a_helper_is_named_where_the_exception_was_raised(wrong: Try) -> None:
    found = wrong(f"def first(items):\n    return items[50]\n\n\ndef order_total(order, amounts):\n"
                  f"    total = first(amounts)\n    {RETURN}\n")  # fmt: skip
    assert found.root_cause == "IndexError: list index out of range at line 2: return items[50]"
    assert found.recommendation == EXCEPTIONS["IndexError"]


def test_the_page_about_repair_shows_what_is_said(wrong: Try) -> None:
    page = (Path(__file__).parents[2] / "docs" / "repair.md").read_text(encoding="utf-8")
    assert f"\n{wrong(LARGEST).one_line()}\n" in page
    assert all(f"\n| {category} |" in page for category in ErrorCategory)


def test_an_exception_that_quotes_a_traceback_does_not_move_the_line(wrong: Try) -> None:
    forged = "raise ValueError('no\\n  File \"<body>\", line 1, in order_total')"
    assert wrong(body("total = 1", forged)).root_cause.startswith("ValueError: no at line 3: raise ValueError")


def test_a_rule_says_what_to_do_instead(wrong: Try) -> None:
    rule = next(r for rules in all_rules().values() for r in rules if r.code == "HTN-S101")
    assert wrong(f"import os\n{RIGHT}").recommendation == rule.fix


def test_what_is_unusual_about_the_input_is_said(wrong: Try) -> None:
    loose = {"reads": [{"name": "amounts", "from": "cart[order]", "type": {"type": "array"}}]}
    found = wrong(body("total = float(len(amounts) and 10)", "total = total / (len(amounts) > 0)", RETURN), **loose)
    assert "seen where amounts is an empty list" in found.impact


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"a": [1, 2], "b": None}, "b is nothing"),
        ({"a": {}}, "a is an empty object"),
        ({"a": ""}, "a is an empty text"),
        ({"a": "x", "b": ["x"]}, "b is a list of one item"),
        ({"a": 0.0}, "a is zero"),
        ({"a": -2}, "a is a negative number"),
        ({"a": [3, -1]}, "a is a list with a negative"),
        ({"a": [3, 3, 1]}, "a is a list with repeated items"),
    ],
)
def test_each_unusual_input_has_its_words(given: dict[str, Any], words: str) -> None:
    assert words in diagnose(evidence(got="x", given=given), candidate(RIGHT)).impact


def test_an_ordinary_input_is_not_called_unusual() -> None:
    found = diagnose(evidence(got="x", given={"a": [1, 2], "b": "text", "c": True, "d": False}), candidate(RIGHT))
    assert "seen where" not in found.impact


def test_how_many_trials_came_out_is_said_where_the_rung_counted() -> None:
    assert "2 of 3 pass" in diagnose(evidence(trials=3, held=2), candidate(RIGHT)).impact
    assert "pass" not in diagnose(evidence(trials=3), candidate(RIGHT)).impact


def test_a_rung_that_passed_cannot_be_diagnosed() -> None:
    with pytest.raises(UsageError, match="nothing to diagnose"):
        diagnose(Evidence(4, "given examples", True, ""), candidate(RIGHT))


@pytest.mark.parametrize("rung", range(11))
def test_a_rung_that_says_nothing_more_is_diagnosed_by_its_number(rung: int) -> None:
    assert kind_of(evidence(rung)) == RUNGS[rung]


@pytest.mark.parametrize("category", list(RUNS))
def test_every_category_is_diagnosed_also_without_an_input(category: str) -> None:
    found = diagnose(evidence(8, f"{category}: something", category=category), candidate(RIGHT))
    assert found.category == KINDS[RUNS[category]].category
    assert "something" in found.root_cause


def test_a_line_of_another_language_is_found_by_its_file() -> None:
    code = "function order_total(order, amounts) {\n  return amounts.nope.x;\n}"
    trace = "TypeError: Cannot read properties\nTypeError: …\n    at order_total (body.js:2:24)\n    at driver.js:9:1"
    found = diagnose(evidence(2, got=trace, category="runtime"), Candidate(contract(), code, "javascript"))
    assert found.root_cause == "TypeError: Cannot read properties at line 2: return amounts.nope.x;"


@given(
    st.text(max_size=3_000), st.text(max_size=200), st.text(max_size=200),
    st.sampled_from([*RUNS, "", "strange"]), st.integers(-1, 12),
)  # fmt: skip
def test_whatever_a_body_says_the_diagnosis_is_short_and_visible(
    got: str, expected: str, code: str, category: str, rung: int
) -> None:
    shown = evidence(rung, got, got, expected=expected, given={"a": got}, category=category)
    found = diagnose(shown, Candidate(contract(), code))
    for text in (*found.to_json().values(), found.one_line(), *found.lines()):
        assert not HIDDEN.search(text)
        assert len(text) <= 500
    assert json.loads(json.dumps(found.to_json())) == found.to_json()


def test_ten_megabytes_of_text_are_cut() -> None:
    huge = "x" * 10_000_000
    found = diagnose(evidence(2, huge, huge, category="runtime"), Candidate(contract(), huge))
    assert len(found.root_cause) < 500


def test_one_line_names_the_check_the_category_the_cause_and_the_impact() -> None:
    found = diagnose(evidence(7, "", "3", expected="2"), candidate(RIGHT))
    assert found.one_line() == (
        "failed at rung 7, logical: expected 2, got 3; it is wrong on inputs that the contract allows"
    )
