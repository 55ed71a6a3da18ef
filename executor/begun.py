"""How far a plan was carried out before, by this process or another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from executor.run import Step
from executor.schedule import Order

CatchUp: TypeAlias = Callable[[], Sequence[tuple[int, list[list[Any]]]]]
"""Gives what other processes have committed since it was last asked: the place of a step, or -1, and its changes."""


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
