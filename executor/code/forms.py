"""The responses that the code service gives, as they are written in JSON.

A response says what is so and nothing else: a field that could not be found out is null.
"""

from typing import Any, Literal

from executor.code.requests import Focus, Form

ErrorType = Literal["syntax", "security", "import", "runtime", "logical", "environment"]
Stopped = Literal[
    "it works", "the request is refused", "a version repeats an earlier one", "the versions do not get better",
    "the attempts are used up", "the model gave no further version",
]  # fmt: skip
Rating = Literal["low", "medium", "high", "very high"]


class CodeFinding(Form):
    """Something that a rule objects to. `column` is known for syntax errors, and counts from 1 as `line` does."""

    code: str
    rule: str
    message: str
    line: int | None = None
    column: int | None = None
    fix: str = ""


class CodeError(Form):
    """Why code did not do what it should.

    `type` is the kind of mistake, `category` the sandbox's word for what happened. `root_cause`, `impact` and
    `recommendation` are the same for all failures of a kind; they do not come from a model.
    """

    type: ErrorType
    category: str
    message: str
    line: int | None = None
    root_cause: str
    impact: str
    recommendation: str
    traceback: str = ""


class ExecuteResponse(Form):
    """What came of running code. `execution_time_ms` is the time of the run, also of one that was made earlier."""

    success: bool
    result: Any = None
    stdout: str = ""
    stderr: str = ""
    execution_time_ms: float = 0.0
    cached: bool = False
    language: str
    level: str = ""
    error: CodeError | None = None
    findings: tuple[CodeFinding, ...] = ()
    notes: tuple[str, ...] = ()


class ValidateResponse(Form):
    """Whether code can be read and keeps the static rules; `checked` says how far that was looked into."""

    valid: bool
    language: str
    syntax_valid: bool
    security_valid: bool
    errors: tuple[CodeFinding, ...] = ()
    checked: str


class Complexity(Form):
    """How much there is to understand; `complexity.py` says how it is counted."""

    complexity_rating: Rating
    complexity_score: int
    lines_of_code: int
    functions: int
    cyclomatic: int
    cognitive: int
    deepest_nesting: int
    method: Literal["tree", "words"]


class Suggestion(Form):
    """What could be better, where, and how."""

    type: str
    line: int
    message: str


class Quality(Form):
    """Scores from 0 to 100; `quality.py` gives the formulas. Robustness is null where nothing was run."""

    quality_score: int
    robustness_score: int | None
    reasons: tuple[str, ...]
    runs: int = 0
    failed_runs: int = 0


class Node(Form):
    """A Code node of n8n."""

    id: str
    name: str
    type: Literal["n8n-nodes-base.code"] = "n8n-nodes-base.code"
    parameters: dict[str, str]


class TestResult(Form):
    """One test of generated code."""

    name: str
    passed: bool
    detail: str = ""


class TestResults(Form):
    """What the tests of generated code came to."""

    total_tests: int
    passed: int
    failed: int
    all_passed: bool
    tests: tuple[TestResult, ...] = ()

    @classmethod
    def of(cls, tests: tuple[TestResult, ...]) -> "TestResults":
        """Count some tests. No test at all is not a pass."""
        passed = sum(test.passed for test in tests)
        return cls(
            total_tests=len(tests),
            passed=passed,
            failed=len(tests) - passed,
            all_passed=bool(tests) and passed == len(tests),
            tests=tests,
        )


class Validation(Form):
    """How far a piece of generated code came."""

    syntax_valid: bool
    security_valid: bool
    tests_passed: bool


class AttemptForm(Form):
    """One version of generated code, what became of it, and how it differs from the version before."""

    attempt: int
    total_attempts: int
    success: bool
    stage: Literal["syntax", "security", "run", "result", "passed"]
    code: str
    error: CodeError | None = None
    findings: tuple[CodeFinding, ...] = ()
    output: str = ""
    execution_time: float = 0.0
    diff: str = ""
    explanation: str = ""
    focus: Focus = "fix_errors"


class Metrics(Form):
    """Times in seconds, and what the repairs were good for.

    `improvement_efficiency` is the share of the repairs after which the code came further or had fewer problems,
    `error_reduction` by how many percent the problems of the first version became fewer. Null without a repair.
    """

    generation_time: float
    execution_time: float
    improvement_time: float
    total_time: float
    model_calls: int
    improvement_efficiency: float | None = None
    error_reduction: float | None = None


class GenerateResponse(Form):
    """Generated code with what is known of it. `shown` and `not_shown` say what the tests mean and what they do not."""

    success: bool
    refused: bool = False
    language: str
    node: Node | None = None
    code: str = ""
    test_results: TestResults
    complexity: Complexity | None = None
    validation: Validation
    history: tuple[AttemptForm, ...] = ()
    explanation: str = ""
    error: CodeError | None = None
    findings: tuple[CodeFinding, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    quality: Quality | None = None
    stopped_because: Stopped
    shown: tuple[str, ...] = ()
    not_shown: tuple[str, ...] = ()
    reused: bool = False
    metrics: Metrics


class Difference(Form):
    """An input on which two versions behave differently."""

    subject: str
    input: dict[str, Any]
    what: str
    original: str
    version: str


class Equivalence(Form):
    """What comparing two versions by running both has shown. Agreement on inputs is no proof for others."""

    same: bool
    inputs: int
    with_value: int
    reason: str
    counterexample: Difference | None = None


class ProfileRow(Form):
    """How often a line ran, and the time from its start to the start of the next line that was traced."""

    line: int
    hits: int
    milliseconds: float
    share: float
    text: str


class Profile(Form):
    """Where the time goes. Tracing slows code down, so the shares mean more than the times."""

    lines: tuple[ProfileRow, ...]
    functions: dict[str, int]
    milliseconds: float
    input: dict[str, Any]


class Timing(Form):
    """Both versions timed on the same inputs, the fastest of several runs: a measurement here, no promise."""

    original_ms: float
    version_ms: float
    ratio: float
    inputs: int


class Improvement(Form):
    """What the offered version is better at; negative numbers say that it is worse."""

    complexity_score_reduction: int
    timing: Timing | None = None


class OptimizationResults(Form):
    """Suggestions, and a better version where one was found that is shown to behave the same."""

    original_complexity: Complexity
    suggestions: tuple[Suggestion, ...]
    optimized_code: str | None = None
    optimized_complexity: Complexity | None = None
    improvement: Improvement | None = None
    diff: str = ""
    made_by: Literal["model", "rewrites"] | None = None
    rewrites: tuple[str, ...] = ()
    equivalence: Equivalence | None = None
    profile: Profile | None = None
    quality: Quality | None = None
    notes: tuple[str, ...] = ()


class OptimizeResponse(Form):
    """What could be better in some code."""

    success: bool
    language: str
    optimization_results: OptimizationResults | None = None
    error: CodeError | None = None
    findings: tuple[CodeFinding, ...] = ()


class FunctionForm(Form):
    """A function of some code."""

    name: str
    line: int
    parameters: tuple[str, ...]
    description: str
    cognitive: int


class ExplainResponse(Form):
    """What code does, as far as its structure says so, and in a model's words where one was asked."""

    success: bool
    language: str
    summary: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    functions: tuple[FunctionForm, ...] = ()
    complexity: Complexity | None = None
    quality: Quality | None = None
    suggestions: tuple[Suggestion, ...] = ()
    model_words: str | None = None
    error: CodeError | None = None
    findings: tuple[CodeFinding, ...] = ()
