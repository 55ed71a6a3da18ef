"""Requests that other programs of this kind print in their documents, word for word, and the fields of the answers.

A field is named with what it has to be: a type, several, a value, or a dictionary of further fields. `Each` is a list
of such dictionaries with at least one of them.
"""

import json
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]


@dataclass(frozen=True)
class Each:
    """A list, each item of which has these fields."""

    fields: Fields


@dataclass(frozen=True)
class Printed:
    """A printed request, and what its documented answer has."""

    method: str
    path: str
    body: str | None
    fields: Fields

    @property
    def json(self) -> Any:
        return None if self.body is None else json.loads(self.body)


CODE: Fields = {"id": str, "task_name": str, "language": str, "code": str, "created_at": str}
EXECUTION: Fields = {
    "success": True, "result": object, "generated_code": CODE, "execution_time_ms": (int, float), "retry_count": int,
    "used_cached_code": bool, "validation_steps": list, "new_action": (dict, type(None)),
}  # fmt: skip
ATTEMPT: Fields = {"success": bool, "code": str, "attempt": int, "total_attempts": int}
LAST: Fields = {**ATTEMPT, "success": True, "output": object, "execution_time": float}
HEALTH: Fields = {"status": str, "is_healthy": bool, "success_rate": float, "response_time_ms": float}
PROVIDER: Fields = {
    "status": str, "is_available": bool, "success_rate": float, "average_latency_ms": float,
    "circuit_breaker": {"state": str, "failure_count": int},
}  # fmt: skip

IN_WORDS = [
    Printed(
        "POST", "/api/v1/intelligent/execute",
        """{
  "task_name": "CalculatePrimes",
  "description": "Calculate the first 10 prime numbers",
  "context": {
    "count": "10",
    "input": "10"
  },
  "language": "python",
  "force_regenerate": false,
  "max_retries": 3,
  "timeout": 30
}""",
        EXECUTION,
    ),
    Printed("POST", "/api/v1/intelligent/primes", '{\n  "count": 10\n}', EXECUTION),
    Printed("POST", "/api/v1/intelligent/primes", '{"count": 10}', EXECUTION),
    Printed(
        "POST", "/api/v1/intelligent/execute",
        """{
    "task_name": "CalculateFibonacci",
    "description": "Calculate the first 15 Fibonacci numbers",
    "context": {"count": "15"},
    "language": "python"
  }""",
        EXECUTION,
    ),
    Printed(
        "POST", "/api/v1/intelligent/execute",
        """{
    "task_name": "CalculatePrimes",
    "description": "Calculate prime numbers with different algorithm",
    "context": {"count": "20"},
    "language": "python",
    "force_regenerate": true,
    "max_retries": 5
  }""",
        EXECUTION,
    ),
    Printed(
        "POST", "/api/v1/intelligent/execute",
        '{"task_name": "TestLLM", "description": "Simple test", "language": "python"}',
        EXECUTION,
    ),
    Printed(
        "POST", "/execute",
        """{
  "prompt": "Create a function to calculate factorial",
  "max_retries": 5,
  "timeout": 30
}""",
        {"success": True, "results": Each(ATTEMPT), "final_result": LAST, "total_time": float},
    ),
    Printed(
        "POST", "/execute",
        """{
        "prompt": "print('hello world')",
        "max_retries": 3
    }""",
        {"success": True, "results": Each(ATTEMPT), "final_result": LAST, "total_time": float},
    ),
]  # fmt: skip

IN_JAVASCRIPT = Printed(
    "POST", "/api/v1/intelligent/execute",
    """{
    "task_name": "CalculateSquares",
    "description": "Calculate squares of numbers 1 to 10",
    "context": {"max": "10"},
    "language": "javascript"
  }""",
    EXECUTION,
)  # fmt: skip

LEARNED = [
    Printed(
        "GET", "/api/v1/intelligent/capabilities", None,
        {
            "capabilities": Each({"task_name": str, "language": str, "created_at": str, "tags": list}),
            "stats": {"total_cached_capabilities": int, "languages": {"python": int}, "tags": {
                "intelligent_execution": int, "validated": int,
            }},
        },
    ),
]  # fmt: skip

