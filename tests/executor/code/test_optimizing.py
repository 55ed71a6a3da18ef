"""What could be better in code, where its time goes, and a version that is shown to behave the same."""

from typing import Any

import pytest

from executor.code import Bench, OptimizeRequest, optimize
from executor.code.forms import OptimizationResults
from tests.executor.code.conftest import Answering

SLOW = """seen = []
for word in words:
    if word not in seen:
        seen.append(word)
result = seen
"""
QUICK = "result = list(dict.fromkeys(words))\n"
WRONG = "result = sorted(set(words))\n"
CONTEXT = {"words": ["b", "a", "b"]}


def better(bench: Bench, answering: Answering, *versions: str, code: str = SLOW) -> tuple[OptimizationResults, int]:
    """What comes of asking a model that answers these versions, and how often it was asked."""
    model, server = answering(*versions)
    response = optimize(OptimizeRequest(code=code, context=CONTEXT), bench, model)
    assert response.optimization_results is not None
    return response.optimization_results, len(server.requests)


def alone(bench: Bench, code: str, **fields: Any) -> OptimizationResults:
    response = optimize(OptimizeRequest(code=code, **fields), bench)
    assert response.optimization_results is not None
    return response.optimization_results


def test_a_version_of_a_model_that_does_the_same_is_offered(bench: Bench, answering: Answering) -> None:
    results, asked = better(bench, answering, QUICK)
    assert (results.optimized_code, results.made_by, asked) == (QUICK, "model", 1)
    assert results.equivalence is not None
    assert results.equivalence.same
    assert results.equivalence.with_value >= 3
    assert results.improvement is not None
    assert results.improvement.complexity_score_reduction > 0
    assert "+result = list(dict.fromkeys(words))" in results.diff


def test_a_version_that_does_something_else_is_not_offered_and_its_counterexample_is_shown(
    bench: Bench, answering: Answering
) -> None:
    results, asked = better(bench, answering, WRONG)
    assert (results.optimized_code, asked) == (None, 2)
    assert results.equivalence is not None
    assert results.equivalence.counterexample is not None
    words = results.equivalence.counterexample.input["words"]
    assert list(dict.fromkeys(words)) != sorted(set(words))
    assert any("not offered" in note or "no version is offered" in note for note in results.notes)


def test_the_model_is_asked_once_more_with_the_counterexample(bench: Bench, answering: Answering) -> None:
    model, server = answering(WRONG, QUICK)
    response = optimize(OptimizeRequest(code=SLOW, context=CONTEXT), bench, model)
    assert response.optimization_results is not None
    assert response.optimization_results.optimized_code == QUICK
    second = server.requests[1]["body"]["messages"][-1]["content"]
    assert "your last version behaves differently" in second
    assert "the original: " in second


@pytest.mark.parametrize(
    "version", ["import os\nresult = words", SLOW, "result = (", SLOW.replace("result = seen", "result = list(seen)")]
)
def test_a_version_that_is_refused_the_original_or_no_better_is_not_offered(
    bench: Bench, answering: Answering, version: str
) -> None:
    assert better(bench, answering, version)[0].optimized_code is None


def test_where_the_models_version_cannot_be_offered_a_rewrite_can(bench: Bench, answering: Answering) -> None:
    code = "out = []\nfor word in words:\n    out.append(word.upper())\nresult = out\n"
    results, _ = better(bench, answering, "result = words", code=code)
    assert results.made_by == "rewrites"
    assert results.optimized_code == "out = [word.upper() for word in words]\nresult = out\n"


def test_without_a_model_it_is_said_which_rewrites_were_tried(bench: Bench) -> None:
    results = alone(bench, SLOW, context=CONTEXT)
    assert results.optimized_code is None
    assert "string_building, list_building, unused_import" in results.notes[0]


def test_the_profile_counts_each_line_as_it_runs(bench: Bench) -> None:
    code = "def f(n):\n    return n * n\n\ntotal = 0\nfor i in range(5):\n    total += f(i)\nresult = total\n"
    profile = alone(bench, code).profile
    assert profile is not None
    hits = {row.line: row.hits for row in profile.lines}
    assert (hits[2], hits[5], hits[6], hits[7]) == (5, 6, 5, 1)
    assert profile.functions == {"f": 5}
    assert abs(sum(row.share for row in profile.lines) - 1) < 0.01


def test_a_function_is_profiled_on_an_input_on_which_it_works(bench: Bench) -> None:
    profile = alone(bench, "def f(xs: list[int]):\n    return max(xs)\n").profile
    assert profile is not None
    assert profile.input["xs"]
    assert [row.line for row in profile.lines] == [2]


def test_code_that_the_rules_refuse_is_looked_at_and_not_run(bench: Bench) -> None:
    response = optimize(OptimizeRequest(code="import os\ntry:\n    pass\nexcept:\n    pass\n"), bench)
    assert not response.success
    assert response.error is not None
    assert response.error.type == "security"
    assert response.optimization_results is not None
    assert "bare_except" in [each.type for each in response.optimization_results.suggestions]
    assert response.optimization_results.profile is None


def test_code_that_cannot_be_read_is_an_error(bench: Bench) -> None:
    response = optimize(OptimizeRequest(code="def f(:"), bench)
    assert (response.success, response.optimization_results) == (False, None)
    assert response.error is not None
    assert response.error.type == "syntax"


def test_what_depends_on_the_clock_is_not_compared(bench: Bench) -> None:
    code = "from datetime import date\nout = []\nfor x in 'ab':\n    out.append(x)\nresult = [out, date.today().year]"
    results = alone(bench, code)
    assert results.optimized_code is None
    assert any("changes from run to run" in note for note in results.notes)


def test_robustness_counts_the_inputs_on_which_it_fails_and_hidden_exceptions_cost(bench: Bench) -> None:
    fails = alone(bench, "result = 100 / x").quality
    hides = alone(bench, "try:\n    result = 100 / x\nexcept:\n    result = 0").quality
    names = alone(bench, "try:\n    result = 100 / x\nexcept ZeroDivisionError:\n    result = 0").quality
    assert fails and hides and names
    assert fails.failed_runs >= 1
    assert fails.robustness_score is not None
    assert hides.robustness_score is not None
    assert names.robustness_score is not None
    assert fails.robustness_score < names.robustness_score
    assert hides.robustness_score == names.robustness_score - 10
    assert hides.quality_score < names.quality_score


def test_other_languages_get_their_complexity_and_it_is_said_what_is_not_done(bench: Bench) -> None:
    results = alone(bench, "result = items.map((i) => i.json);", language="javascript")
    assert results.original_complexity.method == "words"
    assert any("no rewrites for javascript" in note for note in results.notes)
    assert any("only Python is traced" in note for note in results.notes)
