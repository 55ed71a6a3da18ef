"""The rungs of the ladder: each buys one kind of evidence. The docstring of a rung is its documentation (see pages).

A rung sees the whole trial and returns evidence. Here are those that need the candidate alone. Rungs 5, 6, 7 and 9
compare it with tests and bodies of other authors (see comparing); rung 10, watched first uses, is not climbed here but
lived through (see executor.probation).
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from executor.body import Observation, perform
from executor.check import Candidate, Finding, form_rules, reach_rules, refused_packages
from executor.sandbox import Program, Sandbox, SandboxLimits, settable, tells_arguments
from executor.told import shortened
from executor.validate.differ import differences, place_name
from executor.validate.evidence import Counterexample, Evidence
from executor.validate.panel import Panel
from executor.validate.situations import Situation, applicable, refused
from htn.contract import Contract, refuse, rounding_noise, scope_of
from htn.domain import Example, StateVariable
from htn.errors import ServiceMissing
from htn.state import State
from htn.values import show

SITUATIONS = 25
_OTHERWISE = {"hash_seed": 1, "clock": 0.0}
_COSTLY = ("timeout", "memory")  # a body that did this once is not run again: it would take all of its time again


@dataclass(frozen=True)
class Trial:
    """A candidate, and what it is tried on."""

    candidate: Candidate
    sandbox: Sandbox
    variables: Mapping[str, StateVariable] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    made: tuple[Situation, ...] | None = None
    """Situations that were made for this contract before, where they were; else they are made when they are needed."""
    limits: SandboxLimits = field(default_factory=SandboxLimits)
    panel: Panel | None = None
    """The tests and bodies of other authors, where they were bought; this candidate is the panel's first body."""

    @cached_property
    def program(self) -> Program:
        """The candidate as the sandbox runs it."""
        body = self.candidate
        return Program(body.code, body.entry_point, body.language, dependencies=body.packages)

    @cached_property
    def applicable(self) -> list[Situation]:
        """Generated situations in which the contract applies, the simplest first."""
        if self.made is not None:
            return list(self.made)
        seeds = [Situation(State(e.given), e.arguments) for e in self.examples]
        return applicable(self.candidate.contract, self.variables, seeds, count=SITUATIONS)

    def observe(self, situation: Situation, *, single_use: bool = False, **how: Any) -> Observation:
        """Run the body once. ServiceMissing when the sandbox fails: that says nothing about the body.

        A `single_use` run shares its container with no other: for code that has not run before.
        """
        program = dataclasses.replace(self.program, single_use=single_use)
        seen = perform(
            program, self.candidate.contract, situation.state, situation.arguments, self.sandbox,
            limits=self.limits, **how,
        )  # fmt: skip
        if seen.category == "environment":
            raise ServiceMissing(f"the sandbox cannot run the body: {seen.problem}", hints=("htn doctor",))
        return seen

    def counterexample(self, situation: Situation, got: str, expected: str = "") -> Counterexample:
        """Describe a situation in which the body is wrong, as the body saw it."""
        scope = scope_of(self.candidate.contract, situation.state, situation.arguments)
        given = {**scope.arguments, **scope.reads}
        return Counterexample(situation.arguments, given, expected, got, situation.state)


class Rung(Protocol):
    """One step of the ladder."""

    @property
    def number(self) -> int:
        """Its place on the ladder."""

    @property
    def name(self) -> str:
        """What it is called."""

    def climb(self, trial: Trial) -> Evidence:
        """Return what this rung found out."""


class Form:
    """The code parses, has the function that was asked for, and does nothing at the top level.

    Nothing has run yet. What these rules say is exact, costs no time, and is the cheapest thing to send back.

    On failure: the body goes back to its writer with what the rules say.

    Worth: nothing by itself; no other rung is climbed without it.
    """

    number, name = 0, "form"

    def climb(self, trial: Trial) -> Evidence:
        """Check the first rule of the language; the rest need code that parses."""
        rules = form_rules(trial.candidate.language)
        found = rules[0].findings(trial.candidate)
        if not found:
            found = [f for rule in rules[1:] for f in rule.findings(trial.candidate)]
        return _static(self, found, len(rules))


