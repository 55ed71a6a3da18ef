"""Buy the evidence that a body alone cannot give: bodies and tests of other authors, a step at a time.

    one body that passed alone
      └─ tests: two suites                     enough for probation where the user gave no example (rung 5)
      └─ samples and suites, as many as set    rungs 5, 6, 7 and 9: trusted
           ├─ breaks an agreed test            repaired with the smallest input that shows it
           ├─ outvoted                         the body of the majority takes its place
           ├─ undecided                        one more sample and suite, up to a limit
           └─ still undecided                  an abstention: it keeps the trust it has, and the user gets a question

With several models samples and suites go to them in turn; the first suite is not by the author of the first body. When
the calls are used up, what was bought counts.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from executor.asserted import record
from executor.check import Candidate
from executor.generate import Proposer
from executor.history import Attempt
from executor.tryout import Tryout
from executor.validate import (
    COMPARED,
    FUZZED,
    Body,
    Evidence,
    Panel,
    Rung,
    Suite,
    Thresholds,
    Verdict,
    determined,
    users_suite,
)
from htn.contract import Contract
from htn.errors import HtnError, LimitReached

_Result = TypeVar("_Result")
TESTS_FOR_PROBATION = 2


@dataclass(frozen=True)
class Depth:
    """How much evidence is bought. `level` is the trust that is wanted: probation, or trusted.

    `samples` and `suites` are how many bodies and suites there are to be, `most_samples` how many of each where they
    do not decide; `fuzz` is the number of further inputs, `parallel` how many questions are put at once.
    """

    level: str = "probation"
    samples: int = 3
    suites: int = 3
    most_samples: int = 5
    fuzz: int = FUZZED
    parallel: int = 2
    thresholds: Thresholds = field(default_factory=Thresholds)
    compared: Sequence[Rung] = COMPARED


@dataclass(frozen=True)
class Deepened:
    """The body that the evidence is for, all of it, and, where it did not suffice, a question to the user."""

    attempt: Attempt
    verdict: Verdict
    question: str = ""


@dataclass
class Deepening:
    """The bodies and suites that are bought for one contract."""

    tryout: Tryout
    proposers: Sequence[Proposer]
    depth: Depth
    on_note: Callable[[str], None] = lambda text: None
    suites: list[Suite] = field(default_factory=list)
    attempts: list[tuple[Attempt, Proposer]] = field(default_factory=list)
    asked: int = 1
    tests_asked: int = 0
    spent: str = ""

    def tested(self, first: Attempt) -> Deepened:
        """Buy tests alone: what makes a body without an example of the user's good for plans."""
        self.attempts = [(first, self.proposers[0])]
        if determined(self.tryout.contract):
            return Deepened(first, first.verdict)
        self._buy(0, min(TESTS_FOR_PROBATION, self.depth.suites))
        return self._decide([rung for rung in self.depth.compared if rung.number == 5])

    def trusted(self, first: Attempt) -> Deepened:
        """Buy bodies and tests until they decide, or there are as many as there may be."""
        self.attempts = [(first, self.proposers[0])]
        if determined(self.tryout.contract):
            return self._decide(self.depth.compared)
        self._buy(self.depth.samples - 1, self.depth.suites - len(self.suites))
        while True:
            found = self._decide(self.depth.compared)
            if not found.verdict.undecided or self.spent or self.asked >= self.depth.most_samples:
                return found
            self._buy(1, 1)

    def _decide(self, ladder: Sequence[Rung]) -> Deepened:
        """Climb with what there is; another body takes the place of one that is wrong or outvoted."""
        turned: set[str] = set()
        while True:
            attempt, proposer = self.attempts[0]
            turned.add(attempt.candidate.hash)
            verdict = self.tryout.climb(self.tryout.trial(attempt.candidate, self._panel()), ladder)
            climbed = {rung.number for rung in ladder}
            before = (e for e in attempt.verdict.evidence if e.rung not in climbed)  # climbed with fewer tests
            asserted = record(self.tryout.contract, self.suites)
            bought = (replace(e, data={**e.data, **asserted}) if e.rung == 5 else e for e in verdict.evidence)
            whole = Verdict((*before, *bought))
            if verdict.failed:
                self.tryout.learn_from(attempt.candidate, verdict.failed)
                better = self._mended(attempt, proposer, verdict.failed)
                self.attempts = [*([better] if better else []), *self.attempts[1:]]
                if not self.attempts:
                    return Deepened(replace(attempt, verdict=whole), whole)
                continue
            undecided = verdict.undecided
            if undecided is None or not self._turn(undecided, turned):
                question = _question(undecided) if undecided else ""
                return Deepened(replace(attempt, verdict=whole), whole, question)

    def _turn(self, undecided: Evidence, turned: set[str]) -> bool:
        """Put the body of the majority in front, where this one was outvoted; return whether there is one."""
        if undecided.data.get("category") != "outvoted":
            return False
        group: Sequence[int] = undecided.data.get("group", [])
        members = sorted((self.attempts[at] for at in group), key=lambda pair: pair[0].repair)
        fresh = [pair for pair in members if pair[0].candidate.hash not in turned]
        if not fresh:
            return False
        self.attempts = [fresh[0], *(pair for pair in self.attempts if pair is not fresh[0])]
        return True

    def _mended(self, attempt: Attempt, proposer: Proposer, failed: Evidence) -> tuple[Attempt, Proposer] | None:
        """Return a repaired body that passes alone, or None where its repairs are used up or do not help."""
        if attempt.repair >= self.tryout.repairs or not failed.mendable:
            return None
        try:
            candidate = self.tryout.repaired(proposer, attempt, failed)
            if self.tryout.history.repeated(candidate) is not None:
                return None
            better, why = self.tryout.mended(proposer, candidate, attempt.sample, attempt.repair + 1)
        except LimitReached as error:
            self.spent = error.message
            return None
        return None if why else (better, proposer)

    def _panel(self) -> Panel:
        tryout = self.tryout
        examples = tryout.domain.examples_of(tryout.contract.name)
        user = [users_suite(tryout.contract, examples)] if examples else []
        return Panel(
            tryout.contract,
            tuple(Body(a.candidate, a.candidate.author or p.model.name, a.repair) for a, p in self.attempts),
            (*user, *self.suites),
            lambda candidate, situation: tryout.trial(candidate).observe(situation),
            variables=tryout.domain.variables,
            known=tryout.situations,
            fuzz=self.depth.fuzz,
            thresholds=self.depth.thresholds,
        )

    def _buy(self, samples: int, suites: int) -> None:
        """Ask for bodies and suites at once; bodies that pass alone join the others."""
        contract, language = self.tryout.contract, self.attempts[0][0].candidate.language
        writers = [self._turn_of(self.tests_asked + n + 1) for n in range(suites)]
        wanted = [partial(p.suite, contract, sample=self.tests_asked + n) for n, p in enumerate(writers)]
        self.tests_asked += len(wanted)
        if wanted:
            bought: list[Suite] = self.tryout.timed("tests", lambda: self._all(wanted), _told_suites)
            self.suites += bought
        numbers = range(self.asked, self.asked + max(0, samples))
        authors = [(n, self._turn_of(n)) for n in numbers]
        self.asked += len(authors)
        bodies = [partial(_numbered, p, contract, n, language) for n, p in authors]
        written = self.tryout.timed("samples", lambda: self._all(bodies), _told_bodies) if bodies else []
        for number, proposer, candidate in written:
            try:
                attempt, why = self.tryout.mended(proposer, candidate, number)
            except LimitReached as error:
                self.spent = error.message
                continue
            if not why:
                self.attempts.append((attempt, proposer))

    def _turn_of(self, number: int) -> Proposer:
        return self.proposers[number % len(self.proposers)]

    def _all(self, questions: Sequence[Callable[[], _Result]]) -> list[_Result]:
        """Put questions, several at once; what cannot be had is said, and is missing from the answer."""
        found: list[_Result] = []
        with ThreadPoolExecutor(max(1, self.depth.parallel), thread_name_prefix="ask") as pool:
            for future in [pool.submit(question) for question in questions]:
                try:
                    found.append(future.result())
                except LimitReached as error:
                    self.spent = error.message
                except HtnError as error:
                    self.spent = error.message
                    self.on_note(f"less evidence was bought: {error.message}")
        return found


def _numbered(proposer: Proposer, contract: Contract, number: int, language: str) -> tuple[int, Proposer, Candidate]:
    return number, proposer, proposer.body(contract, sample=number, language=language)


def _told_suites(suites: Sequence[Suite]) -> str:
    return f"{len(suites)} suites, {sum(len(suite.tests) for suite in suites)} tests"


def _told_bodies(bodies: Sequence[object]) -> str:
    return f"{len(bodies)} further bodies"


def _question(undecided: Evidence) -> str:
    """Return what the user could say to decide it."""
    if undecided.counterexample is None:
        return f"{undecided.detail}; an example of yours would decide it"
    return f"{undecided.detail}: what is right here? Give it as an example.\n{undecided.counterexample}"
