"""How far a plan was carried out before, by this process or another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from executor.run import Step
from executor.schedule import Order

Committed: TypeAlias = tuple[int, Any]
"""A step that was committed: its place in the plan, or -1, and its changes, None where they could not be written."""

CatchUp: TypeAlias = Callable[[], Sequence[Committed]]
"""Gives what was committed since it was last asked, by other processes and by this one."""


@dataclass(frozen=True)
class Begun:
    """A plan of a run that may have been begun before: its number, its order, and what is done of it.

    `commits` is how many steps of the run had committed, in all its plans.
    """

    number: int = 1
    order: Order | None = None
    steps: Mapping[int, Step] = field(default_factory=dict)
    commits: int = 0
    catch_up: CatchUp = tuple
