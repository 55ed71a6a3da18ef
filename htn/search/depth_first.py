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

from collections.abc import Iterator
from types import GeneratorType
from typing import Any, TypeAlias

from htn.domain import Method
from htn.errors import NeedsValue
from htn.search.agenda import Agenda, Entry, Node, own_arguments, push
from htn.search.ways import Step, Ways

# A choice point: how far to go back (journal, tree), and its further alternatives; or, until somebody asks for these,
# the arguments of `_next_method`, because most are never asked for.
_Choice: TypeAlias = tuple[Any, ...]


class Exhausted(Exception):
    """Nothing is left to try."""


class DepthFirst(Ways):
    """One search, which remembers on a stack where it had a choice."""

    _stack: list[_Choice]

    def plans(self, agenda: Agenda) -> Iterator[tuple[list[Entry], float]]:
        """Find plans: the nodes of the tree in order, and the cost. With `bound`, each costs less than the one before.

        The list of nodes is the search's own; copy it before asking for the next.
        """
        self._stack = []
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

    def _descend(self, agenda: Agenda, done: int, cost: float) -> Step:  # noqa: C901, PLR0912, PLR0915  # see below
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
                self._no_way(agenda, done, methods)
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

    def _go_back(self) -> Step:
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
    ) -> Step | None:
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
