"""The tree of decompositions as the search leaves it, and how it is written out as the nodes of a plan.

Most of what a plan's tree holds was made by the search anyway. Writing it out takes a new object for each node, and
as long as the search itself where operators do little; so it waits until somebody looks at the tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from htn.domain import Operator
from htn.network import Task
from htn.plan import LATER, Decomposition
from htn.search.agenda import Agenda, Entry, left_in, shown


class Tree:
    """The entries of a search's trail, which nobody changes any more, and the operators that it used.

    `left` is what is still to do: nothing, unless the tree is that of a stage.
    """

    __slots__ = ("_left", "_operators", "_trail")

    def __init__(self, trail: list[Entry], operators: Mapping[str, Operator], left: Agenda = None) -> None:
        self._trail, self._operators, self._left = trail, operators, left

    def steps(self) -> list[Task]:
        """Return the tasks of the actions, in order."""
        return [entry[0] for entry in self._trail if type(entry[1]) is not str]

    def nodes(self) -> tuple[Decomposition, ...]:
        """Return the nodes, in order."""
        index: dict[int, int | None] = {id(None): None}
        versions = {name: operator.version for name, operator in self._operators.items() if operator.version}
        rows: list[tuple[Any, str | None, int | None, str | None]] = []
        add = rows.append
        for at, entry in enumerate(self._trail):
            if type(entry[1]) is str:
                (item, parent, _), method, _ = entry
                index[id(entry)] = at
                add((item if type(item[0]) is str else shown(item), method, index[id(parent)], None))
            else:
                item, parent = entry[0], entry[1]
                add((item, None, index[id(parent)], versions.get(item[0])))
        for item, parent in left_in(self._left):
            add((shown(item), LATER, index[id(parent)], None))
        return tuple(map(Decomposition._make, rows))
