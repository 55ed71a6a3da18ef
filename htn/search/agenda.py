"""What is left to do, as a linked list whose tail is shared by all that backtracking goes back to.

An agenda is `(item, node above, rest)`, or None when nothing is left. An item is a task, or one of three
things that the search makes itself, tuples whose head is no text, so that no operator or method can have it:

    (FORK, agendas)       parts that may be interleaved: each is an agenda of its own
    (GOALS, multigoal)    several values to reach at once
    (CHECK, goal)         after a goal's method: the goal must hold now

A node of the tree is `(the agenda with its task in front, method, depth)`; a leaf, an action, is just such an agenda.
So an action costs no memory of its own. Only where an action is part of a thread of a fork does its entry end with one
thing more: all that was left after it, of every thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from htn.errors import DomainError, NeedsValue
from htn.network import Multigoal, Part, Task, TaskNetwork, sequence, unordered
from htn.values import own_copy
from htn.variables import frozen

Node: TypeAlias = "tuple[Any, str, int]"
Entry: TypeAlias = Any  # a node, or the agenda of an action, maybe with all that is left after it
Agenda: TypeAlias = "tuple[Any, Node | None, Agenda] | None"
# Puts what became of one thread of a fork back into the whole.
Wrap: TypeAlias = "Callable[[Agenda], Agenda]"
Front: TypeAlias = "tuple[Any, Node | None, Agenda, Wrap]"


class _Mark:
    """The head of an item that is no task."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


FORK, GOALS, CHECK = _Mark("fork"), _Mark("goals"), _Mark("check")


def push(parts: Sequence[Any], node: Node | None, rest: Agenda) -> Agenda:
    """Return the agenda that does the parts in order and then the rest."""
    for part in reversed(parts):
        if type(part) is tuple and part and type(part[0]) is str:
            rest = (part, node, rest)
        else:
            rest = _push_part(part, node, rest)
    return rest


def _push_part(part: Any, node: Node | None, rest: Agenda) -> Agenda:
    if isinstance(part, TaskNetwork):
        if part.ordered:
            return push(part.parts, node, rest)
        threads = tuple(thread for p in part.parts if (thread := push([p], node, None)) is not None)
        return fork(threads, node, rest)
    if isinstance(part, Multigoal):
        return ((GOALS, part), node, rest)
    whose = "the network of tasks" if node is None else f"the method {node[1]} of {shown_head(node[0][0])}"
    raise DomainError(
        f"{whose} gave {part!r:.80} where a task should be",
        hints=("a method returns a list of tasks, [('walk', person, start, end)], or None",),
    )


def fork(threads: tuple[Agenda, ...], node: Node | None, rest: Agenda) -> Agenda:
    """Return the agenda that does the threads in any order and then the rest."""
    if not threads:
        return rest
    if len(threads) == 1 and rest is None:
        return threads[0]
    return ((FORK, threads), node, rest)


def fronts(agenda: Agenda) -> Iterator[Front]:
    """Return every task that may come next when a fork stands in front, and how to put what becomes of it back."""
    assert agenda is not None  # only called for an agenda with a fork in front
    (_, threads), node, rest = agenda
    for at, thread in enumerate(threads):
        wrap = _wrapper(threads, at, node, rest)
        if thread[0][0] is FORK:
            for item, parent, inner_rest, inner in fronts(thread):
                yield item, parent, inner_rest, _composed(wrap, inner)
        else:
            yield thread[0], thread[1], thread[2], wrap


def _wrapper(threads: tuple[Any, ...], at: int, node: Node | None, rest: Agenda) -> Wrap:
    def wrap(thread: Agenda) -> Agenda:
        kept = (*threads[:at], *((thread,) if thread is not None else ()), *threads[at + 1 :])
        return fork(kept, node, rest)

    return wrap


def _composed(outer: Wrap, inner: Wrap) -> Wrap:
    return lambda thread: outer(inner(thread))