@dataclass(frozen=True)
class Static:
    """Only allowed imports and builtins are used, and nothing that contradicts the declared purity.

    The rules are a filter and not the wall: the sandbox has to hold whatever gets past them. They keep honest code
    honest, and tell its writer early what the sandbox would refuse anyway. Of the packages that a body declares those
    that the setting allowed_packages names are allowed.

    On failure: the body goes back to its writer with what the rules say.

    Worth: nothing by itself; nothing runs without it.
    """

    packages: tuple[str, ...] = ()
    number, name = 1, "static"

    def climb(self, trial: Trial) -> Evidence:
        """Check the rules."""
        rules = reach_rules(trial.candidate.language)
        found = refused_packages(trial.candidate, self.packages)
        found += [f for rule in rules for f in rule.findings(trial.candidate)]
        return _static(self, found, len(rules))


class Smoke:
    """The body runs in the sandbox on one generated input and returns what can be read.

    One run shows what is wrong everywhere: a misspelt name, a result of another form. A body that breaks its contract
    here passes all the same; rung 8 says so with the smallest input. Where no input can be made that satisfies types
    and preconditions, no body can pass, and the contract is what is wrong.

    On failure: the body goes back to its writer with the error and the input.

    Worth: quarantined, with 0 to 4: its result answers the one request that it was written for.
    """

    number, name = 2, "smoke"

    def climb(self, trial: Trial) -> Evidence:
        """Run it once."""
        if not trial.applicable:
            return _contract_unfit(self, none_made(trial.candidate.contract))
        situation = trial.applicable[0]
        seen = trial.observe(situation, single_use=True)
        if seen.ok or seen.category == "contract":
            return Evidence(self.number, self.name, True, "one generated input", 1, level=trial.sandbox.level)
        return wrong(self, trial, situation, seen, trials=1)


class Determinism:
    """The same input gives the same result under another hash seed and another clock, arguments untouched.

    A plan is repeatable only where its steps are, and what is compared later has to be one value. A body that sorts by
    the order of a set, reads the time, or changes the lists that it is given, is found here. Hash seed and clock can be
    set for Python, the clock for JavaScript; a body in another language is run twice as it is.

    On failure: the body goes back to its writer with both results.

    Worth: quarantined, with 0 to 4. Planning runs only bodies that have passed it.
    """

    number, name = 3, "determinism, purity"

    def climb(self, trial: Trial) -> Evidence:
        """Run the same inputs twice: the simplest, and the largest, where an order has most room to differ."""
        largest = sorted(trial.applicable[1:], key=size_of, reverse=True)[:3]
        inputs = [*trial.applicable[:1], *largest]
        others = {name: _OTHERWISE[name] for name in settable(trial.candidate.language)}
        for place, situation in enumerate(inputs):
            unknown = place == 0  # how the code behaves with this seed and clock
            first = trial.observe(situation, single_use=unknown)
            if first.category in _COSTLY:
                return wrong(self, trial, situation, first, trials=1)
            second = trial.observe(situation, single_use=unknown, **others)
            if _result(first) != _result(second):
                got = f"{show(_result(first), 200)} and then {show(_result(second), 200)}"
                found = trial.counterexample(situation, got, "the same result twice")
                return Evidence(self.number, self.name, False, "two runs differ", 1, counterexample=found)
            if first.problem and "changed its arguments" in first.problem:
                return wrong(self, trial, situation, first, trials=1)
        how = f"with another {' and '.join(others).replace('_', ' ')}" if others else "twice, nothing else varied"
        kept = "; arguments unchanged" if tells_arguments(trial.candidate.language) else ""
        detail = f"same result {how}{kept}"
        return Evidence(self.number, self.name, True, detail, len(inputs), level=trial.sandbox.level)


class GivenExamples:
    """Every example of the user's comes out as the user said.

    An example names the state, the arguments and every place that changes. It is the only evidence that comes from
    somebody who knows what is meant. Without an example the rung passes and counts for nothing.

    On failure: the body goes back to its writer with the example, and what came out instead.

    Worth: probation, with 0 to 3 and 8: plans use the operator.
    """

    number, name = 4, "given examples"

    def climb(self, trial: Trial) -> Evidence:
        """Run the examples."""
        for held, example in enumerate(trial.examples):
            situation = Situation(State(example.given), example.arguments)
            seen = trial.observe(situation)
            if seen.refused:
                return _contract_unfit(self, f"an example of the user's is not allowed: {seen.problem}")
            if not seen.ok and seen.category != "contract":
                return wrong(self, trial, situation, seen, trials=len(trial.examples), held=held)
            unlike = _unlike(trial, example, situation, seen)
            if not seen.ok or unlike:
                said = "; ".join(f"{place} = {value}" for place, value, _ in unlike)
                got = "; ".join(f"{place} = {value}" for place, _, value in unlike) if seen.ok else seen.problem
                found = trial.counterexample(situation, got or "", said)
                detail = "an example of the user's comes out differently"
                return Evidence(
                    self.number, self.name, False, detail, len(trial.examples), level=trial.sandbox.level,
                    counterexample=found, data={"held": held},
                )  # fmt: skip
        count = len(trial.examples)
        detail = f"{count} of {count} come out as the user said" if count else "no example was given"
        return Evidence(self.number, self.name, True, detail, count, level=trial.sandbox.level)


