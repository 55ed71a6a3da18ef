"""Two scores from 0 to 100 for some code.

    quality       100, less 25 for each finding of the static rules (syntax, safety), less the weight of each
                  suggestion (1 to 8, `Advice.weight`; the same kind counts three times at most), less 5, 15 or 30 for
                  a complexity of medium, high or very high
    robustness    100 times the share of the tried inputs on which the code did not fail, less 10 for each handler that
                  hides every exception

Robustness is null where nothing was run. The inputs are drawn from what the code seems to expect, so a guess that is
wrong lowers the score of code that is right to fail: the score compares versions of one program, not programs.

What these scores do NOT say: that the code does what it should. Tests say that.
"""

from collections import Counter
from collections.abc import Sequence

from executor.code.advice import weight_of
from executor.code.comparing import Seen
from executor.code.forms import CodeFinding, Complexity, Quality, Rating, Suggestion

_FINDING = 25
_HIDES = 10
_MOST_OF_A_KIND = 3
_COMPLEX: dict[Rating, int] = {"low": 0, "medium": 5, "high": 15, "very high": 30}


def quality(
    findings: Sequence[CodeFinding],
    suggestions: Sequence[Suggestion],
    complexity: Complexity | None,
    runs: tuple[int, int] | None = None,
) -> Quality:
    """Return the scores. `runs` are the inputs that were tried and those on which the code failed."""
    taken: list[tuple[int, str]] = [(_FINDING, f"{each.code} {each.rule}") for each in findings]
    for kind, count in Counter(each.type for each in suggestions).items():
        weight = weight_of(next(each for each in suggestions if each.type == kind))
        taken.append((weight * min(count, _MOST_OF_A_KIND), f"{kind}, {count} times" if count > 1 else kind))
    if complexity is not None and (points := _COMPLEX[complexity.complexity_rating]):
        taken.append((points, f"complexity {complexity.complexity_rating}"))
    tried, failed = runs or (0, 0)
    hidden = sum(each.type == "bare_except" for each in suggestions)
    robust = max(0, round(100 * (tried - failed) / tried) - _HIDES * hidden) if tried else None
    return Quality(
        quality_score=max(0, 100 - sum(points for points, _ in taken)),
        robustness_score=robust,
        reasons=tuple(f"-{points} {why}" for points, why in taken),
        runs=tried,
        failed_runs=failed,
    )


def failures(seen: Sequence[Seen]) -> tuple[int, int]:
    """Return on how many inputs code was run, and on how many of them it failed; neither counts what ran out."""
    counted = [each for each in seen if not each.exhausted]
    return len(counted), sum(not each.outcome.ok for each in counted)