def tasks_in(agenda: Agenda) -> Iterator[Any]:
    """Return the tasks and goals that are left, those of a fork thread by thread."""
    while agenda is not None:
        item, _, agenda = agenda
        if item[0] is FORK:
            for thread in item[1]:
                yield from tasks_in(thread)
        elif item[0] is not CHECK:
            yield item[1] if item[0] is GOALS else item


def left_after(action: Entry) -> Agenda:
    """Return what was left to do after the action of an entry."""
    left: Agenda = action[-1]  # the rest of its agenda, or all that is left of the fork
    return left


def left_in(agenda: Agenda) -> Iterator[tuple[Any, Node | None]]:
    """Return every item that is left, with the node above it: tasks, goals, and the checks of goals."""
    while agenda is not None:
        item, node, agenda = agenda
        if item[0] is FORK:
            for thread in item[1]:
                yield from left_in(thread)
        else:
            yield item, node


def network_of(agenda: Agenda) -> tuple[Part, ...]:
    """Return what is left as tasks, goals and networks of them; where a goal is to be checked, the goal itself."""
    parts: list[Part] = []
    while agenda is not None:
        item, _, agenda = agenda
        if item[0] is FORK:
            threads = [network_of(thread) for thread in item[1]]
            parts.append(unordered(*(parts[0] if len(parts) == 1 else sequence(*parts) for parts in threads)))
        else:
            parts.append(shown(item))
    return tuple(parts)


def own_arguments(item: Any) -> tuple[Any, ...]:
    """Return a task's arguments, lists and the like copied: what a function does to them must not change the task."""
    if item[0] is GOALS:
        return (item[1],)
    try:
        hash(item)
    except (TypeError, NeedsValue):
        return _copied(item)
    arguments: tuple[Any, ...] = item[1:]
    return arguments


def _copied(item: Any) -> tuple[Any, ...]:
    return tuple(own_copy(argument, f"an argument of {item[0]}") for argument in item[1:])


def shown_head(item: Any) -> str:
    """Return the name of a task, or what a goal is called."""
    return "a multigoal" if item[0] is GOALS else str(item[0])


def shown(item: Any) -> Task | Multigoal:
    """Return the task or goal that an item stands for."""
    goal: Task | Multigoal = item[1] if item[0] in (GOALS, CHECK) else item
    return goal


class Hasher:
    """Hashes agendas: equal for agendas with the same items in the same order, whatever tree they hang in."""

    def __init__(self) -> None:
        # An agenda is kept with its hash, so that its identity is not given to another while it is a key.
        self._known: dict[int, tuple[Agenda, int]] = {}

    def of(self, agenda: Agenda) -> int:
        """Return the hash of an agenda; it costs the items that were not hashed before."""
        pending: list[Any] = []
        while agenda is not None and id(agenda) not in self._known:
            pending.append(agenda)
            agenda = agenda[2]
        total = 0 if agenda is None else self._known[id(agenda)][1]
        for one in reversed(pending):
            total = hash((self._item(one[0]), total))
            self._known[id(one)] = (one, total)
        return total

    def _item(self, item: Any) -> int:
        if item[0] is FORK:
            return hash((FORK, tuple(sorted(map(self.of, item[1])))))
        if item[0] is GOALS or item[0] is CHECK:
            return hash((item[0].name, frozen(wanted(item[1]))))
        return hash(frozen(item))


def wanted(goal: Any) -> Any:
    """Return what a goal asks for as plain values."""
    return goal.wanted if isinstance(goal, Multigoal) else goal


def path_of(node: Node | None) -> list[tuple[Any, str]]:
    """Return the tasks above, with the method that was being tried for each, from the top."""
    path: list[tuple[Any, str]] = []
    while node is not None:
        agenda, method, _ = node
        path.append((agenda[0], method))
        node = agenda[1]
    return path[::-1]


def parts_of(tasks: Sequence[Part] | TaskNetwork) -> tuple[Part, ...]:
    """Return the parts of what a person asks for."""
    return (tasks,) if isinstance(tasks, TaskNetwork) else tuple(tasks)