class KeepsContract:
    """In generated situations the observed change is the declared change, and elsewhere the host refuses.

    Situations are built in which types and preconditions hold: values are drawn by their types, put where the contract
    reads them, and mended until it applies. The body's outputs are held to their types and to what the contract
    ensures, its writes to the declared effects, place by place. For each precondition a situation that breaks it has to
    be refused. Of several situations in which the body is wrong, the smallest is the counterexample. Inputs that were
    once found to show a mistake are tried again.

    On failure: the body goes back to its writer with the smallest situation; the contract is never weakened.

    Worth: probation, with an example (rung 4) or agreed tests (rung 5). Clean uses promote only on top of it.
    """

    number, name = 8, "contract"

    def climb(self, trial: Trial) -> Evidence:
        """Compare in every situation, then try to use the operator where it does not apply."""
        good = trial.applicable
        if not good:
            return _contract_unfit(self, none_made(trial.candidate.contract))
        broken: list[tuple[Situation, Observation]] = []
        for situation in good:
            seen = trial.observe(situation)
            if not seen.ok:
                broken.append((situation, seen))
            if seen.category in _COSTLY:
                break
        if broken:
            situation, seen = min(broken, key=lambda pair: size_of(pair[0]))
            return wrong(self, trial, situation, seen, trials=len(good), held=len(good) - len(broken))
        bad = refused(trial.candidate.contract, trial.variables, good)
        for condition, situation in bad:
            if refuse(trial.candidate.contract, situation.state, situation.arguments) is None:
                return Evidence(self.number, self.name, False, f"{condition} is not enforced", len(good))
        needs = len(trial.candidate.contract.preconditions)
        detail = (
            f"declared change = observed change in {len(good)} of {len(good)} situations; "
            f"refused where one of {len(bad)} of {needs} preconditions is broken"
        )
        return Evidence(self.number, self.name, True, detail, len(good) + len(bad), level=trial.sandbox.level)


def _unlike(trial: Trial, example: Example, situation: Situation, seen: Observation) -> list[tuple[str, str, str]]:
    """Return (place, expected, got) where the change is not the example's; what it does not name must not change."""
    scope = scope_of(trial.candidate.contract, situation.state, situation.arguments)
    wrong = differences(example.changes(), seen.after, rounding_noise(scope.arguments, scope.reads))
    return wrong + [
        (place_name(*at), "as before", "gone" if value is State.ABSENT else show(value))
        for at, value in example.beyond(seen.after).items()
    ]


def _static(rung: Rung, found: list[Finding], rules: int) -> Evidence:
    detail = "; ".join(shortened(f.explain(), 500) for f in found[:5]) if found else f"{rules} rules hold"
    return Evidence(rung.number, rung.name, not found, detail, data={"rules": [f.rule for f in found]} if found else {})


def none_made(contract: Contract) -> str:
    """Return why a contract that no situation could be made for cannot be tried."""
    if contract.preconditions:
        return "no situation could be made in which the preconditions hold"
    return "no input could be made of the types that it names, at the places that it reads"


def _contract_unfit(rung: Rung, detail: str) -> Evidence:
    return Evidence(rung.number, rung.name, False, detail, data={"category": "precondition"})


def size_of(situation: Situation) -> int:
    """Return how large a situation is, as a person would have to read it."""
    return len(repr(situation.state)) + len(repr(situation.arguments))


def wrong(
    rung: Rung, trial: Trial, situation: Situation, seen: Observation, trials: int, held: int | None = None
) -> Evidence:
    """Return the evidence that a body went wrong in a situation."""
    found = trial.counterexample(situation, seen.problem or "")
    detail = f"{seen.category}: {(seen.problem or 'nothing').splitlines()[0][:300]}"
    return Evidence(
        rung.number, rung.name, False, detail, trials, level=trial.sandbox.level, counterexample=found,
        data={"category": seen.category} | ({} if held is None else {"held": held}),
    )  # fmt: skip


def _result(seen: Observation) -> Any:
    return seen.outcome.value if seen.outcome and not seen.outcome.problem else (seen.category, None)
