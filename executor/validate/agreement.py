"""What independent writers of tests, and independent samples, agree on: the decision of rungs 5, 6 and 7, as data.

Nobody here knows the right answer. Each sample is a body that was written without sight of the others, each suite a
set of tests that was written without sight of any body. Each may be wrong; that several are wrong in the same way by
chance is unlikely, and so agreement is evidence (Chen and others, 2022,
"CodeT"; Wang and others, 2022, "Self-consistency").

The rules:

1. A value that two writers assert for an input, and no other value as many, is *agreed*. A value that one writer
   asserts is a *hint*.
2. Samples are *grouped* by their answers to all asserted inputs. The largest group decides. It must be alone the
   largest, hold at least half of the samples, and two members that differ in their text or their author: what one
   model writes twice is no second opinion, what two models write alike is.
3. The largest group gives every agreed value; agreed values and hints that it gives are at least two, of at least two
   writers, and not all the same: what always answers True is not shown to be right by answering True.
4. An agreed value that a third writer contradicts gives way to that writer where all samples are in the group, and
   say the same as it.
5. A group that not all samples are in has to be borne out by more: most of what the writers assert.
6. On fuzzed inputs all members of the group answer the same. An answer that breaks a declared type counts as none.
7. Samples and writers are not all the same model: a weak model agrees with itself on what is wrong. The user's
   examples are a writer of their own.

What breaks a rule is *undecided*, not wrong: more evidence may decide it, and where it does not, abstaining is right.
What it does not see: all samples and writers making the same mistake.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from htn.contract import ROUNDING, close

OUT_OF_RESOURCES = ("timeout", "memory")


@dataclass(frozen=True)
class Thresholds:
    """How much agreement is enough. The defaults are those that benchmarks/learning.py measures."""

    writers: int = 2
    """So many writers have to assert a value for it to be agreed."""
    asserted: int = 2
    """So many asserted inputs the group has to answer as asserted."""
    share: float = 0.5
    """So large a part of all samples has to be in the group."""
    texts: int = 2
    """So many members of the group have to differ in their text or their author."""
    values: int = 2
    """So many different values have to be among those that it answers as asserted."""
    divided: float = 0.5
    """Where samples are outside of the group, so large a part of all assertions has to be what it answers."""
    models: int = 2
    """So many models (or the user) have to stand behind it, as authors of bodies or of tests."""


@dataclass(frozen=True)
class Answer:
    """What a body came to for one input: a value, or how it failed."""

    value: Any = None
    failure: str = ""
    noise: float = 0.0
    """How far apart numbers may lie that were computed from this input (see `rounding_noise`)."""

    def same(self, other: "Answer") -> bool:
        """Whether two answers are equal but for rounding; two failures are where they are of one kind."""
        if self.failure or other.failure:
            return self.failure == other.failure
        return close(self.value, other.value, ROUNDING, max(self.noise, other.noise))

    @property
    def spent(self) -> bool:
        """Whether it ran out of time or memory, which says little about what it would have answered."""
        return self.failure in OUT_OF_RESOURCES


@dataclass(frozen=True)
class Assertion:
    """A writer's word that an input, by its number, comes to a value."""

    input: int
    writer: str
    value: Any
    model: str = ""


@dataclass(frozen=True)
class Sample:
    """A body's answers: to the asserted inputs, and to the fuzzed ones. `text` is its code without its layout."""

    name: str
    model: str
    text: str
    answers: Sequence[Answer]
    fuzzed: Sequence[Answer | None] = ()
    """None stands for an input that was not tried, because the body had run out of time on others."""


@dataclass(frozen=True)
class Agreed:
    """A value that several writers assert for an input."""

    input: int
    value: Any
    writers: tuple[str, ...]


@dataclass(frozen=True)
class Judgement:
    """What came of it. `group` are the samples of the largest group, `undecided` why they are not enough, and where.

    `rung` is the one that decided: 5 tests, 6 agreement, 7 fuzz; `at` is the number of the input that shows it.
    """

    group: tuple[Sample, ...] = ()
    agreed: tuple[Agreed, ...] = ()
    undecided: str = ""
    rung: int = 0
    at: int | None = None


def agreed_values(assertions: Sequence[Assertion], writers: int = 2) -> tuple[Agreed, ...]:
    """Return the values that so many writers assert, one for an input: none where another has as many."""
    found = []
    for at, votes in _votes(assertions).items():
        ranked = sorted(votes, key=lambda vote: -len(vote[1]))
        first, names = ranked[0]
        rival = len(ranked[1][1]) if len(ranked) > 1 else 0
        if len(names) >= writers and rival < len(names):
            found.append(Agreed(at, first, tuple(sorted(names))))
    return tuple(found)


def gives_way(agreed: Agreed, answer: Answer, assertions: Sequence[Assertion]) -> bool:
    """Whether a writer who is none of those that agree asserts what is answered."""
    return any(
        each.input == agreed.input and each.writer not in agreed.writers and answer.same(Answer(each.value))
        for each in assertions
    )


