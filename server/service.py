"""What all requests of one service share, from its start to its end."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypeVar

import structlog
from anyio import CapacityLimiter, to_thread
from structlog.contextvars import bound_contextvars

from executor.agent import Agent, Listener
from executor.review import Reviewer
from executor.runs import Runs
from executor.sandbox import Sandbox
from executor.settings import Settings
from htn.errors import UsageError
from server.access import Access
from server.checks import Checks
from server.gathered import Gathered
from server.known import KnownDomains
from server.lent import Lent, LentAgent
from server.metrics import Metrics
from server.observed import observed
from server.pool import PlannerPool
from server.traces import Traces, open_traces
from server.work import Desk, Work

T = TypeVar("T")
_log = structlog.get_logger("htn.run")
_THREADS = 32  # requests that read the library, or run code, at once
_RESTS = {"approval": "waiting", "interrupted": "paused", "limit": "paused", "service": "paused"}
"""How a run rests that ended, for now, with an error of such a code."""


@dataclass
class Service:
    """One service. `async with service.opened()` starts what it needs and ends it."""

    settings: Settings
    access: Access
    known: KnownDomains
    metrics: Metrics = field(default_factory=Metrics)
    traces: Traces = field(default_factory=Traces)
    stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(
        cls, settings: Settings, domains: Sequence[str] = (), *, fixed: Sequence[str] = (), trust_loopback: bool = False
    ) -> "Service":
        """Return the service that settings describe; nothing is opened yet. UsageError where it could not be safe.

        No client sets the state variables `fixed`, each written DOMAIN.VARIABLE.
        """
        if settings.sandbox == "local":
            raise UsageError(
                "clients' code would run without a sandbox, as this user: the service does not do that",
                hints=("another sandbox: --sandbox auto",),
            )
        access = Access.of(settings, trust_loopback=trust_loopback)
        return cls(settings, access, KnownDomains.of(domains, fixed), traces=open_traces(settings))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Open the library, start the planning processes and the threads; close them at the end."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(to_thread.run_sync, self.traces.close)
            self._own = await to_thread.run_sync(self._open)
            stack.push_async_callback(to_thread.run_sync, partial(self._own.__exit__, None, None, None))
            self.limiter = CapacityLimiter(_THREADS)
            self.planners = await stack.enter_async_context(PlannerPool(self.settings, self.known.sources))
            self.desk = Desk(
                threads=self.settings.service_runs,
                most_waiting=self.settings.service_waiting,
                stopping=self.stopping,
                around=self._around,
                on_end=self._count,
            )
            stack.push_async_callback(to_thread.run_sync, self.desk.stop, self.settings.service_stop_seconds)
            self.checks = Checks(self.settings, self._own.store, lambda: self._sandbox().description)
            looking = asyncio.create_task(self.checks.forever())
            stack.callback(looking.cancel)
            self._gauges()
            self.stopping.clear()
            yield
            self.stopping.set()

    def agent(
        self,
        settings: Mapping[str, Any] | None = None,
        listener: Listener | None = None,
        reviewer: Reviewer | None = None,
    ) -> LentAgent:
        """Return an agent for one request, with settings that differ for it."""
        chosen = self.settings.model_copy(update=dict(settings or {}))
        lent = Lent(self._own.store, self._sandbox)
        return LentAgent(chosen, observed(listener or Listener(), self.metrics, self.traces), reviewer, lent=lent)

    @cached_property
    def runs(self) -> Runs:
        """The runs that the store keeps."""
        return Runs(self._own.store, keep_days=self.settings.keep_runs)

    async def do(self, work: Callable[[LentAgent], T], settings: Mapping[str, Any] | None = None) -> T:
        """Do something short with an agent in a thread, and return what comes of it."""

        def done() -> T:
            with self.agent(settings) as agent:
                return work(agent)

        return await to_thread.run_sync(done, limiter=self.limiter)

    async def finished(self, work: Work, seconds: float) -> bool:
        """Wait for work, so many seconds at most, and say whether it has ended."""
        most = min(seconds, self.settings.service_seconds)
        await asyncio.wait([asyncio.wrap_future(work.finished)], timeout=most)
        return work.finished.done()

    def _open(self) -> Agent:
        own = Agent(self.settings)
        try:
            own.store.check()
        except BaseException:
            own.__exit__()
            raise
        return own

    def _sandbox(self) -> Sandbox:
        with self._lock:  # opened once, whoever needs it first
            return self._own.sandbox

    @contextmanager
    def _around(self, work: Work) -> Iterator[None]:
        """Give log lines the id of the work, and span it."""
        with bound_contextvars(run_id=work.id), self.traces.span("run", run_id=work.id, kind=work.kind):
            _log.info("run begins", kind=work.kind)
            yield

    def _count(self, work: Work) -> None:
        code = work.trouble.code if work.trouble else ""
        state = _RESTS.get(code, work.state) if work.kind == "run" else work.state
        self.metrics.ended.labels(work.kind, state).inc()
        told: dict[str, Any] = {"run_id": work.id, "kind": work.kind, "state": state}
        if code:
            told["code"] = code
            self.metrics.errors.labels(code).inc()
        seconds = round((work.ended or 0.0) - (work.began or work.created), 3)
        work.context.run(_log.info, "run ends", **told, seconds=seconds)

    def _gauges(self) -> None:
        self.metrics.gauge("htn_uptime_seconds", "Since the service started", lambda: self.metrics.uptime)
        self.metrics.gauge("htn_runs_waiting", "Runs that wait for their turn", lambda: self.desk.queued)
        self.metrics.gauge("htn_runs_running", "Runs that are carried out", lambda: self.desk.running)
        self.metrics.gauge("htn_plans_waiting", "Plans that wait for a process", lambda: self.planners.waiting)
        self.metrics.gauge("htn_planners_busy", "Processes that look for a plan", lambda: self.planners.busy)
        self.metrics.gauge("htn_planners", "Processes that look for plans", lambda: len(self.planners.planners))
        warm = lambda: getattr(vars(self._own).get("sandbox"), "warm", 0)  # noqa: E731  # one that nobody needed yet has none
        self.metrics.registry.register(Gathered(self.checks, self.runs, warm))
