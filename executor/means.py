"""What an agent carries the tasks of a run out with (see `executor.pursue`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from executor.begun import Begun
from executor.durable import Undertaking
from executor.run.record import Choices
from htn.contract import write
from htn.domain import Domain, Operator
from htn.failure import Failure, Gap
from htn.network import Part
from htn.plan import Plan
from htn.state import State

if TYPE_CHECKING:
    from executor.agent import Agent
    from executor.counsel import Counsel
    from executor.learn import Learned
    from executor.recovery import Place, Recovered, Setback, Tried
    from executor.run import Run, Step


@dataclass(frozen=True)
class AgentMeans:
    """What an agent carries tasks of a domain out with (see `executor.pursue`)."""

    agent: Agent
    domain: Domain
    under: Undertaking
    choices: Choices
    counsel: Counsel

    def known(self, learned: Sequence[Operator]) -> Domain:
        """Return the domain with what the library has for it now, and with what was learned on the way."""
        return self.agent._extended(self.domain, learned)

    def find(self, domain: Domain, tasks: Sequence[Part], state: State) -> Plan | Failure:
        """Look for a plan."""
        return self.agent._find(self.counsel.searched(domain), tasks, state)

    def close(self, domain: Domain, gap: Gap) -> tuple[Learned, Operator | None]:
        """Close a gap; the operator that does it, if it was learned."""
        closed = self.agent._close(domain, gap, instead_of=None)
        return closed, None if closed.version is None else self.agent.library.entry(closed.version).operator()

    def act(self, domain: Domain, plan: Plan, state: State, begun: Begun) -> Run:
        """Carry out a plan: by workers where the run is to, else here."""
        from executor.actor import Actor  # noqa: PLC0415 - see above
        from executor.stop import stoppable  # noqa: PLC0415 - see above

        agent, under, reader = self.agent, self.under, self.counsel.reader(domain)
        if self.choices.distributed and self.choices.approve == "always":
            agent.listener.note("a person is asked before code runs, so the steps are carried out here, not by workers")
        elif self.choices.distributed and reader is not None:
            agent.listener.note("a model reads what commands bring, so the steps are carried out here, not by workers")
        elif self.choices.distributed and under.is_kept:
            with agent._hands.owning(under.run_id, domain):
                coordinator = agent._coordinator(domain, under, self.choices.parallel)
                return coordinator.act(plan, state, agent.listener.step, begun)
        actor = Actor(
            domain,
            lambda: agent.library,
            lambda: agent._allowed(stoppable(agent.sandbox, under.stop, agent._calls)),
            agent.settings.limits,
            retries=lambda: agent.retries,
            parallel=self.choices.parallel,
            stop=under.stop,
            read=reader,
        )
        run_id = under.run_id
        return actor.act(plan, state, agent.listener.step, run_id=run_id, journal=under.journal, begun=begun)

    def recover(self, setback: Setback, domain: Domain, state: State, tried: Sequence[Tried]) -> Recovered:
        """Find another way to go on after a step failed."""
        if self.under.stop.is_set():
            return Recovered(None, ())
        return self.counsel.recover(self.find, setback, domain, state, tried)

    def pause(self, seconds: float) -> None:
        """Wait, unless the run is stopped."""
        self.under.stop.wait(seconds)

    def done_with(self, step: Step, changes: Mapping[Place, object], state: State) -> bool:
        """Let a step that failed be done with what it is known to give; return whether it is."""
        from executor.run.log import changed, written  # noqa: PLC0415 - see above

        journal, mark, names = self.under.journal, state.mark(), tuple(state)
        self.under.append("redo", step=step.key)
        status, claim = journal.claim(step.key, again=True)
        if status != "claimed":
            return False
        write(state, changes)
        return journal.commit(claim, written(changed(state, mark, names)), (), 0.0)[0] == "done"
