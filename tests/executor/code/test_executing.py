"""Running code once: rules first, then the sandbox, then what came of it."""

import pytest

from executor.code import Bench, ExecuteRequest, execute, read_request
from executor.store import Store
from htn.errors import UsageError


def run(bench: Bench, code: str, **fields: object) -> object:
    return execute(read_request(ExecuteRequest, {"code": code, **fields}), bench).result


def test_a_script_has_its_context_and_leaves_a_result_and_prints(bench: Bench) -> None:
    response = execute(ExecuteRequest(code="print(a, 'b')\nresult = [a, {'c': None}]", context={"a": 1.5}), bench)
    assert (response.result, response.stdout, response.success) == ([1.5, {"c": None}], "1.5 b\n", True)


def test_a_function_is_called_with_the_context(bench: Bench) -> None:
    code = "def add(a, b):\n    return a + b\n"
    assert run(bench, code, entry_point="add", context={"a": 1, "b": 2}) == 3


@pytest.mark.parametrize(
    ("code", "kind", "line"),
    [
        ("a = 1\nresult = b", "runtime", 2),
        ("a = 1\n\nresult = a / 0", "runtime", 3),
        ("def f():\n    return {}['x']\nresult = f()", "runtime", 2),
        ("result = {1, 2}", "runtime", None),
        ("a = (1\nresult = 2", "syntax", 1),
        ("a = 1\nreturn a", "syntax", 2),
        ("import os\nresult = os.getcwd()", "security", 1),
        ("a = 1\nresult = eval('a')", "security", 2),
        ("result = ().__class__", "security", 1),
    ],
)
def test_a_failure_has_a_type_a_line_a_cause_and_something_to_do(
    bench: Bench, code: str, kind: str, line: int | None
) -> None:
    response = execute(ExecuteRequest(code=code), bench)
    assert not response.success
    assert response.error is not None
    assert (response.error.type, response.error.line) == (kind, line)
    assert response.error.root_cause
    assert response.error.impact
    assert response.error.recommendation


def test_a_loop_without_an_end_is_stopped_at_the_timeout(bench: Bench) -> None:
    response = execute(ExecuteRequest(code="while True:\n    pass", timeout=0.3), bench)
    assert response.error is not None
    assert (response.error.type, response.error.category) == ("environment", "timeout")
    assert "0.3 s" in response.error.message


def test_what_the_rules_refuse_is_not_run(bench: Bench) -> None:
    response = execute(ExecuteRequest(code="print('ran')\nimport socket"), bench)
    assert (response.stdout, response.level, response.findings[0].code) == ("", "", "HTN-S101")


def test_the_same_run_is_made_once(bench: Bench, store: Store) -> None:
    kept = Bench(bench.sandbox, bench.limits, store.results())
    request = ExecuteRequest(code="result = x * 2", context={"x": 4})
    first, second = execute(request, kept), execute(request, kept)
    assert (first.cached, second.cached) == (False, True)
    assert (second.result, second.execution_time_ms) == (8, first.execution_time_ms)
    assert not execute(request.model_copy(update={"context": {"x": 5}}), kept).cached
    assert not execute(request.model_copy(update={"use_cache": False}), kept).cached
    assert store.results().statistics().hits == 1


def test_a_failure_is_not_kept(bench: Bench, store: Store) -> None:
    kept = Bench(bench.sandbox, bench.limits, store.results())
    request = ExecuteRequest(code="result = 1 / x", context={"x": 0})
    assert [execute(request, kept).cached for _ in range(2)] == [False, False]
    assert store.results().statistics().entries == 0


def test_a_script_that_looks_at_the_clock_runs_and_is_not_kept(bench: Bench, store: Store) -> None:
    kept = Bench(bench.sandbox, bench.limits, store.results())
    request = ExecuteRequest(code="from datetime import date\nresult = date.today().year")
    responses = [execute(request, kept) for _ in range(2)]
    assert [(each.success, each.cached) for each in responses] == [(True, False)] * 2
    assert "clock" in responses[0].notes[0]


@pytest.mark.parametrize("context", [{"a b": 1}, {"__name__": 1}, {"a": {1, 2}}, {"a": float("nan")}, {"1": 2}])
def test_a_context_that_cannot_be_variables_is_refused(bench: Bench, context: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        execute(ExecuteRequest(code="result = 1", context=context), bench)


def test_code_in_a_language_without_scripts_needs_an_entry_point(bench: Bench) -> None:
    with pytest.raises(UsageError, match="go has no scripts"):
        execute(ExecuteRequest(code="func f() int { return 1 }", language="go"), bench)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"code": "x", "language": "cobol"}, "cobol"),
        ({"code": "x", "timeout": 0}, "timeout"),
        ({"code": "x", "timeout": 1e9}, "timeout"),
        ({"code": "x" * 70_000}, "code"),
        ({}, "code"),
        ({"code": "x", "contxt": {}}, "contxt"),
        ({"code": "x", "context": [1]}, "context"),
    ],
)
def test_a_request_that_cannot_be_used_says_which_field(fields: dict[str, object], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        read_request(ExecuteRequest, fields)


def test_the_language_is_found_out_from_the_first_line(bench: Bench) -> None:
    response = execute(ExecuteRequest(code="#!/usr/bin/env bash\nresult=1"), bench)
    assert response.language == "bash"
    assert response.error is not None
    assert response.error.category == "environment"  # this level of sandbox runs Python only
