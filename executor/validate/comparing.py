"""The rungs that compare a candidate with tests and bodies of other authors. The docstring of a rung is its page.

They are climbed where a panel was bought (see panel). A rung that finds the evidence too thin says so: that is
`undecided`, and not a fault of the body. Where a contract leaves nothing to compute, because its effects name no
output, there is nothing to compare: rung 8 holds the body to all of it.
"""

from collections.abc import Mapping
from typing import Any

from executor.validate.agreement import Answer, Judgement, compared, difference, gives_way
from executor.validate.differ import differences
from executor.validate.evidence import Counterexample, Evidence
from executor.validate.panel import UNTRIED, Panel
from executor.validate.rungs import Rung, Trial, size_of
from executor.validate.situations import Situation
from htn.contract import Contract
from htn.values import show

_MOST_SHOWN = 400


class IndependentTests:
    """Values on which independent writers of tests agree come out as they say.

    Each writer sees the specification and never a body. A value counts when two of them assert it: one writer alone is
    wrong in one test of ten. A body that breaks such a value, or its contract on an input of theirs, is sent back with
    the smallest input that shows it. Where a further writer says what the body says, the value is not held against the
    body, and does not count for it either: then the other samples decide (rung 6).

    On failure: the body goes back to its writer with that input. Without an agreed value it is undecided.

    Worth: probation, with 0 to 3 and 8, where there is no example.
    """

    number, name = 5, "independent tests"

    def climb(self, trial: Trial) -> Evidence:
        """Compare the body's answers with the agreed values."""
        panel = _panel(trial)
        if determined(panel.contract):
            return _nothing_to_compute(self)
        data: dict[str, Any] = {"suites": [suite.to_json() for suite in panel.suites]}
        answers, agreed = panel.of_the_first, panel.agreed
        kept = [each for each in agreed if answers[each.input].same(Answer(each.value))]
        broken = [
            each for each in agreed
            if each not in kept and not gives_way(each, answers[each.input], panel.assertions)
        ]  # fmt: skip
        if broken:
            # An input that was not tried shows nothing, so it comes last.
            worst = min(broken, key=lambda each: (answers[each.input] is UNTRIED, size_of(panel.asserted[each.input])))
            found = _counterexample(trial, panel.asserted[worst.input], answers[worst.input], Answer(worst.value))
            many = f"{len(broken)} of {len(agreed)} values on which {len(worst.writers)} writers agree"
            return self._wrong(trial, f"{many} come out otherwise", found, len(agreed), len(broken), data)
        unkept = [at for at, answer in enumerate(answers) if answer.failure == "contract"]
        if unkept:
            at = min(unkept, key=lambda at: size_of(panel.asserted[at]))
            found = trial.counterexample(panel.asserted[at], _said(answers[at]))
            many = f"on {len(unkept)} of {len(answers)} inputs that writers chose"
            return self._wrong(trial, f"{many} it breaks its contract", found, len(answers), len(unkept), data)
        if not agreed:
            why = f"no two of {len(panel.suites)} writers assert a value for the same input"
            return _undecided(self, why, data)
        if not kept:
            return _undecided(self, "further writers contradict each value on which writers agree", data)
        borne_out = sum(answers[a.input].same(Answer(a.value)) for a in panel.assertions)
        detail = (
            f"{len(kept)} values on which writers agree come out so; of all {len(panel.assertions)} assertions of "
            f"{len(panel.suites)} writers {borne_out} are borne out"
        )
        return Evidence(self.number, self.name, True, detail, len(kept), level=trial.sandbox.level, data=data)

    def _wrong(
        self, trial: Trial, detail: str, found: Counterexample, tried: int, wrong: int, data: dict[str, Any]
    ) -> Evidence:
        return Evidence(
            self.number, self.name, False, detail, tried, level=trial.sandbox.level, counterexample=found,
            data=data | {"held": tried - wrong},
        )  # fmt: skip


class Agreement:
    """Most of the bodies that were written independently behave as this one does, on all inputs of all tests.

    The largest group needs at least half of the samples, two members that differ in text or author, the agreed values,
    and more than one model behind it. Where this body is outside of it another one is in the right, if any is.

    On failure: the body of the majority takes its place; undecided, one more body and suite are bought, up to a limit.

    Worth: trusted, with all others.
    """

    number, name = 6, "agreement"

    def climb(self, trial: Trial) -> Evidence:
        """Group the bodies by what they come to."""
        panel = _panel(trial)
        if determined(panel.contract):
            return _nothing_to_compute(self)
        judged = panel.judgement
        data = {"samples": [body.model for body in panel.bodies], "group": [int(s.name) for s in judged.group]}
        if judged.undecided and judged.rung in (5, 6):
            return _undecided(self, judged.undecided, data, _question(trial, judged))
        if "0" not in {sample.name for sample in judged.group}:
            why = f"{len(judged.group)} of {len(panel.bodies)} samples behave alike, and this body otherwise"
            return Evidence(self.number, self.name, False, why, len(panel.bodies), data=data | {"category": "outvoted"})
        texts = len({sample.text for sample in judged.group})
        detail = (
            f"{len(judged.group)} of {len(panel.bodies)} independent samples, {texts} different texts, behave alike on "
            f"{len(panel.asserted)} inputs"
        )
        return Evidence(self.number, self.name, True, detail, len(panel.asserted), level=trial.sandbox.level, data=data)


