"""Try bodies for one frozen contract: climb what a body can be asked alone, repair what fails, keep the history.

What is wrong with a body becomes a lesson for later prompts and, where it was wrong in a situation, a test for every
later candidate of the same name.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from executor.check import Candidate
from executor.focus import Focus
from executor.generate import Proposer
from executor.history import Attempt, History, stops
from executor.inputs import inputs_of
from executor.lessons import Lessons, cause_of
from executor.library import Library
from executor.sandbox import Sandbox, SandboxLimits
from executor.told import shortened
from executor.validate import ALONE, SITUATIONS, Evidence, Panel, Rung, Situation, Trial, Verdict, applicable, climb
from htn.contract import Contract, refuse
from htn.domain import Domain
from htn.errors import HtnError, ServiceMissing
from htn.failure import Gap
from htn.state import State

_Result = TypeVar("_Result")
_MOST_TOLD = 2_000


@dataclass(frozen=True)
class LearnEvent:
    """Something that happened while a gap was being closed.

    `kind` is "start" or "done" for a stage (contract, body, tests, samples, repair, admit), "rung" for a rung of the
    ladder, and "text" for words of the model as they arrive.
    """

    kind: str
    stage: str
    detail: str = ""
    seconds: float = 0.0
    ok: bool = True
    evidence: Evidence | None = None


@dataclass
class Tryout:
    """What it takes to try bodies for a contract; `history` and `seconds` grow as they are tried."""

    domain: Domain
    contract: Contract
    sandbox: Sandbox
    library: Library
    situations: tuple[Situation, ...]
    limits: SandboxLimits = field(default_factory=SandboxLimits)
    repairs: int = 2
    alone: Sequence[Rung] = ALONE
    lessons: Lessons | None = None
    on_event: Callable[[LearnEvent], None] = lambda event: None
    on_note: Callable[[str], None] = lambda text: None
    clock: Callable[[], float] = time.perf_counter
    history: History = field(default_factory=History)
    seconds: dict[str, float] = field(default_factory=dict)
    lessons_due: list[tuple[str, str, str, str]] = field(default_factory=list)

    def mended(self, proposer: Proposer, candidate: Candidate, sample: int = 0, repair: int = 0) -> tuple[Attempt, str]:
        """Try a body, and repair it as long as that helps; return the last attempt and why it went no further.

        The reason is "" for one that passed.
        """
        while True:
            attempt = self.attempt(candidate, sample, repair)
            if attempt.verdict.passed:
                return attempt, ""
            if why := stops(self.history, repairs=self.repairs):
                return attempt, self._reason(attempt, why)
            candidate, repair = self.repaired(proposer, attempt, attempt.verdict.failed), repair + 1
            if (earlier := self.history.repeated(candidate)) is not None:
                return attempt, self._reason(attempt, f"the repaired body repeats that of attempt {earlier}")

    def attempt(self, candidate: Candidate, sample: int, repair: int) -> Attempt:
        """Climb what a body can be asked alone, and keep what came of it."""
        started = self.clock()
        verdict = self.climb(self.trial(candidate), self.alone)
        attempt = Attempt(candidate, verdict, sample, repair, self.clock() - started, calls=1)
        self.history = self.history.with_attempt(attempt)
        if verdict.failed:
            self.learn_from(candidate, verdict.failed)
        return attempt

    def repaired(self, proposer: Proposer, attempt: Attempt, failed: Evidence | None, note: str = "") -> Candidate:
        """Ask for a better body, with one counterexample, or with a person's `note`."""
        check = failed.name if failed else "a person's review"
        told = [shortened(failed.detail, _MOST_TOLD), str(failed.counterexample or "")] if failed else []
        problem = "\n".join([*told, note]).strip()
        return self.timed(
            "repair",
            lambda: proposer.repaired(
                attempt.candidate, check, problem, self.history.one_lines(),
                sample=attempt.sample, focus=Focus.FIX_ERRORS.request,
            ),
            size_of_body,
        )  # fmt: skip

    def trial(self, candidate: Candidate, panel: Panel | None = None) -> Trial:
        """Return a candidate with what it is tried on."""
        return Trial(
            candidate,
            self.sandbox,
            variables=self.domain.variables,
            examples=self.domain.examples_of(self.contract.name),
            made=self.situations,
            limits=self.limits,
            panel=panel,
        )

    def climb(self, trial: Trial, ladder: Sequence[Rung]) -> Verdict:
        """Climb rungs, and tell what each found."""
        started = self.clock()
        verdict = climb(
            trial,
            ladder=ladder,
            on_evidence=lambda e: self.on_event(LearnEvent("rung", e.name, e.detail, e.seconds, e.passed, e)),
        )
        self.seconds["ladder"] = self.seconds.get("ladder", 0.0) + self.clock() - started
        return verdict

    def timed(self, stage: str, work: Callable[[], _Result], say: Callable[[_Result], str]) -> _Result:
        """Do the work of a stage, and tell when it starts and what came of it."""
        self.on_event(LearnEvent("start", stage))
        started = self.clock()
        result = work()
        took = self.clock() - started
        self.seconds[stage] = self.seconds.get(stage, 0.0) + took
        self.on_event(LearnEvent("done", stage, say(result), took))
        return result

    def learn_from(self, candidate: Candidate, failed: Evidence) -> None:
        """Keep what was wrong with a body, as a lesson and as a test; where the store does not answer, say so."""
        try:
            self._learn_from(candidate, failed)
        except ServiceMissing as error:
            self.on_note(f"what was wrong with the body is not kept for later: {error.message}")

    def teach(self) -> None:
        """Keep what went wrong as lessons for later prompts, once the work has come to an end.

        Not before: they change the prompts, and work that was stopped midway goes on with the answers that it had.
        """
        due, self.lessons_due = self.lessons_due, []
        if self.lessons is None:
            return
        words = "\n".join(self.contract.lines())
        try:
            for language, category, cause, advice in due:
                self.lessons.note(self.domain.name, language, category, cause, advice, contract_text=words)
        except ServiceMissing as error:
            self.on_note(f"what went wrong is not kept for later prompts: {error.message}")

    def _reason(self, attempt: Attempt, why: str) -> str:
        failed = attempt.verdict.failed
        assert failed is not None  # only asked after a failed climb
        if not failed.mendable:
            return f"its contract cannot be tried: {failed.detail}"
        return f"its body fails at rung {failed.rung}, {failed.name}: {shortened(failed.detail, 500)}; {why}"

    def _learn_from(self, candidate: Candidate, failed: Evidence) -> None:
        """Remember what was wrong with a body, and keep the input that shows it for later candidates."""
        name = self.contract.name
        if failed.mendable:
            self.lessons_due.append((candidate.language, *cause_of(failed, candidate.language)))
        found = failed.counterexample
        if found is None or found.state is None:
            return
        inputs = inputs_of(self.contract, found.state, found.arguments)
        if inputs is not None:
            self.library.keep_counterexample(
                self.domain.name, name, inputs, failed.detail[:500], f"rung {failed.rung}, {failed.name}"
            )


