"""Independent bodies and tests for one frozen contract, and what they come to: what rungs 5 to 7 and 9 look at.

A panel is asked in the sandbox once, when a rung first needs it; then its judgement is a pure function of the answers
(see agreement).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from executor.body import Observation
from executor.check import Candidate
from executor.normal import normal_form
from executor.validate.agreement import (
    Agreed,
    Answer,
    Assertion,
    Judgement,
    Sample,
    Thresholds,
    agreed_values,
    judge,
)
from executor.validate.defaults import FUZZED
from executor.validate.fuzz import constants, fuzzed
from executor.validate.situations import Situation, given_in, identity
from executor.validate.suites import Suite, places
from htn.contract import Contract, rounding_noise
from htn.domain import StateVariable

FRESH = 100
_MOST_SPENT = 3
_FRESH_SEED = 9
UNTRIED = Answer("not tried: it ran out of time or memory on other inputs", "timeout")


@dataclass(frozen=True)
class Body:
    """A candidate that keeps the contract as far as it was tried, and who wrote it. `repaired`: how often."""

    candidate: Candidate
    model: str
    repaired: int = 0


@dataclass(frozen=True)
class Panel:
    """The bodies and suites of a contract. The first body is the one that is on trial.

    `observe` runs a body in a situation; `fuzz` is how many situations are made beyond those of the tests.
    """

    contract: Contract
    bodies: tuple[Body, ...]
    suites: tuple[Suite, ...]
    observe: Callable[[Candidate, Situation], Observation]
    variables: Mapping[str, StateVariable] = field(default_factory=dict)
    known: tuple[Situation, ...] = ()
    fuzz: int = FUZZED
    thresholds: Thresholds = field(default_factory=Thresholds)

    @cached_property
    def asserted(self) -> tuple[Situation, ...]:
        """The situations of all tests, each once."""
        return tuple(self._distinct.values())

    @cached_property
    def assertions(self) -> tuple[Assertion, ...]:
        """What the writers assert of them."""
        number = {key: at for at, key in enumerate(self._distinct)}
        return tuple(
            Assertion(number[identity(self.contract, test.situation)], suite.writer, dict(test.changes), suite.model)
            for suite in self.suites
            for test in suite.tests
        )

    @cached_property
    def _distinct(self) -> dict[str, Situation]:
        found: dict[str, Situation] = {}
        for suite in self.suites:
            for test in suite.tests:
                found.setdefault(identity(self.contract, test.situation), test.situation)
        return found

    @cached_property
    def fuzzed(self) -> tuple[Situation, ...]:
        """Further situations in which the contract applies."""
        return fuzzed(self.contract, self.variables, (*self.asserted, *self.known), count=self.fuzz)

    @cached_property
    def fresh(self) -> tuple[Situation, ...]:
        """Situations around the constants that the bodies name, which a body may have been fitted to."""
        named = {"output", "writes", *(o.name for o in self.contract.outputs)}
        named |= {effect.target.variable for effect in self.contract.effects}  # every body names these
        found = [value for body in self.bodies for value in constants(body.candidate) if value not in named]
        seen = list({(type(value), value): value for value in found}.values())
        bases = (*self.asserted, *self.known)
        return fuzzed(self.contract, self.variables, bases, count=min(FRESH, self.fuzz), seed=_FRESH_SEED, seen=seen)

    def answers(self, body: Body, situations: Sequence[Situation]) -> list[Answer | None]:
        """Return what a body comes to; None once it has run out of time or memory several times."""
        found: list[Answer | None] = []
        spent = 0
        for situation in situations:
            answer = self._answer(body, situation) if spent < _MOST_SPENT else None
            spent += answer is not None and answer.spent
            found.append(answer)
        return found

    @cached_property
    def of_the_first(self) -> list[Answer]:
        """What the body on trial comes to in the asserted situations."""
        return self._told(self.bodies[0])

    @cached_property
    def judgement(self) -> Judgement:
        """What bodies and writers agree on."""
        samples = [self._sample(number, body) for number, body in enumerate(self.bodies)]
        return judge(samples, self.assertions, self.thresholds)

    @cached_property
    def agreed(self) -> tuple[Agreed, ...]:
        """The values on which writers agree."""
        return agreed_values(self.assertions, self.thresholds.writers)

    def group_when_fresh(self) -> list[Sample]:
        """Return the members of the group with their answers in the fresh situations."""
        return [
            replace(sample, answers=(), fuzzed=self.answers(self.bodies[int(sample.name)], self.fresh))
            for sample in self.judgement.group
        ]

    def _sample(self, number: int, body: Body) -> Sample:
        asserted = self.of_the_first if number == 0 else self._told(body)
        return Sample(str(number), body.model, normal_form(body.candidate), asserted, self.answers(body, self.fuzzed))

    def _told(self, body: Body) -> list[Answer]:
        return [answer or UNTRIED for answer in self.answers(body, self.asserted)]

    def _answer(self, body: Body, situation: Situation) -> Answer:
        return answer_of(self.contract, self.observe(body.candidate, situation), situation)


def answer_of(contract: Contract, seen: Observation, situation: Situation) -> Answer:
    """Return what came of a body as an answer: what it changed, or how it failed."""
    if not seen.ok:
        return Answer(seen.problem, seen.category)
    held = [situation.state.look_up(*at) for at in seen.after]
    return Answer(places(seen.after), noise=rounding_noise(*given_in(contract, situation).values(), *held))
