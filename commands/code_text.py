"""The responses of the code service as a person reads them."""

import json
from collections.abc import Iterable
from typing import Any

from executor.code.forms import (
    CodeError,
    CodeFinding,
    Complexity,
    Equivalence,
    ExecuteResponse,
    ExplainResponse,
    GenerateResponse,
    OptimizationResults,
    OptimizeResponse,
    Profile,
    Quality,
    ValidateResponse,
)
from executor.told import shortened

_WIDTH = 11
_MOST_VALUE = 4000
_PROFILE_ROWS = 5


def executed(response: ExecuteResponse) -> str:
    """Return what came of a run."""
    took = f"{response.execution_time_ms:.0f} ms" if response.execution_time_ms >= 1 else "<1 ms"
    rows = []
    if response.success:
        how = "kept" if response.cached else "ran"
        rows.append(f"✓ {how:<9}result = {_value(response.result)}  {took}")
    rows += [_row("printed", response.stdout)] if response.stdout else []
    rows += [_row("stderr", response.stderr)] if response.stderr else []
    rows += [_row("note", each) for each in response.notes]
    return "\n".join([*rows, *_failed(response.error, response.findings)])


def validated(response: ValidateResponse) -> str:
    """Return whether code is valid, or what is wrong with it."""
    if response.valid:
        return f"✓ valid    {response.language}: {response.checked}"
    return "\n".join(map(_finding, response.errors))


def generated(response: GenerateResponse) -> str:
    """Return what is known of generated code."""
    rows = [f"{'✓' if response.success else '✗'} {response.stopped_because}"]
    for attempt in response.history if len(response.history) > 1 else ():
        what = attempt.error.message if attempt.error else "passed"
        rows.append(_row(f"attempt {attempt.attempt}", f"{attempt.stage}: {shortened(what, 200)}"))
    rows += [_row("name", response.node.name)] if response.node else []
    rows += [_row("says", response.explanation)] if response.explanation else []
    rows += [_row("complexity", _complexity(response.complexity))] if response.complexity else []
    rows += [_row("quality", _quality(response.quality))] if response.quality and response.success else []
    rows += [_row("shown", each) for each in response.shown]
    rows += [_row("not shown", each) for each in response.not_shown]
    return "\n".join([*rows, *_failed(response.error, response.findings)])


def optimized(response: OptimizeResponse) -> str:
    """Return what could be better in code, and the version that is offered."""
    results = response.optimization_results
    rows = [] if results is None else _optimized(results)
    return "\n".join([*rows, *_failed(response.error, response.findings)])


def explained(response: ExplainResponse) -> str:
    """Return what code does."""
    rows = [response.summary]
    rows += [_row("complexity", _complexity(response.complexity))] if response.complexity else []
    rows += [_row("quality", _quality(response.quality))] if response.quality else []
    rows += [_row(f"line {each.line}", f"{each.type}: {each.message}") for each in response.suggestions]
    rows += [_finding(each) for each in response.findings]
    rows += [_row("model", response.model_words)] if response.model_words else []
    return "\n".join([*rows, *_failed(response.error, ())])


def _optimized(results: OptimizationResults) -> list[str]:
    rows = [_row("complexity", _complexity(results.original_complexity))]
    rows += [_row("quality", _quality(results.quality))] if results.quality else []
    rows += [_row(f"line {each.line}", f"{each.type}: {each.message}") for each in results.suggestions]
    rows += _profile(results.profile) if results.profile else []
    rows += [_row("note", each) for each in results.notes]
    if results.equivalence is not None:
        rows += _equivalence(results.equivalence)
    if results.optimized_code is not None and results.improvement is not None:
        made = "the rewrites " + ", ".join(results.rewrites) if results.rewrites else str(results.made_by)
        rows.append(_row("offered", f"by {made}, behind the difference"))
        gain = results.improvement.complexity_score_reduction
        rows.append(_row("better", f"complexity score {-gain:+d}"))
        if results.improvement.timing is not None:
            timing = results.improvement.timing
            rows.append(_row("measured", f"{timing.ratio} times as fast on the same {_count(timing.inputs, 'input')}"))
        rows += ["", results.diff, "", results.optimized_code.rstrip("\n")]
    return rows


def _equivalence(found: Equivalence) -> list[str]:
    rows = [_row("the same" if found.same else "not shown", found.reason)]
    if (example := found.counterexample) is not None:
        rows += [_row("input", _value(example.input)), _row("original", example.original)]
        rows.append(_row("version", example.version))
    return rows


def _profile(profile: Profile) -> list[str]:
    rows = [_row("time", f"spent on the input {shortened(_value(profile.input), 60)}")]
    return rows + [
        _row("", f"{row.share:>4.0%}  {row.hits:>5} times  line {row.line}: {row.text}")
        for row in profile.lines[:_PROFILE_ROWS]
    ]


def _failed(error: CodeError | None, findings: Iterable[CodeFinding]) -> list[str]:
    rows = list(map(_finding, findings))
    if error is None:
        return rows
    if rows:  # a rule says itself what to do
        return rows
    where = f"line {error.line}: " if error.line else ""
    rows.append(f"✗ {error.type:<9}{where}{shortened(error.message, 1000)}")
    return [*rows, _row("cause", error.root_cause), _row("impact", error.impact), _row("do", error.recommendation)]


def _finding(found: CodeFinding) -> str:
    column = f", column {found.column}" if found.column else ""
    where = f"line {found.line}{column}: " if found.line else ""
    return f"✗ {found.code} {found.rule}: {where}{shortened(found.message, 300)}\n{_row('do', found.fix)}"


def _complexity(found: Complexity) -> str:
    size = f"{_count(found.lines_of_code, 'line')}, {_count(found.functions, 'function')}"
    return f"{found.complexity_rating}, score {found.complexity_score}: {size}, cognitive {found.cognitive}"


def _quality(found: Quality) -> str:
    why = f" ({', '.join(found.reasons)})" if found.reasons else ""
    robust = "" if found.robustness_score is None else f"; robustness {found.robustness_score}"
    tried = f", failed on {found.failed_runs} of {_count(found.runs, 'input')}" if found.runs else ""
    return f"{found.quality_score} of 100{why}{robust}{tried}"


def _row(name: str, value: str) -> str:
    lines = value.rstrip("\n").split("\n")
    return "\n".join([f"{name:<{_WIDTH}}{lines[0]}", *(f"{'':<{_WIDTH}}{line}" for line in lines[1:])]).rstrip()


def _value(value: Any) -> str:
    return shortened(json.dumps(value, ensure_ascii=False), _MOST_VALUE)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
