"""What a search works on: tables of functions, and a state that can go back.

A Python domain is one kind of problem; a compiled one can be another, with a state of its own. The search only
calls what stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from htn.aim import Aim
from htn.domain import Domain, Method, Operator, amount
from htn.state import State


class Journaled(Protocol):
    """A state that remembers its changes."""

    def mark(self) -> int:
        """Return a point that `undo` can go back to."""

    def undo(self, mark: int) -> None:
        """Take back every change since `mark`."""

    def surely_differs_from(self, mark: int) -> bool:
        """Say that something is not as it was at `mark`, by one quick look; False says nothing."""

    def fingerprint(self) -> int:
        """Return a number that is equal for equal states."""


class Problem(NamedTuple):
    """The tables of a domain, ready for the search.

    `ways` maps the name of a compound task, `goal_ways` that of a goal's variable to the methods; `aims` maps either to
    what has to hold afterwards, where that is declared.
    """

    name: str
    state: State
    operators: Mapping[str, Operator]
    ways: Mapping[str, tuple[Method, ...]]
    goal_ways: Mapping[str, tuple[Method, ...]]
    multigoal_ways: tuple[Method, ...]
    aims: Mapping[str, Aim]

    @classmethod
    def of(cls, domain: Domain, state: State) -> Problem:
        """Return the problem of a Python domain in a state."""
        return cls(
            domain.source,
            state,
            domain.operators,
            domain.methods,
            domain.goal_methods,
            domain.multigoal_methods,
            domain.aims,
        )

    def cost(self, task: tuple[Any, ...]) -> float:
        """Return what an action costs in the state as it is now, before the action."""
        return amount(self.operators[task[0]].cost, self.state, task[1:])
