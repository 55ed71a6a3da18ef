"""What a task is for: the conditions that hold when it has been done, as data.

They say when a task that no method applies to is a gap, and hold a learned operator that stands in for a method to what
it was learned for.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from htn.contract import Condition, Contract, Names, Scope, may_hold, parse_condition
from htn.errors import DomainError, NeedsValue
from htn.state import State


class _Promising(Protocol):
    """An operator, as far as it matters here."""

    @property
    def name(self) -> str: ...

    @property
    def contract(self) -> Contract | None: ...


@dataclass(frozen=True)
class Aim:
    """The goal of a task, in terms of its parameters, and the name of the operator that can be learned to reach it."""

    task: str
    operator: str
    parameters: tuple[str, ...]
    conditions: tuple[Condition, ...]

    @classmethod
    def of(cls, task: str, operator: str, parameters: tuple[str, ...], conditions: tuple[str, ...]) -> "Aim":
        """Return the aim that some lines of text say. UsageError names what cannot be used."""
        if not conditions:
            raise DomainError(f"the goal of {task} is empty", hints=('write a condition: goal="loc[box] == place"',))
        names = Names(parameters, (), None, ())
        return cls(task, operator, parameters, tuple(parse_condition(text, names) for text in conditions))

    def holds(self, state: State, arguments: tuple[Any, ...]) -> bool:
        """Say whether the goal holds. Raises NeedsValue when only execution can know."""
        scope = self._scope(state, arguments)
        return all(condition.refuse(scope) is None for condition in self.conditions)

    def may_be_reached(self, state: State, arguments: tuple[Any, ...], operators: Iterable[_Promising]) -> bool:
        """Say whether the goal may be brought about from a state, by what the operators' contracts say.

        An operator without a contract, written in Python, may do anything, as far as anybody can tell.
        """
        others = [operator.contract for operator in operators if operator.name != self.operator]
        known = [contract for contract in others if contract is not None]
        return len(known) < len(others) or may_hold(self.conditions, self._scope(state, arguments), known)

    def held_to(self, apply: Callable[..., Any]) -> Callable[..., Any]:
        """Return an operator's function that does not apply where it does not reach the goal.

        Where that is not known before execution, it does apply.
        """

        def reaching(state: State, *arguments: Any) -> Any:
            result = apply(state, *arguments)
            if result is not state:
                return result
            try:
                return state if self.holds(state, arguments) else None
            except NeedsValue:
                return state

        reaching.__doc__, reaching.__name__ = apply.__doc__, self.operator
        return reaching

    def _scope(self, state: State, arguments: tuple[Any, ...]) -> Scope:
        return Scope(state, dict(zip(self.parameters, arguments, strict=True)))
