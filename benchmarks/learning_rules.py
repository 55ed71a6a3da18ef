"""The rules by which a program may be accepted, and how often each is right: draws, with intervals by task.

A draw takes some of a problem's programs and some of its suites at random. A rule looks at them and accepts one
program, or none. What is accepted is right or wrong by the oracle. Intervals (95 %) are those of a bootstrap over the
tasks (Efron, 1979): tasks differ more than draws of one task do.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.learning_programs import Problem, shuffled
from executor.validate.agreement import Answer, Assertion, Sample, Thresholds, agreed_values, groups, judge

BOOTSTRAPS = 1_000
_PLAIN_FUZZ = 40

Rule = Callable[[Sequence[Sample], Sequence[Assertion]], Sample | None]


@dataclass
class Tally:
    """How often a rule accepted, and how often that was right, task by task."""

    draws: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        """The share of draws in which something was accepted."""
        return self.accepted.total() / max(1, self.draws.total())

    @property
    def precision(self) -> float | None:
        """The share of what was accepted that is right; None where nothing was."""
        return self.right.total() / self.accepted.total() if self.accepted.total() else None

    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % interval of the precision, by tasks."""
        return _middle([p for p in map(self.of, _resampled(self.draws)) if p is not None])

    def of(self, tasks: Mapping[str, int]) -> float | None:
        """Return the precision where each task counts so often."""
        accepted = sum(self.accepted[task] * count for task, count in tasks.items())
        right = sum(self.right[task] * count for task, count in tasks.items())
        return right / accepted if accepted else None


def difference(one: Tally, other: Tally) -> tuple[float, tuple[float, float] | None] | None:
    """Return by how much the first rule is right more often on the same draws, with its interval by tasks."""
    if one.precision is None or other.precision is None:
        return None
    found = [(one.of(tasks), other.of(tasks)) for tasks in _resampled(one.draws)]
    return one.precision - other.precision, _middle([a - b for a, b in found if a is not None and b is not None])


def measure(
    problems: Sequence[Problem],
    rules: Mapping[str, Rule],
    *,
    samples: int,
    suites: Sequence[tuple[str, int]],
    draws: int,
    seed: int = 7,
) -> dict[str, Tally]:
    """Try each rule on the same draws of programs and suites. `suites` says how many are drawn of which writer."""
    chance, tallies = random.Random(seed), {name: Tally() for name in rules}
    for _ in range(draws):
        for problem in problems:
            drawn = [
                (writer, number)
                for writer, count in suites
                for number in shuffled(chance, sorted(problem.tests.get(writer, {})), count)
            ]
            numbers = shuffled(chance, range(len(problem.programs)), samples)
            inputs, assertions = problem.suites(drawn)
            fuzzed = problem.made.get(suites[0][0], ()) if suites else ()
            panel = [problem.sample(number, inputs, fuzzed) for number in numbers]
            for name, rule in rules.items():
                found = rule(panel, assertions)
                tallies[name].draws[problem.task] += 1
                if found is not None:
                    tallies[name].accepted[problem.task] += 1
                    tallies[name].right[problem.task] += problem.programs[int(found.name)].right
    return tallies


def it_ran(samples: Sequence[Sample], assertions: Sequence[Assertion]) -> Sample | None:
    """Accept the first program that runs on all inputs of the tests without an error: what most systems do."""
    return next((s for s in samples if not any(answer.failure for answer in s.answers)), None)


def plain(samples: Sequence[Sample], assertions: Sequence[Assertion]) -> Sample | None:
    """Accept by the plain version of the ladder.

    Two tests at least on which two suites agree, and all such pass; the largest group alone the largest, with half of
    the samples and two texts; the same answers, and no exception, on forty further inputs.
    """
    agreed = agreed_values(assertions)
    ranked = groups(samples)
    group = ranked[0]
    alone = len(ranked) < 2 or len(ranked[1]) < len(group)
    if len(agreed) < 2 or len(group) < max(2, len(samples) / 2) or not alone or len({s.text for s in group}) < 2:
        return None
    if any(not group[0].answers[each.input].same(Answer(each.value)) for each in agreed):
        return None
    for answers in zip(*(sample.fuzzed[:_PLAIN_FUZZ] for sample in group), strict=True):
        known = [answer for answer in answers if answer is not None]
        if any(a.failure and a.failure != "contract" for a in known) or any(not known[0].same(a) for a in known[1:]):
            return None
    return group[0]


def probation(samples: Sequence[Sample], assertions: Sequence[Assertion]) -> Sample | None:
    """Accept the first program that passes rung 5: every value on which two writers agree, and there is one."""
    agreed = agreed_values(assertions)
    if not agreed:
        return None
    return next(
        (s for s in samples[:1] if all(s.answers[each.input].same(Answer(each.value)) for each in agreed)), None
    )


def trusted(thresholds: Thresholds | None = None) -> Rule:
    """Return the rule of the ladder: rungs 5, 6 and 7."""

    def rule(samples: Sequence[Sample], assertions: Sequence[Assertion]) -> Sample | None:
        judged = judge(samples, assertions, thresholds)
        return None if judged.undecided else judged.group[0]

    return rule


def _resampled(draws: Mapping[str, int]) -> Sequence[Counter[str]]:
    chance, tasks = random.Random(11), sorted(draws)
    return [Counter(chance.choices(tasks, k=len(tasks))) for _ in range(BOOTSTRAPS)]


def _middle(figures: Sequence[float]) -> tuple[float, float] | None:
    ordered = sorted(figures)
    return (ordered[int(0.025 * len(ordered))], ordered[int(0.975 * len(ordered)) - 1]) if ordered else None
