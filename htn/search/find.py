"""The front door of the search."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, get_args

from htn.domain import Domain
from htn.errors import HtnError, LimitReached, NeedsValue, UsageError
from htn.failure import Failure
from htn.network import Multigoal, Part, TaskNetwork
from htn.plan import Plan
from htn.search.agenda import Entry, parts_of, push
from htn.search.best_first import BestFirst, Heuristic
from htn.search.depth_first import DepthFirst
from htn.search.limits import Limits, SearchEvent, Watch, hold_back_collector
from htn.search.problem import Problem
from htn.search.report import Report
from htn.search.sensing import stage_on
from htn.search.tree import Tree
from htn.search.ways import Ways
from htn.state import State

Strategy: TypeAlias = Literal["depth-first", "anytime", "best-first"]
_STRATEGIES: tuple[str, ...] = get_args(Strategy)
_NO_LIMITS = Limits()


def find_plan(
    domain: Domain,
    state: State,
    tasks: Sequence[Part] | TaskNetwork,
    *,
    strategy: Strategy = "depth-first",
    heuristic: Heuristic | None = None,
    limits: Limits | None = None,
    clock: Callable[[], float] | None = None,
    cancelled: Callable[[], bool] | None = None,
    on_event: Callable[[SearchEvent], None] | None = None,
    on_plan: Callable[[Plan], None] | None = None,
) -> Plan | Failure:
    """Return a plan that carries out `tasks` from `state`, or a failure that says why there is none.

    Where the search comes to a value that only execution can know, it stops there: the failure's `stage` is what can be
    carried out before. Other ways are not tried first: the value may say that this one is right.

    Args:
        domain: what is known.
        state: where planning starts; handed back unchanged.
        tasks: tasks and goals in order, or a network of them.
        strategy: "depth-first" returns the first plan; "anytime" goes on for cheaper ones until the limit;
            "best-first" expands what promises to cost least, and its first plan is the cheapest one as long as the
            heuristic never estimates too much.
        heuristic: for "best-first": of the state and the tasks that are left, what the rest will cost.
        limits: when to give up; without, the search runs until it is done.
        clock: seconds, rising; needed for `Limits.seconds`.
        cancelled: asked now and then; when it says yes the search stops with what it has found.
        on_event: hears what the search does; silence costs nothing.
        on_plan: hears each plan, the first and every cheaper one.

    Raises:
        DomainError: a function of the domain raised an exception or returned something that is no task.
    """
    parts = _checked(tasks)
    if strategy not in _STRATEGIES:
        raise UsageError(f"there is no strategy {strategy!r}", hints=(f"use {', '.join(_STRATEGIES)}",))
    mark = state.mark()
    problem = Problem.of(domain, state)
    cheapest = strategy == "best-first"
    trail: list[Entry] = []
    report = Report(problem, trail, trail_is_cut_elsewhere=cheapest)
    watch = Watch(limits or _NO_LIMITS, clock, cancelled)
    bound = strategy != "depth-first"
    if cheapest:
        search: Ways = Ways(problem, report, watch, trail, hear=on_event, bound=bound, remember=False)
        plans = BestFirst(search, heuristic).plans
    else:
        search = depth_first = DepthFirst(problem, report, watch, trail, hear=on_event, bound=bound)
        plans = depth_first.plans
    only_one = strategy != "anytime"
    best: Plan | None = None
    stopped: HtnError | None = None
    collects = hold_back_collector()
    try:
        for entries, _ in plans(push(parts, None, None)):
            tree = Tree(entries if only_one else entries.copy(), domain.operators)
            best = Plan.unwritten(domain.name, parts, tree, search.expansions)
            if on_plan:
                on_plan(best)
            if only_one:
                break
    except (LimitReached, NeedsValue) as error:
        stopped = error
    finally:
        if collects:
            gc.enable()
        state.undo(mark)
    if best is not None:
        return best
    failure = report.failure(parts, search.expansions, stopped)
    if not isinstance(stopped, NeedsValue):
        return failure
    return replace(failure, stage=stage_on(trail, domain, state, parts, search.expansions, stopped.message))


def _checked(tasks: Sequence[Part] | TaskNetwork) -> tuple[Part, ...]:
    parts = parts_of(tasks)
    for part in parts:
        if not (isinstance(part, tuple) and part and isinstance(part[0], str)) and not isinstance(
            part, (TaskNetwork, Multigoal)
        ):
            raise UsageError(
                f"{part!r:.60} is not a task",
                hints=("a task is a tuple of a name and its arguments; find_plan takes a list of tasks",),
            )
    return parts
