"""What one run asks and how it recovers, by its level and mode: what an agent gives it on its way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from executor.hooks import Asks, Consulted, Hooks
from executor.hooks.applied import choose_by, read_changes
from executor.levels import Acting, May
from executor.recovery import Place, Recovered, Recovery, Setback, Tried, kept_by
from htn.contract import Evaluate
from htn.decided import decided_by
from htn.domain import Domain
from htn.failure import Failure
from htn.network import Part
from htn.plan import Action, Plan
from htn.state import State

Find = Callable[[Domain, Sequence[Part], State], Plan | Failure]


@dataclass(frozen=True)
class Limits:
    """How often a run goes on in another way, how many questions it puts, and how long it waits for an answer."""

    recoveries: int = 3
    questions: int = 20
    seconds: float = 120.0


@dataclass
class Counsel:
    """The counsel of one run. `on_event` hears what came of each question."""

    acting: Acting
    limits: Limits
    model: Callable[[], Asks]
    evaluate: Evaluate
    on_event: Callable[[Consulted[Any]], None] = lambda consulted: None
    asked: list[Consulted[Any]] = field(default_factory=list)
    """What came of the questions so far."""
    hooks: Hooks = field(init=False)

    def __post_init__(self) -> None:
        limits = self.limits
        self.hooks = Hooks(self.model, self.acting.may, limits.seconds, limits.questions, self._hear)

    def searched(self, domain: Domain) -> Domain:
        """Return the domain that plans are looked for in: where a decision is wanted and may be asked for, it is."""
        return decided_by(domain, choose_by(self.hooks)) if self.acting.may(May.ASK_DECISION) else domain

    def recover(self, find: Find, setback: Setback, domain: Domain, state: State, tried: Sequence[Tried]) -> Recovered:
        """Say how to go on after a step failed."""
        kept = kept_by(domain, self.evaluate)
        policy = Recovery(find, self.acting.may, self.hooks, self.limits.recoveries, kept)
        return policy.next(setback, domain, state, tried)

    def reader(self, domain: Domain) -> Callable[[Action, Mapping[Place, object]], Mapping[Place, object]] | None:
        """Return what reads the texts that commands leave where another type is declared, if that may be asked."""
        if not self.acting.may(May.ASK_DATA) or not domain.variables:
            return None
        return lambda action, changes: read_changes(self.hooks, domain, action, changes)

    def _hear(self, consulted: Consulted[Any]) -> None:
        self.asked.append(consulted)
        self.on_event(consulted)
