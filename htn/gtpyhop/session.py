"""Sessions: planning with settings of one's own, limits, and answers that are data.

A session sets nothing that others see: its domain, verbosity and strategy hold in the thread (or asynchronous task)
that calls it, while it works. Any number of sessions may work at the same time, in any number of threads.

Timeouts are looked at between steps of the search, every few expansions; what is not covered is a function of the
domain that does not return.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any, Final, Literal

from htn.errors import LimitReached
from htn.failure import Failure
from htn.gtpyhop.domain import Domain
from htn.gtpyhop.planning import Acting, Found, act, look_for_plan
from htn.gtpyhop.settings import (
    STRATEGIES,
    Settings,
    current,
    level,
    overlaid,
    put_on,
    strategy_name,
    take_off,
)
from htn.gtpyhop.things import State
from htn.gtpyhop.trace import PlanTrace
from htn.search import Limits

_NUMBERS = count(1)


class PlanningTimeoutError(Exception):
    """Planning or acting took longer than it was allowed to."""


@dataclass
class PlanResult:
    """What came of planning: true when there is a plan. `failure` explains why there is none."""

    success: bool
    plan: list[tuple[Any, ...]] = field(default_factory=list)
    error: str | None = None
    logs: list[dict[str, Any]] = field(default_factory=list)
    stats: dict[str, Any] = field(default_factory=dict)
    session_id: str | None = None
    trace: PlanTrace | None = None
    failure: Failure | None = None

    def __bool__(self) -> bool:
        return self.success


@dataclass
class ExecutionResult:
    """What came of acting: true when all on the list was done."""

    success: bool
    final_state: State | None = None
    executed_actions: list[tuple[Any, ...]] = field(default_factory=list)
    error: str | None = None
    logs: list[dict[str, Any]] = field(default_factory=list)
    stats: dict[str, Any] = field(default_factory=dict)
    session_id: str | None = None
    tries_used: int = 0

    def __bool__(self) -> bool:
        return self.success


class PlannerSession:
    """Planning with a domain and settings of its own.

    Args:
        session_id: a name; one is made up where none is given.
        domain: what is known; without, the current domain.
        verbose: how much is printed, 0 to 3.
        recursive: GTPyhop's older way to ask for "recursive_dfs".
        strategy: a name as `set_recursive_planning` takes it; without, the strategy that is set there.
        verify_goals: whether a goal must hold after its method; without, what is set for all.
        keep_idle: whether actions that change nothing stay in the plan; without, what is set for all.
        clock: seconds, rising; what `timeout_ms` is measured by.
        structured_logging, auto_cleanup, memory_tracking, memory_sampling_interval: taken for GTPyhop's sake, and
            without effect: results carry no logs, and nothing is left to clean up or track.
    """

    def __init__(
        self,
        session_id: str | None = None,
        *,
        domain: Domain | None = None,
        verbose: int = 0,
        recursive: bool = False,
        strategy: str | None = None,
        structured_logging: bool = True,
        auto_cleanup: bool = True,
        memory_tracking: bool = False,
        memory_sampling_interval: float | None = None,
        verify_goals: bool | None = None,
        keep_idle: bool | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.session_id = session_id or f"session_{next(_NUMBERS)}"
        self.domain, self.verbose = domain, level(verbose)
        self.verify_goals, self.keep_idle = verify_goals, keep_idle
        self._strategy = STRATEGIES[0] if recursive else None
        if strategy is not None:
            self._strategy = strategy_name(strategy)
        self._clock = clock
        self._stats: dict[str, Any] = dict.fromkeys(_COUNTED, 0)

    def __enter__(self) -> "PlannerSession":
        return self

    def __exit__(self, *_: object) -> Literal[False]:
        self.cleanup()
        return False

    @property
    def recursive(self) -> bool:
        """Whether the strategy is called "recursive_dfs"."""
        return self._strategy == STRATEGIES[0]

    @contextmanager
    def isolated_execution(self) -> Iterator["PlannerSession"]:
        """Let the session's settings hold for GTPyhop's plain functions, in this thread, until the block ends."""
        with overlaid(self._settings()):
            yield self

    def _settings(self) -> Settings:
        around = current()
        return Settings(
            self.domain or around.domain,
            self.verbose,
            self._strategy or around.strategy,
            around.verify_goals if self.verify_goals is None else self.verify_goals,
            around.keep_idle if self.keep_idle is None else self.keep_idle,
        )

    def find_plan(
        self,
        state: State,
        todo_list: Sequence[Any],
        *,
        timeout_ms: float | None = None,
        max_expansions: int | None = None,
        trace: bool = False,
        trace_state: bool = False,
    ) -> PlanResult:
        """Look for a plan. Whatever goes wrong is told in the result, and nothing is raised.

        Args:
            state: where planning starts; it is left as it is.
            todo_list: actions, tasks, goals and multigoals, in order.
            timeout_ms: when to give up, in milliseconds; None or 0 is never.
            max_expansions: how many actions, tasks and goals to look at before giving up.
            trace: whether to take down each attempt.
            trace_state: whether to keep the state of each attempt too; it costs a copy each time.
        """
        result = PlanResult(success=False, session_id=self.session_id)
        if trace or trace_state:
            result.trace = PlanTrace(trace_state)
        started, timeout = self._clock(), timeout_ms / 1000 if timeout_ms and timeout_ms > 0 else None
        expansions, settings = 0, put_on(self._settings())
        try:
            limits = Limits(max_expansions, timeout) if max_expansions is not None or timeout else None
            found = look_for_plan(state, todo_list, limits=limits, clock=self._clock, trace=result.trace)
            result.success, result.plan = found.plan is not None, found.plan or []
            result.failure, expansions = found.failure, found.expansions
            _raise_stopped(found, timeout_ms, max_expansions)
            result.error = None if result.success else "No plan found"
            self._stats["plans_generated" if result.success else "errors"] += 1
        except Exception as error:  # noqa: BLE001  # a domain's function may raise anything; a session tells it
            self._tell(error, "Planning", result)
        finally:
            take_off(settings)
        result.stats = self._took(
            started, "total_planning_time_ms", expansions=expansions, strategy=self._named_strategy()
        )
        return result

    def run_lazy_lookahead(
        self, state: State, todo_list: Sequence[Any], *, max_tries: int = 10, timeout_ms: float | None = None
    ) -> ExecutionResult:
        """Plan and act until the list is done, with the domain's commands; see `htn.gtpyhop.run_lazy_lookahead`.

        The state that is given is left as it is. Whatever goes wrong is told in the result, and nothing is raised.
        """
        result = ExecutionResult(success=False, session_id=self.session_id)
        started = self._clock()
        deadline = started + timeout_ms / 1000 if timeout_ms and timeout_ms > 0 else None
        acting = Acting(state.copy())

        def check() -> None:
            if deadline is not None and self._clock() > deadline:
                raise PlanningTimeoutError(f"stopped after {timeout_ms:g} ms")

        def plan(now: State) -> Any:
            seconds = None if deadline is None else max(0.0, deadline - self._clock())
            found = look_for_plan(now, todo_list, limits=Limits(seconds=seconds), clock=self._clock)
            _raise_stopped(found, timeout_ms, None)
            return found.plan

        try:
            with self.isolated_execution():
                act(acting, max_tries, plan, check)
            result.success = acting.done
            if not acting.done:
                result.error = "Too many tries" if acting.tries >= max_tries else "No plan found"
                self._stats["errors"] += 1
        except Exception as error:  # noqa: BLE001  # as above
            self._tell(error, "Execution", result)
        result.final_state, result.executed_actions, result.tries_used = acting.state, acting.executed, acting.tries
        result.stats = self._took(
            started, "total_execution_time_ms", tries_used=acting.tries, executed_actions=len(acting.executed)
        )
        return result

    def _tell(self, error: Exception, what: str, result: PlanResult | ExecutionResult) -> None:
        """Write an exception into a result."""
        timed_out = isinstance(error, PlanningTimeoutError)
        result.error = f"{what} {'timeout' if timed_out else 'error'}: {error}"
        self._stats["timeouts"] += timed_out
        self._stats["errors"] += 1

    def _took(self, started: float, total: str, **counts: object) -> dict[str, Any]:
        took = int((self._clock() - started) * 1000)
        self._stats[total] += took
        return {"duration_ms": took, "memory_mb": 0.0, "peak_memory_mb": 0.0, **counts}

    def _named_strategy(self) -> str | None:
        return self._strategy or current().strategy

    def get_stats(self) -> dict[str, Any]:
        """Return what the session has counted; not exact when several threads share the session."""
        return {
            **self._stats,
            "session_id": self.session_id,
            "domain": self.domain.__name__ if self.domain else None,
        }

    def cleanup(self) -> None:
        """End the session. Nothing is kept that would have to be given back."""


_COUNTED: Final = (
    "plans_generated", "total_planning_time_ms", "total_execution_time_ms", "errors", "timeouts", "cancellations",
    "memory_usage_mb", "peak_memory_mb",
)  # fmt: skip


def _raise_stopped(found: Found, timeout_ms: float | None, max_expansions: int | None) -> None:
    """Raise that a limit stopped the search, unless none did."""
    if found.failure is None or not isinstance(found.failure.stopped, LimitReached):
        return
    if max_expansions is not None and found.expansions >= max_expansions:
        raise found.failure.stopped
    raise PlanningTimeoutError(f"stopped after {timeout_ms:g} ms")


_SESSIONS: Final[dict[str, PlannerSession]] = {}
_DEFAULT: Final = "default"


def create_session(session_id: str | None = None, **settings: Any) -> PlannerSession:
    """Make a session that `get_session` finds again by its name."""
    session = PlannerSession(session_id, **settings)
    _SESSIONS[session.session_id] = session
    return session


def get_session(session_id: str | None = None) -> PlannerSession:
    """Return the session with a name, or the default session. ValueError when there is none of that name."""
    if session_id is None:
        return _SESSIONS.setdefault(_DEFAULT, PlannerSession(_DEFAULT, domain=current().domain))
    if session_id not in _SESSIONS:
        raise ValueError(f"there is no session {session_id!r}")
    return _SESSIONS[session_id]


def destroy_session(session_id: str) -> bool:
    """Forget a session; say whether there was one."""
    return _SESSIONS.pop(session_id, None) is not None


def list_sessions() -> list[str]:
    """Return the names of the sessions that were created."""
    return list(_SESSIONS)


class ResourceManager:
    """GTPyhop's name for memory tracking. There is none here, so nothing is sampled and nothing is to be reset."""

    @staticmethod
    def reset() -> None:
        """Do nothing."""

    @staticmethod
    def sample_memory(session_id: str | None = None) -> None:
        """Do nothing."""