class Fuzz:
    """Bodies that pass the same tests answer further inputs alike, too, and keep what the contract ensures.

    The inputs are drawn from the parameters' types and varied from sensible ones, and satisfy the preconditions. Where
    members of the group differ one of them is wrong, and nobody here knows which: the first such input is a
    question for the user. Inputs on which a body ran out of time or memory are not counted.

    On failure: a question to the user, who may answer with an example; until then it stays on probation.

    Worth: trusted, with all others, where at least one input was compared.
    """

    number, name = 7, "fuzz"

    def climb(self, trial: Trial) -> Evidence:
        """Compare the members of the group on fuzzed inputs."""
        panel = _panel(trial)
        if determined(panel.contract):
            return _nothing_to_compute(self)
        judged = panel.judgement
        if judged.undecided:
            return _undecided(self, judged.undecided, {}, _question(trial, judged))
        count = compared(judged.group)
        detail = f"{len(judged.group)} samples answer {count} further inputs alike, and keep the contract"
        return Evidence(self.number, self.name, True, detail, count, level=trial.sandbox.level)


class Generalises:
    """The body is not fitted to the values that it was tried on.

    The texts and numbers that Python bodies name, and numbers beside them, are put into inputs that no test has. A body
    that knows one of them by heart differs there from those that were written without it.

    On failure: a question to the user; until it is answered the operator stays on probation.

    Worth: trusted, with all others, where at least one input was compared.
    """

    number, name = 9, "generalise"

    def climb(self, trial: Trial) -> Evidence:
        """Compare the members of the group on inputs around the constants that they name."""
        panel = _panel(trial)
        if determined(panel.contract):
            return _nothing_to_compute(self)
        if panel.judgement.undecided:
            return _undecided(self, panel.judgement.undecided, {})
        group = panel.group_when_fresh()
        at, why = difference(group)
        if at is not None:
            found = trial.counterexample(panel.fresh[at], why)
            return _undecided(self, f"around a value that a body names, {why}", {}, found)
        count = compared(group)
        detail = f"{count} inputs around the values that the bodies name are answered alike"
        return Evidence(self.number, self.name, True, detail, count, level=trial.sandbox.level)


def determined(contract: Contract) -> bool:
    """Whether the contract says what every effect comes to, so that a body that keeps it has nothing to compute."""
    return not contract.outputs


def _panel(trial: Trial) -> Panel:
    assert trial.panel is not None  # the ladder climbs these rungs only where a panel was bought
    return trial.panel


def _nothing_to_compute(rung: Rung) -> Evidence:
    detail = "the contract leaves nothing to compute; rung 8 holds the body to all of it"
    return Evidence(rung.number, rung.name, True, detail, data={"determined": True})


def _undecided(rung: Rung, why: str, data: Mapping[str, object], question: Counterexample | None = None) -> Evidence:
    return Evidence(rung.number, rung.name, False, why, counterexample=question, data={**data, "category": "undecided"})


def _question(trial: Trial, judged: Judgement) -> Counterexample | None:
    """Return the input that shows why it is undecided, with what the group says of it, as a question to the user."""
    if judged.at is None:
        return None
    fuzzed = judged.rung == Fuzz.number
    situations = _panel(trial).fuzzed if fuzzed else _panel(trial).asserted
    asserted = [each.value for each in judged.agreed if each.input == judged.at and not fuzzed]
    answers: list[Answer] = []
    for sample in judged.group:
        answer = (sample.fuzzed if fuzzed else sample.answers)[judged.at]
        if answer is not None and not any(answer.same(other) for other in answers):
            answers.append(answer)
    got = "; or ".join(map(_said, answers))
    return trial.counterexample(situations[judged.at], got, show(asserted[0], _MOST_SHOWN) if asserted else "")


def _counterexample(trial: Trial, situation: Situation, got: Answer, expected: Answer) -> Counterexample:
    if got.failure or not isinstance(got.value, dict) or not isinstance(expected.value, dict):
        return trial.counterexample(situation, _said(got), _said(expected))
    rows = differences({(n, None): v for n, v in expected.value.items()}, {(n, None): v for n, v in got.value.items()})
    want = "; ".join(f"{place} = {value}" for place, value, _ in rows) or _said(expected)
    have = "; ".join(f"{place} = {value}" for place, _, value in rows) or _said(got)
    return trial.counterexample(situation, have, want)


def _said(answer: Answer) -> str:
    return f"{answer.failure}: {answer.value}"[:_MOST_SHOWN] if answer.failure else show(answer.value, _MOST_SHOWN)
