"""What a transport is, and what it calls at its other end."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

Work: TypeAlias = Callable[[str, str], object]
"""Carries out a step of a run: the run's id, and the step's key."""


class Transport(Protocol):
    """Brings steps to workers."""

    def dispatch(self, run_id: str, steps: Sequence[str], label: str) -> None:
        """Send steps on their way, to one worker that has the label, which carries them out one after the other.

        ServiceMissing where that is not possible.
        """
