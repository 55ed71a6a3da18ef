"""What a plan is, in its plainest form: every way to derive one from a network of tasks, by recursion over deep copies.

`derivations` gives plans, in any order of the methods and interleaved in any way; `is_derivable` says whether a list of
nodes is one of them. States are plain namespaces of dicts. It knows nothing of the search nor of the verifier.
"""

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from htn.domain import Domain, Method
from htn.network import Multigoal, Task, TaskNetwork
from htn.plan import HOLDS, Decomposition


@dataclass(frozen=True)
class Todo:
    """A task that is left, or with `check` a goal that must hold by now."""

    task: Task | Multigoal
    parent: int | None
    check: bool = False


@dataclass(frozen=True)
class Parts:
    """What is left of a network."""

    parts: tuple["Todo | Parts", ...]
    ordered: bool


Left = Todo | Parts
# What may come next, and what is left when it has been replaced by something.
Next = tuple[Todo, Callable[[Left], Left]]


def todo(part: Any, parent: int | None) -> Left:
    if isinstance(part, TaskNetwork):
        return Parts(tuple(todo(inner, parent) for inner in part.parts), part.ordered)
    return Todo(part, parent)


def is_done(left: Left) -> bool:
    return isinstance(left, Parts) and all(map(is_done, left.parts))


def nexts(left: Left) -> Iterator[Next]:
    if isinstance(left, Todo):
        yield left, lambda instead: instead
        return
    for at, part in enumerate(left.parts):
        if is_done(part):
            continue
        for following, put in nexts(part):
            yield following, _within(left, at, put)
        if left.ordered:
            return


def _within(left: Parts, at: int, put: Callable[[Left], Left]) -> Callable[[Left], Left]:
    return lambda instead: Parts((*left.parts[:at], put(instead), *left.parts[at + 1 :]), left.ordered)


DONE = Parts((), True)


def reached(state: SimpleNamespace, goal: Task | Multigoal) -> bool:
    rows = goal.wanted if isinstance(goal, Multigoal) else (goal,)
    return all(getattr(state, variable).get(key, "absent") == value for variable, key, value in rows)


def methods_of(domain: Domain, task: Task | Multigoal) -> Sequence[Method]:
    if isinstance(task, Multigoal):
        return domain.multigoal_methods
    return domain.methods.get(task[0], ()) or domain.goal_methods.get(task[0], ())


def _outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function gives, or None when it was given what it is not for."""
    try:
        return function(*arguments)
    except (TypeError, ValueError, KeyError):
        return None


Step = tuple[Decomposition | None, SimpleNamespace, Left]


def steps(domain: Domain, state: SimpleNamespace, left: Left, at: int) -> Iterator[Step]:
    """Give every step that may come next: the node that it adds at index `at`, the state and what is left after it."""
    for following, put in nexts(left):
        task, parent = following.task, following.parent
        if following.check:
            if reached(state, task):
                yield None, state, put(DONE)
            continue
        operator = domain.operators.get(task[0]) if isinstance(task, tuple) else None
        if operator is not None:
            assert isinstance(task, tuple)
            after = copy.deepcopy(state)
            if operator.apply is not None and _outcome(operator.apply, after, *task[1:]) is after:
                yield Decomposition(task, None, parent, operator.version), after, put(DONE)
            continue
        goal = isinstance(task, Multigoal) or task[0] in domain.goal_methods
        if goal and _outcome(reached, state, task) is None:
            continue
        if goal and reached(state, task):
            yield Decomposition(task, HOLDS, parent), state, put(DONE)
            continue
        for method in methods_of(domain, task):
            arguments = (task,) if isinstance(task, Multigoal) else task[1:]
            found = _outcome(method.decompose, copy.deepcopy(state), *arguments)
            for parts in found if inspect.isgenerator(found) else [found]:
                if parts is None or parts is False:
                    continue
                below: list[Left] = [todo(part, at) for part in (parts if isinstance(parts, list) else [parts])]
                if goal:
                    below.append(Todo(task, parent, check=True))
                yield Decomposition(task, method.name, parent), state, put(Parts(tuple(below), True))


def is_derivable(domain: Domain, state: SimpleNamespace, tasks: Sequence[Any], nodes: Sequence[Decomposition]) -> bool:
    """Say whether `nodes` are a plan for the tasks."""

    def go_on(state: SimpleNamespace, left: Left, at: int) -> bool:
        if is_done(left) and at == len(nodes):
            return True
        return any(
            go_on(after, then, at + (node is not None))
            for node, after, then in steps(domain, state, left, at)
            if node is None or (at < len(nodes) and repr(node) == repr(nodes[at]))
        )

    return go_on(state, Parts(tuple(todo(part, None) for part in tasks), True), 0)


def derivation(
    domain: Domain, state: SimpleNamespace, tasks: Sequence[Any], choose: Callable[[int], int], tries: int = 60
) -> tuple[Decomposition, ...] | None:
    """Return some plan for the tasks, or None when none was found; `choose` picks one of so many alternatives."""
    left_to_try = [tries]

    def go_on(state: SimpleNamespace, left: Left, nodes: tuple[Decomposition, ...]) -> Any:
        if is_done(left):
            return nodes
        ways = list(steps(domain, state, left, len(nodes)))
        while ways and left_to_try[0]:
            left_to_try[0] -= 1
            node, after, then = ways.pop(choose(len(ways)))
            found = go_on(after, then, nodes if node is None else (*nodes, node))
            if found is not None:
                return found
        return None

    return go_on(state, Parts(tuple(todo(part, None) for part in tasks), True), ())  # type: ignore[no-any-return]
