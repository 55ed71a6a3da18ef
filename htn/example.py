"""What a user says of a domain beside its functions: examples of operators, and what state variables mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from htn.contract import ANY, Type
from htn.state import State
from htn.values import to_json


@dataclass(frozen=True)
class Example:
    """What a user knows about an operator: in the state `given`, with `arguments`, it makes `then` true.

    `then` names every place that changes, as a state does: {"total": {"alice": 7}}. Nothing else changes, so with an
    empty `then` nothing does. `State.ABSENT` stands where an entry is gone.
    """

    operator: str
    arguments: tuple[Any, ...]
    given: Mapping[str, Any]
    then: Mapping[str, Any]

    def changes(self) -> dict[tuple[str, Any], Any]:
        """Return the places that change, and to what, by (variable, key); a plain value has no key: None."""
        after: dict[tuple[str, Any], Any] = {}
        for variable, value in self.then.items():
            pairs = value.items() if isinstance(value, Mapping) else [(None, value)]
            after |= {(variable, key): part for key, part in pairs}
        return after

    def beyond(self, after: Mapping[tuple[str, Any], Any]) -> dict[tuple[str, Any], Any]:
        """Return those of the changes `after` that the example does not name: it says that there are none."""
        named, state = self.changes(), State(self.given)
        return {at: value for at, value in after.items() if at not in named and not _holds(state, *at, value)}

    def to_json(self) -> dict[str, Any]:
        """Return the example as JSON. `gone` lists the places [variable, key] that hold nothing afterwards."""
        after: dict[str, Any] = {}
        for name, value in self.then.items():
            kept = value
            if isinstance(value, Mapping):
                kept = {key: part for key, part in value.items() if part is not State.ABSENT}
            if value is not State.ABSENT and (kept or not value):
                after[name] = kept
        gone = [[name, to_json(key)] for (name, key), value in self.changes().items() if value is State.ABSENT]
        written = {
            "arguments": to_json(list(self.arguments)),
            "given": State(self.given).to_json(),
            "then": State(after).to_json(),
        }
        return written | ({"gone": gone} if gone else {})


def _holds(state: State, variable: str, key: Any, value: Any) -> bool:
    held = state.look_up(variable, key)
    return bool(held is value or held == value)


@dataclass(frozen=True)
class StateVariable:
    """A declared state variable: what its values mean and which are allowed."""

    name: str
    type: Type = ANY
    description: str = ""
