"""Close a gap: ask for a contract, freeze it, buy a body and the evidence that it is right, admit.

The way is always the same and each stage is timed:

    contract -> freeze -> body -> ladder alone -> tests, samples -> ladder compared -> a person -> admit
                           ^          │                                  │                │
                           └─ repair ─┴──────────────────────────────────┴────────────────┘

A body that fails is repaired with one counterexample as long as that helps (see history). When the evidence does not
suffice the answer is an abstention with the reason and, where there is one, a question. A repair lowers trust: what
passed only after a repair is on probation at most. The model's budget is the model's own (see executor.model): when
it is used up before there is a body that passes, `LimitReached` comes through; later, what was bought counts.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from executor.deeds import Event
from executor.deepen import Deepened, Deepening, Depth
from executor.entry import TRUST, Entry, Provenance, declaration
from executor.finished import Finished, Keeper, capped, kept_if_lost, learning, merged, records_of
from executor.generate import NO_HINTS, Hints, Proposer, templates_version
from executor.history import Attempt, History
from executor.lessons import Lessons
from executor.library import Library
from executor.model import Model
from executor.proposals import Proposals
from executor.review import (
    Admit,
    Again,
    Reject,
    Review,
    Reviewer,
    approval,
    level_of,
    needs_approval,
    problem_of,
)
from executor.sandbox import Sandbox, SandboxLimits, pins_of
from executor.store import Lease, LeaseLost
from executor.tryout import LearnEvent, Tryout, situations_for, size_of_body
from executor.validate import ALONE, Rung, none_made
from htn.contract import Contract
from htn.domain import Domain
from htn.failure import Gap
from htn.network import show_task

__all__ = ["Attempt", "LearnEvent", "Learned", "Learner"]


@dataclass(frozen=True)
class Learned:
    """What came of a gap. `version` is None when nothing was admitted; then `reason` says why.

    `question` is what the user could answer to bring more trust.
    """

    gap: Gap
    contract: Contract
    history: History
    seconds: Mapping[str, float]
    version: str | None = None
    trust: str | None = None
    reason: str | None = None
    question: str = ""

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The bodies that were tried, and what the ladder said of each."""
        return self.history.attempts


@dataclass(frozen=True)
class _WantedAgain:
    """A proposal of which a person wants another body, and their note."""

    entry: Entry
    decision: Again


