"""What every replay of a plan needs: when its tasks end, what a method gives, and when two tasks are the same.

Moment n is the state after the first n nodes of the plan, so node n is looked at in moment n. A task begins in the
moment of its node. It ends when the last of its subtasks has ended, and a goal in the first moment from there on in
which it holds: where parts are interleaved, another part may bring it about.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from types import GeneratorType
from typing import Any

from htn.domain import Domain, Method
from htn.errors import NeedsValue
from htn.network import Multigoal, Part, Task, TaskNetwork, holds
from htn.plan import Decomposition
from htn.state import State
from htn.unknown import Unknown
from htn.values import own_copy


class Endings:
    """Finds out when each task of a tree ends, while its nodes are carried out one after the other.

    `ends[at]` is the moment in which the task of node `at` ended, or None while it has not. `goals` are the nodes
    whose goal must hold at their end, and `reached` is asked whether the goal of a node holds at this moment.
    `waiting` are the goals whose subtasks have ended, but which do not hold yet.
    """

    def __init__(self, nodes: Sequence[Decomposition], goals: Set[int], reached: Callable[[int], bool]) -> None:
        self.ends: list[int | None] = [None] * len(nodes)
        self._nodes, self._goals, self._reached = nodes, goals, reached
        self._open = [1] * len(nodes)  # the subtasks that have not ended, and the node itself
        for node in nodes:
            if node.parent is not None:
                self._open[node.parent] += 1
        self.waiting: list[int] = []

    def carried_out(self, at: int) -> None:
        """Note that node `at` was carried out, in the state that it led to."""
        self._close(at, at + 1)
        asked = 0
        while asked < len(self.waiting):
            goal = self.waiting[asked]
            if not self._reached(goal):
                asked += 1
                continue
            self.waiting.remove(goal)
            self.ends[goal] = at + 1
            above = self._nodes[goal].parent
            if above is not None:
                self._close(above, at + 1)

    def _close(self, at: int | None, moment: int) -> None:
        """Note that something of node `at` has ended, and with the last the task itself."""
        while at is not None:
            self._open[at] -= 1
            if self._open[at]:
                return
            if at in self._goals:
                self.waiting.append(at)
                return
            self.ends[at] = moment
            at = self._nodes[at].parent


def checks_in(domain: Domain, nodes: Sequence[Decomposition]) -> set[int]:
    """Return the open nodes that are no subtask but the check of the goal above them, which is still to come."""
    last: dict[int | None, int] = {node.parent: at for at, node in enumerate(nodes)}
    return {
        at for parent, at in last.items()
        if parent is not None and nodes[at].is_open and is_goal(domain, nodes[parent].task)
        and form(nodes[at].task) == form(nodes[parent].task)
    }  # fmt: skip


def last_moments(nodes: Sequence[Decomposition]) -> list[int]:
    """Return for each node the moment in which it and everything below it has been carried out."""
    ends = list(range(1, len(nodes) + 1))
    for at in reversed(range(len(nodes))):
        parent = nodes[at].parent
        if parent is not None:
            ends[parent] = max(ends[parent], ends[at])
    return ends


def is_goal(domain: Domain, task: Task | Multigoal) -> bool:
    """Say whether a task is a goal in a domain."""
    return isinstance(task, Multigoal) or (
        task[0] in domain.goal_methods and task[0] not in domain.methods and task[0] not in domain.operators
    )


def is_reached(state: State, goal: Task | Multigoal) -> bool:
    """Say whether a goal holds. Raises NeedsValue when only execution can know."""
    return not goal.unmet(state) if isinstance(goal, Multigoal) else holds(state, *goal)


def methods_for(domain: Domain, task: Task | Multigoal) -> tuple[Method, ...]:
    """Return the methods of a task or goal."""
    if isinstance(task, Multigoal):
        return domain.multigoal_methods
    return domain.methods.get(task[0]) or domain.goal_methods.get(task[0], ())


def alternatives(method: Method, state: State, task: Task | Multigoal) -> Iterator[tuple[Any, ...]]:
    """Give the lists of subtasks that a method offers for a task, as lazily as the method does.

    An empty tuple of parts means that nothing has to be done. What is in the lists is not looked at.
    """
    found = method.decompose(state, *((task,) if isinstance(task, Multigoal) else arguments_of(task)))
    for parts in found if isinstance(found, GeneratorType) else (found,):
        if parts is not None and parts is not False:
            yield tuple(parts) if type(parts) in (list, tuple) else (parts,)


def arguments_of(task: Task) -> tuple[Any, ...]:
    """Return the arguments of a task, copied where a function could change them."""
    arguments = task[1:]
    try:
        hash(arguments)
    except (TypeError, NeedsValue):
        return tuple(own_copy(argument, f"an argument of {task[0]}") for argument in arguments)
    return arguments


def tasks_in(parts: Sequence[Part]) -> list[Task | Multigoal]:
    """Return the tasks and goals of some parts, in the order in which they are written."""
    return list(TaskNetwork(tuple(parts)).tasks())


def form(value: Any) -> Any:
    """Return something hashable that is equal for values that are the same, 1 and True being different.

    Unknowns with the same description are the same, as each replay makes its own.
    """
    kind = type(value)
    if kind is Unknown:
        return kind, value.description
    if kind is list or kind is tuple:
        return kind, tuple(map(form, value))
    if kind is set or kind is frozenset:
        return kind, frozenset(map(form, value))
    if isinstance(value, dict):
        return dict, frozenset((form(key), form(part)) for key, part in value.items())
    if isinstance(value, Multigoal):
        return Multigoal, value.name, form(value.wanted)
    if isinstance(value, TaskNetwork):
        return TaskNetwork, value.ordered, form(value.parts)
    if kind is float:
        return kind, repr(value)  # nan is the same as nan
    try:
        hash(value)
    except TypeError:
        return kind, repr(value)
    return kind, value