def groups(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Return the samples by what they answer to the asserted inputs, the largest group first."""
    found: list[list[Sample]] = []
    for sample in samples:
        for group in found:
            if all(map(Answer.same, group[0].answers, sample.answers)):
                group.append(sample)
                break
        else:
            found.append([sample])
    return sorted(found, key=lambda group: -len(group))


def judge(
    samples: Sequence[Sample], assertions: Sequence[Assertion], thresholds: Thresholds | None = None
) -> Judgement:
    """Return what samples and writers agree on, by the rules above."""
    least = thresholds or Thresholds()
    agreed = agreed_values(assertions, least.writers)
    if not samples:
        return Judgement(agreed=agreed, undecided="there is no sample", rung=6)
    ranked = groups(samples)
    group = tuple(ranked[0])
    why = _too_few(group, ranked, len(samples), least)
    if why:
        return Judgement(group, agreed, why, 6)
    at, why = _untested(group, agreed, assertions, len(samples), least)
    if why:
        return Judgement(group, agreed, why, 5, at)
    at, why = difference(group)
    return Judgement(group, agreed, why, 7 if why else 0, at)


def difference(group: Sequence[Sample]) -> tuple[int | None, str]:
    """Return the first fuzzed input on which members of a group differ, and how; (None, "") where they do not."""
    for at, answers in enumerate(zip(*(sample.fuzzed for sample in group), strict=True)):
        known = [answer for answer in answers if answer is not None]
        if broken := next((a for a in known if a.failure == "contract"), None):
            return at, f"an answer breaks the contract: {broken.value or broken.failure}"
        if len(known) == len(answers) and any(not known[0].same(other) for other in known[1:]):
            return at, f"{len(known)} samples that pass the same tests answer differently"
    return None, ""


def compared(group: Sequence[Sample]) -> int:
    """Return how many fuzzed inputs all members of a group answered: out of time or memory is no answer."""
    rows = zip(*(sample.fuzzed for sample in group), strict=True)
    return sum(all(answer is not None and not answer.spent for answer in answers) for answers in rows)


def _too_few(group: Sequence[Sample], ranked: Sequence[Sequence[Sample]], count: int, least: Thresholds) -> str:
    if len(group) < least.texts or len(group) < least.share * count:
        return f"at most {len(group)} of {count} samples behave alike"
    if len(ranked) > 1 and len(ranked[1]) == len(group):
        return f"two groups of {len(group)} samples each behave differently"
    if len({(sample.model, sample.text) for sample in group}) < least.texts:
        return f"the {len(group)} samples that behave alike are one and the same text of one model"
    return ""


def _untested(
    group: Sequence[Sample], agreed: Sequence[Agreed], assertions: Sequence[Assertion], count: int, least: Thresholds
) -> tuple[int | None, str]:
    answers = group[0].answers
    if not agreed:
        return None, f"no value is asserted by {least.writers} writers"
    borne_out = [a for a in assertions if answers[a.input].same(Answer(a.value))]
    for each in agreed:
        answer = answers[each.input]
        if not answer.same(Answer(each.value)) and not (len(group) == count and gives_way(each, answer, assertions)):
            return each.input, f"the samples that behave alike break a test on which {len(each.writers)} writers agree"
    if len({a.input for a in borne_out}) < least.asserted or len({a.writer for a in borne_out}) < least.writers:
        return None, f"only {len(borne_out)} assertions are what the samples answer"
    if _different([answers[a.input] for a in borne_out]) < least.values:
        return None, "all values that the tests bear out are the same"
    if len(group) < count and len(borne_out) < least.divided * len(assertions):
        return None, f"samples differ, and only {len(borne_out)} of {len(assertions)} assertions are borne out"
    models = {sample.model for sample in group} | {a.model for a in borne_out}
    if len(models) < least.models:
        one = f"one model, {next(iter(models))}" if len(models) == 1 else f"{len(models)} models"
        return None, f"all bodies and tests are of {one}, which may agree with its own mistakes"
    return None, ""


def _different(answers: Sequence[Answer]) -> int:
    kinds: list[Answer] = []
    for answer in answers:
        if not any(answer.same(kind) for kind in kinds):
            kinds.append(answer)
    return len(kinds)


def _votes(assertions: Sequence[Assertion]) -> Mapping[int, list[tuple[Any, set[str]]]]:
    """Return, for each input, the values that are asserted for it and by whom."""
    votes: dict[int, list[tuple[Any, set[str]]]] = {}
    for assertion in assertions:
        row = votes.setdefault(assertion.input, [])
        for value, names in row:
            if close(value, assertion.value, ROUNDING):
                names.add(assertion.writer)
                break
        else:
            row.append((assertion.value, {assertion.writer}))
    return votes
