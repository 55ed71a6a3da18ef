"""The requests that the code service's own document prints, field by field, and the fields of its responses."""

import json
from typing import Any
from uuid import UUID

from executor.code import (
    Bench,
    ExecuteRequest,
    GenerateRequest,
    OptimizeRequest,
    ValidateRequest,
    execute,
    generate,
    optimize,
    read_request,
    validate,
)
from tests.executor.code.conftest import Answering


def written(response: Any) -> dict[str, Any]:
    """A response as it is sent."""
    read: dict[str, Any] = json.loads(response.model_dump_json())
    return read


def test_execute(bench: Bench) -> None:
    request = json.loads('{"code": "result = x * y", "context": {"x": 5, "y": 3}, "timeout": 30}')
    response = written(execute(read_request(ExecuteRequest, request), bench))
    documented = {"success": True, "result": 15, "stdout": "", "stderr": "", "cached": False}
    assert {name: response[name] for name in documented} == documented
    assert response["execution_time_ms"] > 0


def test_execute_as_its_usage_example_does(bench: Bench) -> None:
    request = {"code": "result = items[0]['json']['value'] * 2", "context": {"items": [{"json": {"value": 5}}]}}
    response = written(execute(read_request(ExecuteRequest, {**request, "timeout": 30}), bench))
    assert (response["success"], response["result"]) == (True, 10)


def test_validate() -> None:
    request = {"code": "def foo():\n    return 42", "language": "python"}
    response = written(validate(read_request(ValidateRequest, request)))
    assert (response["valid"], response["language"]) == (True, "python")


def test_optimize(bench: Bench) -> None:
    request = json.loads(
        r"""{"code": "result = ''\nfor i in range(10):\n    result += str(i)", "language": "python"}"""
    )
    response = written(optimize(read_request(OptimizeRequest, request), bench))
    assert response["success"] is True
    results = response["optimization_results"]
    assert results["original_complexity"]["complexity_rating"] == "medium"
    assert results["original_complexity"]["complexity_score"] == 12
    (suggestion,) = results["suggestions"]
    assert (suggestion["type"], suggestion["line"]) == ("string_building", 2)
    assert suggestion["message"].startswith("Consider using list and join() for string concatenation")
    assert results["optimized_code"] == "result = ''.join(str(i) for i in range(10))"
    assert results["improvement"]["complexity_score_reduction"] == 5


def test_generate(bench: Bench, answering: Answering) -> None:
    request = json.loads(
        """{"task_description": "Multiply input value by 2 and return result", "language": "python",
            "input_example": {"value": 5}, "expected_output": {"result": 10}, "persona": "terry"}"""
    )
    code = "result = items[0]['json']['value'] * 2"
    model, _ = answering({"name": "Multiply Input Value", "code": code, "explanation": "It doubles the value."})
    response = written(generate(read_request(GenerateRequest, request), model, bench))
    assert response["success"] is True
    node = response["node"]
    assert UUID(node["id"]).version == 4
    assert node | {"id": "uuid"} == {
        "id": "uuid",
        "name": "Multiply Input Value",
        "type": "n8n-nodes-base.code",
        "parameters": {"code": code, "language": "python"},
    }
    assert response["code"] == code
    counts = {"total_tests": 2, "passed": 2, "failed": 0, "all_passed": True}
    assert {name: response["test_results"][name] for name in counts} == counts
    size = {"complexity_rating": "low", "lines_of_code": 1, "functions": 0}
    assert {name: response["complexity"][name] for name in size} == size
    assert response["validation"] == {"syntax_valid": True, "security_valid": True, "tests_passed": True}


def test_the_failure_that_a_repair_loop_is_documented_with(bench: Bench, answering: Answering) -> None:
    wrong = "def factorial(n):\n    if n = 1:\n        return 1\n    return n * factorial(n - 1)\nprint(factorial(5))"
    right = wrong.replace("n = 1", "n == 1").replace("print(", "print('Factorial of 5:', ")
    request = {"task_description": "Create a function to calculate factorial", "max_retries": 5, "timeout": 30}
    model, _ = answering(wrong, right)
    response = written(generate(read_request(GenerateRequest, request), model, bench))
    first, second = response["history"]
    assert (first["success"], first["attempt"], first["total_attempts"]) == (False, 1, 5)
    assert first["code"] == wrong
    assert "invalid syntax" in first["error"]["message"]
    assert first["error"]["type"] == "syntax"
    assert (second["success"], second["attempt"], second["total_attempts"]) == (True, 2, 5)
    assert second["output"] == "Factorial of 5: 120\n"
    assert second["execution_time"] > 0
    assert response["metrics"]["total_time"] > 0
