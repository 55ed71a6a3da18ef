"""Wires everything: settings, the library, the sandbox and the model, and the verbs plan, run and learn.

Each outside service is opened when it is first needed and closed with the agent. A plan needs no sandbox and no
model; a run without gaps needs no model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from executor.carry_on import carry_on, put_back, resumed
from executor.durable import RunTimes, Undertaking, begin, enrol, read_record, read_state, settle, take_up
from executor.learning import Learning, Prompt, not_learned
from executor.levels import May, acting_of
from executor.load import load_domain
from executor.means import AgentMeans
from executor.pursue import Bounds, Listener, Pursuit, Report
from executor.retries import workflow_id
from executor.run.record import Choices
from htn.dependencies import Dependencies, dependencies_of
from htn.domain import Domain, Operator
from htn.failure import Failure
from htn.network import Part, Task
from htn.plan import Plan
from htn.search import Limits, find_plan
from htn.state import State

# The others are imported where they are used: a plan should not take longer than reading the modules that learn.
if TYPE_CHECKING:
    from executor.coordinate import Coordinator
    from executor.estimate import Estimate
    from executor.hands import Hands
    from executor.hooks import Consulted
    from executor.model import Call
    from executor.shelf import Shelf
    from executor.worker import Worker

__all__ = ["Agent", "Listener", "Prompt", "Report", "not_learned"]


@dataclass
class Agent(Learning):
    """A planner that acts and learns. Use it in a `with` statement: leaving it closes what it opened."""

    def plan(self, domain: Domain, tasks: Sequence[Task], state: State) -> Plan | Failure:
        """Return a plan, using what was learned, or why there is none. Never learns."""
        return self._find(self._known(domain, tasks, state), tasks, state)

    def dependencies(self, domain: Domain, tasks: Sequence[Task], state: State, plan: Plan) -> Dependencies:
        """Return what the actions of a plan that `plan` gave read and write, and so in which order they have to be."""
        return dependencies_of(self._known(domain, tasks, state), state, plan)

    def run(
        self,
        domain: Domain,
        tasks: Sequence[Task],
        state: State,
        *,
        run_id: str | None = None,
        level: str | None = None,
        mode: str | None = None,
    ) -> Report:
        """Plan, close the gaps in the way where settings allow it, and carry the plan out, changing `state`.

        What happens is written down, so that `resume` can go on in another process. `run_id` is what other processes
        know the run by, letters, digits, `.`, `_` and `-`; else one is made. UsageError where it is another run's.
        `level` and `mode` say how it acts (see `executor.levels`); else the domain does, or settings do.
        """
        self._check(domain, tasks, state)
        settings, acting = self.settings, acting_of(domain, self.settings.acting, level=level, mode=mode)
        choices = Choices(
            learn=settings.learn, approve=settings.approval, parallel=settings.width,
            distributed=settings.distributed, level=acting.level,
            mode=acting.mode,
        )  # fmt: skip
        with begin(
            lambda: self.store, domain, tasks, state, run_id=run_id or workflow_id(), choices=choices,
            times=self._times, note=self.listener.note,
        ) as under:  # fmt: skip
            self.run_id, self._under, self._choices = under.run_id, under, choices
            pursuit = self._pursuit(domain, state, under, choices)
            return self._advised(pursuit, lambda: carry_on(under, pursuit, self._counted, [tuple(tasks)]))

    def enrol(
        self,
        domain: Domain,
        tasks: Sequence[Task],
        state: State,
        *,
        run_id: str,
        level: str | None = None,
        mode: str | None = None,
    ) -> None:
        """Write down a run that nobody carries out yet: `resume` begins it, here or in another process.

        `level` and `mode` are as for `run`. UsageError where it is another run's id, or where the state or a task
        cannot be written down.
        """
        self._check(domain, tasks, state)
        settings, acting = self.settings, acting_of(domain, self.settings.acting, level=level, mode=mode)
        choices = Choices(
            learn=settings.learn, approve=settings.approval, parallel=settings.parallel, level=acting.level,
            mode=acting.mode,
        )  # fmt: skip
        enrol(self.store, domain, tasks, state, run_id=run_id, choices=choices)

    def resume(
        self, run_id: str, *, domain: Domain | None = None, did: Sequence[str] = (), redo: Sequence[str] = ()
    ) -> Report:
        """Go on with a run where it was left, by this process or another. `domain` is given where it is in no file.

        `did` and `redo` are the keys of steps of which nobody knows whether they were carried out: what a person says.
        UsageError for a run that has ended, or that cannot be resumed; RunTaken where another process drives it.
        """
        with take_up(self.store, run_id, times=self._times, note=self.listener.note) as under:
            self.run_id, self._under = run_id, under
            with put_back(under):
                domain = domain or load_domain(read_record(self.store, run_id).source)
                view = settle(under, domain, did=did, redo=redo)
                state = read_state(self.store, run_id)
                self._choices, self._goes_on = view.record.choices, view.waited_for_code
                pursuit = self._pursuit(domain, state, under, view.record.choices)
                left, current = resumed(pursuit, view, domain, self.listener.note)
            return self._advised(pursuit, lambda: carry_on(under, pursuit, self._counted, left, current))

    def interrupt(self) -> None:
        """Let a run pause that another thread has this agent carry out: there `run` or `resume` is interrupted."""
        if self._under is not None:
            self._under.stop.set("interrupted")

    def worker(
        self, shelf: Shelf, *, threads: bool = False, on_beat: Callable[[bool], object] = lambda idle: None
    ) -> Worker:
        """Return what carries out steps of runs that are driven anywhere, with the services of this agent."""
        from executor.driving import process_name  # noqa: PLC0415 - see above
        from executor.worker import Worker  # noqa: PLC0415 - see above

        made = Worker(
            self.store, lambda: self.library, lambda: self.sandbox, self.settings.limits, self._calls, process_name(),
            lambda: self.retries, shelf, threads, self.settings.lease_seconds, on_beat,
        )  # fmt: skip
        self._opened.callback(made.close)
        return made

    @cached_property
    def _hands(self) -> Hands:
        if isinstance(self.host, Agent):
            with self.host._lock:
                return self.host._hands
        from executor.hands import Hands  # noqa: PLC0415 - see above
        from executor.shelf import Shelf  # noqa: PLC0415 - see above

        hands = Hands(self.store, self.worker(Shelf(), threads=True), self._note)
        self._opened.callback(hands.close)
        return hands

    def _note(self, text: str) -> None:
        self.listener.note(text)

    def _coordinator(self, domain: Domain, under: Undertaking, parallel: int) -> Coordinator:
        from executor.coordinate import Coordinator  # noqa: PLC0415 - see above

        return Coordinator(
            domain, under, self._hands.crew, lambda version: self.library.entry(version).language, parallel,
            lambda: self.retries, self.listener.note,
        )  # fmt: skip

    @property
    def _times(self) -> RunTimes:
        return RunTimes(self.settings.keep_runs, self.settings.lease_seconds)

    def _pursuit(self, domain: Domain, state: State, under: Undertaking, choices: Choices) -> Pursuit:
        settings, acting = self.settings, acting_of(domain, level=choices.level, mode=choices.mode)
        replans = settings.max_replans if acting.may(May.REPLAN) else 0
        bounds = Bounds(choices.learn != "never", replans, settings.max_stages, choices.parallel)

        def hear(consulted: Consulted[Any]) -> None:
            under.append("hook", **consulted.to_json())
            self.listener.note(str(consulted))

        from executor.counsel import Counsel  # noqa: PLC0415 - see above
        from executor.counsel import Limits as Most  # noqa: PLC0415

        limits = Most(settings.max_replans, settings.max_questions, settings.question_seconds)
        advice = Counsel(acting, limits, lambda: self.model, self._foresight, hear)
        means = AgentMeans(self, domain, under, choices, advice)
        return Pursuit(means, bounds, self.listener, state, under, catch_up=under.catch_up)

    def _advised(self, pursuit: Pursuit, work: Callable[[], Report]) -> Report:
        """Carry a run on; answers that it was given are kept for another only where they came to something."""
        means = pursuit.means
        assert isinstance(means, AgentMeans)
        advice = means.counsel
        report = work()
        if advice.asked and report.run is not None and report.run.done:
            self._kept.settle()
        elif advice.asked:
            self._kept.forget()
        return replace(report, asked=tuple(advice.asked), acting=advice.acting, resumable=means.under.is_kept)

    def _counted(self) -> tuple[tuple[Call, ...], int]:
        return self.calls, self.evaluations

    def price(self, domain: Domain, tasks: Sequence[Task], state: State) -> Estimate:
        """Return what `run` would plan, and what closing the gaps in the way may cost. Nothing is sent or run."""
        from executor.estimate import estimate  # noqa: PLC0415 - see above

        self._check(domain, tasks, state)
        found = self._find(self._extended(domain, (), evaluates=False), tasks, state)
        return estimate(found, domain, self.settings, lambda: self.store, lambda gap: self.prompt(domain, gap).tokens)

    def _known(self, domain: Domain, tasks: Sequence[Task], state: State) -> Domain:
        """Return the domain with what was learned for it. UsageError for a task or an example that is mistaken."""
        self._check(domain, tasks, state)
        return self._extended(domain, ())

    def _check(self, domain: Domain, tasks: Sequence[Task], state: State) -> None:
        domain.check(state)
        for task in tasks:
            domain.check_typed(task)

    def _extended(self, domain: Domain, learned: Sequence[Operator], *, evaluates: bool = True) -> Domain:
        """Return the domain with what the library has for it, and with `learned`; bodies run if it `evaluates`."""
        usable = self.library.usable(domain)
        for note in usable.notes:
            if note not in self._noted:
                self._noted.add(note)
                self.listener.note(note)
        known = domain.extended_by([*usable.operators, *learned])
        return known.evaluated_by(self._foresight) if evaluates and self.settings.evaluate != "never" else known

    def _find(self, domain: Domain, tasks: Sequence[Part], state: State) -> Plan | Failure:
        limits = Limits(expansions=self.settings.max_expansions, seconds=self.settings.max_seconds)
        strategy = self.settings.strategy
        return find_plan(domain, state, tasks, strategy=strategy, limits=limits, clock=time.monotonic)
