"""An agent for one request: its own settings, its own budget of calls, and the store and sandbox of the service."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from executor.agent import Agent
from executor.sandbox import Sandbox
from executor.store import Store


@dataclass(frozen=True)
class Lent:
    """What the agents of all requests share. The sandbox is opened by whoever needs it first."""

    store: Store
    sandbox: Callable[[], Sandbox]


@dataclass
class LentAgent(Agent):
    """An agent that closes nothing that it was lent."""

    lent: Lent | None = None

    def __enter__(self) -> "LentAgent":
        return self

    @cached_property
    def store(self) -> Store:
        """The service's store, or one of its own."""
        return self.lent.store if self.lent else super().store

    @cached_property
    def sandbox(self) -> Sandbox:
        """The service's sandbox, or one of its own."""
        return self.lent.sandbox() if self.lent else super().sandbox