CODE_SERVICE = [
    Printed(
        "POST", "/api/v1/code/generate",
        """{
  "task_description": "Multiply input value by 2 and return result",
  "language": "python",
  "input_example": {"value": 5},
  "expected_output": {"result": 10},
  "persona": "terry"
}""",
        {
            "success": True,
            "node": {
                "id": str, "name": "Multiply Input Value", "type": "n8n-nodes-base.code",
                "parameters": {"code": "result = items[0]['json']['value'] * 2", "language": "python"},
            },
            "code": str,
            "test_results": {"total_tests": 2, "passed": 2, "failed": 0, "all_passed": True},
            "complexity": {"complexity_rating": "low", "lines_of_code": 1, "functions": 0},
            "validation": {"syntax_valid": True, "security_valid": True, "tests_passed": True},
        },
    ),
    Printed(
        "POST", "/api/v1/code/optimize",
        """{
  "code": "result = ''\\nfor i in range(10):\\n    result += str(i)",
  "language": "python"
}""",
        {
            "success": True,
            "optimization_results": {
                "original_complexity": {"complexity_rating": "medium", "complexity_score": 12},
                "suggestions": Each({"type": "string_building", "line": 2, "message": str}),
                "optimized_code": "result = ''.join(str(i) for i in range(10))",
                "improvement": {"complexity_score_reduction": 5},
            },
        },
    ),
    Printed(
        "POST", "/api/v1/code/execute",
        """{
  "code": "result = x * y",
  "context": {"x": 5, "y": 3},
  "timeout": 30
}""",
        {"success": True, "result": 15, "stdout": "", "stderr": "", "execution_time_ms": float, "cached": False},
    ),
    Printed(
        "POST", "/api/v1/code/validate?code=def foo():\\n    return 42&language=python", None,
        {"valid": True, "language": "python"},
    ),
    Printed(
        "GET", "/api/v1/code/cache/stats", None,
        {
            "success": True,
            "cache_stats": {
                "total_cached_executions": int, "total_cache_hits": int, "average_execution_time_ms": float,
                "cache_hit_rate": float,
            },
        },
    ),
    Printed("DELETE", "/api/v1/code/cache?older_than_hours=24", None, {"success": True, "entries_deleted": int}),
    Printed("DELETE", "/api/v1/code/cache", None, {"success": True, "entries_deleted": int}),
]  # fmt: skip

OPERATION = [
    Printed(
        "GET", "/api/v1/health/detailed", None,
        {
            "success": True,
            "system_health": {
                "timestamp": str, "overall_status": str, "services": {"redis": HEALTH, "llm_provider": HEALTH},
            },
            "llm_providers": {"timestamp": str, "providers": {"default": PROVIDER}},
        },
    ),
    Printed("GET", "/health", None, {"status": "healthy", "service": str}),
    Printed(
        "GET", "/metrics", None,
        {"total_executions": int, "success_rate": float, "average_attempts": float, "uptime": float},
    ),
]  # fmt: skip


def missing(answer: Any, fields: Fields, at: str = "") -> list[str]:
    """Return where an answer has not the fields that it should have."""
    found: list[str] = []
    for name, wanted in fields.items():
        place = f"{at}.{name}".lstrip(".")
        if not isinstance(answer, dict) or name not in answer:
            found.append(f"{place} is not there")
            continue
        value = answer[name]
        if isinstance(wanted, dict):
            found += missing(value, wanted, place)
        elif isinstance(wanted, Each):
            rows = value if isinstance(value, list) else []
            found += [f"{place} is empty"] if not rows else []
            found += [
                why for number, row in enumerate(rows) for why in missing(row, wanted.fields, f"{place}.{number}")
            ]
        elif isinstance(wanted, (type, tuple)):
            found += [] if isinstance(value, wanted) else [f"{place} is {value!r:.60}"]
        elif value != wanted:
            found.append(f"{place} is {value!r:.60}, not {wanted!r:.60}")
    return found
