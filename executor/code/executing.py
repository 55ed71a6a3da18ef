"""Run code once in the sandbox: rules first, then the call, then what came of it.

A script that keeps the rules of its language gives the same result for the same context, because the rules refuse the
clock and the dice; its result is kept and found again. The rule about that (HTN-S105) is only advice here: a Python
script may look at the clock, and is then run each time. Bash has variables that change by themselves, and the rules do
not follow them, so nothing of Bash is kept; neither is what a request says shall not be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from executor.check import Script, check
from executor.code.forms import CodeFinding, ExecuteResponse
from executor.code.problems import error_of, is_unreadable, refused
from executor.code.requests import ExecuteRequest
from executor.code.validating import PURITY, findings_of
from executor.generate.language import detect_language
from executor.results import CachedSandbox
from executor.sandbox import JSON, Outcome, Program, Sandbox, SandboxLimits
from executor.sandbox.inside.plain import NotPlainError, as_plain
from executor.sandbox.languages import LANGUAGES
from executor.store import Results
from htn.errors import UsageError

_KEPT = ("python", "javascript")


@dataclass(frozen=True)
class Bench:
    """Where code is run: a sandbox, what a call may use, and where results are kept, if they are."""

    sandbox: Sandbox
    limits: SandboxLimits
    results: Results | None = None

    def given(self, seconds: float | None) -> "Bench":
        """Return the bench on which a call may take so many seconds."""
        return self if seconds is None else replace(self, limits=replace(self.limits, seconds=seconds))

    def run(
        self, code: str, language: str, context: Mapping[str, JSON], *, entry_point: str = "", hash_seed: int = 0
    ) -> Outcome:
        """Run a script, or call a function. Raises `UsageError` for a context that is not plain JSON."""
        program = program_of(code, language, entry_point)
        return self.sandbox.call(program, context, limits=self.limits, hash_seed=hash_seed)


def execute(request: ExecuteRequest, bench: Bench) -> ExecuteResponse:
    """Return what came of running some code; what the rules refuse is not run.

    Raises `UsageError` for a context that cannot be the variables of a script, or a function without an entry point.
    """
    language = request.language or detect_language("", request.code)
    context = checked_context(request.context)
    program = program_of(request.code, language, request.entry_point)
    findings = findings_of(request.code, language)
    if serious := tuple(each for each in findings if each.code != PURITY):
        return ExecuteResponse(success=False, language=language, error=refused(serious), findings=serious)
    bench = bench.given(request.timeout)
    pure = request.use_cache and language in _KEPT and not findings
    sandbox = bench.sandbox
    if bench.results is not None:
        sandbox = CachedSandbox(sandbox, bench.results, pure=lambda program: pure)
    outcome = sandbox.call(program, context, limits=bench.limits)
    return _response(outcome, language, findings)


def program_of(code: str, language: str, entry_point: str = "") -> Program:
    """Return code as a program: a function where an entry point is named, else a script."""
    if not entry_point and not has_scripts(language):
        raise UsageError(
            f"{language} has no scripts here: code in {language} is a function",
            hints=("name it: --entry-point NAME; the context holds its arguments in their order",),
        )
    return Program(code, entry_point, language, "function" if entry_point else "script")


def has_scripts(language: str) -> bool:
    """Whether code in a language can be a script."""
    return language == "python" or "script" in LANGUAGES[language].forms


def checked_context(context: Mapping[str, Any]) -> Mapping[str, JSON]:
    """Return context values that can be variables. Raises `UsageError`."""
    for name in context:
        if not name.isidentifier() or name.startswith("__"):
            raise UsageError(f"{name!r:.60} cannot be the name of a variable", hints=("rename it in the context",))
    try:
        plain = as_plain(dict(context), "the context")
    except NotPlainError as error:
        raise UsageError(str(error), hints=("a context is a JSON object",)) from error
    assert isinstance(plain, dict)
    return plain


def refusals(code: str, language: str) -> tuple[CodeFinding, ...]:
    """Return why code is not run: what the rules find, without their advice."""
    return tuple(each for each in findings_of(code, language) if each.code != PURITY)


def can_be_read(code: str, language: str) -> bool:
    """Whether there is a program to look at."""
    return not any(map(is_unreadable, check(Script(code, language))))


def _response(outcome: Outcome, language: str, findings: tuple[CodeFinding, ...]) -> ExecuteResponse:
    notes = [f"{each.message}, so its result is not kept" for each in findings]
    if outcome.truncated:
        notes.append("what it printed was cut")
    return ExecuteResponse(
        success=outcome.ok,
        result=outcome.value,
        stdout=outcome.stdout,
        stderr=outcome.stderr,
        execution_time_ms=round(outcome.seconds * 1000, 3),
        cached=outcome.cached,
        language=language,
        level=outcome.level,
        error=None if outcome.problem is None else error_of(outcome.problem),
        notes=tuple(notes),
    )
