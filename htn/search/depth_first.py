"""Depth-first search: total-order and interleaved forward decomposition with an explicit stack.

The agenda is what is left to do. An operator at its front changes the state; a task with methods is replaced by the
subtasks of its first method that applies, and becomes a choice point if there may be further ones. Where nothing
applies, the journal takes the state back to the last choice point (SHOP's procedure; Nau, Cao, Lotem and
Muñoz-Avila, 1999). At a fork every thread's next task is an alternative (SHOP2; Nau et al., 2003). Methods are
tried in the order of declaration and threads in the order of writing, so the same problem gives the same plan.

What was tried before is not tried again: see `htn.search.memory`.

Each plan that is found is handed out; asked to go on, the search looks for one that costs less (branch and bound).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import GeneratorType
from typing import Any, TypeAlias

from htn.domain import Method
from htn.errors import DomainError, NeedsValue
from htn.failure import Refusal
from htn.network import Multigoal, holds, show_task
from htn.plan import HOLDS
from htn.search.agenda import CHECK, FORK, GOALS, Agenda, Entry, Node, fronts, own_arguments, push, shown
from htn.search.limits import SearchEvent, Watch
from htn.search.memory import Memory
from htn.search.problem import Problem
from htn.search.report import Report, changes_the_state, wrong_result

_END = object()

# What is left to do, how many actions were done, and what they cost.
_Step: TypeAlias = tuple[Agenda, int, float]
# A choice point: how far to go back (journal, tree), and its further alternatives; or, until somebody asks for these,
# the arguments of `_further`, because most are never asked for.
_Choice: TypeAlias = tuple[Any, ...]


class Exhausted(Exception):
    """Nothing is left to try."""


class DepthFirst:
    """One search. `expansions` counts the tasks that were looked at, also while it runs."""

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
        self._stack: list[_Choice] = []
        self.memory = Memory(problem.state, off=not remember)

    def plans(self, agenda: Agenda) -> Iterator[tuple[list[Entry], float]]:
        """Find plans: the nodes of the tree in order, and the cost. With `bound`, each costs less than the one before.

        The list of nodes is the search's own; copy it before asking for the next.
        """
        try:
            done, cost = 0, 0.0
            while True:
                agenda, done, cost = self._descend(agenda, done, cost)
                if agenda is None:
                    yield self.trail, cost
                    self.best = cost
                agenda, done, cost = self._go_back()
        except Exhausted:
            return

    def _descend(self, agenda: Agenda, done: int, cost: float) -> _Step:  # noqa: C901, PLR0912, PLR0915  # see below
        """Do what is on the agenda until nothing is left: then the agenda that is returned is None.

        One loop, because a call for each task would cost more than the task; names are local for the same reason.
        What is neither an operator nor a task with methods is rare, and goes the general way, `steps`.
        """
        problem, trail, stack, hear, bound = self.problem, self.trail, self._stack, self.hear, self.bound
        known, ways, state, journal = problem.operators.get, problem.ways.get, problem.state, problem.state._journal
        changes, watched, memory, best, keep = journal.changes, journal.watched, self.memory, self.best, trail.append
        expansions, look_at, deepest = self.expansions, 0, self.watch.depth
        (circle_item, circle_rest), ask_at = memory.circle, memory.ask_at
        while agenda is not None:
            item, parent, rest = agenda
            if expansions >= look_at:
                self.expansions = expansions
                look_at = self.watch.look(expansions)
            expansions += 1
            mark = len(changes)
            operator = known(item[0])
            if operator is not None and operator.apply is not None:
                if bound:
                    cost += problem.cost(item)
                arguments = item[1:]
                try:
                    hash(arguments)
                except (TypeError, NeedsValue):
                    arguments = own_arguments(item)
                try:
                    result = operator.apply(state, *arguments)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # noqa: BLE001  # a domain's function may raise anything; it is told as its own
                    self.report.operator_raised(error, item, parent, done)
                if watched:
                    journal.settle()
                if result is state and cost < best:
                    keep(agenda)
                    done += 1
                    agenda = rest
                    if hear:
                        self._tell("action", item, None, parent)
                else:
                    self.expansions = expansions
                    self._not_applied(result, item, parent, done, mark)
                    agenda, done, cost = self._go_back()
                    expansions, ask_at = self.expansions, memory.ask_at
                continue
            methods = ways(item[0])
            if methods is None:
                stack.append((mark, len(trail), self.steps(agenda, done, cost)))
                self.expansions = expansions
                agenda, done, cost = self._go_back()
                expansions, ask_at = self.expansions, memory.ask_at
                continue
            try:
                again = expansions >= ask_at or (rest is circle_rest and item == circle_item)
            except NeedsValue:
                again = False  # what is not known is not the same
            if again:
                self.expansions = expansions
                if self._is_repeated(agenda, done, cost):
                    agenda, done, cost = self._go_back()
                    expansions, ask_at = self.expansions, memory.ask_at
                    continue
                (circle_item, circle_rest), ask_at = memory.circle, memory.ask_at
            arguments = item[1:]
            try:
                hash(arguments)
            except (TypeError, NeedsValue):
                arguments = own_arguments(item)
            index = 0
            for method in methods:
                index += 1
                try:
                    found = method.decompose(state, *arguments)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # noqa: BLE001  # as above
                    self.report.method_raised(error, item, parent, method, done)
                    continue
                if watched or len(changes) != mark:
                    self._check_unchanged(mark, method)
                if found is not None and found is not False:
                    break
            else:
                self.expansions = expansions
                self._no_way(item, parent, done, methods)
                agenda, done, cost = self._go_back()
                expansions, ask_at = self.expansions, memory.ask_at
                continue
            if type(found) is GeneratorType:
                further = self._further(agenda, methods, index, found, done, cost, applied=False)
                stack.append((mark, len(trail), further))
                self.expansions = expansions
                agenda, done, cost = self._go_back()
                expansions, ask_at = self.expansions, memory.ask_at
                continue
            if index < len(methods):
                stack.append((mark, len(trail), agenda, methods, index, done, cost))
            node: Node = (agenda, method.name, 0 if parent is None else parent[2] + 1)
            if deepest is not None and node[2] >= deepest:
                raise self.watch.too_deep()
            keep(node)
            if hear:
                self._tell("method", item, method.name, parent)
            if type(found) is list:
                for part in reversed(found):
                    if type(part) is tuple and part and type(part[0]) is str:
                        rest = (part, node, rest)
                    else:
                        rest = push((part,), node, rest)
                agenda = rest
            else:
                agenda = push(found if type(found) is tuple else (found,), node, rest)
        self.expansions = expansions
        return None, done, cost

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

    def _go_back(self) -> _Step:
        """Return the next alternative of the last choice point that has one, with state and tree as they were there."""
        while self._stack:
            mark, length, *rest = self._stack[-1]
            self.problem.state.undo(mark)
            if length < self.report.shared:
                self.report.cut(length)
            del self.trail[length:]
            self.memory.went_back(length)
            if len(rest) > 1:
                step = self._next_method(mark, length, *rest)
            else:
                step = next(rest[0], None)
                if step is None:
                    self._stack.pop()
            if step is not None:
                return step
        raise Exhausted

    def _next_method(
        self, mark: int, length: int, agenda: Agenda, methods: tuple[Method, ...], index: int, done: int, cost: float
    ) -> _Step | None:
        """Try the methods of a task from `index` on, the choice point on top of the stack; None when there is none.

        What `_further` does, for the commonest case and without a generator of its own.
        """
        assert agenda is not None  # the task stands in front
        if self.hear:
            self._stack[-1] = (mark, length, self._further(agenda, methods, index, None, done, cost, applied=True))
            return None
        item, parent, _ = agenda
        for at in range(index, len(methods)):
            found = self._asked(methods[at], item, parent, done)
            if found is None or found is False:
                continue
            if type(found) is GeneratorType:
                further = self._further(agenda, methods, at + 1, found, done, cost, applied=True)
                self._stack[-1] = (mark, length, further)
                return None
            if at + 1 < len(methods):
                self._stack[-1] = (mark, length, agenda, methods, at + 1, done, cost)
            else:
                self._stack.pop()
            return self._decomposed(agenda, methods[at].name, found), done, cost
        self._stack.pop()
        return None

    def steps(self, agenda: Agenda, done: int, cost: float) -> Iterator[_Step]:
        """Give every way to do what stands in front of the agenda: `_descend` in general, one step at a time."""
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

    def _interleaved(self, agenda: Agenda, done: int, cost: float) -> Iterator[_Step]:
        """Give every way to go on with some thread of the fork in front."""
        for item, parent, rest, wrap in fronts(agenda):
            self.expansions += 1
            for after, done_then, cost_then in self.steps((item, parent, rest), done, cost):
                yield wrap(after), done_then, cost_then

    def _applied(self, agenda: Agenda, function: Callable[..., Any], done: int, cost: float) -> Iterator[_Step]:
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
    ) -> Iterator[_Step]:
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
            self._no_way(item, parent, done, methods)
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

    def _no_way(self, item: Any, parent: Node | None, done: int, methods: tuple[Method, ...]) -> None:
        self.report.check_count(item, parent, methods)
        if self.report.is_news(done):
            self.report.no_way(item, parent, done, methods)
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
