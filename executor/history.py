"""The history of a gap's attempts: what was tried, how far it came, what was wrong, whether repairing helps.

A *sample* is a body that was written from the contract alone; a *repair* is written from the body before it and what
was wrong with that. Attempts are numbered in the order in which they were made.

Two figures, after the definitions of the code execution flow ("percentage reduction in errors through improvement",
"average improvements per attempt"), which leave open what an error and an improvement are. Here:

- The *errors* of an attempt are what the rung that failed objects to: one for each rule that finds something, else as
  many as trials that did not come out, where the rung says how many did (`data["held"]`), else one.
- An error of an earlier attempt is *gone* when a later one has climbed the same rung and no longer has it. Of a rung
  that it did not reach nothing is known, so nothing is gone. Errors that were not there at first do not count here.
- *Error reduction* is the share of the errors of each sample's first attempt that are gone in its last, over all
  samples together: 1 when all are gone, 0 when none is.
- An *improvement* is a repair that comes further than the body that it repairs: more rungs, or more trials at the
  rung that failed. *Improvement efficiency* is the number of improvements for each repair.

Both are None where they do not apply: without an error, without a repair.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from executor.check import Candidate
from executor.diagnose import Diagnosis, diagnose
from executor.focus import Reach
from executor.normal import normal_form
from executor.told import shortened
from executor.validate import Evidence, Verdict

MOST_REPAIRS = 2
_IN_VAIN = 2
_MOST_CODE = 65_536
_MOST_LINES = 2_000
_MOST_DIFF = 400  # lines
_EXAMPLES = 4


@dataclass(frozen=True)
class Attempt:
    """A body that was tried, and what the ladder said.

    `repair` is 0 for a sample; `calls` and `seconds` are what it took to get it and to try it.
    """

    candidate: Candidate
    verdict: Verdict
    sample: int = 0
    repair: int = 0
    seconds: float = 0.0
    calls: int = 0

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """What is wrong with it, or None when it passed every rung."""
        failed = self.verdict.failed
        return diagnose(failed, self.candidate) if failed else None

    @cached_property
    def form(self) -> str:
        """The identity of the program, however its text is laid out."""
        return normal_form(self.candidate)

    @property
    def reach(self) -> Reach:
        """How far it came."""
        passed = sum(evidence.passed for evidence in self.verdict.evidence)
        return Reach(passed, _held(self.verdict.failed) or 0)

    @property
    def examples(self) -> tuple[int | None, int]:
        """How many of the user's examples came out, None where nobody counted, and how many were tried."""
        rung = next((e for e in self.verdict.evidence if e.rung == _EXAMPLES), None)
        if rung is None:
            return None, 0
        return rung.trials if rung.passed else _held(rung), rung.trials

    @property
    def errors(self) -> Mapping[str, int]:
        """What the rung that failed objects to, and how often."""
        failed = self.verdict.failed
        if failed is None:
            return {}
        if rules := failed.data.get("rules"):
            return {f"{failed.rung} {name}": 1 for name in rules}
        held = _held(failed)
        return {str(failed.rung): 1 if held is None else max(1, failed.trials - held)}

    def gone(self, later: "Attempt") -> int:
        """Return how many of its errors are gone in a later attempt."""
        climbed = {str(evidence.rung) for evidence in later.verdict.evidence}
        left = later.errors
        return sum(
            count - min(count, left.get(error, 0))
            for error, count in self.errors.items()
            if error.partition(" ")[0] in climbed
        )


