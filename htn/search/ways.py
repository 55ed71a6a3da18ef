"""The ways to do what stands in front of an agenda, in general: what each search is made of.

`Ways.steps` gives them one after the other. Whoever asks for the next one first takes back what the last one did to
the state and the trail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import GeneratorType
from typing import Any, TypeAlias

from htn.domain import Method
from htn.errors import DomainError
from htn.failure import Refusal
from htn.network import Multigoal, holds, show_task
from htn.plan import HOLDS
from htn.search.agenda import CHECK, FORK, GOALS, Agenda, Entry, Node, fronts, own_arguments, push, shown
from htn.search.limits import SearchEvent, Watch
from htn.search.memory import Memory
from htn.search.problem import Problem
from htn.search.report import Report, changes_the_state, wrong_result

# What is left to do, how many actions were done, and what they cost.
Step: TypeAlias = tuple[Agenda, int, float]
_END = object()


class Ways:
    """The ways of one search. `expansions` counts the tasks that were looked at, also while it runs."""

    def __init__(
        self,
        problem: Problem,
        report: Report,
        watch: Watch,
        trail: list[Entry],
        *,
        hear: Callable[[SearchEvent], None] | None = None,
        bound: bool = False,
        remember: bool = True,
    ) -> None:
        self.problem, self.report, self.watch, self.hear = problem, report, watch, hear
        self.bound = bound
        self.expansions = 0
        self.best = float("inf")
        self.trail = trail
        self.memory = Memory(problem.state, off=not remember)

    def steps(self, agenda: Agenda, done: int, cost: float) -> Iterator[Step]:
        """Give every way to do what stands in front of the agenda: one step at a time."""
        assert agenda is not None  # there is something to do
        item, parent, rest = agenda
        head = item[0]
        if head is FORK:
            if not self._is_repeated(agenda, done, cost):
                yield from self._interleaved(agenda, done, cost)
        elif head is CHECK:
            if self._reached(item[1]):
                yield rest, done, cost
            else:
                self._dead_end(item, parent, done, [Refusal(show_task(item[1]), "its method did not reach it")])
        elif (operator := self.problem.operators.get(head)) is not None and operator.apply is not None:
            yield from self._applied(agenda, operator.apply, done, cost)
        elif head in self.problem.ways:
            yield from self._further(agenda, self.problem.ways[head], 0, None, done, cost, applied=False)
        elif head is GOALS or head in self.problem.goal_ways:
            if self._reached(shown(item)):
                self.trail.append((agenda, HOLDS, 0 if parent is None else parent[2] + 1))
                yield rest, done, cost
            elif not self._is_repeated(agenda, done, cost):
                methods = self.problem.multigoal_ways if head is GOALS else self.problem.goal_ways[head]
                yield from self._further(agenda, methods, 0, None, done, cost, applied=False)
        else:
            self.report.gap(item, parent, rest)
            self.memory.count_dead_end()
            if self.hear:
                self._tell("gap", item, None, parent)

    def _interleaved(self, agenda: Agenda, done: int, cost: float) -> Iterator[Step]:
        """Give every way to go on with some thread of the fork in front."""
        for item, parent, rest, wrap in fronts(agenda):
            self.expansions += 1
            length = len(self.trail)
            for after, done_then, cost_then in self.steps((item, parent, rest), done, cost):
                whole = wrap(after)
                if len(self.trail) > length and type(self.trail[-1][1]) is not str:
                    self.trail[-1] = (*self.trail[-1], whole)
                yield whole, done_then, cost_then

    def _applied(self, agenda: Agenda, function: Callable[..., Any], done: int, cost: float) -> Iterator[Step]:
        assert agenda is not None  # an operator's task stands in front
        item, parent, rest = agenda
        state = self.problem.state
        mark = state.mark()
        if self.bound:
            cost += self.problem.cost(item)
        try:
            result = function(state, *own_arguments(item))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # as in _descend
            self.report.operator_raised(error, item, parent, done)
        state.mark()
        if result is not state or cost >= self.best:
            self._not_applied(result, item, parent, done, mark)
            return
        self.trail.append(agenda)
        if self.hear:
            self._tell("action", item, None, parent)
        yield rest, done + 1, cost

    def _further(
        self,
        agenda: Agenda,
        methods: tuple[Method, ...],
        index: int,
        produced: Iterator[Any] | None,
        done: int,
        cost: float,
        *,
        applied: bool,
    ) -> Iterator[Step]:
        """Give the alternatives of a task or goal, from those of `produced` and the method at `index` on.

        `applied` says that one was tried before; without any, the task is a dead end of its own.
        """
        assert agenda is not None  # the task stands in front
        item, parent, _ = agenda
        goal = None if item[0] in self.problem.ways else shown(item)
        while True:
            if produced is not None:
                for found in self._checked(produced, methods[index - 1], item, parent, done):
                    applied = True
                    yield self._decomposed(agenda, methods[index - 1].name, found, goal), done, cost
                produced = None
            if index == len(methods):
                break
            index += 1
            found = self._asked(methods[index - 1], item, parent, done)
            if type(found) is GeneratorType:
                produced = found
            elif found is not None and found is not False:
                applied = True
                yield self._decomposed(agenda, methods[index - 1].name, found, goal), done, cost
        if not applied:
            self._no_way(agenda, done, methods)
        if self.hear:
            self._tell("backtrack", item, None, parent)

    def _asked(self, method: Method, item: Any, parent: Node | None, done: int) -> Any:
        """Return what a method gives: subtasks, a generator of such, or nothing."""
        mark = self.problem.state.mark()
        try:
            found = method.decompose(self.problem.state, *own_arguments(item))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # as in _descend
            self.report.method_raised(error, item, parent, method, done)
            return None
        self._check_unchanged(mark, method)
        return found

    def _checked(
        self, produced: Iterator[Any], method: Method, item: Any, parent: Node | None, done: int
    ) -> Iterator[Any]:
        """Give what a method yields, and see that it leaves the state alone."""
        while True:
            mark = self.problem.state.mark()
            try:
                found = next(produced, _END)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001  # as in _descend
                self.report.method_raised(error, item, parent, method, done)
                return
            self._check_unchanged(mark, method)
            if found is _END:
                return
            if found is not None and found is not False:
                yield found
            else:
                self.look()  # a method that yields nothing for ever is stopped by the limits too

    def _decomposed(self, agenda: Agenda, method: str, found: Any, goal: Any = None) -> Agenda:
        """Add a node to the tree, and return the agenda that does what the method gave and then the rest.

        After a goal's method, the goal is checked first.
        """
        assert agenda is not None  # the task that was decomposed stands in front
        item, parent, rest = agenda
        depth = 0 if parent is None else parent[2] + 1
        if self.watch.depth is not None and depth >= self.watch.depth:
            raise self.watch.too_deep()
        node: Node = (agenda, method, depth)
        self.trail.append(node)
        if self.hear:
            self._tell("method", item, method, parent)
        if goal is not None:
            rest = ((CHECK, goal), node, rest)
        kind = type(found)
        return push(found if kind is list or kind is tuple else (found,), node, rest)

    def _reached(self, goal: Any) -> bool:
        state = self.problem.state
        if isinstance(goal, Multigoal):
            return not goal.unmet(state)
        if len(goal) != 3:
            raise DomainError(f"{show_task(goal)} is a goal, which has a key and a value: ({goal[0]}, key, value)")
        try:
            return holds(state, *goal)
        except TypeError as error:
            raise DomainError(f"{show_task(goal)} names a key that cannot be one: {error}") from error

    def look(self) -> None:
        """Count one expansion; LimitReached when that was one too many."""
        self.watch.look(self.expansions)
        self.expansions += 1

    def _is_repeated(self, agenda: Agenda, done: int, cost: float) -> bool:
        if not self.memory.is_repeated(agenda, self.expansions, len(self.trail), cost):
            return False
        if self.report.is_news(done) and agenda is not None:
            why = "the same is left to do in the same state as before"
            self.report.dead_end(agenda[0], agenda[1], done, [Refusal("going on", why)])
        return True

    def _not_applied(self, result: Any, item: Any, parent: Node | None, done: int, mark: int) -> None:
        self.problem.state.undo(mark)
        if result is None or result is False:
            if self.report.is_news(done):
                self.report.refused(item, parent, done)
            self.memory.count_dead_end()
        elif result is not self.problem.state:
            wrong_result(item[0], result, item)

    def _no_way(self, agenda: Agenda, done: int, methods: tuple[Method, ...]) -> None:
        assert agenda is not None  # the task stands in front
        item, parent, rest = agenda
        self.report.check_count(item, parent, methods)
        if self.report.is_news(done):
            self.report.no_way(item, parent, done, methods)
        if item[0] in self.problem.aims:
            self.report.unreached(item, parent, rest)
        self.memory.count_dead_end()

    def _dead_end(self, item: Any, parent: Node | None, done: int, refusals: list[Refusal]) -> None:
        if self.report.is_news(done):
            self.report.dead_end(item, parent, done, refusals)
        self.memory.count_dead_end()

    def _check_unchanged(self, mark: int, method: Method) -> None:
        if self.problem.state.mark() != mark:
            changes_the_state(method)

    def _tell(self, kind: str, item: Any, method: str | None, parent: Node | None) -> None:
        assert self.hear is not None  # only called when somebody listens
        self.hear(SearchEvent(kind, shown(item), method, 0 if parent is None else parent[2] + 1))