@dataclass
class Learner:
    """What it takes to close the gaps of a domain."""

    domain: Domain
    model: Model
    sandbox: Sandbox
    library: Library
    limits: SandboxLimits = field(default_factory=SandboxLimits)
    repairs: int = 2
    depth: Depth = field(default_factory=Depth)
    more_models: Sequence[Model] = ()
    """Further models: bodies and tests are asked of all of them in turn."""
    language: str = "python"
    alone: Sequence[Rung] = ALONE
    instead_of: str | None = None
    """The version that plans use so far and that is to be replaced; any other closes the gap without a model."""
    hints: Callable[[Gap], Hints] = lambda gap: NO_HINTS
    lessons: Lessons | None = None
    proposals: Proposals | None = None
    reviewer: Reviewer | None = None
    """Who is asked before anything is admitted; None where nobody is."""
    on_lost: Keeper | None = None
    """Keeps what passed where the store does not answer when it is to be admitted."""
    on_event: Callable[[LearnEvent], None] = lambda event: None
    on_note: Callable[[str], None] = lambda text: None
    clock: Callable[[], float] = time.perf_counter

    def close(self, gap: Gap) -> Learned:
        """Close a gap, or say why it stays open. Nothing is written but the one admission at the end.

        One at a time: where another process or thread is at the same gap, this waits for it and takes what it has
        learned. Where it has learned nothing, or died, this goes on itself. ApprovalNeeded where a person has to
        agree and nobody could be asked.
        """
        if found := self._found(gap):
            return found
        name = str(gap.task[0])
        if pinned := self._pinned(gap, name):
            return pinned
        waiting = self._waiting(gap, name)
        if isinstance(waiting, Learned):
            return waiting
        before = self.library.versions(self.domain.name, name)
        waits = f"another process is closing the gap {name}; waiting for what it learns"
        with self.library.closing(self.domain, name, lambda: self.on_note(waits)) as lease:
            if found := self._found(gap, before=before if lease.waited else None):
                return found
            return self._learn(gap, lease, waiting)

    def deepen(self, gap: Gap, version: str) -> Learned:
        """Buy the evidence that makes an entry trusted: bodies and tests of other authors for its contract.

        Where most of them behave otherwise, theirs takes its place. Its own body is tried again first.
        """
        entry = self.library.entry(version)
        name = entry.name
        if pinned := self._pinned(gap, name):
            return pinned
        with self.library.closing(self.domain, name) as lease:
            proposers = self._proposers(gap)
            asked = sum(len(model.calls) for model in self._models())
            tryout = self._tryout(entry.promise(), gap)
            first = tryout.attempt(entry.candidate(), 0, 0)
            if not first.verdict.passed:
                return self._none(gap, tryout, f"the body of {version[:12]} does not pass any more")
            first = replace(first, repair=entry.provenance.repairs)
            deepened = Deepening(tryout, proposers, replace(self.depth, level="trusted"), self.on_note).trusted(first)
            learned = self._settle(gap, tryout, proposers[0], deepened, lease, asked, kept=entry)
        if learned.version not in (None, version):
            detail = f"most bodies of other authors behave as {str(learned.version)[:12]} does, which took its place"
            self.library.note(version, {"rung": 6, "name": "agreement", "passed": False, "detail": detail})
        return learned

    def _learn(self, gap: Gap, lease: Lease, again: _WantedAgain | None) -> Learned:
        proposers = self._proposers(gap)
        asked = sum(len(model.calls) for model in self._models())
        tryout = self._tryout(Contract(str(gap.task[0])), gap)
        contract = again.entry.promise() if again else tryout.timed(
            "contract", lambda: proposers[0].contract(gap, lambda c: self._untriable(c, gap)), _frozen
        )  # fmt: skip
        seconds = tryout.seconds
        tryout = self._tryout(contract, gap)
        tryout.seconds = seconds
        if again:
            before = tryout.attempt(again.entry.candidate(), 0, 0)
            candidate = tryout.repaired(proposers[0], before, before.verdict.failed, problem_of(again.decision))
        else:
            candidate = tryout.timed("body", lambda: proposers[0].body(contract, language=self.language), size_of_body)
        first, why = tryout.mended(proposers[0], candidate, repair=1 if again else 0)
        if why:
            return self._none(gap, tryout, why)
        return self._settle(gap, tryout, proposers[0], self._deepened(tryout, proposers, first), lease, asked)

    def _deepened(self, tryout: Tryout, proposers: Sequence[Proposer], first: Attempt) -> Deepened:
        """Buy as much evidence as is wanted beyond a body that passed alone."""
        deepening = Deepening(tryout, proposers, self.depth, self.on_note)
        found = Deepened(first, first.verdict)
        if first.verdict.trust() == "quarantined" and self.depth.suites:
            found = deepening.tested(first)
        if self.depth.level == "trusted" and found.verdict.passed:
            found = deepening.trusted(found.attempt)
        return found

    def _settle(
        self,
        gap: Gap,
        tryout: Tryout,
        proposer: Proposer,
        deepened: Deepened,
        lease: Lease,
        asked: int,
        kept: Entry | None = None,
    ) -> Learned:
        """Admit what the evidence is good for, where nothing stands against it and a person, if asked, agrees.

        Where the store is gone meanwhile, what passed goes to `on_lost`, and ServiceMissing says where it is.
        """
        while True:
            attempt, verdict = deepened.attempt, deepened.verdict
            if verdict.failed:
                return self._none(gap, tryout, f"its body fails at rung {verdict.failed.rung}: {verdict.failed.detail}")
            calls = sum(len(model.calls) for model in self._models()) - asked
            entry = self._entry(gap, attempt, tryout, calls)
            if kept and kept.code == entry.code:
                entry = kept
            records = records_of(tryout.history, attempt, deepened)
            found = Finished(entry, capped(verdict.trust(), attempt), records)
            with kept_if_lost(found, self.on_lost):
                decided = self._decided(gap, tryout, deepened, found, lease, kept)
            if isinstance(decided, Learned):
                return decided
            candidate = tryout.repaired(proposer, attempt, None, problem_of(decided))
            again, why = tryout.mended(proposer, candidate, attempt.sample, attempt.repair + 1)
            if why:
                return self._none(gap, tryout, why)
            deepened = self._deepened(tryout, [proposer], again)

    def _decided(
        self, gap: Gap, tryout: Tryout, deepened: Deepened, found: Finished, lease: Lease, kept: Entry | None
    ) -> Learned | Again:
        """Admit what passed, or say why not; or return the note with which a person wants another body."""
        if kept is None and (others := self._found(gap, tryout=tryout)):
            return others
        entry, question = found.entry, deepened.question
        if why := self._unwanted(entry, found.trust, tryout):
            return self._none(gap, tryout, why, question)
        if self.reviewer is None or entry is kept:
            return self._admitted(gap, tryout, merged(found, deepened.attempt, tryout), lease, question)
        current = self.library.in_plans(self.domain, entry.name)
        previous = self.library.entry(current) if current else None
        decision = self.reviewer(Review(entry, found.trust, tuple(found.records), previous, tryout.history))
        if isinstance(decision, Admit):
            event, record = approval(decision, entry)
            agreed = Finished(entry, level_of(decision, found.trust), [*found.records, record])
            with kept_if_lost(agreed, self.on_lost):
                return self._admitted(gap, tryout, agreed, lease, question, event)
        if isinstance(decision, Reject):
            if self.proposals:
                self.proposals.refuse(entry, decision)
            return self._none(gap, tryout, f"it was rejected: {decision.reason}")
        if isinstance(decision, Again):
            return decision
        version = self.proposals.keep(entry, found.records, found.trust) if self.proposals else entry.version
        tryout.teach()
        raise needs_approval(show_task(gap.task), version, decision.reason)

    def _unwanted(self, entry: Entry, trust: str, tryout: Tryout) -> str:
        """Return why an entry is not admitted although its body passed, or nothing."""
        if trust == "quarantined" and self.library.in_plans(self.domain, entry.name):
            return "its body passed, but without an example of yours it is no better than the one in the library"
        if self.library.was_demoted(entry.version):
            return "its body is one that broke its contract in use before, and was demoted"
        if self.library.fate(entry.version):
            return "its body is one that a person has retired"
        rejected = self.proposals.rejected(entry.version) if self.proposals else None
        return f"its body is one that was rejected before: {rejected}" if rejected else ""

    def _admitted(
        self, gap: Gap, tryout: Tryout, found: Finished, lease: Lease, question: str, event: Event | None = None
    ) -> Learned:
        entry = found.entry
        version = tryout.timed(
            "admit",
            lambda: self._admit(entry, found.trust, found.records, lease, event or learning(entry)),
            lambda v: f"{found.trust}, {v[:12]}",
        )
        tryout.teach()
        held = self.library.trust(version)
        level = max(found.trust, held, key=TRUST.index) if held in TRUST else found.trust
        return Learned(gap, tryout.contract, tryout.history, tryout.seconds, version, level, question=question)

    def _admit(
        self, entry: Entry, trust: str, evidence: Sequence[Mapping[str, Any]], lease: Lease, event: Event
    ) -> str:
        """Admit an entry. Where the lease has lapsed, because this process was asleep, it is taken anew first.

        What somebody else has learned meanwhile stays, and its version is returned.
        """
        held: Lease | None = lease
        while True:
            with suppress(LeaseLost):
                if held:
                    return self.library.admit(entry, trust, evidence, event=event, lease=held)
                with self.library.closing(self.domain, entry.name) as again:
                    found = self.library.in_plans(self.domain, entry.name)
                    if found and found != self.instead_of:
                        return found
                    return self.library.admit(entry, trust, evidence, event=event, lease=again)
            held = None

    def _found(self, gap: Gap, tryout: Tryout | None = None, before: Sequence[str] | None = None) -> Learned | None:
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
        history, seconds = (tryout.history, tryout.seconds) if tryout else (History(), {})
        return Learned(gap, contract, history, seconds, version, self.library.trust(version))

    def _pinned(self, gap: Gap, name: str) -> Learned | None:
        pinned = self.library.pinned(self.domain.name, name)
        if not pinned:
            return None
        reason = f"{name} is pinned to {pinned[:12]}, so nothing else becomes current: htn library unpin {name}"
        return Learned(gap, Contract(name), History(), {}, reason=reason)

    def _waiting(self, gap: Gap, name: str) -> Learned | _WantedAgain | None:
        """Have a proposal that waits already reviewed, so that no model is asked for it anew but with a person's note.

        The proposal waits on while another body is asked for.
        """
        if self.reviewer is None or self.proposals is None or self.instead_of:
            return None
        review = self.proposals.waiting_for(self.domain, name)
        if review is None:
            return None
        decision, version = self.reviewer(review), review.entry.version
        nothing = Learned(gap, review.entry.promise(), History(), {})
        if isinstance(decision, Admit):
            admitted = self.proposals.admit(version, decision)
            return replace(nothing, version=admitted, trust=self.library.trust(admitted))
        if isinstance(decision, Again):
            return _WantedAgain(review.entry, decision)
        if isinstance(decision, Reject):
            self.proposals.reject(version, decision)
            return replace(nothing, reason=f"it was rejected: {decision.reason}")
        raise needs_approval(show_task(gap.task), version, decision.reason)

    def _none(self, gap: Gap, tryout: Tryout, reason: str, question: str = "") -> Learned:
        tryout.teach()
        return Learned(gap, tryout.contract, tryout.history, tryout.seconds, reason=reason, question=question)

    def _models(self) -> tuple[Model, ...]:
        return (self.model, *self.more_models)

    def _proposers(self, gap: Gap) -> list[Proposer]:
        hints = self.hints(gap)
        told = [lambda text: self.on_event(LearnEvent("text", "model", text)), *[None] * len(self.more_models)]
        return [Proposer(model, self.domain, tell, hints) for model, tell in zip(self._models(), told, strict=True)]

    def _tryout(self, contract: Contract, gap: Gap) -> Tryout:
        situations = tuple(situations_for(self.domain, self.library, contract, gap))
        return Tryout(
            self.domain, contract, self.sandbox, self.library, situations,
            limits=self.limits, repairs=self.repairs, lessons=self.lessons, on_event=self.on_event,
            on_note=self.on_note, clock=self.clock, alone=self.alone,
        )  # fmt: skip

    def _untriable(self, contract: Contract, gap: Gap) -> list[str]:
        return [] if situations_for(self.domain, self.library, contract, gap) else [none_made(contract)]

    def _entry(self, gap: Gap, attempt: Attempt, tryout: Tryout, calls: int) -> Entry:
        candidate, name = attempt.candidate, attempt.candidate.contract.name
        program = tryout.trial(candidate).program
        return Entry(
            domain=self.domain.name,
            name=name,
            contract=candidate.contract.to_json(),
            code=candidate.code,
            language=candidate.language,
            declared=declaration(self.domain, name),
            examples=[example.to_json() for example in self.domain.examples_of(name)],
            packages=candidate.packages,
            lock=pins_of(self.sandbox, program),
            provenance=Provenance(
                task=show_task(gap.task),
                model=candidate.author or self._models()[attempt.sample % len(self._models())].name,
                prompts=templates_version(),
                calls=calls,
                repairs=attempt.repair,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                seconds={stage: round(value, 4) for stage, value in tryout.seconds.items()},
                runs_on=self.sandbox.runs_on(program),
            ),
        )


def _frozen(contract: Contract) -> str:
    return f"{contract.signature}, frozen as {contract.hash[:12]}"