@dataclass(frozen=True)
class History:
    """All attempts at one gap, in the order in which they were made."""

    attempts: tuple[Attempt, ...] = ()

    def with_attempt(self, attempt: Attempt) -> "History":
        """Return the history with one more attempt."""
        return replace(self, attempts=(*self.attempts, attempt))

    def of_sample(self, sample: int) -> tuple[Attempt, ...]:
        """Return the attempts of a sample: the sample, then its repairs."""
        return tuple(a for a in self.attempts if a.sample == sample)

    @property
    def samples(self) -> tuple[int, ...]:
        """The numbers of the samples, in the order of their first attempts."""
        return tuple(dict.fromkeys(a.sample for a in self.attempts))

    def repeated(self, candidate: Candidate) -> int | None:
        """Return the number of the attempt whose body this is again, counted from 1, or None for another program."""
        form = normal_form(candidate)
        return next((n for n, a in enumerate(self.attempts, 1) if a.form == form), None)

    def one_lines(self) -> list[str]:
        """Return what was wrong with each attempt in a line, for the next request."""
        return [f"{n}. {a.diagnosis.one_line() if a.diagnosis else 'passed'}" for n, a in enumerate(self.attempts, 1)]

    def repaired(self, attempt: Attempt) -> Attempt | None:
        """Return the attempt that this one repairs, or None for a sample."""
        earlier = [a for a in self.of_sample(attempt.sample) if a.repair < attempt.repair]
        return earlier[-1] if earlier else None

    def diff(self, attempt: Attempt) -> str:
        """Return how the body of an attempt differs from the one that it repairs; nothing for a sample."""
        before = self.repaired(attempt)
        if before is None:
            return ""
        codes = before.candidate.code, attempt.candidate.code
        if any(len(code) > _MOST_CODE or code.count("\n") > _MOST_LINES for code in codes):
            return "too long to be compared"
        old, new = (code.split("\n") for code in codes)
        rows = list(difflib.unified_diff(old, new, "before", "after", lineterm=""))
        left_out = [f"… {len(rows) - _MOST_DIFF:,} more lines"] if len(rows) > _MOST_DIFF else []
        return "\n".join([*rows[:_MOST_DIFF], *left_out])

    @property
    def error_reduction(self) -> float | None:
        """The share of the samples' errors that are gone in their last repairs."""
        ends = [(rows[0], rows[-1]) for rows in map(self.of_sample, self.samples)]
        errors = sum(sum(first.errors.values()) for first, _ in ends)
        return sum(first.gone(last) for first, last in ends) / errors if errors else None

    @property
    def improvement_efficiency(self) -> float | None:
        """The improvements for each repair."""
        steps = [(before, a) for a in self.attempts if (before := self.repaired(a)) is not None]
        return sum(after.reach > before.reach for before, after in steps) / len(steps) if steps else None

    def to_json(self) -> dict[str, Any]:
        """Return the history as programs read it."""
        return {
            "attempts": [self._row(number, attempt) for number, attempt in enumerate(self.attempts, 1)],
            "error_reduction": _rounded(self.error_reduction),
            "improvement_efficiency": _rounded(self.improvement_efficiency),
        }

    def lines(self) -> list[str]:
        """Return the history as a person reads it. The diffs hold what a model wrote: make it visible when shown."""
        rows: list[str] = []
        for number, attempt in enumerate(self.attempts, 1):
            what = f"repair {attempt.repair} of sample" if attempt.repair else "sample"
            rows.append(f"attempt {number}: {what} {attempt.sample + 1}, {_reached(attempt)}, {_price(attempt)}")
            if attempt.diagnosis:
                rows += [f"  {line}" for line in attempt.diagnosis.lines()]
            if difference := self.diff(attempt):
                rows += [f"  {line}" for line in difference.split("\n")]
        for words, figure in (
            ("errors of the first bodies that are gone", self.error_reduction),
            ("repairs that came further", self.improvement_efficiency),
        ):
            rows += [f"{words}: {figure:.0%}"] if figure is not None else []
        return rows

    def _row(self, number: int, attempt: Attempt) -> dict[str, Any]:
        came_out, tried = attempt.examples
        return {
            "number": number,
            "sample": attempt.sample,
            "repair": attempt.repair,
            "passed": attempt.verdict.passed,
            "code": shortened(attempt.candidate.code, _MOST_CODE),
            "language": attempt.candidate.language,
            "diff": self.diff(attempt),
            "diagnosis": attempt.diagnosis.to_json() if attempt.diagnosis else None,
            "rungs_passed": attempt.reach.rungs,
            "examples_passed": came_out,
            "examples": tried,
            "seconds": round(attempt.seconds, 4),
            "calls": attempt.calls,
        }


def stops(history: History, *, repairs: int = MOST_REPAIRS) -> str | None:
    """Return why the last attempt is not repaired, or None when a repair is worth a call.

    The reasons, in this order: it passed; no body could pass; it is an earlier body again, whatever its locals,
    comments and layout are; its sample has had its repairs; the last two of them came no further than what they
    repaired. Without an attempt there is nothing to repair.
    """
    if not history.attempts:
        return "there is no body to repair"
    last = history.attempts[-1]
    failed = last.verdict.failed
    if failed is None:
        return "it passed every rung"
    if not failed.mendable:
        return f"its contract cannot be tried: {shortened(failed.detail, 500)}"
    if (earlier := next((n for n, a in enumerate(history.attempts[:-1], 1) if a.form == last.form), None)) is not None:
        return f"the body repeats that of attempt {earlier}"
    if last.repair >= repairs:
        return f"it fails after {repairs} repair{'' if repairs == 1 else 's'}"
    rows = history.of_sample(last.sample)[-_IN_VAIN - 1 :]
    steps = list(pairwise(rows))
    if len(steps) == _IN_VAIN and not any(after.reach > before.reach for before, after in steps):
        return f"the last {_IN_VAIN} repairs came no further"
    return None


def _held(evidence: Evidence | None) -> int | None:
    held = evidence.data.get("held") if evidence else None
    return held if type(held) is int and held >= 0 else None


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 4)


def _reached(attempt: Attempt) -> str:
    if attempt.verdict.passed:
        return "passed every rung"
    came_out, tried = attempt.examples
    rungs = attempt.reach.rungs
    words = f"passed {rungs} rung{'' if rungs == 1 else 's'}"
    return words + (f" and {came_out} of {tried} examples" if came_out is not None and tried else "")


def _price(attempt: Attempt) -> str:
    return f"{attempt.calls} call{'' if attempt.calls == 1 else 's'}, {attempt.seconds:.1f} s"
