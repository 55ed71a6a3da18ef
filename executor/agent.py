"""Wires everything: settings, the library, the sandbox and the model, and the verbs plan, run and learn.

Each outside service is opened when it is first needed and closed with the agent. A plan needs no sandbox and no
model; a run without gaps needs no model.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from executor.actor import Actor
from executor.generate import contract_prompt, system_prompt
from executor.learn import Learned, Learner
from executor.lessons import Lessons
from executor.library import Library
from executor.model import Call, Embedder, KeptAnswers, Model, Turns, open_embedder, open_model
from executor.run import Event, Run
from executor.sandbox import Sandbox, open_sandbox
from executor.settings import ModelPlace, Settings
from executor.store import Results, Store, open_store
from executor.tryout import LearnEvent
from executor.versions import Versions
from htn.dependencies import Dependencies, dependencies_of
from htn.domain import Domain
from htn.errors import DomainError, GapOpen, UsageError, did_you_mean
from htn.failure import Failure, Gap
from htn.network import Task, show_task
from htn.plan import Plan
from htn.search import Limits, find_plan
from htn.state import State
from htn.verify import verify_plan


@dataclass(frozen=True)
class Listener:
    """Hears what an agent does, as it does it. What nobody hears costs nothing."""

    planned: Callable[[Plan | Failure], None] = lambda result: None
    gap: Callable[[Gap], None] = lambda gap: None
    learning: Callable[[LearnEvent], None] = lambda event: None
    step: Callable[[Event], None] = lambda event: None
    note: Callable[[str], None] = lambda text: None


@dataclass(frozen=True)
class Report:
    """What came of `Agent.run`: the last plan or failure, what was learned on the way, and the run, if it began."""

    result: Plan | Failure
    learned: tuple[Learned, ...]
    run: Run | None
    state: State
    calls: tuple[Call, ...]


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
    _opened: ExitStack = field(default_factory=ExitStack, repr=False)

    def __enter__(self) -> "Agent":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @cached_property
    def store(self) -> Store:
        """The store, opened."""
        return self._opened.enter_context(
            open_store(redis_url=self.settings.redis_url, data_dir=self.settings.data_dir)
        )

    @cached_property
    def library(self) -> Library:
        """What was learned."""
        return Library(self.store)

    @cached_property
    def versions(self) -> Versions:
        """What is done with the versions of what was learned."""
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

    @cached_property
    def model(self) -> Model:
        """The language model; nothing is sent to it before it is asked."""
        s, place = self.settings, self.settings.model_place
        return open_model(
            place.spec,
            endpoint=place.endpoint,
            api_key=place.key,
            timeout=s.model_timeout,
            num_ctx=s.num_ctx,
            max_calls=s.max_calls,
            answer_tokens=s.answer_tokens,
            parallel=s.model_parallel,
            turns=self._turns(place) if s.requests_per_minute else None,
            kept=self._kept if s.answer_cache else None,
        )

    @cached_property
    def embedder(self) -> Embedder | None:
        """What turns texts into vectors, where a model for it is set."""
        place = self.settings.embedding_place
        if place is None:
            return None
        timeout = self.settings.model_timeout
        return open_embedder(place.spec, endpoint=place.endpoint, api_key=place.key, timeout=timeout)

    @cached_property
    def _kept(self) -> KeptAnswers:
        return KeptAnswers(lambda: self.answers, self.listener.note)

    def _turns(self, place: ModelPlace) -> Turns:
        name = sha256(f"{place.provider} {place.endpoint}".encode()).hexdigest()
        return self.store.turns(name, per_minute=self.settings.requests_per_minute)

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every request that went out to the model, also when what they were for failed."""
        # Asking for the model would open it, and what it is set to does not matter to a run without gaps.
        return tuple(self.model.calls) if "model" in self.__dict__ else ()

    def plan(self, domain: Domain, tasks: Sequence[Task], state: State) -> Plan | Failure:
        """Return a plan, using what was learned, or why there is none. Never learns."""
        return self._find(self._known(domain, tasks, state), tasks, state)

    def dependencies(self, domain: Domain, tasks: Sequence[Task], state: State, plan: Plan) -> Dependencies:
        """Return what the actions of a plan that `plan` gave read and write, and so in which order they have to be."""
        return dependencies_of(self._known(domain, tasks, state), state, plan)

    def run(self, domain: Domain, tasks: Sequence[Task], state: State) -> Report:
        """Plan, close the gaps in the way where settings allow it, and carry the plan out, changing `state`."""
        known = self._known(domain, tasks, state)
        learned: list[Learned] = []
        while True:
            result = self._find(known, tasks, state)
            self.listener.planned(result)
            if isinstance(result, Plan):
                break
            if not result.gaps or result.stopped or self.settings.learn == "never":
                return self._report(result, learned, None, state)
            closed = self._close(known, result.gaps[0], instead_of=None)
            learned.append(closed)
            if closed.version is None:
                return self._report(result, learned, None, state)
            known = known.extended_by([self.library.entry(closed.version).operator()])
        if flaws := verify_plan(known, state, result, tasks):
            raise DomainError(
                f"the plan does not hold when it is checked: {flaws[0]}",
                hints=(
                    "a function of the domain gives other results for the same state: does it look at anything else?",
                ),
            )
        actor = Actor(known, lambda: self.library, lambda: self.sandbox, self.settings.limits)
        return self._report(result, learned, actor.act(result, state, self.listener.step), state)

    def learn(self, domain: Domain, gap: Gap) -> Learned:
        """Close a gap: ask the model, validate, admit. LimitReached when the budget of calls is used up.

        What plans use for it so far is replaced.
        """
        domain.check(gap.state)
        return self._close(domain, gap, instead_of=self.known(domain, str(gap.task[0])))

    def prompt(self, domain: Domain, gap: Gap) -> Prompt:
        """Return what closing a gap would ask first. Nothing is sent."""
        return Prompt(system_prompt(), contract_prompt(domain, gap), self.model.name, self.settings.max_calls)

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
        domain.check(state)
        for task in tasks:
            domain.check_typed(task)
        usable = self.library.usable(domain)
        for note in usable.notes:
            self.listener.note(note)
        return domain.extended_by(usable.operators)

    def _close(self, domain: Domain, gap: Gap, *, instead_of: str | None) -> Learned:
        self.listener.gap(gap)
        # Whoever learns again wants something else than what an earlier answer brought into the library.
        again = bool(self.library.versions(domain.name, str(gap.task[0])))
        learner = Learner(
            domain,
            self.model.renewed() if again else self.model,
            self.sandbox,
            self.library,
            limits=self.settings.limits,
            repairs=self.settings.max_retries - 1,
            instead_of=instead_of,
            lessons=Lessons(self.store),
            on_event=self.listener.learning,
            on_note=self.listener.note,
        )
        try:
            learned = learner.close(gap)
        except GapOpen:
            self._kept.forget()
            raise
        if learned.version is None:
            self._kept.forget()  # the same answers would come to nothing again
        else:
            self._kept.settle()
        return learned

    def _find(self, domain: Domain, tasks: Sequence[Task], state: State) -> Plan | Failure:
        limits = Limits(expansions=self.settings.max_expansions, seconds=self.settings.max_seconds)
        strategy = self.settings.strategy
        return find_plan(domain, state, tasks, strategy=strategy, limits=limits, clock=time.monotonic)

    def _report(self, result: Plan | Failure, learned: list[Learned], run: Run | None, state: State) -> Report:
        return Report(result, tuple(learned), run, state, self.calls)


def not_learned(learned: Learned) -> GapOpen:
    """Return the error that says that a gap stayed open, and what would help."""
    return GapOpen(
        f"{show_task(learned.gap.task)} was not learned: {learned.reason}",
        hints=("describe it, or give an example of it, in the domain", "try another model: --model ollama:NAME"),
    )
