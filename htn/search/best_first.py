"""Best-first search: the node with the least cost so far plus estimated cost to come is expanded next.

With a heuristic that never estimates too much, or none, the first plan costs the least there is (A*; Hart, Nilsson
and Raphael, 1968, over the nodes of forward decomposition: a state and what is left to do). With any other
it is a guide. Of nodes with the same state and agenda only a cheaper one is looked at again.

There is one state, journaled. A node keeps what changed since the node above it; going from one node to another
undoes to the last node that both have in common and makes the changes below it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

from htn.search.agenda import Agenda, Entry, Hasher, tasks_in
from htn.search.ways import Ways
from htn.state import State

# Of the state, and of the tasks and goals that are left: what the rest will cost, at least 0.
Heuristic = Callable[[State, tuple[Any, ...]], float]


@dataclass(slots=True, eq=False)
class _Node:
    """A point of the search: what is left, and how it differs from the point above."""

    above: _Node | None
    depth: int
    agenda: Agenda
    done: int
    cost: float
    delta: list[Any]
    entries: list[Entry]


class BestFirst:
    """One search over the same alternatives as `DepthFirst`; `ways` gives them, one step at a time."""

    def __init__(self, ways: Ways, heuristic: Heuristic | None) -> None:
        self.ways = ways
        self.heuristic = heuristic
        self._state = ways.problem.state
        self._hasher = Hasher()
        self._paid: dict[tuple[int, int], float] = {}
        self._queue: list[tuple[float, int, int, _Node]] = []
        self._count = 0
        # The nodes whose changes the state holds now, from the root, each with the mark before its changes.
        self._path: list[tuple[_Node, int, int]] = []

    def plans(self, agenda: Agenda) -> Iterator[tuple[list[Entry], float]]:
        """Find the plans in the order of their cost: the entries of the tree in order, and the cost."""
        self._add(_Node(None, 0, agenda, 0, 0.0, [], []))
        while self._queue:
            _, _, _, node = heappop(self._queue)
            self._go_to(node)
            if node.agenda is None:
                yield self.ways.trail, node.cost
                continue
            if self._is_repeated(node):
                continue
            self.ways.look()
            mark, length = self._state.mark(), len(self.ways.trail)
            for after, done, cost in self.ways.steps(node.agenda, node.done, node.cost):
                entries = self.ways.trail[length:]
                self._add(_Node(node, node.depth + 1, after, done, cost, self._state.delta(mark), entries))
                self._state.undo(mark)
                del self.ways.trail[length:]
            self._state.undo(mark)
            del self.ways.trail[length:]

    def _add(self, node: _Node) -> None:
        estimate = 0.0
        if self.heuristic is not None and node.agenda is not None:
            estimate = self.heuristic(self._state, tuple(tasks_in(node.agenda)))
        # Among equals the one that came further, then the one that was found first.
        self._count += 1
        heappush(self._queue, (node.cost + estimate, -node.depth, self._count, node))

    def _is_repeated(self, node: _Node) -> bool:
        key = self._state.fingerprint(), self._hasher.of(node.agenda)
        paid = self._paid.get(key)
        if paid is not None and paid <= node.cost:
            return True
        self._paid[key] = node.cost
        return False

    def _go_to(self, node: _Node) -> None:
        wanted: list[_Node] = []
        at: _Node | None = node
        while at is not None and not (at.depth < len(self._path) and self._path[at.depth][0] is at):
            wanted.append(at)
            at = at.above
        keep = 0 if at is None else at.depth + 1
        if keep < len(self._path):
            _, mark, length = self._path[keep]
            self._state.undo(mark)
            del self.ways.trail[length:]
            del self._path[keep:]
        for one in reversed(wanted):
            self._path.append((one, self._state.mark(), len(self.ways.trail)))
            self._state.redo(one.delta)
            self.ways.trail += one.entries
