"""How many arguments a function of a domain takes, and how costs and durations are declared."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from htn.errors import DomainError
from htn.state import State


@dataclass(frozen=True)
class Arity:
    """How many arguments a function takes after the state."""

    names: tuple[str, ...]
    least: int
    open_ended: bool = False

    @classmethod
    def of(cls, function: Callable[..., Any]) -> "Arity":
        """Read the arity off a function whose first parameter is the state."""
        parameters = list(inspect.signature(function).parameters.values())[1:]
        plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        least = sum(p.default is p.empty for p in plain)
        return cls(tuple(p.name for p in plain), least, any(p.kind is p.VAR_POSITIONAL for p in parameters))

    def accepts(self, count: int) -> bool:
        """Say whether a task with `count` arguments can be meant."""
        return self.least <= count and (self.open_ended or count <= len(self.names))

    def shares_a_count_with(self, other: "Arity") -> bool:
        """Say whether some number of arguments fits both."""
        least = max(self.least, other.least)
        return self.accepts(least) and other.accepts(least)

    def __str__(self) -> str:
        return ", ".join((*self.names, "…") if self.open_ended else self.names)


# A number, or a function of the state before the action and the action's arguments that returns one.
Amount: TypeAlias = float | Callable[..., float]


def amount(of: Amount, state: State, arguments: tuple[Any, ...]) -> float:
    """Return a cost or duration in a state. DomainError when it is negative or no number."""
    value = of(state, *arguments) if callable(of) else of
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise DomainError(f"a cost or duration is {value!r:.60}; it must be a number, at least 0")
    return value
