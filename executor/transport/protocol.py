"""What a transport is, and what it calls at its other end."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

Work: TypeAlias = Callable[[str, str], object]
"""Carries out a step of a run: the run's id, and the step's key."""


class Transport(Protocol):
    """Brings steps to workers."""

    def dispatch(self, run_id: str, step: str, label: str) -> None:
        """Send a step on its way, to some worker that has the label. ServiceMissing where that is not possible."""
