"""The services that an agent uses: each is opened when it is first needed, and closed with the agent."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Self

from executor.durable import Undertaking
from executor.library import Library
from executor.pursue import Listener
from executor.retries import Retries, workflow_id
from executor.run.record import Choices
from executor.settings import Settings
from executor.store import Results, Store, open_store

# The others are imported where they are used: a plan should not take longer than reading the modules that learn.
if TYPE_CHECKING:
    from executor.approvals import CodeReviewer
    from executor.foresee import Foresight
    from executor.lessons import Lessons
    from executor.model import Call, Embedder, KeptAnswers, Model, Spender
    from executor.proposals import Proposals
    from executor.review import Reviewer
    from executor.routing import Routing
    from executor.sandbox import Sandbox
    from executor.similar import Finder
    from executor.stop import Loop
    from executor.versions import Versions


@dataclass
class Services:
    """Settings, and what they lead to. Use it in a `with` statement: leaving it closes what it opened."""

    settings: Settings
    listener: Listener = field(default_factory=Listener)
    reviewer: Reviewer | None = None
    """Who is asked before anything is admitted, where settings say that somebody is; without one it waits."""
    code_reviewer: CodeReviewer | None = None
    """Who is asked before code that a model wrote is run, where settings say that somebody is; else it waits."""
    run_id: str | None = None
    """The run that calls of models are counted for; without one they are counted for a command of its own."""
    host: Services | None = None
    """The agent whose store, library, sandbox and workers this one uses; it closes them."""
    _command: str = field(default_factory=workflow_id, repr=False)
    _under: Undertaking | None = field(default=None, repr=False)
    _choices: Choices | None = field(default=None, repr=False)
    _goes_on: bool = field(default=False, repr=False)
    _opened: ExitStack = field(default_factory=ExitStack, repr=False)
    _noted: set[str] = field(default_factory=set, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __enter__(self) -> Self:
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

        return Routing(self.settings, lambda: self.store, self._spender, self.listener.note, on_call=self.listener.call)

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

    @cached_property
    def _lessons(self) -> Lessons:
        from executor.lessons import Lessons  # noqa: PLC0415 - see above

        return Lessons(self.store)

    @cached_property
    def _finder(self) -> Finder:
        from executor.similar import Finder  # noqa: PLC0415 - see above

        return Finder(self.library, self.store, embedder=self.embedder, on_note=self.listener.note)
