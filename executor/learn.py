"""Close a gap: ask for a contract, freeze it, ask for a body, climb the ladder, repair, admit.

The way is always the same and each stage is timed:

    contract -> freeze -> body -> ladder --passed--> admit
                           ^         │
                           └─ repair ┘   at most `repairs` times, with one counterexample

A body that fails is repaired with the counterexample; one that repeats an earlier body word for word ends the
work. When the evidence does not suffice the answer is an abstention with the reason: nothing is admitted. The
model's budget is the model's own (see executor.model): when it is used up, `LimitReached` comes through.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from executor.body import shortened
from executor.check import Candidate
from executor.deeds import Event
from executor.generate import Proposer, templates_version
from executor.library import Entry, Library, Provenance, declaration
from executor.model import Model
from executor.sandbox import Sandbox, SandboxLimits
from executor.store import Lease, LeaseLost
from executor.validate import SITUATIONS, Evidence, Situation, Trial, Verdict, applicable, climb, none_made
from htn.contract import Contract
from htn.domain import Domain
from htn.failure import Gap
from htn.network import show_task
from htn.state import State

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class LearnEvent:
    """Something that happened while a gap was being closed.

    `kind` is "start" or "done" for a stage (contract, body, repair, admit), "rung" for a rung of the ladder, and
    "text" for words of the model as they arrive.
    """

    kind: str
    stage: str
    detail: str = ""
    seconds: float = 0.0
    ok: bool = True
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Attempt:
    """A body that was tried, and what the ladder said."""

    candidate: Candidate
    verdict: Verdict


@dataclass(frozen=True)
class Learned:
    """What came of a gap. `version` is None when nothing was admitted; then `reason` says why."""

    gap: Gap
    contract: Contract
    attempts: tuple[Attempt, ...]
    seconds: dict[str, float]
    version: str | None = None
    trust: str | None = None
    reason: str | None = None


@dataclass
class Learner:
    """What it takes to close the gaps of a domain."""

    domain: Domain
    model: Model
    sandbox: Sandbox
    library: Library
    limits: SandboxLimits = field(default_factory=SandboxLimits)
    repairs: int = 2
    instead_of: str | None = None
    """The version that plans use so far and that is to be replaced; any other closes the gap without a model."""
    on_event: Callable[[LearnEvent], None] = lambda event: None
    on_note: Callable[[str], None] = lambda text: None
    clock: Callable[[], float] = time.perf_counter

    def close(self, gap: Gap) -> Learned:
        """Close a gap, or say why it stays open. Nothing is written but the one admission at the end.

        One at a time: where another process or thread is at the same gap, this waits for it and takes what it has
        learned. Where it has learned nothing, or died, this goes on itself.
        """
        if found := self._found(gap, (), {}):
            return found
        name = str(gap.task[0])
        pinned = self.library.pinned(self.domain.name, name)
        if pinned:
            reason = f"{name} is pinned to {pinned[:12]}, so nothing else becomes current: htn library unpin {name}"
            return Learned(gap, Contract(name), (), {}, reason=reason)
        before = self.library.versions(self.domain.name, name)
        waiting = f"another process is closing the gap {name}; waiting for what it learns"
        with self.library.closing(self.domain, name, lambda: self.on_note(waiting)) as lease:
            if found := self._found(gap, (), {}, before if lease.waited else None):
                return found
            return self._learn(gap, lease)

    def _learn(self, gap: Gap, lease: Lease) -> Learned:
        seconds: dict[str, float] = {}
        asked_before = len(self.model.calls)
        proposer = Proposer(self.model, self.domain, lambda text: self.on_event(LearnEvent("text", "model", text)))
        contract = self._timed(
            "contract", seconds, lambda: proposer.contract(gap, lambda c: self._untriable(c, gap)), _frozen
        )
        situations = self._situations(contract, gap)
        candidate = self._timed("body", seconds, lambda: proposer.body(contract), _size)
        attempts: list[Attempt] = []
        while True:
            verdict = self._climb(candidate, situations, seconds)
            attempts.append(Attempt(candidate, verdict))
            if verdict.passed:
                break
            if reason := self._why_stop(attempts):
                return Learned(gap, contract, tuple(attempts), seconds, reason=reason)
            candidate = self._repair(proposer, attempts, seconds)
            if candidate.hash in {a.candidate.hash for a in attempts}:
                reason = f"{_fails(attempts[-1].verdict.failed)}; the repaired body repeats an earlier one"
                return Learned(gap, contract, tuple(attempts), seconds, reason=reason)
        trust = verdict.trust()
        if found := self._found(gap, tuple(attempts), seconds):
            return found
        if trust == "quarantined" and self.library.in_plans(self.domain, contract.name):
            reason = "its body passed, but without an example of yours it is no better than the one in the library"
            return Learned(gap, contract, tuple(attempts), seconds, reason=reason)
        calls = len(self.model.calls) - asked_before
        entry = self._entry(gap, candidate, calls=calls, repairs=len(attempts) - 1, seconds=dict(seconds))
        if self.library.was_demoted(entry.version):
            reason = "its body is one that broke its contract in use before, and was demoted"
            return Learned(gap, contract, tuple(attempts), seconds, reason=reason)
        gathered = [e.to_json() | {"attempt": n} for n, a in enumerate(attempts, 1) for e in a.verdict.evidence]
        version = self._timed(
            "admit", seconds, lambda: self._admit(entry, trust, gathered, lease), lambda v: f"{trust}, {v[:12]}"
        )
        return Learned(gap, contract, tuple(attempts), seconds, version, trust)

    def _admit(self, entry: Entry, trust: str, evidence: Sequence[Mapping[str, Any]], lease: Lease) -> str:
        """Admit an entry. Where the lease has lapsed, because this process was asleep, it is taken anew first.

        What somebody else has learned meanwhile stays, and its version is returned.
        """
        held: Lease | None = lease
        while True:
            with suppress(LeaseLost):
                if held:
                    return self.library.admit(entry, trust, evidence, event=_learning(entry), lease=held)
                with self.library.closing(self.domain, entry.name) as again:
                    found = self.library.in_plans(self.domain, entry.name)
                    if found and found != self.instead_of:
                        return found
                    return self.library.admit(entry, trust, evidence, event=_learning(entry), lease=again)
            held = None

    def _found(
        self, gap: Gap, attempts: tuple[Attempt, ...], seconds: dict[str, float], before: Sequence[str] | None = None
    ) -> Learned | None:
        """Return what another process has learned for this gap, if it has.

        `before` are the versions that there were before this waited: one that is new answers this request, too.
        """
        name = str(gap.task[0])
        version = self.library.in_plans(self.domain, name)
        if version is None and before is not None:
            version = self.library.newest(self.domain, name, besides=before)
        if version is None or version == self.instead_of:
            return None
        self.on_note(f"another process has learned {name}: its entry {version[:12]} is used")
        contract = self.library.entry(version).promise()
        return Learned(gap, contract, attempts, seconds, version, self.library.trust(version))

    def _situations(self, contract: Contract, gap: Gap) -> list[Situation]:
        examples = self.domain.examples_of(contract.name)
        seeds = [Situation(State(e.given), e.arguments) for e in examples]
        seeds.append(Situation(gap.state, gap.task[1:]))
        return applicable(contract, self.domain.variables, seeds, count=SITUATIONS)

    def _untriable(self, contract: Contract, gap: Gap) -> list[str]:
        return [] if self._situations(contract, gap) else [none_made(contract)]

    def _climb(self, candidate: Candidate, situations: list[Situation], seconds: dict[str, float]) -> Verdict:
        trial = Trial(
            candidate,
            self.sandbox,
            variables=self.domain.variables,
            examples=self.domain.examples_of(candidate.contract.name),
            made=tuple(situations),
            limits=self.limits,
        )
        started = self.clock()
        verdict = climb(
            trial, on_evidence=lambda e: self.on_event(LearnEvent("rung", e.name, e.detail, e.seconds, e.passed, e))
        )
        seconds["ladder"] = seconds.get("ladder", 0.0) + self.clock() - started
        return verdict

    def _why_stop(self, attempts: list[Attempt]) -> str | None:
        failed = attempts[-1].verdict.failed
        assert failed is not None  # only asked after a failed climb
        if not failed.mendable:
            return f"its contract cannot be tried: {failed.detail}"
        if len(attempts) > self.repairs:
            count = len(attempts) - 1
            return f"{_fails(failed)}, after {count} repair{'' if count == 1 else 's'}"
        return None

    def _repair(self, proposer: Proposer, attempts: list[Attempt], seconds: dict[str, float]) -> Candidate:
        failed = attempts[-1].verdict.failed
        assert failed is not None  # only called after a failed climb
        problem = "\n".join([shortened(failed.detail, 2_000), str(failed.counterexample or "")]).strip()
        diagnoses = [f"{n}. {_diagnosis(a.verdict)}" for n, a in enumerate(attempts, 1)]
        return self._timed(
            "repair",
            seconds,
            lambda: proposer.repaired(attempts[-1].candidate, failed.name, problem, diagnoses),
            _size,
        )

    def _timed(
        self, stage: str, seconds: dict[str, float], work: Callable[[], _Result], say: Callable[[_Result], str]
    ) -> _Result:
        self.on_event(LearnEvent("start", stage))
        started = self.clock()
        result = work()
        took = self.clock() - started
        seconds[stage] = seconds.get(stage, 0.0) + took
        self.on_event(LearnEvent("done", stage, say(result), took))
        return result

    def _entry(self, gap: Gap, candidate: Candidate, *, calls: int, repairs: int, seconds: dict[str, float]) -> Entry:
        name = candidate.contract.name
        return Entry(
            domain=self.domain.name,
            name=name,
            contract=candidate.contract.to_json(),
            code=candidate.code,
            language=candidate.language,
            declared=declaration(self.domain, name),
            examples=[example.to_json() for example in self.domain.examples_of(name)],
            provenance=Provenance(
                task=show_task(gap.task),
                model=self.model.name,
                prompts=templates_version(),
                calls=calls,
                repairs=repairs,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                seconds={stage: round(value, 4) for stage, value in seconds.items()},
            ),
        )


def _learning(entry: Entry) -> Event:
    return Event(kind="admitted", version=entry.version, who=entry.provenance.model, why=entry.provenance.task)


def _fails(failed: Evidence | None) -> str:
    assert failed is not None  # only asked after a failed climb
    return f"its body fails at rung {failed.rung}, {failed.name}: {shortened(failed.detail, 500)}"


def _diagnosis(verdict: Verdict) -> str:
    failed = verdict.failed
    return f"failed at {failed.name}: {failed.detail[:200]}" if failed else "passed"


def _frozen(contract: Contract) -> str:
    return f"{contract.signature}, frozen as {contract.hash[:12]}"


def _size(candidate: Candidate) -> str:
    lines = candidate.code.count("\n") + 1
    return f"{lines} line{'' if lines == 1 else 's'} of {candidate.language}"
