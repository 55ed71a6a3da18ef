"""Try one version of generated code: rules, a run on the example, the result, and the same again.

stage      the version
syntax     cannot be read
security   is refused by the static rules, and was not run
run        failed when it ran
result     ran, and its result is not the expected one, or not the same a second time
passed     passed all tests
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from itertools import pairwise
from typing import Any, Literal

from executor.code.examples import context_of, is_expected
from executor.code.executing import Bench, checked_context, has_scripts, refusals
from executor.code.forms import AttemptForm, CodeError, CodeFinding, TestResult, TestResults
from executor.code.problems import error_of, refused, wrong_result
from executor.code.prompting import ENTRY_POINT
from executor.code.requests import Focus, GenerateRequest
from executor.code.tree import Tree
from executor.sandbox import Category, Outcome
from executor.told import shortened
from htn.errors import ServiceMissing

Stage = Literal["syntax", "security", "run", "result", "passed"]
STAGES: tuple[Stage, ...] = ("syntax", "security", "run", "result", "passed")
_OTHER_SEED = 1
_MOST_SHOWN = 400


@dataclass(frozen=True)
class Tried:
    """What trying one version came to."""

    code: str
    stage: Stage
    tests: TestResults
    error: CodeError | None = None
    findings: tuple[CodeFinding, ...] = ()
    output: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether it passed all tests."""
        return self.stage == "passed"

    @property
    def problems(self) -> int:
        """How many problems are known of it."""
        return len(self.findings) or (0 if self.passed else max(1, self.tests.failed))

    @property
    def rank(self) -> tuple[int, int]:
        """How far it came; the larger the further."""
        return STAGES.index(self.stage), -self.problems


def try_out(code: str, language: str, request: GenerateRequest, bench: Bench) -> Tried:
    """Try a version of code for a request. Raises `UsageError` where the example cannot be the input of code.

    Raises `ServiceMissing` where the sandbox cannot run the language.
    """
    context = checked_context(context_of(request.input_example, language) if request.has_input else {})
    if found := refusals(code, language):
        why = refused(found)
        return Tried(code, "syntax" if why.type == "syntax" else "security", TestResults.of(()), why, found)
    entry_point = "" if has_scripts(language) else ENTRY_POINT
    first = bench.run(code, language, context, entry_point=entry_point)
    if first.problem is not None and first.problem.category == Category.ENVIRONMENT:
        raise ServiceMissing(first.problem.message, hints=("htn sandbox check says what is there and what to do",))
    if first.problem is not None:
        name = "gives the expected output" if request.has_expected else "runs on the example"
        test = TestResult(name=name, passed=False, detail=first.problem.message)
        return Tried(code, "run", TestResults.of((test,)), error_of(first.problem), (), first.stdout, first.seconds)
    again = bench.run(code, language, context, entry_point=entry_point, hash_seed=_OTHER_SEED)
    tests = (_first(first, code, language, request), _again(first, again))
    failed = next((test for test in tests if not test.passed), None)
    error = wrong_result(failed.detail) if failed else None
    stage: Stage = "result" if failed else "passed"
    return Tried(code, stage, TestResults.of(tests), error, (), first.stdout, first.seconds + again.seconds)


def as_attempt(
    tried: Tried, number: int, most: int, before: str, *, explanation: str = "", focus: Focus = "fix_errors"
) -> AttemptForm:
    """Return a version as it stands in the history, with how it differs from the version before."""
    return AttemptForm(
        attempt=number,
        total_attempts=most,
        success=tried.passed,
        stage=tried.stage,
        code=tried.code,
        error=tried.error,
        findings=tried.findings,
        output=shortened(tried.output, _MOST_SHOWN * 4),
        execution_time=round(tried.seconds, 4),
        diff=diff(before, tried.code) if before else "",
        explanation=explanation,
        focus=focus,
    )


def diff(before: str, after: str) -> str:
    """Return how two versions differ, as a unified diff."""
    lines = unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="")
    return "\n".join(lines)


def repairs_of(tries: Sequence[Tried]) -> tuple[float | None, float | None]:
    """Return improvement efficiency and error reduction of a row of versions; None where there was no repair."""
    if len(tries) < 2:
        return None, None
    better = sum(later.rank > earlier.rank for earlier, later in pairwise(tries))
    first = tries[0].problems
    reduction = 100 * (first - tries[-1].problems) / first if first else None
    return round(better / (len(tries) - 1), 3), None if reduction is None else round(reduction, 1)


def _first(outcome: Outcome, code: str, language: str, request: GenerateRequest) -> TestResult:
    if not request.has_expected:
        empty = outcome.value is None and not outcome.stdout and not _defines(code, language)
        detail = "it leaves nothing in result and prints nothing" if empty else ""
        return TestResult(name="runs on the example" if request.has_input else "runs", passed=not empty, detail=detail)
    passed = is_expected(outcome.value, request.expected_output)
    detail = "" if passed else f"it gives {_shown(outcome.value)}; expected is {_shown(request.expected_output)}"
    return TestResult(name="gives the expected output", passed=passed, detail=detail)


def _again(first: Outcome, again: Outcome) -> TestResult:
    passed = again.ok and (first.value, first.stdout) == (again.value, again.stdout)
    got = again.problem.message if again.problem else _shown(again.value)
    detail = "" if passed else f"a second time, with another hash seed, it gives {got} instead of {_shown(first.value)}"
    return TestResult(name="gives the same a second time", passed=passed, detail=detail)


def _defines(code: str, language: str) -> bool:
    return language == "python" and any(Tree(code).functions())


def _shown(value: Any) -> str:
    return shortened(json.dumps(value, ensure_ascii=False, default=dict), _MOST_SHOWN)
