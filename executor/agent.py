"""Wires everything: settings, the library, the sandbox and the model, and the verbs plan, run and learn.

Each outside service is opened when it is first needed and closed with the agent. A plan needs no sandbox and no
model; a run without gaps needs no model.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from executor.begun import Begun
from executor.carry_on import carry_on, put_back, resumed
from executor.durable import RunTimes, Undertaking, begin, enrol, read_record, read_state, settle, take_up
from executor.levels import May, acting_of
from executor.library import Library
from executor.load import load_domain
from executor.pursue import Bounds, Listener, Pursuit, Report
from executor.retries import Retries, workflow_id
from executor.review import ApprovalNeeded
from executor.run.record import Choices
from executor.settings import Settings
from executor.store import Results, Store, open_store
from htn.contract import write
from htn.dependencies import Dependencies, dependencies_of
from htn.domain import Domain, Operator
from htn.errors import GapOpen, UsageError, did_you_mean
from htn.failure import Failure, Gap
from htn.network import Part, Task, show_task
from htn.plan import Plan
from htn.search import Limits, find_plan
from htn.state import State

# The others are imported where they are used: a plan should not take longer than reading the modules that learn.
if TYPE_CHECKING:
    from executor.approvals import CodeReviewer
    from executor.coordinate import Coordinator
    from executor.counsel import Counsel
    from executor.estimate import Estimate
    from executor.foresee import Foresight
    from executor.hands import Hands
    from executor.hooks import Consulted
    from executor.learn import Learned, Learner
    from executor.lessons import Lessons
    from executor.model import Call, Embedder, KeptAnswers, Model, Spender
    from executor.proposals import Proposals
    from executor.recovery import Place, Recovered, Setback, Tried
    from executor.review import Review, Reviewer, Wait
    from executor.routing import Routing
    from executor.run import Run, Step
    from executor.sandbox import Sandbox
    from executor.shelf import Shelf
    from executor.similar import Finder
    from executor.stop import Loop
    from executor.versions import Versions
    from executor.worker import Worker

__all__ = ["Agent", "Listener", "Prompt", "Report", "not_learned"]


@dataclass(frozen=True)
class Prompt:
    """What `learn` would ask first, and what it may cost."""

    system: str
    question: str
    model: str
    most_calls: int

    @property
    def tokens(self) -> int:
        """An estimate of the tokens of this first question: a token is about three characters of such text."""
        return (len(self.system) + len(self.question)) // 3


@dataclass
class Agent:
    """A planner that acts and learns. Use it in a `with` statement: leaving it closes what it opened."""

    settings: Settings
    listener: Listener = field(default_factory=Listener)
    reviewer: Reviewer | None = None
    """Who is asked before anything is admitted, where settings say that somebody is; without one it waits."""
    code_reviewer: CodeReviewer | None = None
    """Who is asked before code that a model wrote is run, where settings say that somebody is; else it waits."""
    run_id: str | None = None
    """The run that calls of models are counted for; without one they are counted for a command of its own."""
    host: Agent | None = None
    """The agent whose store, library, sandbox and workers this one uses; it closes them."""
    _command: str = field(default_factory=workflow_id, repr=False)
    _under: Undertaking | None = field(default=None, repr=False)
    _choices: Choices | None = field(default=None, repr=False)
    _goes_on: bool = field(default=False, repr=False)
    _opened: ExitStack = field(default_factory=ExitStack, repr=False)
    _noted: set[str] = field(default_factory=set, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @cached_property
    def store(self) -> Store:
        """The store, opened."""
        if self.host is not None:
            return self.host.store
        return self._opened.enter_context(
            open_store(redis_url=self.settings.redis_url, data_dir=self.settings.data_dir)
        )

    @cached_property
    def library(self) -> Library:
        """What was learned."""
        return Library(self.store, promote_after=self.settings.promote_after)

    @property
    def retries(self) -> Retries:
        """How often steps of runs were tried again."""
        return Retries(self.store, self.settings.step_retries)

    @cached_property
    def proposals(self) -> Proposals:
        """What waits for a person's approval."""
        from executor.proposals import Proposals  # noqa: PLC0415 - see above

        return Proposals(self.library, self.store)

    @cached_property
    def versions(self) -> Versions:
        """What is done with the versions of what was learned."""
        from executor.versions import Versions  # noqa: PLC0415 - see above

        return Versions(self.library, self.store)

    @property
    def results(self) -> Results:
        """The results of pure bodies that are kept."""
        return self.store.results(self.settings.result_limits)

    @property
    def answers(self) -> Results:
        """The answers of the model that are kept."""
        return self.store.answers(self.settings.answer_limits)

    @cached_property
    def sandbox(self) -> Sandbox:
        """The sandbox, opened."""
        if self.host is not None:
            with self.host._lock:  # several may want it at the same time
                return self.host.sandbox
        from executor.sandbox import open_sandbox  # noqa: PLC0415 - see above

        s = self.settings
        return self._opened.enter_context(
            open_sandbox(
                kind=s.sandbox,
                image=s.image,
                docker_timeout=s.docker_timeout,
                limits=s.limits,
                packages=s.packages,
                pool=s.pool,
                fence=s.fence,
                languages=s.languages,
                on_progress=self.listener.note,
            )
        )

    @property
    def kept_run(self) -> str | None:
        """The run that was begun or taken up last, where another process could go on with it."""
        return self._under.run_id if self._under and self._under.is_kept else None

    @property
    def _approval(self) -> str:
        """What a person approves: what the run that is under way was begun with, else what settings say."""
        return self._choices.approve if self._choices else self.settings.approval

    def _allowed(self, sandbox: Sandbox) -> Sandbox:
        """Return a sandbox that runs no code which a person would have to allow first, and has not."""
        if self._approval != "always":
            return sandbox
        from executor.approvals import Approvals, approved  # noqa: PLC0415 - see above

        return approved(sandbox, Approvals(self.store), self.code_reviewer)

    @cached_property
    def _calls(self) -> Loop:
        from executor.stop import Loop  # noqa: PLC0415 - see above

        loop = Loop()
        self._opened.callback(loop.close)
        return loop

    @cached_property
    def model(self) -> Model:
        """The language model; nothing is sent to it before it is asked."""
        return self.routing.first()

    @cached_property
    def more_models(self) -> tuple[Model, ...]:
        """Further models, asked in turn with the first; all share its budget of calls."""
        return self.routing.further()

    @cached_property
    def routing(self) -> Routing:
        """Who is asked for what, with the budgets and breakers that all processes share."""
        from executor.routing import Routing  # noqa: PLC0415 - see above

        return Routing(self.settings, lambda: self.store, self._spender, self.listener.note)

    def _spender(self) -> Spender:
        from executor.model import Spender  # noqa: PLC0415 - see above

        return Spender(self.run_id or self._command, resumes=self.run_id is not None)

    @cached_property
    def embedder(self) -> Embedder | None:
        """What turns texts into vectors, where a model for it is set."""
        from executor.model import open_embedder  # noqa: PLC0415 - see above

        place = self.settings.embedding_place
        if place is None:
            return None
        timeout = self.settings.model_timeout
        return open_embedder(place.spec, endpoint=place.endpoint, api_key=place.key, timeout=timeout)

    @property
    def _kept(self) -> KeptAnswers:
        return self.routing.kept

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every request that went out to the models, also when what they were for failed."""
        # Without a question nobody was routed, and what the model is set to does not matter.
        opened = self.routing.opened if "routing" in self.__dict__ else ()
        return tuple(call for router in opened for call in router.calls)

    @cached_property
    def _foresight(self) -> Foresight:
        from executor.foresee import Foresight  # noqa: PLC0415 - see above

        return Foresight(
            lambda: self.library,
            lambda: self._allowed(self.sandbox),
            lambda: self.results,
            self.settings.limits,
            self.settings.max_evaluations,
            self.listener.note,
        )

    @property
    def evaluations(self) -> int:
        """How many bodies were run while planning."""
        return self._foresight.evaluations

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

    def enrol(self, domain: Domain, tasks: Sequence[Task], state: State, *, run_id: str) -> None:
        """Write down a run that nobody carries out yet: `resume` begins it, here or in another process.

        UsageError where it is another run's id, or where the state or a task cannot be written down.
        """
        self._check(domain, tasks, state)
        settings, acting = self.settings, acting_of(domain, self.settings.acting)
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

        return Worker(
            self.store, lambda: self.library, lambda: self.sandbox, self.settings.limits, self._calls, process_name(),
            lambda: self.retries, shelf, threads, self.settings.lease_seconds, on_beat,
        )  # fmt: skip

    @cached_property
    def _hands(self) -> Hands:
        if self.host is not None:
            with self.host._lock:
                return self.host._hands
        from executor.hands import Hands  # noqa: PLC0415 - see above
        from executor.shelf import Shelf  # noqa: PLC0415 - see above

        return Hands(self.store, self.worker(Shelf(), threads=True), self._note)

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
        means = _Means(self, domain, under, choices, advice)
        return Pursuit(means, bounds, self.listener, state, under, catch_up=under.catch_up)

    def _advised(self, pursuit: Pursuit, work: Callable[[], Report]) -> Report:
        """Carry a run on; answers that it was given are kept for another only where they came to something."""
        means = pursuit.means
        assert isinstance(means, _Means)
        advice = means.counsel
        report = work()
        if advice.asked and report.run is not None and report.run.done:
            self._kept.settle()
        elif advice.asked:
            self._kept.forget()
        return replace(report, asked=tuple(advice.asked), acting=advice.acting, resumable=means.under.is_kept)

    def _counted(self) -> tuple[tuple[Call, ...], int]:
        return self.calls, self.evaluations

    def learn(self, domain: Domain, gap: Gap) -> Learned:
        """Close a gap: ask the model, validate, admit. LimitReached when the budget of calls is used up.

        What plans use for it so far is replaced.
        """
        domain.check(gap.state)
        return self._close(domain, gap, instead_of=self.known(domain, str(gap.task[0])))

    def deepen(self, domain: Domain, gap: Gap) -> Learned:
        """Buy the evidence that makes the operator trusted that plans use for this gap. UsageError without one."""
        domain.check(gap.state)
        version = self.known(domain, str(gap.task[0]))
        if version is None:
            raise UsageError(
                f"plans of {domain.name} use no operator {gap.task[0]} that was learned",
                hints=("learn it first, without --deepen",),
            )
        language = self.library.entry(version).language
        return self._settled(lambda: self._learner(domain, gap, None, language).deepen(gap, version))

    def prompt(self, domain: Domain, gap: Gap) -> Prompt:
        """Return what closing a gap would ask first. Nothing is sent."""
        from executor.generate import contract_prompt, system_prompt  # noqa: PLC0415 - see above

        return Prompt(system_prompt(), contract_prompt(domain, gap), self.model.name, self.settings.max_calls)

    def price(self, domain: Domain, tasks: Sequence[Task], state: State) -> Estimate:
        """Return what `run` would plan, and what closing the gaps in the way may cost. Nothing is sent or run."""
        from executor.estimate import estimate  # noqa: PLC0415 - see above

        self._check(domain, tasks, state)
        found = self._find(self._extended(domain, (), evaluates=False), tasks, state)
        return estimate(found, domain, self.settings, lambda: self.store, lambda gap: self.prompt(domain, gap).tokens)

    def gap_of(self, domain: Domain, task: Task, state: State) -> Gap:
        """Return the gap that `task` is, in a state in which it could be done.

        A name that the domain declares is meant on purpose; a name that nobody has declared is named on purpose
        by whoever learns it, unless it looks like one that was mistyped. UsageError for that, and for a task that
        somebody knows how to do.
        """
        domain.check(state)
        operator = domain.operators.get(str(task[0]))
        if str(task[0]) in domain.methods or (operator and operator.apply and not operator.is_learned):
            raise UsageError(
                f"{domain.name} knows how to do {task[0]} already",
                hints=("learning is for what nobody has written: htn plan shows the gaps",),
            )
        if operator is not None:
            domain.check_typed(task)
        elif hints := did_you_mean(str(task[0]), domain.heads()):
            raise UsageError(
                f"the domain {domain.name} has no task {task[0]}",
                hints=(*hints, f"if a new one is meant, declare it: {domain.name}.declare({task[0]!r}, …)"),
            )
        return Gap(task, (), state.copy(), operator is not None, 0)

    def known(self, domain: Domain, name: str) -> str | None:
        """Return the version of the learned operator `name` that plans use, or None."""
        return self.library.in_plans(domain, name)

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

    def _close(self, domain: Domain, gap: Gap, *, instead_of: str | None) -> Learned:
        self.listener.gap(gap)
        return self._settled(lambda: self._learner(domain, gap, instead_of).close(gap))

    def _learner(self, domain: Domain, gap: Gap, instead_of: str | None, language: str = "") -> Learner:
        from executor import unadmitted  # noqa: PLC0415 - see above
        from executor.learn import Learner  # noqa: PLC0415 - see above
        from executor.learn_settings import (  # noqa: PLC0415 - see above
            alone_of,
            depth_of,
            hints_of,
            language_of,
            require_language,
        )

        # Whoever learns again wants something else than what an earlier answer brought into the library.
        # Who goes on after code was allowed wants the answer that holds this code.
        again = bool(self.library.versions(domain.name, str(gap.task[0]))) and not self._goes_on
        settings, asks = self.settings, self._approval != "never"
        language = language or language_of(settings, domain, gap)
        require_language(self.sandbox, language)
        return Learner(
            domain,
            self.model.renewed() if again else self.model,
            self._allowed(self.sandbox),
            self.library,
            limits=settings.limits,
            repairs=settings.max_retries - 1,
            depth=depth_of(settings),
            more_models=[model.renewed() if again else model for model in self.more_models],
            language=language,
            alone=alone_of(settings),
            instead_of=instead_of,
            hints=lambda gap: hints_of(self._finder, self._lessons, domain, gap, language, settings.packages.allowed),
            lessons=self._lessons,
            proposals=self.proposals,
            reviewer=(self.reviewer or _nobody) if asks else None,
            on_lost=partial(unadmitted.keep, settings.data_dir),
            on_event=self.listener.learning,
            on_note=self.listener.note,
        )

    @cached_property
    def _lessons(self) -> Lessons:
        from executor.lessons import Lessons  # noqa: PLC0415 - see above

        return Lessons(self.store)

    @cached_property
    def _finder(self) -> Finder:
        from executor.similar import Finder  # noqa: PLC0415 - see above

        return Finder(self.library, self.store, embedder=self.embedder, on_note=self.listener.note)

    def _settled(self, work: Callable[[], Learned]) -> Learned:
        """Do what asks the model, and keep its answers for a later question only where they came to something."""
        try:
            learned = work()
        except GapOpen as error:
            if isinstance(error, ApprovalNeeded) and "code" in error.waits_for:
                self._kept.settle()  # the same answer is wanted when the code is allowed
                if not self.settings.answer_cache:
                    error.hints = (*error.hints, "the model will be asked anew: answers are not kept (answer_cache)")
                raise
            self._kept.forget()
            raise
        if learned.version is None:
            self._kept.forget()  # the same answers would come to nothing again
        else:
            self._kept.settle()
        return learned

    def _find(self, domain: Domain, tasks: Sequence[Part], state: State) -> Plan | Failure:
        limits = Limits(expansions=self.settings.max_expansions, seconds=self.settings.max_seconds)
        strategy = self.settings.strategy
        return find_plan(domain, state, tasks, strategy=strategy, limits=limits, clock=time.monotonic)


@dataclass(frozen=True)
class _Means:
    """What an agent carries tasks of a domain out with (see `executor.pursue`)."""

    agent: Agent
    domain: Domain
    under: Undertaking
    choices: Choices
    counsel: Counsel

    def known(self, learned: Sequence[Operator]) -> Domain:
        return self.agent._extended(self.domain, learned)

    def find(self, domain: Domain, tasks: Sequence[Part], state: State) -> Plan | Failure:
        return self.agent._find(self.counsel.searched(domain), tasks, state)

    def close(self, domain: Domain, gap: Gap) -> tuple[Learned, Operator | None]:
        closed = self.agent._close(domain, gap, instead_of=None)
        return closed, None if closed.version is None else self.agent.library.entry(closed.version).operator()

    def act(self, domain: Domain, plan: Plan, state: State, begun: Begun) -> Run:
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
        if self.under.stop.is_set():
            return Recovered(None, ())
        return self.counsel.recover(self.find, setback, domain, state, tried)

    def pause(self, seconds: float) -> None:
        self.under.stop.wait(seconds)

    def done_with(self, step: Step, changes: Mapping[Place, object], state: State) -> bool:
        from executor.run.log import written  # noqa: PLC0415 - see above

        journal, mark, names = self.under.journal, state.mark(), tuple(state)
        self.under.append("redo", step=step.key)
        status, claim = journal.claim(step.key, again=True)
        if status != "claimed":
            return False
        write(state, changes)
        return journal.commit(claim, written(state, mark, names), (), 0.0)[0] == "done"


def _nobody(review: Review) -> Wait:
    from executor.review import Wait  # noqa: PLC0415 - see above

    return Wait("nobody is there to be asked")


def not_learned(learned: Learned) -> GapOpen:
    """Return the error that says that a gap stayed open, and what would help."""
    return GapOpen(
        f"{show_task(learned.gap.task)} was not learned: {learned.reason}",
        hints=(
            *([learned.question] if learned.question else []),
            "describe it, or give an example of it, in the domain",
            "try another model: --model ollama:NAME",
        ),
    )