def situations_for(domain: Domain, library: Library, contract: Contract, gap: Gap) -> list[Situation]:
    """Return the situations in which bodies for a contract are tried alone.

    They are made from the user's examples and the situation of the gap; those in which earlier bodies of this name were
    wrong are among them. None for a contract that has no effects, which is not known yet.
    """
    if not contract.effects:
        return []
    seeds = [Situation(State(e.given), e.arguments) for e in domain.examples_of(contract.name)]
    seeds.append(Situation(gap.state, gap.task[1:]))
    made = applicable(contract, domain.variables, seeds, count=SITUATIONS)
    return [*made, *(s for s in _regressions(domain, library, contract) if _applies(contract, s))]


def _regressions(domain: Domain, library: Library, contract: Contract) -> list[Situation]:
    """Return the situations in which earlier bodies of this name were wrong, as far as they can be read."""
    try:
        kept = library.counterexamples(domain.name, contract.name)
    except HtnError:
        return []
    fitting = [each for each in kept if len(each.arguments) == len(contract.parameters)]
    return [Situation(each.state, each.arguments) for each in fitting]


def _applies(contract: Contract, situation: Situation) -> bool:
    try:
        return refuse(contract, situation.state, situation.arguments) is None
    except HtnError:
        return False


def size_of_body(candidate: Candidate) -> str:
    """Return how large a body is, in words."""
    lines = candidate.code.count("\n") + 1
    return f"{lines} line{'' if lines == 1 else 's'} of {candidate.language}"
